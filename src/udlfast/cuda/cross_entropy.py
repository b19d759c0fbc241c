"""loss = w_t (lse - x_t) with label smoothing, from logits x[N, C, L], and its gradient; formulas as in csrc/kernels/cross_entropy.c.

One block a position (n, l): the maximum, then the sums, by a tree. The totals are joined in float64 by one block, in order. Floor: x read
twice (the second time from the caches); backward x read and gx written.
"""

import functools

import numpy as np
from numba import cuda, float64

from ._block import sums, sums_of_two, tops
from ._driver import FLOATS, I64, array, check, flags, grid, kernel, launch, pick
from ._math import exp, log
from .reduce import TYPES

THREADS = pick(256, 4)


@functools.cache
def loss_kernel(number, has_w):
    """loss, lse and the weight of each position."""
    kind, zero, lowest = TYPES[number], number(0), number(-np.inf)

    def run(loss, lse, weights, x, target, w, N, C, L, ignore, smoothing, bad):
        s = cuda.shared.array(THREADS, kind)
        q = cuda.shared.array(THREADS, kind)
        u = cuda.shared.array(THREADS, kind)
        t, j = cuda.threadIdx.x, cuda.blockIdx.x
        at = (j // L) * C * L + j % L
        k = target[j]
        v = lowest
        for c in range(t, C, THREADS):
            y = x[at + c * L]
            v = y if y > v or y != y else v
        s[t] = v
        tops(s, t, t, THREADS, 1)
        top = s[0]
        cuda.syncthreads()
        v, dev, sum_w = zero, zero, zero
        for c in range(t, C, THREADS):
            d = x[at + c * L] - top
            v += exp(d)
            if smoothing > 0:
                f = w[c] if has_w else number(1)
                if f != 0:
                    dev += f * d
                sum_w += f
        s[t] = v
        q[t] = dev
        u[t] = sum_w
        sums_of_two(s, q, t, t, THREADS, 1)
        sums(u, t, t, THREADS, 1)
        if t == 0:
            low = log(s[0])
            lse[j] = top
            lse[N * L + j] = low
            if k == ignore:
                loss[j] = zero
                weights[j] = zero
            elif k < 0 or k >= C:
                bad[0] = 1
            else:
                f = w[k] if has_w else number(1)
                y = f * ((top - x[at + k * L]) + low) if f != 0 else zero
                if smoothing > 0:
                    y = (number(1) - smoothing) * y + smoothing / number(C) * (low * u[0] - q[0])
                loss[j] = y
                weights[j] = f

    return kernel(run)


@kernel
def totals(total, loss, weights, n):
    """total = (sum of losses, sum of weights), in float64."""
    s = cuda.shared.array(THREADS, float64)
    q = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    a, b = np.float64(0), np.float64(0)
    for i in range(t, n, THREADS):
        a += loss[i]
        b += weights[i]
    s[t] = a
    q[t] = b
    sums_of_two(s, q, t, t, THREADS, 1)
    if t == 0:
        total[0] = s[0]
        total[1] = q[0]


@functools.cache
def gradient_kernel(number, has_w, reduction):
    """gx = g [(1 - s) w_t (p_c - [c = t]) + s / C (p_c sum_k w_k - w_c)]"""
    zero, one = number(0), number(1)

    def run(gx, g, x, target, w, lse, total, n, NL, C, L, ignore, smoothing, sum_w):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            c = (i // L) % C
            j = (i // L // C) * L + i % L
            k = target[j]
            v = zero
            if k != ignore:
                up = g[j] if reduction == 0 else (g[0] / total[1] if reduction == 1 else g[0])
                p = exp((x[i] - lse[j]) - lse[NL + j])
                f = w[k] if has_w else one
                v = (one - smoothing) * f * (p - (one if c == k else zero))
                if smoothing > 0:
                    v += smoothing / number(C) * (p * sum_w - (w[c] if has_w else one))
                v *= up
            gx[i] = v

    return kernel(run)


def cross_entropy(tensors, ints, floats):
    """The body of udl_cross_entropy."""
    from ._driver import scratch

    loss, lse, total, x, target, weight = tensors
    code, N, C, L, ignore, _ = ints
    if code not in FLOATS or N * C * L == 0:
        return False
    number, o = FLOATS[code], array(x)
    hold, bad = flags()
    keep, weights = scratch(N * L, number)
    out = array(loss)
    launch(loss_kernel(number, weight is not None), N * L, THREADS, out, array(lse), weights, o, array(target, I64),
           o if weight is None else array(weight), N, C, L, ignore, number(floats[0]), bad)  # fmt: skip
    launch(totals, 1, THREADS, array(total), out, weights, N * L)
    check("cross_entropy", bad)
    del hold, keep
    return True


def cross_entropy_backward(tensors, ints, floats):
    """The body of udl_cross_entropy_backward."""
    gx, g, x, target, weight, lse, total = tensors
    code, N, C, L, ignore, reduction, _ = ints
    if code not in FLOATS or N * C * L == 0 or (weight is not None and floats[0] > 0):
        return False
    number, o = FLOATS[code], array(x)
    launch(gradient_kernel(number, weight is not None, reduction), grid(N * C * L), THREADS, array(gx), array(g), o, array(target, I64),
           o if weight is None else array(weight), array(lse), array(total), N * C * L, N * L, C, L, ignore, number(floats[0]),
           number(C))  # fmt: skip
    return True
