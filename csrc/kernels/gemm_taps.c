/* gemm_taps.c - the micro-kernels whose rows of B lie anywhere: convolution reads the image where it lies. Float32 only: for doubles
 * 60 KB of tiles would not be worth it. */
#include "gemm_tile.h"

typedef void (*micro_taps)(i64 k, const float *a, const float *b, i64 b_j, const i64 *tap, float *c, i64 ldc, i64 c_j, i64 n,
                           const gemm_epilogue_f32 *e);
#define MICRO(mr, nv)                                                                                                  \
    static void taps_##mr##x##nv(i64 k, const float *a, const float *b, i64 b_j, const i64 *tap, float *c, i64 ldc, i64 c_j, i64 n, \
                                 const gemm_epilogue_f32 *e) {                                                         \
        tile_f32(mr, nv, TAPS, k, a, mr, b, GEMM_APART ? b_j : VW32, tap, c, ldc, GEMM_APART ? c_j : VW32, n, e);       \
    }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {taps_##mr##x1, taps_##mr##x2},
EACH_MR(MICROS)
static const micro_taps micros[GEMM_MR][GEMM_NV] = {EACH_MR(NAMES)};

void INTERNAL(gemm_taps_f32)(i64 mr, i64 n, i64 k, const float *panel, const float *b, i64 b_j, const i64 *tap, float *c, i64 ldc,
                             i64 c_j, const gemm_epilogue_f32 *e) {
    micros[mr - 1][(n - 1) / VW32](k, panel, b, b_j, tap, c, ldc, c_j, n, e);
}
