"""Filters of convolutions that are made ready once: the same bits as without, dropped with their weight, remade in plans."""

import numpy as np
import pytest
from harness import numbers
from plans import same, tensor

import udlfast as torch
from udlfast import _core

nn, F = torch.nn, torch.nn.functional

# N, C, H, W, O, groups: tiles that fill no, one and several vectors, with one to four tiles more; last groups and panels of every height
CASES = [
    (1, 96, 14, 14, 80, 1), (1, 128, 7, 7, 64, 1), (1, 83, 14, 13, 101, 1), (2, 64, 14, 14, 128, 1), (1, 512, 7, 7, 16, 1),
    (1, 40, 18, 18, 211, 1), (3, 100, 9, 11, 97, 1), (1, 192, 14, 14, 160, 2), (1, 150, 28, 28, 50, 1), (5, 91, 6, 6, 83, 1),
]  # fmt: skip


def sizes_of(case):
    N, C, H, W, O, groups = case
    return _core.float32.code, N, C, H, W, O, 3, 3, H, W, 1, 1, 1, 1, 1, 1, groups


def convolved(x, w, b, ints, ready):
    y = torch.full((ints[1], ints[5], ints[8], ints[9]), float("nan"))
    _core.call(_core.K_conv2d, (y, x, w, b, ready), ints)
    return numbers(y)


