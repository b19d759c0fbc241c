/* conv2d_backward_input.c - gx[N, C, H, W] from gy[N, O, P, Q] and w: the transposed convolution, gathered.
 *
 *     gx[c, h, w] = sum over o and the taps (r, s) with h + pad_h - r dil_h = p stride_h, w + pad_w - s dil_w = q stride_w
 *                   of w[o, c, r, s] gy[o, p, q]
 * Which taps these are depends on (h + pad_h) mod stride_h and (w + pad_w) mod stride_w alone. For each such phase, the rows
 * and columns of gx that have it are a convolution of stride 1 of gy with those taps, so nothing is scattered and no product
 * is wasted. With stride 1 there is one phase: the forward convolution of gy with the filters turned by 180 degrees. */
#ifndef T
#include "conv_bf16.h"
#include "lanes.h"
#include "winograd.h"
#define UDL_THIS_FILE "kernels/conv2d_backward_input.c"
/* filters or, for pairs, half of them: the rows of those turned round are zipped then */
static i64 filters_of(i64 O, gemm_block_fn_f32 pairs) { return pairs ? (O + 1) / 2 : O; }
#define zip_f32(pairs, to, from, O, taps, C) (GEMM_MATRIX_UNIT && (pairs) ? INTERNAL(zip_filters)(to, from, O, taps, C) : (void)0)
#define zip_f64(pairs, to, from, O, taps, C) (void)0
#include "../each_float.h"
int KERNEL(conv2d_backward_input)(const udl_conv2d_backward_input_args *a) {
    if (!CONV_FITS(a)) return UDL_ENOMEM;
    return a->dtype == UDL_BF16 ? INTERNAL(conv2d_backward_input_bf16)(a) : BY_FLOAT(a->dtype, conv2d_backward_input, (a, 0));
}
int INTERNAL(conv2d_backward_input_low)(const udl_conv2d_backward_input_args *a, gemm_block_fn_f32 pairs) {
    return conv2d_backward_input_f32(a, pairs);
}
#else

/* ---- filters with channels innermost ---------------------------------------------------------------------------------- */
/* t[o][i][c] = w[o][c][pick[i]] for `count` picked taps of RS */
typedef struct { T *t; const T *w; i64 C, RS, count; const i64 *pick; } FN(turning);
#define RS_MOST 64 /* taps that are transposed in registers */

VFN void FN(turn_channels)(const FN(turning) *j, T *t, const T *w) { /* VW channels */
    const T *row[VW];
    vec q[RS_MOST];
    for (int r = 0; r < VW; r++) row[r] = w + r * j->RS;
    for (i64 k = 0; k < j->RS; k += FN(KS)) {
        i64 at = UDL_MINI(k, j->RS - FN(KS));
        FN(columns)(row, at, q + at);
    }
    for (i64 i = 0; i < j->count; i++) v_store(t + i * j->C, q[j->pick[i]]);
}
static void FN(turn_task)(void *ctx, i64 begin, i64 end) { /* filters, of all groups */
    const FN(turning) *j = ctx;
    for (i64 o = begin; o < end; o++) {
        T *t = j->t + o * j->count * j->C;
        const T *w = j->w + o * j->C * j->RS;
        i64 c = 0;
        if (j->RS >= FN(KS) && j->RS <= RS_MOST)
            for (; c + VW <= j->C; c += VW) FN(turn_channels)(j, t + c, w + c * j->RS);
        for (i64 i = 0; i < j->count; i++)
            for (i64 k = c; k < j->C; k++) t[i * j->C + k] = w[k * j->RS + j->pick[i]];
    }
}
static void FN(turn)(T *t, const T *w, i64 filters, i64 C, i64 RS, i64 count, const i64 *pick) {
    FN(turning) j = {t, w, C, RS, count, pick};
    udl_parallel_for(filters, UDL_MAXI(1, 32768 / UDL_MAXI(C * RS, 1)), FN(turn_task), &j);
}

/* ---- phases ------------------------------------------------------------------------------------------------------------ */
#define FEW 16 /* channels for which packing pixels does not pay */
/* One phase: rows h0, h0 + stride_h ... (P of them), columns w0 ... (Q). `sums` has one entry a group. */
typedef struct { i64 h0, w0, P, Q, taps; i64 *tap; T *w; FN(conv_sum) *sums; } FN(phase);

