/* conv_sum.c - the correlation that convolution, forward and backward, comes down to (conv2d.h), in one of three ways:
 *
 *   PLANE  one or two filters (depthwise): eight vectors of pixels at a time, one multiply-add and one load a tap
 *   TAPS   tiles of filters x pixels of one output row; the micro-kernel reads the image where it lies
 *   STRIPS the matmul engine, panels of pixels packed from the images: wastes no lanes when rows are short (conv_strips.c)
 *
 * The choice is an estimate of cycles from the shape. */
#ifndef T
#include "columns.h"
#include "conv2d.h"
#include "lanes.h"
#define UDL_THIS_FILE "kernels/conv_sum.c"
enum { STRIPS, TAPS, PLANE };
#define PAD_TASK 32768 /* elements of padded images that are worth a task, and of a band of rows where planes are few */
#define PAD_BAND 8192
#define TAPS_FILTERS (256 << 10) /* bytes: filters that go over each tile of pixels stay in L2 */
#include "../each_float.h"
#else

/* ---- the padded image ---------------------------------------------------------------------------------------------- */
/* n elements, read only where there are some */
VFN void FN(copy_row)(T *to, const T *from, i64 n) {
    i64 i = 0;
    if (n < VW) {
        for (; i < n; i++) to[i] = from[i];
        return;
    }
    for (; i + VW <= n; i += VW) v_store(to + i, v_load(from + i));
    if (i < n) v_store(to + n - VW, v_load(from + n - VW));
}
VFN void FN(copy_strided)(T *to, const T *from, i64 n, i64 stride) {
    i64 i = 0;
    if (stride == 2) {
        for (; i + VW < n; i += VW) v_store(to + i, v_even(v_load(from + 2 * i), v_load(from + 2 * i + VW)));
        if (n - i > 2) { /* the last ones: nothing is read behind the last of them */
            const i64 left = 2 * (n - i) - 1;
            const vec low = left >= VW ? v_load(from + 2 * i) : v_load_n(from + 2 * i, (int)left);
            v_store_n(to + i, v_even(low, left > VW ? v_load_n(from + 2 * i + VW, (int)(left - VW)) : v_set(0)), (int)(n - i));
            return;
        }
    }
    for (; i < n; i++) to[i] = from[i * stride];
}

/* Of one channel the columns of remainder f: entry i of a row is column i stride_w + f - pad_w of the image; lo..hi are inside. */
static void FN(pad_columns)(const udl_conv *g, T *xp, const T *x, i64 f, i64 h0, i64 h1) {
    i64 first = g->pad_w - f, sw = g->stride_w, end = g->W + first;
    i64 lo = UDL_MINI(first > 0 ? UDL_CEIL_DIV(first, sw) : 0, g->Wq);
    i64 hi = UDL_MAXI(UDL_MINI(end > 0 ? UDL_CEIL_DIV(end, sw) : 0, g->Wq), lo);
    const T *from = x + lo * sw - first;
    for (i64 h = h0; h < h1; h++) {
        T *to = xp + (h - h0) * g->row + f * g->Wq;
        i64 in = h - g->pad_h;
        if (g->R == 1 && g->stride_h > 1 && h % g->stride_h) continue; /* no tap comes here */
        if (in < 0 || in >= g->H) {
            for (i64 i = 0; i < g->Wq; i++) to[i] = 0;
            continue;
        }
        for (i64 i = 0; i < lo; i++) to[i] = 0;
        if (sw == 1) FN(copy_row)(to + lo, from + in * g->W, hi - lo);
        else FN(copy_strided)(to + lo, from + in * g->W, hi - lo, sw);
        for (i64 i = hi; i < g->Wq; i++) to[i] = 0;
    }
}

