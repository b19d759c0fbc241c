/* elementwise_float.c - the inner functions of the element-wise kernel for float and double.
 *
 * Each is one expression of vectors x, y, z (the inputs) and s0, s1 (the parameters); the macro runs it over n elements,
 * and what is left goes through a buffer. Gradients: x is the upstream gradient g, y what forward saved. */
#ifndef T
#include "elementwise.h"
#include "../vec/math.h"
#include "../vec/math_arc.h"
#include <float.h>
#define UDL_THIS_FILE "kernels/elementwise_float.c"

#define RUN(name, LOADS, EXPR)                                                                                    \
    static void FN(map_##name)(T *o, const T *a, const T *b, const T *c, i64 n, double *p) {                      \
        const vec s0 = v_set((T)p[0]), s1 = v_set((T)p[1]);                                                       \
        i64 i = 0;                                                                                                \
        (void)s0; (void)s1; (void)b; (void)c;                                                                     \
        for (; i + VW <= n; i += VW) { LOADS; v_store(o + i, (EXPR)); }                                           \
        if (i < n) FN(rest)(FN(map_##name), o + i, a + i, b ? b + i : NULL, c ? c + i : NULL, n - i, p);          \
    }
#define ONE(name, EXPR) RUN(name, vec x = v_load(a + i), EXPR)
#define TWO_ARRAYS(name, EXPR) RUN(name, vec x = v_load(a + i); vec y = v_load(b + i), EXPR)
/* two inputs, the second perhaps the scalar s0: a loop for each case */
#define TWO(name, EXPR)                                                                                           \
    TWO_ARRAYS(name##_arrays, EXPR)                                                                               \
    RUN(name##_scalar, vec x = v_load(a + i); vec y = s0, EXPR)                                                   \
    static void FN(map_##name)(T *o, const T *a, const T *b, const T *c, i64 n, double *p) {                      \
        if (b) FN(map_##name##_arrays)(o, a, b, c, n, p);                                                         \
        else FN(map_##name##_scalar)(o, a, b, c, n, p);                                                           \
    }
#define THREE(name, EXPR)                                                                                         \
    RUN(name, vec x = v_load(a + i); vec y = b ? v_load(b + i) : s1; vec z = c ? v_load(c + i) : s0, EXPR)
/* scalar libm, one element at a time (not hot) */
#define LIBM1(name, EXPR)                                                                                         \
    static void FN(map_##name)(T *o, const T *a, const T *b, const T *c, i64 n, double *p) {                      \
        (void)b; (void)c; (void)p;                                                                                \
        for (i64 i = 0; i < n; i++) { double x = (double)a[i]; o[i] = (T)(EXPR); }                                \
    }
#define BOOLEAN(m) v_sel(m, v_set(1), v_set(0))
#define ENTRY(name) [UDL_MAP_##name] = FN(map_##name),
#include "../each_float.h"
#else

/* the last n < VW elements, as a whole vector in a buffer: one copy of each expression instead of two */
static __attribute__((noinline)) void FN(rest)(FN(udl_map) fn, T *o, const T *a, const T *b, const T *c, i64 n, double *p) {
    T buf[4][VW] __attribute__((aligned(64))) = {{0}};
    const T *in[3] = {a, b, c};
    for (int k = 0; k < 3; k++) {
        if (!in[k]) continue;
        for (i64 i = 0; i < n; i++) buf[k][i] = in[k][i];
        in[k] = buf[k];
    }
    fn(buf[3], in[0], in[1], in[2], VW, p);
    for (i64 i = 0; i < n; i++) o[i] = buf[3][i];
}

ONE(copy, x)
ONE(neg, -x)
ONE(abs, v_abs(x))
ONE(sign, v_sel(x > 0, v_set(1), v_sel(x < 0, v_set(-1), v_set(0))))
ONE(exp, v_exp(x))
ONE(exp2, v_exp2(x))
ONE(expm1, v_expm1(x))
ONE(log, v_log(x))
ONE(log2, v_log2(x))
ONE(log10, v_log10(x))
ONE(log1p, v_log1p(x))
ONE(sqrt, v_sqrt(x))
ONE(rsqrt, 1 / v_sqrt(x))
ONE(square, x * x)
ONE(reciprocal, 1 / x)
ONE(sin, v_sin(x))
ONE(cos, v_cos(x))
ONE(tan, v_tan(x))
ONE(asin, v_asin(x))
ONE(acos, v_acos(x))
ONE(atan, v_atan(x))
ONE(sinh, v_sinh(x))
ONE(cosh, v_cosh(x))
ONE(tanh, v_tanh(x))
ONE(asinh, v_asinh(x))
ONE(acosh, v_acosh(x))
ONE(atanh, v_atanh(x))
ONE(erf, v_erf(x))
ONE(erfc, v_erfc(x))
LIBM1(lgamma, lgamma(x))
ONE(floor, v_floor(x))
ONE(ceil, v_ceil(x))
ONE(round, v_round(x))
ONE(trunc, v_sel(x < 0, v_ceil(x), v_floor(x)))
ONE(sigmoid, v_sigmoid(x))
/* min(x, 0) - log(1 + exp(-|x|)) */
ONE(log_sigmoid, v_atmost(x, v_set(0)) - v_log1p(v_exp(-v_abs(x))))
ONE(relu, v_atleast(x, v_set(0)))

/* x for f(x) = x g(x) where g(-inf) is 0: not infinite below */
VFN vec FN(finite)(vec x) { return v_atleast(x, v_set(sizeof(T) == 4 ? (T)-FLT_MAX : (T)-DBL_MAX)); }

/* x Phi(x). The processor's own prefetchers stop at the end of a page, and here is time to ask for the same place of the next. */
RUN(gelu, __builtin_prefetch(a + i + 4096 / sizeof(T)); __builtin_prefetch(o + i + 4096 / sizeof(T), 1); vec x = v_load(a + i), v_gelu(x))
TWO_ARRAYS(gelu_backward, x * v_gelu_grad(y))

/* x s(2u) with u = sqrt(2/pi) (x + 0.044715 x^3): (1 + tanh u) / 2 is the logistic function of 2u */
VFN vec FN(gelu_tanh_gate)(vec x) {
    const T k = (T)1.5957691216057308, q = (T)0.044715;
    return v_sigmoid(k * (x + q * x * x * x));
}
VFN vec FN(gelu_tanh)(vec x) { return FN(finite)(x) * FN(gelu_tanh_gate)(x); }
VFN vec FN(gelu_tanh_grad)(vec x) {
    const T k = (T)1.5957691216057308, q3 = (T)0.134145;
    vec s = FN(gelu_tanh_gate)(x), d = s * (1 - s);
    return s + v_sel(d == 0, d, x * d * k * (1 + q3 * x * x));
}
ONE(gelu_tanh, FN(gelu_tanh)(x))
TWO_ARRAYS(gelu_tanh_backward, x * FN(gelu_tanh_grad)(y))

VFN vec FN(silu)(vec x) { return FN(finite)(x) * v_sigmoid(x); }
VFN vec FN(silu_grad)(vec x) {
    vec s = v_sigmoid(x), d = s * (1 - s);
    return s + v_sel(d == 0, d, x * d);
}
ONE(silu, FN(silu)(x))
TWO_ARRAYS(silu_backward, x * FN(silu_grad)(y))

VFN vec FN(softplus1)(vec x) { return v_atleast(x, v_set(0)) + v_log1p(v_exp(-v_abs(x))); }
VFN vec FN(mish_grad)(vec x) {
    vec t = v_tanh(FN(softplus1)(x)), d = v_sigmoid(x) * (1 - t * t);
    return t + v_sel(d == 0, d, x * d);
}
ONE(mish, FN(finite)(x) * v_tanh(FN(softplus1)(x)))
TWO_ARRAYS(mish_backward, x * FN(mish_grad)(y))
ONE(hardswish, x * v_limit(x + 3, v_set(0), v_set(6)) / 6)
ONE(hardsigmoid, v_limit(x + 3, v_set(0), v_set(6)) / 6)
ONE(softsign, x / (1 + v_abs(x)))
/* log(1 + exp(beta x)) / beta, linear above the threshold */
ONE(softplus, v_sel(x * s0 > s1, x, FN(softplus1)(x * s0) / s0))
TWO_ARRAYS(softplus_backward, v_sel(y * s0 > s1, x, x * v_sigmoid(y * s0)))
ONE(elu, v_sel_lt(v_set(0), x, x, s0 * v_expm1(x)))
TWO_ARRAYS(elu_backward, v_sel_lt(v_set(0), y, x, x * s0 * v_exp(y)))
ONE(leaky_relu, v_sel_lt(v_set(0), x, x, x * s0))
TWO_ARRAYS(leaky_relu_backward, v_sel_lt(v_set(0), y, x, x * s0))
ONE(clamp, v_sel(x != x, x, v_min(v_max(x, s0), s1)))
TWO_ARRAYS(clamp_backward, v_sel((y >= s0) & (y <= s1), x, v_set(0)))
TWO_ARRAYS(hardtanh_backward, v_sel((y <= s0) | (y >= s1), v_set(0), x))
TWO_ARRAYS(relu_backward, v_sel(y <= 0, v_set(0), x)) /* a NaN passes */
TWO_ARRAYS(sigmoid_backward, x * (1 - y) * y)
TWO_ARRAYS(tanh_backward, x * (1 - y * y))
TWO_ARRAYS(log_sigmoid_backward, x * v_sigmoid(-y))
TWO_ARRAYS(hardswish_backward, v_sel(y <= -3, v_set(0), v_sel(y >= 3, x, x * (y / 3 + (T)0.5))))
TWO_ARRAYS(hardsigmoid_backward, v_sel((y > -3) & (y < 3), x * (T)(1. / 6), v_set(0)))
VFN vec FN(logistic_slope)(vec x) { const vec s = v_sigmoid(x); return s * (1 - s); }
TWO_ARRAYS(glu, x * v_sigmoid(y))
THREE(glu_backward, x * y * FN(logistic_slope)(z))
TWO_ARRAYS(prelu, v_sel_lt(v_set(0), x, x, x * y))
THREE(prelu_backward, v_sel_lt(v_set(0), y, x, x * z))
TWO_ARRAYS(prelu_weight_backward, v_sel_lt(v_set(0), y, v_set(0), x * y))
ONE(isnan, BOOLEAN(x != x))
ONE(isinf, BOOLEAN(v_abs(x) == INFINITY))
ONE(isfinite, BOOLEAN(v_abs(x) < INFINITY))
ONE(logical_not, BOOLEAN(x == 0))

TWO(add, x + y)
TWO(sub, x - y)
TWO(mul, x * y)
TWO(div, x / y)
TWO(rsub, y - x)
TWO(rdiv, y / x)
/* as Python's // and %: from the exact remainder, so that x = y (x // y) + x % y */
static T FN(exact_mod)(T x, T y) { return sizeof(T) == 4 ? (T)fmodf((float)x, (float)y) : (T)fmod((double)x, (double)y); }

/* x - y trunc(x / y), exactly. The rounded quotient is at most one too large (never too small: integers are not rounded
 * past), and a fused x - q y is exact then; other vectors go to libm lane by lane. */
VFN vec FN(mod)(vec x, vec y) {
#if defined(__FMA__) || defined(UDL_LEVEL_neon)
    const vec d = x / y, q = v_sel_lt(d, v_set(0), v_ceil(d), v_floor(d)), one = v_set(1);
    const vec fits = v_sel_lt(v_abs(d), v_set(sizeof(T) == 4 ? (T)0x1p22 : (T)0x1p51), one, v_set(0)) *
                     v_sel_lt(v_abs(y), v_set((T)INFINITY), one, v_set(0));
    if (__builtin_expect(!v_any((vi64)(fits == 0)), 1)) {
        const vec r = v_fma(-q, y, x), size = v_copysign(v_abs(y), x);
        return v_copysign(v_sel_lt(r * v_copysign(one, x), v_set(0), r + size, r), x);
    }
#endif
    for (int i = 0; i < VW; i++) x[i] = FN(exact_mod)(x[i], y[i]);
    return x;
}
VFN vec FN(python_mod)(vec x, vec y) {
    const vec m = FN(mod)(x, y);
    return v_sel((m != 0) & ((y < 0) != (m < 0)), m + y, m);
}
VFN vec FN(python_div)(vec x, vec y) {
    const vec m = FN(mod)(x, y), quotient = x / y;
    vec d = (x - m) / y;
    d = v_sel((m != 0) & ((y < 0) != (m < 0)), d - 1, d);
    const vec f = v_floor(d), near = v_sel(d - f > (T)0.5, f + 1, f);
    return v_sel(y == 0, quotient, v_sel(d == 0, v_copysign(v_set(0), quotient), near));
}
TWO(floor_divide, FN(python_div)(x, y))
TWO(remainder, FN(python_mod)(x, y))
TWO(fmod, FN(mod)(x, y))
TWO(any_pow, v_pow(x, y))
ONE(sqrt_pow, v_sel(x == (T)-INFINITY, v_set((T)INFINITY), v_sqrt(x + 0)))
ONE(cube, x * x * x)
static void FN(map_pow)(T *o, const T *a, const T *b, const T *c, i64 n, double *p) {
    if (!b && p[0] == 2) FN(map_square)(o, a, b, c, n, p);
    else if (!b && p[0] == 3) FN(map_cube)(o, a, b, c, n, p);
    else if (!b && p[0] == 0.5) FN(map_sqrt_pow)(o, a, b, c, n, p);
    else if (!b && p[0] == -1) FN(map_reciprocal)(o, a, b, c, n, p);
    else FN(map_any_pow)(o, a, b, c, n, p);
}
TWO(rpow, v_pow(y, x))
TWO(maximum, v_max(x, y))
TWO(minimum, v_min(x, y))
TWO(atan2, v_atan2(x, y))
TWO(hypot, v_hypot(x, y))
TWO(xlogy, v_sel(y != y, y, v_sel(x == 0, v_set(0), x * v_log(y))))
TWO(eq, BOOLEAN(x == y))
TWO(ne, BOOLEAN(x != y))
TWO(lt, BOOLEAN(x < y))
TWO(le, BOOLEAN(x <= y))
TWO(gt, BOOLEAN(x > y))
TWO(ge, BOOLEAN(x >= y))
TWO(logical_and, BOOLEAN((x != 0) & (y != 0)))
TWO(logical_or, BOOLEAN((x != 0) | (y != 0)))
TWO(logical_xor, BOOLEAN((x != 0) ^ (y != 0)))
TWO_ARRAYS(add_scaled, x + s1 * y)

/* ---- losses (input x, target y) and their gradients (g x, input y, target z) --------------------------------------- */
VFN vec FN(clamped_log)(vec x) { return v_atleast(v_log(x), v_set(-100)); }
VFN vec FN(signum)(vec d) { return v_sel(d > 0, v_set(1), v_sel(d < 0, v_set(-1), d * 0)); }
TWO(mse, (x - y) * (x - y))
TWO(l1, v_abs(x - y))
TWO_ARRAYS(huber, v_sel(v_abs(x - y) <= s0, (T)0.5 * (x - y) * (x - y), s0 * (v_abs(x - y) - (T)0.5 * s0)))
TWO_ARRAYS(smooth_l1, v_sel(v_abs(x - y) < s0, (T)0.5 * (x - y) * (x - y) / s0, v_abs(x - y) - (T)0.5 * s0))
TWO_ARRAYS(bce, -(y * FN(clamped_log)(x) + (1 - y) * v_atleast(v_log1p(-x), v_set(-100))))
TWO_ARRAYS(bce_with_logits, v_sel(x > v_set(0), 1 - y, -y) * x + v_log1p(v_exp(-v_abs(x)))) /* infinite for an infinite x, not NaN */
THREE(mse_backward, x * 2 * (y - z))
THREE(l1_backward, x * FN(signum)(y - z))
THREE(huber_backward, x * v_sel(v_abs(y - z) <= s1, y - z, s1 * FN(signum)(y - z)))
THREE(smooth_l1_backward, x * v_sel(v_abs(y - z) < s1, (y - z) / s1, FN(signum)(y - z)))
THREE(bce_backward, x * (y - z) / v_atleast((1 - y) * y, v_set((T)1e-12)))
THREE(bce_with_logits_backward, x * (v_sigmoid(y) - z))

THREE(where, v_sel(x != 0, y, z))
THREE(addcmul, x + s1 * y * z)
THREE(addcdiv, x + s1 * (y / z))
THREE(lerp, v_sel(v_abs(z) < (T)0.5, x + z * (y - x), y - (y - x) * (1 - z))) /* ends exactly at both ends */
THREE(fma, v_fma(x, y, z))

const FN(udl_map) INTERNAL(FN(map))[UDL_MAP_COUNT] = {
    ENTRY(copy) ENTRY(neg) ENTRY(abs) ENTRY(sign) ENTRY(exp) ENTRY(exp2) ENTRY(expm1) ENTRY(log) ENTRY(log2) ENTRY(log10)
    ENTRY(log1p) ENTRY(sqrt) ENTRY(rsqrt) ENTRY(square) ENTRY(reciprocal) ENTRY(sin) ENTRY(cos) ENTRY(tan) ENTRY(asin)
    ENTRY(acos) ENTRY(atan) ENTRY(sinh) ENTRY(cosh) ENTRY(tanh) ENTRY(asinh) ENTRY(acosh) ENTRY(atanh) ENTRY(erf)
    ENTRY(erfc) ENTRY(lgamma) ENTRY(floor) ENTRY(ceil) ENTRY(round) ENTRY(trunc) ENTRY(sigmoid) ENTRY(log_sigmoid)
    ENTRY(relu) ENTRY(gelu) ENTRY(gelu_tanh) ENTRY(silu) ENTRY(mish) ENTRY(hardswish) ENTRY(hardsigmoid) ENTRY(softsign)
    ENTRY(softplus) ENTRY(elu) ENTRY(leaky_relu) ENTRY(clamp) ENTRY(isnan) ENTRY(isinf) ENTRY(isfinite)
    ENTRY(logical_not) ENTRY(add) ENTRY(sub) ENTRY(mul) ENTRY(div) ENTRY(floor_divide) ENTRY(remainder) ENTRY(fmod)
    ENTRY(pow) ENTRY(maximum) ENTRY(minimum) ENTRY(atan2) ENTRY(hypot) ENTRY(eq) ENTRY(ne) ENTRY(lt) ENTRY(le) ENTRY(gt)
    ENTRY(ge) ENTRY(logical_and) ENTRY(logical_or) ENTRY(logical_xor) ENTRY(xlogy) ENTRY(rsub) ENTRY(rdiv) ENTRY(rpow)
    ENTRY(relu_backward) ENTRY(leaky_relu_backward) ENTRY(sigmoid_backward) ENTRY(tanh_backward) ENTRY(gelu_backward)
    ENTRY(gelu_tanh_backward) ENTRY(silu_backward) ENTRY(mish_backward) ENTRY(softplus_backward) ENTRY(elu_backward)
    ENTRY(clamp_backward) ENTRY(hardtanh_backward) ENTRY(log_sigmoid_backward)
    ENTRY(hardswish_backward) ENTRY(hardsigmoid_backward) ENTRY(glu) ENTRY(glu_backward) ENTRY(prelu) ENTRY(prelu_backward)
    ENTRY(prelu_weight_backward) ENTRY(mse) ENTRY(l1) ENTRY(huber) ENTRY(smooth_l1) ENTRY(bce)
    ENTRY(bce_with_logits) ENTRY(where) ENTRY(addcmul) ENTRY(addcdiv) ENTRY(lerp) ENTRY(fma) ENTRY(add_scaled)
    ENTRY(mse_backward) ENTRY(l1_backward) ENTRY(huber_backward) ENTRY(smooth_l1_backward) ENTRY(bce_backward)
    ENTRY(bce_with_logits_backward)
};
#endif
