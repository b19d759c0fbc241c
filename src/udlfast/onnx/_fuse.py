"""Products with a constant matrix become linear layers, whose weights are kept packed from one call to the next.

    MatMul(x, W), Gemm(x, W) [+ Add of a constant row]  ->  linear(x, W^T, row)

The matrix is turned once, while loading, to [outputs, inputs]. Small ones stay as they are: nothing is kept packed for them.
"""

from collections import Counter

import udlfast as udl

from ._node import Constant
from ._registry import OPERATORS, op

LEAST = 65536  # elements of a matrix


@op("linear")
def linear(node, x, w, b=None):
    """x w^T + b; the name is none of ONNX's."""
    return udl.linear(x, w, b)


LINEAR = OPERATORS.pop("linear")


def fuse(program, values):
    """Rewrite the nodes of the main graph. The constants in `values` that are turned have no other reader."""
    readers = Counter(program.outputs)
    for node in program.nodes:
        readers.update(s for s in node.inputs if s is not None)
        for inner in node.graphs.values():
            readers.update(inner.uses | set(inner.outputs))
    followers = {s: node for node in program.nodes for s in node.inputs if s is not None and readers[s] == 1}
    gone = set()
    for node in program.nodes:
        if not is_product(node, values, readers):
            continue
        turn(node, values[node.inputs[1]])
        node.operator, node.type = LINEAR, "linear"
        add = followers.get(node.outputs[0])
        if add is not None and add.type == "Add" and len(node.inputs) == 2:
            row = next((s for s in add.inputs if s != node.outputs[0]), None)
            if is_row(values[row] if row is not None else None, values[node.inputs[1]].shape[0]):
                node.inputs, node.outputs = [*node.inputs, row], add.outputs
                node.free = [s for s in {*node.free, *add.free} if s not in node.outputs or s in add.free]
                gone.add(id(add))
    program.nodes[:] = [node for node in program.nodes if id(node) not in gone]


def is_product(node, values, readers):
    """A product of something with a large constant matrix that nobody else reads."""
    if node.type not in ("MatMul", "Gemm") or len(node.inputs) < 2 or node.graphs:
        return False
    w = values[node.inputs[1]]
    if not isinstance(w, Constant) or w.home is None or readers[node.inputs[1]] != 1 or len(w.shape) != 2:
        return False
    if w.shape[0] * w.shape[1] < LEAST or not w.plain().dtype.is_floating_point:
        return False
    if node.type == "MatMul":
        return True
    plain = not node.get("transA") and node.get("alpha", 1.0) == 1 == node.get("beta", 1.0)
    outputs = w.shape[0] if node.get("transB") else w.shape[1]
    return plain and (len(node.inputs) < 3 or node.inputs[2] is None or is_row(values[node.inputs[2]], outputs))


def is_row(b, n):
    return isinstance(b, Constant) and b.home is not None and b.shape == (n,)


def turn(node, w):
    """The matrix as [outputs, inputs]."""
    if node.type == "MatMul" or not node.get("transB"):
        parameter = w.home.__dict__[w.name]
        parameter.data = parameter.t().contiguous()
        w.shape = tuple(parameter.shape)
