"""Layer normalisation over the last `dims` axes: y = (x - mean) / sqrt(var + eps) w + b; w, b have those axes' shape."""

import numpy as np


def layer_norm(x, dims, w=None, b=None, eps=1e-5):
    axes = tuple(range(x.ndim - dims, x.ndim))
    y = (x - np.mean(x, axis=axes, keepdims=True)) / np.sqrt(np.var(x, axis=axes, keepdims=True) + eps)
    y = y if w is None else y * w
    return y if b is None else y + b


def layer_norm_backward(gy, x, dims, w=None, eps=1e-5):
    """gx, gw, gb. With xhat = (x - mean) r and gh = gy w: gx = r (gh - mean(gh) - xhat mean(gh xhat))."""
    axes = tuple(range(x.ndim - dims, x.ndim))
    r = 1 / np.sqrt(np.var(x, axis=axes, keepdims=True) + eps)
    xhat = (x - np.mean(x, axis=axes, keepdims=True)) * r
    gh = gy if w is None else gy * w
    gx = r * (gh - np.mean(gh, axis=axes, keepdims=True) - xhat * np.mean(gh * xhat, axis=axes, keepdims=True))
    rows = tuple(range(x.ndim - dims))
    return gx, np.sum(gy * xhat, axis=rows), np.sum(gy, axis=rows)


def rms_norm(x, dims, w=None, eps=1e-5):
    """x / sqrt(mean of x^2 over the last dims + eps) w."""
    axes = tuple(range(x.ndim - dims, x.ndim))
    y = x / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + eps)
    return y if w is None else y * w


def rms_norm_backward(gy, x, dims, w=None, eps=1e-5):
    """gx, gw. With r = 1 / sqrt(mean(x^2) + eps) and g = gy w: gx = r g - r^3 x mean(g x)."""
    axes = tuple(range(x.ndim - dims, x.ndim))
    r = 1 / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + eps)
    g = gy if w is None else gy * w
    return r * g - r**3 * x * np.mean(g * x, axis=axes, keepdims=True), np.sum(gy * x * r, axis=tuple(range(x.ndim - dims)))
