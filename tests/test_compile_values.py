"""compile: numbers that steer Python. A plan expects them as they were; where one is another, another plan or eager code goes on."""

import numpy as np
import pytest
from plans import same, state_of, tensor

import udlfast as torch
from udlfast.compiler import PLANS
from udlfast.errors import ArgumentError

nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # running without a plan is a failure unless a test expects the warning


def replays(g):
    return sum(p.replays for p in g.plans)


def branch(x):
    y = x * 2
    return y.exp() if y.sum() > 0 else y - 1


def count(x):
    n = int((x > 0).sum())
    return x[:n] * n if n else x


def loop(x):
    turns = 0
    while (x.abs() < 4).all():
        x, turns = x * 2, turns + 1
    return x, turns


def nested(x):
    if (x > 0).any():
        return x + 1 if x[0] else x.cumsum(0)
    return -x


@pytest.mark.parametrize("f", [branch, count, loop, nested])
def test_each_way_has_its_plan(f, rng):
    g = torch.compile(f)
    signs = [torch.tensor(s) for s in ([1.0, 1, 1], [-1.0, -1, -1], [0.0, 2, 3], [1.0, -1, 0.5])]
    for i in range(40):
        x = signs[i % 4] * (1 + 0.01 * i)
        same(g(x), f(x))
    assert 2 <= len(g.plans) <= 4 and replays(g) == 40 - len(g.plans)
    assert any(c.name == "expect" for p in g.plans for c in p.steps)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"])
def test_the_truth_of_every_type(dtype):
    @torch.compile
    def f(x, y):
        return y + 1 if x else y - 1

    y = torch.ones(2)
    numbers = [0, 1, 2, 0, 7, 100] + ([-0.0, 0.5, float("nan"), float("inf"), -3, 1e-7] if "float" in dtype else [])
    for v in numbers * 2:
        x = torch.tensor(v).to(getattr(torch, dtype))
        same(f(x, y), y + 1 if x else y - 1)
    assert len(f.plans) == 2


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
def test_whole_numbers_of_every_type(dtype):
    @torch.compile
    def f(x, y):
        return y * x.item()

    y = torch.arange(3)
    for v in [0, 1, 1, 5, 120, 1, 5]:
        x = torch.tensor(v).to(getattr(torch, dtype))
        same(f(x, y), y * x.item())
    assert len(f.plans) == (2 if dtype == "bool" else 4)


def test_random_numbers_drawn_before_are_not_lost():
    @torch.compile
    def f(x):
        y = F.dropout(x, 0.5)
        return y * torch.rand(3) if (x > 0).all() else y - torch.randn(3)

    for model in (f.fn, f):
        torch.manual_seed(9)
        got = [model(torch.full((3,), v)) for v in (1.0, -1.0, 1.0, 2.0, -2.0, -1.0, 3.0)]
        if model is f.fn:
            want, state = got, torch.default_generator.get_state()
    same(got, want)
    same(torch.default_generator.get_state(), state)
    assert len(f.plans) == 2 and replays(f) == 5


def test_steps_with_gradients_that_are_not_finite_are_skipped(rng):
    data = [tensor(rng, 4, 3) for _ in range(12)]
    data[3][0, 0], data[7][1, 1], data[8][2, 2] = float("inf"), float("nan"), float("-inf")

    def train(compile_):
        torch.manual_seed(3)
        net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
        opt = torch.optim.Adam(net.parameters(), lr=0.1)

        @compile_
        def step(x):
            opt.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            if not torch.stack([p.grad.isfinite().all() for p in net.parameters()]).all():
                return None
            opt.step()
            return loss

        out = [step(x) for x in data]
        return [v if v is None else v.detach().clone() for v in out], state_of(net, opt), step

    (want, state, _), (got, now, step) = train(lambda f: f), train(torch.compile)
    assert [v is None for v in want] == [i in (3, 7, 8) for i in range(12)]
    same((got, now), (want, state))
    assert replays(step) >= 7


