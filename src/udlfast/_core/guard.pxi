# guard.pxi - what must still be so for a plan to be right: checked before each replay, without a Python frame.
#
# A Guard says what a value has to be. Values form a tree: arguments, the cells and globals that a function reads, the
# attributes of the modules that it finds there. A TENSOR guard also tells the plan where that tensor's memory is now.

cdef enum:
    G_IS = 0          # the very object
    G_EQUAL = 1       # the same type and value
    G_TENSOR = 2      # a tensor of the same geometry
    G_SEQUENCE = 3    # a tuple or list of guarded values
    G_DICT = 4        # a dict with these keys; each value guarded
    G_ITEMS = 5       # some entries of the dict `expected` (an object's attributes, a module's globals); no value needed
    G_CELL = 6        # the content of the closure cell `expected`; no value needed
    G_TRUTH = 7       # the same truth
    G_ANY = 8

GUARD_KINDS = {"is": G_IS, "equal": G_EQUAL, "tensor": G_TENSOR, "sequence": G_SEQUENCE, "dict": G_DICT, "items": G_ITEMS,
               "cell": G_CELL, "truth": G_TRUTH, "any": G_ANY}


cdef extern from "Python.h":
    PyObject *PyCell_GET(object)


@cython.final
cdef class Guard:
    """One condition; `path` says in words what it is about."""
    cdef int kind
    cdef readonly str path
    cdef readonly object expected
    cdef readonly list keys, children
    cdef int size                     # of a dict, -1: any
    cdef Tensor like                  # G_TENSOR: a tensor of this geometry (memory of its own is not needed)
    cdef bint rg, wants_, same
    cdef readonly int slot, place     # G_TENSOR: number of the buffer, and of this guard
    cdef Py_ssize_t rel

    def pin(self, Tensor t not None):
        """Only this very tensor will do."""
        self.same, self.expected = True, t

    def __init__(self, str kind, str path, expected=None, keys=None, children=None, int size=-1):
        self.kind, self.path, self.expected = GUARD_KINDS[kind], path, expected
        self.keys, self.children, self.size = keys, children, size
        self.slot = self.place = -1


def tensor_guard(Recorder r not None, Tensor t not None, str path, int place):
    """A guard for a tensor: of the same type, shape and strides; parameters and other leaves must be the same object."""
    cdef Guard g = Guard("tensor", path)
    g.like = shape_only(t.ndim_, t.shape_)
    g.like.code, g.like.numel_, g.like.contig = t.code, t.numel_, t.contig
    memcpy(g.like.strides_, t.strides_, 8 * sizeof(Py_ssize_t))
    g.rg, g.wants_, g.same = t.rg, wants(t), type(t) is not Tensor
    g.expected = t if g.same else None
    g.place = place
    slot, g.rel = r.place(t, g)
    g.slot = (<Slot>slot).number
    return g


cdef inline bint same_float(object a, object b):
    cdef double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b)
    return (<int64_t *>&x)[0] == (<int64_t *>&y)[0]


@cython.final
cdef class Places:
    """Where the tensors of a plan's guards are now."""
    cdef list tensors                 # by place
    cdef char **bases                 # by slot
    cdef long *seen
    cdef long tick
    cdef Guard failed                 # the guard that did not hold
    cdef bint strict                  # tensors must be the same objects as before (tensors[place])

    def __cinit__(self, int n_places, int n_slots):
        self.tensors = [None] * n_places
        self.bases = <char **>malloc((n_slots + 1) * sizeof(char *))
        self.seen = <long *>malloc((n_slots + 1) * sizeof(long))
        if self.bases == NULL or self.seen == NULL:
            raise MemoryError("plan: no memory for its table of buffers")
        memset(self.seen, 0, (n_slots + 1) * sizeof(long))

    def __dealloc__(self):
        free(self.bases)
        free(self.seen)


cdef inline bint holds(Guard g, object v, Places p) except -1:
    if holds_inner(g, v, p):
        return True
    if p.failed is None:
        p.failed = g
    return False


cdef bint holds_inner(Guard g, object v, Places p) except -1:
    cdef Py_ssize_t i, n
    cdef PyObject *o
    cdef Guard c
    if g.kind == G_TENSOR:
        return tensor_holds(g, v, p)
    if g.kind == G_IS:
        return v is g.expected
    if g.kind == G_EQUAL:
        if v is g.expected:
            return True
        if type(v) is not type(g.expected):
            return False
        if type(v) is float:
            return same_float(v, g.expected)
        return v == g.expected
    if g.kind == G_ITEMS or g.kind == G_DICT:
        if g.kind == G_DICT and type(v) is not type(g.expected):
            return False
        d = g.expected if g.kind == G_ITEMS else v
        if g.size >= 0 and len(<dict>d) != g.size:
            return False
        for i in range(len(g.keys)):
            o = PyDict_GetItem(d, <object>PyList_GET_ITEM(g.keys, i))
            c = <Guard>PyList_GET_ITEM(g.children, i)
            if o == NULL:
                p.failed = c
                return False
            if not holds(c, <object>o, p):
                return False
        return True
    if g.kind == G_SEQUENCE:
        if type(v) is not type(g.expected):
            return False
        n = len(g.children)
        if len(v) != n:
            return False
        for i in range(n):
            if not holds(<Guard>PyList_GET_ITEM(g.children, i), v[i], p):
                return False
        return True
    if g.kind == G_CELL:
        o = PyCell_GET(g.expected)
        return o != NULL and holds(<Guard>PyList_GET_ITEM(g.children, 0), <object>o, p)
    if g.kind == G_TRUTH:
        return bool(v) == g.expected
    return True


cdef bint tensor_holds(Guard g, object v, Places p) except -1:
    cdef Tensor t, e = g.like
    cdef char *base
    cdef int i
    if g.same:
        if v is not g.expected:
            return False
    elif type(v) is not Tensor:
        return False
    t = <Tensor>v
    if t.code != e.code or t.ndim_ != e.ndim_ or t.rg != g.rg or wants(t) != g.wants_:
        return False
    for i in range(t.ndim_):
        if t.shape_[i] != e.shape_[i] or t.strides_[i] != e.strides_[i]:
            return False
    base = t.data_ - g.rel
    if p.seen[g.slot] == p.tick:
        if p.bases[g.slot] != base:
            return False
    else:
        p.seen[g.slot] = p.tick
        p.bases[g.slot] = base
    if p.strict and p.tensors[g.place] is not None and p.tensors[g.place] is not t:
        return False
    p.tensors[g.place] = t
    return True
