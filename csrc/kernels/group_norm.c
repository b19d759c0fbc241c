/* group_norm.c - y = (x - mean) rstd w_c + b_c for each of G groups of channels of each example of x[N, C, L].
 *
 * A group is contiguous, so its statistics are those of a row of C / G L elements (moments.h: two passes), and each of its
 * channels a run of L with one factor. Backward, with h = (x - mean) rstd and m = C / G L elements a group:
 *   s_nc = sum_l gy,  d_nc = sum_l gy (x - mean);   gb_c = sum_n s_nc,  gw_c = sum_n rstd d_nc
 *   gx = rstd (gy w_c - sum_c w_c s_nc / m - h rstd sum_c w_c d_nc / m)
 * s and d are kept in double and added up over n in order: the same bits for any threads. Groups are independent and parallel.
 * Floor: x read, y written; backward x, gy read, gx written, each once (again from cache where a group fits). */
#ifndef T
#include "norm_bf16.h"
#define UDL_THIS_FILE "kernels/group_norm.c"
#define PIECE 16384
#include "../each_float.h"
int KERNEL(group_norm)(const udl_group_norm_args *a) { return BF16_OR_FLOAT(a, group_norm); }
int KERNEL(group_norm_backward)(const udl_group_norm_backward_args *a) { return BF16_OR_FLOAT(a, group_norm_backward); }
#else
#include "moments.h"

typedef struct { const udl_group_norm_args *a; int stream; } FN(job);

static void FN(groups)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    const udl_group_norm_args *a = j->a;
    const i64 L = a->L, size = a->C / a->G;
    const T *w = a->w, *b = a->b;
    for (i64 r = begin; r < end; r++) {
        const T *x = (const T *)a->x + r * size * L;
        T *y = (T *)a->y + r * size * L, m, s;
        FN(row_moments)(x, size * L, a->eps, &m, &s);
        ((T *)a->mean)[r] = m;
        ((T *)a->rstd)[r] = s;
        for (i64 i = 0, c = r % a->G * size; i < size; i++, c++) {
            const T k = w ? s * w[c] : s, o = b ? b[c] : 0;
            if (j->stream) FN(run_out)(y + i * L, x + i * L, L, m, k, o, 1);
            else FN(run_out)(y + i * L, x + i * L, L, m, k, o, 0);
        }
    }
    if (j->stream) v_stream_end();
}

static int FN(group_norm)(const udl_group_norm_args *a) {
    const i64 n = a->N * a->C * a->L;
    if (n == 0) return UDL_OK;
    FN(job) j = {a, FN(streams)(a->y, a->L, 2 * n * (i64)sizeof(T))};
    udl_parallel_for(a->N * a->G, UDL_MAXI(1, PIECE / (a->C / a->G * a->L)), FN(groups), &j);
    return UDL_OK;
}

/* ---- backward ------------------------------------------------------------------------------------------------------ */
typedef struct { const udl_group_norm_backward_args *a; double *sums, *dots; int stream; } FN(back);

static void FN(groups_backward)(void *p, i64 begin, i64 end) {
    const FN(back) *j = p;
    const udl_group_norm_backward_args *a = j->a;
    const i64 L = a->L, size = a->C / a->G;
    const T *w = a->w;
    for (i64 r = begin; r < end; r++) {
        const T *x = (const T *)a->x + r * size * L, *gy = (const T *)a->gy + r * size * L;
        const T m = ((const T *)a->mean)[r], s = ((const T *)a->rstd)[r];
        double sum = 0, dot = 0, count = (double)(size * L);
        const i64 c0 = r % a->G * size;
        for (i64 i = 0; i < size; i++) {
            double cs = 0, cd = 0;
            FN(row_dots)(gy + i * L, x + i * L, L, m, &cs, &cd);
            j->sums[r * size + i] = cs, j->dots[r * size + i] = cd * s;
            sum += w ? cs * w[c0 + i] : cs;
            dot += w ? cd * w[c0 + i] : cd;
        }
        if (!a->gx) continue;
        T *gx = (T *)a->gx + r * size * L;
        const T o = (T)(s * sum / count), e = (T)((double)s * s * s * dot / count);
        for (i64 i = 0; i < size; i++) {
            const T k = w ? s * w[c0 + i] : s;
            if (j->stream) FN(run_gx)(gx + i * L, gy + i * L, x + i * L, L, m, k, o, e, 1);
            else FN(run_gx)(gx + i * L, gy + i * L, x + i * L, L, m, k, o, e, 0);
        }
    }
    if (j->stream) v_stream_end();
}

/* out[c] = sum over n of part[n, c] */
static void FN(add_examples)(T *out, const double *part, i64 N, i64 C) {
    for (i64 c = 0; c < C; c++) {
        double s = 0;
        for (i64 n = 0; n < N; n++) s += part[n * C + c];
        out[c] = (T)s;
    }
}

static int FN(group_norm_backward)(const udl_group_norm_backward_args *a) {
    const i64 n = a->N * a->C * a->L;
    const size_t bytes = sizeof(double) * (size_t)(2 * UDL_MAXI(a->N * a->C, 1));
    FN(back) j = {a, udl_alloc(bytes), NULL, FN(streams)(a->gx, a->L, 3 * n * (i64)sizeof(T))};
    if (!j.sums) return UDL_ENOMEM;
    j.dots = j.sums + a->N * a->C;
    memset(j.sums, 0, bytes);
    if (n) udl_parallel_for(a->N * a->G, UDL_MAXI(1, PIECE / (a->C / a->G * a->L)), FN(groups_backward), &j);
    if (a->gw) FN(add_examples)(a->gw, j.dots, a->N, a->C);
    if (a->gb) FN(add_examples)(a->gb, j.sums, a->N, a->C);
    udl_free(j.sums, bytes);
    return UDL_OK;
}
#endif
