/* winograd_weight.c - the gradient of 3 x 3 filters by the algorithm of winograd.h, read backwards:
 *
 *     gw[o, c] = G^T (sum over tiles of (A gy[o] A^T) . (B^T x[c] B)) G
 *
 * As many tiles at a time as fit the L3 are transformed, then 36 products of channels x tiles x filters added to the sums. */
#include "winograd.h"

enum { V = VW32, NR = GEMM_NV * VW32, MOST_BYTES = 6 << 20, GRAIN = 24 };

typedef struct {
    wino_image x, gy;
    i64 o8, first, tiles, block;           /* of a round: tiles first.. + tiles; block: most of a round */
    i64 v_tile, v_point, y_point, s_point; /* v[point, tile, channel]; y[point, panel, tile, filter]; s[point, channel, filter] */
    float *v, *y, *s, *gw;
    int failed, bad;
} weight_job;

/* A gy A^T of n tiles: strip has 4 rows of 4 n columns, and room for 6; w: filters in a panel */
static void read_gy(float *strip, i64 n, float *y, i64 point, i64 w) {
    for (i64 k = 0; k < 4 * n; k++) {
        vf32 d[4], q[6];
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) d[i] = v_load(strip + (4 * n * i + k) * V);
        wino_a(d, q);
        _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) v_store(strip + (4 * n * i + k) * V, q[i]);
    }
    for (i64 k = 0; k < n; k++, y += w)
        for (int i = 0; i < 6; i++) {
            vf32 d[4], q[6];
            _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++) d[e] = v_load(strip + (4 * n * i + 4 * k + e) * V);
            wino_a(d, q);
            _Pragma("GCC unroll 6") for (int e = 0; e < 6; e++) v_store(y + (6 * i + e) * point, q[e]);
        }
}

static void read_task(void *ctx, i64 begin, i64 end) { /* tiles of the round */
    weight_job *j = ctx;
    size_t bytes = sizeof(float) * (size_t)(6 * (4 * UDL_MINI(end - begin, j->x.across) + 2) * V);
    float *strip = udl_alloc(bytes);
    if (!strip) { j->failed = 1; return; }
    INTERNAL(wino_read)(&j->x, j->v + begin * j->v_tile, j->v_point, j->v_tile, j->first + begin, j->first + end, strip);
    for (i64 t = begin, run; t < end; t += run) {
        i64 image = (j->first + t) / j->gy.per_image, at = (j->first + t) % j->gy.per_image, tx = at % j->gy.across;
        run = UDL_MINI(j->gy.across - tx, end - t);
        for (i64 o = 0; o < j->gy.C; o += V) {
            i64 panel = o / NR * NR, w = UDL_MINI(NR, j->o8 - panel);
            INTERNAL(wino_strip)(&j->gy, j->gy.x + image * j->gy.image, o, at / j->gy.across * 4, tx * 4, 4, 4 * run, strip);
            read_gy(strip, run, j->y + panel * j->tiles + t * w + o - panel, j->y_point, w);
        }
    }
    udl_free(strip, bytes);
}

static void products_task(void *ctx, i64 begin, i64 end) { /* points */
    const weight_job *j = ctx;
    gemm_epilogue_f32 e = {.alpha = 1, .add = j->first != 0};
    for (i64 i = begin; i < end; i++) {
        gemm_a_f32 a = {j->v + i * j->v_point, j->v_tile, GEMM_A_COLUMNS};
        gemm_b_f32 b = {j->y + i * j->y_point, 0};
        INTERNAL(gemm_block_f32)(j->x.C, j->o8, j->tiles, a, b, j->s + i * j->s_point, j->o8, &e);
    }
}

static void write_task(void *ctx, i64 begin, i64 end) { /* vectors of filters */
    weight_job *j = ctx;
    i64 C = j->x.C, K = 9 * C;
    vf32 seen = {0};
    for (i64 t = begin, o = t * V; t < end; t++, o += V)
        for (i64 c = 0; c < C; c++) {
            vf32 h[6][3], g[9];
            _Pragma("GCC unroll 6") for (int a = 0; a < 6; a++) {
                vf32 u[6];
                _Pragma("GCC unroll 6") for (int b = 0; b < 6; b++)
                    u[b] = v_load(j->s + (6 * a + b) * j->s_point + c * j->o8 + o) * wino_scale(a, b);
                wino_gt(u, h[a]);
            }
            _Pragma("GCC unroll 3") for (int s = 0; s < 3; s++) {
                vf32 u[6] = {h[0][s], h[1][s], h[2][s], h[3][s], h[4][s], h[5][s]}, r[3];
                wino_gt(u, r);
                _Pragma("GCC unroll 3") for (int i = 0; i < 3; i++) g[3 * i + s] = r[i], seen += r[i] * 0;
            }
            i64 n = UDL_MINI(V, j->gy.C - o);
            float *to = j->gw + o * K + 9 * c;
            rows_f32(g, to, K, n);
            rows_f32(g + 5, to + 5, K, n);
            for (i64 r = 0; r < n; r++) to[r * K + 4] = g[4][r];
        }
    if (v_sum(seen) != 0) __atomic_store_n(&j->bad, 1, __ATOMIC_RELAXED); /* NaN is not 0 */
}

static int weight(const udl_conv *g, i64 N, float *gw, const float *gy, i64 gy_image, const float *x, i64 x_image, char *bad) {
    weight_job j = {.x = INTERNAL(wino_input)(g, x, x_image), .o8 = wino_up(g->O), .gw = gw};
    i64 c8 = wino_up(g->C), tiles = N * j.x.per_image, most = UDL_MAXI(48, MOST_BYTES / (36 * 4) / (c8 + j.o8));
    j.gy = (wino_image){.x = gy, .image = gy_image, .across = j.x.across, .per_image = j.x.per_image, .C = g->O, .H = g->P,
                        .W = g->Q, .rows = g->P, .columns = g->Q};
    j.block = UDL_CEIL_DIV(tiles, UDL_CEIL_DIV(tiles, UDL_MINI(most, 256)));
    /* 16 floats more here and there, so that what is used together lies in different sets of the caches */
    j.v_tile = c8 + 16, j.v_point = j.block * j.v_tile + 16, j.y_point = j.block * j.o8 + 16, j.s_point = g->C * j.o8 + 16;
    size_t bytes = sizeof(float) * (size_t)(36 * (j.v_point + j.y_point + j.s_point));
    if (!(j.v = udl_alloc(bytes))) return UDL_ENOMEM;
    j.y = j.v + 36 * j.v_point;
    j.s = j.y + 36 * j.y_point;
    for (; j.first < tiles; j.first += j.block) {
        j.tiles = UDL_MINI(j.block, tiles - j.first);
        udl_parallel_for(j.tiles, GRAIN, read_task, &j);
        udl_parallel_for(36, 1, products_task, &j);
    }
    udl_parallel_for(j.o8 / V, UDL_MAXI(1, 1024 / g->C), write_task, &j);
    udl_free(j.v, bytes);
    *bad |= (char)j.bad;
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

int INTERNAL(wino_weight)(const udl_conv *g, i64 N, i64 G, float *gw, const float *gy, const float *x, char *bad) {
    i64 X = g->C * g->H * g->W, Y = g->O * g->P * g->Q;
    int status = UDL_OK;
    for (i64 i = 0; i < G && !status; i++)
        status = weight(g, N, gw + i * g->O * g->K, gy + i * Y, G * Y, x + i * X, G * X, bad);
    return status;
}
