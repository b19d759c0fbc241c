"""Losses of regression: a function of input - target, element by element, then reduced.

Forward and gradient are one fused kernel each. All of them are even, so the gradient of target is minus that of input.
"""
import warnings

from .. import _core
from .._core import float32
from ..errors import ArgumentError, DTypeError, ShapeError
from . import _autocast
from ._common import broadcast_shape, reduced, reduction_of, tensor
from ._pointwise import pointwise


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The squared error.

    loss = (input - target)^2, reduced; with a weight, loss = weight (input - target)^2, and "mean" divides by its sum

    Args:
        input, target: shapes that broadcast together (a warning says when they differ), floating point
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
        weight: the shape of input, or None
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1., 2.]), torch.tensor([1., 4.])).item()
    2.0

    Source: Understanding Deep Learning, section 5.3.
    """
    reduction = reduction_of("mse_loss", reduction, size_average, reduce)
    return _loss("mse_loss", "mse", input, target, 0.0, reduction, weight)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The absolute error.

    loss = |input - target|, reduced; with a weight, loss = weight |input - target|, and "mean" divides by its sum

    Args:
        input, target: shapes that broadcast together (a warning says when they differ), floating point
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
        weight: the shape of input, or None
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1., 2.]), torch.tensor([1., 4.])).item()
    1.0

    Source: Understanding Deep Learning, section 5.6.
    """
    reduction = reduction_of("l1_loss", reduction, size_average, reduce)
    return _loss("l1_loss", "l1", input, target, 0.0, reduction, weight)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Squared for small errors, absolute for large ones.

    With d = input - target: loss = d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2); times weight, reduced

    Args:
        input, target: shapes that broadcast together (a warning says when they differ), floating point
        reduction: "mean", "sum" or "none"
        delta: where the two parts meet, positive
        weight: the shape of input, or None; "mean" divides by the number of elements
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.huber_loss(torch.tensor([0., 3.]), torch.tensor([1., 0.]), reduction="none").tolist()
    [0.5, 2.5]

    Source: Huber 1964.
    """
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    return _loss("huber_loss", "huber", input, target, float(delta), reduction_of("huber_loss", reduction), weight)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Squared for small errors, absolute for large ones; the slope of the absolute part is 1.

    With d = input - target: loss = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; reduced

    Args:
        input, target: shapes that broadcast together (a warning says when they differ), floating point
        size_average, reduce: deprecated; use reduction
        reduction: "mean", "sum" or "none"
        beta: where the two parts meet, not negative; 0 gives l1_loss
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.smooth_l1_loss(torch.tensor([0., 3.]), torch.tensor([1., 0.]), reduction="none").tolist()
    [0.5, 2.5]

    Source: Girshick 2015.
    """
    op = "smooth_l1_loss"
    if beta < 0:
        raise ArgumentError(f"{op}: beta must not be negative, got {beta}")
    return _loss(op, "smooth_l1" if beta else "l1", input, target, float(beta),
                 reduction_of(op, reduction, size_average, reduce), None)


def _loss(op, name, input, target, parameter, reduction, weight):
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    input, target = _pair(op, input, target)
    if input.dtype.narrow:
        weight = None if weight is None else weight.to(float32)
        return _loss(op, name, input.to(float32), target.to(float32), parameter, reduction, weight).to(input.dtype)
    if weight is None:
        return pointwise(name, input, target, parameter, reduction)
    tensor(op, weight, "weight")
    if tuple(weight.shape) != tuple(input.shape):
        raise ShapeError(f"{op}: expected weight {list(input.shape)}, the shape of input, got {list(weight.shape)}")
    loss = pointwise(name, input, target, parameter, "none") * weight
    return loss.sum() / weight.sum() if reduction == "mean" and name != "huber" else reduced(loss, reduction)


def _pair(op, input, target):
    """Both tensors in their common type and shape."""
    tensor(op, input)
    tensor(op, target, "target")
    if input.dtype is not target.dtype:
        common = _core.result_type(input, target)
        input, target = input.to(common), target.to(common)
    if not input.dtype.is_floating_point:
        raise DTypeError(f"{op}: expected floating-point tensors, got {input.dtype}; convert them with .float()")
    if input.shape != target.shape:
        shape = broadcast_shape(op, tuple(input.shape), tuple(target.shape))
        warnings.warn(f"{op}: target {list(target.shape)} differs from input {list(input.shape)} and is broadcast to "
                      f"{list(shape)}, which is rarely meant; give both one shape", UserWarning, stacklevel=4)
        input, target = input.expand(shape), target.expand(shape)
    return input, target
