"""Operators on arrays: shapes and what is computed from them, and element types that tensors lack."""

import functools

import numpy as np

from ...errors import DivisionError, ShapeError
from .._registry import arrays
from . import shape as shaped

BINARY = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor, "Equal": np.equal, "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal, "MatMul": np.matmul,
}  # fmt: skip
UNARY = {
    "Abs": np.abs, "Neg": np.negative, "Ceil": np.ceil, "Floor": np.floor, "Round": np.rint, "Sqrt": np.sqrt, "Not": np.logical_not,
    "Sign": np.sign, "BitwiseNot": np.invert, "Exp": np.exp, "Log": np.log, "Reciprocal": np.reciprocal,
}  # fmt: skip
MANY = {"Max": np.maximum, "Min": np.minimum, "Sum": np.add}


def quiet(f):
    """Without NumPy's warnings: infinities and overflows are results here."""

    @functools.wraps(f)
    def run(node, *args):
        with np.errstate(all="ignore"):
            return f(node, *args)

    return run


@arrays(*BINARY)
@quiet
def binary(node, x, y):
    return np.asarray(BINARY[node.type](x, y))


@arrays(*UNARY)
@quiet
def unary(node, x):
    return np.asarray(UNARY[node.type](x)).astype(x.dtype, copy=False)


@arrays(*MANY)
@quiet
def many(node, *xs):
    return np.asarray(functools.reduce(MANY[node.type], xs))


@arrays("Div", "Mod")
@quiet
def divide(node, x, y):
    whole = x.dtype.kind in "iu"
    if whole and not np.all(y):
        raise DivisionError("division by zero")
    if node.type == "Mod":
        return np.asarray(np.fmod(x, y) if node.get("fmod") else np.mod(x, y))
    if not whole:
        return np.asarray(x / y)
    q = np.asarray(x // y)
    return q + ((x % y != 0) & ((x < 0) != (y < 0))).astype(x.dtype)  # towards zero


@arrays("BitShift")
def shift(node, x, y):
    return np.left_shift(x, y) if node.get("direction") == "LEFT" else np.right_shift(x, y)


@arrays("Where")
def where(node, condition, x, y):
    return np.where(condition, x, y)


@arrays("Clip")
def clip(node, x, low=None, high=None):
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@arrays("Reshape")
def reshape(node, x, want=None):
    return x.reshape(shaped.new_shape(node, x.shape, node.get("shape") if want is None else want))


@arrays("Squeeze")
def squeeze(node, x, axes=None):
    axes = node.axes(axes)
    return np.squeeze(x, None if axes is None else tuple(axes))


@arrays("Unsqueeze")
def unsqueeze(node, x, axes=None):
    return np.expand_dims(x, tuple(node.axes(axes, [])))


@arrays("Transpose")
def transpose(node, x):
    return np.transpose(x, node.get("perm"))


@arrays("Concat")
def concat(node, *xs):
    return np.concatenate(xs, node.get("axis", 1))


@arrays("Expand")
def expand(node, x, want):
    want = np.broadcast_shapes(x.shape, tuple(int(n) for n in want.reshape(-1)))
    node.check_size(want)
    return np.array(np.broadcast_to(x, want))


@arrays("Tile")
def tile(node, x, repeats, axis=None):
    node.check_size([int(n) * int(k) for n, k in zip(x.shape, repeats)])
    if axis is not None or len(repeats) != x.ndim:
        raise ShapeError(f"{len(repeats)} repeats for {x.ndim} dimensions")
    return np.tile(x, repeats)


@arrays("Gather")
def gather(node, x, index):
    return np.asarray(np.take(x, index, axis=node.get("axis", 0)))


@arrays("Slice")
def cut(node, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends = node.get("starts") if starts is None else starts, node.get("ends") if ends is None else ends
    axes = node.axes(axes, range(len(starts)))
    for start, end, axis, step in zip(starts, ends, axes, [1] * len(starts) if steps is None else steps):
        x = np.take(x, list(shaped.along(int(start), int(end), int(step), x.shape[axis])), axis=axis)
    return x


@arrays("Split")
def split(node, x, sizes=None):
    axis, sizes = node.get("axis", 0), node.get("split") if sizes is None else sizes
    if sizes is None:
        part = -(-x.shape[axis] // len(node.outputs))
        sizes = [part] * len(node.outputs)
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


REDUCE = {"ReduceSum": np.sum, "ReduceProd": np.prod, "ReduceMax": np.max, "ReduceMin": np.min}


@arrays(*REDUCE)
def reduce(node, x, axes=None):
    axes = node.axes(axes, [])
    if not axes and node.get("noop_with_empty_axes"):
        return x
    f = REDUCE[node.type]
    return np.asarray(f(x, axis=tuple(axes) or None, keepdims=bool(node.get("keepdims", 1)))).astype(x.dtype)


@arrays("StringConcat")
def string_concat(node, x, y):
    return np.asarray(x.astype(object) + y.astype(object), dtype=object)


@arrays("TopK")
def top_k(node, x, k=None):
    axis, k = node.get("axis", -1), int(k.reshape(-1)[0]) if k is not None else node.get("k")
    if not 0 <= k <= x.shape[axis]:
        raise ShapeError(f"the first {k} of {x.shape[axis]}")
    rank = np.unique(x, return_inverse=True)[1].reshape(x.shape)
    order = np.argsort(-rank if node.get("largest", 1) else rank, axis=axis, kind="stable")
    order = np.take(order, np.arange(k), axis=axis)
    return np.take_along_axis(x, order, axis), order.astype(np.int64)
