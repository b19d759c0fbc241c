/* winograd_4x4.c - the forward convolution in tiles of 4 x 4 (winograd.h): filters; then for blocks of tiles three steps whose
 * data stay in L2: tiles of the input at their 16 points, 16 products of filters x channels x tiles, and back.
 *
 * Tiles lie on the vector axis: in an image padded and sorted by column parity (conv_pad for stride 2) the j-th columns of
 * neighbouring tiles are neighbours, so nothing is transposed. A panel is GEMM_NR tiles, cut into pieces of one tile row. */
#include "winograd.h"

/* bytes of a block in L2: tiles, sums, filters */
enum { V = VW32, NR = GEMM_NV * VW32, V_BYTES = 256 << 10, M_BYTES = 256 << 10, U_BYTES = 384 << 10 };

/* ---- two outputs from four points 0, 1, -1, infinity ------------------------------------------------------------------------- */
VFN void wino4_bt(const vf32 d[4], vf32 v[4]) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}
VFN void wino4_g(const vf32 g[3], vf32 u[4]) {
    vf32 e = 0.5f * (g[0] + g[2]), o = 0.5f * g[1];
    u[0] = g[0];
    u[1] = e + o;
    u[2] = e - o;
    u[3] = g[2];
}
VFN void wino4_at(const vf32 m[4], vf32 y[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) - m[3];
}

/* ---- filters: u[point][filter][channel], or panels of filters: turned round for the gradient, or packed (below) ------------- */
typedef struct {
    const float *w;
    float *u;
    i64 rows, depth, o, c, point; /* filters, channels, and how far apart they lie in w; a point in u */
    int turned;
} filter_job;

/* the four by four points of n filters or channels that lie `apart` in w */
VFN void filter_points(const filter_job *j, const float *w, i64 apart, i64 n, float *to) {
    const float *row[V];
    for (i64 r = 0; r < V; r++) row[r] = w + apart * UDL_MINI(r, n - 1);
    const float *ahead = w + (j->turned ? 4 * j->c : 8 * 9 * V); /* weights are often cold */
    for (i64 r = 0; r < 9 * V; r += 16) __builtin_prefetch(ahead + r);
    vf32 t[9], h[3][4], u[4];
    if (j->turned) wino_taps(row, 1, t);
    else wino_taps(row, 0, t);
    _Pragma("GCC unroll 3") for (int s = 0; s < 3; s++) {
        vf32 column[3] = {t[s], t[3 + s], t[6 + s]};
        wino4_g(column, h[s]);
    }
    _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++) {
        vf32 taps[3] = {h[0][a], h[1][a], h[2][a]};
        wino4_g(taps, u);
        _Pragma("GCC unroll 4") for (int b = 0; b < 4; b++)
            if (n == V) v_store(to + (4 * a + b) * j->point, u[b]);
            else v_store_n(to + (4 * a + b) * j->point, u[b], (int)n);
    }
}

static void filters_task(void *ctx, i64 begin, i64 end) { /* filters */
    const filter_job *j = ctx;
    for (i64 o = begin; o < end; o++)
        for (i64 c = 0; c < j->depth; c += V)
            filter_points(j, j->w + o * j->o + c * j->c, j->c, UDL_MINI(V, j->depth - c), j->u + o * j->depth + c);
}
static void filter_panels(const filter_job *j, i64 m0, i64 m1) {
    for (i64 m = m0, mr; m < m1; m += mr) {
        mr = gemm_rows(m1 - m);
        for (i64 c = 0; c < j->depth; c++)
            for (i64 i = 0; i < mr; i += V)
                filter_points(j, j->w + (m + i) * j->o + c * j->c, j->o, UDL_MINI(V, mr - i), j->u + m * j->depth + c * mr + i);
    }
}
static void turned_task(void *ctx, i64 begin, i64 end) { /* pairs of panels, the last with the rest (gemm_rows) */
    const filter_job *j = ctx;
    i64 units = UDL_CEIL_DIV(j->rows, GEMM_MR), parts = UDL_MAXI(1, units / 2);
    filter_panels(j, units * begin / parts * GEMM_MR, UDL_MINI(units * end / parts * GEMM_MR, j->rows));
}
static void make_filters(const filter_job *j) {
    i64 pairs = UDL_MAXI(1, UDL_CEIL_DIV(j->rows, GEMM_MR) / 2), grain = UDL_MAXI(1, 2048 / j->depth);
    if (j->turned) udl_parallel_for(pairs, UDL_MAXI(1, 2048 / (j->depth * 2 * GEMM_MR)), turned_task, (void *)(uintptr_t)j);
    else udl_parallel_for(j->rows, grain, filters_task, (void *)(uintptr_t)j);
}

