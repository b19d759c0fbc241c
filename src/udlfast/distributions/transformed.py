"""Distributions made of others: by transforms, by mixing, by taking dimensions together."""
import math

from .. import _core
from .._core import Tensor
from ..ops.elementwise import where
from . import constraints
from ._transform import sum_rightmost
from .continuous import Cauchy, Exponential, Gamma, Normal, Uniform
from .discrete import Categorical
from .distribution import EULER, Distribution, broadcast_all
from .transforms import AffineTransform, ComposeTransform, ExpTransform, PowerTransform, StickBreakingTransform
from .transforms import Transform as _Transform

_C = constraints


class Independent(Distribution):
    """The last batch dimensions of a distribution taken as one event: log_prob is summed over them.

    >>> import udlfast as torch
    >>> torch.distributions.Independent(torch.distributions.Normal(torch.zeros(3), 1.), 1).event_shape
    udlfast.Size([3])
    """

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        n = len(base_distribution.batch_shape)
        if reinterpreted_batch_ndims > n:
            raise ValueError(f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                             f"{reinterpreted_batch_ndims} vs {n}")
        shape = tuple(base_distribution.batch_shape) + tuple(base_distribution.event_shape)
        dim = reinterpreted_batch_ndims + len(base_distribution.event_shape)
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        super().__init__(shape[:len(shape) - dim], shape[len(shape) - dim:], validate_args=validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    has_enumerate_support = property(lambda self: self.base_dist.has_enumerate_support and not self.reinterpreted_batch_ndims)
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    @_C.dependent_property
    def support(self):
        base = self.base_dist.support
        return _C.independent(base, self.reinterpreted_batch_ndims) if self.reinterpreted_batch_ndims else base

    def _inner_shape(self, inner, batch_shape):
        return tuple(batch_shape) + tuple(self.event_shape[:self.reinterpreted_batch_ndims])

    def sample(self, sample_shape=()):
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape=()):
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value):
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self):
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand=True):
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self):
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """Components of one family, chosen by a Categorical: log_prob is the logsumexp over them."""

    arg_constraints = {}

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution need to be an instance of torch.distributions.Distribution")
        batch = tuple(component_distribution.batch_shape)
        if tuple(mixture_distribution.batch_shape) not in ((), batch[:-1]):
            raise ValueError(f"`mixture_distribution.batch_shape` ({tuple(mixture_distribution.batch_shape)}) is not compatible with "
                             f"`component_distribution.batch_shape` ({batch})")
        if mixture_distribution._num_events != batch[-1]:
            raise ValueError(f"`mixture_distribution component` ({mixture_distribution._num_events}) does not equal "
                             f"`component_distribution.batch_shape[-1]` ({batch[-1]})")
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        self._num_component, self._event_ndims = batch[-1], len(component_distribution.event_shape)
        super().__init__(batch[:-1], component_distribution.event_shape, validate_args=validate_args)

    mixture_distribution = property(lambda self: self._mixture_distribution)
    component_distribution = property(lambda self: self._component_distribution)

    def _inner_shape(self, inner, batch_shape):
        return batch_shape if inner is self._mixture_distribution else (*batch_shape, self._num_component)

    @_C.dependent_property
    def support(self):
        return self._component_distribution.support if not _varies(self._component_distribution.support) else _C.dependent

    def _weights(self):
        p = self._mixture_distribution.probs
        return p.reshape(*p.shape, *(1,) * self._event_ndims)

    @property
    def mean(self):
        return (self._weights() * self._component_distribution.mean).sum(-1 - self._event_ndims)

    @property
    def variance(self):
        c, w, d = self._component_distribution, self._weights(), -1 - self._event_ndims
        return (w * c.variance).sum(d) + (w * (c.mean - self.mean.unsqueeze(d)) ** 2).sum(d)

    def cdf(self, value):
        value = value.unsqueeze(-1 - self._event_ndims)
        return (self._component_distribution.cdf(value) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        log_p = self._component_distribution.log_prob(value.unsqueeze(-1 - self._event_ndims))
        return (log_p + self._mixture_distribution.logits).logsumexp(-1)

    def sample(self, sample_shape=()):
        with _core.no_grad():
            k = self._mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            x = self._component_distribution.sample(sample_shape)
            d = x.ndim - 1 - self._event_ndims
            k = k.reshape(*k.shape, 1, *(1,) * self._event_ndims).expand(*k.shape, 1, *self.event_shape)
            return x.gather(d, k).squeeze(d)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self._mixture_distribution!r},\n  {self._component_distribution!r})"


