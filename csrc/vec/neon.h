/* neon.h - 16-byte vectors with FMA (AArch64). */
#include <arm_neon.h>
VFN vf32 v_sqrt_f32(vf32 a) { return (vf32)vsqrtq_f32((float32x4_t)a); }
VFN vf64 v_sqrt_f64(vf64 a) { return (vf64)vsqrtq_f64((float64x2_t)a); }
VFN vf32 v_round_f32(vf32 a) { return (vf32)vrndnq_f32((float32x4_t)a); }
VFN vf64 v_round_f64(vf64 a) { return (vf64)vrndnq_f64((float64x2_t)a); }
VFN vf32 v_floor_f32(vf32 a) { return (vf32)vrndmq_f32((float32x4_t)a); }
VFN vf64 v_floor_f64(vf64 a) { return (vf64)vrndmq_f64((float64x2_t)a); }
VFN vf32 v_ceil_f32(vf32 a) { return (vf32)vrndpq_f32((float32x4_t)a); }
VFN vf64 v_ceil_f64(vf64 a) { return (vf64)vrndpq_f64((float64x2_t)a); }
VFN vf32 v_minus_square_neon_f32(vf32 c, vf32 a) { return (vf32)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)a); }
#define v_minus_square_f32 v_minus_square_neon_f32
