/* chain.c - element-wise operations one after the other, tile by tile: what one gives to the next stays in L1.
 *
 * A program of steps runs over a tile of TILE elements before the next tile is touched. Each step is the contiguous inner
 * function of elementwise_float.c, so every element gets the bits that the operations would give one by one. Operands are
 * registers: inputs and outputs in memory, and temporaries that exist for one tile only.
 *
 * bf16: operands are widened into buffers, and a result is rounded where it is stored or computed with, so that the bits are the same.
 *
 *     lines = outer x rows, each of cols elements. A tile is one line's block of TILE columns or, if lines are short, as
 *     many whole lines as fit. An operand that is dense over the tile is used where it lies; another (a row, a column or a
 *     number that is broadcast, a slice) is gathered into a buffer, and such a result scattered.
 *
 * Floor: bytes of inputs and outputs over bandwidth. */
#ifndef T
#include "../vec/bf16.h"
#include "elementwise.h"
#define UDL_THIS_FILE "kernels/chain.c"
#define TILE 1024
#define PIECE 32768 /* elements of a task, as in elementwise.c */
enum { OUTS = 4, INS = 8, TEMPS = 8, REGISTERS = OUTS + INS + TEMPS, NONE = 255 };

typedef struct {
    const udl_chain_args *a;
    i64 lines, per_tile, blocks; /* lines in all; lines of a tile; tiles of a line */
    unsigned used, direct;       /* bit r: register r is in the program; lies dense in memory over any tile */
} chain_job;

/* byte k of a step: 0 operation, 1 register of the result, 2..4 of the inputs */
static int part(i64 code, int k) { return (int)(code >> 8 * k & 255); }

static i64 where(const udl_chain_args *a, int r, i64 line) {
    return line / a->rows * a->outer_s[r] + line % a->rows * a->row_s[r];
}

static int well_formed(const udl_chain_args *a) {
    if (a->steps < 1 || a->steps > 16 || a->outer < 0 || a->rows < 0 || a->cols < 0) return 0;
    for (i64 s = 0; s < a->steps; s++) {
        if (part(a->code[s], 0) >= UDL_MAP_COUNT) return 0;
        for (int k = 1; k < 5; k++) {
            const int r = part(a->code[s], k);
            if (r == NONE && k >= 3) continue;
            if (r >= REGISTERS || (k == 1 && r >= OUTS && r < OUTS + INS)) return 0;
            if (r < OUTS ? !a->out[r] : r < OUTS + INS && !a->in[r - OUTS]) return 0;
        }
    }
    return 1;
}

static chain_job prepare(const udl_chain_args *a) {
    chain_job j = {a, a->outer * a->rows, a->cols < TILE ? TILE / a->cols : 1, UDL_CEIL_DIV(a->cols, TILE), 0, 0};
    for (i64 s = 0; s < a->steps; s++)
        for (int k = 1; k < 5; k++)
            if (part(a->code[s], k) != NONE) j.used |= 1u << part(a->code[s], k);
    for (int r = 0; r < OUTS + INS; r++) {
        const int dense = (a->rows == 1 || a->row_s[r] == a->cols) && (a->outer == 1 || a->outer_s[r] == a->rows * a->cols);
        if (a->dtype != UDL_BF16 && a->unit >> r & 1 && (dense || j.per_tile == 1)) j.direct |= 1u << r;
    }
    return j;
}

/* Rounding may come before or after. Not so where order counts: numbers that vanish are rounded to zeros with a sign. */
static int only_signs(i64 op) { return op == UDL_MAP_copy || op == UDL_MAP_neg || op == UDL_MAP_abs; }
/* relu of numbers that are not rounded: those that will be -0 stay, as relu leaves it alone */
static void relu_loose(float *y, const float *x, i64 n) {
    for (i64 i = 0; i < n; i += VW32) {
        const vf32 v = v_load(x + i);
        v_store(y + i, v_sel_lt(v, (vf32){0} - 0x1p-134f, (vf32){0}, v));
    }
}
static void rounded(float *x, i64 n) { /* in a buffer of whole vectors */
    for (i64 i = 0; i < n; i += VW32)
        v_store(x + i, (vf32)(__builtin_convertvector(h_narrow(v_load(x + i)), vu32) << 16));
}

#include "../each_float.h"
int KERNEL(chain)(const udl_chain_args *a) {
    if (!well_formed(a)) return UDL_EINVAL;
    if (a->dtype == UDL_BF16) return chain_f32(a);
    return BY_FLOAT(a->dtype, chain, (a));
}
#else

