/* across.h - sum, maximum and minimum over the lanes of a vector, included by vec.h.
 *
 * The upper half is folded onto the lower one until a lane is left: t[i] with t[i + w / 2], then w / 4 ... The pieces are vectors
 * of half the width each time, so every step is one extraction and one operation. A NaN wins in maximum and minimum. */
#define UDL_SHUFFLE __builtin_shufflevector

#define UDL_FOLDS_DEFINE(F, M, s)                                                                                      \
    typedef F udl_##s __attribute__((vector_size(sizeof(M))));                                                         \
    VFN udl_##s v_sum_fold_##s(udl_##s a, udl_##s b) { return a + b; }                                                 \
    VFN udl_##s v_hmax_fold_##s(udl_##s a, udl_##s b) {                                                                \
        const M m = (a > b) | (a != a);                                                                                \
        return (udl_##s)((m & (M)a) | (~m & (M)b));                                                                    \
    }                                                                                                                  \
    VFN udl_##s v_hmin_fold_##s(udl_##s a, udl_##s b) {                                                                \
        const M m = (a < b) | (a != a);                                                                                \
        return (udl_##s)((m & (M)a) | (~m & (M)b));                                                                    \
    }
typedef int32_t udl_i32x4 __attribute__((vector_size(16)));
typedef int64_t udl_i64x2 __attribute__((vector_size(16)));
typedef int32_t udl_i32x8 __attribute__((vector_size(32)));
typedef int64_t udl_i64x4 __attribute__((vector_size(32)));
UDL_FOLDS_DEFINE(float, udl_i32x4, f32x4)
UDL_FOLDS_DEFINE(double, udl_i64x2, f64x2)
#if UDL_VB == 64
UDL_FOLDS_DEFINE(float, udl_i32x8, f32x8)
UDL_FOLDS_DEFINE(double, udl_i64x4, f64x4)
#define UDL_FOLD_F32(fold, v)                                                                                          \
    const udl_f32x8 h = fold##_f32x8(UDL_SHUFFLE(v, v, 0, 1, 2, 3, 4, 5, 6, 7), UDL_SHUFFLE(v, v, 8, 9, 10, 11, 12, 13, 14, 15)); \
    udl_f32x4 q = fold##_f32x4(UDL_SHUFFLE(h, h, 0, 1, 2, 3), UDL_SHUFFLE(h, h, 4, 5, 6, 7))
#define UDL_FOLD_F64(fold, v)                                                                                          \
    const udl_f64x4 h = fold##_f64x4(UDL_SHUFFLE(v, v, 0, 1, 2, 3), UDL_SHUFFLE(v, v, 4, 5, 6, 7));                    \
    udl_f64x2 q = fold##_f64x2(UDL_SHUFFLE(h, h, 0, 1), UDL_SHUFFLE(h, h, 2, 3))
#elif UDL_VB == 32
#define UDL_FOLD_F32(fold, v) udl_f32x4 q = fold##_f32x4(UDL_SHUFFLE(v, v, 0, 1, 2, 3), UDL_SHUFFLE(v, v, 4, 5, 6, 7))
#define UDL_FOLD_F64(fold, v) udl_f64x2 q = fold##_f64x2(UDL_SHUFFLE(v, v, 0, 1), UDL_SHUFFLE(v, v, 2, 3))
#else
#define UDL_FOLD_F32(fold, v) udl_f32x4 q = v
#define UDL_FOLD_F64(fold, v) udl_f64x2 q = v
#endif

#define UDL_ACROSS_DEFINE(name)                                                                                        \
    VFN float name##_f32(vf32 v) {                                                                                     \
        UDL_FOLD_F32(name##_fold, v);                                                                                  \
        q = name##_fold_f32x4(q, UDL_SHUFFLE(q, q, 2, 3, 2, 3));                                                       \
        return name##_fold_f32x4(q, UDL_SHUFFLE(q, q, 1, 1, 1, 1))[0];                                                 \
    }                                                                                                                  \
    VFN double name##_f64(vf64 v) {                                                                                    \
        UDL_FOLD_F64(name##_fold, v);                                                                                  \
        return name##_fold_f64x2(q, UDL_SHUFFLE(q, q, 1, 1))[0];                                                       \
    }
/* out[i] = sum over the lanes of v[i], for four vectors: folds, then a transpose */
VFN udl_f32x4 v_fold4_f32(vf32 v) {
    UDL_FOLD_F32(v_sum_fold, v);
    return q;
}
VFN void v_sums4_f32(const vf32 v[4], float out[4]) {
    const udl_f32x4 a = v_fold4_f32(v[0]), b = v_fold4_f32(v[1]), c = v_fold4_f32(v[2]), d = v_fold4_f32(v[3]);
    const udl_f32x4 ab = UDL_SHUFFLE(a, b, 0, 1, 4, 5) + UDL_SHUFFLE(a, b, 2, 3, 6, 7);
    const udl_f32x4 cd = UDL_SHUFFLE(c, d, 0, 1, 4, 5) + UDL_SHUFFLE(c, d, 2, 3, 6, 7);
    const udl_f32x4 s = UDL_SHUFFLE(ab, cd, 0, 2, 4, 6) + UDL_SHUFFLE(ab, cd, 1, 3, 5, 7);
    memcpy(out, &s, 16);
}
VFN void v_sums4_f64(const vf64 v[4], double out[4]) {
    for (int i = 0; i < 4; i++) {
        UDL_FOLD_F64(v_sum_fold, v[i]);
        out[i] = q[0] + q[1];
    }
}
UDL_ACROSS_DEFINE(v_sum)
UDL_ACROSS_DEFINE(v_hmax)
UDL_ACROSS_DEFINE(v_hmin)
