"""What a plan consists of: its calls with their shapes, their times, and how near these are to the machine's limits."""

import struct

from .. import _core

SIZES = {t.code: t.itemsize for t in vars(_core).values() if isinstance(t, _core.dtype)}  # bytes of an element by the code of its type
MAPS = {v: k[4:] for k, v in vars(_core).items() if k.startswith("MAP_")}
REDUCTIONS = {v: k[2:].lower() for k, v in vars(_core).items() if k.startswith("R_")}


class Row:
    """One call: name, shape in words, floating-point operations, bytes moved, seconds."""

    def __init__(self, call, seconds):
        self.name, self.seconds, self.call = call.name, seconds, call
        self.backward = call.backward
        n = len(call.args) // 8
        self.ints, self.floats = struct.unpack(f"{n}q", call.args), struct.unpack(f"{n}d", call.args)
        self.shape, self.flops, self.bytes = "", 0, 0
        describe = DESCRIBE.get(self.name, other)
        describe(self)

    def floor(self, peak_flops, peak_bytes):
        """The least seconds it can take."""
        return max(self.flops / peak_flops, self.bytes / peak_bytes)


def elementwise(r):
    f = r.ints
    r.name = MAPS.get(f[4], "elementwise")
    dims = f[11 : 11 + f[10]]
    n = 1
    for d in dims:
        n *= d
    r.shape = " x ".join(map(str, dims))
    operands = {field for field, *_ in r.call.pointers}
    r.bytes = n * sum(SIZES.get(f[6 + k], 4) for k in operands)
    r.flops = n


def chain(r):
    f = r.ints
    outer, rows, cols, steps = f[13:17]
    n, lines = outer * rows * cols, outer * rows
    r.name = "chain"
    r.shape = f"{n}: " + " ".join(MAPS.get(code & 255, "?") for code in f[42 : 42 + steps])
    for k, *_ in r.call.pointers:
        elements = n if f[41] >> k & 1 else lines
        r.bytes += SIZES[f[12]] * (min(elements, cols) if f[17 + k] == f[29 + k] == 0 else elements)
    r.flops = n * steps


def reduce(r):
    op, dtype, _, outer, n, inner = r.ints[2:8]
    r.name = REDUCTIONS.get(op, "reduce")
    r.shape = f"{outer} x [{n}] x {inner}"
    r.bytes, r.flops = outer * n * inner * SIZES.get(dtype, 4), outer * n * inner


def matmul(r):
    dtype, batch, m, n, k = r.ints[6:11]
    r.shape = (f"{batch} x " if batch > 1 else "") + f"{m} x {n} x {k}"
    extras = {3: "bias", 4: "residual"}
    r.shape += "".join(f" + {extras[i]}" for i, *_ in r.call.pointers if i in extras)
    r.flops, r.bytes = 2 * batch * m * n * k, batch * (m * k + n * k + m * n) * SIZES.get(dtype, 4)


