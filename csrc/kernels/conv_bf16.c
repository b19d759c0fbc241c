/* conv_bf16.c - convolution of bf16 images: x, y and their gradients are bf16, filters, bias and their gradients float32.
 *
 *   3 x 3, few pixels filters on the vector axis, as pairs (conv_pixels.c)
 *   3 x 3, stride 1  tiles of 6 x 6 (winograd.h) where they are faster: read and written as bf16, in between float32
 *   pairs            on AVX512-BF16 (csrc/tiles/pairs.h): an element is 32 bits with the bf16 numbers of two channels, of whole planes
 *                    zipped once, or, where sums go over pixels, of two images; the float32 code then convolves these elements
 *   else             images are widened, the float32 kernels run (on AMX with numbers rounded to bf16), and the result is rounded
 * An image whose result in tiles is not finite is done again the other way. */
#include "../vec/bf16.h"
#include "half_copy.h"
#include "conv_bf16.h"
#include "conv_pixels.h"
#include "winograd.h"

enum { FEW_PIXELS = 4096, LEAST_FILTERS = 4096 }; /* so few pixels that filters made ready save a part worth it, if they are so many */

/* ---- images the float32 kernels are handed: temporary, NULL where memory is short -------------------------------------------- */
static float *floats(i64 n) { return udl_alloc(sizeof(float) * (size_t)n); }
static float *widened(const void *x, i64 n) {
    float *to = floats(n);
    if (to) INTERNAL(widen_bf16)(to, x, n);
    return to;
}
static void drop(float *p, i64 n) {
    if (p) udl_free(p, sizeof(float) * (size_t)n);
}

/* Pairs of planes of L numbers: plane p of the first, and the plane `apart` behind it unless it is the last of its own. */
typedef struct { float *to; const void *from; i64 n, inner, L; int is_float; } zipping; /* [.. n][inner][L] -> [.. (n + 1) / 2][inner][L] */
static void zip_planes(void *ctx, i64 begin, i64 end) {
    const zipping *z = ctx;
    const i64 half = (z->n + 1) / 2, L = z->L, apart = z->inner * L;
    for (i64 p = begin; p < end; p++) {
        const i64 i = p % z->inner, k = p / z->inner % half, at = ((p / z->inner / half * z->n + 2 * k) * z->inner + i) * L;
        const int alone = 2 * k + 1 == z->n;
        const float *f = (const float *)z->from + at;
        const uint16_t *h = (const uint16_t *)z->from + at;
        float *to = z->to + p * L;
        for (i64 l = 0; l < L; l += VW32) {
            const int n = (int)UDL_MINI(L - l, (i64)VW32);
            const vf32 no = {0};
            if (z->is_float) v_store_n(to + l, zip_bf16(v_load_n(f + l, n), alone ? no : v_load_n(f + apart + l, n)), n);
            else v_store_n(to + l, (vf32)((vu32)h_load_n(h + l, n) >> 16 | (alone ? (vu32)no : (vu32)h_load_n(h + apart + l, n))), n);
        }
    }
}
/* NULL, or a new array: see zipping */
static float *zipped(const void *from, i64 outer, i64 n, i64 inner, i64 L, int is_float) {
    zipping z = {floats(outer * ((n + 1) / 2) * inner * L), from, n, inner, L, is_float};
    const i64 planes = outer * ((n + 1) / 2) * inner;
    if (!z.to) return 0;
    if (L == 1 && inner == 1 && n % 2 == 0) { /* neighbours are pairs as they lie, once they are rounded */
        if (is_float) INTERNAL(narrow_bf16)(z.to, from, outer * n);
        else memcpy(z.to, from, 2 * (size_t)(outer * n));
    } else udl_parallel_for(planes, UDL_MAXI(1, 32768 / L), zip_planes, &z);
    return z.to;
}

