"""Elements combined at places along one dimension, and other ways to place elements."""
from .. import _core
from .._core import Tensor, attach, extend, put_out
from ..errors import ArgumentError, ShapeError
from ._common import axis_of, in_range, index_tensor, same_type, tensor, whole
from .elementwise import where
from .gather import ADD, SET, _check_index, _gather, _like_index, _scatter
from .index_select import _fits, _line


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True, out=None):
    """A copy of input with elements combined at index along `dim`.

    Args:
        input: any shape
        dim: the dimension that index replaces
        index: int64, as many dimensions as input, no larger than src and, outside dim, than input
        src: a tensor of input's element type
        reduce: "sum", "mean", "prod", "amax" or "amin"
        include_self: whether the elements of input take part where others arrive
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.scatter_reduce(torch.ones(2), 0, torch.tensor([1, 1]), torch.tensor([2., 3.]), "amax").tolist()
    [1.0, 3.0]
    """
    y = _reduce("scatter_reduce", input, dim, index, src, reduce, include_self)
    return y if out is None else put_out(out, y)


def _reduce(op, input, dim, index, src, reduce, include_self):
    tensor(op, input)
    dim = axis_of(op, dim, input.ndim)
    same_type(op, input, src, "src")
    index = _check_index(op, input, dim, index, src)
    src = _like_index(src, index)
    if reduce in ("sum", "mean"):
        start = input if include_self else _scatter(input, dim, index, src * 0, SET)
        total = _scatter(start, dim, index, src, ADD)
        if reduce == "sum":
            return total
        counts = _scatter(_core.zeros(input.shape, dtype=input.dtype), dim, index, _core.ones_like(src), ADD)
        counts = (counts + 1 if include_self else counts).clamp(min=1)
        return total / counts if input.dtype.is_floating_point else total // counts
    if reduce not in ("prod", "amax", "amin"):
        raise ArgumentError(f'{op}: reduce must be "sum", "mean", "prod", "amax" or "amin", got {reduce!r}')
    y = _combine(input.detach(), dim, index, src.detach(), reduce, include_self)
    return attach(y, (input, src), scatter_reduce_backward, saved=(input, src, index, y), args=(dim, reduce, include_self))


def _combine(x, dim, index, src, reduce, include_self):
    """The values of reduce = prod, amax or amin."""
    import numpy
    function = {"prod": numpy.multiply, "amax": numpy.maximum, "amin": numpy.minimum}[reduce]
    if include_self:
        start = x.clone()
    else:  # every touched place starts from one of its arrivals ("prod": from 1)
        start = _scatter(x, dim, index, _core.ones_like(src) if reduce == "prod" else src, SET)
    narrow = start.dtype.narrow
    start, src = (start.float(), src.float()) if narrow else (start, src)
    out, at = start.reshape(x.shape or (1,)).numpy(), list(numpy.indices(tuple(index.shape) or (1,)))
    at[dim] = index.numpy().reshape(at[dim].shape)
    function.at(out, tuple(at), src.numpy().reshape(at[dim].shape))
    return start.to(x.dtype) if narrow else start


def scatter_reduce_backward(node, g):
    """Extremes share g among all that reach them; a factor gets g times the product of the others."""
    x, src, index, y = node.saved
    dim, reduce, include_self = node.args
    plain, arrived = x.detach(), src.detach()
    zeros = _core.zeros(x.shape, dtype=g.dtype)
    alone = _scatter(_core.ones(x.shape, dtype=g.dtype), dim, index, _core.zeros_like(arrived), SET)  # 1 where nothing arrived
    if reduce == "prod":
        own = where(plain == 0, 1.0, plain) if include_self else plain
        rest = _combine(own, dim, index, where(arrived == 0, 1.0, arrived), "prod", include_self)  # product of what is not 0
        empty = _scatter((plain == 0).to(g.dtype) if include_self else zeros, dim, index, (arrived == 0).to(g.dtype), ADD)

        def slope(v, rest, empty):
            safe = where(v == 0, 1.0, v)
            return where(v == 0, where(empty == 1, rest, 0.0), where(empty == 0, rest / safe, 0.0))
        gx = g * slope(plain, rest, empty) if include_self else g * alone
        gs = _gather(g, dim, index) * slope(arrived, _gather(rest, dim, index), _gather(empty, dim, index))
        return gx, gs
    top = y.detach()
    own = (plain == top).to(g.dtype) if include_self else alone
    hit = (arrived == _gather(top, dim, index)).to(g.dtype)
    share = g / _scatter(own, dim, index, hit, ADD).clamp(min=1.0)
    return share * own, _gather(share, dim, index) * hit


