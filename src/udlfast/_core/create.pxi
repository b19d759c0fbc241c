# create.pxi - new tensors, and one number everywhere.

cdef int check_size(str op, int n, const Py_ssize_t *shape, int itemsize) except -1:
    cdef int i
    cdef Py_ssize_t total = itemsize
    for i in range(n):
        if shape[i] < 0:
            raise ShapeError(f"{op}: negative size {shape[i]} in shape {[shape[k] for k in range(n)]}")
    for i in range(n):
        if shape[i] > 0 and total > 4611686018427387904 // shape[i]:
            raise ShapeError(f"{op}: shape {[shape[k] for k in range(n)]} has more bytes than 64 bits can count")
        if shape[i] > 0:
            total *= shape[i]
    return 0


cdef Tensor new_from_args(str op, tuple args, object dtype_, int default):
    cdef Py_ssize_t shape[8]
    cdef int n = parse_shape(op, args, shape), code = code_of(dtype_, default)
    check_size(op, n, shape, ITEMSIZE[code])
    return empty_nd(code, n, shape)


cdef set IGNORED = {"size", "out", "layout", "memory_format", "pin_memory", "names"}


cdef tuple sizes_of(str op, tuple size, dict more):
    """The sizes, which may also come as size=...; what else came must be something that says nothing here."""
    if not more:
        return size
    for key in more:
        if key not in IGNORED:
            raise TypeError(f"{op}() got an unexpected keyword argument {key!r}")
    return (more["size"],) if "size" in more else size


cdef Tensor into(Tensor t, dict more):
    """t, or out=... with t's elements; in page-locked memory if pin_memory=True asks for that"""
    if more and more.get("pin_memory"):
        t = (<Tensor>t.pin_memory()).requires_grad_(bool(t.rg))
    if more and more.get("out") is not None:
        return put_out(more["out"], t)
    return t


cdef Tensor finish(Tensor t, object device, bint requires_grad):
    t.storage.version = 0
    if device is not None and (str(device) != "cpu" or t.storage.device > 0):
        t = slot("on_device")(t, device)
    if requires_grad:
        t.requires_grad_(True)
    return t


def empty(*size, dtype=None, device=None, bint requires_grad=False, **ignored):
    """A tensor whose elements are not set."""
    if len(size) == 2 and isinstance(size[0], tuple) and dtype is None:
        size, dtype = (size[0],), size[1]
    return into(finish(new_from_args("empty", sizes_of("empty", size, ignored), dtype, DEFAULT_FLOAT), device, requires_grad), ignored)


def zeros(*size, dtype=None, device=None, bint requires_grad=False, **ignored):
    """A tensor of zeros."""
    return into(finish(fill_(new_from_args("zeros", sizes_of("zeros", size, ignored), dtype, DEFAULT_FLOAT), 0), device, requires_grad), ignored)


def ones(*size, dtype=None, device=None, bint requires_grad=False, **ignored):
    """A tensor of ones."""
    return into(finish(fill_(new_from_args("ones", sizes_of("ones", size, ignored), dtype, DEFAULT_FLOAT), 1), device, requires_grad), ignored)


def full(size, fill_value, *, dtype=None, device=None, bint requires_grad=False, **ignored):
    """A tensor with every element fill_value; its type follows from the value unless given."""
    cdef int default = DEFAULT_FLOAT
    if isinstance(fill_value, Tensor):
        default = (<Tensor>fill_value).code
    elif isinstance(fill_value, bool):
        default = UDL_BOOL
    elif isinstance(fill_value, int):
        default = UDL_I64
    if isinstance(size, int):
        size = (size,)
    return into(finish(fill_(new_from_args("full", (size,), dtype, default), fill_value), device, requires_grad), ignored)


cdef Tensor like(str op, object input, object dtype_):
    if not isinstance(input, Tensor):
        raise TypeError(f"{op}: expected a Tensor, got {type(input).__name__}")
    return empty_like_c(<Tensor>input, code_of(dtype_, (<Tensor>input).code))


def empty_like(input, *, dtype=None, device=None, bint requires_grad=False, **ignored):
    """A tensor of input's shape and type whose elements are not set."""
    return finish(like("empty_like", input, dtype), device, requires_grad)


