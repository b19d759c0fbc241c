/* random_fill.c - random: out[n] from Philox words; see philox.h for the words.
 *
 *   0 uniform    u = 24 bits 2^-24 (float; 53 bits 2^-53 for double) in [0, 1), then p0 + (p1 - p0) u, kept below p1
 *   1 normal     Box-Muller: u1 in (0, 1], t in turns;  z0 = sqrt(-2 ln u1) cos 2 pi t,  z1 = ... sin;  p0 + p1 z
 *   2 integers   low + floor(r range / 2^64) with a 64-bit r: the bias is below range / 2^64
 *   3 bernoulli  1 where word < p0 2^32
 *   4 permutation of 0..n-1: Fisher-Yates from the front, swap partner of i = i + floor(r (n - i) / 2^64)
 *
 * Words: a 32-bit element i uses word i % 4 of counter offset + i / 4 (kinds 0, 1, 3 in float or bfloat16); a 64-bit
 * element i uses words 2 (i % 2), 2 (i % 2) + 1 (low half first) of counter offset + i / 2 (double, kinds 2 and 4). A
 * normal pair takes one counter's words (0, 1) or (2, 3), in double all four. So a call reserves ceil(n / 4) counters
 * or ceil(n / 2), and any split of the range gives the same numbers. */
#include "half.h"
#include "philox.h"
#include "../vec/math.h"

enum { UNIT32 = PHILOX_WORDS, UNIT64 = PHILOX_WORDS / 2, CHUNK = 8 * PHILOX_WORDS };
#define RANDOM_GRAIN (1 << 16) /* elements; a multiple of every UNIT and of CHUNK */

typedef struct {
    const udl_random_args *a;
    uint64_t seed, offset;
    double lo, scale, top; /* uniform: lo + scale u, at most top; normal: lo + scale z */
} random_ctx;

/* ---- words to numbers ------------------------------------------------------------------------------------------ */
/* the top 53 bits of w as a double in [0, 1): two exact halves, each put into the mantissa of 2^52 */
VFN vf64 unit_f64(vu64 w) {
    const vu64 magic = (vu64){0} + 0x4330000000000000ull;
    vf64 hi = (vf64)((w >> 32) | magic) - 0x1p52, lo = (vf64)(((w >> 11) & 0x1fffff) | magic) - 0x1p52;
    return hi * 0x1p-32 + lo * 0x1p-53;
}

VFN void uniform_f32(const random_ctx *x, uint64_t counter, float *out) {
    vu64 w[4];
    philox_words(x->seed, counter, w);
    const vf32 lo = v_set_f32((float)x->lo), scale = v_set_f32((float)x->scale), top = v_set_f32((float)x->top);
    for (int v = 0; v < 4; v++) {
        vf32 u = __builtin_convertvector((vi32)((vu32)w[v] >> 8), vf32) * 0x1p-24f;
        v_store(out + v * VW32, v_min(v_fma(u, scale, lo), top));
    }
}

VFN void uniform_f64(const random_ctx *x, uint64_t counter, double *out) {
    vu64 w[4];
    philox_words(x->seed, counter, w);
    const vf64 lo = v_set_f64(x->lo), scale = v_set_f64(x->scale), top = v_set_f64(x->top);
    for (int v = 0; v < 4; v++)
        v_store(out + v * VW64, v_min(v_fma(unit_f64(w[v]), scale, lo), top));
}

/* sin and cos on [-pi/4, pi/4] by Taylor's series: its error there is below 2e-9 (float), 1e-16 (double) */
VFN void sincos_f32(vf32 x, vf32 *s, vf32 *c) {
    vf32 z = x * x;
    *s = x + x * z * (-1.f / 6 + z * (1.f / 120 + z * (-1.f / 5040 + z * (1.f / 362880))));
    *c = 1 - z * (.5f - z * (1.f / 24 - z * (1.f / 720 - z * (1.f / 40320))));
}
VFN void sincos_f64(vf64 x, vf64 *s, vf64 *c) {
    vf64 z = x * x;
    *s = x + x * z * (-1. / 6 + z * (1. / 120 + z * (-1. / 5040 + z * (1. / 362880 + z * (-1. / 39916800 +
         z * (1. / 6227020800. - z * (1. / 1307674368000.)))))));
    *c = 1 - z * (.5 - z * (1. / 24 - z * (1. / 720 - z * (1. / 40320 - z * (1. / 3628800 - z * (1. / 479001600. -
         z * (1. / 87178291200. - z * (1. / 20922789888000.))))))));
}

