"""One case, up to three runners: the best NumPy, udlfast, and PyTorch where it is installed.

A case is a function of a NumPy Generator that draws the inputs and returns a Race: a NumPy step, and a function that,
given `udlfast` or `torch` (they share their names), returns the step to time there. A step does one unit of work
and returns the arrays by which the runners are compared. Every runner draws its own inputs from the same seed,
so that steps which change them in place stay comparable.

`bench(...)` at the end of each bench_OP.py makes pytest-benchmark tests of the cases; `table(...)` times them in turn
for `python -m udlfast bench`.
"""
import contextlib
import importlib.util
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SIDES = ("numpy", "udlfast", "torch")
SETTLE = 0.2   # seconds of rest before a runner's turn: OpenBLAS's idle threads spin for up to 0.1 s before they sleep
WARM_UP = 0.02 # seconds
HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Race:
    numpy: Callable[[], Any]            # one step in NumPy
    other: Callable[[Any], Callable]    # udlfast or torch -> one step in it
    flops: float = 0.0                  # floating-point operations of a step
    moved: float = 0.0                  # bytes that a step must read and write at least
    tolerance: float = 2e-5             # largest difference allowed, relative to the largest entry


@dataclass
class Case:
    op: str
    name: str
    make: Callable[[np.random.Generator], Race]

    def race(self):
        """A fresh Race: every call draws the same inputs."""
        return self.make(np.random.default_rng(0))


@dataclass
class Cases:
    """The cases of one bench file: `@cases` adds a function, `cases.add(name, function)` one under another name."""
    op: str
    all: list = field(default_factory=list)

    def add(self, name, make):
        self.all.append(Case(self.op, name, make))

    def __call__(self, make):
        self.add(make.__name__, make)
        return make


# ---- inputs and results ---------------------------------------------------------------------------------------------
def f32(rng, *shape, scale=1.0):
    """Normal float32 numbers."""
    x = rng.standard_normal(shape, dtype=np.float32)
    return x if scale == 1.0 else x * np.float32(scale)


def size(*arrays):
    """Bytes of all arrays."""
    return float(sum(a.nbytes for a in arrays))


def leaf(torch, a):
    """Tensor over the NumPy array a that gathers a gradient."""
    return torch.from_numpy(a).requires_grad_(True)


def _moments(x):
    x = np.asarray(x.numpy() if hasattr(x, "numpy") else x, np.float64)
    return np.round([1 + x.mean(), x.std()], 1)


def checked_once(draw):
    """The first call returns moments to compare, later ones only draw."""
    first = [True]

    def step():
        x = draw()
        if first and first.pop():
            return _moments(x)
        return None
    return step


def affine_train(x, w, b, g, numpy, forward, flops):
    """Race of y = forward(F, x, w, b) with the gradients of x, w, b from the upstream gradient g."""
    def other(torch):
        tx, tw, tb, tg = leaf(torch, x), leaf(torch, w), leaf(torch, b), torch.from_numpy(g)

        def step():
            tx.grad = tw.grad = tb.grad = None
            y = forward(torch.nn.functional, tx, tw, tb)
            y.backward(tg)
            return y, tx.grad, tw.grad, tb.grad
        return step

    return Race(numpy, other, flops, 5 * size(x), tolerance=1e-4)


def flatten(result):
    """Every array in a step's result, as float64."""
    if result is None:
        return []
    if isinstance(result, (list, tuple)):
        return [a for r in result for a in flatten(r)]
    if hasattr(result, "detach"):
        result = result.detach().numpy()
    return [np.asarray(result, np.float64)]


def difference(got, want):
    """Largest |got - want| over the largest |want| of each array; infinity when shapes or special values differ."""
    got, want = flatten(got), flatten(want)
    if len(got) != len(want):
        return np.inf
    worst = 0.0
    for g, w in zip(got, want, strict=True):
        same = np.isfinite(w)
        if g.shape != w.shape or not np.array_equal(same, np.isfinite(g)):
            return np.inf
        g, w = g[same], w[same]
        if w.size:
            worst = max(worst, float(np.abs(g - w).max() / max(np.abs(w).max(), 1e-30)))
    return worst


def check(case, step, side):
    """Raise AssertionError unless the first two steps of `side` agree with NumPy's.

    Two, because the second shows what the first did to parameters and to state.
    """
    race = case.race()
    d = max(difference(flatten(step()), race.numpy()) for _ in range(2))
    assert d <= race.tolerance, (f"{case.op}/{case.name}: {side} differs from NumPy by {d:.2e} "
                                 f"(allowed {race.tolerance:.0e})")


LENET = ((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,))


