"""Instruction sets: which are there, forcing and refusing one, the same answers on all, and no AVX in the baseline."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
import udlfast.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
ISAS = torch.isas()


def python(code, **environment):
    """A fresh interpreter with other environment variables; the result of the run."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("UDLFAST")} | environment
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)


def test_list_is_ordered_and_ends_with_the_default():
    assert ISAS[0] == "generic" and len(set(ISAS)) == len(ISAS)
    order = re.findall(r"\w+", "generic avx2 avx512 amx neon")
    assert ISAS == sorted(ISAS, key=order.index)
    done = python("import udlfast; print(udlfast.isa(), *udlfast.isas())")
    first, *usable = done.stdout.split()
    assert usable == ISAS and first == ISAS[-1]


@pytest.mark.parametrize("name", ISAS)
def test_environment_forces_a_level(name):
    done = python("import udlfast; print(udlfast.isa(), (udlfast.ones((9, 9)) @ udlfast.ones((9, 9))).sum().item())", UDLFAST_ISA=name)
    assert done.returncode == 0 and done.stdout.split() == [name, "729.0"], done.stderr


@pytest.mark.parametrize("name", ["sse9", "AVX2 ", "", "avx1024"])
def test_environment_refuses_unknown_levels(name):
    done = python("import udlfast; print(udlfast.isa())", UDLFAST_ISA=name)
    if name == "":
        assert done.stdout.split() == [ISAS[-1]]
        return
    assert done.returncode != 0 and name in done.stderr and "UDLFAST_ISA" in done.stderr
    assert all(level in done.stderr for level in ISAS), "the message lists the usable levels"
    assert "Error" in done.stderr.strip().splitlines()[-1] or "Error" in done.stderr


@pytest.mark.parametrize("name", [n for n, why in torch.isa_report().items() if n not in ISAS])
def test_levels_this_machine_lacks_are_refused_with_the_reason(name):
    why = torch.isa_report()[name]
    assert why
    done = python("import udlfast", UDLFAST_ISA=name)
    assert done.returncode != 0 and name in done.stderr and ISAS[-1] in done.stderr
    check_raises((ValueError, RuntimeError), [name, ISAS[-1]], torch.use_isa, name)


def test_use_isa_is_a_context():
    before = torch.isa()
    with torch.use_isa("generic"):
        assert torch.isa() == "generic"
        with torch.use_isa(ISAS[-1]):
            assert torch.isa() == ISAS[-1]
        assert torch.isa() == "generic"
    assert torch.isa() == before
    with pytest.raises(ZeroDivisionError), torch.use_isa("generic"):
        raise ZeroDivisionError
    assert torch.isa() == before
    check_raises((ValueError, RuntimeError), ["sse9", "generic"], torch.use_isa, "sse9")
    assert torch.isa() == before


def network(rng):
    x = torch.tensor(rng.standard_normal((5, 3, 13, 11)), dtype=torch.float32, requires_grad=True)
    w = torch.tensor(0.2 * rng.standard_normal((7, 3, 3, 3)), dtype=torch.float32, requires_grad=True)
    v = torch.tensor(0.2 * rng.standard_normal((9, 7)), dtype=torch.float32, requires_grad=True)
    y = F.batch_norm(F.conv2d(x, w, padding=1), None, None, training=True)
    y = F.gelu(F.max_pool2d(y, 2)).mean(dim=(2, 3)) @ v.t()
    loss = F.cross_entropy(F.layer_norm(y, (9,)), torch.tensor([0, 2, 4, 6, 8]))
    loss.backward()
    return [numbers(t) for t in (loss, y, x.grad, w.grad, v.grad)]


@pytest.mark.skipif(len(ISAS) < 2, reason="one level only")
def test_levels_agree():
    """Each level rounds in its own order; after a small network they stay within a few hundred eps of each other."""
    with torch.use_isa("generic"):
        want = network(np.random.default_rng(5))
    for name in ISAS[1:]:
        with torch.use_isa(name):
            got = network(np.random.default_rng(5))
        for a, b in zip(got, want, strict=True):
            assert np.abs(a - b).max() <= 500 * 2**-23 * np.abs(b).max()


def test_import_leaves_the_floating_point_state_alone():
    """Subnormal numbers still work after import: nothing was linked with fast-math."""
    done = python("import udlfast, numpy as np; x = np.float32(1e-40); print(float(x * np.float32(0.5)) > 0)")
    assert done.stdout.strip() == "True", done.stderr


@pytest.mark.parametrize("name", ISAS)
def test_subnormals_are_kept(name):
    with torch.use_isa(name):
        x = torch.full((37,), 1e-40) * 0.5
        assert (numbers(x) > 0).all() and numbers(torch.full((9, 9), 1e-40) @ torch.eye(9)).min() > 0


