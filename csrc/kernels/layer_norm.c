/* layer_norm.c - y[m, d] = (x - mean_m) rstd_m w_d + b_d, rstd = 1 / sqrt(var + eps), per row of x[M, D]; w and b may
 * have W rows [W, D], and row m takes row m mod W (groups of channels). Without a place for the means it is rms_norm: mean_m is 0 and
 * var the mean square.
 *
 * Statistics in two passes over a row that stays in cache: the mean first, then the mean square of the deviations, so a
 * large mean costs no accuracy. Backward, with h = (x - mean) rstd and g = gy w:
 *   gx = rstd (g - mean_d g - h mean_d (g h)),  gw_d = sum_m gy h,  gb_d = sum_m gy
 * Backward takes ROWS rows at a time, so that gw and gb are loaded and stored once for all of them; they are summed over the
 * rows of a piece into partial rows, and these in order: the same bits for any threads.
 * Floor: x read and y written; backward x, gy read and gx written, each once (again from cache only): bytes over bandwidth. */
#ifndef T
#include "norm_bf16.h"
#define UDL_THIS_FILE "kernels/layer_norm.c"
#define PIECE 16384    /* elements of a parallel piece */
#define TOGETHER 4096  /* rows up to so long have their statistics computed side by side */
#define BACK_PIECE 32768
#define PARTIALS 32    /* at most so many partial sums of gw, gb */
#if UDL_VB == 64
#define ROWS 4         /* 4 registers a row */
#else
#define ROWS 2
#endif
#include "../each_float.h"
int KERNEL(layer_norm)(const udl_layer_norm_args *a) { return BF16_OR_FLOAT(a, layer_norm); }
int KERNEL(layer_norm_backward)(const udl_layer_norm_backward_args *a) { return BF16_OR_FLOAT(a, layer_norm_backward); }
#else
#include "moments.h"

#define EACH_ROW _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++)

/* s, q and u: sums of x - m and of its squares over the whole pairs of vectors of `rows` rows; the end of the last pair. low: 0, and
 * sums that are of no use, where a square is not 0. */
VFN i64 FN(rows_squares)(const T *x, i64 D, int rows, const vec *m, vec *s, vec *q, vec *u, int low) {
    vmask none = ~(vmask){0};
    i64 i = 0;
    EACH_ROW s[r] = q[r] = u[r] = v_set(0);
    for (; i + 2 * VW <= D; i += 2 * VW)
        EACH_ROW {
            const vec a = v_load(x + r * D + i) - m[r], b = v_load(x + r * D + i + VW) - m[r];
            s[r] += a + b;
            if (low) none &= FN(no_square)(a) & FN(no_square)(b);
            else q[r] = v_fma(a, a, q[r]), u[r] = v_fma(b, b, u[r]);
        }
    return low && v_any((vi64)~none) ? 0 : i;
}

/* mean and rstd of `rows` rows at once, so that their chains of additions run side by side; a row's bits are the same in any company */
VFN void FN(rows_moments)(const T *x, i64 D, int rows, double eps, T *mean, T *rstd) {
    vec s[ROWS], t[ROWS], q[ROWS], u[ROWS], m[ROWS];
    EACH_ROW s[r] = t[r] = v_set(0);
    i64 i = 0;
    for (; mean && i + 2 * VW <= D; i += 2 * VW)
        EACH_ROW s[r] += v_load(x + r * D + i), t[r] += v_load(x + r * D + i + VW);
    for (; mean && i < D; i += VW)
        EACH_ROW s[r] += v_load_n(x + r * D + i, (int)UDL_MINI(D - i, VW));
    EACH_ROW m[r] = v_set(v_sum(s[r] + t[r]) / (T)D);
    i = D >= 8 * VW && FN(vanishing)(x, m[0][0]) ? FN(rows_squares)(x, D, rows, m, s, q, u, 1) : 0;
    if (!i) i = FN(rows_squares)(x, D, rows, m, s, q, u, 0);
    for (; i < D; i += VW)
        EACH_ROW {
            const vec a = FN(keep)(v_load_n(x + r * D + i, (int)UDL_MINI(D - i, VW)) - m[r], D - i);
            s[r] += a, q[r] = v_fma(a, a, q[r]);
        }
    EACH_ROW {
        const double e = mean ? (double)v_sum(s[r]) / (double)D : 0, square = (double)v_sum(q[r] + u[r]) / (double)D; /* e: left by rounding */
        if (mean) mean[r] = (T)((double)m[r][0] + e);
        rstd[r] = (T)(1.0 / sqrt(square - e * e + eps));
    }
}