typedef struct { float *to; const float *from; i64 O, taps, C; } zip_job;
static void zip_columns(void *ctx, i64 begin, i64 end) { /* vectors of columns: `to` may be `from`, as no row is read after it is written */
    const zip_job *z = ctx;
    for (i64 o = 0; o < z->O; o += 2)
        for (i64 i = 0; i < z->taps; i++)
            for (i64 c = begin * VW32; c < UDL_MINI(end * VW32, z->C); c += VW32) {
                const int n = (int)UDL_MINI(z->C - c, (i64)VW32);
                const float *low = z->from + (o * z->taps + i) * z->C + c;
                const vf32 high = o + 1 < z->O ? v_load_n(low + z->taps * z->C, n) : (vf32){0};
                v_store_n(z->to + (o / 2 * z->taps + i) * z->C + c, zip_bf16(v_load_n(low, n), high), n);
            }
}
void INTERNAL(zip_filters)(float *to, const float *from, i64 O, i64 taps, i64 C) {
    zip_job z = {to, from, O, taps, C};
    udl_parallel_for(UDL_CEIL_DIV(C, VW32), UDL_MAXI(1, 32768 / (O * taps * VW32)), zip_columns, &z);
}

/* ---- few channels and stride 2: pairs of columns instead of channels ------------------------------------------------------------ */
/* Word j of a row is columns 2 j and 2 j + 1 of the padded row, as they lie; then taps are pairs as well, and the stride is 1. */
static int by_columns(const udl_conv *g) {
    return g->stride_w == 2 && g->dil_w == 1 && g->C * ((g->S + 1) / 2) < (g->C + 1) / 2 * g->S;
}
typedef struct { /* rows of n numbers -> rows of words; bad[r / per] becomes 1 where a number of row r is not finite */
    uint16_t *to;
    const void *from;
    i64 n, pad, words, per;
    char *bad; /* NULL: they are floats, nobody asks */
} joining;
static int all_finite(const uint16_t *x, i64 n) {
    vu32 seen = {0};
    for (i64 i = 0; i < n; i += VW32) {
        const vf32 v = h_load_n(x + i, (int)UDL_MINI(n - i, (i64)VW32));
        seen |= (vu32)(v * 0);
    }
    for (int i = 0; i < VW32; i++)
        if (seen[i] << 1) return 0; /* NaN instead of a zero */
    return 1;
}
static void join_rows(void *ctx, i64 begin, i64 end) {
    const joining *j = ctx;
    const i64 room = 2 * j->words, first = UDL_MAXI(0, -j->pad), at = j->pad + first, n = UDL_MINI(j->n - first, room - at);
    for (i64 r = begin; r < end; r++) {
        uint16_t *to = j->to + r * room;
        memset(to, 0, 2 * (size_t)room);
        if (n <= 0) continue;
        const uint16_t *from = (const uint16_t *)j->from + r * j->n + first;
        if (!j->bad) h_narrow_row(to + at, (const float *)j->from + r * j->n + first, n);
        else {
            memcpy(to + at, from, 2 * (size_t)n);
            if (!all_finite(from, n)) __atomic_store_n(&j->bad[r / j->per], 1, __ATOMIC_RELAXED);
        }
    }
}
static float *joined(const void *from, i64 rows, i64 n, i64 pad, i64 words, i64 per, char *bad) {
    joining j = {(uint16_t *)floats(rows * words), from, n, pad, words, per, bad};
    if (j.to) udl_parallel_for(rows, UDL_MAXI(1, 32768 / UDL_MAXI(1, words)), join_rows, &j);
    return (float *)j.to;
}

static int has_unit(void) { return GEMM_MATRIX_UNIT && udl_matrix_unit.name; }
/* what multiplies pairs, for groups of `in` channels whose sums are taken for `out` others; NULL: widened images are better */
static gemm_block_fn_f32 pairs_for(i64 in, i64 out) {
    return GEMM_MATRIX_UNIT && in >= 3 && out >= 8 ? (gemm_block_fn_f32)udl_matrix_unit.pairs : 0;
}

/* whether products of pairs are weighed against tiles as if the filters were ready: by the shape alone, so that the result is the same */
static int are_few(const udl_conv *g, i64 N) {
    return pairs_for(g->C, g->O) && (udl_batch_invariant() ? 1 : N) * g->P * g->Q <= FEW_PIXELS;
}

