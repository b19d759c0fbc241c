# reduce.pxi - sums and their kin over any dimensions: brought into the form (outer, n, inner) and reduced in one call.

cdef object reduce_dims(int op, Tensor a, object dims, bint keepdim, int out_code, str name="reduce"):
    """The kernel alone over a list of distinct, normalised dimensions. out_code -1: the type of a."""
    cdef udl_reduce_args s
    cdef Py_ssize_t shape[8]
    cdef Py_ssize_t perm[8]
    cdef int i, n = 0, first = -1, last = -1, k = 0
    cdef int bits = 0
    cdef Tensor out
    if wide_unsigned(a.code):
        if op == UDL_SUM or op == UDL_PROD:
            a, out_code = cast(a, UDL_I64), out_code if out_code >= 0 else UDL_I64
        elif op == UDL_ANY or op == UDL_ALL:
            a = cast(a, UDL_BOOL)
        else:
            raise no_unsigned(name, a.code)
    if a.code == UDL_F16:
        i = UDL_F16 if out_code < 0 else out_code
        return cast(<Tensor>reduce_dims(op, cast(a, UDL_F32), dims, keepdim, UDL_F32 if i == UDL_F16 else i, name), i)
    for d in dims:
        bits |= 1 << <int>d
    for i in range(a.ndim_):
        if bits >> i & 1:
            if first < 0:
                first = i
            last = i
            k += 1
            if keepdim:
                shape[n] = 1
                n += 1
        else:
            shape[n] = a.shape_[i]
            n += 1
    if not a.contig and a.numel_ > 1 and (k == 1 or (op != UDL_ARGMAX and op != UDL_ARGMIN)) and memory_order(a, perm):
        return reduce_permuted(op, a, bits, keepdim, out_code, name, n, shape, perm)
    if k and last - first + 1 != k and (op == UDL_SUM or op == UDL_MAX or op == UDL_MIN):
        return reduce_runs(op, a, dims, out_code, name, n, shape)
    out = empty_nd(a.code if out_code < 0 else out_code, n, shape)
    if k and last - first + 1 != k:        # the reduced dimensions are not neighbours: bring them to the end
        n = 0
        for i in range(a.ndim_):
            if not bits >> i & 1:
                perm[n] = i
                n += 1
        first = n
        for i in range(a.ndim_):
            if bits >> i & 1:
                perm[n] = i
                n += 1
        last = n - 1
        a = permute_raw(a, perm)
    if not a.contig:
        a = clone_raw(a)
    s.outer = s.n = s.inner = 1
    for i in range(a.ndim_):
        if k == 0 or i < first:
            s.outer *= a.shape_[i]
        elif i <= last:
            s.n *= a.shape_[i]
        else:
            s.inner *= a.shape_[i]
    if s.n == 0 and op != UDL_SUM and op != UDL_PROD and op != UDL_ANY and op != UDL_ALL and op != UDL_LOGSUMEXP \
            and op != UDL_NORM2 and out.numel_:
        raise DimError(f"{name}: no elements to choose from in shape {list(size_of(a))}; name a dimension that is not empty")
    s.out, s.a = out.data_, a.data_
    s.op, s.dtype, s.out_dtype = op, a.code, out.code
    if out.numel_:
        kcall(UDL_K_reduce, &s, a.numel_ * ITEMSIZE[a.code], out, a, None, None)
    return out


cdef bint memory_order(Tensor a, Py_ssize_t *perm) noexcept:
    """The dimensions of `a` by falling stride; whether it is contiguous in this order (and not in its own)."""
    cdef int i, j
    cdef Py_ssize_t d, next = 1
    for i in range(a.ndim_):
        d = i
        j = i
        while j > 0 and (a.strides_[perm[j - 1]] < a.strides_[d] or (a.strides_[perm[j - 1]] == a.strides_[d] and a.shape_[perm[j - 1]] < a.shape_[d])):
            perm[j] = perm[j - 1]
            j -= 1
        perm[j] = d
    for i in range(a.ndim_ - 1, -1, -1):
        d = perm[i]
        if a.shape_[d] != 1:
            if a.strides_[d] != next:
                return False
            next *= a.shape_[d]
    return True


cdef object reduce_permuted(int op, Tensor a, int bits, bint keepdim, int out_code, str name, int n, const Py_ssize_t *shape, const Py_ssize_t *perm):
    """A tensor that is contiguous but for the order of its dimensions is reduced as it lies."""
    cdef Py_ssize_t back[8]
    cdef int i
    cdef list dims = []
    cdef Tensor r
    for i in range(a.ndim_):
        back[perm[i]] = i
        if bits >> perm[i] & 1:
            dims.append(i)
    r = <Tensor>reduce_dims(op, permute_raw(a, perm), dims, True, out_code, name)
    r = permute_raw(r, back)
    return reshape_nd(r if r.contig else clone_raw(r), n, shape)


