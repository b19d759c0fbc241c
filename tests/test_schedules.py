"""All learning-rate schedules and the averages of weights against PyTorch, step by step and across a save."""

import random
import warnings

import numpy as np
import pytest

import udlfast as torch
from udlfast import optim

STEPS, SAVED_AT = 50, 23


class Decay:
    """A callable object: its attributes are part of LambdaLR's state."""

    def __init__(self):
        self.factor = 0.95

    def __call__(self, epoch):
        return self.factor**epoch


MAKE = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda t: 0.9**t, Decay()]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.9 + 0.001 * t),
    "StepLR": lambda s, o: s.StepLR(o, 7, 0.3),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 3, 10, 20], 0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.3, 6),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.1, 0.9, 12),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 20, 1.7),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 13, 0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.01),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, [1.0, 2.0], total_steps=55),
    "OneCycleLR in three": lambda s, o: s.OneCycleLR(o, 1.0, epochs=5, steps_per_epoch=11, three_phase=True,
                                                     anneal_strategy="linear", pct_start=0.4),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 1.0, 4),
    "CyclicLR halved": lambda s, o: s.CyclicLR(o, [0.01, 0.02], 1.0, 4, 7, "triangular2"),
    "CyclicLR shrinking": lambda s, o: s.CyclicLR(o, 0.01, 1.0, 4, 7, "exp_range", gamma=0.97),
    "CyclicLR own": lambda s, o: s.CyclicLR(o, 0.01, 1.0, 4, 7, scale_fn=lambda x: 1 / x),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5), s.CosineAnnealingLR(o, 20),
                                                    s.ExponentialLR(o, 0.9)], [5, 25]),
    "SequentialLR restarts": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5), s.CosineAnnealingWarmRestarts(o, 4, 2)], [5]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 20), s.ExponentialLR(o, 0.9)], o),
}  # fmt: skip


def optimizer_of(lib, kind):
    params = [lib.nn.Parameter(lib.zeros(1)) for _ in range(2)]
    more = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(lib.optim, kind)([{"params": [params[0]], "lr": 0.5}, {"params": [params[1]], "lr": 0.2}], lr=0.1, **more)


def track(lib, kind, make, schedules):
    """Rates, momenta and get_last_lr of fifty steps; in the middle both states move to a new pair."""
    optimizer = optimizer_of(lib, kind)
    schedule, rows = make(schedules, optimizer), []
    for step in range(STEPS):
        groups = optimizer.param_groups
        rows.append([g["lr"] for g in groups] + [g["momentum"] if kind == "SGD" else g["betas"][0] for g in groups]
                    + list(schedule.get_last_lr()))  # fmt: skip
        optimizer.step()
        schedule.step()
        if step == SAVED_AT:
            saved, state = schedule.state_dict(), optimizer.state_dict()
            optimizer = optimizer_of(lib, kind)
            schedule = make(schedules, optimizer)
            schedule.load_state_dict(saved)
            optimizer.load_state_dict(state)
    return np.array(rows), {k for k in saved if not k.startswith("_")}


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", MAKE)
def test_schedule_equals_torch(name, kind):
    peer = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, keys = track(peer, kind, MAKE[name], peer.optim.lr_scheduler)
    got, mine = track(torch, kind, MAKE[name], optim.lr_scheduler)
    assert np.abs(got - want).max() < 1e-14 and keys == mine


RESUMED = {
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 7, last_epoch=5),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.5, last_epoch=5),
    "linear": lambda s, o: s.LinearLR(o, 0.1, last_epoch=2),
    "polynomial": lambda s, o: s.PolynomialLR(o, 10, last_epoch=2),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.5, last_epoch=5),
}


@pytest.mark.parametrize("name", RESUMED)
def test_resuming_leaves_the_rate_as_it_is(name):
    """A schedule made with last_epoch goes on from the optimiser's rate: its constructor does not change it."""
    optimizer = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.25)
    optimizer.param_groups[0]["initial_lr"] = 1.0
    schedule = RESUMED[name](optim.lr_scheduler, optimizer)
    assert schedule.get_last_lr() == [0.25]
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() != [0.25]


def test_rates_that_are_tensors_stay_the_same_tensors():
    rate = torch.tensor(1.0)
    optimizer = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    before = schedule.get_last_lr()
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate and rate.item() == 0.5
    assert before[0].item() == 1.0 and schedule.base_lrs[0].item() == 1.0  # copies


def test_groups_added_later():
    optimizer = optimizer_of(torch, "SGD")
    plateau, fixed = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0), optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.0)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 1.0})
    plateau.step(1.0)
    plateau.step(2.0)
    assert np.allclose([group["lr"] for group in optimizer.param_groups], [0.05, 0.02, 0.1])
    optimizer.step()
    with pytest.raises(ValueError):
        fixed.step()  # it has no function for the new group


