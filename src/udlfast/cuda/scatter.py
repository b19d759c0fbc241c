"""out[..., index[...], ...] = or += a[...]: a thread has a line along the dimension and goes along it in order.

Two elements of a line may meet in one place, those of different lines never do: no atomic additions, and the order of the CPU.
"""

from numba import cuda

from ._driver import BOOL, I64, NUMPY, array, check, flags, grid, kernel, launch, pick


@kernel
def put(out, a, index, lines, ndim, dim, out_n, add, shape, out_strides, index_strides, bad):
    """Lines of shape[dim] elements."""
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        rest = line
        at, where = 0, 0
        for k in range(ndim):
            d = ndim - 1 - k
            if d != dim:
                c = rest % shape[d]
                rest = rest // shape[d]
                at += c * out_strides[d]
                where += c * index_strides[d]
        for c in range(shape[dim]):
            i = where + c * index_strides[dim]
            k = index[i]
            if k < 0:
                k += out_n
            if k < 0 or k >= out_n:
                bad[0] = 1
            elif add:
                out[at + k * out_strides[dim]] += a[i]
            else:
                out[at + k * out_strides[dim]] = a[i]


def scatter(tensors, ints, floats):
    """The body of udl_scatter."""
    out, a, index = tensors
    code, ndim, dim, out_n, add = ints[:5]
    shape, out_strides, index_strides = (tuple(ints[5 + 8 * k : 13 + 8 * k]) for k in range(3))
    if code not in NUMPY or (code == BOOL and add):
        return False
    lines = 1
    for d in range(ndim):
        lines *= shape[d] if d != dim else 1
    hold, bad = flags()
    launch(put, grid(lines), pick(256, 4), array(out), array(a), array(index, I64), lines, ndim, dim, out_n, add, shape, out_strides,
           index_strides, bad)  # fmt: skip
    check("scatter", bad)
    del hold
    return True
