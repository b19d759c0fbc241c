"""Less common element-wise operations, made of the kernels of others; each with its gradient rule beside it."""
import math

from .. import _core
from .._core import MAP_lshift, MAP_rshift, Tensor, attach, binary_function, extend, put_out
from ..errors import ArgumentError, DTypeError
from ..return_types import result
from ._common import tensor
from .elementwise import (
    abs,
    clamp,
    cos,
    exp2,
    isnan,
    log,
    log1p,
    maximum,
    minimum,
    sign,
    sin,
    sum_to,
    trunc,
    where,
)

_DOC = """{sentence}

    out_i = {formula}

    Args:
        input: a tensor of any shape{more}
    Returns: a tensor of {shape} shape
    Raises: DTypeError if input is no tensor

    >>> import udlfast as torch
    >>> {example}
    {result}

    Source: elementary.
    """


def _floating(x):
    """x as a floating-point tensor."""
    return x if x.dtype.is_floating_point else x.to(_core.get_default_dtype())


def _finish(function, name, sentence, formula, example, result, more="", shape="input's"):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = _DOC.format(sentence=sentence, formula=formula, example=example, result=result, more=more, shape=shape)
    extend(name, function)
    return function


def _one(name, f, rule, sentence, formula, example, result):
    """An operation of one input: f(x) on plain tensors, rule(g, x) its gradient, None where it has none."""
    def backward(node, g):
        return rule(g, node.saved[0]),

    def function(input, *, out=None):
        tensor(name, input)
        y = f(input.detach())
        if rule is not None:
            y = attach(y, (input,), backward, saved=(input,))
        return y if out is None else put_out(out, y)

    backward.__name__ = name + "_backward"
    return _finish(function, name, sentence, formula, example, result)


def _zero(g, *inputs):
    return g * 0.0


def _numpy(name):
    def function(*inputs):
        import numpy
        with numpy.errstate(all="ignore"):
            y = getattr(numpy, name)(*(x.contiguous().numpy() for x in inputs))
        return _core.from_numpy(numpy.asarray(y))
    return function


# ---- one input -----------------------------------------------------------------------------------------------------------
def positive(input):
    """The tensor itself: out_i = +x_i. Raises DTypeError for bool."""
    tensor("positive", input)
    if input.dtype is _core.bool_:
        raise DTypeError("positive: not defined for bool tensors; convert with .int()")
    return input


def _signbit(x):
    if x.dtype.narrow:
        x = x.float()
    return _numpy("signbit")(x) if x.dtype.is_floating_point else x < 0


def _sinc(x):
    x = _floating(x) * math.pi
    zero = x == 0
    return where(zero, 1.0, sin(x) / where(zero, 1.0, x))


def _sinc_rule(g, x):
    t = _floating(x) * math.pi
    zero = t == 0
    safe = where(zero, 1.0, t)
    return g * where(zero, 0.0, (cos(t) * t - sin(t)) / (safe * safe)) * math.pi


deg2rad = _one("deg2rad", lambda x: _floating(x) * (math.pi / 180), lambda g, x: g * (math.pi / 180), "Degrees to radians.",
               "x_i pi / 180", "torch.deg2rad(torch.tensor([180.]))", "tensor([3.1416])")
rad2deg = _one("rad2deg", lambda x: _floating(x) * (180 / math.pi), lambda g, x: g * (180 / math.pi), "Radians to degrees.",
               "180 x_i / pi", "torch.rad2deg(torch.tensor([1.5]))", "tensor([85.9437])")
frac = _one("frac", lambda x: x - trunc(x), lambda g, x: g, "The part behind the point.", "x_i - trunc(x_i)",
            "torch.frac(torch.tensor([1.5, -2.25]))", "tensor([ 0.5000, -0.2500])")
sgn = _one("sgn", sign, _zero, "The sign: -1, 0 or 1.", "sgn(x_i)", "torch.sgn(torch.tensor([3., -2.]))", "tensor([ 1., -1.])")
signbit = _one("signbit", _signbit, None, "Whether the sign is a minus; also that of -0.", "1 if x_i is written with a minus",
               "torch.signbit(torch.tensor([-0., 0.]))", "tensor([ True, False])")
