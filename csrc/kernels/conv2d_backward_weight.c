/* conv2d_backward_weight.c - gw[O, C/G, R, S] and gb[O] from gy and x.
 *
 *     gw[o, k] = sum over images n and pixels (p, q) of gy[n, o, p, q] xp[n, tap[k] + p step + q],   gb[o] = sum of gy
 * Few filters: sums of products of vectors along q, read where they lie; a tile of 3 filters x 4 taps stays in registers over
 * an image; images are cut into at most PARTS runs by the shape, summed each in order, then the parts in order.
 * Many filters: im2col times gy^T, taps read where they lie (conv_weight_taps.c).
 * Else, and on levels that may find a matrix unit, the matmul engine: gy[O, N P Q] times im2col^T, packed from the images by transposing
 * in registers; image by image where the sums of all filters and taps stay in L2.
 * Floor: as many flops as forward. */
#ifndef T
#include "conv_bf16.h"
#include "winograd.h"
#define UDL_THIS_FILE "kernels/conv2d_backward_weight.c"
#define PARTS 16
#define block_f32(pairs) (pairs) /* what multiplies numbers that are pairs (of the pixels of two images), or NULL */
#define block_f64(pairs) 0
#include "../each_float.h"
int KERNEL(conv2d_backward_weight)(const udl_conv2d_backward_weight_args *a) {
    if (!CONV_FITS(a)) return UDL_ENOMEM;
    return a->dtype == UDL_BF16 ? INTERNAL(conv2d_backward_weight_bf16)(a) : BY_FLOAT(a->dtype, conv2d_backward_weight, (a, 0));
}
int INTERNAL(conv2d_backward_weight_low)(const udl_conv2d_backward_weight_args *a, gemm_block_fn_f32 pairs) {
    return conv2d_backward_weight_f32(a, pairs);
}
#else

/* ---- few filters: products along q --------------------------------------------------------------------------------- */
/* s[o][k] += products of one image, for M filters from gy on and N taps; M and N are constants */
VFN void FN(products)(const udl_conv *g, const T *gy, const T *xp, const i64 *tap, vec *s, int M, int N) {
    vec acc[3][8];
    i64 PQ = g->P * g->Q, whole = g->Q / VW * VW;
    int rest = (int)(g->Q - whole);
    _Pragma("GCC unroll 3") for (int i = 0; i < M; i++)
        _Pragma("GCC unroll 8") for (int j = 0; j < N; j++) acc[i][j] = s[i * g->K + j];
    for (i64 p = 0; p < g->P; p++, gy += g->Q, xp += g->step) {
#define STEP(load)                                                                                                     \
    do {                                                                                                               \
        vec y[3];                                                                                                      \
        _Pragma("GCC unroll 3") for (int i = 0; i < M; i++) y[i] = load(gy + i * PQ + q);                              \
        _Pragma("GCC unroll 8") for (int j = 0; j < N; j++) {                                                          \
            vec x = load(xp + tap[j] + q);                                                                             \
            _Pragma("GCC unroll 3") for (int i = 0; i < M; i++) acc[i][j] = v_fma(y[i], x, acc[i][j]);                 \
        }                                                                                                              \
    } while (0)
#define LOAD_REST(p) v_load_n(p, rest)
        i64 q = 0;
        for (; q < whole; q += VW) STEP(v_load);
        if (rest) STEP(LOAD_REST);
#undef LOAD_REST
#undef STEP
    }
    _Pragma("GCC unroll 3") for (int i = 0; i < M; i++)
        _Pragma("GCC unroll 8") for (int j = 0; j < N; j++) s[i * g->K + j] = acc[i][j];
}
#define TILE(M, N)                                                                                                     \
    static void FN(products_##M##x##N)(const udl_conv *g, const T *gy, const T *xp, const i64 *tap, vec *s) {          \
        FN(products)(g, gy, xp, tap, s, M, N);                                                                         \
    }
TILE(3, 4)
TILE(3, 1)
TILE(1, 8)
TILE(1, 1)
#undef TILE

