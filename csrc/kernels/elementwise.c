/* elementwise.c - the driver: walks strided, broadcast operands of any type in blocks and calls a contiguous function.
 *
 * The common case (all operands contiguous and of the compute type) goes straight to the inner function. Otherwise the loop
 * is rows x the innermost dimension. Operands that are contiguous and of the right type are used where they lie, any
 * other is gathered and converted into a buffer in L1, BLOCK elements at a time, and the result likewise scattered. Short
 * rows are taken several at once, so that the function sees BLOCK elements: then an operand counts as contiguous if
 * its rows follow each other, and one that is the same in all rows is gathered once.
 * An input that is contiguous along the dimension of the rows (a transposed matrix) makes the loop one over tiles, so that lines of
 * memory are used whole: it is turned into a buffer, and the function runs along the rows of the tile.
 * A second operand that is broadcast along the row is handed over as the scalar p[0] where the operation takes one; where
 * the first one is and the operation has a mirrored form, the two change places.
 * Parallel pieces are cut by the shape: about PIECE elements. Floor: bytes of all operands over bandwidth. */
#ifndef T
#include "elementwise.h"
#include "half.h"
#define UDL_THIS_FILE "kernels/elementwise.c"
#define BLOCK 1024
#define TILE 32 /* squared: BLOCK */
#define PIECE 32768

typedef struct {
    udl_elementwise_args s;
    i64 outer, rows, n;            /* outer x rows x n elements; dimensions before the last two make up `outer` */
    i64 row[4], step[4];           /* strides of the last two dimensions */
    i64 dims, shape[8], strides[4][8];
    i64 group, per_piece, row_pieces, col_pieces; /* rows taken at once, rows of a piece, pieces along rows and along n */
    int long_rows, tiled;          /* every operand's row is used where it lies; an input is contiguous along the rows' dimension: go by tiles */
    double p[3];
} udl_walk;

/* Does the second operand have a scalar form (p[0])? */
static int takes_scalar(i64 op) { return op >= UDL_MAP_add && op <= UDL_MAP_rpow; }

/* Offsets (in elements) of outer index o for all four operands. */
static void outer_offsets(const udl_walk *w, i64 o, i64 at[4]) {
    at[0] = at[1] = at[2] = at[3] = 0;
    for (i64 d = w->dims - 1; d >= 0; d--) {
        i64 i = o % w->shape[d];
        o /= w->shape[d];
        for (int k = 0; k < 4; k++) at[k] += i * w->strides[k][d];
    }
}

static float bf16_to_float(uint16_t h) { uint32_t b = (uint32_t)h << 16; float f; memcpy(&f, &b, 4); return f; }
static uint16_t float_to_bf16(float f) {
    uint32_t b;
    memcpy(&b, &f, 4);
    return f == f ? (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16) : (uint16_t)(b >> 16 | 0x40);
}

#define I64_BOUND 9223372036854775808.0
#define U64_END 18446744073709551616.0
static i64 to_int(double x) { return x != x ? 0 : x >= I64_BOUND ? INT64_MAX : x < -I64_BOUND ? INT64_MIN : (i64)x; }

/* b op a as an operation on (b, a); -1 where there is none */
static i64 mirrored(i64 op) {
    switch (op) {
    case UDL_MAP_add: case UDL_MAP_mul: return op;
    case UDL_MAP_sub: return UDL_MAP_rsub;
    case UDL_MAP_rsub: return UDL_MAP_sub;
    case UDL_MAP_div: return UDL_MAP_rdiv;
    case UDL_MAP_rdiv: return UDL_MAP_div;
    default: return -1;
    }
}

static void change_places(udl_walk *w) {
    udl_elementwise_args *s = &w->s;
    const void *in = s->in[0];
    i64 dtype = s->dtype[1];
    s->op = mirrored(s->op);
    s->in[0] = s->in[1]; s->in[1] = in;
    s->dtype[1] = s->dtype[2]; s->dtype[2] = dtype;
    for (i64 d = 0; d < s->ndim; d++) {
        i64 t = s->strides[1][d];
        s->strides[1][d] = s->strides[2][d];
        s->strides[2][d] = t;
    }
}

