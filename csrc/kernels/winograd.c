/* winograd.c - the forward convolution of winograd.h: filters, then blocks of tiles, each in three steps whose data stay in
 * L2: transform the input (vectors of channels), 36 products of tiles x channels x filters, transform back. */
#include "winograd.h"

enum { V = VW32, NR = GEMM_NV * VW32 };

/* ---- filters ------------------------------------------------------------------------------------------------------- */
typedef struct { const udl_conv *g; const float *w; wino_filters f; float *u; i64 point, chunk, chunks; } filter_job;

/* the nine taps of V filters from o on, channel c */
VFN void load_filters(const filter_job *j, i64 o, i64 c, vf32 t[9]) {
    const float *row[V];
    for (i64 r = 0; r < V; r++) row[r] = j->w + UDL_MINI(o + r, j->g->O - 1) * j->f.o + c * j->f.c;
    vf32 q[9];
    columns_f32(row, 0, q);
    columns_f32(row, 5, q + 5); /* 4 is missing: its own load, as 9 taps are all there is */
    for (int r = 0; r < V; r++) q[4][r] = row[r][4];
    _Pragma("GCC unroll 9") for (int i = 0; i < 9; i++) t[i] = q[j->f.turned ? 8 - i : i];
}

/* Panel p of every point's matrix [C][O], as the matmul engine wants it: filters beyond the last repeat it. */
static void filter_panel(const filter_job *j, i64 p, i64 c0, i64 c1, float *to, i64 point) {
    i64 o = p * NR, w = UDL_MINI(NR, wino_up(j->g->O) - o);
    for (i64 c = c0; c < c1; c++)
        for (i64 v = 0; v < w; v += V) {
            vf32 t[9], h[3][6], u[6];
            load_filters(j, o + v, c, t);
            _Pragma("GCC unroll 3") for (int s = 0; s < 3; s++) {
                vf32 column[3] = {t[s], t[3 + s], t[6 + s]};
                wino_g(column, h[s]);
            }
            _Pragma("GCC unroll 6") for (int a = 0; a < 6; a++) {
                vf32 row[3] = {h[0][a], h[1][a], h[2][a]};
                wino_g(row, u);
                _Pragma("GCC unroll 6") for (int b = 0; b < 6; b++)
                    v_store(to + (a * 6 + b) * point + c * w + v, u[b] * wino_scale(a, b));
            }
        }
}

static void filters_task(void *ctx, i64 begin, i64 end) { /* task = (panel, chunk of channels) */
    const filter_job *j = ctx;
    for (i64 t = begin; t < end; t++) {
        i64 p = t / j->chunks, c0 = t % j->chunks * j->chunk;
        filter_panel(j, p, c0, UDL_MINI(c0 + j->chunk, j->g->C), j->u + p * NR * j->g->C, j->point);
    }
}

/* ---- input --------------------------------------------------------------------------------------------------------- */
wino_image INTERNAL(wino_input)(const udl_conv *g, const float *x, i64 image) {
    wino_image in = {.x = x, .image = image, .across = UDL_CEIL_DIV(g->Q, WINO_OUT), .C = g->C, .H = g->H, .W = g->W,
                     .pad_h = g->pad_h, .pad_w = g->pad_w};
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
        for (i64 r = 0; r < V; r++) row[r] = x + (UDL_MINI(c + r, in->C - 1) * in->H + h) * in->W;
        for (i64 k = 0; k < lo; k++) v_store(to + k * V, (vf32){0});
        if (hi - lo < 4)
            for (i64 k = lo; k < hi; k++)
                for (int r = 0; r < V; r++) to[k * V + r] = row[r][w + k];
        else
            for (i64 k = lo; k < hi; k += 4) {
                i64 at = UDL_MINI(k, hi - 4);
                vf32 q[4];
                columns_f32(row, w + at, q);
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
        wino_bt(d, q);
        _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) v_store(strip + (i * n + k) * V, q[i]);
    }
    for (i64 k = 0; k < tiles; k++, v += tile)
        for (int i = 0; i < 6; i++) {
            vf32 d[6], q[6];
            _Pragma("GCC unroll 6") for (int e = 0; e < 6; e++) d[e] = v_load(strip + (i * n + 4 * k + e) * V);
            wino_bt(d, q);
            _Pragma("GCC unroll 6") for (int e = 0; e < 6; e++) v_store(v + (6 * i + e) * point, q[e]);
        }
}

