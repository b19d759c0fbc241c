"""Reductions: extremes, products, norms, variances, logical and logarithmic sums. (sum and mean are compiled.)"""

import math

from .. import _core
from .._core import Tensor, attach, call, extend, mean, put_out, reduce, sum  # noqa: F401 (public here)
from ..errors import ArgumentError, DimError, DTypeError
from ..return_types import result


def _check(op, x):
    if not isinstance(x, Tensor):
        raise TypeError(f"{op}: expected a Tensor, got {type(x).__name__}")


def _dims(op, x, dim):
    """dim as a tuple of dimensions counted from the start; None means all."""
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return tuple(range(x.ndim))
    n = x.ndim or 1
    out = []
    for d in dim if isinstance(dim, (tuple, list)) else (dim,):
        if not -n <= d < n:
            raise DimError(f"{op}: dimension {d} is out of range for a tensor of {x.ndim} dimensions (expected {-n}..{n - 1})")
        out.append(d % n)
    return tuple(out) if x.ndim else ()


def _keep(y, x, dims):
    """y (reduced over dims without keeping them) with those dimensions as size 1."""
    return y.reshape(tuple(1 if i in dims else s for i, s in enumerate(x.shape)))


def _floating(op, x):
    if not x.dtype.is_floating_point:
        raise DTypeError(f"{op}: expected a floating-point tensor, got {x.dtype}; convert it with .float()")


# ---- extremes -----------------------------------------------------------------------------------------------------------
def _extreme(name, code, arg_code, sentence, sign):
    kind = result(name, ("values", "indices"))
    amx = _amax("amax", _core.R_MAX) if code == _core.R_MAX else _amax("amin", _core.R_MIN)

    def function(input, dim=None, keepdim=False, axis=None, keepdims=None, other=None, *, out=None):
        dim, keepdim = ((dim if axis is None else axis) if other is None else other), (keepdim if keepdims is None else keepdims)
        if out is not None:
            return put_out(out, function(input, dim, keepdim))
        _check(name, input)
        if dim is None:
            if input.numel() == 0:
                raise DimError(f"{name}: a tensor of no elements has no extreme (shape {list(input.shape)}); name a dimension")
            return amx(input)
        if isinstance(dim, Tensor):
            from .elementwise import maximum, minimum
            return (maximum if code == _core.R_MAX else minimum)(input, dim)
        (d,) = _dims(name, input, dim) or (0,)
        if input.ndim and input.shape[d] == 0:
            raise DimError(f"{name}: dimension {d} of shape {list(input.shape)} is empty and has no extreme")
        indices = reduce(arg_code, input.detach(), d, True, _core.int64)
        values = input.gather(d, indices) if input.ndim else input.clone()
        if not keepdim and input.ndim:
            values, indices = values.squeeze(d), indices.squeeze(d)
        return kind(values, indices)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{sentence}

    Over all elements, or with `dim` over one dimension (then also where it is found: the first place). NaN wins.

    Args:
        input: a tensor of any shape
        dim: the dimension to reduce, a second tensor (element-wise), or None for all elements
        keepdim: keep the reduced dimension as size 1
    Returns: a tensor, or (values, indices) with dim
    Raises: DimError where there are no elements

    >>> import udlfast as torch
    >>> torch.{name}(torch.tensor([[1., 5.], [7., 3.]]))
    tensor({"7." if sign > 0 else "1."})

    Source: elementary.
    """
    extend(name, function)
    return function


def _amax(name, code):
    def function(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
        dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
        _check(name, input)
        dims = _dims(name, input, dim)
        y = reduce(code, input, dims, keepdim, None, name)
        y = attach(y, (input,), amax_backward, (input, y), (dims,))
        return y if out is None else put_out(out, y)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {'largest' if name == 'amax' else 'smallest'} element over the named dimensions.

    Gradients are shared evenly between equal extremes.

    Args:
        input: a tensor of any shape
        dim: a dimension, several, or None for all
        keepdim: keep reduced dimensions as size 1
    Returns: a tensor without (or with size-1) reduced dimensions

    >>> import udlfast as torch
    >>> torch.{name}(torch.tensor([[1., 5.], [7., 3.]]), 1)
    tensor({'[5., 7.]' if name == 'amax' else '[1., 3.]'})

    Source: elementary.
    """
    extend(name, function)
    return function


