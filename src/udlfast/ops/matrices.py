"""Linear algebra at torch and Tensor level: older names of what torch.linalg has, and functions of factors."""
import types

import numpy as np

from .. import _core
from .._core import attach, extend, matmul
from ..errors import ArgumentError, ShapeError, check_repeats
from ..return_types import result
from . import _linalg_factor as factor
from . import _linalg_norm as norms
from . import _linalg_solve as solving
from ._linalg_common import back, double, identity, matrix, mT, permutation, to_shape, with_out

TriangularSolve = result("triangular_solve", "solution cloned_coefficient")
SVD = result("svd", "U S V")
Geqrf = result("geqrf", "a tau")


def _here(function, name):
    """The same function under a name of this file."""
    f = types.FunctionType(function.__code__, function.__globals__, name, function.__defaults__, function.__closure__)
    f.__kwdefaults__, f.__doc__, f.__module__, f.__qualname__ = function.__kwdefaults__, function.__doc__, __name__, name
    return f


det, logdet, slogdet = _here(solving.det, "det"), _here(solving.logdet, "logdet"), _here(solving.slogdet, "slogdet")
inverse, matrix_exp = _here(solving.inv, "inverse"), _here(norms.matrix_exp, "matrix_exp")


def pinverse(input, rcond=1e-15):
    """The pseudo-inverse; see udlfast.linalg.pinv.

    >>> import udlfast as torch
    >>> torch.pinverse(torch.tensor([[2.], [0.]])).tolist()
    [[0.5, 0.0]]
    """
    return norms.pinv(input, rtol=rcond)


def cholesky(input, upper=False, *, out=None):
    """The factor of Cholesky; see udlfast.linalg.cholesky.

    >>> import udlfast as torch
    >>> torch.cholesky(torch.tensor([[4.]])).tolist()
    [[2.0]]
    """
    return factor.cholesky(input, upper=upper, out=out)


@with_out
def cholesky_solve(B, L, upper=False):
    """X with A X = B for A = L L^T (A = L^T L with upper=True).

    >>> import udlfast as torch
    >>> torch.cholesky_solve(torch.tensor([[8.]]), torch.tensor([[2.]])).tolist()
    [[2.0]]
    """
    matrix("cholesky_solve", L, square=True, name="L")
    matrix("cholesky_solve", B, name="B")
    if B.shape[-2] != L.shape[-1]:
        raise ShapeError(f"cholesky_solve: the shapes of B {list(B.shape)} and L {list(L.shape)} do not fit")
    first, second = (mT(L), L) if upper else (L, mT(L))
    y = solving._triangular(first.detach(), B.detach(), False, False)
    x = solving._triangular(second.detach(), y, True, False)
    return attach(x, (B, L), cholesky_solve_backward, saved=(L, x), args=(B.shape, upper))


def cholesky_solve_backward(node, g):
    """gB = A^-1 g; gL = -(gA + gA^T) L with gA = gB X^T, which also fills the half of gL that belongs to zeros."""
    L, x = node.saved
    shape, upper = node.args
    gb = cholesky_solve(g, L, upper)
    gl = None
    if node.needs(1):
        s = matmul(gb, mT(x))
        s = s + mT(s)
        gl = to_shape(-matmul(L, s) if upper else -matmul(s, L), L.shape)
    return to_shape(gb, shape) if node.needs(0) else None, gl


@with_out
def cholesky_inverse(L, upper=False):
    """The inverse of A from its factor of Cholesky.

    >>> import udlfast as torch
    >>> torch.cholesky_inverse(torch.tensor([[2.]])).tolist()
    [[0.25]]
    """
    matrix("cholesky_inverse", L, square=True, name="L")
    y = cholesky_solve(identity(L.shape[-1], L), L.detach(), upper)
    return attach(y, (L,), cholesky_inverse_backward, saved=(L, y), args=(upper,))


def cholesky_inverse_backward(node, g):
    """gL = -Y (g + g^T) Y L"""
    L, y = node.saved
    s = matmul(matmul(y, g + mT(g)), y)
    return (-matmul(L, s) if node.args[0] else -matmul(s, L),)


