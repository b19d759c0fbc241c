"""The loss of yes-or-no questions: minus the log-probability of the right answer."""
from .. import _core
from .._core import R_MAX, R_MIN, float32
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import broadcast_shape, floating, reduced, reduction_of, same_type, tensor
from ._pointwise import pointwise
from .elementwise import logsigmoid


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Binary cross-entropy of probabilities.

    loss = -weight (target log input + (1 - target) log(1 - input)), the logarithms not below -100, reduced

    Args:
        input: probabilities, any shape, floating point
        target: the same shape and type, usually 0 or 1
        weight: broadcasts to the shape of target, or None
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the shape of input
    Raises: ShapeError, DTypeError, ArgumentError for an input outside 0..1

    >>> import udlfast as torch
    >>> round(torch.nn.functional.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.])).item(), 4)  # log 2
    0.6931

    Source: Understanding Deep Learning, section 5.4.
    """
    op = "binary_cross_entropy"
    if _autocast.ON:
        input, target, weight = _autocast.wide(input, target, weight)
    floating(op, input)
    same_type(op, input, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    if input.shape != target.shape:
        raise ShapeError(f"{op}: expected target {list(input.shape)}, the shape of input, got {list(target.shape)}; "
                         f"reshape or squeeze one of them")
    if input.dtype.narrow:
        weight = None if weight is None else weight.to(float32)
        return binary_cross_entropy(input.to(float32), target.to(float32), weight, reduction=reduction).to(input.dtype)
    if input.numel():
        least, most = _core.peek(_core.reduce(R_MIN, input)), _core.peek(_core.reduce(R_MAX, input))
        if not (least >= 0.0 and most <= 1.0):  # NaN fails too
            raise ArgumentError(f"{op}: expected input from 0 to 1 (probabilities), got values from {least} to {most}; "
                                f"for logits use binary_cross_entropy_with_logits")
    return _weighted(op, "bce", input, target, weight, reduction)


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean",
                                     pos_weight=None):
    """Sigmoid and binary cross-entropy in one, stable for large logits.

    loss = weight (max(x, 0) - x target + log(1 + exp(-|x|))), reduced; with pos_weight p,
    loss = -weight (p target log sigmoid(x) + (1 - target) log(1 - sigmoid(x)))

    Args:
        input: logits x, any shape, floating point
        target: the same shape, usually 0 or 1
        weight: broadcasts to the shape of input, or None
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
        pos_weight: how much a target of 1 counts; broadcasts to the shape of input, or None
    Returns: one number, or for "none" the shape of input
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> loss = torch.nn.functional.binary_cross_entropy_with_logits
    >>> loss(torch.tensor([0., 1000.]), torch.tensor([1., 0.]), reduction="none")
    tensor([6.9315e-01, 1.0000e+03])

    Source: Understanding Deep Learning, section 5.4.
    """
    op = "binary_cross_entropy_with_logits"
    if _autocast.ON:
        input, target, weight = _autocast.wide(input, target, weight)
    floating(op, input)
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    if input.shape != target.shape:
        raise ShapeError(f"{op}: expected target {list(input.shape)}, the shape of input, got {list(target.shape)}; "
                         f"reshape or squeeze one of them")
    if target.dtype is not input.dtype:
        floating(op, target, "target")
        common = _core.promote_types(input.dtype, target.dtype)
        input, target = input.to(common), target.to(common)
    if input.dtype.narrow:
        weight, pos_weight = (t if t is None else t.to(float32) for t in (weight, pos_weight))
        return binary_cross_entropy_with_logits(input.to(float32), target.to(float32), weight, reduction=reduction,
                                                pos_weight=pos_weight).to(input.dtype)
    if pos_weight is None:
        return _weighted(op, "bce_with_logits", input, target, weight, reduction)
    broadcast_shape(op, tuple(input.shape), tuple(pos_weight.shape))
    # with m = 1 + (p - 1) target: loss = (1 - target) x - m log sigmoid(x)
    share = (pos_weight - 1.0) * target + 1.0
    loss = (1.0 - target) * input - share * logsigmoid(input)
    return reduced(loss if weight is None else loss * weight, reduction)


def _weighted(op, name, input, target, weight, reduction):
    if weight is None:
        return pointwise(name, input, target, 0.0, reduction)
    same_type(op, input, weight, "weight")
    broadcast_shape(op, tuple(input.shape), tuple(weight.shape))
    return reduced(pointwise(name, input, target, 0.0, "none") * weight, reduction)
