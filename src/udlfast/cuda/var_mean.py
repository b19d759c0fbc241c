"""mean[o, i] and var[o, i] of a[o, n, i], in two passes: the mean, then the squares of the distances from it."""

import functools

from numba import cuda

from ._block import sums
from ._driver import FLOATS, array, count_up, kernel, launch, pick
from .reduce import TYPES

THREADS, WIDE = pick(256, 4), pick(32, 2)


@functools.cache
def kernel_of(number, cols):
    """One block for `cols` columns."""
    kind, rows, zero = TYPES[number], THREADS // cols, number(0)

    def run(var, mean, a, n, inner, correction):
        s = cuda.shared.array(THREADS, kind)
        t = cuda.threadIdx.x
        tx, ty = t % cols, t // cols
        i, o = cuda.blockIdx.y * cols + tx, cuda.blockIdx.x
        m = zero
        for step in range(2):
            v = zero
            if i < inner:
                for r in range(ty, n, rows):
                    x = a[(o * n + r) * inner + i] - m
                    v += x * x if step else x
            s[t] = v
            sums(s, t, ty, rows, cols)
            v = s[tx]
            cuda.syncthreads()
            if step == 0:
                m = v / number(n)
            elif ty == 0 and i < inner:
                mean[o * inner + i] = m
                var[o * inner + i] = v / (number(n) - correction)

    return kernel(run)


def var_mean(tensors, ints, floats):
    """The body of udl_var_mean."""
    var, mean, a = tensors
    code, outer, n, inner = ints
    if code not in FLOATS or outer > 2**31 - 1 or n == 0 or n <= floats[0]:
        return False
    cols = 1 if inner == 1 else WIDE
    number = FLOATS[code]
    launch(kernel_of(number, cols), (outer, count_up(inner, cols)), THREADS, array(var), array(mean), array(a), n, inner, number(floats[0]))
    return True
