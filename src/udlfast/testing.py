"""Assertions and random inputs for tests of programs that use udlfast."""

import math
import warnings

from . import _core
from ._core import Tensor, bfloat16, float16, float32, float64
from .errors import ArgumentError
from .ops.creation import as_tensor
from .typeinfo import finfo, iinfo

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# (relative, absolute) as PyTorch's; anything else must be equal
_TOLERANCE = {float32: (1.3e-6, 1e-5), float64: (1e-7, 1e-7), bfloat16: (1.6e-2, 1e-5), float16: (1e-3, 1e-5)}


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False, check_device=True, check_dtype=True,
                 check_layout=True, check_stride=False, msg=None):  # fmt: skip
    """Raise AssertionError unless |actual - expected| <= atol + rtol |expected| everywhere, and shapes and types agree.

    Args:
        actual, expected: tensors, arrays or numbers, or sequences and mappings of them
        rtol, atol: tolerances; both or none (then by type: float32 1.3e-6 and 1e-5)
        equal_nan: whether NaN equals NaN
        check_dtype: whether types must agree
        check_stride: whether strides must agree
        msg: text of the error instead of the list of differences, or a function that makes it from that list
        allow_subclasses, check_device, check_layout: accepted; there is one device and one layout
    Raises: AssertionError, ValueError where only one of rtol and atol is given, TypeError for what cannot be compared

    >>> import udlfast as torch
    >>> torch.testing.assert_close({"a": torch.ones(2)}, {"a": torch.ones(2)})

    Source: the public names of PyTorch.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: rtol and atol must be given together")
    text = _difference(actual, expected, rtol, atol, equal_nan, check_dtype, check_stride, "")
    if text:
        text = f"assert_close: {text}"
        raise AssertionError(msg(text) if callable(msg) else msg or text)


def _difference(actual, expected, rtol, atol, equal_nan, check_dtype, check_stride, where):
    """What differs, in words; None where nothing does."""
    rest = (rtol, atol, equal_nan, check_dtype, check_stride)
    at = f" at {where}" if where else ""
    if isinstance(actual, dict) and isinstance(expected, dict):
        if set(actual) != set(expected):
            return f"the keys differ{at}: {list(actual)} and {list(expected)}"
        pairs = [(actual[k], expected[k], f"{where}[{k!r}]") for k in actual]
    elif isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            return f"the lengths differ{at}: {len(actual)} and {len(expected)}"
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(actual, expected))]
    else:
        return _tensor_difference(actual, expected, *rest, at)
    return next((text for a, b, place in pairs if (text := _difference(a, b, *rest, place))), None)


def _tensor_difference(actual, expected, rtol, atol, equal_nan, check_dtype, check_stride, at):
    if actual is None or expected is None:
        return None if actual is expected else f"only one is None{at}: {actual!r} and {expected!r}"
    for x in (actual, expected):
        if isinstance(x, (str, bytes)) or not (isinstance(x, (Tensor, int, float)) or hasattr(x, "__array__")):
            raise TypeError(f"assert_close: expected tensors, arrays, numbers, sequences or mappings, got {type(x).__name__}{at}")
    number = isinstance(actual, (int, float)) and isinstance(expected, (int, float))
    if number or isinstance(actual, Tensor) != isinstance(expected, Tensor):
        if not number:
            raise TypeError(f"assert_close: {type(actual).__name__} and {type(expected).__name__} cannot be compared{at}")
        if check_dtype and type(actual) is not type(expected):
            return f"the types differ{at}: {type(actual).__name__} and {type(expected).__name__}"
        a, b = (_core.full((), x, dtype=float64 if isinstance(x, float) else None) for x in (actual, expected))
    else:
        a, b = (x.detach() if isinstance(x, Tensor) else as_tensor(x) for x in (actual, expected))
    if a.shape != b.shape:
        return f"the shapes differ{at}: {list(a.shape)} and {list(b.shape)}"
    if check_dtype and a.dtype is not b.dtype and not number:
        return f"the types differ{at}: {a.dtype} and {b.dtype}"
    if check_stride and a.stride() != b.stride():
        return f"the strides differ{at}: {a.stride()} and {b.stride()}"
    if rtol is None:
        both = (_TOLERANCE.get(a.dtype, (0.0, 0.0)), _TOLERANCE.get(b.dtype, (0.0, 0.0)))
        rtol, atol = max(t[0] for t in both), max(t[1] for t in both)
    x, y = a.double(), b.double()
    bad = ~x.isclose(y, rtol, atol, equal_nan)
    if not a.dtype.is_floating_point and a.dtype is b.dtype and rtol == atol == 0:
        bad = a != b  # float64 does not hold all of int64
    if bool(bad.any()):
        worst = (x - y).abs().max().item()
        return (f"{int(bad.sum())} of {a.numel()} elements differ{at}; the largest difference is {worst:.3g} "
                f"(allowed {atol:g} + {rtol:g} |expected|)")  # fmt: skip
    return None


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """The old form of assert_close: NaN equals NaN and types may differ; warns.

    >>> import udlfast as torch
    >>> torch.testing.assert_close(torch.ones(1), torch.ones(1))
    """
    warnings.warn("`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
                  "Please use `torch.testing.assert_close()` instead.", FutureWarning, stacklevel=2)  # fmt: skip
    a, b = (x if isinstance(x, Tensor) else as_tensor(x) for x in (actual, expected))
    assert_close(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def make_tensor(*shape, dtype, device, low=None, high=None, requires_grad=False, noncontiguous=False, exclude_zero=False,
                memory_format=None):  # fmt: skip
    """Uniform random numbers of any element type from [low, high), for tests.

    Args:
        shape: sizes, or one sequence of them
        dtype: the element type
        device: "cpu"
        low, high: the interval; default: [-9, 9) for floating types, -9 .. 9 for signed integers, 0 .. 9 for unsigned ones, both
            truth values for bool; cut to what the type holds
        requires_grad: whether operations on it are recorded
        noncontiguous: every other element of a tensor that is twice as wide
        exclude_zero: zeros become 1, or the smallest normal number
        memory_format: accepted; not together with noncontiguous
    Returns: a tensor
    Raises: ValueError for an interval that holds nothing or is NaN, for gradients of integers, for both of the last two options

    >>> import udlfast as torch
    >>> torch.testing.make_tensor((2, 3), dtype=torch.int64, device="cpu", low=0, high=1).tolist()
    [[0, 0, 0], [0, 0, 0]]

    Source: the public names of PyTorch.
    """
    if not isinstance(dtype, _core.dtype):
        raise TypeError(f"make_tensor: expected one of udlfast's dtypes, got {dtype!r}")
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0])
    if noncontiguous and memory_format is not None:
        raise ArgumentError("make_tensor: noncontiguous and memory_format exclude each other")
    whole = not dtype.is_floating_point
    if requires_grad and whole:
        raise ArgumentError(f"make_tensor: requires_grad=True needs a floating-point dtype, got {dtype}")
    low, high = _interval(dtype, low, high)
    noncontiguous = noncontiguous and math.prod(shape) > 1
    drawn = (*shape[:-1], 2 * shape[-1]) if noncontiguous else shape
    if whole:
        result = _integers(drawn, dtype, low, high)
    elif low == high:
        result = _core.full(drawn, low, dtype=dtype)
    else:  # in float64, where high - low does not overflow
        wide = _core.empty(drawn, dtype=float64).uniform_(0.0, 1.0)
        result = (wide * high + (1 - wide) * low).clamp_(low, high).to(dtype)
        result.masked_fill_(result >= high, low)
    if noncontiguous:
        result = result[..., 1::2]
    if exclude_zero:
        result.masked_fill_(result == 0, 1 if whole else finfo(dtype).tiny)
    return result.requires_grad_(requires_grad) if requires_grad else result


def _interval(dtype, low, high):
    """The ends, cut to what the type holds; whole numbers for whole types."""
    if dtype is _core.bool_:
        least, most, ends = 0, 2, (0, 2)
    elif dtype.is_floating_point:
        least, most, ends = finfo(dtype).min, finfo(dtype).max, (-9, 9)
    else:
        least, most, ends = iinfo(dtype).min, iinfo(dtype).max + (iinfo(dtype).bits < 63), (-9, 10)
    low, high = ends[0] if low is None else low, ends[1] if high is None else high
    if low != low or high != high:
        raise ArgumentError(f"make_tensor: low and high cannot be NaN, got {low} and {high}")
    if low == high and dtype.is_floating_point:
        warnings.warn("Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and "
                      "will be removed in 2.3. Use `torch.full(...)` instead.", FutureWarning, stacklevel=3)  # fmt: skip
    elif low >= high:
        raise ArgumentError(f"make_tensor: low must be less than high, got {low} and {high}")
    elif high < least or low >= most:
        raise ArgumentError(f"make_tensor: [{low}, {high}) lies outside [{least}, {most}), which is what {dtype} holds")
    low, high = min(max(low, least), most), min(max(high, least), most)
    return (low, high) if dtype.is_floating_point else (math.ceil(low), math.ceil(high))


def _integers(shape, dtype, low, high):
    from .ops.random import randint

    if high <= 2**63 - 1:
        return randint(low, high, shape, dtype=dtype)
    return randint(low - 2**63, high - 2**63, shape).bitwise_xor_(-(2**63)).to(dtype)  # the upper half of uint64
