"""Distributions: densities, moments and divergences against PyTorch and quadrature; samples against their laws."""

import math
import re

import numpy as np
import pytest
from harness import check_raises, gradcheck, numbers
from twins import check_twin

import udlfast as torch

D = torch.distributions
pytestmark = pytest.mark.filterwarnings("ignore")

# (constructor, values with a density; parameters a > 0, b > 0, c real, p in (0, 1), all of shape [3])
A, B, C, P = "a", "b", "c", "(a / 4)"
REAL, POSITIVE, UNIT, COUNT = "c", "b", "(b / 4)", "k"
CASES = {
    "Normal": ("Normal(c, a)", REAL), "LogNormal": ("LogNormal(c, a)", POSITIVE), "Laplace": ("Laplace(c, a)", REAL),
    "Cauchy": ("Cauchy(c, a)", REAL), "Gumbel": ("Gumbel(c, a)", REAL), "Uniform": ("Uniform(-a, b)", "(c * 0 + 0.05)"),
    "Exponential": ("Exponential(a)", POSITIVE), "Gamma": ("Gamma(a, b)", POSITIVE), "Chi2": ("Chi2(a)", POSITIVE),
    "Beta": ("Beta(a, b)", UNIT), "StudentT": ("StudentT(a + 4, c, b)", REAL), "FisherSnedecor": ("FisherSnedecor(a + 2, b + 4)", POSITIVE),
    "HalfNormal": ("HalfNormal(a)", POSITIVE), "HalfCauchy": ("HalfCauchy(a)", POSITIVE), "Weibull": ("Weibull(a, b)", POSITIVE),
    "Pareto": ("Pareto(a, b + 2)", "(b + a)"), "InverseGamma": ("InverseGamma(a + 2, b)", POSITIVE),
    "Kumaraswamy": ("Kumaraswamy(a, b)", UNIT), "VonMises": ("VonMises(c, a)", REAL), "Bernoulli": ("Bernoulli(p)", "(k > 0).to(a.dtype)"),
    "Bernoulli logits": ("Bernoulli(logits=c)", "(k > 0).to(a.dtype)"), "Geometric": ("Geometric(p)", COUNT),
    "Binomial": ("Binomial(7, p)", COUNT), "Binomial logits": ("Binomial(7, logits=c)", COUNT), "Poisson": ("Poisson(a)", COUNT),
    "NegativeBinomial": ("NegativeBinomial(a, p)", COUNT), "Categorical": ("Categorical(a)", "k[:1].long().clamp(max=2)"),
    "Categorical logits": ("Categorical(logits=c)", "k[:1].long().clamp(max=2)"),
    "OneHotCategorical": ("OneHotCategorical(a)", "T.eye(3, dtype=a.dtype)"),
    "Multinomial": ("Multinomial(4, a)", "T.tensor([1., 1., 2.], dtype=a.dtype)"),
    "Dirichlet": ("Dirichlet(a)", "(b / b.sum())"),
    "MultivariateNormal": ("MultivariateNormal(c, m @ m.mT + T.eye(3, dtype=a.dtype))", REAL),
    "MultivariateNormal precision": ("MultivariateNormal(c, precision_matrix=m @ m.mT + T.eye(3, dtype=a.dtype))", REAL),
    "MultivariateNormal tril": ("MultivariateNormal(c, scale_tril=m.tril(-1) + T.diag(a))", "m"),
    "LowRank": ("LowRankMultivariateNormal(c, m[:, :2], a)", "m"),
    "RelaxedBernoulli": ("RelaxedBernoulli(T.tensor(0.7, dtype=a.dtype), p)", UNIT),
    "RelaxedOneHot": ("RelaxedOneHotCategorical(T.tensor(0.7, dtype=a.dtype), a)", "(b / b.sum())"),
    "LogisticNormal": ("LogisticNormal(c[:2], a[:2])", "(b / b.sum())"),
    "Independent": ("Independent(T.distributions.Normal(m, a), 1)", "m"),
    "ContinuousBernoulli": ("ContinuousBernoulli(p)", UNIT), "ContinuousBernoulli logits": ("ContinuousBernoulli(logits=c)", UNIT),
    "ContinuousBernoulli even": ("ContinuousBernoulli(a * 1e-4 + 0.4999)", UNIT),
    "LKJ": ("LKJCholesky(3, a)", "T.linalg.cholesky(T.eye(3, dtype=a.dtype) + 0.3 * (1 - T.eye(3, dtype=a.dtype)))"),
    "Mixture": ("MixtureSameFamily(T.distributions.Categorical(a), T.distributions.Normal(c, b))", REAL),
    "Mixture of vectors": ("MixtureSameFamily(T.distributions.Categorical(a), "
                           "T.distributions.Independent(T.distributions.Normal(m, b), 1))", "m"),
    "Transformed": ("TransformedDistribution(T.distributions.Normal(c, a), [T.distributions.TanhTransform(), "
                    "T.distributions.AffineTransform(b, -2.)])", "(b + c * 0.1)"),
}  # fmt: skip


