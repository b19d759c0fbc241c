/* winograd.h - 3 x 3 filters, stride 1: products of tiles instead of sums over 9 taps. Float32 only.
 *
 * A row of inputs d against three taps g gives m outputs y = A^T [(G g) . (B^T d)]: polynomials of degree 2 and m - 1 are
 * evaluated at m + 2 points, multiplied there, and interpolated (Toom-Cook, transposed); in two dimensions applied to columns,
 * then to rows. Sums over channels (filters, tiles) are taken between, as one matrix product a point.
 *
 * Forward, and the gradient of the input (filters turned round): m = 2, points 0, 1, -1, infinity, 16 products for 4 outputs
 * instead of 36, and nothing but sums on the way in and out:
 *     B^T d   d0 - d2, d1 + d2, d2 - d1, d1 - d3      G g   g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2
 *     A^T m   m0 + m1 + m2, m1 - m2 - m3
 * The variance of an error in m grows 2.8 times to y in two dimensions, but the sums are over C terms in chains of WINO_CHUNK,
 * not over 9 C: the result is as exact as PyTorch's sum of all taps. Wider tiles are faster still, and three times less exact.
 *
 * Gradient of the filters, read backwards: G^T [sum over tiles of (A gy) . (B^T x)], m = 4, points 0, +-a, +-b, infinity, 36
 * products for 16 pixels; it is used where the sums are so long that their own rounding outweighs that of the points:
 *     B^T d   0: d4 - (a2 + b2) d2 + a2 b2 d0      +-a: (d4 - b2 d2) +- a (d3 - b2 d1)       a2 = a a, b2 = b b
 *             inf: d5 - (a2 + b2) d3 + a2 b2 d1    +-b: (d4 - a2 d2) +- b (d3 - a2 d1)
 *     G g     x: (g0 + x g1 + x x g2) / N(x)       inf: g2       N(0) = a2 b2, N(+-a) = 2 a2 (a2 - b2), N(+-b) = 2 b2 (b2 - a2)
 *     A^T m   y_p = sum over the finite points of x^p m(x), and m(inf) added to y_3
 * a = 5/8 and b = 3/2 keep all factors but 1 / N exact and the error least of the pairs tried.
 *
 * An infinity, a NaN or an overflow in a tile reaches all its outputs, also those that do not see it. Every result is
 * therefore looked at, and an image that has one not finite is done again by the caller, tap by tap.
 *
 * Source: Winograd, Arithmetic Complexity of Computations (1980); Lavin and Gray, Fast Algorithms for Convolutional Neural
 * Networks (2016); for the points: Barabasz et al., Error Analysis and Improving the Accuracy of Winograd Convolution (2020). */
#ifndef UDL_WINOGRAD_H
#define UDL_WINOGRAD_H
#include "columns.h"
#include "conv2d.h"
#include "lanes.h"

#define WINO_OUT 4
#define WINO_IN 6
#define WINO_POINTS 36
#define APART 16 /* floats more from point to point: the 36 lines that are written together lie in different sets */
#define WINO_A 0.625f
#define WINO_B 1.5f

#define WINO_CHUNK 24 /* channels, or tiles, in a chain of sums */

/* two outputs from four points 0, 1, -1, infinity */
VFN void wino2_bt(const vf32 d[4], vf32 v[4]) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}
VFN void wino2_g(const vf32 g[3], vf32 u[4]) {
    vf32 e = 0.5f * (g[0] + g[2]), o = 0.5f * g[1];
    u[0] = g[0];
    u[1] = e + o;
    u[2] = e - o;
    u[3] = g[2];
}
VFN void wino2_at(const vf32 m[4], vf32 y[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) - m[3];
}

/* Strides of the filter in w; turned: taps in reverse order. */
typedef struct { i64 o, c; int turned; } wino_filters;

/* Is it faster than tap by tap, for N images? By the shape alone. */
int INTERNAL(wino_pays)(const udl_conv *g, i64 N);
int INTERNAL(wino_fits)(const udl_conv *g);
int INTERNAL(wino_pays_weight)(const udl_conv *g, i64 N);
/* y[N G][O P Q] = act(b + x[N G][C H W] * w[G]). bad[n] becomes 1 where image n must be done again. */
int INTERNAL(wino_forward)(const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, wino_filters f,
                           const float *bias, int act, char *bad);
/* gw[G][O][C][9] = sum over images; *bad = 1 where it must be done again */
int INTERNAL(wino_weight)(const udl_conv *g, i64 N, i64 G, float *gw, const float *gy, const float *x, char *bad);

/* the six points of B^T d */
VFN void wino_bt(const vf32 d[6], vf32 v[6]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 ea = d[4] - b2 * d[2], oa = d[3] - b2 * d[1], eb = d[4] - a2 * d[2], ob = d[3] - a2 * d[1];
    v[0] = (d[4] - (a2 + b2) * d[2]) + (a2 * b2) * d[0];
    v[1] = ea + WINO_A * oa;
    v[2] = ea - WINO_A * oa;
    v[3] = eb + WINO_B * ob;
    v[4] = eb - WINO_B * ob;
    v[5] = (d[5] - (a2 + b2) * d[3]) + (a2 * b2) * d[1];
}
/* the transposes of A^T and G, for the gradient of the filters */
VFN void wino_a(const vf32 y[4], vf32 m[6]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 ea = y[0] + a2 * y[2], oa = y[1] + a2 * y[3], eb = y[0] + b2 * y[2], ob = y[1] + b2 * y[3];
    m[0] = y[0];
    m[1] = ea + WINO_A * oa;
    m[2] = ea - WINO_A * oa;
    m[3] = eb + WINO_B * ob;
    m[4] = eb - WINO_B * ob;
    m[5] = y[3];
}
VFN void wino_gt(const vf32 u[6], vf32 g[3]) {
    const float a2 = WINO_A * WINO_A, b2 = WINO_B * WINO_B;
    vf32 sa = u[1] + u[2], sb = u[3] + u[4];
    g[0] = u[0] + (sa + sb);
    g[1] = WINO_A * (u[1] - u[2]) + WINO_B * (u[3] - u[4]);
    g[2] = u[5] + (a2 * sa + b2 * sb);
}
VFN float wino_scale(int i, int j) { /* 1 / (N_i N_j) */
    const double a2 = (double)WINO_A * WINO_A, b2 = (double)WINO_B * WINO_B;
    const double n[6] = {1 / (a2 * b2), 1 / (2 * a2 * (a2 - b2)), 1 / (2 * a2 * (a2 - b2)),
                         1 / (2 * b2 * (b2 - a2)), 1 / (2 * b2 * (b2 - a2)), 1};
    return (float)(n[i] * n[j]);
}
VFN i64 wino_up(i64 n) { return UDL_CEIL_DIV(n, VW32) * VW32; }
#endif
