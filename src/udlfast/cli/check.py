"""python -m udlfast check: does this installation compute what it should, here?

Every line is one check: "ok", "FAILED" with what was found, or "not run" with the reason. The exit status is 1 when
a check failed. Nothing is written outside a temporary folder, and the network is not used.
"""
import contextlib
import os
import time

HELP = "Test this installation in less than half a minute: results, gradients, threads, fork, files."
FORK_SECONDS = 20


class NotRun(Exception):
    """A check that cannot be made here, with the reason."""


def add_arguments(parser):
    parser.add_argument("--quiet", action="store_true", help="print failures and the verdict only")


def run(options):
    import udlfast

    from .check_ops import CASES, compare

    began, tally = time.perf_counter(), {"ok": 0, "FAILED": 0, "not run": 0}

    def check(name, function, *arguments):
        try:
            verdict, detail = "ok", function(*arguments)
        except NotRun as e:
            verdict, detail = "not run", str(e)
        except Exception as e:  # whatever goes wrong is a finding, and the checks after it still count
            verdict, detail = "FAILED", f"{type(e).__name__}: {e}"
        tally[verdict] += 1
        if verdict == "FAILED" or not options.quiet:
            print(f"{verdict:8} {name:34} {detail}", flush=True)

    for level, why in udlfast.isa_report().items():
        if why:
            check(f"{level}", _unusable, why)
            continue
        with udlfast.use_isa(level):
            for case in CASES:
                check(f"{level}: {case.name}", compare, case)
            check(f"{level}: gradient of a network", gradient_of_network)
            check(f"{level}: equal bits, 1-4 threads", equal_for_threads)
    check("levels agree on a training step", levels_agree)
    check("training lowers the loss", training_learns)
    check("a forked child computes", fork)
    check("save and load", save_and_load)
    seconds = time.perf_counter() - began
    print(f"{tally['ok']} ok, {tally['FAILED']} failed, {tally['not run']} not run, {seconds:.1f} s: "
          + ("something is WRONG here" if tally["FAILED"] else "all is well"))
    return 1 if tally["FAILED"] else 0


def _unusable(why):
    raise NotRun(why)


# ---- a small network that most operations take part in --------------------------------------------------------------
def _network(dtype, smooth=False):
    """smooth: without kinks, where central differences would depend on the step."""
    import udlfast
    from udlfast import nn

    udlfast.manual_seed(7)
    middle = (nn.GELU(), nn.AvgPool2d(2)) if smooth else (nn.ReLU(), nn.MaxPool2d(2))
    net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), *middle, nn.Flatten(),
                        nn.Linear(6 * 4 * 4, 24), nn.Tanh(), nn.Linear(24, 10))
    return net.to(dtype)


def _batch(dtype, n=33):
    import numpy as np

    import udlfast

    rng = np.random.default_rng(3)
    x = udlfast.from_numpy(rng.standard_normal((n, 1, 8, 8))).to(dtype)
    return x, udlfast.from_numpy(rng.integers(0, 10, n))


def gradient_of_network():
    """Slope along a random direction d, in float64: (f(w + h d) - f(w - h d)) / 2h against g . d."""
    import numpy as np

    import udlfast
    from udlfast.nn import functional as F

    net, (x, y) = _network(udlfast.float64, smooth=True), _batch(udlfast.float64)
    F.cross_entropy(net(x), y).backward()
    rng, h = np.random.default_rng(1), 1e-5
    worst = 0.0
    for p in net.parameters():
        d = rng.standard_normal(tuple(p.shape))
        step, slope = udlfast.from_numpy(h * d), float((p.grad.numpy() * d).sum())
        values = []
        with udlfast.no_grad():
            for sign in (1, -2):  # to w + h d, then to w - h d
                p.add_(step * sign)
                values.append(F.cross_entropy(net(x), y).item())
            p.add_(step)
        measured = (values[0] - values[1]) / (2 * h)
        worst = max(worst, abs(measured - slope) / max(abs(slope), 1e-2))
    if not worst < 1e-5:
        raise AssertionError(f"differs from central differences by {worst:.1e} (allowed 1e-5)")
    return f"central differences: {worst:.1e} (allowed 1e-5)"


