"""Maximum and mean pooling: windows, strides, padding, dilation, ceil mode, positions, ties, NaN."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import pool2d as ref

# N, C, H, W, options
MAX = [
    (1, 1, 1, 1, {"kernel_size": 1}),
    (2, 3, 4, 6, {"kernel_size": 2}),
    (2, 3, 5, 7, {"kernel_size": 2}),
    (2, 3, 5, 7, {"kernel_size": 3, "stride": 1}),
    (2, 3, 8, 9, {"kernel_size": 3, "stride": 2, "padding": 1}),
    (1, 2, 9, 8, {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 1)}),
    (1, 2, 9, 11, {"kernel_size": 3, "stride": 1, "dilation": 2}),
    (1, 2, 9, 11, {"kernel_size": (2, 3), "dilation": (3, 2), "padding": (1, 1), "stride": 2}),
    (2, 2, 6, 7, {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    (2, 2, 7, 8, {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    (0, 3, 4, 4, {"kernel_size": 2}),
    (2, 5, 16, 16, {"kernel_size": 2}),
    (1, 1, 2, 33, {"kernel_size": 2}),
    (1, 1, 2, 66, {"kernel_size": 2}),
    (2, 6, 28, 28, {"kernel_size": 2}),  # LeNet
]
MEAN = [(*c[:4], {k: v for k, v in c[4].items() if k != "dilation"}) for c in MAX if "dilation" not in c[4]] + [
    (2, 3, 8, 9, {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    (2, 3, 8, 9, {"kernel_size": 3, "stride": 2, "padding": 1, "divisor_override": 5}),
    (2, 2, 6, 7, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    (2, 2, 6, 7, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
]
LAYOUTS = ["plain", "strided", "transposed", "offset"]


def max_backward(gy, x, options):
    return ref.max_pool2d_backward(gy, x, ref.max_pool2d(x, **options)[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", MAX, ids=str)
def test_max_pool2d(isa, rng, case, dtype):
    *shape, options = case
    x = rng.standard_normal(shape)
    for layout in LAYOUTS:
        check_gradient(
            lambda x: F.max_pool2d(x, **options), lambda x: ref.max_pool2d(x, **options)[0],
            lambda gy, x: max_backward(gy, x, options), x, rng=rng, dtype=dtype, layout=layout, k=2, n=4,
        )  # fmt: skip


WIDE = [(2, 3, 9, 113, {"kernel_size": 3, "stride": 2, "padding": 1}), (1, 2, 3, 70, {"kernel_size": 3, "stride": 1, "padding": 1}),
        (1, 3, 12, 90, {"kernel_size": (5, 4), "stride": (1, 3), "dilation": (2, 3), "padding": (2, 1)}),
        (40, 1, 8, 8, {"kernel_size": 2}), (3, 2, 1, 300, {"kernel_size": (1, 3), "stride": (1, 2)})]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", MAX + WIDE, ids=str)
def test_maxima_without_positions(isa, rng, case, dtype):
    """Without gradients the maxima are taken another way, and bf16 is not widened as a whole."""
    *shape, options = case
    x = torch.tensor(rng.standard_normal(shape)).to(dtype)
    if x.numel():
        x.flatten()[rng.integers(x.numel())] = float("nan")
        x.flatten()[rng.integers(x.numel())] = -float("inf")
    y = F.max_pool2d(x, **options)
    want = F.max_pool2d(x.double(), **options, return_indices=True)[0].to(dtype)
    assert y.dtype is dtype and np.array_equal(numbers(y.double()), numbers(want.double()), equal_nan=True)


@pytest.mark.parametrize("case", MAX, ids=str)
def test_positions_and_ties(isa, rng, case):
    """Few distinct values: the first of equals is the position, as in the gradient."""
    *shape, options = case
    x = rng.integers(0, 3, shape).astype(float)
    y, where = F.max_pool2d(torch.tensor(x), **options, return_indices=True)
    want, position = ref.max_pool2d(x, **options)
    check_close(y, want, "max_pool2d")
    assert where.dtype == torch.int64 and np.array_equal(where.numpy(), position)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", MEAN, ids=str)
def test_avg_pool2d(isa, rng, case, dtype):
    *shape, options = case
    x = rng.standard_normal(shape)
    for layout in LAYOUTS:
        check_gradient(
            lambda x: F.avg_pool2d(x, **options), lambda x: ref.avg_pool2d(x, **options),
            lambda gy, x: ref.avg_pool2d_backward(gy, x, **options), x, rng=rng, dtype=dtype, layout=layout, k=2, n=9, scale=1,
        )  # fmt: skip


@pytest.mark.parametrize("width", [2, 3, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 34, 35, 64, 66, 97])
def test_every_tail(isa, rng, width):
    x = rng.standard_normal((2, 3, 5, width))
    for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2, "stride": 1}):
        check_gradient(
            lambda x: F.max_pool2d(x, **options), lambda x: ref.max_pool2d(x, **options)[0],
            lambda gy, x: max_backward(gy, x, options), x, rng=rng, k=2, n=4,
        )  # fmt: skip
        check_gradient(
            lambda x: F.avg_pool2d(x, **options), lambda x: ref.avg_pool2d(x, **options),
            lambda gy, x: ref.avg_pool2d_backward(gy, x, **options), x, rng=rng, k=2, n=9, scale=1,
        )  # fmt: skip


@pytest.mark.parametrize("width", [8, 9, 17, 34])
def test_nan_wins_at_every_position(isa, rng, width):
    for at in range(width):
        x = rng.standard_normal((2, 2, width))[None]
        x[0, 1, 1, at] = np.nan
        for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}):
            y = F.max_pool2d(place(x, "float32"), **options)
            check_close(y, ref.max_pool2d(x, **options)[0], f"NaN at {at}", k=1)


def test_a_window_of_minus_infinity(isa):
    x = torch.full((1, 1, 4, 8), float("-inf"))
    y, where = F.max_pool2d(x, 2, return_indices=True)
    assert numbers(y).max() == -np.inf
    assert where.tolist() == [[[[0, 2, 4, 6], [16, 18, 20, 22]]]]


def test_one_dimension(isa, rng):
    x = rng.standard_normal((2, 3, 17))
    check_close(F.max_pool1d(torch.tensor(x), 3, 2, 1), ref.max_pool2d(x[:, :, None], (1, 3), (1, 2), (0, 1))[0][:, :, 0],
                "max_pool1d")  # fmt: skip
    check_close(F.avg_pool1d(torch.tensor(x), 3, 2, 1), ref.avg_pool2d(x[:, :, None], (1, 3), (1, 2), (0, 1))[:, :, 0],
                "avg_pool1d", k=2, n=3)  # fmt: skip


def test_unbatched_input(isa, rng):
    x = rng.standard_normal((3, 6, 8))
    check_close(F.max_pool2d(torch.tensor(x), 2), ref.max_pool2d(x[None], 2)[0][0], "max_pool2d")
    check_close(F.avg_pool2d(torch.tensor(x), 2), ref.avg_pool2d(x[None], 2)[0], "avg_pool2d", k=2, n=4)


def test_bfloat16(isa, rng):
    x = rng.standard_normal((2, 3, 6, 7))
    check_gradient(
        lambda x: F.max_pool2d(x, 2), lambda x: ref.max_pool2d(x, 2)[0], lambda gy, x: max_backward(gy, x, {"kernel_size": 2}),
        x, rng=rng, dtype="bfloat16", k=1,
    )  # fmt: skip
    check_gradient(
        lambda x: F.avg_pool2d(x, 2), lambda x: ref.avg_pool2d(x, 2), lambda gy, x: ref.avg_pool2d_backward(gy, x, 2),
        x, rng=rng, dtype="bfloat16", k=1,
    )  # fmt: skip


def test_reference(rng):
    x = rng.standard_normal((1, 2, 6, 7))
    for options in (MAX[4][4], MAX[9][4]):
        check_reference(lambda x: ref.max_pool2d(x, **options)[0], lambda gy, x: max_backward(gy, x, options), x, rng=rng)
    for *_, options in MEAN[-4:]:
        check_reference(lambda x: ref.avg_pool2d(x, **options), lambda gy, x: ref.avg_pool2d_backward(gy, x, **options), x,
                        rng=rng)  # fmt: skip
