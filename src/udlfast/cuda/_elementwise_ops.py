"""The operations of csrc/elementwise.inc as functions of numbers, for kernels: f(u, v, w, p0, p1) of one type.

What is not here (or not for integers) has no body on the GPU, and the CPU computes it.
"""

import functools

import numpy as np

from . import _math as m
from ._driver import F32, F64, I64, device

TAKES_P1 = ("where",)  # operations whose absent b is p1
INTEGER = ("copy neg abs sign square relu clamp logical_not bitwise_not add sub mul maximum minimum eq ne lt le gt ge logical_and "
           "logical_or logical_xor bitwise_and bitwise_or bitwise_xor where rsub add_scaled isnan isinf isfinite").split()  # fmt: skip


@functools.cache
def operation(name, compute):
    """The device function of an operation, or None."""
    if compute == I64:
        if name not in INTEGER:
            return None
        found = _make(np.int64).get(name)
    else:
        found = None if name.startswith("bitwise") else _make({F32: np.float32, F64: np.float64}[compute]).get(name)
    return None if found is None else device(found)


@functools.cache
def _make(T):
    """{name: function} for numbers of type T."""
    zero, one, two, three, six, half = T(0), T(1), T(2), T(3), T(6), T(0.5)
    whole = T is np.int64
    r2, gelu_a, gelu_b = T(0.5**0.5), T((2 / np.pi) ** 0.5), T(0.044715)
    inv_sqrt_2pi = T((2 * np.pi) ** -0.5)
    tiny, hundred = (T(1) if whole else T(1e-12)), T(-100)

    sigmoid = device(lambda x: one / (one + m.exp(-x)) if x >= 0 else m.exp(x) / (one + m.exp(x)))
    softplus = device(lambda x: (x if x > 0 else zero) + m.log1p(m.exp(-m.fabs(x))))  # log(1 + e^x); NaN below
    log1pexp = device(lambda x: x if x != x else softplus(x))
    sign = device(lambda x: one if x > 0 else (-one if x < 0 else zero))
    cdf = device(lambda x: half * m.erfc(-x * r2))

    def gelu_tanh_backward(g, x, w, p0, p1):
        t = m.tanh(gelu_a * (x + gelu_b * x * x * x))
        return g * (half * (one + t) + half * x * (one - t * t) * gelu_a * (one + three * gelu_b * x * x))

    def silu_backward(g, x, w, p0, p1):
        s = sigmoid(x)
        return g * s * (one + x * (one - s))

    def mish_backward(g, x, w, p0, p1):
        t = m.tanh(log1pexp(x))
        return g * (t + x * (one - t * t) * sigmoid(x))

    def hardswish_backward(g, x, w, p0, p1):
        return zero if x <= -three else (g if x >= three else g * (x / three + half))

    def huber(x, t, w, p0, p1):
        d = m.fabs(x - t)
        return half * d * d if d < p0 else p0 * (d - half * p0)

    def smooth_l1(x, t, w, p0, p1):
        d = m.fabs(x - t)
        return half * d * d / p0 if d < p0 else d - half * p0

    def huber_backward(g, x, t, p0, p1):
        d = x - t
        return g * (p1 if d > p1 else (-p1 if d < -p1 else d))

    def smooth_l1_backward(g, x, t, p0, p1):
        d = x - t
        return g * (one if d >= p1 else (-one if d <= -p1 else d / p1)) if p1 > 0 else g * sign(d)

    def bce(x, t, w, p0, p1):
        a, b = m.log(x), m.log1p(-x)
        return -(t * (hundred if a < hundred else a) + (one - t) * (hundred if b < hundred else b))

    def bce_backward(g, x, t, p0, p1):
        d = x * (one - x)
        return g * (x - t) / (tiny if d < tiny else d)

    def floor_divide(x, y, w, p0, p1):
        if y == zero:
            return x / y
        r = m.fmod(x, y)
        d = (x - r) / y
        if r != zero and (r < zero) != (y < zero):
            d -= one
        if d == zero:
            return m.copysign(zero, x / y)
        q = m.floor(d)
        return q + one if d - q > half else q

    def remainder(x, y, w, p0, p1):
        r = m.fmod(x, y)
        return r + y if r != zero and (r < zero) != (y < zero) else r

    def maximum(x, y, w, p0, p1):
        return x if x != x or x > y else y

    def minimum(x, y, w, p0, p1):
        return x if x != x or x < y else y

    def clamp(x, v, w, low, high):
        y = low if x < low else x
        return high if y > high else y

    def sigmoid_backward(g, y, w, p0, p1):
        return g * y * (one - y)

    ops = {
        "copy": lambda x, v, w, p0, p1: x,
        "neg": lambda x, v, w, p0, p1: -x,
        "abs": (lambda x, v, w, p0, p1: -x if x < 0 else x) if whole else (lambda x, v, w, p0, p1: m.fabs(x)),
        "sign": lambda x, v, w, p0, p1: sign(x),
        "square": lambda x, v, w, p0, p1: x * x,
        "relu": lambda x, v, w, p0, p1: x if x > 0 or x != x else zero,
        "clamp": clamp,
        "logical_not": lambda x, v, w, p0, p1: one if x == 0 else zero,
        "isnan": lambda x, v, w, p0, p1: one if x != x else zero,
        "add": lambda x, y, w, p0, p1: x + y,
        "sub": lambda x, y, w, p0, p1: x - y,
        "mul": lambda x, y, w, p0, p1: x * y,
        "rsub": lambda x, y, w, p0, p1: y - x,
        "add_scaled": lambda x, y, w, p0, p1: x + p1 * y,
        "maximum": maximum,
        "minimum": minimum,
        "where": lambda a, b, c, p0, p1: b if a != 0 else c,
        "logical_and": lambda x, y, w, p0, p1: one if x != 0 and y != 0 else zero,
        "logical_or": lambda x, y, w, p0, p1: one if x != 0 or y != 0 else zero,
        "logical_xor": lambda x, y, w, p0, p1: one if (x != 0) != (y != 0) else zero,
        "eq": lambda x, y, w, p0, p1: one if x == y else zero,
        "ne": lambda x, y, w, p0, p1: one if x != y else zero,
        "lt": lambda x, y, w, p0, p1: one if x < y else zero,
        "le": lambda x, y, w, p0, p1: one if x <= y else zero,
        "gt": lambda x, y, w, p0, p1: one if x > y else zero,
        "ge": lambda x, y, w, p0, p1: one if x >= y else zero,
    }
    if whole:
        return ops | {
            "isinf": lambda x, v, w, p0, p1: zero,
            "isfinite": lambda x, v, w, p0, p1: one,
            "bitwise_not": lambda x, v, w, p0, p1: ~x,
            "bitwise_and": lambda x, y, w, p0, p1: x & y,
            "bitwise_or": lambda x, y, w, p0, p1: x | y,
            "bitwise_xor": lambda x, y, w, p0, p1: x ^ y,
        }
    for (
        name
    ) in "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc lgamma".split():
        ops[name] = _call(getattr(m, name))
    for name, f in (("floor", m.floor), ("ceil", m.ceil), ("trunc", m.trunc), ("round", m.rint)):
        ops[name] = _call(f)
    return ops | {
        "rsqrt": lambda x, v, w, p0, p1: one / m.sqrt(x),
        "reciprocal": lambda x, v, w, p0, p1: one / x,
        "sigmoid": lambda x, v, w, p0, p1: sigmoid(x),
        "log_sigmoid": lambda x, v, w, p0, p1: -log1pexp(-x),
        "gelu": lambda x, v, w, p0, p1: x * cdf(x),
        "gelu_tanh": lambda x, v, w, p0, p1: half * x * (one + m.tanh(gelu_a * (x + gelu_b * x * x * x))),
        "silu": lambda x, v, w, p0, p1: x * sigmoid(x),
        "mish": lambda x, v, w, p0, p1: x * m.tanh(log1pexp(x)),
        "hardswish": lambda x, v, w, p0, p1: x * clamp_(x + three, zero, six) / six,
        "hardsigmoid": lambda x, v, w, p0, p1: clamp_(x + three, zero, six) / six,
        "softsign": lambda x, v, w, p0, p1: x / (one + m.fabs(x)),
        "softplus": lambda x, v, w, p0, p1: x if x * p0 > p1 else log1pexp(x * p0) / p0,
        "elu": lambda x, v, w, p0, p1: x if x > 0 else p0 * m.expm1(x),
        "leaky_relu": lambda x, v, w, p0, p1: x if x > 0 else p0 * x,
        "isinf": lambda x, v, w, p0, p1: one if x == x and (x - x) != (x - x) else zero,
        "isfinite": lambda x, v, w, p0, p1: one if (x - x) == (x - x) else zero,
        "div": lambda x, y, w, p0, p1: x / y,
        "rdiv": lambda x, y, w, p0, p1: y / x,
        "floor_divide": floor_divide,
        "remainder": remainder,
        "fmod": lambda x, y, w, p0, p1: m.fmod(x, y),
        "pow": lambda x, y, w, p0, p1: x * x if y == two else m.pow_(x, y),
        "rpow": lambda x, y, w, p0, p1: m.pow_(y, x),
        "atan2": lambda x, y, w, p0, p1: m.atan2(x, y),
        "hypot": lambda x, y, w, p0, p1: m.hypot(x, y),
        "xlogy": lambda x, y, w, p0, p1: y if y != y else (zero if x == 0 else x * m.log(y)),
        "relu_backward": lambda g, y, w, p0, p1: zero if y <= 0 else g,
        "leaky_relu_backward": lambda g, x, w, p0, p1: g if x > 0 else p0 * g,
        "sigmoid_backward": sigmoid_backward,
        "tanh_backward": lambda g, y, w, p0, p1: g * (one - y * y),
        "gelu_backward": lambda g, x, w, p0, p1: g * (cdf(x) + x * inv_sqrt_2pi * m.exp(-half * x * x)),
        "gelu_tanh_backward": gelu_tanh_backward,
        "silu_backward": silu_backward,
        "mish_backward": mish_backward,
        "softplus_backward": lambda g, x, w, p0, p1: g if x * p0 > p1 else g * sigmoid(x * p0),
        "elu_backward": lambda g, x, w, p0, p1: g if x > 0 else g * p0 * m.exp(x),
        "clamp_backward": lambda g, x, w, p0, p1: g if x >= p0 and x <= p1 else zero,
        "log_sigmoid_backward": lambda g, x, w, p0, p1: g * sigmoid(-x),
        "hardswish_backward": hardswish_backward,
        "hardsigmoid_backward": lambda g, x, w, p0, p1: g / six if x > -three and x < three else zero,
        "glu": lambda a, b, w, p0, p1: a * sigmoid(b),
        "glu_backward": lambda g, a, b, p0, p1: g * a * sigmoid(b) * sigmoid(-b),
        "prelu": lambda x, v, w, p0, p1: x if x > 0 else v * x,
        "prelu_backward": lambda g, x, v, p0, p1: g if x > 0 else v * g,
        "prelu_weight_backward": lambda g, x, w, p0, p1: zero if x > 0 else g * x,
        "mse": lambda x, t, w, p0, p1: (x - t) * (x - t),
        "l1": lambda x, t, w, p0, p1: m.fabs(x - t),
        "huber": huber,
        "smooth_l1": smooth_l1,
        "bce": bce,
        "bce_with_logits": lambda x, t, w, p0, p1: log1pexp(-x) + (one - t) * x,
        "addcmul": lambda a, b, c, p0, p1: a + p1 * b * c,
        "addcdiv": lambda a, b, c, p0, p1: a + p1 * b / c,
        "lerp": lambda a, b, c, p0, p1: a + c * (b - a),
        "fma": lambda a, b, c, p0, p1: a * b + c,
        "mse_backward": lambda g, x, t, p0, p1: g * two * (x - t),
        "l1_backward": lambda g, x, t, p0, p1: g * sign(x - t),
        "huber_backward": huber_backward,
        "smooth_l1_backward": smooth_l1_backward,
        "bce_backward": bce_backward,
        "bce_with_logits_backward": lambda g, x, t, p0, p1: g * (sigmoid(x) - t),
    }


@device
def clamp_(x, low, high):
    """x between low and high; NaN stays NaN."""
    y = low if x < low else x
    return high if y > high else y


def _call(f):
    return lambda x, v, w, p0, p1: f(x)
