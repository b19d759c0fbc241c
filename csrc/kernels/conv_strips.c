/* conv_strips.c - the correlation of conv2d.h as one product of filters and the pixels of all images, in strips of pixels:
 *
 *     task = strip x part of the filters      a strip is taken `group` panels of pixels and kc taps at a time. Filters that stay in L2:
 *            nb                               one panel, packed from the images right before it is used, so that it lies in L1;
 *        .--------.                           else as many panels as L2 holds, and mb filters after the other
 *     kc |  B     |                           a panel inside one image is written straight to y; one that holds pixels of
 *        '--------'                           several (small images fill whole vectors only together), or pixels that lie
 *    mb  | y      |                           apart in y, goes through a block. Two sums that take turns in the columns of y (the
 *                                             phases of a transposed convolution) go together.
 * Few pixels behind many filters, the last layers for a single image, are packed once by all threads, and tasks own filters.
 * Floor: 2 M K N P Q flops; each pixel is copied once for each tap. */
#ifndef T
#include "../vec/bf16.h"
#include "conv2d.h"
#include "lanes.h"
#define STRIP_PANELS 8 /* the most of a group */
#define STRIP_FILTERS (256 << 10) /* bytes of filters that stay in L2 beside what goes through it */
#define STRIP_BLOCK (1 << 20) /* bytes of the sums of a group */
#define FEW_CHUNK 512  /* taps at a time where pixels are few, */
#define FEW_ROWS (4 * GEMM_MR) /* and filters: together in L2 */
#define UDL_THIS_FILE "kernels/conv_strips.c"

/* sums of a strip; put_half: a run of them to bf16 pixels */
VFN void strip_block_f32(gemm_block_fn_f32 pairs, i64 mb, i64 nb, i64 kc, gemm_a_f32 a, gemm_b_f32 b, float *to, i64 ld,
                         const gemm_epilogue_f32 *e) {
    if (GEMM_MATRIX_UNIT && pairs) pairs(mb, nb, kc, a, b, to, ld, e);
    else INTERNAL(gemm_block_f32)(mb, nb, kc, a, b, to, ld, e);
}
VFN void put_half_f32(uint16_t *to, i64 stride, const float *from, i64 n) {
    for (i64 k = 0; k < n; k += VW32) {
        int w = (int)UDL_MINI(n - k, (i64)VW32);
        vf32 x = v_load_n(from + k, w);
        if (stride == 1) { h_store_n(to + k, x, w); continue; }
        vhalf h = h_narrow(x);
        for (int i = 0; i < w; i++) to[(k + i) * stride] = h[i];
    }
}
#define strip_block_f64(pairs, mb, nb, ...) INTERNAL(gemm_block_f64)(mb, nb, __VA_ARGS__)
#define put_half_f64(to, stride, from, n) (void)(from)
#include "../each_float.h"
#else

typedef struct {
    const FN(conv_sum) *c;
    const T *xp;
    i64 distance, images;    /* of one image of xp to the next */
    T *y, *block;
    i64 strips, parts, mb, group, kc; /* kc: the largest of the sums */
    int sums, failed;                /* sums: one, or two side by side */
} FN(strips);

/* Rows of a panel from pieces of at most a vector, in ascending order: what one piece writes too much the next one, or the
 * next row, puts right. N is constant, or 0 for any number. */
VFN void FN(pieces)(int N, i64 pieces, T *to, const T *xp, const i64 *tap, const i64 *from, const i64 *dest, i64 w, i64 rows) {
    i64 f[4], d[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) f[i] = from[i], d[i] = dest[i];
    for (i64 k = 0; k < rows; k++, to += w) {
        const T *x = xp + tap[k];
        if (N) _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) v_store(to + d[i], v_load(x + f[i]));
        else for (i64 i = 0; i < pieces; i++) v_store(to + dest[i], v_load(x + from[i]));
    }
}

/* The pixels of a panel as runs of neighbours (a new one a row of the output at most), cut into pieces. */
typedef struct { i64 nb, w, pieces, from[GEMM_NR], dest[GEMM_NR], at[GEMM_NR]; } FN(cut);

