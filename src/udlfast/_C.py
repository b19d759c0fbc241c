"""torch._C, as far as libraries that check or log something call it."""

import types as _types

from ._core import Generator as Generator
from ._core import Tensor as TensorBase  # noqa: F401

_TensorMeta = type(TensorBase)


class PyTorchFileReader:
    """A name: to make one raises ArgumentError, as torch.load has a reader of its own."""

    def __init__(self, *args):
        from .errors import ArgumentError

        raise ArgumentError("PyTorchFileReader: read .pt files with torch.load")


def _log_api_usage_once(name):
    """Nothing is logged."""


def _get_default_device():
    """The kind of device that tensors are made on unless something else is said."""
    from .settings import get_default_device

    return get_default_device().type


def _get_tracing_state():
    """None: nothing is being traced."""


def _are_functorch_transforms_active():
    """Whether operations go to a transform's tensors: no, vmap is a loop."""
    return False


def _disabled_torch_function_impl(func, types, args=(), kwargs=None):
    """The function's own result: what classes name as __torch_function__ to ask for that."""
    return func(*args, **(kwargs or {}))


def _get_privateuse1_backend_name():
    """The name of a device type that nobody has taken."""
    return "privateuseone"


def _jit_set_profiling_mode(mode):
    """Nothing to set; the mode before."""
    return False


_jit_set_profiling_executor = _jit_set_texpr_fuser_enabled = _jit_override_can_fuse_on_cpu = _jit_set_profiling_mode
_jit_override_can_fuse_on_gpu = _jit_set_nvfuser_enabled = _jit_set_profiling_mode


def _parse_to(*args, **kwargs):
    """What the arguments of Module.to ask for: (device, dtype, non_blocking, memory_format)."""
    from .nn._apply import parse_to

    dtype, where = parse_to(args, kwargs)
    return where, dtype, kwargs.get("non_blocking", False), kwargs.get("memory_format")


_nn = _types.SimpleNamespace(_parse_to=_parse_to)
