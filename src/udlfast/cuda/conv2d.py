"""Convolution as a product of tiles whose second matrix exists only while it is fetched (implicit im2col); forward and both gradients.

forward   y[o, n p q]  = sum over (c, r, s)  of w[o, c r s]   x[n, c, p stride - pad + r dil, ...]
input     gx[c, n h w] = sum over (o, r, s)  of w[o, c, r s]  gy[n, o, (h + pad - r dil) / stride, ...] where that is whole
weight    gw[o, c r s] = sum over (n, p, q)  of gy[n, o, p q] x[n, c, p stride - pad + r dil, ...], k cut into parts, joined in order
Groups are the batch of the product. Where a column's image, row and column come from divisions, they do not change along k, and the
compiler takes them out of the loop. Floor: 2 N O P Q C R S / G operations over the FMA peak; x, w and y once over memory bandwidth.
"""

import functools

import numpy as np

from . import _tiles
from . import reduce as reduction
from ._driver import FLOATS, array, count_up, device, launch, pick, scratch
from ._vector import load4
from .matmul import activation, aligned

# integers of a call after (m, n, k, batches, splits)
N, C, H, W, O, R, S, P, Q, SH, SW, PH, PW, DH, DW, CG, OG = range(5, 22)  # noqa: E741
GROUP_BLOCKS, DEEP = pick(264, 4), pick(256, 16)  # blocks worth having; the least of k that a part is cut to