static FN(cut) FN(cut_panel)(const FN(strips) *s, i64 n, i64 nb) {
    const FN(conv_sum) *c = s->c;
    FN(cut) u = {.nb = nb, .w = UDL_CEIL_DIV(nb, VW) * VW};
    i64 PQ = c->P * c->Q, image = n / PQ, p = n % PQ / c->Q, q = n % c->Q;
    for (i64 j = 0, piece = 0; j < nb; j++) {
        u.at[j] = image * s->distance + p * c->step + q;
        if (!j || u.at[j] != u.at[j - 1] + 1 || j - piece == VW) {
            piece = j;
            u.from[u.pieces] = u.at[j], u.dest[u.pieces++] = j;
        }
        if (++q < c->Q) continue;
        q = 0;
        if (++p == c->P) { p = 0; image++; }
    }
    return u;
}

/* `rows` taps of a panel. The last of all goes element by element, as nothing comes after it; so do all where a piece would
 * reach beyond the last channel of an image that is not padded. */
static void FN(panel)(const FN(cut) *u, T *to, const T *xp, const i64 *tap, i64 rows, int last, int exactly) {
    i64 whole = exactly ? 0 : last && !(u->pieces == u->w / VW && u->nb == u->w) ? rows - 1 : rows;
    if (u->pieces == 1) FN(pieces)(1, 1, to, xp, tap, u->from, u->dest, u->w, whole);
    else if (u->pieces == 2) FN(pieces)(2, 2, to, xp, tap, u->from, u->dest, u->w, whole);
    else if (u->pieces == 3) FN(pieces)(3, 3, to, xp, tap, u->from, u->dest, u->w, whole);
    else if (u->pieces == 4) FN(pieces)(4, 4, to, xp, tap, u->from, u->dest, u->w, whole);
    else FN(pieces)(0, u->pieces, to, xp, tap, u->from, u->dest, u->w, whole);
    for (i64 k = whole; k < rows; k++)
        for (i64 j = 0; j < u->w; j++) to[k * u->w + j] = j < u->nb ? xp[tap[k] + u->at[j]] : 0;
}

/* A few taps at a time through all panels: their rows and pages stay known to the processor. What a piece writes too much
 * behind the taps of a round falls to the next round of the same panel. */
#define STRIP_TAPS 32
static void FN(pack_strip)(const FN(strips) *s, T *to, i64 first, i64 count) {
    const FN(conv_sum) *c = s->c;
    FN(cut) cut[STRIP_PANELS];
    i64 panels = 0;
    for (i64 n = 0; n < count; n += GEMM_NR) cut[panels++] = FN(cut_panel)(s, first + n, UDL_MINI(count - n, (i64)GEMM_NR));
    for (i64 k = 0; k < c->K; k += STRIP_TAPS) {
        i64 rows = UDL_MINI(c->K - k, (i64)STRIP_TAPS);
        for (i64 i = 0; i < panels; i++)
            FN(panel)(cut + i, to + i * GEMM_NR * c->K + k * cut[i].w, s->xp, c->tap + k, rows, k + rows == c->K,
                      c->bare && c->P * c->Q < VW);
    }
}

/* rows m.. + count of the strip first.. + width, from `from` to their images in y */
static void FN(spread)(const FN(strips) *s, const T *from, i64 ld, i64 m, i64 count, i64 first, i64 width) {
    const FN(conv_sum) *c = s->c;
    i64 PQ = c->P * c->Q, whole = c->y_col == 1 && c->y_row == c->Q ? PQ : c->Q; /* pixels that lie side by side in y */
    for (i64 n = first, run; n < first + width; n += run) {
        i64 image = n / PQ, p = n % PQ / c->Q, q = n % c->Q;
        run = UDL_MINI(whole - n % whole, first + width - n);
        i64 at = image * c->y_image + m * c->ldy + p * c->y_row + q * c->y_col;
        T *to = s->y + at;
        const T *row = from + n - first;
        for (i64 i = 0; GEMM_MATRIX_UNIT && c->pairs && i < count; i++)
            FN(put_half)((uint16_t *)(void *)s->y + at + i * c->ldy, c->y_col, row + i * ld, run);
        if (c->pairs) continue;
        for (i64 i = 0; i < count; i++, to += c->ldy, row += ld) {
            i64 k = 0;
            if (c->y_col == 1) {
                for (; k + VW <= run; k += VW) v_store(to + k, v_load(row + k));
                if (k < run) v_store_n(to + k, v_load_n(row + k, (int)(run - k)), (int)(run - k));
                continue;
            }
            if (c->y_col == 2)
                for (; k + VW < run; k += VW) { /* what lies between, of another phase, is put back */
                    T *two = to + 2 * k;
                    const vec r = v_load(row + k), between = v_odd(v_load(two), v_load(two + VW));
                    v_store(two, v_zip_lo(r, between)), v_store(two + VW, v_zip_hi(r, between));
                }
            for (; k < run; k++) to[k * c->y_col] = row[k];
        }
    }
}

