"""Pooling."""

import functools
import math

import numpy as np

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ShapeError
from .._registry import op
from .conv import padded, spatial

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
PLACES = {1: F.max_pool1d_with_indices, 2: F.max_pool2d_with_indices, 3: F.max_pool3d_with_indices}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def windows(node, x):
    """(kernel, strides, dilations, pads, results): pads on the right reach as far as the last window does."""
    kernel = node.get("kernel_shape")
    if not kernel or len(kernel) not in MAX:
        raise ShapeError(f"kernel_shape must have 1 to 3 sizes, got {kernel}")
    strides, dilations, pairs = spatial(node, x, kernel)
    counts = []
    for i, (n, k, s, d, (left, right)) in enumerate(zip(x.shape[2:], kernel, strides, dilations, pairs)):
        free = n + left + right - d * (k - 1) - 1
        if min(left, right) < 0 or free < 0:
            raise ShapeError(f"kernel {kernel} with pads {pairs} does not fit {list(x.shape)}")
        count = free // s + 1
        if node.get("ceil_mode") and node.get("auto_pad", "NOTSET") == "NOTSET":
            count = -(-free // s) + 1
            count -= (count - 1) * s >= n + left  # a window must not begin in the right pad
        node.check_size([count, k])
        counts.append(count)
        pairs[i] = (left, max(0, (count - 1) * s + d * (k - 1) + 1 - n - left))
    node.check_size([n + a + b for n, (a, b) in zip(x.shape[2:], pairs)])
    return kernel, strides, dilations, pairs, counts


def parts(x, kernel, strides, dilations, counts):
    """For each place in the window, what all windows have there."""
    for place in np.ndindex(*kernel):
        at = [slice(p * d, p * d + s * (c - 1) + 1, s) for p, d, s, c in zip(place, dilations, strides, counts)]
        yield x[(slice(None), slice(None), *at)]


@op("MaxPool")
def max_pool(node, x):
    kernel, strides, dilations, pairs, counts = windows(node, x)
    rank, indices = len(kernel), len(node.outputs) > 1
    if not x.dtype.is_floating_point:
        low = udl.iinfo(x.dtype).min
        return functools.reduce(udl.maximum, parts(padded(node, x, pairs, low), kernel, strides, dilations, counts))
    even = all(a == b <= k // 2 for (a, b), k in zip(spatial(node, x, kernel)[2], kernel))
    inside, left = (x, [a for a, _ in pairs]) if even else (padded(node, x, pairs, -math.inf), [0] * rank)
    ceil = bool(even and node.get("ceil_mode"))
    if not indices:
        return MAX[rank](inside, kernel, strides, left, dilations, ceil)
    y, places = PLACES[rank](inside, kernel, strides, left, dilations, ceil)
    sizes, where = list(x.shape[2:]), []
    for n, (a, b) in zip(reversed(sizes), reversed(pairs)):  # from the number in the padded plane to coordinates in the image
        wide = n if even else n + a + b
        where.insert(0, places % wide - (0 if even else a))
        places = places // wide
    order = range(rank)[::-1] if node.get("storage_order") else range(rank)
    number = functools.reduce(lambda acc, i: acc * sizes[i] + where[i], order, 0)
    planes = udl.arange(x.shape[0] * x.shape[1]).reshape([*x.shape[:2]] + [1] * rank) * math.prod(sizes)
    return y, number + planes


def sums(node, x, kernel, strides, dilations, pairs, counts):
    """The sums of all windows."""
    x, rank = padded(node, x, pairs), len(kernel)
    if max(dilations) == 1:
        return AVERAGE[rank](x, kernel, strides) * math.prod(kernel)
    return functools.reduce(udl.add, parts(x, kernel, strides, dilations, counts))


@op("AveragePool")
def average_pool(node, x):
    kernel, strides, dilations, pairs, counts = windows(node, x)
    include = bool(node.get("count_include_pad"))
    rank = len(kernel)
    given = spatial(node, x, kernel)[2]
    if max(dilations) == 1 and not node.get("ceil_mode") and all(a == b <= k // 2 for (a, b), k in zip(given, kernel)):
        return AVERAGE[rank](x, kernel, strides, [a for a, _ in pairs], count_include_pad=include)
    share = np.ones([1] * rank)
    for i, (n, k, s, d, c) in enumerate(zip(x.shape[2:], kernel, strides, dilations, counts)):
        left, right = given[i]
        node.check_size([c, k])
        at = np.arange(c)[:, None] * s + np.arange(k) * d - left
        inside = (at >= -left) & (at < n + right) if include else (at >= 0) & (at < n)
        share = share * inside.sum(1).reshape([-1 if j == i else 1 for j in range(rank)])
    kind = np.float64 if x.dtype is udl.float64 else np.float32
    return sums(node, x, kernel, strides, dilations, pairs, counts) * node.tensor((1 / share[None, None]).astype(kind)).to(x.dtype)


@op("LpPool")
def lp_pool(node, x):
    kernel, strides, dilations, pairs, counts = windows(node, x)
    p = node.get("p", 2)
    total = sums(node, udl.abs(x) ** p, kernel, strides, dilations, pairs, counts)
    return total ** (1 / p)


@op("GlobalAveragePool")
def global_average(node, x):
    return udl.mean(x, list(range(2, x.dim())), keepdim=True)


@op("GlobalMaxPool")
def global_max(node, x):
    return udl.amax(x, list(range(2, x.dim())), keepdim=True)


@op("GlobalLpPool")
def global_lp(node, x):
    p = node.get("p", 2)
    return udl.sum(udl.abs(x) ** p, list(range(2, x.dim())), keepdim=True) ** (1 / p)


@op("MaxUnpool", host=(2,))
def max_unpool(node, x, places, want=None):
    kernel = node.get("kernel_shape")
    strides, _, pairs = spatial(node, x, kernel)
    sizes = [(n - 1) * s + k - a - b for n, s, k, (a, b) in zip(x.shape[2:], strides, kernel, pairs)]
    numbers = places.reshape(-1).long()
    shape = [*x.shape[:2], *sizes]
    if want is not None:  # places count in the image before pooling; the result is that image in the corner of a larger one
        wide = [int(n) for n in want.reshape(-1)]
        node.check_size(wide)
        widths = [p for n, m in zip(reversed(sizes), reversed(wide[2:])) for p in (0, m - n)]
        return F.pad(unpooled(x, numbers, shape), widths)
    return unpooled(x, numbers, shape)


def unpooled(x, numbers, shape):
    """Zeros with the elements of x at the places of the given numbers."""
    flat = udl.zeros(math.prod(shape), dtype=x.dtype)
    return udl.scatter(flat, 0, numbers, x.reshape(-1)).reshape(shape)


@op("RoiAlign")
def roi_align(node, x, rois, batch):
    height, width, ratio = node.get("output_height", 1), node.get("output_width", 1), node.get("sampling_ratio", 0)
    scale, shift = node.get("spatial_scale", 1.0), 0.5 if node.get("coordinate_transformation_mode", "half_pixel") == "half_pixel" else 0.0
    out = []
    for box, image in zip((rois.double() * scale - shift).tolist(), batch.tolist()):
        x1, y1, x2, y2 = box
        wide, high = (x2 - x1, y2 - y1) if shift else (max(x2 - x1, 1.0), max(y2 - y1, 1.0))
        ny, nx = (ratio, ratio) if ratio > 0 else (math.ceil(high / height), math.ceil(wide / width))
        node.check_size([ny * height, nx * width, x.shape[1]])
        rows = taps(y1, high / height, height, ny, x.shape[2])
        columns = taps(x1, wide / width, width, nx, x.shape[3])
        (ya, yb, wa, wb), (xa, xb, va, vb) = rows, columns
        plane, samples = x[int(image)], []
        for r, wr in ((ya, wa), (yb, wb)):
            for c, wc in ((xa, va), (xb, vb)):
                part = udl.index_select(udl.index_select(plane, 1, udl.from_numpy(r)), 2, udl.from_numpy(c))
                samples.append(part * udl.from_numpy(np.outer(wr, wc).astype(np.float32)).to(x.dtype))
        if node.get("mode", "avg") == "avg":
            grid = functools.reduce(udl.add, samples).reshape(-1, height, ny, width, nx)
            out.append(udl.mean(grid, [2, 4]))
        else:
            grid = functools.reduce(udl.maximum, samples).reshape(-1, height, ny, width, nx)
            out.append(udl.amax(grid, [2, 4]))
    return udl.stack(out) if out else udl.zeros([0, x.shape[1], height, width], dtype=x.dtype)


def taps(start, step, bins, samples, n):
    """(lower neighbours, upper neighbours, their weights) of the sampling points of all bins along one side."""
    at = start + step * (np.arange(bins)[:, None] + (np.arange(samples) + 0.5) / samples).reshape(-1)
    seen = (at >= -1) & (at <= n)
    at = np.clip(at, 0, n - 1)
    low = at.astype(np.int64)
    high = np.minimum(low + 1, n - 1)
    part = at - low
    return low, high, (1 - part) * seen, part * seen
