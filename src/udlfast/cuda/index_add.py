"""out[o, index[j], i] += a[o, j, i], in the order of j: the gradient of an embedding.

No atomic additions, so that the bits are the same every time: a block owns rows of out, goes through the list of indices with all its
threads, and where one is among its rows the threads add the row of a, one element each. The list is read once a block, from the caches;
floor: a read, the rows of out that occur read and written.
"""

from numba import cuda, int64

from .. import _core
from ._driver import F32, F64, I64, NUMPY, array, check, count_up, flags, kernel, launch, pick
from .index_select import SIZES

THREADS, BLOCKS = pick(256, 4), pick(528, 3)


@kernel
def add(out, a, index, n, inner, n_index, skip, store, strict, per_block, bad):
    """Rows per_block b .. of out[o]."""
    s = cuda.shared.array(THREADS, int64)
    t = cuda.threadIdx.x
    low = cuda.blockIdx.x * per_block
    high = min(n, low + per_block)
    o = cuda.blockIdx.y
    for begin in range(0, n_index, THREADS):
        cuda.syncthreads()
        if begin + t < n_index:
            k = index[begin + t]
            if k == skip:
                s[t] = -1
            else:
                if k < 0 and not strict:
                    k += n
                if k < 0 or k >= n:
                    bad[0] = 1
                s[t] = k
        cuda.syncthreads()
        for j in range(min(THREADS, n_index - begin)):
            k = s[j]
            if low <= k < high:
                for i in range(t, inner, THREADS):
                    v = a[(o * n_index + begin + j) * inner + i]
                    if store:
                        out[(o * n + k) * inner + i] = v
                    else:
                        out[(o * n + k) * inner + i] += v


def index_add(tensors, ints, floats):
    """The body of udl_index_add, which also stores rows (index_copy)."""
    out, a, index = tensors
    how, outer, n, inner, n_index, skip = ints
    store, strict, code = how % 512 >= 256, how >= 512, how % 256
    if (code not in SIZES if store else code not in (F32, F64, I64)) or outer > 65535:
        return False
    kind = SIZES[code] if store else NUMPY[code]
    hold, bad = flags()
    per_block = count_up(n, BLOCKS)
    o, x = (block.view(offset, kind) for block, offset in map(_core.block_of, (out, a)))
    blocks = (count_up(n, per_block), outer)
    launch(add, blocks, THREADS, o, x, array(index, I64), n, inner, n_index, skip, int(store), int(strict), per_block, bad)
    check("index_add", bad)
    del hold
    return True
