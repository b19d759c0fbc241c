/* conv_weight_taps.c - the gradient of the filters, turned: gw^T[K, O] = im2col[K, N P Q] gy^T[N P Q, O] (conv2d_backward_weight.c).
 *
 * Turned this way the left side needs no copy: a row of it is a tap, whose pixels lie side by side in the padded image, and the
 * micro-kernel reads GEMM_MR taps there, a number at a time. Only gy is transposed, GEMM_NR filters and PIXELS pixels at once, right
 * before the taps of a block go over it.
 *     task = block of channels x part      parts: runs of images or, of few images, of pixels; their sums are added in order
 *     sums of a task, [taps][filters], stay in L2, a panel of gy^T in L1
 * Floor: 2 N P Q K O flops. */
#ifndef T
#include "columns.h"
#include "conv2d.h"
#include "gemm_tile.h"
#define PIXELS 256
#define SUMS (256 << 10) /* bytes of a task's sums */
#define FEW_IMAGES 4     /* fewer are padded beforehand, and cut up, */
#define PADDED (64 << 20) /* unless they take more than so many bytes */
#define PARTS 16
#define UDL_THIS_FILE "kernels/conv_weight_taps.c"
#include "../each_float.h"
#else

typedef struct { i64 rows, columns, step; } FN(window); /* pixels of a panel: rows of the output, `step` apart in the image */

/* c[i][0..NV VW) += sum over the window of x[tap[i] + pixel] b[pixel], in chains of about CONV_CHUNK products. MR, NV are constants. */
VFN void FN(tap_tile)(int MR, int NV, FN(window) w, const T *x, const i64 *tap, const T *b, T *c, i64 ldc, int add) {
    vec acc[GEMM_MR][GEMM_NV];
    const T *a[GEMM_MR];
    T sums[GEMM_MR * GEMM_NR];
#define EACH _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++)
#define STEP(u)                                                                                                        \
    do {                                                                                                               \
        vec bv[GEMM_NV];                                                                                               \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) bv[j] = v_load(b + ((u) * NV + j) * VW);                  \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {                                                        \
            const vec s = v_set(a[i][q + (u)]);                                                                        \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) FN(tile_fma)(&acc[i][j], bv[j], s);                   \
        }                                                                                                              \
        EACH GEMM_PIN(acc[i][j]);                                                                                      \
    } while (0)
    EACH { acc[i][j] = (vec){0}; GEMM_PIN(acc[i][j]); }
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) a[i] = x + tap[i];
    i64 since = 0, laid = 0;
    for (i64 p = 0;;) {
        for (i64 q = 0, end; q < w.columns;) {
            end = w.columns - q < CONV_CHUNK + CONV_CHUNK / 2 ? w.columns : q + CONV_CHUNK;
            if (since && since + end - q > CONV_CHUNK + CONV_CHUNK / 2) {
                if (laid) EACH acc[i][j] += v_load(sums + i * GEMM_NR + j * VW);
                EACH { v_store(sums + i * GEMM_NR + j * VW, acc[i][j]); acc[i][j] = (vec){0}; GEMM_PIN(acc[i][j]); }
                laid = 1, since = 0;
            }
            since += end - q;
            for (; q + 4 <= end; q += 4, b += 4 * NV * VW) { STEP(0); STEP(1); STEP(2); STEP(3); }
            for (; q < end; q++, b += NV * VW) STEP(0);
        }
        if (++p == w.rows) break;
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) a[i] += w.step;
    }
    if (laid) EACH acc[i][j] += v_load(sums + i * GEMM_NR + j * VW);
    if (add) EACH acc[i][j] += v_load(c + i * ldc + j * VW);
    EACH v_store(c + i * ldc + j * VW, acc[i][j]);
#undef STEP
#undef EACH
}

