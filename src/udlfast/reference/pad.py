"""Padding of the last axes. `widths` is PyTorch's list: (before, after) of the last axis, then of the one before, ...
Negative widths cut."""

import numpy as np


def position(i, n, mode):
    """The index that output position i (counted from the start of the unpadded axis) shows, or None."""
    if mode == "constant":
        return i if 0 <= i < n else None
    if mode == "replicate":
        return min(max(i, 0), n - 1)
    if mode == "circular":
        return i % n
    return -i if i < 0 else 2 * (n - 1) - i if i >= n else i  # reflect


def sources(shape, widths, mode):
    """For each axis, the list of source positions."""
    axes = [list(range(n)) for n in shape]
    for pair in range(len(widths) // 2):
        axis, (low, high) = len(shape) - 1 - pair, widths[2 * pair : 2 * pair + 2]
        axes[axis] = [position(i, shape[axis], mode) for i in range(-low, shape[axis] + high)]
    return axes


def inside(axes):
    """Indices of the outputs that show an input, and of the inputs that they show."""
    places = [[k for k, at in enumerate(a) if at is not None] for a in axes]
    seen = [[a[k] for k in p] for a, p in zip(axes, places, strict=True)]
    return tuple(np.ix_(*(np.array(p, dtype=int) for p in parts)) for parts in (places, seen))


def pad(x, widths, mode="constant", value=0.0):
    axes = sources(x.shape, widths, mode)
    y = np.full([len(a) for a in axes], value, dtype=x.dtype)
    shown, seen = inside(axes)
    y[shown] = x[seen]
    return y


def pad_backward(gy, x, widths, mode="constant", value=0.0):
    axes = sources(x.shape, widths, mode)
    gx = np.zeros(x.shape)
    shown, seen = inside(axes)
    np.add.at(gx, seen, gy[shown])
    return (gx,)
