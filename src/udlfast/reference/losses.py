"""Losses between an input x and a target t of one shape, element by element, then "none", "sum" or "mean".

Each backward gives the gradients of input and target.
"""

import numpy as np


def reduce(loss, reduction):
    if reduction == "none":
        return loss
    with np.errstate(all="ignore"):
        return loss.sum() / (np.float64(loss.size) if reduction == "mean" else 1)


def share(gy, x, reduction):
    """The upstream gradient of each element's loss."""
    with np.errstate(all="ignore"):
        return gy * np.ones(x.shape) / (np.float64(x.size) if reduction == "mean" else 1)


def mse_loss(x, t, reduction="mean"):
    return reduce((x - t) ** 2, reduction)


def mse_loss_backward(gy, x, t, reduction="mean"):
    gx = share(gy, x, reduction) * 2 * (x - t)
    return gx, -gx


def l1_loss(x, t, reduction="mean"):
    return reduce(np.abs(x - t), reduction)


def l1_loss_backward(gy, x, t, reduction="mean"):
    gx = share(gy, x, reduction) * np.sign(x - t)
    return gx, -gx


def huber_loss(x, t, reduction="mean", delta=1.0):
    d = np.abs(x - t)
    return reduce(np.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


def huber_loss_backward(gy, x, t, reduction="mean", delta=1.0):
    gx = share(gy, x, reduction) * np.clip(x - t, -delta, delta)
    return gx, -gx


def smooth_l1_loss(x, t, reduction="mean", beta=1.0):
    d = np.abs(x - t)
    return l1_loss(x, t, reduction) if beta == 0 else reduce(np.where(d < beta, d * d / (2 * beta), d - beta / 2), reduction)


def smooth_l1_loss_backward(gy, x, t, reduction="mean", beta=1.0):
    slope = np.sign(x - t) if beta == 0 else np.clip((x - t) / beta, -1, 1)
    gx = share(gy, x, reduction) * slope
    return gx, -gx


def binary_cross_entropy(x, t, weight=None, reduction="mean"):
    """-(t log x + (1 - t) log(1 - x)), each logarithm no smaller than -100."""
    with np.errstate(all="ignore"):
        loss = -(t * np.maximum(np.log(x), -100) + (1 - t) * np.maximum(np.log1p(-x), -100))
    return reduce(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_backward(gy, x, t, weight=None, reduction="mean"):
    g = share(gy, x, reduction) * (1 if weight is None else weight)
    with np.errstate(all="ignore"):
        gt = g * (np.maximum(np.log1p(-x), -100) - np.maximum(np.log(x), -100))
    return g * (x - t) / np.maximum(x * (1 - x), 1e-12), gt


def binary_cross_entropy_with_logits(x, t, weight=None, reduction="mean", pos_weight=None):
    """p t log(1 + exp(-x)) + (1 - t) log(1 + exp(x)): binary cross entropy of sigmoid(x)."""
    p = 1 if pos_weight is None else pos_weight
    loss = p * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    return reduce(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits_backward(gy, x, t, weight=None, reduction="mean", pos_weight=None):
    p = 1 if pos_weight is None else pos_weight
    g = share(gy, x, reduction) * (1 if weight is None else weight)
    sigmoid = np.exp(-np.logaddexp(0, -x))
    return g * ((1 - t) * sigmoid - p * t * (1 - sigmoid)), g * (p * np.logaddexp(0, -x) - np.logaddexp(0, x))


def kl_div(x, t, reduction="mean", log_target=False):
    """t (log t - x), 0 where t is 0; with log_target t holds logarithms. "batchmean" divides by the first axis."""
    with np.errstate(all="ignore"):
        loss = np.exp(t) * (t - x) if log_target else np.where(t == 0, 0, t * (np.log(t) - x))
    return loss.sum() / x.shape[0] if reduction == "batchmean" else reduce(loss, reduction)


def kl_div_backward(gy, x, t, reduction="mean", log_target=False):
    g = gy * np.ones(x.shape) / x.shape[0] if reduction == "batchmean" else share(gy, x, reduction)
    with np.errstate(all="ignore"):
        if log_target:
            return -g * np.exp(t), g * np.exp(t) * (t - x + 1)
        return -g * t, g * np.where(t == 0, 0, np.log(t) - x + 1)
