"""Factorisations of matrices with gradients (torch.linalg's names and rules)."""
import numpy as np

from .. import _core
from .._core import attach, matmul
from ..errors import ArgumentError, GradError, LinAlgError, ShapeError
from ..return_types import result
from ._linalg_common import back, constant, double, identity, lapack, lu_arrays, matrix, mT, permutation, spectrum, with_out
from ._linalg_solve import _triangular, solve_triangular
from .joining import cat
from .triangle import diag_embed, tril, triu

QR = result("linalg_qr", ("Q", "R"))
Eigh = result("linalg_eigh", ("eigenvalues", "eigenvectors"))
SVD = result("linalg_svd", ("U", "S", "Vh"))
CholeskyEx = result("linalg_cholesky_ex", ("L", "info"))
LU = result("linalg_lu", ("P", "L", "U"))
LUFactor = result("linalg_lu_factor", ("LU", "pivots"))
LUFactorEx = result("linalg_lu_factor_ex", ("LU", "pivots", "info"))


def _eye_minus(x):
    return identity(x.shape[-1], x) - x


def _symmetric(x):
    return (x + mT(x)) * 0.5


# ---- Cholesky ----------------------------------------------------------------------------------------------------------------
@with_out
def cholesky(A, *, upper=False):
    """L lower triangular with A = L L^T for symmetric positive definite A; upper=True gives L^T.

    Raises: LinAlgError if A is not positive definite

    >>> import udlfast as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.]])).tolist()
    [[2.0]]
    """
    op = "linalg.cholesky"
    matrix(op, A, square=True)
    a = double(A)
    with lapack(op, "the factorization could not be completed because the input is not positive-definite"):
        y = np.linalg.cholesky(np.swapaxes(a, -1, -2) if upper else a)
    y = back(y, A.dtype)
    y = attach(y, (A,), cholesky_backward, saved=(y,))
    return mT(y) if upper else y


def cholesky_backward(node, g):
    """L^-T phi(L^T g) L^-1 made symmetric; phi keeps the lower triangle and half the diagonal."""
    (y,) = node.saved
    p = matmul(mT(y), g)
    phi = tril(p) - diag_embed(p.diagonal(0, -2, -1)) * 0.5
    left = _triangular(mT(y), phi, True, False)
    return (_symmetric(mT(_triangular(mT(y), mT(left), True, False))),)


@with_out
def cholesky_ex(A, *, upper=False, check_errors=False):
    """(L, info): info is 0, or the order of the leading minor that is not positive.

    >>> import udlfast as torch
    >>> torch.linalg.cholesky_ex(torch.tensor([[-1.]])).info.item()
    1
    """
    matrix("linalg.cholesky_ex", A, square=True)
    try:
        return CholeskyEx(cholesky(A, upper=upper), _core.zeros(A.shape[:-2], dtype=_core.int32))
    except LinAlgError:
        if check_errors:
            raise
    from .elementwise import where
    a = double(A)
    a = np.swapaxes(a, -1, -2) if upper else a
    info = np.zeros(a.shape[:-2], np.int32)
    for at in np.ndindex(info.shape):
        for k in range(1, a.shape[-1] + 1):
            try:
                np.linalg.cholesky(a[at][:k, :k])
            except np.linalg.LinAlgError:
                info[at] = k
                break
    bad = _core.from_numpy(np.array(info != 0)).unsqueeze(-1).unsqueeze(-1)
    return CholeskyEx(cholesky(where(bad, identity(A.shape[-1], A), A), upper=upper), _core.from_numpy(np.array(info)))


# ---- QR ------------------------------------------------------------------------------------------------------------------------
@with_out
def qr(A, mode="reduced"):
    """(Q, R) with A = Q R, Q of orthonormal columns, R upper triangular.

    Args:
        A: [..., M, N]
        mode: "reduced" (K = min(M, N) columns of Q), "complete" (M of them) or "r" (R only, Q is empty)

    >>> import udlfast as torch
    >>> Q, R = torch.linalg.qr(torch.tensor([[3., 1.], [4., 1.]]))
    >>> torch.allclose(Q @ R, torch.tensor([[3., 1.], [4., 1.]]), atol=1e-6)
    True
    """
    matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"linalg.qr: expected mode 'reduced', 'complete' or 'r', got {mode!r}")
    m, n = A.shape[-2:]
    if mode == "r":
        r = back(np.linalg.qr(double(A), "r"), A.dtype)
        r = attach(r, (A,), _no_gradient, args=("linalg.qr with mode='r'",))
        return QR(_core.empty(0, dtype=A.dtype), r)
    q, r = (back(x, A.dtype) for x in np.linalg.qr(double(A), mode))
    if mode == "complete" and m > n:
        return QR(*attach((q, r), (A,), _no_gradient, args=("linalg.qr with mode='complete' and more rows than columns",)))
    return QR(*attach((q, r), (A,), qr_backward, saved=(A, q, r)))


