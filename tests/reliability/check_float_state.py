"""Subnormal numbers: what they cost, and that no kernel changes how its caller's processor treats them.

The floating-point state (MXCSR of x86-64) says whether subnormal numbers are taken as zero and how results are rounded. It belongs to the
caller: every operation must leave it as it was, whatever it was.
"""

import ctypes
import mmap
import platform
import statistics
import time

import numpy as np

import udlfast as torch
import udlfast.nn.functional as F
from reliability import check_special_values, networks
from reliability.frame import Failed, NotRun, check

USUAL, ZERO = 0x1F80, 0x9FC0  # all exceptions masked; and subnormal numbers taken as zero, on input and output
FLAGS = 0x3F  # what has happened so far: kernels may set these


def state_functions():
    """(read, write) of MXCSR: stmxcsr [rdi]; ret and ldmxcsr [rdi]; ret."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise NotRun(f"MXCSR is a register of x86-64, this is {platform.machine()}")
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except (OSError, PermissionError) as e:
        raise NotRun(f"no memory that can be run: {e}") from e
    page.write(b"\x0f\xae\x1f\xc3" + b"\x0f\xae\x17\xc3")
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    kept, value = page, ctypes.c_uint32()
    store, load = (ctypes.CFUNCTYPE(None, ctypes.c_void_p)(at + i) for i in (0, 4))

    def read():
        store(ctypes.addressof(value))
        return value.value | 0 * len(kept)

    def write(v):
        value.value = v
        load(ctypes.addressof(value))
    return read, write


def calls():
    """[(name, function)]: every operation on a row, forward and backward, and a training step of every network."""
    def one(name):
        def run():
            x = torch.from_numpy(check_special_values.row(33, 5, 1e-41)).requires_grad_()
            y = check_special_values.OPS[name](torch, F, x)
            if y.dtype == torch.float32 and y.requires_grad:
                y.sum().backward()
        return run
    large = networks.numbers(300, 300)
    return [*((n, one(n)) for n in check_special_values.OPS), *((n, lambda n=n: networks.train(n, 1)) for n in networks.NETWORKS),
            ("shared out over threads", lambda: (large @ large).softmax(1).sum(0))]


@check("float state", must="unchanged after every operation; no subnormal number lost", short={}, long={})
def float_state():
    read, write = state_functions()
    changed, before, made = [], read(), calls()
    levels = torch.isas()
    for level in levels:
        with torch.use_isa(level):
            for name, run in made:
                for state in (USUAL, ZERO):
                    write(state)
                    try:
                        run()
                    finally:
                        after = read()
                        write(before)
                    if (after ^ state) & ~FLAGS:
                        changed.append(f"{name} on {level}: {state:#x} became {after:#x}")
            tiny = np.full(2_000_003, 1e-41, np.float32)  # long enough for helper threads
            for what, got, want in (("add", torch.from_numpy(tiny) + torch.from_numpy(tiny), tiny + tiny),
                                    ("mul", torch.from_numpy(tiny) * 3, tiny * np.float32(3))):
                if not np.array_equal(got.numpy(), want):
                    changed.append(f"{what} on {level}: subnormal numbers came out as others")
    figures = f"{len(made)} operations and networks in two states on {', '.join(levels)}: {len(changed)} changes"
    if changed:
        raise Failed(figures, changed)
    return figures


# ---- what subnormal numbers cost --------------------------------------------------------------------------------------------------
def timed():
    """[(name, function of the inputs' scale)]"""
    g = np.random.default_rng(0)

    def draw(scale, *shape):
        return torch.from_numpy((g.uniform(0.5, 1, shape) * scale).astype("float32"))
    lstm, conv = torch.nn.LSTM(64, 128, batch_first=True), torch.nn.Conv2d(16, 32, 3, padding=1)
    a = torch.from_numpy(g.standard_normal((256, 256)).astype("float32"))
    cases = {
        "add": ((700, 700), lambda x: x + x), "mul": ((700, 700), lambda x: x * 3), "exp": ((400, 400), torch.exp),
        "tanh": ((400, 400), torch.tanh), "gelu": ((400, 400), F.gelu), "sum": ((700, 700), torch.sum),
        "softmax": ((400, 400), lambda x: F.softmax(x, 1)), "layer_norm": ((400, 400), lambda x: F.layer_norm(x, (400,))),
        "matmul": ((256, 256), lambda x: x @ a), "linear of one row": ((1, 256), lambda x: F.linear(x, a)),
        "conv2d": ((4, 16, 28, 28), conv), "lstm": ((8, 20, 64), lambda x: lstm(x)[0]),
        "max_pool2d": ((16, 16, 32, 32), lambda x: F.max_pool2d(x, 2)),
        "attention": ((2, 4, 128, 32), lambda x: F.scaled_dot_product_attention(x, x, x)),
    }  # fmt: skip
    return {name: (draw(1, *shape), draw(1e-39, *shape), op) for name, (shape, op) in cases.items()}


def least(op, x, y, seconds):
    """Least times of op(x) and op(y), in turns."""
    best = [np.inf, np.inf]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, v in enumerate((x, y)):
            begin = time.perf_counter()
            op(v)
            best[i] = min(best[i], time.perf_counter() - begin)
    return best


def ratio(op, x, y, seconds):
    """(how many times as long op(y) takes as op(x), seconds of op(x)): medians over pairs of calls, which meet the machine's changes of
    speed together."""
    pairs = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(pairs) < 9:
        begin = time.perf_counter()
        op(x)
        middle = time.perf_counter()
        op(y)
        pairs.append((middle - begin, time.perf_counter() - middle))
    return statistics.median(b / a for a, b in pairs), statistics.median(a for a, _ in pairs)


@check("subnormal numbers", must="at most 1.3 times as slow", short={"seconds": 0.0}, long={"seconds": 1.0})
def subnormal_numbers(seconds):
    if not seconds:  # times are no matter of a test
        raise NotRun("times are measured by the long form, on a machine without other work")
    slow, worst = [], (0, "")
    with torch.no_grad():
        for level in torch.isas():
            with torch.use_isa(level):
                for name, (x, tiny, op) in timed().items():
                    times, usual = ratio(op, x, tiny, seconds)
                    worst = max(worst, (times, f"{name} on {level}"))
                    if times > 1.3:
                        slow.append(f"{name} on {level}: {times:.2f} times ({usual * 1e6:.1f} us, {times * usual * 1e6:.1f} us)")
    figures = f"{len(timed())} operations on {', '.join(torch.isas())}: at worst {worst[0]:.2f} times ({worst[1]})"
    if slow:
        raise Failed(figures, slow)
    return figures


# ---- what the batch-invariant mode costs ------------------------------------------------------------------------------------------
def shapes():
    """{what: (layer, a batch)} of usual inference."""
    nn, n = torch.nn, networks.numbers
    return {
        "linear 784 x 300, 1 row": (nn.Linear(784, 300), n(1, 784)), "8 rows": (nn.Linear(784, 300), n(8, 784)),
        "64 rows": (nn.Linear(784, 300), n(64, 784)),
        "conv 3 x 3 of 64 channels, 1 image": (nn.Conv2d(64, 64, 3, padding=1), n(1, 64, 14, 14)),
        "16 images": (nn.Conv2d(64, 64, 3, padding=1), n(16, 64, 14, 14)),
        "LSTM of 128, 1 sequence": (nn.LSTM(64, 128, batch_first=True), n(1, 20, 64)),
        "32 sequences": (nn.LSTM(64, 128, batch_first=True), n(32, 20, 64)),
        "transformer layer of 256, 1 x 64": (nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True), n(1, 64, 256)),
        "16 x 64": (nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True), n(16, 64, 256)),
    }


@check("cost of batch invariance", must="a figure", short={"seconds": 0.0}, long={"seconds": 1.0})
def cost_of_batch_invariance(seconds):
    if not seconds:
        raise NotRun("times are measured by the long form, on a machine without other work")
    said = []
    for what, (net, x) in shapes().items():
        net.eval()

        def run(mode, net=net, x=x):
            with torch.batch_invariant(mode):
                net(x)
        with torch.no_grad():
            usual, invariant = least(run, False, True, seconds)
        said.append(f"{what} {invariant / usual:.2f}")
    return "times the usual time: " + ", ".join(said)
