/* math_exp.h - the exponential family; included by math.h.
 *
 * exp(x) = 2^n exp(r), n = round(x / ln 2), r = x - n ln 2 in [-0.347, 0.347]; ln 2 is split so that n times its first
 * part is exact. exp(r) - 1 = r + r^2 q(r). The factor 2^n is applied in two steps, so that results down to the
 * smallest subnormal number are rounded once and the largest do not overflow early. */

/* x, but 0 where a = |x| is too small to show beside 1: products of subnormal numbers take some processors long */
VFN vf32 v_tame_f32(vf32 x, vf32 a) { return (vf32)((vi32)x & ~(vi32)(a < 0x1p-30f)); }
VFN vf64 v_tame_f64(vf64 x, vf64 a) { return (vf64)((vi64)x & ~(vi64)(a < 0x1p-60)); }

/* exp(r) - 1 in *em and n of exp(x - low); |x| / ln 2 < 2^22 (float), 2^51 (double). Adding magic = 1.5 2^23 leaves the nearest
 * integer in the low bits of the sum, which is given back: t = n + magic. */
#define UDL_MAGIC_F32 0x1.8p23f
#define UDL_MAGIC_F64 0x1.8p52
VFN vf32 v_exp_parts_f32(vf32 x, vf32 low, vf32 *em) {
    vf32 t = v_fma_f32(x - low, v_set_f32(0x1.715476p+0f), v_set_f32(UDL_MAGIC_F32)), n = t - UDL_MAGIC_F32;
    vf32 r = v_fma_f32(n, v_set_f32(-0x1.62ep-1f), x);
    r = v_fma_f32(n, v_set_f32(-0x1.0bfbe8p-15f), r) - low;
    vf32 q = V_POLY_F32(r, 0.5f, 0.166665375f, 0.0416662656f, 0.0083672395f, 0.00139475858f); /* 2^-26 |r| */
    *em = v_fma_f32(r * r, q, r);
    return t;
}
VFN vf64 v_exp_parts_f64(vf64 x, vf64 low, vf64 *em) {
    vf64 t = v_fma_f64(x - low, v_set_f64(0x1.71547652b82fep+0), v_set_f64(UDL_MAGIC_F64)), n = t - UDL_MAGIC_F64;
    vf64 r = v_fma_f64(n, v_set_f64(-0x1.62e42feep-1), x);
    r = v_fma_f64(n, v_set_f64(-0x1.a39ef35793c76p-33), r) - low;
    vf64 q = V_POLY_F64(r, 0.5, 0.16666666666666677, 0.041666666666666706, 0.0083333333333206663,
                        0.0013888888888865022, 0.00019841269888860955, 2.4801587364159936e-05, 2.755724119902639e-06,
                        2.7557239676532998e-07, 2.5110165864202759e-08, 2.0925395095739292e-09); /* 2^-61 |r| */
    *em = v_fma_f64(r * r, q, r);
    return t;
}

/* 2^(n + k) for the exponents of normal numbers, n from t; p 2^n for all. Unsigned, as the n of a NaN may wrap. There is no
 * arithmetic 64-bit shift before AVX-512: halve n + 4096 instead. */
VFN vf32 v_exponent_f32(vf32 t, int k) { return (vf32)(((vu32)t + (uint32_t)(127 + k)) << 23); }
VFN vf64 v_exponent_f64(vf64 t, int k) { return (vf64)(((vu64)t + (uint64_t)(1023 + k)) << 52); }
#ifndef v_scale_f32
VFN vf32 v_scale_f32(vf32 p, vf32 t) {
    vi32 n = (vi32)((vu32)t - (vu32)(vi32)v_set_f32(UDL_MAGIC_F32)), h = n >> 1;
    return p * (vf32)(((vu32)h + 127) << 23) * (vf32)(((vu32)n - (vu32)h + 127) << 23);
}
VFN vf64 v_scale_f64(vf64 p, vf64 t) {
    vu64 n = (vu64)t - (vu64)v_set_f64(UDL_MAGIC_F64), h = ((n + 4096) >> 1) - 2048;
    return p * (vf64)((h + 1023) << 52) * (vf64)((n - h + 1023) << 52);
}
#endif

