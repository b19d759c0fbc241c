/* reduce_int.c - reductions of bool and of integers (in int64, wrapping); bfloat16 goes on to reduce_bf16.c.
 *
 * Rows of the common reductions are plain loops over their type, which compilers turn into vectors; columns go in strips of
 * accumulators, walked in the order of memory. */
#include "reduce.h"

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

/* one segment of a row; ANY and ALL look whether to go on after every 4096 elements */
#define INT_RUN(type, term)                                                                         \
    do {                                                                                            \
        const type *x = (const type *)a->a + at;                                                    \
        type best = x[0];                                                                           \
        uint64_t sum = 0;                                                                           \
        switch (op) {                                                                               \
        case UDL_SUM: for (i64 k = 0; k < n; k++) sum += (uint64_t)(i64)(term); return (i64)sum;    \
        case UDL_MAX: for (i64 k = 0; k < n; k++) best = x[k] > best ? x[k] : best; return (i64)best; \
        case UDL_MIN: for (i64 k = 0; k < n; k++) best = x[k] < best ? x[k] : best; return (i64)best; \
        default: break;                                                                             \
        }                                                                                           \
        for (i64 b = 0; b < n; b += 4096) {                                                         \
            uint8_t any = 0, none = 0;                                                              \
            for (i64 k = b; k < UDL_MINI(n, b + 4096); k++) any |= x[k] != 0, none |= x[k] == 0;    \
            if (op == UDL_ANY ? any : none) return op == UDL_ANY;                                   \
        }                                                                                           \
        return op == UDL_ALL;                                                                       \
    } while (0)
static i64 int_run(const udl_reduce_args *a, i64 op, i64 at, i64 n) { /* sum, maximum, minimum, any or all of n > 0 elements */
    switch (a->dtype) {
    case UDL_I64: INT_RUN(i64, x[k]);
    case UDL_I32: INT_RUN(int32_t, x[k]);
    case UDL_I16: INT_RUN(int16_t, x[k]);
    case UDL_I8: INT_RUN(int8_t, x[k]);
    case UDL_BOOL: INT_RUN(uint8_t, x[k] != 0);
    default: INT_RUN(uint8_t, x[k]);
    }
}

#define FIRST(type) { const type *x = (const type *)a->a + at; while (x[k] != (type)v) k++; return k; }
static i64 int_place(const udl_reduce_args *a, i64 at, i64 n) { /* the first place of the extreme: found after its value */
    const i64 v = int_run(a, a->op == UDL_ARGMAX ? UDL_MAX : UDL_MIN, at, n);
    i64 k = 0;
    switch (a->dtype) {
    case UDL_I64: FIRST(i64)
    case UDL_I32: FIRST(int32_t)
    case UDL_I16: FIRST(int16_t)
    case UDL_I8: FIRST(int8_t)
    default: FIRST(uint8_t)
    }
}

/* rows in `chunks` parts of CHUNK elements */
#define CHUNK 65536
typedef struct { const udl_reduce_args *a; i64 chunks, *parts; } int_job;

static void int_rows(void *p, i64 begin, i64 end) {
    const int_job *j = p;
    for (i64 t = begin; t < end; t++) {
        const i64 b = t % j->chunks * CHUNK, n = j->a->n;
        const i64 op = j->a->op, at = t / j->chunks * n + b, m = j->chunks == 1 ? n : UDL_MINI(n - b, (i64)CHUNK);
        const i64 v = op == UDL_ARGMAX || op == UDL_ARGMIN ? int_place(j->a, at, m) : int_run(j->a, op, at, m);
        if (j->parts) j->parts[t] = v;
        else store_int(j->a, t, v);
    }
}

static i64 int_join(i64 op, i64 x, i64 y) {
    switch (op) {
    case UDL_SUM: return (i64)((uint64_t)x + (uint64_t)y);
    case UDL_MAX: return UDL_MAXI(x, y);
    case UDL_MIN: return UDL_MINI(x, y);
    default: return op == UDL_ANY ? x | y : x & y;
    }
}

static int reduce_int_rows(const udl_reduce_args *a) {
    int_job j = {a, a->outer < 64 && a->op != UDL_ARGMAX && a->op != UDL_ARGMIN ? UDL_CEIL_DIV(a->n, CHUNK) : 1, NULL};
    const i64 tasks = a->outer * j.chunks;
    if (j.chunks > 1 && !(j.parts = udl_alloc(sizeof(i64) * (size_t)tasks))) return UDL_ENOMEM;
    udl_parallel_for(tasks, UDL_MAXI(1, 16384 / a->n), int_rows, &j);
    if (!j.parts) return UDL_OK;
    for (i64 o = 0; o < a->outer; o++) {
        i64 v = j.parts[o * j.chunks];
        for (i64 c = 1; c < j.chunks; c++) v = int_join(a->op, v, j.parts[o * j.chunks + c]);
        store_int(a, o, v);
    }
    udl_free(j.parts, sizeof(i64) * (size_t)tasks);
    return UDL_OK;
}

