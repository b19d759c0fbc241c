/* conv2d_backward_input.c - gx[N, C, H, W] from gy[N, O, P, Q] and w: the transposed convolution, gathered.
 *
 *     gx[c, h, w] = sum over o and the taps (r, s) with h + pad_h - r dil_h = p stride_h, w + pad_w - s dil_w = q stride_w
 *                   of w[o, c, r, s] gy[o, p, q]
 * Which taps these are depends on (h + pad_h) mod stride_h and (w + pad_w) mod stride_w alone. For each such phase, the rows
 * and columns of gx that have it are a convolution of stride 1 of gy with those taps, so nothing is scattered and no product
 * is wasted. With stride 1 there is one phase: the forward convolution of gy with the filters turned by 180 degrees. */
#ifndef T
#include "winograd.h"
#define UDL_THIS_FILE "kernels/conv2d_backward_input.c"
#include "../each_float.h"
int KERNEL(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) {
    return BY_FLOAT(a->dtype, conv2d_backward_input, (a));
}
#else

/* One phase: rows h0, h0 + stride_h ... (P of them), columns w0 ... (Q). `sums` has one entry a group. */
typedef struct { i64 h0, w0, P, Q, taps; i64 *tap; T *w; FN(conv_sum) *sums; } FN(phase);

typedef struct {
    udl_conv g;          /* gy padded: C = channels of gy */
    i64 G, C, H, W, stride_h, stride_w, phases;
    FN(phase) *phase;
    T *gx;
    const T *gy;
    int failed;
} FN(input_job);

/* planes of one phase to their places in gx */
static void FN(spread)(const FN(input_job) *j, const FN(phase) *f, T *gx, const T *from) {
    for (i64 c = 0; c < j->C; c++)
        for (i64 p = 0; p < f->P; p++, from += f->Q) {
            T *to = gx + (c * j->H + f->h0 + p * j->stride_h) * j->W + f->w0;
            if (j->stride_w == 1) memcpy(to, from, sizeof(T) * (size_t)f->Q);
            else if (j->stride_w == 2) for (i64 q = 0; q < f->Q; q++) to[2 * q] = from[q];
            else for (i64 q = 0; q < f->Q; q++) to[q * j->stride_w] = from[q];
        }
}

static void FN(input_images)(void *ctx, i64 begin, i64 end) { /* task = (image, group) */
    FN(input_job) *j = ctx;
    const udl_conv *g = &j->g;
    i64 plane = j->C * j->H * j->W;
    size_t bytes = sizeof(T) * (size_t)g->size, part = j->phases > 1 ? sizeof(T) * (size_t)plane : 0;
    T *gyp = udl_alloc(bytes), *piece = part ? udl_alloc(part) : 0;
    for (i64 t = begin; t < end; t++) {
        if (!gyp || (part && !piece)) { j->failed = 1; break; }
        conv_pad(g, gyp, j->gy + t * g->C * g->H * g->W, 1, 0);
        T *gx = j->gx + t * plane;
        for (i64 i = 0; i < j->phases; i++) {
            const FN(phase) *f = &j->phase[i];
            if (f->P * f->Q == 0) continue;
            if (f->taps == 0) memset(part ? piece : gx, 0, sizeof(T) * (size_t)(j->C * f->P * f->Q));
            else if (conv_run(&f->sums[t % j->G], gyp, part ? piece : gx)) j->failed = 1;
            if (part) FN(spread)(j, f, gx, piece);
        }
    }
    if (gyp) udl_free(gyp, bytes);
    if (piece) udl_free(piece, part);
}

/* first index i >= 0 with (i + pad) mod stride == phase */
static i64 FN(start)(i64 pad, i64 stride, i64 phase) { return ((phase - pad) % stride + stride) % stride; }

