"""Operators that change or give shapes and layouts, and tensors made from shapes."""

import math

import numpy as np

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ArgumentError, ShapeError
from .._registry import arrays, op
from .._types import SMALL, has_tensor, to_array, to_tensor


@op("Identity", "OptionalGetElement", lists=True)
def identity(node, x):
    if x is None:
        raise ArgumentError("the optional holds nothing")
    return x


@op("Constant", lists=True)
def constant(node):
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints", "value_string", "value_strings"):
        value = node.get(name)
        if value is not None:
            kind = np.float32 if "float" in name else np.int64 if "int" in name else object if "string" in name else None
            return np.array([v.decode() if isinstance(v, bytes) else v for v in value] if name.endswith("strings") else value, dtype=kind)
    if "sparse_value" in node.attributes:
        from .._build import sparse

        return sparse(node.get("sparse_value"))
    raise ArgumentError("has no value")


@op("Shape", lists=True)
def shape(node, x):
    n = x.ndim
    start, end = node.get("start", 0), node.get("end", n)
    start, end = (max(0, min(n, i + n if i < 0 else i)) for i in (start, end))
    return np.array(tuple(x.shape)[start:end], dtype=np.int64)


@op("Size", lists=True)
def size(node, x):
    return np.array(math.prod(x.shape), dtype=np.int64)


def new_shape(node, old, want):
    """The sizes that Reshape asks for: 0 takes the old size, -1 what is left."""
    want = [int(n) for n in np.asarray(want).reshape(-1)]
    if not node.get("allowzero"):
        if any(n == 0 and i >= len(old) for i, n in enumerate(want)):
            raise ShapeError(f"a 0 in the shape {want} stands beyond the input's {len(old)} dimensions")
        want = [old[i] if n == 0 else n for i, n in enumerate(want)]
    return want


@op("Reshape", host=(1,))
def reshape(node, x, want=None):
    return x.reshape(new_shape(node, x.shape, node.get("shape") if want is None else want))


@op("Flatten")
def flatten(node, x):
    axis = node.get("axis", 1)
    axis += x.dim() if axis < 0 else 0
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@op("Squeeze", host=(1,))
def squeeze(node, x, axes=None):
    axes = node.axes(axes)
    if axes is None:
        return x.squeeze()
    for a in axes:
        if x.shape[a] != 1:
            raise ShapeError(f"dimension {a} of {list(x.shape)} is not 1")
    drop = {a % x.dim() for a in axes}
    return x.reshape([n for i, n in enumerate(x.shape) if i not in drop])


@op("Unsqueeze", host=(1,))
def unsqueeze(node, x, axes=None):
    axes = node.axes(axes, [])
    rank = x.dim() + len(axes)
    new = {a + rank if a < 0 else a for a in axes}
    if len(new) != len(axes) or not all(0 <= a < rank for a in new):
        raise ShapeError(f"axes {axes} do not fit {rank} dimensions")
    old = iter(x.shape)
    return x.reshape([1 if i in new else next(old) for i in range(rank)])


@op("Transpose")
def transpose(node, x):
    return x.permute(node.get("perm") or list(range(x.dim()))[::-1])


@op("Concat")
def concat(node, *xs):
    return udl.cat(list(xs), node.get("axis", 1))


