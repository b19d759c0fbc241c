# record.pxi - what a plan is made from: every kernel call of one run of a function, with the buffer behind each pointer.
#
# While a Recorder is at work in a thread, that thread's calls run as always and are also noted: kernel, struct, and for each
# pointer field a Slot (a buffer) and an offset. A slot is
#   TEMP      made during the run, and first written by a kernel: the plan gives it memory of its own;
#   CONST     made during the run, and filled by the host (a number, a table): kept as it is;
#   EXTERNAL  older than the run: a parameter, an input, a running mean.
# What cannot be replayed (a value read by Python) is noted as the reason why there will be no plan; the run itself goes on.

cdef extern from *:
    """
    static int udl_recorders = 0;                 /* how many threads record */
    #define udl_tracing __builtin_expect(udl_recorders, 0)
    static __thread void *udl_this_recorder = 0;  /* the Recorder of this thread */
    """
    int udl_recorders
    bint udl_tracing     # does any thread record? the one question on the way of every call
    void *udl_this_recorder

cdef enum:
    TEMP = 0
    CONST = 1
    EXTERNAL = 2

cdef dict PLAN_CALLS = {UDL_PLAN_COPY: "copy", UDL_PLAN_FILL: "fill", UDL_PLAN_EXPECT: "expect"}   # a plan's own calls
# the fields that a kernel writes although they stand among its inputs, and the int field at which a Philox seed stands
cdef dict WRITES = {}
cdef dict SEEDS = {}
cdef long recorder_serial = 0


@cython.final
cdef class Slot:
    """A buffer of a plan."""
    cdef readonly int kind, number
    cdef readonly int64_t nbytes
    cdef readonly bint written            # by a kernel
    cdef long version                     # of the storage when it was first seen
    cdef Storage storage                  # held unless TEMP
    cdef readonly object place            # EXTERNAL: the Guard of a tensor that looks at it
    cdef readonly list links              # of a table: (byte, Slot, offset)
    cdef readonly bint lasting            # keeps its numbers from one replay to the next

    @property
    def counted(self):
        """Does every change of its numbers advance the version counter?"""
        return self.storage is not None and self.storage.owner is None and not self.storage.exported


@cython.final
cdef class Call:
    """A kernel call as a value."""
    cdef readonly int kernel
    cdef readonly bint backward           # of the part that runs when the caller goes backward
    cdef readonly bint once               # runs again only when its inputs have changed; such calls come first
    cdef readonly bytearray args
    cdef readonly list pointers           # (field, Slot, offset in bytes, written)
    cdef readonly list notes              # (field, "i" or "d", dict, key, index or None, added): read anew at each replay
    cdef readonly str where               # of a number that Python reads: what reads it, file:line
    cdef public object packed             # of a product with a weight that stays: (weight, rows); see prepack.pxi

    def is_plain_copy(self):
        """Of an element-wise call: does it copy elements in order, unconverted?"""
        cdef const udl_elementwise_args *e = <const udl_elementwise_args *>PyByteArray_AS_STRING(self.args)
        return e.op == UDL_MAP_copy and e.dtype[0] == e.dtype[1] and e.ndim == 1 and e.strides[0][0] == 1 and e.strides[1][0] == 1

    def bytes_moved(self):
        """Of a copy: how many bytes."""
        cdef const udl_elementwise_args *e = <const udl_elementwise_args *>PyByteArray_AS_STRING(self.args)
        if self.kernel >= UDL_NKERNELS:
            return (<const udl_plan_bytes *>PyByteArray_AS_STRING(self.args)).bytes
        return e.shape[0] * ITEMSIZE[e.dtype[0]]

    def point(self, int field, Slot slot, int64_t offset=0, bint written=False):
        """Let a pointer field name a buffer; None: nothing."""
        self.pointers = [p for p in self.pointers if p[0] != field]
        if slot is not None:
            self.pointers.append((field, slot, offset, written))

    def redirect(self, dict into):
        """Put other buffers in the place of some: {number: Slot}."""
        cdef Slot slot
        for i in range(len(self.pointers)):
            field, o, offset, write = self.pointers[i]
            slot = final_slot(<Slot>o, into)
            self.pointers[i] = (field, slot, offset, write)
            if slot.links is not None:
                slot.links = [(byte, final_slot(row, into), at) for byte, row, at in slot.links]

    @property
    def name(self):
        if self.kernel >= UDL_NKERNELS:
            return PLAN_CALLS[self.kernel]
        return (<bytes>udl_kernels[self.kernel].name).decode()


