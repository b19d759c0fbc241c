"""From a kernel call on tensors of a GPU to its body here: `carry` is what the core calls (see _core/device.pxi)."""

import os
import warnings
from importlib import import_module

from .. import _core
from . import CudaError, _fusion, _widen
from ._driver import BF16, has_tensor_cores

# kernel -> file, where it is not the kernel's own name; other kernels have no body yet and run on the CPU, with a warning
FILES = {"attention_backward": "attention_backward", "conv2d_backward_input": "conv2d", "conv2d_backward_weight": "conv2d"}
BODIES = ("adam", "adaptive_avg_pool2d", "adaptive_avg_pool2d_backward", "attention", "attention_backward", "avg_pool2d",
          "avg_pool2d_backward", "batch_norm", "batch_norm_backward", "conv2d", "conv2d_backward_input", "conv2d_backward_weight",
          "cross_entropy", "cross_entropy_backward", "dropout", "elementwise", "gather", "index_add", "index_select", "layer_norm",
          "layer_norm_backward", "lstm", "lstm_backward", "matmul", "max_pool2d", "max_pool2d_backward", "nll_loss", "nll_loss_backward",
          "reduce", "remap", "scatter", "sgd", "softmax", "softmax_backward", "sumsq", "var_mean")  # fmt: skip
_loaded, _warned = {}, set()
_call = {"empty": False}  # has the call a tensor without elements? The CPU does what is left of it without a word


def file_of(name):
    """The file of a kernel's body."""
    return FILES.get(name, name.removesuffix("_backward"))


def carry(kernel, name, tensors, ints, floats):
    """Run a call; False where there is no body for it, or not for its types."""
    _call["empty"] = any(t is not None and t.numel() == 0 for t in tensors)
    body = _loaded.get(name)
    if body is None:
        if name not in BODIES:
            return False
        body = _loaded[name] = getattr(import_module("." + file_of(name), __package__), name)
    if name == "elementwise":
        return body(tensors, ints, floats)
    _fusion.flush()
    if _widen.asks(name, ints) and not (name == "matmul" and ints[0] == BF16 and has_tensor_cores()):
        return _widen.run(body, name, tensors, ints, floats)
    return body(tensors, ints, floats) is not False


def fallback(name):
    """Say once that the CPU computes a kernel for the GPU; refuse it with UDLFAST_CUDA_FALLBACK=0."""
    if name == "random" or _call["empty"]:  # random numbers by intent: the same as the CPU's, and no second generator to keep right
        return
    if os.environ.get("UDLFAST_CUDA_FALLBACK") == "0":
        raise CudaError(
            f"{name}: there is no CUDA kernel for it, or not for these sizes and element types, and UDLFAST_CUDA_FALLBACK=0 forbids "
            f"the CPU to compute it"
        )
    if name not in _warned:
        _warned.add(name)
        warnings.warn(f"{name}: there is no CUDA kernel for it, or not for these sizes and element types; the CPU computes it, the numbers "
                      f"travel there and back", stacklevel=2)  # fmt: skip


def start():
    """Let the core carry calls out on the GPU."""
    from ._memory import allocate

    _core.use_cuda(carry, allocate, fallback, (_core.K_index_select, _core.K_index_add, _core.K_gather, _core.K_scatter))
