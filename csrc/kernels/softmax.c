/* softmax.c - y[o, n, i] = exp(x - max_n x) / sum_n exp(x - max_n x), or its logarithm x - max - log sum.
 *
 * Backward: gx = y (gy - sum_n gy y); for the logarithm gx = gy - exp(y) sum_n gy.
 * Rows (inner = 1) are vectorised along n, columns (inner > 1) along i, a strip of STRIP columns at a time so that the
 * strip's maxima and sums stay in L1. y may alias x, gx may alias gy. A row of -inf gives NaN (inf - inf), as PyTorch.
 * Floor: 3 reads and 1-2 writes of a row that stays in L1 or L2, one exp an element. */
#ifndef T
#include "../kernel.h"
#include "../vec/math.h"
#define UDL_THIS_FILE "kernels/softmax.c"
#define STRIP 256
#define LOADC(p, c) ((c) == VW ? v_load(p) : v_load_n(p, c)) /* c lanes */
#define STOREC(p, v, c) ((c) == VW ? v_store(p, v) : v_store_n(p, v, c))
#define PIECE 32768 /* elements of a parallel piece */
#include "../each_float.h"
int KERNEL(softmax)(const udl_softmax_args *a) { return BY_FLOAT(a->dtype, softmax, (a)); }
int KERNEL(softmax_backward)(const udl_softmax_backward_args *a) { return BY_FLOAT(a->dtype, softmax_backward, (a)); }
#else

static T FN(row_max)(const T *x, i64 n) {
    vec m0 = v_set((T)-INFINITY), m1 = m0;
    i64 i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) { m0 = v_max(m0, v_load(x + i)); m1 = v_max(m1, v_load(x + i + VW)); }
    T m = v_hmax(v_max(m0, m1));
    for (; i < n; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m;
    return m;
}

/* y = exp(x - m) (or only the sum if y is NULL); returns the sum in a fixed order */
static T FN(row_exp)(T *y, const T *x, T m, i64 n) {
    vec vm = v_set(m), s0 = v_set(0), s1 = v_set(0);
    i64 i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) {
        vec e0 = v_exp(v_load(x + i) - vm), e1 = v_exp(v_load(x + i + VW) - vm);
        if (y) { v_store(y + i, e0); v_store(y + i + VW, e1); }
        s0 += e0; s1 += e1;
    }
    for (; i < n; i += VW) {
        int k = (int)UDL_MINI(n - i, (i64)VW);
        T t[VW];
        vec e = v_exp(v_load_n(x + i, k) - vm);
        v_store(t, e);
        for (int j = k; j < VW; j++) t[j] = 0;
        s0 += v_load(t);
        if (y) v_store_n(y + i, e, k);
    }
    return v_sum(s0 + s1);
}

static void FN(row)(T *y, const T *x, i64 n, int logarithm) {
    T m = FN(row_max)(x, n);
    T s = FN(row_exp)(logarithm ? NULL : y, x, m, n);
    i64 i = 0;
    if (logarithm) {
        T l = sizeof(T) == 4 ? (T)logf((float)s) : (T)log((double)s);
        vec vm = v_set(m), vl = v_set(l);
        for (; i + VW <= n; i += VW) v_store(y + i, (v_load(x + i) - vm) - vl);
        for (; i < n; i++) y[i] = (x[i] - m) - l;
        return;
    }
    vec r = v_set((T)1 / s);
    for (; i + VW <= n; i += VW) v_store(y + i, v_load(y + i) * r);
    for (; i < n; i++) y[i] *= (T)1 / s;
}

static void FN(row_backward)(T *gx, const T *gy, const T *y, i64 n, int logarithm) {
    vec s0 = v_set(0);
    T s = 0;
    i64 i = 0;
    if (logarithm) {
        for (; i + VW <= n; i += VW) s0 += v_load(gy + i);
        for (; i < n; i++) s += gy[i];
        s += v_sum(s0);
        vec vs = v_set(s);
        for (i = 0; i + VW <= n; i += VW) v_store(gx + i, v_load(gy + i) - v_exp(v_load(y + i)) * vs);
        if (i < n) v_store_n(gx + i, v_load_n(gy + i, (int)(n - i)) - v_exp(v_load_n(y + i, (int)(n - i))) * vs, (int)(n - i));
        return;
    }
    for (; i + VW <= n; i += VW) s0 = v_fma(v_load(gy + i), v_load(y + i), s0);
    for (; i < n; i++) s += gy[i] * y[i];
    s += v_sum(s0);
    vec vs = v_set(s);
    for (i = 0; i + VW <= n; i += VW) v_store(gx + i, v_load(y + i) * (v_load(gy + i) - vs));
    for (; i < n; i++) gx[i] = y[i] * (gy[i] - s);
}

