"""Adagrad to Rprop against the reference; all optimisers against PyTorch: numbers, state layout, hooks, refusals."""

import copy
import math
import pickle

import numpy as np
import pytest
from harness import check_raises, numbers
from test_optim import gradients, run

import udlfast as torch
from udlfast import nn, optim
from udlfast.reference import optim as ref

DECAY = {"weight_decay": 0.1, "maximize": True}
OPTIONS = {
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.3, **DECAY}],
    "Adadelta": [{}, {"rho": 0.8, "lr": 0.5, **DECAY}],
    "RMSprop": [{}, {"centered": True}, {"momentum": 0.9}, {"momentum": 0.9, "centered": True, **DECAY}],
    "Adamax": [{}, {"betas": (0.8, 0.9), **DECAY}],
    "NAdam": [{}, {"momentum_decay": 0.01, "decoupled_weight_decay": True, "weight_decay": 0.1}, DECAY],
    "RAdam": [{}, {"betas": (0.9, 0.9), "weight_decay": 0.1}, {"decoupled_weight_decay": True, **DECAY}],
    "ASGD": [{}, {"t0": 5, "lambd": 0.1, **DECAY}],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (0.001, 0.02), "maximize": True}],
}
RULES = [(name, o) for name, options in OPTIONS.items() for o in options]
ALL = [*RULES, ("Adafactor", {}), ("Adafactor", {"lr": 0.1, "d": 1.5, **DECAY}), ("SGD", {"lr": 0.1, "momentum": 0.9}),
       ("SGD", {"lr": 0.1}), ("Adam", {"amsgrad": True}), ("AdamW", {})]  # fmt: skip
# the state before the first step, and whether the reference wants the step count
START = {
    "Adagrad": (lambda p, o: (0 * p + o.get("initial_accumulator_value", 0),), True),
    "Adadelta": (lambda p, o: (0 * p, 0 * p), False),
    "RMSprop": (lambda p, o: (0 * p, 0 * p, 0 * p), False),
    "Adamax": (lambda p, o: (0 * p, 0 * p), True),
    "NAdam": (lambda p, o: (0 * p, 0 * p, 1.0), True),
    "RAdam": (lambda p, o: (0 * p, 0 * p), True),
    "ASGD": (lambda p, o: (0 * p, o.get("lr", 1e-2), 1.0), True),
    "Rprop": (lambda p, o: (0 * p, 0 * p + o.get("lr", 1e-2)), False),
}


@pytest.fixture(autouse=True)
def default_type():
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def doubles():
    """float64 as the default type, in PyTorch too: then numbers of the state (mu_product, eta) are not rounded to float32."""
    peer = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    peer.set_default_dtype(peer.float64)
    yield peer
    torch.set_default_dtype(torch.float32)
    peer.set_default_dtype(peer.float32)


def reference_step(name, options):
    start, counts = START[name]
    function = getattr(ref, name.lower())
    settings = {k: v for k, v in options.items() if k != "initial_accumulator_value"}

    def step(p, g, state, t):
        state = start(p, options) if state is None else state
        p, *state = function(p, g, *state, t, **settings) if counts else function(p, g, *state, **settings)
        return p, state

    return step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, options", RULES, ids=str)
def test_rules(isa, rng, name, options, dtype):
    torch.set_default_dtype(getattr(torch, dtype))  # of the numbers in the state (mu_product, eta)
    run(lambda ps: getattr(optim, name)(ps, **options), reference_step(name, options), rng, dtype)


def train(lib, name, options, start, grads, optimizer=None):
    params = [lib.nn.Parameter(lib.tensor(x)) for x in start]
    optimizer = getattr(lib.optim, name)(params, **options)
    for step in grads:
        for p, g in zip(params, step, strict=True):
            p.grad = lib.tensor(g)
        optimizer.step()
    return params, optimizer


SHAPES = [(1,), (7,), (4, 5), (2, 3, 4), (1023,)]


@pytest.mark.parametrize("name, options", ALL, ids=str)
def test_twenty_steps_equal_those_of_torch(doubles, rng, name, options):
    start, grads = [rng.standard_normal(s) for s in SHAPES], gradients(rng, SHAPES)
    ours, optimizer = train(torch, name, options, start, grads)
    theirs, other = train(doubles, name, options, start, grads)
    for p, q in zip(ours, theirs, strict=True):
        assert np.abs(numbers(p) - q.detach().numpy()).max() < 1e-12
    mine, want = optimizer.state_dict(), other.state_dict()
    assert mine["state"].keys() == want["state"].keys()
    for k, values in want["state"].items():
        assert values.keys() == mine["state"][k].keys()
        for what, value in values.items():
            got = mine["state"][k][what]
            assert tuple(value.shape) == tuple(got.shape) and np.allclose(numbers(got), value.numpy(), rtol=1e-10, atol=1e-12)
    for g, h in zip(want["param_groups"], mine["param_groups"], strict=True):
        assert g == h


