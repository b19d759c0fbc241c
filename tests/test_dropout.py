"""Dropout: the mask's share, the scale of what is kept, the same mask in backward, the seed."""

import numpy as np
import pytest
from harness import check_close, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import dropout as ref

SIZES = [0, 1, 3, 4, 5, 7, 8, 9, 16, 17, 33, 1023]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_values_and_gradient_share_one_mask(isa, rng, p, dtype):
    for n in SIZES:
        x = rng.uniform(0.5, 2, n)
        t = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True)
        y = F.dropout(t, p, training=True)
        mask = numbers(y) != 0
        check_close(y, ref.dropout(numbers(t), mask, p), "dropout", k=1, scale=0)
        gy = rng.uniform(0.5, 2, n)
        y.backward(torch.tensor(gy, dtype=t.dtype))
        check_close(t.grad, ref.dropout_backward(numbers(torch.tensor(gy, dtype=t.dtype)), mask, p)[0], "gradient", k=1, scale=0)


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_share_and_independence(isa, p):
    """Of 200,000 elements, the share kept is within five standard deviations; so is that of kept neighbours."""
    n = 200_000
    kept = numbers(F.dropout(torch.ones(n), p)) != 0
    for q, seen in (((1 - p), kept), ((1 - p) ** 2, kept[1:] & kept[:-1]), ((1 - p) ** 2, kept[4:] & kept[:-4])):
        assert abs(seen.mean() - q) < 5 * np.sqrt(q * (1 - q) / n) * 1.5


def test_evaluation_is_the_identity(isa, rng):
    x = torch.tensor(rng.standard_normal(9))
    assert torch.equal(F.dropout(x, 0.5, training=False), x)
    layer = torch.nn.Dropout(0.5).eval()
    assert torch.equal(layer(x), x)


def test_seed_decides(isa):
    x = torch.ones(1000)
    torch.manual_seed(7)
    a, b = F.dropout(x), F.dropout(x)
    torch.manual_seed(7)
    c = F.dropout(x)
    assert torch.equal(a, c) and not torch.equal(a, b)


def test_strided_input(isa, rng):
    x = torch.tensor(rng.uniform(1, 2, (5, 8))).t()[::2]
    y = F.dropout(x, 0.5)
    kept = numbers(y) != 0
    check_close(y, numbers(x) * kept * 2, "strided", k=1)


def test_nan_is_not_hidden_when_kept(isa):
    y = numbers(F.dropout(torch.full((1000,), float("nan")), 0.5))
    assert 300 < np.isnan(y).sum()


def test_whole_channels(isa):
    y = numbers(F.dropout2d(torch.ones((50, 20, 3, 3)), 0.5))
    flat = y.reshape(1000, 9)
    assert ((flat == 0).all(1) | (flat == 2).all(1)).all()
    assert 400 < (flat[:, 0] == 0).sum() < 600
