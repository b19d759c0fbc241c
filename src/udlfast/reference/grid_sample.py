"""x[N, C, (D,) H, W] read at the places grid[N, ..., 2 or 3] names, coordinates x, y(, z) from -1 to 1; place by place."""

import math

import numpy as np


def position(c, size, align):
    """A coordinate in pixels, and its slope."""
    return ((c + 1) / 2 * (size - 1), (size - 1) / 2) if align else (((c + 1) * size - 1) / 2, size / 2)


def inside(p, size, padding, align):
    """The position that the padding mode reads instead, and the slope of that."""
    slope = 1.0
    if padding == "reflection":
        low, span = (0.0, size - 1) if align else (-0.5, size)
        if not span:
            return 0.0, 0.0
        d = (p - low) % (2 * span)
        p, slope = (low + d, 1.0) if d < span else (low + 2 * span - d, -1.0)
    if padding != "zeros":
        if p <= 0 or p >= size - 1:
            p, slope = min(max(p, 0.0), size - 1.0), 0.0
    return p, slope


def cubic(u):
    """The kernel of cubic interpolation at a signed distance, and its derivative; A = -0.75."""
    A, v, sign = -0.75, abs(u), np.sign(u)
    if v <= 1:
        return ((A + 2) * v - (A + 3)) * v**2 + 1, sign * (3 * (A + 2) * v - 2 * (A + 3)) * v
    return A * (v**3 - 5 * v**2 + 8 * v - 4), sign * A * (3 * v**2 - 10 * v + 8)


def axis_taps(c, size, mode, padding, align):
    """[(index or None, weight, slope of the weight)]"""
    p, slope = position(c, size, align)
    if mode == "bicubic":
        first, found = int(np.floor(p)), []
        for k in range(first - 1, first + 3):
            at = inside(float(k), size, padding, align)[0]
            w, d = cubic(p - k)
            found.append((int(at) if 0 <= at < size else None, w, d * slope))
        return found
    p, more = inside(p, size, padding, align)
    slope *= more
    if mode == "nearest":
        return [(int(np.rint(p)) if 0 <= np.rint(p) < size else None, 1.0, 0.0)]
    first = int(np.floor(p))
    return [(k if 0 <= k < size else None, 1 - abs(p - k), slope * s) for k, s in ((first, -1), (first + 1, 1))]


def place_taps(x, place, mode, padding, align):
    """[(index into the volume, weight, slopes by coordinate)] of one place; what lies outside is left out."""
    axes = [axis_taps(c, size, mode, padding, align) for c, size in zip(place, x.shape[:1:-1], strict=True)]
    found = []
    for taps in np.ndindex(*(len(a) for a in axes)):
        parts = [a[k] for a, k in zip(axes, taps, strict=True)]
        if any(at is None for at, _, _ in parts):
            continue
        w = math.prod(w for _, w, _ in parts)
        slopes = [d * math.prod(w for j, (_, w, _) in enumerate(parts) if j != i) for i, (_, _, d) in enumerate(parts)]
        found.append((tuple(at for at, _, _ in reversed(parts)), w, np.array(slopes)))
    return found


def grid_sample(x, grid, mode="bilinear", padding="zeros", align=False):
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n in range(x.shape[0]):
        for at in np.ndindex(*grid.shape[1:-1]):
            for tap, w, _ in place_taps(x, grid[(n, *at)], mode, padding, align):
                y[(n, slice(None), *at)] += w * x[(n, slice(None), *tap)]
    return y


def grid_sample_backward(gy, x, grid, mode="bilinear", padding="zeros", align=False):
    gx, ggrid = np.zeros(x.shape), np.zeros(grid.shape)
    for n in range(x.shape[0]):
        for at in np.ndindex(*grid.shape[1:-1]):
            g = gy[(n, slice(None), *at)]
            for tap, w, slopes in place_taps(x, grid[(n, *at)], mode, padding, align):
                gx[(n, slice(None), *tap)] += w * g
                ggrid[(n, *at)] += slopes * (g @ x[(n, slice(None), *tap)])
    return gx, ggrid