@pytest.mark.parametrize("name, options", ALL, ids=str)
def test_state_goes_to_torch_and_comes_back(doubles, rng, name, options):
    """Ten steps there, ten here, and the other way round: as twenty in one library."""
    start, grads = [rng.standard_normal(s) for s in SHAPES], gradients(rng, SHAPES)
    want = [p.detach().numpy() for p in train(doubles, name, options, start, grads)[0]]

    def carried(one, two, convert):
        params, optimizer = train(one, name, options, start, grads[:10])
        again, resumed = train(two, name, options, [p.detach().numpy() for p in params], [])
        resumed.load_state_dict(convert(optimizer.state_dict()))
        for step in grads[10:]:
            for p, g in zip(again, step, strict=True):
                p.grad = two.tensor(g)
            resumed.step()
        return [p.detach().numpy() for p in again]

    def to_torch(state):
        new = {k: {n: doubles.from_numpy(v.numpy().copy()) for n, v in values.items()} for k, values in state["state"].items()}
        return {"state": new, "param_groups": state["param_groups"]}

    for got in (carried(doubles, torch, lambda s: s), carried(torch, doubles, to_torch)):
        assert max(np.abs(a - b).max() for a, b in zip(got, want, strict=True)) < 1e-12


def valley(lib, p):
    return ((1 - p[:-1]) ** 2).sum() + 10 * ((p[1:] - p[:-1] ** 2) ** 2).sum()


@pytest.mark.parametrize("options", [{}, {"line_search_fn": "strong_wolfe"}, {"lr": 0.1, "history_size": 3},
                                     {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 5},
                                     {"line_search_fn": "strong_wolfe", "max_eval": 7}], ids=str)  # fmt: skip
def test_lbfgs_walks_as_torch(doubles, rng, options):
    start, tracks = rng.standard_normal(6), []
    for lib in (doubles, torch):
        p, q = lib.nn.Parameter(lib.tensor(start)), lib.nn.Parameter(lib.tensor([0.3, 0.2]))
        optimizer = lib.optim.LBFGS([p, q], **options)

        def closure(lib=lib, p=p, q=q, optimizer=optimizer):
            optimizer.zero_grad()
            loss = valley(lib, p) + (q**2).sum() * lib.exp(p[0])
            loss.backward()
            return loss

        track = [[optimizer.step(closure).item(), *p.tolist(), *q.tolist()] for _ in range(6)]
        state = optimizer.state_dict()["state"][0]
        tracks.append((np.array(track), state["func_evals"], state["n_iter"]))
        other = lib.optim.LBFGS([lib.nn.Parameter(p.detach()), lib.nn.Parameter(q.detach())], **options)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    apart = np.abs(tracks[0][0] - tracks[1][0])  # rounding grows from iteration to iteration: each divides by s . y
    assert apart[:2].max() < 1e-12 and apart.max() < 1e-6 and tracks[0][1:] == tracks[1][1:]
    check_raises(ValueError, ["groups"], optim.LBFGS, [{"params": [nn.Parameter(torch.ones(1))]} for _ in range(2)])


def test_muon_against_torch(rng):
    peer = pytest.importorskip("torch")
    for options in ({}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "lr": 0.1}):
        start, grads = [rng.standard_normal((64, 32))], [[rng.standard_normal((64, 32))] for _ in range(5)]
        (p,), _ = train(torch, "Muon", options, start, grads)
        (q,), _ = train(peer, "Muon", options, start, grads)
        moved = np.abs(q.detach().numpy() - start[0]).max()
        assert np.abs(p.detach().numpy() - q.detach().numpy()).max() < 0.05 * moved  # bfloat16 products: 2^-8, five times over
    check_raises(ValueError, ["2D"], optim.Muon, [nn.Parameter(torch.ones(3))])


def test_nan_and_infinity_go_where_torch_lets_them(rng):
    peer = pytest.importorskip("torch")
    start = [rng.standard_normal(9).astype(np.float32)]
    first = rng.standard_normal(9).astype(np.float32)
    bad = first.copy()
    bad[1], bad[4], bad[7] = math.nan, math.inf, -math.inf
    for name, options in RULES:
        (p,), _ = train(torch, name, options, start, [[first], [bad], [first]])
        (q,), _ = train(peer, name, options, start, [[first], [bad], [first]])
        assert np.array_equal(np.isfinite(p.detach().numpy()), np.isfinite(q.detach().numpy())), name