/* ---- packed filters: u[group of filters][point][panel], read from front to back for few tiles --------------------------------- */
static i64 group_count(i64 O) { /* of about five panels, an even number of them */
    const i64 units = UDL_CEIL_DIV(O, GEMM_MR), groups = UDL_CEIL_DIV(units, 5);
    return UDL_MINI(groups + groups % 2, units);
}
static i64 group_at(i64 O, i64 i) { /* its first filter */
    return UDL_MINI(UDL_CEIL_DIV(O, GEMM_MR) * i / group_count(O) * GEMM_MR, O);
}
static void pack_task(void *ctx, i64 begin, i64 end) { /* groups of all filters, one behind another */
    filter_job f = *(const filter_job *)ctx;
    const i64 groups = group_count(f.rows);
    const float *w = f.w;
    float *u = f.u;
    for (i64 t = begin; t < end; t++) {
        const i64 at = t / groups * f.rows, o = group_at(f.rows, t % groups), n = group_at(f.rows, t % groups + 1) - o;
        f.w = w + (at + o) * f.o, f.u = u + 16 * f.depth * (at + o), f.point = f.depth * n;
        filter_panels(&f, 0, n);
    }
}
int INTERNAL(wino4_packs)(const udl_conv *g, i64 N) {
    if (udl_batch_invariant()) N = 1;
    return 9 * g->O * g->C >= 65536 && N * UDL_CEIL_DIV(g->P, 2) * UDL_CEIL_DIV(g->Q, 2) <= 32 * V;
}
i64 INTERNAL(wino4_packed)(const udl_conv *g, i64 G) { return 16 * G * g->O * g->C + 2 * V; }
void INTERNAL(wino4_pack)(const udl_conv *g, i64 G, const float *w, float *u) {
    filter_job f = {.w = w, .u = u, .rows = g->O, .depth = g->C, .o = g->K, .c = 9};
    udl_parallel_for(G * group_count(g->O), 1, pack_task, &f);
    memset(u + 16 * G * g->O * g->C, 0, 2 * V * sizeof(float)); /* few_columns reads whole vectors */
}

/* ---- blocks ------------------------------------------------------------------------------------------------------------- */
typedef struct {
    const udl_conv *g;      /* the convolution */
    udl_conv t;             /* tiles: windows of 4 x 4, 2 apart */
    const float *xp;        /* padded images */
    float *y, *v;           /* v: panels of all tiles, if they are few */
    i64 tap[16], per_image, tiles, rest, panels, blocks, parts, y_image, most; /* most: panels of a block; rest: see run */
    filter_job f;
    const float *ready, *bias; /* ready: packed filters, or NULL */
    int act, failed, fresh; /* fresh: one block sees all tiles, so each task makes the filters that it alone reads */
    char *bad;
} wino;

/* tiles of one row of one image from tile n on, at most a vector of them and none beyond `end` */
typedef struct { i64 image, p, q, count; } piece;
VFN piece piece_at(const wino *j, i64 n, i64 end) {
    i64 at = n % j->per_image, q = at % j->t.Q;
    return (piece){n / j->per_image, at / j->t.Q, q, UDL_MINI(UDL_MINI(j->t.Q - q, (i64)V), end - n)};
}

/* v[point][channel][tile] of channels c0..c1 of the tiles begin..end of a panel; what a vector has too much, the next one, or the next
 * channel, puts right */
