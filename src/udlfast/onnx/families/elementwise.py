"""Element-wise operators: unary, binary, comparison, logic, activations."""

import functools
import math

import numpy as np

import udlfast as udl
from udlfast.nn import functional as F

from .._registry import op
from .._types import has_tensor, to_tensor

UNARY = """Abs:abs Acos:acos Acosh:acosh Asin:asin Asinh:asinh Atan:atan Atanh:atanh Ceil:ceil Cos:cos Cosh:cosh Erf:erf Exp:exp
Floor:floor IsNaN:isnan Log:log Neg:neg Not:logical_not Reciprocal:reciprocal Relu:relu Round:round Sigmoid:sigmoid Sign:sign Sin:sin
Sinh:sinh Sqrt:sqrt Tan:tan Tanh:tanh BitwiseNot:bitwise_not"""
BINARY = """Add:add Sub:sub Mul:mul And:logical_and Or:logical_or Xor:logical_xor BitwiseAnd:bitwise_and BitwiseOr:bitwise_or
BitwiseXor:bitwise_xor Equal:eq Greater:gt GreaterOrEqual:ge Less:lt LessOrEqual:le"""


def legacy(node, x, y):
    """Versions before 7 broadcast from `axis` on."""
    axis = node.get("axis")
    if node.opset < 7 and node.get("broadcast") and axis is not None and y.dim() < x.dim():
        axis %= x.dim()
        y = y.reshape([1] * axis + list(y.shape) + [1] * (x.dim() - axis - y.dim()))
    return y


def one(f, node, x):
    return f(x)


def two(f, node, x, y):
    return f(x, legacy(node, x, y))


def simple():
    """Registers the operators that are a function of udlfast as it is."""
    for pair in UNARY.split():
        name, ours = pair.split(":")
        op(name)(functools.partial(one, getattr(udl, ours)))
    for pair in BINARY.split():
        name, ours = pair.split(":")
        op(name)(functools.partial(two, getattr(udl, ours)))


simple()


@op("Div")
def divide(node, x, y):
    y = legacy(node, x, y)
    return udl.div(x, y) if x.dtype.is_floating_point else udl.div(x, y, rounding_mode="trunc")


@op("Mod")
def mod(node, x, y):
    return udl.fmod(x, y) if node.get("fmod") else udl.remainder(x, y)


@op("Pow", lists=True)
def power(node, x, y):
    """The type is that of the base; types that tensors lack go the way of arrays."""
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return powers(x, y)
    if isinstance(y, np.ndarray) and not has_tensor(y):
        y = y.astype(np.int64)
    x = to_tensor(x)
    y = legacy(node, x, to_tensor(y) if isinstance(y, udl.Tensor) else node.tensor(y))
    if x.dtype is y.dtype:
        return udl.pow(x, y)
    if x.dtype.is_floating_point:
        return udl.pow(x, y.to(x.dtype))
    return udl.pow(x.double(), y.double()).to(x.dtype) if y.dtype.is_floating_point else udl.pow(x, y.to(x.dtype))


def powers(x, y):
    """Powers of arrays."""
    with np.errstate(all="ignore"):
        if x.dtype.kind in "iu" and y.dtype.kind in "iu" and (y >= 0).all():
            return np.power(x, y.astype(x.dtype))
        return np.asarray(np.power(x.astype(np.float64), y.astype(np.float64))).astype(x.dtype)


@op("BitShift")
def shift(node, x, y):
    return udl.bitwise_left_shift(x, y) if node.get("direction") == "LEFT" else udl.bitwise_right_shift(x, y)


@op("Max")
def largest(node, *xs):
    return functools.reduce(udl.maximum, xs)


@op("Min")
def smallest(node, *xs):
    return functools.reduce(udl.minimum, xs)


@op("Sum")
def total(node, *xs):
    return functools.reduce(udl.add, xs)


@op("Mean")
def average(node, *xs):
    return functools.reduce(udl.add, xs) / len(xs)


@op("IsInf")
def infinite(node, x):
    positive, negative = node.get("detect_positive", 1), node.get("detect_negative", 1)
    found = udl.isinf(x)
    if positive and negative:
        return found
    return found & (x > 0) if positive else found & (x < 0) if negative else found & ~found