/* the taps of a phase, their weights [G][C][taps], and where they meet padded gy */
static int FN(make_phase)(const udl_conv2d_backward_input_args *a, FN(input_job) *j, FN(phase) *f, i64 fh, i64 fw) {
    const udl_conv *g = &j->g;
    i64 O = g->C, C = j->C, G = j->G, K = 0;
    f->h0 = FN(start)(a->pad_h, a->stride_h, fh), f->w0 = FN(start)(a->pad_w, a->stride_w, fw);
    f->P = f->h0 < a->H ? UDL_CEIL_DIV(a->H - f->h0, a->stride_h) : 0;
    f->Q = f->w0 < a->W ? UDL_CEIL_DIV(a->W - f->w0, a->stride_w) : 0;
    i64 p0 = (f->h0 + a->pad_h) / a->stride_h, q0 = (f->w0 + a->pad_w) / a->stride_w; /* p of tap 0 at the first row */
    for (i64 o = 0; o < O; o++)
        for (i64 r = a->R - 1; r >= 0; r--)
            for (i64 s = a->S - 1; s >= 0; s--) {
                if (r * a->dil_h % a->stride_h != fh || s * a->dil_w % a->stride_w != fw) continue;
                i64 p = p0 - (r * a->dil_h - fh) / a->stride_h, q = q0 - (s * a->dil_w - fw) / a->stride_w;
                f->tap[K] = (o * g->Hp + p + g->pad_h) * g->row + q + g->pad_w;
                for (i64 i = 0; i < G; i++)
                    for (i64 c = 0; c < C; c++) /* K is not known yet: rows as long as can be, closed up below */
                        f->w[(i * C + c) * g->K + K] = ((const T *)a->w)[(((i * O + o) * C + c) * a->R + r) * a->S + s];
                K++;
            }
    for (i64 i = 1; i < G * C; i++) memmove(f->w + i * K, f->w + i * g->K, sizeof(T) * (size_t)K);
    f->taps = K;
    if (K == 0 || f->P * f->Q == 0) return UDL_OK;
    int status = UDL_OK;
    for (i64 i = 0; i < G && !status; i++) {
        f->sums[i] = (FN(conv_sum)){.M = C, .K = K, .P = f->P, .Q = f->Q, .step = g->row, .ldy = f->P * f->Q, .tap = f->tap,
                                    .w = f->w + i * C * K};
        status = conv_prepare(&f->sums[i]);
    }
    return status;
}

/* Stride 1, tap by tap: gy with w[G][O][C][R S] as t[G][C][O][R S reversed] */
static int FN(input_turned)(const udl_conv2d_backward_input_args *a, const udl_conv *g, i64 G, const char *only) {
    i64 RS = a->R * a->S, O = g->C, C = g->O;
    size_t bytes = sizeof(T) * (size_t)(G * C * O * RS);
    const T *w = a->w;
    T *t = udl_alloc(bytes);
    if (!t) return UDL_ENOMEM;
    for (i64 k = 0; k < G; k++)
        for (i64 o = 0; o < O; o++)
            for (i64 c = 0; c < C; c++)
                for (i64 i = 0; i < RS; i++) t[((k * C + c) * O + o) * RS + i] = w[((k * O + o) * C + c) * RS + RS - 1 - i];
    int status = conv_direct(g, a->N, G, a->gx, a->gy, t, NULL, UDL_ACT_NONE, only);
    udl_free(t, bytes);
    return status;
}

static int FN(input_stride_1)(const udl_conv2d_backward_input_args *a, i64 G, i64 O, i64 C) {
    udl_conv g = conv_geometry(O, a->P, a->Q, C, a->R, a->S, a->H, a->W, 1, 1, a->dil_h * (a->R - 1) - a->pad_h,
                               a->dil_w * (a->S - 1) - a->pad_w, a->dil_h, a->dil_w);
    if (a->dtype != UDL_F32 || !INTERNAL(wino_pays)(&g, a->N)) return FN(input_turned)(a, &g, G, 0);
    char *bad = udl_alloc((size_t)a->N);
    if (!bad) return UDL_ENOMEM;
    memset(bad, 0, (size_t)a->N);
    int status = INTERNAL(wino_forward)(&g, a->N, G, a->gx, a->gy, a->w, (wino_filters){9, C * 9, 1}, 0, UDL_ACT_NONE, bad);
    if (!status && memchr(bad, 1, (size_t)a->N)) status = FN(input_turned)(a, &g, G, bad);
    udl_free(bad, (size_t)a->N);
    return status;
}

/* 1 x 1, stride 1, no padding: gx = w^T gy */
static int FN(input_plain)(const udl_conv2d_backward_input_args *a, i64 G) {
    i64 O = a->O / G, C = a->C / G, HW = a->H * a->W;
    udl_matmul_args m = {.out = a->gx, .a = a->w, .b = a->gy, .dtype = a->dtype, .batch = a->N, .m = C, .n = HW, .k = O,
                         .a_m = 1, .a_k = C, .b_batch = a->O * HW, .b_k = HW, .b_n = 1, .o_batch = a->C * HW, .ldo = HW,
                         .alpha = 1};
    int status = UDL_OK;
    for (i64 i = 0; i < G && !status; i++) {
        m.out = (T *)a->gx + i * C * HW;
        m.a = (const T *)a->w + i * O * C;
        m.b = (const T *)a->gy + i * O * HW;
        status = KERNEL(matmul)(&m);
    }
    return status;
}

