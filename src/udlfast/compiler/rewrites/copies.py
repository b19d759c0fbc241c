"""Copies of whole buffers that are not read again."""

from .calls import TEMP, touched_by


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
