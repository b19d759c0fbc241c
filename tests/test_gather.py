"""gather, index_select and take_along_dim: any axis, repeated and negative positions, gradients that add up."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, place

import udlfast as torch
from udlfast.reference import gather as ref

# shape, axis, shape of the index
CASES = [
    ((5,), 0, (3,)),
    ((5,), 0, (0,)),
    ((1, 1), 0, (1, 1)),
    ((4, 7), 0, (3, 7)),
    ((4, 7), 1, (4, 9)),
    ((4, 7), -1, (2, 3)),
    ((3, 4, 5), 1, (3, 8, 5)),
    ((3, 4, 5), 2, (2, 3, 17)),
    ((2, 3, 4, 5), 0, (1, 3, 2, 5)),
    ((32, 10), 1, (32, 1)),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gather(isa, rng, case, dtype, layout):
    shape, axis, wanted = case
    check_gradient(
        lambda x, i: torch.gather(x, axis, i), lambda x, i: ref.gather(x, axis, i),
        lambda gy, x, i: ref.gather_backward(gy, x, axis, i), rng.standard_normal(shape),
        rng.integers(0, shape[axis], wanted), rng=rng, dtype=dtype, layout=layout, k=1, n=8,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_gather_of_integers(isa, rng, dtype):
    x, i = rng.integers(0, 2, (4, 5)).astype(dtype), rng.integers(0, 5, (4, 3))
    got = torch.gather(torch.tensor(x), 1, torch.tensor(i))
    assert got.numpy().dtype == x.dtype and np.array_equal(got.numpy(), ref.gather(x, 1, i))


def test_strided_index(isa, rng):
    x, i = rng.standard_normal((4, 5)), rng.integers(0, 4, (5, 3))
    check_close(torch.gather(torch.tensor(x), 0, torch.tensor(i).t()), ref.gather(x, 0, i.T), "gather")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", [((5,), 0, 3), ((4, 7), 0, 9), ((4, 7), 1, 3), ((3, 4, 5), 1, 0), ((3, 4, 17), -1, 20),
                                  ((65, 33), 0, 64)], ids=str)  # fmt: skip
def test_index_select(isa, rng, case, layout):
    shape, axis, count = case
    check_gradient(
        lambda x, i: torch.index_select(x, axis, i), lambda x, i: ref.index_select(x, axis, i),
        lambda gy, x, i: ref.index_select_backward(gy, x, axis, i), rng.standard_normal(shape),
        rng.integers(0, shape[axis], count), rng=rng, layout=layout, k=1, n=8,
    )  # fmt: skip


def test_take_along_dim(isa, rng):
    x = rng.standard_normal((3, 5))
    i = np.argsort(x, 1)
    check_close(torch.take_along_dim(torch.tensor(x), torch.tensor(i), 1), np.sort(x, 1), "take_along_dim")


def test_nan_moves_unchanged(isa):
    x = place(np.array([[np.nan, 1.0], [np.inf, 2.0]]), "float32")
    assert np.array_equal(torch.gather(x, 1, torch.tensor([[0], [0]])).numpy(), [[np.nan], [np.inf]], equal_nan=True)


def test_reference(rng):
    x, i = rng.standard_normal((3, 4)), rng.integers(0, 4, (3, 6))
    check_reference(lambda x: ref.gather(x, 1, i), lambda gy, x: ref.gather_backward(gy, x, 1, i), x, rng=rng)
    check_reference(lambda x: ref.index_select(x, 1, i[0]), lambda gy, x: ref.index_select_backward(gy, x, 1, i[0]), x, rng=rng)


def test_negative_places_of_take(isa, rng):
    """take and take_along_dim count from the end, gradients too; gather and scatter refuse."""
    x = torch.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    i = torch.tensor([[-1, 0], [2, -4], [1, 1]])
    y = torch.take_along_dim(x, i, 1)
    y.sum().backward()
    assert y.tolist() == [[x[0, 3], x[0, 0]], [x[1, 2], x[1, 0]], [x[2, 1], x[2, 1]]]
    assert x.grad.tolist() == [[1, 0, 0, 1], [1, 0, 1, 0], [0, 2, 0, 0]]
    assert torch.take(x, torch.tensor([-1, 0])).tolist() == [x[2, 3], x[0, 0]]
    for f in (lambda: torch.gather(x, 1, i), lambda: torch.scatter(x, 1, i, x), lambda: torch.take_along_dim(x, i - 1, 1),
              lambda: x.index_select(0, torch.tensor([-1])), lambda: torch.take(x, torch.tensor([12])),
              lambda: torch.index_add(x, 0, torch.tensor([0, 3]), x[:2]), lambda: torch.scatter_add(x, 1, i, x)):  # fmt: skip
        with pytest.raises(IndexError, match="value -|value 3|value 12"):
            f()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bfloat16"])
def test_index_expanded_over_rows(isa, rng, dtype):
    """An index that says the same for every column is a choice of rows."""
    a, s = rng.integers(0, 2, (6, 70)), rng.integers(0, 2, (9, 70))
    rows = np.array([1, 5, 1, 0, 0, 2, 4, 4, 4])
    x, t = torch.tensor(a).to(getattr(torch, dtype)), torch.tensor(s).to(getattr(torch, dtype))
    index = torch.tensor(rows).reshape(9, 1).expand(9, 70)
    put, added = a.copy(), a.copy()
    put[rows] = s
    np.add.at(added, rows, s)
    assert torch.gather(x, 0, index).long().numpy().tolist() == a[rows].tolist()
    assert torch.scatter(x, 0, index, t).long().numpy().tolist() == put.tolist()
    assert torch.scatter_add(x, 0, index, t).long().numpy().tolist() == added.tolist()
    assert torch.index_copy(x, 0, index[:, 0], t).long().numpy().tolist() == put.tolist()
