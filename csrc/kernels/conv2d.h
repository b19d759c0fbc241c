/* conv2d.h - what the three convolution kernels share: the padded image, offsets of filter taps, and im2col packing.
 *
 * With xp = the image with its zeros around it (one copy, C Hp Wp, so that no tap needs a bounds check), pixel (p, q)
 * of the output and tap k = (c, r, s) of the filter meet at xp[tap[k] + pixel(p, q)],
 *   tap[k] = (c Hp + r dil_h) Wp + s dil_w,   pixel(p, q) = p stride_h Wp + q stride_w.
 * The matrix of all these is never built: panels of it are filled when the matmul engine asks for them. */
#ifndef UDL_CONV2D_H
#define UDL_CONV2D_H
#include "gemm.h"

/* the geometry of one group of one image; C, O: channels of the group */
typedef struct {
    i64 C, H, W, O, R, S, P, Q, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, Hp, Wp, K;
    int plain; /* 1 x 1, stride 1, no padding: the image itself is the matrix */
} udl_conv;

VFN udl_conv conv_geometry(i64 C, i64 H, i64 W, i64 O, i64 R, i64 S, i64 P, i64 Q, i64 sh, i64 sw, i64 ph, i64 pw, i64 dh, i64 dw) {
    udl_conv g = {C, H, W, O, R, S, P, Q, sh, sw, ph, pw, dh, dw, 0, 0, C * R * S, 0};
    g.Hp = UDL_MAXI(H + ph, (P - 1) * sh + (R - 1) * dh + 1);
    g.Wp = UDL_MAXI(W + pw, (Q - 1) * sw + (S - 1) * dw + 1);
    g.plain = R == 1 && S == 1 && sh == 1 && sw == 1 && ph == 0 && pw == 0 && P == H && Q == W;
    return g;
}
#define CONV_SLACK 64 /* elements after the padded image that whole vectors may read */

VFN void conv_taps(const udl_conv *g, i64 *tap) {
    for (i64 c = 0, k = 0; c < g->C; c++)
        for (i64 r = 0; r < g->R; r++)
            for (i64 s = 0; s < g->S; s++) tap[k++] = (c * g->Hp + r * g->dil_h) * g->Wp + s * g->dil_w;
}

#define CONV_DECLARE(T, s)                                                                          \
    typedef struct { const udl_conv *g; const T *xp; const i64 *tap; } conv_image_##s;             \
    void UDL_CAT3(udli_, conv_pad_##s, UDL_LEVEL)(const udl_conv *g, T *xp, const T *x);            \
    void UDL_CAT3(udli_, conv_pixels_##s, UDL_LEVEL)(const void *image, T *to, i64 first, i64 count, i64 k, i64 kc); \
    int UDL_CAT3(udli_, conv_forward_##s, UDL_LEVEL)(const udl_conv *g, i64 N, i64 G, T *y, const T *x, const T *w,  \
                                                     const T *b, int act);
CONV_DECLARE(float, f32)
CONV_DECLARE(double, f64)
#define conv_pad INTERNAL(FN(conv_pad))
#define conv_pixels INTERNAL(FN(conv_pixels))
#define conv_forward INTERNAL(FN(conv_forward))
#endif
