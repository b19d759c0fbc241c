"""Probability distributions under PyTorch's names.

>>> import udlfast as torch
>>> torch.distributions.Normal(0., 1.).cdf(torch.tensor(0.))
tensor(0.5000)
"""
import sys as _sys
import types as _types

from . import constraints as constraints
from . import kl as kl
from . import transforms as transforms
from . import utils as utils
from .constraint_registry import biject_to, transform_to
from .continuous import Beta, Cauchy, Chi2, Exponential, FisherSnedecor, Gamma, Gumbel, Laplace, Normal, StudentT, Uniform, VonMises
from .continuous_bernoulli import ContinuousBernoulli
from .discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    NegativeBinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)
from .distribution import Distribution, ExponentialFamily
from .generalized_pareto import GeneralizedPareto
from .kl import kl_divergence, register_kl
from .lkj_cholesky import LKJCholesky
from .multivariate import Dirichlet, LowRankMultivariateNormal, MultivariateNormal
from .relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from .transformed import (
    HalfCauchy,
    HalfNormal,
    Independent,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    LogNormal,
    MixtureSameFamily,
    Pareto,
    TransformedDistribution,
    Weibull,
)
from .transforms import *  # noqa: F403
from .wishart import Wishart

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli", "Dirichlet", "Distribution", "Exponential",
    "ExponentialFamily", "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric", "Gumbel", "HalfCauchy", "HalfNormal",
    "Independent", "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal",
    "MixtureSameFamily", "Multinomial", "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical",
    "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT",
    "TransformedDistribution", "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "kl_divergence", "register_kl", "transform_to",
]  # fmt: skip
__all__ += transforms.__all__


def _modules():
    """torch.distributions.normal.Normal and its like: modules of one class each, named as PyTorch's."""
    def snake(name):
        text = "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
        return {"student_t": "studentT", "low_rank_multivariate_normal": "lowrank_multivariate_normal", "log_normal": "log_normal",
                "fisher_snedecor": "fishersnedecor", "logistic_normal": "logistic_normal",
                "exponential_family": "exp_family"}.get(text, text)
    groups = {"one_hot_categorical": ("OneHotCategorical", "OneHotCategoricalStraightThrough"),
              "relaxed_categorical": ("RelaxedOneHotCategorical",)}  # fmt: skip
    for name in __all__:
        value = globals()[name]
        if isinstance(value, type) and issubclass(value, Distribution) and name != "Distribution":
            groups.setdefault(snake(name), (name,))
    for file, names in groups.items():
        if f"{__name__}.{file}" in _sys.modules:  # written in a file of that name (wishart.py)
            continue
        module = _types.ModuleType(f"{__name__}.{file}")
        module.__dict__.update({n: globals()[n] for n in names})
        _sys.modules[module.__name__] = globals()[file] = module


_modules()
