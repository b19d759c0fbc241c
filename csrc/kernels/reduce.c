/* reduce.c - out[o, i] = reduction over n of a[o, n, i], and sums of squares.
 *
 * Rows (inner = 1) run along n with four vector accumulators a block of BLOCK elements, and blocks are joined in double
 * (float error: one block's tree). Columns (inner > 1) are walked down in strips of STRIP, 32 rows in T and then joined
 * in double. A long n is cut into chunks of CHUNK elements whose results are joined in order, so that the bits depend
 * on the shape alone. MAX, MIN, ARG* let NaN win; ARG* give the first place; LOGSUMEXP subtracts the maximum first.
 * Floor: every element read once (LOGSUMEXP twice): bytes over bandwidth. Integers and bool: reduce_int.c. */
#ifndef T
#include "../kernel.h"
#include "../vec/math.h"
#include "reduce.h"
#define UDL_THIS_FILE "kernels/reduce.c"
#define BLOCK 1024
#define STRIP 1024 /* a page of float: narrower strips of long rows defeat the prefetcher */
/* the same place four rows on: what one page's prefetcher does not see */
#define AHEAD(x, inner, i) _Pragma("GCC unroll 4") for (int r = 4; r < 8; r++) __builtin_prefetch((x) + r * (inner) + (i))
#define CHUNK 65536
#include "../each_float.h"

/* bf16 is summed in float32, the result is rounded once (reduce_bf16.c). */
int KERNEL(reduce)(const udl_reduce_args *a) {
    if (a->dtype == UDL_F32 || a->dtype == UDL_F64) return BY_FLOAT(a->dtype, reduce, (a));
    return INTERNAL(reduce_int)(a);
}
int KERNEL(sumsq)(const udl_sumsq_args *a) { return BY_FLOAT(a->dtype, sumsq, (a)); }
#else

/* sum (square = 0) or sum of squares of x[0..n) */
static double FN(run_sum)(const T *x, i64 n, int square) {
    double total = 0;
    for (i64 b = 0; b < n; b += BLOCK) {
        i64 i = b, end = UDL_MINI(n, b + BLOCK);
        vec s0 = v_set(0), s1 = s0, s2 = s0, s3 = s0;
        if (square) {
            for (; i + 2 * VW <= end; i += 2 * VW) {
                vec p = v_load(x + i), q = v_load(x + i + VW);
                s0 = v_fma(p, p, s0);
                s1 = v_fma(q, q, s1);
            }
            for (; i < end; i += VW) {
                vec p = end - i < VW ? v_load_n(x + i, (int)(end - i)) : v_load(x + i);
                s0 = v_fma(p, p, s0);
            }
        } else {
            for (; i + 4 * VW <= end; i += 4 * VW) {
                _Pragma("GCC unroll 4") for (int r = 0; r < 4; r++) __builtin_prefetch(x + i + 2 * BLOCK + r * VW); /* pages ahead */
                s0 += v_load(x + i);
                s1 += v_load(x + i + VW);
                s2 += v_load(x + i + 2 * VW);
                s3 += v_load(x + i + 3 * VW);
            }
            for (; i + VW <= end; i += VW) s0 += v_load(x + i);
            if (i < end) s1 += v_load_n(x + i, (int)(end - i));
        }
        total += (double)v_sum((s0 + s1) + (s2 + s3));
    }
    return total;
}

static double FN(run_prod)(const T *x, i64 n) {
    vec p0 = v_set(1), p1 = p0;
    i64 i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) { p0 *= v_load(x + i); p1 *= v_load(x + i + VW); }
    T t[VW], r = 1;
    v_store(t, p0 * p1);
    for (int j = 0; j < VW; j++) r *= t[j];
    for (; i < n; i++) r *= x[i];
    return (double)r;
}

