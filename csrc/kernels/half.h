/* half.h - IEEE float16 and float: both ways with selections only, so that compilers make vectors of the loops around them.
 *
 * A float16 below 2^-14 is m 2^-24: 0.5 + m 2^-24 has the bits 0x3f000000 + m, since 2^-24 is the step of floats above 0.5. The same
 * sum rounds a small float to the nearest multiple of 2^-24, ties to even. */
#ifndef UDL_HALF_H
#define UDL_HALF_H
#include <stdint.h>
#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

static inline __attribute__((unused)) float half_to_float(uint16_t h) {
    const uint32_t m = h & 0x7fffu, small = 0x3f000000u + m;
    float f;
    memcpy(&f, &small, 4);
    f -= 0.5f;
    uint32_t b;
    memcpy(&b, &f, 4);
    b = m < 0x0400u ? b : m < 0x7c00u ? (m << 13) + (112u << 23) : (m << 13) + (224u << 23); /* the last: Inf and NaN */
    b |= (uint32_t)(h & 0x8000u) << 16;
    memcpy(&f, &b, 4);
    return f;
}

static inline __attribute__((unused)) uint16_t float_to_half(float f) {
    uint32_t b, small;
    memcpy(&b, &f, 4);
    const uint32_t sign = b >> 16 & 0x8000u, m = b & 0x7fffffffu;
    float s;
    memcpy(&s, &m, 4);
    s += 0.5f;
    memcpy(&small, &s, 4);
    const uint32_t normal = (m - (112u << 23) + 0xfffu + (m >> 13 & 1u)) >> 13; /* a carry out of the mantissa gives Inf at 65520 */
    const uint32_t large = m > 0x7f800000u ? 0x7e00u | (m >> 13 & 0x3ffu) : 0x7c00u;
    return (uint16_t)(sign | (m < 0x38800000u ? small - 0x3f000000u : m < 0x47800000u ? normal : large));
}

/* n of them, by the instructions for it where there are some (which also make a signalling NaN a quiet one) */
static inline __attribute__((unused)) void halves_to_floats(float *to, const uint16_t *from, int64_t n) {
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(from + i))));
#endif
    for (; i < n; i++) to[i] = half_to_float(from[i]);
}

static inline __attribute__((unused)) void floats_to_halves(uint16_t *to, const float *from, int64_t n) {
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((void *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#endif
    for (; i < n; i++) to[i] = float_to_half(from[i]);
}
#endif
