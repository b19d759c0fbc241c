"""Damaged and hostile files of tensors and models: mutants, and a child process that loads them under limits.

    python tests/hostile_files.py --count 10000 --seed 1

Every mutant must load, or raise udlfast.serialization.FileFormatError (ONNX: an error of udlfast.errors; IDX: IDXError): no other
exception, no crash, no hang (10 s of processor time), no code run (an audit hook watches imports, processes, files and compilation),
and no more memory than the size of the file and 16 MiB (address space and resident memory). Mutants of plain .safetensors files must be
taken or refused as the safetensors package does, if it is there. Models of ONNX files that load are run, too.
"""

import argparse
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import tempfile
from collections import Counter

import hostile_models
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


def status(file, *names):
    """Lines of /proc/self/status, as bytes; file: its descriptor."""
    text = os.pread(file, 8192, 0)
    return [int(text[text.index(n) + len(n) : text.index(b" kB", text.index(n))]) << 10 for n in names]


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


def reader_of(kind):
    """(load, use, exceptions that refuse) for files of a kind."""
    return hostile_models.reader_of(kind) if kind.endswith((".onnx", ".idx", ".idx.gz")) else (torch.load, touch, FileFormatError)


def every_mutant(count, seed):
    """(label, kind, maker, plain): a fifth of them models and IDX files."""
    models = hostile_models.mutants(count // 5, seed)
    yield from mutants(count - count // 5, seed)
    yield from ((label, kind, make, False) for label, kind, make in models)


class Judge:
    """Loads files under limits; used in a child process only, for its audit hook stays."""

    def __init__(self, folder):
        self.status, self.clear = os.open("/proc/self/status", os.O_RDONLY), os.open("/proc/self/clear_refs", os.O_WRONLY)
        self.path, self.events, self.watching = os.path.join(folder, f"mutant-{os.getpid()}"), [], False
        sys.addaudithook(self._hook)
        for module in pkgutil.iter_modules(torch.ops.__path__, "udlfast.ops."):  # what loads lazily is loaded now
            importlib.import_module(module.name)
        repr(torch.ones(2))  # messages show tensors
        for name, data in {**seeds(), **hostile_models.seeds()}.items():
            load, use, _ = reader_of(name)
            use(self.load(data, load))
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

    def load(self, data, load=torch.load):
        with open(self.path, "wb") as file:
            file.write(data)
        os.write(self.clear, b"5")
        size, resident = status(self.status, b"VmSize:", b"VmRSS:")
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size + len(data) + ROOM, before[1]))
        signal.setitimer(signal.ITIMER_PROF, 10)
        signal.alarm(600)
        self.events, self.watching = [], True
        try:
            return load(self.path)
        finally:
            self.watching = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
            resource.setrlimit(resource.RLIMIT_AS, before)
            self.took = status(self.status, b"VmHWM:")[0] - resident

    def __call__(self, data, kind="", plain=False):
        """(outcome, fault): "loaded" or "refused", and what is wrong with that, or None."""
        load, use, refusals = reader_of(kind)
        try:
            obj = self.load(data, load)
        except refusals as error:
            outcome, obj = "refused", str(error)
            fault = "a text of more than 2,000 letters" if len(obj) > 2000 else None
        except BaseException as error:
            return "failed", f"{type(error).__name__}: {str(error)[:300]}"
        else:
            outcome, fault = "loaded", None
            try:
                use(obj)
            except BaseException as error:
                return outcome, f"when used: {type(error).__name__}: {str(error)[:300]}"
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
                        outcome, fault = judge(data() if callable(data) else data, kind, plain)
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
            faults.append((files[start][0], f"the child ended with status {code} (14, 27: it hung)"))
            start += 1
    if os.path.exists(os.path.join(folder, "executed")):
        faults.append(("?", "a command was executed"))
    return counts, faults


def judge_many(count, seed, batch=20_000):
    """(counts, faults) of the bombs and of `count` mutants, in batches with seeds of their own."""
    counts, faults = Counter(), []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        hand_made = ((f"bomb: {name}", "bomb", data, False) for name, data in bombs().items())
        for i in range(-(-count // batch)):
            more = every_mutant(min(batch, count - i * batch), seed if count <= batch else f"{seed}/{i}")
            got, wrong = judge_all(hand_made if i == 0 else (), folder)
            counts, faults = counts + got, faults + wrong
            got, wrong = judge_all(more, folder)
            counts, faults = counts + got, faults + wrong
            if len(faults) > 1000:
                break
    if counts["bomb", "loaded"]:
        faults.append(("a bomb", "it was loaded"))
    return counts, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", default=0)
    options = parser.parse_args()
    counts, faults = judge_many(options.count, options.seed)
    for (kind, outcome), n in sorted(counts.items()):
        print(f"{kind:18} {outcome:8} {n:6}")
    for label, fault in faults[:40]:
        print(f"FAULT {label}: {fault}")
    print(f"{sum(counts.values())} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
