/* pairs_pack.c - numbers -> panels of pairs (pairs.h), from bf16 or float32, strided or from a callback.
 *
 *     k is contiguous       a line is a row of pairs as it lies in memory (float32: once it is rounded); the packing functions of
 *                           the engine copy or transpose its 32-bit elements
 *     lines are contiguous  rows k and k + 1 are zipped:   x0 x1 x2 ..  y0 y1 y2 ..  ->  x0 y0 x1 y1 x2 y2 ..       */
#include "pairs.h"
#include "../vec/bf16.h"

enum { CHUNK = 128, NR = GEMM_NV * VW32 }; /* pairs of k at a time where lines go through a buffer; lines of a panel */

/* 2 VW32 numbers, rounded */
typedef uint16_t halves __attribute__((vector_size(UDL_VB)));
#if !defined(UDL_TILES_EMULATED)
VFN halves rounded(vf32 low, vf32 high) { return (halves)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }
#else
VFN halves rounded(vf32 low, vf32 high) {
    vhalf l = h_narrow(low), h = h_narrow(high);
    halves both;
    memcpy(&both, &l, sizeof l);
    memcpy((char *)&both + sizeof l, &h, sizeof h);
    return both;
}
#endif

VFN vu32 zip_bf16(const uint16_t *x, const uint16_t *y, int n) { /* y == NULL: zeros */
    vf32 a = h_load_n(x, n), b = y ? h_load_n(y, n) : (vf32){0};
    return (vu32)a >> 16 | (vu32)b;
}
VFN vu32 zip_f32(const float *x, const float *y, int n) {
    vf32 a = v_load_n(x, n), b = y ? v_load_n(y, n) : (vf32){0};
    halves h = rounded(a, b);
    vhalf l, u;
    memcpy(&l, &h, sizeof l);
    memcpy(&u, (char *)&h + sizeof l, sizeof u);
    return __builtin_convertvector(l, vu32) | __builtin_convertvector(u, vu32) << 16;
}

#if !defined(UDL_TILES_EMULATED)
/* lanes of x and y in turn: of their lower and of their upper halves */
VFN void zip_whole(halves x, halves y, float *to) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4,
                                         35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    _mm512_storeu_si512(to, _mm512_permutex2var_epi16((__m512i)x, low, (__m512i)y));
    _mm512_storeu_si512(to + VW32, _mm512_permutex2var_epi16((__m512i)x, high, (__m512i)y));
}
#else
VFN void zip_whole(halves x, halves y, float *to) {
    halves z[2];
    for (int i = 0; i < VW32; i++)
        for (int h = 0; h < 2; h++) z[h][2 * i] = x[h * VW32 + i], z[h][2 * i + 1] = y[h * VW32 + i];
    memcpy(to, z, sizeof z);
}
#endif

_Static_assert(NR == 2 * VW32, "a panel of B is as wide as a vector of halves");
/* a panel of whole lines of B, two rows at a time; *p moves to what is left */
static i64 zip_panel(const int is_bf16, const void **p, i64 s, i64 count, float *to) {
    i64 k = 0;
    for (; k + 2 <= count; k += 2, to += NR) {
        halves x, y;
        if (is_bf16) {
            const uint16_t *h = (const uint16_t *)*p + k * s;
            memcpy(&x, h, sizeof x);
            memcpy(&y, h + s, sizeof y);
        } else {
            const float *f = (const float *)*p + k * s;
            x = rounded(v_load(f), v_load(f + VW32));
            y = rounded(v_load(f + s), v_load(f + s + VW32));
        }
        zip_whole(x, y, to);
    }
    *p = (const char *)*p + k * s * (is_bf16 ? 2 : 4);
    return k;
}

/* rows k .. + count (numbers) of `lines` lines, contiguous along lines, row stride s -> to[pair][width], zero beyond lines */
VFN void zip_rows(const int is_bf16, const void *p, i64 s, i64 count, i64 lines, float *to, i64 width, const int padded) {
    for (i64 k = 0; k < count; k += 2, to += width) {
        int last = k + 1 == count;
        for (i64 l = 0; l < lines; l += VW32) {
            int n = (int)UDL_MINI(lines - l, VW32);
            vu32 z;
            if (is_bf16) {
                const uint16_t *x = (const uint16_t *)p + k * s + l;
                z = zip_bf16(x, last ? 0 : x + s, n);
            } else {
                const float *x = (const float *)p + k * s + l;
                z = zip_f32(x, last ? 0 : x + s, n);
            }
            if (padded || n == VW32) v_store(to + l, (vf32)z);
            else v_store_n(to + l, (vf32)z, n);
        }
    }
}
static void zip(const tile_source *s, const void *p, i64 stride, i64 count, i64 lines, float *to, i64 width) {
    if (s->is_a) {
        if (s->is_bf16) zip_rows(1, p, stride, count, lines, to, width, 0);
        else zip_rows(0, p, stride, count, lines, to, width, 0);
    } else {
        i64 done = lines < NR ? 0 : s->is_bf16 ? zip_panel(1, &p, stride, count, to) : zip_panel(0, &p, stride, count, to);
        count -= done, to += done / 2 * width;
        if (s->is_bf16) zip_rows(1, p, stride, count, lines, to, width, 1);
        else zip_rows(0, p, stride, count, lines, to, width, 1);
    }
}