void INTERNAL(wino_read)(const wino_image *in, float *v, i64 point, i64 tile, i64 first, i64 end, float *strip) {
    for (i64 t = first, run; t < end; t += run) {
        i64 at = t % in->per_image, ty = at / in->across, tx = at % in->across;
        run = UDL_MINI(in->across - tx, end - t);
        const float *x = in->x + t / in->per_image * in->image;
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
    i64 N, y_image, block, c8, o8, v_tile, v_point, m_tile, m_point, u_point;
    float *y, *u;
    const float *bias;
    gemm_epilogue_f32 act;
    char *bad;
    int failed;
} wino;

/* 4 x 4 outputs of V filters from o on; what goes over the edges is dropped */
VFN void write_tile(const wino *j, const vf32 y[4][4], float *to, i64 o, i64 p, i64 q) {
    const udl_conv *g = j->g;
    i64 n = UDL_MINI(V, g->O - o), w = UDL_MINI(4, g->Q - q), h = UDL_MINI(4, g->P - p), PQ = g->P * g->Q;
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
                wino_at(s, h[i]);
            }
            vf32 bias = {0};
            if (j->bias) bias = v_load_n(j->bias + o, (int)UDL_MINI(V, g->O - o));
            _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++) {
                vf32 s[6] = {h[0][k], h[1][k], h[2][k], h[3][k], h[4][k], h[5][k]}, r[4];
                wino_at(s, r);
                _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
                    seen += r[i] * 0;
                    r[i] += bias;
                    y[i][k] = j->act.act == UDL_ACT_RELU ? v_sel(r[i] < 0, (vf32){0}, r[i]) : r[i];
                }
            }
            write_tile(j, y, j->y + image * j->y_image + (o * g->P + p) * g->Q + q, o, p, q);
        }
        if (v_sum(seen) != 0) __atomic_store_n(&j->bad[image], 1, __ATOMIC_RELAXED); /* NaN is not 0 */
    }
}

/* ---- many tiles: tasks own tiles -------------------------------------------------------------------------------------- */
static void tiles_task(void *ctx, i64 begin, i64 end) {
    wino *j = ctx;
    const udl_conv *g = j->g;
    i64 tiles = j->N * j->in.per_image;
    size_t strip = sizeof(float) * (size_t)(6 * (4 * UDL_MINI(j->block, j->in.across) + 2) * V);
    size_t vs = sizeof(float) * (size_t)(36 * j->v_point), ms = sizeof(float) * (size_t)(36 * j->m_point);
    char *scratch = udl_alloc(vs + ms + strip);
    if (!scratch) { j->failed = 1; return; }
    float *v = (float *)(void *)scratch, *m = (float *)(void *)(scratch + vs), *s = (float *)(void *)(scratch + vs + ms);
    gemm_epilogue_f32 e = {.alpha = 1};
    for (i64 t = begin; t < end; t++) {
        i64 first = t * j->block, last = UDL_MINI(first + j->block, tiles);
        INTERNAL(wino_read)(&j->in, v, j->v_point, j->v_tile, first, last, s);
        for (i64 i = 0; i < 36; i++) {
            gemm_a_f32 a = {v + i * j->v_point, j->v_tile, GEMM_A_ROWS};
            gemm_b_f32 b = {j->u + i * j->u_point, 0};
            INTERNAL(gemm_block_f32)(last - first, j->o8, g->C, a, b, m + i * j->m_point, j->m_tile, &e);
        }
        write_tiles(j, m, first, last, 0, j->o8);
    }
    udl_free(scratch, vs + ms + strip);
}

static int forward(const udl_conv *g, i64 N, float *y, i64 y_image, const float *x, i64 x_image, const float *w, wino_filters f,
                   const float *bias, int act, char *bad) {
    wino j = {.g = g, .N = N, .y = y, .y_image = y_image, .bias = bias, .bad = bad, .c8 = wino_up(g->C), .o8 = wino_up(g->O),
              .act = {.alpha = 1, .act = act}};
    j.in = INTERNAL(wino_input)(g, x, x_image);
    i64 tiles = N * j.in.per_image, most = UDL_MAXI(24, 1536 / (j.c8 + j.o8) / GEMM_MR * GEMM_MR);
    i64 blocks = UDL_CEIL_DIV(tiles, most);
    j.block = UDL_CEIL_DIV(UDL_CEIL_DIV(tiles, blocks), GEMM_MR) * GEMM_MR;
    /* 16 floats more from point to point, so that the 36 lines that are written together lie in different sets */
    j.v_tile = j.c8, j.m_tile = j.o8;
    j.v_point = j.block * j.v_tile + 16, j.m_point = j.block * j.m_tile + 16, j.u_point = j.o8 * g->C + 16;
    size_t bytes = sizeof(float) * (size_t)(36 * j.u_point);
    if (!(j.u = udl_alloc(bytes))) return UDL_ENOMEM;
    filter_job k = {g, w, f, j.u, j.u_point, 32, UDL_CEIL_DIV(g->C, 32)};
    udl_parallel_for(UDL_CEIL_DIV(j.o8, NR) * k.chunks, 2, filters_task, &k);
    udl_parallel_for(UDL_CEIL_DIV(tiles, j.block), 1, tiles_task, &j);
    udl_free(j.u, bytes);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

int INTERNAL(wino_forward)(const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, wino_filters f,
                           const float *bias, int act, char *bad) {
    i64 X = g->C * g->H * g->W, Y = g->O * g->P * g->Q;
    int status = UDL_OK;
    for (i64 i = 0; i < G && !status; i++)
        status = forward(g, N, y + i * Y, G * Y, x + i * X, G * X, w + i * g->O * g->K, f, bias ? bias + i * g->O : 0, act, bad);
    return status;
}

int INTERNAL(wino_pays)(const udl_conv *g, i64 N) {
    return N && g->R == 3 && g->S == 3 && g->stride_h == 1 && g->stride_w == 1 && g->dil_h == 1 && g->dil_w == 1 && g->C >= 16 && g->O >= 16;
}
int INTERNAL(wino_pays_weight)(const udl_conv *g, i64 N) { return INTERNAL(wino_pays)(g, N); }
