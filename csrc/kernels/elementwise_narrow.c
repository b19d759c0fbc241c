/* elementwise_narrow.c - element-wise operations on contiguous booleans and integers of 1 to 4 bytes in their own type, and conversions
 * from float32 to integers and between float32 and float16.
 *
 * The general driver widens every integer to int64 and goes through buffers; where the low bits of the result depend on the low bits of
 * the operands only (sums, products, bits), the type itself gives the same. A float32 below 2^31 in size becomes an int32 by one
 * instruction; a block that holds another one (or a NaN) is converted like the general driver does. Floor: bytes over bandwidth. */
#include "elementwise.h"
#include "half.h"
#include <math.h>
#define PIECE 32768
#define BLOCK 512

typedef struct { const udl_elementwise_args *s; i64 scalar; } narrow_job;

/* out may be an input, but never lies beside one */
#define TOGETHER _Pragma("GCC ivdep")
#define RUN(E, EXPR)                                                                                     \
    if (b) TOGETHER for (i64 i = begin; i < end; i++) { E x = a[i], y = b[i]; o[i] = (E)(EXPR); }        \
    else TOGETHER for (i64 i = begin; i < end; i++) { E x = a[i], y = c; o[i] = (E)(EXPR); }             \
    break;
/* U: the unsigned type; S: the signed one. Products of uint16_t would be taken as int, which may overflow: they go by unsigned. */
#define NARROW(U, S)                                                                                     \
    static void narrow_##U(void *ctx, i64 begin, i64 end) {                                              \
        const narrow_job *j = ctx;                                                                       \
        U *o = j->s->out;                                                                                \
        const U *a = j->s->in[0], *b = j->s->in[1], c = (U)(uint64_t)j->scalar;                          \
        switch (j->s->op) {                                                                              \
        case UDL_MAP_add: RUN(U, x + y)                                                                  \
        case UDL_MAP_sub: RUN(U, x - y)                                                                  \
        case UDL_MAP_rsub: RUN(U, y - x)                                                                 \
        case UDL_MAP_mul: RUN(U, (unsigned)x * (unsigned)y)                                              \
        case UDL_MAP_bitwise_and: RUN(U, x & y)                                                          \
        case UDL_MAP_bitwise_or: RUN(U, x | y)                                                           \
        case UDL_MAP_bitwise_xor: RUN(U, x ^ y)                                                          \
        case UDL_MAP_neg: TOGETHER for (i64 i = begin; i < end; i++) o[i] = (U)(0u - a[i]); break;       \
        default: TOGETHER for (i64 i = begin; i < end; i++) o[i] = (U)((S)a[i] < 0 ? 0u - a[i] : a[i]);  \
        }                                                                                                \
    }
NARROW(uint8_t, int8_t)
NARROW(uint16_t, int16_t)
NARROW(uint32_t, int32_t)

static int has_narrow(i64 op) {
    return op == UDL_MAP_add || op == UDL_MAP_sub || op == UDL_MAP_rsub || op == UDL_MAP_mul || op == UDL_MAP_bitwise_and ||
           op == UDL_MAP_bitwise_or || op == UDL_MAP_bitwise_xor || op == UDL_MAP_neg || op == UDL_MAP_abs;
}

/* a block of float32 as integers, as if by way of int64 */
static int64_t wide_int(float x) {
    return x != x ? 0 : x >= 9223372036854775808.0f ? INT64_MAX : x < -9223372036854775808.0f ? INT64_MIN : (int64_t)x;
}
#define TO_INTS(E)                                                                                                       \
    static void to_##E(void *ctx, i64 begin, i64 end) {                                                                  \
        const narrow_job *j = ctx;                                                                                       \
        E *restrict o = j->s->out;                                                                                       \
        const float *restrict a = j->s->in[0];                                                                           \
        for (i64 i = begin, to; i < end; i = to) {                                                                       \
            to = UDL_MINI(end, i + BLOCK);                                                                               \
            int32_t large = 0;                                                                                           \
            for (i64 k = i; k < to; k++) large |= !(fabsf(a[k]) < 2147483648.0f);                                        \
            if (large) for (i64 k = i; k < to; k++) o[k] = (E)(uint64_t)wide_int(a[k]);                                  \
            else for (i64 k = i; k < to; k++) o[k] = (E)(int32_t)a[k];                                                   \
        }                                                                                                                \
    }
TO_INTS(uint8_t)
TO_INTS(uint16_t)
TO_INTS(uint32_t)
TO_INTS(int64_t)

