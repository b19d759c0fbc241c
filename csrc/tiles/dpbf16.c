/* dpbf16.c - the same panels of one part on a processor with AVX512-BF16 but no tiles: VDPBF16PS adds two products to each
 * of 16 sums. 8 rows x 2 vectors of sums + 2 of B; the pair of A comes from memory as a broadcast: 18 of 32 registers. */
#include "tiles.h"
#if !defined(UDL_TILES_EMULATED)
#include <immintrin.h>
VFN vf32 dp(vf32 sum, uint32_t pair, const uint16_t *b) {
    return (vf32)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)pair), (__m512bh)_mm512_loadu_si512(b));
}
#else
#include "tile_ops.h"
/* Intel's definition: the upper product of the pair is added first, then the lower; both fused, denormals are zero */
static vf32 dp(vf32 sum, uint32_t pair, const uint16_t *b) {
    float a0 = tile_widen((uint16_t)pair), a1 = tile_widen((uint16_t)(pair >> 16));
    for (int n = 0; n < 16; n++) {
        float upper = tile_fma(a1, tile_widen(b[2 * n + 1]), tile_flush(sum[n]));
        sum[n] = tile_fma(a0, tile_widen(b[2 * n]), upper);
    }
    return sum;
}
#endif

enum { ROWS_AT_ONCE = 8 };
VFN void rows_of(const int columns, i64 steps, const uint16_t *a, const uint16_t *b, i64 b_next, float *out) {
    vf32 sum[ROWS_AT_ONCE][2] = {0};
    for (i64 s = 0; s < steps; s++, a += TILE, b += TILE)
        for (int j = 0; j < 16; j++)
            _Pragma("GCC unroll 8") for (int r = 0; r < ROWS_AT_ONCE; r++) {
                uint32_t pair;
                memcpy(&pair, a + r * STEP + 2 * j, 4);
                _Pragma("GCC unroll 2") for (int c = 0; c < columns; c++)
                    sum[r][c] = dp(sum[r][c], pair, b + c * b_next + j * STEP);
            }
    _Pragma("GCC unroll 8") for (int r = 0; r < ROWS_AT_ONCE; r++)
        _Pragma("GCC unroll 2") for (int c = 0; c < columns; c++) v_store(out + r * PAIR + c * LINES, sum[r][c]);
}

static void dpbf16_product(int rows, int columns, i64 steps, int parts, const uint16_t *a, i64 a_next, const uint16_t *b,
                           i64 b_next, float *out) {
    (void)parts; /* 1 */
    for (int r = 0; r < rows * LINES; r += ROWS_AT_ONCE) {
        const uint16_t *from = a + r / LINES * a_next + r % LINES * STEP;
        if (columns > 1) rows_of(2, steps, from, b, b_next, out + r * PAIR);
        else rows_of(1, steps, from, b, b_next, out + r * PAIR);
    }
}

static void nothing(void) {}
const tile_unit INTERNAL(tiles_dpbf16) = {nothing, nothing, dpbf16_product};
