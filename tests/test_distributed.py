"""Several processes: `distributed_cases.py` under mpiexec, processes that die, and training that goes on with another number of them.

Each MPI library that is there is used: the `mpiexec` beside this Python, those of PATH, and those of UDLFAST_MPIEXEC (separated by `:`).
"""

import functools
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

import udlfast as torch
from udlfast.cli import launch, main

CASES = pathlib.Path(__file__).with_name("distributed_cases.py")
NAMES = re.findall(r"^def (case_\w+)", CASES.read_text() + CASES.with_name("distributed_models.py").read_text(), re.M)
LIMIT = 400  # seconds for one run, of which a machine at rest needs 2
LIBRARIES = {"openmpi": ("libmpi.so.40",), "mpich": ("libmpi.so.12", "libmpich.so.12")}


def test_the_thread_that_moves_messages_ends_at_any_moment():
    from udlfast.distributed._work import Mover

    for pause in range(20):
        mover = Mover()
        mover.wanted.set()
        time.sleep(pause * 2e-4)
        mover.end()
        assert not mover.thread.is_alive()


@functools.cache
def launchers():
    """{flavour: (mpiexec, environment)} of the MPI libraries that are here."""
    if importlib.util.find_spec("mpi4py") is None:
        return {}
    names = [*os.environ.get("UDLFAST_MPIEXEC", "").split(":"), str(pathlib.Path(sys.prefix, "bin/mpiexec")),
             *map(shutil.which, ("mpiexec", "mpiexec.openmpi", "mpiexec.mpich"))]  # fmt: skip
    found = {}
    for path in filter(None, names):
        if not os.access(path, os.X_OK):
            continue
        text = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        flavour = "openmpi" if re.search("Open MPI|OpenRTE|prte", text, re.I) else "mpich" if "HYDRA" in text else None
        if flavour is None or flavour in found:
            continue
        env = dict(os.environ, UDLFAST_NUM_THREADS="1")
        env |= dict.fromkeys(("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "PRTE_MCA_rmaps_default_mapping_policy"), "1")
        env["PRTE_MCA_rmaps_default_mapping_policy"] = ":oversubscribe"
        root = pathlib.Path(path).resolve().parent.parent
        libraries = [lib for name in LIBRARIES[flavour] for lib in root.glob(f"lib/**/{name}")]
        if libraries:
            env["MPI4PY_LIBMPI"] = str(libraries[0])
        found[flavour] = (path, env)
    return found


@pytest.fixture(params=["openmpi", "mpich"])
def mpiexec(request):
    """run(n, words) -> CompletedProcess, with one of the two MPI libraries."""
    found = launchers()
    if request.param not in found:
        pytest.skip(f"no {request.param}: it needs mpi4py (pip install 'udlfast[mpi]') and an mpiexec of that library")
    path, env = found[request.param]

    def run(n, words, options=(), through=()):
        command = [path, "-n", str(n), *options, *through, sys.executable, *map(str, words)]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT)

    run.flavour = request.param
    return run


@functools.cache
def said(flavour, n):
    """What the processes of a run of distributed_cases.py wrote."""
    import tempfile

    path, env = launchers()[flavour]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([path, "-n", str(n), sys.executable, CASES, folder], env=env, capture_output=True, text=True, timeout=LIMIT)
        files = [pathlib.Path(folder, f"{k}.json") for k in range(n)]
        return [json.loads(f.read_text()) if f.exists() else None for f in files], done.stderr[-3000:], done.returncode


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_case(mpiexec, name, n):
    ranks, err, status = said(mpiexec.flavour, n)
    for rank, words in enumerate(ranks):
        assert words is not None, err
        assert words["size"] == n and words["failed"] != name, words["error"]
        assert name in words["passed"], f"rank {rank} did not get to {name}: {words['error'] or err}"
    assert status == 0 or any(words["failed"] for words in ranks), err


START = "import os, signal, sys, time, udlfast as torch\nd = torch.distributed\nd.init(timeout={timeout})\nrank = d.get_rank()\n"
LOOP = "x = torch.ones(1000)\nfor i in range(10**7):\n    d.all_reduce(x, d.ReduceOp.MAX)\n"
DIE = "    if rank == 1 and i == 200:\n        print('now', time.time(), flush=True)\n        os.kill(os.getpid(), signal.SIGKILL)\n"
# what keeps MPICH's launcher from ending the other processes, so that it is for us to notice a death: in the place of each process it
# sees a shell, which stays until the processes of all shells have ended
OUTLIVE = """folder=$0; n=$1; shift
"$@"
touch "$folder/$$"
for i in $(seq 1000); do [ "$(ls "$folder" | wc -l)" -ge "$n" ] && break; sleep 0.1; done"""


def program(text, timeout=LIMIT):
    return ["-c", START.format(timeout=timeout) + text]


def test_a_killed_process_ends_the_others(mpiexec):
    done = mpiexec(3, program(LOOP + DIE))
    ended = time.time()
    assert done.returncode
    said = done.stdout + done.stderr  # MPICH's launcher says it on stdout
    assert ended - float(re.search(r"now ([\d.]+)", said)[1]) < 30
    assert re.search(r"rank 1 of 3 \(process \d+ on .*\) died|signal 9|SIGNAL: 9|Killed", said), said


@pytest.mark.parametrize("ends", ["os.kill(os.getpid(), signal.SIGKILL)", "pass"])
def test_a_process_killed_while_it_joins(ends):
    code = f"import os, signal\nfrom udlfast.distributed._start import guarded\nwith guarded():\n    {ends}"
    env = dict(os.environ, OMPI_COMM_WORLD_RANK="1", OMPI_COMM_WORLD_SIZE="3")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=LIMIT)  # until the shell has ended
    said = re.search(r"rank 1 of 3 \(process \d+ on .*\) died before it had joined the others", done.stderr)
    assert (done.returncode != 0) == (said is not None) == (ends != "pass"), done.stderr


