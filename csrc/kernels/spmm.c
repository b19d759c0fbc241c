/* spmm.c - a sparse matrix times a dense one, H heads side by side, and the gradient of its values.
 *
 *   y[r, h, :] = sum over the entries e of row r of v[o, h] x[col[e], h, :],   o = order[e] (or e)
 *   gv[o, h]   = gy[r, h, :] . x[col[e], h, :]
 *
 * Rows are compressed: those of row r are crow[r] .. crow[r + 1] - 1. The transposed product is the same kernel with columns as
 * rows, `order` then says where in v an entry is. A row is one thread's and added up in the order of its entries: the same bits for
 * any number of threads. Places outside the matrices are never read; they make the call UDL_EINDEX.
 * Floor: nnz H D elements of x gathered row by row, mostly from the last cache; they are asked for AHEAD entries early. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/spmm.c"
#define AHEAD 8
#define PIECE 32768 /* elements of a parallel piece */
#include "../each_float.h"
int KERNEL(spmm)(const udl_spmm_args *a) { return BY_FLOAT(a->dtype, spmm, (a)); }
int KERNEL(spmm_values)(const udl_spmm_values_args *a) { return BY_FLOAT(a->dtype, spmm_values, (a)); }
#else
typedef struct {
    T *out;
    const T *x, *v, *g; /* g: gradient of the values, out is gv */
    const i64 *crow, *col, *order;
    i64 rows, columns, entries, H, D;
    _Atomic int bad;
} FN(job);

static int FN(fits)(const FN(job) *j, i64 e) {
    return (uint64_t)j->col[e] < (uint64_t)j->columns && (!j->order || (uint64_t)j->order[e] < (uint64_t)j->entries);
}

/* y[0 .. w) of one head, w <= 4 VW: s0 .. s3 stay in registers */
static void FN(strip)(T *y, const FN(job) *j, const T *x, i64 h, i64 begin, i64 end, i64 w) {
    const i64 width = j->H * j->D;
    vec s0 = v_set(0), s1 = s0, s2 = s0, s3 = s0;
    const int k = (int)UDL_MINI(w, (i64)VW);
    for (i64 e = begin; e < end; e++) {
        const T *from = x + j->col[e] * width;
        const vec v = v_set(j->v ? j->v[(j->order ? j->order[e] : e) * j->H + h] : (T)1);
        if (e + AHEAD < end)
            for (i64 i = 0; i < w * (i64)sizeof(T); i += 64) __builtin_prefetch((const char *)(x + j->col[e + AHEAD] * width) + i);
        if (w == 4 * VW) {
            s0 = v_fma(v, v_load(from), s0), s1 = v_fma(v, v_load(from + VW), s1);
            s2 = v_fma(v, v_load(from + 2 * VW), s2), s3 = v_fma(v, v_load(from + 3 * VW), s3);
        } else {
            s0 = v_fma(v, k == VW ? v_load(from) : v_load_n(from, k), s0);
        }
    }
    if (w == 4 * VW) v_store(y, s0), v_store(y + VW, s1), v_store(y + 2 * VW, s2), v_store(y + 3 * VW, s3);
    else if (k == VW) v_store(y, s0);
    else v_store_n(y, s0, k);
}

static T FN(dot)(const T *a, const T *b, i64 n) {
    vec s = v_set(0);
    i64 i = 0;
    for (; i + VW <= n; i += VW) s = v_fma(v_load(a + i), v_load(b + i), s);
    if (i < n) s = v_fma(v_load_n(a + i, (int)(n - i)), v_load_n(b + i, (int)(n - i)), s);
    return v_sum(s);
}

static void FN(work)(void *p, i64 r0, i64 r1) {
    FN(job) *j = p;
    const i64 width = j->H * j->D;
    for (i64 r = r0; r < r1; r++) {
        const i64 begin = j->crow[r], end = j->crow[r + 1];
        int fits = 0 <= begin && begin <= end && end <= j->entries;
        for (i64 e = begin; fits && e < end; e++) fits = FN(fits)(j, e);
        if (!fits) {
            j->bad = 1;
            return;
        }
        for (i64 h = 0; h < j->H; h++) {
            const i64 at = h * j->D;
            if (j->g)
                for (i64 e = begin; e < end; e++)
                    j->out[(j->order ? j->order[e] : e) * j->H + h] = FN(dot)(j->g + r * width + at, j->x + j->col[e] * width + at, j->D);
            else
                for (i64 c = 0, w; c < j->D; c += w) {
                    w = c + 4 * VW <= j->D ? 4 * VW : UDL_MINI(j->D - c, (i64)VW);
                    FN(strip)(j->out + r * width + at + c, j, j->x + at + c, h, begin, end, w);
                }
        }
    }
}

static int FN(run)(FN(job) *j) {
    const i64 each = UDL_CEIL_DIV(j->entries, UDL_MAXI(1, j->rows)) * j->H * j->D;
    const i64 grain = UDL_MAXI(1, PIECE / UDL_MAXI(1, each));
    if (j->rows <= grain) FN(work)(j, 0, j->rows);
    else udl_parallel_for(j->rows, grain, FN(work), j);
    return j->bad ? UDL_EINDEX : UDL_OK;
}

static int FN(spmm)(const udl_spmm_args *a) {
    FN(job) j = {a->y, a->x, a->v, NULL, a->crow, a->col, a->order, a->rows, a->columns, a->entries, a->H, a->D, 0};
    return FN(run)(&j);
}
static int FN(spmm_values)(const udl_spmm_values_args *a) {
    FN(job) j = {a->gv, a->x, NULL, a->gy, a->crow, a->col, a->order, a->rows, a->columns, a->entries, a->H, a->D, 0};
    return FN(run)(&j);
}
#endif
