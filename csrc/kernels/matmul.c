/* matmul.c - out[b, m, n] = act(alpha sum_k A[b, m, k] B[b, k, n] + beta out + bias) + residual.
 *
 * Chooses, by the shape alone: a matrix with a vector (gemv.c), a small product read in place, or the blocked engine
 * (gemm.c). A batch of small products is shared out over the threads; of large ones, each in turn is cut up. In the batch-invariant
 * mode the ways that add in another order are left out, as m chooses them. */
#ifndef T
#include "gemm.h"

typedef struct {
    const udl_matmul_args *a;
    int failed;
} batch_run;

static float widen(uint16_t h) {
    uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static uint16_t narrow(float f) { /* round to nearest even; NaN stays NaN */
    uint32_t u;
    memcpy(&u, &f, 4);
    return (uint16_t)(f != f ? u >> 16 | 0x40 : (u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static int one_bf16(const udl_matmul_args *a, i64 b);
#define UDL_THIS_FILE "kernels/matmul.c"
#include "../each_float.h"

/* ---- bf16: widened while packing, accumulated in a float32 out, rounded at the end -------------------------------- */
typedef struct { const void *p; i64 row, k; int is_float; } bf16_side; /* float32 numbers are rounded to bf16 */
typedef struct { bf16_side a, b; } bf16_operands;
#define STRIP (GEMM_KC * 2 * VW32) /* one panel */

/* count rows of kc numbers -> floats [row][k] or, if rows are what is contiguous, [k][row] */
#define WIDEN_STRIP(value)                                                                                              \
    if (s->row == 1)                                                                                                   \
        for (i64 k = 0; k < kc; k++)                                                                                   \
            for (i64 r = 0; r < count; r++) to[k * count + r] = value(p[k * s->k + r]);                                \
    else                                                                                                               \
        for (i64 r = 0; r < count; r++)                                                                                \
            for (i64 k = 0; k < kc; k++) to[r * kc + k] = value(p[r * s->row + k * s->k])
static float through_bf16(float f) { return widen(narrow(f)); }
static void widen_strip(float *to, const bf16_side *s, i64 at, i64 count, i64 kc) {
    if (s->is_float) {
        const float *p = (const float *)s->p + at;
        WIDEN_STRIP(through_bf16);
    } else {
        const uint16_t *p = (const uint16_t *)s->p + at;
        WIDEN_STRIP(widen);
    }
}
static void bf16_pack(const bf16_side *s, int is_a, float *to, i64 first, i64 count, i64 k, i64 kc) {
    float strip[STRIP];
    i64 nr = GEMM_NV * VW32;
    for (i64 r = 0, n; r < count; r += n) {
        n = is_a ? gemm_rows(count - r) : UDL_MINI(nr, count - r);
        widen_strip(strip, s, (first + r) * s->row + k * s->k, n, kc);
        i64 row = s->row == 1 ? 1 : kc, kk = s->row == 1 ? n : 1;
        if (is_a) INTERNAL(gemm_pack_a_f32)(to + r * kc, strip, row, kk, n, kc);
        else INTERNAL(gemm_pack_b_f32)(to + r * kc, strip, kk, row, kc, n);
    }
}
static void bf16_pack_a(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc) {
    bf16_pack(&((const bf16_operands *)ctx)->a, 1, to, first, count, k, kc);
}
static void bf16_pack_b(const void *ctx, float *to, i64 first, i64 count, i64 k, i64 kc) {
    bf16_pack(&((const bf16_operands *)ctx)->b, 0, to, first, count, k, kc);
}

static bf16_side bf16_at(const void *p, i64 at, i64 row, i64 k, int is_float) {
    return (bf16_side){(const char *)p + at * (is_float ? 4 : 2), row, k, is_float};
}

static int one_bf16(const udl_matmul_args *a, i64 b) {
    int status;
    const int unit = GEMM_MATRIX_UNIT && !udl_batch_invariant() && udl_matrix_unit.matmul_bf16;
    if (unit && udl_matrix_unit.matmul_bf16(a, b, &status)) return status;
    const int wide = (int)a->wide, in_place = wide & UDL_WIDE_OUT;
    size_t elements = in_place ? 0 : (size_t)(a->m * a->n), bias_n = a->bias ? (size_t)(a->bias_m ? a->m : a->n) : 0;
    size_t bytes = (elements + bias_n + 1) * sizeof(float);
    float *sums = udl_alloc(bytes), *bias = sums + elements;
    if (!sums) return UDL_ENOMEM;
    uint16_t *out = (uint16_t *)a->out + b * a->o_batch;
    for (size_t i = 0; i < bias_n; i++)
        bias[i] = wide & UDL_WIDE_BIAS ? ((const float *)a->bias)[i] : widen(((const uint16_t *)a->bias)[i]);
    if (a->beta != 0 && !in_place)
        for (i64 m = 0; m < a->m; m++)
            for (i64 n = 0; n < a->n; n++) sums[m * a->n + n] = widen(out[m * a->ldo + n]);
    bf16_operands s = {bf16_at(a->a, b * a->a_batch, a->a_m, a->a_k, wide & UDL_WIDE_A),
                       bf16_at(a->b, b * a->b_batch, a->b_n, a->b_k, wide & UDL_WIDE_B)};
    gemm_job_f32 g = {.m = a->m, .n = a->n, .k = a->k, .c = in_place ? (float *)a->out + b * a->o_batch : sums,
                      .ldc = in_place ? a->ldo : a->n, .ctx = &s, .pack_a = bf16_pack_a, .pack_b = bf16_pack_b,
                      .e = {.alpha = (float)a->alpha, .add = a->beta != 0, .act = (int)a->act,
                            .residual = in_place && a->residual ? (const float *)a->residual + b * a->o_batch : 0,
                            .bias_n = a->bias && !a->bias_m ? bias : 0, .bias_m = a->bias && a->bias_m ? bias : 0}};
    status = INTERNAL(gemm_run_f32)(&g);
    const uint16_t *res = a->residual ? (const uint16_t *)a->residual + b * a->o_batch : 0;
    for (i64 m = 0; m < a->m && !in_place; m++)
        for (i64 n = 0; n < a->n; n++)
            out[m * a->ldo + n] = narrow(sums[m * a->n + n] + (res ? widen(res[m * a->ldo + n]) : 0));
    udl_free(sums, bytes);
    return status;
}

/* ---- batch ---------------------------------------------------------------------------------------------------------- */
static int one(const udl_matmul_args *a, i64 b) {
    if (a->dtype == UDL_BF16) return one_bf16(a, b);
    return BY_FLOAT(a->dtype, one, (a, b));
}
static void batch_task(void *ctx, i64 begin, i64 end) {
    batch_run *r = ctx;
    for (i64 b = begin; b < end; b++)
        if (one(r->a, b)) r->failed = 1;
}

int KERNEL(matmul)(const udl_matmul_args *args) {
    udl_matmul_args t = *args;
    if (t.dtype != UDL_F32 && t.dtype != UDL_F64 && t.dtype != UDL_BF16) return UDL_EINVAL;
    if (t.batch <= 0 || t.m <= 0 || t.n <= 0) return UDL_OK;
    /* a batch of rows against one B is one taller A */
    if (t.batch > 1 && t.b_batch == 0 && t.a_batch == t.m * t.a_m && t.o_batch == t.m * t.ldo && !(t.bias && t.bias_m)) {
        t.m *= t.batch;
        t.batch = 1;
    }
    if (t.batch == 1) return one(&t, 0);
    if (t.b_batch != 0) t.packed_b = 0; /* it holds the first B only */
    batch_run r = {&t, 0};
    double flops = 2. * (double)t.m * (double)t.n * (double)UDL_MAXI(t.k, 1);
    if (flops > 8. * GEMM_TASK_FLOPS && t.batch < 32) batch_task(&r, 0, t.batch);
    else udl_parallel_for(t.batch, (i64)UDL_MAXI(GEMM_TASK_FLOPS / 2 / flops, 1.), batch_task, &r);
    return r.failed ? UDL_ENOMEM : UDL_OK;
}
#else

/* ---- float, double: one product ---------------------------------------------------------------------------------- */
typedef struct { const T *a, *b; i64 a_m, a_k, b_k, b_n; } FN(operands);
static void FN(operand_a)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(operands) *s = ctx;
    gemm_pack_a(to, s->a + first * s->a_m + k * s->a_k, s->a_m, s->a_k, count, kc);
}
static void FN(operand_b)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(operands) *s = ctx;
    gemm_pack_b(to, s->b + first * s->b_n + k * s->b_k, s->b_k, s->b_n, kc, count);
}

/* Everything fits the first caches: A is read where it lies; so is B, but for its last columns, if its rows are
 * contiguous. Panels that are needed go on the stack. */
#define SMALL_BYTES (32 * 1024)
static void FN(small)(const FN(gemm_job) *g, const FN(operands) *s) {
    T panel[SMALL_BYTES / sizeof(T)];
    i64 most = SMALL_BYTES / (i64)sizeof(T) / g->k / GEMM_NR * GEMM_NR; /* columns that fit */
    i64 direct = s->b_n == 1 ? g->n / GEMM_NR * GEMM_NR : 0;
    if (direct) gemm_block(g->m, direct, g->k, g->a, (FN(gemm_b)){s->b, s->b_k}, g->c, g->ldc, &g->e);
    for (i64 n = direct; n < g->n; n += most) {
        i64 nb = UDL_MINI(most, g->n - n);
        FN(gemm_epilogue) e = g->e;
        if (e.bias_n) e.bias_n += n;
        if (e.residual) e.residual += n;
        gemm_pack_b(panel, s->b + n * s->b_n, s->b_k, s->b_n, g->k, nb);
        gemm_block(g->m, nb, g->k, g->a, (FN(gemm_b)){panel, 0}, g->c + n, g->ldc, &e);
    }
}

/* Matrices of at most one vector across and TINY down: the rows of B are laid out once, a row of out is one chain over k, as in
 * the engine, whose preparations would take longer than such a product. */
#define TINY 16
static void FN(tiny)(const udl_matmul_args *a, i64 b) {
    const T *x = (const T *)a->a + b * a->a_batch, *y = (const T *)a->b + b * a->b_batch;
    T *out = (T *)a->out + b * a->o_batch, t[VW] = {0};
    const int n = (int)a->n;
    vec rows[TINY];
    for (i64 k = 0; k < a->k; k++) {
        if (n == VW && a->b_n == 1) { rows[k] = v_load(y + k * a->b_k); continue; }
        for (int i = 0; i < n; i++) t[i] = y[k * a->b_k + i * a->b_n];
        rows[k] = v_load(t);
    }
    for (i64 m = 0; m < a->m; m++, x += a->a_m, out += a->ldo) {
        vec s = v_set(*x) * rows[0];
        for (i64 k = 1; k < a->k; k++) s = v_fma(v_set(x[k * a->a_k]), rows[k], s);
        if (n == VW) v_store(out, s);
        else v_store_n(out, s, n);
    }
}
static int FN(is_tiny)(const udl_matmul_args *a) {
    return a->n <= VW && a->m <= TINY && a->k <= TINY && a->k > 0 && a->batch > 1 && !a->bias && !a->residual && a->act == UDL_ACT_NONE &&
           a->alpha == 1 && a->beta == 0;
}

static int FN(one)(const udl_matmul_args *a, i64 b) {
    if (FN(is_tiny)(a)) return FN(tiny)(a, b), UDL_OK;
    FN(operands) s = {(const T *)a->a + b * a->a_batch, (const T *)a->b + b * a->b_batch, a->a_m, a->a_k, a->b_k, a->b_n};
    const T *bias = a->bias;
    FN(gemm_job) g = {.m = a->m, .n = a->n, .k = a->k, .c = (T *)a->out + b * a->o_batch, .ldc = a->ldo, .ctx = &s,
                      .pack_a = FN(operand_a), .pack_b = FN(operand_b), .from_a = {s.a, a->a_m, a->a_k},
                      .from_b = {s.b, a->b_n, a->b_k},
                      .e = {.alpha = (T)a->alpha, .add = a->beta != 0, .act = (int)a->act, .chunk = sizeof(T) == 4 ? GEMM_CHUNK : 0,
                            .bias_n = a->bias_m ? 0 : bias, .bias_m = a->bias_m ? bias : 0,
                            .residual = a->residual ? (const T *)a->residual + b * a->o_batch : 0}};
    FN(gemm_a) in_place = {s.a, a->a_k == 1 ? a->a_m : a->a_k, a->a_k == 1 ? GEMM_A_ROWS : GEMM_A_COLUMNS};
    int a_unit = a->a_k == 1 || a->a_m == 1;
    const int any = !udl_batch_invariant();
    if (any && a->k > 0 && (a->m == 1 || (a->m <= GEMM_FEW && a->b_k == 1 && a->k >= 4 * VW)))
        return few_rows(a->m, a->n, a->k, s.a, a->a_m, a->a_k, s.b, a->b_n, a->b_k, g.c, g.ldc, 1, &g.e);
    if (any && a->k > 0 && (a->n == 1 || (a->n <= GEMM_FEW / 2 && a->a_k == 1 && a->k >= 4 * VW))) {
        FN(gemm_epilogue) e = g.e; /* out transposed: bias over m and n change places */
        e.bias_n = g.e.bias_m, e.bias_m = g.e.bias_n;
        return few_rows(a->n, a->m, a->k, s.b, a->b_n, a->b_k, s.a, a->a_m, a->a_k, g.c, 1, g.ldc, &e);
    }
    i64 kn = a->k * a->n * (i64)sizeof(T), mk = a->m * a->k * (i64)sizeof(T);
    if (a_unit && a->k > 0 && a->k <= SMALL_BYTES / (i64)sizeof(T) / GEMM_NR && mk <= 2 * SMALL_BYTES && kn <= 4 * SMALL_BYTES &&
        (any || a->k <= INTERNAL(gemm_sizes)(a->k, sizeof(T)).kc) && (double)a->m * (double)a->n * (double)a->k < GEMM_TASK_FLOPS / 2) {
        g.a = in_place;
        FN(small)(&g, &s);
        return UDL_OK;
    }
    /* each row is read too few times to pay for a copy; rows that lie apart are worth one sooner, as they share cache sets */
    if (a_unit && a->n <= (a->a_k == 1 ? 16 : 2) * GEMM_NR) g.a = in_place;
    if (a->packed_b && INTERNAL(packed_is_mine)(a->packed_b, a)) g.packed_b = (const T *)((const gemm_packed *)a->packed_b + 1);
    else if (a->packed_b) g.packed_tiles = a->packed_b;
    else if (any && a->m <= 6 && a->b_n == 1) { /* too few rows to pay for a copy of B: read it once, a few rows at a time */
        g.b = (FN(gemm_b)){s.b, a->b_k};
        g.kc = 16;
        if (a_unit) g.a = in_place;
    }
    return gemm_run(&g);
}
#endif
