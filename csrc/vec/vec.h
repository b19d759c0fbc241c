/* vec.h - the vector vocabulary: kernels are written once over these names and compiled once per instruction set.
 *
 * Base: the vector extension of GCC and Clang, so + - * / & | ^ and comparisons (lane mask of integers) are operators.
 * A level says only how wide a vector is (UDL_VB bytes) and overrides the few names that its instructions do better.
 * Because width is all that most code sees, a wide level can be tested on a narrow machine (UDL_VB=64 with AVX2).
 *
 *   vf32 vf64 vi32 vi64     vectors of UDL_VB bytes
 *   v_load(p) v_store(p,v)  unaligned;   v_load_n(p,n) v_store_n(p,v,n)  the first n lanes, 0 <= n <= width (rest 0)
 *   v_set(p0, s)            all lanes s: v_setf(float) v_setd(double)
 *   v_fma(a,b,c)            a b + c (fused where the level has it)
 *   v_max v_min             NaN if either lane is
 *   v_atleast(x, lo) v_atmost(x, hi) v_limit(x, lo, hi)   x held within bounds, a NaN of x stays
 *   v_sel(mask,a,b)         mask lane all ones ? a : b;   v_sel_lt(x,y,a,b)  x < y ? a : b, one instruction where
 *                           comparisons give mask registers
 *   v_any(mask)             is any lane set (a mask of either type, as vi64)
 *   v_sqrt v_round v_floor v_ceil v_abs;   v_minus_square_f32(c, a)  c - a a, rounded once
 *   v_sum(v) v_hmax(v) v_hmin(v)   across lanes, in a fixed order (across.h)
 *   v_stream(p,v)           a store past the caches, p aligned to UDL_VB; v_stream_end() before another thread reads it
 *   math.h adds v_exp v_log v_tanh v_erf v_sigmoid ...
 * All are generic over vf32/vf64 through _Generic. */
#ifndef UDL_VEC_H
#define UDL_VEC_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(UDL_VB) /* forced: a wide vector in generic code, for tests */
#elif defined(UDL_LEVEL_avx512)
#define UDL_VB 64
#elif defined(UDL_LEVEL_avx2)
#define UDL_VB 32
#else
#define UDL_VB 16
#endif
#define VW32 (UDL_VB / 4)
#define VW64 (UDL_VB / 8)

typedef float vf32 __attribute__((vector_size(UDL_VB)));
typedef double vf64 __attribute__((vector_size(UDL_VB)));
typedef int32_t vi32 __attribute__((vector_size(UDL_VB)));
typedef int64_t vi64 __attribute__((vector_size(UDL_VB)));
typedef uint32_t vu32 __attribute__((vector_size(UDL_VB)));
typedef uint64_t vu64 __attribute__((vector_size(UDL_VB)));

#define VFN static inline __attribute__((always_inline, unused))

/* the first n lanes: powers of two, each of a constant size, so that no call of memcpy is left */
#define UDL_VEC_COPY_N(d, s, n, W, E)                                                                                  \
    do { int at_ = 0;                                                                                                  \
        for (int w_ = (W); w_; w_ /= 2)                                                                                \
            if ((n) & w_) { __builtin_memcpy((d) + at_, (s) + at_, (size_t)w_ * sizeof(E)); at_ += w_; }               \
    } while (0)

/* one definition per element type: F vector, E element, M mask vector, W lanes, s suffix */
#define UDL_VEC_DEFINE(F, E, M, W, s)                                                                                  \
    VFN F v_load_##s(const E *p) { F v; memcpy(&v, p, sizeof v); return v; }                                           \
    VFN void v_store_##s(E *p, F v) { memcpy(p, &v, sizeof v); }                                                       \
    VFN F v_set_##s(E x) { return x - (F){0}; }                                                                        \
    VFN F v_load_n_##s(const E *p, int n) { F v; E t[W] = {0}; UDL_VEC_COPY_N(t, p, n, W, E);                          \
        memcpy(&v, t, sizeof v); return v; }                                                                           \
    VFN void v_store_n_##s(E *p, F v, int n) { E t[W]; memcpy(t, &v, sizeof v); UDL_VEC_COPY_N(p, t, n, W, E); }       \
    VFN F v_sel_##s(M m, F a, F b) { return (F)((m & (M)a) | (~m & (M)b)); }                                           \
    VFN F v_fma_##s(F a, F b, F c) { return a * b + c; }                                                               \
    VFN F v_max_##s(F a, F b) { return v_sel_##s((a > b) | (a != a), a, b); }                                          \
    VFN F v_min_##s(F a, F b) { return v_sel_##s((a < b) | (a != a), a, b); }                                          \
    VFN F v_sel_lt_##s(F x, F y, F a, F b) { return v_sel_##s(x < y, a, b); }                                          \
    VFN F v_atleast_##s(F x, F lo) { return v_sel_##s(x < lo, lo, x); }                                                \
    VFN F v_atmost_##s(F x, F hi) { return v_sel_##s(x > hi, hi, x); }
