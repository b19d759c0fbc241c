"""scatter, scatter_add, index_add and index_fill: out of place and in place, gradients of both sides."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference

import udlfast as torch
from udlfast.reference import scatter as ref

# shape, axis, shape of the index
CASES = [((5,), 0, (3,)), ((5,), 0, (0,)), ((4, 7), 0, (3, 7)), ((4, 7), 1, (4, 5)), ((4, 7), -1, (2, 3)),
         ((3, 4, 5), 1, (3, 3, 5)), ((3, 4, 17), 2, (2, 3, 16)), ((2, 3, 4, 5), 0, (1, 3, 2, 5))]  # fmt: skip


def distinct(rng, case):
    """Positions without repetition along the axis: what scatter writes is then defined."""
    shape, axis, wanted = case
    i = np.argsort(rng.random((*wanted[:axis], shape[axis], *wanted[axis % len(shape) + 1 :])), axis) if axis >= 0 else \
        np.argsort(rng.random((*wanted[:-1], shape[-1])), -1)
    return np.ascontiguousarray(np.take(i, range(wanted[axis]), axis))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_scatter(isa, rng, case, dtype, layout):
    shape, axis, wanted = case
    check_gradient(
        lambda x, i, s: torch.scatter(x, axis, i, s), lambda x, i, s: ref.scatter(x, axis, i, s),
        lambda gy, x, i, s: ref.scatter_backward(gy, x, axis, i, s), rng.standard_normal(shape), distinct(rng, case),
        rng.standard_normal(wanted), rng=rng, dtype=dtype, layout=layout, k=1,
    )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_scatter_add(isa, rng, case, dtype, layout):
    shape, axis, wanted = case
    check_gradient(
        lambda x, i, s: torch.scatter_add(x, axis, i, s), lambda x, i, s: ref.scatter_add(x, axis, i, s),
        lambda gy, x, i, s: ref.scatter_add_backward(gy, x, axis, i, s), rng.standard_normal(shape),
        rng.integers(0, shape[axis], wanted), rng.standard_normal(wanted), rng=rng, dtype=dtype, layout=layout, k=2, n=8,
    )  # fmt: skip


def test_scatter_of_a_number(isa, rng):
    """One-hot vectors, as loss functions make them."""
    i = rng.integers(0, 5, (7, 1))
    y = torch.zeros((7, 5)).scatter_(1, torch.tensor(i), 1.0)
    check_close(y, np.eye(5)[i[:, 0]], "one-hot")


def test_in_place_in_a_view(isa, rng):
    base = rng.standard_normal((6, 9))
    t = torch.tensor(base)
    i, s = rng.integers(0, 4, (3, 3)), rng.standard_normal((3, 3))
    t[1:5, 2:8:2].scatter_add_(0, torch.tensor(i), torch.tensor(s))
    want = base.copy()
    want[1:5, 2:8:2] = ref.scatter_add(want[1:5, 2:8:2], 0, i, s)
    check_close(t, want, "view", k=4)


@pytest.mark.parametrize("case", [((5,), 0, 3), ((4, 7), 0, 9), ((4, 7), 1, 3), ((3, 4, 5), 1, 0), ((3, 4, 17), -1, 20)], ids=str)
def test_index_add(isa, rng, case):
    shape, axis, count = case
    i = rng.integers(0, shape[axis], count)
    moved = list(shape)
    moved[axis] = count
    check_gradient(
        lambda x, s: torch.index_add(x, axis, torch.tensor(i), s, alpha=0.5),
        lambda x, s: ref.index_add(x, axis, i, s, alpha=0.5), lambda gy, x, s: (gy, 0.5 * np.take(gy, i, axis)),
        rng.standard_normal(shape), rng.standard_normal(moved), rng=rng, k=2, n=8,
    )  # fmt: skip


def test_scatter_add_is_in_order(isa):
    """Many additions to one cell give the same bits as adding one after the other."""
    s = (1 / np.arange(1, 1001)).astype(np.float32)
    total = np.float32(0)
    for v in s:
        total += v
    got = torch.zeros(1).scatter_add(0, torch.zeros(1000, dtype=torch.int64), torch.tensor(s))
    assert abs(got.item() - s.astype(float).sum()) <= 2 * abs(float(total) - s.astype(float).sum()) + 1e-6


def test_scatter_of_integers(isa, rng):
    x, i, s = rng.integers(0, 9, (4, 5)), distinct(rng, ((4, 5), 1, (4, 3))), rng.integers(0, 9, (4, 3))
    got = torch.scatter(torch.tensor(x), 1, torch.tensor(i), torch.tensor(s))
    assert got.dtype == torch.int64 and np.array_equal(got.numpy(), ref.scatter(x, 1, i, s))


def test_masked_fill(isa, rng):
    mask = rng.random((3, 17)) < 0.5
    check_gradient(
        lambda x: x.masked_fill(torch.tensor(mask), -np.inf), lambda x: np.where(mask, -np.inf, x),
        lambda gy, x: (np.where(mask, 0, gy),), rng.standard_normal((3, 17)), rng=rng, k=1,
    )  # fmt: skip


def test_masked_fill_with_a_tensor(isa, rng):
    """The value gets the gradients of all places it was put in."""
    mask = rng.random((3, 17)) < 0.3
    check_gradient(
        lambda x, v: x.masked_fill(torch.tensor(mask), v), lambda x, v: np.where(mask, v, x),
        lambda gy, x, v: (np.where(mask, 0, gy), np.sum(gy[mask])), rng.standard_normal((3, 17)), np.array(0.7), rng=rng, k=2, n=51,
    )  # fmt: skip


def test_reference(rng):
    x, i, s = rng.standard_normal((3, 4)), rng.integers(0, 4, (3, 3)), rng.standard_normal((3, 3))
    check_reference(lambda x, s: ref.scatter_add(x, 1, i, s), lambda gy, x, s: ref.scatter_add_backward(gy, x, 1, i, s), x, s,
                    rng=rng)  # fmt: skip
    i = distinct(rng, ((3, 4), 1, (3, 3)))
    check_reference(lambda x, s: ref.scatter(x, 1, i, s), lambda gy, x, s: ref.scatter_backward(gy, x, 1, i, s), x, s, rng=rng)
