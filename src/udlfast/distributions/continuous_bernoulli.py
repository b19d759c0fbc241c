"""The continuous Bernoulli distribution: Bernoulli's likelihood as a density of the numbers from 0 to 1."""

import math

from .._core import full_like
from ..ops.elementwise import where
from . import constraints as _C
from .discrete import _ByProbability
from .distribution import ExponentialFamily, broadcast_all
from .utils import clamp_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(_ByProbability, ExponentialFamily):
    """Numbers between 0 and 1 with a density proportional to probs^x (1 - probs)^(1 - x).

    The density is 2 artanh(1 - 2 probs) / (1 - 2 probs) times that. One of probs in (0, 1) and logits is given, numbers or [...];
    where probs lies between the two `lims`, the first terms of the series about 1/2 stand for quotients of two small numbers.

    >>> import udlfast as torch
    >>> torch.distributions.ContinuousBernoulli(0.3).mean
    tensor(0.4302)

    Source: Loaiza-Ganem and Cunningham 2019.
    """

    support = _C.unit_interval
    has_rsample = True

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        given, _ = self._set(probs, logits)
        super().__init__(given.shape, validate_args=validate_args)
        self._lims = tuple(lims)
        if probs is not None:
            self.probs = clamp_probs(given)

    def _series(self, exact, series):
        """exact(p) away from 1/2, series(p - 1/2) near it; each sees only what it is for, so gradients stay finite."""
        near = (self.probs > self._lims[0]) & (self.probs <= self._lims[1])
        return where(near, series(where(near, self.probs - 0.5, 0.0)), exact(where(near, full_like(self.probs, self._lims[0]), self.probs)))

    def _log_norm(self):
        """ln of what probs^x (1 - probs)^(1 - x) is multiplied by."""
        return self._series(lambda p: (((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log()),
                            lambda x: math.log(2) + (4 / 3 + 104 / 45 * x * x) * x * x)  # fmt: skip

    @property
    def mean(self):
        return self._series(lambda p: p / (2 * p - 1) + 1 / ((-p).log1p() - p.log()), lambda x: 0.5 + (1 / 3 + 16 / 45 * x * x) * x)

    @property
    def variance(self):
        return self._series(lambda p: p * (p - 1) / (1 - 2 * p) ** 2 + 1 / ((-p).log1p() - p.log()) ** 2,
                            lambda x: 1 / 12 - (1 / 15 - 128 / 945 * x * x) * x * x)  # fmt: skip

    def rsample(self, sample_shape=()):
        return self.icdf(self._rand(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value):
        from ..ops.binary_cross_entropy import binary_cross_entropy_with_logits

        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return self._log_norm() - binary_cross_entropy_with_logits(logits, value, reduction="none")

    def _by_value(self, exact, value):
        """exact(p, value) away from 1/2, value itself near it."""
        p, value = broadcast_all(self.probs, value)
        near = (p > self._lims[0]) & (p <= self._lims[1])
        return where(near, value, exact(where(near, full_like(p, self._lims[0]), p), value))

    def cdf(self, value):
        self._validate_sample(value)
        inside = self._by_value(lambda p, x: (p**x * (1 - p) ** (1 - x) + p - 1) / (2 * p - 1), value)
        return where(value <= 0, 0.0, where(value >= 1, 1.0, inside))

    def icdf(self, value):
        return self._by_value(lambda p, u: ((-p + u * (2 * p - 1)).log1p() - (-p).log1p()) / (p.log() - (-p).log1p()), value)

    def entropy(self):
        low, high = (-self.probs).log1p(), self.probs.log()
        return self.mean * (low - high) - self._log_norm() - low
