# dlpack.pxi - the exchange of tensors with other libraries without copies (DLPack capsules of both kinds: 0.x and versioned).
from cpython.pycapsule cimport PyCapsule_New, PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_SetName

cdef extern from *:
    """
    typedef struct { int32_t device_type, device_id; } udl_dl_device;
    typedef struct { uint8_t code, bits; uint16_t lanes; } udl_dl_type;
    typedef struct { void *data; udl_dl_device device; int32_t ndim; udl_dl_type dtype;
                     int64_t *shape, *strides; uint64_t byte_offset; } udl_dl_tensor;
    typedef struct udl_dl_managed { udl_dl_tensor t; void *manager; void (*deleter)(struct udl_dl_managed *); } udl_dl_managed;
    typedef struct udl_dl_versioned { uint32_t major, minor; void *manager; void (*deleter)(struct udl_dl_versioned *);
                                      uint64_t flags; udl_dl_tensor t; } udl_dl_versioned;
    typedef struct { union { udl_dl_managed m; udl_dl_versioned v; }; int64_t dims[16]; } udl_dl_owned;
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
    ctypedef struct udl_dl_versioned:
        uint32_t major, minor
        void *manager
        void (*deleter)(udl_dl_versioned *) noexcept
        uint64_t flags
        udl_dl_tensor t
    ctypedef struct udl_dl_owned:
        udl_dl_managed m
        udl_dl_versioned v
        int64_t dims[16]

cdef enum:
    DL_READ_ONLY = 1
    DL_COPIED = 2

# (type code, bits) of each dtype: 0 int, 1 unsigned, 2 float, 4 bfloat, 6 bool
cdef uint8_t[13] DL_CODE = [6, 1, 0, 0, 0, 0, 1, 1, 1, 2, 4, 2, 2]


cdef void dl_delete(udl_dl_managed *m) noexcept with gil:
    Py_DECREF(<object>m.manager)
    free(m)


cdef void dl_delete_versioned(udl_dl_versioned *m) noexcept with gil:
    Py_DECREF(<object>m.manager)
    free(m)


cdef void dl_capsule_delete(object capsule) noexcept:
    cdef udl_dl_managed *m
    cdef udl_dl_versioned *v
    if PyCapsule_IsValid(capsule, "dltensor"):
        m = <udl_dl_managed *>PyCapsule_GetPointer(capsule, "dltensor")
        m.deleter(m)
    elif PyCapsule_IsValid(capsule, "dltensor_versioned"):
        v = <udl_dl_versioned *>PyCapsule_GetPointer(capsule, "dltensor_versioned")
        v.deleter(v)


cdef void dl_describe(udl_dl_tensor *d, udl_dl_owned *o, Tensor t) noexcept:
    cdef int i
    d.data = t.data_
    d.device.device_type, d.device.device_id = 1, 0
    d.ndim = t.ndim_
    d.dtype.code, d.dtype.bits, d.dtype.lanes = DL_CODE[t.code], <uint8_t>(8 * ITEMSIZE[t.code]), 1
    for i in range(t.ndim_):
        o.dims[i], o.dims[8 + i] = t.shape_[i], t.strides_[i]
    d.shape, d.strides, d.byte_offset = o.dims, o.dims + 8, 0


def to_dlpack(Tensor t not None, bint versioned=False, bint copied=False):
    """A DLPack capsule that shares the tensor's memory; versioned: of DLPack 1.0, with a flag that says whether it is a copy."""
    cdef udl_dl_owned *o
    if t.requires_grad:
        raise ArgumentError("__dlpack__: this tensor requires a gradient; use tensor.detach()")
    o = <udl_dl_owned *>malloc(sizeof(udl_dl_owned))
    if o == NULL:
        raise MemoryError("__dlpack__: no memory")
    if udl_tracing:
        look(t, "__dlpack__")
    t.storage.exported = True
    t.storage.packed = None
    holder = alias(t)
    Py_INCREF(holder)
    if versioned:
        dl_describe(&o.v.t, o, t)
        o.v.major, o.v.minor, o.v.flags = 1, 0, DL_COPIED if copied else 0
        o.v.manager, o.v.deleter = <void *>holder, dl_delete_versioned
        return PyCapsule_New(&o.v, "dltensor_versioned", dl_capsule_delete)
    dl_describe(&o.m.t, o, t)
    o.m.manager, o.m.deleter = <void *>holder, dl_delete
    return PyCapsule_New(&o.m, "dltensor", dl_capsule_delete)


@cython.final
cdef class DLOwner:
    """Keeps a tensor of another library alive."""
    cdef udl_dl_managed *m
    cdef udl_dl_versioned *v

    def __dealloc__(self):
        if self.m != NULL and self.m.deleter != NULL:
            self.m.deleter(self.m)
        if self.v != NULL and self.v.deleter != NULL:
            self.v.deleter(self.v)


def from_capsule(capsule):
    """A tensor that shares the memory of a DLPack capsule (which is thereby used up). Read-only memory is copied."""
    cdef udl_dl_managed *m = NULL
    cdef udl_dl_versioned *v = NULL
    cdef DLOwner owner
    if PyCapsule_IsValid(capsule, "dltensor"):
        m = <udl_dl_managed *>PyCapsule_GetPointer(capsule, "dltensor")
    elif PyCapsule_IsValid(capsule, "dltensor_versioned"):
        v = <udl_dl_versioned *>PyCapsule_GetPointer(capsule, "dltensor_versioned")
        if v.major != 1:
            raise ArgumentError(f"from_dlpack: DLPack version {v.major}.{v.minor} is not known; ask for max_version=(1, 0)")
    else:
        raise ArgumentError("from_dlpack: expected an unused DLPack capsule")
    owner = DLOwner.__new__(DLOwner)
    t = dl_view(&m.t if m != NULL else &v.t, owner)
    owner.m, owner.v = m, v
    PyCapsule_SetName(capsule, "used_dltensor" if m != NULL else "used_dltensor_versioned")
    return clone_raw(<Tensor>t) if v != NULL and v.flags & DL_READ_ONLY else t


cdef object dl_view(udl_dl_tensor *d, DLOwner owner):
    """The tensor that a DLPack structure describes."""
    cdef int code = -1, i
    if d.device.device_type != 1:
        raise ArgumentError(f"from_dlpack: the memory is on a device of type {d.device.device_type}, not on the CPU; copy it first")
    for i in range(UDL_NDTYPES):
        if DL_CODE[i] == d.dtype.code and 8 * ITEMSIZE[i] == d.dtype.bits and d.dtype.lanes == 1:
            code = i
    if code < 0:
        raise DTypeError(f"from_dlpack: element type (code {d.dtype.code}, {d.dtype.bits} bits) is not supported")
    if d.ndim > 8:
        raise ShapeError(f"from_dlpack: at most 8 dimensions are supported, got {d.ndim}")
    shape = tuple([d.shape[i] for i in range(d.ndim)])
    if d.strides != NULL:
        strides = tuple([d.strides[i] for i in range(d.ndim)])
    else:
        strides, n = (), 1
        for s in reversed(shape):
            strides, n = (n,) + strides, n * s
    if any_negative(strides):
        raise ArgumentError("from_dlpack: negative strides are not supported; copy the array first")
    return from_address(<size_t>d.data + d.byte_offset, shape, strides, DTYPES[code], owner)


cdef bint any_negative(tuple strides):
    for s in strides:
        if s < 0:
            return True
    return False
