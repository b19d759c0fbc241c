"""Quantised numbers: computed in float32 or whole numbers, as the standard's formulas say."""

import numpy as np

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ShapeError
from .._registry import arrays, op
from .._types import code_of, numpy_type
from .conv import spatial
from .convert import cast_array


def laid_out(node, v, x):
    """A scale or zero point of one number, one for each slice along `axis`, or one for each block of it, broadcast to x."""
    block, axis = node.get("block_size", 0), node.get("axis", 1)
    if block and v.ndim:
        v = np.repeat(v, block, axis % x.ndim)
        return v[tuple(slice(0, n) for n in x.shape)]
    if v.ndim == 0 or v.size == 1 and v.ndim == 1:
        return v.reshape(())
    if v.ndim == 1:
        return v.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    raise ShapeError(f"scale of shape {list(v.shape)} for an input of shape {list(x.shape)}")


@arrays("QuantizeLinear")
def quantize(node, x, scale, zero=None):
    code = node.get("output_dtype", 0) or (2 if zero is None else code_of(zero))
    kind = numpy_type(code)
    level = (x.astype(np.float32) / laid_out(node, scale, x).astype(np.float32))
    shift = 0 if zero is None else laid_out(node, zero, x).astype(np.float32)
    if kind.name[0] == "f":
        return cast_array(level + shift, code, bool(node.get("saturate", 1)))
    low, high = limits(kind)
    return np.clip(np.rint(level) + shift, low, high).astype(np.int64).astype(kind)


def limits(kind):
    """The least and the largest whole number of a type."""
    if kind.name in ("int4", "uint4", "int2", "uint2"):
        bits = int(kind.name[-1])
        return (0, 2**bits - 1) if kind.name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return np.iinfo(kind).min, np.iinfo(kind).max


@arrays("DequantizeLinear")
def dequantize(node, x, scale, zero=None):
    wide = x.astype(np.float32)
    if zero is not None:
        wide = wide - laid_out(node, zero, x).astype(np.float32)
    code = node.get("output_dtype", 0)
    return (wide * laid_out(node, scale, x).astype(np.float32)).astype(numpy_type(code) if code else scale.dtype)


@arrays("DynamicQuantizeLinear")
def dynamic(node, x):
    low, high = min(0.0, float(x.min(initial=0))), max(0.0, float(x.max(initial=0)))
    scale = np.float32((np.float32(high) - np.float32(low)) / np.float32(255)) or np.float32(1)
    zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
    return np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.uint8), np.array(scale), np.array(zero)


def whole(x, zero, shape=None):
    """Whole numbers less their zero point; a product of 8-bit numbers is exact in float64."""
    x = x.double()
    return x if zero is None else x - (zero.double() if shape is None or zero.numel() == 1 else zero.double().reshape(shape))


@op("MatMulInteger")
def matmul_integer(node, a, b, za=None, zb=None):
    rows = [-1, 1] if za is not None and za.dim() == 1 else None
    return udl.matmul(whole(a, za, rows), whole(b, zb)).to(udl.int32)


def convolved(node, x, w, zx, zw):
    strides, dilations, pairs = spatial(node, x, w.shape[2:])
    x = F.pad(whole(x, zx), [p for pair in reversed(pairs) for p in pair])
    f = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[w.dim() - 2]
    return f(x, whole(w, zw, [-1] + [1] * (w.dim() - 1)), None, strides, 0, dilations, node.get("group", 1))


@op("ConvInteger")
def conv_integer(node, x, w, zx=None, zw=None):
    return convolved(node, x, w, zx, zw).to(udl.int32)


def requantized(y, scale, zero):
    """Rounded and clipped to the type of the zero point."""
    info = udl.iinfo(zero.dtype)
    return udl.clamp(udl.round(y / scale.double()) + zero.double(), info.min, info.max).to(zero.dtype)


@op("QLinearMatMul")
def qlinear_matmul(node, a, sa, za, b, sb, zb, sy, zy):
    def rows(v):
        return v.reshape(-1, 1) if v.dim() == 1 and v.numel() > 1 else v

    y = udl.matmul(whole(a, rows(za)), whole(b, zb)) * (rows(sa).double() * sb.double())
    return requantized(y, sy, zy)


@op("QLinearConv")
def qlinear_conv(node, x, sx, zx, w, sw, zw, sy, zy, b=None):
    y = convolved(node, x, w, zx, zw)
    shape = [-1] + [1] * (y.dim() - 2)
    if b is not None:
        y = y + b.double().reshape(shape)
    return requantized(y * sx.double() * (sw.double().reshape(shape) if sw.numel() > 1 else sw.double()), sy, zy)
