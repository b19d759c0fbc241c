"""Settings that scripts make and questions that they ask; most have one answer here."""
from .. import _core
from .._core import Tensor, extend
from ..device import CPU, check_device
from ..errors import ArgumentError

_state = {"deterministic": False, "warn_only": False, "warn_always": False, "interop": 1}


def get_default_device():
    """The device of new tensors: the CPU."""
    return CPU


def set_default_device(device):
    """Accepts "cpu" (or None); another device raises as everywhere."""
    if device is not None:
        check_device(device)


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Only remembered: results never depend on threads or on chance here."""
    _state["deterministic"], _state["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled():
    """What use_deterministic_algorithms was given."""
    return _state["deterministic"]


def is_deterministic_algorithms_warn_only_enabled():
    """What use_deterministic_algorithms was given as warn_only."""
    return _state["warn_only"]


def set_deterministic_debug_mode(debug_mode):
    """Only remembered; see use_deterministic_algorithms."""
    level = {"default": 0, "warn": 1, "error": 2}.get(debug_mode, debug_mode)
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_deterministic_debug_mode():
    """0, 1 or 2, as set_deterministic_debug_mode was given."""
    return 0 if not _state["deterministic"] else 1 if _state["warn_only"] else 2


def set_flush_denormal(mode):
    """False: subnormal numbers are always kept."""
    return False


def get_num_interop_threads():
    """The number of threads between operations: what was set, at first 1; operations run one after another."""
    return _state["interop"]


def set_num_interop_threads(n):
    """Only remembered."""
    if n < 1:
        raise ArgumentError(f"set_num_interop_threads: expected at least 1, got {n}")
    _state["interop"] = int(n)


def set_warn_always(mode):
    """Only remembered."""
    _state["warn_always"] = bool(mode)


def is_warn_always_enabled():
    """What set_warn_always was given."""
    return _state["warn_always"]


def is_storage(obj):
    """Whether obj is a tensor's storage."""
    from .memory import UntypedStorage
    return isinstance(obj, UntypedStorage)


def is_inference_mode_enabled():
    """Whether operations are not recorded because of inference_mode: it is no_grad here."""
    return not _core.is_grad_enabled()


def is_distributed(input):
    """Whether a tensor is spread over processes: no."""
    return False


def compile(model=None, **options):
    """The model or function itself: there is nothing to compile, kernels are; usable as a decorator."""
    return (lambda f: f) if model is None else model


def detach(input):
    """A tensor that shares memory with input and is cut off from the tape."""
    return input.detach()


for _name in ("is_meta", "is_mkldnn", "is_mps", "is_mtia", "is_nested", "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu", "is_ipu",
              "is_maia"):
    extend(_name, False)
extend("is_cpu", True)
extend("is_distributed", is_distributed)
extend("name", None)
extend("const_data_ptr", Tensor.data_ptr)
