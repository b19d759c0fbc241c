"""Transposed convolution in one and two dimensions: the input's gradient of the convolution that it reverses, a bias, three gradients."""

import numpy as np
import pytest
from harness import check_gradient, check_threads, gradcheck, numbers, place

import udlfast.nn.functional as F
from udlfast.reference import conv2d as ref


def pair(v):
    return v if isinstance(v, tuple) else (v, v)


def reversed_of(x_shape, w_shape, options):
    """The shape of the result, and what its convolution takes."""
    o = {"stride": 1, "padding": 0, "dilation": 1, "output_padding": 0, "groups": 1, **options}
    N, (stride, padding, dilation, extra) = x_shape[0], (pair(o[k]) for k in ("stride", "padding", "dilation", "output_padding"))
    size = [(p - 1) * s - 2 * c + d * (k - 1) + e + 1
            for p, k, s, c, d, e in zip(x_shape[2:], w_shape[2:], stride, padding, dilation, extra)]  # fmt: skip
    return (N, w_shape[1] * o["groups"], *size), {k: o[k] for k in ("stride", "padding", "dilation", "groups")}


def forward(x, w, b=None, **options):
    shape, rest = reversed_of(x.shape, w.shape, options)
    y = ref.conv2d_backward(x, np.zeros(shape), w, **rest)[0]
    return y if b is None else y + b[:, None, None]


def backward(gy, x, w, b=None, **options):
    _, rest = reversed_of(x.shape, w.shape, options)
    gx, gw = ref.conv2d(gy, w, **rest), ref.conv2d_backward(x, gy, w, **rest)[1]
    return (gx, gw) if b is None else (gx, gw, gy.sum((0, 2, 3)))


