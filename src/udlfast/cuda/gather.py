"""out[i0, i1, ...] = a[..., index[i0, i1, ...] along dim, ...]: one element a thread, moved by size."""

from numba import cuda

from ._driver import I64, array, check, flags, grid, kernel, launch, pick
from .index_select import SIZES


@kernel
def pick_elements(out, a, index, total, ndim, dim, a_n, shape, a_strides, index_strides, bad):
    """out is contiguous; a and index are strided."""
    for e in range(cuda.grid(1), total, cuda.gridsize(1)):
        rest = e
        at, where, stride = 0, 0, 0
        for k in range(ndim):
            d = ndim - 1 - k
            c = rest % shape[d]
            rest = rest // shape[d]
            where += c * index_strides[d]
            if d != dim:
                at += c * a_strides[d]
            else:
                stride = a_strides[d]
        k = index[where]
        if k < 0:
            k += a_n
        if k < 0 or k >= a_n:
            bad[0] = 1
        else:
            out[e] = a[at + k * stride]


def gather(tensors, ints, floats):
    """The body of udl_gather."""
    from .. import _core

    out, a, index = tensors
    itemsize, ndim, dim, a_n = ints[:4]
    shape, a_strides, index_strides = (tuple(ints[4 + 8 * k : 12 + 8 * k]) for k in range(3))
    total = 1
    for size in shape[:ndim]:
        total *= size
    hold, bad = flags()
    views = [_core.block_of(t) for t in (out, a)]
    o, x = (block.view(offset, SIZES[itemsize]) for block, offset in views)
    launch(pick_elements, grid(total), pick(256, 4), o, x, array(index, I64), total, ndim, dim, a_n, shape, a_strides, index_strides, bad)
    check("gather", bad)
    del hold
    return True
