# rows.pxi - slices and elements picked and placed by numbers: the kernel calls of index_select, index_add, gather and scatter, compiled,
# because the Python around a small one costs more than the kernel; and tensors of numbers at equal distances.

cdef int rows_call(int id, field *f, Tensor out, Tensor a, Tensor index) except -1:
    if udl_tracing and record_call(id, f, (out, a, index)):
        return 0
    return run_kernel(id, f, (out.numel_ + index.numel_) * 8)


cdef int in_order(str op, Tensor a, Tensor b, Tensor index) except -1:
    if not a.contig or not b.contig or not index.contig or index.code != UDL_I64 or a.code != b.code:
        raise ValueError(f"{op}: expected contiguous tensors of one type and int64 places")
    return 0


cdef Py_ssize_t around(Tensor t, int dim, Py_ssize_t *inner) noexcept:
    """How many elements lie before dimension dim, and after it."""
    cdef Py_ssize_t outer = 1
    cdef int i
    inner[0] = 1
    for i in range(t.ndim_):
        if i < dim:
            outer *= t.shape_[i]
        elif i > dim:
            inner[0] *= t.shape_[i]
    return outer


def pick_rows(Tensor input not None, int dim, Tensor index not None, bint strict):
    """input's slices at index [n] along dim, nothing recorded; both contiguous. strict: negative numbers are out of range."""
    cdef field f[9]
    cdef Py_ssize_t shape[8]
    cdef Py_ssize_t inner
    cdef Tensor out
    cdef int i
    in_order("pick_rows", input, input, index)
    for i in range(input.ndim_):
        shape[i] = index.numel_ if i == dim else input.shape_[i]
    out = empty_nd(input.code, input.ndim_, shape)
    if out.numel_ == 0:
        return out
    f[0].p, f[1].p, f[2].p = out.data_, input.data_, index.data_
    f[3].i, f[4].i = ITEMSIZE[input.code], around(input, dim, &inner)
    f[5].i, f[6].i, f[7].i, f[8].i = input.shape_[dim] if input.ndim_ else 1, inner, index.numel_, strict
    rows_call(UDL_K_index_select, f, out, input, index)
    return out


def place_rows(Tensor out not None, int dim, Tensor index not None, Tensor rows not None, int64_t how):
    """out's slices at index [n] along dim replaced by (or added to) those of rows, in place; all contiguous. how: udl_index_add_args."""
    cdef field f[9]
    cdef Py_ssize_t inner
    in_order("place_rows", out, rows, index)
    if rows.numel_ != around(out, dim, &inner) * index.numel_ * inner:
        raise ValueError(f"place_rows: {rows.numel_} elements for {index.numel_} places")
    if out.numel_ == 0 or index.numel_ == 0:
        return
    f[0].p, f[1].p, f[2].p = out.data_, rows.data_, index.data_
    f[3].i, f[4].i = how, around(out, dim, &inner)
    f[5].i, f[6].i, f[7].i, f[8].i = out.shape_[dim] if out.ndim_ else 1, inner, index.numel_, INT64_MIN
    rows_call(UDL_K_index_add, f, out, rows, index)


cdef void geometry(field *f, Tensor shape, Tensor a, Tensor b) noexcept:
    """shape, strides of a and strides of b: eight numbers each; a tensor without dimensions counts as one of one element."""
    cdef int i, n = shape.ndim_
    for i in range(8):
        f[i].i = shape.shape_[i] if i < n else 1 if n == 0 and i == 0 else 0
        f[8 + i].i = a.strides_[i] if i < n else 1 if n == 0 and i == 0 else 0
        f[16 + i].i = b.strides_[i] if i < n else 1 if n == 0 and i == 0 else 0


def pick_along(Tensor input not None, int dim, Tensor index not None, bint strict):
    """gather of shapes that fit, nothing recorded; index is contiguous."""
    cdef field f[32]
    cdef Tensor out = empty_nd(input.code, index.ndim_, index.shape_)
    in_order("pick_along", out, out, index)
    if out.numel_ == 0:
        return out
    f[0].p, f[1].p, f[2].p = out.data_, input.data_, index.data_
    f[3].i, f[4].i, f[5].i, f[6].i = ITEMSIZE[input.code], input.ndim_ or 1, dim, input.shape_[dim] if input.ndim_ else 1
    geometry(&f[7], index, input, index)
    f[31].i = strict
    rows_call(UDL_K_gather, f, out, input, index)
    return out


def place_along(Tensor out not None, int dim, Tensor index not None, Tensor source not None, bint add, bint strict):
    """scatter of shapes that fit into out, in place; index and source are contiguous."""
    cdef field f[33]
    if source.numel_ != index.numel_ or source.code != out.code:
        raise ValueError(f"place_along: {source.numel_} elements for {index.numel_} places")
    in_order("place_along", source, source, index)
    if index.numel_ == 0:
        return
    f[0].p, f[1].p, f[2].p = out.data_, source.data_, index.data_
    f[3].i, f[4].i, f[5].i, f[6].i, f[7].i = out.code, out.ndim_ or 1, dim, out.shape_[dim] if out.ndim_ else 1, add
    geometry(&f[8], index, out, index)
    f[32].i = strict
    rows_call(UDL_K_scatter, f, out, source, index)


