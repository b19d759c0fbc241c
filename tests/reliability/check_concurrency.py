"""Many Python threads at once: every answer must have the bits that the same work has alone."""

import os
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import udlfast as torch
import udlfast.nn.functional as F
from udlfast import nn

from .frame import Failed, NotRun, check
from .programs import ROOT, tool


def numbers(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def fill(net, seed):
    """Weights that do not come from the generator which all threads share."""
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(numbers(*p.shape, seed=1000 * seed + i) * 0.1)
    return net


def network(seed):
    return fill(nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                              nn.Linear(8 * 49, 32), nn.GELU(), nn.Linear(32, 10)), seed)  # fmt: skip


def train(seed):
    """Ten steps of a model of its own; the bytes of its weights."""
    net, x = network(seed), numbers(16, 1, 14, 14, seed=seed)
    y = torch.from_numpy(np.random.default_rng(seed).integers(0, 10, 16))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(10):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return b"".join(p.detach().numpy().tobytes() for p in net.parameters())


def recurrent(seed):
    lstm = fill(nn.LSTM(12, 40, 2), seed)
    y, (h, c) = lstm(numbers(9, 17, 12, seed=seed))
    (y.sum() + c.sum()).backward()
    return b"".join(t.detach().numpy().tobytes() for t in (y, h, *(p.grad for p in lstm.parameters())))


def operations(seed):
    a, b = numbers(150 + seed, 97, seed=seed), numbers(97, 130, seed=seed + 1)
    q = numbers(2, 3, 65, 16, seed=seed)
    out = [(a @ b).softmax(1), torch.sort(a, 1)[0], a.cumsum(0), F.layer_norm(a, (97,)), a.t().contiguous(),
           a.double().exp().sum(0),
           F.conv2d(numbers(3, 4, 17, 19, seed=seed), numbers(5, 4, 3, 3, seed=seed), padding=1), a.argmax(1).float(),
           F.scaled_dot_product_attention(q, q, q, is_causal=True),
           torch.logsumexp(a, 0), a.bfloat16().float(), a[1::3, ::2] * 2]  # fmt: skip
    return b"".join(t.numpy().tobytes() for t in out)


class Plans:
    """A compiled module of the calling thread's own, and a plan of a file that all threads share."""

    def __init__(self, folder):
        net = torch.compile(network(77).eval())
        with torch.no_grad():
            net(numbers(3, 1, 14, 14))
        net.plans[0].save(Path(folder) / "shared.udl")
        self.shared = torch.load_plan(Path(folder) / "shared.udl")
        self.own = threading.local()

    def run(self, seed):
        x = numbers(3, 1, 14, 14, seed=seed)
        if not hasattr(self.own, "net"):
            self.own.net = torch.compile(network(78).eval())
            with torch.no_grad():
                self.own.net(x)  # records; later calls have the batch norm folded into the filters, and so bits of their own
        with torch.no_grad():
            return self.shared(x).numpy().tobytes() + self.own.net(x).numpy().tobytes()

    def trained(self, seed):
        """A compiled training step."""
        net, x = network(seed), numbers(8, 1, 14, 14, seed=seed)
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.9)

        @torch.compile
        def step(x):
            optimizer.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        for _ in range(6):
            step(x)
        return b"".join(p.detach().numpy().tobytes() for p in net.parameters())


@check("concurrency", must="0 mismatches", short={"seconds": 4}, long={"seconds": 600})
def concurrency(seconds, threads=8):
    with tempfile.TemporaryDirectory() as folder:
        plans = Plans(folder)
        kinds = [operations, train, recurrent, plans.run, plans.trained]
        work = [(kind, seed) for kind in kinds for seed in range(6)]
        want = {(kind, seed): kind(seed) for kind, seed in work}
        wrong, counts, end = [], [0] * threads, time.monotonic() + seconds

        def client(me):
            order = np.random.default_rng(me)
            try:
                while time.monotonic() < end and len(wrong) < 20:
                    kind, seed = work[order.integers(len(work))]
                    if kind(seed) != want[kind, seed]:
                        wrong.append(f"{kind.__name__}({seed}) in thread {me} has other bits than alone")
                    counts[me] += 1
            except BaseException as error:
                wrong.append(f"thread {me}: {type(error).__name__}: {error}")

        switch = sys.getswitchinterval()
        sys.setswitchinterval(1e-4)
        before = torch.get_num_threads()
        torch.set_num_threads(max(2, before))
        try:
            team = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(threads)]
            [t.start() for t in team], [t.join(seconds * 3 + 300) for t in team]
            hung = sum(t.is_alive() for t in team)
        finally:
            sys.setswitchinterval(switch)
            torch.set_num_threads(before)
    figures = f"{threads} threads, {seconds} s, {sum(counts):,} pieces of work ({', '.join(k.__name__ for k in kinds)})"
    if wrong or hung:
        raise Failed(f"{figures}: {len(wrong)} mismatches, {hung} threads hang", wrong)
    return f"{figures}: 0 mismatches"


@check("thread sanitizer", must="0 findings", short={"seconds": 0}, long={"seconds": 60})
def thread_sanitizer(seconds):
    """The pool, the allocator, recorded calls and plans of files, by eight threads of a C program, compiled with -fsanitize=thread."""
    if not seconds:
        raise NotRun("only the long form compiles the library again")
    status, text = tool(["sh", "scripts/tsan.sh", str(seconds)], ROOT, {**os.environ, "PYTHON": sys.executable})
    if status:
        raise Failed("findings", text.splitlines()[-60:])
    return text.strip().splitlines()[-1]


@check("free-threaded Python", must="0 mismatches", short={"seconds": 2}, long={"seconds": 600})
def free_threaded(seconds):
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotRun("this Python has a global lock; the check runs under 3.13t or 3.14t")
    if sys._is_gil_enabled():
        raise Failed("importing udlfast turned the global lock on")
    return concurrency(seconds)
