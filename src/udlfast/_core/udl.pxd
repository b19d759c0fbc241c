# udl.pxd - what the bindings see of csrc/udlfast.h.
from libc.stdint cimport int64_t, uint64_t, uint32_t

cdef extern from "udlfast.h" nogil:
    enum:
        UDL_OK, UDL_ENOMEM, UDL_EINVAL, UDL_EINDEX, UDL_EISA
        UDL_BOOL, UDL_U8, UDL_I8, UDL_I16, UDL_I32, UDL_I64, UDL_U16, UDL_U32, UDL_U64, UDL_F16, UDL_BF16, UDL_F32, UDL_F64, UDL_NDTYPES
        UDL_MAXDIM, UDL_NKERNELS, UDL_MAP_COUNT
        UDL_SUM, UDL_PROD, UDL_MAX, UDL_MIN, UDL_ARGMAX, UDL_ARGMIN, UDL_ANY, UDL_ALL, UDL_LOGSUMEXP, UDL_NORM2
        UDL_K_elementwise, UDL_K_index_select, UDL_K_gather, UDL_K_scatter, UDL_K_remap, UDL_K_index_add
        UDL_K_reduce, UDL_K_matmul, UDL_K_random, UDL_K_var_mean, UDL_K_batch_norm, UDL_K_dropout, UDL_K_conv2d_filters
        UDL_K_attention, UDL_K_attention_backward, UDL_PLAN_COPY, UDL_PLAN_FILL
        UDL_MAP_copy, UDL_MAP_neg, UDL_MAP_abs, UDL_MAP_sign, UDL_MAP_square, UDL_MAP_floor, UDL_MAP_ceil, UDL_MAP_round
        UDL_MAP_trunc, UDL_MAP_relu, UDL_MAP_clamp, UDL_MAP_isnan, UDL_MAP_isinf, UDL_MAP_isfinite
        UDL_MAP_logical_not, UDL_MAP_bitwise_not, UDL_MAP_exp, UDL_MAP_log, UDL_MAP_sqrt, UDL_MAP_sigmoid, UDL_MAP_tanh
        UDL_MAP_gelu, UDL_MAP_gelu_tanh, UDL_MAP_silu, UDL_MAP_mish, UDL_MAP_softplus, UDL_MAP_elu, UDL_MAP_leaky_relu
        UDL_MAP_log_sigmoid, UDL_MAP_reciprocal, UDL_MAP_rsqrt
        UDL_MAP_add, UDL_MAP_sub, UDL_MAP_mul, UDL_MAP_div, UDL_MAP_floor_divide, UDL_MAP_remainder, UDL_MAP_fmod
        UDL_MAP_pow, UDL_MAP_maximum, UDL_MAP_minimum, UDL_MAP_eq, UDL_MAP_ne, UDL_MAP_lt, UDL_MAP_le, UDL_MAP_gt
        UDL_MAP_ge, UDL_MAP_logical_and, UDL_MAP_logical_or, UDL_MAP_logical_xor, UDL_MAP_bitwise_and
        UDL_MAP_bitwise_or, UDL_MAP_bitwise_xor, UDL_MAP_lshift, UDL_MAP_rshift, UDL_MAP_rsub, UDL_MAP_rdiv, UDL_MAP_rpow
        UDL_MAP_where, UDL_MAP_add_scaled
        UDL_MAP_relu_backward, UDL_MAP_leaky_relu_backward, UDL_MAP_sigmoid_backward, UDL_MAP_tanh_backward
        UDL_MAP_gelu_backward, UDL_MAP_gelu_tanh_backward, UDL_MAP_silu_backward, UDL_MAP_mish_backward
        UDL_MAP_softplus_backward, UDL_MAP_elu_backward, UDL_MAP_clamp_backward, UDL_MAP_log_sigmoid_backward
        UDL_MAP_hardswish, UDL_MAP_hardswish_backward, UDL_MAP_hardsigmoid, UDL_MAP_hardsigmoid_backward

    ctypedef struct udl_elementwise_args:
        void *out
        const void *inp "in"[3]
        int64_t op, compute
        int64_t dtype[4]
        int64_t ndim
        int64_t shape[8]
        int64_t strides[4][8]
        double p[2]
    ctypedef struct udl_reduce_args:
        void *out
        const void *a
        int64_t op, dtype, out_dtype, outer, n, inner
    ctypedef struct udl_matmul_args:
        void *out
        const void *a
        const void *b
        const void *bias
        const void *residual
        const void *packed_b
        int64_t dtype, batch, m, n, k, a_batch, a_m, a_k, b_batch, b_k, b_n, o_batch, ldo, act, bias_m, wide
        double alpha, beta
    ctypedef struct udl_kernel_info:
        const char *name
        int n_out, n_in, n_int, n_float
    ctypedef struct udl_memory_info:
        int64_t in_use, cached, peak, reserved_limit, allocs, hits, system_allocs
    ctypedef struct udl_plan_call:
        int64_t kernel
        void *args
    ctypedef struct udl_plan_bytes:
        void *to
        const void *from_ "from"
        int64_t bytes, value
    ctypedef struct udl_plan_field:
        char **field
        int64_t offset
    const udl_kernel_info udl_kernels[1]

    int udl_call(int id, const void *args)
    int udl_plan_replay(const udl_plan_call *calls, int64_t n, int64_t *at, double *seconds)
    void udl_plan_rebase(const udl_plan_field *fields, int64_t n, void *base)
    int64_t udl_plan_layout(int64_t n, const int64_t *first, const int64_t *last, const int64_t *size, int64_t *offset)
    int udl_init(const char *forced_isa)
    int udl_isa_count()
    const char *udl_isa_name(int level)
    int udl_isa_usable(int level)
    const char *udl_isa_why(int level)
    int udl_isa_active()
    const char *udl_matrix_unit_name()
    int udl_isa_use(int level)
    void udl_cache_sizes(int64_t *out)
    int64_t udl_prepack(const udl_matmul_args *a, void *to)
    int64_t udl_prepack_rows()
    enum: UDL_WIDE_A, UDL_WIDE_B, UDL_WIDE_OUT, UDL_WIDE_BIAS
    int udl_float32_precision()
    int udl_set_float32_precision(int precision)
    int udl_batch_invariant()
    void udl_set_batch_invariant(int on)
    int udl_num_threads()
    int udl_set_num_threads(int n)
    const char *udl_threads_why()
    ctypedef struct udl_join_part:
        const char *data
        int64_t bytes, step
    void udl_join(char *out, const udl_join_part *parts, int64_t n, int64_t rows)
    void *udl_alloc(size_t n)
    void udl_free(void *p, size_t n)
    void udl_memory_stats(udl_memory_info *out)
    int64_t udl_memory_trim()
    void udl_memory_limit(int64_t n)

cdef extern from "plan_expect.h" nogil:
    enum:
        UDL_PLAN_EXPECT, UDL_EOTHER, UDL_NUMBER_BITS, UDL_NUMBER_TRUTH, UDL_NUMBER_TRUTH_FLOAT
    ctypedef struct udl_plan_number:
        void *none
        const void *from_ "from"
        int64_t bytes_asked, value
