"""Distributions of real numbers, each element by itself."""
import math

from .. import _core
from ..ops.elementwise import where
from ..ops.random import randn
from ..ops.samplers import standard_gamma
from ..ops.special_functions import digamma
from . import constraints
from .distribution import EULER, LOG_2_PI, Distribution, ExponentialFamily, broadcast_all

_C = constraints


class _LocScale(Distribution):
    """x = loc + scale z, z of a fixed law."""

    arg_constraints = {"loc": _C.real, "scale": _C.positive}
    support = _C.real
    has_rsample = True
    _tail = 1.0  # the variance of z

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: self.scale**2 * self._tail)

    def rsample(self, sample_shape=()):
        return self.loc + self.scale * self._draw(self._extended_shape(sample_shape))

    def log_prob(self, value):
        self._validate_sample(value)
        return self._log_density((value - self.loc) / self.scale) - self.scale.log()

    def cdf(self, value):
        self._validate_sample(value)
        return self._probability((value - self.loc) / self.scale)

    def icdf(self, value):
        return self.loc + self.scale * self._quantile(value)

    def entropy(self):
        return self._fixed_entropy + self.scale.log()


class Normal(_LocScale, ExponentialFamily):
    """The normal distribution.

    >>> import udlfast as torch
    >>> torch.distributions.Normal(0., 1.).log_prob(torch.tensor(0.))
    tensor(-0.9189)
    """

    stddev = property(lambda self: self.scale)
    _fixed_entropy = 0.5 + 0.5 * LOG_2_PI

    def _draw(self, shape):
        return randn(tuple(shape), dtype=self.loc.dtype)

    def _log_density(self, z):
        return z * z * -0.5 - 0.5 * LOG_2_PI

    def _probability(self, z):
        return 0.5 * (z * -math.sqrt(0.5)).erfc()

    def _quantile(self, p):
        return math.sqrt(2) * (2 * p - 1).erfinv()


class Laplace(_LocScale):
    """The two-sided exponential distribution."""

    _tail = 2.0
    stddev = property(lambda self: self.scale * math.sqrt(2))
    _fixed_entropy = 1 + math.log(2)

    def _draw(self, shape):
        u = self._rand(shape, self.loc)
        return where(u < 0.5, (2 * u).log(), -(2 * (1 - u)).log())

    def _log_density(self, z):
        return -z.abs() - math.log(2)

    def _probability(self, z):
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def _quantile(self, p):
        t = p - 0.5
        return -t.sign() * (-2 * t.abs()).log1p()


class Cauchy(_LocScale):
    """The distribution of a quotient of two normal numbers; it has no mean."""

    mean = property(lambda self: _core.full_like(self.loc, math.nan))
    variance = property(lambda self: _core.full_like(self.loc, math.inf))
    _fixed_entropy = math.log(4 * math.pi)

    def _draw(self, shape):
        return ((self._rand(shape, self.loc) - 0.5) * math.pi).tan()

    def _log_density(self, z):
        return -(z * z).log1p() - math.log(math.pi)

    def _probability(self, z):
        return z.atan() / math.pi + 0.5

    def _quantile(self, p):
        return (math.pi * (p - 0.5)).tan()


class Gumbel(_LocScale):
    """The distribution of the largest of many: exp(-exp(-z))."""

    _tail = math.pi**2 / 6
    mean = property(lambda self: self.loc + self.scale * EULER)
    stddev = property(lambda self: self.scale * (math.pi / math.sqrt(6)))
    _fixed_entropy = 1 + EULER

    def _draw(self, shape):
        return -(-self._rand(shape, self.loc).log()).log()

    def _log_density(self, z):
        return -z - (-z).exp()

    def _probability(self, z):
        return (-(-z).exp()).exp()

    def _quantile(self, p):
        return -(-p.log()).log()


