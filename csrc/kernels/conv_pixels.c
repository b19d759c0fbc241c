/* conv_pixels.c - 3 x 3 filters over few pixels of bf16 images: y[pixel, filter] = im2col[pixel, k] w[k, filter].
 *
 * Elsewhere pixels lie on the vector axis, of which 49 fill three vectors and begin a fourth; here filters do, and pixels are the rows,
 * by the dozen. Elements are pairs of bf16 numbers (csrc/tiles/pairs.h), k = (tap, pair of channels): a vector of pairs is turned, so that
 * the channels of a pixel are neighbours, and copied to the nine rows of im2col that see the pixel. A task owns a panel of filters, which
 * it makes itself where they are not ready, and goes through k in blocks that stay in L1. Whether filters are made ready for it is told by
 * the size of the image, not by how many there are.
 * Floor: 2 N P Q O C 9 flops; the filters from memory. */
#include "conv_pixels.h"
#if GEMM_MATRIX_UNIT
#include "columns.h"
#include "winograd.h"

enum { V = VW32, NR = GEMM_NV * VW32, KC = 256, BLOCK = 256, PLANE = 256, MOST = 1024, TAPS = 9 };

int INTERNAL(conv_pixels_fits)(const udl_conv *g, i64 G) {
    return G == 1 && g->R == 3 && g->S == 3 && g->C % (2 * V) == 0 && g->O >= NR && g->H * g->W >= 4 && g->P * g->Q <= PLANE;
}
int INTERNAL(conv_pixels_pays)(const udl_conv *g, i64 N, i64 G) {
    return INTERNAL(conv_pixels_fits)(g, G) && (udl_batch_invariant() || N * g->P * g->Q <= MOST);
}
i64 INTERNAL(conv_pixels_packed)(const udl_conv *g) { return TAPS * g->C / 2 * wino_up(g->O); }

/* ---- filters: panels of `wide` from o on, [tap, pair of channels][wide] ----------------------------------------------------------- */
static i64 width_at(const udl_conv *g, i64 o) { return UDL_MINI(NR, wino_up(g->O) - o); }
static void pack_panel(const udl_conv *g, const float *w, i64 o, float *to) {
    const i64 wide = width_at(g, o), pairs = g->C / 2;
    for (i64 v = 0; v < wide; v += V) {
        const float *row[V];
        for (i64 r = 0; r < V; r++) row[r] = w + UDL_MINI(o + v + r, g->O - 1) * g->K;
        for (i64 c = 0; c < pairs; c++) {
            vf32 low[TAPS], high[TAPS];
            wino_taps(row, 0, low);
            for (i64 r = 0; r < V; r++) row[r] += TAPS;
            wino_taps(row, 0, high);
            for (i64 r = 0; r < V; r++) __builtin_prefetch(row[r] + 16 * TAPS), row[r] += TAPS;
            _Pragma("GCC unroll 9") for (int t = 0; t < TAPS; t++) v_store(to + (t * pairs + c) * wide + v, zip_bf16(low[t], high[t]));
        }
    }
}
typedef struct { const udl_conv *g; const float *w; float *to; } packing;
static void pack_task(void *ctx, i64 begin, i64 end) {
    const packing *p = ctx;
    for (i64 t = begin; t < end; t++) pack_panel(p->g, p->w, t * NR, p->to + t * NR * TAPS * p->g->C / 2);
}
void INTERNAL(conv_pixels_pack)(const udl_conv *g, const float *w, float *to) {
    udl_parallel_for(UDL_CEIL_DIV(g->O, NR), 1, pack_task, &(packing){g, w, to});
}

/* ---- images ----------------------------------------------------------------------------------------------------------------- */
typedef struct {
    const udl_conv *g;
    i64 N;
    const uint16_t *x; /* [image][channel][pixel] */
    const float *w, *ready, *bias;
    float *rows; /* [pixel of the result][tap][pair of channels] */
    uint16_t *y;
    int act, failed;
    gemm_block_fn_f32 block;
} job;