/* Of one channel all columns where stride_w is 2: even ones to one half of the row, odd ones to the other, which is which by pad_w. */
static void FN(pad_two)(const udl_conv *g, T *xp, const T *x, i64 h0, i64 h1) {
    const i64 half = g->pad_w % 2, e = half * g->Wq + g->pad_w / 2, o = (1 - half) * g->Wq + (g->pad_w + 1) / 2; /* column 0, column 1 */
    const i64 evens = UDL_MINI((g->W + 1) / 2, g->Wq - g->pad_w / 2), odds = UDL_MINI(g->W / 2, g->Wq - (g->pad_w + 1) / 2);
    for (i64 h = h0; h < h1; h++, xp += g->row) {
        const i64 in = h - g->pad_h;
        i64 k = 0;
        for (; k + VW <= g->row; k += VW) v_store(xp + k, v_set(0));
        if (k < g->row) v_store_n(xp + k, v_set(0), (int)(g->row - k));
        if (in < 0 || in >= g->H) continue;
        const T *from = x + in * g->W;
        for (k = 0; k + VW <= UDL_MINI(evens, odds) && 2 * (k + VW) <= g->W; k += VW) {
            const vec a = v_load(from + 2 * k), b = v_load(from + 2 * k + VW);
            v_store(xp + e + k, v_even(a, b)), v_store(xp + o + k, v_odd(a, b));
        }
        for (; k < evens || k < odds; k += VW) {
            const i64 left = g->W - 2 * k;
            const vec a = v_load_n(from + 2 * k, (int)UDL_MINI(left, (i64)VW));
            const vec b = left > VW ? v_load_n(from + 2 * k + VW, (int)UDL_MINI(left - VW, (i64)VW)) : v_set(0);
            if (k < evens) v_store_n(xp + e + k, v_even(a, b), (int)UDL_MINI(evens - k, (i64)VW));
            if (k < odds) v_store_n(xp + o + k, v_odd(a, b), (int)UDL_MINI(odds - k, (i64)VW));
        }
    }
}

/* Of one channel all columns where the filter is as wide as its stride and nothing is added: a row, as a matrix [Wq][stride_w], turned. */
static void FN(pad_turned)(const udl_conv *g, T *xp, const T *x, i64 h0, i64 h1) {
    const i64 sw = g->stride_w;
    x += h0 * g->W;
    for (i64 h = h0; h < h1; h++, x += g->W, xp += g->row)
        for (i64 i = 0; i < g->Wq; i += VW) { /* the last vector moves back over entries that are done */
            const i64 at = UDL_MINI(i, g->Wq - VW);
            const T *row[VW];
            for (int r = 0; r < VW; r++) row[r] = x + (at + r) * sw;
            for (i64 f = 0; f < sw; f += FN(KS)) {
                vec q[FN(KS)];
                FN(columns)(row, f, q);
                _Pragma("GCC unroll 4") for (int e = 0; e < FN(KS); e++) v_store(xp + (f + e) * g->Wq + at, q[e]);
            }
        }
}

/* rows h0..h1 of one padded channel */
static void FN(pad_rows)(const udl_conv *g, T *to, const T *x, i64 h0, i64 h1) {
    const int turned = g->stride_w > 2 && g->stride_w % FN(KS) == 0 && g->S == g->stride_w && g->dil_w == 1 && !g->pad_w && !g->pad_h &&
                       g->Wq >= VW && g->Hp <= g->H && g->Wq * g->stride_w <= g->W;
    if (g->stride_w == 2 && g->S > 1 && g->dil_w % 2 && g->R > 1 && g->pad_w >= 0) FN(pad_two)(g, to, x, h0, h1);
    else if (turned) FN(pad_turned)(g, to, x, h0, h1);
    else
        for (i64 f = 0; f < g->stride_w; f++) {
            int used = 0;
            for (i64 s = 0; s < g->S; s++) used |= s * g->dil_w % g->stride_w == f;
            if (used) FN(pad_columns)(g, to, x, f, h0, h1);
        }
}

typedef struct { const udl_conv *g; T *xp; const T *x; i64 distance, bands; } FN(padding);

