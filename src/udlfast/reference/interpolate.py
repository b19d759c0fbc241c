"""Interpolation of x[N, C, positions...] at new sizes, axis by axis; `steps` is the distance of new places in old ones.

Place p of the result lies at (p + 1/2) step - 1/2, or at p step with align; "nearest" takes old place floor(p step),
"nearest-exact" floor((p + 1/2) step). Old places outside are the ones at the edge."""

import numpy as np


def cubic(t):
    t, a = abs(t), -0.75
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def matrix(old, new, step, mode, align):
    """The map along one axis: [new, old]."""
    m = np.zeros((new, old))
    for p in range(new):
        at = p * step if align else (p + 0.5) * step - 0.5
        if mode.startswith("nearest"):
            places = {int(np.floor((p + (0.5 if mode == "nearest-exact" else 0)) * step)): 1.0}
        elif mode == "bicubic":
            low = int(np.floor(at))
            places = {low + k: cubic(at - low - k) for k in range(-1, 3)}
        else:
            at = min(max(at, 0.0), old - 1.0)
            low = int(np.floor(at))
            places = {low: 1 - (at - low), low + 1: at - low}
        for i, weight in places.items():
            m[p, min(max(i, 0), old - 1)] += weight
    return m


def interpolate(x, new, steps, mode, align=False):
    for axis, (n, step) in enumerate(zip(new, steps, strict=True), 2):
        x = np.moveaxis(np.tensordot(matrix(x.shape[axis], n, step, mode, align), x, (1, axis)), 0, axis)
    return x


def interpolate_backward(gy, x, new, steps, mode, align=False):
    for axis, (n, step) in enumerate(zip(new, steps, strict=True), 2):
        gy = np.moveaxis(np.tensordot(matrix(x.shape[axis], n, step, mode, align).T, gy, (1, axis)), 0, axis)
    return (gy,)
