# ruff: noqa: F811  (fixtures are imported)
"""Products on AMX tiles (csrc/tiles), run anywhere: built with tile instructions written in C and, where there are, with real ones.

Judges: float64, and the FMA kernel of the same build ("the answer is what the FMA kernel gives").
"""

import ctypes

import numpy as np
import pytest
from harness import EPS
from tiles_library import (  # noqa: F401  # noqa: I001
    AMX,
    BF16,
    CALLBACK,
    CC,
    DOTS,
    F32,
    FMA,
    IN_PLACE,
    ROOT,
    STRIDED,
    Args,
    address,
    built,
    check,
    check_as_fma,
    halves,
    lib,
    normal,
    product,
    widened,
)

from udlfast.reference import conv2d as ref

pytestmark = [
    pytest.mark.skipif(CC is None, reason="no C compiler"),
    pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="no sources"),
]


# ---- the instruction ---------------------------------------------------------------------------------------------------
def tile_product(c, a, b):
    """Intel's definition of TDPBF16PS, a chain for even and one for odd elements; exact sums here fit into float64."""
    out = c.copy()
    for m in range(16):
        even, odd = np.zeros(16, np.float32), np.zeros(16, np.float32)
        for j in range(16):
            even = (even.astype(float) + float(a[m, 2 * j]) * b[j, ::2].astype(float)).astype(np.float32)
            odd = (odd.astype(float) + float(a[m, 2 * j + 1]) * b[j, 1::2].astype(float)).astype(np.float32)
        out[m] += even + odd
    return out


def run_tile(lib, c, a, b, configured=1):
    c = c.copy()
    lib.tiles_dp(c.ctypes.data_as(ctypes.c_void_p), *(h.ctypes.data_as(ctypes.c_void_p) for h in (a, b)), configured)
    return c


def test_the_instruction_to_the_bit(lib, rng):
    c, a, b = normal(rng, 16, 16), halves(rng.uniform(1, 2, (16, 32))), halves(rng.uniform(-2, 2, (16, 32)))
    assert np.array_equal(run_tile(lib, c, a, b), tile_product(c, widened(a), widened(b)))
    assert np.isnan(run_tile(lib, c, a, b, configured=0)).all(), "the tests must see a thread that has no configuration"


def test_the_instruction_takes_denormals_as_zero(lib):
    c, one = np.zeros((16, 16), np.float32), halves(np.ones((16, 32)))
    assert not run_tile(lib, c, np.full((16, 32), 0x0040, np.uint16), one).any(), "denormal input"
    assert not run_tile(lib, c, halves(np.full((16, 32), 2.0**-70)), halves(np.full((16, 32), 2.0**-70))).any(), "denormal sum"
    assert not run_tile(lib, np.full((16, 16), 1e-40, np.float32), 0 * one, one).any(), "denormal accumulator"


# ---- shapes, strides, epilogues ------------------------------------------------------------------------------------------
EDGES = [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65]


@pytest.mark.parametrize("how", [STRIDED, CALLBACK, IN_PLACE], ids=["strided", "callback", "in place"])
def test_edges(lib, rng, how):
    a, b = normal(rng, 65, 300), normal(rng, 300, 65)
    for m in EDGES:
        for n in (1, 16, 17, 33, 65):
            check(product(lib, a[:m, :40].copy(), b[:40, :n].copy(), how=how), a[:m, :40], b[:40, :n])
    for n in EDGES:
        check(product(lib, a[:20, :33].copy(), b[:33, :n].copy(), how=how), a[:20, :33], b[:33, :n])
    for k in (*EDGES, 255, 256, 257, 287, 300):
        check(product(lib, a[:33, :k].copy(), b[:k, :17].copy(), how=how), a[:33, :k], b[:k, :17])


@pytest.mark.parametrize("how", [STRIDED, CALLBACK, IN_PLACE], ids=["strided", "callback", "in place"])
@pytest.mark.parametrize("case", [(33, 70, 50), (64, 64, 64), (17, 300, 90)], ids=str)
def test_layouts(lib, rng, case, how):
    m, k, n = case
    a, b = normal(rng, m, k), normal(rng, k, n)
    for left in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2], np.repeat(a, 3, 0)[::3]):
        for right in (b, np.asfortranarray(b), np.repeat(b, 2, 1)[:, ::2], np.repeat(b, 3, 0)[::3]):
            check(product(lib, left, right, how=how), a, b)


