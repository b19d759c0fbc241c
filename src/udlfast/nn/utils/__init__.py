"""Helpers for parameters and their gradients. What stands in the table is imported when it is first named."""

from . import clip_grad as clip_grad
from . import convert_parameters as convert_parameters
from .clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from .convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
           "parameters_to_vector", "vector_to_parameters"]  # fmt: skip

_MODULES = ("rnn", "parametrize", "parametrizations", "stateless", "fusion", "init", "memory_format", "prune")
_PLACE = {
    "weight_norm": "_weight_hooks",
    "remove_weight_norm": "_weight_hooks",
    "spectral_norm": "_weight_hooks",
    "remove_spectral_norm": "_weight_hooks",
    "fuse_conv_bn_eval": "fusion",
    "fuse_conv_bn_weights": "fusion",
    "fuse_linear_bn_eval": "fusion",
    "fuse_linear_bn_weights": "fusion",
    "skip_init": "init",
    "convert_conv2d_weight_memory_format": "memory_format",
    "convert_conv3d_weight_memory_format": "memory_format",
}


def __getattr__(name):
    import importlib

    if name in _MODULES:
        return importlib.import_module("." + name, __name__)
    if name in _PLACE:
        return getattr(importlib.import_module("." + _PLACE[name], __name__), name)
    raise AttributeError(f"module 'udlfast.nn.utils' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES, *_PLACE})
