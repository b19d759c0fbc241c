/* winograd_weight.c - the gradient of 3 x 3 filters by the algorithm of winograd.h, read backwards:
 *
 *     gw[o, c] = G^T (sum over tiles of (A gy[o] A^T) . (B^T x[c] B)) G
 *
 * As many tiles at a time as fit the L3 are transformed, then 36 products of channels x tiles x filters are added up. */
#include "winograd_6x6.h"

enum { V = VW32, NR = GEMM_NV * VW32, MOST_BYTES = 6 << 20, GRAIN = 24, C_BLOCK = 64 };

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
        wino6_a(d, q);
        _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) v_store(strip + (4 * n * i + k) * V, q[i]);
    }
    for (i64 k = 0; k < n; k++, y += w)
        for (int i = 0; i < 6; i++) {
            vf32 d[4], q[6];
            _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++) d[e] = v_load(strip + (4 * n * i + 4 * k + e) * V);
            wino6_a(d, q);
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
            const float *gy = conv_at(j->gy.x, j->gy.half, image * j->gy.image);
            INTERNAL(wino_strip)(&j->gy, gy, o, at / j->gy.across * 4, tx * 4, 4, 4 * run, strip);
            read_gy(strip, run, j->y + panel * j->tiles + t * w + o - panel, j->y_point, w);
        }
    }
    udl_free(strip, bytes);
}

/* s[point, channel, filter] of c channels and w filters -> gw at `to`; n filters are real */
static vf32 write_filters(const float *s, i64 point, i64 c, i64 w, i64 v, float *to, i64 K, i64 n) {
    vf32 seen = {0};
    for (i64 k = 0; k < c; k++, to += 9) {
        vf32 h[6][3], g[9];
        _Pragma("GCC unroll 6") for (int a = 0; a < 6; a++) {
            vf32 u[6];
            _Pragma("GCC unroll 6") for (int b = 0; b < 6; b++)
                u[b] = v_load(s + (6 * a + b) * point + k * w + v) * wino6_scale(a, b);
            wino6_gt(u, h[a]);
        }
        _Pragma("GCC unroll 3") for (int t = 0; t < 3; t++) {
            vf32 u[6] = {h[0][t], h[1][t], h[2][t], h[3][t], h[4][t], h[5][t]}, r[3];
            wino6_gt(u, r);
            _Pragma("GCC unroll 3") for (int i = 0; i < 3; i++) g[3 * i + t] = r[i], seen += r[i] * 0;
        }
        rows_f32(g, to, K, n);
        rows_f32(g + 5, to + 5, K, n);
        for (i64 r = 0; r < n; r++) to[r * K + 4] = g[4][r];
    }
    return seen;
}

/* ---- few filters: the sums of all stay, tasks own points -------------------------------------------------------------- */
static void points_task(void *ctx, i64 begin, i64 end) {
    const weight_job *j = ctx;
    gemm_epilogue_f32 e = {.alpha = 1, .add = j->first != 0, .chunk = WINO_CHUNK};
    for (i64 i = begin; i < end; i++) {
        gemm_a_f32 a = {j->v + i * j->v_point, j->v_tile, GEMM_A_COLUMNS};
        gemm_b_f32 b = {j->y + i * j->y_point, 0};
        INTERNAL(gemm_block_f32)(j->x.C, j->o8, j->tiles, a, b, j->s + i * j->s_point, j->o8, &e);
    }
}

static void write_task(void *ctx, i64 begin, i64 end) { /* vectors of filters */
    weight_job *j = ctx;
    i64 K = 9 * j->x.C;
    for (i64 t = begin, o = t * V; t < end; t++, o += V) {
        vf32 seen = write_filters(j->s, j->s_point, j->x.C, j->o8, o, j->gw + o * K, K, UDL_MINI(V, j->gy.C - o));
        if (v_sum(seen) != 0) __atomic_store_n(&j->bad, 1, __ATOMIC_RELAXED); /* NaN is not 0 */
    }
}

/* ---- many: tasks own C_BLOCK channels and a panel of filters, all points ------------------------------------------------- */
static void filters_task(void *ctx, i64 begin, i64 end) {
    weight_job *j = ctx;
    i64 C = j->x.C, K = 9 * C, blocks = UDL_CEIL_DIV(C, C_BLOCK), point = C_BLOCK * NR + APART;
    size_t bytes = sizeof(float) * (size_t)(36 * point);
    float *s = udl_alloc(bytes);
    if (!s) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        i64 o = t / blocks * NR, w = UDL_MINI(NR, j->o8 - o), c = t % blocks * C_BLOCK, n = UDL_MINI(C_BLOCK, C - c);
        gemm_epilogue_f32 e = {.alpha = 1, .chunk = WINO_CHUNK};
        for (i64 i = 0; i < WINO_POINTS; i++)
            for (i64 k = 0, kc; k < j->tiles; k += kc) {
                kc = UDL_MINI(j->tiles - k, 256);
                gemm_a_f32 a = {j->v + i * j->v_point + k * j->v_tile + c, j->v_tile, GEMM_A_COLUMNS};
                gemm_b_f32 b = {j->y + i * j->y_point + o * j->tiles + k * w, 0};
                e.add = k > 0;
                INTERNAL(gemm_block_f32)(n, w, kc, a, b, s + i * point, w, &e);
            }
        for (i64 v = 0; v < w; v += V) {
            i64 real = UDL_MINI(V, j->gy.C - o - v);
            vf32 seen = write_filters(s, point, n, w, v, j->gw + (o + v) * K + 9 * c, K, real);
            if (v_sum(seen) != 0) __atomic_store_n(&j->bad, 1, __ATOMIC_RELAXED);
        }
    }
    udl_free(s, bytes);
}

