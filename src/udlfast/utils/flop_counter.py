"""torch.utils.flop_counter: a name that libraries import."""

from ..errors import ArgumentError

__all__ = ["FlopCounterMode"]


class FlopCounterMode:
    """A name: to make one raises ArgumentError, as no dispatcher sees the operations."""

    def __init__(self, *args, **kwargs):
        raise ArgumentError("FlopCounterMode: not part of this library; udlfast.profiler counts calls and times of operations")
