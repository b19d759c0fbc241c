"""Element-wise calls that hand numbers to one another, run tile by tile by one kernel (csrc/kernels/chain.c)."""

from ... import _core
from .calls import BF16, F32, F64, TEMP, get, number, touches, with_links

OUTS, INS, TEMPS, STEPS = 4, 8, 8, 16  # of udl_chain_args
NONE = 255
TYPES = ((F32, F32), (F64, F64), (F32, BF16))  # in which elements are computed and of which they are


def fused(calls, kept):
    """Chains instead of neighbours that share buffers. Each element gets the bits that the calls give one by one.

    A group grows along the list. A later call joins where the calls between (`skipped`) let it move up to the group, or the
    group move down to it.
    """
    keep = {o.buffer for o in kept}
    touched = touches(calls)
    parsed = [parse(c) for c in calls]
    out, done = list(calls), set()
    for i, first in enumerate(parsed):
        if first is None or i in done:
            continue
        group, at, skipped = Group(first, i), i, Skipped()
        for j in range(i + 1, len(calls)):
            if calls[j].backward != calls[i].backward or len(group.members) == STEPS:
                break
            op = None if j in done else parsed[j]
            if op is not None and group.meets(op):
                up, down = skipped.lets_up(op), skipped.lets_down(group)
                bigger = group.grown(op, j) if up or down else None
                if bigger is not None and bigger.assemble(touched, keep) is not None:
                    group = bigger
                    if not up:
                        at, skipped = j, Skipped()
                    continue
            if j not in done:
                skipped.add(calls[j])
            elif out[j] is not None:
                skipped.add(out[j])
        if len(group.members) < 2:
            continue
        done.update(group.members)
        for k in group.members:
            out[k] = None
        out[at] = group.assemble(touched, keep)
    return [c for c in out if c is not None]


class Op:
    """An element-wise call over outer x rows x cols elements; an operand is (Slot, offset, strides), an absent one None."""

    def __init__(self, call, shape, operands):
        self.call, self.shape, self.operands = call, shape, operands
        self.size = shape[0] * shape[1] * shape[2]

    def flexible(self):
        """Can it be written over any shape of so many elements?"""
        return all(o is None or o[2] in (dense(self.shape), (0, 0, 0)) for o in self.operands)

    def over(self, shape):
        """The same over another shape of as many elements, if flexible."""
        old = dense(self.shape)
        moved = [o if o is None or o[2] != old else (*o[:2], dense(shape)) for o in self.operands]
        return Op(self.call, shape, moved)


def dense(shape):
    return (shape[1] * shape[2], shape[2], 1)


def parse(call):
    """The Op of a call that a chain can hold, else None: one floating type, and a dense innermost dimension."""
    if call.name != "elementwise" or call.notes:
        return None
    compute, dtype = get(call, 5), get(call, 6)
    at = {field: (slot, offset) for field, slot, offset, _ in call.pointers}
    if (compute, dtype) not in TYPES or any(get(call, 6 + k) != dtype for k in at) or at[0][0].kind != TEMP:
        return None
    sizes = [get(call, 11 + d) for d in range(get(call, 10))]
    strides = {k: [get(call, 19 + 8 * k + d) for d in range(len(sizes))] for k in at}
    dims = merged(sizes, strides)
    if dims is None or len(dims[0]) > 3:
        return None
    sizes, strides = dims
    pad = 3 - len(sizes)
    shape = (*[1] * pad, *sizes)
    operands = [(*at[k], settled(shape, [0] * pad + strides[k])) if k in at else None for k in range(4)]
    if any(o is not None and o[2][2] not in (0, 1) for o in operands) or operands[0][2][2] != 1:
        return None
    if any(n > 1 and s == 0 for n, s in zip(shape, operands[0][2], strict=True)):
        return None
    same = [o for o in operands[1:] if o is not None and o[0] is operands[0][0]]
    return None if any(o != operands[0] for o in same) else Op(call, shape, operands)


def settled(shape, strides):
    """Strides of dimensions of one element, which are free, chosen so that equal layouts are equal."""
    if all(n == 1 or s == d for n, s, d in zip(shape, strides, dense(shape), strict=True)):
        return dense(shape)
    return tuple(0 if n == 1 else s for n, s in zip(shape, strides, strict=True))


def merged(sizes, strides):
    """(sizes, strides) with neighbouring dimensions joined where every operand allows; None for no elements."""
    if 0 in sizes:
        return None
    out, kept = [], {k: [] for k in strides}
    for d, n in enumerate(sizes):
        if n == 1:
            continue
        if out and all(kept[k][-1] == n * strides[k][d] for k in strides):
            out[-1] *= n
            for k in strides:
                kept[k][-1] = strides[k][d]
            continue
        out.append(n)
        for k in strides:
            kept[k].append(strides[k][d])
    return (out, kept) if out else ([1], {k: [1] for k in strides})


