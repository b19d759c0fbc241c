/* conv2d.c - simple form; the fast engine replaces it. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/conv2d.c"
static double simple_act(double x, i64 act) {
    switch (act) {
    case UDL_ACT_RELU: return x > 0 || x != x ? x : 0;
    case UDL_ACT_GELU: return .5 * x * (1 + erf(x * 0.70710678118654752440));
    case UDL_ACT_GELU_TANH: return .5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case UDL_ACT_SILU: return x / (1 + exp(-x));
    case UDL_ACT_TANH: return tanh(x);
    case UDL_ACT_SIGMOID: return 1 / (1 + exp(-x));
    default: return x;
    }
}
#include "../each_float.h"
int KERNEL(conv2d)(const udl_conv2d_args *a) { return BY_FLOAT(a->dtype, conv2d, (a)); }
#else
static int FN(conv2d)(const udl_conv2d_args *a) {
    i64 G = a->groups_act % 65536, act = a->groups_act / 65536, C = a->C / G, O = a->O / G;
    const T *x = a->x, *w = a->w, *b = a->b; T *y = a->y;
    for (i64 n = 0; n < a->N; n++) for (i64 o = 0; o < a->O; o++) for (i64 p = 0; p < a->P; p++) for (i64 q = 0; q < a->Q; q++) {
        double s = b ? b[o] : 0;
        for (i64 c = 0; c < C; c++) for (i64 r = 0; r < a->R; r++) for (i64 t = 0; t < a->S; t++) {
            i64 h = p * a->stride_h + r * a->dil_h - a->pad_h, v = q * a->stride_w + t * a->dil_w - a->pad_w;
            if (h < 0 || h >= a->H || v < 0 || v >= a->W) continue;
            s += (double)x[((n * a->C + o / O * C + c) * a->H + h) * a->W + v] * w[((o * C + c) * a->R + r) * a->S + t];
        }
        y[((n * a->O + o) * a->P + p) * a->Q + q] = (T)simple_act(s, act);
    }
    return UDL_OK;
}
#endif
