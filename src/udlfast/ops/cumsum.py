"""Running sums, products, maxima and minima along one dimension."""
from .. import _core
from .._core import K_cumsum, Tensor, attach, call, empty_like, extend, float32, put_out
from ..errors import DTypeError
from ..return_types import result
from ._common import axis_of, split_at, tensor, whole
from .elementwise import where
from .joining import stack

CummaxResult = result("cummax", ("values", "indices"))
CumminResult = result("cummin", ("values", "indices"))

SUM, PROD, LOGS = _core.R_SUM, _core.R_PROD, _core.R_LOGSUMEXP


def cumsum(input, dim=None, axis=None, *, dtype=None, out=None):
    """Running sums.

    y_k = x_0 + ... + x_k, along dim

    Args:
        input: any shape
        dim: the dimension
        dtype: convert the input to this type first; None = int64 for integers and bool, else that of input
    Returns: the shape of input
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0).tolist()
    [1, 3, 6]
    """
    dim = dim if axis is None else axis
    if out is not None:
        return put_out(out, cumsum(input, dim, dtype=dtype))
    x, dim = _prepare("cumsum", input, dim, dtype)
    kind = _wide(x)
    return _scan(x, dim, SUM, False) if kind is x.dtype else _scan(x.to(kind), dim, SUM, False).to(x.dtype)


def _prepare(op, input, dim, dtype):
    tensor(op, input)
    dim = axis_of(op, dim, input.ndim)
    if dtype is None and not input.dtype.is_floating_point:
        dtype = _core.int64
    x = input if dtype is None else input.to(dtype)
    if x.dtype is _core.bool_:
        raise DTypeError(f"{op}: dtype must be a type of numbers, got {x.dtype}")
    return x, dim


def _wide(x):
    """The type in which running sums and products of x are computed: float32 for narrow floating types, int64 for integers."""
    if x.dtype.is_floating_point:
        return float32 if x.dtype.narrow else x.dtype
    return _core.int64


def _scan(input, dim, kind, reverse):
    """The kernel over dim, from the front or (reverse) from the end."""
    x = input.contiguous()
    y = _run(kind, x, dim, x.dtype, reverse)
    if kind == LOGS:
        return attach(y, (x,), logcumsumexp_backward, saved=(x, y), args=(dim,))
    if kind == SUM:
        return attach(y, (x,), cumsum_backward, args=(dim, reverse))
    return attach(y, (x,), cumprod_backward, saved=(x, y), args=(dim,))


def _run(kind, x, dim, dtype, reverse=False):
    y = empty_like(x, dtype=dtype)
    outer, n, inner = split_at(x.shape, dim)
    if x.numel():
        call(K_cumsum, (y, x), (kind, x.dtype.code, outer, n, -inner if reverse else inner), ())
    return y


def cumsum_backward(node, g):
    """x_k is part of y_k, y_k+1, ...: the running sum of g from the other end"""
    dim, reverse = node.args
    return _scan(g, dim, SUM, not reverse),


def cumprod(input, dim=None, axis=None, *, dtype=None, out=None):
    """Running products.

    y_k = x_0 ... x_k, along dim

    Args:
        input: any shape
        dim: the dimension
        dtype: convert the input to this type first; None = int64 for integers and bool, else that of input
    Returns: the shape of input
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.cumprod(torch.tensor([1, 2, 3]), 0).tolist()
    [1, 2, 6]
    """
    dim = dim if axis is None else axis
    if out is not None:
        return put_out(out, cumprod(input, dim, dtype=dtype))
    x, dim = _prepare("cumprod", input, dim, dtype)
    kind = _wide(x)
    return _scan(x, dim, PROD, False) if kind is x.dtype else _scan(x.to(kind), dim, PROD, False).to(x.dtype)


def cumprod_backward(node, g):
    """gx_k = sum over j >= k of g_j prod over i <= j, i != k of x_i.

    Before the first zero of x that is (sum over j >= k of g_j y_j) / x_k. At the first zero it is the same sum over the
    products with that zero left out. Behind it every product holds a zero: 0.
    """
    (x, y), dim = node.saved, node.args[0]
    zero = x == 0
    if not bool(zero.any()):
        return _scan(g * y, dim, SUM, True) / x,
    if _core.is_grad_enabled():
        return _recorded(_products, x, g, dim)
    seen = _scan(zero.to(_core.int64), dim, SUM, False)
    first = zero & (seen == 1)
    without = _scan(where(first, 1.0, x), dim, PROD, False)
    before = _scan(g * y, dim, SUM, True) / where(zero, 1.0, x)
    at_first = _scan(g * without * (seen > 0).to(g.dtype), dim, SUM, True)
    nothing = _core.zeros((), dtype=g.dtype)
    return where(seen == 0, before, where(first, at_first, nothing)),


