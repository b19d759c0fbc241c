# dlpack.pxi - the exchange of tensors with other libraries without copies (DLPack 0.x capsules).
from cpython.pycapsule cimport PyCapsule_New, PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_SetName

cdef extern from *:
    """
    typedef struct { int32_t device_type, device_id; } udl_dl_device;
    typedef struct { uint8_t code, bits; uint16_t lanes; } udl_dl_type;
    typedef struct { void *data; udl_dl_device device; int32_t ndim; udl_dl_type dtype;
                     int64_t *shape, *strides; uint64_t byte_offset; } udl_dl_tensor;
    typedef struct udl_dl_managed { udl_dl_tensor t; void *manager; void (*deleter)(struct udl_dl_managed *); } udl_dl_managed;
    typedef struct { udl_dl_managed m; int64_t dims[16]; } udl_dl_owned;
    """
    ctypedef struct udl_dl_device:
        int32_t device_type, device_id
    ctypedef struct udl_dl_type:
        uint8_t code, bits
        uint16_t lanes
    ctypedef struct udl_dl_tensor:
        void *data
        udl_dl_device device
        int32_t ndim
        udl_dl_type dtype
        int64_t *shape
        int64_t *strides
        uint64_t byte_offset
    ctypedef struct udl_dl_managed:
        udl_dl_tensor t
        void *manager
        void (*deleter)(udl_dl_managed *) noexcept
    ctypedef struct udl_dl_owned:
        udl_dl_managed m
        int64_t dims[16]

# (type code, bits) of each dtype: 0 int, 1 unsigned, 2 float, 4 bfloat, 6 bool
cdef uint8_t[7] DL_CODE = [6, 1, 0, 0, 4, 2, 2]


cdef void dl_delete(udl_dl_managed *m) noexcept with gil:
    Py_DECREF(<object>m.manager)
    free(m)


cdef void dl_capsule_delete(object capsule) noexcept:
    cdef udl_dl_managed *m
    if PyCapsule_IsValid(capsule, "dltensor"):
        m = <udl_dl_managed *>PyCapsule_GetPointer(capsule, "dltensor")
        m.deleter(m)


def to_dlpack(Tensor t not None):
    """A DLPack capsule that shares the tensor's memory."""
    cdef udl_dl_owned *o
    cdef int i
    if t.requires_grad:
        raise ArgumentError("__dlpack__: this tensor requires a gradient; use tensor.detach()")
    o = <udl_dl_owned *>malloc(sizeof(udl_dl_owned))
    if o == NULL:
        raise MemoryError("__dlpack__: no memory")
    o.m.t.data = t.data_
    o.m.t.device.device_type, o.m.t.device.device_id = 1, 0
    o.m.t.ndim = t.ndim_
    o.m.t.dtype.code, o.m.t.dtype.bits, o.m.t.dtype.lanes = DL_CODE[t.code], <uint8_t>(8 * ITEMSIZE[t.code]), 1
    for i in range(t.ndim_):
        o.dims[i], o.dims[8 + i] = t.shape_[i], t.strides_[i]
    o.m.t.shape, o.m.t.strides, o.m.t.byte_offset = o.dims, o.dims + 8, 0
    if udl_tracing:
        host_read("__dlpack__")
    t.storage.exported = True
    t.storage.packed = None
    holder = alias(t)
    Py_INCREF(holder)
    o.m.manager, o.m.deleter = <void *>holder, dl_delete
    return PyCapsule_New(&o.m, "dltensor", dl_capsule_delete)


@cython.final
cdef class DLOwner:
    """Keeps a tensor of another library alive."""
    cdef udl_dl_managed *m

    def __dealloc__(self):
        if self.m != NULL and self.m.deleter != NULL:
            self.m.deleter(self.m)


def from_capsule(capsule):
    """A tensor that shares the memory of a DLPack capsule (which is thereby used up)."""
    cdef udl_dl_managed *m
    cdef DLOwner owner
    cdef int code = -1, i
    if not PyCapsule_IsValid(capsule, "dltensor"):
        raise ArgumentError("from_dlpack: expected an unused DLPack capsule")
    m = <udl_dl_managed *>PyCapsule_GetPointer(capsule, "dltensor")
    if m.t.device.device_type != 1:
        raise ArgumentError(f"from_dlpack: the memory is on a device of type {m.t.device.device_type}, not on the CPU; copy it first")
    for i in range(7):
        if DL_CODE[i] == m.t.dtype.code and 8 * ITEMSIZE[i] == m.t.dtype.bits and m.t.dtype.lanes == 1:
            code = i
    if code < 0:
        raise DTypeError(f"from_dlpack: element type (code {m.t.dtype.code}, {m.t.dtype.bits} bits) is not supported")
    if m.t.ndim > 8:
        raise ShapeError(f"from_dlpack: at most 8 dimensions are supported, got {m.t.ndim}")
    shape = tuple([m.t.shape[i] for i in range(m.t.ndim)])
    if m.t.strides != NULL:
        strides = tuple([m.t.strides[i] for i in range(m.t.ndim)])
    else:
        strides, n = (), 1
        for s in reversed(shape):
            strides, n = (n,) + strides, n * s
    if any_negative(strides):
        raise ArgumentError("from_dlpack: negative strides are not supported; copy the array first")
    owner = DLOwner.__new__(DLOwner)
    t = from_address(<size_t>m.t.data + m.t.byte_offset, shape, strides, DTYPES[code], owner)
    owner.m = m
    PyCapsule_SetName(capsule, "used_dltensor")
    return t


cdef bint any_negative(tuple strides):
    for s in strides:
        if s < 0:
            return True
    return False
