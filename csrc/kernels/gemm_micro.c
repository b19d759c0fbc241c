/* gemm_micro.c - the micro-kernels of every height and width, and a block of out made of them. */
#ifndef T
#include "gemm_act.h"
#include "gemm_tile.h"
#include "../vec/bf16.h"
VFN vf32 load16_f32(const uint16_t *p, int n) { return h_load_n(p, n); }
VFN void store16_f32(uint16_t *p, vf32 x, int n) { h_store_n(p, x, n); }
VFN vf64 load16_f64(const uint16_t *p, int n) { return (void)p, (void)n, (vf64){0}; } /* no double job has out16 */
VFN void store16_f64(uint16_t *p, vf64 x, int n) { (void)p, (void)x, (void)n; }
#define UDL_THIS_FILE "kernels/gemm_micro.c"
#include "../each_float.h"
#else

typedef void (*FN(micro))(i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n, const FN(epi) *e);

/* c = epilogue(t): any width, any activation. Rare, so kept out of the tiles. Rows of t may be read to a whole vector. */
void gemm_finish(i64 m, i64 n, const T *t, i64 ldt, T *c, i64 ldc, const FN(epi) *e) {
    for (i64 i = 0; i < m; i++, t += ldt, c += ldc) {
        const T *res = e->residual ? e->residual + i * ldc : 0;
        uint16_t *out16 = e->out16 ? e->out16 + i * e->ld16 : 0;
        const uint16_t *res16 = e->residual16 ? e->residual16 + i * e->ld16 : 0;
        T bias = e->bias_m ? e->bias_m[i] : 0;
        for (i64 j = 0; j < n; j += VW) {
            int w = (int)UDL_MINI(n - j, VW), whole = w == VW;
            vec v = v_load(t + j) * e->alpha;
            if (e->add) v += whole ? v_load(c + j) : v_load_n(c + j, w);
            if (e->bias_n) v += whole ? v_load(e->bias_n + j) : v_load_n(e->bias_n + j, w);
            if (e->add16) v += FN(load16)(out16 + j, w);
            v += bias;
            v = FN(gemm_act)(v, e->act);
            if (res) v += whole ? v_load(res + j) : v_load_n(res + j, w);
            if (res16) v += FN(load16)(res16 + j, w);
            if (out16) FN(store16)(out16 + j, v, w);
            else if (whole) v_store(c + j, v);
            else v_store_n(c + j, v, w);
        }
    }
}

#define MICRO(mr, nv)                                                                                                  \
    static void FN(panel_##mr##x##nv)(i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n,           \
                                      const FN(epi) *e) { FN(tile)(mr, nv, PANEL, k, a, a_s, b, b_k, 0, c, ldc, VW, n, e); } \
    static void FN(rows_##mr##x##nv)(i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n,            \
                                     const FN(epi) *e) { FN(tile)(mr, nv, ROWS, k, a, a_s, b, b_k, 0, c, ldc, VW, n, e); }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {{FN(panel_##mr##x1), FN(panel_##mr##x2)}, {FN(rows_##mr##x1), FN(rows_##mr##x2)}},
EACH_MR(MICROS)
static const FN(micro) FN(micros)[GEMM_MR][2][GEMM_NV] = {EACH_MR(NAMES)};
#undef MICRO
#undef MICROS
#undef NAMES

/* B read in place, n < GEMM_NR columns that do not fill their vectors: what follows the last row need not be readable */
static __attribute__((noinline)) void FN(tail)(i64 mb, i64 n, i64 kc, FN(gemm_a) a, FN(gemm_b) b, T *c, i64 ldc,
                                               FN(epi) e, i64 j) {
    T panel[GEMM_KC * GEMM_NR];
    if (e.bias_n) e.bias_n += j;
    if (e.residual) e.residual += j;
    gemm_pack_b(panel, b.p + j, b.stride, 1, kc, n);
    gemm_block(mb, n, kc, a, (FN(gemm_b)){panel, 0}, c + j, ldc, &e);
}

/* Panel of B outside (it stays in L1), panels of A inside (the block of A stays in L2); the other way round if all of B
 * stays in L1, as out is then written along its rows. */
void gemm_block(i64 mb, i64 nb, i64 kc, FN(gemm_a) a, FN(gemm_b) b, T *c, i64 ldc, const FN(epi) *e) {
    i64 whole = b.stride ? nb / VW * VW : nb;
    int rows_outside = kc * nb * (i64)sizeof(T) <= GEMM_L1 / 2;
    i64 outer = rows_outside ? mb : whole, inner = rows_outside ? whole : mb;
    FN(epi) t = *e;
    t.rare = t.alpha != 1 || t.residual || t.act > UDL_ACT_RELU;
    const int rows = a.kind == GEMM_A_ROWS, moves = e->bias_n || e->bias_m || e->residual;
    const i64 a_i = a.kind == GEMM_A_PANELS ? kc : rows ? a.stride : 1, b_j = b.stride ? 1 : kc; /* from row to row, column to column */
    /* meanwhile the next panel of B comes from L3 or memory to L2, a line every four steps: left to the first tile that reads it, it
     * would be waited for */
    const i64 line = 64 / (i64)sizeof(T);
    for (i64 o = 0, os; o < outer; o += os) {
        os = rows_outside ? gemm_rows(mb - o) : GEMM_NR;
        const T *next = rows_outside || b.stride ? 0 : o + GEMM_NR < whole ? b.p + (o + GEMM_NR) * kc : e->soon;
        const T *end = next ? next + kc * GEMM_NR : 0;
        for (i64 p = 0, ps; p < inner; p += ps) {
            ps = rows_outside ? GEMM_NR : gemm_rows(mb - p);
            const i64 i = rows_outside ? o : p, j = rows_outside ? p : o, mr = rows_outside ? os : ps;
            const i64 n = UDL_MINI(GEMM_NR, whole - j), nv = UDL_CEIL_DIV(n, VW);
            if (moves) {
                t.bias_n = e->bias_n ? e->bias_n + j : 0;
                t.bias_m = e->bias_m ? e->bias_m + i : 0;
                t.residual = e->residual ? e->residual + i * ldc + j : 0;
            }
            t.soon = next ? next : b.p, t.soon_step = next ? line : 0;
            if (next && (next += line * (kc / 4)) >= end) next = 0;
            FN(micros)[mr - 1][rows][nv - 1](kc, a.p + i * a_i, a.kind == GEMM_A_PANELS ? mr : a.stride, b.p + j * b_j,
                                             b.stride ? b.stride : nv * VW, c + i * ldc + j, ldc, n, &t);
        }
    }
    if (whole < nb) FN(tail)(mb, nb - whole, kc, a, b, c, ldc, *e, whole);
}
#endif
