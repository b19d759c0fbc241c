/* winograd_6x6.c - the forward convolution in tiles of 6 x 6 (winograd.h): filters, then blocks of tiles, each in three steps
 * whose data stay in L2: transform the input (vectors of channels), 36 products of tiles x channels x filters, transform back. */
#include "winograd_6x6.h"

enum { V = VW32, NR = GEMM_NV * VW32 };

/* ---- filters ------------------------------------------------------------------------------------------------------- */
typedef struct { const udl_conv *g; const float *w; wino_filters f; float *u; i64 point, kc; } filter_job;

/* Channels c0..c1 of V filters from o on: u[point, c w]; those beyond the last repeat it. turned is constant. */
VFN void filter_vector(const filter_job *j, i64 o, i64 w, i64 c0, i64 c1, float *to, int turned) {
    const float *row[V];
    const i64 point = j->point, step = j->f.c;
    for (i64 r = 0; r < V; r++) row[r] = j->w + UDL_MINI(o + r, j->g->O - 1) * j->f.o + c0 * step;
    for (i64 c = c0; c < c1; c++, to += w) {
        vf32 t[9], h[3][6], u[6];
        wino_taps(row, turned, t);
        for (int r = 0; r < V; r++) __builtin_prefetch(row[r] + 16 * step), row[r] += step; /* weights are often cold */
        _Pragma("GCC unroll 3") for (int s = 0; s < 3; s++) {
            vf32 column[3] = {t[s], t[3 + s], t[6 + s]};
            wino6_g(column, h[s]);
        }
        _Pragma("GCC unroll 6") for (int a = 0; a < 6; a++) {
            vf32 taps[3] = {h[0][a], h[1][a], h[2][a]};
            wino6_g(taps, u);
            _Pragma("GCC unroll 6") for (int b = 0; b < 6; b++) v_store(to + (a * 6 + b) * point, u[b] * wino6_scale(a, b));
        }
    }
}

/* Channels c0..c1 of the panel of w filters from o on of every point's matrix [C][O] */
static void filter_panel(const filter_job *j, i64 o, i64 w, i64 c0, i64 c1, float *to) {
    for (i64 v = 0; v < w; v += V)
        if (j->f.turned) filter_vector(j, o + v, w, c0, c1, to + v, 1);
        else filter_vector(j, o + v, w, c0, c1, to + v, 0);
}

static void filters_task(void *ctx, i64 begin, i64 end) { /* task = (panel, block of channels) */
    const filter_job *j = ctx;
    i64 o8 = wino_up(j->g->O), blocks = UDL_CEIL_DIV(j->g->C, j->kc);
    for (i64 t = begin; t < end; t++) {
        i64 o = t / blocks * NR, c = t % blocks * j->kc, last = UDL_MINI(c + j->kc, j->g->C);
        filter_panel(j, o, UDL_MINI(NR, o8 - o), c, last, j->u + c * o8 + o * (last - c));
    }
}

/* ---- input --------------------------------------------------------------------------------------------------------- */
wino_image INTERNAL(wino_input)(const udl_conv *g, const float *x, i64 image) {
    wino_image in = {.x = x, .image = image, .across = UDL_CEIL_DIV(g->Q, WINO_OUT), .C = g->C, .H = g->H, .W = g->W,
                     .pad_h = g->pad_h, .pad_w = g->pad_w, .half = g->half};
    in.per_image = in.across * UDL_CEIL_DIV(g->P, WINO_OUT);
    in.rows = UDL_MINI(g->H, g->P + 2 - g->pad_h); /* not what lies beyond the last output: it would only round */
    in.columns = UDL_MINI(g->W, g->Q + 2 - g->pad_w);
    return in;
}

