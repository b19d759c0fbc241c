/* pairs.h - bf16 products without tiles: VDPBF16PS adds two products of bf16 numbers to each of 16 float32 sums.
 *
 * The engine of kernels/gemm.c runs as for float32, but an "element" is 32 bits that hold the numbers k and k + 1 of a row of
 * A or a column of B (k even; zero beyond the last k), the lower half the first. So k counts pairs, packing makes pairs
 * (pairs_pack.c), and the tile multiplies pairs where it multiplied floats (pairs_micro.c). */
#ifndef UDL_PAIRS_H
#define UDL_PAIRS_H
#include "tiles.h"

/* Most pairs in a block of k. Longer than what L1 would hold of a panel of B: L2 delivers the 15 bytes a cycle that a tile reads
 * without effort, and a product of up to 2048 numbers is rounded to bf16 from registers, with no float32 copy of out. */
enum { PAIRS_KC = 1024 };

/* what the packing functions are handed as ctx */
typedef struct {
    tile_source a, b; /* tiles.h; rounded to nearest even if they are float32 */
    i64 k;            /* numbers */
} pair_operands;

void INTERNAL(pairs_pack_a)(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc);
void INTERNAL(pairs_pack_b)(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc);
void INTERNAL(pairs_block)(i64 mb, i64 nb, i64 kc, gemm_a_f32 a, gemm_b_f32 b, float *c, i64 ldc, const gemm_epilogue_f32 *e);

/* udl_engine's functions (engine.h) */
int INTERNAL(pairs_gemm)(const void *job, int *status);
int INTERNAL(pairs_bf16)(const udl_matmul_args *a, int64_t batch, int *status);
int64_t INTERNAL(pairs_prepack)(const udl_matmul_args *a, void *to);

int INTERNAL(pairs_packed_is_mine)(const void *packed, const udl_matmul_args *a); /* NULL is not */
#endif
