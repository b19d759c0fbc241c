"""Compares an operation with its NumPy reference: values, NaN and infinity, dtype, shape, and every gradient.

The reference computes in float64 from exactly the numbers the operation sees (inputs are rounded to its dtype first).
The bound is derived, not chosen to pass: |got - want| <= k eps(dtype) sqrt(n) (|want| + scale), where n is the length
of the sums behind one output, k a small constant of the operation, and scale the size of the terms (default: the
largest |want|, or `terms` where that is larger: few sums
may all cancel; 0 asks for a small relative error of each number by itself).
"""

import numpy as np
import pytest

import udlfast as torch

EPS = {"float64": 2.0**-52, "float32": 2.0**-23, "bfloat16": 2.0**-7, "int64": 0.0, "int32": 0.0, "uint8": 0.0, "bool": 0.0}
TINY = {"float64": 2.0**-1022, "float32": 2.0**-126, "bfloat16": 2.0**-126}
LAYOUTS = ["plain", "strided", "transposed", "offset"]


def rounded(a, dtype):
    """float64 numbers that dtype can hold: a, rounded to nearest even."""
    with np.errstate(over="ignore"):
        if dtype == "float32":
            return a.astype(np.float32).astype(float)
        if dtype == "bfloat16":
            bits = np.asarray(a, np.float32).view(np.uint32).astype(np.uint64)
            kept = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
            even = kept.astype(np.uint32).view(np.float32).astype(float)
            return np.where(np.isnan(a), np.nan, even).reshape(np.shape(a))
    return np.asarray(a, float)


def place(a, dtype, layout="plain"):
    """A tensor that holds `a` in the given memory layout; the memory between its elements holds NaN."""
    a = np.asarray(a, float)
    kind = getattr(torch, dtype)
    if layout == "plain" or a.ndim == 0:
        return torch.tensor(a, dtype=kind)
    if layout == "strided":
        gaps = np.full((*a.shape[:-1], 2 * a.shape[-1] + 1), np.nan)
        gaps[..., 1::2] = a
        return torch.tensor(gaps, dtype=kind)[..., 1::2]
    if layout == "transposed":
        return torch.tensor(np.ascontiguousarray(a.T), dtype=kind).permute(*reversed(range(a.ndim)))
    flat = np.concatenate([np.full(3, np.nan), a.ravel(), np.full(2, np.nan)])
    return torch.tensor(flat, dtype=kind)[3 : 3 + a.size].view(a.shape)


def numbers(t):
    """The values of a tensor as float64 (bfloat16 has no NumPy type)."""
    t = t.detach()
    return np.asarray((t.float() if t.dtype == torch.bfloat16 else t).numpy(), dtype=float)


def name_of(dtype):
    return str(dtype).rpartition(".")[2]


def check_close(got, want, what, k=1.0, n=1, scale=None, dtype=None, terms=0.0):
    """got (a tensor) equals want (float64) within the bound; NaN and infinity sit in the same places."""
    kind = name_of(got.dtype)
    assert dtype is None or kind == dtype, f"{what}: dtype {kind}, expected {dtype}"
    want = np.asarray(want, dtype=float)
    assert tuple(got.shape) == want.shape, f"{what}: shape {tuple(got.shape)}, expected {want.shape}"
    got = numbers(got)
    with np.errstate(all="ignore"):
        held = rounded(want, kind) if kind in TINY else want  # a number beyond the dtype's range is an infinity there
        special = ~np.isfinite(held) | ~np.isfinite(got)
        wrong = special & ~((got == held) | (np.isnan(got) & np.isnan(held)))
        size = np.where(special, 0, np.abs(want))
        scale = max(np.max(size, initial=0.0), terms) if scale is None else np.abs(scale)
        bound = k * EPS[kind] * max(n, 1) ** 0.5 * (size + scale) + TINY.get(kind, 0.0)
        wrong |= ~special & ~(np.abs(got - want) <= bound)
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        far = np.where(wrong & ~special, np.abs(got - want) / bound, 0).max()
        raise AssertionError(
            f"{what} ({kind}): {wrong.sum()} of {wrong.size} wrong, first at {at}: got {got[at]!r}, expected {want[at]!r}; "
            f"worst error {far:.3g} times the bound"
        )


def inputs_of(arrays, dtype, layout, grad):
    """float arrays become tensors of dtype in the layout, integer and boolean arrays plain tensors; the rest is kept."""
    seen, tensors = [], []
    for a in arrays:
        if not isinstance(a, np.ndarray):
            seen.append(a), tensors.append(a)
        elif a.dtype.kind == "f":
            seen.append(rounded(a, dtype))
            t = place(seen[-1], dtype, layout)
            tensors.append(t.requires_grad_() if grad else t)
        else:
            seen.append(a), tensors.append(torch.tensor(a))
    return seen, tensors


