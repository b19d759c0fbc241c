"""What the attention kernels share: tiles in shared memory, products of tiles, and which scores a row may see.

A thread (tx, ty) of TX x TY holds rows 4 ty .. 4 ty + 3 of a tile. Of a product of rows with rows (scores) it has columns tx, tx + TX, ...;
of a product that is as wide as a head it has quads of columns 4 tx, 4 tx + 4 TX, ... Rows of tiles lie LEAD = width + 4 apart, so that
the 16 threads of a half warp, which read 16 bytes each of 16 rows, meet no bank twice.
"""

import numpy as np

from ._driver import SIMULATED, device
from ._philox import philox
from ._vector import load4

LOG2E = 1.4426950408889634
# integers of a call
B, H, G, L, S, D, E = range(7)
Q_S, K_S, V_S, O_S, M_S, G_S, GQ_S, GK_S, GV_S = 7, 10, 13, 16, 19, 23, 26, 29, 32


def width(n):
    """The width of tiles for heads of n numbers, or None: too wide."""
    if SIMULATED:
        return -(-n // 8) * 8
    return 64 if n <= 64 else 128 if n <= 128 else None


def tiles(wide, forward):
    """(TX, TY, columns of scores a thread) for a width."""
    if SIMULATED:
        return 2, 1 + forward, 2
    if forward:
        return (16, 16, 2) if wide <= 64 else (16, 8, 2)
    return (16, 8, 2) if wide <= 64 else (16, 4, 1)


def parts(number, DP, EP, TX, TY, SC):
    """Device functions (load, scores, add) for tiles of these sizes.

    load(tile, wide, rows, source, base, stride, left, n, factor, t): rows x wide numbers, times factor, zero outside [left, n); says
    whether this thread met an infinity or NaN.  scores(sc, x, y, wide, ty, tx): sc[4, SC] = rows of x by rows of y.
    add(acc, p, lead, v, rows, ty, tx, careful): acc[4, EP / TX] += p v; careful: weights of 0 hide what stands in v, NaN too.
    """
    threads = TX * TY
    zero = number(0)

    @device
    def load(tile, wide, rows, source, base, stride, left, n, factor, t):
        wild = False
        for e in range(t, rows * wide, threads):
            r, d = e // wide, e % wide
            x = source[base + r * stride + d] * factor if r < left and d < n else zero
            wild = wild or x - x != zero
            tile[r * (wide + 4) + d] = x
        return wild

    @device
    def scores(sc, x, y, wide, ty, tx):
        for i in range(4 * SC):
            sc[i] = zero
        for d in range(0, wide, 4):
            a0, a1, a2, a3 = load4(x, (4 * ty) * (wide + 4) + d)
            b0, b1, b2, b3 = load4(x, (4 * ty + 1) * (wide + 4) + d)
            c0, c1, c2, c3 = load4(x, (4 * ty + 2) * (wide + 4) + d)
            d0, d1, d2, d3 = load4(x, (4 * ty + 3) * (wide + 4) + d)
            for c in range(SC):
                k0, k1, k2, k3 = load4(y, (tx + c * TX) * (wide + 4) + d)
                sc[c] += a0 * k0 + a1 * k1 + a2 * k2 + a3 * k3
                sc[SC + c] += b0 * k0 + b1 * k1 + b2 * k2 + b3 * k3
                sc[2 * SC + c] += c0 * k0 + c1 * k1 + c2 * k2 + c3 * k3
                sc[3 * SC + c] += d0 * k0 + d1 * k1 + d2 * k2 + d3 * k3

    def make_add(wide):
        quads = wide // (4 * TX)
        cols = 4 * quads

        @device
        def row(acc, first, w, v0, v1, v2, v3):
            acc[first] += w * v0
            acc[first + 1] += w * v1
            acc[first + 2] += w * v2
            acc[first + 3] += w * v3

        @device
        def add(acc, p, lead, v, rows, ty, tx, careful):
            for s in range(rows):
                p0, p1 = p[(4 * ty) * lead + s], p[(4 * ty + 1) * lead + s]
                p2, p3 = p[(4 * ty + 2) * lead + s], p[(4 * ty + 3) * lead + s]
                for c in range(quads):
                    v0, v1, v2, v3 = load4(v, s * (wide + 4) + 4 * tx + 4 * TX * c)
                    if not careful or p0 != 0:
                        row(acc, 4 * c, p0, v0, v1, v2, v3)
                    if not careful or p1 != 0:
                        row(acc, cols + 4 * c, p1, v0, v1, v2, v3)
                    if not careful or p2 != 0:
                        row(acc, 2 * cols + 4 * c, p2, v0, v1, v2, v3)
                    if not careful or p3 != 0:
                        row(acc, 3 * cols + 4 * c, p3, v0, v1, v2, v3)

        @device
        def either(acc, p, lead, v, rows, ty, tx, careful):
            if careful:
                add(acc, p, lead, v, rows, ty, tx, True)
            else:
                add(acc, p, lead, v, rows, ty, tx, False)

        return either

    return load, scores, make_add(DP), make_add(EP)


def seen(number, mask_kind, causal):
    """Device function: a score after mask, causality and the edges; l, s are places, base that of mask[b, h]."""
    lowest, log2e = number(-np.inf), number(LOG2E)

    @device
    def see(score, mask, base, p, li, si):
        if li >= p[L] or si >= p[S]:
            return lowest
        if causal and si > li:
            return lowest
        if mask_kind == 1:
            return score if mask[base + li * p[M_S + 2] + si * p[M_S + 3]] != 0 else lowest
        if mask_kind == 2:
            m = mask[base + li * p[M_S + 2] + si * p[M_S + 3]]
            return lowest if m == lowest else score + m * log2e
        return score

    return see


def dropped(number, drop):
    """Device function: the factor of weight (b, h, l, s): 0 or 1 / (1 - p)."""
    zero, one = number(0), number(1)

    @device
    def factor_of(p, bh, li, si, seed, offset, limit, factor):
        if not drop:
            return one
        counter = np.uint64((bh * p[S] + si) * ((p[L] + 3) // 4) + li // 4)
        w0, w1, w2, w3 = philox(seed, offset + counter)
        j = li % 4
        w = w0 if j == 0 else (w1 if j == 1 else (w2 if j == 2 else w3))
        return factor if w >= limit else zero

    return factor_of