@pytest.mark.parametrize("case", [(4100, 40, 70), (70, 40, 4100), (530, 40, 600), (40, 1100, 40), (300, 2500, 20)], ids=str)
def test_blocks_and_chunks(lib, rng, case):
    m, k, n = case
    a, b = normal(rng, m, k), normal(rng, k, n)
    check(product(lib, a, b), a, b)


def test_more_than_one_chunk_of_rows_and_columns(lib, rng):
    """Small integers: one part holds them, so the quickest product is exact."""
    a, b = (rng.integers(-4, 5, s).astype(np.float32) for s in ((4200, 33), (33, 4200)))
    lib.tiles_precision(2)
    assert np.array_equal(product(lib, a, b), a @ b)


def test_sums_from_a_later_k_on(lib, rng):
    a, b = normal(rng, 40, 200), normal(rng, 200, 40)
    for how in (STRIDED, CALLBACK, IN_PLACE):
        check(product(lib, a, b, how=how, first_k=37), a[:, 37:], b[37:])


def test_epilogues(lib, rng):
    a, b = normal(rng, 50, 300), normal(rng, 300, 70)
    along_n, along_m, residual, before = normal(rng, 70), normal(rng, 50), normal(rng, 50, 70), normal(rng, 50, 70)
    raw = a.astype(float) @ b.astype(float)
    cases = [
        (dict(bias=along_n), raw + along_n),
        (dict(bias=along_m, bias_m=1), raw + along_m[:, None]),
        (dict(act=1), np.maximum(raw, 0)),
        (dict(residual=residual), raw + residual),
        (dict(alpha=0.5), 0.5 * raw),
        (dict(alpha=-2.0, bias=along_n, act=1, residual=residual), np.maximum(-2 * raw + along_n, 0) + residual),
    ]
    for options, want in cases:
        check(product(lib, a, b, **options), a, b, k=4, want=want)
    check(product(lib, a, b, out=before.copy(), beta=1.0, bias=along_n), a, b, k=4, want=raw + before + along_n)


def test_out_in_a_wider_matrix_stays_inside(lib, rng):
    a, b = normal(rng, 37, 90), normal(rng, 90, 50)
    wide = np.full((39, 61), 7, np.float32)
    product(lib, a, b, out=wide[1:38, 3:53])
    check(wide[1:38, 3:53], a, b)
    wide[1:38, 3:53] = 7
    assert (wide == 7).all()


def test_the_same_bits_for_any_number_of_threads(lib, rng):
    a, b = normal(rng, 300, 520), normal(rng, 520, 270)
    lib.tiles_threads(1)
    want = product(lib, a, b)
    for n in (2, 3, 8):
        lib.tiles_threads(n)
        for how in (STRIDED, CALLBACK):
            assert np.array_equal(product(lib, a, b, how=how), want)


# ---- error -------------------------------------------------------------------------------------------------------------------
def inputs(kind, rng, m, k, n):
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    if kind == "uniform":
        a, b = rng.uniform(-1, 1, (m, k)), rng.uniform(-1, 1, (k, n))
    elif kind == "positive":
        a, b = rng.uniform(0, 1, (m, k)), rng.uniform(0, 1, (k, n))
    elif kind == "ill-scaled":
        a, b = a * 10 ** rng.uniform(-6, 6, (m, 1)), b * 10 ** rng.uniform(-6, 6, (k, 1))
    elif kind == "cancelling":
        half = k // 2
        a[:, half : 2 * half] = -a[:, :half] * (1 + 1e-4 * rng.standard_normal((m, half)))
        b[half : 2 * half] = b[:half]
    return a.astype(np.float32), b.astype(np.float32)


def relative(got, want):
    return np.linalg.norm(got - want) / np.linalg.norm(want)


@pytest.mark.parametrize("kind", ["normal", "uniform", "positive", "ill-scaled", "cancelling"])
def test_error_is_no_larger_than_the_fma_kernels(lib, rng, kind):
    for m, k, n in ((256, 256, 256), (200, 1000, 130), (96, 64, 96), (64, 2500, 64)):
        a, b = inputs(kind, rng, m, k, n)
        want = a.astype(float) @ b.astype(float)
        tiles, fma = relative(product(lib, a, b), want), relative(product(lib, a, b, FMA), want)
        assert tiles <= fma, f"{(m, k, n)}: {tiles:.3g} against {fma:.3g}"


