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
    static __thread void *udl_this_recorder = 0;  /* the Recorder of this thread */
    """
    int udl_recorders
    void *udl_this_recorder

cdef enum:
    TEMP = 0
    CONST = 1
    EXTERNAL = 2

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
    cdef Py_ssize_t tag                   # for Plan


@cython.final
cdef class Call:
    """A kernel call as a value."""
    cdef readonly int kernel
    cdef readonly bint backward           # of the part that runs when the caller goes backward
    cdef readonly bytearray args
    cdef readonly list pointers           # (field, Slot, offset in bytes, written)
    cdef readonly list notes              # (field, "i" or "d", dict, key, index or None, added): read anew at each replay

    @property
    def name(self):
        if self.kernel >= UDL_NKERNELS:
            return "copy" if self.kernel == UDL_PLAN_COPY else "fill"
        return (<bytes>udl_kernels[self.kernel].name).decode()


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
            import sys
            frame = sys._getframe(0)
            while frame is not None and frame.f_globals.get("__name__", "").startswith("udlfast."):
                frame = frame.f_back
            self.refused = why
            self.where = "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"

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


cdef inline Recorder recorder():
    """This thread's, or None."""
    return <Recorder>udl_this_recorder if udl_this_recorder != NULL else None


def recording():
    """This thread's Recorder, or None."""
    return recorder() if udl_recorders else None


def same_memory(Tensor a not None, Tensor b not None):
    """Do both begin at one address?"""
    return a.data_ == b.data_


def graph_leaves(list outs, list older):
    """The leaves behind tensors; a str where a hook, or the history of a tensor in `older`, stands in the way."""
    cdef Node n
    cdef Tensor t
    cdef list leaves = []
    seen, todo = set(), [tape_node(<Tensor>t) for t in outs]
    before = {(<Tensor>t).node for t in older}
    while todo:
        n = <Node>todo.pop()
        if n in before:
            return "an argument has a history of its own on the tape"
        if n.hooks is not None:
            return "a hook waits for a gradient"
        if type(n) is AccumulateGrad:
            t = (<AccumulateGrad>n).leaf
            if t.hooks is not None:
                return "a hook waits for a gradient"
            leaves.append(t)
        if n.next_ is not None:
            for m in n.next_:
                if m is not None and m not in seen:
                    seen.add(m)
                    todo.append(m)
    return leaves


def graph_state(Tensor t not None):
    """Of a result: "none" (not on the tape), "spent" (something behind it was gone back through and freed), "leaf", "live"."""
    cdef Node n
    if t.node is None:
        return "leaf" if t.rg else "none"
    seen, todo = set(), [tape_node(t)]
    while todo:
        n = <Node>todo.pop()
        if n.released:
            return "spent"
        if n.next_ is not None:
            for m in n.next_:
                if m is not None and m not in seen:
                    seen.add(m)
                    todo.append(m)
    return "live"


cdef int record_call(int id, const void *args, tuple tensors) except -1:
    """Note a kernel call; tensors stand behind the struct's pointer fields in order, None for none."""
    cdef Recorder r = recorder()
    cdef const udl_kernel_info *info
    cdef Call c
    cdef Slot slot
    cdef Tensor t
    cdef int i
    cdef bint write
    if r is None or r.refused is not None:
        return 0
    info = &udl_kernels[id]
    c = Call.__new__(Call)
    c.kernel, c.pointers, c.notes, r.notes, c.backward = id, [], r.notes, [], r.backward
    c.args = bytearray((<const char *>args)[:8 * (info.n_out + info.n_in + info.n_int + info.n_float)])
    for i in range(<int>len(tensors)):
        if tensors[i] is None:
            continue
        t = <Tensor>tensors[i]
        write = i < info.n_out or i in WRITES.get(id, ())
        slot = r.slot_of(t.storage, write)
        c.pointers.append((i, slot, t.data_ - <char *>t.storage.ptr, write))
    if id in SEEDS:
        note_seed(r, c, info.n_out + info.n_in + <int>SEEDS[id])
    r.calls.append(c)
    return 0


