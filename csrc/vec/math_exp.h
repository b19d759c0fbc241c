/* math_exp.h - the exponential family; included by math.h.
 *
 * exp(x) = 2^n exp(r), n = round(x / ln 2), r = x - n ln 2 in [-0.347, 0.347]; ln 2 is split so that n times its first
 * part is exact. exp(r) - 1 = r + r^2 q(r). The factor 2^n is applied in two steps, so that results down to the
 * smallest subnormal number are rounded once and the largest do not overflow early. */

/* exp(r) - 1 in *em and n of exp(x - low); |x| / ln 2 < 2^22 (float), 2^31 (double). Adding 1.5 2^23 leaves the nearest
 * integer in the low bits of the sum. */
VFN vi32 v_exp_parts_f32(vf32 x, vf32 low, vf32 *em) {
    const vf32 magic = v_set_f32(0x1.8p23f);
    vf32 t = v_fma_f32(x - low, v_set_f32(0x1.715476p+0f), magic), n = t - magic;
    vf32 r = v_fma_f32(n, v_set_f32(-0x1.62ep-1f), x);
    r = v_fma_f32(n, v_set_f32(-0x1.0bfbe8p-15f), r) - low;
    vf32 q = V_POLY_F32(r, 0.5f, 0.166665375f, 0.0416662656f, 0.0083672395f, 0.00139475858f); /* 2^-26 |r| */
    *em = v_fma_f32(r * r, q, r);
    return (vi32)t - (vi32)magic;
}
VFN vi64 v_exp_parts_f64(vf64 x, vf64 low, vf64 *em) {
    const vf64 magic = v_set_f64(0x1.8p52);
    vf64 t = v_fma_f64(x - low, v_set_f64(0x1.71547652b82fep+0), magic), n = t - magic;
    vf64 r = v_fma_f64(n, v_set_f64(-0x1.62e42feep-1), x);
    r = v_fma_f64(n, v_set_f64(-0x1.a39ef35793c76p-33), r) - low;
    vf64 q = V_POLY_F64(r, 0.5, 0.16666666666666677, 0.041666666666666706, 0.0083333333333206663,
                        0.0013888888888865022, 0.00019841269888860955, 2.4801587364159936e-05, 2.755724119902639e-06,
                        2.7557239676532998e-07, 2.5110165864202759e-08, 2.0925395095739292e-09); /* 2^-61 |r| */
    *em = v_fma_f64(r * r, q, r);
    return (vi64)t - (vi64)magic;
}

/* 2^n for the exponents of normal numbers; p 2^n for all. Unsigned, as the n of a NaN may wrap. */
VFN vf32 v_exponent_f32(vi32 n) { return (vf32)(((vu32)n + 127) << 23); }
VFN vf64 v_exponent_f64(vi64 n) { return (vf64)(((vu64)n + 1023) << 52); }
VFN vf32 v_scale_f32(vf32 p, vi32 n) { vi32 h = n >> 1; return p * v_exponent_f32(h) * v_exponent_f32(n - h); }
/* there is no arithmetic 64-bit shift before AVX-512: halve n + 4096 instead */
VFN vf64 v_scale_f64(vf64 p, vi64 n) {
    vu64 h = (((vu64)n + 4096) >> 1) - 2048;
    return p * v_exponent_f64((vi64)h) * v_exponent_f64((vi64)((vu64)n - h));
}

