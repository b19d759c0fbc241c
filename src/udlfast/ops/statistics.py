"""Statistics and numerical calculus: covariances, histograms, integrals and slopes of sampled functions."""
import math

from .. import _core
from .._core import MAP_clamp_backward, Tensor, attach, ew2, extend, put_out
from ..errors import ArgumentError, DimError, DTypeError, ShapeError, check_repeats
from ..return_types import result
from ._common import axis_of, tensor, whole
from .elementwise import isnan, where
from .joining import cat


def cov(input, *, correction=1, fweights=None, aweights=None, out=None):
    """The covariances of variables, the rows of input, from observations, its columns.

    C_ij = sum_k w_k (x_ik - m_i) (x_jk - m_j) / n, with means m weighted by w = fweights aweights

    Args:
        input: [variables, observations], or one variable
        correction: what is taken off the number of observations
        fweights: int64 [observations], how often each one was seen
        aweights: [observations], how much each one counts
    Returns: [variables, variables], or a number for one variable
    Raises: ShapeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.cov(torch.tensor([[0., 2.], [2., 0.]])).tolist()
    [[2.0, -2.0], [-2.0, 2.0]]

    Source: elementary.
    """
    tensor("cov", input)
    if input.ndim > 2:
        raise ShapeError(f"cov: expected one variable [N] or several [V, N], got {list(input.shape)}")
    x = input.reshape(1, -1) if input.ndim < 2 else input
    x = x if x.dtype.is_floating_point else x.to(_core.get_default_dtype())
    n = x.shape[1]
    w = None
    for name, weight in (("fweights", fweights), ("aweights", aweights)):
        if weight is None:
            continue
        if weight.ndim > 1 or weight.numel() != n:
            raise ShapeError(f"cov: expected {name} [{n}], got {list(weight.shape)}")
        if weight.dtype.is_floating_point is (name == "fweights"):
            raise DTypeError(f"cov: fweights are whole numbers and aweights floating-point numbers, got {name} of type {weight.dtype}")
        if bool((weight < 0).any()):
            raise ArgumentError(f"cov: {name} must not be negative")
        w = weight.reshape(-1).to(x.dtype) if w is None else w * weight.reshape(-1)
    if w is None:
        mean, norm = x.sum(1, keepdim=True) / n if n else x.sum(1, keepdim=True) * math.nan, _core.full((), float(n - correction))
        centred = x - mean
        y = centred @ centred.mT
    else:
        total = w.sum()
        centred = x - (x * w).sum(1, keepdim=True) / total
        norm = total - correction
        if aweights is not None:
            norm = total - correction * (w * aweights).sum() / total
        y = (centred * w) @ centred.mT
    y = y / norm.to(x.dtype).clamp(min=0)
    y = y.squeeze()
    return y if out is None else put_out(out, y)


