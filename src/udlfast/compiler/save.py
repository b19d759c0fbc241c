"""Plans into files: a plan of inference and its weights, written for load_plan() and for the C library of csrc/udl_plan.h.

The file is laid out as .safetensors is, with the calls as one more tensor; csrc/plan_file.h describes it, csrc/plan_file.c reads
and checks it. Nothing in it is executed: kernels are named, and a kernel whose reach cannot be told from its sizes is refused.
"""

import json
import os
import struct
from collections import Counter

from .. import _core
from ..errors import ArgumentError
from ..serialization import replace_file

TEMP, EXTERNAL = 0, 2  # kinds of buffers in a Plan
CONSTANT, SCRATCH, INPUT, OUTPUT = range(4)  # and in a file
HEAD, VERSION, ALIGN = 16, 2, 64
MAGIC = int.from_bytes(b"UDLPLAN1", "little")
COPY = _core.MAP_copy
CODES = ["BOOL", "U8", "I8", "I16", "I32", "I64", "U16", "U32", "U64", "F16", "BF16", "F32", "F64"]  # element types as in udlfast.h
SIZES = [t.itemsize for t in sorted({t for t in vars(_core).values() if isinstance(t, _core.dtype)}, key=lambda t: t.code)]
I64, F32, F64 = _core.int64.code, _core.float32.code, _core.float64.code
NO_RULE = 4  # UDL_EISA


def refuse(why):
    raise ArgumentError(f"save: this plan cannot be saved: {why}")


def save(plan, path, inputs=None):
    """Write a plan and its weights to one file, complete or not at all."""
    replace_file(os.fspath(path), Writer(plan, inputs).write)


class Call:
    """A call of the file: kernel, struct, {field: (buffer, offset)}."""

    def __init__(self, kernel, args, pointers, written):
        self.kernel, self.pointers, self.written = kernel, pointers, written  # written: fields
        self.name, n_out, n_in, self.n_int, self.n_float = _core.call_fields(kernel)
        self.n_out, self.n_in, self.n_pointers = n_out, n_in, n_out + n_in
        self.words = list(struct.unpack(f"<{len(args) // 8}q", args))
        for i in range(self.n_pointers):
            if self.words[i] and i not in pointers and self.name not in ("matmul", "conv2d"):  # packed weights come back when it is loaded
                refuse(f"{self.name} uses memory that is no tensor")
            self.words[i] = int(i in pointers)
        if self.name == "elementwise":
            self.tidy()

    def tidy(self):
        """Nothing undefined in what an element-wise call does not look at."""
        ndim = self.words[10]
        for k in range(4):
            absent = k not in self.pointers
            if absent:
                self.words[6 + k] = self.words[6]
            for d in range(8):
                if d >= ndim or absent:
                    self.words[19 + 8 * k + d] = 0
        for d in range(ndim, 8):
            self.words[11 + d] = 0
        self.words[51] = 0

    def spans(self):
        status, spans, *_ = _core.extents(self.kernel, struct.pack(f"<{len(self.words)}q", *self.words))
        if status == NO_RULE:
            refuse(f"{self.name} cannot run from a file")
        if status:
            refuse(f"the sizes of a call of {self.name} are outside of what a file may hold")
        return spans

    def title(self):
        """The name in the file, and the struct without what that name says."""
        words = list(self.words)
        if self.name == "chain":
            names = []
            for s in range(words[16]):
                names.append(_core.map_name(words[42 + s] & 255))
                words[42 + s] &= ~255
            return "chain." + ",".join(names), words
        if self.name != "elementwise":
            return self.name, words
        op, words[4] = words[4], 0
        return "elementwise." + _core.map_name(op), words


class Buffer:
    """What calls point into."""

    def __init__(self, kind, nbytes, index=0):
        self.kind, self.nbytes, self.index = kind, nbytes, index
        self.first = self.last = None  # call
        self.lo, self.hi, self.place = None, 0, 0  # of a constant: what is used of it
        self.name, self.data, self.slot, self.like = "", None, None, None


