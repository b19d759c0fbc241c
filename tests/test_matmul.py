"""Matrix products: matrices, vectors, batches, broadcasting, transposed and strided operands."""

import numpy as np
import pytest
from harness import (
    check_close,
    check_gradient,
    check_raises,
    check_reference,
    gradcheck,
    numbers,
    place,
    rounded,
)

import udlfast as torch
from udlfast.reference import matmul as ref

# m, k, n around vector widths (4, 8, 16), register tiles (up to 6, 8, 12, 14, 24, 32) and cache blocks
EDGES = [0, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49]
CASES = (
    [(n, n, n) for n in EDGES]
    + [(1, 17, 33), (33, 1, 17), (17, 33, 1), (0, 5, 3), (5, 0, 3), (5, 3, 0), (1, 300, 1), (97, 5, 1), (1, 5, 97)]
    + [(64, 64, 64), (65, 63, 67), (127, 129, 31), (13, 511, 50), (101, 257, 83), (2, 513, 16), (32, 400, 120), (128, 784, 10)]
    + [(303, 390, 601), (601, 303, 390)]  # several tasks read the same rows of A
    + [(298, 4300, 40), (40, 4100, 77), (64, 2500, 64)]  # long sums in parts side by side
)
SHAPES = [
    ((5,), (5,)),
    ((0,), (0,)),
    ((7, 5), (5,)),
    ((5,), (5, 7)),
    ((3, 7, 5), (5,)),
    ((5,), (3, 5, 7)),
    ((3, 4, 5), (3, 5, 6)),
    ((3, 4, 5), (5, 6)),
    ((4, 5), (3, 5, 6)),
    ((2, 1, 4, 5), (3, 5, 6)),
    ((2, 1, 4, 5), (1, 3, 5, 6)),
    ((1, 4, 5), (3, 5, 6)),
    ((0, 4, 5), (0, 5, 6)),
    ((3, 4, 0), (3, 0, 6)),
    ((3, 4, 0), (0, 6)),
    ((3, 4, 0), (0,)),
    ((3, 0, 5), (5,)),
    ((2, 3, 17, 9), (2, 3, 9, 33)),
]
LAYOUTS = ["plain", "strided", "transposed", "offset"]


def bound(a, b):
    """The terms of a sum of k products: sum |a| |b|, so that cancellation does not count against the kernel."""
    return ref.matmul(np.abs(a), np.abs(b)) / max(a.shape[-1], 1) ** 0.5


def check(rng, a, b, dtype, layout, op=torch.matmul):
    a, b = rounded(a, dtype), rounded(b, dtype)
    s, t = place(a, dtype, layout).requires_grad_(), place(b, dtype, layout).requires_grad_()
    y = op(s, t)
    k = a.shape[-1]
    check_close(y, ref.matmul(a, b), "matmul", k=2, n=k, scale=bound(a, b), dtype=dtype)
    gy = rounded(rng.standard_normal(tuple(y.shape)), dtype)
    y.backward(torch.tensor(gy, dtype=getattr(torch, dtype)))
    terms = ref.matmul_backward(np.abs(gy), np.abs(a), np.abs(b))
    for got, want, size in zip((s.grad, t.grad), ref.matmul_backward(gy, a, b), terms, strict=True):
        check_close(got, want, "gradient", k=4, n=1, scale=size, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_matrices(isa, rng, case, dtype):
    m, k, n = case
    check(rng, rng.standard_normal((m, k)), rng.standard_normal((k, n)), dtype, "plain")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_shapes(isa, rng, shapes, layout):
    for dtype in ("float32", "float64"):
        check(rng, *(rng.standard_normal(s) for s in shapes), dtype, layout)


@pytest.mark.parametrize("case", [(7, 9, 5), (33, 17, 31), (65, 130, 49), (120, 2304, 40)], ids=str)
def test_transposed_operands(isa, rng, case):
    m, k, n = case
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    for left in ("plain", "transposed", "strided"):
        for right in ("plain", "transposed", "strided"):
            s, t = place(a, "float32", left), place(b, "float32", right)
            want = ref.matmul(numbers(s), numbers(t))
            check_close(s @ t, want, f"{left} @ {right}", k=2, n=k, scale=bound(a, b))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(8, 8, 8), (4, 4, 4), (1, 3, 5), (16, 16, 16), (3, 1, 2), (15, 7, 16), (16, 17, 3), (17, 8, 8)], ids=str)
