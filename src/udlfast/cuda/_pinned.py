"""Page-locked host memory: what the GPU copies from and to by itself, while Python goes on.

Blocks come from the driver, in powers of two, and are kept. A block goes back to its pool when the tensor over it is gone, with the
events of the transfers that may still use it; it is handed out again when these have passed.
"""

import threading
import weakref

import numpy as np
from numba import cuda

from .. import _core
from ..errors import ArgumentError

SMALLEST = 512
_lock = threading.RLock()
_free = {}  # bytes -> [(memory, events)]
_live = {}  # address -> _Pinned
COUNTS = {"bytes": 0, "blocks": 0}


class _Pinned:
    """Memory in use and the events of transfers that touch it."""

    __slots__ = ("memory", "nbytes", "events")

    def __init__(self, memory, nbytes, events):
        self.memory, self.nbytes, self.events = memory, nbytes, events


def _take(size):
    """Memory of `size` bytes that no transfer uses any more."""
    pool = _free.setdefault(size, [])
    for i, (_, events) in enumerate(pool):
        if all(e.query() for e in events):
            return pool.pop(i)[0]
    memory = cuda.pinned_array(size, np.uint8)
    COUNTS["bytes"] += size
    COUNTS["blocks"] += 1
    return memory


def empty(shape, dtype):
    """A tensor in page-locked memory."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    size = max(SMALLEST, 1 << (nbytes - 1).bit_length())
    with _lock:
        memory = _take(size)
        address = memory.ctypes.data
        seen = np.frombuffer(memory, np.uint8, max(nbytes, 8))
        _live[address] = _Pinned(memory, size, [])
        weakref.finalize(seen, _back, address, size).atexit = False
    t = _core.from_numpy(seen)
    return t[:nbytes].view(dtype).reshape(tuple(shape))


def _back(address, size):
    with _lock:
        used = _live.pop(address)
        _free[size].append((used.memory, used.events))


def pin(t):
    """A copy of t in page-locked memory; t itself if it lies there."""
    if t.is_cuda:
        raise ArgumentError("pin_memory: this tensor is on a GPU; memory of the CPU can be pinned: use .cpu() first")
    if is_pinned(t):
        return t
    out = empty(t.shape, t.dtype)
    out.copy_(t.detach())
    return out


def is_pinned(t):
    """Does t lie in page-locked memory?"""
    return not t.is_cuda and _core.storage_address(t) in _live


def owner_of(address):
    """The block of memory that an address is in, or None."""
    for start, pinned in list(_live.items()):
        if start <= address < start + pinned.nbytes:
            return pinned
    return None
