"""Distributions of counts and classes."""
import math

from .. import _core
from ..ops.elementwise import where
from ..ops.random import multinomial, rand
from ..ops.samplers import binomial_array, poisson_array
from ..size import Size
from . import constraints
from .distribution import Distribution, ExponentialFamily, broadcast_all, lazily, log_binomial, logits_to_probs, probs_to_logits

_C = constraints


def _one(probs, logits, name):
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: either probs or logits must be given, and not both")


class _ByProbability(Distribution):
    """Distributions of a probability, given itself or by the logarithm of its odds; the other is computed when read."""

    arg_constraints = {"probs": _C.unit_interval, "logits": _C.real}

    def _set(self, probs, logits, *others):
        _one(probs, logits, type(self).__name__)
        given, *others = broadcast_all(probs if logits is None else logits, *others)
        self.__dict__["probs" if logits is None else "logits"] = given
        self._given = "probs" if logits is None else "logits"
        return given, others

    @lazily
    def probs(self):
        return logits_to_probs(self.logits, is_binary=True)

    @lazily
    def logits(self):
        return probs_to_logits(self.probs, is_binary=True)

    _param = property(lambda self: self.__dict__[self._given])
    param_shape = property(lambda self: self._param.shape)


class Bernoulli(_ByProbability, ExponentialFamily):
    """0 or 1.

    >>> import udlfast as torch
    >>> torch.distributions.Bernoulli(0.5).entropy()
    tensor(0.6931)
    """

    support = _C.boolean
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        given, _ = self._set(probs, logits)
        super().__init__(given.shape, validate_args=validate_args)

    mean = property(lambda self: self.probs)
    mode = property(lambda self: where(self.probs == 0.5, math.nan, (self.probs >= 0.5).to(self.probs.dtype)))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        p = self.probs.detach()
        return (rand(tuple(shape), dtype=p.dtype) < p).to(p.dtype)

    def log_prob(self, value):
        from ..ops.binary_cross_entropy import binary_cross_entropy_with_logits
        self._validate_sample(value)
        x, y = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(x, y.to(x.dtype), reduction="none")

    def entropy(self):
        from ..ops.binary_cross_entropy import binary_cross_entropy_with_logits
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand=True):
        return _listed(2, self, expand).to(self._param.dtype)


def _listed(n, d, expand):
    """0 .. n - 1 along a new first dimension."""
    from ..ops.creation import arange
    values = arange(n).reshape(-1, *(1,) * len(d.batch_shape))
    return values.expand(n, *d.batch_shape) if expand else values


