/* gemm_act.h - activations in an epilogue, on one vector. */
#ifndef T
#ifndef UDL_GEMM_ACT_H
#define UDL_GEMM_ACT_H
#include "../vec/math.h"
#include "gemm.h"
#define UDL_THIS_FILE "kernels/gemm_act.h"
#include "../each_float.h"
#undef UDL_THIS_FILE
#endif
#else
VFN vec FN(gemm_act)(vec x, int act) {
    switch (act) {
    case UDL_ACT_RELU: return v_sel(x < 0, (vec){0}, x); /* NaN stays NaN */
    case UDL_ACT_GELU: return v_gelu(x);
    case UDL_ACT_GELU_TANH:
        return (T)0.5 * x * (1 + v_tanh((T)0.79788456080286535588 * (x + (T)0.044715 * x * x * x)));
    case UDL_ACT_SILU: return x * v_sigmoid(x);
    case UDL_ACT_TANH: return v_tanh(x);
    case UDL_ACT_SIGMOID: return v_sigmoid(x);
    default: return x;
    }
}
#endif
