"""Elements picked and placed by a tensor of places along one dimension."""
from .. import _core
from .._core import Tensor, attach, extend, fits_along, float32, int64, pick_along, place_along, put_out
from ..errors import ArgumentError, DTypeError, ShapeError
from ._common import axis_of, broadcast_shape, index_tensor, same_type, tensor
from .index_select import _add, _copy, _refuse, _select, _zero_of, contiguous_clone, one_line, take

SET, ADD = 0, 1  # what the scatter kernel does with the old element


def gather(input, dim=None, index=None, axis=None, *, sparse_grad=False, out=None):
    """The elements whose places along `dim` stand in `index`.

    y[i, j, k] = input[i, index[i, j, k], k] for dim 1

    Args:
        input: any shape
        dim: the dimension that index replaces
        index: int64, as many dimensions as input and no larger than it outside dim
        sparse_grad: accepted for compatibility
    Returns: the shape of index
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[1], [0]])).tolist()
    [[2], [3]]
    """
    dim = dim if axis is None else axis
    tensor("gather", input)
    dim = axis_of("gather", dim, input.ndim)
    index = _check_index("gather", input, dim, index)
    y = _gather(input, dim, index)
    if out is not None and out.dtype is not input.dtype:
        raise DTypeError(f"gather: expected out of type {input.dtype}, got {out.dtype}")
    return y if out is None else put_out(out, y)


def _gather(input, dim, index, strict=1):
    """gather of shapes that fit; strict: a negative index is out of range"""
    line = _line_of(index, dim, input.shape)
    if line is not None and index.ndim > 1:
        return _select(input, dim, line, "gather", strict)
    index = index.contiguous()
    try:
        out = pick_along(input, dim, index, strict)
    except IndexError:
        _refuse("gather", input, dim, index, strict)
        raise
    return attach(out, (input,), gather_backward, saved=(index,), args=(dim, tuple(input.shape)))


def gather_backward(node, g):
    """Each picked element gets the gradients of its copies, added."""
    dim, shape = node.args
    return _scatter(_zero_of(shape, g.dtype), dim, node.saved[0], g, ADD, strict=0),


def _line_of(index, dim, shape):
    """one_line, which is not looked for where an index lies in order and has several lines."""
    if index.ndim > 1 and index.is_contiguous() and index.numel() != index.shape[dim]:
        return None
    return one_line(index, dim, shape)


def _check_index(op, input, dim, index, source=None):
    """`index` as int64, of a shape that fits; the kernels look at its values."""
    index = index_tensor(op, index)
    if fits_along(input, dim, index) and (source is None or fits_along(source, -1, index)):
        return index
    shape, i_shape = tuple(input.shape) or (1,), tuple(index.shape) or (1,)
    if index.numel() == 0:
        return index
    if len(shape) != len(i_shape):
        raise ShapeError(f"{op}: index needs as many dimensions as input, got index {list(index.shape)} and input "
                         f"{list(input.shape)}; add some with unsqueeze")
    if any(i > s for d, (i, s) in enumerate(zip(i_shape, shape)) if d != dim):
        raise ShapeError(f"{op}: index {list(i_shape)} is larger than input {list(shape)} outside dimension {dim}")
    if source is not None:
        s_shape = tuple(source.shape) or (1,)
        if len(s_shape) != len(i_shape) or any(i > s for i, s in zip(i_shape, s_shape)):
            raise ShapeError(f"{op}: index {list(i_shape)} is larger than the source {list(source.shape)}")
    return index


def scatter(input, dim, index, src=None, *, value=None, reduce=None, out=None):
    """A copy of input with elements placed at index along `dim`.

    y = input, then y[i, index[i, j, k], k] = src[i, j, k] for dim 1

    Args:
        input: any shape
        dim: the dimension that index replaces
        index: int64, as many dimensions as input, no larger than src and, outside dim, than input
        src: a tensor of input's element type, or a number
        value: a number instead of src
        reduce: "add" or "multiply": combine with what is there instead of replacing it
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.scatter(torch.zeros(3), 0, torch.tensor([2]), torch.tensor([5.])).tolist()
    [0.0, 0.0, 5.0]
    """
    if out is not None:
        return put_out(out, scatter(input, dim, index, src, value=value, reduce=reduce))
    op = "scatter"
    tensor(op, input)
    dim = axis_of(op, dim, input.ndim)
    src = value if src is None else src
    tensor(op, index, "index")
    if src is None:
        raise ArgumentError(f"{op}: give src (a tensor) or value (a number)")
    if not isinstance(src, Tensor):
        src = _core.full((1,) * index.ndim, src, dtype=input.dtype).expand(index.shape)
    same_type(op, input, src, "src")
    index = _check_index(op, input, dim, index, src)
    if reduce == "add":
        return _scatter(input, dim, index, _like_index(src, index), ADD)
    if reduce == "multiply":
        from .scatter_reduce import scatter_reduce
        return scatter_reduce(input, dim, index, src, "prod")
    if reduce is not None:
        raise ArgumentError(f'{op}: reduce must be "add", "multiply" or None, got {reduce!r}')
    return _scatter(input, dim, index, _like_index(src, index), SET)