def amax_backward(node, g):
    """g to the elements that equal the extreme, shared evenly among them."""
    x, y = node.saved
    (dims,) = node.args
    hit = (x == _keep(y, x, dims)).to(g.dtype)
    return (hit * (_keep(g, x, dims) / hit.sum(dims, keepdim=True)),)


amax = _amax("amax", _core.R_MAX)
amin = _amax("amin", _core.R_MIN)
max = _extreme("max", _core.R_MAX, _core.R_ARGMAX, "The largest element.", 1)
min = _extreme("min", _core.R_MIN, _core.R_ARGMIN, "The smallest element.", -1)


def _arg(name, code):
    def function(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
        dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
        if out is not None:
            return put_out(out, function(input, dim, keepdim))
        _check(name, input)
        if dim is None:
            r = reduce(code, input.detach().reshape(-1), 0, False, _core.int64, name)
            return r.reshape((1,) * input.ndim) if keepdim else r
        if not input.ndim:
            return _core.zeros((), dtype=_core.int64)
        return reduce(code, input.detach(), _dims(name, input, dim), keepdim, _core.int64, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Where the {'largest' if name == 'argmax' else 'smallest'} element is (the first of equals).

    Args:
        input: a tensor of any shape
        dim: the dimension to reduce; None counts through all elements in order
        keepdim: keep the reduced dimension as size 1
    Returns: an int64 tensor
    Raises: DimError where there are no elements

    >>> import udlfast as torch
    >>> torch.{name}(torch.tensor([3., 9., 1.]))
    tensor({1 if name == 'argmax' else 2})

    Source: elementary.
    """
    extend(name, function)
    return function


argmax = _arg("argmax", _core.R_ARGMAX)
argmin = _arg("argmin", _core.R_ARGMIN)


AminmaxResult = result("aminmax", ("min", "max"))


def aminmax(input, *, dim=None, keepdim=False, axis=None, keepdims=False, out=None):
    """The smallest and the largest element: (amin(input, dim), amax(input, dim))."""
    y = AminmaxResult(amin(input, dim, keepdim, axis, keepdims or keepdim), amax(input, dim, keepdim, axis, keepdims or keepdim))
    wrong = [o.dtype for o in out or () if o.dtype is not input.dtype]
    if wrong:
        raise DTypeError(f"aminmax: expected out of type {input.dtype}, got {wrong[0]}")
    return y if out is None else put_out(out, y)


# ---- logical -------------------------------------------------------------------------------------------------------------
def any(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
    """Whether at least one element is nonzero (of each slice with `dim`).

    >>> import udlfast as torch
    >>> torch.any(torch.tensor([False, True]))
    tensor(True)
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    _check("any", input)
    r = reduce(_core.R_ANY, input.detach(), _dims("any", input, dim), keepdim, _core.bool_, "any")
    y = r.to(_core.uint8) if input.dtype is _core.uint8 else r
    return y if out is None else put_out(out, y)


def all(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
    """Whether every element is nonzero (of each slice with `dim`).

    >>> import udlfast as torch
    >>> torch.all(torch.tensor([False, True]))
    tensor(False)
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    _check("all", input)
    r = reduce(_core.R_ALL, input.detach(), _dims("all", input, dim), keepdim, _core.bool_, "all")
    y = r.to(_core.uint8) if input.dtype is _core.uint8 else r
    return y if out is None else put_out(out, y)


# ---- products, norms, logarithmic sums ---------------------------------------------------------------------------------------
def prod(input, dim=None, keepdim=False, axis=None, keepdims=None, *, dtype=None, out=None):
    """The product of all elements, or over one dimension.

    out = x_1 x_2 ... x_n; the gradient at zeros is exact.

    Args:
        input: a tensor of any shape
        dim: one dimension or None for all
        keepdim: keep the reduced dimension as size 1
        dtype: convert to this type first (integers: int64)
    Returns: a tensor

    >>> import udlfast as torch
    >>> torch.prod(torch.tensor([2., 3., 4.]))
    tensor(24.)

    Source: elementary.
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    _check("prod", input)
    if dtype is not None:
        input = input.to(dtype)
    dims = _dims("prod", input, dim)
    y = reduce(_core.R_PROD, input, dims, keepdim, input.dtype if input.dtype.is_floating_point else _core.int64, "prod")
    y = attach(y, (input,), prod_backward, (input, y), (dims,)) if dtype is None or y.dtype is dtype else y.to(dtype)
    return y if out is None else put_out(out, y)


def prod_backward(node, g):
    """g y / x; where zeros are, the product of the others: cumulative products from both sides."""
    x, y = node.saved
    (dims,) = node.args
    if bool((x.detach() == 0).any()):
        rest = [i for i in range(x.ndim) if i not in dims]
        flat = x.permute(*rest, *dims).reshape([x.shape[i] for i in rest] + [-1])
        ones = _core.ones_like(flat.narrow(-1, 0, 1))
        from .joining import cat
        left = cat([ones, flat.narrow(-1, 0, flat.shape[-1] - 1)], -1).cumprod(-1)
        right = cat([ones, flat.flip(-1).narrow(-1, 0, flat.shape[-1] - 1)], -1).cumprod(-1).flip(-1)
        others = (left * right).reshape([x.shape[i] for i in rest + list(dims)])
        back = [0] * x.ndim
        for i, d in enumerate(rest + list(dims)):
            back[d] = i
        return (_keep(g, x, dims) * others.permute(*back),)
    return (_keep(g * y, x, dims) / x,)


def logsumexp(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
    """The logarithm of the sum of exponentials, without overflow.

    out = m + ln sum_i e^(x_i - m), m = max_i x_i

    Args:
        input: a floating-point tensor
        dim: a dimension, several, or None for all
        keepdim: keep reduced dimensions as size 1
    Returns: a tensor

    >>> import udlfast as torch
    >>> torch.logsumexp(torch.tensor([0., 0.]), 0)
    tensor(0.6931)

    Source: Understanding Deep Learning, chapter 5.
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    _check("logsumexp", input)
    if not input.dtype.is_floating_point:
        input = input.to(_core.get_default_dtype())
    dims = _dims("logsumexp", input, dim)
    y = reduce(_core.R_LOGSUMEXP, input, dims, keepdim, None, "logsumexp")
    y = attach(y, (input,), logsumexp_backward, (input, y), (dims,))
    return y if out is None else put_out(out, y)


def logsumexp_backward(node, g):
    """g softmax(x)"""
    x, y = node.saved
    (dims,) = node.args
    return (_keep(g, x, dims) * (x - _keep(y, x, dims)).exp(),)


def norm(input, p=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """The p-norm of all elements, or over the named dimensions.

    out = (sum_i |x_i|^p)^(1/p); p = inf gives max |x_i|, p = 0 counts nonzeros, "fro" is p = 2

    Args:
        input: a floating-point tensor
        p: a number, float("inf"), float("-inf"), "fro" or "nuc"
        dim: a dimension, several, or None for all
        keepdim: keep reduced dimensions as size 1
    Returns: a tensor

    >>> import udlfast as torch
    >>> torch.norm(torch.tensor([3., 4.]))
    tensor(5.)

    Source: elementary.
    """
    if out is not None:
        return put_out(out, norm(input, p, dim, keepdim, dtype=dtype))
    _check("norm", input)
    if dtype is not None:
        input = input.to(dtype)
    _floating("norm", input)
    dims = _dims("norm", input, dim)
    if p == "fro" or p is None or p == 2:
        y = reduce(_core.R_NORM2, input, dims, keepdim, None, "norm")
        return attach(y, (input,), norm_backward, (input, y), (dims,))
    if p == math.inf:
        return amax(input.abs(), dims, keepdim)
    if p == -math.inf:
        return amin(input.abs(), dims, keepdim)
    if p == 0:
        return (input != 0).to(input.dtype).sum(dims, keepdim)
    if p == 1:
        return input.abs().sum(dims, keepdim)
    if p == "nuc":
        from .matrices import nuclear_norm
        return nuclear_norm(input, (-2, -1) if dim is None else dim, keepdim)
    if isinstance(p, str):
        raise ArgumentError(f"norm: expected p to be a number, 'fro' or 'nuc', got {p!r}")
    return (input.abs() ** p).sum(dims, keepdim) ** (1.0 / p)


def norm_backward(node, g):
    """g x / |x|, and 0 where the norm is 0."""
    x, y = node.saved
    (dims,) = node.args
    return (x * _keep(g / y.masked_fill(y == 0, 1.0), x, dims),)


# ---- variance ------------------------------------------------------------------------------------------------------------------
def _moments(op, input, dim, unbiased, correction, keepdim):
    """(var, mean) by one kernel, on the tape."""
    _check(op, input)
    _floating(op, input)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    dims = _dims(op, input, dim)
    rest = [i for i in range(input.ndim) if i not in dims]
    x = input
    if x.dtype.narrow:
        v, m = _moments(op, input.float(), dim, unbiased, correction, keepdim)
        return v.to(input.dtype), m.to(input.dtype)
    n = math.prod([x.shape[i] for i in dims])
    last = not rest or not dims or rest[-1] < sorted(dims)[0]  # nothing changes places
    flat = (x.detach() if last else x.detach().permute(*rest, *dims)).contiguous()
    outer = math.prod([x.shape[i] for i in rest])
    shape = tuple(1 if i in dims else s for i, s in enumerate(x.shape)) if keepdim else tuple(x.shape[i] for i in rest)
    v, m = _core.empty(shape, x.dtype), _core.empty(shape, x.dtype)
    if n == 0:
        v.fill_(math.nan)
        m.fill_(math.nan)
    else:
        call(_core.K_var_mean, (v, m, flat), (x.dtype.code, outer, n, 1), (float(correction),))
    return attach((v, m), (input,), moments_backward, (input, m), (dims, n, correction))


def moments_backward(node, gv, gm):
    """gx = 2 gv (x - mean) / (n - correction) + gm / n"""
    x, m = node.saved
    dims, n, correction = node.args
    gx = None
    if gv is not None:
        gx = (x - _keep(m, x, dims)) * _keep(gv * (2.0 / (n - correction) if n != correction else math.nan), x, dims)
    if gm is not None:
        gm = (_keep(gm, x, dims) / n).expand(x.shape)
        gx = gm if gx is None else gx + gm
    return (gx,)


def var(input, dim=None, unbiased=None, keepdim=False, *, axis=None, keepdims=None, correction=None, out=None):
    """The variance.

    out = sum_i (x_i - mean)^2 / (n - correction); correction 1 unless given (unbiased=False: 0)

    Args:
        input: a floating-point tensor
        dim: a dimension, several, or None for all
        unbiased: False for correction 0
        keepdim: keep reduced dimensions as size 1
        correction: what is taken off n
    Returns: a tensor

    >>> import udlfast as torch
    >>> torch.var(torch.tensor([1., 2., 3.]))
    tensor(1.)

    Source: elementary.
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = _moments("var", input, dim, unbiased, correction, keepdim)[0]
    return y if out is None else put_out(out, y)


def _root(v):
    """sqrt(v) with the gradient 0 where v is 0: there the deviation has its minimum, and the chain rule gives 0 times infinity."""
    y = v.detach().sqrt()
    return attach(y, (v,), root_backward, (y,))


def root_backward(node, g):
    """gv = g / (2 y), and 0 where y = 0"""
    y = node.saved[0]
    return ((g / (2.0 * y)).masked_fill(y == 0, 0.0),)


def std(input, dim=None, unbiased=None, keepdim=False, *, axis=None, keepdims=None, correction=None, out=None):
    """The standard deviation: the square root of var, with the same arguments.

    >>> import udlfast as torch
    >>> torch.std(torch.tensor([1., 2., 3.]))
    tensor(1.)
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = _root(_moments("std", input, dim, unbiased, correction, keepdim)[0])
    return y if out is None else put_out(out, y)


def var_mean(input, dim=None, unbiased=None, keepdim=False, axis=None, keepdims=False, *, correction=None):
    """(var, mean) in one go; arguments as var's."""
    return _moments("var_mean", input, dim if axis is None else axis, unbiased, correction, keepdim or keepdims)


def std_mean(input, dim=None, unbiased=None, keepdim=False, axis=None, keepdims=False, *, correction=None):
    """(std, mean) in one go; arguments as var's."""
    v, m = _moments("std_mean", input, dim if axis is None else axis, unbiased, correction, keepdim or keepdims)
    return _root(v), m


def count_nonzero(input, dim=None, axis=None, *, out=None):
    """How many elements are not zero."""
    y = (input != 0).sum(dim if axis is None else axis)
    return y if out is None else put_out(out, y)


for _f in (any, all, prod, logsumexp, norm, var, std, count_nonzero, aminmax):
    extend(_f.__name__, _f)
