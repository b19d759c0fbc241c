/* math_erf.h - the error function and the normal distribution; included by math.h.
 *
 * For t >= 0: erfc(t) = exp(-t^2) w(t), w(t) = P(u) / (t + k), u = (t - k) / (t + k): one polynomial from 0 to where
 * erfc underflows. The rounding error of t^2 would be magnified by exp, so t^2 goes there in two parts.
 * erf(x) = x + x p(x^2) for |x| < 1, sign(x) (1 - erfc(|x|)) beyond; erfc near 0 is 1 - erf. */

/* w(t) */
VFN vf32 v_erfcx_f32(vf32 t) {
    vf32 v = 1 / (t + 3), u = (t - 3) * v;
    return v * V_POLY_F32(u, 1.07400692f, -0.88339448f, 0.590228319f, -0.310466021f, 0.119529068f, -0.0268398263f,
                          -0.00122642971f, 0.00308032893f, -0.000483178068f, -0.000325334346f); /* 2^-28 */
}
VFN vf64 v_erfcx_f64(vf64 t) {
    vf64 v = 1 / (t + 3.5), u = (t - 3.5) * v;
    return v * V_POLY_F64(u, 1.08705558926226, -0.93779972456711191, 0.69411364663464514, -0.43525602671689567,
                          0.22573862164737099, -0.092318706638302855, 0.026518619882511054, -0.003177050344815979,
                          -0.0013053547009722192, 0.00071453169882884139, -4.2062107704923869e-05,
                          -7.4777130496094378e-05, 1.8646974484774942e-05, 7.2441979895090391e-06,
                          -3.3915282691830557e-06, -7.9623012685192521e-07, 5.498616928427716e-07,
                          1.1565951350000479e-07, -8.307821930497662e-08, -2.1220613969656343e-08,
                          9.0078741642849897e-09, 3.0788313438417754e-09, -6.8873632340158892e-11); /* 2^-57 */
}

/* exp(-c x^2) for c = 1 or 1/2 and |x| within the limits of the callers; x = a + b, a with half the bits:
 * x^2 = a^2 (exact) + b (x + a) */
VFN vf32 v_gauss_f32(vf32 x, float c) {
    vf32 a = (vf32)((vi32)x & (int32_t)0xfffff000), em;
    vf32 t = v_exp_parts_f32(-c * a * a, c * (x - a) * (x + a), &em);
    return v_scale_f32(em + 1, t);
}
VFN vf64 v_gauss_f64(vf64 x, double c) {
    vf64 a = (vf64)((vi64)x & (int64_t)0xfffffffff8000000ULL), em;
    vf64 t = v_exp_parts_f64(-c * a * a, c * (x - a) * (x + a), &em);
    return v_scale_f64(em + 1, t);
}

VFN vf32 v_erf_small_f32(vf32 x) {
    vf32 z = x * x;
    return v_fma_f32(x, V_POLY_F32(z, 0.128379166f, -0.37612626f, 0.112836003f, -0.0268544406f, 0.00518952589f,
                                   -0.000802075025f, 7.88878824e-05f), x); /* 2^-29 */
}
VFN vf64 v_erf_small_f64(vf64 x) {
    vf64 z = x * x;
    return v_fma_f64(x, V_POLY_F64(z, 0.12837916709551259, -0.37612638903183748, 0.11283791670954885,
                                   -0.026866170645077819, 0.0052239776248278668, -0.00085483269813917812,
                                   0.0001205533113167641, -1.4925595740335988e-05, 1.6461007950153271e-06,
                                   -1.635039045910502e-07, 1.4660288863176073e-08, -1.1374797626554105e-09,
                                   5.9604113315404442e-11), x); /* 2^-62 */
}

/* LIMIT: erfc is 0 from there */
#define UDL_VEC_ERF(F, E, s, LIMIT)                                                                   \
    VFN F v_erfc_abs_##s(F a) { /* erfc(|x|) for a = |x| */                                           \
        a = v_atmost_##s(a, v_set_##s((E)LIMIT));                                                     \
        return v_gauss_##s(a, 1) * v_erfcx_##s(a);                                                    \
    }                                                                                                 \
    VFN F v_erf_##s(F x) {                                                                            \
        F a = v_abs_##s(x), one = v_set_##s(1), big = one - v_erfc_abs_##s(a);                        \
        return v_copysign_##s(v_sel_lt_##s(a, one, v_erf_small_##s(a), big), x);                      \
    }                                                                                                 \
    VFN F v_erfc_##s(F x) {                                                                           \
        F r = v_erfc_abs_##s(v_abs_##s(x));                                                           \
        r = v_sel_lt_##s(x, (F){0}, 2 - r, r);                                                        \
        return v_sel_lt_##s(v_abs_##s(x), v_set_##s((E)0.7), 1 - v_erf_small_##s(x), r);              \
    }
