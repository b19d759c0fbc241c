"""New tensors from numbers, lists and arrays."""

import math
import warnings

import numpy as np

from .. import _core
from .._core import Tensor, empty, from_numpy, full, ones, put_out, set_hook, zeros  # noqa: F401
from ..device import made_on, on_device
from ..errors import ArgumentError, DTypeError, ShapeError

_BY_KIND = {"b": _core.bool_, "i": _core.int64, "u": _core.uint8, "f": _core.float64}


def to_tensor(data=None, dtype=None, copy=True):
    """A tensor from a number, nested lists, an array or a tensor; Python floats give the default float type."""
    if isinstance(data, Tensor):
        return data.detach().to(dtype) if dtype is not None and data.dtype is not dtype else \
            (data.detach().clone() if copy else data)
    if type(data) in (list, tuple, float, int) and (dtype is None or isinstance(dtype, _core.dtype)):
        t = _core.from_list(data, dtype)  # the common case
        if t is not None:
            return t
    if isinstance(data, np.ndarray) or isinstance(data, np.generic):
        array = np.asarray(data)
    else:
        if isinstance(_first(data), Tensor):
            return _stacked(data, dtype)
        try:
            array = _unsigned(data) if dtype is _core.uint64 else np.asarray(data)
        except ValueError:
            raise ShapeError(f"tensor: expected lists of equal lengths, got {_short(data)}") from None
        if array.dtype.kind in "uf" and isinstance(_first(data), int) and dtype is not _core.uint64 and array.size \
                and float(array.max()) >= 2.0**63 and _whole_numbers(data):
            raise ArgumentError(f"tensor: {_short(data)} does not fit into int64")
        if isinstance(_first(data), (np.generic, np.ndarray)):
            pass  # they say what they are
        elif array.dtype.kind == "f" and not hasattr(data, "__array__"):
            target = dtype if dtype is not None and dtype is not float else _core.get_default_dtype()
            if getattr(target, "numpy_name", "") == "float32":
                array = array.astype(np.float32)
        elif array.dtype.kind == "i":
            array = array.astype(np.int64, copy=False)
        elif array.dtype.kind == "O" or array.dtype.kind in "US":
            if _whole_numbers(data):
                raise ArgumentError(f"tensor: {_short(data)} does not fit into int64")
            raise DTypeError(f"tensor: cannot make a tensor from {_short(data)}; expected numbers, lists of numbers or arrays")
        if array.size == 0 and not hasattr(data, "__array__"):
            array = array.astype(np.float32 if _core.get_default_dtype() is _core.float32 else np.float64)
    if array.dtype.kind == "c":
        from ._complex import of_numpy
        return of_numpy(array if hasattr(data, "__array__") or _core.get_default_dtype() is _core.float64 else
                        array.astype(np.complex64))
    if array.dtype.kind not in "bifu" or array.dtype.char == "g":
        raise DTypeError(f"tensor: arrays of type {array.dtype} are not supported; convert with .astype")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.base is not None or array is data or copy:
        array = np.array(array, order="C") if array is data or array.base is not None else np.ascontiguousarray(array)
    t = from_numpy(array if array.ndim or not isinstance(array, np.generic) else np.asarray(array))
    if t.ndim == 1 and isinstance(data, (int, float, np.generic)):
        t = t.reshape(())
    if dtype is None or dtype is t.dtype:
        return t
    if array.size and not hasattr(data, "__array__") and not (dtype.is_floating_point or dtype is _core.bool_):
        info = np.iinfo(dtype.numpy_name)  # NaN does not fit; -1 as an unsigned number is the largest
        if not ((info.min or -info.max) <= array.min().item() and array.max().item() <= info.max):
            raise ArgumentError(f"tensor: {_short(data)} does not fit into {dtype}")
    return t.to(dtype)