def arrays(rng):
    """a, b in (0.5, 3), c real, d and e as m and k (see `spell`)."""
    return [rng.uniform(0.5, 3, 3), rng.uniform(0.5, 3, 3), rng.standard_normal(3), rng.standard_normal((3, 3)), np.array([0.0, 1.0, 3.0])]


def spell(text):
    """Names of twins' inputs: m is d, k is e, p is a / 4."""
    return re.sub(r"\bp\b", "(a / 4)", re.sub(r"\bm\b", "d", re.sub(r"\bk\b", "e.detach()", text)))


@pytest.mark.parametrize("name", CASES)
def test_log_prob_like_pytorch(rng, name):
    """The inverse of a condition number of 2^16; PyTorch's digamma is right to 1e-13, its Bessel functions to 1e-7."""
    law, value = CASES[name]
    k = 2.0**22 if name in ("StudentT", "Gamma", "Beta") else 2.0**30 if name == "VonMises" else 2.0**16
    check_twin(spell(f"T.distributions.{law}.log_prob({value})"), *arrays(rng), k=k, second=False)


@pytest.mark.parametrize("what", ["mean", "variance", "stddev", "mode", "entropy()"])
@pytest.mark.parametrize("name", CASES)
def test_moments_like_pytorch(rng, name, what):
    peer = pytest.importorskip("torch")
    if (name, what) == ("Kumaraswamy", "mode"):
        pytest.skip("PyTorch's is NaN; ours is held by test_mode_is_the_largest_density")
    law, _ = CASES[name]
    inputs = arrays(rng)
    names = {n: peer.tensor(x) for n, x in zip("abcde", inputs)}
    try:
        eval(spell(f"T.distributions.{law}.{what}"), {"T": peer, **names})  # noqa: S307
    except (NotImplementedError, AttributeError, RuntimeError):
        pytest.skip("PyTorch has no such thing")
    check_twin(spell(f"T.distributions.{law}.{what}"), *inputs, second=False,
               k=2.0**30 if name in ("VonMises", "Multinomial") else 2.0**22)  # float32 inside PyTorch


def test_mode_is_the_largest_density():
    for d in (D.Kumaraswamy(2.0, 3.0), D.Weibull(2.0, 1.5), D.Gamma(3.0, 2.0), D.Beta(2.0, 3.0), D.LogNormal(0.0, 0.5),
    D.InverseGamma(3.0, 2.0)):
        x = torch.linspace(0.01, 0.99, 99) if d.support is D.constraints.unit_interval else torch.linspace(0.01, 5, 500)
        assert (d.log_prob(x) <= d.log_prob(d.mode) + 1e-6).all(), d


CDF = ["Normal", "LogNormal", "Laplace", "Cauchy", "Gumbel", "Uniform", "Exponential", "Gamma", "HalfNormal", "HalfCauchy", "Weibull",
       "Pareto",
       "Kumaraswamy", "Mixture", "Chi2", "ContinuousBernoulli", "ContinuousBernoulli even"]  # fmt: skip


@pytest.mark.parametrize("name", CDF)
def test_cdf_like_pytorch_and_its_inverse(rng, name):
    law, value = CASES[name]
    inputs = arrays(rng)
    fixed = re.sub(r"\ba\b", "a.detach()", law) if name in ("Gamma", "Chi2") else law  # no gradient by igamma's first argument
    check_twin(spell(f"T.distributions.{fixed}.cdf({value})"), *inputs, k=2.0**16, second=False)
    if name in ("Gamma", "Mixture", "Chi2"):
        return
    check_twin(spell(f"T.distributions.{law}.icdf(b / 4)"), *inputs, k=2.0**16, second=False)
    d = eval(spell(f"T.distributions.{law}"), {"T": torch, **{n: torch.tensor(x) for n, x in zip("abcde", inputs)}})  # noqa: S307
    p = torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64)
    assert np.allclose(numbers(d.cdf(d.icdf(p))), p.numpy(), rtol=1e-13, atol=0)


