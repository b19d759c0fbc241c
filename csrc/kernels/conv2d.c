/* conv2d.c - y[N, O, P, Q] = act(x[N, C, H, W] * w[O, C/G, R, S] + b[O]), cross-correlation.
 *
 * Per image and group a product y[O, P Q] = w[O, C R S] im2col[C R S, P Q] whose right side is never built (conv_sum.c).
 * Pixels lie on the vector axis, so few channels or filters waste nothing. Images are shared out over the threads; few or
 * large ones are cut up. Floor: 2 N O P Q C R S / G flops; bytes of x, w and y. */
#ifndef T
#include "winograd.h"
#define UDL_THIS_FILE "kernels/conv2d.c"
#include "../each_float.h"
int KERNEL(conv2d)(const udl_conv2d_args *a) { return BY_FLOAT(a->dtype, conv2d, (a)); }
#else

typedef struct { const udl_conv *g; i64 G; T *y; const T *x; const FN(conv_sum) *sums; int failed; } FN(conv_job);

/* 1 x 1: a panel of B is pixels of an image as it is. Many filters read it often enough to pay for a copy whose vectors do
 * not straddle cache lines. */
static void FN(pack_plane)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(gemm_b) *b = ctx;
    gemm_pack_b(to, b->p + k * b->stride + first, b->stride, 1, kc, count);
}
#define MANY_FILTERS 48

static void FN(images)(void *ctx, i64 begin, i64 end) { /* task = (image, group) */
    FN(conv_job) *j = ctx;
    const udl_conv *g = j->g;
    size_t bytes = sizeof(T) * (size_t)g->size;
    T *xp = g->plain ? 0 : udl_alloc(bytes);
    if (!xp && !g->plain) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const T *x = j->x + t * g->C * g->H * g->W;
        const FN(conv_sum) *c = j->sums + t % j->G;
        T *y = j->y + t * g->O * g->P * g->Q;
        int status;
        if (g->plain) {
            FN(gemm_b) b = {x, g->H * g->W};
            FN(gemm_job) m = {.m = c->M, .n = g->P * g->Q, .k = g->K, .c = y, .ldc = c->ldy, .a = {c->w, g->K, GEMM_A_ROWS},
                              .pack_b = FN(pack_plane), .ctx = &b, .e = {.alpha = 1, .act = c->act, .bias_m = c->bias}};
            if (c->M < MANY_FILTERS) m.b = b;
            status = gemm_run(&m);
        } else {
            conv_pad(g, xp, x, 1, 0);
            status = conv_run(c, xp, y);
        }
        if (status) j->failed = 1;
    }
    if (xp) udl_free(xp, bytes);
}

int conv_direct(const udl_conv *g, i64 N, i64 G, T *y, const T *x, const T *w, const T *b, int act, const char *only) {
    if (only) {
        i64 X = G * g->C * g->H * g->W, Y = G * g->O * g->P * g->Q;
        for (i64 n = 0; n < N; n++)
            if (only[n] && conv_direct(g, 1, G, y + n * Y, x + n * X, w, b, act, 0)) return UDL_ENOMEM;
        return UDL_OK;
    }
    size_t taps = sizeof(i64) * (size_t)UDL_MAXI(g->K, 1), size = sizeof(FN(conv_sum)) * (size_t)G;
    i64 *tap = udl_alloc(taps);
    FN(conv_sum) *sums = udl_alloc(size);
    int status = tap && sums ? UDL_OK : UDL_ENOMEM;
    if (tap) conv_taps(g, tap);
    i64 ready = 0;
    for (; !status && ready < G; ready++) {
        i64 o = ready * g->O;
        sums[ready] = (FN(conv_sum)){.M = g->O, .K = g->K, .P = g->P, .Q = g->Q, .step = g->step, .ldy = g->P * g->Q,
                                     .tap = tap, .w = w + o * g->K, .bias = b ? b + o : 0, .act = act};
        if (!g->plain) status = conv_prepare(&sums[ready]);
    }
    if (!status && !g->plain && G == 1 && conv_batched(sums)) {
        status = conv_batch(g, sums, N, y, x);
    } else if (!status) {
        FN(conv_job) j = {g, G, y, x, sums, 0};
        i64 grain = conv_grain(N * G, 2. * (double)g->O * (double)g->K * (double)(g->P * g->Q));
        if (grain) udl_parallel_for(N * G, grain, FN(images), &j);
        else FN(images)(&j, 0, N * G);
        if (j.failed) status = UDL_ENOMEM;
    }
    for (i64 i = 0; i < ready; i++) conv_release(&sums[i]);
    if (tap) udl_free(tap, taps);
    if (sums) udl_free(sums, size);
    return status;
}

static int FN(conv2d)(const udl_conv2d_args *a) {
    i64 G = a->groups_act % 65536;
    if (a->N * a->O * a->P * a->Q == 0) return UDL_OK;
    udl_conv g = conv_geometry(a->C / G, a->H, a->W, a->O / G, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h,
                               a->pad_w, a->dil_h, a->dil_w);
    int act = (int)(a->groups_act / 65536), status = UDL_OK;
    if (a->dtype != UDL_F32 || !INTERNAL(wino_pays)(&g, a->N)) return conv_direct(&g, a->N, G, a->y, a->x, a->w, a->b, act, 0);
    char *bad = udl_alloc((size_t)a->N);
    if (!bad) return UDL_ENOMEM;
    memset(bad, 0, (size_t)a->N);
    status = INTERNAL(wino_forward)(&g, a->N, G, a->y, a->x, a->w, (wino_filters){g.K, 9, 0}, a->b, act, bad);
    if (!status) status = conv_direct(&g, a->N, G, a->y, a->x, a->w, a->b, act, bad);
    udl_free(bad, (size_t)a->N);
    return status;
}
#endif
