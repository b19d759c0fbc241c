"""pytest bench/: fixed threads, results checked before timing, and what is needed to read a figure later."""
import os
import sys

# NumPy's BLAS reads its width when it is loaded.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    if os.environ.get("UDLFAST_BENCH_THREADS"):
        os.environ.setdefault(_name, os.environ["UDLFAST_BENCH_THREADS"])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pytest  # noqa: E402
import race  # noqa: E402


def pytest_collect_file(file_path, parent):
    """Collect bench_OP.py, also where the configuration in force only knows test_*.py."""
    known = any(file_path.match(p) for p in parent.config.getini("python_files"))
    if file_path.suffix == ".py" and file_path.name.startswith("bench_") and not known:
        return pytest.Module.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session", autouse=True)
def _fixed_threads():
    with race.threads(race.width()):
        yield


@pytest.fixture(scope="session")
def _machine():
    import udlfast

    return {"isa": udlfast.isa(), "threads": race.width(), "commit": race.commit(), "udlfast": udlfast.__version__}


@pytest.fixture
def record(benchmark, _machine):
    """record(case, side) notes flops, bytes, isa, threads and commit with the figure, and groups the runners."""
    def note(case, side):
        r = case.race()
        benchmark.group = f"{case.op}/{case.name}"
        benchmark.extra_info.update(_machine, op=case.op, case=case.name, side=side, flops=r.flops, bytes=r.moved)

    return note
