"""compile: functions, modules, threads: a plan gives what the function would have given, bit by bit."""

import copy
import threading

import numpy as np
import pytest
from plans import same, tensor

import udlfast as torch
from udlfast import _core

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # running without a plan is a failure unless a test expects the warning


# ---- functions --------------------------------------------------------------------------------------------------------------
def test_a_function_of_tensors(rng):
    def f(x, y, *, scale=2.0, parts=None):
        z = (x @ y) * scale
        return {"sum": z.sum(), "z": [z, z.t(), x], "part": None if parts is None else parts["a"] + parts["b"][0]}

    g = torch.compile(f)
    for _ in range(4):
        x, y = tensor(rng, 3, 4), tensor(rng, 4, 5)
        parts = {"a": tensor(rng, 2), "b": (tensor(rng, 2),)}
        got = g(x, y, parts=parts)
        same(got, f(x, y, parts=parts))
        assert got["z"][2] is x and got["z"][1].stride() == (1, 5)
    assert len(g.plans) == 1 and g.plans[0].replays == 3
    same(g(x, y, scale=3.0), f(x, y, scale=3.0))
    same(g(x, y, scale=3), f(x, y, scale=3))
    same(g(x.double(), y.double()), f(x.double(), y.double()))
    same(g(x[:2], y), f(x[:2], y))
    assert len(g.plans) == 5


def test_strides_are_part_of_the_condition(rng):
    g = torch.compile(lambda x: x.sum(0) * 2)
    a = tensor(rng, 3, 4)
    for x in (a, a.t().contiguous().t(), a, a.t().contiguous().t()):
        same(g(x), x.sum(0) * 2)
    assert len(g.plans) == 2 and sum(p.replays for p in g.plans) == 2


def test_offsets_and_shared_memory_are_followed(rng):
    g = torch.compile(lambda x, y: x * 2 + y)
    whole = tensor(rng, 6, 4)
    for i in range(4):
        same(g(whole[i], whole[i + 1]), whole[i] * 2 + whole[i + 1])
    a, b = tensor(rng, 4), tensor(rng, 4)
    same(g(a, b), a * 2 + b)
    same(g(a, a), a * 2 + a)


def test_a_copied_buffer_that_is_read_again_is_kept(rng):
    def f(x):
        y = x * 2
        z = y.clone()
        z.add_(1)
        total = y.sum()
        return z, total, y.clone().mul_(3)

    g = torch.compile(f)
    for _ in range(3):
        x = tensor(rng, 5)
        same(g(x), f(x))
    assert len(g.plans[0].steps) == 5


def test_results_that_are_held_are_not_overwritten(rng):
    g = torch.compile(lambda x: (x * 2, x.sum()))
    inputs = [tensor(rng, 5) for _ in range(6)]
    results = [g(x) for x in inputs]
    for x, (y, s) in zip(inputs, results, strict=True):
        same(y, x * 2)
        same(s, x.sum())
    view = g(inputs[0])[0][1:3]
    for x in inputs:
        g(x)
    same(view, inputs[0][1:3] * 2)


def test_a_result_may_be_the_next_argument(rng):
    def f(h):
        return torch.tanh(h) * 1.5

    g, h = torch.compile(f), tensor(rng, 7)
    want = h
    for _ in range(6):
        h, want = g(h), f(want)
        same(h, want)


def test_arguments_changed_in_place(rng):
    def f(x, y):
        x.add_(y)
        x[0] = 3.0
        return x

    g = torch.compile(f)
    for _ in range(3):
        x, y = tensor(rng, 4), tensor(rng, 4)
        want, version = x.clone(), x._version
        f(want, y)
        assert g(x, y) is x
        same(x, want)
        assert x._version == version + 2


def test_constants_and_numbers(rng):
    def f(x):
        total = torch.tensor(1.5)
        total += x.sum()
        mask = torch.arange(x.shape[0]) % 2
        return total, mask, torch.full((2,), 7), x * mask + torch.zeros(x.shape[0])

    g = torch.compile(f)
    for _ in range(4):
        x = tensor(rng, 5)
        got = g(x)
        same(got, f(x))
        got[1].add_(100)
        got[2].add_(100)