/* Does every operand's row lie in memory as the function takes it? Then rows this long need no buffer. */
#define LONG_ROW 32
static int rows_direct(const udl_walk *w) {
    const udl_elementwise_args *s = &w->s;
    if (w->n < LONG_ROW) return 0;
    for (int k = 0; k < 4; k++) {
        if (k && !s->in[k - 1]) continue;
        const int scalar = k == 2 && w->step[k] == 0 && takes_scalar(s->op) && s->compute != UDL_I64;
        if ((w->step[k] != 1 && !scalar) || s->dtype[k] != s->compute) return 0;
    }
    return 1;
}

/* Fills the walk: the longest dimension goes innermost when the innermost is short and nothing lies along it. */
static void plan(const udl_elementwise_args *args, udl_walk *w) {
    w->s = *args;
    udl_elementwise_args *s = &w->s;
    i64 nd = s->ndim, inner = nd - 1, e = 0;
    if (s->shape[inner] < 16 && s->strides[0][inner] != 1)
        for (i64 d = 0; d < nd; d++) if (s->shape[d] > s->shape[inner] * 4) inner = d;
    if (s->in[1] && !s->in[2] && s->strides[1][inner] == 0 && s->strides[2][inner] != 0 && mirrored(s->op) >= 0) change_places(w);
    i64 last = inner == nd - 1 ? nd - 2 : nd - 1; /* the dimension of the rows, -1 if there is one dimension only */
    w->tiled = 0;
    for (int k = 1; k < 4 && s->shape[inner] >= 16; k++)
        for (i64 d = 0; d < nd && s->in[k - 1] && (s->strides[k][inner] < 0 || s->strides[k][inner] > 1); d++)
            if (d != inner && s->strides[k][d] == 1 && s->shape[d] >= 8) last = d, w->tiled = 1;
    w->outer = 1;
    for (i64 d = 0; d < nd; d++) {
        if (d == inner || d == last) continue;
        w->shape[e] = s->shape[d];
        w->outer *= s->shape[d];
        for (int k = 0; k < 4; k++) w->strides[k][e] = s->strides[k][d];
        e++;
    }
    w->dims = e;
    w->n = s->shape[inner];
    w->rows = last < 0 ? 1 : s->shape[last];
    for (int k = 0; k < 4; k++) {
        w->step[k] = s->strides[k][inner];
        w->row[k] = last < 0 ? 0 : s->strides[k][last];
    }
    w->long_rows = !w->tiled && rows_direct(w);
    w->group = w->tiled ? TILE : w->n > 0 && w->n <= BLOCK / 2 && !w->long_rows ? UDL_MINI(w->rows, BLOCK / w->n) : 1;
    w->per_piece = UDL_MAXI(w->group, PIECE / UDL_MAXI(1, UDL_MINI(w->n, (i64)PIECE)) / w->group * w->group);
    w->row_pieces = UDL_CEIL_DIV(w->rows, w->per_piece);
    w->col_pieces = UDL_CEIL_DIV(w->n, PIECE);
    w->p[0] = s->p[0];
    w->p[1] = s->p[1];
    w->p[2] = 0;
}

static i64 to_uint(double x) { return x >= U64_END ? -1 : x >= I64_BOUND ? (i64)(uint64_t)x : to_int(x); } /* as bits */

__attribute__((cold, noinline)) static void keep_low(i64 *x, i64 n, i64 low) { for (i64 i = 0; i < n; i++) x[i] &= low; }

#include "../each_float.h"

/* the same driver for int64: written with the same names */
#define T i64
#define FN(name) name##_i64
#define UDL_INT_PASS
#include "elementwise.c"
#undef UDL_INT_PASS
#undef T
#undef FN

