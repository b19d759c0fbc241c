"""Convolution in one and two dimensions: strides, padding, dilation, groups; forward and three gradients."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, check_threads, gradcheck, numbers, place, rounded

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
    (2, 3, 3, 4, 5, 3, 3, {"padding": 4, "stride": 5}),  # strides longer than the image: not every phase has a pixel
    (2, 20, 3, 2, 19, 4, 5, {"padding": (6, 3), "stride": (7, 3), "dilation": (2, 1)}),
    (1, 2, 3, 1, 3, 3, 3, {"padding": 3, "stride": (4, 2)}),
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


@pytest.fixture(params=["highest", "high"])
def precision(request):
    """Of products: "highest" has tiles of 4 x 4 (winograd_4x4.c), "high" tiles of 6 x 6 (winograd_6x6.c)."""
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision("highest")


# 3 x 3, stride 1, large enough that tiles pay (winograd.c): every path and edge of them
TILED = [
    (1, 32, 14, 14, 32, 3, 3, {"padding": 1}),  # few tiles: tasks make and own filters,
    (1, 300, 16, 16, 48, 3, 3, {"padding": 1}),  # some at a time
    (3, 16, 38, 41, 16, 3, 3, {"padding": 1}),  # many: tasks own tiles; gradient of the filters in rounds
    (2, 33, 9, 11, 35, 3, 3, {"padding": 2}),
    (2, 45, 13, 18, 51, 3, 3, {}),  # a last vector of 5 and of 3 channels
    (1, 130, 9, 8, 137, 3, 3, {"padding": (0, 1)}),  # three blocks of channels; gradient of the filters at once
    (2, 64, 10, 10, 64, 3, 3, {"padding": 1, "groups": 2}),
    (4, 32, 3, 5, 32, 3, 3, {"padding": (4, 3)}),  # the gradient of the input is cut at its sides
    (4, 66, 18, 17, 68, 3, 3, {"padding": 1}),  # large enough for vectors of 16: many tiles,
    (1, 200, 9, 8, 203, 3, 3, {"padding": 1}),  # many filters
]


@pytest.mark.parametrize("case", TILED, ids=str)
def test_tiles(isa, rng, precision, case):
    check(rng, case)


@pytest.mark.parametrize("rows", range(1, 10))
def test_tiles_at_every_edge(isa, rng, precision, rows):
    """Sizes of 1 to twice a tile and one more; the transposed sizes go through the gradient of the input."""
    for columns in range(1, 10):
        padding = (rows + columns) % 3
        check(rng, (4, 24, rows + 2 - min(2 * padding, rows + 1), columns + 2 - min(2 * padding, columns + 1), 40, 3, 3,
                    {"padding": padding}))  # fmt: skip


def test_tiles_are_used_and_not_where_a_result_is_infinite(isa, rng, precision):
    """One NaN sends its image, and no other, the direct way: exactly what sees it is NaN, the rest equal up to rounding."""
    x, w = rng.standard_normal((3, 48, 32, 32)), rng.standard_normal((64, 48, 3, 3))
    bits = [numbers(F.conv2d(place(a, "float32"), place(w, "float32"), padding=1)) for a in (x, with_bad(x, (1, 5, 6, 7), np.nan))]
    seen = np.zeros_like(bits[0], bool)
    seen[1, :, 5:8, 6:9] = True
    assert np.array_equal(np.isnan(bits[1]), seen)
    assert np.array_equal(bits[0][[0, 2]], bits[1][[0, 2]])
    assert not np.array_equal(bits[0][1][~seen[1]], bits[1][1][~seen[1]]), "the choice of tiles never fell on this shape"


@pytest.mark.parametrize("size", [13, 14, 24])
def test_tiles_do_not_look_at_others(isa, rng, precision, size):
    """Tiles share vectors with the next image's, and their scratch memory holds old numbers: neither changes a bit."""
    x, w = rng.standard_normal((3, 64, size, size)), rng.standard_normal((64, 64, 3, 3))
    every = np.full_like(x, np.nan)
    once, after_one, _, after_all = (numbers(F.conv2d(place(a, "float32"), place(w, "float32"), padding=1))
                                     for a in (x, with_bad(x, (1, 5, 0, 0), np.nan), every, x))  # fmt: skip
    assert np.array_equal(once[[0, 2]], after_one[[0, 2]])
    assert np.array_equal(once, after_all)


