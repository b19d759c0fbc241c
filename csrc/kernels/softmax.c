/* softmax.c - y[o, n, i] = exp(x - max_n x) / sum_n exp(x - max_n x), or its logarithm x - max - log sum.
 *
 * Backward: gx = y (gy - sum_n gy y); for the logarithm gx = gy - exp(y) sum_n gy.
 * Rows (inner = 1) are vectorised along n (short ones side by side), columns (inner > 1) along i, a strip of STRIP columns at a time so that the
 * strip's maxima and sums stay in L1. y may alias x, gx may alias gy. A row of -inf gives NaN (inf - inf), as PyTorch.
 * Segments are blocks of their own lengths, crow[r] .. crow[r + 1] - 1, of inner columns; one that lies outside makes UDL_EINDEX.
 * Floor: 3 reads and 1-2 writes of a row that stays in L1 or L2, one exp an element. */
#ifndef T
#include "norm_bf16.h"
#include "../vec/math.h"
#define UDL_THIS_FILE "kernels/softmax.c"
#define STRIP 256
#define LOADC(p, c) ((c) == VW ? v_load(p) : v_load_n(p, c)) /* c lanes */
#define STOREC(p, v, c) ((c) == VW ? v_store(p, v) : v_store_n(p, v, c))
#define PIECE 8192 /* elements of a parallel piece */
#define SHORT 32   /* rows up to this length are turned, SIDE of them at once, so that each has a lane */
#define SIDE 32
#include "../each_float.h"
int KERNEL(softmax)(const udl_softmax_args *a) { return BF16_OR_FLOAT(a, softmax); }
int KERNEL(softmax_backward)(const udl_softmax_backward_args *a) { return BF16_OR_FLOAT(a, softmax_backward); }
int KERNEL(segment_softmax)(const udl_segment_softmax_args *a) { return BY_FLOAT(a->dtype, segment_softmax, (a)); }
int KERNEL(segment_softmax_backward)(const udl_segment_softmax_backward_args *a) {
    return BY_FLOAT(a->dtype, segment_softmax_backward, (a));
}
#else

/* the first n lanes of p, n < VW; the others are `rest` */
VFN vec FN(load_rest)(const T *p, i64 n, T rest) {
    vmask lane;
    for (int i = 0; i < VW; i++) lane[i] = i;
    return v_sel(lane < (int)n, v_load_n(p, (int)n), v_set(rest));
}

static T FN(row_max)(const T *x, i64 n) {
    vec m0 = v_set((T)-INFINITY), m1 = m0, m2 = m0, m3 = m0;
    i64 i = 0;
    for (; i + 4 * VW <= n; i += 4 * VW) {
        m0 = v_max(m0, v_load(x + i)); m1 = v_max(m1, v_load(x + i + VW));
        m2 = v_max(m2, v_load(x + i + 2 * VW)); m3 = v_max(m3, v_load(x + i + 3 * VW));
    }
    for (; i + VW <= n; i += VW) m0 = v_max(m0, v_load(x + i));
    if (i < n) m1 = v_max(m1, FN(load_rest)(x + i, n - i, (T)-INFINITY));
    return v_hmax(v_max(v_max(m0, m1), v_max(m2, m3)));
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
        vec e = v_exp((k == VW ? v_load(x + i) : FN(load_rest)(x + i, k, (T)-INFINITY)) - vm); /* exp(-inf) adds nothing */
        if (y) STOREC(y + i, e, k);
        s0 += e;
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
        if (i < n) v_store_n(y + i, (v_load_n(x + i, (int)(n - i)) - vm) - vl, (int)(n - i));
        return;
    }
    vec r = v_set((T)1 / s);
    for (; i + VW <= n; i += VW) v_store(y + i, v_load(y + i) * r);
    if (i < n) v_store_n(y + i, v_load_n(y + i, (int)(n - i)) * r, (int)(n - i));
}

/* sum of g, or of g y if y is given */
static T FN(row_sum)(const T *g, const T *y, i64 n) {
    vec s0 = v_set(0), s1 = s0, one = v_set(1);
    i64 i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) {
        s0 = v_fma(v_load(g + i), y ? v_load(y + i) : one, s0);
        s1 = v_fma(v_load(g + i + VW), y ? v_load(y + i + VW) : one, s1);
    }
    for (; i < n; i += VW) {
        int k = (int)UDL_MINI(n - i, (i64)VW);
        s0 = v_fma(LOADC(g + i, k), y ? LOADC(y + i, k) : one, s0);
    }
    return v_sum(s0 + s1);
}

