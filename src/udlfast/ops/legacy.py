"""Old ways to make tensors, by type: torch.Tensor(2, 3), torch.LongTensor([1, 2]); they also answer isinstance."""
from .. import _core
from .._core import Tensor, empty, set_hook
from ..errors import DTypeError
from .creation import to_tensor


def _make(dtype, *args, device=None):
    """Sizes give a tensor whose elements are not set, anything else its data."""
    if device is not None:
        from ..device import check_device
        check_device(device)
    if not args:
        return empty(0, dtype=dtype)
    if len(args) > 1 or type(args[0]).__name__ == "Size" or isinstance(args[0], int):
        return empty(*args, dtype=dtype)
    if isinstance(args[0], Tensor):
        if args[0].dtype is not dtype:
            raise DTypeError(f"Tensor: expected data of type {dtype}, got a tensor of type {args[0].dtype}; use .to({dtype})")
        return args[0].detach()
    return to_tensor(args[0], dtype)


set_hook("legacy_tensor", lambda *args, **kwargs: _make(_core.get_default_dtype(), *args, **kwargs))


class TensorType(type):
    """The class of FloatTensor and its kin: a call makes a tensor, isinstance asks for the element type."""

    def __call__(cls, *args, **kwargs):
        return _make(cls.dtype, *args, **kwargs)

    def __instancecheck__(cls, obj):
        return isinstance(obj, Tensor) and obj.dtype is cls.dtype


def _type(name, dtype):
    new = TensorType(name, (), {"dtype": dtype, "__module__": __name__, "__doc__": f"Tensors of {dtype}: {name}(sizes) or {name}(data)."})
    return new


FloatTensor = _type("FloatTensor", _core.float32)
DoubleTensor = _type("DoubleTensor", _core.float64)
HalfTensor = _type("HalfTensor", _core.float16)
BFloat16Tensor = _type("BFloat16Tensor", _core.bfloat16)
LongTensor = _type("LongTensor", _core.int64)
IntTensor = _type("IntTensor", _core.int32)
ShortTensor = _type("ShortTensor", _core.int16)
CharTensor = _type("CharTensor", _core.int8)
ByteTensor = _type("ByteTensor", _core.uint8)
BoolTensor = _type("BoolTensor", _core.bool_)


def set_default_tensor_type(t):
    """Make the element type of FloatTensor or DoubleTensor (or their names) that of new floating tensors."""
    if isinstance(t, str):
        t = globals().get(t.rpartition(".")[2])
    if not isinstance(t, TensorType):
        raise DTypeError(f"set_default_tensor_type: expected udlfast.FloatTensor or udlfast.DoubleTensor, got {t!r}")
    _core.set_default_dtype(t.dtype)
