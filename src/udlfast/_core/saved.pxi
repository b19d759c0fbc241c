# saved.pxi - plans in files: what compiler/save.py must see of a Plan, and SavedPlan, which runs a file (csrc/plan_serve.c).

cdef extern from "plan_extent.h" nogil:
    ctypedef struct udl_span:
        int64_t lo, hi
        int align, writes
    ctypedef struct udl_extent:
        udl_span span[32]
        double work, temp
        int apart
    int udl_extent_of(int64_t kernel, const void *args, udl_extent *e)
    int udl_plan_one(int64_t kernel, const void *args)

cdef extern from "udl_plan.h" nogil:
    ctypedef struct udl_plan:
        pass
    ctypedef struct udl_plan_options:
        int64_t max_bytes
        double max_work
        int copy, no_packing
    ctypedef struct udl_plan_tensor:
        const char *name
        int dtype, ndim
        int64_t shape[8]
        int64_t bytes
    int UDL_PLAN_NO_FILE, UDL_PLAN_NO_MEMORY, UDL_PLAN_BAD_INDEX
    int udl_plan_open(udl_plan **plan, const char *path, const udl_plan_options *options, char *why, size_t why_bytes)
    int udl_plan_open_memory(udl_plan **plan, const void *data, size_t n, const udl_plan_options *options, char *why, size_t why_bytes)
    int udl_plan_run(udl_plan *plan, const void **inputs, void **outputs)
    void udl_plan_close(udl_plan *plan)
    int udl_plan_inputs(const udl_plan *plan)
    int udl_plan_outputs(const udl_plan *plan)
    const udl_plan_tensor *udl_plan_input(const udl_plan *plan, int i)
    const udl_plan_tensor *udl_plan_output(const udl_plan *plan, int i)
    const char *udl_plan_structure(const udl_plan *plan)
    int64_t udl_plan_run_bytes(const udl_plan *plan)
    const char *udl_plan_message(int status)


# ---- for saving ---------------------------------------------------------------------------------------------------------
def extents(int kernel, args):
    """Which bytes a call touches: (status, [(lo, hi, alignment, written) of each pointer field], work, bytes of its own, apart). Of
    the pointers in `args` it counts whether they are NULL."""
    cdef udl_extent e
    cdef bytearray held = bytearray(args)
    cdef int status = udl_extent_of(kernel, PyByteArray_AS_STRING(held), &e)
    return status, [(e.span[i].lo, e.span[i].hi, e.span[i].align, e.span[i].writes) for i in range(32)], e.work, e.temp, e.apart


def run_raw(int kernel, args):
    """Run a call whose struct holds addresses, as it stands, and return its status: for tests of extents()."""
    cdef bytearray held = bytearray(args)
    return udl_plan_one(kernel, PyByteArray_AS_STRING(held))


def call_fields(int kernel):
    """(name, outputs, inputs, integers, scalars) of a kernel or of a plan's own call."""
    if kernel == UDL_PLAN_COPY or kernel == UDL_PLAN_FILL:
        return ("copy" if kernel == UDL_PLAN_COPY else "fill"), 1, 1, 2, 0
    cdef const udl_kernel_info *info = &udl_kernels[kernel]
    return (<bytes>info.name).decode(), info.n_out, info.n_in, info.n_int, info.n_float


def map_name(int op):
    """The name of an element-wise operation."""
    return (<bytes>udl_map_names[op]).decode()


def layout(list first, list last, list sizes):
    """([offset of each buffer], bytes of all): buffers that are not needed at the same time may overlap."""
    cdef int64_t n = len(sizes), i, total
    cdef int64_t *table = <int64_t *>malloc((4 * n + 4) * sizeof(int64_t))
    if table == NULL:
        raise MemoryError("save: no memory for its tables")
    for i in range(n):
        table[i], table[n + i], table[2 * n + i] = first[i], last[i], sizes[i]
    total = udl_plan_layout(n, table, table + n, table + 2 * n, table + 3 * n)
    offsets = [table[3 * n + i] for i in range(n)]
    free(table)
    if total < 0:
        raise MemoryError("save: no memory to lay out its buffers")
    return offsets, total


