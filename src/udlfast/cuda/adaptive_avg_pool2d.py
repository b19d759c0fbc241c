"""Means of P x Q windows that cover x[NC, H, W]: window p has rows floor(p H / P) .. ceil((p + 1) H / P) - 1; and the gradient."""

from numba import cuda

from ._driver import FLOATS, array, grid, kernel, launch, pick


@kernel
def forward_kernel(y, x, n, H, W, P, Q, zero, one):
    """One window a step."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        q, p, nc = i % Q, (i // Q) % P, i // Q // P
        h0, h1, w0, w1 = p * H // P, ((p + 1) * H + P - 1) // P, q * W // Q, ((q + 1) * W + Q - 1) // Q
        v, count = zero, zero
        for h in range(h0, h1):
            for w in range(w0, w1):
                v += x[(nc * H + h) * W + w]
                count += one
        y[i] = v / count


@kernel
def backward_kernel(gx, gy, n, H, W, P, Q, zero, one):
    """One input a step; the windows that hold it."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w, h, nc = i % W, (i // W) % H, i // W // H
        v = zero
        for p in range(h * P // H, min(((h + 1) * P + H - 1) // H, P)):
            h0, h1 = p * H // P, ((p + 1) * H + P - 1) // P
            if h0 <= h < h1:
                rows = zero
                for _ in range(h0, h1):
                    rows += one
                for q in range(w * Q // W, min(((w + 1) * Q + W - 1) // W, Q)):
                    w0, w1 = q * W // Q, ((q + 1) * W + Q - 1) // Q
                    if w0 <= w < w1:
                        cols = zero
                        for _ in range(w0, w1):
                            cols += one
                        v += gy[(nc * P + p) * Q + q] / (rows * cols)
        gx[i] = v


def _run(function, tensors, ints, back):
    code, NC, H, W, P, Q = ints
    if code not in FLOATS:
        return False
    n = NC * (H * W if back else P * Q)
    launch(function, grid(n), pick(256, 4), array(tensors[0]), array(tensors[1]), n, H, W, P, Q, FLOATS[code](0), FLOATS[code](1))
    return True


def adaptive_avg_pool2d(tensors, ints, floats):
    """The body of udl_adaptive_avg_pool2d."""
    return _run(forward_kernel, tensors, ints, False)


def adaptive_avg_pool2d_backward(tensors, ints, floats):
    """The body of udl_adaptive_avg_pool2d_backward."""
    return _run(backward_kernel, tensors, ints, True)
