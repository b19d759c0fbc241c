"""torch.cuda: tensors and kernels on an NVIDIA GPU, through Numba. Loaded on first use; without a GPU its questions are answered no.

>>> import udlfast as torch
>>> device = "cuda" if torch.cuda.is_available() else "cpu"
"""

import ctypes
import os
from contextlib import contextmanager
from importlib import import_module, util

from ..errors import DeviceError

has_half = False


class CudaError(DeviceError):
    """What raises where a GPU is needed."""


class OutOfMemoryError(CudaError, MemoryError):
    """The GPU's memory is full."""


_state = {"started": False, "why": None}


def _simulated():
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("0", "")


def why_not():
    """Why there is no GPU to use, in a few words; None if there is one. Numba is not imported where there is no driver."""
    if _state["started"]:
        return None
    if _state["why"] is None:
        _state["why"] = _look()
    return _state["why"] or None


def _look():
    if not _simulated():
        for name in ("libcuda.so.1", "nvcuda.dll"):
            try:
                ctypes.CDLL(name)
                break
            except OSError:
                pass
        else:
            return "this machine has no NVIDIA driver"
    if util.find_spec("numba") is None or util.find_spec("numba_cuda") is None:
        return "the package numba-cuda is not installed (pip install 'udlfast[cuda]')"
    from numba import cuda

    return "" if cuda.is_available() else "the NVIDIA driver finds no GPU that can be used"


def is_available():
    """Whether tensors can live on a GPU."""
    return why_not() is None


def is_initialized():
    """Whether a tensor was moved to a GPU in this process."""
    return _state["started"]


def is_bf16_supported(including_emulation=True):
    """Whether there is a GPU: bfloat16 is computed there, by tensor cores from sm_80 on."""
    return is_available()


def device_count():
    """How many GPUs tensors can live on: the first one that CUDA_VISIBLE_DEVICES shows, or none."""
    return 1 if is_available() else 0


def _need(name):
    why = why_not()
    if why is not None:
        raise CudaError(f"cuda.{name}: no CUDA device is available: {why}; ask udlfast.cuda.is_available() first")


def init():
    """Start using the GPU; the first tensor that moves there does so by itself."""
    _need("init")
    if not _state["started"]:
        _state["started"] = True
        from . import _route, _tensors

        _route.start()
        _tensors.start()


def _runtime():
    init()
    return import_module("._memory", __name__)


def get_arch_list():
    """The architectures that kernels are compiled for: the GPU's own, when they are first used."""
    return ["sm_{}{}".format(*get_device_capability())] if is_available() else []


def manual_seed_all(seed):
    """Nothing to seed apart: random numbers on the GPU are those of the CPU's generator."""


def _nothing(*args, **kwargs):
    """Nothing to do."""


manual_seed = manual_seed_all
ipc_collect = seed = seed_all = set_per_process_memory_fraction = _nothing


def empty_cache():
    """Give segments of which nothing is in use back to the driver."""
    if _state["started"]:
        _runtime().empty_cache()


def reset_peak_memory_stats(device=None):
    """Peaks start over from what is in use."""
    if _state["started"]:
        _runtime().reset_peaks()


reset_max_memory_allocated = reset_peak_memory_stats


def memory_stats(device=None):
    """Counts of the caching allocator, by PyTorch's names: current and peak bytes, blocks, segments."""
    return _runtime().memory_stats() if _state["started"] else {}


def _counter(name):
    def count(device=None):
        return memory_stats().get(name, 0)

    count.__doc__ = f"{name} of memory_stats()"
    return count


memory_allocated, max_memory_allocated = _counter("allocated_bytes.all.current"), _counter("allocated_bytes.all.peak")
memory_reserved, max_memory_reserved = _counter("reserved_bytes.all.current"), _counter("reserved_bytes.all.peak")
memory_cached, max_memory_cached = memory_reserved, max_memory_reserved


def memory_summary(device=None, abbreviated=False):
    """memory_stats() as lines of text."""
    _need("memory_summary")
    return "\n".join(f"{name:32} {n:>16,}" for name, n in sorted(memory_stats().items()))


