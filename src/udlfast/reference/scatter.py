"""y = x, then y[i, index[i, j, ...], ...] = (or +=) src[i, j, ...] along `axis` (here 1)."""

import numpy as np


def target(at, i, axis):
    return (*at[:axis], i, *at[axis + 1 :])


def scatter(x, axis, index, src):
    axis = axis % max(x.ndim, 1)
    y = np.array(x)
    for at in np.ndindex(index.shape):
        y[target(at, index[at], axis)] = src[at] if np.ndim(src) else src
    return y


def scatter_backward(gy, x, axis, index, src):
    """What was overwritten gets no gradient; src gets gy at its target (targets must differ)."""
    axis = axis % max(x.ndim, 1)
    gx, gsrc = np.array(gy), np.zeros(np.shape(src))
    for at in np.ndindex(index.shape):
        gx[target(at, index[at], axis)] = 0
        if np.ndim(src):
            gsrc[at] = gy[target(at, index[at], axis)]
    return gx, gsrc


def scatter_add(x, axis, index, src):
    axis = axis % max(x.ndim, 1)
    y = np.array(x, dtype=float)
    for at in np.ndindex(index.shape):
        y[target(at, index[at], axis)] += src[at]
    return y


def scatter_add_backward(gy, x, axis, index, src):
    axis = axis % max(x.ndim, 1)
    gsrc = np.zeros(src.shape)
    for at in np.ndindex(index.shape):
        gsrc[at] = gy[target(at, index[at], axis)]
    return np.array(gy), gsrc


def index_add(x, axis, index, src, alpha=1.0):
    """y = x, then slice index[j] of y along axis += alpha times slice j of src."""
    y = np.moveaxis(np.array(x, dtype=float), axis, 0)
    for j, i in enumerate(index):
        y[i] += alpha * np.moveaxis(src, axis, 0)[j]
    return np.moveaxis(y, 0, axis)