# input, weight, options
CASES = [
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((2, 3, 1, 1), (3, 5, 4, 4), {}),  # one pixel: a product
    ((2, 3, 1, 1), (3, 5, 4, 4), {"stride": 2, "padding": 1}),
    ((2, 3, 5, 4), (3, 2, 3, 3), {}),
    ((2, 20, 6, 9), (20, 18, 4, 4), {"stride": 2, "padding": 1}),  # two phases of a row take turns
    ((3, 7, 5, 8), (7, 17, 2, 2), {"stride": 2}),
    ((2, 9, 7, 7), (9, 19, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    ((2, 9, 7, 7), (9, 19, 3, 3), {"stride": 2, "padding": 1}),  # an odd size: one phase has a column more
    ((2, 9, 4, 5), (9, 19, 3, 1), {"stride": 2, "output_padding": 1}),  # columns that no tap reaches
    ((1, 130, 9, 20), (130, 40, 4, 4), {"stride": 2, "padding": 1}),  # several blocks of taps, panels across rows
    ((2, 8, 5, 6), (8, 24, 3, 5), {"stride": (1, 2), "padding": (1, 2)}),
    ((2, 8, 5, 6), (8, 24, 3, 5), {"stride": (3, 2), "dilation": (1, 3)}),
    ((2, 8, 4, 6), (8, 6, 4, 4), {"stride": 2, "padding": 1, "groups": 2}),
    ((2, 40, 4, 6), (40, 18, 4, 4), {"stride": 2, "padding": 1, "groups": 2}),
    ((4, 6, 5, 5), (6, 3, 4, 4), {"stride": 2, "padding": 1}),
    ((0, 3, 5, 4), (3, 2, 3, 3), {"stride": 2}),
    ((5, 24, 8, 8), (24, 17, 5, 5), {"stride": 4, "padding": 1, "output_padding": 3}),
]


def check(rng, case, dtype="float32", layout="plain", bias=True):
    x, w, options = case
    arrays = [rng.standard_normal(x), rng.standard_normal(w)] + [rng.standard_normal(w[1] * options.get("groups", 1))] * bias
    shape, _ = reversed_of(x, w, options)
    check_gradient(
        lambda *a: F.conv_transpose2d(*a, **options), lambda *a: forward(*a, **options), lambda gy, *a: backward(gy, *a, **options),
        *arrays, rng=rng, dtype=dtype, layout=layout, k=4, n=max(w[0] * w[2] * w[3], x[0] * shape[2] * shape[3]),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_transpose2d(isa, rng, case, dtype):
    check(rng, case, dtype)


@pytest.mark.parametrize("layout", ["strided", "transposed", "offset"])
@pytest.mark.parametrize("case", CASES[3:6], ids=str)
def test_layouts(isa, rng, case, layout):
    check(rng, case, layout=layout)


@pytest.mark.parametrize("case", CASES[3:7], ids=str)
def test_without_bias(isa, rng, case):
    check(rng, case, bias=False)


@pytest.mark.parametrize("width", range(1, 36))
def test_every_tail_of_a_row(isa, rng, width):
    check(rng, ((2, 5, 2, width), (5, 18, 4, 4), {"stride": 2, "padding": 1}))


OPTIONS_1D = [{}, {"stride": 3}, {"stride": 8, "padding": 4}, {"stride": 2, "padding": 1, "output_padding": 1}]


@pytest.mark.parametrize("options", OPTIONS_1D, ids=str)
def test_conv_transpose1d(isa, rng, options):
    """One dimension is the case of one row."""
    x, w, b = rng.standard_normal((2, 6, 33)), rng.standard_normal((6, 20, 16)), rng.standard_normal(20)
    flat = {k: ((1 if k == "stride" else 0), v) for k, v in options.items()}
    lift = lambda *a: (a[0][:, :, None], a[1][:, :, None], *a[2:])  # noqa: E731
    check_gradient(
        lambda *a: F.conv_transpose1d(*a, **options), lambda *a: forward(*lift(*a), **flat)[:, :, 0],
        lambda gy, *a: [g[:, :, 0] if g.ndim == 4 else g for g in backward(gy[:, :, None], *lift(*a), **flat)],
        x, w, b, rng=rng, k=4, n=600,
    )  # fmt: skip


def test_unbatched_and_leaves_alone(isa, rng):
    """One example without its batch axis; neither input nor bias is written to."""
    x, w, b = (place(rng.standard_normal(s), "float32") for s in ((5, 4, 6), (5, 18, 4, 4), (18,)))
    before = [numbers(t) for t in (x, w, b)]
    y = F.conv_transpose2d(x, w, b, stride=2, padding=1)
    assert np.array_equal(numbers(y), numbers(F.conv_transpose2d(x.unsqueeze(0), w, b, stride=2, padding=1)[0]))
    assert all(np.array_equal(numbers(t), old) for t, old in zip((x, w, b), before, strict=True))


def test_only_the_wanted_gradients(isa, rng):
    tensors = [place(rng.standard_normal(s), "float32") for s in ((2, 3, 4, 5), (3, 6, 3, 3), (6,))]
    for wanted in tensors:
        leaf = wanted.clone().requires_grad_()
        F.conv_transpose2d(*(leaf if t is wanted else t for t in tensors), stride=2).sum().backward()
        assert leaf.grad is not None and leaf.grad.shape == leaf.shape


def test_gradcheck(rng):
    phases, groups = ((1, 3, 3, 4), (3, 17, 3, 3), {"stride": 2, "padding": 1}), ((2, 4, 3, 2), (4, 3, 2, 2), {"groups": 2})
    for x, w, options in (CASES[3], phases, groups):
        arrays = [rng.standard_normal(x), rng.standard_normal(w), rng.standard_normal(w[1] * options.get("groups", 1))]
        gradcheck(lambda *a, options=options: F.conv_transpose2d(*a, **options), *arrays, rng=rng)


@pytest.mark.parametrize("case", [CASES[4], CASES[9], CASES[13]], ids=str)
def test_same_bits_with_any_threads(isa, rng, case):
    x, w, options = case
    arrays = [place(rng.standard_normal(s), "float32") for s in (x, w, (w[1] * options.get("groups", 1),))]
    check_threads(lambda *a: F.conv_transpose2d(*a, **options), arrays)
