"""out[b, m, n] = act(alpha sum_k A[b, m, k] B[b, k, n] + beta out + bias) + residual, on the tiles of _tiles.py or _tensor_tiles.py.

A and B are strided as in csrc/args.h. Three ways to fetch four neighbours of each: one 128-bit load along k, one along m (or n), or
four loads of any strides, which small and odd matrices take. Vector loads ask that rows begin at multiples of four elements.
float32 and float64 are multiplied by the FMA units. bfloat16 goes to the tensor cores, and so does float32 after
set_float32_matmul_precision("high") (TF32) or ("medium") (bfloat16), on GPUs from sm_80 on.
Floor: 2 M N K operations over the peak of the units; (M K + K N + M N) 4 (or 2) bytes over memory bandwidth.
"""

import functools

import numpy as np

from .. import _core
from . import _tensor_tiles, _tiles
from ._driver import BF16, F32, FLOATS, STORED, array, count_up, device, exp, has_tensor_cores, launch, tanh
from ._half import to_bf16
from ._math import erf
from ._vector import load4, store4

NONE, RELU, GELU, GELU_TANH, SILU, TANH, SIGMOID = range(7)
# p: integers of a call. Of every product: M, N, K, batches, splits
A_BATCH, A_M, A_K, B_BATCH, B_K, B_N, O_BATCH, LDO, VECTOR_OUT = range(5, 14)


@functools.cache
def activation(act, number):
    """act as a device function of one number of its type."""
    one, half = number(1), number(0.5)
    r2, c, cube = number(0.5**0.5), number((2 / np.pi) ** 0.5), number(0.044715)

    if act == RELU:
        return device(lambda x: x if x > 0 or x != x else number(0))
    if act == GELU:
        return device(lambda x: half * x * (one + erf(x * r2)))
    if act == GELU_TANH:
        return device(lambda x: half * x * (one + tanh(c * (x + cube * x * x * x))))
    if act == SILU:
        return device(lambda x: x / (one + exp(-x)))
    if act == TANH:
        return device(lambda x: tanh(x))
    if act == SIGMOID:
        return device(lambda x: one / (one + exp(-x)))
    return device(lambda x: x)


@functools.cache
def fetch_a(way, number):
    """Four elements of A. way: "k" or "m", a vector along it; "s", any strides, along k."""
    zero = number(0)

    if way == "k":

        def fetch(a, p, batch, m, k):
            if m < p[0] and k < p[2]:
                return load4(a, batch * p[A_BATCH] + m * p[A_M] + k)
            return zero, zero, zero, zero

    elif way == "m":

        def fetch(a, p, batch, m, k):
            if m < p[0] and k < p[2]:
                return load4(a, batch * p[A_BATCH] + m + k * p[A_K])
            return zero, zero, zero, zero

    else:

        def fetch(a, p, batch, m, k):
            i = batch * p[A_BATCH] + m * p[A_M] + k * p[A_K]
            v0 = a[i] if m < p[0] and k < p[2] else zero
            v1 = a[i + p[A_K]] if m < p[0] and k + 1 < p[2] else zero
            v2 = a[i + 2 * p[A_K]] if m < p[0] and k + 2 < p[2] else zero
            v3 = a[i + 3 * p[A_K]] if m < p[0] and k + 3 < p[2] else zero
            return v0, v1, v2, v3

    return device(fetch)


@functools.cache
def fetch_b(way, number):
    """Four elements of B: "k" and "n" as for A; "s" runs along n."""
    zero = number(0)

    if way == "k":

        def fetch(b, p, batch, k, n):
            if n < p[1] and k < p[2]:
                return load4(b, batch * p[B_BATCH] + n * p[B_N] + k)
            return zero, zero, zero, zero

    elif way == "n":

        def fetch(b, p, batch, k, n):
            if n < p[1] and k < p[2]:
                return load4(b, batch * p[B_BATCH] + n + k * p[B_K])
            return zero, zero, zero, zero

    else:

        def fetch(b, p, batch, k, n):
            i = batch * p[B_BATCH] + n * p[B_N] + k * p[B_K]
            v0 = b[i] if k < p[2] and n < p[1] else zero
            v1 = b[i + p[B_N]] if k < p[2] and n + 1 < p[1] else zero
            v2 = b[i + 2 * p[B_N]] if k < p[2] and n + 2 < p[1] else zero
            v3 = b[i + 3 * p[B_N]] if k < p[2] and n + 3 < p[1] else zero
            return v0, v1, v2, v3

    return device(fetch)


