"""Layers for volumes [N, C, D, H, W]: the three-dimensional forms of convolution, normalisation, padding and dropout."""

import sys
from importlib import import_module

from . import functional as F
from .conv import Convolution
from .dropout import DropoutBase
from .module import Module
from .normalization import BatchNorm, InstanceNorm
from .padding import ConstantPad, Pad

__all__ = ["Conv3d", "ConvTranspose3d", "BatchNorm3d", "InstanceNorm3d", "SyncBatchNorm", "Dropout3d", "ConstantPad3d",
           "ZeroPad3d", "ReflectionPad3d", "ReplicationPad3d", "CircularPad3d"]  # fmt: skip


class Conv3d(Convolution):
    """Cross-correlation over a volume.

    y[n, o, e, p, q] = b[o] + sum_{c, t, r, s} W[o, c, t, r, s] x[n, c, e stride + t dilation - padding, ...];
    W and b start from U(-k, k), k = 1 / sqrt(C/G T R S).

    Arguments:
        in_channels, out_channels: C and O; the input is [N, C, D, H, W] or [C, D, H, W], the output [N, O, E, P, Q].
        kernel_size, stride, dilation: ints or triples (depth, height, width).
        padding: an int, a triple, "valid" (none) or "same" (output as large as the input, stride 1).
        groups, bias, padding_mode: as in Conv2d.
        Parameters: weight [O, C/G, T, R, S], bias [O].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Conv3d(1, 8, 3, padding=1)(torch.randn(2, 1, 4, 8, 8)).shape)
        (2, 8, 4, 8, 8)

    Source: Tran et al. 2015; *Understanding Deep Learning*, section 10.3.
    """

    dimensions = 3

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                         device=device, dtype=dtype)  # fmt: skip

    def forward(self, input):
        return self._convolve(F.conv3d, input)


class ConvTranspose3d(Convolution):
    """The transpose of Conv3d's linear map: each input spreads a filter over the output.

    E = (D - 1) stride - 2 padding + dilation (T - 1) + output_padding + 1, and so for height and width.

    Arguments:
        in_channels, out_channels: C and O; the input is [N, C, D, H, W] or [C, D, H, W], the output [N, O, E, P, Q].
        kernel_size, stride, padding, dilation, groups, bias: as in Conv3d.
        output_padding: what to add to the end of the output, less than stride.
        Parameters: weight [C, O/G, T, R, S], bias [O].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ConvTranspose3d(4, 2, 2, stride=2)(torch.randn(1, 4, 3, 5, 5)).shape)
        (1, 2, 6, 10, 10)

    Source: *Understanding Deep Learning*, section 10.4.2 (upsampling).
    """

    dimensions = 3
    transposed = True

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
                 dilation=1, padding_mode="zeros", device=None, dtype=None):  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                         output_padding, device, dtype)  # fmt: skip

    def forward(self, input, output_size=None):
        extra = self._output_padding(input, output_size)
        return F.conv_transpose3d(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class BatchNorm3d(BatchNorm):
    """Normalises each channel of volumes over the batch and all positions; formula and statistics as BatchNorm1d.

    Arguments:
        num_features: C; the input is [N, C, D, H, W].
        eps, momentum, affine, track_running_stats: as in BatchNorm1d.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.BatchNorm3d(3)(torch.randn(2, 3, 4, 4, 4)).shape)
        (2, 3, 4, 4, 4)

    Source: Ioffe and Szegedy 2015; *Understanding Deep Learning*, section 11.4.
    """

    ranks = (5,)


class SyncBatchNorm(BatchNorm):
    """Batch norm whose statistics in training are those of the batches of all processes; formula as BatchNorm1d.

    In one process, or before `distributed.init()`, it is batch norm. Two small messages a layer: sums of the input, and in
    backward sums of the gradient.

    Arguments:
        num_features: C; the input is [N, C, ...].
        eps, momentum, affine, track_running_stats: as in BatchNorm1d.
        process_group: from `distributed.new_group`; default: all processes.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.SyncBatchNorm.convert_sync_batchnorm(torch.nn.Sequential(torch.nn.BatchNorm2d(3)))
        >>> type(net[0]).__name__
        'SyncBatchNorm'

    Source: Ioffe and Szegedy 2015.
    """

    ranks = (2, 3, 4, 5)

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, process_group=None,
                 device=None, dtype=None, *, bias=True):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def forward(self, input):
        distributed = sys.modules.get("udlfast.distributed")
        if not self.training or distributed is None or distributed.get_world_size(self.process_group) < 2:
            return super().forward(input)
        if input.ndim < 2:
            self._check(input, self.ranks)
        momentum, track = self.momentum, self.track_running_stats
        if track:
            self.num_batches_tracked.add_(1)
            momentum = 1.0 / float(self.num_batches_tracked) if momentum is None else momentum
        mean, var = (self.running_mean, self.running_var) if track else (None, None)
        group = distributed.current(self.process_group, "SyncBatchNorm")
        sync = import_module("udlfast.distributed._norm").sync_batch_norm  # which stands above this floor
        return sync(input, mean, var, self.weight, self.bias, momentum, self.eps, group)

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        """The module with every BatchNorm layer replaced by a SyncBatchNorm that has its parameters and statistics."""
        out = module
        if isinstance(module, BatchNorm) and not isinstance(module, cls):
            out = cls(module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats, process_group)
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(out, name, getattr(module, name))
            out.training = module.training
        for name, child in module.named_children():
            setattr(out, name, cls.convert_sync_batchnorm(child, process_group))
        return out