@device
def div(a, b):
    """a // b of numbers below 2^32 that are not negative: a 32-bit division costs a quarter of a 64-bit one."""
    return np.int64(np.uint32(a) // np.uint32(b))


@device
def mod(a, b):
    """a % b of such numbers."""
    return a - div(a, b) * b


@functools.cache
def image(number):
    """Device function: x[n, channel, p stride - pad + r dil, q stride - pad + s dil], zero outside."""
    zero = number(0)

    @device
    def at(x, g, n, channel, pq, r, s):
        h = div(pq, g[Q]) * g[SH] - g[PH] + r * g[DH]
        w = mod(pq, g[Q]) * g[SW] - g[PW] + s * g[DW]
        if h < 0 or h >= g[H] or w < 0 or w >= g[W]:
            return zero
        return x[((n * g[C] + channel) * g[H] + h) * g[W] + w]

    return at


@functools.cache
def forward_kernel(code, vector, act, bias):
    """y. vector: rows of w can be read four at a time."""
    number = FLOATS[code]
    zero, at, f = number(0), image(number), activation(act, number)

    @device
    def weight(w, g, group, m, k):
        if m >= g[0]:
            return zero, zero, zero, zero
        i = (group * g[OG] + m) * g[2] + k
        if vector:
            if k < g[2]:
                return load4(w, i)
            return zero, zero, zero, zero
        v0 = w[i] if k < g[2] else zero
        v1 = w[i + 1] if k + 1 < g[2] else zero
        v2 = w[i + 2] if k + 2 < g[2] else zero
        v3 = w[i + 3] if k + 3 < g[2] else zero
        return v0, v1, v2, v3

    @device
    def column(x, g, group, k, n):
        if k >= g[2]:
            return zero, zero, zero, zero
        pq, rs = g[P] * g[Q], g[R] * g[S]
        channel, r, s = group * g[CG] + div(k, rs), div(mod(k, rs), g[S]), mod(k, g[S])
        v0 = at(x, g, div(n, pq), channel, mod(n, pq), r, s) if n < g[1] else zero
        v1 = at(x, g, div(n + 1, pq), channel, mod(n + 1, pq), r, s) if n + 1 < g[1] else zero
        v2 = at(x, g, div(n + 2, pq), channel, mod(n + 2, pq), r, s) if n + 2 < g[1] else zero
        v3 = at(x, g, div(n + 3, pq), channel, mod(n + 3, pq), r, s) if n + 3 < g[1] else zero
        return v0, v1, v2, v3

    @device
    def put(y, e1, g, o, n, v):
        if n < g[1]:
            pq = g[P] * g[Q]
            if bias:
                v += e1[o]
            y[((div(n, pq)) * g[O] + o) * pq + mod(n, pq)] = f(v)

    @device
    def store(y, e1, e2, g, alpha, beta, z, m, n, v0, v1, v2, v3):
        if m < g[0]:
            o = z * g[OG] + m
            put(y, e1, g, o, n, v0)
            put(y, e1, g, o, n + 1, v1)
            put(y, e1, g, o, n + 2, v2)
            put(y, e1, g, o, n + 3, v3)

    return _tiles.make(code, weight, column, store, True, False)


@functools.cache
def input_kernel(code):
    """gx."""
    number = FLOATS[code]
    zero = number(0)

    @device
    def one_weight(w, g, group, m, k):
        if k >= g[2]:
            return zero
        rs = g[R] * g[S]
        return w[((group * g[OG] + div(k, rs)) * g[CG] + m) * rs + mod(k, rs)]

    @device
    def weight(w, g, group, m, k):
        if m >= g[0]:
            return zero, zero, zero, zero
        return (one_weight(w, g, group, m, k), one_weight(w, g, group, m, k + 1), one_weight(w, g, group, m, k + 2),
                one_weight(w, g, group, m, k + 3))  # fmt: skip

    @device
    def at(gy, g, n, o, r, s):
        if n >= g[1]:
            return zero
        hw = g[H] * g[W]
        h = div(mod(n, hw), g[W]) + g[PH] - r * g[DH]
        w = mod(n, g[W]) + g[PW] - s * g[DW]
        if h < 0 or w < 0 or mod(h, g[SH]) != 0 or mod(w, g[SW]) != 0 or div(h, g[SH]) >= g[P] or div(w, g[SW]) >= g[Q]:
            return zero
        return gy[(((div(n, hw)) * g[O] + o) * g[P] + div(h, g[SH])) * g[Q] + div(w, g[SW])]

    @device
    def column(gy, g, group, k, n):
        if k >= g[2]:
            return zero, zero, zero, zero
        rs = g[R] * g[S]
        o, r, s = group * g[OG] + div(k, rs), div(mod(k, rs), g[S]), mod(k, g[S])
        return at(gy, g, n, o, r, s), at(gy, g, n + 1, o, r, s), at(gy, g, n + 2, o, r, s), at(gy, g, n + 3, o, r, s)

    @device
    def put(gx, g, c, n, v):
        if n < g[1]:
            hw = g[H] * g[W]
            gx[((div(n, hw)) * g[C] + c) * hw + mod(n, hw)] = v

    @device
    def store(gx, e1, e2, g, alpha, beta, z, m, n, v0, v1, v2, v3):
        if m < g[0]:
            c = z * g[CG] + m
            put(gx, g, c, n, v0)
            put(gx, g, c, n + 1, v1)
            put(gx, g, c, n + 2, v2)
            put(gx, g, c, n + 3, v3)

    return _tiles.make(code, weight, column, store, True, False)


@functools.cache
def weight_kernel(code, vector):
    """Parts of gw: [splits, O, C/G R S]. vector: four places of gy can be read at once."""
    number = FLOATS[code]
    zero, at = number(0), image(number)

    @device
    def one(gy, g, o, k):
        if k >= g[2]:
            return zero
        pq = g[P] * g[Q]
        return gy[((div(k, pq)) * g[O] + o) * pq + mod(k, pq)]

    @device
    def gradient(gy, g, group, m, k):
        if m >= g[0]:
            return zero, zero, zero, zero
        o = group * g[OG] + m
        if vector:
            if k < g[2]:
                pq = g[P] * g[Q]
                return load4(gy, ((div(k, pq)) * g[O] + o) * pq + mod(k, pq))
            return zero, zero, zero, zero
        return one(gy, g, o, k), one(gy, g, o, k + 1), one(gy, g, o, k + 2), one(gy, g, o, k + 3)

    @device
    def element(x, g, k, channel, r, s):
        pq = g[P] * g[Q]
        return at(x, g, div(k, pq), channel, mod(k, pq), r, s) if k < g[2] else zero

    @device
    def column(x, g, group, k, n):
        if n >= g[1]:
            return zero, zero, zero, zero
        rs = g[R] * g[S]
        c, r, s = group * g[CG] + div(n, rs), div(mod(n, rs), g[S]), mod(n, g[S])
        return element(x, g, k, c, r, s), element(x, g, k + 1, c, r, s), element(x, g, k + 2, c, r, s), element(x, g, k + 3, c, r, s)

    @device
    def store(gw, e1, e2, g, alpha, beta, z, m, n, v0, v1, v2, v3):
        if m < g[0]:
            i = ((mod(z, g[4])) * g[O] + (div(z, g[4])) * g[OG] + m) * g[1] + n
            if n < g[1]:
                gw[i] = v0
            if n + 1 < g[1]:
                gw[i + 1] = v1
            if n + 2 < g[1]:
                gw[i + 2] = v2
            if n + 3 < g[1]:
                gw[i + 3] = v3

    return _tiles.make(code, gradient, column, store, True, True)


def _geometry(ints):
    """(code, groups, act, integers of the call from N on)"""
    code, groups, act = ints[0], ints[16] % 65536, ints[16] // 65536
    return code, groups, act, tuple(ints[1:16]) + (ints[2] // groups, ints[5] // groups)


def _blocks(m, n, z):
    return count_up(n, _tiles.BN), count_up(m, _tiles.BM), z


def conv2d(tensors, ints, floats):
    """The body of udl_conv2d."""
    y, x, w, b, _ = tensors
    code, groups, act, g = _geometry(ints)
    if code not in FLOATS or 0 in g[:9] or max(g[N - 5] * g[P - 5] * g[Q - 5], g[N - 5] * g[H - 5] * g[W - 5]) > 2**31:
        return False
    m, n, k = g[OG - 5], g[N - 5] * g[P - 5] * g[Q - 5], g[CG - 5] * g[R - 5] * g[S - 5]
    number, o = FLOATS[code], array(x)
    vector = k % 4 == 0 and aligned(w)
    launch(forward_kernel(code, vector, act, b is not None), _blocks(m, n, groups), _tiles.THREADS, array(y), array(w), o,
           o if b is None else array(b), o, (m, n, k, groups, 1, *g), number(1), number(0))  # fmt: skip
    return True


def conv2d_backward_input(tensors, ints, floats):
    """The body of udl_conv2d_backward_input."""
    gx, gy, w = tensors
    code, groups, _, g = _geometry(ints)
    if code not in FLOATS or 0 in g[:9] or max(g[N - 5] * g[P - 5] * g[Q - 5], g[N - 5] * g[H - 5] * g[W - 5]) > 2**31:
        return False
    m, n, k = g[CG - 5], g[N - 5] * g[H - 5] * g[W - 5], g[OG - 5] * g[R - 5] * g[S - 5]
    number, o = FLOATS[code], array(gy)
    launch(input_kernel(code), _blocks(m, n, groups), _tiles.THREADS, array(gx), array(w), o, o, o, (m, n, k, groups, 1, *g),
           number(1), number(0))  # fmt: skip
    return True


def conv2d_backward_weight(tensors, ints, floats):
    """The body of udl_conv2d_backward_weight."""
    gw, gb, gy, x = tensors
    code, groups, _, g = _geometry(ints)
    if code not in FLOATS or 0 in g[:9] or max(g[N - 5] * g[P - 5] * g[Q - 5], g[N - 5] * g[H - 5] * g[W - 5]) > 2**31:
        return False
    places = g[P - 5] * g[Q - 5]
    m, n, k = g[OG - 5], g[CG - 5] * g[R - 5] * g[S - 5], g[N - 5] * places
    number, o = FLOATS[code], array(gy)
    if gw is not None:
        tiles = count_up(m, _tiles.BM) * count_up(n, _tiles.BN) * groups
        splits = max(1, min(count_up(GROUP_BLOCKS, tiles), k // DEEP, 64))
        hold, part = scratch(splits * g[O - 5] * n, number)
        out = array(gw) if splits == 1 else part
        launch(weight_kernel(code, places % 4 == 0 and aligned(gy)), _blocks(m, n, groups * splits), _tiles.THREADS, out, o, array(x), o, o,
               (m, n, k, groups, splits, *g), number(1), number(0))  # fmt: skip
        if splits > 1:
            reduction.run(reduction.SUM, array(gw), part, number, 1, splits, g[O - 5] * n)
        del hold
    if gb is not None:
        hold, sums = scratch(g[N - 5] * g[O - 5], number)
        reduction.run(reduction.SUM, sums, o, number, g[N - 5] * g[O - 5], places, 1)
        reduction.run(reduction.SUM, array(gb), sums, number, 1, g[N - 5], g[O - 5])
        del hold
    return True