static T FN(run_extreme)(const T *x, i64 n, int largest) {
    T m = x[0];
    i64 i = 0;
#define BEST(a, b) (largest ? v_max(a, b) : v_min(a, b))
    if (n >= 4 * VW) {
        vec m0 = v_load(x), m1 = v_load(x + VW), m2 = v_load(x + 2 * VW), m3 = v_load(x + 3 * VW);
        for (i = 4 * VW; i + 4 * VW <= n; i += 4 * VW) {
            m0 = BEST(m0, v_load(x + i));
            m1 = BEST(m1, v_load(x + i + VW));
            m2 = BEST(m2, v_load(x + i + 2 * VW));
            m3 = BEST(m3, v_load(x + i + 3 * VW));
        }
        for (; i + VW <= n; i += VW) m0 = BEST(m0, v_load(x + i));
        m0 = BEST(BEST(m0, m1), BEST(m2, m3));
        m = largest ? v_hmax(m0) : v_hmin(m0);
    }
#undef BEST
    for (; i < n; i++) m = x[i] != x[i] || (m == m && (largest ? x[i] > m : x[i] < m)) ? x[i] : m;
    return m;
}

static i64 FN(run_find)(const T *x, i64 n, T m) { /* first element equal to m (or NaN if m is) */
    i64 i = 0;
    const vec v = v_set(m);
    for (; i + 4 * VW <= n && m == m; i += 4 * VW) {
        const vec p = v_load(x + i), q = v_load(x + i + VW), r = v_load(x + i + 2 * VW), s = v_load(x + i + 3 * VW);
        if (v_any((vi64)((p == v) | (q == v) | (r == v) | (s == v)))) break;
    }
    while (i < n && x[i] != m && (m == m || x[i] == x[i])) i++;
    return i;
}

/* Place of the extreme: the first block of FIND elements that holds it, then the first element there. Lanes are joined only
 * for a block in which some lane beats the best so far. */
#define FIND 256
static i64 FN(run_place)(const T *x, i64 n, int largest, T *extreme) {
    i64 at = 0, b = 0;
    T m = x[0];
    for (; b + FIND <= n && m == m; b += FIND) {
        vec m0 = v_load(x + b), m1 = v_load(x + b + VW);
        for (i64 i = 2 * VW; i < FIND; i += 2 * VW) {
            m0 = largest ? v_max(m0, v_load(x + b + i)) : v_min(m0, v_load(x + b + i));
            m1 = largest ? v_max(m1, v_load(x + b + i + VW)) : v_min(m1, v_load(x + b + i + VW));
        }
        m0 = largest ? v_max(m0, m1) : v_min(m0, m1);
        const vec best = v_set(m);
        if (!v_any((vi64)((largest ? m0 > best : m0 < best) | (m0 != m0)))) continue;
        m = largest ? v_hmax(m0) : v_hmin(m0);
        at = b;
    }
    if (b < n && m == m) {
        const T t = FN(run_extreme)(x + b, n - b, largest);
        if (t != t || (largest ? t > m : t < m)) { m = t; at = b; }
    }
    *extreme = m;
    return at + FN(run_find)(x + at, UDL_MINI(n - at, (i64)FIND), m);
}

static double FN(run_exp_sum)(const T *x, i64 n, T m) {
    double total = 0;
    vec vm = v_set(m);
    for (i64 b = 0; b < n; b += BLOCK) {
        i64 i = b, end = UDL_MINI(n, b + BLOCK);
        vec s = v_set(0);
        T t[VW];
        for (; i + VW <= end; i += VW) s += v_exp(v_load(x + i) - vm);
        if (i < end) {
            v_store(t, v_exp(v_load_n(x + i, (int)(end - i)) - vm));
            for (i64 j = end - i; j < VW; j++) t[j] = 0;
            s += v_load(t);
        }
        total += (double)v_sum(s);
    }
    return total;
}

/* ---- one row segment, and joining of segments: value v, and place w for ARG* ---------------------------------------- */
typedef struct { double v; i64 w; } FN(part);