def make_call(int kernel, list ints, list floats, list pointers, bint backward=False, bint once=False):
    """A call that no run made: pointers are (field, Slot, offset, written)."""
    cdef const udl_kernel_info *info = &udl_kernels[kernel]
    cdef Call c = Call.__new__(Call)
    cdef int64_t i
    cdef double d
    c.kernel, c.pointers, c.notes, c.backward, c.once = kernel, pointers, [], backward, once
    c.args = bytearray(8 * (info.n_out + info.n_in))
    for o in ints:
        i = o
        c.args += (<char *>&i)[:8]
    for o in floats:
        d = o
        c.args += (<char *>&d)[:8]
    if len(c.args) != 8 * (info.n_out + info.n_in + info.n_int + info.n_float):
        raise TypeError(f"make_call: {c.name} takes {info.n_int} integers and {info.n_float} floats")
    return c


def call_of(int kernel, bytes args):
    """A call without its buffers, for its name and numbers."""
    cdef Call c = Call.__new__(Call)
    c.kernel, c.args, c.pointers, c.notes = kernel, bytearray(args), [], []
    return c


cdef str users_line():
    """file:line of the innermost frame outside of the library."""
    import sys
    frame = sys._getframe(0)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("udlfast."):
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


cdef Slot final_slot(Slot slot, dict into):
    while slot.number in into:
        slot = into[slot.number]
    return slot