def made(w, ints):
    nbytes = _core.filters_bytes(ints)
    ready = torch.full((nbytes // 4,), float("nan")) if nbytes else None
    if nbytes:
        _core.call(_core.K_conv2d_filters, (ready, None, w), ints)
    return ready


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("act", [0, 1, 2], ids=["plain", "relu", "gelu"])
def test_the_same_bits(isa, rng, case, act):
    N, C, H, W, O, groups = case
    ints = sizes_of(case)
    x, w, b = tensor(rng, N, C, H, W), tensor(rng, O, C // groups, 3, 3), tensor(rng, O)
    ready = made(w, ints)
    ints = (*ints[:16], groups + 65536 * act)
    want = convolved(x, w, b, ints, None)
    assert np.isfinite(want).all()
    if ready is not None:
        assert np.array_equal(convolved(x, w, b, ints, ready), want)
        assert not np.array_equal(convolved(x, w, b, ints, made(w * 2, sizes_of(case))), want), "they are what is read"


def test_there_are_ready_filters(isa):
    assert _core.filters_bytes(sizes_of((1, 256, 14, 14, 256, 1))) >= 64 * 256 * 256
    assert _core.filters_bytes(sizes_of((1, 64, 14, 14, 64, 1))) == 0, "a small weight"
    assert _core.filters_bytes(sizes_of((64, 256, 56, 56, 256, 1))) == 0, "many tiles"


def test_with_any_threads(rng):
    case = CASES[0]
    ints, before = sizes_of(case), torch.get_num_threads()
    x, w = tensor(rng, 1, 96, 14, 14), tensor(rng, 80, 96, 3, 3)
    try:
        found = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(convolved(x, w, None, ints, made(w, ints)))
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_an_image_that_is_not_finite(isa, rng):
    case = (2, 96, 14, 14, 80, 1)
    ints = sizes_of(case)
    x, w = tensor(rng, 2, 96, 14, 14), tensor(rng, 80, 96, 3, 3)
    x[1, 5, 6, 7] = float("inf")
    want, got = convolved(x, w, None, ints, None), convolved(x, w, None, ints, made(w, ints))
    assert np.array_equal(want, got, equal_nan=True) and np.isfinite(got[0]).all() and np.isinf(got[1]).any()


def test_filters_of_others_are_left_aside(rng):
    """Made by another level, or for other sizes."""
    ints = sizes_of(CASES[0])
    x, w = tensor(rng, 1, 96, 14, 14), tensor(rng, 80, 96, 3, 3)
    for maker in torch.isas():
        with torch.use_isa(maker):
            ready = made(w * 3, ints)
        for name in torch.isas():
            if name != maker and ready is not None:
                with torch.use_isa(name):
                    assert np.array_equal(convolved(x, w, None, ints, ready), convolved(x, w, None, ints, None))
    other = made(tensor(rng, 96, 80, 3, 3), sizes_of((1, 80, 14, 14, 96, 1)))
    if other is not None:
        assert np.array_equal(convolved(x, w, None, ints, other), convolved(x, w, None, ints, None))


# ---- bfloat16 images: pairs of channels in panels, where the processor multiplies pairs --------------------------------------------
# N, C, H, W, O, groups, R, S, stride, padding
PAIRS = [
    (1, 64, 14, 14, 64, 1, 3, 3, 1, 1), (1, 33, 9, 8, 45, 1, 3, 3, 2, 1), (1, 128, 7, 7, 101, 1, 3, 3, 1, 1),
    (2, 96, 6, 7, 64, 2, 3, 3, 1, 1), (1, 64, 12, 12, 128, 1, 1, 1, 2, 0), (1, 70, 5, 5, 200, 1, 1, 1, 1, 0),
    (1, 3, 40, 40, 64, 1, 7, 7, 2, 3), (3, 65, 4, 4, 90, 1, 2, 3, 1, 0),
]  # fmt: skip


def sizes_of_pairs(case):
    N, C, H, W, O, groups, R, S, stride, pad = case
    P, Q = (H + 2 * pad - R) // stride + 1, (W + 2 * pad - S) // stride + 1
    return _core.bfloat16.code, N, C, H, W, O, R, S, P, Q, stride, stride, pad, pad, 1, 1, groups


@pytest.mark.parametrize("case", PAIRS, ids=str)
@pytest.mark.parametrize("act", [0, 1], ids=["plain", "relu"])
def test_the_same_bits_of_pairs(isa, rng, case, act):
    ints = sizes_of_pairs(case)
    N, C, H, W, O, groups, R, S = case[:8]
    x, w, b = tensor(rng, N, C, H, W).bfloat16(), tensor(rng, O, C // groups, R, S), tensor(rng, O)
    ready = made(w, ints)
    ints = (*ints[:16], groups + 65536 * act)

    def result(ready):
        y = torch.full((N, O, *ints[8:10]), float("nan"), dtype=torch.bfloat16)
        _core.call(_core.K_conv2d, (y, x, w, b, ready), ints)
        return numbers(y)

    want = result(None)
    assert np.isfinite(want).all()
    if ready is not None:
        assert np.array_equal(result(ready), want)
        assert not np.array_equal(result(made(w * 2, sizes_of_pairs(case))), want), "they are what is read"


def test_two_views_of_one_weight(isa, rng, tmp_path):
    """As many taps, in other rows: what is ready for one is not taken for the other."""
    w, x = tensor(rng, 512, 3, 7, 7), tensor(rng, 1, 3, 40, 120).bfloat16()
    views = [w, w.view(512, 3, 1, 49)]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        want = [F.conv2d(x, v.clone(), None, 2) for v in views]
        for _ in range(3):
            for v, y in zip(views, want, strict=True):
                same(F.conv2d(x, v, None, 2).float(), y.float())

        class Both(nn.Module):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(w)

            def forward(self, x):
                return F.conv2d(x, self.w, None, 2), F.conv2d(x, self.w.view(512, 3, 1, 49), None, 2)

        net = torch.compile(Both().eval())
        for _ in range(3):
            same([y.float() for y in net(x)], [y.float() for y in want])
        net.plans[0].save(tmp_path / "both.udl")
        same([y.float() for y in torch.load_plan(tmp_path / "both.udl")(x)], [y.float() for y in want])


def test_pairs_are_ready_where_they_are_multiplied():
    found = [_core.filters_bytes(sizes_of_pairs(case)) for case in PAIRS]
    assert all(found) or not any(found)
    assert _core.filters_bytes(sizes_of_pairs((64, 64, 56, 56, 64, 1, 3, 3, 1, 1))) == 0, "many pixels"


def test_float32_and_bfloat16_in_turn(isa, rng):
    conv, x, first, _ = layer(rng)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            low = [conv(x) for _ in range(3)]
        again = [conv(x) for _ in range(3)]
        with torch.autocast("cpu", torch.bfloat16):
            low.append(conv(x))
    assert all(a.tolist() == first.tolist() for a in again) and all(a.tolist() == low[0].tolist() for a in low)
    assert float((low[0].float() - first).abs().max()) > 0


@pytest.mark.parametrize("batch", [1, 3])
def test_a_plan_of_bfloat16_layers(isa, rng, batch, tmp_path):
    """Folded statistics and activations round once; without folding the bits are eager's."""
    net = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 40, 3, padding=1), nn.BatchNorm2d(40),
                        nn.ReLU(), nn.Conv2d(40, 64, 1)).eval()  # fmt: skip
    for norm in (net[1], net[4]):
        norm.running_mean.copy_(tensor(rng, norm.num_features))
        norm.running_var.copy_(tensor(rng, norm.num_features).abs() + 0.5)
    x = tensor(rng, batch, 3, 20, 20)
    with torch.no_grad():
        exact = net(x)
        with torch.autocast("cpu", torch.bfloat16):
            eager = net(x)
            plain, whole = torch.compile(net, options={"fold": False}), torch.compile(net)
            for _ in range(3):
                same(plain(x).float(), eager.float())
                got = whole(x)
            whole.plans[0].save(tmp_path / "low.udl")
    assert got.dtype is torch.bfloat16 and len(whole.plans[0].steps) < len(plain.plans[0].steps)
    low, whole = (float((y.float() - exact).norm() / exact.norm()) for y in (eager, got))
    assert whole < 1.1 * low < 0.02
    same(torch.load_plan(tmp_path / "low.udl")(x).float(), got.float())


@pytest.mark.parametrize("stride", [1, 2])
def test_rows_of_a_batch_of_bfloat16(isa, rng, stride):
    w, x = tensor(rng, 64, 48, 3, 3), tensor(rng, 40, 48, 12, 12).bfloat16()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), torch.batch_invariant():
        whole = F.conv2d(x, w, stride=stride, padding=1)
        for i in (0, 17, 39):
            assert F.conv2d(x[i : i + 1], w, stride=stride, padding=1).tolist() == whole[i : i + 1].tolist()


# ---- layers -------------------------------------------------------------------------------------------------------------------
def layer(rng):
    conv = nn.Conv2d(128, 96, 3, padding=1)
    x = tensor(rng, 1, 128, 14, 14)
    with torch.no_grad():
        first = conv(x)
    return conv, x, first, _core.packed_bytes()


def test_a_layer_used_again(isa, rng):
    conv, x, first, before = layer(rng)
    with torch.no_grad():
        second, third = conv(x), conv(x)
    assert _core.packed_bytes() >= before + 64 * 128 * 96
    assert first.tolist() == second.tolist() == third.tolist()
    del conv
    assert _core.packed_bytes() == before, "freed with the weight"


@pytest.mark.parametrize("change", ["in place", "optimizer", "load_state_dict", "view"])
def test_a_changed_weight(rng, change):
    conv, x, _, _ = layer(rng)
    with torch.no_grad():
        conv(x)
        if change == "in place":
            conv.weight.mul_(2.0)
        elif change == "load_state_dict":
            conv.load_state_dict({"weight": conv.weight * 2.0, "bias": conv.bias * 1.0})
        elif change == "view":
            conv.weight.view(-1)[1000:].mul_(2.0)
    if change == "optimizer":
        conv.weight.grad = -conv.weight.detach()
        torch.optim.SGD([conv.weight], lr=1.0).step()
    with torch.no_grad():
        want = F.conv2d(x, conv.weight * 1, conv.bias, padding=1)
        for _ in range(3):
            assert conv(x).tolist() == want.tolist()


def test_memory_that_others_can_write(rng):
    conv, x, _, before = layer(rng)
    with torch.no_grad():
        conv(x)
        assert _core.packed_bytes() > before
        a = conv.weight.detach().numpy()
        assert _core.packed_bytes() == before
        for factor in (2, 3, 4):
            a *= factor
            assert conv(x).tolist() == F.conv2d(x, conv.weight * 1, conv.bias, padding=1).tolist()
        assert _core.packed_bytes() == before


def test_training_makes_none(rng):
    conv, x, _, before = layer(rng)
    for _ in range(3):
        conv(x).sum().backward()
    assert _core.packed_bytes() == before


def test_one_weight_in_a_convolution_and_a_product(rng):
    w, x, rows = tensor(rng, 96, 128, 3, 3) * 1, tensor(rng, 1, 128, 14, 14), tensor(rng, 16, 1152)
    with torch.no_grad():
        want = F.conv2d(x, w * 1, padding=1).tolist(), F.linear(rows, w.view(96, 1152) * 1).tolist()
        for _ in range(3):
            for _ in range(3):
                assert F.conv2d(x, w, padding=1).tolist() == want[0]
            for _ in range(3):
                assert F.linear(rows, w.view(96, 1152)).tolist() == want[1]


# ---- plans --------------------------------------------------------------------------------------------------------------------
def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(96, 96, 3, padding=1), nn.BatchNorm2d(96), nn.ReLU(), nn.Conv2d(96, 96, 3, padding=1))
    return net.eval()


