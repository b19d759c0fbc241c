"""Products: matrices, Gemm, Einsum, determinants."""

import udlfast as udl
from udlfast.nn import functional as F

from .._registry import op


@op("MatMul")
def matmul(node, x, y):
    if not x.dtype.is_floating_point:
        return udl.matmul(x.long(), y.long()).to(x.dtype)
    return udl.matmul(x, y)


@op("Gemm")
def gemm(node, a, b, c=None):
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    if a.dtype.is_floating_point and not node.get("transA") and alpha == 1 == beta and (
            c is None or c.dim() == 1 and c.shape[0] == (b.shape[0] if node.get("transB") else b.shape[1])):
        return F.linear(a, b if node.get("transB") else b.t(), c)
    a, b = a.t() if node.get("transA") else a, b.t() if node.get("transB") else b
    y = matmul(node, a, b)
    if alpha != 1:
        y = (y * alpha).to(a.dtype)
    if c is None or beta == 0:
        return y
    return y + (c if beta == 1 else (c * beta).to(a.dtype))


@op("Einsum")
def einsum(node, *xs):
    return udl.einsum(node.get("equation"), *xs)


@op("Det")
def determinant(node, x):
    return udl.det(x)
