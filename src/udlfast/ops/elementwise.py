"""Element-wise operations: the public functions, their documents, and gradient rules in terms of other operations.

The kernels and the rules of add, sub, mul, div and of scalar operands are compiled (``_core/elementwise.pxi``). A rule
here is used where no fused gradient kernel exists, and always when the gradient is itself recorded (create_graph).
"""

import math

from .. import _core
from .._core import Tensor, binary_function, extend, put_out, set_rule, unary
from ..errors import ArgumentError, DTypeError

_DOC = """{sentence}

    out_i = {formula}

    Args:
        input: a tensor of any shape{more}
    Returns: a tensor of input's shape
    Raises: TypeError if input is no tensor, DTypeError for an element type that the operation does not take

    >>> import udlfast as torch
    >>> {example}
    {result}

    Source: {source}
    """


def _unary(name, rule, sentence, formula, example, result, op=None, source="elementary"):
    """The public function of one kernel of one input, its rule and its method."""
    code = getattr(_core, "MAP_" + (op or name))
    if rule is not None:
        set_rule(code, rule)

    def function(input, *, out=None):
        if out is None:
            return unary(code, input)
        return put_out(out, unary(code, input))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _DOC.format(sentence=sentence, formula=formula, example=example, result=result, more="", source=source)
    extend(name, function)
    return function


def _zero(g, x, y, p0, p1):
    """The derivative of step functions."""
    return g * 0.0


_2_SQRT_PI = 2.0 / math.sqrt(math.pi)

neg = negative = _unary("neg", lambda g, x, y, p0, p1: -g, "The negative.", "-x_i",
                        "torch.neg(torch.tensor([1., -2.]))", "tensor([-1.,  2.])")
abs = absolute = _unary("abs", lambda g, x, y, p0, p1: g * x.sign(), "The absolute value.", "|x_i|",
                        "torch.abs(torch.tensor([1., -2.]))", "tensor([1., 2.])")
sign = _unary("sign", _zero, "The sign: -1, 0 or 1.", "sgn(x_i)", "torch.sign(torch.tensor([3., -2., 0.]))",
              "tensor([ 1., -1.,  0.])")
exp = _unary("exp", lambda g, x, y, p0, p1: g * y, "The exponential function.", "e^x_i",
             "torch.exp(torch.tensor([0., 1.]))", "tensor([1.0000, 2.7183])")
exp2 = _unary("exp2", lambda g, x, y, p0, p1: g * exp2(x) * math.log(2), "Two to the power of x.", "2^x_i",
              "torch.exp2(torch.tensor([1., 3.]))", "tensor([2., 8.])")
expm1 = _unary("expm1", lambda g, x, y, p0, p1: g * x.exp(), "The exponential minus one, exact near 0.", "e^x_i - 1",
               "torch.expm1(torch.tensor([0.]))", "tensor([0.])")
log = _unary("log", lambda g, x, y, p0, p1: g / x, "The natural logarithm.", "ln x_i",
             "torch.log(torch.tensor([1.]))", "tensor([0.])")
log2 = _unary("log2", lambda g, x, y, p0, p1: g / (x * math.log(2)), "The logarithm to base 2.", "log2 x_i",
              "torch.log2(torch.tensor([8.]))", "tensor([3.])")
log10 = _unary("log10", lambda g, x, y, p0, p1: g / (x * math.log(10)), "The logarithm to base 10.", "log10 x_i",
               "torch.log10(torch.tensor([100.]))", "tensor([2.])")
log1p = _unary("log1p", lambda g, x, y, p0, p1: g / (x + 1), "ln(1 + x), exact near 0.", "ln(1 + x_i)",
               "torch.log1p(torch.tensor([0.]))", "tensor([0.])")
sqrt = _unary("sqrt", lambda g, x, y, p0, p1: g / (y * 2), "The square root.", "sqrt(x_i)",
              "torch.sqrt(torch.tensor([9.]))", "tensor([3.])")
rsqrt = _unary("rsqrt", lambda g, x, y, p0, p1: g * -0.5 * rsqrt(x) / x, "One over the square root.", "1 / sqrt(x_i)",
               "torch.rsqrt(torch.tensor([4.]))", "tensor([0.5000])")
square = _unary("square", lambda g, x, y, p0, p1: g * x * 2, "The square.", "x_i^2",
                "torch.square(torch.tensor([3.]))", "tensor([9.])")
