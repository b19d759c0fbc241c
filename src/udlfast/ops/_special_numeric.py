"""Error, gamma and zeta functions of float64 arrays in NumPy, from which the operations of special_functions.py are made.

Every function takes and gives float64 arrays of one shape and is accurate to some 1e-14. Coefficients come from
scripts/special_tables.py; series, continued fractions and asymptotic expansions are those of Olver et al. 2010 (DLMF).
"""
import numpy as np

from .. import _core
from ._special_tables import ERFCX

ROOT_HALF = 0.7071067811865476
# Bernoulli's numbers B_2, B_4, ...
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330, 854513 / 138,
             -236364091 / 2730)


def chebyshev(table, u):
    """The sum of Chebyshev polynomials of a table at u."""
    low, high, c = table
    t = (2 * u - (low + high)) / (high - low)
    b1 = b2 = np.zeros_like(t)
    for ck in c[:0:-1]:
        b1, b2 = 2 * t * b1 - b2 + ck, b1
    return t * b1 - b2 + c[0]


def kernel(name, x):
    """A kernel of the core on a float64 array."""
    x = np.array(x, dtype=np.float64, order="C")
    return _core.ew1(getattr(_core, "MAP_" + name), _core.from_numpy(x)).numpy()


def exp_square(x, c=1.0):
    """e^(c x^2), c a power of 2, with the rounding error of x^2 put back: x = a + b with a of 24 bits, so a^2 is exact."""
    a = x.astype(np.float32).astype(np.float64)
    return np.where(np.abs(x) < 40, np.exp(c * a * a) * np.exp(c * (x - a) * (x + a)), np.exp(c * x * x))


def erfcx(x):
    """e^(x^2) erfc(x)"""
    a = np.abs(x)
    t = np.where(np.isinf(a), 1.0, (a - 3) / (a + 3))
    r = chebyshev(ERFCX, t) / (1 + 2 * a)
    return np.where(x < 0, 2 * exp_square(x) - r, r)


def ndtr(x):
    """The integral of the normal density up to x."""
    z = -x * ROOT_HALF
    low = x < -1
    tail = erfcx(np.where(low, z, 1.0)) / 2 * exp_square(np.where(low, x, 0.0), -0.5)
    return np.where(low, tail, kernel("erfc", z) / 2)


def log_ndtr(x):
    """log(ndtr(x)) without underflow."""
    z = -x * ROOT_HALF
    low = x < -1
    tail = np.log(erfcx(np.where(low, z, 1.0)) / 2) - z * z
    return np.where(low, tail, np.log1p(-kernel("erfc", -z) / 2))


def _winitzki(log_q):
    """A first guess of erfinv(x), log_q = log(1 - x^2): Winitzki 2008, within 2e-3."""
    h = 2 / (np.pi * 0.147) + log_q / 2
    return np.sqrt(np.maximum(np.sqrt(h * h - log_q / 0.147) - h, 0.0))


def erfc_inverse(q):
    """y with erfc(y) = q for 0 < q <= 1/2, by Newton's method on log erfc(y) = log erfcx(y) - y^2."""
    log_q = np.log(q)
    y = _winitzki(log_q + np.log(2 - q))
    for _ in range(4):
        e = erfcx(y)
        y = y + (np.log(e) - y * y - log_q) * e * (np.sqrt(np.pi) / 2)
    return y


def erfinv(x):
    """y with erf(y) = x: Halley's method in the middle, erfc_inverse outside."""
    a = np.abs(x)
    m = np.where(a <= 0.5, x, 0.0)
    y = np.copysign(_winitzki(np.log1p(-m * m)), m)
    for _ in range(3):
        u = (kernel("erf", y) - m) * (np.sqrt(np.pi) / 2) * np.exp(y * y)
        y = y - u / (1 + y * u)
    tail = erfc_inverse(np.where((a > 0.5) & (a < 1), 1 - a, 0.25))
    y = np.where(a > 0.5, np.copysign(tail, x), y)
    y = np.where(a == 1, np.copysign(np.inf, x), np.where(m == 0, np.where(a == 0, x, y), y))
    return np.where(a <= 1, y, np.nan)


