/* conv2d.c - y[N, O, P, Q] = act(x[N, C, H, W] * w[O, C/G, R, S] + b[O]), cross-correlation.
 *
 * Per group a product y[O, P Q] = w[O, C R S] im2col[C R S, P Q] whose right side is never built (conv_sum.c). Pixels lie on
 * the vector axis, so few channels or filters waste nothing. Images are shared out over the threads, or their pixels are. Floor: 2 N O P Q C R S / G flops; bytes of x, w and y. */
#ifndef T
#include "conv_bf16.h"
#include "gemm_act.h"
#include "tiny.h"
#include "winograd.h"
#define UDL_THIS_FILE "kernels/conv2d.c"
static int depthwise_f32(const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, const float *b, int act, int *status) {
    if (g->pairs || G < VW32 / 2 || !INTERNAL(conv_is_depthwise)(g)) return 0;
    *status = INTERNAL(conv_depthwise)(g, N, G, y, x, w, b, act);
    return 1;
}
#define depthwise_f64(...) ((void)status, 0)
#define GEOMETRY(a, G) conv_geometry((a)->C / (G), (a)->H, (a)->W, (a)->O / (G), (a)->R, (a)->S, (a)->P, (a)->Q, (a)->stride_h, \
                                     (a)->stride_w, (a)->pad_h, (a)->pad_w, (a)->dil_h, (a)->dil_w)
/* before packed filters: whose they are */
static int is_mine(const gemm_packed *p, const udl_conv *g, i64 G) {
    return p->maker == (int64_t)(intptr_t)INTERNAL(wino4_pack) && p->n == g->O && p->k == g->C && p->parts == G;
}
static const float *filters_of(const udl_conv2d_args *a, const udl_conv *g, i64 G) {
    const gemm_packed *p = a->ready;
    return p && is_mine(p, g, G) ? (const float *)(p + 1) : 0;
}
#include "../each_float.h"
int KERNEL(conv2d_filters)(const udl_conv2d_filters_args *a) {
    if (a->dtype == UDL_BF16) return INTERNAL(conv2d_filters_bf16)(a);
    const i64 G = a->groups_act % 65536;
    udl_conv g = GEOMETRY(a, G);
    if (a->bytes) {
        const int pays = a->dtype == UDL_F32 && a->N * a->O * a->P * a->Q > 0 && INTERNAL(wino_tiles)(&g, a->N) == 4 &&
                         INTERNAL(wino4_packs)(&g, a->N);
        ((i64 *)a->bytes)[1] = 1;
        *(i64 *)a->bytes = pays ? (i64)sizeof(gemm_packed) + (i64)sizeof(float) * INTERNAL(wino4_packed)(&g, G) : 0;
    }
    if (!a->ready) return UDL_OK;
    gemm_packed *p = a->ready;
    *p = (gemm_packed){.maker = (int64_t)(intptr_t)INTERNAL(wino4_pack), .n = g.O, .k = g.C, .parts = G};
    INTERNAL(wino4_pack)(&g, G, a->w, (float *)(p + 1));
    return UDL_OK;
}
/* x below TINY: y = act(conv(TINY_SCALE x) / TINY_SCALE + b) */
static int conv2d_tiny(const udl_conv2d_args *a) {
    const i64 n = a->N * a->C * a->H * a->W, PQ = a->P * a->Q;
    const float *x = a->x, *b = a->b;
    float *big = udl_alloc(sizeof(float) * (size_t)n), *y = a->y;
    if (!big) return UDL_ENOMEM;
    tiny_times(big, x, n, TINY_SCALE);
    udl_conv2d_args scaled = *a;
    scaled.x = big, scaled.b = 0, scaled.groups_act %= 65536;
    const int status = conv2d_f32(&scaled, 0), act = (int)(a->groups_act / 65536);
    for (i64 r = 0; r < a->N * a->O && !status; r++, y += PQ) {
        const float add = b ? b[r % a->O] : 0;
        i64 i = 0;
        for (; i + VW32 <= PQ; i += VW32) v_store(y + i, gemm_act_f32(v_load(y + i) * (1 / TINY_SCALE) + add, act));
        if (i < PQ) v_store_n(y + i, gemm_act_f32(v_load_n(y + i, (int)(PQ - i)) * (1 / TINY_SCALE) + add, act), (int)(PQ - i));
    }
    udl_free(big, sizeof(float) * (size_t)n);
    return status;
}
int KERNEL(conv2d)(const udl_conv2d_args *a) {
    if (!CONV_FITS(a)) return UDL_ENOMEM;
    if (TINY_MATTERS && a->dtype == UDL_F32 && row_below(a->x, a->N * a->C * a->H * a->W, TINY) > 0) return conv2d_tiny(a);
    return a->dtype == UDL_BF16 ? INTERNAL(conv2d_bf16)(a) : BY_FLOAT(a->dtype, conv2d, (a, 0));
}
int INTERNAL(conv2d_low)(const udl_conv2d_args *a, gemm_block_fn_f32 pairs) { return conv2d_f32(a, pairs); }
#else

