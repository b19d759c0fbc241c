"""Automatic differentiation: gradients, recording modes, and functions with gradients of their own."""

from .._core import Tensor, backward, grad, is_grad_enabled
from .._modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from .anomaly import detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly
from .function import Function

__all__ = ["Function", "Tensor", "Variable", "backward", "detect_anomaly", "enable_grad", "forward_ad", "function", "functional",
           "grad", "grad_mode", "gradcheck", "gradgradcheck", "graph", "inference_mode", "is_anomaly_check_nan_enabled",
           "is_anomaly_enabled", "is_grad_enabled", "no_grad", "profiler", "set_detect_anomaly", "set_grad_enabled"]  # fmt: skip


class _VariableType(type):
    """The class of Variable: a call gives a tensor that shares its argument's memory, isinstance asks for tensors."""

    def __call__(cls, data=None, requires_grad=False, volatile=False):
        data = Tensor() if data is None else data.detach()
        return data.requires_grad_() if requires_grad else data

    def __instancecheck__(cls, obj):
        return isinstance(obj, Tensor)


class Variable(metaclass=_VariableType):
    """An old name: tensors are variables."""


def __getattr__(name):
    """What is less common is imported when it is first named."""
    from importlib import import_module

    if name in ("functional", "graph", "profiler", "forward_ad"):
        return import_module("." + name, __name__)
    if name in ("gradcheck", "gradgradcheck"):
        module = import_module(".numerical", __name__)
        globals().update(gradcheck=module.gradcheck, gradgradcheck=module.gradgradcheck)
        return globals()[name]
    if name == "grad_mode":  # where PyTorch keeps these names
        return import_module(__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