static FN(part) FN(row)(const T *x, i64 n, int op) {
    FN(part) r = {0, 0};
    switch (op) {
    case UDL_SUM: r.v = FN(run_sum)(x, n, 0); break;
    case UDL_NORM2: r.v = FN(run_sum)(x, n, 1); break;
    case UDL_PROD: r.v = FN(run_prod)(x, n); break;
    case UDL_MAX: case UDL_MIN: r.v = (double)FN(run_extreme)(x, n, op == UDL_MAX); break;
    case UDL_ARGMAX: case UDL_ARGMIN: {
        T m;
        r.w = FN(run_place)(x, n, op == UDL_ARGMAX, &m);
        r.v = (double)m;
        break;
    }
    case UDL_ANY: while (r.w < n && x[r.w] == 0) r.w++; r.v = r.w < n; break;
    case UDL_ALL: while (r.w < n && x[r.w] != 0) r.w++; r.v = r.w == n; break;
    default: break;
    }
    return r;
}

static FN(part) FN(join)(FN(part) a, FN(part) b, i64 b_begin, int op) {
    int better;
    switch (op) {
    case UDL_SUM: case UDL_NORM2: a.v += b.v; return a;
    case UDL_PROD: a.v *= b.v; return a;
    case UDL_ANY: a.v = a.v != 0 || b.v != 0; return a;
    case UDL_ALL: a.v = a.v != 0 && b.v != 0; return a;
    default: break;
    }
    better = a.v == a.v && (b.v != b.v || (op == UDL_MAX || op == UDL_ARGMAX ? b.v > a.v : b.v < a.v));
    b.w += b_begin;
    return better ? b : a;
}

static void FN(store)(const udl_reduce_args *a, i64 at, FN(part) r) {
    switch (a->op) {
    case UDL_ARGMAX: case UDL_ARGMIN: ((i64 *)a->out)[at] = r.w; break;
    case UDL_ANY: case UDL_ALL: ((uint8_t *)a->out)[at] = r.v != 0; break;
    case UDL_NORM2: ((T *)a->out)[at] = (T)sqrt(r.v); break;
    default: ((T *)a->out)[at] = (T)r.v;
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */
typedef struct { const udl_reduce_args *a; FN(part) *parts; i64 chunks, strips; } FN(job);

static T FN(log_sum_exp)(const T *x, i64 n) {
    if (n == 0) return (T)-INFINITY;
    T m = FN(run_extreme)(x, n, 1);
    if (m != m || m == (T)INFINITY || m == (T)-INFINITY) return m;
    return (T)((double)m + log(FN(run_exp_sum)(x, n, m)));
}

static void FN(rows)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    const udl_reduce_args *a = j->a;
    for (i64 o = begin; o < end; o++) {
        const T *x = (const T *)a->a + o * a->n;
        if (a->op == UDL_LOGSUMEXP) ((T *)a->out)[o] = FN(log_sum_exp)(x, a->n);
        else FN(store)(a, o, FN(row)(x, a->n, (int)a->op));
    }
}

static void FN(row_chunks)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    for (i64 t = begin; t < end; t++) {
        i64 o = t / j->chunks, b = t % j->chunks * CHUNK;
        j->parts[t] = FN(row)((const T *)j->a->a + o * j->a->n + b, UDL_MINI(j->a->n - b, (i64)CHUNK), (int)j->a->op);
    }
}

static int FN(reduce_rows)(const udl_reduce_args *a) {
    FN(job) j = {a, NULL, UDL_CEIL_DIV(a->n, CHUNK), 0};
    if (j.chunks <= 1 || a->op == UDL_LOGSUMEXP || a->outer >= 64) {
        i64 grain = UDL_MAXI(1, (a->op == UDL_LOGSUMEXP ? 8192 : 32768) / UDL_MAXI(a->n, 1));
        if (a->outer <= grain) FN(rows)(&j, 0, a->outer);
        else udl_parallel_for(a->outer, grain, FN(rows), &j);
        return UDL_OK;
    }
    size_t bytes = sizeof(FN(part)) * (size_t)(a->outer * j.chunks);
    if (!(j.parts = udl_alloc(bytes))) return UDL_ENOMEM;
    udl_parallel_for(a->outer * j.chunks, 1, FN(row_chunks), &j);
    for (i64 o = 0; o < a->outer; o++) {
        FN(part) r = j.parts[o * j.chunks];
        for (i64 c = 1; c < j.chunks; c++) r = FN(join)(r, j.parts[o * j.chunks + c], c * CHUNK, (int)a->op);
        FN(store)(a, o, r);
    }
    udl_free(j.parts, bytes);
    return UDL_OK;
}

