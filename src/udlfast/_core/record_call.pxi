# record_call.pxi - how each way of touching memory is noted by the thread's Recorder: kernel calls, copies, tables, reads.

cdef int record_call(int id, const void *args, tuple tensors) except -1:
    """Note a kernel call; tensors stand behind the struct's pointer fields in order, None for none. 1: a device has carried it out."""
    cdef Recorder r = recorder()
    cdef const udl_kernel_info *info
    cdef Call c
    cdef Slot slot
    cdef Tensor t
    cdef int i
    cdef bint write
    if udl_cuda and carry(id, args, tensors):
        if r is not None:
            r.refuse("a tensor is on a GPU")
        return 1
    if r is None or r.refused is not None:
        return 0
    info = &udl_kernels[id]
    c = Call.__new__(Call)
    c.kernel, c.pointers, c.notes, r.notes, c.backward = id, [], r.notes, [], r.backward
    c.packed, r.packed = (r.packed if id == UDL_K_matmul else None), None
    c.args = bytearray((<const char *>args)[:8 * (info.n_out + info.n_in + info.n_int + info.n_float)])
    for i in range(<int>len(tensors)):
        if tensors[i] is None:
            continue
        t = <Tensor>tensors[i]
        write = i < info.n_out or (i in WRITES.get(id, ()) and writes_now(id, args))
        slot = r.slot_of(t.storage, write)
        c.pointers.append((i, slot, t.data_ - <char *>t.storage.ptr, write))
    if id in SEEDS:
        note_seed(r, c, info.n_out + info.n_in + <int>SEEDS[id])
    r.calls.append(c)
    return 0


cdef inline bint writes_now(int id, const void *args):
    """Batch normalisation moves its running statistics in training only."""
    return id != UDL_K_batch_norm or (<const int64_t *>args)[12] != 0


cdef int record_four(int id, const void *args, Tensor t0, Tensor t1, Tensor t2, Tensor t3) except -1:
    return record_call(id, args, (t0, t1, t2, t3))


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
    if udl_cuda:
        table.storage.mirror = [e[j] if j < len(e) else None for e in entries for j in range(5)]
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
    if udl_cuda:
        s.device, s.blank = UNDECIDED, True
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


cdef int read_number(Tensor t, str what, int asked) except -1:
    """Python looks at one number, which may steer it. A replay expects the same and ends where it finds another; so nothing that
    outlives the run may have been written before."""
    cdef Recorder r = recorder()
    cdef udl_plan_number e
    cdef Call c
    cdef Slot slot
    if r is None or r.refused is not None:
        return 0
    for o in r.slots:
        if (<Slot>o).kind == EXTERNAL and (<Slot>o).written:
            r.refuse(f"{what} reads a tensor's number after tensors from outside were changed")
            return 0
    if r.backward:
        r.refuse(f"{what} reads a tensor's number during the backward pass")
        return 0
    c = Call.__new__(Call)
    memset(&e, 0, sizeof(e))
    e.bytes_asked = ITEMSIZE[t.code] + 256 * asked
    memcpy(&e.value, t.data_, ITEMSIZE[t.code])
    if asked != UDL_NUMBER_BITS:
        e.value = 1 if read_item(t.data_, t.code) else 0
    slot = r.slot_of(t.storage, False)
    c.kernel, c.notes, c.args = UDL_PLAN_EXPECT, [], bytearray((<char *>&e)[:sizeof(e)])
    c.pointers, c.where = [(1, slot, t.data_ - <char *>t.storage.ptr, False)], f"{what} reads at {users_line()}"
    r.calls.append(c)
    return 0


cdef int note_grad(Tensor leaf, bint read) except -1:
    """The first look at a tensor's grad, or the first value given to it."""
    cdef Recorder r = recorder()
    if r is not None and leaf not in r.grads and not r.is_new(leaf):
        r.grads[leaf] = (leaf.grad_, read)
    return 0


def same_memory(Tensor a not None, Tensor b not None):
    """Do both begin at one address?"""
    return a.data_ == b.data_


def peek(Tensor t not None):
    """The number in a tensor of one element, for a check of input that a replay need not repeat."""
    look_one(t)
    return read_item(t.data_, t.code)


cdef void init_record():
    WRITES[UDL_K_batch_norm] = (6, 7)
    SEEDS[UDL_K_random], SEEDS[UDL_K_dropout] = 3, 2
    SEEDS[UDL_K_attention] = SEEDS[UDL_K_attention_backward] = 26


init_record()
