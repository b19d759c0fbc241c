# What runs once a whole backward is over: the exchange of gradients between processes waits there.

cdef dict AT_END = {}  # thread -> what it calls at the end of its backward


def at_end_of_backward(function, failed=None):
    """Call function() once the backward that this thread is in, the outermost one, has run. If that fails, or one of these functions
    does, failed() is called, which must not raise."""
    if not udl_walks:
        raise ArgumentError("at_end_of_backward: no backward is running")
    AT_END.setdefault(PyThread_get_thread_ident(), []).append((function, failed))


cdef int end_of_walk(bint failed) except -1:
    cdef list functions = AT_END.pop(PyThread_get_thread_ident(), [])
    try:
        if not failed:
            failed = True
            for function, _ in functions:
                function()
            failed = False
    finally:
        if failed:
            for _, otherwise in functions:
                if otherwise is not None:
                    otherwise()
    return 0
