"""compile: what a plan replays is what the function would have done, bit by bit."""

import copy
import threading
import warnings

import numpy as np
import pytest

import udlfast as torch
from udlfast import _core

nn, F = torch.nn, torch.nn.functional


@pytest.fixture(autouse=True)
def no_warning():
    """A plan is expected in these tests: running without one is a failure unless a test expects the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def same(a, b):
    """The same structure with the same bits."""
    if isinstance(a, torch.Tensor):
        assert isinstance(b, torch.Tensor) and a.dtype is b.dtype and a.shape == b.shape
        x, y = a.detach().contiguous().numpy(), b.detach().contiguous().numpy()
        np.testing.assert_array_equal(x.view(np.uint8) if x.ndim else x, y.view(np.uint8) if y.ndim else y)
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        same(list(a.values()), list(b.values()))
    else:
        assert a == b


def state_of(net, opt=None):
    values = [t.detach().clone() for t in (*net.parameters(), *net.buffers())]
    values += [None if p.grad is None else p.grad.clone() for p in net.parameters()]
    if opt is not None:
        values += [v for p in net.parameters() for v in opt.state[p].values()]
    return [v.clone() if isinstance(v, torch.Tensor) else v for v in values], torch.default_generator.get_state()


def tensor(rng, *shape):
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


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


# ---- training -----------------------------------------------------------------------------------------------------------------
def mlp():
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 5))


def cnn():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Dropout(0.2), nn.Linear(4 * 9, 5))  # fmt: skip


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.pos = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation="gelu", batch_first=True)
        self.rnn, self.out = nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 5)

    def forward(self, i):
        x = self.emb(i) + self.pos(torch.arange(i.shape[1]))
        return self.out(self.rnn(self.block(x))[0][:, -1])


KINDS = {
    "mlp": (mlp, lambda rng: tensor(rng, 8, 6)),
    "cnn": (cnn, lambda rng: tensor(rng, 8, 1, 6, 6)),
    "text": (Text, lambda rng: torch.from_numpy(rng.integers(0, 11, (8, 6)))),
}
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3, nesterov=True),
    "plain": lambda p: torch.optim.SGD(p, lr=0.05),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2),
}


def training(kind, optimizer, compiled, steps, options=None, backward_outside=False):
    """Losses and the state at the end, with a schedule, an evaluation, edits by hand and an eager step on the way."""
    rng = np.random.default_rng(5)
    torch.manual_seed(5)
    make, draw = KINDS[kind]
    net = make()
    opt = OPTIMIZERS[optimizer](net.parameters())
    schedule = torch.optim.lr_scheduler.StepLR(opt, 7, 0.5)

    def step(x, y):
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    model = torch.compile(net, options=options) if compiled and backward_outside else net

    def outside(x, y):
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        return loss

    fn = outside if backward_outside else torch.compile(step, options=options) if compiled else step
    record = []
    for i in range(steps):
        x, y = draw(rng), torch.from_numpy(rng.integers(0, 5, 8))
        record.append((step if i % 9 == 8 else fn)(x, y).detach().clone())
        schedule.step()
        if i % 10 == 4:
            net.eval()
            with torch.no_grad():
                record.append(model(x).clone())
            net.train()
        if i == 6:
            with torch.no_grad():
                next(net.parameters()).mul_(0.9)
        if i == 8:
            opt.param_groups[0]["weight_decay"] = 0.02
    return (record, *state_of(net, opt)), model._compiled if model is not net else fn


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_steps_of_training_are_the_same_bits(kind, optimizer):
    want, _ = training(kind, optimizer, False, 50)
    got, step = training(kind, optimizer, True, 50)
    same(got, want)
    assert len(step.plans) == 1 and step.plans[0].replays >= 40


@pytest.mark.parametrize("options", [{"dead": False}, {"arena": False}, {"dead": False, "arena": False}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_passes_do_not_change_a_bit(kind, options):
    want, _ = training(kind, "adam", False, 10)
    got, step = training(kind, "adam", True, 10, options)
    same(got, want)
    plan = step.plans[0]
    assert plan.arena_bytes >= plan.buffer_bytes if options.get("arena") is False else plan.arena_bytes < plan.buffer_bytes


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_module_with_backward_outside(kind):
    want, _ = training(kind, "adam", False, 20, backward_outside=True)
    got, model = training(kind, "adam", True, 20, backward_outside=True)
    same(got, want)
    assert len(model.plans) == 2 and sum(p.replays for p in model.plans) >= 17


def test_gradient_accumulation(rng):
    x = [tensor(rng, 4, 6) for _ in range(12)]

    def train(compile_):
        torch.manual_seed(1)
        net = mlp()
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        micro = compile_(lambda x: net(x).square().mean().backward())
        update = compile_(lambda: opt.step())
        for i in range(12):
            micro(x[i])
            if i % 3 == 2:
                update()
                opt.zero_grad()
        return state_of(net), micro

    (want, _), (got, micro) = train(lambda f: f), train(torch.compile)
    same(got, want)
    assert len(micro.plans) == 2 and sum(p.replays for p in micro.plans) == 10


def test_grads_that_are_held_are_not_overwritten(rng):
    net = nn.Linear(3, 2)
    x = [tensor(rng, 4, 3) for _ in range(5)]

    def f(x):
        net.zero_grad()
        net(x).square().sum().backward()

    g, held, want = torch.compile(f), [], []
    for v in x:
        g(v)
        held.append((net.weight.grad, net.bias.grad[:1]))
        f(v)
        want.append((net.weight.grad.clone(), net.bias.grad[:1].clone()))
    same(held, want)
    grad = net.weight.grad
    g(x[0])
    g(x[1])
    assert net.weight.grad is not grad


def test_switches_between_calls(rng):
    """Freezing, load_state_dict of the optimiser and of the network, a new parameter, data= and eager steps."""
    def train(compile_):
        torch.manual_seed(2)
        net = mlp()
        opt = torch.optim.Adam(net.parameters(), lr=0.01)

        def step(x):
            opt.zero_grad()
            net(x).square().mean().backward()
            opt.step()

        fn, state, weights = compile_(step), None, None
        for i in range(24):
            fn(torch.full((4, 6), 0.1 * i))
            if i == 5:
                net[0].weight.requires_grad_(False)
            if i == 9:
                net[0].weight.requires_grad_(True)
            if i == 11:
                state, weights = copy.deepcopy(opt.state_dict()), copy.deepcopy(net.state_dict())
            if i == 13:
                opt.load_state_dict(state)
                net.load_state_dict(weights)
            if i == 15:
                net[4].bias.data = torch.ones(5)
            if i == 17:
                net[3].p = 0.1
            if i == 19:
                net[1].running_mean = torch.zeros(16)
        return state_of(net, opt), fn

    (want, _), (got, fn) = train(lambda f: f), train(torch.compile)
    same(got, want)
    assert 3 <= len(fn.plans) <= 7


def test_two_steps_in_one_call_count_twice(rng):
    def train(compile_):
        torch.manual_seed(2)
        net = nn.Linear(3, 2)
        opt = torch.optim.Adam(net.parameters(), lr=0.01)

        def step(x):
            for _ in range(2):
                opt.zero_grad()
                net(x).square().mean().backward()
                opt.step()

        fn = compile_(step)
        for i in range(6):
            fn(torch.full((4, 3), 0.3 + i))
        return state_of(net, opt)

    same(train(torch.compile), train(lambda f: f))


# ---- backward through a compiled function ------------------------------------------------------------------------------------------
def test_gradients_of_arguments_and_several_results(rng):
    def f(x, y):
        z = x * y
        return z.sum(), (z * z, x)

    g = torch.compile(f)
    for _ in range(3):
        values = tensor(rng, 4), tensor(rng, 4)
        got = []
        for fn in (f, g):
            x, y = (v.clone().requires_grad_() for v in values)
            a, (b, same_x) = fn(x, y)
            assert same_x is x
            ((a * 3 + b.sum()) * 2).backward()
            got.append((a, b, x.grad, y.grad))
        same(got[0][:2], got[1][:2])
        for a, b in zip(got[0][2:], got[1][2:], strict=True):  # what arrives from several results is added in another order
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=4 * 2**-24 * 3, atol=1e-6)
    assert len(g.plans) == 1


def test_backward_twice_and_two_forwards_before_it(rng):
    w = tensor(rng, 3, 3).requires_grad_()

    def f(x):
        return torch.tanh(x @ w)

    g, x = torch.compile(f), [tensor(rng, 2, 3) for _ in range(3)]

    def both(fn):
        w.grad = None
        y = fn(x[0])
        y.sum().backward(retain_graph=True)
        y.square().sum().backward()
        a, b = fn(x[1]), fn(x[2])
        (a * b).sum().backward()
        return w.grad.clone()

    for _ in range(3):
        same(both(g), both(f))
    y = g(x[0])
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()
    y = g(x[0])
    x[0].mul_(2)
    with pytest.raises(RuntimeError, match="modified"):
        y.sum().backward()


def test_loss_of_a_whole_step_is_spent(rng):
    w = tensor(rng, 3).requires_grad_()

    def f(x):
        loss = (x * w).sum()
        w.grad = None
        loss.backward()
        return loss

    g = torch.compile(f)
    for _ in range(3):
        loss = g(tensor(rng, 3))
        assert loss.requires_grad and loss.item() == loss.detach().item()
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()


# ---- what cannot be recorded ---------------------------------------------------------------------------------------------------------
def eager_with_warning(f, match, *args):
    g = torch.compile(f)
    with pytest.warns(RuntimeWarning, match=match) as caught:
        for _ in range(10):
            same(g(*args), f(*args))
    assert len(caught) == 1 and not g.plans and g.eager


@pytest.mark.parametrize("f", [
    lambda x: x * x.sum().item(), lambda x: x * 2 if x.sum() > 0 else x, lambda x: x * float(x[0]), lambda x: x * x.numpy(),
    lambda x: x[x > 0], lambda x: torch.nonzero(x), lambda x: x.unique(), lambda x: x.tolist(), lambda x: torch.tensor(x.tolist()),
], ids=range(9))  # fmt: skip
def test_numbers_read_by_python(f, rng):
    eager_with_warning(f, r"test_compile\.py:\d+", tensor(rng, 6))


def test_the_warning_names_the_line(rng):
    def f(x):
        y = x * 2
        return y * y.sum().item()  # this one

    line = f.__code__.co_firstlineno + 2
    eager_with_warning(f, rf"item\(\).*test_compile\.py:{line}", tensor(rng, 3))


def test_arrays_and_hidden_tensors(rng):
    arrays = [rng.standard_normal(3).astype(np.float32) for _ in range(30)]
    for make in (torch.from_numpy, torch.tensor, torch.as_tensor):
        it = iter(arrays)
        g = torch.compile(lambda it=it, make=make: make(next(it)) * 2)
        with pytest.warns(RuntimeWarning, match="array"):
            for a in arrays[:6]:
                same(g(), torch.from_numpy(a * 2))
    it = iter([torch.from_numpy(a) for a in arrays])
    g = torch.compile(lambda: next(it) * 2)
    with pytest.warns(RuntimeWarning, match="neither the arguments nor the variables"):
        for a in arrays[:6]:
            same(g(), torch.from_numpy(a * 2))


def test_state_that_the_function_changes_itself(rng):
    class Counter:
        n, kept = 0, None

    for change in ("n", "kept"):
        def f(x, c, change=change):
            if change == "n":
                c.n = c.n + 1
                return x * c.n
            c.kept = x * 2 if c.kept is None else c.kept + x
            return c.kept * 3

        a, b, g = Counter(), Counter(), torch.compile(f)
        a.n = b.n = 0
        a.kept = b.kept = None
        with pytest.warns(RuntimeWarning, match="changes"):
            for _ in range(12):
                x = tensor(rng, 2)
                same(g(x, a), f(x, b))


def test_a_schedule_inside_the_function_is_noticed(rng):
    def train(compile_):
        torch.manual_seed(2)
        net = nn.Linear(3, 2)
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.7)

        def step(x):
            opt.zero_grad()
            net(x).square().mean().backward()
            opt.step()
            schedule.step()

        fn = compile_(step)
        for i in range(8):
            fn(torch.full((4, 3), 0.3 + i))
        return state_of(net)

    with pytest.warns(RuntimeWarning, match="schedule|lr"):
        got = train(torch.compile)
    same(got, train(lambda f: f))


def test_the_number_of_plans_is_bounded(rng):
    def f(x, n):
        return x * n

    g, x = torch.compile(f), tensor(rng, 3)
    with pytest.warns(RuntimeWarning, match="plans were recorded") as caught:
        for n in range(20):
            same(g(x, n), f(x, n))
    assert len(g.plans) == 8 and len(caught) == 1
    before = sum(p.replays for p in g.plans)
    same(g(x, 3), f(x, 3))
    assert sum(p.replays for p in g.plans) == before + 1


def test_fullgraph_raises():
    with pytest.raises(ValueError, match="item"):
        torch.compile(lambda x: x.item(), fullgraph=True)(torch.ones(1))


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
