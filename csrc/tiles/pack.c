/* pack.c - numbers -> panels of bf16 parts (tiles.h).
 *
 * A tile is made from 16 pairs of vectors that lie in memory:  x at p + i row,  y at p + i row + hi,  i = 0..15.
 *
 *     k is contiguous      row i = line i:       x = k .. k + 15,  y = k + 16 .. k + 31      -> a tile of A
 *     lines are contiguous row j = k + j:        x = 16 lines,     y = 16 lines of k + 16 + j -> a tile of B
 *
 * and transposed (16 x 16 elements of four bytes) where the other operand's form is wanted. Tiles at the edge, and strides
 * that are neither, go through a block of floats. */
#include "tiles.h"
#include "../kernels/columns.h"
#if defined(UDL_LEVEL_avx512)
#include <immintrin.h>
#endif

typedef uint16_t half16 __attribute__((vector_size(32)));
#define UPPER 0xffff0000u

#if defined(UDL_LEVEL_avx512)
VFN vu32 larger(vu32 a, vu32 b) { return (vu32)_mm512_max_epu32((__m512i)a, (__m512i)b); }
VFN vu32 smaller(vu32 a, vu32 b) { return (vu32)_mm512_min_epu32((__m512i)a, (__m512i)b); }
#else
VFN vu32 larger(vu32 a, vu32 b) { vu32 m = (vu32)(a > b); return (m & a) | (~m & b); }
VFN vu32 smaller(vu32 a, vu32 b) { vu32 m = (vu32)(a < b); return (m & a) | (~m & b); }
#endif

typedef struct { vu32 most, least; } extremes; /* of |x| as integers; least: minus one, so that zero counts as the largest */
VFN void note(extremes *e, vf32 x) {
    vu32 u = (vu32)x & 0x7fffffff;
    e->most = larger(e->most, u);
    e->least = smaller(e->least, u - 1);
}

VFN vu32 nearest(vf32 x, int exactly_even) { /* its upper half is the nearest bf16 */
    vu32 u = (vu32)x;
    vu32 nan = (vu32)(x != x);
    return exactly_even ? ((u + 0x7fff + (u >> 16 & 1)) & ~nan) | ((u | 0x400000) & nan) : u + 0x8000;
}

/* Sixteen rows of x, y -> one tile of each part, TILE apart. A tie between two parts goes either way, as the next part
 * takes what is left; only where nothing does it go to the even one. */
VFN void split(const int parts, const int scaled, const float *p, i64 row, i64 hi, float scale, uint16_t *to, extremes *found) {
    extremes e = *found;
    for (int i = 0; i < 16; i++, p += row) {
        vf32 x = v_load(p), y = v_load(p + hi);
        if (scaled) x *= scale, y *= scale;
        else note(&e, x), note(&e, y);
        _Pragma("GCC unroll 3") for (int part = 0; part < parts; part++) {
            vu32 u = part == 2 ? (vu32)x : nearest(x, parts == 1), v = part == 2 ? (vu32)y : nearest(y, parts == 1);
            vu32 pair = u >> 16 | (v & UPPER);
            memcpy(to + part * TILE + i * 2 * LINES, &pair, sizeof pair);
            if (part + 1 < parts) x -= (vf32)(u & UPPER), y -= (vf32)(v & UPPER);
        }
    }
    *found = e;
}

static void split_tile(int parts, const float *p, i64 row, i64 hi, float scale, uint16_t *to, extremes *e) {
    if (scale != 1) {
        if (parts == 3) split(3, 1, p, row, hi, scale, to, e);
        else if (parts == 2) split(2, 1, p, row, hi, scale, to, e);
        else split(1, 1, p, row, hi, scale, to, e);
    } else if (parts == 3) split(3, 0, p, row, hi, scale, to, e);
    else if (parts == 2) split(2, 0, p, row, hi, scale, to, e);
    else split(1, 0, p, row, hi, scale, to, e);
}

static void join_tile(const uint16_t *p, i64 row, i64 hi, uint16_t *to) { /* bf16 already */
    for (int i = 0; i < 16; i++, p += row, to += 2 * LINES) {
        half16 x, y;
        memcpy(&x, p, sizeof x);
        memcpy(&y, p + hi, sizeof y);
        vu32 pair = __builtin_convertvector(x, vu32) | __builtin_convertvector(y, vu32) << 16;
        memcpy(to, &pair, sizeof pair);
    }
}

static void transpose_tile(const uint16_t *tile, uint16_t *to) {
    const float *row[16]; /* elements of four bytes: only moved */
    for (int i = 0; i < 16; i++) row[i] = (const float *)(const void *)(tile + i * 2 * LINES);
    for (int k = 0; k < 16; k += 4) {
        vf32 out[4];
        columns_f32(row, k, out);
        memcpy(to + k * 2 * LINES, out, sizeof out);
    }
}

/* ---- one panel: up to 16 lines, all steps --------------------------------------------------------------------------- */
typedef struct {
    const tile_source *s;
    const char *p; /* the panel's first number */
    i64 line, k;   /* strides */
    i64 lines, kc;
    int parts;
} panel;

