/* pool2d.c - windows of x[NC, H, W] reduced to y[NC, P, Q] by their maximum or mean, and the gradients.
 *
 * Window (p, q) covers rows p stride_h - pad_h + r dil_h (r < R) and the like columns, those inside the image.
 * max: NaN wins, of equal elements the first; indices hold h W + w. Its backward adds gy to the places in order.
 * avg: the divisor counts the padding (count_include_pad) but nothing beyond it, or is divisor_override.
 * Planes (NC) are independent and parallel. 2 x 2 windows with stride 2 and no padding have loops of their own, which
 * the compiler vectorises after splitting even and odd columns (lanes.h). Floor: x read once, y (and indices) written. */
#ifndef T
#include "../kernel.h"
#include "lanes.h"
#define UDL_THIS_FILE "kernels/pool2d.c"
#define PIECE 16384
#include "../each_float.h"
int KERNEL(max_pool2d)(const udl_max_pool2d_args *a) { return BY_FLOAT(a->dtype, max_pool2d, (a)); }
int KERNEL(max_pool2d_backward)(const udl_max_pool2d_backward_args *a) { return BY_FLOAT(a->dtype, max_pool2d_backward, (a)); }
int KERNEL(avg_pool2d)(const udl_avg_pool2d_args *a) { return BY_FLOAT(a->dtype, avg_pool2d, (a)); }
int KERNEL(avg_pool2d_backward)(const udl_avg_pool2d_backward_args *a) { return BY_FLOAT(a->dtype, avg_pool2d_backward, (a)); }
#else

/* 2 x 2, stride 2: one output row from two input rows */
static void FN(max_row_2x2)(T *y, i64 *indices, const T *x0, const T *x1, i64 Q, i64 base, i64 W) {
    i64 q = 0;
    for (; q + VW <= Q; q += VW) {
        vec a0 = v_load(x0 + 2 * q), a1 = v_load(x0 + 2 * q + VW), b0 = v_load(x1 + 2 * q), b1 = v_load(x1 + 2 * q + VW);
        vec m00 = v_even(a0, a1), m01 = v_odd(a0, a1), m10 = v_even(b0, b1), m11 = v_odd(b0, b1);
        /* later elements win only if larger, or NaN where the one so far is not */
        vmask w1 = (m01 > m00) | ((m01 != m01) & (m00 == m00));
        vec m = v_sel(w1, m01, m00);
        vmask w2 = (m10 > m) | ((m10 != m10) & (m == m));
        m = v_sel(w2, m10, m);
        vmask w3 = (m11 > m) | ((m11 != m11) & (m == m));
        v_store(y + q, v_sel(w3, m11, m));
        if (!indices) continue;
        vmask off = (w1 & 1);                      /* offsets inside the window: 0, 1, W, W + 1 as 0..3 */
        off = (w2 & 2) | (~w2 & off);
        off = (w3 & 3) | (~w3 & off);
        for (int l = 0; l < VW; l++) indices[q + l] = base + 2 * (q + l) + (off[l] & 1) + (off[l] >> 1) * W;
    }
    for (; q < Q; q++) {
        T m = x0[2 * q];
        i64 at = 0, w[4] = {0, 1, W, W + 1};
        T v[4] = {m, x0[2 * q + 1], x1[2 * q], x1[2 * q + 1]};
        for (int k = 1; k < 4; k++) if (v[k] > m || (v[k] != v[k] && m == m)) { m = v[k]; at = k; }
        y[q] = m;
        if (indices) indices[q] = base + 2 * q + w[at];
    }
}

/* one window, clipped to the image */
static void FN(max_window)(const udl_max_pool2d_args *a, T *y, i64 *index, const T *x, i64 p, i64 q) {
    i64 h0 = p * a->stride_h - a->pad_h, w0 = q * a->stride_w - a->pad_w, at = -1;
    T m = (T)-INFINITY;
    for (i64 r = 0; r < a->R; r++) {
        i64 h = h0 + r * a->dil_h;
        if (h < 0 || h >= a->H) continue;
        for (i64 s = 0; s < a->S; s++) {
            i64 w = w0 + s * a->dil_w;
            if (w < 0 || w >= a->W) continue;
            T v = x[h * a->W + w];
            if (at < 0 || v > m || (v != v && m == m)) { m = v; at = h * a->W + w; }
        }
    }
    *y = m;
    if (index) *index = at;
}

