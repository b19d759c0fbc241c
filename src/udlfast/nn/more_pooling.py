"""Pooling layers for volumes, by p-norms, with windows at random places; and the inverse of max pooling."""

from .. import errors
from . import functional as F
from ._new import repeat
from .module import Module
from .pooling import AdaptiveMaxPool, AdaptivePool, AvgPool, MaxPool

__all__ = ["MaxPool3d", "AvgPool3d", "AdaptiveAvgPool3d", "AdaptiveMaxPool3d", "LPPool1d", "LPPool2d", "LPPool3d",
           "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "FractionalMaxPool2d", "FractionalMaxPool3d"]  # fmt: skip


class MaxPool3d(MaxPool):
    """The largest number of each box of a volume.

    Arguments:
        kernel_size, stride (default: kernel_size), padding, dilation: ints or triples; the input is [N, C, D, H, W] or [C, D, H, W].
        return_indices: also give the position (d H + h) W + w of each maximum.
        ceil_mode: keep last windows that are not full.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.MaxPool3d(2)(torch.randn(2, 3, 4, 8, 8)).shape)
        (2, 3, 2, 4, 4)

    Source: *Understanding Deep Learning*, section 10.4.1.
    """

    def forward(self, input):
        return F.max_pool3d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)


class AvgPool3d(AvgPool):
    """The mean of each box of a volume.

    Arguments:
        kernel_size, stride (default: kernel_size), padding: ints or triples; the input is [N, C, D, H, W] or [C, D, H, W].
        ceil_mode, count_include_pad, divisor_override: as in AvgPool2d.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AvgPool3d(2)(torch.ones(1, 3, 4, 8, 8)).shape)
        (1, 3, 2, 4, 4)

    Source: *Understanding Deep Learning*, section 10.4.1.
    """

    def forward(self, input):
        return F.avg_pool3d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
                            self.divisor_override)  # fmt: skip


class AdaptiveAvgPool3d(AdaptivePool):
    """Means of boxes placed so that the output has the given size.

    Arguments:
        output_size: an int or a triple (E, P, Q), None to keep a size; the input is [N, C, D, H, W] or [C, D, H, W].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AdaptiveAvgPool3d(1)(torch.ones(2, 3, 5, 8, 9)).shape)
        (2, 3, 1, 1, 1)

    Source: Lin, Chen and Yan 2013 (global average pooling).
    """

    def forward(self, input):
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """Maxima of boxes placed so that the output has the given size.

    Arguments:
        output_size: an int or a triple (E, P, Q), None to keep a size; the input is [N, C, D, H, W] or [C, D, H, W].
        return_indices: also give the positions (d H + h) W + w.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.AdaptiveMaxPool3d(4)(torch.ones(2, 3, 5, 8, 9)).shape)
        (2, 3, 4, 4, 4)

    Source: He et al. 2014 (spatial pyramid pooling).
    """

    def forward(self, input):
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class LPPool(Module):
    """What the layers that pool by a p-norm share."""

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self):
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, ceil_mode={self.ceil_mode}"


class LPPool1d(LPPool):
    """The p-norm of each window of a signal: y = (sum x^p)^(1/p).

    Arguments:
        norm_type: p; kernel_size, stride (default: kernel_size): ints; ceil_mode: keep a last window that is not full.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LPPool1d(2, 2)(torch.tensor([[3.0, 4.0]])).tolist()
        [[5.0]]

    Source: Sermanet, Chintala and LeCun 2012.
    """

    def forward(self, input):
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(LPPool):
    """The p-norm of each window of an image: y = (sum x^p)^(1/p).

    Arguments:
        norm_type: p; kernel_size, stride (default: kernel_size): ints or pairs; ceil_mode: keep last windows that are not full.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LPPool2d(2, (1, 2))(torch.tensor([[[3.0, 4.0]]])).tolist()
        [[[5.0]]]

    Source: Sermanet, Chintala and LeCun 2012.
    """

    def forward(self, input):
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(LPPool):
    """The p-norm of each box of a volume: y = (sum x^p)^(1/p).

    Arguments:
        norm_type: p; kernel_size, stride (default: kernel_size): ints or triples; ceil_mode: keep last windows that are not full.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LPPool3d(2, (1, 1, 2))(torch.tensor([[[[3.0, 4.0]]]])).tolist()
        [[[[5.0]]]]

    Source: Sermanet, Chintala and LeCun 2012.
    """

    def forward(self, input):
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class MaxUnpool(Module):
    """What the layers that undo max pooling share; subclasses name how many dimensions there are."""

    dimensions = 0

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        name, n = type(self).__name__, self.dimensions
        self.kernel_size = repeat(kernel_size, n, name, "kernel_size")
        self.stride = repeat(stride if stride is not None else kernel_size, n, name, "stride")
        self.padding = repeat(padding, n, name, "padding")

    def forward(self, input, indices, output_size=None):
        function = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self.dimensions - 1]
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(MaxUnpool):
    """The maxima of MaxPool1d put back where they were, zeros elsewhere; forward(input, indices, output_size=None).

    Arguments:
        kernel_size, stride, padding: as given to MaxPool1d.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MaxUnpool1d(2)(torch.tensor([[7.0]]), torch.tensor([[1]])).tolist()
        [[0.0, 7.0]]

    Source: Zeiler and Fergus 2014.
    """

    dimensions = 1


