"""If, Loop, Scan: graphs inside nodes."""

import numpy as np

import udlfast as udl

from ...errors import ArgumentError, ShapeError
from .._node import Constant
from .._registry import op
from .._types import to_array, to_tensor


def truth(v):
    """A condition as Python's bool."""
    v = to_array(plain(v))
    if v.size != 1:
        raise ShapeError(f"a condition must have one element, got shape {list(v.shape)}")
    return bool(v.reshape(-1)[0])


def plain(v):
    if isinstance(v, Constant):
        return v.plain() if v.array is None else v.array
    return v


def inside(program, values, inputs):
    """The outputs of a graph for some inputs."""
    if len(inputs) != len(program.inputs):
        raise ArgumentError(f"its graph has {len(program.inputs)} inputs, {len(inputs)} are given")
    for slot, v in zip(program.inputs, inputs):
        values[slot] = v
    program.run(values)
    return [plain(values[slot]) for slot in program.outputs]


def graph_of(node, name):
    if name not in node.graphs:
        raise ArgumentError(f"has no graph {name!r}")
    return node.graphs[name]


@op("If", lists=True)
def branch(node, values, condition):
    return tuple(inside(graph_of(node, "then_branch" if truth(condition) else "else_branch"), values, []))


@op("Loop", lists=True)
def loop(node, values, trips=None, condition=None, *state):
    body, state = graph_of(node, "body"), [plain(v) for v in state]
    trips = None if trips is None else int(to_array(plain(trips)).reshape(-1)[0])
    go = condition is None or truth(condition)
    collected = [[] for _ in range(len(body.outputs) - 1 - len(state))]
    i = 0
    while go and (trips is None or i < trips):
        results = inside(body, values, [np.array(i, np.int64), np.array(go), *state])
        go, state = truth(results[0]), results[1:1 + len(state)]
        for rows, row in zip(collected, results[1 + len(state):]):
            rows.append(row)
        i += 1
    return (*state, *(stacked(rows, 0) for rows in collected))


def stacked(rows, axis):
    """One value of what an output was in each step."""
    if not rows:
        return np.zeros((0,), np.float32)
    if all(isinstance(r, np.ndarray) for r in rows):
        return np.stack(rows, axis)
    return udl.stack([to_tensor(r) for r in rows], axis)


@op("Scan", lists=True)
def scan(node, values, *given):
    body, count = graph_of(node, "body"), node.get("num_scan_inputs")
    if node.opset < 9:
        return scan_batches(node, values, body, count, given[1:])
    return scanned(node, values, body, count, [plain(v) for v in given])


def scanned(node, values, body, count, given):
    states, rows = given[:len(given) - count], [to_tensor(v) for v in given[len(given) - count:]]
    outs = len(body.outputs) - len(states)
    in_axes, in_back = node.get("scan_input_axes") or [0] * count, node.get("scan_input_directions") or [0] * count
    out_axes, out_back = node.get("scan_output_axes") or [0] * outs, node.get("scan_output_directions") or [0] * outs
    lengths = {r.shape[a] for r, a in zip(rows, in_axes)}
    if len(lengths) != 1:
        raise ShapeError(f"the scanned inputs have the lengths {sorted(lengths)}")
    n, collected = lengths.pop(), [[] for _ in range(outs)]
    for t in range(n):
        results = inside(body, values, [*states, *(r.select(a, n - 1 - t if b else t) for r, a, b in zip(rows, in_axes, in_back))])
        states = results[:len(states)]
        for out, row in zip(collected, results[len(states):]):
            out.append(row)
    return (*states, *(stacked(out[::-1] if b else out, a) for out, a, b in zip(collected, out_axes, out_back)))


def scan_batches(node, values, body, count, given):
    """Version 8: every input has a batch dimension in front, which the graph does not see."""
    given = [to_tensor(plain(v)) for v in given]
    each = [scanned(node, values, body, count, [v[b] for v in given]) for b in range(given[0].shape[0])]
    return tuple(stacked(list(results), 0) for results in zip(*each))
