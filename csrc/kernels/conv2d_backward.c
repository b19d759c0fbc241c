/* conv2d_backward.c - the gradients of conv2d: gx from gy and w; gw, gb from gy and x.
 *
 * gx, stride 1: a convolution of gy with the filters turned by 180 degrees and channels exchanged, padding
 * dil (R - 1) - pad: the forward kernel. Other strides: per image cols = w^T gy on the matmul engine, a block of channels
 * at a time, then every tap is added to the place that it came from, in the order of taps.
 * gw[O, C R S] = sum over images of gy[O, P Q] cols^T, cols packed on demand. Images are cut into at most PARTS runs by
 * the shape, each summed in order into a part of its own, and the parts in order: the same bits for any threads.
 * gb[o] = sum of gy. Floor: as many flops as forward, each. */
#ifndef T
#include "conv2d.h"
#define UDL_THIS_FILE "kernels/conv2d_backward.c"
#define PARTS 8
#include "../each_float.h"
int KERNEL(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) { return BY_FLOAT(a->dtype, conv2d_backward_input, (a)); }
int KERNEL(conv2d_backward_weight)(const udl_conv2d_backward_weight_args *a) { return BY_FLOAT(a->dtype, conv2d_backward_weight, (a)); }
#else

/* ---- gx ------------------------------------------------------------------------------------------------------------------ */
/* w[G][O][C][R S] -> t[G][C][O][R S reversed] */
static void FN(turn)(T *t, const T *w, i64 G, i64 O, i64 C, i64 RS) {
    for (i64 g = 0; g < G; g++)
        for (i64 o = 0; o < O; o++)
            for (i64 c = 0; c < C; c++)
                for (i64 i = 0; i < RS; i++)
                    t[((g * C + c) * O + o) * RS + i] = w[((g * O + o) * C + c) * RS + RS - 1 - i];
}

typedef struct { const udl_conv *g; i64 G; T *gx; const T *gy, *w; int failed; } FN(strided_job);

/* gx of images begin..end for any stride */
static void FN(strided)(void *ctx, i64 begin, i64 end) {
    FN(strided_job) *j = ctx;
    const udl_conv *g = j->g;
    i64 PQ = g->P * g->Q, RS = g->R * g->S;
    i64 block = UDL_MAXI(1, UDL_MINI(g->C, 262144 / UDL_MAXI(1, RS * PQ))); /* channels whose columns stay in cache */
    size_t bytes = sizeof(T) * (size_t)(block * RS * PQ);
    T *cols = udl_alloc(bytes);
    if (!cols) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++)
        for (i64 c0 = 0; c0 < g->C; c0 += block) {
            i64 nc = UDL_MINI(block, g->C - c0);
            FN(gemm_job) m = {.m = nc * RS, .n = PQ, .k = g->O, .c = cols, .ldc = PQ,
                              .a = {j->w + t % j->G * g->O * g->K + c0 * RS, g->K, GEMM_A_COLUMNS},
                              .b = {j->gy + t * g->O * PQ, PQ}, .e = {.alpha = 1}};
            if (gemm_run(&m)) { j->failed = 1; break; }
            memset(j->gx + (t * g->C + c0) * g->H * g->W, 0, sizeof(T) * (size_t)(nc * g->H * g->W));
            for (i64 k = 0; k < nc * RS; k++) {
                i64 c = c0 + k / RS, r = k % RS / g->S * g->dil_h - g->pad_h, s = k % g->S * g->dil_w - g->pad_w;
                T *plane = j->gx + (t * g->C + c) * g->H * g->W;
                for (i64 p = 0; p < g->P; p++) {
                    i64 h = p * g->stride_h + r;
                    if (h < 0 || h >= g->H) continue;
                    const T *from = cols + k * PQ + p * g->Q;
                    for (i64 q = 0; q < g->Q; q++) {
                        i64 v = q * g->stride_w + s;
                        if (v >= 0 && v < g->W) plane[h * g->W + v] += from[q];
                    }
                }
            }
        }
    udl_free(cols, bytes);
}

