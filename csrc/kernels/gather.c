/* gather.c - out[i...] = a[..., index[i...] along dim, ...], and scatter: out[..., index[i...], ...] = or += a[i...].
 *
 * out of gather is contiguous of `shape`; a, index and scatter's out are strided. Negative indices count from the end unless
 * `strict`; one that is out of range reads or writes nothing and makes the call fail, its results then being of no use.
 * The axes of `shape` are walked as few merged axes, the last one in a tight loop: with stride 0 along dim, the element
 * is data[position + index stride(dim)]. gather is parallel over any elements. scatter is parallel over an axis other
 * than dim only, so that of equal places the last one wins and sums have one order, for any number of threads.
 * Floor: the index and the elements read once. */
#include "../kernel.h"
#define PIECE 16384
#define SCATTER_PIECES 16 /* at most: a piece of an inner axis is a narrow strip, wasteful if too narrow */

typedef struct {
    i64 ndim, shape[8], data[8], index[8]; /* merged axes and their strides */
    i64 along, n;                          /* stride and size of the indexed axis */
    i64 split, total;                      /* axis that scatter may be cut along, or -1; number of elements */
} index_walk;

/* Axes of size 1 go; neighbours that both strides see as one axis are merged (for scatter not across dim). */
static index_walk walk_of(const i64 *shape, i64 ndim, i64 dim, const i64 *data, const i64 *index, i64 n, int scatter) {
    index_walk w = {.along = ndim ? data[dim] : 0, .n = n, .split = -1, .total = 1};
    i64 last = -1; /* the axis of shape that the newest merged axis ends with */
    for (i64 d = 0; d < ndim; d++) {
        const i64 size = shape[d], step = d == dim ? 0 : data[d], m = w.ndim - 1;
        w.total *= size;
        if (size == 1) continue;
        if (m >= 0 && w.data[m] == step * size && w.index[m] == index[d] * size && !(scatter && (d == dim || last == dim))) {
            w.shape[m] *= size, w.data[m] = step, w.index[m] = index[d];
        } else {
            w.shape[w.ndim] = size, w.data[w.ndim] = step, w.index[w.ndim] = index[d];
            w.ndim++;
        }
        last = d;
        if (d != dim && (w.split < 0 || w.shape[w.ndim - 1] > w.shape[w.split])) w.split = w.ndim - 1;
    }
    if (!w.ndim) w.shape[w.ndim++] = 1;
    return w;
}

typedef struct { i64 at[8], data, index; } walk_place;

static walk_place walk_start(const index_walk *w, i64 k) {
    walk_place p = {{0}, 0, 0};
    for (i64 d = w->ndim - 1; d >= 0; d--) {
        p.at[d] = k % w->shape[d];
        k /= w->shape[d];
        p.data += p.at[d] * w->data[d];
        p.index += p.at[d] * w->index[d];
    }
    return p;
}

/* on by `count` along the last axis, which it does not pass, and to the next row if that ends it */
VFN void walk_on(const index_walk *w, walk_place *p, i64 count) {
    i64 d = w->ndim - 1;
    p->at[d] += count, p->data += count * w->data[d], p->index += count * w->index[d];
    while (p->at[d] == w->shape[d]) {
        p->data -= p->at[d] * w->data[d], p->index -= p->at[d] * w->index[d], p->at[d] = 0;
        if (--d < 0) return;
        p->at[d]++, p->data += w->data[d], p->index += w->index[d];
    }
}

/* ---- gather ------------------------------------------------------------------------------------------------------- */
typedef struct { const udl_gather_args *a; index_walk w; int bad; } gather_job; /* bad: every writer writes the same */

/* the prefetchers of the processor stop at the end of a page: the next one of index and out is asked for, 64 elements at a time */
#define GATHER_LOOP(STEP, DATA, ALONG)                                             \
    for (i64 j0 = 0; j0 < m; j0 += 64) {                                           \
        for (i64 l = 0; (STEP) == 1 && l < 8; l++) {                               \
            __builtin_prefetch(index + j0 + 512 + 8 * l);                          \
            if (l & 1) __builtin_prefetch(to + j0 + 512 + 8 * l, 1);               \
        }                                                                          \
        for (i64 j = j0; j < UDL_MINI(m, j0 + 64); j++) {                          \
            const i64 v = index[j * (STEP)], k = v + (v < 0 ? wrap : 0);           \
            const i64 i = (uint64_t)k < (uint64_t)n ? k : -1;                      \
            bad |= i < 0;                                                          \
            to[j] = from[j * (DATA) + (i < 0 ? 0 : i) * (ALONG)];                  \
        }                                                                          \
    }
#define GATHER_ROW(type) {                                                         \
        type *restrict to = (type *)a->out + k;                                    \
        const type *restrict from = (const type *)a->a + p.data;                   \
        if (step == 1 && data == 0 && along == 1) GATHER_LOOP(1, 0, 1)             \
        else GATHER_LOOP(step, data, along)                                        \
        break;                                                                     \
    }