class Geometric(_ByProbability):
    """Failures before the first success."""

    support = _C.nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        given, _ = self._set(probs, logits)
        super().__init__(given.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not bool((given.detach() > 0).all()):
            raise ValueError(f"Expected parameter probs of distribution {self!r} to be positive but found invalid values:\n{given}")

    mean = property(lambda self: 1.0 / self.probs - 1.0)
    mode = property(lambda self: _core.zeros_like(self.probs))
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def sample(self, sample_shape=()):
        p = self.probs.detach()
        u = self._rand(self._extended_shape(sample_shape), p)
        return (u.log() / (-p).log1p()).floor()

    def log_prob(self, value):
        self._validate_sample(value)
        p = self.probs
        rest = where((p == 1) & (value == 0), 0.0, (-p).log1p())
        return value * rest + p.log()

    def entropy(self):
        p, q = self.probs, 1 - self.probs
        return -(q.xlogy(q) + p.xlogy(p)) / p


class Binomial(_ByProbability):
    """Successes of total_count trials."""

    arg_constraints = {"total_count": _C.nonnegative_integer, "probs": _C.unit_interval, "logits": _C.real}
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        given, (count,) = self._set(probs, logits, total_count)
        self.total_count = count.to(given.dtype)
        super().__init__(given.shape, validate_args=validate_args)

    @_C.dependent_property(is_discrete=True)
    def support(self):
        return _C.integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    @property
    def mode(self):
        m = ((self.total_count + 1) * self.probs).floor()
        return where(m > self.total_count, self.total_count, m)

    def sample(self, sample_shape=()):
        import numpy as np
        shape = tuple(self._extended_shape(sample_shape))
        n, p = (np.broadcast_to(t.detach().to(_core.float64).numpy(), shape) for t in (self.total_count, self.probs))
        return _core.from_numpy(np.array(binomial_array(n, p))).to(self._param.dtype)

    def log_prob(self, value):
        self._validate_sample(value)
        n, x = self.total_count, self.logits
        return log_binomial(n, value) + value * x - n * (x.clamp(min=0) + (-x.abs()).exp().log1p())

    def entropy(self):
        n = int(self.total_count.detach().max())
        if int(self.total_count.detach().min()) != n:
            raise NotImplementedError("Inhomogeneous total count not supported by `entropy`.")
        lp = self.log_prob(self.enumerate_support(False))
        return -(lp.exp() * lp).sum(0)

    def enumerate_support(self, expand=True):
        n = int(self.total_count.detach().max())
        if int(self.total_count.detach().min()) != n:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        return _listed(n + 1, self, expand).to(self._param.dtype)


class NegativeBinomial(_ByProbability):
    """Successes before total_count failures."""

    arg_constraints = {"total_count": _C.greater_than_eq(0), "probs": _C.half_open_interval(0.0, 1.0), "logits": _C.real}
    support = _C.nonnegative_integer

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        given, (count,) = self._set(probs, logits, total_count)
        self.total_count = count.to(given.dtype)
        super().__init__(given.shape, validate_args=validate_args)

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def sample(self, sample_shape=()):
        from .continuous import Gamma
        with _core.no_grad():
            rate = Gamma(self.total_count, (-self.logits).exp(), validate_args=False).sample(sample_shape)
            return _core.from_numpy(poisson_array(rate.to(_core.float64).numpy())).to(rate.dtype)

    def log_prob(self, value):
        from ..ops.elementwise import logsigmoid
        self._validate_sample(value)
        n = self.total_count
        norm = (n + value).lgamma() - (1 + value).lgamma() - n.lgamma()
        norm = where(n + value == 0, 0.0, norm)
        return n * logsigmoid(-self.logits) + value * logsigmoid(self.logits) + norm


class Poisson(ExponentialFamily):
    """Counts of events of a constant rate."""

    arg_constraints = {"rate": _C.nonnegative}
    support = _C.nonnegative_integer

    def __init__(self, rate, validate_args=None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())
    variance = property(lambda self: self.rate)

    def sample(self, sample_shape=()):
        rate = self.rate.detach().expand(*self._extended_shape(sample_shape))
        return _core.from_numpy(poisson_array(rate.to(_core.float64).numpy())).to(rate.dtype)

    def log_prob(self, value):
        self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()


class Categorical(Distribution):
    """Classes 0 .. K - 1 with probabilities [..., K].

    >>> import udlfast as torch
    >>> torch.distributions.Categorical(torch.tensor([1., 3.])).probs
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"probs": _C.simplex, "logits": _C.real_vector}
    _event_dims = {"probs": 1, "logits": 1}
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        _one(probs, logits, type(self).__name__)
        given = probs if logits is None else logits
        if given.ndim < 1:
            raise ValueError(f"`{'probs' if logits is None else 'logits'}` parameter must be at least one-dimensional.")
        if logits is None:
            self.__dict__["probs"] = probs / probs.sum(-1, keepdim=True)
        else:
            self.__dict__["logits"] = logits - logits.logsumexp(-1, keepdim=True)
        self._given, self._num_events = "probs" if logits is None else "logits", given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @lazily
    def probs(self):
        return logits_to_probs(self.logits)

    @lazily
    def logits(self):
        return probs_to_logits(self.probs)

    _param = property(lambda self: self.__dict__[self._given])
    param_shape = property(lambda self: self._param.shape)

    @_C.dependent_property(is_discrete=True)
    def support(self):
        return _C.integer_interval(0, self._num_events - 1)

    mean = property(lambda self: _core.full(tuple(self.batch_shape), math.nan, dtype=self.probs.dtype))
    variance = property(lambda self: _core.full(tuple(self.batch_shape), math.nan, dtype=self.probs.dtype))
    mode = property(lambda self: self.probs.argmax(-1))

    def sample(self, sample_shape=()):
        n = Size(sample_shape).numel()
        rows = self.probs.detach().reshape(-1, self._num_events)
        shape = tuple(self._extended_shape(sample_shape))
        if not n or not rows.shape[0]:
            return _core.zeros(shape, dtype=_core.int64)
        return multinomial(rows, n, True).mT.reshape(shape)

    def log_prob(self, value):
        self._validate_sample(value)
        value = value.long().unsqueeze(-1)
        from ..ops.shaping import broadcast_shapes
        batch = broadcast_shapes(tuple(value.shape[:-1]), tuple(self.logits.shape[:-1]))
        return self.logits.expand(*batch, self._num_events).gather(-1, value.expand(*batch, 1)).squeeze(-1)

    def entropy(self):
        low = -3.4028234663852886e38 if self.logits.dtype is not _core.float64 else -1.7976931348623157e308
        return -(self.logits.clamp(min=low) * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        return _listed(self._num_events, self, expand)


class OneHotCategorical(Distribution):
    """Classes as vectors with a single 1."""

    arg_constraints = {"probs": _C.simplex, "logits": _C.real_vector}
    support = _C.one_hot
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits, validate_args=validate_args)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    _param = property(lambda self: self._categorical._param)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs)
    mode = property(lambda self: _one_hot(self.probs.argmax(-1), self.probs))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        return _one_hot(self._categorical.sample(sample_shape), self._param)

    def log_prob(self, value):
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self):
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        from ..ops.creation import eye
        n = self.event_shape[0]
        values = eye(n, dtype=self._param.dtype).reshape(n, *(1,) * len(self.batch_shape), n)
        return values.expand(n, *self.batch_shape, n) if expand else values


def _one_hot(index, like):
    from ..ops.embedding import one_hot
    return one_hot(index, like.shape[-1]).to(like.dtype)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """OneHotCategorical whose samples pass gradients to the probabilities (Bengio et al. 2013)."""

    has_rsample = True

    def rsample(self, sample_shape=()):
        x = self.sample(sample_shape)
        return x + (self.probs - self.probs.detach())

    def sample(self, sample_shape=()):
        return OneHotCategorical.sample(self, sample_shape)


class Multinomial(Distribution):
    """How often each class comes in total_count draws."""

    arg_constraints = {"probs": _C.simplex, "logits": _C.real_vector}

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args=False)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    @_C.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return _C.multinomial(self.total_count)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        draws = self._categorical.sample((self.total_count, *sample_shape))
        return _one_hot(draws, self._categorical._param).sum(0)

    def log_prob(self, value):
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = where((value == 0) & (logits == -math.inf), 0.0, logits)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + (logits * value).sum(-1)

    def entropy(self):
        n = self.total_count
        one = Binomial(n, self.probs, validate_args=False)
        counts = one.enumerate_support(expand=False)[1:]
        terms = (one.log_prob(counts).exp() * (counts + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - math.lgamma(n + 1) + terms
