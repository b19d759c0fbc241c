"""PyTorch's old constructors, one for each element type: LongTensor([1, 2]), FloatTensor(2, 3)."""

from . import _core


class _Kind(type):
    def __instancecheck__(cls, x):
        return type(x) is _core.Tensor and x.dtype is cls.dtype


def _constructor(name, dtype):
    def new(cls, *given):
        from .ops.creation import tensor

        if all(type(n) is int for n in given):
            return _core.empty(given or (0,), dtype=dtype)
        if len(given) != 1:
            from .errors import ArgumentError

            raise ArgumentError(f"{name}: expected sizes, or one list, array or tensor, got {len(given)} arguments")
        return given[0].detach().to(dtype) if isinstance(given[0], _core.Tensor) else tensor(given[0], dtype=dtype)

    doc = f"A tensor of {dtype}, from a list, array or tensor, or of given sizes with undefined numbers; isinstance asks for the type."
    return _Kind(name, (), {"__new__": new, "__doc__": doc, "dtype": dtype, "__module__": "udlfast"})


FloatTensor = _constructor("FloatTensor", _core.float32)
DoubleTensor = _constructor("DoubleTensor", _core.float64)
BFloat16Tensor = _constructor("BFloat16Tensor", _core.bfloat16)
LongTensor = _constructor("LongTensor", _core.int64)
IntTensor = _constructor("IntTensor", _core.int32)
ByteTensor = _constructor("ByteTensor", _core.uint8)
BoolTensor = _constructor("BoolTensor", _core.bool_)
