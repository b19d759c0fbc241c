# integers.pxi - element-wise operations that some integers refuse.

cdef int check_unsigned(int op, int code) except -1:
    """What PyTorch has no kernel for with uint16, uint32 and uint64 is refused here too. The rest is right in int64, which wraps alike."""
    if op not in (UDL_MAP_copy, UDL_MAP_mul, UDL_MAP_eq, UDL_MAP_ne, UDL_MAP_bitwise_and, UDL_MAP_bitwise_or, UDL_MAP_bitwise_xor, UDL_MAP_where,
                  UDL_MAP_floor, UDL_MAP_ceil, UDL_MAP_round, UDL_MAP_trunc, UDL_MAP_isnan, UDL_MAP_isinf, UDL_MAP_isfinite):
        raise no_unsigned(op_name(op), code)
    return 0


cdef object no_unsigned(str op, int code):
    return UnsupportedError(f"{op}: not implemented for {DTYPES[code]}; convert first, with .to(udlfast.int64) for instance")


cdef int run_integer_division(udl_elementwise_args *s, Tensor out, Tensor a, Tensor b) except -1:
    """The kernel refuses a divisor of zero."""
    fill_dims(s, out, a, b, None)
    if udl_tracing and record_call(UDL_K_elementwise, s, (out, a, b, None)):
        return 0
    if udl_call(UDL_K_elementwise, s) != UDL_OK:
        raise DivisionError(f"{op_name(<int>s.op)}: an integer was divided by zero")
    return 0
