"""Limits of element types: finfo and iinfo."""

from ._core import bfloat16, bool_, dtype, get_default_dtype
from .errors import DTypeError


def _limits(kind):
    """(max, eps, tiny) of a type that has a name only, or None."""
    if isinstance(kind, dtype):
        return None
    from ._other_types import LIMITS

    return LIMITS.get(getattr(kind, "name", None))


class finfo:
    """Limits of a floating-point type: eps, max, min, tiny, smallest_normal, resolution, bits.

    >>> import udlfast as torch
    >>> torch.finfo(torch.float32).bits
    32
    """

    def __init__(self, type=None):
        import numpy

        type = get_default_dtype() if type is None else type
        known = _limits(type)
        if known is None and (not isinstance(type, dtype) or not type.is_floating_point):
            raise DTypeError(f"finfo: expected a floating-point dtype, got {type}")
        self.dtype, self.bits = type.name, 8 * type.itemsize
        if known is not None:
            (self.max, self.eps, self.tiny), self.resolution = known, 1.0
        elif type is bfloat16:
            self.eps, self.max, self.tiny, self.resolution = 2.0**-7, (2 - 2.0**-7) * 2.0**127, 2.0**-126, 0.01
        else:
            info = numpy.finfo(type.numpy_name)
            self.eps, self.max, self.tiny, self.resolution = (float(v) for v in (info.eps, info.max, info.tiny, str(info.resolution)))
        self.min, self.smallest_normal = -self.max, self.tiny

    def __repr__(self):
        return (f"finfo(resolution={self.resolution}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
                f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Limits of an integer type: min, max, bits.

    >>> import udlfast as torch
    >>> torch.iinfo(torch.int32).max
    2147483647
    """

    def __init__(self, type):
        import numpy

        if not isinstance(type, dtype) or type.is_floating_point or type is bool_:
            raise DTypeError(f"iinfo: expected an integer dtype, got {type}")
        info = numpy.iinfo(type.numpy_name)
        self.dtype, self.bits, self.min, self.max = type.name, info.bits, int(info.min), int(info.max)

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