def mem_get_info(device=None):
    """(free, total) bytes of the GPU's memory."""
    _need("mem_get_info")
    from numba import cuda

    return tuple(cuda.current_context().get_memory_info())


def synchronize(device=None):
    """Wait for all work on the GPU."""
    _need("synchronize")
    _runtime().synchronize()


def current_device():
    """The number of the GPU in use."""
    _need("current_device")
    return 0


def set_device(device):
    """Only GPU 0, the first that CUDA_VISIBLE_DEVICES shows, is used."""
    _need("set_device")
    from ..device import device as Device

    number = device if isinstance(device, int) else Device(device).index
    if number not in (0, None):
        raise CudaError(f"cuda.set_device: one GPU is used, number 0, got {number}; choose it with CUDA_VISIBLE_DEVICES")


def get_device_name(device=None):
    """The name of the GPU."""
    _need("get_device_name")
    from numba import cuda

    name = getattr(cuda.get_current_device(), "name", "Numba's simulator")
    return name.decode() if isinstance(name, bytes) else str(name)


def get_device_capability(device=None):
    """(major, minor) of its architecture."""
    _need("get_device_capability")
    from numba import cuda

    return tuple(cuda.get_current_device().compute_capability)


def get_device_properties(device=None):
    """Name, capability, number of multiprocessors and memory of the GPU."""
    from types import SimpleNamespace

    major, minor = get_device_capability()
    from numba import cuda

    units = getattr(cuda.get_current_device(), "MULTIPROCESSOR_COUNT", 1)
    return SimpleNamespace(name=get_device_name(), major=major, minor=minor, multi_processor_count=units, total_memory=mem_get_info()[1])


def current_stream(device=None):
    """The stream that this thread puts work on."""
    _need("current_stream")
    return _runtime().current_stream()


def default_stream(device=None):
    """The stream that all work goes to unless told otherwise."""
    _need("default_stream")
    return _runtime().DEFAULT


def set_stream(stream):
    """Put this thread's work on a stream."""
    _need("set_stream")
    _runtime().set_stream(stream)


class Stream:
    """A new queue of work on the GPU."""

    def __new__(cls, *args, **kwargs):
        _need("Stream")
        return _runtime().Stream(*args, **kwargs)


class Event:
    """A mark in a stream: record, query, synchronize, elapsed_time."""

    def __new__(cls, *args, **kwargs):
        _need("Event")
        return _runtime().Event(*args, **kwargs)


@contextmanager
def stream(stream):
    """A block whose work goes to the stream; None: nothing changes."""
    if stream is None:
        yield
        return
    _need("stream")
    before = _runtime().set_stream(stream)
    try:
        yield stream
    finally:
        _runtime().set_stream(before)


StreamContext = stream


def _refused(name, why="is not there"):
    def refuse(*args, **kwargs):
        _need(name)
        raise CudaError(f"cuda.{name} {why}")

    refuse.__name__, refuse.__doc__ = name, f"Raises: {name} {why}."
    return refuse


class CUDAGraph:
    """A name: to make one raises."""

    def __init__(self, *args, **kwargs):
        graph()


graph = _refused("graph")
utilization = _refused("utilization")
get_rng_state = _refused("get_rng_state", "has no state of its own: random numbers are those of the CPU's generator, torch.get_rng_state()")
set_rng_state = _refused("set_rng_state", "has no state of its own: random numbers are those of the CPU's generator, torch.set_rng_state()")


def get_rng_state_all():
    """No states apart from the CPU's generator."""
    return []


def set_rng_state_all(new_states):
    """Nothing to set."""


class device:
    """A block that would choose a GPU; index -1 or None chooses none."""

    def __init__(self, device):
        self.idx = device
        if device not in (None, -1):
            _need("device")
            set_device(device)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


def __getattr__(name):
    if name in ("amp", "nvtx"):
        return import_module("." + name, __name__)
    if name == "_initialized":  # a variable of PyTorch's that libraries read
        return _state["started"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
