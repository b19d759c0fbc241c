"""Convolution layers. Axes: N batch, C channels in, O channels out, L or H W positions, K or R S the kernel."""

import math

from .. import errors
from . import functional as F
from . import init
from ._new import parameter, repeat
from .module import Module

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

MODES = ("zeros", "reflect", "replicate", "circular")


class Convolution(Module):
    """What convolutions share: sizes, parameters, their initial law and their text."""

    dimensions = 0
    transposed = False

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        groups,
        bias,
        padding_mode,
        output_padding=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        name, n = type(self).__name__, self.dimensions
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = repeat(kernel_size, n, name, "kernel_size")
        self.stride = repeat(stride, n, name, "stride")
        self.padding = padding if isinstance(padding, str) else repeat(padding, n, name, "padding")
        self.dilation = repeat(dilation, n, name, "dilation")
        self.output_padding = repeat(output_padding, n, name, "output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        self._check(name)
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = parameter((first, second // groups, *self.kernel_size), dtype, device)
        self.register_parameter("bias", parameter((out_channels,), dtype, device) if bias else None)
        self._around = self._padding_around()
        self.reset_parameters()

    def _check(self, name):
        if self.groups <= 0:
            raise errors.ArgumentError(f"{name}: groups must be a positive integer, got {self.groups}")
        for what in ("in_channels", "out_channels"):
            if getattr(self, what) % self.groups:
                raise errors.ArgumentError(
                    f"{name}: {what} must be divisible by groups, got {getattr(self, what)} and {self.groups}"
                )
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise errors.ArgumentError(
                    f"{name}: padding must be a number, a tuple, 'same' or 'valid', got {self.padding!r}"
                )
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise errors.ArgumentError(
                    f"{name}: padding='same' is not supported for strided convolutions, got stride {self.stride}"
                )
        if self.padding_mode not in MODES:
            raise errors.ArgumentError(
                f"{name}: padding_mode must be one of {MODES}, got padding_mode={self.padding_mode!r}"
            )
        if self.transposed and self.padding_mode != "zeros":
            raise errors.ArgumentError(f"{name}: only padding_mode='zeros' is supported, got {self.padding_mode!r}")

    def _padding_around(self):
        """F.pad's list, last dimension first, for the modes that are not zeros."""
        around = []
        for d in reversed(range(self.dimensions)):
            if self.padding == "same":
                total = self.dilation[d] * (self.kernel_size[d] - 1)
                around += [total // 2, total - total // 2]
            elif self.padding == "valid":
                around += [0, 0]
            else:
                around += [self.padding[d]] * 2
        return around

    def reset_parameters(self):
        """Draws the parameters anew: U(-k, k), k = 1 / sqrt(fan_in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init.fans(self.weight)
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def extra_repr(self):
        n = self.dimensions
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0,) * n:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * n:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * n:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def _convolve(self, conv, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._around, mode=self.padding_mode)
            padding = 0
        return conv(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _output_padding(self, input, output_size):
        """The rows to add so that the output gets the size that was asked for."""
        if output_size is None:
            return self.output_padding
        n = self.dimensions
        sizes = tuple(output_size)[-n:]
        extra = []
        for d in range(n):
            smallest = (
                (input.shape[d - n] - 1) * self.stride[d]
                - 2 * self.padding[d]
                + self.dilation[d] * (self.kernel_size[d] - 1)
                + 1
            )
            if not 0 <= sizes[d] - smallest < self.stride[d]:
                raise errors.ShapeError(
                    f"{type(self).__name__}: output_size {list(output_size)} cannot be reached from input "
                    f"{list(input.shape)}: size {smallest} to {smallest + self.stride[d] - 1} is possible"
                )
            extra.append(sizes[d] - smallest)
        return tuple(extra)


class Conv1d(Convolution):
    """Cross-correlation along one axis.

    y[n, o, l] = b[o] + sum_{c, k} W[o, c, k] x[n, c, l stride + k dilation - padding];
    W and b start from U(-k, k), k = 1 / sqrt(C/G K).

    Arguments:
        in_channels, out_channels: C and O; the input is [N, C, L] or [C, L], the output [N, O, L'].
        kernel_size, stride, dilation: ints.
        padding: an int, "valid" (none) or "same" (output as long as the input, stride 1).
        groups: G; each group of C/G channels has its own O/G filters.
        bias: whether to add b.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
        Parameters: weight [O, C/G, K], bias [O].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Conv1d(2, 4, 3, padding="same")(torch.randn(1, 2, 10)).shape)
        (1, 4, 10)

    Source: *Understanding Deep Learning*, section 10.2.
    """

    dimensions = 1

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def forward(self, input):
        return self._convolve(F.conv1d, input)


class Conv2d(Convolution):
    """Cross-correlation over an image.

    y[n, o, p, q] = b[o] + sum_{c, r, s} W[o, c, r, s] x[n, c, p stride + r dilation - padding, ...];
    W and b start from U(-k, k), k = 1 / sqrt(C/G R S).

    Arguments:
        in_channels, out_channels: C and O; the input is [N, C, H, W] or [C, H, W], the output [N, O, P, Q].
        kernel_size, stride, dilation: ints or pairs (height, width).
        padding: an int, a pair, "valid" (none) or "same" (output as large as the input, stride 1).
        groups: G; each group of C/G channels has its own O/G filters.
        bias: whether to add b.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
        Parameters: weight [O, C/G, R, S], bias [O].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Conv2d(1, 8, 5, padding=2)(torch.randn(4, 1, 28, 28)).shape)
        (4, 8, 28, 28)

    Source: *Understanding Deep Learning*, section 10.3.
    """

    dimensions = 2

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def forward(self, input):
        return self._convolve(F.conv2d, input)


class ConvTranspose1d(Convolution):
    """The transpose of Conv1d's linear map: each input spreads a filter over the output.

    L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

    Arguments:
        in_channels, out_channels: C and O; the input is [N, C, L] or [C, L], the output [N, O, L'].
        kernel_size, stride, padding, dilation, groups, bias: as in Conv1d.
        output_padding: what to add to the end of the output, less than stride.
        Parameters: weight [C, O/G, K], bias [O].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ConvTranspose1d(4, 2, 2, stride=2)(torch.randn(1, 4, 5)).shape)
        (1, 2, 10)

    Source: *Understanding Deep Learning*, section 10.4.2 (upsampling).
    """

    dimensions = 1
    transposed = True

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            output_padding,
            device,
            dtype,
        )

    def forward(self, input, output_size=None):
        extra = self._output_padding(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )


class ConvTranspose2d(Convolution):
    """The transpose of Conv2d's linear map: each input spreads a filter over the output.

    P = (H - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1, and so for the width.

    Arguments:
        in_channels, out_channels: C and O; the input is [N, C, H, W] or [C, H, W], the output [N, O, P, Q].
        kernel_size, stride, padding, dilation, groups, bias: as in Conv2d.
        output_padding: what to add to the end of the output, less than stride.
        Parameters: weight [C, O/G, R, S], bias [O].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ConvTranspose2d(4, 2, 2, stride=2)(torch.randn(1, 4, 5, 5)).shape)
        (1, 2, 10, 10)

    Source: *Understanding Deep Learning*, section 10.4.2 (upsampling).
    """

    dimensions = 2
    transposed = True

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            output_padding,
            device,
            dtype,
        )

    def forward(self, input, output_size=None):
        extra = self._output_padding(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )
