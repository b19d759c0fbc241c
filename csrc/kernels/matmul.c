/* matmul.c - simple form; the fast engine replaces it. */
#ifndef T
#include "../kernel.h"
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
static float from_bf16(uint16_t h) { uint32_t u = (uint32_t)h << 16; float f; memcpy(&f, &u, 4); return f; }
static uint16_t to_bf16(float f) {
    uint32_t u; memcpy(&u, &f, 4);
    if (f != f) return (uint16_t)((u >> 16) | 0x40);
    return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
static double get(const void *p, i64 i, i64 dtype) {
    return dtype == UDL_F32 ? ((const float *)p)[i] : dtype == UDL_F64 ? ((const double *)p)[i] : from_bf16(((const uint16_t *)p)[i]);
}
static void put(void *p, i64 i, i64 dtype, double v) {
    if (dtype == UDL_F32) ((float *)p)[i] = (float)v;
    else if (dtype == UDL_F64) ((double *)p)[i] = v;
    else ((uint16_t *)p)[i] = to_bf16((float)v);
}
int KERNEL(matmul)(const udl_matmul_args *a) {
    for (i64 b = 0; b < a->batch; b++) for (i64 m = 0; m < a->m; m++) for (i64 n = 0; n < a->n; n++) {
        double s = 0;
        for (i64 k = 0; k < a->k; k++)
            s += get(a->a, b * a->a_batch + m * a->a_m + k * a->a_k, a->dtype) * get(a->b, b * a->b_batch + k * a->b_k + n * a->b_n, a->dtype);
        i64 o = b * a->o_batch + m * a->ldo + n;
        s *= a->alpha;
        if (a->beta != 0) s += a->beta * get(a->out, o, a->dtype);
        if (a->bias) s += get(a->bias, a->bias_m ? m : n, a->dtype);
        s = simple_act(s, a->act);
        if (a->residual) s += get(a->residual, o, a->dtype);
        put(a->out, o, a->dtype, s);
    }
    return UDL_OK;
}
#endif