typedef struct { const udl_conv *g; i64 G; T *y; const T *x; const FN(conv_sum) *sums; int failed; } FN(conv_job);

static void FN(images)(void *ctx, i64 begin, i64 end) { /* task = (image, group) */
    FN(conv_job) *j = ctx;
    const udl_conv *g = j->g;
    size_t bytes = sizeof(T) * (size_t)g->size;
    T *xp = g->plain ? 0 : udl_alloc(bytes);
    if (!xp && !g->plain) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const T *x = j->x + t * g->C * g->H * g->W;
        if (xp) conv_pad(g, xp, x, 1, 0);
        if (conv_run(j->sums + t % j->G, xp ? xp : x, conv_at(j->y, g->pairs, t * g->O * g->P * g->Q))) j->failed = 1;
    }
    if (xp) udl_free(xp, bytes);
}

/* Small images whose filters stay in L2: a few at a time by one thread, so that their padded copies stay there too. */
typedef struct { const udl_conv *g; const FN(conv_sum) *c; i64 N, count, distance; T *y; const T *x; int failed; } FN(some);
static void FN(some_task)(void *ctx, i64 begin, i64 end) {
    FN(some) *j = ctx;
    const udl_conv *g = j->g;
    const size_t bytes = sizeof(T) * (size_t)(j->count * g->size);
    T *xp = udl_alloc(bytes);
    if (!xp) { j->failed = 1; return; }
    for (i64 n = begin * j->count; n < UDL_MINI(end * j->count, j->N); n += j->count) {
        const i64 count = UDL_MINI(j->count, j->N - n);
        conv_pad(g, xp, j->x + n * j->distance, count, j->distance);
        if (conv_strips(j->c, 1, xp, g->size, count, conv_at(j->y, g->pairs, n * j->c->y_image))) j->failed = 1;
    }
    udl_free(xp, bytes);
}
/* how many at a time: 0 if this is not worth it */
static i64 FN(some_images)(const udl_conv *g, const FN(conv_sum) *c, i64 N) {
    const i64 item = sizeof(T), filters = c->M * c->K * item, most = UDL_MINI((CONV_SOME - filters) / (g->size * item), N / 8);
    if (sizeof(T) != 4 || UDL_VB < 32 || most < 1 || conv_on_unit(c->M, c->K, c->low) || g->P * g->Q < 2 * GEMM_NR) return 0;
    return UDL_CEIL_DIV(N, UDL_CEIL_DIV(UDL_CEIL_DIV(N, most), 2) * 2);
}

/* all images of a group as one product, as many at a time as have their padded copies in CONV_PADDED bytes */
static int FN(joined)(const udl_conv *g, const FN(conv_sum) *c, i64 N, T *y, const T *x, i64 distance) {
    if (g->plain) return conv_strips(c, 1, x, distance, N, y);
    FN(some) j = {g, c, N, FN(some_images)(g, c, N), distance, y, x, 0};
    if (j.count) {
        udl_parallel_for(UDL_CEIL_DIV(N, j.count), 1, FN(some_task), &j);
        return j.failed ? UDL_ENOMEM : UDL_OK;
    }
    i64 most = UDL_MAXI(1, CONV_PADDED / (g->size * (i64)sizeof(T))), rounds = UDL_CEIL_DIV(N, most), images = UDL_CEIL_DIV(N, rounds);
    size_t bytes = sizeof(T) * (size_t)(images * g->size);
    T *xp = udl_alloc(bytes);
    int status = xp ? UDL_OK : UDL_ENOMEM;
    for (i64 n = 0; n < N && !status; n += images) {
        i64 count = UDL_MINI(images, N - n);
        conv_pad(g, xp, x + n * distance, count, distance);
        status = conv_strips(c, 1, xp, g->size, count, conv_at(y, g->pairs, n * c->y_image));
    }
    if (xp) udl_free(xp, bytes);
    return status;
}

