"""How NumPy functions become operations, and the functions of torch.special that have no name at torch level."""
import importlib
import math

from .. import _core
from .._core import Tensor, attach, put_out
from ..errors import GradError
from ._common import tensor
from .elementwise import exp, log, sum_to, where

_DOC = """{sentence}

    out_i = {formula}

    Args:
        {more}
    Returns: a tensor of the inputs' (broadcast) shape, in their floating-point type
    Raises: DTypeError if an argument is no tensor

    >>> import udlfast as torch
    >>> {example}
    {result}

    Source: {source}.
    """


class missing:
    """In place of the gradient of one input: it is not offered, and asking for it says so."""

    def __init__(self, op, name):
        self.text = f"{op}: the gradient with respect to {name} is not implemented; detach it"


def _as_double(x):
    import numpy
    return numpy.asarray(x.detach().to(_core.float64).numpy() if isinstance(x, Tensor) else float(x))


def numeric(name, rule, sentence="", formula="", example="", result="", source="", *, n=1, f=None, bessel=False, more=None):
    """The operation of a float64 NumPy function of n arrays, with a gradient rule rule(g, *inputs, y) or None.

    The function is f, or `name` in _special_numeric.py (_special_bessel.py): loaded at the first call."""
    found = [f]

    def compute(inputs, dtype):
        import numpy
        if found[0] is None:
            file = importlib.import_module("._special_bessel" if bessel else "._special_numeric", __package__)
            found[0] = getattr(file, name)
        with numpy.errstate(all="ignore"):
            y = found[0](*(_as_double(x) for x in inputs))
        return _core.from_numpy(numpy.array(y, dtype=numpy.float64, order="C")).to(dtype)

    def backward(node, g):
        *inputs, y = node.saved
        numbers = node.args
        full = [t if t is not None else c for t, c in zip(inputs, numbers)]
        grads = rule(g, *full, y)
        grads = grads if isinstance(grads, tuple) else (grads,)
        for i, gi in enumerate(grads):
            if isinstance(gi, missing) and node.needs(i):
                raise GradError(gi.text)
        return tuple(sum_to(gi, tuple(t.shape)) if node.needs(i) and not isinstance(gi, missing) else None
                     for i, (gi, t) in enumerate(zip(grads, inputs)))

    backward.__name__ = name + "_backward"

    def function(*inputs, out=None, **named):
        if named:
            inputs = (*inputs, *(named.pop(k) for k in ("input", "other")[:n] if k in named))
        if len(inputs) != n or named:
            raise TypeError(f"{name}: expected {n} argument{'s' * (n > 1)}, got {len(inputs)}")
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        if not tensors:
            tensor(name, inputs[0])
        dtype = _core.result_type(*inputs) if n == 2 else inputs[0].dtype
        dtype = dtype if dtype.is_floating_point else _core.get_default_dtype()
        y = compute(inputs, dtype)
        if rule is None:
            if _core.is_grad_enabled() and any(t.requires_grad for t in tensors):
                y = attach(y, tuple(tensors), _refuse, args=(name,))
        else:
            kept = tuple(x if isinstance(x, Tensor) else None for x in inputs)
            y = attach(y, kept, backward, saved=(*kept, y), args=inputs if len(tensors) < n else (None,) * n)
        return y if out is None else put_out(out, y)

    function.__name__ = function.__qualname__ = name
    if sentence:
        import sys
        function.__module__ = sys._getframe(1).f_globals["__name__"]
        function.__doc__ = _DOC.format(sentence=sentence, formula=formula, example=example, result=result, source=source,
                                       more=more or "input: a tensor of any shape")
    return function


def _refuse(node, g):
    raise GradError(f"{node.args[0]}: the derivative is not implemented")


def exp_minus_square(x, sign=1.0):
    """e^(-sign x^2)"""
    return exp(x * x * -sign)


_ROOT_PI = math.sqrt(math.pi)
_ROOT_2_PI = math.sqrt(2 * math.pi)
_DLMF = "Olver et al. 2010, "


def _quotient_at_0(y, x):
    """y / x, and 1/2 at x = 0: of i1 and i1e there."""
    zero = x == 0
    return where(zero, 0.5 + 0 * x, y / where(zero, 1.0 + 0 * x, x))


erfcx = numeric("erfcx", lambda g, x, y: g * (2 * x * y - 2 / _ROOT_PI), "The scaled complementary error function.",
                "e^(x_i^2) erfc(x_i)", "torch.special.erfcx(torch.tensor([0.]))", "tensor([1.])", _DLMF + "7.2")
ndtr = numeric("ndtr", lambda g, x, y: g * exp(x * x * -0.5) / _ROOT_2_PI, "The distribution function of the normal law.",
               "erfc(-x_i / sqrt 2) / 2", "torch.special.ndtr(torch.tensor([0.]))", "tensor([0.5000])", _DLMF + "7.18")
ndtri = numeric("ndtri", lambda g, x, y: g * exp(y * y * 0.5) * _ROOT_2_PI, "The quantile function of the normal law.",
                "y with ndtr(y) = x_i", "torch.special.ndtri(torch.tensor([0.5]))", "tensor([0.])", "Newton's method")
log_ndtr = numeric("log_ndtr", lambda g, x, y: g * math.sqrt(2 / math.pi) / erfcx(x * -math.sqrt(0.5)), "The logarithm of ndtr.",
                   "ln ndtr(x_i)", "torch.special.log_ndtr(torch.tensor([0.]))", "tensor([-0.6931])", _DLMF + "7.18")
