/* avx2.h - 32-byte vectors with FMA. */
#include <immintrin.h>
VFN vf32 v_sqrt_f32(vf32 a) { return (vf32)_mm256_sqrt_ps((__m256)a); }
VFN vf64 v_sqrt_f64(vf64 a) { return (vf64)_mm256_sqrt_pd((__m256d)a); }
VFN vf32 v_round_f32(vf32 a) { return (vf32)_mm256_round_ps((__m256)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VFN vf64 v_round_f64(vf64 a) { return (vf64)_mm256_round_pd((__m256d)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VFN vf32 v_floor_f32(vf32 a) { return (vf32)_mm256_floor_ps((__m256)a); }
VFN vf64 v_floor_f64(vf64 a) { return (vf64)_mm256_floor_pd((__m256d)a); }
VFN vf32 v_ceil_f32(vf32 a) { return (vf32)_mm256_ceil_ps((__m256)a); }
VFN vf64 v_ceil_f64(vf64 a) { return (vf64)_mm256_ceil_pd((__m256d)a); }

/* The base forms go through memory; these replace them. A masked load does not touch the lanes it leaves out. Stores keep
 * the base form: masked stores are slow on some processors. */
VFN vi32 v_first_f32(int n) { return (vi32){0, 1, 2, 3, 4, 5, 6, 7} < n; }
VFN vi64 v_first_f64(int n) { return (vi64){0, 1, 2, 3} < (int64_t)n; }
VFN vf32 v_load_n_avx2_f32(const float *p, int n) { return (vf32)_mm256_maskload_ps(p, (__m256i)v_first_f32(n)); }
VFN vf64 v_load_n_avx2_f64(const double *p, int n) { return (vf64)_mm256_maskload_pd(p, (__m256i)v_first_f64(n)); }
VFN vf32 v_sel_avx2_f32(vi32 m, vf32 a, vf32 b) { return (vf32)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m); }
VFN vf64 v_sel_avx2_f64(vi64 m, vf64 a, vf64 b) { return (vf64)_mm256_blendv_pd((__m256d)b, (__m256d)a, (__m256d)m); }
/* max_ps(a, b) gives b when either is NaN, so only a NaN in a needs care */
VFN vf32 v_max_avx2_f32(vf32 a, vf32 b) { return v_sel_avx2_f32(a != a, a, (vf32)_mm256_max_ps((__m256)a, (__m256)b)); }
VFN vf64 v_max_avx2_f64(vf64 a, vf64 b) { return v_sel_avx2_f64(a != a, a, (vf64)_mm256_max_pd((__m256d)a, (__m256d)b)); }
VFN vf32 v_min_avx2_f32(vf32 a, vf32 b) { return v_sel_avx2_f32(a != a, a, (vf32)_mm256_min_ps((__m256)a, (__m256)b)); }
VFN vf64 v_min_avx2_f64(vf64 a, vf64 b) { return v_sel_avx2_f64(a != a, a, (vf64)_mm256_min_pd((__m256d)a, (__m256d)b)); }
VFN vf32 v_sel_lt_avx2_f32(vf32 x, vf32 y, vf32 a, vf32 b) { return v_sel_avx2_f32(x < y, a, b); }
VFN vf64 v_sel_lt_avx2_f64(vf64 x, vf64 y, vf64 a, vf64 b) { return v_sel_avx2_f64(x < y, a, b); }
VFN vf32 v_atleast_avx2_f32(vf32 x, vf32 lo) { return (vf32)_mm256_max_ps((__m256)lo, (__m256)x); }
VFN vf64 v_atleast_avx2_f64(vf64 x, vf64 lo) { return (vf64)_mm256_max_pd((__m256d)lo, (__m256d)x); }
VFN vf32 v_atmost_avx2_f32(vf32 x, vf32 hi) { return (vf32)_mm256_min_ps((__m256)hi, (__m256)x); }
VFN vf64 v_atmost_avx2_f64(vf64 x, vf64 hi) { return (vf64)_mm256_min_pd((__m256d)hi, (__m256d)x); }
VFN int v_any_avx2(vi64 m) { return !_mm256_testz_si256((__m256i)m, (__m256i)m); }
#define v_any v_any_avx2
#define v_load_n_f32 v_load_n_avx2_f32
#define v_load_n_f64 v_load_n_avx2_f64
#define v_sel_f32 v_sel_avx2_f32
#define v_sel_f64 v_sel_avx2_f64
#define v_max_f32 v_max_avx2_f32
#define v_max_f64 v_max_avx2_f64
#define v_min_f32 v_min_avx2_f32
#define v_min_f64 v_min_avx2_f64
#define v_sel_lt_f32 v_sel_lt_avx2_f32
#define v_sel_lt_f64 v_sel_lt_avx2_f64
#define v_atleast_f32 v_atleast_avx2_f32
#define v_atleast_f64 v_atleast_avx2_f64
#define v_atmost_f32 v_atmost_avx2_f32
#define v_atmost_f64 v_atmost_avx2_f64

VFN vf32 v_minus_square_avx2_f32(vf32 c, vf32 a) { return (vf32)_mm256_fnmadd_ps((__m256)a, (__m256)a, (__m256)c); }
#define v_minus_square_f32 v_minus_square_avx2_f32

/* past the caches; such stores keep no order with others until the fence */
VFN void v_stream_avx2_f32(float *p, vf32 v) { _mm256_stream_ps(p, (__m256)v); }
VFN void v_stream_avx2_f64(double *p, vf64 v) { _mm256_stream_pd(p, (__m256d)v); }
#define v_stream_f32 v_stream_avx2_f32
#define v_stream_f64 v_stream_avx2_f64
#define v_stream_end() _mm_sfence()
