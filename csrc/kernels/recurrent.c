/* recurrent.c - what both time loops of recurrent.h need: the plan, the walk over the steps, products of whole matrices. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/recurrent.c"
#include "../each_float.h"
#else

/* ---- the plan ----------------------------------------------------------------------------------------------------------- */
#define LEAST_CYCLES 4000. /* of a piece of a step, some 1 us: less is not worth waiting for another thread */
#define FEW 12             /* sequences that are not cut into groups */
#define LARGE_CYCLES 1e5   /* of a step: tiles are better filled by all rows of a part of the units than by half of the rows */

/* A step multiplies [N, k] by [k, units G] or, backwards, [k, units]; `out` columns in all. Also fills `first`. */
int recurrent_plan(FN(recurrent) *r, i64 units, i64 out, i64 k) {
    double flops = 2. * (double)r->N * (double)out * (double)k, bytes = (double)out * (double)k * sizeof(T);
    double cycles = UDL_MAXI(flops / (4 * VW), bytes / 24);
    r->packed = r->L > 2;
    r->R = r->N < FEW ? r->N > 0 : 2 * UDL_CEIL_DIV(r->N, 2 * RECURRENT_ROWS);
    if (r->packed && !r->P && r->N <= RECURRENT_ROWS && cycles > LARGE_CYCLES) r->R = 1;
    i64 C = 1;
    if (r->packed && !r->P && r->R == 1) C = (i64)UDL_MINI(UDL_MAXI(cycles / LEAST_CYCLES, 1.), 4.);
    r->rb = UDL_MAXI(UDL_CEIL_DIV(r->N, UDL_MAXI(r->R, 1)), 1);
    r->R = UDL_CEIL_DIV(r->N, r->rb);
    r->strips = UDL_CEIL_DIV(units, GEMM_NR);
    r->each = UDL_CEIL_DIV(r->strips, C);
    r->C = UDL_CEIL_DIV(r->strips, r->each);
    if (!r->sizes) return UDL_OK;
    i64 *first = udl_alloc((size_t)r->L * sizeof(i64));
    if (!first) return UDL_ENOMEM;
    for (i64 t = 0, at = 0; t < r->L; at += r->sizes[t++]) first[t] = at;
    r->first = first;
    return UDL_OK;
}

/* ---- the steps ---------------------------------------------------------------------------------------------------------- */
typedef struct {
    const FN(recurrent) *r;
    i64 steps, first; /* piece */
    void (*step)(const FN(recurrent) *, i64 s, i64 piece);
} FN(walk);
static void FN(step_task)(void *ctx, i64 s, i64 piece) {
    const FN(walk) *w = ctx;
    w->step(w->r, s, w->first + piece);
}
static void FN(whole_task)(void *ctx, i64 begin, i64 end) {
    const FN(walk) *w = ctx;
    for (i64 p = begin; p < end; p++)
        for (i64 s = 0; s < w->steps; s++) w->step(w->r, s, p);
}

/* step(r, s, piece) for all steps and pieces; piece = (d R + g) C + c. Directions go one after the other where pieces wait for
 * each other: the weights of one are enough for the caches. */
void recurrent_steps(FN(recurrent) *r, i64 steps, void (*step)(const FN(recurrent) *, i64 s, i64 piece)) {
    FN(walk) w = {r, steps, 0, step};
    if (r->C == 1) udl_parallel_for(r->D * r->R, 1, FN(whole_task), &w);
    else for (; w.first < r->D * r->R * r->C; w.first += r->R * r->C) udl_parallel_steps(steps, r->R * r->C, FN(step_task), &w);
}

int recurrent_mul(T *out, i64 ldo, i64 m, i64 n, i64 k, const T *a, i64 a_m, i64 a_k, const T *b, i64 b_k, i64 b_n, int add) {
    udl_matmul_args s = {.out = out, .a = a, .b = b, .dtype = sizeof(T) == 4 ? UDL_F32 : UDL_F64, .batch = 1,
                         .m = m, .n = n, .k = k, .a_m = a_m, .a_k = a_k, .b_k = b_k, .b_n = b_n, .ldo = ldo, .alpha = 1,
                         .beta = add};
    return KERNEL(matmul)(&s);
}
#endif
