/* gemm_micro.c - the micro-kernels: one tile of mr x nv vectors stays in registers over all of k. */
#ifndef T
#include "gemm.h"
#include "gemm_act.h"
#define UDL_THIS_FILE "kernels/gemm_micro.c"
#include "../each_float.h"
#else

typedef FN(gemm_epilogue) FN(epi);
typedef void (*FN(micro))(i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n, const FN(epi) *e);

/* The epilogue of a tile that lies in `t` (rows of NR): any width, any activation. Rare, so kept out of the tiles. */
static __attribute__((noinline)) void FN(finish)(int mr, const T *t, T *c, i64 ldc, i64 n, const FN(epi) *e) {
    for (int i = 0; i < mr; i++, t += GEMM_NR, c += ldc) {
        const T *res = e->residual ? e->residual + i * ldc : 0;
        T m = e->bias_m ? e->bias_m[i] : 0;
        for (i64 j = 0; j < n; j += VW) {
            int w = (int)UDL_MINI(n - j, VW), whole = w == VW;
            vec v = v_load(t + j) * e->alpha;
            if (e->add) v += whole ? v_load(c + j) : v_load_n(c + j, w);
            if (e->bias_n) v += whole ? v_load(e->bias_n + j) : v_load_n(e->bias_n + j, w);
            v += m;
            v = FN(gemm_act)(v, e->act);
            if (res) v += whole ? v_load(res + j) : v_load_n(res + j, w);
            if (whole) v_store(c + j, v); else v_store_n(c + j, v, w);
        }
    }
}

/* acc[i][j] += A[i, k] B[k, j]. `rows`: A is a[i a_s + k]; else a[k a_s + i]. All but the pointers are constants. */
VFN void FN(tile)(int MR, int NV, int rows, i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n,
                  const FN(epi) *e) {
    vec acc[GEMM_MR][GEMM_NV];
    const T *ar[(GEMM_MR + 2) / 3]; /* one pointer for three rows: the others are reached by scaled indexing */
    _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] = rows ? a + 3 * i * a_s : a;
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) acc[i][j] = (vec){0};
#define STEP(u)                                                                                                        \
    do {                                                                                                               \
        vec bv[GEMM_NV];                                                                                                    \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) bv[j] = v_load(b + j * VW);                               \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {                                                        \
            T s = rows ? ar[i / 3][i % 3 * a_s + (u)] : a[i];                                                          \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) acc[i][j] += bv[j] * s;                               \
        }                                                                                                              \
        b += b_k;                                                                                                      \
        if (!rows) a += a_s;                                                                                           \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)                                                          \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) GEMM_PIN(acc[i][j]);                                  \
    } while (0)
    for (; k >= 4; k -= 4) {
        STEP(0); STEP(1); STEP(2); STEP(3);
        if (rows) _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] += 4;
    }
    for (; k > 0; k--) {
        STEP(0);
        if (rows) _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] += 1;
    }
#undef STEP
#define EACH _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++)
    if (n < NV * VW || e->rare) {
        T t[GEMM_MR * GEMM_NR];
        EACH v_store(t + i * GEMM_NR + j * VW, acc[i][j]);
        FN(finish)(MR, t, c, ldc, n, e);
        return;
    }
    if (e->add) EACH acc[i][j] += v_load(c + i * ldc + j * VW);
    if (e->bias_n) EACH acc[i][j] += v_load(e->bias_n + j * VW);
    if (e->bias_m) EACH acc[i][j] += e->bias_m[i];
    if (e->act) EACH acc[i][j] = v_sel(acc[i][j] < 0, (vec){0}, acc[i][j]); /* relu: keeps NaN */
    EACH v_store(c + i * ldc + j * VW, acc[i][j]);
#undef EACH
}

#define MICRO(mr, nv)                                                                                                  \
    static void FN(panel_##mr##x##nv)(i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n,           \
                                      const FN(epi) *e) { FN(tile)(mr, nv, 0, k, a, a_s, b, b_k, c, ldc, n, e); }      \
    static void FN(rows_##mr##x##nv)(i64 k, const T *a, i64 a_s, const T *b, i64 b_k, T *c, i64 ldc, i64 n,            \
                                     const FN(epi) *e) { FN(tile)(mr, nv, 1, k, a, a_s, b, b_k, c, ldc, n, e); }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {{FN(panel_##mr##x1), FN(panel_##mr##x2)}, {FN(rows_##mr##x1), FN(rows_##mr##x2)}}
MICROS(1) MICROS(2) MICROS(3) MICROS(4)
#if GEMM_MR >= 6
MICROS(5) MICROS(6)
#endif
#if GEMM_MR >= 8
MICROS(7) MICROS(8)
#endif
#if GEMM_MR >= 12
MICROS(9) MICROS(10) MICROS(11) MICROS(12)
#endif
static const FN(micro) FN(micros)[GEMM_MR][2][GEMM_NV] = {
    NAMES(1), NAMES(2), NAMES(3), NAMES(4),
#if GEMM_MR >= 6
    NAMES(5), NAMES(6),
#endif
#if GEMM_MR >= 8
    NAMES(7), NAMES(8),
#endif
#if GEMM_MR >= 12
    NAMES(9), NAMES(10), NAMES(11), NAMES(12),
#endif
};
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

/* Panel of B outside (it stays in L1), panels of A inside (the block of A stays in L2). */
void gemm_block(i64 mb, i64 nb, i64 kc, FN(gemm_a) a, FN(gemm_b) b, T *c, i64 ldc, const FN(epi) *e) {
    for (i64 j = 0; j < nb; j += GEMM_NR) {
        i64 n = UDL_MINI(GEMM_NR, nb - j), nv = UDL_CEIL_DIV(n, VW);
        if (b.stride && n % VW) { FN(tail)(mb, n, kc, a, b, c, ldc, *e, j); break; }
        const T *bp = b.stride ? b.p + j : b.p + j * kc;
        i64 b_k = b.stride ? b.stride : nv * VW;
        for (i64 i = 0, mr; i < mb; i += mr) {
            mr = gemm_rows(mb - i);
            const T *ap = a.kind == GEMM_A_PANELS ? a.p + i * kc : a.kind == GEMM_A_ROWS ? a.p + i * a.stride : a.p + i;
            FN(epi) t = *e;
            t.rare = t.alpha != 1 || t.residual || t.act > UDL_ACT_RELU;
            if (t.bias_n) t.bias_n += j;
            if (t.bias_m) t.bias_m += i;
            if (t.residual) t.residual += i * ldc + j;
            T *ct = c + i * ldc + j;
            FN(micros)[mr - 1][a.kind == GEMM_A_ROWS][nv - 1](kc, ap, a.kind == GEMM_A_PANELS ? mr : a.stride, bp, b_k,
                                                              ct, ldc, n, &t);
        }
    }
}
#endif
