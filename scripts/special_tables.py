"""Write src/udlfast/ops/_special_tables.py: Chebyshev coefficients of special functions, computed with mpmath.

    python scripts/special_tables.py          needs mpmath; takes a minute

Each table is (low, high, coefficients) of f on t = (2 u - low - high) / (high - low), where u is the variable named below.
A function is sampled at Chebyshev nodes with 40 digits; coefficients below 2^-58 of the largest at the end are dropped.
"""

import pathlib

import mpmath as mp

mp.mp.dps = 40
TARGET = pathlib.Path(__file__).resolve().parent.parent / "src/udlfast/ops/_special_tables.py"


def chebyshev(f, low, high, n=72):
    """The coefficients of f on [low, high]."""
    nodes = [mp.cos(mp.pi * (k + mp.mpf(1) / 2) / n) for k in range(n)]
    values = [f((low + high) / mp.mpf(2) + (high - low) / mp.mpf(2) * t) for t in nodes]
    c = [2 / mp.mpf(n) * mp.fsum(v * mp.cos(mp.pi * j * (k + mp.mpf(1) / 2) / n) for k, v in enumerate(values)) for j in range(n)]
    c[0] /= 2
    limit = max(abs(x) for x in c) * mp.mpf(2) ** -58
    while len(c) > 1 and abs(c[-1]) < limit:
        c.pop()
    assert len(c) < n - 4, "not converged"
    return [float(x) for x in c]


def at_infinity(f):
    """f of 1/u with a limit at u = 0, which nodes never reach."""
    return lambda u: f(1 / u)


def hankel(n, part):
    """P or Q of J_n = sqrt(2 / pi x) (P cos c - Q sin c), c = x - (2 n + 1) pi / 4, in u = 1 / x^2 (Q times x)."""
    def f(u):
        x = 1 / mp.sqrt(u)
        c = x - (2 * n + 1) * mp.pi / 4
        j, y, s = mp.besselj(n, x), mp.bessely(n, x), mp.sqrt(mp.pi * x / 2)
        return s * (j * mp.cos(c) + y * mp.sin(c)) if part == "p" else s * x * (y * mp.cos(c) - j * mp.sin(c))
    return f


def airy_wave(part):
    """P or Q of Ai(-x) = (P sin c - Q cos c) / sqrt(pi) x^(1/4), c = z + pi / 4, z = 2/3 x^(3/2), in u = 1 / z^2 (Q times z)."""
    def f(u):
        z = 1 / mp.sqrt(u)
        x = (mp.mpf(3) / 2 * z) ** (mp.mpf(2) / 3)
        c, s = z + mp.pi / 4, mp.sqrt(mp.pi) * x ** mp.mpf("0.25")
        a, b = mp.airyai(-x), mp.airybi(-x)
        return s * (a * mp.sin(c) + b * mp.cos(c)) if part == "p" else s * z * (b * mp.sin(c) - a * mp.cos(c))
    return f


def airy_tail(u):
    """Ai(x) e^z x^(1/4) in u = 1 / z, z = 2/3 x^(3/2)."""
    x = (mp.mpf(3) / 2 / u) ** (mp.mpf(2) / 3)
    return mp.airyai(x) * mp.exp(1 / u) * x ** mp.mpf("0.25")


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


TABLES = {
    # (1 + 2 x) erfcx(x), x = 3 (1 + t) / (1 - t), u = t
    "ERFCX": (lambda t: (1 + 2 * 3 * (1 + t) / (1 - t)) * erfcx(3 * (1 + t) / (1 - t)), -1, 1),
    # u = x below 8, u = 1 / x above, times sqrt(x) there
    "I0E_LOW": (lambda x: mp.exp(-x) * mp.besseli(0, x), 0, 8),
    "I0E_HIGH": (at_infinity(lambda x: mp.sqrt(x) * mp.exp(-x) * mp.besseli(0, x)), 0, mp.mpf(1) / 8),
    "I1E_LOW": (lambda x: mp.exp(-x) * mp.besseli(1, x) / x, 0, 8),
    "I1E_HIGH": (at_infinity(lambda x: mp.sqrt(x) * mp.exp(-x) * mp.besseli(1, x)), 0, mp.mpf(1) / 8),
    # u = x^2 below 2; u = 1 / x above
    "K0_LOW": (lambda u: mp.besselk(0, mp.sqrt(u)) + mp.log(mp.sqrt(u) / 2) * mp.besseli(0, mp.sqrt(u)), 0, 4),
    "K0_HIGH": (at_infinity(lambda x: mp.sqrt(x) * mp.exp(x) * mp.besselk(0, x)), 0, mp.mpf(1) / 2),
    "K1_LOW": (lambda u: mp.sqrt(u) * (mp.besselk(1, mp.sqrt(u)) - mp.log(mp.sqrt(u) / 2) * mp.besseli(1, mp.sqrt(u))), 0, 4),
    "K1_HIGH": (at_infinity(lambda x: mp.sqrt(x) * mp.exp(x) * mp.besselk(1, x)), 0, mp.mpf(1) / 2),
    # u = x^2 below 8
    "J0_LOW": (lambda u: mp.besselj(0, mp.sqrt(u)), 0, 64),
    "J1_LOW": (lambda u: mp.besselj(1, mp.sqrt(u)) / mp.sqrt(u), 0, 64),
    "Y0_LOW": (lambda u: mp.bessely(0, mp.sqrt(u)) - 2 / mp.pi * mp.log(mp.sqrt(u) / 2) * mp.besselj(0, mp.sqrt(u)), 0, 64),
    "Y1_LOW": (lambda u: (mp.bessely(1, mp.sqrt(u)) - 2 / mp.pi * (mp.log(mp.sqrt(u) / 2) * mp.besselj(1, mp.sqrt(u))
                          - 1 / mp.sqrt(u))) / mp.sqrt(u), 0, 64),
    # u = 1 / x^2 above 8
    "P0": (hankel(0, "p"), 0, mp.mpf(1) / 64), "Q0": (hankel(0, "q"), 0, mp.mpf(1) / 64),
    "P1": (hankel(1, "p"), 0, mp.mpf(1) / 64), "Q1": (hankel(1, "q"), 0, mp.mpf(1) / 64),
    # u = x in the middle, 1 / z above 1, 1 / z^2 below -5
    "AIRY_MIDDLE": (mp.airyai, -5, 1),
    "AIRY_TAIL": (airy_tail, 0, mp.mpf(3) / 2),
    "AIRY_P": (airy_wave("p"), 0, mp.mpf(9) / 500), "AIRY_Q": (airy_wave("q"), 0, mp.mpf(9) / 500),
}  # fmt: skip


if __name__ == "__main__":
    out = ['"""Written by scripts/special_tables.py: Chebyshev coefficients; that script says of what."""\n']
    for name, (f, low, high) in TABLES.items():
        c = chebyshev(f, low, high)
        out.append(f"{name} = ({float(low)!r}, {float(high)!r}, (")
        out += ["    " + ", ".join(map(repr, c[i:i + 5])) + "," for i in range(0, len(c), 5)]
        out.append("))")
        print(name, len(c))
    TARGET.write_text("\n".join(out) + "\n")