UDL_VEC_ERF(vf32, float, f32, 10.2f)
UDL_VEC_ERF(vf64, double, f64, 27.4)

/* w(a) = Phi(-a) exp(a^2 / 2), Phi the standard normal distribution function, and *gauss = exp(-a^2 / 2), for a = |x|, limited.
 * Small Phi keeps its digits, which (1 + erf) / 2 would not, and near 0, where 1 - Phi is near 1/2, nothing cancels, so that
 * one formula serves all x. float: a quotient of polynomials with positive coefficients (2^-26 of w).
 * With r = -a^2 - 2 n ln 2, exp(r / 2) = 1 + r (1/2 + r q(r)): halving a^2 is saved, and a^2 need not be exact where a
 * fused multiply-add takes it from the multiple of ln 2. From the limit on exp(-a^2 / 2) is 0. */
#define UDL_TAIL_F32 14.5f
#define UDL_TAIL_F64 38.7
VFN vf32 v_tail_f32(vf32 a, vf32 *gauss) {
    vf32 t = v_fma_f32(a * a, v_set_f32(-0x1.715476p-1f), v_set_f32(UDL_MAGIC_F32)), n = t - UDL_MAGIC_F32;
    vf32 r = v_fma_f32(n, v_set_f32(-0x1.0bfbe8p-14f), v_minus_square_f32(n * -0x1.62ep+0f, a));
    vf32 e = V_POLY_F32(r, 1.0f, 0.5f, 0.124999984f, 0.0208331505f, 0.00260427443f, 0.000261523308f, 2.15852168e-05f); /* 2^-28 */
    *gauss = v_scale_f32(e, t);
    return V_POLY_F32(a, 48.4594955f, 42.4790912f, 17.7589493f, 3.93812394f, 0.398946911f) /
           V_POLY_F32(a, 96.9189911f, 162.288391f, 116.545341f, 45.5005760f, 9.87203789f, 1.0f);
}
VFN vf64 v_tail_f64(vf64 a, vf64 *gauss) {
    *gauss = v_gauss_f64(a, 0.5);
    return 0.5 * v_erfcx_f64(a * 0.70710678118654752);
}

/* m - a w g. Where a is subnormal, w g is 1/2: without a fused multiply-add, whose results some processors make subnormal at no
 * cost, the integer that stands for a is halved (half a unit of it may be lost, as by rounding). */
#ifdef __FP_FAST_FMAF
VFN vf32 v_less_half_f32(vf32 m, vf32 a, vf32 w, vf32 g) { return v_fma_f32(-v_fma_f32(a, w, (vf32){0}), g, m); }
#else
VFN vf32 v_less_half_f32(vf32 m, vf32 a, vf32 w, vf32 g) {
    const vi32 low = (vi32)a < 0x01000000; /* a < 2^-125: its half is subnormal */
    const vf32 p = (vf32)((vi32)a & ~low) * w * g;
    return m - (vf32)((vi32)p | (((vi32)a >> 1) & low));
}
#endif
VFN vf64 v_less_half_f64(vf64 m, vf64 a, vf64 w, vf64 g) { return v_fma_f64(-v_fma_f64(a, w, (vf64){0}), g, m); }

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|); its derivative Phi(x) + x Phi'(x) is h = Phi(-|x|) - |x| Phi'(x) below 0 and
 * 1 - h above. Where the tail is 0, |x| may be infinite: it is held at MOST. */
#define UDL_VEC_GELU(F, E, s, MOST)                                                             \
    VFN F v_gelu_##s(F x) {                                                                     \
        F a = v_atmost_##s(v_abs_##s(x), v_set_##s(MOST)), g, w = v_tail_##s(v_tame_##s(a, a), &g); \
        return v_less_half_##s(v_atleast_##s(x, (F){0}), a, w, g);                              \
    }                                                                                           \
    VFN F v_gelu_grad_##s(F x) {                                                                \
        F a = v_atmost_##s(v_abs_##s(x), v_set_##s(MOST)), g, w = v_tail_##s(a, &g);            \
        F h = g * v_fma_##s(a, v_set_##s((E)-0.39894228040143268), w);                          \
        return v_sel_lt_##s((F){0}, x, 1 - h, h);                                               \
    }
UDL_VEC_GELU(vf32, float, f32, UDL_TAIL_F32)
UDL_VEC_GELU(vf64, double, f64, UDL_TAIL_F64)

#define v_erf(x) UDL_G1(v_erf, x)(x)
#define v_erfc(x) UDL_G1(v_erfc, x)(x)
#define v_gelu(x) UDL_G1(v_gelu, x)(x)
#define v_gelu_grad(x) UDL_G1(v_gelu_grad, x)(x)
