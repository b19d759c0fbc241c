/* gemv.c - few_rows: out[m, n] = act(alpha sum_k X[m, k] A[n, k] + out + bias) + residual for m <= GEMM_FEW, large A.
 *
 * Bound by reading A once. (m, n) is also (n, m) of the transposed product: `out` has two strides.
 * a_k == 1: dot products. A tile of 4 rows of A x up to 3 of X, or 3 x 4, keeps its sums in 8 to 12 vectors.
 * else (m == 1): y += x[k] A[:, k], four columns at a time (eight, which often lie
 * a multiple of 4096 bytes apart, would push one another out of L1), over a strip of y that stays there. Long sums are cut into
 * parts of k, so that a thread reads whole rows of memory; the parts are added in order. */
#ifndef T
#include "gemm.h"
#include "gemm_act.h"

#define UDL_THIS_FILE "kernels/gemv.c"
#include "../each_float.h"
#else

typedef struct {
    i64 m, n, k, a_n, a_k, x_m, y_m, y_n;
    const T *a, *x;
    T *y;
    const FN(gemm_epilogue) *e;
    T *partial;      /* sums of the parts of k: [part][n] */
    i64 parts, strip;
} FN(few);

static void FN(few_store)(const FN(few) *r, i64 m, i64 n, T v) {
    const FN(gemm_epilogue) *e = r->e;
    i64 at = m * r->y_m + n * r->y_n;
    if (e->alpha != 1) v *= e->alpha; /* a product of its own costs 5 ns where v is subnormal */
    if (e->add) v += r->y[at];
    if (e->bias_n) v += e->bias_n[n];
    if (e->bias_m) v += e->bias_m[m];
    if (e->act == UDL_ACT_RELU) v = v < 0 ? 0 : v;
    else if (e->act) v = FN(gemm_act)((vec){0} + v, e->act)[0];
    if (e->residual) v += e->residual[at];
    r->y[at] = v;
}

/* ---- rows of A contiguous: dot products ---------------------------------------------------------------------------- */
/* X rows m.., A rows n..: M x N sums, U vectors of each at a time. M, N, U are constants. */
VFN void FN(dots)(const FN(few) *r, i64 m, i64 n, int M, int N, int U) {
    const T *a[4], *x[4];
    vec s[2][4][4]; /* [u][m][n] */
    _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) a[i] = r->a + (n + i) * r->a_n;
    _Pragma("GCC unroll 4") for (int j = 0; j < M; j++) x[j] = r->x + (m + j) * r->x_m;
    _Pragma("GCC unroll 2") for (int u = 0; u < 2; u++)
        _Pragma("GCC unroll 4") for (int j = 0; j < 4; j++)
            _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) s[u][j][i] = (vec){0};
    i64 k = 0;
    for (; k + U * VW <= r->k; k += U * VW)
        _Pragma("GCC unroll 2") for (int u = 0; u < U; u++) {
            vec xv[4];
            _Pragma("GCC unroll 4") for (int j = 0; j < M; j++) xv[j] = v_load(x[j] + k + u * VW);
            _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) {
                vec av = v_load(a[i] + k + u * VW);
                _Pragma("GCC unroll 4") for (int j = 0; j < M; j++) s[u][j][i] = v_fma(av, xv[j], s[u][j][i]);
            }
        }
    _Pragma("GCC unroll 4") for (int j = 0; j < M; j++) {
        T sum[4];
        if (U == 2) _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) s[0][j][i] += s[1][j][i];
        FN(v_sums4)(s[0][j], sum);
        for (i64 t = k; t < r->k; t++)
            _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) sum[i] += a[i][t] * x[j][t];
        _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) FN(few_store)(r, m + j, n + i, sum[i]);
    }
}
static void FN(dots_1x1)(const FN(few) *r, i64 m, i64 n) { FN(dots)(r, m, n, 1, 1, 2); }
static void FN(dots_1x4)(const FN(few) *r, i64 m, i64 n) { FN(dots)(r, m, n, 1, 4, 2); }
static void FN(dots_2x4)(const FN(few) *r, i64 m, i64 n) { FN(dots)(r, m, n, 2, 4, 1); }
static void FN(dots_3x4)(const FN(few) *r, i64 m, i64 n) { FN(dots)(r, m, n, 3, 4, 1); }
static void FN(dots_4x3)(const FN(few) *r, i64 m, i64 n) { FN(dots)(r, m, n, 4, 3, 1); }