typedef struct {
    udl_conv g;          /* gy padded: C = channels of gy */
    i64 N, G, C, H, W, stride_h, stride_w, phases;
    FN(phase) *phase;
    T *gx;
    const T *gy;
    int failed;
} FN(input_job);

/* planes of one phase to their places in gx, or zeros where there is no `from` */
static void FN(spread)(const FN(input_job) *j, const FN(phase) *f, T *gx, const T *from) {
    for (i64 c = 0; c < j->C; c++)
        for (i64 p = 0; p < f->P; p++) {
            T *to = gx + (c * j->H + f->h0 + p * j->stride_h) * j->W + f->w0;
            for (i64 q = 0; q < f->Q; q++) to[q * j->stride_w] = from ? *from++ : 0;
        }
}
/* the same for the two phases of the columns where stride_w is 2: their numbers take turns */
static void FN(spread_two)(const FN(input_job) *j, const FN(phase) *f, T *gx, const T *const from[2]) {
    const int first = f[0].w0 != 0;
    for (i64 c = 0; c < j->C; c++)
        for (i64 p = 0; p < f->P; p++) {
            T *to = gx + (c * j->H + f->h0 + p * j->stride_h) * j->W;
            const T *even = from[first], *odd = from[!first];
            if (even) even += (c * f->P + p) * f[first].Q;
            if (odd) odd += (c * f->P + p) * f[!first].Q;
            for (i64 w = 0; w < j->W; w += 2 * VW) {
                const i64 left = j->W - w, n = UDL_MINI((left + 1) / 2, (i64)VW), m = UDL_MINI(left / 2, (i64)VW);
                const vec a = even ? v_load_n(even + w / 2, (int)n) : v_set(0), b = odd ? v_load_n(odd + w / 2, (int)m) : v_set(0);
                v_store_n(to + w, v_zip_lo(a, b), (int)UDL_MINI(left, (i64)VW));
                if (left > VW) v_store_n(to + w + VW, v_zip_hi(a, b), (int)UDL_MINI(left - VW, (i64)VW));
            }
        }
}

static void FN(input_images)(void *ctx, i64 begin, i64 end) { /* few channels; task = (image, group) */
    FN(input_job) *j = ctx;
    const udl_conv *g = &j->g;
    i64 plane = j->C * j->H * j->W, pair = j->stride_w == 2 ? 2 : 1;
    size_t bytes = sizeof(T) * (size_t)g->size, part = sizeof(T) * (size_t)(pair * plane);
    T *gyp = udl_alloc(bytes), *piece = udl_alloc(part);
    for (i64 t = begin; t < end; t++) {
        if (!gyp || !piece) { j->failed = 1; break; }
        conv_pad(g, gyp, j->gy + t * g->C * g->H * g->W, 1, 0);
        for (i64 i = 0; i < j->phases; i += pair) {
            const FN(phase) *f = &j->phase[i];
            const T *from[2] = {0, 0};
            for (i64 k = 0; k < pair; k++) {
                if (f[k].P * f[k].Q == 0 || !f[k].taps) continue;
                if (conv_run(&f[k].sums[t % j->G], gyp, piece + k * plane)) j->failed = 1;
                from[k] = piece + k * plane;
            }
            if (pair == 2) FN(spread_two)(j, f, j->gx + t * plane, from);
            else FN(spread)(j, f, j->gx + t * plane, from[0]);
        }
    }
    if (gyp) udl_free(gyp, bytes);
    if (piece) udl_free(piece, part);
}

static void FN(zeros)(void *ctx, i64 begin, i64 end) { /* phases without taps; task = image of a group */
    const FN(input_job) *j = ctx;
    const i64 plane = j->C * j->H * j->W;
    int without = 0;
    for (i64 i = 0; i < j->phases; i++) without |= !j->phase[i].taps;
    if (without && j->g.pairs) memset((uint16_t *)(void *)j->gx + begin * plane, 0, 2 * (size_t)((end - begin) * plane));
    for (i64 t = begin; t < end && without && !j->g.pairs; t++)
        for (i64 i = 0; i < j->phases; i++)
            if (!j->phase[i].taps) FN(spread)(j, &j->phase[i], j->gx + t * plane, 0);
}