def scatter_add(input, dim, index, src, *, out=None):
    """A copy of input with elements added at index along `dim`.

    y = input, then y[i, index[i, j, k], k] += src[i, j, k] for dim 1

    Args:
        input: any shape
        dim: the dimension that index replaces
        index: int64, as many dimensions as input, no larger than src and, outside dim, than input
        src: a tensor of input's element type
    Returns: the shape of input
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.scatter_add(torch.zeros(2), 0, torch.tensor([1, 1]), torch.tensor([2., 3.])).tolist()
    [0.0, 5.0]
    """
    op = "scatter_add"
    tensor(op, input)
    dim = axis_of(op, dim, input.ndim)
    same_type(op, input, src, "src")
    index = _check_index(op, input, dim, index, src)
    y = _scatter(input, dim, index, _like_index(src, index), ADD, op)
    return y if out is None else put_out(out, y)


def _like_index(src, index):
    """The corner of src that index covers."""
    for d, n in enumerate(index.shape):
        if src.shape[d] != n:
            src = src.narrow(d, 0, n)
    return src


def _scatter(input, dim, index, src, how, op="scatter", strict=1):
    """scatter of what was checked; src has the shape of index"""
    if input.dtype.narrow and how == ADD:
        return _scatter(input.to(float32), dim, index, src.to(float32), how, op, strict).to(input.dtype)
    if how == ADD and not input.dtype.is_floating_point and input.dtype is not int64:
        return _scatter(input.to(int64), dim, index, src.to(int64), how, op, strict).to(input.dtype)
    line = _line_of(index, dim, input.shape)
    if line is not None:
        return (_add if how == ADD else _copy)(input, dim, line, src, op, strict)
    index, out = index.contiguous(), contiguous_clone(input)
    try:
        place_along(out, dim, index, src.detach().contiguous(), how, strict)
    except IndexError:
        _refuse(op, input, dim, index, strict)
        raise
    return attach(out, (input, src), scatter_backward, saved=(index,), args=(dim, how))


def scatter_backward(node, g):
    """What was replaced gets no gradient; src gets that of the places it went to."""
    index, (dim, how) = node.saved[0], node.args
    gx = g
    if how == SET and node.needs(0):
        gx = _scatter(g, dim, index, _core.zeros((1,) * index.ndim, dtype=g.dtype).expand(index.shape), SET)
    return gx, _gather(g, dim, index, 0) if node.needs(1) else None


def take_along_dim(input, indices, dim=None, axis=None, *, out=None):
    """gather whose operands broadcast against each other outside `dim`.

    Args:
        input: any shape
        indices: int64, as many dimensions as input
        dim: the dimension that indices replace; None = of the flattened tensors
    Returns: the broadcast shape, with the size of indices along dim
    Raises: DimError for an index out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.take_along_dim(torch.tensor([[5, 6]]), torch.tensor([[1], [0]]), 1).tolist()
    [[6], [5]]
    """
    dim = dim if axis is None else axis
    if out is not None:
        return put_out(out, take_along_dim(input, indices, dim))
    op = "take_along_dim"
    tensor(op, input)
    indices = index_tensor(op, indices, "indices")
    if dim is None:
        return take(input, indices.reshape(-1))
    dim = axis_of(op, dim, input.ndim)
    if input.ndim != indices.ndim:
        raise ShapeError(f"{op}: expected as many dimensions, got input {list(input.shape)}, indices "
                         f"{list(indices.shape)}")
    a, b = list(input.shape), list(indices.shape)
    n, k = a[dim], b[dim]
    a[dim] = b[dim] = 1
    common = list(broadcast_shape(op, tuple(a), tuple(b)))
    common[dim] = n
    input = input.expand(tuple(common))
    common[dim] = k
    return _gather(input, dim, indices.expand(tuple(common)), 0)


extend("gather", gather)
extend("scatter", scatter)
extend("scatter_add", scatter_add)
extend("take_along_dim", take_along_dim)
