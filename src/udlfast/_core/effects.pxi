# effects.pxi - what Python sees of a replay: result tensors and the memory they live in, grads, the node for going backward.

cdef enum:
    OUT_VALUE = 0       # a constant
    OUT_TENSOR = 1      # a fresh tensor over a result
    OUT_PLACE = 2       # the very tensor of a guard
    OUT_VIEW = 3        # a view of it
    OUT_SEQUENCE = 4
    OUT_DICT = 5
    OUT_GRAD = 6        # a view of a gradient that came in

OUT_KINDS = {"value": OUT_VALUE, "tensor": OUT_TENSOR, "place": OUT_PLACE, "view": OUT_VIEW, "sequence": OUT_SEQUENCE,
             "dict": OUT_DICT, "grad": OUT_GRAD}


@cython.final
cdef class Result:
    """Memory that results of one buffer live in. While someone still holds it, the next replay writes to the spare."""
    cdef int slot
    cdef int own                      # references to `now` that are the plan's
    cdef size_t nbytes
    cdef bint back                    # of the backward part alone: memory is taken when that runs
    cdef Storage now, spare           # None: nobody holds it, and the plan rests


@cython.final
cdef class Out:
    """How one value of the function's result is made."""
    cdef int kind
    cdef readonly object value        # constant, or the type of a sequence, or the keys of a dict
    cdef readonly list children
    cdef Tensor like
    cdef int slot, place
    cdef Py_ssize_t offset
    cdef Node node                    # a SpentNode, or
    cdef int live                     # which output of the plan's BackNode this is; -1
    cdef Result result

    def __init__(self, str kind, value=None, list children=None, int place=-1):
        self.kind, self.value, self.children, self.place, self.slot = OUT_KINDS[kind], value, children, place, -1
        self.live = -1

    @property
    def buffer(self):
        """The number of the buffer that outlives the run for its sake, or -1."""
        return self.slot if self.kind == OUT_TENSOR else -1


def grad_out(Tensor t not None, list came, int slot, Py_ssize_t offset):
    """The gradient of a leaf: over a buffer of the plan, or over that of a gradient that came in (`came`: their slots)."""
    cdef Out o = Out("tensor", t.storage.nbytes)
    o.like, o.slot, o.offset = geometry_of(t), slot, offset
    if slot in came:
        o.kind, o.place, o.slot = OUT_GRAD, <int>came.index(slot), -1
    return o


def tensor_out(Tensor t not None, int slot, Py_ssize_t offset, Guard place, int live=-1):
    """A result tensor: over a buffer of the plan, or (place given) a view of an older tensor. live: its number among those
    whose gradients are still to come."""
    cdef Out o = Out("tensor" if place is None else "view")
    o.like = geometry_of(t)
    o.slot, o.offset, o.value = slot, offset, t.storage.nbytes
    if place is not None:
        o.place, o.offset = place.place, offset - place.rel
    o.live = live
    if t.requires_grad and live < 0:
        o.node = SpentNode.__new__(SpentNode)
        o.node.next_, o.node.n_out, o.node.released = [], 1, True
    return o


cdef Tensor geometry_of(Tensor t):
    cdef Tensor g = shape_only(t.ndim_, t.shape_)
    g.code, g.numel_, g.contig = t.code, t.numel_, t.contig
    memcpy(g.strides_, t.strides_, 8 * sizeof(Py_ssize_t))
    return g


cdef inline Tensor tensor_at(Tensor like, Storage s, char *data):
    cdef Tensor t = Tensor.__new__(Tensor)
    set_geometry(t, like)
    t.storage, t.data_ = s, data
    return t


@cython.final
cdef class SpentNode(Node):
    """Stands behind a result whose backward pass was part of the plan."""
    cdef object run(self, object g):
        raise_released(self)

    def name(self):
        return "CompiledBackward"


@cython.final
cdef class BackNode(Node):
    """Stands behind results whose gradients are still to come: runs the second part of the plan."""
    cdef Plan plan
    cdef list kept                     # storages that the second part reads, and their versions

    def __dealloc__(self):
        if self.plan is not None and self.plan.pending == <PyObject *>self:
            self.plan.give_back()

    cdef void release(self):
        self.released = True
        if self.plan is not None and self.plan.pending == <PyObject *>self:
            self.plan.give_back()
        self.kept = None

    cdef object run(self, object g):
        if self.released:
            raise_released(self)
        if udl_recording:
            raise ArgumentError("backward: create_graph=True cannot go through a compiled function; call it uncompiled")
        for s, version in self.kept:
            if (<Storage>s).version != <long>version:
                raise ArgumentError("backward: a tensor that a compiled function needs for its gradient was modified in place "
                                    "after it was used; clone it first")
        return self.plan.run_back(g if self.n_out > 1 else [g])

    def name(self):
        return "CompiledBackward"


@cython.final
cdef class GradEffect:
    """What a replay finds in a leaf's grad, and what it leaves there."""
    cdef Tensor leaf
    cdef int entry                    # 0: not looked at, 1: None, 2: a tensor of the geometry `like`
    cdef int after                    # 0: as it was, 1: None, 2: `grad`
    cdef Tensor like
    cdef int slot, grad_slot
    cdef Py_ssize_t rel, offset
    cdef Tensor grad, grad_like
    cdef Result result

    @property
    def buffer(self):
        return self.grad_slot


def grad_effect(Recorder r not None, Tensor leaf not None, Tensor entry, bint read):
    """None if there is nothing to do; a str says why it cannot be done."""
    cdef GradEffect e = GradEffect.__new__(GradEffect)
    cdef Slot slot
    e.leaf, e.slot, e.grad_slot = leaf, -1, -1
    if read:
        e.entry = 1
        if entry is not None:
            e.entry, e.like = 2, geometry_of(entry)
            slot, e.rel = r.place(entry, None)
            e.slot = slot.number
            if slot.kind != EXTERNAL or slot.place is not None:
                return "a gradient shares memory with another tensor"
            slot.place = e
    if leaf.grad_ is entry and (read or entry is None):
        e.after = 0 if read else 1
        return e
    if leaf.grad_ is None:
        e.after = 1
        return e
    if leaf.grad_.requires_grad:
        return "a gradient is itself on the tape"
    o, offset = r.slot(leaf.grad_)
    if o is None or (<Slot>o).kind != TEMP:
        return "a gradient is a tensor made elsewhere"
    e.after, e.grad_slot, e.offset, e.grad_like = 2, (<Slot>o).number, offset, geometry_of(leaf.grad_)
    return e
