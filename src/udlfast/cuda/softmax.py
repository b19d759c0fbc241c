"""y[o, n, i] = softmax over n of x, or its logarithm, and the gradient: a block of COLS columns x ROWS rows of threads.

Three passes over x: the maximum, the sum of exponentials, the result; the second and third find x in the caches. Floor: x read and y
written once. Backward: gx = y (gy - sum gy y), or gy - exp(y) sum gy.
"""

import functools

import numpy as np
from numba import cuda

from ._block import sums, tops
from ._driver import FLOATS, array, count_up, kernel, launch, pick
from ._math import exp, log
from .reduce import TYPES

THREADS, WIDE = pick(256, 4), pick(32, 2)


@functools.cache
def forward_kernel(number, cols, take_log):
    """One block for `cols` columns."""
    kind, rows, zero, lowest = TYPES[number], THREADS // cols, number(0), number(-np.inf)

    def run(y, x, n, inner):
        s = cuda.shared.array(THREADS, kind)
        t = cuda.threadIdx.x
        tx, ty = t % cols, t // cols
        i, o = cuda.blockIdx.y * cols + tx, cuda.blockIdx.x
        at = o * n * inner + i
        v = lowest
        if i < inner:
            for r in range(ty, n, rows):
                w = x[at + r * inner]
                v = w if w > v or w != w else v
        s[t] = v
        tops(s, t, ty, rows, cols)
        top = s[tx]
        cuda.syncthreads()
        v = zero
        if i < inner:
            for r in range(ty, n, rows):
                v += exp(x[at + r * inner] - top)
        s[t] = v
        sums(s, t, ty, rows, cols)
        total = s[tx]
        if i < inner:
            for r in range(ty, n, rows):
                w = x[at + r * inner] - top
                y[at + r * inner] = w - log(total) if take_log else exp(w) / total

    return kernel(run)


@functools.cache
def backward_kernel(number, cols, take_log):
    """One block for `cols` columns."""
    kind, rows, zero = TYPES[number], THREADS // cols, number(0)

    def run(gx, gy, y, n, inner):
        s = cuda.shared.array(THREADS, kind)
        t = cuda.threadIdx.x
        tx, ty = t % cols, t // cols
        i, o = cuda.blockIdx.y * cols + tx, cuda.blockIdx.x
        at = o * n * inner + i
        v = zero
        if i < inner:
            for r in range(ty, n, rows):
                k = at + r * inner
                v += gy[k] if take_log else gy[k] * y[k]
        s[t] = v
        sums(s, t, ty, rows, cols)
        total = s[tx]
        if i < inner:
            for r in range(ty, n, rows):
                k = at + r * inner
                gx[k] = gy[k] - exp(y[k]) * total if take_log else y[k] * (gy[k] - total)

    return kernel(run)


def _launch(make, arrays, ints):
    code, outer, n, inner, take_log = ints
    if code not in FLOATS or outer > 2**31 - 1:
        return False
    cols = 1 if inner == 1 else WIDE
    launch(make(FLOATS[code], cols, take_log != 0), (outer, count_up(inner, cols)), THREADS, *arrays, n, inner)
    return True


def softmax(tensors, ints, floats):
    """The body of udl_softmax."""
    return _launch(forward_kernel, [array(t) for t in tensors], ints)


def softmax_backward(tensors, ints, floats):
    """The body of udl_softmax_backward."""
    return _launch(backward_kernel, [array(t) for t in tensors], ints)
