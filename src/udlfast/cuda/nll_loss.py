"""loss[N, L] = -w_t logp_t from logp[N, C, L], its totals, and the gradient."""

import functools

from numba import cuda

from ._driver import FLOATS, I64, array, check, flags, grid, kernel, launch, pick, scratch
from .cross_entropy import totals

THREADS = pick(256, 4)


@functools.cache
def loss_kernel(number, has_w):
    """One position a thread."""
    zero, one = number(0), number(1)

    def run(loss, weights, logp, target, w, n, C, L, ignore, bad):
        for j in range(cuda.grid(1), n, cuda.gridsize(1)):
            k = target[j]
            v, f = zero, zero
            if k != ignore:
                if k < 0 or k >= C:
                    bad[0] = 1
                else:
                    f = w[k] if has_w else one
                    v = -f * logp[((j // L) * C + k) * L + j % L]
            loss[j] = v
            weights[j] = f

    return kernel(run)


@functools.cache
def gradient_kernel(number, has_w, reduction):
    """gx, zero but at the targets."""
    zero, one = number(0), number(1)

    def run(gx, g, target, w, total, n, C, L, ignore):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            j = (i // L // C) * L + i % L
            k = target[j]
            v = zero
            if k != ignore and k == (i // L) % C:
                up = g[j] if reduction == 0 else (g[0] / total[1] if reduction == 1 else g[0])
                v = -up * (w[k] if has_w else one)
            gx[i] = v

    return kernel(run)


def nll_loss(tensors, ints, floats):
    """The body of udl_nll_loss."""
    loss, total, logp, target, weight = tensors
    code, N, C, L, ignore = ints
    if code not in FLOATS or N * C * L == 0:
        return False
    number, o, out = FLOATS[code], array(logp), array(loss)
    hold, bad = flags()
    keep, weights = scratch(N * L, number)
    launch(loss_kernel(number, weight is not None), grid(N * L), THREADS, out, weights, o, array(target, I64),
           o if weight is None else array(weight), N * L, C, L, ignore, bad)  # fmt: skip
    launch(totals, 1, THREADS, array(total), out, weights, N * L)
    check("nll_loss", bad)
    del hold, keep
    return True


def nll_loss_backward(tensors, ints, floats):
    """The body of udl_nll_loss_backward."""
    gx, g, target, weight, total = tensors
    packed, N, C, L, ignore = ints
    code, reduction = packed % 256, packed // 256
    if code not in FLOATS:
        return False
    o = array(g)
    launch(gradient_kernel(FLOATS[code], weight is not None, reduction), grid(N * C * L), THREADS, array(gx), o, array(target, I64),
           o if weight is None else array(weight), array(total), N * C * L, C, L, ignore)  # fmt: skip
    return True
