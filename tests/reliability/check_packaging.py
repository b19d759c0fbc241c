"""The wheel and the source archive: built, audited, compared, and tested where the sources are not."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

from .frame import Failed, NotRun, check
from .programs import ROOT, pythons, tool

EPOCH = "1700000000"
CORE = ["test_tensor.py", "test_matmul.py", "test_conv2d.py", "test_fork.py", "test_serialization.py", "test_nn.py"]


def must(words, cwd=None, **env):
    """The output of a command; Failed with its end where it fails."""
    status, text = tool([str(w) for w in words], cwd, {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **env})
    if status:
        raise Failed(f"{Path(str(words[0])).name} {' '.join(str(w) for w in words[1:4])}: status {status}", text.splitlines()[-30:])
    return text


def copy_of_sources(folder):
    """The files that git knows, as they are now, in a folder of another name."""
    if not (ROOT / ".git").exists():
        raise NotRun("not a checkout")
    names = must(["git", "ls-files"], ROOT).split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def pip_wheel(source, out, python=sys.executable, **env):
    """The wheel of a folder or of an sdist, built in an environment of its own."""
    must([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", out, source], SOURCE_DATE_EPOCH=EPOCH, **env)
    return next(Path(out).glob("udlfast-*.whl"))


def sha(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def different_members(a, b):
    """The names of the members in which two wheels differ."""
    with zipfile.ZipFile(a) as x, zipfile.ZipFile(b) as y:
        names = sorted({*x.namelist(), *y.namelist()})
        both = {*x.namelist()} & {*y.namelist()}
        return [n for n in names if n not in both or x.read(n) != y.read(n)] or ["the archives' own headers"]


def audit(wheel):
    """What auditwheel calls it; Failed where it needs more than old glibc and no other library."""
    if not importlib.util.find_spec("auditwheel"):
        raise NotRun("auditwheel is not installed")
    text = must([sys.executable, "-m", "auditwheel", "show", wheel])
    line = " ".join(text.split())
    tag = next((t.strip('"\',.') for t in line.split() if "manylinux" in t), None)
    if not tag:
        raise Failed("auditwheel finds no manylinux tag", text.splitlines())
    return tag


def paths_inside(wheel):
    """Strings of the module that name a folder of the machine which built it."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".so"))
        raw = archive.read(name)
    return [p for p in (str(ROOT), "/tmp/", tempfile.gettempdir(), f"{Path.home()}/") if p.encode() in raw]


def tested(wheel, folder, python=sys.executable, more=(), tests=CORE):
    """The last line of pytest over copies of the tests, in an environment with the wheel alone."""
    env = folder / "env"
    must([python, "-m", "venv", env])
    must([env / "bin/python", "-m", "pip", "install", "--quiet", wheel, "pytest", "safetensors", *more])
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "reliability"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    text = must([env / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *(folder / "tests" / t for t in tests)], folder,
                PYTHONPATH="")  # fmt: skip
    where = must([env / "bin/python", "-c", "import udlfast; print(udlfast.__file__)"], folder)
    if not where.startswith(str(env)):
        raise Failed(f"tested {where} instead of the wheel")
    return text.strip().splitlines()[-1].strip("= ")


