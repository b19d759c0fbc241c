# views.pxi - tensors that look at the same memory through another geometry, and what makes them fresh again.
#
# A view remembers its base (the tensor that owns the history of that memory) and the base's tape_version. An in-place
# operation on the base or on any view of it gives the base a new node and raises the version; a view whose version is
# old takes its history anew from the base (AsStridedNode) when it is next used.

cdef enum:
    V_RESHAPE = 0
    V_PERMUTE = 1
    V_EXPAND = 2
    V_SLICE = 3      # select, narrow, basic indexing: the gradient is zero outside
    V_STRIDED = 4


@cython.final
cdef class ViewNode(Node):
    """The gradient goes back through the inverse geometry."""
    cdef int nd
    cdef Py_ssize_t dims[8]          # shape of the input (V_PERMUTE: the inverse permutation)
    cdef Py_ssize_t strides[8]       # V_SLICE, V_STRIDED: strides of the view in a contiguous gradient
    cdef Py_ssize_t offset
    cdef int vnd
    cdef Py_ssize_t vdims[8]

    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_, z, v
        cdef int i
        if self.op == V_RESHAPE:
            return reshape_nd(g, self.nd, self.dims)
        if self.op == V_PERMUTE:
            return permute_nd(g, self.dims)
        if self.op == V_EXPAND:
            return sum_to_shape(g, self.nd, self.dims)
        if self.op == V_STRIDED and reaches_beyond(self.vnd, self.vdims, self.strides, self.offset, count_of(self.nd, self.dims)):
            return beyond_backward(self, g)
        if udl_recording:
            return slice_backward_recorded(self, g)
        z = empty_nd(g.code, self.nd, self.dims)
        fill_(z, 0)
        z.storage.version = 0
        v = make_view(z, self.vnd, self.vdims, self.strides, self.offset)
        if self.op == V_STRIDED and overlapping(v):
            add_overlapping(v, g)
        else:
            copy_into(v, g)
        return z

    def name(self):
        return ("View", "Permute", "Expand", "Slice", "AsStrided")[self.op] + "Backward"


cdef object slice_backward_recorded(ViewNode n, Tensor g):
    """The same with the gradient on the tape: zeros with g assigned to the view, or added to it where elements coincide."""
    cdef Tensor z = empty_nd(g.code, n.nd, n.dims), v
    fill_(z, 0)
    v = make_view(z, n.vnd, n.vdims, n.strides, n.offset)
    if n.op == V_STRIDED and overlapping(v):
        import udlfast
        places = make_view(<Tensor>udlfast.arange(z.numel_), n.vnd, n.vdims, n.strides, n.offset)
        return udlfast.index_add(z.reshape(-1), 0, contiguous(places).reshape(-1), g.reshape(-1)).reshape(tuple(z.shape))
    v.base = z
    v.tape_version = z.tape_version
    assign(v, g, "slice_backward")
    return z


# ---- geometry -------------------------------------------------------------------------------------------------------------
cdef Tensor make_view(Tensor a, int ndim, const Py_ssize_t *shape, const Py_ssize_t *strides, Py_ssize_t offset):
    """The memory of `a` through another geometry; offset in elements from a's first. No tape."""
    cdef Tensor t = Tensor.__new__(Tensor)
    cdef int i
    cdef Py_ssize_t n = 1
    t.storage = a.storage
    t.code = a.code
    t.ndim_ = ndim
    for i in range(ndim):
        t.shape_[i] = shape[i]
        t.strides_[i] = strides[i]
        n *= shape[i]
    t.numel_ = n
    t.data_ = a.data_ + offset * ITEMSIZE[a.code]
    t.contig = compute_contig(t)
    return t


cdef inline Tensor on_tape(Tensor v, Tensor a, int kind, const Py_ssize_t *dims, int nd):
    """Make v known as a view of a, with a ViewNode if that is recorded."""
    cdef ViewNode n
    cdef int i
    v.base = a if a.base is None else a.base
    v.tape_version = v.base.tape_version
    if udl_recording and wants(a):
        n = ViewNode.__new__(ViewNode)
        init_node1(n, a)
        n.op, n.nd = kind, nd
        for i in range(nd):
            n.dims[i] = dims[i]
        v.node = n
    return v


