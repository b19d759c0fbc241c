"""Softmax layers: numbers along a dimension become probabilities."""

from .. import errors
from . import functional as F
from .module import Module

__all__ = ["Softmax", "LogSoftmax", "Softmin", "Softmax2d"]


class AlongDim(Module):
    """What they share: the dimension."""

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def extra_repr(self):
        return f"dim={self.dim}"


class Softmax(AlongDim):
    """Positive numbers that add up to 1 along a dimension.

    y_i = exp(x_i) / sum_j exp(x_j)

    Arguments:
        dim: the dimension of i and j.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Softmax(dim=-1)(torch.zeros(2)).tolist()
        [0.5, 0.5]

    Source: *Understanding Deep Learning*, section 5.5.
    """

    def forward(self, input):
        return F.softmax(input, self.dim)


class LogSoftmax(AlongDim):
    """The logarithm of softmax, without overflow.

    y_i = x_i - log sum_j exp(x_j)

    Arguments:
        dim: the dimension of i and j.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LogSoftmax(dim=-1)(torch.zeros(1)).tolist()
        [0.0]

    Source: *Understanding Deep Learning*, section 5.5.
    """

    def forward(self, input):
        return F.log_softmax(input, self.dim)


class Softmin(AlongDim):
    """Softmax of the negative numbers: the smallest gets the most.

    y_i = exp(-x_i) / sum_j exp(-x_j)

    Arguments:
        dim: the dimension of i and j.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Softmin(dim=-1)(torch.zeros(2)).tolist()
        [0.5, 0.5]

    Source: *Understanding Deep Learning*, section 5.5.
    """

    def forward(self, input):
        return F.softmax(-input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels at each pixel.

    y[n, c, h, w] = exp(x[n, c, h, w]) / sum_k exp(x[n, k, h, w])

    Arguments:
        input: [N, C, H, W] or [C, H, W].

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Softmax2d()(torch.zeros(1, 2, 1, 1)).flatten().tolist()
        [0.5, 0.5]

    Source: *Understanding Deep Learning*, section 11.5.3 (semantic segmentation).
    """

    def forward(self, input):
        if input.ndim not in (3, 4):
            raise errors.ShapeError(
                f"Softmax2d: expected input to be 3D or 4D, got a {input.ndim}D one, shape {list(input.shape)}"
            )
        return F.softmax(input, -3)
