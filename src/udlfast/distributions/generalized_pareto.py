"""The generalised Pareto distribution: what lies beyond a high threshold."""

import math

from ..ops.elementwise import where
from . import constraints as _C
from .distribution import Distribution, broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Excesses over loc: P(X > x) = (1 + concentration z)^(-1 / concentration), z = (x - loc) / scale; e^-z for a concentration of 0.

    loc, scale > 0 and concentration are numbers or [...]. With a negative concentration, values end at loc - scale / concentration.

    >>> import udlfast as torch
    >>> torch.distributions.GeneralizedPareto(0., 1., 0.5).mean
    tensor(2.)

    Source: Pickands 1975.
    """

    arg_constraints = {"loc": _C.real, "scale": _C.positive, "concentration": _C.real}
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @_C.dependent_property
    def support(self):
        lower, end = self.loc, self.loc - self.scale / self.concentration
        if bool((self.concentration >= 0).all()):
            return _C.greater_than_eq(lower)
        return _C.interval(lower, where(self.concentration < 0, end, math.inf))

    def _kinds(self):
        """(where the concentration is 0, the concentration with a 1 there)"""
        zero = self.concentration.abs() <= 1e-6
        return zero, where(zero, 1.0, self.concentration)

    def _log_survival(self, value):
        zero, xi = self._kinds()
        z = (value - self.loc) / self.scale
        return where(zero, -z, -(xi * z).log1p() / xi)

    def log_prob(self, value):
        self._validate_sample(value)
        zero, xi = self._kinds()
        z = (value - self.loc) / self.scale
        return where(zero, -z, -(1 + 1 / xi) * (xi * z).log1p()) - self.scale.log()

    def log_survival_function(self, value):
        self._validate_sample(value)
        return self._log_survival(value)

    def log_cdf(self, value):
        self._validate_sample(value)
        return (-self._log_survival(value).exp()).log1p()

    def cdf(self, value):
        self._validate_sample(value)
        return -self._log_survival(value).expm1()

    def icdf(self, value):
        zero, xi = self._kinds()
        t = -(-value).log1p()
        return self.loc + self.scale * where(zero, t, (xi * t).expm1() / xi)

    def rsample(self, sample_shape=()):
        return self.icdf(self._rand(self._extended_shape(sample_shape), self.loc))

    @property
    def mean(self):
        xi = self.concentration
        return where(xi < 1, self.loc + self.scale / (1 - where(xi < 1, xi, 0.0)), math.inf)

    @property
    def variance(self):
        xi = self.concentration
        inside = where(xi < 0.5, xi, 0.0)
        return where(xi < 0.5, self.scale**2 / ((1 - inside) ** 2 * (1 - 2 * inside)), math.inf)

    mode = property(lambda self: self.loc)

    def entropy(self):
        return self.scale.log() + self.concentration + 1
