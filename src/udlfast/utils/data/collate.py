"""From a list of examples to one batch."""

from collections.abc import Sequence

from ... import errors
from ..._core import Tensor


def default_convert(data):
    """Arrays inside a structure become tensors; everything else stays."""
    if isinstance(data, Tensor) or isinstance(data, (str, bytes)):
        return data
    if hasattr(data, "__array_interface__"):
        from ... import as_tensor

        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, dict):
        return same_mapping(data, {k: default_convert(v) for k, v in data.items()})
    if isinstance(data, tuple):
        parts = [default_convert(v) for v in data]
        return type(data)(*parts) if hasattr(data, "_fields") else parts
    if isinstance(data, Sequence):
        return [default_convert(v) for v in data]
    return data


def same_mapping(like, values):
    """A mapping of the type of `like`, if that can be made from a dict."""
    try:
        return type(like)(values)
    except TypeError:
        return values


def pin(batch):
    """The tensors of a batch in page-locked memory, which a GPU reads by itself."""
    if hasattr(batch, "pin_memory"):
        return batch.pin_memory()
    if isinstance(batch, dict):
        return same_mapping(batch, {key: pin(value) for key, value in batch.items()})
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*map(pin, batch))
    return type(batch)(map(pin, batch)) if isinstance(batch, (list, tuple)) else batch


def default_collate(batch):
    """Examples of one kind, stacked: tensors [N, ...], arrays and numbers to tensors, dicts and tuples part by part.

    Arguments:
        batch: a list of examples: tensors, arrays, numbers, strings (which stay a list), or dicts,
            tuples, lists of these.

    Example:
        >>> import udlfast as torch
        >>> x, y = torch.utils.data.default_collate([(1.0, "a"), (2.0, "b")])
        >>> x.tolist(), y
        ([1.0, 2.0], ('a', 'b'))

    Source: *Understanding Deep Learning*, section 6.2 (batches).
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return collate_tensors(batch)
    if hasattr(first, "__array_interface__"):
        return collate_arrays(batch)
    if isinstance(first, (bool, int)):
        from ... import tensor

        return tensor(batch)
    if isinstance(first, float):
        from ... import float64, tensor

        return tensor(batch, dtype=float64)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, dict):
        return same_mapping(first, {k: default_collate([d[k] for d in batch]) for k in first})
    if isinstance(first, Sequence):
        if any(len(example) != len(first) for example in batch):
            raise errors.ShapeError(
                "default_collate: each element in list of batch should be of equal size, got lengths "
                f"{sorted({len(example) for example in batch})}"
            )
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{type(first).__name__}: give the DataLoader a collate_fn"
    )


def collate_tensors(batch):
    """Tensors of one shape, stacked."""
    from ... import stack

    shape = tuple(batch[0].shape)
    for t in batch:
        if tuple(t.shape) != shape:
            raise errors.ShapeError(
                f"default_collate: examples of a batch must have one shape to be stacked, got {list(shape)} and "
                f"{list(t.shape)}: pad them, or give the DataLoader a collate_fn"
            )
    return stack(list(batch))


def collate_arrays(batch):
    """NumPy arrays or numbers, stacked."""
    import numpy as np

    from ... import as_tensor

    first = batch[0]
    if first.dtype.kind in "SUO":
        raise TypeError(
            f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
            f"found an array of {first.dtype}"
        )
    if any(a.shape != first.shape for a in batch):
        raise errors.ShapeError(
            "default_collate: examples of a batch must have one shape to be stacked, got "
            f"{sorted({a.shape for a in batch})}: pad them, or give the DataLoader a collate_fn"
        )
    return as_tensor(np.stack(batch))