def _varies(support):
    """Does a support have bounds per component?"""
    return any(isinstance(getattr(support, n, None), Tensor) and getattr(support, n).numel() > 1 for n in ("lower_bound", "upper_bound"))


class TransformedDistribution(Distribution):
    """The law of y = f(x), x of a base distribution: log p(y) = log p(x) - log |dy/dx|."""

    arg_constraints = {}

    def __init__(self, base_distribution, transforms, validate_args=None):
        self.transforms = [transforms] if isinstance(transforms, _Transform) else list(transforms)
        if not all(isinstance(t, _Transform) for t in self.transforms):
            raise ValueError(f"transforms must be a Transform or a list, but was {transforms}")
        chain = ComposeTransform(self.transforms)
        base_shape = tuple(base_distribution.batch_shape) + tuple(base_distribution.event_shape)
        shape = tuple(chain.forward_shape(base_shape))
        expanded = tuple(chain.inverse_shape(shape))
        if expanded != base_shape:
            base_distribution = base_distribution.expand(expanded[:len(expanded) - len(base_distribution.event_shape)])
        extra = chain.domain.event_dim - len(base_distribution.event_shape)
        if extra > 0:
            base_distribution = Independent(base_distribution, extra)
        self.base_dist = base_distribution
        change = chain.codomain.event_dim - chain.domain.event_dim
        event = max(chain.codomain.event_dim, len(base_distribution.event_shape) + change)
        super().__init__(shape[:len(shape) - event], shape[len(shape) - event:], validate_args=validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    def _inner_shape(self, inner, batch_shape):
        shape = ComposeTransform(self.transforms).inverse_shape(tuple(batch_shape) + tuple(self.event_shape))
        return tuple(shape)[:len(shape) - len(inner.event_shape)]

    @_C.dependent_property
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        extra = len(self.event_shape) - last.event_dim
        return _C.independent(last, extra) if extra > 0 else last

    def sample(self, sample_shape=()):
        with _core.no_grad():
            x = self.base_dist.sample(sample_shape)
            for t in self.transforms:
                x = t(x)
            return x

    def rsample(self, sample_shape=()):
        x = self.base_dist.rsample(sample_shape)
        for t in self.transforms:
            x = t(x)
        return x

    def log_prob(self, value):
        self._validate_sample(value)
        event, total, y = len(self.event_shape), 0.0, value
        for t in reversed(self.transforms):
            x = t._inv_call(y)
            event += t.domain.event_dim - t.codomain.event_dim
            total = total - sum_rightmost(t.log_abs_det_jacobian(x, y), event - t.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), event - len(self.base_dist.event_shape))

    def _sign(self):
        sign = 1
        for t in self.transforms:
            sign = sign * t.sign
        return sign

    def cdf(self, value):
        self._validate_sample(value)
        for t in reversed(self.transforms):
            value = t._inv_call(value)
        p, sign = self.base_dist.cdf(value), self._sign()
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def icdf(self, value):
        sign = self._sign()
        value = value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5
        value = self.base_dist.icdf(value)
        for t in self.transforms:
            value = t(value)
        return value

    def __repr__(self):
        return Distribution.__repr__(self) if self.arg_constraints else f"{type(self).__name__}()"


class LogNormal(TransformedDistribution):
    """e^x of normal x."""

    arg_constraints = {"loc": _C.real, "scale": _C.positive}
    support = _C.positive

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + self.scale**2 / 2).exp())
    mode = property(lambda self: (self.loc - self.scale**2).exp())
    variance = property(lambda self: (self.scale**2).expm1() * (2 * self.loc + self.scale**2).exp())

    def entropy(self):
        return self.base_dist.entropy() + self.loc


class _Half(Distribution):
    """|x| of a distribution that is even around 0."""

    arg_constraints = {"scale": _C.positive}
    support = _C.nonnegative
    has_rsample = True
    _whole = None

    def __init__(self, scale, validate_args=None):
        self.base_dist = self._whole(0, scale, validate_args=False)
        self.scale = self.base_dist.scale
        super().__init__(self.base_dist.batch_shape, validate_args=validate_args)

    mode = property(lambda self: _core.zeros_like(self.scale))

    def rsample(self, sample_shape=()):
        return self.base_dist.rsample(sample_shape).abs()

    def log_prob(self, value):
        self._validate_sample(value)
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value):
        self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value):
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| of normal x."""

    _whole = Normal
    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    variance = property(lambda self: self.scale**2 * (1 - 2 / math.pi))


class HalfCauchy(_Half):
    """|x| of Cauchy's x."""

    _whole = Cauchy
    mean = property(lambda self: _core.full_like(self.scale, math.inf))
    variance = property(lambda self: self.base_dist.variance)


