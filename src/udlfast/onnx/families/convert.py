"""Changes of element type."""

import numpy as np

import udlfast as udl

from ...errors import DTypeError
from .._registry import arrays, op
from .._types import code_of, numpy_type, tensor_type, to_array


def make_type(code):
    """The NumPy type for an attribute that names an element type."""
    return numpy_type(int(code))


@op("Cast", lists=True)
def cast(node, x):
    return converted(node, x, int(node.get("to", 0)))


@op("CastLike", lists=True)
def cast_like(node, x, like):
    return converted(node, x, code_of(like))


def converted(node, x, code):
    """x in another element type: tensors stay tensors where they can."""
    want = tensor_type(code)
    if isinstance(x, udl.Tensor) and want is not None and not (x.dtype.is_floating_point and not want.is_floating_point):
        return x.to(want)
    if isinstance(x, udl.Tensor) and want is udl.bool_:
        return x != 0
    if isinstance(x, udl.Tensor) and want in (udl.int64, udl.int32):
        return x.to(want)
    return cast_array(to_array(x), code, bool(node.get("saturate", 1)), node.get("round_mode", "up"))


EIGHT = ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")


def cast_array(x, code, saturate=True, mode="up"):
    """An array in another element type."""
    kind = numpy_type(code)
    if x.dtype == kind:
        return x
    if code == 8:
        return np.array([words(v) for v in x.reshape(-1)], dtype=object).reshape(x.shape)
    if x.dtype == object:
        return np.array([float(v) for v in x.reshape(-1)], dtype=np.float64).reshape(x.shape).astype(kind)
    if kind.name in EIGHT:
        return eight_bits(x.astype(np.float32), kind, saturate)
    if kind.name == "float8_e8m0fnu":
        return powers_of_two(x.astype(np.float32), kind, saturate, mode)
    if kind.name in ("int2", "uint2", "int4", "uint4", "float4_e2m1fn"):
        return x.astype(np.float32).astype(kind) if kind.name[0] == "f" else few_bits(x, kind)
    if x.dtype.kind not in "biuf":
        x = x.astype(np.float32)
    with np.errstate(all="ignore"):
        return x.astype(kind)


def words(v):
    """A number as ONNX writes it in a string."""
    return str(v) if not isinstance(v, (float, np.floating)) else np.format_float_positional(v, trim="0") if np.isfinite(v) else str(
        float(v)).replace("nan", "NaN").replace("inf", "INF")


def few_bits(x, kind):
    """Whole numbers of 2 or 4 bits: the low bits of the number."""
    bits, signed = int(kind.name[-1]), kind.name[0] == "i"
    whole = x.astype(np.int64) & ((1 << bits) - 1) if x.dtype.kind in "biu" else x.astype(np.float32).astype(np.int64) & ((1 << bits) - 1)
    return (np.where(whole >= 1 << (bits - 1), whole - (1 << bits), whole) if signed else whole).astype(kind)


def eight_bits(x, kind, saturate):
    """Floating point of 8 bits; what is too large becomes the largest number, or NaN or infinity."""
    import ml_dtypes

    with np.errstate(all="ignore"):
        y = x.astype(kind)
        if saturate:
            top = float(ml_dtypes.finfo(kind).max)
            y = np.where(np.isnan(x), y, np.clip(x, -top, top).astype(kind))
            if "uz" not in kind.name:
                y = np.where(np.isinf(x) & ("e5m2" in kind.name), np.copysign(top, x).astype(kind), y)
    return y.astype(kind)


def powers_of_two(x, kind, saturate, mode):
    """The powers of two of float8e8m0: bits of the exponent, rounded up, down or to the nearest."""
    bits = np.abs(x).view(np.uint32)
    exponent, rest = (bits >> 23).astype(np.int64), bits & 0x7FFFFF
    up = rest > 0 if mode == "up" else (rest >= 0x400000) if mode == "nearest" else np.zeros_like(rest, bool)
    exponent = exponent + up
    limit = 254 if saturate else 255
    exponent = np.where(np.isnan(x), 255, np.minimum(exponent, limit))
    return exponent.astype(np.uint8).view(kind)


@arrays("BitCast")
def bit_cast(node, x):
    kind = numpy_type(int(node.get("to", 0)))
    if kind.itemsize != x.dtype.itemsize:
        raise DTypeError(f"{x.dtype} and {kind} differ in size")
    return np.ascontiguousarray(x).view(kind).reshape(x.shape)