def _trained(steps=3, dtype=None):
    """Every parameter after a few steps of Adam, as bytes and as arrays."""
    import udlfast
    from udlfast.nn import functional as F

    dtype = dtype or udlfast.float32
    net, (x, y) = _network(dtype), _batch(dtype, 256)
    optimizer = udlfast.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [p.detach().numpy().copy() for p in net.parameters()], losses


@contextlib.contextmanager
def _threads(n):
    import udlfast

    before = udlfast.get_num_threads()
    udlfast.set_num_threads(n)
    try:
        yield
    finally:
        udlfast.set_num_threads(before)


def equal_for_threads():
    """Three training steps and a large product give the same bytes with 1, 2, 3 and 4 threads."""
    import numpy as np

    import udlfast

    rng = np.random.default_rng(5)
    a, b = (udlfast.from_numpy(rng.standard_normal(s, np.float32)) for s in ((301, 257), (257, 411)))
    results = []
    for n in (1, 2, 3, 4):
        with _threads(n):
            results.append(b"".join(p.tobytes() for p in _trained()[0]) + (a @ b).numpy().tobytes()
                           + a.sum(0).numpy().tobytes() + a.sum().numpy().tobytes())
    if len(set(results)) != 1:
        raise AssertionError("results depend on the number of threads")
    return f"{len(results[0]):,} bytes"


def levels_agree():
    """One step in float64 on every level. They round differently, and Adam turns tiny gradients into signs."""
    import numpy as np

    import udlfast

    levels, results = udlfast.isas(), []
    for level in levels:
        with udlfast.use_isa(level):
            results.append(_trained(1, udlfast.float64)[0])
    worst = max(float(np.abs(a - b).max()) for other in results[1:] for a, b in zip(results[0], other, strict=True)) \
        if len(results) > 1 else 0.0
    if not worst < 1e-6:
        raise AssertionError(f"{', '.join(levels)} differ by {worst:.1e} (allowed 1e-6)")
    return f"{', '.join(levels)}: {worst:.1e} (allowed 1e-6)"


def training_learns():
    losses = _trained(60)[1]
    if not losses[-1] < 0.1 * losses[0]:
        raise AssertionError(f"60 steps took the loss from {losses[0]:.3f} to {losses[-1]:.3f} only")
    return f"loss {losses[0]:.3f} to {losses[-1]:.4f} in 60 steps"


def fork():
    """After a parallel product here, a forked child makes the same product; then this process does again."""
    import select
    import warnings

    import numpy as np

    import udlfast

    if not hasattr(os, "fork"):
        raise NotRun("this system has no fork")
    rng = np.random.default_rng(2)
    a = udlfast.from_numpy(rng.standard_normal((400, 400), np.float32))
    with _threads(max(2, udlfast.get_num_threads())):
        want = (a @ a).numpy().sum().tobytes()
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            status = 1
            try:
                os.write(write, (a @ a).numpy().sum().tobytes())
                status = 0
            finally:
                os._exit(status)
        os.close(write)
        answered = select.select([read], [], [], FORK_SECONDS)[0]
        got = os.read(read, 64) if answered else None
        os.close(read)
        if not answered:
            os.kill(child, 9)
        os.waitpid(child, 0)
        if got is None:
            raise AssertionError(f"the child gave no answer within {FORK_SECONDS} s")
        if got != want or (a @ a).numpy().sum().tobytes() != want:
            raise AssertionError("parent and child give different results")
    return "child and parent give the same bytes"


def save_and_load():
    import tempfile

    import numpy as np

    import udlfast
    from udlfast.train import load_checkpoint, save_checkpoint

    net, other = _network(udlfast.float32), _network(udlfast.float32)
    x, _ = _batch(udlfast.float32)
    with udlfast.no_grad():
        for p in other.parameters():
            p.zero_()
        with tempfile.TemporaryDirectory() as folder:
            path = save_checkpoint(os.path.join(folder, "model.safetensors"), net, {"note": "check"})
            _, meta = load_checkpoint(path, other)
            size = os.path.getsize(path)
        same = np.array_equal(net.eval()(x).numpy(), other.eval()(x).numpy())
    if not same or meta != {"note": "check"}:
        raise AssertionError("what was loaded is not what was saved")
    return f"{size:,} bytes, equal bits"
