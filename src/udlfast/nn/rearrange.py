"""Layers that move numbers between channels and positions, and normalisation by neighbouring channels."""

from . import functional as F
from .module import Module

__all__ = ["PixelUnshuffle", "ChannelShuffle", "Fold", "Unfold", "LocalResponseNorm", "CrossMapLRN2d"]


class PixelUnshuffle(Module):
    """Lays pixels out as channels: [N, C, H r, W r] -> [N, C r^2, H, W]; the inverse of PixelShuffle.

    Arguments:
        downscale_factor: r.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.PixelUnshuffle(2)(torch.ones(1, 3, 8, 8)).shape)
        (1, 12, 4, 4)

    Source: Shi et al. 2016.
    """

    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Takes channels from the groups in turn: channel i of group g goes to place i groups + g.

    Arguments:
        groups: how many groups the C channels of [N, C, ...] form.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ChannelShuffle(2)(torch.arange(4.0).reshape(1, 4, 1, 1)).flatten().tolist()
        [0.0, 2.0, 1.0, 3.0]

    Source: Zhang et al. 2018 (ShuffleNet).
    """

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self):
        return f"groups={self.groups}"


class Unfold(Module):
    """The windows that a convolution would look at, each as a column: [N, C, H, W] -> [N, C R S, P Q].

    Arguments:
        kernel_size, dilation, padding, stride: ints or pairs.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Unfold(2)(torch.ones(1, 3, 4, 4)).shape)
        (1, 12, 9)

    Source: *Understanding Deep Learning*, section 10.3.
    """

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns of windows added up to an image: [N, C R S, P Q] -> [N, C, H, W]; the transpose of Unfold.

    Arguments:
        output_size: (H, W).
        kernel_size, dilation, padding, stride: ints or pairs.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Fold((4, 4), 2)(torch.ones(1, 12, 9)).shape)
        (1, 3, 4, 4)

    Source: *Understanding Deep Learning*, section 10.3.
    """

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class LocalResponseNorm(Module):
    """Divides every number by a power of the mean square of the channels around it.

    y_c = x_c / (k + alpha / size sum over the `size` channels around c of x^2)^beta

    Arguments:
        size: number of channels; alpha, beta, k: numbers; the input is [N, C, ...].

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LocalResponseNorm(1, alpha=1.0, beta=1.0)(torch.ones(1, 1, 1)).tolist()
        [[[0.5]]]

    Source: Krizhevsky, Sutskever and Hinton 2012.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """LocalResponseNorm for images [N, C, H, W] under its older name; an even size sees size - 1 channels, as many before as behind.

    Arguments:
        size, alpha, beta, k: as in LocalResponseNorm.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.CrossMapLRN2d(1, alpha=1.0, beta=1.0)(torch.ones(1, 1, 1, 1)).tolist()
        [[[[0.5]]]]

    Source: Krizhevsky, Sutskever and Hinton 2012.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1):
        super().__init__(size, alpha, beta, k)

    def forward(self, input):
        seen = self.size - 1 + self.size % 2
        return F.local_response_norm(input, seen, self.alpha * seen / self.size, self.beta, self.k)
