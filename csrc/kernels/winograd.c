/* winograd.c - whether a 3 x 3 convolution is computed in tiles, and in which (winograd.h). */
#include "winograd.h"

int INTERNAL(wino_fits)(const udl_conv *g) {
    return g->R == 3 && g->S == 3 && g->stride_h == 1 && g->stride_w == 1 && g->dil_h == 1 && g->dil_w == 1 && g->C >= 4 &&
           g->O >= 8;
}

/* cycles from the shape, with two whole multiply-adds a cycle */
int INTERNAL(wino_tiles)(const udl_conv *g, i64 N) {
    if (udl_batch_invariant()) N = 1;
    double direct = 0.9 * 1.15 * (double)(N * g->P * g->Q) * (double)g->O * (double)g->K / (2 * VW32);
    if (!INTERNAL(wino_fits)(g)) return !g->half && INTERNAL(wino_rows_cycles)(g, N) < direct ? 2 : 0;
    if (g->half) return INTERNAL(wino6_cycles)(g, N) < (g->few ? 0.75 : g->low ? 0.65 : 1) * direct ? 6 : 0;
    if (udl_float32_precision() != UDL_HIGHEST && INTERNAL(wino6_cycles)(g, N) < direct) return 6;
    return g->pad_h >= 0 && g->pad_w >= 0 && INTERNAL(wino4_cycles)(g, N) < direct ? 4 : 0;
}

int INTERNAL(wino_forward)(int tiles, WINO_FORWARD) {
    if (tiles == 2) return INTERNAL(wino_rows_forward)(g, N, G, y, x, w, f, bias, act, bad);
    return tiles == 4 ? INTERNAL(wino4_forward)(g, N, G, y, x, w, f, bias, act, bad)
                      : INTERNAL(wino6_forward)(g, N, G, y, x, w, f, bias, act, bad);
}
