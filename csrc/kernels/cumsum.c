/* cumsum.c - out[o, k, i] = a[o, 0, i] op ... op a[o, k, i]; from the end when inner_reverse is negative.
 *
 * + and *: every scan is one chain in the order of k (float accumulates in double, so long sums stay accurate); rows go eight side
 * by side, in tiles of 64 columns (sixteen rows a power of two apart would fall into one set of the cache), columns (inner > 1) a
 * strip at a time along memory. Places of running extremes (out int64) likewise. log of running sums of exponentials: log_sums.
 * Parallel over outer and strips. out may alias a, but not for places. Floor: one read and one write an element. */
#ifndef T
#include "../kernel.h"
#include "../vec/math.h"
#define UDL_THIS_FILE "kernels/cumsum.c"
#define STRIP 128
#define TILE 64
#define LOG_COLUMNS 16

static i64 inner_of(const udl_cumsum_args *a) { return a->inner_reverse < 0 ? -a->inner_reverse : a->inner_reverse; }

/* Place k wins over the best so far: of equals the later one, a NaN over all numbers. */
#define WINS(x, best, largest) ((x) != (x) || ((largest) ? (x) >= (best) : (x) <= (best)))

/* Strips of w columns of type E: where[i] the place of the best of column i so far. A row is a strip of one. */
#define PLACES(E)                                                                                                         \
    const udl_cumsum_args *a = p;                                                                                         \
    const i64 inner = inner_of(a), n = a->n, strips = UDL_CEIL_DIV(inner, STRIP);                                         \
    const int largest = a->op == UDL_ARGMAX;                                                                              \
    for (i64 t = begin; t < end; t++) {                                                                                   \
        const i64 first = t / strips * n * inner + t % strips * STRIP, w = UDL_MINI(inner - t % strips * STRIP, (i64)STRIP); \
        const E *x = (const E *)a->a + first;                                                                             \
        i64 *out = (i64 *)a->out + first, where[STRIP] = {0};                                                             \
        E best[STRIP];                                                                                                    \
        memcpy(best, x, sizeof(E) * (size_t)w);                                                                           \
        if (inner == 1) {                                                                                                 \
            if (largest) for (i64 k = 0; k < n; k++) { if (WINS(x[k], *best, 1)) *where = k, *best = x[k]; out[k] = *where; } \
            else for (i64 k = 0; k < n; k++) { if (WINS(x[k], *best, 0)) *where = k, *best = x[k]; out[k] = *where; }     \
        } else                                                                                                            \
            for (i64 k = 0; k < n; k++, x += inner, out += inner)                                                         \
                for (i64 i = 0; i < w; i++) {                                                                             \
                    const int wins = WINS(x[i], best[i], largest);                                                        \
                    best[i] = wins ? x[i] : best[i];                                                                      \
                    out[i] = where[i] = wins ? k : where[i];                                                              \
                }                                                                                                         \
    }
static void places_i64(void *p, i64 begin, i64 end) { PLACES(i64) }