static void FN(image_products)(const udl_conv *g, const T *gy, const T *xp, const i64 *tap, vec *s) {
    i64 o = 0, PQ = g->P * g->Q;
    for (; o + 3 <= g->O; o += 3) {
        i64 k = 0;
        for (; k + 4 <= g->K; k += 4) FN(products_3x4)(g, gy + o * PQ, xp, tap + k, s + o * g->K + k);
        for (; k < g->K; k++) FN(products_3x1)(g, gy + o * PQ, xp, tap + k, s + o * g->K + k);
    }
    for (; o < g->O; o++) {
        i64 k = 0;
        for (; k + 8 <= g->K; k += 8) FN(products_1x8)(g, gy + o * PQ, xp, tap + k, s + o * g->K + k);
        for (; k < g->K; k++) FN(products_1x1)(g, gy + o * PQ, xp, tap + k, s + o * g->K + k);
    }
}

/* ---- the engine: k runs over the pixels of several images ------------------------------------------------------------- */
typedef struct { const udl_conv *g; const T *gy, *xp; const i64 *tap; i64 gy_distance, xp_distance; } FN(images);

/* one row's pixels, `count` of them: columns of the panel are taps, VW of them are transposed KS pixels at a time; the last
 * step starts early enough to be whole */
static void FN(panel_row)(const T *x, const i64 *tap, T *to, i64 w, i64 count) {
    for (i64 j = 0; j < w; j += VW) {
        const T *row[VW];
        for (int r = 0; r < VW; r++) row[r] = x + tap[j + r];
        if (count < FN(KS)) {
            for (i64 i = 0; i < count; i++)
                for (int r = 0; r < VW; r++) to[i * w + j + r] = row[r][i];
            continue;
        }
        for (i64 i = 0; i < count; i += FN(KS)) {
            i64 at = UDL_MINI(i, count - FN(KS));
            vec col[FN(KS)];
            FN(columns)(row, at, col);
            _Pragma("GCC unroll 4") for (int kk = 0; kk < FN(KS); kk++) v_store(to + (at + kk) * w + j, col[kk]);
        }
    }
}

/* taps first.. of im2col^T, pixels k.. */
static void FN(pack_taps)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(images) *m = ctx;
    const udl_conv *g = m->g;
    i64 PQ = g->P * g->Q;
    for (i64 n = 0; n < count; n += GEMM_NR) {
        i64 nb = UDL_MINI(count - n, (i64)GEMM_NR), w = UDL_CEIL_DIV(nb, VW) * VW, tap[GEMM_NR];
        for (i64 j = 0; j < w; j++) tap[j] = m->tap[first + n + UDL_MINI(j, nb - 1)];
        T *panel = to + n * kc;
        for (i64 i = 0, run; i < kc; i += run) {
            i64 at = (k + i) % PQ, q = at % g->Q;
            const T *x = m->xp + (k + i) / PQ * m->xp_distance;
            if (g->plain) { /* the image itself is im2col: a tap is a plane, and rows go on in one another */
                run = UDL_MINI(PQ - at, kc - i);
                gemm_pack_b(panel + i * w, x + (first + n) * PQ + at, 1, PQ, run, nb);
            } else {
                run = UDL_MINI(g->Q - q, kc - i);
                FN(panel_row)(x + at / g->Q * g->step + q, tap, panel + i * w, w, run);
            }
        }
    }
}

/* filters first.. of gy, pixels k.. */
static void FN(pack_gy)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(images) *m = ctx;
    i64 PQ = m->g->P * m->g->Q;
    for (i64 o = 0, mr; o < count; o += mr, to += mr * kc) {
        mr = gemm_rows(count - o);
        for (i64 i = 0, run; i < kc; i += run) {
            i64 at = (k + i) % PQ;
            run = UDL_MINI(PQ - at, kc - i);
            gemm_pack_a(to + i * mr, m->gy + (k + i) / PQ * m->gy_distance + (first + o) * PQ + at, PQ, 1, mr, run);
        }
    }
}

typedef struct { const udl_conv *g; i64 N, G, parts; T *sum; const T *gy, *x; const i64 *tap; int failed; } FN(weight_job);