@pytest.mark.parametrize("dtype, bits, most", [("float32", np.uint32, 0.5), ("float64", np.uint64, 2)])
@pytest.mark.parametrize("name", ISAS)
def test_gelu_of_tiny_numbers_is_their_half(name, dtype, bits, most):
    """To `most` units of the subnormal numbers, on both sides of where they begin; zeros keep being zeros."""
    first = np.array(np.finfo(dtype).tiny).view(bits)  # the least normal number
    places = np.concatenate([np.arange(0, 9), first // 3 + np.arange(9), first - 9 + np.arange(18), 2 * first - 9 + np.arange(18),
                             5 * first + np.arange(9)])  # fmt: skip
    x = places.astype(bits).view(dtype)
    x = np.concatenate([x, -x, np.tile([1.0, x[20]], 9)]).astype(dtype)
    with torch.use_isa(name):
        got = F.gelu(torch.tensor(x, dtype=getattr(torch, dtype))).numpy()
    small = np.abs(x) < 1
    unit = np.maximum(np.spacing(np.abs(got[small])), np.spacing(np.array(0, dtype)))
    error = np.abs(got[small].astype(np.longdouble) - x[small].astype(np.longdouble) / 2)
    assert (error <= most * unit.astype(np.longdouble)).all()
    assert (np.signbit(got[small]) == np.signbit(x[small]))[got[small] != 0].all() and np.allclose(got[~small], 0.8413447)


def test_import_is_light():
    """No PyTorch, no SciPy, nothing heavy and no process is started by the import; the time is the benchmark's business."""
    done = python("import sys, udlfast; print(*sys.modules)")
    heavy = {"torch", "scipy", "matplotlib", "sklearn", "tqdm", "safetensors", "PIL", "numba", "pandas", "subprocess", "asyncio",
             "multiprocessing", "udlfast.train", "udlfast.reference", "typing_extensions", "unittest"}  # fmt: skip
    # an editable install looks for changed sources, in a process, when the extension module is found: that is not ours
    find = "for finder in sys.meta_path: finder.find_spec('udlfast._core', None)"
    before = set(python(f"import sys, numpy\n{find}\nprint(*sys.modules)").stdout.split())
    assert not (set(done.stdout.split()) - before) & heavy, done.stderr


@pytest.mark.parametrize("value, part", [("0", "0"), ("-3", "-3"), ("many", "many"), ("1.5", "1.5")])
def test_bad_thread_count_in_the_environment_is_named(value, part):
    done = python("import udlfast; print('width', udlfast.get_num_threads(), udlfast.threads_why())", UDLFAST_NUM_THREADS=value)
    said = done.stderr + done.stdout
    assert "UDLFAST_NUM_THREADS" in said and part in said


def test_thread_count_from_the_environment():
    """The environment can only narrow what affinity and the container's quota allow."""
    code = "import udlfast; print(udlfast.get_num_threads(), udlfast.threads_why())"
    done = python(code, UDLFAST_NUM_THREADS="1")
    assert done.stdout.split()[0] == "1" and "UDLFAST_NUM_THREADS" in done.stdout
    if hasattr(os, "sched_getaffinity"):
        assert 1 <= int(python(code).stdout.split()[0]) <= len(os.sched_getaffinity(0))


# ---- the baseline holds no AVX: sources compiled as the build compiles them, disassembled --------------------------

TOOLS = shutil.which("cc") and shutil.which("objdump")
X86 = os.uname().machine == "x86_64" if hasattr(os, "uname") else False
AVX = re.compile(r"%[yz]mm\d|\t(v[a-z]+[a-z0-9]*)\s")


def disassemble(path):
    return subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True).stdout


def avx_lines(path):
    return [line.strip() for line in disassemble(path).splitlines() if AVX.search(line) and "verr" not in line and "verw" not in line]


def build(source, to, *flags):
    subprocess.run(["cc", "-std=gnu11", "-O0", "-fPIC", "-w", "-I", str(ROOT / "csrc"), *flags, "-c", str(source), "-o", str(to)],
                   check=True, capture_output=True, text=True)  # fmt: skip
    return to


@pytest.mark.skipif(not (TOOLS and X86 and (ROOT / "csrc").is_dir()), reason="needs cc, objdump, x86-64 and a checkout")
def test_the_search_for_avx_finds_it(tmp_path):
    planted = tmp_path / "planted.c"
    planted.write_text("typedef float v __attribute__((vector_size(32)));\nv f(v a, v b) { return a * b; }\n"
                       "double g(double a, double b) { return a * b; }\n")  # fmt: skip
    assert avx_lines(build(planted, tmp_path / "avx.o", "-mavx2"))
    assert not avx_lines(build(planted, tmp_path / "sse.o"))


@pytest.mark.skipif(not (TOOLS and X86 and (ROOT / "csrc").is_dir()), reason="needs cc, objdump, x86-64 and a checkout")
@pytest.mark.parametrize("part", ["runtime", "kernels"])
def test_the_baseline_holds_no_avx(tmp_path, part):
    """Everything outside the per-ISA objects: the runtime, and the generic level's table and kernels."""
    levels = [f"-DUDL_HAVE_{n}=1" for n in ("generic", "avx2", "avx512")]
    generic = ["-DUDL_LEVEL=generic", "-DUDL_LEVEL_generic"]
    if part == "runtime":
        sources = [(p, levels) for p in (ROOT / "csrc").glob("*.c") if p.name != "table.c"] + [(ROOT / "csrc/table.c", generic)]
    else:
        sources = [(p, generic) for p in (ROOT / "csrc/kernels").glob("*.c")]
    assert len(sources) > 3
    with ThreadPoolExecutor(2) as pool:  # the compiler runs in its own process
        objects = pool.map(lambda s: build(s[0], tmp_path / (s[0].stem + ".o"), *s[1]), sources)
        for (source, _), lines in zip(sources, map(avx_lines, objects), strict=True):
            assert not lines, f"{source.name}: {lines[:3]}"
