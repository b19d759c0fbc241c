"""Casts of whole modules, and their gradients."""

from .. import _core
from .._core import Tensor, no_grad
from ..device import check_device
from .parameter import Parameter


def dtype(name):
    """The dtype of that name."""
    return getattr(_core, name)


def parse_to(args, kwargs):
    """(dtype, device) asked for by Module.to(dtype | device | device, dtype | tensor), each or None."""
    wanted, where = kwargs.get("dtype"), kwargs.get("device")
    for arg in args[:2]:
        if isinstance(arg, Tensor):
            wanted, where = arg.dtype, arg.device
        elif hasattr(arg, "is_floating_point"):
            wanted = arg
        elif arg is not None and not isinstance(arg, bool):
            where = arg
    if wanted is not None and not wanted.is_floating_point:
        raise TypeError(f"nn.Module.to only accepts floating point dtypes, got {wanted}")
    return wanted, None if where is None else check_device(where)


def apply_to_tensors(module, fn, recurse=True):
    """fn on every parameter, its gradient, and every buffer; parameters stay the same objects."""
    with no_grad():
        for owner in module.modules() if recurse else (module,):
            values = owner.__dict__
            for name, kind in owner._kinds.items():
                value = values[name]
                if value is None or kind == "module":
                    continue
                if isinstance(value, Parameter):
                    _apply_to_parameter(value, fn)
                else:
                    values[name] = fn(value)
    return module


def _apply_to_parameter(parameter, fn):
    grad = parameter.grad
    data = fn(parameter.detach())
    parameter.grad = None  # a gradient must have its parameter's dtype at every moment
    parameter.data = data
    if grad is not None:
        parameter.grad = fn(grad)


def is_elsewhere(module):
    """Is a parameter or buffer not on the CPU?"""
    return any(t.is_cuda for tensors in (module.parameters(), module.buffers()) for t in tensors)


def zero_grad(parameters, set_to_none):
    """Module.zero_grad and Optimizer.zero_grad."""
    if set_to_none:
        for p in parameters:
            p.grad = None
        return
    with no_grad():
        for p in parameters:
            grad = p.grad
            if grad is not None:
                if grad.grad_fn is not None:
                    grad.detach_()
                elif grad.requires_grad:
                    grad.requires_grad_(False)
                grad.zero_()