static void read_panel(const wino *j, float *panel, i64 point, i64 begin, i64 end, i64 c0, i64 c1) {
    i64 plane = j->t.Hp * j->t.row, n = begin, w = UDL_CEIL_DIV(end - begin, V) * V;
    while (n < end) {
        piece s = piece_at(j, n, end);
        const float *x = j->xp + s.image * j->t.size + s.p * j->t.step + s.q + c0 * plane;
        float *to = panel + n - begin;
        int over = n - begin + V > w; /* would reach into the next channel's first tiles, which are written already */
        for (i64 c = c0; c < c1; c++, x += plane, to += w) {
            vf32 h[4][4];
            _Pragma("GCC unroll 4") for (int b = 0; b < 4; b++) {
                vf32 d[4], q[4];
                _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++) d[a] = v_load(x + j->tap[4 * a + b]);
                wino4_bt(d, q);
                _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++) h[a][b] = q[a];
            }
            _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++) {
                vf32 q[4];
                wino4_bt(h[a], q);
                if (over) _Pragma("GCC unroll 4") for (int b = 0; b < 4; b++) v_store_n(to + (4 * a + b) * point, q[b], (int)s.count);
                else _Pragma("GCC unroll 4") for (int b = 0; b < 4; b++) v_store(to + (4 * a + b) * point, q[b]);
            }
        }
        n += s.count;
    }
    for (i64 i = 0; i < 16 && end - begin < w; i++) /* lanes without a tile */
        for (i64 c = c0; c < c1; c++)
            for (i64 l = end - begin; l < w; l++) panel[i * point + (c - c0) * w + l] = 0;
}
/* the same for other threads (udl_streams_to_others): whole vectors, by way of a buffer */
static void share_panel(const wino *j, float *panel, i64 point, i64 begin, i64 end, i64 c0, i64 c1) {
    const i64 w = UDL_CEIL_DIV(end - begin, V) * V;
    float buffer[16 * NR + V] __attribute__((aligned(64))); /* [point][tile] of a channel */
    for (i64 c = c0; c < c1; c++) {
        read_panel(j, buffer, w, begin, end, c, c + 1);
        for (i64 i = 0; i < 16; i++)
            for (i64 l = 0; l < w; l += V) v_stream(panel + i * point + l, v_load(buffer + i * w + l));
        panel += w;
    }
    v_stream_end();
}
/* `panels` panels from tile `first` on; the rest of all tiles is a panel of its own behind the whole vectors of the last one */
static void read_tiles(const wino *j, float *v, i64 point, i64 first, i64 panels, i64 c0, i64 c1) {
    const int streams = v == j->v && udl_streams_to_others();
    for (i64 k = 0; k < panels; k++) {
        i64 begin = first + k * NR, end = UDL_MINI(begin + NR, j->tiles), cut = end == j->tiles ? end - j->rest : end;
        const i64 ends[3] = {begin, cut, end};
        float *panel = v + k * NR * j->g->C;
        for (int i = 0; i < 2; i++) {
            const i64 w = UDL_CEIL_DIV(ends[i + 1] - ends[i], V) * V;
            if (w) (streams ? share_panel : read_panel)(j, panel + c0 * w, point, ends[i], ends[i + 1], c0, c1);
            panel += w * j->g->C;
        }
    }
}

/* one row of outputs */
VFN vf32 finish(const wino *j, vf32 r, float bias) {
    r += bias;
    return j->act == UDL_ACT_RELU ? v_sel(r < 0, (vf32){0}, r) : r;
}
VFN void put(float *to, vf32 v, i64 n) {
    if (n >= V) v_store(to, v);
    else if (n > 0) v_store_n(to, v, (int)n);
}

