"""Resize, Upsample, sampling of grids. Every resize is a product with a small matrix along each side."""

import math

import numpy as np

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ArgumentError, ShapeError
from .._registry import op


@op("Resize", "Upsample", host=(1, 2, 3))
def resize(node, x, roi=None, scales=None, sizes=None):
    if node.type == "Upsample" or node.opset < 11:
        roi, scales = None, np.array(node.get("scales")) if node.get("scales") else roi
    axes = [a % x.dim() for a in node.axes(None, range(x.dim()))]
    mode, where = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    where = "asymmetric" if node.type == "Upsample" or node.opset < 11 else where
    old = [x.shape[a] for a in axes]
    if sizes is not None and sizes.size:
        new = [int(n) for n in sizes]
        scales = [n / m for n, m in zip(new, old)]
        policy = node.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            scale = (min if policy == "not_larger" else max)(scales)
            scales, new = [scale] * len(old), [int(math.floor(scale * m + 0.5)) for m in old]
    elif scales is not None and scales.size:
        scales = [float(s) for s in scales]
        if where == "tf_crop_and_resize" and roi is not None:
            new = [int(m * (roi[len(axes) + i] - roi[i]) * s) for i, (m, s) in enumerate(zip(old, scales))]
        new = [int(math.floor(m * s)) for m, s in zip(old, scales)]
    else:
        raise ArgumentError("needs scales or sizes")
    if len(new) != len(axes):
        raise ShapeError(f"{len(new)} sizes or scales for {len(axes)} axes")
    total = list(x.shape)
    for a, n in zip(axes, new):
        total[a] = n
    node.check_size(total)
    for i, (axis, m, n, scale) in enumerate(zip(axes, old, new, scales)):
        if m == n and where != "tf_crop_and_resize":
            continue
        box = (0.0, 1.0) if roi is None or where != "tf_crop_and_resize" else (float(roi[i]), float(roi[len(axes) + i]))
        x = along(node, x, axis, mode, places(where, m, n, scale, box), m, scale)
    return x


def places(where, m, n, scale, box):
    """Where each new element lies among the m old ones."""
    i = np.arange(n, dtype=np.float64)
    if where == "align_corners":
        return i * (m - 1) / (scale * m - 1) if n > 1 else i * 0
    if where == "asymmetric":
        return i / scale
    if where == "tf_crop_and_resize":
        step = (box[1] - box[0]) * (m - 1) / (n - 1) if n > 1 else 0.0
        return i * step + (box[0] if n > 1 else 0.5 * (box[0] + box[1])) * (m - 1)
    if where == "pytorch_half_pixel" and n == 1:
        return i * 0 - 0.5
    if where == "half_pixel_symmetric":
        return m / 2 * (1 - n / (scale * m)) + (i + 0.5) / scale - 0.5
    if where in ("half_pixel", "pytorch_half_pixel"):
        return (i + 0.5) / scale - 0.5
    raise ArgumentError(f"coordinate_transformation_mode {where!r} is not known")


def along(node, x, axis, mode, at, m, scale):
    """x resampled at places `at` along one axis."""
    lost = (at < 0) | (at > m - 1) if node.get("coordinate_transformation_mode") == "tf_crop_and_resize" else np.zeros(len(at), bool)
    if mode == "nearest":
        picked = np.clip(nearest(node.get("nearest_mode", "round_prefer_floor"), at, node), 0, m - 1)
        x = udl.index_select(x, axis, node.tensor(picked, axis))
        if not lost.any():
            return x
        shape = [-1 if k == axis else 1 for k in range(x.dim())]
        return udl.where(node.tensor(lost.reshape(shape), f"lost {axis}"), node.get("extrapolation_value", 0.0), x)
    kernel = {"linear": hat, "bilinear": hat, "trilinear": hat, "cubic": cubic}.get(mode)
    if kernel is None:
        raise ArgumentError(f"mode {mode!r} is not known")
    reach, squeeze = (1 if kernel is hat else 2), min(1.0, scale) if node.get("antialias") else 1.0
    node.check_size([len(at), int(2 * reach / squeeze) + 3])
    first = np.floor(at - reach / squeeze).astype(np.int64)
    node.check_size([len(at), m])
    taps = first[:, None] + np.arange(int(math.ceil(2 * reach / squeeze)) + 2)
    weights = kernel((taps - at[:, None]) * squeeze, node.get("cubic_coeff_a", -0.75))
    outside = (taps < 0) | (taps > m - 1)
    if node.get("exclude_outside"):
        weights = np.where(outside, 0, weights)
    weights = weights / weights.sum(1, keepdims=True)
    weights[lost] = 0
    matrix = np.zeros((len(at), m))
    np.add.at(matrix, (np.arange(len(at))[:, None], np.clip(taps, 0, m - 1)), weights)
    kind = np.float64 if x.dtype is udl.float64 else np.float32
    y = udl.matmul(x.transpose(axis, -1).to(udl.float32 if x.dtype is not udl.float64 else x.dtype),
                   node.tensor(matrix.T.astype(kind), axis)).transpose(axis, -1)
    if lost.any():
        shape = [-1 if k == axis else 1 for k in range(y.dim())]
        y = udl.where(node.tensor(lost.reshape(shape), f"lost {axis}"), node.get("extrapolation_value", 0.0), y)
    return y.contiguous() if y.dtype is x.dtype else y.to(x.dtype)


def nearest(how, at, node):
    if node.opset < 11:
        how = "floor"
    if how == "floor":
        return np.floor(at).astype(np.int64)
    if how == "ceil":
        return np.ceil(at).astype(np.int64)
    return (np.ceil(at - 0.5) if how == "round_prefer_floor" else np.floor(at + 0.5)).astype(np.int64)


def hat(d, a):
    return np.clip(1 - np.abs(d), 0, None)


def cubic(d, a):
    """Keys' kernel: pieces of third degree in |d| below 1 and below 2."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = a * (((d - 5) * d + 8) * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


@op("GridSample")
def grid_sample(node, x, grid):
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(node.get("mode", "linear"), node.get("mode", "linear"))
    padding, aligned = node.get("padding_mode", "zeros"), bool(node.get("align_corners"))
    return F.grid_sample(x, grid.to(x.dtype), mode, padding, aligned)


@op("AffineGrid", host=(1,))
def affine_grid(node, theta, size):
    size = [int(n) for n in size]
    node.check_size(size)
    return F.affine_grid(theta, size, bool(node.get("align_corners")))
