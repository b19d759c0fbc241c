# elementwise.pxi - out = f(a), f(a, b), f(a, b, c) with broadcasting, type promotion and gradient rules.

# what an operation gives: KEEP the promoted type, FLOAT at least floating, BOOLEAN
cdef enum:
    KEEP = 0
    FLOAT = 1
    BOOLEAN = 2

cdef char[256] KIND
cdef int[256] BACKWARD_OP     # fused gradient kernel of a unary operation, -1 if none
cdef char[256] SAVES_OUTPUT   # does that kernel want y rather than x?
cdef list RULES = [None] * 256


cdef void init_kinds() noexcept:
    cdef int op, back
    for op in range(256):
        KIND[op] = FLOAT
        BACKWARD_OP[op] = -1
        SAVES_OUTPUT[op] = 0
    for op in [UDL_MAP_copy, UDL_MAP_neg, UDL_MAP_abs, UDL_MAP_sign, UDL_MAP_square, UDL_MAP_floor, UDL_MAP_ceil,
               UDL_MAP_round, UDL_MAP_trunc, UDL_MAP_relu, UDL_MAP_clamp, UDL_MAP_bitwise_not, UDL_MAP_add, UDL_MAP_sub,
               UDL_MAP_mul, UDL_MAP_floor_divide, UDL_MAP_remainder, UDL_MAP_fmod, UDL_MAP_pow, UDL_MAP_maximum,
               UDL_MAP_minimum, UDL_MAP_bitwise_and, UDL_MAP_bitwise_or, UDL_MAP_bitwise_xor, UDL_MAP_lshift,
               UDL_MAP_rshift, UDL_MAP_rsub, UDL_MAP_rpow, UDL_MAP_where, UDL_MAP_add_scaled]:
        KIND[op] = KEEP
    for op in [UDL_MAP_isnan, UDL_MAP_isinf, UDL_MAP_isfinite, UDL_MAP_logical_not, UDL_MAP_eq, UDL_MAP_ne, UDL_MAP_lt,
               UDL_MAP_le, UDL_MAP_gt, UDL_MAP_ge, UDL_MAP_logical_and, UDL_MAP_logical_or, UDL_MAP_logical_xor]:
        KIND[op] = BOOLEAN
    for op in [UDL_MAP_relu, UDL_MAP_sigmoid, UDL_MAP_tanh, UDL_MAP_exp, UDL_MAP_sqrt]:
        SAVES_OUTPUT[op] = 1
    for op, back in [(UDL_MAP_relu, UDL_MAP_relu_backward), (UDL_MAP_sigmoid, UDL_MAP_sigmoid_backward),
                     (UDL_MAP_tanh, UDL_MAP_tanh_backward), (UDL_MAP_leaky_relu, UDL_MAP_leaky_relu_backward),
                     (UDL_MAP_gelu, UDL_MAP_gelu_backward), (UDL_MAP_gelu_tanh, UDL_MAP_gelu_tanh_backward),
                     (UDL_MAP_silu, UDL_MAP_silu_backward), (UDL_MAP_mish, UDL_MAP_mish_backward),
                     (UDL_MAP_softplus, UDL_MAP_softplus_backward), (UDL_MAP_elu, UDL_MAP_elu_backward),
                     (UDL_MAP_clamp, UDL_MAP_clamp_backward), (UDL_MAP_log_sigmoid, UDL_MAP_log_sigmoid_backward),
                     (UDL_MAP_hardswish, UDL_MAP_hardswish_backward), (UDL_MAP_hardsigmoid, UDL_MAP_hardsigmoid_backward),
                     (UDL_MAP_exp, UDL_MAP_mul), (UDL_MAP_log, UDL_MAP_div)]:
        BACKWARD_OP[op] = back


init_kinds()


cdef object rule_of(int op):
    """The rule of an operation; rules are in ops/elementwise.py and ops/rectifiers.py."""
    if RULES[op] is None:
        import udlfast.ops.elementwise
        import udlfast.ops.rectifiers
    return RULES[op]


def set_rule(int op, rule):
    """The gradient rule of element-wise operation `op` (MAP_...) in terms of differentiable operations:
    rule(g, x, y, p0, p1) for one input, rule(g, a, b, y) -> (ga, gb) for two."""
    RULES[op] = rule


cdef str op_name(int op):
    return (<bytes>udl_map_names[op]).decode()


