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
    i64 total = count(shape, ndim), at[8] = {0};
    for (i64 k = 0; k < total; k++, step(shape, ndim, at)) {
        i64 j = index[dot(at, strides, ndim)];
        if (j < -n || j >= n) return 0;
    }
    return 1;
}

static void gather_piece(void *p, i64 begin, i64 end) {
    const udl_gather_args *a = p;
    i64 at[8];
    if (begin >= end) return;
    start(begin, a->shape, a->ndim, at);
    for (i64 k = begin; k < end; k++, step(a->shape, a->ndim, at)) {
        i64 j = ((const i64 *)a->index)[dot(at, a->index_strides, a->ndim)];
        if (j < 0) j += a->a_n;
        i64 from = dot(at, a->a_strides, a->ndim) + (j - at[a->dim]) * a->a_strides[a->dim];
        switch (a->itemsize) {
        case 4: ((uint32_t *)a->out)[k] = ((const uint32_t *)a->a)[from]; break;
        case 8: ((uint64_t *)a->out)[k] = ((const uint64_t *)a->a)[from]; break;
        case 2: ((uint16_t *)a->out)[k] = ((const uint16_t *)a->a)[from]; break;
        default: ((uint8_t *)a->out)[k] = ((const uint8_t *)a->a)[from];
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