class MaxUnpool2d(MaxUnpool):
    """The maxima of MaxPool2d put back where they were, zeros elsewhere; forward(input, indices, output_size=None).

    Arguments:
        kernel_size, stride, padding: as given to MaxPool2d.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MaxUnpool2d(2)(torch.tensor([[[7.0]]]), torch.tensor([[[3]]])).tolist()
        [[[0.0, 0.0], [0.0, 7.0]]]

    Source: Zeiler and Fergus 2014; *Understanding Deep Learning*, section 10.4.2.
    """

    dimensions = 2


class MaxUnpool3d(MaxUnpool):
    """The maxima of MaxPool3d put back where they were, zeros elsewhere; forward(input, indices, output_size=None).

    Arguments:
        kernel_size, stride, padding: as given to MaxPool3d.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.MaxUnpool3d((1, 1, 2))(torch.tensor([[[[7.0]]]]), torch.tensor([[[[1]]]])).tolist()
        [[[[0.0, 7.0]]]]

    Source: Zeiler and Fergus 2014.
    """

    dimensions = 3


class FractionalMaxPool(Module):
    """What the layers with windows at random places share."""

    dimensions = 0

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        super().__init__()
        name, n = type(self).__name__, self.dimensions
        self.kernel_size = repeat(kernel_size, n, name, "kernel_size")
        if min(self.kernel_size) <= 0:
            raise errors.ArgumentError(f"{name}: kernel_size must be greater than 0, got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        if (output_size is None) == (output_ratio is None):
            raise errors.ArgumentError(f"{name}: give either output_size or output_ratio, got {output_size} and {output_ratio}")
        self.output_size = None if output_size is None else repeat(output_size, n, name, "output_size")
        self.output_ratio = None if output_ratio is None else repeat(output_ratio, n, name, "output_ratio")
        if output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise errors.ArgumentError(f"{name}: output_ratio must be between 0 and 1, got {output_ratio}")

    def forward(self, input):
        function = F.fractional_max_pool2d if self.dimensions == 2 else F.fractional_max_pool3d
        return function(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples)


class FractionalMaxPool2d(FractionalMaxPool):
    """The largest number of windows at random places, so many that the output has the size asked for.

    Arguments:
        kernel_size: an int or a pair; the input is [N, C, H, W] or [C, H, W].
        output_size: an int or a pair, or output_ratio: the output's size over the input's, between 0 and 1.
        return_indices: also give the position h W + w of each maximum.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.FractionalMaxPool2d(2, output_ratio=0.7)(torch.randn(1, 3, 10, 10)).shape)
        (1, 3, 7, 7)

    Source: Graham 2014.
    """

    dimensions = 2


class FractionalMaxPool3d(FractionalMaxPool):
    """The largest number of boxes at random places, so many that the output has the size asked for.

    Arguments:
        kernel_size, output_size, output_ratio, return_indices: as in FractionalMaxPool2d, ints or triples.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.FractionalMaxPool3d(2, output_size=3)(torch.randn(1, 3, 8, 8, 8)).shape)
        (1, 3, 3, 3, 3)

    Source: Graham 2014.
    """

    dimensions = 3
