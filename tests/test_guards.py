"""Guard zones: every output that an operation allocates lies between two fences, and the fences stay whole.

Inputs lie between NaN (harness.place, "offset"), so that a read beyond the end shows in the result.
"""

import sys

import numpy as np
import pytest
from harness import numbers, place

import udlfast as torch
import udlfast.nn.functional as F

FENCE, VALUE = 67, 77  # elements on each side: more than a vector of any level


class Fences:
    """Replaces the allocation functions that a module of udlfast.ops has imported."""

    def __init__(self, monkeypatch):
        self.buffers = []
        for name, module in list(sys.modules.items()):
            if name.startswith("udlfast.ops."):
                for function in ("empty", "empty_like"):
                    if hasattr(module, function):
                        monkeypatch.setattr(module, function, self.like if function == "empty_like" else self.empty)

    def empty(self, shape, dtype=None):
        n = int(np.prod(shape))
        whole = torch.full((n + 2 * FENCE,), VALUE, dtype=dtype or torch.float32)
        self.buffers.append((whole, n))
        return whole[FENCE : FENCE + n].view(tuple(shape))

    def like(self, x, dtype=None):
        return self.empty(tuple(x.shape), dtype or x.dtype)

    def check(self, what):
        assert self.buffers, f"{what} allocated nothing here: the test would see nothing"
        for whole, n in self.buffers:
            v = numbers(whole)
            outside = np.concatenate([v[:FENCE], v[FENCE + n :]])
            assert (outside == (1 if whole.dtype == torch.bool else VALUE)).all(), f"{what} wrote outside of its output"


def index(n, high):
    return torch.tensor(np.arange(n) * 7 % high)


# name: (operation, shapes of the float inputs for a width n)
OPS = {
    "softmax": (lambda x: F.softmax(x, dim=1), lambda n: [(3, n)]),
    "softmax columns": (lambda x: F.softmax(x, dim=0), lambda n: [(5, n)]),
    "log_softmax": (lambda x: F.log_softmax(x, dim=1), lambda n: [(3, n)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (x.shape[1],), w, b), lambda n: [(3, n), (n,), (n,)]),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), lambda n: [(2, 3, n + 1), (3,), (3,)]),
    "batch_norm of columns": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), lambda n: [(5, n), (n,), (n,)]),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, padding=1), lambda n: [(2, 3, 3, n), (5, 3, 3, 3), (5,)]),
    "conv2d channels": (lambda x, w, b: F.conv2d(x, w, b), lambda n: [(2, n, 4, 4), (n, n, 3, 3), (n,)]),
    "conv2d stride": (lambda x, w: F.conv2d(x, w, stride=2, padding=1), lambda n: [(1, 2, 5, 2 * n), (3, 2, 3, 3)]),
    "depthwise": (lambda x, w: F.conv2d(x, w, padding=1, groups=3), lambda n: [(2, 3, 4, n), (3, 1, 3, 3)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), lambda n: [(2, 3, 4, 2 * n)]),
    "max_pool2d padded": (lambda x: F.max_pool2d(x, 3, 2, 1), lambda n: [(2, 3, 5, n)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), lambda n: [(2, 3, 5, n)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), lambda n: [(2, 3, 5, n)]),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (2, 3)), lambda n: [(2, 3, 5, n)]),
    "cross_entropy": (lambda x: F.cross_entropy(x, index(5, x.shape[1])), lambda n: [(5, n)]),
    "cross_entropy positions": (lambda x: F.cross_entropy(x, index(2 * x.shape[2], 3).view(2, -1)), lambda n: [(2, 3, n)]),
    "nll_loss": (lambda x: F.nll_loss(x, index(5, x.shape[1])), lambda n: [(5, n)]),
    "embedding": (lambda w: F.embedding(index(9, 5), w), lambda n: [(5, n)]),
    "index_select": (lambda x: torch.index_select(x, 1, index(n := x.shape[1], n)), lambda n: [(3, n)]),
    "gather": (lambda x: torch.gather(x, 1, index(3 * x.shape[1], x.shape[1]).view(3, -1)), lambda n: [(3, n)]),
    "cumsum": (lambda x: torch.cumsum(x, 1), lambda n: [(3, n)]),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, 1), lambda n: [(3, n)]),
    "logcumsumexp of columns": (lambda x: torch.logcumsumexp(x, 0), lambda n: [(3, n)]),
    "cummax": (lambda x: torch.cummax(x, 1)[0], lambda n: [(3, n)]),
    "cummax of columns": (lambda x: torch.cummax(x, 0)[0], lambda n: [(3, n)]),
    "cumsum of columns": (lambda x: torch.cumsum(x, 0), lambda n: [(3, n)]),
    "sort": (lambda x: torch.sort(x, dim=1)[0], lambda n: [(3, n)]),
    "topk": (lambda x: torch.topk(x, (x.shape[1] + 1) // 2, dim=1)[0], lambda n: [(3, n)]),
    "dropout": (lambda x: F.dropout(x, 0.5), lambda n: [(3, n)]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPS)
def test_outputs_stay_inside(isa, rng, monkeypatch, name, dtype):
    op, shapes = OPS[name]
    op(*(torch.ones(s) for s in shapes(3)))  # loads the modules
    fences = Fences(monkeypatch)
    for n in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33):
        arrays = [rng.standard_normal(s) for s in shapes(n)]
        inputs = [place(a, dtype, "offset").requires_grad_() for a in arrays]
        y = op(*inputs)
        y.backward(torch.ones(tuple(y.shape), dtype=y.dtype))
        for t in (y, *(x.grad for x in inputs)):
            assert np.isfinite(numbers(t)).all(), f"{name}, {n}: read beyond the end of an input"
    fences.check(name)


def test_the_fences_notice(monkeypatch):
    """A planted write, one element behind the end."""
    F.softmax(torch.ones((1, 3)), dim=1)
    fences = Fences(monkeypatch)
    fences.empty((3,))
    fences.check("nothing")
    fences.buffers[0][0][FENCE + 3] = 1.0
    with pytest.raises(AssertionError, match="outside"):
        fences.check("planted")
