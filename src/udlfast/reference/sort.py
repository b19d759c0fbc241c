"""Stable order along an axis and its first k; a NaN is larger than any number."""

import numpy as np


def order(row, descending):
    """Python's own sort, which is stable in both directions, by (is NaN, value)."""
    key = [(bool(np.isnan(v)), 0 if np.isnan(v) else v) for v in row]
    return np.array(sorted(range(len(row)), key=key.__getitem__, reverse=descending), dtype=np.int64)


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
