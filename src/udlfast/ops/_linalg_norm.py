"""Norms, ranks, pseudo-inverses and functions of matrices (torch.linalg's names and rules)."""
import math

import numpy as np

from .. import _core
from .._core import Tensor, attach, matmul
from ..errors import ArgumentError, DTypeError, ShapeError
from ..return_types import result
from ._common import axes
from ._linalg_common import back, constant, double, matrix, mT, spectrum, with_out
from ._linalg_factor import eigh, eigvalsh, svdvals
from ._linalg_solve import inv_ex
from .elementwise import where
from .reductions import amax, amin
from .reductions import norm as _norm2

Lstsq = result("linalg_lstsq", ("solution", "residuals", "rank", "singular_values"))
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def _number(op, x):
    if not isinstance(x, Tensor):
        raise DTypeError(f"{op}: expected a Tensor, got {type(x).__name__}")
    if not x.dtype.is_floating_point:
        raise DTypeError(f"{op}: expected a floating-point tensor, got {x.dtype}; convert it with .float()")


# ---- norms ------------------------------------------------------------------------------------------------------------------
@with_out
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(sum |x_i|^ord)^(1/ord) over all elements, or over dim; inf: max |x_i|, -inf: min |x_i|, 0: how many are not zero.

    >>> import udlfast as torch
    >>> torch.linalg.vector_norm(torch.tensor([3., 4.])).item()
    5.0
    """
    op = "linalg.vector_norm"
    if dtype is not None:
        x = x.to(dtype)
    _number(op, x)
    dims = tuple(range(x.ndim)) if dim is None or dim == () or dim == [] else axes(op, dim, x.ndim)
    if not x.ndim:
        return vector_norm(x.reshape(1), ord, 0)
    empty = any(x.shape[d] == 0 for d in dims)
    if empty and (ord < 0 or ord == math.inf) and (dim is None or any(x.shape[d] == 0 for d in dims)):
        raise ArgumentError(f"{op}: the norm of order {ord} of no elements does not exist")
    if ord == 2:
        return _norm2(x, 2, dims, keepdim)
    if ord in (math.inf, -math.inf):
        return (amax if ord > 0 else amin)(x.abs(), dims, keepdim)
    if ord == 0:
        return constant((x != 0).to(x.dtype).sum(dims, keepdim), x)
    if ord == 1:
        return x.abs().sum(dims, keepdim)
    y = (x.detach().abs() ** float(ord)).sum(dims, keepdim) ** (1.0 / ord)
    return attach(y, (x,), vector_norm_backward, saved=(x, y), args=(ord, dims, keepdim))


def vector_norm_backward(node, g):
    """g sign(x) |x|^(p-1) y^(1-p), and 0 where x or y is 0."""
    x, y = node.saved
    p, dims, keepdim = node.args
    if not keepdim:
        for d in sorted(dims):
            g, y = g.unsqueeze(d), y.unsqueeze(d)
    zero, none = x == 0, y == 0
    one = _core.ones((), dtype=x.dtype)
    a = where(zero, one, x.abs()) ** (p - 1)
    b = where(none, one, y) ** (1 - p)
    return (where(zero | none, 0.0, x.sign() * a * (g * b)),)


def _two_dims(op, A, dim):
    matrix(op, A)
    if not hasattr(dim, "__len__") or len(dim) != 2:
        raise ArgumentError(f"{op}: dim must be two dimensions, got {dim}")
    d = axes(op, tuple(dim), A.ndim)
    return d


@with_out
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """The norm of matrices: "fro" (Frobenius), "nuc" (sum of singular values), 1 and -1 (columns), inf and -inf (rows),
    2 and -2 (largest and smallest singular value).

    >>> import udlfast as torch
    >>> torch.linalg.matrix_norm(torch.tensor([[3., 4.]])).item()
    5.0
    """
    op = "linalg.matrix_norm"
    if dtype is not None:
        A = A.to(dtype)
    rows, columns = _two_dims(op, A, dim)
    if ord == "fro":
        return _norm2(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(A.movedim((rows, columns), (-2, -1)))
        y = s.sum(-1) if ord == "nuc" else amax(s, -1) if ord == 2 else amin(s, -1)
        if keepdim:
            for d in sorted((rows, columns)):
                y = y.unsqueeze(d)
        return y
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        raise ArgumentError(f"{op}: the order {ord!r} is not supported; expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf")
    first, second = (rows, columns) if abs(ord) == 1 else (columns, rows)
    y = A.abs().sum(first, True)
    y = (amax if ord > 0 else amin)(y, second, True)
    if not keepdim:
        y = y.squeeze(max(rows, columns)).squeeze(min(rows, columns))
    return y


@with_out
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """vector_norm or matrix_norm: by ord and dim, as numpy.linalg.norm.

    >>> import udlfast as torch
    >>> torch.linalg.norm(torch.tensor([3., 4.])).item()
    5.0
    """
    if dim is not None and not isinstance(dim, int) and len(dim) not in (1, 2) and ord is not None:
        raise ArgumentError(f"linalg.norm: if dim is given with ord, it must be one or two dimensions, got {dim}")
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if A.ndim not in (1, 2):
            raise ArgumentError(f"linalg.norm: with ord and no dim the input must be a vector or a matrix, got {list(A.shape)}")
        return vector_norm(A, ord, None, keepdim, dtype=dtype) if A.ndim == 1 and not isinstance(ord, str) else \
            matrix_norm(A, ord, (0, 1), keepdim, dtype=dtype)
    if isinstance(dim, int) or len(dim) == 1:
        if isinstance(ord, str):
            raise ArgumentError(f"linalg.norm: the order {ord!r} needs two dimensions, got dim {dim}")
        return vector_norm(A, ord, dim, keepdim, dtype=dtype)
    return matrix_norm(A, ord, dim, keepdim, dtype=dtype)


@with_out
def cond(A, p=None):
    """The condition number |A| |A^-1| in the norm p (2 by default: the ratio of singular values).

    >>> import udlfast as torch
    >>> torch.linalg.cond(torch.tensor([[1., 0.], [0., 2.]])).item()
    2.0
    """
    op = "linalg.cond"
    matrix(op, A)
    if p in (None, 2, -2):
        s = svdvals(A)
        if s.shape[-1] == 0:
            raise ArgumentError(f"{op}: the condition number of an empty matrix does not exist")
        big, small = s.select(-1, 0), s.select(-1, s.shape[-1] - 1)
        return small / big if p == -2 else big / small
    matrix(op, A, square=True)
    y, info = inv_ex(A)
    r = matrix_norm(A, p) * matrix_norm(y, p)
    return where(info != 0, math.inf, r) if bool((info != 0).any()) else r


# ---- ranks and pseudo-inverses ------------------------------------------------------------------------------------------------
def _cut(op, A, largest, atol, rtol):
    """Singular values at or below this are taken for zero, as an array."""
    eps = EPS[A.dtype.name] * max(A.shape[-2:])
    if rtol is None:
        rtol = eps if atol is None else np.where(_array(atol) > 0, 0.0, eps)
    return np.maximum(_array(atol if atol is not None else 0.0), _array(rtol) * largest)


def _array(x):
    return x.detach().to(_core.float64).numpy() if isinstance(x, Tensor) else np.float64(x)


@with_out
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """How many singular values are above max(atol, rtol times the largest); int64.

    >>> import udlfast as torch
    >>> torch.linalg.matrix_rank(torch.ones(3, 3)).item()
    1
    """
    op = "linalg.matrix_rank"
    matrix(op, A)
    a = A.detach()
    if tol is not None:
        atol, rtol = tol, 0.0
    s = np.abs(double(eigvalsh(a))) if hermitian else double(svdvals(a))
    cut = _cut(op, A, s.max(-1, initial=0.0), atol, rtol)
    return _core.from_numpy(np.array((s > np.asarray(cut)[..., None]).sum(-1), dtype=np.int64))


@with_out
def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """The pseudo-inverse of Moore and Penrose: 1 / s for singular values above max(atol, rtol times the largest), else 0.

    >>> import udlfast as torch
    >>> torch.linalg.pinv(torch.tensor([[2.], [0.]])).tolist()
    [[0.5, 0.0]]
    """
    op = "linalg.pinv"
    matrix(op, A, square=hermitian)
    a, rtol = A.detach(), rcond if rcond is not None else rtol
    m, n = A.shape[-2:]
    if hermitian:
        w, v = eigh(a)
        u, s, vh = double(v), double(w), np.swapaxes(double(v), -1, -2)
    else:
        u, s, vh = spectrum(op, lambda a: tuple(np.linalg.svd(a, full_matrices=False)), double(a))
    size = np.abs(s)
    cut = np.asarray(_cut(op, A, size.max(-1, initial=0.0), atol, rtol))[..., None]
    inverse = np.where(size > cut, 1 / np.where(size > cut, s, 1.0), 0.0)
    p = back(np.swapaxes(vh, -1, -2) * inverse[..., None, :] @ np.swapaxes(u, -1, -2), A.dtype)
    return attach(p, (A,), pinv_backward, saved=(A, p))


def pinv_backward(node, g):
    """From dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P (Golub and Pereyra 1973)."""
    A, p = node.saved
    return (_pinv_gradient(A, p, g),)


def _pinv_gradient(A, p, g):
    pt, gt = mT(p), mT(g)
    r = -matmul(matmul(pt, g), pt)
    x, y = matmul(matmul(gt, p), pt), matmul(matmul(pt, p), gt)
    return r + x - matmul(A, matmul(p, x)) + y - matmul(matmul(y, p), A)


def lstsq(A, B, rcond=None, *, driver=None):
    """X of least |A X - B|.

    Args:
        A: [..., M, N]
        B: [..., M, K], or [..., M]
        rcond: singular values below rcond times the largest count as zero; by default eps max(M, N)
        driver: "gelsy" (default), "gels", "gelsd" or "gelss": which of rank and singular_values are given
    Returns: (solution, residuals, rank, singular_values)

    >>> import udlfast as torch
    >>> torch.linalg.lstsq(torch.tensor([[1.], [1.]]), torch.tensor([[1.], [3.]])).solution.tolist()
    [[2.0]]
    """
    op = "linalg.lstsq"
    matrix(op, A)
    matrix(op, B, name="B", least=1)
    driver = "gelsy" if driver is None else driver
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise ArgumentError(f"{op}: expected driver 'gels', 'gelsy', 'gelsd' or 'gelss', got {driver!r}")
    vector = B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1])
    b = B.unsqueeze(-1) if vector else B
    m, n = A.shape[-2:]
    if b.ndim < 2 or b.shape[-2] != m:
        raise ShapeError(f"{op}: the shapes of A {list(A.shape)} and B {list(B.shape)} do not fit")
    p = pinv(A, rtol=rcond)
    x = matmul(p, b)
    s = double(svdvals(A.detach()))
    cut = np.asarray(_cut(op, A, s.max(-1, initial=0.0), None, rcond))
    rank = (s > cut[..., None]).sum(-1)
    empty = _core.empty(0, dtype=A.dtype)
    wanted = m > n and (driver == "gels" or driver != "gelsy" and (rank == n).all())
    residuals = ((matmul(A, x) - b) ** 2).sum(-2) if wanted else empty
    return Lstsq(x.squeeze(-1) if vector else x, residuals,
                 _core.empty(0, dtype=_core.int64) if driver == "gels" else _core.from_numpy(np.array(rank, dtype=np.int64)),
                 back(s, A.dtype) if driver in ("gelsd", "gelss") else empty)


# ---- functions of matrices ----------------------------------------------------------------------------------------------------
@with_out
def matrix_exp(A):
    """The exponential of square matrices: sum of A^k / k!.

    >>> import udlfast as torch
    >>> torch.linalg.matrix_exp(torch.zeros(2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    matrix("linalg.matrix_exp", A, square=True)
    return attach(back(_exponential(double(A)), A.dtype), (A,), matrix_exp_backward, saved=(A,))


def _exponential(a):
    """Scaling to a norm of at most 1/2, the Taylor series, and squaring (each matrix as often as it was halved)."""
    n = a.shape[-1]
    if a.size == 0:
        return a
    with np.errstate(all="ignore"):
        size = np.abs(a).sum(-2).max(-1)
        s = np.where(np.isfinite(size) & (size > 0.5), np.ceil(np.log2(np.where(size > 0.5, size, 1.0))) + 1, 0)
        x = a / (2.0**s)[..., None, None]
        y = np.broadcast_to(np.eye(n), a.shape).copy()
        for k in range(14, 0, -1):
            y = np.eye(n) + x @ y / k
        for k in range(int(s.max())):
            y = np.where((s > k)[..., None, None], y @ y, y)
    return y


def matrix_exp_backward(node, g):
    """The upper right block of exp([A^T g; 0 A^T])."""
    a = mT(node.saved[0])
    n = a.shape[-1]
    from .joining import cat
    top, bottom = cat([a, g], -1), cat([_core.zeros_like(a), a], -1)
    return (matrix_exp(cat([top, bottom], -2)).narrow(-2, 0, n).narrow(-1, n, n),)


@with_out
def matrix_power(A, n):
    """A multiplied by itself n times; by its inverse for n below 0.

    >>> import udlfast as torch
    >>> torch.linalg.matrix_power(torch.tensor([[2.]]), -1).tolist()
    [[0.5]]
    """
    from .products import matrix_power as power
    matrix("linalg.matrix_power", A, square=True)
    return power(A, n)


@with_out
def multi_dot(tensors):
    """The product of matrices in the order that costs least; the first and last may be vectors.

    >>> import udlfast as torch
    >>> torch.linalg.multi_dot([torch.ones(2), torch.ones(2, 3), torch.ones(3)]).item()
    6.0
    """
    xs = list(tensors)
    if len(xs) < 2:
        raise ArgumentError(f"linalg.multi_dot: expected at least 2 tensors, got {len(xs)}")
    row, column = xs[0].ndim == 1, xs[-1].ndim == 1
    xs[0] = xs[0].unsqueeze(0) if row else xs[0]
    xs[-1] = xs[-1].unsqueeze(1) if column else xs[-1]
    if any(x.ndim != 2 for x in xs):
        raise ShapeError(f"linalg.multi_dot: expected matrices between two matrices or vectors, got {[list(x.shape) for x in xs]}")
    size = [x.shape[0] for x in xs] + [xs[-1].shape[1]]
    for x, after in zip(xs, xs[1:]):
        if x.shape[1] != after.shape[0]:
            raise ShapeError(f"linalg.multi_dot: {list(x.shape)} and {list(after.shape)} cannot be multiplied")
    k = len(xs)
    best = [[0] * k for _ in range(k)]
    cut = [[0] * k for _ in range(k)]
    for length in range(2, k + 1):
        for i in range(k - length + 1):
            j = i + length - 1
            best[i][j], cut[i][j] = min((best[i][c] + best[c + 1][j] + size[i] * size[c + 1] * size[j + 1], c) for c in range(i, j))

    def product(i, j):
        return xs[i] if i == j else matmul(product(i, cut[i][j]), product(cut[i][j] + 1, j))
    y = product(0, k - 1)
    y = y.squeeze(0) if row else y
    return y.squeeze(-1) if column else y


# ---- vectors --------------------------------------------------------------------------------------------------------------------
@with_out
def cross(input, other, *, dim=-1):
    """The vector product along a dimension of size 3.

    >>> import udlfast as torch
    >>> torch.linalg.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.])).tolist()
    [0.0, 0.0, 1.0]
    """
    if input.ndim != other.ndim:
        raise ShapeError(f"linalg.cross: both inputs need as many dimensions, got {input.ndim} and {other.ndim}")
    from .products import cross as product
    return product(input, other, dim)


@with_out
def vecdot(x, y, *, dim=-1):
    """The sum of products along a dimension.

    >>> import udlfast as torch
    >>> torch.linalg.vecdot(torch.tensor([1., 2.]), torch.tensor([3., 4.])).item()
    11.0
    """
    return (x * y).sum(dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonals of matrices (a view).

    >>> import udlfast as torch
    >>> torch.linalg.diagonal(torch.eye(2)).tolist()
    [1.0, 1.0]
    """
    return _core.diagonal(A, offset, dim1, dim2)


def vander(x, N=None):
    """The powers x_i^j, j = 0 .. N - 1.

    >>> import udlfast as torch
    >>> torch.linalg.vander(torch.tensor([2, 3])).tolist()
    [[1, 2], [1, 3]]
    """
    x = x.reshape(1) if x.ndim == 0 else x
    n = x.shape[-1] if N is None else N
    if N is not None and n <= 1:
        raise ArgumentError(f"linalg.vander: expected N above 1, got {N}")
    from .cumsum import cumprod
    from .joining import cat
    dtype = x.dtype if x.dtype.is_floating_point else _core.int64
    x = x.to(dtype).unsqueeze(-1)
    ones = _core.ones_like(x)
    return cat([ones, cumprod(x.expand(*x.shape[:-1], n - 1), -1)], -1) if n > 1 else ones
