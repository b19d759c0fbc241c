"""Normalisations and softmax of bfloat16 tensors: the float32 kernels' results on the same numbers, rounded once."""

import numpy as np
import pytest
from harness import numbers, place, rounded
from test_guards import Fences

import udlfast as torch
from udlfast.nn import functional as F


def batch(x, w=None, b=None):
    return F.batch_norm(x, None, None, w, b, True)


# name: (operation, shapes of input and factors for a width n)
OPS = {
    "batch_norm": (batch, lambda n: [(3, 5, n, 2), (5,), (5,)]),
    "batch_norm of columns": (batch, lambda n: [(4, n), (n,), (n,)]),
    "batch_norm without factors": (batch, lambda n: [(2, n, 3)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (x.shape[-1],), w, b), lambda n: [(7, 3, n), (n,), (n,)]),
    "layer_norm without bias": (lambda x, w: F.layer_norm(x, (x.shape[-1],), w), lambda n: [(9, n), (n,)]),
    "layer_norm without factors": (lambda x: F.layer_norm(x, (x.shape[-1],)), lambda n: [(5, n)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 3, w, b), lambda n: [(2, 6, n), (6,), (6,)]),
    "group_norm of many": (lambda x, w, b: F.group_norm(x, 2, w, b), lambda n: [(3, 2 * n, 5, 5), (2 * n,), (2 * n,)]),
    "instance_norm": (lambda x: F.instance_norm(x), lambda n: [(2, 3, n + 1)]),
    "softmax": (lambda x: F.softmax(x, dim=1), lambda n: [(5, n)]),
    "log_softmax": (lambda x: F.log_softmax(x, dim=1), lambda n: [(5, n)]),
    "softmax of columns": (lambda x: F.softmax(x, dim=1), lambda n: [(2, 4, n)]),
    "log_softmax of columns": (lambda x: F.log_softmax(x, dim=0), lambda n: [(4, n)]),
}
WIDTHS = (1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 65)
LARGE = {  # more than a task holds
    "batch_norm": (batch, [(3, 40, 60, 17), (40,), (40,)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (768,), w, b), [(700, 768), (768,), (768,)]),
    "layer_norm of long rows": (lambda x, w, b: F.layer_norm(x, (9001,), w, b), [(70, 9001), (9001,), (9001,)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 8, w, b), [(5, 64, 33, 33), (64,), (64,)]),
    "group_norm of few positions": (lambda x, w, b: F.group_norm(x, 8, w, b), [(50, 64, 3, 3), (64,), (64,)]),
    "softmax": (lambda x: F.softmax(x, dim=-1), [(300, 1001)]),
    "log_softmax of columns": (lambda x: F.log_softmax(x, dim=1), [(3, 50, 701)]),
}


def results(op, arrays, kind, factors="float32"):
    leaves = [place(a, kind if i == 0 else factors, "offset").requires_grad_() for i, a in enumerate(arrays)]
    y = op(*leaves)
    gy = rounded(np.random.default_rng(5).standard_normal(tuple(y.shape)), "bfloat16")
    y.backward(place(gy, kind))
    return y, *(t.grad for t in leaves)


def check(op, arrays, softmax):
    """bfloat16 beside float32. The gradient of softmax starts from the result, which is rounded: two roundings there."""
    arrays = [rounded(a, "bfloat16") for a in arrays]
    got, want = results(op, arrays, "bfloat16"), results(op, arrays, "float32")
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        assert a.dtype is (torch.bfloat16 if i < 2 else torch.float32) and a.shape == b.shape
        a, b = numbers(a), numbers(b)
        size = np.abs(b).max(initial=0)
        bound = (2.0**-8 * np.abs(b) if i < 2 else 0) + 2.0**-18 * (size + len(b.ravel()) ** 0.5)
        if i == 1 and softmax:
            bound = bound + 2.0**-7 * (size + 1)
        assert (np.abs(a - b) <= bound).all(), f"operand {i}: {np.max(np.abs(a - b) / bound)} times the bound"


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("name", OPS)
def test_every_tail(isa, rng, name, n):
    op, shapes = OPS[name]
    check(op, [rng.standard_normal(s) for s in shapes(n)], "softmax" in name)


