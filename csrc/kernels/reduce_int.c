/* reduce_int.c - reductions of bool and of integers (in int64, wrapping); bfloat16 goes on to reduce_bf16.c.
 *
 * Rows of the common reductions are plain loops over their type, which compilers turn into vectors; the rest has one
 * accumulator for each output, walked in the order of memory. */
#include "reduce.h"

static i64 load_int(const void *p, i64 i, i64 dtype) {
    switch (dtype) {
    case UDL_I64: return ((const i64 *)p)[i];
    case UDL_I32: return ((const int32_t *)p)[i];
    case UDL_I16: return ((const int16_t *)p)[i];
    case UDL_I8: return ((const int8_t *)p)[i];
    case UDL_BOOL: return ((const uint8_t *)p)[i] != 0;
    default: return ((const uint8_t *)p)[i];
    }
}

static void store_int(const udl_reduce_args *a, i64 at, i64 v) {
    switch (a->out_dtype) {
    case UDL_I64: ((i64 *)a->out)[at] = v; break;
    case UDL_I32: ((int32_t *)a->out)[at] = (int32_t)v; break;
    case UDL_I16: ((int16_t *)a->out)[at] = (int16_t)v; break;
    case UDL_I8: ((int8_t *)a->out)[at] = (int8_t)v; break;
    case UDL_BOOL: ((uint8_t *)a->out)[at] = v != 0; break;
    case UDL_U8: ((uint8_t *)a->out)[at] = (uint8_t)v; break;
    default: break;
    }
}

#define INT_ROW(type, term)                                                                  \
    do {                                                                                     \
        const type *x = (const type *)a->a + row * a->n;                                     \
        type best = x[0];                                                                    \
        uint64_t sum = 0;                                                                    \
        if (a->op == UDL_SUM) for (i64 k = 0; k < a->n; k++) sum += (uint64_t)(i64)(term);   \
        else if (a->op == UDL_MAX) for (i64 k = 0; k < a->n; k++) best = x[k] > best ? x[k] : best; \
        else for (i64 k = 0; k < a->n; k++) best = x[k] < best ? x[k] : best;                \
        return a->op == UDL_SUM ? (i64)sum : (i64)best;                                      \
    } while (0)
static i64 int_row(const udl_reduce_args *a, i64 row) { /* sum, maximum or minimum; n > 0 */
    switch (a->dtype) {
    case UDL_I64: INT_ROW(i64, x[k]);
    case UDL_I32: INT_ROW(int32_t, x[k]);
    case UDL_I16: INT_ROW(int16_t, x[k]);
    case UDL_I8: INT_ROW(int8_t, x[k]);
    case UDL_BOOL: INT_ROW(uint8_t, x[k] != 0);
    default: INT_ROW(uint8_t, x[k]);
    }
}

static void int_rows(void *p, i64 begin, i64 end) {
    const udl_reduce_args *a = p;
    for (i64 t = begin; t < end; t++) store_int(a, t, int_row(a, t));
}

static void ints(void *p, i64 begin, i64 end) {
    const udl_reduce_args *a = p;
    for (i64 t = begin; t < end; t++) {
        i64 base = t / a->inner * a->n * a->inner + t % a->inner, where = 0;
        uint64_t r = a->op == UDL_PROD || a->op == UDL_ALL;
        if (a->op == UDL_MAX || a->op == UDL_MIN || a->op == UDL_ARGMAX || a->op == UDL_ARGMIN)
            r = (uint64_t)load_int(a->a, base, a->dtype);
        for (i64 k = 0; k < a->n; k++) {
            i64 v = load_int(a->a, base + k * a->inner, a->dtype);
            switch (a->op) {
            case UDL_SUM: r += (uint64_t)v; break;
            case UDL_PROD: r *= (uint64_t)v; break;
            case UDL_ANY: r |= v != 0; break;
            case UDL_ALL: r &= v != 0; break;
            case UDL_MAX: case UDL_ARGMAX: if (v > (i64)r) { r = (uint64_t)v; where = k; } break;
            default: if (v < (i64)r) { r = (uint64_t)v; where = k; }
            }
        }
        store_int(a, t, a->op == UDL_ARGMAX || a->op == UDL_ARGMIN ? where : (i64)r);
    }
}

int INTERNAL(reduce_int)(const udl_reduce_args *a) {
    if (a->outer * a->inner == 0) return UDL_OK;
    if (a->dtype == UDL_BF16) return INTERNAL(reduce_bf16)(a);
    if (a->op == UDL_LOGSUMEXP || a->op == UDL_NORM2) return UDL_EINVAL;
    if (a->n == 0 && (a->op == UDL_MAX || a->op == UDL_MIN || a->op == UDL_ARGMAX || a->op == UDL_ARGMIN)) return UDL_EINVAL;
    i64 grain = UDL_MAXI(1, 16384 / UDL_MAXI(a->n, 1)), tasks = a->outer * a->inner;
    int row = a->inner == 1 && a->n > 0 && (a->op == UDL_SUM || a->op == UDL_MAX || a->op == UDL_MIN);
    udl_parallel_for(tasks, grain, row ? int_rows : ints, (void *)(uintptr_t)a);
    return UDL_OK;
}
