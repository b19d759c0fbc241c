"""Running sums and products along an axis."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference

import udlfast as torch
from udlfast.reference import cumsum as ref

CASES = [((1,), 0), ((0,), 0), ((7,), 0), ((8,), -1), ((9,), 0), ((3, 0), 1), ((0, 3), 1), ((3, 17), 1), ((17, 3), 0),
         ((2, 5, 3), 1), ((2, 33), 1), ((3, 4, 16), 1), ((2, 1023), 1)]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_cumsum(isa, rng, case, dtype, layout):
    shape, axis = case
    check_gradient(
        lambda x: torch.cumsum(x, dim=axis), lambda x: ref.cumsum(x, axis), lambda gy, x: ref.cumsum_backward(gy, x, axis),
        rng.standard_normal(shape), rng=rng, dtype=dtype, layout=layout, k=2, n=max(shape[axis], 1),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [c for c in CASES if c[0][c[1]] < 40], ids=str)
def test_cumprod(isa, rng, case, dtype):
    shape, axis = case
    check_gradient(
        lambda x: torch.cumprod(x, dim=axis), lambda x: ref.cumprod(x, axis), lambda gy, x: ref.cumprod_backward(gy, x, axis),
        rng.uniform(0.7, 1.3, shape), rng=rng, dtype=dtype, k=4, n=max(shape[axis], 1) ** 2,
    )  # fmt: skip


def test_cumprod_gradient_with_zeros(isa, rng):
    x = rng.uniform(0.5, 2, (3, 6))
    x[1, 2] = x[2, 1] = x[2, 4] = 0
    check_gradient(
        lambda x: torch.cumprod(x, dim=1), lambda x: ref.cumprod(x, 1), lambda gy, x: ref.cumprod_backward(gy, x, 1), x,
        rng=rng, dtype="float64", k=8, n=36,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_become_int64(isa, rng, dtype):
    x = rng.integers(0, 2, (3, 9)).astype(dtype)
    got = torch.cumsum(torch.tensor(x), dim=1)
    assert got.dtype == torch.int64 and np.array_equal(got.numpy(), np.cumsum(x, 1, dtype=np.int64))


@pytest.mark.parametrize("at", [0, 7, 8, 16])
def test_nan_reaches_all_that_follow(isa, rng, at):
    x = rng.standard_normal((2, 17))
    x[1, at] = np.nan
    check_close(torch.cumsum(torch.tensor(x), dim=1), ref.cumsum(x, 1), "cumsum", k=4, n=17)


def test_zero_dimensions(isa):
    assert torch.cumsum(torch.tensor(3.0), dim=0).item() == 3.0


def test_reference(rng):
    x = rng.standard_normal((2, 4, 3))
    x[0, 1, 0] = 0
    for name in ("cumsum", "cumprod"):
        check_reference(lambda x: getattr(ref, name)(x, 1), lambda gy, x: getattr(ref, name + "_backward")(gy, x, 1), x, rng=rng)