# ---- the kernel call ------------------------------------------------------------------------------------------------
cdef int run_map(int op, Tensor out, Tensor a, Tensor b, Tensor c, int n_in, int compute, double p0, double p1) except -1:
    """Fill the struct and call. Inputs broadcast to the shape of `out`; an absent b or c is a scalar (p0, p1)."""
    cdef udl_elementwise_args s
    cdef int i, d, k, nd
    cdef Tensor t
    cdef bint flat = out.contig
    if out.numel_ == 0:
        return 0
    s.op, s.compute = op, compute
    s.out = out.data_
    s.dtype[0] = out.code
    s.p[0], s.p[1] = p0, p1
    s.inp[0] = a.data_
    s.dtype[1] = a.code
    s.inp[1] = s.inp[2] = NULL
    s.dtype[2] = s.dtype[3] = compute
    flat = flat and a.contig and same_shape(a, out)
    if b is not None:
        s.inp[1] = b.data_
        s.dtype[2] = b.code
        flat = flat and b.contig and same_shape(b, out)
    if c is not None:
        s.inp[2] = c.data_
        s.dtype[3] = c.code
        flat = flat and c.contig and same_shape(c, out)
    if compute == UDL_I64:
        if wide_unsigned(a.code) or wide_unsigned(out.code) or (b is not None and wide_unsigned(b.code)):
            check_unsigned(op, a.code if wide_unsigned(a.code) else out.code)
        if op == UDL_MAP_floor_divide or op == UDL_MAP_remainder or op == UDL_MAP_fmod:
            return run_integer_division(&s, out, a, b)
    if flat:
        s.ndim = 1
        s.shape[0] = out.numel_
        s.strides[0][0] = s.strides[1][0] = s.strides[2][0] = s.strides[3][0] = 1
        return kcall(UDL_K_elementwise, &s, out.numel_ * 8, out, a, b, c)
    fill_dims(&s, out, a, b, c)
    return kcall(UDL_K_elementwise, &s, out.numel_ * 8, out, a, b, c)


cdef inline void fill_strides(udl_elementwise_args *s, int k, Tensor t, Tensor out) noexcept:
    """Strides of operand k, aligned at the last dimension; 0 where it is broadcast or absent."""
    cdef int d, shift
    if t is None:
        for d in range(out.ndim_):
            s.strides[k][d] = 0
        return
    shift = out.ndim_ - t.ndim_
    for d in range(out.ndim_):
        s.strides[k][d] = 0 if d < shift or t.shape_[d - shift] == 1 else t.strides_[d - shift]


cdef void fill_dims(udl_elementwise_args *s, Tensor out, Tensor a, Tensor b, Tensor c) noexcept:
    """Dimensions of the loop, with neighbours merged where every operand runs on without a jump."""
    cdef int d, k, n = 0
    cdef bint join
    fill_strides(s, 0, out, out)
    fill_strides(s, 1, a, out)
    fill_strides(s, 2, b, out)
    fill_strides(s, 3, c, out)
    for d in range(out.ndim_):
        if out.shape_[d] == 1:
            continue
        join = n > 0
        if join:
            for k in range(4):
                if s.strides[k][n - 1] != s.strides[k][d] * out.shape_[d]:
                    join = False
                    break
        if join:
            s.shape[n - 1] *= out.shape_[d]
        else:
            s.shape[n] = out.shape_[d]
            n += 1
        for k in range(4):
            s.strides[k][n - 1] = s.strides[k][d]
    if n == 0:
        n = 1
        s.shape[0] = 1
        for k in range(4):
            s.strides[k][0] = 1
    s.ndim = n


cdef int broadcast_shape(str op, Tensor a, Tensor b, Py_ssize_t *shape) except -1:
    """The common shape; returns its number of dimensions."""
    cdef int n = a.ndim_ if a.ndim_ > b.ndim_ else b.ndim_, i
    cdef Py_ssize_t x, y
    for i in range(n):
        x = a.shape_[i - n + a.ndim_] if i >= n - a.ndim_ else 1
        y = b.shape_[i - n + b.ndim_] if i >= n - b.ndim_ else 1
        if x != y and x != 1 and y != 1:
            raise ShapeError(f"{op}: shapes {list(size_of(a))} and {list(size_of(b))} do not broadcast: in dimension {i} "
                             f"sizes {x} and {y} differ and neither is 1; reshape or expand one of them")
        shape[i] = y if x == 1 else x
    return n


cdef inline int result_code(int op, int code) noexcept:
    if KIND[op] == BOOLEAN:
        return UDL_BOOL
    if KIND[op] == FLOAT and code < UDL_F16:
        return DEFAULT_FLOAT
    return code


