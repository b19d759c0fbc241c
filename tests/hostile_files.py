"""Damaged and hostile files of tensors: a seeded maker of mutants, and a child process that loads them under limits.

    python tests/hostile_files.py --count 10000 --seed 1

Every mutant must load, or raise udlfast.serialization.FileFormatError: no other exception, no crash, no hang (10 s), no
code run (an audit hook watches imports, processes, files and compilation), and no more memory than the size of the file
and 16 MiB (address space and resident memory). Mutants of plain .safetensors files must be taken or refused as the
safetensors package does, if it is there.
"""

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
from collections import Counter

from hostile_bombs import bombs
from hostile_mutants import mutants, seeds

import udlfast as torch
from udlfast.serialization import FileFormatError

ROOM = 16 << 20


def touch(obj, depth=0):
    """Read every tensor of a tree, so that memory outside of the file's would show."""
    if isinstance(obj, torch.Tensor):
        if obj.numel() <= 1_000_000:
            obj.detach().contiguous().sum()
        return
    if depth < 50 and isinstance(obj, dict):
        for v in obj.values():
            touch(v, depth + 1)
    elif depth < 50 and isinstance(obj, (list, tuple)) and len(obj) < 10_000:
        for v in obj:
            touch(v, depth + 1)


def status(*names):
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return [int(lines[n].split()[0]) << 10 for n in names]


WATCHED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
    "exec",
    "socket.connect",
    "shutil",
    "os.remove",
)


class Judge:
    """Loads files under limits; used in a child process only, for its audit hook stays."""

    def __init__(self, folder):
        self.path, self.events, self.watching = os.path.join(folder, f"mutant-{os.getpid()}"), [], False
        sys.addaudithook(self._hook)
        for name, data in seeds().items():  # what loads lazily is loaded now
            self.load(data)
            del name
        try:
            from safetensors import SafetensorError, deserialize
        except ImportError:
            deserialize = SafetensorError = None
        self.deserialize, self.error = deserialize, SafetensorError

    def _hook(self, event, args):
        if self.watching:
            opened = event == "open" and args[0] != self.path
            if opened or event == "import" or event.startswith(WATCHED):
                self.events.append((event, str(args)[:100]))

    def load(self, data):
        with open(self.path, "wb") as file:
            file.write(data)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        size, resident = status("VmSize", "VmRSS")
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size + len(data) + ROOM, before[1]))
        signal.alarm(10)
        self.events, self.watching = [], True
        try:
            return torch.load(self.path)
        finally:
            self.watching = False
            signal.alarm(0)
            resource.setrlimit(resource.RLIMIT_AS, before)
            self.took = status("VmHWM")[0] - resident

    def __call__(self, data, plain=False):
        """(outcome, fault): "loaded" or "refused", and what is wrong with that, or None."""
        try:
            obj = self.load(data)
        except FileFormatError as error:
            outcome, obj = "refused", str(error)
            fault = "a text of more than 2,000 letters" if len(obj) > 2000 else None
        except BaseException as error:
            return "failed", f"{type(error).__name__}: {str(error)[:300]}"
        else:
            outcome, fault = "loaded", None
            touch(obj)
        if self.events:
            return outcome, f"it did {self.events[:3]}"
        if self.took > len(data) + ROOM:
            return outcome, f"it took {self.took} bytes, the file has {len(data)}"
        if plain and self.deserialize and fault is None:
            fault = self.agreement(data, outcome, obj)
        return outcome, fault

    def agreement(self, data, outcome, text):
        try:
            self.deserialize(data)
            theirs = "loaded"
        except (self.error, OverflowError):
            theirs = "refused"
        less = ("not supported", "at most 8", "of shape [0, ", "its tree", "newer")  # what the format has and udlfast has not
        if outcome == theirs or (theirs == "loaded" and any(why in text for why in less)):
            return None
        return f"safetensors has {theirs} it; here it is {outcome} {text if outcome == 'refused' else ''}"


def judge_all(files, folder):
    """{(kind, outcome): count}, and faults; files: (label, kind, bytes, plain). A child does it; if it dies, that is a fault."""
    counts, faults, files = Counter(), [], list(files)
    start = 0
    while start < len(files):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            code = 0
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                os.chdir(folder)
                judge = Judge(folder)
                with os.fdopen(write, "w") as pipe:
                    for label, kind, data, plain in files[start:]:
                        outcome, fault = judge(data() if callable(data) else data, plain)
                        pipe.write(json.dumps([label, kind, outcome, fault]) + "\n")
                        pipe.flush()
            except BaseException as error:
                code = 1
                print(f"the judge itself failed: {error!r}", file=sys.stderr)
            os._exit(code)
        os.close(write)
        with os.fdopen(read) as pipe:
            done = [json.loads(line) for line in pipe]
        code = os.waitpid(child, 0)[1]
        for label, kind, outcome, fault in done:
            counts[kind, outcome] += 1
            if fault:
                faults.append((label, fault))
        start += len(done)
        if code and start < len(files):
            faults.append((files[start][0], f"the child ended with status {code} (14: it hung)"))
            start += 1
    if os.path.exists(os.path.join(folder, "executed")):
        faults.append(("?", "a command was executed"))
    return counts, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [*mutants(options.count, options.seed), *((f"bomb: {name}", "bomb", data, False) for name, data in bombs().items())]
        counts, faults = judge_all(files, folder)
    for (kind, outcome), n in sorted(counts.items()):
        print(f"{kind:18} {outcome:8} {n:6}")
    if counts["bomb", "loaded"]:
        faults.append(("a bomb", "it was loaded"))
    for label, fault in faults[:40]:
        print(f"FAULT {label}: {fault}")
    print(f"{len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