int KERNEL(elementwise)(const udl_elementwise_args *s) {
    if (s->op < 0 || s->op >= UDL_MAP_COUNT || s->ndim < 1) return UDL_EINVAL;
    for (i64 d = 0; d < s->ndim; d++) /* a plan from a file may ask for nothing; ways below divide by sizes */
        if (s->shape[d] == 0) return UDL_OK;
    if (s->op == UDL_MAP_copy && s->ndim > 1 && INTERNAL(copy_dims)(s)) return UDL_OK;
    if (INTERNAL(copy_bf16)(s) || INTERNAL(map_narrow)(s)) return UDL_OK;
    if (s->compute == UDL_F32) return map_f32(s);
    if (s->compute == UDL_F64) return UDL_F64_OR(map_f64(s), UDL_EINVAL);
    return s->compute == UDL_I64 ? map_i64(s) : UDL_EINVAL;
}

#else /* ---- once for each compute type ------------------------------------------------------------------------------- */

#ifdef UDL_INT_PASS
#define ALSO(dtype) case dtype:
#define FROM_FLOAT(x) to_int((double)(x))
#define COMPUTE UDL_I64
#else
#define ALSO(dtype)
#define FROM_FLOAT(x) (T)(x)
#define COMPUTE (sizeof(T) == 4 ? UDL_F32 : UDL_F64)
#endif

#define GATHER(E, EXPR)                                                                                        \
    for (i64 r = 0; r < rows; r++, x += row, buf += n) for (i64 i = 0; i < n; i++) { E v = x[i * stride]; buf[i] = (EXPR); }
#define LOADS(E, EXPR) {                                                                                       \
        const E *x = (const E *)src + at;                                                                      \
        if (stride == 1) for (i64 r = 0; r < rows; r++, x += row, buf += n) for (i64 i = 0; i < n; i++) { E v = x[i]; buf[i] = (EXPR); } \
        else if (stride == 0) for (i64 r = 0; r < rows; r++, x += row, buf += n) { E v = *x; T t = (EXPR); for (i64 i = 0; i < n; i++) buf[i] = t; } \
        else GATHER(E, EXPR)                                                                                   \
        break;                                                                                                 \
    }
#ifndef UDL_INT_PASS
/* the same for unsigned numbers of 16 to 64 bits, which are rare: small rather than fast */
__attribute__((cold, noinline)) static void FN(gather_unsigned)(T *buf, const void *src, i64 at, i64 row, i64 stride, i64 dtype, i64 rows, i64 n) {
    for (i64 r = 0; r < rows; r++, at += row)
        for (i64 i = 0; i < n; i++) {
            const i64 k = at + i * stride;
            *buf++ = dtype == UDL_U16 ? (T)((const uint16_t *)src)[k] : dtype == UDL_U32 ? (T)((const uint32_t *)src)[k]
                                                                                       : (T)((const uint64_t *)src)[k];
        }
}
#endif
/* buf[r, i] = src[at + r row + i stride] */
static void FN(gather)(T *buf, const void *src, i64 at, i64 row, i64 stride, i64 dtype, i64 rows, i64 n) {
#ifdef UDL_INT_PASS
    T *const first = buf;
    const i64 all = rows * n;
#endif
    switch (dtype) {
    case UDL_BOOL: LOADS(uint8_t, (T)(v != 0))
    case UDL_U8: LOADS(uint8_t, (T)v)
    case UDL_I8: LOADS(int8_t, (T)v)
    ALSO(UDL_U16) case UDL_I16: LOADS(int16_t, (T)v)
    ALSO(UDL_U32) case UDL_I32: LOADS(int32_t, (T)v)
    ALSO(UDL_U64) case UDL_I64: LOADS(i64, (T)v)
#ifndef UDL_INT_PASS
    case UDL_U16: case UDL_U32: case UDL_U64: FN(gather_unsigned)(buf, src, at, row, stride, dtype, rows, n); break;
#endif
#if !defined UDL_INT_PASS
    case UDL_F16:
        if (stride == 1 && sizeof(T) == 4) {
            for (i64 r = 0; r < rows; r++) halves_to_floats((float *)buf + r * n, (const uint16_t *)src + at + r * row, n);
            break;
        }
#else
    case UDL_F16:
#endif
        LOADS(uint16_t, FROM_FLOAT(half_to_float(v)))
    case UDL_BF16: LOADS(uint16_t, FROM_FLOAT(bf16_to_float(v)))
    case UDL_F32: LOADS(float, FROM_FLOAT(v))
    case UDL_F64: LOADS(double, FROM_FLOAT(v))
    default: break;
    }
#ifdef UDL_INT_PASS
    const i64 low = dtype == UDL_U16 ? 0xffff : 0xffffffff; /* what was read as signed */
    if (dtype == UDL_U16 || dtype == UDL_U32) keep_low(first, all, low);
#endif
}
#undef GATHER
#undef LOADS