/* the same for two sums whose pixels take turns along the rows of y, the first's at even places */
static void FN(spread_two)(const FN(strips) *s, const T *even, const T *odd, i64 ld, i64 m, i64 count, i64 first, i64 width) {
    const FN(conv_sum) *c = s->c;
    i64 PQ = c->P * c->Q;
    for (i64 n = first, run; n < first + width; n += run) {
        i64 image = n / PQ, p = n % PQ / c->Q, q = n % c->Q;
        run = UDL_MINI(c->Q - q, first + width - n);
        T *to = s->y + image * c->y_image + m * c->ldy + p * c->y_row + 2 * q;
        const T *a = even + n - first, *b = odd + n - first;
        for (i64 i = 0; i < count; i++, to += c->ldy, a += ld, b += ld) {
            i64 k = 0;
            for (; k + VW <= run; k += VW) {
                const vec x = v_load(a + k), z = v_load(b + k);
                v_store(to + 2 * k, v_zip_lo(x, z)), v_store(to + 2 * k + VW, v_zip_hi(x, z));
            }
            for (; k < run; k++) to[2 * k] = a[k], to[2 * k + 1] = b[k];
        }
    }
}

/* products in a chain of sums (CONV_CHUNK); short sums of one tap, which PyTorch takes in one chain, in two */
static i64 FN(chunk)(const FN(conv_sum) *c) {
    return c->turned ? CONV_TURNED : CONV_CHUNK * (c->bare && c->K > 256 ? 1 : 2);
}

/* Rows k0.. + kc of panel u, from where they lie; the lines of the panel beside it are asked for */
static void FN(pack_panel)(const FN(strips) *s, const FN(conv_sum) *c, const FN(cut) *u, T *to, i64 k0, i64 kc) {
    const i64 *tap = c->tap + k0;
    for (i64 k = 0; k < kc; k++) __builtin_prefetch(s->xp + tap[k] + u->at[0] + 2 * GEMM_NR - 1);
    FN(panel)(u, to, s->xp, tap, kc, 1, c->bare && c->P * c->Q < VW);
}

/* The panels cut[0..n) of pixels first.. behind filters m0..m1 of sum i */
static void FN(group_sums)(const FN(strips) *s, int i, const FN(cut) *cut, i64 n, i64 first, i64 m0, i64 m1, T *b, T *block, i64 ld) {
    const FN(conv_sum) *c = s->c + i;
    const i64 PQ = c->P * c->Q;
    for (i64 k = 0, kc; k < c->K || !k; k += kc) {
        kc = UDL_MINI(c->kc, c->K - k);
        for (i64 m = m0, mb; m < m1; m += mb) {
            mb = m1 - m < 2 * s->mb ? m1 - m : s->mb;
            FN(gemm_a) a = {c->ready ? c->ready + m * kc : c->panels ? c->panels + k * c->M + m * kc : 0, 0, GEMM_A_PANELS};
            if (!a.p) a = (FN(gemm_a)){c->w + m * c->K + k, c->K, GEMM_A_ROWS};
            for (i64 p = 0; p < n; p++) {
                const i64 at = first + p * GEMM_NR, inside = PQ - at % PQ, nb = cut[p].nb;
                const int straight = c->y_col == 1 && c->y_row == c->Q && inside >= nb;
                T *panel = b + p * GEMM_NR * c->kc, *to = block + (m - m0) * ld + p * GEMM_NR;
                FN(gemm_epilogue) e = {.alpha = 1, .add = k > 0, .chunk = FN(chunk)(c)};
                if (k + kc >= c->K) e.act = c->act, e.bias_m = c->bias ? c->bias + m : 0;
                if (m == m0 && kc) FN(pack_panel)(s, c, cut + p, panel, k, kc);
                if (straight) to = s->y + at / PQ * c->y_image + m * c->ldy + at % PQ;
                if (straight && c->pairs) e.out16 = (uint16_t *)(void *)s->y + (to - s->y), e.ld16 = c->ldy, to = 0;
                FN(strip_block)(c->pairs, mb, nb, kc, a, (FN(gemm_b)){panel, 0}, to, straight ? c->ldy : ld, &e);
            }
        }
        if (!c->K) break;
    }
}

