"""Special functions at torch and Tensor level: float64 NumPy inside (_special_numeric.py), gradients from other operations."""
import math

from .. import _core
from .._core import Tensor, extend, put_out
from ..errors import ArgumentError
from ._common import whole
from ._special import exp_minus_square, missing, numeric
from .elementwise import exp, lgamma, log

erfinv = numeric("erfinv", lambda g, x, y: g * (math.sqrt(math.pi) / 2) * exp_minus_square(y, -1.0),
                 "The inverse of the error function.", "y with erf(y) = x_i, for -1 < x_i < 1",
                 "torch.erfinv(torch.tensor([0., 1.]))", "tensor([0., inf])", "Chebyshev series")
digamma = numeric("digamma", lambda g, x, y: g * polygamma(1, x), "The derivative of lgamma.", "d/dx ln |Gamma(x_i)|",
                  "torch.digamma(torch.tensor([1.]))", "tensor([-0.5772])", "Olver et al. 2010, 5.11")
i0 = numeric("i0", lambda g, x, y: g * _i1()(x), "The modified Bessel function of the first kind, order 0.", "I_0(x_i)",
             "torch.i0(torch.tensor([0.]))", "tensor([1.])", "Olver et al. 2010, 10.25", bessel=True)


def _i1():
    from ._special import i1
    return i1


def polygamma(n, input, *, out=None):
    """The n-th derivative of digamma.

    out_i = d^n/dx^n digamma(x_i)

    Args:
        n: which derivative, not negative
        input: a tensor of any shape
    Returns: a tensor of input's shape
    Raises: ArgumentError for a negative n

    >>> import udlfast as torch
    >>> torch.polygamma(1, torch.tensor([1.]))
    tensor([1.6449])

    Source: Olver et al. 2010, 5.15.
    """
    if isinstance(n, Tensor) and isinstance(input, int):
        n, input = input, n
    n = whole("polygamma", "n", n, low=-(2**62))
    if n < 0:
        raise ArgumentError(f"polygamma: polygamma(n, x) does not support negative n, got {n}")
    if n == 0:
        return digamma(input, out=out)
    from . import _special_numeric
    f = numeric("polygamma", lambda g, x, y: g * polygamma(n + 1, x), f=lambda x: _special_numeric.polygamma(n, x))
    return f(input, out=out)


_BOTH = "input: a >= 0, any shape\n        other: x >= 0, whose shape broadcasts with a's"


def _gamma_density(g, a, x):
    """The derivative by x of P(a, x); that by a is not offered, as in PyTorch."""
    return missing("igamma", "input (the first argument)"), g * exp((a - 1) * log(x) - x - lgamma(a))


igamma = numeric("igamma", lambda g, a, x, y: _gamma_density(g, a, x), "The regularised lower incomplete gamma function.",
                 "1 / Gamma(a) integral from 0 to x of t^(a-1) e^-t dt", "torch.igamma(torch.tensor([1.]), torch.tensor([0.]))",
                 "tensor([0.])", "Olver et al. 2010, 8.2", n=2, f=lambda a, x: _numeric().gamma_parts(a, x)[0], more=_BOTH)
igammac = numeric("igammac", lambda g, a, x, y: _gamma_density(-g, a, x), "The regularised upper incomplete gamma function.",
                  "1 / Gamma(a) integral from x to infinity of t^(a-1) e^-t dt",
                  "torch.igammac(torch.tensor([1.]), torch.tensor([0.]))", "tensor([1.])", "Olver et al. 2010, 8.2", n=2,
                  f=lambda a, x: _numeric().gamma_parts(a, x)[1], more=_BOTH)


def _numeric():
    from . import _special_numeric
    return _special_numeric


def mvlgamma(input, p, *, out=None):
    """The logarithm of the multivariate gamma function of dimension p.

    out_i = p (p - 1) / 4 ln(pi) + sum over j = 1..p of lgamma(x_i + (1 - j) / 2)

    Args:
        input: elements above (p - 1) / 2
        p: the dimension, 1 to 100,000
    Returns: a tensor of input's shape
    Raises: ArgumentError for p outside of that

    >>> import udlfast as torch
    >>> torch.mvlgamma(torch.tensor([2.]), 2)
    tensor([0.4516])

    Source: Olver et al. 2010, 35.3.
    """
    p = whole("mvlgamma", "p", p, low=1, high=100_000)
    x = input if input.dtype.is_floating_point else input.to(_core.get_default_dtype())
    y = lgamma(x)
    for j in range(1, p):
        y = y + lgamma(x - 0.5 * j)
    y = y + p * (p - 1) / 4 * math.log(math.pi)
    return y if out is None else put_out(out, y)


def _in_place(name, function):
    def method(self, *args):
        return _core.assign(self, function(_core.snapshot(self, name, args), *args), name)

    method.__name__, method.__doc__ = name, f"{function.__name__}, stored in this tensor; see udlfast.{function.__name__}."
    return method


def _of_order(self, n):
    return polygamma(n, self)


for _name, _function in {"erfinv": erfinv, "digamma": digamma, "i0": i0, "igamma": igamma, "igammac": igammac,
                         "mvlgamma": mvlgamma, "polygamma": _of_order}.items():
    extend(_name, _function)
    extend(_name + "_", _in_place(_name + "_", _function))
extend("lgamma_", _in_place("lgamma_", lgamma))
