"""Bessel and Airy functions and orthogonal polynomials of float64 arrays in NumPy (see _special_numeric.py).

Chebyshev sums on both sides of a limit (scripts/special_tables.py): of the function near 0, of what is left after taking out
the leading behaviour far from it.
"""
import numpy as np

from ..errors import ArgumentError
from . import _special_tables as tables
from ._special_numeric import chebyshev

ROOT_2_PI = np.sqrt(2 / np.pi)


def _two(x, limit, low, high):
    """low(x) up to a limit and high(x) beyond, each called with arguments of its own side only."""
    near = x <= limit
    return np.where(near, low(np.where(near, x, limit / 2)), high(np.where(near | np.isnan(x), 2 * limit, x)))


def i0e(x):
    """e^-|x| I0(x)"""
    y = _two(np.abs(x), 8, lambda a: chebyshev(tables.I0E_LOW, a), lambda a: chebyshev(tables.I0E_HIGH, 1 / a) / np.sqrt(a))
    return np.where(np.isnan(x), x, y)


def i1e(x):
    """e^-|x| I1(x)"""
    y = _two(np.abs(x), 8, lambda a: chebyshev(tables.I1E_LOW, a) * a, lambda a: chebyshev(tables.I1E_HIGH, 1 / a) / np.sqrt(a))
    return np.where(np.isnan(x), x, np.copysign(y, x))


def _grown(scaled):
    def f(x):
        a = np.abs(x)
        half = np.exp(a / 2)
        return np.where(np.isinf(x), np.copysign(np.inf, scaled(np.sign(x))), scaled(x) * half * half)
    return f


i0, i1 = _grown(i0e), _grown(i1e)


def _k(x, low, high, limit_low, scaled):
    """K0 or K1 (times e^x if scaled): with the logarithm below 2."""
    def near(a):
        y = low(a)
        return y * np.exp(a) if scaled else y

    def far(a):
        y = chebyshev(high, 1 / a) / np.sqrt(a)
        return y if scaled else y * np.exp(-a)
    y = _two(np.where(x > 0, x, 1.0), 2, near, far)
    return np.where(x > 0, y, np.where(x == 0, np.inf, np.nan))


def _k0_low(a):
    return chebyshev(tables.K0_LOW, a * a) - np.log(a / 2) * i0(a)


def _k1_low(a):
    return chebyshev(tables.K1_LOW, a * a) / a + np.log(a / 2) * i1(a)


def k0(x):
    return _k(x, _k0_low, tables.K0_HIGH, 2, False)


def k1(x):
    return _k(x, _k1_low, tables.K1_HIGH, 2, False)


def k0e(x):
    return _k(x, _k0_low, tables.K0_HIGH, 2, True)


def k1e(x):
    return _k(x, _k1_low, tables.K1_HIGH, 2, True)


def _wave(x, n, p, q, second):
    """J_n or Y_n for large x: the modulus and phase of Hankel's expansion."""
    u = 1 / (x * x)
    p, q = chebyshev(p, u), chebyshev(q, u) / x
    c, s = np.cos(x), np.sin(x)  # of x - pi/4 (n = 0) or x - 3 pi/4 (n = 1), times sqrt 2
    c, s = (c + s, s - c) if n == 0 else (s - c, -(s + c))
    root = ROOT_2_PI / np.sqrt(x) / np.sqrt(2)
    y = root * (p * s + q * c) if second else root * (p * c - q * s)
    return np.where(np.isinf(x), 0.0, y)


def j0(x):
    y = _two(np.abs(x), 8, lambda a: chebyshev(tables.J0_LOW, a * a), lambda a: _wave(a, 0, tables.P0, tables.Q0, False))
    return np.where(np.isnan(x), x, y)


def j1(x):
    y = _two(np.abs(x), 8, lambda a: chebyshev(tables.J1_LOW, a * a) * a, lambda a: _wave(a, 1, tables.P1, tables.Q1, False))
    return np.where(np.isnan(x), x, np.where(x < 0, -y, y))


