"""SGD over all parameters in one launch; formulas and order as in csrc/kernels/optim.c."""

import functools

from numba import cuda

from ._driver import FLOATS, kernel
from ._table import launch_table


@functools.cache
def kernel_of(number, with_buffer, first, nesterov, decay):
    """p, g and the momentum buffer are elements of `base` from table[row] on: see _table.py."""

    def run(base, table, pieces, count, sign, wd, momentum, keep, lr):
        for piece in range(cuda.blockIdx.x, pieces, cuda.gridDim.x):
            row = 0
            while row + 1 < count and table[7 * (row + 1) + 6] <= piece:
                row += 1
            at = 7 * row
            p, g, b, n = table[at], table[at + 1], table[at + 2], table[at + 5]
            begin = (piece - table[at + 6]) * GRAIN
            for i in range(begin + cuda.threadIdx.x, min(n, begin + GRAIN), cuda.blockDim.x):
                x = base[p + i]
                d = base[g + i] * sign
                if decay:
                    d += wd * x
                if with_buffer and b >= 0:
                    v = d if first else momentum * base[b + i] + keep * d
                    base[b + i] = v
                    d = d + momentum * v if nesterov else v
                base[p + i] = x - lr * d

    return kernel(run)


from ._table import GRAIN  # noqa: E402


def sgd(tensors, ints, floats):
    """The body of udl_sgd; tensors are the entries of its table."""
    code, count, nesterov, maximize, first, _ = ints
    lr, momentum, dampening, wd = floats
    if code not in FLOATS:
        return False
    n = FLOATS[code]
    function = kernel_of(n, momentum != 0, bool(first), bool(nesterov), wd != 0)
    return launch_table(function, tensors, n, n(-1 if maximize else 1), n(wd), n(momentum), n(1 - dampening), n(lr))
