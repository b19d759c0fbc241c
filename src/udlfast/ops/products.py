"""Products of vectors, matrices and tensors, all by way of matmul."""
import functools
import warnings

from .._core import Tensor, extend, matmul, put_out
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import axis_of, broadcast_shape, tensor, whole
from .creation import eye


def _dims(op, ranks, **operands):
    for (name, x), n in zip(operands.items(), ranks):
        tensor(op, x, name)
        if x.ndim != n:
            raise ShapeError(f"{op}: expected {name} with {n} dimension{'s' * (n > 1)}, got {list(x.shape)}; "
                             f"matmul takes any number")


def mm(input, mat2, *, out=None):
    """The product of two matrices, [N, K] and [K, M].

    >>> import udlfast as torch
    >>> torch.mm(torch.tensor([[1., 2.]]), torch.tensor([[3.], [4.]])).tolist()
    [[11.0]]
    """
    if not (getattr(input, "is_sparse", False) or getattr(mat2, "is_sparse", False)):
        _dims("mm", (2, 2), input=input, mat2=mat2)
    y = matmul(input, mat2)
    return y if out is None else put_out(out, y)


def bmm(input, mat2, *, out=None):
    """The products of two batches of matrices, [B, N, K] and [B, K, M].

    >>> import udlfast as torch
    >>> torch.bmm(torch.ones(1, 1, 2), torch.ones(1, 2, 1)).tolist()
    [[[2.0]]]
    """
    _dims("bmm", (3, 3), input=input, mat2=mat2)
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: expected batches of one size, got {list(input.shape)} and {list(mat2.shape)}; "
                         f"matmul broadcasts them")
    y = matmul(input, mat2)
    return y if out is None else put_out(out, y)


def mv(input, vec, *, out=None):
    """The product of a matrix [N, K] and a vector [K].

    >>> import udlfast as torch
    >>> torch.mv(torch.tensor([[1., 2.]]), torch.tensor([3., 4.])).tolist()
    [11.0]
    """
    _dims("mv", (2, 1), input=input, vec=vec)
    y = matmul(input, vec)
    return y if out is None else put_out(out, y)


def dot(input, tensor, *, out=None):
    """The inner product of two vectors.

    >>> import udlfast as torch
    >>> torch.dot(torch.tensor([1., 2.]), torch.tensor([3., 4.])).item()
    11.0
    """
    _dims("dot", (1, 1), input=input, tensor=tensor)
    y = matmul(input, tensor)
    return y if out is None else put_out(out, y)


def vdot(input, other, *, out=None):
    """The inner product of two vectors.

    >>> import udlfast as torch
    >>> torch.vdot(torch.tensor([1., 2.]), torch.tensor([3., 4.])).item()
    11.0
    """
    y = dot(input, other)
    return y if out is None else put_out(out, y)


def inner(input, other, *, out=None):
    """The sum of products over the last dimensions.

    y[i, j] = sum_k input[i, k] other[j, k]

    >>> import udlfast as torch
    >>> torch.inner(torch.tensor([[1., 2.]]), torch.tensor([3., 4.])).tolist()
    [11.0]
    """
    if out is not None:
        return put_out(out, inner(input, other))
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(f"inner: the last sizes must be equal, got {list(input.shape)} and {list(other.shape)}")
    return tensordot(input, other, ([-1], [-1]))


def outer(input, vec2, *, out=None):
    """All products of the elements of two vectors.

    y[i, j] = input[i] vec2[j]

    >>> import udlfast as torch
    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4])).tolist()
    [[3, 4], [6, 8]]
    """
    _dims("outer", (1, 1), input=input, vec2=vec2)
    y = input.unsqueeze(1) * vec2
    return y if out is None else put_out(out, y)


ger = outer


def _plus(op, product, input, beta, alpha):
    """beta input + alpha product; an input that counts nothing is not looked at."""
    product = product if alpha == 1 else product * alpha
    if _autocast.ON:
        (input,) = _autocast.low(input)
    if beta == 0:
        return product
    return product + (input if beta == 1 else input * beta)


def _old_form(function):
    """Beside function(input, a, b, *, beta, alpha) the deprecated forms (beta, input, a, b) and (beta, input, alpha, a, b), and for
    methods (self, beta, a, b) and (self, beta, alpha, a, b)."""
    @functools.wraps(function)
    def either(input, *args, **kwargs):
        if len(args) > 2 and len(args) < 5 and isinstance(args[-1], Tensor) and isinstance(args[-2], Tensor):
            rest = [input, *args[:-2]]
            start = next((t for t in rest if isinstance(t, Tensor)), None)
            numbers = [n for n in rest if n is not start]
            if start is not None and 1 <= len(numbers) <= 2 and not any(isinstance(n, Tensor) for n in numbers):
                warnings.warn(f"{function.__name__}: the form with numbers between the tensors is deprecated; "
                              f"use {function.__name__}(input, a, b, beta=1, alpha=1)", stacklevel=2)
                return function(start, *args[-2:], beta=numbers[0], alpha=(*numbers, 1)[1], **kwargs)
        return function(input, *args, **kwargs)
    return either


