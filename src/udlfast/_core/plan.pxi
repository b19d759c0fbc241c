# plan.pxi - recorded calls made ready for csrc/plan.c, and everything around a replay that Python must see.
#
# Before a replay: guards; addresses of what has moved; numbers that optimisers and generators hold. After it: version
# counters, step counts, grads and fresh result tensors. In a steady state nothing is allocated but the tensors handed out.

cdef extern from *:
    """
    #define udl_refs(o) Py_REFCNT(o)
    """
    Py_ssize_t udl_refs(PyObject *)

MISS = object()   # what Plan.run gives when the plan does not fit
BUSY = object()   # it fits, but its memory is in use
cdef object miss = MISS
cdef object busy = BUSY


@cython.final
cdef class Plan:
    """Calls in C, guards before them, effects after them."""
    cdef udl_plan_call *calls
    cdef int64_t n
    cdef char *blob
    cdef udl_plan_field *fields
    cdef int64_t *field_start          # of each slot, in fields
    cdef char **now                    # of each slot: the base that the structs hold
    cdef double *seconds
    cdef readonly list steps           # Call
    cdef readonly list slots
    cdef list moving                   # numbers of the slots that guards locate
    cdef readonly Guard args, kwargs
    cdef readonly list state
    cdef Places places
    cdef list argument_places
    cdef bint grad_mode
    cdef int default_float, autocast
    cdef PlanMemory memory
    cdef Storage block                 # where the buffers are while it runs
    cdef char *block_at                # and where the structs have them
    cdef readonly int64_t arena_bytes, buffer_bytes, live_bytes
    cdef public object sizes           # of the tensors among its arguments
    cdef readonly list layout          # of the buffers in the arena: (number, first call, last call, offset, bytes)
    cdef list results, grads, versions, notes, counters, seeds
    cdef list packs                    # (call, place of the weight, rows)
    cdef list packed                   # PackedWeight of each, or None: held during the replay
    cdef list generators               # [Generator, blocks of one replay]
    cdef Out out
    cdef int64_t once                  # so many calls at the start run only when what they read has changed
    cdef list once_places              # the tensors that they read
    cdef Lasting lasting               # and what they make
    cdef int64_t middle                # calls before it are the forward part; the others run when the caller goes backward
    cdef list back_outs, back_likes, back_slots, back_places, back_reads
    cdef PyObject *pending             # the BackNode whose forward part ran last; not owned
    cdef readonly long replays
    cdef str other                     # the number that was not as expected the last time
    cdef readonly bint watch           # take the time of each call
    cdef PyThread_type_lock lock

    def __cinit__(self):
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError("plan: no memory for its lock")

    def __dealloc__(self):
        free(self.calls)
        free(self.blob)
        free(self.fields)
        free(self.field_start)
        free(self.now)
        free(self.seconds)
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    def __init__(self, Recorder r not None, list steps, list grads, Out out, Guard args, Guard kwargs, list state,
                 list tensors, list argument_places, bint grad_mode, bint share, tuple back, PlanMemory memory not None):
        self.memory = memory
        self.steps, self.slots, self.out, self.grad_mode = steps, r.slots, out, grad_mode
        self.default_float, self.autocast = DEFAULT_FLOAT, udl_autocast
        self.args, self.kwargs, self.state = args, kwargs, state
        self.places, self.argument_places = Places(<int>len(tensors), <int>len(r.slots)), argument_places
        self.grads, self.counters = grads, r.counters
        self.middle = len([c for c in steps if not (<Call>c).backward])
        self.set_once(tensors)
        self.back_outs, self.back_reads = [], []
        if back is not None:
            self.set_back(r, back[0], back[1], back[2])
        self.results = make_results(out, grads, self.back_outs)
        self.lay_out(share)
        self.seal()
        self.versions = [(s.number, (<Guard>s.place).place if isinstance(s.place, Guard) else -1, by, s.place)
                         for s, by in r.version_changes()]
        self.notes = [(i, f) for i, c in enumerate(steps) for f in (<Call>c).notes]
        weights = {weight_key(t): place for place, t in enumerate(tensors)}
        # packed forms are looked up before the first call runs, so a weight that the plan itself writes is used as it is
        changing = {s.number for c in steps for _, s, _, write in (<Call>c).pointers if write}
        self.packs = [(i, weights[weight_key((<Call>c).packed[0])], (<Call>c).packed[1]) for i, c in enumerate(steps)
                      if (<Call>c).packed is not None and weight_key((<Call>c).packed[0]) in weights
                      and not any(field == 2 and s.number in changing for field, s, _, _ in (<Call>c).pointers)]
        self.packed = [None] * len(self.packs)
        index = {id(c): i for i, c in enumerate(steps)}
        self.seeds = [(index[id(c)], field, g, blocks) for c, field, g, blocks in r.seeds if id(c) in index]
        total = {}
        for g, first, blocks, used in r.draws:
            total[g] = total.get(g, 0) + blocks
        self.generators = list(total.items())

    cdef int set_back(self, Recorder r, list gs, list outs, list places) except -1:
        """gs: gradients that come in; outs: Out of each leaf's gradient; places: of the leaves."""
        cdef Slot slot
        self.back_outs, self.back_places = outs, places
        self.back_likes = [geometry_of(<Tensor>g) for g in gs]
        self.back_slots = [(<Slot>r.slot(g)[0]).number for g in gs]
        reads = {}
        for c in self.steps[self.middle:]:
            for _, o, _, _ in (<Call>c).pointers:
                slot = <Slot>o
                if isinstance(slot.place, Guard):
                    reads[slot.number] = (<Guard>slot.place).place
        self.back_reads = list(reads.values())
        return 0

    cdef int set_once(self, list tensors) except -1:
        """Which tensors the calls that run once read, and where what they make stands."""
        cdef Slot slot
        cdef Call c
        cdef dict places = {}, made = {}
        cdef list what = []
        self.once = 0
        for o in self.steps:
            c = <Call>o
            if not c.once:
                break
            self.once += 1
            named = []
            for field, o, offset, _ in c.pointers:
                slot = <Slot>o
                if isinstance(slot.place, Guard):
                    places[(<Guard>slot.place).place] = True
                    named.append((field, offset, id(tensors[(<Guard>slot.place).place])))
                else:
                    named.append((field, offset, made.setdefault(slot.number, len(made))))
            what.append((c.kernel, bytes(c.args), named))
        self.once_places = list(places)
        if self.once:
            self.lasting = self.memory.find(what, [tensors[i] for i in places], [(<Slot>self.slots[i]).nbytes for i in made])
            for i, o in zip(made, self.lasting.storages):
                (<Slot>self.slots[i]).storage = <Storage>o
        return 0

    # ---- making ---------------------------------------------------------------------------------------------------------
    cdef int lay_out(self, bint share) except -1:
        """Places for buffers that no Python object sees, in one block, in which they overlap if they live apart."""
        cdef Py_ssize_t i, k, n = len(self.slots)
        cdef int64_t total = 0
        cdef Slot s
        cdef list ids = []
        given = {(<Result>r).slot for r in self.results}
        spans = lifetimes(self.steps)
        for i, (first, last) in spans.items():
            if first < self.middle <= last:   # kept for the backward part, which may run more than once
                spans[i] = (first, len(self.steps) - 1)
        self.now = <char **>malloc((n + 1) * sizeof(char *))
        cdef int64_t *table = <int64_t *>malloc((4 * n + 4) * sizeof(int64_t))
        if self.now == NULL or table == NULL:
            free(table)
            raise MemoryError("plan: no memory for its tables")
        for i in range(n):
            self.now[i] = NULL
            s = <Slot>self.slots[i]
            if s.kind == TEMP and not s.lasting and i not in given and i in spans:
                k = len(ids)
                table[k], table[n + k] = spans[i] if share else (0, len(self.steps))
                table[2 * n + k] = s.nbytes
                ids.append(i)
                self.buffer_bytes += s.nbytes
        total = udl_plan_layout(len(ids), table, table + n, table + 2 * n, table + 3 * n)
        self.arena_bytes = total
        self.layout = [(ids[k], table[k], table[n + k], table[3 * n + k], table[2 * n + k]) for k in range(len(ids))]
        self.live_bytes = most_alive([(spans[i], (<Slot>self.slots[i]).nbytes) for i in ids], len(self.steps))
        free(table)
        if total < 0:
            raise MemoryError("plan: no memory to lay out its buffers")
        for i in range(n):
            s = <Slot>self.slots[i]
            if s.storage is not None:
                self.now[i] = <char *>s.storage.ptr
        for o in self.results:
            self.now[(<Result>o).slot] = <char *>(<Result>o).now.ptr
        return 0

    cdef int seal(self) except -1:
        """Structs into one block, and for each buffer the fields that point into it."""
        cdef Py_ssize_t i, at = 0, total = 0, n_fields = 0
        cdef Call c
        cdef Slot s
        cdef list by_slot = [[] for _ in self.slots]
        self.n = len(self.steps)
        for o in self.steps:
            total += len((<Call>o).args)
        self.blob = <char *>malloc(total + 8)
        self.calls = <udl_plan_call *>malloc((self.n + 1) * sizeof(udl_plan_call))
        self.seconds = <double *>malloc((self.n + 1) * sizeof(double))
        self.field_start = <int64_t *>malloc((len(self.slots) + 1) * sizeof(int64_t))
        if self.blob == NULL or self.calls == NULL or self.seconds == NULL or self.field_start == NULL:
            raise MemoryError("plan: no memory for its calls")
        tables = set()
        for i in range(self.n):
            c = <Call>self.steps[i]
            memcpy(self.blob + at, PyByteArray_AS_STRING(c.args), len(c.args))
            self.calls[i].kernel, self.calls[i].args = c.kernel, self.blob + at
            self.seconds[i] = 0.0
            for field, slot, offset, _ in c.pointers:
                s = <Slot>slot
                by_slot[s.number].append((<size_t>(self.blob + at) + 8 * <size_t>field, offset))
                if s.links is not None and s.number not in tables:
                    tables.add(s.number)
                    for byte, row, row_offset in s.links:
                        by_slot[(<Slot>row).number].append((<size_t>s.storage.ptr + <size_t>byte, row_offset))
            at += len(c.args)
        for l in by_slot:
            n_fields += len(l)
        self.fields = <udl_plan_field *>malloc((n_fields + 1) * sizeof(udl_plan_field))
        if self.fields == NULL:
            raise MemoryError("plan: no memory for its addresses")
        at = 0
        self.moving = []
        for i in range(len(by_slot)):
            self.field_start[i] = at
            for address, offset in by_slot[i]:
                self.fields[at].field, self.fields[at].offset = <char **><size_t>address, offset
                at += 1
            if (<Slot>self.slots[i]).place is not None and by_slot[i]:
                self.moving.append(i)
        self.field_start[len(by_slot)] = at
        for i in range(len(by_slot)):
            udl_plan_rebase(self.fields + self.field_start[i], self.field_start[i + 1] - self.field_start[i], self.now[i])
        return 0

    # ---- a replay -----------------------------------------------------------------------------------------------------------
    cdef inline void move(self, Py_ssize_t slot, char *base) noexcept:
        if self.now[slot] != base:
            self.now[slot] = base
            udl_plan_rebase(self.fields + self.field_start[slot], self.field_start[slot + 1] - self.field_start[slot], base)

    cdef bint check(self, tuple args, dict kwargs) except -1:
        cdef Places p = self.places
        cdef GradEffect e
        p.tick += 1
        p.failed = None
        if not holds(self.args, args, p) or not holds(self.kwargs, kwargs, p):
            return False
        for g in self.state:
            if not holds(<Guard>g, None, p):
                return False
        for o in self.grads:
            e = <GradEffect>o
            if e.entry == 1:
                if e.leaf.grad_ is not None:
                    return False
            elif e.entry == 2:
                if e.leaf.grad_ is None or not same_geometry(e.leaf.grad_, e.like) or e.leaf.grad_.code != e.like.code \
                        or e.leaf.grad_.requires_grad:
                    return False
                p.bases[e.slot] = e.leaf.grad_.data_ - e.rel
        for group in self.counters:
            if len(<list>group) > 1 and not steps_agree(<list>group):
                return False
        return True

    def stable(self, tuple args, dict kwargs, list tensors):
        """Do the guards hold right after the run, with the same tensors? None, or what does not."""
        cdef Places p = self.places
        p.strict, p.tensors = True, tensors
        self.kept_entries(False)
        try:
            if not self.check(args, kwargs):
                return p.failed.path if p.failed is not None else "the step counts of an optimiser"
            for o in self.slots:        # a tensor that was given other memory (data=, set_)
                if isinstance((<Slot>o).place, Guard) and p.seen[(<Slot>o).number] == p.tick \
                        and p.bases[(<Slot>o).number] != <char *>(<Slot>o).storage.ptr:
                    return (<Guard>(<Slot>o).place).path
        finally:
            self.kept_entries(True)
            p.strict = False
        for o in self.slots:            # arguments of the first call are not held
            if isinstance((<Slot>o).place, Guard) and (<Guard>(<Slot>o).place).place in self.argument_places:
                (<Slot>o).storage = None
        for i in self.argument_places:
            tensors[<Py_ssize_t>i] = None
        return None

    cdef void kept_entries(self, bint on):
        """Grads have their values of after the run: entries are looked at from the next one on."""
        for o in self.grads:
            (<GradEffect>o).entry += 10 if not on else -10

    cdef int prepare(self) except -1:
        """Addresses, and the numbers that others hold."""
        cdef Result r
        cdef GradEffect e
        cdef Generator g
        cdef PackedWeight pw
        cdef int64_t *f
        for i in self.moving:
            self.move(i, self.places.bases[<Py_ssize_t>i])
        for o in self.grads:      # a grad that only the leaf and the plan hold may be overwritten
            e = <GradEffect>o
            if e.grad is not None and udl_refs(<PyObject *>e.grad) > 1 + (e.entry != 2 and e.leaf.grad_ is e.grad):
                e.grad = None
                e.result.own -= 1
        for o in self.results:
            r = <Result>o
            if r.now is None:
                if not r.back:
                    self.renew(r)
            elif udl_refs(<PyObject *>r.now) > r.own:
                self.replace(r)
        for c, note in self.notes:
            self.put_note(<Py_ssize_t>c, <tuple>note)
        for c, field, o, blocks in self.seeds:
            g = <Generator>o
            f = <int64_t *>self.calls[<Py_ssize_t>c].args + <Py_ssize_t>field
            f[0] = <int64_t>g.seed_
            f[1] = <int64_t>g.offset + <int64_t>blocks
        for i in range(len(self.packs)):
            c, place, rows = <tuple>self.packs[i]
            pw = packed_weight(<Tensor>self.places.tensors[<Py_ssize_t>place], rows,
                               <int>(<udl_matmul_args *>self.calls[<Py_ssize_t>c].args).dtype)
            self.packed[i] = pw
            (<udl_matmul_args *>self.calls[<Py_ssize_t>c].args).packed_b = NULL if pw is None else pw.ptr
        for o, blocks in self.generators:
            (<Generator>o).offset += <uint64_t>blocks
        return 0

    cdef int replace(self, Result r) except -1:
        """Someone holds the result of before: write to other memory."""
        cdef GradEffect e
        cdef Storage old = r.now
        if r.spare is not None and udl_refs(<PyObject *>r.spare) == 1:
            r.now, r.spare = r.spare, old
        else:
            r.now, r.spare = new_storage(old.nbytes), old
        r.own = 1
        for o in self.grads:
            e = <GradEffect>o
            if e.result is r:
                e.grad = None
        self.move(r.slot, <char *>r.now.ptr)
        return 0

    cdef int renew(self, Result r) except -1:
        """Memory for a result that has none."""
        r.now, r.own = new_storage(r.nbytes), 1
        self.move(r.slot, <char *>r.now.ptr)
        return 0

    def rest(self):
        """Another plan of the function takes its turn: give back the memory of results that nobody else holds."""
        if not PyThread_acquire_lock(self.lock, NOWAIT_LOCK):
            return
        if self.pending == NULL:
            for o in self.results:
                (<Result>o).now = (<Result>o).spare = None
            for o in self.grads:
                (<GradEffect>o).grad = None
        PyThread_release_lock(self.lock)

    cdef int lease(self) except -1:
        """A block for the buffers."""
        if self.arena_bytes == 0:
            return 0
        self.block = self.memory.take(self.block_at, self.arena_bytes)
        if <char *>self.block.ptr != self.block_at:
            self.block_at = <char *>self.block.ptr
            for number, _, _, offset, _ in self.layout:
                self.move(<Py_ssize_t>number, self.block_at + <int64_t>offset)
        return 0

    cdef void give_back(self) noexcept:
        """The gradients have come: another plan may use the block. Called where a lock is still to be released: nothing is raised."""
        cdef Storage block = self.block
        self.pending, self.block = NULL, None
        if block is not None:
            try:
                self.memory.blocks.append(block)
            except MemoryError:
                pass  # it goes back to the allocator

    cdef int put_note(self, Py_ssize_t c, tuple note) except -1:
        field, kind, d, key, index, added = note
        cdef PyObject *o
        cdef const udl_kernel_info *info = &udl_kernels[self.calls[c].kernel]
        cdef Py_ssize_t at = info.n_out + info.n_in
        if kind == "f":
            ints, floats = d()
            for v in ints:
                (<int64_t *>self.calls[c].args)[at] = v
                at += 1
            for v in floats:
                (<double *>self.calls[c].args)[at] = v
                at += 1
            return 0
        o = PyDict_GetItem(d, key)
        if o == NULL:
            raise KeyError(key)
        v = <object>o
        if index is not None:
            v = v[index]
        if kind == "d":
            (<double *>self.calls[c].args)[<Py_ssize_t>field] = v
        else:
            (<int64_t *>self.calls[c].args)[<Py_ssize_t>field] = <int64_t>v + <int64_t>added
        return 0

    cdef int effects(self) except -1:
        cdef GradEffect e
        cdef Tensor t
        for number, place, by, owner in self.versions:
            if place >= 0:
                t = <Tensor>self.places.tensors[<Py_ssize_t>place]
                t.storage.version += <long>by
            elif type(owner) is GradEffect:
                (<GradEffect>owner).leaf.grad_.storage.version += <long>by
            else:
                (<Slot>self.slots[<Py_ssize_t>number]).storage.version += <long>by
        for group in self.counters:
            for d in <list>group:
                (<dict>d)["step"] = <object>PyDict_GetItem(d, "step") + 1
        for o in self.grads:
            e = <GradEffect>o
            if e.after == 1:
                e.leaf.grad_ = None
            elif e.after == 2:
                if e.grad is None:
                    e.grad = tensor_at(e.grad_like, e.result.now, <char *>e.result.now.ptr + e.offset)
                    e.result.own += 1
                e.leaf.grad_ = e.grad
        return 0

    cdef BackNode back_node(self):
        """The node behind this replay's results: its inputs are the leaves."""
        cdef BackNode b = BackNode.__new__(BackNode)
        cdef Py_ssize_t i, n = len(self.back_places)
        cdef Tensor t
        b.plan, b.next_, b.n_in, b.n_out, b.kept = self, [], <int>n, <int>len(self.back_slots), []
        if n > 4:
            b.idxn = many_indices(n)
        for i in range(n):
            link(b, <int>i, <Tensor>self.places.tensors[<Py_ssize_t>self.back_places[i]])
        for place in self.back_reads:
            t = <Tensor>self.places.tensors[<Py_ssize_t>place]
            b.kept.append((t.storage, t.storage.version))
        self.pending = <PyObject *>b
        return b

    cdef object run_back(self, list gs):
        """Gradients of the leaves from those of the results."""
        cdef int status
        cdef int64_t at = 0
        cdef Py_ssize_t i
        cdef Tensor g
        cdef Out o
        cdef list held = [], grads = []
        cdef double start
        cdef bint watch = self.watch or udl_profiling
        self.acquire()
        try:
            for i in range(len(gs)):
                if gs[i] is None:
                    g = empty_like_c(<Tensor>self.back_likes[i], (<Tensor>self.back_likes[i]).code)
                    fill_(g, 0)
                else:
                    g = <Tensor>contiguous(<Tensor>gs[i])
                held.append(g)
                self.move(<Py_ssize_t>self.back_slots[i], g.data_)
            for c in self.back_outs:
                o = <Out>c
                if o.kind == OUT_TENSOR and o.result.now is None:      # given away the last time
                    o.result.now = new_storage(o.result.nbytes)
                    self.move(o.slot, <char *>o.result.now.ptr)
            start = udl_clock() if watch else 0
            with nogil:
                status = udl_plan_replay(self.calls + self.middle, self.n - self.middle, &at,
                                      self.seconds + self.middle if watch else NULL)
            if udl_profiling and watch:
                note_replay(self.calls + self.middle, self.seconds + self.middle, self.n - self.middle, start)
            if status != UDL_OK:
                failed_call(<int>self.calls[self.middle + at].kernel, self.calls[self.middle + at].args, status)
            for c in self.back_outs:
                o = <Out>c
                if o.kind == OUT_VALUE:
                    grads.append(None)
                elif o.kind == OUT_GRAD:
                    grads.append(tensor_at(o.like, (<Tensor>held[o.place]).storage, (<Tensor>held[o.place]).data_ + o.offset))
                else:
                    grads.append(tensor_at(o.like, o.result.now, <char *>o.result.now.ptr + o.offset))
            for c in self.back_outs:
                if (<Out>c).result is not None:
                    (<Out>c).result.now = None
            return tuple(grads)
        finally:
            PyThread_release_lock(self.lock)

    cdef object make(self, Out o, BackNode back):
        cdef Tensor t, v
        if o.kind == OUT_TENSOR:
            t = tensor_at(o.like, o.result.now, <char *>o.result.now.ptr + o.offset)
            t.node = o.node
            if o.live >= 0:
                t.node, t.out_idx = back, o.live
            return t
        if o.kind == OUT_VALUE:
            return o.value
        if o.kind == OUT_PLACE:
            return self.places.tensors[o.place]
        if o.kind == OUT_VIEW:
            v = <Tensor>self.places.tensors[o.place]
            t = tensor_at(o.like, v.storage, v.data_ + o.offset)
            t.node = o.node
            if o.live >= 0:
                t.node, t.out_idx = back, o.live
            return t
        values = [self.make(<Out>c, back) for c in o.children]
        if o.kind == OUT_DICT:
            return dict(zip(o.value, values))
        if o.value is tuple or o.value is list:
            return (<object>o.value)(values)
        return (<object>o.value)(*values)

    cdef int run_once(self, bint watch) except -1:
        """The calls whose results last, if what they read has changed."""
        cdef Lasting l = self.lasting
        cdef int status
        cdef int64_t at = 0, i
        cdef double start
        if l.fresh(self.places, self.once_places):
            for i in range(self.once):
                self.seconds[i] = 0
            return 0
        with nogil:
            PyThread_acquire_lock(l.lock, WAIT_LOCK)
        try:
            if l.fresh(self.places, self.once_places):
                return 0
            l.note(self.places, self.once_places)
            start = udl_clock() if watch else 0
            with nogil:
                status = udl_plan_replay(self.calls, self.once, &at, self.seconds if watch else NULL)
            if status != UDL_OK:
                l.seen = None
                failed_call(<int>self.calls[at].kernel, self.calls[at].args, status)
            if udl_profiling and watch:
                note_replay(self.calls, self.seconds, self.once, start)
        finally:
            PyThread_release_lock(l.lock)
        return 0

    cdef object run(self, tuple args, dict kwargs):
        """The function's result, or MISS."""
        cdef int status
        cdef int64_t at = 0, first = self.once
        cdef double start
        cdef bint watch = self.watch or udl_profiling
        if self.grad_mode != udl_recording or self.default_float != DEFAULT_FLOAT or self.autocast != udl_autocast:
            return miss
        self.acquire()
        try:
            self.other = None
            if not self.check(args, kwargs):
                return miss
            if self.pending != NULL:      # its results still wait for their gradients
                return busy
            self.lease()
            self.prepare()
            if first:
                self.run_once(watch)
            start = udl_clock() if watch else 0
            with nogil:
                status = udl_plan_replay(self.calls + first, self.middle - first, &at, self.seconds + first if watch else NULL)
            if udl_profiling and watch:
                note_replay(self.calls + first, self.seconds + first, self.middle - first, start)
            if status == UDL_EOTHER:      # Python would have gone another way
                for o, blocks in self.generators:
                    (<Generator>o).offset -= <uint64_t>blocks
                self.other = f"the number that {(<Call>self.steps[<Py_ssize_t>(first + at)]).where}"
                return miss
            if status != UDL_OK:
                failed_call(<int>self.calls[first + at].kernel, self.calls[first + at].args, status)
            self.effects()
            self.replays += 1
            return self.make(self.out, self.back_node() if self.back_places is not None else None)
        finally:
            for i in self.argument_places:
                self.places.tensors[<Py_ssize_t>i] = None
            if self.pending == NULL:
                self.give_back()
            PyThread_release_lock(self.lock)

    cdef inline void acquire(self) noexcept:
        if not PyThread_acquire_lock(self.lock, NOWAIT_LOCK):
            with nogil:
                PyThread_acquire_lock(self.lock, WAIT_LOCK)

    def __call__(self, tuple args, dict kwargs):
        return self.run(args, kwargs)

    def save(self, path, inputs=None):
        """Write the plan and its weights to a file for load_plan(); inputs: names of its inputs. See compiler/save.py."""
        from udlfast.compiler.save import save
        save(self, path, inputs)

    @property
    def failed(self):
        """Which guard failed last, in words."""
        if self.other is not None:
            return self.other
        return self.places.failed.path if self.places.failed is not None else "the grads or step counts at entry"

    @property
    def steered(self):
        """Did the last run end at a number that was not as expected?"""
        return self.other is not None

    @property
    def times(self):
        """Seconds of each call in the last watched replay."""
        return [self.seconds[i] for i in range(self.n)]

    def set_watch(self, bint on):
        self.watch = on
