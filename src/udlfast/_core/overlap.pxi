# overlap.pxi - views in which several elements lie in one place (windows, expanded dimensions), and views beyond their tensor.

cdef bint overlapping(Tensor v) noexcept:
    cdef int i
    cdef Py_ssize_t span = 0
    for i in range(v.ndim_):
        if v.shape_[i] > 1:
            if v.strides_[i] == 0:
                return True
            span += (v.shape_[i] - 1) * v.strides_[i]
    return span + 1 < v.numel_ or v.ndim_ > 1 and not v.contig and not nested(v)


cdef bint nested(Tensor v) noexcept:
    """Is each stride larger than all that lies inside it (no two elements in one place)?"""
    cdef int i, j
    cdef Py_ssize_t inner
    for i in range(v.ndim_):
        if v.shape_[i] <= 1:
            continue
        inner = 0
        for j in range(v.ndim_):
            if j != i and v.shape_[j] > 1 and (v.strides_[j] < v.strides_[i] or (v.strides_[j] == v.strides_[i] and j > i)):
                inner += (v.shape_[j] - 1) * v.strides_[j]
        if v.strides_[i] <= inner:
            return False
    return True


cdef int add_overlapping(Tensor v, Tensor g) except -1:
    """v += g where elements of v may coincide: a dimension of which every k-th position is free of that (windows), one such part after
    another; where there is none, one position of the first dimension after another."""
    cdef Py_ssize_t i, j, k, inner
    if v.ndim_ == 0 or not overlapping(v):
        return add_into(v, g)
    for i in range(v.ndim_):
        if v.shape_[i] <= 1 or v.strides_[i] <= 0:
            continue
        inner = 0
        for j in range(v.ndim_):
            if j != i and v.shape_[j] > 1 and v.strides_[j] <= v.strides_[i]:
                inner += (v.shape_[j] - 1) * v.strides_[j]
        k = inner // v.strides_[i] + 1
        if k < v.shape_[i] and not overlapping(every(v, i, k, 0)):
            for j in range(k):
                add_into(every(v, i, k, j), every(g, i, k, j))
            return 0
    for i in range(v.shape_[0]):
        add_overlapping(<Tensor>alias_select(v, i), <Tensor>alias_select(g, i))
    return 0


cdef Tensor every(Tensor v, Py_ssize_t i, Py_ssize_t k, Py_ssize_t first):
    """Positions first, first + k, ... of dimension i."""
    cdef Py_ssize_t shape[8]
    cdef Py_ssize_t strides[8]
    cdef int d
    for d in range(v.ndim_):
        shape[d], strides[d] = v.shape_[d], v.strides_[d]
    shape[i], strides[i] = (shape[i] - first + k - 1) // k, strides[i] * k
    return make_view(v, v.ndim_, shape, strides, first * v.strides_[i])


cdef Tensor alias_select(Tensor v, Py_ssize_t i):
    return make_view(v, v.ndim_ - 1, v.shape_ + 1, v.strides_ + 1, i * v.strides_[0])


cdef Py_ssize_t count_of(int nd, const Py_ssize_t *dims) noexcept:
    cdef Py_ssize_t n = 1
    cdef int i
    for i in range(nd):
        n *= dims[i]
    return n


cdef bint reaches_beyond(int nd, const Py_ssize_t *dims, const Py_ssize_t *strides, Py_ssize_t offset, Py_ssize_t count) noexcept:
    """Does the geometry touch elements outside of 0 .. count-1, which as_strided allows where the storage has them?"""
    cdef Py_ssize_t last = offset
    cdef int i
    for i in range(nd):
        if dims[i] == 0:
            return False
        last += (dims[i] - 1) * strides[i]
    return offset < 0 or last >= count


cdef object beyond_backward(ViewNode n, Tensor g):
    """The gradient of a view that reaches beyond its tensor: g of the elements that are the tensor's, the rest goes nowhere."""
    import udlfast
    cdef Py_ssize_t count = count_of(n.nd, n.dims), before = -n.offset if n.offset < 0 else 0, last = n.offset
    cdef int i
    for i in range(n.vnd):
        last += (n.vdims[i] - 1) * n.strides[i]
    last = (count if count > last + 1 else last + 1) + before
    places = make_view(<Tensor>udlfast.arange(last), n.vnd, n.vdims, n.strides, n.offset + before)
    z = udlfast.index_add(udlfast.zeros(last, dtype=g.dtype), 0, contiguous(places).reshape(-1), g.reshape(-1))
    return z.narrow(0, before, count).reshape(tuple([n.dims[i] for i in range(n.nd)]))