cdef Node tape_node(Tensor t):
    """The node behind t, renewed if t is a view whose base was modified in place."""
    cdef ViewNode n
    cdef Tensor b = t.base
    cdef int i
    if b is None or t.tape_version == b.tape_version:
        return t.node
    t.tape_version = b.tape_version
    if not wants(b):
        t.node = None
        return None
    n = ViewNode.__new__(ViewNode)
    init_node1(n, b)
    n.op, n.nd, n.vnd = V_STRIDED, b.ndim_, t.ndim_
    n.offset = (t.data_ - b.data_) // ITEMSIZE[b.code]
    for i in range(b.ndim_):
        n.dims[i] = b.shape_[i]
    for i in range(t.ndim_):
        n.vdims[i], n.strides[i] = t.shape_[i], t.strides_[i]
    t.node, t.out_idx = n, 0
    return n


@cython.final
cdef class CopySlicesNode(Node):
    """base with a part replaced by r: the gradient of base is zero there, that of r is g's part."""
    cdef Tensor geometry

    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_, gb = None, gr = None, part
        cdef Tensor v = self.geometry
        g = contiguous(g)
        if self.next_[1] is not None:
            gr = <Tensor>as_strided_c(g, v.ndim_, v.shape_, v.strides_, self.v0)
            gr = <Tensor>clone(gr)
        if self.next_[0] is not None:
            gb = <Tensor>clone(g)
            part = <Tensor>as_strided_c(gb, v.ndim_, v.shape_, v.strides_, self.v0)
            fill_(part, 0)
        return (gb, gr)


@cython.final
cdef class DropNode(Node):
    """A constant was written over the tensor: nothing flows back."""
    cdef object run(self, object g):
        cdef Tensor z = empty_like_c(<Tensor>g, (<Tensor>g).code)
        fill_(z, 0)
        return z

    def name(self):
        return "FillBackward"


