/* gather.c - out[i...] = a[..., index[i...] along dim, ...], and scatter: out[..., index[i...], ...] = or += a[i...].
 *
 * out of gather is contiguous of `shape`; a, index and scatter's out are strided. Negative indices count from the end;
 * all are checked before anything is written. scatter runs in the order of its elements on one thread, so that of equal
 * places the last one wins and sums have one order; gather is parallel. Floor: the index and the elements, read once. */
#include "../kernel.h"
#define PIECE 16384

static i64 count(const i64 *shape, i64 ndim) {
    i64 n = 1;
    for (i64 d = 0; d < ndim; d++) n *= shape[d];
    return n;
}

/* the position of element k in index space, and the next one */
static void start(i64 k, const i64 *shape, i64 ndim, i64 at[8]) {
    for (i64 d = ndim - 1; d >= 0; d--) { at[d] = k % shape[d]; k /= shape[d]; }
}
static void step(const i64 *shape, i64 ndim, i64 at[8]) {
    for (i64 d = ndim - 1; d >= 0 && ++at[d] == shape[d]; d--) at[d] = 0;
}
static i64 dot(const i64 *at, const i64 *strides, i64 ndim) {
    i64 s = 0;
    for (i64 d = 0; d < ndim; d++) s += at[d] * strides[d];
    return s;
}

static int indices_fit(const i64 *index, const i64 *strides, const i64 *shape, i64 ndim, i64 n) {
    i64 total = count(shape, ndim), at[8] = {0}, expected = 1;
    int plain = 1; /* laid out in order: one run */
    for (i64 d = ndim - 1; d >= 0; d--) {
        if (shape[d] != 1 && strides[d] != expected) plain = 0;
        expected *= shape[d];
    }
    for (i64 k = 0; plain && k < total; k++)
        if (index[k] < -n || index[k] >= n) return 0;
    for (i64 k = 0; !plain && k < total; k++, step(shape, ndim, at)) {
        i64 j = index[dot(at, strides, ndim)];
        if (j < -n || j >= n) return 0;
    }
    return 1;
}

/* Elements begin..end, a run along the last dimension that is longer than 1 at a time. */
static void gather_piece(void *p, i64 begin, i64 end) {
    const udl_gather_args *a = p;
    i64 at[8], run = a->ndim - 1;
    if (begin >= end) return;
    while (run > 0 && a->shape[run] == 1) run--;
    start(begin, a->shape, a->ndim, at);
    for (i64 k = begin; k < end;) {
        i64 n = a->ndim ? UDL_MINI(a->shape[run] - at[run], end - k) : 1;
        const i64 *index = (const i64 *)a->index + dot(at, a->index_strides, a->ndim);
        i64 from = dot(at, a->a_strides, a->ndim) - at[a->dim] * a->a_strides[a->dim], along = a->a_strides[a->dim];
        i64 by = a->ndim ? a->index_strides[run] : 0, move = run == a->dim || !a->ndim ? 0 : a->a_strides[run];
#define RUN(E)                                                                                    \
    for (i64 i = 0; i < n; i++) {                                                                 \
        i64 j = index[i * by];                                                                    \
        ((E *)a->out)[k + i] = ((const E *)a->a)[from + i * move + (j < 0 ? j + a->a_n : j) * along]; \
    }
        switch (a->itemsize) {
        case 4: RUN(uint32_t) break;
        case 8: RUN(uint64_t) break;
        case 2: RUN(uint16_t) break;
        default: RUN(uint8_t)
        }
#undef RUN
        k += n;
        if (!a->ndim) break;
        at[run] += n;
        if (at[run] == a->shape[run]) {
            at[run] = a->shape[run] - 1;
            step(a->shape, run + 1, at);
        }
    }
}

int KERNEL(gather)(const udl_gather_args *a) {
    if (!indices_fit(a->index, a->index_strides, a->shape, a->ndim, a->a_n)) return UDL_EINDEX;
    i64 n = count(a->shape, a->ndim);
    if (n <= PIECE) gather_piece((void *)(uintptr_t)a, 0, n);
    else udl_parallel_for(n, PIECE, gather_piece, (void *)(uintptr_t)a);
    return UDL_OK;
}

int KERNEL(scatter)(const udl_scatter_args *a) {
    static const i64 sizes[UDL_NDTYPES] = {1, 1, 4, 8, 2, 4, 8};
    i64 n = count(a->shape, a->ndim), at[8] = {0}, size = sizes[a->dtype];
    if (a->op && a->dtype != UDL_F32 && a->dtype != UDL_F64 && a->dtype != UDL_I64) return UDL_EINVAL;
    if (!indices_fit(a->index, a->index_strides, a->shape, a->ndim, a->out_n)) return UDL_EINDEX;
    for (i64 k = 0; k < n; k++, step(a->shape, a->ndim, at)) {
        i64 source = dot(at, a->index_strides, a->ndim), j = ((const i64 *)a->index)[source];
        if (j < 0) j += a->out_n;
        i64 to = dot(at, a->out_strides, a->ndim) + (j - at[a->dim]) * a->out_strides[a->dim];
        if (!a->op) memcpy((char *)a->out + to * size, (const char *)a->a + source * size, (size_t)size);
        else if (a->dtype == UDL_F32) ((float *)a->out)[to] += ((const float *)a->a)[source];
        else if (a->dtype == UDL_F64) ((double *)a->out)[to] += ((const double *)a->a)[source];
        else ((i64 *)a->out)[to] = (i64)((uint64_t)((i64 *)a->out)[to] + (uint64_t)((const i64 *)a->a)[source]);
    }
    return UDL_OK;
}
