# autograd.pxi - the tape: nodes, recording, and the walk back over them without recursion.

cdef extern from *:
    """
    static __thread int udl_recording = 1;  /* is this thread recording operations for backward? */
    static __thread int udl_inference = 0;  /* is this thread inside inference_mode? */
    static __thread int udl_walks = 0;      /* runs of backward that this thread is in, one inside the other */
    static __thread int udl_saving = 0;     /* how many blocks of saved_tensors_hooks is this thread inside? */
    static int udl_anomaly = 0;             /* 1: nodes remember where they were made; 2: gradients are looked at for NaN too */
    """
    int udl_recording
    int udl_inference
    int udl_walks
    int udl_saving
    int udl_anomaly


def is_grad_enabled():
    """Whether this thread records operations for backward."""
    return bool(udl_recording)


cdef inline bint set_grad(bint on) noexcept:
    global udl_recording
    cdef bint old = udl_recording
    udl_recording = on
    return old


cdef class GradMode:
    """Turns recording on or off for a block (``with``) or a function (decorator)."""
    cdef bint want
    cdef int inference  # inside: on or off, -1 as outside
    cdef list olds
    cdef object function

    def __cinit__(self, *args, **kwargs):
        self.olds, self.inference = [], -1

    def __enter__(self):
        global udl_inference
        self.olds.append(udl_recording | udl_inference << 1)  # first: this can fail
        set_grad(self.want)
        if self.inference >= 0:
            udl_inference = self.inference
        return self

    def __exit__(self, kind=None, error=None, trace=None):
        global udl_inference
        cdef Py_ssize_t n = len(self.olds)
        if n == 0:
            raise RuntimeError("a mode is left that was not entered")
        set_grad(self.olds[n - 1] & 1)
        if self.inference >= 0:
            udl_inference = self.olds[n - 1] >> 1
        self.olds.pop()
        return False

    def __call__(self, *args, **kwargs):
        cdef bint old
        if self.function is None:
            return slot("wrap_mode")(self.want, args[0])
        old = set_grad(self.want)
        try:
            return self.function(*args, **kwargs)
        finally:
            set_grad(old)


def call_in_mode(bint want, function, tuple args, dict kwargs):
    """function(*args, **kwargs) with recording on or off."""
    cdef bint old = set_grad(want)
    try:
        return function(*args, **kwargs)
    finally:
        set_grad(old)


cdef class no_grad(GradMode):
    """Operations inside are not recorded: ``with no_grad(): ...`` or ``@no_grad()``."""
    def __init__(self, function=None):
        self.want = False
        self.function = function


cdef class enable_grad(GradMode):
    """Operations inside are recorded, whatever surrounds the block."""
    def __init__(self, function=None):
        self.want = True
        self.function = function


cdef class inference_mode(GradMode):
    """As no_grad: operations inside are not recorded."""
    def __init__(self, mode=True):
        self.want = not mode if not callable(mode) else False
        self.inference = not self.want
        self.function = mode if callable(mode) else None


def is_inference_mode_enabled():
    """Whether this thread is inside a block of inference_mode."""
    return bool(udl_inference)


cdef class set_grad_enabled(GradMode):
    """Turns recording on or off at once, and back at the end when used as a block."""
    cdef bint before

    def __init__(self, bint mode):
        self.want, self.before = mode, set_grad(mode)

    def __enter__(self):
        return self

    def __exit__(self, kind=None, error=None, trace=None):
        set_grad(self.before)
        return False


cdef extern from *:
    """
    static __thread int udl_autocast = -1;  /* the element type of products inside autocast, -1 outside */
    """
    int udl_autocast


cdef inline void set_autocast_code(int code) noexcept:
    global udl_autocast
    udl_autocast = code


def set_autocast(d):
    """The element type to which this thread's matrix products and convolutions convert float32 (None: they do not); the one before."""
    old = get_autocast()
    set_autocast_code(-1 if d is None else (<dtype?>d).code)
    return old


def get_autocast():
    """The element type of set_autocast, or None."""
    return None if udl_autocast < 0 else DTYPES[udl_autocast]


cdef inline Tensor lowered(Tensor t):
    """A float32 (or bfloat16) tensor in the type of autocast."""
    return t if t is None or t.code == UDL_F64 or t.code < UDL_F16 else cast(t, udl_autocast)