sinc = _one("sinc", _sinc, _sinc_rule, "The cardinal sine.", "sin(pi x_i) / (pi x_i), 1 at 0",
            "torch.sinc(torch.tensor([0., 0.5]))", "tensor([1.0000, 0.6366])")
isposinf = _one("isposinf", lambda x: x == math.inf, None, "Whether each element is +infinity.", "x_i = inf",
                "torch.isposinf(torch.tensor([0., float('inf')]))", "tensor([False,  True])")
isneginf = _one("isneginf", lambda x: x == -math.inf, None, "Whether each element is -infinity.", "x_i = -inf",
                "torch.isneginf(torch.tensor([0., -float('inf')]))", "tensor([False,  True])")
isreal = _one("isreal", lambda x: _core.ones(x.shape, dtype=_core.bool_), None, "True for every number that is not complex.",
              "True", "torch.isreal(torch.tensor([1.]))", "tensor([True])")


def logit(input, eps=None, *, out=None):
    """The inverse of the logistic function.

    out_i = ln(z_i / (1 - z_i)), z_i = x_i, or x_i limited to eps..1 - eps

    Args:
        input: probabilities
        eps: None, or how far from 0 and 1 they are kept
    Returns: a tensor of input's shape; NaN outside 0..1 without eps

    >>> import udlfast as torch
    >>> torch.logit(torch.tensor([0.5]))
    tensor([0.])

    Source: elementary.
    """
    tensor("logit", input)
    x = _floating(input)
    d = x.detach() if eps is None else clamp(x.detach(), eps, 1 - eps)
    y = attach(log(d / (1 - d)), (x,), logit_backward, saved=(x,), args=(eps,))
    return y if out is None else put_out(out, y)


def logit_backward(node, g):
    """g / (x (1 - x)); where eps cut in: 0, and NaN outside 0..1 without eps"""
    (x,), (eps,) = node.saved, node.args
    low, high, beyond = (0.0, 1.0, math.nan) if eps is None else (eps, 1.0 - eps, 0.0)
    return where((x >= low) & (x <= high), g / (x * (1 - x)), beyond),


def frexp(input, *, out=None):
    """Mantissa and exponent: input = mantissa 2^exponent, 1/2 <= |mantissa| < 1.

    >>> import udlfast as torch
    >>> torch.frexp(torch.tensor([6.]))
    udlfast.return_types.frexp(
    mantissa=tensor([0.7500]),
    exponent=tensor([3], dtype=udlfast.int32))
    """
    import numpy
    tensor("frexp", input)
    if not input.dtype.is_floating_point:
        raise DTypeError(f"frexp: expected a floating-point tensor, got {input.dtype}; convert it with .float()")
    narrow = input.dtype.narrow
    m, e = numpy.frexp((input.float() if narrow else input).detach().numpy())
    m, e = (_core.from_numpy(numpy.asarray(v)) for v in (m, e.astype(numpy.int32)))
    m = attach(m.to(input.dtype) if narrow else m, (input,), frexp_backward, saved=(e,))
    y = FrexpResult(m, e)
    return y if out is None else put_out(out, y)


def frexp_backward(node, g):
    """mantissa = input 2^-exponent"""
    return g * exp2(-node.saved[0].to(g.dtype)),


FrexpResult = result("frexp", ("mantissa", "exponent"))


# ---- two inputs ----------------------------------------------------------------------------------------------------------
def _operands(name, input, other, floating):
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        tensor(name, input)
    dtype = _core.result_type(input, other)
    if floating and not dtype.is_floating_point:
        dtype = _core.get_default_dtype()
    return tuple(v.to(dtype) if isinstance(v, Tensor) else _core.full((), v, dtype=dtype) for v in (input, other))


