"""Planted faults: each of faults.py is put into a copy of the sources, built where it is C, and the ordinary tests of that operation
have to fail. Then the fault is taken back, and the tests that failed have to pass again.

A fault that no test notices is a hole in the tests: strengthen tests/test_OP.py, not this list.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import udlfast as torch
from reliability.faults import FAULTS
from reliability.frame import ROOT, Failed, NotRun, check

COPIED = ("src", "csrc", "tests", "examples", "scripts", "docs", "CMakeLists.txt", "pyproject.toml", "README.md", "CHANGELOG.md")
# the copy instead of an editable installation of the checkout
RUN = ("import runpy, sys; sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__module__.startswith('_editable')]; "
       "sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('pytest', run_name='__main__')")  # fmt: skip


def run(words, folder, seconds=7200, **env):
    return subprocess.run([str(w) for w in words], cwd=folder, capture_output=True, text=True, timeout=seconds, env={**os.environ, **env})


def tests(copy, names):
    """pytest in the copy: (status, names of tests that failed, what it printed)."""
    done = run([sys.executable, "-c", RUN, copy / "src", "-x", "-q", "-p", "no:cacheprovider", *names], copy, PYTEST_ADDOPTS="")
    return done.returncode, re.findall(r"^(?:FAILED|ERROR) (tests/\S+?\.py::[^\s\[]+(?:\[.*?\])?)(?: - |$)", done.stdout, re.M), done.stdout


def build(copy):
    """The extension module of the copy; a message if it cannot be built."""
    folder = copy / "build"
    if not (folder / "build.ninja").is_file():
        more = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        more.append(f"-DUDL_LEVELS={';'.join(torch.isas()[1:])}")  # what can run here
        done = run(["cmake", "-G", "Ninja", "-S", copy, "-B", folder, "-DCMAKE_BUILD_TYPE=Release",
                    f"-DPython_EXECUTABLE={sys.executable}", *more], copy)  # fmt: skip
        if done.returncode:
            raise NotRun(f"cmake: {done.stderr[-300:]}")
    done = run(["ninja", "-C", folder, "_core"], copy)
    if done.returncode:
        return done.stdout[-1500:]
    for path in folder.glob("_core*.so"):
        shutil.copy(path, copy / "src/udlfast" / path.name)
    return None


def refresh(source, to):
    """Copies what is not there or differs, a fault that was left behind too, as new files: only they are built again."""
    for path in source.rglob("*") if source.is_dir() else (source,):
        there = to / path.relative_to(source)
        if path.is_file() and path.suffix not in (".so", ".pyc") and not (there.is_file() and there.read_bytes() == path.read_bytes()):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)


def plant(copy, fault):
    """Puts the fault in; returns the text to put back."""
    file, old, new, *_ = fault
    path = copy / file
    text = path.read_text()
    if text.count(old) != 1:
        raise Failed(f"{file}: the text of a fault stands there {text.count(old)} times, not once", [old])
    path.write_text(text.replace(old, new))
    return text


def title(fault):
    return f"{fault[0]}: {fault[4]} ({fault[1][:60]})"


def one(copy, fault):
    """None if the fault was noticed, with the test that failed; or a message."""
    text = plant(copy, fault)
    wrong = build(copy) if (copy / "build").is_dir() else None  # also where a gradient rule follows a fault of a kernel
    try:
        if wrong:
            return None, f"{title(fault)}: does not build: {wrong}"
        status, failed, said = tests(copy, [f"tests/test_{fault[3]}.py"])
        if status == 1 and failed:
            return failed[0], None
        return None, f"{title(fault)}: tests/test_{fault[3]}.py " + ("passes" if status == 0 else f"ends with {status}: {said[-500:]}")
    finally:
        (copy / fault[0]).write_text(text)


@check("planted faults", must="each caught by the ordinary tests of its operation", short={"only": "softmax.py|remap.py.*other"}, long={})
def planted_faults(only="", folder=""):
    """only: a pattern of titles; folder: a place for the copy and its build, which a later call goes on from."""
    if not (ROOT / "csrc").is_dir():
        raise NotRun("not a checkout")
    chosen = [f for f in FAULTS if re.search(only, title(f))]
    for f in FAULTS:  # every fault still fits the sources
        if (ROOT / f[0]).read_text().count(f[1]) != 1:
            raise Failed(f"{f[0]}: the text of a fault is not there once", [f[1]])
    compiled = any(f[0].startswith("csrc") for f in chosen)
    if compiled and not (shutil.which("cmake") and shutil.which("ninja")):
        raise NotRun("cmake and ninja are needed")
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(folder or temporary)
        for name in COPIED:
            refresh(ROOT / name, copy / name)
        if compiled:
            wrong = build(copy)
            if wrong:
                raise NotRun(f"the copy does not build: {wrong[-300:]}")
        else:
            shutil.copy(torch._core.__file__, copy / "src/udlfast")
        noticed, missed = [], []
        for f in chosen:
            test, message = one(copy, f)
            print(f"    {title(f)}: {test or message}", file=sys.stderr, flush=True)
            (missed if message else noticed).append(message or test)
        if compiled:
            build(copy)
        status, failed, said = tests(copy, sorted(set(noticed))) if noticed else (0, [], "")
    figures = f"{len(noticed)} of {len(chosen)} faults noticed"
    if status:
        missed.append(f"without the fault these fail too: {failed or said[-500:]}")
    if missed:
        raise Failed(figures, missed)
    return figures + ", in " + str(len({f[0] for f in chosen})) + " files"