/* groups begin..end: as many images at a time as have their padded copies in 16 MiB */
static void FN(weights_engine)(void *ctx, i64 begin, i64 end) {
    FN(weight_job) *j = ctx;
    const udl_conv *g = j->g;
    i64 PQ = g->P * g->Q, plane = g->C * g->H * g->W, images = j->N;
    if (!g->plain) images = UDL_MAXI(1, UDL_MINI(j->N, (16 << 20) / (g->size * (i64)sizeof(T))));
    size_t bytes = g->plain ? 0 : sizeof(T) * (size_t)(images * g->size);
    T *xp = bytes ? udl_alloc(bytes) : 0;
    if (bytes && !xp) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++)
        for (i64 n = 0; n < j->N; n += images) {
            i64 count = UDL_MINI(images, j->N - n);
            const T *x = j->x + (n * j->G + t) * plane, *gy = j->gy + (n * j->G + t) * g->O * PQ;
            FN(images) m = {g, gy, xp ? xp : x, j->tap, j->G * g->O * PQ, xp ? g->size : j->G * plane};
            if (xp) conv_pad(g, xp, x, count, j->G * plane);
            FN(gemm_job) w = {.m = g->O, .n = g->K, .k = count * PQ, .c = j->sum + t * g->O * g->K, .ldc = g->K,
                              .pack_a = FN(pack_gy), .pack_b = FN(pack_taps), .ctx = &m, .e = {.alpha = 1, .add = n != 0, .chunk = CONV_CHUNK},
                              .low = g->low, .block = FN(block)(g->pairs)};
            if (gemm_run(&w)) j->failed = 1;
        }
    if (xp) udl_free(xp, bytes);
}

/* part t = (group, run of images): image by image, filters read where they lie, taps transposed into panels. The sums of a
 * part stay in L2. */
#define PIXELS 512 /* most pixels of a panel */
static void FN(weights_images)(void *ctx, i64 begin, i64 end) {
    FN(weight_job) *j = ctx;
    const udl_conv *g = j->g;
    i64 PQ = g->P * g->Q, size = g->O * g->K, wide = UDL_CEIL_DIV(g->K, GEMM_NR) * GEMM_NR, pixels = UDL_MINI(PQ, (i64)PIXELS);
    size_t bytes = sizeof(T) * (size_t)(g->size + pixels * wide);
    T *xp = udl_alloc(bytes), *b = xp + g->size;
    for (i64 t = begin; t < end; t++) {
        if (!xp) { j->failed = 1; break; }
        i64 group = t / j->parts, part = t % j->parts, n0 = part * j->N / j->parts, n1 = (part + 1) * j->N / j->parts;
        T *sum = j->sum + (part * j->G + group) * size;
        for (i64 n = n0; n < n1; n++) {
            const T *x = j->x + (n * j->G + group) * g->C * g->H * g->W, *gy = j->gy + (n * j->G + group) * g->O * PQ;
            if (!g->plain) conv_pad(g, xp, x, 1, 0);
            FN(images) m = {g, gy, g->plain ? x : xp, j->tap, 0, 0};
            for (i64 k = 0; k < PQ; k += pixels) {
                i64 kc = UDL_MINI(pixels, PQ - k);
                FN(gemm_epilogue) e = {.alpha = 1, .add = n > n0 || k, .chunk = CONV_CHUNK};
                FN(pack_taps)(&m, b, 0, g->K, k, kc);
                const FN(gemm_block_fn) block = FN(block)(g->pairs) ? FN(block)(g->pairs) : gemm_block;
                block(g->O, g->K, kc, (FN(gemm_a)){gy + k, PQ, GEMM_A_ROWS}, (FN(gemm_b)){b, 0}, sum, g->K, &e);
            }
        }
    }
    if (xp) udl_free(xp, bytes);
}