reciprocal = _unary("reciprocal", lambda g, x, y, p0, p1: -g / (x * x), "One over x.", "1 / x_i",
                    "torch.reciprocal(torch.tensor([4.]))", "tensor([0.2500])")
sin = _unary("sin", lambda g, x, y, p0, p1: g * cos(x), "The sine; x in radians.", "sin x_i",
             "torch.sin(torch.tensor([0.]))", "tensor([0.])")
cos = _unary("cos", lambda g, x, y, p0, p1: -g * sin(x), "The cosine; x in radians.", "cos x_i",
             "torch.cos(torch.tensor([0.]))", "tensor([1.])")
tan = _unary("tan", lambda g, x, y, p0, p1: g * (square(tan(x)) + 1), "The tangent; x in radians.", "tan x_i",
             "torch.tan(torch.tensor([0.]))", "tensor([0.])")
asin = arcsin = _unary("asin", lambda g, x, y, p0, p1: g * rsqrt(1 - x * x), "The inverse sine, in radians.", "asin x_i",
                       "torch.asin(torch.tensor([1.]))", "tensor([1.5708])")
acos = arccos = _unary("acos", lambda g, x, y, p0, p1: -g * rsqrt(1 - x * x), "The inverse cosine, in radians.",
                       "acos x_i", "torch.acos(torch.tensor([1.]))", "tensor([0.])")
atan = arctan = _unary("atan", lambda g, x, y, p0, p1: g / (x * x + 1), "The inverse tangent, in radians.", "atan x_i",
                       "torch.atan(torch.tensor([1.]))", "tensor([0.7854])")
sinh = _unary("sinh", lambda g, x, y, p0, p1: g * cosh(x), "The hyperbolic sine.", "(e^x_i - e^-x_i) / 2",
              "torch.sinh(torch.tensor([0.]))", "tensor([0.])")
cosh = _unary("cosh", lambda g, x, y, p0, p1: g * sinh(x), "The hyperbolic cosine.", "(e^x_i + e^-x_i) / 2",
              "torch.cosh(torch.tensor([0.]))", "tensor([1.])")
tanh = _unary("tanh", lambda g, x, y, p0, p1: g * (1 - y * y), "The hyperbolic tangent.",
              "(e^x_i - e^-x_i) / (e^x_i + e^-x_i)", "torch.tanh(torch.tensor([0.]))", "tensor([0.])",
              source="Understanding Deep Learning, chapter 3")
asinh = arcsinh = _unary("asinh", lambda g, x, y, p0, p1: g * rsqrt(x * x + 1), "The inverse hyperbolic sine.",
                         "asinh x_i", "torch.asinh(torch.tensor([0.]))", "tensor([0.])")
acosh = arccosh = _unary("acosh", lambda g, x, y, p0, p1: g * rsqrt(x * x - 1), "The inverse hyperbolic cosine.",
                         "acosh x_i", "torch.acosh(torch.tensor([1.]))", "tensor([0.])")
atanh = arctanh = _unary("atanh", lambda g, x, y, p0, p1: g / (1 - x * x), "The inverse hyperbolic tangent.", "atanh x_i",
                         "torch.atanh(torch.tensor([0.]))", "tensor([0.])")
erf = _unary("erf", lambda g, x, y, p0, p1: g * (-x * x).exp() * _2_SQRT_PI, "The error function.",
             "2/sqrt(pi) integral from 0 to x_i of e^(-t^2) dt", "torch.erf(torch.tensor([0.]))", "tensor([0.])")
erfc = _unary("erfc", lambda g, x, y, p0, p1: g * (-x * x).exp() * -_2_SQRT_PI, "One minus the error function.",
              "1 - erf x_i", "torch.erfc(torch.tensor([0.]))", "tensor([1.])")
def _lgamma_rule(g, x, y, p0, p1):
    from .special_functions import digamma
    return g * digamma(x)


lgamma = _unary("lgamma", _lgamma_rule, "The logarithm of the absolute value of the gamma function.", "ln |Gamma(x_i)|",
                "torch.lgamma(torch.tensor([3.]))", "tensor([0.6931])")
floor = _unary("floor", _zero, "The largest integer not above x.", "floor(x_i)", "torch.floor(torch.tensor([1.5]))",
               "tensor([1.])")
ceil = _unary("ceil", _zero, "The smallest integer not below x.", "ceil(x_i)", "torch.ceil(torch.tensor([1.5]))",
              "tensor([2.])")