int conv_direct(const udl_conv *g, i64 N, i64 G, T *y, const T *x, const T *w, int turned, const T *b, int act, const char *only) {
    const i64 X = g->C * g->H * g->W, Y = g->O * g->P * g->Q;
    if (only) {
        for (i64 n = 0; n < N; n++)
            if (only[n] && conv_direct(g, 1, G, y + n * G * Y, x + n * G * X, w, turned, b, act, 0)) return UDL_ENOMEM;
        return UDL_OK;
    }
    int status;
    if (FN(depthwise)(g, N, G, y, x, w, b, act, &status)) return status;
    size_t taps = sizeof(i64) * (size_t)UDL_MAXI(g->K, 1), size = sizeof(FN(conv_sum)) * (size_t)G;
    i64 *tap = udl_alloc(taps);
    FN(conv_sum) *sums = udl_alloc(size);
    status = tap && sums ? UDL_OK : UDL_ENOMEM;
    if (tap) conv_taps(g, tap);
    i64 ready = 0;
    for (; !status && ready < G; ready++) {
        i64 o = ready * g->O;
        sums[ready] = (FN(conv_sum)){.M = g->O, .K = g->K, .P = g->P, .Q = g->Q, .step = g->step, .ldy = g->P * g->Q,
                                     .y_row = g->Q, .y_col = 1, .y_image = G * Y, .tap = tap, .w = w ? w + o * g->K : 0,
                                     .bias = b ? b + o : 0, .act = act, .turned = turned, .bare = g->plain,
                                     .low = g->low, .pairs = g->pairs};
        if (g->panels) sums[ready].ready = (const T *)(const void *)(g->panels + o * g->K);
        status = conv_prepare(&sums[ready]);
    }
    double flops = 2. * (double)g->O * (double)g->K * (double)(g->P * g->Q);
    if (!status && conv_in_strips(sums) && (G == 1 || flops * (double)N > 4 * GEMM_TASK_FLOPS)) {
        for (i64 i = 0; i < G && !status; i++) status = FN(joined)(g, sums + i, N, conv_at(y, g->pairs, i * Y), x + i * X, G * X);
    } else if (!status) {
        FN(conv_job) j = {g, G, y, x, sums, 0};
        i64 grain = conv_grain(N * G, flops);
        if (grain) udl_parallel_for(N * G, grain, FN(images), &j);
        else FN(images)(&j, 0, N * G);
        if (j.failed) status = UDL_ENOMEM;
    }
    for (i64 i = 0; i < ready; i++) conv_release(&sums[i]);
    if (tap) udl_free(tap, taps);
    if (sums) udl_free(sums, size);
    return status;
}

static int FN(conv2d)(const udl_conv2d_args *a, gemm_block_fn_f32 pairs) {
    i64 G = a->groups_act % 65536;
    if (a->N * a->O * a->P * a->Q == 0) return UDL_OK;
    udl_conv g = GEOMETRY(a, G);
    g.low = a->dtype == UDL_BF16, g.pairs = pairs, g.panels = pairs ? a->ready : 0;
    int act = (int)(a->groups_act / 65536), tiles = a->dtype == UDL_F32 ? INTERNAL(wino_tiles)(&g, a->N) : 0, status = UDL_OK;
    if (!tiles) return conv_direct(&g, a->N, G, a->y, a->x, a->w, 0, a->b, act, 0);
    char *bad = udl_alloc((size_t)a->N);
    if (!bad) return UDL_ENOMEM;
    memset(bad, 0, (size_t)a->N);
    const wino_filters f = {g.K, g.R * g.S, 0, a->dtype == UDL_F32 ? filters_of(a, &g, G) : 0};
    status = INTERNAL(wino_forward)(tiles, &g, a->N, G, a->y, a->x, a->w, f, a->b, act, bad);
    if (!status) status = conv_direct(&g, a->N, G, a->y, a->x, a->w, 0, a->b, act, bad);
    udl_free(bad, (size_t)a->N);
    return status;
}
#endif