class Skipped:
    """What the calls between a group and a later call touch."""

    def __init__(self):
        self.reads, self.writes, self.outside = set(), set(), False

    def add(self, call):
        for _, slot, _, w in call.pointers:
            for s, written in with_links(slot, w):
                (self.writes if written else self.reads).add(s.number)
                self.outside = self.outside or written and s.kind != TEMP

    def free(self, reads, writes):
        """May a call that reads and writes these be carried past?"""
        if self.outside and any(s.kind != TEMP for s in reads):
            return False
        written = {s.number for s in writes}
        return not (self.writes & ({s.number for s in reads} | written) or self.reads & written)

    def lets_up(self, op):
        return self.free([o[0] for o in op.operands[1:] if o], [op.operands[0][0]])

    def lets_down(self, group):
        ops = group.ops
        return self.free([o[0] for op in ops for o in op.operands[1:] if o], [op.operands[0][0] for op in ops])


class Group:
    """Ops over one shape, in order, and the places of their calls."""

    def __init__(self, op, at):
        self.ops, self.members, self.shape = [op], [at], op.shape

    def meets(self, op):
        """Does it read what the group makes or reads?"""
        if op.size != self.ops[0].size or get(op.call, 6) != get(self.ops[0].call, 6):
            return False
        mine = {x[0].number for o in self.ops for x in o.operands if x and x[2] != (0, 0, 0)}
        mine |= {o.operands[0][0].number for o in self.ops}
        return any(o and o[0].number in mine for o in op.operands)

    def grown(self, op, at):
        """With one op more; None where shapes or views do not fit."""
        bigger = Group(op, at)
        bigger.members = [*self.members, at]
        if op.shape == self.shape:
            bigger.ops = [*self.ops, op]
        elif op.flexible():
            bigger.ops = [*self.ops, op.over(self.shape)]
            bigger.shape = self.shape
        elif all(o.flexible() for o in self.ops):
            bigger.ops = [*(o.over(op.shape) for o in self.ops), op]
        else:
            return None
        views = {}
        written = {o.operands[0][0].number for o in bigger.ops}
        for o in bigger.ops:  # a buffer that is written is seen in one way only: so a tile depends on no other tile
            for x in o.operands:
                if x and x[0].number in written and views.setdefault(x[0].number, x[1:]) != x[1:]:
                    return None
        return bigger

    def assemble(self, touched, keep):
        """The call, or None if the group does not fit its registers."""
        inside = set(self.members)
        stays = {
            o.operands[0][0].number for o in self.ops
            if o.operands[0][0].number in keep or not inside >= set(touched[o.operands[0][0].number])
        }  # fmt: skip
        return Program(self, stays).call()


class Program:
    """Registers of a group: 0.. results in memory, 4.. inputs, 12.. temporaries."""

    def __init__(self, group, stays):
        self.group, self.stays = group, stays
        self.outs, self.ins, self.codes, self.params = [], [], [], []
        self.free = list(range(OUTS + INS + TEMPS - 1, OUTS + INS - 1, -1))

    def call(self):
        ops, value, last = self.group.ops, {}, {}
        for s, op in enumerate(ops):
            for o in op.operands[1:]:
                if o:
                    last[o[0].number] = s
        for s, op in enumerate(ops):
            inputs = []
            for o in op.operands[1:]:
                if o is None:
                    inputs.append(NONE)
                elif o[0].number in value:
                    inputs.append(value[o[0].number])
                else:
                    inputs.append(self.register(self.ins, o, OUTS, INS))
            target = op.operands[0]
            number_ = target[0].number
            for o in op.operands[1:]:  # a temporary that nobody reads any more may take the result
                if o and last[o[0].number] == s and value.get(o[0].number, 0) >= OUTS + INS:
                    register = value.pop(o[0].number)
                    self.free.append(register)
            if number_ in value and value[number_] >= OUTS + INS:
                self.free.append(value.pop(number_))
            if number_ in self.stays:
                value[number_] = self.register(self.outs, target, 0, OUTS)
            elif not self.free:
                return None
            else:
                value[number_] = self.free.pop()
            if None in inputs or value[number_] is None:
                return None
            self.codes.append(sum(part << 8 * k for k, part in enumerate([get(op.call, 4), value[number_], *inputs])))
            self.params += [number(op.call, 52), number(op.call, 53)]
        return self.finish()

    def register(self, table, operand, base, most):
        """The register of memory; None if there are no more."""
        key = (operand[0].number, *operand[1:])
        for i, (other, _) in enumerate(table):
            if other == key:
                return base + i
        if len(table) == most:
            return None
        table.append((key, operand))
        return base + len(table) - 1

    def finish(self):
        outer, row, unit, pointers = [0] * (OUTS + INS), [0] * (OUTS + INS), 0, []
        for base, table in ((0, self.outs), (OUTS, self.ins)):
            for i, (_, (slot, offset, strides)) in enumerate(table):
                r = base + i
                outer[r], row[r] = strides[0], strides[1]
                unit |= (strides[2] == 1) << r
                pointers.append((r, slot, offset, base == 0))
        first = self.group.ops[0].call
        pad = STEPS - len(self.codes)
        ints = [get(first, 6), *self.group.shape, len(self.codes), *outer, *row, unit, *self.codes, *[0] * pad]
        return _core.make_call(_core.K_chain, ints, self.params + [0.0] * 2 * pad, pointers, first.backward)
