/* tiny.h - all of x so small that products with it are subnormal, for which processors take up to twice the time where no fused
 * multiply-add adds them: such an x is worked on as TINY_SCALE x, and the result taken back. Linear operations on such levels only. */
#ifndef UDL_TINY_H
#define UDL_TINY_H
#include "kernel.h"
#ifdef __FP_FAST_FMAF
#define TINY_MATTERS 0
#else
#define TINY_MATTERS (!udl_batch_invariant()) /* the rest of the batch decides too */
#endif
#define TINY 0x1p-120f
#define TINY_SCALE 0x1p64f

/* 1: some are not 0, and all below the limit; 0: all 0; -1: one is not below, mostly among the first */
static int row_below(const float *x, i64 n, float limit) {
    int some = 0;
    i64 i = 0;
    while (i + VW32 <= n) {
        const i64 end = UDL_MINI(n, i + 16 * VW32);
        vi32 below = ~(vi32){0}, above = {0};
        for (; i + VW32 <= end; i += VW32) {
            const vf32 a = v_abs(v_load(x + i));
            below &= (vi32)(a < limit), above |= (vi32)(a > 0);
        }
        if (v_any((vi64)~below)) return -1;
        some |= v_any((vi64)above);
    }
    for (; i < n; i++) {
        if (!(fabsf(x[i]) < limit)) return -1;
        some |= x[i] != 0;
    }
    return some;
}

/* to[i] = x[i] k */
static void tiny_times(float *to, const float *x, i64 n, float k) {
    i64 i = 0;
    for (; i + VW32 <= n; i += VW32) v_store(to + i, v_load(x + i) * k);
    for (; i < n; i++) to[i] = x[i] * k;
}
#endif
