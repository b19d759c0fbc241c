/* conv2d_backward.c - simple form; the fast engine replaces it. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/conv2d_backward.c"
#include "../each_float.h"
int KERNEL(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) { return BY_FLOAT(a->dtype, conv2d_backward_input, (a)); }
int KERNEL(conv2d_backward_weight)(const udl_conv2d_backward_weight_args *a) { return BY_FLOAT(a->dtype, conv2d_backward_weight, (a)); }
#else
static int FN(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) {
    i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G;
    const T *gy = a->gy, *w = a->w; T *gx = a->gx;
    memset(gx, 0, (size_t)(a->N * a->C * a->H * a->W) * sizeof(T));
    for (i64 n = 0; n < a->N; n++) for (i64 o = 0; o < a->O; o++) for (i64 p = 0; p < a->P; p++) for (i64 q = 0; q < a->Q; q++)
        for (i64 c = 0; c < C; c++) for (i64 r = 0; r < a->R; r++) for (i64 t = 0; t < a->S; t++) {
            i64 h = p * a->stride_h + r * a->dil_h - a->pad_h, v = q * a->stride_w + t * a->dil_w - a->pad_w;
            if (h < 0 || h >= a->H || v < 0 || v >= a->W) continue;
            gx[((n * a->C + o / O * C + c) * a->H + h) * a->W + v] += gy[((n * a->O + o) * a->P + p) * a->Q + q] * w[((o * C + c) * a->R + r) * a->S + t];
        }
    return UDL_OK;
}
static int FN(conv2d_backward_weight)(const udl_conv2d_backward_weight_args *a) {
    i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G;
    const T *gy = a->gy, *x = a->x; T *gw = a->gw, *gb = a->gb;
    for (i64 o = 0; o < a->O; o++) {
        if (gb) {
            double s = 0;
            for (i64 n = 0; n < a->N; n++) for (i64 p = 0; p < a->P * a->Q; p++) s += gy[(n * a->O + o) * a->P * a->Q + p];
            gb[o] = (T)s;
        }
        for (i64 c = 0; c < C; c++) for (i64 r = 0; r < a->R; r++) for (i64 t = 0; t < a->S; t++) {
            double s = 0;
            for (i64 n = 0; n < a->N; n++) for (i64 p = 0; p < a->P; p++) for (i64 q = 0; q < a->Q; q++) {
                i64 h = p * a->stride_h + r * a->dil_h - a->pad_h, v = q * a->stride_w + t * a->dil_w - a->pad_w;
                if (h < 0 || h >= a->H || v < 0 || v >= a->W) continue;
                s += (double)x[((n * a->C + o / O * C + c) * a->H + h) * a->W + v] * gy[((n * a->O + o) * a->P + p) * a->Q + q];
            }
            gw[((o * C + c) * a->R + r) * a->S + t] = (T)s;
        }
    }
    return UDL_OK;
}
#endif