static void FN(pad_planes)(void *ctx, i64 begin, i64 end) { /* task = (image, channel, band of rows) */
    const FN(padding) *j = ctx;
    const udl_conv *g = j->g;
    for (i64 t = begin; t < end; t++) {
        const i64 n = t / j->bands / g->C, c = t / j->bands % g->C, band = t % j->bands;
        const i64 h0 = g->Hp * band / j->bands, h1 = g->Hp * (band + 1) / j->bands;
        T *xp = j->xp + n * g->size + c * g->Hp * g->row;
        FN(pad_rows)(g, xp + h0 * g->row, j->x + n * j->distance + c * g->H * g->W, h0, h1);
        if (c == g->C - 1 && h1 == g->Hp) memset(xp + g->Hp * g->row, 0, sizeof(T) * 64);
    }
}

void conv_pad(const udl_conv *g, T *xp, const T *x, i64 images, i64 distance) {
    const i64 planes = images * g->C, plane = UDL_MAXI(g->Hp * g->row, 1);
    FN(padding) j = {g, xp, x, distance, planes < 16 ? UDL_MAXI(1, UDL_MINI(g->Hp, UDL_CEIL_DIV(plane, PAD_BAND))) : 1};
    udl_parallel_for(planes * j.bands, UDL_MAXI(1, PAD_TASK * j.bands / plane), FN(pad_planes), &j);
}

/* ---- PLANE ----------------------------------------------------------------------------------------------------------- */
#define AT 8 /* vectors of pixels at a time */
/* R x R taps side by side, R 3 or 5, stride 1 or 2, or R 7, stride 1: four rows of the output at a time, so that each vector read serves several of
 * them. Tiles at the right and at the bottom move back over pixels that are done: the same values come out again. */
static int FN(square)(const FN(conv_sum) *c) { /* R + 8 for stride 2; 0: another filter */
    const i64 R = c->K == 9 ? 3 : c->K == 25 && sizeof(T) == 4 ? 5 : c->K == 49 && sizeof(T) == 4 ? 7 : 0;
    if (!R || c->Q < VW || c->P < 4 || c->act > UDL_ACT_RELU) return 0;
    const i64 down = c->tap[R] - c->tap[0];
    for (i64 k = 0; k < c->K; k++)
        if (c->tap[k] != c->tap[k % R] + k / R * down) return 0;
    return c->step == down ? (int)R : c->step == 2 * down && sizeof(T) == 4 && R < 7 ? (int)R + 8 : 0;
}
VFN void FN(plane_square)(const FN(conv_sum) *c, i64 m, const T *xp, T *y, int R, int stride) {
    const T *rows = (c->panels ? c->panels : c->w) + m * c->K;
    const i64 down = c->tap[R] - c->tap[0];
    vec w[49], bias = (vec){0} + (c->bias ? c->bias[m] : 0);
    _Pragma("GCC unroll 49") for (int k = 0; k < R * R; k++) w[k] = (vec){0} + rows[k];
    y += m * c->ldy;
    for (i64 p0 = 0; p0 < c->P; p0 += 4)
        for (i64 q0 = 0; q0 < c->Q; q0 += VW) {
            i64 p = UDL_MINI(p0, c->P - 4), q = UDL_MINI(q0, c->Q - VW);
            const T *x = xp + p * c->step + q;
            vec s[4] = {bias, bias, bias, bias};
            _Pragma("GCC unroll 11") for (int r = 0; r < R + 3 * stride; r++, x += down)
                _Pragma("GCC unroll 7") for (int t = 0; t < R; t++) {
                    vec v = v_load(x + c->tap[t]);
                    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
                        if (r - stride * i >= 0 && r - stride * i < R) s[i] = v_fma(v, w[R * (r - stride * i) + t], s[i]);
                }
            _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
                v_store(y + (p + i) * c->Q + q, c->act ? v_sel(s[i] < 0, (vec){0}, s[i]) : s[i]);
        }
}

