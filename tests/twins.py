"""One expression in udlfast and in PyTorch: values, types, shapes, gradients and gradients of gradients are compared.

`T` is the library; the inputs are a, b, c. The bound is k eps (|want| + largest |want|), k a condition number of the expression.
"""

import numpy as np
import pytest
from harness import EPS

import udlfast


def leaves(r):
    """The tensors in a result, complex ones as pairs, in order."""
    if isinstance(r, (list, tuple)):
        return [t for x in r for t in leaves(x)]
    if r is None or isinstance(r, (int, float, bool)):
        return []
    if r.is_complex() if hasattr(r, "is_complex") else False:
        if hasattr(r, "pair"):
            return [r.pair]
        import torch
        return [torch.view_as_real(r.resolve_conj()).resolve_neg()]
    return [r]


def array(t):
    """The values of either library's tensor."""
    return None if t is None else t.detach().numpy() if isinstance(t, udlfast.Tensor) else t.detach().resolve_neg().numpy(force=True)


def run(T, grad, expression, arrays, dtype, rng, second):
    """[(name, array)]: outputs, gradients, second gradients."""
    tensors = [T.tensor(x, dtype=getattr(T, dtype) if x.dtype.kind == "f" else None) for x in arrays]
    for t in tensors:
        if t.is_floating_point():
            t.requires_grad_(True)
    names = dict(zip("abcdef", tensors))
    out = leaves(eval(expression, {"T": T, **names}))  # noqa: S307
    found = [(f"output {i}", array(t)) for i, t in enumerate(out)]
    live = [t for t in out if t.requires_grad]
    wanted = [t for t in tensors if t.requires_grad]
    if not live or not wanted:
        return found
    weights = [rng.standard_normal(tuple(t.shape)) for t in live]
    loss = sum((t * T.tensor(np.array(w), dtype=t.dtype)).sum() for t, w in zip(live, weights))
    grads = grad(loss, wanted, create_graph=second, allow_unused=True)
    found += [(f"gradient {i}", array(g)) for i, g in enumerate(grads)]
    if second:
        again = sum((g * g).sum() for g in grads if g is not None)
        if getattr(again, "requires_grad", False):
            grads = grad(again, wanted, allow_unused=True)
            found += [(f"second gradient {i}", array(g)) for i, g in enumerate(grads)]
    return found


def check_twin(expression, *arrays, dtype="float64", k=64.0, second=True, seed=0):
    """The expression gives the same in both libraries."""
    torch = pytest.importorskip("torch")
    ours = run(udlfast, udlfast.autograd.grad, expression, arrays, dtype, np.random.default_rng(seed), second)
    theirs = run(torch, torch.autograd.grad, expression, arrays, dtype, np.random.default_rng(seed), second)
    ours, theirs = dict(ours), dict(theirs)
    assert [n for n in ours if "output" in n] == [n for n in theirs if "output" in n], expression
    first = 0.0  # second gradients can cancel: their terms are as large as the first
    for name in sorted({**ours, **theirs}):
        got, want, what = ours.get(name), theirs.get(name), f"{expression}: {name}"
        if got is None or want is None:  # a gradient that is missing is zero
            assert not np.any(got) and not np.any(want), what
            continue
        assert got.shape == want.shape and got.dtype == want.dtype, f"{what}: {got.dtype} {got.shape}, {want.dtype} {want.shape}"
        if got.dtype.kind != "f":
            assert np.array_equal(got, want), what
            continue
        with np.errstate(all="ignore"):
            special = ~np.isfinite(got) | ~np.isfinite(want)
            assert np.array_equal(got[special], want[special], equal_nan=True), f"{what}: {got} and {want}"
            size = np.where(special, 0, np.abs(want))
            bound = k * EPS[dtype] * (size + max(size.max(initial=0), first)) + 1e-300
            if name.startswith("gradient"):
                first = max(first, size.max(initial=0))
            error = np.where(special, 0, np.abs(got - want))
        assert np.all(error <= bound), f"{what}: off by {(error / bound).max():.3g} bounds\n{got}\n{want}"