/* VW windows of a row side by side, all their columns inside; rows r0..r1; at: the first one's first column. Strides 1, 2. */
VFN void FN(max_vector)(const udl_max_pool2d_args *a, T *y, i64 *index, const T *x, i64 h0, i64 r0, i64 r1, i64 at) {
    vec m = v_set((T)-INFINITY);
    vmask where = (vmask){0} - 1;
    for (i64 r = r0; r < r1; r++) {
        i64 row = (h0 + r * a->dil_h) * a->W + at;
        for (i64 s = 0; s < a->S; s++) {
            const T *from = x + row + s * a->dil_w;
            vec v = a->stride_w == 1 ? v_load(from) : v_even(v_load(from), v_load(from + VW));
            vmask better = (v > m) | ((v != v) & (m == m)) | (where < 0);
            m = v_sel(better, v, m);
            where = (better & (vmask)((vmask){0} + (__typeof__(where[0]))(r * a->dil_h * a->W + s * a->dil_w))) | (~better & where);
        }
    }
    v_store(y, m);
    if (index) for (int l = 0; l < VW; l++) index[l] = h0 * a->W + at + l * a->stride_w + where[l];
}

static void FN(max_plane)(const udl_max_pool2d_args *a, T *y, i64 *indices, const T *x) {
    i64 first = UDL_CEIL_DIV(a->pad_w, a->stride_w), reach = (a->S - 1) * a->dil_w, vectors = 0;
    /* a vector of stride 2 reads one element more than it takes */
    i64 span = (a->stride_w == 1 ? VW : 2 * VW) + reach, start = first * a->stride_w - a->pad_w;
    if (a->stride_w <= 2 && a->R * a->dil_h * a->W < INT32_MAX && a->W >= start + span)
        vectors = UDL_MINI((a->W - start - span) / a->stride_w + VW, a->Q - first) / VW;
    for (i64 p = 0; p < a->P; p++) {
        i64 h0 = p * a->stride_h - a->pad_h, r0 = 0, r1 = a->R, q = 0;
        while (r0 < r1 && h0 + r0 * a->dil_h < 0) r0++;
        while (r1 > r0 && h0 + (r1 - 1) * a->dil_h >= a->H) r1--;
        T *to = y + p * a->Q;
        i64 *index = indices ? indices + p * a->Q : 0;
        if (r0 < r1 && vectors > 0) {
            for (; q < first; q++) FN(max_window)(a, to + q, index ? index + q : 0, x, p, q);
            for (i64 v = 0; v < vectors; v++, q += VW)
                FN(max_vector)(a, to + q, index ? index + q : 0, x, h0, r0, r1, q * a->stride_w - a->pad_w);
        }
        for (; q < a->Q; q++) FN(max_window)(a, to + q, index ? index + q : 0, x, p, q);
    }
}

static void FN(max_planes)(void *arg, i64 begin, i64 end) {
    const udl_max_pool2d_args *a = arg;
    int small = a->R == 2 && a->S == 2 && a->stride_h == 2 && a->stride_w == 2 && !a->pad_h && !a->pad_w && a->dil_h == 1
             && a->dil_w == 1 && 2 * a->P <= a->H && 2 * a->Q <= a->W;
    for (i64 c = begin; c < end; c++) {
        const T *x = (const T *)a->x + c * a->H * a->W;
        T *y = (T *)a->y + c * a->P * a->Q;
        i64 *indices = a->indices ? (i64 *)a->indices + c * a->P * a->Q : NULL;
        if (!small) { FN(max_plane)(a, y, indices, x); continue; }
        for (i64 p = 0; p < a->P; p++)
            FN(max_row_2x2)(y + p * a->Q, indices ? indices + p * a->Q : NULL, x + 2 * p * a->W, x + (2 * p + 1) * a->W,
                            a->Q, 2 * p * a->W, a->W);
    }
}

static int FN(planes)(i64 NC, i64 each, udl_range_fn fn, const void *arg) {
    i64 grain = UDL_MAXI(1, PIECE / UDL_MAXI(1, each));
    if (NC <= grain) fn((void *)(uintptr_t)arg, 0, NC);
    else udl_parallel_for(NC, grain, fn, (void *)(uintptr_t)arg);
    return UDL_OK;
}

