"""torch.profiler: the time of every kernel call, in eager code and in plans, and of named blocks."""
import threading
from contextlib import ContextDecorator
from enum import Enum

from . import _core
from .errors import ArgumentError

__all__ = ["ProfilerAction", "ProfilerActivity", "kineto_available", "profile", "record_function", "schedule", "tensorboard_trace_handler"]

ACTIVE = []  # the profiles that are running


class ProfilerActivity(Enum):
    """What could be watched."""

    CPU, CUDA, XPU, MTIA = range(4)


class ProfilerAction(Enum):
    """What a step does."""

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


RECORDED = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class record_function(ContextDecorator):
    """A block whose time the surrounding profile adds up under a name, beside the kernel calls in it.

    >>> import udlfast as torch
    >>> with torch.profiler.profile() as p:
    ...     with torch.profiler.record_function("block"):
    ...         y = torch.ones(3).sum()
    >>> sorted((row.key, row.count) for row in p.key_averages() if row.key in ("block", "sum"))
    [('block', 1), ('sum', 1)]
    """

    def __init__(self, name, args=None):
        self.name = name

    def __enter__(self):
        self.start = _core.clock()
        return self

    def __exit__(self, *exc):
        taken = _core.clock() - self.start
        for p in ACTIVE:
            p.blocks.append(Event(self.name, "", self.start, taken, threading.get_ident()))
        return False


class Event:
    """One call or block: name, shape in words, start and duration in seconds, thread."""

    def __init__(self, name, shape, start, seconds, thread):
        self.name, self.shape, self.start, self.seconds, self.thread = name, shape, start, seconds, thread

    key = property(lambda self: self.name)
    cpu_time_total = property(lambda self: self.seconds * 1e6)

    def __repr__(self):
        return f"{self.name} {self.shape} {self.cpu_time_total:.1f} us"


class Row:
    """Count and total time (microseconds) of one name."""

    def __init__(self, key):
        self.key, self.count, self.cpu_time_total = key, 0, 0.0

    @property
    def cpu_time(self):
        """Microseconds of one call."""
        return self.cpu_time_total / max(self.count, 1)

    self_cpu_time_total = property(lambda self: self.cpu_time_total)


class Table(list):
    """The rows of a profile."""

    def table(self, sort_by=None, row_limit=100, **kwargs):
        """The rows as text, longest first."""
        rows = sorted(self, key=lambda r: -r.cpu_time_total)[: row_limit if row_limit >= 0 else None]
        width = max([4, *(len(r.key) for r in rows)])
        lines = [f"{'Name':<{width}}  {'CPU total':>12}  {'CPU time avg':>12}  {'# of Calls':>10}"]
        lines += [f"{r.key:<{width}}  {r.cpu_time_total:>10.1f}us  {r.cpu_time:>10.1f}us  {r.count:>10}" for r in rows]
        return "\n".join(lines)


class profile:
    """A block in which every kernel call and record_function's blocks are timed.

    key_averages() adds up by name (and shape, with group_by_input_shape=True); events() has each call; export_chrome_trace(path)
    writes them for chrome://tracing or Perfetto. on_trace_ready(profile) is called at the end, and with schedule (which step() moves
    on) after each step that ends a recording. Other arguments are accepted. A call takes about a microsecond longer meanwhile.

    >>> import udlfast as torch
    >>> with torch.profiler.profile() as p:
    ...     y = torch.ones(4, 3) @ torch.ones(3, 2)
    >>> [(e.name, e.shape) for e in p.events() if e.name == "matmul"]
    [('matmul', '4 x 2 x 3')]
    """

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, **kwargs):
        self.blocks, self.calls, self.on_trace_ready, self.step_num, self.since = [], [], on_trace_ready, 0, None
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.action = self.schedule(0)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        return False

    def start(self):
        """Begin to count, if the schedule says so."""
        if self.action in RECORDED:
            self._begin()

    def stop(self):
        """End, and hand over the result."""
        if self.since is not None:
            self._end()
            self._hand_over()

    def step(self):
        """The next step of training."""
        done = self.action is ProfilerAction.RECORD_AND_SAVE
        self.step_num += 1
        self.action = self.schedule(self.step_num)
        if self.since is not None and (done or self.action not in RECORDED):
            self._end()
            if done:
                self._hand_over()
        if self.since is None and self.action in RECORDED:
            self._begin()

    def _hand_over(self):
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _begin(self):
        self.blocks, self.calls = [], []
        ACTIVE.append(self)
        self.since = _core.profile_start()

    def _end(self):
        from .compiler.explain import Row as CallRow

        for kernel, args, start, seconds, thread in _core.profile_stop(self.since):
            row = CallRow(_core.call_of(kernel, args), seconds)
            self.calls.append(Event(row.name, row.shape, start, seconds, thread))
        ACTIVE.remove(self)
        self.since = None

    def key_averages(self, group_by_input_shape=False, **kwargs):
        """A row for each name, with table()."""
        rows = {}
        for e in self.events():
            key = f"{e.name} {e.shape}".strip() if group_by_input_shape else e.name
            row = rows.setdefault(key, Row(key))
            row.count += 1
            row.cpu_time_total += e.cpu_time_total
        return Table(rows.values())

    def events(self):
        """Every call and block, in order of their start."""
        return sorted(self.calls + self.blocks, key=lambda e: e.start)

    def export_chrome_trace(self, path):
        """A JSON file that chrome://tracing and Perfetto read: one bar for each call and block, by thread."""
        write_trace(path, self.events())


