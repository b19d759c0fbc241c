"""Positions and SwiGLU: formulas, relative distances, offsets, errors."""

import numpy as np
import pytest
from harness import check_close, check_raises, numbers

import udlfast as torch
from udlfast import nn


def test_sinusoidal(rng):
    x = rng.standard_normal((2, 7, 6))
    want = x.copy()
    for t in range(7):
        for i in range(3):
            want[:, t, 2 * i] += np.sin(t / 100.0 ** (2 * i / 6))
            want[:, t, 2 * i + 1] += np.cos(t / 100.0 ** (2 * i / 6))
    layer = nn.SinusoidalPositions(6, 9, base=100.0, dtype=torch.float64)
    check_close(layer(torch.tensor(x)), want, "sinusoidal", k=4)
    check_close(layer(torch.tensor(x[:, 2:]), offset=2), want[:, 2:], "from 2 on", k=4)
    assert not layer.state_dict() and not list(layer.parameters())


def test_learned(rng):
    layer = nn.LearnedPositions(9, 4)
    x = torch.tensor(rng.standard_normal((2, 3, 4)), dtype=torch.float32)
    layer(x, offset=5).sum().backward()
    assert np.array_equal(numbers(layer.weight.grad), 2.0 * ((np.arange(9) >= 5) & (np.arange(9) < 8))[:, None] * np.ones(4))
    assert list(layer.state_dict()) == ["weight"] and 0.01 < numbers(layer.weight).std() < 0.03


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary(rng, interleaved):
    """Pairs are turned, as complex numbers; products depend on distances only; lengths stay."""
    layer = nn.RotaryPositions(8, 50, interleaved=interleaved, dtype=torch.float64)
    x = rng.standard_normal((2, 3, 40, 8))
    got = numbers(layer(torch.tensor(x)))
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :4], x[..., 4:])
    turned = (a + 1j * b) * np.exp(1j * np.arange(40)[:, None] * 10000.0 ** (-np.arange(4) / 4))
    parts = (got[..., 0::2], got[..., 1::2]) if interleaved else (got[..., :4], got[..., 4:])
    assert np.allclose(parts[0], turned.real, atol=1e-13) and np.allclose(parts[1], turned.imag, atol=1e-13)
    q, k = (torch.tensor(np.broadcast_to(v, (40, 8)).copy()) for v in rng.standard_normal((2, 8)))
    scores = numbers(layer(q) @ layer(k).t())
    for d in (-3, 0, 5):
        assert np.ptp(np.diagonal(scores, d)) < 1e-12
    assert np.allclose(numbers(layer(torch.tensor(x[:, :, 7:9]), offset=7)), got[:, :, 7:9], atol=1e-13)


def test_swiglu(rng):
    for bias in (False, True):
        layer = nn.SwiGLU(6, 10, 4, bias=bias).double()
        x = rng.standard_normal((3, 6))
        w1, w2, w3 = (numbers(m.weight) for m in (layer.w1, layer.w2, layer.w3))
        b1, b2, b3 = (numbers(m.bias) if bias else 0.0 for m in (layer.w1, layer.w2, layer.w3))
        h = x @ w1.T + b1
        want = (h / (1 + np.exp(-h)) * (x @ w3.T + b3)) @ w2.T + b2
        check_close(layer(torch.tensor(x)), want, "swiglu", k=8, n=10)
        with torch.no_grad():
            check_close(layer(torch.tensor(x)), want, "swiglu, fused", k=8, n=10)
    assert nn.SwiGLU(12).w1.out_features == 32 and nn.SwiGLU(13).w2.in_features == 40


def test_errors():
    check_raises(ValueError, ["even", "got 5"], nn.SinusoidalPositions, 5)
    check_raises(ValueError, ["even", "got 0"], nn.RotaryPositions, 0)
    check_raises(ValueError, ["2 to 5", "there are 4"], nn.SinusoidalPositions(2, 4), torch.ones(4, 2), offset=2)
    check_raises(ValueError, ["0 to 4", "there are 4"], nn.LearnedPositions(4, 2), torch.ones(5, 2))
    check_raises(RuntimeError, ["4 features", "[3, 6]"], nn.RotaryPositions(4), torch.ones(3, 6))
