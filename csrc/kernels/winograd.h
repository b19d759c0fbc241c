/* winograd.h - 3 x 3 filters, stride 1: products of tiles instead of sums over 9 taps. Float32 only.
 *
 * A row of inputs d against three taps g gives m outputs y = A^T [(G g) . (B^T d)]: polynomials of degree 2 and m - 1 are
 * evaluated at m + 2 points, multiplied there, and interpolated (Toom-Cook, transposed); in two dimensions applied to columns,
 * then to rows. Sums over channels (filters, tiles) are taken between, as one matrix product a point.
 *
 * Tiles of 4 x 4 (winograd_4x4.c): m = 2, points 0, 1, -1, infinity, 16 products for 4 outputs instead of 36, and nothing but
 * sums on the way in and out:
 *     B^T d   d0 - d2, d1 + d2, d2 - d1, d1 - d3      G g   g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2
 *     A^T m   m0 + m1 + m2, m1 - m2 - m3
 * The variance of an error in m grows 2.8 times to y in two dimensions, but the sums are over C terms in chains of WINO_CHUNK,
 * not over 9 C: the result is about as exact as PyTorch's sum of all taps.
 *
 * Tiles of 6 x 6 (winograd_6x6.c): m = 4, points 0, +-a, +-b, infinity, 36 products for 16 outputs instead of 144:
 *     B^T d   0: d4 - (a2 + b2) d2 + a2 b2 d0      +-a: (d4 - b2 d2) +- a (d3 - b2 d1)       a2 = a a, b2 = b b
 *             inf: d5 - (a2 + b2) d3 + a2 b2 d1    +-b: (d4 - a2 d2) +- b (d3 - a2 d1)
 *     G g     x: (g0 + x g1 + x x g2) / N(x)       inf: g2       N(0) = a2 b2, N(+-a) = 2 a2 (a2 - b2), N(+-b) = 2 b2 (b2 - a2)
 *     A^T m   y_p = sum over the finite points of x^p m(x), and m(inf) added to y_3
 * a = 5/8 and b = 3/2 keep all factors but 1 / N exact and the error least of the pairs tried: about three times PyTorch's.
 *
 * Which are used: the result of a convolution, and the gradient of its input (filters turned round), come in tiles of 4 x 4, and
 * only if set_float32_matmul_precision gives "high" or "medium", in tiles of 6 x 6. The gradient of the filters is read backwards,
 * G^T [sum over tiles of (A gy) . (B^T x)] (winograd_weight.c), in tiles of 6 x 6 always, but only where the sums are so long
 * that their own rounding outweighs that of the points. Where no tiles pay (winograd.c), sums go tap by tap.
 *
 * Filters of 7 x 7 with stride 2 and of 5 x 5 take points along the rows only (winograd_rows.c).
 *
 * An infinity, a NaN or an overflow in a tile reaches all its outputs, also those that do not see it. Every result is
 * therefore looked at, and an image that has one not finite is done again by the caller, tap by tap.
 *
 * bf16 images are widened as tiles are read and rounded as they are written (6 x 6 only); in between everything is float32, so
 * they may always come in tiles of 6 x 6, whose error is nothing beside the rounding.
 *
 * Source: Winograd, Arithmetic Complexity of Computations (1980); Lavin and Gray, Fast Algorithms for Convolutional Neural
 * Networks (2016); for the points: Barabasz et al., Error Analysis and Improving the Accuracy of Winograd Convolution (2020). */
#ifndef UDL_WINOGRAD_H
#define UDL_WINOGRAD_H
#include "../vec/bf16.h"
#include "columns.h"
#include "conv2d.h"
#include "lanes.h"

#define APART 16 /* floats more from point to point: the lines that are written together lie in different sets */
#define WINO_CHUNK 24 /* channels, or tiles, in a chain of sums */

/* Strides of the filter in w; turned: taps in reverse order. ready: NULL, or all filters as wino4_pack made them. */
typedef struct { i64 o, c; int turned; const float *ready; } wino_filters;

int INTERNAL(wino_fits)(const udl_conv *g);
/* The tiles that are faster than tap by tap for N images: 4 or 6 rows and columns, 2 for rows only (winograd_rows.c), or 0 if none
 * are. By the shape, and whether the precision of products is "highest". */