def _no_gradient(node, *grads):
    raise GradError(f"{node.args[0]}: the gradient is not defined")


def qr_backward(node, gq, gr):
    """For the first K columns: (gQ + Q copyltu(R gR^T - gQ^T Q)) R^-T; columns beyond are Q^T of theirs."""
    A, q, r = node.saved
    k, n = r.shape[-2:]
    tail = None
    if n > k:  # A = [X Y]: R = [U V], V = Q^T Y
        y = A.narrow(-1, k, n - k)
        u, r = r, r.narrow(-1, 0, k)
        if gr is not None:
            gv = gr.narrow(-1, k, n - k)
            gr = gr.narrow(-1, 0, k)
            tail = matmul(q, gv)
            more = matmul(y, mT(gv))
            gq = more if gq is None else gq + more
        else:
            tail = _core.zeros_like(y)
        del u
    inner = None
    if gr is not None:
        inner = matmul(r, mT(gr))
    if gq is not None:
        part = matmul(mT(gq), q)
        inner = -part if inner is None else inner - part
    full = tril(inner, -1)
    full = full + mT(full) + diag_embed(inner.diagonal(0, -2, -1))
    rhs = matmul(q, full)
    rhs = rhs if gq is None else rhs + gq
    g = mT(_triangular(r, mT(rhs), True, False))  # rhs R^-T
    return (g if tail is None else cat([g, tail], -1),)


# ---- eigenvalues of symmetric matrices ------------------------------------------------------------------------------------------
def eigh(A, UPLO="L", *, out=None):
    """(eigenvalues, eigenvectors) of symmetric matrices, from one triangle, in ascending order.

    >>> import udlfast as torch
    >>> torch.linalg.eigh(torch.tensor([[2., 0.], [0., 1.]])).eigenvalues.tolist()
    [1.0, 2.0]
    """
    matrix("linalg.eigh", A, square=True)
    UPLO = UPLO.upper()
    if UPLO not in ("L", "U"):
        raise ArgumentError(f"linalg.eigh: expected UPLO 'L' or 'U', got {UPLO!r}")
    a = np.tril(double(A)) if UPLO == "L" else np.triu(double(A))
    w, v = spectrum("linalg.eigh", lambda a: tuple(np.linalg.eigh(a, UPLO)), a)
    w, v = back(w, A.dtype), back(v, A.dtype)
    w, v = attach((w, v), (A,), eigh_backward, saved=(w, v))
    if out is not None:
        out[0].copy_(w), out[1].copy_(v)
        return Eigh(*out)
    return Eigh(w, v)


def eigh_backward(node, gw, gv):
    """V (diag(gw) + (V^T gV) / E) V^T made symmetric, E_ij = w_j - w_i"""
    w, v = node.saved
    if gv is None:
        return (matmul(v * gw.unsqueeze(-2), mT(v)),)
    e = w.unsqueeze(-2) - w.unsqueeze(-1) + identity(w.shape[-1], w)
    inner = matmul(mT(v), gv)
    inner = (inner - diag_embed(inner.diagonal(0, -2, -1))) / e
    inner = inner if gw is None else inner + diag_embed(gw)
    return (_symmetric(matmul(matmul(v, inner), mT(v))),)


@with_out
def eigvalsh(A, UPLO="L"):
    """The eigenvalues of symmetric matrices, in ascending order.

    >>> import udlfast as torch
    >>> torch.linalg.eigvalsh(torch.tensor([[2., 0.], [0., 1.]])).tolist()
    [1.0, 2.0]
    """
    return eigh(A, UPLO)[0]


# ---- singular values ------------------------------------------------------------------------------------------------------------
@with_out
def svd(A, full_matrices=True, *, driver=None):
    """(U, S, Vh) with A = U diag(S) Vh, S descending.

    Args:
        A: [..., M, N]
        full_matrices: square U and Vh; else K = min(M, N) columns and rows (what networks need)
        driver: accepted, not used

    >>> import udlfast as torch
    >>> torch.linalg.svd(torch.tensor([[3., 0.], [0., 4.]])).S.tolist()
    [4.0, 3.0]
    """
    matrix("linalg.svd", A)
    parts = spectrum("linalg.svd", lambda a: tuple(np.linalg.svd(a, full_matrices)), double(A))
    u, s, vh = (back(x, A.dtype) for x in parts)
    return SVD(*attach((u, s, vh), (A,), svd_backward, saved=(u, s, vh)))


