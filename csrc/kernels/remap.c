/* remap.c - out[i, j, ..] = a[s(i), s(j), ..]: padding, reversal, rotation and repetition are one copy with a rule s for each dimension.
 *
 * With j = i - shift and n the size of a along the dimension, s(i) is
 *   constant   j, or nothing (out is then *value) outside 0..n-1
 *   reflect    |j|, and 2 (n - 1) - j beyond the end          replicate  j cut to 0..n-1
 *   circular   j modulo n                                     flip       n - 1 - i where shift is not 0, else i
 * whatever the numbers, s(i) is inside or nothing. Dimensions behind the last one that moves make up a unit; along that one the rule
 * is a few runs of units: copied forwards, backwards, from one place again and again, or filled. Rows are what lies before it.
 * Floor: bytes read and written over bandwidth. */
#include "bytes.h"
#define PIECE (128 << 10) /* bytes */
#define EDGES 16

typedef struct { i64 at, len, from, step; } run; /* units at..at+len-1 of a row come from from, from + step, ..; from -1: filled */

/* The run that begins at place i < m. */
static run run_at(i64 mode, i64 i, i64 m, i64 n, i64 shift) {
    i64 j = i - shift, from = j, step = 1, len = m - i;
    if (n == 0) return (run){i, len, -1, 0};
    if (mode == UDL_REMAP_CIRCULAR) {
        j %= n;
        from = j += j < 0 ? n : 0;
    } else if (mode == UDL_REMAP_FLIP) {
        if (shift) return (run){i, UDL_MINI(len, UDL_MAXI(n - i, 1)), UDL_MAXI(n - 1 - i, 0), -1};
    } else if (j < 0) { /* up to place shift, where j is 0; reflect: from n - 1 downwards at most */
        const i64 back = mode == UDL_REMAP_REFLECT && -j < n;
        len = UDL_MINI(len, mode == UDL_REMAP_REFLECT && !back ? -j - n + 1 : -j);
        from = mode == UDL_REMAP_CONSTANT ? -1 : back ? -j : mode == UDL_REMAP_REFLECT ? n - 1 : 0;
        return (run){i, len, from, back ? -1 : 0};
    }
    if (j < n) return (run){i, UDL_MINI(len, n - j), from, step};
    from = mode == UDL_REMAP_CONSTANT ? -1 : n - 1;
    if (mode != UDL_REMAP_REFLECT || 2 * (n - 1) - j <= 0) return (run){i, len, mode == UDL_REMAP_REFLECT ? 0 : from, 0};
    from = 2 * (n - 1) - j;
    return (run){i, UDL_MINI(len, from + 1), from, -1};
}

typedef struct {
    const udl_remap_args *a;
    i64 dims, shape[8], from[8], shift[8], step[8]; /* the dimensions of rows; step: bytes of a along each */
    i64 size, unit, units, row, nruns, per_piece, pieces; /* bytes of an element, of a unit; units, bytes of a row of out */
    run *runs;
    i64 nedges;                                         /* rows of one long run and few elements beside it, each from one place */
    struct { int32_t to, from; } edge[EDGES];           /* from -1: filled */
    char fill[64];
} remap;

static void fill_bytes(char *d, i64 n, const char *pattern) {
    if (n == 4) { memcpy(d, pattern, 4); return; }
    for (; n >= 64; d += 64, n -= 64) copy_bytes(d, pattern, 64);
    copy_bytes(d, pattern, n);
}

#define BACKWARDS(E) {                                                            \
        E *restrict to = (E *)d;                                                  \
        const E *restrict last = (const E *)s;                                    \
        for (i64 i = 0; i < len; i++) to[i] = last[-i];                           \
        return;                                                                   \
    }
/* len units from s on, in steps of +1, 0 or -1 units */
static void copy_run(char *d, const char *s, i64 len, i64 step, i64 unit, i64 size) {
    if (step == 1) { copy_bytes(d, s, len * unit); return; }
    if (step == -1 && unit == size) {
        switch (size) {
        case 4: BACKWARDS(uint32_t)
        case 8: BACKWARDS(uint64_t)
        default: break;
        }
    }
    for (i64 i = 0; i < len; i++, d += unit, s += step * unit) copy_bytes(d, s, unit);
}

static void copy_row(const remap *r, char *d, const char *s, i64 begin, i64 end) {
    if (r->nedges) { /* elements of 4 bytes */
        const run *v = r->runs;
        copy_bytes(d + 4 * v->at, s + 4 * v->from, 4 * v->len);
        for (i64 k = 0; k < r->nedges; k++) memcpy(d + 4 * r->edge[k].to, r->edge[k].from < 0 ? r->fill : s + 4 * r->edge[k].from, 4);
        return;
    }
    for (i64 k = 0; k < r->nruns; k++) {
        const run *v = r->runs + k;
        const i64 u0 = UDL_MAXI(begin, v->at), u1 = UDL_MINI(end, v->at + v->len);
        if (u0 >= u1) continue;
        if (v->from < 0) fill_bytes(d + u0 * r->unit, (u1 - u0) * r->unit, r->fill);
        else copy_run(d + u0 * r->unit, s + (v->from + (u0 - v->at) * v->step) * r->unit, u1 - u0, v->step, r->unit, r->size);
    }
}

