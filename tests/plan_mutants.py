"""Mutants of .udl files: whatever load_plan takes is run. tests/c/fuzz/plan_fuzz.c does the same in C, under sanitizers.

    python tests/plan_mutants.py --count 100000 --seed 1
    python tests/plan_mutants.py --write FOLDER          the sound files, for plan_fuzz

Every mutant must be refused with FileFormatError, or load and run within 10 seconds of processor time, within 300 MiB of memory beside
the file, to a result or to one of the errors of a run. Children do the work, so that a crash is seen as one.
"""

import argparse
import os
import random
import resource
import signal
import struct
import sys
import tempfile
from collections import Counter

from plans import CASES, recorded

import udlfast as torch
from udlfast import _core
from udlfast.compiler.load import LoadedPlan, structure_of
from udlfast.serialization import FileFormatError

ROOM = 300 << 20
LIMITS = [2**31 - 1, 2**32 - 1, 2**63 - 1, -(2**63), 2**31, 2**44, 2**47, 2**53, 2**60, 2**62, 65535, 65536, 4096, 63, 64, 65]


def seeds(folder):
    """Writes the sound files: their paths."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for case in CASES:
        paths.append(os.path.join(folder, case + ".udl"))
        if not os.path.exists(paths[-1]):  # of an earlier batch
            recorded(case)[0].plans[0].save(paths[-1])
    return paths


def word_like(rng, old, words):
    kind = rng.randrange(9)
    new = [
        rng.randrange(-3, 9),
        old + 1,
        old - 1,
        old * 2,
        old // 2,
        rng.choice(LIMITS),
        -old,
        old ^ 1 << rng.randrange(64),
        rng.choice(words),
    ][kind]
    return (new + 2**63) % 2**64 - 2**63


def mutate(data, rng):
    """(kind, bytes)"""
    data = bytearray(data)
    kind = rng.choice(["words", "words", "words", "head", "bytes", "cut"])
    start = 8 + int.from_bytes(data[:8], "little")
    n = struct.unpack_from("<q", data, start + 16)[0]
    words = list(struct.unpack_from(f"<{n}q", data, start))
    for _ in range(rng.choice([1, 1, 2, 6])):
        if kind in ("words", "head"):
            i = rng.randrange(16 if kind == "head" else n)
            words[i] = word_like(rng, words[i], words)
            struct.pack_into("<q", data, start + 8 * i, words[i])
        elif kind == "bytes":
            data[rng.randrange(len(data))] = rng.randrange(256)
    if kind == "cut":
        del data[rng.randrange(len(data)) :]
    return kind, bytes(data)


def try_one(path, size, rng):
    """What becomes of a file: "refused", "ran" or "failed" (a run that ends with an error of its own)."""
    try:
        core = _core.SavedPlan(path, None, size + (16 << 20), 3e6, rng.random() < 0.5, rng.random() < 0.5)
        plan = LoadedPlan(core, structure_of(core, path))
    except FileFormatError as error:
        assert len(str(error)) < 1000
        return "refused"
    inputs = []
    for _, dtype, shape in plan.inputs:
        count = 1
        for s in shape:
            count *= s
        if count * dtype.itemsize > 1 << 22:
            return "refused"
        inputs.append(torch.full(shape, rng.choice([0, 1, 3]), dtype=dtype))
    if sum(dtype.itemsize * torch.Size(shape).numel() for _, dtype, shape in plan.outputs) > 1 << 24:
        return "refused"
    try:
        plan(*inputs)
        return "ran"
    except (IndexError, RuntimeError):
        return "failed"


def child(files, folder, seed, count):
    """Tries mutants number 0 to count - 1 of a seed; prints nothing, exits with 0 or dies."""
    path = os.path.join(folder, f"mutant-{os.getpid()}.udl")
    with open("/proc/self/status") as file:
        size = next(int(line.split()[1]) << 10 for line in file if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))
    counts = Counter()
    for i in range(count):
        rng = random.Random(f"{seed}-{i}")
        kind, data = mutate(rng.choice(files), rng)
        with open(path, "wb") as file:
            file.write(data)
        signal.setitimer(signal.ITIMER_PROF, 10)  # of processor time: a machine may be busy with others
        signal.alarm(3600)
        try:
            counts[kind, try_one(path, len(data), rng)] += 1
        except BaseException as error:
            return None, f"mutant {i} of seed {seed}: {type(error).__name__}: {str(error)[:300]}"
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)
    os.unlink(path)
    return counts, ""


def judge(count, seed, folder):
    """(Counter of (kind, outcome), fault or None) of `count` mutants, in a child process."""
    files = []
    for path in seeds(os.path.join(folder, "seeds")):
        with open(path, "rb") as file:
            files.append(file.read())
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ours)
            counts, fault = child(files, folder, seed, count)
            with os.fdopen(theirs, "w") as out:
                out.write(repr((dict(counts or {}), fault)))
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) or not text:
        return Counter(), f"seed {seed}: the child ended with status {status}"
    counts, fault = eval(text, {"__builtins__": {}})  # our own child's repr of numbers and strings
    return Counter(counts), fault or None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", metavar="FOLDER")
    args = parser.parse_args()
    if args.write:
        seeds(args.write)
        return 0
    total, batch = Counter(), 2000
    with tempfile.TemporaryDirectory() as folder:
        for k in range(-(-args.count // batch)):
            counts, fault = judge(min(batch, args.count - k * batch), args.seed * 100_000 + k, folder)
            total += counts
            if fault:
                print(fault)
                return 1
    print(f"{sum(total.values())} mutants:", ", ".join(f"{kind} {outcome} {n}" for (kind, outcome), n in sorted(total.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
