/* conv2d.h - what the convolution kernels share: the padded image, and the correlation that all of them come down to.
 *
 * The image is copied once with its zeros around it, so no tap needs a bounds check, and with the columns of a row sorted by
 * their remainder modulo stride_w, so that neighbouring output pixels are neighbours in it for every stride:
 *     column w of a row lies at (w % stride_w) Wq + w / stride_w,   Wq = ceil(Wp / stride_w),  row = stride_w Wq
 * Pixel (p, q) of the output and tap k = (c, r, s) of the filter meet at xp[tap[k] + p step + q],
 *     tap[k] = (c Hp + r dil_h) row + column(s dil_w),   step = stride_h row.
 * The im2col matrix is never built. */
#ifndef UDL_CONV2D_H
#define UDL_CONV2D_H
#include "gemm.h"

/* Working memory comes in few sizes, so that the layers of a network take turns with the same blocks: powers of two from 64 KiB to 1 MiB.
 * What is not touched costs nothing. */
VFN size_t conv_bytes(size_t bytes) {
    return bytes <= 64 << 10 || bytes > 1 << 20 ? bytes : (size_t)1 << (64 - __builtin_clzll(bytes - 1));
}
#define udl_alloc(bytes) udl_alloc(conv_bytes(bytes))
#define udl_free(p, bytes) udl_free(p, conv_bytes(bytes))

/* the geometry of one group of one image; C, O: channels of the group; pads may be negative */
typedef struct {
    i64 C, H, W, O, R, S, P, Q, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w;
    i64 Hp, Wq, row, step, K, size; /* size: elements of the padded image, with slack for whole vectors */
    int plain;                      /* 1 x 1, stride 1, no padding: the image itself will do */
    int half;                       /* images are bf16 (conv_bf16.c): set by who asks for tiles, which alone know it */
    int few;                        /* bf16: filters would be ready, so that products of pairs need nothing more */
    int low;                        /* a matrix unit may round images and filters to bf16 */
    gemm_block_fn_f32 pairs;        /* or NULL: elements of images and filters are pairs of bf16 numbers, results are bf16 */
    const float *panels;            /* with pairs: the filters in panels, group after group, or NULL */
} udl_conv;

VFN udl_conv conv_geometry(i64 C, i64 H, i64 W, i64 O, i64 R, i64 S, i64 P, i64 Q, i64 sh, i64 sw, i64 ph, i64 pw, i64 dh,
                           i64 dw) {
    udl_conv g = {.C = C, .H = H, .W = W, .O = O, .R = R, .S = S, .P = P, .Q = Q, .stride_h = sh, .stride_w = sw,
                  .pad_h = ph, .pad_w = pw, .dil_h = dh, .dil_w = dw, .K = C * R * S};
    g.Hp = (P - 1) * sh + (R - 1) * dh + 1; /* rows and columns that some tap touches */
    g.Wq = UDL_CEIL_DIV((Q - 1) * sw + (S - 1) * dw + 1, sw);
    g.row = sw * g.Wq;
    g.step = sh * g.row;
    g.size = C * g.Hp * g.row + 64;
    g.plain = R == 1 && S == 1 && sh == 1 && sw == 1 && ph == 0 && pw == 0 && P == H && Q == W;
    return g;
}

/* Whether the padded image can be counted in 64 bits: what padding, strides and dilations span, of all channels. */
VFN double conv_span(i64 size, i64 taps, i64 out, i64 stride, i64 pad, i64 dil) {
    return (double)size + 2 * (double)UDL_MAXI(pad, -pad) + (double)out * (double)stride + 2 * (double)taps * (double)dil + 64;
}
#define CONV_FITS(a) ((double)UDL_MAXI((a)->C, (a)->O) *                                                                \
                      conv_span((a)->H, (a)->R, (a)->P, (a)->stride_h, (a)->pad_h, (a)->dil_h) *                       \
                      conv_span((a)->W, (a)->S, (a)->Q, (a)->stride_w, (a)->pad_w, (a)->dil_w) < 1e17)

/* one small plane a channel, float32: by vectors of channels (conv_depthwise.c) */
int INTERNAL(conv_is_depthwise)(const udl_conv *g);
int INTERNAL(conv_depthwise)(const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, const float *b, int act);
int INTERNAL(conv_depthwise_input)(const udl_conv2d_backward_input_args *a, int *status); /* 0: not this one; else its status */

/* element i of floats (or doubles) or, if half, of bf16 numbers */
#define conv_at(p, half, i) ((half) ? (void *)((uint16_t *)(uintptr_t)(p) + (i)) : (void *)(uintptr_t)((p) + (i)))

VFN i64 conv_tap(const udl_conv *g, i64 c, i64 r, i64 s) {
    i64 w = s * g->dil_w;
    return (c * g->Hp + r * g->dil_h) * g->row + w % g->stride_w * g->Wq + w / g->stride_w;
}
VFN void conv_taps(const udl_conv *g, i64 *tap) {
    for (i64 c = 0, k = 0; c < g->C; c++)
        for (i64 r = 0; r < g->R; r++)
            for (i64 s = 0; s < g->S; s++) tap[k++] = conv_tap(g, c, r, s);
}

