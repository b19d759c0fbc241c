"""The tiled product under matmul and convolution: out = A B with both read through functions of their own.

A block of THREADS threads computes a tile [BM, BN] of the product, each thread 8 x 8 of it: rows 4 ty .. 4 ty + 3 and the same half a tile
further, columns likewise, so that the threads of a warp read 16 neighbouring bytes each from shared memory, without conflicts.
Along k the tile moves by BK. Shared memory has two buffers: while the threads multiply from one, what they have already loaded from
global memory waits in registers, and goes into the other before the only barrier of the step.

            BK           A buffer lies as [BK, BM] and [BK, BN], so that for each k a thread reads two quads of a column of A
        +--------+       and two quads of a row of B: 16 numbers for 64 multiply-adds. A fetch function gives four elements of A
     BM |   A    |       that are neighbours along k or along m, whichever lies together in memory (along_k), and zeros outside.
        +--------+
"""

import functools

from numba import cuda, float32, float64

from ._driver import F64, FLOATS, device, kernel, pick
from ._vector import load4, store4

BM = BN = pick(128, 16)
BK = 8
TY, TX = BM // 8, BN // 8
THREADS = TX * TY
QUADS = BM * BK // (4 * THREADS)  # that a thread loads of A (and of B) a step: 1 on a device


