/* elementwise.c - the driver: walks strided, broadcast operands of any type in blocks and calls a contiguous function.
 *
 * The common case (all operands contiguous and of the compute type) goes straight to the inner function. Otherwise the
 * innermost dimension is cut into blocks of BLOCK elements; an operand that is contiguous and of the right type is used
 * where it lies, any other is gathered and converted into a buffer in L1, and the result likewise scattered. A second
 * operand that is broadcast along the block is handed over as the scalar p[0] where the operation takes one.
 * Parallel pieces are cut by the shape: PIECE elements. Floor: bytes of all operands over bandwidth. */
#ifndef T
#include "elementwise.h"
#define UDL_THIS_FILE "kernels/elementwise.c"
#define BLOCK 512
#define PIECE 32768

typedef struct {
    const udl_elementwise_args *s;
    i64 dims, shape[8], strides[4][8]; /* outer dimensions first, the loop's own last */
    i64 rows, blocks, grain;           /* rows x blocks pieces */
    double p[3];
} udl_walk;

/* Does the second operand have a scalar form (p[0])? */
static int takes_scalar(i64 op) { return op >= UDL_MAP_add && op <= UDL_MAP_rpow; }

/* Offsets (in elements) of row `row` for all four operands. */
static void row_offsets(const udl_walk *w, i64 row, i64 at[4]) {
    at[0] = at[1] = at[2] = at[3] = 0;
    for (i64 d = w->dims - 2; d >= 0; d--) {
        i64 i = row % w->shape[d];
        row /= w->shape[d];
        for (int k = 0; k < 4; k++) at[k] += i * w->strides[k][d];
    }
}

static const int itemsizes[UDL_NDTYPES] = {1, 1, 4, 8, 2, 4, 8};

static float bf16_to_float(uint16_t h) { uint32_t b = (uint32_t)h << 16; float f; memcpy(&f, &b, 4); return f; }
static uint16_t float_to_bf16(float f) {
    uint32_t b;
    memcpy(&b, &f, 4);
    return f == f ? (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16) : (uint16_t)(b >> 16 | 0x40);
}

#define I64_BOUND 9223372036854775808.0
static i64 to_int(double x) { return x != x ? 0 : x >= I64_BOUND ? INT64_MAX : x < -I64_BOUND ? INT64_MIN : (i64)x; }

/* Fills the walk: the longest dimension goes innermost when the innermost is short. */
static void plan(const udl_elementwise_args *s, udl_walk *w) {
    i64 nd = s->ndim, inner = nd - 1;
    if (s->shape[inner] < 16)
        for (i64 d = 0; d < nd; d++) if (s->shape[d] > s->shape[inner] * 4) inner = d;
    w->s = s;
    w->dims = nd;
    w->rows = 1;
    for (i64 d = 0, e = 0; d < nd; d++) {
        if (d == inner) continue;
        w->shape[e] = s->shape[d];
        w->rows *= s->shape[d];
        for (int k = 0; k < 4; k++) w->strides[k][e] = s->strides[k][d];
        e++;
    }
    w->shape[nd - 1] = s->shape[inner];
    for (int k = 0; k < 4; k++) w->strides[k][nd - 1] = s->strides[k][inner];
    w->blocks = UDL_CEIL_DIV(w->shape[nd - 1], PIECE);
    w->grain = PIECE / UDL_MAXI(1, UDL_MINI(w->shape[nd - 1], (i64)PIECE));
    w->p[0] = s->p[0];
    w->p[1] = s->p[1];
    w->p[2] = 0;
}

#include "../each_float.h"

/* the same driver for int64: written with the same names */
#define T i64
#define FN(name) name##_i64
#define UDL_INT_PASS
#include "elementwise.c"
#undef UDL_INT_PASS
#undef T
#undef FN