def _two(name, f, rule, sentence, formula, example, result, floating=True, whole=False):
    """An operation of two inputs that broadcast: f(a, b) on plain tensors, rule(g, a, b, y) -> (ga, gb)."""
    def backward(node, g):
        a, b, y = node.saved
        ga, gb = rule(g, a, b, y)
        return (sum_to(ga, tuple(a.shape)) if node.needs(0) else None, sum_to(gb, tuple(b.shape)) if node.needs(1) else None)

    def function(input, other, *, out=None):
        a, b = _operands(name, input, other, floating)
        if whole and a.dtype.is_floating_point:
            raise DTypeError(f"{name}: expected integers, got {a.dtype}")
        y = f(a.detach(), b.detach())
        if rule is not None:
            y = attach(y, (a, b), backward, saved=(a, b, y))
        return y if out is None else put_out(out, y)

    backward.__name__ = name + "_backward"
    return _finish(function, name, sentence, formula, example, result, shape="the broadcast",
                   more="\n        other: a tensor whose shape broadcasts with input's, or a number")


def _by_numpy(name):
    plain = _numpy(name)

    def function(a, b):
        if a.dtype.narrow:
            return plain(a.float(), b.float()).to(a.dtype)
        return plain(a, b).to(a.dtype)
    return function


def _nextafter(a, b):
    if a.dtype.narrow:
        raise DTypeError(f"nextafter: not defined for {a.dtype}")
    return _numpy("nextafter")(a, b)


def _log_sum(a, b):
    m, d = maximum(a, b), abs(a - b)
    return where(m == minimum(a, b), m + math.log(2), m + log1p((-d).exp()))


def _first_wins(wins):
    def rule(g, a, b, y):
        take = wins(a, b) | isnan(b)
        return where(take, g, 0.0), where(take, 0.0, g)
    return rule


def _extreme(pick):
    return lambda a, b: where(isnan(a), b, where(isnan(b), a, pick(a, b)))


def _copysign_rule(g, a, b, y):
    return g * where(a == 0, 0.0, y / where(a == 0, 1.0, a)), g * 0.0


def _share(a, y):
    """e^(a - y), 0 where y is the infinity of the other."""
    return where(a == y, where(abs(a) == math.inf, 1.0, 1.0 + 0 * a), (a - y).exp())


copysign = _two("copysign", _by_numpy("copysign"), _copysign_rule, "The size of one number with the sign of another.",
                "|x_i| or -|x_i|, as y_i is written with a minus or not",
                "torch.copysign(torch.tensor([1., 2.]), torch.tensor([-0., 3.]))", "tensor([-1.,  2.])")
fmax = _two("fmax", _extreme(maximum), _first_wins(lambda a, b: a >= b), "The larger of two; a number wins over NaN.",
            "max(x_i, y_i)", "torch.fmax(torch.tensor([1., float('nan')]), torch.tensor([3., 4.]))", "tensor([3., 4.])",
            floating=False)
fmin = _two("fmin", _extreme(minimum), _first_wins(lambda a, b: a <= b), "The smaller of two; a number wins over NaN.",
            "min(x_i, y_i)", "torch.fmin(torch.tensor([1., float('nan')]), torch.tensor([3., 4.]))", "tensor([1., 4.])",
            floating=False)
logaddexp = _two("logaddexp", _log_sum, lambda g, a, b, y: (g * _share(a, y), g * _share(b, y)),
                 "The logarithm of the sum of exponentials.", "ln(e^x_i + e^y_i)",
                 "torch.logaddexp(torch.tensor([0.]), torch.tensor([0.]))", "tensor([0.6931])")
_LN2 = math.log(2)
logaddexp2 = _two("logaddexp2", lambda a, b: _log_sum(a * _LN2, b * _LN2) * (1 / _LN2),
                  lambda g, a, b, y: (g * exp2(a - y), g * exp2(b - y)), "The logarithm to base 2 of a sum of powers of 2.",
                  "log2(2^x_i + 2^y_i)", "torch.logaddexp2(torch.tensor([0.]), torch.tensor([0.]))", "tensor([1.])")
_step = _two("heaviside", lambda a, b: where(a == 0, b, where(isnan(a), a, (a > 0).to(a.dtype))), None,
             "The step function, with its value at 0.", "0 for x_i < 0, y_i for x_i = 0, 1 for x_i > 0",
             "torch.heaviside(torch.tensor([-1., 0.]), torch.tensor(0.5))", "tensor([0.0000, 0.5000])", floating=False)


