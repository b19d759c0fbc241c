"""The different elements of a tensor, and counts of them."""
from .. import _core
from .._core import Tensor, extend, put_out
from ..errors import ArgumentError, DTypeError, ShapeError
from ._common import axis_of, index_tensor, tensor, whole
from .cumsum import cumsum, diff
from .gather import scatter
from .masked import nonzero
from .sort import sort


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements, in order.

    Args:
        input: any shape
        sorted: they always come in order here, whatever is given
        return_inverse: also the number of each element's value
        return_counts: also how often each occurs
        dim: compare the slices of a dimension instead of elements
    Returns: values, or (values, inverse, counts) as far as asked for
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.unique(torch.tensor([3, 1, 3])).tolist()
    [1, 3]
    """
    if dim is None:
        tensor("unique", input)
        values, order = sort(input.detach().reshape(-1))
        return _runs(values, order, tuple(input.shape), return_inverse, return_counts)
    import numpy
    a, along = _array("unique", input), axis_of("unique", dim, input.ndim)
    values, inverse, counts = numpy.unique(a, return_inverse=True, return_counts=True, axis=along, equal_nan=False)
    return _results(input, values, inverse.reshape(-1), counts, return_inverse, return_counts)


def _runs(x, order, shape, return_inverse, return_counts):
    """unique of x [n], in which equal elements stand side by side; order: their places in a tensor of `shape`, None = as they stand"""
    new = _core.ones((x.numel(),), dtype=_core.bool_)
    if x.numel() > 1:
        new.narrow(0, 1, x.numel() - 1).copy_(x.narrow(0, 1, x.numel() - 1) != x.narrow(0, 0, x.numel() - 1))
    starts = nonzero(new).squeeze(1)
    out = [x.index_select(0, starts)]
    if return_inverse:
        number = cumsum(new, 0) - 1
        out.append((number if order is None else scatter(number, 0, order, number)).reshape(shape))
    if return_counts:
        out.append(diff(starts, append=_core.full((1,), x.numel(), dtype=_core.int64)))
    return out[0] if len(out) == 1 else tuple(out)


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The elements without repetitions of the one before.

    Args:
        input: any shape
        return_inverse: also the number of the run each element belongs to
        return_counts: also the lengths of the runs
        dim: compare the slices of a dimension instead of elements
    Returns: values, or (values, inverse, counts) as far as asked for
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.unique_consecutive(torch.tensor([3, 3, 1, 3])).tolist()
    [3, 1, 3]
    """
    if dim is None:
        tensor("unique_consecutive", input)
        return _runs(input.detach().reshape(-1), None, tuple(input.shape), return_inverse, return_counts)
    import numpy
    a, d = _array("unique_consecutive", input), axis_of("unique_consecutive", dim, input.ndim)
    rows = numpy.moveaxis(a, d, 0)
    flat = rows.reshape(len(rows), -1) if rows.size else rows.reshape(len(rows), 0)
    new = numpy.ones(len(rows), bool)
    new[1:] = (flat[1:] != flat[:-1]).any(1)
    starts = numpy.flatnonzero(new)
    inverse = numpy.cumsum(new) - 1
    counts = numpy.diff(numpy.append(starts, len(rows)))
    return _results(input, numpy.moveaxis(rows[starts], 0, d), inverse, counts, return_inverse, return_counts)


def _array(op, input):
    tensor(op, input)
    x = input.detach()
    return (x.float() if x.dtype.narrow else x).numpy()


def _results(input, values, inverse, counts, return_inverse, return_counts):
    import numpy
    out = [_core.from_numpy(numpy.ascontiguousarray(values)).to(input.dtype)]
    if return_inverse:
        out.append(_core.from_numpy(numpy.array(inverse, dtype=numpy.int64, order="C")))
    if return_counts:
        out.append(_core.from_numpy(numpy.ascontiguousarray(counts, dtype=numpy.int64)))
    return out[0] if len(out) == 1 else tuple(out)


