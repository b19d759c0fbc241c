"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

class AbsTransform(Transform):
    codomain: Any
    domain: Any
    def __getattr__(self, name: str) -> Any: ...
class AffineTransform(Transform):
    def __init__(self, loc: Any, scale: Any, event_dim: Any = ..., cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    event_dim: Any
    def forward_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def inverse_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class Bernoulli(ExponentialFamily):
    def __init__(self, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def enumerate_support(self, expand: Any = ...) -> Any: ...  # type: ignore[override]
    has_enumerate_support: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    mode: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Beta(ExponentialFamily):
    def __init__(self, concentration1: Any, concentration0: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    concentration0: Any
    concentration1: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Binomial(Distribution):
    def __init__(self, total_count: Any = ..., probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def enumerate_support(self, expand: Any = ...) -> Any: ...  # type: ignore[override]
    has_enumerate_support: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    mode: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class CatTransform(Transform):
    def __init__(self, tseq: Any, dim: Any = ..., lengths: Any = ..., cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    length: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Categorical(Distribution):
    def __init__(self, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def enumerate_support(self, expand: Any = ...) -> Any: ...  # type: ignore[override]
    has_enumerate_support: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    mode: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Cauchy(Distribution):
    def __init__(self, loc: Any, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Chi2(Gamma):
    def __init__(self, df: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    df: Any
    def __getattr__(self, name: str) -> Any: ...
class ComposeTransform(Transform):
    def __call__(self, x: Any) -> Any: ...
    def __init__(self, parts: Any, cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    def forward_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    inv: Any
    def inverse_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class ContinuousBernoulli(ExponentialFamily):
    def __init__(self, probs: Any = ..., logits: Any = ..., lims: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    param_shape: Any
    probs: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class CorrCholeskyTransform(Transform):
    bijective: Any
    codomain: Any
    domain: Any
    def forward_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def inverse_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CumulativeDistributionTransform(Transform):
    def __init__(self, distribution: Any, cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class Dirichlet(ExponentialFamily):
    def __init__(self, concentration: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Distribution:
    def __init__(self, batch_shape: Any = ..., event_shape: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    batch_shape: Any
    def cdf(self, value: Any) -> Any: ...
    def entropy(self) -> Any: ...
    def enumerate_support(self, expand: Any = ...) -> Any: ...
    event_shape: Any
    def expand(self, batch_shape: Any, _instance: Any = ...) -> Any: ...
    has_enumerate_support: Any
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...
    def log_prob(self, value: Any) -> Any: ...
    mean: Any
    mode: Any
    def perplexity(self) -> Any: ...
    def rsample(self, sample_shape: Any = ...) -> Any: ...
    def sample(self, sample_shape: Any = ...) -> Any: ...
    def sample_n(self, n: Any) -> Any: ...
    @staticmethod
    def set_default_validate_args(value: Any) -> Any: ...
    stddev: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class ExpTransform(Transform):
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class Exponential(ExponentialFamily):
    def __init__(self, rate: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    stddev: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class ExponentialFamily(Distribution):
    def __getattr__(self, name: str) -> Any: ...
class FisherSnedecor(Distribution):
    def __init__(self, df1: Any, df2: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Gamma(ExponentialFamily):
    def __init__(self, concentration: Any, rate: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class GeneralizedPareto(Distribution):
    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_survival_function(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Geometric(Distribution):
    def __init__(self, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    mode: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Gumbel(Distribution):
    def __init__(self, loc: Any, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    stddev: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class HalfCauchy(Distribution):
    def __init__(self, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class HalfNormal(Distribution):
    def __init__(self, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Independent(Distribution):
    def __init__(self, base_distribution: Any, reinterpreted_batch_ndims: Any, validate_args: Any = ...) -> None: ...
    def entropy(self) -> Any: ...  # type: ignore[override]
    def enumerate_support(self, expand: Any = ...) -> Any: ...  # type: ignore[override]
    has_enumerate_support: Any
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class IndependentTransform(Transform):
    def __init__(self, base_transform: Any, reinterpreted_batch_ndims: Any, cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class InverseGamma(TransformedDistribution):
    def __init__(self, concentration: Any, rate: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    concentration: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    rate: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Kumaraswamy(TransformedDistribution):
    def __init__(self, concentration1: Any, concentration0: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def expand(self, batch_shape: Any, _instance: Any = ...) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class LKJCholesky(Distribution):
    def __init__(self, dim: Any, concentration: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    def __getattr__(self, name: str) -> Any: ...
class Laplace(Distribution):
    def __init__(self, loc: Any, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    stddev: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class LogNormal(TransformedDistribution):
    def __init__(self, loc: Any, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    loc: Any
    mean: Any
    mode: Any
    scale: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class LogisticNormal(TransformedDistribution):
    def __init__(self, loc: Any, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    loc: Any
    scale: Any
    support: Any
    def __getattr__(self, name: str) -> Any: ...
class LowRankMultivariateNormal(Distribution):
    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    covariance_matrix: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    precision_matrix: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    scale_tril: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class LowerCholeskyTransform(Transform):
    codomain: Any
    domain: Any
    def __getattr__(self, name: str) -> Any: ...
class MixtureSameFamily(Distribution):
    def __init__(self, mixture_distribution: Any, component_distribution: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    component_distribution: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mixture_distribution: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Multinomial(Distribution):
    def __init__(self, total_count: Any = ..., probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class MultivariateNormal(Distribution):
    def __init__(self, loc: Any, covariance_matrix: Any = ..., precision_matrix: Any = ..., scale_tril: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    covariance_matrix: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    precision_matrix: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    scale_tril: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class NegativeBinomial(Distribution):
    def __init__(self, total_count: Any, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    mode: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Normal(ExponentialFamily):
    def __init__(self, loc: Any, scale: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    stddev: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class OneHotCategorical(Distribution):
    def __init__(self, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def enumerate_support(self, expand: Any = ...) -> Any: ...  # type: ignore[override]
    has_enumerate_support: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    logits: Any
    mean: Any
    mode: Any
    param_shape: Any
    probs: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class OneHotCategoricalStraightThrough(OneHotCategorical):
    has_rsample: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Pareto(TransformedDistribution):
    def __init__(self, scale: Any, alpha: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def expand(self, batch_shape: Any, _instance: Any = ...) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Poisson(ExponentialFamily):
    def __init__(self, rate: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class PositiveDefiniteTransform(LowerCholeskyTransform):
    codomain: Any
    def __getattr__(self, name: str) -> Any: ...
class PowerTransform(Transform):
    def __init__(self, exponent: Any, cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    def forward_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def inverse_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class RelaxedBernoulli(TransformedDistribution):
    def __init__(self, temperature: Any, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    logits: Any
    probs: Any
    support: Any
    temperature: Any
    def __getattr__(self, name: str) -> Any: ...
class RelaxedOneHotCategorical(TransformedDistribution):
    def __init__(self, temperature: Any, probs: Any = ..., logits: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    logits: Any
    probs: Any
    support: Any
    temperature: Any
    def __getattr__(self, name: str) -> Any: ...
class ReshapeTransform(Transform):
    def __init__(self, in_shape: Any, out_shape: Any, cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    def forward_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def inverse_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SigmoidTransform(Transform):
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class SoftmaxTransform(Transform):
    codomain: Any
    domain: Any
    def __getattr__(self, name: str) -> Any: ...
class SoftplusTransform(Transform):
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class StackTransform(Transform):
    def __init__(self, tseq: Any, dim: Any = ..., cache_size: Any = ...) -> None: ...
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class StickBreakingTransform(Transform):
    bijective: Any
    codomain: Any
    domain: Any
    def forward_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def inverse_shape(self, shape: Any) -> Any: ...  # type: ignore[override]
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class StudentT(Distribution):
    def __init__(self, df: Any, loc: Any = ..., scale: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class TanhTransform(Transform):
    bijective: Any
    codomain: Any
    domain: Any
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...  # type: ignore[override]
    sign: Any
    def __getattr__(self, name: str) -> Any: ...
class Transform:
    def __call__(self, x: Any) -> Any: ...
    def __init__(self, cache_size: Any = ...) -> None: ...
    bijective: Any
    event_dim: Any
    def forward_shape(self, shape: Any) -> Any: ...
    inv: Any
    def inverse_shape(self, shape: Any) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    sign: Any
    def with_cache(self, cache_size: Any = ...) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
class TransformedDistribution(Distribution):
    def __init__(self, base_distribution: Any, transforms: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    def __getattr__(self, name: str) -> Any: ...
class Uniform(Distribution):
    def __init__(self, low: Any, high: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def cdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def icdf(self, value: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def rsample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    stddev: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class VonMises(Distribution):
    def __init__(self, loc: Any, concentration: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    def sample(self, sample_shape: Any = ...) -> Any: ...  # type: ignore[override]
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Weibull(TransformedDistribution):
    def __init__(self, scale: Any, concentration: Any, validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    def expand(self, batch_shape: Any, _instance: Any = ...) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
class Wishart(ExponentialFamily):
    def __init__(self, df: Any, covariance_matrix: Any = ..., precision_matrix: Any = ..., scale_tril: Any = ..., validate_args: Any = ...) -> None: ...
    arg_constraints: Any
    covariance_matrix: Any
    def entropy(self) -> Any: ...  # type: ignore[override]
    has_rsample: Any
    def log_prob(self, value: Any) -> Any: ...  # type: ignore[override]
    mean: Any
    mode: Any
    precision_matrix: Any
    def rsample(self, sample_shape: Any = ..., max_try_correction: Any = ...) -> Any: ...  # type: ignore[override]
    scale_tril: Any
    support: Any
    variance: Any
    def __getattr__(self, name: str) -> Any: ...
def biject_to(constraint: Any) -> Any: ...
def identity_transform(x: Any) -> Any: ...
def kl_divergence(p: Any, q: Any) -> Any: ...
def register_kl(type_p: Any, type_q: Any) -> Any: ...
def transform_to(constraint: Any) -> Any: ...
__all__ = ['Bernoulli', 'Beta', 'Binomial', 'Categorical', 'Cauchy', 'Chi2', 'ContinuousBernoulli', 'Dirichlet', 'Distribution', 'Exponential', 'ExponentialFamily', 'FisherSnedecor', 'Gamma', 'GeneralizedPareto', 'Geometric', 'Gumbel', 'HalfCauchy', 'HalfNormal', 'Independent', 'InverseGamma', 'Kumaraswamy', 'LKJCholesky', 'Laplace', 'LogNormal', 'LogisticNormal', 'LowRankMultivariateNormal', 'MixtureSameFamily', 'Multinomial', 'MultivariateNormal', 'NegativeBinomial', 'Normal', 'OneHotCategorical', 'OneHotCategoricalStraightThrough', 'Pareto', 'Poisson', 'RelaxedBernoulli', 'RelaxedOneHotCategorical', 'StudentT', 'TransformedDistribution', 'Uniform', 'VonMises', 'Weibull', 'Wishart', 'biject_to', 'kl_divergence', 'register_kl', 'transform_to', 'AbsTransform', 'AffineTransform', 'CatTransform', 'ComposeTransform', 'CorrCholeskyTransform', 'CumulativeDistributionTransform', 'ExpTransform', 'IndependentTransform', 'LowerCholeskyTransform', 'PositiveDefiniteTransform', 'PowerTransform', 'ReshapeTransform', 'SigmoidTransform', 'SoftmaxTransform', 'SoftplusTransform', 'StackTransform', 'StickBreakingTransform', 'TanhTransform', 'Transform', 'identity_transform']
