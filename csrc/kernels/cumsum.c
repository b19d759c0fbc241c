/* cumsum.c - out[o, k, i] = a[o, 0, i] op ... op a[o, k, i] (op + or *); from the end when inner_reverse is negative.
 *
 * Every scan is one chain in the order of k (float accumulates in double, so long sums stay accurate); rows go eight side
 * by side, columns (inner > 1) a strip at a time along memory. Parallel over outer and strips. out may alias a.
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

/* rows o.. of inner = 1, R of them side by side: their chains of additions overlap. R and op are constants. */
VFN void FN(scan_rows)(const udl_cumsum_args *a, i64 o, int R, int op) {
    const i64 n = a->n, step = a->inner_reverse < 0 ? -1 : 1;
    i64 at = o * n + (step < 0 ? n - 1 : 0);
    double s[8];
    for (int r = 0; r < R; r++) s[r] = op == UDL_PROD;
    for (i64 k = 0; k < n; k++, at += step)
        _Pragma("GCC unroll 8") for (int r = 0; r < R; r++) {
            const double x = (double)((const T *)a->a)[at + r * n];
            s[r] = op == UDL_PROD ? s[r] * x : s[r] + x;
            ((T *)a->out)[at + r * n] = (T)s[r];
        }
}

static void FN(rows)(void *p, i64 begin, i64 end) {
    const udl_cumsum_args *a = p;
    i64 o = begin;
    for (; o + 8 <= end; o += 8) {
        if (a->op == UDL_PROD) FN(scan_rows)(a, o, 8, UDL_PROD);
        else FN(scan_rows)(a, o, 8, UDL_SUM);
    }
    for (; o < end; o++) {
        if (a->op == UDL_PROD) FN(scan_rows)(a, o, 1, UDL_PROD);
        else FN(scan_rows)(a, o, 1, UDL_SUM);
    }
}

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
    if (inner == 1) grain = (grain + 7) / 8 * 8;
    udl_parallel_for(tasks, grain, inner == 1 ? FN(rows) : FN(strips), (void *)(uintptr_t)a);
    return UDL_OK;
}
#endif