@pytest.mark.parametrize("xi", [0.3, 0.0, -0.4])
def test_generalized_pareto(xi):
    """Against its distribution function: the slope, the inverse, and averages over even quantiles (PyTorch's takes float32 alone)."""
    d = D.GeneralizedPareto(torch.tensor(0.5, dtype=torch.float64), 2.0, xi)
    x = np.linspace(0.6, 5.0, 9)
    z, y = (x - 0.5) / 2, torch.tensor(x, requires_grad=True)
    assert np.allclose(numbers(d.cdf(y)), 1 - (1 + xi * z) ** (-1 / xi) if xi else 1 - np.exp(-z), rtol=1e-14)
    (slope,) = torch.autograd.grad(d.cdf(y).sum(), y)
    assert np.allclose(numbers(d.log_prob(y)), np.log(numbers(slope)), rtol=1e-12, atol=1e-13)
    assert np.allclose(numbers(d.icdf(d.cdf(y))), x, rtol=1e-13) and np.allclose(numbers(d.log_cdf(y).exp()), numbers(d.cdf(y)))
    u, weight = np.polynomial.legendre.leggauss(400)
    t = 15 * (u + 1)  # quantiles 1 - e^-t, up to e^-30
    v = d.icdf(torch.tensor(1 - np.exp(-t)))
    w = 15 * weight * np.exp(-t)
    at = numbers(v).clip(None, np.inf if xi >= 0 else 0.5 + 2 / 0.4 - 1e-12)
    assert abs((w * at).sum() - d.mean.item()) <= 1e-6 and abs((w * (at - d.mean.item()) ** 2).sum() - d.variance.item()) <= 1e-3
    assert abs(-(w[t < 20] * numbers(d.log_prob(v))[t < 20]).sum() - d.entropy().item()) <= 1e-6
    check_raises(ValueError, ["support"], d.log_prob, torch.tensor(0.0))
    assert D.GeneralizedPareto(0.0, 1.0, 1.5).mean.item() == D.GeneralizedPareto(0.0, 1.0, 0.5).variance.item() == np.inf


PAIRS = [("Normal(c, a)", "Normal(b, b)"), ("Bernoulli(p)", "Bernoulli(b / 4)"), ("Binomial(5, p)", "Binomial(5, b / 4)"),
         ("Categorical(a)", "Categorical(b)"), ("OneHotCategorical(a)", "OneHotCategorical(b)"), ("Beta(a, b)", "Beta(b, a)"),
         ("Dirichlet(a)", "Dirichlet(b)"), ("Cauchy(c, a)", "Cauchy(c, b)"), ("Exponential(a)", "Exponential(b)"),
         ("Gamma(a, b)", "Gamma(b, a)"), ("Geometric(p)", "Geometric(b / 4)"), ("Gumbel(c, a)", "Gumbel(b, b)"),
         ("HalfNormal(a)", "HalfNormal(b)"), ("Laplace(c, a)", "Laplace(b, b)"), ("Pareto(a + 3, b)", "Pareto(a, b + 1)"),
         ("Poisson(a)", "Poisson(b)"), ("Uniform(-a, b)", "Uniform(-a - 1, b + 2)"), ("Uniform(-a, b)", "Uniform(a, b + 4)"),
         ("MultivariateNormal(c, scale_tril=m.tril(-1) + T.diag(a))", "MultivariateNormal(b, scale_tril=T.diag(b))"),
         ("LowRankMultivariateNormal(c, m[:, :2], a)", "MultivariateNormal(b, scale_tril=T.diag(b))"),
         ("LowRankMultivariateNormal(c, m[:, :2], a)", "LowRankMultivariateNormal(b, m[:, :1], b)"),
         ("Independent(T.distributions.Normal(m, a), 1)", "Independent(T.distributions.Normal(m, b), 1)"),
         ("LogNormal(c, a)", "LogNormal(b, b)"), ("Bernoulli(p)", "Poisson(a)"), ("Beta(a, b)", "Exponential(a)"), ("Beta(a, b)",
         "Gamma(a, b)"),
         ("Beta(a, b)", "Normal(c, a)"), ("Beta(a, b)", "Uniform(-a, b + 1)"), ("Beta(a, b)", "Pareto(a, b)"), ("Exponential(a)",
         "Gamma(a, b)"),
         ("Exponential(a)", "Gumbel(c, b)"), ("Exponential(a)", "Normal(c, b)"), ("Exponential(a)", "Beta(a, b)"), ("Gamma(a, b)",
         "Exponential(b)"),
         ("Gamma(a, b)", "Gumbel(c, b)"), ("Gamma(a, b)", "Normal(c, b)"), ("Gumbel(c, a)", "Normal(b, b)"), ("Laplace(c, a)",
         "Normal(b, b)"),
         ("Normal(c, a)", "Gumbel(b, b)"), ("Normal(c, a)", "Laplace(b, b)"), ("Normal(c, a)", "Uniform(-a, b)"), ("Pareto(a, b + 2)",
         "Exponential(b)"),
         ("Pareto(a, b + 2)", "Gamma(a, b)"), ("Pareto(a, b + 2)", "Normal(c, b)"), ("Uniform(a, a + b)", "Exponential(b)"),
         ("Uniform(a, a + b)", "Gamma(a, b)"), ("Uniform(-a, b)", "Gumbel(c, b)"), ("Uniform(-a, b)", "Normal(c, b)"),
         ("Uniform(a / 8, b / 8 + 0.5)", "Beta(a, b)"), ("Uniform(a + 4, b + 8)", "Pareto(a, b)"), ("Poisson(a)",
         "Bernoulli(p)")]  # fmt: skip


