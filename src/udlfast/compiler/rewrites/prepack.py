"""Filters of convolutions that stay the same, made ready for their products once."""

import struct

from ... import _core
from .calls import BF16, F32, get
from .fold import constant

INTS = 5  # the first integer field of conv2d


def prepacked(recorder, calls):
    """For each convolution of inference whose filters are constant, or made by a call that runs once, another such call that makes
    them ready, where this saves time for one image. Not a bit of the result changes.

    The sizes of images are left out of that call, but for what the filters suit (side), so that plans for several sizes share what it
    makes.
    """
    if any(c.backward for c in calls):
        return calls
    once, found = [], {}
    for call in calls:
        if call.name != "conv2d" or get(call, INTS) not in (F32, BF16):
            continue
        weight, offset = next((slot, at) for field, slot, at, _ in call.pointers if field == 2)
        if not (constant(weight) or weight.lasting):
            continue
        ints = list(struct.unpack_from("17q", call.args, 8 * INTS))
        nbytes = _core.filters_bytes((ints[0], 1, *ints[2:]))
        if not nbytes:
            continue
        side = _core.filters_side(tuple(ints))
        if side != _core.filters_side((ints[0], 1, *ints[2:])):
            continue  # of so many images they would not be read
        key = weight.number, offset, ints[0], *ints[5:8], ints[11], ints[15], ints[16] % 65536, side
        if key not in found:
            found[key] = recorder.buffer(nbytes, True)
            sizes = [ints[0], 1, ints[2], side, side, *ints[5:8], 1, 1, 1, ints[11], 0, 0, 1, ints[15], ints[16] % 65536]
            pointers = [(0, found[key], 0, True), (2, weight, offset, False)]
            once.append(_core.make_call(_core.K_conv2d_filters, sizes, [], pointers, False, True))
        call.pointers.append((4, found[key], 0, False))
    folds = sum(c.once for c in calls)
    return calls[:folds] + once + calls[folds:]
