"""Passes that change calls: chains of element-wise steps (bit by bit as eager), folded batch normalisation (within its bound)."""

import numpy as np
import pytest
from plans import same, tensor

import udlfast as torch
from udlfast import _core

nn, F = torch.nn, torch.nn.functional


def names(f):
    return [c.name for c in f.plans[0].steps]


def replayed(f, *args, options=None):
    """The compiled function, after a replay that gave eager's bits."""
    g = torch.compile(f, options=options, fullgraph=True)
    for _ in range(3):
        same(g(*args), f(*args))
    return g


# ---- chains -------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 1023, 1024, 1025, 4099, 100003])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_a_chain_is_one_call(rng, isa, n, dtype):
    x, y = (tensor(rng, n).to(dtype) for _ in range(2))
    x[0] = float("nan")
    y[-1] = float("inf")
    g = replayed(lambda x, y: torch.sigmoid(x * y + 0.5) * (x - y).exp() / (1 + y * y), x, y)
    assert names(g) == ["chain"]


@pytest.mark.parametrize("n", [1, 15, 16, 17, 1023, 1025, 4099, 100003])
def test_a_chain_of_bfloat16_rounds_as_the_steps_do(rng, isa, n):
    x, y, one = tensor(rng, n).bfloat16(), (tensor(rng, n) * 3).bfloat16(), tensor(rng, 1).bfloat16()
    x[0], y[-1] = float("nan"), float("inf")

    def f(x, y, one):
        a = torch.relu(x + y)
        b = torch.maximum(a * 0.3, -y) - one
        return a, (b.abs() * torch.sigmoid(b) + x.exp()) / 3

    g = replayed(f, x, y, one)
    assert names(g) == ["chain"]
    tiny = torch.full((n,), -1e-30).bfloat16()  # a product that vanishes keeps its sign
    replayed(lambda x: (x * 1e-12).relu().reciprocal() + torch.maximum(x * 1e-12, -x * 0).reciprocal(), tiny)
    image = tensor(rng, 3, 4, 37).bfloat16()
    w, b = (tensor(rng, 4, 1).bfloat16() for _ in range(2))
    assert names(replayed(lambda x, w, b: (x * w + b).relu(), image, w, b)) == ["chain"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 16), (33, 1000), (5, 1024), (2, 3000)], ids=str)
def test_rows_columns_and_numbers_are_broadcast(rng, isa, shape):
    rows, cols = shape
    x, row, column, one = tensor(rng, rows, cols), tensor(rng, cols), tensor(rng, rows, 1), tensor(rng)
    g = replayed(lambda x, r, c, o: torch.relu(x * r + c) * o - x, x, row, column, one)
    assert names(g) == ["chain"]


@pytest.mark.parametrize("length", [1, 7, 49, 1024, 1500])
def test_channels_of_images(rng, length):
    x, w, b = tensor(rng, 3, 4, length), tensor(rng, 4, 1), tensor(rng, 4, 1)
    assert names(replayed(lambda x, w, b: F.silu(x * w + b), x, w, b)) == ["chain"]


def test_slices_and_results_of_several_steps(rng):
    x = tensor(rng, 6, 40)

    def f(x):
        a, b = x[:, :20], x[:, 20:]
        c = a * b
        d = c + a
        return c, d * 2, d.relu() + b

    assert names(replayed(f, x)) == ["chain"]


def test_a_result_that_is_wanted_elsewhere_is_kept_in_memory(rng):
    x, w = tensor(rng, 8, 8), tensor(rng, 8, 8)

    def f(x, w):
        a = x * 2 + 1
        return (a @ w) + a

    assert replayed(f, x, w) is not None


def test_more_steps_than_one_chain_holds(rng):
    def f(x):
        for k in range(40):
            x = x * 1.01 + float(k)
        return x

    g = replayed(f, tensor(rng, 300))
    assert len(names(g)) == 5  # 80 steps, 16 in each


def test_more_inputs_than_one_chain_holds(rng):
    xs = [tensor(rng, 50) for _ in range(30)]
    g = replayed(lambda *xs: sum(xs[1:], xs[0]), *xs)
    assert "chain" in names(g) and 1 < len(names(g)) < 10


def test_order_is_kept_where_memory_is_written_between(rng):
    def f(x, y):
        a = x * 2
        b = a + y
        a.add_(1)  # after its use by b
        c = a * b
        a[:2] = 7.0  # another view of what the chain writes
        return a + c, b

    assert replayed(f, tensor(rng, 9), tensor(rng, 9)) is not None


def test_two_views_of_one_buffer_are_not_taken_for_each_other(rng):
    def f(x, y):
        both = torch.empty(2, 40)
        both[0] = x * 2
        both[1] = y * 3
        return both[0] - both[1], both.view(-1)[:40] * y

    assert replayed(f, tensor(rng, 40), tensor(rng, 40)) is not None


