/* grid_sample.c - x[N, C, (D,) H, W] read at the places that grid[N, places, 2 or 3] names, and the gradients of both.
 *
 * A coordinate from -1 to 1 becomes a position in pixels, and per axis 1 (nearest), 2 (linear) or 4 (cubic) taps: index,
 * weight, derivative of the weight. A place's taps are all combinations, at most 16; the weight is the product. A tap outside the
 * volume has index -1 and adds nothing. Taps are found for BLOCK places at a time and serve all channels:
 *     y[c, i]     = sum_k w[k, i] x[c, at[k, i]]            pieces: blocks of places
 *     gx[c, at]  += w[k, i] gy[c, i]                        pieces: some channels of an example, whose planes no other piece touches
 *     ggrid[i, d] = sum_k dw[d, k, i] sum_c gy[c, i] x[c, at[k, i]]   pieces: blocks of places
 * Floor: one load from a place that is not foreseen per tap and channel. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/grid_sample.c"
enum { BLOCK = 64, TAPS = 16, CHANNELS = 8, LINEAR = 0, NEAREST = 1, CUBIC = 2, ZEROS = 0, BORDER = 1, REFLECT = 2 };

typedef struct {
    void *y, *gx, *ggrid;
    const void *x, *grid, *gy;
    i64 N, C, size[3], P, dims, mode, padding, align; /* size: W, H, D, in the order of the grid's coordinates */
    i64 volume, blocks;
} grid_job;

#define GRID_JOB(y, gx, ggrid, gy)                                                                                                    \
    {y, gx, ggrid, a->x, a->grid, gy, a->N, a->C, {a->W, a->H, a->D}, a->P, a->dims, a->mode, a->padding, a->align,                   \
     a->D * a->H * a->W, UDL_CEIL_DIV(a->P, BLOCK)}
#include "../each_float.h"

int KERNEL(grid_sample)(const udl_grid_sample_args *a) {
    grid_job job = GRID_JOB(a->y, 0, 0, 0);
    return BY_FLOAT(a->dtype, grid_sample, (&job));
}
int KERNEL(grid_sample_backward)(const udl_grid_sample_backward_args *a) {
    grid_job job = GRID_JOB(0, a->gx, a->ggrid, a->gy);
    return BY_FLOAT(a->dtype, grid_sample_backward, (&job));
}
#else

typedef struct {
    int n, outside;                       /* taps a place; is any tap of the block outside? */
    i64 at[TAPS][BLOCK];
    T w[TAPS][BLOCK], dw[3][TAPS][BLOCK]; /* dw only if asked for */
} FN(taps);

/* a position brought inside by the padding mode; *slope is multiplied by its derivative */
VFN T FN(bring_inside)(T p, i64 size, const grid_job *j, T *slope) {
    if (j->padding == REFLECT) {
        const T low = j->align ? 0 : (T)-0.5, span = j->align ? (T)(size - 1) : (T)size;
        if (span <= 0) { *slope = 0; return 0; }
        T d = p - low;
        if (d < 0) d = -d, *slope = -*slope;
        const T times = (T)floor((double)(d / span)), rest = (T)fmod((double)d, (double)span);
        const int odd = fmod((double)times, 2) != 0;
        p = (odd ? span - rest : rest) + low;
        if (odd) *slope = -*slope;
    }
    if (j->padding != ZEROS) {
        if (!(p > 0)) { p = 0, *slope = 0; }
        if (p >= (T)(size - 1)) { p = (T)(size - 1), *slope = 0; }
    }
    return p;
}

VFN i64 FN(index_inside)(T p, i64 size) { return p >= 0 && p < (T)size ? (i64)p : -1; }

/* weights of the four taps around a position t behind the second one, and their derivatives in t. A tap at distance u has
 * (A + 2) u^3 - (A + 3) u^2 + 1 for u <= 1, A u^3 - 5 A u^2 + 8 A u - 4 A for u <= 2. */
