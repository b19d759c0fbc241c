"""Linear algebra: each factorisation multiplies back, gradients against differences, second gradients against PyTorch."""

import math

import numpy as np
import pytest
from harness import EPS, check_raises, gradcheck, numbers
from twins import check_twin

import udlfast as torch

L = torch.linalg
pytestmark = pytest.mark.filterwarnings("ignore")
BATCHES = [(), (2,), (0,), (3, 1)]


def close(got, want, n, what, scale=None):
    """Within 16 eps n of the size of the terms."""
    got, want = numbers(got), np.asarray(want, float)
    eps, size = EPS["float32"], max(1.0, np.abs(want).max(initial=0)) if scale is None else scale
    assert got.shape == want.shape, f"{what}: {got.shape}, expected {want.shape}"
    assert np.all(np.abs(got - want) <= 16 * eps * max(n, 1) * size), f"{what}: off by {np.abs(got - want).max():.3g}"


def tensors(rng, *shape):
    x = rng.standard_normal(shape)
    return torch.tensor(x, dtype=torch.float32)


def eye(x, n):
    return np.broadcast_to(np.eye(n), (*x.shape[:-2], n, n))


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("n", [0, 1, 2, 5, 33, 70])
def test_square_matrices(rng, n, batch):
    x = tensors(rng, *batch, n, n) + n * torch.eye(n)
    close(x @ L.inv(x), eye(x, n), n, "inv")
    b = tensors(rng, *batch, n, 3)
    close(x @ L.solve(x, b), b.numpy(), n, "solve")
    close(L.solve(x, b.mT, left=False) @ x, b.mT.numpy(), n, "solve from the right")
    sign, logdet = L.slogdet(x)
    close(logdet, np.linalg.slogdet(x.double().numpy())[1], n, "slogdet")
    p, low, up = L.lu(x)
    close(p @ low @ up, x.numpy(), n, "lu", scale=2 * max(n, 1))
    assert np.array_equal(np.triu(low.numpy(), 1), 0 * low.numpy()) and np.array_equal(np.tril(up.numpy(), -1), 0 * up.numpy())
    factors, pivots = L.lu_factor(x)
    assert pivots.dtype is torch.int32 and factors.dtype is torch.float32
    close(x @ L.lu_solve(factors, pivots, b), b.numpy(), n, "lu_solve")
    close(x.mT @ L.lu_solve(factors, pivots, b, adjoint=True), b.numpy(), n, "lu_solve of the transpose")
    s = x @ x.mT
    c = L.cholesky(s)
    close(c @ c.mT, s.numpy(), n, "cholesky")
    close(L.cholesky(s, upper=True), c.mT.numpy(), n, "upper cholesky", scale=2 * max(n, 1))
    w, v = L.eigh(s)
    close(v * w.unsqueeze(-2) @ v.mT, s.numpy(), n, "eigh")
    for upper in (False, True):
        t = (torch.triu if upper else torch.tril)(x)
        close(t @ L.solve_triangular(x, b, upper=upper), b.numpy(), n, "solve_triangular")
        close(L.solve_triangular(x, b.mT, upper=upper, left=False) @ t, b.mT.numpy(), n, "solve_triangular from the right")


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("m, n", [(1, 1), (3, 5), (5, 3), (40, 7), (7, 40), (4, 4), (3, 0)])
def test_any_matrices(rng, m, n, batch):
    x, k = tensors(rng, *batch, m, n), min(m, n)
    q, r = L.qr(x)
    close(q @ r, x.numpy(), m, "qr")
    close(q.mT @ q, eye(x, k), m, "columns of Q")
    q, r = L.qr(x, mode="complete")
    assert q.shape[-2:] == (m, m) and r.shape[-2:] == (m, n)
    u, s, vh = L.svd(x, full_matrices=False)
    close(u * s.unsqueeze(-2) @ vh, x.numpy(), m + n, "svd")
    assert np.all(np.diff(s.numpy(), axis=-1) <= 0)
    assert [t.shape[-2:] for t in L.svd(x)[::2]] == [(m, m), (n, n)]
    p = L.pinv(x)
    close(x @ p @ x, x.numpy(), m + n, "pinv", scale=10.0)
    close(p @ x @ p, p.numpy(), m + n, "pinv of it", scale=10 * float(p.abs().max()) ** 2 if p.numel() else 1)
    low, up = L.lu(x)[1:]
    assert low.shape[-2:] == (m, k) and up.shape[-2:] == (k, n)
    assert np.array_equal(L.matrix_rank(x).numpy(), np.full(batch, k))
    b = tensors(rng, *batch, m, 2)
    close(x.mT @ (x @ L.lstsq(x, b).solution - b), 0 * (x.mT @ b).numpy(), (m + n) * 10, "normal equations of lstsq")


