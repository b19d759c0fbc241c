"""Maximum of each window of x[NC, H, W] with its place, and the gradient: one output a thread, one input a thread going back.

Going back each input asks the windows that may hold it, or, where their geometry is not known, its plane's list: no atomic additions.
"""

import functools

import numpy as np
from numba import cuda

from ._driver import FLOATS, I64, array, grid, kernel, launch, pick


@functools.cache
def forward_kernel(number, has_indices):
    """y and indices; NaN wins, and the first of equals."""
    lowest = number(-np.inf)

    def run(y, indices, x, n, H, W, P, Q, R, S, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            q, p, nc = i % Q, (i // Q) % P, i // Q // P
            best, at = lowest, -1
            for r in range(R):
                h = p * stride_h - pad_h + r * dil_h
                if 0 <= h < H:
                    for s in range(S):
                        w = q * stride_w - pad_w + s * dil_w
                        if 0 <= w < W:
                            v = x[(nc * H + h) * W + w]
                            if at < 0 or v > best or (v != v and best == best):
                                best, at = v, h * W + w
            y[i] = best
            if has_indices:
                indices[i] = at

    return kernel(run)


@kernel
def backward_kernel(gx, gy, indices, NC, HW, PQ, zero):
    """Plane by plane: zero, then the gradients in the order of the windows, by one thread an input: a plane's list is short."""
    for i in range(cuda.grid(1), NC * HW, cuda.gridsize(1)):
        nc, at = i // HW, i % HW
        v = zero
        for j in range(nc * PQ, (nc + 1) * PQ):
            if indices[j] == at:
                v += gy[j]
        gx[i] = v


@kernel
def scatter_kernel(gx, gy, indices, NC, HW, PQ, zero):
    """Large planes: one thread a plane's share of inputs, which owns them: thread t of a block takes inputs t mod threads."""
    t, step, nc = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
    for i in range(t, HW, step):
        gx[nc * HW + i] = zero
    cuda.syncthreads()
    for j in range(nc * PQ, (nc + 1) * PQ):
        at = indices[j]
        if at % step == t:
            gx[nc * HW + at] += gy[j]


def max_pool2d(tensors, ints, floats):
    """The body of udl_max_pool2d."""
    y, indices, x = tensors
    code, NC, H, W, P, Q, *window = ints
    if code not in FLOATS:
        return False
    o = array(y)
    launch(forward_kernel(FLOATS[code], indices is not None), grid(NC * P * Q), pick(256, 4), o,
           array(x) if indices is None else array(indices, I64), array(x), NC * P * Q, H, W, P, Q, *window)  # fmt: skip
    return True


def max_pool2d_backward(tensors, ints, floats):
    """The body of udl_max_pool2d_backward."""
    gx, gy, indices = tensors
    code, NC, HW, PQ = ints
    if code not in FLOATS:
        return False
    zero = FLOATS[code](0)
    if PQ <= pick(64, 4):
        launch(backward_kernel, grid(NC * HW), pick(256, 4), array(gx), array(gy), array(indices, I64), NC, HW, PQ, zero)
    else:
        launch(scatter_kernel, NC, pick(256, 4), array(gx), array(gy), array(indices, I64), NC, HW, PQ, zero)
    return True