cdef object reduce_runs(int op, Tensor a, object dims, int out_code, str name, int n, const Py_ssize_t *shape):
    """Dimensions that are not neighbours: the last ones that are, then the rest; nothing is copied."""
    cdef list rest = sorted(dims), run = [rest.pop()]
    while rest and rest[len(rest) - 1] == run[0] - 1:
        run.insert(0, rest.pop())
    r = reduce_dims(op, a, run, True, out_code, name)
    return reshape_nd(<Tensor>reduce_dims(op, <Tensor>r, rest, True, out_code, name), n, shape)


cdef Tensor permute_raw(Tensor a, const Py_ssize_t *perm):
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef int i
    for i in range(a.ndim_):
        s[i], st[i] = a.shape_[perm[i]], a.strides_[perm[i]]
    return make_view(a, a.ndim_, s, st, 0)


cdef list norm_dims(object dim, int ndim, str op):
    """A dimension, several, or None (all) as a sorted list without doubles."""
    cdef list out = []
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return list(range(ndim))
    for d in dim if isinstance(dim, (tuple, list)) else (dim,):
        i = norm_dim(d, ndim, op)
        if i in out:
            raise ArgumentError(f"{op}: dimension {d} is named twice")
        if ndim:
            out.append(i)
    out.sort()
    return out


def reduce(int op, Tensor input not None, dim=None, bint keepdim=False, dtype out_dtype=None, str name="reduce"):
    """The reduction kernel `op` (R_...) alone, nothing recorded."""
    return reduce_dims(op, input, norm_dims(dim, input.ndim_, name), keepdim,
                       -1 if out_dtype is None else out_dtype.code, name)


@cython.final
cdef class SumNode(Node):
    """gx = g expanded (times p0, which is 1/n for the mean)."""
    cdef int nd
    cdef Py_ssize_t dims[8]
    cdef Py_ssize_t kept[8]

    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_
        cdef int i
        if self.p0 != 1.0:
            g = <Tensor>binary(UDL_MAP_mul, g, self.p0)
        g = <Tensor>reshape_nd(g, self.nd, self.kept)
        return expand(g, tuple([self.dims[i] for i in range(self.nd)]))


cdef object sum_or_mean(Tensor a, object dim, bint keepdim, object dtype_, bint average):
    cdef str name = "mean" if average else "sum"
    cdef list dims
    cdef Tensor out
    cdef SumNode n
    cdef int code, i
    cdef double count = 1.0
    code = code_of(dtype_, UDL_I64 if a.code < UDL_F16 and not average else a.code)
    if average and code < UDL_F16:
        raise DTypeError(f"mean: expected a floating-point tensor, got {a.dtype}; convert with .float() or pass dtype=")
    if dtype_ is not None and a.code != code:
        a = cast(a, code)
    dims = norm_dims(dim, a.ndim_, name)
    out = <Tensor>reduce_dims(UDL_SUM, a, dims, keepdim, code)
    if average:
        for d in dims:
            count *= a.shape_[<int>d]
        count = 1.0 / count if count else float("nan")
        run_map(UDL_MAP_mul, out, out, None, None, 2, compute_type(code), count, 0.0)
    if udl_recording and code >= UDL_F16 and wants(a):
        n = SumNode.__new__(SumNode)
        init_node1(n, a)
        n.nd, n.p0 = a.ndim_, count
        for i in range(a.ndim_):
            n.dims[i] = a.shape_[i]
            n.kept[i] = a.shape_[i]
        for d in dims:
            n.kept[<int>d] = 1
        out.node = n
    return out


def sum(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
    """The sum over all elements or over the named dimensions."""
    if axis is not None:
        dim = axis
    if keepdims is not None:
        keepdim = keepdims
    if out is not None:
        return put_out(out, sum_or_mean(input, dim, keepdim, dtype, False))
    return sum_or_mean(input, dim, keepdim, dtype, False)


def mean(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
    """The mean over all elements or over the named dimensions."""
    if axis is not None:
        dim = axis
    if keepdims is not None:
        keepdim = keepdims
    if out is not None:
        return put_out(out, sum_or_mean(input, dim, keepdim, dtype, True))
    return sum_or_mean(input, dim, keepdim, dtype, True)
