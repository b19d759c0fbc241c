"""torch.utils.flop_counter: the floating-point operations of matrix products, convolutions and attention in a block."""

from ..profiler import FlopCounterMode

__all__ = ["FlopCounterMode"]
