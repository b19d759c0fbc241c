"""Tensors and the world outside: devices, DLPack, pickling, copying, and the small methods that scripts call."""

import copy

from .. import _core
from .._core import Tensor, extend, from_capsule, set_hook, to_dlpack
from ..device import CPU, check_device, device, on_device, pinned
from ..errors import ArgumentError, DTypeError
from ..layout import strided
from . import _shared


def _repr(t):
    from .._printing import tensor_repr
    return tensor_repr(t)


set_hook("repr", _repr)
set_hook("check_device", check_device)
set_hook("cpu_device", lambda: CPU)
set_hook("on_device", on_device)


def _wrap_mode(want, function):
    """What the core's own blocks give as decorators: the public ones are in _modes.py."""
    from .._modes import decorated

    return decorated(_core.enable_grad if want else _core.no_grad, function)


set_hook("wrap_mode", _wrap_mode)

_TYPE_NAMES = {"float32": "FloatTensor", "float64": "DoubleTensor", "int64": "LongTensor", "int32": "IntTensor",
               "uint8": "ByteTensor", "bool": "BoolTensor", "bfloat16": "BFloat16Tensor",
               "int8": "CharTensor", "int16": "ShortTensor", "float16": "HalfTensor", "uint16": "UInt16Tensor",
               "uint32": "UInt32Tensor", "uint64": "UInt64Tensor"}


def _type(t, dtype=None):
    """The name of a tensor's type; or t as the type that a dtype, FloatTensor and its like or their names stand for."""
    if dtype is None:
        return "udlfast." + _TYPE_NAMES[t.dtype.name]
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2]
        dtype = next((_core._dtype_by_name(k) for k, v in _TYPE_NAMES.items() if v == name), dtype)
    elif not isinstance(dtype, _core.dtype):
        dtype = getattr(dtype, "dtype", dtype)
    return t.to(dtype=dtype)


set_hook("type_name", _type)


def is_tensor(obj):
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input):
    """Whether input's elements are floating-point numbers."""
    return input.is_floating_point()


def from_dlpack(source, *, device=None, copy=None):
    """A tensor that shares memory with any object that speaks DLPack (or a capsule).

    Args:
        source: an object with ``__dlpack__`` such as a NumPy array, or a DLPack capsule
        device: only the CPU
        copy: True for a copy, False for an error where one is needed, None for one where it is needed (read-only memory)
    Returns: a tensor
    Raises: ArgumentError for memory that is not on the CPU, DTypeError for other element types

    >>> import numpy, udlfast as torch
    >>> torch.from_dlpack(numpy.ones(2, numpy.float32))
    tensor([1., 1.])

    Source: the Python array API standard.
    """
    if device is not None:
        check_device(device)
    if hasattr(source, "__dlpack__"):
        kind = source.__dlpack_device__()[0] if hasattr(source, "__dlpack_device__") else 1
        if int(kind) != 1:
            raise ArgumentError("from_dlpack: the memory is not on the CPU; copy it there first")
        try:
            source = source.__dlpack__(max_version=(1, 0), **({} if copy is None else {"copy": copy}))
        except TypeError:  # a library that knows DLPack 0.x only
            source = source.__dlpack__()
            return from_capsule(source).clone() if copy else from_capsule(source)
    return from_capsule(source)


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """The capsule of this tensor's memory (a copy of it with copy=True), of DLPack 1.0 if max_version allows that."""
    if stream not in (None, -1):
        raise ArgumentError(f"__dlpack__: a stream makes no sense on the CPU, got {stream}; leave it out")
    if dl_device is not None and tuple(map(int, dl_device)) != (1, 0):
        raise BufferError(f"__dlpack__: device {dl_device} is not available; this tensor is on the CPU")
    return to_dlpack(self.clone() if copy else self, max_version is not None and max_version[0] >= 1, bool(copy))


