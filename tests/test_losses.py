"""Losses between tensors of one shape: mse, l1, huber, smooth_l1, binary cross entropies, Kullback-Leibler divergence."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_forward, check_gradient, check_reference, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import losses as ref

SHAPES = [(0,), (1,), (3,), (4,), (5,), (7,), (8,), (9,), (15,), (16,), (17,), (33,), (3, 5), (2, 31, 7), (64, 10), ()]


def anything(rng, shape):
    return np.asarray(3 * rng.standard_normal(shape)), np.asarray(rng.standard_normal(shape))


def probabilities(rng, shape):
    return np.asarray(rng.uniform(0.05, 0.95, shape)), np.asarray(rng.uniform(0.05, 0.95, shape))


def logits(rng, shape):
    return np.asarray(5 * rng.standard_normal(shape)), np.asarray(rng.uniform(0, 1, shape))


def log_and_probability(rng, shape):
    return np.asarray(np.log(rng.uniform(0.05, 1, shape))), np.asarray(rng.uniform(0.05, 1, shape))


def two_logs(rng, shape):
    return np.asarray(np.log(rng.uniform(0.05, 1, shape))), np.asarray(np.log(rng.uniform(0.05, 1, shape)))


# operation, inputs, options
CASES = [
    ("mse_loss", anything, {}),
    ("l1_loss", anything, {}),
    ("huber_loss", anything, {}),
    ("huber_loss", anything, {"delta": 0.3}),
    ("smooth_l1_loss", anything, {}),
    ("smooth_l1_loss", anything, {"beta": 0.3}),
    ("smooth_l1_loss", anything, {"beta": 0.0}),
    ("binary_cross_entropy", probabilities, {}),
    ("binary_cross_entropy_with_logits", logits, {}),
    ("kl_div", log_and_probability, {}),
    ("kl_div", two_logs, {"log_target": True}),
]
IDS = [f"{name}{options or ''}" for name, _, options in CASES]
pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_loss(isa, rng, case, dtype, reduction):
    name, draw, options = case
    forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
    for i, shape in enumerate(SHAPES):
        check_gradient(
            lambda x, t: getattr(F, name)(x, t, reduction=reduction, **options),
            lambda x, t: forward(x, t, reduction=reduction, **options),
            lambda gy, x, t: backward(gy, x, t, reduction=reduction, **options), *draw(rng, shape),
            rng=rng, dtype=dtype, layout=LAYOUTS[i % 4], k=8, n=int(np.prod(shape)),
        )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_target_without_gradient(isa, rng, case):
    name, draw, options = case
    x, t = draw(rng, (5, 3))
    check_gradient(
        lambda x: getattr(F, name)(x, torch.tensor(t), **options), lambda x: getattr(ref, name)(x, t, **options),
        lambda gy, x: getattr(ref, name + "_backward")(gy, x, t, **options)[:1], x, rng=rng, dtype="float64", k=8, n=15,
    )  # fmt: skip


def test_weights(isa, rng):
    w, p = rng.uniform(0.5, 2, (4, 3)), rng.uniform(0.5, 2, 3)
    for reduction in ("mean", "sum", "none"):
        x, t = probabilities(rng, (4, 3))
        check_forward(lambda x, t: F.binary_cross_entropy(x, t, torch.tensor(w), reduction=reduction),
                      lambda x, t: ref.binary_cross_entropy(x, t, w, reduction), x, t, dtype="float64", k=8)  # fmt: skip
        x, t = logits(rng, (4, 3))
        check_gradient(
            lambda x: F.binary_cross_entropy_with_logits(
                x, torch.tensor(t), torch.tensor(w), pos_weight=torch.tensor(p), reduction=reduction),
            lambda x: ref.binary_cross_entropy_with_logits(x, t, w, reduction, p),
            lambda gy, x: ref.binary_cross_entropy_with_logits_backward(gy, x, t, w, reduction, p)[:1], x,
            rng=rng, dtype="float64", k=8, n=12,
        )  # fmt: skip


def test_infinite_logits_have_an_infinite_loss(isa):
    for n in (1, 5, 33):
        x = torch.full((n,), np.inf)
        for logits, target in ((x, 0.25), (-x, 0.25), (x, 0.0), (-x, 1.0)):
            y = F.binary_cross_entropy_with_logits(logits, torch.full((n,), target), reduction="none")
            assert y.tolist() == [np.inf] * n


def test_batchmean(isa, rng):
    x, t = log_and_probability(rng, (4, 3))
    check_gradient(
        lambda x, t: F.kl_div(x, t, reduction="batchmean"), lambda x, t: ref.kl_div(x, t, "batchmean"),
        lambda gy, x, t: ref.kl_div_backward(gy, x, t, "batchmean"), x, t, rng=rng, k=8, n=12,
    )  # fmt: skip


def test_kl_div_of_zero_probability(isa):
    got = F.kl_div(torch.log(torch.tensor([0.5, 0.5])), torch.tensor([0.0, 1.0]), reduction="none")
    check_close(got, [0.0, np.log(2)], "kl_div", k=2)


def test_sure_and_wrong(isa):
    """log 0 counts as -100, as in PyTorch, so that the loss stays finite."""
    got = F.binary_cross_entropy(torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    assert got.tolist() == [100.0, 100.0, 0.0, 0.0]


def test_large_logits_do_not_overflow(isa):
    x = torch.tensor([1e4, -1e4, 100.0, -100.0] * 3, requires_grad=True)
    t = torch.tensor([0.0, 1.0, 1.0, 0.0] * 3)
    y = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    y.sum().backward()
    assert np.allclose(numbers(y), [1e4, 1e4, 0, 0] * 3, atol=1e-6)
    assert np.allclose(numbers(x.grad), [1, -1, 0, 0] * 3, atol=1e-6)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy_with_logits"])
def test_nan_is_not_lost(isa, rng, name):
    for at in range(9):
        x = rng.standard_normal(9)
        x[at] = np.nan
        got = numbers(getattr(F, name)(torch.tensor(x), torch.zeros(9, dtype=torch.float64), reduction="none"))
        assert np.isnan(got).tolist() == np.isnan(x).tolist()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_reference(rng, case):
    name, draw, options = case
    x, t = draw(rng, (3, 4))
    for reduction in ("mean", "sum", "none"):
        check_reference(
            lambda x, t: getattr(ref, name)(x, t, reduction=reduction, **options),
            lambda gy, x, t: getattr(ref, name + "_backward")(gy, x, t, reduction=reduction, **options), x, t, rng=rng,
        )  # fmt: skip