/* ---- columns -------------------------------------------------------------------------------------------------------------- */
/* acc = sums of the columns x[n][inner], w of them, squares if asked; 32 rows in T at a time, four in one pass over t */
VFN void FN(strip_rows)(const T *x, i64 n, i64 inner, i64 w, int square, T *restrict t) {
#define TERM(p) (square ? (p) * (p) : (p))
    for (i64 i = 0; i < w; i++) t[i] = 0;
    for (; n >= 4; n -= 4, x += 4 * inner) {
        const T *y = x + inner, *z = y + inner, *u = z + inner;
        i64 i = 0;
        for (; i + VW <= w; i += VW) {
            const vec a = v_load(x + i), b = v_load(y + i), c = v_load(z + i), d = v_load(u + i);
            AHEAD(x, inner, i);
            v_store(t + i, v_load(t + i) + ((TERM(a) + TERM(b)) + (TERM(c) + TERM(d))));
        }
        for (; i < w; i++) t[i] += (TERM(x[i]) + TERM(y[i])) + (TERM(z[i]) + TERM(u[i]));
    }
    for (; n > 0; n--, x += inner)
        for (i64 i = 0; i < w; i++) t[i] += TERM(x[i]);
#undef TERM
}
static void FN(strip_sum)(const T *x, i64 n, i64 inner, i64 w, int square, double *acc) {
    T t[STRIP];
    for (i64 i = 0; i < w; i++) acc[i] = 0;
    for (i64 k = 0; k < n; k += 32) {
        if (square) FN(strip_rows)(x + k * inner, UDL_MINI(n - k, 32), inner, w, 1, t);
        else FN(strip_rows)(x + k * inner, UDL_MINI(n - k, 32), inner, w, 0, t);
        for (i64 i = 0; i < w; i++) acc[i] += (double)t[i];
    }
}

/* four rows in one pass over m; a NaN stays */
VFN void FN(strip_best)(const T *x, i64 n, i64 inner, i64 w, int largest, T *restrict m) {
#define BEST(a, b) (largest ? v_max(a, b) : v_min(a, b))
    for (i64 i = 0; i < w; i++) m[i] = x[i];
    for (i64 k = 1, rows; k < n; k += rows) {
        const T *y = x + k * inner;
        const i64 a = (rows = UDL_MINI(n - k, 4)) > 1 ? inner : 0, b = rows > 2 ? 2 * inner : 0, c = rows > 3 ? 3 * inner : 0;
        i64 i = 0;
        for (; i + VW <= w; i += VW) {
            AHEAD(y, inner, i);
            v_store(m + i, BEST(v_load(m + i), BEST(BEST(v_load(y + i), v_load(y + a + i)), BEST(v_load(y + b + i), v_load(y + c + i)))));
        }
        if (i < w) {
            const int l = (int)(w - i);
            const vec p = BEST(v_load_n(y + i, l), v_load_n(y + a + i, l)), q = BEST(v_load_n(y + b + i, l), v_load_n(y + c + i, l));
            v_store_n(m + i, BEST(v_load_n(m + i, l), BEST(p, q)), l);
        }
    }
#undef BEST
}

/* with places: lanes of vectors, whose integers are as wide as T (a strip has below 2^31 rows) */
VFN void FN(strip_place)(const T *x, i64 n, i64 inner, i64 w, int largest, T *m, i64 *where) {
    for (i64 i = 0; i < w; i += VW) {
        const int l = (int)UDL_MINI(w - i, (i64)VW);
        vec best = v_load_n(x + i, l);
        vmask at = {0}, k = {0};
        for (i64 r = 1; r < n; r++) {
            const vec y = v_load_n(x + r * inner + i, l);
            k += 1;
            const vmask better = (best == best) & ((y != y) | (largest ? y > best : y < best));
            best = v_sel(better, y, best);
            at = (better & k) | (~better & at);
        }
        v_store_n(m + i, best, l);
        for (int lane = 0; lane < l; lane++) where[i + lane] = at[lane];
    }
}

