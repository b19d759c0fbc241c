/* reduce_bf16.c - reductions of bfloat16 in float32 arithmetic; out is rounded once, or stays float32 (out_dtype).
 *
 * Sums of columns (the gradient of a bias) read rows as they lie: parts of ROWS rows are added up side by side, then in order.
 * The rest is widened first and goes to the float32 kernel. */
#include "../vec/bf16.h"
#include "half_copy.h"
#include "reduce.h"

enum { ROWS = 64, WIDEN_PIECE = 32768 };

typedef struct { const udl_reduce_args *a; float *x; } widening;
static void add_rows(float *sums, const uint16_t *rows, i64 stride, i64 n, int count) { /* count: 1..4 */
    for (i64 i = 0; i < n; i += VW32) {
        int w = (int)UDL_MINI(n - i, (i64)VW32);
        vf32 s = v_load_n(sums + i, w);
        for (int r = 0; r < count; r++) s += h_load_n(rows + r * stride + i, w);
        v_store_n(sums + i, s, w);
    }
}
static void part_of_columns(void *ctx, i64 begin, i64 end) {
    const widening *w = ctx;
    const i64 inner = w->a->inner;
    for (i64 p = begin; p < end; p++) {
        float *sums = w->x + p * inner;
        memset(sums, 0, (size_t)inner * sizeof(float));
        for (i64 r = p * ROWS, last = UDL_MINI(r + ROWS, w->a->n); r < last; r += 4)
            add_rows(sums, (const uint16_t *)w->a->a + r * inner, inner, inner, (int)UDL_MINI(4, last - r));
    }
}

static int column_sums(const udl_reduce_args *a) {
    i64 parts = UDL_MAXI(UDL_CEIL_DIV(a->n, ROWS), 1);
    size_t bytes = (size_t)(parts * a->inner) * sizeof(float);
    widening w = {a, udl_alloc(bytes)};
    if (!w.x) return UDL_ENOMEM;
    udl_parallel_for(parts, UDL_MAXI(1, WIDEN_PIECE / (ROWS * a->inner)), part_of_columns, &w);
    for (i64 p = 1; p < parts; p++)
        for (i64 i = 0; i < a->inner; i++) w.x[i] += w.x[p * a->inner + i];
    if (a->out_dtype == UDL_F32) memcpy(a->out, w.x, (size_t)a->inner * sizeof(float));
    else INTERNAL(narrow_bf16)(a->out, w.x, a->inner);
    udl_free(w.x, bytes);
    return UDL_OK;
}

int INTERNAL(reduce_bf16)(const udl_reduce_args *a) {
    if (a->op == UDL_SUM && a->outer == 1 && a->inner >= VW32) return column_sums(a);
    i64 n = a->outer * a->n * a->inner, m = a->outer * a->inner;
    int rounded = a->out_dtype == UDL_BF16;
    size_t bytes = sizeof(float) * (size_t)n, out_bytes = sizeof(float) * (size_t)m;
    widening w = {a, udl_alloc(bytes)};
    float *y = rounded ? udl_alloc(out_bytes) : NULL;
    int status = UDL_ENOMEM;
    if (w.x && (y || !rounded)) {
        INTERNAL(widen_bf16)(w.x, a->a, n);
        udl_reduce_args f = *a;
        f.a = w.x;
        f.dtype = UDL_F32;
        if (rounded) f.out = y, f.out_dtype = UDL_F32;
        status = KERNEL(reduce)(&f);
        if (rounded && status == UDL_OK) INTERNAL(narrow_bf16)(a->out, y, m);
    }
    if (w.x) udl_free(w.x, bytes);
    if (y) udl_free(y, out_bytes);
    return status;
}