def test_fewer_parts_are_less_exact(lib, rng):
    """Left out: 2^-17 of each factor with two parts, 2^-9 with one; evenly distributed, and both factors, 2/sqrt(6) of it."""
    a, b = inputs("normal", rng, 128, 512, 128)
    want = a.astype(float) @ b.astype(float)
    errors = []
    for precision in range(3):
        lib.tiles_precision(precision)
        errors.append(relative(product(lib, a, b), want))
    assert errors[0] < 2e-7 and 2.0**-19 < errors[1] < 2.0**-16 and 2.0**-11 < errors[2] < 2.0**-8, errors


# ---- what parts cannot hold -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, np.finfo(np.float32).max, 1e-40], ids=str)
def test_a_special_number_at_each_position(lib, rng, bad):
    a, b = normal(rng, 5, 7), normal(rng, 7, 6)
    for i in np.ndindex(a.shape):
        dirty = a.copy()
        dirty[i] = bad
        check_as_fma(lib, dirty, b)
    for i in np.ndindex(b.shape):
        dirty = b.copy()
        dirty[i] = bad
        check_as_fma(lib, a, dirty, how=CALLBACK)


@pytest.mark.parametrize("how", [STRIDED, CALLBACK, IN_PLACE], ids=["strided", "callback", "in place"])
def test_special_numbers_in_large_operands(lib, rng, how):
    a, b = normal(rng, 130, 600), normal(rng, 600, 90)
    a[40, 300], b[599, 20], a[129, 0], b[0, 89] = np.nan, np.inf, np.finfo(np.float32).max, 1e-42
    bias, residual = normal(rng, 90), normal(rng, 130, 90)
    check_as_fma(lib, a, b, how=how)
    check_as_fma(lib, a, b, how=how, bias=bias, residual=residual, act=1)


@pytest.mark.parametrize("sizes", [(1e-30, 1e30), (1e-38, 1e38), (1e-42, 1e20), (3e38, 1e-3), (1e-20, 1e-20), (1e19, 1e19), (1e-44, 1.0),
                                   (1e36, 1e-44), (2e38, 2.0), (1e-25, 1e-15)], ids=str)  # fmt: skip
def test_every_number_large_or_small(lib, rng, sizes):
    """Whole panels far from one: multiplied by a power of two, or left to the FMA kernel."""
    for m, k, n in ((40, 70, 50), (20, 300, 33)):
        a, b = (rng.uniform(0.5, 1, s) * size for s, size in zip(((m, k), (k, n)), sizes, strict=True))
        check_as_fma(lib, a.astype(np.float32), b.astype(np.float32))
        check_as_fma(lib, (a * rng.choice([-1, 1], (m, k))).astype(np.float32), b.astype(np.float32))


def test_every_exponent_in_one_matrix(lib, rng):
    a = (rng.uniform(1, 2, (40, 64)) * 2.0 ** rng.integers(-149, 120, (40, 64))).astype(np.float32)
    for scale in (1e-20, 1.0):
        check_as_fma(lib, a, (scale * rng.standard_normal((64, 40))).astype(np.float32))
    rows = (rng.uniform(1, 2, (16, 64)) * 2.0 ** (60 - 13 * np.arange(16.0))[:, None]).astype(np.float32)  # one panel
    check_as_fma(lib, rows, normal(rng, 64, 40))
    check_as_fma(lib, normal(rng, 40, 64), np.ascontiguousarray(rows.T))


def test_panels_of_several_sizes_stay_on_the_tiles(lib, rng):
    """A panel is 16 lines. Powers of two change no bit of the tiles' sums, so the same bits tell who computed."""
    a, b = normal(rng, 48, 300), normal(rng, 300, 48)
    by_row, by_column = 2.0 ** np.repeat([0, -80, 60], 16), 2.0 ** np.repeat([-60, 0, 90], 16)
    scaled = (a * by_row[:, None]).astype(np.float32), (b * by_column).astype(np.float32)
    raw, fma = product(lib, a, b).astype(float), product(lib, a, b, FMA)
    assert not np.array_equal(raw, fma)
    size = by_row[:, None] * by_column
    fits = (size < 2.0**110) & (size > 2.0**-110)
    got = product(lib, *scaled).astype(float)
    assert np.array_equal(got[fits], (raw * size)[fits])


