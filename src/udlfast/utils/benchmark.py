"""torch.utils.benchmark: how long a statement takes, with the figures that tell whether to believe it."""

import timeit as _timeit

from .._core import get_num_threads, set_num_threads
from ..errors import ArgumentError

__all__ = ["Compare", "Measurement", "Timer", "select_unit", "timer"]

timer = _timeit.default_timer
UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))


def select_unit(t):
    """(unit, seconds of it) in which a time reads best."""
    seconds, unit = max((u for u in UNITS if u[0] <= t), default=UNITS[0])
    return unit, seconds


def _share(ordered, q):
    """The q-th quantile of ordered numbers, between neighbours in proportion."""
    place = q * (len(ordered) - 1)
    i = int(place)
    return ordered[i] + (place - i) * (ordered[min(i + 1, len(ordered) - 1)] - ordered[i])


class Measurement:
    """The times of one statement.

    times: seconds of one run, in each of the measurements; median, mean, iqr (the range of their middle half)

    >>> import udlfast.utils.benchmark as benchmark
    >>> benchmark.Measurement(number_per_run=2, raw_times=[4.0, 2.0]).median
    1.5
    """

    def __init__(self, number_per_run, raw_times, task_spec=None, metadata=None):
        self.number_per_run, self.raw_times, self.task_spec, self.metadata = number_per_run, list(raw_times), task_spec or {}, metadata
        self.times = [t / number_per_run for t in self.raw_times]
        self._ordered = sorted(self.times)

    def __getattr__(self, name):
        if name in ("label", "sub_label", "description", "num_threads", "stmt", "setup", "env"):
            return self.task_spec.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    median = property(lambda self: _share(self._ordered, 0.5), doc="The middle of the times.")
    mean = property(lambda self: sum(self.times) / len(self.times), doc="Their mean.")
    iqr = property(lambda self: _share(self._ordered, 0.75) - _share(self._ordered, 0.25), doc="The range of their middle half.")
    has_warnings = property(lambda self: not self.meets_confidence(), doc="Whether they scatter too much to be believed.")
    title = property(lambda self: self.label or self.stmt or "", doc="What was measured, in words.")
    as_row_name = property(lambda self: self.sub_label or self.stmt or "", doc="The row of a table that it belongs to.")

    def meets_confidence(self, threshold=0.1):
        """Whether the middle half of the times lies within a share of the median."""
        return len(self.times) > 1 and self.iqr <= threshold * self.median

    def __repr__(self):
        unit, scale = select_unit(self.median)
        n, few = len(self.times), len(self.times) == 1
        lines = [f"{self.title}{': ' + self.sub_label if self.sub_label else ''}", self.description or ""]
        lines.append(f"setup: {self.setup}" if self.setup and self.setup != "pass" else "")
        lines.append(f"  {'' if few else 'Median: '}{self.median / scale:.2f} {unit}")
        if n >= 4:
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({self._ordered[0] / scale:.2f} to {self._ordered[-1] / scale:.2f})")
        lines.append(f"  {n} measurement{'' if few else 's'}, {self.number_per_run} runs {', ' if few else 'per measurement, '}"
                     f"{self.num_threads or 1} thread{'s' if (self.num_threads or 1) > 1 else ''}")  # fmt: skip
        if not few and self.has_warnings:
            lines.append(f"  WARNING: Interquartile range is {100 * self.iqr / self.median:.1f}% of the median measurement.")
        return "\n".join([f"<{type(self).__name__}>", *(line for line in lines if line)])

    @staticmethod
    def merge(measurements):
        """Measurements of the same statement as one each."""
        groups = {}
        for m in measurements:
            groups.setdefault((m.number_per_run, tuple(sorted((k, str(v)) for k, v in m.task_spec.items()))), []).append(m)
        return [Measurement(ms[0].number_per_run, sum((m.raw_times for m in ms), []), ms[0].task_spec) for ms in groups.values()]