cdef inline int compute_for(int op, int code) noexcept:
    """Comparisons compute in the type of their inputs, float functions of integers in the result's."""
    return compute_type(result_code(op, code) if KIND[op] != BOOLEAN else code)


# ---- nodes ----------------------------------------------------------------------------------------------------------------
@cython.final
cdef class UnaryNode(Node):
    """gx = g f'(x), by one fused kernel; through RULES when the gradient itself is recorded."""
    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_, x, y
        cdef int op = self.op, bop = BACKWARD_OP[op]
        cdef Tensor r
        check_saved(self)
        if op == UDL_MAP_neg:
            return unary(UDL_MAP_neg, g, 0.0, 0.0)
        if bop >= 0 and not udl_recording:
            r = empty_like_c(g, g.code)
            run_map(bop, r, g, self.s0, None, 2, compute_type(g.code), self.p0, self.p1)
            return r
        rule = rule_of(op)
        if rule is None:
            raise ArgumentError(f"backward: {op_name(op)} has no gradient rule for create_graph=True")
        if SAVES_OUTPUT[op]:
            y = with_node(self.s0, self) if udl_recording else self.s0
            return rule(g, None, y, self.p0, self.p1)
        return rule(g, self.s0, None, self.p0, self.p1)

    def name(self):
        return op_name(self.op).title().replace("_", "") + "Backward"


@cython.final
cdef class ScalarNode(Node):
    """f(a, s) with a Python number s (p0)."""
    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_
        cdef int op = self.op
        if op == UDL_MAP_add or op == UDL_MAP_sub:
            return g
        if op == UDL_MAP_rsub:
            return unary(UDL_MAP_neg, g, 0.0, 0.0)
        if op == UDL_MAP_mul:
            return binary(UDL_MAP_mul, g, self.p0)
        if op == UDL_MAP_div:
            return binary(UDL_MAP_div, g, self.p0)
        check_saved(self)
        if op == UDL_MAP_pow:
            if self.p0 == 2:
                return binary(UDL_MAP_mul, g, binary(UDL_MAP_mul, self.s0, 2.0))
            if self.p0 == 0:
                return binary(UDL_MAP_mul, g, 0.0)
            return binary(UDL_MAP_mul, g, binary(UDL_MAP_mul, binary(UDL_MAP_pow, self.s0, self.p0 - 1.0), self.p0))
        rule = rule_of(op)
        if rule is None:
            raise ArgumentError(f"backward: {op_name(op)} is not differentiable")
        return rule(g, self.s0, self.p0, None)[0]

    def name(self):
        return op_name(self.op).title().replace("_", "") + "Backward"


@cython.final
cdef class BinaryNode(Node):
    """f(a, b); shapes of broadcast inputs are kept so that their gradients can be summed."""
    cdef int nd[2]                   # -1: not broadcast
    cdef Py_ssize_t dims[2][8]

    cdef Tensor fit(self, Tensor g, int i):
        if self.nd[i] < 0:
            return g
        return sum_to_shape(g, self.nd[i], self.dims[i])

    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_, ga = None, gb = None
        cdef int op = self.op
        cdef bint na = self.next_[0] is not None, nb = self.next_[1] is not None
        if op == UDL_MAP_add:
            ga, gb = g, g
        elif op == UDL_MAP_sub:
            ga = g
            if nb:
                gb = <Tensor>unary(UDL_MAP_neg, g, 0.0, 0.0)
        else:
            check_saved(self)
            if op == UDL_MAP_mul:
                if na:
                    ga = <Tensor>binary(UDL_MAP_mul, g, self.s1)
                if nb:
                    gb = <Tensor>binary(UDL_MAP_mul, g, self.s0)
            elif op == UDL_MAP_div:
                ga = <Tensor>binary(UDL_MAP_div, g, self.s1)
                if nb:
                    gb = <Tensor>unary(UDL_MAP_neg, <Tensor>binary(UDL_MAP_mul, ga, <Tensor>binary(
                        UDL_MAP_div, self.s0, self.s1)), 0.0, 0.0)
            else:
                rule = rule_of(op)
                if rule is None:
                    raise ArgumentError(f"backward: {op_name(op)} is not differentiable")
                both = rule(g, self.s0, self.s1, None)
                ga, gb = <Tensor>both[0], <Tensor>both[1]
        return (self.fit(ga, 0) if na and ga is not None else None, self.fit(gb, 1) if nb and gb is not None else None)

    def name(self):
        return op_name(self.op).title().replace("_", "") + "Backward"


