"""Inverses, determinants and linear systems (torch.linalg's names and rules)."""
import numpy as np

from .. import _core
from .._core import attach, matmul
from ..errors import ArgumentError, LinAlgError, ShapeError
from ..return_types import result
from ._common import once
from ._linalg_common import back, double, identity, lapack, lu_arrays, matrix, mT, shape_batch, substitute, to_shape, with_out
from .elementwise import where
from .triangle import tril, triu

InvEx = result("linalg_inv_ex", ("inverse", "info"))
SolveEx = result("linalg_solve_ex", ("result", "info"))
Slogdet = result("linalg_slogdet", ("sign", "logabsdet"))
SMALL = 64  # triangles up to this size are solved row by row where the batches are the same
_SINGULAR = "the input matrix is singular: its inverse does not exist; pinv or lstsq take such matrices"


# ---- inverse -------------------------------------------------------------------------------------------------------------
@with_out
def inv(A):
    """The inverse of square matrices [..., N, N].

    >>> import udlfast as torch
    >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    matrix("linalg.inv", A, square=True)
    with lapack("linalg.inv", _SINGULAR):
        y = np.linalg.inv(double(A))
    y = back(y, A.dtype)
    return attach(y, (A,), inv_backward, saved=(y,))


def inv_backward(node, g):
    """dY = -Y dA Y"""
    y = mT(node.saved[0])
    return (-matmul(matmul(y, g), y),)


@with_out
def inv_ex(A, *, check_errors=False):
    """(inverse, info): info is 0, or the column without a pivot of each singular matrix.

    >>> import udlfast as torch
    >>> torch.linalg.inv_ex(torch.zeros(1, 1)).info
    tensor(1, dtype=udlfast.int32)
    """
    matrix("linalg.inv_ex", A, square=True)
    try:
        return InvEx(inv(A), _core.zeros(A.shape[:-2], dtype=_core.int32))
    except LinAlgError:
        if check_errors:
            raise
    _, _, info = lu_arrays(double(A))
    bad = _core.from_numpy(np.array(info != 0)).unsqueeze(-1).unsqueeze(-1)
    y = where(bad, float("inf"), inv(where(bad, identity(A.shape[-1], A), A)))
    return InvEx(y, _core.from_numpy(np.array(info)))


# ---- determinants ----------------------------------------------------------------------------------------------------------
@with_out
def det(A):
    """The determinant of square matrices [..., N, N].

    >>> import udlfast as torch
    >>> torch.linalg.det(torch.tensor([[2., 0.], [0., 4.]])).item()
    8.0
    """
    matrix("linalg.det", A, square=True)
    with lapack("linalg.det", "LAPACK failed"):
        y = np.linalg.det(double(A))
    y = back(y, A.dtype)
    return attach(y, (A,), det_backward, saved=(A, y))


def det_backward(node, g):
    """g det A^-T, which is the matrix of cofactors; by singular values where A is singular, or nearly."""
    A, y = node.saved
    a = double(A)
    if a.size == 0:
        return (A * 0,)
    singular = bool(np.isfinite(a).all())
    if singular:
        s = np.linalg.svd(a, compute_uv=False)
        singular = not np.all(s[..., -1] > s[..., 0] * np.finfo(a.dtype).eps * a.shape[-1] * 8)
    if not singular:
        return ((g * y).unsqueeze(-1).unsqueeze(-1) * mT(inv(A)),)
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.stack([np.delete(s, i, -1).prod(-1) for i in range(n)], -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    cofactors = back((u * (others * sign[..., None])[..., None, :]) @ vh, A.dtype)
    return (once("linalg.det of a singular matrix", g.unsqueeze(-1).unsqueeze(-1) * cofactors, g, A),)


@with_out
def slogdet(A):
    """(sign, logabsdet): the determinant is sign e^logabsdet.

    >>> import udlfast as torch
    >>> torch.linalg.slogdet(torch.tensor([[-1.]]))
    udlfast.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.))
    """
    matrix("linalg.slogdet", A, square=True)
    with lapack("linalg.slogdet", "LAPACK failed"):
        sign, y = np.linalg.slogdet(double(A))
    y = back(y, A.dtype)
    return Slogdet(back(sign, A.dtype), attach(y, (A,), slogdet_backward, saved=(A,)))


def slogdet_backward(node, g):
    """g A^-T"""
    (A,) = node.saved
    return (g.unsqueeze(-1).unsqueeze(-1) * mT(inv(A)),)


def logdet(A):
    """The logarithm of the determinant; NaN where it is negative, -inf where it is 0.

    >>> import udlfast as torch
    >>> torch.logdet(torch.eye(2))
    tensor(0.)
    """
    matrix("logdet", A, square=True)
    sign, y = slogdet(A)
    return where(sign < 0, float("nan"), y)


# ---- A X = B ---------------------------------------------------------------------------------------------------------------
@with_out
def solve(A, B, *, left=True):
    """X with A X = B (or X A = B with left=False) for square A.

    Args:
        A: [..., N, N]
        B: [..., N, K], or vectors [..., N]
        left: on which side of X the matrix stands
    Returns: the shape of B, broadcast over the batch
    Raises: LinAlgError for a singular A

    >>> import udlfast as torch
    >>> torch.linalg.solve(torch.tensor([[2.]]), torch.tensor([4.])).tolist()
    [2.0]
    """
    op = "linalg.solve"
    matrix(op, A, square=True)
    matrix(op, B, name="B", least=1)
    if B.dtype is not A.dtype:
        raise ArgumentError(f"{op}: expected A and B to have one element type, got {A.dtype} and {B.dtype}")
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))
    if vector:
        if not left:
            raise ArgumentError(f"{op}: left=False needs matrices B, got vectors {list(B.shape)}")
        return _solve(A, B.unsqueeze(-1)).squeeze(-1)
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise ShapeError(f"{op}: the shapes of A {list(A.shape)} and B {list(B.shape)} do not fit{'' if left else ' (left=False)'}")
    return _solve(A, B) if left else mT(_solve(mT(A), mT(B)))


def _solve(A, B):
    shape_batch("linalg.solve", A, B)
    with lapack("linalg.solve", "the solver failed because the input matrix is singular; lstsq takes such matrices"):
        x = np.linalg.solve(double(A), double(B))
    x = back(x, A.dtype)
    return attach(x, (A, B), solve_backward, saved=(A, x), args=(B.shape,))


def solve_backward(node, g):
    """gB = A^-T g, gA = -gB X^T"""
    A, x = node.saved
    gb = _solve(mT(A), g)
    ga = to_shape(-matmul(gb, mT(x)), A.shape) if node.needs(0) else None
    return ga, to_shape(gb, node.args[0]) if node.needs(1) else None


@with_out
def solve_ex(A, B, *, left=True, check_errors=False):
    """(result, info): as solve, with info as in inv_ex.

    >>> import udlfast as torch
    >>> torch.linalg.solve_ex(torch.tensor([[2.]]), torch.tensor([4.])).info.item()
    0
    """
    matrix("linalg.solve_ex", A, square=True)
    try:
        return SolveEx(solve(A, B, left=left), _core.zeros(A.shape[:-2], dtype=_core.int32))
    except LinAlgError:
        if check_errors:
            raise
    _, _, info = lu_arrays(double(A))
    bad = _core.from_numpy(np.array(info != 0)).unsqueeze(-1).unsqueeze(-1)
    x = solve(where(bad, identity(A.shape[-1], A), A), B, left=left)
    return SolveEx(x, _core.from_numpy(np.array(info)))


@with_out
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """X with A X = B for a triangular A, whose other half is not looked at.

    Args:
        A: [..., N, N]
        B: [..., N, K]; [..., K, N] with left=False
        upper: which half of A counts
        left: on which side of X the matrix stands
        unitriangular: take the diagonal for ones
    Returns: the shape of B, broadcast over the batch; infinities for a zero on the diagonal

    >>> import udlfast as torch
    >>> torch.linalg.solve_triangular(torch.tensor([[2., 9.], [0., 4.]]), torch.tensor([[2.], [0.]]), upper=True).tolist()
    [[1.0], [0.0]]
    """
    op = "linalg.solve_triangular"
    matrix(op, A, square=True)
    matrix(op, B, name="B")
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise ShapeError(f"{op}: the shapes of A {list(A.shape)} and B {list(B.shape)} do not fit{'' if left else ' (left=False)'}")
    if left:
        return _triangular(A, B, upper, unitriangular)
    return mT(_triangular(mT(A), mT(B), not upper, unitriangular))


def _triangular(A, B, upper, unit):
    if A.shape[-1] <= SMALL and A.shape[:-2] == B.shape[:-2] and A.dtype is B.dtype and _core.at_hand():
        x = _by_rows(A.detach(), B.detach(), upper, unit)
    else:
        shape_batch("linalg.solve_triangular", A, B)
        with np.errstate(all="ignore"):
            x = back(substitute(double(A), double(B), upper, unit), A.dtype)
    return attach(x, (A, B), triangular_backward, saved=(A, x), args=(B.shape, upper, unit))


def _by_rows(A, B, upper, unit):
    """Small triangles of the same batch as B, row by row in float64."""
    x = B.to(_core.float64).contiguous()
    x = x.clone() if x is B or _core.storage_address(x) == _core.storage_address(B) else x
    if x.numel():
        n, k = x.shape[-2:]
        _core.substitute(A.to(_core.float64).contiguous().reshape(-1, n, n), x.reshape(-1, n, k), upper, unit)
    return x.to(B.dtype)


def triangular_backward(node, g):
    """As solve_backward, cut to the triangle that counts."""
    A, x = node.saved
    shape, upper, unit = node.args
    gb = _triangular(mT(A), g, not upper, unit)
    ga = None
    if node.needs(0):
        ga = to_shape(-matmul(gb, mT(x)), A.shape)
        ga = triu(ga, int(unit)) if upper else tril(ga, -int(unit))
    return ga, to_shape(gb, shape) if node.needs(1) else None


# ---- tensors as matrices -----------------------------------------------------------------------------------------------------
@with_out
def tensorinv(A, ind=2):
    """The inverse of A for tensordot over `ind` dimensions.

    >>> import udlfast as torch
    >>> torch.linalg.tensorinv(torch.eye(4).reshape(4, 2, 2), ind=1).shape
    udlfast.Size([2, 2, 4])
    """
    if ind <= 0:
        raise ArgumentError(f"linalg.tensorinv: expected ind above 0, got {ind}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    n, m = int(np.prod(first)), int(np.prod(last))
    if n != m:
        raise ShapeError(f"linalg.tensorinv: the products of {list(first)} and {list(last)} must be equal")
    return inv(A.reshape(n, n)).reshape(*last, *first)


@with_out
def tensorsolve(A, B, dims=None):
    """X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first.

    >>> import udlfast as torch
    >>> torch.linalg.tensorsolve(torch.eye(4).reshape(4, 2, 2), torch.ones(4)).shape
    udlfast.Size([2, 2])
    """
    if dims is not None:
        dims = [d % A.ndim for d in ((dims,) if isinstance(dims, int) else dims)]
        A = A.permute(*[d for d in range(A.ndim) if d not in dims], *dims)
    shape = tuple(A.shape[B.ndim:])
    if int(np.prod(shape)) != B.numel() or A.numel() != B.numel() ** 2:
        raise ShapeError(f"linalg.tensorsolve: A {list(A.shape)} is not square over B {list(B.shape)}")
    return solve(A.reshape(B.numel(), B.numel()), B.reshape(-1)).reshape(shape)