@_old_form
def addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    """beta input + alpha mat1 mat2, for matrices.

    >>> import udlfast as torch
    >>> torch.addmm(torch.ones(1, 1), torch.ones(1, 2), torch.ones(2, 1)).tolist()
    [[3.0]]
    """
    y = _plus("addmm", mm(mat1, mat2), input, beta, alpha)
    return y if out is None else put_out(out, y)


@_old_form
def addmv(input, mat, vec, *, beta=1, alpha=1, out=None):
    """beta input + alpha mat vec.

    >>> import udlfast as torch
    >>> torch.addmv(torch.ones(1), torch.ones(1, 2), torch.ones(2)).tolist()
    [3.0]
    """
    y = _plus("addmv", mv(mat, vec), input, beta, alpha)
    return y if out is None else put_out(out, y)


@_old_form
def addr(input, vec1, vec2, *, beta=1, alpha=1, out=None):
    """beta input + alpha outer(vec1, vec2).

    >>> import udlfast as torch
    >>> torch.addr(torch.ones(1, 2), torch.ones(1), torch.ones(2)).tolist()
    [[2.0, 2.0]]
    """
    y = _plus("addr", outer(vec1, vec2), input, beta, alpha)
    return y if out is None else put_out(out, y)


@_old_form
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    """beta input + alpha batch1 batch2, for batches of matrices.

    >>> import udlfast as torch
    >>> torch.baddbmm(torch.ones(1, 1, 1), torch.ones(1, 1, 2), torch.ones(1, 2, 1)).tolist()
    [[[3.0]]]
    """
    y = _plus("baddbmm", bmm(batch1, batch2), input, beta, alpha)
    return y if out is None else put_out(out, y)


@_old_form
def addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    """beta input + alpha times the sum of the batch's products.

    >>> import udlfast as torch
    >>> torch.addbmm(torch.ones(1, 1), torch.ones(2, 1, 2), torch.ones(2, 2, 1)).tolist()
    [[5.0]]
    """
    y = _plus("addbmm", bmm(batch1, batch2).sum(0), input, beta, alpha)
    return y if out is None else put_out(out, y)


def tensordot(a, b, dims=2, *, out=None):
    """The sum of products over chosen dimensions of two tensors.

    Args:
        a, b: any shapes
        dims: how many last dimensions of a meet the first of b, or (dimensions of a, dimensions of b)
    Returns: the other dimensions of a, then those of b
    Raises: ShapeError, DimError, ArgumentError

    >>> import udlfast as torch
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), 1).tolist()[0]
    [3.0, 3.0, 3.0, 3.0]
    """
    op = "tensordot"
    tensor(op, a, "a")
    tensor(op, b, "b")
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ArgumentError(f"{op}: dims must be from 0 to {min(a.ndim, b.ndim)}, got {dims}")
        of_a, of_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
        of_a, of_b = [axis_of(op, d, a.ndim) for d in of_a], [axis_of(op, d, b.ndim) for d in of_b]
    if len(of_a) == len(of_b):
        for i, j in zip(of_a, of_b):  # a size of 1 meets any size
            if a.shape[i] != b.shape[j] and 1 in (a.shape[i], b.shape[j]):
                a, b = (a.sum(i, True), b) if b.shape[j] == 1 else (a, b.sum(j, True))
    if [a.shape[d] for d in of_a] != [b.shape[d] for d in of_b]:
        raise ShapeError(f"{op}: dimensions {of_a} of {list(a.shape)} and {of_b} of {list(b.shape)} differ in size")
    rest_a = [d for d in range(a.ndim) if d not in of_a]
    rest_b = [d for d in range(b.ndim) if d not in of_b]
    k = rows = columns = 1
    for d in of_a:
        k *= a.shape[d]
    for d in rest_a:
        rows *= a.shape[d]
    for d in rest_b:
        columns *= b.shape[d]
    left = a.permute(tuple(rest_a + of_a)).reshape(rows, k)
    right = b.permute(tuple(of_b + rest_b)).reshape(k, columns)
    y = matmul(left, right).reshape(*(a.shape[d] for d in rest_a), *(b.shape[d] for d in rest_b))
    return y if out is None else put_out(out, y)