/* `lines` x `steps` numbers from step k on, with zeros around, as floats: [line][32], or [32][line] if lines are contiguous */
static void gather(const panel *q, i64 k, int by_lines, float *block) {
    i64 left = UDL_MINI(q->kc - k, STEP), to_line = by_lines ? 1 : STEP, to_k = by_lines ? LINES : 1;
    memset(block, 0, LINES * STEP * sizeof(float));
    for (i64 l = 0; l < q->lines; l++)
        for (i64 i = 0; i < left; i++) {
            i64 at = l * q->line + (k + i) * q->k;
            if (q->s->is_bf16) {
                uint32_t u = (uint32_t)((const uint16_t *)q->p)[at] << 16;
                memcpy(block + l * to_line + i * to_k, &u, 4);
            } else block[l * to_line + i * to_k] = ((const float *)q->p)[at];
        }
}

static extremes pack_panel(const panel *q, uint16_t *to, float scale) {
    extremes e = {(vu32){0}, ~(vu32){0}};
    int by_lines = q->line == 1 && q->k != 1, transposed = by_lines == q->s->is_a;
    i64 row = by_lines ? q->k : q->line, hi = 16 * q->k;
    for (i64 k = 0; k < q->kc; k += STEP, to += q->parts * TILE) {
        uint16_t other[3 * TILE] __attribute__((aligned(64))), *into = transposed ? other : to;
        if (q->lines < LINES || q->kc - k < STEP || (q->k != 1 && q->line != 1)) {
            float block[LINES * STEP];
            gather(q, k, by_lines, block);
            split_tile(q->parts, block, by_lines ? LINES : STEP, by_lines ? 16 * LINES : 16, scale, into, &e);
        } else if (q->s->is_bf16) join_tile((const uint16_t *)q->p + k * q->k, row, hi, into);
        else split_tile(q->parts, (const float *)q->p + k * q->k, row, hi, scale, into, &e);
        if (transposed)
            for (int part = 0; part < q->parts; part++) transpose_tile(other + part * TILE, to + part * TILE);
    }
    return e;
}

static uint32_t bits(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    return u;
}

static int pack_checked(const panel *q, uint16_t *to) { /* the power of two, or PANEL_BAD */
    extremes e = pack_panel(q, to, 1);
    if (q->s->is_bf16 || q->s->plain) return 0;
    uint32_t most = 0, least = ~0u;
    for (int i = 0; i < 16; i++) most = UDL_MAXI(most, e.most[i]), least = UDL_MINI(least, e.least[i]);
    if (most >= bits(INFINITY)) return PANEL_BAD;
    if (most == 0 || (most <= bits(0x1p55f) && least + 1 >= bits(0x1p-45f))) return 0;
    float largest, smallest;
    least += 1;
    memcpy(&largest, &most, 4);
    memcpy(&smallest, &least, 4);
    int power = UDL_MINI(50 - ilogbf(largest), 127);
    if (ldexpf(smallest, power) < 0x1p-45f) return PANEL_BAD;
    pack_panel(q, to, ldexpf(1, power));
    return power;
}

/* ---- many panels ---------------------------------------------------------------------------------------------------- */
/* panels of A as pack_a makes them, of up to GEMM_MR rows each -> rows[m][kc] */
static void rows_of_panels(const float *from, i64 count, i64 kc, float *rows) {
    for (i64 r = 0, mr; r < count; r += mr, from += mr * kc, rows += mr * kc) {
        mr = gemm_rows(count - r);
        i64 k = 0;
        for (; k + 16 <= kc; k += 16)
            for (i64 m = 0; m < mr; m += 4) { /* reads up to three numbers beyond the panel */
                const float *row[16];
                vf32 out[4];
                for (int i = 0; i < 16; i++) row[i] = from + (k + i) * mr + m;
                columns_f32(row, 0, out);
                for (i64 i = 0; i < UDL_MINI(4, mr - m); i++) v_store(rows + (m + i) * kc + k, out[i]);
            }
        for (; k < kc; k++)
            for (i64 m = 0; m < mr; m++) rows[m * kc + k] = from[k * mr + m];
    }
}

/* Lines first .. + count, k .. + kc, into panels that follow one another; found: one number for each. */
void INTERNAL(tiles_pack)(const tile_source *s, i64 first, i64 count, i64 k, i64 kc, int parts, uint16_t *to, int *found,
                          float *scratch) {
    i64 size = UDL_CEIL_DIV(kc, STEP) * parts * TILE, itemsize = s->is_bf16 ? 2 : 4;
    k += s->first_k;
    for (i64 l = 0; l < count; l += PAIR) {
        i64 lines = UDL_MINI(PAIR, count - l), line = s->line_stride, step = s->k_stride;
        const char *p = (const char *)s->p + ((first + l) * line + k * step) * itemsize;
        if (!s->p) {
            float *rows = scratch + (PAIR + 1) * kc;
            s->pack(s->ctx, scratch, first + l, lines, k, kc);
            if (s->is_a) rows_of_panels(scratch, lines, kc, rows), p = (const char *)rows, line = kc, step = 1;
            else p = (const char *)scratch, line = 1, step = UDL_CEIL_DIV(lines, VW32) * VW32;
        }
        for (i64 at = 0; at < lines; at += LINES, to += size) {
            panel q = {s, p + at * line * itemsize, line, step, UDL_MINI(LINES, lines - at), kc, parts};
            *found++ = pack_checked(&q, to);
        }
    }
}