static void FN(cubic)(T t, T *w, T *d) {
    const T A = (T)-0.75, u[4] = {t + 1, t, 1 - t, 2 - t};
    for (int k = 0; k < 4; k++) {
        const T v = u[k], sign = k < 2 ? 1 : -1;
        if (k == 1 || k == 2) w[k] = ((A + 2) * v - (A + 3)) * v * v + 1, d[k] = sign * (3 * (A + 2) * v - 2 * (A + 3)) * v;
        else w[k] = ((A * v - 5 * A) * v + 8 * A) * v - 4 * A, d[k] = sign * ((3 * A * v - 10 * A) * v + 8 * A);
    }
}

/* the taps of one axis; returns their number */
static int FN(axis_taps)(T coordinate, i64 size, const grid_job *j, i64 *at, T *w, T *d) {
    T slope = j->align ? (T)(size - 1) / 2 : (T)size / 2;
    T p = j->align ? (coordinate + 1) / 2 * (T)(size - 1) : ((coordinate + 1) * (T)size - 1) / 2;
    if (j->mode == CUBIC) {
        const T first = (T)floor((double)p);
        FN(cubic)(p - first, w, d);
        for (int k = 0; k < 4; k++) {
            T ignored = 0;
            at[k] = FN(index_inside)(FN(bring_inside)(first - 1 + (T)k, size, j, &ignored), size), d[k] *= slope;
        }
        return 4;
    }
    p = FN(bring_inside)(p, size, j, &slope);
    if (j->mode == NEAREST) {
        at[0] = FN(index_inside)((T)nearbyint((double)p), size), w[0] = 1, d[0] = 0;
        return 1;
    }
    const T first = (T)floor((double)p);
    at[0] = FN(index_inside)(first, size), at[1] = FN(index_inside)(first + 1, size);
    w[1] = p - first, w[0] = first + 1 - p, d[0] = -slope, d[1] = slope;
    return 2;
}

static void FN(find_taps)(FN(taps) *q, const grid_job *j, i64 n, i64 p0, int m, int with_slopes) {
    const T *grid = (const T *)j->grid + (n * j->P + p0) * j->dims;
    q->outside = q->n = 0;
    for (int i = 0; i < m; i++) {
        i64 at[3][4] = {{0}, {0}, {0}};
        T w[3][4] = {{1}, {1}, {1}}, d[3][4] = {{0}, {0}, {0}};
        int count[3] = {1, 1, 1}, k = 0;
        for (int e = 0; e < j->dims; e++) count[e] = FN(axis_taps)(grid[i * j->dims + e], j->size[e], j, at[e], w[e], d[e]);
        for (int c = 0; c < count[2]; c++)
            for (int b = 0; b < count[1]; b++)
                for (int a = 0; a < count[0]; a++, k++) {
                    const int out = at[0][a] < 0 || at[1][b] < 0 || at[2][c] < 0;
                    q->outside |= out;
                    q->at[k][i] = out ? -1 : (at[2][c] * j->size[1] + at[1][b]) * j->size[0] + at[0][a];
                    q->w[k][i] = w[0][a] * w[1][b] * w[2][c];
                    if (!with_slopes) continue;
                    q->dw[0][k][i] = d[0][a] * w[1][b] * w[2][c], q->dw[1][k][i] = w[0][a] * d[1][b] * w[2][c];
                    q->dw[2][k][i] = w[0][a] * w[1][b] * d[2][c];
                }
        q->n = k;
    }
}

static void FN(read_block)(const FN(taps) *q, T *restrict y, const T *x, int m) {
    for (int i = 0; i < m; i++) y[i] = 0;
    for (int k = 0; k < q->n; k++) {
        const i64 *at = q->at[k];
        const T *w = q->w[k];
        if (!q->outside) for (int i = 0; i < m; i++) y[i] += w[i] * x[at[i]];
        else for (int i = 0; i < m; i++) if (at[i] >= 0) y[i] += w[i] * x[at[i]];
    }
}