@cython.final
cdef class CastNode(Node):
    """Conversion between floating types; the gradient is converted back. op is the input's type."""
    cdef object run(self, object g):
        return cast(<Tensor>g, self.op)


cdef inline Tensor own_type(Tensor t, int code):
    """A differentiable input in the result's type, so that gradients come back in their own types."""
    if t.code == code or t.code < UDL_F16:
        return t
    return cast(t, code)


# ---- public: one input ------------------------------------------------------------------------------------------------------
cpdef object unary(int op, object input, double p0=0.0, double p1=0.0):
    """Element-wise operation `op` (MAP_...) of one tensor, recorded on the tape."""
    cdef Tensor a, out
    cdef UnaryNode n
    cdef int code
    if not isinstance(input, Tensor):
        if type(input).__name__ == "ComplexTensor" and hasattr(input, op_name(op)):
            return getattr(input, op_name(op))()
        raise DTypeError(f"{op_name(op)}: expected input to be a Tensor, got {type(input).__name__}; wrap it with tensor()")
    a = <Tensor>input
    if a.code == UDL_BOOL:
        if op == UDL_MAP_neg or op == UDL_MAP_square or op == UDL_MAP_abs:
            raise DTypeError(f"{op_name(op)}: not defined for bool tensors; use logical_not or convert with .int()")
        if op == UDL_MAP_bitwise_not:
            op = UDL_MAP_logical_not
    code = result_code(op, a.code)
    if op == UDL_MAP_bitwise_not and a.code >= UDL_F16:
        raise UnsupportedError(f"bitwise_not: expected an integer or bool tensor, got {a.dtype}")
    out = empty_like_c(a, code)
    run_map(op, out, a, None, None, 1, compute_for(op, a.code), p0, p1)
    if udl_recording and code >= UDL_F16 and wants(a):
        if op == UDL_MAP_sign or op == UDL_MAP_floor or op == UDL_MAP_ceil or op == UDL_MAP_round or op == UDL_MAP_trunc:
            p0 = 0.0
        n = UnaryNode.__new__(UnaryNode)
        init_node1(n, a)
        n.op, n.p0, n.p1 = op, p0, p1
        save0(n, alias(out) if SAVES_OUTPUT[op] else a)
        out.node = n
    return out


# ---- public: two inputs -----------------------------------------------------------------------------------------------------
cdef object scalar_op(int op, Tensor a, object other):
    """f(a, number)"""
    cdef Tensor out
    cdef ScalarNode n
    cdef double s
    cdef int code
    if isinstance(other, bool) and a.code == UDL_BOOL or (not isinstance(other, float) and abs(other) > 9007199254740992):
        return tensor_op(op, a, scalar_tensor_exact(other, scalar_type(a.code, other)))
    s = other
    code = scalar_type(a.code, other)
    check_bool_arith(op, a.code, UDL_BOOL if type(other) is bool else UDL_F64)
    if op == UDL_MAP_pow and code < UDL_F16 and s < 0:
        raise ArgumentError("pow: integers to negative integer powers are not allowed; convert to floating point first")
    if (op == UDL_MAP_bitwise_and or op == UDL_MAP_bitwise_or or op == UDL_MAP_bitwise_xor) and code >= UDL_F16:
        raise UnsupportedError(f"{op_name(op)}: expected integers or bools, got {DTYPES[code]}")
    out = empty_like_c(a, result_code(op, code))
    run_map(op, out, a, None, None, 2, compute_for(op, code), s, 0.0)
    if udl_recording and out.code >= UDL_F16 and wants(a):
        n = ScalarNode.__new__(ScalarNode)
        init_node1(n, a)
        n.op, n.p0 = op, s
        if op != UDL_MAP_add and op != UDL_MAP_mul and op != UDL_MAP_sub and op != UDL_MAP_div and op != UDL_MAP_rsub:
            save0(n, a)
        out.node = n
    return out


cdef inline int check_bool_arith(int op, int a, int b) except -1:
    """bool has no difference, and two bools no quotient or power."""
    if a != UDL_BOOL and b != UDL_BOOL:
        return 0
    if op == UDL_MAP_sub or op == UDL_MAP_rsub:
        raise DTypeError("sub: subtraction is not defined for bool tensors; use ^ (logical_xor) or convert with .int()")
    if a == b and (op == UDL_MAP_floor_divide or op == UDL_MAP_remainder or op == UDL_MAP_fmod or op == UDL_MAP_pow):
        raise DTypeError(f"{op_name(op)}: not defined for bool tensors; convert with .int()")
    return 0