@op("Split", host=(1,))
def split(node, x, sizes=None):
    axis, count = node.get("axis", 0), len(node.outputs)
    sizes = node.get("split") if sizes is None else sizes
    if sizes is None:
        part = -(-x.shape[axis] // count)
        sizes = [max(0, min(part, x.shape[axis] - i * part)) for i in range(count)]
    sizes = [int(n) for n in np.asarray(sizes).reshape(-1)]
    if len(sizes) != count or sum(sizes) != x.shape[axis]:
        raise ShapeError(f"sizes {sizes} do not fit {count} outputs of dimension {axis} of {list(x.shape)}")
    return tuple(udl.split(x, sizes, axis))


@op("Slice", host=(1, 2, 3, 4))
def cut(node, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends = node.get("starts") if starts is None else starts, node.get("ends") if ends is None else ends
    axes = node.axes(axes, range(len(starts)))
    steps = [1] * len(axes) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ShapeError(f"{len(starts)} starts, {len(ends)} ends, {len(axes)} axes and {len(steps)} steps")
    picks, flips = [slice(None)] * x.dim(), []
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis, step, n = axis + x.dim() if axis < 0 else axis, int(step), x.shape[axis]
        where = along(int(start), int(end), step, n)
        if step < 0:
            flips.append(axis)
            where = where[::-1]
        picks[axis] = slice(where.start, max(where.stop, where.start), where.step)
    y = x[tuple(picks)]
    return udl.flip(y, flips) if flips else y


def along(start, end, step, n):
    """The range that a start, an end and a step of ONNX mean for a dimension of size n."""
    if step == 0:
        raise ArgumentError("got the step 0")
    start += n if start < 0 else 0
    end += n if end < 0 else 0
    if step > 0:
        return range(min(max(start, 0), n), min(max(end, 0), n), step)
    return range(min(max(start, -1), n - 1), min(max(end, -1), n - 1), step)


@op("Expand", host=(1,))
def expand(node, x, want):
    want = np.broadcast_shapes(tuple(x.shape), tuple(int(n) for n in want.reshape(-1)))
    node.check_size(want)
    return x.expand(want)


@op("Tile", host=(1, 2))
def tile(node, x, repeats, axis=None):
    if axis is not None:  # version 1: tiles along one axis
        counts = [1] * x.dim()
        counts[int(axis.reshape(-1)[0])] = int(repeats.reshape(-1)[0])
        repeats = np.array(counts)
    node.check_size([int(n) * int(k) for n, k in zip(x.shape, repeats)])
    return x.repeat([int(k) for k in repeats])


@op("Pad", host=(1, 3))
def pad(node, x, pads=None, value=None, axes=None):
    pads = node.get("pads", node.get("paddings")) if pads is None else pads
    axes = node.axes(axes, range(x.dim()))
    half = len(pads) // 2
    if len(pads) != 2 * len(axes):
        raise ShapeError(f"{len(pads)} pads for {len(axes)} axes")
    pairs = [(0, 0)] * x.dim()
    for i, a in enumerate(axes):
        pairs[a] = (int(pads[i]), int(pads[half + i]))
    node.check_size([max(0, n + a + b) for n, (a, b) in zip(x.shape, pairs)])
    mode = node.get("mode", "constant")
    if mode == "constant":
        value = node.get("value", 0.0) if value is None else float(to_array(value).reshape(-1)[0])
        return F.pad(x, [p for pair in reversed(pairs) for p in pair], "constant", value)
    for axis, (left, right) in enumerate(pairs):
        if left or right:
            x = udl.index_select(x, axis, node.tensor(mirror(mode, x.shape[axis], left, right), axis))
    return x


def mirror(mode, n, left, right):
    """Where each element of a padded dimension comes from."""
    i = np.arange(-left, n + right)
    if mode == "edge":
        return np.clip(i, 0, n - 1)
    if mode == "wrap":
        return i % n
    period = max(1, 2 * (n - 1))
    i = np.abs(i) % period
    return np.where(i >= n, period - i, i)


@op("CenterCropPad", host=(1,))
def center(node, x, want):
    axes = node.axes(None, range(x.dim()))
    for axis, n in zip(axes, want.reshape(-1)):
        node.check_size([int(n)])
        have = x.shape[axis]
        if n <= have:
            x = udl.narrow(x, axis, (have - int(n)) // 2, int(n))
        else:
            left = (int(n) - have) // 2
            widths = [0] * (2 * x.dim())
            at = 2 * (x.dim() - 1 - axis % x.dim())
            widths[at:at + 2] = [left, int(n) - have - left]
            x = F.pad(x, widths)
    return x


# ---- made from numbers ----------------------------------------------------------------------------------------------------
@op("ConstantOfShape", host=(0,))
@arrays("ConstantOfShape")
def constant_of_shape(node, want):
    value = node.get("value", np.zeros(1, np.float32))
    if value is None or value.size != 1:
        raise ArgumentError("the value must have one element")
    sizes = [int(n) for n in want.reshape(-1)]
    node.check_size(sizes)
    if not has_tensor(value) or math.prod(sizes) <= SMALL:
        return np.full(sizes, value.reshape(-1)[0], value.dtype)
    one = to_tensor(value.reshape(-1))
    return udl.full(sizes, one[0].item(), dtype=one.dtype)


@arrays("Range")
def arange(node, start, limit, step):
    start, limit, step = (a.reshape(-1)[0] for a in (start, limit, step))
    if step == 0:
        raise ArgumentError("got the step 0")
    count = max(0, math.ceil((float(limit) - float(start)) / float(step)))
    node.check_size([count])
    return (start + step * np.arange(count).astype(start.dtype)).astype(start.dtype)


@op("EyeLike", lists=True)
def eye_like(node, x):
    from .convert import make_type

    kind = node.get("dtype")
    out = np.eye(x.shape[0], x.shape[1], node.get("k", 0), dtype=make_type(kind) if kind else to_array(x).dtype)
    return out


@op("Trilu", host=(1,))
def triangle(node, x, k=None):
    f = udl.triu if node.get("upper", 1) else udl.tril
    return f(x, 0 if k is None else int(k.reshape(-1)[0]))


@op("DepthToSpace")
def depth_to_space(node, x):
    n, c, h, w = x.shape
    b = node.get("blocksize")
    if node.get("mode", "DCR") == "DCR":
        return x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // (b * b), h * b, w * b)
    return F.pixel_shuffle(x, b)


@op("SpaceToDepth")
def space_to_depth(node, x):
    n, c, h, w = x.shape
    b = node.get("blocksize")
    if node.get("mode", "DCR") == "CRD":
        return F.pixel_unshuffle(x, b)
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


@op("Col2Im", host=(1, 2))
def col2im(node, x, image, block):
    rank = len(image)
    dilations, strides = node.get("dilations", [1] * rank), node.get("strides", [1] * rank)
    pads = node.get("pads", [0] * 2 * rank)
    node.check_size(image)
    n, columns = x.shape[0], x.reshape(x.shape[0], -1, *(int(k) for k in block), x.shape[-1])
    full = [int(s) + pads[i] + pads[rank + i] for i, s in enumerate(image)]
    counts = [(f - d * (int(k) - 1) - 1) // s + 1 for f, d, k, s in zip(full, dilations, block, strides)]
    out = udl.zeros([n, columns.shape[1], *full], dtype=x.dtype)
    for place in np.ndindex(*(int(k) for k in block)):
        part = columns[(slice(None), slice(None), *place)].reshape(n, -1, *counts)
        at = tuple(slice(p * d, p * d + s * (c - 1) + 1, s) for p, d, s, c in zip(place, dilations, strides, counts))
        out[(slice(None), slice(None), *at)] += part
    return out[(slice(None), slice(None), *(slice(pads[i], pads[i] + int(s)) for i, s in enumerate(image)))]
