"""Maximum and mean over windows: y[N, C, P, Q] from x[N, C, H, W]; windows of R by S at the given stride."""

import numpy as np


def pair(v):
    return tuple(v) if isinstance(v, (tuple, list)) else (v, v)


def length(n, window, stride, padding, dilation, ceil_mode):
    """Output size of one axis; with ceil_mode a last window counts if it starts inside the input or the left padding."""
    free = n + 2 * padding - dilation * (window - 1) - 1
    size = (-(-free // stride) if ceil_mode else free // stride) + 1
    if ceil_mode and (size - 1) * stride >= n + padding:
        size -= 1
    return size


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """y and the position h W + w of each maximum; the first of equals, a NaN wins."""
    x = np.asarray(x, float)
    (R, S), (ph, pw), (dh, dw) = pair(kernel_size), pair(padding), pair(dilation)
    sh, sw = pair(stride if stride is not None else kernel_size)
    N, C, H, W = x.shape
    P, Q = length(H, R, sh, ph, dh, ceil_mode), length(W, S, sw, pw, dw, ceil_mode)
    y, where = np.full((N, C, P, Q), -np.inf), np.zeros((N, C, P, Q), dtype=np.int64)
    for p in range(P):
        for q in range(Q):
            at = [(p * sh - ph + r * dh, q * sw - pw + s * dw) for r in range(R) for s in range(S)]
            at = [(h, w) for h, w in at if 0 <= h < H and 0 <= w < W]
            seen = np.stack([x[:, :, h, w] for h, w in at])
            y[:, :, p, q] = np.max(seen, axis=0)
            where[:, :, p, q] = np.array([h * W + w for h, w in at])[np.argmax(seen, axis=0)]
    return y, where


def max_pool2d_backward(gy, x, indices):
    """Each gradient goes to the position of its maximum."""
    N, C, H, W = x.shape
    gx = np.zeros((N, C, H * W))
    for n in range(N):
        for c in range(C):
            np.add.at(gx[n, c], indices[n, c].ravel(), gy[n, c].ravel())
    return (gx.reshape(x.shape),)


def mean_windows(H, W, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    (R, S), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = pair(stride if stride is not None else kernel_size)
    P, Q = length(H, R, sh, ph, 1, ceil_mode), length(W, S, sw, pw, 1, ceil_mode)
    seen = []
    for p in range(P):
        for q in range(Q):
            h0, w0 = p * sh - ph, q * sw - pw
            h1, w1 = min(h0 + R, H + ph), min(w0 + S, W + pw)  # a window never counts beyond the right padding
            inside = slice(max(h0, 0), min(h1, H)), slice(max(w0, 0), min(w1, W))
            if divisor_override:
                n = divisor_override
            elif count_include_pad:
                n = (h1 - h0) * (w1 - w0)
            else:
                n = (inside[0].stop - inside[0].start) * (inside[1].stop - inside[1].start)
            seen.append((p, q, *inside, n))
    return P, Q, seen


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    x = np.asarray(x, float)
    N, C, H, W = x.shape
    P, Q, seen = mean_windows(H, W, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    y = np.zeros((N, C, P, Q))
    for p, q, rows, cols, n in seen:
        y[:, :, p, q] = x[:, :, rows, cols].sum(axis=(2, 3)) / n
    return y


def avg_pool2d_backward(gy, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                        divisor_override=None):  # fmt: skip
    N, C, H, W = x.shape
    _, _, seen = mean_windows(H, W, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    gx = np.zeros(x.shape)
    for p, q, rows, cols, n in seen:
        gx[:, :, rows, cols] += gy[:, :, p, q, None, None] / n
    return (gx,)
