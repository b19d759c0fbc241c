/* pairs_micro.c - the micro-kernel of pairs.h: a tile of mr x nv vectors of sums stays in registers over all of k.
 *
 * 12 x 2 sums, 2 vectors of B and the broadcast pair of A: 27 of 32 registers. Two VDPBF16PS start a cycle and one takes 6
 * (Zen 5, measured: 0.50 and 6.0), so 12 sums must be under way; 14 loads go with 24 products. */
#include "pairs.h"
#include "../kernels/gemm_tile.h"
#include "../vec/bf16.h"

typedef gemm_epilogue_f32 epi;

#if !defined(UDL_TILES_EMULATED)
VFN void dp(vf32 *sum, vf32 b, uint32_t pair) {
    *sum = (vf32)_mm512_dpbf16_ps((__m512)*sum, (__m512bh)_mm512_set1_epi32((int)pair), (__m512bh)b);
}
VFN vhalf rounded(vf32 x) { return (vhalf)_mm512_cvtneps_pbh((__m512)x); }
#else
#include "tile_ops.h"
/* Intel's definition: the upper product of the pair is added first, then the lower; both fused, denormals are zero */
static void dp(vf32 *sum, vf32 b, uint32_t pair) {
    float a0 = tile_widen((uint16_t)pair), a1 = tile_widen((uint16_t)(pair >> 16));
    uint16_t h[2 * VW32];
    memcpy(h, &b, sizeof b);
    for (int n = 0; n < VW32; n++) {
        float upper = tile_fma(a1, tile_widen(h[2 * n + 1]), tile_flush((*sum)[n]));
        (*sum)[n] = tile_fma(a0, tile_widen(h[2 * n]), upper);
    }
}
static vhalf rounded(vf32 x) {
    for (int n = 0; n < VW32; n++) x[n] = tile_flush(x[n]);
    return h_narrow(x);
}
#endif

VFN void put16(uint16_t *p, vf32 x) {
    vhalf h = rounded(x);
    memcpy(p, &h, sizeof h);
}

/* the sums -> out */
VFN void finish(const int MR, const int NV, vf32 acc[GEMM_MR][GEMM_NV], float *c, i64 ldc, const epi *e) {
    _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) {
        vf32 bias = e->bias_n ? v_load(e->bias_n + j * VW32) : (vf32){0};
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {
            vf32 x = acc[i][j];
            float *to = c + i * ldc + j * VW32;
            if (e->add) x += v_load(to);
            if (e->bias_n) x += bias;
            if (e->bias_m) x += e->bias_m[i];
            if (e->act) x = v_sel(x < 0, (vf32){0}, x); /* relu: keeps NaN */
            if (e->out16) put16(e->out16 + i * e->ld16 + j * VW32, x);
            else v_store(to, x);
        }
    }
}

/* acc[i][j] += pairs of A[i, k] and B[k, j]; A[i, k] is a[i a_s + k] for rows, else a[k a_s + i] */
VFN void tile(const int MR, const int NV, const int rows, i64 k, const float *a, i64 a_s, const float *b, float *c, i64 ldc,
              i64 n, const epi *e) {
    vf32 acc[GEMM_MR][GEMM_NV];
    const float *ar[(GEMM_MR + 2) / 3]; /* one pointer for three rows: the others are reached by scaled indexing */
    _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] = rows ? a + 3 * i * a_s : a;
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) acc[i][j] = (vf32){0};
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {
        const char *to = e->out16 ? (const char *)(e->out16 + i * e->ld16) : (const char *)(c + i * ldc);
        __builtin_prefetch(to, 1);
        __builtin_prefetch(to + (e->out16 ? 2 : 4) * (NV * VW32 - 1), 1);
    }
