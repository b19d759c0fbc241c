"""Training in several processes, measured. Each command prints a table; all of them start their processes themselves.

    python bench/distributed.py scaling       2 processes x 1 thread against 1 process x 2 threads, the same batch in all
    python bench/distributed.py torch         the same network, 2 processes, against PyTorch's DistributedDataParallel over gloo
    python bench/distributed.py messages      latency and bandwidth of the MPI library: what the cost model of docs/distributed.md needs
    python bench/distributed.py overlap       two network namespaces with a delayed, narrow link: what of the messages backward hides (root)
    python bench/distributed.py predict       the cost model for 1 .. 256 machines, from figures given as options
    python bench/distributed.py kill          SIGKILL to one process at a random moment, then resuming, 20 times

Options: --only resnet18|gpt|nanogpt, --rounds N, --steps N, --mpiexec PATH (and MPI4PY_LIBMPI for its library).
"""

import argparse
import importlib
import json
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent))


def timed_steps(o):
    """One process: `o.steps` steps; process 0 prints the median time, in ms."""
    if o.library == "udlfast":
        os.environ.setdefault("UDLFAST_NUM_THREADS", str(o.threads))
    torch = importlib.import_module(o.library)
    torch.set_num_threads(o.threads)
    d, size, rank = torch.distributed, 1, 0
    if o.processes > 1:
        d.init() if o.library == "udlfast" else d.init_process_group("gloo")
        rank, size = d.get_rank(), d.get_world_size()
    from distributed_nets import make

    model, x, y, make_optimizer = make(torch, o.only, rank, size)
    inner = model
    if size > 1:
        model = torch.nn.parallel.DistributedDataParallel(model, **json.loads(o.ddp))
        if o.comm == "after":
            model.reducer.overlap = False
    if o.zero:
        optimizer = d.optim.ZeroRedundancyOptimizer(inner.parameters(), torch.optim.AdamW, lr=1e-4)
    else:
        optimizer = make_optimizer(inner.parameters())
    times, backward = [], []
    for step in range(o.steps + 3):
        if size > 1:
            d.barrier()
        began = time.perf_counter()
        optimizer.zero_grad()
        if o.comm == "none" and size > 1:
            with model.no_sync():
                loss = torch.nn.functional.cross_entropy(model(x), y.reshape(-1))
                middle = time.perf_counter()
                loss.backward()
        else:
            loss = torch.nn.functional.cross_entropy(model(x), y.reshape(-1))
            middle = time.perf_counter()
            loss.backward()
        end = time.perf_counter()
        optimizer.step()
        if step >= 3:
            times.append(time.perf_counter() - began), backward.append(end - middle)
    if rank == 0:
        print(json.dumps({"ms": 1e3 * statistics.median(times), "best": 1e3 * min(times), "backward": 1e3 * statistics.median(backward)}))