def svd_backward(node, gu, gs, gvh):
    """U ((skew(U^T gU) / E) S + S (skew(V^T gV) / E) + diag(gS)) V^T, E_ij = s_j^2 - s_i^2, and the parts of gU and gV outside
    the spaces of U and V divided by S. Gradients of columns of U and rows of Vh beyond the first K are dropped, as in PyTorch."""
    u, s, vh = node.saved
    k = s.shape[-1]
    u, vh = u.narrow(-1, 0, k), vh.narrow(-2, 0, k)
    gu = None if gu is None else gu.narrow(-1, 0, k)
    gvh = None if gvh is None else gvh.narrow(-2, 0, k)
    if gu is None and gvh is None:
        return (matmul(u * gs.unsqueeze(-2), vh),)
    row, column = s.unsqueeze(-2), s.unsqueeze(-1)
    e = (row - column) * (row + column) + identity(k, s)
    inner = None if gs is None else diag_embed(gs)
    for g, basis, is_u in ((gu, u, True), (None if gvh is None else mT(gvh), mT(vh), False)):
        if g is None:
            continue
        p = matmul(mT(basis), g)
        p = (p - mT(p)) / e
        p = p * row if is_u else column * p
        inner = p if inner is None else inner + p
    g = matmul(matmul(u, inner), vh)
    if gu is not None and u.shape[-2] > k:
        x = gu / row
        g = g + matmul(x - matmul(u, matmul(mT(u), x)), vh)
    if gvh is not None and vh.shape[-1] > k:
        x = gvh / column
        g = g + matmul(u, x - matmul(matmul(x, mT(vh)), vh))
    return (g,)


@with_out
def svdvals(A, *, driver=None):
    """The singular values, descending.

    >>> import udlfast as torch
    >>> torch.linalg.svdvals(torch.tensor([[3., 0.], [0., 4.]])).tolist()
    [4.0, 3.0]
    """
    return svd(A, full_matrices=False)[1]


# ---- LU -------------------------------------------------------------------------------------------------------------------------
def _packed(op, A, pivot, check_errors=True):
    matrix(op, A)
    with np.errstate(all="ignore"):
        packed, pivots, info = lu_arrays(double(A), pivot)
    if check_errors and not pivot and (info != 0).any():
        raise LinAlgError(f"{op}: without pivoting, the diagonal element {int(info[info != 0].flat[0])} of U is zero")
    order = permutation(pivots, A.shape[-2])
    p = back(np.swapaxes(np.eye(A.shape[-2])[order], -1, -2), A.dtype)
    y = back(packed, A.dtype)
    y = attach(y, (A,), lu_backward, saved=(y, p))
    return y, _core.from_numpy(pivots), p, _core.from_numpy(np.array(info))


def lu_backward(node, g):
    """From dA = P (dL U + L dU): P L^-T (tril(L^T gL, -1) + triu(gU U^T)) U^-T for square matrices, with the part of L below
    or of U beside the square carried along."""
    y, p = node.saved
    m, n = y.shape[-2:]
    k = min(m, n)
    eye = identity(k, y)
    square, gs = y.narrow(-2, 0, k).narrow(-1, 0, k), g.narrow(-2, 0, k).narrow(-1, 0, k)
    low, up = tril(square, -1) + eye, triu(square)
    lower, upper = matmul(mT(low), tril(gs, -1)), matmul(triu(gs), mT(up))
    if n > k:
        u2, g2 = y.narrow(-1, k, n - k), g.narrow(-1, k, n - k)
        lower = lower - matmul(g2, mT(u2))
    if m > k:
        l2, g3 = y.narrow(-2, k, m - k), g.narrow(-2, k, m - k)
        upper = upper - matmul(mT(l2), g3)
    inner = tril(lower, -1) + triu(upper)
    inner = _triangular(mT(low), inner, True, True)
    ga = mT(_triangular(up, mT(inner), True, False))
    if n > k:
        ga = cat([ga, _triangular(mT(low), g2, True, True)], -1)
    if m > k:
        ga = cat([ga, mT(_triangular(up, mT(g3), True, False))], -2)
    return (matmul(p, ga),)