/* all rows of X with rows n..n1 of A, which stay in L1 or L2 meanwhile */
static void FN(dots_rows)(const FN(few) *r, i64 n0, i64 n1) {
    for (i64 m = 0, mr; m < r->m; m += mr) {
        i64 left = r->m - m, n = n0;
        mr = left <= 4 ? left : left == 5 || left == 6 ? 3 : 4;
        if (mr == 4) for (; n + 3 <= n1; n += 3) FN(dots_4x3)(r, m, n);
        else if (mr == 3) for (; n + 4 <= n1; n += 4) FN(dots_3x4)(r, m, n);
        else if (mr == 2) for (; n + 4 <= n1; n += 4) FN(dots_2x4)(r, m, n);
        else for (; n + 4 <= n1; n += 4) FN(dots_1x4)(r, m, n);
        for (; n < n1; n++)
            for (i64 j = 0; j < mr; j++) FN(dots_1x1)(r, m + j, n);
    }
}
static void FN(dots_task)(void *ctx, i64 begin, i64 end) { /* in groups of 12 rows of A */
    const FN(few) *r = ctx;
    for (i64 g = begin; g < end; g++) FN(dots_rows)(r, g * 12, UDL_MINI(g * 12 + 12, r->n));
}

/* ---- columns of A contiguous, m == 1 ------------------------------------------------------------------------------- */
/* s[n] = sum over k0..k1 of x[k] A[n0 + n, k] */
static void FN(axpy)(const FN(few) *r, T *s, i64 n0, i64 nb, i64 k0, i64 k1) {
    const T *a = r->a + n0 * r->a_n, *x = r->x;
    i64 k = k0, ld = r->a_k;
    memset(s, 0, (size_t)nb * sizeof(T));
    if (r->a_n == 1)
        for (; k + 4 <= k1; k += 4) {
            const T *p = a + k * ld;
            i64 n = 0;
            for (; n + 2 * VW <= nb; n += 2 * VW) {
                vec v = v_load(s + n), w = v_load(s + n + VW);
                _Pragma("GCC unroll 4") for (i64 i = 0; i < 4; i++) {
                    v = v_fma(v_load(p + i * ld + n), v_set(x[k + i]), v);
                    w = v_fma(v_load(p + i * ld + n + VW), v_set(x[k + i]), w);
                }
                v_store(s + n, v);
                v_store(s + n + VW, w);
            }
            for (; n < nb; n++)
                for (i64 i = 0; i < 4; i++) s[n] += p[i * ld + n] * x[k + i];
        }
    for (; k < k1; k++)
        for (i64 n = 0; n < nb; n++) s[n] += a[n * r->a_n + k * ld] * x[k];
}

/* y[n0..n0 + nb] = epilogue(s); s may be read to a whole vector */
static void FN(few_finish)(const FN(few) *r, i64 n0, i64 nb, const T *s) {
    FN(gemm_epilogue) e = *r->e;
    if (r->y_n != 1 || e.bias_m) {
        for (i64 n = 0; n < nb; n++) FN(few_store)(r, 0, n0 + n, s[n]);
        return;
    }
    if (e.bias_n) e.bias_n += n0;
    if (e.residual) e.residual += n0;
    gemm_finish(1, nb, s, nb, r->y + n0, nb, &e);
}

#define STRIP (16384 / (i64)sizeof(T))
static void FN(axpy_task)(void *ctx, i64 begin, i64 end) { /* task = (strip of n, part of k) */
    const FN(few) *r = ctx;
    T strip[STRIP + VW];
    for (i64 t = begin; t < end; t++) {
        i64 part = t % r->parts, n0 = t / r->parts * r->strip, nb = UDL_MINI(r->strip, r->n - n0);
        T *s = r->partial ? r->partial + part * r->n + n0 : strip;
        FN(axpy)(r, s, n0, nb, part * r->k / r->parts, (part + 1) * r->k / r->parts);
        if (!r->partial) FN(few_finish)(r, n0, nb, s);
    }
}

