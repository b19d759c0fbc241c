"""Element-wise operations of csrc/elementwise.inc: y = f(a, b, c) with scalar parameters p0, p1, and their derivatives.

FORWARD maps a name to f. DERIVATIVE maps a name to a function that gives one partial derivative for each input, or is
absent where the derivative is zero or undefined everywhere. At a kink the derivative is PyTorch's choice.
"""

import math

import numpy as np

erf_ = np.vectorize(math.erf, otypes=[float])
erfc_ = np.vectorize(math.erfc, otypes=[float])
lgamma_ = np.vectorize(lambda x: math.inf if math.isinf(x) or (x <= 0 and x == math.floor(x)) else math.lgamma(x),
                       otypes=[float])


def digamma_scalar(x):
    """psi(x) = psi(x + 1) - 1 / x until x > 10, then log x - 1 / 2x - sum B_2k / (2k x^2k)."""
    if x <= 0 and x == math.floor(x):
        return math.nan
    shift = 0.0
    while x < 10:
        shift -= 1 / x
        x += 1
    f = 1 / (x * x)
    series = f * (1 / 12 - f * (1 / 120 - f * (1 / 252 - f * (1 / 240 - f * (1 / 132 - f * 691 / 32760)))))
    return shift + math.log(x) - 0.5 / x - series


digamma_ = np.vectorize(digamma_scalar, otypes=[float])

SQRT_2PI = math.sqrt(2 * math.pi)
GELU_A, GELU_B = math.sqrt(2 / math.pi), 0.044715


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.logaddexp(0, x * beta) / beta)


def normal_cdf(x):
    return 0.5 * erfc_(-x / math.sqrt(2))


def gelu(x):
    return np.where(x == -np.inf, np.nan, x * normal_cdf(x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(GELU_A * (x + GELU_B * x**3)))


def gelu_tanh_derivative(x):
    t = np.tanh(GELU_A * (x + GELU_B * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_A * (1 + 3 * GELU_B * x * x)


def silu(x):
    return x * sigmoid(x)


def silu_derivative(x):
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)))


def mish(x):
    return x * np.tanh(np.logaddexp(0, x))


def mish_derivative(x):
    t = np.tanh(np.logaddexp(0, x))
    return t + x * (1 - t * t) * sigmoid(x)


def softplus_derivative(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, 1, sigmoid(x * beta))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_derivative(x, alpha=1.0):
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return np.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def huber_derivative(x, t, delta=1.0):
    return np.clip(x - t, -delta, delta)


def smooth_l1(x, t, beta=1.0):
    d = np.abs(x - t)
    return d if beta == 0 else np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


def smooth_l1_derivative(x, t, beta=1.0):
    return np.sign(x - t) if beta == 0 else np.clip((x - t) / beta, -1, 1)


def bce(x, t):
    return -(t * np.maximum(np.log(x), -100) + (1 - t) * np.maximum(np.log1p(-x), -100))


def bce_derivative(x, t):
    return (x - t) / np.maximum(x * (1 - x), 1e-12)


def bce_with_logits(x, t):
    with np.errstate(invalid="ignore"):
        return np.where(x == -np.inf, -t * x, np.logaddexp(0, -x) + (1 - t) * x)


def xlogy(x, y):
    return np.where(np.isnan(y), np.nan, np.where(x == 0, 0, x * np.log(y)))


def truth(f):
    return lambda *inputs: f(*(np.asarray(a) != 0 for a in inputs)).astype(float)


def whole(f):
    return lambda *inputs: f(*(np.asarray(a).astype(np.int64) for a in inputs)).astype(float)


def compare(f):
    return lambda *inputs: f(*inputs).astype(float)


FORWARD = {
    "copy": lambda x: x + 0,
    "neg": lambda x: -x,
    "abs": np.abs,
    "sign": lambda x: np.where(np.isnan(x), 0, np.sign(x)),
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": erf_,
    "erfc": erfc_,
    "lgamma": lgamma_,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "trunc": np.trunc,
    "sigmoid": sigmoid,
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "relu": lambda x: np.maximum(x, 0),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "mish": mish,
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softplus": softplus,
    "elu": elu,
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "isnan": compare(np.isnan),
    "isinf": compare(np.isinf),
    "isfinite": compare(np.isfinite),
    "logical_not": truth(np.logical_not),
    "bitwise_not": whole(np.bitwise_not),
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "floor_divide": np.floor_divide,
    "remainder": np.remainder,
    "fmod": np.fmod,
    "pow": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "eq": compare(np.equal),
    "ne": compare(np.not_equal),
    "lt": compare(np.less),
    "le": compare(np.less_equal),
    "gt": compare(np.greater),
    "ge": compare(np.greater_equal),
    "logical_and": truth(np.logical_and),
    "logical_or": truth(np.logical_or),
    "logical_xor": truth(np.logical_xor),
    "bitwise_and": whole(np.bitwise_and),
    "bitwise_or": whole(np.bitwise_or),
    "bitwise_xor": whole(np.bitwise_xor),
    "lshift": whole(np.left_shift),
    "rshift": whole(np.right_shift),
    "xlogy": xlogy,
    "rsub": lambda a, b: b - a,
    "rdiv": lambda a, b: b / a,
    "rpow": lambda a, b: np.power(b, a),
    "mse": lambda x, t: (x - t) ** 2,
    "l1": lambda x, t: np.abs(x - t),
    "huber": huber,
    "smooth_l1": smooth_l1,
    "bce": bce,
    "bce_with_logits": bce_with_logits,
    "where": lambda a, b, c: np.where(a != 0, b, c),
    "addcmul": lambda a, b, c, value=1.0: a + value * b * c,
    "addcdiv": lambda a, b, c, value=1.0: a + value * b / c,
    "lerp": lambda a, b, c: a + c * (b - a),
    "fma": lambda a, b, c: a * b + c,
    "add_scaled": lambda a, b, value=1.0: a + value * b,
}