@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_complex_eigenvalues(rng, batch):
    """A V = V diag(w)"""
    x = tensors(rng, *batch, 6, 6)
    w, v = L.eig(x)
    assert w.dtype is torch.complex64 and w.shape == (*batch, 6)
    close((x @ v - v * w.unsqueeze(-2)).abs(), np.zeros((*batch, 6, 6)), 6, "eig", scale=10.0)
    gradcheck(lambda y: (lambda w, v: (v * w.unsqueeze(-2)).abs() ** 2)(*L.eig(y)), rng.standard_normal((3, 3)), rng=rng)


def test_exponential_of_rotations(rng):
    """exp of [[0, -t], [t, 0]] turns by t; exp(A) exp(-A) = 1; large and small matrices side by side."""
    t = np.array([0.0, 1e-4, 0.3, 3.0, 40.0])
    a = np.zeros((5, 2, 2))
    a[:, 1, 0], a[:, 0, 1] = t, -t
    want = np.stack([np.stack([np.cos(t), -np.sin(t)], -1), np.stack([np.sin(t), np.cos(t)], -1)], -2)
    got = numbers(L.matrix_exp(torch.tensor(a)))
    assert np.all(np.abs(got - want) <= 8 * EPS["float64"] * (1 + np.abs(t))[:, None, None])
    x = torch.tensor(rng.standard_normal((3, 4, 4)))
    both = numbers(torch.matrix_exp(x) @ torch.matrix_exp(-x))
    size = float(torch.matrix_exp(x).abs().max() * torch.matrix_exp(-x).abs().max())
    assert np.all(np.abs(both - np.eye(4)) <= 64 * EPS["float64"] * size)


GRADIENTS = {
    "inv": lambda x: L.inv(x), "det": lambda x: L.det(x), "slogdet": lambda x: L.slogdet(x)[1], "solve": lambda x, b: L.solve(x, b),
    "solve_left": lambda x, b: L.solve(x, b.mT, left=False), "triangular": lambda x, b: L.solve_triangular(x, b, upper=True),
    "unit": lambda x, b: L.solve_triangular(x, b, upper=False, unitriangular=True), "cholesky": lambda x: L.cholesky(x @ x.mT),
    "qr_q": lambda x: L.qr(x)[0], "qr_r": lambda x: L.qr(x)[1], "svdvals": lambda x: L.svdvals(x),
    "eigvalsh": lambda x: L.eigvalsh(x @ x.mT),
    "svd": lambda x: (lambda u, s, v: (u * u) @ torch.diag(s) @ (v * v))(*L.svd(x, full_matrices=False)),
    "eigh": lambda x: (lambda w, v: (v * v) @ w.unsqueeze(-1))(*L.eigh(x + x.mT)),
    "lu_l": lambda x: L.lu(x)[1], "lu_u": lambda x: L.lu(x)[2],
    "pinv": lambda x: L.pinv(x), "matrix_exp": lambda x: L.matrix_exp(x * 0.5), "matrix_power": lambda x: L.matrix_power(x, -2),
    "nuclear": lambda x: L.matrix_norm(x, "nuc"), "norm3": lambda x: L.vector_norm(x, 3, dim=-1), "half": lambda x: L.vector_norm(x, 0.5),
    "cond": lambda x: L.cond(x), "lstsq": lambda x, b: L.lstsq(x, b).solution,
    "lu_solve": lambda x, b: L.lu_solve(*L.lu_factor(x), b),
    "cholesky_solve": lambda x, b: torch.cholesky_solve(b, L.cholesky(x @ x.mT)), "tensorinv": lambda x: L.tensorinv(x, ind=1),
    "cholesky_inverse": lambda x: torch.cholesky_inverse(L.cholesky(x @ x.mT)),
    "vander": lambda x: L.vander(x[0], 4),
}  # fmt: skip


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3)], ids=str)
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(rng, name, shape):
    if name == "tensorinv" and len(shape) == 3 or name == "vander" and len(shape) == 3:
        shape = (3, 3)
    f, n = GRADIENTS[name], shape[-1]
    if name == "svd" and len(shape) == 3:
        shape = (5, 3)
    x = rng.standard_normal(shape) + 2 * np.eye(*shape[-2:]) * np.arange(1, n + 1)
    inputs = [x] if f.__code__.co_argcount == 1 else [x, rng.standard_normal((*shape[:-1], 2))]
    gradcheck(f, *inputs, rng=rng)


