"""The house: every kernel has its file on each floor, imports point downwards, files stay small, documents tell the truth."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "udlfast"
if not (ROOT / "csrc").is_dir():
    pytest.skip("not a checkout", allow_module_level=True)

KERNELS = re.findall(r"^UDL_KERNEL\((\w+),", (ROOT / "csrc/kernels.inc").read_text(), re.M)
FAMILY = {
    "var_mean": "reduce", "max_pool2d": "pool2d", "avg_pool2d": "pool2d", "adaptive_avg_pool2d": "adaptive_pool2d",
    "adaptive_max_pool2d": "adaptive_pool2d", "index_add": "index_select", "sumsq": "sgd", "chain": "elementwise",
    "fold_batch_norm": "batch_norm", "conv2d_filters": "conv2d", "segment_softmax": "softmax", "spmm_values": "spmm",
    **dict.fromkeys(("rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "asgd", "rprop"), "adam"),
}  # fmt: skip
# where a family's file on a floor has another name; None: this floor has none, for the reason given
OTHER_NAME = {
    "reference": {"reduce": "reductions", "index_select": "gather", "sgd": "optim", "adam": "optim",
                  "random": None, "fma_peak": None, "remap": "pad"},  # laws only; a speed; flip, roll and repeat are NumPy's
    "tests": {"reduce": "reductions", "index_select": "gather", "sgd": "optim", "adam": "optim", "lstm": "rnn", "gru": "rnn",
              "fma_peak": "cli"},
    "bench": {"adaptive_pool2d": "pool2d", "nll_loss": "cross_entropy", "index_select": "embedding", "scatter": "gather",
              "gru": "lstm", "rnn": "lstm", "fma_peak": None},  # it measures itself
}


def family(kernel):
    name = re.sub(r"_backward(_\w+)?$", "", kernel)
    return FAMILY.get(name, name)


FAMILIES = sorted({family(k) for k in KERNELS})


@pytest.mark.parametrize("floor, pattern", [
    ("reference", "src/udlfast/reference/{}.py"), ("tests", "tests/test_{}.py"), ("bench", "bench/bench_{}.py"),
])  # fmt: skip
@pytest.mark.parametrize("name", FAMILIES)
def test_every_kernel_has_its_floors(name, floor, pattern):
    other = OTHER_NAME[floor].get(name, name)
    if other is None:
        pytest.skip(f"{name} has no file on the floor {floor}")
    path = ROOT / pattern.format(other)
    assert path.is_file(), f"the kernel family {name} lacks {path.relative_to(ROOT)}"


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_registered_kernel_has_one_body(kernel):
    bodies = [f.name for f in (ROOT / "csrc/kernels").glob("*.c") if re.search(rf"^int KERNEL\({kernel}\)", f.read_text(), re.M)]
    assert len(bodies) == 1, f"KERNEL({kernel}) is defined in {bodies}"


def test_every_struct_has_the_registered_number_of_fields():
    """A struct and its line in kernels.inc are two facts in two files: count the fields of the one for the other."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "csrc/args.h").read_text(), flags=re.S)
    structs = {name: body for body, name in re.findall(r"typedef struct \{(.*?)\} udl_(\w+)_args;", text, re.S)}
    for same, names in re.findall(r"typedef udl_(\w+)_args ([^;]*);", text):
        structs |= {name: structs[same] for name in re.findall(r"udl_(\w+)_args", names)}
    for line in re.findall(r"^UDL_KERNEL\((.*?)\)", (ROOT / "csrc/kernels.inc").read_text(), re.M):
        name, *counts = (part.strip() for part in line.split(","))
        n_out, n_in, n_int, n_float = map(int, counts)
        seen = {"pointer": 0, "i64": 0, "double": 0}
        for declaration in filter(None, (d.strip() for d in structs[name].split(";"))):
            for item in declaration.split(","):
                kind = "pointer" if "*" in item else "double" if declaration.startswith("double") else "i64"
                size = 1
                for n in re.findall(r"\[(\d+)\]", item):
                    size *= int(n)
                seen[kind] += size
        assert seen == {"pointer": n_out + n_in, "i64": n_int, "double": n_float}, name


def imports(path):
    """The modules that a file imports, absolute; relative ones are resolved."""
    package = path.relative_to(ROOT / "src").with_suffix("").parts if path.is_relative_to(ROOT / "src") else ()
    package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module or "")))
            yield module
            yield from (f"{module}.{a.name}" for a in node.names)


# who may import whom: a floor may import itself and those below it
FLOORS = ["reference", "_core", "ops", "nn", "optim", "data", "models", "train", "cli"]
MAY = {
    "reference": set(),
    "ops": {"_core", "reference"},
    "nn": {"ops", "_core"},
    "optim": {"ops", "_core", "nn"},
    "data": {"ops", "_core", "utils"},
    "utils": {"ops", "_core", "distributed"},
    "models": {"nn", "ops", "_core"},
    "compiler": {"nn", "serialization", "_core"},
    "distributed": {"nn", "optim", "ops", "_core"},
    "train": {"distributed", "models", "nn", "optim", "data", "utils", "ops", "_core"},
}
ABOVE = {"models/suggest.py": {"train"}}  # the guide stands above both: it tries models out
ANYONE = {"errors", "size", "device", "_printing", "", "manual_seed", "Generator"}