@pytest.mark.parametrize("p, q", PAIRS, ids=str)
def test_divergences_like_pytorch(rng, p, q):
    check_twin(spell(f"T.distributions.kl_divergence(T.distributions.{p}, T.distributions.{q})"), *arrays(rng), k=2.0**22, second=False)


# ---- samples: n draws; a mean of independent numbers of variance v lies within 6 sqrt(v / n) but once in 5e8 ------------------------
LAWS = {
    "Normal": D.Normal(1.0, 2.0), "Laplace": D.Laplace(1.0, 2.0), "Gumbel": D.Gumbel(1.0, 2.0), "Uniform": D.Uniform(-1.0, 3.0),
    "Exponential": D.Exponential(0.5), "Gamma 3": D.Gamma(3.0, 0.5), "Gamma 0.3": D.Gamma(0.3, 2.0), "Gamma 50": D.Gamma(50.0, 1.0),
    "Chi2": D.Chi2(3.0), "Beta": D.Beta(0.5, 2.0), "StudentT": D.StudentT(12.0, 1.0, 2.0), "HalfNormal": D.HalfNormal(2.0),
    "LogNormal": D.LogNormal(0.0, 0.3), "Weibull": D.Weibull(2.0, 1.5), "Pareto": D.Pareto(1.0, 12.0),
    "Kumaraswamy": D.Kumaraswamy(2.0, 3.0),
    "InverseGamma": D.InverseGamma(12.0, 3.0), "FisherSnedecor": D.FisherSnedecor(8.0, 20.0), "Bernoulli": D.Bernoulli(0.3),
    "Geometric": D.Geometric(0.3), "Binomial few": D.Binomial(20, 0.1), "Binomial many": D.Binomial(400, 0.3),
    "Binomial mirrored": D.Binomial(100, 0.9),
    "Poisson 3": D.Poisson(3.0), "Poisson 12": D.Poisson(12.0), "Poisson 1000": D.Poisson(1000.0),
    "NegativeBinomial": D.NegativeBinomial(3.0, 0.4),
    "Dirichlet": D.Dirichlet(torch.tensor([0.2, 1.0, 3.0])), "OneHotCategorical": D.OneHotCategorical(torch.tensor([1.0, 2.0, 1.0])),
    "Multinomial": D.Multinomial(5, torch.tensor([1.0, 2.0, 1.0])),
    "MultivariateNormal": D.MultivariateNormal(torch.tensor([1.0, -1.0]), torch.tensor([[2.0, 0.5], [0.5, 1.0]])),
    "LowRank": D.LowRankMultivariateNormal(torch.zeros(3), torch.tensor([[1.0], [2.0], [0.0]]), torch.ones(3)),
    "ContinuousBernoulli": D.ContinuousBernoulli(0.2), "ContinuousBernoulli even": D.ContinuousBernoulli(0.5),
    "GeneralizedPareto": D.GeneralizedPareto(1.0, 2.0, 0.1), "GeneralizedPareto short": D.GeneralizedPareto(1.0, 2.0, -0.5),
    "Mixture": D.MixtureSameFamily(D.Categorical(torch.tensor([1.0, 3.0])), D.Normal(torch.tensor([-2.0, 1.0]), torch.tensor([1.0, 0.5]))),
}  # fmt: skip
N = 40000


