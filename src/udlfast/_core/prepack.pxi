# prepack.pxi - weights of linear and filters of convolutions, packed once for the products that follow.
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
    cdef Tensor filters  # of a convolution, else None

    def __dealloc__(self):
        global packed_total
        if self.ptr != NULL:
            udl_free(self.ptr, self.nbytes)
        packed_total -= self.nbytes


cdef bint may_pack(Tensor w):
    """Memory whose changes are counted, and enough of it."""
    return w.numel_ >= 65536 and w.contig and w.storage.owner is None and not w.storage.exported and w.storage.device <= 0


cdef tuple weight_key(Tensor w):
    """What tells weights of products apart: where they are, and as what matrix they are read."""
    if w.ndim_ != 2 or not w.contig:
        return (id(w),)
    return id(w.storage), <size_t>w.data_, w.shape_[0], w.shape_[1]


cdef bint used_again(Storage s):
    """Is this the second use of a weight that has not changed?"""
    if s.linear_once and s.linear_version == s.version:
        return True
    s.linear_once, s.linear_version = True, s.version
    return False


cdef PackedWeight packed_weight(Tensor w, Py_ssize_t rows, int code):
    """The packed form of w[N, K] for input w^T with so many rows, or None: too small, new, or not ours to watch. code: the type of
    the product."""
    cdef Storage s = w.storage
    cdef PackedWeight p
    if (rows <= 8 and code != UDL_BF16 and not udl_batch_invariant()) or rows > udl_prepack_rows() or not may_pack(w):
        return None
    if w.code != code and (code != UDL_BF16 or w.code != UDL_F32):
        return None
    if udl_tracing and recorder() is not None:
        recorder().packed = (w, rows)      # the plan asks anew at each replay
        return None
    if s.packed is not None:
        p = <PackedWeight>s.packed
        if p.version == s.version and p.data == w.data_ and p.n == w.shape_[0] and p.k == w.shape_[1] and p.code == code \
                and p.filters is None and p.isa == udl_isa_active() and p.precision == udl_float32_precision():
            return p
        s.packed = None
    if not used_again(s):
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


def packed_filters(Tensor w, tuple ints):
    """The filters w of a conv2d call with these integers, made ready by K_conv2d_filters, or None."""
    cdef Storage s = w.storage
    cdef PackedWeight p
    cdef int64_t nbytes
    cdef int code
    if w.code != UDL_F32 or w.ndim_ != 4 or (w.shape_[3] != 3 and ints[0] == UDL_F32) or not may_pack(w) or udl_cuda \
            or (udl_tracing and recorder() is not None):
        return None
    code = code_of_filters(ints)
    if s.packed is not None:
        p = <PackedWeight>s.packed
        if p.version == s.version and p.data == w.data_ and p.n == w.shape_[0] and p.k == w.shape_[1] and p.code == code \
                and p.filters is not None and p.isa == udl_isa_active():
            return p.filters
        if p.filters is not None and filters_bytes(ints) <= 0:
            return None  # these sizes need none: keep what others use
        s.packed = None
    if not used_again(s):
        return None
    nbytes = filters_bytes(ints)
    if nbytes <= 0 or packed_total + nbytes > PACKED_LIMIT:
        return None
    s.packed = pack_filters(w, ints, nbytes)
    return (<PackedWeight>s.packed).filters


cdef PackedWeight pack_filters(Tensor w, tuple ints, int64_t nbytes):
    global packed_total
    cdef PackedWeight p = PackedWeight.__new__(PackedWeight)
    cdef Tensor filters = empty((nbytes // 4,), float32)
    call(UDL_K_conv2d_filters, (filters, None, w), ints)
    p.filters, p.nbytes = filters, nbytes
    packed_total += nbytes
    p.version, p.data, p.n, p.k, p.isa = w.storage.version, w.data_, w.shape_[0], w.shape_[1], udl_isa_active()
    p.code = code_of_filters(ints)
    return p


cdef int code_of_filters(tuple ints):
    """Groups, element type, and what the filters suit."""
    cdef int side = filters_side(ints) if ints[0] == UDL_BF16 else 1
    return (ints[16] * 64 + ints[0]) * 4 + side


cdef void ask_filters(tuple ints, int64_t *found):
    cdef int64_t[20] f
    cdef Py_ssize_t i
    memset(f, 0, sizeof(f))
    found[0] = found[1] = 0
    f[1] = <int64_t><void *>found
    for i in range(17):
        f[3 + i] = ints[i]
    udl_call(UDL_K_conv2d_filters, f)


def filters_bytes(tuple ints):
    """What the filters of a conv2d call with these integers take when they are made ready; 0: it saves nothing."""
    cdef int64_t[2] found
    ask_filters(ints, found)
    return found[0]


def filters_side(tuple ints):
    """The H and W to give K_conv2d_filters, with P and Q 1, for filters that suit a conv2d call with these integers."""
    cdef int64_t[2] found
    ask_filters(ints, found)
    return found[1]


def packed_bytes():
    """Bytes held by packed weights."""
    return packed_total
