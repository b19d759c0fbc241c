"""Activation functions that are composed of others, or have a parameter that learns."""

from math import inf

from .. import _core
from .._core import (
    MAP_clamp,
    MAP_clamp_backward,
    MAP_glu,
    MAP_glu_backward,
    MAP_hardtanh_backward,
    MAP_leaky_relu,
    MAP_leaky_relu_backward,
    MAP_prelu,
    MAP_prelu_backward,
    MAP_prelu_weight_backward,
    attach,
    ew1,
    ew2,
    ew3,
    extend,
    is_grad_enabled,
)
from ..errors import ArgumentError, ShapeError
from ._common import axis_of, floating, same_type
from .elementwise import expm1, relu, sum_to, tanh, where
from .joining import cat
from .rectifiers import elu
from .softmax import softmax


def selu(input, inplace=False):
    """The exponential linear unit scaled so that activations keep mean 0 and variance 1.

    y = s elu(x, a) with s = 1.0507009873554805, a = 1.6732632423543772

    Args:
        input: any shape, floating point
        inplace: write the result into input
    Returns: the shape of input
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.selu(torch.tensor([0., 1.]))
    tensor([0.0000, 1.0507])

    Source: Klambauer et al. 2017.
    """
    floating("selu", input)
    x = _core.snapshot(input, "in place") if inplace else input
    return _into(input, elu(x, 1.6732632423543772) * 1.0507009873554805, inplace)


def celu(input, alpha=1.0, inplace=False):
    """The continuously differentiable exponential linear unit.

    y = max(0, x) + min(0, alpha (exp(x / alpha) - 1))

    Args:
        input: any shape, floating point
        alpha: not zero
        inplace: write the result into input
    Returns: the shape of input
    Raises: DTypeError, ArgumentError for alpha 0

    >>> import udlfast as torch
    >>> torch.nn.functional.celu(torch.tensor([0., 1.])).tolist()
    [0.0, 1.0]

    Source: Barron 2017.
    """
    floating("celu", input)
    if alpha == 0:
        raise ArgumentError("celu: alpha must not be zero")
    if alpha == 1:
        return elu(input, 1.0, inplace)
    x = _core.snapshot(input, "in place") if inplace else input
    return _into(input, relu(x) + expm1(-relu(-x) / alpha) * alpha, inplace)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """The identity between two limits, constant outside.

    y = min(max(x, min_val), max_val); the gradient is 0 at the limits

    Args:
        input: any shape, floating point
        min_val, max_val: the limits
        inplace: write the result into input
    Returns: the shape of input
    Raises: DTypeError, ArgumentError for limits out of order

    >>> import udlfast as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3., 0.5, 3.])).tolist()
    [-1.0, 0.5, 1.0]

    Source: Collobert 2004.
    """
    floating("hardtanh", input)
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val {min_val} is larger than max_val {max_val}")
    x = _core.snapshot(input, "in place") if inplace else input
    return _into(input, _limited(x, min_val, max_val), inplace)


def relu6(input, inplace=False):
    """The rectified linear unit with an upper limit.

    y = min(max(x, 0), 6); the gradient is 0 at the limits

    Args:
        input: any shape, floating point
        inplace: write the result into input
    Returns: the shape of input
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.relu6(torch.tensor([-3., 3., 9.])).tolist()
    [0.0, 3.0, 6.0]

    Source: Krizhevsky 2010.
    """
    floating("relu6", input)
    x = _core.snapshot(input, "in place") if inplace else input
    return _into(input, _limited(x, 0.0, 6.0), inplace)


def _limited(x, low, high):
    y = ew1(MAP_clamp, x.detach(), low, high)
    return attach(y, (x,), hardtanh_backward, saved=(y,), args=(low, high))


def hardtanh_backward(node, g):
    """gx = 0 where y is at one of the limits, else g, also for NaN"""
    y, (low, high) = node.saved[0], node.args
    if is_grad_enabled():
        return g * (~((y <= low) | (y >= high))).to(g.dtype),
    return ew2(MAP_hardtanh_backward, g, y, low, high),


