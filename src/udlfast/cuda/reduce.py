"""out[o, i] = reduction over n of a[o, n, i]: a block of COLS columns x ROWS rows of threads, a tree in shared memory.

A long n is cut into parts whose results a second launch joins; parts depend on the shape alone, so the bits are the same every time.
Floor: the elements of a, read once.
"""

import functools

import numpy as np
from numba import cuda, float32, float64, int64

from ._block import fold
from ._driver import BOOL, F32, F64, I64, NUMPY, array, count_up, device, kernel, launch, pick, scratch
from ._math import sqrt

SUM, PROD, MAX, MIN, ARGMAX, ARGMIN, ANY, ALL, LOGSUMEXP, NORM2 = range(10)
THREADS, WIDE = pick(256, 4), pick(32, 2)  # threads of a block; columns of it where inner > 1
PART = pick(8192, 16)  # rows that one block reduces


@functools.cache
def _combine(op, number):
    """(start, function of two) of an operation."""
    if op == PROD:
        return number(1), device(lambda x, y: x * y)
    if op == MAX:
        return _end(number, -1), device(lambda x, y: x if x > y or x != x else y)
    if op == MIN:
        return _end(number, 1), device(lambda x, y: x if x < y or x != x else y)
    if op == ANY:
        return number(0), device(lambda x, y: number(1) if x != 0 or y != 0 else number(0))
    if op == ALL:
        return number(1), device(lambda x, y: number(1) if x != 0 and y != 0 else number(0))
    return number(0), device(lambda x, y: x + y)


def _end(number, sign):
    """The largest number of a type, or the least."""
    if number is np.int64:
        return number(np.iinfo(np.int64).max if sign > 0 else np.iinfo(np.int64).min)
    return number(sign * np.inf)


TYPES = {np.float32: float32, np.float64: float64, np.int64: int64}


@functools.cache
def kernel_of(op, number, cols, truth, square=False, root=False):
    """out[o, part, i] from a[o, n, i], or from its squares; root: the square root of it."""
    start, f = _combine(op, number)
    kind, rows, join = TYPES[number], THREADS // cols, fold(f)

    def run(out, a, n, inner, parts, per_part):
        s = cuda.shared.array(THREADS, kind)
        t = cuda.threadIdx.x
        tx, ty = t % cols, t // cols
        i, o, part = cuda.blockIdx.y * cols + tx, cuda.blockIdx.x, cuda.blockIdx.z
        end = min(n, (part + 1) * per_part)
        v = start
        if i < inner:
            for r in range(part * per_part + ty, end, rows):
                w = number(a[(o * n + r) * inner + i])
                v = f(v, w * w if square else w)
        s[t] = v
        join(s, t, ty, rows, cols)
        if ty == 0 and i < inner:
            v = s[t]
            if root:
                v = sqrt(v)
            out[(o * parts + part) * inner + i] = (v != 0) if truth else v

    return kernel(run)


@functools.cache
def place_kernel(largest, number, cols):
    """ARGMAX and ARGMIN: the first place of the extreme, NaN before all."""
    kind, rows = TYPES[number], THREADS // cols
    better = device((lambda x, i, y, j: (x > y or (x != x and y == y)) or ((x == y or (x != x and y != y)) and i < j)) if largest
                    else (lambda x, i, y, j: (x < y or (x != x and y == y)) or ((x == y or (x != x and y != y)) and i < j)))  # fmt: skip

    def run(out, a, n, inner):
        s = cuda.shared.array(THREADS, kind)
        p = cuda.shared.array(THREADS, int64)
        t = cuda.threadIdx.x
        tx, ty = t % cols, t // cols
        i, o = cuda.blockIdx.y * cols + tx, cuda.blockIdx.x
        if i < inner:
            r = min(ty, n - 1)
            v, at = number(a[(o * n + r) * inner + i]), r
            for r in range(ty + rows, n, rows):
                w = number(a[(o * n + r) * inner + i])
                if better(w, r, v, at):
                    v, at = w, r
            s[t], p[t] = v, at
        cuda.syncthreads()
        half = rows // 2
        while half > 0:
            if ty < half and i < inner and better(s[t + half * cols], p[t + half * cols], s[t], p[t]):
                s[t], p[t] = s[t + half * cols], p[t + half * cols]
            cuda.syncthreads()
            half //= 2
        if ty == 0 and i < inner:
            out[o * inner + i] = p[t]

    return kernel(run)


def run(op, out, a, number, outer, n, inner, truth=False, square=False):
    """The reduction on device arrays. NORM2 sums squares in float64 and takes the root at the end."""
    norm = op == NORM2
    op, square = (SUM, not square) if norm else (op, False)
    cols = 1 if inner == 1 else WIDE
    if op in (ARGMAX, ARGMIN):
        launch(place_kernel(op == ARGMAX, number, cols), (outer, count_up(inner, cols)), THREADS, out, a, n, inner)
        return
    parts = max(1, count_up(n, PART))
    if parts == 1:
        launch(kernel_of(op, number, cols, truth, square, norm), (outer, count_up(inner, cols)), THREADS, out, a, n, inner, 1, n)
        return
    block, middle = scratch(outer * parts * inner, number)
    launch(kernel_of(op, number, cols, False, square), (outer, count_up(inner, cols), parts), THREADS, middle, a, n, inner, parts, PART)
    run(NORM2 if norm else op, out, middle, number, outer, parts, inner, truth, norm)
    del block


def reduce(tensors, ints, floats):
    """The body of udl_reduce."""
    out, a = tensors
    op, code, out_code, outer, n, inner = ints
    if op > ALL and (op != NORM2 or code not in (F32, F64)) or code not in NUMPY or outer > 2**31 - 1 or out.numel() == 0:
        return False
    number = NUMPY[code] if code in (F32, F64) else NUMPY[I64]
    if n == 0 and op in (MAX, MIN, ARGMAX, ARGMIN):
        return False
    number = np.float64 if op == NORM2 else number
    run(op, array(out), array(a), number, outer, n, inner, out_code == BOOL)
    return True