# The gradient kernels that have names of their own; X_backward(g, what forward saved). FORWARD[...] is their meaning.
FORWARD |= {
    "relu_backward": lambda g, y: np.where(y <= 0, 0.0, g),
    "leaky_relu_backward": lambda g, x, slope=0.01: np.where(x > 0, g, g * slope),
    "sigmoid_backward": lambda g, y: g * y * (1 - y),
    "tanh_backward": lambda g, y: g * (1 - y * y),
    "gelu_backward": lambda g, x: g * DERIVATIVE["gelu"](x)[0],
    "gelu_tanh_backward": lambda g, x: g * gelu_tanh_derivative(x),
    "silu_backward": lambda g, x: g * silu_derivative(x),
    "mish_backward": lambda g, x: g * mish_derivative(x),
    "softplus_backward": lambda g, x, beta=1.0, threshold=20.0: g * softplus_derivative(x, beta, threshold),
    "elu_backward": lambda g, x, alpha=1.0: g * elu_derivative(x, alpha),
    "clamp_backward": lambda g, x, low, high: g * ((x >= low) & (x <= high)),
    "hardtanh_backward": lambda g, x, low, high: np.where((x <= low) | (x >= high), 0.0, g),
    "log_sigmoid_backward": lambda g, x: g * sigmoid(-x),
    "hardswish_backward": lambda g, x: np.where(x <= -3, 0.0, np.where(x >= 3, g, g * (x / 3 + 0.5))),
    "hardsigmoid_backward": lambda g, x: np.where((x > -3) & (x < 3), g / 6, 0.0),
    "glu": lambda a, b: a * sigmoid(b),
    "glu_backward": lambda g, a, b: g * a * sigmoid(b) * sigmoid(-b),
    "prelu": lambda x, w: np.where(x > 0, x, w * x),
    "prelu_backward": lambda g, x, w: np.where(x > 0, g, w * g),
    "prelu_weight_backward": lambda g, x: np.where(x > 0, 0.0, g * x),
    "mse_backward": lambda g, x, t: 2 * g * (x - t),
    "l1_backward": lambda g, x, t: g * np.sign(x - t),
    "huber_backward": lambda g, x, t, delta=1.0: g * huber_derivative(x, t, delta),
    "smooth_l1_backward": lambda g, x, t, beta=1.0: g * smooth_l1_derivative(x, t, beta),
    "bce_backward": lambda g, x, t: g * bce_derivative(x, t),
    "bce_with_logits_backward": lambda g, x, t: g * (sigmoid(x) - t),
}


def pow_derivative(x, p):
    # d/dx = p x^(p-1), 0 where p is 0; d/dp = x^p log x, 0 where x is 0 and p >= 0
    dx = np.where(p == 0, 0, p * np.power(x, p - 1))
    dp = np.where((x == 0) & (p >= 0), 0, np.power(x, p) * np.log(x))
    return dx, dp


def larger_derivative(a, b):
    # equal numbers share the gradient
    first = np.where(a == b, 0.5, (a > b).astype(float))
    return first, 1 - first


def one(f):
    return lambda x, *p: (f(x, *p),)