def corrcoef(input):
    """The correlations of variables, the rows of input: covariances over the roots of the variances.

    >>> import udlfast as torch
    >>> torch.corrcoef(torch.tensor([[0., 2.], [2., 0.]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    c = cov(input)
    if c.ndim == 0:
        return c / c
    d = c.diagonal().sqrt()
    return (c / d.unsqueeze(1) / d).clamp(-1, 1)


def nanmean(input, dim=None, keepdim=False, axis=None, keepdims=None, *, dtype=None, out=None):
    """The mean of the elements that are not NaN.

    >>> import udlfast as torch
    >>> torch.nanmean(torch.tensor([1., float("nan"), 3.]))
    tensor(2.)
    """
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    tensor("nanmean", input)
    x = input if dtype is None else input.to(dtype)
    if not x.dtype.is_floating_point:
        raise DTypeError(f"nanmean: expected a floating-point tensor, got {x.dtype}; convert it with .float()")
    there = ~isnan(x.detach())
    y = _no_nan(x, x).sum(dim, keepdim) / there.sum(dim, keepdim)
    return y if out is None else put_out(out, y)


def nansum(input, dim=None, keepdim=False, axis=None, keepdims=None, *, dtype=None, out=None):
    """The sum of the elements that are not NaN."""
    dim, keepdim = (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)
    y = (_no_nan(input, input) if input.dtype.is_floating_point else input).sum(dim, keepdim, dtype=dtype)
    return y if out is None else put_out(out, y)


def _no_nan(g, x):
    """g where x is a number, 0 where it is NaN: the gradient of a clamp between the infinities"""
    return attach(ew2(MAP_clamp_backward, g.detach(), x.detach(), -math.inf, math.inf), (g,), no_nan_backward, saved=(x,))


def no_nan_backward(node, g):
    """Nothing comes from a NaN."""
    return _no_nan(g, node.saved[0]),


# ---- histograms -----------------------------------------------------------------------------------------------------------
def _range(op, x, low, high, margin):
    if low == high and x.numel():
        low, high = x.min().item(), x.max().item()
    if low == high:
        low, high = low - margin, high + margin
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ArgumentError(f"{op}: the range from {low} to {high} is not finite")
    if low > high:
        raise ArgumentError(f"{op}: the range must not end before it starts, got {low} to {high}")
    return low, high


def histc(input, bins=100, min=0, max=0, *, out=None):
    """How many elements fall into each of equal bins.

    Args:
        input: any shape
        bins: how many
        min, max: the range; both the same: that of the elements
    Returns: [bins], of the element type of input; elements outside count nowhere
    Raises: ArgumentError

    >>> import udlfast as torch
    >>> torch.histc(torch.tensor([1., 2., 1.]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    tensor("histc", input)
    bins = whole("histc", "bins", bins, 1)
    x = input.detach().reshape(-1)
    low, high = _range("histc", x, min, max, 1)
    x = x[(x >= low) & (x <= high)]
    place = ((x - low) / (high - low) * bins).long().clamp(max=bins - 1)
    y = _core.zeros(bins, dtype=input.dtype).index_add(0, place, _core.ones_like(x))
    return y if out is None else put_out(out, y)


HistogramResult = result("histogram", ("hist", "bin_edges"))
HistogramddResult = result("histogramdd", ("hist", "bin_edges"))


def _edges(op, x, bins, low_high):
    """Edges of one dimension's bins from a number of them or a tensor."""
    from .creation import linspace
    if isinstance(bins, Tensor):
        return bins.detach()
    low, high = _range(op, x, *(low_high or (0, 0)), 0.5) if x.numel() or low_high else (0, 1)
    return linspace(low, high, whole(op, "bins", bins, 1) + 1, dtype=x.dtype)


def histogram(input, bins, *, range=None, weight=None, density=False, out=None):
    """How many elements (or how much weight) fall into each bin.

    Args:
        input: any shape, floating point
        bins: how many equal bins, or their edges in order
        range: (lowest, highest) for equal bins; None: that of the elements
        weight: the shape of input, what each element counts
        density: divide so that the integral over the bins is 1
    Returns: (hist [bins], bin_edges [bins + 1])
    Raises: ArgumentError, ShapeError

    >>> import udlfast as torch
    >>> torch.histogram(torch.tensor([1., 2., 1.]), bins=4, range=(0., 3.)).hist
    tensor([0., 2., 1., 0.])
    """
    tensor("histogram", input)
    x = input.detach().reshape(-1)
    edges = _edges("histogram", x, bins, range)
    if weight is not None and tuple(weight.shape) != tuple(input.shape):
        raise ShapeError(f"histogram: expected weight {list(input.shape)}, got {list(weight.shape)}")
    hist, (edges,) = _dense("histogram", x.reshape(-1, 1), [edges], None if weight is None else weight.reshape(-1), density)
    y = HistogramResult(hist, edges)
    return y if out is None else put_out(out, y)


def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """How many rows of input fall into each cell of a grid; see histogram.

    Args:
        input: [..., D]
        bins: a number, D numbers, or D tensors of edges
        range: 2 D numbers, the lowest and highest of each dimension
        weight: what each row counts
        density: divide so that the integral over the cells is 1
    Returns: (hist, tuple of D tensors of edges)
    """
    tensor("histogramdd", input)
    D = input.shape[-1]
    x = input.detach().reshape(-1, D)
    bins = [bins] * D if isinstance(bins, int) else list(bins)
    if len(bins) != D:
        raise ShapeError(f"histogramdd: expected bins for {D} dimensions, got {len(bins)}")
    edges = [_edges("histogramdd", x[:, i], b, None if range is None else (range[2 * i], range[2 * i + 1]))
             for i, b in enumerate(bins)]
    hist, edges = _dense("histogramdd", x, edges, None if weight is None else weight.reshape(-1), density)
    return HistogramddResult(hist, tuple(edges))


def _dense(op, x, edges, weight, density):
    """The histogram of rows of x over the grid of edges."""
    from .unique import searchsorted
    shape = tuple(e.numel() - 1 for e in edges)
    flat = _core.zeros((x.shape[0],), dtype=_core.int64)
    inside = _core.ones((x.shape[0],), dtype=_core.bool_)
    for i, e in enumerate(edges):
        column = x[:, i].contiguous()
        inside &= (column >= e[0]) & (column <= e[-1])
        place = searchsorted(e.contiguous(), column, right=True) - 1
        flat = flat * shape[i] + place.clamp(0, shape[i] - 1)
    counts = _core.ones((x.shape[0],), dtype=x.dtype) if weight is None else weight.detach()
    hist = _core.zeros((math.prod(shape),), dtype=x.dtype).index_add(0, flat[inside], counts[inside]).reshape(shape)
    if density:
        hist = hist / hist.sum()
        for i, e in enumerate(edges):
            hist = hist / (e[1:] - e[:-1]).reshape((-1,) + (1,) * (len(shape) - i - 1))
    return hist, edges


# ---- integrals and slopes ------------------------------------------------------------------------------------------------------
def _steps(op, y, x, dx, dim):
    """Widths between the points, ready to multiply slices along dim."""
    if x is None:
        return dx
    tensor(op, x, "x")
    if x.ndim == 1:
        if x.numel() != y.shape[dim]:
            raise ShapeError(f"{op}: expected one x for each of the {y.shape[dim]} values, got {x.numel()}")
        widths = x[1:] - x[:-1]
        return widths.reshape((-1,) + (1,) * (y.ndim - dim - 1))
    x = x.reshape((1,) * (y.ndim - x.ndim) + tuple(x.shape))
    n = x.shape[dim]
    return x.narrow(dim, 1, n - 1) - x.narrow(dim, 0, n - 1) if n > 1 else x.narrow(dim, 0, 0)


def _trapezoids(op, y, x, dx, dim):
    tensor(op, y, "y")
    dim = axis_of(op, dim, max(y.ndim, 0 if x is None else x.ndim))
    if x is not None and x.ndim > y.ndim:
        y = y.reshape((1,) * (x.ndim - y.ndim) + tuple(y.shape))
    n = y.shape[dim]
    if n == 0:
        return None, y, dim
    steps = _steps(op, y, x, dx, dim)
    return (y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)) * steps * 0.5, y, dim


def trapezoid(y, x=None, *, dx=1, dim=-1):
    """The integral of a sampled function by the rule of trapezoids.

    sum_k (y_k + y_k+1) (x_k+1 - x_k) / 2, along dim

    Args:
        y: values
        x: where they were taken, one for each value along dim, or the shape of y; None: at distances dx
        dx: the distance of the points
        dim: the dimension
    Returns: y without dim

    >>> import udlfast as torch
    >>> torch.trapezoid(torch.tensor([1., 5., 10.]))
    tensor(10.5000)

    Source: elementary.
    """
    parts, y, dim = _trapezoids("trapezoid", y, x, dx, dim)
    return y.sum(dim) * 0.0 if parts is None else parts.sum(dim)


trapz = trapezoid


def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    """The running sums of trapezoid: one fewer along dim.

    >>> import udlfast as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1., 5., 10.]))
    tensor([ 3.0000, 10.5000])
    """
    parts, y, dim = _trapezoids("cumulative_trapezoid", y, x, dx, dim)
    return y * 0.0 if parts is None else parts.cumsum(dim)


def _slopes(y, h, dim, edge_order):
    """The gradient along dim with distances h: a number, or a tensor of coordinates."""
    n = y.shape[dim]

    def at(i, k=1):
        return y.narrow(dim, i, k)
    if not isinstance(h, Tensor):
        inner = (at(2, n - 2) - at(0, n - 2)) / (2 * h)
        if edge_order == 1:
            first, last = (at(1) - at(0)) / h, (at(n - 1) - at(n - 2)) / h
        else:
            first = (at(1) * 4 - at(0) * 3 - at(2)) / (2 * h)
            last = (at(n - 1) * 3 - at(n - 2) * 4 + at(n - 3)) / (2 * h)
        return cat([first, inner, last], dim)
    d = (h[1:] - h[:-1]).reshape((-1,) + (1,) * (y.ndim - dim - 1))
    d = d.reshape((1,) * (y.ndim - d.ndim) + tuple(d.shape))
    a, b = d.narrow(dim, 0, n - 2), d.narrow(dim, 1, n - 2)
    inner = at(0, n - 2) * (-b / (a * (a + b))) + at(1, n - 2) * ((b - a) / (a * b)) + at(2, n - 2) * (a / (b * (a + b)))

    def step(i):
        return d.narrow(dim, i, 1)
    if edge_order == 1:
        return cat([(at(1) - at(0)) / step(0), inner, (at(n - 1) - at(n - 2)) / step(n - 2)], dim)
    a, b = step(0), step(1)
    first = at(0) * (-(a * 2 + b) / (a * (a + b))) + at(1) * ((a + b) / (a * b)) - at(2) * (a / (b * (a + b)))
    a, b = step(n - 3), step(n - 2)
    last = at(n - 3) * (b / (a * (a + b))) - at(n - 2) * ((a + b) / (a * b)) + at(n - 1) * ((a + b * 2) / (b * (a + b)))
    return cat([first, inner, last], dim)


def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """Slopes of a sampled function: differences to both sides, to one side at the edges.

    Args:
        input: the values
        spacing: the distance of the points, one for each dim, or for each dim a tensor of coordinates
        dim: one dimension or several; None: all
        edge_order: 1 or 2, the exactness at the edges
    Returns: tuple of tensors of the shape of input, one for each dim
    Raises: ArgumentError, DimError

    >>> import udlfast as torch
    >>> torch.gradient(torch.tensor([1., 2., 4.]))
    (tensor([1.0000, 1.5000, 2.0000]),)

    Source: differences of second order for points at any distances.
    """
    tensor("gradient", input)
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [axis_of("gradient", d, input.ndim) for d in dims]
    spacing = 1 if spacing is None else spacing
    spacings = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if len(set(dims)) != len(dims) or len(spacings) != len(dims) or edge_order not in (1, 2):
        raise ArgumentError(f"gradient: expected different dims, as many spacings, and edge_order 1 or 2; got dims {dims}, "
                            f"{len(spacings)} spacings, edge_order {edge_order}")
    for d in dims:
        if input.shape[d] < edge_order + 1:
            raise DimError(f"gradient: dimension {d} of {list(input.shape)} needs at least {edge_order + 1} points")
    x = input if input.dtype.is_floating_point else input.to(_core.get_default_dtype())
    return tuple(_slopes(x, h, d, edge_order) for d, h in zip(dims, spacings))


# ---- others ------------------------------------------------------------------------------------------------------------------
def renorm(input, p, dim, maxnorm, *, out=None):
    """Slices along dim whose p-norm is above maxnorm, scaled down to it.

    >>> import udlfast as torch
    >>> torch.renorm(torch.tensor([[3., 4.], [0., 1.]]), 2, 0, 1.).tolist()[1]
    [0.0, 1.0]
    """
    tensor("renorm", input)
    dim = axis_of("renorm", dim, input.ndim)
    if p <= 0 or maxnorm < 0 or input.ndim < 2:
        raise ArgumentError(f"renorm: expected p > 0, maxnorm >= 0 and at least two dimensions, got {p}, {maxnorm}, {list(input.shape)}")
    norm = input.norm(p, [d for d in range(input.ndim) if d != dim], keepdim=True)
    y = input * where(norm > maxnorm, maxnorm / (norm + 1e-7), 1.0)
    return y if out is None else put_out(out, y)


def vander(x, N=None, increasing=False):
    """The matrix of Vandermonde: each row the powers of one element, highest first unless increasing.

    >>> import udlfast as torch
    >>> torch.vander(torch.tensor([2, 3])).tolist()
    [[2, 1], [3, 1]]
    """
    tensor("vander", x, "x")
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a vector, got {list(x.shape)}")
    n = x.numel() if N is None else whole("vander", "N", N)
    check_repeats("vander: N", n, 100_000)
    powers = list(range(n)) if increasing else list(range(n - 1, -1, -1))
    if not powers:
        return x.new_zeros((x.numel(), 0))
    return cat([(_core.ones_like(x) if k == 0 else x ** k).unsqueeze(1) for k in powers], 1)


for _function in (cov, corrcoef, nanmean, nansum, histc, histogram, renorm):
    extend(_function.__name__, _function)