def with_bad(a, at, bad):
    a = a.copy()
    a[at] = bad
    return a


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("where", ["input", "weight", "gradient"])
@pytest.mark.parametrize("at", [(0, 0, 0, 0), (1, 7, 1, 2), (1, 23, 0, 1)])
def test_tiles_spread_no_infinity(isa, rng, precision, bad, where, at):
    """A result that is finite when summed tap by tap is finite, beside infinities, NaN, and numbers that overflow in between."""
    x, w = rng.standard_normal((2, 24, 12, 13)), rng.standard_normal((24, 24, 3, 3))
    gy = rng.standard_normal((2, 24, 12, 13))
    x, w, gy = (with_bad(a, at, bad) if where == name else a for a, name in ((x, "input"), (w, "weight"), (gy, "gradient")))
    if np.isfinite(bad):  # as large as can be where all sums stay finite
        x, w, gy = (a if where == name else a * 1e-3 for a, name in ((x, "input"), (w, "weight"), (gy, "gradient")))
    seen = [rounded(a, "float32") for a in (x, w, gy)]
    tx, tw, tgy = (place(a, "float32") for a in seen)
    tx.requires_grad_(), tw.requires_grad_()
    y = F.conv2d(tx, tw, padding=1)
    y.backward(tgy)
    with np.errstate(invalid="ignore"):
        check_close(y, ref.conv2d(*seen[:2], padding=1), "forward", k=4, n=216)
        gx, gw = ref.conv2d_backward(seen[2], *seen[:2], padding=1)
        inside = slice(1, -1)  # at the sides zeros meet the weights, here but not in the reference
        check_close(tx.grad[:, :, inside, inside], gx[:, :, inside, inside], "gradient of x", k=4, n=216)
        check_close(tw.grad, gw, "gradient of w", k=4, n=312)


def test_tiles_do_not_look_beyond_what_is_seen(isa, rng, precision):
    """Rows of a gradient that no input reaches: huge there, they must not round away the rest of their tile."""
    for padding, H in ((4, 12), (3, 9), (3, 14)):
        x, w = np.zeros((2, 32, H, H)), rng.standard_normal((32, 32, 3, 3))
        gy = rng.standard_normal((2, 32, H + 2 * padding - 2, H + 2 * padding - 2))
        edge = padding - 2
        gy[:, :, :edge] = gy[:, :, -edge:] = gy[..., :edge] = gy[..., -edge:] = 1e20
        tx, tw = place(x, "float32").requires_grad_(), place(w, "float32")
        F.conv2d(tx, tw, padding=padding).backward(place(gy, "float32"))
        gx = ref.conv2d_backward(rounded(gy, "float32"), x, rounded(w, "float32"), padding=padding)[0]
        check_close(tx.grad, gx, f"padding {padding}", k=4, n=288)


def test_long_sums_round_like_short_chains(isa, rng):
    """Sums of 4096 products in chains of 48: a plain chain would have four times this error (docs/numerics.md)."""
    x, w = (rounded(rng.standard_normal(s), "float32") for s in ((2, 4096, 4, 4), (24, 4096, 1, 1)))
    y = numbers(F.conv2d(place(x, "float32"), place(w, "float32")))
    want = ref.conv2d(x, w)
    error = np.sqrt(np.mean((y - want) ** 2)) / np.std(want)
    assert error <= 0.5 * 2.0**-24 * ((48 + 4096 / 48) / 2) ** 0.5, f"rms error {error:.3g}"


