/* index_select.c - out[o, j, i] = a[o, index[j], i], and index_add: out[o, index[j], i] += a[o, j, i] in the order of j.
 *
 * Rows of `inner` elements are copied whole. Negative indices count from the end; all are checked before anything is
 * written. index_add is parallel over pieces of `inner` (or over outer), never over j, so that every element is added to
 * in the same order whatever the number of threads. Floor: bytes of the rows read and written. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/index_select.c"
#define PIECE 32768

static int indices_fit(const i64 *index, i64 n_index, i64 n, i64 skip) {
    for (i64 j = 0; j < n_index; j++)
        if (index[j] != skip && (index[j] < -n || index[j] >= n)) return 0;
    return 1;
}

/* rows of one element: the loop is typed, with no call of memcpy */
#define SELECT_ELEMENTS(type)                                              \
    for (i64 t = 0; t < m; t++) {                                          \
        const i64 k = index[t];                                            \
        ((type *)to)[t] = ((const type *)from)[k + (k < 0 ? a->n : 0)];    \
    }                                                                      \
    break

static void select_rows(void *p, i64 begin, i64 end) {
    const udl_index_select_args *a = p;
    const size_t row = (size_t)(a->inner * a->itemsize);
    for (i64 t = begin, m; t < end; t += m) {
        const i64 o = t / a->n_index, j = t % a->n_index, *index = (const i64 *)a->index + j;
        const char *from = (const char *)a->a + (size_t)(o * a->n) * row;
        char *to = (char *)a->out + (size_t)t * row;
        m = UDL_MINI(end - t, a->n_index - j);
        switch (row) {
        case 1: SELECT_ELEMENTS(uint8_t);
        case 2: SELECT_ELEMENTS(uint16_t);
        case 4: SELECT_ELEMENTS(uint32_t);
        case 8: SELECT_ELEMENTS(uint64_t);
        default:
            for (i64 i = 0; i < m; i++) {
                const i64 k = index[i];
                memcpy(to + (size_t)i * row, from + (size_t)(k + (k < 0 ? a->n : 0)) * row, row);
            }
        }
    }
}

int KERNEL(index_select)(const udl_index_select_args *a) {
    if (!indices_fit(a->index, a->n_index, a->n, INT64_MIN)) return UDL_EINDEX;
    i64 tasks = a->outer * a->n_index, grain = UDL_MAXI(1, PIECE * 4 / UDL_MAXI(1, a->inner * a->itemsize));
    if (tasks <= grain) select_rows((void *)(uintptr_t)a, 0, tasks);
    else udl_parallel_for(tasks, grain, select_rows, (void *)(uintptr_t)a);
    return UDL_OK;
}

static void add_ints(const udl_index_add_args *a) {
    const i64 *index = a->index;
    for (i64 o = 0; o < a->outer; o++)
        for (i64 j = 0; j < a->n_index; j++) {
            if (index[j] == a->skip) continue;
            i64 *to = (i64 *)a->out + (o * a->n + (index[j] < 0 ? index[j] + a->n : index[j])) * a->inner;
            const i64 *from = (const i64 *)a->a + (o * a->n_index + j) * a->inner;
            for (i64 i = 0; i < a->inner; i++) to[i] = (i64)((uint64_t)to[i] + (uint64_t)from[i]);
        }
}
#include "../each_float.h"

int KERNEL(index_add)(const udl_index_add_args *a) {
    if (!indices_fit(a->index, a->n_index, a->n, a->skip)) return UDL_EINDEX;
    if (a->dtype == UDL_I64) { add_ints(a); return UDL_OK; }
    return BY_FLOAT(a->dtype, index_add, (a));
}
#else
typedef struct { const udl_index_add_args *a; i64 strips, width; } FN(job);

static void FN(add_strips)(void *p, i64 begin, i64 end) {
    const FN(job) *job = p;
    const udl_index_add_args *a = job->a;
    const i64 *index = a->index;
    for (i64 t = begin; t < end; t++) {
        i64 o = t / job->strips, i0 = t % job->strips * job->width, w = UDL_MINI(a->inner - i0, job->width);
        for (i64 j = 0; j < a->n_index; j++) {
            if (index[j] == a->skip) continue;
            T *to = (T *)a->out + (o * a->n + (index[j] < 0 ? index[j] + a->n : index[j])) * a->inner + i0;
            const T *from = (const T *)a->a + (o * a->n_index + j) * a->inner + i0;
            i64 i = 0;
            for (; i + VW <= w; i += VW) v_store(to + i, v_load(to + i) + v_load(from + i));
            for (; i < w; i++) to[i] += from[i];
        }
    }
}

static int FN(index_add)(const udl_index_add_args *a) {
    if (a->outer * a->inner * a->n_index == 0) return UDL_OK;
    FN(job) j = {a, 1, a->inner};
    if (a->inner >= 128 && a->inner * a->n_index > 2 * PIECE) { /* at most 8 strips: each visits every row again */
        j.width = UDL_CEIL_DIV(a->inner, 512) * 64;
        j.strips = UDL_CEIL_DIV(a->inner, j.width);
    }
    i64 tasks = a->outer * j.strips, grain = UDL_MAXI(1, PIECE / (a->n_index * j.width));
    if (tasks <= grain) FN(add_strips)(&j, 0, tasks);
    else udl_parallel_for(tasks, grain, FN(add_strips), &j);
    return UDL_OK;
}
#endif
