"""Cross entropy of logits: classes or probabilities as targets, weights, ignored positions, smoothing, reductions."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import cross_entropy as ref

SHAPES = [(1, 1), (1, 3), (5, 10), (7, 2), (3, 7), (3, 8), (3, 9), (2, 17), (64, 10), (2, 65, 4), (3, 5, 2, 3), (4, 1023),
          (2, 3, 0), (2, 16, 33)]  # fmt: skip
OPTIONS = [
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"label_smoothing": 0.1},
    {"ignore_index": 0},
    {"ignore_index": 0, "label_smoothing": 0.2, "reduction": "sum"},
    {"weight": True},
    {"weight": True, "label_smoothing": 0.1, "ignore_index": 0},
    {"weight": True, "reduction": "none", "label_smoothing": 0.3},
]


def check(rng, x, t, options, **more):
    weight = rng.uniform(0.5, 2, x.shape[1]).astype(np.float32) if options.get("weight") else None
    ours, theirs = dict(options), dict(options)
    if weight is not None:
        theirs["weight"] = weight.astype(float)
    def op(x, t):
        if weight is not None:
            ours["weight"] = torch.tensor(weight).to(x.dtype)
        return F.cross_entropy(x, t, **ours)
    check_gradient(
        op, lambda x, t: ref.cross_entropy(x, t, **theirs),
        lambda gy, x, t: ref.cross_entropy_backward(gy, x, t, **theirs), x, t, rng=rng, k=4, n=max(x.shape[1], 4),
        grad_scale=1, **more,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_classes(isa, rng, shape, options, dtype):
    t = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    t.ravel()[:1] = min(1, shape[1] - 1)
    check(rng, 3 * rng.standard_normal(shape), t, options, dtype=dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(isa, rng, layout):
    for shape in ((5, 17), (3, 9, 4)):
        check(rng, 3 * rng.standard_normal(shape), rng.integers(0, shape[1], (shape[0], *shape[2:])), {}, layout=layout)


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1}], ids=str)
@pytest.mark.parametrize("shape", [(3, 5), (2, 7, 4)], ids=str)
def test_probabilities(isa, rng, shape, options):
    p = rng.random(shape)
    p /= p.sum(1, keepdims=True)
    weight = rng.uniform(0.5, 2, shape[1])
    for w in (None, weight):
        check_gradient(
            lambda x: F.cross_entropy(x, torch.tensor(p), weight=None if w is None else torch.tensor(w), **options),
            lambda x: ref.cross_entropy_probabilities(x, p, w, **options),
            lambda gy, x: ref.cross_entropy_probabilities_backward(gy, x, p, w, **options),
            rng.standard_normal(shape), rng=rng, dtype="float64", k=8, n=shape[1],
        )  # fmt: skip


def test_one_sample(isa, rng):
    x = rng.standard_normal(5)
    got = F.cross_entropy(torch.tensor(x), torch.tensor(3))
    check_close(got, ref.cross_entropy(x[None], np.array([3])), "one sample", k=4)


def test_all_ignored(isa):
    x = torch.zeros((3, 4), requires_grad=True)
    t = torch.full((3,), -100)
    assert np.isnan(F.cross_entropy(x, t).item())
    assert F.cross_entropy(x, t, reduction="none").tolist() == [0.0] * 3
    F.cross_entropy(x, t, reduction="sum").backward()
    assert not numbers(x.grad).any()


def test_large_logits(isa):
    """log-sum-exp without overflow: the loss of a sure and wrong answer is the difference of the logits."""
    x = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [88.0, 89.0, 3e38]])
    got = F.cross_entropy(place(x, "float32"), torch.tensor([1, 2, 2]), reduction="none")
    check_close(got, [1e4, np.log(3), 0.0], "large", k=4, scale=0)


def test_infinite_logits(isa):
    x = np.zeros((3, 9))
    x[0, 3], x[1, 3] = np.inf, -np.inf
    got = F.cross_entropy(place(x, "float32"), torch.tensor([3, 0, 0]), reduction="none")
    check_close(got, [np.nan, np.log(8), np.log(9)], "infinite", k=4)
    x[2, 8] = np.nan
    got = numbers(F.cross_entropy(place(x, "float32"), torch.tensor([0, 0, 0]), reduction="none"))
    assert np.isnan(got[2]) and np.isfinite(got[1])


def test_reference(rng):
    x, t = rng.standard_normal((3, 4, 2)), rng.integers(0, 4, (3, 2))
    t[0, 0] = 1
    for options in OPTIONS:
        options = {**options, "weight": rng.uniform(0.5, 2, 4)} if "weight" in options else options
        check_reference(lambda x: ref.cross_entropy(x, t, **options),
                        lambda gy, x: ref.cross_entropy_backward(gy, x, t, **options), x, rng=rng)  # fmt: skip
    p, w = rng.random((3, 4, 2)), rng.uniform(0.5, 2, 4)
    check_reference(lambda x: ref.cross_entropy_probabilities(x, p, w, "mean", 0.2),
                    lambda gy, x: ref.cross_entropy_probabilities_backward(gy, x, p, w, "mean", 0.2), x, rng=rng)  # fmt: skip
