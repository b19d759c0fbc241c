"""Cross entropy of logits x[N, C, L] (or x[N, C]) and targets t[N, L]: with lse = log sum_c exp(x_c), weight w,
smoothing s, a position's loss is (1 - s) w_t (lse - x_t) + s / C sum_c w_c (lse - x_c), 0 where t == ignore_index.
"mean" divides the sum by the sum of w_t over the positions that count."""

import numpy as np


def positions(t, ignore_index):
    return [at for at in np.ndindex(t.shape) if t[at] != ignore_index]


def divisor(t, w, ignore_index):
    return np.float64(sum(w[t[at]] for at in positions(t, ignore_index)))


def cross_entropy(x, t, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    C = x.shape[1]
    w = np.ones(C) if weight is None else weight
    rows = np.moveaxis(np.asarray(x, float), 1, -1)  # [N, L, C]
    loss = np.zeros(t.shape)
    for at in positions(t, ignore_index):
        row = rows[at]
        with np.errstate(all="ignore"):
            far = np.max(row) + np.log(np.sum(np.exp(row - np.max(row)))) - row  # lse - x_c
            smooth = label_smoothing / C * np.sum(w * far) if label_smoothing else 0
            loss[at] = (1 - label_smoothing) * w[t[at]] * far[t[at]] + smooth
    if reduction == "none":
        return loss
    with np.errstate(all="ignore"):
        return loss.sum() / divisor(t, w, ignore_index) if reduction == "mean" else loss.sum()


def cross_entropy_backward(gy, x, t, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """d/dx_c = (1 - s) w_t (softmax_c - [c = t]) + s / C (softmax_c sum_k w_k - w_c); ignored positions get 0"""
    C, s = x.shape[1], label_smoothing
    w = np.ones(C) if weight is None else weight
    rows = np.moveaxis(np.asarray(x, float), 1, -1)
    gx = np.zeros(rows.shape)
    share = divisor(t, w, ignore_index) if reduction == "mean" else 1
    for at in positions(t, ignore_index):
        softmax = np.exp(rows[at] - np.max(rows[at]))
        softmax /= softmax.sum()
        hit = np.arange(C) == t[at]
        d = (1 - s) * w[t[at]] * (softmax - hit) + s / C * (softmax * w.sum() - w)
        gx[at] = d * (gy[at] if reduction == "none" else gy) / share
    return (np.moveaxis(gx, -1, 1),)


def cross_entropy_probabilities(x, t, weight=None, reduction="mean", label_smoothing=0.0):
    """Targets t of x's shape are probabilities: loss = sum_c w_c t_c (lse - x_c); "mean" divides by their number."""
    C = x.shape[1]
    shape = (1, C) + (1,) * (x.ndim - 2)
    w = np.reshape(np.ones(C) if weight is None else weight, shape)
    t = t * (1 - label_smoothing) + label_smoothing / C
    top = np.max(x, axis=1, keepdims=True)
    far = top + np.log(np.sum(np.exp(x - top), axis=1, keepdims=True)) - x
    loss = np.sum(w * t * far, axis=1)
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


def cross_entropy_probabilities_backward(gy, x, t, weight=None, reduction="mean", label_smoothing=0.0):
    """d/dx_c = softmax_c sum_k w_k t_k - w_c t_c"""
    C = x.shape[1]
    w = np.reshape(np.ones(C) if weight is None else weight, (1, C) + (1,) * (x.ndim - 2))
    t = t * (1 - label_smoothing) + label_smoothing / C
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    softmax = e / e.sum(axis=1, keepdims=True)
    g = np.expand_dims(gy, 1) if reduction == "none" else gy
    g = g / (x.size / C) if reduction == "mean" else g
    return (g * (softmax * np.sum(w * t, axis=1, keepdims=True) - w * t),)