/* Each group of VW pixels of a row has its place in the image; eight of them make a tile, whatever rows they are in. */
static void FN(plane)(const FN(conv_sum) *c, i64 m, const T *xp, T *y) {
    i64 across = UDL_CEIL_DIV(c->Q, VW), groups = c->P * across;
    const T *w = (c->panels ? c->panels : c->w) + m * c->K;
    T bias = c->bias ? c->bias[m] : 0;
    FN(gemm_epilogue) e = {.alpha = 1, .act = c->act};
    for (i64 t = 0, p = 0, q = 0; t < groups; t += AT) {
        const T *x[AT];
        vec s[AT];
        T *to[AT];
        i64 left[AT]; /* pixels from here to the end of the row */
        _Pragma("GCC unroll 8") for (i64 i = 0; i < AT; i++) {
            x[i] = xp + p * c->step + q;
            to[i] = y + m * c->ldy + p * c->Q + q;
            left[i] = c->Q - q;
            s[i] = (vec){0} + bias;
            if (t + i + 1 < groups && (q += VW) >= c->Q) p++, q = 0;
        }
        for (i64 k = 0; k < c->K;) { /* chains of sums, added up in `sums` */
            const i64 end = c->K - k <= 2 * CONV_CHUNK ? c->K : k + CONV_CHUNK;
            vec sums[AT];
            if (k) _Pragma("GCC unroll 8") for (int i = 0; i < AT; i++) sums[i] = s[i], s[i] = (vec){0};
            const i64 first = k;
            for (; k < end; k++) {
                i64 at = c->tap[k];
                vec f = (vec){0} + w[k];
                _Pragma("GCC unroll 8") for (int i = 0; i < AT; i++) s[i] = v_fma(v_load(x[i] + at), f, s[i]);
            }
            if (first) _Pragma("GCC unroll 8") for (int i = 0; i < AT; i++) s[i] += sums[i];
        }
        for (i64 i = 0; i < AT && t + i < groups; i++) {
            int whole = left[i] >= VW || (t + i + 1 < groups && VW - left[i] <= c->Q); /* next row: written later */
            if (c->act > UDL_ACT_RELU || !whole) {
                T one[VW];
                v_store(one, s[i]);
                gemm_finish(1, UDL_MINI(VW, left[i]), one, VW, to[i], 0, &e);
            } else {
                v_store(to[i], c->act ? v_sel(s[i] < 0, (vec){0}, s[i]) : s[i]);
            }
        }
    }
}

/* ---- TAPS ------------------------------------------------------------------------------------------------------------ */
typedef struct { const FN(conv_sum) *c; const T *xp; T *y; i64 rows, block; } FN(taps_run);

/* Width of the tile of pixels at.. of a row of Q, and the pixel *q where it starts: whole vectors if possible, since partial
 * stores are slow. A last tile moves back over pixels that are done (the same values come out again), or, in a row narrower
 * than it, reaches over into the next row, which is written later (more != 0). */
static i64 FN(whole_tile)(i64 Q, i64 at, int more, i64 *q) {
    i64 n = UDL_MINI(GEMM_NR, Q - at), whole = UDL_CEIL_DIV(n, VW) * VW;
    *q = at;
    if (n == whole) return n;
    if (Q >= whole) { *q = Q - whole; return whole; }
    return more && whole - n <= Q ? whole : n;
}

/* Rows of about one vector, two of them in a tile; what a vector has too much the next row puts right. */
static int FN(in_two)(const FN(conv_sum) *c) {
    return GEMM_APART && sizeof(T) == 4 && c->Q <= VW && 2 * c->Q > VW && (c->Q == VW || c->act <= UDL_ACT_RELU);
}

