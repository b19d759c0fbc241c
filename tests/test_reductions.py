"""Sums, means, products, extremes, variance, norm and logsumexp over any axes."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, numbers, place

import udlfast as torch
from udlfast.reference import reductions as ref

# shape, axis
CASES = [
    ((1,), None),
    ((7,), None),
    ((8,), 0),
    ((9,), -1),
    ((1023,), None),
    ((5, 17), None),
    ((5, 17), 0),
    ((5, 17), 1),
    ((3, 1, 16), 2),
    ((3, 33, 4), 1),
    ((3, 33, 4), (0, 2)),
    ((2, 3, 4, 5), (1, 3)),
    ((2, 3, 4, 5), (0, 1, 2, 3)),
    ((64, 1), 1),
    ((1, 64), 0),
    ((31, 97), 1),
    ((97, 31), 0),
    ((2, 8, 14, 14), (0, 2, 3)),
]
ONE_AXIS = [c for c in CASES if not isinstance(c[1], tuple)]


def call(f, axis, **more):
    return lambda x: f(x, **more) if axis is None else f(x, dim=axis, **more)


FLOAT = {  # name: operation, reference, its gradient, lowest input
    "sum": (torch.sum, ref.sum, ref.sum_backward, -1),
    "mean": (torch.mean, ref.mean, ref.mean_backward, -1),
    "amax": (torch.amax, ref.amax, ref.amax_backward, -1),
    "amin": (torch.amin, ref.amin, ref.amin_backward, -1),
    "var": (torch.var, ref.var, ref.var_backward, -1),
    "std": (torch.std, ref.std, ref.std_backward, -1),
    "norm": (torch.norm, ref.norm, ref.norm_backward, -1),
    "logsumexp": (torch.logsumexp, ref.logsumexp, ref.logsumexp_backward, -1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", FLOAT)
def test_reduction(isa, rng, name, case, dtype):
    op, forward, backward, _ = FLOAT[name]
    shape, axis = case
    if name in ("var", "std") and ref.count(np.empty(shape), axis) == 1:
        pytest.skip("the variance of one number is NaN: test_variance_of_one")
    if name in ("amax", "amin", "logsumexp") and axis is None:
        axis = tuple(range(len(shape)))
    if name == "norm" and isinstance(axis, tuple) and len(axis) > 2:
        axis = None  # torch.norm takes one axis, two, or all
    x = rng.standard_normal(shape)
    n = ref.count(x, axis)
    for layout in LAYOUTS:
        check_gradient(
            call(op, axis), lambda x: forward(x, axis), lambda gy, x: (backward(gy, x, axis),), x,
            rng=rng, dtype=dtype, layout=layout, k=4, n=n, scale=1 if name == "mean" else n**0.5,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", ONE_AXIS, ids=str)
def test_prod(isa, rng, case, dtype):
    shape, axis = case
    x = rng.uniform(0.9, 1.1, shape)
    x.ravel()[:: max(x.size // 3, 1)] *= -1
    n = ref.count(x, axis)
    check_gradient(
        call(torch.prod, axis), lambda x: ref.prod(x, axis), lambda gy, x: (ref.prod_backward(gy, x, axis),), x,
        rng=rng, dtype=dtype, k=4, n=4 * n,
    )  # fmt: skip


@pytest.mark.parametrize("zeros", [1, 2])
def test_prod_gradient_with_zeros(isa, rng, zeros):
    x = rng.uniform(0.5, 2, (4, 6))
    x[1, :zeros] = 0
    check_gradient(
        lambda x: torch.prod(x, 1), lambda x: ref.prod(x, 1), lambda gy, x: (ref.prod_backward(gy, x, 1),), x,
        rng=rng, dtype="float64", k=8, n=6,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("case", [c for c in ONE_AXIS if c[1] is not None], ids=str)
def test_max_with_indices(isa, rng, case, name):
    shape, axis = case
    x = rng.standard_normal(shape)
    t = torch.tensor(x, requires_grad=True)
    values, indices = getattr(torch, name)(t, axis)
    where = (ref.argmax if name == "max" else ref.argmin)(x, axis)
    assert np.array_equal(indices.numpy(), where)
    check_close(values, (ref.amax if name == "max" else ref.amin)(x, axis), name)
    gy = rng.standard_normal(values.shape)
    values.backward(torch.tensor(gy))
    want = np.zeros(shape)
    np.put_along_axis(want, np.expand_dims(where, axis), np.expand_dims(gy, axis), axis)
    check_close(t.grad, want, "gradient")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8"])
@pytest.mark.parametrize("case", ONE_AXIS, ids=str)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(isa, rng, name, case, dtype):
    """Few distinct values, so that the first of equals has to be found."""
    shape, axis = case
    x = rng.integers(0, 4, shape).astype(dtype)
    got = call(getattr(torch, name), axis)(torch.tensor(x))
    assert got.dtype == torch.int64
    check_close(got, getattr(ref, name)(x, axis), name)


@pytest.mark.parametrize("case", ONE_AXIS, ids=str)
@pytest.mark.parametrize("name", ["any", "all"])
def test_any_all(isa, rng, name, case):
    shape, axis = case
    for share in (0.0, 0.1, 0.9, 1.0):
        x = rng.random(shape) < share
        for t in (torch.tensor(x), torch.tensor(x.astype(np.float32)), torch.tensor(x.astype(np.int64))):
            got = call(getattr(torch, name), axis)(t)
            assert got.dtype == torch.bool
            check_close(got, getattr(ref, name)(x, axis), name)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_integer_sums_are_int64(isa, rng, case, dtype):
    shape, axis = case
    x = rng.integers(0, 100, shape).astype(dtype)
    got = call(torch.sum, axis)(torch.tensor(x))
    assert got.dtype == torch.int64
    check_close(got, ref.sum(x, axis), "sum")


def test_integer_sum_is_exact(isa):
    x = np.array([2**53, 1, 2**53, 1] * 5, dtype=np.int64)
    assert torch.tensor(x).sum().item() == int(x.sum())
    assert torch.tensor([3, 5, 7]).prod().item() == 105


@pytest.mark.parametrize("axis", [0, 1, (0, 1), None], ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "amax", "norm"])
def test_keepdim(isa, rng, name, axis):
    op, forward, backward, _ = FLOAT[name]
    axis = (0, 1, 2)[: 2 if name == "norm" else 3] if axis is None else axis
    x = rng.standard_normal((3, 4, 5))
    check_gradient(
        lambda x: op(x, dim=axis, keepdim=True), lambda x: forward(x, axis, keepdims=True),
        lambda gy, x: (backward(gy, x, axis),), x, rng=rng, dtype="float64", k=4, n=20, scale=4,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "prod", "norm", "logsumexp", "var"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_special_values_at_every_position(isa, name, bad, rng):
    if name == "var" and np.isinf(bad):
        bad = np.nan
    op, forward = getattr(torch, name), getattr(ref, name)
    base = rng.uniform(0.5, 1.5, (2, 19))
    for at in range(19):
        x = base.copy()
        x[0, at] = bad
        got = op(place(x, "float32"), dim=1)
        with np.errstate(all="ignore"):
            check_close(got, forward(numbers(place(x, "float32")), 1), f"{name} at {at}", k=4, n=19)


@pytest.mark.parametrize("at", range(0, 35, 3))
def test_nan_is_the_extreme(isa, rng, at):
    x = rng.standard_normal(35)
    x[at] = np.nan
    x[34] = np.nan
    t = place(x, "float32")
    assert torch.argmax(t).item() == at and torch.argmin(t).item() == at
    assert np.isnan(t.max().item()) and np.isnan(t.min().item())


def test_infinities_cancel_to_nan(isa):
    x = torch.tensor([float("inf"), 1.0, float("-inf")] + [0.0] * 20)
    assert np.isnan(x.sum().item())
    assert torch.logsumexp(torch.full((2, 9), float("-inf")), 1).tolist() == [float("-inf")] * 2


@pytest.mark.parametrize("op, want", [
    (torch.sum, 0.0), (torch.prod, 1.0), (torch.mean, np.nan), (torch.norm, 0.0), (torch.var, np.nan),
], ids=lambda p: getattr(p, "__name__", str(p)))  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*degrees of freedom.*")
def test_empty(isa, op, want):
    assert np.array_equal(numbers(op(torch.empty(0))), want, equal_nan=True)
    assert np.array_equal(numbers(op(torch.empty((3, 0)), dim=1)), [want] * 3, equal_nan=True)
    assert tuple(op(torch.empty((0, 3)), dim=1).shape) == (0,)


@pytest.mark.parametrize("name", ["amax", "amin", "argmax", "argmin", "max"])
def test_extreme_of_nothing_raises(isa, name):
    op = getattr(torch, name)
    with pytest.raises((RuntimeError, IndexError, ValueError), match=name.removeprefix("a").removeprefix("rg")):
        op(torch.empty((3, 0)), dim=1)
    assert tuple(torch.amax(torch.empty((3, 0)), dim=0).shape) == (0,)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom.*")
def test_variance_of_one(isa):
    assert np.isnan(torch.var(torch.tensor([2.0])).item())
    assert torch.var(torch.tensor([2.0]), correction=0).item() == 0.0
    assert torch.var(torch.ones((3, 1)), dim=1, correction=0).tolist() == [0.0] * 3


def test_variance_far_from_zero(isa, rng):
    """A shifted variance: one pass over squares would lose every digit."""
    x = rng.standard_normal(4001)
    check_close(torch.var(torch.tensor(x + 1e6)), np.var(x, ddof=1), "var", k=1e6, n=1)
    x32 = (x + 1000).astype(np.float32)
    check_close(torch.var(torch.tensor(x32)), np.var(x32.astype(float), ddof=1), "var", k=4, n=1)


def test_correction(isa, rng):
    x = rng.standard_normal((4, 9))
    for correction in (0, 1, 2):
        check_gradient(
            lambda x: torch.var(x, dim=1, correction=correction), lambda x: ref.var(x, 1, correction),
            lambda gy, x: (ref.var_backward(gy, x, 1, correction),), x, rng=rng, dtype="float64", k=4, n=9,
        )  # fmt: skip
    var, mean = torch.var_mean(torch.tensor(x), dim=0)
    check_close(var, ref.var(x, 0), "var", k=4), check_close(mean, ref.mean(x, 0), "mean", k=4, scale=1)


def test_ties_share_the_gradient(isa):
    x = torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
    torch.amax(x, dim=1).sum().backward()
    check_close(x.grad, [[0, 0.5, 0.5], [1 / 3] * 3], "gradient", k=1)
    y = torch.tensor([3.0, 1.0, 3.0], requires_grad=True)
    y.max().backward()
    assert y.grad.tolist() == [0.5, 0.0, 0.5]


def test_norm_of_zero_has_zero_gradient(isa):
    x = torch.zeros((2, 3), requires_grad=True)
    torch.norm(x, dim=1).sum().backward()
    assert x.grad.tolist() == [[0.0] * 3] * 2


def test_long_sums_keep_their_digits(isa, rng):
    """A million terms: a pairwise tree stays far below the sqrt(n) of one running sum."""
    x = rng.random(1_000_003).astype(np.float32)
    check_close(torch.tensor(x).sum(), x.astype(float).sum(), "sum", k=8, n=1)
    check_close(torch.tensor(x).mean(), x.astype(float).mean(), "mean", k=8, n=1)


def test_bfloat16_accumulates_in_float32(isa):
    x = torch.ones(4096, dtype=torch.bfloat16)
    assert x.sum().item() == 4096.0 and x.sum().dtype == torch.bfloat16
    assert x.mean().item() == 1.0


def test_sum_with_dtype(isa):
    assert torch.tensor([1, 2]).sum(dtype=torch.float32).dtype == torch.float32
    assert torch.tensor([0.1, 0.2]).sum(dtype=torch.float64).dtype == torch.float64


@pytest.mark.parametrize("name", FLOAT)
def test_reference(rng, name):
    _, forward, backward, _ = FLOAT[name]
    x = rng.standard_normal((3, 4, 2))
    for axis in (0, (0, 2), None):
        check_reference(lambda x: forward(x, axis), lambda gy, x: (backward(gy, x, axis),), x, rng=rng)
    check_reference(lambda x: ref.prod(x, 1), lambda gy, x: (ref.prod_backward(gy, x, 1),), x, rng=rng)


@pytest.mark.parametrize("n", [255, 256, 257, 511, 513, 1000, 3001])
@pytest.mark.parametrize("place", [0, 7, 254, 255, 256, 511, -2, -1])
@pytest.mark.parametrize("value", [9.0, float("nan")])
def test_argmax_of_long_rows_takes_the_first(n, place, value):
    """Rows are searched in blocks of 256: the extreme, or NaN, twice, in one block or in two."""
    place %= n
    x = np.random.default_rng(n).uniform(-1, 1, (3, n)).astype(np.float32)
    x[1, place] = x[1, min(place + 300, n - 1)] = value
    assert torch.from_numpy(x).argmax(1).tolist() == np.argmax(x, 1).tolist()
    assert torch.from_numpy(-x).argmin(1).tolist() == np.argmin(-x, 1).tolist()


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("n", [1, 3, 31, 64, 1001])
def test_rows_of_integers(dtype, n):
    x = np.random.default_rng(n).integers(0 if dtype in ("uint8", "bool") else -100, 2 if dtype == "bool" else 120, (5, n))
    x = x.astype(dtype)
    t = torch.from_numpy(x)
    assert t.sum(1).tolist() == x.astype(np.int64).sum(1).tolist()
    if dtype != "bool":
        assert t.amax(1).tolist() == x.max(1).tolist() and t.amin(1).tolist() == x.min(1).tolist()


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool"])
@pytest.mark.parametrize("n", [1, 7, 64, 1025, 70_000])
def test_extremes_of_integer_rows_are_the_first(isa, rng, dtype, n):
    x = rng.integers(0, 2 if dtype == "bool" else 11, (3, n)).astype(dtype)
    t = torch.tensor(x)
    for name in ("argmax", "argmin"):
        assert np.array_equal(getattr(t, name)(1).numpy(), getattr(x, name)(1))
        assert getattr(t, name)().item() == getattr(x, name)()
    values, places = t.max(1)
    assert np.array_equal(values.numpy(), x.max(1)) and np.array_equal(places.numpy(), x.argmax(1))


def test_the_gradient_of_a_deviation_of_equal_numbers_is_zero():
    """There the deviation has its minimum; the root alone would give 0 times infinity."""
    x = torch.tensor([[2.0, 2.0], [1.0, 3.0]], requires_grad=True)
    x.std(1).sum().backward()
    assert x.grad[0].tolist() == [0, 0] and np.allclose(x.grad[1].tolist(), [-(0.5**0.5), 0.5**0.5])
    x.grad = None
    sum(y.sum() for y in torch.std_mean(x, 1)).backward()
    assert x.grad[0].tolist() == [0.5, 0.5]