def threshold(input, threshold, value, inplace=False):
    """The input where it exceeds a threshold, a constant elsewhere.

    y = x for x > threshold, else value

    Args:
        input: any shape
        threshold, value: numbers
        inplace: write the result into input
    Returns: the shape of input
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.threshold(torch.tensor([1., 3.]), 2., 0.).tolist()
    [0.0, 3.0]
    """
    x = _core.snapshot(input, "in place") if inplace else input
    return _into(input, where(x <= threshold, _core.full((), value, dtype=input.dtype), x), inplace)


def hardshrink(input, lambd=0.5):
    """Zero near zero, the input elsewhere.

    y = x for |x| > lambd, else 0

    Args:
        input: any shape, floating point
        lambd: the limit
    Returns: the shape of input
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.hardshrink(torch.tensor([0.25, 3.])).tolist()
    [0.0, 3.0]
    """
    floating("hardshrink", input)
    x = input.detach()
    y = x - ew2(MAP_clamp_backward, x, x, -lambd, lambd) if abs(lambd) < inf else where((x >= -lambd) & (x <= lambd), 0.0, x)
    return attach(y, (input,), hardshrink_backward, saved=(input,), args=(lambd,))


def hardshrink_backward(node, g):
    """g where the input came through, 0 for NaN as PyTorch has it"""
    x, lambd = node.saved[0], node.args[0]
    return where((x > lambd) | (x < -lambd), g, 0.0),


def softshrink(input, lambd=0.5):
    """The input moved towards zero by lambd, but not past it.

    y = x - lambd for x > lambd, x + lambd for x < -lambd, else 0

    Args:
        input: any shape, floating point
        lambd: not negative
    Returns: the shape of input
    Raises: DTypeError, ArgumentError for a negative lambd

    >>> import udlfast as torch
    >>> torch.nn.functional.softshrink(torch.tensor([0.25, 3.])).tolist()
    [0.0, 2.5]
    """
    floating("softshrink", input)
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambd must not be negative, got {lambd}")
    return input - input.clamp(-lambd, lambd)


def tanhshrink(input):
    """The input less its hyperbolic tangent.

    y = x - tanh(x)

    Args:
        input: any shape, floating point
    Returns: the shape of input
    Raises: DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.tanhshrink(torch.tensor([0.])).tolist()
    [0.0]
    """
    floating("tanhshrink", input)
    return input - tanh(input)


def glu(input, dim=-1):
    """The gated linear unit: one half of the input lets the other half through.

    y = a sigmoid(b), where a and b are the halves of the input along dim

    Args:
        input: an even size along dim, floating point
        dim: the dimension to halve
    Returns: half the size along dim
    Raises: ShapeError for an odd size, DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.glu(torch.tensor([3., 0.])).tolist()
    [1.5]

    Source: Dauphin et al. 2017.
    """
    floating("glu", input)
    if input.ndim == 0:
        raise ShapeError("glu: expected at least one dimension to halve, got a number")
    dim = axis_of("glu", dim, input.ndim)
    n = input.shape[dim]
    if n % 2:
        raise ShapeError(f"glu: dimension {dim} of input {list(input.shape)} must have an even size, got {n}")
    a, b = _halves(input.detach(), dim)
    return attach(ew2(MAP_glu, a, b), (input,), glu_backward, saved=(input,), args=(dim,))


def _halves(x, dim):
    n = x.shape[dim] // 2
    return x.narrow(dim, 0, n), x.narrow(dim, n, n)


def glu_backward(node, g):
    """ga = g s, gb = g a s (1 - s), with s = sigmoid(b)"""
    a, b = _halves(node.saved[0], node.args[0])
    if is_grad_enabled():
        s = b.sigmoid()
        return (cat([g * s, g * a * s * (1 - s)], node.args[0]),)
    return (cat([ew2(MAP_glu, g, b), ew3(MAP_glu_backward, g, a, b)], node.args[0]),)