def test_zeros(lib, rng):
    a, b = normal(rng, 40, 70), normal(rng, 70, 40)
    a[:20], b[:, 30:] = 0, 0
    got = check_as_fma(lib, a, b)
    assert not got[:20].any() and not got[:, 30:].any()


# ---- bfloat16 tensors ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("unit", [AMX, DOTS], ids=["amx", "dots"])
@pytest.mark.parametrize("case", [(1, 5, 1), (16, 32, 16), (17, 33, 47), (40, 300, 70), (130, 1100, 100)], ids=str)
def test_bfloat16(lib, rng, case, unit):
    m, k, n = case
    a, b = halves(rng.standard_normal((m, k))), halves(rng.standard_normal((k, n)))
    wide = widened(a).astype(float), widened(b).astype(float)
    raw, size = wide[0] @ wide[1], np.abs(wide[0]) @ np.abs(wide[1])
    bias, residual, before = (halves(rng.standard_normal(s)) for s in (n, (m, n), (m, n)))

    def near(got, want):  # one rounding of the sum to bfloat16, one of the float32 sum
        error = np.abs(widened(got) - want)
        assert (error <= 2.0**-8 * np.abs(want) * 1.01 + 2 * EPS["float32"] * size + 2.0**-126).all()

    for left in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2]):
        for right in (b, np.asfortranarray(b), np.repeat(b, 2, 0)[::2]):
            near(product(lib, left, right, unit, out=np.zeros((m, n), np.uint16)), raw)
    near(product(lib, a, b, unit, out=np.zeros((m, n), np.uint16), bias=bias, act=1), np.maximum(raw + widened(bias), 0))
    near(product(lib, a, b, unit, out=before.copy(), beta=1.0, residual=residual), raw + widened(before) + widened(residual))
    wide_out = np.full((m, n + 3), 77, np.uint16)
    product(lib, a, b, unit, out=wide_out[:, :n])
    assert (wide_out[:, n:] == 77).all()


@pytest.mark.parametrize("unit", [AMX, DOTS], ids=["amx", "dots"])
def test_bfloat16_special_numbers(lib, rng, unit):
    a, b = halves(rng.uniform(1, 2, (20, 40))), halves(rng.uniform(1, 2, (40, 20)))
    a[3, 5], b[7, 9] = 0x7FC1, 0x7F80
    got = widened(product(lib, a, b, unit, out=np.zeros((20, 20), np.uint16)))
    assert np.isnan(got[3]).all() and np.isinf(np.delete(got[:, 9], 3)).all()
    assert np.isfinite(np.delete(np.delete(got, 3, 0), 9, 1)).all()


@pytest.mark.parametrize("unit", [FMA, AMX, DOTS], ids=["fma", "amx", "dots"])
@pytest.mark.parametrize("case", [(2, 5, 3), (17, 33, 47), (50, 301, 70), (130, 2100, 100)], ids=str)
def test_bfloat16_products_of_float32_numbers(lib, rng, case, unit):
    """Operands are rounded on the way, the result and the bias are float32, each on its own: the sums of the rounded numbers."""
    m, k, n = case
    a, b = normal(rng, m, k), normal(rng, k, n)
    a16, b16 = halves(a), halves(b)
    wide = widened(a16).astype(float), widened(b16).astype(float)
    raw, size = wide[0] @ wide[1], np.abs(wide[0]) @ np.abs(wide[1])
    bias, residual = normal(rng, n), normal(rng, m, n)
    for left in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2], a16):
        for right in (b, np.asfortranarray(b), np.repeat(b, 2, 0)[::2], b16):
            got = product(lib, left, right, unit, low=True)
            assert (np.abs(got - raw) <= EPS["float32"] * k**0.5 * size).all()
    got = product(lib, a, b16, unit, low=True, bias=bias, residual=residual, act=1)
    assert (np.abs(got - (np.maximum(raw + bias, 0) + residual)) <= EPS["float32"] * k**0.5 * (size + 4)).all()
    before = residual.copy()
    product(lib, a16, b, unit, low=True, out=before, beta=1.0)
    assert (np.abs(before - (raw + residual)) <= EPS["float32"] * k**0.5 * (size + 4)).all()
    narrow = widened(product(lib, a, b, unit, low=True, out=np.zeros((m, n), np.uint16), bias=bias))
    assert (np.abs(narrow - (raw + bias)) <= 2.0**-8 * np.abs(raw + bias) * 1.01 + EPS["float32"] * k**0.5 * (size + 4)).all()