def _unsigned(data):
    """Lists as an array of uint64, whose upper half float64, NumPy's choice for mixed numbers, does not hold exactly."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy 1 warns of numbers below 0, NumPy 2 refuses them
            return np.asarray(data, dtype=np.uint64)
    except (OverflowError, TypeError, DeprecationWarning):
        return np.asarray(data)


def _short(data):
    text = repr(data)
    return text if len(text) < 60 else text[:57] + "..."


def _whole_numbers(data):
    """Are these whole numbers only?"""
    return all(map(_whole_numbers, data)) if isinstance(data, (list, tuple)) else isinstance(data, int)


def _first(data):
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def _stacked(data, dtype):
    """Lists of tensors of one element (or of equal shapes) as one tensor of values."""
    def walk(x):
        return x.tolist() if isinstance(x, Tensor) else [walk(y) for y in x]
    first = data
    while isinstance(first, (list, tuple)):
        first = first[0]
    return to_tensor(walk(data), dtype or first.dtype)


set_hook("to_tensor", to_tensor)


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new tensor with a copy of the data.

    Args:
        data: a number, nested lists or tuples of numbers, a NumPy array, or a tensor
        dtype: the element type; by default int64 for integers, bool for bools, the default float type for floats, and
            the array's own type for arrays
        device: where it is to live: the CPU unless told otherwise
        requires_grad: record operations on it
        pin_memory: in page-locked memory, from which a GPU reads by itself (where there is one)
    Returns: a tensor
    Raises: ShapeError for ragged lists, DTypeError for what is not numbers

    >>> import udlfast as torch
    >>> torch.tensor([[1., 2.], [3., 4.]])
    tensor([[1., 2.],
            [3., 4.]])

    Source: the public names of PyTorch.
    """
    t = to_tensor(data, dtype)
    if device is not None:
        t = on_device(t, device)
    if pin_memory:
        t = t.pin_memory()
    return t.requires_grad_(True) if requires_grad else t


def as_tensor(data, dtype=None, device=None):
    """A tensor that shares memory with data where it can (an array, or a tensor of the same type)."""
    if device is not None:
        return on_device(as_tensor(data, dtype), device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and data.dtype.char in "?BbHhIiLlQqefd" and data.flags.writeable \
            and all(s >= 0 for s in data.strides):
        t = from_numpy(data)
        return t if dtype is None else t.to(dtype)
    return to_tensor(data, dtype)


def arange(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False, out=None):
    """Numbers start, start + step, ... below end.

    Args:
        start, end, step: numbers; with one argument it is end and start is 0
        dtype: int64 if all are integers, else the default float type, unless given
    Returns: a tensor of ceil((end - start) / step) elements
    Raises: ArgumentError for a step of 0 or of the wrong sign

    >>> import udlfast as torch
    >>> torch.arange(4)
    tensor([0, 1, 2, 3])

    Source: the public names of PyTorch.
    """
    if end is None:
        start, end = 0, start
    if type(start) is int and type(end) is int and step == 1 and 0 <= end - start <= 4096 and abs(start) < 2**53 \
            and dtype in (None, _core.int64) and device is None and out is None and not requires_grad:
        t = _core.ramp(end - start, start, 1, _core.int64)  # the common case
        if t is not None:
            return t
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    if dtype is None and out is not None:
        dtype = out.dtype
    if dtype is not None and not dtype.is_floating_point:
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) / step < 0:
        raise ArgumentError(f"arange: a step of {step} does not lead from {start} to {end}")
    if any(isinstance(x, float) and not math.isfinite(x) for x in (start, end)):
        raise ArgumentError(f"arange: expected finite bounds, got {start} and {end}")
    if abs((end - start) / step) > 2**48:
        raise ShapeError(f"arange: {start} to {end} in steps of {step} has more elements than memory can hold")
    if dtype is None:
        dtype = _core.int64 if all(isinstance(x, int) for x in (start, end, step)) else _core.get_default_dtype()
    if dtype.is_floating_point:
        n = math.ceil((end - start) / step)
        t = _core.ramp(n, start, step, dtype)
        if t is None:
            t = from_numpy(np.arange(n, dtype=np.float64) * step + start).to(dtype)
    else:
        t = from_numpy(np.arange(start, end, step, dtype=np.int64)).to(dtype)
    t = made_on(t if out is None else put_out(out, t), device)
    return t.requires_grad_(True) if requires_grad else t