i0e = numeric("i0e", lambda g, x, y: g * (i1e(x) - x.sign() * y), "The scaled modified Bessel function, order 0.",
              "e^-|x_i| I_0(x_i)", "torch.special.i0e(torch.tensor([0.]))", "tensor([1.])", _DLMF + "10.25", bessel=True)
i1 = numeric("i1", lambda g, x, y: g * (_i0(x) - _quotient_at_0(y, x)), "The modified Bessel function, order 1.",
             "I_1(x_i)", "torch.special.i1(torch.tensor([0.]))", "tensor([0.])", _DLMF + "10.25", bessel=True)
i1e = numeric("i1e", lambda g, x, y: g * (i0e(x) - y * x.sign() - _quotient_at_0(y, x)),
              "The scaled modified Bessel function, order 1.", "e^-|x_i| I_1(x_i)", "torch.special.i1e(torch.tensor([0.]))",
              "tensor([0.])", _DLMF + "10.25", bessel=True)
zeta = numeric("zeta", lambda g, s, q, y: (missing("zeta", "input (the first argument)"), g * -s * zeta(s + 1, q)),
               "The zeta function of Hurwitz.", "sum over k >= 0 of (q_i + k)^-s_i",
               "torch.special.zeta(torch.tensor([2.]), torch.tensor([1.]))", "tensor([1.6449])", _DLMF + "25.11", n=2,
               more="input: s, above 1\n        other: q, a tensor or a number")


def _i0(x):
    from .special_functions import i0
    return i0(x)


def entr(input, *, out=None):
    """The terms of an entropy: -x ln x, 0 at 0 and -inf below.

    >>> import udlfast as torch
    >>> torch.special.entr(torch.tensor([0., 1., -1.]))
    tensor([0., -0., -inf])
    """
    tensor("entr", input)
    x = input if input.dtype.is_floating_point else input.to(_core.get_default_dtype())
    positive = x > 0
    y = where(positive, -x * log(where(positive, x, 1.0 + 0 * x)), where(x < 0, -math.inf, 0.0))
    y = where(x != x, x, y)
    return y if out is None else put_out(out, y)


def xlog1py(input, other, *, out=None):
    """x ln(1 + y), and 0 where x is 0 unless y is NaN.

    >>> import udlfast as torch
    >>> torch.special.xlog1py(torch.tensor([0., 1.]), torch.tensor([-1., 0.]))
    tensor([0., 0.])
    """
    x, y = input, other
    tensor("xlog1py", x if isinstance(x, Tensor) or not isinstance(y, Tensor) else y)
    dtype = _core.result_type(x, y)
    dtype = dtype if dtype.is_floating_point else _core.get_default_dtype()
    x, y = (v.to(dtype) if isinstance(v, Tensor) else _core.full((), v, dtype=dtype) for v in (x, y))
    zero = (x == 0) & ((y <= -1) | (y == math.inf))
    r = where(zero, x * x, x * where(zero, 0 * x, y).log1p())
    return r if out is None else put_out(out, r)


def expit(input, *, out=None):
    """The logistic function; see udlfast.sigmoid."""
    tensor("expit", input)
    y = input.sigmoid()
    return y if out is None else put_out(out, y)


# ---- functions without a gradient ------------------------------------------------------------------------------------------
_BESSEL = {
    "airy_ai": ("airy_ai", "Ai"), "bessel_j0": ("j0", "J_0"), "bessel_j1": ("j1", "J_1"), "bessel_y0": ("y0", "Y_0"),
    "bessel_y1": ("y1", "Y_1"), "modified_bessel_i0": ("i0", "I_0"), "modified_bessel_i1": ("i1", "I_1"),
    "modified_bessel_k0": ("k0", "K_0"), "modified_bessel_k1": ("k1", "K_1"), "scaled_modified_bessel_k0": ("k0e", "e^x K_0"),
    "scaled_modified_bessel_k1": ("k1e", "e^x K_1"), "spherical_bessel_j0": ("spherical_j0", "sin(x) / x, j_0"),
}  # fmt: skip


def _lazy(name, *args):
    def f(*inputs, **named):
        from . import _special_bessel
        found = getattr(_special_bessel, name)
        return (found(*args) if args else found)(*inputs, **named)
    return f


POLYNOMIALS = [s + f"chebyshev_polynomial_{k}" for s in ("", "shifted_") for k in "tuvw"] + [
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"]
NO_GRADIENT = {name: numeric(name, None, f"The function {sign} of each element.", f"{sign}(x_i)",
                             f"torch.special.{name}(torch.tensor([1.])).shape", "udlfast.Size([1])", "Olver et al. 2010",
                             f=_lazy(inner)) for name, (inner, sign) in _BESSEL.items()}
for _name in POLYNOMIALS:
    NO_GRADIENT[_name] = numeric(_name, None, f"The {_name.replace('_', ' ')} of degree n.", "p_n(x_i)",
                                 f"torch.special.{_name}(torch.tensor([1.]), 0)", "tensor([1.])", "Olver et al. 2010, 18.9", n=2,
                                 f=_lazy("polynomial", _name),
                                 more="input: a tensor of any shape\n        n: the degree, a number or a tensor")
