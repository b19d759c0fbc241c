"""What the linear algebra shares: checks, the way to NumPy's LAPACK and back, triangular substitution and LU.

LAPACK runs in float64 (NumPy does so for float32 too); results have the type of the input. Rules of gradients are written in
operations that have gradients themselves.
"""
import functools

import numpy as np

from .. import _core
from .._core import Tensor
from ..errors import DTypeError, LinAlgError, ShapeError

floor = 32  # triangles up to this size are solved row by row


def matrix(op, A, square=False, name="A", least=2):
    """Refuse what is no floating-point tensor of matrices [..., M, N] (of square ones)."""
    if not isinstance(A, Tensor):
        raise DTypeError(f"{op}: expected {name} to be a Tensor, got {type(A).__name__}")
    if A.ndim < least:
        raise ShapeError(f"{op}: the input tensor {name} must have at least {least} dimensions, got {list(A.shape)}")
    if A.dtype is not _core.float32 and A.dtype is not _core.float64:
        raise DTypeError(f"{op}: expected {name} to be float32 or float64, got {A.dtype}; convert it with .float()")
    if square and A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"{op}: {name} must be batches of square matrices, got {A.shape[-2]} by {A.shape[-1]} matrices")


def double(x):
    """The values of a tensor as a float64 array."""
    return x.detach().to(_core.float64).numpy()


def back(a, dtype):
    """An array as a tensor of a type."""
    return _core.from_numpy(np.array(a, order="C")).to(dtype)


def mT(x):
    return x.transpose(-2, -1)


def identity(n, like):
    return back(np.eye(n), like.dtype)


def shape_batch(op, *tensors):
    """The broadcast shape of the leading dimensions."""
    try:
        return np.broadcast_shapes(*(tuple(t.shape[:-2]) for t in tensors))
    except ValueError:
        raise ShapeError(f"{op}: the batch dimensions of {', '.join(str(list(t.shape)) for t in tensors)} do not broadcast") \
            from None


def to_shape(g, shape):
    """g summed to the shape of an operand that was broadcast."""
    from .elementwise import sum_to
    return sum_to(g, tuple(shape))


def constant(y, *inputs):
    """y with zero gradients for inputs on which it does not depend."""
    return _core.attach(y, inputs, constant_backward, args=tuple((tuple(x.shape), x.dtype) for x in inputs))


def constant_backward(node, g):
    """zeros"""
    return tuple(_core.zeros(shape, dtype=dtype) for shape, dtype in node.args)


def lapack(op, reason):
    """A block in which NumPy's LinAlgError becomes ours, with the operation and the reason."""
    return _Lapack(op, reason)


def spectrum(op, function, a):
    """function(a), which ends in values (second of three parts, first of two, or alone): NaN in `a` raises, and matrices with an
    infinity, on which LAPACK may turn without end, have values NaN."""
    finite = np.isfinite(a).all((-2, -1))
    whole = bool(finite.all())
    if not whole:
        if np.isnan(a).any():
            raise LinAlgError(f"{op}: the algorithm failed to converge, as the input holds NaN")
        a = np.where(finite[..., None, None], a, 0)
    with lapack(op, "the algorithm failed to converge"):
        parts = function(a)
    if not whole:
        values = parts[len(parts) - 2] if isinstance(parts, tuple) else parts
        values[~finite] = np.nan
    return parts


class _Lapack:
    def __init__(self, op, reason):
        self.op, self.reason = op, reason

    def __enter__(self):
        self.state = np.errstate(all="ignore")
        self.state.__enter__()

    def __exit__(self, kind, error, trace):
        self.state.__exit__(kind, error, trace)
        if kind is not None and issubclass(kind, np.linalg.LinAlgError):
            raise LinAlgError(f"{self.op}: {self.reason}") from None


def _store(out, r):
    """r in out, which may be a pair of complex parts."""
    return _core.put_out(out, r) if type(r) is _core.Tensor else out.copy_(r)


