/* interpolate.c - planes x[N, H, W] sampled anew as y[N, P, Q], or the transposed map (adjoint: gy[N, P, Q] to gx[N, H, W]).
 *
 * Along an axis place p of the result is sum_k w[p, k] x[first[p] + k], k < count[p] <= taps: one tap for the nearest place, two for
 * linear, four for cubic interpolation; taps that would lie outside are added to the one at the edge. first and first + count never
 * fall, so a ring of rows serves the rows of the result in turn, and the transposed map has the same form:
 *
 *     more rows than before:    rows of x --across--> ring of rows --down--> row of y
 *     fewer:                    rows of x --down--> one row --across--> row of y
 *
 * Across, VW results at a time read one or two vectors that hold all their taps, and pick them by lanes; where they lie further
 * apart, one by one. Planes, or blocks of rows, are parallel. Floor: x read, y written. */
#ifndef T
#include "lanes.h"
#define UDL_THIS_FILE "kernels/interpolate.c"
#define PIECE 16384

/* distance of two places and where they lie: see udl_interpolate_args */
typedef struct { i64 n; i64 *first, *count; double *w; i64 taps; int same; } axis_map;

static double cubic_weight(double t) { /* Keys, a = -3/4 */
    const double a = -0.75;
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((t - 5) * t + 8) * t * a - 4 * a : 0;
}

/* taps of result p on an axis of `old` places */
static void axis_taps(axis_map *m, i64 p, i64 old, double step, int mode, int align) {
    const i64 last = old - 1;
    double *w = m->w + p * m->taps, at = align ? (double)p * step : ((double)p + 0.5) * step - 0.5;
    if (mode < 2) { /* nearest, nearest-exact */
        m->first[p] = UDL_MINI((i64)(((double)p + (mode ? 0.5 : 0)) * step), last);
        m->count[p] = 1, w[0] = 1;
    } else if (mode == 2) {
        at = UDL_MINI(UDL_MAXI(at, 0), (double)last);
        const i64 low = (i64)at;
        m->first[p] = low, m->count[p] = low < last ? 2 : 1;
        w[0] = 1 - (at - (double)low);
        if (low < last) w[1] = at - (double)low;
    } else {
        const double low = floor(at), share = at - low;
        const i64 first = UDL_MINI(UDL_MAXI((i64)low - 1, 0), last), past = UDL_MINI(UDL_MAXI((i64)low + 2, 0), last) + 1;
        m->first[p] = first, m->count[p] = past - first;
        for (int k = 0; k < 4; k++) w[k] = 0;
        for (int k = -1; k < 3; k++)
            w[UDL_MINI(UDL_MAXI((i64)low + k, 0), last) - first] += cubic_weight(fabs(share - k));
    }
}

static size_t axis_bytes(i64 n, i64 taps) { return (size_t)(n * (2 + taps) + 1) * 8; }
static int axis_alloc(axis_map *m, i64 n, i64 taps) {
    m->n = n, m->taps = taps;
    m->first = udl_alloc(axis_bytes(n, taps));
    m->count = m->first + n, m->w = (double *)(m->count + n);
    return m->first != NULL;
}
static void axis_free(axis_map *m) {
    if (m->first) udl_free(m->first, axis_bytes(m->n, m->taps));
}

/* t = the transpose of m, which has m->n results of `old` places */
static int axis_transpose(axis_map *t, const axis_map *m, i64 old) {
    i64 taps = 1, p = 0, past = 0;
    for (i64 i = 0; i < old; i++) { /* results p .. past - 1 look at place i */
        while (p < m->n && m->first[p] + m->count[p] <= i) p++;
        past = UDL_MAXI(past, p);
        while (past < m->n && m->first[past] <= i) past++;
        taps = UDL_MAXI(taps, past - p);
    }
    if (!axis_alloc(t, old, taps)) return 0;
    for (i64 i = p = past = 0; i < old; i++) {
        while (p < m->n && m->first[p] + m->count[p] <= i) p++;
        past = UDL_MAXI(past, p);
        while (past < m->n && m->first[past] <= i) past++;
        t->first[i] = p, t->count[i] = past - p;
        for (i64 k = p; k < past; k++) t->w[i * taps + k - p] = m->w[k * m->taps + i - m->first[k]];
    }
    return 1;
}

