"""The tiled product on tensor cores: out = A B of bfloat16 numbers, or of float32 numbers rounded to TF32 or bfloat16, added in float32.

As _tiles.py, with other registers: a block of WARPS_M x WARPS_N warps computes a tile [BM, BN], a warp ROWS x COLUMNS tiles [16, 8] of it
(_mma.py). Shared memory holds words of 32 bits along k, [WORDS, BM] and [WORDS, BN], two buffers of each; rows are padded by 8 words, so
that the 32 lanes, which read 8 neighbours of 4 rows, meet each bank once. What is rounded is rounded on the way from global to shared
memory.

A step of 16 words is 2 x 16 instructions a warp (16 x 8 x 16 multiply-adds each with bfloat16) for 48 loads of 4 bytes a lane from shared
memory.
"""

import functools

import numpy as np
from numba import cuda, float32, uint32

from ._driver import BF16, device, kernel, pick
from ._half import from_bf16
from ._mma import mma_bf16, mma_tf32, pack, tf32
from ._vector import load4, store4

WARPS_M, WARPS_N, ROWS, COLUMNS, WORDS = pick((2, 4, 4, 4, 16), (2, 1, 1, 2, 8))
BM, BN = 16 * ROWS * WARPS_M, 8 * COLUMNS * WARPS_N
THREADS = 32 * WARPS_M * WARPS_N
K = 2  # in p


def read(code):
    """Device function: element i of an array of numbers of this type, as float32."""
    return device(lambda x, i: from_bf16(x[i])) if code == BF16 else device(lambda x, i: x[i])


@device
def two(low, high):
    """Two bfloat16 as a word."""
    return np.uint32(np.uint32(low) | np.uint32(high) << np.uint32(16))


