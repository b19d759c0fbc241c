"""y = (x - mean) rstd w + b per channel of x[N, C, L], in two stages, with running statistics; and the gradients.

Stage 1: block (channel, part) sums its part of the channel's N L numbers and the squares of their distances from the part's own mean.
Stage 2: one thread a channel joins the parts (Chan, Golub, LeVeque: M2 = M2a + M2b + d^2 na nb / n), moves the running statistics.
Then one pass writes y. Floor: x read twice, y written once.
Backward: with h = (x - mean) rstd, in the same stages sums of gy and gy h; gx = w rstd (gy - mean(gy) - h mean(gy h)).
"""

import functools

from numba import cuda

from ._block import sums, sums_of_two
from ._driver import FLOATS, array, count_up, grid, kernel, launch, pick, scratch
from ._math import sqrt
from .reduce import TYPES

THREADS, PART = pick(256, 4), pick(4096, 8)


@functools.cache
def moments_kernel(number):
    """parts[c, part] = (mean, sum of squared distances)."""
    kind, zero = TYPES[number], number(0)

    def run(parts, x, N, C, L, n_parts):
        s = cuda.shared.array(THREADS, kind)
        t, c, part = cuda.threadIdx.x, cuda.blockIdx.x, cuda.blockIdx.y
        begin, end = part * PART, min(N * L, (part + 1) * PART)
        m = zero
        for step in range(2):
            v = zero
            for j in range(begin + t, end, THREADS):
                d = x[((j // L) * C + c) * L + j % L] - m
                v += d * d if step else d
            s[t] = v
            sums(s, t, t, THREADS, 1)
            v = s[0]
            cuda.syncthreads()
            if step == 0:
                m = v / number(end - begin)
            elif t == 0:
                parts[2 * (c * n_parts + part)] = m
                parts[2 * (c * n_parts + part) + 1] = v

    return kernel(run)


@functools.cache
def join_kernel(number, training, has_mean, has_var):
    """mean, rstd and running statistics, one thread a channel."""
    zero, one = number(0), number(1)

    def run(mean, rstd, parts, running_mean, running_var, count, C, n_parts, momentum, eps):
        c = cuda.grid(1)
        if c >= C:
            return
        if not training:
            mean[c] = running_mean[c]
            rstd[c] = one / sqrt(running_var[c] + eps)
            return
        n, m, q = zero, zero, zero
        for part in range(n_parts):
            k = number(min(count, (part + 1) * PART) - part * PART)
            pm, pq = parts[2 * (c * n_parts + part)], parts[2 * (c * n_parts + part) + 1]
            d = pm - m
            total = n + k
            q += pq + d * d * (n * k / total)
            m += d * (k / total)
            n = total
        mean[c] = m
        rstd[c] = one / sqrt(q / n + eps)
        if has_mean:
            running_mean[c] += momentum * (m - running_mean[c])
        if has_var:
            running_var[c] += momentum * (q / (n - one) - running_var[c])

    return kernel(run)


@functools.cache
def write_kernel(number, has_w, has_b):
    """y from x and the statistics."""

    def run(y, x, mean, rstd, w, b, n, C, L):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            c = (i // L) % C
            v = (x[i] - mean[c]) * rstd[c]
            if has_w:
                v *= w[c]
            if has_b:
                v += b[c]
            y[i] = v

    return kernel(run)


@functools.cache
def sums_kernel(number):
    """parts[c, part] = (sum of gy, sum of gy h)."""
    kind, zero = TYPES[number], number(0)

    def run(parts, gy, x, mean, rstd, N, C, L, n_parts):
        s = cuda.shared.array(THREADS, kind)
        q = cuda.shared.array(THREADS, kind)
        t, c, part = cuda.threadIdx.x, cuda.blockIdx.x, cuda.blockIdx.y
        m, r = mean[c], rstd[c]
        a, b = zero, zero
        for j in range(part * PART + t, min(N * L, (part + 1) * PART), THREADS):
            i = ((j // L) * C + c) * L + j % L
            a += gy[i]
            b += gy[i] * ((x[i] - m) * r)
        s[t] = a
        q[t] = b
        sums_of_two(s, q, t, t, THREADS, 1)
        if t == 0:
            parts[2 * (c * n_parts + part)] = s[0]
            parts[2 * (c * n_parts + part) + 1] = q[0]

    return kernel(run)


@functools.cache
def join_sums_kernel(number, has_gw, has_gb):
    """The sums of a channel into parts[c, 0], and gw, gb."""
    zero = number(0)

    def run(gw, gb, parts, C, n_parts):
        c = cuda.grid(1)
        if c < C:
            a, b = zero, zero
            for part in range(n_parts):
                a += parts[2 * (c * n_parts + part)]
                b += parts[2 * (c * n_parts + part) + 1]
            parts[2 * c * n_parts] = a
            parts[2 * c * n_parts + 1] = b
            if has_gw:
                gw[c] = b
            if has_gb:
                gb[c] = a

    return kernel(run)


@functools.cache
def input_kernel(number, has_w, training):
    """gx."""

    def run(gx, gy, x, w, mean, rstd, parts, n, C, L, n_parts, count):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            c = (i // L) % C
            g = gy[i]
            if training:
                g -= (parts[2 * c * n_parts] + (x[i] - mean[c]) * rstd[c] * parts[2 * c * n_parts + 1]) / count
            g *= rstd[c]
            if has_w:
                g *= w[c]
            gx[i] = g

    return kernel(run)


def batch_norm(tensors, ints, floats):
    """The body of udl_batch_norm."""
    y, mean, rstd, x, w, b, running_mean, running_var = tensors
    code, N, C, L, training = ints
    if code not in FLOATS or N * C * L == 0:
        return False
    number, o, mu, r = FLOATS[code], array(x), array(mean), array(rstd)
    n_parts = count_up(N * L, PART)
    hold, parts = scratch(2 * C * n_parts, number)
    if training:
        launch(moments_kernel(number), (C, n_parts), THREADS, parts, o, N, C, L, n_parts)
    join = join_kernel(number, bool(training), running_mean is not None, running_var is not None)
    launch(join, count_up(C, THREADS), THREADS, mu, r, parts, mu if running_mean is None else array(running_mean),
           mu if running_var is None else array(running_var), N * L, C, n_parts, number(floats[0]), number(floats[1]))  # fmt: skip
    launch(write_kernel(number, w is not None, b is not None), grid(N * C * L), THREADS, array(y), o, mu, r,
           o if w is None else array(w), o if b is None else array(b), N * C * L, C, L)  # fmt: skip
    del hold
    return True


def batch_norm_backward(tensors, ints, floats):
    """The body of udl_batch_norm_backward."""
    gx, gw, gb, gy, x, w, mean, rstd = tensors
    code, N, C, L, training = ints
    if code not in FLOATS or N * C * L == 0:
        return False
    number, g, o, mu, r = FLOATS[code], array(gy), array(x), array(mean), array(rstd)
    n_parts = count_up(N * L, PART)
    hold, parts = scratch(2 * C * n_parts, number)
    launch(sums_kernel(number), (C, n_parts), THREADS, parts, g, o, mu, r, N, C, L, n_parts)
    launch(join_sums_kernel(number, gw is not None, gb is not None), count_up(C, THREADS), THREADS,
           parts if gw is None else array(gw), parts if gb is None else array(gb), parts, C, n_parts)  # fmt: skip
    if gx is not None:
        launch(input_kernel(number, w is not None, bool(training)), grid(N * C * L), THREADS, array(gx), g, o,
               o if w is None else array(w), mu, r, parts, N * C * L, C, L, n_parts, number(N * L))  # fmt: skip
    del hold
    return True