/* sums m[point][filter][tile] of filters o0..o1 -> y */
static void write_tiles(const wino *j, const float *m, i64 point, i64 ld, i64 first, i64 end, i64 o0, i64 o1) {
    const udl_conv *g = j->g;
    gemm_epilogue_f32 rare = {.alpha = 1, .act = j->act};
    for (i64 n = first, next; n < end; n = next) {
        piece s = piece_at(j, n, end);
        next = n + s.count;
        i64 left = UDL_MINI(2 * s.count, g->Q - 2 * s.q), rows = UDL_MINI(2, g->P - 2 * s.p);
        float *to = j->y + s.image * j->y_image + (o0 * g->P + 2 * s.p) * g->Q + 2 * s.q;
        const float *from = m + n - first;
        vf32 seen = {0};
        for (i64 o = o0; o < o1; o++, to += g->P * g->Q, from += ld) {
            const float *soon = to + 4 * g->P * g->Q; /* four filters on: those lines come from afar */
            for (int i = 0; i < rows; i++) __builtin_prefetch(soon + i * g->Q, 1), __builtin_prefetch(soon + i * g->Q + 2 * V - 1, 1);
            vf32 h[2][4], r[2];
            float bias = j->bias ? j->bias[o] : 0;
            _Pragma("GCC unroll 4") for (int b = 0; b < 4; b++) {
                vf32 q[4];
                _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++) q[a] = v_load(from + (4 * a + b) * point);
                wino4_at(q, r);
                h[0][b] = r[0], h[1][b] = r[1];
            }
            for (int i = 0; i < rows; i++) {
                wino4_at(h[i], r);
                seen += r[0] * 0 + r[1] * 0;
                vf32 lo = finish(j, v_zip_lo(r[0], r[1]), bias), hi = finish(j, v_zip_hi(r[0], r[1]), bias);
                put(to + i * g->Q, lo, left), put(to + i * g->Q + V, hi, left - V);
                if (j->act > UDL_ACT_RELU) {
                    float t[2 * V] = {0};
                    memcpy(t, to + i * g->Q, sizeof(float) * (size_t)left);
                    INTERNAL(gemm_finish_f32)(1, left, t, 2 * V, to + i * g->Q, 0, &rare);
                }
            }
        }
        float lanes[V] = {0}; /* those of other pieces, or of none, say nothing about this image */
        v_store_n(lanes, seen, (int)s.count);
        if (v_sum(v_load(lanes)) != 0) __atomic_store_n(&j->bad[s.image], 1, __ATOMIC_RELAXED); /* NaN is not 0 */
    }
}

/* m[filter][0..rest] of n packed filters: the sums of gemm_block, term by term, with filters on the vector axis. Four panels at a time
 * hide the latency of a multiply-add. */
enum { PANEL_V = (GEMM_MR + VW32 - 1) / VW32 };
static void few_columns(i64 n, i64 C, const float *u, const float *v, i64 rest, float *m, i64 ld) {
    for (i64 o = 0, next = 0; o < n; o = next) {
        const float *panel[4];
        i64 at[4], mr[4], count = 0;
        for (; count < 4 && next < n; next += mr[count++])
            at[count] = next, panel[count] = u + next * C, mr[count] = gemm_rows(n - next);
        for (i64 i = count; i < 4; i++) at[i] = at[0], panel[i] = panel[0], mr[i] = mr[0];
        for (i64 t = 0; t < rest; t++) {
            vf32 sum[4][PANEL_V], acc[4][PANEL_V];
            for (i64 k = 0, kc; k < C; k += kc) {
                kc = C - k < WINO_CHUNK + WINO_CHUNK / 2 ? C - k : WINO_CHUNK;
                _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
                    _Pragma("GCC unroll 2") for (int l = 0; l < PANEL_V; l++) acc[i][l] = (vf32){0};
                for (i64 c = k; c < k + kc; c++) {
                    const vf32 x = v_set_f32(v[c * V + t]);
                    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
                        _Pragma("GCC unroll 2") for (int l = 0; l < PANEL_V; l++)
                            acc[i][l] = v_fma(x, v_load(panel[i] + c * mr[i] + l * V), acc[i][l]);
                }
                _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
                    _Pragma("GCC unroll 2") for (int l = 0; l < PANEL_V; l++) sum[i][l] = k ? acc[i][l] + sum[i][l] : acc[i][l];
            }
            for (i64 i = 0; i < count; i++) {
                float lanes[PANEL_V * V];
                for (int l = 0; l < PANEL_V; l++) v_store(lanes + l * V, sum[i][l]);
                for (i64 r = 0; r < mr[i]; r++) m[(at[i] + r) * ld + t] = lanes[r];
            }
        }
    }
}