static int FN(few_columns)(FN(few) *r, double bytes) {
    i64 strips = UDL_CEIL_DIV(r->n, STRIP);
    r->strip = UDL_CEIL_DIV(UDL_CEIL_DIV(r->n, strips), 16) * 16;
    strips = UDL_CEIL_DIV(r->n, r->strip);
    r->parts = UDL_MAXI(1, UDL_MINI(UDL_MINI((i64)(bytes / (2 * GEMM_TASK_BYTES)), 16) / strips, r->k / 32));
    size_t size = (size_t)(r->parts * r->n + VW) * sizeof(T);
    if (r->parts > 1 && !(r->partial = udl_alloc(size))) return UDL_ENOMEM;
    udl_parallel_for(strips * r->parts, bytes < 2 * GEMM_TASK_BYTES ? strips * r->parts : 1, FN(axpy_task), r);
    if (!r->partial) return UDL_OK;
    T *s = r->partial;
    i64 n = 0;
    for (; n + VW <= r->n; n += VW) {
        vec v = v_load(s + n);
        for (i64 p = 1; p < r->parts; p++) v += v_load(s + p * r->n + n);
        v_store(s + n, v);
    }
    for (; n < r->n; n++)
        for (i64 p = 1; p < r->parts; p++) s[n] += s[p * r->n + n];
    FN(few_finish)(r, 0, r->n, s);
    udl_free(r->partial, size);
    return UDL_OK;
}

/* one long dot product: parts of k side by side, added in order */
#define DOT 32768
static void FN(dot_task)(void *ctx, i64 begin, i64 end) {
    const FN(few) *r = ctx;
    const FN(gemm_epilogue) plain = {.alpha = 1};
    for (i64 t = begin; t < end; t++) {
        FN(few) part = *r;
        part.a += t * DOT, part.x += t * DOT, part.k = UDL_MINI(r->k - t * DOT, (i64)DOT), part.y = r->partial + t, part.e = &plain;
        FN(dots_1x1)(&part, 0, 0);
    }
}
static int FN(one_dot)(FN(few) *r) {
    T few[32];
    const i64 parts = UDL_CEIL_DIV(r->k, DOT);
    r->partial = parts <= 32 ? few : udl_alloc((size_t)parts * sizeof(T));
    if (!r->partial) return UDL_ENOMEM;
    udl_parallel_for(parts, 2, FN(dot_task), r);
    double sum = 0;
    for (i64 i = 0; i < parts; i++) sum += (double)r->partial[i];
    FN(few_store)(r, 0, 0, (T)sum);
    if (r->partial != few) udl_free(r->partial, (size_t)parts * sizeof(T));
    return UDL_OK;
}
#undef DOT

int few_rows(i64 m, i64 n, i64 k, const T *x, i64 x_m, i64 x_k, const T *a, i64 a_n, i64 a_k, T *y, i64 y_m, i64 y_n,
             const FN(gemm_epilogue) *e) {
    FN(few) r = {.m = m, .n = n, .k = k, .a_n = a_n, .a_k = a_k, .x_m = x_m, .y_m = y_m, .y_n = y_n,
                 .a = a, .x = x, .y = y, .e = e};
    double bytes = (double)n * (double)k * sizeof(T);
    size_t size = (size_t)(m * k) * sizeof(T);
    T *copy = 0;
    int status = UDL_OK;
    if (x_k != 1 && k > 1) {
        if (!(copy = udl_alloc(size))) return UDL_ENOMEM;
        for (i64 j = 0; j < m; j++)
            for (i64 i = 0; i < k; i++) copy[j * k + i] = x[j * x_m + i * x_k];
        r.x = copy, r.x_m = k;
    }
    if (a_k == 1 && m == 1 && n == 1) status = FN(one_dot)(&r);
    else if (a_k == 1 && (a_n != 1 || m > 1)) {
        i64 groups = UDL_CEIL_DIV(n, 12), group = UDL_MAXI(12 * k * (i64)sizeof(T), 1);
        i64 grain = bytes < 2 * GEMM_TASK_BYTES ? groups : UDL_CEIL_DIV(GEMM_TASK_BYTES, group);
        udl_parallel_for(groups, grain, FN(dots_task), &r);
    } else {
        status = FN(few_columns)(&r, bytes);
    }
    if (copy) udl_free(copy, size);
    return status;
}
#undef STRIP
#endif