class InstanceNorm3d(InstanceNorm):
    """Normalises each channel of each volume over its positions.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    Arguments:
        num_features: C; the input is [N, C, D, H, W] or [C, D, H, W].
        eps, momentum, affine, track_running_stats: as in BatchNorm1d, the last two off.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.InstanceNorm3d(3)(torch.randn(2, 3, 4, 4, 4)).shape)
        (2, 3, 4, 4, 4)

    Source: Ulyanov, Vedaldi and Lempitsky 2016.
    """

    ranks = (4, 5)


class Dropout3d(DropoutBase):
    """In training each whole channel of [N, C, D, H, W] or [C, D, H, W] becomes 0 with probability p.

    Arguments:
        p: the probability of 0.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Dropout3d()(torch.ones(2, 3, 4, 4, 4)).shape)
        (2, 3, 4, 4, 4)

    Source: Tompson et al. 2015.
    """

    def forward(self, input):
        return F.dropout3d(input, self.p, self.training, self.inplace)


class ConstantPad3d(ConstantPad):
    """Puts a number around volumes.

    Arguments:
        padding: an int or (left, right, top, bottom, front, back); value: the number.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ConstantPad3d(1, 9.0)(torch.ones(1, 1, 2, 2, 2)).shape)
        (1, 1, 4, 4, 4)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    dimensions = 3


def _volume_pad(name, mode, what):
    text = f"""{what}

    Arguments:
        padding: an int or (left, right, top, bottom, front, back).

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.{name}(1)(torch.ones(1, 1, 2, 2, 2)).shape)
        (1, 1, 4, 4, 4)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """
    return type(Module)(name, (Pad,), {"__doc__": text, "__module__": __name__, "mode": mode, "dimensions": 3})


ZeroPad3d = _volume_pad("ZeroPad3d", "constant", "Puts zeros around volumes.")
ReflectionPad3d = _volume_pad("ReflectionPad3d", "reflect", "Mirrors volumes at their faces; the padding is less than the sizes.")
ReplicationPad3d = _volume_pad("ReplicationPad3d", "replicate", "Repeats the faces of volumes.")
CircularPad3d = _volume_pad("CircularPad3d", "circular", "Goes on at the opposite face of volumes.")