def test_tiles_round_no_worse_than_sums(isa, rng, precision):
    """Tiles of 4 x 4 err as sums of 9 C terms do, those of 6 x 6, always used for gw, at most four times as much: not as the
    larger numbers in between."""
    for N, C, H, O in [(2, 64, 16, 64), (1, 256, 12, 64)]:
        x, w, gy = rng.standard_normal((N, C, H, H)), rng.standard_normal((O, C, 3, 3)), rng.standard_normal((N, O, H, H))
        x, w, gy = (rounded(a, "float32") for a in (x, w, gy))
        tx, tw = place(x, "float32").requires_grad_(), place(w, "float32").requires_grad_()
        y = F.conv2d(tx, tw, padding=1)
        y.backward(place(gy, "float32"))
        wants = ref.conv2d(x, w, padding=1), *ref.conv2d_backward(gy, x, w, padding=1)
        times = 1 if precision == "highest" else 4
        for got, want, n, k in zip((y, tx.grad, tw.grad), wants, (9 * C, 9 * O, N * H * H), (times, times, 4), strict=True):
            error = np.sqrt(np.mean((numbers(got) - want) ** 2)) / np.std(want)
            assert error <= k * 2.0**-24 * (0.2 * n**0.5 + 1), f"rms error {error:.3g} for sums of {n}"


def test_precision_chooses_the_tiles(isa, rng):
    """Tiles of 6 x 6, which "high" and "medium" allow, err more than those of 4 x 4, forward and for the input's gradient; "high"
    leaves the gradient of the filters as it is."""
    x, w, gy = (rounded(rng.standard_normal(s), "float32") for s in ((2, 64, 16, 16), (64, 64, 3, 3), (2, 64, 16, 16)))
    wants = ref.conv2d(x, w, padding=1), *ref.conv2d_backward(gy, x, w, padding=1)
    errors, results = {}, {}
    try:
        for name in ("highest", "high", "medium"):
            torch.set_float32_matmul_precision(name)
            tx, tw = place(x, "float32").requires_grad_(), place(w, "float32").requires_grad_()
            y = F.conv2d(tx, tw, padding=1)
            y.backward(place(gy, "float32"))
            results[name] = [numbers(a) for a in (y, tx.grad, tw.grad)]
            errors[name] = [np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(results[name], wants, strict=True)]
    finally:
        torch.set_float32_matmul_precision("highest")
    for i in range(2):
        assert errors["high"][i] > 1.5 * errors["highest"][i]
    assert np.array_equal(results["high"][2], results["highest"][2])
    assert all(np.array_equal(a, b) for a, b in zip(results["high"][:2], results["medium"][:2], strict=True))


