"""Elements picked and placed by masks."""
from .. import _core
from .._core import MAP_where, Tensor, attach, ew3, extend, put_out
from ..errors import DTypeError, ShapeError
from ._common import broadcast_shape, same_type, tensor


def masked_fill(input, mask, value):
    """A copy of input with a number wherever the mask is True.

    Args:
        input: any shape
        mask: bool, broadcasts with input
        value: a number, or a tensor without dimensions
    Returns: the common shape
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.masked_fill(torch.tensor([1, 2]), torch.tensor([True, False]), 0).tolist()
    [0, 2]
    """
    op = "masked_fill"
    tensor(op, input)
    _check_mask(op, mask)
    shape = broadcast_shape(op, tuple(input.shape), tuple(mask.shape))
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(f"{op}: value must be a number or a 0-d tensor, got {list(value.shape)}; see where")
        value = value.to(input.dtype)
    else:
        if isinstance(value, float) and not input.dtype.is_floating_point:
            raise DTypeError(f"{op}: the value {value} does not fit into {input.dtype}; convert input with .float()")
        value = _core.full((), value, dtype=input.dtype)
    if tuple(input.shape) != shape:
        input = input.expand(shape)
    y = ew3(MAP_where, mask, value.detach(), input.detach())
    return attach(y, (input, value), masked_fill_backward, saved=(mask,))


def masked_fill_backward(node, g):
    """Filled places pass nothing to input; they are what the value gets."""
    mask = node.saved[0]
    return (masked_fill(g, mask, 0.0) if node.needs(0) else None,
            masked_fill(g, ~mask, 0.0).sum() if node.needs(1) else None)


def _check_mask(op, mask):
    tensor(op, mask, "mask")
    if mask.dtype is not _core.bool_:
        raise DTypeError(f"{op}: expected a bool mask, got {mask.dtype}; compare (mask != 0) or use mask.bool()")


def masked_select(input, mask, *, out=None):
    """The elements where the mask is True, in one dimension.

    Args:
        input: any shape
        mask: bool, broadcasts with input
    Returns: [number of True]
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.masked_select(torch.tensor([1, 2, 3]), torch.tensor([True, False, True])).tolist()
    [1, 3]
    """
    op = "masked_select"
    tensor(op, input)
    _check_mask(op, mask)
    shape = broadcast_shape(op, tuple(input.shape), tuple(mask.shape))
    places = _places(mask.expand(shape))
    y = input.expand(shape).reshape(-1).index_select(0, places)
    return y if out is None else put_out(out, y)


def masked_scatter(input, mask, source):
    """A copy of input whose places with a True mask get the elements of source, in order.

    Args:
        input: any shape
        mask: bool, broadcasts to the shape of input
        source: at least as many elements as places
    Returns: the shape of input
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.masked_scatter(torch.zeros(3), torch.tensor([True, False, True]), torch.tensor([5., 6.])).tolist()
    [5.0, 0.0, 6.0]
    """
    op = "masked_scatter"
    tensor(op, input)
    same_type(op, input, source, "source")
    _check_mask(op, mask)
    shape = broadcast_shape(op, tuple(input.shape), tuple(mask.shape))
    places = _places(mask.expand(shape))
    if source.numel() < places.numel():
        raise ShapeError(f"{op}: the mask has {places.numel()} places, source only {source.numel()} elements")
    flat, new = input.expand(shape).reshape(-1), source.reshape(-1)
    return flat.index_copy(0, places, new.narrow(0, 0, places.numel())).reshape(shape)


def _places(mask):
    """The numbers of the True elements of the flattened mask."""
    found = _core.places(mask.detach().contiguous())
    if found is not None:
        return found
    import numpy
    return _core.from_numpy(numpy.flatnonzero(mask.numpy(force=True)))


def nonzero(input, *, as_tuple=False, out=None):
    """The places of the elements that are not zero.

    Args:
        input: any shape
        as_tuple: give one tensor for each dimension, ready for indexing
    Returns: int64 [places, dimensions], or a tuple of int64 [places]
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.nonzero(torch.tensor([[0, 5], [7, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    if out is not None:
        return put_out(out, nonzero(input, as_tuple=as_tuple))
    tensor("nonzero", input)
    x = input.detach()
    mask = (x if x.dtype is _core.bool_ else x != 0).contiguous()
    found = _core.places(mask, True)
    if found is not None:
        return tuple(i.contiguous() for i in found.unbind(1)) if as_tuple else found
    import numpy
    a = mask.numpy(force=True)
    if as_tuple:
        return tuple(_core.from_numpy(i).to(x.device) for i in (numpy.nonzero(a) if a.ndim else numpy.nonzero(a.reshape(1))))
    return _core.from_numpy(numpy.ascontiguousarray(numpy.argwhere(a)).astype(numpy.int64, copy=False)).to(x.device)


def argwhere(input):
    """The places of the elements that are not zero, [places, dimensions].

    >>> import udlfast as torch
    >>> torch.argwhere(torch.tensor([0, 5])).tolist()
    [[1]]
    """
    return nonzero(input)


extend("masked_fill", masked_fill)
extend("masked_select", masked_select)
extend("masked_scatter", masked_scatter)
extend("nonzero", nonzero)
extend("argwhere", argwhere)
