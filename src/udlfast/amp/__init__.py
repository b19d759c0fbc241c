"""Mixed precision: matrix products and convolutions in a type of 16 bits, losses in float32."""

import functools
import warnings

from .. import _core
from ..errors import ArgumentError
from ..ops import _autocast
from .grad_scaler import GradScaler as GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_TYPES = {"cpu": _core.bfloat16}


class autocast:
    """A block, or a decorator, in which products of float32 tensors are computed in bfloat16 (or float16).

    Linear layers, matmul and what is made of it, convolutions, attention and recurrent layers convert their float32 inputs to
    bfloat16 and give bfloat16; losses convert to float32; all other operations take what they get. float64 is left alone. Gradients
    arrive in the type of what they belong to. Call backward outside.

    Arguments:
        device_type: "cpu"; another one warns and changes nothing.
        dtype: bfloat16, or float16, which saves memory and no time here; another one warns and changes nothing.
        enabled: False turns a surrounding block off.
        cache_enabled: accepted for compatibility.

    Example:
        >>> import udlfast as torch
        >>> with torch.autocast("cpu"):
        ...     y = torch.ones(2, 2) @ torch.ones(2, 2)
        >>> y.dtype
        udlfast.bfloat16

    Source: Micikevicius et al. 2018.
    """

    def __init__(self, device_type="cpu", dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ArgumentError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device, self.fast_dtype = device_type, dtype or get_autocast_dtype(device_type)
        if not is_autocast_available(device_type):
            if enabled:
                warnings.warn(f"User provided device_type of '{device_type}', but it is not available. Disabling", stacklevel=2)
            self.want = NOTHING
        elif enabled and not self.fast_dtype.narrow:
            warnings.warn(f"In CPU autocast, but the target dtype {self.fast_dtype} is not supported. Disabling autocast. CPU Autocast "
                          f"only supports dtype of udlfast.bfloat16, udlfast.float16 currently.", stacklevel=2)  # fmt: skip
            self.want = None
        else:
            self.want = self.fast_dtype if enabled else None
        self._enabled, self._before = self.want is not None and self.want is not NOTHING, []

    def __enter__(self):
        if self.want is not NOTHING:
            self._before.append(_autocast.switch(self.want))
        return self

    def __exit__(self, *exc):
        if self.want is not NOTHING:
            _autocast.switch(self._before.pop())
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return wrapped


NOTHING = object()  # of a block that changes nothing


def is_autocast_available(device_type):
    """Whether autocast does anything on a device: on the CPU, and on a GPU where there is one. It is one switch for both."""
    if device_type == "cuda":
        from .. import cuda

        return cuda.is_available()
    return device_type == "cpu"


def is_autocast_enabled(device_type=None):
    """Whether this thread is inside autocast; without a device: of CUDA."""
    return is_autocast_available(device_type or "cuda") and _core.get_autocast() is not None


def is_autocast_cpu_enabled():
    """Whether this thread is inside autocast."""
    return _core.get_autocast() is not None


def set_autocast_enabled(device_type, enabled=None):
    """Turns autocast of this thread on or off."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    if is_autocast_available(device_type):
        _autocast.switch(get_autocast_dtype(device_type) if enabled else None)


def set_autocast_cpu_enabled(enabled):
    """Turns autocast of this thread on or off."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_dtype(device_type="cpu"):
    """The element type that products take inside autocast unless the block names one."""
    return _TYPES.get(device_type, _core.float16)


def set_autocast_dtype(device_type, dtype):
    """Makes bfloat16 or float16 the type of blocks that name none."""
    if not getattr(dtype, "narrow", False):
        raise ArgumentError(f"set_autocast_dtype: only udlfast.bfloat16 and udlfast.float16 are supported, got {dtype}")
    _TYPES[device_type] = dtype


def get_autocast_cpu_dtype():
    """The element type that products take inside autocast on the CPU unless the block names one."""
    return _TYPES["cpu"]


def clear_autocast_cache():
    """Nothing to clear: no conversions are kept."""


def custom_fwd(fwd=None, *, device_type="cpu", cast_inputs=None):
    """A decorator for Function.forward: with cast_inputs, floating inputs are converted and autocast is off inside."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def wrapped(ctx, *args, **kwargs):
        ctx._autocast = _core.get_autocast()
        if cast_inputs is None or ctx._autocast is None:
            return fwd(ctx, *args, **kwargs)
        ctx._autocast = None
        args = [a.to(cast_inputs) if isinstance(a, _core.Tensor) and a.is_floating_point() and a.dtype is not _core.float64 else a
                for a in args]  # fmt: skip
        with autocast("cpu", enabled=False):
            return fwd(ctx, *args, **kwargs)

    return wrapped


def custom_bwd(bwd=None, *, device_type="cpu"):
    """A decorator for Function.backward: autocast is as it was in forward."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def wrapped(ctx, *args, **kwargs):
        with autocast("cpu", enabled=getattr(ctx, "_autocast", None) is not None):
            return bwd(ctx, *args, **kwargs)

    return wrapped


def __getattr__(name):
    if name in ("autocast_mode", "grad_scaler"):  # where PyTorch keeps these names
        from importlib import import_module

        return import_module(__name__ if name == "autocast_mode" else ".grad_scaler", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