#ifdef UDL_INT_PASS
#define AS_INT(v) (v)
#else
#define AS_INT(v) to_int((double)(v))
#endif
#define STORES(E, EXPR) {                                                                                      \
        E *y = (E *)dst + at;                                                                                  \
        if (stride == 1) for (i64 r = 0; r < rows; r++, y += row, buf += n) for (i64 i = 0; i < n; i++) { T v = buf[i]; y[i] = (EXPR); } \
        else for (i64 r = 0; r < rows; r++, y += row, buf += n) for (i64 i = 0; i < n; i++) { T v = buf[i]; y[i * stride] = (EXPR); } \
        break;                                                                                                 \
    }
static void FN(scatter)(const T *buf, void *dst, i64 at, i64 row, i64 stride, i64 dtype, i64 rows, i64 n) {
    switch (dtype) {
    case UDL_BOOL: STORES(uint8_t, v != 0)
    case UDL_U8: STORES(uint8_t, (uint8_t)AS_INT(v))
    case UDL_I8: STORES(int8_t, (int8_t)(uint8_t)(uint64_t)AS_INT(v))
    case UDL_U16: case UDL_I16: STORES(int16_t, (int16_t)(uint16_t)(uint64_t)AS_INT(v))
    case UDL_U32: case UDL_I32: STORES(int32_t, (int32_t)(uint32_t)(uint64_t)AS_INT(v))
    ALSO(UDL_U64) case UDL_I64: STORES(i64, AS_INT(v))
#ifndef UDL_INT_PASS
    case UDL_U64:
        for (i64 r = 0; r < rows; r++, at += row)
            for (i64 i = 0; i < n; i++) ((i64 *)dst)[at + i * stride] = to_uint((double)*buf++);
        break;
#endif
#if !defined UDL_INT_PASS
    case UDL_F16:
        if (stride == 1 && sizeof(T) == 4) {
            for (i64 r = 0; r < rows; r++) floats_to_halves((uint16_t *)dst + at + r * row, (const float *)buf + r * n, n);
            break;
        }
#else
    case UDL_F16:
#endif
        STORES(uint16_t, float_to_half((float)v))
    case UDL_BF16: STORES(uint16_t, float_to_bf16((float)v))
    case UDL_F32: STORES(float, (float)v)
    case UDL_F64: STORES(double, (double)v)
    default: break;
    }
}
#undef STORES
#undef AS_INT

/* one block: `rows` rows of n elements at offsets at[] */
typedef struct { FN(udl_map) fn; int direct[4], scalar_b, whole; T *buf[4]; } FN(how);