static void FN(row_backward)(T *gx, const T *gy, const T *y, i64 n, int logarithm) {
    const vec s = v_set(logarithm ? FN(row_sum)(gy, NULL, n) : FN(row_sum)(gy, y, n));
    for (i64 i = 0; i < n; i += VW) {
        int k = (int)UDL_MINI(n - i, (i64)VW);
        vec g = LOADC(gy + i, k), v = LOADC(y + i, k);
        STOREC(gx + i, logarithm ? g - v_exp(v) * s : v * (g - s), k);
    }
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

VFN void FN(turn)(T *to, const T *from, i64 rows, i64 n, i64 row_to, i64 step_to, i64 row_from, i64 step_from) {
    for (i64 r = 0; r < rows; r++)
        for (i64 k = 0; k < n; k++) to[r * row_to + k * step_to] = from[r * row_from + k * step_from];
}

/* `rows` rows of n <= SHORT; backward with g */
static void FN(short_rows)(T *out, const T *g, const T *x, i64 rows, i64 n, int logarithm) {
    T a[SHORT * SIDE], b[SHORT * SIDE];
    for (i64 r = 0, w; r < rows; r += w) {
        w = UDL_MINI(rows - r, (i64)SIDE);
        FN(turn)(a, x + r * n, w, n, 1, SIDE, n, 1);
        if (g) {
            FN(turn)(b, g + r * n, w, n, 1, SIDE, n, 1);
            FN(strip_backward)(a, b, a, n, SIDE, w, logarithm);
        } else FN(strip)(a, a, n, SIDE, w, logarithm);
        FN(turn)(out + r * n, a, w, n, n, 1, 1, SIDE);
    }
}

typedef struct { T *out; const T *g, *x; i64 n, inner, strips; int logarithm, side_by_side; } FN(job); /* side by side: short rows */

static void FN(work)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    if (j->side_by_side) {
        const i64 at = begin * j->n;
        FN(short_rows)(j->out + at, j->g ? j->g + at : NULL, j->x + at, end - begin, j->n, j->logarithm);
        return;
    }
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
    j.side_by_side = j.inner == 1 && j.n <= SHORT;
    i64 tasks = j.inner == 1 ? outer : outer * j.strips, each = j.inner == 1 ? j.n : j.n * UDL_MINI(j.inner, (i64)STRIP);
    i64 grain = UDL_MAXI(1, PIECE / each);
    if (tasks <= grain) FN(work)(&j, 0, tasks);
    else udl_parallel_for(tasks, grain, FN(work), &j);
    return UDL_OK;
}

static int FN(softmax)(const udl_softmax_args *a) {
    return FN(run)((FN(job)){a->y, NULL, a->x, a->n, a->inner, 0, a->log != 0, 0}, a->outer);
}
static int FN(softmax_backward)(const udl_softmax_backward_args *a) {
    return FN(run)((FN(job)){a->gx, a->gy, a->y, a->n, a->inner, 0, a->log != 0, 0}, a->outer);
}

typedef struct { FN(job) part; const i64 *crow; i64 entries; _Atomic int bad; } FN(segments);

static void FN(each_segment)(void *p, i64 r0, i64 r1) {
    FN(segments) *s = p;
    for (i64 r = r0; r < r1; r++) {
        const i64 begin = s->crow[r], end = s->crow[r + 1];
        if (begin < 0 || end < begin || end > s->entries) s->bad = 1;
        else if (begin < end) {
            const i64 at = begin * s->part.inner;
            FN(job) j = s->part;
            j.out += at, j.x += at, j.n = end - begin;
            if (j.g) j.g += at;
            FN(work)(&j, 0, j.strips);
        }
    }
}

static int FN(each)(FN(segments) *s, i64 rows) {
    if (!s->part.inner) return UDL_OK;
    s->part.strips = UDL_CEIL_DIV(s->part.inner, STRIP);
    udl_parallel_for(rows, UDL_MAXI(1, PIECE / (s->part.inner * (1 + s->entries / UDL_MAXI(1, rows)))), FN(each_segment), s);
    return s->bad ? UDL_EINDEX : UDL_OK;
}

static int FN(segment_softmax)(const udl_segment_softmax_args *a) {
    FN(segments) s = {{a->y, NULL, a->x, 0, a->inner, 0, 0, 0}, a->crow, a->entries, 0};
    return FN(each)(&s, a->rows);
}
static int FN(segment_softmax_backward)(const udl_segment_softmax_backward_args *a) {
    FN(segments) s = {{a->gx, a->gy, a->y, 0, a->inner, 0, 0, 0}, a->crow, a->entries, 0};
    return FN(each)(&s, a->rows);
}
#endif
