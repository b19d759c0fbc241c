"""The gradients of attention from two numbers a row: weights are computed again, tile by tile.

With w = softmax weights, delta_l = sum_e gy out:  gv = w^T gy,  gs = w (gy v^T - delta) scale,  gq = gs k,  gk = gs^T q.
One kernel has tiles of queries and goes over the keys (gq), one has tiles of keys and goes over the queries of all heads that read them
(gk, gv): scores are computed twice, and no sum needs an atomic addition. Floor: 14 B H L S D operations (14/10 of one pass).
"""

import functools

import numpy as np
from numba import cuda

from . import _attention as at
from ._driver import FLOATS, U8, array, count_up, grid, kernel, launch, pick, scratch
from ._math import exp2_of
from .attention import scalars
from .reduce import TYPES


@functools.cache
def delta_kernel(number):
    """delta[b, h, l] = sum_e gy out"""
    zero = number(0)

    def run(delta, gy, out, p):
        for row in range(cuda.grid(1), p[at.B] * p[at.H] * p[at.L], cuda.gridsize(1)):
            li, bh = row % p[at.L], row // p[at.L]
            b, h = bh // p[at.H], bh % p[at.H]
            g = b * p[at.G_S] + h * p[at.G_S + 1] + li * p[at.G_S + 2]
            o = b * p[at.O_S] + h * p[at.O_S + 1] + li * p[at.O_S + 2]
            v = zero
            for e in range(p[at.E]):
                v += gy[g + e] * out[o + e]
            delta[row] = v

    return kernel(run)


