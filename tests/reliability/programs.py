"""Programs that checks run in interpreters of their own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# an editable install is built again where it is imported; the process that runs the checks has done so: its children need no compiler
BUILT = "import sys\nfor finder in sys.meta_path: vars(finder).get('rebuild_flag') and setattr(finder, 'rebuild_flag', False)\n"


def environment(**more):
    """This process's, with tests/ where Python looks for modules, and `more`; None takes a variable out."""
    paths = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": paths, **more}
    return {k: v for k, v in env.items() if v is not None}


def pythons():
    """version -> interpreter, of those that are installed."""
    found = {}
    for version in PYTHONS:
        root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        inside = sorted(root.glob(f"{version}*/bin/python{version}"))
        word = str(inside[-1]) if inside else shutil.which(f"python{version}")
        if word:
            found[version] = word
    return found


def kill_tree(process):
    """End a process and all that it has started, also what those have left running. What is found is stopped first, lest it starts more."""
    found, new = [], [process.pid]
    while new:
        for pid in new:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        while any(state(pid) not in "TtZX" for pid in new):  # one that is inside fork() stops after it
            time.sleep(0.001)
        found += new
        parents = parents_of_all()
        new = [pid for pid, parent in parents.items() if parent in found and pid not in found]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def state(pid):
    """The letter of Linux's /proc for what a process does; X: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def parents_of_all():
    """{process: its parent}, by Linux's /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return parents


@contextlib.contextmanager
def program(code, options=(), env=None, cwd=None, before=None):
    """A process that runs this text, from a file (so that it can spawn); it and its children are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(BUILT + code)
        process = subprocess.Popen(
            [*(before or ()), sys.executable, *options, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(**(env or {})), cwd=cwd or folder,
        )  # fmt: skip
        try:
            yield process
        finally:
            kill_tree(process)
            process.communicate()


def run_program(code, options=(), env=None, cwd=None, limit=600, before=None):
    """(status, stdout, stderr) of a program; the status is "hangs" for one that takes longer than `limit` seconds."""
    with program(code, options, env, cwd, before) as process:
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            kill_tree(process)
            out, err = process.communicate()
            return "hangs", out, err
        return process.returncode, out, err


def tool(words, cwd=None, env=None, limit=3600):
    """(status, output and errors together) of a command."""
    try:
        done = subprocess.run(words, cwd=cwd, env=env, timeout=limit, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        return 127, str(error)
    return done.returncode, done.stdout
