"""Complex numbers as pairs: ComplexTensor holds a real tensor [..., 2], on which everything is computed and recorded.

The core knows real numbers only and stays as fast as it is. A gradient of a real loss by z = x + iy is dL/dx + i dL/dy, as in
PyTorch: just the gradient of the pair.
"""
import math
import operator

from .. import _core
from .._core import Tensor, matmul
from ..errors import ArgumentError, DimError, DTypeError, ShapeError
from ..size import Size
from .elementwise import atan2, cos, exp, log, sin, where


class ComplexType:
    """The element type of a ComplexTensor: udlfast.complex64 or udlfast.complex128."""

    is_floating_point, is_complex, is_signed = False, True, True

    def __init__(self, name, part):
        self.name, self.part, self.itemsize = name, part, 2 * part.itemsize

    def __repr__(self):
        return "udlfast." + self.name

    def __reduce__(self):
        return _type_by_name, (self.name,)

    def to_real(self):
        """The type of the real and the imaginary part."""
        return self.part


complex64, complex128 = ComplexType("complex64", _core.float32), ComplexType("complex128", _core.float64)
_BY_PART = {"float32": complex64, "float64": complex128}


def _type_by_name(name):
    return {"complex64": complex64, "complex128": complex128}[name]


class ComplexTensor:
    """Complex numbers [...]: what torch.fft, torch.stft, torch.polar and torch.view_as_complex give.

    It knows arithmetic with tensors and numbers, matmul, abs, angle, conj, exp, log, sums, shapes and indexing, and gradients
    pass through all of it. What is not here can be had from z.real and z.imag, or from torch.view_as_real(z).

    >>> import udlfast as torch
    >>> z = torch.complex(torch.tensor([3.]), torch.tensor([4.]))
    >>> (z * z.conj()).real, abs(z)
    (tensor([25.]), tensor([5.]))
    """

    __slots__ = ("pair",)
    is_leaf = property(lambda self: self.pair.is_leaf)
    grad_fn = property(lambda self: self.pair.grad_fn)
    requires_grad = property(lambda self: self.pair.requires_grad)
    device = property(lambda self: self.pair.device)

    def __init__(self, pair):
        if pair.dtype.name not in _BY_PART:
            raise DTypeError(f"complex: expected float32 or float64 parts, got {pair.dtype}")
        self.pair = pair

    # ---- what it is ----------------------------------------------------------------------------------------------------
    @property
    def real(self):
        return self.pair.select(-1, 0)

    @property
    def imag(self):
        return self.pair.select(-1, 1)

    @property
    def shape(self):
        return Size(self.pair.shape[:-1])

    @property
    def ndim(self):
        return self.pair.ndim - 1

    @property
    def dtype(self):
        return _BY_PART[self.pair.dtype.name]

    @property
    def grad(self):
        return None if self.pair.grad is None else ComplexTensor(self.pair.grad)

    def size(self, dim=None):
        return self.shape if dim is None else self.shape[dim]

    def dim(self):
        return self.ndim

    def numel(self):
        return self.pair.numel() // 2

    def is_complex(self):
        return True

    def is_floating_point(self):
        return False

    def requires_grad_(self, requires_grad=True):
        self.pair.requires_grad_(requires_grad)
        return self

    def numpy(self):
        """A complex NumPy array that shares memory where the pair is contiguous."""
        return self.pair.contiguous().numpy().view("complex64" if self.dtype is complex64 else "complex128")[..., 0]

    def tolist(self):
        return self.numpy().tolist()

    def item(self):
        return self.numpy().item()

    def __complex__(self):
        return self.item()

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        import numpy
        values = numpy.array2string(self.detach().numpy(), separator=", ", precision=4, prefix="tensor(")
        extra = "" if self.dtype is complex64 else f", dtype={self.dtype}"
        return f"tensor({values}{extra}{', requires_grad=True' if self.requires_grad else ''})"

    # ---- parts -----------------------------------------------------------------------------------------------------------
    def abs(self):
        """sqrt(x^2 + y^2); its gradient at 0 is 0."""
        from .reductions import norm
        return norm(self.pair, 2, -1)

    __abs__ = absolute = abs

    def angle(self):
        return atan2(self.imag, self.real)

    def conj(self):
        return make(self.real, -self.imag)

    conj_physical = conj

    def resolve_conj(self):
        return self

    resolve_neg = resolve_conj

    def sgn(self):
        size = self.abs()
        zero = size == 0
        return self / where(zero, _core.ones_like(size), size)

    # ---- arithmetic ------------------------------------------------------------------------------------------------------
    def __neg__(self):
        return ComplexTensor(-self.pair)

    def __add__(self, other):
        other = _as_complex(other, self)
        return other if other is NotImplemented else _sum(self, other)

    __radd__ = add = __add__

    def __sub__(self, other):
        other = _as_complex(other, self)
        return other if other is NotImplemented else _sum(self, -other)

    sub = __sub__

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        if isinstance(other, Tensor) and not other.dtype.is_complex:
            return ComplexTensor(self.pair * other.unsqueeze(-1))
        if isinstance(other, (int, float)):
            return ComplexTensor(self.pair * other)
        other = _as_complex(other, self)
        if other is NotImplemented:
            return other
        a, b, c, d = self.real, self.imag, other.real, other.imag
        return make(a * c - b * d, a * d + b * c)

    __rmul__ = mul = multiply = __mul__

    def __truediv__(self, other):
        if isinstance(other, Tensor):
            return ComplexTensor(self.pair / other.unsqueeze(-1))
        if isinstance(other, (int, float)):
            return ComplexTensor(self.pair / other)
        other = _as_complex(other, self)
        return other if other is NotImplemented else self * other.reciprocal()

    div = __truediv__

    def __rtruediv__(self, other):
        return self.reciprocal() * other

    def reciprocal(self):
        return self.conj() / (self.pair * self.pair).sum(-1)

    def __pow__(self, n):
        if n == 2:
            return self * self
        if isinstance(n, int) and n >= 0:
            y = make(_core.ones(self.shape, dtype=self.pair.dtype), _core.zeros(self.shape, dtype=self.pair.dtype))
            for _ in range(n):
                y = y * self
            return y
        return exp_of(self.log() * n)

    pow = __pow__

    def __matmul__(self, other):
        other = _as_complex(other, self)
        if other is NotImplemented:
            return other
        a, b, c, d = self.real, self.imag, other.real, other.imag
        return make(matmul(a, c) - matmul(b, d), matmul(a, d) + matmul(b, c))

    matmul = mm = bmm = __matmul__

    def __rmatmul__(self, other):
        return _as_complex(other, self) @ self

    def __eq__(self, other):
        other = _as_complex(other, self)
        return other if other is NotImplemented else (self.real == other.real) & (self.imag == other.imag)

    __hash__ = object.__hash__

    def exp(self):
        return exp_of(self)

    def log(self):
        return make(log(self.abs()), self.angle())

    def sqrt(self):
        size, half = self.abs().sqrt(), self.angle() * 0.5
        return make(size * cos(half), size * sin(half))

    def square(self):
        return self * self

    # ---- reductions --------------------------------------------------------------------------------------------------------
    def sum(self, dim=None, keepdim=False):
        return ComplexTensor(self.pair.sum(self._dims(dim), keepdim) if self.ndim else self.pair)

    def mean(self, dim=None, keepdim=False):
        return ComplexTensor(self.pair.mean(self._dims(dim), keepdim) if self.ndim else self.pair)

    def _dims(self, dim):
        return tuple(range(self.ndim)) if dim is None else tuple(self._dim(d) for d in ((dim,) if isinstance(dim, int) else dim))

    def _dim(self, d, extra=0):
        n = self.ndim + extra
        d = operator.index(d)
        if not -max(n, 1) <= d < max(n, 1):
            raise DimError(f"complex: dim {d} is out of range for a tensor with {n} dimensions")
        return d + n if d < 0 else d

    # ---- shapes ------------------------------------------------------------------------------------------------------------
    def reshape(self, *shape):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return ComplexTensor(self.pair.reshape(*_sizes(shape, self.numel()), 2))

    view = reshape

    def permute(self, *dims):
        dims = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
        return ComplexTensor(self.pair.permute(*(self._dim(d) for d in dims), self.ndim))

    def expand(self, *shape):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return ComplexTensor(self.pair.expand(*shape, 2))

    def flatten(self, start_dim=0, end_dim=-1):
        return ComplexTensor(self.pair.flatten(self._dim(start_dim), self._dim(end_dim))) if self.ndim else self.reshape(1)

    def squeeze(self, dim=None):
        dims = [d for d in (range(self.ndim) if dim is None else self._dims(dim)) if self.shape[d] == 1]
        return self.reshape(*(s for i, s in enumerate(self.shape) if i not in dims)) if dims else self

    def unsqueeze(self, dim):
        return ComplexTensor(self.pair.unsqueeze(self._dim(dim, 1)))

    def __getitem__(self, index):
        index = index if isinstance(index, tuple) else (index,)
        return ComplexTensor(self.pair[_spread(index)])

    def __setitem__(self, index, value):
        value = _as_complex(value, self)
        index = index if isinstance(index, tuple) else (index,)
        self.pair[_spread(index)] = value.pair

    mT = property(lambda self: self.transpose(-2, -1))
    mH = property(lambda self: self.transpose(-2, -1).conj())
    T = property(lambda self: self.permute(*reversed(range(self.ndim))))
    H = mH

    # ---- memory -------------------------------------------------------------------------------------------------------------
    def backward(self, gradient=None, **kw):
        if gradient is None:
            raise ArgumentError("backward: the gradient can be created implicitly only for a real scalar; take abs(), real, ...")
        self.pair.backward(gradient.pair, **kw)

    def to(self, dtype=None, *args, **kw):
        if isinstance(dtype, ComplexType):
            return ComplexTensor(self.pair.to(dtype.part))
        if isinstance(dtype, _core.dtype):
            raise DTypeError(f"to: a complex tensor does not convert to {dtype}; take .real, .imag or .abs() first")
        return self


