"""Memory that stays flat: inferences of random shapes, threads that come and go, training."""

import json

import numpy as np

from .frame import Failed, check
from .programs import run_program

SETUP = """
import json, os, sys, threading, time
import numpy as np
import udlfast as torch
from udlfast import nn
import udlfast.nn.functional as F

def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))

def held():
    "threads and open files; a thread that has been joined stays in the list for a moment"
    seen = []
    for _ in range(20):
        seen.append((len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))))
        time.sleep(0.002)
    return min(seen)

torch.manual_seed(0)
rng = np.random.default_rng(0)
net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(1024, 64)).eval()

def report(samples, first):
    print(json.dumps({"samples": samples, "first": first, "last": held()}))
"""

INFER = """
def infer():
    with torch.no_grad():
        return net(torch.empty(int(rng.integers(1, 9)), 3, int(rng.integers(8, 65)), int(rng.integers(8, 65))).normal_())
samples, every = [], max(1, N // 200)
for i in range(N):
    infer()
    if i == N // 10: first = held()
    if i >= N // 10 and i % every == 0: samples.append(resident())
report(samples, first)
"""

THREADS = """
def client():
    with torch.no_grad():
        net(torch.ones(4, 3, 32, 32))
    w = torch.ones(64, 64, requires_grad=True)
    (w @ w).sum().backward()
samples, every = [], max(1, N // 200)
for i in range(N):
    t = threading.Thread(target=client)
    t.start(); t.join()
    if i == N // 10: first = held()
    if i >= N // 10 and i % every == 0: samples.append(resident())
report(samples, first)
"""

TRAIN = """
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
samples, every = [], max(1, N // 200)
for i in range(N):
    x, y = torch.randn(8, 3, 16, 16), torch.randint(0, 64, (8,))
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
    if i == N // 10: first = held()
    if i >= N // 10 and i % every == 0: samples.append(resident())
report(samples, first)
"""

PEAK = """
x = torch.randn(8, 64, 64, 64)  # 8 MiB, and twelve layers of such
net = nn.Sequential(*[layer for _ in range(6) for layer in (nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())])
before = resident()
with torch.no_grad():
    net(x)
base = resident()
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
# the input and six results of ReLU are kept for gradients, a result of a convolution and two gradients are on the way
working = (1 + 6 + 3) * x.nbytes + 3 * sum(p.nbytes for p in net.parameters())
for _ in range(10):
    optimizer.zero_grad()
    net(x).square().mean().backward()
    optimizer.step()
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
print(json.dumps({"peak": peak - before, "working": working}))
"""


def slope(samples):
    """Theil-Sen: the median of the slopes of all pairs, in bytes a sample."""
    y = np.array(samples, float)
    i, j = np.triu_indices(len(y), 1)
    return float(np.median((y[j] - y[i]) / (j - i)))


def jobs(inferences, threads, steps):
    return ("inferences of random shapes", inferences, INFER), ("threads", threads, THREADS), ("training steps", steps, TRAIN)


@check("memory", must="slope of resident memory 0 within noise; peak at most 1.3 x the working set",
       short={"inferences": 400, "threads": 60, "steps": 150}, long={"inferences": 50_000, "threads": 2000, "steps": 10_000})  # fmt: skip
def memory(inferences, threads, steps):
    figures, findings = [], []
    for name, n, text in jobs(inferences, threads, steps):
        got = measured(f"N = {n}\n{SETUP}\n{text}")
        grown = slope(got["samples"]) * len(got["samples"])
        figures.append(f"{n:,} {name}: {grown / 2**20:+.2f} MiB of {got['samples'][-1] / 2**20:.0f}")
        if grown > 2 << 20 and n >= 2000 or grown > 16 << 20:
            findings.append(f"{name}: resident memory grew by {grown / 2**20:.1f} MiB")
        if got["last"] != got["first"]:
            findings.append(f"{name}: threads and open files were {got['first']} and are {got['last']}")
    got = measured(f"{SETUP}\n{PEAK}")
    ratio = got["peak"] / got["working"]
    figures.append(f"peak of training {ratio:.2f} x the working set of {got['working'] / 2**20:.0f} MiB")
    if ratio > 1.3:
        findings.append(figures[-1])
    if findings:
        raise Failed("; ".join(figures), findings)
    return "; ".join(figures)


def measured(code):
    status, out, err = run_program(code, env={"UDLFAST_NUM_THREADS": None, "OMP_NUM_THREADS": None}, limit=3600)
    if status:
        raise Failed(f"the program ended with {status}", err.splitlines()[-20:])
    return json.loads(out)