static int axis_make(axis_map *out, i64 old, i64 n, double step, int mode, int align, int adjoint) {
    axis_map m = {0};
    if (!axis_alloc(&m, n, mode < 2 ? 1 : mode == 2 ? 2 : 4)) return 0;
    int same = old == n;
    for (i64 p = 0; p < n; p++) {
        axis_taps(&m, p, old, step, mode, align);
        same = same && m.first[p] == p && m.w[p * m.taps] == 1;
    }
    int ok = 1;
    if (adjoint) ok = axis_transpose(out, &m, old), axis_free(&m);
    else *out = m;
    out->same = same;
    return ok;
}

typedef struct {
    const udl_interpolate_args *a;
    axis_map down, across;
    i64 H, W, P, Q; /* from H W to P Q: of the transposed map, if that is asked for */
    i64 rows;       /* rows of a block */
    void *lanes;    /* what across() needs for each vector of results */
    int failed;
} interpolate_job;
#include "../each_float.h"

int KERNEL(interpolate)(const udl_interpolate_args *a) { return BY_FLOAT(a->dtype, interpolate, (a)); }
#else

/* For each vector of results across: where to load, whether from one vector, two, or (0) one by one; then for each tap the lanes,
 * those of them that count, and the weights. */
typedef struct { i64 base, vectors; } FN(block);
static size_t FN(lane_bytes)(const axis_map *m) {
    return (size_t)UDL_CEIL_DIV(m->n, VW) * (UDL_VB + (size_t)m->taps * 3 * UDL_VB);
}
#define BLOCK_BYTES(m) (UDL_VB + (size_t)(m)->taps * 3 * UDL_VB)

static void FN(find_lanes)(char *to, const axis_map *m) {
    for (i64 q = 0; q < m->n; q += VW, to += BLOCK_BYTES(m)) {
        const i64 n = UDL_MINI(VW, m->n - q);
        FN(block) *b = (FN(block) *)to;
        vmask *lanes = (vmask *)(to + UDL_VB);
        vec *w = (vec *)(lanes + 2 * m->taps);
        i64 past = 0;
        for (i64 i = 0; i < n; i++) past = UDL_MAXI(past, m->first[q + i] + m->count[q + i]);
        b->base = m->first[q];
        b->vectors = past - b->base <= VW ? 1 : past - b->base <= 2 * VW ? 2 : 0;
        for (i64 k = 0; k < m->taps; k++)
            for (i64 i = 0; i < VW; i++) {
                const int has = i < n && k < m->count[q + i];
                lanes[2 * k][i] = has && b->vectors ? (int)(m->first[q + i] + k - b->base) : 0;
                lanes[2 * k + 1][i] = has ? -1 : 0;
                w[k][i] = has ? (T)m->w[(q + i) * m->taps + k] : 0;
            }
    }
}

/* y[q] = sum_k w[q, k] x[first[q] + k]; 2 VW elements behind x may be loaded */
static void FN(across)(T *y, const T *x, const axis_map *m, const char *lanes) {
    for (i64 q = 0; q < m->n; q += VW, lanes += BLOCK_BYTES(m)) {
        const FN(block) *b = (const FN(block) *)lanes;
        const vmask *at = (const vmask *)(lanes + UDL_VB);
        const vec *w = (const vec *)(at + 2 * m->taps);
        const i64 n = UDL_MINI(VW, m->n - q);
        if (!b->vectors) {
            for (i64 i = q; i < q + n; i++) {
                T s = 0;
                for (i64 k = 0; k < m->count[i]; k++) s += (T)m->w[i * m->taps + k] * x[m->first[i] + k];
                y[i] = s;
            }
            continue;
        }
        vec s = {0};
        const vec lo = v_load(x + b->base), hi = b->vectors == 2 ? v_load(x + b->base + VW) : lo;
        if (b->vectors == 1)
            for (i64 k = 0; k < m->taps; k++) s = v_fma((vec)((vmask)v_pick(lo, lo, at[2 * k]) & at[2 * k + 1]), w[k], s);
        else
            for (i64 k = 0; k < m->taps; k++) s = v_fma((vec)((vmask)v_pick(lo, hi, at[2 * k]) & at[2 * k + 1]), w[k], s);
        if (n == VW) v_store(y + q, s);
        else v_store_n(y + q, s, (int)n);
    }
}