/* to[pixel][V pairs of channels] of an image's n pixels from x on */
static void turn(const uint16_t *x, i64 n, float *to) {
    const uint16_t *low[V], *high[V];
    for (i64 p = 0; p < n; p += 4) { /* the last four move back over pixels that are done */
        const i64 at = UDL_MINI(p, n - 4);
        vf32 a[4], b[4];
        for (i64 r = 0; r < V; r++) low[r] = x + 2 * r * n + at, high[r] = low[r] + n;
        wino_columns_bf16(low, a), wino_columns_bf16(high, b);
        _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++) v_store(to + (at + e) * V, (vf32)((vu32)a[e] >> 16 | (vu32)b[e]));
    }
}
static void rows_task(void *ctx, i64 begin, i64 end) { /* task = (image, vector of pairs) */
    job *j = ctx;
    const udl_conv *g = j->g;
    const i64 HW = g->H * g->W, pairs = g->C / 2, vectors = pairs / V;
    const size_t bytes = sizeof(float) * (size_t)(HW * V);
    float *turned = udl_alloc(bytes);
    const int streams = udl_streams_to_others();
    if (!turned) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        float *to = j->rows + t / vectors * g->P * g->Q * TAPS * pairs + t % vectors * V;
        turn(j->x + t * 2 * V * HW, HW, turned);
        for (i64 p = 0; p < g->P; p++)
            for (i64 q = 0; q < g->Q; q++)
                for (int k = 0; k < TAPS; k++, to += pairs) {
                    const i64 h = p * g->stride_h - g->pad_h + k / 3 * g->dil_h, w = q * g->stride_w - g->pad_w + k % 3 * g->dil_w;
                    const int inside = h >= 0 && h < g->H && w >= 0 && w < g->W;
                    const vf32 x = inside ? v_load(turned + (h * g->W + w) * V) : (vf32){0};
                    if (streams) v_stream(to, x);
                    else v_store(to, x);
                }
    }
    if (streams) v_stream_end();
    udl_free(turned, bytes);
}

/* ---- products --------------------------------------------------------------------------------------------------------------- */
/* sums[pixel][NR] of n filters whose panel is `wide`, for `pixels` rows; cold: what is read of filters lies in memory as yet */
static void products(const job *j, const float *rows, i64 pixels, i64 o, i64 n, const float *panel, int cold, float *sums) {
    const i64 K = TAPS * j->g->C / 2, wide = width_at(j->g, o);
    for (i64 k = 0; k < K; k += KC) {
        const i64 kc = UDL_MINI(KC, K - k);
        gemm_epilogue_f32 e = {.alpha = 1, .add = k > 0};
        if (k + kc == K) e.bias_n = j->bias ? j->bias + o : 0, e.act = j->act;
        if (cold) e.soon = panel + (k + kc) * wide;
        j->block(pixels, n, kc, (gemm_a_f32){rows + k, K, GEMM_A_ROWS}, (gemm_b_f32){panel + k * wide, 0}, sums, NR, &e);
    }
}

static void panels_task(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_conv *g = j->g;
    const i64 pixels = j->N * g->P * g->Q, PQ = g->P * g->Q, K = TAPS * g->C / 2, most = UDL_MINI(pixels, BLOCK);
    const size_t bytes = sizeof(float) * (size_t)(most * NR + (j->ready ? 0 : K * NR));
    float *sums = udl_alloc(bytes), *own = sums + most * NR;
    if (!sums) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const i64 o = t * NR, n = UDL_MINI(NR, g->O - o);
        const float *panel = j->ready ? j->ready + o * K : own;
        if (!j->ready) pack_panel(g, j->w, o, own);
        for (i64 first = 0, count; first < pixels; first += count) {
            count = UDL_MINI(most, pixels - first);
            products(j, j->rows + first * K, count, o, n, panel, j->ready && !first && o + NR < g->O, sums);
            for (i64 i = first; i < first + count; i++) {
                uint16_t half[NR], *to = j->y + (i / PQ * g->O + o) * PQ + i % PQ;
                h_narrow_row(half, sums + (i - first) * NR, n);
                for (i64 r = 0; r < n; r++) to[r * PQ] = half[r];
            }
        }
    }
    udl_free(sums, bytes);
}

static int some_images(job *j) {
    const udl_conv *g = j->g;
    const i64 pixels = j->N * g->P * g->Q, pairs = g->C / 2;
    const size_t bytes = sizeof(float) * (size_t)(pixels * TAPS * pairs);
    if (!(j->rows = udl_alloc(bytes))) return UDL_ENOMEM;
    udl_parallel_for(j->N * pairs / V, UDL_MAXI(1, 2048 / (TAPS * g->P * g->Q)), rows_task, j);
    if (!j->failed) udl_parallel_for(UDL_CEIL_DIV(g->O, NR), 1, panels_task, j);
    udl_free(j->rows, bytes);
    return j->failed ? UDL_ENOMEM : UDL_OK;
}

int INTERNAL(conv_pixels)(const udl_conv *g, i64 N, uint16_t *y, const uint16_t *x, const float *w, const float *ready, const float *bias,
                          int act, gemm_block_fn_f32 block) {
    const i64 most = UDL_MAXI(1, MOST / (g->P * g->Q));
    int status = UDL_OK;
    for (i64 n = 0; n < N && !status; n += most) {
        job j = {.g = g, .N = UDL_MINI(most, N - n), .x = x + n * g->C * g->H * g->W, .w = w, .ready = ready, .bias = bias,
                 .y = y + n * g->O * g->P * g->Q, .act = act, .block = block};
        status = some_images(&j);
    }
    return status;
}
#endif
