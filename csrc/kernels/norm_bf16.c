/* norm_bf16.c - normalisations and softmax of bf16 tensors: x, y and their gradients are bf16, statistics, weights and their
 * gradients float32.
 *
 * A task widens what belongs together (a channel, some rows, an example) into a buffer that stays in L2, calls the float32 kernel of
 * this level on it, and rounds the result as it leaves: memory sees bf16 only. Pieces depend on the shape alone.
 * Floor: as the float32 kernels' with half of the bytes. */
#include "../vec/bf16.h"
#include "half_copy.h"
#include "norm_bf16.h"

enum { PIECE = 8192, PARTS = 32 }; /* numbers of a task; at most so many partial sums of gradients */

static __attribute__((noinline)) void widen(float *to, const void *from, i64 at, i64 n) {
    const uint16_t *h = (const uint16_t *)from + at;
    i64 i = 0;
    for (; i + VW32 <= n; i += VW32) v_store(to + i, h_load(h + i));
    if (i < n) v_store_n(to + i, h_load_n(h + i, (int)(n - i)), (int)(n - i));
}
static __attribute__((noinline)) void narrow(void *to, i64 at, const float *from, i64 n) {
    uint16_t *h = (uint16_t *)to + at;
    i64 i = 0;
    for (; i + VW32 <= n; i += VW32) h_store(h + i, v_load(from + i));
    if (i < n) h_store_n(h + i, v_load_n(from + i, (int)(n - i)), (int)(n - i));
}
/* `rows` rows of n numbers, `stride` apart in the bf16 tensor, one after another in the buffer */
static void widen_rows(float *to, const void *from, i64 at, i64 rows, i64 stride, i64 n) {
    for (i64 r = 0; r < rows; r++) widen(to + r * n, from, at + r * stride, n);
}
static void narrow_rows(void *to, i64 at, i64 rows, i64 stride, const float *from, i64 n) {
    for (i64 r = 0; r < rows; r++) narrow(to, at + r * stride, from + r * n, n);
}
static float *floats(i64 n) { return udl_alloc(sizeof(float) * (size_t)UDL_MAXI(n, 1)); }
static void drop(float *p, i64 n) { if (p) udl_free(p, sizeof(float) * (size_t)UDL_MAXI(n, 1)); }
static void *at(const void *p, i64 i) { return p ? (float *)(uintptr_t)p + i : 0; } /* NULL stays NULL */

/* pieces of `unit` things of `size` numbers */
typedef struct { const void *a; i64 n, unit, size; float *sums; int failed; } job;
static int run(job *j, udl_range_fn task) {
    const i64 pieces = UDL_CEIL_DIV(j->n, j->unit);
    udl_parallel_for(pieces, UDL_MAXI(1, PIECE / UDL_MAXI(1, j->unit * j->size)), task, j);
    return j->failed ? UDL_ENOMEM : UDL_OK;
}
#define FAIL_WITHOUT(buffer, j) if (!(buffer)) { (j)->failed = 1; return; }
#define EACH_PIECE(i, count, j) \
    for (i64 i = begin * (j)->unit, count; i < UDL_MINI(end * (j)->unit, (j)->n) && (count = UDL_MINI((j)->unit, (j)->n - i), 1); i += count)

/* ---- batch_norm: a channel of all images, or, where its numbers lie apart one by one (L = 1), all ----------------------------- */
static void channels(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_batch_norm_args *a = j->a;
    const i64 L = a->L, n = j->unit * a->N * L;
    float *x = floats(2 * n), *y = x + n;
    FAIL_WITHOUT(x, j)
    EACH_PIECE(c, count, j) {
        udl_batch_norm_args f = *a;
        widen_rows(x, a->x, c * L, a->N, a->C * L, count * L);
        f.dtype = UDL_F32, f.C = count, f.x = x, f.y = y, f.mean = at(a->mean, c), f.rstd = at(a->rstd, c), f.w = at(a->w, c);
        f.b = at(a->b, c), f.running_mean = at(a->running_mean, c), f.running_var = at(a->running_var, c);
        if (KERNEL(batch_norm)(&f)) j->failed = 1;
        narrow_rows(a->y, c * L, a->N, a->C * L, y, count * L);
    }
    drop(x, 2 * n);
}
static i64 channels_at_once(i64 N, i64 C, i64 L) { return L == 1 ? C : UDL_MAXI(1, UDL_MINI(C, PIECE / UDL_MAXI(1, N * L))); }