static void FN(strip_extreme)(const T *x, i64 n, i64 inner, i64 w, int op, double *acc, i64 *where) {
    T m[STRIP];
    if (op == UDL_MAX) FN(strip_best)(x, n, inner, w, 1, m);
    else if (op == UDL_MIN) FN(strip_best)(x, n, inner, w, 0, m);
    else FN(strip_place)(x, n, inner, w, op == UDL_ARGMAX, m, where);
    for (i64 i = 0; i < w; i++) acc[i] = (double)m[i];
}

static void FN(strip_other)(const T *x, i64 n, i64 inner, i64 w, int op, double *acc) {
    const double start = op == UDL_PROD || op == UDL_ALL;
    int32_t flag[STRIP];
    for (i64 i = 0; i < w; i++) acc[i] = start, flag[i] = 0;
    for (i64 k = 0; k < n; k++, x += inner) {
        if (op == UDL_PROD && k + 3 < n) { /* four rows in one pass over acc */
            const T *y = x + inner, *z = y + inner, *u = z + inner;
            for (i64 i = 0; i < w; i++) acc[i] *= ((double)x[i] * (double)y[i]) * ((double)z[i] * (double)u[i]);
            k += 3, x += 3 * inner;
        } else if (op == UDL_PROD) for (i64 i = 0; i < w; i++) acc[i] *= (double)x[i];
        else if (op == UDL_ANY) for (i64 i = 0; i < w; i++) flag[i] |= x[i] != 0;
        else for (i64 i = 0; i < w; i++) flag[i] |= x[i] == 0;
    }
    if (op != UDL_PROD) for (i64 i = 0; i < w; i++) acc[i] = flag[i] != (op == UDL_ALL);
}

static void FN(strip_log_sum_exp)(const T *x, i64 n, i64 inner, i64 w, T *out) {
    double m[STRIP], s[STRIP];
    if (n == 0) { for (i64 i = 0; i < w; i++) out[i] = (T)-INFINITY; return; }
    FN(strip_extreme)(x, n, inner, w, UDL_MAX, m, NULL);
    for (i64 i = 0; i < w; i++) s[i] = 0;
    for (i64 k = 0; k < n; k++)
        for (i64 i = 0; i < w; i += VW) {
            int c = (int)UDL_MINI(w - i, (i64)VW);
            T t[VW];
            for (int l = 0; l < c; l++) t[l] = x[k * inner + i + l] - (T)m[i + l];
            for (int l = c; l < VW; l++) t[l] = 0;
            v_store(t, v_exp(v_load(t)));
            for (int l = 0; l < c; l++) s[i + l] += (double)t[l];
        }
    for (i64 i = 0; i < w; i++) out[i] = isfinite(m[i]) ? (T)(m[i] + log(s[i])) : (T)m[i];
}

static void FN(strips)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    const udl_reduce_args *a = j->a;
    i64 rows = UDL_CEIL_DIV(a->n, j->chunks);
    for (i64 t = begin; t < end; t++) {
        i64 c = t % j->chunks, s = t / j->chunks % j->strips, o = t / j->chunks / j->strips;
        i64 w = UDL_MINI(a->inner - s * STRIP, (i64)STRIP), n0 = c * rows, n = UDL_MAXI(0, UDL_MINI(a->n - n0, rows));
        const T *x = (const T *)a->a + (o * a->n + n0) * a->inner + s * STRIP;
        i64 at = o * a->inner + s * STRIP, where[STRIP] = {0};
        double acc[STRIP];
        if (a->op == UDL_LOGSUMEXP) { FN(strip_log_sum_exp)(x, n, a->inner, w, (T *)a->out + at); continue; }
        if (a->op == UDL_SUM || a->op == UDL_NORM2) FN(strip_sum)(x, n, a->inner, w, a->op == UDL_NORM2, acc);
        else if (a->op == UDL_PROD || a->op == UDL_ANY || a->op == UDL_ALL) FN(strip_other)(x, n, a->inner, w, (int)a->op, acc);
        else FN(strip_extreme)(x, n, a->inner, w, (int)a->op, acc, where);
        for (i64 i = 0; i < w; i++) {
            FN(part) r = {acc[i], where[i]};
            if (j->parts) j->parts[t * STRIP + i] = r;
            else FN(store)(a, at + i, r);
        }
    }
}

