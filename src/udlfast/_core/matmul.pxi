# matmul.pxi - products of matrices, batches and vectors, and the linear layer with its bias in the epilogue.

cdef inline int wide_fields(Tensor out, Tensor a, Tensor b, Tensor bias) noexcept:
    """UDL_WIDE_*: what is float32 in a product of bfloat16 numbers."""
    return ((UDL_WIDE_A if a.code == UDL_F32 else 0) | (UDL_WIDE_B if b.code == UDL_F32 else 0)
            | (UDL_WIDE_OUT if out.code == UDL_F32 else 0) | (UDL_WIDE_BIAS if bias is not None and bias.code == UDL_F32 else 0))


cdef Tensor gemm(Tensor a, Tensor b, Tensor bias, int act, PackedWeight packed=None, int low=-1):
    """a[..., M, K] b[..., K, N] -> contiguous [..., M, N] with broadcast batches; a and b have at least 2 dimensions.
    Any strides; batches that cannot be walked with one stride are copied first.
    low: the type of the result of a product of bfloat16 numbers, whose float32 operands are rounded on the way; -1: all is of
    one type."""
    cdef udl_matmul_args s
    cdef Py_ssize_t shape[8]
    cdef Py_ssize_t M = a.shape_[a.ndim_ - 2], K = a.shape_[a.ndim_ - 1], N = b.shape_[b.ndim_ - 1]
    cdef int nd, i
    cdef Tensor out
    cdef Py_ssize_t batch = 1
    if a.code == UDL_F16:
        return cast(gemm(cast(a, UDL_F32), cast(b, UDL_F32), None if bias is None else cast(bias, UDL_F32), act), UDL_F16)
    nd = batch_shape(a, b, shape)
    for i in range(nd):
        batch *= shape[i]
    shape[nd], shape[nd + 1] = M, N
    out = empty_nd(a.code if low < 0 else low, nd + 2, shape)
    if out.numel_ == 0:
        return out
    a = one_batch_stride(a, nd, shape)
    b = one_batch_stride(b, nd, shape)
    s.out, s.a, s.b = out.data_, a.data_, b.data_
    s.bias = bias.data_ if bias is not None else NULL
    s.residual = NULL
    s.packed_b = packed.ptr if packed is not None else NULL
    s.dtype, s.batch, s.m, s.n, s.k = a.code if low < 0 else UDL_BF16, batch, M, N, K
    s.a_batch, s.b_batch = batch_stride(a, nd), batch_stride(b, nd)
    s.a_m, s.a_k = a.strides_[a.ndim_ - 2], a.strides_[a.ndim_ - 1]
    s.b_k, s.b_n = b.strides_[b.ndim_ - 2], b.strides_[b.ndim_ - 1]
    s.o_batch, s.ldo, s.act, s.bias_m = M * N, N, act, 0
    s.wide = 0 if low < 0 else wide_fields(out, a, b, bias)
    s.alpha, s.beta = 1.0, 0.0
    kcall(UDL_K_matmul, &s, out.numel_ * (K + 1), out, a, b, bias)
    return out


cdef int batch_shape(Tensor a, Tensor b, Py_ssize_t *shape) except -1:
    """The common shape of all dimensions but the last two."""
    cdef int na = a.ndim_ - 2, nb = b.ndim_ - 2, n = na if na > nb else nb, i
    cdef Py_ssize_t x, y
    if n > 6:
        raise ShapeError("matmul: at most 8 dimensions are supported")
    for i in range(n):
        x = a.shape_[i - n + na] if i >= n - na else 1
        y = b.shape_[i - n + nb] if i >= n - nb else 1
        if x != y and x != 1 and y != 1:
            raise ShapeError(f"matmul: batch shapes of {list(size_of(a))} and {list(size_of(b))} do not broadcast "
                             f"({x} against {y})")
        shape[i] = y if x == 1 else x
    return n


cdef Tensor one_batch_stride(Tensor t, int nd, const Py_ssize_t *shape):
    """t itself if its batch can be walked with one stride (0 for a broadcast batch), else a copy that can."""
    cdef int k = t.ndim_ - 2, i
    cdef bint single = True, full = k == nd
    cdef Py_ssize_t want = -1
    cdef Py_ssize_t whole[8]
    for i in range(k):
        if t.shape_[i] != 1:
            single = False
        if t.shape_[i] != shape[i + nd - k]:
            full = False
    if single:
        return t
    if full:
        for i in range(k - 1, -1, -1):
            if t.shape_[i] == 1:
                continue
            if want >= 0 and t.strides_[i] != want:
                full = False
                break
            want = t.strides_[i] * t.shape_[i]
        if full:
            return t
    for i in range(nd):
        whole[i] = shape[i]
    whole[nd], whole[nd + 1] = t.shape_[k], t.shape_[k + 1]
    cdef Tensor r = empty_nd(t.code, nd + 2, whole)
    copy_into(r, t)
    return r


