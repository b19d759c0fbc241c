"""Sparse tensors against the dense ones that they stand for, and against PyTorch's."""

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch


def entries(rng, rows=7, columns=5, n=12, dtype="float64"):
    """Random coordinates, some of them twice, their values, and the dense matrix."""
    at = np.stack([rng.integers(0, rows, n), rng.integers(0, columns, n)])
    values = rng.standard_normal(n).astype(dtype)
    dense = np.zeros((rows, columns), dtype)
    np.add.at(dense, tuple(at), values)
    return at, values, dense


def check_equal(got, want):
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 12, 300])
def test_forms(rng, n):
    at, values, dense = entries(rng, n=n)
    a = torch.sparse_coo_tensor(at, torch.tensor(values), (7, 5))
    check_equal(a.to_dense(), dense)
    b = a.coalesce()
    assert b.is_coalesced() and not a.is_coalesced() and len({tuple(p) for p in b.indices().t().tolist()}) == b._nnz()
    check_equal(b.to_dense(), dense)
    assert b.indices().tolist() == np.stack(np.nonzero(dense)).tolist()
    check_equal(torch.tensor(dense).to_sparse().to_dense(), dense)
    c = a.to_sparse_csr()
    check_equal(torch.sparse_csr_tensor(c.crow_indices(), c.col_indices(), c.values(), (7, 5)).to_dense(), dense)
    check_equal(a.t().to_dense(), dense.T)


@pytest.mark.parametrize("n", [0, 1, 12, 300])
def test_arithmetic(rng, n):
    at, values, dense = entries(rng, n=n)
    a, x = torch.sparse_coo_tensor(at, torch.tensor(values), (7, 5)), rng.standard_normal((5, 4))
    b = torch.sparse_coo_tensor(at[:, ::2], torch.tensor(values[::2]), (7, 5))
    for product in (a @ torch.tensor(x), torch.mm(a, torch.tensor(x)), torch.spmm(a, torch.tensor(x)), torch.sparse.mm(a, torch.tensor(x))):
        check_equal(product, dense @ x)
    check_equal(torch.tensor(x.T) @ a.t(), x.T @ dense.T)
    check_equal(a @ torch.tensor(x[:, 0]), dense @ x[:, 0])
    check_equal((a @ a.t()).to_dense(), dense @ dense.T)
    y = rng.standard_normal((7, 5))
    check_equal(torch.tensor(y) + a, y + dense)
    check_equal(torch.add(torch.tensor(y), a), y + dense)
    check_equal((a + b).to_dense(), dense + b.to_dense().numpy())
    check_equal((a - b * 2).to_dense(), dense - 2 * b.to_dense().numpy())
    check_equal((-a / 4).to_dense(), -dense / 4)
    check_equal((a * torch.tensor(y)).to_dense(), dense * y)
    check_equal(a.sum(), dense.sum())
    check_equal(torch.sparse.sum(a, 1).to_dense(), dense.sum(1))
    check_equal(torch.sparse.addmm(torch.ones(7, 4, dtype=torch.float64), a, torch.tensor(x), beta=2.0), 2 + dense @ x)


def test_gradients_of_the_values_and_of_the_dense_operand(rng):
    at, values, dense = entries(rng)
    v, x = torch.tensor(values, requires_grad=True), torch.tensor(rng.standard_normal((5, 3)), requires_grad=True)

    def product(v, x):
        return torch.sparse.mm(torch.sparse_coo_tensor(at, v, (7, 5)), x)

    assert torch.autograd.gradcheck(product, (v, x))
    assert torch.autograd.gradcheck(lambda v: torch.sparse_coo_tensor(at, v, (7, 5)).coalesce().to_dense(), (v,))
    d = torch.tensor(dense, requires_grad=True)
    (d.to_sparse().values() ** 2).sum().backward()
    check_equal(d.grad, 2 * dense)


def test_same_bits_for_any_number_of_threads(rng, threads):
    at, values, _ = entries(rng, 500, 400, 20_000, "float32")
    a, x = torch.sparse_coo_tensor(at, torch.tensor(values), (500, 400)), torch.tensor(rng.standard_normal((400, 33)).astype("float32"))
    threads(1)
    want = a @ x
    for n in (2, 3, 8):
        threads(n)
        assert torch.equal(a @ x, want)


