/* smoke_nn.c - smoke test of convolution and pooling, forward and backward. */
#include "smoke.h"

/* ---- convolution: one walk over all products gives y, gx and gw -------------------------------------------------- */
typedef struct { i64 N, C, H, W, O, R, S, P, Q, stride, pad, dil, groups; } conv;

static void conv_walk(const conv *v, const arr *x, const arr *w, const arr *gy, double *y, double *gx, double *gw) {
    const i64 c_group = v->C / v->groups, o_group = v->O / v->groups;
    for (i64 at = 0; at < v->N * v->O * v->P * v->Q; at++) {
        const i64 q = at % v->Q, p = at / v->Q % v->P, o = at / v->Q / v->P % v->O, n = at / v->Q / v->P / v->O;
        for (i64 k = 0; k < c_group * v->R * v->S; k++) {
            const i64 s = k % v->S, r = k / v->S % v->R, c = k / v->S / v->R;
            const i64 h = p * v->stride + r * v->dil - v->pad, z = q * v->stride + s * v->dil - v->pad;
            if (h < 0 || h >= v->H || z < 0 || z >= v->W) continue;
            const i64 xi = ((n * v->C + o / o_group * c_group + c) * v->H + h) * v->W + z,
                      wi = o * c_group * v->R * v->S + k;
            y[at] += get(x, xi) * get(w, wi);
            gx[xi] += get(gy, at) * get(w, wi);
            gw[wi] += get(gy, at) * get(x, xi);
        }
    }
}
static void one_conv(int dt, conv v, int act) {
    v.P = (v.H + 2 * v.pad - v.dil * (v.R - 1) - 1) / v.stride + 1;
    v.Q = (v.W + 2 * v.pad - v.dil * (v.S - 1) - 1) / v.stride + 1;
    const i64 ny = v.N * v.O * v.P * v.Q, nx = v.N * v.C * v.H * v.W, nw = v.O * v.C / v.groups * v.R * v.S;
#define SIZES dt, v.N, v.C, v.H, v.W, v.O, v.R, v.S, v.P, v.Q, v.stride, v.stride, v.pad, v.pad, v.dil, v.dil
#define SHAPE                                                                                                        \
    "dtype %d, x %d %d %d %d, w %d %d %d, stride %d pad %d dilation %d groups %d", dt, (int)v.N, (int)v.C, (int)v.H, \
        (int)v.W, (int)v.O, (int)v.R, (int)v.S, (int)v.stride, (int)v.pad, (int)v.dil, (int)v.groups
    arr *x = in(nx, dt, -1, 1), *w = in(nw, dt, -1, 1), *b = in(v.O, dt, -1, 1), *gy = in(ny, dt, -1, 1);
    double *y_want = reals(ny), *gx_want = reals(nx), *gw_want = reals(nw), *gb_want = reals(v.O);
    conv_walk(&v, x, w, gy, y_want, gx_want, gw_want);
    for (i64 i = 0; i < ny; i++) {
        const i64 o = i / v.P / v.Q % v.O;
        y_want[i] += get(b, o), gb_want[o] += get(gy, i);
        if (act == UDL_ACT_RELU) y_want[i] = fmax(y_want[i], 0);
    }
    arr *y = out(ny, dt);
    udl_conv2d_args f = {P(y), P(x), P(w), P(b), NULL, SIZES, v.groups + 65536 * act};
    run(UDL_K_conv2d, &f, SHAPE);
    /* tiles of 6 x 6, the filters' gradient's always, err more than a plain sum (docs/numerics.md) */
    const int tiled = dt == F32 && v.R == 3 && v.S == 3 && v.stride == 1 && v.dil == 1;
    const double k = tiled && udl_float32_precision() != UDL_HIGHEST ? 4 : 2;
    expect(y, y_want, k, SUM(v.C / v.groups * v.R * v.S));
    arr *gx = out(nx, dt);
    udl_conv2d_backward_input_args gi = {P(gx), P(gy), P(w), SIZES, v.groups};
    run(UDL_K_conv2d_backward_input, &gi, SHAPE);
    expect(gx, gx_want, k, SUM(v.O / v.groups * v.R * v.S));
    arr *gw = out(nw, dt), *gb = out(v.O, dt);
    udl_conv2d_backward_weight_args gv = {P(gw), P(gb), P(gy), P(x), SIZES, v.groups};
    run(UDL_K_conv2d_backward_weight, &gv, SHAPE);
    expect(gw, gw_want, tiled ? 4 : 2, SUM(v.N * v.P * v.Q)), expect(gb, gb_want, 2, 2 * SUM(v.N * v.P * v.Q));
    free(y_want), free(gx_want), free(gw_want), free(gb_want), done();
}
static void test_conv(void) {
    static const conv shapes[] = {
        {.N = 2, .C = 3, .H = 11, .W = 9, .O = 5, .R = 3, .S = 3, .stride = 2, .pad = 1, .dil = 1, .groups = 1},
        {.N = 2, .C = 6, .H = 8, .W = 13, .O = 4, .R = 3, .S = 3, .stride = 2, .pad = 1, .dil = 1, .groups = 2},
        {.N = 1, .C = 5, .H = 7, .W = 7, .O = 10, .R = 3, .S = 3, .stride = 1, .pad = 1, .dil = 1, .groups = 5},
        {.N = 3, .C = 19, .H = 6, .W = 5, .O = 17, .R = 1, .S = 1, .stride = 1, .pad = 0, .dil = 1, .groups = 1},
        {.N = 1, .C = 2, .H = 16, .W = 12, .O = 3, .R = 5, .S = 2, .stride = 3, .pad = 4, .dil = 2, .groups = 1},
        {.N = 5, .C = 12, .H = 20, .W = 20, .O = 13, .R = 3, .S = 3, .stride = 1, .pad = 1, .dil = 1, .groups = 1},
        {.N = 9, .C = 1, .H = 28, .W = 28, .O = 8, .R = 5, .S = 5, .stride = 1, .pad = 0, .dil = 1, .groups = 1},
        {.N = 3, .C = 35, .H = 13, .W = 14, .O = 38, .R = 3, .S = 3, .stride = 1, .pad = 1, .dil = 1, .groups = 1},
        {.N = 2, .C = 80, .H = 7, .W = 9, .O = 82, .R = 3, .S = 3, .stride = 1, .pad = 0, .dil = 1, .groups = 2},
        {.N = 1, .C = 3, .H = 66, .W = 63, .O = 48, .R = 7, .S = 7, .stride = 2, .pad = 3, .dil = 1, .groups = 1},
        {.N = 2, .C = 24, .H = 17, .W = 32, .O = 30, .R = 5, .S = 5, .stride = 1, .pad = 2, .dil = 1, .groups = 1},
        {.N = 1, .C = 64, .H = 13, .W = 13, .O = 300, .R = 3, .S = 3, .stride = 2, .pad = 1, .dil = 1, .groups = 1},
        {.N = 2, .C = 600, .H = 5, .W = 5, .O = 260, .R = 1, .S = 1, .stride = 1, .pad = 0, .dil = 1, .groups = 1},
        {.N = 1, .C = 96, .H = 14, .W = 14, .O = 96, .R = 3, .S = 3, .stride = 1, .pad = 1, .dil = 1, .groups = 1},
        {.N = 2, .C = 20, .H = 7, .W = 7, .O = 20, .R = 5, .S = 5, .stride = 1, .pad = 2, .dil = 1, .groups = 20},
        {.N = 1, .C = 17, .H = 15, .W = 14, .O = 17, .R = 3, .S = 3, .stride = 2, .pad = 1, .dil = 1, .groups = 17}};
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++) one_conv(dt, shapes[i], i % 2 ? UDL_ACT_NONE : UDL_ACT_RELU);
    udl_set_float32_precision(UDL_HIGH); /* tiles of 6 x 6 */
    for (int i = 0; i < LEN(shapes); i++)
        if (shapes[i].R == 3) one_conv(F32, shapes[i], i % 2 ? UDL_ACT_NONE : UDL_ACT_RELU);
    udl_set_float32_precision(UDL_HIGHEST);
}