/* part t = (group, run of images): sum over its images of products along q */
static void FN(weights_products)(void *ctx, i64 begin, i64 end) {
    FN(weight_job) *j = ctx;
    const udl_conv *g = j->g;
    i64 PQ = g->P * g->Q, size = g->O * g->K;
    size_t bytes = sizeof(T) * (size_t)g->size, vectors = sizeof(vec) * (size_t)size;
    T *xp = udl_alloc(bytes);
    vec *s = udl_alloc(vectors);
    for (i64 t = begin; t < end; t++) {
        if (!xp || !s) { j->failed = 1; break; }
        i64 group = t / j->parts, part = t % j->parts, n0 = part * j->N / j->parts, n1 = (part + 1) * j->N / j->parts;
        memset(s, 0, vectors);
        for (i64 n = n0; n < n1; n++) {
            conv_pad(g, xp, j->x + (n * j->G + group) * g->C * g->H * g->W, 1, 0);
            FN(image_products)(g, j->gy + (n * j->G + group) * g->O * PQ, xp, j->tap, s);
        }
        T *sum = j->sum + (part * j->G + group) * size;
        for (i64 i = 0; i < size; i++) sum[i] = v_sum(s[i]);
    }
    if (xp) udl_free(xp, bytes);
    if (s) udl_free(s, vectors);
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

/* Are products along q cheaper? In vector operations: lanes lost at the ends of rows against packing and empty columns. */
static int FN(few_filters)(const udl_conv *g) {
    double across = (double)UDL_CEIL_DIV(g->Q, VW) + 0.5 + 4. / (double)g->P, O = (double)g->O, K = (double)g->K, P = (double)g->P;
    double engine = P * (double)g->Q / VW * (O * (double)UDL_CEIL_DIV(g->K, VW) * VW + 8 * K) * 1.05;
    return g->O * g->K * (i64)sizeof(vec) <= 262144 && O * K * P * across < engine;
}

/* Few sums behind many pixels: parts of the images side by side */
static int FN(few_sums)(const udl_conv *g, i64 N) { return g->P * g->Q >= 64 && g->O * g->K * (i64)sizeof(T) <= 262144 && N >= 4; }

/* the parts of all groups, then their sum in order */
static int FN(few_weights)(FN(weight_job) *j, i64 size, void (*task)(void *, i64, i64)) {
    double flops = 2. * (double)size * (double)(j->g->P * j->g->Q) * (double)j->N;
    T *gw = j->sum;
    j->parts = UDL_MAXI(1, UDL_MINI(UDL_MINI(j->N, (i64)PARTS), (i64)(flops / GEMM_TASK_FLOPS)));
    size_t bytes = j->parts > 1 ? sizeof(T) * (size_t)(j->parts * size) : 0;
    if (bytes && !(j->sum = udl_alloc(bytes))) return UDL_ENOMEM;
    i64 tasks = j->parts * j->G;
    udl_parallel_for(tasks, UDL_MAXI(1, (i64)((double)tasks * GEMM_TASK_FLOPS / 2 / (flops + 1))), task, j);
    if (!bytes) return UDL_OK;
    for (i64 i = 0; i < size; i++) {
        T s = j->sum[i];
        for (i64 p = 1; p < j->parts; p++) s += j->sum[p * size + i];
        gw[i] = s;
    }
    udl_free(j->sum, bytes);
    return UDL_OK;
}

static int FN(conv2d_backward_weight)(const udl_conv2d_backward_weight_args *a, gemm_block_fn_f32 pairs) {
    i64 G = a->groups_act % 65536, PQ = a->P * a->Q;
    if (a->gb) {
        FN(bias_job) b = {a->gy, a->gb, a->N, a->O, PQ};
        udl_parallel_for(a->O, UDL_MAXI(1, 32768 / UDL_MAXI(1, a->N * PQ)), FN(bias), &b);
    }
    udl_conv g = conv_geometry(a->C / G, a->H, a->W, a->O / G, a->R, a->S, a->P, a->Q, a->stride_h, a->stride_w, a->pad_h,
                               a->pad_w, a->dil_h, a->dil_w);
    g.low = a->dtype == UDL_BF16, g.pairs = pairs;
    i64 size = a->O * g.K;
    if (!a->gw || size == 0) return UDL_OK;
    if (a->N * PQ == 0) {
        memset(a->gw, 0, sizeof(T) * (size_t)size);
        return UDL_OK;
    }
    if (a->dtype == UDL_F32 && INTERNAL(wino_pays_weight)(&g, a->N)) {
        char bad = 0;
        int status = INTERNAL(wino_weight)(&g, a->N, G, a->gw, a->gy, a->x, &bad);
        if (status || !bad) return status;
    }
    const int turned = !pairs && conv_weight_taps_pays(&g, a->N), whole = g.O % VW == 0 || g.O > 2 * VW; /* few lanes are lost */
    const int few = !pairs && !(turned && whole) && FN(few_filters)(&g);
    if (turned && !few) return conv_weight_taps(&g, a->N, G, a->gw, a->gy, a->x);
    size_t taps = sizeof(i64) * (size_t)g.K;
    i64 *tap = udl_alloc(taps);
    if (!tap) return UDL_ENOMEM;
    conv_taps(&g, tap);
    FN(weight_job) j = {&g, a->N, G, 1, a->gw, a->gy, a->x, tap, 0};
    int status = UDL_OK;
    if (few) status = FN(few_weights)(&j, size, FN(weights_products));
    else if (FN(few_sums)(&g, a->N)) status = FN(few_weights)(&j, size, FN(weights_images));
    else udl_parallel_for(G, 1, FN(weights_engine), &j);
    udl_free(tap, taps);
    return status || j.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