/* Do the pixels of f and of the next phase take turns along whole rows? */
static int FN(turns)(const FN(input_job) *j, const FN(phase) *f) {
    return j->stride_w == 2 && f < j->phase + j->phases - 1 && (f - j->phase) % 2 == 0 && !j->g.pairs && f[1].taps && f[0].Q == f[1].Q &&
           f[0].P == f[1].P && !(sizeof(T) == 4 && conv_on_unit(j->C, UDL_MAXI(f[0].taps, f[1].taps), j->g.low));
}

/* more channels: phase by phase, the images of a group together, as many as have their padded copies in CONV_PADDED bytes */
static int FN(input_joined)(FN(input_job) *j) {
    const udl_conv *g = &j->g;
    i64 plane = j->C * j->H * j->W, gy_plane = g->C * g->H * g->W;
    i64 most = UDL_MAXI(1, CONV_PADDED / (g->size * (i64)sizeof(T))), images = UDL_CEIL_DIV(j->N, UDL_CEIL_DIV(j->N, most));
    size_t bytes = sizeof(T) * (size_t)(images * g->size);
    T *gyp = udl_alloc(bytes);
    int status = gyp ? UDL_OK : UDL_ENOMEM;
    udl_parallel_for(j->N * j->G, UDL_MAXI(1, 32768 / plane), FN(zeros), j);
    for (i64 n = 0; n < j->N * j->G && !status; n += images) { /* n runs over the images of group 0, then of group 1 */
        i64 group = n / j->N, first = n % j->N;
        images = UDL_MINI(images, j->N - first);
        conv_pad(g, gyp, j->gy + (first * j->G + group) * gy_plane, images, j->G * gy_plane);
        for (i64 i = 0; i < j->phases && !status; i++) {
            const FN(phase) *f = &j->phase[i];
            T *to = conv_at(j->gx, g->pairs, (first * j->G + group) * plane + f->h0 * j->W + f->w0);
            if (!f->taps || !f->P || !f->Q) continue;
            if (!FN(turns)(j, f)) {
                status = conv_strips(&f->sums[group], 1, gyp, g->size, images, to);
                continue;
            }
            const int first_of = f->w0 != 0; /* which of the two begins the rows */
            const FN(conv_sum) two[2] = {f[first_of].sums[group], f[!first_of].sums[group]};
            status = conv_strips(two, 2, gyp, g->size, images, to - f->w0);
            i++;
        }
    }
    if (gyp) udl_free(gyp, bytes);
    return status;
}

/* first index i >= 0 with (i + pad) mod stride == phase */
static i64 FN(start)(i64 pad, i64 stride, i64 phase) { return ((phase - pad) % stride + stride) % stride; }

