"""Divergences of Kullback and Leibler between pairs of distributions."""
import math

from .. import _core
from ..ops.elementwise import where
from ..ops.special_functions import digamma
from .continuous import Beta, Cauchy, Exponential, Gamma, Gumbel, Laplace, Normal, Uniform
from .discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from .distribution import EULER
from .multivariate import Dirichlet, LowRankMultivariateNormal, MultivariateNormal, half_log_det
from .transformed import HalfNormal, Independent, Pareto, TransformedDistribution, sum_rightmost

_REGISTRY = {}


def register_kl(type_p, type_q):
    """A decorator: the function computes kl_divergence(p, q) for these two classes and their subclasses.

    >>> import udlfast as torch
    >>> D = torch.distributions
    >>> D.kl_divergence(D.Normal(0., 1.), D.Normal(0., 1.))
    tensor(0.)
    """
    for t in (type_p, type_q):
        if not isinstance(t, type):
            raise TypeError(f"Expected type_p and type_q to be classes of distributions but got {t}")

    def decorator(function):
        _REGISTRY[type_p, type_q] = function
        return function
    return decorator


def _find(p, q):
    """The function of the nearest pair of base classes."""
    ps, qs = type(p).__mro__, type(q).__mro__
    matches = [(ps.index(a) + qs.index(b), a.__name__, b.__name__, f) for (a, b), f in _REGISTRY.items() if a in ps and b in qs]
    if not matches:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")
    return min(matches, key=lambda m: m[:3])[3]


def kl_divergence(p, q):
    """The expectation of log p(x) - log q(x) for x of p.

    Args:
        p, q: distributions of one event shape whose batches broadcast
    Returns: a tensor of the batch shape
    Raises: NotImplementedError for a pair without a formula; see register_kl

    >>> import udlfast as torch
    >>> D = torch.distributions
    >>> D.kl_divergence(D.Exponential(1.), D.Exponential(1.))
    tensor(0.)

    Source: Understanding Deep Learning, chapter 17 (variational autoencoders).
    """
    return _find(p, q)(p, q)


def _xlogx(x):
    return x.xlogy(x)


def _infinite(x):
    return _core.full(tuple(x.shape), math.inf, dtype=x.dtype)


# ---- of one family ------------------------------------------------------------------------------------------------------------
@register_kl(Normal, Normal)
def _normal(p, q):
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p, q):
    """A part with probability 0 adds nothing; one that q excludes makes it infinite."""
    from ..ops.elementwise import logsigmoid
    a = p.probs * (logsigmoid(p.logits) - logsigmoid(q.logits))
    b = (1 - p.probs) * (logsigmoid(-p.logits) - logsigmoid(-q.logits))
    a = where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, a))
    return a + where(p.probs == 1, 0.0, where(q.probs == 1, math.inf, b))


@register_kl(Binomial, Binomial)
def _binomial(p, q):
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return where(p.total_count > q.total_count, math.inf, kl)


@register_kl(Categorical, Categorical)
def _categorical(p, q):
    t = p.probs * (p.logits - q.logits)
    t = where(q.probs == 0, math.inf, t)
    return where(p.probs == 0, 0.0, t).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p, q):
    return _categorical(p._categorical, q._categorical)


@register_kl(Beta, Beta)
def _beta(p, q):
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    return total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1) + \
        ((a - b) * (digamma(a) - digamma(total).unsqueeze(-1))).sum(-1)


@register_kl(Cauchy, Cauchy)
def _cauchy(p, q):
    return ((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2).log() - (4 * p.scale * q.scale).log()


@register_kl(Exponential, Exponential)
def _exponential(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma(p, q):
    a, b = p.concentration, q.concentration
    return b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Geometric, Geometric)
def _geometric(p, q):
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p, q):
    a, b, c = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    return -a.log() - b + c + a * EULER + (b + (1 + a).lgamma() - c).exp() - (1 + EULER)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p, q):
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p, q):
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + away / q.scale + ratio * (-away / p.scale).exp() - 1


@register_kl(Pareto, Pareto)
def _pareto(p, q):
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale.detach() < q.scale.detach(), math.inf, kl)


@register_kl(Poisson, Poisson)
def _poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p, q):
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, kl)


def _gaussian(p, q, low_p, low_q):
    from ..ops._linalg_solve import solve_triangular
    y = solve_triangular(low_q, low_p, upper=False)
    m = solve_triangular(low_q, (q.loc - p.loc).unsqueeze(-1), upper=False)
    both = (y * y).sum((-2, -1)) + (m * m).sum((-2, -1))
    return half_log_det(low_q) - half_log_det(low_p) + 0.5 * (both - p.event_shape[0])


def _multivariate(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError("KL-divergence between two Multivariate Normals with different event shapes cannot be computed")
    return _gaussian(p, q, *(getattr(d, "_unbroadcasted_scale_tril", None) if isinstance(d, MultivariateNormal) else d.scale_tril
                             for d in (p, q)))


for _a in (MultivariateNormal, LowRankMultivariateNormal):
    for _b in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_a, _b)(_multivariate)


@register_kl(Independent, Independent)
def _independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: the two take different numbers of dimensions together")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: the two have different transforms")
    extra = len(p.event_shape) - len(p.base_dist.event_shape)
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), extra)


