/* bf16.h - vectors of bfloat16 numbers as float32: widened exactly when loaded, rounded to nearest even when stored. A NaN
 * stays one. h_load_n and h_store_n do the first n lanes, 0 <= n <= VW32 (the others are 0). */
#ifndef UDL_VEC_BF16_H
#define UDL_VEC_BF16_H
#include "vec.h"

typedef uint16_t vhalf __attribute__((vector_size(UDL_VB / 2)));

VFN vf32 h_widen(vhalf h) { return (vf32)(__builtin_convertvector(h, vu32) << 16); }
VFN vhalf h_narrow(vf32 x) {
    const vu32 u = (vu32)x, r = u + 0x7fff + (u >> 16 & 1);
#if defined(UDL_LEVEL_avx512) /* the comparison stays in a mask register */
    const __mmask16 nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
    const vu32 top = (vu32)_mm512_mask_or_epi32((__m512i)r, nan, (__m512i)u, _mm512_set1_epi32(0x400000));
#else
    const vu32 nan = (vu32)(x != x), top = (nan & (u | 0x400000)) | (~nan & r);
#endif
    return __builtin_convertvector(top >> 16, vhalf);
}
VFN float h_one(uint16_t h) {
    const uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
VFN vf32 h_load(const uint16_t *p) {
    vhalf h;
    memcpy(&h, p, sizeof h);
    return h_widen(h);
}
VFN void h_store(uint16_t *p, vf32 x) {
    vhalf h = h_narrow(x);
    memcpy(p, &h, sizeof h);
}
#if defined(UDL_LEVEL_avx512)
VFN vf32 h_load_n(const uint16_t *p, int n) {
    return h_widen((vhalf)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p));
}
VFN void h_store_n(uint16_t *p, vf32 x, int n) {
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m256i)h_narrow(x));
}
#else
VFN vf32 h_load_n(const uint16_t *p, int n) {
    uint16_t t[VW32] = {0};
    UDL_VEC_COPY_N(t, p, n, VW32, uint16_t);
    return h_load(t);
}
VFN void h_store_n(uint16_t *p, vf32 x, int n) {
    uint16_t t[VW32];
    h_store(t, x);
    UDL_VEC_COPY_N(p, t, n, VW32, uint16_t);
}
#endif
/* rows of n numbers */
VFN void h_widen_row(float *to, const uint16_t *from, int64_t n) {
    int64_t i = 0;
    for (; i + VW32 <= n; i += VW32) v_store(to + i, h_load(from + i));
    if (i < n) v_store_n(to + i, h_load_n(from + i, (int)(n - i)), (int)(n - i));
}
VFN void h_narrow_row(uint16_t *to, const float *from, int64_t n) {
    int64_t i = 0;
    for (; i + VW32 <= n; i += VW32) h_store(to + i, v_load(from + i));
    if (i < n) h_store_n(to + i, v_load_n(from + i, (int)(n - i)), (int)(n - i));
}
#endif
