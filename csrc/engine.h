/* engine.h - a matrix unit that the active level may use in place of the vector engine of kernels/gemm.c.
 *
 * dispatch.c fills it when a level is chosen (tiles/overlay.c: AMX tiles, or the bf16 dot products of AVX512-BF16), so the
 * kernels of that level, compiled once for AVX-512, find it or do not. gemm and matmul_bf16 return 0, having done nothing,
 * when they would not be faster; else 1 and the status of the call. */
#ifndef UDL_ENGINE_H
#define UDL_ENGINE_H
#include "udlfast.h"

typedef struct {
    const char *name; /* the processor's feature; NULL: there is no unit */
    int (*gemm)(const void *job, int *status);                               /* a gemm_job_f32 of kernels/gemm.h */
    int (*matmul_bf16)(const udl_matmul_args *, int64_t batch, int *status); /* one product of the batch */
    int64_t (*prepack)(const udl_matmul_args *, void *to); /* udl_prepack of udlfast.h; 0: not mine */
    int64_t prepack_rows; /* udl_prepack_rows, if not 0 */
    int exact;            /* gemm keeps float32's error; else it only takes what may be rounded to bf16 */
    void (*pairs)(void); /* or NULL: a gemm_block_fn_f32 of kernels/gemm.h for elements that are pairs of bf16 numbers */
} udl_engine;
extern udl_engine udl_matrix_unit;
#endif
