# plan_parts.pxi - what a Plan (plan.pxi) is made with: results that Python sees, lifetimes of buffers, errors of its calls.

cdef int failed_call(int id, const void *args, int status) except -1:
    cdef const udl_elementwise_args *e = <const udl_elementwise_args *>args
    if id == UDL_K_elementwise and e.compute == UDL_I64:
        raise DivisionError(f"{op_name(<int>e.op)}: an integer was divided by zero")
    return status_error(id, status)


cdef bint steps_agree(list dicts) except -1:
    cdef object first = (<dict>dicts[0]).get("step")
    for d in dicts:
        if (<dict>d).get("step") != first:
            return False
    return True


cdef list make_results(Out out, list grads, list back):
    """One Result for each buffer that Python gets to see."""
    cdef dict by_slot = {}
    cdef GradEffect e
    cdef list todo = [out]
    cdef Out o
    while todo:
        o = <Out>todo.pop()
        if o.children is not None:
            todo.extend(o.children)
        if o.kind == OUT_TENSOR:
            o.result = result_of(by_slot, o.slot, o.value)
            o.value = None
    for g in grads:
        e = <GradEffect>g
        if e.after == 2:
            e.result = result_of(by_slot, e.grad_slot, (<Tensor>e.leaf.grad_).storage.nbytes)
    for b in back:
        o = <Out>b
        if o.kind == OUT_TENSOR:
            mine = o.slot not in by_slot
            o.result = result_of(by_slot, o.slot, o.value)
            o.result.back = o.result.back or mine
            o.value = None
    return list(by_slot.values())


cdef Result result_of(dict by_slot, int slot, nbytes):
    cdef Result r = by_slot.get(slot)
    if r is None:
        r = by_slot[slot] = Result.__new__(Result)
        r.slot, r.own, r.nbytes = slot, 1, nbytes
        r.now = new_storage(nbytes)
    return r


def lifetimes(list steps):
    """{slot number: (first call, last call)}, tables standing for what they name."""
    spans = {}
    for i, c in enumerate(steps):
        for _, slot, _, _ in (<Call>c).pointers:
            touched = [slot] if (<Slot>slot).links is None else [slot] + [row for _, row, _ in (<Slot>slot).links]
            for s in touched:
                number = (<Slot>s).number
                spans[number] = (spans[number][0] if number in spans else i, i)
    return spans


def most_alive(list spans, int n):
    """The largest sum of bytes alive at one call: the least that any layout needs."""
    change = [0] * (n + 2)
    for (first, last), size in spans:
        change[first] += size
        change[last + 1] -= size
    most = alive = 0
    for c in change:
        alive += c
        most = max(most, alive)
    return most