@pytest.mark.parametrize("transposed", [0, 1, 2, 3])
def test_batches_of_tiny_matrices(isa, rng, sizes, transposed, dtype):
    m, k, n = sizes
    a = rng.standard_normal((6, k, m) if transposed & 1 else (6, m, k))
    b = rng.standard_normal((6, n, k) if transposed & 2 else (6, k, n))
    turn = lambda x, bit: x.swapaxes(1, 2) if transposed & bit else x  # noqa: E731
    got = torch.matmul(turn(place(a, dtype), 1), turn(place(b, dtype), 2))
    check_close(got, turn(rounded(a, dtype), 1) @ turn(rounded(b, dtype), 2), "matmul", n=k)
    got = torch.matmul(turn(place(a, dtype), 1), turn(place(b[:1], dtype), 2).expand(6, k, n))
    check_close(got, turn(rounded(a, dtype), 1) @ turn(rounded(b[:1], dtype), 2), "matmul", n=k)


@pytest.mark.parametrize("op", [torch.mm, torch.bmm, torch.mv, torch.dot], ids=lambda f: f.__name__)
def test_named_products(isa, rng, op):
    shapes = {"mm": ((5, 7), (7, 3)), "bmm": ((4, 5, 7), (4, 7, 3)), "mv": ((5, 7), (7,)), "dot": ((7,), (7,))}
    check(rng, *(rng.standard_normal(s) for s in shapes[op.__name__]), "float32", "plain", op)


def test_broadcast_batch_by_expand(isa, rng):
    a, b = rng.standard_normal((4, 5)), rng.standard_normal((3, 5, 6))
    wide = torch.tensor(a).expand(3, 4, 5)
    check_close(wide @ torch.tensor(b), ref.matmul(a, b), "expanded", k=2, n=5, scale=1)


@pytest.mark.parametrize("case", [(5, 7, 9), (17, 33, 16)], ids=str)
def test_bfloat16(isa, rng, case):
    m, k, n = case
    check(rng, rng.standard_normal((m, k)), rng.standard_normal((k, n)), "bfloat16", "plain")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("case", [(5, 7, 9), (13, 33, 18), (64, 64, 64)], ids=str)
def test_nan_and_infinity_reach_their_row_and_column_only(isa, rng, case, bad):
    m, k, n = case
    a, b = np.abs(rng.standard_normal((m, k))) + 0.1, np.abs(rng.standard_normal((k, n))) + 0.1
    with np.errstate(invalid="ignore"):  # NumPy's product multiplies infinity by zeros beside the matrix on some processors
        for row in (0, m // 2, m - 1):
            dirty = a.copy()
            dirty[row, k - 1] = bad
            check_close(place(dirty, "float32") @ place(b, "float32"), np.matmul(dirty, b), "row", k=4, n=k)
        dirty = b.copy()
        dirty[0, n - 1] = bad
        check_close(place(a, "float32") @ place(dirty, "float32"), np.matmul(a, dirty), "column", k=4, n=k)


def test_zero_times_infinity_is_nan(isa):
    a = torch.tensor([[0.0, 1.0]])
    assert np.isnan((a @ torch.tensor([[float("inf")], [1.0]])).item())


def test_an_empty_sum_is_zero(isa):
    assert (torch.empty((3, 0)) @ torch.empty((0, 4))).tolist() == [[0.0] * 4] * 3


def test_large_numbers_do_not_overflow_early(isa):
    """Near the float32 maximum: a split into parts must not turn a finite product into infinity."""
    a = torch.full((9, 9), 1e38)
    assert (a @ (torch.eye(9) * 3)).tolist() == (a * 3).tolist()
    assert np.isinf((a @ (torch.eye(9) * 4)).numpy().diagonal()).all()


def test_integers(isa, rng):
    a, b = rng.integers(-9, 9, (5, 7)), rng.integers(-9, 9, (7, 4))
    got = torch.tensor(a) @ torch.tensor(b)
    assert got.dtype == torch.int64 and np.array_equal(got.numpy(), a @ b)


def test_addmm(isa, rng):
    c, a, b = rng.standard_normal((5, 6)), rng.standard_normal((5, 7)), rng.standard_normal((7, 6))
    check_gradient(
        lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2.0), lambda c, a, b: 0.5 * c + 2 * ref.matmul(a, b),
        lambda gy, c, a, b: (0.5 * gy, *(2 * g for g in ref.matmul_backward(gy, a, b))), c, a, b, rng=rng, k=4, n=7,
    )  # fmt: skip


