"""Group normalisation of x[N, C, ...]: each of G groups of C/G channels has its own mean and variance per sample;
w[C] and b[C] act per channel."""

import numpy as np


def per_channel(v, x):
    return np.reshape(v, (1, -1) + (1,) * (x.ndim - 2))


def group_norm(x, groups, w=None, b=None, eps=1e-5):
    y = np.zeros(x.shape)
    size = x.shape[1] // groups
    for n in range(x.shape[0]):
        for g in range(groups):
            part = x[n, g * size : (g + 1) * size]
            y[n, g * size : (g + 1) * size] = (part - np.mean(part)) / np.sqrt(np.var(part) + eps)
    y = y if w is None else y * per_channel(w, x)
    return y if b is None else y + per_channel(b, x)


def group_norm_backward(gy, x, groups, w=None, eps=1e-5):
    """gx, gw, gb; within a group gx = r (gh - mean(gh) - xhat mean(gh xhat)) with gh = gy w."""
    gx, xhat = np.zeros(x.shape), group_norm(x, groups, eps=eps)
    gh = gy if w is None else gy * per_channel(w, x)
    size = x.shape[1] // groups
    for n in range(x.shape[0]):
        for g in range(groups):
            at = n, slice(g * size, (g + 1) * size)
            r = 1 / np.sqrt(np.var(x[at]) + eps)
            gx[at] = r * (gh[at] - np.mean(gh[at]) - xhat[at] * np.mean(gh[at] * xhat[at]))
    axes = (0, *range(2, x.ndim))
    return gx, np.sum(gy * xhat, axis=axes), np.sum(gy, axis=axes)
