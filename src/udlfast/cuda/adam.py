"""Adam and AdamW over all parameters in one launch; formulas and order as in csrc/kernels/optim.c."""

import functools
import math

from numba import cuda

from ._driver import FLOATS, kernel
from ._math import sqrt
from ._table import GRAIN, launch_table


@functools.cache
def kernel_of(number, l2, amsgrad):
    """p, g, m, v (and the largest v) are elements of `base` from table[row] on: see _table.py."""

    def run(base, table, pieces, count, sign, g_decay, p_decay, one_b1, b2, one_b2, v_scale, eps, step):
        for piece in range(cuda.blockIdx.x, pieces, cuda.gridDim.x):
            row = 0
            while row + 1 < count and table[7 * (row + 1) + 6] <= piece:
                row += 1
            at = 7 * row
            p, g, m, v, top, n = table[at], table[at + 1], table[at + 2], table[at + 3], table[at + 4], table[at + 5]
            begin = (piece - table[at + 6]) * GRAIN
            for i in range(begin + cuda.threadIdx.x, min(n, begin + GRAIN), cuda.blockDim.x):
                x = base[p + i]
                d = base[g + i] * sign
                if l2:
                    d += g_decay * x
                a = base[m + i]
                a += one_b1 * (d - a)
                b = b2 * base[v + i] + (one_b2 * d) * d
                base[m + i] = a
                base[v + i] = b
                if amsgrad:
                    b = b if b > base[top + i] else base[top + i]
                    base[top + i] = b
                base[p + i] = x * p_decay - a * step / (sqrt(b) * v_scale + eps)

    return kernel(run)


def adam(tensors, ints, floats):
    """The body of udl_adam; tensors are the entries of its table."""
    code, count, amsgrad, maximize, decoupled, step = ints
    lr, beta1, beta2, eps, wd = floats[:5]
    if code not in FLOATS:
        return False
    n = FLOATS[code]
    l2 = not decoupled and wd != 0
    return launch_table(kernel_of(n, l2, bool(amsgrad)), tensors, n, n(-1 if maximize else 1), n(wd), n(1 - lr * wd if decoupled else 1),
                        n(1 - beta1), n(beta2), n(1 - beta2), n(1 / math.sqrt(1 - beta2**step)), n(eps),
                        n(lr / (1 - beta1**step)))  # fmt: skip
