/* math_trig.h - sin, cos, tan; included by math.h.
 *
 * n = round(x 2/pi), r = x - n pi/2, |r| <= pi/4: sin x is sin r, cos r, -sin r, -cos r as n = 0, 1, 2, 3 modulo 4.
 * pi/2 is split in parts of 33 bits, so that n times a part is exact in double up to n = 2^20; float reduces in double
 * too. Beyond |x| = 1e5 the lanes go through libm. */
#define UDL_TRIG_LIMIT 1e5
typedef float vh32 __attribute__((vector_size(UDL_VB / 2)));

/* x - n pi/2 of half a vector */
VFN vh32 v_reduce_half(vh32 x, vh32 n) {
    vf64 r = __builtin_convertvector(x, vf64), m = __builtin_convertvector(n, vf64);
    r = v_fma_f64(m, v_set_f64(-0x1.921fb544p+0), r);
    r = v_fma_f64(m, v_set_f64(-0x1.0b4611a626331p-34), r);
    return __builtin_convertvector(r, vh32);
}
VFN vi32 v_reduce_f32(vf32 x, vf32 *r) {
    const vf32 magic = v_set_f32(0x1.8p23f);
    vf32 t = v_fma_f32(x, v_set_f32(0x1.45f306p-1f), magic), n = t - magic;
    vh32 h[2], m[2];
    memcpy(h, &x, sizeof x);
    memcpy(m, &n, sizeof n);
    h[0] = v_reduce_half(h[0], m[0]);
    h[1] = v_reduce_half(h[1], m[1]);
    memcpy(r, h, sizeof *r);
    return (vi32)t;
}
VFN vi64 v_reduce_f64(vf64 x, vf64 *r) {
    const vf64 magic = v_set_f64(0x1.8p52);
    vf64 t = v_fma_f64(x, v_set_f64(0x1.45f306dc9c883p-1), magic), n = t - magic;
    *r = v_fma_f64(n, v_set_f64(-0x1.921fb544p+0), x);
    *r = v_fma_f64(n, v_set_f64(-0x1.0b4611a6p-34), *r);
    *r = v_fma_f64(n, v_set_f64(-0x1.3198a2e037073p-69), *r);
    return (vi64)t;
}

/* sin r and cos r, |r| <= pi/4 + 0.02 */
VFN vf32 v_sin_core_f32(vf32 r) {
    vf32 z = r * r;
    return v_fma_f32(z * r, V_POLY_F32(z, -0.166666538f, 0.00833205692f, -0.000195007276f), r); /* 2^-27 */
}
VFN vf32 v_cos_core_f32(vf32 r) {
    vf32 z = r * r, p = V_POLY_F32(z, 0.0416666418f, -0.0013887207f, 2.44198618e-05f); /* 2^-32 */
    return v_fma_f32(z * z, p, v_fma_f32(z, v_set_f32(-0.5f), v_set_f32(1)));
}
VFN vf64 v_sin_core_f64(vf64 r) {
    vf64 z = r * r;
    vf64 p = V_POLY_F64(z, -0.16666666666666619, 0.0083333333333193114, -0.00019841269827270864,
                        2.7557312797364577e-06, -2.5050616339083618e-08, 1.5888504258786948e-10); /* 2^-57 */
    return v_fma_f64(z * r, p, r);
}
/* 1 - z/2 rounded, its error, and the rest */
VFN vf64 v_cos_core_f64(vf64 r) {
    vf64 z = r * r, h = 0.5 * z, w = 1 - h;
    vf64 p = V_POLY_F64(z, 0.041666666666666574, -0.0013888888888869931, 2.4801587286803189e-05,
                        -2.7557313564617588e-07, 2.0875614735258395e-09, -1.1353969894016863e-11); /* 2^-63 */
    return w + (((1 - w) - h) + z * z * p);
}

/* lanes with |x| >= 1e5 once more, through libm; behind a pointer, so that the caller keeps its registers */
static __attribute__((noinline, unused)) void v_lanes_f32(vf32 *y, const vf32 *x, float (*fn)(float)) {
    for (int i = 0; i < VW32; i++)
        if (fabsf((*x)[i]) >= (float)UDL_TRIG_LIMIT) (*y)[i] = fn((*x)[i]);
}
static __attribute__((noinline, unused)) void v_lanes_f64(vf64 *y, const vf64 *x, double (*fn)(double)) {
    for (int i = 0; i < VW64; i++)
        if (fabs((*x)[i]) >= UDL_TRIG_LIMIT) (*y)[i] = fn((*x)[i]);
}

/* quadrant q: bit 0 swaps sin and cos, bit 1 changes the sign; cos x = sin(x + pi/2): quadrant q + 1. tan: -1/tan r in
 * odd quadrants. The smallest numbers are their own sine and tangent: that keeps -0. */
#define UDL_VEC_TRIG(F, E, M, s, f, BITS)                                                                       \
    VFN F v_quadrant_##s(F sn, F cs, M q) {                                                                     \
        F y = v_sel_##s((q & 1) != 0, cs, sn);                                                                  \
        return (F)((M)y ^ ((q & 2) << (BITS - 2)));                                                             \
    }                                                                                                           \
    VFN F v_sin_##s(F x) {                                                                                      \
        F r, y;                                                                                                 \
        M q = v_reduce_##s(x, &r), far = v_abs_##s(x) >= (E)UDL_TRIG_LIMIT;                                     \
        y = v_quadrant_##s(v_sin_core_##s(r), v_cos_core_##s(r), q);                                            \
        y = v_sel_##s(v_abs_##s(x) < (E)1e-9, x, y);                                                            \
        if (__builtin_expect(v_any((vi64)far), 0)) v_lanes_##s(&y, &x, sin##f);                                 \
        return y;                                                                                               \
    }                                                                                                           \
    VFN F v_cos_##s(F x) {                                                                                      \
        F r, y;                                                                                                 \
        M q = v_reduce_##s(x, &r), far = v_abs_##s(x) >= (E)UDL_TRIG_LIMIT;                                     \
        y = v_quadrant_##s(v_sin_core_##s(r), v_cos_core_##s(r), q + 1);                                        \
        if (__builtin_expect(v_any((vi64)far), 0)) v_lanes_##s(&y, &x, cos##f);                                 \
        return y;                                                                                               \
    }                                                                                                           \
    VFN F v_tan_##s(F x) {                                                                                      \
        F r, y;                                                                                                 \
        M q = v_reduce_##s(x, &r), far = v_abs_##s(x) >= (E)UDL_TRIG_LIMIT, odd = (q & 1) != 0;                 \
        F sn = v_sin_core_##s(r), cs = v_cos_core_##s(r);                                                       \
        y = v_sel_##s(odd, -cs, sn) / v_sel_##s(odd, sn, cs);                                                   \
        y = v_sel_##s(v_abs_##s(x) < (E)1e-9, x, y);                                                            \
        if (__builtin_expect(v_any((vi64)far), 0)) v_lanes_##s(&y, &x, tan##f);                                 \
        return y;                                                                                               \
    }
UDL_VEC_TRIG(vf32, float, vi32, f32, f, 32)
UDL_VEC_TRIG(vf64, double, vi64, f64, , 64)

#define v_sin(x) UDL_G1(v_sin, x)(x)
#define v_cos(x) UDL_G1(v_cos, x)(x)
#define v_tan(x) UDL_G1(v_tan, x)(x)
