# call.pxi - the kernel boundary: an argument struct is filled with 8-byte fields and goes through udl_call.

cdef enum:
    GIL_WORK = 32768  # below about this many bytes of work, giving the GIL away costs more than the kernel
    MAX_FIELDS = 96   # of an argument struct


cdef int status_error(int id, int status) except -1:
    name = (<bytes>udl_kernels[id].name).decode()
    if status == UDL_ENOMEM:
        raise MemoryError(f"{name}: no memory for the kernel's working space")
    if status == UDL_EINDEX:
        raise DimError(f"{name}: an index is out of range")
    raise ArgumentError(f"{name}: these element types or sizes are not supported by the kernel")


cdef inline int kcall(int id, const void *args, Py_ssize_t work, Tensor t0, Tensor t1, Tensor t2, Tensor t3) except -1:
    """Run a kernel; t0.. are the tensors behind the first pointer fields of its struct."""
    if udl_tracing:
        record_four(id, args, t0, t1, t2, t3)
    return run_kernel(id, args, work)


cdef inline int run_kernel(int id, const void *args, Py_ssize_t work) except -1:
    cdef int status
    if udl_profiling:
        return run_profiled(id, args)
    if work > GIL_WORK:
        with nogil:
            status = udl_call(id, args)
    else:
        status = udl_call(id, args)
    if status != UDL_OK:
        status_error(id, status)
    return 0


cdef int check_unsigned(int op, int code) except -1:
    """What PyTorch has no kernel for with uint16, uint32 and uint64 is refused here too. The rest is right in int64, which wraps alike."""
    if op not in (UDL_MAP_copy, UDL_MAP_mul, UDL_MAP_eq, UDL_MAP_ne, UDL_MAP_bitwise_and, UDL_MAP_bitwise_or, UDL_MAP_bitwise_xor, UDL_MAP_where,
                  UDL_MAP_floor, UDL_MAP_ceil, UDL_MAP_round, UDL_MAP_trunc, UDL_MAP_isnan, UDL_MAP_isinf, UDL_MAP_isfinite):
        raise no_unsigned(op_name(op), code)
    return 0


cdef object no_unsigned(str op, int code):
    return UnsupportedError(f"{op}: not implemented for {DTYPES[code]}; convert first, with .to(udlfast.int64) for instance")


# kernels that move elements whatever they are
cdef tuple UNSIGNED = (UDL_K_index_select, UDL_K_gather, UDL_K_scatter, UDL_K_remap, UDL_K_index_add)

cdef union field:
    void *p
    int64_t i
    double d


def call(int id, tuple tensors, tuple ints=(), tuple floats=(), bint strided=False):
    """Run kernel `id` (a constant K_...) with its struct filled in order: tensors or None, integers, floats.
    strided: the integers tell the kernel the strides, so tensors need not be contiguous."""
    cdef field[MAX_FIELDS] f
    cdef Py_ssize_t n = 0, work = 0
    cdef const udl_kernel_info *info
    cdef Tensor t
    if id < 0 or id >= UDL_NKERNELS:
        raise ValueError(f"call: there is no kernel {id}")
    info = &udl_kernels[id]
    if info.n_out + info.n_in + info.n_int + info.n_float > MAX_FIELDS:
        raise ValueError(f"call: kernel {id} has more than {MAX_FIELDS} fields")
    if len(tensors) != info.n_out + info.n_in or len(ints) != info.n_int or len(floats) != info.n_float:
        raise TypeError(f"call: {(<bytes>info.name).decode()} takes {info.n_out + info.n_in} tensors, {info.n_int} "
                        f"integers, {info.n_float} floats; got {len(tensors)}, {len(ints)}, {len(floats)}")
    for o in tensors:
        if o is None:
            f[n].p = NULL
        else:
            t = <Tensor?>o
            if not (t.contig or strided):
                raise ValueError(f"call: {(<bytes>info.name).decode()} was given a tensor that is not contiguous")
            f[n].p = t.data_
            work += t.numel_ * ITEMSIZE[t.code]
            if wide_unsigned(t.code) and id not in UNSIGNED:
                raise no_unsigned((<bytes>info.name).decode(), t.code)
        n += 1
    for o in ints:
        f[n].i = o
        n += 1
    for o in floats:
        f[n].d = o
        n += 1
    if udl_tracing:
        record_call(id, &f[0], tensors)
    run_kernel(id, &f[0], work)


def _kernel_constants():
    """{"K_conv2d": 5, ...} from the registry."""
    return {"K_" + (<bytes>udl_kernels[i].name).decode(): i for i in range(UDL_NKERNELS)}


cdef extern from *:
    """
    static const char *const udl_map_names[] = {
    #define UDL_MAP(name, arity) #name,
    #include "elementwise.inc"
    #undef UDL_MAP
    };
    static const int udl_map_arity[] = {
    #define UDL_MAP(name, arity) arity,
    #include "elementwise.inc"
    #undef UDL_MAP
    };
    """
    const char *udl_map_names[1]
    const int udl_map_arity[1]


def _map_constants():
    """{"MAP_add": 50, ...} from elementwise.inc."""
    return {"MAP_" + (<bytes>udl_map_names[i]).decode(): i for i in range(UDL_MAP_COUNT)}
