"""Where a tensor's elements lie, and small questions about tensors: layouts, storage, resizing, types."""
import builtins

from .. import _core
from .._core import Tensor, become, empty, extend
from ..errors import ArgumentError, DTypeError, ShapeError
from ._common import tensor


def _finish(t, device, requires_grad):
    if device is not None:
        from ..device import check_device
        check_device(device)
    return t.requires_grad_(True) if requires_grad else t


def empty_strided(size, stride, *, dtype=None, device=None, requires_grad=False, **ignored):
    """A tensor with the given sizes and strides whose elements are not set.

    >>> import udlfast as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride) or any(s < 0 for s in size + stride):
        raise ShapeError(f"empty_strided: expected as many strides as sizes, none negative, got {size} and {stride}")
    room = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride))
    return _finish(empty(room, dtype=dtype).as_strided(size, stride), device, requires_grad)


def empty_permuted(size, physical_layout, *, dtype=None, device=None, requires_grad=False, **ignored):
    """A tensor whose dimensions lie in memory in the given order, outermost first; its elements are not set.

    >>> import udlfast as torch
    >>> torch.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    size, order = tuple(size), tuple(physical_layout)
    if sorted(order) != list(builtins.range(len(size))):
        raise ArgumentError(f"empty_permuted: expected an order of {len(size)} dimensions, got {order}")
    back = [0] * len(order)
    for i, d in enumerate(order):
        back[d] = i
    t = empty(tuple(size[d] for d in order), dtype=dtype)
    return _finish(t.permute(*back) if back else t, device, requires_grad)


def _new_empty_strided(self, size, stride, *, dtype=None, device=None, requires_grad=False, **ignored):
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


def _new(self, *args):
    """A tensor of this one's type: of the given sizes (elements not set), or with the given data."""
    if not args:
        return empty(0, dtype=self.dtype)
    if all(hasattr(a, "__index__") and not isinstance(a, Tensor) for a in args) or type(args[0]).__name__ == "Size":
        return empty(*args, dtype=self.dtype)
    return self.new_tensor(args[0])


def _resize(self, *size, memory_format=None):
    """This tensor with other sizes; elements stay in their order, new ones are not set."""
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if self.requires_grad:
        raise ArgumentError("resize_: a tensor that requires a gradient cannot be resized; use detach()")
    count = 1
    for s in size:
        count *= s
    old = self.detach()
    if count > self.numel():
        room = empty(count, dtype=self.dtype)
        room.narrow(0, 0, self.numel()).copy_(old.reshape(-1))
        return become(self, room.reshape(size))
    return become(self, old.as_strided((count,), (1,)).reshape(size) if old.is_contiguous() else old.reshape(-1)[:count].reshape(size))


def resize_as_(input, the_template, *, memory_format=None):
    """input with the sizes of the_template; see Tensor.resize_."""
    return _resize(input, tuple(the_template.shape))


def _set(self, source=None, storage_offset=0, size=None, stride=None):
    """This tensor with the memory and the geometry of source: a tensor, a storage, or None for no elements."""
    if source is None:
        return become(self, empty(0, dtype=self.dtype))
    if isinstance(source, UntypedStorage):
        source = source.owner.detach().view(self.dtype) if source.owner.dtype is not self.dtype else source.owner.detach()
    if size is not None:
        stride = tuple(stride) if stride is not None else empty(tuple(size)).stride()
        source = source.detach().as_strided(tuple(size), stride, storage_offset)
    if source.dtype is not self.dtype:
        raise DTypeError(f"set_: expected a source of type {self.dtype}, got {source.dtype}")
    return become(self, source.detach())


