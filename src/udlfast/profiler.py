"""torch.profiler: wall-clock times of named blocks. Operations inside are not listed one by one."""

import time
from contextlib import ContextDecorator
from enum import Enum

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler"]

ACTIVE = []  # the profiles that are running


class ProfilerActivity(Enum):
    """What could be watched."""

    CPU, CUDA, XPU, MTIA = range(4)


class ProfilerAction(Enum):
    """What a step does."""

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


class record_function(ContextDecorator):
    """A block whose time the surrounding profile adds up under a name.

    >>> import udlfast as torch
    >>> with torch.profiler.profile() as p:
    ...     with torch.profiler.record_function("sum"):
    ...         y = torch.ones(3).sum()
    >>> [(row.key, row.count) for row in p.key_averages()]
    [('sum', 1)]
    """

    def __init__(self, name, args=None):
        self.name = name

    def __enter__(self):
        self.start = time.perf_counter()
        return self

    def __exit__(self, *exc):
        taken = time.perf_counter() - self.start
        for p in ACTIVE:
            row = p.rows.setdefault(self.name, Row(self.name))
            row.count += 1
            row.cpu_time_total += taken * 1e6
        return False


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
    """A block in which record_function's blocks are timed. All arguments are accepted; on_trace_ready(profile) is called at the end."""

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, **kwargs):
        self.rows, self.on_trace_ready, self.step_num = {}, on_trace_ready, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        return False

    def start(self):
        """Begin to count."""
        ACTIVE.append(self)

    def stop(self):
        """End, and hand over the result."""
        ACTIVE.remove(self)
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self):
        """The next step of training."""
        self.step_num += 1

    def key_averages(self, *args, **kwargs):
        """The rows, with table()."""
        return Table(self.rows.values())

    def events(self):
        """The rows."""
        return list(self.rows.values())

    def export_chrome_trace(self, path):
        """The rows as a JSON file that chrome://tracing reads: one bar a name."""
        import json

        events, at = [], 0.0
        for r in self.rows.values():
            events.append({"name": r.key, "ph": "X", "ts": at, "dur": r.cpu_time_total, "pid": 0, "tid": 0, "args": {"calls": r.count}})
            at += r.cpu_time_total
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"traceEvents": events}, f)


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """Which steps a profile records: accepted; all are."""
    return lambda step: ProfilerAction.RECORD


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """A function that writes the trace of a profile into a folder."""

    def write(p):
        import os

        os.makedirs(dir_name, exist_ok=True)
        p.export_chrome_trace(os.path.join(dir_name, f"{worker_name or os.getpid()}.{time.time_ns()}.pt.trace.json"))

    return write
