# become.pxi - tensors that take another geometry, type or memory, and results that go into tensors given by the caller.

cdef tuple named_sizes(str op, tuple sizes, dict named, str name):
    """sizes that came as a keyword argument"""
    for key in named:
        if sizes or key != name and not (op == "expand" and key == "implicit") and not (op == "view" and key == "shape"):
            raise TypeError(f"{op}() got an unexpected keyword argument {key!r}")
        if key != "implicit":
            return tuple(named[key])
    return sizes


def view_dtype(Tensor input not None, dtype d not None):
    """The same bytes as elements of another type; the last dimension grows or shrinks with the size of an element."""
    cdef int old = ITEMSIZE[input.code], new = d.itemsize, i, n = input.ndim_
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef Tensor v
    if input.code == d.code:
        return alias(input) if not wants(input) else view_identity(input)
    if wants(input):
        raise DTypeError("view: the bytes of a tensor that requires a gradient cannot be taken as another type; detach it first")
    for i in range(n):
        s[i], st[i] = input.shape_[i], input.strides_[i]
    if old != new:
        if n == 0:
            raise ShapeError(f"view: a 0-d tensor of {old} bytes cannot be seen as {d}")
        if st[n - 1] != 1 and s[n - 1] != 1 or old < new and (s[n - 1] * old % new or input.storage_offset() * old % new):
            raise ShapeError(f"view: the last dimension of shape {list(size_of(input))}, strides {list(input.stride())}, cannot be seen as {d}")
        s[n - 1], st[n - 1] = s[n - 1] * old // new, 1
        for i in range(n - 1):
            if st[i] * old % new:
                raise ShapeError(f"view: strides {list(input.stride())} of {input.dtype} are no multiple of the size of {d}")
            st[i] = st[i] * old // new
    v = make_view(input, n, s, st, 0)
    v.code = d.code
    return v