@pytest.mark.parametrize("name", LAWS)
def test_sample_moments(name):
    d = LAWS[name]
    x = numbers(d.sample((N,)))
    assert x.shape == (N, *d.batch_shape, *d.event_shape)
    mean, variance = numbers(d.mean), numbers(d.variance)
    assert np.all(np.abs(x.mean(0) - mean) <= 6 * np.sqrt(variance / N) + 1e-6)
    fourth = ((x - mean) ** 4).mean(0)  # of the sample: the variance of squares, up to its own noise
    assert np.all(np.abs(((x - mean) ** 2).mean(0) - variance) <= 6 * np.sqrt(fourth / N) + 1e-6)
    if d.support is not None and not D.constraints.is_dependent(d.support):
        assert bool(d.support.check(d.sample((1000,))).all())


@pytest.mark.parametrize("name", ["Normal", "Laplace", "Gumbel", "Uniform", "Exponential", "Gamma 3", "Gamma 0.3", "Gamma 50", "Weibull",
                                  "Pareto",
                                  "Kumaraswamy", "HalfNormal", "LogNormal", "Mixture", "ContinuousBernoulli", "ContinuousBernoulli even",
                                  "GeneralizedPareto", "GeneralizedPareto short"])  # fmt: skip
def test_samples_follow_their_distribution_function(name):
    """The largest distance between the sample's and the law's function exceeds t / sqrt(n) with probability 2 e^(-2 t^2)."""
    d = LAWS[name]
    u = np.sort(numbers(d.cdf(d.sample((N,)))))
    k = np.arange(N)
    assert max(np.max(u - k / N), np.max((k + 1) / N - u)) <= 3.3 / math.sqrt(N)  # 2 e^-21.8: once in a billion


@pytest.mark.parametrize("name", ["Poisson 3", "Poisson 12", "Poisson 1000", "Binomial few", "Binomial many", "Binomial mirrored",
                                  "Geometric",
                                  "NegativeBinomial"])  # fmt: skip
def test_counts_follow_their_probabilities(name):
    """Pearson's statistic over cells of at least 25 expected: chi-squared with mean m and variance 2 m."""
    d = LAWS[name]
    x = numbers(d.sample((N,))).astype(int)
    values = torch.arange(int(x.max()) + 1).float()
    if "Binomial" in name and "Negative" not in name:
        values = values[values <= d.total_count]
    p = numbers(d.log_prob(values).exp()).astype(float) * N
    seen = np.bincount(x, minlength=len(p))[: len(p)]
    keep = p >= 25
    want, got = np.append(p[keep], N - p[keep].sum()), np.append(seen[keep], N - seen[keep].sum())
    if want[-1] < 25:
        want, got = want[:-1], got[:-1]
    m = len(want) - 1
    assert ((got - want) ** 2 / want).sum() <= m + 7 * math.sqrt(2 * m) + 20


@pytest.mark.parametrize("eta", [0.6, 1.0, 3.0])
def test_correlations_follow_their_beta(eta):
    """Each correlation of D variables is 2 Beta(eta + D / 2 - 1, the same) - 1: mean 0, variance 1 / (2 eta + D - 1)."""
    law = D.LKJCholesky(4, torch.tensor(eta))
    low = law.sample((N,))
    assert bool(law.support.check(low).all())
    c = numbers(torch.matmul(low, low.mT))[:, *np.tril_indices(4, -1)].astype(float)
    variance = 1 / (2 * eta + 3)
    fourth = 3 * variance / (2 * eta + 5)  # of the symmetric beta law
    assert np.all(np.abs(c.mean(0)) <= 6 * np.sqrt(variance / N)) and np.all(np.abs((c**2).mean(0) - variance) <= 6 * np.sqrt(fourth / N))
    assert np.all(np.abs((c**4).mean(0) - fourth) <= 6 * np.sqrt((c**8).mean(0) / N))


def test_categorical_and_angles():
    d = D.Categorical(torch.tensor([[1.0, 2.0, 5.0], [1.0, 0.0, 1.0]]))
    x = d.sample((N,)).numpy()
    for row, p in zip(x.T, d.probs.numpy()):
        assert np.all(np.abs(np.bincount(row, minlength=3) / N - p) <= 6 * np.sqrt(p * (1 - p) / N))
    v = D.VonMises(torch.tensor(1.0), torch.tensor(2.0))
    z = np.exp(1j * numbers(v.sample((N,))))
    length = 1 - float(v.variance)
    assert abs(z.mean() - length * np.exp(1j)) <= 6 / math.sqrt(N)


