"""One launch over all parameters: a table of where they lie, relative to the lowest address, so that one array reaches them all.

table[count][7]: parameter, gradient, states 1 to 3 (-1: none), in elements from `base`; the number of elements; the first piece. Pieces are
GRAIN elements of one parameter; a block takes every gridDim-th piece and finds its row by looking along the table.
"""

import numpy as np

from .. import _core
from ._driver import count_up, launch, pick, scratch

GRAIN, THREADS, BLOCKS = pick(4096, 16), pick(256, 4), pick(1056, 2)


def launch_table(function, tensors, number, *scalars):
    """Run an optimiser's kernel on entries (parameter, gradient, state 1, 2, 3), ..."""
    size = np.dtype(number).itemsize
    rows = [tensors[i : i + 5] for i in range(0, len(tensors), 5)]
    rows = [row for row in rows if row[1] is not None and row[0].numel()]
    if not rows:
        return True
    places = [[None if t is None else _core.block_of(t) for t in row] for row in rows]
    lowest = min((p for row in places for p in row if p is not None), key=lambda p: p[0].address() + p[1])
    origin = lowest[0].address() + lowest[1]
    table, pieces = np.zeros((len(rows), 7), np.int64), 0
    for k, (row, place) in enumerate(zip(rows, places, strict=True)):
        table[k, :5] = [-1 if p is None else (p[0].address() + p[1] - origin) // size for p in place]
        table[k, 5:] = row[0].numel(), pieces
        pieces += count_up(row[0].numel(), GRAIN)
    block, on_device = scratch(table.size, np.int64)
    on_device.copy_to_device(table.reshape(-1))
    segment = lowest[0].chunk.segment
    start = lowest[0].chunk.start + lowest[1]
    base = segment.bytes[start : start + (segment.nbytes - start) // size * size].view(number)
    launch(function, min(pieces, BLOCKS), THREADS, base, on_device, pieces, len(rows), *scalars)
    del block
    return True