class UntypedStorage:
    """The memory under a tensor (all of it, also outside the tensor): its address, its size, its bytes."""

    def __init__(self, owner):
        self.owner = owner

    def data_ptr(self):
        """The address of the first byte."""
        return self.owner.data_ptr() - self.owner.storage_offset() * self.owner.element_size()

    def nbytes(self):
        """The number of bytes."""
        return _core.storage_size(self.owner)

    def size(self):
        """The number of bytes (of elements, for storage())."""
        return self.nbytes()

    __len__ = size
    device = property(lambda self: self.owner.device)

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self):
        return hash(self.data_ptr())

    def _flat(self):
        t = self.owner.detach()
        return t.as_strided((self.nbytes() // t.element_size(),), (1,), 0) if t.is_contiguous() else t.reshape(-1)

    def tolist(self):
        """The bytes as numbers."""
        return self._flat().view(_core.uint8).tolist()

    def untyped(self):
        """The same memory counted in bytes: this storage."""
        return UntypedStorage(self.owner)

    def __getitem__(self, index):
        """A byte, or a storage of some of the bytes, which it shares."""
        found = self._flat().view(_core.uint8).numpy()[index]
        return UntypedStorage(_core.from_numpy(found)) if isinstance(index, slice) else int(found)

    @classmethod
    def from_file(cls, filename, shared=False, nbytes=0):
        """The first bytes of a file, mapped: with shared, what is written to them goes to the file, which is made that long if need be."""
        import os

        import numpy as np

        if shared:
            with open(filename, "ab") as file:
                file.truncate(max(nbytes, os.path.getsize(filename)))
        if nbytes < 0 or os.path.getsize(filename) < nbytes:
            raise ArgumentError(f"from_file: {filename} has {os.path.getsize(filename)} bytes, not {nbytes}")
        array = np.memmap(filename, np.uint8, "r+" if shared else "c", 0, (nbytes,)) if nbytes else np.zeros(0, np.uint8)
        return cls(_core.from_numpy(np.asarray(array)))

    def is_shared(self):
        """Whether other processes see it: no."""
        return False

    def resize_(self, nbytes):
        """Refused: a storage keeps its size here; resize the tensor."""
        raise ArgumentError("storage.resize_: a storage keeps its size; use tensor.resize_ or a new tensor")


class TypedStorage(UntypedStorage):
    """The memory under a tensor counted in elements."""

    dtype = property(lambda self: self.owner.dtype)

    def size(self):
        """The number of elements."""
        return self.nbytes() // self.owner.element_size()

    __len__ = size

    def tolist(self):
        """The elements as numbers."""
        return self._flat().tolist()

    def __getitem__(self, index):
        """Some of the elements, as numbers."""
        return self._flat()[index].tolist()


def _apply(self, function):
    """Every element replaced by function(element), in place; slow, for CPU tensors without gradients."""
    if self.requires_grad:
        raise ArgumentError("apply_: not for tensors that require a gradient; use detach()")
    values = [function(x) for x in self.detach().reshape(-1).tolist()]
    return self.copy_(_core.full((0,), 0, dtype=self.dtype).new_tensor(values).reshape(tuple(self.shape)))


def _map(self, other, function):
    """Every element replaced by function(element, element of other), in place; slow."""
    if self.requires_grad or other.requires_grad:
        raise ArgumentError("map_: not for tensors that require a gradient; use detach()")
    pairs = zip(self.detach().reshape(-1).tolist(), other.detach().expand(tuple(self.shape)).reshape(-1).tolist())
    return self.copy_(self.new_tensor([function(a, b) for a, b in pairs]).reshape(tuple(self.shape)))


def _map2(self, a, b, function):
    """Every element replaced by function(element, element of a, element of b), in place; slow."""
    rest = iter(b.detach().expand(tuple(self.shape)).reshape(-1).tolist())
    return _map(self, a, lambda x, y: function(x, y, next(rest)))


def range(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """Numbers start, start + step, ... up to end, which is included; arange leaves it out.

    >>> import udlfast as torch
    >>> torch.range(1, 3)
    tensor([1., 2., 3.])
    """
    import math

    from .creation import arange
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) / step < 0:
        raise ArgumentError(f"range: a step of {step} does not lead from {start} to {end}")
    n = math.floor((end - start) / step) + 1
    t = (arange(n, dtype=_core.float64) * step + start).to(dtype or _core.get_default_dtype())
    return _finish(t, device, requires_grad)


def is_nonzero(input):
    """Whether the only element is not zero."""
    tensor("is_nonzero", input)
    return bool(input)


def is_same_size(input, other):
    """Whether two tensors have the same shape."""
    return input.shape == other.shape


def is_complex(input):
    """Whether the elements are complex numbers: those of no Tensor, those of every ComplexTensor."""
    return input.is_complex()


def is_conj(input):
    """Whether a conjugate is delayed: never."""
    return False


is_neg = is_conj


def is_inference(input):
    """Whether the tensor's memory was allocated inside inference_mode.

    >>> import udlfast as torch
    >>> with torch.inference_mode():
    ...     x = torch.ones(2)
    >>> x.is_inference(), x.clone().is_inference()
    (True, False)
    """
    return _core.made_in_inference(input)


def is_signed(input):
    """Whether the element type has negative numbers."""
    return input.dtype.is_signed


def can_cast(from_, to):
    """Whether an in-place operation may store a result of one type in a tensor of another.

    >>> import udlfast as torch
    >>> torch.can_cast(torch.float32, torch.int64)
    False
    """
    def rank(d):
        return 2 if d.is_floating_point else 0 if d is _core.bool_ else 1
    return rank(from_) <= rank(to)


def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A tensor over the bytes of an object with the buffer protocol.

    >>> import udlfast as torch
    >>> torch.frombuffer(bytearray(b"ab"), dtype=torch.uint8).tolist()
    [97, 98]
    """
    import numpy
    array = numpy.frombuffer(buffer, dtype=dtype.numpy_name or "int16", count=count, offset=offset)
    t = _core.from_numpy(array)
    t = t if dtype.numpy_name else t.view(dtype)
    return _finish(t, None, requires_grad)


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """A tensor of what obj holds, over the same memory where that can be.

    Args:
        obj: a tensor, an array, an object with the buffer protocol, a storage, a number or nested lists of numbers
        dtype: the elements' type; bytes of buffers and storages are read as it (default: the default float type)
        copy: True: always new memory; False: an error where it would be new; None: new if it has to be
        requires_grad: whether the tensor asks for a gradient from now on
    Raises: ValueError for copy=False where memory cannot be shared

    >>> import udlfast as torch
    >>> torch.asarray(bytearray(b"ab"), dtype=torch.uint8, copy=True)
    tensor([97, 98], dtype=udlfast.uint8)
    """
    from .creation import as_tensor
    if isinstance(obj, UntypedStorage):
        shared = obj._flat().view(dtype or _core.get_default_dtype())
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        shared = frombuffer(obj, dtype=dtype or _core.get_default_dtype())
    else:
        shared = as_tensor(obj)
    t = shared if dtype is None else shared.to(dtype)
    if copy is False and (t is not shared or isinstance(obj, (list, tuple, int, float))):
        raise ValueError(f"asarray: copy=False, but a tensor of type {t.dtype} cannot share the memory of this {type(obj).__name__}")
    return _finish(t.clone() if copy else t, device, requires_grad)


def get_device(input):
    """The number of the GPU that holds the tensor: -1, the CPU."""
    return -1


def typename(obj):
    """The name of an object's type, with its module."""
    return obj.type() if isinstance(obj, Tensor) else f"{type(obj).__module__}.{type(obj).__qualname__}"


def _hook_after_accumulation(self, hook):
    """Call hook(tensor) each time this leaf's grad has been added to."""
    return _core.add_post_hook(self, hook)


extend("new_empty_strided", _new_empty_strided)
extend("new", _new)
extend("map2_", _map2)
extend("resize_as", lambda self, other: _resize(self.clone(), tuple(other.shape)))
extend("resize_", _resize)
extend("resize", _resize)
extend("resize_as_", resize_as_)
extend("set_", _set)
extend("untyped_storage", lambda self: UntypedStorage(self))
extend("storage", lambda self: TypedStorage(self))
extend("storage_type", lambda self: TypedStorage)
extend("apply_", _apply)
extend("map_", _map)
extend("ndimension", Tensor.dim)
extend("is_same_size", is_same_size)
extend("is_nonzero", is_nonzero)
extend("is_signed", is_signed)
extend("is_conj", is_conj)
extend("is_neg", is_neg)
extend("is_inference", is_inference)
extend("is_coalesced", lambda self: False)
extend("is_set_to", lambda self, other: self.data_ptr() == other.data_ptr() and self.shape == other.shape
       and self.stride() == other.stride())
extend("has_names", lambda self: False)
extend("resolve_conj", lambda self: self)
extend("resolve_neg", lambda self: self)
extend("dim_order", lambda self: tuple(d for _, d in sorted((-s, d) for d, s in enumerate(self.stride()))))
extend("register_post_accumulate_grad_hook", _hook_after_accumulation)
extend("_cdata", property(id))  # a number for each tensor that lives
