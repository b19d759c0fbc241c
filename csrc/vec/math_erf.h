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
    vi32 n = v_exp_parts_f32(-c * a * a, c * (x - a) * (x + a), &em);
    return v_scale_f32(em + 1, n);
}
VFN vf64 v_gauss_f64(vf64 x, double c) {
    vf64 a = (vf64)((vi64)x & (int64_t)0xfffffffff8000000ULL), em;
    vi64 n = v_exp_parts_f64(-c * a * a, c * (x - a) * (x + a), &em);
    return v_scale_f64(em + 1, n);
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
        a = v_limit_##s(a, (F){0}, v_set_##s((E)LIMIT));                                              \
        return v_gauss_##s(a, 1) * v_erfcx_##s(a);                                                    \
    }                                                                                                 \
    VFN F v_erf_##s(F x) {                                                                            \
        F a = v_abs_##s(x), big = v_copysign_##s(1 - v_erfc_abs_##s(a), x);                           \
        return v_sel_##s(a < 1, v_copysign_##s(v_erf_small_##s(x), x), big);                          \
    }                                                                                                 \
    VFN F v_erfc_##s(F x) {                                                                           \
        F r = v_erfc_abs_##s(v_abs_##s(x));                                                           \
        r = v_sel_##s(x < 0, 2 - r, r);                                                               \
        return v_sel_##s(v_abs_##s(x) < (E)0.7, 1 - v_erf_small_##s(x), r);                           \
    }
UDL_VEC_ERF(vf32, float, f32, 10.2f)
UDL_VEC_ERF(vf64, double, f64, 27.4)

/* Phi(-a), Phi the standard normal distribution function, and *gauss = exp(-a^2 / 2), for a = |x|, limited. As above,
 * Phi(-a) = exp(-a^2 / 2) P(u) / (a + k): small Phi keeps its digits, which (1 + erf) / 2 would not, and near 0, where
 * 1 - Phi is near 1/2, nothing cancels, so that one formula serves all x.
 *
 * float: from 13.2 on, where exp(-a^2 / 2) would soon be subnormal, it is 0; so 2^n can be multiplied in by adding n to
 * the exponent. With r = -a^2 - 2 n ln 2, exp(r / 2) = 1 + r (1/2 + r q(r)): halving a^2 is saved. */
VFN vf32 v_tail_f32(vf32 a, vf32 *gauss) {
    const vf32 magic = v_set_f32(0x1.8p23f), one = v_set_f32(1), most = v_set_f32(13.2f);
    vi32 inside = a < most;
    a = v_limit_f32(a, (vf32){0}, most);
    vf32 s = a * a, low = v_square_rest_f32(a, s);
    vf32 t = v_fma_f32(s, v_set_f32(-0x1.715476p-1f), magic), n = t - magic; /* the low bits of t are n */
    vf32 r = v_fma_f32(n, v_set_f32(-0x1.0bfbe8p-14f), v_fma_f32(n, v_set_f32(-0x1.62ep+0f), -s)) - low;
    /* the even and odd parts of both polynomials beside each other: half the latency, which is what limits this */
    vf32 z = r * r, v = one / (a + 4.75f), u = v_fma_f32(v, v_set_f32(-9.5f), one), y = u * u;
    vf32 even = V_POLY_F32(z, 1.0f, 0.124999984f, 0.00260427443f, 2.15852168e-05f); /* 2^-28 */
    vf32 e = v_fma_f32(r, V_POLY_F32(z, 0.5f, 0.0208331505f, 0.000261523308f), even);
    *gauss = (vf32)((vi32)((vu32)e + ((vu32)t << 23)) & inside);
    even = V_POLY_F32(y, 0.766416282f, 0.47206443f, 0.138106861f, 0.0115432916f, -0.00130683191f); /* 2^-26 */
    vf32 odd = V_POLY_F32(y, -0.65358935f, -0.284183834f, -0.0506286866f, 0.000225934367f);
    return *gauss * (v * v_fma_f32(u, odd, even));
}
VFN vf64 v_tail_f64(vf64 a, vf64 *gauss) {
    a = v_limit_f64(a, (vf64){0}, v_set_f64(38.7));
    *gauss = v_gauss_f64(a, 0.5);
    return 0.5 * *gauss * v_erfcx_f64(a * 0.70710678118654752);
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|); its derivative Phi(x) + x Phi'(x) is h = Phi(-|x|) - |x| Phi'(x) below 0 and
 * 1 - h above. Where the tail is 0, |x| may be infinite: MOST stands for it. */
#define UDL_VEC_GELU(F, E, M, s, MOST)                                                          \
    VFN F v_gelu_##s(F x) {                                                                     \
        F a = v_abs_##s(x), g, tail = v_tail_##s(a, &g);                                        \
        a = v_limit_##s(a, (F){0}, v_set_##s((E)MOST));                                         \
        return v_fma_##s(-a, tail, (F)((M)x & (x > 0)));                                        \
    }                                                                                           \
    VFN F v_gelu_grad_##s(F x) {                                                                \
        F a = v_abs_##s(x), g, tail = v_tail_##s(a, &g);                                        \
        a = v_limit_##s(a, (F){0}, v_set_##s((E)MOST));                                         \
        F h = v_fma_##s(a * (E)-0.39894228040143268, g, tail);                                  \
        return v_sel_##s(x > 0, 1 - h, h);                                                      \
    }
UDL_VEC_GELU(vf32, float, vi32, f32, 13.2)
UDL_VEC_GELU(vf64, double, vi64, f64, 38.7)

#define v_erf(x) UDL_G1(v_erf, x)(x)
#define v_erfc(x) UDL_G1(v_erfc, x)(x)
#define v_gelu(x) UDL_G1(v_gelu, x)(x)
#define v_gelu_grad(x) UDL_G1(v_gelu_grad, x)(x)
