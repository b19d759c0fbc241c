"""Loss layers. reduction: "mean" (default), "sum" or "none" (one loss an element)."""

from . import functional as F
from .module import Module

__all__ = [
    "L1Loss",
    "MSELoss",
    "HuberLoss",
    "SmoothL1Loss",
    "CrossEntropyLoss",
    "NLLLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "KLDivLoss",
    "PoissonNLLLoss",
    "GaussianNLLLoss",
]


class Loss(Module):
    """What the losses share: how the elements' losses become one number."""

    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__()
        if size_average is not None or reduce is not None:  # the names that PyTorch had before `reduction`
            wanted = True if reduce is None else reduce
            reduction = "none" if not wanted else "mean" if size_average is None or size_average else "sum"
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a buffer of weights, one a class."""

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(Loss):
    """The absolute difference.

    l = |input - target|

    Arguments:
        reduction: "mean", "sum" or "none"; input and target have one shape.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.L1Loss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0])).item()
        1.5

    Source: *Understanding Deep Learning*, section 5.3 (with a Laplace distribution in place of the normal).
    """

    def forward(self, input, target):
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(Loss):
    """The squared difference.

    l = (input - target)^2

    Arguments:
        reduction: "mean", "sum" or "none"; input and target have one shape.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0])).item()
        2.0

    Source: *Understanding Deep Learning*, section 5.3 (least squares).
    """

    def forward(self, input, target):
        return F.mse_loss(input, target, reduction=self.reduction)


class HuberLoss(Module):
    """Squared for small differences, linear for large ones.

    l = d^2 / 2 if |d| <= delta else delta (|d| - delta / 2), d = input - target

    Arguments:
        reduction: "mean", "sum" or "none"; input and target have one shape.
        delta: where it becomes linear.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.HuberLoss()(torch.tensor([3.0]), torch.tensor([0.0])).item()
        2.5

    Source: Huber 1964.
    """

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__()
        self.reduction = reduction
        self.delta = delta

    def forward(self, input, target):
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(Loss):
    """Huber's loss divided by its bend.

    l = d^2 / (2 beta) if |d| < beta else |d| - beta / 2, d = input - target

    Arguments:
        reduction: "mean", "sum" or "none"; input and target have one shape.
        beta: where it becomes linear; 0 is L1Loss.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.SmoothL1Loss()(torch.tensor([3.0]), torch.tensor([0.0])).item()
        2.5

    Source: Girshick 2015.
    """

    def __init__(self, size_average=None, reduce=None, reduction="mean", beta=1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input, target):
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class CrossEntropyLoss(WeightedLoss):
    """Minus the log-probability of the right class, from logits.

    l = -weight[t] log softmax(input)[t];  smoothing s mixes s/C of every class into the target.
    "mean" divides by the sum of the weights that count.

    Arguments:
        weight: [C], or None for ones.
        ignore_index: targets of this value do not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: s.
        input: [C], [N, C] or [N, C, ...]; target: int64 without the axis C, or probabilities of the input's shape.

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.CrossEntropyLoss()(torch.zeros(1, 2), torch.tensor([1])).item(), 4)
        0.6931

    Source: *Understanding Deep Learning*, section 5.5 and 5.7.
    """

    def __init__(
        self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
    ):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """Minus the log-probability of the right class, from log-probabilities.

    l = -weight[t] input[t];  "mean" divides by the sum of the weights that count.

    Arguments:
        weight, ignore_index, reduction: as in CrossEntropyLoss.
        input: [C], [N, C] or [N, C, ...]; target: int64 without the axis C.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.NLLLoss()(torch.tensor([[-1.0, -2.0]]), torch.tensor([1])).item()
        2.0

    Source: *Understanding Deep Learning*, section 5.5.
    """

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input, target):
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class BCELoss(WeightedLoss):
    """Minus the log-likelihood of 0 or 1 under probabilities.

    l = -weight (target log input + (1 - target) log(1 - input)), logarithms not below -100

    Arguments:
        weight: factors that broadcast to the input, or None.
        reduction: "mean", "sum" or "none"; input in [0, 1] and target have one shape.

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.BCELoss()(torch.tensor([0.5]), torch.tensor([1.0])).item(), 4)
        0.6931

    Source: *Understanding Deep Learning*, section 5.4.
    """

    def forward(self, input, target):
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """Minus the log-likelihood of 0 or 1, from logits.

    l = -weight (pos_weight target log s(input) + (1 - target) log(1 - s(input))), s the sigmoid

    Arguments:
        weight: factors that broadcast to the input, or None.
        reduction: "mean", "sum" or "none"; input and target have one shape.
        pos_weight: factors of the positive examples, or None.

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.BCEWithLogitsLoss()(torch.tensor([0.0]), torch.tensor([1.0])).item(), 4)
        0.6931

    Source: *Understanding Deep Learning*, section 5.4.
    """

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input, target):
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of the input's distribution from the target's.

    l = target (log target - input), input = log-probabilities

    Arguments:
        reduction: "mean", "batchmean" (the sum over dimension 0's size), "sum" or "none".
        log_target: the target is log-probabilities too.

    Example:
        >>> import udlfast as torch
        >>> p = torch.tensor([[0.5, 0.5]])
        >>> torch.nn.KLDivLoss(reduction="batchmean")(p.log(), p).item()
        0.0

    Source: *Understanding Deep Learning*, section 5.7 and appendix C.5.
    """

    def __init__(self, size_average=None, reduce=None, reduction="mean", log_target=False):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input, target):
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """Minus the log-likelihood of counts under a Poisson distribution.

    l = exp(input) - target input, or with log_input=False: input - target log(input + eps)

    Arguments:
        log_input: the input is the logarithm of the rate.
        full: add Stirling's log(target!) for target > 1.
        eps: keeps log away from 0.
        reduction: "mean", "sum" or "none".

    Example:
        >>> import udlfast as torch
        >>> torch.nn.PoissonNLLLoss()(torch.tensor([0.0]), torch.tensor([3.0])).item()
        1.0

    Source: *Understanding Deep Learning*, section 5.6 (table of distributions).
    """

    def __init__(self, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input, target):
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """Minus the log-likelihood under a normal distribution whose variance is given too.

    l = (log max(var, eps) + (input - target)^2 / max(var, eps)) / 2

    Arguments:
        full: add log(2 pi) / 2.
        eps: the smallest variance.
        reduction: "mean", "sum" or "none".

    Example:
        >>> import udlfast as torch
        >>> one = torch.ones(1)
        >>> torch.nn.GaussianNLLLoss()(one, 3 * one, one).item()
        2.0

    Source: *Understanding Deep Learning*, section 5.3.4 (heteroscedastic regression).
    """

    def __init__(self, *, full=False, eps=1e-6, reduction="mean"):
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input, target, var):
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)
