/* columns.h - a transpose in registers that serves every width.
 *
 * columns(row, k, out): out[kk][r] = row[r][k + kk] for VW rows and KS = 16 / sizeof(T) values of kk. A vector holds in its
 * 16-byte lane l a piece of a row of that lane, so a transpose inside the lanes is all it takes:
 *     u[i] = [ row i, k..k+3 | row 4+i, k..k+3 | ... ]  ->  out[kk] = [ rows 0..3 | rows 4..7 | ... ] at k + kk   */
#ifndef UDL_COLUMNS_H
#define UDL_COLUMNS_H
#include "../kernel.h"

#if UDL_VB == 64
#define LANES(a, b, c, d) __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7),               \
                                                  __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7),               \
                                                  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define LANES64(a, b, c, d) __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 2, 3),                         \
                                                    __builtin_shufflevector(c, d, 0, 1, 2, 3), 0, 1, 2, 3, 4, 5, 6, 7)
#define ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define ZIP64_LO(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define ZIP64_HI(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#elif UDL_VB == 32
#define LANES(a, b, c, d) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7)
#define LANES64(a, b, c, d) __builtin_shufflevector(a, b, 0, 1, 2, 3)
#define ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define ZIP64_LO(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define ZIP64_HI(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#else
#define LANES(a, b, c, d) (a)
#define LANES64(a, b, c, d) (a)
#define ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define ZIP64_LO(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ZIP64_HI(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

typedef float lane_f32 __attribute__((vector_size(16)));
typedef double lane_f64 __attribute__((vector_size(16)));
#define KS_f32 4
#define KS_f64 2
VFN void columns_f32(const float *const row[VW32], i64 k, vf32 out[KS_f32]) {
    vf32 u[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        lane_f32 q[4];
        _Pragma("GCC unroll 4") for (int l = 0; l < VW32 / 4; l++) memcpy(&q[l], row[4 * l + i] + k, 16);
        u[i] = (vf32)LANES(q[0], q[1], q[2], q[3]);
    }
    vf64 a = (vf64)ZIP_LO(u[0], u[1]), b = (vf64)ZIP_LO(u[2], u[3]), c = (vf64)ZIP_HI(u[0], u[1]), d = (vf64)ZIP_HI(u[2], u[3]);
    out[0] = (vf32)ZIP64_LO(a, b);
    out[1] = (vf32)ZIP64_HI(a, b);
    out[2] = (vf32)ZIP64_LO(c, d);
    out[3] = (vf32)ZIP64_HI(c, d);
}
/* and back: to[r][0..4] = in[0..4][r] for the first n rows */
#if UDL_VB == 64
#define LANE(v, l) __builtin_shufflevector(v, v, 4 * (l), 4 * (l) + 1, 4 * (l) + 2, 4 * (l) + 3)
#elif UDL_VB == 32
#define LANE(v, l) __builtin_shufflevector(v, v, 4 * ((l) & 1), 4 * ((l) & 1) + 1, 4 * ((l) & 1) + 2, 4 * ((l) & 1) + 3)
#else
#define LANE(v, l) (v)
#endif
VFN void rows_f32(const vf32 in[4], float *to, i64 stride, i64 n) {
    vf64 a = (vf64)ZIP_LO(in[0], in[1]), b = (vf64)ZIP_LO(in[2], in[3]), c = (vf64)ZIP_HI(in[0], in[1]), d = (vf64)ZIP_HI(in[2], in[3]);
    vf32 u[4] = {(vf32)ZIP64_LO(a, b), (vf32)ZIP64_HI(a, b), (vf32)ZIP64_LO(c, d), (vf32)ZIP64_HI(c, d)};
#define PUT(l) _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)                                                        \
    if (4 * (l) + i < n) { lane_f32 q = LANE(u[i], l); memcpy(to + (4 * (l) + i) * stride, &q, 16); }
    PUT(0)
#if UDL_VB >= 32
    PUT(1)
#endif
#if UDL_VB == 64
    PUT(2) PUT(3)
#endif
#undef PUT
}
VFN void columns_f64(const double *const row[VW64], i64 k, vf64 out[KS_f64]) {
    vf64 u[2];
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) {
        lane_f64 q[4];
        _Pragma("GCC unroll 4") for (int l = 0; l < VW64 / 2; l++) memcpy(&q[l], row[2 * l + i] + k, 16);
        u[i] = LANES64(q[0], q[1], q[2], q[3]);
    }
    out[0] = ZIP64_LO(u[0], u[1]);
    out[1] = ZIP64_HI(u[0], u[1]);
}
#endif
