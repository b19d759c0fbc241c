"""Comparisons of whole tensors within tolerances, and the replacement of what is not finite."""

import math

from .. import _core
from .._core import Tensor, extend, put_out
from ..errors import ArgumentError, DTypeError
from .elementwise import isfinite, isnan, where


def isclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False, *, out=None):
    """Whether |input - other| <= atol + rtol |other|, element by element."""
    if rtol < 0 or atol < 0:
        raise ArgumentError(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    if isinstance(other, Tensor) and input.dtype is not other.dtype:
        raise DTypeError(f"isclose: expected two tensors of one type, got {input.dtype} and {other.dtype}")
    close = (input == other) | ((input - other).abs() <= other.abs() * rtol + atol) & isfinite(input - other)
    y = close | (isnan(input) & isnan(other)) if equal_nan else close
    return y if out is None else put_out(out, y)


def allclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether isclose holds everywhere."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all().item())


def equal(input, other):
    """Whether two tensors have the same shape and elements."""
    return input.shape == other.shape and bool((input == other).all().item())


_LARGEST = {_core.float64: 1.7976931348623157e308, _core.float32: 3.4028234663852886e38, _core.bfloat16: 3.3895313892515355e38,
            _core.float16: 65504.0}


def nan_to_num(input, nan=0.0, posinf=None, neginf=None, *, out=None):
    """NaN and infinities replaced by numbers (infinities by the largest finite ones unless given)."""
    if not input.dtype.is_floating_point:
        return input.clone() if out is None else put_out(out, input)
    top = _LARGEST[input.dtype]
    r = where(isnan(input), nan, input)
    r = where(input == math.inf, top if posinf is None else posinf, r)
    y = where(input == -math.inf, -top if neginf is None else neginf, r)
    return y if out is None else put_out(out, y)


for _function in (isclose, allclose, equal, nan_to_num):
    extend(_function.__name__, _function)
