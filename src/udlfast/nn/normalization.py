"""Normalisation layers: subtract a mean, divide by a standard deviation, scale and shift."""

import numbers

from .. import _core, errors
from . import functional as F
from . import init
from ._new import buffer, parameter
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm", "GroupNorm", "RMSNorm"]


class RunningNorm(Module):
    """What batch and instance norm share: weight and bias per channel, and running statistics."""

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, device=None, dtype=None, bias=True):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        shape = (num_features,)
        self.register_parameter("weight", parameter(shape, dtype, device) if affine else None)
        self.register_parameter("bias", parameter(shape, dtype, device) if affine and bias else None)
        track = track_running_stats
        self.register_buffer("running_mean", buffer(_core.zeros, shape, dtype, device) if track else None)
        self.register_buffer("running_var", buffer(_core.ones, shape, dtype, device) if track else None)
        self.register_buffer("num_batches_tracked", _core.zeros((), dtype=_core.int64) if track else None)
        self.reset_parameters()

    def reset_running_stats(self):
        """Forgets what was seen: mean 0, variance 1."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        """Scale 1, shift 0, no statistics."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check(self, input, ranks):
        if input.ndim not in ranks:
            needs = " or ".join(f"{n}D" for n in ranks)
            raise errors.ShapeError(
                f"{type(self).__name__}: expected {needs} input (got {input.ndim}D input, shape {list(input.shape)})"
            )

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        key = prefix + "num_batches_tracked"
        if self.track_running_stats and key not in state_dict:
            state_dict[key] = self.num_batches_tracked  # files from before this counter existed lack it
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class BatchNorm(RunningNorm):
    """Batch norm for inputs of the ranks that a subclass names."""

    ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        if input.ndim not in self.ranks:
            self._check(input, self.ranks)
        momentum = self.momentum
        mean, var, training = self.running_mean, self.running_var, self.training
        if training and self.track_running_stats:
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            if momentum is None:  # the plain mean over all batches so far
                momentum = 1.0 / float(self.num_batches_tracked)
        elif training:
            mean = var = None
        return F.batch_norm(
            input,
            mean,
            var,
            self.weight,
            self.bias,
            training or mean is None,
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(BatchNorm):
    """Normalises each channel over the batch and the positions.

    y = (x - mean) / sqrt(var + eps) * weight + bias;  training: statistics of the batch, and
    running = (1 - momentum) running + momentum batch (variance unbiased); eval: the running statistics.

    Arguments:
        num_features: C; the input is [N, C] or [N, C, L].
        eps: added to the variance.
        momentum: weight of a new batch; None: the plain mean of all batches.
        affine: whether to have weight [C] (starts at 1) and bias [C] (0); bias=False leaves the bias out.
        track_running_stats: whether to keep running_mean [C] and running_var [C].

    Example:
        >>> import udlfast as torch
        >>> y = torch.nn.BatchNorm1d(3)(torch.randn(20, 3))
        >>> tuple(y.shape), bool(abs(y.mean()) < 1e-5)
        ((20, 3), True)

    Source: Ioffe and Szegedy 2015; *Understanding Deep Learning*, section 11.4.
    """

    ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """Normalises each channel of images over the batch and all pixels.

    y = (x - mean) / sqrt(var + eps) * weight + bias;  training: statistics of the batch, and
    running = (1 - momentum) running + momentum batch (variance unbiased); eval: the running statistics.

    Arguments:
        num_features: C; the input is [N, C, H, W].
        eps, momentum, affine, track_running_stats: as in BatchNorm1d.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.BatchNorm2d(3)(torch.randn(2, 3, 4, 4)).shape)
        (2, 3, 4, 4)

    Source: Ioffe and Szegedy 2015; *Understanding Deep Learning*, section 11.4.
    """

    ranks = (4,)


class InstanceNorm(RunningNorm):
    """Instance norm for [C, ...] and [N, C, ...]; subclasses name the ranks."""

    ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        self._check(input, self.ranks)
        single = input.ndim == self.ranks[0]
        x = input.unsqueeze(0) if single else input
        if x.shape[1] != self.num_features:
            raise errors.ShapeError(
                f"{type(self).__name__}: expected {self.num_features} channels, got input {list(input.shape)}"
            )
        y = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.squeeze(0) if single else y


class InstanceNorm1d(InstanceNorm):
    """Normalises each channel of each example over its positions.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    Arguments:
        num_features: C; the input is [N, C, L] or [C, L].
        eps, momentum, affine, track_running_stats: as in BatchNorm1d, the last two off.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.InstanceNorm1d(3)(torch.randn(2, 3, 8)).shape)
        (2, 3, 8)

    Source: Ulyanov, Vedaldi and Lempitsky 2016; *Understanding Deep Learning*, section 11.4 (notes).
    """

    ranks = (2, 3)


class InstanceNorm2d(InstanceNorm):
    """Normalises each channel of each image over its pixels.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    Arguments:
        num_features: C; the input is [N, C, H, W] or [C, H, W].
        eps, momentum, affine, track_running_stats: as in BatchNorm1d, the last two off.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.InstanceNorm2d(3)(torch.randn(2, 3, 4, 4)).shape)
        (2, 3, 4, 4)

    Source: Ulyanov, Vedaldi and Lempitsky 2016; *Understanding Deep Learning*, section 11.4 (notes).
    """

    ranks = (3, 4)


class LayerNorm(Module):
    """Normalises each example over its last dimensions.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    Arguments:
        normalized_shape: an int D or the sizes of the last dimensions; the input is [..., *normalized_shape].
        eps: added to the variance (of all numbers, biased).
        elementwise_affine: whether to have weight (starts at 1) and bias (0), both of normalized_shape.
        bias: False leaves the bias out.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.LayerNorm(10)(torch.randn(2, 5, 10)).shape)
        (2, 5, 10)

    Source: Ba, Kiros and Hinton 2016; *Understanding Deep Learning*, section 12.4.
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        shape, affine = self.normalized_shape, elementwise_affine
        self.register_parameter("weight", parameter(shape, dtype, device) if affine else None)
        self.register_parameter("bias", parameter(shape, dtype, device) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Scale 1, shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


def _shape(shape):
    return (shape,) if isinstance(shape, numbers.Integral) else tuple(shape)


class GroupNorm(Module):
    """Normalises each group of channels of each example over its channels and positions.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    Arguments:
        num_groups, num_channels: G and C, G divides C; the input is [N, C, ...].
        eps: added to the variance.
        affine: whether to have weight [C] (starts at 1) and bias [C] (0).
        bias: False leaves the bias out.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.GroupNorm(2, 6)(torch.randn(3, 6, 4, 4)).shape)
        (3, 6, 4, 4)

    Source: Wu and He 2018; *Understanding Deep Learning*, section 11.4 (notes).
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise errors.ArgumentError(
                f"GroupNorm: num_channels must be divisible by num_groups, got {num_channels} and {num_groups}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.register_parameter("weight", parameter((num_channels,), dtype, device) if affine else None)
        self.register_parameter("bias", parameter((num_channels,), dtype, device) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Scale 1, shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={bias}"


class RMSNorm(Module):
    """Divides each example by the root of its mean square over the last dimensions.

    y = x / sqrt(mean(x^2) + eps) * weight

    Arguments:
        normalized_shape: an int D or the sizes of the last dimensions; the input is [..., *normalized_shape].
        eps: added to the mean square; None: the machine epsilon of the input's type.
        elementwise_affine: whether to have weight (starts at 1) of normalized_shape.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.RMSNorm(10)(torch.randn(2, 5, 10)).shape)
        (2, 5, 10)

    Source: Zhang and Sennrich 2019.
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter(
            "weight", parameter(self.normalized_shape, dtype, device) if elementwise_affine else None
        )
        self.reset_parameters()

    def reset_parameters(self):
        """Scale 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
