"""Losses that ask for a margin between right and wrong, composed of element-wise operations."""
from .. import _core
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import broadcast_shape, floating, in_range, index_tensor, reduced, reduction_of, same_type, tensor
from .creation import arange
from .elementwise import logsigmoid, where
from .similarity import pairwise_distance


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """Small distances for like pairs, at least the margin for unlike ones.

    loss = input where target is 1, max(0, margin - input) where target is -1, reduced

    Args:
        input: distances, floating point
        target: 1 or -1, a shape that broadcasts with input
        margin: how far unlike pairs should be apart
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> loss = torch.nn.functional.hinge_embedding_loss
    >>> loss(torch.tensor([0.5, 0.25]), torch.tensor([1., -1.]), reduction="none").tolist()
    [0.5, 0.75]

    Source: Hadsell, Chopra and LeCun 2006.
    """
    op = "hinge_embedding_loss"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    broadcast_shape(op, tuple(input.shape), tuple(target.shape))
    loss = where(target != 1, (margin - input).clamp(min=0.0), 0.0) + where(target != -1, input, 0.0)
    return reduced(loss, reduction)


def margin_ranking_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """The first score should exceed the second by the margin where target is 1, and the reverse where it is -1.

    loss = max(0, -target (input1 - input2) + margin), reduced

    Args:
        input1, input2: scores, floating point
        target: 1 or -1, as many dimensions
        margin: how far the scores should be apart
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> F = torch.nn.functional
    >>> F.margin_ranking_loss(torch.tensor([2.]), torch.tensor([3.]), torch.tensor([1.]), margin=0.5).item()
    1.5

    Source: PyTorch's definition.
    """
    op = "margin_ranking_loss"
    if _autocast.ON:
        input1, input2 = _autocast.wide(input1, input2)
    floating(op, input1, "input1")
    tensor(op, input2, "input2")
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(f"{op}: expected tensors of as many dimensions, got {list(input1.shape)}, "
                         f"{list(input2.shape)} and {list(target.shape)}")
    broadcast_shape(op, tuple(input1.shape), tuple(input2.shape), tuple(target.shape))
    return reduced((-target * (input1 - input2) + margin).clamp(min=0.0), reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Logistic loss for targets of 1 and -1.

    loss = log(1 + exp(-target input)), reduced

    Args:
        input: scores, floating point
        target: 1 or -1, a shape that broadcasts with input
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> round(torch.nn.functional.soft_margin_loss(torch.tensor([0.]), torch.tensor([1.])).item(), 4)  # log 2
    0.6931

    Source: Understanding Deep Learning, section 5.4.
    """
    op = "soft_margin_loss"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    broadcast_shape(op, tuple(input.shape), tuple(target.shape))
    return reduced(-logsigmoid(target.to(input.dtype) * input), reduction)


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Several yes-or-no labels for every example.

    loss = -mean over c of weight[c] (target log sigmoid(input) + (1 - target) log sigmoid(-input)), reduced

    Args:
        input: scores [N, C] or [C], floating point
        target: 0 or 1, the same shape
        weight: [C] or None
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" [N]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> F = torch.nn.functional
    >>> round(F.multilabel_soft_margin_loss(torch.tensor([[0., 0.]]), torch.tensor([[1., 0.]])).item(), 4)  # log 2
    0.6931

    Source: Understanding Deep Learning, section 5.4.
    """
    op = "multilabel_soft_margin_loss"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    broadcast_shape(op, tuple(input.shape), tuple(target.shape))
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.mean(-1), reduction)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """The score of every right class should exceed that of every wrong one by 1.

    loss = 1 / C sum over right j and wrong i of max(0, 1 - (input[j] - input[i])), reduced

    Args:
        input: scores [N, C] or [C], floating point
        target: the shape of input, int64: the right classes, ended by -1
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" [N] (or [])
    Raises: DimError for a class outside -1..C-1, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.multilabel_margin_loss(torch.tensor([2., 1.]), torch.tensor([1, -1])).item()
    1.0

    Source: PyTorch's definition.
    """
    op = "multilabel_margin_loss"
    floating(op, input)
    index = index_tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    shape = tuple(input.shape)
    if len(shape) > 2 or tuple(target.shape) != shape:
        raise ShapeError(f"{op}: expected input and target of one shape [N, C] or [C], got {list(shape)} and {list(target.shape)}")
    in_range(op, index, -1, shape[-1] if shape else 1, "target")
    x, t = (v.reshape(-1, shape[-1] if shape else 1) for v in (input, index))
    named = (t >= 0).to(_core.int64).cumprod(1)
    t = t * named  # what stands behind the end names class 0, and does not count
    right = _core.zeros(tuple(x.shape), dtype=_core.int64).scatter_add(1, t, named).clamp(max=1)
    pairs = named.to(x.dtype).unsqueeze(2) * (1 - right).to(x.dtype).unsqueeze(1)
    gap = (1.0 - x.gather(1, t).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0.0) * pairs
    return reduced((gap.sum((1, 2)) / x.shape[1]).reshape(shape[:-1]), reduction)


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The score of the right class should exceed every other by the margin.

    loss = 1 / C sum over c != t of weight[t] max(0, margin - input[t] + input[c])^p, reduced

    Args:
        input: scores [N, C] or [C], floating point
        target: class numbers [N] or [], int64
        p: 1 or 2
        margin: how far the scores should be apart
        weight: [C] or None
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the shape of target
    Raises: DimError for a class outside 0..C-1, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.multi_margin_loss(torch.tensor([[1., 2.]]), torch.tensor([0])).item()
    1.0

    Source: Crammer and Singer 2001.
    """
    op = "multi_margin_loss"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    index = index_tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    if p not in (1, 2):
        raise ArgumentError(f"{op}: p must be 1 or 2, got {p!r}")
    shape = tuple(input.shape)
    if len(shape) not in (1, 2) or tuple(target.shape) not in (shape[:-1], (1,) if len(shape) == 1 else shape[:-1]):
        raise ShapeError(f"{op}: expected input [N, C] and target [N] (or [C] and []), got {list(shape)} and "
                         f"{list(target.shape)}")
    in_range(op, index, 0, shape[-1], "target")
    x, t = input.reshape(-1, shape[-1]), index.reshape(-1, 1)
    gap = (margin - x.gather(1, t) + x).clamp(min=0.0)
    gap = gap if p == 1 else gap * gap
    if weight is not None:
        same_type(op, input, weight, "weight")
        gap = gap * weight.index_select(0, t.reshape(-1)).unsqueeze(1)
    others = (t != arange(shape[-1])).to(x.dtype)
    return reduced(((gap * others).sum(1) / shape[-1]).reshape(target.shape if len(shape) == 2 else ()), reduction)


def cosine_embedding_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """Like pairs should point the same way, unlike ones at most as close as the margin.

    loss = 1 - cos where target is 1, max(0, cos - margin) where target is -1, reduced

    Args:
        input1, input2: [N, D] or [D], floating point
        target: 1 or -1, [N] or []
        margin: the largest cosine for unlike pairs
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the shape of target
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> F = torch.nn.functional
    >>> F.cosine_embedding_loss(torch.tensor([[1., 0.]]), torch.tensor([[0., 1.]]), torch.tensor([1.])).item()
    1.0

    Source: PyTorch's definition.
    """
    op = "cosine_embedding_loss"
    if _autocast.ON:
        input1, input2 = _autocast.wide(input1, input2)
    floating(op, input1, "input1")
    floating(op, input2, "input2")
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    if target.ndim > 1 or input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise ShapeError(f"{op}: expected inputs [N, D] and target [N] (or [D] and []), got {list(input1.shape)}, "
                         f"{list(input2.shape)} and {list(target.shape)}")
    eps = 1e-12  # keeps the square root differentiable at 0
    products = (input1 * input2).sum(-1), (input1 * input1).sum(-1) + eps, (input2 * input2).sum(-1) + eps
    cos = products[0] / (products[1] * products[2]).sqrt()
    zero = _core.zeros((), dtype=cos.dtype)
    loss = where(target == 1, 1.0 - cos, zero) + where(target == -1, (cos - margin).clamp(min=0.0), zero)
    return reduced(loss, reduction)


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None,
                        reduce=None, reduction="mean"):
    """The anchor should be nearer to its like than to the other, by the margin.

    loss = max(0, d(anchor, positive) - d(anchor, negative) + margin), reduced

    Args:
        anchor, positive, negative: [N, D] or [D], floating point
        margin: positive
        p: which norm measures the distance d
        eps: added to the differences
        swap: use d(positive, negative) where it is the smaller distance
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" [N]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> F = torch.nn.functional
    >>> F.triplet_margin_loss(torch.tensor([[0.]]), torch.tensor([[2.]]), torch.tensor([[2.]]), eps=0.).item()
    1.0

    Source: Schroff, Kalenichenko and Philbin 2015.
    """
    op = "triplet_margin_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)

    def distance(a, b):
        return pairwise_distance(a, b, p, eps)
    return _triplet(op, anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False,
                                      reduction="mean"):
    """triplet_margin_loss with any measure of distance.

    loss = max(0, d(anchor, positive) - d(anchor, negative) + margin), reduced

    Args:
        anchor, positive, negative: tensors of as many dimensions, floating point
        distance_function: d(a, b); None = pairwise_distance
        margin: positive
        swap: use d(positive, negative) where it is the smaller distance
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the shape of the distances
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> loss = torch.nn.functional.triplet_margin_with_distance_loss
    >>> a = torch.zeros(1, 1)
    >>> loss(a, a + 2, a + 2, distance_function=lambda a, b: (a - b).abs().sum(-1)).item()
    1.0

    Source: Schroff, Kalenichenko and Philbin 2015.
    """
    op = "triplet_margin_with_distance_loss"
    return _triplet(op, anchor, positive, negative, distance_function or pairwise_distance, margin, swap,
                    reduction_of(op, reduction))


def _triplet(op, anchor, positive, negative, distance, margin, swap, reduction):
    if _autocast.ON:
        anchor, positive, negative = _autocast.wide(anchor, positive, negative)
    floating(op, anchor, "anchor")
    floating(op, positive, "positive")
    floating(op, negative, "negative")
    if margin <= 0:
        raise ArgumentError(f"{op}: margin must be positive, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(f"{op}: expected tensors of as many dimensions, got anchor {list(anchor.shape)}, positive "
                         f"{list(positive.shape)} and negative {list(negative.shape)}")
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((near - far + margin).clamp(min=0.0), reduction)
