"""Sequences and optionals: Python's lists and None."""

import numpy as np

import udlfast as udl

from ...errors import ShapeError
from .._registry import op
from .._types import to_array, to_tensor
from .control import graph_of, inside, plain


def number(v):
    return int(to_array(v).reshape(-1)[0])


@op("SequenceEmpty", lists=True)
def empty(node):
    return []


@op("SequenceConstruct", lists=True)
def construct(node, *items):
    return list(items)


@op("SequenceInsert", lists=True)
def insert(node, items, item, at=None):
    items, place = list(items), len(items) if at is None else number(at)
    if not -len(items) <= place <= len(items):
        raise IndexError(f"position {place} in a sequence of {len(items)}")
    items.insert(place, item)
    return items


@op("SequenceErase", lists=True)
def erase(node, items, at=None):
    items = list(items)
    del items[-1 if at is None else number(at)]
    return items


@op("SequenceAt", lists=True)
def element(node, items, at):
    return items[number(at)]


@op("SequenceLength", lists=True)
def length(node, items):
    return np.array(len(items), np.int64)


@op("ConcatFromSequence", lists=True)
def concat(node, items):
    f = udl.stack if node.get("new_axis") else udl.cat
    return f([to_tensor(v) for v in items], node.get("axis", 0))


@op("SplitToSequence", lists=True)
def split(node, x, sizes=None):
    x, axis = to_tensor(x), node.get("axis", 0)
    if sizes is None:
        parts = udl.split(x, 1, axis)
        return list(parts) if node.get("keepdims", 1) else [p.squeeze(axis) for p in parts]
    sizes = to_array(sizes)
    sizes = int(sizes) if sizes.ndim == 0 else [int(n) for n in sizes]
    if isinstance(sizes, list) and sum(sizes) != x.shape[axis]:
        raise ShapeError(f"sizes {sizes} for dimension {axis} of {list(x.shape)}")
    return list(udl.split(x, sizes, axis))


@op("SequenceMap", lists=True)
def sequence_map(node, values, items, *more):
    body, items = graph_of(node, "body"), plain(items)
    more, columns = [plain(v) for v in more], [[] for _ in node.outputs]
    for i, item in enumerate(items):
        got = inside(body, values, [item, *(v[i] if isinstance(v, list) else v for v in more)])
        for column, v in zip(columns, got):
            column.append(v)
    return tuple(columns)


@op("Optional", lists=True)
def optional(node, x=None):
    return x


@op("OptionalHasElement", lists=True)
def has_element(node, x=None):
    return np.array(x is not None)
