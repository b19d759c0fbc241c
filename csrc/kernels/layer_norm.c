/* layer_norm.c - y[m, d] = (x - mean_m) rstd_m w_d + b_d, rstd = 1 / sqrt(var + eps), per row of x[M, D].
 *
 * Statistics in two passes over a row that stays in cache: the mean first, then the mean square of the deviations, so a
 * large mean costs no accuracy. Backward, with h = (x - mean) rstd and g = gy w:
 *   gx = rstd (g - mean_d g - h mean_d (g h)),  gw_d = sum_m gy h,  gb_d = sum_m gy
 * gw and gb are summed over BLOCK rows a piece into partial rows, and these in order: the same bits for any threads.
 * gy, x may be read twice; gx aliases nothing. Floor: read x twice (once from cache), write y: bytes over bandwidth. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/layer_norm.c"
#define PIECE 16384 /* elements of a parallel piece */
#define PARTIALS 64 /* at most so many partial sums of gw, gb */
#include "../each_float.h"
int KERNEL(layer_norm)(const udl_layer_norm_args *a) { return BY_FLOAT(a->dtype, layer_norm, (a)); }
int KERNEL(layer_norm_backward)(const udl_layer_norm_backward_args *a) { return BY_FLOAT(a->dtype, layer_norm_backward, (a)); }
#else

static void FN(row_stats)(const T *x, i64 D, double eps, T *mean, T *rstd) {
    vec s0 = v_set(0), s1 = v_set(0), q0 = v_set(0), q1 = v_set(0);
    i64 i = 0;
    for (; i + 2 * VW <= D; i += 2 * VW) { s0 += v_load(x + i); s1 += v_load(x + i + VW); }
    T s = v_sum(s0 + s1);
    for (; i < D; i++) s += x[i];
    T m = s / (T)D, e = 0, q = 0;
    vec vm = v_set(m), e0 = v_set(0);
    for (i = 0; i + 2 * VW <= D; i += 2 * VW) {
        vec a = v_load(x + i) - vm, b = v_load(x + i + VW) - vm;
        q0 = v_fma(a, a, q0); q1 = v_fma(b, b, q1); e0 += a + b;
    }
    q = v_sum(q0 + q1);
    e = v_sum(e0);
    for (; i < D; i++) { T d = x[i] - m; q += d * d; e += d; }
    e /= (T)D; /* what rounding left in the mean */
    *mean = m + e;
    *rstd = (T)(1.0 / sqrt((double)(q / (T)D) - (double)e * e + eps));
}

static void FN(forward)(void *p, i64 begin, i64 end) {
    const udl_layer_norm_args *a = p;
    const T *w = a->w, *b = a->b;
    i64 D = a->D;
    for (i64 r = begin; r < end; r++) {
        const T *x = (const T *)a->x + r * D;
        T *y = (T *)a->y + r * D, m, s;
        FN(row_stats)(x, D, a->eps, &m, &s);
        ((T *)a->mean)[r] = m;
        ((T *)a->rstd)[r] = s;
        vec vm = v_set(m), vs = v_set(s);
        i64 i = 0;
        for (; i + VW <= D; i += VW) {
            vec h = (v_load(x + i) - vm) * vs;
            if (w) h *= v_load(w + i);
            if (b) h += v_load(b + i);
            v_store(y + i, h);
        }
        for (; i < D; i++) {
            T h = (x[i] - m) * s;
            if (w) h *= w[i];
            y[i] = b ? h + b[i] : h;
        }
    }
}

static int FN(layer_norm)(const udl_layer_norm_args *a) {
    if (a->M == 0 || a->D == 0) return UDL_OK;
    i64 grain = UDL_MAXI(1, PIECE / a->D);
    if (a->M <= grain) FN(forward)((void *)(uintptr_t)a, 0, a->M);
    else udl_parallel_for(a->M, grain, FN(forward), (void *)(uintptr_t)a);
    return UDL_OK;
}

typedef struct { const udl_layer_norm_backward_args *a; T *part; i64 rows; } FN(back);

