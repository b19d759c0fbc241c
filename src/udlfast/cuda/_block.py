"""Sums over the threads of a block, which every thread reaches: the tree in shared memory that reductions and norms end with."""

import functools
import threading

from numba import cuda

from ._driver import SIMULATED, device

if SIMULATED:

    def sync():
        """A barrier of the block."""
        threading.current_thread().syncthreads()

else:

    @device
    def sync():
        """A barrier of the block."""
        cuda.syncthreads()


@functools.cache
def fold(f):
    """The call (s, t, row, rows, cols) after which s[c] is f over s[c], s[cols + c], ... for every column c < cols.

    Thread t = row * cols + c has put its part into s[t] of shared memory; `rows` is a power of two. f is a device function.
    """

    def run(s, t, row, rows, cols):
        sync()
        half = rows // 2
        while half > 0:
            if row < half:
                s[t] = f(s[t], s[t + half * cols])
            sync()
            half //= 2

    return device(run)


sums = fold(device(lambda x, y: x + y))
tops = fold(device(lambda x, y: y if y > x or y != y else x))  # the largest; NaN before all


@device
def sums_of_two(s, q, t, row, rows, cols):
    """sums of s and of q, with the barriers of one."""
    sync()
    half = rows // 2
    while half > 0:
        if row < half:
            s[t] += s[t + half * cols]
            q[t] += q[t + half * cols]
        sync()
        half //= 2
