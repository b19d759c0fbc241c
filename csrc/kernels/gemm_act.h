/* gemm_act.h - activations of a stored tile that need more than a compare (the vector library's functions). */
#ifndef T
#ifndef UDL_GEMM_ACT_H
#define UDL_GEMM_ACT_H
#include "gemm.h"
#define UDL_THIS_FILE "kernels/gemm_act.h"
#include "../each_float.h"
#undef UDL_THIS_FILE
#endif
#else
VFN T FN(act1)(T x, int act) {
    double v = (double)x;
    switch (act) {
    case UDL_ACT_GELU: return (T)(.5 * v * (1 + erf(v * 0.70710678118654752440)));
    case UDL_ACT_GELU_TANH: return (T)(.5 * v * (1 + tanh(0.79788456080286535588 * (v + 0.044715 * v * v * v))));
    case UDL_ACT_SILU: return (T)(v / (1 + exp(-v)));
    case UDL_ACT_TANH: return (T)tanh(v);
    case UDL_ACT_SIGMOID: return (T)(1 / (1 + exp(-v)));
    default: return x;
    }
}
VFN vec FN(gemm_act)(vec v, int act) {
    if (act == UDL_ACT_NONE) return v;
    if (act == UDL_ACT_RELU) return v_sel(v < 0, (vec){0}, v);
    for (int i = 0; i < VW; i++) v[i] = FN(act1)(v[i], act);
    return v;
}
#endif
