"""Copies of views, and copies of a tensor with a view of them replaced, from tables."""
from .. import _core
from .._core import Tensor, extend, put_out
from ..errors import ShapeError
from ._common import tensor
from .joining import chunk, split

_VIEWS = """
alias as_strided detach diagonal expand narrow permute select slice split split_with_sizes squeeze t transpose unbind unfold
unsqueeze view
""".split()


def _slice(input, dim=0, start=None, end=None, step=1):
    """The part start..end of one dimension, every step-th slice of it; a view."""
    tensor("slice", input)
    dim = dim + input.ndim if dim < 0 else dim
    return input[(slice(None),) * dim + (slice(start, end, step),)]


def _copy(name):
    view = {"slice": _slice, "alias": lambda x: x, "permute": lambda x, dims: x.permute(*dims),
            "expand": lambda x, size, **_: x.expand(*size), "view": lambda x, size: x.view(size)}.get(name)

    def function(input, *args, out=None, **kwargs):
        tensor(name + "_copy", input)
        y = getattr(input, name)(*args, **kwargs) if view is None else view(input, *args, **kwargs)
        if isinstance(y, Tensor):
            return y.clone() if out is None else put_out(out, y)
        return tuple(t.clone() for t in y) if out is None else put_out(out, tuple(y))
    function.__name__ = function.__qualname__ = name + "_copy"
    function.__doc__ = f"A copy of what {name} views; the same arguments."
    return function


for _name in _VIEWS:
    globals()[_name + "_copy"] = _copy(_name)
extend("narrow_copy", globals()["narrow_copy"])


def _scatter(name, view, arguments):
    def function(input, src, *args, out=None, **kwargs):
        tensor(name, input)
        tensor(name, src, "src")
        y = input.clone()
        part = view(y, *args, **kwargs)
        if tuple(part.shape) != tuple(src.shape):
            raise ShapeError(f"{name}: expected src {list(part.shape)}, the shape of the part, got {list(src.shape)}")
        part.copy_(src)
        return y if out is None else put_out(out, y)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""A copy of input with one part replaced by src, a tensor of the part's shape.

    Args:
        input: any shape
        src: what goes there
        {arguments}
    Returns: the shape of input
    Raises: ShapeError if src has another shape, DimError
    """
    extend(name, function)
    return function


select_scatter = _scatter("select_scatter", _core.select, "dim, index: the part input.select(dim, index)")
slice_scatter = _scatter("slice_scatter", _slice, "dim, start, end, step: the part input[start:end:step] along dim")
diagonal_scatter = _scatter("diagonal_scatter", _core.diagonal, "offset, dim1, dim2: the part input.diagonal(...)")
as_strided_scatter = _scatter("as_strided_scatter", _core.as_strided, "size, stride, storage_offset: the part input.as_strided(...)")


def unsafe_chunk(input, chunks, dim=0):
    """chunk; the pieces' histories are not checked against each other."""
    return chunk(input, chunks, dim)


def unsafe_split(tensor, split_size, dim=0):
    """split; the pieces' histories are not checked against each other."""
    return split(tensor, split_size, dim)


def unsafe_split_with_sizes(input, split_sizes, dim=0):
    """split into pieces of the given sizes; the pieces' histories are not checked against each other."""
    return split(input, split_sizes, dim)


for _function in (unsafe_chunk, unsafe_split, unsafe_split_with_sizes):
    extend(_function.__name__, _function)


def sum_to_size(input, *size):
    """The sum over the dimensions along which a tensor of the given size would be expanded to input.

    >>> import udlfast as torch
    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    from .elementwise import sum_to
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    shape = tuple(input.shape)
    extra = len(shape) - len(size)
    if extra < 0 or any(s not in (1, n) for s, n in zip(size, shape[extra:])):
        raise ShapeError(f"sum_to_size: size {list(size)} cannot be expanded to the shape {list(shape)}")
    return sum_to(input, size)


def block_diag(*tensors):
    """A matrix with the tensors (of at most two dimensions) as blocks along its diagonal.

    >>> import udlfast as torch
    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor(3)).tolist()
    [[1, 2, 0], [0, 0, 3]]
    """
    from .joining import cat
    rows = []
    for t in tensors:
        tensor("block_diag", t)
        if t.ndim > 2:
            raise ShapeError(f"block_diag: expected tensors of at most two dimensions, got {list(t.shape)}")
        rows.append(t.reshape(1, -1) if t.ndim < 2 else t)
    if not rows:
        return _core.zeros((1, 0))
    dtype = rows[0].dtype
    for t in rows[1:]:
        dtype = _core.promote_types(dtype, t.dtype)
    width, left, out = sum(t.shape[1] for t in rows), 0, []
    for t in rows:
        h, w = t.shape
        out.append(cat([_core.zeros((h, left), dtype=dtype), t.to(dtype), _core.zeros((h, width - left - w), dtype=dtype)], 1))
        left += w
    return cat(out, 0)


extend("sum_to_size", sum_to_size)