def bincount(input, weights=None, minlength=0):
    """How often each of 0, 1, 2, ... occurs.

    Args:
        input: [n] whole numbers, not negative
        weights: [n]: what each counts, or None = 1
        minlength: the least length of the result
    Returns: [max(largest + 1, minlength)], int64 (with weights: float64, or float32 for float32 weights)
    Raises: ShapeError, DTypeError, ArgumentError for a negative number, MemoryError for one without end

    >>> import udlfast as torch
    >>> torch.bincount(torch.tensor([1, 1, 3])).tolist()
    [0, 2, 0, 1]
    """
    import numpy
    index = index_tensor("bincount", input, "input")
    minlength = whole("bincount", "minlength", minlength)
    if index.ndim != 1:
        raise ShapeError(f"bincount: expected input [n], got {list(index.shape)}")
    if index.numel() and index.min().item() < 0:
        raise ArgumentError(f"bincount: expected numbers that are not negative, got {index.min().item()}")
    if index.numel() and index.max().item() >= 1 << 48:  # NumPy counts up to 2^63 - 1 in no memory at all
        raise MemoryError(f"bincount: no memory for counts of the numbers up to {index.max().item()}")
    if weights is None:
        return _core.from_numpy(numpy.bincount(index.numpy(), minlength=minlength))
    if tuple(weights.shape) != tuple(index.shape):
        raise ShapeError(f"bincount: expected weights {list(index.shape)}, got {list(weights.shape)}")
    y = _core.from_numpy(numpy.bincount(index.numpy(), _array("bincount", weights), minlength))
    return y.to(weights.dtype) if weights.dtype.is_floating_point else y


def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None):
    """The places where values would go so that the sequence stays in order.

    Args:
        sorted_sequence: [..., n] in ascending order along the last dimension
        input: [..., m] with the same leading sizes, or any shape for a 1-d sequence, or a number
        out_int32: give int32 instead of int64
        right: behind equal elements instead of before them (side="right")
        side: "left" or "right", instead of `right`
        sorter: int64 places that put sorted_sequence in order, or None
    Returns: places, the shape of input
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6])).tolist()
    [1, 3]
    """
    import numpy
    op = "searchsorted"
    tensor(op, sorted_sequence, "sorted_sequence")
    if side not in (None, "left", "right"):
        raise ArgumentError(f'{op}: side must be "left" or "right", got {side!r}')
    side = side or ("right" if right else "left")
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    if isinstance(input, Tensor) and (sorted_sequence.ndim == 1 or sorted_sequence.shape[:-1] == input.shape[:-1]):
        places = _core.search(sorted_sequence.detach().contiguous(), input.detach().contiguous(), side == "right")
        if places is not None:
            places = places.to(_core.int32) if out_int32 else places
            return places if out is None else put_out(out, places)
    s = _array(op, sorted_sequence)
    v = _array(op, input) if isinstance(input, Tensor) else numpy.asarray(input)
    if v.size == 0:
        places = v
    elif s.ndim == 1:
        places = numpy.searchsorted(s, v, side)
    else:
        if s.shape[:-1] != v.shape[:-1]:
            raise ShapeError(f"{op}: the leading sizes of {list(s.shape)} and {list(v.shape)} differ")
        pairs = zip(s.reshape(-1, s.shape[-1]), v.reshape(-1, v.shape[-1]))
        places = numpy.array([numpy.searchsorted(a, b, side) for a, b in pairs]).reshape(v.shape)
    y = _core.from_numpy(numpy.array(places, dtype=numpy.int32 if out_int32 else numpy.int64))
    return y if out is None else put_out(out, y)


def bucketize(input, boundaries, *, out_int32=False, right=False, out=None):
    """The number of the bucket, between boundaries, that each element falls into.

    Args:
        input: any shape, or a number
        boundaries: [n] in ascending order
        out_int32, right: as in searchsorted
    Returns: the shape of input
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.bucketize(torch.tensor([0, 2, 9]), torch.tensor([1, 3])).tolist()
    [0, 1, 2]
    """
    tensor("bucketize", boundaries, "boundaries")
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize: expected boundaries [n], got {list(boundaries.shape)}")
    y = searchsorted(boundaries, input, out_int32=out_int32, right=right)
    return y if out is None else put_out(out, y)


def isin(elements, test_elements, *, assume_unique=False, invert=False, out=None):
    """Whether each element is one of the test elements.

    Args:
        elements, test_elements: tensors, or one of them a number
        assume_unique: accepted for compatibility
        invert: whether it is none of them
    Returns: bool, the shape of elements
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2])).tolist()
    [False, True, False]
    """
    import numpy
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise DTypeError("isin: expected a Tensor and a Tensor or number, got two numbers")
    a, b = (_array("isin", t) if isinstance(t, Tensor) else numpy.asarray(t) for t in (elements, test_elements))
    y = _core.from_numpy(numpy.asarray(numpy.isin(a, b, invert=invert)))
    return y if out is None else put_out(out, y)


extend("unique", unique)
extend("unique_consecutive", unique_consecutive)
extend("bincount", bincount)
