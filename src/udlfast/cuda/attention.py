"""softmax(scale q k^T + mask) v in blocks, by an online softmax: scores are never in global memory.

A block has a tile of 4 TY queries and goes over the keys in tiles: scores in registers, the maximum of each row so far, weights 2^(s - max)
into shared memory, and the sums of weights times v in registers, scaled down when the maximum grows. Each thread sums the weights of its
own columns; rows are joined once, at the end. Floor: 4 B H L S D operations (half of them if causal) over the FMA peak; q, k, v and out
once over memory bandwidth.
"""

import functools

import numpy as np
from numba import cuda

from . import _attention as at
from ._driver import FLOATS, U8, array, count_up, kernel, launch
from ._math import exp2_of
from ._philox import threshold, unsigned
from .reduce import TYPES


@functools.cache
def kernel_of(number, DP, EP, mask_kind, causal, drop):
    """The kernel for heads of DP (q, k) and EP (v, out) numbers."""
    TX, TY, SC = at.tiles(max(DP, EP), True)
    kind, BQ, BS = TYPES[number], 4 * TY, TX * SC
    zero, one, lowest = number(0), number(1), number(-np.inf)
    load, scores, _, add = at.parts(number, DP, EP, TX, TY, SC)
    see, factor_of, exp2 = at.seen(number, mask_kind, causal), at.dropped(number, drop), exp2_of(number)
    quads = EP // (4 * TX)
    cols, wide = 4 * quads, max(DP, EP)
    size_q, size_k, lead = BQ * (DP + 4), BS * (wide + 4), BS + 4
    size_p, size_r, n_acc, n_sc = BQ * lead, BQ * (TX + 1), 4 * cols, 4 * SC

    def run(out, stats, q, k, v, mask, p, scale, seed, offset, limit, factor):
        qs = cuda.shared.array(size_q, kind)
        ks = cuda.shared.array(size_k, kind)
        ps = cuda.shared.array(size_p, kind)
        red = cuda.shared.array(size_r, kind)
        acc = cuda.local.array(n_acc, kind)
        sc = cuda.local.array(n_sc, kind)
        top = cuda.local.array(4, kind)
        total = cuda.local.array(4, kind)
        t = cuda.threadIdx.x
        tx, ty = t % TX, t // TX
        l0, bh = cuda.blockIdx.x * BQ, cuda.blockIdx.y
        b, h = bh // p[at.H], bh % p[at.H]
        kb = b * p[at.K_S] + (h // p[at.G]) * p[at.K_S + 1]
        vb = b * p[at.V_S] + (h // p[at.G]) * p[at.V_S + 1]
        mb = b * p[at.M_S] + h * p[at.M_S + 1]
        load(qs, DP, BQ, q, b * p[at.Q_S] + h * p[at.Q_S + 1] + l0 * p[at.Q_S + 2], p[at.Q_S + 2], p[at.L] - l0, p[at.D], scale, t)
        for i in range(n_acc):
            acc[i] = zero
        for i in range(4):
            top[i] = lowest
            total[i] = zero
        end = min(p[at.S], l0 + BQ) if causal else p[at.S]
        for s0 in range(0, end, BS):
            cuda.syncthreads()
            load(ks, DP, BS, k, kb + s0 * p[at.K_S + 2], p[at.K_S + 2], p[at.S] - s0, p[at.D], one, t)
            cuda.syncthreads()
            scores(sc, qs, ks, DP, ty, tx)
            for i in range(4):
                best = lowest
                for c in range(SC):
                    w = see(sc[i * SC + c], mask, mb, p, l0 + 4 * ty + i, s0 + tx + c * TX)
                    sc[i * SC + c] = w
                    best = w if w > best or w != w else best
                red[(4 * ty + i) * (TX + 1) + tx] = best
            cuda.syncthreads()
            wild = load(ks, EP, BS, v, vb + s0 * p[at.V_S + 2], p[at.V_S + 2], p[at.S] - s0, p[at.E], one, t)
            for i in range(4):
                best = top[i]
                for c in range(TX):
                    w = red[(4 * ty + i) * (TX + 1) + c]
                    best = w if w > best or w != w else best
                base = zero if best == lowest else best
                shrink = exp2(top[i] - base)
                top[i] = best
                total[i] *= shrink
                for c in range(cols):
                    acc[i * cols + c] *= shrink
                for c in range(SC):
                    w = exp2(sc[i * SC + c] - base)
                    total[i] += w
                    if drop:
                        w *= factor_of(p, bh, l0 + 4 * ty + i, s0 + tx + c * TX, seed, offset, limit, factor)
                    ps[(4 * ty + i) * lead + tx + c * TX] = w
            add(acc, ps, lead, ks, BS, ty, tx, cuda.syncthreads_or(np.int32(1 if wild else 0)) != 0)
        cuda.syncthreads()
        for i in range(4):
            red[(4 * ty + i) * (TX + 1) + tx] = total[i]
        cuda.syncthreads()
        for i in range(4):
            li = l0 + 4 * ty + i
            w = zero
            for c in range(TX):
                w += red[(4 * ty + i) * (TX + 1) + c]
            w = zero if w == 0 else one / w
            if li < p[at.L]:
                if tx == 0:
                    stats[bh * p[at.L] + li] = top[i]
                    stats[(p[at.B] * p[at.H] + bh) * p[at.L] + li] = w
                o = b * p[at.O_S] + h * p[at.O_S + 1] + li * p[at.O_S + 2]
                for c in range(quads):
                    for j in range(4):
                        e = 4 * tx + 4 * TX * c + j
                        if e < p[at.E]:
                            out[o + e] = acc[i * cols + 4 * c + j] * w

    return kernel(run)


def scalars(number, ints, floats):
    """(mask kind, causal, drop, seed, offset, threshold, factor) of a call."""
    mask_kind, causal, seed, offset = ints
    p = floats[1]
    return mask_kind, causal != 0, p > 0, unsigned(seed), unsigned(offset), threshold(p), number(1 / (1 - p))


def attention(tensors, ints, floats):
    """The body of udl_attention."""
    out, stats, q, k, v, mask = tensors
    code, p, rest = ints[0], tuple(ints[1:24]), ints[24:28]
    DP, EP = at.width(p[at.D]), at.width(p[at.E])
    if code not in FLOATS or DP is None or EP is None or 0 in p[:7] or p[at.B] * p[at.H] > 65535:
        return False
    number = FLOATS[code]
    mask_kind, causal, drop, seed, offset, limit, factor = scalars(number, rest, floats)
    DP = EP = max(DP, EP)
    TX, TY, _ = at.tiles(DP, True)
    o = array(q)
    m = o if mask is None else array(mask, U8 if mask_kind == 1 else None)
    hold = None
    if stats is None:
        from ._driver import scratch

        hold, kept = scratch(2 * p[at.B] * p[at.H] * p[at.L], number)
    else:
        kept = array(stats)
    launch(kernel_of(number, DP, EP, mask_kind, causal, drop), (count_up(p[at.L], 4 * TY), p[at.B] * p[at.H]), TX * TY, array(out), kept, o,
           array(k), array(v), m, p, number(floats[0] * at.LOG2E), seed, offset, limit, factor)  # fmt: skip
    del hold
    return True