#undef HALF
#define HALF(a) (sizeof(T) == 4 && (a)->dtype == UDL_BF16)

/* n elements of each of some lines of register r, to or from a buffer */
static void FN(gather)(const udl_chain_args *a, int r, i64 line, i64 lines, i64 col, i64 n, T *buf) {
    for (i64 i = 0; i < lines; i++, buf += n) {
        if (HALF(a)) {
            const uint16_t *h = (const uint16_t *)a->in[r - OUTS] + where(a, r, line + i);
            if (a->unit >> r & 1) h_widen_row((float *)buf, h + col, n);
            else for (i64 c = 0; c < n; c++) buf[c] = (T)h_one(*h);
            continue;
        }
        const T *x = (const T *)a->in[r - OUTS] + where(a, r, line + i);
        if (a->unit >> r & 1) memcpy(buf, x + col, sizeof(T) * (size_t)n);
        else {
            const vec one = v_set(*x);
            i64 c = 0;
            for (; c + VW <= n; c += VW) v_store(buf + c, one);
            for (; c < n; c++) buf[c] = *x;
        }
    }
}
static void FN(scatter)(const udl_chain_args *a, int r, i64 line, i64 lines, i64 col, i64 n, const T *buf) {
    for (i64 i = 0; i < lines; i++, buf += n)
        if (HALF(a)) h_narrow_row((uint16_t *)a->out[r] + where(a, r, line + i) + col, (const float *)buf, n);
        else memcpy((T *)a->out[r] + where(a, r, line + i) + col, buf, sizeof(T) * (size_t)n);
}

static void FN(tiles)(void *ctx, i64 begin, i64 end) {
    const chain_job *j = ctx;
    const udl_chain_args *a = j->a;
    T buf[REGISTERS][TILE] __attribute__((aligned(64)));
    for (i64 t = begin; t < end; t++) {
        const i64 line = t / j->blocks * j->per_tile, lines = UDL_MINI(j->per_tile, j->lines - line);
        const i64 col = t % j->blocks * TILE, n = UDL_MINI(TILE, a->cols - col);
        T *r[REGISTERS];
        for (int k = 0; k < REGISTERS; k++) {
            r[k] = buf[k];
            if (!(j->used >> k & 1)) continue;
            if (j->direct >> k & 1) r[k] = (T *)(uintptr_t)(k < OUTS ? a->out[k] : a->in[k - OUTS]) + where(a, k, line) + col;
            else if (k >= OUTS && k < OUTS + INS) FN(gather)(a, k, line, lines, col, n, buf[k]);
        }
        unsigned loose = 0; /* results of bf16 that may still have to be rounded */
        for (i64 s = 0; s < a->steps; s++) {
            const i64 code = a->code[s];
            const int relu = HALF(a) && part(code, 0) == UDL_MAP_relu && loose >> part(code, 2) & 1;
            const int early = !relu && !only_signs(part(code, 0));
            const T *in[3];
            for (int k = 0; k < 3; k++) {
                const int from = part(code, 2 + k);
                in[k] = from == NONE ? NULL : r[from];
                if (HALF(a) && early && from != NONE && loose >> from & 1) rounded((float *)r[from], lines * n), loose &= ~(1u << from);
            }
            double p[3] = {a->p[s][0], a->p[s][1], 0};
            if (relu) relu_loose((float *)r[part(code, 1)], (const float *)in[0], lines * n);
            else INTERNAL(FN(map))[part(code, 0)](r[part(code, 1)], in[0], in[1], in[2], lines * n, p);
            loose |= 1u << part(code, 1);
        }
        for (int k = 0; k < OUTS; k++)
            if (j->used >> k & 1 && !(j->direct >> k & 1)) FN(scatter)(a, k, line, lines, col, n, buf[k]);
    }
}

static int FN(chain)(const udl_chain_args *a) {
    if (a->outer * a->rows * a->cols == 0) return UDL_OK;
    for (i64 s = 0; s < a->steps; s++)
        if (!INTERNAL(FN(map))[part(a->code[s], 0)]) return UDL_EINVAL;
    chain_job j = prepare(a);
    const i64 all = UDL_CEIL_DIV(j.lines, j.per_tile) * j.blocks, each = j.per_tile * UDL_MINI(a->cols, TILE);
    const i64 grain = UDL_MAXI(1, PIECE / each);
    if (all <= grain) FN(tiles)(&j, 0, all);
    else udl_parallel_for(all, grain, FN(tiles), &j);
    return UDL_OK;
}
#endif
