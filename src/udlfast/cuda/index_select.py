"""out[o, j, i] = a[o, index[j], i], rows of an embedding table among others; elements are moved by size, whatever their type."""

import numpy as np
from numba import cuda

from ._driver import I64, array, check, flags, grid, kernel, launch, pick

SIZES = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@kernel
def select(out, a, index, total, n, inner, n_index, strict, bad):
    """One element a step; neighbours in a row are neighbours in a warp."""
    for e in range(cuda.grid(1), total, cuda.gridsize(1)):
        i = e % inner
        j = (e // inner) % n_index
        o = e // inner // n_index
        k = index[j]
        if k < 0 and not strict:
            k += n
        if k < 0 or k >= n:
            bad[0] = 1
        else:
            out[e] = a[(o * n + k) * inner + i]


def index_select(tensors, ints, floats):
    """The body of udl_index_select."""
    from .. import _core

    out, a, index = tensors
    itemsize, outer, n, inner, n_index, strict = ints
    total = outer * inner * n_index
    hold, bad = flags()
    views = [_core.block_of(t) for t in (out, a)]
    o, x = (block.view(offset, SIZES[itemsize]) for block, offset in views)
    launch(select, grid(total), pick(256, 4), o, x, array(index, I64), total, n, inner, n_index, strict, bad)
    check("index_select", bad)
    del hold
    return True
