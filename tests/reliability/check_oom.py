"""Each allocation fails in turn: those that the C floor and its bindings ask the system for, and those of Python objects in bindings."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from .frame import Failed, NotRun, check
from .programs import ROOT, run_program

PROGRAM = """
import ctypes, gc, hashlib, itertools, json, os, sys, warnings
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
encoder, gru, table = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.GRU(8, 6, 2, bidirectional=True), nn.Embedding(9, 8)
parts = nn.ModuleList([encoder, gru, table])
def layers():
    torch.manual_seed(5)
    for p in parts.parameters(): p.grad = None
    words = torch.tensor([[1, 4, 8, 0], [2, 2, 7, 5]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = encoder(table(words))
    y = gru(torch.cumsum(y.float(), 1))[0]
    y = torch.zeros(3, 12).index_add(0, torch.tensor([0, 2, 0, 1, 1, 1, 2, 0]), y.flatten(0, 1))
    torch.where(y > 0, y, y.exp()).norm().backward()
    return digest(*[p.grad for p in parts.parameters()])
trained = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
adam = torch.optim.AdamW(trained.parameters(), lr=0.01)
start = {k: v.clone() for k, v in trained.state_dict().items()}
@torch.compile
def training(x, y):
    adam.zero_grad()
    loss = F.cross_entropy(trained(x), y)
    loss.backward()
    adam.step()
    return loss.detach()
rows = numbers(4, 6)
def compiled_step():
    torch.manual_seed(7)
    with torch.no_grad():
        for s in adam.state.values():
            for k, v in s.items(): s[k] = v.zero_() if isinstance(v, torch.Tensor) else 0
        for k, v in trained.state_dict().items(): v.copy_(start[k])
    return digest(training(rows, torch.tensor([0, 1, 2, 1])), *trained.parameters())
JOBS = dict(layers=layers, compiled_step=compiled_step,
            forward=forward, backward=backward, load=load, load_plan=load_plan, save=save, replay=replay, step=step)

def in_use():
    gc.collect()
    return torch.memory_stats()["in_use"]

lib = ctypes.CDLL(None)

def stop():
    "-1: that allocation was not reached, 1: it failed, 0: it was not one of the module's"
    while True:  # the call itself takes memory, which may be what fails
        try: return lib.fail_stop()
        except MemoryError: pass

def places(job, stride):
    "the numbers of a job's allocations that are to fail; None: each, until there are no more"
    if not PYTHON: return None
    lib.fail_map(None, 0); job(); n = lib.fail_count()
    marks = (ctypes.c_ubyte * (n + 1000))()
    lib.fail_map(marks, n); job(); lib.fail_map(None, 0)
    return [i for i in range(n) if marks[i]][::stride]

def live():
    if PYTHON: return 0
    gc.collect()
    return lib.fail_live()

def sweep(name, job, stride):
    "(allocations that failed, exceptions, right answers all the same, findings)"
    want = job(); job(); job()
    chosen = places(job, stride)
    findings, failed, raised, right, quiet = [], 0, 0, 0, 0
    before = in_use()
    for n in itertools.count() if chosen is None else chosen:
        if len(findings) >= 20 or quiet == 3: break
        try:
            lib.fail_set(n)
            got = job()
            reached = stop()
        except MemoryError:
            reached = stop(); raised += 1; got = want
        except BaseException as error:
            reached = stop()
            findings.append(f"{name}, allocation {n}: {type(error).__name__}: {str(error)[:200]}"); got = want
        else:
            right += reached == 1
        failed += reached == 1
        quiet = quiet + 1 if chosen is None and reached < 0 else 0
        if got != want: findings.append(f"{name}, allocation {n}: another answer")
        if reached == 1:
            try: again = job()
            except BaseException as error: again = f"{type(error).__name__}: {str(error)[:200]}"
            if again != want: findings.append(f"{name}, after allocation {n} failed: {again if ':' in again else 'another answer'}")
        if torch.memory_stats()["in_use"] > before and in_use() > before:
            findings.append(f"{name}, allocation {n}: {in_use() - before} bytes of tensors were never given back"); before = in_use()
    for _ in range(3): job()
    left = [f for f in os.listdir(folder) if f.endswith(".tmp")]
    if left: findings.append(f"{name}: files left behind: {left[:3]}")
    return failed, raised, right, findings
"""

MAIN = """
warnings.simplefilter("ignore")
sys.unraisablehook = lambda *a: None
out = {}
assert lib.fail_watch(b"_core.", int(not PYTHON)), "the module is not found"
if PYTHON:
    assert lib.fail_watch(b"libpython", 0) or lib.fail_watch(b"", 0), "Python is not found"
    if not lib.fail_loop(b"_PyEval_EvalFrameDefault"): print("null"); raise SystemExit
for name in NAMES:
    lived = live()
    out[name] = sweep(name, JOBS[name], STRIDE)
    if live() > lived:  # the places of exceptions are kept once each: a leak goes on
        lived = live()
        sweep(name, JOBS[name], STRIDE)
        if live() > lived: out[name][3].append(f"{name}: {live() - lived} blocks were never given back")
print(json.dumps(out))
"""
NAMES = ["forward", "backward", "layers", "load", "load_plan", "save", "replay", "step", "compiled_step"]


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


@check("out of memory", must="an exception each time, no leak, the next call right", short={"stride": 20}, long={"stride": 1})
def out_of_memory(stride):
    """stride: every stride-th allocation of a Python object that the bindings ask for; those of the C floor fail each.

    Those that Python's own loop asks for do not fail here: CPython 3.11 to 3.13 may lose references, crash or not end if they do."""
    with tempfile.TemporaryDirectory() as folder:
        library = preload(folder)
        results = [("of the C floor", sweep(NAMES, False, 1, library)), ("of Python objects", sweep(NAMES, True, stride, library))]
    if results[-1][1] is None:
        raise NotRun("this Python does not tell where its loop is")
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
    status, out, err = run_program(f"NAMES, PYTHON, STRIDE = {names}, {python}, {stride}\n{PROGRAM}\n{MAIN}", env=env, limit=3600)
    if status:
        raise Failed(f"the program ended with {status}", err.splitlines()[-30:])
    return json.loads(out.splitlines()[-1])