DERIVATIVE = {
    "copy": one(np.ones_like),
    "neg": one(lambda x: -np.ones_like(x)),
    "abs": one(np.sign),
    "exp": one(np.exp),
    "exp2": one(lambda x: np.exp2(x) * math.log(2)),
    "expm1": one(np.exp),
    "log": one(lambda x: 1 / x),
    "log2": one(lambda x: 1 / (x * math.log(2))),
    "log10": one(lambda x: 1 / (x * math.log(10))),
    "log1p": one(lambda x: 1 / (1 + x)),
    "sqrt": one(lambda x: 0.5 / np.sqrt(x)),
    "rsqrt": one(lambda x: -0.5 / (x * np.sqrt(x))),
    "square": one(lambda x: 2 * x),
    "reciprocal": one(lambda x: -1 / (x * x)),
    "sin": one(np.cos),
    "cos": one(lambda x: -np.sin(x)),
    "tan": one(lambda x: 1 / np.cos(x) ** 2),
    "asin": one(lambda x: 1 / np.sqrt(1 - x * x)),
    "acos": one(lambda x: -1 / np.sqrt(1 - x * x)),
    "atan": one(lambda x: 1 / (1 + x * x)),
    "sinh": one(np.cosh),
    "cosh": one(np.sinh),
    "tanh": one(lambda x: 1 / np.cosh(x) ** 2),
    "asinh": one(lambda x: 1 / np.sqrt(x * x + 1)),
    "acosh": one(lambda x: 1 / np.sqrt(x * x - 1)),
    "atanh": one(lambda x: 1 / (1 - x * x)),
    "erf": one(lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x)),
    "erfc": one(lambda x: -2 / math.sqrt(math.pi) * np.exp(-x * x)),
    "lgamma": one(digamma_),
    "sigmoid": one(lambda x: sigmoid(x) * sigmoid(-x)),
    "log_sigmoid": one(lambda x: sigmoid(-x)),
    "relu": one(lambda x: (x > 0).astype(float)),
    "gelu": one(lambda x: normal_cdf(x) + x * np.exp(-x * x / 2) / SQRT_2PI),
    "gelu_tanh": one(gelu_tanh_derivative),
    "silu": one(silu_derivative),
    "mish": one(mish_derivative),
    "hardswish": one(lambda x: np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1))),
    "hardsigmoid": one(lambda x: ((x > -3) & (x < 3)) / 6),
    "softsign": one(lambda x: 1 / (1 + np.abs(x)) ** 2),
    "softplus": one(softplus_derivative),
    "elu": one(elu_derivative),
    "leaky_relu": one(lambda x, slope=0.01: np.where(x > 0, 1, slope)),
    "clamp": one(lambda x, low, high: ((x >= low) & (x <= high)).astype(float)),
    "add": lambda a, b: (np.ones_like(a), np.ones_like(b)),
    "sub": lambda a, b: (np.ones_like(a), -np.ones_like(b)),
    "mul": lambda a, b: (b, a),
    "div": lambda a, b: (1 / b, -a / b**2),
    "remainder": lambda a, b: (np.ones_like(a), -np.floor_divide(a, b)),
    "fmod": lambda a, b: (np.ones_like(a), -np.trunc(a / b)),
    "pow": pow_derivative,
    "maximum": larger_derivative,
    "minimum": lambda a, b: larger_derivative(b, a),
    "atan2": lambda a, b: (b / (a * a + b * b), -a / (a * a + b * b)),
    "hypot": lambda a, b: (a / np.hypot(a, b), b / np.hypot(a, b)),
    "xlogy": lambda x, y: (np.where((x == 0) & (y <= 0), 0, np.log(y)), x / y),
    "rsub": lambda a, b: (-np.ones_like(a), np.ones_like(b)),
    "rdiv": lambda a, b: (-b / a**2, 1 / a),
    "rpow": lambda a, b: pow_derivative(b, a)[::-1],
    "mse": lambda x, t: (2 * (x - t), -2 * (x - t)),
    "l1": lambda x, t: (np.sign(x - t), -np.sign(x - t)),
    "huber": lambda x, t, *p: (huber_derivative(x, t, *p), -huber_derivative(x, t, *p)),
    "smooth_l1": lambda x, t, *p: (smooth_l1_derivative(x, t, *p), -smooth_l1_derivative(x, t, *p)),
    "bce": lambda x, t: (bce_derivative(x, t), np.maximum(np.log1p(-x), -100) - np.maximum(np.log(x), -100)),
    "bce_with_logits": lambda x, t: (sigmoid(x) - t, -x),
    "where": lambda a, b, c: (np.zeros_like(a), (a != 0) + 0.0 * b, (a == 0) + 0.0 * c),
    "addcmul": lambda a, b, c, value=1.0: (np.ones_like(a), value * c, value * b),
    "addcdiv": lambda a, b, c, value=1.0: (np.ones_like(a), value / c, -value * b / c**2),
    "lerp": lambda a, b, c: (1 - c, c + 0.0 * b, b - a),
    "fma": lambda a, b, c: (b, a, np.ones_like(c)),
    "add_scaled": lambda a, b, value=1.0: (np.ones_like(a), value * np.ones_like(b)),
}


def elementwise(op, *inputs, p=()):
    """y = op(a, b, c; p), inputs broadcast against each other."""
    inputs = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in inputs))
    with np.errstate(all="ignore"):
        return np.asarray(FORWARD[op](*inputs, *p), dtype=float)


def sum_to(g, shape):
    """The gradient of broadcasting: sum over the axes that were repeated."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    for axis, n in enumerate(shape):
        if n == 1 and g.shape[axis] != 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


def elementwise_backward(op, gy, *inputs, p=()):
    """gy times the partial derivative for each input, summed where that input was broadcast; zeros without a rule."""
    inputs = [np.asarray(a, dtype=float) for a in inputs]
    wide = np.broadcast_arrays(*inputs)
    if op not in DERIVATIVE:
        return tuple(np.zeros_like(a) for a in inputs)
    with np.errstate(all="ignore"):
        partial = DERIVATIVE[op](*wide, *p)
        return tuple(sum_to(gy * d * np.ones_like(w), a.shape) for d, w, a in zip(partial, wide, inputs))