static void FN(strips_task)(void *ctx, i64 begin, i64 end) {
    FN(strips) *s = ctx;
    const FN(conv_sum) *c = s->c;
    const i64 PQ = c->P * c->Q, L = s->images * PQ, panels = UDL_CEIL_DIV(L, GEMM_NR), units = UDL_CEIL_DIV(c->M, GEMM_MR);
    const i64 ld = s->group * GEMM_NR, size = ld * s->kc, block = UDL_CEIL_DIV(units, s->parts) * GEMM_MR * ld;
    const size_t bytes = sizeof(T) * (size_t)(size + s->sums * block + VW);
    T *b = udl_alloc(bytes), *to = b + size;
    if (!b) { s->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const i64 strip = t / s->parts, part = t % s->parts;
        const i64 n0 = panels * strip / s->strips * GEMM_NR, n1 = UDL_MINI(panels * (strip + 1) / s->strips * GEMM_NR, L);
        const i64 m0 = units * part / s->parts * GEMM_MR, m1 = UDL_MINI(units * (part + 1) / s->parts * GEMM_MR, c->M);
        for (i64 n = n0; n < n1; n += ld) {
            FN(cut) cut[STRIP_PANELS];
            i64 count = 0;
            for (i64 at = n; at < UDL_MINI(n + ld, n1); at += GEMM_NR) cut[count++] = FN(cut_panel)(s, at, UDL_MINI(n1 - at, (i64)GEMM_NR));
            for (int i = 0; i < s->sums; i++) FN(group_sums)(s, i, cut, count, n, m0, m1, b, to + i * block, ld);
            if (s->sums == 2) {
                FN(spread_two)(s, to, to + block, ld, m0, m1 - m0, n, UDL_MINI(ld, n1 - n));
                continue;
            }
            for (i64 p = 0; p < count; p++) {
                const i64 at = n + p * GEMM_NR;
                if (c->y_col != 1 || c->y_row != c->Q || PQ - at % PQ < cut[p].nb)
                    FN(spread)(s, to + p * GEMM_NR, ld, m0, m1 - m0, at, cut[p].nb);
            }
        }
    }
    udl_free(b, bytes);
}

/* On a matrix unit a product of many filters and long sums takes a third of the time: all strips at once. */
#if GEMM_MATRIX_UNIT
static void FN(pack_pixels)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(strips) *s = ctx;
    FN(conv_sum) c = *s->c;
    FN(strips) part = *s;
    c.tap += k, c.K = kc;
    part.c = &c;
    for (i64 n = 0; n < count; n += STRIP_PANELS * GEMM_NR)
        FN(pack_strip)(&part, to + n * kc, first + n, UDL_MINI(count - n, (i64)(STRIP_PANELS * GEMM_NR)));
}

static void FN(spread_task)(void *ctx, i64 begin, i64 end) {
    const FN(strips) *s = ctx;
    i64 PQ = s->c->P * s->c->Q, L = s->images * PQ;
    for (i64 n = begin; n < end; n++) FN(spread)(s, s->block + n * PQ, L, 0, s->c->M, n * PQ, PQ);
}

