"""Autocast as the operations see it: ON says whether any thread is inside it, which costs the others one look-up.

    if _autocast.ON:
        input, weight = _autocast.low(input, weight)

matmul and linear ask by themselves (_core/matmul.pxi)."""

from .. import _core
from .._core import Tensor, bfloat16, float32

ON = 0  # is autocast on, in any thread? (a count of threads would need a lock; a thread that is outside asks in vain)


def switch(dtype):
    """Sets the element type of this thread's products (None: off); gives the one before."""
    global ON
    if dtype is not None:
        ON = 1
    return _core.set_autocast(dtype)


def low(*tensors):
    """Floating tensors other than float64 in the type of autocast, if this thread is inside; others, and None, as they are."""
    kind = _core.get_autocast()
    if kind is None:
        return tensors
    return tuple(t.to(kind) if isinstance(t, Tensor) and t.dtype is float32 else t for t in tensors)


def rounds(*tensors):
    """Is this thread inside autocast to bfloat16, and are all tensors (None aside) float32 or bfloat16?"""
    return _core.get_autocast() is bfloat16 and all(t is None or t.dtype is float32 or t.dtype is bfloat16 for t in tensors)


def wide(*tensors):
    """Tensors of 16-bit types as float32, if this thread is inside autocast."""
    if _core.get_autocast() is None:
        return tensors
    return tuple(t.to(float32) if isinstance(t, Tensor) and t.dtype.narrow else t for t in tensors)


def widest(tensors):
    """Tensors of float32 and a 16-bit type in one type, if this thread is inside autocast: for cat and stack."""
    if _core.get_autocast() is None:
        return tensors
    kinds = {t.dtype for t in tensors if isinstance(t, Tensor)}
    return [t.to(float32) if t.dtype.narrow else t for t in tensors] if float32 in kinds and len(kinds) > 1 else tensors


def paused(function, *args):
    """function(*args) outside autocast: what an operation does after it has converted its inputs itself."""
    before = _core.set_autocast(None)
    try:
        return function(*args)
    finally:
        _core.set_autocast(before)
