"""udlfast: a small, fast deep-learning framework for CPUs with PyTorch's names.

>>> import udlfast as torch
>>> torch.ones(2) + 1
tensor([2., 2.])
"""

from . import ops as ops
from ._core import (  # noqa: F401
    Generator,
    Tensor,
    add,
    batch_invariant,
    bfloat16,
    bool_,
    cache_sizes,
    default_generator,
    diagonal,
    div,
    dtype,
    empty,
    empty_like,
    expand,
    flatten,
    float16,
    float32,
    float64,
    from_numpy,
    full,
    full_like,
    get_default_dtype,
    get_float32_matmul_precision,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    is_batch_invariant,
    is_grad_enabled,
    is_inference_mode_enabled,
    isa,
    isa_report,
    isas,
    linear,
    manual_seed,
    matmul,
    mean,
    memory_stats,
    movedim,
    narrow,
    ones,
    ones_like,
    permute,
    promote_types,
    reshape,
    result_type,
    select,
    set_batch_invariant,
    set_default_dtype,
    set_float32_matmul_precision,
    set_memory_limit,
    set_num_threads,
    squeeze,
    sub,
    sum,
    threads_why,
    transpose,
    trim,
    uint8,
    uint16,
    uint32,
    uint64,
    unbind,
    unflatten,
    unsqueeze,
    use_isa,
    zeros,
    zeros_like,
)
from ._core import as_strided as as_strided
from ._core import set_size_class as _set_size_class
from ._modes import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: F401
from .device import device as device
from .layout import (  # noqa: F401
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    preserve_format,
    sparse_coo,
    sparse_csr,
    strided,
)
from .layout import (
    memory_format as memory_format,
)
from .size import Size as Size

_set_size_class(Size)

__version__ = "0.1.0"

double = float64
long = int64
half, short, char = float16, int16, int8
newaxis = None
inf, nan, pi, e = 1e999, 1e999 - 1e999, 3.141592653589793, 2.718281828459045
swapaxes = transpose
subtract = sub
divide = true_divide = div
globals().update(float=float32, int=int32, bool=bool_)  # names of types that shadow builtins

_LAZY = ("nn", "optim", "utils", "data", "models", "train", "autograd", "reference", "serialization", "random", "testing",
         "cuda", "backends", "func", "amp", "multiprocessing", "profiler", "version", "hub", "cpu", "compiler",
         "special", "sparse", "jit", "return_types", "linalg", "fft", "signal", "distributions", "accelerator", "distributed", "onnx",
         "__config__", "functional", "futures", "fx", "storage", "overrides", "library", "_dynamo",
         "_jit_internal", "_subclasses", "_tensor_str", "_C")
_COMPLEX = {"complex64": "complex64", "cfloat": "complex64", "complex128": "complex128", "cdouble": "complex128"}

# functions and classes of modules that are imported when one of their names is first used
_LATE = {
    "amp": ("autocast", "clear_autocast_cache", "get_autocast_cpu_dtype", "get_autocast_dtype", "is_autocast_available",
            "is_autocast_cpu_enabled", "is_autocast_enabled", "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled"),
    "autograd": ("is_anomaly_check_nan_enabled", "is_anomaly_enabled"),
    "compiler": ("compile", "load_plan"),
    "func": ("vmap",),
    "futures": ("Future",),
    "jit": ("ScriptModule",),
    "sparse": ("_convert_indices_from_coo_to_csr", "_convert_indices_from_csr_to_coo"),
    "_C": ("PyTorchFileReader",),
    "settings": ("are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode", "get_num_interop_threads",
                 "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_default_device",
                 "set_deterministic_debug_mode", "set_flush_denormal", "set_num_interop_threads",
                 "set_warn_always", "use_deterministic_algorithms"),
}  # fmt: skip


def clone(input, *, memory_format=None):
    """A copy of a tensor; gradients pass through."""
    return input.clone()


def numel(input):
    """The number of elements of a tensor."""
    return input.numel()


def _assert(condition, message):
    """An assertion that tracing sees in PyTorch; AssertionError unless the condition is true."""
    assert condition, message


def _assert_async(input, assert_msg="Expected Tensor with single nonzero value, but got zero"):
    """RuntimeError unless the only element is not zero; at once, as there is nothing to wait for."""
    if not input:
        raise RuntimeError(assert_msg)


def _check(cond, message=None):
    """RuntimeError, with what message() says, unless cond is true."""
    if not cond:
        raise RuntimeError("Expected cond to be True, but got False" if message is None else str(message()))


def _segment_reduce(data, reduce, **options):
    """segment_reduce, as libraries call it."""
    return ops.function("segment_reduce")(data, reduce, **options)


def __getattr__(name):
    """Subpackages and file functions are imported when they are first named."""
    if name in _LAZY:
        import importlib
        return importlib.import_module("." + name, __name__)
    if name in ("SymInt", "SymFloat", "SymBool"):
        from . import fx
        return getattr(fx, name)
    if name == "torch":  # torch.torch, as some annotations spell it
        import sys
        return sys.modules[__name__]
    if name.startswith("_foreach_"):
        from . import _foreach
        return getattr(_foreach, name)
    if name[:5] in ("float", "int4", "uint4", "qint8", "qint3", "quint", "compl") and name not in _COMPLEX:
        from . import _other_types
        if name in _other_types.NAMES:
            return _other_types.find(name)
    if name in ("xpu", "mps"):
        from ._absent_device import module
        return module(name)
    if name in ops.FUNCTIONS:
        value = globals()[name] = ops.function(name)
        return value
    if name == "set_printoptions":
        from ._printing import set_printoptions
        return set_printoptions
    if name in _COMPLEX:
        from .ops import _complex
        return getattr(_complex, _COMPLEX[name])
    if name in ("finfo", "iinfo"):
        from . import typeinfo
        return getattr(typeinfo, name)
    if name in ("save", "load"):
        from . import serialization
        return getattr(serialization, name)
    for module, names in _LATE.items():
        if name in names:
            import importlib
            value = globals()[name] = getattr(importlib.import_module("." + module, __name__), name)
            return value
    raise AttributeError(f"module 'udlfast' has no attribute {name!r}")


def __dir__():
    late = (name for names in _LATE.values() for name in names)
    return sorted({*globals(), *_LAZY, *ops.FUNCTIONS, *late, *_COMPLEX, "save", "load", "set_printoptions", "finfo", "iinfo"})
