"""Images and signals made larger or smaller, axis by axis.

Along an axis, each new place is a weighted sum of a few old ones: one for "nearest", two for "linear", four for
"bicubic".
"""
import math

from ..errors import ArgumentError, ShapeError
from ._common import floating, whole
from .adaptive_pool2d import adaptive_avg_pool1d, adaptive_avg_pool2d
from .adaptive_pool3d import adaptive_avg_pool3d
from .creation import tensor as new_tensor

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
        antialias: not supported
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
        raise ArgumentError(f"{op}: mode must be one of {', '.join(MODES)}, got {mode!r}")
    if n not in MODES[mode][0]:
        raise ShapeError(f"{op}: mode {mode!r} takes inputs with {' or '.join(str(k + 2) for k in MODES[mode][0])} "
                         f"dimensions [N, C, ...], got {list(input.shape)}")
    if antialias:
        raise ArgumentError(f"{op}: antialias is not supported; blur first, or use mode 'area' to shrink")
    if align_corners is not None and MODES[mode][1] < 2:
        raise ArgumentError(f"{op}: align_corners goes with the linear and cubic modes, got mode {mode!r}")
    old = tuple(input.shape[2:])
    new, steps = _sizes(op, old, size, scale_factor, recompute_scale_factor, align_corners)
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[n - 1](input, new if n > 1 else new[0])
    if mode == "nearest" and all(k % h == 0 and s == h / k for h, k, s in zip(old, new, steps)):
        return _repeated(input, old, new)
    for d, (h, k, s) in enumerate(zip(old, new, steps)):
        if h != k or mode == "nearest-exact" or s != 1.0:
            input = _axis(input, d + 2, h, k, s, mode, align_corners)
    return input.clone() if new == old and all(s == 1.0 for s in steps) else input


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


def _repeated(x, old, new):
    """Whole factors: every element repeated in a block, by one copy."""
    lead = tuple(x.shape[:2])
    thin = [v for h in old for v in (h, 1)]
    wide = [v for h, k in zip(old, new) for v in (h, k // h)]
    return x.reshape(*lead, *thin).expand(*lead, *wide).reshape(*lead, *new)


def _axis(x, dim, old, new, step, mode, align_corners):
    """The new places along one axis: sum over their old ones of weight x slice."""
    taps = _taps(old, new, step, mode, align_corners)
    out = None
    for places, weights in taps:
        part = x.index_select(dim, new_tensor(places))
        if weights is not None:
            shape = (-1, *(1,) * (x.ndim - dim - 1))
            part = part * new_tensor(weights, dtype=x.dtype).reshape(shape)
        out = part if out is None else out + part
    return out


def _taps(old, new, step, mode, align_corners):
    """[(old place of each new one, weight of each or None), ...]"""
    last = old - 1
    if mode == "nearest":
        return [([min(int(p * step), last) for p in range(new)], None)]
    if mode == "nearest-exact":
        return [([min(int((p + 0.5) * step), last) for p in range(new)], None)]
    at = [p * step if align_corners else (p + 0.5) * step - 0.5 for p in range(new)]
    if mode != "bicubic":
        at = [min(max(a, 0.0), float(last)) for a in at]
        low = [int(a) for a in at]
        share = [a - i for a, i in zip(at, low)]
        return [(low, [1.0 - w for w in share]), ([min(i + 1, last) for i in low], share)]
    low = [math.floor(a) for a in at]
    share = [a - i for a, i in zip(at, low)]
    return [([min(max(i + k, 0), last) for i in low], [_cubic(abs(w - k)) for w in share]) for k in (-1, 0, 1, 2)]


def _cubic(t):
    """Keys' cubic convolution kernel with a = -3/4."""
    a = -0.75
    if t <= 1.0:
        return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    return ((t - 5.0) * t + 8.0) * t * a - 4.0 * a if t < 2.0 else 0.0


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """An older name of interpolate.

    >>> import udlfast as torch
    >>> torch.nn.functional.upsample(torch.tensor([[[1.]]]), 2).tolist()
    [[[1.0, 1.0]]]
    """
    return interpolate(input, size, scale_factor, mode, align_corners)