@with_out
def lu_factor(A, *, pivot=True):
    """(LU, pivots): both triangles in one matrix, and the swaps of rows (from 1, int32).

    >>> import udlfast as torch
    >>> torch.linalg.lu_factor(torch.tensor([[0., 1.], [2., 3.]])).pivots.tolist()
    [2, 2]
    """
    y, pivots, _, _ = _packed("linalg.lu_factor", A, pivot)
    return LUFactor(y, pivots)


@with_out
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """(LU, pivots, info): info is 0, or the column (from 1) of the first zero on U's diagonal.

    >>> import udlfast as torch
    >>> torch.linalg.lu_factor_ex(torch.zeros(1, 1)).info.item()
    1
    """
    y, pivots, _, info = _packed("linalg.lu_factor_ex", A, pivot, False)
    if check_errors and bool((info != 0).any()):
        raise LinAlgError("linalg.lu_factor_ex: a diagonal element of U is zero")
    return LUFactorEx(y, pivots, info)


@with_out
def lu(A, *, pivot=True):
    """(P, L, U) with A = P L U; with pivot=False P is empty.

    >>> import udlfast as torch
    >>> P, L, U = torch.linalg.lu(torch.tensor([[0., 1.], [2., 3.]]))
    >>> (P @ L @ U).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    y, _, p, _ = _packed("linalg.lu", A, pivot)
    return LU(p if pivot else _core.empty(0, dtype=A.dtype), *unpack(y))


def unpack(y):
    """(L, U) from both in one."""
    m, n = y.shape[-2:]
    k = min(m, n)
    low = tril(y.narrow(-1, 0, k), -1)
    return low + back(np.eye(m, k), y.dtype), triu(y.narrow(-2, 0, k))


@with_out
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """X with A X = B from what lu_factor gives (X A = B with left=False, A^T with adjoint=True).

    >>> import udlfast as torch
    >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[2.]]))
    >>> torch.linalg.lu_solve(LU, pivots, torch.tensor([[4.]])).tolist()
    [[2.0]]
    """
    op = "linalg.lu_solve"
    matrix(op, LU, square=True, name="LU")
    matrix(op, B, name="B")
    n = LU.shape[-1]
    if B.shape[-2 if left else -1] != n:
        raise ShapeError(f"{op}: the shapes of LU {list(LU.shape)} and B {list(B.shape)} do not fit")
    if not left:
        return mT(lu_solve(LU, pivots, mT(B), adjoint=not adjoint))
    order = permutation(pivots.numpy(), n)
    p = back(np.eye(n)[order], LU.dtype)  # P^T
    if adjoint:
        x = solve_triangular(mT(LU), B, upper=False)
        return matmul(mT(p), solve_triangular(mT(LU), x, upper=True, unitriangular=True))
    x = solve_triangular(LU, matmul(p, B), upper=False, unitriangular=True)
    return solve_triangular(LU, x, upper=True)


# ---- reflections ------------------------------------------------------------------------------------------------------------------
@with_out
def householder_product(A, tau):
    """The first N columns of the product of reflections H_i = I - tau_i v_i v_i^T that geqrf gives.

    Args:
        A: [..., M, N], column i holds v_i below its diagonal, where it is 1
        tau: [..., K], K <= N

    >>> import udlfast as torch
    >>> torch.linalg.householder_product(torch.zeros(2, 1), torch.zeros(1)).tolist()
    [[1.0], [0.0]]
    """
    op = "linalg.householder_product"
    matrix(op, A)
    m, n = A.shape[-2:]
    if m < n or tau.shape[-1] > n:
        raise ShapeError(f"{op}: expected A with M >= N and tau with at most N elements, got {list(A.shape)} and {list(tau.shape)}")
    q = back(np.eye(m, n), A.dtype).expand(*A.shape[:-2], m, n)
    return _reflect(A, tau, q) if tau.shape[-1] else constant(q.clone(), A, tau)


def _reflect(A, tau, x, reverse=True):
    """H_1 ... H_k x, or H_k ... H_1 x."""
    m = A.shape[-2]
    low = tril(A, -1)
    for i in reversed(range(tau.shape[-1])) if reverse else range(tau.shape[-1]):
        unit = np.zeros((m, 1))
        unit[i] = 1
        v = low.narrow(-1, i, 1) + back(unit, A.dtype)
        x = x - tau.narrow(-1, i, 1).unsqueeze(-1) * matmul(v, matmul(mT(v), x))
    return x


