/* tiles.h - matmul on a unit that multiplies bf16 pairs and adds in float32: AMX tiles (without them, see pairs.h).
 *
 * float32 as bf16 parts: x = x0 + x1 + x2 exactly, each part the nearest bf16 of what is left (8 + 8 + 8 bits). Then
 *
 *     a b = a0 b0 + (a0 b1 + a1 b0) + (a0 b2 + a1 b1 + a2 b0) + less than 2^-25 |a b|
 *
 *   3 parts, 6 products  "highest": the error is that of rounding float32 sums, which are rounded less often than in
 *                        a chain of fused multiply-adds
 *   2 parts, 3 products  "high"       1 part, 1 product  "medium", and bf16 tensors
 *
 * Panels. Rows of A, and columns of B, are "lines"; 16 lines make a panel. k is cut in steps of 32. A panel is a sequence
 * of tiles of 1 KiB:  [step][part][16 rows of 64 bytes], zero beyond the last line and the last k.
 *
 *     tile of A: row = line m, 4-byte element j = the pair  k = j | k = 16 + j   of the step
 *     tile of B: row j = the pair  k = j | k = 16 + j,   4-byte element = line n
 *
 * Any order of k is as good as another if A and B agree; with this one a pair is made of two vectors that lie as they are
 * in memory: no shuffle. */
#ifndef UDL_TILES_H
#define UDL_TILES_H
#include "../kernels/gemm.h"
_Static_assert(VW32 == 16, "a tile row is one vector");

enum { LINES = 16, STEP = 32, TILE = 512 /* uint16 */, PAIR = 2 * LINES };

/* Numbers (line, k), strided in memory, or from a callback that fills float panels (gemm.h). */
typedef struct {
    const void *p; /* element (line, k) at p[line line_stride + k k_stride]; NULL: from pack */
    i64 line_stride, k_stride;
    int is_bf16, is_a;
    int plain; /* float32 numbers are rounded to bf16 as they are: nothing is scaled or left to the FMA kernel */
    gemm_pack_f32 pack;
    const void *ctx;
    i64 first_k; /* added to every k */
} tile_source;

/* what a job reads, as sources (overlay.c) */
tile_source INTERNAL(tiles_source_a)(const gemm_job_f32 *), INTERNAL(tiles_source_b)(const gemm_job_f32 *);

/* What packing found in a panel. Parts and products must neither overflow nor become denormal (the unit takes denormals
 * as zero): a panel with numbers outside of 2^-45 .. 2^55 is multiplied by a power of two that brings its largest to 2^50,
 * and if it then still has smaller ones than 2^-45, or an infinity or NaN, it is left to the FMA kernel. */
enum { PANEL_BAD = 1000 }; /* else the exponent of the power of two */

void INTERNAL(tiles_pack)(const tile_source *s, i64 first, i64 count, i64 k, i64 kc, int parts, uint16_t *to, int *found,
                          float *scratch);
enum { PACK_SCRATCH = (2 * PAIR + 2) * GEMM_KC }; /* floats that tiles_pack needs for a source with a callback */

/* out[32][32] = panels a, a + a_next  times panels b, b + b_next; one panel only where rows or columns is 1. */
typedef struct {
    void (*begin)(void), (*end)(void); /* around the products of a task, on its thread */
    void (*product)(int rows, int columns, i64 steps, int parts, const uint16_t *a, i64 a_next, const uint16_t *b,
                    i64 b_next, float *out);
} tile_unit;
extern const tile_unit INTERNAL(tiles_amx);

typedef struct {
    const tile_unit *unit;
    i64 m, n, k;
    int parts;
    tile_source a, b;
    float *c; /* or, for bf16: */
    uint16_t *c16;
    const uint16_t *residual16;
    i64 ldc;
    gemm_epilogue_f32 e;
    const void *packed_b;  /* or NULL: all panels of B, from tiles_prepack */
    const gemm_job_f32 *g; /* for panels that are left to the FMA kernel; NULL: there are none */
} tile_job;
int INTERNAL(tiles_run)(const tile_job *);
int64_t INTERNAL(tiles_prepack)(const tile_job *, void *to);
int INTERNAL(tiles_packed_is_mine)(const void *packed, const tile_job *);
#endif