def _rebuild(array, dtype_name, requires_grad, cls, state):
    t = _core.from_numpy(array)
    if dtype_name == "bfloat16":
        t = bits_to_bfloat16(t)
    if cls is not Tensor:
        t = _core.make_parameter(cls, t, requires_grad)
    elif requires_grad:
        t.requires_grad_(True)
    t.__dict__.update(state)
    return t


def bfloat16_to_bits(t):
    """The bits of a bfloat16 tensor as an int32 tensor (0..65535)."""
    import numpy as np
    return _core.from_numpy(np.asarray(t.contiguous().float().numpy().view(np.uint32) >> 16).astype(np.int32))


def bits_to_bfloat16(bits):
    """The inverse of bfloat16_to_bits."""
    import numpy as np
    return _core.from_numpy(np.asarray(bits.numpy().astype(np.uint32) << 16).view(np.float32)).to(_core.bfloat16)


def _reduce(self):
    if not self.is_leaf:
        raise ArgumentError("pickle: only leaf tensors can be pickled or deep-copied; use detach()")
    shared = _shared.FILES and not self.__dict__ and _shared.reduce(self)
    if shared:
        return shared
    data = self.detach()
    data = data.cpu() if data.is_cuda else data
    array = (bfloat16_to_bits(data) if data.dtype is _core.bfloat16 else data.contiguous()).numpy()
    return _rebuild, (array, data.dtype.name, self.requires_grad, type(self), dict(self.__dict__))


def _deepcopy(self, memo):
    if not self.is_leaf:
        raise ArgumentError("deepcopy: only leaf tensors can be deep-copied; use detach()")
    t = _same_strides(self.detach())
    if type(self) is not Tensor:
        t = _core.make_parameter(type(self), t, self.requires_grad)
    elif self.requires_grad:
        t.requires_grad_(True)
    memo[id(self)] = t
    if self.grad is not None:
        t.grad = copy.deepcopy(self.grad.detach(), memo)
    t.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return t


def _same_strides(t):
    """A copy in which dimensions lie in memory in the order they have in t."""
    if t.is_contiguous():
        return t.clone()
    order = sorted(range(t.ndim), key=lambda d: -t.stride(d))
    return t.permute(order).contiguous().clone().permute([order.index(d) for d in range(t.ndim)])


def _share_memory(self):
    """Moves the elements to memory that forked, spawned and forkserver processes share; a queue's copies are not shared."""
    if self.is_cuda:
        raise ArgumentError("share_memory_: this tensor is on a GPU; processes share the memory of tensors on the CPU: use .cpu()")
    if not _shared.is_shared(self):
        if self.dtype is _core.bfloat16:
            raise DTypeError("share_memory_: NumPy has no bfloat16, and the memory is shared through it; convert it with .float()")
        _shared.move(self)
    return self


def _array_wrap(self, array, context=None, return_scalar=False):
    """What NumPy's functions give for a tensor: a tensor."""
    return _core.from_numpy(array) if hasattr(array, "dtype") and array.dtype.kind in "biuf" and array.ndim else _to_tensor(array)


def _to_tensor(value):
    from .creation import tensor

    return tensor(value)


extend("__array_wrap__", _array_wrap)
extend("share_memory_", _share_memory)
extend("is_shared", _shared.is_shared)
extend("__dlpack__", _dlpack)
extend("__dlpack_device__", lambda self: (2, 0) if self.is_cuda else (1, 0))
set_hook("reduce", _reduce)
extend("__deepcopy__", _deepcopy)
extend("device", property(lambda self: CPU))
extend("layout", strided)
extend("is_cuda", False)
extend("is_xpu", False)
extend("is_sparse", False)
extend("is_quantized", False)
extend("cpu", lambda self, memory_format=None: on_device(self, CPU))
extend("pin_memory", pinned)
extend("get_device", lambda self: -1)
extend("is_pinned", lambda self, device=None: False)


def _cuda(self, device=None, non_blocking=False, memory_format=None):
    """This tensor on the GPU, with its gradient."""
    return on_device(self, "cuda" if device is None else device, non_blocking)


extend("cuda", _cuda)
__all__ = ["device", "from_dlpack", "is_floating_point", "is_tensor"]