void INTERNAL(wino_strip)(const wino_image *in, const float *x, i64 c, i64 h, i64 w, int rows, i64 n, float *to) {
    i64 lo = UDL_MINI(UDL_MAXI(0, -w), n), hi = UDL_MAXI(UDL_MINI(n, in->columns - w), lo);
    for (int i = 0; i < rows; i++, h++, to += n * V) {
        if (h < 0 || h >= in->rows) {
            memset(to, 0, sizeof(float) * (size_t)(n * V));
            continue;
        }
        const float *row[V];
        const uint16_t *row16[V];
        for (i64 r = 0; r < V; r++) {
            i64 at = (UDL_MINI(c + r, in->C - 1) * in->H + h) * in->W + w;
            row[r] = x + at, row16[r] = (const uint16_t *)(const void *)x + at;
        }
        for (i64 k = 0; k < lo; k++) v_store(to + k * V, (vf32){0});
        if (hi - lo < 4)
            for (i64 k = lo; k < hi; k++)
                for (int r = 0; r < V; r++) to[k * V + r] = in->half ? h_one(row16[r][k]) : row[r][k];
        else
            for (i64 k = lo; k < hi; k += 4) {
                i64 at = UDL_MINI(k, hi - 4);
                vf32 q[4];
                if (in->half) {
                    const uint16_t *here[V];
                    for (int r = 0; r < V; r++) here[r] = row16[r] + at;
                    wino_columns_bf16(here, q);
                } else columns_f32(row, at, q);
                _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++) v_store(to + (at + e) * V, q[e]);
            }
        for (i64 k = hi; k < n; k++) v_store(to + k * V, (vf32){0});
    }
}

/* B^T of every column of the strip, in place; then of every six of its columns */
static void read_tiles(float *strip, i64 n, i64 tiles, float *v, i64 point, i64 tile) {
    for (i64 k = 0; k < n; k++) {
        vf32 d[6], q[6];
        _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) d[i] = v_load(strip + (i * n + k) * V);
        wino6_bt(d, q);
        _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) v_store(strip + (i * n + k) * V, q[i]);
    }
    for (i64 k = 0; k < tiles; k++, v += tile)
        for (int i = 0; i < 6; i++) {
            vf32 d[6], q[6];
            _Pragma("GCC unroll 6") for (int e = 0; e < 6; e++) d[e] = v_load(strip + (i * n + 4 * k + e) * V);
            wino6_bt(d, q);
            _Pragma("GCC unroll 6") for (int e = 0; e < 6; e++) v_store(v + (6 * i + e) * point, q[e]);
        }
}

void INTERNAL(wino_read)(const wino_image *in, float *v, i64 point, i64 tile, i64 first, i64 end, float *strip) {
    for (i64 t = first, run; t < end; t += run) {
        i64 at = t % in->per_image, ty = at / in->across, tx = at % in->across;
        run = UDL_MINI(in->across - tx, end - t);
        const float *x = conv_at(in->x, in->half, t / in->per_image * in->image);
        i64 n = 4 * run + 2;
        for (i64 c = 0; c < in->C; c += V) {
            INTERNAL(wino_strip)(in, x, c, 4 * ty - in->pad_h, 4 * tx - in->pad_w, 6, n, strip);
            read_tiles(strip, n, run, v + (t - first) * tile + c, point, tile);
        }
    }
}

/* ---- output -------------------------------------------------------------------------------------------------------- */
typedef struct {
    const udl_conv *g;
    wino_image in;
    const filter_job *filters;
    i64 tiles, y_image, block, kc, c8, o8, v_tile, v_point, m_tile, m_point, u_point;
    float *y, *u, *v;
    const float *bias;
    gemm_epilogue_f32 act;
    char *bad;
    int failed;
} wino;

