/* elementwise_copy.c - copies that change the order of dimensions but not the type.
 *
 * Where both sides run along the last dimension, rows of bytes are copied; where they run along different ones, tiles go through
 * a buffer, so that both sides move along cache lines. Floor: bytes read and written over bandwidth. */
#include "elementwise.h"
#include "bytes.h"
#define PIECE 32768

static const int itemsizes[UDL_NDTYPES] = UDL_ITEMSIZES;

/* ---- rows ------------------------------------------------------------------------------------------------------------ */
typedef struct {
    char *y;
    const char *x;
    i64 bytes, rows, row_out, row_in, per_piece, pieces; /* a row; rows, their distances; rows of a piece, pieces of the rows */
    i64 dims, shape[8], out[8], in[8];                   /* dimensions before those two */
} udl_rows;

static void rows(void *ctx, i64 begin, i64 end) {
    const udl_rows *t = ctx;
    for (i64 piece = begin; piece < end; piece++) {
        i64 rest = piece / t->pieces, r0 = piece % t->pieces * t->per_piece, r1 = UDL_MINI(t->rows, r0 + t->per_piece);
        char *y = t->y + r0 * t->row_out;
        const char *x = t->x + r0 * t->row_in;
        for (i64 d = t->dims - 1; d >= 0; d--) {
            y += rest % t->shape[d] * t->out[d];
            x += rest % t->shape[d] * t->in[d];
            rest /= t->shape[d];
        }
        for (i64 r = r0; r < r1; r++, y += t->row_out, x += t->row_in) copy_bytes(y, x, t->bytes);
    }
}

/* both contiguous along the last dimension. 1 if done. */
static int copy_rows(const udl_elementwise_args *s) {
    const i64 nd = s->ndim, last = nd - 1, size = itemsizes[s->dtype[0]];
    if (s->strides[0][last] != 1 || s->strides[1][last] != 1) return 0;
    udl_rows t = {s->out, s->in[0], size * s->shape[last], s->shape[last - 1], size * s->strides[0][last - 1],
                  size * s->strides[1][last - 1], 0, 0, nd - 2, {0}, {0}, {0}};
    i64 outer = 1;
    for (i64 d = 0; d < t.dims; d++) {
        outer *= t.shape[d] = s->shape[d];
        t.out[d] = size * s->strides[0][d];
        t.in[d] = size * s->strides[1][d];
    }
    if (outer * t.rows * t.bytes == 0) return 1;
    t.per_piece = UDL_MAXI(1, 4 * PIECE / t.bytes);
    t.pieces = UDL_CEIL_DIV(t.rows, t.per_piece);
    i64 grain = UDL_MAXI(1, 4 * PIECE / (t.bytes * UDL_MINI(t.rows, t.per_piece)));
    if (outer * t.pieces <= grain) rows(&t, 0, outer * t.pieces);
    else udl_parallel_for(outer * t.pieces, grain, rows, &t);
    return 1;
}

/* ---- tiles ----------------------------------------------------------------------------------------------------------- */
#define TILE 32
typedef struct { const udl_elementwise_args *s; i64 rows, cols, row_in, row_out, col_in, col_out, outer, dims[8]; int nd; } udl_tiles;

#define TILE_COPY(name, E)                                                                                      \
    static void name(void *ctx, i64 begin, i64 end) {                                                           \
        const udl_tiles *t = ctx;                                                                               \
        i64 per = UDL_CEIL_DIV(t->rows, TILE);                                                                  \
        for (i64 b = begin; b < end; b++) {                                                                     \
            i64 rest = b / per, r0 = b % per * TILE, r1 = UDL_MINI(t->rows, r0 + TILE), in = 0, out = 0;        \
            for (int d = t->nd - 1; d >= 0; d--) {                                                              \
                i64 k = t->dims[d], i = rest % t->s->shape[k];                                                  \
                rest /= t->s->shape[k];                                                                         \
                in += i * t->s->strides[1][k];                                                                  \
                out += i * t->s->strides[0][k];                                                                 \
            }                                                                                                   \
            const E *x = (const E *)t->s->in[0] + in;                                                           \
            E *y = (E *)t->s->out + out, buf[TILE][TILE];                                                       \
            for (i64 c0 = 0; c0 < t->cols; c0 += TILE) {                                                        \
                i64 c1 = UDL_MINI(t->cols, c0 + TILE);                                                          \
                for (i64 c = c0; c < c1; c++)                                                                   \
                    for (i64 r = r0; r < r1; r++) buf[r - r0][c - c0] = x[r + c * t->col_in];                   \
                for (i64 r = r0; r < r1; r++) memcpy(y + r * t->row_out + c0, buf[r - r0], sizeof(E) * (size_t)(c1 - c0)); \
            }                                                                                                   \
        }                                                                                                       \
    }
TILE_COPY(tiles4, uint32_t)
TILE_COPY(tiles8, uint64_t)

/* out contiguous along the last dimension, a along another: the two span the tiles. 1 if done. */
static int copy_tiled(const udl_elementwise_args *s) {
    i64 nd = s->ndim, last = nd - 1, row = -1, size = itemsizes[s->dtype[0]];
    if ((size != 4 && size != 8) || s->strides[0][last] != 1) return 0;
    for (i64 d = 0; d < last; d++) if (s->strides[1][d] == 1 && s->shape[d] >= 8) row = d;
    if (row < 0 || s->shape[last] < 8 || s->strides[1][last] <= 1) return 0;
    udl_tiles t = {s, s->shape[row], s->shape[last], 1, s->strides[0][row], s->strides[1][last], 1, 1, {0}, 0};
    for (i64 d = 0; d < last; d++)
        if (d != row) { t.dims[t.nd++] = d; t.outer *= s->shape[d]; }
    i64 tasks = t.outer * UDL_CEIL_DIV(t.rows, TILE), grain = UDL_MAXI(1, PIECE / (TILE * t.cols));
    udl_range_fn fn = size == 4 ? tiles4 : tiles8;
    if (tasks <= grain) fn(&t, 0, tasks);
    else udl_parallel_for(tasks, grain, fn, &t);
    return 1;
}

int INTERNAL(copy_dims)(const udl_elementwise_args *s) {
    return s->dtype[0] == s->dtype[1] && (copy_rows(s) || copy_tiled(s));
}