# ---- gradients of samples ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("a", [1e-3, 0.05, 0.5, 1.0, 4.0, 90.0, 1e4])
def test_gamma_samples_move_along_their_quantiles(a):
    """P(a, x(a)) is constant: dP/da + p dx/da = 0, with dP/da by quadrature-free differences in another step."""
    t = torch.full((200,), a, dtype=torch.float64, requires_grad=True)
    x = torch.distributions.Gamma(t, 1.0).rsample()
    x.sum().backward()
    x, slope = x.detach(), t.grad
    assert np.isfinite(numbers(slope)).all()
    x, slope = x[x > 1e-290], slope[x > 1e-290]  # smaller ones are cut off, and do not move
    h = a * 1e-5
    lower, upper = (torch.igamma(torch.full_like(x, a + s), x) for s in (-h, h))
    moved = torch.igamma(torch.full_like(x, a + h), x + slope * h) - torch.igamma(torch.full_like(x, a - h), x - slope * h)
    change = numbers((upper - lower).abs().max())
    assert np.all(np.abs(numbers(moved)) <= 1e-4 * change + 1e-12) and change > 0


@pytest.mark.parametrize("law, f", [
    (lambda a: D.Gamma(a[0], a[1]), lambda d: d.variance + d.mean**2), (lambda a: D.Beta(a[0], a[1]), lambda d: d.variance + d.mean**2),
    (lambda a: D.Dirichlet(a), lambda d: d.variance + d.mean**2), (lambda a: D.Normal(a[0], a[1]), lambda d: d.variance + d.mean**2),
    (lambda a: D.StudentT(a[0] + 10, a[1], 1.0), lambda d: d.variance + d.mean**2), (lambda a: D.Weibull(a[0], a[1] + 1),
    lambda d: d.variance + d.mean**2),
    (lambda a: D.MultivariateNormal(a, scale_tril=torch.diag(a)), lambda d: d.variance + d.mean**2),
], ids=["Gamma", "Beta", "Dirichlet", "Normal", "StudentT", "Weibull", "MultivariateNormal"])  # fmt: skip
def test_pathwise_gradients_are_those_of_moments(law, f):
    """E d/da x^2 = d/da E x^2, within 6 standard errors."""
    parameters = torch.tensor([1.3, 2.1])
    exact = torch.autograd.grad(f(law(p := parameters.clone().requires_grad_())).sum(), p)[0].numpy()
    rows = parameters.expand(N, 2).contiguous().requires_grad_()
    x = law(rows.mT).rsample() if law(parameters).event_shape == () else None
    if x is None:
        d = D.Dirichlet(rows) if isinstance(law(parameters), D.Dirichlet) else D.MultivariateNormal(rows, scale_tril=torch.diag_embed(rows))
        x = d.rsample()
    (x * x).sum().backward()
    g = numbers(rows.grad)
    assert np.all(np.abs(g.mean(0) - exact) <= 6 * g.std(0) / math.sqrt(N) + 1e-6)