/* 4 x 4 outputs of V filters from o on; what goes over the edges is dropped */
VFN void write_tile(const wino *j, const vf32 y[4][4], float *to, i64 o, i64 p, i64 q) {
    const udl_conv *g = j->g;
    i64 n = UDL_MINI(V, g->O - o), w = UDL_MINI(4, g->Q - q), h = UDL_MINI(4, g->P - p), PQ = g->P * g->Q;
    for (i64 i = 0; g->half && i < h; i++) {
        uint16_t t[V][4] __attribute__((aligned(64))), *row = (uint16_t *)(void *)to + i * g->Q;
        wino_rows_bf16(y[i], t);
        for (i64 r = 0; r < n; r++, row += PQ)
            if (w == 4) memcpy(row, t[r], sizeof t[r]);
            else for (i64 k = 0; k < w; k++) row[k] = t[r][k];
    }
    if (g->half) return;
    for (i64 i = 0; i < h; i++) {
        if (w == 4 && n == V) rows_f32(y[i], to + i * g->Q, PQ, V);
        else {
            float t[V * 4];
            rows_f32(y[i], t, 4, V);
            for (i64 r = 0; r < n; r++)
                for (i64 k = 0; k < w; k++) to[r * PQ + i * g->Q + k] = t[4 * r + k];
        }
    }
    if (j->act.act > UDL_ACT_RELU)
        for (i64 i = 0; i < h; i++)
            for (i64 r = 0; r < n; r++) {
                float t[V] = {0}, *at = to + r * PQ + i * g->Q;
                memcpy(t, at, sizeof(float) * (size_t)w);
                INTERNAL(gemm_finish_f32)(1, w, t, V, at, 0, &j->act);
            }
}

/* sums m[point, tile - first, filter] of filters o0..o1 -> y */
static void write_tiles(const wino *j, const float *m, i64 first, i64 end, i64 o0, i64 o1) {
    const udl_conv *g = j->g;
    for (i64 t = first; t < end; t++) {
        i64 image = t / j->in.per_image, at = t % j->in.per_image, p = at / j->in.across * 4, q = at % j->in.across * 4;
        vf32 seen = {0};
        for (i64 o = o0; o < o1; o += V) {
            const float *from = m + (t - first) * j->m_tile + (o - o0);
            vf32 h[6][4], y[4][4];
            _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) {
                vf32 s[6];
                _Pragma("GCC unroll 6") for (int e = 0; e < 6; e++) s[e] = v_load(from + (6 * i + e) * j->m_point);
                wino6_at(s, h[i]);
            }
            vf32 bias = {0};
            if (j->bias) bias = v_load_n(j->bias + o, (int)UDL_MINI(V, g->O - o));
            _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++) {
                vf32 s[6] = {h[0][k], h[1][k], h[2][k], h[3][k], h[4][k], h[5][k]}, r[4];
                wino6_at(s, r);
                _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
                    seen += r[i] * 0;
                    r[i] += bias;
                    y[i][k] = j->act.act == UDL_ACT_RELU ? v_sel(r[i] < 0, (vf32){0}, r[i]) : r[i];
                }
            }
            write_tile(j, y, conv_at(j->y, g->half, image * j->y_image + (o * g->P + p) * g->Q + q), o, p, q);
        }
        if (v_sum(seen) != 0) __atomic_store_n(&j->bad[image], 1, __ATOMIC_RELAXED); /* NaN is not 0 */
    }
}

/* ---- many tiles: filters once, tasks own tiles -------------------------------------------------------------------------- */
/* products of `tiles` tiles with w filters in panels from u on, a block of channels at a time: shorter sums round less */
static void products(const wino *j, i64 tiles, i64 w, i64 c0, i64 c1, const float *v, const float *u, i64 u_point, float *m) {
    gemm_epilogue_f32 e = {.alpha = 1, .add = c0 > 0, .chunk = WINO_CHUNK};
    for (i64 i = 0; i < WINO_POINTS; i++) {
        gemm_a_f32 a = {v + i * j->v_point + c0, j->v_tile, GEMM_A_ROWS};
        gemm_b_f32 b = {u + i * u_point, 0};
        INTERNAL(gemm_block_f32)(tiles, w, c1 - c0, a, b, m + i * j->m_point, j->m_tile, &e);
    }
}

