# prepack.pxi - weights of linear, packed once for the products that follow.
#
# A weight that serves a second few-row product without having changed is kept in the packed form of the matmul engine
# (csrc/kernels/gemm_prepack.c, csrc/tiles), held by its storage: freed with it, replaced when the version counter has
# moved. Memory that others can write without being counted (NumPy, DLPack, data_ptr) is never packed. Bounded: beyond
# PACKED_LIMIT bytes in all, further weights are used as they are.

cdef int64_t PACKED_LIMIT = 256 << 20
cdef int64_t packed_total = 0


@cython.final
cdef class PackedWeight:
    cdef void *ptr
    cdef int64_t nbytes
    cdef long version
    cdef const void *data
    cdef Py_ssize_t n, k
    cdef int code, isa, precision

    def __dealloc__(self):
        global packed_total
        if self.ptr != NULL:
            udl_free(self.ptr, self.nbytes)
            packed_total -= self.nbytes


cdef PackedWeight packed_weight(Tensor w, Py_ssize_t rows, int code):
    """The packed form of w[N, K] for input w^T with so many rows, or None: too small, new, or not ours to watch. code: the type of
    the product."""
    cdef Storage s = w.storage
    cdef PackedWeight p
    if (rows <= 8 and code != UDL_BF16 and not udl_batch_invariant()) or rows > udl_prepack_rows() or w.numel_ < 65536 or not w.contig or s.owner is not None or s.exported \
            or s.device > 0:
        return None
    if w.code != code and (code != UDL_BF16 or w.code != UDL_F32):
        return None
    if udl_tracing and recorder() is not None:
        recorder().packed = (w, rows)      # the plan asks anew at each replay
        return None
    if s.packed is not None:
        p = <PackedWeight>s.packed
        if p.version == s.version and p.data == w.data_ and p.n == w.shape_[0] and p.k == w.shape_[1] and p.code == code \
                and p.isa == udl_isa_active() and p.precision == udl_float32_precision():
            return p
        s.packed = None
    if not s.linear_once or s.linear_version != s.version:
        s.linear_once, s.linear_version = True, s.version
        return None
    p = pack_weight(w, code)
    s.packed = p
    return p


cdef PackedWeight pack_weight(Tensor w, int code):
    global packed_total
    cdef udl_matmul_args a
    cdef PackedWeight p
    cdef int64_t nbytes
    memset(&a, 0, sizeof(a))
    a.b = w.data_
    a.dtype, a.n, a.k, a.b_k, a.b_n = code, w.shape_[0], w.shape_[1], 1, w.shape_[1]
    a.wide = UDL_WIDE_B if code == UDL_BF16 and w.code == UDL_F32 else 0
    nbytes = udl_prepack(&a, NULL)
    if nbytes <= 0 or packed_total + nbytes > PACKED_LIMIT:
        return None
    p = PackedWeight.__new__(PackedWeight)
    p.ptr = udl_alloc(nbytes)
    if p.ptr == NULL:
        return None  # the product needs none
    p.nbytes = nbytes
    packed_total += nbytes
    p.version, p.data, p.n, p.k, p.code = w.storage.version, w.data_, w.shape_[0], w.shape_[1], code
    p.isa, p.precision = udl_isa_active(), udl_float32_precision()
    with nogil:
        udl_prepack(&a, p.ptr)
    return p


def packed_bytes():
    """Bytes held by packed weights."""
    return packed_total
