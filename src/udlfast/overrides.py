"""torch.overrides: operations of tensors cannot be taken over by other classes here, so the questions have one answer."""

from ._core import Tensor
from .errors import ArgumentError

__all__ = ["TorchFunctionMode", "handle_torch_function", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic",
           "is_tensor_like", "is_tensor_method_or_property"]  # fmt: skip


def has_torch_function(relevant_args):
    """Whether an argument takes over the operation: never."""
    return False


def has_torch_function_unary(relevant_arg):
    """Whether the argument takes over the operation: never."""
    return False


def has_torch_function_variadic(*relevant_args):
    """Whether an argument takes over the operation: never."""
    return False


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Refused: see the module."""
    raise ArgumentError("torch.overrides: operations cannot be taken over by other classes; call functions of your own instead")


def is_tensor_like(inp):
    """Whether this is a Tensor."""
    return isinstance(inp, Tensor)


def is_tensor_method_or_property(func):
    """Whether this is a method or property of Tensor."""
    return getattr(Tensor, getattr(func, "__name__", ""), None) is func


class TorchFunctionMode:
    """A name that classes derive from; to enter such a block raises ArgumentError."""

    def __enter__(self):
        handle_torch_function(None, ())

    def __exit__(self, *exc):
        return False
