"""torch.nn.grad: the gradients of convolutions as functions.

>>> import udlfast as torch
>>> from udlfast.nn import grad
>>> tuple(grad.conv2d_input((1, 2, 5, 5), torch.ones(3, 2, 3, 3), torch.ones(1, 3, 3, 3)).shape)
(1, 2, 5, 5)
"""

from .. import _core
from . import functional as F


def _gradient(n, wanted, shape, other, grad_output, stride, padding, dilation, groups):
    conv = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    value = _core.zeros(tuple(shape), dtype=grad_output.dtype).requires_grad_()
    x, w = (value, other.detach()) if wanted == "input" else (other.detach(), value)
    with _core.enable_grad():
        y = conv(x, w, None, stride, padding, dilation, groups)
    y.backward(grad_output.detach())
    return value.grad


def _make(n, wanted):
    if wanted == "input":
        def function(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
            return _gradient(n, wanted, input_size, weight, grad_output, stride, padding, dilation, groups)
    else:
        def function(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
            return _gradient(n, wanted, weight_size, input, grad_output, stride, padding, dilation, groups)
    function.__name__ = function.__qualname__ = f"conv{n}d_{wanted}"
    function.__doc__ = f"The gradient of conv{n}d with respect to its {wanted}, from that of its output."
    return function


conv1d_input, conv1d_weight = _make(1, "input"), _make(1, "weight")
conv2d_input, conv2d_weight = _make(2, "input"), _make(2, "weight")
conv3d_input, conv3d_weight = _make(3, "input"), _make(3, "weight")