/* y = sum_k w[k] rows[k] over n elements; no row gives zeros */
static void FN(down)(T *y, const T *const *rows, const double *w, i64 count, i64 n) {
    if (count == 0) memset(y, 0, sizeof(T) * (size_t)n);
    else if (count == 1 && w[0] == 1) memcpy(y, rows[0], sizeof(T) * (size_t)n);
    else
        for (i64 i = 0; i < n; i += VW) {
            const int k = (int)UDL_MINI(n - i, VW);
            vec s = {0};
            if (k == VW) {
                for (i64 r = 0; r < count; r++) s = v_fma(v_load(rows[r] + i), v_set((T)w[r]), s);
                v_store(y + i, s);
            } else {
                for (i64 r = 0; r < count; r++) s = v_fma(v_load_n(rows[r] + i, k), v_set((T)w[r]), s);
                v_store_n(y + i, s, k);
            }
        }
}

/* rows p .. end of one plane; `room` holds taps rows of W + 2 VW or Q elements, and one row */
static void FN(rows)(const interpolate_job *j, const T *x, T *y, i64 p, i64 end, T *room, const T **rows) {
    const axis_map *d = &j->down, *c = &j->across;
    const i64 W = j->W, Q = j->Q, wide = UDL_MAXI(W + 2 * VW, Q);
    T *line = room + d->taps * wide;
    const int early = !c->same && j->P >= j->H;
    i64 next = p < j->P ? d->first[p] : 0;
    for (; p < end; p++) {
        const i64 first = d->first[p], count = d->count[p];
        for (next = UDL_MAXI(next, first); early && next < first + count; next++) { /* rows not yet in the ring */
            memcpy(line, x + next * W, sizeof(T) * (size_t)W);
            FN(across)(room + next % d->taps * wide, line, c, j->lanes);
        }
        for (i64 k = 0; k < count; k++) rows[k] = early ? room + (first + k) % d->taps * wide : x + (first + k) * W;
        if (early || c->same) {
            FN(down)(y + p * Q, rows, d->w + p * d->taps, count, Q);
            continue;
        }
        FN(down)(line, rows, d->w + p * d->taps, count, W);
        FN(across)(y + p * Q, line, c, j->lanes);
    }
}

static void FN(blocks)(void *ctx, i64 begin, i64 end) {
    interpolate_job *j = ctx;
    const i64 blocks = UDL_CEIL_DIV(j->P, j->rows), wide = UDL_MAXI(j->W + 2 * VW, j->Q);
    const size_t numbers = sizeof(T) * (size_t)((j->down.taps + 1) * wide), bytes = numbers + 64 + sizeof(T *) * (size_t)j->down.taps;
    T *room = udl_alloc(bytes);
    if (!room) { __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); return; }
    memset(room + j->down.taps * wide, 0, sizeof(T) * (size_t)wide);
    const T **rows = (const T **)((char *)room + (numbers + 63) / 64 * 64);
    for (i64 t = begin; t < end; t++) {
        const i64 plane = t / blocks, p = t % blocks * j->rows;
        const T *x = (const T *)j->a->x + plane * j->H * j->W;
        FN(rows)(j, x, (T *)j->a->y + plane * j->P * j->Q, p, UDL_MINI(j->P, p + j->rows), room, rows);
    }
    udl_free(room, bytes);
}

static int FN(interpolate)(const udl_interpolate_args *a) {
    interpolate_job j = {.a = a};
    if (a->planes * a->H * a->W * a->P * a->Q == 0) return UDL_OK;
    const int adjoint = a->adjoint != 0, mode = (int)a->mode, align = (int)a->align;
    j.H = adjoint ? a->P : a->H, j.W = adjoint ? a->Q : a->W, j.P = adjoint ? a->H : a->P, j.Q = adjoint ? a->W : a->Q;
    int ok = axis_make(&j.down, a->H, a->P, a->step_h, mode, align, adjoint) &&
             axis_make(&j.across, a->W, a->Q, a->step_w, mode, align, adjoint);
    const size_t bytes = ok && !j.across.same ? FN(lane_bytes)(&j.across) : 0;
    if (bytes && !(j.lanes = udl_alloc(bytes))) ok = 0;
    if (ok) {
        if (bytes) FN(find_lanes)(j.lanes, &j.across);
        j.rows = UDL_MINI(j.P, UDL_MAXI(8, PIECE / j.Q));
        const i64 tasks = a->planes * UDL_CEIL_DIV(j.P, j.rows);
        udl_parallel_for(tasks, UDL_MAXI(1, PIECE / (j.rows * j.Q)), FN(blocks), &j);
    }
    if (j.lanes) udl_free(j.lanes, bytes);
    axis_free(&j.down), axis_free(&j.across);
    return ok && !j.failed ? UDL_OK : UDL_ENOMEM;
}
#undef BLOCK_BYTES
#endif
