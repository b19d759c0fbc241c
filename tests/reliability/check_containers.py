"""What a container gives and takes: control groups, processors, threads, memory, disks."""

import ctypes
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .frame import Failed, NotRun, check
from .programs import ROOT, run_program, tool

# ---- control groups: name -> (text of /proc/self/cgroup, files below /sys/fs/cgroup, processors, bytes of memory); None: no limit ----
V1, GiB = "4:memory:{m}\n2:cpu,cpuacct:{c}\n1:name=systemd:/x\n", 1 << 30
QUOTA, PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"
TREES = {
    "v2, no limit": ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"}, None, None),
    "v2, two processors": ("0::/\n", {"cpu.max": "200000 100000\n", "memory.max": f"{GiB}\n"}, 2, GiB),
    "v2, half a processor": ("0::/a\n", {"a/cpu.max": "50000 100000\n"}, 0.5, None),
    "v2, 7.65 processors": ("0::/pod/c1\n", {"pod/c1/cpu.max": "765000 100000\n"}, 7.65, None),
    "v2, the parent has less": ("0::/a/b/c\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n",
                                                "a/b/c/cpu.max": "800000 100000\n", "a/memory.max": "5000\n",
                                                "a/b/c/memory.max": "9000\n"}, 3, 5000),
    "v2, the child has less": ("0::/a/b\n", {"a/cpu.max": "800000 100000\n", "a/b/cpu.max": "150000 100000\n"}, 1.5, None),
    "v2, a period of its own": ("0::/a\n", {"a/cpu.max": "10000 2500\n"}, 4, None),
    "v2, only a quota": ("0::/a\n", {"a/cpu.max": "400000\n"}, None, None),
    "v2, nonsense": ("0::/a\n", {"a/cpu.max": "many few\n", "a/memory.max": "\n"}, None, None),
    "v2, zero": ("0::/a\n", {"a/cpu.max": "0 100000\n"}, None, None),
    "v2, negative period": ("0::/a\n", {"a/cpu.max": "100000 -1\n"}, None, None),
    "v2, no files": ("0::/a/b\n", {}, None, None),
    "v2, a name with spaces and dots": ("0::/a b/../c.scope\n", {"a b/../c.scope/cpu.max": "300000 100000\n", "a b/x": ""}, 3, None),
    "v2 unified beside v1": ("0::/u\n3:cpu:/v\n", {"unified/u/cpu.max": "600000 100000\n", f"cpu/v/{QUOTA}": "400000\n",
                                                   f"cpu/v/{PERIOD}": "100000\n"}, 4, None),
    "v1, cpu,cpuacct": (V1.format(m="/d/1", c="/d/1"), {f"cpu,cpuacct/d/1/{QUOTA}": "250000\n", f"cpu,cpuacct/d/1/{PERIOD}": "100000\n",
                                                        "memory/d/1/memory.limit_in_bytes": "4096\n"}, 2.5, 4096),
    "v1, linked as cpu": (V1.format(m="/d", c="/d"), {f"cpu/d/{QUOTA}": "500000\n", f"cpu/d/{PERIOD}": "100000\n"}, 5, None),
    "v1, -1 is no limit": (V1.format(m="/d", c="/d"), {f"cpu/d/{QUOTA}": "-1\n", f"cpu/d/{PERIOD}": "100000\n"}, None, None),
    "v1, the mount shows the container's own group": (V1.format(m="/docker/abc", c="/docker/abc"),
                                                      {f"cpu/{QUOTA}": "150000\n", f"cpu/{PERIOD}": "100000\n",
                                                       "memory/memory.limit_in_bytes": f"{2 * GiB}\n"}, 1.5, 2 * GiB),
    "v1, the parent has less": (V1.format(m="/p/c", c="/p/c"), {f"cpu/p/{QUOTA}": "100000\n", f"cpu/p/{PERIOD}": "100000\n",
                                                                f"cpu/p/c/{QUOTA}": "900000\n", f"cpu/p/c/{PERIOD}": "100000\n"}, 1, None),
    "v1, cpuset is not cpu": ("5:cpuset:/d\n6:cpuacct:/d\n", {f"cpuset/d/{QUOTA}": "100000\n", f"cpuset/d/{PERIOD}": "100000\n"},
                              None, None),
    "v1, a period of zero": (V1.format(m="/d", c="/d"), {f"cpu/d/{QUOTA}": "100000\n", f"cpu/d/{PERIOD}": "0\n"}, None, None),
    "v1, a path of 4,000 letters": (V1.format(m="/", c="/" + "d/" * 1900), {f"cpu/{QUOTA}": "200000\n", f"cpu/{PERIOD}": "100000\n"},
                                    2, None),
    "lines that are none": ("\n::\nnothing\n9:cpu\n0::\n", {"cpu.max": "200000 100000\n"}, 2, None),
}  # fmt: skip


