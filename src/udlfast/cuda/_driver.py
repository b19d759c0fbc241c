"""Numba's CUDA, found once: the simulator or a device, kernels, grids, and the numbers of tensors as device arrays."""

import functools
import math
import os

import numpy as np
from numba import cuda

from .. import _core

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("0", "")
BOOL, U8, I8, I16, I32, I64 = (getattr(_core, n).code for n in ("bool_", "uint8", "int8", "int16", "int32", "int64"))
F16, BF16, F32, F64 = (getattr(_core, n).code for n in ("float16", "bfloat16", "float32", "float64"))
NUMPY = {BOOL: np.bool_, U8: np.uint8, I8: np.int8, I16: np.int16, I32: np.int32, I64: np.int64, F32: np.float32, F64: np.float64}
FLOATS = {F32: np.float32, F64: np.float64}
STORED = NUMPY | {F16: np.float16, BF16: np.uint16}  # as what numbers lie in device memory (_half.py)


def kernel(function):
    """function as a CUDA kernel."""
    return cuda.jit(function)


def device(function):
    """function as one that kernels inline (in the simulator: itself; there it must not name `cuda`)."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)


def pick(real, simulated):
    """A tile size: on a device, or in the simulator, whose threads are Python's."""
    return simulated if SIMULATED else real


@functools.cache
def has_tensor_cores():
    """For bfloat16 and TF32: from sm_80 on; the simulator computes what they compute."""
    return SIMULATED or cuda.get_current_device().compute_capability >= (8, 0)


THREADS = pick(256, 4)


MOST_BLOCKS = pick(4096, 3)


def grid(n, threads=THREADS, most=MOST_BLOCKS):
    """Blocks for n elements in a loop with the stride of the grid."""
    return max(1, min(most, -(-n // threads)))


def count_up(n, m):
    """ceil(n / m)"""
    return -(-n // m)


def launch(function, blocks, threads, *args, on=None):
    """Start a kernel on a stream; the current one unless told otherwise."""
    from ._memory import current_stream

    function[blocks, threads, (on or current_stream()).numba](*args)


def array(tensor, code=None):
    """The numbers of a tensor from its first on, to the end of its memory, as a 1-d device array; None for None."""
    if tensor is None:
        return None
    if not isinstance(tensor, _core.Tensor):  # of _widen.py
        block, offset = tensor.place
        return block.view(offset, np.float32)
    block, offset = _core.block_of(tensor)
    return block.view(offset, STORED[tensor.dtype.code if code is None else code])


def scratch(n, dtype):
    """A block of n elements for the time of a call: (block to hold, device array)."""
    from ._memory import allocate

    block = allocate(max(n, 1) * np.dtype(dtype).itemsize)
    return block, block.view(0, dtype)


if SIMULATED:
    exp, log, sqrt, tanh = np.exp, np.log, np.sqrt, np.tanh
else:
    exp, log, sqrt, tanh = math.exp, math.log, math.sqrt, math.tanh


def flags():
    """A block of one int32 that a kernel sets to 1 where it meets an index out of range: (block, device array)."""
    block, flag = scratch(1, np.int32)
    block.zero(0, 4)
    return block, flag


def check(name, flag):
    """Wait for the kernels and raise what the CPU raises where a flag is set."""
    if flag.copy_to_host()[0]:
        from ..errors import DimError

        raise DimError(f"{name}: an index is out of range")
