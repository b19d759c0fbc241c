"""y = (x - mean) rstd w + b per row of x[M, D], and the gradients. One block a row; sums over rows in two launches.

Forward reads x three times (mean, squares of the distances, result), the second and third time from the caches. Floor: x read, y written.
Backward: with h = (x - mean) rstd and u = gy w: gx = rstd (u - mean(u) - h mean(u h)); gw = sum_m gy h, gb = sum_m gy.
"""

import functools

import numpy as np
from numba import cuda

from . import reduce as reduction
from ._block import sums, sums_of_two
from ._driver import FLOATS, array, count_up, kernel, launch, pick, scratch
from ._math import sqrt
from .reduce import TYPES

THREADS, WIDE, PART = pick(256, 4), pick(32, 2), pick(128, 3)


@functools.cache
def forward_kernel(number, has_w, has_b):
    """One block a row."""
    kind, zero, one = TYPES[number], number(0), number(1)

    def run(y, mean, rstd, x, w, b, D, W, eps):
        s = cuda.shared.array(THREADS, kind)
        t, m = cuda.threadIdx.x, cuda.blockIdx.x
        center = zero
        scale = zero
        for step in range(2):
            v = zero
            for d in range(t, D, THREADS):
                h = x[m * D + d] - center
                v += h * h if step else h
            s[t] = v
            sums(s, t, t, THREADS, 1)
            v = s[0] / number(D)
            cuda.syncthreads()
            if step:
                scale = one / sqrt(v + eps)
            else:
                center = v
        if t == 0:
            mean[m] = center
            rstd[m] = scale
        row = (m % W) * D
        for d in range(t, D, THREADS):
            h = (x[m * D + d] - center) * scale
            if has_w:
                h *= w[row + d]
            if has_b:
                h += b[row + d]
            y[m * D + d] = h

    return kernel(run)


@functools.cache
def input_kernel(number, has_w):
    """gx, one block a row."""
    kind, zero = TYPES[number], number(0)

    def run(gx, gy, x, w, mean, rstd, D, W):
        s = cuda.shared.array(THREADS, kind)
        q = cuda.shared.array(THREADS, kind)
        t, m = cuda.threadIdx.x, cuda.blockIdx.x
        center, scale, row = mean[m], rstd[m], (m % W) * D
        a, c = zero, zero
        for d in range(t, D, THREADS):
            u = gy[m * D + d] * w[row + d] if has_w else gy[m * D + d]
            a += u
            c += u * (x[m * D + d] - center) * scale
        s[t] = a
        q[t] = c
        sums_of_two(s, q, t, t, THREADS, 1)
        a, c = s[0] / number(D), q[0] / number(D)
        for d in range(t, D, THREADS):
            u = gy[m * D + d] * w[row + d] if has_w else gy[m * D + d]
            gx[m * D + d] = scale * (u - a - (x[m * D + d] - center) * scale * c)

    return kernel(run)


@functools.cache
def weight_kernel(number):
    """Parts of gw and gb: [W, parts, D] from rows w, w + W, ... of x; a block has WIDE columns x rows of threads."""
    kind, zero, rows = TYPES[number], number(0), THREADS // WIDE

    def run(gw, gb, gy, x, mean, rstd, D, W, each, parts, per_part):
        s = cuda.shared.array(THREADS, kind)
        q = cuda.shared.array(THREADS, kind)
        t = cuda.threadIdx.x
        tx, ty = t % WIDE, t // WIDE
        d, part, w = cuda.blockIdx.x * WIDE + tx, cuda.blockIdx.y, cuda.blockIdx.z
        a, c = zero, zero
        if d < D:
            for r in range(part * per_part + ty, min(each, (part + 1) * per_part), rows):
                m = r * W + w
                g = gy[m * D + d]
                a += g * (x[m * D + d] - mean[m]) * rstd[m]
                c += g
        s[t] = a
        q[t] = c
        sums_of_two(s, q, t, ty, rows, WIDE)
        if ty == 0 and d < D:
            gw[(w * parts + part) * D + d] = s[t]
            gb[(w * parts + part) * D + d] = q[t]

    return kernel(run)


def layer_norm(tensors, ints, floats):
    """The body of udl_layer_norm."""
    y, mean, rstd, x, w, b = tensors
    code, M, D, W = ints
    if code not in FLOATS or D == 0:
        return False
    number, o = FLOATS[code], array(x)
    launch(forward_kernel(number, w is not None, b is not None), M, THREADS, array(y), array(mean), array(rstd), o,
           o if w is None else array(w), o if b is None else array(b), D, max(W, 1), number(floats[0]))  # fmt: skip
    return True


def layer_norm_backward(tensors, ints, floats):
    """The body of udl_layer_norm_backward."""
    gx, gw, gb, gy, x, w, mean, rstd = tensors
    code, M, D, W = ints
    if code not in FLOATS or D == 0:
        return False
    number, W = FLOATS[code], max(W, 1)
    g, o, mu, r = array(gy), array(x), array(mean), array(rstd)
    if gx is not None:
        launch(input_kernel(number, w is not None), M, THREADS, array(gx), g, o, o if w is None else array(w), mu, r, D, W)
    if gw is not None or gb is not None:
        each = M // W
        parts = count_up(each, PART)
        hold, middle = scratch(2 * W * parts * D, number)
        part_w, part_b = hold.view(0, number), hold.view(W * parts * D * np.dtype(number).itemsize, number)
        launch(weight_kernel(number), (count_up(D, WIDE), parts, W), THREADS, part_w, part_b, g, o, mu, r, D, W, each, parts, PART)
        for out, part in ((gw, part_w), (gb, part_b)):
            if out is not None:
                reduction.run(reduction.SUM, array(out), part, number, W, parts, D)
        del hold, middle
    return True
