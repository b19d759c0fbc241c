"""What all distributions share: shapes, checks of parameters and values, expansion."""
import math

from .. import _core
from .._core import Tensor
from ..ops.shaping import broadcast_tensors
from ..size import Size
from . import constraints


def broadcast_all(*values):
    """Numbers and tensors as tensors of one shape; numbers get the type of the tensors."""
    tensors = [v for v in values if isinstance(v, Tensor)]
    if not all(isinstance(v, (Tensor, int, float)) for v in values):
        raise ValueError(f"Input arguments must all be instances of Number or Tensor, got {[type(v).__name__ for v in values]}")
    dtype = tensors[0].dtype if tensors else _core.get_default_dtype()
    full = [v if isinstance(v, Tensor) else _core.full((), float(v), dtype=dtype) for v in values]
    return broadcast_tensors(*full) if len(full) > 1 else full


class Distribution:
    """The base of distributions: batch_shape are independent copies, event_shape is one outcome.

    A subclass names its parameters with their constraints (arg_constraints), how many last dimensions of each belong to an event
    (_event_dims, 0 if not named), its support, and gives rsample or sample, log_prob and moments.
    """

    has_rsample = has_enumerate_support = False
    _validate_args = __debug__
    arg_constraints = {}
    _event_dims = {}
    support = None

    @staticmethod
    def set_default_validate_args(value):
        """Whether parameters and values are checked when validate_args is not given."""
        if value not in (True, False):
            raise ValueError(f"expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        super().__init__()  # for classes that have another base, such as Module
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self.arg_constraints.items():
                if constraints.is_dependent(constraint) or name not in self.__dict__:
                    continue
                value = getattr(self, name)
                if not bool(constraint.check(value.detach()).all()):
                    raise ValueError(f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                                     f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}")

    batch_shape = property(lambda self: self._batch_shape)
    event_shape = property(lambda self: self._event_shape)
    stddev = property(lambda self: self.variance.sqrt())

    @property
    def mean(self):
        raise NotImplementedError(f"{type(self).__name__}.mean")

    @property
    def mode(self):
        raise NotImplementedError(f"{type(self).__name__} does not implement mode")

    @property
    def variance(self):
        raise NotImplementedError(f"{type(self).__name__}.variance")

    def expand(self, batch_shape, _instance=None):
        """The distribution with its batch broadcast to batch_shape."""
        new = self._get_checked_instance(type(self), _instance)
        batch_shape = Size(batch_shape)
        for name, value in self.__dict__.items():
            if name in new.__dict__:
                continue  # the expand of a derived class has done it
            if isinstance(value, Tensor):
                tail = self._event_dims.get(name, 0)
                value = value.expand(*batch_shape, *value.shape[value.ndim - tail:])
            elif isinstance(value, Distribution):
                value = value.expand(self._inner_shape(value, batch_shape))
            new.__dict__[name] = value
        new._batch_shape = batch_shape
        return new

    def _get_checked_instance(self, cls, _instance=None):
        """What expand fills: _instance, or a new object whose __init__ is not called."""
        return object.__new__(type(self)) if _instance is None else _instance

    def _as_this(self, made, _instance):
        """What expand gives for a distribution that is made anew: an object of this one's class."""
        new = self._get_checked_instance(type(self), _instance)
        new.__dict__.update(made.__dict__)
        return new

    def _inner_shape(self, inner, batch_shape):
        """The batch shape of a distribution inside this one, for expand."""
        return batch_shape

    def sample(self, sample_shape=()):
        """A sample without gradients: sample_shape + batch_shape + event_shape."""
        with _core.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()):
        """A sample through which gradients reach the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample; its samples are not differentiable")

    def sample_n(self, n):
        return self.sample((n,))

    def log_prob(self, value):
        """The logarithm of the density or probability of a value."""
        raise NotImplementedError(f"{type(self).__name__}.log_prob")

    def cdf(self, value):
        """The probability of at most value."""
        raise NotImplementedError(f"{type(self).__name__}.cdf")

    def icdf(self, value):
        """The inverse of cdf."""
        raise NotImplementedError(f"{type(self).__name__}.icdf")

    def entropy(self):
        """The expectation of -log_prob."""
        raise NotImplementedError(f"{type(self).__name__}.entropy")

    def enumerate_support(self, expand=True):
        """All values of a discrete distribution, along a new first dimension."""
        raise NotImplementedError(f"{type(self).__name__}.enumerate_support")

    def perplexity(self):
        return self.entropy().exp()

    def _extended_shape(self, sample_shape=()):
        return Size(tuple(sample_shape) + tuple(self._batch_shape) + tuple(self._event_shape))

    def _validate_sample(self, value):
        """Refuse a value of a wrong shape or outside the support."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        start = value.ndim - len(self._event_shape)
        if start < 0 or tuple(value.shape[start:]) != tuple(self._event_shape):
            raise ValueError(f"The right-most size of value must match event_shape: {tuple(value.shape)} vs {tuple(self._event_shape)}.")
        expected = tuple(self._batch_shape) + tuple(self._event_shape)
        for i, j in zip(reversed(tuple(value.shape)), reversed(expected)):
            if i != 1 and j != 1 and i != j:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {tuple(value.shape)} vs {expected}.")
        support = self.support
        if support is not None and not constraints.is_dependent(support) and not bool(support.check(value.detach()).all()):
            raise ValueError(f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the support "
                             f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}")

    def _rand(self, shape, like):
        """Even numbers in (0, 1), never the ends, in like's type."""
        from ..ops.random import rand
        u = rand(tuple(shape), dtype=like.dtype)
        return u.clamp(min=2.0**-126 if like.dtype is not _core.float64 else 2.0**-1022)

    def __repr__(self):
        shown = [f"{n}: {v if v.numel() == 1 else v.shape}" for n in self.arg_constraints
                 if isinstance(v := self.__dict__.get(n), Tensor)]
        return f"{type(self).__name__}({', '.join(shown)})"


class ExponentialFamily(Distribution):
    """Distributions of an exponential family; a name that programs test for."""


class lazily:
    """An attribute computed when it is first read, and kept."""

    def __init__(self, function):
        self.function, self.name, self.__doc__ = function, function.__name__, function.__doc__

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with _core.enable_grad():
            value = self.function(instance)
        instance.__dict__[self.name] = value
        return value


def probs_to_logits(probs, is_binary=False):
    """Logarithms of probabilities (of the odds if binary), kept away from infinity."""
    eps = 2.0**-52 if probs.dtype is _core.float64 else 2.0**-23
    p = probs.clamp(eps, 1 - eps)
    return p.log() - (-p).log1p() if is_binary else p.log()


def logits_to_probs(logits, is_binary=False):
    """The inverse of probs_to_logits."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def log_binomial(n, k):
    """log of n over k."""
    return (n + 1).lgamma() - (k + 1).lgamma() - (n - k + 1).lgamma()


LOG_2_PI = math.log(2 * math.pi)
EULER = 0.57721566490153286