def zeros_like(input, *, dtype=None, device=None, bint requires_grad=False, **ignored):
    """Zeros of input's shape and type."""
    return finish(fill_(like("zeros_like", input, dtype), 0), device, requires_grad)


def ones_like(input, *, dtype=None, device=None, bint requires_grad=False, **ignored):
    """Ones of input's shape and type."""
    return finish(fill_(like("ones_like", input, dtype), 1), device, requires_grad)


def full_like(input, fill_value, *, dtype=None, device=None, bint requires_grad=False, **ignored):
    """fill_value in input's shape and type."""
    return finish(fill_(like("full_like", input, dtype), fill_value), device, requires_grad)


def from_numpy(array):
    """A tensor that shares a NumPy array's memory."""
    cdef ForeignBuffer f
    cdef Tensor t
    cdef int i, code
    if not (hasattr(type(array), "__array_interface__") or hasattr(array, "__array_interface__")):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, got {type(array).__name__}")
    code = NUMPY_CODES.get(array.dtype.char, -1) if array.dtype.isnative else -1
    if code < 0:
        raise DTypeError(f"from_numpy: arrays of type {array.dtype.name} are not supported (floats of 16 to 64 bits, integers "
                         f"and bool are); convert with .astype first")
    if array.ndim > 8:
        raise ShapeError(f"from_numpy: at most 8 dimensions are supported, got {array.ndim}")
    if not array.flags.writeable:
        array = array.copy()        # never a way to write into memory that its owner protects
    f = ForeignBuffer.__new__(ForeignBuffer)
    PyObject_GetBuffer(array, &f.view, PyBUF_STRIDED | PyBUF_WRITABLE)
    f.held = True
    t = Tensor.__new__(Tensor)
    t.code, t.ndim_, t.numel_ = code, f.view.ndim, 1
    for i in range(t.ndim_):
        if f.view.strides[i] < 0 and f.view.shape[i] > 1:
            raise ArgumentError("from_numpy: negative strides are not supported; use array.copy()")
        if f.view.strides[i] % ITEMSIZE[code] and f.view.shape[i] > 1:
            raise ArgumentError("from_numpy: strides that are no multiple of the element's size are not supported; use array.copy()")
        t.shape_[i] = f.view.shape[i]
        t.strides_[i] = f.view.strides[i] // ITEMSIZE[code] if f.view.shape[i] > 1 else 1
        t.numel_ *= t.shape_[i]
    if <size_t>f.view.buf % ITEMSIZE[code] and t.numel_:
        raise ArgumentError("from_numpy: the array's memory is not aligned to its elements; use array.copy()")
    t.data_ = <char *>f.view.buf
    t.storage = Storage.__new__(Storage)
    t.storage.ptr, t.storage.owner = f.view.buf, f
    t.storage.nbytes = 0
    for i in range(t.ndim_):
        if t.numel_:
            t.storage.nbytes += (t.shape_[i] - 1) * t.strides_[i] * ITEMSIZE[code]
    t.storage.nbytes += ITEMSIZE[code] if t.numel_ else 0
    t.contig = compute_contig(t)
    if t.contig:
        fix_strides(t)
    if udl_tracing:
        mark_foreign(t.storage)
    return t


cdef void fix_strides(Tensor t) noexcept:
    """Contiguous strides also for dimensions of size 1 and empty tensors."""
    cdef int i
    cdef Py_ssize_t n = 1
    for i in range(t.ndim_ - 1, -1, -1):
        t.strides_[i] = n
        n *= t.shape_[i] if t.shape_[i] > 0 else 1


cdef dict NUMPY_CODES = {"?": UDL_BOOL, "B": UDL_U8, "b": UDL_I8, "h": UDL_I16, "i": UDL_I32, "l": UDL_I64, "q": UDL_I64, "H": UDL_U16, "I": UDL_U32,
                          "L": UDL_U64, "Q": UDL_U64, "e": UDL_F16, "f": UDL_F32, "d": UDL_F64}


