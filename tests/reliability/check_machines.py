"""Other machines: processors under an emulator, another C library, other Pythons, other NumPys."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from .check_packaging import CORE, copy_of_sources, pip_wheel, tested
from .frame import Failed, NotRun, check
from .programs import BUILT, PYTHONS, ROOT, pythons, tool

OLDEST_NUMPY = {"3.11": "1.26.0", "3.12": "1.26.0", "3.13": "2.1.0", "3.14": "2.3.3"}  # the oldest supported, or the first for that Python
USE = """
import udlfast as torch
from udlfast import nn
print(*torch.isas(), flush=True)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
optimizer = torch.optim.AdamW(net.parameters())
for _ in range(3):
    optimizer.zero_grad(); net(torch.ones(2, 1, 8, 8)).square().mean().backward(); optimizer.step()
a = torch.arange(4096.0).reshape(64, 64) / 4096
assert abs((a @ a).sum().item() - (a.double() @ a.double()).sum().item()) < 1e-1
print(net(torch.ones(1, 1, 8, 8)).sum().item())
"""


def emulator(name):
    for word in (name, f"{name}-static"):
        if shutil.which(word):
            return word
    raise NotRun(f"no {name}")


def smoke(mode, folder, before=(), **env):
    """The C smoke test's last line, built in a folder; `before` runs the program that was built."""
    script = [str(ROOT / "scripts/aarch64_smoke.sh"), mode]
    status, text = tool(script, ROOT, {**os.environ, "BUILD": str(folder), **env})
    if before and not status:
        status, text = tool([*before, str(Path(folder) / "smoke")])
    if status:
        raise Failed(text.strip()[-400:])
    line = text.strip().splitlines()[-1]
    if "not run" in text:
        raise NotRun(line)
    return line


def aarch64(folder):
    return smoke("cross", folder, REQUIRE="0")


def no_avx(folder):
    return smoke("native", folder, before=[emulator("qemu-x86_64"), "-cpu", "Nehalem"])


def no_avx_python(folder):
    """This very interpreter, NumPy and the library on a processor without AVX."""
    path = Path(folder) / "use.py"
    path.write_text(BUILT + USE)
    words = [emulator("qemu-x86_64"), "-0", sys.executable, "-cpu", "Nehalem", os.path.realpath(sys.executable), str(path)]
    status, text = tool(words, env={**os.environ, "UDLFAST_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem"})  # NumPy's
    # OpenBLAS takes an emulated processor for the real one on some machines
    if status or text.splitlines()[0] != "generic":
        raise Failed(text.strip()[-400:])
    return "levels: " + text.splitlines()[0]


def musl(folder):
    """The C floor with musl instead of glibc; the kernel's headers are the system's."""
    if not shutil.which("musl-gcc"):
        raise NotRun("no musl-gcc")
    headers = [f"-idirafter {p}" for p in ("/usr/include", f"/usr/include/{os.uname().machine}-linux-gnu") if os.path.isdir(p)]
    return smoke("native", folder, CC="musl-gcc", CFLAGS=" ".join(["-static", *headers]), LEVELS="generic avx2")


def python_versions(folder, wheels=None):
    """A wheel for each Python, its core tests with the newest NumPy and with the oldest."""
    lines, failed, missing = [], [], []
    found = pythons()
    source = None
    for version in PYTHONS:
        if version not in found:
            missing.append(f"{version} not run (not installed)")
            continue
        place = Path(folder) / version
        place.mkdir()
        try:
            ready = sorted(Path(wheels).glob(f"udlfast-*-cp{version.replace('.', '')}-*.whl")) if wheels else []
            source = source or copy_of_sources(Path(folder) / "source")
            wheel = ready[-1] if ready else pip_wheel(source, place / "dist", found[version])
            for numpy in (f"numpy=={OLDEST_NUMPY[version]}", "numpy"):
                where = place / numpy.replace("=", "")
                where.mkdir()
                lines.append(f"{version} with {numpy}: {tested(wheel, where, found[version], (numpy,), CORE)}")
        except Failed as error:
            failed.append(f"{version}: {error}")
    if failed:
        raise Failed("; ".join([*lines, *missing]), failed)
    return "; ".join([*lines, *missing])


PARTS = {"aarch64 under qemu": aarch64, "no AVX under qemu (C)": no_avx, "no AVX under qemu (Python)": no_avx_python, "musl": musl,
         "Pythons": python_versions}  # fmt: skip


@check("other machines", must="pass, or not run with the reason", short={"parts": "no AVX under qemu (Python)"}, long={"parts": "all"})
def other_machines(parts, wheels=None):
    """wheels: a folder of wheels that need not be built again."""
    figures, findings, ran = [], [], 0
    for name, part in PARTS.items():
        if parts not in ("all", name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                text = part(folder, wheels) if part is python_versions else part(folder)
                figures.append(f"{name}: passed ({text})")
                ran += 1
            except NotRun as why:
                figures.append(f"{name}: not run ({why})")
            except Failed as error:
                figures.append(f"{name}: failed")
                findings += [f"{name}: {error}"]
    if findings:
        raise Failed("; ".join(figures), findings)
    if not ran:
        raise NotRun("; ".join(figures))
    return "; ".join(figures)