def kron(input, other, *, out=None):
    """The Kronecker product: other scaled by each element of input, in place of that element.

    >>> import udlfast as torch
    >>> torch.kron(torch.tensor([1, 2]), torch.tensor([1, 1])).tolist()
    [1, 1, 2, 2]
    """
    tensor("kron", input)
    tensor("kron", other, "other")
    n = max(input.ndim, other.ndim)
    a = (*(1,) * (n - input.ndim), *input.shape)
    b = (*(1,) * (n - other.ndim), *other.shape)
    wide = input.reshape(*(s for x in a for s in (x, 1))) * other.reshape(*(s for x in b for s in (1, x)))
    y = wide.reshape(*(x * y for x, y in zip(a, b)))
    return y if out is None else put_out(out, y)


def bilinear(input1, input2, weight, bias=None):
    """A product of two inputs with a weight for each pair of their features.

    y[..., o] = sum over i, j of input1[..., i] weight[o, i, j] input2[..., j] + bias[o]

    Args:
        input1: [..., I], floating point
        input2: [..., J]
        weight: [O, I, J]
        bias: [O] or None
    Returns: [..., O]
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3)).tolist()
    [[6.0]]
    """
    op = "bilinear"
    _dims(op, (3,), weight=weight)
    tensor(op, input1, "input1")
    tensor(op, input2, "input2")
    O, I, J = weight.shape
    if input1.ndim < 1 or input1.shape[:-1] != input2.shape[:-1] or (input1.shape[-1], input2.shape[-1]) != (I, J):
        raise ShapeError(f"{op}: expected input1 [..., {I}] and input2 [..., {J}] for weight {list(weight.shape)}, got "
                         f"{list(input1.shape)} and {list(input2.shape)}")
    x = input1.reshape(-1, I)
    side = matmul(x, weight.permute(1, 0, 2).reshape(I, O * J)).reshape(x.shape[0], O, J)
    y = matmul(side, input2.reshape(-1, J, 1)).reshape(*input1.shape[:-1], O)
    return y if bias is None else y + bias


def cross(input, other, dim=None, axis=None, *, out=None):
    """The vector product in three dimensions.

    >>> import udlfast as torch
    >>> torch.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.])).tolist()
    [0.0, 0.0, 1.0]
    """
    dim = dim if axis is None else axis
    if dim is None:
        dim = next((d for d, n in enumerate(broadcast_shape("cross", tuple(input.shape), tuple(other.shape))) if n == 3), -1)
    dim = axis_of("cross", dim, max(input.ndim, other.ndim))
    from .joining import cat
    from .shaping import broadcast_tensors
    a, b = broadcast_tensors(input, other)
    if a.shape[dim] != 3:
        raise ShapeError(f"cross: expected size 3 in dimension {dim}, got {list(a.shape)}")
    (a0, a1, a2), (b0, b1, b2) = ([t.narrow(dim, i, 1) for i in range(3)] for t in (a, b))
    y = cat([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], dim)
    return y if out is None else put_out(out, y)


def chain_matmul(*matrices, out=None):
    """The product of several matrices, from left to right.

    >>> import udlfast as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 3), torch.ones(3, 1)).tolist()
    [[6.0]]
    """
    y = matrices[0]
    for m in matrices[1:]:
        y = mm(y, m)
    return y if out is None else put_out(out, y)


def matrix_power(input, n, *, out=None):
    """A square matrix, or a batch of them, multiplied by itself n times; by its inverse for n below 0.

    >>> import udlfast as torch
    >>> torch.matrix_power(torch.tensor([[2., 0.], [0., 3.]]), 2).tolist()
    [[4.0, 0.0], [0.0, 9.0]]
    """
    tensor("matrix_power", input)
    n = whole("matrix_power", "n", n, low=-(2**31))
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"matrix_power: expected square matrices [..., N, N], got {list(input.shape)}")
    if n < 0:
        from ._linalg_solve import inv
        input, n = inv(input), -n
    y = eye(input.shape[-1], dtype=input.dtype).expand(input.shape)
    if n == 0:
        from ._linalg_common import constant
        y = constant(y.clone(), input)
    while n:  # by squaring
        if n % 2:
            y = matmul(y, input)
        n //= 2
        input = matmul(input, input) if n else input
    return y if out is None else put_out(out, y)


for _function in (matrix_power, mm, bmm, mv, dot, vdot, inner, outer, addmm, addmv, addr, baddbmm, addbmm, kron, cross):
    extend(_function.__name__, _function)
extend("ger", ger)
