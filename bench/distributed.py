"""Training in several processes, measured. Each command prints a table; all of them start their processes themselves.

    python bench/distributed.py scaling       2 processes x 1 thread against 1 process x 2 threads, the same batch in all
    python bench/distributed.py torch         the same network, 2 processes, against PyTorch's DistributedDataParallel over gloo
    python bench/distributed.py messages      latency and bandwidth of the MPI library: what the cost model of docs/distributed.md needs
    python bench/distributed.py overlap       two network namespaces with a delayed, narrow link: what of the messages backward
                                              hides (root; --mbit 0: on one machine, without a link)
    python bench/distributed.py predict       the cost model for 1 .. 256 machines, from figures given as options
    python bench/distributed.py kill          SIGKILL to one process at a random moment, then resuming, 20 times

The first two and `overlap` work by turns of --steps steps for --seconds (45), and print medians with quartiles; turns in which other
programs have more than the share --others of the processors are left out.
Options: --only resnet18|gpt|nanogpt, --batch ROWS (of all processes together; 16, 4 and 12),
--rounds N (of turns, at most), --mpiexec PATH (and MPI4PY_LIBMPI for its library).
"""

import argparse
import contextlib
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
PATIENCE, EPOCHS = 600, 20  # seconds for one run of `kill`, and its length
sys.path.insert(0, str(HERE.parent))
from distributed_turns import OTHERS, Runner, by_turns, descendants, spread, work  # noqa: E402


def timed_steps(o):
    """One process: steps as `by turns` asks for them, "STEPS HOW"; process 0 prints their times, in ms."""
    if o.library == "udlfast":
        os.environ.setdefault("UDLFAST_NUM_THREADS", str(o.threads))
    torch = importlib.import_module(o.library)
    torch.set_num_threads(o.threads)
    d, size, rank = torch.distributed, 1, 0
    if o.processes > 1:
        d.init() if o.library == "udlfast" else d.init_process_group("gloo")
        rank, size = d.get_rank(), d.get_world_size()
    from distributed_nets import make

    model, x, y, make_optimizer = make(torch, o.only, rank, size, o.batch)
    inner = model
    if size > 1:
        model = torch.nn.parallel.DistributedDataParallel(model, **json.loads(o.ddp))
    if o.zero:
        optimizer = d.optim.ZeroRedundancyOptimizer(inner.parameters(), torch.optim.AdamW, lr=1e-4)
    else:
        optimizer = make_optimizer(inner.parameters())

    spent = [0.0]  # in the exchange, between the layers' work of backward and after it
    for name in ("ready", "finish") if size > 1 and o.library == "udlfast" else ():
        setattr(model.reducer, name, clocked(getattr(model.reducer, name), spent))

    def step(how):
        spent[0] = 0.0
        began = time.perf_counter()
        optimizer.zero_grad()
        with model.no_sync() if how == "none" and size > 1 else contextlib.nullcontext():
            loss = torch.nn.functional.cross_entropy(model(x), y.reshape(-1))
            middle = time.perf_counter()
            loss.backward()
        end = time.perf_counter()
        optimizer.step()
        return [1e3 * t for t in (time.perf_counter() - began, middle - began, end - middle, time.perf_counter() - end, spent[0])]

    def piece(word):
        steps, how = word.split()
        if size > 1 and o.library == "udlfast":
            model.reducer.overlap = how != "after"
        rows, used = [], time.process_time()
        for _ in range(int(steps)):
            if size > 1:
                d.barrier()
            rows.append(step(how))
        if rank == 0:
            parts = zip(("ms", "forward", "backward", "optimizer", "exchange"), zip(*rows))
            print(json.dumps({**dict(parts), "processor": 1e3 * (time.process_time() - used) / int(steps)}), flush=True)

    work(f"{o.out}/{rank}", piece)


def clocked(function, spent):
    """The function, whose seconds are added to spent[0]."""
    def run(*args):
        began = time.perf_counter()
        function(*args)
        spent[0] += time.perf_counter() - began

    return run


def started(o, processes, threads, library="udlfast", more=(), prefix=None):
    """The processes of one set-up."""
    worker = [sys.executable, str(HERE), "steps", "--only", o.only, "--library", library, "--threads", str(threads),
              "--processes", str(processes), "--batch", str(o.batch), "--out", "FOLDER", *more]  # fmt: skip
    env = {"UDLFAST_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    if library == "torch" and processes > 1:
        port = str(20000 + os.getpid() % 20000)
        env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(processes)}
        return Runner(processes, [worker] * processes, lambda k: {"RANK": str(k)}, env)
    command = prefix(worker) if prefix else [o.mpiexec, "-n", str(processes), *worker] if processes > 1 else worker
    return Runner(processes, [command], env=env)