def heaviside(input, values, *, out=None):
    return _step(input, values, out=out)


heaviside.__doc__ = _step.__doc__
extend("heaviside", heaviside)
nextafter = _two("nextafter", _nextafter, lambda g, a, b, y: (g, g * 0.0), "The next number of the element type towards another.",
                 "the neighbour of x_i on the way to y_i", "torch.nextafter(torch.tensor([1.]), torch.tensor([2.])) > 1",
                 "tensor([True])")
gcd = _two("gcd", _by_numpy("gcd"), None, "The greatest common divisor of integers.", "gcd(x_i, y_i)",
           "torch.gcd(torch.tensor([12]), torch.tensor([18]))", "tensor([6])", floating=False, whole=True)
lcm = _two("lcm", _by_numpy("lcm"), None, "The least common multiple of integers.", "lcm(x_i, y_i)",
           "torch.lcm(torch.tensor([4]), torch.tensor([6]))", "tensor([12])", floating=False, whole=True)


def ldexp(input, other, *, out=None):
    """A product with a power of two.

    out_i = x_i 2^y_i

    >>> import udlfast as torch
    >>> torch.ldexp(torch.tensor([1.]), torch.tensor([3]))
    tensor([8.])
    """
    tensor("ldexp", input)
    y = input * exp2(other if isinstance(other, Tensor) else _core.full((), other, dtype=_core.get_default_dtype()))
    return y if out is None else put_out(out, y)


def float_power(input, exponent, *, out=None):
    """A power, computed and given in float64.

    out_i = x_i^y_i

    >>> import udlfast as torch
    >>> torch.float_power(torch.tensor([2]), 3).tolist()
    [8.0]
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        tensor("float_power", input)
    a, b = (v.double() if isinstance(v, Tensor) else float(v) for v in (input, exponent))
    y = a ** b
    return y if out is None else put_out(out, y)


def _shift(name, code, sentence, formula, result):
    def function(input, other, *, out=None):
        y = binary_function(code, input, other)
        if y.dtype.is_floating_point or y.dtype is _core.bool_:
            raise DTypeError(f"{name}: expected integers, got {input.dtype if isinstance(input, Tensor) else type(input).__name__}")
        return y if out is None else put_out(out, y)
    return _finish(function, name, sentence, formula, f"torch.{name}(torch.tensor([6]), 1)", result, shape="the broadcast",
                   more="\n        other: a tensor of integers whose shape broadcasts with input's, or a number")


bitwise_left_shift = _shift("bitwise_left_shift", MAP_lshift, "Bits moved to the left.", "x_i 2^y_i", "tensor([12])")
bitwise_right_shift = _shift("bitwise_right_shift", MAP_rshift, "Bits moved to the right.", "floor(x_i / 2^y_i)", "tensor([3])")


def clamp_min(input, min, *, out=None):
    """Every element at least min (a number or a tensor): out_i = max(x_i, min)."""
    y = clamp(input, min=min)
    return y if out is None else put_out(out, y)


def clamp_max(input, max, *, out=None):
    """Every element at most max (a number or a tensor): out_i = min(x_i, max)."""
    y = clamp(input, max=max)
    return y if out is None else put_out(out, y)


def fill(input, value):
    """A tensor like input with every element value; a value that is a tensor gets the sum of the gradients."""
    tensor("fill", input)
    if isinstance(value, Tensor) and value.ndim:
        raise ArgumentError(f"fill: value must be a number or a 0-d tensor, got {list(value.shape)}")
    if not isinstance(value, Tensor):
        value = _core.full((), value, dtype=input.dtype)
    return value.to(input.dtype).expand(input.shape).clone()


for _name, _function in {"positive": positive, "logit": logit, "frexp": frexp, "ldexp": ldexp, "float_power": float_power,
                         "clamp_min": clamp_min, "clamp_max": clamp_max}.items():
    extend(_name, _function)