/* task = block of panels x part of the filters */
static void block_task(void *ctx, i64 begin, i64 end) {
    wino *j = ctx;
    const udl_conv *g = j->g;
    i64 units = UDL_CEIL_DIV(g->O, GEMM_MR), ld = j->most * NR, v_point = (j->v ? j->panels : j->most) * NR * g->C + APART;
    i64 rows = UDL_MAXI(1, (j->fresh ? U_BYTES / (64 * g->C * GEMM_MR) : M_BYTES / (64 * ld * GEMM_MR))) * GEMM_MR;
    const i64 groups = group_count(g->O), most = j->ready ? UDL_CEIL_DIV(units, groups) * GEMM_MR : 2 * rows;
    i64 m_point = most * ld + APART, more = j->fresh ? 2 * rows * g->C + APART : j->v ? 0 : v_point;
    size_t bytes = sizeof(float) * (size_t)(16 * (more + m_point) + V);
    float *m = udl_alloc(bytes), *rest = m + 16 * m_point + V, *v = j->v ? j->v : rest;
    if (!m) { j->failed = 1; return; }
    filter_job f = j->f;
    gemm_epilogue_f32 e = {.alpha = 1, .chunk = WINO_CHUNK};
    for (i64 t = begin; t < end; t++) {
        i64 block = t / j->parts, part = t % j->parts;
        i64 k0 = j->panels * block / j->blocks, k1 = j->panels * (block + 1) / j->blocks, first = k0 * NR, last = UDL_MINI(k1 * NR, j->tiles);
        i64 o0 = units * part / j->parts * GEMM_MR, o1 = UDL_MINI(units * (part + 1) / j->parts * GEMM_MR, g->O);
        const i64 few = last == j->tiles ? j->rest : 0, packed = last - first - few;
        if (!j->v) read_tiles(j, v, v_point, first, k1 - k0, 0, g->C);
        for (i64 o = o0, n, group = part; o < o1; o += n, group++) {
            n = o1 - o < 2 * rows ? o1 - o : rows; /* the last takes the rest */
            const float *u = f.u + o * g->C;
            if (j->ready) n = group_at(g->O, group + 1) - o, u = j->ready + 16 * o * g->C, f.point = n * g->C;
            if (j->fresh) {
                f.w = j->f.w + o * f.o, u = f.u = rest, f.point = n * g->C + APART;
                if (f.turned) filter_panels(&f, 0, n);
                else filters_task(&f, 0, n);
            }
            const int panels = f.turned || j->ready;
            for (i64 i = 0; i < 16; i++) {
                gemm_a_f32 a = {u + i * f.point, panels ? 0 : g->C, panels ? GEMM_A_PANELS : GEMM_A_ROWS};
                gemm_b_f32 b = {v + i * v_point + (j->v ? k0 * NR * g->C : 0), 0};
                if (packed) INTERNAL(gemm_block_f32)(n, packed, g->C, a, b, m + i * m_point, ld, &e);
                if (few) few_columns(n, g->C, a.p, b.p + packed * g->C, few, m + i * m_point + packed, ld);
            }
            write_tiles(j, m, m_point, ld, first, last, o, o + n);
        }
    }
    udl_free(m, bytes);
}

static void read_task(void *ctx, i64 begin, i64 end) { /* channels, all panels */
    wino *j = ctx;
    read_tiles(j, j->v, j->panels * NR * j->g->C + APART, 0, j->panels, begin, end);
}

/* padded images -> y */
static int run(wino *j) {
    const udl_conv *g = j->g;
    j->panels = UDL_CEIL_DIV(j->tiles, NR);
    j->rest = !j->ready || j->panels >= 8 || j->tiles % V > V / 4 ? 0 : j->tiles % V; /* too few for a vector */
    i64 units = UDL_CEIL_DIV(g->O, GEMM_MR);
    size_t bytes = 0;
    i64 us = 64 * g->C * g->O, wide = us > 8 << 20 ? 4 : us > 1 << 20 ? 2 : 1; /* filters beyond L2 are read for more tiles */
    wide = UDL_MAXI(wide, UDL_MINI(4, V_BYTES / (64 * NR * g->C)));
    j->parts = 1;
    if (j->panels < 8) { /* few tiles: read once for all parts of the filters */
        bytes = sizeof(float) * (size_t)(16 * (j->panels * NR * g->C + APART));
        if (!(j->v = udl_alloc(bytes))) return UDL_ENOMEM;
        udl_parallel_for(g->C, UDL_MAXI(1, 64 / j->panels), read_task, j);
        j->blocks = UDL_CEIL_DIV(j->panels, 4);
        j->parts = j->ready ? group_count(g->O) : UDL_MAXI(1, UDL_MINI(UDL_CEIL_DIV(16, j->blocks), units / 2));
    } else {
        j->blocks = UDL_MINI(UDL_CEIL_DIV(UDL_CEIL_DIV(j->panels, wide), 2) * 2, j->panels);
    }
    j->most = UDL_CEIL_DIV(j->panels, j->blocks);
    if (!j->failed) udl_parallel_for(j->blocks * j->parts, 1, block_task, j);
    if (bytes) udl_free(j->v, bytes);
    j->v = 0;
    return j->failed ? UDL_ENOMEM : UDL_OK;
}