@cython.final
cdef class Recorder:
    """Notes the kernel calls of this thread between start() and stop()."""
    cdef long serial
    cdef readonly list slots, calls, prologue
    cdef readonly str refused             # why there can be no plan
    cdef readonly str where               # file:line that did
    cdef readonly dict grads              # leaf -> (grad at entry, was it read first)
    cdef readonly list draws              # [Generator, first block, blocks, used]
    cdef readonly dict starts             # Generator -> offset at its first draw
    cdef readonly list seeds              # (Call, int field, Generator, blocks after the start)
    cdef readonly list counters           # dicts whose "step" grows by one
    cdef list notes                       # for the next call
    cdef object packed
    cdef bint running, backward

    def __cinit__(self):
        global recorder_serial
        recorder_serial += 1
        self.serial = recorder_serial
        self.slots, self.calls, self.prologue, self.grads, self.draws, self.starts = [], [], [], {}, [], {}
        self.seeds, self.counters, self.notes = [], [], []

    def start(self):
        global udl_recorders, udl_this_recorder
        if udl_this_recorder != NULL:
            raise RuntimeError("recorder: this thread records already")
        udl_this_recorder = <void *>self
        udl_recorders += 1
        self.running = True

    def stop(self):
        global udl_recorders, udl_this_recorder
        if self.running:
            udl_this_recorder = NULL
            udl_recorders -= 1
            self.running = False

    def refuse(self, str why):
        """There can be no plan of this run."""
        if self.refused is None:
            self.refused, self.where = why, users_line()

    cdef Slot slot_of(self, Storage s, bint write):
        """The slot of a storage at its use by the call that is being noted."""
        cdef Slot slot
        if s.plan_id != self.serial:
            slot = self.add(EXTERNAL, s)
        elif s.plan_slot < 0:
            slot = self.add(TEMP if write else CONST, s)
        else:
            slot = <Slot>self.slots[s.plan_slot]
        if slot.kind == CONST and write:
            self.thaw(slot, s)
        slot.written = slot.written or write
        return slot

    cdef Slot add(self, int kind, Storage s):
        cdef Slot slot = Slot.__new__(Slot)
        slot.kind, slot.number, slot.nbytes = kind, <int>len(self.slots), s.nbytes
        slot.version = s.version
        slot.storage = s if kind != TEMP else None
        s.plan_id, s.plan_slot = self.serial, slot.number
        self.slots.append(slot)
        return slot

    def buffer(self, int64_t nbytes, bint lasting=False):
        """A buffer for a pass."""
        cdef Slot slot = Slot.__new__(Slot)
        slot.kind, slot.number, slot.nbytes, slot.lasting, slot.written = TEMP, <int>len(self.slots), nbytes, lasting, True
        self.slots.append(slot)
        return slot

    cdef int thaw(self, Slot slot, Storage s) except -1:
        """A constant is about to be written: from now on it is a buffer that a copy of the constant fills first."""
        cdef Slot image
        cdef Storage keep = new_storage(s.nbytes)
        cdef Call c = Call.__new__(Call)
        cdef udl_plan_bytes b
        memcpy(keep.ptr, s.ptr, s.nbytes)
        image = self.add(CONST, keep)
        slot.kind, slot.storage = TEMP, None
        b.to, b.from_, b.bytes, b.value = NULL, NULL, s.nbytes, 0
        c.kernel, c.args = UDL_PLAN_COPY, bytearray((<char *>&b)[:sizeof(b)])
        c.pointers, c.notes = [(0, slot, 0, True), (1, image, 0, False)], []
        self.prologue.append(c)
        return 0

    def go_back(self, list outs, list leaves):
        """Note the backward pass from results of the run: (gradients to come, gradients of the leaves)."""
        cdef list gs = []
        for o in outs:
            gs.append(fill_(empty_like_c(<Tensor>o, (<Tensor>o).code), 0))
            self.place(gs[len(gs) - 1], "gradient")
        self.backward = True
        self.start()
        try:
            return gs, walk(list(outs), gs, True, False, leaves)
        finally:
            self.stop()
            self.backward = False

    def place(self, Tensor t not None, guard):
        """Tell that a tensor older than the run can be found at `guard`; returns (slot, offset of its data)."""
        cdef Slot slot
        if t.storage.plan_id != self.serial:
            slot = self.add(EXTERNAL, t.storage)
            slot.place = guard
        else:
            slot = <Slot>self.slots[t.storage.plan_slot]
        return slot, t.data_ - <char *>t.storage.ptr

    def slot(self, Tensor t not None):
        """(slot or None, offset) of a tensor after the run."""
        if t.storage.plan_id != self.serial or t.storage.plan_slot < 0:
            return None, 0
        return self.slots[t.storage.plan_slot], t.data_ - <char *>t.storage.ptr

    def is_new(self, Tensor t not None):
        """Was its memory made during the run?"""
        return t.storage.plan_id == self.serial and (t.storage.plan_slot < 0
                                                     or (<Slot>self.slots[t.storage.plan_slot]).kind != EXTERNAL)

    def result(self, Tensor t not None):
        """The slot of a tensor that the run returns; one that the host filled is copied at each replay."""
        cdef Slot slot = self.slot_of(t.storage, False)
        if slot.kind == CONST:
            self.thaw(slot, t.storage)
        return slot

    def version_changes(self):
        """[(slot, by how much the version counter of older memory grew)]"""
        return [(s, (<Slot>s).storage.version - (<Slot>s).version) for s in self.slots
                if (<Slot>s).kind == EXTERNAL and (<Slot>s).storage.version != (<Slot>s).version]

    def note_fields(self, list fields, list counters):
        """The next call's fields (number, "i" or "d", dict, key, index) come from dicts at each replay; an integer is one more,
        and the "step" of each dict in `counters` grows by one."""
        cdef list notes = []
        for field, kind, d, key, index in fields:
            added = 1
            for group in self.counters:
                added += any([x is d for x in group])
            notes.append((field, kind, d, key, index, added))
        self.notes = notes
        if counters:
            self.counters.append(counters)

    def note_refresh(self, function):
        """The next call's numbers come from function() -> (ints, floats) at each replay."""
        self.notes = [(0, "f", function, None, None, 0)]


cdef inline Recorder recorder():
    """This thread's, or None."""
    return <Recorder>udl_this_recorder if udl_this_recorder != NULL else None


def recording():
    """This thread's Recorder, or None."""
    return recorder() if udl_recorders else None
