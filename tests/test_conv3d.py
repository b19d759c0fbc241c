"""Convolution of volumes: strides, padding, dilation, groups; forward and three gradients; transposed; gradients of gradients."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_raises, check_reference, gradcheck

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import conv3d as ref

# N, C, (D, H, W), O, (T, R, S), then what differs from stride 1, padding 0, dilation 1, groups 1
CASES = [
    (1, 1, (1, 1, 1), 1, (1, 1, 1), {}),
    (2, 3, (4, 5, 6), 4, (3, 3, 3), {}),
    (2, 3, (4, 5, 6), 4, (2, 3, 1), {"padding": 1}),
    (2, 4, (5, 6, 7), 6, (3, 3, 3), {"stride": 2, "padding": 1}),
    (1, 4, (6, 5, 7), 6, (3, 2, 3), {"stride": (3, 1, 2), "padding": (2, 0, 1), "groups": 2}),
    (1, 2, (7, 7, 7), 3, (3, 2, 3), {"dilation": (2, 3, 1), "padding": (3, 1, 0)}),
    (2, 4, (3, 4, 5), 4, (3, 3, 3), {"padding": 1, "groups": 4}),
    (2, 5, (3, 4, 5), 7, (1, 1, 1), {}),
    (2, 5, (6, 4, 5), 7, (3, 1, 1), {"padding": (1, 0, 0), "stride": (2, 1, 1)}),
    (2, 4, (6, 4, 5), 6, (2, 1, 1), {"dilation": (3, 1, 1), "groups": 2}),
    (2, 4, (6, 4, 5), 6, (1, 1, 1), {"stride": 2}),
    (2, 3, (3, 6, 6), 4, (1, 3, 3), {"padding": (0, 1, 1)}),
    (1, 2, (2, 3, 3), 2, (3, 3, 3), {"padding": 4, "stride": 3}),
    (0, 3, (4, 5, 6), 4, (3, 3, 3), {}),
]


def arrays_of(rng, case):
    N, C, size, O, window, options = case
    return (rng.standard_normal((N, C, *size)), rng.standard_normal((O, C // options.get("groups", 1), *window)),
            rng.standard_normal(O))  # fmt: skip


def check(rng, case, dtype="float32", layout="plain"):
    N, C, size, O, window, options = case
    check_gradient(
        lambda *a: F.conv3d(*a, **options), lambda *a: ref.conv3d(*a, **options),
        lambda gy, *a: ref.conv3d_backward(gy, *a, **options), *arrays_of(rng, case),
        rng=rng, dtype=dtype, layout=layout, k=4, n=max(C * np.prod(window), N * np.prod(size)),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv3d(isa, rng, case, dtype):
    check(rng, case, dtype)


@pytest.mark.parametrize("layout", ["strided", "transposed", "offset"])
@pytest.mark.parametrize("case", [CASES[1], CASES[4], CASES[8]], ids=str)
def test_layouts(rng, case, layout):
    check(rng, case, layout=layout)


def test_larger_volumes_on_the_fast_kernels(isa, rng):
    check(rng, (1, 16, (5, 13, 17), 24, (3, 3, 3), {"padding": 1}))


@pytest.mark.parametrize("case", [CASES[2], CASES[4], CASES[8]], ids=str)
def test_reference(rng, case):
    options = case[-1]
    check_reference(lambda *a: ref.conv3d(*a, **options), lambda g, *a: ref.conv3d_backward(g, *a, **options),
                    *arrays_of(rng, case), rng=rng)  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"stride": (2, 1, 3), "padding": (1, 0, 1), "output_padding": (1, 0, 2)},
                                     {"dilation": (1, 2, 1), "groups": 2}, {"padding": 1, "groups": 2}], ids=str)  # fmt: skip
@pytest.mark.parametrize("window", [(2, 3, 2), (3, 1, 1)], ids=str)
def test_transposed_is_the_gradient_of_conv3d(rng, options, window):
    if "padding" in options and window == (3, 1, 1):
        options = options | {"padding": (1, 0, 0), "output_padding": 0, "stride": 1}
    x, w = rng.standard_normal((2, 4, 3, 4, 3)), rng.standard_normal((4, 3, *window))
    b = rng.standard_normal(3 * options.get("groups", 1))
    y = F.conv_transpose3d(*(torch.tensor(a) for a in (x, w, b)), **options)
    back = {k: v for k, v in options.items() if k != "output_padding"}
    want, _ = ref.conv3d_backward(x, np.zeros(tuple(y.shape)), w, **back)
    check_close(y, want + b.reshape(-1, 1, 1, 1), "transposed", k=4, n=4 * np.prod(window))


def test_same_padding_and_one_example(rng):
    x, w = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((3, 2, 2, 3, 4))
    y = F.conv3d(torch.tensor(x), torch.tensor(w), padding="same")
    wider = np.pad(x, ((0, 0), (0, 1), (1, 1), (1, 2)))[None]
    check_close(y, ref.conv3d(wider, w)[0], "same", k=4, n=48)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes_of_the_layer(rng, mode):
    layer = torch.nn.Conv3d(2, 3, 3, padding=(1, 2, 1), padding_mode=mode)
    x = rng.standard_normal((1, 2, 4, 5, 4)).astype(np.float32)
    wider = np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2), (1, 1)), mode={"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])
    want = ref.conv3d(wider, layer.weight.detach().numpy().astype(float), layer.bias.detach().numpy())
    check_close(layer(torch.tensor(x)), want, mode, k=4, n=54)


def test_gradients_of_gradients(rng):
    x, w = rng.standard_normal((1, 2, 3, 3, 4)), rng.standard_normal((2, 1, 2, 2, 2))

    def second(x, w):
        y = F.conv3d(x, w, groups=2, padding=(1, 0, 1), stride=(1, 1, 2))
        gx, gw = torch.autograd.grad((y * y * y).sum(), (x, w), create_graph=True)
        return (gx * gx).sum() + (gw * gw * gw).sum()

    def op(x, w):
        if not x.requires_grad:
            x, w = x.requires_grad_(), w.requires_grad_()
        return second(x, w)

    gradcheck(op, x * 0.3, w * 0.3, rng=rng)


def test_bfloat16(rng):
    x, w = (torch.tensor(rng.standard_normal(s)).bfloat16() for s in ((1, 2, 3, 4, 5), (3, 2, 2, 2, 2)))
    want = ref.conv3d(x.double().numpy(), w.double().numpy())
    check_close(F.conv3d(x, w), want, "bfloat16", k=1, n=1, dtype="bfloat16")


def test_bad_input():
    x, w = torch.ones(1, 2, 3, 3, 3), torch.ones(4, 2, 2, 2, 2)
    check_raises(RuntimeError, ["conv3d", "dimensions", "[2, 3, 3]"], F.conv3d, torch.ones(2, 3, 3), w)
    check_raises(RuntimeError, ["conv3d", "3 channels", "[4, 3, 2, 2, 2]"], F.conv3d, x, torch.ones(4, 3, 2, 2, 2))
    check_raises(RuntimeError, ["conv3d", "bias [4]"], F.conv3d, x, w, torch.ones(3))
    check_raises(RuntimeError, ["conv3d", "spans 4"], F.conv3d, x, torch.ones(4, 2, 4, 2, 2))
    check_raises(RuntimeError, ["conv_transpose3d", "output_padding"], F.conv_transpose3d, x, torch.ones(2, 1, 2, 2, 2), output_padding=1)
    check_raises(TypeError, ["conv3d", "float32", "float64"], F.conv3d, x, w.double())
