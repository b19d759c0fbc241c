"""Negative log likelihood of log-probabilities x[N, C, L] (or x[N, C]) at targets t[N, L]: loss = -w_t x_t, 0 where
t == ignore_index; "mean" divides the sum by the sum of w_t over the positions that count."""

import numpy as np


def positions(t, ignore_index):
    return [at for at in np.ndindex(t.shape) if t[at] != ignore_index]


def nll_loss(x, t, weight=None, ignore_index=-100, reduction="mean"):
    w = np.ones(x.shape[1]) if weight is None else weight
    loss, total = np.zeros(t.shape), np.float64(0)
    for at in positions(t, ignore_index):
        loss[at] = -w[t[at]] * x[(at[0], t[at], *at[1:])]
        total += w[t[at]]
    if reduction == "none":
        return loss
    with np.errstate(all="ignore"):
        return loss.sum() / total if reduction == "mean" else loss.sum()


def nll_loss_backward(gy, x, t, weight=None, ignore_index=-100, reduction="mean"):
    w = np.ones(x.shape[1]) if weight is None else weight
    total = np.sum(w[t[t != ignore_index]]) if reduction == "mean" else 1
    gx = np.zeros(x.shape)
    for at in positions(t, ignore_index):
        gx[(at[0], t[at], *at[1:])] = -w[t[at]] * (gy[at] if reduction == "none" else gy) / total
    return (gx,)