/* ---- the choice: cycles from the shape, with two whole multiply-adds a cycle, scaled to vectors of 8 ------------------ */
static double up(i64 n) { return (double)wino_up(n); }
static double all_tiles(const udl_conv *g, i64 N) { return (double)(N * UDL_CEIL_DIV(g->P, 4) * UDL_CEIL_DIV(g->Q, 4)); }
static double products_cycles(const udl_conv *g, double tiles) {
    return tiles * 36 * (double)g->C * up(g->O) / (2 * V) * 1.25;
}
static double direct_cycles(const udl_conv *g, i64 N) {
    return (double)(N * g->P * g->Q) * (double)g->O * (double)g->K / (2 * V) * 1.4;
}

int INTERNAL(wino_pays_weight)(const udl_conv *g, i64 N) {
    if (!INTERNAL(wino_fits)(g) || (N * g->P * g->Q < 1000 && !g->half)) return 0; /* shorter sums round less pixel by pixel */
    double t = all_tiles(g, N), filters = up(g->O) / V * (double)g->C * 150, transforms = t * (up(g->C) + up(g->O)) / V * 250;
    double all = products_cycles(g, t) * (1 + 6. / t) + filters + transforms + 144. * up(g->C) * t * (0.25 + up(g->O) / NR / 20) + 20000;
    return all < (g->low ? 0.6 : 0.9) * direct_cycles(g, N);
}

static int weight(const udl_conv *g, i64 N, float *gw, const float *gy, i64 gy_image, const float *x, i64 x_image, char *bad) {
    weight_job j = {.x = INTERNAL(wino_input)(g, x, x_image), .o8 = wino_up(g->O), .gw = gw};
    i64 c8 = wino_up(g->C), tiles = N * j.x.per_image, most = UDL_MAXI(48, MOST_BYTES / (36 * 4) / (c8 + j.o8));
    int at_once = g->C * g->O > 128 * 128 && tiles * (c8 + j.o8) * 36 * 4 <= 4 * MOST_BYTES;
    j.gy = (wino_image){.x = gy, .image = gy_image, .across = j.x.across, .per_image = j.x.per_image, .C = g->O, .H = g->P,
                        .W = g->Q, .half = g->half, .rows = g->P, .columns = g->Q};
    j.block = at_once ? tiles : UDL_CEIL_DIV(tiles, UDL_CEIL_DIV(tiles, UDL_MINI(most, 256)));
    j.v_tile = c8 + APART, j.v_point = j.block * j.v_tile + APART, j.y_point = j.block * j.o8 + APART;
    j.s_point = at_once ? 0 : g->C * j.o8 + APART;
    size_t bytes = sizeof(float) * (size_t)(36 * (j.v_point + j.y_point + j.s_point));
    if (!(j.v = udl_alloc(bytes))) return UDL_ENOMEM;
    j.y = j.v + 36 * j.v_point;
    j.s = j.y + 36 * j.y_point;
    for (; j.first < tiles && !j.failed; j.first += j.block) {
        j.tiles = UDL_MINI(j.block, tiles - j.first);
        udl_parallel_for(j.tiles, UDL_MAXI(1, UDL_MINI(GRAIN, 4096 / (c8 + j.o8))), read_task, &j);
        if (at_once) udl_parallel_for(UDL_CEIL_DIV(j.o8, NR) * UDL_CEIL_DIV(g->C, C_BLOCK), 1, filters_task, &j);
        else udl_parallel_for(36, 1, points_task, &j);
    }
    if (!at_once) udl_parallel_for(j.o8 / V, UDL_MAXI(1, 1024 / g->C), write_task, &j);
    udl_free(j.v, bytes);
    *bad |= (char)j.bad;
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

int INTERNAL(wino_weight)(const udl_conv *g, i64 N, i64 G, float *gw, const float *gy, const float *x, char *bad) {
    i64 X = g->C * g->H * g->W, Y = g->O * g->P * g->Q;
    int status = UDL_OK;
    for (i64 i = 0; i < G && !status; i++)
        status = weight(g, N, gw + i * g->O * g->K, conv_at(gy, g->half, i * Y), G * Y, conv_at(x, g->half, i * X), G * X, bad);
    return status;
}