def test_arguments_that_are_written_are_not_mixed_with_others(rng):
    def f(x, y):
        z = x + y
        x.mul_(2)
        return z * x + y

    g = torch.compile(f, fullgraph=True)
    for _ in range(3):
        x, y = tensor(rng, 12), tensor(rng, 12)
        x2, y2 = x.clone(), y.clone()
        same(g(x, y), f(x2, y2))
        same(x, x2)
        whole = tensor(rng, 13)
        other = whole.clone()
        same(g(whole[:12], whole[1:]), f(other[:12], other[1:]))  # one argument overlaps the other
        same(whole, other)


def test_a_chain_gives_the_same_bits_for_any_number_of_threads(rng):
    x = tensor(rng, 300, 1001)
    g = torch.compile(lambda x: F.gelu(x * 2 + 1) * x)
    want, before = g(x).clone(), torch.get_num_threads()
    try:
        for n in (1, 2, 3, 8):
            torch.set_num_threads(n)
            same(g(x), want)
    finally:
        torch.set_num_threads(before)
    assert names(g) == ["chain"]


def test_fuse_off_leaves_the_calls(rng):
    g = replayed(lambda x: (x * 2 + 1).exp(), tensor(rng, 5), options={"fuse": False})
    assert names(g) == ["elementwise"] * 3


def test_gradients_of_a_chain(rng):
    x, w = tensor(rng, 31, 20), nn.Parameter(tensor(rng, 20))

    def f(x):
        loss = (torch.tanh(x * w) * torch.sigmoid(x + w)).square().sum()
        loss.backward()
        return loss

    g = torch.compile(f, fullgraph=True)
    want = []
    for h in (f, f, f):
        w.grad = None
        want.append((h(x).clone(), w.grad.clone()))
    for k in range(3):
        w.grad = None
        same((g(x).clone(), w.grad.clone()), want[k])
    assert "chain" in names(g)


# ---- batch normalisation folded ------------------------------------------------------------------------------------------------
def warmed(net, rng, *shape):
    """In eval mode, with statistics and scales that are not trivial."""
    for m in net.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) and m.affine:
            with torch.no_grad():
                m.weight.copy_(tensor(rng, *m.weight.shape))
                m.bias.copy_(tensor(rng, *m.bias.shape))
    net.train()
    net(tensor(rng, *shape))
    return net.eval()


NETS = {
    "conv": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()), (2, 3, 9, 9)),
    "bias, stride, groups": (lambda: nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, groups=2), nn.BatchNorm2d(8)), (2, 4, 9, 9)),
    "1x1, no affine": (lambda: nn.Sequential(nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6, affine=False)), (2, 4, 5, 5)),
    "linear": (lambda: nn.Sequential(nn.Linear(10, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3)), (5, 10)),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(3, 5, 3), nn.BatchNorm1d(5)), (2, 3, 12)),
}


@pytest.mark.parametrize("name", NETS)
def test_batch_norm_is_folded(rng, isa, name):
    make, shape = NETS[name]
    net = warmed(make(), rng, *shape)

    def f(x):
        with torch.no_grad():
            return net(x)

    g, plain = torch.compile(f, fullgraph=True), torch.compile(f, options={"fold": False}, fullgraph=True)
    for _ in range(3):
        x = tensor(rng, *shape)
        same(plain(x), f(x))
        check_close(g(x), f(x), net, x)
    steps = names(g)
    assert steps.count("fold_batch_norm") == 1 and "batch_norm" not in steps and "batch_norm" in names(plain)


def check_close(got, want, net, x):
    """Both are K products and three roundings from the exact value: |difference| <= 2 (K + 4) eps (sum |w x| |s| + |shift|)."""
    exact = net.double()
    weight = next(m for m in exact if isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Linear)))
    norm = next(m for m in exact if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)))
    with torch.no_grad():
        scale = (norm.weight if norm.affine else torch.ones(norm.num_features).double()).abs() / (norm.running_var + norm.eps).sqrt()
        sums = copy_abs(weight)(x.double().abs()).amax() * scale.amax() * 4
        bound = 2 * (weight.weight[0].numel() + 4) * 2.0**-24 * (sums + 10)
        if isinstance(exact[-1], nn.Linear):
            bound = bound * exact[-1].weight.abs().sum(1).amax() * 2
    net.float()
    assert (got.double() - want.double()).abs().max() <= bound


def copy_abs(layer):
    import copy

    layer = copy.deepcopy(layer)
    layer.weight.copy_(layer.weight.abs())
    if layer.bias is not None:
        layer.bias.copy_(layer.bias.abs())
    return layer


def test_folded_weights_follow_every_change(rng):
    net = warmed(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), rng, 2, 2, 6, 6)
    x = tensor(rng, 2, 2, 6, 6)

    @torch.compile
    def f(x):
        with torch.no_grad():
            return net(x)

    def check():
        with torch.no_grad():
            want = net(x)
        np.testing.assert_allclose(f(x).numpy(), want.numpy(), rtol=2e-4, atol=2e-5)

    f(x)
    check()
    with torch.no_grad():
        net[0].weight.mul_(3)
    check()
    net[1].running_mean.add_(1)
    check()
    net.load_state_dict({k: v + 1 if v.is_floating_point() else v for k, v in net.state_dict().items()})
    check()
    net[1].running_var.fill_(0.25)
    check()
    net.train()
    net(x)
    net.eval()
    check()
    net[0].weight.detach().numpy()[0] = 5  # from now on others may write to it without being counted
    check()
    net[0].weight.detach().numpy()[0] = -2
    check()