trunc = fix = _unary("trunc", _zero, "x without its fraction.", "trunc(x_i)", "torch.trunc(torch.tensor([-1.5]))",
                     "tensor([-1.])")
sigmoid = _unary("sigmoid", lambda g, x, y, p0, p1: g * y * (1 - y), "The logistic function.", "1 / (1 + e^-x_i)",
                 "torch.sigmoid(torch.tensor([0.]))", "tensor([0.5000])",
                 source="Understanding Deep Learning, chapter 5")
logsigmoid = _unary("logsigmoid", lambda g, x, y, p0, p1: g * sigmoid(-x), "The logarithm of the logistic function.",
                    "-ln(1 + e^-x_i)", "torch.nn.functional.logsigmoid(torch.tensor([0.]))", "tensor([-0.6931])",
                    op="log_sigmoid")
relu = _unary("relu", lambda g, x, y, p0, p1: g * (y > 0), "The rectified linear unit.", "max(0, x_i)",
              "torch.relu(torch.tensor([1., -2.]))", "tensor([1., 0.])", source="Understanding Deep Learning, chapter 3")
silu = _unary("silu", lambda g, x, y, p0, p1: g * sigmoid(x) * (1 + x * (1 - sigmoid(x))),
              "The sigmoid-weighted linear unit (swish).", "x_i / (1 + e^-x_i)",
              "torch.nn.functional.silu(torch.tensor([0.]))", "tensor([0.])", source="Ramachandran et al. 2017")
def _mish_rule(g, x, y, p0, p1):
    t = tanh(-logsigmoid(-x))   # tanh(ln(1 + e^x))
    return g * (t + x * sigmoid(x) * (1 - t * t))


mish = _unary("mish", _mish_rule,
              "x times tanh of softplus.", "x_i tanh(ln(1 + e^x_i))",
              "torch.nn.functional.mish(torch.tensor([0.]))", "tensor([0.])", source="Misra 2019")
hardswish = _unary("hardswish", lambda g, x, y, p0, p1: g * ((x >= 3) + ((x > -3) & (x < 3)) * (x.clamp(-3, 3) / 3 + 0.5)),
                   "A piecewise approximation of swish.", "x_i min(max(x_i + 3, 0), 6) / 6",
                   "torch.nn.functional.hardswish(torch.tensor([3.]))", "tensor([3.])", source="Howard et al. 2019")
hardsigmoid = _unary("hardsigmoid", lambda g, x, y, p0, p1: g * ((x > -3) & (x < 3)) * (1 / 6),
                     "A piecewise linear approximation of the logistic function.", "min(max(x_i + 3, 0), 6) / 6",
                     "torch.nn.functional.hardsigmoid(torch.tensor([0.]))", "tensor([0.5000])", source="Howard et al. 2019")
softsign = _unary("softsign", lambda g, x, y, p0, p1: g / square(1 + x.abs()), "x over one plus its absolute value.",
                  "x_i / (1 + |x_i|)", "torch.nn.functional.softsign(torch.tensor([1.]))", "tensor([0.5000])")
isnan = _unary("isnan", None, "Whether each element is NaN.", "x_i != x_i",
               "torch.isnan(torch.tensor([0., float('nan')]))", "tensor([False,  True])")
isinf = _unary("isinf", None, "Whether each element is infinite.", "|x_i| = inf",
               "torch.isinf(torch.tensor([0., float('inf')]))", "tensor([False,  True])")
isfinite = _unary("isfinite", None, "Whether each element is finite.", "|x_i| < inf",
                  "torch.isfinite(torch.tensor([0., float('inf')]))", "tensor([ True, False])")
logical_not = _unary("logical_not", None, "Whether each element is zero.", "not x_i",
                     "torch.logical_not(torch.tensor([True, False]))", "tensor([False,  True])")
bitwise_not = _unary("bitwise_not", None, "Every bit flipped (bool: not).", "~x_i",
                     "torch.bitwise_not(torch.tensor([0, 1]))", "tensor([-1, -2])")
set_rule(_core.MAP_round, _zero)


def round(input, *, decimals=0, out=None):
    """The nearest integer, halves to the even one.

    out_i = round(x_i 10^decimals) / 10^decimals

    Args:
        input: a tensor of any shape
        decimals: digits kept after the point
    Returns: a tensor of input's shape

    >>> import udlfast as torch
    >>> torch.round(torch.tensor([0.5, 1.5]))
    tensor([0., 2.])

    Source: IEEE 754.
    """
    if out is not None:
        return put_out(out, round(input, decimals=decimals))
    if decimals == 0:
        return unary(_core.MAP_round, input)
    return unary(_core.MAP_round, input * 10.0**decimals) / 10.0**decimals