int INTERNAL(batch_norm_bf16)(const udl_batch_norm_args *a) {
    job j = {.a = a, .n = a->C, .unit = UDL_MAXI(1, channels_at_once(a->N, a->C, a->L)), .size = a->N * a->L};
    return run(&j, channels);
}

static void channels_backward(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_batch_norm_backward_args *a = j->a;
    const i64 L = a->L, n = j->unit * a->N * L;
    float *x = floats(3 * n), *gy = x + n, *gx = gy + n;
    FAIL_WITHOUT(x, j)
    EACH_PIECE(c, count, j) {
        udl_batch_norm_backward_args f = *a;
        widen_rows(x, a->x, c * L, a->N, a->C * L, count * L);
        widen_rows(gy, a->gy, c * L, a->N, a->C * L, count * L);
        f.dtype = UDL_F32, f.C = count, f.x = x, f.gy = gy, f.gx = a->gx ? gx : 0, f.gw = at(a->gw, c), f.gb = at(a->gb, c);
        f.w = at(a->w, c), f.mean = at(a->mean, c), f.rstd = at(a->rstd, c);
        if (KERNEL(batch_norm_backward)(&f)) j->failed = 1;
        if (a->gx) narrow_rows(a->gx, c * L, a->N, a->C * L, gx, count * L);
    }
    drop(x, 3 * n);
}
int INTERNAL(batch_norm_backward_bf16)(const udl_batch_norm_backward_args *a) {
    job j = {.a = a, .n = a->C, .unit = UDL_MAXI(1, channels_at_once(a->N, a->C, a->L)), .size = a->N * a->L};
    return run(&j, channels_backward);
}

/* ---- layer_norm: some rows ---------------------------------------------------------------------------------------------------- */
static void rows(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_layer_norm_args *a = j->a;
    const i64 n = j->unit * a->D;
    float *x = floats(2 * n), *y = x + n;
    FAIL_WITHOUT(x, j)
    EACH_PIECE(m, count, j) {
        udl_layer_norm_args f = *a;
        widen(x, a->x, m * a->D, count * a->D);
        f.dtype = UDL_F32, f.M = count, f.x = x, f.y = y, f.mean = at(a->mean, m), f.rstd = at(a->rstd, m);
        if (KERNEL(layer_norm)(&f)) j->failed = 1;
        narrow(a->y, m * a->D, y, count * a->D);
    }
    drop(x, 2 * n);
}
int INTERNAL(layer_norm_bf16)(const udl_layer_norm_args *a) { /* whole rounds of the rows of w */
    job j = {.a = a, .n = a->M, .unit = UDL_CEIL_DIV(UDL_MAXI(4, PIECE / UDL_MAXI(1, a->D)), a->W) * a->W, .size = a->D};
    return run(&j, rows);
}

/* out[i] = sum over parts p of part[p * stride + i], in order */
static void add_parts(float *out, const float *part, i64 parts, i64 stride, i64 n) {
    for (i64 i = 0; out && i < n; i++) {
        double s = 0;
        for (i64 p = 0; p < parts; p++) s += (double)part[p * stride + i];
        out[i] = (float)s;
    }
}