VFN vec FN(scaled)(vec h, vec w, vec b, int has_w, int has_b) {
    if (has_w && has_b) return v_fma(h, w, b);
    return has_w ? h * w : has_b ? h + b : h;
}

/* streams only whole, aligned vectors: D is a multiple of VW then */
VFN void FN(rows_out)(T *y, const T *x, const T *w, const T *b, i64 D, int rows, const T *mean, const T *rstd, int stream) {
    vec m[ROWS], s[ROWS];
    EACH_ROW m[r] = v_set(mean ? mean[r] : 0), s[r] = v_set(rstd[r]);
    i64 i = 0;
    for (; i + VW <= D; i += VW) {
        const vec vw = w ? v_load(w + i) : v_set(0), vb = b ? v_load(b + i) : v_set(0);
        EACH_ROW {
            const vec h = FN(scaled)((v_load(x + r * D + i) - m[r]) * s[r], vw, vb, w != NULL, b != NULL);
            if (stream) v_stream(y + r * D + i, h);
            else v_store(y + r * D + i, h);
        }
    }
    if (i == D) return;
    const int n = (int)(D - i);
    const vec vw = w ? v_load_n(w + i, n) : v_set(0), vb = b ? v_load_n(b + i, n) : v_set(0);
    EACH_ROW v_store_n(y + r * D + i, FN(scaled)((v_load_n(x + r * D + i, n) - m[r]) * s[r], vw, vb, w != NULL, b != NULL), n);
}

VFN void FN(rows_forward)(const udl_layer_norm_args *a, i64 r0, int rows, int stream) {
    const i64 at = r0 % a->W * a->D;
    const T *w = a->w ? (const T *)a->w + at : NULL, *b = a->b ? (const T *)a->b + at : NULL, *x = (const T *)a->x + r0 * a->D;
    T *y = (T *)a->y + r0 * a->D, *mean = a->mean ? (T *)a->mean + r0 : NULL, *rstd = (T *)a->rstd + r0;
    const i64 D = a->D;
    if (D <= TOGETHER || !mean) FN(rows_moments)(x, D, rows, a->eps, mean, rstd);
    else EACH_ROW FN(row_moments)(x + r * D, D, a->eps, mean + r, rstd + r);
    if (w && b) FN(rows_out)(y, x, w, b, D, rows, mean, rstd, stream);
    else if (!w && !b) FN(rows_out)(y, x, NULL, NULL, D, rows, mean, rstd, stream);
    else FN(rows_out)(y, x, w, b, D, rows, mean, rstd, stream);
}

VFN void FN(piece_forward)(const udl_layer_norm_args *a, i64 begin, i64 end, int stream) {
    i64 r = begin;
    for (; a->W == 1 && r + ROWS <= end; r += ROWS) FN(rows_forward)(a, r, ROWS, stream);
    for (; r < end; r++) FN(rows_forward)(a, r, 1, stream);
}
static void FN(forward)(void *p, i64 begin, i64 end) { FN(piece_forward)(p, begin, end, 0); }
static void FN(forward_stream)(void *p, i64 begin, i64 end) {
    FN(piece_forward)(p, begin, end, 1);
    v_stream_end();
}