def with_out(function):
    """Let a function of one result (or a tuple of them) take out=."""
    @functools.wraps(function)
    def run(*args, out=None, **kwargs):
        r = function(*args, **kwargs)
        if out is None:
            return r
        if isinstance(r, tuple):
            return type(r)(*(_store(o, t) for o, t in zip(out, r)))
        return _store(out, r)
    return run


def substitute(A, B, upper=False, unit=False):
    """X with A X = B for triangular arrays A [..., n, n] and B [..., n, k]: halves by matmul, small triangles row by row (_core).

    A zero on the diagonal gives infinities, as division does."""
    n = A.shape[-1]
    if n > floor:
        h = n // 2
        if upper:
            x2 = substitute(A[..., h:, h:], B[..., h:, :], True, unit)
            x1 = substitute(A[..., :h, :h], B[..., :h, :] - A[..., :h, h:] @ x2, True, unit)
        else:
            x1 = substitute(A[..., :h, :h], B[..., :h, :], False, unit)
            x2 = substitute(A[..., h:, h:], B[..., h:, :] - A[..., h:, :h] @ x1, False, unit)
        return np.concatenate([x1, x2], -2)
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    A, X = (np.array(np.broadcast_to(t, (*batch, *t.shape[-2:])), dtype=np.float64, order="C") for t in (A, B))
    if X.size == 0:
        return X
    rows = _core.from_numpy(X.reshape(-1, *X.shape[-2:]))
    _core.substitute(_core.from_numpy(A.reshape(-1, n, n)), rows, upper, unit)
    return rows.numpy().reshape(X.shape)


def lu_arrays(A, pivot=True):
    """(LU, pivots from 1, info) of arrays [..., m, n]: blocks of 32 columns, partial pivoting.

    info: 0, or the first column (from 1) without a pivot other than 0."""
    shape = A.shape
    m, n = shape[-2:]
    k = min(m, n)
    count = int(np.prod(shape[:-2]))
    A = np.array(A, dtype=np.float64).reshape(count, m, n)
    rows = np.arange(count)
    pivots = np.tile(np.arange(1, k + 1, dtype=np.int32), (count, 1))
    info = np.zeros(count, np.int32)
    for start in range(0, k, floor):
        stop = min(k, start + floor)
        for j in range(start, stop):
            if pivot and count:
                p = j + np.argmax(np.abs(A[:, j:, j]), 1)
                pivots[:, j] = p + 1
                taken = A[rows, p].copy()
                A[rows, p] = A[:, j]
                A[:, j] = taken
            d = A[:, j, j].copy()
            info[(d == 0) & (info == 0)] = j + 1
            d[d == 0] = 1 if pivot else 0
            A[:, j + 1:, j] /= d[:, None]
            A[:, j + 1:, j + 1:stop] -= A[:, j + 1:, j, None] * A[:, j, None, j + 1:stop]
        if stop < n:
            A[:, start:stop, stop:] = substitute(A[:, start:stop, start:stop], A[:, start:stop, stop:], unit=True)
            A[:, stop:, stop:] -= A[:, stop:, start:stop] @ A[:, start:stop, stop:]
    return A.reshape(shape), pivots.reshape(*shape[:-2], k), info.reshape(shape[:-2])


def permutation(pivots, m):
    """[..., m]: which row of A stands where after the swaps of `pivots` (so (P^T A)_i = A_perm_i)."""
    flat = pivots.reshape(int(np.prod(pivots.shape[:-1])), pivots.shape[-1])
    order = np.tile(np.arange(m), (flat.shape[0], 1))
    rows = np.arange(flat.shape[0])
    for j in range(flat.shape[1]):
        p = flat[:, j] - 1
        taken = order[rows, p].copy()
        order[rows, p] = order[:, j]
        order[:, j] = taken
    return order.reshape(*pivots.shape[:-1], m)