def library(folder):
    """csrc/limits.c as a library of its own."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler or not (ROOT / "csrc/limits.c").is_file():
        raise NotRun("needs a C compiler and the sources")
    out = Path(folder) / "limits.so"
    words = [compiler, "-std=gnu11", "-O1", "-shared", "-fPIC", "-I", ROOT / "csrc", ROOT / "csrc/limits.c", "-o", out, "-lm"]
    subprocess.run(words, check=True)
    lib = ctypes.CDLL(str(out))
    for function in (lib.udl_limit_cgroup_cpus, lib.udl_limit_cgroup_memory):
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_char_p, ctypes.c_char_p]
    return lib


def wrong_trees():
    """(number of trees, findings)"""
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        lib = library(folder)
        for i, (name, (proc, files, cpus, memory)) in enumerate(TREES.items()):
            root, own = Path(folder) / f"tree{i}", Path(folder) / f"cgroup{i}"
            root.mkdir()
            own.write_text(proc)
            for path, text in sorted(files.items(), reverse=True):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            paths = str(own).encode(), str(root).encode()
            got = lib.udl_limit_cgroup_cpus(*paths), lib.udl_limit_cgroup_memory(*paths)
            want = tuple(math.inf if x is None else float(x) for x in (cpus, memory))
            if got != want:
                findings.append(f"{name}: processors and bytes are {got} instead of {want}")
    return len(TREES), findings


# ---- what a process must do in each surrounding ------------------------------------------------------------------------------------
USE = """
import io, os, sys
import udlfast as torch
from udlfast import nn
import udlfast.nn.functional as F

def use():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 100, 10))
    optimizer = torch.optim.AdamW(net.parameters())
    x, y = torch.randn(32, 1, 12, 12), torch.randint(0, 10, (32,))
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        compiled = torch.compile(net.eval())
        assert torch.equal(compiled(x), net(x))
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    net.load_state_dict(torch.load(file))
    a = torch.ones(300, 300)
    assert (a @ a).sum().item() == 300 ** 3 and losses[-1] < losses[0]
    return net, x
"""
ALLOWED = "assert torch.get_num_threads() == {n}, torch.__config__.parallel_info()\n"
PLACES = {
    "one processor": "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + USE + ALLOWED.format(n=1)
                     + "use(); assert len(os.listdir('/proc/self/task')) == 1",
    "RLIMIT_NPROC": USE + """
torch.set_num_threads(1); use(); torch.__config__.parallel_info()  # loads what is loaded late: another user may not read the files
import resource
others = len(os.listdir('/proc/self/task'))
if os.getuid() == 0: os.setresgid(54321, 54321, 54321); os.setresuid(54321, 54321, 54321)  # root has no such limit
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
torch.set_num_threads(4); use()
assert 'refused' in torch.__config__.parallel_info(), torch.__config__.parallel_info()
assert len(os.listdir('/proc/self/task')) == others
""",
    "RLIMIT_AS": USE + """
use()
import resource
with open('/proc/self/statm') as f: size = int(f.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20),) * 2)
for ask in (lambda: torch.empty(1 << 30), lambda: torch.ones(5000, 5000) @ torch.ones(5000, 5000), lambda: torch.zeros(1 << 62)):
    try: ask()
    except (MemoryError, RuntimeError) as e: assert len(str(e)) > 10, e
    else: raise AssertionError('no exception')
use()
""",
    "HOME unset": "import os\nassert 'HOME' not in os.environ\n" + USE + "use()",
    "no compiler": "import shutil\nassert not shutil.which('cc') and not shutil.which('gcc')\n" + USE + "use()",
    "a disk that cannot be written": USE + """
net, x = use()
try: torch.save(net.state_dict(), 'weights.pt')
except OSError as e: assert 'weights.pt' in str(e), e
else: raise AssertionError('no exception')
""",
    "no /dev/shm": USE + """
net, x = use()
from udlfast.utils.data import DataLoader, TensorDataset
data = TensorDataset(x, torch.arange(32))
seen = sorted(i for _, b in DataLoader(data, batch_size=5, num_workers=2) for i in b.tolist())
assert seen == list(range(32))
""",
}  # fmt: skip


def surroundings(name):
    """(words before the interpreter, environment) for a place; NotRun where it cannot be had."""
    env = {"UDLFAST_NUM_THREADS": None, "OMP_NUM_THREADS": None}
    if name == "HOME unset":
        env["HOME"] = None
    if name == "no compiler":
        env["PATH"] = "/nowhere"
    mount = {"a disk that cannot be written": "mount -o remount,ro,bind /",
             "no /dev/shm": "mount -t tmpfs -o size=4k,mode=000,ro none /dev/shm"}  # fmt: skip
    if name not in mount:
        return [], env
    script = f'{mount[name]} && exec "$@"'
    if tool(["unshare", "-m", "sh", "-c", script, "sh", "true"])[0]:
        raise NotRun("needs root and unshare(1)")
    return ["unshare", "-m", "sh", "-c", script, "sh"], env


@check("containers", must="right thread count, clear exceptions, works", short={"places": "all"}, long={"places": "all"})
def containers(places):
    if sys.platform != "linux":
        raise NotRun("control groups are Linux's")
    trees, findings = wrong_trees()
    worked, missing = [], []
    for name, code in PLACES.items():
        if places not in ("all", name):
            continue
        try:
            before, env = surroundings(name)
        except NotRun as why:
            missing.append(f"{name}: not run ({why})")
            continue
        code = code if code.startswith(("import", "\nimport")) else "import os\n" + code
        status, _, err = run_program(code, env=env, before=before)
        worked.append(name)
        if status or err.strip():
            findings.append(f"{name}: status {status}: {err[-1500:]}")
    figures = f"{trees} trees of control groups; {', '.join(worked)}" + "".join(f"; {m}" for m in missing)
    if findings:
        raise Failed(figures, findings)
    return figures
