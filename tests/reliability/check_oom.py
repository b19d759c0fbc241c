"""Each allocation fails in turn: those that the C floor and its bindings ask the system for, and those of Python objects."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from .frame import Failed, NotRun, check
from .programs import ROOT, run_program

PROGRAM = """
import ctypes, gc, hashlib, json, os, sys, warnings
import numpy as np
import udlfast as torch
import udlfast.nn.functional as F
from udlfast import _core, nn

folder = sys.path[0]
torch.set_num_threads(1)
torch.set_memory_limit(0)  # nothing is kept: each tensor asks the system
rng = np.random.default_rng(0)
def numbers(*shape): return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))
def digest(*tensors):
    return hashlib.sha256(b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)).hexdigest()

net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 12),
                    nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 5)).eval()
for p in net.parameters(): p.data.copy_(numbers(*p.shape) * 0.3)
x, q, y = numbers(3, 1, 8, 8), numbers(2, 2, 9, 8), torch.tensor([0, 3, 1])
lstm = nn.LSTM(5, 6)
for p in lstm.parameters(): p.data.copy_(numbers(*p.shape) * 0.3)
seq = numbers(4, 3, 5)
state = net.state_dict()
paths = {f: os.path.join(folder, "w." + f) for f in ("pt", "safetensors", "npz")}
for f, path in paths.items(): torch.save(dict(state), path, format=f)
plan_path = os.path.join(folder, "net.udl")
with torch.no_grad():
    compiled = torch.compile(net); compiled(x); compiled.plans[0].save(plan_path)

def forward():
    with torch.no_grad():
        return digest(net(x), lstm(seq)[0], F.scaled_dot_product_attention(q, q, q), torch.sort(q)[0], q.sum(),
                      (q @ q.transpose(-1, -2)).softmax(-1), x.double(), torch.cat([q, q]), q[..., [0, 2]],
                      torch.einsum("abcd,abed->ce", q, q))
def backward():
    for p in [*net.parameters(), *lstm.parameters()]: p.grad = None
    (F.cross_entropy(net(x), y) + lstm(seq)[0].square().sum()).backward()
    return digest(*[p.grad for p in [*net.parameters(), *lstm.parameters()]])
def load():
    return digest(*[t for f, path in sorted(paths.items()) for t in torch.load(path).values()])
def load_plan():
    return digest(torch.load_plan(plan_path, mmap=False)(x))
def save():
    for f in paths:
        path = os.path.join(folder, "again." + f)
        torch.save(dict(state), path, format=f)
        back = torch.load(path)
        out = digest(*back.values())
    return out
def replay():
    with torch.no_grad():
        return digest(compiled(x))
def step():
    torch.manual_seed(3)
    w = nn.Linear(6, 4)
    optimizer = torch.optim.AdamW(w.parameters())
    w(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    return digest(*w.parameters())
JOBS = dict(forward=forward, backward=backward, load=load, load_plan=load_plan, save=save, replay=replay, step=step)

def in_use():
    gc.collect()
    return torch.memory_stats()["in_use"]

def sweep(name, job, arm, disarm, live, stride):
    "(allocations that failed, exceptions, right answers all the same, findings)"
    want = job(); job()
    findings, raised, right, n, quiet = [], 0, 0, 0, 0
    before, lived = in_use(), live()
    while quiet < 3 and len(findings) < 20:
        try:
            arm(n)
            got = job()
            reached = disarm(n)
        except MemoryError:
            reached = disarm(n); raised += 1; got = want
        except BaseException as error:
            reached = disarm(n)
            findings.append(f"{name}, allocation {n}: {type(error).__name__}: {str(error)[:200]}"); got = want
        else:
            right += reached
        if got != want: findings.append(f"{name}, allocation {n}: another answer")
        if job() != want: findings.append(f"{name}, after allocation {n} failed: another answer")
        quiet = 0 if reached else quiet + 1
        n += stride
    for _ in range(3): job()
    if in_use() > before: findings.append(f"{name}: {in_use() - before} bytes of tensors were never given back")
    if live() > lived: findings.append(f"{name}: {live() - lived} blocks were never given back")
    left = [f for f in os.listdir(folder) if f.endswith(".tmp")]
    if left: findings.append(f"{name}: files left behind: {left[:3]}")
    return n, raised, right, findings

lib = ctypes.CDLL(None)

def disarm(n):
    while True:  # the call itself takes memory, which may be what fails
        try: return lib.fail_stop() > n
        except MemoryError: pass

def c_sweep(name, job):
    for _ in range(2): job()
    return sweep(name, job, lib.fail_set, disarm, lambda: (gc.collect(), lib.fail_live())[1], 1)

def python_sweep(name, job, stride):
    return sweep(name, job, lib.fail_set, disarm, lambda: 0, stride)
"""

MAIN = """
warnings.simplefilter("ignore")
sys.unraisablehook = lambda *a: None
out = {}
if PYTHON: assert lib.fail_watch(b"libpython", 0) or lib.fail_watch(b"", 0), "Python is not found"
assert lib.fail_watch(b"_core.", int(not PYTHON)), "the module is not found"
for name in NAMES:
    out[name] = python_sweep(name, JOBS[name], STRIDE) if PYTHON else c_sweep(name, JOBS[name])
print(json.dumps(out))
"""
NAMES = ["forward", "backward", "load", "load_plan", "save", "replay", "step"]


def preload(folder):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    source = ROOT / "tests/c/oom/fail_nth.c"
    if not compiler or not source.is_file():
        raise NotRun("needs a C compiler and the sources")
    out = Path(folder) / "fail_nth.so"
    done = subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", out], capture_output=True, text=True)
    if done.returncode:
        raise NotRun(f"the preloaded library needs glibc: {done.stderr[:200]}")
    return str(out)


@check("out of memory", must="an exception each time, no leak, the next call right", short={"stride": 0}, long={"stride": 1})
def out_of_memory(stride):
    """stride: every stride-th allocation of a Python object; 0: those of the C floor only, and only in a few jobs."""
    names = NAMES if stride else ["forward", "backward", "load"]
    with tempfile.TemporaryDirectory() as folder:
        library = preload(folder)
        results = [("of the C floor", sweep(names, False, 1, library))]
        if stride:
            results.append(("of Python objects", sweep(names, True, stride, library)))
    figures, findings = [], []
    for whose, result in results:
        tried, raised, right = (sum(r[i] for r in result.values()) for i in range(3))
        figures.append(f"{raised + right:,} allocations {whose} failed in {', '.join(result)}: {raised:,} MemoryError, {right:,} right "
                       f"all the same")
        findings += [f for r in result.values() for f in r[3]]
    if findings:
        raise Failed("; ".join(figures), findings)
    return "; ".join(figures) + "; no leak, each next call right"


def sweep(names, python, stride, library):
    # every object is a block of its own; a single allocation fails: where all later ones do too, some Pythons do not end
    env = {"UDLFAST_NUM_THREADS": None, "PYTHONMALLOC": "malloc" if python else None, "LD_PRELOAD": library}
    status, out, err = run_program(f"{PROGRAM}\nNAMES, PYTHON, STRIDE = {names}, {python}, {stride}\n{MAIN}", env=env, limit=3600)
    if status:
        raise Failed(f"the program ended with {status}", err.splitlines()[-30:])
    return json.loads(out.splitlines()[-1])