def test_joining_is_guarded(monkeypatch):
    from udlfast.distributed import _start, _world

    def fail():
        assert not inside.closed
        raise RuntimeError("no MPI")

    class Shell(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            nonlocal inside
            super().__init__(*args, **kwargs)
            inside = self.stdin

    inside = None
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setattr(_start.subprocess, "Popen", Shell)
    monkeypatch.setattr(_world, "start_mpi", fail)
    monkeypatch.setattr(_world, "WORLD", None)
    with pytest.raises(RuntimeError, match="no MPI"):
        torch.distributed.init()
    assert inside.closed


@pytest.fixture
def keeping(mpiexec, tmp_path):
    """mpiexec whose launcher leaves the other processes alone: an option of Open MPI's, or shells."""
    text = subprocess.run([launchers()[mpiexec.flavour][0], "--version"], capture_output=True, text=True).stdout
    if mpiexec.flavour == "openmpi" and not re.search(r" ([5-9]|\d\d)\.", text):
        pytest.skip("this Open MPI cannot leave the other processes alone (it needs version 5)")
    if mpiexec.flavour == "openmpi":
        return functools.partial(mpiexec, options=["--with-ft", "ulfm"])
    return lambda n, words: mpiexec(n, words, through=["sh", "-c", OUTLIVE, str(tmp_path), str(n)])


def test_a_killed_process_is_noticed_without_the_launcher(keeping):
    done = keeping(3, program(LOOP + DIE))
    found = re.findall(r"DistributedError: all_reduce: rank 1 of 3 \(process \d+ on .*\) died", done.stderr)
    assert len(found) == 2, done.stderr


def test_a_death_ends_processes_that_do_not_communicate(keeping):
    text = ("torch.distributed._watch.GRACE = 1.0\nd.barrier()\nif rank == 1:\n    os.kill(os.getpid(), signal.SIGKILL)\n"
            "for _ in range(300):\n    time.sleep(0.1)\nprint('still here')\n")
    done = keeping(2, program(text))
    assert "it did not communicate for 1 s" in done.stderr and "still here" not in done.stdout, done.stderr


def test_an_exception_in_one_process_reaches_the_others(keeping):
    done = keeping(2, program(LOOP + "    if rank == 1 and i == 100:\n        raise KeyError('the cause')\n"))
    assert "KeyError: 'the cause'" in done.stderr
    assert re.search(r"rank 0 of 2 .*: rank 1 of 2 .* stopped: KeyError: 'the cause'", done.stderr), done.stderr


def test_a_process_that_ends_early(mpiexec):
    done = mpiexec(2, program("d._work.LEFT = 0.3\nif rank == 0:\n    d.barrier()\n"))
    assert done.returncode and "the script of rank 1 of 2" in done.stderr and "has ended" in done.stderr, done.stderr


def test_timeout(mpiexec):
    done = mpiexec(2, program("if rank == 0:\n    d.barrier()\ntime.sleep(2)\n", timeout=0.5))
    assert done.returncode, done.stderr
    assert re.search(r"barrier: rank 0 of 2 .* has waited \d+ s for the others \(timeout=0.5 s\)", done.stderr), done.stderr


def test_over_a_slow_link(mpiexec, tmp_path, monkeypatch):
    """Two network namespaces, 2 ms and 200 Mbit/s between them."""
    monkeypatch.syspath_prepend(str(CASES.parent.parent / "bench"))
    link = pytest.importorskip("link", reason="not a checkout")
    if why := link.impossible():
        pytest.skip(f"not run: {why}")
    path, env = launchers()[mpiexec.flavour]
    names = ["case_reductions", "case_messages", "case_gradients", "case_same_bits_again"]
    with link.Link(2.0, 200.0) as between:
        command = between.command(path, [sys.executable, str(CASES), str(tmp_path), *names])
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT)
    for rank in range(2):
        assert json.loads((tmp_path / f"{rank}.json").read_text())["passed"] == names, done.stderr