def qr(input, some=True, *, out=None):
    """(Q, R); some=False gives a square Q. See udlfast.linalg.qr.

    >>> import udlfast as torch
    >>> torch.qr(torch.tensor([[-2.]])).R.abs().tolist()
    [[2.0]]
    """
    return factor.qr(input, "reduced" if some else "complete", out=out)


@with_out
def svd(input, some=True, compute_uv=True):
    """(U, S, V) with input = U diag(S) V^T; some=False gives square U and V. See udlfast.linalg.svd.

    >>> import udlfast as torch
    >>> torch.svd(torch.tensor([[-2.]])).S.tolist()
    [2.0]
    """
    if not compute_uv:
        m, n = input.shape[-2:]
        zeros = [_core.zeros((*input.shape[:-2], k, k), dtype=input.dtype) for k in (m, n)]
        return SVD(zeros[0], factor.svdvals(input), zeros[1])
    u, s, vh = factor.svd(input, full_matrices=not some)
    return SVD(u, s, mT(vh))


@with_out
def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False):
    """(X, A) with A X = b (A^T X = b with transpose=True); see udlfast.linalg.solve_triangular.

    >>> import udlfast as torch
    >>> torch.triangular_solve(torch.tensor([[4.]]), torch.tensor([[2.]])).solution.tolist()
    [[2.0]]
    """
    x = solving.solve_triangular(mT(A) if transpose else A, b, upper=upper != transpose, unitriangular=unitriangular)
    return TriangularSolve(x, A.clone())


def lu(A, pivot=True, get_infos=False):
    """(LU, pivots), and info with get_infos; see udlfast.linalg.lu_factor_ex.

    >>> import udlfast as torch
    >>> torch.lu(torch.tensor([[2.]]))[0].tolist()
    [[2.0]]
    """
    y, pivots, info = factor.lu_factor_ex(A, pivot=pivot)
    return (y, pivots, info) if get_infos else (y, pivots)


def lu_solve(b, LU_data, LU_pivots, *, out=None):
    """X with A X = b from the factors of A; see udlfast.linalg.lu_solve.

    >>> import udlfast as torch
    >>> torch.lu_solve(torch.tensor([[4.]]), *torch.lu(torch.tensor([[2.]]))).tolist()
    [[2.0]]
    """
    return factor.lu_solve(LU_data, LU_pivots, b, out=out)


@with_out
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """(P, L, U) from what lu gives; parts that are not asked for are empty.

    >>> import udlfast as torch
    >>> torch.lu_unpack(*torch.lu(torch.tensor([[2.]])))[2].tolist()
    [[2.0]]
    """
    matrix("lu_unpack", LU_data, name="LU_data")
    none = _core.empty(0, dtype=LU_data.dtype)
    low, up = factor.unpack(LU_data) if unpack_data else (none, none)
    if not unpack_pivots:
        return factor.LU(none, low, up)
    if LU_pivots.dtype is not _core.int32:
        raise ArgumentError(f"lu_unpack: expected LU_pivots of type int32, got {LU_pivots.dtype}")
    m = LU_data.shape[-2]
    p = np.eye(m)[permutation(LU_pivots.numpy(), m)]
    return factor.LU(back(np.swapaxes(p, -1, -2), LU_data.dtype), low, up)


@with_out
def geqrf(input):
    """(a, tau): R in the upper triangle of a, and below it the reflections whose product is Q (see orgqr).

    >>> import udlfast as torch
    >>> torch.geqrf(torch.tensor([[-2.]])).a.abs().tolist()
    [[2.0]]
    """
    matrix("geqrf", input)
    a = double(input)
    flat = a.reshape(-1, *a.shape[-2:]) if a.size else np.zeros((int(np.prod(a.shape[:-2])), *a.shape[-2:]))
    raw = [np.linalg.qr(x, "raw") for x in flat]
    k = min(a.shape[-2:])
    h = np.stack([r[0].T for r in raw]) if raw else flat
    tau = np.stack([r[1] for r in raw]) if raw else np.zeros((0, k))
    return Geqrf(*attach((back(h.reshape(a.shape), input.dtype), back(tau.reshape(*a.shape[:-2], k), input.dtype)), (input,),
                         factor._no_gradient, args=("geqrf",)))