/* one row: sums of g and g h first, then gx; adds to the piece's gw, gb */
static void FN(row_backward)(const udl_layer_norm_backward_args *a, i64 r, T *gw, T *gb) {
    i64 D = a->D, i = 0;
    const T *x = (const T *)a->x + r * D, *gy = (const T *)a->gy + r * D, *w = a->w;
    T m = ((const T *)a->mean)[r], s = ((const T *)a->rstd)[r], sg = 0, sgh = 0;
    vec vm = v_set(m), vs = v_set(s), g0 = v_set(0), gh0 = v_set(0);
    for (; i + VW <= D; i += VW) {
        vec g = v_load(gy + i), h = (v_load(x + i) - vm) * vs;
        if (gw) v_store(gw + i, v_fma(g, h, v_load(gw + i)));
        if (gb) v_store(gb + i, v_load(gb + i) + g);
        if (w) g *= v_load(w + i);
        g0 += g;
        gh0 = v_fma(g, h, gh0);
    }
    for (; i < D; i++) {
        T g = gy[i], h = (x[i] - m) * s;
        if (gw) gw[i] += g * h;
        if (gb) gb[i] += g;
        if (w) g *= w[i];
        sg += g;
        sgh += g * h;
    }
    if (!a->gx) return;
    sg = (sg + v_sum(g0)) / (T)D;
    sgh = (sgh + v_sum(gh0)) / (T)D;
    T *gx = (T *)a->gx + r * D;
    vec vg = v_set(sg), vgh = v_set(sgh);
    for (i = 0; i + VW <= D; i += VW) {
        vec g = v_load(gy + i), h = (v_load(x + i) - vm) * vs;
        if (w) g *= v_load(w + i);
        v_store(gx + i, vs * (g - vg - h * vgh));
    }
    for (; i < D; i++) {
        T g = w ? gy[i] * w[i] : gy[i], h = (x[i] - m) * s;
        gx[i] = s * (g - sg - h * sgh);
    }
}

static void FN(backward)(void *p, i64 begin, i64 end) {
    const FN(back) *j = p;
    const udl_layer_norm_backward_args *a = j->a;
    for (i64 c = begin; c < end; c++) {
        T *gw = a->gw ? j->part + 2 * c * a->D : NULL, *gb = a->gb ? j->part + (2 * c + 1) * a->D : NULL;
        if (gw) memset(gw, 0, sizeof(T) * (size_t)a->D);
        if (gb) memset(gb, 0, sizeof(T) * (size_t)a->D);
        for (i64 r = c * j->rows; r < UDL_MINI(a->M, (c + 1) * j->rows); r++) FN(row_backward)(a, r, gw, gb);
    }
}

static int FN(layer_norm_backward)(const udl_layer_norm_backward_args *a) {
    i64 D = a->D, rows = UDL_MAXI(UDL_CEIL_DIV(a->M, PARTIALS), UDL_MAXI(1, PIECE / UDL_MAXI(D, 1)));
    i64 pieces = a->M ? UDL_CEIL_DIV(a->M, rows) : 0;
    size_t bytes = sizeof(T) * (size_t)(2 * UDL_MAXI(pieces, 1) * D);
    FN(back) j = {a, NULL, rows};
    if (D == 0) return UDL_OK;
    if ((a->gw || a->gb) && !(j.part = udl_alloc(bytes))) return UDL_ENOMEM;
    if (pieces == 1) FN(backward)(&j, 0, 1);
    else if (pieces > 1) udl_parallel_for(pieces, 1, FN(backward), &j);
    for (int k = 0; k < 2; k++) {
        T *out = k ? a->gb : a->gw;
        if (!out) continue;
        memset(out, 0, sizeof(T) * (size_t)D);
        for (i64 c = 0; c < pieces; c++)
            for (i64 i = 0; i < D; i++) out[i] += j.part[(2 * c + k) * D + i];
    }
    if (j.part) udl_free(j.part, bytes);
    return UDL_OK;
}
#endif
