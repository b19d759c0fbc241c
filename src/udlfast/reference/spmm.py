"""spmm: y[r, h, d] = sum of v[e, h] x[col[e], h, d] over the entries e of row r, crow[r] <= e < crow[r + 1]."""

import numpy as np


def rows_of(crow):
    """The row of each entry."""
    return np.repeat(np.arange(len(crow) - 1), np.diff(crow))


def spmm(crow, col, v, x):
    y = np.zeros((len(crow) - 1, *np.shape(x)[1:]))
    np.add.at(y, rows_of(crow), np.asarray(v, float)[:, :, None] * np.asarray(x, float)[col])
    return y


def spmm_backward(gy, crow, col, v, x):
    """gv[e, h] = gy[r, h] . x[col[e], h], gx[c, h] = sum over the entries e of column c of v[e, h] gy[r, h]"""
    x, gy, rows = np.asarray(x, float), np.asarray(gy, float), rows_of(crow)
    gx = np.zeros_like(x)
    np.add.at(gx, col, np.asarray(v, float)[:, :, None] * gy[rows])
    return (gy[rows] * x[col]).sum(2), gx