@op("Where")
def where(node, condition, x, y):
    return udl.where(condition, x, y)


@op("Clip")
def clip(node, x, low=None, high=None):
    if node.opset < 11:
        low, high = node.get("min"), node.get("max")
        return x if low is None and high is None else udl.clamp(x, low, high)
    if low is not None:
        x = udl.maximum(x, low)
    return x if high is None else udl.minimum(x, high)


# ---- activations ----------------------------------------------------------------------------------------------------------
@op("Elu")
def elu(node, x):
    return F.elu(x, node.get("alpha", 1.0))


@op("Celu")
def celu(node, x):
    return F.celu(x, node.get("alpha", 1.0))


@op("Selu")
def selu(node, x):
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return gamma * F.elu(x, alpha)


@op("LeakyRelu")
def leaky_relu(node, x):
    return F.leaky_relu(x, node.get("alpha", 0.01))


@op("ThresholdedRelu")
def thresholded(node, x):
    return udl.where(x > node.get("alpha", 1.0), x, 0.0)


@op("PRelu")
def prelu(node, x, slope):
    if node.opset < 7 and slope.dim() == 1 and x.dim() > 1:
        slope = slope.reshape([-1] + [1] * (x.dim() - 2))
    return udl.where(x < 0, x * slope, x)


@op("HardSigmoid")
def hard_sigmoid(node, x):
    return udl.clamp(x * node.get("alpha", 0.2) + node.get("beta", 0.5), 0.0, 1.0)


@op("HardSwish")
def hard_swish(node, x):
    return F.hardswish(x)


@op("Softplus")
def softplus(node, x):
    return F.softplus(x, threshold=30.0)


@op("Softsign")
def softsign(node, x):
    return F.softsign(x)


@op("Mish")
def mish(node, x):
    return F.mish(x)


@op("Gelu")
def gelu(node, x):
    return F.gelu(x, approximate=node.get("approximate", "none"))


@op("Swish")
def swish(node, x):
    alpha = node.get("alpha", 1.0)
    return F.silu(x) if alpha == 1.0 else x * udl.sigmoid(alpha * x)


@op("SwiGLU")
def swiglu(node, x, gate=None):
    if gate is None:
        x, gate = udl.chunk(x, 2, node.get("axis", -1))
    return swish(node, x) * gate


@op("Shrink")
def shrink(node, x):
    bias, lambd = node.get("bias", 0.0), node.get("lambd", 0.5)
    y = udl.where(x < -lambd, x + bias, udl.where(x > lambd, x - bias, udl.zeros_like(x)))
    return y.to(x.dtype)


@op("Softmax", "LogSoftmax")
def softmax(node, x):
    f = F.softmax if node.type == "Softmax" else F.log_softmax
    if node.opset >= 13:
        return f(x, node.get("axis", -1))
    axis = node.get("axis", 1)
    axis += x.dim() if axis < 0 else 0
    return f(x.reshape(math.prod(x.shape[:axis]), -1), 1).reshape(x.shape)


@op("Hardmax")
def hardmax(node, x):
    axis = node.get("axis", -1 if node.opset >= 13 else 1)
    flat = x if node.opset >= 13 else x.reshape(math.prod(x.shape[:axis]), -1)
    axis = axis if node.opset >= 13 else 1
    hot = udl.zeros_like(flat).scatter(axis, udl.argmax(flat, axis, keepdim=True), 1)
    return hot.reshape(x.shape)


@op("Dropout")
def dropout(node, x, ratio=None, training=None):
    """In inference the input; the mask, if asked for, is true everywhere."""
    if training is not None and bool(training) and (ratio is None or float(ratio) > 0):
        rate = 0.5 if ratio is None else float(ratio)
        mask = udl.rand(x.shape) >= rate
        return x * mask.to(x.dtype) / (1 - rate), mask
    if len(node.outputs) == 1:
        return x
    mask = udl.ones_like(x, dtype=udl.bool_ if node.opset >= 10 else x.dtype)
    return x, mask
