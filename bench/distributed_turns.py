"""Two or more set-ups timed by turns: their processes live side by side, one set-up works while the others sleep on a pipe.

Drifts of the machine then meet all of them alike. A turn in which other programs took more than OTHERS of the processors is left out.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

OTHERS = 0.04
TICK = os.sysconf("SC_CLK_TCK")


def descendants(pid):
    """This process's children, their children, and so on."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has ended
            continue
        for child in map(int, children):
            found += [child, *descendants(child)]
    return found


def processor_seconds(pids):
    """User and system time that these processes have had."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def machine_seconds():
    """Time that the processors have worked or were taken away from this machine, for anybody."""
    numbers = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(numbers) - numbers[3] - numbers[4]) / TICK  # all but idle and waiting


class Runner:
    """Processes that wait for work on a pipe each: `turn(word)` lets them do one piece and gives what process 0 printed."""

    def __init__(self, processes, command, each=lambda rank: {}, env=None):
        """command: started once (a launcher), or a list of commands for one process each; every process reads FOLDER/<its rank>."""
        self.folder = tempfile.mkdtemp()
        self.pipes = []
        for k in range(processes):
            os.mkfifo(f"{self.folder}/{k}")
            self.pipes.append(os.open(f"{self.folder}/{k}", os.O_RDWR))
        self.running = [subprocess.Popen([w.replace("FOLDER", self.folder) for w in words], env=dict(os.environ, **(env or {}), **each(k)),
                                         stdout=subprocess.PIPE, text=True) for k, words in enumerate(command)]  # fmt: skip
        self.others = 0.0

    def turn(self, word):
        """What process 0 measured; `others` is the share of the processors that other programs had meanwhile."""
        pids = [os.getpid(), *descendants(os.getpid())]
        began, used, busy = time.perf_counter(), processor_seconds(pids), machine_seconds()
        for pipe in self.pipes:
            os.write(pipe, word.encode() + b"\n")
        said = self.answer()
        seconds = time.perf_counter() - began
        said["others"] = max(0.0, machine_seconds() - busy - processor_seconds(pids) + used) / (seconds * os.cpu_count())
        return said

    def answer(self):
        for line in self.running[0].stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{' '.join(self.running[0].args)} ended early, with status {self.running[0].wait()}")

    def close(self):
        """Let them end."""
        for pipe in self.pipes:
            os.write(pipe, b"end\n")
        for process in self.running:
            process.communicate()
        for k, pipe in enumerate(self.pipes):
            os.close(pipe), os.unlink(f"{self.folder}/{k}")
        os.rmdir(self.folder)


def work(path, piece):
    """A process's side: piece(word) for each word that comes, until the end."""
    with open(path) as words:
        for word in map(str.strip, words):
            if word == "end":
                return
            piece(word)


def by_turns(runners, words, rounds, seconds, limit=OTHERS):
    """{name: [what process 0 said in each turn that counts]}; runners, words: {name: Runner}, {name: word}; limit: see OTHERS."""
    said, left_out = {name: [] for name in runners}, 0
    began = time.perf_counter()
    for _ in range(rounds):
        row = {name: runner.turn(words[name]) for name, runner in runners.items()}
        if max(r["others"] for r in row.values()) > limit:
            left_out += 1
        else:
            for name, r in row.items():
                said[name].append(r)
        if time.perf_counter() - began > seconds:
            break
    count = len(next(iter(said.values())))
    print(f"    {count} rounds count; in {left_out} more others took over {limit:.0%} of the processors", file=sys.stderr, flush=True)
    if not count:
        raise SystemExit("no round counts, others were at work")
    return said


def spread(values, digits=1):
    """The median, with the quartiles around it."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{middle:.{digits}f} ({low:.{digits}f} .. {high:.{digits}f})"