UDL_VEC_DEFINE(vf32, float, vi32, VW32, f32)
UDL_VEC_DEFINE(vf64, double, vi64, VW64, f64)

VFN int v_any(vi64 m) { /* is any lane of a mask set? */
    int64_t r = 0;
    for (int i = 0; i < VW64; i++) r |= m[i];
    return r != 0;
}
VFN vf32 v_abs_f32(vf32 a) { return (vf32)((vi32)a & 0x7fffffff); }
VFN vf64 v_abs_f64(vf64 a) { return (vf64)((vi64)a & 0x7fffffffffffffffLL); }

/* c - a a, rounded once; a compiler that fuses might take the product inside c instead. Here a a = s + its rounding, from
 * a = h + l with half the bits each. */
VFN vf32 v_minus_square_f32(vf32 c, vf32 a) {
    vf32 h = (vf32)((vi32)a & (int32_t)0xfffff000), l = a - h, s = a * a;
    return (c - s) - (((h * h - s) + 2 * h * l) + l * l);
}

#include "across.h"
#if defined(UDL_LEVEL_avx512)
#include "avx512.h"
#elif defined(UDL_LEVEL_avx2)
#include "avx2.h"
#elif defined(UDL_LEVEL_neon)
#include "neon.h"
#else
#include "generic.h"
#endif
#ifndef v_stream_end /* a level without such stores */
#define v_stream_f32 v_store_f32
#define v_stream_f64 v_store_f64
#define v_stream_end() ((void)0)
#endif

VFN vf32 v_limit_f32(vf32 x, vf32 lo, vf32 hi) { return v_atmost_f32(v_atleast_f32(x, lo), hi); }
VFN vf64 v_limit_f64(vf64 x, vf64 lo, vf64 hi) { return v_atmost_f64(v_atleast_f64(x, lo), hi); }

#define UDL_G1(name, x) _Generic((x), vf32: name##_f32, vf64: name##_f64)
#define v_load(p) _Generic((p), float *: v_load_f32, const float *: v_load_f32, double *: v_load_f64, const double *: v_load_f64)(p)
#define v_store(p, v) _Generic((p), float *: v_store_f32, double *: v_store_f64)(p, v)
#define v_stream(p, v) _Generic((p), float *: v_stream_f32, double *: v_stream_f64)(p, v)
#define v_load_n(p, n) _Generic((p), float *: v_load_n_f32, const float *: v_load_n_f32, double *: v_load_n_f64, const double *: v_load_n_f64)(p, n)
#define v_store_n(p, v, n) _Generic((p), float *: v_store_n_f32, double *: v_store_n_f64)(p, v, n)
#define v_fma(a, b, c) UDL_G1(v_fma, a)(a, b, c)
#define v_max(a, b) UDL_G1(v_max, a)(a, b)
#define v_min(a, b) UDL_G1(v_min, a)(a, b)
#define v_sel(m, a, b) UDL_G1(v_sel, a)(m, a, b)
#define v_sel_lt(x, y, a, b) UDL_G1(v_sel_lt, x)(x, y, a, b)
#define v_atleast(x, lo) UDL_G1(v_atleast, x)(x, lo)
#define v_atmost(x, hi) UDL_G1(v_atmost, x)(x, hi)
#define v_limit(x, lo, hi) UDL_G1(v_limit, x)(x, lo, hi)
#define v_abs(a) UDL_G1(v_abs, a)(a)
#define v_sqrt(a) UDL_G1(v_sqrt, a)(a)
#define v_round(a) UDL_G1(v_round, a)(a)
#define v_floor(a) UDL_G1(v_floor, a)(a)
#define v_ceil(a) UDL_G1(v_ceil, a)(a)
#define v_sum(a) UDL_G1(v_sum, a)(a)
#define v_hmax(a) UDL_G1(v_hmax, a)(a)
#define v_hmin(a) UDL_G1(v_hmin, a)(a)

#endif
