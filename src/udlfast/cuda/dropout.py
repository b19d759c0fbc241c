"""y = x mask / (1 - p): element i is dropped where word i % 4 of Philox counter offset + i / 4 is below p 2^32, as on the CPU.

A thread draws one counter and writes four neighbours. Floor: x read, y and one byte an element written.
"""

import numpy as np
from numba import cuda

from ._driver import FLOATS, THREADS, U8, array, grid, kernel, launch
from ._philox import philox, threshold, unsigned


@kernel
def drop(y, mask, x, n, seed, offset, limit, factor, zero):
    """Four elements a step."""
    for q in range(cuda.grid(1), (n + 3) // 4, cuda.gridsize(1)):
        w0, w1, w2, w3 = philox(seed, offset + np.uint64(q))
        for j in range(4):
            i = 4 * q + j
            if i < n:
                w = w0 if j == 0 else (w1 if j == 1 else (w2 if j == 2 else w3))
                keep = w >= limit
                mask[i] = 1 if keep else 0
                y[i] = x[i] * (factor if keep else zero)


def dropout(tensors, ints, floats):
    """The body of udl_dropout."""
    y, mask, x = tensors
    code, n, seed, offset, _ = ints
    p = floats[0]
    if code not in FLOATS or p >= 1:
        return False
    number = FLOATS[code]
    launch(drop, grid((n + 3) // 4), THREADS, array(y), array(mask, U8), array(x), n, unsigned(seed), unsigned(offset),
           threshold(p), number(1 / (1 - p)), number(0))  # fmt: skip
    return True
