"""Pooling to a given size: output p covers rows floor(p H / P) .. ceil((p + 1) H / P) - 1 of x[N, C, H, W]."""

import numpy as np


def windows(H, W, P, Q):
    for p in range(P):
        for q in range(Q):
            yield p, q, slice(p * H // P, -(-(p + 1) * H // P)), slice(q * W // Q, -(-(q + 1) * W // Q))


def adaptive_avg_pool2d(x, size):
    N, C, H, W = x.shape
    y = np.zeros((N, C, *size))
    for p, q, rows, cols in windows(H, W, *size):
        y[:, :, p, q] = np.mean(x[:, :, rows, cols], axis=(2, 3))
    return y


def adaptive_avg_pool2d_backward(gy, x, size):
    N, C, H, W = x.shape
    gx = np.zeros(x.shape)
    for p, q, rows, cols in windows(H, W, *size):
        n = (rows.stop - rows.start) * (cols.stop - cols.start)
        gx[:, :, rows, cols] += gy[:, :, p, q, None, None] / n
    return (gx,)


def adaptive_max_pool2d(x, size):
    """y and the position h W + w of each maximum, the first of equals."""
    N, C, H, W = x.shape
    y, where = np.zeros((N, C, *size)), np.zeros((N, C, *size), dtype=np.int64)
    for p, q, rows, cols in windows(H, W, *size):
        seen = x[:, :, rows, cols]
        best = np.argmax(seen.reshape(N, C, seen.shape[2] * seen.shape[3]), axis=2)
        y[:, :, p, q] = np.max(seen, axis=(2, 3))
        where[:, :, p, q] = (rows.start + best // seen.shape[3]) * W + cols.start + best % seen.shape[3]
    return y, where


def adaptive_max_pool2d_backward(gy, x, indices):
    N, C, H, W = x.shape
    gx = np.zeros((N, C, H * W))
    for n in range(N):
        for c in range(C):
            np.add.at(gx[n, c], indices[n, c].ravel(), gy[n, c].ravel())
    return (gx.reshape(x.shape),)
