"""A process that has used the library and now waits: its own processor time, and what a neighbour feels."""

import json

from .frame import Failed, check
from .programs import program, run_program

ALONE = {"OPENBLAS_NUM_THREADS": "1"}  # NumPy's own threads wait for work in a loop after they start: late on a busy machine
IDLE = """
import json, os, resource, sys, threading, time
import udlfast as torch
from udlfast import nn
torch.set_num_threads(max(2, torch.get_num_threads()))
net = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 256))
x = torch.ones(256, 256)
for _ in range(20):
    with torch.no_grad():
        net(x)
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = spent()
time.sleep(SECONDS)
print(json.dumps({"idle": spent() - before, "threads": len(os.listdir("/proc/self/task"))}), flush=True)
"""


@check("idle and neighbours", must="at most 10 ms of processor time in 10 s; a NumPy job beside it at most 2 % slower",
       short={"seconds": 1, "rounds": 0}, long={"seconds": 10, "rounds": 7})  # fmt: skip
def idle(seconds, rounds):
    status, out, err = run_program(f"SECONDS = {seconds}\n{IDLE}", env=ALONE)
    if status:
        raise Failed(f"the program ended with {status}", err.splitlines()[-10:])
    got = json.loads(out)
    figures = f"{got['idle'] * 1e3:.2f} ms of processor time in {seconds} s with {got['threads']} threads"
    if got["idle"] > 0.010:
        raise Failed(figures)
    if rounds:
        ratio = slowdown(rounds)
        figures += f"; a NumPy job beside it: {(ratio - 1) * 100:+.1f} %"
        if ratio > 1.02:
            raise Failed(figures)
    return figures


JOB = """
import time
import numpy as np
a = np.random.default_rng(0).standard_normal(160_000)
best = 1e9
for _ in range(15):
    begin = time.perf_counter()
    for _ in range(4):
        np.sort(a)
        np.exp(a).sum()
    best = min(best, time.perf_counter() - begin)
print(best)
"""


def slowdown(rounds):
    """Time of a NumPy job beside an idle model over its time alone: the quickest of `rounds` in turn."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(float(run_program(JOB, env=ALONE)[1]))
        with program(f"SECONDS = 0.2\n{IDLE}\ntime.sleep(1000)", env=ALONE) as process:
            process.stdout.readline()  # the model has been used and waits
            beside.append(float(run_program(JOB, env=ALONE)[1]))
    return min(beside) / min(alone)
