/* join.c - parts side by side in each row of an array: what cat and stack do.
 *
 * One walk along the output, cut into pieces of bytes, so that each page is touched once, however the parts lie.
 * Floor: one read and one write of every byte. */
#include "udlfast.h"
#include <string.h>
#define PIECE 65536

typedef struct { char *out; const udl_join_part *parts; int64_t row, total; } join_job;

static void join_pieces(void *ctx, int64_t begin, int64_t end) {
    const join_job *j = ctx;
    const int64_t stop = end * PIECE < j->total ? end * PIECE : j->total;
    int64_t at = begin * PIECE, o = at / j->row, rest = at % j->row;
    const udl_join_part *p = j->parts;
    for (; rest >= p->bytes; p++) rest -= p->bytes;
    while (at < stop) {
        int64_t n = p->bytes - rest;
        if (n > stop - at) n = stop - at;
        memcpy(j->out + at, p->data + o * p->step + rest, (size_t)n);
        at += n;
        rest = 0;
        p++;
        if (at < stop && at % j->row == 0) o++, p = j->parts;
        for (; at < stop && p->bytes == 0; p++) {}
    }
}

void udl_join(char *out, const udl_join_part *parts, int64_t n, int64_t rows) {
    join_job j = {out, parts, 0, 0};
    for (int64_t i = 0; i < n; i++) j.row += parts[i].bytes;
    j.total = rows * j.row;
    if (j.total == 0) return;
    const int64_t pieces = (j.total + PIECE - 1) / PIECE;
    if (pieces <= 2) join_pieces(&j, 0, pieces);
    else udl_parallel_for(pieces, 2, join_pieces, &j);
}