def test_closures_globals_and_attributes_are_conditions(rng):
    class Box:
        factor, x = 2.0, None

    box, shift = Box(), 1.0
    box.factor = 2.0
    box.x = tensor(rng, 3)

    def f():
        return box.x * box.factor + shift

    g = torch.compile(f)
    for _ in range(3):
        box.x = tensor(rng, 3)
        same(g(), f())
    assert len(g.plans) == 1 and g.plans[0].replays == 2  # another tensor of the same geometry needs no other plan
    box.factor = 3.0
    same(g(), f())
    shift = 2.0
    same(g(), f())
    box.x = tensor(rng, 4)
    same(g(), f())
    assert len(g.plans) == 4


def test_random_numbers_go_on_as_without_a_plan():
    def f(x):
        return F.dropout(x, 0.4) + torch.randn(3, 5) * torch.rand(5), torch.randint(0, 9, (4,)), torch.randperm(6)

    g, x = torch.compile(f), torch.ones(3, 5)
    torch.manual_seed(3)
    want = [f(x) for _ in range(5)]
    after = torch.default_generator.get_state()
    torch.manual_seed(3)
    same([g(x) for _ in range(5)], want)
    same(torch.default_generator.get_state(), after)
    torch.manual_seed(3)
    same(g(x), want[0])


def test_grad_mode_is_a_condition(rng):
    w = tensor(rng, 4).requires_grad_()
    g, x = torch.compile(lambda x: (x * w).sum()), tensor(rng, 4)
    for _ in range(2):
        assert g(x).requires_grad
        with torch.no_grad():
            assert not g(x).requires_grad


def test_an_error_of_the_function_leaves_it_usable(rng):
    g = torch.compile(lambda x, i: F.embedding(i, x))
    x = tensor(rng, 4, 3)
    for i in ([0, 3], [1, 1]):
        same(g(x, torch.tensor(i)), x[torch.tensor(i)])
    with pytest.raises(IndexError):
        g(x, torch.tensor([0, 9]))
    same(g(x, torch.tensor([2, 0])), x[torch.tensor([2, 0])])
    h = torch.compile(lambda a, b: a // b)
    three = torch.tensor([3, 4])
    same([h(three, torch.tensor([2, 2])) for _ in range(2)], [torch.tensor([1, 2])] * 2)
    with pytest.raises(ZeroDivisionError):
        h(three, torch.tensor([2, 0]))
    with pytest.raises(ValueError):
        torch.compile(lambda x: x @ torch.ones(3))(torch.ones(4))


# ---- forms of use ----------------------------------------------------------------------------------------------------------------------
def test_decorators_modules_and_methods(rng):
    @torch.compile
    def f(x):
        """Doc."""
        return x + 1

    @torch.compile(dynamic=False, mode="max-autotune", options={"dead": True})
    def g(x):
        return x + 2

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3)

        @torch.compile
        def helper(self, x):
            return self.inner(x) * 2

        def forward(self, x, extra=None):
            return self.helper(x) if extra is None else self.helper(x) + extra

    assert f.__name__ == "f" and f.__doc__ == "Doc."
    x = tensor(rng, 2, 3)
    same([f(x), f(x), g(x), g(x)], [x + 1, x + 1, x + 2, x + 2])
    net = Net()
    want = net.inner(x) * 2
    for _ in range(3):
        same(net(x), want)
    whole = torch.compile(net)
    for _ in range(3):
        same(whole(x), want)
        same(whole(x, extra=1.0), want + 1.0)
    assert isinstance(whole, nn.Module) and len(list(whole.parameters())) == 2 and whole.inner is net.inner
    assert list(whole.state_dict()) == ["_orig_mod.inner.weight", "_orig_mod.inner.bias"]
    whole.eval()
    assert not net.training
    net.compile()
    twin = copy.deepcopy(net)
    for _ in range(3):
        same(net(x), want)
        same(twin(x), want)
    assert list(net.state_dict()) == ["inner.weight", "inner.bias"]
    with torch.no_grad():
        twin.inner.weight.zero_()
    same(net(x), want)
    with pytest.raises(TypeError):
        torch.compile(3)
    with pytest.raises(ValueError):
        torch.compile(f, options={"nonsense": 1})
    assert torch.compile(f, disable=True) is f


