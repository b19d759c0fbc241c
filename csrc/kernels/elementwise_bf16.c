/* elementwise_bf16.c - copies between bfloat16 and float32, and of bfloat16, whose rows are contiguous: a vector at a time, with
 * no buffer between. Floor: the bytes of both sides. */
#include "../vec/bf16.h"
#include "elementwise.h"
#include "half_copy.h"

enum { PIECE = 16384 }; /* numbers of a task */

typedef struct { const udl_elementwise_args *s; i64 n, blocks, rows; } copying; /* blocks: parts of a row of n */

static void copy_row(const udl_elementwise_args *s, i64 to, i64 from, i64 n) {
    const int in16 = s->dtype[1] == UDL_BF16, out16 = s->dtype[0] == UDL_BF16;
    const uint16_t *h = (const uint16_t *)s->in[0] + from;
    const float *f = (const float *)s->in[0] + from;
    if (in16 && out16) memmove((uint16_t *)s->out + to, h, (size_t)n * 2);
    else if (in16) h_widen_row((float *)s->out + to, h, n);
    else h_narrow_row((uint16_t *)s->out + to, f, n);
}

static void copy_rows(void *ctx, i64 begin, i64 end) { /* task = part of a row */
    const copying *c = ctx;
    const udl_elementwise_args *s = c->s;
    for (i64 t = begin; t < end; t++) {
        i64 first = t % c->blocks * PIECE, to = first, from = first;
        for (i64 d = s->ndim - 2, rest = t / c->blocks; d >= 0; d--) {
            i64 i = rest % s->shape[d];
            rest /= s->shape[d];
            to += i * s->strides[0][d], from += i * s->strides[1][d];
        }
        copy_row(s, to, from, UDL_MINI(c->n - first, (i64)PIECE));
    }
}

int INTERNAL(copy_bf16)(const udl_elementwise_args *s) {
    const i64 last = s->ndim - 1, in = s->dtype[1], out = s->dtype[0];
    if (s->op != UDL_MAP_copy || s->ndim < 1 || (in != UDL_BF16 && out != UDL_BF16)) return 0;
    if ((in != UDL_BF16 && in != UDL_F32) || (out != UDL_BF16 && out != UDL_F32)) return 0;
    if (s->strides[0][last] != 1 || s->strides[1][last] != 1 || s->shape[last] < VW32) return 0;
    copying c = {s, s->shape[last], UDL_CEIL_DIV(s->shape[last], (i64)PIECE), 1};
    for (i64 d = 0; d < last; d++) c.rows *= s->shape[d];
    udl_parallel_for(c.rows * c.blocks, UDL_MAXI(1, PIECE / UDL_MINI(c.n, (i64)PIECE)), copy_rows, &c);
    return 1;
}

typedef struct { void *to; const void *from; } conversion;
static void widen_task(void *ctx, i64 begin, i64 end) {
    const conversion *c = ctx;
    h_widen_row((float *)c->to + begin, (const uint16_t *)c->from + begin, end - begin);
}
static void narrow_task(void *ctx, i64 begin, i64 end) {
    const conversion *c = ctx;
    h_narrow_row((uint16_t *)c->to + begin, (const float *)c->from + begin, end - begin);
}
void INTERNAL(widen_bf16)(float *to, const void *from, i64 n) { udl_parallel_for(n, PIECE, widen_task, &(conversion){to, from}); }
void INTERNAL(narrow_bf16)(void *to, const float *from, i64 n) { udl_parallel_for(n, PIECE, narrow_task, &(conversion){to, from}); }