@pytest.mark.parametrize("name", LARGE)
def test_several_tasks(isa, rng, name):
    op, shapes = LARGE[name]
    check(op, [rng.standard_normal(s) for s in shapes], "softmax" in name)


@pytest.mark.parametrize("name", LARGE)
def test_the_same_bits_for_any_number_of_threads(isa, rng, name):
    op, shapes = LARGE[name]
    arrays, before, found = [rng.standard_normal(s) for s in shapes], torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 5, 8):
            torch.set_num_threads(threads)
            found.append([numbers(t) for t in results(op, arrays, "bfloat16")])
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("name", OPS)
def test_outputs_stay_inside(isa, rng, monkeypatch, name):
    """As tests/test_guards.py: fences around results, NaN around inputs, factors of both types."""
    op, shapes = OPS[name]
    op(*(torch.ones(s) for s in shapes(3)))
    fences = Fences(monkeypatch)
    for n in WIDTHS:
        for factors in ("float32", "bfloat16"):
            for i, t in enumerate(results(op, [rng.standard_normal(s) for s in shapes(n)], "bfloat16", factors)):
                assert np.isfinite(numbers(t)).all() and t.dtype is getattr(torch, factors if i > 1 else "bfloat16")
    fences.check(name)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", LARGE)
def test_what_is_not_finite_stays_in_its_group(isa, rng, name, bad):
    op, shapes = LARGE[name]
    arrays = [rounded(rng.standard_normal(s), "bfloat16") for s in shapes]
    arrays[0].flat[arrays[0].size // 2] = bad
    with np.errstate(invalid="ignore"):
        got, want = (numbers(op(*(place(a, kind) for a in arrays))) for kind in ("bfloat16", "float32"))
    assert np.isnan(want).any() and np.array_equal(np.isnan(got), np.isnan(want))


def test_running_statistics_of_both_types(isa, rng):
    x = rounded(rng.standard_normal((4, 6, 5)), "bfloat16")
    for kind in ("float32", "bfloat16"):
        mean, var = torch.zeros(6, dtype=getattr(torch, kind)), torch.ones(6, dtype=getattr(torch, kind))
        F.batch_norm(place(x, "bfloat16"), mean, var, training=True)
        assert mean.dtype is getattr(torch, kind)
        np.testing.assert_allclose(numbers(mean), 0.1 * x.mean((0, 2)), atol=2.0**-11)
        np.testing.assert_allclose(numbers(var), 0.9 + 0.1 * x.var((0, 2), ddof=1), rtol=2.0**-8)
        y = F.batch_norm(place(x, "bfloat16"), mean, var)
        want = (x - numbers(mean)[:, None]) / np.sqrt(numbers(var)[:, None] + 1e-5)
        assert y.dtype is torch.bfloat16 and np.abs(numbers(y) - want).max() <= 2.0**-8 * np.abs(want).max()


def test_an_empty_batch_leaves_the_statistics_alone(isa):
    mean, var = torch.zeros(3), torch.ones(3)
    y = F.batch_norm(torch.zeros(0, 3, 4, dtype=torch.bfloat16), mean, var, training=True)
    assert tuple(y.shape) == (0, 3, 4) and not mean.any() and (var == 1).all()


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm", "group_norm"])
def test_second_derivatives(rng, name):
    op, shapes = OPS[name]
    arrays, found = [rounded(rng.standard_normal(s), "bfloat16") for s in shapes(9)], []
    for kind in ("bfloat16", "float32"):
        leaves = [place(a, kind).requires_grad_() for a in arrays]
        grads = torch.autograd.grad((op(*leaves).float() ** 3).sum(), leaves, create_graph=True)
        sum((g.float() ** 2).sum() for g in grads).backward()
        assert all(t.grad.dtype is t.dtype for t in leaves)
        found.append([numbers(t.grad) for t in leaves])
    for got, want in zip(*found, strict=True):
        assert np.linalg.norm(got - want) <= 0.05 * np.linalg.norm(want)  # roundings to 8 bits on the way, of cubes
