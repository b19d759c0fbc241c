# places.pxi - places that depend on the values: of True, of numbers among sorted ones. On the host; None where that is not possible
# (while a plan is recorded, on a GPU, other types): the callers then ask reductions or NumPy.

def at_hand():
    """Whether operations may look at values now: no plan is being recorded, no GPU in use."""
    return not udl_tracing


def bounds(Tensor input not None):
    """(least, most) of a few int64 numbers by one loop, or None: reduce them."""
    cdef const int64_t *p = <const int64_t *>input.data_
    cdef int64_t least, most
    cdef Py_ssize_t i
    if udl_tracing or input.code != UDL_I64 or not input.contig or not 0 < input.numel_ <= 4096:
        return None
    least = most = p[0]
    for i in range(input.numel_):
        least, most = min(least, p[i]), max(most, p[i])
    return least, most


cdef void mark_places(const uint8_t *mask, Py_ssize_t n, int nd, const Py_ssize_t *shape, int64_t *out, Py_ssize_t total) noexcept nogil:
    """The coordinates (nd numbers each; nd = 1: the number alone) of the `total` bytes that are not 0, in order. Each is written
    where the next one belongs and stays if it counts: no branch to guess."""
    cdef Py_ssize_t row = 0, j, rest, count = 0
    cdef int64_t lead[8]
    cdef int d
    while count < total:
        rest = row
        for d in range(nd - 2, -1, -1):
            lead[d] = rest % shape[d]
            rest = rest // shape[d]
        j = 0
        while j < n and count < total:
            for d in range(nd - 1):
                out[count * nd + d] = lead[d]
            out[count * nd + nd - 1] = j
            count += mask[j] != 0
            j += 1
        mask += n
        row += 1


def places(Tensor input not None, bint coordinates=False):
    """The numbers of the True elements of a bool tensor, int64 [n], or their coordinates [n, ndim]. None: ask NumPy."""
    cdef Tensor out, count
    cdef Py_ssize_t shape[2]
    cdef int nd = input.ndim_ if coordinates else 1
    if udl_tracing or input.code != UDL_BOOL or not input.contig or not input.numel_ or not nd:
        return None
    count = <Tensor>reduce_dims(UDL_SUM, input, list(range(input.ndim_)), False, UDL_I64)
    shape[0], shape[1] = (<int64_t *>count.data_)[0], nd
    out = empty_nd(UDL_I64, 2 if coordinates else 1, shape)
    with nogil:
        mark_places(<const uint8_t *>input.data_, input.shape_[nd - 1] if coordinates else input.numel_, nd, input.shape_,
                    <int64_t *>out.data_, shape[0])
    return out


ctypedef fused ordered:
    float
    double
    int64_t


cdef void search_row(const ordered *row, Py_ssize_t n, const ordered *x, Py_ssize_t m, bint right, int64_t *out) noexcept nogil:
    """out[j] = how many elements of row, in order, are below x[j], or not above it; no branch to guess."""
    cdef Py_ssize_t j, base, left, half
    for j in range(m):
        base, left = 0, n
        while left > 1:
            half = left // 2
            base += half * (not (row[base + half - 1] > x[j]) if right else not (row[base + half - 1] >= x[j]))
            left -= half
        if left:
            base += not (row[base] > x[j]) if right else not (row[base] >= x[j])
        out[j] = base


def search(Tensor sequence not None, Tensor input not None, bint right):
    """int64, the shape of input: the place of each element in its row of sequence [n] or [..., n], or None."""
    cdef Tensor out
    cdef Py_ssize_t n, m, rows, r
    if udl_tracing or not sequence.contig or not input.contig or sequence.code != input.code or not sequence.ndim_ or not input.numel_:
        return None
    if sequence.code != UDL_F32 and sequence.code != UDL_F64 and sequence.code != UDL_I64:
        return None
    out = empty_like_c(input, UDL_I64)
    n = sequence.shape_[sequence.ndim_ - 1]
    rows = 1 if sequence.ndim_ == 1 else input.numel_ // input.shape_[input.ndim_ - 1]
    m = input.numel_ // rows
    with nogil:
        for r in range(rows):
            if sequence.code == UDL_F32:
                search_row(<const float *>sequence.data_ + r * n, n, <const float *>input.data_ + r * m, m, right, <int64_t *>out.data_ + r * m)
            elif sequence.code == UDL_F64:
                search_row(<const double *>sequence.data_ + r * n, n, <const double *>input.data_ + r * m, m, right, <int64_t *>out.data_ + r * m)
            else:
                search_row(<const int64_t *>sequence.data_ + r * n, n, <const int64_t *>input.data_ + r * m, m, right, <int64_t *>out.data_ + r * m)
    return out


def substitute(Tensor triangle not None, Tensor rows not None, bint upper, bint unit):
    """Solves triangle [b, n, n] X = rows [b, n, k] in place, in float64, row by row; a zero on the diagonal gives infinities."""
    cdef Py_ssize_t n = triangle.shape_[1], k = rows.shape_[2], b, s, i, j, c, first
    cdef const double *a
    cdef double *x
    cdef double f
    if triangle.code != UDL_F64 or rows.code != UDL_F64 or not triangle.contig or not rows.contig:
        raise DTypeError("substitute: expected contiguous float64")
    with nogil:
        for b in range(triangle.shape_[0]):
            a = <const double *>triangle.data_ + b * n * n
            x = <double *>rows.data_ + b * n * k
            for s in range(n):
                i = n - 1 - s if upper else s
                first = i + 1 if upper else 0
                for j in range(first, first + s):
                    f = a[i * n + j]
                    for c in range(k):
                        x[i * k + c] -= f * x[j * k + c]
                if not unit:
                    for c in range(k):
                        x[i * k + c] /= a[i * n + i]


def triangle(Tensor input not None, Py_ssize_t diagonal, bint lower):
    """input [..., m, n] with zeros above the diagonal (below it unless lower), nothing recorded; or None."""
    cdef Tensor out
    cdef Py_ssize_t rows, m, n, size = ITEMSIZE[input.code], r, cut
    cdef const char *x
    cdef char *y
    if udl_tracing or not input.contig or not input.numel_:
        return None
    out = empty_like_c(input, input.code)
    m, n = input.shape_[input.ndim_ - 2], input.shape_[input.ndim_ - 1]
    rows = input.numel_ // n
    x, y = input.data_, out.data_
    with nogil:
        for r in range(rows):
            cut = r % m + diagonal + (1 if lower else 0)    # what is left of this column is one part, the rest the other
            cut = size * (0 if cut < 0 else n if cut > n else cut)
            if lower:
                memcpy(y, x, cut)
                memset(y + cut, 0, size * n - cut)
            else:
                memset(y, 0, cut)
                memcpy(y + cut, x + cut, size * n - cut)
            x, y = x + size * n, y + size * n
    return out
