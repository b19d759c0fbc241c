"""Stable order along an axis and its first k; a NaN is larger than any number."""

import numpy as np


def before(a, b, descending):
    if np.isnan(a) or np.isnan(b):
        first = np.isnan(b) and not np.isnan(a)
        return (np.isnan(a) and not np.isnan(b)) if descending else first
    return a > b if descending else a < b


def order(row, descending):
    """Insertion: an element moves past those it must precede, so equals keep their order."""
    out = []
    for i in range(len(row)):
        at = len(out)
        while at and before(row[i], row[out[at - 1]], descending):
            at -= 1
        out.insert(at, i)
    return np.array(out, dtype=np.int64)


def sort(x, axis=-1, descending=False):
    """values, indices"""
    x = np.asarray(x)
    if x.ndim == 0:
        return x, np.zeros((), dtype=np.int64)
    indices = np.apply_along_axis(order, axis, x, descending) if x.size else np.zeros(x.shape, dtype=np.int64)
    return np.take_along_axis(x, indices, axis), indices


def topk(x, k, axis=-1, largest=True):
    values, indices = sort(x, axis, descending=largest)
    first = np.arange(k)
    return np.take(values, first, axis), np.take(indices, first, axis)


def sort_backward(gy, x, indices, axis=-1):
    """Each gradient returns to where its value came from (for topk as well)."""
    gx = np.zeros(np.shape(x))
    if gx.ndim:
        np.put_along_axis(gx, indices, gy, axis)
    else:
        gx += gy
    return (gx,)