def test_questions():
    a = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.5, 2.0])
    assert a.is_sparse and not torch.ones(1).is_sparse and a.layout is torch.sparse_coo and a.to_sparse_csr().layout is torch.sparse_csr
    assert tuple(a.shape) == a.size() == (2, 2) and a._nnz() == 2 and (a.dtype, a.numel(), a.dim()) == (torch.float32, 4, 2)
    assert a.double().dtype is torch.float64 and a.to("cpu").dtype is torch.float32
    assert repr(a) == ("tensor(indices=tensor([[0, 1],\n                       [1, 0]]),\n       values=tensor([1.5000, 2.0000]),\n"
                       "       size=(2, 2), nnz=2, layout=udlfast.sparse_coo)")
    assert "crow_indices=tensor([0, 1, 2])" in repr(a.to_sparse_csr())
    assert torch.sparse_coo_tensor((2, 3)).to_dense().tolist() == [[0.0] * 3] * 2


def test_mistakes():
    a = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.5, 2.0])
    check_raises(IndexError, ["sparse_coo_tensor", "outside"], torch.sparse_coo_tensor, [[0, 5]], [1.0, 2.0], (3,))
    check_raises(IndexError, ["sparse_coo_tensor", "outside"], torch.sparse_coo_tensor, [[-1]], [1.0], (3,))
    check_raises(ValueError, ["indices"], torch.sparse_coo_tensor, [[0, 1]], [1.0], (3,))
    check_raises(RuntimeError, ["coalesce"], a.indices)
    check_raises(RuntimeError, ["matmul", "[2, 2]", "[3, 1]"], torch.mm, a, torch.ones(3, 1))
    check_raises(RuntimeError, ["float64"], torch.mm, a, torch.ones(2, 1, dtype=torch.float64))
    check_raises(RuntimeError, ["add"], lambda: a + torch.ones(2, 2))
    check_raises(RuntimeError, ["maximum", "to_dense"], torch.maximum, torch.ones(2, 2), a)
    check_raises(IndexError, ["crow_indices"], torch.sparse_csr_tensor, [0, 2, 1], [0], [1.0])


def test_against_pytorch(rng):
    peer = pytest.importorskip("torch")
    peer.sparse.check_sparse_tensor_invariants.enable()
    at, values, _ = entries(rng, 9, 9, 30, "float32")
    results = []
    for t in (torch, peer):
        a = t.sparse_coo_tensor(t.tensor(at), t.tensor(values), (9, 9), dtype=t.float32)
        full = t.eye(9) + a
        scale = t.diag(full.abs().sum(1).rsqrt()).to_sparse()
        adjacency = (scale @ full @ scale).to_sparse()
        w = t.linspace(-1, 1, 18).reshape(9, 2).requires_grad_()
        y = t.spmm(adjacency, t.tanh(t.mm(adjacency, w)))
        (y**2).sum().backward()
        results.append([y.detach().numpy(), w.grad.numpy(), adjacency.indices().numpy(), t.sparse.sum(a, 0).to_dense().numpy()])
    for got, want in zip(*results):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_of_what_is_stored(rng, dim):
    at, values, dense = entries(rng, 7, 5, 16, "float64")
    values = values * 400  # exp overflows without the largest taken away
    v = torch.tensor(values, requires_grad=True)
    a = torch.sparse_coo_tensor(torch.tensor(at), v, (7, 5))
    full = a.to_dense().detach().numpy()
    stored = torch.sparse_coo_tensor(torch.tensor(at), torch.ones(len(values)), (7, 5)).to_dense().numpy() > 0
    e = np.where(stored, np.exp(full - np.where(stored, full, -np.inf).max(dim, keepdims=True)), 0.0)
    with np.errstate(invalid="ignore"):
        want = np.where(stored, e / e.sum(dim, keepdims=True), 0.0)
    y = torch.sparse.softmax(a, dim)
    np.testing.assert_allclose(y.to_dense().detach().numpy(), want, atol=1e-12)
    log = torch.sparse.log_softmax(a, dim).to_dense().detach().numpy()
    np.testing.assert_allclose(np.exp(log[stored]), want[stored], atol=1e-12)
    y.sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), 0, atol=1e-9)  # each group sums to one
    check_raises(TypeError, ["sparse tensor"], torch.sparse.softmax, torch.ones(2), 0)
    check_raises(IndexError, ["dimension 2"], torch.sparse.softmax, a, 2)