/* ---- filters made ready: pairs in panels (gemm.h), group after group -------------------------------------------------------- */
static const float *filters_of(const udl_conv2d_args *a, const void *maker) {
    const gemm_packed *p = a->ready;
    const i64 G = a->groups_act % 65536;
    if (!p || p->maker != (int64_t)(intptr_t)maker) return 0;
    const int same = p->n == a->O && p->k == a->C / G * a->R * a->S && p->parts == G && p->rows == a->R && p->columns == a->S;
    return same ? (const float *)(p + 1) : 0;
}
static const void *maker_of(int columns) { return columns ? (const void *)join_rows : (const void *)INTERNAL(conv2d_filters_bf16); }
static gemm_packed made_by(const void *maker, const udl_conv *g, i64 G) {
    return (gemm_packed){.maker = (int64_t)(intptr_t)maker, .n = g->O * G, .k = g->K, .parts = G, .rows = g->R, .columns = g->S};
}
/* for conv_pixels.c; 0: that is not how they are multiplied */
static int filters_for_pixels(const udl_conv2d_filters_args *a, const udl_conv *g, i64 G) {
#if GEMM_MATRIX_UNIT
    if (!pairs_for(g->C, g->O) || !INTERNAL(conv_pixels_fits)(g, G)) return 0;
    gemm_packed *p = a->ready;
    i64 *bytes = a->bytes;
    if (bytes && !INTERNAL(conv_pixels_pays)(g, a->N, G)) return 0; /* of so many images they would not be read */
    if (bytes) bytes[0] = (i64)sizeof *p + (i64)sizeof(float) * INTERNAL(conv_pixels_packed)(g), bytes[1] = 2;
    if (p) INTERNAL(conv_pixels_pack)(g, a->w, (float *)(p + 1)), *p = made_by(INTERNAL(conv_pixels_pack), g, G);
    return 1;
#else
    return (void)a, (void)g, (void)G, 0;
#endif
}
int INTERNAL(conv2d_filters_bf16)(const udl_conv2d_filters_args *a) {
    const i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G, RS = a->R * a->S, S2 = (a->S + 1) / 2;
    udl_conv g = conv_geometry(C, a->H, a->W, O, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h, a->pad_w, a->dil_h, a->dil_w);
    const int columns = by_columns(&g);
    const i64 K = columns ? C * a->R * S2 : (C + 1) / 2 * RS;
    g.half = 1, g.low = has_unit(), g.few = are_few(&g, a->N);
    if (filters_for_pixels(a, &g, G)) return UDL_OK;
    if (a->bytes) {
        const int pays = pairs_for(C, O) && a->N * a->P * a->Q > 0 && O * C * RS >= LEAST_FILTERS &&
                         (g.few || a->N * a->P * a->Q <= 4 * FEW_PIXELS) && !INTERNAL(wino_tiles)(&g, a->N);
        ((i64 *)a->bytes)[0] = pays ? (i64)sizeof(gemm_packed) + (i64)sizeof(float) * a->O * K : 0, ((i64 *)a->bytes)[1] = 1;
    }
    if (!a->ready) return UDL_OK;
    gemm_packed *p = a->ready;
    float *to = (float *)(p + 1), *w = columns ? joined(a->w, a->O * C * a->R, a->S, 0, S2, 1, 0) : zipped(a->w, a->O, C, 1, RS, 1);
    if (!w) return UDL_ENOMEM;
    for (i64 i = 0; i < G; i++) INTERNAL(gemm_pack_a_f32)(to + i * O * K, w + i * O * K, K, 1, O, K);
    drop(w, a->O * K);
    *p = made_by(maker_of(columns), &g, G); /* last: where memory is short, nobody takes them for ready */
    return UDL_OK;
}

/* ---- y ------------------------------------------------------------------------------------------------------------------- */
static int forward(const udl_conv2d_args *a) {
    const i64 G = a->groups_act % 65536, C = a->C / G, HW = a->H * a->W, RS = a->R * a->S;
    const gemm_block_fn_f32 pairs = pairs_for(C, a->O / G);
    const i64 C2 = G * ((C + 1) / 2), nx = a->N * (pairs ? C2 : a->C) * HW, nw = a->O * ((C + 1) / 2) * RS, ny = a->N * a->O * a->P * a->Q;
    const float *ready = pairs ? filters_of(a, maker_of(0)) : 0;
    float *x = pairs ? zipped(a->x, a->N * G, C, 1, HW, 0) : widened(a->x, nx), *w = pairs && !ready ? zipped(a->w, a->O, C, 1, RS, 1) : 0;
    float *y = pairs ? 0 : floats(ny);
    udl_conv2d_args f = *a;
    f.x = x, f.ready = ready;
    if (pairs) f.w = w, f.C = C2;
    else f.y = y;
    const int status = x && (w || y || ready) ? INTERNAL(conv2d_low)(&f, pairs) : UDL_ENOMEM;
    if (!status && y) INTERNAL(narrow_bf16)(a->y, y, ny);
    drop(x, nx), drop(y, ny), drop(w, nw);
    return status;
}

