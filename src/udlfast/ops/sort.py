"""Elements in order, and what follows from order: the k largest, the k-th, the median, the different ones."""

from .. import _core
from .._core import K_sort, Tensor, attach, call, empty, extend, float32, put_out
from ..errors import ArgumentError, DimError, ShapeError
from ..return_types import result
from ._common import axis_of, floating, tensor, whole
from .creation import arange
from .elementwise import where
from .gather import gather, scatter_add
from .index_select import _zero_of

SortResult = result("sort", ("values", "indices"))
TopkResult = result("topk", ("values", "indices"))
KthvalueResult = result("kthvalue", ("values", "indices"))
MedianResult = result("median", ("values", "indices"))
NanmedianResult = result("nanmedian", ("values", "indices"))
ModeResult = result("mode", ("values", "indices"))


def sort(input, dim=-1, descending=False, stable=False, axis=None, *, out=None):
    """The elements in order along a dimension.

    Args:
        input: any shape
        dim: the dimension
        descending: largest first
        stable: equal elements always keep their order here, whatever is given
    Returns: (values, indices), both of the shape of input; NaN counts as the largest
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.sort(torch.tensor([3, 1, 2])).indices.tolist()
    [1, 2, 0]
    """
    dim = dim if axis is None else axis
    tensor("sort", input)
    dim = axis_of("sort", dim, input.ndim)
    y = SortResult(*_first(input, dim, input.shape[dim] if input.ndim else 1, descending))
    return y if out is None else put_out(out, y)


def _first(input, dim, k, descending):
    """(values, indices) of the first k elements in order along dim"""
    values, indices = _order(input.detach(), dim, k, descending)
    return attach(values, (input,), sort_backward, saved=(indices,), args=(dim, tuple(input.shape))), indices


def sort_backward(node, g):
    """Each element gets the gradient of the place it went to."""
    dim, shape = node.args
    return scatter_add(_zero_of(shape, g.dtype), dim, node.saved[0], g),


