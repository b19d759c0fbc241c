# compiled.pxi - a function with its plans: which of them is replayed.

cdef class Compiled:
    """A function and its plans: the first plan whose guards hold is replayed."""
    cdef readonly object fn
    cdef public list plans             # the one used last comes first; replaced as a whole, so that whoever walks over it misses none
    cdef readonly PlanMemory memory    # of all of them
    cdef public bint eager             # there will be no plans any more
    cdef dict __dict__

    def __init__(self, fn):
        self.fn, self.plans, self.memory = fn, [], PlanMemory()

    def __call__(self, *args, **kwargs):
        cdef object r
        cdef Py_ssize_t i
        cdef list plans = self.plans
        if udl_tracing and (udl_this_recorder != NULL or udl_cuda):
            return self.fn(*args, **kwargs)
        for i in range(len(plans)):
            r = (<Plan>plans[i]).run(args, kwargs)
            if r is busy:
                return self.fn(*args, **kwargs)
            if r is not miss:
                if i:
                    self.put_first(<Plan>plans[i])
                return r
        return self.fn(*args, **kwargs) if self.eager else self.miss(args, kwargs)

    cdef int put_first(self, Plan plan) except -1:
        cdef list plans = self.plans
        if plans and plans[0] is not plan and plan in plans:
            (<Plan>plans[0]).rest()
            self.plans = [plan] + [p for p in plans if p is not plan]
        return 0

    def __get__(self, instance, owner):
        if instance is None:
            return self
        from types import MethodType
        return MethodType(self, instance)