def _second(x, low, high):
    y = _two(np.where(x > 0, x, 1.0), 8, low, high)
    return np.where(x > 0, y, np.where(x == 0, -np.inf, np.nan))


def y0(x):
    return _second(x, lambda a: chebyshev(tables.Y0_LOW, a * a) + 2 / np.pi * np.log(a / 2) * j0(a),
                   lambda a: _wave(a, 0, tables.P0, tables.Q0, True))


def y1(x):
    return _second(x, lambda a: chebyshev(tables.Y1_LOW, a * a) * a + 2 / np.pi * (np.log(a / 2) * j1(a) - 1 / a),
                   lambda a: _wave(a, 1, tables.P1, tables.Q1, True))


def spherical_j0(x):
    y = np.sin(x) / np.where(x == 0, 1.0, x)
    return np.where(np.isinf(x), 0.0, np.where(np.abs(x) < 0.03, 1 - x * x / 6 * (1 - x * x / 20 * (1 - x * x / 42)), y))


def airy_ai(x):
    def tail(a):
        z = a * np.sqrt(a) * (2 / 3)
        return chebyshev(tables.AIRY_TAIL, 1 / z) * np.exp(-z) / a**0.25

    def wave(a):
        z = a * np.sqrt(a) * (2 / 3)
        u, c = 1 / (z * z), z + np.pi / 4
        return (chebyshev(tables.AIRY_P, u) * np.sin(c) - chebyshev(tables.AIRY_Q, u) / z * np.cos(c)) / np.sqrt(np.pi) / a**0.25
    y = np.where(x > 1, tail(np.where(x > 1, x, 2.0)), np.where(x < -5, wave(np.where(x < -5, -x, 6.0)),
                 chebyshev(tables.AIRY_MIDDLE, np.where((x >= -5) & (x <= 1), x, 0.0))))  # fmt: skip
    return np.where(np.isnan(x), x, np.where(np.isinf(x), np.where(x > 0, 0.0, np.nan), y))


# ---- orthogonal polynomials: p_k+1 from p_k and p_k-1 --------------------------------------------------------------------------
def _T(x, k, p, q):
    return 2 * x * p - q


# (p_1 of x; p_k+1 of (x, k, p_k, p_k-1))
POLYNOMIALS = {
    "chebyshev_polynomial_t": (lambda x: x, _T), "chebyshev_polynomial_u": (lambda x: 2 * x, _T),
    "chebyshev_polynomial_v": (lambda x: 2 * x - 1, _T), "chebyshev_polynomial_w": (lambda x: 2 * x + 1, _T),
    "hermite_polynomial_h": (lambda x: 2 * x, lambda x, k, p, q: 2 * (x * p - k * q)),
    "hermite_polynomial_he": (lambda x: x, lambda x, k, p, q: x * p - k * q),
    "laguerre_polynomial_l": (lambda x: 1 - x, lambda x, k, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)),
    "legendre_polynomial_p": (lambda x: x, lambda x, k, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
}  # fmt: skip


HIGHEST = 1_000_000


def polynomial(name):
    """The function (x, n) of a family; n is cut to an integer, and a negative one gives 0. A step of the recurrence for each degree:
    of a degree without bound they would not end."""
    first, step = POLYNOMIALS[name.removeprefix("shifted_")]
    shifted = name.startswith("shifted_")

    def f(x, n):
        x, n = np.broadcast_arrays(x, np.trunc(n))
        highest = np.where(np.isnan(n), 0, n).max(initial=0)
        if highest > HIGHEST:
            raise ArgumentError(f"{name}: expected degrees of at most {HIGHEST:,}, got {highest:g}")
        x = 2 * x - 1 if shifted else x
        q, p = np.ones_like(x), first(x)
        y = np.where(n == 0, q, np.where(n == 1, p, 0.0))
        for k in range(1, int(highest)):
            q, p = p, step(x, k, p, q)
            y = np.where(n == k + 1, p, y)
        return np.where(np.isnan(n), n, y)
    return f
