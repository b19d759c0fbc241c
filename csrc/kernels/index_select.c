/* index_select.c - out[o, j, i] = a[o, index[j], i], and index_add: out[o, index[j], i] += a[o, j, i] in the order of j.
 *
 * Rows of `inner` elements are copied whole. Negative indices count from the end unless strict; one that is out of range
 * reads and writes nothing and makes the call fail, its results then being of no use. index_add is parallel over pieces of `inner` (or over outer), never over j, so that every element is added to
 * in the same order whatever the number of threads. Floor: bytes of the rows read and written. */
#ifndef T
#include "bytes.h"
#define UDL_THIS_FILE "kernels/index_select.c"
#define PIECE 32768

/* index v as a row, or -1 */
VFN i64 row_of(i64 v, i64 n, i64 wrap) {
    const i64 k = v + (v < 0 ? wrap : 0);
    return (uint64_t)k < (uint64_t)n ? k : -1;
}

typedef struct { const udl_index_select_args *a; int bad; } select_job; /* bad: every writer writes the same */

/* rows of one element: the loop is typed, with no call of memcpy */
#define SELECT_ELEMENTS(type)                                              \
    for (i64 t = 0; t < m; t++) {                                          \
        const i64 k = row_of(index[t], n, wrap);                           \
        bad |= k < 0;                                                      \
        ((type *)to)[t] = ((const type *)from)[k < 0 ? 0 : k];             \
    }                                                                      \
    break

static void select_rows(void *p, i64 begin, i64 end) {
    select_job *job = p;
    const udl_index_select_args *a = job->a;
    const i64 row = a->inner * a->itemsize, n = a->n, wrap = a->strict ? 0 : n;
    int bad = 0;
    for (i64 t = begin, m; t < end; t += m) {
        const i64 o = t / a->n_index, j = t % a->n_index, *index = (const i64 *)a->index + j;
        const char *from = (const char *)a->a + o * n * row;
        char *to = (char *)a->out + t * row;
        m = UDL_MINI(end - t, a->n_index - j);
        switch (row) {
        case 1: SELECT_ELEMENTS(uint8_t);
        case 2: SELECT_ELEMENTS(uint16_t);
        case 4: SELECT_ELEMENTS(uint32_t);
        case 8: SELECT_ELEMENTS(uint64_t);
        default:
            for (i64 i = 0; i < m; i++) {
                const i64 k = row_of(index[i], n, wrap);
                if (k < 0) bad = 1;
                else copy_bytes(to + i * row, from + k * row, row);
            }
        }
    }
    if (bad) job->bad = 1;
}

int KERNEL(index_select)(const udl_index_select_args *a) {
    select_job job = {a, 0};
    i64 tasks = a->outer * a->n_index, grain = UDL_MAXI(1, PIECE * 4 / UDL_MAXI(1, a->inner * a->itemsize));
    if (tasks && a->n == 0) return UDL_EINDEX;
    if (tasks <= grain) select_rows(&job, 0, tasks);
    else udl_parallel_for(tasks, grain, select_rows, &job);
    return job.bad ? UDL_EINDEX : UDL_OK;
}

typedef struct { const udl_index_add_args *a; i64 strips, width, size; int bad; } rows_job; /* width: elements of a strip */

/* Strips of rows (or whole ones): each goes through all of j. OP moves w elements at `from` to `to`. */
#define EACH_ROW(E, ONE, OP)                                                                                            \
    rows_job *job = p;                                                                                                  \
    const udl_index_add_args *a = job->a;                                                                               \
    const i64 *index = a->index, n = a->n, inner = a->inner, skip = a->skip, wrap = a->how & UDL_ROWS_STRICT ? 0 : n;   \
    const i64 rows = a->n_index, size = job->size;                                                                      \
    int bad = 0;                                                                                                        \
    for (i64 t = begin; t < end; t++) {                                                                                 \
        const i64 o = t / job->strips, i0 = t % job->strips * job->width, w = UDL_MINI(inner - i0, job->width);         \
        E *base = (E *)a->out + (o * n * inner + i0) * size;                                                            \
        const E *from = (const E *)a->a + (o * rows * inner + i0) * size;                                               \
        i64 j = 0;                                                                                                      \
        for (; inner == 1 && skip == INT64_MIN && j < rows; j++, from += size) {                                        \
            const i64 k = row_of(index[j], n, wrap);                                                                    \
            E *to = base + k * size;                                                                                    \
            if (k < 0) bad = 1;                                                                                         \
            else ONE;                                                                                                   \
        }                                                                                                               \
        for (; j < rows; j++, from += inner * size) {                                                                   \
            const i64 k = row_of(index[j], n, wrap);                                                                    \
            if (k < 0 || index[j] == skip) { bad |= index[j] != skip; continue; }                                       \
            E *to = base + k * inner * size;                                                                            \
            if (w == 1) ONE;                                                                                            \
            else OP;                                                                                                    \
        }                                                                                                               \
    }                                                                                                                   \
    if (bad) job->bad = 1;

static void set_strips(void *p, i64 begin, i64 end) {
    EACH_ROW(char, copy_bytes(to, from, size), copy_bytes(to, from, w * size))
}
static void add_ints(void *p, i64 begin, i64 end) {
    EACH_ROW(uint64_t, *to += *from, for (i64 i = 0; i < w; i++) to[i] += from[i])
}
#include "../each_float.h"

int KERNEL(index_add)(const udl_index_add_args *a) {
    const i64 kind = a->how & ~(i64)UDL_ROWS_STRICT, set = kind >= UDL_ROWS_SET;
    rows_job j = {a, 1, a->inner, set ? kind - UDL_ROWS_SET : 1, 0};
    udl_range_fn fn = set ? set_strips : kind == UDL_I64 ? add_ints : kind == UDL_F32 ? add_strips_f32 : UDL_F64_OR(add_strips_f64, NULL);
    if (!set && kind != UDL_I64 && kind != UDL_F32 && kind != UDL_F64) return UDL_EINVAL;
    if (a->outer * a->inner * a->n_index == 0) return UDL_OK;
    if (a->inner >= 64 && a->inner * a->n_index > 2 * PIECE) { /* at most 8 strips: each visits every row again */
        j.width = UDL_CEIL_DIV(a->inner, 256) * 32;
        j.strips = UDL_CEIL_DIV(a->inner, j.width);
    }
    i64 tasks = a->outer * j.strips, grain = UDL_MAXI(1, PIECE / (a->n_index * j.width));
    if (tasks <= grain) fn(&j, 0, tasks);
    else udl_parallel_for(tasks, grain, fn, &j);
    return j.bad ? UDL_EINDEX : UDL_OK;
}
#else
VFN void FN(add_row)(T *to, const T *from, i64 w) {
    i64 i = 0;
    for (; i + VW <= w; i += VW) v_store(to + i, v_load(to + i) + v_load(from + i));
    for (; i < w; i++) to[i] += from[i];
}
static void FN(add_strips)(void *p, i64 begin, i64 end) {
    EACH_ROW(T, *to += *from, FN(add_row)(to, from, w))
}
#endif
