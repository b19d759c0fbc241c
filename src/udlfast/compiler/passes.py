"""What is done to the calls of a plan before they are sealed; each pass can be switched off in compile(options={...})."""


def run(calls, kept, options):
    """The calls that a replay makes."""
    if options.get("dead", True):
        calls = without_dead(calls, kept)
    if options.get("copies", True):
        calls = without_copies(calls, kept)
    return calls


def without_dead(calls, kept):
    """Without calls whose results nobody reads: what matters is memory that outlives the run."""
    alive = {o.buffer for o in kept if o.buffer >= 0}
    out = []
    for call in reversed(calls):
        touched = [(s, w) for _, slot, _, w in call.pointers for s, w in with_links(slot, w)]
        if any(w and (s.kind != 0 or s.number in alive) for s, w in touched):
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
    return (source, to) if whole and source.kind == to.kind == 0 and source.number != to.number else None


def with_links(slot, written):
    """The buffer itself and, for a table, what its rows name: the optimisers write to those."""
    return [(slot, written), *((row, True) for _, row, _ in slot.links or ())]
