/* cumsum.c - out[o, k, i] = a[o, 0, i] op ... op a[o, k, i]; from the end when inner_reverse is negative.
 *
 * + and *: every scan is one chain in the order of k (float accumulates in double, so long sums stay accurate); rows go eight side
 * by side, in tiles of 64 columns (sixteen rows a power of two apart would fall into one set of the cache), columns (inner > 1) a
 * strip at a time along memory; a few long rows of float are cut into chunks (long_rows). Places of running extremes (out int64)
 * likewise, without the tiles. Logarithms of running sums of exponentials: log_sums.
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

/* R rows of n, `row` elements apart, side by side: their chains of additions overlap. s[r] is what comes before row r. R and op are
 * constants. */
VFN void FN(scan_rows)(const T *x, T *y, i64 row, i64 n, int reverse, double *s, int R, int op) {
    T t[8][TILE];
    for (i64 done = 0, w; done < n; done += w) {
        w = UDL_MINI(n - done, (i64)TILE);
        const i64 first = reverse ? n - done - w : done, step = reverse ? -1 : 1;
        for (int r = 0; r < R; r++) memcpy(t[r], x + r * row + first, sizeof(T) * (size_t)w);
        for (i64 k = 0, at = reverse ? w - 1 : 0; k < w; k++, at += step)
            _Pragma("GCC unroll 8") for (int r = 0; r < R; r++) {
                const double v = (double)t[r][at];
                s[r] = op == UDL_PROD ? s[r] * v : s[r] + v;
                t[r][at] = (T)s[r];
            }
        for (int r = 0; r < R; r++) memcpy(y + r * row + first, t[r], sizeof(T) * (size_t)w);
    }
}

static void FN(rows)(void *p, i64 begin, i64 end) {
    const udl_cumsum_args *a = p;
    const i64 n = a->n, reverse = a->inner_reverse < 0;
    for (i64 o = begin, R; o < end; o += R) {
        const T *x = (const T *)a->a + o * n;
        T *y = (T *)a->out + o * n;
        double s[8];
        for (int r = 0; r < 8; r++) s[r] = a->op == UDL_PROD;
        R = end - o >= 8 ? 8 : 1;
        if (R == 8 && a->op == UDL_PROD) FN(scan_rows)(x, y, n, n, (int)reverse, s, 8, UDL_PROD);
        else if (R == 8) FN(scan_rows)(x, y, n, n, (int)reverse, s, 8, UDL_SUM);
        else if (a->op == UDL_PROD) FN(scan_rows)(x, y, n, n, (int)reverse, s, 1, UDL_PROD);
        else FN(scan_rows)(x, y, n, n, (int)reverse, s, 1, UDL_SUM);
    }
}

/* A few long rows of float: sums of chunks, what comes before each, then eight chunks side by side. (Sums of floats cannot leave the
 * range of double on the way, so that only the rounding differs from one chain. The last chunk may be short.) */
#define CHUNK 4096
#define LONG (8 * CHUNK)
typedef struct { const udl_cumsum_args *a; double *before; i64 chunks; } FN(long_job);

static void FN(chunk_sums)(void *p, i64 begin, i64 end) {
    const FN(long_job) *j = p;
    const i64 n = j->a->n;
    for (i64 t = begin; t < end; t++) {
        const i64 k0 = t % j->chunks * CHUNK, m = UDL_MINI(n - k0, (i64)CHUNK);
        const T *x = (const T *)j->a->a + t / j->chunks * n + k0;
        double s[8] = {0};
        i64 i = 0;
        for (; i + 8 <= m; i += 8)
            for (int l = 0; l < 8; l++) s[l] += (double)x[i + l];
        for (; i < m; i++) s[0] += (double)x[i];
        j->before[t] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
}

static void FN(chunks)(void *p, i64 begin, i64 end) {
    const FN(long_job) *j = p;
    const i64 n = j->a->n, reverse = j->a->inner_reverse < 0, groups = UDL_CEIL_DIV(j->chunks, 8);
    for (i64 t = begin; t < end; t++) {
        const i64 c0 = t % groups * 8, at = t / groups * n + c0 * CHUNK, o = t / groups;
        const T *x = (const T *)j->a->a + at;
        T *y = (T *)j->a->out + at;
        double *s = j->before + o * j->chunks + c0;
        if ((c0 + 8) * CHUNK <= n) FN(scan_rows)(x, y, CHUNK, CHUNK, (int)reverse, s, 8, UDL_SUM);
        else
            for (i64 c = c0; c < j->chunks; c++, x += CHUNK, y += CHUNK)
                FN(scan_rows)(x, y, 0, UDL_MINI(n - c * CHUNK, (i64)CHUNK), (int)reverse, s + c - c0, 1, UDL_SUM);
    }
}

static int FN(long_rows)(const udl_cumsum_args *a) {
    FN(long_job) j = {a, NULL, UDL_CEIL_DIV(a->n, CHUNK)};
    const size_t bytes = sizeof(double) * (size_t)(a->outer * j.chunks);
    if (!(j.before = udl_alloc(bytes))) return UDL_ENOMEM;
    udl_parallel_for(a->outer * j.chunks, 4, FN(chunk_sums), &j);
    for (i64 o = 0; o < a->outer; o++) {
        double s = 0, *row = j.before + o * j.chunks;
        for (i64 k = 0; k < j.chunks; k++) {
            double *c = row + (a->inner_reverse < 0 ? j.chunks - 1 - k : k), sum = *c;
            *c = s;
            s += sum;
        }
    }
    udl_parallel_for(a->outer * UDL_CEIL_DIV(j.chunks, 8), 1, FN(chunks), &j);
    udl_free(j.before, bytes);
    return UDL_OK;
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
    if (sizeof(T) == 4 && a->op == UDL_SUM && inner == 1 && a->n >= LONG && a->outer < 32) return FN(long_rows)(a);
    i64 grain = UDL_MAXI(1, (logs ? 2048 : 16384) / (a->n * strip));
    if (inner == 1 && !logs) grain = (grain + 7) / 8 * 8;
    udl_parallel_for(a->outer * UDL_CEIL_DIV(inner, strip), grain, logs ? FN(logs) : inner == 1 ? FN(rows) : FN(strips), (void *)(uintptr_t)a);
    return UDL_OK;
}
#endif