def _bounds(op, start, end, steps):
    if steps < 0:
        raise ArgumentError(f"{op}: expected steps of at least 0, got {steps}")
    for x in (start, end):
        if isinstance(x, Tensor) and x.ndim:
            raise ShapeError(f"{op}: expected start and end as numbers or 0-d tensors, got {list(x.shape)}")
    return (x.item() if isinstance(x, Tensor) else x for x in (start, end))


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False, out=None):
    """`steps` numbers from start to end, both included, at equal distances.

    >>> import udlfast as torch
    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    start, end = _bounds("linspace", start, end, steps)
    dtype, t = dtype or _core.get_default_dtype(), None
    if steps > 1 and dtype.is_floating_point and math.isfinite(end - start) and (end - start) / (steps - 1) != 0:
        t = _core.ramp(steps, start, (end - start) / (steps - 1), dtype)
        if t is not None:
            t[-1] = end
    if t is None:
        t = from_numpy(np.linspace(start, end, steps, dtype=np.float64)).to(dtype)
    t = made_on(t if out is None else put_out(out, t), device)
    return t.requires_grad_(True) if requires_grad else t


def logspace(start, end, steps, base=10.0, *, dtype=None, device=None, requires_grad=False, out=None):
    """`steps` numbers from base^start to base^end at equal ratios."""
    start, end = _bounds("logspace", start, end, steps)
    t = from_numpy(np.logspace(start, end, steps, base=base, dtype=np.float64)).to(dtype or _core.get_default_dtype())
    t = made_on(t if out is None else put_out(out, t), device)
    return t.requires_grad_(True) if requires_grad else t


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False, out=None):
    """A matrix with ones on the diagonal.

    >>> import udlfast as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if n < 0 or (m is not None and m < 0):
        raise ShapeError(f"eye: negative size in ({n}, {m})")
    if n * (n if m is None else m) > 2**48:
        raise ShapeError(f"eye: size ({n}, {n if m is None else m}) has more elements than memory can hold")
    m = n if m is None else m
    t = zeros((n, m), dtype=dtype or _core.get_default_dtype())
    if n and m:
        _core.as_strided(t, (min(n, m),), (m + 1,)).fill_(1)
    t = made_on(t if out is None else put_out(out, t), device)
    return t.requires_grad_(True) if requires_grad else t


def scalar_tensor(value, *, dtype=None, device=None, requires_grad=False, **ignored):
    """A 0-d tensor of the default float type unless given."""
    return full((), value, dtype=dtype or _core.get_default_dtype(), device=device, requires_grad=requires_grad)


def _new(make):
    def method(self, *args, size=None, dtype=None, device=None, requires_grad=False):
        device = self.device if device is None and self.is_cuda else device
        args = args if size is None else (size,)
        return make(*args, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)
    return method


def _new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False):
    device = self.device if device is None and self.is_cuda else device
    return full(size, fill_value, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


_core.extend("new_zeros", _new(zeros))
_core.extend("new_ones", _new(ones))
_core.extend("new_empty", _new(empty))
_core.extend("new_full", _new_full)
_core.extend("new_tensor", _new(tensor))


def integer_matmul(a, b):
    """Products of integer matrices, by NumPy (nothing here is hot)."""
    return from_numpy(np.ascontiguousarray(np.matmul(a.numpy(), b.numpy()))) if a.ndim > 1 or b.ndim > 1 else \
        full((), int(np.matmul(a.numpy(), b.numpy())), dtype=a.dtype)


set_hook("integer_matmul", integer_matmul)