cdef inline Py_ssize_t batch_stride(Tensor t, int nd) noexcept:
    cdef int i
    for i in range(t.ndim_ - 3, -1, -1):
        if t.shape_[i] != 1:
            return t.strides_[i]
    return 0


@cython.final
cdef class MatmulNode(Node):
    """A B: gA = g B^T, gB = A^T g; summed over broadcast batches."""
    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_, a = self.s0, b = self.s1, ga = None, gb = None
        cdef Tensor A, B, G
        cdef Py_ssize_t rows
        cdef int i
        check_saved(self)
        A = <Tensor>unsqueeze(a, 0) if a.ndim_ == 1 else a
        B = <Tensor>unsqueeze(b, 1) if b.ndim_ == 1 else b
        G = g
        if b.ndim_ == 1:
            G = <Tensor>unsqueeze(G, -1)
        if a.ndim_ == 1:
            G = <Tensor>unsqueeze(G, -2)
        if self.next_[0] is not None:
            ga = <Tensor>matmul(G, transpose(B, -2, -1))
            ga = <Tensor>sum_to_shape(ga, A.ndim_, A.shape_)
            if a.ndim_ == 1:
                ga = <Tensor>squeeze(ga, 0)
        if self.next_[1] is not None:
            if B.ndim_ == 2 and A.ndim_ > 2:
                rows = 1
                for i in range(A.ndim_ - 1):
                    rows *= A.shape_[i]
                A = <Tensor>reshape(A, (rows, B.shape_[0]))
                G = <Tensor>reshape(G, (rows, B.shape_[1]))
            gb = <Tensor>matmul(transpose(A, -2, -1), G)
            gb = <Tensor>sum_to_shape(gb, B.ndim_, B.shape_)
            if b.ndim_ == 1:
                gb = <Tensor>squeeze(gb, 1)
        return (ga, gb)


cpdef object matmul(input, other, out=None):
    """The matrix product; 1-d operands are vectors, leading dimensions are broadcast batches."""
    cdef Tensor a, b, A, B, y
    cdef MatmulNode n
    cdef Py_ssize_t shape[8]
    cdef int i, k
    if out is not None:
        return put_out(out, matmul(input, other))
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        if isinstance(input, Tensor) and hasattr(other, "__array__"):
            return matmul(input, slot("to_tensor")(other))
        if "ComplexTensor" in (type(input).__name__, type(other).__name__):
            return slot("complex_binary")("matmul", input, other)
        if "SparseTensor" in (type(input).__name__, type(other).__name__):
            return slot("sparse_binary")("matmul", input, other)
        raise TypeError(f"matmul: expected two Tensors, got {type(input).__name__} and {type(other).__name__}")
    a, b = <Tensor>input, <Tensor>other
    if a.ndim_ == 0 or b.ndim_ == 0:
        raise ShapeError(f"matmul: both operands need at least one dimension, got {list(size_of(a))} and {list(size_of(b))}; "
                         f"use * for scalars")
    if udl_autocast >= 0:
        a, b = lowered(a), lowered(b)
    if a.code != b.code:
        raise DTypeError(f"matmul: expected operands of one type, got {a.dtype} and {b.dtype}; convert one with .to()")
    k = b.ndim_ - 2 if b.ndim_ > 1 else 0
    if a.shape_[a.ndim_ - 1] != b.shape_[k]:
        raise ShapeError(f"matmul: inner sizes differ: {list(size_of(a))} @ {list(size_of(b))} needs "
                         f"{a.shape_[a.ndim_ - 1]} == {b.shape_[k]}")
    if a.code < UDL_F16:
        return slot("integer_matmul")(a, b)
    A = make_view(a, 2, [1, a.shape_[0]], [a.shape_[0], a.strides_[0]], 0) if a.ndim_ == 1 else a
    B = make_view(b, 2, [b.shape_[0], 1], [b.strides_[0], 1], 0) if b.ndim_ == 1 else b
    if B.ndim_ == 2 and A.ndim_ > 2:
        y = fold_rows(A, B)
    else:
        y = gemm(A, B, None, 0)
    if a.ndim_ == 1 or b.ndim_ == 1:
        k = 0
        for i in range(y.ndim_):
            if not (i == y.ndim_ - 2 and a.ndim_ == 1) and not (i == y.ndim_ - 1 and b.ndim_ == 1):
                shape[k] = y.shape_[i]
                k += 1
        y = reshape_raw(y, k, shape)
    if udl_recording and (wants(a) or wants(b)):
        n = MatmulNode.__new__(MatmulNode)
        init_node2(n, a, b)
        save0(n, a)
        save1(n, b)
        y.node = n
    return y