static int FN(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) {
    i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G, RS = a->R * a->S;
    if (a->N * a->C * a->H * a->W == 0) return UDL_OK;
    if (a->P * a->Q * a->O * RS == 0) {
        memset(a->gx, 0, sizeof(T) * (size_t)(a->N * a->C * a->H * a->W));
        return UDL_OK;
    }
    i64 pad_h = a->dil_h * (a->R - 1) - a->pad_h, pad_w = a->dil_w * (a->S - 1) - a->pad_w;
    udl_conv g = conv_geometry(C, a->H, a->W, O, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h, a->pad_w, a->dil_h, a->dil_w);
    if (a->stride_h == 1 && a->stride_w == 1 && pad_h >= 0 && pad_w >= 0 && !g.plain) {
        size_t bytes = sizeof(T) * (size_t)(G * O * C * RS);
        T *turned = udl_alloc(bytes);
        if (!turned) return UDL_ENOMEM;
        FN(turn)(turned, a->w, G, O, C, RS);
        g = conv_geometry(O, a->P, a->Q, C, a->R, a->S, a->H, a->W, 1, 1, pad_h, pad_w, a->dil_h, a->dil_w);
        int status = conv_forward(&g, a->N, G, a->gx, a->gy, turned, NULL, UDL_ACT_NONE);
        udl_free(turned, bytes);
        return status;
    }
    FN(strided_job) j = {&g, G, a->gx, a->gy, a->w, 0};
    double flops = 2. * (double)O * (double)g.K * (double)(a->P * a->Q);
    i64 tasks = a->N * G;
    if (tasks < 4 || flops * (double)tasks < 2 * GEMM_TASK_FLOPS) FN(strided)(&j, 0, tasks);
    else udl_parallel_for(tasks, UDL_MAXI(1, UDL_MINI((i64)(GEMM_TASK_FLOPS / 4 / (flops + 1)), tasks / 8)), FN(strided), &j);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

/* ---- gw, gb ---------------------------------------------------------------------------------------------------------------- */
/* panels of cols^T: columns are taps, k are pixels */
static void FN(taps_panel)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(conv_image) *m = ctx;
    const udl_conv *g = m->g;
    for (i64 n = 0; n < count; n += GEMM_NR) {
        i64 nb = UDL_MINI(count - n, (i64)GEMM_NR), w = UDL_CEIL_DIV(nb, VW) * VW, tap[GEMM_NR];
        i64 p = k / g->Q, q = k % g->Q;
        for (i64 j = 0; j < w; j++) tap[j] = m->tap[first + n + UDL_MINI(j, nb - 1)];
        T *panel = to + n * kc;
        for (i64 i = 0; i < kc; i++, panel += w) {
            const T *x = m->xp + p * g->stride_h * g->Wp + q * g->stride_w;
            for (i64 j = 0; j < w; j++) panel[j] = x[tap[j]];
            if (++q == g->Q) { q = 0; p++; }
        }
    }
}

/* cols^T of a plain convolution: the image transposed */
static void FN(plain_panel)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(conv_image) *m = ctx;
    gemm_pack_b(to, m->xp + first * m->g->H * m->g->W + k, 1, m->g->H * m->g->W, kc, count);
}

typedef struct { const udl_conv *g; i64 N, G, parts; T *sum; const T *gy, *x; const i64 *tap; int failed; } FN(weight_job);