cdef object tensor_op(int op, Tensor a, Tensor b):
    """f(a, b), both tensors"""
    cdef Tensor out, big
    cdef BinaryNode n
    cdef int code, nd, i
    cdef Py_ssize_t shape[8]
    code = promote(a, b)
    if same_shape(a, b):
        out = empty_like_c(a, result_code(op, code))
    else:
        nd = broadcast_shape(op_name(op), a, b, shape)
        out = empty_nd(result_code(op, code), nd, shape)
    check_bool_arith(op, a.code, b.code)
    if (op == UDL_MAP_bitwise_and or op == UDL_MAP_bitwise_or or op == UDL_MAP_bitwise_xor or op == UDL_MAP_lshift
            or op == UDL_MAP_rshift) and code >= UDL_F16:
        raise UnsupportedError(f"{op_name(op)}: expected integers or bools, got {a.dtype} and {b.dtype}")
    run_map(op, out, a, b, None, 2, compute_for(op, code), 0.0, 0.0)
    if udl_recording and out.code >= UDL_F16 and (wants(a) or wants(b)):
        a, b = own_type(a, out.code), own_type(b, out.code)
        n = BinaryNode.__new__(BinaryNode)
        init_node2(n, a, b)
        n.op = op
        n.nd[0] = keep_shape(a, out, n.dims[0])
        n.nd[1] = keep_shape(b, out, n.dims[1])
        if op == UDL_MAP_mul:
            if n.next_[1] is not None:
                save0(n, a)
            if n.next_[0] is not None:
                save1(n, b)
        elif op != UDL_MAP_add and op != UDL_MAP_sub:
            save0(n, a)
            save1(n, b)
        out.node = n
    return out


cdef inline int keep_shape(Tensor t, Tensor out, Py_ssize_t *dims) noexcept:
    cdef int i
    if same_shape(t, out):
        return -1
    for i in range(t.ndim_):
        dims[i] = t.shape_[i]
    return t.ndim_


cdef inline bint is_number(object x) noexcept:
    return type(x) is float or type(x) is int or isinstance(x, (int, float))


cpdef object binary(int op, object a, object b):
    """Element-wise operation `op` (MAP_...) of two tensors, or a tensor and a number, recorded on the tape."""
    if isinstance(a, Tensor):
        if isinstance(b, Tensor):
            if op == UDL_MAP_rsub:
                return tensor_op(UDL_MAP_sub, <Tensor>b, <Tensor>a)
            if op == UDL_MAP_rdiv:
                return tensor_op(UDL_MAP_div, <Tensor>b, <Tensor>a)
            if op == UDL_MAP_rpow:
                return tensor_op(UDL_MAP_pow, <Tensor>b, <Tensor>a)
            return tensor_op(op, <Tensor>a, <Tensor>b)
        if is_number(b):
            return scalar_op(op, <Tensor>a, b)
        if hasattr(b, "__array__"):
            return binary(op, a, slot("to_tensor")(b))
        return NotImplemented
    if type(a).__name__ == "ComplexTensor":
        return slot("complex_binary")(op_name(op), a, b)
    if type(a).__name__ == "SparseTensor":
        return slot("sparse_binary")(op_name(op), a, b)
    if isinstance(b, Tensor):
        return binary(op, as_tensor_like(a, <Tensor>b), b)
    raise TypeError(f"{op_name(op)}: expected a Tensor, got {type(a).__name__} and {type(b).__name__}")


cdef object compare(int op, Tensor a, object b):
    if isinstance(b, Tensor):
        return tensor_op(op, a, <Tensor>b)
    if is_number(b):
        return scalar_op(op, a, b)
    if hasattr(b, "__array__"):
        other = slot("to_tensor")(b)
        if isinstance(other, Tensor):
            return tensor_op(op, a, <Tensor>other)
        import operator
        return getattr(operator, op_name(op))(a, other)         # complex numbers
    return NotImplemented


def binary_function(int op, a, b):
    """binary, but what does not fit raises instead of giving NotImplemented (for functions rather than operators)."""
    r = binary(op, a, b)
    if r is NotImplemented:
        if type(b).__name__ == "ComplexTensor":
            return slot("complex_binary")(op_name(op), a, b)
        if type(b).__name__ == "SparseTensor":
            return slot("sparse_binary")(op_name(op), a, b)
        raise TypeError(f"{op_name(op)}: expected Tensors or numbers, got {type(a).__name__} and {type(b).__name__}")
    return r


