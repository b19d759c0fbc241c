"""Optimisers against the reference over twenty steps; schedules against their closed forms."""

import math

import numpy as np
import pytest
from harness import check_close, check_raises, numbers

import udlfast as torch
from udlfast import nn, optim
from udlfast.optim import lr_scheduler as schedule
from udlfast.reference import optim as ref

STEPS = 20
SHAPES = [(1,), (3,), (4,), (7,), (8,), (9,), (17,), (33, 5), (2, 3, 4), (1023,), (70_001,)]
SGD = [
    {"lr": 0.1},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
]
ADAM = [
    {},
    {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
    {"lr": 0.01, "weight_decay": 0.1},
    {"lr": 0.01, "amsgrad": True},
    {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True, "maximize": True},
]


def gradients(rng, shapes):
    """Different at each step and of different sizes, so that moments and maxima matter."""
    return [[rng.standard_normal(s) * (1 + 3 * math.cos(t)) for s in shapes] for t in range(STEPS)]


def run(make, step, rng, dtype, shapes=SHAPES):
    """The optimiser and the reference side by side; only the float32 rounding of a step's result may differ."""
    start = [rng.standard_normal(s) for s in shapes]
    kind = getattr(torch, dtype)
    params = [nn.Parameter(torch.tensor(p, dtype=kind)) for p in start]
    wanted = [numbers(p) for p in params]
    states = [None] * len(shapes)
    optimizer = make(params)
    for t, grads in enumerate(gradients(rng, shapes), 1):
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            p.grad = torch.tensor(g, dtype=kind)
            wanted[i], states[i] = step(wanted[i], numbers(p.grad), states[i], t)
        optimizer.step()
    for p, want in zip(params, wanted, strict=True):
        check_close(p, want, f"after {STEPS} steps", k=8, n=STEPS, scale=1)
    return optimizer, params


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", SGD, ids=str)
def test_sgd(isa, rng, options, dtype):
    run(lambda ps: optim.SGD(ps, **options), lambda p, g, buf, t: ref.sgd(p, g, buf, **options), rng, dtype)


def adam_step(function, options):
    def step(p, g, state, t):
        m, v, vmax = state or (0 * p, 0 * p, 0 * p)
        p, m, v, vmax = function(p, g, m, v, t, vmax=vmax, **options)
        return p, (m, v, vmax)

    return step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", ADAM, ids=str)
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_adam(isa, rng, name, options, dtype):
    function = {"Adam": ref.adam, "AdamW": ref.adamw}[name]
    run(lambda ps: getattr(optim, name)(ps, **options), adam_step(function, options), rng, dtype)


def test_reference_against_torch(rng):
    peer = pytest.importorskip("torch")
    start, grads = rng.standard_normal(7), gradients(rng, [(7,)])
    kinds = [(peer.optim.SGD, o, lambda p, g, s, t, o=o: ref.sgd(p, g, s, **o)) for o in SGD]
    kinds += [(peer.optim.Adam, o, adam_step(ref.adam, o)) for o in ADAM]
    kinds += [(peer.optim.AdamW, o, adam_step(ref.adamw, o)) for o in ADAM]
    for kind, options, step in kinds:
        p = peer.nn.Parameter(peer.tensor(start))
        optimizer, want, state = kind([p], **options), start, None
        for t, (g,) in enumerate(grads, 1):
            p.grad = peer.tensor(g)
            optimizer.step()
            want, state = step(want, g, state, t)
        assert np.allclose(p.detach().numpy(), want, rtol=1e-12, atol=1e-12), (kind, options)


def test_parameters_without_gradient_are_left_alone():
    for kind in (optim.SGD, optim.Adam, optim.AdamW):
        a, b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        a.grad = torch.ones(3)
        kind([a, b], lr=0.1).step()
        assert b.tolist() == [1.0] * 3 and a.tolist() != [1.0] * 3


def test_groups_have_their_own_settings():
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1)
    a.grad, b.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert abs(a.item() + 0.1) < 1e-7 and b.item() == -0.5
    c = nn.Parameter(torch.zeros(1))
    optimizer.add_param_group({"params": [c], "lr": 2.0})
    c.grad = torch.ones(1)
    optimizer.step()
    assert c.item() == -2.0 and [g["lr"] for g in optimizer.param_groups] == [0.1, 0.5, 2.0]
    check_raises(ValueError, ["more than one"], optimizer.add_param_group, {"params": [a]})