@pytest.mark.parametrize("name", ["qr_q", "qr_r", "lu_l", "lu_u", "pinv", "svdvals", "lstsq"])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 5)], ids=str)
def test_gradients_of_oblongs(rng, name, shape):
    f = GRADIENTS[name]
    x = rng.standard_normal(shape)
    inputs = [x] if f.__code__.co_argcount == 1 else [x, rng.standard_normal((*shape[:-1], 2))]
    gradcheck(f, *inputs, rng=rng)


def test_gradient_of_singular_determinants(rng):
    """The cofactors, for ranks n - 1 and n - 2."""
    x = rng.standard_normal((4, 4))
    x[3] = x[0] + x[1]
    gradcheck(L.det, x, rng=rng)
    x[2] = x[0]
    gradcheck(L.det, x, rng=rng)


S, B, V = "a + 3 * T.eye(4, dtype=a.dtype)", "b", "c"
TWINS = [
    f"T.linalg.inv({S})", f"T.linalg.det({S})", f"T.logdet({S} @ ({S}).mT)", f"T.linalg.slogdet({S})[1]", f"T.linalg.solve({S}, {B})",
    f"T.linalg.solve({S}, {V})", f"T.linalg.solve_triangular({S}, {B}, upper=False)", f"T.linalg.cholesky({S} @ ({S}).mT)",
    f"T.cholesky_solve({B}, {S})", f"T.cholesky_solve({B}, {S}, upper=True)", f"T.cholesky_inverse({S})",
    f"T.triangular_solve({B}, {S}, transpose=True)[0]", "T.linalg.qr(a)", f"T.linalg.qr({B})",
    f"T.linalg.qr(({B}).mT)", "T.linalg.svdvals(a)",
    "T.linalg.eigvalsh(a + a.mT)", "T.linalg.eigh(a + a.mT)[1].abs()", "T.linalg.svd(a, full_matrices=False)[0].abs()",
    "T.linalg.svd(b)[2].abs()[..., :1, :]", "T.linalg.lu(a)", "T.linalg.lu(b)", "T.linalg.lu(b.mT)", "T.linalg.lu_factor(a)",
    "T.lu_solve(b, *T.linalg.lu_factor(a))", "T.linalg.pinv(b)", "T.linalg.lstsq(a, b).solution", "T.linalg.matrix_exp(a)",
    "T.linalg.matrix_power(a, 3)", f"T.linalg.matrix_power({S}, -2)", "T.linalg.matrix_norm(a, 'nuc')", "T.linalg.matrix_norm(a, 2)",
    "T.linalg.matrix_norm(a, -1)", "T.linalg.norm(a)", "T.linalg.norm(a, float('inf'), dim=(0, 1))", "T.linalg.vector_norm(a, 3.5, dim=1)",
    "T.linalg.vector_norm(a, 1)", "T.linalg.vector_norm(a, float('-inf'), keepdim=True)", "T.linalg.vector_norm(a, 0)",
    f"T.linalg.cond({S})", "T.linalg.multi_dot([c, a, b])", "T.linalg.multi_dot([b.mT, a, a, b])",
    "T.linalg.vecdot(a, c)", "T.linalg.diagonal(a, offset=1)", "T.linalg.vander(c, N=4)", "T.linalg.cross(b.mT[:, :3], a[:2, 1:])",
    f"T.linalg.tensorsolve(({S}).reshape(2, 2, 4), c.reshape(2, 2))", f"T.linalg.tensorinv(({S}).reshape(4, 2, 2), ind=1)",
    "T.linalg.householder_product(b / 3, c[:2])", "T.orgqr(b / 3, c[:1])", "T.ormqr(b / 3, c[:2], a)",
    "T.ormqr(b / 3, c[:2], a, left=False, transpose=True)", f"T.inverse({S})", "T.pinverse(b)", "T.svd(a)[1]", "T.qr(a)[1]",
    "T.nuclear_norm(a)", "T.frobenius_norm(a, 1)", "T.linalg.matrix_rank(a)", "T.linalg.matrix_rank(a @ a.mT, hermitian=True)",
    "T.lu_unpack(*T.linalg.lu_factor(a))", "T.linalg.inv_ex(a)", "T.linalg.cholesky_ex(a @ a.mT)", "T.linalg.solve_ex(a, b)",
    "T.linalg.eigvals(a).abs()", "T.linalg.eig(a)[1].abs()",
]  # fmt: skip
# PyTorch has no second gradient, or PyTorch's differs where ours follows the definition (see test_gradients)
FIRST_ONLY = ("householder", "orgqr", "ormqr")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("expression", TWINS)
def test_like_pytorch(rng, expression, dtype):
    a, b, c = rng.standard_normal((4, 4)), rng.standard_normal((4, 2)), rng.standard_normal(4)
    second = not any(word in expression for word in FIRST_ONLY) and dtype == "float64"
    # a random 4 x 4 matrix has a condition number of tens; second gradients see its third power
    check_twin(expression, a, b, c, dtype=dtype, k=2.0**20 if second else 2.0**12, second=second)