/* part t = (group, run of images): sum over its images */
static void FN(weights)(void *ctx, i64 begin, i64 end) {
    FN(weight_job) *j = ctx;
    const udl_conv *g = j->g;
    i64 PQ = g->P * g->Q;
    size_t bytes = sizeof(T) * (size_t)(g->C * g->Hp * g->Wp + CONV_SLACK);
    T *xp = g->plain ? NULL : udl_alloc(bytes);
    if (!xp && !g->plain) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        i64 group = t / j->parts, part = t % j->parts, n0 = part * j->N / j->parts, n1 = (part + 1) * j->N / j->parts;
        for (i64 n = n0; n < n1; n++) {
            const T *x = j->x + (n * j->G + group) * g->C * g->H * g->W;
            FN(conv_image) image = {g, g->plain ? x : xp, j->tap};
            if (!g->plain) conv_pad(g, xp, x);
            FN(gemm_job) m = {.m = g->O, .n = g->K, .k = PQ, .c = j->sum + (part * j->G + group) * g->O * g->K, .ldc = g->K,
                              .a = {j->gy + (n * j->G + group) * g->O * PQ, PQ, GEMM_A_ROWS},
                              .pack_b = g->plain ? FN(plain_panel) : FN(taps_panel), .ctx = &image,
                              .e = {.alpha = 1, .add = n != n0}};
            if (gemm_run(&m)) j->failed = 1;
        }
    }
    if (xp) udl_free(xp, bytes);
}

typedef struct { const T *gy; T *gb; i64 N, O, PQ; } FN(bias_job);

static void FN(bias)(void *ctx, i64 begin, i64 end) {
    const FN(bias_job) *j = ctx;
    for (i64 o = begin; o < end; o++) {
        double s = 0;
        for (i64 n = 0; n < j->N; n++) {
            const T *x = j->gy + (n * j->O + o) * j->PQ;
            vec v = v_set(0);
            i64 i = 0;
            for (; i + VW <= j->PQ; i += VW) v += v_load(x + i);
            T r = v_sum(v);
            for (; i < j->PQ; i++) r += x[i];
            s += (double)r;
        }
        j->gb[o] = (T)s;
    }
}

static int FN(conv2d_backward_weight)(const udl_conv2d_backward_weight_args *a) {
    i64 G = a->groups_act % 65536, PQ = a->P * a->Q;
    udl_conv g = conv_geometry(a->C / G, a->H, a->W, a->O / G, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h,
                               a->pad_w, a->dil_h, a->dil_w);
    i64 size = a->O * g.K;
    if (a->gb) {
        FN(bias_job) b = {a->gy, a->gb, a->N, a->O, PQ};
        udl_parallel_for(a->O, UDL_MAXI(1, 32768 / UDL_MAXI(1, a->N * PQ)), FN(bias), &b);
    }
    if (!a->gw || size == 0) return UDL_OK;
    if (a->N * PQ == 0) { memset(a->gw, 0, sizeof(T) * (size_t)size); return UDL_OK; }
    double flops = 2. * (double)size * (double)PQ * (double)a->N;
    i64 parts = UDL_MINI(UDL_MINI(a->N, (i64)PARTS), UDL_MAXI((i64)1, (8 << 20) / (size * (i64)sizeof(T))));
    parts = UDL_MAXI(1, UDL_MINI(parts, (i64)(flops / GEMM_TASK_FLOPS)));
    if (parts * G < 4) parts = 1; /* too few to share out: the engine cuts up each product instead */
    size_t taps = sizeof(i64) * (size_t)g.K, bytes = parts > 1 ? sizeof(T) * (size_t)(parts * size) : 0;
    i64 *tap = udl_alloc(taps);
    T *sum = parts > 1 ? udl_alloc(bytes) : a->gw;
    FN(weight_job) j = {&g, a->N, G, parts, sum, a->gy, a->x, tap, 0};
    if (tap && sum) {
        conv_taps(&g, tap);
        if (parts * G < 4) FN(weights)(&j, 0, parts * G);
        else udl_parallel_for(parts * G, 1, FN(weights), &j);
        for (i64 i = 0; i < size && parts > 1; i++) {
            T s = sum[i];
            for (i64 p = 1; p < parts; p++) s += sum[p * size + i];
            ((T *)a->gw)[i] = s;
        }
    }
    if (tap) udl_free(tap, taps);
    if (sum && parts > 1) udl_free(sum, bytes);
    return !tap || !sum || j.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