class Uniform(Distribution):
    """Even density between low and high.

    >>> import udlfast as torch
    >>> torch.distributions.Uniform(0., 2.).log_prob(torch.tensor(1.))
    tensor(-0.6931)
    """

    arg_constraints = {"low": _C.dependent, "high": _C.dependent}
    has_rsample = True

    def __init__(self, low, high, validate_args=None):
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        if self._validate_args and not bool((self.low < self.high).all()):
            raise ValueError("Uniform is not defined when low>= high")

    @_C.dependent_property
    def support(self):
        return _C.interval(self.low.detach(), self.high.detach())

    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: math.nan * self.high)
    stddev = property(lambda self: (self.high - self.low) / math.sqrt(12))
    variance = property(lambda self: (self.high - self.low) ** 2 / 12)

    def rsample(self, sample_shape=()):
        from ..ops.random import rand
        u = rand(tuple(self._extended_shape(sample_shape)), dtype=self.low.dtype)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value):
        self._validate_sample(value)
        inside = ((self.low <= value) & (self.high > value)).to(self.low.dtype)
        return inside.log() - (self.high - self.low).log()

    def cdf(self, value):
        self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value):
        return value * (self.high - self.low) + self.low

    def entropy(self):
        return (self.high - self.low).log()


class Exponential(ExponentialFamily):
    """Waiting times of a constant rate."""

    arg_constraints = {"rate": _C.positive}
    support = _C.nonnegative
    has_rsample = True

    def __init__(self, rate, validate_args=None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: _core.zeros_like(self.rate))
    stddev = property(lambda self: self.rate.reciprocal())
    variance = property(lambda self: self.rate**-2)

    def rsample(self, sample_shape=()):
        return -self._rand(self._extended_shape(sample_shape), self.rate).log() / self.rate

    def log_prob(self, value):
        self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value):
        self._validate_sample(value)
        return -(-self.rate * value).expm1()

    def icdf(self, value):
        return -(-value).log1p() / self.rate

    def entropy(self):
        return 1 - self.rate.log()


class Gamma(ExponentialFamily):
    """The gamma distribution of shape `concentration`; gradients pass through samples along quantiles.

    >>> import udlfast as torch
    >>> torch.distributions.Gamma(2., 1.).mean
    tensor(2.)
    """

    arg_constraints = {"concentration": _C.positive, "rate": _C.positive}
    support = _C.nonnegative
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate**2)

    def rsample(self, sample_shape=()):
        a = self.concentration.expand(*self._extended_shape(sample_shape))
        return standard_gamma(a) / self.rate

    def log_prob(self, value):
        self._validate_sample(value)
        a = self.concentration
        return a.xlogy(self.rate) + (a - 1).xlogy(value) - self.rate * value - a.lgamma()

    def cdf(self, value):
        self._validate_sample(value)
        x = self.rate * value
        return self.concentration.expand(x.shape).igamma(x)

    def entropy(self):
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * digamma(a)


class Chi2(Gamma):
    """Sums of df squares of normal numbers."""

    arg_constraints = {"df": _C.positive}

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    df = property(lambda self: self.concentration * 2)


class Beta(ExponentialFamily):
    """The beta distribution on (0, 1).

    >>> import udlfast as torch
    >>> torch.distributions.Beta(1., 3.).mean
    tensor(0.2500)
    """

    arg_constraints = {"concentration1": _C.positive, "concentration0": _C.positive}
    support = _C.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        from ..ops.joining import stack
        from .multivariate import Dirichlet
        both = stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    concentration1 = property(lambda self: self._dirichlet.concentration.select(-1, 0))
    concentration0 = property(lambda self: self._dirichlet.concentration.select(-1, 1))
    mean = property(lambda self: self.concentration1 / (self.concentration1 + self.concentration0))
    mode = property(lambda self: self._dirichlet.mode.select(-1, 0))

    @property
    def variance(self):
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total**2 * (total + 1))

    def rsample(self, sample_shape=()):
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value):
        from ..ops.joining import stack
        self._validate_sample(value)
        return self._dirichlet.log_prob(stack([value, 1.0 - value], -1))

    def entropy(self):
        return self._dirichlet.entropy()