static size_t strip_bytes(const wino *j, i64 tiles) {
    return sizeof(float) * (size_t)(6 * (4 * UDL_MINI(tiles, j->in.across) + 2) * V);
}

static void tiles_task(void *ctx, i64 begin, i64 end) {
    wino *j = ctx;
    i64 C = j->g->C;
    size_t strip = strip_bytes(j, j->block), vs = sizeof(float) * (size_t)(36 * j->v_point);
    size_t bytes = strip + vs + sizeof(float) * (size_t)(36 * j->m_point);
    float *v = udl_alloc(bytes), *m = v + 36 * j->v_point, *s = m + 36 * j->m_point;
    if (!v) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        i64 first = t * j->block, last = UDL_MINI(first + j->block, j->tiles);
        INTERNAL(wino_read)(&j->in, v, j->v_point, j->v_tile, first, last, s);
        for (i64 c = 0; c < C; c += j->kc)
            products(j, last - first, j->o8, c, UDL_MINI(c + j->kc, C), v, j->u + c * j->o8, j->u_point, m);
        write_tiles(j, m, first, last, 0, j->o8);
    }
    udl_free(v, bytes);
}

static int many_tiles(wino *j, filter_job *f) {
    const udl_conv *g = j->g;
    i64 most = UDL_MAXI(24, 1536 / (j->c8 + j->o8) / GEMM_MR * GEMM_MR), blocks = UDL_CEIL_DIV(j->tiles, most);
    j->block = UDL_CEIL_DIV(UDL_CEIL_DIV(j->tiles, blocks), GEMM_MR) * GEMM_MR;
    j->v_tile = j->c8, j->m_tile = j->o8;
    j->v_point = j->block * j->v_tile + APART, j->m_point = j->block * j->m_tile + APART;
    f->point = j->u_point = j->o8 * g->C + APART;
    size_t bytes = sizeof(float) * (size_t)(36 * j->u_point);
    if (!(f->u = j->u = udl_alloc(bytes))) return UDL_ENOMEM;
    udl_parallel_for(UDL_CEIL_DIV(j->o8, NR) * UDL_CEIL_DIV(g->C, j->kc), UDL_MAXI(1, 64 / j->kc), filters_task, f);
    udl_parallel_for(UDL_CEIL_DIV(j->tiles, j->block), 1, tiles_task, j);
    udl_free(j->u, bytes);
    return UDL_OK;
}

/* ---- many filters: input once, tasks own filters, which never go to memory ------------------------------------------------ */
static void input_task(void *ctx, i64 begin, i64 end) {
    wino *j = ctx;
    size_t bytes = strip_bytes(j, end - begin);
    float *strip = udl_alloc(bytes);
    if (!strip) { j->failed = 1; return; }
    INTERNAL(wino_read)(&j->in, j->v + begin * j->v_tile, j->v_point, j->v_tile, begin, end, strip);
    udl_free(strip, bytes);
}

static void panels_task(void *ctx, i64 begin, i64 end) {
    wino *j = ctx;
    i64 C = j->g->C;
    filter_job f = *j->filters;
    size_t us = sizeof(float) * (size_t)(36 * f.point), bytes = us + sizeof(float) * (size_t)(36 * j->m_point);
    float *u = udl_alloc(bytes), *m = u + 36 * f.point;
    if (!u) { j->failed = 1; return; }
    for (i64 t = begin, o = t * NR; t < end; t++, o += NR) {
        i64 w = UDL_MINI(NR, j->o8 - o);
        for (i64 c = 0; c < C; c += j->kc) {
            filter_panel(&f, o, w, c, UDL_MINI(c + j->kc, C), u);
            products(j, j->tiles, w, c, UDL_MINI(c + j->kc, C), j->v, u, f.point, m);
        }
        write_tiles(j, m, 0, j->tiles, o, o + w);
    }
    udl_free(u, bytes);
}

