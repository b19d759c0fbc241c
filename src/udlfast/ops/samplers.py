"""Random numbers of gamma, Poisson, binomial and other laws: rejection in rounds, all numbers from the Philox generator.

A round draws numbers for the elements that are still open, so results depend on the seed and the sizes alone.
"""
import numpy as np

from .. import _core
from .._core import attach
from ..errors import ArgumentError, DTypeError
from ._common import floating, once
from .random import rand, randn


def _uniform(n, generator):
    """n float64 numbers in (0, 1]."""
    return 1 - rand(n, dtype=_core.float64, generator=generator).numpy()


ROUNDS = 1000  # a proposal is taken with a probability of more than a half


def _in_rounds(usable, propose):
    """The first accepted proposal of each usable element: propose(open elements) -> (values, accepted). NaN for the others."""
    out = np.full(usable.size, np.nan)
    left = np.flatnonzero(usable)
    for _ in range(ROUNDS):
        if not left.size:
            break
        value, good = propose(left)
        out[left[good]] = value[good]
        left = left[~good]
    return out


# ---- gamma -------------------------------------------------------------------------------------------------------------------
def log_gamma_array(a, generator=None):
    """Logarithms of gamma(a, 1) numbers: Marsaglia and Tsang 2000, and u^(1/a) times gamma(a + 1) below 1; NaN where a < 0."""
    a = np.asarray(a, np.float64)
    flat = a.ravel()
    usable = (flat >= 0) & (flat < np.inf)
    d = np.where(usable, np.where(flat < 1, flat + 1, flat), 1.0) - 1 / 3
    c = 1 / np.sqrt(9 * d)

    def propose(at):
        z = randn(at.size, dtype=_core.float64, generator=generator).numpy()
        u = _uniform(at.size, generator)
        v = np.maximum(1 + c[at] * z, 0.0) ** 3
        with np.errstate(all="ignore"):
            lv = np.log(v)
            good = (v > 0) & (np.log(u) < 0.5 * z * z + d[at] * (1 - v + lv))
        return np.log(d[at]) + lv, good
    y = _in_rounds(usable, propose)
    y[flat == np.inf] = np.inf
    small = flat < 1
    if small.any():
        with np.errstate(all="ignore"):
            y[small] += np.log(_uniform(int(small.sum()), generator)) / flat[small]
    return y.reshape(a.shape)


def log_gamma_slope(a, log_x):
    """d log x / da along which the distribution function of gamma(a) stays: -(dP/da) / (x p(x)), by differences of log P or
    log Q, whichever is small; for tiny x by the first term of the series of P."""
    from ._special_numeric import digamma, gamma_parts, lgamma
    with np.errstate(all="ignore"):
        x = np.exp(log_x)
        tiny = x < 1e-8 * (a + 1)
        b, z = np.where(tiny, 1.0, a), np.where(tiny, 1.0, x)
        h = 1e-3 * np.minimum(b, np.sqrt(b))
        p, q = gamma_parts(b, z)
        low = p < q

        def side(step):
            part = gamma_parts(b + step * h, z)
            return np.log(np.where(low, part[0], part[1]))
        slope = (8 * (side(1) - side(-1)) - (side(2) - side(-2))) / (12 * h) * np.where(low, p, -q)
        density = np.exp(b * np.log(z) - z - lgamma(b))
        return np.where(tiny, -(log_x - digamma(a + 1)) / a, -slope / density)


def standard_gamma(alpha, generator=None):
    """Numbers of the gamma law of shape alpha and rate 1, with gradients by alpha along its quantiles.

    Args:
        alpha: positive, any shape
    Returns: alpha's shape

    >>> import udlfast as torch
    >>> bool((torch.standard_gamma(torch.ones(3)) > 0).all())
    True

    Source: Marsaglia and Tsang 2000; Figurnov et al. 2018 (gradients).
    """
    floating("standard_gamma", alpha)
    a = alpha.detach().to(_core.float64).numpy()
    log_y = log_gamma_array(a, generator)
    tiny = 1.1754943508222875e-38 if alpha.dtype is not _core.float64 else 2.2250738585072014e-308
    y = _core.from_numpy(np.array(np.maximum(np.exp(log_y), tiny))).to(alpha.dtype)
    if not (alpha.requires_grad and _core.is_grad_enabled()):
        return y
    return attach(y, (alpha,), standard_gamma_backward, saved=(alpha, _core.from_numpy(np.array(log_y))))