# ---- nodes ------------------------------------------------------------------------------------------------------------
@cython.trashcan(True)
@cython.freelist(128)
cdef class Node:
    """One recorded operation: where its inputs came from, and what its gradient rule needs."""
    cdef list next_          # Node or None for each input
    cdef int idx4[4]         # which output of next_[i] the input was
    cdef int *idxn           # the same for more than four inputs
    cdef int n_in
    cdef int n_out
    cdef int op
    cdef bint released
    cdef Tensor s0, s1       # saved by compiled rules
    cdef long v0, v1
    cdef double p0, p1
    cdef tuple saved_        # saved by Python rules: tensors or None
    cdef list versions
    cdef int self_saved      # bit i: saved_[i] is an output of this node (kept as an alias: no cycle)
    cdef readonly tuple args
    cdef object fn
    cdef list hooks          # [(output index, {id: hook})]
    cdef list out_meta       # shapes of outputs, for zero gradients of multi-output nodes
    cdef list packed         # under saved_tensors_hooks: what stands for saved tensors, see save_packed
    cdef object made         # under anomaly detection: where in the program

    def __dealloc__(self):
        if self.idxn != NULL:
            free(self.idxn)

    cdef object run(self, object g):
        """Gradients of the inputs (a tuple, or one Tensor for one input) from those of the outputs."""
        return self.fn(self, *g) if self.n_out > 1 else self.fn(self, g)

    cdef void release(self):
        self.released = True
        self.s0 = self.s1 = None
        self.saved_ = None
        self.packed = None

    def needs(self, int i):
        """Does input i want a gradient?"""
        return i < self.n_in and self.next_[i] is not None

    @property
    def saved(self):
        cdef Py_ssize_t i
        cdef Tensor t
        if self.released:
            raise_released(self)
        if self.packed is not None and self.saved_ is not None and self.saved_[<Py_ssize_t>self.packed[0][0] - 2] is None:
            unpack_saved(self)  # asked for outside of backward
        for i in range(len(self.saved_)):
            if self.saved_[i] is not None:
                t = <Tensor>self.saved_[i]
                if t.storage.version != <long>self.versions[i]:
                    raise_modified(self, t)
        if self.self_saved and udl_recording:
            return tuple([with_node(<Tensor>t, self) if self.self_saved >> i & 1 else t
                          for i, t in enumerate(self.saved_)])
        return self.saved_

    @property
    def saved_tensors(self):
        return self.saved

    @property
    def next_functions(self):
        return tuple([(n, self.idx(i)) for i, n in enumerate(self.next_)])

    cdef inline int idx(self, int i) noexcept:
        return self.idxn[i] if self.idxn != NULL else self.idx4[i]

    def name(self):
        if self.fn is not None:
            return getattr(self.fn, "__name__", "function").removesuffix("_backward").title().replace("_", "") + "Backward"
        return type(self).__name__.removesuffix("Node") + "Backward"

    def __repr__(self):
        return f"<{self.name()}0>"


@cython.no_gc_clear
cdef class AccumulateGrad(Node):
    """The end of the tape at a leaf: adds what arrives to the leaf's grad."""
    cdef Tensor leaf

    def __dealloc__(self):
        if self.leaf is not None and self.leaf.acc == <PyObject *>self:
            self.leaf.acc = NULL

    def name(self):
        return "AccumulateGrad"

    def __repr__(self):
        return "<AccumulateGrad>"

    @property
    def variable(self):
        return self.leaf


cdef raise_released(Node n):
    raise ArgumentError(f"backward: going back through the graph a second time (at {n.name()}), but what it had saved was "
                        f"freed; call backward(retain_graph=True) the first time")


cdef raise_modified(Node n, Tensor t):
    raise ArgumentError(f"backward: a tensor of shape {list(size_of(t))} that {n.name()} needs for its gradient was modified "
                        f"in place after it was used; clone it first, or use the out-of-place operation")


cdef inline Tensor with_node(Tensor t, Node n):
    cdef Tensor r = alias(t)
    r.node = n
    r.out_idx = t.out_idx
    return r


cdef inline bint wants(Tensor t) noexcept:
    return t is not None and (t.rg or t.node is not None
                              or (t.base is not None and t.base.tape_version != t.tape_version))


