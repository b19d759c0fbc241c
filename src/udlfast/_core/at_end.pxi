# What runs once a whole backward is over: the exchange of gradients between processes waits there.

cdef dict AT_END = {}  # thread -> what it calls at the end of its backward


def at_end_of_backward(function, failed=None):
    """Call function() once the backward that this thread is in, the outermost one, has run; where that fails, failed() instead."""
    if not udl_walks:
        raise ArgumentError("at_end_of_backward: no backward is running")
    AT_END.setdefault(PyThread_get_thread_ident(), []).append((function, failed))


cdef int end_of_walk(bint failed) except -1:
    for pair in AT_END.pop(PyThread_get_thread_ident(), ()):
        f = pair[failed]
        if f is not None:
            f()
    return 0
