"""The Wishart distribution: random covariance matrices."""

import math

from .._core import matmul
from ..ops import _linalg_factor as factor
from ..ops import _linalg_solve as solving
from ..ops.random import randn
from ..ops.special_functions import digamma
from . import constraints as _C
from .continuous import Chi2
from .distribution import ExponentialFamily, lazily
from .multivariate import half_log_det, precision_to_scale_tril

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """Sums of df outer products of normal vectors with a covariance V: symmetric positive definite matrices.

    p(W) = |W|^((df - D - 1) / 2) e^(-tr(V^-1 W) / 2) / (2^(df D / 2) |V|^(df / 2) Gamma_D(df / 2))

    One of covariance_matrix, precision_matrix and scale_tril is given, [..., D, D]; df > D - 1 is a number or [...]. Samples are
    L A A^T L^T (Bartlett): V = L L^T, A lower triangular, normal below its diagonal and the roots of chi-square numbers on it.

    >>> import udlfast as torch
    >>> torch.distributions.Wishart(torch.tensor(3.), torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])

    Source: Wishart 1928; Bartlett 1933.
    """

    arg_constraints = {"covariance_matrix": _C.positive_definite, "precision_matrix": _C.positive_definite,
                       "scale_tril": _C.lower_cholesky, "df": _C.greater_than(0.0)}  # fmt: skip
    _event_dims = {"covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2, "_unbroadcasted_scale_tril": 2}
    support = _C.positive_definite
    has_rsample = True

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {n: m for n, m in given.items() if m is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, m),) = given.items()
        if m.ndim < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        from ..ops.shaping import broadcast_shapes

        df = m.new_tensor(df) if isinstance(df, (int, float)) else df
        size = m.shape[-1]
        if bool((df.detach() <= size - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        batch = broadcast_shapes(tuple(m.shape[:-2]), tuple(df.shape))
        self.df = df.expand(*batch) if batch else df
        self.__dict__[name] = m.expand(*batch, size, size)
        super().__init__(batch, m.shape[-2:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = m if name == "scale_tril" else \
            factor.cholesky(m) if name == "covariance_matrix" else precision_to_scale_tril(m)  # fmt: skip

    @lazily
    def scale_tril(self):
        return self._unbroadcasted_scale_tril.expand(*self.batch_shape, *self.event_shape)

    @lazily
    def covariance_matrix(self):
        return matmul(self.scale_tril, self.scale_tril.mT)

    @lazily
    def precision_matrix(self):
        from ..ops.matrices import cholesky_inverse

        return cholesky_inverse(self._unbroadcasted_scale_tril).expand(*self.batch_shape, *self.event_shape)

    _wide_df = property(lambda self: self.df.reshape(*self.batch_shape, 1, 1))
    mean = property(lambda self: self._wide_df * self.covariance_matrix)

    @property
    def mode(self):
        factor_ = self._wide_df - self.event_shape[-1] - 1
        return factor_.masked_fill(factor_ <= 0, math.nan) * self.covariance_matrix

    @property
    def variance(self):
        V = self.covariance_matrix
        d = V.diagonal(0, -2, -1)
        return self._wide_df * (V * V + d.unsqueeze(-1) * d.unsqueeze(-2))

    def rsample(self, sample_shape=(), max_try_correction=None):
        from ..ops.joining import stack

        shape, size = tuple(self._extended_shape(sample_shape)), self.event_shape[-1]
        rows = stack([Chi2(self.df - i, validate_args=False).rsample(sample_shape).sqrt() for i in range(size)], -1)
        A = randn(shape, dtype=self._unbroadcasted_scale_tril.dtype).tril(-1) + rows.diag_embed()
        low = matmul(self._unbroadcasted_scale_tril, A)
        return matmul(low, low.mT)

    def _log_gamma(self, half):
        """ln Gamma_D(half)"""
        size = self.event_shape[-1]
        return sum((half - i / 2).lgamma() for i in range(size)) + size * (size - 1) / 4 * math.log(math.pi)

    def log_prob(self, value):
        self._validate_sample(value)
        df, size, low = self.df, self.event_shape[-1], self._unbroadcasted_scale_tril
        half = solving.solve_triangular(low, factor.cholesky(value), upper=False)  # tr(V^-1 W) = |L^-1 chol(W)|^2
        trace = (half * half).sum((-2, -1))
        log_norm = df * size / 2 * math.log(2) + df * half_log_det(low) + self._log_gamma(df / 2)
        return (df - size - 1) * half_log_det(factor.cholesky(value)) - trace / 2 - log_norm

    def entropy(self):
        df, size = self.df, self.event_shape[-1]
        digammas = sum(digamma(df / 2 - i / 2) for i in range(size))
        return ((size + 1) * half_log_det(self._unbroadcasted_scale_tril) + size * (size + 1) / 2 * math.log(2) + self._log_gamma(df / 2)
                - (df - size - 1) / 2 * digammas + df * size / 2)  # fmt: skip