cdef inline Node edge_of(Tensor t):
    """The node that receives this tensor's gradient."""
    cdef AccumulateGrad a
    if t is None:
        return None
    if t.node is not None or t.base is not None:
        tape_node(t)
        if t.node is not None:
            return t.node
    if not t.rg:
        return None
    if t.acc != NULL:
        return <AccumulateGrad>t.acc
    a = AccumulateGrad.__new__(AccumulateGrad)
    a.leaf = t
    a.n_out = 1
    t.acc = <PyObject *>a
    return a


cdef inline link(Node n, int i, Tensor t):
    cdef Node e = edge_of(t)
    if udl_anomaly:
        n.made = slot("where_made")()
    n.next_.append(e)
    if e is not None:
        (n.idxn if n.idxn != NULL else n.idx4)[i] = t.out_idx if t.node is not None else 0


cdef int *many_indices(Py_ssize_t k) except NULL:
    """Room for the indices of a node with more than four inputs; without it, `link` would write beside `idx4`."""
    cdef int *p = <int *>malloc(k * sizeof(int))
    if p == NULL:
        raise MemoryError(f"no memory for the tape of an operation with {k} inputs")
    return p


cdef inline void init_node1(Node n, Tensor a):
    n.n_in = 1
    n.n_out = 1
    n.next_ = []
    link(n, 0, a)


cdef inline void init_node2(Node n, Tensor a, Tensor b):
    n.n_in = 2
    n.n_out = 1
    n.next_ = []
    link(n, 0, a)
    link(n, 1, b)


cdef inline check_saved(Node n):
    if n.released:
        raise_released(n)
    if n.s0 is not None and n.s0.storage.version != n.v0:
        raise_modified(n, n.s0)
    if n.s1 is not None and n.s1.storage.version != n.v1:
        raise_modified(n, n.s1)


cdef inline int save0(Node n, Tensor t) except -1:
    if udl_saving:
        return save_packed(n, 0, t)
    n.s0 = t
    n.v0 = t.storage.version
    return 0


cdef inline int save1(Node n, Tensor t) except -1:
    if udl_saving:
        return save_packed(n, 1, t)
    n.s1 = t
    n.v1 = t.storage.version
    return 0


def attach(out, tuple inputs, backward, tuple saved=(), tuple args=()):
    """Put `out` (a Tensor or a tuple of Tensors) on the tape if recording is on and an input wants a gradient.

    backward(node, *grad_outputs) gives a tuple with a gradient or None for each of `inputs`.
    """
    cdef Node n
    cdef Py_ssize_t i, j, k = len(inputs)
    cdef bint any_ = False
    cdef Tensor t
    if not udl_recording:
        return out
    for o in inputs:
        if o is not None and wants(<Tensor?>o):
            any_ = True
            break
    if not any_:
        return out
    n = Node.__new__(Node)
    n.fn = backward
    n.args = args
    n.n_in = <int>k
    n.next_ = []
    if k > 4:
        n.idxn = many_indices(k)
    for i in range(k):
        o = inputs[i]
        link(n, <int>i, None if o is None else <Tensor?>o)
    outs = out if type(out) is tuple else (out,)
    n.n_out = <int>len(outs)
    if n.n_out > 1:
        n.out_meta = [size_of(<Tensor>o) for o in outs]
    n.versions = []
    kept = []
    for i in range(len(saved)):
        t = <Tensor?>saved[i] if saved[i] is not None else None
        j = -1
        for o in outs:
            j += 1
            if t is o and t is not None:
                t = alias(t)
                n.self_saved |= 1 << i
                t.out_idx = <int>j
                break
        n.versions.append(t.storage.version if t is not None else 0)
        if udl_saving and t is not None:
            save_packed(n, 2 + i, t)
            t = None
        kept.append(t)
    n.saved_ = tuple(kept)
    i = 0
    for o in outs:
        t = <Tensor>o
        if t.code >= UDL_F16:
            t.node = n
            t.out_idx = <int>i
        i += 1
    return out


def adopt(Tensor self not None, Tensor r not None):
    """self, whose memory already holds r's values, takes over r's history: what an in-place operation of the user's own leaves."""
    check_leaf(self, "mark_dirty")
    rebase(self, r)
    return self


# ---- hooks --------------------------------------------------------------------------------------------------------------
class RemovableHandle:
    """What register_hook gives back; ``remove()`` takes the hook out again."""

    def __init__(self, hooks, key):
        self.hooks, self.id = hooks, key

    def remove(self):
        self.hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


cdef long HOOK_ID = 0


