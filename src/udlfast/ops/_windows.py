"""Windows as float64 arrays, and the family torch.signal.windows."""
import numpy as np

from .. import _core
from ..errors import ArgumentError, DTypeError


def finish(a, dtype, requires_grad):
    """An array as a tensor of a floating-point type."""
    dtype = dtype or _core.get_default_dtype()
    if not dtype.is_floating_point:
        raise DTypeError(f"window: expected a floating-point dtype, got {dtype}")
    t = _core.from_numpy(np.array(a, dtype=np.float64, order="C")).to(dtype)
    return t.requires_grad_(True) if requires_grad else t


def places(n, sym):
    """n places from 0 to 1 (sym), or short of 1 by one step."""
    return np.arange(n) / (max(n - 1, 1) if sym else n) if n else np.zeros(0)


def cosines(n, coefficients, sym):
    """sum_i (-1)^i a_i cos(2 pi i places)"""
    if n == 1:
        return np.ones(1)
    x = 2 * np.pi * places(n, sym)
    return sum((-1) ** i * a * np.cos(i * x) for i, a in enumerate(coefficients)) + 0 * x


def triangle_array(n, sym):
    return np.ones(1) if n == 1 else 1 - np.abs(2 * places(n, sym) - 1)


def kaiser_array(n, beta, sym):
    from ._special_bessel import i0
    if n == 1:
        return np.ones(1)
    x = 2 * places(n, sym) - 1
    return i0(np.float64(beta) * np.sqrt(np.maximum(1 - x * x, 0))) / i0(np.float64(beta))


def _general_cosine(n, sym, *, a):
    a = list(a)
    if not a:
        raise ArgumentError("general_cosine: a must have at least one coefficient")
    return cosines(n, a, sym)


def _exponential(n, sym, *, center=None, tau=1.0):
    if tau <= 0:
        raise ArgumentError(f"exponential: tau must be positive, got {tau}")
    if sym and center is not None:
        raise ArgumentError("exponential: center must be None for symmetric windows")
    center = ((n if not sym and n > 1 else n - 1) / 2) if center is None else center
    return np.exp(-np.abs(np.arange(n) - center) / tau)


def _gaussian(n, sym, *, std=1.0):
    if std <= 0:
        raise ArgumentError(f"gaussian: std must be positive, got {std}")
    return np.exp(-0.5 * ((np.arange(n) - (n if not sym and n > 1 else n - 1) / 2) / std) ** 2)


# (formula in words, array of (n, sym, **parameters))
WINDOWS = {
    "bartlett": ("1 - |2 n / N - 1|", triangle_array),
    "blackman": ("0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)", lambda n, sym: cosines(n, (0.42, 0.5, 0.08), sym)),
    "cosine": ("sin(pi (n + 1/2) / N)", lambda n, sym: np.sin(np.pi * (np.arange(n) + 0.5) / (n if sym or n == 1 else n + 1))),
    "exponential": ("e^(-|n - center| / tau)", _exponential),
    "gaussian": ("e^(-((n - N / 2) / std)^2 / 2)", _gaussian),
    "general_cosine": ("sum_i (-1)^i a_i cos(2 pi i n / N)", _general_cosine),
    "general_hamming": ("alpha - (1 - alpha) cos(2 pi n / N)", lambda n, sym, *, alpha=0.54: cosines(n, (alpha, 1 - alpha), sym)),
    "hamming": ("0.54 - 0.46 cos(2 pi n / N)", lambda n, sym: cosines(n, (0.54, 0.46), sym)),
    "hann": ("(1 - cos(2 pi n / N)) / 2", lambda n, sym: cosines(n, (0.5, 0.5), sym)),
    "kaiser": ("I_0(beta sqrt(1 - (2 n / N - 1)^2)) / I_0(beta)", lambda n, sym, *, beta=12.0: kaiser_array(n, beta, sym)),
    "nuttall": ("four cosines", lambda n, sym: cosines(n, (0.3635819, 0.4891775, 0.1365995, 0.0106411), sym)),
}  # fmt: skip
_DOC = """The window {name}: {formula}.

    N is M - 1, so that the window is symmetric, or M with sym=False, as Fourier transforms want it.

    >>> import udlfast as torch
    >>> torch.signal.windows.{name}(4{more}).shape
    udlfast.Size([4])

    Source: Harris 1978; Nuttall 1981.
    """


def _make(name, formula, array):
    def window(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False, **parameters):
        if not isinstance(M, int) or M < 0:
            raise ArgumentError(f"{name}: the window length M must be a whole number of at least 0, got {M}")
        return finish(array(M, sym, **parameters), dtype, requires_grad)
    window.__name__ = window.__qualname__ = name
    window.__doc__ = _DOC.format(name=name, formula=formula, more=", a=[0.5, 0.5]" if name == "general_cosine" else "")
    return window


FUNCTIONS = {name: _make(name, *entry) for name, entry in WINDOWS.items()}
