"""What the passes ask about the calls of a plan."""

import struct

from ..._core import bfloat16, float32, float64

TEMP = 0  # the kind of a buffer that only the plan sees
F32, F64, BF16 = float32.code, float64.code, bfloat16.code


def get(call, field):
    """An integer field of a call."""
    return struct.unpack_from("q", call.args, 8 * field)[0]


def number(call, field):
    """A floating-point field of a call."""
    return struct.unpack_from("d", call.args, 8 * field)[0]


def put(call, field, value):
    struct.pack_into("q", call.args, 8 * field, value)


def with_links(slot, written):
    """The buffer itself and, for a table, what its rows name: the optimisers write to those."""
    return [(slot, written), *((row, True) for _, row, _ in slot.links or ())]


def touched_by(call):
    """Every buffer that a call reads or writes."""
    return [s for _, slot, _, w in call.pointers for s, _ in with_links(slot, w)]


def touches(calls):
    """{number of a buffer: the places of the calls that touch it, in order}"""
    found = {}
    for i, call in enumerate(calls):
        for slot in touched_by(call):
            at = found.setdefault(slot.number, [])
            if not at or at[-1] != i:
                at.append(i)
    return found


def quiet(between, product):
    """Do the calls between leave alone what the product reads?"""
    reads = {slot.number for _, slot, _, _ in product.pointers}
    for call in between:
        for _, slot, _, written in call.pointers:
            for s, w in with_links(slot, written):
                if w and (s.kind != TEMP or s.number in reads):
                    return False
    return True