static void rows(void *ctx, i64 begin, i64 end) {
    const remap *r = ctx;
    i64 at[8], place[8], row = begin / r->pieces, rest = row;
    for (i64 d = r->dims - 1; d >= 0; d--) {
        at[d] = rest % r->shape[d], rest /= r->shape[d];
        place[d] = run_at(r->a->mode, at[d], r->shape[d], r->from[d], r->shift[d]).from;
    }
    for (i64 t = begin, piece = begin % r->pieces; t < end; t++) {
        const i64 u0 = piece * r->per_piece, u1 = UDL_MINI(r->units, u0 + r->per_piece);
        i64 inside = 1, from = 0;
        for (i64 d = 0; d < r->dims; d++) {
            inside &= place[d] >= 0;
            from += place[d] * r->step[d];
        }
        char *to = (char *)r->a->out + row * r->row;
        if (inside) copy_row(r, to, (const char *)r->a->a + from, u0, u1);
        else fill_bytes(to + u0 * r->unit, (u1 - u0) * r->unit, r->fill);
        if (++piece < r->pieces) continue;
        piece = 0, row++;
        for (i64 d = r->dims - 1; d >= 0; d--) {
            if (++at[d] == r->shape[d]) at[d] = 0;
            place[d] = run_at(r->a->mode, at[d], r->shape[d], r->from[d], r->shift[d]).from;
            if (at[d]) break;
        }
    }
}

/* One dimension more for the rows, joined with the one before it where neither moves. */
static void add_dim(remap *r, i64 m, i64 n, i64 shift) {
    const i64 k = r->dims - 1;
    if (k >= 0 && m == n && !shift && r->shape[k] == r->from[k] && !r->shift[k]) {
        r->shape[k] = r->from[k] = r->shape[k] * m;
        return;
    }
    r->shape[r->dims] = m, r->from[r->dims] = n, r->shift[r->dims++] = shift;
}

/* Puts the longest run first and, if all beside it are few elements, names these. */
static void find_edges(remap *r) {
    i64 best = -1, others = r->units, k = 0;
    for (i64 i = 0; i < r->nruns; i++)
        if (r->runs[i].from >= 0 && r->runs[i].step == 1 && (best < 0 || r->runs[i].len > r->runs[best].len)) best = i;
    if (best < 0 || (others -= r->runs[best].len) > EDGES || others == 0 || r->units > PIECE / 4) return;
    for (i64 i = 0; i < r->nruns; i++)
        for (i64 u = 0; i != best && u < r->runs[i].len; u++, k++) {
            r->edge[k].to = (int32_t)(r->runs[i].at + u);
            r->edge[k].from = r->runs[i].from < 0 ? -1 : (int32_t)(r->runs[i].from + u * r->runs[i].step);
        }
    r->runs[0] = r->runs[best];
    r->nedges = k;
}

int KERNEL(remap)(const udl_remap_args *a) {
    remap r = {.a = a, .size = a->itemsize, .unit = a->itemsize};
    i64 rows_n = 1, last = a->ndim - 1;
    for (int i = 0; i < 64 && a->value; i++) r.fill[i] = ((const char *)a->value)[i % r.size];
    for (; last > 0 && a->shape[last] == a->from[last] && !a->shift[last]; last--) r.unit *= a->shape[last];
    for (i64 d = 0; d < last; d++) {
        add_dim(&r, a->shape[d], a->from[d], a->shift[d]);
        rows_n *= a->shape[d];
    }
    const i64 m = a->shape[last], n = a->from[last];
    if (rows_n * m * r.unit == 0) return UDL_OK;
    r.units = m, r.row = m * r.unit;
    for (i64 d = r.dims - 1, step = n * r.unit; d >= 0; step *= r.from[d--]) r.step[d] = step;
    for (i64 i = 0; i < m; r.nruns++) i += run_at(a->mode, i, m, n, a->shift[last]).len;
    run few[8];
    r.runs = r.nruns <= 8 ? few : udl_alloc((size_t)r.nruns * sizeof(run));
    if (!r.runs) return UDL_ENOMEM;
    for (i64 i = 0, k = 0; k < r.nruns; i += r.runs[k++].len) r.runs[k] = run_at(a->mode, i, m, n, a->shift[last]);
    if (r.unit == 4 && r.nruns <= 8) find_edges(&r);
    r.per_piece = UDL_MINI(m, UDL_MAXI(1, PIECE / r.unit));
    r.pieces = UDL_CEIL_DIV(m, r.per_piece);
    const i64 tasks = rows_n * r.pieces, grain = UDL_MAXI(1, PIECE / (r.per_piece * r.unit));
    if (tasks <= grain) rows(&r, 0, tasks);
    else udl_parallel_for(tasks, grain, rows, &r);
    if (r.runs != few) udl_free(r.runs, (size_t)r.nruns * sizeof(run));
    return UDL_OK;
}
