/* adaptive_pool2d.c - windows chosen so that the output is P x Q: window p covers floor(p H / P) .. ceil((p+1) H / P) - 1.
 *
 * avg: y is the mean, gx adds gy / size to each place of the window. max: of equal elements the first wins, of NaNs the
 * last; indices as in max_pool2d, whose backward serves it too.
 * Each row of windows is reduced down the columns first, a vector of neighbouring columns at a time, into one row of
 * scratch, then across; backward spreads one row across and adds it to the rows of the window. One window for the
 * whole plane (P = Q = 1) is one sum over contiguous memory.
 * Planes are independent and parallel. Floor: x read once, y written. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/adaptive_pool2d.c"
#define PIECE 16384

VFN i64 adaptive_first(i64 p, i64 H, i64 P) { return p * H / P; }
VFN i64 adaptive_past(i64 p, i64 H, i64 P) { return ((p + 1) * H + P - 1) / P; }

/* all kernels of this file have the same fields: y (or gx), [indices,] x (or gy), then these */
typedef struct {
    void *y, *indices;
    const void *x;
    i64 NC, H, W, P, Q;
    int failed;
} adaptive_job;

static int adaptive_planes(adaptive_job *job, udl_range_fn fn) {
    const i64 each = job->H * job->W + job->P * job->Q;
    udl_parallel_for(job->NC, UDL_MAXI(1, PIECE / UDL_MAXI(1, each)), fn, job);
    return job->failed ? UDL_ENOMEM : UDL_OK;
}
#define ADAPTIVE_JOB(y, indices, x) {y, indices, x, a->NC, a->H, a->W, a->P, a->Q, 0}
#include "../each_float.h"

int KERNEL(adaptive_avg_pool2d)(const udl_adaptive_avg_pool2d_args *a) {
    adaptive_job job = ADAPTIVE_JOB(a->y, 0, a->x);
    return BY_FLOAT(a->dtype, adaptive_avg_pool2d, (&job));
}
int KERNEL(adaptive_avg_pool2d_backward)(const udl_adaptive_avg_pool2d_backward_args *a) {
    adaptive_job job = ADAPTIVE_JOB(a->gx, 0, a->gy);
    return BY_FLOAT(a->dtype, adaptive_avg_pool2d_backward, (&job));
}
int KERNEL(adaptive_max_pool2d)(const udl_adaptive_max_pool2d_args *a) {
    adaptive_job job = ADAPTIVE_JOB(a->y, a->indices, a->x);
    return BY_FLOAT(a->dtype, adaptive_max_pool2d, (&job));
}
#else
#include "moments.h"

/* ---- avg ---------------------------------------------------------------------------------------------------------- */
/* column[w] = sum of x[h, w] over h */
static void FN(sum_down)(T *restrict column, const T *x, i64 h0, i64 h1, i64 W) {
    memcpy(column, x + h0 * W, sizeof(T) * (size_t)W);
    for (i64 h = h0 + 1; h < h1; h++)
        for (i64 w = 0; w < W; w++) column[w] += x[h * W + w];
}

static void FN(avg)(void *ctx, i64 begin, i64 end) {
    adaptive_job *j = ctx;
    const i64 H = j->H, W = j->W, P = j->P, Q = j->Q;
    T *y = j->y;
    if (P == 1 && Q == 1) {
        for (i64 c = begin; c < end; c++) y[c] = (T)(FN(row_sum)((const T *)j->x + c * H * W, H * W) / (double)(H * W));
        return;
    }
    const size_t bytes = sizeof(T) * (size_t)W;
    T *column = udl_alloc(bytes);
    if (!column) { __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); return; }
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < P; p++) {
            const i64 h0 = adaptive_first(p, H, P), h1 = adaptive_past(p, H, P);
            FN(sum_down)(column, (const T *)j->x + c * H * W, h0, h1, W);
            for (i64 q = 0, w0 = 0; q < Q; q++) {
                const i64 w1 = adaptive_past(q, W, Q), next = (q + 1) * W / Q;
                T s = column[w0];
                for (i64 w = w0 + 1; w < w1; w++) s += column[w];
                y[(c * P + p) * Q + q] = s / (T)((h1 - h0) * (w1 - w0));
                w0 = next;
            }
        }
    udl_free(column, bytes);
}

/* spread[w] = sum of gy[q] / size over the windows q that contain column w */
static void FN(spread)(T *spread, const T *gy, i64 rows, i64 W, i64 Q) {
    i64 next = 0; /* columns from here on are not yet set */
    for (i64 q = 0; q < Q; q++) {
        const i64 w0 = adaptive_first(q, W, Q), w1 = adaptive_past(q, W, Q);
        const T g = gy[q] / (T)(rows * (w1 - w0));
        i64 w = w0;
        for (; w < UDL_MINI(next, w1); w++) spread[w] += g;
        for (; w < w1; w++) spread[w] = g;
        next = w1;
    }
}

static void FN(fill)(T *to, T value, i64 n, int stream) {
    const vec v = v_set(value);
    i64 i = 0;
    if (stream) /* n is a multiple of VW */
        for (; i < n; i += VW) v_stream(to + i, v);
    for (; i + VW <= n; i += VW) v_store(to + i, v);
    if (i < n) v_store_n(to + i, v, (int)(n - i));
}