/* exp of what is within the limits of v_exp. Fused multiply-adds of 1 + r (1 + r q) make no subnormal numbers. */
#ifdef __FP_FAST_FMAF
VFN vf32 v_exp_held_f32(vf32 x) {
    vf32 t = v_fma_f32(x, v_set_f32(0x1.715476p+0f), v_set_f32(UDL_MAGIC_F32)), n = t - UDL_MAGIC_F32;
    vf32 r = v_fma_f32(n, v_set_f32(-0x1.0bfbe8p-15f), v_fma_f32(n, v_set_f32(-0x1.62ep-1f), x));
    vf32 q = v_fma_f32(r, v_set_f32(0.00139475858f), v_set_f32(0.0083672395f));
    q = v_fma_f32(r, q, v_set_f32(0.0416662656f)), q = v_fma_f32(r, q, v_set_f32(0.166665375f)), q = v_fma_f32(r, q, v_set_f32(0.5f));
    return v_scale_f32(v_fma_f32(r, v_fma_f32(r, q, v_set_f32(1)), v_set_f32(1)), t);
}
#else
VFN vf32 v_exp_held_f32(vf32 x) {
    vf32 em, t = v_exp_parts_f32(v_tame_f32(x, v_abs_f32(x)), (vf32){0}, &em);
    return v_scale_f32(em + 1, t);
}
#endif
VFN vf64 v_exp_held_f64(vf64 x) {
    vf64 em, t = v_exp_parts_f64(x, (vf64){0}, &em);
    return v_scale_f64(em + 1, t);
}
/* beyond the limits the result is 0 or inf anyway */
VFN vf32 v_exp_f32(vf32 x) { return v_exp_held_f32(v_limit_f32(x, v_set_f32(-104), v_set_f32(89))); }
VFN vf64 v_exp_f64(vf64 x) { return v_exp_held_f64(v_limit_f64(x, v_set_f64(-746), v_set_f64(710))); }

/* 2^x = 2^n (1 + r q(r)), r = x - n */
VFN vf32 v_exp2_part_f32(vf32 r) {
    vf32 q = V_POLY_F32(r, 0.693147182f, 0.240226507f, 0.0555032715f, 0.00961800292f, 0.00134005363f,
                        0.000154766414f); /* 2^-28 */
    return v_fma_f32(r, q, v_set_f32(1));
}
VFN vf64 v_exp2_part_f64(vf64 r) {
    vf64 q = V_POLY_F64(r, 0.69314718055994529, 0.24022650695910072, 0.055504108664821701, 0.009618129107628496,
                        0.0013333558146389867, 0.00015403530393340428, 1.5252733856822718e-05, 1.3215486833595287e-06,
                        1.0178050949427128e-07, 7.0548880546512168e-09, 4.4567151807483475e-10,
                        2.5742074923663358e-11); /* 2^-64 */
    return v_fma_f64(r, q, v_set_f64(1));
}
VFN vf32 v_exp2_f32(vf32 x) {
    x = v_limit_f32(x, v_set_f32(-151), v_set_f32(129));
    vf32 t = x + UDL_MAGIC_F32, r = x - (t - UDL_MAGIC_F32);
    return v_scale_f32(v_exp2_part_f32(r), t);
}
VFN vf64 v_exp2_f64(vf64 x) {
    x = v_limit_f64(x, v_set_f64(-1076), v_set_f64(1025));
    vf64 t = x + UDL_MAGIC_F64, r = x - (t - UDL_MAGIC_F64);
    return v_scale_f64(v_exp2_part_f64(r), t);
}
/* 2^x of weights that are at most about 1: below the normal numbers 0, above 2^127 (2^1023) that. The sum with magic has
 * the biased exponent in its low bits; 0 there is the number 0. */
VFN vf32 v_exp2_weight_f32(vf32 x) {
    const vf32 magic = v_set_f32(0x1.8p23f + 127);
    x = v_limit_f32(x, v_set_f32(-127), v_set_f32(127));
    vf32 t = x + magic, r = x - (t - magic);
    return v_exp2_part_f32(r) * (vf32)((vu32)t << 23);
}
VFN vf64 v_exp2_weight_f64(vf64 x) {
    const vf64 magic = v_set_f64(0x1.8p52 + 1023);
    x = v_limit_f64(x, v_set_f64(-1023), v_set_f64(1023));
    vf64 t = x + magic, r = x - (t - magic);
    return v_exp2_part_f64(r) * (vf64)((vu64)t << 52);
}

