/* lanes.h - rearranging the lanes of two vectors: for strided windows, and for random words in the order of elements.
 *
 *   v_even(a, b)  a0 a2 .. b0 b2 ..      v_odd(a, b)  a1 a3 .. b1 b3 ..
 *   v_zip_lo(a, b)  a0 b0 a1 b1 ..       v_zip_hi(a, b)  the second half of that
 *   v_pick(a, b, i)  lane i[l] of a and b together, 0 <= i[l] < 2 width (a twice: one vector's worth of lanes)
 *   v_trn_even(a, b)  a0 b0 a2 b2 ..     v_trn_odd(a, b)  a1 b1 a3 b3 ..   (vu64)
 * The index lists differ only in width, so they are written once a width, not once a level. */
#ifndef UDL_LANES_H
#define UDL_LANES_H
#include "../kernel.h"

#define UDL_EVEN2 0, 2
#define UDL_ODD2 1, 3
#define UDL_ZLO2 0, 2
#define UDL_ZHI2 1, 3
#define UDL_TE2 0, 2
#define UDL_TO2 1, 3
#define UDL_EVEN4 0, 2, 4, 6
#define UDL_ODD4 1, 3, 5, 7
#define UDL_ZLO4 0, 4, 1, 5
#define UDL_ZHI4 2, 6, 3, 7
#define UDL_TE4 0, 4, 2, 6
#define UDL_TO4 1, 5, 3, 7
#define UDL_EVEN8 0, 2, 4, 6, 8, 10, 12, 14
#define UDL_ODD8 1, 3, 5, 7, 9, 11, 13, 15
#define UDL_ZLO8 0, 8, 1, 9, 2, 10, 3, 11
#define UDL_ZHI8 4, 12, 5, 13, 6, 14, 7, 15
#define UDL_TE8 0, 8, 2, 10, 4, 12, 6, 14
#define UDL_TO8 1, 9, 3, 11, 5, 13, 7, 15
#define UDL_EVEN16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define UDL_ODD16 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define UDL_ZLO16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UDL_ZHI16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#if UDL_VB == 64
#define UDL_LIST32(name) UDL_##name##16
#define UDL_LIST64(name) UDL_##name##8
#elif UDL_VB == 32
#define UDL_LIST32(name) UDL_##name##8
#define UDL_LIST64(name) UDL_##name##4
#else
#define UDL_LIST32(name) UDL_##name##4
#define UDL_LIST64(name) UDL_##name##2
#endif

#if defined(__clang__)
#define UDL_SHUFFLE2(a, b, M, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define UDL_SHUFFLE2(a, b, M, ...) __builtin_shuffle(a, b, (M){__VA_ARGS__})
#endif

#define UDL_LANES_DEFINE(F, M, LIST, s)                                                             \
    VFN F v_even_##s(F a, F b) { return UDL_SHUFFLE2(a, b, M, LIST(EVEN)); }                        \
    VFN F v_odd_##s(F a, F b) { return UDL_SHUFFLE2(a, b, M, LIST(ODD)); }                          \
    VFN F v_zip_lo_##s(F a, F b) { return UDL_SHUFFLE2(a, b, M, LIST(ZLO)); }                       \
    VFN F v_zip_hi_##s(F a, F b) { return UDL_SHUFFLE2(a, b, M, LIST(ZHI)); }
UDL_LANES_DEFINE(vf32, vi32, UDL_LIST32, f32)
UDL_LANES_DEFINE(vf64, vi64, UDL_LIST64, f64)

#if UDL_VB == 32
/* AVX2 crosses its 16-byte halves only with whole 8-byte words: split inside the halves, then put four words in order.
 * Compilers find three instructions for the list as a whole; this is two. */
#define UDL_LANES_SPLIT(name, F, M, s, ...)                                                         \
    VFN F v_##name##_split_##s(F a, F b) {                                                          \
        const vf64 t = (vf64)UDL_SHUFFLE2(a, b, M, __VA_ARGS__);                                    \
        return (F)UDL_SHUFFLE2(t, t, vi64, 0, 2, 1, 3);                                             \
    }
UDL_LANES_SPLIT(even, vf32, vi32, f32, 0, 2, 8, 10, 4, 6, 12, 14)
UDL_LANES_SPLIT(odd, vf32, vi32, f32, 1, 3, 9, 11, 5, 7, 13, 15)
UDL_LANES_SPLIT(even, vf64, vi64, f64, 0, 4, 2, 6)
UDL_LANES_SPLIT(odd, vf64, vi64, f64, 1, 5, 3, 7)
#define v_even_f32 v_even_split_f32
#define v_odd_f32 v_odd_split_f32
#define v_even_f64 v_even_split_f64
#define v_odd_f64 v_odd_split_f64
#endif

#define v_even(a, b) UDL_G1(v_even, a)(a, b)
#define v_odd(a, b) UDL_G1(v_odd, a)(a, b)
#define v_zip_lo(a, b) UDL_G1(v_zip_lo, a)(a, b)
#define v_zip_hi(a, b) UDL_G1(v_zip_hi, a)(a, b)

#if defined(__clang__)
#define UDL_PICK_DEFINE(F, E, M, W, s)                                                              \
    VFN F v_pick_##s(F a, F b, M at) {                                                              \
        E t[2 * W];                                                                                 \
        memcpy(t, &a, sizeof a), memcpy(t + W, &b, sizeof b);                                       \
        for (int i = 0; i < W; i++) a[i] = t[at[i]];                                                \
        return a;                                                                                   \
    }
#else
#define UDL_PICK_DEFINE(F, E, M, W, s) VFN F v_pick_##s(F a, F b, M at) { return __builtin_shuffle(a, b, at); }
#endif
UDL_PICK_DEFINE(vf32, float, vi32, VW32, f32)
UDL_PICK_DEFINE(vf64, double, vi64, VW64, f64)
#define v_pick(a, b, at) UDL_G1(v_pick, a)(a, b, at)

VFN vu64 v_trn_even(vu64 a, vu64 b) { return UDL_SHUFFLE2(a, b, vi64, UDL_LIST64(TE)); }
VFN vu64 v_trn_odd(vu64 a, vu64 b) { return UDL_SHUFFLE2(a, b, vi64, UDL_LIST64(TO)); }
#endif