cdef Tensor reshape_raw(Tensor a, int nd, const Py_ssize_t *shape):
    """A contiguous tensor in another shape, no tape."""
    cdef Py_ssize_t strides[8]
    view_strides(a, nd, shape, strides)
    return make_view(a, nd, shape, strides, 0)


cdef Tensor rows(Tensor a):
    """a[..., K] as [M, K]: a view if the leading dimensions join, else a copy."""
    cdef Py_ssize_t shape[2]
    cdef Py_ssize_t strides[8]
    cdef int i
    shape[0], shape[1] = 1, a.shape_[a.ndim_ - 1]
    for i in range(a.ndim_ - 1):
        shape[0] *= a.shape_[i]
    if a.ndim_ == 2:
        return a
    if not view_strides(a, 2, shape, strides):
        a = clone_raw(a)
        view_strides(a, 2, shape, strides)
    return make_view(a, 2, shape, strides, 0)


cdef Tensor fold_rows(Tensor A, Tensor B):
    """A[..., M, K] B[K, N] as one product of [(... M), K]."""
    cdef Tensor out = gemm(rows(A), B, None, 0)
    cdef Py_ssize_t shape[8]
    cdef int i
    for i in range(A.ndim_ - 1):
        shape[i] = A.shape_[i]
    shape[A.ndim_ - 1] = B.shape_[1]
    return reshape_raw(out, A.ndim_, shape)


@cython.final
cdef class LinearNode(Node):
    """y = x W^T + b: gx = g W, gW = g^T x, gb = sum of the rows of g. op: -1, or the type of b if the product was one
    of bfloat16 numbers inside autocast: those of the gradients are so too, and come in the types of x, W and b."""
    cdef object run(self, object g_):
        cdef Tensor g = <Tensor>g_, x = self.s0, w = self.s1, G, gx = None, gw = None, gb = None
        cdef bint low = self.op >= 0
        check_saved(self)
        if udl_recording:
            return self.run_recorded(g)
        if g.ndim_ == 1:
            G = make_view(g, 2, [1, g.shape_[0]], [g.shape_[0], g.strides_[0]], 0)
        else:
            G = rows(g)
        if self.next_[0] is not None:
            gx = gemm(G, w, None, 0, None, x.code if low else -1)
            gx = reshape_raw(gx, x.ndim_, x.shape_)
        if self.next_[1] is not None:
            x = make_view(x, 2, [1, x.shape_[0]], [x.shape_[0], x.strides_[0]], 0) if x.ndim_ == 1 else rows(x)
            gw = gemm(make_view(G, 2, [G.shape_[1], G.shape_[0]], [G.strides_[1], G.strides_[0]], 0), x, None, 0, None,
                      w.code if low else -1)
        if self.n_in > 2 and self.next_[2] is not None:
            gb = <Tensor>reduce_dims(UDL_SUM, G, [0], False, self.op)
        return (gx, gw, gb)

    cdef object run_recorded(self, Tensor g):
        cdef Tensor x = self.s0, w = self.s1, G, X
        cdef int x_code = x.code, w_code = w.code
        if self.op >= 0:
            x, w, g = cast(x, UDL_BF16), cast(w, UDL_BF16), cast(g, UDL_BF16)
        G = <Tensor>reshape(g, (-1, w.shape_[0]))
        X = <Tensor>reshape(x, (-1, w.shape_[1]))
        return (cast(<Tensor>matmul(g, w), x_code) if self.next_[0] is not None else None,
                cast(<Tensor>matmul(transpose(G, 0, 1), X), w_code) if self.next_[1] is not None else None,
                sum(G if self.op < 0 else cast(G, self.op), 0) if self.n_in > 2 and self.next_[2] is not None else None)


cdef inline bint may_round(Tensor t) noexcept:
    return t.code == UDL_F32 or t.code == UDL_BF16


