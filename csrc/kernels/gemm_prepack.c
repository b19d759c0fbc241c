/* gemm_prepack.c - a right side of matmul that stays the same, packed once for many products (gemm.h: packed_b).
 *
 * A header says who packed it and what; a product that finds another header than its own takes B itself. Then all panels
 * of the first kc rows of B, all of the next ..., as the engine packs them while it runs: the same bits come out. */
#ifndef T
#include "gemm.h"

int INTERNAL(packed_is_mine)(const void *packed, const udl_matmul_args *a) {
    const gemm_packed *p = packed;
    return p->maker == (int64_t)(intptr_t)INTERNAL(gemm_sizes) && p->n == a->n && p->k == a->k;
}

#define UDL_THIS_FILE "kernels/gemm_prepack.c"
#include "../each_float.h"

int64_t INTERNAL(prepack)(const udl_matmul_args *a, void *to) {
    if (a->k <= 0 || a->n <= 0) return 0;
    int64_t bytes = GEMM_MATRIX_UNIT && a->dtype != UDL_F64 && udl_matrix_unit.prepack ? udl_matrix_unit.prepack(a, to) : 0;
    if (bytes) return bytes;
    return a->dtype == UDL_F32 ? prepack_f32(a, to) : a->dtype == UDL_F64 ? UDL_F64_OR(prepack_f64(a, to), 0) : 0;
}
#else
typedef struct { const udl_matmul_args *a; T *to; i64 kc, n, strips; } FN(prepacking);

static void FN(prepack_task)(void *ctx, i64 begin, i64 end) { /* a piece: GEMM_NR columns of a block of k */
    const FN(prepacking) *w = ctx;
    const udl_matmul_args *a = w->a;
    for (i64 t = begin; t < end; t++) {
        i64 k = t / w->strips * w->kc, n = t % w->strips * GEMM_NR, kc = UDL_MINI(w->kc, a->k - k);
        gemm_pack_b(w->to + k * w->n + n * kc, (const T *)a->b + k * a->b_k + n * a->b_n, a->b_k, a->b_n, kc,
                    UDL_MINI(GEMM_NR, a->n - n));
    }
}

static int64_t FN(prepack)(const udl_matmul_args *a, void *to) {
    i64 strips = UDL_CEIL_DIV(a->n, GEMM_NR), n = strips * GEMM_NR;
    if (to) {
        gemm_packed *head = to;
        *head = (gemm_packed){.maker = (int64_t)(intptr_t)INTERNAL(gemm_sizes), .n = a->n, .k = a->k};
        FN(prepacking) w = {a, (T *)(head + 1), INTERNAL(gemm_sizes)(a->k, sizeof(T)).kc, n, strips};
        udl_parallel_for(strips * UDL_CEIL_DIV(a->k, w.kc), UDL_MAXI(1, 65536 / (w.kc * GEMM_NR)), FN(prepack_task), &w);
    }
    return (int64_t)sizeof(gemm_packed) + n * a->k * (int64_t)sizeof(T);
}
#endif
