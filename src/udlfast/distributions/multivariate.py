"""Distributions of vectors."""
from .._core import matmul
from ..ops import _linalg_factor as factor
from ..ops import _linalg_solve as solving
from ..ops.random import randn
from ..ops.samplers import sample_dirichlet
from ..ops.special_functions import digamma
from . import constraints
from .distribution import LOG_2_PI, Distribution, ExponentialFamily, lazily

_C = constraints


class Dirichlet(ExponentialFamily):
    """Points of a simplex.

    >>> import udlfast as torch
    >>> torch.distributions.Dirichlet(torch.tensor([1., 3.])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": _C.independent(_C.positive, 1)}
    _event_dims = {"concentration": 1}
    support = _C.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, keepdim=True))

    @property
    def mode(self):
        from ..ops.elementwise import where
        c = (self.concentration - 1).clamp(min=0.0)
        mode = c / c.sum(-1, keepdim=True)
        low = (self.concentration < 1).all(-1, keepdim=True)
        from .discrete import _one_hot
        return where(low, _one_hot(mode.nan_to_num(0.0).argmax(-1), self.concentration), mode)

    @property
    def variance(self):
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape=()):
        return sample_dirichlet(self.concentration.expand(*self._extended_shape(sample_shape)))

    def log_prob(self, value):
        self._validate_sample(value)
        c = self.concentration
        return (c - 1.0).xlogy(value).sum(-1) + c.sum(-1).lgamma() - c.lgamma().sum(-1)

    def entropy(self):
        c, k = self.concentration, self.concentration.shape[-1]
        total = c.sum(-1)
        return c.lgamma().sum(-1) - total.lgamma() - (k - total) * digamma(total) - ((c - 1.0) * digamma(c)).sum(-1)


def squared_distance(scale_tril, x):
    """|L^-1 x|^2 for vectors x [..., D], broadcast."""
    y = solving.solve_triangular(scale_tril, x.unsqueeze(-1), upper=False).squeeze(-1)
    return (y * y).sum(-1)


def half_log_det(scale_tril):
    return scale_tril.diagonal(0, -2, -1).log().sum(-1)


def precision_to_scale_tril(P):
    """L with L L^T = P^-1, from the factor of P with rows and columns in reverse."""
    low = factor.cholesky(P.flip(-2, -1))
    low = low.flip(-2, -1).transpose(-2, -1)
    from ..ops.creation import eye
    return solving.solve_triangular(low, eye(P.shape[-1], dtype=P.dtype), upper=False)


class MultivariateNormal(Distribution):
    """Normal vectors; one of covariance_matrix, precision_matrix and scale_tril is given.

    >>> import udlfast as torch
    >>> torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {"loc": _C.real_vector, "covariance_matrix": _C.positive_definite, "precision_matrix": _C.positive_definite,
                       "scale_tril": _C.lower_cholesky}
    _event_dims = {"loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2, "_unbroadcasted_scale_tril": 2}
    support = _C.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {n: m for n, m in given.items() if m is not None}
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, m),) = given.items()
        if m.ndim < 2:
            raise ValueError(f"{name} matrix must be at least two-dimensional, with optional leading batch dimensions")
        from ..ops.shaping import broadcast_shapes
        batch = broadcast_shapes(tuple(m.shape[:-2]), tuple(loc.shape[:-1]))
        self.__dict__[name] = m.expand(*batch, *m.shape[-2:])
        self.loc = loc.expand(*batch, loc.shape[-1])
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = m if name == "scale_tril" else \
            factor.cholesky(m) if name == "covariance_matrix" else precision_to_scale_tril(m)

    @lazily
    def scale_tril(self):
        return self._unbroadcasted_scale_tril.expand(*self.batch_shape, *self.event_shape, *self.event_shape)

    @lazily
    def covariance_matrix(self):
        low = self._unbroadcasted_scale_tril
        return matmul(low, low.mT).expand(*self.batch_shape, *self.event_shape, *self.event_shape)

    @lazily
    def precision_matrix(self):
        from ..ops.matrices import cholesky_inverse
        return cholesky_inverse(self._unbroadcasted_scale_tril).expand(*self.batch_shape, *self.event_shape, *self.event_shape)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)

    @property
    def variance(self):
        low = self._unbroadcasted_scale_tril
        return (low * low).sum(-1).expand(*self.batch_shape, *self.event_shape)

    def rsample(self, sample_shape=()):
        z = randn(tuple(self._extended_shape(sample_shape)), dtype=self.loc.dtype)
        return self.loc + matmul(self._unbroadcasted_scale_tril, z.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        low = self._unbroadcasted_scale_tril
        return -0.5 * (self.event_shape[0] * LOG_2_PI + squared_distance(low, value - self.loc)) - half_log_det(low)

    def entropy(self):
        h = 0.5 * self.event_shape[0] * (1 + LOG_2_PI) + half_log_det(self._unbroadcasted_scale_tril)
        return h.expand(*self.batch_shape)


class LowRankMultivariateNormal(Distribution):
    """Normal vectors of covariance W W^T + diag(D), W [..., N, K] of few columns; sums of K x K matrices only."""

    arg_constraints = {"loc": _C.real_vector, "cov_factor": _C.independent(_C.real, 2), "cov_diag": _C.independent(_C.positive, 1)}
    _event_dims = {"loc": 1, "cov_factor": 2, "cov_diag": 1}
    support = _C.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.ndim < 1 or cov_factor.ndim < 2:
            raise ValueError("loc must be at least one-dimensional and cov_factor at least two-dimensional.")
        n = loc.shape[-1]
        if cov_factor.shape[-2] != n or cov_diag.shape[-1] != n:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m, and cov_diag of vectors of {n}")
        from ..ops.shaping import broadcast_shapes
        batch = broadcast_shapes(tuple(loc.shape[:-1]), tuple(cov_factor.shape[:-2]), tuple(cov_diag.shape[:-1]))
        self.loc, self.cov_diag = loc.expand(*batch, n), cov_diag.expand(*batch, n)
        self.cov_factor = cov_factor.expand(*batch, *cov_factor.shape[-2:])
        super().__init__(batch, (n,), validate_args=validate_args)

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: (self.cov_factor**2).sum(-1) + self.cov_diag)

    @property
    def covariance_matrix(self):
        from ..ops.triangle import diag_embed
        return matmul(self.cov_factor, self.cov_factor.mT) + diag_embed(self.cov_diag)

    scale_tril = property(lambda self: factor.cholesky(self.covariance_matrix))
    precision_matrix = property(lambda self: solving.inv(self.covariance_matrix))

    def _capacitance(self):
        """The factor of 1 + W^T D^-1 W."""
        from ..ops.creation import eye
        w = self.cov_factor
        return factor.cholesky(matmul(w.mT / self.cov_diag.unsqueeze(-2), w) + eye(w.shape[-1], dtype=w.dtype))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        z = randn(*shape[:-1], self.cov_factor.shape[-1], dtype=self.loc.dtype)
        more = randn(tuple(shape), dtype=self.loc.dtype)
        return self.loc + matmul(self.cov_factor, z.unsqueeze(-1)).squeeze(-1) + self.cov_diag.sqrt() * more

    def _half_log_det(self):
        return half_log_det(self._capacitance()) + 0.5 * self.cov_diag.log().sum(-1)

    def log_prob(self, value):
        self._validate_sample(value)
        x = value - self.loc
        y = matmul((self.cov_factor / self.cov_diag.unsqueeze(-1)).mT, x.unsqueeze(-1)).squeeze(-1)
        distance = (x * x / self.cov_diag).sum(-1) - squared_distance(self._capacitance(), y)
        return -0.5 * (self.event_shape[0] * LOG_2_PI + distance) - self._half_log_det()

    def entropy(self):
        return (0.5 * self.event_shape[0] * (1 + LOG_2_PI) + self._half_log_det()).expand(*self.batch_shape)


