"""Fourier transforms and complex numbers: against the sum that defines them, gradients against differences, and PyTorch."""

import math

import numpy as np
import pytest
from harness import EPS, check_raises, gradcheck, numbers
from twins import check_twin

import udlfast as torch

F = torch.fft
pytestmark = pytest.mark.filterwarnings("ignore")


def dft(x, n=None, inverse=False):
    """The definition, along the last axis, as a matrix product."""
    n = x.shape[-1] if n is None else n
    x = np.concatenate([x, np.zeros((*x.shape[:-1], max(n - x.shape[-1], 0)))], -1)[..., :n]
    k = np.arange(n)
    return x @ np.exp((2j if inverse else -2j) * np.pi * (np.outer(k, k) % n) / n) / (n if inverse else 1)


def near(got, want, n, dtype="float64"):
    got = got.numpy()
    assert got.shape == want.shape
    size = np.abs(want).max(initial=0) + 1
    assert np.all(np.abs(got - want) <= 8 * EPS[dtype] * size * math.sqrt(n) * 4), np.abs(got - want).max()


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13, 60])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_definition(rng, n, dtype):
    x = rng.standard_normal((3, n)).astype(dtype)
    t = torch.from_numpy(x.copy())
    near(F.fft(t), dft(x), n, dtype)
    near(F.rfft(t), dft(x)[:, :n // 2 + 1], n, dtype)
    z = torch.complex(t, t.flip(1))
    near(F.ifft(z), dft(z.numpy(), inverse=True), n, dtype)
    near(F.irfft(F.rfft(t), n=n), x, n, dtype)
    near(F.fft(t, n=n + 3), dft(x, n + 3), n, dtype)
    near(F.fft(t, norm="ortho"), dft(x) / math.sqrt(n), n, dtype)
    near(F.fft(t, norm="forward"), dft(x) / n, n, dtype)
    assert F.fft(t).dtype is (torch.complex64 if dtype == "float32" else torch.complex128)
    if n > 1:
        half = F.ihfft(t)
        near(F.hfft(half, n=n), x, n, dtype)
        near(half, np.conj(dft(x))[:, :n // 2 + 1] / n, n, dtype)


def pair(f):
    return lambda *x: torch.view_as_real(f(*x))


GRADIENTS = {
    "fft": pair(F.fft), "ifft": pair(F.ifft), "rfft": pair(F.rfft), "irfft": lambda x: F.irfft(torch.complex(x, x * x)),
    "hfft": lambda x: F.hfft(torch.complex(x, x * x), n=7), "ihfft": pair(F.ihfft), "rfft2": pair(F.rfft2),
    "irfft2": lambda x: F.irfft2(torch.complex(x, x * x), s=(4, 7)), "fftn": pair(lambda x: F.fftn(x, s=(2, 8))),
    "fftshift": F.fftshift, "power": lambda x: F.rfft(x).abs() ** 2,
    "stft": lambda x: torch.stft(x, 4, hop_length=1, window=torch.hann_window(4, dtype=x.dtype), return_complex=True).abs(),
    "stft two-sided": lambda x: torch.stft(x, 4, 2, onesided=False, return_complex=False, pad_mode="constant", normalized=True),
    "istft": lambda x: torch.istft(torch.complex(x, x * 2), 4, 1, window=torch.hamming_window(4, dtype=x.dtype)),
    "window": lambda x: torch.view_as_real(
        torch.stft(torch.ones(16, dtype=x.dtype) * x[0, 0], 5, 2, window=x[1], return_complex=True)),
    "frame": lambda x: torch.view_as_real(torch.stft(x, 5, 2, center=False, return_complex=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(rng, name):
    gradcheck(GRADIENTS[name], rng.standard_normal((3, 5)), rng=rng)


COMPLEX = {
    "product": lambda x, y: (x * y).abs(), "quotient": lambda x, y: (x / y).real, "matmul": lambda x, y: (x @ y.mT).imag,
    "power": lambda x, y: (x**3 - y**2).imag, "exp": lambda x, y: (x.exp() * y.conj()).angle(),
    "log": lambda x, y: (x.log() + y.sqrt()).imag,
    "index": lambda x, y: (x[1:] * y[..., :2, :]).sum(0).real,
    "einsum": lambda x, y: torch.einsum("ij,kj->ik", x, y).real,
    "real times": lambda x, y: (x.real * y - 2 * x / y.imag + (3 - 1j) * y).abs(),
    "mixed": lambda x, y: torch.matmul(x.real, y.mT).abs(),
    "shapes": lambda x, y: (x.reshape(5, 3).mT.unsqueeze(0) + y.expand(2, 3, 5)).permute(0, 2, 1).mean((0, 1)).real,
}  # fmt: skip


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients(rng, name):
    gradcheck(lambda a, b, c, d: COMPLEX[name](torch.complex(a, b), torch.complex(c, d)), *rng.uniform(0.5, 2, (4, 3, 5)), rng=rng)


def test_complex_arithmetic_is_numpy(rng):
    z, w, r = (rng.standard_normal((2, 3)) for _ in range(3))
    z = z + 1j * w
    t, s = torch.complex(torch.tensor(z.real), torch.tensor(z.imag)), torch.tensor(r)
    for got, want in [(t + s, z + r), (s - t, r - z), (t * t, z * z), (s / t, r / z), (2j * t, 2j * z), (t @ t.mH, z @ z.conj().T),
                      (t.sum(0), z.sum(0)), (t[:, 1], z[:, 1]), (t.T, z.T), (abs(t), abs(z)), (torch.exp(t), np.exp(z)),
                      (torch.add(s, t), r + z), (torch.abs(t), abs(z)), (torch.angle(t), np.angle(z)),
                      (t.reshape(-1), z.ravel())]:  # fmt: skip
        assert np.allclose(got.numpy(), want, rtol=1e-14, atol=1e-15) and tuple(got.shape) == want.shape
    assert torch.view_as_complex(torch.view_as_real(t)).tolist() == z.tolist() and torch.real(t).tolist() == z.real.tolist()
    assert "j" in repr(t) and t.is_complex() and complex(t[0, 0]) == z[0, 0]


X, Z = "a", "T.complex(a, b)"
TWINS = [f"T.fft.{n}({X})" for n in ("fft", "ifft", "rfft", "ihfft", "fft2", "ifftn", "rfftn", "ihfft2", "fftshift", "ifftshift")] + [
    f"T.fft.{n}({Z})" for n in ("fft", "irfft", "hfft", "ifft2", "irfftn", "hfft2", "fftshift")] + [
    f"T.fft.fftn({Z}, s=(4, 2), dim=(0, 1), norm='ortho')",
    f"T.fft.irfft({Z}, n=6, dim=0, norm='forward')",
    f"T.fft.hfftn({Z}, norm='ortho')",
    "T.fft.fftfreq(7, 0.5, dtype=T.float64)", "T.fft.rfftfreq(8, d=2, dtype=T.float64)",
    "T.stft(a, 4, 2, window=T.hann_window(4, dtype=a.dtype), return_complex=True)",
    "T.stft(c, 6, 1, 4, T.ones(4, dtype=a.dtype), center=False, onesided=False, return_complex=True)",
    "T.istft(T.stft(c, 4, 1, window=T.hamming_window(4, dtype=a.dtype), normalized=True, return_complex=True), 4, 1, "
    "window=T.hamming_window(4, dtype=a.dtype), normalized=True, length=9)",
    "T.istft(T.stft(c, 4, 1, onesided=False, return_complex=True), 4, 1, window=T.ones(4, dtype=a.dtype))",
    f"({Z} * T.polar(a.exp(), b)).abs()", f"T.view_as_real({Z} / T.view_as_complex(T.stack([b, a], -1)))", f"({Z}).angle()", f"T.real({Z})",
    "T.angle(a)",
] + [f"T.{n}_window({k}, periodic={p}, dtype=T.float64)" for n in ("hann", "hamming", "blackman", "bartlett", "kaiser")
     for k, p in ((0, True), (1, True), (7, False), (8, True))] + [
    f"T.signal.windows.{n}({k}, sym={s}, dtype=T.float64{more})" for n, more in (
        ("hann", ""), ("hamming", ""), ("blackman", ""), ("bartlett", ""), ("cosine", ""), ("exponential", ", tau=2.0"),
        ("gaussian", ", std=3."),
        ("general_cosine", ", a=[0.4, 0.3, 0.3]"), ("general_hamming", ", alpha=0.6"), ("kaiser", ", beta=5.0"), ("nuttall", ""))
    for k, s in ((0, True), (6, True), (7, False))]  # fmt: skip


@pytest.mark.parametrize("expression", TWINS)
def test_like_pytorch(rng, expression):
    a, b, c = rng.standard_normal((3, 5)), rng.standard_normal((3, 5)), rng.standard_normal(9)
    check_twin(expression, a, b, c, k=2.0**14 if "abs" in expression or "/" in expression or "angle" in expression else 512)


def test_signal_returns(rng):
    """stft and back: the signal, for windows that overlap."""
    x = torch.tensor(rng.standard_normal((2, 400)))
    w = torch.hann_window(64, dtype=torch.float64)
    z = torch.stft(x, 64, 16, window=w, return_complex=True)
    assert z.shape == (2, 33, 26)
    assert np.abs(numbers(torch.istft(z, 64, 16, window=w, length=400)) - x.numpy()).max() <= 1e-13


def test_errors():
    x = torch.ones(8)
    check_raises(RuntimeError, ["stft", "return_complex"], torch.stft, x, 4)
    check_raises(RuntimeError, ["stft", "n_fft", "20"], torch.stft, x, 20, center=False, return_complex=True)
    check_raises(RuntimeError, ["istft", "gaps"], torch.istft, torch.stft(x, 4, return_complex=True), 4, window=torch.zeros(4))
    check_raises(RuntimeError, ["fft.fft", "norm", "'odd'"], F.fft, x, norm="odd")
    check_raises(RuntimeError, ["rfft", "real"], F.rfft, F.fft(x))
    check_raises(IndexError, ["fft.fft", "dim 3"], F.fft, x, dim=3)
    check_raises(RuntimeError, ["fft.fft", "data points (0)"], F.fft, x, n=0)
    check_raises(RuntimeError, ["view_as_complex", "[8]"], torch.view_as_complex, x)
    check_raises(TypeError, ["maximum", "complex"], torch.maximum, F.fft(x), F.fft(x))