cpdef object linear(Tensor input, Tensor weight, Tensor bias=None):
    """y = input weight^T + bias over the last dimension.

    input [..., in_features], weight [out_features, in_features], bias [out_features] or None.
    """
    cdef Tensor out, x, wt
    cdef LinearNode n
    cdef Py_ssize_t shape[8]
    cdef int i
    cdef bint records
    cdef int low = -1
    if input is None or weight is None:
        raise TypeError("linear: expected input and weight to be Tensors, got None")
    if weight.ndim_ != 2:
        if weight.ndim_ == 1:
            out = <Tensor>matmul(input, weight)
            return out if bias is None else binary(UDL_MAP_add, out, bias)
        raise ShapeError(f"linear: expected weight [out_features, in_features], got shape {list(size_of(weight))}")
    if input.ndim_ == 0 or input.shape_[input.ndim_ - 1] != weight.shape_[1]:
        raise ShapeError(f"linear: expected input [..., {weight.shape_[1]}] for weight {list(size_of(weight))}, got input "
                         f"{list(size_of(input))}")
    if udl_autocast == UDL_BF16 and may_round(input) and may_round(weight) and (bias is None or may_round(bias)):
        low = UDL_BF16
    elif udl_autocast >= 0:
        input, weight, bias = lowered(input), lowered(weight), lowered(bias)
    if low < 0 and (input.code != weight.code or input.code < UDL_F16 or (bias is not None and bias.code != input.code)):
        raise DTypeError(f"linear: expected input, weight and bias of one floating type, got {input.dtype}, {weight.dtype}"
                         + (f", {bias.dtype}" if bias is not None else ""))
    if bias is not None and (bias.ndim_ != 1 or bias.shape_[0] != weight.shape_[0]):
        raise ShapeError(f"linear: expected bias [{weight.shape_[0]}], got {list(size_of(bias))}")
    x = make_view(input, 2, [1, input.shape_[0]], [input.shape_[0], input.strides_[0]], 0) if input.ndim_ == 1 else rows(input)
    wt = make_view(weight, 2, [weight.shape_[1], weight.shape_[0]], [weight.strides_[1], weight.strides_[0]], 0)
    records = udl_recording and (wants(input) or wants(weight) or wants(bias))
    out = gemm(x, wt, contiguous(bias) if bias is not None else None, 0,
               packed_weight(weight, x.shape_[0], weight.code if low < 0 else low) if not records else None, low)
    if input.ndim_ != 2:
        for i in range(input.ndim_ - 1):
            shape[i] = input.shape_[i]
        shape[input.ndim_ - 1] = weight.shape_[0]
        out = reshape_raw(out, input.ndim_, shape)
    if records:
        n = LinearNode.__new__(LinearNode)
        n.n_in, n.n_out = 2 if bias is None else 3, 1
        n.next_ = []
        link(n, 0, input)
        link(n, 1, weight)
        if bias is not None:
            link(n, 2, bias)
        save0(n, input)
        save1(n, weight)
        n.op = -1 if low < 0 else bias.code if bias is not None else low
        out.node = n
    return out


def matmul_into(Tensor a not None, Tensor b not None, Tensor out not None, Tensor bias=None, Tensor residual=None, int act=0,
                double alpha=1.0, double beta=0.0, bint bias_m=False, bint low=False):
    """The kernel alone with its whole epilogue, nothing recorded: out = act(alpha a b + beta out + bias) + residual, 2-d.
    low: a product of bfloat16 numbers, whose operands may be float32; residual has the type of out."""
    cdef udl_matmul_args s
    cdef int code = UDL_BF16 if low else a.code
    cdef PackedWeight packed = None
    if a.ndim_ != 2 or b.ndim_ != 2 or out.ndim_ != 2 or a.shape_[1] != b.shape_[0] or out.shape_[0] != a.shape_[0] \
            or out.shape_[1] != b.shape_[1] or (out.strides_[1] != 1 and out.shape_[1] > 1):
        raise ShapeError("matmul_into: expected a [M, K], b [K, N], out [M, N] with unit column stride")
    s.out, s.a, s.b = out.data_, a.data_, b.data_
    s.bias = bias.data_ if bias is not None else NULL
    s.residual = residual.data_ if residual is not None else NULL
    if b.strides_[0] == 1 and b.strides_[1] == b.shape_[0]:  # the weight of a linear layer, turned
        packed = packed_weight(make_view(b, 2, [b.shape_[1], b.shape_[0]], [b.shape_[0], 1], 0), a.shape_[0], code)
    s.packed_b = packed.ptr if packed is not None else NULL
    s.dtype, s.batch, s.m, s.n, s.k = code, 1, a.shape_[0], b.shape_[1], a.shape_[1]
    s.a_batch = s.b_batch = s.o_batch = 0
    s.a_m, s.a_k, s.b_k, s.b_n = a.strides_[0], a.strides_[1], b.strides_[0], b.strides_[1]
    s.ldo, s.act, s.bias_m, s.wide = out.strides_[0], act, bias_m, wide_fields(out, a, b, bias) if low else 0
    s.alpha, s.beta = alpha, beta
    if not udl_tracing or not record_call(UDL_K_matmul, &s, (out, a, b, bias, residual)):
        run_kernel(UDL_K_matmul, &s, out.numel_ * (a.shape_[1] + 1))
    out.storage.version += 1
    return out
