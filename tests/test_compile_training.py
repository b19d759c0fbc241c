"""compile: training steps, whole and with the backward pass outside, bit by bit."""

import copy

import numpy as np
import pytest
from plans import same, state_of, tensor

import udlfast as torch

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # running without a plan is a failure unless a test expects the warning


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
    "nadam": lambda p: torch.optim.NAdam(p, lr=1e-2),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-2, momentum=0.5, centered=True),
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
    assert len(step.plans) <= 2 and sum(p.replays for p in step.plans) >= 38  # a weight_decay that was 0 may need another


@pytest.mark.parametrize("options", [
    {"dead": False}, {"copies": False}, {"epilogue": False}, {"arena": False}, {"fuse": False},
    {"dead": False, "copies": False, "epilogue": False, "arena": False, "fuse": False},
], ids=str)  # fmt: skip
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
    got, model = training(kind, "adam", True, 20, {"fold": False}, backward_outside=True)  # folding rounds otherwise
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


@pytest.mark.parametrize("norm", [2.0, float("inf")])
@pytest.mark.parametrize("bound", [0.01, 1e6])
def test_clipping_is_part_of_a_step(rng, norm, bound):
    x = [tensor(rng, 8, 6) for _ in range(6)]

    def train(compile_):
        torch.manual_seed(2)
        net = mlp()
        opt = torch.optim.Adam(net.parameters(), lr=0.01)

        def step(x):
            opt.zero_grad()
            net(x).square().mean().backward()
            total = nn.utils.clip_grad_norm_(net.parameters(), bound, norm)
            opt.step()
            return total

        step = compile_(step)
        return [step(v).clone() for v in x], state_of(net, opt), step

    want, got = train(lambda f: f), train(lambda f: torch.compile(f, fullgraph=True))
    same(got[:2], want[:2])
    assert sum(p.replays for p in got[2].plans) >= 4


def test_clipping_of_gradients_that_are_not_finite():
    def f(p):
        return nn.utils.clip_grad_norm_(p, 1.0)

    p, q = (nn.Parameter(torch.zeros(3)) for _ in range(2))
    g = torch.compile(lambda: f([p]))
    for bad in (1.0, float("nan"), float("inf"), 3.0):
        p.grad = torch.tensor([bad, 2.0, -1.0])
        q.grad = p.grad.clone()
        same(g().clone(), f([q]))
        same(p.grad, q.grad)
    assert g.plans[0].replays >= 2


def test_a_finite_check_of_the_norm_goes_on_at_each_replay(rng):
    p = nn.Parameter(tensor(rng, 3))

    @torch.compile
    def f(x):
        p.grad = p.detach() * x
        return nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)

    for x in (2.0, 3.0, float("nan"), 1e-3):
        if x == x:
            want = (p.detach() * x).norm()
            torch.testing.assert_close(f(torch.tensor(x)), want)
        else:
            with pytest.raises(RuntimeError, match="finite"):
                f(torch.tensor(x))
    assert len(f.plans) == 1 and f.plans[0].replays == 2