def optimiser(shapes, make_numpy, make_other, passes, tolerance):
    """passes: how often a step must read or write an array of the parameters' size."""
    def make(rng):
        parameters = [f32(rng, *s) for s in shapes]
        gradients = [f32(rng, *s) for s in shapes]
        baseline = make_numpy(parameters)

        def numpy():
            baseline.step(gradients)
            return [p.ravel()[:100] for p in parameters]

        def other(torch):
            ps = [torch.nn.Parameter(torch.from_numpy(p)) for p in parameters]
            for p, g in zip(ps, gradients, strict=True):
                p.grad = torch.from_numpy(g)
            o = make_other(torch.optim, ps)

            def step():
                o.step()
                return [p.detach().flatten()[:100] for p in ps]
            return step

        return Race(numpy, other, 12.0 * sum(p.size for p in parameters), passes * size(*parameters), tolerance)
    return make


# ---- runners --------------------------------------------------------------------------------------------------------
def library(side):
    """The module of a runner, or None for NumPy."""
    return None if side == "numpy" else importlib.import_module(side)


def installed(side):
    return importlib.util.find_spec(side) is not None


def make_step(case, side):
    race = case.race()
    return race.numpy if side == "numpy" else race.other(library(side))


@contextlib.contextmanager
def threads(n):
    """The same width for udlfast, torch and NumPy's BLAS (the last needs threadpoolctl, or its own variable)."""
    for side in SIDES[1:]:
        if installed(side):
            library(side).set_num_threads(n)
    if installed("threadpoolctl"):
        import threadpoolctl

        with threadpoolctl.threadpool_limits(n):
            yield
    else:
        yield


def width():
    """Threads to use: UDLFAST_BENCH_THREADS, else what udlfast would take."""
    n = os.environ.get("UDLFAST_BENCH_THREADS")
    return int(n) if n else library("udlfast").get_num_threads()


def commit():
    """The commit of this checkout, with + when files differ from it."""
    def git(*words):
        return subprocess.run(["git", "-C", HERE, *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


# ---- pytest ---------------------------------------------------------------------------------------------------------
def bench(cases):
    """The pytest function that checks and times every case on every installed runner."""
    import pytest

    pairs = [pytest.param(c, s, id=f"{c.name}-{s}") for c in cases.all for s in SIDES if installed(s)]

    @pytest.mark.parametrize("case, side", pairs)
    def test(benchmark, record, case, side):
        step = make_step(case, side)
        if side != "numpy":
            check(case, step, side)
        step()
        record(case, side)
        time.sleep(SETTLE)
        benchmark(step)

    test.__name__ = f"test_{cases.op}"
    return test


# ---- table ----------------------------------------------------------------------------------------------------------
def seconds_per_step(step, budget):
    """Median seconds of one call, after SETTLE seconds of rest and WARM_UP seconds of work."""
    time.sleep(SETTLE)
    end = time.perf_counter() + WARM_UP
    step()
    while time.perf_counter() < end:
        step()
    began = time.perf_counter()
    step()
    inner = max(1, int(2e-4 / max(time.perf_counter() - began, 1e-9)))  # the clock itself costs 0.1 us
    times, end = [], time.perf_counter() + budget
    while time.perf_counter() < end or len(times) < 3:
        began = time.perf_counter()
        for _ in range(inner):
            step()
        times.append((time.perf_counter() - began) / inner)
    return statistics.median(times)


def time_case(case, rounds=5, budget=0.05):
    """One row of the table: for each runner the least of its rounds' median times, and their ratios.

    The runners take turns, A B C C B A ..., so that a machine that slows down slows down for all. The least, because a
    neighbour on the same processor core only ever makes a round slower, by half as much again.
    """
    steps = {s: make_step(case, s) for s in SIDES if installed(s)}
    for side, step in steps.items():
        if side != "numpy":
            check(case, step, side)
    times = {s: [] for s in steps}
    for k in range(rounds):
        for side in list(steps)[::-1 if k % 2 else 1]:
            times[side].append(seconds_per_step(steps[side], budget))
    race, ours = case.race(), min(times["udlfast"])
    row = {"op": case.op, "name": case.name, "flops": race.flops, "bytes": race.moved,
           "gflops": race.flops / ours / 1e9, "gb_per_s": race.moved / ours / 1e9}
    for side, t in times.items():
        row[f"{side}_us"] = min(t) * 1e6
        if side != "udlfast":
            row[f"{side}_ratio"] = min(t) / ours
    return row


def load_cases(pattern="."):
    """The cases of every bench_OP.py beside this file whose "op/name" matches the regular expression."""
    import re

    found = []
    for name in sorted(os.listdir(HERE)):
        if name.startswith("bench_") and name.endswith(".py"):
            module = importlib.import_module(name[:-3])
            if not hasattr(module, "cases"):
                continue  # times a GPU, by its own clock
            found += [c for c in module.cases.all if re.search(pattern, f"{c.op}/{c.name}")]
    return found