/* task = (block of filters whose panels stay in L2, rows of the output) */
static void FN(taps_task)(void *ctx, i64 begin, i64 end) {
    const FN(taps_run) *r = ctx;
    const FN(conv_sum) *c = r->c;
    i64 row_tasks = UDL_CEIL_DIV(c->P, r->rows);
    FN(gemm_epilogue) e = {.alpha = 1, .act = c->act, .rare = c->act > UDL_ACT_RELU,
                          .chunk = c->turned ? CONV_TURNED : 2 * CONV_CHUNK};
    for (i64 t = begin; t < end; t++) {
        i64 m0 = t / row_tasks * r->block, m1 = c->M - m0 < 2 * r->block ? c->M : m0 + r->block; /* the last takes the rest */
        i64 p0 = t % row_tasks * r->rows, p1 = UDL_MINI(p0 + r->rows, c->P);
        for (i64 p = p0, rows; p < p1; p += rows) {
            rows = FN(in_two)(c) && p + 2 <= p1 ? 2 : 1;
            const int over = rows == 2 && c->Q < VW && p + 2 == p1; /* would reach into rows of others */
            for (i64 at = 0; at < c->Q; at += GEMM_NR) {
                i64 q = 0, n = rows == 2 ? 2 * VW : FN(whole_tile)(c->Q, at, p + 1 < p1, &q);
                for (i64 k = 0; k < c->K && m1 - m0 > 3 * GEMM_MR; k++) /* the lines of the tile beside this one */
                    __builtin_prefetch(r->xp + p * c->step + q + c->tap[k] + 2 * GEMM_NR - 1);
                for (i64 m = m0, mr; m < m1; m += mr) {
                    mr = gemm_rows(c->M - m);
                    if (c->bias) e.bias_m = c->bias + m;
                    T block[GEMM_MR * GEMM_NR], *to = r->y + m * c->ldy + p * c->Q + q;
                    gemm_taps(mr, n, c->K, c->panels + m * c->K, r->xp + p * c->step + q, rows == 2 ? c->step : VW, c->tap,
                              over ? block : to, over ? GEMM_NR : c->ldy, rows == 2 && !over ? c->Q : VW, &e);
                    for (i64 i = 0; over && i < 2 * mr; i++)
                        v_store_n(to + i / 2 * c->ldy + i % 2 * c->Q, v_load(block + i * VW), (int)c->Q);
                }
            }
        }
    }
}

static void FN(run_taps)(const FN(conv_sum) *c, const T *xp, T *y) {
    i64 panels = UDL_MAXI(1, 131072 / (UDL_MAXI(c->K, 1) * GEMM_MR * (i64)sizeof(T))), blocks = UDL_MAXI(1, c->M / (panels * GEMM_MR));
    FN(taps_run) r = {c, xp, y, c->P, panels * GEMM_MR};
    double flops = 2. * (double)c->M * (double)c->K * (double)(c->P * c->Q);
    i64 tasks = (i64)UDL_MINI(flops / GEMM_TASK_FLOPS, 64.) + 1;
    if (tasks > blocks) r.rows = UDL_CEIL_DIV(c->P, UDL_MINI(UDL_CEIL_DIV(tasks, blocks), c->P));
    i64 n = blocks * UDL_CEIL_DIV(c->P, r.rows);
    udl_parallel_for(n, tasks == 1 ? n : 1, FN(taps_task), &r);
}

/* ---- the choice ------------------------------------------------------------------------------------------------------ */
/* panels of parts of the filters; none begins within two panels of the end, where gemm_rows shares out the rest */
static void FN(pack_filters)(void *ctx, i64 begin, i64 end) {
    const FN(conv_sum) *c = ctx;
    i64 units = UDL_CEIL_DIV(c->M, GEMM_MR), parts = UDL_MAXI(1, units / 2);
    i64 m0 = units * begin / parts * GEMM_MR, m1 = UDL_MINI(units * end / parts * GEMM_MR, c->M);
    const i64 row = c->turned ? 1 : c->K, column = c->turned ? c->M : 1;
    for (i64 k = 0, kc; k < c->K; k += kc) {
        kc = UDL_MINI(c->kc, c->K - k);
        gemm_pack_a(c->panels + k * c->M + m0 * kc, c->w + m0 * row + k * column, row, column, m1 - m0, kc);
    }
}