cdef object add_hook(Tensor t, object hook):
    global HOOK_ID
    cdef Node n
    if not wants(t):
        raise ArgumentError("register_hook: this tensor does not require a gradient, so no gradient will ever arrive")
    HOOK_ID += 1
    if t.hooks is None:
        t.hooks = {}
        if t.node is not None:
            n = t.node
            if n.hooks is None:
                n.hooks = []
            n.hooks.append((t.out_idx, t.hooks))
    t.hooks[HOOK_ID] = hook
    return RemovableHandle(t.hooks, HOOK_ID)


def add_post_hook(Tensor t not None, hook):
    """Call hook(t) after each time that the leaf's grad was added to."""
    global HOOK_ID
    if not t.rg or t.node is not None:
        raise ArgumentError("register_post_accumulate_grad_hook: only for leaf tensors that require a gradient")
    HOOK_ID += 1
    if t.post_hooks is None:
        t.post_hooks = {}
    t.post_hooks[HOOK_ID] = hook
    return RemovableHandle(t.post_hooks, HOOK_ID)


cdef object LAST = 0  # the key of the hook that sees what all others made of the gradient


cdef add_retain(Tensor t):
    import weakref
    ref = weakref.ref(t)

    def keep(g):
        x = ref()
        if x is not None:
            x.grad = g.detach() if x.grad is None else x.grad + g
    add_hook(t, keep)
    t.hooks[LAST] = t.hooks.pop(HOOK_ID)


cdef Tensor run_hooks(dict hooks, Tensor g):
    for key, h in list(hooks.items()):
        if key is not LAST:
            r = h(g)
            if r is not None:
                g = <Tensor?>r
    if LAST in hooks:
        hooks[LAST](g)
    return g


# ---- the walk -------------------------------------------------------------------------------------------------------------
cdef class Walk:
    """State of one backward run: for each node its slot, how many gradients it still waits for, and what has arrived."""
    cdef dict slot
    cdef list nodes, buffers
    cdef int *waits
    cdef Py_ssize_t cap
    cdef set owned           # ids of buffers made here: they may be added to in place
    cdef bint create_graph

    def __dealloc__(self):
        free(self.waits)

    cdef Py_ssize_t find(self, Node n) except -1:
        """The slot of a node, made when it is new."""
        cdef object s = self.slot.get(n)
        cdef Py_ssize_t k
        cdef int *more
        if s is not None:
            return s
        k = len(self.nodes)
        if k == self.cap:
            more = <int *>realloc(self.waits, (2 * self.cap + 64) * sizeof(int))
            if more == NULL:
                raise MemoryError("backward: no memory for the walk")
            self.waits, self.cap = more, 2 * self.cap + 64
        self.waits[k] = 0
        self.slot[n] = k
        self.nodes.append(n)
        self.buffers.append(None)
        return k

    cdef int count(self) except -1:
        """Walk over all reachable nodes once and count the edges into each."""
        cdef Py_ssize_t i = 0
        cdef Node n, m
        while i < len(self.nodes):
            n = <Node>self.nodes[i]
            if n.next_ is not None:
                for o in n.next_:
                    if o is not None:
                        m = <Node>o
                        self.waits[self.find(m)] += 1
            i += 1
        return 0

    cdef int put(self, Py_ssize_t k, Node n, int idx, Tensor g) except -1:
        """Add a gradient to output `idx` of node n."""
        cdef Tensor old
        if n.n_out == 1:
            old = <Tensor>self.buffers[k]
            self.buffers[k] = g if old is None else self.add(k, 0, old, g)
            return 0
        if self.buffers[k] is None:
            self.buffers[k] = [None] * n.n_out
        old = <Tensor>self.buffers[k][idx]
        self.buffers[k][idx] = g if old is None else self.add(k, idx, old, g)
        return 0

    cdef Tensor add(self, Py_ssize_t k, int idx, Tensor old, Tensor g):
        cdef object key = (k << 8) + idx if idx else k << 8
        if self.create_graph:
            return <Tensor>binary(UDL_MAP_add, old, g)
        if key in self.owned:
            add_into(old, g)
            return old
        self.owned.add(key)
        return <Tensor>binary(UDL_MAP_add, old, g)