def test_bfloat16_and_strided_parameters(rng):
    for name in OPTIONS:
        p = nn.Parameter(torch.tensor(rng.standard_normal((4, 6))).float().T)
        q = nn.Parameter(p.detach().contiguous())
        low = nn.Parameter(torch.ones(5).bfloat16())
        optimizer = getattr(optim, name)([p, q, low], lr=10.0 if name == "Adadelta" else 0.1)
        for _ in range(3):
            g = torch.tensor(rng.standard_normal((6, 4))).float()
            p.grad, q.grad, low.grad = g, g.T.contiguous().T, torch.ones(5).bfloat16()
            optimizer.step()
        assert torch.equal(p.detach(), q.detach()) and low.dtype is torch.bfloat16 and low[0].item() < 1, name


def test_hooks():
    p = nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    seen = []
    for make in (lambda: optim.RMSprop([p]), lambda: Own([p], {}), lambda: optim.LBFGS([p])):
        optimizer = make()
        seen.clear()
        handles = [optimizer.register_step_pre_hook(lambda o, a, k: seen.append("before")),
                   optimizer.register_step_post_hook(lambda o, a, k: seen.append("after")),
                   optim.optimizer.register_optimizer_step_pre_hook(lambda o, a, k: seen.append("all before")),
                   optim.optimizer.register_optimizer_step_post_hook(lambda o, a, k: seen.append("all after"))]  # fmt: skip
        optimizer.step(lambda: torch.zeros(1))
        assert seen == ["all before", "before", "after", "all after"]
        for h in handles:
            h.remove()
        optimizer.step(lambda: torch.zeros(1))
        assert len(seen) == 4
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.register_step_pre_hook(lambda o, a, k: ((o, lambda: 7), {}))
    assert optimizer.step() == 7
    optimizer.register_step_post_hook(lambda o, a, k: seen.append((a[0] is o, len(a))))
    optimizer.step()
    assert seen[-1] == (True, 2)  # arguments start with the optimiser, as PyTorch's
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "more": 1})
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("dict"))
    saved = optimizer.state_dict()
    assert saved["more"] == 1 and seen[-1] == "dict"
    optimizer.register_load_state_dict_pre_hook(lambda o, d: {k: v for k, v in d.items() if k != "more"})
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    optimizer.load_state_dict(saved)
    assert seen[-1] == "loaded"


class Own(optim.Optimizer):
    """An optimiser as a script writes one: its own step(), state of its own."""

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["seen"] = self.state[p].get("seen", 0) + 1
        return loss


@pytest.mark.parametrize("name", ["SGD", *OPTIONS, "Adafactor"])
def test_pickle_and_deepcopy(name, rng):
    p = nn.Parameter(torch.ones(3, 3))
    options = {"lr": 0.1, "momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(optim, name)([p], **options)
    p.grad = torch.ones(3, 3)
    optimizer.step()
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        (q,) = twin.param_groups[0]["params"]
        assert q is not p and torch.equal(q.detach(), p.detach())
        q.grad = torch.ones(3, 3)
        twin.step()
        r = nn.Parameter(p.detach().clone())
        r.grad = torch.ones(3, 3)
        again = getattr(optim, name)([r], **options)
        again.load_state_dict(optimizer.state_dict())
        again.step()
        assert torch.equal(q.detach(), r.detach())


def test_refusals():
    p = [nn.Parameter(torch.ones(2))]
    for kind, options, part in [(optim.Adadelta, {"rho": 2}, "rho"), (optim.RMSprop, {"alpha": -1}, "alpha"),
                                (optim.Rprop, {"etas": (2, 3)}, "eta"), (optim.NAdam, {"betas": (0.9, 1.0)}, "index 1"),
                                (optim.Adagrad, {"lr": -1}, "lr"),
                                (optim.Adafactor, {"d": 0.5}, "threshold"), (optim.SparseAdam, {"eps": -1}, "eps")]:  # fmt: skip
        check_raises(ValueError, [part], kind, p, **options)
    check_raises(RuntimeError, ["differentiable"], optim.RMSprop, p, differentiable=True)
    check_raises(RuntimeError, ["fused", "foreach"], optim.Adam, p, fused=True, foreach=True)
    p[0].grad = torch.ones(2)
    check_raises(RuntimeError, ["SparseAdam", "Adam"], optim.SparseAdam(p).step)
