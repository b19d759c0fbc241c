"""out = op(a, b, c), element by element, with broadcasting: the call joins those that wait (_fusion.py), one kernel (_chain.py) runs them.

Every operand has strides of its own (0 broadcasts) and its own type; it is converted to the type of the computation on load.
"""

from .. import _core
from . import _fusion
from ._chain import COMPUTE
from ._driver import I64, STORED
from ._elementwise_ops import operation

NAMES = {number: name[4:] for name, number in vars(_core).items() if name.startswith("MAP_")}  # in the order of csrc/elementwise.inc


def layout(shape, strides):
    """ "d": in order; "0": one number for all; "s": anything else."""
    want = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != want:
            return "s" if any(s and m != 1 for s, m in zip(strides, shape, strict=True)) else "0"
        want *= size
    return "d"


def elementwise(tensors, ints, floats):
    """The body of udl_elementwise."""
    name, compute, ndim = NAMES[ints[0]], ints[1], ints[6]
    shape = tuple(ints[7 : 7 + ndim])
    codes = [ints[2 + k] for k, t in enumerate(tensors) if t is not None]
    if compute not in COMPUTE or any(code not in STORED for code in codes) or operation(name, compute) is None:
        return False
    if compute == I64 and not all(float(p).is_integer() and abs(p) < 2**63 for p in floats):
        return False
    n = 1
    for size in shape:
        n *= size
    if n == 0:
        return True
    operands = []
    for k, t in enumerate(tensors):
        if t is None:
            operands.append(None)
            continue
        block, offset = _core.block_of(t)
        strides = tuple(ints[15 + 8 * k : 15 + 8 * k + ndim])
        code, kind = ints[2 + k], layout(shape, strides)
        operands.append(_fusion.Operand(block, offset, block.view(offset, STORED[code]), code, kind, strides))
    _fusion.push(_fusion.Call(name, compute, n, shape, operands[0], operands[1:], floats))
    return True