def ndtri(p):
    """x with ndtr(x) = p."""
    q = np.minimum(p, 1 - p)
    tail = (q > 0) & (q < 0.25)
    y = np.where(tail, -erfc_inverse(np.where(tail, 2 * q, 0.5)), 0.0) / ROOT_HALF
    y = np.where(p > 0.5, -y, y)
    y = np.where(q >= 0.25, erfinv(np.where(q >= 0.25, 2 * p - 1, 0.0)) / ROOT_HALF, y)
    return np.where(p == 0, -np.inf, np.where(p == 1, np.inf, np.where((p > 0) & (p < 1), y, np.nan)))


def lgamma(x):
    return kernel("lgamma", x)


def digamma(x):
    """Recurrence to x >= 10 and the asymptotic series there; reflection for negative x (DLMF 5.5, 5.11)."""
    low = x < 0
    z, r = np.where(low, 1 - x, x), 0.0
    for k in range(10):
        r = r - 1 / (z + k)
    z = z + 10
    q, s = 1 / (z * z), 0.0
    for k in range(8, 0, -1):
        s = (s + BERNOULLI[k - 1] / (2 * k)) * q
    r = r + np.log(z) - 0.5 / z - s
    fraction = x - np.round(x)
    r = np.where(low, r - np.pi / np.tan(np.pi * fraction), r)
    r = np.where(low & (fraction == 0), np.nan, r)
    return np.where(x == 0, -np.copysign(np.inf, x), np.where(x == np.inf, np.inf, r))


def _zeta_above(s, q):
    """zeta(s, q) for s > 1, q > 0 by Euler and Maclaurin (DLMF 25.11.28), relative to q^-s so that nothing underflows early."""
    total = 0.0
    for k in range(12):
        total = total + (1 + k / q) ** -s
    a = q + 12
    scale = (a / q) ** -s
    total = total + scale * (a / (s - 1) + 0.5)
    term = s / a / 2
    for k in range(1, 13):  # B_2k / (2k)! s (s + 1) ... (s + 2k - 2) a^(1 - 2k)
        total = total + scale * BERNOULLI[k - 1] * term
        term = term * (s + 2 * k - 1) * (s + 2 * k) / (a * a * (2 * k + 1) * (2 * k + 2))
    return total * q**-s


def zeta(s, q):
    """sum over k >= 0 of (q + k)^-s; below 0 the terms of either sign are two sums more."""
    s, q = np.broadcast_arrays(s, q)
    negative = q < 0
    steps = np.ceil(-q)
    r = _zeta_above(s, np.where(negative, q + steps, q))
    if negative.any():
        size = -np.where(negative, q, -1.0)
        sign = np.where(np.mod(s, 2) == 0, 1.0, -1.0)
        part = _zeta_above(s, size - (np.ceil(size) - 1)) - _zeta_above(s, size + 1)
        r = np.where(negative, r + sign * part, r)
    r = np.where(q == np.inf, 0.0, r)
    bad = np.isnan(s) | np.isnan(q) | (s < 1) | (negative & (s != np.floor(s)))
    return np.where(s == 1, np.inf, np.where(bad, np.nan, np.where((q <= 0) & (q == np.floor(q)), np.inf, r)))


def polygamma(n, x):
    """The n-th derivative of digamma: (-1)^(n + 1) n! zeta(n + 1, x)."""
    if n == 0:
        return digamma(x)
    factorial = np.multiply.reduce(np.arange(1.0, n + 1))
    return (factorial if n % 2 else -factorial) * zeta(np.float64(n + 1), x)


# ---- the incomplete gamma functions ----------------------------------------------------------------------------------------
def _log_star(a):
    """log of Gamma(a) over Stirling's first approximation, for a >= 10 (DLMF 5.11.1)."""
    q, r = 1 / (a * a), 0.0
    for k in range(8, 0, -1):
        r = r * q + BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    return r / a