/* exp(x) - 1 = 2 (2^(n-1) em + (2^(n-1) - 1/2)): for n = 0 that is em, for n = 128 nothing overflows early. Tiny x is
 * its own result (which also keeps -0 and subnormal numbers). */
VFN vf32 v_expm1_f32(vf32 x) {
    vf32 em, t = v_exp_parts_f32(v_limit_f32(x, v_set_f32(-20), v_set_f32(89)), (vf32){0}, &em);
    vf32 s = v_exponent_f32(t, -1), y = 2 * v_fma_f32(s, em, s - 0.5f);
    return v_sel_lt_f32(v_abs_f32(x), v_set_f32(0x1p-26f), x, y);
}
VFN vf64 v_expm1_f64(vf64 x) {
    vf64 em, t = v_exp_parts_f64(v_limit_f64(x, v_set_f64(-40), v_set_f64(710)), (vf64){0}, &em);
    vf64 s = v_exponent_f64(t, -1), y = 2 * v_fma_f64(s, em, s - 0.5);
    return v_sel_lt_f64(v_abs_f64(x), v_set_f64(0x1p-55), x, y);
}

/* 1 / (1 + z) or z / (1 + z), z = exp(-|x|): no cancellation on either side, subnormal results too */
#define UDL_VEC_SIGMOID(F, E, s, MOST)                                                               \
    VFN F v_sigmoid_##s(F x) {                                                                       \
        F one = v_set_##s(1), z = v_exp_held_##s(-v_atmost_##s(v_abs_##s(x), v_set_##s(MOST)));      \
        return v_sel_lt_##s(x, (F){0}, z, one) / (one + z);                                          \
    }
UDL_VEC_SIGMOID(vf32, float, f32, 104)
UDL_VEC_SIGMOID(vf64, double, f64, 746)

/* |x| < 5/8: x + x^3 p(x^2), here a + (b^2 p) c; above 1 - 2 / (exp(2 |x|) + 1), which is 1 from 10 on */
VFN vf32 v_tanh_f32(vf32 x) {
#ifdef __FP_FAST_FMAF /* a tiny product is lost in the sum */
    vf32 a = v_abs_f32(x), b = v_atleast_f32(a, v_set_f32(0x1p-31f)), c = a;
#else
    vf32 a = v_abs_f32(x), b = v_tame_f32(a, a), c = b;
#endif
    vf32 z = b * b, em, one = v_set_f32(1);
    vf32 p = V_POLY_F32(z, -0.333332837f, 0.133314908f, -0.0537434928f, 0.0206505712f, -0.00571702607f); /* 2^-27 */
    vf32 t = v_exp_parts_f32(2 * v_atmost_f32(b, v_set_f32(10)), (vf32){0}, &em);
    vf32 e = (em + 1) * v_exponent_f32(t, 0);
    vf32 big = one - 2 / (e + one), small = v_fma_f32(z * p, c, a);
    return v_copysign_f32(v_sel_lt_f32(a, v_set_f32(0.625f), small, big), x);
}
/* t / (t + 2), t = exp(2 |x|) - 1 */
VFN vf64 v_tanh_f64(vf64 x) {
    vf64 a = v_abs_f64(x), t = v_expm1_f64(2 * v_atmost_f64(a, v_set_f64(20)));
    return v_copysign_f64(t / (t + 2), x);
}

#define v_exp(x) UDL_G1(v_exp, x)(x)
#define v_exp2(x) UDL_G1(v_exp2, x)(x)
#define v_exp2_weight(x) UDL_G1(v_exp2_weight, x)(x)
#define v_expm1(x) UDL_G1(v_expm1, x)(x)
#define v_sigmoid(x) UDL_G1(v_sigmoid, x)(x)
#define v_tanh(x) UDL_G1(v_tanh, x)(x)