def measured(o, runners, words, limit=None):
    """{name: what process 0 said}: warmed up, then by turns."""
    try:
        for name, runner in runners.items():
            runner.turn(words[name].replace(str(o.steps), "3", 1))
        return by_turns(runners, words, o.rounds, o.seconds, o.others if limit is None else limit)
    finally:
        for runner in {id(r): r for r in runners.values()}.values():
            runner.close()


def compared(o, title, **runners):
    """Two set-ups; prints the medians of their steps, and of the ratios of throughput, second to first, of each round."""
    said = measured(o, runners, dict.fromkeys(runners, f"{o.steps} during"))
    first, second = said.values()
    for name, rows in said.items():
        parts = ", ".join(f"{part} {spread([t for r in rows for t in r[part]])}" for part in ("forward", "backward", "optimizer"))
        print(f"{o.only} {name:22s} {spread([t for r in rows for t in r['ms']])} ms a step: {parts}; {rows[0]['processor']:.0f} ms of "
              "processor in process 0")  # fmt: skip
    ratios = [sum(x["ms"]) / sum(y["ms"]) for x, y in zip(first, second)]
    print(f"{title}: x {spread(ratios, 3)}", flush=True)


def scaling(o):
    more = ["--ddp", o.ddp] + (["--zero"] if o.zero else [])
    compared(o, f"{o.only}: throughput of 2 x 1 thread against 1 x 2 threads", **{"1 x 2 threads": started(o, 1, 2),
                                                                                  "2 x 1 thread": started(o, 2, 1, more=more)})  # fmt: skip


def against_torch(o):
    compared(o, f"{o.only}: throughput of udlfast over MPI against PyTorch over gloo, 2 processes",
             **{"PyTorch": started(o, 2, 1, "torch"), "udlfast": started(o, 2, 1)})  # fmt: skip


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
    """On a link of o.delay ms and o.mbit Mbit/s: the time that process 0 spends in the exchange, when messages leave during backward,
    over that when they leave after it."""
    from link import Link

    with Link(o.delay, o.mbit) if o.mbit else contextlib.nullcontext() as link:
        runner = started(o, 2, 1, more=["--ddp", o.ddp], prefix=link and (lambda w: link.command(o.mpiexec, w)))
        ways = ("none", "after", "during")
        said = measured(o, dict.fromkeys(ways, runner), {how: f"{o.steps} {how}" for how in ways},
                        1.0 if o.mbit else None)  # the system's work on packets counts as that of others
    where = f"over {o.delay:g} ms, {o.mbit:g} Mbit/s" if o.mbit else "on one machine"
    step, exchange = ([[sum(r[part]) / len(r[part]) for r in said[how]] for how in ways] for part in ("ms", "exchange"))
    print(f"{o.only} {o.ddp} {where}, ms a step: without messages {spread(step[0])}, after backward {spread(step[1])}, during "
          f"{spread(step[2])}; in the exchange {spread(exchange[1])} and {spread(exchange[2])}: exposed "
          f"{spread([100 * x / a for a, x in zip(*exchange[1:])])} %", flush=True)  # fmt: skip


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

    torch.distributed.init(timeout=60)
    pathlib.Path(f"{o.out}.{os.getpid()}").touch()  # from here on udlfast watches over the processes
    rng = np.random.default_rng(0)
    x, y = torch.from_numpy(rng.standard_normal((400, 64), dtype=np.float32)), torch.from_numpy(rng.integers(0, 10, 400))
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    model = torch.nn.parallel.DistributedDataParallel(net)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True,
                                         generator=torch.Generator().manual_seed(0))  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    history = torch.train.fit(model, loader, epochs=EPOCHS, optimizer=optimizer, checkpoint=o.out, seed=0)
    if torch.distributed.get_rank() == 0:
        print(json.dumps(history.train_loss))


