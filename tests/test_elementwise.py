"""Element-wise arithmetic and mathematics: every op on every size around a vector's width, layout, type and edge."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_forward, check_gradient, check_reference, numbers, place, rounded

import udlfast as torch
from udlfast.reference.elementwise import elementwise, elementwise_backward

SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 97, 1023]
DTYPES = ["float32", "float64"]

# name, low, high: the inputs are uniform in [low, high]; k: a multiple of eps; scale: 0 = relative error of each number
UNARY = [
    ("neg", -9, 9, 0.1, 0),
    ("abs", -9, 9, 0.1, 0),
    ("sign", -2, 2, 0.1, 0),
    ("exp", -80, 80, 2, 0),
    ("exp2", -120, 120, 2, 0),
    ("expm1", -20, 20, 2, 0),
    ("expm1", -1e-3, 1e-3, 2, 0),
    ("log", 1e-6, 100, 2, 0),
    ("log", 0.9, 1.1, 2, 0),
    ("log2", 1e-6, 100, 2, 0),
    ("log10", 1e-6, 100, 2, 0),
    ("log1p", -0.9, 100, 2, 0),
    ("log1p", -1e-4, 1e-4, 2, 0),
    ("sqrt", 0, 100, 1, 0),
    ("rsqrt", 1e-3, 100, 2, 0),
    ("square", -9, 9, 1, 0),
    ("reciprocal", 0.01, 9, 1, 0),
    ("sin", -100, 100, 2, 1),
    ("cos", -100, 100, 2, 1),
    ("tan", -1.5, 1.5, 4, 0),
    ("asin", -1, 1, 4, 0),
    ("acos", -1, 1, 4, 1),
    ("atan", -30, 30, 4, 0),
    ("sinh", -30, 30, 4, 0),
    ("cosh", -30, 30, 4, 0),
    ("tanh", -10, 10, 2, 0),
    ("tanh", -1e-3, 1e-3, 2, 0),
    ("asinh", -30, 30, 4, 0),
    ("acosh", 1.01, 30, 4, 1),
    ("atanh", -0.99, 0.99, 4, 0),
    ("erf", -5, 5, 2, 0),
    ("erfc", -3, 6, 24, 0),  # condition number 2 x^2 of e^(-x^2)
    ("lgamma", 0.1, 50, 8, 1),
    ("floor", -9, 9, 0.1, 0),
    ("ceil", -9, 9, 0.1, 0),
    ("round", -9, 9, 0.1, 0),
    ("trunc", -9, 9, 0.1, 0),
    ("sigmoid", -80, 80, 4, 0),
    ("sigmoid", -4, 4, 4, 0),
]
SATURATED = [("sigmoid", -80, 80, 4, 0)]  # s (1 - s) keeps no digits there, in PyTorch as here

BINARY = [
    ("add", -9, 9, 1, 0),
    ("sub", -9, 9, 1, 0),
    ("mul", -9, 9, 1, 0),
    ("div", 0.1, 9, 1, 0),
    ("floor_divide", 0.1, 9, 1, 0),
    ("remainder", 0.1, 9, 2, 1),
    ("fmod", 0.1, 9, 2, 1),
    ("pow", 0.1, 9, 4, 0),
    ("maximum", -9, 9, 0.1, 0),
    ("minimum", -9, 9, 0.1, 0),
    ("atan2", -9, 9, 4, 0),
    ("hypot", -9, 9, 2, 0),
    ("xlogy", 0.1, 9, 4, 0),
]
NO_GRADIENT = {"floor_divide"}

TERNARY = [
    ("addcmul", lambda a, b, c: torch.addcmul(a, b, c, value=0.7), (0.7,)),
    ("addcdiv", lambda a, b, c: torch.addcdiv(a, b, c, value=0.7), (0.7,)),
    ("lerp", torch.lerp, ()),
]


def case_id(case):
    return f"{case[0]}[{case[1]},{case[2]}]"


def function(name):
    return getattr(torch, "where" if name == "where" else name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", UNARY, ids=case_id)
def test_unary(isa, rng, case, dtype):
    name, low, high, k, scale = case
    for n in SIZES:
        x = rng.uniform(low, high, n)
        check_forward(function(name), lambda x: elementwise(name, x), x, dtype=dtype, k=k, scale=scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", [c for c in UNARY if c not in SATURATED], ids=case_id)
def test_unary_gradient(isa, rng, case, dtype):
    name, low, high, k, scale = case
    for layout in LAYOUTS:
        x = rng.uniform(low, high, (5, 11))
        check_gradient(
            function(name), lambda x: elementwise(name, x), lambda gy, x: elementwise_backward(name, gy, x), x,
            rng=rng, dtype=dtype, layout=layout, k=2 * k + 4, scale=scale,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", BINARY, ids=case_id)
def test_binary(isa, rng, case, dtype):
    name, low, high, k, scale = case
    for n in SIZES:
        a, b = rng.uniform(low, high, n), rng.uniform(low, high, n)
        check_forward(function(name), lambda a, b: elementwise(name, a, b), a, b, dtype=dtype, k=k, scale=scale)


def test_slopes_at_the_edges(isa):
    """hardswish far out, and the angle of the origin, whose slopes are 0."""
    x = torch.tensor([np.inf, -np.inf, 4.0, -4.0], requires_grad=True)
    torch.nn.functional.hardswish(x).sum().backward()
    assert x.grad.tolist() == [1, 0, 1, 0]
    a, b = torch.tensor([0.0, 3.0], requires_grad=True), torch.tensor([0.0, 4.0], requires_grad=True)
    torch.atan2(a, b).sum().backward()
    check_close(a.grad, [0, 0.16], "a")
    check_close(b.grad, [0, -0.12], "b")


SHAPES = [((7, 5), (7, 5)), ((7, 5), (5,)), ((7, 1), (1, 5)), ((3, 1, 5), (4, 1)), ((), (3, 4)), ((2, 3, 4), ()),
          ((0, 5), (1, 5)), ((1,), (17,)), ((2, 1, 3, 1), (1, 4, 1, 5)), ((33, 1), (33, 17))]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("case", BINARY, ids=case_id)
def test_binary_broadcast_gradient(isa, rng, case, shapes):
    name, low, high, k, scale = case
    a, b = (rng.uniform(low, high, s) for s in shapes)
    forward, backward = (lambda a, b: elementwise(name, a, b)), (lambda gy, a, b: elementwise_backward(name, gy, a, b))
    for dtype, layout in (("float32", "strided"), ("float64", "transposed"), ("float32", "plain")):
        if name in NO_GRADIENT:
            check_forward(function(name), forward, a, b, dtype=dtype, layout=layout, k=k, scale=scale)
        else:
            terms = max(np.broadcast(a, b).size / max(min(a.size, b.size), 1), 1)
            check_gradient(function(name), forward, backward, a, b, rng=rng, dtype=dtype, layout=layout, k=2 * k + 6,
                           n=terms, scale=scale)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", TERNARY, ids=lambda c: c[0])
def test_ternary(isa, rng, case, dtype, layout):
    name, op, p = case
    for shapes in [((7, 5), (7, 5), (7, 5)), ((7, 5), (5,), (7, 1)), ((1,), (4, 3), (3,)), ((0, 3), (3,), (0, 1))]:
        a, b, c = (rng.uniform(0.5, 2, s) for s in shapes)
        check_gradient(
            op, lambda *x: elementwise(name, *x, p=p), lambda gy, *x: elementwise_backward(name, gy, *x, p=p), a, b, c,
            rng=rng, dtype=dtype, layout=layout, k=8, n=9,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_where(isa, rng, dtype):
    for shapes in [((7, 5),) * 3, ((5,), (7, 5), (7, 1)), ((7, 1), (), (5,)), ((0, 3), (3,), (1, 3)), ((17,), (17,), ())]:
        mask = np.asarray(rng.random(shapes[0]) < 0.5)
        b, c = (rng.standard_normal(s) for s in shapes[1:])
        b, c = np.asarray(b), np.asarray(c)
        check_gradient(
            torch.where, lambda m, b, c: elementwise("where", m, b, c),
            lambda gy, m, b, c: elementwise_backward("where", gy, m, b, c)[1:], mask, b, c, rng=rng, dtype=dtype, k=2, n=40,
        )  # fmt: skip


def test_where_does_not_mix_in_the_other_side(isa):
    x = torch.tensor([1.0, float("nan"), 3.0], requires_grad=True)
    y = torch.where(torch.tensor([True, False, True]), x, torch.zeros(3))
    y.sum().backward()
    assert y.tolist() == [1.0, 0.0, 3.0]
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scalar", [3, -2, 0.5])
@pytest.mark.parametrize("case", [
    ("add", lambda x, s: x + s), ("rsub", lambda x, s: s - x), ("sub", lambda x, s: x - s), ("mul", lambda x, s: s * x),
    ("div", lambda x, s: x / s), ("rdiv", lambda x, s: s / x), ("remainder", lambda x, s: x % s),
    ("floor_divide", lambda x, s: x // s), ("pow", lambda x, s: x**s), ("rpow", lambda x, s: abs(s) ** x),
], ids=lambda c: c[0])  # fmt: skip
def test_python_scalars(isa, rng, case, scalar, dtype):
    name, op = case
    x = rng.uniform(0.5, 3, (3, 7))
    s = np.float64(abs(scalar) if name == "rpow" else scalar)
    check_forward(lambda x: op(x, scalar), lambda x: elementwise(name, x, s), x, dtype=dtype, k=4, scale=1)
    if name == "floor_divide":
        return
    check_gradient(
        lambda x: op(x, scalar), lambda x: elementwise(name, x, s),
        lambda gy, x: elementwise_backward(name, gy, x, s)[:1], x, rng=rng, dtype=dtype, k=12,
    )  # fmt: skip


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-30, -1e-30, 1e30, -1e30, 88.7, -88.7]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted({c[0] for c in UNARY} - {"lgamma", "tan", "sin", "cos"}))
def test_unary_special_values(isa, name, dtype):
    """NaN and infinities at every lane position come out as the reference has them."""
    for shift in range(17):
        x = np.roll(np.array(SPECIAL + [3.0]), shift)
        check_forward(function(name), lambda x: elementwise(name, x), x, dtype=dtype, k=8, scale=0)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_trigonometry_of_large_and_special_values(isa, name):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1e3, -1e4, 12345.678, 1e5, 7.0, 22.0])
    check_forward(function(name), lambda x: elementwise(name, x), x, dtype="float64", k=8, scale=1)
    check_forward(function(name), lambda x: elementwise(name, x), x, dtype="float32", k=4, scale=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "maximum", "minimum", "pow", "hypot", "remainder", "fmod"])
def test_binary_special_values(isa, name, dtype):
    values = [np.nan, np.inf, -np.inf, 0.0, 1.0, -1.0, 2.0, -3.0, 0.5]
    a, b = (m.ravel() for m in np.meshgrid(values, values))
    check_forward(function(name), lambda a, b: elementwise(name, a, b), a, b, dtype=dtype, k=4, scale=0)


def test_negative_zero_keeps_its_sign(isa):
    x = torch.tensor([-0.0, 0.0] * 9)
    for y in (x * 1, x.sqrt(), x.tanh(), x + x, torch.round(x), torch.trunc(x - 0.0), -(-x), x.abs() * -1 * -1):
        assert numbers(y).tolist() == [0.0] * 18
    assert np.signbit(numbers(x * 1)).tolist() == [True, False] * 9
    assert np.signbit(numbers(-x)).tolist() == [False, True] * 9
    assert not np.signbit(numbers(x.abs())).any()


def test_rounding_is_half_to_even(isa):
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 8388609.0, 1e30])
    assert torch.round(x).tolist() == [0.0, 2.0, 2.0, -0.0, -2.0, 0.0, 8388609.0, 1.0000000150474662e30]


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (None, 0.5), (-0.5, None), (0, 0)], ids=str)
def test_clamp(isa, rng, limits):
    low, high = (-np.inf if limits[0] is None else limits[0]), (np.inf if limits[1] is None else limits[1])
    x = rng.uniform(-2, 2, (3, 17))
    check_gradient(
        lambda x: torch.clamp(x, min=limits[0], max=limits[1]), lambda x: elementwise("clamp", x, p=(low, high)),
        lambda gy, x: elementwise_backward("clamp", gy, x, p=(low, high)), x, rng=rng, k=1,
    )  # fmt: skip


def test_clamp_keeps_nan_and_counts_the_limits(isa):
    x = torch.tensor([float("nan"), -1.0, 1.0, 5.0, float("inf")], requires_grad=True)
    y = torch.clamp(x, -1.0, 1.0)
    y.sum().backward()
    assert np.array_equal(numbers(y), [np.nan, -1, 1, 1, 1], equal_nan=True)
    assert x.grad.tolist()[1:] == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "floor_divide", "remainder", "maximum", "minimum", "bitwise_and",
                                  "bitwise_or", "bitwise_xor"])  # fmt: skip
def test_integers(isa, rng, name, dtype):
    low = 0 if dtype == "uint8" else -50
    for n in SIZES:
        a, b = rng.integers(low, 100, n).astype(dtype), rng.integers(1, 12, n).astype(dtype)
        numpy = {"sub": "subtract", "mul": "multiply", "add": "add"}.get(name, name)
        want = getattr(np, numpy)(a, b)
        y = getattr(torch, name)(torch.tensor(a), torch.tensor(b))
        assert str(y.dtype).endswith(dtype)
        assert np.array_equal(y.numpy(), want)


def test_large_int64_is_exact(isa):
    a = np.array([2**53 + 1, -(2**60) + 3, 2**62, 7], dtype=np.int64)
    t = torch.tensor(a)
    assert (t + 1).tolist() == (a + 1).tolist()
    assert (t - 1).tolist() == (a - 1).tolist()
    assert (t // 3).tolist() == (a // 3).tolist()
    assert torch.maximum(t, t + 1).tolist() == (a + 1).tolist()
    assert (t == t + 1).tolist() == [False] * 4


def test_integer_division_is_true(isa):
    y = torch.tensor([1, 2, 7]) / torch.tensor([2, 3, -2])
    assert str(y.dtype).endswith("float32")
    check_close(y, rounded(np.array([0.5, 2 / 3, -3.5]), "float32"), "7 / 2", k=1)


@pytest.mark.parametrize("name", ["add", "mul", "div", "sub", "maximum"])
def test_bfloat16_binary(isa, rng, name):
    for n in SIZES:
        a, b = rng.uniform(0.5, 4, n), rng.uniform(0.5, 4, n)
        check_forward(function(name), lambda a, b: elementwise(name, a, b), a, b, dtype="bfloat16", k=0.51, scale=0)


@pytest.mark.parametrize("name", ["neg", "exp", "log", "sqrt", "tanh", "sigmoid", "abs"])
def test_bfloat16_unary(isa, rng, name):
    for n in SIZES:
        x = rng.uniform(0.5, 4, n)
        check_forward(function(name), lambda x: elementwise(name, x), x, dtype="bfloat16", k=0.52, scale=0)


CONVERT = ["bool", "uint8", "int32", "int64", "float32", "float64", "bfloat16"]


@pytest.mark.parametrize("target", CONVERT)
@pytest.mark.parametrize("source", CONVERT)
def test_conversion(isa, source, target):
    for n in (0, 1, 7, 8, 17, 33):
        values = np.arange(n) % 5
        values = (values > 2) if source == "bool" else values
        y = torch.tensor(values.astype(float)).to(getattr(torch, source)).to(getattr(torch, target))
        assert str(y.dtype).endswith(target)
        want = values.astype(float) != 0 if target == "bool" else values.astype(float)
        assert np.array_equal(numbers(y), want.astype(float))


def test_float_to_int_cuts_towards_zero(isa):
    assert torch.tensor([1.9, -1.9, 0.5, -0.5, 2.5]).to(torch.int64).tolist() == [1, -1, 0, 0, 2]
    assert torch.tensor([1.9, -1.9, 0.0, float("nan")]).to(torch.bool).tolist() == [True, True, False, True]


def test_in_place_writes_only_its_view(isa, rng):
    """A strided view inside a larger buffer: its neighbours stay as they are."""
    for n in (1, 3, 4, 7, 8, 9, 17, 33):
        base = rng.standard_normal((5, 2 * n + 1))
        t = torch.tensor(base)
        view = t[1:4, 1::2]
        view.mul_(2).add_(1)
        want = base.copy()
        want[1:4, 1::2] = want[1:4, 1::2] * 2 + 1
        check_close(t, want, "in-place", k=1, scale=0)


def test_expanded_input(isa, rng):
    x = rng.standard_normal(5)
    t = torch.tensor(x, requires_grad=True)
    y = torch.exp(t.expand(3, 5)) * t.expand(3, 5)
    y.sum().backward()
    check_close(y, np.exp(x) * x * np.ones((3, 1)), "expand", k=4)
    check_close(t.grad, 3 * np.exp(x) * (1 + x), "gradient", k=8)


@pytest.mark.parametrize("case", UNARY, ids=case_id)
def test_reference_derivative_of_unary(rng, case):
    name, low, high, _, _ = case
    x = rng.uniform(max(low, -3), min(high, 3), 6) if high > 1 else rng.uniform(low * 0.9, high * 0.9, 6)
    if low > 0:
        x = rng.uniform(max(low, 0.5), min(high, 5), 6) + 0.05
    x = x + 1e-3 * (np.abs(x - np.round(x)) < 1e-3)  # away from the steps of floor and round
    check_reference(lambda x: elementwise(name, x), lambda gy, x: elementwise_backward(name, gy, x), x, rng=rng)


@pytest.mark.parametrize("case", [c for c in BINARY if c[0] not in NO_GRADIENT], ids=case_id)
def test_reference_derivative_of_binary(rng, case):
    name, low, _, _, _ = case
    a, b = rng.uniform(0.6, 3, (4, 1)), rng.uniform(0.6, 3, 3)
    check_reference(
        lambda a, b: elementwise(name, a, b), lambda gy, a, b: elementwise_backward(name, gy, a, b), a, b, rng=rng
    )


def test_strided_memory_is_what_place_says(rng):
    t = place(rng.standard_normal((2, 3)), "float32", "strided")
    assert t.stride() == (7, 2)


def test_clamp_refuses_bounds_that_would_wrap_around():
    x = torch.tensor([3, 200], dtype=torch.uint8)
    for bounds in ({"max": 300}, {"min": 2**31}, {"min": 0, "max": 256}):
        with pytest.raises(ValueError, match="does not fit"):
            x.clamp(**bounds)
    with pytest.raises(ValueError):
        torch.tensor([1], dtype=torch.int8).clamp(max=128)
    assert x.clamp(4, 255).tolist() == [4, 200] and torch.tensor([-9], dtype=torch.int8).clamp(-128, 127).tolist() == [-9]
