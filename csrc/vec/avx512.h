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
VFN vf32 v_square_rest_avx512_f32(vf32 a, vf32 s) { return (vf32)_mm512_fmsub_ps((__m512)a, (__m512)a, (__m512)s); }
#define v_square_rest_f32 v_square_rest_avx512_f32

/* past the caches; such stores keep no order with others until the fence */
VFN void v_stream_avx512_f32(float *p, vf32 v) { _mm512_stream_ps(p, (__m512)v); }
VFN void v_stream_avx512_f64(double *p, vf64 v) { _mm512_stream_pd(p, (__m512d)v); }
#define v_stream_f32 v_stream_avx512_f32
#define v_stream_f64 v_stream_avx512_f64
#define v_stream_end() _mm_sfence()