/* beyond the limits the result is 0 or inf anyway */
VFN vf32 v_exp_f32(vf32 x) {
    vf32 em, zero = {0};
    vi32 n = v_exp_parts_f32(v_limit_f32(x, v_set_f32(-104), v_set_f32(89)), zero, &em);
    return v_scale_f32(em + 1, n);
}
VFN vf64 v_exp_f64(vf64 x) {
    vf64 em, zero = {0};
    vi64 n = v_exp_parts_f64(v_limit_f64(x, v_set_f64(-746), v_set_f64(710)), zero, &em);
    return v_scale_f64(em + 1, n);
}

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
    const vf32 magic = v_set_f32(0x1.8p23f);
    x = v_limit_f32(x, v_set_f32(-151), v_set_f32(129));
    vf32 t = x + magic, r = x - (t - magic);
    return v_scale_f32(v_exp2_part_f32(r), (vi32)t - (vi32)magic);
}
VFN vf64 v_exp2_f64(vf64 x) {
    const vf64 magic = v_set_f64(0x1.8p52);
    x = v_limit_f64(x, v_set_f64(-1076), v_set_f64(1025));
    vf64 t = x + magic, r = x - (t - magic);
    return v_scale_f64(v_exp2_part_f64(r), (vi64)t - (vi64)magic);
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
    vf32 em, zero = {0};
    vi32 n = v_exp_parts_f32(v_limit_f32(x, v_set_f32(-20), v_set_f32(89)), zero, &em);
    vf32 s = v_exponent_f32(n - 1), y = 2 * v_fma_f32(s, em, s - 0.5f);
    return v_sel_f32(v_abs_f32(x) < 0x1p-26f, x, y);
}
VFN vf64 v_expm1_f64(vf64 x) {
    vf64 em, zero = {0};
    vi64 n = v_exp_parts_f64(v_limit_f64(x, v_set_f64(-40), v_set_f64(710)), zero, &em);
    vf64 s = v_exponent_f64(n - 1), y = 2 * v_fma_f64(s, em, s - 0.5);
    return v_sel_f64(v_abs_f64(x) < 0x1p-55, x, y);
}

/* 1 / (1 + z) or z / (1 + z), z = exp(-|x|): no cancellation on either side, subnormal results too */
#define UDL_VEC_SIGMOID(F, s)                                               \
    VFN F v_sigmoid_##s(F x) {                                              \
        F z = v_exp_##s(-v_abs_##s(x)), one = v_set_##s(1);                 \
        return v_sel_##s(x < 0, z, one) / (one + z);                        \
    }
UDL_VEC_SIGMOID(vf32, f32)
UDL_VEC_SIGMOID(vf64, f64)

/* |x| < 5/8: x + x^3 p(x^2); above 1 - 2 / (exp(2 |x|) + 1), which is 1 from 10 on */
VFN vf32 v_tanh_f32(vf32 x) {
    vf32 a = v_abs_f32(x), z = x * x, em, zero = {0}, one = v_set_f32(1);
    vf32 p = V_POLY_F32(z, -0.333332837f, 0.133314908f, -0.0537434928f, 0.0206505712f, -0.00571702607f); /* 2^-27 */
    vi32 n = v_exp_parts_f32(2 * v_limit_f32(a, zero, v_set_f32(10)), zero, &em);
    vf32 e = (em + 1) * v_exponent_f32(n);
    vf32 big = v_copysign_f32(one - 2 / (e + one), x), small = v_fma_f32(z * x, p, x);
    return v_sel_f32(a < 0.625f, v_copysign_f32(small, x), big);
}
/* t / (t + 2), t = exp(2 |x|) - 1 */
VFN vf64 v_tanh_f64(vf64 x) {
    vf64 a = v_abs_f64(x), t = v_expm1_f64(2 * v_limit_f64(a, (vf64){0}, v_set_f64(20)));
    return v_copysign_f64(t / (t + 2), x);
}

#define v_exp(x) UDL_G1(v_exp, x)(x)
#define v_exp2(x) UDL_G1(v_exp2, x)(x)
#define v_exp2_weight(x) UDL_G1(v_exp2_weight, x)(x)
#define v_expm1(x) UDL_G1(v_expm1, x)(x)
#define v_sigmoid(x) UDL_G1(v_sigmoid, x)(x)
#define v_tanh(x) UDL_G1(v_tanh, x)(x)
