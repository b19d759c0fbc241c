/* gemm_pack.c - strided matrix -> the panels of gemm.h.
 *
 * If the unit stride lies along the panel, packing copies. If it lies along k, packing transposes in registers: a
 * vector holds in its 16-byte lane l a piece of row (lane l, i), so that a transpose inside the lanes is all it takes
 * and the same few shuffles serve every width:
 *     u[i] = [ row i, k..k+3 | row 4+i, k..k+3 | ... ]  ->  out[kk] = [ rows 0..3 | rows 4..7 | ... ] at k + kk   */
#ifndef T
#include "gemm.h"

#if UDL_VB == 64
#define LANES(a, b, c, d) __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7),               \
                                                  __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7),               \
                                                  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define LANES64(a, b, c, d) __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 2, 3),                         \
                                                    __builtin_shufflevector(c, d, 0, 1, 2, 3), 0, 1, 2, 3, 4, 5, 6, 7)
#define ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define ZIP64_LO(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define ZIP64_HI(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#elif UDL_VB == 32
#define LANES(a, b, c, d) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7)
#define LANES64(a, b, c, d) __builtin_shufflevector(a, b, 0, 1, 2, 3)
#define ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define ZIP64_LO(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define ZIP64_HI(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#else
#define LANES(a, b, c, d) (a)
#define LANES64(a, b, c, d) (a)
#define ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define ZIP64_LO(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ZIP64_HI(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* out[kk][r] = row[r][kk] for VW rows and the 16 / sizeof(T) values from row[r] on */
typedef float lane_f32 __attribute__((vector_size(16)));
typedef double lane_f64 __attribute__((vector_size(16)));
#define KS_f32 4
#define KS_f64 2
VFN void columns_f32(const float *const row[VW32], i64 k, vf32 out[KS_f32]) {
    vf32 u[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        lane_f32 q[4];
        _Pragma("GCC unroll 4") for (int l = 0; l < VW32 / 4; l++) memcpy(&q[l], row[4 * l + i] + k, 16);
        u[i] = (vf32)LANES(q[0], q[1], q[2], q[3]);
    }
    vf64 a = (vf64)ZIP_LO(u[0], u[1]), b = (vf64)ZIP_LO(u[2], u[3]), c = (vf64)ZIP_HI(u[0], u[1]), d = (vf64)ZIP_HI(u[2], u[3]);
    out[0] = (vf32)ZIP64_LO(a, b);
    out[1] = (vf32)ZIP64_HI(a, b);
    out[2] = (vf32)ZIP64_LO(c, d);
    out[3] = (vf32)ZIP64_HI(c, d);
}
VFN void columns_f64(const double *const row[VW64], i64 k, vf64 out[KS_f64]) {
    vf64 u[2];
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) {
        lane_f64 q[4];
        _Pragma("GCC unroll 4") for (int l = 0; l < VW64 / 2; l++) memcpy(&q[l], row[2 * l + i] + k, 16);
        u[i] = LANES64(q[0], q[1], q[2], q[3]);
    }
    out[0] = ZIP64_LO(u[0], u[1]);
    out[1] = ZIP64_HI(u[0], u[1]);
}

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

void gemm_pack_a(T *to, const T *a, i64 a_m, i64 a_k, i64 mb, i64 kc) {
    for (i64 i = 0, mr; i < mb; i += mr, to += mr * kc, a += mr * a_m) {
        mr = gemm_rows(mb - i);
        if (a_k == 1) FN(pack_a_rows)(to, a, a_m, mr, kc);
        else if (a_m == 1 && mr == GEMM_MR)
            for (i64 k = 0; k < kc; k++) memcpy(to + k * GEMM_MR, a + k * a_k, GEMM_MR * sizeof(T));
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
            FN(columns)(row, k, col);
            _Pragma("GCC unroll 4") for (int kk = 0; kk < FN(KS); kk++)
                v_store(to + (k + kk) * w + j, (vec)((vmask)col[kk] & keep));
        }
        for (; k < kc; k++)
            for (i64 r = 0; r < VW; r++) to[k * w + j + r] = r < left ? row[r][k] : 0;
    }
}

void gemm_pack_b(T *to, const T *b, i64 b_k, i64 b_n, i64 kc, i64 nb) {
    for (i64 j = 0, w; j < nb; j += GEMM_NR, to += w * kc, b += GEMM_NR * b_n) {
        i64 n = UDL_MINI(GEMM_NR, nb - j);
        w = UDL_CEIL_DIV(n, VW) * VW;
        if (b_k == 1 && kc > 1) FN(pack_b_columns)(to, b, b_n, kc, n, w);
        else if (b_n == 1 && n == GEMM_NR)
            for (i64 k = 0; k < kc; k++) memcpy(to + k * GEMM_NR, b + k * b_k, GEMM_NR * sizeof(T));
        else
            for (i64 k = 0; k < kc; k++)
                for (i64 r = 0; r < w; r++) to[k * w + r] = r < n ? b[k * b_k + r * b_n] : 0;
    }
}
#undef GROUPS
#endif
