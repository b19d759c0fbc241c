"""compile: batches of many sizes through one function. Plans share memory, are bounded in number, and give eager's bits."""

import threading

import numpy as np
import pytest
from plans import same, state_of, tensor

import udlfast as torch
from udlfast.compiler import PAUSE, PLANS, SIZES

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # running without a plan is a failure unless a test expects the warning


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.pos = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.rnn, self.gru, self.out = nn.LSTM(8, 8, batch_first=True), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 5)

    def forward(self, i):
        x = self.block(self.emb(i) + self.pos(torch.arange(i.shape[1])))
        return self.out(self.rnn(x)[0][:, -1] + self.gru(x)[0].mean(1))


def mlp():
    return nn.Sequential(nn.Linear(6, 300), nn.BatchNorm1d(300), nn.ReLU(), nn.Dropout(0.3), nn.Linear(300, 300), nn.LayerNorm(300),
                         nn.Linear(300, 5))  # fmt: skip


def cnn():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3),
                         nn.GroupNorm(2, 8), nn.MaxPool2d(2),
                         nn.ConvTranspose2d(8, 4, 3, 2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * 25, 5))  # fmt: skip


def ids(rng, n):
    return torch.from_numpy(rng.integers(0, 11, (n, 6)))


KINDS = {"mlp": (mlp, lambda rng, n: tensor(rng, n, 6)), "cnn": (cnn, lambda rng, n: tensor(rng, n, 1, 6, 6)), "text": (Text, ids)}
BATCHES = [8, 3, 8, 1, 2, 17, 0, 8, 1, 32, 5, 0, 3, 64, 7, 2, 31, 17, 8, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_inference_at_many_sizes(kind, rng):
    torch.manual_seed(3)
    make, draw = KINDS[kind]
    net = make().eval()
    g = torch.compile(net, dynamic=True, options={"fold": False})  # folding rounds otherwise
    for n in BATCHES * 3:
        x = draw(rng, n)
        with torch.inference_mode():
            same(g(x), net(x))
    assert len(g.plans) == len(set(BATCHES)) and sum(p.replays for p in g.plans) == 3 * len(BATCHES) - len(g.plans)
    most = max(p.arena_bytes for p in g.plans)
    assert most <= g._compiled.memory.nbytes <= most + 64  # one block for all


def trained(kind, compiled, outside, batches):
    rng = np.random.default_rng(7)
    torch.manual_seed(7)
    make, draw = KINDS[kind]
    net = make()
    opt = torch.optim.AdamW(net.parameters(), lr=1e-2)
    model = torch.compile(net, dynamic=True) if compiled and outside else net

    def step(x, y):
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        return loss

    fn = torch.compile(step) if compiled and not outside else step
    losses = [fn(draw(rng, n), torch.from_numpy(rng.integers(0, 5, n))).detach().clone() for n in batches]
    return (losses, *state_of(net, opt)), model._compiled if outside and compiled else fn


@pytest.mark.parametrize("outside", [False, True], ids=["whole", "outside"])
@pytest.mark.parametrize("kind", KINDS)
def test_training_at_many_sizes(kind, outside):
    batches = [n for n in BATCHES * 2 if n > 1 or kind == "text" and n]  # batch norm wants two
    want, _ = trained(kind, False, outside, batches)
    got, fn = trained(kind, True, outside, batches)
    same(got, want)
    assert len(fn.plans) <= len(set(batches)) + 2 and sum(p.replays for p in fn.plans) >= len(batches) - len(fn.plans) - 2


def test_the_number_of_sizes_is_bounded(rng):
    net = nn.Linear(3, 4)
    g = torch.compile(net)
    for n in range(SIZES + 3 * PAUSE):
        x = tensor(rng, n, 3)
        same(g(x).detach(), net(x).detach())
    assert len(g.plans) == SIZES


def test_the_sizes_used_last_are_kept(rng):
    @torch.compile
    def f(x):
        return x * 2 + 1

    def recorded(n):
        before = sum(p.replays for p in f.plans)
        x = tensor(rng, n)
        same(f(x), x * 2 + 1)
        return sum(p.replays for p in f.plans) > before

    for n in range(SIZES):
        recorded(n)
    assert all(recorded(n) for n in range(SIZES)) and len(f.plans) == SIZES
    misses = [recorded(1000) for _ in range(PAUSE)]  # the last of them is recorded
    assert not any(misses) and recorded(1000) and len(f.plans) == SIZES
    assert not recorded(0) and all(recorded(n) for n in range(1, SIZES))


def test_one_size_allows_as_many_plans_as_before(rng):
    g = torch.compile(lambda x, n: x * n)
    x, y = tensor(rng, 3), tensor(rng, 4)
    for n in range(PLANS):
        same(g(x, n), x * n)
        same(g(y, n), y * n)
    assert len(g.plans) == 2 * PLANS
    with pytest.warns(RuntimeWarning, match="8 plans were recorded"):
        g(x, PLANS)


def test_static_sizes(rng):
    g = torch.compile(lambda x: x * 2, dynamic=False)
    with pytest.warns(RuntimeWarning, match="8 plans were recorded"):
        for n in range(20):
            x = tensor(rng, n)
            same(g(x), x * 2)
    assert len(g.plans) == PLANS


def test_folded_weights_are_made_once_for_all_sizes(rng):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.BatchNorm2d(64)).eval()
    g = torch.compile(net)

    def check(n):
        x = tensor(rng, n, 2, 8, 8)
        with torch.inference_mode():
            got, want = g(x).numpy(), net(x).numpy()
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)  # 576 products of numbers near 1/25: far above their rounding
        return g.plans[0]

    for n in (1, 2, 3):
        check(n)
        plan = check(n)
        assert [c.name for c in plan.steps[:2]] == ["fold_batch_norm"] * 2
    folded = 4 * (64 * 2 * 9 + 64 + 64 * 64 * 9 + 64)
    assert folded <= g._compiled.memory.nbytes - max(p.arena_bytes for p in g.plans) <= folded + 1024
    for p in g.plans:
        p.set_watch(True)
    old = net[1].running_mean
    for change in range(6):
        with torch.no_grad():
            if change == 0:
                net[0].weight.mul_(-1.5)
            elif change == 1:
                net[1].running_mean = torch.full((64,), 0.25)
            elif change == 2:
                net[1].running_mean = old
            elif change == 3:
                net[4].running_var.fill_(0.3)
        made = [check(n).times[0] > 0 for n in (2, 1, 3)]
        assert made == [change < 4, False, False]  # the first plan to run makes them


