"""Whole slices picked and placed by their numbers along one dimension."""
from .. import _core
from .._core import attach, empty, extend, pick_rows, place_rows, put_out
from ..errors import ShapeError
from ._common import axis_of, in_range, index_tensor, same_type, tensor

ROWS_SET, ROWS_STRICT = 256, 512  # what the index_add kernel is to do
NO_SKIP = -(2**63)  # tells the index_add kernel to leave out nothing


def index_select(input, dim=None, index=None, axis=None, *, out=None):
    """The slices of `dim` whose numbers stand in `index`.

    y[i, j, k] = input[i, index[j], k] for dim 1

    Args:
        input: any shape
        dim: the dimension to pick from
        index: int64 [n]
    Returns: the shape of input with size n along dim
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.index_select(torch.tensor([1, 2, 3]), 0, torch.tensor([2, 0])).tolist()
    [3, 1]
    """
    dim = dim if axis is None else axis
    dim, index = _line("index_select", input, dim, index)
    y = _select(input, dim, index, "index_select")
    return y if out is None else put_out(out, y)


def _line(op, input, dim, index):
    tensor(op, input)
    dim = axis_of(op, dim, input.ndim)
    index = index_tensor(op, index)
    if index.ndim > 1:
        raise ShapeError(f"{op}: expected index [n], got {list(index.shape)}; use gather or input[index] for more")
    return dim, index.reshape(-1).contiguous()


def one_line(index, dim, shape):
    """index [n] if each of its lines along dim is the same one and there is one for each place of `shape`; else None."""
    if index.ndim == len(shape) and 0 not in index.shape:
        for d, (n, s) in enumerate(zip(index.shape, index.stride())):
            if d != dim and (n != shape[d] or (n != 1 and s)):
                return None
        for d in range(index.ndim - 1, -1, -1):
            if d != dim:
                index = index.select(d, 0)
        return index.reshape(-1).contiguous()
    return None


def contiguous_clone(x):
    """A contiguous copy, nothing recorded."""
    out = empty(tuple(x.shape), x.dtype)
    out.copy_(x.detach())
    return out


def _zero_of(shape, dtype):
    """Zeros to clone and add to: one number that stands for all of them."""
    return _core.zeros((), dtype=dtype).expand(tuple(shape))


def _select(input, dim, index, op="index_select", strict=1):
    """index_select of shapes that fit; strict: a negative index is out of range"""
    x = input.contiguous()
    if not x.ndim and index.numel() != 1:
        raise ShapeError(f"index_select: expected one index for a tensor without dimensions, got {index.numel()}")
    try:
        y = pick_rows(x, dim, index, strict)
    except IndexError:
        _refuse(op, x, dim, index, strict)
        raise
    if not y.numel():
        _refuse(op, x, dim, index, strict)
    return attach(y, (x,), index_select_backward, saved=(index,), args=(dim, tuple(x.shape)))


def _refuse(op, x, dim, index, strict):
    """Says which index is out of range, if there is one."""
    n = x.shape[dim] if x.ndim else 1
    in_range(op, index, 0 if strict else -n, n)


def index_select_backward(node, g):
    """Each slice gets the gradients of its copies, added."""
    dim, shape = node.args
    return _add(_zero_of(shape, g.dtype), dim, node.saved[0], g, strict=0),


def index_add(input, dim, index, source, *, alpha=1, out=None):
    """A copy of input with slices added at index along `dim`.

    y = input, then y[i, index[j], k] += alpha source[i, j, k] for dim 1

    Args:
        input: any shape
        dim: the dimension to add along
        index: int64 [n]
        source: the shape of input with size n along dim
        alpha: a number
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.index_add(torch.zeros(2), 0, torch.tensor([1, 1]), torch.tensor([2., 3.])).tolist()
    [0.0, 5.0]
    """
    op = "index_add"
    dim, index = _line(op, input, dim, index)
    same_type(op, input, source, "source")
    _fits(op, input, dim, index, source)
    y = _add(input, dim, index, source if alpha == 1 else source * alpha, op)
    return y if out is None else put_out(out, y)


def _fits(op, input, dim, index, source):
    expected = list(input.shape)
    if expected:
        expected[dim] = index.numel()
    if list(source.shape) != expected:
        raise ShapeError(f"{op}: expected source {expected} for input {list(input.shape)} and {index.numel()} indices, "
                         f"got {list(source.shape)}")


