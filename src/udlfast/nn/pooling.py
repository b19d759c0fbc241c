"""Pooling layers: one number for each window."""

from . import functional as F
from .module import Module

__all__ = [
    "MaxPool1d",
    "MaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
]


class MaxPool(Module):
    """What the max-pooling layers share."""

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self):
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(MaxPool):
    """The largest number of each window of kernel_size along the last axis.

    y[n, c, l] = max_k x[n, c, l stride + k dilation - padding]

    Arguments:
        kernel_size, stride (default: kernel_size), padding, dilation: ints; the input is [N, C, L] or [C, L].
        return_indices: also give the position of each maximum.
        ceil_mode: keep a last window that is not full.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MaxPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[3.0, 2.0]]

    Source: *Understanding Deep Learning*, section 10.4.1.
    """

    def forward(self, input):
        return F.max_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class MaxPool2d(MaxPool):
    """The largest number of each window of an image.

    y[n, c, p, q] = max_{r, s} x[n, c, p stride + r dilation - padding, q stride + s dilation - padding]

    Arguments:
        kernel_size, stride (default: kernel_size), padding, dilation: ints or pairs.
        The input is [N, C, H, W] or [C, H, W].
        return_indices: also give the position h W + w of each maximum.
        ceil_mode: keep last windows that are not full.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.MaxPool2d(2)(torch.ones(1, 3, 8, 8)).shape)
        (1, 3, 4, 4)

    Source: *Understanding Deep Learning*, section 10.4.1.
    """

    def forward(self, input):
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class AvgPool1d(Module):
    """The mean of each window of kernel_size along the last axis.

    Arguments:
        kernel_size, stride (default: kernel_size), padding: ints; the input is [N, C, L] or [C, L].
        ceil_mode: keep a last window that is not full.
        count_include_pad: count the zeros of the padding.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.AvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]

    Source: *Understanding Deep Learning*, section 10.4.1.
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.kernel_size = _one(kernel_size)
        self.stride = _one(stride if stride is not None else kernel_size)
        self.padding = _one(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input):
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def _one(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


class AvgPool(Module):
    """What the average pools of images and volumes share."""

    def __init__(
        self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(AvgPool):
    """The mean of each window of an image.

    Arguments:
        kernel_size, stride (default: kernel_size), padding: ints or pairs; the input is [N, C, H, W] or [C, H, W].
        ceil_mode: keep last windows that are not full.
        count_include_pad: count the zeros of the padding.
        divisor_override: divide by this instead of the window's size.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AvgPool2d(2)(torch.ones(1, 3, 8, 8)).shape)
        (1, 3, 4, 4)

    Source: *Understanding Deep Learning*, section 10.4.1.
    """

    def forward(self, input):
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AdaptivePool(Module):
    """What the adaptive layers share: an output size instead of a window."""

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveMaxPool(AdaptivePool):
    """The adaptive layers that can also give indices."""

    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveAvgPool1d(AdaptivePool):
    """Means of windows placed so that the output has the given length.

    Window p covers floor(p L / P) .. ceil((p + 1) L / P) - 1.

    Arguments:
        output_size: P; the input is [N, C, L] or [C, L], the output [N, C, P].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AdaptiveAvgPool1d(5)(torch.ones(1, 3, 8)).shape)
        (1, 3, 5)

    Source: He et al. 2014 (spatial pyramid pooling).
    """

    def forward(self, input):
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(AdaptivePool):
    """Means of windows placed so that the output has the given size.

    Window (p, q) covers rows floor(p H / P) .. ceil((p + 1) H / P) - 1, and so for columns.

    Arguments:
        output_size: an int or a pair (P, Q), None to keep a size; the input is [N, C, H, W] or [C, H, W].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AdaptiveAvgPool2d((1, 1))(torch.ones(2, 3, 8, 9)).shape)
        (2, 3, 1, 1)

    Source: Lin, Chen and Yan 2013 (global average pooling); *Understanding Deep Learning*, section 11.5.
    """

    def forward(self, input):
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """Maxima of windows placed so that the output has the given length.

    Arguments:
        output_size: P; the input is [N, C, L] or [C, L], the output [N, C, P].
        return_indices: also give the positions.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AdaptiveMaxPool1d(5)(torch.ones(1, 3, 8)).shape)
        (1, 3, 5)

    Source: He et al. 2014 (spatial pyramid pooling).
    """

    def forward(self, input):
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """Maxima of windows placed so that the output has the given size.

    Arguments:
        output_size: an int or a pair (P, Q), None to keep a size; the input is [N, C, H, W] or [C, H, W].
        return_indices: also give the positions h W + w.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AdaptiveMaxPool2d(4)(torch.ones(2, 3, 8, 9)).shape)
        (2, 3, 4, 4)

    Source: He et al. 2014 (spatial pyramid pooling).
    """

    def forward(self, input):
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)