/* rows (columns) of zeros before and the extent of gy that the taps of all phases touch */
static void FN(reach)(i64 size, i64 taps, i64 dil, i64 stride, i64 pad, i64 *before, i64 *extent) {
    /* p = (h + pad - r dil) / stride over h in 0..size-1, r in 0..taps-1, where it is whole */
    i64 low = pad - (taps - 1) * dil, high = size - 1 + pad;
    i64 first = low >= 0 ? low / stride : -UDL_CEIL_DIV(-low, stride);
    *before = first < 0 ? -first : 0;
    *extent = high / stride + 1 + *before;
}

/* the most taps that a phase has along one axis */
static i64 FN(most_taps)(i64 taps, i64 dil, i64 stride) {
    i64 most = 0;
    for (i64 f = 0; f < stride; f++) {
        i64 n = 0;
        for (i64 r = 0; r < taps; r++) n += r * dil % stride == f;
        most = UDL_MAXI(most, n);
    }
    return most;
}

static int FN(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) {
    i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G, K = O * a->R * a->S;
    if (a->N * a->C * a->H * a->W == 0) return UDL_OK;
    if (a->P * a->Q * K == 0) {
        memset(a->gx, 0, sizeof(T) * (size_t)(a->N * a->C * a->H * a->W));
        return UDL_OK;
    }
    if (conv_geometry(C, a->H, a->W, O, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h, a->pad_w, 1, 1).plain)
        return FN(input_plain)(a, G);
    if (a->stride_h == 1 && a->stride_w == 1) return FN(input_stride_1)(a, G, O, C);
    FN(input_job) j = {.G = G, .C = C, .H = a->H, .W = a->W, .stride_h = a->stride_h, .stride_w = a->stride_w,
                       .gx = a->gx, .gy = a->gy, .phases = a->stride_h * a->stride_w};
    i64 before_h, before_w, extent_h, extent_w;
    FN(reach)(a->H, a->R, a->dil_h, a->stride_h, a->pad_h, &before_h, &extent_h);
    FN(reach)(a->W, a->S, a->dil_w, a->stride_w, a->pad_w, &before_w, &extent_w);
    j.g = conv_geometry(O, a->P, a->Q, C, 1, 1, extent_h, extent_w, 1, 1, before_h, before_w, 1, 1);
    K = j.g.K = O * FN(most_taps)(a->R, a->dil_h, a->stride_h) * FN(most_taps)(a->S, a->dil_w, a->stride_w);
    /* per phase: taps, weights, sums; one allocation holds all */
    size_t per_tap = sizeof(i64) * (size_t)K, per_w = sizeof(T) * (size_t)(G * C * K), per_sum = sizeof(FN(conv_sum)) * (size_t)G;
    per_w = (per_w + 63) / 64 * 64, per_tap = (per_tap + 63) / 64 * 64;
    size_t each = sizeof(FN(phase)) + per_tap + per_w + per_sum, bytes = each * (size_t)j.phases;
    char *block = udl_alloc(bytes);
    if (!block) return UDL_ENOMEM;
    memset(block, 0, bytes);
    j.phase = (FN(phase) *)block;
    char *rest = block + sizeof(FN(phase)) * (size_t)j.phases;
    int status = UDL_OK;
    for (i64 i = 0; i < j.phases; i++, rest += per_tap + per_w + per_sum) {
        FN(phase) *f = &j.phase[i];
        f->tap = (i64 *)(void *)rest;
        f->w = (T *)(void *)(rest + per_tap);
        f->sums = (FN(conv_sum) *)(void *)(rest + per_tap + per_w);
        if (!status) status = FN(make_phase)(a, &j, f, i / a->stride_w, i % a->stride_w);
    }
    if (!status) {
        i64 grain = conv_grain(a->N * G, 2. * (double)O * (double)(C * a->R * a->S) * (double)(a->P * a->Q));
        if (grain) udl_parallel_for(a->N * G, grain, FN(input_images), &j);
        else FN(input_images)(&j, 0, a->N * G);
        if (j.failed) status = UDL_ENOMEM;
    }
    for (i64 i = 0; i < j.phases; i++)
        for (i64 k = 0; k < G; k++) conv_release(&j.phase[i].sums[k]);
    udl_free(block, bytes);
    return status;
}
#endif
