/* avx512.h - 64-byte vectors with FMA (F, BW, DQ, VL). */
#include <immintrin.h>
VFN vf32 v_sqrt_f32(vf32 a) { return (vf32)_mm512_sqrt_ps((__m512)a); }
VFN vf64 v_sqrt_f64(vf64 a) { return (vf64)_mm512_sqrt_pd((__m512d)a); }
VFN vf32 v_round_f32(vf32 a) { return (vf32)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VFN vf64 v_round_f64(vf64 a) { return (vf64)_mm512_roundscale_pd((__m512d)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VFN vf32 v_floor_f32(vf32 a) { return (vf32)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
VFN vf64 v_floor_f64(vf64 a) { return (vf64)_mm512_roundscale_pd((__m512d)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
VFN vf32 v_ceil_f32(vf32 a) { return (vf32)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
VFN vf64 v_ceil_f64(vf64 a) { return (vf64)_mm512_roundscale_pd((__m512d)a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }

/* The base forms go through memory; these replace them. Lanes left out are not touched. */
VFN vf32 v_load_n_avx512_f32(const float *p, int n) { return (vf32)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
VFN vf64 v_load_n_avx512_f64(const double *p, int n) { return (vf64)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p); }
VFN void v_store_n_avx512_f32(float *p, vf32 v, int n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v); }
VFN void v_store_n_avx512_f64(double *p, vf64 v, int n) { _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v); }
VFN int v_any_avx512(vi64 m) { return _mm512_test_epi64_mask((__m512i)m, (__m512i)m) != 0; }
#define v_any v_any_avx512
#define v_load_n_f32 v_load_n_avx512_f32
#define v_load_n_f64 v_load_n_avx512_f64
#define v_store_n_f32 v_store_n_avx512_f32
#define v_store_n_f64 v_store_n_avx512_f64

/* Comparisons give mask registers. Made from them and used through v_sel, a mask costs two more instructions, so the names
 * that compare and select in one are their own. max_ps(a, b) gives b when either is NaN: only a NaN in a needs care. */
VFN vf32 v_sel_lt_avx512_f32(vf32 x, vf32 y, vf32 a, vf32 b) {
    return (vf32)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)x, (__m512)y, _CMP_LT_OQ), (__m512)b, (__m512)a);
}
VFN vf64 v_sel_lt_avx512_f64(vf64 x, vf64 y, vf64 a, vf64 b) {
    return (vf64)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((__m512d)x, (__m512d)y, _CMP_LT_OQ), (__m512d)b, (__m512d)a);
}
VFN vf32 v_atleast_avx512_f32(vf32 x, vf32 lo) { return (vf32)_mm512_max_ps((__m512)lo, (__m512)x); }
VFN vf64 v_atleast_avx512_f64(vf64 x, vf64 lo) { return (vf64)_mm512_max_pd((__m512d)lo, (__m512d)x); }
VFN vf32 v_atmost_avx512_f32(vf32 x, vf32 hi) { return (vf32)_mm512_min_ps((__m512)hi, (__m512)x); }
VFN vf64 v_atmost_avx512_f64(vf64 x, vf64 hi) { return (vf64)_mm512_min_pd((__m512d)hi, (__m512d)x); }
#define UDL_AVX512_EXTREME(name)                                                                                        \
    VFN vf32 v_##name##_avx512_f32(vf32 a, vf32 b) {                                                                    \
        return (vf32)_mm512_mask_##name##_ps((__m512)a, _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_ORD_Q),           \
                                             (__m512)a, (__m512)b);                                                     \
    }                                                                                                                   \
    VFN vf64 v_##name##_avx512_f64(vf64 a, vf64 b) {                                                                    \
        return (vf64)_mm512_mask_##name##_pd((__m512d)a, _mm512_cmp_pd_mask((__m512d)a, (__m512d)a, _CMP_ORD_Q),        \
                                             (__m512d)a, (__m512d)b);                                                   \
    }
UDL_AVX512_EXTREME(max)
UDL_AVX512_EXTREME(min)
#define v_sel_lt_f32 v_sel_lt_avx512_f32
#define v_sel_lt_f64 v_sel_lt_avx512_f64
#define v_atleast_f32 v_atleast_avx512_f32
#define v_atleast_f64 v_atleast_avx512_f64
#define v_atmost_f32 v_atmost_avx512_f32
#define v_atmost_f64 v_atmost_avx512_f64
#define v_max_f32 v_max_avx512_f32
#define v_max_f64 v_max_avx512_f64
#define v_min_f32 v_min_avx512_f32
#define v_min_f64 v_min_avx512_f64

/* p 2^n for t = n + magic (math_exp.h): one instruction, rounded once, for subnormal results too */
VFN vf32 v_scale_avx512_f32(vf32 p, vf32 t) { return (vf32)_mm512_scalef_ps((__m512)p, (__m512)(t - 0x1.8p23f)); }
VFN vf64 v_scale_avx512_f64(vf64 p, vf64 t) { return (vf64)_mm512_scalef_pd((__m512d)p, (__m512d)(t - 0x1.8p52)); }
#define v_scale_f32 v_scale_avx512_f32
#define v_scale_f64 v_scale_avx512_f64

VFN vf32 v_minus_square_avx512_f32(vf32 c, vf32 a) { return (vf32)_mm512_fnmadd_ps((__m512)a, (__m512)a, (__m512)c); }
#define v_minus_square_f32 v_minus_square_avx512_f32

/* past the caches; such stores keep no order with others until the fence */
VFN void v_stream_avx512_f32(float *p, vf32 v) { _mm512_stream_ps(p, (__m512)v); }
VFN void v_stream_avx512_f64(double *p, vf64 v) { _mm512_stream_pd(p, (__m512d)v); }
#define v_stream_f32 v_stream_avx512_f32
#define v_stream_f64 v_stream_avx512_f64
#define v_stream_end() _mm_sfence()
