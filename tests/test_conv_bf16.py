"""Convolution of bfloat16 images: tiles between bf16 ends, pairs of channels or of images on a matrix unit, widened copies elsewhere.

Numbers of every case are bfloat16 already (filters too), so that a result has one rounding, and those of float32 sums."""

import numpy as np
import pytest
from harness import EPS, check_close, check_threads, numbers, place, rounded
from test_conv2d import with_bad
from test_guards import Fences

import udlfast as torch
from udlfast.nn import functional as F
from udlfast.ops import conv2d as conv2d_file
from udlfast.reference import conv2d as ref

# N, C, H, W, O, R, S, options
TILES = [
    (2, 16, 8, 8, 16, 3, 3, {"padding": 1}), (3, 33, 7, 9, 35, 3, 3, {"padding": 1}), (1, 64, 17, 6, 48, 3, 3, {}),
    (16, 128, 4, 4, 160, 3, 3, {"padding": 1}), (2, 40, 9, 5, 40, 3, 3, {"padding": 2, "groups": 2}),
]  # fmt: skip
OTHERS = [
    (2, 16, 8, 8, 32, 3, 3, {"stride": 2, "padding": 1}), (3, 17, 9, 9, 33, 3, 3, {"stride": 2, "padding": 1}),
    (4, 32, 6, 6, 48, 1, 1, {}), (2, 31, 5, 7, 18, 1, 1, {}), (2, 32, 9, 9, 48, 1, 1, {"stride": 2}),
    (5, 3, 17, 17, 20, 7, 7, {"stride": 2, "padding": 3}),
    (2, 24, 11, 10, 30, 5, 5, {"padding": 2, "groups": 2}), (2, 20, 12, 11, 17, 3, 3, {"padding": 2, "dilation": 2}),
    (2, 64, 6, 7, 96, 3, 3, {"stride": 3, "padding": 1}), (1, 17, 1, 40, 23, 1, 1, {}), (2, 18, 7, 5, 24, 2, 3, {"stride": (3, 1)}),
    (2, 8, 11, 10, 8, 3, 3, {"padding": 1, "groups": 8}), (2, 3, 6, 7, 4, 3, 3, {"padding": 1}), (3, 2, 9, 4, 1, 3, 3, {}),
    (3, 130, 6, 6, 130, 3, 3, {"stride": 2, "padding": 1}), (2, 5, 8, 8, 70, 5, 4, {"stride": (1, 2), "padding": (2, 1)}),
    (2, 36, 5, 5, 40, 3, 3, {"stride": 2, "padding": 1, "groups": 2}), (0, 16, 4, 4, 16, 3, 3, {"padding": 1}),
    # few pixels: filters on the vector axis
    (2, 64, 6, 6, 40, 3, 3, {"padding": 1}), (3, 32, 13, 13, 33, 3, 3, {"stride": 2, "padding": 2}), (1, 96, 8, 8, 64, 3, 3, {}),
    (3, 32, 4, 4, 48, 3, 3, {"padding": 1, "dilation": 2}), (4, 64, 2, 2, 32, 3, 3, {"padding": 1}),
    (5, 32, 14, 14, 47, 3, 3, {"padding": 1}),
    (1, 64, 5, 9, 80, 3, 3, {"stride": (1, 2), "padding": (0, 1)}),
    # few channels and stride 2: pairs of columns
    (2, 3, 9, 8, 16, 3, 5, {"stride": 2, "padding": (1, 2)}), (2, 6, 11, 12, 16, 5, 7, {"stride": 2, "padding": (2, 3), "groups": 2}),
    (1, 3, 7, 7, 8, 7, 7, {"stride": 2}), (1, 3, 6, 40, 24, 1, 7, {"stride": (3, 2), "padding": (0, 9)}),
]  # fmt: skip