def test_fully_masked_rows_of_attention(rng):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    g = torch.compile(layer)
    x = tensor(rng, 3, 4, 8)
    for masked in (1, 2, 4, 1, 4, 2, 0, 4):
        mask = torch.zeros(3, 4).bool()
        mask[0, 4 - masked :] = True
        with torch.no_grad():
            same(g(x, src_key_padding_mask=mask), layer(x, src_key_padding_mask=mask))
    assert replays(g) >= 4


def test_nothing_outside_may_be_changed_before(rng):
    total = torch.zeros(3)

    def f(x):
        total.add_(x)
        return x * 2 if (x > 0).all() else x  # this one

    g, line = torch.compile(f), f.__code__.co_firstlineno + 2
    with pytest.warns(RuntimeWarning, match=rf"after tensors from outside were changed at .*test_compile_values\.py:{line}") as caught:
        for _ in range(5):
            same(g(torch.ones(3)), torch.full((3,), 2.0))
    assert len(caught) == 1 and not g.plans and torch.equal(total, torch.full((3,), 5.0))


def test_too_many_values_are_given_up(rng):
    def f(x):
        return x * int(x.sum())  # this one

    g, line = torch.compile(f), f.__code__.co_firstlineno + 1
    with pytest.warns(RuntimeWarning, match=rf"{PLANS} plans.*item\(\) reads at .*test_compile_values\.py:{line}") as caught:
        for n in range(3 * PLANS):
            x = torch.full((2,), n)
            same(g(x), f(x))
    assert len(caught) == 1 and not g.plans and g.eager


def test_a_value_in_the_backward_pass_is_refused(rng):
    x = tensor(rng, 3).requires_grad_()
    x.register_hook(lambda g: g * 2 if g.sum() > 0 else g)
    g = torch.compile(lambda y: (x * y).sum())
    with pytest.warns(RuntimeWarning, match="hook|backward"):
        for v in (1.0, -1.0, 1.0):
            x.grad = None
            g(torch.full((3,), v)).backward()
            same(x.grad, torch.full((3,), v * (2 if v > 0 else 1)))


def test_such_a_plan_is_not_saved(tmp_path):
    g = torch.compile(branch)
    with torch.inference_mode():
        g(torch.ones(3))
    with pytest.raises(ArgumentError, match=r"depends on the number that bool\(\) reads at .*test_compile_values"):
        g.plans[0].save(tmp_path / "x.udl")


def test_results_that_are_held_survive_another_way(rng):
    g, held = torch.compile(branch), []
    for i in range(12):
        x = torch.full((5,), float((-1) ** (i // 2) * (i + 1)))
        y = g(x)
        held.append((y, branch(x)))
    for y, want in held:
        same(y, want)
    assert len(g.plans) == 2 and np.isfinite(replays(g))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_relu_in_a_chain_keeps_every_bit(isa, dtype):
    """Sums and products of bf16 numbers that vanish, tie or overflow when they are rounded, zeros of both signs, NaN and infinities."""

    def f(a, b):
        return torch.relu(a + b), torch.relu(a * b), torch.relu(torch.relu(a - b) * a), -torch.relu(-(a * b)), torch.relu(-a) + b

    edges = [0.0, -0.0, 1.0, -1.0, 2.0**-133, -(2.0**-133), 2.0**-126, 3e38, -3e38, float("inf"), -float("inf"), float("nan")]
    edges += [s * 2.0**e * m for s in (1, -1) for e in (-132, -130, -70, -67, -66, -1, 7, 64) for m in (1, 1.0078125, 1.5, 1.9921875)]
    values = torch.tensor(edges).to(getattr(torch, dtype))
    a, b = (v.reshape(-1).contiguous() for v in torch.meshgrid(values, values, indexing="ij"))
    g = torch.compile(f)
    with torch.no_grad():
        want = f(a, b)
        for _ in range(3):
            got = g(a, b)
        names = [r.name for r in g.explain(a, b).rows]
    assert "chain" in names
    for w, v in zip(want, got, strict=True):
        w, v = (np.array(t.float().numpy()).view(np.uint32) for t in (w, v))
        nan = (w & 0x7FFFFFFF) > 0x7F800000
        assert ((w == v) | (nan & ((v & 0x7FFFFFFF) > 0x7F800000))).all()