def _order(x, dim, k, descending):
    if x.dtype.narrow:
        values, indices = _order(x.to(float32), dim, k, descending)
        return values.to(x.dtype), indices
    turned = x.ndim and dim != x.ndim - 1
    last = x.transpose(dim, -1).contiguous() if turned else x.contiguous()
    shape = (*last.shape[:-1], k) if x.ndim else ()
    if x.dtype is _core.uint64:  # with the sign bit turned, the order of int64 is theirs
        values, indices = _order(x.view(_core.int64) ^ -(2**63), dim, k, descending)
        return (values ^ -(2**63)).view(x.dtype), indices
    if x.dtype in (_core.bool_, _core.uint8, _core.int32, _core.uint16, _core.uint32):
        values, indices = _order(last.to(_core.int64), x.ndim - 1 if x.ndim else 0, k, descending)
        values = values.to(x.dtype)
    else:
        values, indices = empty(shape, x.dtype), empty(shape, _core.int64)
        n = last.shape[-1] if x.ndim else 1
        if values.numel():
            call(K_sort, (values, indices, last), (x.dtype.code, last.numel() // n, n, k, int(bool(descending)), 0), ())
    if turned:
        values, indices = (t.transpose(dim, -1).contiguous() for t in (values, indices))
    return values, indices


def _kth(x, dim, k):
    """(k-th smallest elements along dim, their places), dim with size 1; no order is made"""
    if x.dtype is _core.uint64 or not x.numel() or not x.ndim:
        return tuple(t.narrow(dim, k - 1, 1) if x.ndim else t for t in _order(x, dim, k, False))
    if x.dtype.narrow or x.dtype in (_core.bool_, _core.uint16, _core.uint32):
        values, indices = _kth(x.to(float32 if x.dtype.narrow else _core.int64), dim, k)
        return values.to(x.dtype), indices
    last = x.transpose(dim, -1).contiguous()
    n, shape = last.shape[-1], (*last.shape[:-1], 1)
    values, indices = empty(shape, x.dtype), empty(shape, _core.int64)
    call(K_sort, (values, indices, last), (x.dtype.code, last.numel() // n, n, k, 0, 1), ())
    return values.transpose(dim, -1), indices.transpose(dim, -1)


def argsort(input, dim=-1, descending=False, stable=False, axis=None, *, out=None):
    """The indices that put the elements in order along a dimension.

    Args:
        input: any shape
        dim, descending, stable: as in sort
    Returns: int64, the shape of input
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.argsort(torch.tensor([3, 1, 2])).tolist()
    [1, 2, 0]
    """
    dim = dim if axis is None else axis
    tensor("argsort", input)
    dim = axis_of("argsort", dim, input.ndim)
    y = _order(input.detach(), dim, input.shape[dim] if input.ndim else 1, descending)[1]
    return y if out is None else put_out(out, y)


def msort(input, *, out=None):
    """The elements in order along the first dimension.

    >>> import udlfast as torch
    >>> torch.msort(torch.tensor([3, 1, 2])).tolist()
    [1, 2, 3]
    """
    y = sort(input, 0)[0]
    return y if out is None else put_out(out, y)


def topk(input, k, dim=-1, largest=True, sorted=True, axis=None, *, out=None):
    """The k largest (or smallest) elements along a dimension.

    Args:
        input: any shape
        k: how many
        dim: the dimension
        largest: False gives the smallest
        sorted: they always come in order here, whatever is given
    Returns: (values, indices) with size k along dim; NaN counts as the largest
    Raises: ArgumentError for a k larger than the size, DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.topk(torch.tensor([3, 1, 2]), 2).values.tolist()
    [3, 2]
    """
    dim = dim if axis is None else axis
    tensor("topk", input)
    dim = axis_of("topk", dim, input.ndim)
    n = input.shape[dim] if input.ndim else 1
    k = whole("topk", "k", k)
    if k > n:
        raise ArgumentError(f"topk: k is {k}, but dimension {dim} of input {list(input.shape)} has {n} elements")
    y = TopkResult(*_first(input, dim, k, largest))
    return y if out is None else put_out(out, y)


def kthvalue(input, k, dim=-1, keepdim=False, axis=None, keepdims=None, *, out=None):
    """The k-th smallest element along a dimension.

    Args:
        input: any shape
        k: 1 is the smallest
        dim: the dimension
        keepdim: keep dim with size 1
    Returns: (values, indices); NaN counts as the largest
    Raises: ArgumentError for a k out of range, DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.kthvalue(torch.tensor([3, 1, 2]), 2).values.item()
    2
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    tensor("kthvalue", input)
    dim = axis_of("kthvalue", dim, input.ndim)
    n = input.shape[dim] if input.ndim else 1
    k = whole("kthvalue", "k", k)
    if not 1 <= k <= n:
        raise ArgumentError(f"kthvalue: k must be from 1 to {n}, the size of dimension {dim}, got {k}")
    y = KthvalueResult(*_picked(input, dim, _kth(input.detach(), dim, k)[1], keepdim))
    return y if out is None else put_out(out, y)


def _picked(input, dim, indices, keepdim):
    """(the elements at one place of each line, the places): the gradient goes there and nowhere else"""
    if input.ndim == 0:
        return input.clone(), indices
    values = gather(input, dim, indices)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


def median(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
    """The element in the middle (the lower one of two); NaN if there is one.

    Args:
        input: any shape with elements
        dim: the dimension; None = all elements
        keepdim: keep dim with size 1
    Returns: (values, indices), or without dim one value
    Raises: DimError, ShapeError where there is no element

    >>> import udlfast as torch
    >>> torch.median(torch.tensor([3, 1, 2, 5])).item()
    2
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = _median("median", input, dim, keepdim, False)
    return y if out is None else put_out(out, y)


def nanmedian(input, dim=None, keepdim=False, axis=None, keepdims=None, *, out=None):
    """The element in the middle of those that are not NaN; see median.

    >>> import udlfast as torch
    >>> torch.nanmedian(torch.tensor([3., float("nan"), 2.])).item()
    2.0
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = _median("nanmedian", input, dim, keepdim, True)
    return y if out is None else put_out(out, y)


def _median(op, input, dim, keepdim, ignore):
    tensor(op, input)
    if dim is None:
        if not input.numel():
            return _core.full((), float("nan"), dtype=input.dtype)
        y = _median(op, input.detach().reshape(-1), 0, False, ignore)[0]
        return attach(y, (input,), middle_backward, (input, y))
    dim = axis_of(op, dim, input.ndim)
    n = input.shape[dim] if input.ndim else 1
    if n == 0:
        raise DimError(f"{op}: dimension {dim} of input {list(input.shape)} has no elements")
    named = NanmedianResult if ignore else MedianResult
    x = input.detach()
    if input.ndim == 0:
        return named(*_picked(input, dim, _core.zeros((), dtype=_core.int64), keepdim))
    if not x.dtype.is_floating_point or _core.at_hand() and not x.isnan().any().item():
        return named(*_picked(input, dim, _kth(x, dim, (n - 1) // 2 + 1)[1], keepdim))
    values, indices = _order(x, dim, n, False)
    nans = (values != values).sum(dim, True)
    # without NaN the middle moves to the front; with it, its first place is the answer
    middle = ((n - nans - 1) // 2).clamp(min=0) if ignore else where(nans > 0, n - nans, (n - 1) // 2)
    return named(*_picked(input, dim, indices.gather(dim, middle), keepdim))


def middle_backward(node, g):
    """gx = g in equal parts at the elements that equal the median."""
    x, y = node.saved
    same = where(y.isnan(), x.isnan(), x == y)
    return (same * (g / same.sum()),)


def mode(input, dim=-1, keepdim=False, axis=None, keepdims=None, *, out=None):
    """The element that occurs most often along a dimension (the smallest of several).

    Args:
        input: any shape with elements along dim
        dim: the dimension
        keepdim: keep dim with size 1
    Returns: (values, indices), an index of the value's last place
    Raises: DimError, DTypeError

    >>> import udlfast as torch
    >>> torch.mode(torch.tensor([3, 1, 3])).values.item()
    3
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    if out is not None:
        return put_out(out, mode(input, dim, keepdim))
    tensor("mode", input)
    dim = axis_of("mode", dim, input.ndim)
    if input.ndim == 0:
        return ModeResult(input.clone(), _core.zeros((), dtype=_core.int64))
    n = input.shape[dim]
    if n == 0:
        raise DimError(f"mode: dimension {dim} of input {list(input.shape)} has no elements")
    plain, indices = _order(input.detach(), dim, n, False)
    places = arange(n).reshape(n, *(1,) * (input.ndim - dim - 1))
    # in order, equal elements stand together: the length of the run up to each place
    change = _core.ones(plain.shape, dtype=_core.bool_)
    if n > 1:
        change.narrow(dim, 1, n - 1).copy_(plain.narrow(dim, 1, n - 1) != plain.narrow(dim, 0, n - 1))
    start = where(change, places, 0).cummax(dim)[0]
    best = (places - start).argmax(dim, True)
    return ModeResult(*_picked(input, dim, indices.gather(dim, best), keepdim))


def quantile(input, q, dim=None, keepdim=False, axis=None, keepdims=None, *, interpolation="linear", out=None):
    """The values below which a share q of the elements lies.

    Args:
        input: any shape, floating point
        q: a number or a 1-d tensor of numbers from 0 to 1
        dim: the dimension; None = all elements
        keepdim: keep dim with size 1
        interpolation: between two elements: "linear", "lower", "higher", "nearest" or "midpoint"
    Returns: the shape of input without dim, with the length of a 1-d q in front; NaN where there is one
    Raises: DimError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.quantile(torch.tensor([1., 2., 4.]), 0.75).item()
    3.0
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = _quantile("quantile", input, q, dim, keepdim, interpolation, False)
    return y if out is None else put_out(out, y)


def nanquantile(input, q, dim=None, keepdim=False, axis=None, keepdims=None, *, interpolation="linear", out=None):
    """quantile of the elements that are not NaN; NaN where there are none.

    >>> import udlfast as torch
    >>> torch.nanquantile(torch.tensor([1., float("nan"), 2.]), 0.5).item()
    1.5
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
    return y if out is None else put_out(out, y)


def _quantile(op, input, q, dim, keepdim, interpolation, ignore):
    floating(op, input)
    if interpolation not in ("linear", "lower", "higher", "nearest", "midpoint"):
        raise ArgumentError(f"{op}: unknown interpolation {interpolation!r}")
    shares = q if isinstance(q, Tensor) else _core.full((), q, dtype=input.dtype)
    if shares.dtype is not input.dtype or shares.ndim > 1:
        raise ArgumentError(f"{op}: q must be a number or a 1-d tensor of type {input.dtype}, got {list(shares.shape)} {shares.dtype}")
    if not bool(((shares >= 0) & (shares <= 1)).all()):
        raise ArgumentError(f"{op}: q must be from 0 to 1, got {q}")
    ndim, whole_tensor = input.ndim, dim is None
    d = axis_of(op, 0 if whole_tensor else dim, 1 if whole_tensor else ndim)
    x = input.reshape(-1) if whole_tensor or not ndim else input.movedim(d, -1)
    n = x.shape[-1]
    if n == 0:
        raise ShapeError(f"{op}: expected elements along dimension {d}, got input {list(input.shape)}")
    x = sort(x, -1)[0]
    nans = (x.detach() != x.detach()).sum(-1, True)
    last = ((n - nans - 1).clamp(min=0) if ignore else _core.full((), n - 1, dtype=_core.int64).expand(nans.shape)).to(x.dtype)
    ranks = shares.reshape(-1) * last
    if not ignore:
        ranks = where(nans > 0, _core.full((), n - 1, dtype=x.dtype), ranks)
    if interpolation in ("lower", "higher", "nearest"):
        y = x.gather(-1, {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]().detach().long())
    else:
        low = ranks.detach().floor()
        a, b = x.gather(-1, low.long()), x.gather(-1, ranks.detach().ceil().long())
        w = ranks - low if interpolation == "linear" else 0.5
        y = where(a == b, a, a + (b - a) * w)
    if whole_tensor:
        y = y.reshape(-1, *(1,) * ndim) if keepdim else y.reshape(-1)
    else:
        y = y.movedim(-1, 0)
        if keepdim and ndim:
            y = y.unsqueeze(d + 1)
    return y if shares.ndim else y.squeeze(0)


extend("nanquantile", nanquantile)
extend("sort", sort)
extend("argsort", argsort)
extend("msort", msort)
extend("topk", topk)
extend("kthvalue", kthvalue)
extend("median", median)
extend("nanmedian", nanmedian)
extend("mode", mode)
extend("quantile", quantile)
