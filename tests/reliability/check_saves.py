"""Saves that are cut short: by SIGKILL, by a full disk, by a folder that cannot be written."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import udlfast as torch
from udlfast import nn

from .frame import Failed, NotRun, check
from .programs import BUILT, environment, kill_tree

FORMATS = {"pt": "weights.pt", "safetensors": "weights.safetensors", "npz": "weights.npz", "plan": "net.udl", "train": "checkpoint.pt"}

# saves generation after generation: tensors that hold nothing but their number, so that a mixture would show
WRITER = """
import os, sys
import udlfast as torch
from udlfast import nn
folder, kind, path = sys.argv[1:]
path = os.path.join(folder, path)
def tree(i):
    return {"a": torch.full((200, 300), float(i)), "b": torch.full((7,), i), "c": torch.full((50_000,), float(i))}
net = nn.Linear(128, 256)
x = torch.ones(4, 128)
i = 0
while True:
    i += 1
    if kind == "plan":
        with torch.no_grad():
            for p in net.parameters(): p.fill_(float(i))
            compiled = torch.compile(net); compiled(x); compiled.plans[0].save(path)
    elif kind == "train":
        torch.save({"model": tree(i), "optimizer": {"state": {0: {"step": i, "exp_avg": torch.full((9,), float(i))}}}, "epoch": i}, path)
    else:
        torch.save(tree(i), path, format=kind)
    if i == 1: print(os.getpid(), flush=True)
"""


def generation(kind, path):
    """The number of the generation that a file holds; raises for a broken or mixed one."""
    if kind == "plan":
        y = torch.load_plan(path)(torch.ones(4, 128))
        return unique([y]) // 129
    tree = torch.load(path)
    if kind == "train":
        state = tree["optimizer"]["state"][0]
        assert tree["epoch"] == state["step"] == unique([*tree["model"].values(), state["exp_avg"]])
        return tree["epoch"]
    return unique([tree["a"], tree["b"], tree["c"]])


def unique(tensors):
    values = np.unique(np.concatenate([np.unique(t.detach().numpy()).astype(np.float64) for t in tensors]))
    assert len(values) == 1, f"a mixture of {values[:5]}"
    return int(values[0])


def killed(kind, kills, rng):
    """(kills, how many left a temporary file, findings)"""
    findings, left, last = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        writer, path = Path(folder) / "writer.py", Path(folder) / FORMATS[kind]
        writer.write_text(WRITER)
        words = [sys.executable, "-c", BUILT + FORKER, str(writer), folder, kind, path.name]
        process = None
        for i in range(kills):
            if i % 50 == 0:
                process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
            process.stdin.write(b"go\n"), process.stdin.flush()
            pid = int(process.stdout.readline())  # it has saved once and goes on
            time.sleep(rng.random() * 0.02)
            os.kill(pid, signal.SIGKILL)
            process.stdout.readline()  # the forker has buried it
            try:
                if path.exists():
                    last = generation(kind, path)
                elif last:
                    findings.append(f"{kind}, kill {i}: the file is gone")
            except Exception as error:
                findings.append(f"{kind}, kill {i}: {type(error).__name__}: {str(error)[:200]}")
            more = [p for p in Path(folder).iterdir() if p.name.endswith(".tmp")]
            left += bool(more)
            [p.unlink() for p in more]
            if i % 50 == 49 or i == kills - 1:
                kill_tree(process)
                process.communicate()
    return left, findings


# starts writers by fork, so that a thousand of them need not import anything
FORKER = """
import os, runpy, sys
import udlfast as torch
from udlfast import nn
import udlfast.serialization
torch.compile(nn.Linear(2, 2))(torch.ones(1, 2))
sys.argv = sys.argv[1:]
for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        runpy.run_path(sys.argv[0], run_name="__main__")
    os.waitpid(pid, 0)
    print("dead", flush=True)