@functools.cache
def query_kernel(number, W, mask_kind, causal, drop):
    """gq."""
    TX, TY, SC = at.tiles(W, False)
    kind, BQ, BS = TYPES[number], 4 * TY, TX * SC
    zero, one = number(0), number(1)
    load, scores, add, _ = at.parts(number, W, W, TX, TY, SC)
    see, factor_of, exp2 = at.seen(number, mask_kind, causal), at.dropped(number, drop), exp2_of(number)
    quads = W // (4 * TX)
    cols, lead = 4 * quads, BS + 4
    size_q, size_k, size_p, n_acc, n_sc = BQ * (W + 4), BS * (W + 4), BQ * lead, 4 * cols, 4 * SC

    def run(gq, q, k, v, mask, stats, delta, gy, p, scale, scale2, seed, offset, limit, factor):
        qs = cuda.shared.array(size_q, kind)
        gs = cuda.shared.array(size_q, kind)
        ks = cuda.shared.array(size_k, kind)
        vs = cuda.shared.array(size_k, kind)
        ps = cuda.shared.array(size_p, kind)
        acc = cuda.local.array(n_acc, kind)
        sc = cuda.local.array(n_sc, kind)
        dp = cuda.local.array(n_sc, kind)
        t = cuda.threadIdx.x
        tx, ty = t % TX, t // TX
        l0, bh = cuda.blockIdx.x * BQ, cuda.blockIdx.y
        b, h = bh // p[at.H], bh % p[at.H]
        kb = b * p[at.K_S] + (h // p[at.G]) * p[at.K_S + 1]
        vb = b * p[at.V_S] + (h // p[at.G]) * p[at.V_S + 1]
        mb = b * p[at.M_S] + h * p[at.M_S + 1]
        load(qs, W, BQ, q, b * p[at.Q_S] + h * p[at.Q_S + 1] + l0 * p[at.Q_S + 2], p[at.Q_S + 2], p[at.L] - l0, p[at.D], scale2, t)
        load(gs, W, BQ, gy, b * p[at.G_S] + h * p[at.G_S + 1] + l0 * p[at.G_S + 2], p[at.G_S + 2], p[at.L] - l0, p[at.E], one, t)
        for i in range(n_acc):
            acc[i] = zero
        end = min(p[at.S], l0 + BQ) if causal else p[at.S]
        for s0 in range(0, end, BS):
            cuda.syncthreads()
            wild = load(ks, W, BS, k, kb + s0 * p[at.K_S + 2], p[at.K_S + 2], p[at.S] - s0, p[at.D], one, t)
            load(vs, W, BS, v, vb + s0 * p[at.V_S + 2], p[at.V_S + 2], p[at.S] - s0, p[at.E], one, t)
            careful = cuda.syncthreads_or(np.int32(1 if wild else 0)) != 0
            scores(sc, qs, ks, W, ty, tx)
            scores(dp, gs, vs, W, ty, tx)
            for i in range(4):
                li = l0 + 4 * ty + i
                row = bh * p[at.L] + min(li, p[at.L] - 1)
                inverse = stats[p[at.B] * p[at.H] * p[at.L] + row]
                for c in range(SC):
                    si = s0 + tx + c * TX
                    w = zero
                    if inverse != 0:
                        w = exp2(see(sc[i * SC + c], mask, mb, p, li, si) - stats[row]) * inverse
                        if w != 0:  # a hidden NaN stays hidden
                            u = dp[i * SC + c]
                            if drop:
                                u *= factor_of(p, bh, li, si, seed, offset, limit, factor)
                            w *= (u - delta[row]) * scale
                    ps[(4 * ty + i) * lead + tx + c * TX] = w
            cuda.syncthreads()
            add(acc, ps, lead, ks, BS, ty, tx, careful)
        for i in range(4):
            li = l0 + 4 * ty + i
            if li < p[at.L]:
                o = b * p[at.GQ_S] + h * p[at.GQ_S + 1] + li * p[at.GQ_S + 2]
                for c in range(quads):
                    for j in range(4):
                        d = 4 * tx + 4 * TX * c + j
                        if d < p[at.D]:
                            gq[o + d] = acc[i * cols + 4 * c + j]

    return kernel(run)


@functools.cache
def key_kernel(number, W, mask_kind, causal, drop):
    """gk and gv."""
    TX, TY, SC = at.tiles(W, False)
    kind, BK, BS = TYPES[number], 4 * TY, TX * SC
    zero, one = number(0), number(1)
    load, scores, add, _ = at.parts(number, W, W, TX, TY, SC)
    see, factor_of, exp2 = at.seen(number, mask_kind, causal), at.dropped(number, drop), exp2_of(number)
    quads = W // (4 * TX)
    cols, lead = 4 * quads, BS + 4
    size_q, size_k, size_p, n_acc, n_sc = BS * (W + 4), BK * (W + 4), BK * lead, 4 * cols, 4 * SC

    def run(gk, gv, q, k, v, mask, stats, delta, gy, p, scale, scale2, seed, offset, limit, factor):
        qs = cuda.shared.array(size_q, kind)
        gs = cuda.shared.array(size_q, kind)
        ks = cuda.shared.array(size_k, kind)
        vs = cuda.shared.array(size_k, kind)
        ps = cuda.shared.array(size_p, kind)
        ws = cuda.shared.array(size_p, kind)
        ak = cuda.local.array(n_acc, kind)
        av = cuda.local.array(n_acc, kind)
        sc = cuda.local.array(n_sc, kind)
        dp = cuda.local.array(n_sc, kind)
        t = cuda.threadIdx.x
        tx, ty = t % TX, t // TX
        s0, heads = cuda.blockIdx.x * BK, p[at.H] // p[at.G]
        b, hk = cuda.blockIdx.y // heads, cuda.blockIdx.y % heads
        load(ks, W, BK, k, b * p[at.K_S] + hk * p[at.K_S + 1] + s0 * p[at.K_S + 2], p[at.K_S + 2], p[at.S] - s0, p[at.D], one, t)
        load(vs, W, BK, v, b * p[at.V_S] + hk * p[at.V_S + 1] + s0 * p[at.V_S + 2], p[at.V_S + 2], p[at.S] - s0, p[at.E], one, t)
        for i in range(n_acc):
            ak[i] = zero
            av[i] = zero
        for h in range(hk * p[at.G], (hk + 1) * p[at.G]):
            bh = b * p[at.H] + h
            mb = b * p[at.M_S] + h * p[at.M_S + 1]
            for l0 in range((s0 // BS) * BS if causal else 0, p[at.L], BS):
                cuda.syncthreads()
                qb, gb = b * p[at.Q_S] + h * p[at.Q_S + 1], b * p[at.G_S] + h * p[at.G_S + 1]
                wild = load(qs, W, BS, q, qb + l0 * p[at.Q_S + 2], p[at.Q_S + 2], p[at.L] - l0, p[at.D], one, t)
                also = load(gs, W, BS, gy, gb + l0 * p[at.G_S + 2], p[at.G_S + 2], p[at.L] - l0, p[at.E], one, t)
                careful = cuda.syncthreads_or(np.int32(1 if wild or also else 0)) != 0
                scores(sc, ks, qs, W, ty, tx)
                scores(dp, vs, gs, W, ty, tx)
                for c in range(SC):
                    li = l0 + tx + c * TX
                    row = bh * p[at.L] + min(li, p[at.L] - 1)
                    inverse = stats[p[at.B] * p[at.H] * p[at.L] + row]
                    for i in range(4):
                        si = s0 + 4 * ty + i
                        w, u = zero, zero
                        if inverse != 0:
                            w = exp2(see(sc[i * SC + c] * scale2, mask, mb, p, li, si) - stats[row]) * inverse
                            keep = one
                            if drop:
                                keep = factor_of(p, bh, li, si, seed, offset, limit, factor)
                            if w != 0:
                                u = w * (dp[i * SC + c] * keep - delta[row]) * scale
                            w *= keep
                        ws[(4 * ty + i) * lead + tx + c * TX] = w
                        ps[(4 * ty + i) * lead + tx + c * TX] = u
                cuda.syncthreads()
                add(ak, ps, lead, qs, BS, ty, tx, careful)
                add(av, ws, lead, gs, BS, ty, tx, careful)
        for i in range(4):
            si = s0 + 4 * ty + i
            if si < p[at.S]:
                ok = b * p[at.GK_S] + hk * p[at.GK_S + 1] + si * p[at.GK_S + 2]
                ov = b * p[at.GV_S] + hk * p[at.GV_S + 1] + si * p[at.GV_S + 2]
                for c in range(quads):
                    for j in range(4):
                        d = 4 * tx + 4 * TX * c + j
                        if d < p[at.D]:
                            gk[ok + d] = ak[i * cols + 4 * c + j]
                        if d < p[at.E]:
                            gv[ov + d] = av[i * cols + 4 * c + j]

    return kernel(run)


def attention_backward(tensors, ints, floats):
    """The body of udl_attention_backward."""
    gq, gk, gv, q, k, v, mask, out, stats, gy = tensors
    code, p, rest = ints[0], tuple(ints[1:24] + ints[28:40]), ints[24:28]
    W = at.width(max(p[at.D], p[at.E]))
    heads = p[at.B] * p[at.H]
    if code not in FLOATS or W is None or 0 in p[:7] or heads > 65535:
        return False
    number = FLOATS[code]
    mask_kind, causal, drop, seed, offset, limit, factor = scalars(number, rest, floats)
    TX, TY, _ = at.tiles(W, False)
    o, g = array(q), array(gy)
    m = o if mask is None else array(mask, U8 if mask_kind == 1 else None)
    hold, delta = scratch(heads * p[at.L], number)
    launch(delta_kernel(number), grid(heads * p[at.L]), pick(256, 4), delta, g, array(out), p)
    common = (
        o,
        array(k),
        array(v),
        m,
        array(stats),
        delta,
        g,
        p,
        number(floats[0]),
        number(floats[0] * at.LOG2E),
        seed,
        offset,
        limit,
        factor,
    )
    if gq is not None:
        launch(query_kernel(number, W, mask_kind, causal, drop), (count_up(p[at.L], 4 * TY), heads), TX * TY, array(gq), *common)
    if gk is not None or gv is not None:
        spare = None
        if gk is None or gv is None:  # the kernel writes both
            other = gk if gv is None else gv
            spare = scratch(len(array(other)), number)
        launch(key_kernel(number, W, mask_kind, causal, drop), (count_up(p[at.S], 4 * TY), p[at.B] * (p[at.H] // p[at.G])), TX * TY,
               spare[1] if gk is None else array(gk), spare[1] if gv is None else array(gv), *common)  # fmt: skip
    del hold
    return True
