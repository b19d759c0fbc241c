"""Transforms of numbers, and how they are put together (see transforms.py)."""
import math

from .. import _core
from .._core import Tensor
from ..ops.elementwise import logsigmoid
from . import constraints

_C = constraints


def sum_rightmost(x, n):
    """x summed over its last n dimensions."""
    return x if n == 0 else x.reshape(*x.shape[:x.ndim - n], -1).sum(-1)


class Transform:
    """y = f(x): a subclass gives _call, _inverse and log_abs_det_jacobian, domain and codomain.

    cache_size=1 remembers the last pair, so that the inverse of a value just computed is exact.
    """

    bijective = False

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size, self._cached_x_y, self._inv = cache_size, (None, None), None
        super().__init__()  # for classes that have another base, such as Module

    @property
    def event_dim(self):
        return self.domain.event_dim

    @property
    def inv(self):
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    @property
    def sign(self):
        raise NotImplementedError(f"{type(self).__name__}.sign")

    def with_cache(self, cache_size=1):
        import copy
        new = copy.copy(self)
        new._cache_size, new._cached_x_y, new._inv = cache_size, (None, None), None
        return new

    def __call__(self, x):
        if x is self._cached_x_y[0]:
            return self._cached_x_y[1]
        y = self._call(x)
        if self._cache_size:
            self._cached_x_y = (x, y)
        return y

    def _inv_call(self, y):
        if y is self._cached_x_y[1]:
            return self._cached_x_y[0]
        x = self._inverse(y)
        if self._cache_size:
            self._cached_x_y = (x, y)
        return x

    def _call(self, x):
        raise NotImplementedError(f"{type(self).__name__}: the function itself")

    def _inverse(self, y):
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def log_abs_det_jacobian(self, x, y):
        """log |dy/dx|"""
        raise NotImplementedError(f"{type(self).__name__}.log_abs_det_jacobian")

    def forward_shape(self, shape):
        return shape

    def inverse_shape(self, shape):
        return shape

    def __repr__(self):
        return type(self).__name__ + "()"


class _InverseTransform(Transform):
    def __init__(self, transform):
        super().__init__()
        self._inv = transform

    bijective = property(lambda self: self._inv.bijective)
    sign = property(lambda self: self._inv.sign)
    domain = property(lambda self: self._inv.codomain)
    codomain = property(lambda self: self._inv.domain)
    inv = property(lambda self: self._inv)

    def __call__(self, x):
        return self._inv._inv_call(x)

    def _inv_call(self, y):
        return self._inv(y)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)

    def __eq__(self, other):
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def __repr__(self):
        return f"_InverseTransform({self._inv!r})"


class _Elementwise(Transform):
    """A rising function of each number: y, its inverse, log |dy/dx|."""

    domain = codomain = _C.real
    bijective, sign = True, 1

    def __eq__(self, other):
        return type(self) is type(other)

    __hash__ = object.__hash__


def _clamped_probs(y):
    info = 2.0**-126 if y.dtype is not _core.float64 else 2.0**-1022
    return y.clamp(info, 1 - (2.0**-24 if y.dtype is not _core.float64 else 2.0**-53))


class ExpTransform(_Elementwise):
    """e^x"""

    codomain = _C.positive

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


class PowerTransform(_Elementwise):
    """x^exponent"""

    domain = codomain = _C.positive

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size)
        self.exponent = exponent if isinstance(exponent, Tensor) else _core.full((), float(exponent))

    sign = property(lambda self: self.exponent.sign())

    def __eq__(self, other):
        return isinstance(other, PowerTransform) and bool((self.exponent == other.exponent).all())

    __hash__ = object.__hash__

    def _call(self, x):
        return x**self.exponent

    def _inverse(self, y):
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape):
        from ..ops.shaping import broadcast_shapes
        return broadcast_shapes(tuple(shape), tuple(self.exponent.shape))

    inverse_shape = forward_shape


class SigmoidTransform(_Elementwise):
    """1 / (1 + e^-x)"""

    codomain = _C.unit_interval

    def _call(self, x):
        return _clamped_probs(x.sigmoid())

    def _inverse(self, y):
        y = _clamped_probs(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return logsigmoid(x) + logsigmoid(-x)


class SoftplusTransform(_Elementwise):
    """log(1 + e^x)"""

    codomain = _C.positive

    def _call(self, x):
        return -logsigmoid(-x)

    def _inverse(self, y):
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x, y):
        return logsigmoid(x)


class TanhTransform(_Elementwise):
    """tanh x"""

    codomain = _C.interval(-1.0, 1.0)

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return y.atanh()

    def log_abs_det_jacobian(self, x, y):
        return 2.0 * (math.log(2.0) - x + logsigmoid(2.0 * x))  # log(1 - tanh^2) without cancellation