def add(input, other, old=None, *, alpha=1, out=None):
    """input + alpha other, element by element."""
    if old is not None:
        other, alpha = old, other
    if out is not None:
        return put_out(out, add(input, other, alpha=alpha))
    if type(alpha) is int and alpha == 1:
        return binary_function(UDL_MAP_add, input, other)
    if type(other) is Tensor and type(input) is Tensor and (<Tensor>input).code == (<Tensor>other).code >= UDL_F16 \
            and not (udl_recording and (wants(<Tensor>input) or wants(<Tensor>other))):
        return ew2(UDL_MAP_add_scaled, <Tensor>input, <Tensor>other, 0.0, alpha)
    return binary_function(UDL_MAP_add, input, other * alpha)


def sub(input, other, old=None, *, alpha=1, out=None):
    """input - alpha other, element by element."""
    if old is not None:
        other, alpha = old, other
    if out is not None:
        return put_out(out, sub(input, other, alpha=alpha))
    if type(alpha) is int and alpha == 1:
        return binary_function(UDL_MAP_sub, input, other)
    return binary_function(UDL_MAP_sub, input, other * alpha)


def div(input, other, *, rounding_mode=None, out=None):
    """input / other; rounding_mode None (true division), "floor" or "trunc"."""
    if out is not None:
        return put_out(out, div(input, other, rounding_mode=rounding_mode))
    if rounding_mode is None:
        return binary_function(UDL_MAP_div, input, other)
    if rounding_mode == "floor":
        return binary_function(UDL_MAP_floor_divide, input, other)
    if rounding_mode == "trunc":
        r = unary(UDL_MAP_trunc, binary_function(UDL_MAP_div, input, other), 0.0, 0.0)
        t = promote_types((<Tensor>input).dtype, (<Tensor>other).dtype) if isinstance(other, Tensor) else \
            DTYPES[scalar_type((<Tensor>input).code, other)]
        return cast(<Tensor>r, (<dtype>t).code)
    raise ArgumentError(f"div: expected rounding_mode None, 'floor' or 'trunc', got {rounding_mode!r}")


# ---- raw calls for gradient rules written in Python ------------------------------------------------------------------------------
def ew1(int op, Tensor a not None, double p0=0.0, double p1=0.0):
    """The kernel alone, nothing recorded: f(a)."""
    cdef Tensor out = empty_like_c(a, result_code(op, a.code))
    run_map(op, out, a, None, None, 1, compute_for(op, a.code), p0, p1)
    return out


def ew2(int op, Tensor a not None, Tensor b not None, double p0=0.0, double p1=0.0):
    """The kernel alone, nothing recorded: f(a, b)."""
    cdef Py_ssize_t shape[8]
    cdef int code = promote(a, b)
    cdef Tensor out = empty_nd(result_code(op, code), broadcast_shape(op_name(op), a, b, shape), shape)
    run_map(op, out, a, b, None, 2, compute_for(op, code), p0, p1)
    return out


def ew3(int op, Tensor a not None, b, c, double p0=0.0, double p1=0.0):
    """The kernel alone, nothing recorded: f(a, b, c); b or c may be None for the scalars p1, p0."""
    cdef Py_ssize_t shape[8]
    cdef int code, nd = a.ndim_, i
    cdef Tensor t, out
    cdef int first = UDL_BOOL if op == UDL_MAP_where else a.code
    code = first
    for i in range(nd):
        shape[i] = a.shape_[i]
    out = a
    for o in (b, c):
        if o is not None:
            t = <Tensor?>o
            code = t.code if code == UDL_BOOL and op == UDL_MAP_where else wider(code, t.code)
            nd = broadcast_shape(op_name(op), out, t, shape)
            out = shape_only(nd, shape)
    out = empty_nd(result_code(op, code), nd, shape)
    run_map(op, out, a, <Tensor>b, <Tensor>c, 3, compute_type(out.code), p0, p1)
    return out


cdef Tensor shape_only(int nd, Py_ssize_t *shape):
    cdef Tensor t = Tensor.__new__(Tensor)
    cdef int i
    t.ndim_ = nd
    for i in range(nd):
        t.shape_[i] = shape[i]
    return t


# ---- in place -----------------------------------------------------------------------------------------------------------------------
cdef inline int add_into(Tensor a, Tensor b) except -1:
    """a += b on the memory alone."""
    return run_map(UDL_MAP_add, a, a, b, None, 2, compute_type(a.code), 0.0, 0.0)


cdef int check_inplace(Tensor self, int code, str op) except -1:
    if category(code) > category(self.code):
        raise DTypeError(f"{op}: a result of type {DTYPES[code]} cannot be stored in a tensor of type {self.dtype}")
    return 0


