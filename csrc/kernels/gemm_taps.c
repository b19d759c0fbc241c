/* gemm_taps.c - the micro-kernels whose rows of B lie anywhere: convolution reads the image where it lies. */
#ifndef T
#include "gemm_tile.h"
#define UDL_THIS_FILE "kernels/gemm_taps.c"
#include "../each_float.h"
#else

typedef void (*FN(micro_taps))(i64 k, const T *a, const T *b, i64 b_j, const i64 *tap, T *c, i64 ldc, i64 c_j, i64 n, const FN(epi) *e);
#define MICRO(mr, nv)                                                                                                  \
    static void FN(taps_##mr##x##nv)(i64 k, const T *a, const T *b, i64 b_j, const i64 *tap, T *c, i64 ldc, i64 c_j, i64 n, \
                                     const FN(epi) *e) { FN(tile)(mr, nv, TAPS, k, a, mr, b, b_j, tap, c, ldc, c_j, n, e); }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {FN(taps_##mr##x1), FN(taps_##mr##x2)},
EACH_MR(MICROS)
static const FN(micro_taps) FN(micros_taps)[GEMM_MR][GEMM_NV] = {EACH_MR(NAMES)};
#undef MICRO
#undef MICROS
#undef NAMES

void gemm_taps(i64 mr, i64 n, i64 k, const T *panel, const T *b, i64 b_j, const i64 *tap, T *c, i64 ldc, i64 c_j, const FN(epi) *e) {
    FN(micros_taps)[mr - 1][(n - 1) / VW](k, panel, b, b_j, tap, c, ldc, c_j, n, e);
}
#endif