/* The choice counts cycles a tap and a panel of A, in units of a full tile's. Packing costs about as much as two rows of a tile, and as
 * many more for each row of the image that a panel has parts of. */
int conv_prepare(FN(conv_sum) *c) {
    const double one = GEMM_MR >= 8 ? 0.5 : 0.67; /* of a tile of one vector: six sums do not hide the latency of an FMA, eight do */
    i64 wide = c->Q / GEMM_NR, rest = c->Q % GEMM_NR;
    double taps = (double)c->P * ((double)wide + (rest > VW ? 1 : rest ? one : 0));
    if (FN(in_two)(c)) taps = (double)(c->P / 2) + (double)(c->P % 2) * one;
    const double pieces = 1 + (double)GEMM_NR / (double)UDL_MAXI(c->Q, 1);
    double packed = (double)(c->P * c->Q) / (double)GEMM_NR * (1 + 2 * pieces / (double)c->M);
    int apart = c->y_col != 1 || c->y_row != c->Q;
    c->how = c->bare || c->pairs || (apart && c->M > 2) ? STRIPS : c->M <= 2 ? PLANE
             : sizeof(T) == 4 && taps <= packed && c->M * c->K * (i64)sizeof(T) <= TAPS_FILTERS ? TAPS : STRIPS;
    if (sizeof(T) == 4 && conv_on_unit(c->M, c->K, c->low)) c->how = STRIPS;
    c->kc = c->how == STRIPS && !c->pairs && c->K ? INTERNAL(gemm_sizes)(c->K, sizeof(T)).kc : c->K;
    if (c->how == TAPS ? 0 : !c->turned || (c->how == PLANE && c->M == 1)) return UDL_OK;
    if (!(c->panels = udl_alloc(sizeof(T) * (size_t)(c->M * c->K)))) return UDL_ENOMEM;
    if (c->how == PLANE)
        for (i64 m = 0; m < c->M; m++)
            for (i64 k = 0; k < c->K; k++) c->panels[m * c->K + k] = c->w[k * c->M + m];
    else {
        i64 parts = UDL_MAXI(1, UDL_CEIL_DIV(c->M, GEMM_MR) / 2);
        udl_parallel_for(parts, UDL_MAXI(1, UDL_MAXI(parts / 8, 65536 / (UDL_MAXI(c->K, 1) * 2 * GEMM_MR))), FN(pack_filters), c);
    }
    return UDL_OK;
}
int conv_in_strips(const FN(conv_sum) *c) { return c->how == STRIPS; }

void conv_release(FN(conv_sum) *c) {
    if (c->panels) udl_free(c->panels, sizeof(T) * (size_t)(c->M * c->K));
    c->panels = 0;
}

int conv_run(const FN(conv_sum) *c, const T *xp, T *y) {
    if (c->how == STRIPS) return conv_strips(c, 1, xp, 0, 1, y);
    if (sizeof(T) == 4 && c->how == TAPS) {
        FN(run_taps)(c, xp, y);
        return UDL_OK;
    }
    const int square = FN(square)(c);
    for (i64 m = 0; m < c->M; m++)
        if (square == 3) FN(plane_square)(c, m, xp, y, 3, 1);
        else if (sizeof(T) == 4 && square == 5) FN(plane_square)(c, m, xp, y, 5, 1);
        else if (sizeof(T) == 4 && square == 7) FN(plane_square)(c, m, xp, y, 7, 1);
        else if (sizeof(T) == 4 && square == 11) FN(plane_square)(c, m, xp, y, 3, 2);
        else if (sizeof(T) == 4 && square == 13) FN(plane_square)(c, m, xp, y, 5, 2);
        else FN(plane)(c, m, xp, y);
    return UDL_OK;
}
#endif