static void to_halves(void *ctx, i64 begin, i64 end) {
    const narrow_job *j = ctx;
    floats_to_halves((uint16_t *)j->s->out + begin, (const float *)j->s->in[0] + begin, end - begin);
}
static void of_halves(void *ctx, i64 begin, i64 end) {
    const narrow_job *j = ctx;
    halves_to_floats((float *)j->s->out + begin, (const uint16_t *)j->s->in[0] + begin, end - begin);
}

static udl_range_fn conversion_of(i64 from, i64 to) {
    if (from == UDL_F16) return to == UDL_F32 ? of_halves : NULL;
    if (from != UDL_F32) return NULL;
    switch (to) {
    case UDL_F16: return to_halves;
    case UDL_U8: case UDL_I8: return to_uint8_t;
    case UDL_I16: return to_uint16_t;
    case UDL_I32: return to_uint32_t;
    case UDL_I64: return to_int64_t;
    default: return NULL;
    }
}

/* Logic of bytes, all operands contiguous: they are not widened to int64. */
typedef struct { uint8_t *o; const uint8_t *a, *b; i64 op; } byte_job;
static void byte_logic(void *ctx, i64 begin, i64 end) {
    const byte_job *j = ctx;
    uint8_t *o = j->o;
    const uint8_t *a = j->a, *b = j->b;
    switch (j->op) {
    case UDL_MAP_logical_not: case UDL_MAP_bitwise_not: for (i64 i = begin; i < end; i++) o[i] = a[i] == 0; break;
    case UDL_MAP_logical_and: case UDL_MAP_bitwise_and: for (i64 i = begin; i < end; i++) o[i] = (a[i] != 0) & (b[i] != 0); break;
    case UDL_MAP_logical_or: case UDL_MAP_bitwise_or: for (i64 i = begin; i < end; i++) o[i] = (a[i] != 0) | (b[i] != 0); break;
    default: for (i64 i = begin; i < end; i++) o[i] = (a[i] != 0) ^ (b[i] != 0);
    }
}
static int map_bytes(const udl_elementwise_args *s) { /* 1 if done */
    const int one = s->op == UDL_MAP_logical_not || s->op == UDL_MAP_bitwise_not;
    if (!one && s->op != UDL_MAP_logical_and && s->op != UDL_MAP_logical_or && s->op != UDL_MAP_logical_xor &&
        s->op != UDL_MAP_bitwise_and && s->op != UDL_MAP_bitwise_or && s->op != UDL_MAP_bitwise_xor) return 0;
    if (s->ndim != 1 || s->dtype[0] != UDL_BOOL || s->dtype[1] != UDL_BOOL || s->strides[0][0] != 1 || s->strides[1][0] != 1) return 0;
    if (!one && (!s->in[1] || s->dtype[2] != UDL_BOOL || s->strides[2][0] != 1)) return 0;
    byte_job j = {s->out, s->in[0], s->in[1], s->op};
    if (s->shape[0] <= 4 * PIECE) byte_logic(&j, 0, s->shape[0]);
    else udl_parallel_for(s->shape[0], 4 * PIECE, byte_logic, &j);
    return 1;
}

int INTERNAL(map_narrow)(const udl_elementwise_args *s) {
    if (map_bytes(s)) return 1;
    const i64 kind = s->dtype[0];
    udl_range_fn fn = NULL;
    if (s->ndim != 1 || s->strides[0][0] != 1 || s->strides[1][0] != 1 || s->in[2]) return 0;
    narrow_job j = {s, 0};
    if (s->op == UDL_MAP_copy) {
        if (s->in[1]) return 0;
        fn = conversion_of(s->dtype[1], kind);
    } else if (s->compute == UDL_I64 && s->dtype[1] == kind && has_narrow(s->op)) {
        if (s->in[1] && (s->dtype[2] != kind || s->strides[2][0] != 1)) return 0;
        if (!s->in[1] && !(s->p[0] >= -9007199254740992.0 && s->p[0] <= 9007199254740992.0)) return 0;
        j.scalar = (i64)s->p[0];
        fn = kind == UDL_I32 ? narrow_uint32_t : kind == UDL_I16 ? narrow_uint16_t : kind == UDL_I8 ? narrow_uint8_t : NULL;
        if (kind == UDL_U8 && s->op != UDL_MAP_abs) fn = narrow_uint8_t;
    }
    if (!fn) return 0;
    if (s->shape[0] <= PIECE) fn(&j, 0, s->shape[0]);
    else udl_parallel_for(s->shape[0], PIECE, fn, &j);
    return 1;
}