typedef void (*FN(tap_tile_fn))(FN(window) w, const T *x, const i64 *tap, const T *b, T *c, i64 ldc, int add);
#define MICRO(mr, nv)                                                                                                  \
    static void FN(tap_tile_##mr##x##nv)(FN(window) w, const T *x, const i64 *tap, const T *b, T *c, i64 ldc, int add) { \
        FN(tap_tile)(mr, nv, w, x, tap, b, c, ldc, add);                                                               \
    }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {FN(tap_tile_##mr##x1), FN(tap_tile_##mr##x2)},
EACH_MR(MICROS)
static const FN(tap_tile_fn) FN(tap_tiles)[GEMM_MR][GEMM_NV] = {EACH_MR(NAMES)};
#undef MICRO
#undef MICROS
#undef NAMES

typedef struct {
    udl_conv g; /* of plain images: one row of all pixels */
    i64 N, G, wide, channels, blocks, parts; /* wide: filters in whole vectors; channels of a block */
    const i64 *tap;                          /* of the first channels */
    const T *gy, *x, *xp;                    /* xp: NULL, or padded images of the group */
    T *sums;                                 /* [part][K][wide] */
    int failed;
} FN(taps_job);

/* sums of channels c.. of one image (at x, padded) and its gradient gy, rows or columns from.. to of its output */
static void FN(image_taps)(const FN(taps_job) *j, i64 channels, const T *x, const T *gy, i64 from, i64 to, T *panel, T *sums, int add) {
    const udl_conv *g = &j->g;
    const i64 PQ = g->P * g->Q, K = channels * g->R * g->S, rows = g->Q > PIXELS ? 1 : PIXELS / g->Q;
    for (i64 at = from, n; at < to; at += n) {
        const i64 p = at / g->Q, q = at % g->Q;
        const FN(window) whole = {UDL_MINI(rows, (to - at) / g->Q), g->Q, g->step};
        const FN(window) part = {1, UDL_MINI(UDL_MINI(g->Q - q, to - at), (i64)PIXELS), 0};
        const FN(window) here = q || g->Q > PIXELS || !whole.rows ? part : whole;
        n = here.rows * here.columns;
        for (i64 o = 0; o < g->O; o += GEMM_NR) {
            const i64 nb = UDL_MINI(g->O - o, (i64)GEMM_NR), nv = UDL_CEIL_DIV(nb, VW);
            gemm_pack_b(panel, gy + o * PQ + at, 1, PQ, n, nb);
            for (i64 k = 0, mr; k < K; k += mr) {
                mr = gemm_rows(K - k);
                FN(tap_tiles)[mr - 1][nv - 1](here, x + p * g->step + q, j->tap + k, panel, sums + k * j->wide + o, j->wide,
                                              add || at > from);
            }
        }
    }
}

static void FN(taps_task)(void *ctx, i64 begin, i64 end) { /* task = (part, block of channels) of a group whose x and gy these are */
    FN(taps_job) *j = ctx;
    const udl_conv *g = &j->g;
    const i64 PQ = g->P * g->Q, RS = g->R * g->S, plane = g->Hp * g->row, HW = g->H * g->W, units = j->xp ? j->N * PQ : j->N;
    const size_t bytes = sizeof(T) * (size_t)(PIXELS * GEMM_NR + (g->plain || j->xp ? 0 : j->channels * plane + 64));
    T *panel = udl_alloc(bytes), *own = panel + PIXELS * GEMM_NR;
    if (!panel) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const i64 part = t / j->blocks, c = t % j->blocks * j->channels, u0 = part * units / j->parts, u1 = (part + 1) * units / j->parts;
        udl_conv block = *g;
        block.C = UDL_MINI(j->channels, g->C - c);
        T *sums = j->sums + (part * g->C + c) * RS * j->wide;
        const i64 each = j->xp ? PQ : 1; /* units of an image */
        for (i64 u = u0, next; u < u1; u = next) {
            const i64 n = u / each, from = j->xp ? u % PQ : 0;
            next = UDL_MINI((n + 1) * each, u1);
            const T *x = j->x + (n * j->G * g->C + c) * HW, *gy = j->gy + n * j->G * g->O * PQ;
            if (j->xp && !g->plain) x = j->xp + n * g->size + c * plane;
            else if (!g->plain) conv_pad(&block, own, x, 1, 0), x = own;
            FN(image_taps)(j, block.C, x, gy, from, j->xp ? from + next - u : PQ, panel, sums, u > u0);
        }
        if (u0 == u1) memset(sums, 0, sizeof(T) * (size_t)(block.C * RS * j->wide));
    }
    udl_free(panel, bytes);
}

/* gw[o][k] = sum over parts of sums[part][k][o], for taps of `begin` .. `end` vectors */
typedef struct { const FN(taps_job) *j; T *gw; } FN(turn_back);
static void FN(turn_task)(void *ctx, i64 begin, i64 end) {
    const FN(turn_back) *r = ctx;
    const FN(taps_job) *j = r->j;
    const i64 K = j->g.K, O = j->g.O, size = K * j->wide, k0 = begin * VW, k1 = UDL_MINI(end * VW, K);
    for (i64 i = k0 * j->wide; i < k1 * j->wide; i += VW) {
        vec s = v_load(j->sums + i);
        for (i64 p = 1; p < j->parts; p++) s += v_load(j->sums + p * size + i);
        v_store(j->sums + i, s);
    }
    i64 k = k0;
    for (; k + VW <= k1; k += VW) {
        const T *row[VW];
        for (int i = 0; i < VW; i++) row[i] = j->sums + (k + i) * j->wide;
        for (i64 o = 0; o < O; o += FN(KS)) {
            vec q[FN(KS)];
            FN(columns)(row, o, q);
            for (i64 e = 0; e < UDL_MINI(O - o, (i64)FN(KS)); e++) v_store(r->gw + (o + e) * K + k, q[e]);
        }
    }
    for (; k < k1; k++)
        for (i64 o = 0; o < O; o++) r->gw[o * K + k] = j->sums[k * j->wide + o];
}

/* Pays for as many filters as fill vectors, behind more pixels than gw has to be turned round for. */
int conv_weight_taps_pays(const udl_conv *g, i64 N) {
    return !GEMM_MATRIX_UNIT && g->O >= VW && g->K >= GEMM_MR && g->P * g->Q >= 64 && N * g->P * g->Q >= PIXELS;
}

int conv_weight_taps(const udl_conv *geometry, i64 N, i64 G, T *gw, const T *gy, const T *x) {
    FN(taps_job) j = {.g = *geometry, .N = N, .G = G, .wide = UDL_CEIL_DIV(geometry->O, VW) * VW, .parts = 1};
    udl_conv *g = &j.g;
    const i64 RS = g->R * g->S, item = sizeof(T), HW = g->H * g->W;
    if (g->plain) g->Q *= g->P, g->P = 1, g->row = g->Wq = g->step = HW, g->Hp = 1; /* tap[c] = c H W */
    j.channels = UDL_MAXI(1, UDL_MINI(g->C, SUMS / (RS * j.wide * item)));
    j.blocks = UDL_CEIL_DIV(g->C, j.channels);
    const double flops = 2. * (double)g->O * (double)g->K * (double)(N * g->P * g->Q);
    const int beforehand = N == 1 || (N < FEW_IMAGES && (g->plain || N * g->size * item <= PADDED));
    const i64 want = (i64)UDL_MINI(flops / GEMM_TASK_FLOPS, (double)PARTS), units = beforehand ? PARTS : N;
    if (j.blocks < want) j.parts = UDL_MAXI(1, UDL_MINI(UDL_CEIL_DIV(want, j.blocks), UDL_MINI(units, (i64)PARTS)));
    if (j.blocks == 1 && j.parts % 2 && j.parts > 1) j.parts--;
    j.channels = UDL_CEIL_DIV(g->C, j.blocks);
    j.blocks = UDL_CEIL_DIV(g->C, j.channels);
    const size_t taps = sizeof(i64) * (size_t)g->K, sums = sizeof(T) * (size_t)(j.parts * g->K * j.wide);
    const size_t padded = beforehand && !g->plain ? sizeof(T) * (size_t)(N * g->size) : 0;
    i64 *tap = udl_alloc(taps);
    T *xp = padded ? udl_alloc(padded) : 0;
    j.sums = udl_alloc(sums), j.tap = tap;
    int status = tap && j.sums && (xp || !padded) ? UDL_OK : UDL_ENOMEM;
    if (!status) conv_taps(g, tap);
    for (i64 i = 0; i < G && !status; i++) {
        j.x = x + i * g->C * HW, j.gy = gy + i * g->O * g->P * g->Q;
        if (padded) conv_pad(g, xp, j.x, N, G * g->C * HW);
        j.xp = beforehand ? padded ? xp : j.x : 0;
        const i64 tasks = j.parts * j.blocks;
        udl_parallel_for(tasks, UDL_MAXI(1, (i64)((double)tasks * GEMM_TASK_FLOPS / 2 / (flops + 1))), FN(taps_task), &j);
        FN(turn_back) back = {&j, gw + i * g->O * g->K};
        udl_parallel_for(UDL_CEIL_DIV(g->K, VW), UDL_MAXI(1, 32768 / (j.wide * VW * j.parts)), FN(turn_task), &back);
        if (j.failed) status = UDL_ENOMEM;
    }
    if (tap) udl_free(tap, taps);
    if (xp) udl_free(xp, padded);
    if (j.sums) udl_free(j.sums, sums);
    return status;
}
#endif