def from_address(size_t address, tuple shape, tuple strides, dtype d not None, owner not None):
    """A tensor over memory at `address` that `owner` keeps alive (strides in elements). The caller vouches for it."""
    cdef Tensor t = Tensor.__new__(Tensor)
    cdef int i
    if len(shape) > 8 or len(shape) != len(strides):
        raise ShapeError("from_address: at most 8 dimensions, and as many strides as sizes")
    t.code, t.ndim_, t.numel_ = d.code, <int>len(shape), 1
    t.storage = Storage.__new__(Storage)
    t.storage.ptr, t.storage.owner, t.storage.nbytes = <void *>address, owner, d.itemsize
    for i in range(t.ndim_):
        t.shape_[i], t.strides_[i] = shape[i], strides[i]
        t.numel_ *= t.shape_[i]
        t.storage.nbytes += (t.shape_[i] - 1) * t.strides_[i] * d.itemsize if t.shape_[i] > 0 else 0
    t.data_ = <char *>address
    t.contig = compute_contig(t)
    if t.contig:
        fix_strides(t)
    if udl_tracing:
        mark_foreign(t.storage)
    return t


# ---- tables for the optimisers' kernels -----------------------------------------------------------------------------------------
def optim_table(list entries):
    """int64 [count, 6]: addresses of parameter, gradient and up to three states (0 = none), and the number of elements.
    entries: tuples (parameter, gradient, state1, state2, state3) of contiguous tensors of one type, or None."""
    cdef Py_ssize_t shape[2]
    cdef Py_ssize_t i, j
    cdef Tensor p, t, table
    cdef int64_t *row
    shape[0], shape[1] = len(entries), 6
    table = empty_nd(UDL_I64, 2, shape)
    for i in range(shape[0]):
        e = <tuple?>entries[i]
        row = <int64_t *>table.data_ + 6 * i
        p = <Tensor?>e[0]
        row[5] = p.numel_
        for j in range(5):
            row[j] = 0
            if j < len(e) and e[j] is not None:
                t = <Tensor?>e[j]
                if not t.contig or t.code != p.code or t.numel_ != p.numel_:
                    raise ArgumentError("optim_table: parameter, gradient and states need the same type and size, contiguous")
                row[j] = <int64_t><size_t>t.data_
    if udl_tracing:
        record_table(table, entries)
    return table


def bump_versions(list tensors):
    """Tell the tape that these tensors were written to."""
    for t in tensors:
        (<Tensor?>t).storage.version += 1


cpdef Tensor fill_(Tensor self, value):
    """Every element = value, in place."""
    cdef Tensor v
    cdef object bits, given
    if isinstance(value, Tensor):
        v = <Tensor>value
        if v.numel_ != 1:
            raise ShapeError(f"fill_: expected a number or a tensor of one element, got shape {list(size_of(v))}")
        return copy_(self, v)
    if udl_recording and wants(self):
        check_leaf(self, "fill_")
        v = empty_like_c(self, self.code)
        fill_(v, value)
        return assign(self, v, "fill_")
    if value is None or not is_number(value) and getattr(value, "imag", 0) != 0:
        raise TypeError(f"fill_: expected a real number, got {value}")
    check_overlap(self, "fill_") if not self.contig else 0
    if self.numel_:
        if self.contig and not value and self.numel_ < 65536 and (self.code < UDL_F16 or str(value)[0] != "-"):
            if udl_tracing:
                record_bytes(UDL_PLAN_FILL, self, None, self.numel_ * ITEMSIZE[self.code])
                if fill_zero(self):
                    self.storage.version += 1
                    return self
            memset(self.data_, 0, self.numel_ * ITEMSIZE[self.code])
        elif UDL_BOOL < self.code < UDL_F16:
            v = empty_nd(UDL_I64, 0, NULL)
            given = value
            try:
                bits = 8 * ITEMSIZE[self.code] - (UDL_I8 <= self.code <= UDL_I64)
                value = int(value)
                if not -(1 << bits) <= value < 1 << bits:
                    raise OverflowError()
                (<int64_t *>v.data_)[0] = value - (1 << 64) if self.code == UDL_U64 and 1 << 63 <= value < 1 << 64 else value
            except (OverflowError, ValueError):
                raise ArgumentError(f"fill_: {given!r} does not fit into {self.dtype}") from None
            copy_into(self, v)
        else:
            v = empty_nd(UDL_F64, 0, NULL)
            (<double *>v.data_)[0] = value
            if self.numel_ > 4096 and (self.code == UDL_F32 or self.code == UDL_BOOL):
                v = cast(v, self.code)      # of one type: the kernel only stores
            copy_into(self, v)
    self.storage.version += 1
    return self
