"""Running sums, products, logarithms of sums of exponentials and extremes along an axis: y_k = x_0 + ... + x_k."""

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


def logcumsumexp(x, axis):
    """log sum over j <= k of exp(x_j), each with the largest of its own terms in front"""
    x = np.moveaxis(np.asarray(x, float), axis, 0)
    y = np.empty(x.shape)
    for k in range(x.shape[0]):
        top = np.max(x[: k + 1], axis=0)
        shift = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore", over="ignore"):
            y[k] = shift + np.log(np.sum(np.exp(x[: k + 1] - shift), axis=0))
    return np.moveaxis(y, 0, axis)


def logcumsumexp_backward(gy, x, axis):
    """gx_j = sum over k >= j of g_k exp(x_j - y_k)"""
    y, x, g = (np.moveaxis(np.asarray(a, float), axis, 0) for a in (logcumsumexp(x, axis), x, gy))
    gx = np.zeros(x.shape)
    for j in range(x.shape[0]):
        gx[j] = np.sum(g[j:] * np.exp(x[j] - y[j:]), axis=0)
    return (np.moveaxis(gx, 0, axis),)


def cummax(x, axis, sign=1):
    """(running maxima (sign -1: minima), their places: of equals the last, a NaN beats all numbers)"""
    x = np.moveaxis(np.asarray(x), axis, 0)
    place = np.zeros(x.shape, int)
    best = x[:1].copy()
    for k in range(1, x.shape[0]):
        wins = np.isnan(x[k]) | (x[k] >= best[0] if sign > 0 else x[k] <= best[0])
        place[k] = np.where(wins, k, place[k - 1])
        best[0] = np.where(wins, x[k], best[0])
    return np.moveaxis(np.take_along_axis(x, place, 0), 0, axis), np.moveaxis(place, 0, axis)