#define STEP(u)                                                                                                        \
    do {                                                                                                               \
        vf32 bv[GEMM_NV];                                                                                              \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) bv[j] = v_load(b + j * VW32);                             \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {                                                        \
            uint32_t pair;                                                                                             \
            memcpy(&pair, rows ? &ar[i / 3][i % 3 * a_s + (u)] : &a[i], sizeof pair);                                  \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) dp(&acc[i][j], bv[j], pair);                          \
        }                                                                                                              \
        b += NV * VW32;                                                                                                \
        if (!rows) a += a_s;                                                                                           \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)                                                          \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) GEMM_PIN(acc[i][j]);                                  \
    } while (0)
    for (const float *soon = e->soon; k >= 4; k -= 4, soon += e->soon_step) {
        __builtin_prefetch(soon, 0, 2), __builtin_prefetch(soon + 16, 0, 2);
        if (!rows) _Pragma("GCC unroll 4") for (int i = 0; i < MR; i += 4) __builtin_prefetch(a + AHEAD / 4 + 4 * i, 0, 2);
        STEP(0); STEP(1); STEP(2); STEP(3);
        if (rows) _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] += 4;
    }
    for (; k > 0; k--) {
        STEP(0);
        if (rows) _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] += 1;
    }
#undef STEP
    if (n < NV * VW32 || e->rare) {
        float t[GEMM_MR * GEMM_NV * VW32];
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) v_store(t + (i * GEMM_NV + j) * VW32, acc[i][j]);
        INTERNAL(gemm_finish_f32)(MR, n, t, GEMM_NV * VW32, c, ldc, e);
    } else finish(MR, NV, acc, c, ldc, e);
}

typedef void (*micro)(i64 k, const float *a, i64 a_s, const float *b, float *c, i64 ldc, i64 n, const epi *e);
#define MICRO(mr, nv)                                                                                                  \
    static void panel_##mr##x##nv(i64 k, const float *a, i64 a_s, const float *b, float *c, i64 ldc, i64 n, const epi *e) { \
        tile(mr, nv, 0, k, a, a_s, b, c, ldc, n, e);                                                                   \
    }                                                                                                                  \
    static void rows_##mr##x##nv(i64 k, const float *a, i64 a_s, const float *b, float *c, i64 ldc, i64 n, const epi *e) { \
        tile(mr, nv, 1, k, a, a_s, b, c, ldc, n, e);                                                                   \
    }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {{panel_##mr##x1, panel_##mr##x2}, {rows_##mr##x1, rows_##mr##x2}},
EACH_MR(MICROS)
static const micro micros[GEMM_MR][2][GEMM_NV] = {EACH_MR(NAMES)};

/* gemm_block of kernels/gemm_micro.c for pairs: B in panels, A in panels or in rows */
void INTERNAL(pairs_block)(i64 mb, i64 nb, i64 kc, gemm_a_f32 a, gemm_b_f32 b, float *c, i64 ldc, const epi *e) {
    const i64 nr = GEMM_NV * VW32;
    int rows_outside = kc * nb * 4 <= GEMM_L1 / 2;
    i64 outer = rows_outside ? mb : nb, inner = rows_outside ? nb : mb;
    epi t = *e;
    t.rare = t.alpha != 1 || t.residual || t.residual16 || t.add16 || t.act > UDL_ACT_RELU;
    for (i64 o = 0, os; o < outer; o += os) {
        os = rows_outside ? gemm_rows(mb - o) : nr;
        const float *next = rows_outside ? 0 : o + nr < nb ? b.p + (o + nr) * kc : e->soon; /* as in gemm_block */
        const float *end = next ? next + kc * nr : 0;
        for (i64 p = 0, ps; p < inner; p += ps) {
            ps = rows_outside ? nr : gemm_rows(mb - p);
            i64 i = rows_outside ? o : p, j = rows_outside ? p : o, mr = rows_outside ? os : ps;
            i64 n = UDL_MINI(nr, nb - j), at = i * ldc + j, at16 = i * e->ld16 + j;
            int in_rows = a.kind == GEMM_A_ROWS;
            t.bias_n = e->bias_n ? e->bias_n + j : 0;
            t.bias_m = e->bias_m ? e->bias_m + i : 0;
            t.residual = e->residual ? e->residual + at : 0;
            t.residual16 = e->residual16 ? e->residual16 + at16 : 0;
            t.out16 = e->out16 ? e->out16 + at16 : 0;
            t.soon = next ? next : b.p, t.soon_step = next ? 32 : 0;
            if (next && (next += 32 * (kc / 4)) >= end) next = 0;
            micros[mr - 1][in_rows][UDL_CEIL_DIV(n, VW32) - 1](kc, in_rows ? a.p + i * a.stride : a.p + i * kc,
                                                               in_rows ? a.stride : mr, b.p + j * kc, c ? c + at : 0, ldc, n, &t);
        }
    }
}