/* a part: rows whose gw and gb are one partial sum each, a buffer of some of them at a time */
static void rows_backward(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_layer_norm_backward_args *a = j->a;
    const i64 D = a->D, some = UDL_CEIL_DIV(UDL_MAXI(4, PIECE / UDL_MAXI(1, D)), a->W) * a->W, n = some * D, w = a->W * D;
    float *x = floats(3 * n + 2 * w), *gy = x + n, *gx = gy + n, *own = gx + n;
    FAIL_WITHOUT(x, j)
    EACH_PIECE(first, count, j) {
        float *part = j->sums + first / j->unit * 2 * w;
        memset(part, 0, sizeof(float) * (size_t)(2 * w));
        for (i64 m = first, left; m < first + count; m += left) {
            udl_layer_norm_backward_args f = *a;
            left = UDL_MINI(some, first + count - m);
            widen(x, a->x, m * D, left * D);
            widen(gy, a->gy, m * D, left * D);
            f.dtype = UDL_F32, f.M = left, f.x = x, f.gy = gy, f.gx = a->gx ? gx : 0, f.gw = a->gw ? own : 0, f.gb = a->gb ? own + w : 0;
            f.mean = at(a->mean, m), f.rstd = at(a->rstd, m);
            if (KERNEL(layer_norm_backward)(&f)) j->failed = 1;
            for (i64 i = a->gw ? 0 : w; i < (a->gb ? 2 * w : w); i++) part[i] += own[i];
            if (a->gx) narrow(a->gx, m * D, gx, left * D);
        }
    }
    drop(x, 3 * n + 2 * w);
}
int INTERNAL(layer_norm_backward_bf16)(const udl_layer_norm_backward_args *a) {
    const i64 least = UDL_MAXI(UDL_CEIL_DIV(a->M, PARTS), UDL_MAXI(4, 4 * PIECE / UDL_MAXI(1, a->D))), w = a->W * a->D;
    job j = {.a = a, .n = a->M, .unit = UDL_CEIL_DIV(least, a->W) * a->W, .size = a->D};
    const i64 parts = UDL_CEIL_DIV(a->M, j.unit);
    if (!(j.sums = floats(parts * 2 * w))) return UDL_ENOMEM;
    const int status = run(&j, rows_backward);
    add_parts(a->gw, j.sums, parts, 2 * w, w);
    add_parts(a->gb, j.sums + w, parts, 2 * w, w);
    drop(j.sums, parts * 2 * w);
    return status;
}

/* ---- group_norm: an example ------------------------------------------------------------------------------------------------------ */
static void examples(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_group_norm_args *a = j->a;
    const i64 n = a->C * a->L / a->G;
    float *x = floats(2 * n), *y = x + n;
    FAIL_WITHOUT(x, j)
    for (i64 r = begin; r < end; r++) { /* a group of an example */
        udl_group_norm_args f = *a;
        const i64 c = r % a->G * (a->C / a->G);
        widen(x, a->x, r * n, n);
        f.dtype = UDL_F32, f.N = f.G = 1, f.C = a->C / a->G, f.x = x, f.y = y, f.mean = at(a->mean, r), f.rstd = at(a->rstd, r);
        f.w = at(a->w, c), f.b = at(a->b, c);
        if (KERNEL(group_norm)(&f)) j->failed = 1;
        narrow(a->y, r * n, y, n);
    }
    drop(x, 2 * n);
}
int INTERNAL(group_norm_bf16)(const udl_group_norm_args *a) {
    job j = {.a = a, .n = a->N * a->G, .unit = 1, .size = a->C / a->G * a->L};
    return run(&j, examples);
}