cdef int note_seed(Recorder r, Call c, int field) except -1:
    """Which draw do the seed and offset of this call come from?"""
    cdef const int64_t *f = <const int64_t *>PyByteArray_AS_STRING(c.args)
    cdef Generator g
    for draw in reversed(r.draws):
        g = <Generator>draw[0]
        if <int64_t>g.seed_ == f[field] and draw[1] <= f[field + 1] < draw[1] + max(draw[2], 1):
            draw[3] = True
            r.seeds.append((c, field, g, f[field + 1] - <int64_t>r.starts[g]))
            return 0
    return 0


cdef int record_bytes(int id, Tensor to, Tensor source, int64_t nbytes) except -1:
    """Note a memcpy or a memset to zero that the bindings do themselves."""
    cdef Recorder r = recorder()
    cdef udl_plan_bytes b
    cdef Call c
    if r is None or r.refused is not None:
        return 0
    c = Call.__new__(Call)
    b.to, b.from_, b.bytes, b.value = NULL, NULL, nbytes, 0
    c.kernel, c.pointers, c.notes, c.args = id, [], [], bytearray((<char *>&b)[:sizeof(b)])
    c.backward = r.backward
    if source is not None:
        c.pointers.append((1, r.slot_of(source.storage, False), source.data_ - <char *>source.storage.ptr, False))
    c.pointers.append((0, r.slot_of(to.storage, True), to.data_ - <char *>to.storage.ptr, True))
    r.calls.append(c)
    return 0


cdef int record_table(Tensor table, list entries) except -1:
    """A table of addresses: its rows move with the tensors that they name."""
    cdef Recorder r = recorder()
    cdef Slot slot, row
    cdef Tensor t
    cdef Py_ssize_t i, j
    if r is None or r.refused is not None:
        return 0
    slot = r.slot_of(table.storage, False)
    slot.links = []
    for i in range(len(entries)):
        for j in range(len(entries[i])):
            if entries[i][j] is not None:
                t = <Tensor>entries[i][j]
                row = r.slot_of(t.storage, j != 1)
                slot.links.append((8 * (6 * i + j), row, t.data_ - <char *>t.storage.ptr))
    return 0


cdef int mark_new(Storage s) except -1:
    cdef Recorder r = recorder()
    if r is not None:
        s.plan_id, s.plan_slot = r.serial, -1
    return 0


cdef int mark_foreign(Storage s) except -1:
    """Memory from outside enters: numbers in the text of the program are constants, arrays may be others the next time."""
    cdef Recorder r = recorder()
    if r is None:
        return 0
    r.add(CONST, s)
    import sys
    frame, inner = sys._getframe(0), None
    while frame is not None and frame.f_globals.get("__name__", "").startswith("udlfast."):
        inner, frame = frame, frame.f_back
    data = None if inner is None else inner.f_locals.get("data", 0)
    if data is None or hasattr(data, "__array__"):
        r.refuse("an array becomes a tensor")
    return 0


cdef int host_read(str what) except -1:
    """Python looks at the numbers of a tensor, or hands out its memory."""
    cdef Recorder r = recorder()
    if r is not None:
        r.refuse(f"{what} reads a tensor's numbers")
    return 0


cdef int note_grad(Tensor leaf, bint read) except -1:
    """The first look at a tensor's grad, or the first value given to it."""
    cdef Recorder r = recorder()
    if r is not None and leaf not in r.grads and not r.is_new(leaf):
        r.grads[leaf] = (leaf.grad_, read)
    return 0


def peek(Tensor t not None):
    """The number in a tensor of one element, for a check of input that a replay need not repeat."""
    return read_item(t.data_, t.code)


cdef void init_record():
    WRITES[UDL_K_batch_norm] = (6, 7)
    SEEDS[UDL_K_random], SEEDS[UDL_K_dropout] = 3, 2
    SEEDS[UDL_K_attention] = SEEDS[UDL_K_attention_backward] = 26


init_record()
