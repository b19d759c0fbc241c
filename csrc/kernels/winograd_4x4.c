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

/* ---- filters: u[point][filter][channel], or, if the gradient turns them round, panels of filters ----------------------- */
typedef struct {
    const float *w;
    float *u;
    i64 outer, inner, stride, point; /* inner: what follows each other in w, 9 apart; stride: of outer in w; of a point in u */
    int turned;
} filter_job;

/* the four by four points of n filters or channels that follow each other in w */
VFN void filter_points(const filter_job *j, const float *w, i64 n, float *to) {
    const float *row[V];
    for (i64 r = 0; r < V; r++) row[r] = w + 9 * UDL_MINI(r, n - 1);
    const float *ahead = w + (j->turned ? 4 * j->stride : 8 * 9 * V); /* weights are often cold */
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
        for (i64 c = 0; c < j->inner; c += V)
            filter_points(j, j->w + o * j->stride + 9 * c, UDL_MINI(V, j->inner - c), j->u + o * j->inner + c);
}
static void turned_panels(const filter_job *j, i64 m0, i64 m1) {
    for (i64 m = m0, mr; m < m1; m += mr) {
        mr = gemm_rows(m1 - m);
        for (i64 c = 0; c < j->outer; c++)
            for (i64 i = 0; i < mr; i += V)
                filter_points(j, j->w + c * j->stride + 9 * (m + i), UDL_MINI(V, mr - i), j->u + m * j->outer + c * mr + i);
    }
}
static void turned_task(void *ctx, i64 begin, i64 end) { /* pairs of panels, the last with the rest (gemm_rows) */
    const filter_job *j = ctx;
    i64 units = UDL_CEIL_DIV(j->inner, GEMM_MR), parts = UDL_MAXI(1, units / 2);
    turned_panels(j, units * begin / parts * GEMM_MR, UDL_MINI(units * end / parts * GEMM_MR, j->inner));
}
static void make_filters(const filter_job *j) {
    i64 pairs = UDL_MAXI(1, UDL_CEIL_DIV(j->inner, GEMM_MR) / 2), grain = UDL_MAXI(1, 2048 / j->inner);
    if (j->turned) udl_parallel_for(pairs, UDL_MAXI(1, 2048 / (j->outer * 2 * GEMM_MR)), turned_task, (void *)(uintptr_t)j);
    else udl_parallel_for(j->outer, grain, filters_task, (void *)(uintptr_t)j);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------------- */
typedef struct {
    const udl_conv *g;      /* the convolution */
    udl_conv t;             /* tiles: windows of 4 x 4, 2 apart */
    const float *xp;        /* padded images */
    float *y, *v;           /* v: panels of all tiles, if they are few */
    i64 tap[16], per_image, tiles, rest, panels, blocks, parts, y_image, most; /* most: panels of a block; rest: see run */
    filter_job f;
    const float *bias;
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
        float *to = panel + c0 * w + n - begin;
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
            for (i64 l = end - begin; l < w; l++) panel[i * point + c * w + l] = 0;
}
/* `panels` panels from tile `first` on; the rest of all tiles is a panel of its own behind the whole vectors of the last one */
static void read_tiles(const wino *j, float *v, i64 point, i64 first, i64 panels, i64 c0, i64 c1) {
    for (i64 k = 0; k < panels; k++) {
        i64 begin = first + k * NR, end = UDL_MINI(begin + NR, j->tiles), cut = end == j->tiles ? end - j->rest : end;
        float *panel = v + k * NR * j->g->C;
        if (cut > begin) read_panel(j, panel, point, begin, cut, c0, c1);
        if (cut < end) read_panel(j, panel + (cut - begin) * j->g->C, point, cut, end, c0, c1);
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

/* task = block of panels x part of the filters */
static void block_task(void *ctx, i64 begin, i64 end) {
    wino *j = ctx;
    const udl_conv *g = j->g;
    i64 units = UDL_CEIL_DIV(g->O, GEMM_MR), ld = j->most * NR, v_point = (j->v ? j->panels : j->most) * NR * g->C + APART;
    i64 rows = UDL_MAXI(1, (j->fresh ? U_BYTES / (64 * g->C * GEMM_MR) : M_BYTES / (64 * ld * GEMM_MR))) * GEMM_MR;
    i64 m_point = 2 * rows * ld + APART, more = j->fresh ? 2 * rows * g->C + APART : j->v ? 0 : v_point;
    size_t bytes = sizeof(float) * (size_t)(16 * (more + m_point) + V);
    float *m = udl_alloc(bytes), *rest = m + 16 * m_point + V, *v = j->v ? j->v : rest;
    if (!m) { j->failed = 1; return; }
    filter_job f = j->f;
    gemm_epilogue_f32 e = {.alpha = 1, .chunk = WINO_CHUNK};
    for (i64 t = begin; t < end; t++) {
        i64 block = t / j->parts, part = t % j->parts;
        i64 k0 = j->panels * block / j->blocks, k1 = j->panels * (block + 1) / j->blocks, first = k0 * NR, last = UDL_MINI(k1 * NR, j->tiles);
        i64 o0 = units * part / j->parts * GEMM_MR, o1 = UDL_MINI(units * (part + 1) / j->parts * GEMM_MR, g->O);
        if (!j->v) read_tiles(j, v, v_point, first, k1 - k0, 0, g->C);
        for (i64 o = o0, n; o < o1; o += n) {
            n = o1 - o < 2 * rows ? o1 - o : rows; /* the last takes the rest */
            if (j->fresh) {
                f.w = j->f.w + o * (f.turned ? 9 : f.stride), f.u = rest, f.point = n * g->C + APART;
                if (f.turned) turned_panels(&f, 0, n);
                else filters_task(&f, 0, n);
            }
            const float *u = f.u + (j->fresh ? 0 : o * g->C);
            for (i64 i = 0; i < 16; i++) {
                gemm_a_f32 a = {u + i * f.point, f.turned ? 0 : g->C, f.turned ? GEMM_A_PANELS : GEMM_A_ROWS};
                gemm_b_f32 b = {v + i * v_point + (j->v ? k0 * NR * g->C : 0), 0};
                i64 rest = last == j->tiles ? j->rest : 0, packed = last - first - rest;
                if (packed) INTERNAL(gemm_block_f32)(n, packed, g->C, a, b, m + i * m_point, ld, &e);
                if (rest && INTERNAL(few_rows_f32)(rest, n, g->C, b.p + packed * g->C, 1, V, a.p, g->C, 1, m + i * m_point + packed, 1, ld, &e))
                    j->failed = 1;
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
    j->rest = j->f.turned || udl_batch_invariant() || j->panels >= 8 || j->tiles % V > V / 4 ? 0 : j->tiles % V; /* too few for a vector: sums along the channels */
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
        j->parts = UDL_MAXI(1, UDL_MINI(UDL_CEIL_DIV(16, j->blocks), units / 2));
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
    j.f = (filter_job){.turned = f.turned, .stride = f.turned ? f.c : f.o, .outer = f.turned ? g->C : g->O, .inner = f.turned ? g->O : g->C};
    j.f.point = g->C * g->O + APART;
    for (int i = 0; i < 16; i++) j.tap[i] = conv_tap(&j.t, 0, i / 4, i % 4);
    i64 most = UDL_MAXI(1, CONV_PADDED / (j.t.size * (i64)sizeof(float))), images = UDL_CEIL_DIV(N, UDL_CEIL_DIV(N, most));
    j.fresh = images == N && N * j.per_image <= 4 * NR; /* run() then makes one block of them */
    size_t us = j.fresh ? 0 : sizeof(float) * (size_t)(16 * j.f.point), pads = sizeof(float) * (size_t)(images * j.t.size);
    float *u = us ? udl_alloc(us) : 0, *xp = udl_alloc(pads);
    int status = (u || !us) && xp ? UDL_OK : UDL_ENOMEM;
    j.f.u = u, j.xp = xp;
    for (i64 i = 0; i < G && !status; i++) {
        j.f.w = w + i * g->O * g->K;
        j.bias = bias ? bias + i * g->O : 0;
        if (!j.fresh) make_filters(&j.f);
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
    const int large = g->P * g->Q >= 64; /* smaller planes are mostly border, where plain sums are short and round less */
    const i64 tiles = N * UDL_CEIL_DIV(g->P, 2) * UDL_CEIL_DIV(g->Q, 2), rest = large && tiles < 7 * NR && tiles % V <= V / 4 ? tiles % V : 0;
    const int fresh = large && tiles <= 4 * NR; /* filters stay in L2; else large ones go through memory */
    double u = 64 * C * O, filters = C * O / V * (fresh ? 80 : 60) + (u > 1e6 && !fresh ? u / 6 : 0);
    double vectors = (double)UDL_CEIL_DIV(tiles - rest, V) + 2 * (double)rest / V;
    return vectors * 16 * C * O / 2 * 1.2 + filters + pieces * (C * 50 + O * 60) + 10000;
}