def standard_gamma_backward(node, g):
    """g x dlog x / da"""
    alpha, log_y = node.saved
    log_y = log_y.numpy()
    slope = log_gamma_slope(alpha.detach().to(_core.float64).numpy(), log_y) * np.exp(log_y)
    return (once("standard_gamma", g * _core.from_numpy(np.array(slope)).to(g.dtype), g, alpha),)


def sample_dirichlet(concentration, generator=None):
    """Points of a simplex by the law of Dirichlet, from gamma numbers whose logarithms are normalised; with gradients.

    Args:
        concentration: [..., K], positive
    Returns: its shape; sums over the last dimension are 1

    >>> import udlfast as torch
    >>> torch.distributions.Dirichlet(torch.ones(3)).sample().shape
    udlfast.Size([3])

    Source: Figurnov et al. 2018.
    """
    floating("sample_dirichlet", concentration)
    log_g = log_gamma_array(concentration.detach().to(_core.float64).numpy(), generator)
    x = np.exp(log_g - log_g.max(-1, keepdims=True))
    x = _core.from_numpy(x / x.sum(-1, keepdims=True)).to(concentration.dtype)
    if not (concentration.requires_grad and _core.is_grad_enabled()):
        return x
    return attach(x, (concentration,), sample_dirichlet_backward, saved=(concentration, x, _core.from_numpy(np.array(log_g))))


def sample_dirichlet_backward(node, g):
    """x_i = g_i / sum g: slope_i x_i (g_i - sum_k g_k x_k)"""
    concentration, x, log_g = node.saved
    slope = log_gamma_slope(concentration.detach().to(_core.float64).numpy(), log_g.numpy())
    x = x.detach()
    r = _core.from_numpy(np.array(slope)).to(g.dtype) * x * (g - (g * x).sum(-1, keepdim=True))
    return (once("sample_dirichlet", r, g, concentration),)


# ---- counts --------------------------------------------------------------------------------------------------------------------
def _by_inversion(first, ratio, u):
    """The least k with u <= P(0) + ... + P(k); P(k) = P(k - 1) ratio(k)."""
    p, total, k = first.copy(), first.copy(), np.zeros_like(first)
    for step in range(1, 200):
        more = u > total
        if not more.any():
            break
        p = p * ratio(step)
        k[more] += 1
        total = np.where(more, total + p, total)
    return k


def poisson_array(rate, generator=None):
    """Poisson counts: inversion below 10, Hörmann's transformed rejection (PTRS, 1993) above."""
    from ._special_numeric import lgamma
    rate = np.asarray(rate, np.float64)
    flat, out = rate.ravel(), np.zeros(rate.size)
    small = flat < 10
    if small.any():
        r = flat[small]
        out[small] = _by_inversion(np.exp(-r), lambda k: r / k, _uniform(r.size, generator))
    big = ~small
    if big.any():
        r = flat[big]
        b = 0.931 + 2.53 * np.sqrt(r)
        a = -0.059 + 0.02483 * b
        inv_alpha, v_r = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)

        def propose(at):
            u, v = _uniform(at.size, generator) - 0.5, _uniform(at.size, generator)
            us = 0.5 - np.abs(u)
            with np.errstate(all="ignore"):
                k = np.floor((2 * a[at] / us + b[at]) * u + r[at] + 0.43)
                quick = (us >= 0.07) & (v <= v_r[at])
                left = np.log(v * inv_alpha[at] / (a[at] / (us * us) + b[at]))
                right = -r[at] + k * np.log(r[at]) - lgamma(np.where(k >= 0, k, 0) + 1)
                good = quick | ((k >= 0) & ~((us < 0.013) & (v > us)) & (left <= right))
            return k, good & (k >= 0)
        found = _in_rounds(r < np.inf, propose)
        found[r == np.inf] = np.inf
        out[big] = found
    return out.reshape(rate.shape)