static void FN(block)(const udl_walk *w, const FN(how) *h, const i64 at[4], i64 rows, i64 n, i64 filled[3], double *p) {
    const udl_elementwise_args *s = &w->s;
    const T *in[3] = {NULL, NULL, NULL};
    if (h->scalar_b) {
        T one = 0;
        if (s->dtype[2] == COMPUTE) one = ((const T *)s->in[1])[at[2]];
        else FN(gather)(&one, s->in[1], at[2], 0, 0, s->dtype[2], 1, 1);
        p[0] = (double)one;
    }
    for (int k = 0; k < 3; k++) {
        if (!s->in[k] || (k == 1 && h->scalar_b)) continue;
        if (h->direct[k + 1]) { in[k] = (const T *)s->in[k] + at[k + 1]; continue; }
        in[k] = h->buf[k];
        i64 count = rows * n, same = (w->step[k + 1] == 0 || w->group > 1) && (w->row[k + 1] == 0 || rows == 1);
        if (same && filled[k] >= count) continue;
        FN(gather)(h->buf[k], s->in[k], at[k + 1], w->row[k + 1], w->step[k + 1], s->dtype[k + 1], rows, n);
        filled[k] = w->row[k + 1] == 0 || w->group == 1 ? count : 0;
    }
    T *out = h->direct[0] ? (T *)s->out + at[0] : h->buf[3];
    h->fn(out, in[0], in[1], in[2], rows * n, p);
    if (!h->direct[0]) FN(scatter)(h->buf[3], s->out, at[0], w->row[0], w->step[0], s->dtype[0], rows, n);
}

/* buf[r][i] = x[i step + r]; four by four, so that compilers do not take scatter instructions, which are slow */
static void FN(turn)(T *restrict buf, const T *restrict x, i64 step, i64 rows, i64 n) {
    i64 i = 0;
    for (; i + 4 <= n; i += 4, x += 4 * step) {
        const T *b = x + step, *c = b + step, *d = c + step;
        i64 r = 0;
        for (; r + 4 <= rows; r += 4)
            _Pragma("GCC unroll 4") for (int q = 0; q < 4; q++) {
                T *to = buf + (r + q) * n + i;
                to[0] = x[r + q], to[1] = b[r + q], to[2] = c[r + q], to[3] = d[r + q];
            }
        for (; r < rows; r++) {
            T *to = buf + r * n + i;
            to[0] = x[r], to[1] = b[r], to[2] = c[r], to[3] = d[r];
        }
    }
    for (; i < n; i++, x += step)
        for (i64 r = 0; r < rows; r++) buf[r * n + i] = x[r];
}

/* A tile of `rows` x n at offsets at[]. */
static void FN(tile)(const udl_walk *w, const FN(how) *h, const i64 at[4], i64 rows, i64 n, double *p) {
    const udl_elementwise_args *s = &w->s;
    const T *in[3] = {NULL, NULL, NULL};
    i64 ld[4];
    for (int k = 0; k < 3; k++) {
        const i64 step = w->step[k + 1], row = w->row[k + 1];
        ld[k] = n;
        if (!s->in[k]) continue;
        in[k] = h->buf[k];
        if (s->dtype[k + 1] == COMPUTE && step == 1) in[k] = (const T *)s->in[k] + at[k + 1], ld[k] = row;
        else if (s->dtype[k + 1] == COMPUTE && row == 1) {
            const T *x = (const T *)s->in[k] + at[k + 1];
            FN(turn)(h->buf[k], x, step, rows, n);
        } else FN(gather)(h->buf[k], s->in[k], at[k + 1], row, step, s->dtype[k + 1], rows, n);
    }
    T *out = h->direct[0] ? (T *)s->out + at[0] : h->buf[3];
    ld[3] = h->direct[0] ? w->row[0] : n;
    for (i64 r = 0; r < rows; r++)
        h->fn(out + r * ld[3], in[0] + r * ld[0], in[1] ? in[1] + r * ld[1] : NULL, in[2] ? in[2] + r * ld[2] : NULL, n, p);
    if (!h->direct[0]) FN(scatter)(h->buf[3], s->out, at[0], w->row[0], w->step[0], s->dtype[0], rows, n);
}

