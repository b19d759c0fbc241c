"""Questions about CUDA that scripts ask. There is none: what needs a GPU says so, everything else does nothing."""

from ..errors import DeviceError

has_half = False


class CudaError(DeviceError):
    """What raises where a GPU is needed."""


OutOfMemoryError = CudaError


def is_available():
    """Whether tensors can live on a GPU: no."""
    return False


def is_initialized():
    """Whether the driver was loaded: no."""
    return False


def is_bf16_supported(including_emulation=True):
    """Of a GPU: there is none."""
    return False


def device_count():
    """How many GPUs tensors can live on: none."""
    return 0


def init():
    """Raises: there is no GPU."""
    _no_gpu("init")


def get_arch_list():
    """No architectures."""
    return []


def manual_seed_all(seed):
    """Nothing to seed."""


def _nothing(*args, **kwargs):
    """Nothing to do without a GPU."""


manual_seed = manual_seed_all
empty_cache = ipc_collect = seed = seed_all = reset_peak_memory_stats = _nothing
reset_max_memory_allocated = set_per_process_memory_fraction = _nothing


def _zero(device=None):
    """No memory of a GPU is in use."""
    return 0


memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = memory_cached = max_memory_cached = _zero


def memory_stats(device=None):
    """Nothing to count."""
    return {}


def _no_gpu(name):
    raise CudaError(f"cuda.{name}: no CUDA device is available; ask udlfast.cuda.is_available() first")


def _refused(name):
    def refuse(*args, **kwargs):
        _no_gpu(name)

    refuse.__name__, refuse.__doc__ = name, "Raises: there is no GPU."
    return refuse


for _name in ("synchronize", "current_device", "set_device", "get_device_name", "get_device_capability", "get_device_properties",
              "current_stream", "default_stream", "Stream", "Event", "CUDAGraph", "graph", "mem_get_info", "get_rng_state", "set_rng_state",
              "memory_summary", "utilization"):  # fmt: skip
    globals()[_name] = _refused(_name)


def get_rng_state_all():
    """No GPU, no states."""
    return []


def set_rng_state_all(new_states):
    """No GPU, nothing to set."""


class device:
    """A block that would choose a GPU; index -1 or None chooses none."""

    def __init__(self, device):
        self.idx = device
        if device not in (None, -1):
            _no_gpu("device")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


def stream(stream):
    """A block in which nothing changes."""
    from contextlib import nullcontext

    return nullcontext()


def __getattr__(name):
    if name in ("amp", "nvtx"):
        from importlib import import_module

        return import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