def prelu(input, weight):
    """The rectified linear unit with a slope to the left that learns.

    y = x for x > 0, else weight x, with one weight for all or one for each channel

    Args:
        input: [N, C, *] (any shape for one weight), floating point
        weight: [1], [] or [C]
    Returns: the shape of input
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.prelu(torch.tensor([-4., 1.]), torch.tensor(0.25)).tolist()
    [-1.0, 1.0]

    Source: He et al. 2015.
    """
    floating("prelu", input)
    same_type("prelu", input, weight, "weight")
    n = weight.numel()
    if weight.ndim > 1 or n != 1 and (input.ndim < 2 or input.shape[1] != n):
        channels = input.shape[1] if input.ndim > 1 else 1
        raise ShapeError(f"prelu: expected weight [1] or [{channels}] for input {list(input.shape)}, got "
                         f"{list(weight.shape)}")
    if n == 1:
        weight = weight.reshape(()) if input.ndim == 0 else weight.reshape((1,) * input.ndim)
    else:
        weight = weight.reshape(1, n, *(1,) * (input.ndim - 2))
    x, w = input.detach(), weight.detach()
    y = ew1(MAP_leaky_relu, x, w.item()) if n == 1 and _core.at_hand() else ew2(MAP_prelu, x, w)
    return attach(y, (input, weight), prelu_backward, saved=(input, weight))


def prelu_backward(node, g):
    """gx = g for x > 0, else w g; gw = sum of g x where x <= 0"""
    x, w = node.saved
    if is_grad_enabled():
        right = x > 0
        return (where(right, g, w * g) if node.needs(0) else None,
                sum_to(where(right, 0.0, g * x), tuple(w.shape)) if node.needs(1) else None)
    gx = None
    if node.needs(0):
        gx = ew2(MAP_leaky_relu_backward, g, x, w.item()) if w.numel() == 1 and _core.at_hand() else ew3(MAP_prelu_backward, g, x, w)
    return gx, sum_to(ew2(MAP_prelu_weight_backward, g, x), tuple(w.shape)) if node.needs(1) else None


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """The rectified linear unit with a random slope to the left.

    y = x for x >= 0, else a x, with a drawn from [lower, upper) for each element, or their mean when not training

    Args:
        input: any shape, floating point
        lower, upper: bounds of the slope
        training: draw slopes
        inplace: write the result into input
    Returns: the shape of input
    Raises: DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.rrelu(torch.tensor([1., -1.]), 0.25, 0.75).tolist()
    [1.0, -0.5]

    Source: Xu et al. 2015.
    """
    floating("rrelu", input)
    if lower > upper:
        raise ArgumentError(f"rrelu: lower {lower} is larger than upper {upper}")
    if training:
        slope = _core.empty_like(input.detach()).uniform_(lower, upper)
    else:
        slope = (lower + upper) / 2
    x = _core.snapshot(input, "in place") if inplace else input
    return _into(input, where(x >= 0, x, x * slope), inplace)


def gumbel_softmax(logits, tau=1.0, hard=False, eps=1e-10, dim=-1):
    """A draw from the classes whose log-probabilities are the logits, as a differentiable vector.

    y = softmax((logits + g) / tau) with g = -log(-log u), u uniform

    Args:
        logits: any shape, floating point
        tau: temperature; small = nearly one-hot
        hard: give a one-hot vector, with the gradient of the soft one
        eps: accepted for compatibility
        dim: the dimension of the classes
    Returns: the shape of logits
    Raises: DTypeError, DimError

    >>> import udlfast as torch
    >>> torch.nn.functional.gumbel_softmax(torch.zeros(3), hard=True).sum().item()
    1.0

    Source: Jang, Gu and Poole 2017.
    """
    floating("gumbel_softmax", logits, "logits")
    dim = axis_of("gumbel_softmax", dim, logits.ndim)
    noise = -_core.empty_like(logits.detach()).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    best = soft.detach().argmax(dim, True)
    one_hot = _core.zeros_like(soft.detach()).scatter(dim, best, 1.0)
    return one_hot - soft.detach() + soft


def _into(input, result, inplace):
    return _core.assign(input, result, "in place") if inplace else result
extend("hardshrink", hardshrink)
extend("prelu", prelu)