def _same(name):
    """A method that does to the pair what it does to a tensor."""
    def method(self, *args, **kw):
        return ComplexTensor(getattr(self.pair, name)(*args, **kw))
    method.__name__ = name
    setattr(ComplexTensor, name, method)


def _by_dim(name, count):
    """A method whose first arguments are dimensions."""
    def method(self, *args):
        r = getattr(self.pair, name)(*(self._dim(d) for d in args[:count]), *args[count:])
        return ComplexTensor(r)
    method.__name__ = name
    setattr(ComplexTensor, name, method)


for _name in ("detach", "clone", "contiguous", "cpu"):
    _same(_name)
for _name, _count in {"transpose": 2, "swapaxes": 2, "select": 1, "narrow": 1}.items():
    _by_dim(_name, _count)


def _spread(index):
    """An index of complex elements as one of pairs."""
    return (*index, slice(None)) if any(i is Ellipsis for i in index) else (*index, Ellipsis)


def _sizes(shape, numel):
    """A shape with -1 filled in."""
    shape = [operator.index(s) for s in shape]
    if -1 in shape:
        known = math.prod(s for s in shape if s != -1)
        if known == 0 or numel % known:
            raise ShapeError(f"reshape: {numel} elements do not fit the shape {shape}")
        shape[shape.index(-1)] = numel // known
    return shape


