/* conv2d.c - y[N, O, P, Q] = act(x[N, C, H, W] * w[O, C/G, R, S] + b[O]), cross-correlation.
 *
 * Per image and group a product y[O, P Q] = w[O, C R S] cols[C R S, P Q] on the matmul engine: w is read where it lies,
 * cols is packed on demand from the padded image (conv2d.h). Pixels lie on the vector axis, so few channels or filters
 * waste nothing. Images are shared out over the threads; a single large image is cut up by the engine.
 * Floor: 2 N O P Q C R S / G flops; bytes of x, w and y. */
#ifndef T
#include "conv2d.h"
#define UDL_THIS_FILE "kernels/conv2d.c"
#include "../each_float.h"
int KERNEL(conv2d)(const udl_conv2d_args *a) { return BY_FLOAT(a->dtype, conv2d, (a)); }
#else

void conv_pad(const udl_conv *g, T *xp, const T *x) {
    for (i64 c = 0; c < g->C; c++)
        for (i64 h = 0; h < g->Hp; h++) {
            T *to = xp + (c * g->Hp + h) * g->Wp;
            i64 from = h - g->pad_h, w = UDL_MINI(g->W, g->Wp - g->pad_w);
            if (from < 0 || from >= g->H) { memset(to, 0, sizeof(T) * (size_t)g->Wp); continue; }
            for (i64 i = 0; i < g->pad_w; i++) to[i] = 0;
            memcpy(to + g->pad_w, x + (c * g->H + from) * g->W, sizeof(T) * (size_t)w);
            for (i64 i = g->pad_w + w; i < g->Wp; i++) to[i] = 0;
        }
    memset(xp + g->C * g->Hp * g->Wp, 0, sizeof(T) * CONV_SLACK);
}

/* One panel with unit column stride: runs of neighbouring pixels (at most a new one a row of the output) are copied by
 * whole vectors in ascending order, so what one run writes too much the next one, or the next k, puts right; the last k
 * is written element by element. */
static void FN(panel_runs)(T *to, const T *xp, const i64 *tap, const i64 *at, i64 nb, i64 w, i64 kc) {
    i64 start[GEMM_NR + 1], runs = 0;
    for (i64 j = 0; j < nb; j++) if (j == 0 || at[j] != at[j - 1] + 1) start[runs++] = j;
    start[runs] = nb;
    if (runs == 1 && nb == GEMM_NR) {
        for (i64 k = 0; k < kc; k++, to += w) {
            const T *x = xp + tap[k] + at[0];
            for (int v = 0; v < GEMM_NV; v++) v_store(to + v * VW, v_load(x + v * VW));
        }
        return;
    }
    for (i64 k = 0; k < kc - 1; k++, to += w) {
        const T *x = xp + tap[k];
        for (i64 r = 0; r < runs; r++)
            for (i64 j = start[r]; j < start[r + 1]; j += VW) v_store(to + j, v_load(x + at[start[r]] + (j - start[r])));
    }
    for (i64 j = 0; j < w; j++) to[j] = j < nb ? xp[tap[kc - 1] + at[j]] : 0;
}

void conv_pixels(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(conv_image) *m = ctx;
    const udl_conv *g = m->g;
    const i64 *tap = m->tap + k;
    for (i64 n = 0; n < count; n += GEMM_NR) {
        i64 nb = UDL_MINI(count - n, (i64)GEMM_NR), w = UDL_CEIL_DIV(nb, VW) * VW, at[GEMM_NR];
        i64 p = (first + n) / g->Q, q = (first + n) % g->Q;
        for (i64 j = 0; j < nb; j++) {
            at[j] = p * g->stride_h * g->Wp + q * g->stride_w;
            if (++q == g->Q) { q = 0; p++; }
        }
        T *panel = to + n * kc;
        if (g->stride_w == 1) { FN(panel_runs)(panel, m->xp, tap, at, nb, w, kc); continue; }
        for (i64 kk = 0; kk < kc; kk++, panel += w) {
            const T *x = m->xp + tap[kk];
            for (i64 j = 0; j < nb; j++) panel[j] = x[at[j]];
            for (i64 j = nb; j < w; j++) panel[j] = 0;
        }
    }
}

typedef struct { const udl_conv *g; i64 G; T *y; const T *x, *w, *b; const i64 *tap; int act, failed; } FN(conv_job);

static void FN(images)(void *ctx, i64 begin, i64 end) {
    FN(conv_job) *j = ctx;
    const udl_conv *g = j->g;
    size_t bytes = sizeof(T) * (size_t)(g->C * g->Hp * g->Wp + CONV_SLACK);
    T *xp = g->plain ? NULL : udl_alloc(bytes);
    if (!xp && !g->plain) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const T *x = j->x + t * g->C * g->H * g->W;
        FN(conv_image) image = {g, xp, j->tap};
        i64 group = t % j->G;
        if (!g->plain) conv_pad(g, xp, x);
        FN(gemm_job) m = {.m = g->O, .n = g->P * g->Q, .k = g->K, .c = j->y + t * g->O * g->P * g->Q, .ldc = g->P * g->Q,
                          .a = {j->w + group * g->O * g->K, g->K, GEMM_A_ROWS}, .b = {g->plain ? x : NULL, g->plain ? g->H * g->W : 0},
                          .pack_b = conv_pixels, .ctx = &image,
                          .e = {.alpha = 1, .act = j->act, .bias_m = j->b ? j->b + group * g->O : NULL}};
        if (gemm_run(&m)) j->failed = 1;
    }
    if (xp) udl_free(xp, bytes);
}

/* images x[N G][C H W] -> y[N G][O P Q] with the filters w[G][O][K] */
int conv_forward(const udl_conv *g, i64 N, i64 G, T *y, const T *x, const T *w, const T *b, int act) {
    size_t bytes = sizeof(i64) * (size_t)UDL_MAXI(g->K, 1);
    i64 *tap = udl_alloc(bytes), tasks = N * G;
    if (!tap) return UDL_ENOMEM;
    conv_taps(g, tap);
    FN(conv_job) j = {g, G, y, x, w, b, tap, act, 0};
    double flops = 2. * (double)g->O * (double)g->K * (double)(g->P * g->Q);
    if (tasks < 4 || flops * (double)tasks < 2 * GEMM_TASK_FLOPS) FN(images)(&j, 0, tasks);
    else udl_parallel_for(tasks, UDL_MAXI(1, UDL_MINI((i64)(GEMM_TASK_FLOPS / 4 / (flops + 1)), tasks / 8)), FN(images), &j);
    udl_free(tap, bytes);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

static int FN(conv2d)(const udl_conv2d_args *a) {
    i64 G = a->groups_act % 65536;
    if (a->N * a->O * a->P * a->Q == 0) return UDL_OK;
    udl_conv g = conv_geometry(a->C / G, a->H, a->W, a->O / G, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h,
                               a->pad_w, a->dil_h, a->dil_w);
    return conv_forward(&g, a->N, G, a->y, a->x, a->w, a->b, (int)(a->groups_act / 65536));
}
#endif
