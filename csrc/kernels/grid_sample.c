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

typedef struct { /* taps of one axis, place by place; BLOCK is a multiple of every VW */
    int n;
    int32_t at[4][BLOCK];
    T w[4][BLOCK], d[4][BLOCK];
} FN(axis);
typedef struct {
    int n;
    int32_t at[TAPS][BLOCK];
    T w[TAPS][BLOCK], dw[3][TAPS][BLOCK]; /* dw only if asked for */
    FN(axis) axis[3];
} FN(taps);

/* a position brought inside by the padding mode; *slope is multiplied by its derivative. Reflection goes to and fro between two
 * ends: |p - low| / span is how often, its fraction how far on the way, back if odd. */
VFN vec FN(bring_inside)(vec p, i64 size, const grid_job *j, vec *slope) {
    const vec zero = v_set(0), one = v_set(1), last = v_set((T)(size - 1));
    if (j->padding == REFLECT) {
        const vec low = v_set(j->align ? 0 : (T)-0.5), span = v_set(j->align ? (T)(size - 1) : (T)size);
        if (j->align && size == 1) { *slope = zero; return zero; }
        const vec d = v_abs(p - low), times = v_floor(d / span), rest = d - times * span;
        const vmask odd = times - 2 * v_floor(times * v_set((T)0.5)) == one, before = p < low;
        p = v_sel(odd, span - rest, rest) + low;
        *slope = v_sel(odd ^ before, -*slope, *slope);
    }
    if (j->padding != ZEROS) {
        const vmask under = ~(p > zero), over = p >= last; /* a NaN counts as under */
        *slope = v_sel(under | over, zero, *slope);
        p = v_sel(under, zero, v_sel(over, last, p));
    }
    return p;
}

/* whole positions as indices, -1 for those outside */
VFN void FN(to_index)(int32_t *at, vec p, i64 size) {
    T t[VW];
    v_store(t, v_sel((p >= v_set(0)) & (p < v_set((T)size)), p, v_set(-1)));
    for (int i = 0; i < VW; i++) at[i] = (int32_t)t[i];
}

/* weights of the four taps around a position t behind the second one, and their derivatives in t. A tap at distance u has
 * (A + 2) u^3 - (A + 3) u^2 + 1 for u <= 1, A u^3 - 5 A u^2 + 8 A u - 4 A for u <= 2. */
static void FN(cubic)(FN(axis) *q, int i, vec t, vec slope) {
    const T A = (T)-0.75;
    const vec one = v_set(1), u[4] = {t + one, t, one - t, 2 - t};
    for (int k = 0; k < 4; k++) {
        const vec v = u[k], sign = k < 2 ? slope : -slope;
        const int near = k == 1 || k == 2;
        v_store(q->w[k] + i, near ? ((A + 2) * v - (A + 3)) * v * v + one : ((A * v - 5 * A) * v + 8 * A) * v - 4 * A);
        v_store(q->d[k] + i, sign * (near ? (3 * (A + 2) * v - 2 * (A + 3)) * v : (3 * A * v - 10 * A) * v + 8 * A));
    }
}

static void FN(axis_taps)(FN(axis) *q, const T *grid, i64 size, int m, const grid_job *j) {
    T c[BLOCK] = {0};
    for (int i = 0; i < m; i++) c[i] = grid[i * j->dims];
    q->n = j->mode == CUBIC ? 4 : j->mode == NEAREST ? 1 : 2;
    for (int i = 0; i < m; i += VW) {
        const vec one = v_set(1), half = v_set((T)0.5);
        vec slope = v_set(j->align ? (T)(size - 1) / 2 : (T)size / 2), p = v_load(c + i) + one;
        p = j->align ? p * half * (T)(size - 1) : (p * (T)size - one) * half;
        if (j->mode == CUBIC) {
            const vec first = v_floor(p);
            FN(cubic)(q, i, p - first, slope);
            for (int k = 0; k < 4; k++) FN(to_index)(q->at[k] + i, FN(bring_inside)(first + (T)(k - 1), size, j, &slope), size);
            continue;
        }
        p = FN(bring_inside)(p, size, j, &slope);
        if (j->mode == NEAREST) {
            FN(to_index)(q->at[0] + i, v_round(p), size);
            v_store(q->w[0] + i, one), v_store(q->d[0] + i, v_set(0));
            continue;
        }
        const vec first = v_floor(p);
        FN(to_index)(q->at[0] + i, first, size), FN(to_index)(q->at[1] + i, first + one, size);
        v_store(q->w[1] + i, p - first), v_store(q->w[0] + i, first + one - p);
        v_store(q->d[0] + i, -slope), v_store(q->d[1] + i, slope);
    }
}

