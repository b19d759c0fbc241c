"""Depthwise convolution of small planes, channels on the vector axis (csrc/kernels/conv_depthwise.c), and of 7 x 7 filters."""

import numpy as np
import pytest
from harness import check_close, numbers, place, rounded
from test_conv2d import arrays_of, check, with_bad

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import conv2d as ref

# N, C, H, W, R, S, options; narrower than some level's vector
CASES = [
    (2, 20, 7, 7, 5, 5, {"padding": 2}),
    (1, 33, 14, 14, 3, 3, {"padding": 1}),
    (3, 16, 9, 3, 3, 2, {"padding": 1}),
    (1, 16, 13, 15, 3, 3, {"stride": 2, "padding": 1}),
    (2, 37, 8, 9, 5, 3, {"stride": (2, 1), "dilation": (1, 2), "padding": (2, 1)}),
    (1, 64, 2, 2, 3, 3, {"padding": 1}),
    (2, 24, 4, 4, 3, 3, {"padding": 4}),  # filters that meet zeros only
    (1, 18, 10, 8, 2, 2, {}),
    (2, 9, 6, 16, 4, 4, {"stride": 3}),
    (1, 40, 12, 12, 7, 7, {"padding": 3}),
    (1, 3, 20, 45, 7, 7, {"padding": 3}),  # 7 x 7, pixels on the vector axis
    (1, 17, 28, 27, 3, 3, {"stride": 2, "padding": 1}),  # the input's gradient gathers
    (2, 16, 11, 12, 5, 3, {"stride": (3, 2), "padding": (0, 1), "dilation": (2, 1)}),
]
FULL = [(N, C, H, W, C, R, S, {**options, "groups": C}) for N, C, H, W, R, S, options in CASES]


@pytest.mark.parametrize("case", FULL, ids=str)
def test_depthwise(isa, rng, case):
    check(rng, case)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_others_do_not_see_it(isa, rng, bad):
    """Channels and images share vectors; one's NaN reaches its own windows only."""
    x, w = rng.standard_normal((2, 21, 7, 7)), rng.standard_normal((21, 1, 3, 3))
    other = with_bad(x, (1, 4, 3, 6), bad)
    a, b = (numbers(F.conv2d(place(t, "float32"), place(w, "float32"), padding=1, groups=21)) for t in (x, other))
    sees = np.zeros_like(a, bool)
    sees[1, 4, 2:5, 5:7] = True
    assert np.array_equal(np.isfinite(b), ~sees) and np.array_equal(a[~sees], b[~sees])


@pytest.mark.parametrize("f", [F.relu, F.gelu], ids=["relu", "gelu"])
def test_epilogue(isa, rng, f):
    arrays = arrays_of(rng, FULL[0])
    with torch.no_grad():
        compiled = torch.compile(lambda x, w, b: f(F.conv2d(x, w, b, padding=2, groups=20)))
        got = [compiled(*(place(a, "float32") for a in arrays)) for _ in range(2)]
        want = ref.conv2d(*(rounded(a, "float32") for a in arrays), padding=2, groups=20)
        want = numbers(f(place(want, "float64")))
    for y in got:
        check_close(y, want, "epilogue", k=4, n=25)


def test_same_bits_with_any_threads(isa, rng):
    arrays, before, results = [place(a, "float32") for a in arrays_of(rng, FULL[0])], torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(numbers(F.conv2d(*arrays, padding=2, groups=20)))
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(results[0], r) for r in results)