int INTERNAL(wino4_forward)(WINO_FORWARD) {
    i64 X = g->C * g->H * g->W, Y = g->O * g->P * g->Q, p = UDL_CEIL_DIV(g->P, 2), q = UDL_CEIL_DIV(g->Q, 2);
    wino j = {.g = g, .t = conv_geometry(g->C, g->H, g->W, g->O, 4, 4, p, q, 2, 2, g->pad_h, g->pad_w, 1, 1), .act = act,
              .y_image = G * Y, .per_image = p * q};
    j.f = (filter_job){.rows = g->O, .depth = g->C, .o = f.o, .c = f.c, .turned = f.turned, .point = g->C * g->O + APART};
    for (int i = 0; i < 16; i++) j.tap[i] = conv_tap(&j.t, 0, i / 4, i % 4);
    i64 most = UDL_MAXI(1, CONV_PADDED / (j.t.size * (i64)sizeof(float))), images = UDL_CEIL_DIV(N, UDL_CEIL_DIV(N, most));
    j.fresh = !f.ready && images == N && N * j.per_image <= 4 * NR; /* run() then makes one block of them */
    size_t us = j.fresh || f.ready ? 0 : sizeof(float) * (size_t)(16 * j.f.point), pads = sizeof(float) * (size_t)(images * j.t.size);
    float *u = us ? udl_alloc(us) : 0, *xp = udl_alloc(pads);
    int status = (u || !us) && xp ? UDL_OK : UDL_ENOMEM;
    j.f.u = u, j.xp = xp;
    for (i64 i = 0; i < G && !status; i++) {
        j.f.w = w + i * g->O * g->K;
        j.ready = f.ready ? f.ready + 16 * i * g->O * g->C : 0;
        j.bias = bias ? bias + i * g->O : 0;
        if (us) make_filters(&j.f);
        for (i64 n = 0; n < N && !status; n += images) {
            i64 count = UDL_MINI(images, N - n);
            INTERNAL(conv_pad_f32)(&j.t, xp, x + (n * G + i) * X, count, G * X);
            j.y = y + (n * G + i) * Y;
            j.bad = bad + n;
            j.tiles = count * j.per_image;
            status = run(&j);
        }
    }
    if (u) udl_free(u, us);
    if (xp) udl_free(xp, pads);
    return status;
}

/* ---- the choice: cycles from the shape, with two whole multiply-adds a cycle --------------------------------------------- */
double INTERNAL(wino4_cycles)(const udl_conv *g, i64 N) {
    double C = (double)g->C, O = (double)g->O, across = (double)UDL_CEIL_DIV(g->Q, 2), rows = (double)(N * UDL_CEIL_DIV(g->P, 2));
    double pieces = rows * ((double)UDL_CEIL_DIV(UDL_CEIL_DIV(g->Q, 2), V) + across / NR);
    const int large = g->P * g->Q >= 49; /* smaller planes are mostly border, where plain sums are short and round less */
    const i64 tiles = N * UDL_CEIL_DIV(g->P, 2) * UDL_CEIL_DIV(g->Q, 2), rest = large && tiles < 7 * NR && tiles % V <= V / 4 ? tiles % V : 0;
    const int fresh = large && tiles <= 4 * NR; /* filters stay in L2, or are ready; else large ones go through memory */
    double u = 64 * C * O, filters = C * O / V * (fresh ? 40 : 60) + (u > 1e6 && !fresh ? u / 6 : 0);
    double vectors = (double)UDL_CEIL_DIV(tiles - rest, V) + 2 * (double)rest / V;
    return vectors * 16 * C * O / 2 * 1.2 + filters + pieces * (C * 50 + O * 60) + 10000;
}