cdef object binary_(int op, Tensor self, object other):
    """self = f(self, other) in place."""
    cdef Tensor b = None, tmp
    cdef int code
    cdef double s = 0.0
    cdef Py_ssize_t shape[8]
    if isinstance(other, Tensor):
        b = <Tensor>other
        code = result_code(op, promote(self, b))
    elif is_number(other):
        code = result_code(op, scalar_type(self.code, other))
        if not isinstance(other, float) and abs(other) > 9007199254740992:
            b = scalar_tensor_exact(other, UDL_I64)
        else:
            s = other
    elif hasattr(other, "__array__"):
        return binary_(op, self, slot("to_tensor")(other))
    elif type(other).__name__ == "ComplexTensor":
        raise DTypeError(f"{op_name(op)}_: complex numbers do not fit into {self.dtype}")
    else:
        return NotImplemented
    check_inplace(self, code, op_name(op) + "_")
    check_bool_arith(op, self.code, b.code if b is not None else (UDL_BOOL if type(other) is bool else UDL_F64))
    if udl_recording and (wants(self) or wants(b)):
        tmp = clone_raw(self)
        tmp.node, tmp.out_idx = edge_of(self), self.out_idx
        if self.node is None:
            check_leaf(self, op_name(op) + "_")
            tmp.node = None
        return assign(self, <Tensor>binary(op, tmp, other), op_name(op) + "_")
    if b is not None and not same_shape(self, b):
        if broadcast_shape(op_name(op) + "_", self, b, shape) != self.ndim_ or not shape_is(self, shape):
            raise ShapeError(f"{op_name(op)}_: a result of the broadcast shape does not fit into {list(size_of(self))} "
                             f"(other has shape {list(size_of(b))})")
    check_overlap(self, op_name(op) + "_")
    if b is not None and b.storage is self.storage and (b.data_ != self.data_ or not same_geometry(self, b)):
        b = clone_raw(b)
    run_map(op, self, self, b, None, 2, compute_for(op, code), s, 0.0)
    self.storage.version += 1
    return self


cdef object binary_method(int op, Tensor self, object other):
    """binary_ as a method: what does not fit raises."""
    r = binary_(op, self, other)
    if r is NotImplemented:
        raise TypeError(f"{op_name(op)}_: expected a Tensor or a number, got {type(other).__name__}")
    return r


cdef inline bint same_geometry(Tensor a, Tensor b) noexcept:
    cdef int i
    if not same_shape(a, b):
        return False
    for i in range(a.ndim_):
        if a.strides_[i] != b.strides_[i] and a.shape_[i] > 1:
            return False
    return True


cdef inline bint shape_is(Tensor a, Py_ssize_t *shape) noexcept:
    cdef int i
    for i in range(a.ndim_):
        if a.shape_[i] != shape[i]:
            return False
    return True


cdef inline int check_overlap(Tensor t, str op) except -1:
    """A broadcast view has several elements in one place: writing to it would be undefined."""
    cdef int i
    if t.contig:
        return 0
    for i in range(t.ndim_):
        if t.strides_[i] == 0 and t.shape_[i] > 1:
            raise ArgumentError(f"{op}: several elements of this tensor share memory (it was expanded); clone it first")
    return 0


cdef int check_leaf(Tensor self, str op) except -1:
    if self.many:
        raise ArgumentError(f"{op}: this tensor is one of several views that one operation (unbind, split, chunk, iteration) gave; such "
                            f"an output cannot be modified in place while operations are recorded: use the out-of-place "
                            f"operation, or select, narrow or an index to get the view")
    if self.rg or (self.base is not None and self.base.node is None and self.base.rg):
        raise ArgumentError(f"{op}: a leaf tensor that requires a gradient (or a view of one) cannot be modified in place "
                            f"while operations are recorded; use no_grad() or work on a clone")
    return 0


cpdef Tensor cast(Tensor a, int code):
    """The same values as another type (the tensor itself if it has that type)."""
    cdef Tensor out
    cdef CastNode n
    if a.code == code:
        return a
    out = empty_like_c(a, code)
    copy_into(out, a)
    if udl_recording and code >= UDL_F16 and a.code >= UDL_F16 and wants(a):
        n = CastNode.__new__(CastNode)
        init_node1(n, a)
        n.op = a.code
        out.node = n
    return out