static int FN(whole)(FN(strips) *s) {
    const FN(conv_sum) *c = s->c;
    i64 L = s->images * c->P * c->Q;
    size_t bytes = sizeof(T) * (size_t)(c->M * L + VW);
    if (!(s->block = udl_alloc(bytes))) return UDL_ENOMEM;
    FN(gemm_job) g = {.m = c->M, .n = L, .k = c->K, .c = s->block, .ldc = L, .a = {c->w, c->K, GEMM_A_ROWS},
                      .pack_b = FN(pack_pixels), .ctx = s, .e = {.alpha = 1, .act = c->act, .bias_m = c->bias}, .low = c->low};
    if (c->turned) g.a = (FN(gemm_a)){c->w, c->M, GEMM_A_COLUMNS};
    int status = gemm_run(&g);
    udl_parallel_for(s->images, UDL_MAXI(1, 65536 / (c->M * c->P * c->Q)), FN(spread_task), s);
    udl_free(s->block, bytes);
    return status;
}
#endif

/* ---- few pixels behind many products: all pixels at once, packed by all threads; tasks own filters ------------------------------
 * Filters are the larger operand and are read once. Pixels that would fill but a quarter of their last vector are not packed: their
 * products are dot products along the taps (few_rows). */
typedef struct { FN(strips) s; i64 packed, wide, rest, parts; T *b, *columns; } FN(few_pixels);

static void FN(few_pack)(void *ctx, i64 begin, i64 end) { /* chunks of the taps */
    const FN(few_pixels) *f = ctx;
    FN(conv_sum) c = *f->s.c;
    FN(strips) part = f->s;
    part.c = &c;
    for (i64 t = begin; t < end; t++) {
        const i64 k0 = t * FEW_CHUNK, kc = UDL_MINI((i64)FEW_CHUNK, f->s.c->K - k0);
        c.tap = f->s.c->tap + k0, c.K = kc;
        if (f->packed) FN(pack_strip)(&part, f->b + k0 * f->wide, 0, f->packed);
        const FN(cut) u = FN(cut_panel)(&f->s, f->packed, f->rest);
        for (i64 j = 0; j < f->rest; j++)
            for (i64 k = 0; k < kc; k++) f->columns[j * f->s.c->K + k0 + k] = f->s.xp[c.tap[k] + u.at[j]];
    }
}

static void FN(few_task)(void *ctx, i64 begin, i64 end) { /* parts of the filters */
    FN(few_pixels) *f = ctx;
    const FN(conv_sum) *c = f->s.c;
    const i64 units = UDL_CEIL_DIV(c->M, GEMM_MR), PQ = c->P * c->Q, L = f->packed + f->rest;
    const int straight = c->y_col == 1 && c->y_row == c->Q && L <= PQ;
    const size_t bytes = straight ? 0 : sizeof(T) * (size_t)(2 * FEW_ROWS * L + VW);
    T *block = bytes ? udl_alloc(bytes) : 0;
    if (bytes && !block) { f->s.failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const i64 m1 = UDL_MINI(units * (t + 1) / f->parts * GEMM_MR, c->M);
        for (i64 m = units * t / f->parts * GEMM_MR, mb; m < m1; m += mb) {
            mb = m1 - m < 2 * FEW_ROWS ? m1 - m : FEW_ROWS;
            T *to = straight ? f->s.y + m * c->ldy : block;
            const i64 ld = straight ? c->ldy : L;
            FN(gemm_epilogue) e = {.alpha = 1, .chunk = FN(chunk)(c)};
            for (i64 k = 0, kc; f->packed && k < c->K; k += kc, e.add = 1) {
                kc = UDL_MINI(c->K - k, (i64)FEW_CHUNK);
                if (k + kc == c->K) e.act = c->act, e.bias_m = c->bias ? c->bias + m : 0;
                gemm_block(mb, f->packed, kc, (FN(gemm_a)){c->w + m * c->K + k, c->K, GEMM_A_ROWS}, (FN(gemm_b)){f->b + k * f->wide, 0}, to, ld, &e);
            }
            FN(gemm_epilogue) last = {.alpha = 1, .act = c->act, .bias_n = c->bias ? c->bias + m : 0};
            if (f->rest && few_rows(f->rest, mb, c->K, f->columns, c->K, 1, c->w + m * c->K, c->K, 1, to + f->packed, 1, ld, &last)) f->s.failed = 1;
            if (!straight) FN(spread)(&f->s, block, L, m, mb, 0, L);
        }
    }
    if (block) udl_free(block, bytes);
}

