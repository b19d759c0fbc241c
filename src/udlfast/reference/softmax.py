"""softmax: y_i = exp(x_i) / sum_j exp(x_j) along one axis; log_softmax is its logarithm. A row of -inf gives NaN."""

import numpy as np


def softmax(x, axis):
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
        return e / np.sum(e, axis=axis, keepdims=True)


def softmax_backward(gy, x, axis):
    """d y_i / d x_j = y_i (delta_ij - y_j)"""
    y = softmax(x, axis)
    return (y * (gy - np.sum(gy * y, axis=axis, keepdims=True)),)


def log_softmax(x, axis):
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        d = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        return d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True))


def log_softmax_backward(gy, x, axis):
    """d y_i / d x_j = delta_ij - softmax_j"""
    return (gy - softmax(x, axis) * np.sum(gy, axis=axis, keepdims=True),)


def segment_softmax(x, crow):
    """softmax over the entries crow[r] .. crow[r + 1] - 1 of each segment, down each column of x [entries, inner]"""
    parts = [softmax(x[a:b], 0) for a, b in zip(crow[:-1], crow[1:])]
    return np.concatenate([np.zeros((0, np.shape(x)[1])), *parts])


def segment_softmax_backward(gy, x, crow):
    parts = [softmax_backward(gy[a:b], x[a:b], 0)[0] for a, b in zip(crow[:-1], crow[1:])]
    return (np.concatenate([np.zeros((0, np.shape(x)[1])), *parts]),)
