/* plan.c - recorded kernel calls: their replay, the addresses in them, and the layout of their buffers.
 *
 * A plan is an array of (kernel, struct). Whoever records it (the bindings) knows for each pointer field which buffer it
 * points into; a buffer that moves is told to the structs by udl_plan_rebase. The replay itself knows none of that: it calls
 * one kernel after the other, takes no memory and holds no lock. */
#include "plan_expect.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int expect(const udl_plan_number *e) {
    const int64_t bytes = e->bytes_asked % 256, asked = e->bytes_asked / 256;
    uint64_t bits = 0;
    memcpy(&bits, e->from, (size_t)bytes);
    if (asked == UDL_NUMBER_TRUTH_FLOAT) bits &= ~((uint64_t)1 << (8 * bytes - 1));
    return (asked == UDL_NUMBER_BITS ? (int64_t)bits : bits != 0) == e->value ? UDL_OK : UDL_EOTHER;
}

int udl_plan_one(int64_t kernel, const void *args) {
    if (kernel < UDL_NKERNELS) return udl_call((int)kernel, args);
    const udl_plan_bytes *b = args;
    if (kernel == UDL_PLAN_COPY) memmove(b->to, b->from, (size_t)b->bytes);
    else if (kernel == UDL_PLAN_FILL) memset(b->to, (int)b->value, (size_t)b->bytes);
    else if (kernel == UDL_PLAN_EXPECT) return expect(args);
    else return UDL_EINVAL;
    return UDL_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int udl_plan_replay(const udl_plan_call *calls, int64_t n, int64_t *at, double *seconds) {
    for (int64_t i = 0; i < n; i++) {
        const double start = seconds ? now() : 0;
        const int status = udl_plan_one(calls[i].kernel, calls[i].args);
        if (seconds) seconds[i] = now() - start;
        if (status != UDL_OK) {
            *at = i;
            return status;
        }
    }
    return UDL_OK;
}

void udl_plan_rebase(const udl_plan_field *fields, int64_t n, void *base) {
    for (int64_t i = 0; i < n; i++) *fields[i].field = (char *)base + fields[i].offset;
}

/* ---- layout -------------------------------------------------------------------------------------------------------------
 * Large buffers first; each goes into the lowest gap between those already placed that live at the same time. Placed buffers
 * are kept in order of their offsets, so that one walk finds the gap. */
typedef struct {
    int64_t id, bytes, offset;
} placed;

static int by_size(const void *a, const void *b) {
    const placed *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

int64_t udl_plan_layout(int64_t n, const int64_t *first, const int64_t *last, const int64_t *bytes, int64_t *offset) {
    placed *todo = malloc((size_t)(n + 1) * sizeof *todo), *done = malloc((size_t)(n + 1) * sizeof *done);
    int64_t total = 0;
    if (!todo || !done) total = -1;
    for (int64_t i = 0; i < n && total >= 0; i++) todo[i] = (placed){i, (bytes[i] + 63) / 64 * 64, 0};
    if (total >= 0) qsort(todo, (size_t)n, sizeof *todo, by_size);
    for (int64_t i = 0; i < n && total >= 0; i++) {
        const int64_t id = todo[i].id, size = todo[i].bytes;
        int64_t at = 0;
        for (int64_t j = 0; j < i; j++) {
            if (last[done[j].id] < first[id] || last[id] < first[done[j].id]) continue;
            if (done[j].offset >= at + size) break; /* fits in front of this one, and the rest begin later */
            if (done[j].offset + done[j].bytes > at) at = done[j].offset + done[j].bytes;
        }
        int64_t j = i;
        for (; j > 0 && done[j - 1].offset > at; j--) done[j] = done[j - 1];
        done[j] = (placed){id, size, at};
        offset[id] = at;
        if (at + size > total) total = at + size;
    }
    free(todo);
    free(done);
    return total;
}