static int FN(reduce_columns)(const udl_reduce_args *a) {
    i64 width = UDL_MINI(a->inner, (i64)STRIP);
    FN(job) j = {a, NULL, 1, UDL_CEIL_DIV(a->inner, STRIP)};
    i64 tasks = a->outer * j.strips, each = UDL_MAXI(1, a->n * width);
    if (tasks < 64 && a->op != UDL_LOGSUMEXP)
        j.chunks = UDL_MAXI(1, UDL_MINI(each / CHUNK, 64 / tasks)); /* every chunk keeps at least one row */
    if (UDL_CEIL_DIV(a->n, UDL_CEIL_DIV(a->n, j.chunks)) != j.chunks) j.chunks = UDL_CEIL_DIV(a->n, UDL_CEIL_DIV(a->n, j.chunks));
    size_t bytes = sizeof(FN(part)) * (size_t)(tasks * j.chunks * STRIP);
    if (j.chunks > 1 && !(j.parts = udl_alloc(bytes))) return UDL_ENOMEM;
    i64 grain = UDL_MAXI(1, 32768 / (each / j.chunks + 1));
    if (tasks * j.chunks <= grain) FN(strips)(&j, 0, tasks * j.chunks);
    else udl_parallel_for(tasks * j.chunks, grain, FN(strips), &j);
    if (!j.parts) return UDL_OK;
    i64 rows = UDL_CEIL_DIV(a->n, j.chunks);
    for (i64 t = 0; t < tasks; t++)
        for (i64 i = 0; i < UDL_MINI(a->inner - t % j.strips * STRIP, (i64)STRIP); i++) {
            FN(part) r = j.parts[t * j.chunks * STRIP + i];
            for (i64 c = 1; c < j.chunks; c++) r = FN(join)(r, j.parts[(t * j.chunks + c) * STRIP + i], c * rows, (int)a->op);
            FN(store)(a, t / j.strips * a->inner + t % j.strips * STRIP + i, r);
        }
    udl_free(j.parts, bytes);
    return UDL_OK;
}

static int FN(reduce)(const udl_reduce_args *a) {
    if (a->outer * a->inner == 0) return UDL_OK;
    if (a->n == 0 && (a->op == UDL_MAX || a->op == UDL_MIN || a->op == UDL_ARGMAX || a->op == UDL_ARGMIN)) return UDL_EINVAL;
    if (a->inner == 1) return FN(reduce_rows)(a);
    if (a->n == 0) { /* nothing to walk: the neutral element */
        for (i64 i = 0; i < a->outer * a->inner; i++) {
            if (a->op == UDL_LOGSUMEXP) ((T *)a->out)[i] = (T)-INFINITY;
            else FN(store)(a, i, (FN(part)){a->op == UDL_PROD || a->op == UDL_ALL, 0});
        }
        return UDL_OK;
    }
    return FN(reduce_columns)(a);
}

typedef struct { const T *x; i64 n; double *parts; } FN(squares);

static void FN(square_chunks)(void *p, i64 begin, i64 end) {
    const FN(squares) *j = p;
    for (i64 c = begin; c < end; c++)
        j->parts[c] = FN(run_sum)(j->x + c * CHUNK, UDL_MINI(j->n - c * CHUNK, (i64)CHUNK), 1);
}

static int FN(sumsq)(const udl_sumsq_args *a) {
    i64 chunks = UDL_CEIL_DIV(a->n, CHUNK);
    FN(squares) j = {a->a, a->n, NULL};
    double total = 0;
    if (chunks <= 1) {
        *(double *)a->out = FN(run_sum)(a->a, a->n, 1);
        return UDL_OK;
    }
    if (!(j.parts = udl_alloc(sizeof(double) * (size_t)chunks))) return UDL_ENOMEM;
    udl_parallel_for(chunks, 1, FN(square_chunks), &j);
    for (i64 c = 0; c < chunks; c++) total += j.parts[c];
    udl_free(j.parts, sizeof(double) * (size_t)chunks);
    *(double *)a->out = total;
    return UDL_OK;
}
#endif
