"""Products with sparse matrices and softmax over segments, forward and backward, against the reference."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_raises, check_reference, numbers, place

import udlfast as torch
from udlfast._core import K_segment_softmax, K_spmm, call
from udlfast.ops._spmm import Rows, compress, segment_softmax, spmm_rows
from udlfast.reference import softmax as softmax_ref
from udlfast.reference import spmm as ref

# rows, columns, entries, heads, width: vectors, their edges, empty rows and columns, a matrix larger than a piece
CASES = [(1, 1, 1, 1, 1), (3, 4, 0, 1, 5), (0, 4, 0, 1, 5), (7, 5, 12, 1, 0), (7, 5, 12, 2, 3), (9, 7, 40, 1, 16), (5, 9, 30, 3, 17),
         (6, 6, 50, 1, 64), (6, 6, 50, 2, 65), (4, 4, 20, 1, 31), (2, 3, 90, 1, 130), (900, 800, 5000, 1, 33)]  # fmt: skip


def matrix(rng, rows, columns, entries):
    row, column = rng.integers(0, rows, entries), rng.integers(0, columns, entries)
    return row, column, Rows(rows, columns, torch.from_numpy(row), torch.from_numpy(column))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_gradients(isa, rng, case, dtype):
    n, m, entries, heads, width = case
    row, column, rows = matrix(rng, max(n, 1), m, entries)
    if n == 0:
        rows = Rows(0, m, torch.from_numpy(row), torch.from_numpy(column))
    order = np.argsort(row, kind="stable")
    crow = np.concatenate([[0], np.bincount(row, minlength=n)[:n].cumsum()]).astype(int)
    back = np.argsort(order)

    def forward(v, x):
        return ref.spmm(crow, column[order], v[order], x)

    def backward(gy, v, x):
        gv, gx = ref.spmm_backward(gy, crow, column[order], v[order], x)
        return gv[back], gx

    # a sum of entries / rows products: eps sqrt(n); the largest row or column, or the dot product of a head, bounds n
    longest = max(np.bincount(row).max(initial=1), np.bincount(column).max(initial=1), width, 1)
    v, x = rng.standard_normal((entries, heads)), rng.standard_normal((m, heads, width))
    check_gradient(lambda v, x: spmm_rows(rows, v, x), forward, backward, v, x, rng=rng, dtype=dtype, k=4 * longest**0.5, scale=4,
                   grad_scale=4)  # fmt: skip


def test_values_of_one(isa, rng):
    row, column, rows = matrix(rng, 6, 5, 30)
    x = rng.standard_normal((5, 1, 19))
    want = np.zeros((6, 1, 19))
    np.add.at(want, row, x[column])
    check_close(spmm_rows(rows, None, place(x, "float64")), want, "ones", k=8, scale=4)


@pytest.mark.parametrize("n", [3, 70_000])
def test_compressed_rows(rng, n):
    row, column = rng.integers(0, n, 5000), rng.integers(0, 9, 5000)
    crow, col, order = compress(row, column, n)
    want = np.argsort(row, kind="stable")
    assert np.array_equal(order, want) and np.array_equal(col, column[want])
    assert np.array_equal(crow, np.searchsorted(row[want], np.arange(n + 1)))
    assert compress(row[want], column, n)[2] is None


def test_same_bits_for_any_number_of_threads(rng, threads):
    _, _, rows = matrix(rng, 3000, 2000, 60_000)
    v, x = (torch.tensor(rng.standard_normal(s).astype("float32")) for s in ((60_000, 2), (2000, 2, 33)))
    found = []
    for n in (1, 2, 8):
        threads(n)
        a, b = v.clone().requires_grad_(), x.clone().requires_grad_()
        y = spmm_rows(rows, a, b)
        (y * y).sum().backward()
        p = segment_softmax(v, rows.forward[0])
        found.append([t.detach().numpy().tobytes() for t in (y, a.grad, b.grad, p)])
    assert found[0] == found[1] == found[2]


def test_second_order(rng):
    _, _, rows = matrix(rng, 4, 3, 9)
    v, x = (torch.tensor(rng.standard_normal(s), requires_grad=True) for s in ((9, 2), (3, 2, 2)))
    assert torch.autograd.gradgradcheck(lambda v, x: spmm_rows(rows, v, x) ** 2, (v, x))


def test_places_outside_are_refused(isa, rng):
    """The kernel reads nothing outside, whatever the numbers say."""
    x, y = torch.ones(4, 1, 3), torch.zeros(2, 1, 3)

    def product(crow, col, order=None):
        call(K_spmm, (y, x, torch.ones(3, 1), torch.tensor(crow), torch.tensor(col), order), (x.dtype.code, 2, 4, 3, 1, 3), ())
    product([0, 1, 3], [0, 3, 1])
    bad = [([0, 1, 3], [0, 4, 1]), ([0, 1, 3], [0, -1, 1]), ([0, 1, 4], [0, 1, 1]), ([-1, 1, 3], [0, 1, 1]), ([0, 2, 1], [0, 1, 1])]
    for crow, col in bad:
        check_raises(IndexError, [], product, crow, col)
    check_raises(IndexError, [], product, [0, 1, 3], [0, 1, 1], torch.tensor([0, 1, 3]))
    s = torch.zeros(3, 1)
    for crow in ([0, 4, 3], [0, -5, 3], [0, 2**62, 3]):
        check_raises(IndexError, [], call, K_segment_softmax, (s, s, torch.tensor(crow)), (s.dtype.code, 2, 3, 1), ())
        check_raises(IndexError, [], segment_softmax, s, torch.tensor(crow))


def test_mistakes(rng):
    _, _, rows = matrix(rng, 4, 3, 9)
    check_raises(RuntimeError, ["spmm", "[3, H, D]", "[4, 1, 2]"], spmm_rows, rows, None, torch.ones(4, 1, 2))
    check_raises(RuntimeError, ["spmm", "[9, H]", "[9, 2]"], spmm_rows, rows, torch.ones(9, 2), torch.ones(3, 1, 2))
    check_raises(RuntimeError, ["spmm", "float64"], spmm_rows, rows, torch.ones(9, 1).double(), torch.ones(3, 1, 2))
    check_raises(RuntimeError, ["segment_softmax", "[3]"], segment_softmax, torch.ones(3), torch.tensor([0, 3]))
    check_raises(ValueError, ["segment_softmax", "entries"], segment_softmax, torch.ones(3, 1), torch.tensor([0, 2]))


def test_changed_indices_are_seen(rng):
    at = torch.tensor([[0, 1], [1, 0]])
    a = torch.sparse_coo_tensor(at, [2.0, 3.0], (2, 2))
    x = torch.tensor([[1.0], [10.0]])
    assert (a @ x).flatten().tolist() == [20.0, 3.0] and (a.t() @ x).flatten().tolist() == [30.0, 2.0]
    b = a.t()
    a._indices()[1] = torch.tensor([0, 0])
    assert (a @ x).flatten().tolist() == [2.0, 3.0] and (b @ x).flatten().tolist() == [30.0, 2.0]


SEGMENTS = [[0], [0, 0, 0], [0, 1], [0, 3, 3, 10, 11], [0, 40, 41, 100], [0, *range(5, 2000, 7), 2000]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inner", [1, 2, 8, 17, 300])
@pytest.mark.parametrize("crow", SEGMENTS, ids=lambda c: f"{len(c) - 1} segments")
def test_segment_softmax(isa, rng, crow, inner, dtype):
    x, starts = 5 * rng.standard_normal((crow[-1], inner)), torch.tensor(crow)
    # as softmax: x - max is rounded before exp makes its error relative, eps |x - max| with |x - max| up to 40
    check_gradient(
        lambda x: segment_softmax(x, starts), lambda x: softmax_ref.segment_softmax(x, crow),
        lambda gy, x: softmax_ref.segment_softmax_backward(gy, x, crow), x, rng=rng, dtype=dtype, k=4 * 41, grad_scale=1,
    )  # fmt: skip


def test_segments_that_are_not_finite_stay_alone(isa):
    x = np.linspace(-1, 1, 12).reshape(6, 2)
    x[2:4] = -np.inf
    got = numbers(segment_softmax(place(x, "float32"), torch.tensor([0, 2, 4, 6])))
    assert np.isnan(got[2:4]).all() and np.isfinite(got[[0, 1, 4, 5]]).all()


def test_reference(rng):
    crow, col = np.array([0, 2, 2, 5]), np.array([1, 0, 2, 2, 1])
    v, x = rng.standard_normal((5, 2)), rng.standard_normal((3, 2, 3))
    check_reference(lambda v, x: ref.spmm(crow, col, v, x), lambda gy, v, x: ref.spmm_backward(gy, crow, col, v, x), v, x, rng=rng)
    check_reference(lambda s: softmax_ref.segment_softmax(s, crow), lambda gy, s: softmax_ref.segment_softmax_backward(gy, s, crow), v,
                    rng=rng)  # fmt: skip
