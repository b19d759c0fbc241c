"""Convolution with 7 x 7 and 5 x 5 filters taken at points along the rows (csrc/kernels/winograd_rows.c)."""

import numpy as np
import pytest
from harness import check_close, numbers, place, rounded
from test_conv2d import check, with_bad

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import conv2d as ref

CASES = [
    (1, 3, 40, 37, 64, 7, 7, {"stride": 2, "padding": 3}),  # the first layer of a ResNet; odd columns
    (2, 3, 37, 70, 13, 7, 7, {"stride": 2, "padding": (3, 0)}),  # an odd row of outputs is left over
    (3, 4, 25, 64, 37, 7, 5, {"stride": (2, 1), "padding": (2, 1)}),
    (2, 6, 23, 30, 20, 7, 7, {"padding": 3}),  # seven rows in two parts
    (1, 10, 12, 24, 15, 7, 6, {"padding": (3, 1), "stride": (1, 2)}),
    (2, 9, 16, 20, 9, 7, 3, {"padding": (3, 2), "dilation": (1, 2)}),
    (2, 8, 33, 36, 20, 5, 5, {"padding": 2}),
    (1, 24, 14, 15, 67, 5, 5, {"padding": 2}),  # one vector and less across
    (2, 24, 22, 41, 48, 5, 5, {"padding": 2, "groups": 2}),
    (2, 16, 30, 33, 24, 5, 5, {"stride": 2, "padding": 1}),
    (5, 16, 9, 40, 40, 5, 5, {"dilation": (1, 2), "padding": 4}),
    (2, 32, 5, 20, 32, 5, 3, {}),  # one row of outputs
    (9, 40, 12, 8, 40, 5, 5, {"padding": 2}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows(isa, rng, case):
    check(rng, case)


FIRST = ((3, 3, 64, 64), (32, 3, 7, 7), {"stride": 2, "padding": 3})
SEVEN = ((3, 16, 28, 26), (24, 16, 7, 7), {"padding": 3})
FIVE = ((3, 32, 28, 28), (32, 32, 5, 5), {"padding": 2})


@pytest.mark.parametrize("x_shape, w_shape, options", [FIRST, SEVEN, FIVE], ids=["7 x 7 / 2", "7 x 7", "5 x 5"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
def test_points_are_used_and_spread_no_infinity(isa, rng, x_shape, w_shape, options, bad):
    """One such number sends its image, and no other, the direct way: what does not see it stays finite and is equal up to rounding."""
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    other = with_bad(x, (1, 2, 15, 20), bad)
    once, after = (numbers(F.conv2d(place(a, "float32"), place(w, "float32"), **options)) for a in (x, other))
    with np.errstate(invalid="ignore", over="ignore"):
        want = ref.conv2d(rounded(other, "float32"), rounded(w, "float32"), **options)
    sees = ref.conv2d((other != x).astype(float), np.ones_like(w), **options) != 0
    assert np.array_equal(once[[0, 2]], after[[0, 2]])
    assert np.isfinite(after[~sees]).all()
    check_close(place(after[~sees], "float32"), want[~sees], "beside", k=4, n=w[0].size)
    assert not np.array_equal(once[1][~sees[1]], after[1][~sees[1]]), "the choice of points never fell on this shape"


@pytest.mark.parametrize("x_shape, w_shape, options", [FIRST, SEVEN, FIVE], ids=["7 x 7 / 2", "7 x 7", "5 x 5"])
def test_points_round_as_sums_do(isa, rng, x_shape, w_shape, options):
    x, w = (rounded(rng.standard_normal(s), "float32") for s in (x_shape, w_shape))
    want = ref.conv2d(x, w, **options)
    error = np.sqrt(np.mean((numbers(F.conv2d(place(x, "float32"), place(w, "float32"), **options)) - want) ** 2)) / np.std(want)
    assert error <= 1.1 * 2.0**-24 * (0.2 * w[0].size ** 0.5 + 1), f"rms error {error:.3g} for sums of {w[0].size}"


@pytest.mark.parametrize("x_shape, w_shape, options", [FIRST, SEVEN, FIVE], ids=["7 x 7 / 2", "7 x 7", "5 x 5"])
def test_same_bits_with_any_threads(isa, rng, x_shape, w_shape, options):
    x, w = (place(rng.standard_normal(s), "float32") for s in (x_shape, w_shape))
    threads, results = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            results.append(numbers(F.conv2d(x, w, **options)))
    finally:
        torch.set_num_threads(threads)
    assert all(np.array_equal(results[0], r) for r in results)


@pytest.mark.parametrize("act, name", [(1, "relu"), (2, "gelu")])
def test_activation_and_bias(isa, rng, act, name):
    """Epilogues, which only compiled functions ask for."""
    x, w, b = (place(rng.standard_normal(s), "float32") for s in ((2, 3, 64, 50), (24, 3, 7, 7), (24,)))
    f = {"relu": F.relu, "gelu": F.gelu}[name]
    with torch.no_grad():
        compiled = torch.compile(lambda *a: f(F.conv2d(*a, stride=2, padding=3)))
        got = [compiled(x, w, b) for _ in range(2)]
        want = numbers(f(F.conv2d(x, w, b, stride=2, padding=3)))
    for y in got:
        check_close(y, want, name, k=4, n=147)