static int FN(layer_norm)(const udl_layer_norm_args *a) {
    if (a->M == 0 || a->D == 0) return UDL_OK;
    const i64 grain = UDL_MAXI(ROWS, PIECE / a->D / ROWS * ROWS);
    const int stream = FN(streams)(a->y, a->D, 2 * a->M * a->D * (i64)sizeof(T));
    udl_parallel_for(a->M, grain, stream ? FN(forward_stream) : FN(forward), (void *)(uintptr_t)a);
    return UDL_OK;
}

/* ---- backward ------------------------------------------------------------------------------------------------------ */
typedef struct { const udl_layer_norm_backward_args *a; T *part; i64 rows; int stream; } FN(back);

/* one vector of `rows` rows: adds to gw, gb, and to the rows' sums of g = gy w and g h */
VFN void FN(sums_at)(const T *x, const T *gy, const T *w, i64 D, T *gw, T *gb, i64 i, int n, int rows, const vec *m, const vec *s,
                     vec *sg, vec *sgh) {
    const int whole = n == VW;
    vec pw = {0}, pb = {0}, vw = {0};
    if (gw) pw = whole ? v_load(gw + i) : v_load_n(gw + i, n);
    if (gb) pb = whole ? v_load(gb + i) : v_load_n(gb + i, n);
    if (w) vw = whole ? v_load(w + i) : v_load_n(w + i, n);
    _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) {
        vec g = whole ? v_load(gy + r * D + i) : v_load_n(gy + r * D + i, n);
        const vec h = whole ? (v_load(x + r * D + i) - m[r]) * s[r] : FN(keep)((v_load_n(x + r * D + i, n) - m[r]) * s[r], n);
        pw = v_fma(g, h, pw), pb += g;
        if (w) g *= vw;
        sg[r] += g, sgh[r] = v_fma(g, h, sgh[r]);
    }
    if (gw && whole) v_store(gw + i, pw);
    else if (gw) v_store_n(gw + i, pw, n);
    if (gb && whole) v_store(gb + i, pb);
    else if (gb) v_store_n(gb + i, pb, n);
}

/* gx = rstd g - (rstd mean(g) + (x - mean) rstd^2 mean(g h)) */
VFN vec FN(gx_at)(vec g, vec x, vec m, vec s, vec constant, vec slope) {
    return v_fma(g, s, v_fma(m - x, slope, constant));
}

VFN void FN(row_gx)(T *gx, const T *gy, const T *x, const T *w, i64 D, T m, T s, T sg, T sgh, int stream) { /* sg: 0 in rms_norm */
    const vec vm = v_set(m), vs = v_set(s), constant = v_set(-s * (sg / (T)D)), slope = v_set(s * s * (sgh / (T)D));
    i64 i = 0;
    for (; i + VW <= D; i += VW) {
        const vec g = w ? v_load(gy + i) * v_load(w + i) : v_load(gy + i);
        const vec out = FN(gx_at)(g, v_load(x + i), vm, vs, constant, slope);
        if (stream) v_stream(gx + i, out);
        else v_store(gx + i, out);
    }
    if (i == D) return;
    const int n = (int)(D - i);
    const vec g = w ? v_load_n(gy + i, n) * v_load_n(w + i, n) : v_load_n(gy + i, n);
    v_store_n(gx + i, FN(gx_at)(g, v_load_n(x + i, n), vm, vs, constant, slope), n);
}