# ---- of two families ------------------------------------------------------------------------------------------------------------
@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _against_exponential(p, q):
    """-H(p) - log rate + rate E x"""
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Gamma, Exponential)
def _gamma_exponential(p, q):
    return _against_exponential(p, q)


for _p in (Beta, Pareto):
    register_kl(_p, Exponential)(_against_exponential)


@register_kl(Uniform, Exponential)
def _uniform_exponential(p, q):
    return where(p.low < 0, math.inf, _against_exponential(p, q))


def _against_normal(p, q):
    """-H(p) + log(sqrt(2 pi) scale) + E (x - loc)^2 / 2 scale^2"""
    return -p.entropy() + 0.5 * math.log(2 * math.pi) + q.scale.log() + 0.5 * (p.variance + (p.mean - q.loc) ** 2) / q.scale**2


for _p in (Beta, Exponential, Gamma, Gumbel, Laplace, Uniform):
    register_kl(_p, Normal)(_against_normal)


@register_kl(Pareto, Normal)
def _pareto_normal(p, q):
    return where(p.alpha <= 2, math.inf, _against_normal(p, q))


def _against_gamma(p, q, mean_log):
    """-H(p) - (a log rate - lgamma a + (a - 1) E log x - rate E x)"""
    a = q.concentration
    return -p.entropy() + a.lgamma() - a * q.rate.log() - (a - 1) * mean_log + q.rate * p.mean


@register_kl(Exponential, Gamma)
def _exponential_gamma(p, q):
    return _against_gamma(p, q, -EULER - p.rate.log())


@register_kl(Beta, Gamma)
def _beta_gamma(p, q):
    return _against_gamma(p, q, digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0))


@register_kl(Pareto, Gamma)
def _pareto_gamma(p, q):
    return _against_gamma(p, q, p.scale.log() + p.alpha.reciprocal())


@register_kl(Uniform, Gamma)
def _uniform_gamma(p, q):
    mean_log = (_xlogx(p.high) - _xlogx(p.low)) / (p.high - p.low) - 1
    return where(p.low < 0, math.inf, _against_gamma(p, q, mean_log))


@register_kl(Normal, Laplace)
def _normal_laplace(p, q):
    z = (p.loc - q.loc) / p.scale
    away = p.scale * math.sqrt(2 / math.pi) * (-0.5 * z * z).exp() + (p.loc - q.loc) * (z * math.sqrt(0.5)).erf()
    return -p.entropy() + (2 * q.scale).log() + away / q.scale


def _against_gumbel(p, q, mean_exp):
    """-H(p) + log scale + E (x - loc) / scale + E e^-((x - loc) / scale)"""
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + mean_exp * (q.loc / q.scale).exp()


@register_kl(Normal, Gumbel)
def _normal_gumbel(p, q):
    return _against_gumbel(p, q, (-p.loc / q.scale + 0.5 * (p.scale / q.scale) ** 2).exp())


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p, q):
    return _against_gumbel(p, q, (1 + 1 / (p.rate * q.scale)).reciprocal())


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p, q):
    return _against_gumbel(p, q, (1 + 1 / (p.rate * q.scale)) ** -p.concentration)


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p, q):
    return _against_gumbel(p, q, q.scale * ((-p.low / q.scale).exp() - (-p.high / q.scale).exp()) / (p.high - p.low))


@register_kl(Beta, Uniform)
def _beta_uniform(p, q):
    return where((q.high < 1) | (q.low > 0), math.inf, -p.entropy() + (q.high - q.low).log())


@register_kl(Uniform, Beta)
def _uniform_beta(p, q):
    width = p.high - p.low
    mean_log = (_xlogx(p.high) - _xlogx(p.low) - width) / width
    mean_log1m = (_xlogx(1 - p.low) - _xlogx(1 - p.high) - width) / width
    a, b = q.concentration1, q.concentration0
    kl = -p.entropy() - (a - 1) * mean_log - (b - 1) * mean_log1m + a.lgamma() + b.lgamma() - (a + b).lgamma()
    return where((p.high > 1) | (p.low < 0), math.inf, kl)


def _outside(p, q):
    """q gives nothing where p has something."""
    return _infinite(p.mean + q.mean)


@register_kl(Exponential, Pareto)
def _exponential_pareto(p, q):
    return _infinite(p.rate + q.scale)


for _p, _qs in {Beta: (Pareto,), Exponential: (Beta, Uniform), Gamma: (Beta, Pareto, Uniform),
                Gumbel: (Beta, Exponential, Gamma, Pareto, Uniform),
                Laplace: (Beta, Exponential, Gamma, Pareto, Uniform), Normal: (Beta, Exponential, Gamma, Pareto, Uniform),
                Pareto: (Beta, Uniform), Poisson: (Bernoulli, Binomial)}.items():  # fmt: skip
    for _q in _qs:
        register_kl(_p, _q)(_outside)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p, q):
    mean_log = (_xlogx(p.high) - _xlogx(p.low)) / (p.high - p.low) - 1
    kl = -p.entropy() - (q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * mean_log)
    return where(p.low < q.scale, math.inf, kl)