@functools.cache
def make(code, fetch_a, fetch_b, store, a_along_k, b_along_k):
    """The kernel of one product: kernel(out, a, b, e1, e2, p, alpha, beta).

    fetch_a(a, p, batch, m, k) -> four of A from (m, k) on, along k if a_along_k, else along m; fetch_b(b, p, batch, k, n) likewise;
    store(out, e1, e2, p, alpha, beta, batch, m, n, v0, v1, v2, v3) takes four sums along n. p: (m, n, k, batches, splits, ...) integers.
    Block (x, y, z): tile of columns x, of rows y, and z = batch splits + split. A split computes a part of k, cut by the shape alone.
    """
    number = float64 if code == F64 else float32
    zero = FLOATS[code](0)
    per_row = BK // 4
    held = 4 * QUADS
    row_a, row_b = BM + 4, BN + 4  # rows padded by a quad: stores of a transposed tile meet fewer conflicts, quads stay aligned
    size_a, size_b = 2 * BK * row_a, 2 * BK * row_b

    @device
    def row(out, e1, e2, p, alpha, beta, z, m, n, v0, v1, v2, v3, v4, v5, v6, v7):
        store(out, e1, e2, p, alpha, beta, z, m, n, v0, v1, v2, v3)
        store(out, e1, e2, p, alpha, beta, z, m, n + BN // 2, v4, v5, v6, v7)

    def product(out, a, b, e1, e2, p, alpha, beta):
        as_ = cuda.shared.array(size_a, number)
        bs = cuda.shared.array(size_b, number)
        acc = cuda.local.array(64, number)
        af = cuda.local.array(8, number)
        bf = cuda.local.array(8, number)
        ra = cuda.local.array(held, number)
        rb = cuda.local.array(held, number)
        t = cuda.threadIdx.x
        tx, ty = t % TX, t // TX
        n0, m0 = cuda.blockIdx.x * BN, cuda.blockIdx.y * BM
        batch, split = cuda.blockIdx.z // p[4], cuda.blockIdx.z % p[4]
        steps = (p[2] + BK - 1) // BK
        first = steps * split // p[4]
        last = steps * (split + 1) // p[4]
        for i in range(64):
            acc[i] = zero
        for step in range(first, last + 1):
            if step < last:  # the next tile, from global memory into registers
                k0 = step * BK
                for q in range(QUADS):
                    s = t + q * THREADS
                    if a_along_k:
                        v0, v1, v2, v3 = fetch_a(a, p, batch, m0 + s // per_row, k0 + 4 * (s % per_row))
                    else:
                        v0, v1, v2, v3 = fetch_a(a, p, batch, m0 + 4 * (s % (BM // 4)), k0 + s // (BM // 4))
                    ra[4 * q], ra[4 * q + 1], ra[4 * q + 2], ra[4 * q + 3] = v0, v1, v2, v3
                    if b_along_k:
                        v0, v1, v2, v3 = fetch_b(b, p, batch, k0 + 4 * (s % per_row), n0 + s // per_row)
                    else:
                        v0, v1, v2, v3 = fetch_b(b, p, batch, k0 + s // (BN // 4), n0 + 4 * (s % (BN // 4)))
                    rb[4 * q], rb[4 * q + 1], rb[4 * q + 2], rb[4 * q + 3] = v0, v1, v2, v3
            if step > first:  # the tile that lies in shared memory
                half = ((step - first + 1) % 2) * BK
                for k in range(BK):
                    ia, ib = (half + k) * row_a + 4 * ty, (half + k) * row_b + 4 * tx
                    af[0], af[1], af[2], af[3] = load4(as_, ia)
                    af[4], af[5], af[6], af[7] = load4(as_, ia + BM // 2)
                    bf[0], bf[1], bf[2], bf[3] = load4(bs, ib)
                    bf[4], bf[5], bf[6], bf[7] = load4(bs, ib + BN // 2)
                    for i in range(8):
                        for j in range(8):
                            acc[8 * i + j] += af[i] * bf[j]
            if step < last:
                half = ((step - first) % 2) * BK
                for q in range(QUADS):
                    s = t + q * THREADS
                    if a_along_k:
                        for j in range(4):
                            as_[(half + 4 * (s % per_row) + j) * row_a + s // per_row] = ra[4 * q + j]
                    else:
                        store4(
                            as_,
                            (half + s // (BM // 4)) * row_a + 4 * (s % (BM // 4)),
                            ra[4 * q],
                            ra[4 * q + 1],
                            ra[4 * q + 2],
                            ra[4 * q + 3],
                        )
                    if b_along_k:
                        for j in range(4):
                            bs[(half + 4 * (s % per_row) + j) * row_b + s // per_row] = rb[4 * q + j]
                    else:
                        store4(
                            bs,
                            (half + s // (BN // 4)) * row_b + 4 * (s % (BN // 4)),
                            rb[4 * q],
                            rb[4 * q + 1],
                            rb[4 * q + 2],
                            rb[4 * q + 3],
                        )
                cuda.syncthreads()
        # written out: in a loop with a large epilogue the sums would not stay in registers, which have no addresses
        m, n, z = m0 + 4 * ty, n0 + 4 * tx, cuda.blockIdx.z
        row(out, e1, e2, p, alpha, beta, z, m + 0, n, acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7])
        row(out, e1, e2, p, alpha, beta, z, m + 1, n, acc[8], acc[9], acc[10], acc[11], acc[12], acc[13], acc[14], acc[15])
        row(out, e1, e2, p, alpha, beta, z, m + 2, n, acc[16], acc[17], acc[18], acc[19], acc[20], acc[21], acc[22], acc[23])
        row(out, e1, e2, p, alpha, beta, z, m + 3, n, acc[24], acc[25], acc[26], acc[27], acc[28], acc[29], acc[30], acc[31])
        row(out, e1, e2, p, alpha, beta, z, m + 0 + BM // 2, n, acc[32], acc[33], acc[34], acc[35], acc[36], acc[37], acc[38], acc[39])
        row(out, e1, e2, p, alpha, beta, z, m + 1 + BM // 2, n, acc[40], acc[41], acc[42], acc[43], acc[44], acc[45], acc[46], acc[47])
        row(out, e1, e2, p, alpha, beta, z, m + 2 + BM // 2, n, acc[48], acc[49], acc[50], acc[51], acc[52], acc[53], acc[54], acc[55])
        row(out, e1, e2, p, alpha, beta, z, m + 3 + BM // 2, n, acc[56], acc[57], acc[58], acc[59], acc[60], acc[61], acc[62], acc[63])

    return kernel(product)