/* by pairs of columns. Where S is odd, a tap of weight 0 sees a column more: bad[n] becomes 1 where that may not be 0 */
static int forward_columns(const udl_conv2d_args *a, char *bad) {
    const i64 C = a->C / (a->groups_act % 65536), rows = a->N * a->C * a->H, filters = a->O * C * a->R;
    udl_conv2d_args f = *a;
    f.S = (a->S + 1) / 2, f.W = a->Q + f.S - 1, f.stride_w = 1, f.pad_w = 0;
    const float *ready = filters_of(a, maker_of(1));
    float *x = joined(a->x, rows, a->W, a->pad_w, f.W, a->C * a->H, bad), *w = ready ? 0 : joined(a->w, filters, a->S, 0, f.S, 1, 0);
    f.x = x, f.w = w, f.ready = ready;
    const int status = x && (w || ready) ? INTERNAL(conv2d_low)(&f, pairs_for(C, a->O / (a->groups_act % 65536))) : UDL_ENOMEM;
    drop(x, rows * f.W), drop(w, filters * f.S);
    if (a->S % 2 == 0) memset(bad, 0, (size_t)a->N);
    return status;
}

int INTERNAL(conv2d_bf16)(const udl_conv2d_args *a) {
    const i64 G = a->groups_act % 65536, act = a->groups_act / 65536;
    if (a->N * a->O * a->P * a->Q == 0) return UDL_OK;
    udl_conv g = conv_geometry(a->C / G, a->H, a->W, a->O / G, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h,
                               a->pad_w, a->dil_h, a->dil_w);
    g.half = 1, g.low = has_unit(), g.few = are_few(&g, a->N);
#if GEMM_MATRIX_UNIT
    if (pairs_for(g.C, g.O) && INTERNAL(conv_pixels_pays)(&g, a->N, G)) {
        const float *ready = filters_of(a, INTERNAL(conv_pixels_pack));
        return INTERNAL(conv_pixels)(&g, a->N, a->y, a->x, a->w, ready, a->b, (int)act, pairs_for(g.C, g.O));
    }
#endif
    const int tiles = act <= UDL_ACT_RELU && INTERNAL(wino_tiles)(&g, a->N), columns = !tiles && pairs_for(g.C, g.O) && by_columns(&g);
    if (!tiles && !columns) return forward(a);
    char *bad = udl_alloc((size_t)a->N);
    if (!bad) return UDL_ENOMEM;
    memset(bad, 0, (size_t)a->N);
    int status = columns ? forward_columns(a, bad) : INTERNAL(wino6_forward)(&g, a->N, G, a->y, a->x, a->w, (wino_filters){g.K, 9, 0, 0},
                                                                             a->b, (int)act, bad);
    udl_conv2d_args one = *a;
    one.N = 1;
    for (i64 n = 0; n < a->N && !status; n++) {
        one.x = (const uint16_t *)a->x + n * a->C * a->H * a->W, one.y = (uint16_t *)a->y + n * a->O * a->P * a->Q;
        if (bad[n]) status = forward(&one);
    }
    udl_free(bad, (size_t)a->N);
    return status;
}

/* ---- gx ------------------------------------------------------------------------------------------------------------------ */
static int backward_input(const udl_conv2d_backward_input_args *a) {
    const i64 G = a->groups_act % 65536, O = a->O / G, PQ = a->P * a->Q, nx = a->N * a->C * a->H * a->W;
    const gemm_block_fn_f32 pairs = PQ && a->C / G > 16 ? pairs_for(O, a->C / G) : 0;
    const i64 ny = UDL_MAXI(1, a->N * (pairs ? G * ((O + 1) / 2) : a->O) * PQ);
    float *gy = pairs ? zipped(a->gy, a->N * G, O, 1, PQ, 0) : widened(a->gy, ny), *gx = pairs ? 0 : floats(nx);
    udl_conv2d_backward_input_args f = *a;
    f.gy = gy;
    if (gx) f.gx = gx;
    const int status = gy && (gx || pairs) ? INTERNAL(conv2d_backward_input_low)(&f, pairs) : UDL_ENOMEM;
    if (!status && gx) INTERNAL(narrow_bf16)(a->gx, gx, nx);
    drop(gy, ny), drop(gx, nx);
    return status;
}

