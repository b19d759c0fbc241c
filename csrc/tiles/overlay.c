/* overlay.c - which products go to tiles, and who is asked.
 *
 * The level amx is avx512's table of kernels with udl_matrix_unit filled in. The estimates are in cycles of one core; they
 * need only be right about which side is less. */
#include "pairs.h"

#if defined(UDL_TILES_FORCED)
int udl_tiles_forced = UDL_TILES_FORCED; /* tests: 1 = whatever the size, -1 = never */
static int forced(int choice) { return udl_tiles_forced ? udl_tiles_forced > 0 : choice; }
#else
static int forced(int choice) { return choice; }
#endif

/* FMA: 24 of 32 multiply-adds a cycle. Tiles: 16 cycles for 16 x 16 x 32, a quarter lost; 0.7 a number to pack, 0.3 to pack
 * for the FMA kernel; half a cycle to add a number to out in every block of k; buffers and two more starts of the pool. */
static int worth(i64 m, i64 n, i64 k, int products, int packed) {
    double mn = (double)m * (double)n, numbers = ((double)m + (packed ? 0 : (double)n)) * (double)k;
    double blocks = (double)(UDL_CEIL_DIV(m, LINES) * UDL_CEIL_DIV(n, LINES)) * (double)UDL_CEIL_DIV(k, STEP);
    double fma = mn * (double)k / 24 + 0.3 * numbers;
    double tiles = blocks * 16 * 1.25 * products + 0.7 * numbers + 0.5 * mn * (double)UDL_CEIL_DIV(k, 256) + 8000;
    return tiles < 0.9 * fma;
}

tile_source INTERNAL(tiles_source_a)(const gemm_job_f32 *g) {
    tile_source s = {.is_a = 1, .pack = g->pack_a, .ctx = g->ctx, .first_k = g->first_k};
    if (g->from_a.p) s.p = g->from_a.p, s.line_stride = g->from_a.line, s.k_stride = g->from_a.k;
    else if (g->a.kind == GEMM_A_ROWS) s.p = g->a.p, s.line_stride = g->a.stride, s.k_stride = 1;
    else if (g->a.kind == GEMM_A_COLUMNS) s.p = g->a.p, s.line_stride = 1, s.k_stride = g->a.stride;
    return s;
}
tile_source INTERNAL(tiles_source_b)(const gemm_job_f32 *g) {
    tile_source s = {.pack = g->pack_b, .ctx = g->ctx, .first_k = g->first_k};
    if (g->from_b.p) s.p = g->from_b.p, s.line_stride = g->from_b.line, s.k_stride = g->from_b.k;
    else if (g->b.stride) s.p = g->b.p, s.line_stride = 1, s.k_stride = g->b.stride;
    return s;
}

static int amx_gemm(const void *job, int *status) {
    const gemm_job_f32 *g = job;
    int parts = g->low ? 1 : 3 - udl_float32_precision();
    tile_job j = {.unit = &INTERNAL(tiles_amx), .m = g->m, .n = g->n, .k = g->k, .parts = parts, .a = INTERNAL(tiles_source_a)(g),
                  .b = INTERNAL(tiles_source_b)(g), .c = g->c, .ldc = g->ldc, .e = g->e, .g = g};
    if (INTERNAL(tiles_packed_is_mine)(g->packed_tiles, &j)) j.packed_b = g->packed_tiles;
    if (!forced(worth(g->m, g->n, g->k, parts * (parts + 1) / 2, j.packed_b != 0))) return 0;
    *status = INTERNAL(tiles_run)(&j);
    return 1;
}

static int64_t amx_prepack(const udl_matmul_args *a, void *to) {
    if (a->dtype != UDL_F32) return 0;
    tile_job j = {.n = a->n, .k = a->k, .parts = 3 - udl_float32_precision(),
                  .b = {.p = a->b, .line_stride = a->b_n, .k_stride = a->b_k}};
    return INTERNAL(tiles_prepack)(&j, to);
}

/* ---- bf16 tensors ------------------------------------------------------------------------------------------------------- */
static tile_source bf16_source(const void *p, i64 at, i64 line, i64 k, int is_float, int is_a) {
    return (tile_source){.p = (const char *)p + at * (is_float ? 4 : 2), .line_stride = line, .k_stride = k, .is_a = is_a,
                         .is_bf16 = !is_float, .plain = 1};
}

static int bf16(const udl_matmul_args *a, i64 b, int *status) {
    i64 length = a->bias_m ? a->m : a->n, at = b * a->o_batch;
    if (a->k <= 0) return 0;
    const int in_place = a->wide & UDL_WIDE_OUT, own_bias = a->bias && !(a->wide & UDL_WIDE_BIAS);
    tile_job j = {.unit = &INTERNAL(tiles_amx), .m = a->m, .n = a->n, .k = a->k, .parts = 1, .ldc = a->ldo,
                  .a = bf16_source(a->a, b * a->a_batch, a->a_m, a->a_k, a->wide & UDL_WIDE_A, 1),
                  .b = bf16_source(a->b, b * a->b_batch, a->b_n, a->b_k, a->wide & UDL_WIDE_B, 0),
                  .c = in_place ? (float *)a->out + at : 0, .c16 = in_place ? 0 : (uint16_t *)a->out + at,
                  .residual16 = a->residual && !in_place ? (const uint16_t *)a->residual + at : 0,
                  .e = {.alpha = (float)a->alpha, .add = a->beta != 0, .act = (int)a->act,
                        .residual = a->residual && in_place ? (const float *)a->residual + at : 0}};
    size_t bytes = (size_t)length * sizeof(float);
    float *widened = own_bias ? udl_alloc(bytes) : 0;
    *status = UDL_ENOMEM;
    if (own_bias && !widened) return 1;
    for (i64 i = 0; widened && i < length; i++) {
        uint32_t u = (uint32_t)((const uint16_t *)a->bias)[i] << 16;
        memcpy(widened + i, &u, 4);
    }
    const float *bias = widened ? widened : a->bias;
    if (a->bias_m) j.e.bias_m = bias;
    else j.e.bias_n = bias;
    *status = INTERNAL(tiles_run)(&j);
    if (widened) udl_free(widened, bytes);
    return 1;
}

/* Without the unit bf16 is widened first, at some cost: one row is what it has no gain for. */
static int amx_bf16(const udl_matmul_args *a, int64_t b, int *status) {
    if (!forced(a->m > 1 && a->n > 1 && (double)a->m * (double)a->n * (double)a->k > 32768)) return 0;
    return bf16(a, b, status);
}

void udl_overlay_amx(void);
void udl_overlay_amx(void) { udl_matrix_unit = (udl_engine){"AMX-BF16", amx_gemm, amx_bf16, amx_prepack, 512, 1, 0}; }
void udl_overlay_avx512_bf16(void);
void udl_overlay_avx512_bf16(void) {
    udl_matrix_unit = (udl_engine){"AVX512-BF16", INTERNAL(pairs_gemm), INTERNAL(pairs_bf16), INTERNAL(pairs_prepack), 0, 0,
                                   (void (*)(void))INTERNAL(pairs_block)};
}