FIT = """
import json, pathlib
import numpy as np
rng = np.random.default_rng(0)
x, y = torch.from_numpy(rng.standard_normal((90, 20), dtype=np.float32)), torch.from_numpy(rng.integers(0, 5, 90))
said = {}
for ranks, epochs, name, compress in json.loads(sys.argv[2]):
    group = d.new_group(ranks)
    if rank in ranks:
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 5))
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=12, shuffle=True,
                                             generator=torch.Generator().manual_seed(0))
        optimizer = d.optim.ZeroRedundancyOptimizer(net.parameters(), torch.optim.AdamW, process_group=group, lr=0.01)
        model = torch.nn.parallel.DistributedDataParallel(net, process_group=group, compress=compress)
        history = torch.train.fit(model, loader, epochs=epochs, optimizer=optimizer, seed=0, checkpoint=f"{sys.argv[1]}/{name}")
        said[name] = history.train_loss
if rank == 0:
    print(json.dumps(said))
"""


def test_resume_with_another_number_of_processes(mpiexec, tmp_path):
    def losses(n, *runs):
        done = mpiexec(n, [*program(FIT), tmp_path, json.dumps(runs)])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    top = 0.1
    first = losses(3, ([0, 1], 6, "whole", None), ([0, 1, 2], 3, "cut", None), ([0, 1], 2, "two", None), ([0, 1], 2, "top", top))
    assert first["cut"] == pytest.approx(first["whole"][:3], rel=1e-4)
    for name in ("cut", "top"):
        shutil.copy(tmp_path / name, tmp_path / f"{name}_again")
    then = losses(2, ([0], 6, "cut", None), ([0, 1], 6, "cut_again", None), ([0, 1], 6, "two", None), ([0, 1], 6, "top", top),
                  ([0], 3, "top_again", top), ([0, 1], 6, "top_whole", top))  # fmt: skip
    assert then["cut"] == pytest.approx(first["whole"], rel=1e-4)
    assert then["cut_again"] == pytest.approx(first["whole"], rel=1e-4)
    assert then["two"] == first["whole"]  # the same number: the same bits
    assert then["top"][:2] == first["top"] == then["top_again"][:2] and then["top"] == then["top_whole"]


def test_command_line(mpiexec, tmp_path):
    words = ["-m", "udlfast", "train", "--epochs", "2", "--data", "mnist1d", "--model", "mlp", "--out", tmp_path]
    done = mpiexec(2, words)
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stdout and done.stdout.count("test accuracy") == 1 and (tmp_path / "model.safetensors").exists()


