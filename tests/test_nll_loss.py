"""Negative log likelihood of log-probabilities: weights, ignored positions, reductions, more axes."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import nll_loss as ref

SHAPES = [(1, 1), (1, 3), (5, 10), (17, 2), (64, 10), (2, 7, 4), (3, 5, 2, 3), (9, 33), (2, 3, 0)]
OPTIONS = [{}, {"reduction": "sum"}, {"reduction": "none"}, {"ignore_index": 0}, {"ignore_index": 0, "reduction": "none"}]


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weight"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nll_loss(isa, rng, shape, options, weighted):
    t = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    t.ravel()[:1] = min(1, shape[1] - 1)
    w = rng.uniform(0.5, 2, shape[1]).astype(np.float32) if weighted else None
    wide = None if w is None else w.astype(float)
    for dtype, layout in (("float32", "plain"), ("float64", "strided"), ("float32", "transposed")):
        check_gradient(
            lambda x, t: F.nll_loss(x, t, None if w is None else torch.tensor(w).to(x.dtype), **options),
            lambda x, t: ref.nll_loss(x, t, wide, **options),
            lambda gy, x, t: ref.nll_loss_backward(gy, x, t, wide, **options),
            rng.standard_normal(shape), t, rng=rng, dtype=dtype, layout=layout, k=4, n=t.size, scale=1,
        )  # fmt: skip


def test_all_ignored(isa):
    x, t = torch.zeros((3, 4), requires_grad=True), torch.full((3,), -100)
    assert np.isnan(F.nll_loss(x, t).item())
    F.nll_loss(x, t, reduction="sum").backward()
    assert not numbers(x.grad).any()


def test_equals_cross_entropy_of_log_softmax(isa, rng):
    x, t = torch.tensor(rng.standard_normal((6, 5))), torch.tensor(rng.integers(0, 5, 6))
    check_close(F.nll_loss(F.log_softmax(x, dim=1), t), numbers(F.cross_entropy(x, t)), "nll", k=4)


def test_reference(rng):
    x, t, w = rng.standard_normal((3, 4, 2)), rng.integers(0, 4, (3, 2)), rng.uniform(0.5, 2, 4)
    t[0, 0] = 1
    for options in OPTIONS:
        check_reference(lambda x: ref.nll_loss(x, t, w, **options),
                        lambda gy, x: ref.nll_loss_backward(gy, x, t, w, **options), x, rng=rng)  # fmt: skip
