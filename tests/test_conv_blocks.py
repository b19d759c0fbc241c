"""Sums of a convolution in blocks of taps and panels (csrc/kernels/conv_strips.c), and gradients of filters tap by tap
(csrc/kernels/conv_weight_taps.c)."""

import numpy as np
import pytest
from harness import check_threads, numbers, place
from test_conv2d import arrays_of, check
from test_guards import Fences

import udlfast as torch
import udlfast.nn.functional as F

BLOCKS = [  # more taps than a block has, and filters that stay in L2 or do not
    (1, 400, 5, 5, 12, 1, 1, {}),
    (3, 90, 6, 5, 20, 3, 3, {"stride": 2, "padding": 1}),  # panels across images keep their sums from block to block
    (2, 801, 4, 9, 100, 1, 1, {}),
    (2, 50, 1, 133, 100, 1, 9, {"padding": (0, 4)}),
    (2, 230, 3, 24, 140, 3, 1, {"dilation": 2, "padding": (2, 0)}),
    (6, 52, 7, 7, 34, 3, 3, {"dilation": 2, "padding": 2, "groups": 2}),
]
TAPS = [  # few and many images, rows shorter and longer than a panel, filters and taps that do not fill a tile
    (1, 3, 20, 15, 8, 3, 3, {"padding": 1}),
    (1, 2, 1, 700, 9, 1, 25, {"padding": (0, 12)}),
    (2, 5, 1, 263, 33, 1, 4, {"stride": (1, 3)}),
    (3, 7, 9, 41, 16, 2, 2, {"dilation": (2, 3)}),
    (4, 17, 8, 8, 24, 1, 1, {}),
    (5, 17, 9, 9, 24, 1, 1, {"stride": 2, "padding": 2}),
    (9, 6, 13, 300, 17, 3, 3, {"stride": (2, 1), "padding": 1}),
    (4, 24, 17, 16, 48, 5, 5, {"stride": 2, "padding": 2, "groups": 3}),
    (4, 80, 9, 8, 130, 3, 3, {"dilation": 2, "padding": 2}),  # blocks of channels
    (1, 90, 16, 16, 260, 3, 3, {"stride": 2, "padding": 1}),
    (2, 37, 18, 19, 257, 2, 2, {}),
    (17, 4, 8, 9, 8, 3, 3, {"padding": 1, "dilation": 3}),
]