class AbsTransform(Transform):
    """|x|, which has no single inverse; x itself stands for it."""

    domain, codomain = _C.real, _C.positive

    def __eq__(self, other):
        return isinstance(other, AbsTransform)

    __hash__ = object.__hash__

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


class AffineTransform(Transform):
    """loc + scale x; event_dim last dimensions belong together."""

    bijective = True

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    event_dim = property(lambda self: self._event_dim)
    domain = codomain = property(lambda self: _C.independent(_C.real, self._event_dim) if self._event_dim else _C.real)

    @property
    def sign(self):
        return self.scale.sign() if isinstance(self.scale, Tensor) else (self.scale > 0) - (self.scale < 0)

    def __eq__(self, other):
        def same(a, b):
            return bool((a == b) if isinstance(a == b, bool) else (a == b).all())
        return isinstance(other, AffineTransform) and same(self.loc, other.loc) and same(self.scale, other.scale)

    __hash__ = object.__hash__

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, Tensor):
            r = self.scale.abs().log()
            shape = self.forward_shape(tuple(x.shape))
            return sum_rightmost(r.expand(*shape), self._event_dim)
        r = _core.full(tuple(x.shape), math.log(abs(self.scale)), dtype=x.dtype)
        return sum_rightmost(r, self._event_dim)

    def forward_shape(self, shape):
        from ..ops.shaping import broadcast_shapes
        return broadcast_shapes(tuple(shape), tuple(getattr(self.loc, "shape", ())), tuple(getattr(self.scale, "shape", ())))

    inverse_shape = forward_shape


class ComposeTransform(Transform):
    """Several transforms, one after another."""

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size)
        self.parts = [p.with_cache(cache_size) for p in parts] if cache_size else list(parts)

    bijective = property(lambda self: all(p.bijective for p in self.parts))

    def _constraint(self, first, parts, last):
        if not parts:
            return _C.real
        need = getattr(parts[0], first).event_dim
        dim = 0
        for part in reversed(parts):
            change = getattr(part, first).event_dim - getattr(part, last).event_dim
            dim = max(dim + change, getattr(part, first).event_dim)
        return getattr(parts[0], first) if dim == need else _C.independent(getattr(parts[0], first), dim - need)

    domain = property(lambda self: self._constraint("domain", self.parts, "codomain"))
    codomain = property(lambda self: self._constraint("codomain", self.parts[::-1], "domain"))

    @property
    def sign(self):
        s = 1
        for p in self.parts:
            s = s * p.sign
        return s

    @property
    def inv(self):
        if self._inv is None:
            self._inv = ComposeTransform([p.inv for p in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def __eq__(self, other):
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = object.__hash__

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y):
        for part in reversed(self.parts):
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x, y):
        if not self.parts:
            return _core.zeros_like(x)
        total, dim = 0.0, self.domain.event_dim
        for part in self.parts:
            after = part(x)
            total = total + sum_rightmost(part.log_abs_det_jacobian(x, after), dim - part.domain.event_dim)
            dim += part.codomain.event_dim - part.domain.event_dim
            x = after
        return total

    def forward_shape(self, shape):
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform whose last batch dimensions count as one event."""

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size)
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims

    bijective = property(lambda self: self.base_transform.bijective)
    sign = property(lambda self: self.base_transform.sign)
    domain = property(lambda self: _C.independent(self.base_transform.domain, self.reinterpreted_batch_ndims))
    codomain = property(lambda self: _C.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims))

    def _call(self, x):
        return self.base_transform(x)

    def _inverse(self, y):
        return self.base_transform._inv_call(y)

    def log_abs_det_jacobian(self, x, y):
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)


class ReshapeTransform(Transform):
    """The event in another shape."""

    bijective = True

    def __init__(self, in_shape, out_shape, cache_size=0):
        super().__init__(cache_size)
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError("in_shape, out_shape have different numbers of elements")

    domain = property(lambda self: _C.independent(_C.real, len(self.in_shape)))
    codomain = property(lambda self: _C.independent(_C.real, len(self.out_shape)))

    def _call(self, x):
        return x.reshape(*self.forward_shape(tuple(x.shape)))

    def _inverse(self, y):
        return y.reshape(*self.inverse_shape(tuple(y.shape)))

    def log_abs_det_jacobian(self, x, y):
        return _core.zeros(tuple(x.shape[:x.ndim - len(self.in_shape)]), dtype=x.dtype)

    def forward_shape(self, shape):
        return _exchange(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        return _exchange(shape, self.out_shape, self.in_shape)


def _exchange(shape, old, new):
    shape = tuple(shape)
    cut = len(shape) - len(old)
    if cut < 0 or shape[cut:] != old:
        raise ValueError(f"Shape mismatch: expected {shape} to end in {old}")
    return (*shape[:cut], *new)
