"""Sums of a tensor and a scaled difference, product or quotient, in one pass over memory."""
from .._core import MAP_addcdiv, MAP_addcmul, MAP_lerp, Tensor, attach, ew3, extend, is_grad_enabled, put_out
from .elementwise import sum_to


def lerp(input, end, weight, *, out=None):
    """The point between two tensors.

    out_i = input_i + weight_i (end_i - input_i)

    Args:
        input, end: tensors whose shapes broadcast
        weight: a number or a tensor
    Returns: a tensor of the broadcast shape

    >>> import udlfast as torch
    >>> torch.lerp(torch.tensor([0.]), torch.tensor([10.]), 0.3)
    tensor([3.])

    Source: elementary.
    """
    if _alike(input, end) and (not isinstance(weight, Tensor) or _alike(input, weight)):
        w, p = (weight.detach(), 0.0) if isinstance(weight, Tensor) else (None, float(weight))
        y = ew3(MAP_lerp, input.detach(), end.detach(), w, p)
        if is_grad_enabled():
            y = attach(y, (input, end, weight if w is not None else None), lerp_backward, saved=(input, end, w), args=(p,))
    else:
        y = input + (end - input) * weight
    return y if out is None else put_out(out, y)


def lerp_backward(node, g):
    """The weights, and the way from one to the other."""
    a, b, w = node.saved
    p = node.args[0] if w is None else w
    return (sum_to(g * (1 - p), a.shape) if node.needs(0) else None, sum_to(g * p, b.shape) if node.needs(1) else None,
            sum_to(g * (b - a), w.shape) if w is not None and node.needs(2) else None)


def _alike(a, b):
    """Are both tensors of one floating-point type?"""
    return isinstance(a, Tensor) and isinstance(b, Tensor) and a.dtype is b.dtype and a.dtype.is_floating_point


def addcmul(input, tensor1, tensor2, old=None, *, value=1, out=None):
    """A tensor plus a scaled product: out_i = input_i + value tensor1_i tensor2_i. An older form has the value in front."""
    if old is not None:
        value, tensor1, tensor2 = tensor1, tensor2, old
    if _alike(input, tensor1) and _alike(input, tensor2) and not isinstance(value, Tensor):
        y = ew3(MAP_addcmul, input.detach(), tensor1.detach(), tensor2.detach(), 0.0, float(value))
        if is_grad_enabled():
            y = attach(y, (input, tensor1, tensor2), addcmul_backward, saved=(tensor1, tensor2), args=(value, input.shape))
    else:
        y = input + tensor1 * tensor2 * value
    return y if out is None else put_out(out, y)


def addcmul_backward(node, g):
    """The rule of a product."""
    a, b = node.saved
    value, shape = node.args
    return (sum_to(g, shape) if node.needs(0) else None, sum_to(g * b * value, a.shape) if node.needs(1) else None,
            sum_to(g * a * value, b.shape) if node.needs(2) else None)


def addcdiv(input, tensor1, tensor2, old=None, *, value=1, out=None):
    """A tensor plus a scaled quotient: out_i = input_i + value tensor1_i / tensor2_i. An older form has the value in front."""
    if old is not None:
        value, tensor1, tensor2 = tensor1, tensor2, old
    if _alike(input, tensor1) and _alike(input, tensor2) and not isinstance(value, Tensor):
        y = ew3(MAP_addcdiv, input.detach(), tensor1.detach(), tensor2.detach(), 0.0, float(value))
        if is_grad_enabled():
            y = attach(y, (input, tensor1, tensor2), addcdiv_backward, saved=(tensor1, tensor2), args=(value, input.shape))
    else:
        y = input + tensor1 / tensor2 * value
    return y if out is None else put_out(out, y)


def addcdiv_backward(node, g):
    """The rule of a quotient."""
    a, b = node.saved
    value, shape = node.args
    return (sum_to(g, shape) if node.needs(0) else None, sum_to(g / b * value, a.shape) if node.needs(1) else None,
            sum_to(g * a * -value / (b * b), b.shape) if node.needs(2) else None)


extend("lerp", lerp)
extend("addcmul", addcmul)
extend("addcdiv", addcdiv)
