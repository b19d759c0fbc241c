"""Chains of element-wise calls in one launch. A call waits until something else happens; calls over the same elements that read what those
that wait make or read join them, and then one kernel computes them all: numbers go from one to the next in registers, and what nobody
refers to any more by then is not written to memory at all.

    y = torch.relu(x * w + b)       waits: mul(t, x, w); add(u, t, b); relu(y, u).  t and u are freed by Python while they wait
    y @ z                           one kernel reads x, w, b and writes y; then the product runs

Only what a call writes is not held here: a block of memory that dies while it waits says so (`Block.__del__`), which is how `t` is known
to be of no use. Whatever reads or writes device memory, asks for its state, or changes the stream calls flush() first. A chain's kernel
is compiled when the chain is met the AFTER-th time; before that its calls run one by one.
"""

from . import _memory
from ._chain import COMPUTE, MOST_OPERANDS, MOST_STEPS, carries, kernel_of
from ._driver import THREADS, grid, launch, pick

AFTER, MOST_KERNELS = pick(4, 1), 512
_met = {}  # program -> how often
COUNTS = {"calls": 0, "launches": 0, "results not written": 0}
_waiting = None


class Operand:
    """What a call reads or writes: a device array from a byte of a block on, its element type and its layout over the call's elements."""

    __slots__ = ("block", "array", "kind", "strides", "key")

    def __init__(self, block, offset, array, code, layout, strides):
        self.block, self.array, self.kind = block, array, (code, layout)
        self.strides = strides if layout == "s" else ()
        self.key = (block.chunk, offset, code, layout, self.strides)


class Call:
    """One operation over n elements: what it writes, up to three Operands that it reads (or None), its two parameters."""

    __slots__ = ("name", "compute", "n", "shape", "out", "inputs", "scalars")

    def __init__(self, name, compute, n, shape, out, inputs, scalars):
        self.name, self.compute, self.n, self.out, self.inputs, self.scalars = name, compute, n, out, inputs, scalars
        self.shape = shape if any(o is not None and o.kind[1] == "s" for o in (out, *inputs)) else None


class Chain:
    """Calls that wait."""

    def __init__(self, call, stream):
        self.n, self.shape, self.stream, self.calls, self.done = call.n, call.shape, stream, [], False
        self.operands = {}  # key -> Operand
        self.made = {}  # key -> the last call that wrote there
        self.seen = {}  # chunk -> keys
        self.held, self.dead = [], []  # blocks that are read; chunks of results that died

    def takes(self, call):
        """Can the call join?"""
        if call.n != self.n or len(self.calls) == MOST_STEPS or (call.shape and self.shape and call.shape != self.shape):
            return False
        inputs = [o for o in call.inputs if o is not None]
        if not any(o.key in self.operands for o in inputs):
            return False
        for o in inputs:
            keys = self.seen.get(o.key[0], ())
            if o.key in self.made:
                last = self.calls[self.made[o.key]]
                if not carries(last.out.kind[0], last.compute):
                    return False
            elif any(key in self.made for key in keys):
                return False  # what was written there is looked at in another way
        if any(key != call.out.key for key in self.seen.get(call.out.key[0], ())):
            return False
        if any(o.key[0] is call.out.key[0] and o.key != call.out.key for o in inputs):
            return False
        return len(self.operands | {o.key: o for o in (call.out, *inputs)}) <= MOST_OPERANDS

    def add(self, call):
        self.shape = self.shape or call.shape
        for o in (*call.inputs, call.out):
            if o is None:
                continue
            self.operands.setdefault(o.key, o)
            self.seen.setdefault(o.key[0], set()).add(o.key)
            if o is not call.out and o.key not in self.made:
                self.held.append(o.block)  # from outside
            o.block.waiting, o.block = self, None
        self.made[call.out.key] = len(self.calls)
        self.calls.append(call)

    def run(self):
        dead = frozenset(self.dead)
        if len(self.calls) > 1:
            program, arguments = self.program(self.calls, dead)
            met = _met[program] = _met.get(program, 0) + 1
            if met >= AFTER and (met > AFTER or len(_met) < MOST_KERNELS):
                COUNTS["results not written"] += len(dead)
                return self.launch(program, arguments)
            if len(_met) > 100 * MOST_KERNELS:
                _met.clear()
        for call in self.calls:
            self.launch(*self.program([call], ()))

    def launch(self, program, arguments):
        COUNTS["launches"] += 1
        launch(kernel_of(program), grid(self.n), THREADS, self.n, *arguments, on=self.stream)

    def died(self, chunk):
        """Nobody refers to a result any more; its memory is given back when the chain has run."""
        self.dead.append(chunk)

    def finish(self):
        self.done = True
        for chunk in self.dead:
            _memory.give(chunk)
        for kept in (self.calls, self.operands, self.made, self.seen, self.dead, self.held):
            kept.clear()

    def program(self, calls, dead):
        """(program, arguments after n) of some of the calls."""
        index, operands, steps, scalars, made = {}, [], [], [], {}
        last = {call.out.key: k for k, call in enumerate(calls)}

        def number(o):
            if o.key not in index:
                index[o.key] = len(operands)
                operands.append(o)
            return index[o.key]

        for k, call in enumerate(calls):
            references = tuple(None if o is None else -1 - made[o.key] if o.key in made else number(o) for o in call.inputs)
            where = number(call.out) if call.out.key[0] not in dead and last[call.out.key] == k else None
            made[call.out.key] = k
            given = [p != 0 or str(p)[0] == "-" for p in call.scalars]
            scalars += [COMPUTE[call.compute](p) for p, there in zip(call.scalars, given, strict=True) if there]
            steps.append((call.name, call.compute, call.out.kind[0], references, where, *given))
        strided = [o.strides for o in operands if o.kind[1] == "s"]
        shape = self.shape or (self.n,)
        program = (tuple(steps), tuple(o.kind for o in operands), len(shape), self.n < 2**31)
        return program, [*([shape] if strided else []), *(o.array for o in operands), *strided, *scalars]


def push(call):
    """A call that is to run, now or later."""
    global _waiting
    with _memory.LOCK:
        COUNTS["calls"] += 1
        stream = _memory.current_stream()
        if _waiting is not None and (_waiting.stream is not stream or not _waiting.takes(call)):
            flush()
        if _waiting is None:
            _waiting = Chain(call, stream)
        _waiting.add(call)


def flush():
    """Launch what waits."""
    global _waiting
    if _waiting is None:
        return
    with _memory.LOCK:
        _memory.take_back()
        chain, _waiting = _waiting, None
        if chain is None:
            return
        try:
            chain.run()
        finally:
            chain.finish()
