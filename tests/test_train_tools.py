"""Around the loop: averages, accumulation, precision, callbacks, metrics, summary, range test, learning one batch."""

import csv
import math

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn, train
from udlfast.nn import functional as F


def data(n=48, seed=0):
    torch.manual_seed(seed)
    x = torch.randn(n, 5)
    return x, (x[:, 0] > 0).long()


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 2))


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()]).numpy()


def sgd(net, lr=0.1):
    return torch.optim.SGD(net.parameters(), lr=lr)


def test_accumulated_batches_make_the_step_of_one_batch():
    (x, y), one, parts = data(50), network(), network()
    train.fit(one, [(x, y)], epochs=3, optimizer=sgd(one))
    train.fit(parts, [(x[i : i + 16], y[i : i + 16]) for i in range(0, 50, 16)], epochs=3, optimizer=sgd(parts), accumulate=4)
    assert np.abs(weights(one) - weights(parts)).max() < 1e-6
    with pytest.raises(ValueError, match="accumulate must be at least 1"):
        train.fit(one, [(x, y)], epochs=1, optimizer=sgd(one), accumulate=0)


def test_average_of_the_weights_by_hand():
    (x, y), net, plain = data(), network(), network()
    seen = []

    class Watch(train.Callback):
        def batch(self, run):
            seen.append(weights(run.model))

    history = train.fit(net, [(x, y)] * 2, [(x, y)], epochs=4, optimizer=sgd(net), ema=0.75, callbacks=[Watch()])
    average = seen[0]
    for w in seen[1:]:
        average = 0.75 * average + 0.25 * w
    assert np.abs(weights(net) - average).max() < 1e-6 and history.best_epoch == 3
    assert not np.allclose(average, seen[-1], atol=1e-4)
    assert math.isclose(history.valid_loss[-1], train.evaluate(net, [(x, y)])["loss"], rel_tol=1e-6)
    train.fit(plain, [(x, y)] * 2, epochs=4, optimizer=sgd(plain), ema=0.75)
    assert np.array_equal(weights(plain), weights(net))


def test_autocast_rounds_products_and_keeps_weights():
    (x, y), plain, cast = data(), network(), network()
    train.fit(plain, [(x, y)], epochs=2, optimizer=sgd(plain))
    train.fit(cast, [(x, y)], epochs=2, optimizer=sgd(cast), autocast=torch.bfloat16)
    difference = np.abs(weights(plain) - weights(cast)).max()
    assert 0 < difference < 1e-2 and cast[0].weight.dtype is torch.float32


def test_metrics_and_regression():
    torch.manual_seed(0)
    x = torch.randn(32, 1)
    net = nn.Linear(1, 1)
    history = train.fit(net, [(x, 2 * x)], [(x, 2 * x)], epochs=2, optimizer=sgd(net), loss=F.mse_loss)
    assert history.metrics == () and set(history.columns) == {"train_loss", "valid_loss", "lr", "seconds"}
    history = train.fit(net, [(x, 2 * x)], epochs=2, optimizer=sgd(net), loss=F.mse_loss,
                        metrics={"mae": lambda output, y: (output - y).abs().mean()})  # fmt: skip
    assert history.metrics == ("mae",) and history.valid_mae == [None, None] and history.train_mae[1] < history.train_mae[0]
    assert "mae" in train.progress.line(history, 2) and "%" not in train.progress.line(history, 2)
    with pytest.raises(AttributeError, match="no column 'train_accuracy'"):
        history.train_accuracy  # noqa: B018


def test_history_as_table_dict_and_picture(tmp_path):
    (x, y), net = data(), network()
    history = train.fit(net, [(x, y)], epochs=3, optimizer=sgd(net))
    rows = list(csv.reader(history.to_csv(tmp_path / "h.csv").read_text().splitlines()))
    assert rows[0][:3] == ["epoch", *history.columns[:2]] and [r[0] for r in rows[1:]] == ["1", "2", "3"]
    assert float(rows[3][rows[0].index("train_loss")]) == history.train_loss[2] and rows[1][rows[0].index("valid_loss")] == ""
    assert train.History.from_dict(history.as_dict()).as_dict() == history.as_dict() and "3 epochs" in repr(history)
    with pytest.raises(ValueError, match="expected train_loss"):
        history.append(train_loss=1.0)
    pytest.importorskip("matplotlib")
    assert history.plot(tmp_path / "h.png").read_bytes()[:4] == b"\x89PNG"


def test_callbacks_are_called_in_order_and_can_stop():
    (x, y), net, calls = data(32), network(), []

    class Log(train.Callback):
        def start(self, run):
            calls.append("start")

        def gradients(self, run):
            calls.append(f"gradients {run.model[0].weight.grad is not None}")

        def batch(self, run):
            calls.append(f"batch {run.step} {run.loss == run.loss}")

        def epoch(self, run):
            calls.append(f"epoch {run.epoch} {len(run.history)}")
            run.stop()

        def close(self, run):
            calls.append("close")

    train.fit(net, [(x[:16], y[:16]), (x[16:], y[16:])], epochs=5, optimizer=sgd(net), callbacks=[Log()])
    each = ["gradients True", "batch 1 True", "gradients True", "batch 2 True"]
    assert calls == ["start", *each, "epoch 0 1", "close"]

    class Fails(Log):
        def batch(self, run):
            raise KeyError("mine")

    calls.clear()
    with pytest.raises(KeyError, match="mine"):
        train.fit(net, [(x, y)], epochs=1, optimizer=sgd(net), callbacks=[Fails()])
    assert calls[-1] == "close"


