/* gemm_tile.h - the micro-kernel: a tile of mr x nv vectors stays in registers over all of k. */
#ifndef T
#ifndef UDL_GEMM_TILE_H
#define UDL_GEMM_TILE_H
#include "gemm.h"

#define AHEAD 12288 /* bytes: filters that come from memory are asked for so far before a tile reads them */
#define GEMM_ASKS (UDL_VB >= 32) /* where small comes before fast, nothing is asked for */
enum { PANEL, ROWS, TAPS }; /* where A and B are: see tile */
#define EACH_MR4(X) X(1) X(2) X(3) X(4)
#if GEMM_MR == 12
#define EACH_MR(X) EACH_MR4(X) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#elif GEMM_MR == 8
#define EACH_MR(X) EACH_MR4(X) X(5) X(6) X(7) X(8)
#elif GEMM_MR == 6
#define EACH_MR(X) EACH_MR4(X) X(5) X(6)
#else
#define EACH_MR(X) EACH_MR4(X)
#endif
/* c += a b, c staying in its register. Left to itself GCC also picks the forms that overwrite a or b, and then copies and
 * spills accumulators: 6 % of the time of a tile. */
#if defined(UDL_LEVEL_avx2)
VFN void tile_fma_f32(vf32 *c, vf32 a, vf32 b) { __asm__("vfmadd231ps %2, %1, %0" : "+x"(*c) : "x"(a), "x"(b)); }
VFN void tile_fma_f64(vf64 *c, vf64 a, vf64 b) { __asm__("vfmadd231pd %2, %1, %0" : "+x"(*c) : "x"(a), "x"(b)); }
#else
VFN void tile_fma_f32(vf32 *c, vf32 a, vf32 b) { *c += a * b; }
VFN void tile_fma_f64(vf64 *c, vf64 a, vf64 b) { *c += a * b; }
#endif
#define UDL_THIS_FILE "kernels/gemm_tile.h"
#include "../each_float.h"
#undef UDL_THIS_FILE
#endif
#else

typedef FN(gemm_epilogue) FN(epi);

/* acc[i][j] += A[i, k] B[k, j]. A[i, k] is a[i a_s + k] for ROWS, else a[k a_s + i]; row k of B is at b + k b_k, or, for TAPS, vector j
 * of it at b + tap[k] + j b_k. Vector j of a row of C is c_j behind the one before. MR, NV and mode are constants. */
VFN void FN(tile)(int MR, int NV, int mode, i64 k, const T *a, i64 a_s, const T *b, i64 b_k, const i64 *tap, T *c, i64 ldc, i64 c_j,
                  i64 n, const FN(epi) *e) {
    const int rows = mode == ROWS;
    vec acc[GEMM_MR][GEMM_NV];
    const T *ar[(GEMM_MR + 2) / 3]; /* one pointer for three rows: the others are reached by scaled indexing */
    _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] = rows ? a + 3 * i * a_s : a;
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) { acc[i][j] = (vec){0}; GEMM_PIN(acc[i][j]); }
    const T *soon = e->soon;
    T *row = c; /* a pointer of its own: those of the epilogue need not wait in memory */
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++, row += ldc) {
        __asm__("" : "+r"(row));
        __builtin_prefetch(row, 1);
        __builtin_prefetch(row + (NV - 1) * c_j + VW - 1, 1);
    }
#define STEP(u)                                                                                                        \
    do {                                                                                                               \
        vec bv[GEMM_NV];                                                                                               \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) bv[j] = v_load(mode == TAPS ? b + tap[u] + j * b_k : b + j * VW); \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {                                                        \
            vec s = v_set(rows ? ar[i / 3][i % 3 * a_s + (u)] : a[i]);                                                 \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) FN(tile_fma)(&acc[i][j], bv[j], s);                   \
        }                                                                                                              \
        if (mode != TAPS) b += b_k;                                                                                    \
        if (!rows) a += a_s;                                                                                           \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)                                                          \
            _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) GEMM_PIN(acc[i][j]);                                  \
    } while (0)
    /* sums of at most chunk products in a chain are laid down in `sums`, so that they are rounded at their own size */
#define EACH _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++)
    T sums[GEMM_MR * GEMM_NR];
    const i64 chunk = e->chunk ? e->chunk : k;
    for (i64 left = k, done = 0;;) {
        k = left < chunk + chunk / 2 ? left : chunk, left -= k;
        for (; sizeof(T) == 4 && k >= 4; k -= 4) { /* doubles: a step is long enough for a loop of its own */
            if (GEMM_ASKS && mode != TAPS) __builtin_prefetch(soon, 0, 2), soon += e->soon_step;
            if (GEMM_ASKS && mode == PANEL)
                _Pragma("GCC unroll 4") for (int i = 0; i < MR; i += 4) __builtin_prefetch(a + AHEAD / 4 + 4 * i, 0, 2);
            STEP(0); STEP(1); STEP(2); STEP(3);
            if (rows) _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] += 4;
            if (mode == TAPS) tap += 4;
        }
        for (; k > 0; k--) {
            STEP(0);
            if (rows) _Pragma("GCC unroll 16") for (int i = 0; i < (MR + 2) / 3; i++) ar[i] += 1;
            if (mode == TAPS) tap += 1;
        }
        if (__builtin_expect(!left && !done, 1)) break;
        if (done) EACH { acc[i][j] += v_load(sums + i * GEMM_NR + j * VW); GEMM_PIN(acc[i][j]); }
        if (!left) break;
        EACH { v_store(sums + i * GEMM_NR + j * VW, acc[i][j]); acc[i][j] = (vec){0}; GEMM_PIN(acc[i][j]); }
        done = 1;
    }
#undef STEP
    if (n < NV * VW || e->rare) {
        EACH v_store(sums + i * GEMM_NR + j * VW, acc[i][j]);
        gemm_finish(MR, n, sums, GEMM_NR, c, ldc, e);
        return;
    }
    if (e->add) EACH acc[i][j] += v_load(c + i * ldc + j * c_j);
    if (e->bias_n) EACH acc[i][j] += v_load(e->bias_n + j * VW);
    if (e->bias_m) EACH acc[i][j] += e->bias_m[i];
    if (e->act) EACH acc[i][j] = v_sel(acc[i][j] < 0, (vec){0}, acc[i][j]); /* relu: keeps NaN */
    EACH v_store(c + i * ldc + j * c_j, acc[i][j]);
#undef EACH
}
#endif
