"""The command line: exit codes, output, files, and that `check` fails when something is wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import udlfast as torch
from udlfast.cli import check, info, main
from udlfast.nn import functional as F

BENCH = os.path.join(os.path.dirname(__file__), "..", "bench")


def test_info(capsys):
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    for words in ("instruction set", "threads", "caches", "memory limit", "numpy", "python", torch.__version__):
        assert words in text
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["isa"] == torch.isa() and facts["threads"] == torch.get_num_threads()


def test_memory_limit_of_nested_groups(tmp_path):
    def group(path, **files):
        folder = tmp_path / "cgroup" / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text + "\n")

    own = tmp_path / "own"
    root = str(tmp_path / "cgroup")
    own.write_text("0::/a/b\n")
    group("a/b", memory__max="max")
    assert info.memory_limit(root, str(own))[0] is None
    group("a", memory__max="3000")
    group("a/b", memory__max="5000")
    assert info.memory_limit(root, str(own)) == (3000, os.path.join(root, "a", "memory.max"))
    own.write_text("5:cpu,memory:/c\n3:freezer:/a\n")
    group("memory/c", memory__limit_in_bytes="2000")
    group("memory", memory__limit_in_bytes=str(2**63 - 4096))
    assert info.memory_limit(root, str(own))[0] == 2000
    assert info.memory_limit(str(tmp_path / "none"), str(tmp_path / "none"))[0] is None


def test_check_passes(capsys):
    assert main(["check"]) == 0
    text = capsys.readouterr().out
    assert "all is well" in text and f"{torch.isas()[-1]}: conv2d" in text and "FAILED" not in text


def off_by_a_little(f):
    return lambda *a, **k: f(*a, **k) * 1.0001


def half_gradient(f):
    return lambda *a, **k: (lambda y: y * 0.5 + y.detach() * 0.5)(f(*a, **k))


def one_nan(f):
    def wrong(*a, **k):
        y = f(*a, **k)
        mask = np.zeros(tuple(y.shape), np.float64)
        mask.flat[-1] = np.nan
        return y + torch.from_numpy(mask).to(y.dtype)

    return wrong


@pytest.mark.parametrize("fault", [off_by_a_little, half_gradient, one_nan])
@pytest.mark.parametrize("name", ["gelu", "linear", "conv2d", "softmax"])
def test_check_fails_on_a_planted_fault(monkeypatch, capsys, name, fault):
    monkeypatch.setattr(F, name, fault(getattr(F, name)))
    for other in ("gradient_of_network", "equal_for_threads", "levels_agree", "training_learns", "fork",
                  "save_and_load"):
        monkeypatch.setattr(check, other, lambda: "left out")
    assert main(["check", "--quiet"]) == 1
    text = capsys.readouterr().out
    assert f": {name} " in text and "WRONG" in text and "ok  " not in text


def test_check_of_threads_and_learning_can_fail(monkeypatch):
    real = check._trained
    calls = iter(range(100))
    monkeypatch.setattr(check, "_trained", lambda *a: ([np.float64([next(calls)])], [1.0, 0.9]))
    with pytest.raises(AssertionError, match="number of threads"):
        check.equal_for_threads()
    with pytest.raises(AssertionError, match="60 steps"):
        check.training_learns()
    monkeypatch.setattr(check, "_trained", real)
    check.equal_for_threads()


def test_train(tmp_path, capsys):
    pytest.importorskip("sklearn"), pytest.importorskip("safetensors")
    out = tmp_path / "run"
    assert main(["train", "--model", "mlp", "--epochs", "2", "--out", str(out), "--seed", "1"]) == 0
    text = capsys.readouterr().out
    assert "epoch 2/2" in text and "test accuracy: " in text and f"checkpoint: {out / 'model.safetensors'}" in text
    kept = json.loads((out / "history.json").read_text())
    assert kept["epochs"] == 2 and len(kept["history"]["train_loss"]) == 2
    assert main(["train", "--model", "mlp", "--epochs", "2", "--out", str(out), "--seed", "1", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("test accuracy: ")
    again = json.loads((out / "history.json").read_text())
    assert again["history"]["train_loss"] == kept["history"]["train_loss"]


@pytest.mark.parametrize(
    "words, message",
    [
        (["train", "--data", "no-such-folder"], "there is no folder"),
        (["train", "--lr", "-1"], "--lr must be"),
        (["bench", "--only", "no such case"], "no case matches"),
    ],
)
def test_wrong_use_exits_with_2_and_one_line(tmp_path, capsys, words, message):
    if words[0] == "bench" and not os.path.isdir(BENCH):
        pytest.skip("no checkout")
    assert main([*words, "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["nothing"], ["train", "--epochs", "0"], ["train", "--model", "vgg"]])
def test_usage_errors(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "udlfast", "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip() == f"udlfast {torch.__version__}"


def test_bench_table(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(os.path.join(BENCH, ".."))
    words = ["bench", "--only", "lenet_conv1$|add_16", "--rounds", "1", "--milliseconds", "1", "--out", str(tmp_path)]
    assert main(words) == 0
    assert "conv2d/lenet_conv1 " in capsys.readouterr().out
    record = json.loads((tmp_path / "bench.json").read_text())
    assert len(record["rows"]) == 2 and all(r["udlfast_us"] > 0 for r in record["rows"])
    for row in record["rows"]:
        floor = max(row["flops"] / record["peak_gflops"], row["bytes"] / record["stream_gb_per_s"]) / 1e3  # us
        assert row["share_of_floor"] == pytest.approx(floor / row["udlfast_us"])


@pytest.mark.parametrize("isa", torch.isas())
def test_peak_counts_operations_that_it_does(isa):
    """The chains s = s / 2 + 1 all end at 2, and each task does 2 x 12 chains x lanes x steps operations."""
    code = ("import udlfast as u; from udlfast import _core as c; out = u.zeros(3, 2, dtype=u.float64);"
            "c.call(c.K_fma_peak, (out,), (3, 70), ()); print(*out.flatten().tolist())")
    text = subprocess.run([sys.executable, "-c", code], env=os.environ | {"UDLFAST_ISA": isa}, capture_output=True, text=True, check=True)
    out = [float(w) for w in text.stdout.split()]
    lanes = out[0] / (2 * 12 * 70)
    assert lanes in (4, 8, 16) and out == [out[0], 2.0] * 3


def test_bench_refuses_a_wrong_result(monkeypatch):
    monkeypatch.syspath_prepend(os.path.abspath(BENCH))
    import race

    def case(factor):
        def make(rng):
            x = race.f32(rng, 8, 8)
            return race.Race(lambda: x @ x, lambda torch: lambda: (torch.from_numpy(x) @ torch.from_numpy(x)) * factor)

        return race.Case("matmul", "planted", make)

    def check_bench(factor):
        race.check(case(factor), race.make_step(case(factor), "udlfast"), "udlfast")

    check_bench(1.0)
    for factor in (1.001, float("nan")):
        with pytest.raises(AssertionError, match="differs from NumPy"):
            check_bench(factor)