cdef Tensor check_grad_output(Tensor root, object g, Py_ssize_t i):
    cdef Tensor t
    if g is None:
        if root.numel_ != 1:
            raise ArgumentError(f"backward: the gradient can be created implicitly only for a scalar, got shape "
                                f"{list(size_of(root))}; reduce it (for example .sum()) or pass gradient=")
        t = empty_like_c(root, root.code)
        fill_(t, 1)
        return t
    if not isinstance(g, Tensor):
        raise TypeError(f"backward: expected gradient to be a Tensor, got {type(g).__name__}")
    t = alias(<Tensor>g) if not wants(<Tensor>g) else <Tensor>g
    if not same_shape(t, root):
        raise ShapeError(f"backward: the gradient has shape {list(size_of(t))}, the tensor has {list(size_of(root))}")
    return cast(t, root.code)


def backward(tensors, grad_tensors=None, retain_graph=None, bint create_graph=False, inputs=None):
    """Add the gradient of the sum of `tensors` (weighted by grad_tensors) to each leaf's ``grad``."""
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if isinstance(grad_tensors, Tensor):
        grad_tensors = [grad_tensors]
    if inputs is not None:
        inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        for t in inputs or [None]:  # empty: leave it out for all leaves
            if not isinstance(t, Tensor) or not wants(<Tensor>t):
                raise ArgumentError(f"backward: expected inputs that require a gradient, got {type(t).__name__}")
        gs = walk(tensors, grad_tensors, create_graph if retain_graph is None else retain_graph, create_graph, inputs)
        for t, g in zip(inputs, gs):
            if g is not None:
                accumulate(<Tensor>t, <Tensor>g, create_graph)
        return
    walk(tensors, grad_tensors, create_graph if retain_graph is None else retain_graph, create_graph, None)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, bint create_graph=False, only_inputs=True, bint allow_unused=False,
         is_grads_batched=False, materialize_grads=False):
    """The gradients of the sum of `outputs` with respect to `inputs`; no ``grad`` is touched. is_grads_batched: those for each of the
    grad_outputs[i], stacked."""
    cdef Py_ssize_t k, count
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if isinstance(grad_outputs, Tensor):
        grad_outputs = [grad_outputs]
    if is_grads_batched:
        from udlfast.ops.joining import stack
        count = min([len(g) for g in grad_outputs or () if g is not None], default=0)
        if not count:
            raise ArgumentError("grad: is_grads_batched needs grad_outputs with a dimension of gradients in front")
        rows = [grad(outputs, inputs, [None if g is None else g[k] for g in grad_outputs], retain_graph if k == count - 1 else True,
                     create_graph, True, allow_unused, False, materialize_grads) for k in range(count)]
        return tuple([None if part[0] is None else stack(part) for part in zip(*rows)])
    for t in inputs:
        if not wants(<Tensor?>t):
            raise ArgumentError("grad: one of the inputs does not require a gradient")
    gs = walk(outputs, grad_outputs, create_graph if retain_graph is None else retain_graph, create_graph, inputs)
    for i, g in enumerate(gs):
        if g is None:
            if materialize_grads:
                gs[i] = fill_(empty_like_c(<Tensor>inputs[i], (<Tensor>inputs[i]).code), 0)
            elif not allow_unused:
                raise ArgumentError(f"grad: input {i} was not used to compute the outputs; pass allow_unused=True if that is meant")
    return tuple(gs)


cdef list walk(list roots, object grads, bint keep, bint create_graph, list inputs):
    """Nodes run once all gradients of their outputs have arrived; a stack holds those that are ready."""
    cdef Walk w = Walk.__new__(Walk)
    cdef Py_ssize_t i, k
    cdef Tensor r, g
    cdef Node n, m
    cdef bint old
    cdef int cast_to = udl_autocast
    cdef list ready = []
    cdef bint failed = True
    global udl_walks
    w.slot, w.nodes, w.buffers, w.owned, w.create_graph = {}, [], [], set(), create_graph
    if grads is not None and len(grads) != len(roots):
        raise ArgumentError(f"backward: got {len(roots)} tensors and {len(grads)} gradients")
    for o in roots:
        r = <Tensor?>o
        if not wants(r):
            raise ArgumentError("backward: this tensor does not require a gradient and has no grad_fn; was it computed "
                                "under no_grad, or from tensors without requires_grad=True?")
        w.find(edge_of(r))
    w.count()
    captures = None
    if inputs is not None:
        captures = {}
        for i in range(len(inputs)):
            r = <Tensor>inputs[i]
            n = edge_of(r)
            captures.setdefault(n, []).append((i, r.out_idx if r.node is not None else 0))
    result = [None] * len(inputs) if inputs is not None else None
    for i in range(len(roots)):
        r = <Tensor>roots[i]
        n = edge_of(r)
        g = check_grad_output(r, None if grads is None else grads[i], i)
        k = w.find(n)
        w.put(k, n, r.out_idx if r.node is not None else 0, g)
        if w.waits[k] == 0 and k not in ready:
            ready.append(k)
    old = set_grad(create_graph)
    set_autocast_code(-1)
    udl_walks += 1
    try:
        while ready:
            k = ready.pop()
            step(w, k, keep, captures, result, ready)
        failed = False
    finally:
        udl_walks -= 1
        set_grad(old)
        set_autocast_code(cast_to)
        if AT_END and not udl_walks:
            end_of_walk(failed)
    return result


