"""Numbers so small that products with them are subnormal, which levels without a fused multiply-add scale (csrc/kernels/tiny.h)."""

import numpy as np
import pytest

import udlfast as torch
import udlfast.nn.functional as F

UNIT = 2.0**-149  # between neighbouring subnormal numbers


@pytest.fixture(params=torch.isas())
def level(request):
    with torch.use_isa(request.param):
        yield request.param


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def wide(x, scale=1.0):
    return torch.from_numpy(x.astype("float64") * scale)


def check(got, want, terms):
    """want, within rounding of each of so many terms, to 24 bits or to a subnormal unit."""
    np.testing.assert_allclose(got.numpy().astype("float64"), want, rtol=0, atol=terms * UNIT + 2e-6 * np.abs(want).max())


@pytest.mark.parametrize("scale", [1e-37, 1e-39, 1e-42])
@pytest.mark.parametrize("shape", [(2, 16, 14, 14, 32, 3, 1), (1, 3, 9, 7, 5, 3, 1), (2, 8, 5, 5, 8, 3, 8), (3, 4, 6, 6, 8, 1, 2)])
def test_conv2d(level, scale, shape):
    N, C, H, W, O, k, G = shape
    x, w, b = draw(0, N, C, H, W) * np.float32(scale), draw(1, O, C // G, k, k), draw(2, O) * np.float32(scale)
    want = F.conv2d(wide(x, 1e38), wide(w), wide(b, 1e38), padding=k // 2, groups=G).numpy() / 1e38
    check(F.conv2d(torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b), padding=k // 2, groups=G), want, C // G * k * k)


def test_conv2d_of_one_large_number(level):
    x, w = draw(0, 1, 2, 8, 8) * np.float32(1e-39), draw(1, 3, 2, 3, 3)
    x[0, 1, 7, 7] = 2.0
    want = F.conv2d(wide(x), wide(w), padding=1).numpy()
    got = F.conv2d(torch.from_numpy(x), torch.from_numpy(w), padding=1)
    check(got, want, 18)
    x[0, 1, 7, 7] = np.nan
    assert np.isnan(F.conv2d(torch.from_numpy(x), torch.from_numpy(w)).numpy()[0, :, -1, -1]).all()
    assert not F.conv2d(torch.zeros(1, 2, 8, 8), torch.from_numpy(w)).numpy().any()


def test_conv2d_and_relu(level):
    conv = torch.nn.Conv2d(4, 6, 3).eval()
    x = torch.from_numpy(draw(0, 2, 4, 8, 8) * np.float32(1e-39))
    with torch.no_grad():
        whole = torch.compile(torch.nn.Sequential(conv, torch.nn.ReLU()).eval())
        check(whole(x), conv(x).relu().numpy(), 36)


@pytest.mark.parametrize("shape", [(2, 4, 16, 16, 8, 8, 1), (1, 4, 3, 5, 7, 9, 2), (2, 2, 70, 33, 32, 16, 1)])
@pytest.mark.parametrize("small", ["q", "k", "v", "qk", "qkv"])
def test_attention(level, shape, small):
    B, H, L, S, D, E, G = shape
    q, k, v = draw(0, B, H, L, D), draw(1, B, S, H // G, D).swapaxes(1, 2), draw(2, B, H // G, S, E)
    q, k, v = (x * np.float32(1e-39) if name in small else x for name, x in zip("qkv", (q, k, v)))
    options = {"enable_gqa": G > 1, "is_causal": L == S}
    back = 1e38 if "v" in small else 1.0
    want = F.scaled_dot_product_attention(wide(q), wide(k), wide(v, back), **options).numpy() / back
    got = F.scaled_dot_product_attention(torch.from_numpy(q), torch.from_numpy(k), torch.from_numpy(v), **options)
    check(got, want, S)


def test_attention_with_a_mask_and_large_keys(level):
    q, k, v = draw(0, 1, 2, 9, 8) * np.float32(1e-38), draw(1, 1, 2, 11, 8) * np.float32(1e38), draw(2, 1, 2, 11, 8)
    mask = draw(3, 9, 11)
    want = F.scaled_dot_product_attention(wide(q), wide(k), wide(v), wide(mask)).numpy()
    check(F.scaled_dot_product_attention(*(torch.from_numpy(x) for x in (q, k, v, mask))), want, 11)


@pytest.mark.parametrize("D", [5, 64, 400, 5000])
@pytest.mark.parametrize("place", [None, 1, 3, -1])
@pytest.mark.parametrize("row", [2, 3])
def test_layer_norm_of_a_row_with_large_numbers(level, D, place, row):
    """Two that add up to 0, so that the deviations of all others are tiny too."""
    x = draw(0, 6, D) * np.float32(1e-39)
    if place is not None:
        x[row, place], x[row, place - 1] = 1e-3, -1e-3
    want = F.layer_norm(wide(x), (D,), eps=1e-9).numpy()
    got = F.layer_norm(torch.from_numpy(x), (D,), eps=1e-9).numpy()
    assert (np.abs(got - want) <= 1e-5 * np.abs(want).max(1, keepdims=True) + UNIT).all()
    x[row, place or 0] = np.nan
    assert np.isnan(F.layer_norm(torch.from_numpy(x), (D,)).numpy()[row]).all()
