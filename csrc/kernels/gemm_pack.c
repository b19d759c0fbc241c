/* gemm_pack.c - strided matrix -> the panels of gemm.h. If the unit stride lies along the panel, packing copies; if it lies
 * along k, it transposes in registers. */
#ifndef T
#include "columns.h"
#include "gemm.h"
#define UDL_THIS_FILE "kernels/gemm_pack.c"
#include "../each_float.h"
#else

#define GROUPS UDL_CEIL_DIV(GEMM_MR, VW) /* vectors that hold a column of a panel of A */

/* a_k == 1: mr rows, transposed. Vector stores reach over the end of a column into the next ones, which are written
 * later; near the end of the panel single elements are stored. */
static void FN(pack_a_rows)(T *to, const T *a, i64 a_m, i64 mr, i64 kc) {
    const T *row[GROUPS * VW];
    i64 g = UDL_CEIL_DIV(mr, VW), k = 0;
    for (i64 r = 0; r < GROUPS * VW; r++) row[r] = a + UDL_MINI(r, mr - 1) * a_m;
    for (; (k + FN(KS) - 1) * mr + g * VW <= kc * mr; k += FN(KS)) {
        vec col[GROUPS][FN(KS)];
        _Pragma("GCC unroll 8") for (int j = 0; j < GROUPS; j++) FN(columns)(row + j * VW, k, col[j]);
        _Pragma("GCC unroll 4") for (int kk = 0; kk < FN(KS); kk++)
            _Pragma("GCC unroll 8") for (int j = 0; j < GROUPS; j++)
                if (j < g) v_store(to + (k + kk) * mr + j * VW, col[j][kk]);
    }
    for (; k < kc; k++)
        for (i64 r = 0; r < mr; r++) to[k * mr + r] = row[r][k];
}

/* a_m == 1: 4 k at a time through all panels, as neighbouring panels share the cache lines of a k. Rows of a power of two
 * fall into one set of the cache: more of them would push each other out. The rows to come are short pieces far apart, which the
 * processor does not foresee: they are asked for `ahead` before. */
static void FN(pack_a_columns)(T *to, const T *a, i64 a_k, i64 mb, i64 kc) {
    const i64 ahead = (UDL_CEIL_DIV(512, mb) + 1) * 4 * a_k;
    for (i64 k = 0; k < kc; k += 4)
        for (i64 i = 0, mr; i < mb; i += mr) {
            mr = gemm_rows(mb - i);
            T *p = to + i * kc + k * mr;
            const int line = i % (64 / (i64)sizeof(T)) < GEMM_MR;
            for (i64 kk = k; kk < UDL_MINI(k + 4, kc); kk++, p += mr) {
                const T *from = a + kk * a_k + i;
                if (line) __builtin_prefetch(from + ahead);
                if (mr == GEMM_MR) memcpy(p, from, GEMM_MR * sizeof(T));
                else for (i64 r = 0; r < mr; r++) p[r] = from[r];
            }
        }
}

void gemm_pack_a(T *to, const T *a, i64 a_m, i64 a_k, i64 mb, i64 kc) {
    if (a_m == 1 && a_k != 1) { FN(pack_a_columns)(to, a, a_k, mb, kc); return; }
    for (i64 i = 0, mr; i < mb; i += mr, to += mr * kc, a += mr * a_m) {
        mr = gemm_rows(mb - i);
        if (a_k == 1) FN(pack_a_rows)(to, a, a_m, mr, kc);
        else
            for (i64 k = 0; k < kc; k++)
                for (i64 r = 0; r < mr; r++) to[k * mr + r] = a[r * a_m + k * a_k];
    }
}

/* b_k == 1: n columns, each contiguous in memory, into a panel w wide; n <= w. Columns beyond n become zero. */
static void FN(pack_b_columns)(T *to, const T *b, i64 b_n, i64 kc, i64 n, i64 w) {
    for (i64 j = 0; j < w; j += VW) {
        const T *row[VW];
        i64 left = n - j, k = 0;
        for (i64 r = 0; r < VW; r++) row[r] = b + (j + UDL_MINI(r, left - 1)) * b_n;
        vmask keep;
        for (int r = 0; r < VW; r++) keep[r] = r < left ? -1 : 0;
        for (; k + FN(KS) <= kc; k += FN(KS)) {
            vec col[FN(KS)];
            if (k % (64 / (i64)sizeof(T)) == 0) /* the next columns: as many short streams as these are, which the processor does not foresee */
                _Pragma("GCC unroll 16") for (int r = 0; r < VW; r++) __builtin_prefetch(row[r] + VW * b_n + k, 0, 2);
            FN(columns)(row, k, col);
            _Pragma("GCC unroll 4") for (int kk = 0; kk < FN(KS); kk++)
                v_store(to + (k + kk) * w + j, (vec)((vmask)col[kk] & keep));
        }
        for (; k < kc; k++)
            for (i64 r = 0; r < VW; r++) to[k * w + j + r] = r < left ? row[r][k] : 0;
    }
}

/* b_n == 1: whole panels, PACK_ROWS rows at a time, so that the pages of those rows stay known to the processor while all
 * panels take their piece of them */
#define PACK_ROWS 32
static void FN(pack_b_rows)(T *to, const T *b, i64 b_k, i64 kc, i64 panels) {
    for (i64 k0 = 0; k0 < kc; k0 += PACK_ROWS)
        for (i64 j = 0; j < panels; j++) {
            const T *from = b + k0 * b_k + j * GEMM_NR;
            T *p = to + (j * kc + k0) * GEMM_NR;
            for (i64 k = 0; k < UDL_MINI(kc - k0, (i64)PACK_ROWS); k++, from += b_k, p += GEMM_NR) memcpy(p, from, GEMM_NR * sizeof(T));
        }
}

void gemm_pack_b(T *to, const T *b, i64 b_k, i64 b_n, i64 kc, i64 nb) {
    i64 j = 0;
    if (b_n == 1 && (b_k != 1 || kc <= 1)) {
        j = nb / GEMM_NR * GEMM_NR;
        FN(pack_b_rows)(to, b, b_k, kc, nb / GEMM_NR);
        to += j * kc, b += j;
    }
    for (i64 w; j < nb; j += GEMM_NR, to += w * kc, b += GEMM_NR * b_n) {
        i64 n = UDL_MINI(GEMM_NR, nb - j);
        w = UDL_CEIL_DIV(n, VW) * VW;
        if (b_k == 1 && kc > 1) FN(pack_b_columns)(to, b, b_n, kc, n, w);
        else
            for (i64 k = 0; k < kc; k++)
                for (i64 r = 0; r < w; r++) to[k * w + r] = r < n ? b[k * b_k + r * b_n] : 0;
    }
}
#undef GROUPS
#endif
