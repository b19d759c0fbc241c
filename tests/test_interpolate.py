"""Interpolation in every mode: larger, smaller, both at once, windows of one vector, of two, and wider ones."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_forward, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import interpolate as ref

# old sizes, new sizes
SIGNALS = [((1,), (1,)), ((1,), (5,)), ((5,), (1,)), ((7,), (16,)), ((16,), (33,)), ((33,), (17,)), ((40,), (23,)), ((100,), (9,)),
           ((100,), (130,)), ((300,), (64,)), ((6,), (6,))]  # fmt: skip
IMAGES = [((3, 4), (6, 8)), ((8, 33), (3, 65)), ((5, 17), (11, 5)), ((7, 7), (7, 16)), ((9, 16), (20, 16)), ((40, 3), (90, 2))]
VOLUMES = [((2, 3, 4), (4, 6, 8)), ((5, 4, 3), (2, 4, 7)), ((3, 2, 17), (3, 5, 34))]
CASES = [(mode, align, old, new)
         for modes, cases in ((("linear", "nearest", "nearest-exact"), SIGNALS), (("bilinear", "bicubic", "nearest"), IMAGES),
                              (("trilinear", "nearest", "nearest-exact"), VOLUMES))
         for mode in modes for align in ((False,) if mode.startswith("nearest") else (False, True)) for old, new in cases]  # fmt: skip


def steps_of(old, new, align):
    return [(h - 1) / (k - 1) if align and k > 1 else 0.0 if align else h / k for h, k in zip(old, new, strict=True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_interpolate(isa, rng, case):
    mode, align, old, new = case
    steps = steps_of(old, new, align)  # a place is rounded to an eps of itself in float64, and the weights are off by as much
    taps = max(2, max(k // h + 1 for h, k in zip(old, new, strict=True)))
    for dtype in ("float32", "float64"):
        for layout in LAYOUTS if len(old) == 2 else ["plain"]:
            check_gradient(
                lambda x: F.interpolate(x, new, mode=mode, align_corners=None if mode.startswith("nearest") else align),
                lambda x: ref.interpolate(x, new, steps, mode, align),
                lambda gy, x: ref.interpolate_backward(gy, x, new, steps, mode, align), rng.standard_normal((2, 3, *old)),
                rng=rng, dtype=dtype, layout=layout, k=4 + (max(old) if dtype == "float64" else 0), n=(4 * taps) ** len(old),
            )  # fmt: skip


@pytest.mark.parametrize("factor", [2, 3, 0.5, 1.7, (2.0, 0.4)])
def test_scale_factor(isa, rng, factor):
    x, pair = rng.standard_normal((1, 2, 9, 20)), factor if isinstance(factor, tuple) else (factor, factor)
    new = [int(np.floor(n * f)) for n, f in zip(x.shape[2:], pair, strict=True)]
    for mode in ("nearest", "bilinear", "bicubic"):
        check_forward(lambda x, mode=mode: F.interpolate(x, scale_factor=factor, mode=mode),
                      lambda x, mode=mode: ref.interpolate(x, new, [1 / f for f in pair], mode), x, k=4, n=16)  # fmt: skip


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_place_is_seen_by_its_neighbours_only(isa, rng, bad):
    x = rng.standard_normal((1, 1, 3, 40))
    x[0, 0, 1, 21] = bad
    y = numbers(F.interpolate(place(x, "float32"), scale_factor=2, mode="bilinear"))
    seen = np.zeros((6, 80), bool)
    seen[:5, 41:45] = True  # the first row too: it takes 0 times the second
    assert np.array_equal(~np.isfinite(y[0, 0]), seen)
    g = np.zeros((1, 1, 6, 80))
    g[0, 0, 2, 43] = bad
    x = torch.zeros((1, 1, 3, 40), requires_grad=True)
    F.interpolate(x, scale_factor=2, mode="bilinear").backward(place(g, "float32"))
    seen = np.zeros((3, 40), bool)
    seen[:2, 21:23] = True
    assert np.array_equal(~np.isfinite(numbers(x.grad)[0, 0]), seen)


def test_same_bits_for_any_threads(isa, rng):
    x = rng.standard_normal((3, 2, 70, 90))
    def run():
        t = place(x, "float32").requires_grad_()
        y = F.interpolate(t, size=(150, 61), mode="bicubic")
        y.backward(y.detach())
        return y.detach(), t.grad
    width = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        want = [numbers(t) for t in run()]
        for threads in (2, 3, 8):
            torch.set_num_threads(threads)
            for got, w in zip(run(), want, strict=True):
                np.testing.assert_array_equal(numbers(got), w)
    finally:
        torch.set_num_threads(width)


def test_bfloat16(isa, rng):
    check_gradient(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
                   lambda x: ref.interpolate(x, (6, 10), (0.5, 0.5), "bilinear"),
                   lambda gy, x: ref.interpolate_backward(gy, x, (6, 10), (0.5, 0.5), "bilinear"), rng.standard_normal((2, 2, 3, 5)),
                   rng=rng, dtype="bfloat16", k=1, n=1)  # fmt: skip


def test_empty_batch(isa):
    assert tuple(F.interpolate(torch.ones((0, 3, 4, 4)), size=(5, 6), mode="bilinear").shape) == (0, 3, 5, 6)


def test_reference(rng):
    for mode, new in (("nearest", (5, 3)), ("bilinear", (5, 3)), ("bicubic", (2, 9))):
        steps = steps_of((4, 4), new, False)
        check_reference(lambda x: ref.interpolate(x, new, steps, mode), lambda gy, x: ref.interpolate_backward(gy, x, new, steps, mode),
                        rng.standard_normal((1, 2, 4, 4)), rng=rng)  # fmt: skip
    check_close(torch.tensor(ref.interpolate(np.array([[[1.0, 2.0]]]), (4,), (0.5,), "linear")), [[[1, 1.25, 1.75, 2]]], "linear")
