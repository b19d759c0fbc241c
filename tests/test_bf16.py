"""bfloat16 products, copies and sums on whatever multiplies them here: a matrix unit, or float32 after widening; and autocast."""

import numpy as np
import pytest
from harness import EPS, rounded

import udlfast as torch
from udlfast._core import empty, matmul_into, matrix_unit
from udlfast.nn import functional as F

ROWS, COLUMNS, PAIR = 12, 32, 2  # the tile of csrc/tiles/pairs_micro.c: rows, columns, numbers of k in an element
EDGES = sorted({1, 2, 3, *(t + d for t in (ROWS, 2 * ROWS, COLUMNS, 2 * COLUMNS) for d in (-1, 0, 1))})


def low(x):
    return torch.from_numpy(np.ascontiguousarray(x, np.float32)).bfloat16()


def near(got, want, size, k):
    """One rounding of the sum to bfloat16 and those of k float32 products whose sizes add up to `size`."""
    error = np.abs(got.float().numpy() - want)
    allowed = 2.0**-8 * np.abs(want) * 1.01 + EPS["float32"] * k**0.5 * size + 2.0**-126
    return bool((error <= allowed).all())


def check(a, b, left=lambda t: t, right=lambda t: t):
    a, b = rounded(a, "bfloat16"), rounded(b, "bfloat16")
    got = torch.matmul(left(low(a)), right(low(b)))
    assert got.dtype is torch.bfloat16 and near(got, a @ b, np.abs(a) @ np.abs(b), a.shape[-1])


@pytest.mark.parametrize("m", range(1, 2 * ROWS + 2))
def test_every_height_of_a_tile(isa, rng, m):
    check(rng.standard_normal((m, 70)), rng.standard_normal((70, 50)))


@pytest.mark.parametrize("n", range(1, 2 * COLUMNS + 2))
def test_every_width_of_a_tile(isa, rng, n):
    check(rng.standard_normal((30, 70)), rng.standard_normal((70, n)))


@pytest.mark.parametrize("k", [*range(1, 36), 255, 256, 257, 300, 2047, 2048, 2049, 4097])
def test_every_rest_of_a_sum(isa, rng, k):
    check(rng.standard_normal((25, k)), rng.standard_normal((k, 33)))


@pytest.mark.parametrize("case", [(13, 33, 65), (64, 64, 64), (150, 77, 600), (700, 130, 45), (300, 2500, 90)], ids=str)
def test_layouts(isa, rng, case):
    m, k, n = case
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    forms = {
        "plain": lambda t: t,
        "transposed": lambda t: t.t().contiguous().t(),
        "strided": lambda t: torch.stack([t, t], -1)[..., 0],
        "odd rows": lambda t: torch.cat([t, t[:, :1]], 1)[:, : t.shape[1]],
    }
    for left in forms.values():
        for right in forms.values():
            check(a, b, left, right)


def test_batches(isa, rng):
    a, b = (rounded(rng.standard_normal(s), "bfloat16") for s in ((3, 5, 20, 33), (5, 33, 17)))
    for left, right in ((low(a), low(b)), (low(a).transpose(0, 1).contiguous().transpose(0, 1), low(b))):
        got = torch.matmul(left, right)
        assert near(got, a @ b, np.abs(a) @ np.abs(b), 33)


def test_a_not_a_number_stays_in_its_row_and_column(isa, rng):
    for i, j, p in ((0, 0, 0), (12, 5, 31), (24, 32, 32), (11, 64, 64)):
        a, b = rng.uniform(1, 2, (25, 65)), rng.uniform(1, 2, (65, 65))
        a[i, j], b[j, p] = np.nan, np.inf
        got = torch.matmul(low(a), low(b)).float().numpy()
        assert np.isnan(got[i]).all()
        rest = np.delete(got, i, 0)
        assert np.isposinf(rest[:, p]).all() and np.isfinite(np.delete(rest, p, 1)).all()


@pytest.mark.parametrize("case", [(256, 300, 260), (40, 2100, 1000), (1000, 70, 40), (3, 4100, 100)], ids=str)
def test_the_same_bits_for_any_number_of_threads(isa, rng, case):
    m, k, n = case
    a, b = low(rng.standard_normal((m, k))), low(rng.standard_normal((k, n)))
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3, 8):
            torch.set_num_threads(count)
            results.append(torch.matmul(a, b).view(torch.int16) if hasattr(torch, "int16") else torch.matmul(a, b).float())
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(results[0], r) for r in results)


@pytest.mark.parametrize("kinds", ["fff", "ffh", "fhf", "hff", "hhf", "fhh", "hfh"])
def test_products_of_mixed_types(isa, rng, kinds):
    """f: float32, rounded on the way; h: bfloat16; of a, b and the result."""
    for m, k, n in ((1, 7, 5), (25, 65, 33), (200, 300, 96)):
        a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
        wide_a, wide_b = rounded(a, "bfloat16"), rounded(b, "bfloat16")
        left, right = (torch.from_numpy(x.astype(np.float32)) for x in (a, b))
        left, right = left if kinds[0] == "f" else left.bfloat16(), right if kinds[1] == "f" else right.bfloat16()
        out = empty((m, n), torch.float32 if kinds[2] == "f" else torch.bfloat16)
        matmul_into(left, right, out, low=True)
        want, size = wide_a @ wide_b, np.abs(wide_a) @ np.abs(wide_b)
        if kinds[2] == "h":
            assert near(out, want, size, k)
        else:
            assert (np.abs(out.numpy() - want) <= EPS["float32"] * k**0.5 * size).all()