def write_trace(path, events):
    """Events as a Chrome trace, times from the first on."""
    import json

    first = min((e.start for e in events), default=0.0)
    bars = [
        {"name": e.name, "ph": "X", "ts": (e.start - first) * 1e6, "dur": e.seconds * 1e6, "pid": 0, "tid": e.thread,
         "args": {"shape": e.shape}}
        for e in events
    ]  # fmt: skip
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"traceEvents": bars}, f)


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """Which steps a profile records: cycles of `wait` steps of nothing, `warmup` steps of nothing either and `active` recorded ones,
    `repeat` times (0: always), after the first skip_first steps; with skip_first_wait the first cycle does not wait.

    >>> import udlfast as torch
    >>> [torch.profiler.schedule(wait=1, warmup=0, active=2)(step).name for step in range(3)]
    ['NONE', 'RECORD', 'RECORD_AND_SAVE']
    """
    cycle = wait + warmup + active
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise ArgumentError(f"schedule: wait, warmup, repeat and skip_first must be at least 0 and active at least 1, got {wait}, "
                            f"{warmup}, {repeat}, {skip_first} and {active}")

    def action(step):
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        step += wait if skip_first_wait else 0
        place = step % cycle
        if place < wait or repeat and step // cycle >= repeat:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == cycle - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """A function that writes the trace of a profile into a folder."""

    def write(p):
        import os
        import time

        os.makedirs(dir_name, exist_ok=True)
        p.export_chrome_trace(os.path.join(dir_name, f"{worker_name or os.getpid()}.{time.time_ns()}.pt.trace.json"))

    return write


def kineto_available():
    """Whether PyTorch's library for traces is there: no, times are taken by the core itself."""
    return False


class FlopCounterMode:
    """A block in which the operations of products, convolutions and attention are counted, from the sizes their kernels got.

    A multiplication and an addition are two. What causal attention leaves out is not counted, and layers are not told apart: there is
    one table, "Global", from kernels to counts. `display` prints it at the end of the block; mods, depth and custom_mapping are
    accepted for compatibility.

    >>> import udlfast as torch
    >>> with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
    ...     y = torch.ones(4, 3) @ torch.ones(3, 2)
    >>> counter.get_total_flops()
    48
    """

    def __init__(self, mods=None, depth=2, display=True, custom_mapping=None):
        self.display, self.flop_counts = display, {"Global": {}}

    def __enter__(self):
        self.flop_counts = {"Global": {}}
        self._since = _core.profile_start()
        return self

    def __exit__(self, *exc):
        from .compiler.explain import Row as CallRow

        found = self.flop_counts["Global"]
        for kernel, args, *_ in _core.profile_stop(self._since):
            row = CallRow(_core.call_of(kernel, args), 0.0)
            if row.name.startswith(("matmul", "conv", "attention")):
                found[row.name] = found.get(row.name, 0) + row.flops
        if self.display:
            print(self.get_table())
        return False

    def get_total_flops(self):
        """The sum of all counts."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self):
        """{"Global": {kernel: count}}"""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth=None):
        """The counts as text."""
        rows = [("Global", self.get_total_flops()), *((f" - {name}", n) for name, n in self.flop_counts["Global"].items())]
        return "\n".join(f"{name:<32} {n:>16,}" for name, n in rows)
