"""out[i, j, ..] = a[s(i), s(j), ..]: padding, reversal, rotation and repetition; the rules s are those of csrc/kernels/remap.c."""

from numba import cuda

from .. import _core
from ._driver import device, grid, kernel, launch, pick
from .index_select import SIZES

CONSTANT, REFLECT, REPLICATE, CIRCULAR, FLIP = range(5)


@device
def source(mode, i, n, shift):
    """s(i), or -1 for nothing."""
    if n == 0:
        return -1
    if mode == FLIP:
        return n - 1 - i if shift != 0 else i
    j = i - shift
    if mode == CIRCULAR:
        return j % n
    if 0 <= j < n:
        return j
    if mode == CONSTANT:
        return -1
    if mode == REFLECT:
        return min(-j, n - 1) if j < 0 else max(2 * (n - 1) - j, 0)
    return 0 if j < 0 else n - 1


@kernel
def move(out, a, value, total, ndim, mode, shape, sizes, shifts, has_value, zero):
    """One element a step."""
    for e in range(cuda.grid(1), total, cuda.gridsize(1)):
        rest = e
        at, stride, inside = 0, 1, True
        for k in range(ndim):
            d = ndim - 1 - k
            s = source(mode, rest % shape[d], sizes[d], shifts[d])
            rest = rest // shape[d]
            if s < 0:
                inside = False
            else:
                at += s * stride
            stride *= sizes[d]
        if inside:
            out[e] = a[at]
        else:
            out[e] = value[0] if has_value else zero


def remap(tensors, ints, floats):
    """The body of udl_remap."""
    out, a, value = tensors
    itemsize, ndim, mode = ints[:3]
    shape, sizes, shifts = (tuple(ints[3 + 8 * k : 11 + 8 * k]) for k in range(3))
    total = 1
    for size in shape[:ndim]:
        total *= size
    kind = SIZES[itemsize]
    o, x = (block.view(offset, kind) for block, offset in map(_core.block_of, (out, a if a.numel() else out)))
    v = o
    if value is not None:
        block, offset = _core.block_of(value)
        v = block.view(offset, kind)
    launch(move, grid(total), pick(256, 4), o, x, v, total, ndim, mode, shape, sizes, shifts, value is not None, kind(0))
    return True