/* `count` numbers of a line, any stride -> pairs, the last one filled with zero */
static void line_of(const tile_source *s, const char *p, i64 stride, i64 count, float *to) {
    i64 k = 0;
    if (stride == 1 && s->is_bf16) {
        memcpy(to, p, (size_t)count * 2);
        k = count;
    } else if (stride == 1)
        for (const float *f = (const float *)(const void *)p; k + 2 * VW32 <= count; k += 2 * VW32) {
            halves h = rounded(v_load(f + k), v_load(f + k + VW32));
            memcpy((uint16_t *)(void *)to + k, &h, sizeof h);
        }
    for (; k < count; k++) {
        float x;
        uint16_t h;
        if (s->is_bf16) memcpy(&h, p + k * stride * 2, 2);
        else {
            memcpy(&x, p + k * stride * 4, 4);
            h = h_narrow(x - (vf32){0})[0];
        }
        memcpy((uint16_t *)(void *)to + k, &h, 2);
    }
    if (count & 1) memset((uint16_t *)(void *)to + count, 0, 2);
}

static void transpose(const tile_source *s, float *to, const float *lines, i64 stride, i64 count, i64 kc) {
    if (s->is_a) INTERNAL(gemm_pack_a_f32)(to, lines, stride, 1, count, kc);
    else INTERNAL(gemm_pack_b_f32)(to, lines, 1, stride, kc, count);
}

static i64 panel_lines(const tile_source *s, i64 left) { return s->is_a ? gemm_rows(left) : UDL_MINI(NR, left); }
static i64 panel_width(const tile_source *s, i64 lines) { return s->is_a ? lines : UDL_CEIL_DIV(lines, VW32) * VW32; }

/* lines first .. + count, pairs k .. + kc of numbers that end at `numbers` */
static void pack(const tile_source *s, i64 numbers, float *to, i64 first, i64 count, i64 k, i64 kc) {
    const i64 size = s->is_bf16 ? 2 : 4, from = 2 * k, all = UDL_MINI(2 * kc, numbers - from);
    const char *p = (const char *)s->p + (first * s->line_stride + (s->first_k + from) * s->k_stride) * size;
    if (s->p && s->is_bf16 && s->k_stride == 1 && s->line_stride % 2 == 0 && all % 2 == 0) { /* pairs as they lie */
        transpose(s, to, (const float *)(const void *)p, s->line_stride / 2, count, kc);
        return;
    }
    float buffer[NR * CHUNK] __attribute__((aligned(64)));
    const int zips = !s->p || (s->line_stride == 1 && s->k_stride != 1);
    for (i64 c = 0; c < kc; c += CHUNK) { /* all panels take their part of these rows, as they share cache lines */
        i64 pairs = UDL_MINI(kc - c, (i64)CHUNK), n = UDL_MINI(2 * pairs, all - 2 * c);
        float *panel = to + 0;
        for (i64 l = 0, lines; l < count; panel += panel_width(s, lines) * kc, l += lines) {
            lines = panel_lines(s, count - l);
            i64 width = panel_width(s, lines);
            float *out = panel + c * width;
            if (!s->p) {
                for (i64 h = 0; h < n; h += CHUNK) { /* floats of [k][width] */
                    i64 part = UDL_MINI(n - h, (i64)CHUNK);
                    s->pack(s->ctx, buffer, first + l, lines, s->first_k + from + 2 * c + h, part);
                    zip(s, buffer, width, part, lines, out + h / 2 * width, width);
                }
            } else if (zips) zip(s, p + (l + 2 * c * s->k_stride) * size, s->k_stride, n, lines, out, width);
            else {
                for (i64 i = 0; i < lines; i++)
                    line_of(s, p + ((l + i) * s->line_stride + 2 * c * s->k_stride) * size, s->k_stride, n, buffer + i * CHUNK);
                transpose(s, out, buffer, CHUNK, lines, pairs);
            }
        }
    }
}

void INTERNAL(pairs_pack_a)(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc) {
    const pair_operands *o = ctx;
    pack(&o->a, o->k, to, first, count, k, kc);
}
void INTERNAL(pairs_pack_b)(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc) {
    const pair_operands *o = ctx;
    pack(&o->b, o->k, to, first, count, k, kc);
}