orgqr = _here(factor.householder_product, "orgqr")


@with_out
def ormqr(input, tau, other, left=True, transpose=False):
    """Q other (other Q with left=False; Q^T with transpose=True), Q being the product of all reflections of geqrf.

    >>> import udlfast as torch
    >>> torch.ormqr(torch.zeros(1, 1), torch.zeros(1), torch.ones(1, 1)).tolist()
    [[1.0]]
    """
    matrix("ormqr", input)
    m = input.shape[-2]
    if other.shape[-2 if left else -1] != m:
        raise ShapeError(f"ormqr: the shapes {list(input.shape)} and {list(other.shape)} do not fit")
    if left:
        return factor._reflect(input, tau, other, reverse=not transpose)
    return mT(factor._reflect(input, tau, mT(other), reverse=transpose))


# ---- norms ---------------------------------------------------------------------------------------------------------------------
@with_out
def frobenius_norm(input, dim=(), keepdim=False):
    """The root of the sum of squares over dim (all by default).

    >>> import udlfast as torch
    >>> torch.frobenius_norm(torch.tensor([[3., 4.]])).item()
    5.0
    """
    return norms.vector_norm(input, 2, dim if isinstance(dim, int) or len(dim) else None, keepdim)


@with_out
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """The sum of the singular values.

    >>> import udlfast as torch
    >>> torch.nuclear_norm(torch.tensor([[3., 0.], [0., 4.]])).item()
    7.0
    """
    if isinstance(dim, bool):
        dim, keepdim = (-2, -1), dim
    return norms.matrix_norm(input, "nuc", dim, keepdim)


# ---- low rank ----------------------------------------------------------------------------------------------------------------
def svd_lowrank(A, q=6, niter=2, M=None):
    """(U, S, V) of rank q, close to the first q singular values and vectors of A (of A - M).

    Args:
        A: [..., M, N]
        q: how many
        niter: how often A and its transpose are applied to sharpen the subspace
        M: what to subtract, or None

    >>> import udlfast as torch
    >>> torch.svd_lowrank(torch.eye(4), q=2)[1].tolist()
    [1.0, 1.0]

    Source: Halko et al. 2011, algorithm 5.1.
    """
    from .random import randn
    A = A if M is None else A - M
    m, n = A.shape[-2:]
    if not 0 <= q <= min(m, n):
        raise ArgumentError(f"svd_lowrank: q must be from 0 to {min(m, n)}, got {q}")
    check_repeats("svd_lowrank: niter", niter)
    wide = m < n
    a = mT(A) if wide else A
    y = factor.qr(matmul(a, randn(*A.shape[:-2], a.shape[-1], q, dtype=A.dtype)))[0]
    for _ in range(niter):
        y = factor.qr(matmul(mT(a), y))[0]
        y = factor.qr(matmul(a, y))[0]
    u, s, vh = factor.svd(matmul(mT(y), a), full_matrices=False)
    u, v = matmul(y, u), mT(vh)
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A, q=None, center=True, niter=2):
    """(U, S, V): svd_lowrank of A, after taking the mean of its rows away; the columns of V are principal directions.

    >>> import udlfast as torch
    >>> [t.shape[0] for t in torch.pca_lowrank(torch.randn(5, 3), q=2)]
    [5, 2, 3]
    """
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ArgumentError(f"pca_lowrank: q must be from 0 to {min(m, n)}, got {q}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


for _name, _function in {
    "det": det, "logdet": logdet, "slogdet": slogdet, "inverse": inverse, "pinverse": pinverse, "cholesky": cholesky,
    "cholesky_solve": cholesky_solve, "cholesky_inverse": cholesky_inverse, "qr": qr, "svd": svd,
    "triangular_solve": triangular_solve, "lu": lu, "lu_solve": lu_solve, "matrix_exp": matrix_exp, "geqrf": geqrf, "orgqr": orgqr,
    "ormqr": ormqr,
}.items():
    extend(_name, _function)
