"""The corpus of "any argument" once more with the extension module built under the address and undefined-behaviour sanitizers.

    python -m tests.reliability sanitizers --long [levels="generic avx2"] [isa=generic] [folder=DIR [built=1]] [objects=1]

levels: what is built; isa: the level that runs, by default the strongest of them. objects=1: Python's own objects come from malloc too,
which takes twice as long; the library's blocks always do.
DIR keeps the build; built=1 takes the one that is there. Needs cmake, ninja, Cython and a gcc with libasan; the build takes minutes, so
there is no short form.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reliability import check_wrong_numbers, children, corpus
from reliability.check_any_argument import EVERY, SECONDS, describe
from reliability.frame import ROOT, Failed, NotRun, check

FLAGS = "-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
OPTIONS = {
    # no leaks: the interpreter has some of its own; allocations above 64 MiB fail as they would under a memory limit; short traces
    # of allocations and a small quarantine: most of the time went there
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=64:detect_odr_violation=0:"
                    "malloc_context_size=2:quarantine_size_mb=16",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "OPENBLAS_NUM_THREADS": "1",
}


def library(name):
    """The path of a run-time library of gcc, or None."""
    if not shutil.which("gcc"):
        return None
    path = subprocess.run(["gcc", f"--print-file-name={name}"], capture_output=True, text=True).stdout.strip()
    return path if Path(path).is_absolute() else None


def build(folder, levels):
    """The package with a sanitized module in folder/udlfast; NotRun if it cannot be built."""
    without = [f"-DUDL_COMPILER_HAS_{level}=0" for level in ("avx2", "avx512") if level not in levels.split()]
    steps = [["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=None", f"-DCMAKE_C_FLAGS={FLAGS}",
              f"-DPython_EXECUTABLE={sys.executable}", *without], ["ninja", "-C", folder / "build", "_core"]]  # fmt: skip
    for words in steps:
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
        if done.returncode:
            raise NotRun(f"{words[0]}: {(done.stderr or done.stdout)[-300:]}")
    shutil.copytree(ROOT / "src/udlfast", folder / "udlfast", dirs_exist_ok=True, ignore=shutil.ignore_patterns("_core*.so", "__pycache__"))
    for path in (folder / "build").glob("_core*.so"):
        shutil.copy(path, folder / "udlfast")


@check("sanitizers", must="0 findings", short={"calls": 0}, long={"calls": 1_000_000})
def sanitizers(calls, first=0, levels="generic", folder="", isa="", built=False, objects=False):
    if not calls:
        raise NotRun("the build takes minutes: the long form")
    libraries = [library("libasan.so"), library("libubsan.so")]
    if not (all(libraries) and shutil.which("cmake") and shutil.which("ninja") and (ROOT / "csrc").is_dir()):
        raise NotRun("a checkout, gcc with libasan and libubsan, cmake and ninja are needed")
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(folder or temporary)
        if not built:
            build(home, levels)
        env = {**OPTIONS, "LD_PRELOAD": " ".join(libraries), "UDLFAST_RELIABILITY_SOURCE": str(home)}
        isa = isa or levels.split()[-1]
        env.update(UDLFAST_ISA=isa, PYTHONMALLOC="malloc" if objects else "pymalloc")
        findings = children.sweep("reliability.check_any_argument:call", first, first + calls, seconds=10 * SECONDS, env=env,
                                  every=EVERY)
        wrong = children.sweep("reliability.check_wrong_numbers:step", 0, check_wrong_numbers.STEPS, seconds=20 * SECONDS, env=env)
    names = len({n for n, _ in corpus.targets()})
    figures = (f"{findings.ran:,} calls of {names:,} names and mutants of {len(corpus.examples())} examples under "
               f"ASan and UBSan ({isa}): {len(findings)} findings; {check_wrong_numbers.count():,} calls with wrong numbers: "
               f"{len(wrong)}")  # fmt: skip
    if findings or wrong:
        raise Failed(figures, [*describe(findings), *wrong])
    return figures


if __name__ == "__main__":
    build(Path(sys.argv[1]), os.environ.get("LEVELS", "generic"))