PATCHES = [  # the filter is as wide as its stride
    (2, 3, 64, 64, 20, 8, 8, {"stride": 8}),
    (1, 3, 37, 71, 20, 4, 4, {"stride": 4}),  # rows and columns are left over
    (3, 5, 8, 36, 9, 2, 4, {"stride": (3, 4)}),
    (2, 3, 16, 28, 9, 4, 4, {"stride": 4}),  # narrower than a vector
    (2, 3, 33, 64, 9, 4, 4, {"stride": 4, "padding": (1, 0)}),
]
LARGE = [  # few planes whose padded copies several threads make, in bands of rows: each of the ways in which rows are copied
    (1, 3, 130, 140, 8, 7, 7, {"stride": 2, "padding": 3}),
    (1, 2, 110, 100, 5, 3, 3, {"dilation": 2, "padding": 2}),
    (1, 3, 128, 136, 6, 4, 4, {"stride": 4}),
    (2, 3, 190, 121, 6, 3, 3, {"stride": 3, "padding": (1, 2)}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", BLOCKS + TAPS + PATCHES + LARGE, ids=str)
def test_blocks(isa, rng, case, dtype):
    check(rng, case, dtype)


@pytest.mark.parametrize("case", [*BLOCKS[1:5], TAPS[1], TAPS[5], *TAPS[7:10]], ids=str)
def test_same_bits_with_any_threads(isa, rng, case):
    check_threads(lambda *a: F.conv2d(*a, **case[-1]), [place(a, "float32") for a in arrays_of(rng, case)])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_filters_that_do_not_see_it_stay_finite(isa, rng, bad):
    """One such number of gy reaches its filter's gradient and no other's."""
    x, gy = rng.standard_normal((4, 5, 12, 12)), rng.standard_normal((4, 19, 10, 10))
    gy[2, 7, 3, 4] = bad
    w = torch.zeros(19, 5, 3, 3, requires_grad=True)
    F.conv2d(place(x, "float32"), w, dilation=1).backward(place(gy, "float32"))
    finite = np.isfinite(numbers(w.grad))
    assert not finite[7].any() and finite[np.arange(19) != 7].all()


def test_long_sums_of_pixels_round_like_short_chains(isa, rng):
    """A sum of 16384 products is off by a part of what one chain of so many additions is."""
    x, gy = (rng.standard_normal((4, c, 64, 64)).astype(np.float32) for c in (6, 16))
    w = torch.zeros(16, 6, 1, 1, requires_grad=True)
    F.conv2d(torch.tensor(x), w).backward(torch.tensor(gy))
    products = gy[:, :, None] * x[:, None]
    chain = np.cumsum(products.transpose(1, 2, 0, 3, 4).reshape(96, -1), 1, dtype=np.float32)[:, -1]
    want = np.einsum("nohw,nchw->oc", gy.astype(float), x.astype(float)).ravel()
    errors = [np.sqrt(np.mean((np.asarray(got, float).ravel() - want) ** 2)) for got in (numbers(w.grad), chain)]
    assert errors[0] < errors[1] / 4


GRADIENTS = [  # one plane for the filters of a strided one, strips, rows where the image lies
    ((2, 1, 1, 4000), (64, 1, 1, 80), {"stride": (1, 4)}),
    ((4, 64, 1, 500), (64, 64, 1, 3), {"padding": (0, 1)}),
    ((4, 32, 1, 512), (64, 32, 1, 16), {"stride": (1, 8)}),
    ((2, 96, 6, 32), (128, 96, 1, 1), {}),
]


@pytest.mark.parametrize("x_shape, w_shape, options", GRADIENTS, ids=str)
def test_gradients_of_the_input_add_up_short_chains(isa, rng, x_shape, w_shape, options):
    """Sums of K products in chains of 32 are off by that of a chain and of K / 32 additions, not by that of one chain."""
    x, w = (rng.standard_normal(s).astype(np.float32) for s in (x_shape, w_shape))
    got, gy = [], None
    for dtype in (torch.float32, torch.float64):
        a = torch.tensor(x).to(dtype).requires_grad_()
        y = F.conv2d(a, torch.tensor(w).to(dtype), **options)
        gy = rng.standard_normal(tuple(y.shape)).astype(np.float32) if gy is None else gy
        y.backward(torch.tensor(gy).to(dtype))
        got.append(numbers(a.grad).astype(float))
    error = np.sqrt(np.mean((got[0] - got[1]) ** 2) / np.mean(got[1] ** 2))
    terms = w_shape[0] * w_shape[3] / options.get("stride", (1, 1))[1]
    assert error <= 2.0**-24 * (0.25 * (48 + terms / 32) ** 0.5 + 1), f"rms error {error:.3g} for sums of {terms:.0f}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("P", [1, 2, 3, 6])
@pytest.mark.parametrize("Q", [3, 4, 7, 8, 13, 14, 15, 16, 17])
def test_two_rows_of_about_a_vector(isa, rng, monkeypatch, Q, P, dtype):
    """Tiles of two rows of the image: every last row, and nothing beside the result."""
    arrays = [rng.standard_normal(s).astype(dtype) for s in ((3, 5, 2 * P + 1, 2 * Q + 1), (24, 5, 3, 3), (24,))]
    want = F.conv2d(*(torch.from_numpy(a.astype(np.float64)) for a in arrays), stride=2)
    x, w, b = map(torch.from_numpy, arrays)
    fences = Fences(monkeypatch)
    y = F.conv2d(x, w, b, stride=2)
    fences.check("conv2d")
    alone = torch.cat([F.conv2d(x[i : i + 1], w, b, stride=2) for i in range(3)])
    for got in (y, alone):
        assert np.abs(numbers(got) - numbers(want)).max() < (2e-5 if dtype == np.float32 else 1e-12)
