/* gemm.h - the matmul engine inside: packing, micro-kernel, epilogue, and the driver that joins them.
 *
 * Everything computes tiles of   out[m, n] = act(alpha sum_k A[m, k] B[k, n] + out + bias) + residual   where the
 * vector axis is n. The parts can be used apart:
 *
 *   gemm_block    mb x nb of out from operands that are packed or lie in memory in a form a micro-kernel can read
 *   gemm_pack_a/b strided matrix -> panels (transposing in registers where the unit stride is the other one)
 *   gemm_taps     one tile whose rows of B lie anywhere in memory; gemm_finish the epilogue alone
 *   gemm_run      blocking over m, n, k and the threads; A and B come from callbacks, so a convolution hands in
 *                 "fill this panel with im2col" and everything below stays the same
 *
 * Panels. A: rows are taken gemm_rows(left) at a time (at most MR); a panel of mr rows holds element (m, k) at
 * k mr + m. B: columns are taken NR at a time; the last panel is as wide as the vectors that it needs, w = a multiple
 * of VW, zero-filled; element (k, n) at k w + n. Panel p starts at (its first row or column) * kc. */
#ifndef UDL_GEMM_H
#define UDL_GEMM_H
#include "../engine.h"
#include "../kernel.h"

/* Tile: MR rows x NV vectors. Registers: MR NV accumulators + NV of B + 1 broadcast of A.
 *   avx2    6 x 2 -> 12 + 2 + 1 of 16     avx512  12 x 2 -> 24 + 2 + 1 of 32
 *   generic 4 x 2 ->  8 + 2 + 2 of 16     neon     8 x 2 -> 16 + 2 + 2 of 32  */
#if defined(UDL_LEVEL_avx512)
#define GEMM_MR 12
#elif defined(UDL_LEVEL_avx2)
#define GEMM_MR 6
#elif defined(UDL_LEVEL_neon)
#define GEMM_MR 8
#else
#define GEMM_MR 4
#endif
#define GEMM_NV 2
#if defined(UDL_LEVEL_avx512) || defined(UDL_TILES_EMULATED)
#define GEMM_MATRIX_UNIT 1 /* levels that may find a unit in engine.h */
#else
#define GEMM_MATRIX_UNIT 0
#endif
#define GEMM_KC 512 /* most of k in a block */
#define GEMM_L1 32768
#define GEMM_CHUNK 128 /* products of matmul (float32) in a chain of sums: a longer one is rounded more often at full size */
#define GEMM_NR (GEMM_NV * VW) /* needs each_float.h's VW */
#define GEMM_APART (UDL_VB >= 32) /* gemm_taps takes vectors apart from one another; elsewhere b_j = c_j = VW */

/* The value is in a register here: keeps the steps of a micro-kernel apart, as overlapping them spills accumulators. */
#if defined(UDL_LEVEL_avx512)
#define GEMM_PIN(v) __asm__ volatile("" : "+v"(v))
#elif defined(__x86_64__) && UDL_VB <= 32
#define GEMM_PIN(v) __asm__ volatile("" : "+x"(v))
#elif defined(__aarch64__) && UDL_VB <= 16
#define GEMM_PIN(v) __asm__ volatile("" : "+w"(v))
#else
#define GEMM_PIN(v) (void)0
#endif

/* Height of the next panel of A when `left` rows remain: full tiles, but a last tile too low to fill the FMA pipes
 * (under 4 rows) shares evenly with the tile before it. */
VFN i64 gemm_rows(i64 left) {
    if (left >= GEMM_MR + GEMM_MR / 2 || left == GEMM_MR) return GEMM_MR;
    if (left < GEMM_MR) return left;
    return left - GEMM_MR >= 4 ? GEMM_MR : (left + 1) / 2;
}

enum { GEMM_A_PANELS, GEMM_A_ROWS, GEMM_A_COLUMNS }; /* packed; a_k == 1; a_m == 1 */

/* Block sizes, from the caches and the shape alone. kc rows of B make a panel that stays in L1 with its panel of A;
 * mc x kc of A fill half of L2; kc x nc of B stay in a share of L3. */
typedef struct { i64 kc, mc, nc; } gemm_sizes;
gemm_sizes INTERNAL(gemm_sizes)(i64 k, i64 itemsize);
#define GEMM_TASK_FLOPS 2000000 /* a task smaller than this is not worth waking a thread for */
#define GEMM_TASK_BYTES 262144  /* the same for a task that only reads */
#define GEMM_FEW 8              /* up to so many rows or columns of out, few_rows may do it */

/* before the panels of a packed B: whose they are */
typedef struct { int64_t maker, n, k, parts, rows, columns, unused[2]; } gemm_packed; /* rows, columns: of filters of bf16 images */
int INTERNAL(packed_is_mine)(const void *packed, const udl_matmul_args *a);
int64_t INTERNAL(prepack)(const udl_matmul_args *a, void *to);