def plan_refusal(Plan p not None):
    """Why a plan cannot leave this process, or None."""
    if p.back_places is not None:
        return "its result still needs gradients; compile and call it under no_grad() or inference_mode()"
    if p.grads:
        return "it changes gradients: only inference can be saved"
    if p.notes or p.counters:
        return "it holds an optimiser's step: only inference can be saved"
    if p.seeds or p.generators:
        return "it draws random numbers; call eval() before it is compiled"
    if p.versions:
        return "it writes to a tensor from before the run (running statistics, say); call eval() before it is compiled"
    for c in p.steps:
        if (<Call>c).kernel == UDL_PLAN_EXPECT:
            return f"what it does depends on the number that {(<Call>c).where}"
    return None


cdef tuple shape_of(Tensor like):
    return tuple([like.shape_[i] for i in range(like.ndim_)])


def plan_inputs(Plan p not None):
    """[(path, dtype code, shape, contiguous, slot number, offset in its memory, is it one certain tensor)] of the arguments."""
    cdef list found = [], todo = [p.args, p.kwargs]
    cdef Guard g
    while todo:
        g = <Guard>todo.pop(0)
        if g.kind == G_TENSOR:
            found.append((g.path, g.like.code, shape_of(g.like), bool(g.like.contig), g.slot, g.rel, bool(g.same)))
        elif g.children is not None:
            todo = list(g.children) + todo
    return found


def plan_result(Plan p not None):
    return out_tree(p.out)


cdef object out_tree(Out o):
    """("tensor", dtype code, shape, strides, slot number, offset), ("value", v), ("sequence", type, children), ("dict", keys,
    children) or (what cannot be saved,)."""
    if o.kind == OUT_TENSOR:
        strides = tuple([o.like.strides_[i] for i in range(o.like.ndim_)])
        return "tensor", o.like.code, shape_of(o.like), strides, o.slot, o.offset
    if o.kind == OUT_VALUE:
        return "value", o.value
    if o.kind == OUT_SEQUENCE or o.kind == OUT_DICT:
        return ("sequence" if o.kind == OUT_SEQUENCE else "dict"), o.value, [out_tree(<Out>c) for c in o.children]
    return ("argument",)


def guard_like(guard):
    """(dtype code, shape, contiguous, offset in its memory) of the tensor that a guard is about, or None."""
    cdef Guard g
    if not isinstance(guard, Guard) or (<Guard>guard).like is None:
        return None
    g = <Guard>guard
    return g.like.code, shape_of(g.like), bool(g.like.contig), g.rel


def plan_memory(Plan p not None, Slot slot not None):
    """A memoryview of the bytes of a buffer that is no temporary of the plan, as they are now."""
    cdef StorageBytes b = StorageBytes.__new__(StorageBytes)
    cdef Guard g
    cdef Tensor t = None
    b.s = slot.storage
    if isinstance(slot.place, Guard):
        g = <Guard>slot.place
        t = <Tensor>p.places.tensors[g.place]
    if t is not None and t.storage.nbytes == slot.storage.nbytes:   # it may have been given other memory (data=)
        b.s = t.storage
    return memoryview(b)


