"""What a script says under two libraries, value by value.

A script is a function (torch, say). `say` takes anything: tensors are compared by shape, type and numbers, text with the library's
name taken out, and a function is called to see which exception it raises: ours must be caught by whatever catches PyTorch's.
"""

import builtins
import math
import re
import warnings

import numpy as np


def fill(module, seed=0):
    """Weights from NumPy, the same for both libraries."""
    rng = np.random.default_rng(seed)
    for p in module.parameters():
        p.data.copy_(p.data.new_tensor((rng.standard_normal(tuple(p.shape)) * 0.3).tolist()).reshape(p.shape))
    return module


def draw(torch, *shape, seed=0):
    """Normal numbers in float32, the same for both libraries."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


class Raised:
    """The exception of a call."""

    def __init__(self, error):
        self.error = error
        self.catches = [c for c in type(error).__mro__ if getattr(builtins, c.__name__, None) is c and c not in (BaseException, object)]

    def __repr__(self):
        return f"{type(self.error).__name__}: {str(self.error)[:150]}"


def plain(value):
    """A value as numbers, text and lists."""
    if isinstance(value, np.ndarray):
        return ["array", list(value.shape), value.dtype.name, value.tolist()]
    if hasattr(value, "detach") and hasattr(value, "is_floating_point"):
        t = value.detach()
        numbers = (t.double() if t.is_floating_point() else t).cpu()
        return ["tensor", list(t.shape), plain(str(t.dtype)), bool(value.requires_grad), numbers.tolist()]
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return ["list" if isinstance(value, list) else "tuple", *(plain(v) for v in value)]
    if isinstance(value, (bool, int, float, Raised)) or value is None:
        return value
    text = value if isinstance(value, str) else repr(value)
    text = re.sub(r"0x[0-9a-f]+", "0x", text).replace("udlfast.", "torch.").replace("udlfast", "torch")
    return re.sub(r"grad_fn=<\w+>", "grad_fn", text)  # the tape's nodes are called after our operations


def run(torch, script):
    """All that the script says."""
    heard = []

    def say(*values):
        for value in values:
            if callable(value) and getattr(value, "__name__", "") == "<lambda>":
                try:
                    heard.append(["no exception", plain(value())])
                except Exception as error:
                    heard.append(Raised(error))
            else:
                heard.append(plain(value))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script(torch, say)
    return heard


def differences(ours, theirs, tolerance=2e-4, path=""):
    """Where two plain values differ, as text."""
    if isinstance(theirs, Raised) or isinstance(ours, Raised):
        if not isinstance(ours, Raised) or not isinstance(theirs, Raised):
            return [f"{path}: {ours!r} for {theirs!r}"]
        good = isinstance(ours.error, theirs.catches[0])
        return [] if good else [f"{path}: {ours!r} is no {theirs.catches[0].__name__}: {theirs!r}"]
    if isinstance(ours, float) and isinstance(theirs, float):
        same = ours == theirs or (math.isnan(ours) and math.isnan(theirs)) or abs(ours - theirs) <= tolerance * (1 + abs(theirs))
        return [] if same else [f"{path}: {ours!r} for {theirs!r}"]
    if type(ours) is not type(theirs):
        return [f"{path}: {ours!r} for {theirs!r}"]
    if isinstance(ours, dict):
        if set(ours) != set(theirs):
            return [f"{path}: keys {list(ours)} for {list(theirs)}"]
        return [d for k in ours for d in differences(ours[k], theirs[k], tolerance, f"{path}.{k}")]
    if isinstance(ours, list):
        if len(ours) != len(theirs):
            return [f"{path}: {str(ours)[:200]} for {str(theirs)[:200]}"]
        return [d for i, (a, b) in enumerate(zip(ours, theirs)) for d in differences(a, b, tolerance, f"{path}[{i}]")]
    return [] if ours == theirs else [f"{path}: {ours!r} for {theirs!r}"]
