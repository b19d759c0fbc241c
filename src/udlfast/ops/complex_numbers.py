"""Complex numbers at torch level: making them, and their parts (see _complex.py)."""
from .. import _core
from .._core import extend, put_out, set_hook
from ..errors import DTypeError, ShapeError
from ._common import floating, tensor
from ._complex import ComplexTensor, _as_complex, make
from .elementwise import cos, sin, where


def complex(real, imag, *, out=None):
    """real + i imag.

    >>> import udlfast as torch
    >>> torch.complex(torch.tensor([1.]), torch.tensor([2.])).tolist()
    [(1+2j)]
    """
    floating("complex", real, "real")
    floating("complex", imag, "imag")
    if real.dtype is not imag.dtype:
        raise DTypeError(f"complex: expected real and imag of one type, got {real.dtype} and {imag.dtype}")
    return make(real, imag)


def polar(abs, angle, *, out=None):
    """abs (cos angle + i sin angle).

    >>> import udlfast as torch
    >>> torch.polar(torch.tensor([2.]), torch.tensor([0.])).tolist()
    [(2+0j)]
    """
    floating("polar", abs, "abs")
    floating("polar", angle, "angle")
    if abs.dtype is not angle.dtype:
        raise DTypeError(f"polar: expected abs and angle of one type, got {abs.dtype} and {angle.dtype}")
    return make(abs * cos(angle), abs * sin(angle))


def view_as_complex(input):
    """Pairs [..., 2] as complex numbers [...].

    >>> import udlfast as torch
    >>> torch.view_as_complex(torch.tensor([1., 2.])).item()
    (1+2j)
    """
    floating("view_as_complex", input)
    if not input.ndim or input.shape[-1] != 2:
        raise ShapeError(f"view_as_complex: the last dimension must have size 2, got {list(input.shape)}")
    return ComplexTensor(input)


def view_as_real(input):
    """Complex numbers [...] as pairs [..., 2].

    >>> import udlfast as torch
    >>> torch.view_as_real(torch.complex(torch.tensor(1.), torch.tensor(2.)))
    tensor([1., 2.])
    """
    if not isinstance(input, ComplexTensor):
        raise DTypeError(f"view_as_real: expected complex numbers, got {type(input).__name__} "
                         f"{getattr(input, 'dtype', '')}")
    return input.pair


def real(input):
    """The real part (a real tensor itself).

    >>> import udlfast as torch
    >>> torch.real(torch.tensor([1.]))
    tensor([1.])
    """
    return input.real if isinstance(input, ComplexTensor) else _itself("real", input)


def imag(input):
    """The imaginary part of complex numbers.

    >>> import udlfast as torch
    >>> torch.imag(torch.complex(torch.tensor(1.), torch.tensor(2.)))
    tensor(2.)
    """
    if not isinstance(input, ComplexTensor):
        raise DTypeError(f"imag: expected complex numbers, got {type(input).__name__} {getattr(input, 'dtype', '')}")
    return input.imag


def angle(input, *, out=None):
    """The angle in radians; of real numbers 0, pi for negative ones, NaN for NaN.

    >>> import udlfast as torch
    >>> torch.angle(torch.tensor([1., -1.]))
    tensor([0.0000, 3.1416])
    """
    if isinstance(input, ComplexTensor):
        return input.angle()
    tensor("angle", input)
    x = input if input.dtype.is_floating_point else input.to(_core.get_default_dtype())
    y = (x < 0).to(x.dtype) * 3.141592653589793
    y = where(x != x, x.detach(), y)
    from ._linalg_common import constant
    y = constant(y, x)
    return y if out is None else put_out(out, y)


def conj(input):
    """The conjugate (a real tensor itself).

    >>> import udlfast as torch
    >>> torch.conj(torch.tensor([1.]))
    tensor([1.])
    """
    return input.conj() if isinstance(input, ComplexTensor) else _itself("conj", input)


def conj_physical(input, *, out=None):
    """The conjugate; see udlfast.conj."""
    return conj(input) if out is None else out.copy_(conj(input))


def resolve_conj(input):
    """The input: conjugates are never delayed here."""
    return input


def resolve_neg(input):
    """The input: negatives are never delayed here."""
    return input


def _itself(op, x):
    tensor(op, x)
    return x


def _no_imag(self):
    raise DTypeError(f"imag: expected complex numbers, got a Tensor of {self.dtype}")


def _binary(op, a, b):
    """torch.add(a, b) and its like where one of both is complex; operators find their own way."""
    if op not in ("add", "sub", "mul", "div", "pow", "eq", "matmul"):
        raise DTypeError(f"{op}: not defined for complex numbers; use their real and imaginary parts")
    a, b = (a, b) if isinstance(a, ComplexTensor) else (_as_complex(a, b), b)
    return getattr(a, "__truediv__" if op == "div" else f"__{op}__")(b)


set_hook("complex_binary", _binary)
extend("real", property(real))
extend("imag", property(_no_imag))
for _function in (angle, conj, conj_physical):
    extend(_function.__name__, _function)