static void FN(find_taps)(FN(taps) *q, const grid_job *j, i64 n, i64 p0, int m, int with_slopes) {
    const T *grid = (const T *)j->grid + (n * j->P + p0) * j->dims;
    FN(axis) *X = q->axis, *Y = q->axis + 1, *Z = q->axis + 2;
    for (int e = 0; e < j->dims; e++) FN(axis_taps)(q->axis + e, grid + e, j->size[e], m, j);
    const int32_t W = (int32_t)j->size[0], H = (int32_t)j->size[1], depth = j->dims == 3;
    q->n = 0;
    for (int c = 0; c < (depth ? Z->n : 1); c++)
        for (int b = 0; b < Y->n; b++)
            for (int a = 0; a < X->n; a++, q->n++) {
                int32_t *restrict at = q->at[q->n];
                T *restrict w = q->w[q->n];
                const int32_t *x = X->at[a], *y = Y->at[b], *z = Z->at[c];
                if (depth)
                    for (int i = 0; i < BLOCK; i++) {
                        at[i] = (x[i] | y[i] | z[i]) < 0 ? -1 : (z[i] * H + y[i]) * W + x[i];
                        w[i] = X->w[a][i] * Y->w[b][i] * Z->w[c][i];
                    }
                else
                    for (int i = 0; i < BLOCK; i++) {
                        at[i] = (x[i] | y[i]) < 0 ? -1 : y[i] * W + x[i];
                        w[i] = X->w[a][i] * Y->w[b][i];
                    }
                for (int i = 0; i < BLOCK && with_slopes; i++) {
                    const T wz = depth ? Z->w[c][i] : 1;
                    q->dw[0][q->n][i] = X->d[a][i] * Y->w[b][i] * wz, q->dw[1][q->n][i] = X->w[a][i] * Y->d[b][i] * wz;
                    if (depth) q->dw[2][q->n][i] = X->w[a][i] * Y->w[b][i] * Z->d[c][i];
                }
            }
}

/* s[i] += w[i] x[at[i]] for the taps inside */
VFN void FN(add_tap)(T *restrict s, const int32_t *at, const T *w, const T *x, int m) {
    for (int i = 0; i < m; i++) {
        const T v = w[i] * x[at[i] < 0 ? 0 : at[i]];
        s[i] += at[i] < 0 ? 0 : v;
    }
}

static void FN(read)(void *ctx, i64 begin, i64 end) {
    const grid_job *j = ctx;
    FN(taps) q;
    memset(&q, 0, sizeof q);
    for (i64 b = begin; b < end; b++) {
        const i64 n = b / j->blocks, p0 = b % j->blocks * BLOCK;
        const int m = (int)UDL_MINI(BLOCK, j->P - p0);
        FN(find_taps)(&q, j, n, p0, m, 0);
        for (i64 c = n * j->C; c < (n + 1) * j->C; c++) {
            T s[BLOCK] = {0};
            for (int k = 0; k < q.n; k++) FN(add_tap)(s, q.at[k], q.w[k], (const T *)j->x + c * j->volume, BLOCK);
            memcpy((T *)j->y + c * j->P + p0, s, sizeof(T) * (size_t)m);
        }
    }
}

static void FN(spread)(void *ctx, i64 begin, i64 end) {
    const grid_job *j = ctx;
    const i64 groups = UDL_CEIL_DIV(j->C, CHANNELS);
    FN(taps) q;
    memset(&q, 0, sizeof q);
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
    memset(&q, 0, sizeof q);
    T dot[TAPS][BLOCK];
    for (i64 b = begin; b < end; b++) {
        const i64 n = b / j->blocks, p0 = b % j->blocks * BLOCK;
        const int m = (int)UDL_MINI(BLOCK, j->P - p0);
        FN(find_taps)(&q, j, n, p0, m, 1);
        memset(dot, 0, sizeof dot);
        for (i64 c = n * j->C; c < (n + 1) * j->C; c++) {
            const T *x = (const T *)j->x + c * j->volume, *gy = (const T *)j->gy + c * j->P + p0;
            for (int k = 0; k < q.n; k++) FN(add_tap)(dot[k], q.at[k], gy, x, m);
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
