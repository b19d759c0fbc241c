"""Triangles and diagonals of matrices."""
from .. import _core
from .._core import MAP_where, attach, ew3, extend, put_out
from ..errors import DTypeError, ShapeError
from ._common import axis_of, lower_triangle, tensor, whole
from .creation import arange


def tril(input, diagonal=0, *, out=None):
    """The lower triangle; zeros above it.

    y[..., i, j] = x[..., i, j] where j - i <= diagonal, else 0

    Args:
        input: at least two dimensions
        diagonal: the last diagonal to keep; 0 = the main one, positive = above it
    Returns: the shape of input
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.tril(torch.ones(2, 2)).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    y = _triangle("tril", input, diagonal, True)
    return y if out is None else put_out(out, y)


def triu(input, diagonal=0, *, out=None):
    """The upper triangle; zeros below it.

    y[..., i, j] = x[..., i, j] where j - i >= diagonal, else 0

    Args:
        input: at least two dimensions
        diagonal: the first diagonal to keep; 0 = the main one, positive = above it
    Returns: the shape of input
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.triu(torch.ones(2, 2)).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    y = _triangle("triu", input, diagonal, False)
    return y if out is None else put_out(out, y)


def _triangle(op, input, diagonal, lower):
    tensor(op, input)
    if input.ndim < 2:
        raise ShapeError(f"{op}: expected a matrix or a batch of matrices, got {list(input.shape)}")
    diagonal = whole(op, "diagonal", diagonal, -(2**62), 2**62)
    m, n = input.shape[-2:]
    diagonal = max(-m - 1, min(n, diagonal))  # all beyond is alike, and small enough for any integer
    return _keep(input, diagonal, lower)


def _keep(input, diagonal, lower):
    x = input.detach()
    y = _core.triangle(x.contiguous(), diagonal, lower)
    if y is None:
        mask, zero = lower_triangle(*x.shape[-2:], diagonal if lower else diagonal - 1).to(x.device), _core.zeros((), dtype=x.dtype)
        y = ew3(MAP_where, mask, *((x, zero) if lower else (zero, x)))
    return attach(y, (input,), triangle_backward, args=(diagonal, lower))


def triangle_backward(node, g):
    """Zeros stay zeros: the gradient is cut to the same triangle."""
    return _keep(g, *node.args),


def tril_indices(row, col, offset=0, *, dtype=None, device=None):
    """The places of a matrix's lower triangle, [2, places].

    >>> import udlfast as torch
    >>> torch.tril_indices(2, 2).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    import numpy
    return _places(numpy.tril_indices(row, offset, col), dtype)


def triu_indices(row, col, offset=0, *, dtype=None, device=None):
    """The places of a matrix's upper triangle, [2, places].

    >>> import udlfast as torch
    >>> torch.triu_indices(2, 2).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    import numpy
    return _places(numpy.triu_indices(row, offset, col), dtype)


def _places(pair, dtype):
    import numpy
    if dtype not in (None, _core.int64, _core.int32):
        raise DTypeError(f"tril_indices, triu_indices: dtype must be int64 or int32, got {dtype}")
    return _core.from_numpy(numpy.ascontiguousarray(numpy.stack(pair), dtype=numpy.int64)).to(dtype or _core.int64)


def _fill_diagonal(self, fill_value, wrap=False):
    """The main diagonal of this tensor (all dimensions alike from three on) set to a number; wrap goes on below a tall matrix."""
    if self.ndim < 2:
        raise ShapeError(f"fill_diagonal_: expected at least two dimensions, got {list(self.shape)}")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise ShapeError(f"fill_diagonal_: expected equal sizes for more than two dimensions, got {list(self.shape)}")
    m, n = self.shape[0], self.shape[1]
    count = min(self.shape)
    places = [arange(count) for _ in self.shape]
    if wrap and self.ndim == 2 and m > n:
        step = arange((m * n + n) // (n + 1))
        flat = step * (n + 1)
        places = [flat // n, flat % n]
    self[tuple(places)] = fill_value
    return self


extend("fill_diagonal_", _fill_diagonal)


def diag(input, diagonal=0, *, out=None):
    """A matrix with a vector on its diagonal, or the diagonal of a matrix.

    Args:
        input: [n] or [m, n]
        diagonal: which; 0 = the main one, positive = above it
    Returns: [n + |diagonal|, n + |diagonal|], or the diagonal
    Raises: ShapeError

    >>> import udlfast as torch
    >>> torch.diag(torch.tensor([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    tensor("diag", input)
    if input.ndim not in (1, 2):
        raise ShapeError(f"diag: expected a vector or a matrix, got {list(input.shape)}; see diagonal and diag_embed")
    y = diag_embed(input, diagonal) if input.ndim == 1 else _core.diagonal(input, diagonal)
    return y if out is None else put_out(out, y)


def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices with the last dimension on their diagonals.

    Args:
        input: at least one dimension
        offset: which diagonal; 0 = the main one, positive = above it
        dim1, dim2: where the dimensions of the matrices go
    Returns: one dimension more than input
    Raises: ShapeError, DimError

    >>> import udlfast as torch
    >>> torch.diag_embed(torch.tensor([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    op = "diag_embed"
    tensor(op, input)
    if input.ndim < 1:
        raise ShapeError(f"{op}: expected at least one dimension, got a number")
    n = input.shape[-1] + abs(offset)
    y = _core.zeros((*input.shape[:-1], n, n), dtype=input.dtype)
    y.diagonal(offset, -2, -1).copy_(input.detach())
    y = attach(y, (input,), diag_embed_backward, args=(offset,))
    a, b = axis_of(op, dim1, y.ndim, "dim1"), axis_of(op, dim2, y.ndim, "dim2")
    if a == b:
        raise ShapeError(f"{op}: dim1 and dim2 must differ, got {dim1} and {dim2}")
    return y if (a, b) == (y.ndim - 2, y.ndim - 1) else y.movedim((-2, -1), (a, b))


def diag_embed_backward(node, g):
    """What stands on the diagonals."""
    return _core.diagonal(g, node.args[0], -2, -1),


def diagflat(input, offset=0):
    """A matrix with all elements of the input on its diagonal.

    >>> import udlfast as torch
    >>> torch.diagflat(torch.tensor([[1], [2]])).tolist()
    [[1, 0], [0, 2]]
    """
    tensor("diagflat", input)
    return diag_embed(input.reshape(-1), offset)


def trace(input):
    """The sum of the main diagonal of a matrix.

    >>> import udlfast as torch
    >>> torch.trace(torch.tensor([[1, 2], [3, 4]])).item()
    5
    """
    tensor("trace", input)
    if input.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, got {list(input.shape)}")
    return input.diagonal().sum()


for _function in (tril, triu, diag, diag_embed, diagflat, trace):
    extend(_function.__name__, _function)
