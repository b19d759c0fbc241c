"""y[i, j, ...] = x[i, index[i, j, ...], ...] along `axis` (here 1); index_select takes whole slices."""

import numpy as np


def source(at, i, axis):
    return (*at[:axis], i, *at[axis + 1 :])


def gather(x, axis, index):
    axis = axis % max(x.ndim, 1)
    y = np.zeros(index.shape, dtype=x.dtype)
    for at in np.ndindex(index.shape):
        y[at] = x[source(at, index[at], axis)] if x.ndim else x[()]
    return y


def gather_backward(gy, x, axis, index):
    axis = axis % max(x.ndim, 1)
    gx = np.zeros(x.shape)
    for at in np.ndindex(index.shape):
        gx[source(at, index[at], axis) if x.ndim else ()] += gy[at]
    return (gx,)


def index_select(x, axis, index):
    return np.stack([np.take(x, i, axis) for i in index], axis) if len(index) else np.take(x, index, axis)


def index_select_backward(gy, x, axis, index):
    gx = np.moveaxis(np.zeros(x.shape), axis, 0)
    for j, i in enumerate(index):
        gx[i] += np.moveaxis(gy, axis, 0)[j]
    return (np.moveaxis(gx, 0, axis),)
