"""Losses that want numbers or distances apart by a margin. reduction: "mean" (default), "sum" or "none"."""

from .. import errors
from . import functional as F
from .loss import Loss, WeightedLoss
from .upsampling import PairwiseDistance

__all__ = ["HingeEmbeddingLoss", "MarginRankingLoss", "CosineEmbeddingLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
           "SoftMarginLoss", "MultiMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss"]  # fmt: skip


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


class TripletMarginWithDistanceLoss(Loss):
    """TripletMarginLoss with a distance of one's choice.

    l = max(0, d(anchor, positive) - d(anchor, negative) + margin)

    Arguments:
        distance_function: d, a function or module of two tensors [N, D]; None: PairwiseDistance.
        margin: the difference that is enough.
        swap: use the nearer of anchor and positive to the negative.
        reduction: "mean", "sum" or "none".

    Example:
        >>> import udlfast as torch
        >>> loss = torch.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(-1))
        >>> a = torch.zeros(1, 2)
        >>> loss(a, a, torch.full((1, 2), 0.25)).item()
        0.5

    Source: Schroff, Kalenichenko and Philbin 2015.
    """

    def __init__(self, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise errors.ArgumentError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin}")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=self.distance_function,
                                                   margin=self.margin, swap=self.swap, reduction=self.reduction)  # fmt: skip


class SoftMarginLoss(Loss):
    """Logistic loss for targets of 1 and -1.

    l = log(1 + exp(-target input))

    Arguments:
        reduction: "mean", "sum" or "none"; input and target have one shape.

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.SoftMarginLoss()(torch.zeros(1), torch.ones(1)).item(), 4)
        0.6931

    Source: *Understanding Deep Learning*, section 5.4.
    """

    def forward(self, input, target):
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """The score of the right class should exceed every other by margin.

    l = 1 / C sum_{c != t} weight[t] max(0, margin - input[t] + input[c])^p

    Arguments:
        p: 1 or 2; margin: the difference that is enough; weight: [C] or None.
        reduction: "mean", "sum" or "none"; input [N, C] or [C], target [N] or [].

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MultiMarginLoss()(torch.tensor([[1.0, 2.0]]), torch.tensor([0])).item()
        1.0

    Source: Crammer and Singer 2001.
    """

    def __init__(self, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise errors.ArgumentError(f"MultiMarginLoss: only p == 1 and p == 2 supported, got {p}")
        if weight is not None and weight.ndim != 1:
            raise errors.ShapeError(f"MultiMarginLoss: expected weight to be None or 1D, got shape {list(weight.shape)}")
        self.p = p
        self.margin = margin

    def forward(self, input, target):
        return F.multi_margin_loss(input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """The score of every right class should exceed that of every wrong one by 1.

    l = 1 / C sum over right j and wrong i of max(0, 1 - (input[j] - input[i]))

    Arguments:
        reduction: "mean", "sum" or "none"; input and target [N, C] or [C], the target's right classes end with -1.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MultiLabelMarginLoss()(torch.tensor([2.0, 1.0]), torch.tensor([1, -1])).item()
        1.0

    Source: PyTorch's definition.
    """

    def forward(self, input, target):
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Several yes-or-no labels for every example: the mean of their logistic losses.

    Arguments:
        weight: [C] or None.
        reduction: "mean", "sum" or "none"; input and target [N, C] or [C].

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.MultiLabelSoftMarginLoss()(torch.zeros(1, 2), torch.ones(1, 2)).item(), 4)
        0.6931

    Source: *Understanding Deep Learning*, section 5.4.
    """

    def forward(self, input, target):
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)
