"""out = op(a, b, c), element by element, with broadcasting: one kernel an operation, compiled when it is first used.

Every operand has strides of its own (0 broadcasts) and its own type; it is converted to the type of the computation on load. Where all
lie in order the kernel counts in one dimension. Floor: the bytes of the operands over memory bandwidth.
"""

import functools

import numpy as np
from numba import cuda

from ._driver import BOOL, F32, F64, I64, NUMPY, array, grid, kernel, launch, pick
from ._elementwise_ops import TAKES_P1, operation

COMPUTE = {F32: np.float32, F64: np.float64, I64: np.int64}
NAMES = None  # of the operations, in the order of csrc/elementwise.inc


def _names():
    global NAMES
    if NAMES is None:
        from .. import _core

        NAMES = {number: name[4:] for name, number in vars(_core).items() if name.startswith("MAP_")}
    return NAMES


@functools.cache
def kernel_of(name, compute, truth, b, c, flat):
    """The kernel of an operation: truth: out is bool; b, c: 0 absent, 1 there; flat: all lie in order."""
    number = COMPUTE[compute]
    f = operation(name, compute)
    b_is_p1 = name in TAKES_P1

    def one(out, x, y, z, p0, p1, io, ia, ib, ic):
        u = number(x[ia])
        v = number(y[ib]) if b else (p1 if b_is_p1 else p0)
        w = number(z[ic]) if c else p0
        r = f(u, v, w, p0, p1)
        out[io] = (r != 0) if truth else r

    from ._driver import device

    one = device(one)
    if flat:

        def run(out, x, y, z, n, p0, p1):
            for i in range(cuda.grid(1), n, cuda.gridsize(1)):
                one(out, x, y, z, p0, p1, i, i, i, i)

    else:

        def run(out, x, y, z, n, p0, p1, ndim, shape, so, sa, sb, sc):
            for i in range(cuda.grid(1), n, cuda.gridsize(1)):
                rest = i
                io, ia, ib, ic = 0, 0, 0, 0
                for k in range(ndim):
                    d = ndim - 1 - k
                    at = rest % shape[d]
                    rest = rest // shape[d]
                    io += at * so[d]
                    ia += at * sa[d]
                    ib += at * sb[d]
                    ic += at * sc[d]
                one(out, x, y, z, p0, p1, io, ia, ib, ic)

    return kernel(run)


def elementwise(tensors, ints, floats):
    """The body of udl_elementwise."""
    out, a, b, c = tensors
    op, compute, dtypes, ndim = ints[0], ints[1], ints[2:6], ints[6]
    shape, strides = ints[7 : 7 + ndim], [ints[15 + 8 * k : 15 + 8 * k + ndim] for k in range(4)]
    name = _names()[op]
    given = [dtypes[k] for k, t in enumerate(tensors) if t is not None]
    if compute not in COMPUTE or any(d not in NUMPY for d in given) or operation(name, compute) is None:
        return False
    number = COMPUTE[compute]
    if compute == I64 and not all(float(p).is_integer() and abs(p) < 2**63 for p in floats):
        return False
    n = 1
    for size in shape:
        n *= size
    flat = ndim == 1 and all(strides[k][0] == 1 for k, t in enumerate(tensors) if t is not None)
    run = kernel_of(name, compute, dtypes[0] == BOOL, b is not None, c is not None, flat)
    x = array(a)
    arguments = [array(out), x, x if b is None else array(b), x if c is None else array(c), n, number(floats[0]), number(floats[1])]
    if not flat:
        pad = [0] * (8 - ndim)
        arguments += [ndim, tuple(shape + [1] * (8 - ndim)), *(tuple(s + pad) for s in strides)]
    blocks, threads = grid(n), pick(256, 4)
    launch(run, blocks, threads, *arguments)
    return True
