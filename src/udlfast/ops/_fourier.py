"""Fourier transforms of tensors by NumPy's pocketfft, with gradients; torch.fft's names and rules.

Three linear maps carry all of them, each the gradient of another: complex to complex, real to half a spectrum, and back. Half a
spectrum holds frequencies 0 .. n/2; those between count twice on the way back.
"""
import numpy as np

from .. import _core
from .._core import Tensor, attach
from ..errors import ArgumentError, DTypeError, ShapeError
from ._common import axis_of
from ._complex import ComplexTensor, make

NORMS = (None, "backward", "ortho", "forward")


def _array(pair):
    """Pairs as a complex array."""
    a = pair.detach().contiguous().numpy()
    return a.view(np.complex64 if a.dtype == np.float32 else np.complex128)[..., 0]


def _pairs(z, dtype):
    """A complex array as pairs of a type."""
    z = np.ascontiguousarray(z)
    return _core.from_numpy(z.view(z.real.dtype).reshape(*z.shape, 2)).to(dtype)


def c2c(pair, dims, inverse, scale):
    """scale sum_j x_j e^(-+ 2 pi i jk / n) over dims of the complex numbers, without any other factor."""
    z = _array(pair)
    y = (np.fft.ifftn(z, axes=dims, norm="forward") if inverse else np.fft.fftn(z, axes=dims)) if z.size else z
    return attach(_pairs(y * z.real.dtype.type(scale), pair.dtype), (pair,), c2c_backward, args=(dims, inverse, scale))


def c2c_backward(node, g):
    """The adjoint: the other sign."""
    dims, inverse, scale = node.args
    return (c2c(g, dims, not inverse, scale),)


def r2c(x, dim, scale):
    """scale sum_j x_j e^(-2 pi i jk / n), k = 0 .. n/2, of real numbers along dim."""
    a = x.detach().contiguous().numpy()
    y = np.fft.rfft(a, axis=dim) * a.dtype.type(scale)
    return attach(_pairs(y, x.dtype), (x,), r2c_backward, args=(dim, x.shape[dim], scale))


def r2c_backward(node, g):
    """The real part of the inverse sum over the half that is there: c2r with every frequency counted once."""
    dim, n, scale = node.args
    return (c2r(g * _counts(n, g, dim, False), n, dim, scale),)


def c2r(pair, n, dim, scale):
    """scale sum_k w_k Re(X_k e^(2 pi i jk / n)), w = 1 for frequencies 0 and n/2, 2 between: n real numbers along dim."""
    z = _array(pair)
    y = np.fft.irfft(z, n, axis=dim, norm="forward") * z.real.dtype.type(scale)
    y = _core.from_numpy(np.ascontiguousarray(y)).to(pair.dtype)
    return attach(y, (pair,), c2r_backward, args=(n, dim, scale))


def c2r_backward(node, g):
    """w times the transform of g."""
    n, dim, scale = node.args
    y = r2c(g, dim, scale)
    return (y * _counts(n, y, dim, True),)


