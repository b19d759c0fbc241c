"""Batch normalisation: training and evaluation, running statistics, with and without weight and bias."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import batch_norm as ref

CASES = [(2, 1), (3, 5), (17, 8), (5, 3, 1), (2, 3, 7), (3, 4, 8), (3, 4, 9), (2, 5, 16), (2, 5, 17), (1, 3, 2, 2), (2, 3, 4, 5),
         (4, 6, 7, 7), (2, 17, 5, 3), (3, 33, 2, 2), (64, 100), (2, 2, 31, 33)]  # fmt: skip


def terms(shape):
    return int(np.prod(shape)) // shape[1]


@pytest.mark.parametrize("layout", ["plain", "strided", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_training(isa, rng, case, dtype, layout):
    C = case[1]
    check_gradient(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=1e-3),
        lambda x, w, b: ref.batch_norm(x, None, None, w, b, training=True, eps=1e-3)[0],
        lambda gy, x, w, b: ref.batch_norm_backward(gy, x, w=w, training=True, eps=1e-3),
        2 * rng.standard_normal(case) + 1, rng.standard_normal(C), rng.standard_normal(C),
        rng=rng, dtype=dtype, layout=layout, k=8, n=terms(case), grad_scale=4,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_evaluation(isa, rng, case, dtype):
    C = case[1]
    mean, var = rng.standard_normal(C).astype(dtype), rng.uniform(0.5, 2, C).astype(dtype)
    check_gradient(
        lambda x, w, b: F.batch_norm(x, torch.tensor(mean), torch.tensor(var), w, b, training=False),
        lambda x, w, b: ref.batch_norm(x, mean.astype(float), var.astype(float), w, b)[0],
        lambda gy, x, w, b: ref.batch_norm_backward(gy, x, mean.astype(float), var.astype(float), w),
        rng.standard_normal(case), rng.standard_normal(C), rng.standard_normal(C),
        rng=rng, dtype=dtype, k=8, n=terms(case),
    )  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
def test_without_weight_and_bias(isa, rng, training):
    mean, var = rng.standard_normal(3), rng.uniform(0.5, 2, 3)
    check_gradient(
        lambda x: F.batch_norm(x, torch.tensor(mean), torch.tensor(var), training=training),
        lambda x: ref.batch_norm(x, mean, var, training=training)[0],
        lambda gy, x: ref.batch_norm_backward(gy, x, mean, var, training=training)[:1],
        rng.standard_normal((4, 3, 5)), rng=rng, dtype="float64", k=8, n=20,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_running_statistics(isa, rng, case):
    x, mean, var = rng.standard_normal(case) + 3, rng.standard_normal(case[1]), rng.uniform(0.5, 2, case[1])
    m, v = torch.tensor(mean), torch.tensor(var)
    F.batch_norm(torch.tensor(x), m, v, training=True, momentum=0.3)
    _, want_mean, want_var = ref.batch_norm(x, mean, var, training=True, momentum=0.3)
    check_close(m, want_mean, "running_mean", k=4, n=terms(case))
    check_close(v, want_var, "running_var", k=4, n=terms(case))
    F.batch_norm(torch.tensor(x), m, v, training=False)
    check_close(m, want_mean, "evaluation leaves them alone", k=4, n=terms(case))


def test_far_from_zero(isa, rng):
    """mean >> deviation: squares summed in one pass would lose every digit."""
    x = (1000 + rng.standard_normal((8, 3, 5, 5))).astype(np.float32)
    y = F.batch_norm(torch.tensor(x), None, None, training=True)
    check_close(y, ref.batch_norm(x.astype(float), training=True)[0], "far", k=4096, n=1)


def test_constant_channel_is_zero_and_has_finite_gradient(isa):
    x = torch.full((4, 2, 3), 7.0, requires_grad=True)
    y = F.batch_norm(x, None, None, training=True)
    y.sum().backward()
    assert np.abs(numbers(y)).max() < 1e-3 and np.isfinite(numbers(x.grad)).all()


def test_nan_stays_in_its_channel(isa, rng):
    x = rng.standard_normal((3, 4, 9))
    x[1, 2, 5] = np.nan
    y = F.batch_norm(place(x, "float32"), None, None, training=True)
    with np.errstate(invalid="ignore"):
        check_close(y, ref.batch_norm(x, training=True)[0], "NaN", k=8, n=27)


def test_empty_batch_leaves_the_statistics_alone(isa):
    mean, var = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    y = F.batch_norm(torch.empty((0, 2, 3)), mean, var, training=True)
    assert tuple(y.shape) == (0, 2, 3)
    assert mean.tolist() == [1.0, 2.0] and var.tolist() == [3.0, 4.0]


def test_reference(rng):
    x, w, b = rng.standard_normal((3, 2, 2)), rng.standard_normal(2), rng.standard_normal(2)
    check_reference(
        lambda x, w, b: ref.batch_norm(x, None, None, w, b, training=True)[0],
        lambda gy, x, w, b: ref.batch_norm_backward(gy, x, w=w, training=True), x, w, b, rng=rng,
    )  # fmt: skip
    check_reference(
        lambda x, w, b: ref.batch_norm(x, np.ones(2), np.full(2, 2.0), w, b)[0],
        lambda gy, x, w, b: ref.batch_norm_backward(gy, x, np.ones(2), np.full(2, 2.0), w), x, w, b, rng=rng,
    )  # fmt: skip
