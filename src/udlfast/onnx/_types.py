"""Element types and the two kinds of value in a running model: tensors, and NumPy arrays for shapes and for types that tensors lack."""

import numpy as np

import udlfast as udl

from ..errors import ArgumentError, DTypeError

TENSOR = {1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool_", 10: "float16", 11: "float64", 16: "bfloat16"}
CODE = {getattr(udl, name): code for code, name in TENSOR.items()}
SMALL = 1024  # elements: constants up to this size take part in computations with shapes
_NUMPY = {}


def numpy_type(code):
    """The NumPy type of an ONNX element type."""
    if not _NUMPY:
        import onnx

        for value in onnx.TensorProto.DataType.values():
            if value not in (0,):
                try:
                    _NUMPY[value] = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(value))
                except KeyError:
                    continue
    if code not in _NUMPY:
        raise DTypeError(f"onnx: there is no element type number {code}")
    return _NUMPY[code]


def tensor_type(code):
    """The dtype of a tensor for an ONNX element type, or None where tensors have none."""
    return getattr(udl, TENSOR[code]) if code in TENSOR else None


def code_of(value):
    """The ONNX element type of a tensor or array."""
    if isinstance(value, udl.Tensor):
        return CODE[value.dtype]
    import onnx

    return 8 if value.dtype == object else onnx.helper.np_dtype_to_tensor_dtype(value.dtype)


def has_tensor(array):
    """Whether tensors have the element type of an array."""
    return array.dtype != object and array.dtype.kind not in "USc" and code_of(array) in TENSOR


def to_tensor(value):
    """A tensor with the numbers of an array, in memory of its own; a tensor is returned as it is."""
    if not isinstance(value, np.ndarray):
        if isinstance(value, udl.Tensor):
            return value
        raise ArgumentError(f"expected a tensor, got {'nothing' if value is None else type(value).__name__}")
    if not has_tensor(value):
        raise DTypeError(f"tensors have no element type {value.dtype}")
    if value.dtype.name == "bfloat16":
        return udl.bits_to_bfloat16(udl.from_numpy(value.reshape(-1).view(np.uint16).astype(np.int32))).reshape(value.shape)
    return udl.from_numpy(np.array(value, order="C"))


def to_array(value):
    """An array with the numbers of a tensor; an array is returned as it is."""
    if isinstance(value, udl.Tensor):
        value = value.detach()
        if value.dtype is udl.bfloat16:
            return udl.bfloat16_to_bits(value).numpy().astype(np.uint16).view(numpy_type(16))
        return value.numpy()
    if isinstance(value, np.ndarray):
        return value
    raise ArgumentError(f"expected a tensor, got {'nothing' if value is None else type(value).__name__}")
