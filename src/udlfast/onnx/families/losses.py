"""Losses."""

import udlfast as udl
from udlfast.nn import functional as F

from .._registry import op


@op("NegativeLogLikelihoodLoss")
def nll(node, x, target, weight=None):
    return loss(node, x, target, weight)


def loss(node, logs, target, weight):
    """The mean, sum or each of -w[t] log p[t]; targets of `ignore_index` count nothing."""
    ignore = node.get("ignore_index")
    ignore = -(2**40) if ignore is None else ignore
    return F.nll_loss(logs, target.long(), weight, ignore_index=ignore, reduction=node.get("reduction", "mean"))


@op("SoftmaxCrossEntropyLoss")
def cross_entropy(node, x, target, weight=None):
    logs = udl.log_softmax(x, 1)
    return loss(node, logs, target, weight), logs