@functools.cache
def fetch(way, code, bf16, size, batch_stride, stride, k_stride):
    """Device function (x, p, batch, r, w): four words, of row r of a matrix (column, for B) along k from word w on, or of rows r .. r + 3.

    way: "k", words that lie together; "r", rows that lie together; "s", any strides, along k. code: what the matrix is made of. bf16: words
    are pairs of bfloat16, else one TF32. The others say where in p the number of rows and the strides are.
    """
    none, zero, get = np.uint32(0), np.float32(0), read(code)
    each = 2 if bf16 else 1
    if way == "k" and code == BF16:  # x: an array of words

        def words(x, p, batch, r, w):
            if r < p[size] and 2 * w < p[K]:
                return load4(x, (batch * p[batch_stride] + r * p[stride]) // 2 + w)
            return none, none, none, none

    elif way == "k":

        def words(x, p, batch, r, w):
            if r < p[size] and each * w < p[K]:
                i = batch * p[batch_stride] + r * p[stride] + each * w
                a, b, c, d = load4(x, i)
                if bf16:
                    e, f, g, h = load4(x, i + 4)
                    return pack(a, b), pack(c, d), pack(e, f), pack(g, h)
                return tf32(a), tf32(b), tf32(c), tf32(d)
            return none, none, none, none

    elif way == "r" and code == BF16:

        def words(x, p, batch, r, w):
            if r < p[size] and 2 * w < p[K]:
                i = batch * p[batch_stride] + r + 2 * w * p[k_stride]
                a, b, c, d = load4(x, i)
                e, f, g, h = np.uint16(0), np.uint16(0), np.uint16(0), np.uint16(0)
                if 2 * w + 1 < p[K]:
                    e, f, g, h = load4(x, i + p[k_stride])
                return two(a, e), two(b, f), two(c, g), two(d, h)
            return none, none, none, none

    elif way == "r":

        def words(x, p, batch, r, w):
            if r < p[size] and each * w < p[K]:
                i = batch * p[batch_stride] + r + each * w * p[k_stride]
                a, b, c, d = load4(x, i)
                if bf16:
                    e, f, g, h = zero, zero, zero, zero
                    if 2 * w + 1 < p[K]:
                        e, f, g, h = load4(x, i + p[k_stride])
                    return pack(a, e), pack(b, f), pack(c, g), pack(d, h)
                return tf32(a), tf32(b), tf32(c), tf32(d)
            return none, none, none, none

    else:

        @device
        def one(x, p, batch, r, w):
            i, k = batch * p[batch_stride] + r * p[stride] + each * w * p[k_stride], each * w
            if not (r < p[size] and k < p[K]):
                return none
            if bf16:
                return pack(get(x, i), get(x, i + p[k_stride]) if k + 1 < p[K] else zero)
            return tf32(get(x, i))

        def words(x, p, batch, r, w):
            return one(x, p, batch, r, w), one(x, p, batch, r, w + 1), one(x, p, batch, r, w + 2), one(x, p, batch, r, w + 3)

    return device(words)


def writer(put, tiles):
    """Device function that writes the first sums of a lane: written out by nesting, because in a loop with a large body the sums would not
    stay in registers, which have no addresses."""
    if tiles == 0:
        return device(lambda out, e1, e2, p, alpha, batch, m, n, acc: None)
    before, c = writer(put, tiles - 1), 4 * (tiles - 1)
    down, right = 16 * ((tiles - 1) // COLUMNS), 8 * ((tiles - 1) % COLUMNS)

    @device
    def finish(out, e1, e2, p, alpha, batch, m, n, acc):
        before(out, e1, e2, p, alpha, batch, m, n, acc)
        put(out, e1, e2, p, alpha, batch, m + down, n + right, acc[c])
        put(out, e1, e2, p, alpha, batch, m + down, n + right + 1, acc[c + 1])
        put(out, e1, e2, p, alpha, batch, m + down + 8, n + right, acc[c + 2])
        put(out, e1, e2, p, alpha, batch, m + down + 8, n + right + 1, acc[c + 3])

    return finish


@functools.cache
def make(bf16, fetch_a, fetch_b, put, a_along_k, b_along_k):
    """The kernel of one product: kernel(out, a, b, e1, e2, p, alpha, beta), as in _tiles.py.

    put(out, e1, e2, p, alpha, batch, m, n, v) takes one sum.
    """
    mma = mma_bf16 if bf16 else mma_tf32
    zero = np.float32(0)
    each = 2 if bf16 else 1
    row_a, row_b = BM + 8, BN + 8
    quads_a, quads_b = BM * WORDS // 4, BN * WORDS // 4
    size_a, size_b = 2 * WORDS * row_a, 2 * WORDS * row_b
    turns_a, turns_b = -(-quads_a // THREADS), -(-quads_b // THREADS)
    held_a, held_b, held_w, sums = 4 * turns_a, 4 * turns_b, 2 * COLUMNS, 4 * ROWS * COLUMNS

    def mover(tile, row, along_k, quads, turns, get):
        """Device functions (take, put_down): a thread's quads from global memory into registers, and from there into shared memory."""
        exact, across = quads % THREADS == 0, tile // 4

        @device
        def take(held, x, p, batch, r0, w0, t):
            for turn in range(turns):
                s = t + turn * THREADS
                if exact or s < quads:
                    if along_k:
                        a, b, c, d = get(x, p, batch, r0 + s // (WORDS // 4), w0 + 4 * (s % (WORDS // 4)))
                    else:
                        a, b, c, d = get(x, p, batch, r0 + 4 * (s % across), w0 + s // across)
                    held[4 * turn], held[4 * turn + 1], held[4 * turn + 2], held[4 * turn + 3] = a, b, c, d

        @device
        def put_down(shared, half, held, t):
            for turn in range(turns):
                s = t + turn * THREADS
                if exact or s < quads:
                    if along_k:
                        for j in range(4):
                            shared[(half + 4 * (s % (WORDS // 4)) + j) * row + s // (WORDS // 4)] = held[4 * turn + j]
                    else:
                        i = (half + s // across) * row + 4 * (s % across)
                        store4(shared, i, held[4 * turn], held[4 * turn + 1], held[4 * turn + 2], held[4 * turn + 3])

        return take, put_down

    take_a, put_a = mover(BM, row_a, a_along_k, quads_a, turns_a, fetch_a)
    take_b, put_b = mover(BN, row_b, b_along_k, quads_b, turns_b, fetch_b)

    finish = writer(put, ROWS * COLUMNS)

    def product(out, a, b, e1, e2, p, alpha, beta):
        as_ = cuda.shared.array(size_a, uint32)
        bs = cuda.shared.array(size_b, uint32)
        acc = cuda.local.array(sums, float32)
        ra = cuda.local.array(held_a, uint32)
        rb = cuda.local.array(held_b, uint32)
        bf = cuda.local.array(held_w, uint32)
        t = cuda.threadIdx.x
        warp, g, q = t // 32, t % 32 // 4, t % 4
        wm, wn = warp % WARPS_M * 16 * ROWS, warp // WARPS_M * 8 * COLUMNS
        n0, m0, batch = cuda.blockIdx.x * BN, cuda.blockIdx.y * BM, cuda.blockIdx.z
        steps = (p[K] + each * WORDS - 1) // (each * WORDS)
        for i in range(sums):
            acc[i] = zero
        for step in range(steps + 1):
            if step < steps:
                take_a(ra, a, p, batch, m0, step * WORDS, t)
                take_b(rb, b, p, batch, n0, step * WORDS, t)
            if step > 0:
                half = (step + 1) % 2 * WORDS
                for w in range(0, WORDS, 8):
                    for j in range(COLUMNS):
                        bf[2 * j] = bs[(half + w + q) * row_b + wn + 8 * j + g]
                        bf[2 * j + 1] = bs[(half + w + q + 4) * row_b + wn + 8 * j + g]
                    for i in range(ROWS):
                        ia = (half + w + q) * row_a + wm + 16 * i + g
                        a0, a1, a2, a3 = as_[ia], as_[ia + 8], as_[ia + 4 * row_a], as_[ia + 4 * row_a + 8]
                        for j in range(COLUMNS):
                            c = 4 * (COLUMNS * i + j)
                            acc[c], acc[c + 1], acc[c + 2], acc[c + 3] = mma(
                                a0, a1, a2, a3, bf[2 * j], bf[2 * j + 1], acc[c], acc[c + 1], acc[c + 2], acc[c + 3]
                            )
            if step < steps:
                half = step % 2 * WORDS
                put_a(as_, half, ra, t)
                put_b(bs, half, rb, t)
                cuda.syncthreads()
        finish(out, e1, e2, p, alpha, batch, m0 + wm + g, n0 + wn + 2 * q, acc)

    return kernel(product)
