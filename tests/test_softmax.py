"""softmax and log_softmax along any axis."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import softmax as ref

# shape, axis
CASES = [((1,), 0), ((5, 1), 1), ((1, 7), 1), ((0, 3), 1), ((3, 0), 1), ((3, 0), 0), ((2, 3, 5), 1), ((17, 4), 0),
         ((3, 33, 2), 1), ((2, 3, 4, 5), 2), ((13, 97), -1), ((32, 10), 1), ((3, 1023), 1)]  # fmt: skip
CASES += [((3, n), 1) for n in (2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65)]
CASES += [((2, 5, n), 1) for n in (3, 4, 7, 8, 9, 15, 16, 17, 33)]
OPS = {
    "softmax": (F.softmax, ref.softmax, ref.softmax_backward),
    "log_softmax": (F.log_softmax, ref.log_softmax, ref.log_softmax_backward),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", OPS)
def test_values_and_gradient(isa, rng, name, case, dtype):
    (op, forward, backward), (shape, axis) = OPS[name], case
    # x - max is rounded before exp makes its error relative: eps |x - max|
    for layout, spread in zip(LAYOUTS, (1, 5, 20, 60), strict=True):
        x = spread * rng.standard_normal(shape)
        check_gradient(
            lambda x: op(x, dim=axis), lambda x: forward(x, axis), lambda gy, x: backward(gy, x, axis), x,
            rng=rng, dtype=dtype, layout=layout, k=4 * (1 + spread), scale=0 if name == "softmax" else None,
            grad_scale=1,
        )  # fmt: skip


@pytest.mark.parametrize("name", OPS)
def test_large_inputs(isa, name):
    op, forward, _ = OPS[name]
    for shift in range(9):
        x = np.roll(np.array([[1e30, 1.0, -1e30, 1e30, 0, 3e38, -3e38, 1, 1]]), shift, axis=1)
        check_close(op(place(x, "float32"), dim=1), forward(x, 1), name, k=4)
    for n in (35, 50, 70):  # the largest of a long row at each place
        x = np.where(np.eye(n) > 0, 1e30, np.linspace(-1e3, 1e3, n))
        check_close(op(place(x, "float32"), dim=1), forward(x, 1), f"{name} of {n}", k=4)
    x = np.array([[1000.0, 1000.0, 999.0], [-1000.0, -1001.0, -1000.0]])
    check_close(op(place(x, "float32"), dim=1), forward(x, 1), name, k=4)


@pytest.mark.parametrize("name", OPS)
def test_special_rows(isa, name):
    """inf, NaN and -inf at every lane; a row of -inf gives NaN, its neighbours stay right."""
    op, forward, _ = OPS[name]
    for bad in (np.nan, np.inf, -np.inf):
        for at in range(17):
            x = np.linspace(-1, 1, 51).reshape(3, 17)
            x[1, at] = bad
            check_close(op(place(x, "float32"), dim=1), forward(x, 1), f"{bad} at {at}", k=4)
            check_close(op(place(x.T, "float32"), dim=0), forward(x.T, 0), f"{bad} at {at}, columns", k=4)
    x = np.zeros((3, 9))
    x[1] = -np.inf
    assert np.isnan(numbers(op(place(x, "float32"), dim=1))[1]).all()
    check_close(op(place(x, "float32"), dim=1), forward(x, 1), "a row of -inf", k=4)


@pytest.mark.parametrize("name", OPS)
def test_bfloat16(isa, rng, name):
    op, forward, backward = OPS[name]
    x = rng.standard_normal((3, 17))
    check_gradient(lambda x: op(x, dim=1), lambda x: forward(x, 1), lambda gy, x: backward(gy, x, 1), x, rng=rng,
                   dtype="bfloat16", k=2, grad_scale=1)  # fmt: skip


def test_constant_rows_are_uniform(isa):
    for n in (1, 3, 7, 8, 9, 16, 33):
        assert np.abs(numbers(F.softmax(torch.full((2, n), 123.0), dim=1)) * n - 1).max() < 1e-6


def test_dtype_and_method(isa):
    x = torch.tensor([[1, 2, 3]])
    assert F.softmax(x, dim=1, dtype=torch.float64).dtype == torch.float64
    y = torch.tensor([[1.0, 2.0]])
    assert torch.equal(y.softmax(1), F.softmax(y, dim=1)) and torch.equal(y.log_softmax(-1), F.log_softmax(y, dim=1))


@pytest.mark.parametrize("name", OPS)
def test_reference(rng, name):
    _, forward, backward = OPS[name]
    x = rng.standard_normal((3, 4, 2))
    check_reference(lambda x: forward(x, 1), lambda gy, x: backward(gy, x, 1), x, rng=rng)


@pytest.mark.parametrize("n", [1, 2, 10, 31, 32, 33])
@pytest.mark.parametrize("name", OPS)
def test_a_row_does_not_depend_on_its_neighbours(isa, rng, name, n):
    op = OPS[name][0]
    x = torch.tensor(5 * rng.standard_normal((200, n)), dtype=torch.float32)
    whole = op(x, 1)
    for i, j in ((0, 1), (7, 8), (31, 33), (40, 199), (199, 200)):
        assert torch.equal(op(x[i:j].clone(), 1), whole[i:j])
