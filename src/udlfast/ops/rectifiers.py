"""Activations with a parameter and a kernel of their own: gelu, softplus, elu, leaky_relu."""

import math

from .. import _core
from .._core import extend, set_rule, unary
from ..errors import ArgumentError
from .elementwise import _in_place, erf, sigmoid, tanh, where


def gelu(input, approximate="none"):
    """The Gaussian error linear unit.

    out_i = x_i / 2 (1 + erf(x_i / sqrt 2)), or x_i / 2 (1 + tanh(sqrt(2/pi) (x_i + 0.044715 x_i^3))) for "tanh"

    Args:
        input: a floating-point tensor
        approximate: "none" (exact) or "tanh"
    Returns: a tensor of input's shape

    >>> import udlfast as torch
    >>> torch.nn.functional.gelu(torch.tensor([0., 1.]))
    tensor([0.0000, 0.8413])

    Source: Hendrycks and Gimpel 2016.
    """
    if approximate == "none":
        return unary(_core.MAP_gelu, input)
    if approximate == "tanh":
        return unary(_core.MAP_gelu_tanh, input)
    raise ArgumentError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}")


def _gelu_rule(g, x, y, p0, p1):
    cdf = (erf(x * math.sqrt(0.5)) + 1) * 0.5
    return g * (cdf + x * (x * x * -0.5).exp() / math.sqrt(2 * math.pi))


def _gelu_tanh_rule(g, x, y, p0, p1):
    k = math.sqrt(2 / math.pi)
    t = tanh((x + x**3 * 0.044715) * k)
    return g * ((1 + t) * 0.5 + x * 0.5 * (1 - t * t) * (1 + x * x * 0.134145) * k)


def softplus(input, beta=1.0, threshold=20.0):
    """A smooth version of relu.

    out_i = ln(1 + e^(beta x_i)) / beta, and x_i itself where beta x_i > threshold

    Args:
        input: a floating-point tensor
        beta: sharpness
        threshold: from where on the function is linear
    Returns: a tensor of input's shape

    >>> import udlfast as torch
    >>> torch.nn.functional.softplus(torch.tensor([0.]))
    tensor([0.6931])

    Source: Dugas et al. 2001.
    """
    return unary(_core.MAP_softplus, input, beta, threshold)


def elu(input, alpha=1.0, inplace=False):
    """The exponential linear unit.

    out_i = x_i for x_i > 0, else alpha (e^x_i - 1)

    Args:
        input: a floating-point tensor
        alpha: minus the limit to the left
        inplace: write the result into input
    Returns: a tensor of input's shape

    >>> import udlfast as torch
    >>> torch.nn.functional.elu(torch.tensor([1., -1.]))
    tensor([ 1.0000, -0.6321])

    Source: Clevert et al. 2015.
    """
    if inplace:
        return _core.assign(input, elu(_core.snapshot(input, "elu_"), alpha), "elu_")
    return unary(_core.MAP_elu, input, alpha)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """The rectified linear unit with a slope to the left.

    out_i = x_i for x_i > 0, else negative_slope x_i

    Args:
        input: a floating-point tensor
        negative_slope: slope for negative values
        inplace: write the result into input
    Returns: a tensor of input's shape

    >>> import udlfast as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([1., -1.]))
    tensor([ 1.0000, -0.0100])

    Source: Understanding Deep Learning, chapter 3.
    """
    if inplace:
        return _core.assign(input, leaky_relu(_core.snapshot(input, "leaky_relu_"), negative_slope), "leaky_relu_")
    return unary(_core.MAP_leaky_relu, input, negative_slope)


def _softplus_rule(g, x, y, p0, p1):
    return g * where(x * p0 > p1, _core.ones_like(x), sigmoid(x * p0))


set_rule(_core.MAP_gelu, _gelu_rule)
set_rule(_core.MAP_gelu_tanh, _gelu_tanh_rule)
set_rule(_core.MAP_softplus, _softplus_rule)
set_rule(_core.MAP_elu, lambda g, x, y, p0, p1: g * where(x > 0, _core.ones_like(x), x.exp() * p0))
set_rule(_core.MAP_leaky_relu, lambda g, x, y, p0, p1: g * where(x > 0, _core.ones_like(x), _core.full_like(x, p0)))


for _function in (leaky_relu, elu):
    extend(_function.__name__ + "_", _in_place(_function, _function.__name__ + "_"))
