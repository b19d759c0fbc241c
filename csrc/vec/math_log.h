/* math_log.h - logarithms; included by math.h.
 *
 * x = 2^e m with m in [sqrt 1/2, sqrt 2), f = m - 1 (exact); log x = e ln 2 + log(1 + f).
 * float: log(1 + f) = f - f^2/2 + f^3 p(f). double: with s = f / (2 + f), log(1 + f) = 2 atanh s
 * = f - (f^2/2 - s (f^2/2 + R)), R = s^2 times a polynomial in s^2 that stands for 2 atanh(s) / s - 2. */

/* e and f of x > 0, subnormal numbers included */
VFN vf32 v_log_split_f32(vf32 x, vf32 *e) {
    vi32 sub = x < 0x1p-126f;
    vu32 bits = (vu32)v_sel_f32(sub, x * 0x1p24f, x); /* unsigned: lanes of x <= 0 may wrap */
    vi32 n = (vi32)(bits - 0x3f3504f3u) >> 23;        /* bits of sqrt 1/2 */
    *e = __builtin_convertvector(n, vf32) - v_sel_f32(sub, v_set_f32(24), v_set_f32(0));
    return (vf32)(bits - ((vu32)n << 23)) - 1;
}
/* int64 to double by bits, as there is no such instruction before AVX-512: 2^52 + k has k in its low bits */
VFN vf64 v_log_split_f64(vf64 x, vf64 *e) {
    vi64 sub = x < 0x1p-1022;
    vu64 bits = (vu64)v_sel_f64(sub, x * 0x1p54, x);
    vu64 n = (bits - 0x3fe6a09e667f3bcdULL + (1024ULL << 52)) >> 52; /* + 1024: positive */
    *e = (vf64)(n | 0x4330000000000000ULL) - v_sel_f64(sub, v_set_f64(0x1p52 + 1024 + 54), v_set_f64(0x1p52 + 1024));
    return (vf64)(bits - ((n - 1024) << 52)) - 1;
}

/* log(1 + f) - f */
VFN vf32 v_log_tail_f32(vf32 f) {
    vf32 z = f * f;
    vf32 p = V_POLY_F32(f, 0.333333135f, -0.250000089f, 0.200021237f, -0.166680053f, 0.142194539f, -0.124053411f,
                        0.118886963f, -0.116775095f, 0.0674772486f); /* 2^-30 */
    return v_fma_f32(z, v_set_f32(-0.5f), f * z * p);
}
VFN vf64 v_log_tail_f64(vf64 f) {
    vf64 s = f / (f + 2), z = s * s, h = 0.5 * f * f;
    vf64 R = z * V_POLY_F64(z, 0.6666666666666734, 0.39999999999413466, 0.28571428742695182, 0.22222198538179463,
                            0.18183566308008184, 0.15313995982772363, 0.1479653209522685); /* 2^-58 */
    return s * (h + R) - h;
}

/* what is left for x <= 0, inf and NaN: -inf at 0, NaN below, x itself above */
#define UDL_VEC_LOG_SPECIAL(F, M, E, s)                                                        \
    VFN F v_log_special_##s(F x, F y) {                                                        \
        F inf = v_set_##s((E)INFINITY), bad = v_sel_##s(x < 0, v_set_##s((E)NAN), x);          \
        return v_sel_##s((x > 0) & (x < inf), y, v_sel_##s(x == 0, -inf, bad));                \
    }
UDL_VEC_LOG_SPECIAL(vf32, vi32, float, f32)
UDL_VEC_LOG_SPECIAL(vf64, vi64, double, f64)

/* e hi + (f + (tail + e lo)), the large terms last */
VFN vf32 v_log_join_f32(vf32 e, vf32 f) {
    vf32 y = f + v_fma_f32(e, v_set_f32(0x1.0bfbe8p-15f), v_log_tail_f32(f));
    return v_fma_f32(e, v_set_f32(0x1.62ep-1f), y);
}
VFN vf64 v_log_join_f64(vf64 e, vf64 f) {
    vf64 y = f + v_fma_f64(e, v_set_f64(0x1.a39ef35793c76p-33), v_log_tail_f64(f));
    return v_fma_f64(e, v_set_f64(0x1.62e42feep-1), y);
}

/* log1p: u = 1 + x has lost bits of x, f has not: f = (1 + x) 2^-e - 1 = x 2^-e + (2^-e - 1). From 2^30 (2^60) on
 * the 1 does not count. log2, log10: e plus a multiple of log(1 + f), whose constant 1/ln b is split in two as well. */
#define UDL_VEC_LOG(F, E, M, s, BIG, EXPONENT, INV2H, INV2L, L10H, L10L, INV10H, INV10L)                      \
    VFN F v_log_##s(F x) { F e, f = v_log_split_##s(x, &e); return v_log_special_##s(x, v_log_join_##s(e, f)); } \
    VFN F v_log1p_##s(F x) {                                                                                  \
        F u = 1 + x, e, f = v_log_split_##s(u, &e), t = EXPONENT;                                             \
        f = v_sel_##s(u < (E)BIG, v_fma_##s(x, t, t - 1), f);                                                 \
        F y = v_log_special_##s(u, v_log_join_##s(e, f));                                                     \
        return v_sel_##s(v_abs_##s(x) < 1 / (E)BIG, x, y);                                                    \
    }                                                                                                         \
    VFN F v_log2_##s(F x) {                                                                                   \
        F e, f = v_log_split_##s(x, &e), t = v_log_tail_##s(f);                                               \
        F y = v_fma_##s(f, v_set_##s(INV2L), t * INV2L) + t * INV2H;                                          \
        return v_log_special_##s(x, v_fma_##s(f, v_set_##s(INV2H), y) + e);                                   \
    }                                                                                                         \
    VFN F v_log10_##s(F x) {                                                                                  \
        F e, f = v_log_split_##s(x, &e), t = v_log_tail_##s(f);                                               \
        F y = v_fma_##s(f, v_set_##s(INV10L), e * L10L) + t * (INV10H + INV10L);                              \
        y = v_fma_##s(f, v_set_##s(INV10H), y);                                                               \
        return v_log_special_##s(x, v_fma_##s(e, v_set_##s(L10H), y));                                        \
    }
/* 2^-e of a float e in [-24, 30]: exponent bits 127 - e */
UDL_VEC_LOG(vf32, float, vi32, f32, 0x1p30f, (vf32)((127 - __builtin_convertvector(e, vi32)) << 23),
            0x1.714p+0f, 0x1.47652cp-12f, 0x1.344p-2f, 0x1.3509f8p-18f, 0x1.bcap-2f, 0x1.7b1526p-14f)
/* 2^52 + (1023 - e) has 1023 - e in its low bits */
UDL_VEC_LOG(vf64, double, vi64, f64, 0x1p60, (vf64)((vi64)(0x1p52 + 1023 - e) << 52),
            0x1.71547652p+0, 0x1.705fc2eefa2p-33, 0x1.34413508p-2, 0x1.f79fef311f12bp-34, 0x1.bcb7b152p-2,
            0x1.b9438ca9aadd5p-36)

#define v_log(x) UDL_G1(v_log, x)(x)
#define v_log2(x) UDL_G1(v_log2, x)(x)
#define v_log10(x) UDL_G1(v_log10, x)(x)
#define v_log1p(x) UDL_G1(v_log1p, x)(x)