static void FN(avg_back)(void *ctx, i64 begin, i64 end) {
    adaptive_job *j = ctx;
    const i64 H = j->H, W = j->W, P = j->P, Q = j->Q, HW = H * W;
    const T *gy = j->x;
    if (P == 1 && Q == 1) {
        const int stream = FN(streams)(j->y, HW, j->NC * HW * (i64)sizeof(T));
        for (i64 c = begin; c < end; c++) FN(fill)((T *)j->y + c * HW, gy[c] / (T)HW, HW, stream);
        if (stream) v_stream_end();
        return;
    }
    const size_t bytes = sizeof(T) * (size_t)W;
    T *spread = udl_alloc(bytes);
    if (!spread) { __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); return; }
    for (i64 c = begin; c < end; c++) {
        i64 next = 0; /* rows from here on are not yet set */
        for (i64 p = 0; p < P; p++) {
            const i64 h0 = adaptive_first(p, H, P), h1 = adaptive_past(p, H, P);
            FN(spread)(spread, gy + (c * P + p) * Q, h1 - h0, W, Q);
            for (i64 h = h0; h < h1; h++) {
                T *restrict row = (T *)j->y + c * HW + h * W;
                if (h < next) for (i64 w = 0; w < W; w++) row[w] += spread[w];
                else memcpy(row, spread, bytes);
            }
            next = h1;
        }
    }
    udl_free(spread, bytes);
}

/* ---- max ---------------------------------------------------------------------------------------------------------- */
/* m[w], row[w] = the maximum of x[h0 .. h1 - 1, w] and its row; both padded to whole vectors */
static void FN(max_down)(T *m, vmask *row, const T *x, i64 h0, i64 h1, i64 W) {
    for (i64 w = 0; w < W; w += VW) {
        const int n = (int)UDL_MINI(W - w, VW);
        vec best = v_set((T)-INFINITY);
        vmask at = (vmask){0} + (int)h0;
        for (i64 h = h0; h < h1; h++) {
            const T *p = x + h * W + w;
            const vec v = n == VW ? v_load(p) : v_load_n(p, n);
            const vmask take = (v > best) | (v != v);
            best = v_sel(take, v, best);
            at = (vmask)v_sel(take, (vec)((vmask){0} + (int)h), (vec)at);
        }
        v_store(m + w, best);
        row[w / VW] = at;
    }
    for (i64 w = W; w % VW; w++) m[w] = (T)-INFINITY;
}

/* One window: the place of its maximum, or -1 where there is a NaN. m is padded to whole vectors with -inf. */
static i64 FN(place_of_max)(const T *m, const vmask *rows, i64 W, T *largest) {
    vec best = v_load(m);
    for (i64 w = VW; w < W; w += VW) best = v_max(best, v_load(m + w));
    const T top = v_hmax(best);
    i64 at = -1, row = 0;
    if (top != top) return -1;
    for (i64 w = 0; w < W; w++)
        if (m[w] == top && (at < 0 || rows[w / VW][w % VW] < row)) { at = w; row = rows[w / VW][w % VW]; }
    *largest = top;
    return row * W + at;
}

/* The first of equals lies in the smallest row, then the smallest column; the last NaN in the largest. */
static void FN(max)(void *ctx, i64 begin, i64 end) {
    adaptive_job *j = ctx;
    const i64 H = j->H, W = j->W, P = j->P, Q = j->Q, vectors = UDL_CEIL_DIV(W, VW);
    const size_t bytes = sizeof(vec) * 2 * (size_t)vectors;
    T *m = udl_alloc(bytes);
    if (!m) { __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); return; }
    vmask *rows = (vmask *)(m + vectors * VW);
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < P; p++) {
            FN(max_down)(m, rows, (const T *)j->x + c * H * W, adaptive_first(p, H, P), adaptive_past(p, H, P), W);
            T top;
            const i64 place = Q == 1 ? FN(place_of_max)(m, rows, W, &top) : -1;
            if (place >= 0) {
                ((T *)j->y)[c * P + p] = top;
                if (j->indices) ((i64 *)j->indices)[c * P + p] = place;
                continue;
            }
            for (i64 q = 0; q < Q; q++) {
                const i64 w0 = adaptive_first(q, W, Q), w1 = adaptive_past(q, W, Q);
                T best = m[w0];
                i64 at = w0, row = rows[w0 / VW][w0 % VW];
                for (i64 w = w0 + 1; w < w1; w++) {
                    const T v = m[w];
                    const i64 r = rows[w / VW][w % VW];
                    const int nan = v != v && (best == best || r >= row);
                    if (nan || v > best || (v == best && r < row)) { best = v; at = w; row = r; }
                }
                ((T *)j->y)[(c * P + p) * Q + q] = best;
                if (j->indices) ((i64 *)j->indices)[(c * P + p) * Q + q] = row * W + at;
            }
        }
    udl_free(m, bytes);
}

static int FN(adaptive_avg_pool2d)(adaptive_job *job) { return adaptive_planes(job, FN(avg)); }
static int FN(adaptive_avg_pool2d_backward)(adaptive_job *job) { return adaptive_planes(job, FN(avg_back)); }
static int FN(adaptive_max_pool2d)(adaptive_job *job) { return adaptive_planes(job, FN(max)); }
#endif
