"""Losses that are divergences or negative log-likelihoods of a distribution, composed of element-wise operations."""
import math

from .. import _core
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import broadcast_shape, floating, reduced, reduction_of, tensor
from .elementwise import where, xlogy


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """Kullback-Leibler divergence of the distribution `target` from that whose logarithm is `input`.

    loss = target (log target - input), 0 where target is 0; reduced ("batchmean": the sum divided by the batch size)

    Args:
        input: log-probabilities, floating point
        target: probabilities (log-probabilities if log_target), a shape that broadcasts with input
        size_average, reduce: deprecated; use reduction
        reduction: "batchmean" (the definition), "mean" (of all elements), "sum" or "none"
        log_target: whether target holds logarithms
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> loss = torch.nn.functional.kl_div(torch.tensor([0.5, 0.5]).log(), torch.tensor([1., 0.]), reduction="sum")
    >>> round(loss.item(), 4)
    0.6931

    Source: Understanding Deep Learning, section 5.7.
    """
    op = "kl_div"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    floating(op, target, "target")
    if reduction == "mean" and size_average is None and reduce is None:
        import warnings
        warnings.warn("reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides only by "
                      "the batch size, and aligns with the KL div math definition.", UserWarning, stacklevel=2)
    batch = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if batch else reduction_of(op, reduction, size_average, reduce)
    broadcast_shape(op, tuple(input.shape), tuple(target.shape))
    loss = target.exp() * (target - input) if log_target else xlogy(target, target) - target * input
    out = reduced(loss, reduction)
    return out / input.shape[0] if batch and input.ndim else out


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Negative log-likelihood of a normal distribution with mean `input` and variance `var`.

    loss = (log v + (input - target)^2 / v) / 2 with v = max(var, eps); `full` adds log(2 pi) / 2; reduced

    Args:
        input: means, floating point
        target: a shape that broadcasts with input
        var: variances, not negative: the shape of input, or that with the last size 1 or missing; or one number
        full: add the constant term
        eps: the smallest variance
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError for a negative variance

    >>> import udlfast as torch
    >>> torch.nn.functional.gaussian_nll_loss(torch.tensor([1.]), torch.tensor([3.]), torch.tensor([1.])).item()
    2.0

    Source: Understanding Deep Learning, section 5.3.
    """
    op = "gaussian_nll_loss"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction)
    if isinstance(var, (int, float)):
        var = _core.full((1,) * input.ndim, float(var), dtype=input.dtype).expand(input.shape)
    floating(op, var, "var")
    if bool((var.detach() < 0).any()):
        raise ArgumentError(f"{op}: var must not be negative; predict its logarithm, or use softplus")
    shape, v_shape = tuple(input.shape), tuple(var.shape)
    if v_shape != shape:
        if v_shape == shape[:-1]:
            var = var.unsqueeze(-1)
        elif len(v_shape) != len(shape) or sum(v for s, v in zip(shape, v_shape) if s != v) != 1:
            raise ShapeError(f"{op}: expected var {list(shape)}, the shape of input, or that with one size 1 or "
                             f"without the last size, got {list(v_shape)}")
    # as PyTorch, a variance below eps still gets the gradient at eps
    v = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (v.log() + (input - target) ** 2 / v)
    return reduced(loss + 0.5 * math.log(2.0 * math.pi) if full else loss, reduction)


def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None,
                     reduction="mean"):
    """Negative log-likelihood of a Poisson distribution.

    loss = exp(input) - target input for the logarithm of the rate, input - target log(input + eps) for the rate itself;
    `full` adds target log target - target + log(2 pi target) / 2 where target > 1; reduced

    Args:
        input: logarithm of the rate (the rate if not log_input), floating point
        target: counts, a shape that broadcasts with input
        log_input: whether input is the logarithm
        full: add Stirling's approximation of log target!
        size_average, reduce: deprecated; use reduction
        eps: keeps the logarithm finite
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the common shape
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.poisson_nll_loss(torch.tensor([0.]), torch.tensor([3.])).item()
    1.0

    Source: Understanding Deep Learning, section 5.6.
    """
    op = "poisson_nll_loss"
    if _autocast.ON:
        input, target = _autocast.wide(input, target)
    floating(op, input)
    tensor(op, target, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    broadcast_shape(op, tuple(input.shape), tuple(target.shape))
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        t = where(target > 1, target, 1)  # keeps the logarithm's gradient finite where the term is left out
        stirling = t * t.log() - t + 0.5 * (2.0 * math.pi * t).log()
        loss = loss + where(target > 1, stirling, 0)
    return reduced(loss, reduction)