cdef object run_watched(Node n, object g):
    """n.run(g) under anomaly detection."""
    try:
        outs = n.run(g)
    except Exception:
        slot("anomaly")(n, n.made, None)
        raise
    if udl_anomaly > 1:
        slot("anomaly")(n, n.made, outs if type(outs) is tuple else (outs,))
    return outs


cdef int step(Walk w, Py_ssize_t k, bint keep, object captures, list result, list ready) except -1:
    """Run the node in slot k and hand its gradients on."""
    cdef Node n = <Node>w.nodes[k], m
    cdef object g = w.buffers[k]
    cdef Py_ssize_t j
    cdef int i
    cdef Tensor t
    cdef object outs
    w.buffers[k] = None
    if n.hooks is not None and g is not None:
        for idx, hooks in n.hooks:
            if n.n_out == 1:
                g = run_hooks(hooks, <Tensor>g)
            elif g[idx] is not None:
                g[idx] = run_hooks(hooks, <Tensor>g[idx])
    if type(n) is AccumulateGrad:
        t = (<AccumulateGrad>n).leaf
        if g is not None:
            if t.hooks is not None:
                g = run_hooks(t.hooks, <Tensor>g)
            if captures is None:
                accumulate(t, <Tensor>g, w.create_graph)
                if t.post_hooks is not None:
                    for h in list(t.post_hooks.values()):
                        h(t)
    if captures is not None:
        for i_in, idx in captures.get(n, ()):
            result[i_in] = g if n.n_out == 1 or g is None else g[idx]
    if n.next_ is None:
        return 0
    outs = None
    if g is not None:
        if n.n_out > 1:
            g = [x if x is not None else None for x in g]
        if n.packed is not None:
            unpack_saved(n)
        outs = n.run(g) if not udl_anomaly else run_watched(n, g)
        if not keep:
            n.release()
        elif n.packed is not None:
            forget_unpacked(n)
    for i in range(n.n_in):
        m = <Node>n.next_[i]
        if m is None:
            continue
        j = w.find(m)
        if outs is not None:
            if type(outs) is tuple:
                t = <Tensor>(<tuple>outs)[i]
            else:
                t = <Tensor>outs
            if t is not None:
                w.put(j, m, n.idx(i), t)
        w.waits[j] -= 1
        if w.waits[j] == 0:
            ready.append(j)
    return 0


cdef int accumulate(Tensor leaf, Tensor g, bint create_graph) except -1:
    if not same_shape(g, leaf):
        raise ShapeError(f"backward: a gradient of shape {list(size_of(g))} arrived at a leaf of shape {list(size_of(leaf))}; "
                         f"the gradient rule of the operation is wrong")
    if udl_tracing:
        note_grad(leaf, True)
    if g.code != leaf.code:
        g = cast(g, leaf.code)
    if leaf.grad_ is None:
        if create_graph:
            leaf.grad_ = g
        elif g.contig and g.base is None and not shared_buffer(g):
            leaf.grad_ = alias(g)
        else:
            leaf.grad_ = clone_raw(g)
    elif create_graph:
        leaf.grad_ = <Tensor>binary(UDL_MAP_add, leaf.grad_, g)
    else:
        add_into(leaf.grad_, g)
        leaf.grad_.storage.version += 1
    return 0


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)


cdef inline bint shared_buffer(Tensor g) noexcept:
    """Does anybody but the walk hold this gradient's memory? Then the leaf needs a copy of its own. (Pointers, because an
    attribute that is passed on as an object would count once more.)"""
    return Py_REFCNT(<PyObject *>g.storage) > 1 or g.storage.owner is not None or Py_REFCNT(<PyObject *>g) > 2
