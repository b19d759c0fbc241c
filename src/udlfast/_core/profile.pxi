# profile.pxi - kernel calls with the time of each, while a profile runs: eager ones as they come, those of a plan after its replay.

cdef extern from *:
    """
    #include <time.h>
    static int udl_profiles = 0;     /* how many profiles run */
    #define udl_profiling __builtin_expect(udl_profiles, 0)
    static double udl_clock(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    }
    """
    int udl_profiles
    bint udl_profiling   # the one question that a call asks
    double udl_clock() nogil

from cpython.pythread cimport PyThread_get_thread_ident

cdef list profile_events = []        # (kernel, struct as bytes, start, seconds, thread)


cdef int run_profiled(int id, const void *args) except -1:
    """What run_kernel does, with the time taken."""
    cdef int status
    cdef double start = udl_clock(), end
    with nogil:
        status = udl_call(id, args)
    end = udl_clock()
    note_event(id, args, start, end - start)
    if status != UDL_OK:
        status_error(id, status)
    return 0


cdef int note_event(int64_t id, const void *args, double start, double seconds) except -1:
    cdef const udl_kernel_info *info
    cdef Py_ssize_t n = sizeof(udl_plan_bytes)
    if id < UDL_NKERNELS:
        info = &udl_kernels[id]
        n = 8 * (info.n_out + info.n_in + info.n_int + info.n_float)
    profile_events.append((id, (<const char *>args)[:n], start, seconds, PyThread_get_thread_ident()))
    return 0


cdef int note_replay(const udl_plan_call *calls, const double *seconds, int64_t n, double start) except -1:
    cdef int64_t i
    for i in range(n):
        note_event(calls[i].kernel, calls[i].args, start, seconds[i])
        start += seconds[i]
    return 0


def profile_start():
    """Kernel calls are timed from now on; returns where the list of events is now."""
    global udl_profiles
    udl_profiles += 1
    return len(profile_events)


def profile_stop(Py_ssize_t since):
    """The events since then: (kernel, struct, start in seconds, seconds, thread)."""
    global udl_profiles
    cdef list taken = profile_events[since:]
    udl_profiles -= 1
    if udl_profiles == 0:
        profile_events.clear()
    return taken


def clock():
    """The seconds that profiles count in."""
    return udl_clock()