@pytest.mark.parametrize("unit", [FMA, AMX, DOTS], ids=["fma", "amx", "dots"])
def test_rounding_while_packing_keeps_what_is_not_a_number(lib, rng, unit):
    a, b = normal(rng, 20, 40), normal(rng, 40, 20)
    a.view(np.uint32)[3, 5], a[9, 0], b[7, 9] = 0x7FFFFFFF, np.inf, -np.inf
    for left, right in ((a, b), (np.asfortranarray(a), np.asfortranarray(b))):
        got = product(lib, left, right, unit, low=True)
        with np.errstate(all="ignore"):
            want = a @ b
        assert np.array_equal(np.isnan(got), np.isnan(want)) and np.array_equal(np.isinf(got), np.isinf(want))


@pytest.mark.parametrize("how", [STRIDED, CALLBACK, IN_PLACE], ids=["strided", "callback", "in_place"])
@pytest.mark.parametrize("case", [(40, 50, 40), (64, 301, 70), (33, 2100, 65)], ids=str)
def test_medium_by_dot_products(lib, rng, case, how):
    m, k, n = case
    a, b = normal(rng, m, k), normal(rng, k, n)
    lib.tiles_precision(2)
    wide = widened(halves(a)).astype(float), widened(halves(b)).astype(float)
    for left in (a, np.asfortranarray(a)):
        for right in (b, np.asfortranarray(b)):
            got = product(lib, left, right, DOTS, how)
            assert (np.abs(got - wide[0] @ wide[1]) <= EPS["float32"] * k**0.5 * (np.abs(wide[0]) @ np.abs(wide[1]))).all()
    lib.tiles_precision(0)
    check(product(lib, a, b, DOTS, how), a, b)


# ---- callers -------------------------------------------------------------------------------------------------------------------
def test_the_estimate_sends_large_products_to_the_tiles(lib, rng):
    """Judged by the result: "medium" is coarse on tiles and exact on the FMA kernel."""
    lib.tiles_precision(2)
    for n, on_tiles in ((48, False), (512, True)):
        a, b = normal(rng, n, n), normal(rng, n, n)
        out = np.empty((n, n), np.float32)
        lib.tiles_use(AMX, 0)
        s = Args(*map(address, (out, a, b, None, None, None)), F32, 1, n, n, n, 0, n, 1, 0, n, 1, 0, n, 0, 0, 0, 1.0, 0.0)
        assert lib.tiles_matmul(ctypes.byref(s)) == 0
        assert (relative(out, a.astype(float) @ b.astype(float)) > 1e-4) == on_tiles


