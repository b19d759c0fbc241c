/* math.h - exp, log, tanh, erf, sin ... on vectors, over the names of vec.h.
 *
 *   v_exp v_exp2 v_expm1 v_sigmoid v_tanh   math_exp.h     v_log v_log2 v_log10 v_log1p   math_log.h
 *   v_erf v_erfc v_gelu v_gelu_grad         math_erf.h     v_sin v_cos v_tan              math_trig.h
 *   v_pow v_hypot v_atan v_atan2 v_asin v_acos v_sinh v_cosh and inverses   math_arc.h, for elementwise_float.c
 *
 * Each is a reduction of the range followed by a minimax polynomial (weighted Remez, fitted for this library in 50
 * digits; the bound on its error stands beside it). Errors over the whole range, in units of the last place, are about
 * 1 for exp, log, tanh, erf, sin and at most 2 for the others; docs/numerics.md has the measured table.
 * NaN, infinities, zeros and subnormal numbers give what libm gives. */
#ifndef UDL_VEC_MATH_H
#define UDL_VEC_MATH_H
#include "vec.h"

/* c[0] + c[1] x + ... + c[n-1] x^(n-1), the even and the odd powers beside each other by Horner in x^2: what limits a long
 * polynomial is latency, and this halves it. n is a constant and the loops unrolled, so that c stays out of memory. */
#if defined(__clang__)
#define UDL_UNROLL _Pragma("unroll")
#else
#define UDL_UNROLL _Pragma("GCC unroll 32")
#endif
#define UDL_VEC_POLY(F, E, s)                                                            \
    VFN F v_horner_##s(F x, const E *c, int n, int step) {                               \
        F r = v_set_##s(c[(n - 1) / step * step]);                                       \
        UDL_UNROLL                                                                       \
        for (int i = (n - 1) / step * step - step; i >= 0; i -= step)                    \
            r = v_fma_##s(r, x, v_set_##s(c[i]));                                        \
        return r;                                                                        \
    }                                                                                    \
    VFN F v_poly_##s(F x, const E *c, int n) {                                           \
        if (n < 5) return v_horner_##s(x, c, n, 1);                                      \
        F z = x * x;                                                                     \
        return v_fma_##s(x, v_horner_##s(z, c + 1, n - 1, 2), v_horner_##s(z, c, n, 2)); \
    }
UDL_VEC_POLY(vf32, float, f32)
UDL_VEC_POLY(vf64, double, f64)
#define V_POLY_F32(x, ...) \
    v_poly_f32(x, (const float[]){__VA_ARGS__}, (int)(sizeof(float[]){__VA_ARGS__} / sizeof(float)))
#define V_POLY_F64(x, ...) \
    v_poly_f64(x, (const double[]){__VA_ARGS__}, (int)(sizeof(double[]){__VA_ARGS__} / sizeof(double)))

/* magnitude of a with the sign of s */
VFN vf32 v_copysign_f32(vf32 a, vf32 s) { return (vf32)(((vi32)a & 0x7fffffff) | ((vi32)s & (int32_t)0x80000000)); }
VFN vf64 v_copysign_f64(vf64 a, vf64 s) {
    return (vf64)(((vi64)a & 0x7fffffffffffffffLL) | ((vi64)s & (int64_t)0x8000000000000000ULL));
}
#define v_copysign(a, s) UDL_G1(v_copysign, a)(a, s)

#include "math_exp.h"
#include "math_log.h"
#include "math_erf.h"
#include "math_trig.h"
#endif