def test_default_type_and_autocast_are_conditions(rng):
    w, x = tensor(rng, 4, 4), tensor(rng, 3, 4)

    def f(x):
        return x @ w, torch.zeros(2)

    g = torch.compile(f)
    for _ in range(3):
        same(g(x), f(x))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert g(x)[0].dtype is torch.bfloat16
        torch.set_default_dtype(torch.float64)
        try:
            assert g(x)[1].dtype is torch.float64
        finally:
            torch.set_default_dtype(torch.float32)
    assert len(g.plans) == 3


def test_packed_weights_follow_their_weights(rng):
    net = nn.Linear(512, 256)
    x = tensor(rng, 16, 512)

    @torch.compile
    def g(x):
        with torch.no_grad():
            return net(x)

    for _ in range(3):
        with torch.no_grad():
            want = F.linear(x.double(), net.weight.double(), net.bias.double())
            for _ in range(4):
                np.testing.assert_allclose(g(x).numpy(), want.numpy(), atol=512 * 2**-24 * 8)
            net.weight.mul_(-1.5)
    assert len(g.plans) == 1 and _core.packed_bytes() > 0


@pytest.mark.parametrize("low", [False, True])
def test_all_weights_of_a_layer_are_packed_once(rng, low):
    """Those of products with an activation or a sum in their epilogue too, which no call without a plan has packed."""
    layer = nn.TransformerEncoderLayer(256, 4, 512, activation="gelu", batch_first=True).eval()
    run, x, before = torch.compile(layer), tensor(rng, 1, 32, 256), _core.packed_bytes()
    weights = [p for p in layer.parameters() if p.ndim == 2]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low):
        for _ in range(4):
            got = run(x)
        assert len(run.plans) == 1
        packed = _core.packed_bytes() - before
        assert packed == 0 and low or packed >= sum(p.numel() for p in weights) * (2 if low else 4)
        assert (got - layer(x)).abs().max() < (0.05 if low else 1e-5)


WRITES = {  # the weight is not among the results: NumPy would see its memory, and what NumPy sees is never packed
    "two products": lambda x, w: (F.linear(x, w), w.mul_(0.5), F.linear(x, w))[::2],
    "one product": lambda x, w: (w.mul_(0.5), F.linear(x, w))[1:],
    "a row": lambda x, w: (F.linear(x, w), w[0].add_(1.0), F.relu(F.linear(x, w)))[::2],
    "copied": lambda x, w: (F.linear(x, w), w.copy_(w * 0.5), F.linear(x + 1, w))[::2],
}


@pytest.mark.parametrize("case", WRITES)
def test_a_weight_that_the_plan_writes_is_not_packed(rng, case):
    """Its packed form is that of before the run."""
    x, w = tensor(rng, 16, 512), tensor(rng, 512, 512)
    mine, theirs = w.clone(), w.clone()
    run = torch.compile(WRITES[case])
    with torch.no_grad():
        for _ in range(5):
            F.linear(x, mine), F.linear(x, mine)  # packed by these
            for got, want in zip(run(x, mine), WRITES[case](x, theirs)):
                np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=0, atol=1e-4)
    assert len(run.plans) == 1


