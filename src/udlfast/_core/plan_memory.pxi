# plan_memory.pxi - memory that the plans of one function share, so that a plan for each size costs little more than one plan.
#
# Buffers: a plan leases a block for a run. Where gradients are to come from outside it keeps the block until they have, because the
# second part reads what the first has left. So there are as many blocks as there are runs at the same time, each as large as the
# largest plan that used it. Lasting buffers (folded weights): what calls that run once make depends on tensors, not on the sizes of
# the plan, and stands once for all plans whose calls and tensors are the same.
from weakref import ref as weak_reference


@cython.final
cdef class PlanMemory:
    cdef list blocks                   # Storage of each, the last used at the end
    cdef list lasting                  # weak references to Lasting

    def __cinit__(self):
        self.blocks, self.lasting = [], []

    cdef Storage take(self, char *last, int64_t nbytes):
        """A block that nobody uses: the one at `last` if there, else the latest, made anew if too small."""
        cdef Py_ssize_t i, n = len(self.blocks)
        cdef Storage s
        for i in range(n - 1, -1, -1):
            s = <Storage>self.blocks[i]
            if <char *>s.ptr == last and s.nbytes >= <size_t>nbytes:
                del self.blocks[i]
                return s
        if n:
            s = <Storage>self.blocks.pop()
            if s.nbytes >= <size_t>nbytes:
                return s
            s = None                   # back to the allocator before a larger one is taken
        return new_storage(nbytes)

    cdef Lasting find(self, list what, list tensors, list sizes):
        """The Lasting for these calls, shared if another plan has it."""
        cdef Lasting l
        for ref in self.lasting:
            l = ref()
            if l is not None and l.what == what:
                return l
        l = Lasting(what, tensors, sizes)
        self.lasting = [ref for ref in self.lasting if ref() is not None] + [weak_reference(l)]
        return l

    @property
    def nbytes(self):
        """Of blocks that no run uses now, and of lasting buffers."""
        cdef int64_t total = 0
        cdef list held = list(self.blocks)
        for ref in self.lasting:
            l = ref()
            if l is not None:
                held += (<Lasting>l).storages
        for s in held:
            total += (<Storage>s).nbytes
        return total


@cython.final
cdef class Lasting:
    """Buffers that keep their numbers from one run to the next, and what they were made from."""
    cdef object __weakref__
    cdef list what                     # the calls: (kernel, struct, [(field, offset, id of a tensor or number of a buffer)])
    cdef list tensors                  # those that the calls name: held, so that an id means one tensor
    cdef list storages
    cdef list seen                     # the storage behind each tensor that was read when the calls ran last, or None
    cdef int64_t *marks                # and its address and version then
    cdef PyThread_type_lock lock

    def __cinit__(self, list what, list tensors, list sizes):
        self.what, self.tensors = what, tensors
        self.storages = [new_storage(n) for n in sizes]
        self.lock = PyThread_allocate_lock()
        self.marks = <int64_t *>malloc((2 * len(tensors) + 1) * sizeof(int64_t))
        if self.marks == NULL or self.lock == NULL:
            raise MemoryError("plan: no memory for its tables")

    def __dealloc__(self):
        free(self.marks)
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    cdef bint fresh(self, Places p, list places) except -1:
        """Were they made from the tensors that now stand at these places? Memory that others may write is never known to be."""
        cdef Py_ssize_t i
        cdef Tensor t
        if self.seen is None:
            return False
        for i in range(len(places)):
            t = <Tensor>p.tensors[<Py_ssize_t>places[i]]
            if t.storage.exported or t.storage.owner is not None or t.storage is not self.seen[i] \
                    or self.marks[2 * i] != <int64_t>t.data_ or self.marks[2 * i + 1] != t.storage.version:
                return False
        return True

    cdef int note(self, Places p, list places) except -1:
        """Before the calls run: from which tensors."""
        cdef Py_ssize_t i
        cdef Tensor t
        cdef list seen = []
        for i in range(len(places)):
            t = <Tensor>p.tensors[<Py_ssize_t>places[i]]
            self.marks[2 * i], self.marks[2 * i + 1] = <int64_t>t.data_, t.storage.version
            seen.append(t.storage)
        self.seen = seen
        return 0