/* `rows` rows of n elements that need no buffer, from offsets at[] on */
static void FN(long_rows)(const udl_walk *w, const FN(how) *h, const i64 at[4], i64 rows, i64 n, double *p) {
    const udl_elementwise_args *s = &w->s;
    T *out = (T *)s->out + at[0];
    const T *a = (const T *)s->in[0] + at[1], *b = s->in[1] ? (const T *)s->in[1] + at[2] : NULL;
    const T *c = s->in[2] ? (const T *)s->in[2] + at[3] : NULL;
    for (i64 r = 0; r < rows; r++, out += w->row[0], a += w->row[1]) {
        if (h->scalar_b) p[0] = (double)*b;
        h->fn(out, a, h->scalar_b ? NULL : b, c, n, p);
        if (b) b += w->row[2];
        if (c) c += w->row[3];
    }
}

/* Pieces begin..end: piece = outer x rows x columns. */
static void FN(walk)(void *ctx, i64 begin, i64 end) {
    udl_walk *w = ctx;
    const udl_elementwise_args *s = &w->s;
    T buf[4][BLOCK] __attribute__((aligned(64)));
    FN(how) h = {INTERNAL(FN(map))[s->op], {0}, 0, 1, {buf[0], buf[1], buf[2], buf[3]}};
    const int together = w->group > 1 && !w->tiled;
    for (int k = 0; k < 4; k++) {
        h.direct[k] = s->dtype[k] == COMPUTE && w->step[k] == 1 && (!together || w->row[k] == w->n);
        if (!h.direct[k] && (k == 0 || s->in[k - 1])) h.whole = 0;
    }
    h.scalar_b = takes_scalar(s->op) && s->in[1] && w->step[2] == 0 && (!together || w->row[2] == 0)
                 && (COMPUTE == UDL_F32 || COMPUTE == UDL_F64);
    if (h.scalar_b && h.direct[0] && h.direct[1]) h.whole = 1;
    double p[3] = {w->p[0], w->p[1], 0};
    for (i64 piece = begin; piece < end; piece++) {
        i64 base[4], col = piece % w->col_pieces * PIECE, rest = piece / w->col_pieces;
        const i64 r0 = rest % w->row_pieces * w->per_piece, r1 = UDL_MINI(w->rows, r0 + w->per_piece);
        const i64 c1 = UDL_MINI(w->n, col + PIECE);
        outer_offsets(w, rest / w->row_pieces, base);
        if (w->long_rows) {
            for (int k = 0; k < 4; k++) base[k] += r0 * w->row[k] + col * w->step[k];
            FN(long_rows)(w, &h, base, r1 - r0, c1 - col, p);
            continue;
        }
        i64 filled[3] = {0, 0, 0}; /* elements in a buffer that serve the next block as well */
        for (i64 r = r0; r < r1; r += w->group) {
            const i64 rows = UDL_MINI(w->group, r1 - r);
            for (int k = 0; k < 3; k++) if (!together && w->row[k + 1] != 0) filled[k] = 0;
            for (i64 i = col, n; i < c1; i += n) {
                i64 at[4];
                if (w->tiled) n = UDL_MINI(c1 - i, (i64)TILE);
                else n = h.whole ? c1 - i : UDL_MINI(c1 - i, (i64)BLOCK);
                for (int k = 0; k < 4; k++) at[k] = base[k] + r * w->row[k] + i * w->step[k];
                if (w->tiled) FN(tile)(w, &h, at, rows, n, p);
                else FN(block)(w, &h, at, rows, n, filled, p);
            }
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
    const i64 pieces = w.outer * w.row_pieces * w.col_pieces, each = UDL_MINI(w.rows, w.per_piece) * UDL_MINI(w.n, (i64)PIECE);
    if (pieces == 0) return UDL_OK;
    const i64 grain = UDL_MAXI(1, PIECE / each);
    if (pieces <= grain) FN(walk)(&w, 0, pieces);
    else udl_parallel_for(pieces, grain, FN(walk), &w);
    return w.p[2] != 0 ? UDL_EINVAL : UDL_OK;
}
#undef FROM_FLOAT
#undef ALSO
#undef COMPUTE
#endif
