"""The harness itself: it must pass what is right and catch each planted fault."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_forward, check_gradient, check_raises, gradcheck, numbers, place, rounded

import udlfast as torch
from udlfast.reference import matmul as ref


def right(a, b):
    return torch.matmul(a, b)


def one_nan(a, b):
    y = torch.matmul(a, b)
    mask = torch.zeros(y.shape, dtype=torch.bool)
    mask[-1, -1] = True
    return torch.where(mask, torch.full(y.shape, float("nan"), dtype=y.dtype), y)


def one_infinity(a, b):
    y = torch.matmul(a, b).detach()
    y[0, 0] = float("inf")
    return y


def off_by_one(a, b):
    return torch.roll(torch.matmul(a, b).detach(), 1, 0)


def transposed(a, b):
    return torch.matmul(a, b).t().contiguous().view(a.shape[0], b.shape[1])


def one_row_short(a, b):
    y = torch.matmul(a, b)
    return torch.cat([y[:-1], torch.zeros_like(y[:1])])


def missing_last_term(a, b):
    return torch.matmul(a[:, :-1], b[:-1])


def wrong_dtype(a, b):
    return torch.matmul(a, b).double()


def wrong_shape(a, b):
    return torch.matmul(a, b)[None]


def slightly_off(a, b):
    return torch.matmul(a, b) * (1 + 1e-4)


FORWARD_FAULTS = [
    one_nan, one_infinity, off_by_one, transposed, one_row_short, missing_last_term, wrong_dtype, wrong_shape, slightly_off,
]  # fmt: skip


def half_gradient(a, b):
    return torch.matmul(a, b) * 0.5 + torch.matmul(a, b).detach() * 0.5


def no_gradient_for_b(a, b):
    return torch.matmul(a, b.detach()) + 0.0 * b.sum()


def swapped_gradients(a, b):
    a_as_b, b_as_a = a.detach() + b - b.detach(), b.detach() + a - a.detach()
    return torch.matmul(a_as_b, b_as_a)


GRADIENT_FAULTS = [half_gradient, no_gradient_for_b, swapped_gradients]


@pytest.fixture
def operands(rng):
    return rng.standard_normal((5, 5)), rng.standard_normal((5, 5))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_right_passes(rng, operands, dtype, layout):
    check_forward(right, ref.matmul, *operands, dtype=dtype, layout=layout, k=2, n=5)
    if dtype != "bfloat16":
        check_gradient(right, ref.matmul, ref.matmul_backward, *operands, rng=rng, dtype=dtype, layout=layout, k=2, n=5)
        gradcheck(right, *operands, rng=rng)


@pytest.mark.parametrize("fault", FORWARD_FAULTS, ids=lambda f: f.__name__)
def test_forward_faults_are_caught(operands, fault):
    with pytest.raises(AssertionError):
        check_forward(fault, ref.matmul, *operands, k=2, n=5)


@pytest.mark.parametrize("fault", GRADIENT_FAULTS, ids=lambda f: f.__name__)
def test_gradient_faults_are_caught(rng, operands, fault):
    check_forward(fault, ref.matmul, *operands, k=4, n=5)
    with pytest.raises(AssertionError, match="gradient"):
        check_gradient(fault, ref.matmul, ref.matmul_backward, *operands, rng=rng, k=4, n=5)
    with pytest.raises(AssertionError, match="gradient"):
        gradcheck(fault, *operands, rng=rng)


def test_nan_where_the_reference_has_a_number_fails():
    with pytest.raises(AssertionError):
        check_close(torch.tensor([1.0, float("nan")]), [1.0, 2.0], "planted", k=1e30)
    with pytest.raises(AssertionError):
        check_close(torch.tensor([1.0, 2.0]), [1.0, np.nan], "planted", k=1e30)
    with pytest.raises(AssertionError):
        check_close(torch.tensor([float("inf")]), [-np.inf], "planted", k=1e30)


def test_overflow_of_the_dtype_is_an_infinity():
    check_close(torch.tensor([float("inf")]), [1e39], "exp")
    with pytest.raises(AssertionError):
        check_close(torch.tensor([3e38]), [1e39], "exp", k=1e30)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_hold_the_same_numbers(rng, layout):
    a = rng.standard_normal((3, 4, 5))
    t = place(a, "float64", layout)
    assert np.array_equal(numbers(t), a)
    assert t.is_contiguous() == (layout in ("plain", "offset"))


def test_rounding_to_bfloat16():
    a = np.array([1.0, 1.00390625, 1.01171875, -3.1415926, np.inf, 0.0])
    assert np.array_equal(rounded(a, "bfloat16"), [1.0, 1.0, 1.015625, -3.140625, np.inf, 0.0])


def test_check_raises_wants_every_part():
    def fail():
        raise ValueError("conv2d: got 3 channels")

    check_raises(ValueError, ["conv2d", "3"], fail)
    with pytest.raises(AssertionError):
        check_raises(ValueError, ["conv2d", "needs 4"], fail)
