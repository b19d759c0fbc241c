/* dropout.c - y[n] = x[n] mask / (1 - p), mask[n] one byte an element, 0 with probability p, else 1.
 *
 * Element i is dropped where word i % 4 of Philox counter offset + i / 4 is below p 2^32, so the result depends on
 * (seed, offset, i) alone. The factor is multiplied, not selected: inf and NaN of a dropped element give NaN, as in
 * PyTorch. p = 1 drops all, p = 0 copies. Backward is gy mask / (1 - p): an element-wise product. y may alias x. */
#ifndef T
#include "philox.h"
#define UDL_THIS_FILE "kernels/dropout.c"
#define DROPOUT_GRAIN (1 << 16) /* a multiple of PHILOX_WORDS */

/* for each 32-bit lane of the result (one counter, four mask bytes) where philox_block has it: see philox.h */
#if UDL_VB == 64
#define UDL_DROPOUT_LANES 0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15
#elif UDL_VB == 32
#define UDL_DROPOUT_LANES 0, 4, 2, 6, 1, 5, 3, 7
#else
#define UDL_DROPOUT_LANES 0, 2, 1, 3
#endif

/* keep[set][word]: all ones in the low half where the word is at or above `threshold` (biased by 2^31: the compare is
 * signed); bytes: the PHILOX_WORDS mask bytes in order, since a counter's four words are four neighbours */
VFN void dropout_masks(uint64_t seed, uint64_t counter, vi32 threshold, vu64 keep[2][4], vu32 *bytes) {
    vu64 c[2][4], m[2];
    philox_block(seed, counter, c);
    for (int s = 0; s < 2; s++) {
        for (int w = 0; w < 4; w++) keep[s][w] = (vu64)~((vi32)((vu32)c[s][w] ^ 0x80000000u) < threshold);
        m[s] = (keep[s][0] & 0x1) | (keep[s][1] & 0x100) | (keep[s][2] & 0x10000) | (keep[s][3] & 0x1000000);
    }
    vu32 all = (vu32)(m[0] | (m[1] << 32));
    *bytes = UDL_SHUFFLE2(all, all, vi32, UDL_DROPOUT_LANES);
}

/* y of one block, from the kept lanes in order */
VFN void dropout_block_f32(float *y, const float *x, const vu64 keep[2][4], float scale) {
    const vf32 factor = v_set_f32(scale);
    for (int s = 0; s < 2; s++) {
        vu64 k[2];
        philox_order(keep[s], k);
        for (int h = 0; h < 2; h++) {
            const int at = (2 * s + h) * VW32;
            v_store(y + at, v_load(x + at) * (vf32)(k[h] & (vu64)factor));
        }
    }
}
VFN void dropout_block_f64(double *y, const double *x, const vu64 keep[2][4], double scale) {
    const vf64 factor = v_set_f64(scale);
    for (int s = 0; s < 2; s++) {
        vu64 k[2];
        philox_order(keep[s], k);
        for (int h = 0; h < 2; h++) {
            const int at = (2 * s + h) * VW32;
            vf64 lo = (vf64)((vu64)v_zip_lo((vf32)k[h], (vf32)k[h]) & (vu64)factor);
            vf64 hi = (vf64)((vu64)v_zip_hi((vf32)k[h], (vf32)k[h]) & (vu64)factor);
            v_store(y + at, v_load(x + at) * lo);
            v_store(y + at + VW64, v_load(x + at + VW64) * hi);
        }
    }
}
#include "../each_float.h"

int KERNEL(dropout)(const udl_dropout_args *a) { return BY_FLOAT(a->dtype, dropout, (a)); }
#else

static void FN(dropout_range)(void *ctx, i64 begin, i64 end) {
    const udl_dropout_args *a = ctx;
    T *y = a->y;
    const T *x = a->x;
    uint8_t *mask = a->mask;
    const T scale = (T)(1 / (1 - a->p));
    const vi32 threshold = (vi32)((vu32){0} + ((uint32_t)(uint64_t)(a->p * 0x1p32) ^ 0x80000000u));
    for (i64 i = begin; i < end; i += PHILOX_WORDS) {
        vu64 keep[2][4];
        vu32 bytes;
        dropout_masks((uint64_t)a->seed, (uint64_t)(a->offset + i / 4), threshold, keep, &bytes);
        if (end - i >= PHILOX_WORDS) {
            memcpy(mask + i, &bytes, sizeof bytes);
            FN(dropout_block)(y + i, x + i, (const vu64(*)[4])keep, scale);
        } else {
            T t[PHILOX_WORDS] = {0};
            memcpy(t, x + i, (size_t)(end - i) * sizeof(T));
            FN(dropout_block)(t, t, (const vu64(*)[4])keep, scale);
            memcpy(y + i, t, (size_t)(end - i) * sizeof(T));
            memcpy(mask + i, &bytes, (size_t)(end - i));
        }
    }
}

static int FN(dropout)(const udl_dropout_args *a) {
    if (a->p * 0x1p32 < 0x1p32) {
        udl_parallel_for(a->n, DROPOUT_GRAIN, FN(dropout_range), (void *)a);
        return UDL_OK;
    }
    T *y = a->y;
    const T *x = a->x;
    for (i64 i = 0; i < a->n; i++) y[i] = x[i] * 0;
    memset(a->mask, 0, (size_t)a->n);
    return UDL_OK;
}
#endif
