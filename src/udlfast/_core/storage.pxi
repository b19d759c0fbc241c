# storage.pxi - a block of memory that tensors share, with the version counter that in-place operations advance.

@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Storage:
    cdef void *ptr
    cdef size_t nbytes
    cdef long version
    cdef object owner  # whoever owns foreign memory; None: ours, from udl_alloc
    cdef bint inference  # allocated inside inference_mode
    cdef bint exported  # others may write to it without advancing the version: NumPy, DLPack, an address
    cdef object packed  # prepack.pxi
    cdef bint linear_once
    cdef long linear_version
    cdef long plan_id    # record.pxi: the Recorder that knows this storage, and by which number
    cdef int plan_slot
    cdef int device      # device.pxi: 0 the CPU
    cdef bint stale, mirrored, blank
    cdef object mirror

    def __dealloc__(self):
        if self.ptr != NULL and self.owner is None:
            udl_free(self.ptr, self.nbytes)


cdef Storage new_storage(size_t nbytes):
    cdef Storage s = Storage.__new__(Storage)
    s.ptr = udl_alloc(nbytes)
    if s.ptr == NULL:
        raise MemoryError(f"tensor: could not allocate {nbytes} bytes; free some tensors, use smaller batches, "
                          f"or see udlfast.memory_stats()")
    s.nbytes = nbytes
    s.inference = udl_inference
    if udl_tracing:
        mark_new(s)
    return s


@cython.final
cdef class ForeignBuffer:
    """Keeps another library's memory alive for as long as a tensor looks at it."""
    cdef Py_buffer view
    cdef bint held

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


@cython.final
cdef class BufferView:
    """The bytes from a tensor's first element to its last through the buffer protocol; NumPy arrays look at them without a copy."""
    cdef Tensor t

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        cdef Tensor t = self.t
        cdef Py_ssize_t n = t.numel_ > 0
        cdef int i
        for i in range(t.ndim_ if n else 0):
            n += (t.shape_[i] - 1) * t.strides_[i]
        PyBuffer_FillInfo(buffer, self, t.data_ if n else <void *>self, n * ITEMSIZE[t.code], 0, flags)


# ---- for files --------------------------------------------------------------------------------------------------------
@cython.final
cdef class StorageBytes:
    """The bytes of a storage through the buffer protocol, for files: whoever takes it gives it back before others compute,
    so that the storage does not count as known outside (`exported`)."""
    cdef Storage s

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.s.ptr if self.s.ptr != NULL else <void *>self, self.s.nbytes, 0, flags)


def storage_view(Tensor t not None):
    """A writable memoryview over all bytes of the storage that t looks at; of a copy to read, if that is on a device."""
    cdef StorageBytes b = StorageBytes.__new__(StorageBytes)
    if udl_tracing and t.storage.device > 0:
        to_host(t.storage)      # to be read
    elif udl_tracing:
        look(t, "the file")
        host_wrote(t.storage)
    b.s = t.storage
    return memoryview(b)


def storage_address(Tensor t not None):
    """Where the storage of t begins; tensors of one address share their memory."""
    return <size_t>t.storage.ptr