def index_reduce(input, dim, index, source, reduce, *, include_self=True, out=None):
    """A copy of input with slices combined at index along `dim`.

    Args:
        input: any shape
        dim: the dimension
        index: int64 [n]
        source: the shape of input with size n along dim
        reduce: "prod", "mean", "amax" or "amin"
        include_self: whether the slices of input take part where others arrive
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([1, 1]), torch.tensor([2., 3.]), "prod").tolist()
    [1.0, 6.0]
    """
    op = "index_reduce"
    dim, index = _line(op, input, dim, index)
    same_type(op, input, source, "source")
    _fits(op, input, dim, index, source)
    places = index.reshape(-1, *(1,) * (input.ndim - dim - 1)).expand(source.shape) if input.ndim else index.reshape(())
    y = _reduce(op, input, dim, places, source, reduce, include_self)
    return y if out is None else put_out(out, y)


def put(input, index, source, accumulate=False):
    """A copy of input with elements placed (or added) at places of the flattened tensor.

    Args:
        input: any shape
        index: int64, any shape; negative counts from the end
        source: as many elements as index
        accumulate: add to what is there
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.put(torch.zeros(2, 2), torch.tensor([1, -1]), torch.tensor([5., 6.])).tolist()
    [[0.0, 5.0], [0.0, 6.0]]
    """
    tensor("put", input)
    same_type("put", input, source, "source")
    index = index_tensor("put", index)
    n = input.numel()
    in_range("put", index, -n, n)
    if index.numel() != source.numel():
        raise ShapeError(f"put: expected one element for each index, got {index.numel()} indices and {source.numel()} elements")
    flat = index.reshape(-1)
    flat = where(flat < 0, flat + n, flat)
    y = _scatter(input.reshape(-1), 0, flat, source.reshape(-1), ADD if accumulate else SET)
    return y.reshape(input.shape)


def unravel_index(indices, shape):
    """The places in a tensor of the given shape of elements counted through in order: one tensor for each dimension.

    >>> import udlfast as torch
    >>> [t.item() for t in torch.unravel_index(torch.tensor(5), (2, 3))]
    [1, 2]
    """
    indices = index_tensor("unravel_index", indices, "indices")
    shape = (shape,) if isinstance(shape, int) else tuple(int(s) for s in (shape.tolist() if isinstance(shape, Tensor) else shape))
    if any(s < 0 for s in shape):
        raise ArgumentError(f"unravel_index: sizes must not be negative, got {shape}")
    out = []
    for s in reversed(shape):
        out.append(indices % s)
        indices = indices // s
    return tuple(reversed(out))


def nonzero_static(input, *, size, fill_value=-1):
    """nonzero with `size` rows: cut, or filled up with fill_value.

    >>> import udlfast as torch
    >>> torch.nonzero_static(torch.tensor([0, 5]), size=2).tolist()
    [[1], [-1]]
    """
    found = input.nonzero()[:whole("nonzero_static", "size", size)]
    rest = _core.full((size - found.shape[0], found.shape[1]), fill_value, dtype=_core.int64)
    from .joining import cat
    return cat([found, rest], 0)


def segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None, out=None):
    """Neighbouring slices along the first dimension combined in segments.

    Args:
        data: [n, ...]
        reduce: "sum", "mean", "max", "min" or "prod"
        lengths: int64 [segments], which add up to n
        offsets: int64 [segments + 1] instead of lengths: where each segment starts, and n
        indices: not offered
        axis: only 0
        initial: what each segment starts from; a mean is then initial plus the sum, over the number of elements (at least 1)
    Returns: [segments, ...]
    Raises: ArgumentError, ShapeError

    >>> import udlfast as torch
    >>> torch.segment_reduce(torch.tensor([1., 2., 3.]), "sum", lengths=torch.tensor([1, 2])).tolist()
    [1.0, 5.0]
    """
    op = "segment_reduce"
    tensor(op, data, "data")
    if axis != 0 or indices is not None or (lengths is None) == (offsets is None):
        raise ArgumentError(f"{op}: give lengths or offsets, one number for each segment, along axis 0")
    lengths = index_tensor(op, lengths, "lengths") if offsets is None else offsets[1:] - offsets[:-1]
    if lengths.ndim != 1 or int(lengths.sum()) != data.shape[0]:
        raise ShapeError(f"{op}: the lengths must add up to {data.shape[0]}, got {lengths.tolist()}")
    kind = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    start = {"amax": float("-inf"), "amin": float("inf"), "prod": 1.0}.get(kind, 0.0)
    empty = start if kind != "mean" else float("nan")
    n = lengths.numel()
    place = _core.zeros((data.shape[0],), dtype=_core.int64)
    if data.shape[0]:
        place = lengths.new_tensor(list(range(n))).repeat_interleave(lengths)
    place = place.reshape(-1, *(1,) * (data.ndim - 1)).expand(data.shape)
    base = _core.full((n, *data.shape[1:]), empty if initial is None else initial, dtype=data.dtype)
    if kind == "mean" and initial is not None:
        y = _reduce(op, base, 0, place, data, "sum", True) / lengths.clamp(min=1).reshape(-1, *(1,) * (data.ndim - 1))
    else:
        y = _reduce(op, base, 0, place, data, kind, initial is not None)
    return y if out is None else put_out(out, y)


for _function in (scatter_reduce, index_reduce, put, nonzero_static):
    extend(_function.__name__, _function)