def test_a_first_milestone_of_zero_starts_with_the_second_part():
    optimizer = optimizer_of(torch, "SGD")
    s = optim.lr_scheduler
    schedule = s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.1), s.ExponentialLR(optimizer, 0.5)], [0])
    assert schedule.get_last_lr() == [0.5, 0.2]


def test_a_step_before_the_optimizer_warns():
    optimizer = optimizer_of(torch, "Adam")
    schedule = optim.lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    optimizer = optimizer_of(torch, "Adam")
    schedule = optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()
    assert schedule.get_last_lr() == [0.5, 0.2]


@pytest.mark.parametrize("options", [{"anneal_epochs": 8}, {"anneal_epochs": 0, "anneal_strategy": "linear"}], ids=str)
def test_swalr_equals_torch(options):
    peer = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, _ = track(peer, "SGD", lambda s, o: s.SWALR(o, [0.05, 0.01], **options), peer.optim.swa_utils)
    got, _ = track(torch, "SGD", lambda s, o: s.SWALR(o, [0.05, 0.01], **options), optim.swa_utils)
    assert np.abs(got - want).max() < 1e-14


@pytest.mark.parametrize("options", [{}, {"patience": 0, "factor": 0.5},
                                     {"mode": "max", "patience": 2, "cooldown": 3, "threshold_mode": "abs", "threshold": 0.05,
                                      "min_lr": [0.001, 0.02]}], ids=str)  # fmt: skip
def test_plateau_equals_torch(options):
    peer = pytest.importorskip("torch")
    tracks = []
    for lib in (peer, torch):
        draw = random.Random(0)
        optimizer = optimizer_of(lib, "SGD")
        schedule, rows = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options), []
        for _ in range(STEPS):
            schedule.step(lib.tensor(draw.random()))
            rows.append([g["lr"] for g in optimizer.param_groups] + list(schedule.get_last_lr()))
        tracks.append(np.array(rows))
    assert np.array_equal(*tracks)


def network(lib, rng):
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4), lib.nn.Linear(4, 2))
    with lib.no_grad():
        for p in net.parameters():
            p.copy_(lib.tensor(rng.standard_normal(tuple(p.shape)), dtype=lib.float32))
    return net


@pytest.mark.parametrize("buffers", [False, True])
@pytest.mark.parametrize("average", ["mean", "get_ema_multi_avg_fn", "get_ema_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn"])
def test_averaged_model_equals_torch(average, buffers):
    peer = pytest.importorskip("torch")
    if buffers and average == "get_swa_multi_avg_fn":
        pytest.skip("PyTorch's refuses whole numbers (num_batches_tracked)")
    found = []
    for lib in (peer, torch):
        rng = np.random.default_rng(0)
        net, swa = network(lib, rng), lib.optim.swa_utils
        options = {} if average == "mean" else {
            "multi_avg_fn" if "multi" in average else "avg_fn": getattr(swa, average)(*([0.9] if "ema" in average else []))}
        averaged = swa.AveragedModel(net, use_buffers=buffers, **options)
        for _ in range(4):
            net(lib.tensor(rng.standard_normal((8, 3)), dtype=lib.float32))
            with lib.no_grad():
                for p in net.parameters():
                    p.add_(lib.tensor(rng.standard_normal(tuple(p.shape)), dtype=lib.float32))
            averaged.update_parameters(net)
        data = [(lib.tensor(rng.standard_normal((8, 3)), dtype=lib.float32), 0) for _ in range(3)]
        values = [(k, v.numpy().copy()) for k, v in averaged.state_dict().items()]
        swa.update_bn(data, averaged)
        found.append(values + [(k, v.numpy()) for k, v in averaged.state_dict().items()])
        assert averaged.training and averaged(data[0][0]).shape == (8, 2)
    for (k, a), (j, b) in zip(*found, strict=True):
        assert k == j and np.allclose(a, b, rtol=1e-5, atol=1e-5), k


def test_bad_arguments():
    optimizer = optimizer_of(torch, "SGD")
    for make in (lambda: optim.lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, mode="square"),
                 lambda: optim.swa_utils.SWALR(optimizer, 0.1, anneal_strategy="square"),
                 lambda: optim.lr_scheduler.SequentialLR(optimizer, [optim.lr_scheduler.ReduceLROnPlateau(optimizer)], []),
                 lambda: optim.swa_utils.get_ema_avg_fn(1.5)):  # fmt: skip
        with pytest.raises(ValueError):
            make()