/* the taps of a phase, their weights [G][taps][C], and where they meet padded gy */
static int FN(make_phase)(const udl_conv2d_backward_input_args *a, FN(input_job) *j, FN(phase) *f, i64 fh, i64 fw, i64 *pick) {
    const udl_conv *g = &j->g;
    i64 O = a->O / j->G, OP = g->C, C = j->C, G = j->G, count = 0;
    f->h0 = FN(start)(a->pad_h, a->stride_h, fh), f->w0 = FN(start)(a->pad_w, a->stride_w, fw);
    f->P = f->h0 < a->H ? UDL_CEIL_DIV(a->H - f->h0, a->stride_h) : 0;
    f->Q = f->w0 < a->W ? UDL_CEIL_DIV(a->W - f->w0, a->stride_w) : 0;
    i64 p0 = (f->h0 + a->pad_h) / a->stride_h, q0 = (f->w0 + a->pad_w) / a->stride_w; /* p of tap 0 at the first row */
    for (i64 r = a->R - 1; r >= 0; r--)
        for (i64 s = a->S - 1; s >= 0; s--) {
            if (r * a->dil_h % a->stride_h != fh || s * a->dil_w % a->stride_w != fw) continue;
            i64 p = p0 - (r * a->dil_h - fh) / a->stride_h, q = q0 - (s * a->dil_w - fw) / a->stride_w;
            f->tap[count] = (p + g->pad_h) * g->row + q + g->pad_w;
            pick[count++] = r * a->S + s;
        }
    f->taps = OP * count;
    if (f->taps == 0 || f->P * f->Q == 0) return UDL_OK;
    for (i64 o = 1; o < OP; o++)
        for (i64 i = 0; i < count; i++) f->tap[o * count + i] = o * g->Hp * g->row + f->tap[i];
    FN(turn)(f->w, a->w, G * O, C, a->R * a->S, count, pick);
    int status = UDL_OK, apart = C > FEW;
    for (i64 i = 0; i < G && !status; i++) {
        FN(zip)(g->pairs, f->w + i * f->taps * C, f->w + i * O * count * C, O, count, C);
        f->sums[i] = (FN(conv_sum)){.M = C, .K = f->taps, .P = f->P, .Q = f->Q, .step = g->row, .tap = f->tap,
                                    .turned = 1, .low = g->low, .pairs = g->pairs,
                                    .w = f->w + i * f->taps * C, .y_image = G * C * a->H * a->W,
                                    .ldy = apart ? a->H * a->W : f->P * f->Q, .y_row = apart ? a->stride_h * a->W : f->Q,
                                    .y_col = apart ? a->stride_w : 1};
        status = conv_prepare(&f->sums[i]);
    }
    return status;
}

/* Stride 1, tap by tap: gy with w[G][O][C][R S] as t[G][O][R S reversed][C] */
static int FN(input_turned)(const udl_conv2d_backward_input_args *a, const udl_conv *g, i64 G, const char *only) {
    i64 RS = a->R * a->S, O = a->O / G, C = g->O;
    if (RS == 1 && !g->pairs) return conv_direct(g, a->N, G, a->gx, a->gy, a->w, 1, NULL, UDL_ACT_NONE, only);
    size_t bytes = sizeof(T) * (size_t)(G * C * O * RS), picks = sizeof(i64) * (size_t)RS;
    T *t = udl_alloc(bytes);
    i64 *pick = udl_alloc(picks);
    int status = t && pick ? UDL_OK : UDL_ENOMEM;
    if (!status) {
        for (i64 i = 0; i < RS; i++) pick[i] = RS - 1 - i;
        FN(turn)(t, a->w, G * O, C, RS, RS, pick);
        for (i64 i = 0; i < G; i++) FN(zip)(g->pairs, t + i * g->C * RS * C, t + i * O * RS * C, O, RS, C);
        status = conv_direct(g, a->N, G, a->gx, a->gy, t, 1, NULL, UDL_ACT_NONE, only);
    }
    if (t) udl_free(t, bytes);
    if (pick) udl_free(pick, picks);
    return status;
}