int INTERNAL(conv2d_backward_input_bf16)(const udl_conv2d_backward_input_args *a) {
    const i64 G = a->groups_act % 65536, C = a->C / G, O = a->O / G;
    if (a->N * a->C * a->H * a->W == 0) return UDL_OK;
    udl_conv g = conv_geometry(O, a->P, a->Q, C, a->R, a->S, a->H, a->W, 1, 1, a->dil_h * (a->R - 1) - a->pad_h,
                               a->dil_w * (a->S - 1) - a->pad_w, a->dil_h, a->dil_w);
    g.half = 1, g.low = has_unit();
    if (a->stride_h != 1 || a->stride_w != 1 || a->P * a->Q * O == 0 || !INTERNAL(wino_tiles)(&g, a->N)) return backward_input(a);
    char *bad = udl_alloc((size_t)a->N);
    if (!bad) return UDL_ENOMEM;
    memset(bad, 0, (size_t)a->N);
    int status = INTERNAL(wino6_forward)(&g, a->N, G, a->gx, a->gy, a->w, (wino_filters){9, C * 9, 1, 0}, 0, UDL_ACT_NONE, bad);
    udl_conv2d_backward_input_args one = *a;
    one.N = 1;
    for (i64 n = 0; n < a->N && !status; n++) {
        one.gx = (uint16_t *)a->gx + n * a->C * a->H * a->W, one.gy = (const uint16_t *)a->gy + n * a->O * a->P * a->Q;
        if (bad[n]) status = backward_input(&one);
    }
    udl_free(bad, (size_t)a->N);
    return status;
}

/* ---- gw, gb -------------------------------------------------------------------------------------------------------------- */
static void bias(void *ctx, i64 begin, i64 end) { /* filters; sums of a plane in vectors, of the images in double */
    const udl_conv2d_backward_weight_args *a = ctx;
    const i64 PQ = a->P * a->Q;
    for (i64 o = begin; o < end; o++) {
        double s = 0;
        for (i64 n = 0; n < a->N; n++) {
            const uint16_t *gy = (const uint16_t *)a->gy + (n * a->O + o) * PQ;
            vf32 v = {0};
            for (i64 i = 0; i < PQ; i += VW32) v += h_load_n(gy + i, (int)UDL_MINI(PQ - i, VW32));
            s += (double)v_sum(v);
        }
        ((float *)a->gb)[o] = (float)s;
    }
}

int INTERNAL(conv2d_backward_weight_bf16)(const udl_conv2d_backward_weight_args *a) {
    const i64 G = a->groups_act % 65536, nx = a->N * a->C * a->H * a->W, ny = a->N * a->O * a->P * a->Q;
    int status = UDL_OK;
    if (a->gb) udl_parallel_for(a->O, UDL_MAXI(1, 32768 / UDL_MAXI(1, a->N * a->P * a->Q)), bias, (void *)(uintptr_t)a);
    udl_conv g = conv_geometry(a->C / G, a->H, a->W, a->O / G, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h,
                               a->pad_w, a->dil_h, a->dil_w);
    if (!a->gw || a->O * g.K == 0) return UDL_OK;
    if (ny == 0) {
        memset(a->gw, 0, sizeof(float) * (size_t)(a->O * g.K));
        return UDL_OK;
    }
    g.half = 1, g.low = has_unit();
    if (INTERNAL(wino_pays_weight)(&g, a->N)) {
        char bad = 0;
        status = INTERNAL(wino_weight)(&g, a->N, G, a->gw, a->gy, a->x, &bad);
        if (status || !bad) return status;
    }
    const gemm_block_fn_f32 pairs = a->N > 1 ? pairs_for(a->C / G, a->O / G) : 0; /* pairs of images: sums go over their pixels */
    const i64 N2 = (a->N + 1) / 2, mx = pairs ? nx / a->N * N2 : nx, my = pairs ? ny / a->N * N2 : ny;
    float *x = pairs ? zipped(a->x, 1, a->N, a->C, a->H * a->W, 0) : widened(a->x, nx);
    float *gy = pairs ? zipped(a->gy, 1, a->N, a->O, a->P * a->Q, 0) : widened(a->gy, ny);
    udl_conv2d_backward_weight_args f = *a;
    f.x = x, f.gy = gy, f.gb = 0;
    if (pairs) f.N = N2;
    status = x && gy ? INTERNAL(conv2d_backward_weight_low)(&f, pairs) : UDL_ENOMEM;
    drop(x, mx), drop(gy, my);
    return status;
}
