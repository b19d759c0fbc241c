"""out[0] (float64) = sum of squares of a[n], in two launches: squares are summed in float64 as the CPU's are joined."""

import numpy as np
from numba import cuda, float64

from . import reduce as reduction
from ._block import sums
from ._driver import array, grid, kernel, launch, pick, scratch

THREADS = pick(256, 4)


@kernel
def squares(out, a, n):
    """out[block] = the squares that the block's threads come to."""
    s = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    v = np.float64(0)
    for i in range(cuda.blockIdx.x * THREADS + t, n, cuda.gridDim.x * THREADS):
        x = np.float64(a[i])
        v += x * x
    s[t] = v
    sums(s, t, t, THREADS, 1)
    if t == 0:
        out[cuda.blockIdx.x] = s[0]


def sumsq(tensors, ints, floats):
    """The body of udl_sumsq."""
    out, a = tensors
    n = ints[1]
    blocks = grid(n, THREADS, pick(1024, 2))
    block, middle = scratch(blocks, np.float64)
    launch(squares, blocks, THREADS, middle, array(a), n)
    reduction.run(reduction.SUM, array(out), middle, np.float64, 1, blocks, 1)
    del block
    return True
