"""Cross-correlation y[N, O, P, Q] of x[N, C, H, W] with w[O, C/G, R, S]:

y[n, o, p, q] = b[o] + sum over c, r, s of x[n, c, p stride + r dilation - padding, q stride + s dilation - padding]
w[o, c, r, s], c over the channels of o's group. The loop runs over output positions; each sees one window of x.
"""

import numpy as np


def pair(v):
    return tuple(v) if isinstance(v, (tuple, list)) else (v, v)


def windows(H, W, R, S, stride, padding, dilation):
    """P, Q and, for each (p, q), the rows and columns of padded x that output position sees."""
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    P = (H + 2 * ph - dh * (R - 1) - 1) // sh + 1
    Q = (W + 2 * pw - dw * (S - 1) - 1) // sw + 1
    rows = [slice(p * sh, p * sh + dh * (R - 1) + 1, dh) for p in range(P)]
    cols = [slice(q * sw, q * sw + dw * (S - 1) + 1, dw) for q in range(Q)]
    return P, Q, [(p, q, rows[p], cols[q]) for p in range(P) for q in range(Q)]


def padded(x, padding):
    (ph, pw) = pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    O, _, R, S = w.shape
    P, Q, seen = windows(H, W, R, S, stride, padding, dilation)
    xp = padded(np.asarray(x, float), padding)
    y = np.zeros((N, O, P, Q))
    for g in range(groups):
        c = slice(g * C // groups, (g + 1) * C // groups)
        o = slice(g * O // groups, (g + 1) * O // groups)
        for p, q, rows, cols in seen:
            y[:, o, p, q] = np.einsum("ncrs,ocrs->no", xp[:, c, rows, cols], w[o])
    return y if b is None else y + np.reshape(b, (1, O, 1, 1))


def conv2d_backward(gy, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Each window of x receives gy times w; w receives gy times each window."""
    N, C, H, W = x.shape
    O, _, R, S = w.shape
    P, Q, seen = windows(H, W, R, S, stride, padding, dilation)
    (ph, pw) = pair(padding)
    xp = padded(np.asarray(x, float), padding)
    gxp, gw = np.zeros_like(xp), np.zeros(w.shape)
    for g in range(groups):
        c = slice(g * C // groups, (g + 1) * C // groups)
        o = slice(g * O // groups, (g + 1) * O // groups)
        for p, q, rows, cols in seen:
            gxp[:, c, rows, cols] += np.einsum("no,ocrs->ncrs", gy[:, o, p, q], w[o])
            gw[o] += np.einsum("no,ncrs->ocrs", gy[:, o, p, q], xp[:, c, rows, cols])
    gx = gxp[:, :, ph : ph + H, pw : pw + W]
    return (gx, gw) if b is None else (gx, gw, gy.sum(axis=(0, 2, 3)))


def conv1d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """y[N, O, Q] from x[N, C, W] and w[O, C/G, S]: conv2d with a height of one."""
    return conv2d(x[:, :, None], w[:, :, None], b, (1, stride), (0, padding), (1, dilation), groups)[:, :, 0]


def conv1d_backward(gy, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    gx, gw, *gb = conv2d_backward(gy[:, :, None], x[:, :, None], w[:, :, None], b, (1, stride), (0, padding),
                                  (1, dilation), groups)  # fmt: skip
    return (gx[:, :, 0], gw[:, :, 0], *gb)