def cibuildwheel(source, folder, pythons):
    """The wheels that the configuration in pyproject.toml makes for these Pythons, in an image, or with this system in its place."""
    if not importlib.util.find_spec("cibuildwheel"):
        return "cibuildwheel not run (not installed)"
    tags = {f"cp{version.replace('.', '')}": path for version, path in pythons.items()}
    env, where = {}, "in a manylinux image"
    if all(tool([word, "info"])[0] for word in ("docker", "podman")):  # neither is there and running
        if not sys.platform.startswith("linux") or os.geteuid():
            return "cibuildwheel not run (no docker or podman that runs, nor root to do without)"
        (folder / "engine").mkdir()
        (folder / "engine/docker").symlink_to(ROOT / "scripts/stand_in_engine.sh")
        env = {"PATH": f"{folder / 'engine'}:{os.environ['PATH']}", "ENGINE_STATE": str(folder / "engine"),
               "ENGINE_PYTHONS": " ".join(f"{tag}={os.path.realpath(path)}" for tag, path in tags.items())}  # fmt: skip
        where = f"with this system (glibc {os.confstr('CS_GNU_LIBC_VERSION').split()[-1]}) in the image's place, not in a manylinux image"
    text = must([sys.executable, "-m", "cibuildwheel", "--platform", "linux", "--output-dir", folder / "wheelhouse", source], source,
                CIBW_BUILD=" ".join(f"{tag}-manylinux_x86_64" for tag in tags), **env)
    made = sorted(path.name.split("-", 2)[2].removesuffix(".whl") for path in (folder / "wheelhouse").glob("*.whl"))
    if len(made) != len(tags):
        raise Failed(f"cibuildwheel made {made} for {list(tags)}", text.splitlines()[-30:])
    passed = "; ".join(re.findall(r"\d+ passed.*", text))
    return f"cibuildwheel built, repaired and tested {', '.join(made)} {where}: {passed}"


@check("packaging", must="pass", short={"full": False}, long={"full": True})
def packaging(full):
    """Short: the SBOM alone, for it needs no build."""
    figures, findings = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        figures.append(sbom(folder, None))
        if full:
            first, second = copy_of_sources(folder / "a"), copy_of_sources(folder / "another place")
            wheels = [pip_wheel(source, source / "dist") for source in (first, second)]
            same = sha(wheels[0]) == sha(wheels[1])
            figures.append(f"wheel of {wheels[0].stat().st_size:,} bytes")
            figures.append("two builds in two folders are the same file" if same else "two builds differ")
            if not same:
                findings.append(f"two builds differ in {different_members(*wheels)[:5]}")
            findings += [f"the module holds the path {p}" for p in paths_inside(wheels[0])]
            figures.append(f"auditwheel: {audit(wheels[0])}")
            figures.append(f"tested from the wheel alone: {tested(wheels[0], folder)}")
            must([sys.executable, "-c", "import scikit_build_core.build as b; b.build_sdist('dist')"], first)
            sdist = next((first / "dist").glob("*.tar.gz"))
            with tarfile.open(sdist) as archive:
                members = len(archive.getnames())
            again = pip_wheel(sdist, folder / "from sdist")
            figures.append(f"sdist of {members} files builds {'the same wheel' if sha(again) == sha(wheels[0]) else 'a wheel'}")
            if sha(again) != sha(wheels[0]):
                findings.append(f"the sdist's wheel differs in {different_members(again, wheels[0])[:5]}")
            figures[0] = sbom(folder, wheels[0])
            figures.append(cibuildwheel(copy_of_sources(folder / "clean"), folder, pythons()))
    if findings:
        raise Failed("; ".join(figures), findings)
    return "; ".join(figures)


def sbom(folder, wheel):
    """The bill of materials, written by scripts/sbom.py, read again."""
    out = folder / "sbom.json"
    subprocess.run([sys.executable, ROOT / "scripts/sbom.py", "--out", out, *([wheel] if wheel else [])], check=True)
    bill = json.loads(out.read_text())
    parts = [c["name"] for c in bill["components"]]
    want = [d.split(">")[0].split("=")[0] for d in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]]
    if bill["bomFormat"] != "CycloneDX" or parts != want:
        raise Failed(f"the SBOM lists {parts} instead of {want}")
    if importlib.util.find_spec("cyclonedx"):
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator

        try:
            error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(out.read_text())
        except Exception:  # the validator lacks its own optional packages
            return "SBOM (CycloneDX 1.6)"
        if error:
            raise Failed(f"the SBOM is not valid: {error}")
        return "SBOM (CycloneDX 1.6, validated)"
    return "SBOM (CycloneDX 1.6)"