@pytest.mark.parametrize("floor", MAY)
def test_imports_point_downwards(floor):
    wrong = []
    for path in sorted((PACKAGE / floor).rglob("*.py")):
        for module in imports(path):
            if module == "udlfast" or not module.startswith("udlfast."):
                continue
            other = module.split(".")[1]
            is_floor = (PACKAGE / other).is_dir() or other == "_core"
            if is_floor and other not in MAY[floor] | {floor} | ABOVE.get(str(path.relative_to(PACKAGE)), set()):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {other}")
    assert not wrong, wrong


def test_reference_imports_numpy_only():
    for path in (PACKAGE / "reference").glob("*.py"):
        assert {m.split(".")[0] for m in imports(path)} <= {"numpy", "math"}, path.name


def test_nothing_imports_tests_or_bench():
    for path in PACKAGE.rglob("*.py"):
        for module in imports(path):
            assert module.split(".")[0] not in ("tests", "bench", "harness", "conftest", "pytest", "torch"), path


def test_c_floor_knows_no_python_and_never_prints():
    for path in [*(ROOT / "csrc").rglob("*.[ch]"), *(ROOT / "csrc").rglob("*.inc")]:
        code = re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\])*\"", "", path.read_text(), flags=re.S)
        for word in ("Python.h", "PyObject", "printf", "puts", "fputs", "perror", "exit", "abort", "_Exit"):
            assert not re.search(rf"\b{re.escape(word)}\b", code.replace("snprintf", "")), f"{path.name} uses {word}"


def test_only_one_file_knows_threads():
    for path in (ROOT / "csrc").rglob("*.[ch]"):
        if "pthread_create" in path.read_text():
            assert path.name == "parallel.c"
    for path in (ROOT / "csrc/kernels").glob("*.[ch]"):
        assert not re.search(r"\bomp_|#pragma omp|pthread_|_Thread_local|\b__thread\b", path.read_text()), path.name


def test_no_flag_that_changes_meaning():
    text = "".join((ROOT / f).read_text() for f in ("CMakeLists.txt", "pyproject.toml"))
    code = re.sub(r"#[^\n]*", "", text)
    for flag in ("-ffast-math", "-Ofast", "-march=native", "-fopenmp", "-funsafe-math", "-ffinite-math"):
        assert flag not in code
    assert "fast-math" not in "".join(p.read_text() for p in (ROOT / "csrc").rglob("*.[ch]"))


SOURCES = [p for folder in ("csrc", "src", "tests", "bench", "examples", "scripts") for p in (ROOT / folder).rglob("*")
           if p.suffix in (".c", ".h", ".py", ".pyx", ".pxi", ".inc") and "build" not in p.parts]  # fmt: skip


@pytest.mark.parametrize("suffixes, limit", [((".c", ".h", ".inc"), 450), ((".py",), 450), ((".pyx", ".pxi"), 800)], ids=str)
def test_files_stay_small(suffixes, limit):
    """About 400 lines; files named _index are written by a script."""
    sizes = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in SOURCES if p.suffix in suffixes and p.stem != "_index"}
    assert not {name: n for name, n in sizes.items() if n > limit}


def test_index_of_operations_is_up_to_date():
    done = subprocess.run([sys.executable, ROOT / "scripts/index_ops.py", "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_listed_name_exists():
    import udlfast

    for name in dir(udlfast):
        if name not in ("cuda", "backends"):
            assert getattr(udlfast, name) is not None or name in ("__doc__", "newaxis")


def test_every_elementwise_operation_has_a_reference():
    from udlfast.reference.elementwise import FORWARD

    names = re.findall(r"^UDL_MAP\((\w+),", (ROOT / "csrc/elementwise.inc").read_text(), re.M)
    assert len(names) > 100 and set(names) == set(FORWARD)


def test_table_of_operations_names_files_that_exist():
    """docs/ops.md: one row per kernel family, and every file it names is there."""
    text = (ROOT / "docs/ops.md").read_text()
    rows = [[c.strip() for c in line.strip().strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| ")]
    rows = [r for r in rows if len(r) == 7 and r[0] != "operation"]
    assert len(rows) >= 15
    folders = [None, None, "csrc/kernels", "src/udlfast", "src/udlfast/reference", "tests", "bench"]
    for row in rows:
        for cell, folder in zip(row, folders, strict=True):
            for name in re.findall(r"`([^`]+\.\w+)`", cell) if folder else []:
                assert list((ROOT / folder).glob(name)), f"docs/ops.md names {folder}/{name}"
    named = {n for row in rows for n in re.findall(r"\w+", row[0])}
    assert set(FAMILIES) <= named, f"docs/ops.md lacks {sorted(set(FAMILIES) - named)}"


def test_every_test_and_bench_is_about_something():
    """No empty test file, no test that asserts nothing and calls no check."""
    for path in (ROOT / "tests").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                text = ast.unparse(node)
                assert re.search(r"\bassert\b|check|compare|raises|\bwait\(|\brun\(|\bsame\(", text), f"{path.name}: {node.name}"