# ---- linear inside autocast ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_inside_autocast(isa, rng, kind, with_bias):
    x, w, b, g = (rng.standard_normal(s).astype(np.float32) for s in ((3, 11, 70), (33, 70), (33,), (3, 11, 33)))
    x, g = (rounded(t, "bfloat16").astype(np.float32) if kind == "bfloat16" or t is g else t for t in (x, g))
    tx = torch.from_numpy(x)
    tx = (tx if kind == "float32" else tx.bfloat16()).requires_grad_()
    tw, tb = torch.from_numpy(w).requires_grad_(), torch.from_numpy(b).requires_grad_() if with_bias else None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = F.linear(tx, tw, tb)
    assert y.dtype is torch.bfloat16
    y.backward(torch.from_numpy(g).bfloat16())
    rx, rw = rounded(x, "bfloat16").reshape(33, 70), rounded(w, "bfloat16")
    rg = g.reshape(33, 33).astype(float)
    want = rx @ rw.T + (b if with_bias else 0)
    assert near(y.detach().reshape(33, 33), want, np.abs(rx) @ np.abs(rw.T) + 4, 70)
    assert tx.grad.dtype is tx.dtype and tw.grad.dtype is torch.float32
    assert near(tx.grad.reshape(33, 70), rg @ rw, np.abs(rg) @ np.abs(rw), 33)
    assert (np.abs(tw.grad.numpy() - rg.T @ rx) <= EPS["float32"] * 6 * (np.abs(rg.T) @ np.abs(rx))).all()
    if with_bias:
        assert tb.grad.dtype is torch.float32
        assert (np.abs(tb.grad.numpy() - rg.sum(0)) <= EPS["float32"] * 6 * np.abs(rg).sum(0)).all()


def test_second_derivative_of_linear_inside_autocast(rng):
    x, w = (torch.from_numpy(rng.standard_normal(s).astype(np.float32)).requires_grad_() for s in ((4, 6), (5, 6)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = F.linear(x, w)
    (gx,) = torch.autograd.grad((y.float() ** 2).sum(), x, create_graph=True)
    (gw,) = torch.autograd.grad(gx.sum(), w)
    a, b = x.detach().double().requires_grad_(), w.detach().double().requires_grad_()
    (ga,) = torch.autograd.grad((F.linear(a, b) ** 2).sum(), a, create_graph=True)
    (gb,) = torch.autograd.grad(ga.sum(), b)
    assert gw.dtype is torch.float32
    assert np.abs(gw.numpy() - gb.numpy()).max() <= 2.0**-6 * np.abs(gb.numpy()).max()


def test_a_packed_weight_gives_the_same_bits_until_it_changes(isa, rng):
    x = torch.from_numpy(rng.standard_normal((40, 300)).astype(np.float32))
    layer = torch.nn.Linear(300, 401)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        first, *others = (layer(x) for _ in range(4))
        assert all(torch.equal(first, y) for y in others)
        layer.weight.mul_(2)
        layer.bias.mul_(2)
        assert torch.equal(layer(x), first * 2)
        with torch.autocast("cpu", enabled=False):
            exact = layer(x)
    assert exact.dtype is torch.float32
    want = x.numpy().astype(float) @ layer.weight.detach().numpy().astype(float).T + layer.bias.detach().numpy()
    assert np.abs(exact.numpy() - want).max() < 1e-4


def test_medium_is_coarse_where_there_is_a_unit_for_it(rng):
    a, b = (torch.from_numpy(rng.standard_normal((512, 512)).astype(np.float32)) for _ in range(2))
    want = a.numpy().astype(float) @ b.numpy().astype(float)
    try:
        torch.set_float32_matmul_precision("medium")
        got = (a @ b).numpy()
    finally:
        torch.set_float32_matmul_precision("highest")
    error = np.linalg.norm(got - want) / np.linalg.norm(want)
    assert error < 4e-3 and (error > 1e-4) == bool(matrix_unit())


# ---- copies and sums --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 31, 33, 40000])
def test_copies(isa, rng, n):
    x = rng.standard_normal((3, n)).astype(np.float32)
    if n:
        x[0, 0], x[1, n - 1], x[2, n // 2] = np.nan, np.inf, 3.3961775e38  # the last rounds to infinity
    t = torch.from_numpy(x)
    want = rounded(x, "bfloat16").astype(np.float32)
    half = t.bfloat16()
    assert np.array_equal(half.float().numpy(), want, equal_nan=True)
    assert np.array_equal(half.t().float().numpy(), want.T, equal_nan=True)
    assert np.array_equal(half[:, 1:].clone().float().numpy(), want[:, 1:], equal_nan=True)
    heads = torch.from_numpy(np.tile(x, (2, 1, 1))).bfloat16().transpose(0, 1)
    assert np.array_equal(heads.contiguous().float().numpy(), np.tile(want, (2, 1, 1)).transpose(1, 0, 2), equal_nan=True)
    assert np.array_equal(heads.to(torch.float32).numpy(), np.tile(want, (2, 1, 1)).transpose(1, 0, 2), equal_nan=True)


@pytest.mark.parametrize("shape", [(0, 20), (1, 16), (3, 17), (64, 33), (65, 15), (129, 64), (1000, 40)], ids=str)
def test_sums_of_columns(isa, rng, shape):
    x = rounded(rng.standard_normal(shape), "bfloat16")
    want = x.sum(0)
    error = np.abs(low(x).sum(0).float().numpy() - want)
    assert (error <= 2.0**-8 * np.abs(want) * 1.01 + EPS["float32"] * shape[0] ** 0.5 * np.abs(x).sum(0)).all()
