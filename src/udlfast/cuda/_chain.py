"""The kernels of element-wise operations: one of them, or several one after the other, where what one gives to the next stays in registers.

A program is ((step, ...), (operand in memory, ...), dimensions, small), and its kernel is written as text:

    def chain(n, s, x0, x1, x2, t1, q0):            n elements of shape s; operands; strides of operand 1; a scalar parameter
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            c1, c0 = coordinates of i in s          only if an operand asks for them
            m0 = x0[i]
            m1 = x1[c0 * t1[0] + c1 * t1[1]]
            r0 = f0(float32(m0), float32(m1), zero, q0, zero)
            r1 = f1(r0, zero, zero, zero, zero)
            x2[i] = r1

A step is (operation, computed in, type of the result, three references, place, is p0 given, is p1): a reference is the number of an
operand in memory, or -1 - s for the result of step s, or None; place is the operand that takes the result, or None where nobody reads it
from memory. An operand is (element type, layout): "d" lies in order, "0" is one number, "s" has strides.
Floor: the bytes of the operands over memory bandwidth.
"""

import functools

import numpy as np
from numba import cuda

from ._driver import BF16, BOOL, F16, F32, F64, I64, device, kernel
from ._elementwise_ops import TAKES_P1, operation
from ._half import from_bf16, to_bf16

COMPUTE = {F32: np.float32, F64: np.float64, I64: np.int64}
MOST_STEPS, MOST_OPERANDS = 16, 12


@device
def divide(a, b):
    """a // b of numbers below 2^32: a division of 64 bits takes several times as long."""
    return np.int64(np.uint32(a) // np.uint32(b))


def carries(code, compute):
    """May a later step take the result from a register: is it there what would be read from memory?"""
    return code in (compute, BOOL, F16, BF16)


def coordinates(dims, small):
    """Lines that compute c0 .. of element i."""
    if dims == 1:
        return ["c0 = i"]
    lines, rest = [], "i"
    for d in range(dims - 1, 0, -1):
        quotient = f"divide({rest}, s[{d}])" if small else f"{rest} // s[{d}]"
        lines += [f"d{d} = {quotient}", f"c{d} = {rest} - d{d} * s[{d}]"]
        rest = f"d{d}"
    return [*lines, f"c0 = {rest}"]


def load(j, code, layout, dims):
    """The line that reads operand j."""
    return f"m{j} = {'from_bf16' if code == BF16 else ''}({f'x{j}[{place(j, layout, dims)}]'})"


def place(j, layout, dims):
    """The index of operand j at element i."""
    if layout == "s":
        return " + ".join(f"c{d} * t{j}[{d}]" for d in range(dims))
    return "i" if layout == "d" else "0"


STORE = {BOOL: "{} != 0", BF16: "to_bf16({})", F16: "np.float16({})"}
AGAIN = {BOOL: "{}", BF16: "from_bf16({})", F16: "{}"}  # a stored number as a later step takes it


def source(program):
    """(the kernel's text, the names that it uses)"""
    steps, operands, dims, small = program
    names = {"cuda": cuda, "np": np, "divide": divide, "from_bf16": from_bf16, "to_bf16": to_bf16}
    names |= {"n_" + str(code): number for code, number in COMPUTE.items()} | {"z_" + str(code): n(0) for code, n in COMPUTE.items()}
    strided = [j for j, (_, layout) in enumerate(operands) if layout == "s"]
    body, read, scalars = coordinates(dims, small) if strided else [], set(), []
    for k, (name, compute, code, references, where, p0, p1) in enumerate(steps):
        for j in references:
            if j is not None and j >= 0 and j not in read:
                read.add(j)
                body.append(load(j, *operands[j], dims))
        parameters = []
        for which, given in (("p", p0), ("q", p1)):
            parameters.append(f"{which}{k}" if given else f"z_{compute}")
            scalars += [f"{which}{k}"] if given else []
        given = [None if j is None else f"n_{compute}({f'm{j}' if j >= 0 else f'r{-1 - j}'})" for j in references]
        given[1] = given[1] or parameters[name in TAKES_P1]
        given[2] = given[2] or parameters[0]
        names[f"f{k}"] = operation(name, compute)
        body.append(f"r{k} = f{k}({', '.join(given + parameters)})")
        if code in STORE:
            body.append(f"w{k} = {STORE[code].format(f'r{k}')}")
        if where is not None:
            body.append(f"x{where}[{place(where, operands[where][1], dims)}] = {'w' if code in STORE else 'r'}{k}")
        if code in STORE:
            body.append(f"r{k} = {AGAIN[code].format(f'w{k}')}" if any(-1 - k in s[3] for s in steps[k + 1 :]) else "")
    head = ["n", *(["s"] if strided else []), *(f"x{j}" for j in range(len(operands))), *(f"t{j}" for j in strided), *scalars]
    lines = [f"def chain({', '.join(head)}):", "    for i in range(cuda.grid(1), n, cuda.gridsize(1)):"]
    return "\n".join(lines + ["        " + line for line in body if line] + [""]), names


@functools.cache
def kernel_of(program):
    """The kernel of a program."""
    text, names = source(program)
    exec(text, names)
    names["chain"].__doc__ = text
    return kernel(names["chain"])