/* ---- pooling ----------------------------------------------------------------------------------------------------- */
typedef struct { i64 NC, H, W, P, Q, R, stride, pad; } pool; /* R = 0: adaptive */
typedef struct { i64 h0, h1, w0, w1, padded; } window;        /* inside the image; padded: its size with the padding */

#define POOL dt, v->NC, v->H, v->W, v->P, v->Q
#define WINDOW v->R, v->R, v->stride, v->stride, v->pad, v->pad, with_pad, divisor
#define POOL_TEXT \
    "dtype %d, x %d %d %d, window %d stride %d", dt, (int)v->NC, (int)v->H, (int)v->W, (int)v->R, (int)v->stride

static window window_of(const pool *v, i64 p, i64 q) {
    if (!v->R) {
        window a = {p * v->H / v->P, ((p + 1) * v->H + v->P - 1) / v->P, q * v->W / v->Q,
                    ((q + 1) * v->W + v->Q - 1) / v->Q, 0};
        a.padded = (a.h1 - a.h0) * (a.w1 - a.w0);
        return a;
    }
    const i64 h = p * v->stride - v->pad, w = q * v->stride - v->pad;
    window a = {h, h + v->R, w, w + v->R, 0};
    if (a.h1 > v->H + v->pad) a.h1 = v->H + v->pad;
    if (a.w1 > v->W + v->pad) a.w1 = v->W + v->pad;
    a.padded = (a.h1 - a.h0) * (a.w1 - a.w0);
    if (a.h0 < 0) a.h0 = 0;
    if (a.w0 < 0) a.w0 = 0;
    if (a.h1 > v->H) a.h1 = v->H;
    if (a.w1 > v->W) a.w1 = v->W;
    return a;
}
static void one_max_pool(int dt, const pool *v) {
    const i64 nx = v->NC * v->H * v->W, ny = v->NC * v->P * v->Q;
    arr *x = in(nx, dt, -9, 9), *y = out(ny, dt), *index = out(ny, I64);
    double *want = reals(ny), *at = reals(ny), *gx_want = reals(nx);
    for (i64 i = 0; i < nx; i += 2) put(x, i, floor(get(x, i))); /* some equal ones */
    put(x, nx / 2, NAN);
    for (i64 i = 0; i < ny; i++) {
        const window a = window_of(v, i / v->Q % v->P, i % v->Q);
        want[i] = -INFINITY, at[i] = (double)(a.h0 * v->W + a.w0);
        for (i64 h = a.h0; h < a.h1; h++)
            for (i64 w = a.w0; w < a.w1; w++) {
                const double e = get(x, (i / v->P / v->Q * v->H + h) * v->W + w);
                if (e > want[i] || (isnan(e) && !isnan(want[i]))) want[i] = e, at[i] = (double)(h * v->W + w);
            }
    }
    udl_max_pool2d_args f = {P(y), P(index), P(x), POOL, v->R, v->R, v->stride, v->stride, v->pad, v->pad, 1, 1};
    udl_adaptive_max_pool2d_args fa = {P(y), P(index), P(x), POOL};
    run(v->R ? UDL_K_max_pool2d : UDL_K_adaptive_max_pool2d, v->R ? (void *)&f : (void *)&fa,
        POOL_TEXT);
    expect(y, want, 0, 0), expect(index, at, 0, 0);
    arr *gx = out(nx, dt), *gy = in(ny, dt, -1, 1);
    for (i64 i = 0; i < ny; i++) gx_want[i / v->P / v->Q * v->H * v->W + (i64)at[i]] += get(gy, i);
    udl_max_pool2d_backward_args g = {P(gx), P(gy), P(index), dt, v->NC, v->H * v->W, v->P * v->Q};
    run(UDL_K_max_pool2d_backward, &g, POOL_TEXT);
    expect(gx, gx_want, 2, 2);
    free(want), free(at), free(gx_want), done();
}
static void one_avg_pool(int dt, const pool *v, int with_pad, int divisor) {
    const i64 nx = v->NC * v->H * v->W, ny = v->NC * v->P * v->Q;
    arr *x = in(nx, dt, -9, 9), *y = out(ny, dt), *gy = in(ny, dt, -1, 1);
    double *want = reals(ny), *gx_want = reals(nx);
    for (i64 i = 0; i < ny; i++) {
        const window a = window_of(v, i / v->Q % v->P, i % v->Q);
        const double inside = (double)((a.h1 - a.h0) * (a.w1 - a.w0));
        const double size = divisor ? divisor : with_pad ? (double)a.padded : inside;
        for (i64 h = a.h0; h < a.h1; h++)
            for (i64 w = a.w0; w < a.w1; w++) {
                const i64 at = (i / v->P / v->Q * v->H + h) * v->W + w;
                want[i] += get(x, at) / size, gx_want[at] += get(gy, i) / size;
            }
    }
    udl_avg_pool2d_args f = {P(y), P(x), POOL, WINDOW};
    udl_adaptive_avg_pool2d_args fa = {P(y), P(x), POOL};
    run(v->R ? UDL_K_avg_pool2d : UDL_K_adaptive_avg_pool2d, v->R ? (void *)&f : (void *)&fa, POOL_TEXT);
    expect(y, want, 4, 9);
    arr *gx = out(nx, dt);
    udl_avg_pool2d_backward_args g = {P(gx), P(gy), POOL, WINDOW};
    udl_adaptive_avg_pool2d_backward_args ga = {P(gx), P(gy), POOL};
    run(v->R ? UDL_K_avg_pool2d_backward : UDL_K_adaptive_avg_pool2d_backward, v->R ? (void *)&g : (void *)&ga,
        POOL_TEXT);
    expect(gx, gx_want, 4, 1);
    free(want), free(gx_want), done();
}
static void test_pool(void) {
    static const pool shapes[] = {{5, 12, 17, 6, 8, 2, 2, 0},    {3, 11, 9, 6, 5, 3, 2, 1}, {2, 8, 40, 6, 38, 3, 1, 0},
                                  {70, 28, 28, 14, 14, 2, 2, 0}, {3, 7, 21, 3, 7, 4, 3, 2}, {6, 10, 13, 3, 5, 0, 0, 0},
                                  {9, 14, 14, 1, 1, 0, 0, 0},    {2, 3, 4, 5, 7, 0, 0, 0}};
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++)
            one_max_pool(dt, &shapes[i]), one_avg_pool(dt, &shapes[i], 0, 0),
                one_avg_pool(dt, &shapes[i], 1, shapes[i].R ? i % 2 * 3 : 0);
}

