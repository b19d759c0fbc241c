/* winograd_6x6.h - what the forward convolution in tiles of 6 x 6 and the gradient of the filters share: reading tiles, and the
 * factors of the points 0, +-a, +-b, infinity (winograd.h). */
#ifndef UDL_WINOGRAD_6X6_H
#define UDL_WINOGRAD_6X6_H
#include "winograd.h"

#define WINO_OUT 4
#define WINO_POINTS 36
#define WINO_A 0.625f
#define WINO_B 1.5f

/* Tiles of a run of images [C][H][W], numbered along rows, then down, then through the images. */
typedef struct {
    const float *x;
    i64 image, across, per_image;          /* elements from image to image; tiles in a row, in an image */
    i64 C, H, W, pad_h, pad_w;
    int half;                              /* numbers are bf16 */
    i64 rows, columns;                     /* rows x columns of an image are looked at; zeros around them */
} wino_image;
wino_image INTERNAL(wino_input)(const udl_conv *g, const float *x, i64 image);
/* `rows` rows from h and n columns from w of VW32 channels from c on, of the image at x, as vectors of channels */
void INTERNAL(wino_strip)(const wino_image *in, const float *x, i64 c, i64 h, i64 w, int rows, i64 n, float *to);
/* v[point, tile - first, channel] = (B^T x B) of tiles first..end, all channels; strip: scratch of 6 (4 across + 2) vectors */
void INTERNAL(wino_read)(const wino_image *in, float *v, i64 point, i64 tile, i64 first, i64 end, float *strip);

/* the six points of B^T d */
VFN void wino6_bt(const vf32 d[6], vf32 v[6]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 ea = d[4] - b2 * d[2], oa = d[3] - b2 * d[1], eb = d[4] - a2 * d[2], ob = d[3] - a2 * d[1];
    v[0] = (d[4] - (a2 + b2) * d[2]) + (a2 * b2) * d[0];
    v[1] = ea + WINO_A * oa;
    v[2] = ea - WINO_A * oa;
    v[3] = eb + WINO_B * ob;
    v[4] = eb - WINO_B * ob;
    v[5] = (d[5] - (a2 + b2) * d[3]) + (a2 * b2) * d[1];
}
/* four outputs from six points */
VFN void wino6_at(const vf32 m[6], vf32 y[4]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 sa = m[1] + m[2], da = m[1] - m[2], sb = m[3] + m[4], db = m[3] - m[4];
    y[0] = m[0] + (sa + sb);
    y[1] = WINO_A * da + WINO_B * db;
    y[2] = a2 * sa + b2 * sb;
    y[3] = m[5] + ((WINO_A * a2) * da + (WINO_B * b2) * db);
}
/* three taps at the six points, without 1 / N */
VFN void wino6_g(const vf32 g[3], vf32 u[6]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 ea = g[0] + a2 * g[2], eb = g[0] + b2 * g[2];
    u[0] = g[0];
    u[1] = ea + WINO_A * g[1];
    u[2] = ea - WINO_A * g[1];
    u[3] = eb + WINO_B * g[1];
    u[4] = eb - WINO_B * g[1];
    u[5] = g[2];
}
/* the transposes of A^T and G, for the gradient of the filters */
VFN void wino6_a(const vf32 y[4], vf32 m[6]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 ea = y[0] + a2 * y[2], oa = y[1] + a2 * y[3], eb = y[0] + b2 * y[2], ob = y[1] + b2 * y[3];
    m[0] = y[0];
    m[1] = ea + WINO_A * oa;
    m[2] = ea - WINO_A * oa;
    m[3] = eb + WINO_B * ob;
    m[4] = eb - WINO_B * ob;
    m[5] = y[3];
}
VFN void wino6_gt(const vf32 u[6], vf32 g[3]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 sa = u[1] + u[2], sb = u[3] + u[4];
    g[0] = u[0] + (sa + sb);
    g[1] = WINO_A * (u[1] - u[2]) + WINO_B * (u[3] - u[4]);
    g[2] = u[5] + (a2 * sa + b2 * sb);
}
VFN float wino6_scale(int i, int j) { /* 1 / (N_i N_j) */
    const double a2 = (double)WINO_A * WINO_A, b2 = (double)WINO_B * WINO_B;
    const double n[6] = {1 / (a2 * b2), 1 / (2 * a2 * (a2 - b2)), 1 / (2 * a2 * (a2 - b2)),
                         1 / (2 * b2 * (b2 - a2)), 1 / (2 * b2 * (b2 - a2)), 1};
    return (float)(n[i] * n[j]);
}
#endif