def called(g):
    return [c.name for c in g.plans[0].steps]


@pytest.mark.parametrize("fold", [False, True], ids=["as they are", "folded"])
def test_in_a_plan(isa, rng, fold):
    net, x = network(), tensor(rng, 1, 96, 14, 14)
    g = torch.compile(net, options={"fold": fold})
    plain = torch.compile(net, options={"fold": fold, "prepack": False})
    for change in range(3):
        with torch.inference_mode():
            for _ in range(3):
                same(g(x), plain(x))
        assert called(g).count("conv2d_filters") == 2 * (_core.filters_bytes(sizes_of((1, 96, 14, 14, 96, 1))) > 0)
        with torch.no_grad():
            net[change % 2].weight.mul_(-1.5)
            net[3].weight.add_(0.01)
    assert len(g.plans) == 1


def test_plans_of_several_sizes_share_them(rng):
    net = network()
    g, plain = torch.compile(net), torch.compile(net, options={"prepack": False})
    for n in (1, 2, 3):
        for _ in range(3):
            x = tensor(rng, n, 96, 14, 14)
            with torch.inference_mode():
                same(g(x), plain(x))
    made = 2 * _core.filters_bytes(sizes_of((1, 96, 14, 14, 96, 1)))
    folded = 4 * (96 * 96 * 9 + 96)
    lasting = g._compiled.memory.nbytes - max(p.arena_bytes for p in g.plans)
    assert made + folded <= lasting <= made + folded + 1024


def test_a_plan_of_training_makes_none(rng):
    net = nn.Conv2d(128, 96, 3, padding=1)
    step = torch.compile(lambda x: net(x).sum().backward())
    for _ in range(3):
        step(tensor(rng, 1, 128, 14, 14))
    assert "conv2d_filters" not in called(step)


@pytest.mark.parametrize("pack", [True, False])
def test_in_a_file(isa, rng, tmp_path, pack):
    net, x = network(), tensor(rng, 1, 96, 14, 14)
    g = torch.compile(net)
    with torch.inference_mode():
        want = [g(x), g(x)][1]
    path = tmp_path / "net.udl"
    g.plans[0].save(path)
    assert path.stat().st_size < 1.1 * 4 * 9 * 2 * 96 * 96, "they are not in the file"
    plan = torch.load_plan(path, pack=pack)
    for _ in range(2):
        same(plan(x), want)
    for name in torch.isas():
        with torch.use_isa(name):
            np.testing.assert_allclose(numbers(plan(x)), numbers(want), atol=1e-4)