static void ints(void *p, i64 begin, i64 end) {
    const udl_cumsum_args *a = p;
    i64 inner = inner_of(a), reverse = a->inner_reverse < 0;
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

/* x_k <- M_k + log S_k, where M is the running maximum and S_k = S_k-1 exp(M_k-1 - M_k) + exp(x_k - M_k). One of the two
 * exponentials is 1 and the other exp(-|x_k - M_k-1|), which needs no S: a vector of them at a time. A NaN stays in S. */
static void log_sums(double *x, i64 n, double *max, double *sum) {
    double top[TILE], e[TILE], m = *max, s = *sum;
    uint8_t rises[TILE];
    for (i64 k = 0; k < n; k++) {
        const double v = x[k];
        rises[k] = v > m;
        e[k] = v == m ? 0 : -fabs(v - m);
        top[k] = m = v > m ? v : m;
    }
    for (i64 k = n; k % VW64; k++) e[k] = 0;
    for (i64 k = 0; k < n; k += VW64) v_store(e + k, v_exp(v_load(e + k)));
    for (i64 k = 0; k < n; k++) e[k] = s = rises[k] ? s * e[k] + 1 : s + e[k];
    for (i64 k = 0; k < n; k += VW64) v_store(e + k, v_log(v_load(e + k)));
    for (i64 k = 0; k < n; k++) x[k] = top[k] + e[k];
    *max = m, *sum = s;
}
#include "../each_float.h"

int KERNEL(cumsum)(const udl_cumsum_args *a) {
    const i64 inner = inner_of(a), each = UDL_MAXI(a->n, 1);
    if (a->outer * a->n * inner == 0) return UDL_OK;
    if (a->op == UDL_ARGMAX || a->op == UDL_ARGMIN) {
        const udl_range_fn fn = a->dtype == UDL_I64 ? places_i64 : a->dtype == UDL_F32 ? places_f32 : UDL_F64_OR(places_f64, NULL);
        if (!fn || (a->dtype != UDL_I64 && a->dtype != UDL_F32 && a->dtype != UDL_F64) || a->inner_reverse < 0) return UDL_EINVAL;
        udl_parallel_for(a->outer * UDL_CEIL_DIV(inner, STRIP), UDL_MAXI(1, 16384 / (each * UDL_MINI(inner, (i64)STRIP))), fn, (void *)(uintptr_t)a);
        return UDL_OK;
    }
    if (a->dtype != UDL_I64) return BY_FLOAT(a->dtype, cumsum, (a));
    if (a->op == UDL_LOGSUMEXP) return UDL_EINVAL;
    udl_parallel_for(a->outer * inner, UDL_MAXI(1, 16384 / each), ints, (void *)(uintptr_t)a);
    return UDL_OK;
}
#else
static void FN(places)(void *p, i64 begin, i64 end) { PLACES(T) }

/* rows o.. of inner = 1, R of them side by side: their chains of additions overlap. R and op are constants. */
VFN void FN(scan_rows)(const udl_cumsum_args *a, i64 o, int R, int op) {
    const i64 n = a->n;
    const T *x = (const T *)a->a + o * n;
    T *y = (T *)a->out + o * n, t[8][TILE];
    double s[8];
    for (int r = 0; r < R; r++) s[r] = op == UDL_PROD;
    for (i64 done = 0, w; done < n; done += w) {
        w = UDL_MINI(n - done, (i64)TILE);
        const i64 first = a->inner_reverse < 0 ? n - done - w : done, step = a->inner_reverse < 0 ? -1 : 1;
        for (int r = 0; r < R; r++) memcpy(t[r], x + r * n + first, sizeof(T) * (size_t)w);
        for (i64 k = 0, at = step < 0 ? w - 1 : 0; k < w; k++, at += step)
            _Pragma("GCC unroll 8") for (int r = 0; r < R; r++) {
                const double v = (double)t[r][at];
                s[r] = op == UDL_PROD ? s[r] * v : s[r] + v;
                t[r][at] = (T)s[r];
            }
        for (int r = 0; r < R; r++) memcpy(y + r * n + first, t[r], sizeof(T) * (size_t)w);
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
    i64 inner = inner_of(a), strips = UDL_CEIL_DIV(inner, STRIP);
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

/* up to LOG_COLUMNS columns, TILE elements of each at a time */
static void FN(logs)(void *p, i64 begin, i64 end) {
    const udl_cumsum_args *a = p;
    const i64 inner = inner_of(a), n = a->n, strips = UDL_CEIL_DIV(inner, LOG_COLUMNS);
    double t[LOG_COLUMNS][TILE], max[LOG_COLUMNS], sum[LOG_COLUMNS];
    for (i64 task = begin; task < end; task++) {
        const i64 i0 = task % strips * LOG_COLUMNS, w = UDL_MINI(inner - i0, (i64)LOG_COLUMNS), base = task / strips * n * inner + i0;
        for (i64 i = 0; i < w; i++) max[i] = -INFINITY, sum[i] = 0;
        for (i64 done = 0; done < n; done += TILE) {
            const i64 m = UDL_MINI(n - done, (i64)TILE), step = a->inner_reverse < 0 ? -inner : inner;
            const i64 at = base + (step < 0 ? n - 1 - done : done) * inner;
            for (i64 k = 0; k < m; k++)
                for (i64 i = 0; i < w; i++) t[i][k] = (double)((const T *)a->a)[at + k * step + i];
            for (i64 i = 0; i < w; i++) log_sums(t[i], m, max + i, sum + i);
            for (i64 k = 0; k < m; k++)
                for (i64 i = 0; i < w; i++) ((T *)a->out)[at + k * step + i] = (T)t[i][k];
        }
    }
}

static int FN(cumsum)(const udl_cumsum_args *a) {
    const int logs = a->op == UDL_LOGSUMEXP;
    const i64 inner = inner_of(a), strip = UDL_MINI(inner, logs ? LOG_COLUMNS : STRIP);
    i64 grain = UDL_MAXI(1, (logs ? 2048 : 16384) / (a->n * strip));
    if (inner == 1 && !logs) grain = (grain + 7) / 8 * 8;
    udl_parallel_for(a->outer * UDL_CEIL_DIV(inner, strip), grain, logs ? FN(logs) : inner == 1 ? FN(rows) : FN(strips), (void *)(uintptr_t)a);
    return UDL_OK;
}
#endif