static int many_filters(wino *j, filter_job *f) {
    j->v_tile = j->c8, j->m_tile = NR;
    j->v_point = j->tiles * j->v_tile + APART, j->m_point = j->tiles * j->m_tile + APART;
    f->point = j->kc * NR + APART;
    j->filters = f;
    size_t bytes = sizeof(float) * (size_t)(36 * j->v_point);
    if (!(j->v = udl_alloc(bytes))) return UDL_ENOMEM;
    udl_parallel_for(j->tiles, UDL_MAXI(j->in.across, 1024 / j->c8), input_task, j);
    if (!j->failed) udl_parallel_for(UDL_CEIL_DIV(j->o8, NR), 1, panels_task, j);
    udl_free(j->v, bytes);
    return UDL_OK;
}

/* ---- the choice between the two, and cycles of the better one, scaled to vectors of 8 ----------------------------------- */
/* bytes written and read again, beyond what the other way does */
static double extra_tiles(const udl_conv *g, i64 tiles) {
    double u = 144. * (double)wino_up(g->O) * (double)g->C;
    return (u > 8e6 ? 2 : 1) * u * (0.25 + (double)UDL_CEIL_DIV(tiles, 24) / 20);
}
static double extra_filters(const udl_conv *g, i64 tiles) {
    double v = 144. * (double)wino_up(g->C) * (double)tiles, m = 144. * NR * (double)tiles, panels = (double)wino_up(g->O) / NR;
    return v * (0.25 + panels / 20) + (m > 2.5e5 ? m * panels * (double)g->C / 64 / 10 : 0);
}
double INTERNAL(wino6_cycles)(const udl_conv *g, i64 N) {
    double t = (double)(N * UDL_CEIL_DIV(g->P, 4) * UDL_CEIL_DIV(g->Q, 4)), C = (double)g->C, o8 = (double)wino_up(g->O);
    double filters = o8 / V * C * 90, transforms = t * ((double)wino_up(g->C) + o8) / V * 250;
    double a = extra_tiles(g, (i64)t), b = extra_filters(g, (i64)t), products = t * 36 * C * o8 / (2 * V) * 1.25;
    return products * (1 + 6 / C) + filters + transforms + (a < b ? a : b) + 20000;
}

static int forward(const udl_conv *g, i64 N, float *y, i64 y_image, const float *x, i64 x_image, const float *w, wino_filters how,
                   const float *bias, int act, char *bad) {
    wino j = {.g = g, .in = INTERNAL(wino_input)(g, x, x_image), .y = y, .y_image = y_image, .bias = bias, .bad = bad,
              .c8 = wino_up(g->C), .o8 = wino_up(g->O), .act = {.alpha = 1, .act = act}};
    i64 most = UDL_MAXI(32, UDL_MINI(64, g->C / 4));
    j.tiles = N * j.in.per_image;
    j.kc = UDL_CEIL_DIV(UDL_CEIL_DIV(g->C, UDL_CEIL_DIV(g->C, most)), 4) * 4;
    filter_job f = {.g = g, .w = w, .f = how, .kc = j.kc};
    int status = extra_filters(g, j.tiles) < extra_tiles(g, j.tiles) ? many_filters(&j, &f)
                                                                               : many_tiles(&j, &f);
    return status || j.failed ? UDL_ENOMEM : UDL_OK;
}

int INTERNAL(wino6_forward)(WINO_FORWARD) {
    i64 X = g->C * g->H * g->W, Y = g->O * g->P * g->Q;
    int status = UDL_OK;
    for (i64 i = 0; i < G && !status; i++)
        status = forward(g, N, conv_at(y, g->half, i * Y), G * Y, conv_at(x, g->half, i * X), G * X,
                         w + i * g->O * g->K, f, bias ? bias + i * g->O : 0, act, bad);
    return status;
}
