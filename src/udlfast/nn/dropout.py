"""Dropout layers: in training, numbers are set to 0 at random and the rest made larger to keep the mean."""

from .. import errors
from . import functional as F
from .module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout"]


class DropoutBase(Module):
    """What the dropout layers share: the probability."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise errors.ArgumentError(
                f"{type(self).__name__}: dropout probability has to be between 0 and 1, but got {p}"
            )
        self.p = p
        self.inplace = inplace

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(DropoutBase):
    """In training each number becomes 0 with probability p; in evaluation nothing happens.

    y = x mask / (1 - p), mask ~ Bernoulli(1 - p)

    Arguments:
        p: the probability of 0.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Dropout(0.5).eval()(torch.ones(2)).tolist()
        [1.0, 1.0]

    Source: Srivastava et al. 2014; *Understanding Deep Learning*, section 9.3.3.
    """

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(DropoutBase):
    """In training each whole channel of [N, C, L] or [C, L] becomes 0 with probability p.

    y[n, c, :] = x[n, c, :] mask[n, c] / (1 - p), mask ~ Bernoulli(1 - p)

    Arguments:
        p: the probability of 0.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Dropout1d()(torch.ones(2, 3, 4)).shape)
        (2, 3, 4)

    Source: Tompson et al. 2015.
    """

    def forward(self, input):
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(DropoutBase):
    """In training each whole channel of [N, C, H, W] becomes 0 with probability p.

    y[n, c, :, :] = x[n, c, :, :] mask[n, c] / (1 - p), mask ~ Bernoulli(1 - p)

    Arguments:
        p: the probability of 0.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Dropout2d()(torch.ones(2, 3, 4, 4)).shape)
        (2, 3, 4, 4)

    Source: Tompson et al. 2015.
    """

    def forward(self, input):
        return F.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(DropoutBase):
    """Dropout for networks of SELU units: dropped numbers take SELU's lower limit, and mean 0 and variance 1 are kept.

    Arguments:
        p: the probability of a dropped number.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.AlphaDropout(0.5).eval()(torch.ones(2)).tolist()
        [1.0, 1.0]

    Source: Klambauer et al. 2017.
    """

    def forward(self, input):
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(DropoutBase):
    """AlphaDropout of whole channels of [N, C, ...].

    Arguments:
        p: the probability of a dropped channel.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.FeatureAlphaDropout(0.5).eval()(torch.ones(1, 2)).tolist()
        [[1.0, 1.0]]

    Source: Klambauer et al. 2017.
    """

    def forward(self, input):
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
