/* generic.h - 16-byte vectors, plain C: the compiler's baseline for this processor family.
 *
 * The baseline of x86-64 has no rounding instruction. |a| + 2^m - 2^m (m = 23 or 52 bits of mantissa) rounds to the
 * nearest even integer; from 2^m on every number is an integer already. The sign bit is put back, so -0.3 gives -0. */
#if defined(__SSE2__) && UDL_VB == 16
#include <emmintrin.h>
VFN vf32 v_sqrt_f32(vf32 a) { return (vf32)_mm_sqrt_ps((__m128)a); }
VFN vf64 v_sqrt_f64(vf64 a) { return (vf64)_mm_sqrt_pd((__m128d)a); }
/* the second operand where the first is not beyond it, or either is NaN */
VFN vf32 v_atleast_sse_f32(vf32 x, vf32 lo) { return (vf32)_mm_max_ps((__m128)lo, (__m128)x); }
VFN vf64 v_atleast_sse_f64(vf64 x, vf64 lo) { return (vf64)_mm_max_pd((__m128d)lo, (__m128d)x); }
VFN vf32 v_atmost_sse_f32(vf32 x, vf32 hi) { return (vf32)_mm_min_ps((__m128)hi, (__m128)x); }
VFN vf64 v_atmost_sse_f64(vf64 x, vf64 hi) { return (vf64)_mm_min_pd((__m128d)hi, (__m128d)x); }
#define v_atleast_f32 v_atleast_sse_f32
#define v_atleast_f64 v_atleast_sse_f64
#define v_atmost_f32 v_atmost_sse_f32
#define v_atmost_f64 v_atmost_sse_f64
#else
VFN vf32 v_sqrt_f32(vf32 a) { for (int i = 0; i < VW32; i++) a[i] = sqrtf(a[i]); return a; }
VFN vf64 v_sqrt_f64(vf64 a) { for (int i = 0; i < VW64; i++) a[i] = sqrt(a[i]); return a; }
#endif

#define UDL_VEC_ROUNDING(F, E, M, MAGIC, s)                                       \
    VFN F v_round_##s(F a) {                                                      \
        F m = v_abs_##s(a), r = (m + (E)MAGIC) - (E)MAGIC;                        \
        r = v_sel_##s(m < (E)MAGIC, r, m);                                        \
        return (F)((M)r | ((M)a ^ (M)m));                                         \
    }                                                                             \
    VFN F v_floor_##s(F a) {                                                      \
        F r = v_round_##s(a), one = v_set_##s(1);                                 \
        return v_sel_##s(r > a, r - one, r);                                      \
    }                                                                             \
    VFN F v_ceil_##s(F a) { return -v_floor_##s(-a); }
UDL_VEC_ROUNDING(vf32, float, vi32, 0x1p23f, f32)
UDL_VEC_ROUNDING(vf64, double, vi64, 0x1p52, f64)