set_rule(_core.MAP_clamp, lambda g, x, y, p0, p1: g * ((x >= p0) & (x <= p1)))


def clamp(input, min=None, max=None, *, out=None):
    """Every element limited to a range.

    out_i = min(max(x_i, min), max)

    Args:
        input: a tensor of any shape
        min, max: numbers or tensors that broadcast; None leaves that side open
    Returns: a tensor of input's shape

    >>> import udlfast as torch
    >>> torch.clamp(torch.tensor([-2., 0.5, 3.]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])

    Source: elementary.
    """
    if out is not None:
        return put_out(out, clamp(input, min, max))
    if min is None and max is None:
        raise ArgumentError("clamp: at least one of min and max must be given")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        r = input if min is None else maximum(input, _as_tensor(min, input))
        return r if max is None else minimum(r, _as_tensor(max, input))
    if input.dtype.is_floating_point:
        return unary(_core.MAP_clamp, input, -math.inf if min is None else min, math.inf if max is None else max)
    limits = [v for v in (min, max) if v is not None]
    if any(isinstance(v, float) for v in limits):
        input = input.to(_core.get_default_dtype())
        return clamp(input, min, max)
    for limit in limits:
        _in_range(limit, input.dtype)
    r = input if min is None else maximum(input, _as_tensor(min, input))
    return r if max is None else minimum(r, _as_tensor(max, input))


clip = clamp


def _in_range(limit, kind):
    """Refuses a bound that the type of the elements does not hold; a negative one of an unsigned type wraps around, as in PyTorch."""
    bits = 8 * kind.itemsize
    signed = kind.is_signed
    if kind is not _core.bool_ and not -(2 ** (bits - signed)) <= limit < 2 ** (bits - signed):
        raise ArgumentError(f"clamp: {limit} does not fit into {kind}; convert the tensor with .long() or .float()")


def _as_tensor(value, like):
    return value if isinstance(value, Tensor) else _core.full((), value, dtype=like.dtype)


# ---- two inputs ----------------------------------------------------------------------------------------------------
def _binary(name, rule, sentence, formula, example, result, op=None):
    """The public function of one kernel of two inputs, its rule and its method."""
    code = getattr(_core, "MAP_" + (op or name))
    if rule is not None:
        set_rule(code, rule)

    second = "exponent" if name == "pow" else "other"
    if name == "pow":
        def function(input, exponent, *, out=None):
            r = binary_function(code, input, exponent)
            return r if out is None else put_out(out, r)
    else:
        def function(input, other, *, out=None):
            r = binary_function(code, input, other)
            return r if out is None else put_out(out, r)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _DOC.format(sentence=sentence, formula=formula, example=example, result=result, source="elementary",
                                   more=f"\n        {second}: a tensor whose shape broadcasts with input's, or a number")
    extend(name, function)
    return function


def _ties(g, a, b, first):
    """Gradients of an extreme: to the winner, half to each where both are equal."""
    ga = g * (first + (a == b) * 0.5)
    return ga, where((a == a) & (b == b), g - ga, g)  # beside a NaN, to both


def _pow_rule(g, a, b, y):
    ga = g * b * where(b == 0, _core.zeros_like(a) if isinstance(b, Tensor) else a * 0, a ** (b - 1))
    gb = None
    if isinstance(b, Tensor):
        safe = where(a > 0, a, _core.ones_like(a))
        gb = g * a**b * where(a > 0, log(safe), _core.zeros_like(a))
    return ga, gb


mul = multiply = _binary("mul", None, "The product.", "x_i y_i", "torch.mul(torch.tensor([2.]), 3)", "tensor([6.])")
pow = _binary("pow", _pow_rule, "x to the power of y.", "x_i^y_i", "torch.pow(torch.tensor([2.]), 3)", "tensor([8.])")
floor_divide = _binary("floor_divide", lambda g, a, b, y: (g * 0.0, g * 0.0), "The quotient rounded down.", "floor(x_i / y_i)",
                       "torch.floor_divide(torch.tensor([-7]), 2)", "tensor([-4])")