def prepacked(lib, b, unit):
    """B in the form that the unit keeps, between fences."""
    lib.tiles_use(unit, 1)
    lib.tiles_prepack.restype = ctypes.c_int64
    k, n = b.shape
    strides = [s // b.itemsize for s in b.strides]
    s = Args(None, None, b.ctypes.data, None, None, None, F32, 1, 0, n, k, 0, 0, 0, 0, *strides)
    size = lib.tiles_prepack(ctypes.byref(s), None)
    whole = np.full(size + 128 + 64, 77, np.uint8)
    start = -whole.ctypes.data % 64 + 64
    assert lib.tiles_prepack(ctypes.byref(s), ctypes.c_void_p(whole.ctypes.data + start)) == size
    assert (whole[:start] == 77).all() and (whole[start + size :] == 77).all()
    return whole[start : start + size]


@pytest.mark.parametrize("unit", [FMA, AMX], ids=["fma", "amx"])
@pytest.mark.parametrize("case", [(1, 5, 1), (16, 32, 16), (20, 300, 70), (33, 1100, 100), (600, 300, 530)], ids=str)
def test_prepacked(lib, rng, case, unit):
    """The same bits as without; special numbers and the other unit's form too."""
    m, k, n = case
    a, b = normal(rng, m, k), normal(rng, k, n)
    for right in (b, np.asfortranarray(b)):
        want = product(lib, a, right, unit)
        assert np.array_equal(product(lib, a, right, unit, packed=prepacked(lib, right, unit)), want)
    assert np.array_equal(product(lib, a, b, unit, packed=prepacked(lib, b, AMX - unit)), product(lib, a, b, unit))
    b[0, 0], a[0, 0] = np.inf, np.nan
    got = product(lib, a, b, unit, packed=prepacked(lib, b, unit))
    assert np.array_equal(got, product(lib, a, b, unit), equal_nan=True) and np.isnan(got[0]).all()


def test_prepacked_for_another_precision_is_left_aside(lib, rng):
    a, b = normal(rng, 20, 100), normal(rng, 100, 40)
    packed = prepacked(lib, b, AMX)
    lib.tiles_precision(1)
    assert np.array_equal(product(lib, a, b, packed=packed), product(lib, a, b))


@pytest.mark.parametrize("case", [(2, 32, 10, 12, 128), (3, 40, 5, 5, 100), (1, 64, 20, 9, 97)], ids=str)
def test_convolution(lib, rng, case):
    """Many filters and long sums: im2col while packing, then tiles."""
    N, C, H, W, O = case
    x, w, bias = normal(rng, N, C, H, W), normal(rng, O, C, 3, 3), normal(rng, O)
    y = np.full((N, O, H, W), np.nan, np.float32)
    fields = (ctypes.c_int64 * 22)(*(v.ctypes.data for v in (y, x, w, bias)), 0, F32, N, C, H, W, O, 3, 3, H, W, 1, 1, 1, 1, 1, 1, 1)
    lib.tiles_use(AMX, 1)
    assert lib.tiles_conv2d(fields) == 0
    args = dict(stride=1, padding=1, dilation=1, groups=1)
    want, terms = (ref.conv2d(*(f(v).astype(float) for v in (x, w, bias)), **args) for f in (np.positive, np.abs))
    assert (np.abs(y - want) <= 2 * EPS["float32"] * (9 * C) ** 0.5 * terms).all()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("unit", [FMA, AMX, DOTS])
def test_convolution_of_bf16_images(lib, rng, unit, stride):
    """On pairs, on widened images that tiles round again, and without a unit; filters that bf16 can hold."""
    N, C, H, O, P = 3, 67, 6, 100, 6 // stride
    x, gy, w = normal(rng, N, C, H, H), normal(rng, N, O, P, P), widened(halves(normal(rng, O, C, 3, 3)))
    x16, gy16 = halves(x), halves(gy)
    x, gy = widened(x16).astype(float), widened(gy16).astype(float)
    sizes = (BF16, N, C, H, H, O, 3, 3, P, P, stride, stride, 1, 1, 1, 1, 1)
    y, gx, gw, gb = np.zeros(gy.shape, np.uint16), np.zeros(x.shape, np.uint16), np.zeros_like(w), np.zeros(O, np.float32)
    lib.tiles_use(unit, 1)
    for function, arrays in (("", (y, x16, w, gb)), ("_backward_input", (gx, gy16, w)), ("_backward_weight", (gw, gb, gy16, x16))):
        pointers = [v.ctypes.data for v in arrays] + [0] * (not function)  # no filters made ready
        fields = (ctypes.c_int64 * (len(pointers) + 17))(*pointers, *sizes)
        assert getattr(lib, f"tiles_conv2d{function}")(fields) == 0
    options = dict(stride=stride, padding=1, dilation=1, groups=1)
    zero = np.zeros(O)
    want = ref.conv2d(x, w, **options), *ref.conv2d_backward(gy, x, w, zero, **options)
    terms = ref.conv2d(abs(x), abs(w), **options), *ref.conv2d_backward(abs(gy), abs(x), abs(w), zero, **options)
    for got, a, size in zip((widened(y), widened(gx), gw, gb), want, terms, strict=True):
        eps = 0 if got is gw or got is gb else 2.0**-8
        assert (np.abs(got - a) <= eps * np.abs(a) + 8 * EPS["float32"] * (9 * O) ** 0.5 * size).all()