def _as_complex(x, like):
    if isinstance(x, ComplexTensor):
        return x
    part = like.pair.dtype
    if isinstance(x, Tensor):
        part = part if x.dtype is not _core.float64 or not x.ndim else x.dtype
        x = x.to(part)
        return make(x, _core.zeros_like(x))
    if isinstance(x, (int, float, complex)):
        return ComplexTensor(_core.full((2,), 0.0, dtype=part) if x == 0 else _number(complex(x), part))
    return NotImplemented


def _number(x, part):
    from .creation import tensor
    return tensor([x.real, x.imag], dtype=part)


def _sum(a, b):
    """Pairs of different ranks broadcast from the dimension before the last."""
    n = max(a.ndim, b.ndim)
    a, b = (p if p.ndim == n + 1 else p.reshape(*(1,) * (n + 1 - p.ndim), *p.shape) for p in (a.pair, b.pair))
    return ComplexTensor(a + b)


def make(real, imag):
    """x + iy of two real tensors, broadcast."""
    from .joining import stack
    if tuple(real.shape) != tuple(imag.shape):
        from .shaping import broadcast_tensors
        real, imag = broadcast_tensors(real, imag)
    return ComplexTensor(stack([real, imag], -1))


def exp_of(z):
    """e^z"""
    size = exp(z.real)
    return make(size * cos(z.imag), size * sin(z.imag))


def of_numpy(a):
    """A complex array as a ComplexTensor (a copy)."""
    import numpy
    a = numpy.array(a, order="C")
    return ComplexTensor(_core.from_numpy(a.view(a.real.dtype).reshape(*a.shape, 2)))
