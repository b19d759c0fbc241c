"""compile: what cannot be recorded runs without a plan, with one warning."""

import numpy as np
import pytest
from plans import same, state_of, tensor

import udlfast as torch

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # running without a plan is a failure unless a test expects the warning


# ---- what cannot be recorded ---------------------------------------------------------------------------------------------------------
def check_eager_with_warning(f, match, *args):
    g = torch.compile(f)
    with pytest.warns(RuntimeWarning, match=match) as caught:
        for _ in range(10):
            same(g(*args), f(*args))
    assert len(caught) == 1 and not g.plans and g.eager


@pytest.mark.parametrize("f", [
    lambda x: x * x.sum().item(), lambda x: x * float(x[0]), lambda x: x * x.numpy(),
    lambda x: x[x > 0], lambda x: torch.nonzero(x), lambda x: x.unique(), lambda x: x.tolist(), lambda x: torch.tensor(x.tolist()),
], ids=range(8))  # fmt: skip
def test_numbers_read_by_python(f, rng):
    check_eager_with_warning(f, r"test_compile_limits\.py:\d+", tensor(rng, 6))


def test_the_warning_names_the_line(rng):
    def f(x):
        y = x * 2
        return y * y.sum().item()  # this one

    line = f.__code__.co_firstlineno + 2
    check_eager_with_warning(f, rf"item\(\).*test_compile_limits\.py:{line}", tensor(rng, 3))


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


def test_other_memory_for_a_tensor_is_noticed(rng):
    def train(compile_):
        w = torch.ones(3).requires_grad_()

        def step(x):
            w.grad = None
            (w * x).square().sum().backward()
            w.data = w.data - 0.1 * w.grad

        fn = compile_(step)
        for i in range(6):
            fn(torch.full((3,), 0.3 + i))
        return w.detach()

    with pytest.warns(RuntimeWarning, match="changes w"):
        got = train(torch.compile)
    same(got, train(lambda f: f))


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