@pytest.mark.parametrize("name, options", [("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {}), ("AdamW", {"amsgrad": True})])
def test_state_dict_continues_the_run(rng, name, options):
    """Ten steps, saved and loaded into a new optimiser, ten more: as twenty in one go."""
    grads = [torch.tensor(rng.standard_normal(9), dtype=torch.float32) for _ in range(20)]

    def walk(p, optimizer, gs):
        for g in gs:
            p.grad = g.clone()
            optimizer.step()

    p, q = (nn.Parameter(torch.ones(9)) for _ in range(2))
    first = getattr(optim, name)([p], **options)
    walk(p, first, grads)
    half = getattr(optim, name)([q], **options)
    walk(q, half, grads[:10])
    r = nn.Parameter(q.detach().clone())
    second = getattr(optim, name)([r], **options)
    second.load_state_dict(half.state_dict())
    walk(r, second, grads[10:])
    assert torch.equal(p.detach(), r.detach())


def test_zero_grad_and_closure():
    p = nn.Parameter(torch.tensor([2.0]))
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0 and abs(p.item() - 1.6) < 1e-6
    optimizer.zero_grad()
    assert p.grad is None
    p.grad = torch.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.item() == 0.0


def test_step_counts_as_a_change():
    """A weight that backward still needs and a step has changed must be noticed."""
    p = nn.Parameter(torch.ones(3))
    y = (p * p).sum()
    p.grad = torch.ones(3)
    optim.SGD([p], lr=0.1).step()
    check_raises(RuntimeError, ["modified"], y.backward)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_minimises_a_bowl(name):
    p = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = getattr(optim, name)([p], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        ((p - torch.tensor([1.0, 2.0])) ** 2).sum().backward()
        optimizer.step()
    assert np.abs(numbers(p) - [1, 2]).max() < 0.05


def test_bad_settings():
    p = [nn.Parameter(torch.ones(1))]
    for kind, options, part in [(optim.SGD, {"lr": -1}, "-1"), (optim.SGD, {"lr": 1, "momentum": -0.5}, "momentum"),
                                (optim.SGD, {"lr": 1, "nesterov": True}, "nesterov"), (optim.Adam, {"betas": (1.0, 0.9)}, "beta"),
                                (optim.Adam, {"eps": -1}, "eps"), (optim.AdamW, {"weight_decay": -1}, "weight_decay")]:  # fmt: skip
        check_raises(ValueError, [part], kind, p, **options)
    check_raises(ValueError, ["empty"], optim.SGD, [], lr=0.1)
    check_raises(TypeError, ["params"], optim.SGD, torch.ones(2), lr=0.1)
    check_raises(ValueError, ["leaf"], optim.SGD, [p[0] * 2], lr=0.1)


def rates(make, steps=12, lr=0.5):
    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=lr)
    s = make(optimizer)
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        s.step()
    return out


SCHEDULES = [
    ("StepLR", lambda o: schedule.StepLR(o, 3, gamma=0.1), lambda t: 0.5 * 0.1 ** (t // 3)),
    ("MultiStepLR", lambda o: schedule.MultiStepLR(o, [2, 5], gamma=0.5), lambda t: 0.5 * 0.5 ** ((t >= 2) + (t >= 5))),
    ("ExponentialLR", lambda o: schedule.ExponentialLR(o, 0.9), lambda t: 0.5 * 0.9**t),
    ("CosineAnnealingLR", lambda o: schedule.CosineAnnealingLR(o, 10, eta_min=0.1),
     lambda t: 0.1 + 0.2 * (1 + math.cos(math.pi * t / 10))),
    ("CosineAnnealingWarmRestarts", lambda o: schedule.CosineAnnealingWarmRestarts(o, 4),
     lambda t: 0.25 * (1 + math.cos(math.pi * (t % 4) / 4))),
    ("LinearLR", lambda o: schedule.LinearLR(o, 0.2, 1.0, total_iters=4), lambda t: 0.5 * (0.2 + 0.8 * min(t, 4) / 4)),
    ("ConstantLR", lambda o: schedule.ConstantLR(o, 0.5, total_iters=3), lambda t: 0.25 if t < 3 else 0.5),
    ("PolynomialLR", lambda o: schedule.PolynomialLR(o, 8, power=2.0), lambda t: 0.5 * (1 - min(t, 8) / 8) ** 2),
    ("LambdaLR", lambda o: schedule.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 0.5 / (1 + t)),
    ("MultiplicativeLR", lambda o: schedule.MultiplicativeLR(o, lambda t: 0.8), lambda t: 0.5 * 0.8**t),
    ("SequentialLR", lambda o: schedule.SequentialLR(
        o, [schedule.LinearLR(o, 0.1, 1.0, total_iters=4), schedule.ExponentialLR(o, 0.9)], milestones=[4]),
     lambda t: 0.5 * (0.1 + 0.9 * t / 4) if t < 4 else 0.5 * 0.9 ** (t - 4)),
    ("ChainedScheduler", lambda o: schedule.ChainedScheduler([schedule.ConstantLR(o, 0.5, total_iters=3),
                                                              schedule.ExponentialLR(o, 0.9)]),
     lambda t: (0.25 if t < 3 else 0.5) * 0.9**t),
]  # fmt: skip


@pytest.mark.parametrize("name, make, closed", SCHEDULES, ids=[s[0] for s in SCHEDULES])
def test_schedule(name, make, closed):
    steps = 10 if name == "CosineAnnealingLR" else 12
    assert np.allclose(rates(make, steps), [closed(t) for t in range(steps)], rtol=1e-9)


def test_one_cycle():
    got = rates(lambda o: schedule.OneCycleLR(o, max_lr=1.0, total_steps=12, pct_start=0.25, div_factor=10,
                                              final_div_factor=100), 11)  # fmt: skip
    up, down = 0.25 * 12 - 1, 12 - 1

    def cosine(a, b, share):
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))

    want = [cosine(0.1, 1.0, t / up) if t <= up else cosine(1.0, 0.001, (t - up) / (down - up)) for t in range(11)]
    assert np.allclose(got, want, rtol=1e-9)


def test_reduce_on_plateau():
    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    s = schedule.ReduceLROnPlateau(optimizer, factor=0.1, patience=2, cooldown=1)
    seen = []
    for loss in [5, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3]:
        s.step(loss)
        seen.append(optimizer.param_groups[0]["lr"])
    assert np.allclose(seen, [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01])


def test_schedule_state_continues():
    a = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.5)
    s = schedule.CosineAnnealingLR(a, 10)
    for _ in range(4):
        a.step(), s.step()
    b = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.5)
    t = schedule.CosineAnnealingLR(b, 10)
    t.load_state_dict(s.state_dict())
    b.load_state_dict(a.state_dict())
    for _ in range(4):
        a.step(), s.step(), b.step(), t.step()
    assert a.param_groups[0]["lr"] == b.param_groups[0]["lr"] and s.get_last_lr() == t.get_last_lr()


def test_names_go_with_all_parameters_or_none():
    a, b = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    for bad in ([a, ("b", b)], [("a", a), b], [{"params": [("a", a)]}, {"params": [b]}]):
        with pytest.raises(ValueError, match="with/without names"):
            optim.SGD(bad, lr=0.1)
    optimizer = optim.SGD([("a", a)], lr=0.1)
    optimizer.add_param_group({"params": [("b", b)]})
    assert [group["param_names"] for group in optimizer.param_groups] == [["a"], ["b"]]


def test_zero_grad_keeps_the_gradient_object():
    x = nn.Parameter(torch.ones(3))
    (x * x).sum().backward(create_graph=True)
    grad = x.grad
    optim.SGD([x], lr=0.1).zero_grad(set_to_none=False)
    assert x.grad is grad and not grad.requires_grad and grad.tolist() == [0, 0, 0]


def test_clipping_an_empty_generator_warns():
    with pytest.warns(UserWarning, match="empty generator"):
        assert nn.utils.clip_grad_norm_((p for p in ()), 1.0) == 0