class Timer:
    """Times a statement, after one run to warm up, with a fixed number of threads.

    Args:
        stmt: code that is timed, as text
        setup: code that runs once before
        global_setup, language: accepted for Python
        timer: the clock
        globals: names that the code sees
        label, sub_label, description, env: what stands in the results
        num_threads: threads that operations may use meanwhile
    Raises: ArgumentError for another language

    >>> import udlfast.utils.benchmark as benchmark
    >>> benchmark.Timer("x + x", globals={"x": 1}).timeit(5).number_per_run
    5

    Source: the public names of PyTorch.
    """

    def __init__(self, stmt="pass", setup="pass", global_setup="", timer=timer, globals=None, label=None, sub_label=None,
                 description=None, env=None, num_threads=1, language="python"):  # fmt: skip
        if str(getattr(language, "value", language)).lower() not in ("python", "py", "0"):
            raise ArgumentError(f"Timer: only statements in Python are timed, got language {language!r}")
        import textwrap

        stmt, setup = (textwrap.dedent(code).strip() for code in (stmt, setup))
        self._task = {"stmt": stmt, "setup": setup, "label": label, "sub_label": sub_label, "description": description, "env": env,
                      "num_threads": num_threads}  # fmt: skip
        self._threads = num_threads
        self._timer = _timeit.Timer(stmt, setup, timer, {} if globals is None else globals)

    def _seconds(self, number):
        before = get_num_threads()
        set_num_threads(self._threads)
        try:
            return self._timer.timeit(number)
        finally:
            set_num_threads(before)

    def timeit(self, number=1000000):
        """One measurement of `number` runs."""
        self._seconds(max(number // 100, 2))
        return Measurement(number, [self._seconds(number)], self._task)

    def repeat(self, repeat=-1, number=-1):
        """Not offered, as in PyTorch: use blocked_autorange."""
        raise NotImplementedError("Timer.repeat: use blocked_autorange or timeit")

    def _block(self, min_run_time):
        """So many runs that the clock's own time does not count."""
        overhead = min(self._timer.inner(iter([]), self._timer.timer) for _ in range(5))
        number = 1
        while True:
            t = self._seconds(number)
            if overhead <= t * 1e-4 and t >= min_run_time / 1000 or t >= min_run_time:
                return number
            number *= 10

    def blocked_autorange(self, callback=None, min_run_time=0.2):
        """Measurements of blocks of runs for min_run_time seconds; callback(runs, seconds) sees each."""
        number, raw, total = self._block(min_run_time), [], 0.0
        while total < min_run_time or not raw:
            t = self._seconds(number)
            raw.append(t)
            total += t
            if callback is not None:
                callback(number, t)
        return Measurement(number, raw, self._task)

    def adaptive_autorange(self, threshold=0.1, *, min_run_time=0.01, max_run_time=10.0, callback=None):
        """Measurements until they agree (meets_confidence), or for max_run_time seconds."""
        number, raw, total = self._block(0.05), [], 0.0
        while True:
            t = self._seconds(number)
            raw.append(t)
            total += t
            if callback is not None:
                callback(number, t)
            m = Measurement(number, raw, self._task)
            if total >= max_run_time or total >= min_run_time and len(raw) > 3 and m.meets_confidence(threshold):
                return m

    autorange = blocked_autorange

    def collect_callgrind(self, number=100, **options):
        """Raises: instructions are not counted here."""
        raise ArgumentError("Timer.collect_callgrind: not offered; run the script under valgrind --tool=callgrind")


class Compare:
    """Measurements side by side: a row for each sub_label, a column for each description.

    >>> import udlfast.utils.benchmark as benchmark
    >>> Timer = benchmark.Timer
    >>> table = str(benchmark.Compare([Timer("1 + 1", label="sums", sub_label="small", description="ints").timeit(9)]))
    >>> "sums" in table and "small" in table and "ints" in table
    True
    """

    def __init__(self, results):
        self._results = list(results)

    def extend_results(self, results):
        """Add measurements."""
        self._results.extend(results)

    def trim_significant_figures(self):
        """Accepted: four figures are shown anyway."""

    def colorize(self, rowwise=False):
        """Accepted: the table is plain text."""

    def highlight_warnings(self):
        """Accepted."""

    def print(self):
        """Write the table to the standard output."""
        print(str(self))

    def __str__(self):
        parts = []
        results = Measurement.merge(self._results)
        for label in dict.fromkeys(m.title for m in results):
            part = [m for m in results if m.title == label]
            columns = list(dict.fromkeys(m.description or "" for m in part))
            unit, scale = select_unit(min(m.median for m in part))
            rows = {}
            for m in part:
                name = (m.num_threads or 1, f"{m.env}: {m.as_row_name}" if m.env else m.as_row_name)
                rows.setdefault(name, {})[m.description or ""] = f"{m.median / scale:.4g}"
            wide = max(len(name) for _, name in rows) + 6
            widths = [max(len(c), *(len(r.get(c, "")) for r in rows.values())) for c in columns]
            lines = [" " * wide + "  |  " + "  |  ".join(c.center(w) for c, w in zip(columns, widths))]
            for threads in dict.fromkeys(t for t, _ in rows):
                lines.append(f"{threads} threads: ".ljust(len(lines[0]), "-"))
                for (t, name), r in rows.items():
                    if t == threads:
                        cells = (r.get(c, "").rjust(w) for c, w in zip(columns, widths))
                        lines.append("  |  ".join([f"      {name}".ljust(wide), *cells]))
            title = f"[{f' {label} ':-^{max(len(lines[0]) - 2, len(label) + 4)}}]"
            long = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds"}[unit]
            parts.append("\n".join([title, *lines, "", f"Times are in {long} ({unit})."]))
        return "\n\n".join(parts) + "\n"