def _recorded(forward, x, g, dim):
    """Under create_graph: the gradient of the same function made of parts that have gradients of all orders, slice by slice."""
    return _core.grad([forward(x, dim)], [x], [g], create_graph=True) if x.ndim and x.numel() else (g,)


def _products(x, dim):
    parts = [x.select(dim, 0)]
    for i in range(1, x.shape[dim]):
        parts.append(parts[-1] * x.select(dim, i))
    return stack(parts, dim)


def _log_sums(x, dim):
    return stack([x.narrow(dim, 0, i + 1).logsumexp(dim) for i in range(x.shape[dim])], dim)


def logcumsumexp(input, dim=None, axis=None, *, out=None):
    """The logarithm of running sums of exponentials.

    y_k = log(exp(x_0) + ... + exp(x_k)), along dim

    Args:
        input: any shape, floating point
        dim: the dimension
    Returns: the shape of input
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.logcumsumexp(torch.tensor([0., 0.]), 0)[0].item()
    0.0
    """
    dim = dim if axis is None else axis
    if out is not None:
        return put_out(out, logcumsumexp(input, dim))
    op = "logcumsumexp"
    tensor(op, input)
    if not input.dtype.is_floating_point:
        raise DTypeError(f"{op}: expected a floating-point input, got {input.dtype}; convert it with input.float()")
    if input.dtype.narrow:
        return logcumsumexp(input.to(float32), dim).to(input.dtype)
    return _scan(input, axis_of(op, dim, input.ndim), LOGS, False)


def logcumsumexp_backward(node, g):
    """gx_k = sum over j >= k of g_j exp(x_k - y_j), for the positive and the negative g_j in logarithms"""
    (x, y), dim = node.saved, node.args[0]
    if _core.is_grad_enabled():
        return _recorded(_log_sums, x, g, dim)
    positive = (x + _scan(g.clamp(min=0.0).log() - y, dim, LOGS, True)).exp()
    negative = (x + _scan((-g).clamp(min=0.0).log() - y, dim, LOGS, True)).exp()
    return positive - negative,


def cummax(input, dim=None, axis=None, *, out=None):
    """Running maxima and their places.

    Args:
        input: any shape
        dim: the dimension
    Returns: (values, indices); NaN counts as the largest, and of equal maxima the last is named
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.cummax(torch.tensor([1, 3, 2]), 0)[0].tolist()
    [1, 3, 3]
    """
    dim = dim if axis is None else axis
    y = CummaxResult(*_running("cummax", input, dim, _core.R_ARGMAX))
    return y if out is None else put_out(out, y)


def cummin(input, dim=None, axis=None, *, out=None):
    """Running minima and their places.

    Args:
        input: any shape
        dim: the dimension
    Returns: (values, indices); NaN counts as the smallest, and of equal minima the last is named
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.cummin(torch.tensor([2, 1, 3]), 0)[0].tolist()
    [2, 1, 1]
    """
    dim = dim if axis is None else axis
    y = CumminResult(*_running("cummin", input, dim, _core.R_ARGMIN))
    return y if out is None else put_out(out, y)


def _running(op, input, dim, kind):
    tensor(op, input)
    dim = axis_of(op, dim, input.ndim)
    x = input.detach()
    x = x.to(float32) if x.dtype.narrow else x if x.dtype.is_floating_point else x.to(_core.int64)
    index = _run(kind, x.contiguous(), dim, _core.int64)
    return (input.gather(dim, index) if input.ndim else input.clone()), index


def diff(input, n=1, dim=-1, prepend=None, append=None, axis=None, *, out=None):
    """Differences of neighbours, n times.

    y_k = x_k+1 - x_k, along dim

    Args:
        input: at least one dimension
        n: how many times
        dim: the dimension
        prepend, append: tensors joined before and after first
    Returns: n entries fewer along dim
    Raises: DimError, ShapeError

    >>> import udlfast as torch
    >>> torch.diff(torch.tensor([1, 3, 6])).tolist()
    [2, 3]
    """
    dim = dim if axis is None else axis
    tensor("diff", input)
    n = whole("diff", "n", n)
    dim = axis_of("diff", dim, input.ndim)
    parts = [t for t in (prepend, input, append) if isinstance(t, Tensor)]
    if len(parts) > 1 and n:
        from .joining import cat
        input = cat(parts, dim)
    for _ in range(n):
        size = input.shape[dim]
        if size == 0:
            break
        after, before = input.narrow(dim, 1, size - 1), input.narrow(dim, 0, size - 1)
        input = after != before if input.dtype is _core.bool_ else after - before
    return input if out is None else put_out(out, input)


extend("cumsum", cumsum)
extend("cumprod", cumprod)
extend("logcumsumexp", logcumsumexp)
extend("cummax", cummax)
extend("cummin", cummin)
extend("diff", diff)