int INTERNAL(wino_tiles)(const udl_conv *g, i64 N);
int INTERNAL(wino_pays_weight)(const udl_conv *g, i64 N);
double INTERNAL(wino_rows_cycles)(const udl_conv *g, i64 N);
double INTERNAL(wino4_cycles)(const udl_conv *g, i64 N);
double INTERNAL(wino6_cycles)(const udl_conv *g, i64 N);
/* y[N G][O P Q] = act(b + x[N G][C H W] * w[G]). bad[n] becomes 1 where image n must be done again. */
#define WINO_FORWARD const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, wino_filters f, const float *bias, \
                     int act, char *bad
int INTERNAL(wino4_forward)(WINO_FORWARD);
int INTERNAL(wino4_packs)(const udl_conv *g, i64 N);  /* many filters for so few tiles that to make them takes a part worth saving */
i64 INTERNAL(wino4_packed)(const udl_conv *g, i64 G); /* floats of packed filters */
void INTERNAL(wino4_pack)(const udl_conv *g, i64 G, const float *w, float *u);
int INTERNAL(wino6_forward)(WINO_FORWARD);
int INTERNAL(wino_rows_forward)(WINO_FORWARD);
int INTERNAL(wino_forward)(int tiles, WINO_FORWARD);
/* gw[G][O][C][9] = sum over images; *bad = 1 where it must be done again */
int INTERNAL(wino_weight)(const udl_conv *g, i64 N, i64 G, float *gw, const float *gy, const float *x, char *bad);

VFN uint64_t four_bf16(const uint16_t *p) {
    uint64_t u;
    memcpy(&u, p, sizeof u);
    return u;
}
#if UDL_VB == 64
#define FOURS(r) (vu64){four_bf16((r)[0]), four_bf16((r)[1]), four_bf16((r)[2]), four_bf16((r)[3]),                    \
                        four_bf16((r)[4]), four_bf16((r)[5]), four_bf16((r)[6]), four_bf16((r)[7])}
#elif UDL_VB == 32
#define FOURS(r) (vu64){four_bf16((r)[0]), four_bf16((r)[1]), four_bf16((r)[2]), four_bf16((r)[3])}
#else
#define FOURS(r) (vu64){four_bf16((r)[0]), four_bf16((r)[1])}
#endif
/* columns_f32 for bf16: out[e][r] = row[r][e], e < 4. A number goes to the top of its 64 bits, whose upper half is then a float. */
VFN void wino_columns_bf16(const uint16_t *const row[VW32], vf32 out[4]) {
    const vu64 a = FOURS(row), b = FOURS(row + VW64);
    _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++)
        out[e] = (vf32)((vu32)v_odd_f32((vf32)(a << (48 - 16 * e)), (vf32)(b << (48 - 16 * e))) & 0xffff0000u);
}
/* and back: to[r][0..4] = in[0..4][r], rounded, in a buffer */
VFN void wino_rows_bf16(const vf32 in[4], uint16_t to[VW32][4]) {
    vu32 h[4];
    _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++) h[e] = __builtin_convertvector(h_narrow(in[e]), vu32);
    const vf32 low = (vf32)(h[0] | h[1] << 16), high = (vf32)(h[2] | h[3] << 16);
    v_store((float *)(void *)to, v_zip_lo_f32(low, high));
    v_store((float *)(void *)(to + VW32 / 2), v_zip_hi_f32(low, high));
}

VFN i64 wino_up(i64 n) { return UDL_CEIL_DIV(n, VW32) * VW32; }
/* the nine taps at row[0..VW32], in reverse order if turned */
VFN void wino_taps(const float *const row[VW32], int turned, vf32 t[9]) {
    vf32 q[9], last[4];
    columns_f32(row, 0, q);
    columns_f32(row, 4, q + 4);
    columns_f32(row, 5, last); /* 9 taps are all there is: no load may reach beyond */
    q[8] = last[3];
    _Pragma("GCC unroll 9") for (int i = 0; i < 9; i++) t[i] = turned ? q[8 - i] : q[i];
}
#endif
