"""What is done to the calls of a plan before they are sealed; each pass can be switched off in compile(options={...})."""

import struct

from .. import _core

TEMP = 0  # the kind of a buffer that only the plan sees
RELU = 1  # of UDL_ACT_* in udlfast.h


def run(calls, kept, options):
    """The calls that a replay makes."""
    if options.get("dead", True):
        calls = without_dead(calls, kept)
    if options.get("copies", True):
        calls = without_copies(calls, kept)
    if options.get("epilogue", True):
        calls = into_epilogues(calls, kept)
    return calls


def without_dead(calls, kept):
    """Without calls whose results nobody reads: what matters is memory that outlives the run."""
    alive = {o.buffer for o in kept if o.buffer >= 0}
    out = []
    for call in reversed(calls):
        touched = [(s, w) for _, slot, _, w in call.pointers for s, w in with_links(slot, w)]
        if any(w and (s.kind != TEMP or s.number in alive) for s, w in touched):
            alive.update(s.number for s, _ in touched)
            out.append(call)
    return out[::-1]


def without_copies(calls, kept):
    """Without copies of a whole buffer that nobody reads afterwards: what filled it fills the copy."""
    keep = {o.buffer for o in kept}
    first, last, parts = {}, {}, {}
    for i, call in enumerate(calls):
        for slot in touched_by(call):
            first.setdefault(slot.number, i)
            last[slot.number] = i
            parts.setdefault(slot.number, set()).add(call.backward)
    into = {}  # number of a buffer -> the Slot that takes its place
    out = []
    for i, call in enumerate(calls):
        pair = whole_copy(call)
        if pair is not None:
            a, b = pair  # b = a
            now = (call.backward,)
            if (
                a.number not in keep and last[a.number] == i and first[b.number] == i and parts[a.number] == {*now}
                and not (a.links or b.links)
            ):  # fmt: skip
                into[a.number] = b
                continue
        out.append(call)
    if into:
        for call in out:
            call.redirect(into)
    return out


def touched_by(call):
    return [s for _, slot, _, w in call.pointers for s, _ in with_links(slot, w)]


def whole_copy(call):
    """(source, destination) of a call that copies all of one buffer of the plan to another, else None."""
    if len(call.pointers) != 2 or call.name not in ("copy", "elementwise"):
        return None
    if call.name == "elementwise" and not call.is_plain_copy():
        return None
    by_field = {field: (slot, offset) for field, slot, offset, _ in call.pointers}
    (to, to_offset), (source, offset) = by_field[0], by_field[1]
    whole = call.bytes_moved() == to.nbytes == source.nbytes and offset == to_offset == 0
    return (source, to) if whole and source.kind == to.kind == TEMP and source.number != to.number else None


def with_links(slot, written):
    """The buffer itself and, for a table, what its rows name: the optimisers write to those."""
    return [(slot, written), *((row, True) for _, row, _ in slot.links or ())]


# ---- epilogues -------------------------------------------------------------------------------------------------------------
def get(call, field):
    return struct.unpack_from("q", call.args, 8 * field)[0]


def put(call, field, value):
    struct.pack_into("q", call.args, 8 * field, value)


def into_epilogues(calls, kept):
    """relu, and the sum with another buffer, of a product that nobody else reads, made by the product itself.

    The epilogue does the same operation on the same number before it is stored: not a bit changes.
    """
    keep = {o.buffer for o in kept}
    touches = {}
    for i, call in enumerate(calls):
        for slot in touched_by(call):
            touches.setdefault(slot.number, []).append(i)
    gone = set()
    for i, call in enumerate(calls):
        found = follower(call)
        if found is None:
            continue
        out, inputs = found
        for which, a in enumerate(inputs):
            at = touches[a.number]
            if a.kind != TEMP or a.number in keep or len(at) != 2 or at[1] != i or touches[out.number][0] != i:
                continue
            j = at[0]
            product, other = calls[j], inputs[1 - which] if len(inputs) == 2 else None
            if j in gone or product.backward != call.backward or not takes(product, a, other):
                continue
            if not quiet(calls[j + 1 : i], product):
                continue
            fuse(product, a, out, other)
            touches[out.number].insert(0, i)
            calls[i] = product  # the product moves to where the follower was
            gone.add(j)
            touches[a.number] = []
            break
    return [c for i, c in enumerate(calls) if i not in gone]


def follower(call):
    """(result, inputs) of a relu or a sum of whole float buffers, element by element; else None."""
    if call.name != "elementwise":
        return None
    op, n_in = get(call, 4), {_core.MAP_relu: 1, _core.MAP_add: 2}.get(get(call, 4), 0)
    by_field = {field: (slot, offset) for field, slot, offset, _ in call.pointers}
    if not n_in or len(by_field) != n_in + 1 or get(call, 10) != 1 or get(call, 6) != 5 or op is None:
        return None
    if any(get(call, 6 + k) != 5 or get(call, 19 + 8 * k) != 1 for k in range(n_in + 1)) or get(call, 5) != 5:
        return None
    if any(offset for _, offset in by_field.values()) or any(s.nbytes != 4 * get(call, 11) for s, _ in by_field.values()):
        return None
    slots = [by_field[k][0] for k in range(n_in + 1)]
    return None if slots[0].number in (s.number for s in slots[1:]) else (slots[0], slots[1:])


def takes(product, a, other):
    """Is this the product that fills all of `a`, with room in its epilogue for relu (other None) or for a sum?"""
    fields = {field: slot for field, slot, _, _ in product.pointers}
    if fields.get(0) is not a or any(s is a for f, s in fields.items() if f):
        return False
    if product.name == "matmul":
        batch, m, n = (get(product, f) for f in (7, 8, 9))
        whole = get(product, 6) == 5 and 4 * batch * m * n == a.nbytes and get(product, 18) == n
        plain = get(product, 19) == 0 and get(product, 23) == 0 and 4 not in fields
        return whole and plain and (other is None or all(s is not other for s in fields.values()))
    return product.name == "conv2d" and other is None and get(product, 4) == 5 and get(product, 20) < 65536


def quiet(between, product):
    """Do the calls between leave alone what the product reads?"""
    reads = {slot.number for _, slot, _, _ in product.pointers}
    for call in between:
        for _, slot, _, written in call.pointers:
            for s, w in with_links(slot, written):
                if w and (s.kind != TEMP or s.number in reads):
                    return False
    return True


def fuse(product, a, out, other):
    product.redirect({a.number: out})
    if product.name == "conv2d":
        put(product, 20, get(product, 20) + 65536 * RELU)
    elif other is None:
        put(product, 19, RELU)
    else:
        product.pointers.append((4, other, 0, False))