def check_forward(op, forward, *arrays, dtype="float32", layout="plain", out_dtype=None, **bound):
    """op on tensors equals forward on float64 arrays."""
    seen, tensors = inputs_of(arrays, dtype, layout, grad=False)
    check_close(op(*tensors), forward(*seen), "forward", dtype=out_dtype or dtype, **bound)


def check_gradient(op, forward, backward, *arrays, rng, dtype="float32", layout="plain", grad_scale=None, **bound):
    """As check_forward, and the gradient of each float input from a random upstream gradient equals backward's.

    grad_scale: the size of the terms, or a function of (gy, *arrays) that gives those of each input."""
    seen, tensors = inputs_of(arrays, dtype, layout, grad=True)
    y = op(*tensors)
    want = np.asarray(forward(*seen), dtype=float)
    check_close(y, want, "forward", dtype=dtype, **bound)
    gy = rounded(rng.standard_normal(want.shape), dtype)
    y.backward(torch.tensor(gy, dtype=getattr(torch, dtype)))
    grads = [g for g in backward(gy, *seen)]
    leaves = [(i, t) for i, t in enumerate(tensors) if isinstance(t, torch.Tensor) and t.requires_grad]
    assert len(grads) == len(leaves), f"the reference gives {len(grads)} gradients for {len(leaves)} inputs"
    scales = grad_scale(gy, *seen) if callable(grad_scale) else [grad_scale] * len(leaves)
    for (i, t), want, bound["scale"] in zip(leaves, grads, scales, strict=True):
        assert t.grad is not None, f"input {i} got no gradient"
        check_close(t.grad, want, f"gradient of input {i}", dtype=dtype, **bound)


def central_differences(f, arrays, gy, h=1e-5):
    """d sum(gy f(arrays)) / d each element of the float arrays, by (f(x + h) - f(x - h)) / 2h."""
    grads = []
    for i, a in enumerate(arrays):
        if not (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
            continue
        g = np.zeros(a.shape)
        for at in np.ndindex(a.shape):
            up, down = np.array(a), np.array(a)
            up[at] += h
            down[at] -= h
            high, low = (f(*arrays[:i], moved, *arrays[i + 1 :]) for moved in (up, down))
            g[at] = np.sum(gy * (np.asarray(high) - np.asarray(low))) / (2 * h)
        grads.append(g)
    return grads


def compare_gradients(grads, numeric, what):
    # central differences lose eps / h to rounding and h^2 to curvature: 1e-10 each, times the size of the terms
    assert len(grads) == len(numeric), f"{what}: {len(grads)} gradients, expected {len(numeric)}"
    for i, (got, want) in enumerate(zip(grads, numeric, strict=True)):
        error = np.abs(np.asarray(got) - want)
        assert np.shape(got) == want.shape and np.all(error <= 1e-7 * (1 + np.abs(want).max(initial=0))), (
            f"{what}: gradient of input {i} is off by {error.max():.3g} from central differences"
        )


def gradcheck(op, *arrays, rng):
    """The gradients that autograd gives, in float64, against central differences of op itself."""
    _, tensors = inputs_of(arrays, "float64", "plain", grad=True)
    y = op(*tensors)
    gy = rng.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(gy))
    grads = [numbers(t.grad) for t in tensors if isinstance(t, torch.Tensor) and t.requires_grad]
    numeric = central_differences(lambda *a: numbers(op(*inputs_of(a, "float64", "plain", False)[1])), arrays, gy)
    compare_gradients(grads, numeric, "autograd")


def check_reference(forward, backward, *arrays, rng):
    """The reference's own gradients against central differences of the reference."""
    gy = rng.standard_normal(np.shape(forward(*arrays)))
    compare_gradients(list(backward(gy, *arrays)), central_differences(forward, arrays, gy), "reference")


def check_raises(kinds, parts, call, *args, **kwargs):
    """call raises one of `kinds` and its text holds every part: the operation, what it got, what it needs."""
    with pytest.raises(kinds) as caught:
        call(*args, **kwargs)
    text = str(caught.value)
    missing = [p for p in parts if p.lower() not in text.lower()]
    assert not missing, f"{type(caught.value).__name__} lacks {missing} in: {text}"
    return text


def check_threads(function, arrays, threads=(1, 2, 3, 8)):
    """Result and gradients of function(*arrays) have the same bits for every number of threads."""
    results, before = [], torch.get_num_threads()
    try:
        for n in threads:
            torch.set_num_threads(n)
            leaves = [a.clone().requires_grad_() for a in arrays]
            y = function(*leaves)
            y.backward(torch.ones_like(y))
            results.append([numbers(t) for t in (y, *(a.grad for a in leaves))])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))
