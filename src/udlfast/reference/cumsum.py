"""Running sums and products along an axis: y_k = x_0 + ... + x_k."""

import numpy as np


def cumsum(x, axis):
    y = np.moveaxis(np.array(x, dtype=float), axis, 0)
    for k in range(1, y.shape[0]):
        y[k] += y[k - 1]
    return np.moveaxis(y, 0, axis)


def cumsum_backward(gy, x, axis):
    """x_k is in y_k, y_k+1, ...: the running sum from the end."""
    return (np.flip(cumsum(np.flip(gy, axis), axis), axis),)


def cumprod(x, axis):
    y = np.moveaxis(np.array(x, dtype=float), axis, 0)
    for k in range(1, y.shape[0]):
        y[k] *= y[k - 1]
    return np.moveaxis(y, 0, axis)


def cumprod_backward(gy, x, axis):
    """d y_k / d x_j = product of x_0..x_k without x_j, multiplied out so that zeros are harmless."""
    x, g = np.moveaxis(np.asarray(x, float), axis, 0), np.moveaxis(gy, axis, 0)
    gx = np.zeros(x.shape)
    for j in range(x.shape[0]):
        for k in range(j, x.shape[0]):
            gx[j] += g[k] * np.prod(np.delete(x[: k + 1], j, axis=0), axis=0)
    return (np.moveaxis(gx, 0, axis),)
