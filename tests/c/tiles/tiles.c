/* tiles.c - csrc/tiles with its instructions, or with these in C (-DUDL_TILES_EMULATED), so that products on tiles can be
 * tested where the processor has none. tests/test_tiles.py builds it with 64-byte vectors and the matmul and convolution
 * kernels of a level called "avx512", and calls what stands here. */
#include "engine.h"
#include "kernels/gemm.h"
#include "tiles/tile_ops.h"
#define API __attribute__((visibility("default")))

udl_engine udl_matrix_unit;
extern int udl_tiles_forced;
void udl_overlay_amx(void);
void udl_overlay_avx512_bf16(void);

/* unit: 0 none, 1 AMX, 2 bf16 dot products; forced: 1 whatever the size, 0 by estimate */
API void tiles_use(int unit, int forced) {
    udl_matrix_unit = (udl_engine){0};
    if (unit == 1) udl_overlay_amx();
    if (unit == 2) udl_overlay_avx512_bf16();
    udl_tiles_forced = forced;
}
API int tiles_matmul(const udl_matmul_args *a) { return KERNEL(matmul)(a); }

/* The engine alone, whatever the size: operands as strided matrices (0), from callbacks that fill float panels (1), or read
 * in place where a micro-kernel could (2); sums of all but the first `first_k` numbers of k. */
typedef struct { const float *a, *b; i64 a_m, a_k, b_k, b_n; } operands;
static void panel_a(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc) {
    const operands *s = ctx;
    INTERNAL(gemm_pack_a_f32)(to, s->a + first * s->a_m + k * s->a_k, s->a_m, s->a_k, count, kc);
}
static void panel_b(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc) {
    const operands *s = ctx;
    INTERNAL(gemm_pack_b_f32)(to, s->b + first * s->b_n + k * s->b_k, s->b_k, s->b_n, kc, count);
}
API int tiles_gemm(const udl_matmul_args *a, int how, i64 first_k) {
    operands s = {a->a, a->b, a->a_m, a->a_k, a->b_k, a->b_n};
    gemm_job_f32 g = {.m = a->m, .n = a->n, .k = a->k - first_k, .c = a->out, .ldc = a->ldo, .ctx = &s, .pack_a = panel_a,
                      .pack_b = panel_b, .first_k = first_k,
                      .e = {.alpha = (float)a->alpha, .chunk = GEMM_CHUNK, .add = a->beta != 0, .act = (int)a->act, .residual = a->residual,
                            .bias_n = a->bias_m ? 0 : a->bias, .bias_m = a->bias_m ? a->bias : 0}};
    if (how == 0) g.from_a.p = s.a, g.from_a.line = s.a_m, g.from_a.k = s.a_k;
    if (how == 0) g.from_b.p = s.b, g.from_b.line = s.b_n, g.from_b.k = s.b_k;
    if (how == 2 && a->a_k == 1) g.a = (gemm_a_f32){s.a, a->a_m, GEMM_A_ROWS};
    else if (how == 2 && a->a_m == 1) g.a = (gemm_a_f32){s.a, a->a_k, GEMM_A_COLUMNS};
    if (how == 2 && a->b_n == 1) g.b = (gemm_b_f32){s.b, a->b_k};
    if (a->packed_b && INTERNAL(packed_is_mine)(a->packed_b, a)) g.packed_b = (const float *)((const gemm_packed *)a->packed_b + 1);
    else g.packed_tiles = a->packed_b;
    return INTERNAL(gemm_run_f32)(&g);
}
API int64_t tiles_prepack(const udl_matmul_args *a, void *to) { return INTERNAL(prepack)(a, to); }
API int tiles_conv2d(const udl_conv2d_args *a) { return KERNEL(conv2d)(a); }
API int tiles_conv2d_backward_input(const udl_conv2d_backward_input_args *a) { return KERNEL(conv2d_backward_input)(a); }
API int tiles_conv2d_backward_weight(const udl_conv2d_backward_weight_args *a) { return KERNEL(conv2d_backward_weight)(a); }
API int tiles_precision(int p) { return udl_set_float32_precision(p); }
API int tiles_threads(int n) { return udl_set_num_threads(n); }

/* one TDPBF16PS: c += a b, tiles of 1 KiB in memory; without a configuration if there is to be none */
API void tiles_dp(float *c, const uint16_t *a, const uint16_t *b, int configured) {
    if (configured) t_config();
    t_load(0, c);
    t_load(1, a);
    t_load(2, b);
    t_dp(0, 1, 2);
    t_store(0, c, 64);
    t_release();
}