VFN void FN(rows_backward)(const udl_layer_norm_backward_args *a, i64 r0, int rows, T *gw, T *gb, int stream) {
    const i64 D = a->D;
    const i64 at = r0 % a->W * D;
    const T *x = (const T *)a->x + r0 * D, *gy = (const T *)a->gy + r0 * D, *w = a->w ? (const T *)a->w + at : NULL;
    const T *mean = a->mean ? (const T *)a->mean + r0 : NULL, *rstd = (const T *)a->rstd + r0;
    vec m[ROWS], s[ROWS], sg[ROWS], sgh[ROWS];
    gw = gw ? gw + at : NULL, gb = gb ? gb + at : NULL;
    for (int r = 0; r < rows; r++) m[r] = v_set(mean ? mean[r] : 0), s[r] = v_set(rstd[r]), sg[r] = v_set(0), sgh[r] = v_set(0);
    i64 i = 0;
    if (gw && gb && w)
        for (; i + VW <= D; i += VW) FN(sums_at)(x, gy, w, D, gw, gb, i, VW, rows, m, s, sg, sgh);
    else if (gw || gb)
        for (; i + VW <= D; i += VW) FN(sums_at)(x, gy, w, D, gw, gb, i, VW, rows, m, s, sg, sgh);
    else
        for (; i + VW <= D; i += VW) FN(sums_at)(x, gy, w, D, NULL, NULL, i, VW, rows, m, s, sg, sgh);
    if (i < D) FN(sums_at)(x, gy, w, D, gw, gb, i, (int)(D - i), rows, m, s, sg, sgh);
    if (!a->gx) return;
    for (int r = 0; r < rows; r++) {
        T *gx = (T *)a->gx + (r0 + r) * D;
        const T m0 = mean ? mean[r] : 0, total = mean ? v_sum(sg[r]) : 0, dot = v_sum(sgh[r]);
        if (stream) FN(row_gx)(gx, gy + r * D, x + r * D, w, D, m0, rstd[r], total, dot, 1);
        else FN(row_gx)(gx, gy + r * D, x + r * D, w, D, m0, rstd[r], total, dot, 0);
    }
}

static void FN(backward)(void *p, i64 begin, i64 end) {
    const FN(back) *j = p;
    const udl_layer_norm_backward_args *a = j->a;
    const i64 n = a->W * a->D;
    for (i64 c = begin; c < end; c++) {
        T *gw = a->gw ? j->part + 2 * c * n : NULL, *gb = a->gb ? j->part + (2 * c + 1) * n : NULL;
        if (gw) memset(gw, 0, sizeof(T) * (size_t)n);
        if (gb) memset(gb, 0, sizeof(T) * (size_t)n);
        i64 r = c * j->rows;
        const i64 past = UDL_MINI(a->M, r + j->rows);
        for (; a->W == 1 && r + ROWS <= past; r += ROWS) FN(rows_backward)(a, r, ROWS, gw, gb, j->stream);
        for (; r < past; r++) FN(rows_backward)(a, r, 1, gw, gb, j->stream);
    }
    if (j->stream) v_stream_end();
}

static void FN(add_partials)(T *out, const T *part, i64 pieces, i64 n) {
    if (pieces) memcpy(out, part, sizeof(T) * (size_t)n);
    else memset(out, 0, sizeof(T) * (size_t)n);
    for (i64 c = 1; c < pieces; c++)
        for (i64 i = 0; i < n; i++) out[i] += part[2 * c * n + i];
}

static int FN(layer_norm_backward)(const udl_layer_norm_backward_args *a) {
    const i64 D = a->D, n = a->W * D;
    const i64 rows = UDL_MAXI(UDL_CEIL_DIV(a->M, PARTIALS), UDL_MAXI(UDL_MAXI(ROWS, a->W), BACK_PIECE / UDL_MAXI(D, 1)));
    const i64 pieces = UDL_CEIL_DIV(a->M, rows);
    const size_t bytes = sizeof(T) * (size_t)(2 * UDL_MAXI(pieces, 1) * n);
    FN(back) j = {a, NULL, rows, FN(streams)(a->gx, D, 3 * a->M * D * (i64)sizeof(T))};
    if (D == 0) return UDL_OK;
    if ((a->gw || a->gb) && !(j.part = udl_alloc(bytes))) return UDL_ENOMEM;
    udl_parallel_for(pieces, 1, FN(backward), &j);
    if (a->gw) FN(add_partials)(a->gw, j.part, pieces, n);
    if (a->gb) FN(add_partials)(a->gb, j.part + n, pieces, n);
    if (j.part) udl_free(j.part, bytes);
    return UDL_OK;
}
#undef EACH_ROW
#endif