def _add(input, dim, index, source, op="index_add", strict=1):
    dtype = input.dtype
    if dtype not in (_core.float32, _core.float64, _core.int64):
        wide = _core.float32 if dtype.is_floating_point else _core.int64
        return _add(input.to(wide), dim, index, source.to(wide), op, strict).to(dtype)
    out = _rows(input, dim, index, source, dtype.code, op, strict)
    return attach(out, (input, source), index_add_backward, saved=(index,), args=(dim,))


def _rows(input, dim, index, source, how, op, strict):
    """A copy of input with the slices of source added or put at index, nothing recorded."""
    out = contiguous_clone(input)
    if not index.numel() or not out.numel():
        _refuse(op, out, dim, index, strict)
        return out
    try:
        place_rows(out, dim, index, source.detach().contiguous(), how + ROWS_STRICT * strict)
    except IndexError:
        _refuse(op, out, dim, index, strict)
        raise
    return out


def index_add_backward(node, g):
    """Both were added: source gets the slices that it went to."""
    return g, _select(g, node.args[0], node.saved[0]) if node.needs(1) else None


def index_copy(input, dim, index, source, *, out=None):
    """A copy of input with slices replaced at index along `dim`.

    y = input, then y[i, index[j], k] = source[i, j, k] for dim 1

    Args:
        input: any shape
        dim: the dimension to replace along
        index: int64 [n]
        source: the shape of input with size n along dim
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.index_copy(torch.zeros(2), 0, torch.tensor([1]), torch.tensor([3.])).tolist()
    [0.0, 3.0]
    """
    if out is not None:
        return put_out(out, index_copy(input, dim, index, source))
    op = "index_copy"
    dim, index = _line(op, input, dim, index)
    same_type(op, input, source, "source")
    _fits(op, input, dim, index, source)
    return _copy(input, dim, index, source, op)


def _copy(input, dim, index, source, op="index_copy", strict=1):
    out = _rows(input, dim, index, source, ROWS_SET + input.dtype.itemsize, op, strict)
    return attach(out, (input, source), index_copy_backward, saved=(index,), args=(dim,))


def index_copy_backward(node, g):
    """What was replaced gets none; source gets the slices that it went to."""
    dim, index = node.args[0], node.saved[0]
    shape = list(g.shape)
    if shape:
        shape[dim] = index.numel()
    gx = _copy(g, dim, index, _core.zeros(shape, dtype=g.dtype)) if node.needs(0) else None
    return gx, _select(g, dim, index) if node.needs(1) else None


def index_fill(input, dim, index, value, *, out=None):
    """A copy of input with the slices at index along `dim` filled with a number.

    Args:
        input: any shape
        dim: the dimension
        index: int64 [n]
        value: a number, or a tensor without dimensions
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.index_fill(torch.zeros(2), 0, torch.tensor([1]), 3).tolist()
    [0.0, 3.0]
    """
    dim, index = _line("index_fill", input, dim, index)
    if isinstance(value, (int, float)) and (input.dtype.is_floating_point or isinstance(value, int)):
        shape = list(input.shape)
        if shape:
            shape[dim] = index.numel()
        y = _copy(input, dim, index, _core.full((1,) * len(shape), value, dtype=input.dtype).expand(shape), "index_fill", 0)
        return y if out is None else put_out(out, y)
    mask = _core.zeros((input.shape[dim] if input.ndim else 1,), dtype=_core.bool_)
    mask[index] = True
    y = input.masked_fill(mask.reshape(-1, *(1,) * (input.ndim - dim - 1)) if input.ndim else mask.reshape(()), value)
    return y if out is None else put_out(out, y)


def take(input, index, *, out=None):
    """The elements of the flattened input at index.

    Args:
        input: any shape
        index: int64, any shape; negative counts from the end
    Returns: the shape of index
    Raises: DimError for an index out of range, DTypeError

    >>> import udlfast as torch
    >>> torch.take(torch.tensor([[1, 2], [3, 4]]), torch.tensor([3, 0])).tolist()
    [4, 1]
    """
    tensor("take", input)
    index = index_tensor("take", index)
    y = _select(input.reshape(-1), 0, index.reshape(-1).contiguous(), "take", 0).reshape(index.shape)
    return y if out is None else put_out(out, y)


extend("index_select", index_select)
extend("index_add", index_add)
extend("index_copy", index_copy)
extend("index_fill", index_fill)
extend("take", take)