class Weibull(TransformedDistribution):
    """scale times the 1/concentration-th power of an exponential number."""

    arg_constraints = {"scale": _C.positive, "concentration": _C.positive}
    support = _C.positive

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(_core.ones_like(self.scale), validate_args=validate_args)
        super().__init__(base, [PowerTransform(self.concentration.reciprocal()), AffineTransform(0, self.scale)],
                         validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        made = Weibull(self.scale.expand(*batch_shape), self.concentration.expand(*batch_shape), validate_args=False)
        return self._as_this(made, _instance)

    mean = property(lambda self: self.scale * (1 + self.concentration.reciprocal()).lgamma().exp())

    @property
    def mode(self):
        k = self.concentration
        return where(k > 1, self.scale * ((k - 1).clamp(min=0) / k) ** k.reciprocal(), _core.zeros_like(k))

    @property
    def variance(self):
        r = self.concentration.reciprocal()
        return self.scale**2 * ((1 + 2 * r).lgamma().exp() - (2 * (1 + r).lgamma()).exp())

    def entropy(self):
        r = self.concentration.reciprocal()
        return EULER * (1 - r) + (self.scale * r).log() + 1


class Pareto(TransformedDistribution):
    """scale times e^x of an exponential x of rate alpha."""

    arg_constraints = {"alpha": _C.positive, "scale": _C.positive}

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        super().__init__(base, [ExpTransform(), AffineTransform(0, self.scale)], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        made = Pareto(self.scale.expand(*batch_shape), self.alpha.expand(*batch_shape), validate_args=False)
        return self._as_this(made, _instance)

    @_C.dependent_property
    def support(self):
        return _C.greater_than_eq(self.scale.detach())

    mode = property(lambda self: self.scale)

    @property
    def mean(self):
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def variance(self):
        a = self.alpha.clamp(min=2)
        return self.scale**2 * a / ((a - 1) ** 2 * (a - 2))

    def entropy(self):
        return (self.scale / self.alpha).log() + 1 + self.alpha.reciprocal()


class Kumaraswamy(TransformedDistribution):
    """A law on (0, 1) like Beta, with a closed distribution function: 1 - (1 - x^a)^b."""

    arg_constraints = {"concentration1": _C.positive, "concentration0": _C.positive}
    support = _C.unit_interval

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(_core.zeros_like(self.concentration0), _core.ones_like(self.concentration0), validate_args=False)
        super().__init__(base, [PowerTransform(self.concentration0.reciprocal()), AffineTransform(1.0, -1.0),
                                PowerTransform(self.concentration1.reciprocal())], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        made = Kumaraswamy(self.concentration1.expand(*batch_shape), self.concentration0.expand(*batch_shape), validate_args=False)
        return self._as_this(made, _instance)

    def _moment(self, n):
        a, b = self.concentration1, self.concentration0
        return ((1 + n / a).lgamma() + b.lgamma() - (1 + n / a + b).lgamma()).exp() * b

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self.mean**2)

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        return where((a >= 1) & (b >= 1) & (a * b > 1), ((a - 1) / (a * b - 1)) ** a.reciprocal(), math.nan)

    def entropy(self):
        from ..ops.special_functions import digamma
        a, b = self.concentration1, self.concentration0
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * (digamma(b + 1) + EULER) - a.log() - b.log()


class InverseGamma(TransformedDistribution):
    """1/x of gamma x."""

    arg_constraints = {"concentration": _C.positive, "rate": _C.positive}
    support = _C.positive

    def __init__(self, concentration, rate, validate_args=None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-_core.ones((), dtype=base.rate.dtype)), validate_args=validate_args)

    concentration = property(lambda self: self.base_dist.concentration)
    rate = property(lambda self: self.base_dist.rate)
    mean = property(lambda self: where(self.concentration > 1, self.rate / (self.concentration - 1), math.inf))
    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def variance(self):
        a = self.concentration
        return where(a > 2, self.rate**2 / ((a - 1) ** 2 * (a - 2)), math.inf)

    def entropy(self):
        from ..ops.special_functions import digamma
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * digamma(a)


class LogisticNormal(TransformedDistribution):
    """Points of a simplex from normal numbers by stick breaking."""

    arg_constraints = {"loc": _C.real, "scale": _C.positive}
    support = _C.simplex

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        base = base if base.batch_shape else base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)
