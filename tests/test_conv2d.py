"""Convolution in one and two dimensions: strides, padding, dilation, groups; forward and three gradients."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, gradcheck, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import conv2d as ref

# N, C, H, W, O, R, S, then what differs from stride 1, padding 0, dilation 1, groups 1
CASES = [
    (1, 1, 1, 1, 1, 1, 1, {}),
    (2, 3, 5, 7, 4, 3, 3, {}),
    (2, 3, 5, 7, 4, 3, 2, {"padding": 1}),
    (2, 3, 8, 6, 5, 3, 3, {"stride": 2, "padding": 1}),
    (2, 3, 9, 8, 5, 3, 2, {"stride": (2, 3), "padding": (1, 0)}),
    (1, 2, 9, 11, 3, 3, 3, {"dilation": 2}),
    (1, 2, 9, 11, 3, 3, 2, {"dilation": (2, 3), "padding": (2, 1), "stride": (1, 2)}),
    (2, 4, 6, 7, 6, 3, 3, {"groups": 2, "padding": 1}),
    (2, 6, 6, 7, 6, 3, 3, {"groups": 6, "padding": 1}),
    (2, 3, 6, 7, 6, 3, 3, {"groups": 3}),
    (1, 7, 5, 5, 9, 1, 1, {}),
    (3, 5, 7, 7, 8, 1, 1, {"stride": 2}),
    (1, 1, 5, 5, 1, 5, 5, {}),
    (1, 1, 4, 4, 1, 2, 2, {"padding": 2}),
    (2, 3, 4, 5, 7, 4, 5, {}),
    (1, 3, 13, 17, 17, 3, 3, {"padding": 1}),
    (1, 16, 9, 9, 33, 3, 3, {"padding": 1}),
    (0, 3, 5, 5, 4, 3, 3, {}),
    (2, 1, 12, 12, 6, 5, 5, {}),
    (1, 8, 6, 6, 8, 3, 3, {"padding": 1, "stride": 2, "groups": 8}),
    (1, 3, 4, 4, 2, 3, 3, {"padding": 5, "stride": 4}),
]
REAL = [
    (2, 1, 28, 28, 6, 5, 5, {"padding": 2}),  # LeNet, first layer
    (2, 6, 14, 14, 16, 5, 5, {}),  # LeNet, second layer
    (1, 16, 14, 14, 32, 3, 3, {"padding": 1, "stride": 2}),  # a residual block's first convolution
]


def arrays_of(rng, case, bias=True):
    N, C, H, W, O, R, S, options = case
    x = rng.standard_normal((N, C, H, W))
    w = rng.standard_normal((O, C // options.get("groups", 1), R, S))
    return (x, w, rng.standard_normal(O)) if bias else (x, w)


def check(rng, case, dtype="float32", layout="plain", bias=True):
    N, C, H, W, O, R, S, options = case
    arrays = arrays_of(rng, case, bias)
    check_gradient(
        lambda *a: F.conv2d(*a, **options), lambda *a: ref.conv2d(*a, **options),
        lambda gy, *a: ref.conv2d_backward(gy, *a, **options), *arrays,
        rng=rng, dtype=dtype, layout=layout, k=4, n=max(C * R * S, N * H * W),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES + REAL, ids=str)
def test_conv2d(isa, rng, case, dtype):
    check(rng, case, dtype)


@pytest.mark.parametrize("layout", ["strided", "transposed", "offset"])
@pytest.mark.parametrize("case", CASES[1:8], ids=str)
def test_layouts(isa, rng, case, layout):
    check(rng, case, layout=layout)


@pytest.mark.parametrize("case", CASES[:6], ids=str)
def test_without_bias(isa, rng, case):
    check(rng, case, bias=False)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49])
def test_every_tail_of_the_output_row(isa, rng, width):
    check(rng, (1, 2, 3, width + 2, 3, 3, 3, {}))
    check(rng, (1, 2, 3, 2 * width + 1, 3, 3, 3, {"stride": 2, "padding": 1}))


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 7, 8, 9, 13, 15, 16, 17, 31, 33])
def test_every_tail_of_the_channels(isa, rng, channels):
    check(rng, (1, channels, 4, 5, 3, 3, 3, {"padding": 1}))
    check(rng, (1, 3, 4, 5, channels, 3, 3, {"padding": 1}))
    check(rng, (2, channels, 4, 5, channels, 3, 3, {"padding": 1, "groups": channels}))


# N, C, W, O, S, options
CASES_1D = [
    (1, 1, 1, 1, 1, {}),
    (2, 3, 9, 4, 3, {}),
    (2, 3, 17, 5, 3, {"stride": 2, "padding": 1}),
    (2, 4, 16, 6, 5, {"dilation": 2, "padding": 4, "groups": 2}),
    (0, 3, 9, 4, 3, {}),
    (3, 1, 40, 15, 3, {"stride": 2, "padding": 1}),  # the 1-D network for MNIST-1D
    (1, 7, 33, 8, 1, {}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES_1D, ids=str)
def test_conv1d(isa, rng, case, dtype):
    N, C, W, O, S, options = case
    arrays = rng.standard_normal((N, C, W)), rng.standard_normal((O, C // options.get("groups", 1), S)), rng.standard_normal(O)
    check_gradient(
        lambda *a: F.conv1d(*a, **options), lambda *a: ref.conv1d(*a, **options),
        lambda gy, *a: ref.conv1d_backward(gy, *a, **options), *arrays, rng=rng, dtype=dtype, k=4, n=max(C * S, N * W),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("window, dilation", [((3, 3), 1), ((2, 4), 1), ((3, 2), (2, 3))])
def test_same_padding(isa, rng, window, dilation):
    """"same" keeps the size; an odd zero goes behind the last row and column."""
    x, w = rng.standard_normal((2, 3, 7, 8)), rng.standard_normal((4, 3, *window))
    d = ref.pair(dilation)
    total = [d[i] * (window[i] - 1) for i in (0, 1)]
    wide = np.pad(x, ((0, 0), (0, 0), *((t // 2, t - t // 2) for t in total)))
    y = F.conv2d(torch.tensor(x), torch.tensor(w), padding="same", dilation=dilation)
    assert tuple(y.shape) == (2, 4, 7, 8)
    check_close(y, ref.conv2d(wide, w, dilation=dilation), "same", k=4, n=27)
    check_close(F.conv2d(torch.tensor(x), torch.tensor(w), padding="valid"), ref.conv2d(x, w), "valid", k=4, n=27)


def test_unbatched_input(isa, rng):
    x, w = rng.standard_normal((3, 6, 7)), rng.standard_normal((4, 3, 3, 3))
    check_close(F.conv2d(torch.tensor(x), torch.tensor(w)), ref.conv2d(x[None], w)[0], "unbatched", k=4, n=27)


def test_bfloat16(isa, rng):
    arrays = arrays_of(rng, (1, 3, 6, 7, 4, 3, 3, {}))
    check_gradient(F.conv2d, ref.conv2d, ref.conv2d_backward, *arrays, rng=rng, dtype="bfloat16", k=1, n=27)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_reaches_the_windows_that_see_it(isa, rng, bad):
    x, w = np.abs(rng.standard_normal((2, 2, 6, 19))), np.abs(rng.standard_normal((3, 2, 3, 3))) + 0.1
    x[1, 1, 3, 17] = bad
    y = F.conv2d(place(x, "float32"), place(w, "float32"), padding=1)
    with np.errstate(invalid="ignore"):
        check_close(y, ref.conv2d(x, w, padding=1), "conv2d", k=8, n=18)


def test_padding_meets_no_infinite_weight_twice(isa, rng):
    """Zeros of the padding times an infinite weight are NaN, as in PyTorch: padding is data."""
    w = np.ones((1, 1, 3, 3))
    w[0, 0, 0, 0] = np.inf
    y = F.conv2d(torch.ones((1, 1, 4, 4), dtype=torch.float64), torch.tensor(w), padding=1)
    with np.errstate(invalid="ignore"):
        want = ref.conv2d(np.ones((1, 1, 4, 4)), w, padding=1)
    check_close(y[:, :, 1:, 1:], want[:, :, 1:, 1:], "inside", k=1)


def test_only_the_wanted_gradients(isa, rng):
    x, w, b = (torch.tensor(a) for a in arrays_of(rng, (2, 3, 5, 7, 4, 3, 3, {})))
    for wanted in (x, w, b):
        leaf = wanted.clone().requires_grad_()
        F.conv2d(*(leaf if t is wanted else t for t in (x, w, b))).sum().backward()
        assert leaf.grad is not None and leaf.grad.shape == leaf.shape


def test_gradcheck(rng):
    for case in (CASES[4], CASES[6], CASES[7]):
        arrays, options = arrays_of(rng, (1, *case[1:])), case[-1]
        gradcheck(lambda *a: F.conv2d(*a, **options), *arrays, rng=rng)
        check_reference(lambda *a: ref.conv2d(*a, **options), lambda gy, *a: ref.conv2d_backward(gy, *a, **options), *arrays,
                        rng=rng)  # fmt: skip
