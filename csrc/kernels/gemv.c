/* gemv.c - y[n] = act(alpha sum_k A[n, k] x[k] + y + bias) + residual, bound by reading A once.
 *
 * a_k == 1: dot products, four rows of A at a time, so that x is loaded once for four.
 * else:     y += x[k] A[:, k] over a strip of y that stays in L1, eight columns at a time. */
#ifndef T
#include "gemm.h"
#include "gemm_act.h"
#define UDL_THIS_FILE "kernels/gemv.c"
#include "../each_float.h"
#else

typedef struct {
    i64 n, k, a_n, a_k, y_n;
    const T *a, *x;
    T *y;
    const FN(gemm_epilogue) *e;
    int failed;
} FN(gemv_run);

static void FN(gemv_store)(const FN(gemv_run) *r, i64 n, T v) {
    const FN(gemm_epilogue) *e = r->e;
    T *y = r->y + n * r->y_n;
    v *= e->alpha;
    if (e->add) v += *y;
    if (e->bias_n) v += e->bias_n[n];
    if (e->bias_m) v += e->bias_m[0];
    if (e->act == UDL_ACT_RELU) v = v < 0 ? 0 : v;
    else if (e->act) v = FN(gemm_act)((vec){0} + v, e->act)[0];
    if (e->residual) v += e->residual[n * r->y_n];
    *y = v;
}

VFN void FN(dots)(const FN(gemv_run) *r, i64 n, int rows) {
    const T *a[4], *x = r->x;
    vec s[4][2];
    i64 k = 0;
    _Pragma("GCC unroll 4") for (int i = 0; i < rows; i++) a[i] = r->a + (n + i) * r->a_n, s[i][0] = s[i][1] = (vec){0};
    for (; k + 2 * VW <= r->k; k += 2 * VW) {
        vec x0 = v_load(x + k), x1 = v_load(x + k + VW);
        _Pragma("GCC unroll 4") for (int i = 0; i < rows; i++) {
            s[i][0] = v_fma(v_load(a[i] + k), x0, s[i][0]);
            s[i][1] = v_fma(v_load(a[i] + k + VW), x1, s[i][1]);
        }
    }
    T tail[4] = {0};
    for (; k < r->k; k++)
        _Pragma("GCC unroll 4") for (int i = 0; i < rows; i++) tail[i] += a[i][k] * x[k];
    _Pragma("GCC unroll 4") for (int i = 0; i < rows; i++)
        FN(gemv_store)(r, n + i, UDL_G1(v_sum, s[i][0])(s[i][0] + s[i][1]) + tail[i]);
}
static void FN(dots_task)(void *ctx, i64 begin, i64 end) {
    i64 n = begin;
    for (; n + 4 <= end; n += 4) FN(dots)(ctx, n, 4);
    for (; n < end; n++) FN(dots)(ctx, n, 1);
}

#define STRIP 1024
static void FN(axpy_task)(void *ctx, i64 begin, i64 end) {
    const FN(gemv_run) *r = ctx;
    T strip[STRIP];
    for (i64 n0 = begin; n0 < end; n0 += STRIP) {
        i64 nb = UDL_MINI(STRIP, end - n0), k = 0, s = r->a_k;
        const T *a = r->a + n0 * r->a_n, *x = r->x;
        memset(strip, 0, (size_t)nb * sizeof(T));
        if (r->a_n == 1)
            for (; k + 8 <= r->k; k += 8) {
                const T *p = a + k * s;
                i64 n = 0;
                for (; n + VW <= nb; n += VW) {
                    vec v = v_load(strip + n), w = v_load(p + n) * x[k];
                    v = v_fma(v_load(p + s + n), (vec){0} + x[k + 1], v);
                    w = v_fma(v_load(p + 2 * s + n), (vec){0} + x[k + 2], w);
                    v = v_fma(v_load(p + 3 * s + n), (vec){0} + x[k + 3], v);
                    w = v_fma(v_load(p + 4 * s + n), (vec){0} + x[k + 4], w);
                    v = v_fma(v_load(p + 5 * s + n), (vec){0} + x[k + 5], v);
                    w = v_fma(v_load(p + 6 * s + n), (vec){0} + x[k + 6], w);
                    v = v_fma(v_load(p + 7 * s + n), (vec){0} + x[k + 7], v);
                    v_store(strip + n, v + w);
                }
                for (; n < nb; n++)
                    for (i64 i = 0; i < 8; i++) strip[n] += p[i * s + n] * x[k + i];
            }
        for (; k < r->k; k++)
            for (i64 n = 0; n < nb; n++) strip[n] += a[n * r->a_n + k * s] * x[k];
        for (i64 n = 0; n < nb; n++) FN(gemv_store)(r, n0 + n, strip[n]);
    }
}

int gemv(i64 n, i64 k, const T *a, i64 a_n, i64 a_k, const T *x, i64 x_k, T *y, i64 y_n, const FN(gemm_epilogue) *e) {
    FN(gemv_run) r = {n, k, a_n, a_k, y_n, a, x, y, e, 0};
    size_t bytes = (size_t)k * sizeof(T);
    T *copy = 0;
    if (x_k != 1 && k > 1) {
        if (!(copy = udl_alloc(bytes))) return UDL_ENOMEM;
        for (i64 i = 0; i < k; i++) copy[i] = x[i * x_k];
        r.x = copy;
    }
    int dot = a_k == 1 && a_n != 1;
    i64 pieces = UDL_MINI(n * k * (i64)sizeof(T) / (256 << 10) + 1, 64); /* 256 KiB of A are worth a thread */
    i64 grain = UDL_CEIL_DIV(UDL_CEIL_DIV(n, pieces), 64) * 64;
    udl_parallel_for(n, pieces == 1 ? n : grain, dot ? FN(dots_task) : FN(axpy_task), &r);
    if (copy) udl_free(copy, bytes);
    return UDL_OK;
}
#undef STRIP
#endif
