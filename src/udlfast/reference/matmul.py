"""y[b, m, n] = sum over k of a[b, m, k] w[b, k, n], with PyTorch's rules for vectors and batch broadcasting."""

import numpy as np


def matmul(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    wide_a = a[None, :] if a.ndim == 1 else a
    wide_b = b[:, None] if b.ndim == 1 else b
    y = np.einsum("...mk,...kn->...mn", wide_a, wide_b)
    if b.ndim == 1:
        y = y[..., 0]
    if a.ndim == 1:
        y = y[..., 0] if b.ndim == 1 else y[..., 0, :]
    return y


def sum_batch(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=repeated, keepdims=True) if repeated else g


def matmul_backward(gy, a, b):
    """ga[m, k] = sum_n gy[m, n] b[k, n]; gb[k, n] = sum_m a[m, k] gy[m, n]; summed over broadcast batches."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    gy = np.asarray(gy, float)
    wide_a = a[None, :] if a.ndim == 1 else a
    wide_b = b[:, None] if b.ndim == 1 else b
    if b.ndim == 1:
        gy = gy[..., None]
    if a.ndim == 1:
        gy = gy[..., None, :]
    ga = sum_batch(np.einsum("...mn,...kn->...mk", gy, wide_b), wide_a.shape)
    gb = sum_batch(np.einsum("...mk,...mn->...kn", wide_a, gy), wide_b.shape)
    return ga.reshape(a.shape), gb.reshape(b.shape)
