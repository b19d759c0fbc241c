"""torch.autograd.profiler, an older place of torch.profiler."""

from ..errors import ArgumentError
from ..profiler import *  # noqa: F403
from ..profiler import Table as EventList  # noqa: F401


class emit_nvtx:
    """A name: marks for a profiler of GPUs; to make one raises ArgumentError."""

    def __init__(self, enabled=True, record_shapes=False):
        raise ArgumentError("emit_nvtx: not part of this library; use torch.profiler.profile")