def arrays_of(rng, case):
    N, C, H, W, O, R, S, options = case
    shapes = (N, C, H, W), (O, C // options.get("groups", 1), R, S), (O,)
    return [rounded(rng.standard_normal(s), "bfloat16") for s in shapes]


def close(got, want, terms, n, what):
    """One rounding to the type of `got` of a float32 sum of n products whose sizes add up to `terms`."""
    kind = "bfloat16" if got.dtype is torch.bfloat16 else "float32"
    got = numbers(got)
    allowed = 0.51 * EPS[kind] * np.abs(want) + 8 * EPS["float32"] * n**0.5 * terms + 2.0**-126
    worst = np.max(np.abs(got - want) / allowed, initial=0)
    assert got.shape == want.shape and worst <= 1, f"{what}: {worst:.3g} times the bound"


def check(rng, case, wide=False):
    """wide: inside autocast, filters and bias float32."""
    N, C, H, W, O, R, S, options = case
    x, w, b = arrays_of(rng, case)
    kinds = "bfloat16", *(("float32",) * 2 if wide else ("bfloat16",) * 2)
    leaves = [place(a, kind).requires_grad_() for a, kind in zip((x, w, b), kinds, strict=True)]
    with torch.autocast("cpu", enabled=wide):
        y = F.conv2d(*leaves, **options)
    assert y.dtype is torch.bfloat16
    want, terms = ref.conv2d(x, w, b, **options), ref.conv2d(abs(x), abs(w), abs(b), **options)
    groups = options.get("groups", 1)
    close(y, want, terms, C // groups * R * S, "forward")
    gy = rounded(rng.standard_normal(want.shape), "bfloat16")
    y.backward(place(gy, "bfloat16"))
    grads, sizes = ref.conv2d_backward(gy, x, w, b, **options), ref.conv2d_backward(abs(gy), abs(x), abs(w), abs(b), **options)
    counts = O // groups * R * S, want[:, 0].size, want[:, 0].size
    for leaf, kind, g, size, n, what in zip(leaves, kinds, grads, sizes, counts, "xwb", strict=True):
        assert leaf.grad.dtype is getattr(torch, kind)
        close(leaf.grad, g, size, max(n, 1), f"gradient of {what}")


@pytest.mark.parametrize("case", TILES + OTHERS, ids=str)
def test_conv2d(isa, rng, case):
    check(rng, case)


@pytest.mark.parametrize("case", [*TILES[:2], *OTHERS[:6]], ids=str)
def test_inside_autocast_filters_stay_float32(isa, rng, case):
    check(rng, case, wide=True)


@pytest.mark.parametrize("channels", range(1, 36))
def test_every_tail_of_the_channels(isa, rng, channels):
    check(rng, (2, channels, 4, 5, 18, 2, 2, {}))


@pytest.mark.parametrize("filters", range(1, 36))
def test_every_tail_of_the_filters(isa, rng, filters):
    check(rng, (3, 18, 5, 4, filters, 2, 2, {"stride": 2, "padding": 1}))


@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 63, 64, 65])
def test_every_tail_of_a_row(isa, rng, width):
    check(rng, (2, 17, 3, width, 17, 3, 3, {"padding": 1}))
    check(rng, (2, 17, 2, width, 17, 1, 2, {"padding": 1, "stride": (1, 2)}))


def test_autocast_rounds_the_image_it_gets(isa, rng):
    x, w = rng.standard_normal((2, 20, 6, 6)), rounded(rng.standard_normal((24, 20, 3, 3)), "bfloat16")
    with torch.autocast("cpu"):
        y = F.conv2d(place(x, "float32"), place(w, "float32"))
    want, seen = F.conv2d(place(rounded(x, "bfloat16"), "bfloat16"), place(w, "bfloat16")), rounded(x, "bfloat16")
    assert y.dtype is torch.bfloat16 and np.array_equal(numbers(y), numbers(want))
    close(y, ref.conv2d(seen, w), ref.conv2d(abs(seen), abs(w)), 180, "forward")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("where", ["input", "weight", "gradient"])
@pytest.mark.parametrize("options", [{}, {"stride": 2}], ids=str)
def test_infinities_stay_where_they_are_seen(isa, rng, bad, where, options):
    """Beside infinities, NaN and numbers near the largest: without padding, as zeros of a padding meet infinite filters."""
    x, w = rng.standard_normal((3, 23, 9, 11)), rng.standard_normal((25, 23, 3, 3))
    gy = rng.standard_normal(ref.conv2d(x, w, **options).shape)
    x, w, gy = (with_bad(a, (1, 5, 1, 2), bad) if where == name else a * (1e-3 if bad == 3e38 else 1)
                for a, name in ((x, "input"), (w, "weight"), (gy, "gradient")))  # fmt: skip
    x, w, gy = (rounded(a, "bfloat16") for a in (x, w, gy))
    tx, tw = place(x, "bfloat16").requires_grad_(), place(w, "bfloat16").requires_grad_()
    y = F.conv2d(tx, tw, **options)
    y.backward(place(gy, "bfloat16"))
    with np.errstate(invalid="ignore", over="ignore"):
        check_close(y, ref.conv2d(x, w, **options), "forward", k=2)
        gx, gw = ref.conv2d_backward(gy, x, w, **options)
    check_close(tw.grad, gw, "gradient of w", k=2)
    inside = (..., slice(2, -2), slice(2, -2)) if where == "weight" else ...
    check_close(tx.grad[inside], gx[inside], "gradient of x", k=2)