/* few pixels, and more numbers of filters than L2 holds with them */
static int FN(are_few)(const FN(conv_sum) *c, i64 L) {
    return !udl_batch_invariant() && !c->panels && !c->pairs && L >= VW && L <= STRIP_PANELS * GEMM_NR && c->M >= 4 * FEW_ROWS && c->K * c->M >= 1 << 17 && c->M >= L;
}
static int FN(few_strips)(FN(strips) *s, i64 tasks) {
    const FN(conv_sum) *c = s->c;
    const i64 L = s->images * c->P * c->Q, rest = L % VW * 4 <= VW ? L % VW : 0, K = c->K;
    FN(few_pixels) f = {.s = *s, .rest = rest, .packed = L - rest, .wide = UDL_CEIL_DIV(L - rest, VW) * VW};
    const size_t bytes = sizeof(T) * (size_t)(K * (f.wide + rest));
    if (!(f.b = udl_alloc(bytes))) return UDL_ENOMEM;
    f.columns = f.b + K * f.wide;
    f.parts = UDL_MAXI(1, UDL_MINI(tasks, UDL_CEIL_DIV(c->M, GEMM_MR) / 4));
    f.parts += f.parts % 2;
    udl_parallel_for(UDL_CEIL_DIV(K, FEW_CHUNK), 1, FN(few_pack), &f);
    udl_parallel_for(f.parts, 1, FN(few_task), &f);
    udl_free(f.b, bytes);
    return f.s.failed ? UDL_ENOMEM : UDL_OK;
}

/* `sums` of c: 2 where those of c[1] stand between those of c[0] along the rows of y. Strips for an even share of the work; where there
 * are too few of them, parts of the filters, each of which packs again. */
int conv_strips(const FN(conv_sum) *c, int sums, const T *xp, i64 distance, i64 images, T *y) {
    const i64 L = images * c->P * c->Q, panels = UDL_CEIL_DIV(L, GEMM_NR), units = UDL_CEIL_DIV(c->M, GEMM_MR), item = sizeof(T);
    const i64 K = sums == 2 ? c[0].K + c[1].K : c->K;
    const i64 panel = GEMM_NR * item; /* bytes of a row */
    const double flops = 2. * (double)c->M * (double)K * (double)L;
    const i64 tasks = (i64)UDL_MINI(flops / GEMM_TASK_FLOPS, 16.) + 1;
    FN(strips) s = {.c = c, .xp = xp, .distance = distance, .images = images, .y = y, .parts = 1, .sums = sums};
#if GEMM_MATRIX_UNIT
    if (sizeof(T) == 4 && sums == 1 && !c->pairs && conv_on_unit(c->M, c->K, c->low)) return FN(whole)(&s);
#endif
    if (sums == 1 && FN(are_few)(c, L)) return FN(few_strips)(&s, tasks);
    s.kc = UDL_MAXI(c->kc, c[sums - 1].kc);
    s.mb = UDL_MAXI(1, 131072 / (UDL_MAXI(s.kc, 1) * GEMM_MR * item)) * GEMM_MR;
    if (c->M * K * item <= STRIP_FILTERS) s.group = 1, s.mb = UDL_MAXI(c->M, 1);
    else s.group = UDL_MAXI(1, UDL_MINI(UDL_MINI(CONV_STRIP / (UDL_MAXI(s.kc, 1) * panel), STRIP_BLOCK / (c->M * panel)), STRIP_PANELS));
    s.strips = UDL_MINI(panels, UDL_MAXI(s.group == 1 ? 0 : UDL_CEIL_DIV(panels, s.group), UDL_MINI(tasks, UDL_CEIL_DIV(panels, 2))));
    if (s.strips < tasks) s.parts = UDL_MAXI(1, UDL_MINI(UDL_CEIL_DIV(tasks, s.strips), units / 6));
    if (s.strips % 2 && s.parts % 2 && s.strips < panels) s.strips++; /* two threads share them without a rest */
    const i64 n = s.strips * s.parts;
    udl_parallel_for(n, tasks == 1 ? n : 1, FN(strips_task), &s);
    return s.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