/* ---- copies that exchange dimensions: tiles, so that both sides move along cache lines ------------------------------- */
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
    if (s->dtype[0] != s->dtype[1] || (size != 4 && size != 8) || nd < 2 || s->strides[0][last] != 1) return 0;
    for (i64 d = 0; d < last; d++) if (s->strides[1][d] == 1 && s->shape[d] >= 8) row = d;
    if (row < 0 || s->shape[last] < 8 || s->strides[1][last] == 1) return 0;
    udl_tiles t = {s, s->shape[row], s->shape[last], 1, s->strides[0][row], s->strides[1][last], 1, 1, {0}, 0};
    for (i64 d = 0; d < last; d++)
        if (d != row) { t.dims[t.nd++] = d; t.outer *= s->shape[d]; }
    i64 tasks = t.outer * UDL_CEIL_DIV(t.rows, TILE), grain = UDL_MAXI(1, PIECE / (TILE * t.cols));
    udl_range_fn fn = size == 4 ? tiles4 : tiles8;
    if (tasks <= grain) fn(&t, 0, tasks);
    else udl_parallel_for(tasks, grain, fn, &t);
    return 1;
}

int KERNEL(elementwise)(const udl_elementwise_args *s) {
    if (s->op < 0 || s->op >= UDL_MAP_COUNT || s->ndim < 1) return UDL_EINVAL;
    if (s->op == UDL_MAP_copy && s->ndim > 1 && copy_tiled(s)) return UDL_OK;
    if (INTERNAL(copy_bf16)(s)) return UDL_OK;
    if (s->compute == UDL_F32) return map_f32(s);
    if (s->compute == UDL_F64) return map_f64(s);
    return s->compute == UDL_I64 ? map_i64(s) : UDL_EINVAL;
}

#else /* ---- once for each compute type ------------------------------------------------------------------------------- */

#ifdef UDL_INT_PASS
#define FROM_FLOAT(x) to_int((double)(x))
#define COMPUTE UDL_I64
#else
#define FROM_FLOAT(x) (T)(x)
#define COMPUTE (sizeof(T) == 4 ? UDL_F32 : UDL_F64)
#endif

#define GATHER(E, EXPR) { const E *x = (const E *)src + at; for (i64 i = 0; i < n; i++) { E v = x[i * stride]; buf[i] = (EXPR); } break; }
#define LOADS(E, EXPR) if (stride == 1) { const E *x = (const E *)src + at; for (i64 i = 0; i < n; i++) { E v = x[i]; buf[i] = (EXPR); } break; } GATHER(E, EXPR)
static void FN(gather)(T *buf, const void *src, i64 at, i64 stride, i64 dtype, i64 n) {
    switch (dtype) {
    case UDL_BOOL: LOADS(uint8_t, (T)(v != 0))
    case UDL_U8: LOADS(uint8_t, (T)v)
    case UDL_I32: LOADS(int32_t, (T)v)
    case UDL_I64: LOADS(i64, (T)v)
    case UDL_BF16: LOADS(uint16_t, FROM_FLOAT(bf16_to_float(v)))
    case UDL_F32: LOADS(float, FROM_FLOAT(v))
    case UDL_F64: LOADS(double, FROM_FLOAT(v))
    default: break;
    }
}
#undef GATHER
#undef LOADS

#ifdef UDL_INT_PASS
#define AS_INT(v) (v)
#else
#define AS_INT(v) to_int((double)(v))
#endif
#define SCATTER(E, EXPR) { E *y = (E *)dst + at; for (i64 i = 0; i < n; i++) { T v = buf[i]; y[i * stride] = (EXPR); } break; }
#define STORES(E, EXPR) if (stride == 1) { E *y = (E *)dst + at; for (i64 i = 0; i < n; i++) { T v = buf[i]; y[i] = (EXPR); } break; } SCATTER(E, EXPR)
static void FN(scatter)(const T *buf, void *dst, i64 at, i64 stride, i64 dtype, i64 n) {
    switch (dtype) {
    case UDL_BOOL: STORES(uint8_t, v != 0)
    case UDL_U8: STORES(uint8_t, (uint8_t)AS_INT(v))
    case UDL_I32: STORES(int32_t, (int32_t)(uint32_t)(uint64_t)AS_INT(v))
    case UDL_I64: STORES(i64, AS_INT(v))
    case UDL_BF16: STORES(uint16_t, float_to_bf16((float)v))
    case UDL_F32: STORES(float, (float)v)
    case UDL_F64: STORES(double, (double)v)
    default: break;
    }
}
#undef SCATTER
#undef STORES
#undef AS_INT

