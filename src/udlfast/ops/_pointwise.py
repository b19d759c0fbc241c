"""Losses that are one fused kernel, element by element, with the reduction and the gradient rule in the same entry of
the tape."""
from .. import _core
from .._core import attach, ew2, ew3, is_grad_enabled
from ._common import reduced


def pointwise(name, input, target, parameter, reduction):
    """The fused kernel `name` of two tensors of one shape and type, reduced."""
    loss = ew2(getattr(_core, "MAP_" + name), input.detach(), target.detach(), parameter)
    scale = 1.0 / (loss.numel() or 1) if reduction == "mean" else 1.0
    return attach(reduced(loss, reduction), (input, target), pointwise_backward, saved=(input, target),
                  args=(name, parameter, scale))


def pointwise_backward(node, g):
    """The gradient kernel of a loss takes (g, input, target); g is one number for a reduced loss."""
    x, t = node.saved
    name, parameter, scale = node.args
    if scale != 1.0:
        g = g * scale
    if is_grad_enabled():  # under create_graph: from differentiable parts
        gx = g * SLOPE[name](x, t, parameter)
    else:
        gx = ew3(getattr(_core, f"MAP_{name}_backward"), g, x, t, 0.0, parameter)
    if not node.needs(1):
        return gx, None
    if name == "bce":
        gt = g * ((1 - x).log().clamp(min=-100.0) - x.log().clamp(min=-100.0))
    elif name == "bce_with_logits":
        gt = -g * x
    else:
        gt = -gx
    return gx if node.needs(0) else None, gt


# d loss / d input for each kernel
SLOPE = {
    "mse": lambda x, t, _: 2.0 * (x - t),
    "l1": lambda x, t, _: (x - t).sign(),
    "huber": lambda x, t, delta: (x - t).clamp(-delta, delta),
    "smooth_l1": lambda x, t, beta: ((x - t) / beta).clamp(-1.0, 1.0),
    "bce": lambda x, t, _: (x - t) / (x * (1.0 - x)).clamp(min=1e-12),
    "bce_with_logits": lambda x, t, _: x.sigmoid() - t,
}