/* ---- columns: strips of them walked down along memory ------------------------------------------------------------------- */
#define WIDE 512
#define TO_INTS(type, term) { const type *x = (const type *)a->a + at; for (i64 i = 0; i < w; i++) v[i] = (i64)(term); return; }
static void row_ints(const udl_reduce_args *a, i64 at, i64 w, i64 *v) {
    switch (a->dtype) {
    case UDL_I64: TO_INTS(i64, x[i])
    case UDL_I32: TO_INTS(int32_t, x[i])
    case UDL_I16: TO_INTS(int16_t, x[i])
    case UDL_I8: TO_INTS(int8_t, x[i])
    case UDL_BOOL: TO_INTS(uint8_t, x[i] != 0)
    default: TO_INTS(uint8_t, x[i])
    }
}

/* any (or all) of bytes */
static void byte_strip(const udl_reduce_args *a, i64 at, i64 w, i64 *r) {
    const uint8_t *x = (const uint8_t *)a->a + at;
    uint8_t flag[WIDE] = {0};
    for (i64 k = 0; k < a->n; k++, x += a->inner) {
        if (a->op == UDL_ANY) for (i64 i = 0; i < w; i++) flag[i] |= x[i] != 0;
        else for (i64 i = 0; i < w; i++) flag[i] |= x[i] == 0;
    }
    for (i64 i = 0; i < w; i++) r[i] = flag[i] != (a->op == UDL_ALL);
}

static void int_strip(const udl_reduce_args *a, i64 at, i64 w, i64 *r, i64 *where) {
    const i64 start = a->op == UDL_PROD || a->op == UDL_ALL;
    i64 v[WIDE];
    for (i64 i = 0; i < w; i++) r[i] = start, where[i] = 0;
    for (i64 k = 0; k < a->n; k++) {
        row_ints(a, at + k * a->inner, w, v);
        if (k == 0 && (a->op == UDL_MAX || a->op == UDL_MIN || a->op == UDL_ARGMAX || a->op == UDL_ARGMIN)) memcpy(r, v, sizeof(i64) * (size_t)w);
        switch (a->op) {
        case UDL_SUM: for (i64 i = 0; i < w; i++) r[i] = (i64)((uint64_t)r[i] + (uint64_t)v[i]); break;
        case UDL_PROD: for (i64 i = 0; i < w; i++) r[i] = (i64)((uint64_t)r[i] * (uint64_t)v[i]); break;
        case UDL_ANY: for (i64 i = 0; i < w; i++) r[i] |= v[i] != 0; break;
        case UDL_ALL: for (i64 i = 0; i < w; i++) r[i] &= v[i] != 0; break;
        case UDL_MAX: case UDL_ARGMAX: for (i64 i = 0; i < w; i++) where[i] = v[i] > r[i] ? k : where[i], r[i] = UDL_MAXI(r[i], v[i]); break;
        default: for (i64 i = 0; i < w; i++) where[i] = v[i] < r[i] ? k : where[i], r[i] = UDL_MINI(r[i], v[i]);
        }
    }
    if (a->op == UDL_ARGMAX || a->op == UDL_ARGMIN) memcpy(r, where, sizeof(i64) * (size_t)w);
}

static void ints(void *p, i64 begin, i64 end) {
    const udl_reduce_args *a = p;
    const i64 strips = UDL_CEIL_DIV(a->inner, WIDE);
    const int bytes = (a->dtype == UDL_BOOL || a->dtype == UDL_U8 || a->dtype == UDL_I8) && (a->op == UDL_ANY || a->op == UDL_ALL);
    i64 r[WIDE], where[WIDE];
    for (i64 t = begin; t < end; t++) {
        const i64 o = t / strips, i0 = t % strips * WIDE, w = UDL_MINI(a->inner - i0, (i64)WIDE), at = o * a->n * a->inner + i0;
        if (bytes) byte_strip(a, at, w, r);
        else int_strip(a, at, w, r, where);
        for (i64 i = 0; i < w; i++) store_int(a, o * a->inner + i0 + i, r[i]);
    }
}

int INTERNAL(reduce_int)(const udl_reduce_args *a) {
    if (a->outer * a->inner == 0) return UDL_OK;
    if (a->dtype == UDL_BF16) return INTERNAL(reduce_bf16)(a);
    if (a->op == UDL_LOGSUMEXP || a->op == UDL_NORM2) return UDL_EINVAL;
    if (a->n == 0 && (a->op == UDL_MAX || a->op == UDL_MIN || a->op == UDL_ARGMAX || a->op == UDL_ARGMIN)) return UDL_EINVAL;
    const i64 tasks = a->outer * UDL_CEIL_DIV(a->inner, WIDE);
    const i64 grain = UDL_MAXI(1, 16384 / UDL_MAXI(a->n * UDL_MINI(a->inner, (i64)WIDE), 1));
    if (a->inner == 1 && a->n > 0 && a->op != UDL_PROD) return reduce_int_rows(a);
    udl_parallel_for(tasks, grain, ints, (void *)(uintptr_t)a);
    return UDL_OK;
}
