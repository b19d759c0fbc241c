"""Mean of each window of x[NC, H, W], and the gradient: one output, or one input going back, a thread; each input sums its windows."""

from numba import cuda

from ._driver import FLOATS, array, device, grid, kernel, launch, pick


@device
def divisor(p, q, H, W, R, S, stride_h, stride_w, pad_h, pad_w, with_pad, override, one):
    """What the sum of window (p, q) is divided by."""
    h0, w0 = p * stride_h - pad_h, q * stride_w - pad_w
    h1, w1 = min(h0 + R, H + pad_h), min(w0 + S, W + pad_w)
    if override:
        return override * one
    if with_pad:
        return (h1 - h0) * (w1 - w0) * one
    return (min(h1, H) - max(h0, 0)) * (min(w1, W) - max(w0, 0)) * one


@kernel
def forward_kernel(y, x, n, H, W, P, Q, R, S, stride_h, stride_w, pad_h, pad_w, with_pad, override, zero, one):
    """One window a step."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        q, p, nc = i % Q, (i // Q) % P, i // Q // P
        v = zero
        for h in range(max(p * stride_h - pad_h, 0), min(p * stride_h - pad_h + R, H)):
            for w in range(max(q * stride_w - pad_w, 0), min(q * stride_w - pad_w + S, W)):
                v += x[(nc * H + h) * W + w]
        y[i] = v / divisor(p, q, H, W, R, S, stride_h, stride_w, pad_h, pad_w, with_pad, override, one)


@kernel
def backward_kernel(gx, gy, n, H, W, P, Q, R, S, stride_h, stride_w, pad_h, pad_w, with_pad, override, zero, one):
    """One input a step: windows p with p stride <= h + pad < p stride + R."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w, h, nc = i % W, (i // W) % H, i // W // H
        v = zero
        for p in range(max((h + pad_h - R) // stride_h + 1, 0), min((h + pad_h) // stride_h + 1, P)):
            for q in range(max((w + pad_w - S) // stride_w + 1, 0), min((w + pad_w) // stride_w + 1, Q)):
                v += gy[(nc * P + p) * Q + q] / divisor(p, q, H, W, R, S, stride_h, stride_w, pad_h, pad_w, with_pad, override, one)
        gx[i] = v


def _run(function, tensors, ints, planes_of):
    code, NC, H, W, P, Q, *window = ints
    if code not in FLOATS:
        return False
    n = NC * (P * Q if planes_of == "y" else H * W)
    launch(function, grid(n), pick(256, 4), array(tensors[0]), array(tensors[1]), n, H, W, P, Q, *window, FLOATS[code](0), FLOATS[code](1))
    return True


def avg_pool2d(tensors, ints, floats):
    """The body of udl_avg_pool2d."""
    return _run(forward_kernel, tensors, ints, "y")


def avg_pool2d_backward(tensors, ints, floats):
    """The body of udl_avg_pool2d_backward."""
    return _run(backward_kernel, tensors, ints, "x")