remainder = _binary("remainder", lambda g, a, b, y: (g, -g * floor(a / b) if isinstance(b, Tensor) else None),
                    "The remainder, with the sign of the divisor.", "x_i - y_i floor(x_i / y_i)",
                    "torch.remainder(torch.tensor([-7]), 3)", "tensor([2])")
fmod = _binary("fmod", lambda g, a, b, y: (g, -g * trunc(a / b) if isinstance(b, Tensor) else None),
               "The remainder, with the sign of the dividend.", "x_i - y_i trunc(x_i / y_i)",
               "torch.fmod(torch.tensor([-7]), 3)", "tensor([-1])")
maximum = _binary("maximum", lambda g, a, b, y: _ties(g, a, b, ~(a <= b)), "The larger of two; NaN if one is.",
                  "max(x_i, y_i)", "torch.maximum(torch.tensor([1., 5.]), torch.tensor([3., 4.]))", "tensor([3., 5.])")
minimum = _binary("minimum", lambda g, a, b, y: _ties(g, a, b, ~(a >= b)), "The smaller of two; NaN if one is.",
                  "min(x_i, y_i)", "torch.minimum(torch.tensor([1., 5.]), torch.tensor([3., 4.]))", "tensor([1., 4.])")
def _square_of_distance(a, b):
    """a^2 + b^2, but 1 at the origin, where the slopes of an angle are taken as 0."""
    return a * a + b * b + ((a == 0) & (b == 0))


atan2 = arctan2 = _binary("atan2", lambda g, a, b, y: (g * b / _square_of_distance(a, b), -g * a / _square_of_distance(a, b)),
                          "The angle of the point (y, x), in radians.", "atan2(x_i, y_i)",
                          "torch.atan2(torch.tensor([1.]), torch.tensor([1.]))", "tensor([0.7854])")
hypot = _binary("hypot", lambda g, a, b, y: (g * a / hypot(a, b), g * b / hypot(a, b)), "The length of the hypotenuse.",
                "sqrt(x_i^2 + y_i^2)", "torch.hypot(torch.tensor([3.]), torch.tensor([4.]))", "tensor([5.])")
xlogy = _binary("xlogy", lambda g, a, b, y: (g * log(b if isinstance(b, Tensor) else _core.full_like(a, b)), g * a / b),
                "x log y, and 0 where x is 0.", "x_i ln y_i", "torch.xlogy(torch.tensor([0.]), torch.tensor([0.]))",
                "tensor([0.])")
eq = _binary("eq", None, "Whether equal.", "x_i = y_i", "torch.eq(torch.tensor([1, 2]), 1)", "tensor([ True, False])")
ne = not_equal = _binary("ne", None, "Whether different.", "x_i != y_i", "torch.ne(torch.tensor([1, 2]), 1)",
                         "tensor([False,  True])")
lt = less = _binary("lt", None, "Whether less.", "x_i < y_i", "torch.lt(torch.tensor([1, 2]), 2)", "tensor([ True, False])")
le = less_equal = _binary("le", None, "Whether less or equal.", "x_i <= y_i", "torch.le(torch.tensor([1, 2]), 1)",
                          "tensor([ True, False])")
gt = greater = _binary("gt", None, "Whether greater.", "x_i > y_i", "torch.gt(torch.tensor([1, 2]), 1)",
                       "tensor([False,  True])")
ge = greater_equal = _binary("ge", None, "Whether greater or equal.", "x_i >= y_i", "torch.ge(torch.tensor([1, 2]), 2)",
                             "tensor([False,  True])")
logical_and = _binary("logical_and", None, "Whether both are nonzero.", "x_i and y_i",
                      "torch.logical_and(torch.tensor([1, 0]), torch.tensor([1, 1]))", "tensor([ True, False])")
logical_or = _binary("logical_or", None, "Whether one is nonzero.", "x_i or y_i",
                     "torch.logical_or(torch.tensor([1, 0]), torch.tensor([0, 0]))", "tensor([ True, False])")
logical_xor = _binary("logical_xor", None, "Whether exactly one is nonzero.", "x_i xor y_i",
                      "torch.logical_xor(torch.tensor([1, 0]), torch.tensor([1, 1]))", "tensor([False,  True])")
bitwise_and = _binary("bitwise_and", None, "The bits set in both.", "x_i & y_i",
                      "torch.bitwise_and(torch.tensor([6]), 3)", "tensor([2])")
bitwise_or = _binary("bitwise_or", None, "The bits set in one or both.", "x_i | y_i",
                     "torch.bitwise_or(torch.tensor([6]), 3)", "tensor([7])")