# ---- for running --------------------------------------------------------------------------------------------------------
@cython.final
cdef class SavedPlan:
    """A plan from a file; `inputs` and `outputs` are (name, dtype, shape) of each."""
    cdef udl_plan *plan
    cdef readonly list inputs, outputs
    cdef readonly str structure
    cdef list likes
    cdef object held

    def __dealloc__(self):
        udl_plan_close(self.plan)

    def __init__(self, path, data=None, int64_t max_bytes=0, double max_work=0, bint copy=False, bint pack=True):
        """A file, or (data) a tensor of bytes that holds one."""
        cdef udl_plan_options options
        cdef char[512] why
        cdef int status
        cdef Tensor t
        cdef bytes name
        cdef const char *text
        memset(&options, 0, sizeof(options))
        options.max_bytes, options.max_work, options.copy, options.no_packing = max_bytes, max_work, copy, not pack
        why[0] = 0
        if self.plan != NULL:
            raise ValueError("load_plan: this plan is open already")
        if data is not None:
            t = <Tensor?>data
            self.held = t
            status = udl_plan_open_memory(&self.plan, t.data_, t.numel_ * ITEMSIZE[t.code], &options, why, 512)
        else:
            import os
            name = os.fsencode(path)
            text = name
            with nogil:
                status = udl_plan_open(&self.plan, text, &options, why, 512)
        if status != UDL_OK:
            from udlfast.compiler.load import failed
            failed(path, status, why.decode("utf-8", "replace"))
        self.likes = []
        self.inputs = [self.tensor(udl_plan_input(self.plan, i)) for i in range(udl_plan_inputs(self.plan))]
        self.outputs = [self.tensor(udl_plan_output(self.plan, i)) for i in range(udl_plan_outputs(self.plan))]
        self.structure = (<bytes>udl_plan_structure(self.plan)).decode("utf-8", "replace")

    cdef object tensor(self, const udl_plan_tensor *t):
        cdef Py_ssize_t[8] shape
        cdef int i
        for i in range(t.ndim):
            shape[i] = t.shape[i]
        cdef Tensor like = shape_only(t.ndim, shape)
        like.code = t.dtype
        self.likes.append(like)
        return (<bytes>t.name).decode("utf-8", "replace"), DTYPES[t.dtype], shape_of(like)

    @property
    def run_bytes(self):
        """Bytes of memory that each run under way has."""
        return udl_plan_run_bytes(self.plan)

    def run(self, tuple args):
        """The output tensors, in order. Any number of threads may do this at once."""
        cdef Py_ssize_t i, n = len(self.inputs), m = len(self.outputs)
        cdef list held = [], outs = []
        cdef Tensor t, like
        cdef const void **at
        cdef int status
        if self.plan == NULL:
            raise ValueError("load_plan: the plan is not open")
        if len(args) != n:
            raise TypeError(f"plan: {n} inputs are needed ({', '.join([x[0] for x in self.inputs])}), got {len(args)}")
        if udl_tracing and recorder() is not None:
            recorder().refuse("a plan from a file runs")
        for i in range(n):
            like = <Tensor>self.likes[i]
            if not isinstance(args[i], Tensor):
                raise TypeError(f"plan: input {self.inputs[i][0]!r} must be a tensor, got a {type(args[i]).__name__}")
            t = <Tensor>args[i]
            if t.code != like.code:
                raise DTypeError(f"plan: input {self.inputs[i][0]!r} must be {self.inputs[i][1]}, got {DTYPES[t.code]}")
            if not same_shape(t, like):
                raise ShapeError(f"plan: input {self.inputs[i][0]!r} must have the shape {list(shape_of(like))} that the plan was recorded "
                                 f"with, got {list(shape_of(t))}")
            if udl_tracing:
                look(t, f"plan: input {self.inputs[i][0]!r}")
            held.append(contiguous(t))
        for i in range(m):
            outs.append(empty_like_c(<Tensor>self.likes[n + i], (<Tensor>self.likes[n + i]).code))
        at = <const void **>malloc((n + m + 1) * sizeof(void *))
        if at == NULL:
            raise MemoryError("plan: no memory for its addresses")
        for i in range(n):
            at[i] = (<Tensor>held[i]).data_
        for i in range(m):
            at[n + i] = (<Tensor>outs[i]).data_
        with nogil:
            status = udl_plan_run(self.plan, at, <void **>(at + n))
        free(at)
        if status == UDL_PLAN_NO_MEMORY:
            raise MemoryError("plan: no memory for a run")
        if status == UDL_PLAN_BAD_INDEX:
            raise DimError("plan: an index is out of range")
        if status != UDL_OK:
            raise ArgumentError(f"plan: {(<bytes>udl_plan_message(status)).decode()}")
        return outs
