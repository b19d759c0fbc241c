"""Layer normalisation over the last axes, with and without weight and bias."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import layer_norm as ref

# shape, how many of the last axes
CASES = [((1,), 1), ((5,), 1), ((0, 4), 1), ((3, 1), 1), ((2, 3, 4), 2), ((2, 3, 4), 3), ((13, 97), 1), ((4, 5, 384), 1),
         ((2, 1023), 1), ((65, 16), 1)]  # fmt: skip
CASES += [((3, n), 1) for n in (2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_layer_norm(isa, rng, case, dtype):
    shape, dims = case
    last = shape[-dims:]
    for layout in LAYOUTS:
        check_gradient(
            lambda x, w, b: F.layer_norm(x, last, w, b, eps=1e-3), lambda x, w, b: ref.layer_norm(x, dims, w, b, eps=1e-3),
            lambda gy, x, w, b: ref.layer_norm_backward(gy, x, dims, w, eps=1e-3),
            2 * rng.standard_normal(shape) + 1, rng.standard_normal(last), rng.standard_normal(last),
            rng=rng, dtype=dtype, layout=layout, k=8, n=max(int(np.prod(last)), shape[0]), grad_scale=8,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [*CASES, ((3, 5000), 1)], ids=str)
def test_rms_norm(isa, rng, case, dtype):
    shape, dims = case
    last = shape[-dims:]
    x = 2 * rng.standard_normal(shape) + 1
    for layout in LAYOUTS:
        check_gradient(
            lambda x, w: F.rms_norm(x, last, w, eps=1e-3), lambda x, w: ref.rms_norm(x, dims, w, eps=1e-3),
            lambda gy, x, w: ref.rms_norm_backward(gy, x, dims, w, eps=1e-3), x, rng.standard_normal(last),
            rng=rng, dtype=dtype, layout=layout, k=8, n=max(int(np.prod(last)), shape[0]), grad_scale=8,
        )  # fmt: skip
    check_gradient(lambda x: F.rms_norm(x, last, eps=1e-3), lambda x: ref.rms_norm(x, dims, eps=1e-3),
                   lambda gy, x: ref.rms_norm_backward(gy, x, dims, eps=1e-3)[:1], x, rng=rng, dtype=dtype, k=8,
                   n=max(int(np.prod(last)), shape[0]), grad_scale=8)  # fmt: skip


@pytest.mark.parametrize("D", [128, 133, 5000])
@pytest.mark.parametrize("size", [1e-30, 1e-19, 1e-18])
def test_rows_that_begin_with_tiny_numbers(isa, rng, D, size):
    """Squares that vanish may be left out of the sums, larger ones that follow them not."""
    x = rng.standard_normal((5, D)) * size
    x[1, 64:] = rng.standard_normal(D - 64)
    x[2, -1], x[3, 0] = 1e-3, 1.0
    x[4, 64:] *= 1e6
    for op, want in ((lambda x: F.layer_norm(x, (D,), eps=1e-38), lambda x: ref.layer_norm(x, 1, eps=1e-38)),
                     (lambda x: F.rms_norm(x, (D,), eps=1e-38), lambda x: ref.rms_norm(x, 1, eps=1e-38)),
                     (lambda x: F.group_norm(x[:, None], 1, eps=1e-38)[:, 0], lambda x: ref.layer_norm(x, 1, eps=1e-38))):  # fmt: skip
        seen = x.astype(np.float32).astype(float)
        check_close(op(place(x, "float32")), want(seen), "tiny", k=8, n=D, scale=8)


def test_rms_norm_reference_and_second_gradient(rng):
    x, w = rng.standard_normal((3, 4)), rng.standard_normal(4)
    check_reference(lambda x, w: ref.rms_norm(x, 1, w), lambda gy, x, w: ref.rms_norm_backward(gy, x, 1, w), x, w, rng=rng)
    inputs = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x, w: F.rms_norm(x, (4,), w), inputs)


def test_without_weight_and_bias(isa, rng):
    x = rng.standard_normal((3, 4, 17))
    check_gradient(lambda x: F.layer_norm(x, (17,)), lambda x: ref.layer_norm(x, 1),
                   lambda gy, x: ref.layer_norm_backward(gy, x, 1)[:1], x, rng=rng, k=8, n=17)  # fmt: skip
    w = rng.standard_normal(17)
    check_gradient(lambda x, w: F.layer_norm(x, (17,), w), lambda x, w: ref.layer_norm(x, 1, w),
                   lambda gy, x, w: ref.layer_norm_backward(gy, x, 1, w)[:2], x, w, rng=rng, k=8, n=17)  # fmt: skip


def test_far_from_zero(isa, rng):
    x = (1000 + rng.standard_normal((5, 129))).astype(np.float32)
    check_close(F.layer_norm(torch.tensor(x), (129,)), ref.layer_norm(x.astype(float), 1), "far", k=4096, n=1)


def test_constant_row(isa):
    x = torch.full((3, 9), 5.0, requires_grad=True)
    y = F.layer_norm(x, (9,))
    y.sum().backward()
    assert not numbers(y).any() and np.isfinite(numbers(x.grad)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_row_leaves_the_others_alone(isa, rng, bad):
    for at in (0, 7, 8, 16):
        x = rng.standard_normal((4, 17))
        x[2, at] = bad
        with np.errstate(invalid="ignore"):
            check_close(F.layer_norm(place(x, "float32"), (17,)), ref.layer_norm(x, 1), "row", k=8, n=17)


def test_bfloat16(isa, rng):
    arrays = rng.standard_normal((3, 17)), rng.standard_normal(17), rng.standard_normal(17)
    check_gradient(lambda x, w, b: F.layer_norm(x, (17,), w, b), lambda x, w, b: ref.layer_norm(x, 1, w, b),
                   lambda gy, x, w, b: ref.layer_norm_backward(gy, x, 1, w), *arrays, rng=rng, dtype="bfloat16", k=2)  # fmt: skip


def test_reference(rng):
    x, w, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    check_reference(lambda x, w, b: ref.layer_norm(x, 2, w, b), lambda gy, x, w, b: ref.layer_norm_backward(gy, x, 2, w),
                    x, w, b, rng=rng)  # fmt: skip