static void examples_backward(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_group_norm_backward_args *a = j->a;
    const i64 n = a->C * a->L / a->G, C = a->C / a->G, all = a->N * a->C;
    float *x = floats(3 * n), *gy = x + n, *gx = gy + n;
    FAIL_WITHOUT(x, j)
    for (i64 r = begin; r < end; r++) {
        udl_group_norm_backward_args f = *a;
        widen(x, a->x, r * n, n);
        widen(gy, a->gy, r * n, n);
        f.dtype = UDL_F32, f.N = f.G = 1, f.C = C, f.x = x, f.gy = gy, f.gx = a->gx ? gx : 0, f.mean = at(a->mean, r), f.rstd = at(a->rstd, r);
        f.w = at(a->w, r % a->G * C), f.gw = a->gw ? j->sums + r * C : 0, f.gb = a->gb ? j->sums + all + r * C : 0;
        if (KERNEL(group_norm_backward)(&f)) j->failed = 1;
        if (a->gx) narrow(a->gx, r * n, gx, n);
    }
    drop(x, 3 * n);
}
int INTERNAL(group_norm_backward_bf16)(const udl_group_norm_backward_args *a) {
    job j = {.a = a, .n = a->N * a->G, .unit = 1, .size = a->C / a->G * a->L};
    const i64 all = a->N * a->C;
    if (!(j.sums = floats(2 * all))) return UDL_ENOMEM;
    const int status = run(&j, examples_backward);
    add_parts(a->gw, j.sums, a->N, a->C, a->C);
    add_parts(a->gb, j.sums + all, a->N, a->C, a->C);
    drop(j.sums, 2 * all);
    return status;
}

/* ---- softmax: some rows; blocks of columns one at a time, cut up by the kernel itself ------------------------------------------------ */
static void softmax_rows(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_softmax_args *a = j->a;
    const i64 n = j->unit * j->size;
    float *x = floats(n);
    FAIL_WITHOUT(x, j)
    EACH_PIECE(o, count, j) {
        udl_softmax_args f = *a;
        INTERNAL(widen_bf16)(x, (const uint16_t *)a->x + o * j->size, count * j->size);
        f.dtype = UDL_F32, f.outer = count, f.x = x, f.y = x;
        if (KERNEL(softmax)(&f)) j->failed = 1;
        INTERNAL(narrow_bf16)((uint16_t *)a->y + o * j->size, x, count * j->size);
    }
    drop(x, n);
}
int INTERNAL(softmax_bf16)(const udl_softmax_args *a) {
    job j = {.a = a, .n = a->outer, .size = a->n * a->inner};
    j.unit = UDL_MAXI(1, PIECE / UDL_MAXI(1, j.size));
    if (a->inner == 1) return run(&j, softmax_rows);
    softmax_rows(&j, 0, UDL_CEIL_DIV(j.n, j.unit));
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

static void softmax_rows_backward(void *ctx, i64 begin, i64 end) {
    job *j = ctx;
    const udl_softmax_backward_args *a = j->a;
    const i64 n = j->unit * j->size;
    float *y = floats(2 * n), *g = y + n;
    FAIL_WITHOUT(y, j)
    EACH_PIECE(o, count, j) {
        udl_softmax_backward_args f = *a;
        INTERNAL(widen_bf16)(y, (const uint16_t *)a->y + o * j->size, count * j->size);
        INTERNAL(widen_bf16)(g, (const uint16_t *)a->gy + o * j->size, count * j->size);
        f.dtype = UDL_F32, f.outer = count, f.y = y, f.gy = g, f.gx = g;
        if (KERNEL(softmax_backward)(&f)) j->failed = 1;
        INTERNAL(narrow_bf16)((uint16_t *)a->gx + o * j->size, g, count * j->size);
    }
    drop(y, 2 * n);
}
int INTERNAL(softmax_backward_bf16)(const udl_softmax_backward_args *a) {
    job j = {.a = a, .n = a->outer, .size = a->n * a->inner};
    j.unit = UDL_MAXI(1, PIECE / UDL_MAXI(1, j.size));
    if (a->inner == 1) return run(&j, softmax_rows_backward);
    softmax_rows_backward(&j, 0, UDL_CEIL_DIV(j.n, j.unit));
    return j.failed ? UDL_ENOMEM : UDL_OK;
}