@pytest.mark.parametrize("case", [TILES[1], OTHERS[1], OTHERS[4], OTHERS[6]], ids=str)
def test_the_same_bits_for_any_number_of_threads(isa, rng, case):
    check_threads(lambda *a: F.conv2d(*a, **case[-1]), [place(a, "bfloat16") for a in arrays_of(rng, case)], range(1, 9))


@pytest.mark.parametrize("options", [{"padding": 1}, {"stride": 2}, {"stride": 2, "padding": 1}], ids=str)
def test_outputs_stay_inside(isa, rng, monkeypatch, options):
    """As tests/test_guards.py: fences around results, NaN around inputs."""
    F.conv2d(torch.ones((1, 1, 3, 3)), torch.ones((1, 1, 3, 3)))
    fences = Fences(monkeypatch)
    for n in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33):
        for shapes in (((2, 18, 3, n + 2), (19, 18, 3, 3), (19,)), ((3, n, 5, 4), (n, n, 3, 3), (n,))):
            inputs = [place(rng.standard_normal(s), "bfloat16", "offset").requires_grad_() for s in shapes]
            y = F.conv2d(*inputs, **options)
            y.backward(torch.ones(tuple(y.shape), dtype=torch.bfloat16))
            assert all(np.isfinite(numbers(t)).all() for t in (y, *(x.grad for x in inputs))), f"{n}: read beyond an input"
    fences.check("conv2d")


def test_second_derivatives(isa, rng):
    """d/dw and d/dx of sum(gx^2): in bfloat16 throughout, beside float32 of the same numbers."""
    x, w, _ = arrays_of(rng, (2, 17, 6, 6, 20, 3, 3, {}))
    found = []
    for kind in ("bfloat16", "float32"):
        leaves = [place(a, kind).requires_grad_() for a in (x, w)]
        y = F.conv2d(*leaves, padding=1)
        grads = torch.autograd.grad(y.float().square().sum(), leaves, create_graph=True)
        sum(g.float().square().sum() for g in grads).backward()
        assert all(a.grad.dtype is a.dtype for a in leaves)
        found.append([numbers(a.grad) for a in leaves])
    for got, want in zip(*found, strict=True):
        assert np.linalg.norm(got - want) <= 2.0**-6 * np.linalg.norm(want)  # four roundings to 8 bits on the way


def test_the_kernels_read_bfloat16(rng, monkeypatch):
    """No float32 copy of an image goes through memory outside of the kernels."""
    conv, seen, call = torch.nn.Conv2d(8, 8, 3).bfloat16(), [], conv2d_file.call

    def watched(kernel, tensors, ints, floats):
        seen.append([t.dtype for t in tensors if t is not None])
        return call(kernel, tensors, ints, floats)

    monkeypatch.setattr(conv2d_file, "call", watched)
    conv(place(rng.standard_normal((2, 8, 6, 6)), "bfloat16").requires_grad_()).sum().backward()
    low, exact = torch.bfloat16, torch.float32
    assert seen == [[low, low, exact, exact], [low, low, exact], [exact, exact, low, low]]


@pytest.mark.parametrize("taps", [(7, 7, 3), (5, 5, 2), (3, 4, 1)], ids=str)
def test_an_infinity_stays_in_the_windows_that_see_it(isa, rng, taps):
    R, S, pad = taps
    x, w = rng.standard_normal((2, 3, 40, 40)), rounded(rng.standard_normal((64, 3, R, S)), "bfloat16")
    x[1, 1, 9, 16], x[1, 2, 30, 0] = np.inf, np.nan
    y = F.conv2d(place(rounded(x, "bfloat16"), "bfloat16"), place(w, "bfloat16"), stride=2, padding=pad)
    seen = F.conv2d(torch.tensor(1.0 * ~np.isfinite(x)), torch.ones(1, 3, R, S, dtype=torch.float64), stride=2, padding=pad)
    assert np.array_equal(np.isfinite(numbers(y)), np.broadcast_to(numbers(seen) == 0, y.shape))
