"""A linear layer and the cross entropy of its outputs."""
from .._core import linear
from ..errors import ArgumentError, ShapeError
from ._common import floating, same_type, tensor
from .cross_entropy import cross_entropy


def linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None,
                         label_smoothing=0.0, options=None):
    """cross_entropy of the logits input linear_weight^T + linear_bias.

    Args:
        input: [N, E] or [E], floating point
        linear_weight: [C, *K, E]; dimensions between classes and features give a K-dimensional loss
        target: class numbers [N, *K], or probabilities [N, C, *K]
        linear_bias: [C, *K] or None
        weight, reduction, label_smoothing: as in cross_entropy
        ignore_index: a class number that does not count; None: -100
        options: accepted for compatibility; the logits are kept whole here
    Returns: one number, or for "none" [N, *K]
    Raises: ShapeError, DTypeError, ArgumentError, DimError for a class outside 0..C-1

    >>> import udlfast as torch
    >>> F = torch.nn.functional
    >>> round(F.linear_cross_entropy(torch.ones(1, 2), torch.zeros(4, 2), torch.tensor([1])).item(), 4)  # log 4
    1.3863

    Source: Understanding Deep Learning, section 5.5.
    """
    op = "linear_cross_entropy"
    floating(op, input)
    same_type(op, input, linear_weight, "linear_weight")
    tensor(op, target, "target")
    shape, (C, *K, E) = tuple(input.shape), tuple(linear_weight.shape)
    if len(shape) not in (1, 2) or shape[-1] != E or (K and len(shape) == 1):
        raise ShapeError(f"{op}: expected input [N, {E}]{'' if K else f' or [{E}]'} for linear_weight "
                         f"{list(linear_weight.shape)}, got {list(shape)}")
    if linear_bias is not None and tuple(linear_bias.shape) != (C, *K):
        raise ShapeError(f"{op}: expected linear_bias shape {[C, *K]}, got {list(linear_bias.shape)}")
    logits_shape = (*shape[:-1], C, *K)
    if ignore_index is not None and tuple(target.shape) == logits_shape:
        raise ArgumentError(f"{op}: ignore_index cannot be specified when target contains probabilities")
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(-1, E), bias).reshape(logits_shape)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight=weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing)
