/* recurrent_product.c - the products of the time loops: rows of x, h or dgates times a packed strip of weights.
 *
 * A strip is at most GEMM_NR columns wide, so that one panel holds it; the rows of B of several parts (W_ih, then W_hh) lie one
 * after the other in it. Each part has its own chain of sums: one chain over both would lose digits. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/recurrent_product.c"
#define CHAIN 256 /* most of k that is summed in one chain: longer ones lose digits */
#include "../each_float.h"
#else

void recurrent_sums(i64 m, i64 n, const FN(recurrent_part) *p, int parts, const T *b, T *c, i64 ldc, int add, const T *bias) {
    for (; parts > 0; parts--, p++)
        for (i64 k0 = 0, k; k0 < p->k; k0 += k, add = 1, bias = 0) {
            const FN(gemm_epilogue) e = {.alpha = 1, .add = add, .bias_n = bias};
            k = UDL_MINI(p->k - k0, CHAIN);
            gemm_block(m, n, k, (FN(gemm_a)){p->a + k0, p->lda, GEMM_A_ROWS}, (FN(gemm_b)){b, 0}, c, ldc, &e);
            b += k * UDL_CEIL_DIV(n, VW) * VW;
        }
}

/* ---- one or two rows: bound by reading B -------------------------------------------------------------------------------- */
/* M rows x PN panels of NV vectors, U rows of B at a time: M PN NV U <= 8 sums in registers. All are constants. */
VFN void FN(few)(int M, int PN, int NV, int U, i64 k, const T *a, i64 lda, const T *const *b, T *const *c, i64 ldc, i64 n,
                 int add, const T *const *bias) {
    vec s[2][4][GEMM_NV][4];
#define EACH(i, p, v)                                                                                                       \
    _Pragma("GCC unroll 2") for (int i = 0; i < M; i++) _Pragma("GCC unroll 4") for (int p = 0; p < PN; p++)                \
        _Pragma("GCC unroll 2") for (int v = 0; v < NV; v++)
    EACH(i, p, v) _Pragma("GCC unroll 4") for (int u = 0; u < U; u++) s[i][p][v][u] = (vec){0};
    i64 kk = 0;
    for (; kk + U <= k; kk += U)
        _Pragma("GCC unroll 4") for (int u = 0; u < U; u++) EACH(i, p, v)
            s[i][p][v][u] = v_fma(v_load(b[p] + ((kk + u) * NV + v) * VW), v_set(a[i * lda + kk + u]), s[i][p][v][u]);
    for (; kk < k; kk++)
        EACH(i, p, v) s[i][p][v][0] = v_fma(v_load(b[p] + (kk * NV + v) * VW), v_set(a[i * lda + kk]), s[i][p][v][0]);
    EACH(i, p, v) {
        T *to = c[p] + i * ldc + v * VW;
        const int w = (int)UDL_MINI(n - v * VW, VW);
        vec x = s[i][p][v][0];
        _Pragma("GCC unroll 4") for (int u = 1; u < U; u++) x += s[i][p][v][u];
        if (add) x += v_load_n(to, w);
        if (bias[p]) x += v_load_n(bias[p] + v * VW, w);
        v_store_n(to, x, w);
    }
#undef EACH
}

/* c[p] = (add: c[p]) + bias[p] + a B[p] for `panels` <= 4 panels b[p], m = 1 or 2 rows */
void recurrent_few(i64 m, i64 n, i64 k, const T *a, i64 lda, const T *const *b, T *const *c, i64 ldc, int panels, int add,
                   const T *const *bias) {
#define FEW(M, PN, U)                                                               \
    (n > VW ? FN(few)(M, PN, 2, U, k, a, lda, b, c, ldc, n, add, bias)              \
            : FN(few)(M, PN, 1, 2 * U, k, a, lda, b, c, ldc, n, add, bias))
    if (m == 1 && panels == 4) FEW(1, 4, 1);
    else if (m == 1 && panels == 3) FEW(1, 3, 1);
    else if (m == 1 && panels == 2) FEW(1, 2, 2);
    else if (m == 1) FEW(1, 1, 2);
    else
        for (int p = 0; p < panels; b++, c++, bias++, p++) FEW(2, 1, 2);
#undef FEW
}
#endif
