"""Continuous relaxations of discrete distributions."""
import math

from .. import _core
from .._core import Tensor
from . import constraints
from .discrete import Categorical, _ByProbability, _one
from .distribution import Distribution, broadcast_all
from .transformed import TransformedDistribution
from .transforms import ExpTransform, SigmoidTransform

_C = constraints


class LogitRelaxedBernoulli(_ByProbability):
    """The logit of a relaxed Bernoulli number (Maddison et al. 2017)."""

    support = _C.real
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        given, _ = self._set(probs, logits)
        self.temperature = temperature
        super().__init__(given.shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape=()):
        u = self._rand(self._extended_shape(sample_shape), self._param)
        return (u.log() - (-u).log1p() + self.logits) / self.temperature

    def log_prob(self, value):
        self._validate_sample(value)
        x = self.logits - value * self.temperature
        temperature = self.temperature
        log_t = temperature.log() if isinstance(temperature, Tensor) else math.log(temperature)
        from ..ops.elementwise import logsigmoid
        return log_t + x + 2 * logsigmoid(-x)


class RelaxedBernoulli(TransformedDistribution):
    """A number in (0, 1) that tends to a Bernoulli number as the temperature tends to 0 (Jang et al. 2017)."""

    arg_constraints = {"probs": _C.unit_interval, "logits": _C.real}
    support = _C.unit_interval

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args=validate_args)

    temperature = property(lambda self: self.base_dist.temperature)
    logits = property(lambda self: self.base_dist.logits)
    probs = property(lambda self: self.base_dist.probs)


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a relaxed one-hot vector (Maddison et al. 2017)."""

    arg_constraints = {"probs": _C.simplex, "logits": _C.real_vector}
    support = _C.real_vector
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        _one(probs, logits, type(self).__name__)
        self._categorical, self.temperature = Categorical(probs, logits), temperature
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    logits = property(lambda self: self._categorical.logits)
    probs = property(lambda self: self._categorical.probs)

    def rsample(self, sample_shape=()):
        u = self._rand(self._extended_shape(sample_shape), self._categorical._param).clamp(max=1 - 2.0**-24)
        x = (self.logits - (-u.log()).log()) / self.temperature
        return x - x.logsumexp(-1, keepdim=True)

    def log_prob(self, value):
        self._validate_sample(value)
        k, t = self.event_shape[0], self.temperature
        t = t if isinstance(t, Tensor) else _core.full((), float(t), dtype=value.dtype)
        logits, value = broadcast_all(self.logits, value)
        x = logits - value * t
        return (x - x.logsumexp(-1, keepdim=True)).sum(-1) + math.lgamma(k) + t.log() * (k - 1)


class RelaxedOneHotCategorical(TransformedDistribution):
    """A point of the simplex that tends to a one-hot vector as the temperature tends to 0 (Jang et al. 2017)."""

    arg_constraints = {"probs": _C.simplex, "logits": _C.real_vector}
    support = _C.simplex

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        super().__init__(ExpRelaxedCategorical(temperature, probs, logits, validate_args), ExpTransform(), validate_args=validate_args)

    temperature = property(lambda self: self.base_dist.temperature)
    logits = property(lambda self: self.base_dist.logits)
    probs = property(lambda self: self.base_dist.probs)