def test_subgradients_at_zero():
    for p in (0.5, 1, 2, 3, math.inf):
        x = torch.zeros(3, requires_grad=True)
        L.vector_norm(x, p).backward()
        assert x.grad.tolist() == [0, 0, 0], p


def test_errors():
    singular = torch.zeros(2, 2)
    for call in (L.inv, torch.inverse, lambda x: L.solve(x, torch.ones(2)), lambda x: L.cholesky(x)):
        with pytest.raises(L.LinAlgError):
            call(singular)
    assert issubclass(L.LinAlgError, RuntimeError)
    check_raises(RuntimeError, ["linalg.inv", "square", "2 by 3"], L.inv, torch.zeros(2, 3))
    check_raises(RuntimeError, ["linalg.det", "2 dimensions"], L.det, torch.zeros(3))
    check_raises(TypeError, ["linalg.inv", "float", "bfloat16"], L.inv, torch.zeros(2, 2, dtype=torch.bfloat16))
    check_raises(ValueError, ["linalg.solve", "[2, 2]", "[3, 1]"], L.solve, torch.eye(2), torch.ones(3, 1))
    check_raises(ValueError, ["linalg.qr", "mode", "thin"], L.qr, torch.eye(2), mode="thin")
    check_raises(ValueError, ["matrix_norm", "'max'"], L.matrix_norm, torch.eye(2), "max")
    check_raises(RuntimeError, ["linalg.qr", "not defined"], L.qr(torch.ones(3, 2, requires_grad=True), "complete")[0].sum().backward)
    assert L.inv_ex(singular).info.item() == 1 and L.cholesky_ex(torch.diag(torch.tensor([1.0, -1.0]))).info.item() == 2
    assert L.cond(singular, 1).item() == math.inf


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_not_finite(rng, dtype):
    """Decompositions end: a matrix with an infinity has values NaN (NumPy's svd may turn without end on it), one with NaN raises."""
    for bad in (math.inf, -math.inf):
        for at in range(12):
            a = torch.tensor(rng.standard_normal((3, 3, 4)) * 10.0 ** rng.uniform(-30, 30, (3, 3, 4)), dtype=dtype)
            want = L.svdvals(a)
            a[1, at // 4, at % 4] = bad
            s = L.svd(a).S
            assert s.dtype == dtype and s[1].isnan().all() and torch.equal(s[::2], want[::2])
            assert (L.pinv(a)[1] == 0).all() and L.matrix_rank(a)[1] == 0
            w = L.eigvalsh(a[:, :, :3])
            assert w[1].isnan().all() == (at % 4 <= at // 4) and w[::2].isfinite().all()  # the lower triangle alone is read
    a[1, 0, 0] = math.nan
    for call in (L.svdvals, L.svd, L.pinv, L.matrix_rank, lambda x: L.eigh(x[:, :, :3]), lambda x: L.lstsq(x, x)):
        check_raises(L.LinAlgError, ["NaN"], call, a)
    x = torch.tensor([[math.inf, 1.0], [1.0, 2.0]], requires_grad=True)
    L.det(x).backward()
    assert not x.grad.isfinite().all()


def test_low_rank(rng):
    """A matrix of rank 3 is found exactly; principal directions are those of the covariance."""
    a = torch.tensor(rng.standard_normal((40, 3)) @ rng.standard_normal((3, 20)))
    u, s, v = torch.svd_lowrank(a, q=5)
    assert np.abs(numbers(u * s @ v.mT - a)).max() <= 1e-12 and np.allclose(s.numpy()[:3], L.svdvals(a).numpy()[:3], rtol=1e-12)
    _, s, v = torch.pca_lowrank(a, q=3)
    assert np.allclose(s.numpy(), L.svdvals(a - a.mean(0, keepdim=True)).numpy()[:3], rtol=1e-12)
    q, r = torch.geqrf(a[:, :5])
    assert np.abs(numbers(torch.orgqr(q, r) @ torch.triu(q[:5]) - a[:, :5])).max() <= 1e-12