def convolution(r):
    at = {"conv2d": 5, "conv2d_backward_input": 3, "conv2d_backward_weight": 4}[r.name]
    dtype, N, C, H, W, O, R, S, P, Q = r.ints[at : at + 10]
    groups = r.ints[at + 16] % 65536
    r.shape = f"{N} x {C} x {H} x {W} -> {O} x {P} x {Q}, {R} x {S}"
    r.flops = 2 * N * O * P * Q * (C // max(1, groups)) * R * S
    r.bytes = (N * C * H * W + N * O * P * Q + O * C * R * S) * SIZES.get(dtype, 4)


def attention(r):
    at = 6 if r.name == "attention" else 10
    dtype, B, H, _, L, S, D, E = r.ints[at : at + 8]
    causal = r.ints[at + 25]
    r.shape = f"{B} x {H} x {L} x {S} x {D}" + (", causal" if causal else "")
    r.flops = (2 if r.name == "attention" else 5) * B * H * L * S * (D + E) // (2 if causal else 1)
    r.bytes = B * H * (L + S) * (D + E) * SIZES.get(dtype, 4) * (1 if r.name == "attention" else 3)


def other(r):
    r.bytes = sum(slot.nbytes for _, slot, _, _ in r.call.pointers)
    r.bytes += sum(row.nbytes for _, slot, _, _ in r.call.pointers for _, row, _ in slot.links or ())
    largest = max((slot.nbytes for _, slot, _, _ in r.call.pointers), default=0)
    r.shape = f"{largest} bytes at most"


DESCRIBE = {
    "elementwise": elementwise, "chain": chain, "reduce": reduce, "matmul": matmul, "attention": attention, "attention_backward": attention,
    "conv2d": convolution, "conv2d_backward_input": convolution, "conv2d_backward_weight": convolution,
}  # fmt: skip


class Explanation:
    """The table of a plan; print it, or read `rows`.

    peak_flops and peak_bytes are what the machine can do in a second: they give each call's floor.
    """

    def __init__(self, plan, peak_flops, peak_bytes):
        self.rows = [Row(c, s) for c, s in zip(plan.steps, plan.times, strict=True)]
        self.layout, self.arena_bytes = plan.layout, plan.arena_bytes
        self.peak_flops, self.peak_bytes = peak_flops, peak_bytes
        self.seconds = sum(r.seconds for r in self.rows)
        self.memory = {"buffers": plan.buffer_bytes, "arena": plan.arena_bytes, "alive": plan.live_bytes}

    def by_name(self):
        """[(name, calls, seconds)], the most expensive first."""
        total = {}
        for r in self.rows:
            calls, seconds = total.get(r.name, (0, 0.0))
            total[r.name] = calls + 1, seconds + r.seconds
        return sorted(((k, *v) for k, v in total.items()), key=lambda x: -x[2])

    def export_chrome_trace(self, path):
        """A JSON file that chrome://tracing and Perfetto read: one bar for each call of the replay."""
        from ..profiler import Event, write_trace

        events, at = [], 0.0
        for r in self.rows:
            events.append(Event(("< " if r.backward else "") + r.name, r.shape, at, r.seconds, 0))
            at += r.seconds
        write_trace(path, events)

    def picture(self, path):
        """An SVG file: the calls in time, and the buffers in the block of memory that they share."""
        from .picture import draw

        with open(path, "w", encoding="utf-8") as f:
            f.write(draw(self))

    def __str__(self):
        lines = [f"{'call':28s} {'shape':44s} {'us':>10s} {'share':>6s} {'floor':>6s}"]
        for r in self.rows:
            floor = r.floor(self.peak_flops, self.peak_bytes) / r.seconds if r.seconds else 0.0
            share = r.seconds / self.seconds if self.seconds else 0.0
            name = ("< " if r.backward else "") + r.name
            lines.append(f"{name:28s} {r.shape[:44]:44s} {1e6 * r.seconds:10.1f} {share:6.1%} {floor:6.0%}")
        m = self.memory
        lines.append(
            f"{len(self.rows)} calls, {1e6 * self.seconds:.1f} us; buffers {m['buffers']} bytes, laid out in {m['arena']} "
            f"(alive at once: {m['alive']})"
        )
        return "\n".join(lines)

    __repr__ = __str__


def measured_peaks():
    """(floating-point operations, bytes) a second, by a matrix product and a copy: about what kernels reach at best."""
    import time

    def best(f):
        times = []
        for _ in range(7):
            start = time.perf_counter()
            f()
            times.append(time.perf_counter() - start)
        return min(times)

    a, b = _core.ones(768, 768), _core.ones(768, 768)
    big, to = _core.ones(1 << 24), _core.empty(1 << 24)
    return 2 * 768**3 / best(lambda: a @ b), 2 * 4 * (1 << 24) / best(lambda: to.copy_(big))