def fits_along(Tensor input not None, int dim, Tensor index not None):
    """Has index as many dimensions as input, and is it no larger outside dim?"""
    cdef int i
    if index.code != UDL_I64 or input.ndim_ != index.ndim_:
        return False
    for i in range(input.ndim_):
        if i != dim and index.shape_[i] > input.shape_[i]:
            return False
    return True


cdef Py_ssize_t join_places(int64_t *y, const int64_t *x, Py_ssize_t n, Py_ssize_t size, bint first) noexcept nogil:
    """y = y size + x with x counted from the front; the first place of an x out of range, or -1."""
    cdef Py_ssize_t i
    cdef int64_t v
    for i in range(n):
        v = x[i]
        v += size if v < 0 else 0
        if not 0 <= v < size:
            return i
        y[i] = v if first else y[i] * size + v
    return -1


def row_numbers(tuple arrays, Tensor view not None):
    """int64: which row of view's first dimensions, seen as one, each place names that int64 arrays of one shape give, one array for
    each; or None: not at hand, or arrays that differ in shape."""
    cdef Tensor a, t, out
    cdef Py_ssize_t bad
    cdef int i, k = 0
    if not 0 < len(arrays) <= view.ndim_:
        return None
    a = <Tensor?>arrays[0]
    if udl_tracing or a.numel_ > 16384:
        return None
    for o in arrays:
        t = <Tensor?>o
        if t.code != UDL_I64 or not t.contig or t.ndim_ != a.ndim_:
            return None
        for i in range(a.ndim_):
            if t.shape_[i] != a.shape_[i]:
                return None
    out = empty_nd(UDL_I64, a.ndim_, a.shape_)
    for o in arrays:
        t = <Tensor>o
        with nogil:
            bad = join_places(<int64_t *>out.data_, <const int64_t *>t.data_, t.numel_, view.shape_[k], k == 0)
        if bad >= 0:
            raise DimError(f"index: {(<const int64_t *>t.data_)[bad]} is out of range for dimension {k} of size {view.shape_[k]}")
        k += 1
    return out


def ramp(Py_ssize_t n, double start, double step, dtype kind not None):
    """start + i step, i < n, rounded once from float64; int64: whole numbers of at most 53 bits. None: not at hand, or another type."""
    cdef Tensor out
    cdef Py_ssize_t i
    cdef int64_t first, width
    if udl_tracing or (kind.code != UDL_F32 and kind.code != UDL_F64 and kind.code != UDL_I64):
        return None
    out = empty_nd(kind.code, 1, &n)
    with nogil:
        if kind.code == UDL_F32:
            for i in range(n):
                (<float *>out.data_)[i] = <float>(start + <double>i * step)
        elif kind.code == UDL_F64:
            for i in range(n):
                (<double *>out.data_)[i] = start + <double>i * step
        else:
            first, width = <int64_t>start, <int64_t>step
            for i in range(n):
                (<int64_t *>out.data_)[i] = first + i * width
    return out


def from_list(object data, dtype kind):
    """A tensor [n] of a list or tuple of Python floats and integers of 64 bits, or one number; kind None: as they are. None: something
    else, or not at hand."""
    cdef Tensor out
    cdef Py_ssize_t i, n = 1
    cdef int code = UDL_I64, overflow = 0, nd = 0
    cdef bint floats = False
    cdef tuple items
    if udl_tracing:
        return None
    if type(data) is list or type(data) is tuple:
        items, nd = tuple(data), 1
    else:
        items = (data,)
    n = len(items)
    if n == 0:
        return None
    for o in items:
        if type(o) is float:
            floats = True
        elif type(o) is int:
            PyLong_AsLongLongAndOverflow(o, &overflow)
            if overflow:
                return None
        else:
            return None
    if floats:
        code = DEFAULT_FLOAT
    if kind is not None:
        if kind.code != UDL_F32 and kind.code != UDL_F64 and (kind.code != UDL_I64 or floats):
            return None
        code = kind.code
    out = empty_nd(code, nd, &n)
    for i in range(n):
        if code == UDL_F32:
            (<float *>out.data_)[i] = <float><double>items[i]
        elif code == UDL_F64:
            (<double *>out.data_)[i] = <double>items[i]
        elif code == UDL_I64:
            (<int64_t *>out.data_)[i] = <int64_t>items[i]
        else:
            return None
    return out


def made_in_inference(Tensor input not None):
    """Was the memory of this tensor allocated inside inference_mode?"""
    return bool(input.storage.inference)