static void gather_piece(void *ctx, i64 begin, i64 end) {
    gather_job *job = ctx;
    const udl_gather_args *a = job->a;
    const index_walk *w = &job->w;
    const i64 inner = w->ndim - 1, step = w->index[inner], data = w->data[inner], along = w->along, n = w->n;
    const i64 wrap = a->strict ? 0 : n;
    int bad = 0;
    walk_place p = walk_start(w, begin);
    for (i64 k = begin, m; k < end; k += m) {
        m = UDL_MINI(end - k, w->shape[inner] - p.at[inner]);
        const i64 *restrict index = (const i64 *)a->index + p.index;
        switch (a->itemsize) {
        case 4: GATHER_ROW(uint32_t)
        case 8: GATHER_ROW(uint64_t)
        case 2: GATHER_ROW(uint16_t)
        default: GATHER_ROW(uint8_t)
        }
        walk_on(w, &p, m);
    }
    if (bad) job->bad = 1;
}

int KERNEL(gather)(const udl_gather_args *a) {
    gather_job job = {a, walk_of(a->shape, a->ndim, a->dim, a->a_strides, a->index_strides, a->a_n, 0), 0};
    if (job.w.total == 0) return UDL_OK;
    if (a->a_n == 0) return UDL_EINDEX;
    const i64 step = job.w.data[job.w.ndim - 1] * a->itemsize; /* neighbours further apart than a cache line cost a miss each */
    udl_parallel_for(job.w.total, step < 64 && step > -64 ? PIECE : PIECE / 16, gather_piece, &job);
    return job.bad ? UDL_EINDEX : UDL_OK;
}

/* ---- scatter ------------------------------------------------------------------------------------------------------ */
typedef struct { const udl_scatter_args *a; index_walk w; int bad; } scatter_job;

#define SCATTER_ROW(type, OP) {                                                    \
        type *to = (type *)a->out + data0 + p.data;                                \
        const type *from = (const type *)a->a + at;                                \
        for (i64 j = 0; j < inner; j++) {                                          \
            const i64 v = index[j * step], i = v + (v < 0 ? wrap : 0);             \
            if ((uint64_t)i < (uint64_t)n) to[j * data + i * along] OP from[j * step]; \
            else bad = 1;                                                          \
        }                                                                          \
        break;                                                                     \
    }

/* the elements whose place along the split axis is begin .. end - 1 */
static void scatter_piece(void *ctx, i64 begin, i64 end) {
    scatter_job *job = ctx;
    const udl_scatter_args *a = job->a;
    index_walk w = job->w;
    i64 data0 = 0, index0 = 0;
    if (w.split >= 0) {
        data0 = begin * w.data[w.split], index0 = begin * w.index[w.split];
        w.total = w.total / w.shape[w.split] * (end - begin);
        w.shape[w.split] = end - begin;
    }
    const i64 last = w.ndim - 1, inner = w.shape[last], step = w.index[last], data = w.data[last], along = w.along, n = w.n;
    static const int sizes[UDL_NDTYPES] = UDL_ITEMSIZES;
    const i64 kind = a->op ? 16 + a->dtype : sizes[a->dtype];
    const i64 wrap = a->strict ? 0 : n;
    int bad = 0;
    walk_place p = {{0}, 0, 0};
    for (i64 k = 0; k < w.total; k += inner) {
        const i64 at = index0 + p.index, *index = (const i64 *)a->index + at;
        switch (kind) {
        case 1: SCATTER_ROW(uint8_t, =)
        case 2: SCATTER_ROW(uint16_t, =)
        case 4: SCATTER_ROW(uint32_t, =)
        case 8: SCATTER_ROW(uint64_t, =)
        case 16 + UDL_F32: SCATTER_ROW(float, +=)
        case 16 + UDL_F64: SCATTER_ROW(double, +=)
        default: SCATTER_ROW(uint64_t, +=) /* int64, wrapping */
        }
        walk_on(&w, &p, inner);
    }
    if (bad) job->bad = 1;
}

int KERNEL(scatter)(const udl_scatter_args *a) {
    if (a->op && a->dtype != UDL_F32 && a->dtype != UDL_F64 && a->dtype != UDL_I64) return UDL_EINVAL;
    scatter_job job = {a, walk_of(a->shape, a->ndim, a->dim, a->out_strides, a->index_strides, a->out_n, 1), 0};
    index_walk *w = &job.w;
    if (w->total == 0) return UDL_OK;
    for (i64 d = 0; d < a->ndim; d++) /* an out whose places coincide is not cut */
        if (d != a->dim && a->shape[d] > 1 && a->out_strides[d] == 0) w->split = -1;
    const i64 size = w->split < 0 ? 1 : w->shape[w->split], pieces = UDL_MAXI(1, UDL_MINI(w->total / PIECE, SCATTER_PIECES));
    const i64 least = w->split == w->ndim - 1 ? 64 : 1; /* narrower strips waste the lines they touch */
    udl_parallel_for(size, UDL_MAXI(least, UDL_CEIL_DIV(size, pieces)), scatter_piece, &job);
    return job.bad ? UDL_EINDEX : UDL_OK;
}