static int FN(max_pool2d)(const udl_max_pool2d_args *a) { return FN(planes)(a->NC, a->P * a->Q * a->R * a->S, FN(max_planes), a); }

static void FN(max_back)(void *arg, i64 begin, i64 end) {
    const udl_max_pool2d_backward_args *a = arg;
    for (i64 c = begin; c < end; c++) {
        T *gx = (T *)a->gx + c * a->HW;
        const T *gy = (const T *)a->gy + c * a->PQ;
        const i64 *at = (const i64 *)a->indices + c * a->PQ;
        memset(gx, 0, sizeof(T) * (size_t)a->HW);
        for (i64 i = 0; i < a->PQ; i++)
            if (at[i] >= 0 && at[i] < a->HW) gx[at[i]] += gy[i];
    }
}

static int FN(max_pool2d_backward)(const udl_max_pool2d_backward_args *a) { return FN(planes)(a->NC, a->HW + a->PQ, FN(max_back), a); }

/* rows or columns of one window clipped to the image, and its size before clipping (with padding, but not beyond) */
static i64 FN(span)(i64 p, i64 stride, i64 pad, i64 R, i64 H, i64 *lo, i64 *hi) {
    i64 begin = p * stride - pad, end = UDL_MINI(begin + R, H + pad), size = end - begin;
    *lo = UDL_MAXI(begin, 0);
    *hi = UDL_MINI(end, H);
    return size;
}

static T FN(divisor)(const udl_avg_pool2d_args *a, i64 full, i64 inside) {
    return (T)(a->divisor_override ? a->divisor_override : a->count_include_pad ? full : inside);
}

static void FN(avg_planes)(void *arg, i64 begin, i64 end) {
    const udl_avg_pool2d_args *a = arg;
    for (i64 c = begin; c < end; c++) {
        const T *x = (const T *)a->x + c * a->H * a->W;
        T *y = (T *)a->y + c * a->P * a->Q;
        for (i64 p = 0; p < a->P; p++)
            for (i64 q = 0; q < a->Q; q++) {
                i64 h0, h1, w0, w1, full = FN(span)(p, a->stride_h, a->pad_h, a->R, a->H, &h0, &h1);
                full *= FN(span)(q, a->stride_w, a->pad_w, a->S, a->W, &w0, &w1);
                T s = 0;
                for (i64 h = h0; h < h1; h++)
                    for (i64 w = w0; w < w1; w++) s += x[h * a->W + w];
                y[p * a->Q + q] = h0 < h1 && w0 < w1 ? s / FN(divisor)(a, full, (h1 - h0) * (w1 - w0)) : 0;
            }
    }
}

static int FN(avg_pool2d)(const udl_avg_pool2d_args *a) { return FN(planes)(a->NC, a->P * a->Q * a->R * a->S, FN(avg_planes), a); }

static void FN(avg_back)(void *arg, i64 begin, i64 end) {
    const udl_avg_pool2d_args *a = arg; /* the two structs have the same fields: y stands for gx, x for gy */
    for (i64 c = begin; c < end; c++) {
        T *gx = (T *)a->y + c * a->H * a->W;
        const T *gy = (const T *)a->x + c * a->P * a->Q;
        memset(gx, 0, sizeof(T) * (size_t)(a->H * a->W));
        for (i64 p = 0; p < a->P; p++)
            for (i64 q = 0; q < a->Q; q++) {
                i64 h0, h1, w0, w1, full = FN(span)(p, a->stride_h, a->pad_h, a->R, a->H, &h0, &h1);
                full *= FN(span)(q, a->stride_w, a->pad_w, a->S, a->W, &w0, &w1);
                if (h0 >= h1 || w0 >= w1) continue;
                T g = gy[p * a->Q + q] / FN(divisor)(a, full, (h1 - h0) * (w1 - w0));
                for (i64 h = h0; h < h1; h++)
                    for (i64 w = w0; w < w1; w++) gx[h * a->W + w] += g;
            }
    }
}

static int FN(avg_pool2d_backward)(const udl_avg_pool2d_backward_args *b) {
    udl_avg_pool2d_args a;
    _Static_assert(sizeof(a) == sizeof(*b), "the same fields");
    memcpy(&a, b, sizeof a);
    return FN(planes)(a.NC, a.P * a.Q * a.R * a.S + a.H * a.W, FN(avg_back), &a);
}
#endif
