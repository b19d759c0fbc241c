"""train.search: stages in the book's order, budgets, pruning, studies that go on after a kill, and what it says mattered."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn, train

pytestmark = [pytest.mark.filterwarnings("default")]  # Optuna's database layer


def data(n=64):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4)).astype(np.float32)
    y = (x @ np.float32([1, -2, 3, 0.5]) + 0.01 * rng.standard_normal(n).astype(np.float32))[:, None]
    return (torch.from_numpy(x[:n // 2]), torch.from_numpy(y[:n // 2])), (torch.from_numpy(x[n // 2:]), torch.from_numpy(y[n // 2:]))


def line(depth=1):
    """A linear model: depth changes nothing."""
    return nn.Linear(4, 1)


SPACE = {"lr": (1e-4, 1.0), "batch_size": [4, 16], "optimizer": ["adamw", "sgd"], "weight_decay": (1e-6, 1e-1)}


def run(build=line, space=SPACE, **options):
    pytest.importorskip("optuna")
    usual = {"space": space, "trials": 12, "epochs": 4, "loss": nn.functional.mse_loss, "repeats": 2}
    return train.search(build, *data(), **{**usual, **options})


def test_stages_come_in_order_and_hold_the_others():
    found = run(trials=20)
    titles = [t["stage"] for t in found.trials]
    order = ["learning rate", "batch size", "depth and width", "regularisation", "optimiser"]
    assert sorted(titles, key=order.index) == titles and set(titles) == set(order) and len(titles) == 20
    own = {"learning rate": {"lr"}, "batch size": {"lr", "batch_size"}, "depth and width": {"depth", "lr"},
           "regularisation": {"weight_decay"}, "optimiser": {"lr", "optimizer"}}  # fmt: skip
    best, least = None, np.inf
    for trial in found.trials:
        if best:
            changed = {k for k, v in trial["params"].items() if v != best[k]}
            assert changed <= own[trial["stage"]], trial
        if trial["value"] is not None and trial["value"] < least:
            best, least = trial["params"], trial["value"]
    assert found.best == best and found.value == least and found.trials[0]["params"]["lr"] == 1e-3
    assert [r["name"] for r in found.stages] == order and sum(r["trials"] for r in found.stages) == 20
    assert found.stages[-1]["after"] == least and found.stages[0]["before"] == found.trials[0]["value"]


def test_it_says_what_mattered():
    """The rate decides (it begins far too low); depth is ignored by the model, and its stage cannot gain beyond the rate it seeks again."""
    found = run(trials=24, begin={"lr": 1e-4}, repeats=3)
    assert found.matters()[0] == "learning rate" and found.stages[0]["gain"] > 0.5 * found.stages[0]["before"]
    assert "regularisation" not in found.matters()
    text = found.report()
    assert "what mattered: learning rate" in text and "within chance" in text and text.count("\n") >= 8
    assert len(found.repeated) == 3 and found.noise == pytest.approx(np.std(found.repeated, ddof=1))
    model_loss = train.evaluate(found.model, [data()[1]], nn.functional.mse_loss)["loss"]
    assert model_loss == pytest.approx(min(found.repeated), rel=1e-4), "the model has the weights of the best repeat"


def shown(found):
    return [(t["stage"], t["params"], t["value"], t["state"]) for t in found.trials]


def test_two_searches_are_equal_and_a_picture_is_drawn(tmp_path):
    one, other = run(seed=3), run(seed=3)
    assert shown(one) == shown(other) and one.repeated == other.repeated and shown(one) != shown(run(seed=4))
    pytest.importorskip("matplotlib")
    assert os.path.getsize(one.plot(tmp_path / "search.png")) > 5000


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
import test_search as t
count = 0
def build(depth=1):
    global count
    count += 1
    if count == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return t.line()
t.run(build, storage={storage!r})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_search_goes_on_as_if_nothing_had_happened(tmp_path):
    storage = str(tmp_path / "study.db")
    whole = run()
    script = KILLED.format(paths=[os.path.dirname(os.path.abspath(__file__)), *sys.path], storage=storage)
    assert subprocess.run([sys.executable, "-c", script], timeout=120).returncode == -signal.SIGKILL
    lines = []
    found = run(storage=storage, progress=lines.append)
    assert shown(found) == shown(whole) and len(lines) == 12 - 5, "five trials were done"
    assert run(storage=storage, progress=lines.append).value == whole.value and len(lines) == 7, "nothing was left to do"


def test_trials_that_lag_behind_are_pruned():
    options = {"space": {**SPACE, "lr": (1e-6, 0.3)}, "trials": 30, "epochs": 8}
    states = [t["state"] for t in run(**options).trials]
    assert states.count("pruned") >= 3 and states.count("complete") >= 5
    assert {t["state"] for t in run(prune=False, **options).trials} == {"complete"}


def test_divergence_is_a_trial_and_not_the_end():
    steep = {"lr": (1e-3, 1e30), "batch_size": 4, "weight_decay": None, "optimizer": "sgd"}
    found = run(space=steep, trials=10)
    assert any(t["state"] == "pruned" and t["value"] is None for t in found.trials) and np.isfinite(found.value)
    assert "weight_decay" not in found.best and found.best["batch_size"] == 4
    with pytest.raises(RuntimeError, match="diverged"):
        run(space={**steep, "lr": (1e25, 1e30)}, trials=2)


def test_other_metrics_budgets_of_time_and_arguments_of_build():
    def build(width, kind):
        return nn.Sequential(nn.Linear(4, width), nn.Tanh() if kind == "tanh" else nn.ReLU(), nn.Linear(width, 2))

    (x, y), (xv, yv) = data()
    parts = (x, (y[:, 0] > 0).long()), (xv, (yv[:, 0] > 0).long())
    pytest.importorskip("optuna")
    found = train.search(build, *parts, space={"kind": ["tanh", "relu"], "width": [4, 8]}, metric="accuracy", trials=8, epochs=3, repeats=1)
    assert 0.5 < found.value <= 1 and found.value == max(t["value"] for t in found.trials if t["value"] is not None)
    assert found.best["kind"] in ("tanh", "relu") and found.noise is None and "others" in [r["name"] for r in found.stages]
    assert len(run(trials=None, seconds=0.0).trials) == 1
    assert len(run(trials=3, seconds=1000).trials) == 3


@pytest.mark.parametrize("options, text", [
    ({"trials": None}, "no end"), ({"trials": 0}, "at least 1"), ({"space": {"heads": [1]}}, "heads"), ({"space": {"lr": (1, 0)}}, "least"),
    ({"space": {"lr": []}}, "nothing to choose"), ({"build": lambda size: None}, "size"), ({"metric": "f1"}, "f1"),
    ({"space": {"optimizer": "adagard", "lr": 1e-3}}, "adagard"),
])  # fmt: skip
def test_bad_arguments_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        run(**options)
    with pytest.raises(ValueError, match="valid"):
        train.search(line, data()[0], (torch.zeros(1),))


def test_optuna_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"udlfast\[search\]"):
        train.search(line, *data())
