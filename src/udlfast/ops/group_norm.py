"""Group and instance normalization, both as layer normalization of regrouped channels."""
from .._core import float32, no_grad
from ..errors import ArgumentError, ShapeError
from ._common import floating, same_type, whole
from .batch_norm import batch_norm
from .layer_norm import layer_norm


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Normalize every example by the mean and variance of each group of its channels.

    y = (x - mean) / sqrt(var + eps) weight + bias; mean and (biased) variance over the channels of a group and all
    positions, weight and bias for each channel

    Args:
        input: [N, C, *], floating point
        num_groups: how many groups; divides C
        weight, bias: [C] or None
        eps: added to the variance
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1., 3., 2., 6.]]), 2, eps=0.).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]

    Source: Wu and He 2018; Understanding Deep Learning, section 11.4.
    """
    op = "group_norm"
    shape = _channels(op, input, weight, bias)
    num_groups = whole(op, "num_groups", num_groups, 1)
    if shape[1] % num_groups:
        raise ShapeError(f"{op}: num_groups {num_groups} must divide the {shape[1]} channels of input {list(shape)}")
    if input.dtype.narrow:
        wide = [t if t is None else t.to(float32) for t in (weight, bias)]
        return group_norm(input.to(float32), num_groups, *wide, eps).to(input.dtype)
    return _scaled(_grouped(input, num_groups, eps), weight, bias)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
                  momentum=0.1, eps=1e-5):
    """Normalize every channel of every example by its own mean and variance.

    y = (x - mean) / sqrt(var + eps) weight + bias; mean and (biased) variance over the positions of one channel

    Args:
        input: [N, C, *] with at least one position axis, floating point
        running_mean, running_var: [C] or None; move by momentum towards this batch's average, in place
        weight, bias: [C] or None
        use_input_stats: False normalizes by the running statistics instead
        momentum: the share of this batch in the running statistics
        eps: added to the variance
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit or a single position, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.instance_norm(torch.tensor([[[1., 3.], [2., 6.]]]), eps=0.).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]

    Source: Ulyanov, Vedaldi and Lempitsky 2016.
    """
    op = "instance_norm"
    shape = _channels(op, input, weight, bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ArgumentError(f"{op}: running_mean and running_var are needed when use_input_stats is False")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if len(shape) < 3:
        raise ShapeError(f"{op}: expected input [N, C, positions...] with at least 3 dimensions, got {list(shape)}")
    L = input.numel() // max(1, shape[0] * shape[1])
    if L == 1 and input.numel():
        raise ShapeError(f"{op}: expected more than 1 position per channel, got input {list(shape)}")
    if input.numel() and running_mean is not None:
        _move(running_mean, running_var, input.detach(), L, momentum)
    if input.dtype.narrow:
        wide = [t if t is None else t.to(float32) for t in (weight, bias)]
        return _scaled(_grouped(input.to(float32), shape[1], eps), *wide).to(input.dtype)
    return _scaled(_grouped(input, shape[1], eps), weight, bias)


def _channels(op, input, weight, bias):
    """The shape of input; refuses weight and bias that are not one number per channel."""
    floating(op, input)
    shape = tuple(input.shape)
    if len(shape) < 2:
        raise ShapeError(f"{op}: expected input [N, C, ...] with at least 2 dimensions, got {list(shape)}")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None:
            if not input.dtype.narrow:  # float32 weights will do for it
                same_type(op, input, t, name)
            if tuple(t.shape) != (shape[1],):
                raise ShapeError(f"{op}: expected {name} [{shape[1]}] for input {list(shape)} with {shape[1]} "
                                 f"channels, got {list(t.shape)}")
    return shape


def _grouped(input, groups, eps):
    """Each of the N x groups rows of channels and positions to mean 0 and variance 1."""
    if input.numel() == 0:
        return input.clone()
    length = input.numel() // (input.shape[0] * groups)
    return layer_norm(input.reshape(input.shape[0] * groups, length), (length,), None, None, eps).reshape(input.shape)


def _scaled(y, weight, bias):
    per_channel = (-1, *(1,) * (y.ndim - 2))
    if weight is not None:
        y = y * weight.reshape(per_channel)
    return y if bias is None else y + bias.reshape(per_channel)


def _move(running_mean, running_var, x, L, momentum):
    """running = (1 - momentum) running + momentum mean over the batch of (mean, unbiased variance)"""
    with no_grad():
        x = x.to(float32) if x.dtype.narrow else x
        rows = x.reshape(x.shape[0], x.shape[1], L)
        for own, new in ((running_mean, rows.mean(2).mean(0)), (running_var, rows.var(2).mean(0))):
            own.copy_((1 - momentum) * own.to(new.dtype) + momentum * new)
