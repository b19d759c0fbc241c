"""The training loop: what it reports, when it stops, which weights it leaves, and its files."""

import io
import json
import math

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn, train
from udlfast.train import progress


def problem(n=64, seed=0):
    """Two clouds in a plane."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, 2)) + 3 * y[:, None]
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)


def batches(n=64, size=16, seed=0):
    x, y = problem(n, seed)
    return [(x[i : i + size], y[i : i + size]) for i in range(0, n, size)]


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))


def weights(net):
    return [p.detach().numpy().copy() for p in net.parameters()]


def run(net=None, epochs=5, lr=0.05, **options):
    net = net or network()
    options.setdefault("valid", batches(32, seed=1))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    return net, train.fit(net, batches(), epochs=epochs, optimizer=optimizer, **options)


def test_learns_and_reports():
    net, history = run(epochs=20)
    assert len(history) == 20 and history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert history.valid_accuracy[-1] > 0.9 and all(0 <= a <= 1 for a in history.train_accuracy)
    assert all(s > 0 for s in history.seconds) and history.lr == [0.05] * 20
    assert json.loads(json.dumps(history.as_dict()))["best_epoch"] == history.best_epoch


def test_evaluate_by_hand():
    net, (x, y) = network(), problem(50)
    net.train()
    parts = [(x[:32], y[:32]), (x[32:], y[32:])]
    loss, accuracy = (train.evaluate(net, parts)[name] for name in ("loss", "accuracy"))
    assert net.training
    z = net(x).detach().numpy().astype(float)
    rows = np.log(np.exp(z).sum(1)) - z[np.arange(50), y.numpy()]
    assert math.isclose(loss, rows.mean(), rel_tol=1e-5) and accuracy == (z.argmax(1) == y.numpy()).mean()
    with pytest.raises(ValueError, match="no samples"):
        train.evaluate(net, [])


def test_two_runs_with_one_seed_give_the_same_bits():
    first, second = (weights(run(network(), seed=3)[0]) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


class Scripted(nn.Module):
    """Its loss is its only weight, which the optimiser below sets from a list."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.w * torch.ones(len(x), 2)


class Script:
    def __init__(self, net, values):
        self.net, self.values, self.param_groups = net, list(values), [{"lr": 1.0}]

    def zero_grad(self):
        pass

    def step(self):
        with torch.no_grad():
            self.net.w.fill_(self.values.pop(0))


def scripted(values, patience, epochs=None):
    net = Scripted()
    x, y = torch.zeros(4, 1), torch.zeros(4).long()
    history = train.fit(net, [(x, y)], [(x, y)], epochs=epochs or len(values), optimizer=Script(net, values),
                        loss=lambda output, y: output.mean(), patience=patience)  # fmt: skip
    return net, history


def test_early_stopping_restores_the_best_weights():
    net, history = scripted([5, 3, 4, 3, 6, 1], patience=3)
    assert history.best_epoch == 1 and len(history) == 5 and history.stopped_early
    assert history.valid_loss == [5, 3, 4, 3, 6] and net.w.item() == 3
    net, history = scripted([5, 3, 4, 2, 6, 1], patience=3)
    assert len(history) == 6 and not history.stopped_early and net.w.item() == 1
    net, history = scripted([2, 3], patience=None)
    assert net.w.item() == 2 and history.best_epoch == 0


def test_without_validation_the_last_weights_stay():
    net, history = run(valid=None)
    assert history.best_epoch == 4 and history.valid_loss == [None] * 5
    with pytest.raises(ValueError, match="validation part"):
        run(valid=None, patience=2)


def test_a_loss_that_is_not_finite_leaves_the_weights_alone():
    net, (x, y) = network(), problem(8)
    before = weights(net)
    x = x.clone()
    x[3, 1] = float("nan")
    with pytest.raises(FloatingPointError, match="epoch 1"):
        train.fit(net, [(x, y)], epochs=1, optimizer=torch.optim.SGD(net.parameters(), lr=0.1))
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(net), strict=True))


def test_clipping_bounds_the_step():
    net = network()
    before = weights(net)
    train.fit(net, batches(16), epochs=1, optimizer=torch.optim.SGD(net.parameters(), lr=1.0), clip=1e-3)
    moved = math.sqrt(sum(float(((a - b) ** 2).sum()) for a, b in zip(before, weights(net), strict=True)))
    assert 0.9e-3 < moved <= 1.001e-3


def test_schedulers_step_per_epoch_or_per_batch():
    lrs = []
    for key in ("scheduler", "step_scheduler"):
        net = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        lrs.append(train.fit(net, batches(), epochs=2, optimizer=optimizer, **{key: schedule}).lr)
    assert lrs == [[1.0, 0.5], [0.5**4, 0.5**8]]
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    train.fit(net, batches(), batches(16, seed=1), epochs=3, optimizer=optimizer, scheduler=plateau)


def test_augmentation_sees_training_inputs_only():
    seen = []
    run(epochs=2, augment=lambda x: seen.append(len(x)) or x)
    assert seen == [16] * 8


def test_progress_lines_and_bar(capsys):
    out = io.StringIO()
    run(epochs=3, progress=train.Progress(out=out, bar=False))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3 and lines[0].startswith("epoch 1/3  loss ") and lines[0].endswith("*")
    assert "valid accuracy" in lines[2] and capsys.readouterr().err == ""
    pytest.importorskip("tqdm")
    run(epochs=1, progress=train.Progress(out=out, bar=True))
    assert "batch" in capsys.readouterr().err


def test_progress_without_tqdm(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    assert progress._tqdm() is None
    run(epochs=1, progress=train.Progress(out=io.StringIO(), bar=True))


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    for epochs, valid in ((1, batches(16)), (3, None), (3, batches(16))):
        _, history = run(epochs=epochs, valid=valid)
        path = train.plot_history(history, tmp_path / "a.png", title="t", test_accuracy=0.5)
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(ValueError, match="no epoch"):
        train.plot_history(train.History(), tmp_path / "b.png")


def test_checkpoints(tmp_path):
    pytest.importorskip("safetensors")
    net, other = network(1), network(2)
    meta = {"epoch": 3, "note": "a µ", "nested": {"lr": 0.5}}
    path = train.save_checkpoint(tmp_path / "m.safetensors", net, meta)
    state, read = train.load_checkpoint(path, other)
    assert read == meta and sorted(state) == sorted(net.state_dict())
    assert all(np.array_equal(a, b) for a, b in zip(weights(net), weights(other), strict=True))
    train.save_checkpoint(path, net)
    assert train.load_checkpoint(path)[1] == {}
    torch.save(net.state_dict(), path)
    state, read = train.load_checkpoint(path, network(4))
    assert read == {} and sorted(state) == sorted(net.state_dict())
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="holds a list"):
        train.load_checkpoint(path)
