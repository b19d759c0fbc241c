"""Batch normalisation of x[N, C, ...] over all axes but C: y = (x - mean) / sqrt(var + eps) w + b.

Training uses the statistics of the batch (biased variance) and moves the running ones by momentum towards the mean
and the unbiased variance. An empty batch leaves them alone.
"""

import numpy as np


def per_channel(v, x):
    return np.reshape(v, (1, -1) + (1,) * (x.ndim - 2))


def batch_norm(x, running_mean=None, running_var=None, w=None, b=None, training=False, momentum=0.1, eps=1e-5):
    """y, new running mean, new running variance"""
    axes, n = (0, *range(2, x.ndim)), x.size // max(x.shape[1], 1)
    if training and n == 0:
        return np.zeros(x.shape), running_mean, running_var
    if training:
        mean, var = np.mean(x, axis=axes), np.var(x, axis=axes)
        if running_mean is not None:
            running_mean = (1 - momentum) * running_mean + momentum * mean
            running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - per_channel(mean, x)) / np.sqrt(per_channel(var, x) + eps)
    y = y if w is None else y * per_channel(w, x)
    return y if b is None else y + per_channel(b, x), running_mean, running_var


def batch_norm_backward(gy, x, running_mean=None, running_var=None, w=None, training=False, eps=1e-5):
    """gx, gw, gb. With xhat = (x - mean) r and gh = gy w: gx = r (gh - mean(gh) - xhat mean(gh xhat)) in training,
    because mean and variance move with x; gx = r gh otherwise."""
    axes = (0, *range(2, x.ndim))
    mean = np.mean(x, axis=axes) if training else running_mean
    var = np.var(x, axis=axes) if training else running_var
    r = 1 / np.sqrt(per_channel(var, x) + eps)
    xhat = (x - per_channel(mean, x)) * r
    gh = gy if w is None else gy * per_channel(w, x)
    if training:
        centred = gh - np.mean(gh, axis=axes, keepdims=True)
        gx = r * (centred - xhat * np.mean(gh * xhat, axis=axes, keepdims=True))
    else:
        gx = r * gh
    return gx, np.sum(gy * xhat, axis=axes), np.sum(gy, axis=axes)