def test_explain_lists_the_calls(rng):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 5))
    step = torch.compile(lambda x, y: F.cross_entropy(net(x), y).backward())
    x, y = tensor(rng, 4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    e = step.explain(x, y, peaks=(1e11, 1e10))
    names = [r.name for r in e.rows]
    assert names[:2] == ["conv2d", "matmul"] and "cross_entropy" in names and "conv2d_backward_weight" in names
    assert all(r.seconds > 0 for r in e.rows) and abs(sum(s for _, _, s in e.by_name()) - e.seconds) < 1e-9
    conv = e.rows[0]
    assert conv.shape == "4 x 1 x 8 x 8 -> 2 x 6 x 6, 3 x 3" and conv.flops == 2 * 4 * 2 * 36 * 9
    assert e.rows[1].shape == "4 x 5 x 72 + bias" and "conv2d" in str(e) and e.memory["arena"] >= e.memory["alive"] > 0
    with pytest.raises(ValueError, match="explain"), pytest.warns(RuntimeWarning):
        torch.compile(lambda x: x.item()).explain(torch.ones(1))


@pytest.mark.parametrize("shape", [(3, 5, 7), (64, 96, 33), (1, 1, 1), (130, 17, 256)], ids=str)
def test_epilogues_do_not_change_a_bit(shape, rng, isa):
    m, k, n = shape
    x, w, b, r = tensor(rng, m, k), tensor(rng, n, k), tensor(rng, n), tensor(rng, m, n)
    x[0, 0], x[-1, -1], w[0, 0] = float("nan"), float("inf"), 1e4

    def f(x, r):
        h = torch.relu(F.linear(x, w, b))
        curves = F.gelu(F.linear(x, w, b)), torch.tanh(x @ w.t()), torch.sigmoid(F.linear(x, w, b))
        return h, r + x @ w.t(), (x @ w.t()) + r, torch.relu(r + F.linear(x, w)), curves

    g, plain = torch.compile(f), torch.compile(f, options={"epilogue": False, "fuse": False})
    for _ in range(3):
        same(g(x, r), f(x, r))
        same(plain(x, r), f(x, r))
    assert len(g.plans[0].steps) == 8 and len(plain.plans[0].steps) == 15


@pytest.mark.parametrize("size", [(2, 3, 9, 9, 4, 3), (1, 16, 24, 24, 32, 3), (3, 4, 8, 8, 4, 1), (2, 1, 28, 28, 6, 5)], ids=str)
def test_relu_in_convolutions_does_not_change_a_bit(size, rng, isa):
    N, C, H, W, O, R = size
    x, w, b = tensor(rng, N, C, H, W), tensor(rng, O, C, R, R), tensor(rng, O)
    x[0, 0, 0, 0], x[-1, -1, 1, 1] = float("inf"), float("nan")

    def f(x):
        return torch.relu(F.conv2d(x, w, b, padding=R // 2)), torch.relu(F.conv2d(x, w, None, stride=2))

    g = torch.compile(f)
    for _ in range(3):
        same(g(x), f(x))
    assert len(g.plans[0].steps) == 2


def test_a_counting_thread_goes_on_during_replays(rng):
    """The GIL is free while the calls run: another thread's Python gets on while one long replay lasts."""
    a = tensor(rng, 700, 700)
    g = torch.compile(lambda a: a @ a @ a @ a @ a @ a @ a @ a @ a @ a)
    g(a), g(a)
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    t = threading.Thread(target=count)
    t.start()
    try:
        before = counted[0]
        for _ in range(3):
            g(a)
        during = counted[0] - before
    finally:
        done.set()
        t.join()
    assert during > 1000


def test_threads_share_a_plan(rng):
    net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 8)).eval()
    g = torch.compile(lambda x: net(x))
    x = [tensor(rng, 4, 16) for _ in range(8)]
    with torch.no_grad():
        want = [net(v) for v in x]
    wrong = []

    def work(i):
        with torch.no_grad():
            for k in range(200):
                j = (i + k) % 8
                if not (g(x[j]).numpy() == want[j].numpy()).all():
                    wrong.append((i, k))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and len(g.plans) == 1


def test_a_replay_allocates_nothing_and_runs_no_python():
    import sys

    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    x, y = torch.ones(2, 8), torch.tensor([0, 1])

    def step():
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    g = torch.compile(step)
    for _ in range(4):
        g()
    frames = []
    before = torch.memory_stats()["allocations"]
    sys.setprofile(lambda frame, event, arg: frames.append(event) if event == "call" else None)
    try:
        for _ in range(10):
            g()
    finally:
        sys.setprofile(None)
    assert not frames and torch.memory_stats()["allocations"] == before
    assert _core.recording() is None