class Writer:
    def __init__(self, plan, names):
        why = _core.plan_refusal(plan)
        if why:
            refuse(why)
        self.plan, self.by_slot, self.buffers, self.outputs = plan, {}, [], []
        self.slots = {slot.number: slot for slot in plan.slots}
        self.inputs = self.read_inputs(names)
        self.calls = [self.call(step) for step in plan.steps if step.kernel != _core.K_conv2d_filters]
        self.structure = json.dumps(self.result(_core.plan_result(plan), ""), separators=(",", ":"))
        if len(self.structure) > 60000:
            refuse("its result has too many parts")
        self.fold()
        self.measure()
        self.lay_out()

    # ---- what there is ------------------------------------------------------------------------------------------------------
    def add(self, buffer):
        self.buffers.append(buffer)
        return buffer

    def read_inputs(self, names):
        found = _core.plan_inputs(self.plan)
        if names is not None and len(names) != len(found):
            raise ArgumentError(f"save: {len(found)} names of inputs are needed, got {len(names)}")
        inputs = []
        for i, (path, code, shape, contiguous, slot, rel, certain) in enumerate(found):
            if certain or slot in self.by_slot:
                refuse(f"its {path} is {'a parameter' if certain else 'part of the memory of another argument'}")
            if not contiguous:
                refuse(f"its {path} was not contiguous when it was recorded; call the function with contiguous tensors first")
            nbytes = SIZES[code]
            for n in shape:
                nbytes *= n
            buffer = self.add(Buffer(INPUT, nbytes, i))
            self.by_slot[slot] = buffer, rel
            inputs.append((names[i] if names is not None else named(path, i), code, shape, buffer))
        if len({name for name, *_ in inputs}) != len(inputs) or any(not plain(name) for name, *_ in inputs):
            raise ArgumentError("save: names of inputs must differ, and be up to 200 letters without control characters")
        return inputs

    def buffer_of(self, slot):
        """(Buffer, where its first byte is in the slot)"""
        if slot.number not in self.by_slot:
            if slot.links:
                refuse("it uses a table of addresses")
            buffer = self.add(Buffer(SCRATCH if slot.kind == TEMP else CONSTANT, slot.nbytes))
            if slot.kind != TEMP:
                buffer.slot, buffer.data = slot, _core.plan_memory(self.plan, slot)
            self.by_slot[slot.number] = buffer, 0
        return self.by_slot[slot.number]

    def call(self, step):
        pointers = {}
        for field, slot, offset, _ in step.pointers:
            if field == 4 and step.kernel == _core.K_conv2d:  # made again where the file is loaded
                continue
            buffer, rel = self.buffer_of(slot)
            pointers[field] = buffer, offset - rel
        return Call(step.kernel, bytes(step.args), pointers, {field for field, _, _, written in step.pointers if written})

    def result(self, tree, path):
        """The structure of the result: a number for a tensor, null, ["tuple", ...], ["list", ...], {key: ...}."""
        kind, *rest = tree
        if kind == "tensor":
            return self.output(*rest, path)
        if kind == "value" and rest[0] is None:
            return None
        if kind == "sequence" and rest[0] in (tuple, list):
            return [rest[0].__name__, *(self.result(t, f"{path}[{i}]") for i, t in enumerate(rest[1]))]
        if kind == "dict" and all(type(k) is str for k in rest[0]):
            return {k: self.result(t, f"{path}.{k}" if path else k) for k, t in zip(*rest, strict=True)}
        if kind == "argument":
            refuse("it returns one of its arguments, or a view of one; return a clone")
        what = rest[0] if kind == "value" else getattr(rest[0], "__name__", "dict")
        refuse(f"it returns {what!r}; a file holds tensors, None, tuples, lists and dicts with names")

    def output(self, code, shape, strides, number, offset, path):
        nbytes, step, whole = SIZES[code], 1, True
        for n, s in zip(reversed(shape), reversed(strides), strict=True):
            whole = whole and (n == 1 or s == step)
            step *= n
        nbytes *= step
        source, rel = self.buffer_of(self.slots[number])
        index = len(self.outputs)
        if whole and source.kind == SCRATCH and offset == rel == 0 and source.nbytes == nbytes:
            source.kind, source.index = OUTPUT, index
            buffer = source
        else:  # a part, or the same memory once more
            buffer = self.add(Buffer(OUTPUT, nbytes, index))
            dims = list(shape) or [1]
            contiguous = [1] * len(dims)
            for d in range(len(dims) - 2, -1, -1):
                contiguous[d] = contiguous[d + 1] * max(dims[d + 1], 1)
            words = [0] * 54
            words[4], words[5], words[10] = COPY, I64 if code < _core.float16.code else F64 if code == F64 else F32, len(dims)
            words[6:10] = [code] * 4
            words[11 : 11 + len(dims)] = dims
            words[19 : 19 + len(dims)] = contiguous
            words[27 : 27 + len(dims)] = list(strides) or [1]
            self.calls.append(Call(_core.K_elementwise, struct.pack("<54q", *words), {0: (buffer, 0), 1: (source, offset - rel)}, {0}))
        name = path if path and plain(path) else f"output{index}"
        self.outputs.append((name, code, shape, buffer))
        return index

    def fold(self):
        """Calls that read constants only are made now: in a file weights do not change any more."""
        writers = Counter(id(call.pointers[f][0]) for call in self.calls for f in call.written)
        left = []
        for call in self.calls:
            reads = [b for f, (b, _) in call.pointers.items() if f not in call.written]
            writes = [call.pointers[f][0] for f in call.written]
            known = reads and writes and all(b.kind == CONSTANT and not writers[id(b)] for b in reads)
            sizes = sum(b.nbytes for b in writes), sum(b.nbytes for b in reads)
            alone = all(b.kind == SCRATCH and writers[id(b)] == 1 for b in writes) and sizes[0] <= 2 * sizes[1] + 4096
            if not (known and alone and self.made(call, writes)):
                left.append(call)
                continue
            for b in writes:
                b.kind, writers[id(b)] = CONSTANT, 0
        self.calls = left

    def made(self, call, writes):
        """Run a call on memory of its own; whether it could be."""
        import numpy as np

        results = {id(b): np.zeros(b.nbytes + ALIGN, np.uint8) for b in writes}
        words = list(call.words)
        for field, (b, offset) in call.pointers.items():
            if id(b) in results:
                start = results[id(b)].ctypes.data
                words[field] = start + -start % ALIGN + offset
            else:
                words[field] = np.frombuffer(b.data, np.uint8).ctypes.data + offset
        if _core.run_raw(call.kernel, struct.pack(f"<{len(words)}q", *words)):
            return False
        for b in writes:
            start = -results[id(b)].ctypes.data % ALIGN
            b.data = memoryview(results[id(b)])[start : start + b.nbytes]
        return True

    # ---- where it goes --------------------------------------------------------------------------------------------------------
    def measure(self):
        """When each buffer is needed, and how much of each constant."""
        for i, call in enumerate(self.calls):
            spans = call.spans()
            for field, (buffer, offset) in call.pointers.items():
                lo, hi, align, writes = spans[field]
                if writes and buffer.kind in (CONSTANT, INPUT):
                    refuse(f"{call.name} writes to {'an argument' if buffer.kind == INPUT else 'a tensor from before the run'}")
                if offset + lo < 0 or offset + hi > buffer.nbytes:
                    refuse(f"a call of {call.name} reaches beyond its tensor")
                buffer.first = i if buffer.first is None else buffer.first
                buffer.last = i
                if align and hi > lo:
                    buffer.lo = offset + lo if buffer.lo is None else min(buffer.lo, offset + lo)
                    buffer.hi = max(buffer.hi, offset + hi)

    def lay_out(self):
        self.buffers = [b for b in self.buffers if b.first is not None or b.kind > SCRATCH]
        scratch = [b for b in self.buffers if b.kind == SCRATCH]
        places, self.scratch = _core.layout([b.first for b in scratch], [b.last for b in scratch], [b.nbytes for b in scratch])
        for b, place in zip(scratch, places, strict=True):
            b.place = place
        self.constants = [b for b in self.buffers if b.kind == CONSTANT]
        used = set()
        for b in self.constants:
            place, b.lo = b.slot.place if b.slot else None, (b.lo or 0) // 8 * 8
            b.hi = max(b.hi, b.lo)
            b.like = likeness(place, b)
            b.name = unique((getattr(place, "path", "") or "constant").lstrip(".") or "constant", used)
            b.data = b.data[b.lo : b.hi]

    def table(self, data_bytes):
        """The tensor "udl.plan": see csrc/plan_file.h."""
        text, rows, kernels, calls = Text(), {}, [], []
        number = {id(b): i for i, b in enumerate(self.buffers)}
        for call in self.calls:
            name, words = call.title()
            if name not in rows:
                rows[name] = len(kernels)
                kernels.append((*text.add(name), call.n_out, call.n_in, call.n_int, call.n_float, 0, 0))
            calls.append(rows[name])
            for i in range(call.n_pointers):
                buffer, offset = call.pointers.get(i, (None, 0))
                start = buffer.lo if buffer is not None and buffer.kind == CONSTANT else 0
                calls += [-1, 0] if buffer is None else [number[id(buffer)], offset - start]
            calls += words[call.n_pointers :]
        buffers = []
        for b in self.buffers:
            size = b.hi - b.lo if b.kind == CONSTANT else b.nbytes
            buffers.append((b.kind, b.place if b.kind <= SCRATCH else b.index, size, 0))
        tensors = []
        for name, code, shape, buffer in (*self.inputs, *self.outputs):
            tensors.append((*text.add(name), code, len(shape), *shape, *[0] * (8 - len(shape)), number[id(buffer)], 0, 0, 0))
        structure = text.add(self.structure)
        words = [w for part in (kernels, buffers, tensors) for row in part for w in row] + calls
        raw = text.raw + bytes(-len(text.raw) % 8)
        total = HEAD + len(words) + len(raw) // 8
        head = [MAGIC, VERSION, total, len(kernels), len(buffers), len(self.calls), len(self.inputs), len(self.outputs), len(text.raw),
                self.scratch, data_bytes, *structure, 0, 0, 0]  # fmt: skip
        return struct.pack(f"<{HEAD + len(words)}q", *head, *words) + raw

    def write(self, file):
        size = len(self.table(0))
        header, parts, at = {"__metadata__": {"format": "udl", "udl_version": str(VERSION)}}, [], size
        header["udl.plan"] = {"dtype": "I64", "shape": [size // 8], "data_offsets": [0, size]}
        for i, b in enumerate(self.constants):
            gap = -at % ALIGN
            if gap:
                header[f"udl.gap{i}"] = {"dtype": "U8", "shape": [gap], "data_offsets": [at, at + gap]}
                parts.append(bytes(gap))
                at += gap
            b.place = at
            dtype, shape = b.like
            header[b.name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(b.data)]}
            parts.append(b.data)
            at += len(b.data)
        raw = json.dumps(header, separators=(",", ":")).encode()
        raw += b" " * (-(len(raw) + 8) % ALIGN)
        file.write(len(raw).to_bytes(8, "little") + raw + self.table(at))
        for part in parts:
            file.write(part)


class Text:
    """The strings of the table, each once."""

    def __init__(self):
        self.raw, self.known = b"", {}

    def add(self, s):
        if s not in self.known:
            data = s.encode()
            self.known[s] = len(self.raw), len(data)
            self.raw += data
        return self.known[s]


def plain(name):
    return type(name) is str and 0 < len(name.encode("utf-8", "replace")) <= 200 and all(c >= " " and c != "\x7f" for c in name)


def named(path, i):
    """The name of an input: that of a keyword argument, or its number."""
    key = path.partition("['")[2].rpartition("']")[0]
    return key if key and "[" not in key and plain(key) else f"input{i}"


def unique(name, used):
    n, full = 1, name
    while full in used or full.startswith("udl.") or full == "__metadata__":
        n, full = n + 1, f"{name}~{n}"
    used.add(full)
    return full


def likeness(place, buffer):
    """(type, shape) of a constant for other readers: of its tensor, if it is all of that, else bytes."""
    geometry = _core.guard_like(place)
    if geometry is not None:
        code, shape, contiguous, rel = geometry
        n = SIZES[code]
        for s in shape:
            n *= s
        if contiguous and rel == buffer.lo and n == buffer.hi - buffer.lo:
            return CODES[code], shape
    return "U8", (buffer.hi - buffer.lo,)
