/* philox.h - Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), many counters at once.
 *
 * A counter (lo, hi, 0, 0) and the key (seed lo, seed hi) give four 32-bit words. One round:
 *     p0 = 0xD2511F53 c0, p1 = 0xCD9E8D57 c2;   c = (hi p1 ^ c1 ^ k0, lo p1, hi p0 ^ c3 ^ k1, lo p0)
 * A counter's words live in 64-bit lanes, one vector a word; only the low half of a lane counts. The multiply reads low
 * halves only, so products need no masking: 8 instructions a round for VW64 counters. Two sets run side by side to hide
 * the latency of the multiply.
 *
 * Lane l of set s holds counter base + s VW64 + (l even ? l / 2 : VW64 / 2 + l / 2): with this order one in-lane
 * transpose (v_trn_even, v_trn_odd) brings all words into the order of elements. */
#ifndef UDL_KERNELS_PHILOX_H
#define UDL_KERNELS_PHILOX_H
#include "lanes.h"

#define PHILOX_COUNTERS (2 * VW64)           /* counters of one block */
#define PHILOX_WORDS (4 * PHILOX_COUNTERS)   /* = 4 vectors of 32-bit words */

#if UDL_VB == 64
#define UDL_PHILOX_LANES 0, 4, 1, 5, 2, 6, 3, 7
#elif UDL_VB == 32
#define UDL_PHILOX_LANES 0, 2, 1, 3
#else
#define UDL_PHILOX_LANES 0, 1
#endif

/* low half times low half of each 64-bit lane */
#if defined(UDL_LEVEL_avx512)
VFN vu64 philox_mul(vu64 a, vu64 b) { return (vu64)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
#elif defined(UDL_LEVEL_avx2)
VFN vu64 philox_mul(vu64 a, vu64 b) { return (vu64)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
#elif defined(UDL_LEVEL_neon)
VFN vu64 philox_mul(vu64 a, vu64 b) { return (vu64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b)); }
#elif defined(__SSE2__) && UDL_VB == 16
#include <emmintrin.h>
VFN vu64 philox_mul(vu64 a, vu64 b) { return (vu64)_mm_mul_epu32((__m128i)a, (__m128i)b); }
#else
VFN vu64 philox_mul(vu64 a, vu64 b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
#endif

VFN void philox_round(vu64 c[4], vu64 m0, vu64 m1, vu64 k0, vu64 k1) {
    vu64 p0 = philox_mul(c[0], m0), p1 = philox_mul(c[2], m1);
    c[0] = (p1 >> 32) ^ c[1] ^ k0;
    c[1] = p1;
    c[2] = (p0 >> 32) ^ c[3] ^ k1;
    c[3] = p0;
}

/* c[set][word]: the words of PHILOX_COUNTERS counters from `counter` on, in the low halves; the high halves are junk */
VFN void philox_block(uint64_t seed, uint64_t counter, vu64 c[2][4]) {
    const vu64 zero = {0}, lane = {UDL_PHILOX_LANES};
    const vu64 m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u;
    for (int s = 0; s < 2; s++) {
        c[s][0] = lane + (counter + (uint64_t)(s * VW64));
        c[s][1] = c[s][0] >> 32;
        c[s][2] = c[s][3] = zero;
    }
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma GCC unroll 10
    for (int r = 0; r < 10; r++) {
        philox_round(c[0], m0, m1, zero + k0, zero + k1);
        philox_round(c[1], m0, m1, zero + k0, zero + k1);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* low halves of a and b side by side: one 64-bit lane a | b << 32 */
VFN vu64 philox_pair(vu64 a, vu64 b) { return (a & 0xffffffffu) | (b << 32); }

/* one set's words in the order of elements: out[0] then out[1] */
VFN void philox_order(const vu64 c[4], vu64 out[2]) {
    vu64 a = philox_pair(c[0], c[1]), b = philox_pair(c[2], c[3]);
    out[0] = v_trn_even(a, b);
    out[1] = v_trn_odd(a, b);
}

/* w[0 .. PHILOX_WORDS): word i is word i % 4 of counter + i / 4 */
VFN void philox_words(uint64_t seed, uint64_t counter, vu64 w[4]) {
    vu64 c[2][4];
    philox_block(seed, counter, c);
    philox_order(c[0], w);
    philox_order(c[1], w + 2);
}
#endif