static int FN(input_stride_1)(const udl_conv2d_backward_input_args *a, i64 G, i64 O, i64 C, gemm_block_fn_f32 pairs) {
    udl_conv g = conv_geometry(filters_of(O, pairs), a->P, a->Q, C, a->R, a->S, a->H, a->W, 1, 1, a->dil_h * (a->R - 1) - a->pad_h,
                               a->dil_w * (a->S - 1) - a->pad_w, a->dil_h, a->dil_w);
    g.low = a->dtype == UDL_BF16, g.pairs = pairs;
    int tiles = a->dtype == UDL_F32 ? INTERNAL(wino_tiles)(&g, a->N) : 0;
    if (!tiles) return FN(input_turned)(a, &g, G, 0);
    char *bad = udl_alloc((size_t)a->N);
    if (!bad) return UDL_ENOMEM;
    memset(bad, 0, (size_t)a->N);
    const wino_filters f = {g.R * g.S, C * g.R * g.S, 1, 0};
    int status = INTERNAL(wino_forward)(tiles, &g, a->N, G, a->gx, a->gy, a->w, f, 0, UDL_ACT_NONE,
                                        bad);
    if (!status && memchr(bad, 1, (size_t)a->N)) status = FN(input_turned)(a, &g, G, bad);
    udl_free(bad, (size_t)a->N);
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

/* the most taps that a phase has along one axis: r dil mod stride comes again after stride / gcd(dil, stride) of them */
static i64 FN(most_taps)(i64 taps, i64 dil, i64 stride) {
    i64 a = dil, b = stride;
    while (b) { const i64 r = a % b; a = b, b = r; }
    return UDL_CEIL_DIV(taps, stride / a);
}
/* phases along an axis: with long strides those alone that have a pixel. They come in the order of their first pixels then. */
static i64 FN(phases)(i64 size, i64 stride) { return stride > 2 ? UDL_MINI(size, stride) : stride; }
static i64 FN(nth_phase)(i64 i, i64 stride, i64 pad) { return stride > 2 ? (i + pad) % stride : i; }

static int FN(conv2d_backward_input)(const udl_conv2d_backward_input_args *a, gemm_block_fn_f32 pairs) {
    i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G, K = O * a->R * a->S;
    if (a->N * a->C * a->H * a->W == 0) return UDL_OK;
    if (a->P * a->Q * K == 0) {
        memset(a->gx, 0, sizeof(T) * (size_t)(a->N * a->C * a->H * a->W));
        return UDL_OK;
    }
    if (a->stride_h == 1 && a->stride_w == 1) return FN(input_stride_1)(a, G, O, C, pairs);
    int done;
    if (a->dtype == UDL_F32 && INTERNAL(conv_depthwise_input)(a, &done)) return done;
    FN(input_job) j = {.N = a->N, .G = G, .C = C, .H = a->H, .W = a->W, .stride_h = a->stride_h, .stride_w = a->stride_w,
                       .gx = a->gx, .gy = a->gy};
    const i64 across = FN(phases)(a->W, a->stride_w);
    j.phases = FN(phases)(a->H, a->stride_h) * across;
    i64 before_h, before_w, extent_h, extent_w;
    FN(reach)(a->H, a->R, a->dil_h, a->stride_h, a->pad_h, &before_h, &extent_h);
    FN(reach)(a->W, a->S, a->dil_w, a->stride_w, a->pad_w, &before_w, &extent_w);
    j.g = conv_geometry(filters_of(O, pairs), a->P, a->Q, C, 1, 1, extent_h, extent_w, 1, 1, before_h, before_w, 1, 1);
    j.g.low = a->dtype == UDL_BF16, j.g.pairs = pairs;
    K = j.g.K = O * FN(most_taps)(a->R, a->dil_h, a->stride_h) * FN(most_taps)(a->S, a->dil_w, a->stride_w);
    /* per phase: taps, weights, sums; one allocation holds all */
    size_t per_tap = sizeof(i64) * (size_t)K, per_w = sizeof(T) * (size_t)(G * C * K), per_sum = sizeof(FN(conv_sum)) * (size_t)G;
    size_t picks = sizeof(i64) * (size_t)(a->R * a->S);
    per_w = (per_w + 63) / 64 * 64, per_tap = (per_tap + 63) / 64 * 64;
    size_t each = sizeof(FN(phase)) + per_tap + per_w + per_sum, bytes = each * (size_t)j.phases + picks;
    char *block = udl_alloc(bytes);
    if (!block) return UDL_ENOMEM;
    memset(block, 0, sizeof(FN(phase)) * (size_t)j.phases);
    j.phase = (FN(phase) *)block;
    char *rest = block + sizeof(FN(phase)) * (size_t)j.phases;
    i64 *pick = (i64 *)(void *)(rest + (each - sizeof(FN(phase))) * (size_t)j.phases);
    int status = UDL_OK;
    for (i64 i = 0; i < j.phases; i++, rest += per_tap + per_w + per_sum) {
        FN(phase) *f = &j.phase[i];
        f->tap = (i64 *)(void *)rest;
        f->w = (T *)(void *)(rest + per_tap);
        f->sums = (FN(conv_sum) *)(void *)(rest + per_tap + per_w);
        memset(f->sums, 0, per_sum);
        if (!status) status = FN(make_phase)(a, &j, f, FN(nth_phase)(i / across, a->stride_h, a->pad_h),
                                             FN(nth_phase)(i % across, a->stride_w, a->pad_w), pick);
    }
    if (!status && C > FEW) {
        status = FN(input_joined)(&j);
    } else if (!status) {
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