#define GEMM_DECLARE(T, s)                                                                                            \
    /* how a finished tile is stored; pointers are those of the block's first element */                              \
    typedef struct {                                                                                                  \
        T alpha;                                                                                                      \
        int add, act, rare;          /* add: out is read and added. rare: set by gemm_block */                        \
        i64 chunk;                   /* products in a chain of sums; 0: all of k */                                   \
        const T *bias_n, *bias_m;    /* or NULL */                                                                    \
        const T *residual;           /* or NULL; row stride as out */                                                 \
        uint16_t *out16;             /* or NULL; else the result goes here, rounded to bf16 (float32 jobs only) */     \
        const uint16_t *residual16;  /* or NULL; row stride as out16 */                                               \
        i64 ld16;                                                                                                     \
        int add16;                   /* out16 is read and added */                                                    \
        const T *soon;               /* or NULL: a panel of B that is read next, cold as yet */                       \
        i64 soon_step;               /* set by gemm_block */                                                          \
    } gemm_epilogue_##s;                                                                                              \
    typedef struct { const T *p; i64 stride; int kind; } gemm_a_##s;   /* stride of rows (ROWS) or of k (COLUMNS) */  \
    typedef struct { const T *p; i64 stride; } gemm_b_##s;             /* stride of k, 0 = packed */                  \
    typedef void (*gemm_pack_##s)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc);                       \
    typedef void (*gemm_block_fn_##s)(i64 mb, i64 nb, i64 kc, gemm_a_##s a, gemm_b_##s b, T *c, i64 ldc,               \
                                      const gemm_epilogue_##s *e);                                                    \
    typedef struct {                                                                                                  \
        i64 m, n, k;                                                                                                  \
        T *c;                                                                                                         \
        i64 ldc;                                                                                                      \
        gemm_epilogue_##s e;                                                                                          \
        gemm_a_##s a;                /* read in place unless kind is GEMM_A_PANELS: then pack_a fills panels */       \
        gemm_b_##s b;                /* read in place if stride != 0 */                                               \
        gemm_pack_##s pack_a, pack_b; /* rows (columns) first .. + count of k .. + kc, as panels */                   \
        const void *ctx;                                                                                              \
        struct { const T *p; i64 line, k; } from_a, from_b; /* what pack_a, pack_b read, if strided; else p = NULL */ \
        const T *packed_b;           /* or NULL: all of B in panels already (gemm_prepack.c) */                       \
        const void *packed_tiles;    /* or NULL: the same for the matrix unit */                                      \
        i64 first_k;                 /* added to the k that pack_a, pack_b and a, b in place are asked for */         \
        i64 kc;                      /* block of k; 0 = by the caches */                                              \
        gemm_block_fn_##s block;     /* or NULL: gemm_block. Else elements may be what it takes them for (tiles/pairs.h) */ \
        int low;                     /* a matrix unit may round the numbers of A and B to bf16 */                      \
    } gemm_job_##s;                                                                                                   \
    int UDL_CAT3(udli_, gemm_run_##s, UDL_LEVEL)(const gemm_job_##s *);                                               \
    void UDL_CAT3(udli_, gemm_block_##s, UDL_LEVEL)(i64 mb, i64 nb, i64 kc, gemm_a_##s a, gemm_b_##s b, T *c, i64 ldc, \
                                                    const gemm_epilogue_##s *e);                                      \
    void UDL_CAT3(udli_, gemm_pack_a_##s, UDL_LEVEL)(T *to, const T *a, i64 a_m, i64 a_k, i64 mb, i64 kc);            \
    void UDL_CAT3(udli_, gemm_pack_b_##s, UDL_LEVEL)(T *to, const T *b, i64 b_k, i64 b_n, i64 kc, i64 nb);            \
    void UDL_CAT3(udli_, gemm_finish_##s, UDL_LEVEL)(i64 m, i64 n, const T *t, i64 ldt, T *c, i64 ldc,                 \
                                                     const gemm_epilogue_##s *e);                                     \
    /* vectors of a row of B lie b_j apart, those of C c_j; n is whole vectors where c_j is not VW, and nothing is rare then */ \
    void UDL_CAT3(udli_, gemm_taps_##s, UDL_LEVEL)(i64 mr, i64 n, i64 k, const T *panel, const T *b, i64 b_j,           \
                                                   const i64 *tap, T *c, i64 ldc, i64 c_j, const gemm_epilogue_##s *e); \
    int UDL_CAT3(udli_, few_rows_##s, UDL_LEVEL)(i64 m, i64 n, i64 k, const T *x, i64 x_m, i64 x_k, const T *a, i64 a_n,  \
                                                 i64 a_k, T *y, i64 y_m, i64 y_n, const gemm_epilogue_##s *e);
GEMM_DECLARE(float, f32)
GEMM_DECLARE(double, f64)
#define gemm_run INTERNAL(FN(gemm_run))
#define gemm_block INTERNAL(FN(gemm_block))
#define gemm_pack_a INTERNAL(FN(gemm_pack_a))
#define gemm_pack_b INTERNAL(FN(gemm_pack_b))
#define gemm_finish INTERNAL(FN(gemm_finish))
#define gemm_taps INTERNAL(FN(gemm_taps))
#define few_rows INTERNAL(FN(few_rows))

#endif
