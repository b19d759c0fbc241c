"""Steps run in child processes under limits of memory and time: what kills or hangs a child is a finding, and the rest goes on.

    sweep("reliability.check_any_argument:call", 0, 1000, memory=2 << 30, seconds=10)

calls call(0), call(1), ... in a child process. A step returns None, or a string that says what is wrong. The number of the step in
progress stands in a shared page, so that the step that killed the child (a signal) or takes too long (a hang) is known; a new
child goes on after it.
"""

import importlib
import mmap
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


@dataclass
class Finding:
    step: int
    kind: str  # signal, hang, exit, wrong
    text: str

    def __str__(self):
        return f"step {self.step}: {self.kind}: {self.text}"


class Findings(list):
    """Findings, and how many steps were run: fewer than asked for where so much was found that the sweep stopped."""

    ran = 0


def sweep(target, begin, end, memory=None, seconds=20.0, env=None, most=40, every=5000):
    """Findings of the steps [begin, end) of target "module:function"; stops after `most`; a new child every `every` steps."""
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page"
        page.write_bytes(bytes(16))
        at = begin
        while at < end and len(findings) < most:
            stop = min(end, at + every)
            found, at = child(target, at, stop, memory, seconds, env, page, Path(folder))
            findings += found
            if found:
                print(*(f"    {target}: {str(f)}" for f in found), sep="\n", file=sys.stderr, flush=True)
        findings.ran = at - begin
    return findings


def child(target, begin, end, memory, seconds, env, page, folder):
    """(findings, the step to go on with) of one child."""
    page.write_bytes(struct.pack("<qq", begin, 0))
    words = [sys.executable, "-m", "reliability.children", target, str(begin), str(end), str(memory or 0), str(page)]
    given = [os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    paths = os.pathsep.join([str(TESTS), *given])
    out, err = folder / "out", folder / "err"
    with out.open("wb") as o, err.open("wb") as e:
        process = subprocess.Popen(words, stdout=o, stderr=e, env={**os.environ, "PYTHONPATH": paths, **(env or {})}, cwd=folder)
        hung = watch(process, page, seconds)
    text = err.read_text(errors="replace")
    findings = [Finding(int(n), "wrong", what) for n, _, what in
                (line.partition("\t") for line in out.read_text(errors="replace").splitlines()) if n.isdigit()]
    step, _ = struct.unpack("<qq", page.read_bytes())
    if hung:
        return [*findings, Finding(step, "hang", f"more than {seconds:g} s; {text[:2500]}")], step + 1
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        return [*findings, Finding(step, "signal", f"{name} {text[:2500]}")], step + 1
    if process.returncode:
        return [*findings, Finding(step, "exit", f"status {process.returncode}: {text[:2500]}")], step + 1
    return findings, end


def watch(process, page, seconds):
    """Waits for the child; True if one step took longer than `seconds` and the child was killed.

    A step's time is its processor time where that can be read, so that a machine busy with other work makes no hang; looked at in
    vain for ten times as long, it is a hang in any case. Looks are counted, as both processes may be stopped for a while."""
    last, looks, used = None, 0, cpu_seconds(process.pid)
    while True:
        try:
            process.wait(0.2)
            return False
        except subprocess.TimeoutExpired:
            now = page.read_bytes()
            if now != last:
                last, looks, used = now, 0, cpu_seconds(process.pid)
            looks += 1
            waited, most = 0.2 * looks, seconds if now[8] else max(seconds, 30)  # before the first step it imports
            if (waited > most and cpu_seconds(process.pid) - used > most) or waited > 10 * most:
                process.send_signal(signal.SIGABRT)  # faulthandler prints where it stands
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                return True


def cpu_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return float("inf")


def main():
    """The child: sys.argv is target, begin, end, memory, page."""
    import faulthandler
    import warnings

    faulthandler.enable()
    warnings.simplefilter("ignore")
    source = os.environ.get("UDLFAST_RELIABILITY_SOURCE")
    if source:  # a package built in another way, instead of the one that is installed
        sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__module__.startswith("_editable")]
        sys.path.insert(0, source)
    target, begin, end, memory, page = sys.argv[1:]
    module, _, name = target.partition(":")
    step = getattr(importlib.import_module(module), name)
    if int(memory):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open(page, "r+b") as f:
        shared = mmap.mmap(f.fileno(), 16)
    for i in range(int(begin), int(end)):
        shared[:] = struct.pack("<qq", i, 1)
        try:
            wrong = step(i)
        except MemoryError:  # of the step's own bookkeeping
            wrong = None
        if wrong is not None:
            print(i, str(wrong).replace("\n", " "), sep="\t", flush=True)


if __name__ == "__main__":
    main()