def test_forwards_of_two_sizes_before_their_backward(rng):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 3))
    g = torch.compile(net)
    a, b = tensor(rng, 5, 4), tensor(rng, 2, 4)
    for k in range(4):
        for model in (net, g):
            net.zero_grad()
            (model(a).square().sum() + model(b).exp().sum()).backward()
            if model is net:
                want = [p.grad.clone() for p in net.parameters()]
        for p, w in zip(net.parameters(), want, strict=True):
            np.testing.assert_allclose(p.grad.numpy(), w.numpy(), rtol=1e-5, atol=1e-5)  # two gradients are added in another order
        if k > 1:
            assert {p.replays for p in g.plans} == {k}


def test_threads_with_sizes_of_their_own(rng):
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(40, 80), nn.GELU(), nn.Linear(80, 30)).eval()
    g = torch.compile(net)
    xs = [tensor(rng, n, 40) for n in (1, 7, 30, 64)]
    with torch.no_grad():
        want = [net(x) for x in xs]
    wrong = []

    def work(k):
        with torch.no_grad():
            for i in range(200):
                j = (k + i) % 4
                if not torch.equal(g(xs[j]), want[j]):
                    wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and len(g.plans) == 4


def test_a_resting_plan_holds_neither_results_nor_arguments(rng):
    g = torch.compile(lambda x: (x * 2).exp())
    held = {n: g(torch.ones(n)) for n in (1 << 16, 1 << 17)}  # recorded
    for n in held:
        held[n] = g(torch.ones(n))
    before = torch.memory_stats()["in_use"]
    for n in range(20):
        g(torch.ones((1 << 18) + n)), g(torch.ones((1 << 18) + n))
    assert torch.memory_stats()["in_use"] - before <= 3 * 4 * ((1 << 18) + 20)  # results and a block of the last plan
    for n, y in held.items():
        same(y, (torch.ones(n) * 2).exp())


def test_gradients_that_are_held_survive_other_sizes(rng):
    torch.manual_seed(4)
    net = nn.Linear(3, 2)

    @torch.compile
    def step(x):
        for p in net.parameters():
            p.grad = None
        net(x).square().sum().backward()

    step(tensor(rng, 4, 3)), step(tensor(rng, 4, 3))
    x = tensor(rng, 4, 3)
    step(x)
    kept = [(p.grad, p.grad.clone()) for p in net.parameters()]
    for n in (5, 5, 4, 5, 4, 4):
        step(tensor(rng, n, 3))
    for now, then in kept:
        same(now, then)
    step(x)
    same([p.grad for p in net.parameters()], [then for _, then in kept])