/* images worth a task of their own, or else 0: then they go one after the other and each is cut up */
VFN i64 conv_grain(i64 images, double flops_each) {
    if (images < 4 || flops_each * (double)images < 2 * GEMM_TASK_FLOPS) return 0;
    return UDL_MAXI(1, UDL_MINI((i64)(GEMM_TASK_FLOPS / 2 / (flops_each + 1)), images / 8));
}

/* a product that a matrix unit will take: many filters and long sums; low: of numbers that may be rounded to bf16 */
VFN int conv_on_unit(i64 M, i64 K, int low) {
#if GEMM_MATRIX_UNIT
    return M >= 96 && K >= 256 && udl_matrix_unit.gemm && (low || udl_matrix_unit.exact || udl_float32_precision() == UDL_MEDIUM);
#else
    (void)M; (void)K; (void)low;
    return 0;
#endif
}

/* products in a chain of sums (twice as many for filters of several taps, where PyTorch's chains are longer too): the error is that of
 * sums of so many and of the rest of K. Laying sums down costs some 5 % at 48. */
#define CONV_CHUNK 48
#define CONV_TURNED 32 /* the same in gradients of images, where PyTorch adds up short chains, one for each tap */
#define CONV_STRIP (192 << 10) /* bytes of packed panels that share L2 with filters */
#define CONV_SOME (640 << 10)  /* bytes of filters and padded images of one thread: most of L2 */
#define CONV_PADDED (8 << 20)  /* most bytes of padded images at a time */

#define CONV_DECLARE(T, s)                                                                                             \
    /* y[m ldy + p y_row + q y_col] = act(bias[m] + sum_k w[m, k] xp[tap[k] + p step + q]) */                           \
    typedef struct {                                                                                                   \
        i64 M, K, P, Q, step, ldy, y_row, y_col, y_image;                                                              \
        const i64 *tap;                                                                                                \
        const T *w, *bias; /* w[M][K], or, turned, w[K][M] */                                                          \
        T *panels;         /* w in another order, if `how` or `turned` ask for it: made by conv_prepare */             \
        const T *ready;    /* or NULL: w in panels of all taps */                                                      \
        i64 kc;            /* taps in a block of panels: all, except in strips */                                       \
        int act, how, turned;                                                                                          \
        int bare, low;     /* xp is not padded: nothing may be read beyond it; as in udl_conv */                       \
        gemm_block_fn_f32 pairs; /* as in udl_conv: y is bf16 then */                                                  \
    } conv_sum_##s;                                                                                                    \
    int UDL_CAT3(udli_, conv_prepare_##s, UDL_LEVEL)(conv_sum_##s *);                                                  \
    /* one image; y's pixels lie side by side unless it is in strips */                                                \
    int UDL_CAT3(udli_, conv_run_##s, UDL_LEVEL)(const conv_sum_##s *, const T *xp, T *y);                             \
    int UDL_CAT3(udli_, conv_in_strips_##s, UDL_LEVEL)(const conv_sum_##s *);                                          \
    int UDL_CAT3(udli_, conv_strips_##s, UDL_LEVEL)(const conv_sum_##s *, int sums, const T *xp, i64 distance, i64 images, T *y); \
    void UDL_CAT3(udli_, conv_release_##s, UDL_LEVEL)(conv_sum_##s *);                                                 \
    /* padded copies of images (or one group of them), `distance` apart in x */                                        \
    void UDL_CAT3(udli_, conv_pad_##s, UDL_LEVEL)(const udl_conv *g, T *xp, const T *x, i64 images, i64 distance);     \
    /* the same for images of groups: y[N G][O P Q] from x[N G][C H W] and w[G][O][K], or [G][K][O] if turned;          \
     * only: NULL, or which images */                                                                                  \
    int UDL_CAT3(udli_, conv_direct_##s, UDL_LEVEL)(const udl_conv *g, i64 N, i64 G, T *y, const T *x, const T *w,     \
                                                    int turned, const T *b, int act, const char *only);              \
    /* gw[G][O][K] from gy and x of N images of groups, where that pays (conv_weight_taps.c) */                        \
    int UDL_CAT3(udli_, conv_weight_taps_pays_##s, UDL_LEVEL)(const udl_conv *g, i64 N);                               \
    int UDL_CAT3(udli_, conv_weight_taps_##s, UDL_LEVEL)(const udl_conv *g, i64 N, i64 G, T *gw, const T *gy, const T *x);
CONV_DECLARE(float, f32)
CONV_DECLARE(double, f64)
#define conv_prepare INTERNAL(FN(conv_prepare))
#define conv_run INTERNAL(FN(conv_run))
#define conv_in_strips INTERNAL(FN(conv_in_strips))
#define conv_strips INTERNAL(FN(conv_strips))
#define conv_release INTERNAL(FN(conv_release))
#define conv_pad INTERNAL(FN(conv_pad))
#define conv_direct INTERNAL(FN(conv_direct))
#define conv_weight_taps_pays INTERNAL(FN(conv_weight_taps_pays))
#define conv_weight_taps INTERNAL(FN(conv_weight_taps))
#endif