/* Pieces begin..end: piece = row x block. */
static void FN(walk)(void *ctx, i64 begin, i64 end) {
    udl_walk *w = ctx;
    const udl_elementwise_args *s = w->s;
    FN(udl_map) fn = INTERNAL(FN(map))[s->op];
    T buf[4][BLOCK] __attribute__((aligned(64)));
    const i64 last = w->dims - 1, n_all = w->shape[last];
    double p[3] = {w->p[0], w->p[1], 0};
    for (i64 piece = begin; piece < end; piece++) {
        i64 at[4], i0 = piece % w->blocks * PIECE, i1 = UDL_MINI(n_all, i0 + PIECE);
        row_offsets(w, piece / w->blocks, at);
        int direct[4], scalar_b = 0;
        for (int k = 0; k < 4; k++) direct[k] = s->dtype[k] == COMPUTE && w->strides[k][last] == 1;
        if (takes_scalar(s->op) && s->in[1] && w->strides[2][last] == 0) {
            T one = 0;
            FN(gather)(&one, s->in[1], at[2], 0, s->dtype[2], 1);
            if ((double)one != (double)one || (T)(double)one == one) { p[0] = (double)one; scalar_b = 1; }
        }
        int filled[3] = {0, 0, 0};
        for (i64 i = i0, n; i < i1; i += n) {
            const T *in[3] = {NULL, NULL, NULL};
            n = direct[0] && direct[1] && (!s->in[1] || direct[2] || scalar_b) && (!s->in[2] || direct[3])
                    ? i1 - i : UDL_MINI(i1 - i, (i64)BLOCK);
            for (int k = 0; k < 3; k++) {
                i64 stride = w->strides[k + 1][last], from = at[k + 1] + i * stride;
                if (!s->in[k] || (k == 1 && scalar_b)) continue;
                if (direct[k + 1]) { in[k] = (const T *)s->in[k] + from; continue; }
                in[k] = buf[k];
                if (stride == 0 && filled[k]) continue;
                FN(gather)(buf[k], s->in[k], from, stride, s->dtype[k + 1], stride == 0 ? (i64)BLOCK : n);
                filled[k] = 1;
            }
            T *out = direct[0] ? (T *)s->out + at[0] + i : buf[3];
            fn(out, in[0], in[1], in[2], n, p);
            if (!direct[0]) FN(scatter)(buf[3], s->out, at[0] + i * w->strides[0][last], w->strides[0][last], s->dtype[0], n);
        }
    }
    if (p[2] != 0) w->p[2] = 1; /* every writer writes the same */
}

typedef struct { FN(udl_map) fn; const udl_elementwise_args *s; double p[3]; } FN(flat_job);

static void FN(flat)(void *ctx, i64 begin, i64 end) {
    FN(flat_job) *j = ctx;
    const T *a = j->s->in[0], *b = j->s->in[1], *c = j->s->in[2];
    double p[3] = {j->p[0], j->p[1], 0};
    j->fn((T *)j->s->out + begin, a + begin, b ? b + begin : NULL, c ? c + begin : NULL, end - begin, p);
    if (p[2] != 0) j->p[2] = 1;
}

static int FN(map)(const udl_elementwise_args *s) {
    FN(udl_map) fn = INTERNAL(FN(map))[s->op];
    if (!fn) return UDL_EINVAL;
    if (s->ndim == 1 && s->dtype[0] == COMPUTE && s->dtype[1] == COMPUTE && s->strides[0][0] == 1 && s->strides[1][0] == 1
        && (!s->in[1] || (s->dtype[2] == COMPUTE && s->strides[2][0] == 1))
        && (!s->in[2] || (s->dtype[3] == COMPUTE && s->strides[3][0] == 1))) {
        FN(flat_job) j = {fn, s, {s->p[0], s->p[1], 0}};
        if (s->shape[0] <= PIECE) fn(s->out, s->in[0], s->in[1], s->in[2], s->shape[0], j.p);
        else udl_parallel_for(s->shape[0], PIECE, FN(flat), &j);
        return j.p[2] != 0 ? UDL_EINVAL : UDL_OK;
    }
    udl_walk w;
    plan(s, &w);
    if (w.rows * w.blocks == 0) return UDL_OK;
    if (w.rows * w.blocks <= w.grain) FN(walk)(&w, 0, w.rows * w.blocks);
    else udl_parallel_for(w.rows * w.blocks, w.grain, FN(walk), &w);
    return w.p[2] != 0 ? UDL_EINVAL : UDL_OK;
}
#undef FROM_FLOAT
#undef COMPUTE
#endif