/* Columns i0..i1 of one outer block: max, sum and result, every step along the strip. */
static void FN(strip)(T *y, const T *x, i64 n, i64 inner, i64 w, int logarithm) {
    T m[STRIP], s[STRIP];
    for (i64 i = 0; i < w; i++) { m[i] = (T)-INFINITY; s[i] = 0; }
    for (i64 k = 0; k < n; k++)
        for (i64 i = 0; i < w; i++) m[i] = x[k * inner + i] > m[i] || x[k * inner + i] != x[k * inner + i] ? x[k * inner + i] : m[i];
    for (i64 k = 0; k < n; k++)
        for (i64 i = 0; i < w; i += VW) {
            int c = (int)UDL_MINI(w - i, (i64)VW);
            vec d = LOADC(x + k * inner + i, c) - LOADC(m + i, c), e = v_exp(d);
            STOREC(s + i, LOADC(s + i, c) + e, c);
            STOREC(y + k * inner + i, logarithm ? d : e, c);
        }
    for (i64 i = 0; i < w; i++) s[i] = logarithm ? (sizeof(T) == 4 ? (T)logf((float)s[i]) : (T)log((double)s[i])) : (T)1 / s[i];
    for (i64 k = 0; k < n; k++)
        for (i64 i = 0; i < w; i++) y[k * inner + i] = logarithm ? y[k * inner + i] - s[i] : y[k * inner + i] * s[i];
}

static void FN(strip_backward)(T *gx, const T *gy, const T *y, i64 n, i64 inner, i64 w, int logarithm) {
    T s[STRIP];
    for (i64 i = 0; i < w; i++) s[i] = 0;
    for (i64 k = 0; k < n; k++)
        for (i64 i = 0; i < w; i++) s[i] += logarithm ? gy[k * inner + i] : gy[k * inner + i] * y[k * inner + i];
    for (i64 k = 0; k < n; k++)
        for (i64 i = 0; i < w; i += VW) {
            int c = (int)UDL_MINI(w - i, (i64)VW);
            vec g = LOADC(gy + k * inner + i, c), v = LOADC(y + k * inner + i, c), sum = LOADC(s + i, c);
            STOREC(gx + k * inner + i, logarithm ? g - v_exp(v) * sum : v * (g - sum), c);
        }
}

typedef struct { T *out; const T *g, *x; i64 n, inner, strips; int logarithm; } FN(job);

static void FN(work)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    for (i64 b = begin; b < end; b++) {
        i64 at = j->inner == 1 ? b * j->n : b / j->strips * j->n * j->inner + b % j->strips * STRIP;
        i64 w = j->inner == 1 ? 1 : UDL_MINI(j->inner - b % j->strips * STRIP, (i64)STRIP);
        if (j->inner == 1 && j->g) FN(row_backward)(j->out + at, j->g + at, j->x + at, j->n, j->logarithm);
        else if (j->inner == 1) FN(row)(j->out + at, j->x + at, j->n, j->logarithm);
        else if (j->g) FN(strip_backward)(j->out + at, j->g + at, j->x + at, j->n, j->inner, w, j->logarithm);
        else FN(strip)(j->out + at, j->x + at, j->n, j->inner, w, j->logarithm);
    }
}

static int FN(run)(FN(job) j, i64 outer) {
    if (j.n == 0 || outer == 0 || j.inner == 0) return UDL_OK;
    j.strips = UDL_CEIL_DIV(j.inner, STRIP);
    i64 tasks = j.inner == 1 ? outer : outer * j.strips, each = j.inner == 1 ? j.n : j.n * UDL_MINI(j.inner, (i64)STRIP);
    i64 grain = UDL_MAXI(1, PIECE / each);
    if (tasks <= grain) FN(work)(&j, 0, tasks);
    else udl_parallel_for(tasks, grain, FN(work), &j);
    return UDL_OK;
}

static int FN(softmax)(const udl_softmax_args *a) {
    return FN(run)((FN(job)){a->y, NULL, a->x, a->n, a->inner, 0, a->log != 0}, a->outer);
}
static int FN(softmax_backward)(const udl_softmax_backward_args *a) {
    return FN(run)((FN(job)){a->gx, a->gy, a->y, a->n, a->inner, 0, a->log != 0}, a->outer);
}
#endif