/* ---- grid_sample: linear, zeros outside ------------------------------------------------------------------------------- */
static double tent(double d) { return fabs(d) < 1 ? 1 - fabs(d) : 0; }
static void one_grid(int dt, i64 N, i64 C, i64 H, i64 W, i64 places, int align) {
    arr *x = in(N * C * H * W, dt, -1, 1), *grid = in(N * places * 2, dt, -1.3, 1.3), *y = out(N * C * places, dt);
    arr *gy = in(N * C * places, dt, -1, 1), *gx = out(N * C * H * W, dt), *ggrid = out(N * places * 2, dt);
    double *want = reals(N * C * places), *gx_want = reals(N * C * H * W), *ggrid_want = reals(N * places * 2);
    for (i64 i = 0; i < N * places; i++) {
        double p[2], slope[2];
        for (int e = 0; e < 2; e++) {
            const double size = (double)(e ? H : W), c = get(grid, 2 * i + e);
            p[e] = align ? (c + 1) / 2 * (size - 1) : ((c + 1) * size - 1) / 2, slope[e] = align ? (size - 1) / 2 : size / 2;
        }
        for (i64 c = 0; c < C; c++)
            for (i64 h = 0; h < H; h++)
                for (i64 w = 0; w < W; w++) {
                    const double a = tent(p[0] - (double)w), b = tent(p[1] - (double)h), f = floor(p[0]), e = floor(p[1]);
                    const i64 at = ((i / places * C + c) * H + h) * W + w, to = (i / places * C + c) * places + i % places;
                    const double da = w == (i64)f ? -1 : w == (i64)f + 1, db = h == (i64)e ? -1 : h == (i64)e + 1;
                    want[to] += a * b * get(x, at), gx_want[at] += a * b * get(gy, to);
                    ggrid_want[2 * i] += slope[0] * da * b * get(x, at) * get(gy, to);
                    ggrid_want[2 * i + 1] += slope[1] * a * db * get(x, at) * get(gy, to);
                }
    }
    udl_grid_sample_args f = {P(y), P(x), P(grid), dt, N, C, 1, H, W, places, 2, 0, 0, align};
    run(UDL_K_grid_sample, &f, "dtype %d, %d x %d of %d x %d, %d places, align %d", dt, (int)N, (int)C, (int)H, (int)W, (int)places, align);
    expect(y, want, 64, 1);
    udl_grid_sample_backward_args g = {P(gx), P(ggrid), P(gy), P(x), P(grid), dt, N, C, 1, H, W, places, 2, 0, 0, align};
    run(UDL_K_grid_sample_backward, &g, "dtype %d, %d x %d of %d x %d, %d places", dt, (int)N, (int)C, (int)H, (int)W, (int)places);
    expect(gx, gx_want, 64, SUM(places)), expect(ggrid, ggrid_want, 64, (double)(H + W) * SUM(C));
    free(want), free(gx_want), free(ggrid_want), done();
}
static void test_grid(void) {
    EACH_FLOAT
        for (int align = 0; align < 2; align++)
            one_grid(dt, 2, 3, 5, 7, 90, align), one_grid(dt, 1, 11, 4, 4, 1, align), one_grid(dt, 3, 20, 6, 3, 300, align);
}