def kill(o):
    """Who ended when, what was said, and the curve after going on with another number of processes."""
    def start(n, out):
        command = [o.mpiexec, "-n", str(n), sys.executable, str(HERE), "fit", "--processes", str(n), "--out", out]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def curve(n, out):
        run = start(n, out)
        text, err = run.communicate(timeout=PATIENCE)
        if run.returncode or not text.strip():
            raise SystemExit(f"an undisturbed run of {n} processes ended with status {run.returncode}: {text}{err}")
        return json.loads(text.splitlines()[-1])

    def written(out):
        try:
            return os.stat(out).st_ino  # each checkpoint replaces the file
        except OSError:
            return None

    def wait_for(run, out, epochs):
        """Until so many checkpoints have been written, and a part of an epoch more."""
        seen, last, began, span = 0, None, time.perf_counter(), 0.0
        while seen < epochs and run.poll() is None:
            if (now := written(out)) != last:
                seen, last, began, span = seen + 1, now, time.perf_counter(), time.perf_counter() - began
            time.sleep(1e-3)
        time.sleep(random.random() * span)

    random.seed(o.seed)
    folder = tempfile.mkdtemp()
    began = time.perf_counter()
    whole = curve(2, f"{folder}/whole.pt")
    usual = time.perf_counter() - began
    print(f"an undisturbed run takes {usual:.1f} s; a second one has the same bits: {whole == curve(2, f'{folder}/again.pt')}", flush=True)
    ends, good, unnamed = [], 0, 0
    turn = 0
    while turn < o.times:
        out, n, m, epochs = f"{folder}/{turn}.pt", random.choice((2, 3)), random.choice((1, 2, 3)), random.randrange(EPOCHS - 1)
        run = start(n, out)
        if turn % 4:
            wait_for(run, out, 1 + epochs)
        else:
            time.sleep(usual * random.random() / 2)  # while it starts
        while run.poll() is None and not (workers := [p for p in descendants(run.pid) if is_worker(p)]):
            time.sleep(1e-3)
        if run.poll() is not None:
            run.communicate(), os.path.exists(out) and os.unlink(out)
            continue  # it was faster
        victim, joined = random.choice(workers), [p for p in workers if os.path.exists(f"{out}.{p}")]
        os.kill(victim, signal.SIGKILL)
        began = time.perf_counter()
        try:
            text, err = run.communicate(timeout=PATIENCE / 10)
        except subprocess.TimeoutExpired:
            print(f"    the launcher does not end; processes left: {[p for p in workers if is_worker(p)]}", flush=True)
            for p in [run.pid, *workers]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(p, signal.SIGKILL)
            text, err = run.communicate()
        ends.append(time.perf_counter() - began)
        left = [p for p in workers if is_worker(p)]
        said = re.search(r"rank \d+ of \d+ \([^)]*\) died|signal 9|SIGNAL: 9|Killed", text + err)
        state = f"{len(joined)} of {n} had joined, {'the killed one too' if victim in joined else 'the killed one not'}"
        losses = curve(m, out)
        same = losses == whole if n == m == 2 else len(losses) == len(whole) and max(abs(a / b - 1) for a, b in zip(losses, whole)) < 1e-3
        turn += 1
        vague = said is None and not joined  # before `init`: nobody but the launcher can tell
        fine = same and ends[-1] < 30 and not left and (said is not None or vague) and run.returncode != 0
        good, unnamed = good + fine, unnamed + (fine and vague)
        print(f"{turn:2d}: {n} processes, one killed {f'after {1 + epochs} epochs' if (turn - 1) % 4 else 'at the start'} ({state}): ended "
              f"in {ends[-1]:.2f} s with status {run.returncode}, left {left}, said {said[0] if said else None!r}; resumed with {m}: "
              f"the same curve {same}, exact {losses == whole}", flush=True)  # fmt: skip
        if not fine or vague:
            print(f"    {'nobody was named' if fine else 'not as it should be'}; output: {text!r}\n    errors: {err!r}", flush=True)
    print(f"{good} of {o.times} as they should be, {unnamed} of them before `init` without a word on who died; ends after "
          f"{statistics.median(ends):.2f} s, the longest {max(ends):.2f} s", flush=True)  # fmt: skip


def is_worker(pid):
    """Is this a process of `fit` that lives, and not its launcher?"""
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(HERE).encode() in words and re.search(rb"mpiexec|hydra|prte", words[0]) is None


def main():
    jobs = {"scaling": scaling, "torch": against_torch, "messages": messages, "overlap": overlap, "predict": predict, "kill": kill,
            "steps": timed_steps, "fit": fit_job}  # fmt: skip
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("job", choices=jobs)
    p.add_argument("--only", default="resnet18", choices=("resnet18", "gpt", "nanogpt"))
    p.add_argument("--mpiexec", default=os.environ.get("UDLFAST_MPIEXEC", "mpiexec"))
    p.add_argument("--library", default="udlfast")
    p.add_argument("--ddp", default="{}", help="arguments of DistributedDataParallel, as JSON")
    p.add_argument("--zero", action="store_true", help="with ZeroRedundancyOptimizer")
    p.add_argument("--inside", action="store_true")
    p.add_argument("--out")
    for name, default in (("rounds", 1000), ("steps", 2), ("threads", 1), ("processes", 1), ("times", 20), ("seed", 0), ("batch", 0)):
        p.add_argument("--" + name, type=int, default=default)
    for name, default in (("seconds", 45.0), ("others", OTHERS), ("delay", 2.0), ("mbit", 1000.0),
                          ("mbytes", 44.7), ("compute", 800.0), ("backward", 500.0),
                          ("message", 13.0), ("memory", 3.4), ("buckets", 20)):  # fmt: skip
        p.add_argument("--" + name, type=float, default=default)
    o = p.parse_args()
    os.environ.setdefault("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe")  # Open MPI: `kill` starts three on two cores too
    jobs[o.job](o)


if __name__ == "__main__":
    main()
