"""Comparisons, logic and tests for special values: boolean results, any layout, broadcast, NaN."""

import operator

import numpy as np
import pytest
from harness import LAYOUTS, place, rounded

import udlfast as torch
from udlfast.reference.elementwise import elementwise

SIZES = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 97]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]
VALUES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5]


def same(got, want):
    assert got.dtype == torch.bool
    assert np.array_equal(got.numpy(), np.asarray(want) != 0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", COMPARE)
def test_compare(isa, rng, name, dtype, layout):
    for n in SIZES:
        a, b = (np.round(rng.uniform(-2, 2, (2, n)) * 2) / 2 for _ in range(2))
        same(getattr(torch, name)(place(a, dtype, layout), place(b, dtype, layout)), elementwise(name, a, b))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", COMPARE + LOGIC)
def test_special_values(isa, name, dtype):
    a, b = (m.ravel() for m in np.meshgrid(VALUES, VALUES))
    same(getattr(torch, name)(place(a, dtype), place(b, dtype)), elementwise(name, a, b))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("name", COMPARE + LOGIC)
def test_integers(isa, rng, name, dtype):
    for n in SIZES:
        a, b = (rng.integers(0, 3, n).astype(dtype) for _ in range(2))
        same(getattr(torch, name)(torch.tensor(a), torch.tensor(b)), elementwise(name, a, b))


@pytest.mark.parametrize("name", COMPARE)
def test_operators_with_scalars(isa, rng, name):
    x = np.round(rng.uniform(-2, 2, 19))
    same(getattr(operator, name)(place(x, "float32"), 1), elementwise(name, x, 1.0))
    same(getattr(operator, name)(1.0, place(x, "float32")), elementwise(name, 1.0, x))
    same(getattr(operator, name)(torch.tensor(x.astype(np.int64)), 0.5), elementwise(name, x, 0.5))


@pytest.mark.parametrize("name", COMPARE)
def test_broadcast(isa, rng, name):
    a, b = np.round(rng.uniform(-2, 2, (4, 1, 3))), np.round(rng.uniform(-2, 2, (5, 1)))
    same(getattr(torch, name)(place(a, "float32"), place(b, "float32")), elementwise(name, a, b))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not"])
def test_tests(isa, name, dtype):
    for shift in range(17):
        x = np.roll(np.array(VALUES + VALUES + [3.0]), shift)
        same(getattr(torch, name)(place(x, dtype)), elementwise(name, x))


def test_bitwise_operators(isa):
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    s, t = torch.tensor(a), torch.tensor(b)
    same(s & t, a & b), same(s | t, a | b), same(s ^ t, a ^ b), same(~s, ~a)
    x, y = np.array([5, -3, 12, 2**40]), np.array([3, 6, -1, 1])
    s, t = torch.tensor(x), torch.tensor(y)
    assert (s & t).tolist() == (x & y).tolist() and (s | t).tolist() == (x | y).tolist()
    assert (s ^ t).tolist() == (x ^ y).tolist() and (~s).tolist() == (~x).tolist()
    assert (s << 2).tolist() == (x << 2).tolist() and (s >> 1).tolist() == (x >> 1).tolist()


def test_mixed_types(isa):
    i, f = torch.tensor([1, 2, 3]), torch.tensor([1.0, 2.5, 3.0])
    assert (i == f).tolist() == [True, False, True]
    assert (i < f).tolist() == [False, True, False]
    assert (torch.tensor([True, False]) == torch.tensor([1, 1])).tolist() == [True, False]
    assert (f.double() > f).tolist() == [False] * 3


def test_equal_and_allclose(isa):
    a = torch.tensor([1.0, 2.0])
    assert torch.equal(a, a.clone()) and not torch.equal(a, torch.tensor([1.0, 2.1]))
    assert not torch.equal(a, torch.tensor([[1.0, 2.0]]))
    assert torch.allclose(a, a * (1 + 1e-7)) and not torch.allclose(a, a * 1.1)
    nan = torch.tensor([float("nan")])
    assert not torch.allclose(nan, nan) and torch.allclose(nan, nan, equal_nan=True)


def test_comparison_has_no_gradient(isa):
    y = torch.tensor([1.0], requires_grad=True) > 0
    assert not y.requires_grad


def test_values_survive_bfloat16(isa):
    assert np.array_equal(rounded(np.array(VALUES[1:]), "bfloat16"), VALUES[1:])