"""

FULL = """
import os, resource, signal, sys
import udlfast as torch
from udlfast import nn
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder, kind, name, room = sys.argv[1:]
path = os.path.join(folder, name)
net = torch.compile(nn.Linear(128, 256))
def save(i):
    if kind == "plan":
        with torch.no_grad():
            for p in net.parameters(): p.fill_(float(i))
            net(torch.ones(4, 128))
        net.plans[0].save(path)
    elif kind == "train":
        state = {0: {"step": i, "exp_avg": torch.full((9,), float(i))}}
        torch.save({"model": {"a": torch.full((9000,), float(i))}, "optimizer": {"state": state}, "epoch": i}, path)
    else:
        torch.save({"a": torch.full((90, 300), float(i)), "b": torch.full((7,), i), "c": torch.full((50,), float(i))}, path, format=kind)
save(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), resource.RLIM_INFINITY))
try: save(2)
except OSError as e: print("refused", e)
else: print("saved")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(sorted(os.listdir(folder)) == [name])
"""


def full(kind, rooms):
    """Findings where a file may have `room` bytes only."""
    findings = []
    for room in rooms:
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-c", BUILT + FULL, folder, kind, FORMATS[kind], str(room)]
            done = subprocess.run(words, capture_output=True, text=True, env=environment())
            out = done.stdout.splitlines()
            if done.returncode or len(out) != 2:
                findings.append(f"{kind}, {room} bytes: status {done.returncode} {done.stderr[-400:]}")
                continue
            try:
                got = generation(kind, Path(folder) / FORMATS[kind])
            except Exception as error:
                findings.append(f"{kind}, {room} bytes: {type(error).__name__}: {error}")
                continue
            if got != (2 if out[0] == "saved" else 1) or out[1] != "True":
                findings.append(f"{kind}, {room} bytes: {out}, and the file holds generation {got}")
    return findings


def read_only():
    """Findings in a folder that cannot be written, which root's rights would not stop: a file stands where a folder should."""
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file").write_text("x")
        for kind, name in FORMATS.items():
            for path in (Path(folder) / "file" / name, Path(folder) / "missing" / name, Path("/proc") / name):
                try:
                    if kind == "plan":
                        net = torch.compile(nn.Linear(2, 2))
                        with torch.no_grad():
                            net(torch.ones(1, 2))
                        net.plans[0].save(path)
                    else:
                        torch.save({"a": torch.ones(3)}, path, **({} if kind == "train" else {"format": kind}))
                    findings.append(f"{kind}: saved to {path}")
                except OSError as error:
                    if str(path) not in str(error):
                        findings.append(f"{kind}: the text does not name {path}: {error}")
        if [p.name for p in Path(folder).iterdir()] != ["file"]:
            findings.append(f"left behind: {list(Path(folder).iterdir())}")
    return findings


@check("crash-safe saves", must="old or new file, never a broken one", short={"kills": 20}, long={"kills": 1000})
def saves(kills, seed=0):
    if not hasattr(os, "fork"):
        raise NotRun("no fork on this system")
    rng, findings, left = random.Random(seed), [], 0
    for kind in FORMATS:
        torn, wrong = killed(kind, kills // len(FORMATS), rng)
        left, findings = left + torn, findings + wrong
    rooms = (0, 1, 100, 4096, 100_000) if kills >= 1000 else (100,)
    for kind in FORMATS:
        findings += full(kind, rooms)
    findings += read_only()
    figures = (f"{kills // len(FORMATS) * len(FORMATS)} kills ({', '.join(FORMATS)}; {left} in the middle of a save), "
               f"{len(rooms) * len(FORMATS)} full disks, {3 * len(FORMATS)} folders that take nothing")  # fmt: skip
    if left < kills // 20:
        findings.append(f"only {left} of {kills} kills came while a file was being written: nothing was shown")
    if findings:
        raise Failed(figures, findings)
    return f"{figures}: always the old file or the new one"
