"""Running sums, products, logarithms of sums of exponentials and extremes along an axis."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, place, rounded

import udlfast as torch
from udlfast.reference import cumsum as ref

CASES = [((1,), 0), ((0,), 0), ((7,), 0), ((8,), -1), ((9,), 0), ((3, 0), 1), ((0, 3), 1), ((3, 17), 1), ((17, 3), 0),
         ((2, 5, 3), 1), ((2, 33), 1), ((3, 4, 16), 1), ((2, 1023), 1), ((9, 65), 1), ((17, 129), 1), ((130, 70), 0)]  # fmt: skip


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


@pytest.mark.parametrize("n", [32_767, 32_768, 32_769, 36_864, 70_001])
@pytest.mark.parametrize("outer", [1, 3])
def test_long_rows(isa, rng, n, outer):
    """Rows of float from 32768 on are summed in chunks: both directions, NaN and infinity where one chain has them."""
    x = rounded(rng.standard_normal((outer, n)) + 0.5, "float32")
    t = place(x, "float32").requires_grad_()
    y = torch.cumsum(t, 1)
    check_close(y, np.cumsum(x, 1), "cumsum", k=1, n=1, scale=0.001)
    y.backward(place(x, "float32"))
    check_close(t.grad, np.cumsum(x[:, ::-1], 1)[:, ::-1], "gradient", k=1, n=1, scale=0.001)
    x[0, 20_000], x[0, 25_000] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        check_close(torch.cumsum(place(x, "float32"), 1), np.cumsum(x, 1), "cumsum", k=1, n=1, scale=0.001)


def test_zero_dimensions(isa):
    assert torch.cumsum(torch.tensor(3.0), dim=0).item() == 3.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [c for c in CASES if c[0][c[1]] < 200], ids=str)
def test_logcumsumexp(isa, rng, case, dtype):
    shape, axis = case
    check_gradient(
        lambda x: torch.logcumsumexp(x, dim=axis), lambda x: ref.logcumsumexp(x, axis),
        lambda gy, x: ref.logcumsumexp_backward(gy, x, axis), 3 * rng.standard_normal(shape),
        rng=rng, dtype=dtype, k=4, n=max(shape[axis], 1),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logcumsumexp_of_any_size(isa, dtype):
    """Rising and falling by more than exp can hold, infinities of both signs, NaN: as pair by pair in float64"""
    rows = [[-1e4, 0.0, 1e4, -1e4] * 20, [1e30, 1e30] + [0.0] * 78, [-np.inf] * 3 + [1.0] * 77,
            [0.0] * 70 + [np.inf] * 2 + [-np.inf, 3.0] * 4, [-np.inf] * 80,
            [1.0] * 66 + [np.nan] + [2.0] * 13, [np.inf, np.nan] + [0.0] * 78]  # fmt: skip
    x = np.array(rows)
    with np.errstate(invalid="ignore"):
        want = np.logaddexp.accumulate(x, axis=1)
    check_close(torch.logcumsumexp(torch.tensor(x, dtype=getattr(torch, dtype)), 1), want, "logcumsumexp", k=2, n=1, scale=0)
    check_close(torch.logcumsumexp(torch.tensor(x.T.copy(), dtype=getattr(torch, dtype)), 0), want.T, "logcumsumexp", k=2, n=1, scale=0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool", "bfloat16"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_cummax_and_cummin(isa, rng, case, dtype):
    """Ties: few different numbers; NaN in floats"""
    shape, axis = case
    x = rng.integers(0, 2 if dtype == "bool" else 9, shape).astype(float)
    if dtype.startswith(("float", "bf")) and x.size > 3:
        x.ravel()[:: max(5, x.size // 3)] = np.nan
    for name, sign in (("cummax", 1), ("cummin", -1)):
        values, places = getattr(torch, name)(torch.tensor(x, dtype=getattr(torch, dtype)), axis)
        want = ref.cummax(x, axis, sign)
        assert values.dtype == getattr(torch, dtype) and places.dtype == torch.int64
        assert np.array_equal(places.numpy(), want[1])
        assert np.array_equal(values.double().numpy(), want[0], equal_nan=True)


def test_cummax_gradient_goes_to_the_last_of_equals(isa):
    x = torch.tensor([1.0, 3.0, 3.0, 2.0], requires_grad=True)
    torch.cummax(x, 0)[0].backward(torch.tensor([1.0, 10.0, 100.0, 1000.0]))
    assert x.grad.tolist() == [1.0, 10.0, 1100.0, 0.0]


def test_large_int64_keep_all_digits(isa):
    x = torch.tensor([2**62, 2**62 + 1, -(2**63), 2**62])
    assert torch.cummax(x, 0)[0].tolist() == [2**62, 2**62 + 1, 2**62 + 1, 2**62 + 1]
    assert torch.cummin(x, 0)[0].tolist() == [2**62, 2**62, -(2**63), -(2**63)]


def test_reference(rng):
    x = rng.standard_normal((2, 4, 3))
    check_reference(lambda x: ref.logcumsumexp(x, 1), lambda gy, x: ref.logcumsumexp_backward(gy, x, 1), x, rng=rng)
    assert np.array_equal(ref.cummax(x, 1)[0], np.maximum.accumulate(x, 1))
    assert np.array_equal(ref.cummax(x, 0, -1)[0], np.minimum.accumulate(x, 0))
    x[0, 1, 0] = 0
    for name in ("cumsum", "cumprod"):
        check_reference(lambda x: getattr(ref, name)(x, 1), lambda gy, x: getattr(ref, name + "_backward")(gy, x, 1), x, rng=rng)
