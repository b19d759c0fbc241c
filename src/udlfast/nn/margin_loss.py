"""Losses that want numbers or distances apart by a margin. reduction: "mean" (default), "sum" or "none"."""

from .. import errors
from . import functional as F
from .loss import Loss

__all__ = ["HingeEmbeddingLoss", "MarginRankingLoss", "CosineEmbeddingLoss", "TripletMarginLoss"]


class HingeEmbeddingLoss(Loss):
    """Distances of pairs that are alike (target 1) small, of others (-1) at least margin.

    l = input if target = 1 else max(0, margin - input)

    Arguments:
        margin: the distance that is enough.
        reduction: "mean", "sum" or "none".

    Example:
        >>> import udlfast as torch
        >>> torch.nn.HingeEmbeddingLoss()(torch.tensor([0.25]), torch.tensor([-1.0])).item()
        0.75

    Source: Hadsell, Chopra and LeCun 2006.
    """

    def __init__(self, margin=1.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input, target):
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """input1 should be above input2 (target 1) or below it (-1), by margin.

    l = max(0, -target (input1 - input2) + margin)

    Arguments:
        margin: the difference that is enough.
        reduction: "mean", "sum" or "none".

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MarginRankingLoss()(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0])).item()
        2.0

    Source: Herbrich, Graepel and Obermayer 1999.
    """

    def __init__(self, margin=0.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """Pairs that are alike (target 1) should point the same way, others (-1) apart.

    l = 1 - cos(input1, input2) if target = 1 else max(0, cos(input1, input2) - margin)

    Arguments:
        margin: the cosine that is small enough.
        reduction: "mean", "sum" or "none"; inputs [N, D] or [D], target [N] or [].

    Example:
        >>> import udlfast as torch
        >>> x = torch.tensor([[1.0, 0.0]])
        >>> torch.nn.CosineEmbeddingLoss()(x, x, torch.tensor([-1.0])).item()
        1.0

    Source: Hadsell, Chopra and LeCun 2006.
    """

    def __init__(self, margin=0.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """The anchor should be nearer to the positive than to the negative, by margin.

    l = max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of the difference

    Arguments:
        margin: the difference that is enough.
        p: the norm; eps: added to the difference.
        swap: use the nearer of anchor and positive to the negative.
        reduction: "mean", "sum" or "none"; all inputs [N, D] or [D].

    Example:
        >>> import udlfast as torch
        >>> a, n = torch.zeros(1, 2), torch.ones(1, 2)
        >>> round(torch.nn.TripletMarginLoss(margin=2.0)(a, a, n).item(), 3)
        0.586

    Source: Schroff, Kalenichenko and Philbin 2015.
    """

    def __init__(self, margin=1.0, p=2.0, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise errors.ArgumentError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin}")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