def put_out(out, y):
    """Store the result y (a tensor or a tuple of them) in out=..., which takes y's shape and keeps its own type."""
    cdef Tensor o, t
    if isinstance(y, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(y):
            raise DTypeError(f"out: expected a tuple of {len(y)} Tensors, got {type(out).__name__}")
        made = [put_out(a, b) for a, b in zip(out, y)]
        return type(y)(*made) if hasattr(y, "_make") else type(y)(made)
    if not isinstance(out, Tensor):
        raise DTypeError(f"out: expected a Tensor, got {type(out).__name__}")
    o, t = <Tensor>out, <Tensor?>y
    if udl_recording and (wants(o) or wants(t)):
        raise ArgumentError("out: functions with out=... record no gradients; use detach() or no_grad()")
    if category(t.code) > category(o.code):
        raise DTypeError(f"out: a result of type {t.dtype} cannot be stored in a tensor of type {o.dtype}")
    if not same_shape(o, t):
        set_geometry(o, empty_like_c(t, o.code))
        o.base = None
    return copy_(o, t)


def storage_size(Tensor t not None):
    """The bytes of the memory that t looks into."""
    return t.storage.nbytes


def become_view(Tensor self not None, Tensor v not None, str op):
    """`self` takes the geometry and the history of `v`, a view of it: transpose_, squeeze_, ..."""
    if is_leaf_on_tape(self):
        check_leaf(self, op)
    set_geometry(self, v)
    if v.node is not None:
        self.node, self.out_idx = v.node, v.out_idx
    return self


cdef inline bint is_leaf_on_tape(Tensor t) noexcept:
    return udl_recording and t.rg and t.node is None


def become(Tensor self not None, Tensor v not None):
    """`self` takes memory, type and geometry of `v`; its history ends (resize_, set_)."""
    if wants(self):
        raise ArgumentError("set_: a tensor that requires a gradient cannot be given other memory; use detach()")
    set_geometry(self, v)
    self.base = None
    return self


def to(Tensor self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """The tensor as another type, or on another device: "cpu", or "cuda" where there is a GPU."""
    cdef int code = self.code, flags = 0
    cdef Tensor r
    for o in args:
        if isinstance(o, Tensor):
            code = (<Tensor>o).code
            if (<Tensor>o).storage.device > 0 or self.storage.device > 0:
                device = o.device
        elif isinstance(o, str) or type(o) is int or hasattr(o, "index") and hasattr(o, "type") and not isinstance(o, Tensor):
            device = o
        elif isinstance(o, bool):
            if flags:
                copy = o
            else:
                non_blocking = o
            flags += 1
        elif o is not None:
            dtype = o
    code = code_of(dtype, code)
    r = cast(self, code)
    if device is not None and (str(device) != "cpu" or self.storage.device > 0):
        r = slot("on_device")(r, device, non_blocking)
    return clone(self) if copy and r is self else r


cdef bint add_scaled_(Tensor self, object other, double alpha) except -1:
    """self += alpha other in one pass, if this is as simple as that; whether it was done."""
    cdef Tensor b
    if type(other) is not Tensor:
        return False
    b = <Tensor>other
    if b.code != self.code or self.code < UDL_F16 or not same_shape(self, b) or (b.storage is self.storage and b.data_ != self.data_) \
            or not (self.contig and b.contig) or (udl_recording and (wants(self) or wants(b))):
        return False
    run_map(UDL_MAP_add_scaled, self, self, b, None, 2, compute_type(self.code), 0.0, alpha)
    self.storage.version += 1
    return True


def same_kind(list tensors not None):
    """Whether all are tensors of one shape and element type."""
    cdef Tensor first, t
    cdef int i
    if type(tensors[0]) is not Tensor:
        return False
    first = <Tensor>tensors[0]
    for o in tensors:
        if type(o) is not Tensor:
            return False
        t = <Tensor>o
        if t.ndim_ != first.ndim_ or t.code != first.code:
            return False
        for i in range(t.ndim_):
            if t.shape_[i] != first.shape_[i]:
                return False
    return True


cdef bint part_of(Tensor t, int dim, Py_ssize_t size, udl_join_part *part) noexcept:
    """Whether t is rows of contiguous elements (dimensions from dim on) at one distance; then as a part of udl_join."""
    cdef Py_ssize_t inner = 1, reach = 0
    cdef bint first = True
    cdef int i
    for i in range(t.ndim_ - 1, dim - 1, -1):
        if t.shape_[i] != 1 and t.strides_[i] != inner:
            return False
        inner *= t.shape_[i]
    part.data, part.bytes, part.step = <const char *>t.data_, inner * size, 0
    for i in range(dim - 1, -1, -1):
        if t.shape_[i] == 1:
            continue
        if first:
            first, reach = False, t.strides_[i]
            part.step = reach * size
        elif t.strides_[i] != reach:
            return False
        reach *= t.shape_[i]
    return True


def join_rows(Tensor out not None, parts, int dim, str op="cat"):
    """Fill contiguous `out` with parts side by side along dimension dim in one pass, if each is rows at one distance; whether it was done."""
    cdef Py_ssize_t i, n = len(parts), rows = 1
    cdef udl_join_part *found
    if udl_cuda:
        on_one_device(op, parts)
    if udl_tracing or (udl_profiling and out.numel_ > GIL_WORK):
        return False
    for i in range(dim):
        rows *= out.shape_[i]
    found = <udl_join_part *>malloc(n * sizeof(udl_join_part))
    if found == NULL and n:
        raise MemoryError()
    try:
        for i in range(n):
            if (<Tensor>parts[i]).code != out.code or not part_of(<Tensor>parts[i], dim, ITEMSIZE[out.code], &found[i]):
                return False
        if out.numel_ > GIL_WORK:
            with nogil:
                udl_join(<char *>out.data_, found, n, rows)
        else:
            udl_join(<char *>out.data_, found, n, rows)
        return True
    finally:
        free(found)
