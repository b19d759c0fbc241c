"""Transforms of vectors and matrices, and of parts of a tensor (see transforms.py)."""
import math

from .. import _core
from ..ops.elementwise import logsigmoid
from ..ops.joining import cat, stack
from . import constraints
from ._transform import Transform, _clamped_probs

_C = constraints


class SoftmaxTransform(Transform):
    """softmax; the inverse takes logarithms, which is one of many."""

    domain, codomain = _C.real_vector, _C.simplex

    def __eq__(self, other):
        return isinstance(other, SoftmaxTransform)

    __hash__ = object.__hash__

    def _call(self, x):
        return x.softmax(-1)

    def _inverse(self, y):
        return y.log()


class StickBreakingTransform(Transform):
    """K - 1 numbers to K that add up to 1: each takes a share of what is left."""

    domain, codomain = _C.real_vector, _C.simplex
    bijective = True

    def __eq__(self, other):
        return isinstance(other, StickBreakingTransform)

    __hash__ = object.__hash__

    def _offset(self, x):
        from ..ops.creation import arange
        return arange(x.shape[-1], 0, -1, dtype=x.dtype)

    def _call(self, x):
        z = _clamped_probs((x - self._offset(x).log()).sigmoid())
        left = (1 - z).cumprod(-1)
        one = _core.ones((*x.shape[:-1], 1), dtype=x.dtype)
        return cat([z, one], -1) * cat([one, left], -1)

    def _inverse(self, y):
        y = y.narrow(-1, 0, y.shape[-1] - 1)
        left = (1 - y.cumsum(-1)).clamp(min=2.0**-126)
        return y.log() - left.log() + self._offset(y).log()

    def log_abs_det_jacobian(self, x, y):
        x = x - self._offset(x).log()
        return (-x + logsigmoid(x) + y.narrow(-1, 0, y.shape[-1] - 1).log()).sum(-1)

    def forward_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape):
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Transform):
    """Any square matrix to a lower triangular one of positive diagonal: its diagonal's exponential."""

    domain, codomain = _C.independent(_C.real, 2), _C.lower_cholesky

    def __eq__(self, other):
        return isinstance(other, LowerCholeskyTransform)

    __hash__ = object.__hash__

    def _call(self, x):
        from ..ops.triangle import diag_embed
        return x.tril(-1) + diag_embed(x.diagonal(0, -2, -1).exp())

    def _inverse(self, y):
        from ..ops.triangle import diag_embed
        return y.tril(-1) + diag_embed(y.diagonal(0, -2, -1).log())


class PositiveDefiniteTransform(LowerCholeskyTransform):
    """Any square matrix to a positive definite one."""

    codomain = _C.positive_definite

    def _call(self, x):
        low = super()._call(x)
        return low @ low.mT

    def _inverse(self, y):
        from ..ops.matrices import cholesky
        return super()._inverse(cholesky(y))


class CorrCholeskyTransform(Transform):
    """D (D - 1) / 2 numbers to the factor of Cholesky of a correlation matrix."""

    domain, codomain = _C.real_vector, _C.corr_cholesky
    bijective = True

    def _size(self, n):
        d = round((1 + math.sqrt(1 + 8 * n)) / 2)
        if d * (d - 1) // 2 != n:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return d

    def _lower(self, v, d):
        """v in the places below the diagonal, row by row."""
        from ..ops.triangle import tril_indices
        i, j = tril_indices(d, d, -1)
        flat = _core.zeros((*v.shape[:-1], d * d), dtype=v.dtype)
        return flat.index_copy(-1, i * d + j, v).reshape(*v.shape[:-1], d, d)

    def _call(self, x):
        from ..ops.creation import eye
        d = self._size(x.shape[-1])
        r = self._lower(x.tanh().clamp(-1 + 2.0**-23, 1 - 2.0**-23), d)
        left = (1 - r * r).sqrt().cumprod(-1)
        left = cat([_core.ones((*left.shape[:-1], 1), dtype=x.dtype), left.narrow(-1, 0, d - 1)], -1)
        return (r + eye(d, dtype=x.dtype)) * left

    def _inverse(self, y):
        from ..ops.triangle import tril_indices
        d = y.shape[-1]
        left = 1 - (y * y).cumsum(-1)
        left = cat([_core.ones((*left.shape[:-1], 1), dtype=y.dtype), left.narrow(-1, 0, d - 1)], -1)
        i, j = tril_indices(d, d, -1)
        flat = i * d + j
        a, b = (m.reshape(*m.shape[:-2], d * d).index_select(-1, flat) for m in (y, left))
        return (a / b.clamp(min=2.0**-126).sqrt()).atanh()

    def log_abs_det_jacobian(self, x, y):
        d = y.shape[-1]
        left = (1 - (y * y).cumsum(-1)).clamp(min=2.0**-126).log()
        left = left.narrow(-1, 0, d - 1).narrow(-2, 1, d - 1).tril(-1) if d > 1 else left * 0
        return 0.5 * left.sum((-2, -1)) + (-2 * (x + (-2 * x).exp().log1p() - math.log(2.0))).sum(-1)

    def forward_shape(self, shape):
        d = self._size(shape[-1])
        return (*shape[:-1], d, d)

    def inverse_shape(self, shape):
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


class CumulativeDistributionTransform(Transform):
    """The distribution function of a distribution: to even numbers."""

    bijective, sign, codomain = True, 1, _C.unit_interval

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size)
        self.distribution = distribution

    domain = property(lambda self: self.distribution.support)

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)


class _Parts(Transform):
    """Transforms of parts of a tensor along a dimension, put together by `join`."""

    def _each(self, method, *tensors):
        split = zip(*(self._split(t) for t in tensors))
        return self._join([getattr(t, method)(*parts) for t, parts in zip(self.transforms, split)])

    bijective = property(lambda self: all(t.bijective for t in self.transforms))
    domain = property(lambda self: self._constraint([t.domain for t in self.transforms]))
    codomain = property(lambda self: self._constraint([t.codomain for t in self.transforms]))

    def _call(self, x):
        return self._each("__call__", x)

    def _inverse(self, y):
        return self._each("_inv_call", y)

    def log_abs_det_jacobian(self, x, y):
        return self._each("log_abs_det_jacobian", x, y)


class CatTransform(_Parts):
    """Transforms of parts of given lengths along a dimension."""

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)

    length = property(lambda self: sum(self.lengths))

    def _split(self, x):
        return x.split(self.lengths, self.dim)

    def _join(self, parts):
        return cat(parts, self.dim)

    def _constraint(self, cs):
        return _C.cat(cs, self.dim, self.lengths)


class StackTransform(_Parts):
    """A transform for each slice along a dimension."""

    def __init__(self, tseq, dim=0, cache_size=0):
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim

    def _split(self, x):
        return [x.select(self.dim, i) for i in range(x.shape[self.dim])]

    def _join(self, parts):
        return stack(parts, self.dim)

    def _constraint(self, cs):
        return _C.stack(cs, self.dim)