def test_straight_through_and_relaxed():
    logits = torch.zeros(3, requires_grad=True)
    x = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert sorted(x.tolist()) == pytest.approx([0, 0, 1])
    (x * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    p = np.full(3, 1 / 3)
    assert np.allclose(numbers(logits.grad), p * ([1, 2, 4] - p @ [1, 2, 4]), atol=1e-6)
    y = D.RelaxedOneHotCategorical(torch.tensor(0.5), logits=torch.zeros(5, 3)).rsample()
    assert np.allclose(y.sum(-1).numpy(), 1, atol=1e-6) and y.shape == (5, 3)


# ---- forms ----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CASES)
def test_expand_and_shapes(rng, name):
    law, value = CASES[name]
    names = {n: torch.tensor(x) for n, x in zip("abcde", arrays(rng))}
    d = eval(spell(f"T.distributions.{law}"), {"T": torch, **names})  # noqa: S307
    v = eval(spell(value), {"T": torch, **names})  # noqa: S307
    v = v[0] if v.ndim > len(d.batch_shape) + len(d.event_shape) else v
    e = d.expand((4, *d.batch_shape))
    assert type(e) is type(d) and e.batch_shape == (4, *d.batch_shape) and e.event_shape == d.event_shape
    assert e.sample((2,)).shape == (2, 4, *d.batch_shape, *d.event_shape)
    assert np.allclose(numbers(e.log_prob(v)[0] if e.log_prob(v).ndim else e.log_prob(v)), numbers(d.log_prob(v)), rtol=1e-12)
    assert d.sample().shape == (*d.batch_shape, *d.event_shape) and not d.sample().requires_grad


def test_enumeration():
    assert D.Bernoulli(torch.full((2,), 0.5)).enumerate_support().tolist() == [[0, 0], [1, 1]]
    assert D.Categorical(torch.ones(3)).enumerate_support().tolist() == [0, 1, 2]
    assert D.OneHotCategorical(torch.ones(2)).enumerate_support().tolist() == [[1, 0], [0, 1]]
    d = D.Binomial(4, torch.tensor(0.3))
    assert abs(float(d.log_prob(d.enumerate_support()).exp().sum()) - 1) <= 1e-6


def test_validation():
    check_raises(ValueError, ["scale", "Normal", "GreaterThan(lower_bound=0.0)"], D.Normal, 0.0, -1.0)
    check_raises(ValueError, ["probs", "Bernoulli"], D.Bernoulli, 1.5)
    check_raises(ValueError, ["support", "Beta"], D.Beta(1.0, 1.0).log_prob, torch.tensor(2.0))
    check_raises(ValueError, ["support", "Poisson"], D.Poisson(1.0).log_prob, torch.tensor(0.5))
    check_raises(ValueError, ["event_shape"], D.Dirichlet(torch.ones(3)).log_prob, torch.ones(2))
    check_raises(ValueError, ["dim=1"], D.LKJCholesky, 1)
    check_raises(ValueError, ["low>= high"], D.Uniform, 1.0, 0.0)
    check_raises(ValueError, ["either probs or logits"], D.Bernoulli)
    check_raises(ValueError, ["covariance_matrix", "PositiveDefinite"], D.MultivariateNormal, torch.zeros(2), -torch.eye(2))
    check_raises(NotImplementedError, ["KL", "Normal", "Categorical"], D.kl_divergence, D.Normal(0.0, 1.0), D.Categorical(torch.ones(2)))
    check_raises(NotImplementedError, ["rsample", "Poisson"], D.Poisson(1.0).rsample)
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1

    class Mine(D.Normal):
        pass

    @D.register_kl(Mine, D.Normal)
    def _mine(p, q):
        return torch.tensor(7.0)
    assert D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 7
    assert D.kl_divergence(D.Normal(0.0, 1.0), Mine(0.0, 1.0)).item() == 0


TRANSFORMS = ["ExpTransform()", "SigmoidTransform()", "TanhTransform()", "SoftplusTransform()", "AffineTransform(1., -3.)",
              "StickBreakingTransform()",
              "ComposeTransform([AffineTransform(0.5, 2.), SigmoidTransform()])", "CorrCholeskyTransform()", "ExpTransform().inv",
              "StackTransform([ExpTransform(), SigmoidTransform(), TanhTransform()], -1)",
              "CatTransform([ExpTransform(), TanhTransform()], -1, [2, 1])",
              "IndependentTransform(ExpTransform(), 1)", "ReshapeTransform((3,), (3, 1))", "PowerTransform(2.)",
              "CumulativeDistributionTransform(N)"]  # fmt: skip


@pytest.mark.parametrize("text", TRANSFORMS)
def test_transforms(rng, text):
    """The inverse undoes; log |dy/dx| is that of PyTorch, which tests its own against autograd."""
    peer = pytest.importorskip("torch")
    x = np.abs(rng.standard_normal((2, 3))) + 0.1
    ours, theirs = (eval(text, {**vars(T.distributions.transforms),
    "N": T.distributions.Normal(0.0, 1.0)}) for T in (torch, peer))  # noqa: S307
    a, b = torch.tensor(x), peer.tensor(x)
    y, want = ours(a), theirs(b)
    assert np.allclose(numbers(y), want.numpy(), rtol=1e-12, atol=1e-14) and np.allclose(numbers(ours.inv(y)), x, rtol=1e-9)
    got, jacobian = ours.log_abs_det_jacobian(a, y), theirs.log_abs_det_jacobian(b, want)
    assert np.allclose(numbers(got), jacobian.numpy(), rtol=1e-9, atol=1e-12) and tuple(got.shape) == tuple(jacobian.shape)
    assert (ours.domain.event_dim, ours.codomain.event_dim) == (theirs.domain.event_dim, theirs.codomain.event_dim)
    assert tuple(ours.forward_shape((2, 3))) == tuple(theirs.forward_shape((2, 3)))


@pytest.mark.parametrize("name", ["real", "positive", "unit_interval", "simplex", "real_vector", "nonnegative"])
def test_registries(rng, name):
    constraint = getattr(D.constraints, name)
    x = torch.tensor(rng.standard_normal((4, 3)))
    for registry in (D.biject_to, D.transform_to):
        assert bool(constraint.check(registry(constraint)(x)).all())
    for c, m in ((D.constraints.lower_cholesky, 3), (D.constraints.positive_definite, 3)):
        y = torch.tensor(rng.standard_normal((2, m, m)))
        assert bool(c.check(D.transform_to(c)(y)).all())
    z = D.transform_to(D.constraints.interval(2.0, 5.0))(x)
    assert bool(((z > 2) & (z < 5)).all())


def test_constraints_have_classes(rng):
    """Libraries ask isinstance, derive classes and register transforms for them."""
    c = D.constraints
    assert isinstance(c.positive, c.greater_than) and isinstance(c.interval(0.0, 2.0), c.interval)
    assert not isinstance(c.positive_integer, c.greater_than_eq) and not isinstance(c.integer_interval(0, 2), c.interval)
    assert isinstance(c.stack([c.real, c.positive], -1), c.stack)
    assert repr(c.greater_than(lower_bound=1.0)) == "GreaterThan(lower_bound=1.0)"

    class Above(type(c.positive)):
        def __init__(self):
            super().__init__(lower_bound=3.0)

    assert c.greater_than(3.0).check(torch.tensor([3.0, 3.5])).tolist() == Above().check(torch.tensor([3.0, 3.5])).tolist() == [False, True]
    D.transform_to.register(Above, lambda c: D.ComposeTransform([D.SoftplusTransform(), D.AffineTransform(c.lower_bound, 1.0)]))
    x = torch.tensor(rng.standard_normal(5))
    assert np.allclose(numbers(D.transform_to(Above())(x)), 3 + np.log1p(np.exp(numbers(x))))
    assert np.allclose(numbers(D.transform_to(c.positive)(x)), np.exp(numbers(x)))
    with pytest.raises(NotImplementedError):
        D.biject_to(c.nonnegative_integer)


def test_counts():
    x = torch.empty(N, dtype=torch.float64)
    assert abs(x.exponential_(2.0).mean().item() - 0.5) <= 6 * 0.5 / math.sqrt(N)
    assert torch.poisson(torch.tensor([0.0, 1e6])).tolist()[0] == 0
    assert torch.binomial(torch.tensor([0.0, 5.0]), torch.tensor([0.5, 1.0])).tolist() == [0, 5]
    check_raises(ValueError, ["poisson", "0"], torch.poisson, torch.tensor([-1.0]))
    torch.manual_seed(5)
    first = torch.poisson(torch.full((100,), 50.0))
    torch.manual_seed(5)
    assert torch.equal(first, torch.poisson(torch.full((100,), 50.0)))


@pytest.mark.parametrize("bad", [-1.0, -np.inf, np.nan])
def test_rejection_ends_for_impossible_parameters(bad):
    """No proposal would ever be accepted: the answer is NaN, and the others are drawn."""
    x = torch.standard_gamma(torch.tensor([2.0, bad, 0.0]))
    assert np.isfinite(x[0].item()) and np.isnan(x[1].item()) and x[2].item() < 1e-37
    assert np.isnan(torch.sample_dirichlet(torch.tensor([[1.0, bad]])).numpy()).all()
    assert torch.standard_gamma(torch.tensor([np.inf])).item() == np.inf
    law = D.VonMises(torch.zeros(2), torch.tensor([bad, 3.0]), validate_args=False)
    assert np.isnan(law.sample().numpy()).tolist() == [True, False]
    assert torch.poisson(torch.tensor([np.inf, 20.0]))[0].item() == np.inf
    assert not np.isfinite(torch.binomial(torch.tensor([np.inf]), torch.tensor([0.5])).item())


def test_gradcheck_of_densities(rng):
    value = np.array([0.3, 0.5, 0.2])
    v = torch.tensor(value)
    gradcheck(lambda a: D.Dirichlet(a).log_prob(v), rng.uniform(0.5, 3, 3), rng=rng)
    gradcheck(lambda a, b: D.kl_divergence(D.Gamma(a, b), D.Gamma(b, a)), rng.uniform(0.5, 3, 3), rng.uniform(0.5, 3, 3), rng=rng)
    gradcheck(lambda a: D.MultivariateNormal(v, a @ a.mT + torch.eye(3, dtype=a.dtype)).entropy(), rng.standard_normal((3, 3)), rng=rng)