cdef int copy_into(Tensor out, Tensor a) except -1:
    """out = a with broadcasting and conversion, on the memory alone."""
    cdef int compute = compute_type(out.code if out.code > a.code else a.code)
    return run_map(UDL_MAP_copy, out, a, None, None, 1, compute, 0.0, 0.0)


cdef inline Tensor clone_raw(Tensor a):
    cdef Tensor out = empty_like_c(a, a.code)
    if a.contig and a.storage.device <= 0:
        if a.numel_ * ITEMSIZE[a.code] < 65536:
            if udl_tracing:
                host_wrote(out.storage)
                out.storage.device = a.storage.device
                record_bytes(UDL_PLAN_COPY, out, a, a.numel_ * ITEMSIZE[a.code])
            memcpy(out.data_, a.data_, a.numel_ * ITEMSIZE[a.code])
            return out
    copy_into(out, a)
    return out


cpdef Tensor copy_(Tensor self, source):
    """self = source in place, with broadcasting and conversion of types."""
    cdef Tensor s
    cdef Py_ssize_t shape[8]
    s = <Tensor>source if isinstance(source, Tensor) else as_tensor_like(source, self)
    if not same_shape(self, s):
        if broadcast_shape("copy_", self, s, shape) != self.ndim_ or not shape_is(self, shape):
            raise ShapeError(f"copy_: a source of shape {list(size_of(s))} does not broadcast to {list(size_of(self))}")
    if udl_recording and (wants(self) or wants(s)):
        return assign(self, expand(cast(s, self.code), (size_of(self),)), "copy_")
    check_overlap(self, "copy_")
    if s.storage.device > 0 and s.storage.device != self.storage.device and not (self.storage.device < 0 and self.storage.blank):
        s = move_to_host(s)
    if self.storage.device > 0 and s.storage.device == 0:
        s = move_to_device(s, self.storage.device)
    if s.storage is self.storage and not (s.data_ == self.data_ and same_geometry(s, self)):
        s = clone_raw(s)
    copy_into(self, s)
    self.storage.version += 1
    return self


def unary_into(int op, Tensor self not None, double p0, double p1, str name):
    """self = f(self) in self's own memory. On the tape this needs an f whose gradient follows from its result (SAVES_OUTPUT,
    or leaky_relu with a slope above 0): the tape keeps that memory itself, nothing is copied and nothing more is kept. False
    where it cannot be (a view, integers); the caller then goes the general way."""
    cdef UnaryNode n
    if not self.contig or self.code < UDL_F16:
        return False
    if not udl_recording or not wants(self):
        run_map(op, self, self, None, None, 1, compute_for(op, self.code), p0, p1)
        self.storage.version += 1
        return True
    check_leaf(self, name)
    if self.base is not None or not (SAVES_OUTPUT[op] or (op == UDL_MAP_leaky_relu and p0 > 0)):
        return False
    n = UnaryNode.__new__(UnaryNode)
    init_node1(n, self)
    run_map(op, self, self, None, None, 1, compute_for(op, self.code), p0, p1)
    self.storage.version += 1
    n.op, n.p0, n.p1 = op, p0, p1
    save0(n, alias(self))
    self.node, self.out_idx = n, 0
    self.tape_version += 1
    return True


def snapshot(Tensor self not None, str op, tuple others=()):
    """What an in-place operation reads: self, or, if the operation is recorded, a copy of its values with its history, so
    that writing the result does not touch what the gradient rule saved."""
    cdef Tensor tmp
    cdef bint any_ = wants(self)
    for o in others:
        any_ = any_ or (isinstance(o, Tensor) and wants(<Tensor>o))
    if not udl_recording or not any_:
        return self
    check_leaf(self, op)
    tmp = clone_raw(self)
    tmp.node, tmp.out_idx = edge_of(self), self.out_idx
    return tmp


cpdef Tensor assign(Tensor self, Tensor r, str op):
    """Put r's values into self and r's history behind it: every recorded in-place operation ends here."""
    if not same_shape(self, r):
        raise ShapeError(f"{op}: a result of shape {list(size_of(r))} does not fit into {list(size_of(self))}")
    if udl_recording and (wants(self) or wants(r)):
        check_leaf(self, op)
        if self.code < UDL_F16:
            raise DTypeError(f"{op}: a value that requires a gradient cannot be stored in a tensor of type {self.dtype}")
        check_overlap(self, op)
        copy_into(self, r)
        self.storage.version += 1
        rebase(self, cast(r, self.code))
        return self
    check_inplace(self, r.code, op)
    check_overlap(self, op)
    copy_into(self, r)
    self.storage.version += 1
    return self