cdef int rebase(Tensor self, Tensor r) except -1:
    """After self's memory got r's values: self's history (and that of its base) is r's."""
    cdef CopySlicesNode n
    cdef DropNode d
    cdef Tensor b = self.base
    if b is None:
        if not wants(r):                 # a constant: the history goes on, with a gradient of zero
            d = DropNode.__new__(DropNode)
            init_node1(d, self)
            self.node, self.out_idx = d, 0
            self.tape_version += 1
            return 0
        if r.node is None and r.rg:      # a leaf: put a node between, self must not become that leaf
            r = view_identity(r)
        self.node, self.out_idx = tape_node(r), r.out_idx
        self.tape_version += 1
        return 0
    if not b.contig:
        raise ArgumentError("in-place: recording an in-place operation on a view of a non-contiguous tensor is not "
                            "supported; call contiguous() on the base first")
    if reaches_beyond(self.ndim_, self.shape_, self.strides_, (self.data_ - b.data_) // ITEMSIZE[b.code], b.numel_):
        raise ArgumentError("in-place: this view reaches beyond the tensor whose history is recorded; change that tensor, or a copy")
    n = CopySlicesNode.__new__(CopySlicesNode)
    init_node2(n, b, r)
    n.geometry = shape_only(self.ndim_, self.shape_)
    memcpy(n.geometry.strides_, self.strides_, 8 * sizeof(Py_ssize_t))
    n.v0 = (self.data_ - b.data_) // ITEMSIZE[b.code]
    b.node = n
    b.out_idx = 0
    b.tape_version += 1
    return 0


cdef Tensor view_identity(Tensor a):
    return on_tape(make_view(a, a.ndim_, a.shape_, a.strides_, 0), a, V_RESHAPE, a.shape_, a.ndim_)


# ---- shapes from arguments ----------------------------------------------------------------------------------------------------
cdef int parse_shape(str op, tuple args, Py_ssize_t *shape) except -1:
    """f(2, 3), f((2, 3)), f([2, 3]) -> dims"""
    cdef object seq = args
    cdef int n = 0
    if len(args) == 1 and not hasattr(args[0], "__index__"):
        seq = args[0]
    elif len(args) == 1 and isinstance(args[0], Tensor) and (<Tensor>args[0]).ndim_ == 1:
        seq = args[0].tolist()
    try:
        if len(seq) > 8:
            raise ShapeError(f"{op}: at most 8 dimensions are supported, got {len(seq)}")
        for o in seq:
            shape[n] = o
            n += 1
    except TypeError:
        raise TypeError(f"{op}: expected sizes as integers, got {seq!r}") from None
    except OverflowError:
        raise ShapeError(f"{op}: sizes {seq!r} do not fit into 64 bits") from None
    return n


cdef int infer_shape(str op, Tensor a, int n, Py_ssize_t *shape) except -1:
    """Replace one -1 by what is left, and check the number of elements."""
    cdef int i, hole = -1
    cdef Py_ssize_t known = 1
    for i in range(n):
        if shape[i] == -1:
            if hole >= 0:
                raise ShapeError(f"{op}: only one size can be -1")
            hole = i
        elif shape[i] < 0:
            raise ShapeError(f"{op}: negative size {shape[i]}")
        else:
            if shape[i] > 0 and known > 9223372036854775807 // shape[i]:
                raise ShapeError(f"{op}: sizes {[shape[k] for k in range(n)]} overflow 64 bits")
            known *= shape[i]
    if hole >= 0:
        if known == 0 or a.numel_ % known:
            raise ShapeError(f"{op}: shape {[shape[i] for i in range(n)]} is not possible for a tensor of {a.numel_} "
                             f"elements (shape {list(size_of(a))})")
        shape[hole] = a.numel_ // known
        known *= shape[hole]
    if known != a.numel_:
        raise ShapeError(f"{op}: shape {[shape[i] for i in range(n)]} has {known} elements, the tensor of shape "
                         f"{list(size_of(a))} has {a.numel_}")
    return 0


cdef bint view_strides(Tensor a, int n, const Py_ssize_t *shape, Py_ssize_t *strides) noexcept:
    """Strides of the new shape over a's memory; False if a copy is needed."""
    cdef int i = a.ndim_ - 1, j = n - 1, k
    cdef Py_ssize_t step, block, want
    if a.contig or a.numel_ == 0:
        step = 1
        for j in range(n - 1, -1, -1):
            strides[j] = step
            step *= shape[j] if shape[j] > 0 else 1
        return True
    while i >= 0:
        if a.shape_[i] == 1:
            i -= 1
            continue
        block = a.shape_[i]      # a run of dimensions of a that lie one after another in memory
        step = a.strides_[i]
        k = i - 1
        while k >= 0 and (a.shape_[k] == 1 or a.strides_[k] == step * block):
            block *= a.shape_[k]
            k -= 1
        want = 1
        while j >= 0 and (want < block or shape[j] == 1):
            strides[j] = step * want
            want *= shape[j]
            j -= 1
        if want != block:
            return False
        i = k
    while j >= 0:
        strides[j] = 1
        j -= 1
    return True


cdef object reshape_nd(Tensor a, int n, const Py_ssize_t *shape):
    cdef Py_ssize_t strides[8]
    if not view_strides(a, n, shape, strides):
        a = <Tensor>contiguous(a)
        view_strides(a, n, shape, strides)
    return on_tape(make_view(a, n, shape, strides, 0), a, V_RESHAPE, a.shape_, a.ndim_)


def reshape(Tensor input not None, *shape, **named):
    """The same elements in another shape; a view where the memory allows it, else a copy. One size may be -1."""
    cdef Py_ssize_t s[8]
    cdef int n
    if named:
        shape = named_sizes("reshape", shape, named, "shape")
    if len(shape) == 1 and type(shape[0]) is tuple:
        shape = shape[0]
    n = parse_shape("reshape", shape, s)
    infer_shape("reshape", input, n, s)
    return reshape_nd(input, n, s)


def view(Tensor input not None, *shape, **named):
    """The same memory in another shape; raises where that would need a copy."""
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t strides[8]
    cdef int n
    if named:
        shape = named_sizes("view", shape, named, "size")
    if len(shape) == 1 and type(shape[0]) is tuple:
        shape = shape[0]
    n = parse_shape("view", shape, s)
    infer_shape("view", input, n, s)
    if not view_strides(input, n, s, strides):
        raise ShapeError(f"view: shape {[s[i] for i in range(n)]} is not possible without a copy for shape "
                         f"{list(size_of(input))} with strides {list(input.stride())}; use reshape")
    return on_tape(make_view(input, n, s, strides, 0), input, V_RESHAPE, input.shape_, input.ndim_)


def flatten(Tensor input not None, start_dim=0, end_dim=-1):
    """Join the dimensions start_dim..end_dim into one."""
    cdef int a = norm_dim(start_dim, input.ndim_, "flatten"), b = norm_dim(end_dim, input.ndim_, "flatten"), i, n = 0
    cdef Py_ssize_t s[8]
    if input.ndim_ == 0:
        s[0] = 1
        return reshape_nd(input, 1, s)
    if a > b:
        raise ArgumentError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    for i in range(input.ndim_):
        if a < i <= b:
            s[n - 1] *= input.shape_[i]
        else:
            s[n] = input.shape_[i]
            n += 1
    return reshape_nd(input, n, s)


def unflatten(Tensor input not None, dim, sizes):
    """Split one dimension into several."""
    d = norm_dim(dim, input.ndim_, "unflatten")
    shape = list(size_of(input))
    sizes = list(sizes)
    if -1 in sizes:
        known = 1
        for x in sizes:
            known *= x if x != -1 else 1
        sizes[sizes.index(-1)] = shape[d] // known if known else 0
    return reshape(input, tuple(shape[:d] + sizes + shape[d + 1:]))


cdef object permute_nd(Tensor a, const Py_ssize_t *perm):
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef Py_ssize_t inv[8]
    cdef int i
    for i in range(a.ndim_):
        s[i], st[i] = a.shape_[perm[i]], a.strides_[perm[i]]
        inv[perm[i]] = i
    return on_tape(make_view(a, a.ndim_, s, st, 0), a, V_PERMUTE, inv, a.ndim_)


def permute(Tensor input not None, *dims, **named):
    """Dimensions in another order."""
    cdef Py_ssize_t p[8]
    cdef int n, i
    cdef int seen = 0
    if named:
        dims = named_sizes("permute", dims, named, "dims")
    if len(dims) == 1 and type(dims[0]) is tuple:
        dims = dims[0]
    n = parse_shape("permute", dims, p)
    if n != input.ndim_:
        raise ShapeError(f"permute: got {n} dimensions for a tensor of {input.ndim_}")
    for i in range(n):
        p[i] = norm_dim(p[i], n, "permute")
        if seen >> p[i] & 1:
            raise ArgumentError(f"permute: dimension {p[i]} is named twice")
        seen |= 1 << p[i]
    return permute_nd(input, p)


def transpose(Tensor input not None, dim0, dim1):
    """Two dimensions exchanged."""
    cdef Py_ssize_t p[8]
    cdef int i, a = norm_dim(dim0, input.ndim_, "transpose"), b = norm_dim(dim1, input.ndim_, "transpose")
    if input.ndim_ == 0:
        return input
    for i in range(input.ndim_):
        p[i] = i
    p[a], p[b] = b, a
    return permute_nd(input, p)


def movedim(Tensor input not None, source, destination):
    """Dimensions moved to new places; the others keep their order."""
    src = [source] if not isinstance(source, (tuple, list)) else list(source)
    dst = [destination] if not isinstance(destination, (tuple, list)) else list(destination)
    if len(src) != len(dst):
        raise ArgumentError(f"movedim: {len(src)} sources and {len(dst)} destinations")
    src = [norm_dim(d, input.ndim_, "movedim") for d in src]
    dst = [norm_dim(d, input.ndim_, "movedim") for d in dst]
    if len(set(src)) != len(src) or len(set(dst)) != len(dst):
        raise ArgumentError(f"movedim: a dimension is named twice in {source} to {destination}")
    order = [d for d in range(input.ndim_) if d not in src]
    for d, s in sorted(zip(dst, src)):
        order.insert(d, s)
    return permute(input, tuple(order))


def expand(Tensor input not None, *sizes, **named):
    """Dimensions of size 1 repeated without a copy; -1 keeps a size."""
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef int n, i, k
    if named:
        sizes = named_sizes("expand", sizes, named, "size")
    if len(sizes) == 1 and type(sizes[0]) is tuple:
        sizes = sizes[0]
    n = parse_shape("expand", sizes, s)
    k = n - input.ndim_
    if k < 0:
        raise ShapeError(f"expand: {n} sizes {list(sizes)} for a tensor of {input.ndim_} dimensions {list(size_of(input))}")
    for i in range(n):
        if i < k:
            if s[i] < 0:
                raise ShapeError(f"expand: -1 is not allowed for the new leading dimension {i}")
            st[i] = 0
        elif s[i] == -1 or s[i] == input.shape_[i - k]:
            s[i], st[i] = input.shape_[i - k], input.strides_[i - k]
        elif input.shape_[i - k] == 1 and s[i] >= 0:
            st[i] = 0
        else:
            raise ShapeError(f"expand: size {s[i]} does not match size {input.shape_[i - k]} in dimension {i}; only sizes of 1 "
                             f"can be expanded (shape {list(size_of(input))} to {list(sizes)})")
    check_size("expand", n, s, ITEMSIZE[input.code])
    return on_tape(make_view(input, n, s, st, 0), input, V_EXPAND, input.shape_, input.ndim_)


cdef object sum_to_shape(Tensor g, int n, const Py_ssize_t *dims):
    """Sum over the dimensions along which a tensor of shape dims was broadcast."""
    cdef int i, k = g.ndim_ - n
    cdef bint same = k == 0
    over = []
    for i in range(g.ndim_):
        if i < k or (dims[i - k] == 1 and g.shape_[i] != 1):
            over.append(i)
            same = False
    if same:
        return g
    if over:
        g = <Tensor>(sum(g, over, True) if udl_recording else reduce_dims(UDL_SUM, g, over, True, -1))
    return reshape_nd(g, n, dims) if g.ndim_ != n else g


def squeeze(Tensor input not None, dim=None, *, axis=None):
    """Without the dimensions of size 1 (all, or those named)."""
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef int i, n = 0, drop = 0
    dim = dim if axis is None else axis
    if dim is None:
        drop = -1
    else:
        for d in dim if isinstance(dim, (tuple, list)) else (dim,):
            drop |= 1 << norm_dim(d, input.ndim_, "squeeze")
    for i in range(input.ndim_):
        if not (drop >> i & 1 and input.shape_[i] == 1):
            s[n], st[n] = input.shape_[i], input.strides_[i]
            n += 1
    return on_tape(make_view(input, n, s, st, 0), input, V_RESHAPE, input.shape_, input.ndim_)


def unsqueeze(Tensor input not None, dim=None, *, axis=None):
    """With a new dimension of size 1 at `dim`."""
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef int i, n = input.ndim_, d
    if n == 8:
        raise ShapeError("unsqueeze: at most 8 dimensions are supported")
    d = norm_dim(dim if axis is None else axis, n + 1, "unsqueeze")
    for i in range(n + 1):
        if i < d:
            s[i], st[i] = input.shape_[i], input.strides_[i]
        elif i == d:
            s[i], st[i] = 1, (input.shape_[i] * input.strides_[i] if i < n else 1)
        else:
            s[i], st[i] = input.shape_[i - 1], input.strides_[i - 1]
    return on_tape(make_view(input, n + 1, s, st, 0), input, V_RESHAPE, input.shape_, input.ndim_)


# ---- parts ------------------------------------------------------------------------------------------------------------------------
def select(Tensor input not None, dim, index):
    """The slice `index` of one dimension, without that dimension."""
    cdef int d = norm_dim(dim, input.ndim_, "select")
    if input.ndim_ == 0:
        raise DimError("select: a 0-d tensor has no dimensions to select from")
    return basic_index(input, (slice(None),) * d + (index,))


def narrow(Tensor input not None, dim, start, length):
    """`length` slices of one dimension from `start` on."""
    cdef int d = norm_dim(dim, input.ndim_, "narrow")
    cdef Py_ssize_t s, n = length, size
    if isinstance(start, Tensor):
        if (<Tensor>start).ndim_ or (<Tensor>start).code >= UDL_F16 or (<Tensor>start).code == UDL_BOOL:
            raise ArgumentError(f"narrow: expected start as a whole number or a 0-d tensor of one, got {list(size_of(<Tensor>start))} {start.dtype}")
        start = start.item()
    s = start
    size = input.shape_[d]
    if s < 0:
        s += size
    if s < 0 or n < 0 or n > size - s:
        raise DimError(f"narrow: start {start} and length {length} do not fit into dimension {d} of size {size}")
    return basic_index(input, (slice(None),) * d + (slice(s, s + n),))


def unbind(Tensor input not None, dim=0, *, axis=None):
    """All slices of one dimension as a tuple."""
    cdef int d = norm_dim(dim if axis is None else axis, input.ndim_, "unbind")
    if input.ndim_ == 0:
        raise DimError("unbind: a 0-d tensor has no dimension to unbind")
    return mark_many(tuple([basic_index(input, (slice(None),) * d + (i,)) for i in range(input.shape_[d])]))


def mark_many(tuple views):
    """Several views that one operation gives: an in-place operation on one of them is refused while operations are recorded."""
    for v in views:
        if (<Tensor?>v).base is not None:
            (<Tensor>v).many = True
    return views


def diagonal(Tensor input not None, offset=0, dim1=0, dim2=1):
    """The elements with equal indices (dim2's larger by offset) in two dimensions, as a last dimension; a view."""
    cdef int a = norm_dim(dim1, input.ndim_, "diagonal"), b = norm_dim(dim2, input.ndim_, "diagonal"), i, n = 0
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef Py_ssize_t cs[8]
    cdef Py_ssize_t k = offset, length, off = 0, coff = 0, c = 1
    cdef Tensor v
    cdef ViewNode node
    if a == b:
        raise ArgumentError(f"diagonal: expected two different dimensions, got {dim1} and {dim2}")
    for i in range(input.ndim_ - 1, -1, -1):
        cs[i] = c
        c *= input.shape_[i]
    length = min(input.shape_[a], input.shape_[b] - k) if k >= 0 else min(input.shape_[a] + k, input.shape_[b])
    if length < 0:
        length = 0
    if length:
        off = k * input.strides_[b] if k >= 0 else -k * input.strides_[a]
        coff = k * cs[b] if k >= 0 else -k * cs[a]
    c = cs[a] + cs[b]
    for i in range(input.ndim_):
        if i != a and i != b:
            s[n], st[n] = input.shape_[i], input.strides_[i]
            cs[n] = cs[i]
            n += 1
    s[n], st[n], cs[n] = length, input.strides_[a] + input.strides_[b], c
    v = make_view(input, n + 1, s, st, off)
    v.base = input if input.base is None else input.base
    v.tape_version = v.base.tape_version
    if udl_recording and wants(input):
        node = ViewNode.__new__(ViewNode)
        init_node1(node, input)
        node.op, node.nd, node.vnd, node.offset = V_SLICE, input.ndim_, n + 1, coff
        for i in range(input.ndim_):
            node.dims[i] = input.shape_[i]
        for i in range(n + 1):
            node.vdims[i], node.strides[i] = s[i], cs[i]
        v.node = node
    return v


cdef object as_strided_c(Tensor a, int n, const Py_ssize_t *shape, const Py_ssize_t *strides, Py_ssize_t offset):
    """View of a contiguous tensor, offset counted from its first element, recorded."""
    cdef Tensor v = make_view(a, n, shape, strides, offset)
    cdef ViewNode node
    cdef int i
    on_tape(v, a, V_STRIDED, a.shape_, a.ndim_)
    if v.node is not None:
        node = <ViewNode>v.node
        node.vnd, node.offset = n, offset
        for i in range(n):
            node.vdims[i], node.strides[i] = shape[i], strides[i]
    return v


def as_strided(Tensor input not None, size, stride, storage_offset=None):
    """A view with the given sizes and strides (in elements); it must lie inside the storage."""
    cdef Py_ssize_t s[8]
    cdef Py_ssize_t st[8]
    cdef int n = parse_shape("as_strided", (tuple(size),), s), m = parse_shape("as_strided", (tuple(stride),), st), i
    cdef Py_ssize_t off = input.storage_offset() if storage_offset is None else storage_offset, last
    cdef Py_ssize_t have = input.storage.nbytes // ITEMSIZE[input.code]
    if n != m:
        raise ShapeError(f"as_strided: {n} sizes and {m} strides")
    if off < 0 or off > have and (0 not in size or off > 1 << 56):
        raise ArgumentError(f"as_strided: offset {off} is outside of a storage of {have} elements")
    last = off
    for i in range(n):
        if s[i] < 0 or st[i] < 0:
            raise ArgumentError("as_strided: sizes and strides must not be negative")
        if s[i] > 0:
            if st[i] and s[i] - 1 > (4611686018427387904 - last) // st[i]:
                raise ShapeError("as_strided: sizes and strides overflow 64 bits")
            last += (s[i] - 1) * st[i]
    check_size("as_strided", n, s, ITEMSIZE[input.code])
    if last >= have and 0 not in size:
        raise ArgumentError(f"as_strided: sizes {list(size)}, strides {list(stride)}, offset {off} reach element {last}, the "
                            f"storage has {have}")
    if not input.contig:
        raise ArgumentError("as_strided: call contiguous() first")
    return as_strided_c(input, n, s, st, off - input.storage_offset())


# ---- indexing -----------------------------------------------------------------------------------------------------------------------
cdef bint is_basic(object index):
    """Only integers, slices, None and Ellipsis?"""
    for o in index:
        if not (type(o) is int or type(o) is slice or o is None or o is Ellipsis):
            if isinstance(o, bool) or isinstance(o, (list, tuple)) or not hasattr(o, "__index__"):
                return False
            if isinstance(o, Tensor) and ((<Tensor>o).ndim_ > 0 or (<Tensor>o).code == UDL_BOOL or (<Tensor>o).code == UDL_U8):
                return False
            if hasattr(o, "ndim") and o.ndim > 0:
                return False
    return True


cdef object basic_index(Tensor a, tuple index):
    """A view of a by integers, slices, None and Ellipsis."""
    cdef Py_ssize_t s[16]
    cdef Py_ssize_t st[16]
    cdef Py_ssize_t cst[16]                 # strides of the same part of a contiguous tensor
    cdef Py_ssize_t cs[8]
    cdef Py_ssize_t off = 0, coff = 0, i, start, stop, step_, length, c = 1
    cdef int d = 0, n = 0, used = 0, j
    cdef Tensor v
    cdef ViewNode node
    for j in range(a.ndim_ - 1, -1, -1):
        cs[j] = c
        c *= a.shape_[j]
    for o in index:
        if o is not None and o is not Ellipsis:
            used += 1
    if used > a.ndim_:
        raise DimError(f"index: {used} indices for a tensor of {a.ndim_} dimensions (shape {list(size_of(a))})")
    seen = False
    for o in index:
        if n > 14:
            raise ShapeError("index: too many dimensions")
        if o is None:
            s[n], st[n], cst[n] = 1, 1, 1
            n += 1
        elif o is Ellipsis:
            if seen:
                raise DimError("index: only one Ellipsis (...) is allowed")
            seen = True
            for j in range(a.ndim_ - used):
                s[n], st[n], cst[n] = a.shape_[d], a.strides_[d], cs[d]
                n += 1
                d += 1
        elif type(o) is slice:
            start, stop, step_ = slice_bounds(o, a.shape_[d])
            length = (stop - start - 1) // step_ + 1 if stop > start else 0
            if length < 2:
                step_ = min(step_, 2147483647)      # it leads nowhere, and its product with a stride has to fit
            s[n], st[n], cst[n] = length, a.strides_[d] * step_, cs[d] * step_
            off += start * a.strides_[d]
            coff += start * cs[d]
            n += 1
            d += 1
        else:
            i = o.__index__() if type(o) is not int else o
            if i < -a.shape_[d] or i >= a.shape_[d]:
                raise DimError(f"index: index {i} is out of range for dimension {d} of size {a.shape_[d]}")
            if i < 0:
                i += a.shape_[d]
            off += i * a.strides_[d]
            coff += i * cs[d]
            d += 1
    while d < a.ndim_:
        s[n], st[n], cst[n] = a.shape_[d], a.strides_[d], cs[d]
        n += 1
        d += 1
    if n > 8:
        raise ShapeError("index: the result would have more than 8 dimensions")
    v = make_view(a, n, s, st, off if a.numel_ else 0)
    v.base = a if a.base is None else a.base
    v.tape_version = v.base.tape_version
    if udl_recording and wants(a):
        node = ViewNode.__new__(ViewNode)
        init_node1(node, a)
        node.op, node.nd, node.vnd, node.offset = V_SLICE, a.ndim_, n, coff if a.numel_ else 0
        for j in range(a.ndim_):
            node.dims[j] = a.shape_[j]
        for j in range(n):
            node.vdims[j], node.strides[j] = s[j], cst[j]
        v.node = node
    return v


cdef tuple slice_bounds(object sl, Py_ssize_t size):
    if sl.step is not None and sl.step <= 0:
        raise ArgumentError(f"index: slices need a positive step, got {sl.step}; use flip to reverse")
    if any_tensor(sl):
        sl = slice(*[x.item() if isinstance(x, Tensor) else x for x in (sl.start, sl.stop, sl.step)])
    return sl.indices(size)


cdef bint any_tensor(object sl):
    return isinstance(sl.start, Tensor) or isinstance(sl.stop, Tensor) or isinstance(sl.step, Tensor)


cdef object getitem(Tensor a, object index):
    if type(index) is int and a.ndim_ > 0:
        return basic_index(a, (index,))
    if type(index) is not tuple:
        if index is None or type(index) is slice or index is Ellipsis:
            return basic_index(a, (index,))
        index = (index,)
    if is_basic(index):
        return basic_index(a, index)
    return slot("getitem")(a, index)


cdef int setitem(Tensor a, object index, object value) except -1:
    cdef Tensor v
    if type(index) is not tuple:
        index = (index,)
    if not is_basic(index):
        slot("setitem")(a, index, value)
        return 0
    if udl_recording and wants(a):
        check_leaf(a, "setitem")
    v = <Tensor>basic_index(a, index)
    if isinstance(value, Tensor):
        copy_(v, drop_leading_ones(<Tensor>value, v.ndim_))
    elif isinstance(value, (int, float)):
        fill_(v, value)
    else:
        copy_(v, drop_leading_ones(<Tensor>slot("to_tensor")(value), v.ndim_))
    return 0


cdef Tensor drop_leading_ones(Tensor t, int nd):
    while t.ndim_ > nd and t.shape_[0] == 1:
        t = <Tensor>squeeze(t, 0)
    return t


# ---- copies -----------------------------------------------------------------------------------------------------------------------------
@cython.final
cdef class IdentityNode(Node):
    cdef object run(self, object g):
        return g

    def name(self):
        return "CloneBackward"


cpdef Tensor clone(Tensor a):
    """A copy with memory of its own; gradients pass through."""
    cdef Tensor out = clone_raw(a)
    cdef IdentityNode n
    if udl_recording and wants(a):
        n = IdentityNode.__new__(IdentityNode)
        init_node1(n, a)
        out.node = n
    return out


cpdef Tensor contiguous(Tensor a):
    """The tensor itself if its elements lie in order, else a copy."""
    return a if a.contig else clone(a)