@functools.cache
def store(number, act, bias, residual, beta):
    """The epilogue. bias: 0 none, 1 along n, 2 along m; beta: out is added to."""
    f = activation(act, number)

    def finish(v, out, e1, e2, alpha, i, m, n):
        v = v * alpha
        if beta:
            v += out[i]
        if bias == 1:
            v += e1[n]
        if bias == 2:
            v += e1[m]
        v = f(v)
        if residual:
            v += e2[i]
        return v

    finish = device(finish)

    def put(out, e1, e2, p, alpha, beta_, z, m, n, v0, v1, v2, v3):
        if m < p[0] and n < p[1]:
            i = z * p[O_BATCH] + m * p[LDO] + n
            v0 = finish(v0, out, e1, e2, alpha, i, m, n)
            if p[VECTOR_OUT]:
                v1 = finish(v1, out, e1, e2, alpha, i + 1, m, n + 1)
                v2 = finish(v2, out, e1, e2, alpha, i + 2, m, n + 2)
                v3 = finish(v3, out, e1, e2, alpha, i + 3, m, n + 3)
                store4(out, i, v0, v1, v2, v3)
            else:
                out[i] = v0
                if n + 1 < p[1]:
                    out[i + 1] = finish(v1, out, e1, e2, alpha, i + 1, m, n + 1)
                if n + 2 < p[1]:
                    out[i + 2] = finish(v2, out, e1, e2, alpha, i + 2, m, n + 2)
                if n + 3 < p[1]:
                    out[i + 3] = finish(v3, out, e1, e2, alpha, i + 3, m, n + 3)

    return device(put)


@functools.cache
def kernel_of(code, way_a, way_b, act=NONE, bias=0, residual=False, beta=False):
    """The kernel for these ways to fetch and this epilogue."""
    number = FLOATS[code]
    return _tiles.make(code, fetch_a(way_a, number), fetch_b(way_b, number), store(number, act, bias, residual, beta),
                       way_a != "m", way_b == "k")  # fmt: skip


@functools.cache
def put_one(act, out_code, bias_code, bias, residual, beta):
    """The epilogue of _tensor_tiles, of one sum."""
    f, get, get_bias, narrow = activation(act, np.float32), _tensor_tiles.read(out_code), _tensor_tiles.read(bias_code), out_code == BF16

    def put(out, e1, e2, p, alpha, z, m, n, v):
        if m < p[0] and n < p[1]:
            i = z * p[O_BATCH] + m * p[LDO] + n
            v = v * alpha
            if beta:
                v += get(out, i)
            if bias == 1:
                v += get_bias(e1, n)
            if bias == 2:
                v += get_bias(e1, m)
            v = f(v)
            if residual:
                v += get(e2, i)
            out[i] = to_bf16(v) if narrow else v

    return device(put)


@functools.cache
def tensor_kernel_of(bf16, way_a, code_a, way_b, code_b, act, out_code, bias_code, bias, residual, beta):
    """The kernel on tensor cores."""
    a = _tensor_tiles.fetch(way_a, code_a, bf16, 0, A_BATCH, A_M, A_K)
    b = _tensor_tiles.fetch(way_b, code_b, bf16, 1, B_BATCH, B_N, B_K)
    return _tensor_tiles.make(bf16, a, b, put_one(act, out_code, bias_code, bias, residual, beta), way_a != "r", way_b != "r")


def rounding(code):
    """How tensor cores round numbers of a type: True to bfloat16, False to TF32; None: they are not used."""
    if code not in (F32, BF16) or not has_tensor_cores():
        return None
    if code == BF16:
        return True
    from ..backends import cuda

    precision = _core.get_float32_matmul_precision()
    return True if precision == "medium" else False if precision == "high" or cuda.matmul.allow_tf32 else None


