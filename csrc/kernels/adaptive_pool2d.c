/* adaptive_pool2d.c - windows chosen so that the output is P x Q: window p covers floor(p H / P) .. ceil((p+1) H / P) - 1.
 *
 * avg: y is the mean, gx adds gy / size to each place of the window. max: NaN wins, the first of equals; indices as in
 * max_pool2d, whose backward serves it too. Planes are independent and parallel. Floor: x read once, y written. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/adaptive_pool2d.c"
#define PIECE 16384
#include "../each_float.h"
int KERNEL(adaptive_avg_pool2d)(const udl_adaptive_avg_pool2d_args *a) { return BY_FLOAT(a->dtype, adaptive_avg_pool2d, (a)); }
int KERNEL(adaptive_avg_pool2d_backward)(const udl_adaptive_avg_pool2d_backward_args *a) {
    return BY_FLOAT(a->dtype, adaptive_avg_pool2d_backward, (a));
}
int KERNEL(adaptive_max_pool2d)(const udl_adaptive_max_pool2d_args *a) { return BY_FLOAT(a->dtype, adaptive_max_pool2d, (a)); }
#else

static i64 FN(first)(i64 p, i64 H, i64 P) { return p * H / P; }
static i64 FN(past)(i64 p, i64 H, i64 P) { return ((p + 1) * H + P - 1) / P; }

static void FN(avg)(void *arg, i64 begin, i64 end) {
    const udl_adaptive_avg_pool2d_args *a = arg;
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < a->P; p++)
            for (i64 q = 0; q < a->Q; q++) {
                const T *x = (const T *)a->x + c * a->H * a->W;
                i64 h0 = FN(first)(p, a->H, a->P), h1 = FN(past)(p, a->H, a->P);
                i64 w0 = FN(first)(q, a->W, a->Q), w1 = FN(past)(q, a->W, a->Q);
                double s = 0;
                for (i64 h = h0; h < h1; h++) {
                    const T *row = x + h * a->W;
                    vec v = v_set(0);
                    i64 w = w0;
                    for (; w + VW <= w1; w += VW) v += v_load(row + w);
                    T r = v_sum(v);
                    for (; w < w1; w++) r += row[w];
                    s += (double)r;
                }
                ((T *)a->y)[(c * a->P + p) * a->Q + q] = (T)(s / (double)((h1 - h0) * (w1 - w0)));
            }
}

static void FN(avg_back)(void *arg, i64 begin, i64 end) {
    const udl_adaptive_avg_pool2d_backward_args *a = arg;
    for (i64 c = begin; c < end; c++) {
        T *gx = (T *)a->gx + c * a->H * a->W;
        memset(gx, 0, sizeof(T) * (size_t)(a->H * a->W));
        for (i64 p = 0; p < a->P; p++)
            for (i64 q = 0; q < a->Q; q++) {
                i64 h0 = FN(first)(p, a->H, a->P), h1 = FN(past)(p, a->H, a->P);
                i64 w0 = FN(first)(q, a->W, a->Q), w1 = FN(past)(q, a->W, a->Q);
                T g = ((const T *)a->gy)[(c * a->P + p) * a->Q + q] / (T)((h1 - h0) * (w1 - w0));
                for (i64 h = h0; h < h1; h++)
                    for (i64 w = w0; w < w1; w++) gx[h * a->W + w] += g;
            }
    }
}

static void FN(max)(void *arg, i64 begin, i64 end) {
    const udl_adaptive_max_pool2d_args *a = arg;
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < a->P; p++)
            for (i64 q = 0; q < a->Q; q++) {
                const T *x = (const T *)a->x + c * a->H * a->W;
                i64 at = -1, out = (c * a->P + p) * a->Q + q;
                T m = 0;
                for (i64 h = FN(first)(p, a->H, a->P); h < FN(past)(p, a->H, a->P); h++)
                    for (i64 w = FN(first)(q, a->W, a->Q); w < FN(past)(q, a->W, a->Q); w++) {
                        T v = x[h * a->W + w];
                        if (at < 0 || v > m || (v != v && m == m)) { m = v; at = h * a->W + w; }
                    }
                ((T *)a->y)[out] = m;
                if (a->indices) ((i64 *)a->indices)[out] = at;
            }
}

static int FN(planes)(i64 NC, i64 each, udl_range_fn fn, const void *arg) {
    i64 grain = UDL_MAXI(1, PIECE / UDL_MAXI(1, each));
    if (NC <= grain) fn((void *)(uintptr_t)arg, 0, NC);
    else udl_parallel_for(NC, grain, fn, (void *)(uintptr_t)arg);
    return UDL_OK;
}

static int FN(adaptive_avg_pool2d)(const udl_adaptive_avg_pool2d_args *a) { return FN(planes)(a->NC, a->H * a->W, FN(avg), a); }
static int FN(adaptive_avg_pool2d_backward)(const udl_adaptive_avg_pool2d_backward_args *a) {
    return FN(planes)(a->NC, a->H * a->W, FN(avg_back), a);
}
static int FN(adaptive_max_pool2d)(const udl_adaptive_max_pool2d_args *a) { return FN(planes)(a->NC, a->H * a->W, FN(max), a); }
#endif