def test_launch_prints_commands(capsys, monkeypatch):
    def words(*argv):
        assert main(["launch", *argv]) == 0
        return capsys.readouterr().out.split()

    out = words("--mpi", "openmpi", "-n", "4", "--hosts", "a,b", "--threads", "8", "train", "--model", "resnet18")
    assert out[:7] == ["mpiexec", "-n", "4", "--host", "a:16,b:16", "--map-by", "ppr:2:node:pe=8"]
    assert out[-6:] == [sys.executable, "-m", "udlfast", "train", "--model", "resnet18"] and "UDLFAST_NUM_THREADS=8" in out
    out = words("--mpi", "mpich", "-n", "2", "script.py", "--lr", "1")
    assert out[:3] == ["mpiexec", "-n", "2"] and out[-4:] == [sys.executable, "script.py", "--lr", "1"]
    assert words("--mpi", "slurm", "--hosts", "a,b", "x.py")[:5] == ["srun", "--mpi=pmix", "--ntasks=2", "--nodes=2", "--nodelist=a,b"]
    assert main(["launch", "--mpi", "mpich"]) == 2 and "what is to be started" in capsys.readouterr().err
    assert main(["launch", "--mpi", "mpich", "-n", "3", "--hosts", "a,b", "x.py"]) == 2
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert main(["launch", "x.py"]) == 2 and "no mpiexec" in capsys.readouterr().err
    assert launch.KINDS == ("openmpi", "mpich", "slurm")


def test_alone():
    """Without init: one process, and errors that say what to call."""
    d = torch.distributed
    assert not d.is_initialized() and (d.get_rank(), d.get_world_size()) == (0, 1)
    with pytest.raises(ValueError, match="init"):
        d.all_reduce(torch.zeros(1))
    with pytest.raises(ValueError, match="init"):
        torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match="expected 'mpi'"):
        d.init_process_group("gloo")
    with pytest.raises(ValueError, match="timeout must be positive"):
        d.init_process_group("mpi", timeout=-1)


def test_a_launcher_that_mpi_does_not_know(monkeypatch):
    from udlfast.distributed._world import check_launcher

    says = (("SLURM_STEP_NUM_TASKS", "4", "--mpi=pmix"), ("WORLD_SIZE", "2", "mpiexec"), ("PMI_SIZE", "2", "MPI4PY_LIBMPI"))
    for name, text, match in says:
        monkeypatch.setenv(name, text)
        with pytest.raises(ValueError, match=match):
            check_launcher(1)
        check_launcher(int(text))
        monkeypatch.delenv(name)


def test_parts_of_a_bucket():
    from udlfast.distributed._exchange import cuts
    from udlfast.distributed._reducer import plan

    for n in (0, 1, 15, 16, 17, 1000, 4097):
        for size in (2, 3, 7, 64):
            at = cuts(n, size)
            assert at[0] == 0 and at[-1] == n and at == sorted(at) and len(at) == size + 1
    params = [torch.zeros(k) for k in (10, 300_000, 20_000, 20_000, 5, 20_000)] + [torch.zeros(7, dtype=torch.float64)]
    buckets = plan(list(range(7))[::-1], params, 4 << 20)
    assert sorted(i for b in buckets for i in b) == list(range(7)) and [1] in buckets and [6] in buckets
    assert all(len({params[i].dtype for i in b}) == 1 for b in buckets)


def test_a_function_at_the_end_of_backward():
    from udlfast import _core

    said = []
    x = torch.ones(3, requires_grad=True)
    x.register_hook(lambda g: said.append("hook") or _core.at_end_of_backward(lambda: said.append(x.grad.tolist())))
    (2 * x).sum().backward()
    assert said == ["hook", [2.0] * 3]
    with pytest.raises(ValueError, match="no backward is running"):
        _core.at_end_of_backward(print)

    def inner(g):
        _core.at_end_of_backward(lambda: said.append("outer"))
        z = torch.ones(1, requires_grad=True)
        with torch.enable_grad():
            (z * z).sum().backward()
        said.append("inner done")

    said.clear()
    y = torch.ones(3, requires_grad=True)
    y.register_hook(inner)
    y.sum().backward()
    assert said == ["inner done", "outer"]

    def bad(g):
        _core.at_end_of_backward(lambda: said.append("never"), lambda: said.append("failed"))
        _core.at_end_of_backward(lambda: said.append("never"))
        raise RuntimeError("stop")

    w = torch.ones(3, requires_grad=True)
    w.register_hook(bad)
    with pytest.raises(RuntimeError, match="stop"):
        w.sum().backward()
    x.sum().backward()
    assert "never" not in said and said.count("failed") == 1