def test_the_fold_runs_once(rng):
    net = warmed(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), rng, 2, 2, 6, 6)
    x = tensor(rng, 2, 2, 6, 6)

    @torch.compile
    def f(x):
        with torch.no_grad():
            return net(x)

    f(x)
    f.plans[0].set_watch(True)
    times = []
    for _ in range(3):
        f(x)
        times.append(f.plans[0].times[0])
    assert times[0] > 0 and times[1:] == [0.0, 0.0]


def test_training_mode_and_shared_results_are_not_folded(rng):
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))

    def train(x):
        with torch.no_grad():
            return net(x)

    g = torch.compile(train, fullgraph=True)
    x = tensor(rng, 2, 2, 6, 6)
    g(x), g(x)
    assert "fold_batch_norm" not in names(g)
    net.eval()

    def both(x):
        with torch.no_grad():
            y = net[0](x)
            return net[1](y), y

    assert "fold_batch_norm" not in names(replayed(both, x))


def test_make_call_counts_fields():
    with pytest.raises(TypeError, match="chain takes 46 integers"):
        _core.make_call(_core.K_chain, [1], [], [])


@pytest.mark.parametrize("case", ["conv float32", "conv bfloat16", "linear"])
def test_an_activation_of_the_bits_as_another_type(rng, case):
    """The product's epilogue would do it to other numbers."""
    x, w = (tensor(rng, 8, 32), tensor(rng, 64, 32)) if case == "linear" else (tensor(rng, 2, 16, 8, 8), tensor(rng, 16, 16, 3, 3))
    if case == "conv bfloat16":
        x, w = x.bfloat16(), w.bfloat16()
    other = torch.float32 if case == "conv bfloat16" else torch.bfloat16

    def function(x, w):
        y = F.linear(x, w) if case == "linear" else F.conv2d(x, w, padding=1)
        return torch.relu(y.view(other)).view(torch.int16)

    with torch.no_grad():
        compiled = torch.compile(function)
        for _ in range(3):
            same(compiled(x, w), function(x, w))


IN_PLACE = {
    "relu_": (lambda y: y.relu_(), True), "tanh_": (lambda y: y.tanh_(), True), "sigmoid_": (lambda y: y.sigmoid_(), True),
    "gelu written back": (lambda y: y.copy_(F.gelu(y)), True), "ReLU(inplace)": (torch.nn.ReLU(inplace=True), True),
    "twice": (lambda y: y.relu_().relu_(), False), "read before": (lambda y: y * 2 + y.relu_(), False),
    "a part": (lambda y: (y[1:].relu_(), y)[1], False), "rows turned": (lambda y: y.transpose(0, 1).relu_().transpose(0, 1) + 0, False),
    "as another type": (lambda y: (y.view(torch.bfloat16).relu_(), y)[1], False),
}  # fmt: skip


@pytest.mark.parametrize("product", ["linear", "conv", "conv bfloat16"])
@pytest.mark.parametrize("case", IN_PLACE)
def test_an_activation_in_place(rng, case, product):
    """It goes into the product that wrote its operand, unless somebody else sees the operand without it."""
    act, once = IN_PLACE[case]
    if product == "linear":
        x, w = tensor(rng, 6, 16), tensor(rng, 32, 16)
        make = lambda: F.linear(x, w)  # noqa: E731
    else:
        x, w = tensor(rng, 6, 8, 7, 7), tensor(rng, 8, 8, 3, 3)
        if product == "conv bfloat16":
            x, w = x.bfloat16(), w.bfloat16()
        make = lambda: F.conv2d(x, w, padding=1)  # noqa: E731
    if case == "as another type" and product == "conv bfloat16":
        act = lambda y: (y.view(torch.float16).relu_(), y)[1]  # noqa: E731
    x.view(-1)[0] = float("nan")
    with torch.no_grad():
        compiled = torch.compile(lambda: act(make()))
        for _ in range(3):
            same(compiled().float(), act(make()).float())
    if once and case == "relu_" or product == "linear" and once and case != "gelu written back":
        plain = torch.compile(make)
        with torch.no_grad():
            plain()
        assert names(compiled) == names(plain)


def test_an_activation_in_place_while_recording(rng):
    """Backward needs what the activation left, and the product's gradient what it had before it."""
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.ReLU(inplace=True), torch.nn.Flatten(), torch.nn.Linear(36, 5),
                              torch.nn.ReLU(inplace=True))  # fmt: skip
    x = tensor(rng, 3, 2, 5, 5)

    def step():
        net.zero_grad()
        loss = net(x).square().sum()
        loss.backward()
        return loss, *(p.grad for p in net.parameters())

    want = [t.clone() for t in step()]
    compiled = torch.compile(step)
    for _ in range(3):
        for got, w in zip(compiled(), want):
            same(got, w)
