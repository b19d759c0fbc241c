/* pairs.c - which products go to pairs (pairs.h), and the jobs they become. */
#include "pairs.h"
#include "../vec/bf16.h"

enum { IN_PLACE_PANELS = 16 }; /* so few panels of B read each row of A that a copy would not pay */

static i64 block_of_k(i64 pairs) { /* blocks of one size */
    i64 blocks = UDL_CEIL_DIV(pairs, (i64)PAIRS_KC);
    return UDL_CEIL_DIV(UDL_CEIL_DIV(pairs, blocks), 8) * 8;
}

static gemm_job_f32 job_of(const pair_operands *o, i64 m, i64 n) {
    i64 pairs = UDL_CEIL_DIV(o->k, 2);
    gemm_job_f32 g = {.m = m, .n = n, .k = pairs, .kc = block_of_k(pairs), .ctx = o, .pack_a = INTERNAL(pairs_pack_a),
                      .pack_b = INTERNAL(pairs_pack_b), .block = INTERNAL(pairs_block)};
    const tile_source *a = &o->a;
    if (a->p && a->is_bf16 && a->k_stride == 1 && a->line_stride % 2 == 0 && o->k % 2 == 0 && n <= IN_PLACE_PANELS * GEMM_NV * VW32)
        g.a = (gemm_a_f32){(const float *)a->p, a->line_stride / 2, GEMM_A_ROWS};
    return g;
}

/* ---- float32 jobs that may be rounded -------------------------------------------------------------------------------------- */
int INTERNAL(pairs_gemm)(const void *job, int *status) {
    const gemm_job_f32 *g = job;
    if (!g->low && udl_float32_precision() != UDL_MEDIUM) return 0;
    if (g->packed_b || (double)g->m * (double)g->n * (double)g->k < 65536) return 0;
    pair_operands o = {INTERNAL(tiles_source_a)(g), INTERNAL(tiles_source_b)(g), g->k};
    gemm_job_f32 p = job_of(&o, g->m, g->n);
    p.c = g->c, p.ldc = g->ldc, p.e = g->e;
    *status = INTERNAL(gemm_run_f32)(&p);
    return 1;
}

/* ---- bf16 matmul ------------------------------------------------------------------------------------------------------------- */
static tile_source side(const void *p, i64 batch, i64 line, i64 k, int is_float, int is_a) {
    return (tile_source){.p = (const char *)p + batch * (is_float ? 4 : 2), .line_stride = line, .k_stride = k,
                         .is_bf16 = !is_float, .is_a = is_a};
}

/* ---- B packed once for many products (kernels/gemm_prepack.c): a header, then the panels of each block of k -------------------- */
int INTERNAL(pairs_packed_is_mine)(const void *packed, const udl_matmul_args *a) {
    const gemm_packed *p = packed;
    return p && p->maker == (int64_t)(intptr_t)INTERNAL(pairs_block) && p->n == a->n && p->k == a->k;
}

typedef struct { const pair_operands *o; float *to; i64 kc, n, strips; } prepacking;
static void prepack_task(void *ctx, i64 begin, i64 end) { /* a piece: a panel of a block of k */
    const prepacking *w = ctx;
    const i64 nr = GEMM_NV * VW32, pairs = UDL_CEIL_DIV(w->o->k, 2);
    for (i64 t = begin; t < end; t++) {
        i64 k = t / w->strips * w->kc, n = t % w->strips * nr, kc = UDL_MINI(w->kc, pairs - k);
        INTERNAL(pairs_pack_b)(w->o, w->to + k * w->strips * nr + n * kc, n, UDL_MINI(nr, w->n - n), k, kc);
    }
}

int64_t INTERNAL(pairs_prepack)(const udl_matmul_args *a, void *to) {
    if (a->dtype != UDL_BF16) return 0;
    const i64 nr = GEMM_NV * VW32, strips = UDL_CEIL_DIV(a->n, nr), pairs = UDL_CEIL_DIV(a->k, 2), kc = block_of_k(pairs);
    if (to) {
        gemm_packed *head = to;
        *head = (gemm_packed){.maker = (int64_t)(intptr_t)INTERNAL(pairs_block), .n = a->n, .k = a->k};
        pair_operands o = {.b = side(a->b, 0, a->b_n, a->b_k, a->wide & UDL_WIDE_B, 0), .k = a->k};
        prepacking w = {&o, (float *)(head + 1), kc, a->n, strips};
        udl_parallel_for(strips * UDL_CEIL_DIV(pairs, kc), UDL_MAXI(1, 65536 / (kc * nr)), prepack_task, &w);
    }
    return (int64_t)sizeof(gemm_packed) + strips * nr * pairs * (int64_t)sizeof(float);
}

int INTERNAL(pairs_bf16)(const udl_matmul_args *a, int64_t b, int *status) {
    if (a->k <= 0) return 0;
    pair_operands o = {side(a->a, b * a->a_batch, a->a_m, a->a_k, a->wide & UDL_WIDE_A, 1),
                       side(a->b, b * a->b_batch, a->b_n, a->b_k, a->wide & UDL_WIDE_B, 0), a->k};
    gemm_job_f32 g = job_of(&o, a->m, a->n);
    if (INTERNAL(pairs_packed_is_mine)(a->packed_b, a)) g.packed_b = (const float *)((const gemm_packed *)a->packed_b + 1);
    i64 length = a->bias_m ? a->m : a->n;
    size_t bias_bytes = a->bias && !(a->wide & UDL_WIDE_BIAS) ? (size_t)length * sizeof(float) : 0, sums_bytes = 0;
    float *bias = bias_bytes ? udl_alloc(bias_bytes) : 0, *sums = 0;
    *status = UDL_ENOMEM;
    if (bias_bytes && !bias) return 1;
    if (bias) h_widen_row(bias, a->bias, length);
    const float *given = bias ? bias : a->bias;
    g.e = (gemm_epilogue_f32){.alpha = (float)a->alpha, .act = (int)a->act, .bias_m = a->bias_m ? given : 0,
                              .bias_n = a->bias_m ? 0 : given};
    if (a->wide & UDL_WIDE_OUT) {
        g.c = (float *)a->out + b * a->o_batch, g.ldc = a->ldo, g.e.add = a->beta != 0;
        g.e.residual = a->residual ? (const float *)a->residual + b * a->o_batch : 0;
    } else {
        g.e.out16 = (uint16_t *)a->out + b * a->o_batch, g.e.ld16 = a->ldo, g.e.add16 = a->beta != 0;
        g.e.residual16 = a->residual ? (const uint16_t *)a->residual + b * a->o_batch : 0;
        if (g.kc < g.k) sums_bytes = (size_t)(a->m * a->n) * sizeof(float); /* of the blocks of k */
        g.c = sums = sums_bytes ? udl_alloc(sums_bytes) : 0, g.ldc = a->n;
    }
    if (!sums_bytes || sums) *status = INTERNAL(gemm_run_f32)(&g);
    if (sums) udl_free(sums, sums_bytes);
    if (bias) udl_free(bias, bias_bytes);
    return 1;
}