def _front(a, x):
    """x^a e^-x / Gamma(a + 1); for large a by way of (x - a) / a, where logarithms would cancel."""
    large = a >= 10
    b = np.where(large, a, 10.0)
    m = np.where(large, x - a, 0.0) / b
    stirling = np.exp(-b * (m - np.log1p(m)) - _log_star(b)) / np.sqrt(2 * np.pi * b)
    c = np.where(large, 1.0, a)
    return np.where(large, stirling, np.exp(c * np.log(x) - x - lgamma(c + 1)))


def _by_series(a, x):
    """P(a, x) = front sum_n x^n / (a + 1)_n (DLMF 8.11.4), for x not far above a."""
    total, term, d = np.ones_like(x), np.ones_like(x), a
    for _ in range(3000):
        d = d + 1
        term = term * x / d
        total = total + term
        if not (term > total * 2e-17).any():
            break
    return _front(a, x) * total


def _by_fraction(a, x):
    """Q(a, x) by the continued fraction DLMF 8.9.2 (even part), for x above a + 1; Lentz's method."""
    b = x + 1 - a
    c, d = np.full_like(x, 1e300), 1 / b
    h = d
    for k in range(1, 3000):
        an = -k * (k - a)
        b = b + 2
        d = 1 / (an * d + b)
        c = b + an / c
        h = h * (d * c)
        if not (np.abs(d * c - 1) > 2e-16).any():
            break
    return _front(a, x) * a * h


def _small(a, x):
    """Q(a, x) for small x without taking P from 1 (DLMF 8.7.1)."""
    power = a * np.log(x) - lgamma(a + 1)
    total, term = 0.0, np.ones_like(x)
    for n in range(1, 40):
        term = term * -x / n
        total = total + term / (a + n)
    return -np.expm1(power) - np.exp(power) * a * total


def _by_quadrature(a, x):
    """The smaller of P and Q for large a and x near it: the density integrated outwards over 12 standard deviations."""
    nodes, weights = np.polynomial.legendre.leggauss(56)
    m, side = (x - a) / a, np.where(x < a, -1.0, 1.0)
    width = 12 / np.sqrt(a)
    s = m[:, None] + side[:, None] * width[:, None] * (nodes + 1) / 2
    inside = s > -1
    s = np.where(inside, s, 0.0)
    density = np.where(inside, np.exp(-a[:, None] * (s - np.log1p(s))) / (1 + s), 0.0)
    return (density * weights).sum(1) * width / 2 * np.sqrt(a / (2 * np.pi)) * np.exp(-_log_star(a))


def gamma_parts(a, x):
    """(P, Q), the regularised lower and upper incomplete gamma functions, each accurate to relative precision."""
    a, x = (np.array(v, dtype=np.float64) for v in np.broadcast_arrays(a, x))
    shape, a, x = a.shape, a.ravel(), x.ravel()
    p, q = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    near = inside & (a >= 200) & (np.abs(x - a) < 0.3 * a)
    small = inside & ~near & (x <= 1.1) & (x > a)
    fraction = inside & ~near & ~small & (x > a + 1)
    series = inside & ~near & ~small & ~fraction
    for where, f, upper in ((small, _small, True), (fraction, _by_fraction, True), (series, _by_series, False)):
        if where.any():
            r = f(a[where], x[where])
            (q if upper else p)[where], (p if upper else q)[where] = r, 1 - r
    if near.any():
        r, low = _by_quadrature(a[near], x[near]), x[near] < a[near]
        p[near], q[near] = np.where(low, r, 1 - r), np.where(low, 1 - r, r)
    for where, value in (((a > 0) & (x == 0), 0.0), ((a == 0) & (x > 0), 1.0), ((a == np.inf) & (x >= 0) & (x < np.inf), 0.0),
                         ((a >= 0) & (a < np.inf) & (x == np.inf), 1.0)):  # fmt: skip
        p[where], q[where] = value, 1 - value
    return p.reshape(shape), q.reshape(shape)
