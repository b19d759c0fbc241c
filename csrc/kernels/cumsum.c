/* cumsum.c - out[o, k, i] = a[o, 0, i] op ... op a[o, k, i] (op + or *); from the end when inner_reverse is negative.
 *
 * Every scan is one chain in the order of k (float accumulates in double, so long sums stay accurate); columns
 * (inner > 1) are scanned a strip at a time along memory. Parallel over outer and strips. out may alias a.
 * Floor: one read and one write an element. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/cumsum.c"
#define STRIP 128
#include "../each_float.h"

static void ints(void *p, i64 begin, i64 end) {
    const udl_cumsum_args *a = p;
    i64 inner = a->inner_reverse < 0 ? -a->inner_reverse : a->inner_reverse, reverse = a->inner_reverse < 0;
    for (i64 t = begin; t < end; t++) {
        i64 base = t / inner * a->n * inner + t % inner;
        uint64_t s = a->op == UDL_PROD;
        for (i64 k = 0; k < a->n; k++) {
            i64 at = base + (reverse ? a->n - 1 - k : k) * inner;
            uint64_t v = (uint64_t)((const i64 *)a->a)[at];
            s = a->op == UDL_PROD ? s * v : s + v;
            ((i64 *)a->out)[at] = (i64)s;
        }
    }
}

int KERNEL(cumsum)(const udl_cumsum_args *a) {
    if (a->dtype != UDL_I64) return BY_FLOAT(a->dtype, cumsum, (a));
    i64 inner = a->inner_reverse < 0 ? -a->inner_reverse : a->inner_reverse, tasks = a->outer * inner;
    i64 grain = UDL_MAXI(1, 16384 / UDL_MAXI(a->n, 1));
    if (tasks <= grain) ints((void *)(uintptr_t)a, 0, tasks);
    else udl_parallel_for(tasks, grain, ints, (void *)(uintptr_t)a);
    return UDL_OK;
}
#else

static void FN(strips)(void *p, i64 begin, i64 end) {
    const udl_cumsum_args *a = p;
    i64 inner = a->inner_reverse < 0 ? -a->inner_reverse : a->inner_reverse, strips = UDL_CEIL_DIV(inner, STRIP);
    for (i64 t = begin; t < end; t++) {
        i64 base = t / strips * a->n * inner + t % strips * STRIP, w = UDL_MINI(inner - t % strips * STRIP, (i64)STRIP);
        double s[STRIP];
        for (i64 i = 0; i < w; i++) s[i] = a->op == UDL_PROD;
        for (i64 k = 0; k < a->n; k++) {
            i64 at = base + (a->inner_reverse < 0 ? a->n - 1 - k : k) * inner;
            const T *x = (const T *)a->a + at;
            T *y = (T *)a->out + at;
            if (a->op == UDL_PROD) for (i64 i = 0; i < w; i++) y[i] = (T)(s[i] *= (double)x[i]);
            else for (i64 i = 0; i < w; i++) y[i] = (T)(s[i] += (double)x[i]);
        }
    }
}

static int FN(cumsum)(const udl_cumsum_args *a) {
    i64 inner = a->inner_reverse < 0 ? -a->inner_reverse : a->inner_reverse;
    if (a->outer * a->n * inner == 0) return UDL_OK;
    i64 tasks = a->outer * UDL_CEIL_DIV(inner, STRIP), grain = UDL_MAXI(1, 16384 / (a->n * UDL_MINI(inner, (i64)STRIP)));
    if (tasks <= grain) FN(strips)((void *)(uintptr_t)a, 0, tasks);
    else udl_parallel_for(tasks, grain, FN(strips), (void *)(uintptr_t)a);
    return UDL_OK;
}
#endif
