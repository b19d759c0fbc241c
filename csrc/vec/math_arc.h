/* math_arc.h - powers, inverse trigonometric and hyperbolic functions; included by math.h.
 *
 * float: computed in double by half vectors, where neither cancellation nor a chain of roundings costs anything, and rounded once;
 * polynomials are cut to 2^-34 or better. double: through libm, lane by lane. One function each, called, not inlined: they are large.
 *
 *   pow     2^(y log2 x), log2 x = e + log2 m as math_log.h splits x
 *   atan2   of num, den >= 0: u = num/den, (num - den)/(num + den) or -den/num, whichever is below tan(pi/8); atan u = u + u^3 p(u^2),
 *           to which 0, pi/4 or pi/2 is added. atan x = atan2(x, 1), asin x = atan2(x, sqrt(1 - x^2)), acos x the other way round.
 *   sinh and cosh from exp, the inverses from log1p */
#define UDL_BIG static __attribute__((noinline, unused))
VFN vf64 v_half(vf32 x, int h) { vh32 p[2]; memcpy(p, &x, sizeof x); return __builtin_convertvector(p[h], vf64); }
VFN vf32 v_whole(vf64 a, vf64 b) {
    vh32 p[2] = {__builtin_convertvector(a, vh32), __builtin_convertvector(b, vh32)};
    vf32 x;
    memcpy(&x, p, sizeof x);
    return x;
}
/* a vector by its halves, from an expression of vf64 x (and y) */
#define UDL_HALVES(EXPR) {                                                      \
        vf64 out[2];                                                            \
        _Pragma("GCC unroll 1") for (int h = 0; h < 2; h++) { out[h] = (EXPR); } \
        return v_whole(out[0], out[1]);                                         \
    }

/* 2^(y (e + log2(1 + f))) */
VFN vf64 v_pow_half(vf64 e, vf64 f, vf64 y) {
    vf64 s = f / (f + 2), z = s * s;
    vf64 p = V_POLY_F64(z, 2.8853900817900886, 0.9617966733413998, 0.5770835850241093, 0.41167271582369336,
                        0.3407301639640636); /* 2^-37 */
    vf64 t = v_limit_f64(y * v_fma_f64(s, p, e), v_set_f64(-200), v_set_f64(200)), m = t + UDL_MAGIC_F64;
    vf64 r = t - (m - UDL_MAGIC_F64);
    p = V_POLY_F64(r, 0.9999999999616211, 0.6931471807287215, 0.24022651198753625, 0.055504103528146595, 0.009618027172837454,
                   0.0013333922869908563, 0.00015469317286066783, 1.520189780676472e-05); /* 2^-34 */
    return p * v_exponent_f64(m, 0);
}
UDL_BIG vf32 v_pow_f32(vf32 x, vf32 y) {
    const vf32 zero = {0}, inf = v_set_f32(INFINITY), a = v_abs_f32(x), one = v_set_f32(1);
    vf32 e, f = v_log_split_f32(a, &e), r;
    vf64 out[2];
    _Pragma("GCC unroll 1") for (int h = 0; h < 2; h++) out[h] = v_pow_half(v_half(e, h), v_half(f, h), v_half(y, h));
    r = v_whole(out[0], out[1]);
    const vi32 special = (a == 0) | (x < 0);
    if (__builtin_expect(v_any((vi64)special), 0)) { /* 0: by the sign of y; below: only integers, odd ones keep the sign */
        const vf32 half = 0.5f * y;
        r = v_sel_f32(a == 0, v_sel_f32(y > 0, zero, v_sel_f32(y < 0, inf, one)), r);
        r = v_sel_f32((x < 0) & (v_floor_f32(y) != y), v_set_f32(NAN), r);
        r = v_sel_f32((v_floor_f32(y) == y) & (v_floor_f32(half) != half), v_copysign_f32(r, x), r);
    }
    const vi32 odd = (a < inf) & (v_abs_f32(y) < inf);
    if (__builtin_expect(v_any((vi64)~odd), 0)) /* infinities and NaN */
        for (int i = 0; i < VW32; i++)
            if (!odd[i]) r[i] = powf(x[i], y[i]);
    return r;
}

