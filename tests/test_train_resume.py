"""A run that is killed and goes on ends with the bits of one that was never interrupted."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn, train

# everything that could differ after a stop: dropout, batch statistics, shuffled loader, NumPy's and Python's random numbers,
# two schedules, moments, an average, early stopping's best weights
SCRIPT = '''
import random, sys
import numpy as np
import udlfast as torch
from udlfast import nn, train

def main(out, checkpoint, epochs, slow=0.0):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 6)).astype("float32"); y = (x[:, :3].sum(1) > 0).astype("int64")
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    torch.manual_seed(0); np.random.seed(0); random.seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(5))
    noise = np.random.default_rng(7)
    def augment(x):
        import time; time.sleep(slow)
        n = noise.standard_normal(x.shape) + np.random.standard_normal(x.shape) + random.random()
        return x + torch.from_numpy(0.1 * n.astype("float32"))
    adam = torch.optim.AdamW(net.parameters(), lr=0.01)
    history = train.fit(net, loader, [(x_, y_) for x_, y_ in torch.utils.data.DataLoader(data, batch_size=32)], epochs=epochs,
        optimizer=adam, scheduler=torch.optim.lr_scheduler.StepLR(adam, 2, 0.7), step_scheduler=torch.optim.lr_scheduler.LinearLR(adam),
        ema=0.9, clip=1.0, accumulate=2, augment=augment, checkpoint=checkpoint, generators=[noise], patience=50)
    torch.save({"w": net.state_dict(), "history": history.as_dict()["valid_loss"]}, out)

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
'''
EPOCHS = 8


def run(tmp_path, name, slow=0.0, kill_after=None):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tmp_path / f"{name}.pt"), str(tmp_path / f"{name}.state.pt"), str(EPOCHS), str(slow)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        if kill_after is not None:
            state = tmp_path / f"{name}.state.pt"
            limit = time.monotonic() + 60
            while not state.exists() and process.poll() is None and time.monotonic() < limit:
                time.sleep(0.005)
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
        process.wait(120)
    finally:
        process.kill()
    return process.returncode


def result(tmp_path, name):
    saved = torch.load(tmp_path / f"{name}.pt")
    return {k: v.numpy().tobytes() for k, v in saved["w"].items()}, saved["history"]


def test_killed_runs_go_on_with_the_same_bits(tmp_path):
    assert run(tmp_path, "whole") == 0
    want, draw = result(tmp_path, "whole"), random.Random(3)
    for kill in range(int(os.environ.get("UDLFAST_TEST_KILLS", 6)) // 2):
        name = f"killed{kill}"
        for _ in range(2):
            code = run(tmp_path, name, slow=0.01, kill_after=draw.uniform(0.0, 0.25))
            assert code in (-signal.SIGKILL, 0)
            torch.load(tmp_path / f"{name}.state.pt")  # readable at any moment
        assert run(tmp_path, name) == 0
        assert result(tmp_path, name) == want


def problem():
    torch.manual_seed(0)
    x = torch.randn(32, 3)
    return x, (x.sum(1) > 0).long(), nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))


def test_a_finished_run_is_not_trained_further(tmp_path):
    x, y, net = problem()
    adam = torch.optim.Adam(net.parameters())
    first = train.fit(net, [(x, y)], epochs=2, optimizer=adam, checkpoint=tmp_path / "s.pt")
    before = [p.detach().numpy().copy() for p in net.parameters()]
    again = train.fit(net, [(x, y)], epochs=2, optimizer=adam, checkpoint=tmp_path / "s.pt")
    assert again.as_dict() == first.as_dict()
    assert all(np.array_equal(a, p.numpy()) for a, p in zip(before, (p.detach() for p in net.parameters()), strict=True))
    longer = train.fit(net, [(x, y)], epochs=3, optimizer=adam, checkpoint=tmp_path / "s.pt")
    assert longer.train_loss[:2] == first.train_loss and len(longer) == 3
    fresh = train.fit(net, [(x, y)], epochs=1, optimizer=adam, checkpoint=tmp_path / "s.pt", resume=False)
    assert len(fresh) == 1


def test_early_stopping_is_remembered(tmp_path):
    x, y, net = problem()
    sgd = torch.optim.SGD(net.parameters(), lr=0.0)
    options = dict(epochs=9, optimizer=sgd, patience=2, checkpoint=tmp_path / "s.pt")
    assert len(train.fit(net, [(x, y)], [(x, y)], **options)) == 3
    again = train.fit(net, [(x, y)], [(x, y)], **options)
    assert len(again) == 3 and again.stopped_early


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    x, y, net = problem()
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    path = tmp_path / "s.pt"
    torch.save(net.state_dict(), path)
    with pytest.raises(ValueError, match="not the state of a run"):
        train.fit(net, [(x, y)], epochs=1, optimizer=sgd, checkpoint=path)
    path.unlink()
    train.fit(net, [(x, y)], epochs=1, optimizer=sgd, checkpoint=path)
    with pytest.raises(ValueError, match="was written by a run with model, optimizer; this one has model, optimizer, average"):
        train.fit(net, [(x, y)], epochs=2, optimizer=sgd, checkpoint=path, ema=0.5)
    with pytest.raises(ValueError, match="0 random generators; got 1"):
        train.fit(net, [(x, y)], epochs=2, optimizer=sgd, checkpoint=path, generators=[np.random.default_rng(0)])
