# saved_hooks.pxi - saved_tensors_hooks: what functions of the user's make of saved tensors is kept in the tensors' place.

def set_saving(int depth):
    """How many blocks of saved_tensors_hooks this thread is inside of from now on."""
    global udl_saving
    udl_saving = depth


cdef int save_packed(Node n, Py_ssize_t place, Tensor t) except -1:
    """Keep pack(t) instead of t. place: 0 and 1 are s0 and s1, 2 + i is saved_[i]. With it: unpack, where t comes from on the tape
    (for gradients of gradients), and t's storage and version (a hook that gives t back must not hide a later change)."""
    cdef bint old = set_grad(False)
    try:
        pack, unpack = slot("saved_hooks")()
        value = pack(alias(t))
    finally:
        set_grad(old)
    if n.packed is None:
        n.packed = []
    n.packed.append((place, value, unpack, edge_of(t) if wants(t) else None, t.out_idx, id(t.storage), t.storage.version, size_of(t),
                     t.dtype))
    return 0


cdef int unpack_saved(Node n) except -1:
    """Put unpack(value) where the saved tensors were, for as long as the node runs."""
    cdef Tensor t
    cdef Py_ssize_t place
    cdef list kept = None if n.saved_ is None else list(n.saved_)
    for where, value, unpack, source, idx, storage, version, size, kind in n.packed:
        place = where
        found = unpack(value)
        if not isinstance(found, Tensor):
            raise TypeError(f"saved_tensors_hooks: the unpack hook must give a Tensor, got {type(found).__name__}")
        t = alias(<Tensor>found)
        if size_of(t) != size or t.dtype is not kind:
            raise ArgumentError(f"saved_tensors_hooks: what was saved is {list(size)} {kind}, the unpack hook gave {list(size_of(t))} "
                                f"{t.dtype}")
        if id(t.storage) == storage and t.storage.version != <long>version:
            raise_modified(n, t)
        t.out_idx = idx
        if source is not None:
            t.node = <Node>source
        if place == 0:
            n.s0, n.v0 = t, t.storage.version
        elif place == 1:
            n.s1, n.v1 = t, t.storage.version
        else:
            kept[place - 2] = t
            n.versions[place - 2] = t.storage.version
    if kept is not None:
        n.saved_ = tuple(kept)
    return 0


cdef int forget_unpacked(Node n) except -1:
    """The node has run and may run again: only what the hooks packed is kept."""
    cdef list kept = None if n.saved_ is None else list(n.saved_)
    for entry in n.packed:
        if entry[0] == 0:
            n.s0 = None
        elif entry[0] == 1:
            n.s1 = None
        else:
            kept[<Py_ssize_t>entry[0] - 2] = None
    if kept is not None:
        n.saved_ = tuple(kept)
    return 0