class StudentT(Distribution):
    """Student's distribution of df degrees of freedom, shifted and scaled."""

    arg_constraints = {"df": _C.positive, "loc": _C.real, "scale": _C.positive}
    support = _C.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    mean = property(lambda self: where(self.df > 1, self.loc, math.nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self):
        d = self.df
        m = self.scale**2 * d / (d - 2)
        return where(d > 2, m, where(d > 1, math.inf, math.nan).to(m.dtype))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        chi2 = standard_gamma((self.df * 0.5).expand(*shape)) * 2
        return self.loc + self.scale * randn(tuple(shape), dtype=self.df.dtype) * (self.df / chi2).sqrt()

    def log_prob(self, value):
        self._validate_sample(value)
        d, y = self.df, (value - self.loc) / self.scale
        z = self.scale.log() + 0.5 * d.log() + 0.5 * math.log(math.pi) + (0.5 * d).lgamma() - (0.5 * (d + 1)).lgamma()
        return -0.5 * (d + 1) * (y * y / d).log1p() - z

    def entropy(self):
        d = self.df
        beta = (0.5 * d).lgamma() + math.lgamma(0.5) - (0.5 * (d + 1)).lgamma()
        return self.scale.log() + 0.5 * (d + 1) * (digamma(0.5 * (d + 1)) - digamma(0.5 * d)) + 0.5 * d.log() + beta


class FisherSnedecor(Distribution):
    """The quotient of two chi-squared numbers over their degrees of freedom."""

    arg_constraints = {"df1": _C.positive, "df2": _C.positive}
    support = _C.positive
    has_rsample = True

    def __init__(self, df1, df2, validate_args=None):
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    mean = property(lambda self: where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan))
    mode = property(lambda self: where(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), math.nan))

    @property
    def variance(self):
        a, b = self.df1, self.df2
        return where(b > 4, 2 * b**2 * (a + b - 2) / (a * (b - 2) ** 2 * (b - 4)), math.nan)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        x, y = (standard_gamma((d * 0.5).expand(*shape)) / (d * 0.5) for d in (self.df1, self.df2))
        return x / y.clamp(min=2.0**-126)

    def log_prob(self, value):
        self._validate_sample(value)
        a, b = self.df1 * 0.5, self.df2 * 0.5
        ratio = self.df1 / self.df2
        return (a + b).lgamma() - a.lgamma() - b.lgamma() + a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p()


class VonMises(Distribution):
    """The normal distribution of angles: density in proportion to e^(concentration cos(x - loc))."""

    arg_constraints = {"loc": _C.real, "concentration": _C.positive}
    support = _C.real

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)

    @property
    def variance(self):
        from ..ops._special import i0e, i1e
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def sample(self, sample_shape=()):
        """Best and Fisher 1979."""
        import numpy as np

        from ..ops.samplers import _in_rounds, _uniform
        shape = tuple(self._extended_shape(sample_shape))
        k = np.broadcast_to(self.concentration.detach().to(_core.float64).numpy(), shape).ravel()
        tau = 1 + np.sqrt(1 + 4 * k * k)
        rho = (tau - np.sqrt(2 * tau)) / (2 * np.maximum(k, 1e-12))
        r = np.where(k < 1e-5, 1 / np.maximum(k, 1e-300), (1 + rho * rho) / (2 * np.maximum(rho, 1e-300)))

        def propose(at):
            z, u, side = (np.cos(np.pi * _uniform(at.size, None)), _uniform(at.size, None), _uniform(at.size, None))
            f = (1 + r[at] * z) / (r[at] + z)
            c = k[at] * (r[at] - f)
            good = (c * (2 - c) > u) | (np.log(c / u) + 1 >= c)
            return np.where(side < 0.5, -1, 1) * np.arccos(np.clip(f, -1, 1)), good
        x = _core.from_numpy(_in_rounds((k >= 0) & (k < math.inf), propose).reshape(shape)).to(self.loc.dtype)
        return (x + math.pi + self.loc.detach()) % (2 * math.pi) - math.pi

    def log_prob(self, value):
        from ..ops._special import i0e
        self._validate_sample(value)
        k = self.concentration
        return k * ((value - self.loc).cos() - 1) - LOG_2_PI - i0e(k).log()