def _counts(n, pair, dim, twice):
    """w_k, or 1 / w_k, shaped to broadcast over pairs."""
    w = np.full(n // 2 + 1, 2.0 if twice else 0.5)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    shape = [1] * pair.ndim
    shape[dim] = len(w)
    return _core.from_numpy(w.reshape(shape)).to(pair.dtype)


# ---- arguments ----------------------------------------------------------------------------------------------------------------
def _scale(op, norm, sizes, inverse):
    """The factor of a transform over dimensions of these sizes."""
    if norm not in NORMS:
        raise ArgumentError(f'fft.{op}: expected norm "backward", "forward" or "ortho", got {norm!r}')
    n = float(np.prod([float(s) for s in sizes]))
    if norm == "ortho":
        return 1 / n**0.5
    return 1 / n if (norm == "forward") != inverse else 1.0


def _complex_pair(op, x):
    """The pairs of complex or real input (integers become floating)."""
    if isinstance(x, ComplexTensor):
        return x.pair
    x = _real(op, x)
    return make(x, _core.zeros_like(x)).pair


def _real(op, x):
    if isinstance(x, ComplexTensor):
        raise DTypeError(f"fft.{op}: expected a real input, got {x.dtype}")
    if not isinstance(x, Tensor):
        raise DTypeError(f"fft.{op}: expected a Tensor, got {type(x).__name__}")
    if x.dtype.narrow:
        raise DTypeError(f"fft.{op}: {x.dtype} is not supported; convert with .float()")
    return x if x.dtype.is_floating_point else x.to(_core.get_default_dtype())


def _resized(op, x, dim, n):
    """x cut or filled up with zeros to n along dim."""
    if n is None or n == -1:
        n = x.shape[dim]
    if n < 1:
        raise ArgumentError(f"fft.{op}: invalid number of data points ({n}) specified")
    if n < x.shape[dim]:
        return x.narrow(dim, 0, n)
    if n > x.shape[dim]:
        from .joining import cat
        shape = list(x.shape)
        shape[dim] = n - x.shape[dim]
        return cat([x, _core.zeros(shape, dtype=x.dtype)], dim)
    return x


def _axes(op, x, s, dim):
    """(dims, sizes or None) of an n-dimensional transform."""
    ndim = x.ndim
    if dim is None:
        count = ndim if s is None else len(s)
        if count > ndim:
            raise ShapeError(f"fft.{op}: got {count} sizes for an input with {ndim} dimensions")
        dim = range(ndim - count, ndim)
    dims = tuple(axis_of("fft." + op, d, ndim) for d in ((dim,) if isinstance(dim, int) else dim))
    if len(set(dims)) != len(dims):
        raise ArgumentError(f"fft.{op}: the dims must be unique, got {dims}")
    s = (s,) if isinstance(s, int) else s
    if s is not None and len(s) != len(dims):
        raise ArgumentError(f"fft.{op}: s and dim must have one length, got {s} and {dims}")
    return dims, [None] * len(dims) if s is None else list(s)


def _out(y, out):
    if out is None:
        return y
    (out.pair if isinstance(out, ComplexTensor) else out).copy_(y.pair if isinstance(y, ComplexTensor) else y)
    return out


# ---- transforms ---------------------------------------------------------------------------------------------------------------
def _c2cn(op, inverse):
    def run(x, s, dim, norm):
        pair = _complex_pair(op, x)
        dims, sizes = _axes(op, ComplexTensor(pair), s, dim)
        for d, n in zip(dims, sizes):
            pair = _resized(op, pair, d, n)
        if not dims:
            return ComplexTensor(pair)
        return ComplexTensor(c2c(pair, dims, inverse, _scale(op, norm, [pair.shape[d] for d in dims], inverse)))
    return run


def _r2cn(op, inverse):
    """rfft, or ihfft: the conjugate with the other factor."""
    def run(x, s, dim, norm):
        x = _real(op, x)
        dims, sizes = _axes(op, x, s, dim)
        if not dims:
            raise ArgumentError(f"fft.{op}: at least one dimension must be transformed")
        for d, n in zip(dims, sizes):
            x = _resized(op, x, d, n)
        if x.numel() == 0 and any(x.shape[d] == 0 for d in dims):
            raise ArgumentError(f"fft.{op}: invalid number of data points (0) specified")
        y = r2c(x, dims[-1], _scale(op, norm, [x.shape[d] for d in dims], inverse))
        y = ComplexTensor(y).conj().pair if inverse else y
        return ComplexTensor(c2c(y, dims[:-1], inverse, 1.0) if len(dims) > 1 else y)
    return run


def _c2rn(op, forward):
    """irfft, or hfft: of the conjugate with the other factor."""
    def run(x, s, dim, norm):
        pair = _complex_pair(op, x)
        dims, sizes = _axes(op, ComplexTensor(pair), s, dim)
        if not dims:
            raise ArgumentError(f"fft.{op}: at least one dimension must be transformed")
        last = dims[-1]
        n = 2 * (pair.shape[last] - 1) if sizes[-1] in (None, -1) else sizes[-1]
        if n < 1:
            raise ArgumentError(f"fft.{op}: invalid number of data points ({n}) specified")
        for d, size in zip(dims[:-1], sizes):
            pair = _resized(op, pair, d, size)
        pair = _resized(op, pair, last, n // 2 + 1)
        scale = _scale(op, norm, [pair.shape[d] for d in dims[:-1]] + [n], not forward)
        if len(dims) > 1:
            pair = c2c(pair, dims[:-1], not forward, 1.0)
        pair = ComplexTensor(pair).conj().pair if forward else pair
        return c2r(pair, n, last, scale)
    return run


_DOC = """{what}

    Args:
        input: a tensor or complex numbers
        {size}
        norm: "backward" (the inverse has the factor 1/n; default), "ortho" (both 1/sqrt n) or "forward"
    Returns: {returns}
    Raises: ArgumentError, DimError

    >>> import udlfast as torch
    >>> torch.fft.{name}(torch.ones(2, 4)).shape
    udlfast.Size({shape})

    Source: Cooley and Tukey 1965; NumPy's pocketfft.
    """
_WHAT = {"fft": "The discrete Fourier transform", "ifft": "The inverse discrete Fourier transform",
         "rfft": "The Fourier transform of real numbers, half of it", "irfft": "The inverse of rfft: real numbers from half a spectrum",
         "hfft": "The real spectrum of a Hermitian signal, of which half is given", "ihfft": "The inverse of hfft, half of it"}
_SHAPE = {"fft": [2, 4], "ifft": [2, 4], "rfft": [2, 3], "irfft": [2, 6], "hfft": [2, 6], "ihfft": [2, 3]}


def _family(kind, maker, inverse):
    out = {}
    for suffix in ("", "2", "n"):
        name = kind + suffix
        run = maker(name, inverse)
        if suffix == "":
            def f(input, n=None, dim=-1, norm=None, *, out=None, run=run):
                return _out(run(input, None if n is None else (n,), (dim,), norm), out)
        elif suffix == "2":
            def f(input, s=None, dim=(-2, -1), norm=None, *, out=None, run=run):
                return _out(run(input, s, dim, norm), out)
        else:
            def f(input, s=None, dim=None, norm=None, *, out=None, run=run):
                return _out(run(input, s, dim, norm), out)
        where = {"": " along one dimension.", "2": " over two dimensions.", "n": " over several dimensions."}[suffix]
        f.__name__ = f.__qualname__ = name
        f.__doc__ = _DOC.format(name=name, what=_WHAT[kind] + where, shape=_SHAPE[kind], returns=(
            "real numbers" if kind in ("irfft", "hfft") else "complex numbers"), size=(
            "n: the length, cut or filled with zeros to it; dim: the dimension" if not suffix else
            "s: the lengths, cut or filled with zeros to them; dim: the dimensions"))
        out[name] = f
    return out


FUNCTIONS = {}
for _kind, _maker, _inverse in (("fft", _c2cn, False), ("ifft", _c2cn, True), ("rfft", _r2cn, False), ("ihfft", _r2cn, True),
                                ("irfft", _c2rn, False), ("hfft", _c2rn, True)):
    FUNCTIONS |= _family(_kind, _maker, _inverse)


# ---- frequencies and shifts ----------------------------------------------------------------------------------------------------
def _new(a, dtype, requires_grad=False):
    t = _core.from_numpy(np.array(a)).to(dtype or _core.get_default_dtype())
    return t.requires_grad_(True) if requires_grad else t


def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of fft's results: 0, 1, ... , -2, -1 over n d.

    >>> import udlfast as torch
    >>> torch.fft.fftfreq(4).tolist()
    [0.0, 0.25, -0.5, -0.25]
    """
    return _out(_new(np.fft.fftfreq(n, d), dtype, requires_grad), out)


def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of rfft's results: 0 .. n/2 over n d.

    >>> import udlfast as torch
    >>> torch.fft.rfftfreq(4).tolist()
    [0.0, 0.25, 0.5]
    """
    return _out(_new(np.fft.rfftfreq(n, d), dtype, requires_grad), out)


def _shift(op, input, dim, sign):
    from .shaping import roll
    pair = input.pair if isinstance(input, ComplexTensor) else input
    ndim = input.ndim
    dims = range(ndim) if dim is None else [axis_of("fft." + op, d, ndim) for d in ((dim,) if isinstance(dim, int) else dim)]
    dims = tuple(dims)
    if not dims:
        return input
    y = roll(pair, tuple(pair.shape[d] // 2 if sign > 0 else (pair.shape[d] + 1) // 2 for d in dims), dims)
    return ComplexTensor(y) if isinstance(input, ComplexTensor) else y


def fftshift(input, dim=None):
    """Frequency 0 moved to the middle.

    >>> import udlfast as torch
    >>> torch.fft.fftshift(torch.tensor([0., 1., -2., -1.])).tolist()
    [-2.0, -1.0, 0.0, 1.0]
    """
    return _shift("fftshift", input, dim, 1)


def ifftshift(input, dim=None):
    """The inverse of fftshift.

    >>> import udlfast as torch
    >>> torch.fft.ifftshift(torch.tensor([-2., -1., 0., 1.])).tolist()
    [0.0, 1.0, -2.0, -1.0]
    """
    return _shift("ifftshift", input, dim, -1)