/* the angle of (den, num), both >= 0, in 0..pi/2 */
VFN vf64 v_angle(vf64 num, vf64 den) {
    const vi64 low = num <= den * 0.41421356237309503, high = num * 0.41421356237309503 > den;
    const vf64 zero = {0}, n = v_sel_f64(low, num, v_sel_f64(high, -den, num - den));
    const vf64 d = v_sel_f64(low, den, v_sel_f64(high, num, num + den));
    const vf64 u = v_sel_f64(num == 0, zero, n / d), z = u * u;
    const vf64 p = V_POLY_F64(z, -0.3333333251412739, 0.19999905141799534, -0.1428204071984257, 0.1104507594839349,
                              -0.08478303433916548, 0.04748053702091842); /* 2^-35 */
    return v_fma_f64(u * z, p, u) + v_sel_f64(low, zero, v_sel_f64(high, v_set_f64(0x1.921fb54442d18p+0), v_set_f64(0x1.921fb54442d18p-1)));
}
/* the angle of (x, y); finite bounds make it right for infinities too */
VFN vf64 v_angle_of(vf64 y, vf64 x) {
    const vf64 far = v_set_f64(1e200), a = v_angle(v_atmost_f64(v_abs_f64(y), far), v_atmost_f64(v_abs_f64(x), far));
    const vf64 left = v_sel_f64(v_copysign_f64(v_set_f64(1), x) < 0, 0x1.921fb54442d18p+1 - a, a);
    return v_copysign_f64(v_sel_f64((x != x) | (y != y), x + y, left), y);
}
VFN vf64 v_other_leg(vf64 x) { return v_sqrt_f64((1 - x) * (1 + x)); }
UDL_BIG vf32 v_atan2_f32(vf32 y, vf32 x) UDL_HALVES(v_angle_of(v_half(y, h), v_half(x, h)))
UDL_BIG vf32 v_asin_f32(vf32 x) UDL_HALVES(v_angle_of(v_half(x, h), v_other_leg(v_half(x, h))))
UDL_BIG vf32 v_acos_f32(vf32 x) UDL_HALVES(v_angle_of(v_other_leg(v_half(x, h)), v_half(x, h)))
VFN vf32 v_atan_f32(vf32 x) { return v_atan2_f32(x, v_set_f32(1)); }

VFN vf64 v_sinh_half(vf64 x) { vf64 t = v_expm1_f64(v_atmost_f64(v_abs_f64(x), v_set_f64(200))); return v_copysign_f64(0.5 * (t + t / (t + 1)), x); }
VFN vf64 v_cosh_half(vf64 x) { vf64 t = v_exp_f64(v_abs_f64(x)); return 0.5 * (t + 1 / t); }
/* log(a + sqrt(a^2 + 1)) = log1p(a + a^2 / (1 + sqrt(a^2 + 1))) */
VFN vf64 v_asinh_half(vf64 x) {
    vf64 a = v_abs_f64(x), s = a * a;
    return v_copysign_f64(v_log1p_f64(a + v_sel_f64(s < v_set_f64(INFINITY), s / (1 + v_sqrt_f64(s + 1)), s)), x);
}
/* log(x + sqrt(x^2 - 1)), t = x - 1 */
VFN vf64 v_acosh_half(vf64 x) {
    vf64 t = x - 1;
    return v_log1p_f64(v_sel_f64(t < 0, v_set_f64(NAN), t + v_sqrt_f64(t * (t + 2))));
}
VFN vf64 v_atanh_half(vf64 x) { vf64 a = v_abs_f64(x); return v_copysign_f64(0.5 * v_log1p_f64(2 * a / (1 - a)), x); }
UDL_BIG vf32 v_sinh_f32(vf32 x) UDL_HALVES(v_sinh_half(v_half(x, h)))
UDL_BIG vf32 v_cosh_f32(vf32 x) UDL_HALVES(v_cosh_half(v_half(x, h)))
UDL_BIG vf32 v_asinh_f32(vf32 x) UDL_HALVES(v_asinh_half(v_half(x, h)))
UDL_BIG vf32 v_acosh_f32(vf32 x) UDL_HALVES(v_acosh_half(v_half(x, h)))
UDL_BIG vf32 v_atanh_f32(vf32 x) UDL_HALVES(v_atanh_half(v_half(x, h)))

/* squares of floats are exact in double; an infinity counts more than a NaN */
VFN vf64 v_hypot_half(vf64 x, vf64 y) {
    const vf64 r = v_sqrt_f64(x * x + y * y), inf = v_set_f64(INFINITY);
    return v_sel_f64((v_abs_f64(x) == inf) | (v_abs_f64(y) == inf), inf, r);
}
VFN vf32 v_hypot_f32(vf32 x, vf32 y) UDL_HALVES(v_hypot_half(v_half(x, h), v_half(y, h)))

#define UDL_LANES1(name) UDL_BIG vf64 v_##name##_f64(vf64 x) { for (int i = 0; i < VW64; i++) x[i] = name(x[i]); return x; }
#define UDL_LANES2(name) UDL_BIG vf64 v_##name##_f64(vf64 x, vf64 y) { for (int i = 0; i < VW64; i++) x[i] = name(x[i], y[i]); return x; }
UDL_LANES2(pow)
UDL_LANES2(atan2)
UDL_LANES2(hypot)
UDL_LANES1(asin)
UDL_LANES1(acos)
UDL_LANES1(atan)
UDL_LANES1(sinh)
UDL_LANES1(cosh)
UDL_LANES1(asinh)
UDL_LANES1(acosh)
UDL_LANES1(atanh)

#define v_pow(x, y) UDL_G1(v_pow, x)(x, y)
#define v_atan2(y, x) UDL_G1(v_atan2, x)(y, x)
#define v_hypot(x, y) UDL_G1(v_hypot, x)(x, y)
#define v_asin(x) UDL_G1(v_asin, x)(x)
#define v_acos(x) UDL_G1(v_acos, x)(x)
#define v_atan(x) UDL_G1(v_atan, x)(x)
#define v_sinh(x) UDL_G1(v_sinh, x)(x)
#define v_cosh(x) UDL_G1(v_cosh, x)(x)
#define v_asinh(x) UDL_G1(v_asinh, x)(x)
#define v_acosh(x) UDL_G1(v_acosh, x)(x)
#define v_atanh(x) UDL_G1(v_atanh, x)(x)