/* u1 has 31 bits near 0, so |z| reaches 6.7; t has 32: its quadrant k is read off the top bits without rounding */
VFN void normal_f32(const random_ctx *x, uint64_t counter, float *out) {
    vu64 c[2][4], ordered[2];
    philox_block(x->seed, counter, c);
    const vf32 mean = v_set_f32((float)x->lo);
    for (int set = 0; set < 2; set++) {
        vu32 w1 = (vu32)philox_pair(c[set][0], c[set][2]), w2 = (vu32)philox_pair(c[set][1], c[set][3]);
        vf32 u1 = __builtin_convertvector((vi32)(w1 >> 1), vf32) * 0x1p-31f + 0x1p-32f;
        vf32 r = v_sqrt(v_max(v_log(u1) * -2.f, (vf32){0})) * (float)x->scale;
        vu32 k = (w2 + (1u << 29)) >> 30;
        vf32 s, co;
        sincos_f32(__builtin_convertvector((vi32)(w2 - (k << 30)), vf32) * (float)(6.283185307179586 * 0x1p-32), &s, &co);
        vi32 swap = (vi32)(k << 31) < 0;
        vf32 zc = v_sel(swap, s, co), zs = v_sel(swap, co, s);
        zc = (vf32)((vu32)zc ^ (((k + 1) & 2) << 30));
        zs = (vf32)((vu32)zs ^ ((k & 2) << 30));
        vu64 a = (vu64)v_fma(zc, r, mean), b = (vu64)v_fma(zs, r, mean);
        const vu64 z[4] = {a, b, a >> 32, b >> 32};
        philox_order(z, ordered);
        v_store(out + (2 * set) * VW32, (vf32)ordered[0]);
        v_store(out + (2 * set + 1) * VW32, (vf32)ordered[1]);
    }
}

VFN void normal_f64(const random_ctx *x, uint64_t counter, double *out) {
    vu64 c[2][4];
    philox_block(x->seed, counter, c);
    const vf64 mean = v_set_f64(x->lo);
    for (int set = 0; set < 2; set++) {
        vu64 w1 = philox_pair(c[set][0], c[set][1]), w2 = philox_pair(c[set][2], c[set][3]) + (1ull << 61);
        vf64 r = v_sqrt(v_max(v_log(unit_f64(w1) + 0x1p-54) * -2., (vf64){0})) * x->scale;
        vu64 k = w2 >> 62;
        vf64 s, co;
        sincos_f64((unit_f64(w2 << 2) - .5) * 1.5707963267948966, &s, &co);
        vi64 swap = (vi64)((k & 1) == 1);
        vf64 zc = v_sel(swap, s, co), zs = v_sel(swap, co, s);
        zc = (vf64)((vu64)zc ^ (((k + 1) & 2) << 62));
        zs = (vf64)((vu64)zs ^ ((k & 2) << 62));
        vu64 a = (vu64)v_fma(zc, r, mean), b = (vu64)v_fma(zs, r, mean);
        v_store(out + (2 * set) * VW64, (vf64)v_trn_even(a, b));
        v_store(out + (2 * set + 1) * VW64, (vf64)v_trn_odd(a, b));
    }
}

/* ---- ranges of out --------------------------------------------------------------------------------------------- */
/* blocks of UNIT elements; begin is a multiple of UNIT, which uses PHILOX_COUNTERS counters */
#define RANDOM_RANGE(kind, s, T, UNIT)                                                       \
    static void kind##_range_##s(void *ctx, i64 begin, i64 end) {                            \
        const random_ctx *x = ctx;                                                           \
        T *out = x->a->out;                                                                  \
        for (i64 i = begin; i < end; i += UNIT) {                                            \
            uint64_t counter = x->offset + (uint64_t)(i / UNIT) * PHILOX_COUNTERS;           \
            if (end - i >= UNIT) { kind##_##s(x, counter, out + i); continue; }              \
            T last[UNIT];                                                                    \
            kind##_##s(x, counter, last);                                                    \
            memcpy(out + i, last, (size_t)(end - i) * sizeof(T));                            \
        }                                                                                    \
    }
