"""The matrix unit as a library for its tests: built with its instructions emulated in C, or as they are."""


import ctypes
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from harness import EPS, rounded

import udlfast as torch

ROOT = Path(__file__).resolve().parent.parent
CC = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
KERNELS = "gemm gemm_micro gemm_pack gemm_prepack gemm_taps gemv matmul conv2d conv_sum conv_strips conv_depthwise conv_bf16"
KERNELS += " conv_weight_taps conv_pixels conv2d_backward_input conv2d_backward_weight elementwise_bf16"
KERNELS += " winograd winograd_4x4 winograd_6x6 winograd_rows winograd_weight"
SOURCES = [f"csrc/kernels/{n}.c" for n in KERNELS.split()]
SOURCES += [f"csrc/{n}.c" for n in "parallel width memory limits cpu precision".split()] + ["tests/c/tiles/tiles.c"]
FLAGS = "-std=gnu11 -O1 -fPIC -fvisibility=hidden -fno-math-errno -w -Icsrc -DUDL_TILES_FORCED=0 -DUDL_LEVEL=avx512"
IN_C = "-DUDL_TILES_EMULATED -DUDL_VB=64"
REAL = "-DUDL_LEVEL_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mamx-tile -mamx-bf16 -mavx512bf16"
F32, BF16 = torch.float32.code, torch.bfloat16.code
FMA, AMX, DOTS = 0, 1, 2  # the unit that is asked
STRIDED, CALLBACK, IN_PLACE = 0, 1, 2  # how the engine gets its operands
class Args(ctypes.Structure):
    _fields_ = (  # of udl_matmul_args
        [(n, ctypes.c_void_p) for n in "out a b bias residual packed_b".split()]
        + [(n, ctypes.c_int64) for n in "dtype batch m n k a_batch a_m a_k b_batch b_k b_n o_batch ldo act bias_m wide".split()]
        + [("alpha", ctypes.c_double), ("beta", ctypes.c_double)]
    )


@pytest.fixture(scope="module", params=["in_C", "instructions"])
def built(request, tmp_path_factory):
    """The library; with fused multiply-adds where the compiler's machine has them, as their emulation is slow."""
    real = request.param == "instructions"
    if real and "amx" not in torch.isas():  # which also asked the operating system for the tile registers
        pytest.skip("this processor has no AMX tiles")
    folder = tmp_path_factory.mktemp(request.param)
    flags = FLAGS.split() + (REAL if real else IN_C).split()
    known = subprocess.run([CC, "-march=native", "-dM", "-E", "-"], input="", capture_output=True, text=True).stdout
    if not real and "__AVX2__" in known and "__FMA__" in known:
        flags += ["-mavx2", "-mfma"]
    sources = SOURCES + [str(p.relative_to(ROOT)) for p in sorted((ROOT / "csrc/tiles").glob("*.c"))]

    def build(source):
        target = folder / (source.replace("/", "_") + ".o")
        done = subprocess.run([CC, *flags, "-c", source, "-o", str(target)], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return str(target)

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(build, sources))
    subprocess.run([CC, "-shared", "-o", str(folder / "tiles.so"), *objects, "-lpthread", "-lm"], check=True)
    return ctypes.CDLL(str(folder / "tiles.so"))


@pytest.fixture
def lib(built):
    built.tiles_use(AMX, 1)
    built.tiles_precision(0)
    yield built
    built.tiles_precision(0)
    built.tiles_threads(1)


def address(x):
    return None if x is None else x.ctypes.data


def product(
    lib, a, b, unit=AMX, how=STRIDED, out=None, bias=None, residual=None, act=0, alpha=1.0, beta=0.0, bias_m=0, first_k=0, packed=None,
    low=False,
):  # fmt: skip
    """The engine on float32 arrays, or the matmul kernel on uint16 ones (bfloat16); low: on both, as a product of bfloat16 numbers."""
    lib.tiles_use(unit, 1)
    (m, k), n = a.shape, b.shape[1]
    out = np.full((m, n), np.nan, np.float32) if out is None else out
    unit_strides = [s // x.itemsize for x in (a, b) for s in x.strides]
    wide = low * sum(bit for bit, x in ((1, a), (2, b), (4, out), (8, bias)) if x is not None and x.dtype == np.float32)
    plain = a.dtype == np.float32 and not low
    s = Args(*map(address, (out, a, b, bias, residual, packed)), F32 if plain else BF16, 1, m, n, k, 0, *unit_strides[:2],
             0, *unit_strides[2:], 0, out.strides[0] // out.itemsize, act, bias_m, wide, alpha, beta)  # fmt: skip
    status = lib.tiles_gemm(ctypes.byref(s), how, first_k) if plain else lib.tiles_matmul(ctypes.byref(s))
    assert status == 0
    return out


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def check(got, a, b, k=2.0, want=None, eps=EPS["float32"]):
    """The bound of tests/test_matmul.py: k eps sqrt(K) (|want| + sum |a| |b| / sqrt(K))."""
    a, b = a.astype(float), b.astype(float)
    want = a @ b if want is None else want
    n = max(a.shape[1], 1) ** 0.5
    error = np.abs(got - want) / (k * eps * n * (np.abs(want) + np.abs(a) @ np.abs(b) / n) + 2.0**-126)
    assert got.shape == want.shape and np.all(error <= 1), f"{a.shape} {b.shape}: {np.nanmax(error)} times the bound"


def check_as_fma(lib, a, b, **more):
    """NaN and infinity where the FMA kernel has them, and its numbers within both kernels' error, eps sqrt(K) sum |a| |b|.
    Denormal sums of the FMA kernel are rounded K times, to a multiple of 2^-149. Where a partial sum of the FMA kernel
    overflows, the tiles may give the true sum: their panels were scaled."""
    with np.errstate(all="ignore"):
        want = product(lib, a, b, FMA, **more)
        got = product(lib, a, b, AMX, **more)
        special = ~np.isfinite(want) | ~np.isfinite(got)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        terms = np.abs(a.astype(float)) @ np.abs(b.astype(float))
        near = np.abs(got.astype(float) - want) <= 2 * EPS["float32"] * a.shape[1] ** 0.5 * terms + a.shape[1] * 2.0**-149
        full = a.astype(float) @ b.astype(float)
        early = ~np.isfinite(want) & (terms > np.finfo(np.float32).max)
        true = (got == full.astype(np.float32)) | (np.abs(got - full) <= 2 * EPS["float32"] * a.shape[1] ** 0.5 * terms)
        same |= early & (true | ~np.isfinite(got))
        wrong = np.where(special, ~same, ~near)
    assert not wrong.any(), f"{np.argwhere(wrong)[:3].tolist()}: got {got[wrong][:3]}, the FMA kernel {want[wrong][:3]}"
    return got


def widened(h):
    return (h.astype(np.uint32) << 16).view(np.float32)


def halves(x):
    """float -> bfloat16 bits, nearest even"""
    return (rounded(np.asarray(x, float), "bfloat16").astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