static void FN(read)(void *ctx, i64 begin, i64 end) {
    const grid_job *j = ctx;
    FN(taps) q;
    for (i64 b = begin; b < end; b++) {
        const i64 n = b / j->blocks, p0 = b % j->blocks * BLOCK;
        const int m = (int)UDL_MINI(BLOCK, j->P - p0);
        FN(find_taps)(&q, j, n, p0, m, 0);
        for (i64 c = n * j->C; c < (n + 1) * j->C; c++) FN(read_block)(&q, (T *)j->y + c * j->P + p0, (const T *)j->x + c * j->volume, m);
    }
}

static void FN(spread)(void *ctx, i64 begin, i64 end) {
    const grid_job *j = ctx;
    const i64 groups = UDL_CEIL_DIV(j->C, CHANNELS);
    FN(taps) q;
    for (i64 piece = begin; piece < end; piece++) {
        const i64 n = piece / groups, c0 = piece % groups * CHANNELS, c1 = UDL_MINI(c0 + CHANNELS, j->C);
        T *gx = (T *)j->gx + (n * j->C + c0) * j->volume;
        memset(gx, 0, sizeof(T) * (size_t)((c1 - c0) * j->volume));
        for (i64 p0 = 0; p0 < j->P; p0 += BLOCK) {
            const int m = (int)UDL_MINI(BLOCK, j->P - p0);
            FN(find_taps)(&q, j, n, p0, m, 0);
            for (i64 c = c0; c < c1; c++) {
                const T *gy = (const T *)j->gy + (n * j->C + c) * j->P + p0;
                T *to = gx + (c - c0) * j->volume;
                for (int k = 0; k < q.n; k++)
                    for (int i = 0; i < m; i++) if (q.at[k][i] >= 0) to[q.at[k][i]] += q.w[k][i] * gy[i];
            }
        }
    }
}

static void FN(slopes)(void *ctx, i64 begin, i64 end) {
    const grid_job *j = ctx;
    FN(taps) q;
    T dot[TAPS][BLOCK];
    for (i64 b = begin; b < end; b++) {
        const i64 n = b / j->blocks, p0 = b % j->blocks * BLOCK;
        const int m = (int)UDL_MINI(BLOCK, j->P - p0);
        FN(find_taps)(&q, j, n, p0, m, 1);
        memset(dot, 0, sizeof dot);
        for (i64 c = n * j->C; c < (n + 1) * j->C; c++) {
            const T *x = (const T *)j->x + c * j->volume, *gy = (const T *)j->gy + c * j->P + p0;
            for (int k = 0; k < q.n; k++)
                for (int i = 0; i < m; i++) if (q.at[k][i] >= 0) dot[k][i] += gy[i] * x[q.at[k][i]];
        }
        T *ggrid = (T *)j->ggrid + (n * j->P + p0) * j->dims;
        for (int i = 0; i < m; i++)
            for (int e = 0; e < j->dims; e++) {
                T sum = 0;
                for (int k = 0; k < q.n; k++) sum += q.dw[e][k][i] * dot[k][i];
                ggrid[i * j->dims + e] = sum;
            }
    }
}

static int FN(grid_sample)(grid_job *j) {
    udl_parallel_for(j->N * j->blocks, UDL_MAXI(1, 64 / UDL_MAXI(1, j->C)), FN(read), j);
    return UDL_OK;
}

static int FN(grid_sample_backward)(grid_job *j) {
    const i64 groups = UDL_CEIL_DIV(j->C, CHANNELS);
    if (j->gx) udl_parallel_for(j->N * groups, UDL_MAXI(1, 2048 / UDL_MAXI(1, j->P + j->volume)), FN(spread), j);
    if (j->ggrid) udl_parallel_for(j->N * j->blocks, UDL_MAXI(1, 64 / UDL_MAXI(1, j->C)), FN(slopes), j);
    return UDL_OK;
}
#endif