def tensor_way(x, code, bf16, rows, k, batch_stride, row_stride, k_stride):
    """(way, device array) of one matrix."""
    wide = 8 if bf16 else 4
    block, offset = _core.block_of(x)
    if k_stride == 1 and k % wide == 0:
        unit = 8 if code == BF16 else 4
        if x.storage_offset() % unit == 0 and row_stride % unit == 0 and batch_stride % unit == 0:
            return "k", block.view(offset, np.uint32) if code == BF16 else array(x)
    way = "r" if row_stride == 1 and rows % 4 == 0 and aligned(x, k_stride, batch_stride) else "s"
    return way, block.view(offset, STORED[code])


def on_tensor_cores(bf16, tensors, ints, floats):
    """A product that is rounded to bfloat16 or TF32."""
    out, a, b, bias, residual = tensors
    code, batch, m, n, k, a_batch, a_m, a_k, b_batch, b_k, b_n, o_batch, ldo, act, bias_m, wide = ints
    code_a, code_b, code_out, code_bias = (F32 if wide >> bit & 1 else code for bit in range(4))
    way_a, xa = tensor_way(a, code_a, bf16, m, k, a_batch, a_m, a_k)
    way_b, xb = tensor_way(b, code_b, bf16, n, k, b_batch, b_n, b_k)
    alpha, beta = floats
    function = tensor_kernel_of(bf16, way_a, code_a, way_b, code_b, act, code_out, code_bias, 0 if bias is None else 2 if bias_m else 1,
                                residual is not None, beta != 0)  # fmt: skip
    o = array(out)
    p = (m, n, k, batch, 1, a_batch, a_m, a_k, b_batch, b_k, b_n, o_batch, ldo)
    blocks = count_up(n, _tensor_tiles.BN), count_up(m, _tensor_tiles.BM), batch
    launch(function, blocks, _tensor_tiles.THREADS, o, xa, xb,
           o if bias is None else array(bias), o if residual is None else array(residual), p, np.float32(alpha),
           np.float32(beta))  # fmt: skip
    return True


def aligned(x, *strides):
    """May x be read four elements at a time, from places that are sums of multiples of `strides`?"""
    return x.storage_offset() % 4 == 0 and not any(s % 4 for s in strides)


def matmul(tensors, ints, floats):
    """The body of udl_matmul."""
    out, a, b, bias, residual = (*tensors, None, None)[:5]
    code, batch, m, n, k, a_batch, a_m, a_k, b_batch, b_k, b_n, o_batch, ldo, act, bias_m, wide = ints
    bf16 = rounding(code)
    if bf16 is not None:
        return on_tensor_cores(bf16, (out, a, b, bias, residual), ints, floats)
    if code not in FLOATS:
        return False
    way_a = ("k" if a_k == 1 and k % 4 == 0 and aligned(a, a_m, a_batch)
             else "m" if a_m == 1 and m % 4 == 0 and aligned(a, a_k, a_batch) else "s")  # fmt: skip
    way_b = ("n" if b_n == 1 and n % 4 == 0 and aligned(b, b_k, b_batch)
             else "k" if b_k == 1 and k % 4 == 0 and aligned(b, b_n, b_batch) else "s")  # fmt: skip
    vector_out = int(n % 4 == 0 and aligned(out, ldo, o_batch))
    number = FLOATS[code]
    alpha, beta = floats
    function = kernel_of(code, way_a, way_b, act, 0 if bias is None else 2 if bias_m else 1, residual is not None, beta != 0)
    o = array(out)
    p = (m, n, k, batch, 1, a_batch, a_m, a_k, b_batch, b_k, b_n, o_batch, ldo, vector_out)
    launch(function, (count_up(n, _tiles.BN), count_up(m, _tiles.BM), batch), _tiles.THREADS, o, array(a), array(b),
           o if bias is None else array(bias), o if residual is None else array(residual), p, number(alpha), number(beta))  # fmt: skip
    return True
