"""Images and signals made larger or smaller, axis by axis.

Along an axis, each new place is a weighted sum of a few old ones: one for "nearest", two for "linear", four for
"bicubic".
"""
import math

from .._core import K_interpolate, attach, bfloat16, call, empty, float32, from_numpy, matmul
from ..errors import ArgumentError, ShapeError, UnsupportedError
from ._common import floating, whole
from .adaptive_pool2d import adaptive_avg_pool1d, adaptive_avg_pool2d
from .adaptive_pool3d import adaptive_avg_pool3d

# what each mode takes: number of position axes, number of old places for a new one
MODES = {"nearest": ((1, 2, 3), 1), "nearest-exact": ((1, 2, 3), 1), "linear": ((1,), 2), "bilinear": ((2,), 2),
         "trilinear": ((3,), 2), "bicubic": ((2,), 4), "area": ((1, 2, 3), 0)}


def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
                antialias=False):
    """The input sampled anew at another size.

    The new place p lies at (p + 1/2) s - 1/2 between the old ones, s = old size / new size (with align_corners at p s,
    s = (old size - 1) / (new size - 1)); "nearest" takes the old place floor(p s).

    Args:
        input: [N, C, W], [N, C, H, W] or [N, C, D, H, W], floating point
        size: the new sizes, one number or one for each position axis
        scale_factor: instead of size: new size = floor(old size x factor)
        mode: "nearest", "nearest-exact", "linear" (W), "bilinear" or "bicubic" (H W), "trilinear" (D H W), "area"
        align_corners: keep the corner values; for the linear and cubic modes
        recompute_scale_factor: compute s from the sizes rather than from scale_factor
        antialias: for "bilinear" and "bicubic": where the result is smaller, each new place is a weighted mean over all old ones within
            (support x s), so that fine patterns do not turn into coarse ones
    Returns: [N, C, new sizes]
    Raises: ShapeError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1., 2.]]]), scale_factor=2).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    op = "interpolate"
    floating(op, input)
    n = input.ndim - 2
    if mode not in MODES:
        raise UnsupportedError(f"{op}: mode must be one of {', '.join(MODES)}, got {mode!r}")
    if n not in MODES[mode][0]:
        raise UnsupportedError(f"{op}: mode {mode!r} takes inputs with {' or '.join(str(k + 2) for k in MODES[mode][0])} "
                         f"dimensions [N, C, ...], got {list(input.shape)}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(f"{op}: antialias goes with the modes 'bilinear' and 'bicubic', got mode {mode!r}")
    if align_corners is not None and MODES[mode][1] < 2:
        raise ArgumentError(f"{op}: align_corners goes with the linear and cubic modes, got mode {mode!r}")
    old = tuple(input.shape[2:])
    new, steps = _sizes(op, old, size, scale_factor, recompute_scale_factor, align_corners)
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[n - 1](input, new if n > 1 else new[0])
    if new == old and all(s == 1.0 for s in steps):
        return input.clone()
    if antialias:
        return _smoothed(input, new, steps, mode)
    if input.dtype is bfloat16:
        return _resample(input.to(float32), new, steps, mode, align_corners).to(bfloat16)
    return _resample(input, new, steps, mode, align_corners)


def _sizes(op, old, size, factor, recompute, align_corners):
    """(new sizes, distance of new places in old ones, for each axis)"""
    if (size is None) == (factor is None):
        raise ArgumentError(f"{op}: give either size or scale_factor, got {'both' if size is not None else 'neither'}")
    n = len(old)
    if size is not None:
        new = (size,) * n if not isinstance(size, (tuple, list)) else tuple(size)
        factors = (None,) * n
    else:
        factors = (factor,) * n if not isinstance(factor, (tuple, list)) else tuple(factor)
        if any(f <= 0 for f in factors):
            raise ArgumentError(f"{op}: scale_factor must be positive, got {factor}")
        new = tuple(math.floor(h * f) for h, f in zip(old, factors))
        if recompute:
            factors = (None,) * n
    if len(new) != n:
        raise ShapeError(f"{op}: expected {n} sizes or factors for the axes {list(old)}, got {len(new)}")
    new = tuple(whole(op, "each new size", k, 1) for k in new)
    if min(old) < 1:
        raise ShapeError(f"{op}: an axis of {list(old)} is empty")
    if align_corners:
        return new, tuple((h - 1) / (k - 1) if k > 1 else 0.0 for h, k in zip(old, new))
    return new, tuple(h / k if f is None else 1.0 / f for h, k, f in zip(old, new, factors))


def _smoothed(x, new, steps, mode):
    """Antialiased: a matrix of weights along each axis, W_h x W_w^T, which has gradients as products have."""
    rows, columns = (_weights(k, h, s, mode, x.dtype) for k, h, s in zip(new, x.shape[2:], steps))
    return matmul(matmul(rows, x), columns.t())


def _weights(new, old, step, mode, dtype):
    """[new, old]: the filter's values at the distances of the old places from the new one, in steps where those are larger than 1, and
    made to add up to 1. The filter: a triangle, or the cubic of a = -1/2."""
    import numpy as np
    wide = max(step, 1.0)
    center = (np.arange(new)[:, None] + 0.5) * step - 0.5  # as in PyTorch, also where corners stay
    reach = (2.0 if mode == "bicubic" else 1.0) * wide
    d = np.abs(np.arange(old)[None] - center) / wide
    if mode == "bicubic":
        w = np.where(d < 1, (1.5 * d - 2.5) * d * d + 1, np.where(d < 2, ((-0.5 * d + 2.5) * d - 4) * d + 2, 0.0))
    else:
        w = np.maximum(1 - d, 0.0)
    # the old places that take part: as many as half a place counts for
    first, last = np.floor(center + 0.5 - reach + 0.5), np.floor(center + 0.5 + reach + 0.5)
    place = np.arange(old)[None]
    w = np.where((place >= first) & (place < last), w, 0.0)
    return from_numpy(w / w.sum(1, keepdims=True)).to(dtype)


def _resample(x, new, steps, mode, align_corners):
    """The kernel works on planes: a signal is a plane of one row, and a volume is sampled along depth first, its slices as rows."""
    kind = {"nearest": 0, "nearest-exact": 1, "bicubic": 3}.get(mode, 2)
    lead, old, align = tuple(x.shape[:2]), tuple(x.shape[2:]), int(bool(align_corners))
    if len(new) == 3:
        if old[0] != new[0] or steps[0] != 1.0:
            rows = (lead[0] * lead[1], old[0], old[1] * old[2], new[0], old[1] * old[2], kind, align)
            x = _planes(x, (*lead, new[0], *old[1:]), rows, (steps[0], 1.0))
        lead, old, new, steps = (*lead, new[0]), old[1:], new[1:], steps[1:]
    planes = 1
    for s in lead:
        planes *= s
    if len(new) == 1:
        return _planes(x, (*lead, *new), (planes, 1, *old, 1, *new, kind, align), (1.0, *steps))
    return _planes(x, (*lead, *new), (planes, *old, *new, kind, align), steps)


def _planes(x, shape, sizes, steps):
    x = x.contiguous()
    y = empty(shape, x.dtype)
    call(K_interpolate, (y, x), (x.dtype.code, *sizes, 0), tuple(steps))
    return attach(y, (x,), interpolate_backward, args=(tuple(x.shape), sizes, steps))


def interpolate_backward(node, g):
    """The transposed map; its own gradient is the map again."""
    shape, sizes, steps = node.args
    g = g.contiguous()
    gx = empty(shape, g.dtype)
    call(K_interpolate, (gx, g), (g.dtype.code, *sizes, 1), tuple(steps))
    return attach(gx, (g,), _interpolate_again, args=(tuple(g.shape), sizes, steps)),


def _interpolate_again(node, gg):
    return _planes(gg, *node.args),


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """An older name of interpolate.

    >>> import udlfast as torch
    >>> torch.nn.functional.upsample(torch.tensor([[[1.]]]), 2).tolist()
    [[[1.0, 1.0]]]
    """
    return interpolate(input, size, scale_factor, mode, align_corners)