bitwise_xor = _binary("bitwise_xor", None, "The bits set in exactly one.", "x_i ^ y_i",
                      "torch.bitwise_xor(torch.tensor([6]), 3)", "tensor([5])")
set_rule(_core.MAP_rdiv, lambda g, a, s, y: (-g * s / (a * a), None))
set_rule(_core.MAP_rpow, lambda g, a, s, y: (g * s**a * (math.log(s) if s > 0 else 0.0), None))


def rsub(input, other, *, alpha=1, out=None):
    """The difference the other way round: out_i = other_i - alpha input_i.

    >>> import udlfast as torch
    >>> torch.rsub(torch.tensor([1.]), 3)
    tensor([2.])
    """
    y = binary_function(_core.MAP_rsub, input if alpha == 1 else input * alpha, other)
    return y if out is None else put_out(out, y)



# ---- three inputs ---------------------------------------------------------------------------------------------------
def where(condition, input=None, other=None, *, out=None):
    """Elements of one tensor or another, chosen by a condition.

    out_i = input_i where condition_i holds, else other_i

    Args:
        condition: a bool tensor
        input, other: tensors or numbers that broadcast with it; both None gives nonzero(condition, as_tuple=True)
    Returns: a tensor of the broadcast shape

    >>> import udlfast as torch
    >>> torch.where(torch.tensor([True, False]), torch.tensor([1., 2.]), 0.)
    tensor([1., 0.])

    Source: elementary.
    """
    if out is not None:
        return put_out(out, where(condition, input, other))
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(condition, Tensor):
        raise TypeError(f"where: expected condition to be a Tensor, got {type(condition).__name__}")
    if condition.dtype is not _core.bool_ and condition.dtype is not _core.uint8:
        raise DTypeError(f"where: expected a bool condition, got {condition.dtype}; compare first, as in where(x > 0, ...)")
    a, b = _pair(input, other)
    y = _core.ew3(_core.MAP_where, condition, a, b)
    return _core.attach(y, (a, b), where_backward, (condition,), (a.shape, b.shape))


def where_backward(node, g):
    """ga = g where the condition holds, else 0; gb the other way round."""
    (condition,) = node.saved
    zero = _core.zeros((), dtype=g.dtype)
    ga = sum_to(where(condition, g, zero), node.args[0]) if node.needs(0) else None
    gb = sum_to(where(condition, zero, g), node.args[1]) if node.needs(1) else None
    return ga, gb


def _pair(a, b):
    """Two tensors of one type from tensors or numbers."""
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        dtype = _core.result_type(a, b)
        return _core.full((), a, dtype=dtype), _core.full((), b, dtype=dtype)
    dtype = _core.result_type(a, b)
    return tuple(x.to(dtype) if isinstance(x, Tensor) else _core.full((), x, dtype=dtype) for x in (a, b))


def sum_to(g, shape):
    """g summed over the dimensions along which a tensor of `shape` was broadcast."""
    extra = g.ndim - len(shape)
    dims = [i for i in range(g.ndim) if i < extra or (shape[i - extra] == 1 and g.shape[i] != 1)]
    if dims:
        g = g.sum(dims, keepdim=True)
    return g.reshape(shape) if g.ndim != len(shape) else g


for _name, _function in {
    "round": round, "clamp": clamp, "clip": clamp, "where": lambda self, condition, other: where(condition, self, other),
    "negative": neg, "absolute": abs, "arctan": atan,
    "arccosh": acosh, "arcsinh": asinh, "arctanh": atanh, "fix": trunc, "arctan2": atan2, "arcsin": asin,
    "arccos": acos, "multiply": mul, "divide": Tensor.div, "subtract": Tensor.sub, "true_divide": Tensor.div,
    "not_equal": ne, "less": lt, "greater": gt, "less_equal": le, "greater_equal": ge,
    "clamp_min": lambda self, min: clamp(self, min=min), "clamp_max": lambda self, max: clamp(self, max=max),
}.items():
    extend(_name, _function)


def _in_place(function, name):
    """The form of an operation that writes into its first argument."""
    def inplace(self, *args, **kwargs):
        return _core.assign(self, function(_core.snapshot(self, name, args), *args, **kwargs), name)

    inplace.__name__ = name
    inplace.__doc__ = f"{function.__name__} in place."
    return inplace


true_divide = divide = div = _core.div
subtract = sub = _core.sub
add = _core.add
