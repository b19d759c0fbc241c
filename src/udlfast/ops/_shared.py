"""Tensors whose elements lie in memory that several processes map: share_memory_, and the pickle that a new process gets.

A block is a file without a name; a process that is started by spawn or forkserver gets its descriptor, one that is
forked has the mapping already. Pickles for anything else (files, queues) hold a copy of the elements.
"""

import mmap
import os
import sys
import weakref

from .. import _core

FILES = {}  # address of a shared block -> (descriptor, bytes)


def _forget(address, descriptor):
    FILES.pop(address, None)
    os.close(descriptor)


def _new_file(n):
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("udlfast")
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, n)
    return descriptor


def _mapped(descriptor, n, dtype, shape):
    """A tensor over a block, and the array that holds it."""
    import numpy as np

    block = mmap.mmap(descriptor, n)
    count = 1
    for size in shape:
        count *= size
    array = np.frombuffer(block, dtype, count).reshape(shape)
    t = _core.from_numpy(array)
    FILES[t.data_ptr()] = descriptor, n
    weakref.finalize(block, _forget, t.data_ptr(), descriptor)
    return t, array


def is_shared(t):
    """Whether the tensor begins where a block does."""
    return t.data_ptr() in FILES


def move(t):
    """Gives a tensor a block of its own."""
    source = t.detach().contiguous().numpy()
    n = max(source.nbytes, 1)
    moved, array = _mapped(_new_file(n), n, source.dtype, source.shape)
    array[...] = source
    with _core.no_grad():
        t.data = moved


def _open(duplicate, n, dtype, shape, requires_grad):
    t, _ = _mapped(duplicate.detach(), n, dtype, shape)
    return t.requires_grad_(True) if requires_grad else t


def reduce(t):
    """The pickle of a plain shared tensor for a process that is being started, or None: it is copied."""
    context = sys.modules.get("multiprocessing.context")
    known = FILES.get(t.data_ptr()) if context and type(t) is _core.Tensor and t.is_contiguous() and t.nbytes else None
    if known is None or known[1] < t.nbytes or context.get_spawning_popen() is None:
        return None
    from multiprocessing.reduction import DupFd

    return _open, (DupFd(known[0]), known[1], t.detach().numpy().dtype.str, tuple(t.shape), t.requires_grad)