/* linear interpolation and its transposed map: <y, A x> = <A' y, x> */
static void one_interpolate(int dt, i64 H, i64 W, i64 R, i64 S) {
    arr *x = in(2 * H * W, dt, -1, 1), *gy = in(2 * R * S, dt, -1, 1), *y = out(2 * R * S, dt), *gx = out(2 * H * W, dt);
    double *want = reals(2 * R * S), *gx_want = reals(2 * H * W);
    const double sh = (double)H / (double)R, sw = (double)W / (double)S;
    for (i64 n = 0; n < 2; n++)
        for (i64 r = 0; r < R; r++)
            for (i64 s = 0; s < S; s++) {
                const double h = fmin(fmax(((double)r + .5) * sh - .5, 0), (double)H - 1), w = fmin(fmax(((double)s + .5) * sw - .5, 0), (double)W - 1);
                for (i64 i = 0; i < H; i++)
                    for (i64 j = 0; j < W; j++) {
                        const double share = fmax(0, 1 - fabs(h - (double)i)) * fmax(0, 1 - fabs(w - (double)j));
                        want[(n * R + r) * S + s] += share * get(x, (n * H + i) * W + j);
                        gx_want[(n * H + i) * W + j] += share * get(gy, (n * R + r) * S + s);
                    }
            }
    udl_interpolate_args f = {P(y), P(x), dt, 2, H, W, R, S, 2, 0, 0, sh, sw}, g = {P(gx), P(gy), dt, 2, H, W, R, S, 2, 0, 1, sh, sw};
    run(UDL_K_interpolate, &f, "dtype %d, %d %d to %d %d", dt, (int)H, (int)W, (int)R, (int)S);
    run(UDL_K_interpolate, &g, "dtype %d, %d %d from %d %d", dt, (int)H, (int)W, (int)R, (int)S);
    const double places = (double)(H + W); /* a place is rounded to an eps of itself, in float64 */
    expect(y, want, 4 + places, 1), expect(gx, gx_want, 4 + places, 1 + (double)(R * S) / (double)(H * W));
    free(want), free(gx_want), done();
}
static void test_interpolate(void) {
    static const i64 sizes[][4] = {{3, 4, 6, 8}, {1, 40, 1, 23}, {20, 17, 7, 40}, {5, 90, 9, 20}, {6, 6, 6, 13}};
    EACH_FLOAT
        for (int i = 0; i < LEN(sizes); i++) one_interpolate(dt, sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
}

void smoke_conv(void) { test_conv(), test_pool(), test_grid();
    test_interpolate();
}