RANDOM_RANGE(uniform, f32, float, UNIT32)
RANDOM_RANGE(uniform, f64, double, UNIT64)
RANDOM_RANGE(normal, f32, float, UNIT32)
RANDOM_RANGE(normal, f64, double, UNIT64)

/* float to bfloat16, to nearest even (the numbers here are finite or the caller's infinities) */
VFN uint16_t to_bf16(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return (uint16_t)(f != f ? 0x7fc0 : (u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

static void narrow_range(void *ctx, i64 begin, i64 end) {
    const random_ctx *x = ctx;
    uint16_t *out = x->a->out;
    float t[UNIT32];
    for (i64 i = begin; i < end; i += UNIT32) {
        uint64_t counter = x->offset + (uint64_t)i / 4;
        if (x->a->kind == 0) uniform_f32(x, counter, t);
        else normal_f32(x, counter, t);
        for (i64 j = 0, n = UDL_MINI(UNIT32, end - i); j < n; j++) out[i + j] = x->a->dtype == UDL_F16 ? float_to_half(t[j]) : to_bf16(t[j]);
    }
}

/* r[0 .. n rounded up to UNIT64): 64-bit words from element `at` (a multiple of UNIT64) on */
static void words64(const random_ctx *x, i64 at, i64 n, uint64_t *r) {
    for (i64 i = 0; i < n; i += UNIT64) {
        vu64 w[4];
        philox_words(x->seed, x->offset + (uint64_t)(at + i) / 2, w);
        memcpy(r + i, w, sizeof w);
    }
}

/* floor(r n / 2^64) */
VFN uint64_t below(uint64_t r, uint64_t n) { return (uint64_t)(((unsigned __int128)r * n) >> 64); }

/* the same for n < 2^32 on each lane: with r = h 2^32 + l it is (h n + floor(l n / 2^32)) / 2^32 */
VFN vu64 below32(vu64 r, vu64 n) { return (philox_mul(r >> 32, n) + (philox_mul(r, n) >> 32)) >> 32; }

/* r[0 .. n rounded up to VW64) := low + floor(r range / 2^64) */
static void scale_words(uint64_t *r, i64 n, uint64_t low, uint64_t range) {
    if (range >> 32) {
        for (i64 j = 0; j < n; j++) r[j] = low + below(r[j], range);
        return;
    }
    for (i64 j = 0; j < n; j += VW64) {
        vu64 w;
        memcpy(&w, r + j, sizeof w);
        w = below32(w, (vu64){0} + range) + low;
        memcpy(r + j, &w, sizeof w);
    }
}

#define RANDOM_STORE(V)                                                                                    \
    switch (dtype) {                                                                                       \
    case UDL_F32: for (i64 j = 0; j < n; j++) ((float *)out)[at + j] = (float)(V); break;                  \
    case UDL_F64: for (i64 j = 0; j < n; j++) ((double *)out)[at + j] = (double)(V); break;                \
    case UDL_F16: for (i64 j = 0; j < n; j++) ((uint16_t *)out)[at + j] = float_to_half((float)(V)); break;  \
    case UDL_BF16: for (i64 j = 0; j < n; j++) ((uint16_t *)out)[at + j] = to_bf16((float)(V)); break;     \
    case UDL_I64: for (i64 j = 0; j < n; j++) ((int64_t *)out)[at + j] = (int64_t)(V); break;              \
    case UDL_I32: for (i64 j = 0; j < n; j++) ((int32_t *)out)[at + j] = (int32_t)(V); break;              \
    case UDL_I16: for (i64 j = 0; j < n; j++) ((int16_t *)out)[at + j] = (int16_t)(V); break;              \
    case UDL_I8: for (i64 j = 0; j < n; j++) ((int8_t *)out)[at + j] = (int8_t)(V); break;                 \
    case UDL_U8: for (i64 j = 0; j < n; j++) ((uint8_t *)out)[at + j] = (uint8_t)(V); break;               \
    default: for (i64 j = 0; j < n; j++) ((uint8_t *)out)[at + j] = (V) != 0; break;                       \
    }

static void integers_range(void *ctx, i64 begin, i64 end) {
    const random_ctx *x = ctx;
    void *out = x->a->out;
    const i64 dtype = x->a->dtype, low = (i64)x->a->p[0], high = (i64)x->a->p[1];
    const uint64_t range = (uint64_t)high - (uint64_t)low;
    uint64_t r[CHUNK];
    for (i64 at = begin; at < end; at += CHUNK) {
        const i64 n = UDL_MINI(CHUNK, end - at);
        words64(x, at, n, r);
        scale_words(r, n, (uint64_t)low, range);
        RANDOM_STORE((int64_t)r[j])
    }
}

static void bernoulli_range(void *ctx, i64 begin, i64 end) {
    const random_ctx *x = ctx;
    void *out = x->a->out;
    const i64 dtype = x->a->dtype;
    const uint64_t threshold = (uint64_t)(x->a->p[0] * 0x1p32);
    const int always = threshold > 0xffffffffu;
    uint32_t r[CHUNK];
    for (i64 at = begin; at < end; at += CHUNK) {
        const i64 n = UDL_MINI(CHUNK, end - at);
        for (i64 i = 0; i < n; i += PHILOX_WORDS) {
            vu64 w[4];
            philox_words(x->seed, x->offset + (uint64_t)(at + i) / 4, w);
            memcpy(r + i, w, sizeof w);
        }
        for (i64 j = 0; j < CHUNK; j++) r[j] = (r[j] < (uint32_t)threshold) | always;
        RANDOM_STORE((int32_t)r[j])
    }
}

static void permutation(const random_ctx *x) {
    i64 *out = x->a->out, n = x->a->n;
    uint64_t r[CHUNK];
    for (i64 i = 0; i < n; i++) out[i] = i;
    for (i64 at = 0; at < n; at += CHUNK) {
        const i64 m = UDL_MINI(CHUNK, n - at);
        words64(x, at, m, r);
        for (i64 i = at; i < at + m; i++) {
            const i64 j = i + (i64)below(r[i - at], (uint64_t)(n - i)), t = out[i];
            out[i] = out[j];
            out[j] = t;
        }
    }
}

/* ---- entry ------------------------------------------------------------------------------------------------------ */
/* the largest number of this type below hi, so that rounding cannot close the half-open interval [lo, hi) */
static double last_below(double lo, double hi, i64 dtype) {
    if (!(lo < hi)) return hi;
    if (dtype == UDL_F64) return nextafter(hi, lo);
    float f = (float)hi;
    if (dtype == UDL_F32) return nextafterf(f, (float)lo);
    if (dtype == UDL_F16) {
        uint16_t h = float_to_half(f);
        if (half_to_float(h) >= f) h = (uint16_t)(h & 0x7fff ? h & 0x8000 ? h + 1 : h - 1 : 0x8001);
        return UDL_MAXI((double)half_to_float(h), lo);
    }
    uint32_t u;
    memcpy(&u, &f, 4);
    if (f > 0) u = (u - 1) & 0xffff0000u;
    else u = f < 0 ? (u & 0xffff0000u) + 0x10000 : 0x80010000u;
    memcpy(&f, &u, 4);
    return UDL_MAXI((double)f, lo);
}

int KERNEL(random)(const udl_random_args *a) {
    random_ctx x = {a, (uint64_t)a->seed, (uint64_t)a->offset, a->p[0], a->p[1], 0};
    udl_range_fn fn;
    if (a->kind < 0 || a->kind > 4) return UDL_EINVAL;
    if (a->kind == 4) { permutation(&x); return UDL_OK; }
    if (a->kind >= 2) fn = a->kind == 2 ? integers_range : bernoulli_range;
    else if (a->dtype == UDL_F32) fn = a->kind ? normal_range_f32 : uniform_range_f32;
    else if (a->dtype == UDL_F64) fn = a->kind ? normal_range_f64 : uniform_range_f64;
    else if (a->dtype == UDL_BF16 || a->dtype == UDL_F16) fn = narrow_range;
    else return UDL_EINVAL;
    if (a->kind == 0) {
        x.scale = a->p[1] - a->p[0];
        x.top = last_below(a->p[0], a->p[1], a->dtype);
    }
    udl_parallel_for(a->n, RANDOM_GRAIN, fn, &x);
    return UDL_OK;
}
