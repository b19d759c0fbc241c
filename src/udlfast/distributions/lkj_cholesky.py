"""The distribution of Lewandowski, Kurowicka and Joe: Cholesky factors of random correlation matrices."""

import math

from ..ops.creation import arange
from ..ops.random import randn
from . import constraints as _C
from .continuous import Beta
from .distribution import Distribution, broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower triangular L of correlation matrices C = L L^T whose density is proportional to |C|^(concentration - 1).

    p(L) is proportional to the product of L_ii^(2 concentration - 2 + D - i) over the rows i = 2 .. D; a concentration of 1 makes all
    correlation matrices equally likely. Row by row, a sample is a direction times the root of a beta number, and the rest of the length
    stands on the diagonal (the onion).

    Arguments:
        dim: D, the size of the matrices, at least 2.
        concentration: a number above 0, or [...].

    >>> import udlfast as torch
    >>> torch.distributions.LKJCholesky(2, 1.).log_prob(torch.eye(2))
    tensor(-0.6931)

    Source: Lewandowski, Kurowicka and Joe 2009.
    """

    arg_constraints = {"concentration": _C.positive}
    support = _C.corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape=()):
        eta, n = self.concentration.detach().unsqueeze(-1), self.dim
        before = arange(n, dtype=eta.dtype)[1:]  # the row's elements left of the diagonal
        share = Beta(before / 2, eta + (n - 1 - before) / 2, validate_args=False).sample(sample_shape).unsqueeze(-1)
        u = randn(tuple(self._extended_shape(sample_shape)), dtype=eta.dtype).tril(-1)[..., 1:, :]
        low = u.new_zeros(self._extended_shape(sample_shape))
        low[..., 1:, :] = u / (u * u).sum(-1, keepdim=True).sqrt() * share.sqrt()
        return low + (1 - (low * low).sum(-1)).clamp(min=2.0**-126).sqrt().diag_embed()

    def log_prob(self, value):
        self._validate_sample(value)
        eta, n = self.concentration, self.dim
        order = 2 * (eta - 1).unsqueeze(-1) + n - arange(n + 1, dtype=eta.dtype)[2:]
        alpha = eta + (n - 1) / 2
        log_norm = (n - 1) / 2 * math.log(math.pi) + (alpha - 0.5).mvlgamma(n - 1) - alpha.lgamma() * (n - 1)
        return (order * value.diagonal(0, -2, -1)[..., 1:].log()).sum(-1) - log_norm
