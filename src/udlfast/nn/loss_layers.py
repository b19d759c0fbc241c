"""Losses with a layer of their own, and the loss of sequences that are not aligned with their targets."""

from collections import namedtuple
from math import prod

from .. import _core, errors
from . import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .loss import Loss, NLLLoss, WeightedLoss
from .module import Module

__all__ = ["NLLLoss2d", "CTCLoss", "LinearCrossEntropyLoss", "AdaptiveLogSoftmaxWithLoss"]

ASMoutput = namedtuple("ASMoutput", ("output", "loss"))


class NLLLoss2d(NLLLoss):
    """NLLLoss for images, under its older name."""


class CTCLoss(Loss):
    """-log of the probability that an unaligned sequence spells the target; forward(log_probs, targets, input_lengths, target_lengths).

    Arguments:
        blank: the class that spells nothing.
        reduction: "mean" (each loss divided by its target's length first), "sum" or "none".
        zero_infinity: losses of targets that cannot be spelled, and their gradients, are 0.
        Shapes: log_probs [T, N, C] (log-softmax over C), targets [N, S] or all one after the other, lengths [N].

    Example:
        >>> import udlfast as torch
        >>> log_probs = torch.randn(5, 2, 4).log_softmax(2)
        >>> torch.nn.CTCLoss()(log_probs, torch.tensor([[1, 2], [3, 1]]), torch.tensor([5, 5]), torch.tensor([2, 1])).ndim
        0

    Source: Graves et al. 2006.
    """

    def __init__(self, blank=0, reduction="mean", zero_infinity=False):
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity)


class LinearCrossEntropyLoss(WeightedLoss):
    """A linear layer to logits, and their cross entropy with the target.

    Arguments:
        in_features, num_classes: E and C; the input is [N, E] or [E].
        out_features: the sizes K of a loss in more dimensions: logits [N, C, *K], target [N, *K].
        bias: whether the linear layer has one.
        weight, reduction, ignore_index, label_smoothing: as in CrossEntropyLoss; options: kept, and not used.
        Children: linear (Linear).

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LinearCrossEntropyLoss(3, 5)(torch.randn(2, 3), torch.tensor([1, 4])).ndim
        0

    Source: *Understanding Deep Learning*, section 5.5.
    """

    def __init__(self, in_features, num_classes, *, out_features=(), bias=False, device=None, dtype=None, reduction="mean",
                 weight=None, ignore_index=None, label_smoothing=0.0, options=None):  # fmt: skip
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise errors.ShapeError(f"LinearCrossEntropyLoss: expected weight [{num_classes}], got {list(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise errors.ArgumentError(f"LinearCrossEntropyLoss: label_smoothing must be in 0..1, got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.linear = Linear(in_features, prod(out_features, start=num_classes), bias, device, dtype)
        self.options = options

    def forward(self, input, target):
        shape, bias = (self.num_classes, *self.out_features), self.linear.bias
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, self.linear.in_features), target,
            linear_bias=None if bias is None else bias.reshape(shape), weight=self.weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing, options=self.options,
        )  # fmt: skip

    def extra_repr(self):
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, "
            f"bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax over very many classes: frequent ones directly, rare ones by cluster and then by a smaller layer.

    log p(y) = head[y] for y < cutoffs[0], else head[cluster of y] + tail[cluster][y]; the loss is the mean of -log p(target).

    Arguments:
        in_features: E; the input is [N, E] or [E], the target class numbers [N] or [].
        n_classes: their number; classes are sorted by frequency, the most frequent first.
        cutoffs: where clusters begin, increasing, between 1 and n_classes - 1.
        div_value: cluster i has an inner layer of E / div_value^(i + 1) features.
        head_bias: whether the head has a bias.
        Returns of forward: (output, loss): log p(target) of each example, and the mean loss.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
        >>> tuple(layer.log_prob(torch.randn(3, 8)).shape), layer(torch.randn(3, 8), torch.tensor([0, 7, 19])).loss.ndim
        ((3, 20), 0)

    Source: Grave et al. 2017.
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or any(int(c) != c for c in cutoffs) or cutoffs != sorted(set(cutoffs)) \
                or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1:  # fmt: skip
            raise errors.ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs must be unique, positive, increasing integers of at most {n_classes - 1}, "
                f"got {cutoffs}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            inner = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(Sequential(Linear(in_features, inner, False, device, dtype), Linear(inner, classes, False, device, dtype)))

    def reset_parameters(self):
        """Draws all parameters anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input, target):
        if target.ndim > 1 or input.ndim != target.ndim + 1 or (target.ndim and input.shape[0] != target.shape[0]):
            raise errors.ShapeError(
                f"AdaptiveLogSoftmaxWithLoss: expected input [N, E] and target [N] (or [E] and []), got {list(input.shape)} and "
                f"{list(target.shape)}"
            )
        x, t = (input, target) if target.ndim else (input.unsqueeze(0), target.unsqueeze(0))
        if t.numel() and not 0 <= t.min().item() <= t.max().item() < self.n_classes:
            raise errors.DimError(
                f"AdaptiveLogSoftmaxWithLoss: target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{t.min().item()}, {t.max().item()}] were found"
            )
        place, parts = t, []
        for i in range(self.n_clusters):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            rows = ((t >= low) & (t < high)).nonzero().squeeze(1)
            if rows.numel():
                log_p = F.log_softmax(self.tail[i](x.index_select(0, rows)), 1)
                parts.append((rows, log_p.gather(1, (t[rows] - low).unsqueeze(1)).squeeze(1)))
                place = place.index_fill(0, rows, self.shortlist_size + i)
        output = F.log_softmax(self.head(x), 1).gather(1, place.unsqueeze(1)).squeeze(1)
        for rows, log_p in parts:
            output = output.index_add(0, rows, log_p)
        loss = (-output).mean()
        return ASMoutput(output if target.ndim else output.squeeze(0), loss)

    def log_prob(self, input):
        """Log-probabilities of all classes [N, n_classes] for the input [N, E]."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            at = self.shortlist_size + i
            parts.append(F.log_softmax(self.tail[i](input), 1) + head[:, at : at + 1])
        from .. import cat

        return cat(parts, 1)

    def predict(self, input):
        """The most probable class of each example [N], or of the only one []."""
        x = input if input.ndim == 2 else input.unsqueeze(0)
        with _core.no_grad():
            best = self.head(x).argmax(1)
            rare = (best >= self.shortlist_size).nonzero().squeeze(1)
            if rare.numel():
                best = best.index_copy(0, rare, self.log_prob(x.index_select(0, rare)).argmax(1))
        return best if input.ndim == 2 else best.squeeze(0)