def launched(o, processes, threads, library="udlfast", more=(), prefix=None):
    """Start the processes of one measurement and read what process 0 printed."""
    worker = [sys.executable, str(HERE), "steps", "--only", o.only, "--steps", str(o.steps), "--library", library,
              "--threads", str(threads), "--processes", str(processes), *more]  # fmt: skip
    env = dict(os.environ, UDLFAST_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    if library == "torch" and processes > 1:
        env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20000 + os.getpid() % 20000), "WORLD_SIZE": str(processes)}
        running = [subprocess.Popen(worker, env=env | {"RANK": str(k)}, stdout=subprocess.PIPE, text=True) for k in range(processes)]
        text = [p.communicate()[0] for p in running][0]
    else:
        command = [o.mpiexec, "-n", str(processes), *worker] if processes > 1 else worker
        text = subprocess.run(prefix(worker) if prefix else command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


def compared(o, title, a, b):
    """a() and b() in turn; prints medians and the ratio b / a of throughput."""
    rows = [(a(), b()) for _ in range(o.rounds)]
    ratios = sorted(x["ms"] / y["ms"] for x, y in rows)
    ms = [statistics.median(r[i]["ms"] for r in rows) for i in (0, 1)]
    ratio = f"x {statistics.median(ratios):.2f}  ({ratios[0]:.2f} .. {ratios[-1]:.2f})"
    print(f"{title:58s} {ms[0]:8.1f} ms {ms[1]:8.1f} ms   {ratio}", flush=True)


def scaling(o):
    compared(o, f"{o.only}: 1 x 2 threads, 2 x 1 thread; throughput", lambda: launched(o, 1, 2),
             lambda: launched(o, 2, 1, more=["--ddp", o.ddp] + (["--zero"] if o.zero else [])))  # fmt: skip


def against_torch(o):
    compared(o, f"{o.only}: 2 processes, PyTorch over gloo, udlfast over MPI", lambda: launched(o, 2, 1, "torch"),
             lambda: launched(o, 2, 1))  # fmt: skip


def messages(o):
    """Round trips and bandwidth between the first two processes; run by mpiexec itself, or starts it."""
    if "--inside" not in sys.argv:
        subprocess.run([o.mpiexec, "-n", "2", sys.executable, str(HERE), "messages", "--inside"], check=True)
        return
    import udlfast as torch

    d = torch.distributed
    d.init()
    rank = d.get_rank()
    for n in (1, 1 << 10, 1 << 14, 1 << 18, 1 << 20, 1 << 22):
        t, times = torch.zeros(n), []
        for _ in range(max(10, min(300, (1 << 23) // n))):
            d.barrier()
            began = time.perf_counter()
            d.send(t, 1) if rank == 0 else d.recv(t, 0)
            d.recv(t, 1) if rank == 0 else d.send(t, 0)
            one = (time.perf_counter() - began) / 2
            began = time.perf_counter()
            d.all_reduce(t)
            times.append((one, time.perf_counter() - began))
        if rank == 0:
            one, all_ = (statistics.median(x) for x in zip(*times))
            way = f"one way {one * 1e6:9.1f} us ({4 * n / one / 1e6:8.1f} MB/s)"
            print(f"{4 * n:9d} bytes: {way}, all_reduce {all_ * 1e6:9.1f} us", flush=True)


def overlap(o):
    """On a link of o.delay ms and o.mbit Mbit/s: how much of the time of all messages shows, when they leave during backward."""
    from link import Link

    with Link(o.delay, o.mbit) as link:
        run = lambda *more: launched(o, 2, 1, more=["--ddp", o.ddp, *more], prefix=lambda w: link.command(o.mpiexec, w))  # noqa: E731
        for _ in range(o.rounds):
            none, after, during = (run("--comm", how)["ms"] for how in ("none", "after", "during"))
            print(f"{o.only} {o.ddp} over {o.delay:g} ms, {o.mbit:g} Mbit/s: no messages {none:.0f} ms, after backward {after:.0f} ms, "
                  f"during {during:.0f} ms a step; exposed {max(0.0, during - none):.0f} of {after - none:.0f} ms = "
                  f"{100 * max(0.0, during - none) / (after - none):.0f} %", flush=True)  # fmt: skip


def exchange_seconds(o, machines):
    """One exchange of all gradients that hides behind nothing: bytes, latencies, messages, and adding up (docs/distributed.md)."""
    share = (machines - 1) / machines
    wire = 2 * share * o.mbytes * 1e6 / (o.mbit * 1e6 / 8)
    rounds = 2 * (o.delay * 1e-3 + (machines - 1) * o.message * 1e-6)
    adding = (1 + 2 / machines) * o.mbytes * 1e6 / (o.memory * 1e9)
    return wire, o.buckets * rounds, adding


def step_seconds(o, machines):
    """(a step, its exposed part) on so many machines with o.compute ms of work each, of which backward is o.backward ms."""
    if machines == 1:
        return o.compute * 1e-3, 0.0
    wire, rounds, adding = exchange_seconds(o, machines)
    last = (wire + rounds) / o.buckets  # the last bucket hides behind nothing
    exposed = max(last, wire + rounds - o.backward * 1e-3) + adding
    return o.compute * 1e-3 + exposed, exposed


def predict(o):
    """The table of the document."""
    print(f"{o.mbytes:g} MB of gradients, {o.compute:g} ms a step of which {o.backward:g} ms backward; {o.mbit:g} Mbit/s, {o.delay:g} ms, "
          f"{o.message:g} us a message, {o.buckets} buckets")  # fmt: skip
    for machines in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        step, exposed = step_seconds(o, machines)
        print(f"{machines:4d} machines: exchange {1e3 * sum(exchange_seconds(o, machines)) if machines > 1 else 0:8.1f} ms, exposed "
              f"{1e3 * exposed:8.1f} ms, step {1e3 * step:8.1f} ms, speed-up {machines * o.compute * 1e-3 / step:6.1f}, efficiency "
              f"{100 * o.compute * 1e-3 / step:4.0f} %")  # fmt: skip


def fit_job(o):
    """One process of `kill`: a small network, whose losses do not depend on how many there are."""
    import numpy as np

    import udlfast as torch

    if o.processes > 1:
        torch.distributed.init()
    else:
        torch.distributed.init(timeout=60)
    rng = np.random.default_rng(0)
    x, y = torch.from_numpy(rng.standard_normal((2000, 64), dtype=np.float32)), torch.from_numpy(rng.integers(0, 10, 2000))
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    model = torch.nn.parallel.DistributedDataParallel(net)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True,
                                         generator=torch.Generator().manual_seed(0))  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    history = torch.train.fit(model, loader, epochs=12, optimizer=optimizer, checkpoint=o.out, seed=0)
    if torch.distributed.get_rank() == 0:
        print(json.dumps(history.train_loss))


def kill(o):
    """Who ended when, what was said, and the curve after going on with another number of processes."""
    def start(n, out):
        command = [o.mpiexec, "-n", str(n), sys.executable, str(HERE), "fit", "--processes", str(n), "--out", out]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def children(pid):
        found = []
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
        return found

    def is_worker(pid):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(HERE).encode() in words and b"mpiexec" not in words[0]

    random.seed(o.seed)
    folder = tempfile.mkdtemp()
    began = time.perf_counter()
    whole = json.loads(start(2, f"{folder}/whole.pt").communicate()[0].splitlines()[-1])
    usual = time.perf_counter() - began
    again = json.loads(start(2, f"{folder}/again.pt").communicate()[0].splitlines()[-1])
    print(f"an undisturbed run takes {usual:.1f} s; a second one has the same bits: {whole == again}", flush=True)
    for turn in range(o.times):
        out, n = f"{folder}/{turn}.pt", random.choice((2, 3))
        run, moment = start(n, out), usual * random.uniform(0.15, 1.0)
        time.sleep(moment)
        workers = [p for p in children(run.pid) if is_worker(p)]
        victim = random.choice(workers) if workers else None
        if victim:
            os.kill(victim, signal.SIGKILL)
        began = time.perf_counter()
        text0, err = run.communicate(timeout=60)
        seconds = time.perf_counter() - began
        left = [p for p in workers if pathlib.Path(f"/proc/{p}/cmdline").exists() and is_worker(p)]
        said = re.search(r"rank \d+ of \d+ \([^)]*\) died|signal 9|SIGNAL: 9|Killed", text0 + err)
        m = random.choice((1, 2, 3))
        text, err2 = start(m, out).communicate(timeout=60)
        losses = json.loads(text.splitlines()[-1]) if text.strip() else [err2]
        same = losses == whole if n == m == 2 else max(abs(a / b - 1) for a, b in zip(losses, whole)) < 1e-3 and len(losses) == len(whole)
        print(f"{turn + 1:2d}: {n} processes, killed after {moment:.1f} s: ended in {seconds:.2f} s with status {run.returncode}, "
              f"left {left}, said {said[0] if said else None!r}; resumed with {m}: the same curve {same}, exact {losses == whole}",
              flush=True)  # fmt: skip


def main():
    jobs = {"scaling": scaling, "torch": against_torch, "messages": messages, "overlap": overlap, "predict": predict, "kill": kill,
            "steps": timed_steps, "fit": fit_job}  # fmt: skip
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("job", choices=jobs)
    p.add_argument("--only", default="resnet18", choices=("resnet18", "gpt", "nanogpt"))
    p.add_argument("--mpiexec", default=os.environ.get("UDLFAST_MPIEXEC", "mpiexec"))
    p.add_argument("--library", default="udlfast")
    p.add_argument("--comm", default="during", choices=("during", "after", "none"))
    p.add_argument("--ddp", default="{}", help="arguments of DistributedDataParallel, as JSON")
    p.add_argument("--zero", action="store_true", help="with ZeroRedundancyOptimizer")
    p.add_argument("--inside", action="store_true")
    p.add_argument("--out")
    for name, default in (("rounds", 3), ("steps", 20), ("threads", 1), ("processes", 1), ("times", 20), ("seed", 0)):
        p.add_argument("--" + name, type=int, default=default)
    for name, default in (("delay", 2.0), ("mbit", 1000.0), ("mbytes", 44.7), ("compute", 800.0), ("backward", 500.0),
                          ("message", 2.0), ("memory", 5.0), ("buckets", 20)):  # fmt: skip
        p.add_argument("--" + name, type=float, default=default)
    o = p.parse_args()
    jobs[o.job](o)


if __name__ == "__main__":
    main()