# images joined into strips of pixels (conv_strips.c), and phases of a strided gradient written apart
JOINED = [
    (1, 3, 1, 1, 5, 1, 1, {}),
    (5, 3, 1, 3, 20, 1, 1, {}),  # planes narrower than a vector, nothing behind the last
    (7, 33, 7, 7, 30, 1, 1, {}),  # strips across images, the last panel partly filled
    (3, 17, 4, 4, 64, 1, 1, {"groups": 1}),
    (40, 20, 5, 5, 50, 1, 1, {}),  # many strips
    (2, 70, 3, 11, 170, 1, 1, {}),  # few pixels: parts of the filters
    (4, 34, 6, 6, 36, 1, 1, {"groups": 2}),
    (3, 20, 9, 7, 13, 3, 3, {"stride": 2, "padding": 1}),
    (9, 40, 8, 8, 44, 3, 3, {"stride": 2, "padding": 1}),
    (2, 18, 9, 9, 40, 4, 4, {"stride": 2, "padding": 1}),
    (2, 17, 10, 9, 19, 2, 3, {"stride": (3, 4), "padding": (0, 1)}),  # phases without a tap
    (2, 36, 7, 7, 40, 1, 1, {"stride": 2, "groups": 2}),
    (5, 19, 12, 12, 24, 5, 5, {"padding": 2}),  # sums of the filters' gradient image by image
    (1, 64, 13, 13, 300, 3, 3, {"stride": 2, "padding": 1}),  # few pixels behind many filters: one more than whole vectors
    (2, 600, 5, 5, 260, 1, 1, {}),  # two more, of two images
    (4, 300, 4, 4, 500, 1, 1, {}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", JOINED, ids=str)
def test_joined_images(isa, rng, case, dtype):
    check(rng, case, dtype)


@pytest.mark.parametrize("act_case", TILED[:3] + JOINED[4:10] + JOINED[-1:], ids=str)
def test_same_bits_with_any_threads(isa, rng, precision, act_case):
    check_threads(lambda *a: F.conv2d(*a, **act_case[-1]), [place(a, "float32") for a in arrays_of(rng, act_case)])


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


@pytest.mark.parametrize("asked", ["xw", "xb", "wb", "b"])
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_gradients_of_some_inputs(isa, rng, asked, again):
    """Frozen filters leave the bias a sum of its own, and so does a gradient that is differentiated again."""
    arrays = arrays_of(rng, (2, 3, 6, 7, 4, 3, 3, {}))
    leaves = [torch.tensor(a, requires_grad=name in asked) for name, a in zip("xwb", arrays, strict=True)]
    y = F.conv2d(*leaves)
    gy = rng.standard_normal(y.shape)
    got = torch.autograd.grad(y, [t for t in leaves if t.requires_grad], torch.tensor(gy), create_graph=again)
    want = dict(zip("xwb", ref.conv2d_backward(gy, *arrays), strict=True))
    for name, g in zip(asked, got, strict=True):
        check_close(g, want[name], f"gradient of {name}", k=4, n=84)


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


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_no_channels(isa, dtype):
    """A sum over nothing: the bias, and gradients without elements."""
    kind = getattr(torch, dtype)
    for conv, n in ((F.conv1d, 1), (F.conv2d, 2), (F.conv3d, 3)):
        b = torch.arange(3.0).to(kind).requires_grad_()
        x, w = torch.zeros((2, 0, *[6] * n), dtype=kind, requires_grad=True), torch.zeros((3, 0, *[3] * n), dtype=kind, requires_grad=True)
        y = conv(x, w, b, padding=1)
        assert tuple(y.shape) == (2, 3, *[6] * n) and all((y[:, o] == o).all() for o in range(3))
        y.sum().backward()
        assert x.grad.shape == x.shape and w.grad.shape == w.shape and b.grad.tolist() == [2 * 6**n] * 3


@pytest.mark.parametrize("shapes", [((5, 3, 4, 2), (7, 3, 4, 2)), ((6, 9, 1, 1), (4, 9, 1, 1)), ((0, 3, 2, 2), (4, 3, 2, 2)),
                                    ((2, 3, 2, 2), (0, 3, 2, 2)), ((3, 2, 2), (4, 3, 2, 2)), ((4, 3, 5), (2, 3, 5))], ids=str)  # fmt: skip
def test_a_filter_as_large_as_its_image(isa, rng, shapes):
    """A product: result and gradients are those of the sums."""
    x, w = (torch.from_numpy(rng.standard_normal(s)).requires_grad_() for s in shapes)
    b = torch.from_numpy(rng.standard_normal(shapes[1][0])).requires_grad_()
    y = F.conv2d(x, w, b) if len(shapes[1]) == 4 else F.conv1d(x, w, b)
    spatial, batch = len(shapes[1]) - 2, len(shapes[0]) - len(shapes[1]) + 1
    want = np.tensordot(numbers(x), numbers(w), axes=(range(batch, batch + spatial + 1), range(1, spatial + 2))) + numbers(b)
    assert y.shape == (*shapes[0][:batch], shapes[1][0], *[1] * spatial)
    assert np.allclose(numbers(y).reshape(want.shape), want, atol=1e-12)
    g = torch.from_numpy(rng.standard_normal(tuple(y.shape)))
    y.backward(g)
    flat = numbers(g).reshape(want.shape)
    assert np.allclose(numbers(x.grad), np.tensordot(flat, numbers(w), axes=(-1, 0)), atol=1e-12)
    two = flat if batch else flat[None]
    images = numbers(x) if batch else numbers(x)[None]
    assert np.allclose(numbers(w.grad), np.tensordot(two, images, axes=(0, 0)), atol=1e-12) and np.allclose(numbers(b.grad), two.sum(0))
    assert torch.autograd.gradcheck(lambda *t: F.conv2d(*t) if spatial == 2 else F.conv1d(*t), (x, w, b))