def test_tensorboard_files(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "tensorboardX", None)
        with pytest.raises(ImportError, match="pip install tensorboardX"):
            train.TensorBoard(tmp_path)
    pytest.importorskip("tensorboardX")
    (x, y), net = data(), network()
    train.fit(net, [(x, y)], epochs=2, optimizer=sgd(net), callbacks=[train.TensorBoard(tmp_path / "tb", every=1)])
    (file,) = (tmp_path / "tb").iterdir()
    content = file.read_bytes()
    assert b"train_loss" in content and b"step/train_loss" in content and b"train_accuracy" in content


def test_summary_counts():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, groups=1), nn.ReLU(), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Flatten(),
                        nn.Linear(4 * 8 * 8, 10, bias=False))  # fmt: skip
    net[4].weight.requires_grad_(False)
    net[0].eval()
    s = train.summary(net, (2, 3, 4, 4))
    assert net.training and not net[0].training
    assert s.parameters == 8 * 3 * 9 + 8 + 8 * 4 * 4 + 4 + 2560 and s.trainable == s.parameters - 2560
    conv, transposed, linear = 2 * 2 * 8 * 16 * 27, 2 * 2 * 8 * 16 * 16, 2 * 2 * 256 * 10
    assert [r.operations for r in s.rows] == [0, conv, 0, transposed, 0, linear] and s.operations == conv + transposed + linear
    assert s.activation_bytes == 4 * 2 * (128 + 128 + 256 + 256 + 10)
    text = str(s)
    assert "Conv2d" in text and "(2, 8, 4, 4)" in text and f"{s.parameters:,} parameters" in text


def test_summary_of_recurrent_attention_and_shared_layers():
    lstm = train.summary(nn.LSTM(3, 5, num_layers=2), (7, 2, 3))
    assert lstm.operations == 2 * 7 * 2 * (20 * 3 + 20 * 5 + 20 * 5 + 20 * 5) and lstm.rows[0].shape == (7, 2, 5)
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    q = torch.zeros(2, 5, 8)

    class Self(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = attention

        def forward(self, x):
            return self.inner(x, x, x)[0]

    assert train.summary(Self(), q).operations == 2 * (4 * 10) * 64 + 4 * 10 * 5 * 8
    shared = nn.Linear(4, 4)
    s = train.summary(nn.Sequential(shared, nn.ReLU(), shared), (1, 4))
    assert s.parameters == 20 and s.operations == 2 * 2 * 16


def test_lr_find_leaves_everything_as_it_was(tmp_path):
    (x, y), net = data(), network()
    adam = torch.optim.Adam(net.parameters(), lr=0.5)
    train.fit(net, [(x, y)], epochs=2, optimizer=adam)
    before, state, random = weights(net), repr(adam.state_dict()), torch.get_rng_state().tolist()
    net.eval()
    curve = train.lr_find(net, [(x, y)], adam, low=1e-5, high=10.0, steps=60)
    assert np.array_equal(before, weights(net)) and repr(adam.state_dict()) == state and not net.training
    assert torch.get_rng_state().tolist() == random
    assert len(curve.lrs) == len(curve.losses) == len(curve.smoothed) <= 60 and curve.lrs[0] == 1e-5
    for low, high in ((0.0, 1.0), (1.0, 0.1)):
        with pytest.raises(ValueError, match="0 < low < high"):
            train.lr_find(net, [(x, y)], adam, low=low, high=high)
    with pytest.raises(ValueError, match="empty"):
        train.lr_find(net, [], adam)
    pytest.importorskip("matplotlib")
    assert curve.plot(tmp_path / "lr.png").read_bytes()[:4] == b"\x89PNG"


def test_lr_find_suggests_a_size_that_trains():
    (x, y), net = data(96), network()
    curve = train.lr_find(net, [(x, y)], sgd(net), low=1e-5, high=100.0, steps=120)
    # the loss of this problem falls with SGD between 0.01 (slowly) and about 10 (beyond which it jumps)
    assert 0.02 < curve.suggestion < 20
    history = train.fit(net, [(x, y)], epochs=60, optimizer=sgd(net, curve.suggestion))
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    constant = nn.Linear(5, 2)
    constant.requires_grad_(False)
    free = nn.Parameter(torch.zeros(1))
    stuck = train.lr_find(constant, [(x, y)], torch.optim.SGD([free], lr=0.1), lambda o, t: F.cross_entropy(o, t) + 0 * free.sum())
    assert stuck.suggestion is None and "None" in repr(stuck)


def test_overfit_one_batch():
    (x, y), net = data(12), network()
    before = weights(net)
    good = train.overfit_one_batch(net, x, y, steps=2000)
    assert good.learned and np.array_equal(before, weights(net)) and "can learn" in repr(good)
    frozen = nn.Sequential(nn.Linear(5, 2))
    frozen.requires_grad_(False)
    frozen.append(nn.Identity())
    frozen.register_parameter("unused", nn.Parameter(torch.zeros(1)))
    bad = train.overfit_one_batch(frozen, x, y, lambda o, t: F.cross_entropy(o, t) + 0 * frozen.unused.sum(), steps=30)
    assert not bad.learned and "does not learn" in bad.says
