"""Adaptive pooling: windows that overlap, divide evenly, or repeat rows when the output is larger than the input."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import adaptive_pool2d as ref

# N, C, H, W, output size
CASES = [
    (1, 1, 1, 1, (1, 1)),
    (2, 3, 4, 6, (2, 3)),
    (2, 3, 5, 7, (2, 3)),
    (2, 3, 5, 7, (1, 1)),
    (2, 3, 5, 7, (5, 7)),
    (2, 3, 3, 2, (5, 4)),
    (0, 3, 4, 4, (2, 2)),
    (1, 2, 17, 33, (3, 8)),
    (1, 2, 16, 31, (7, 5)),
    (3, 17, 7, 7, (1, 1)),
    (1, 5, 28, 28, (7, 7)),
]


@pytest.mark.parametrize("layout", ["plain", "strided", "transposed", "offset"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_adaptive_avg_pool2d(isa, rng, case, dtype, layout):
    *shape, size = case
    check_gradient(
        lambda x: F.adaptive_avg_pool2d(x, size), lambda x: ref.adaptive_avg_pool2d(x, size),
        lambda gy, x: ref.adaptive_avg_pool2d_backward(gy, x, size), rng.standard_normal(shape),
        rng=rng, dtype=dtype, layout=layout, k=2, n=36, scale=0.2,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_adaptive_max_pool2d(isa, rng, case, dtype):
    *shape, size = case
    check_gradient(
        lambda x: F.adaptive_max_pool2d(x, size), lambda x: ref.adaptive_max_pool2d(x, size)[0],
        lambda gy, x: ref.adaptive_max_pool2d_backward(gy, x, ref.adaptive_max_pool2d(x, size)[1]),
        rng.standard_normal(shape), rng=rng, dtype=dtype, k=2, n=9,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_positions_of_equals(isa, rng, case):
    *shape, size = case
    x = rng.integers(0, 3, shape).astype(float)
    y, where = F.adaptive_max_pool2d(torch.tensor(x), size, return_indices=True)
    want, position = ref.adaptive_max_pool2d(x, size)
    check_close(y, want, "values")
    assert np.array_equal(where.numpy(), position)


def test_size_given_by_one_number_or_none(isa, rng):
    x = rng.standard_normal((2, 3, 6, 8))
    check_close(F.adaptive_avg_pool2d(torch.tensor(x), 2), ref.adaptive_avg_pool2d(x, (2, 2)), "one number", k=2, n=12)
    check_close(F.adaptive_avg_pool2d(torch.tensor(x), (None, 2)), ref.adaptive_avg_pool2d(x, (6, 2)), "none", k=2, n=4)


def test_nan(isa, rng):
    x = rng.standard_normal((1, 2, 6, 9))
    x[0, 1, 4, 8] = np.nan
    check_close(F.adaptive_max_pool2d(place(x, "float32"), (2, 3)), ref.adaptive_max_pool2d(x, (2, 3))[0], "max", k=1)
    check_close(F.adaptive_avg_pool2d(place(x, "float32"), (2, 3)), ref.adaptive_avg_pool2d(x, (2, 3)), "mean", k=4, n=9)


def test_one_dimension(isa, rng):
    x = rng.standard_normal((2, 3, 17))
    want = ref.adaptive_avg_pool2d(x[:, :, None], (1, 5))[:, :, 0]
    check_close(F.adaptive_avg_pool1d(torch.tensor(x), 5), want, "adaptive_avg_pool1d", k=2, n=4)


def test_reference(rng):
    x = rng.standard_normal((1, 2, 5, 4))
    for size in ((2, 3), (7, 1)):
        check_reference(lambda x: ref.adaptive_avg_pool2d(x, size), lambda gy, x: ref.adaptive_avg_pool2d_backward(gy, x, size),
                        x, rng=rng)  # fmt: skip
        check_reference(
            lambda x: ref.adaptive_max_pool2d(x, size)[0],
            lambda gy, x: ref.adaptive_max_pool2d_backward(gy, x, ref.adaptive_max_pool2d(x, size)[1]), x, rng=rng,
        )  # fmt: skip
