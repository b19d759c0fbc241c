"""Reductions over axes: sum, mean, prod, extremes, their positions, variance, norm, logsumexp.

`axis` is an int, a tuple or None (all axes). Gradients take the upstream gradient in the shape of the reduced output.
"""

import numpy as np


def all_axes(x, axis):
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(a % max(x.ndim, 1) for a in (axis if isinstance(axis, tuple) else (axis,)) if x.ndim)


def spread(g, x, axis):
    """g (reduced over axis) repeated to the shape of x."""
    kept = tuple(1 if i in all_axes(x, axis) else n for i, n in enumerate(x.shape))
    return np.broadcast_to(np.reshape(g, kept), x.shape)


def sum(x, axis=None, keepdims=False):
    return np.sum(np.asarray(x, float), axis=all_axes(np.asarray(x), axis), keepdims=keepdims)


def sum_backward(gy, x, axis=None):
    return spread(gy, x, axis) + 0.0


def count(x, axis):
    return int(np.prod([x.shape[a] for a in all_axes(x, axis)], initial=1))


def mean(x, axis=None, keepdims=False):
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        return sum(x, axis, keepdims) / np.float64(count(x, axis))


def mean_backward(gy, x, axis=None):
    with np.errstate(all="ignore"):
        return spread(gy, x, axis) / np.float64(count(x, axis))


def prod(x, axis=None, keepdims=False):
    return np.prod(np.asarray(x, float), axis=all_axes(np.asarray(x), axis), keepdims=keepdims)


def prod_backward(gy, x, axis=None):
    """d prod / d x_i = product of the others, multiplied out so that zeros in x are harmless."""
    axes = all_axes(x, axis)
    rest = [a for a in range(x.ndim) if a not in axes]
    moved = np.transpose(x, rest + list(axes))
    rows = moved.reshape([int(np.prod([x.shape[a] for a in some])) for some in (rest, axes)])
    others = np.ones_like(rows)
    for i in range(rows.shape[1]):
        others[:, i] = np.prod(np.delete(rows, i, axis=1), axis=1)
    others = others.reshape(moved.shape).transpose(np.argsort(rest + list(axes)))
    return spread(gy, x, axis) * others


def amax(x, axis=None, keepdims=False):
    return np.max(np.asarray(x, float), axis=all_axes(np.asarray(x), axis), keepdims=keepdims)


def amin(x, axis=None, keepdims=False):
    return np.min(np.asarray(x, float), axis=all_axes(np.asarray(x), axis), keepdims=keepdims)


def extreme_backward(gy, x, y, axis=None):
    """Equal extremes share the gradient."""
    hit = x == spread(y, x, axis)
    return spread(gy, x, axis) * hit / np.sum(hit, axis=all_axes(x, axis), keepdims=True)


def amax_backward(gy, x, axis=None):
    return extreme_backward(gy, x, amax(x, axis), axis)


def amin_backward(gy, x, axis=None):
    return extreme_backward(gy, x, amin(x, axis), axis)


def argmax(x, axis=None):
    """The first of equal extremes; a NaN is larger than anything."""
    return np.argmax(np.asarray(x), axis=axis)


def argmin(x, axis=None):
    return np.argmin(np.asarray(x), axis=axis)


def var(x, axis=None, correction=1, keepdims=False):
    x = np.asarray(x, float)
    n = count(x, axis)
    with np.errstate(all="ignore"):
        squares = sum((x - mean(x, axis, keepdims=True)) ** 2, axis, keepdims)
        return squares / np.float64(max(n - correction, 0))


def var_backward(gy, x, axis=None, correction=1):
    with np.errstate(all="ignore"):
        scale = 2 / np.float64(max(count(x, axis) - correction, 0))
        return spread(gy, x, axis) * scale * (x - mean(x, axis, keepdims=True))


def std(x, axis=None, correction=1, keepdims=False):
    return np.sqrt(var(x, axis, correction, keepdims))


def std_backward(gy, x, axis=None, correction=1):
    """gy / (2 std) through the variance, zero where the deviation is zero."""
    y = np.asarray(std(x, axis, correction))
    with np.errstate(all="ignore"):
        return var_backward(np.divide(gy, 2 * y, out=np.zeros_like(y), where=y != 0), x, axis, correction)


def norm(x, axis=None, keepdims=False):
    return np.sqrt(sum(np.asarray(x, float) ** 2, axis, keepdims))


def norm_backward(gy, x, axis=None):
    """x / |x|, zero where the norm is zero."""
    y = spread(norm(x, axis), x, axis)
    return spread(gy, x, axis) * np.divide(x, y, out=np.zeros_like(x), where=y != 0)


def logsumexp(x, axis=None, keepdims=False):
    x = np.asarray(x, float)
    axes = all_axes(x, axis)
    top = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    top = np.where(np.isinf(top), 0, top)
    with np.errstate(all="ignore"):
        y = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axes)


def logsumexp_backward(gy, x, axis=None):
    with np.errstate(all="ignore"):
        return spread(gy, x, axis) * np.exp(x - logsumexp(x, axis, keepdims=True))


def any(x, axis=None):
    return np.any(np.asarray(x) != 0, axis=axis)


def all(x, axis=None):
    return np.all(np.asarray(x) != 0, axis=axis)