def binomial_array(count, p, generator=None):
    """Binomial counts: inversion where n p < 10, Hörmann's transformed rejection (BTRS, 1993) above; p above 1/2 mirrored."""
    from ._special_numeric import lgamma
    count, p = (np.array(x, np.float64) for x in np.broadcast_arrays(count, p))
    shape, n = count.shape, count.ravel()
    flip = p.ravel() > 0.5
    p = np.where(flip, 1 - p.ravel(), p.ravel())
    out, small = np.zeros(n.size), n * p < 10
    if small.any():
        m, r = n[small], p[small]
        odds = r / (1 - r)
        out[small] = np.minimum(_by_inversion((1 - r) ** m, lambda k: np.maximum(m - k + 1, 0) / k * odds, _uniform(m.size, generator)), m)
    big = ~small
    if big.any():
        m, r = n[big], p[big]
        spread = np.sqrt(m * r * (1 - r))
        b = 1.15 + 2.53 * spread
        a = -0.0873 + 0.0248 * b + 0.01 * r
        v_r, alpha, mode = 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread, np.floor((m + 1) * r)
        top = lgamma(mode + 1) + lgamma(m - mode + 1)

        def propose(at):
            u, v = _uniform(at.size, generator) - 0.5, _uniform(at.size, generator)
            us = 0.5 - np.abs(u)
            with np.errstate(all="ignore"):
                k = np.floor((2 * a[at] / us + b[at]) * u + m[at] * r[at] + 0.5)
                inside = (k >= 0) & (k <= m[at])
                safe = np.where(inside, k, 0)
                left = np.log(v * alpha[at] / (a[at] / (us * us) + b[at]))
                right = top[at] - lgamma(safe + 1) - lgamma(m[at] - safe + 1) + (safe - mode[at]) * np.log(r[at] / (1 - r[at]))
            return k, inside & (((us >= 0.07) & (v <= v_r[at])) | (left <= right))
        out[big] = _in_rounds(m < np.inf, propose)
    return np.where(flip, n - out, out).reshape(shape)


def poisson(input, generator=None):
    """Counts of Poisson's law with the rates that the elements give.

    Args:
        input: rates, not negative, floating point
    Returns: input's shape and type
    Raises: ArgumentError for a negative rate

    >>> import udlfast as torch
    >>> torch.poisson(torch.zeros(2)).tolist()
    [0.0, 0.0]

    Source: Hörmann 1993.
    """
    floating("poisson", input)
    a = input.detach().to(_core.float64).numpy()
    if not (a >= 0).all():
        raise ArgumentError("poisson: expected rates of at least 0")
    from ._linalg_common import constant
    return constant(_core.from_numpy(poisson_array(a, generator)).to(input.dtype), input)


def binomial(count, prob, generator=None):
    """How many of `count` trials succeed, each with probability `prob`.

    Args:
        count: whole numbers of at least 0, floating-point type
        prob: between 0 and 1, of the same type; the shapes broadcast
    Returns: the broadcast shape
    Raises: ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.binomial(torch.tensor([5.]), torch.tensor([1.])).tolist()
    [5.0]

    Source: Hörmann 1993.
    """
    floating("binomial", count, "count")
    floating("binomial", prob, "prob")
    if count.dtype is not prob.dtype:
        raise DTypeError(f"binomial: expected count and prob of one type, got {count.dtype} and {prob.dtype}")
    n, p = (x.detach().to(_core.float64).numpy() for x in (count, prob))
    if not ((n >= 0).all() and (p >= 0).all() and (p <= 1).all()):
        raise ArgumentError("binomial: expected counts of at least 0 and probabilities between 0 and 1")
    return _core.from_numpy(np.array(binomial_array(n, p, generator))).to(count.dtype)