def test_einsum(isa, rng):
    a, b = rng.standard_normal((3, 4, 5)), rng.standard_normal((3, 5, 6))
    check_gradient(
        lambda a, b: torch.einsum("bij,bjk->bik", a, b), ref.matmul, ref.matmul_backward, a, b, rng=rng, k=4, n=5
    )
    x = rng.standard_normal((4, 4))
    check_close(torch.einsum("ij->ji", torch.tensor(x)), x.T, "einsum")
    check_close(torch.einsum("ij,ij->i", torch.tensor(x), torch.tensor(x)), (x * x).sum(1), "einsum", k=4)


def test_out_of_a_view_stays_inside(isa, rng):
    """Gradients are accumulated into strided memory without touching its neighbours."""
    base = torch.zeros((9, 21))
    base[1:8, 2:19] += torch.tensor(rng.standard_normal((7, 5)), dtype=torch.float32) @ torch.ones((5, 17))
    outside = numbers(base).copy()
    outside[1:8, 2:19] = 0
    assert not outside.any()


@pytest.mark.parametrize("shapes", [s for s in SHAPES if 0 not in s[0] and s[0][-1] < 9], ids=str)
def test_gradcheck(rng, shapes):
    a, b = (rng.standard_normal(s) for s in shapes)
    gradcheck(torch.matmul, a, b, rng=rng)
    check_reference(ref.matmul, ref.matmul_backward, a, b, rng=rng)


def test_float32_precision_is_kept_and_checked():
    """Without AMX every setting means float32."""
    assert torch.get_float32_matmul_precision() == "highest"
    a = torch.randn(40, 30)
    want = (a @ a.t()).tolist()
    try:
        for name in ("high", "medium", "highest"):
            torch.set_float32_matmul_precision(name)
            assert torch.get_float32_matmul_precision() == name
            if "amx" not in torch.isa():
                assert (a @ a.t()).tolist() == want
        for bad in ("low", 1, None, b"high"):
            check_raises(ValueError, ["set_float32_matmul_precision", repr(bad), "highest"], torch.set_float32_matmul_precision, bad)
        assert torch.get_float32_matmul_precision() == "highest"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_long_sum_is_as_exact_as_a_short_one(isa, rng):
    """Products are added in chains of at most 191 and the chains then: one chain of 4096 would have 1.6 times the error."""
    errors = []
    for k in (128, 4096):
        a, b = rng.standard_normal((60, k)).astype("float32"), rng.standard_normal((k, 70)).astype("float32")
        want = a.astype(float) @ b.astype(float)
        errors.append(np.linalg.norm(numbers(torch.tensor(a) @ torch.tensor(b)) - want) / np.linalg.norm(want))
    assert errors[1] < 1.25 * errors[0], errors
