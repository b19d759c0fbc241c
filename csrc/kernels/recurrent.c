/* recurrent.c - the forward time loop of recurrent.h, and what both loops need: the plan, products with packed W. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/recurrent.c"
#include "../each_float.h"
#else

/* ---- the product of one or two rows: bound by reading B ------------------------------------------------------------- */
/* c[M, n] = a[M, k] B + (add: c) + bias for PN whole panels of B; M PN <= 4, so that the sums stay in registers */
VFN void FN(wide)(int M, int PN, i64 k, const T *a, i64 lda, const T *b, T *c, i64 ldc, int add, const T *bias) {
    vec s[2][4][GEMM_NV];
    _Pragma("GCC unroll 2") for (int i = 0; i < M; i++)
        _Pragma("GCC unroll 4") for (int p = 0; p < PN; p++)
            _Pragma("GCC unroll 2") for (int v = 0; v < GEMM_NV; v++) s[i][p][v] = (vec){0};
    for (i64 kk = 0; kk < k; kk++)
        _Pragma("GCC unroll 4") for (int p = 0; p < PN; p++)
            _Pragma("GCC unroll 2") for (int v = 0; v < GEMM_NV; v++) {
                vec bv = v_load(b + (p * k + kk) * GEMM_NR + v * VW);
                _Pragma("GCC unroll 2") for (int i = 0; i < M; i++) s[i][p][v] += bv * a[i * lda + kk];
            }
    _Pragma("GCC unroll 2") for (int i = 0; i < M; i++)
        _Pragma("GCC unroll 4") for (int p = 0; p < PN; p++)
            _Pragma("GCC unroll 2") for (int v = 0; v < GEMM_NV; v++) {
                i64 j = p * GEMM_NR + v * VW;
                vec x = s[i][p][v];
                if (add) x += v_load(c + i * ldc + j);
                if (bias) x += v_load(bias + j);
                v_store(c + i * ldc + j, x);
            }
}
static void FN(wide_1x4)(i64 k, const T *a, i64 lda, const T *b, T *c, i64 ldc, int add, const T *bias) {
    FN(wide)(1, 4, k, a, lda, b, c, ldc, add, bias);
}
static void FN(wide_2x2)(i64 k, const T *a, i64 lda, const T *b, T *c, i64 ldc, int add, const T *bias) {
    FN(wide)(2, 2, k, a, lda, b, c, ldc, add, bias);
}

/* c[m, n] = a[m, k] B + (add: c) + bias; B in panels as gemm_pack_b makes them, kc rows at a time */
void recurrent_times(i64 m, i64 n, i64 k, i64 kc, const T *a, i64 lda, const T *b, T *c, i64 ldc, int add, const T *bias) {
    if (m <= 0) return;
    i64 width = UDL_CEIL_DIV(n, VW) * VW, step = m == 1 ? 4 * GEMM_NR : 2 * GEMM_NR;
    for (i64 k0 = 0, kb; k0 < k; k0 += kb, add = 1, bias = 0) {
        kb = UDL_MINI(kc, k - k0);
        const T *bk = b + k0 * width;
        i64 j = 0;
        if (m == 1) for (; j + step <= n; j += step) FN(wide_1x4)(kb, a + k0, lda, bk + j * kb, c + j, ldc, add, bias ? bias + j : 0);
        else if (m == 2) for (; j + step <= n; j += step) FN(wide_2x2)(kb, a + k0, lda, bk + j * kb, c + j, ldc, add, bias ? bias + j : 0);
        if (j == n) continue;
        FN(gemm_epilogue) e = {.alpha = 1, .add = add, .bias_n = bias ? bias + j : 0};
        gemm_block(m, n - j, kb, (FN(gemm_a)){a + k0, lda, GEMM_A_ROWS}, (FN(gemm_b)){bk + j * kb, 0}, c + j, ldc, &e);
    }
}

/* ---- the plan ----------------------------------------------------------------------------------------------------------- */
#define LEAST_CYCLES 4000. /* of a piece of a step, some 1 us: less is not worth waiting for another thread */
#define ROWS 16            /* sequences of a piece */
#define INSIDE 6           /* so many sequences of a piece: x W_ih^T inside the loop */

/* A step multiplies [N, k] by [k, units G] or, backwards, [k, units]; `out` columns in all. Also fills `first`. */
int recurrent_plan(FN(recurrent) *r, i64 units, i64 out, i64 k) {
    double flops = 2. * (double)r->N * (double)out * (double)k, bytes = (double)out * (double)k * sizeof(T);
    double cycles = UDL_MAXI(flops / (4 * VW), bytes / 24);
    r->kc = INTERNAL(gemm_sizes)(k, sizeof(T)).kc;
    r->packed = r->L > 2;
    r->R = UDL_CEIL_DIV(r->N, ROWS);
    r->C = 1;
    if (r->packed && !r->P && r->D * r->R == 1) r->C = (i64)UDL_MINI(UDL_MAXI(cycles / LEAST_CYCLES, 1.), 4.);
    r->rb = UDL_MAXI(UDL_CEIL_DIV(r->N, UDL_MAXI(r->R, 1)), 1);
    r->R = UDL_CEIL_DIV(r->N, r->rb);
    r->jb = UDL_CEIL_DIV(UDL_CEIL_DIV(units, r->C), GEMM_NR) * GEMM_NR;
    r->C = UDL_CEIL_DIV(units, r->jb);
    r->block = UDL_CEIL_DIV(UDL_MINI(r->jb, units), VW) * VW * k;
    if (!r->sizes) return UDL_OK;
    i64 *first = udl_alloc((size_t)r->L * sizeof(i64));
    if (!first) return UDL_ENOMEM;
    for (i64 t = 0, at = 0; t < r->L; at += r->sizes[t++]) first[t] = at;
    r->first = first;
    return UDL_OK;
}

int recurrent_mul(T *out, i64 ldo, i64 m, i64 n, i64 k, const T *a, i64 a_m, i64 a_k, const T *b, i64 b_k, i64 b_n,
                  const T *bias, int add) {
    udl_matmul_args s = {.out = out, .a = a, .b = b, .bias = bias, .dtype = sizeof(T) == 4 ? UDL_F32 : UDL_F64, .batch = 1,
                         .m = m, .n = n, .k = k, .a_m = a_m, .a_k = a_k, .b_k = b_k, .b_n = b_n, .ldo = ldo, .alpha = 1,
                         .beta = add};
    return KERNEL(matmul)(&s);
}

/* ---- forward ------------------------------------------------------------------------------------------------------------ */
static i64 FN(kc_x)(const FN(recurrent) *r) { return INTERNAL(gemm_sizes)(r->I, sizeof(T)).kc; }
static i64 FN(block_x)(const FN(recurrent) *r) { return UDL_CEIL_DIV(UDL_MINI(r->jb, r->H), VW) * VW * r->I; }

static void FN(pack_task)(void *ctx, i64 begin, i64 end) { /* piece = (W_hh or W_ih, d, block of units, gate) */
    const FN(recurrent) *r = ctx;
    i64 n = r->D * r->C * r->gates_n;
    for (i64 q = begin; q < end; q++) {
        int is_x = q >= n;
        i64 p = q % n, g = p % r->gates_n, c = p / r->gates_n % r->C, d = p / r->gates_n / r->C;
        i64 j0 = c * r->jb, nb = UDL_MINI(r->jb, r->H - j0), width = UDL_CEIL_DIV(nb, VW) * VW;
        i64 len = is_x ? r->I : r->K, kc = is_x ? FN(kc_x)(r) : r->kc;
        T *to = is_x ? r->w_x + p * FN(block_x)(r) : r->w + p * r->block;
        const T *from = (is_x ? r->w_ih[d] : r->w_hh[d]) + (g * r->H + j0) * len;
        for (i64 k = 0; k < len; k += kc) gemm_pack_b(to + k * width, from + k, 1, len, UDL_MINI(kc, len - k), nb);
    }
}

/* gates_t += h_{t-1} W_hh^T for sequences b0..b1, block c of the units; before it gates_t = x_t W_ih^T + bias, if inside */
static void FN(product)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 c) {
    i64 j0 = c * r->jb, nb = UDL_MINI(r->jb, r->H - j0), kept = UDL_MINI(UDL_MAXI(KEPT(r, d, t), b0), b1);
    i64 kc_x = r->inside ? FN(kc_x)(r) : 0;
    T *gates = GATES_AT(r, d, t, b0) + j0;
    for (i64 g = 0; g < r->gates_n; g++) {
        i64 p = (d * r->C + c) * r->gates_n + g;
        const T *w = r->w + p * r->block, *bias = r->alone[g] && r->b_hh[d] ? r->b_hh[d] + g * r->H + j0 : 0;
        T *out = gates + r->slot[g] * r->H;
        if (r->inside)
            recurrent_times(b1 - b0, nb, r->I, kc_x, r->x + (ROW_AT(r, t) + b0) * r->I, r->I, r->w_x + p * FN(block_x)(r),
                            gates + g * r->H, r->ldg, 0, r->bias ? r->bias + (d * r->gates_n + g) * r->H + j0 : 0);
        recurrent_times(kept - b0, nb, r->K, r->kc, H_BEFORE(r, d, t, b0), r->ldy, w, out, r->ldg, !r->alone[g], bias);
        recurrent_times(b1 - kept, nb, r->K, r->kc, r->h0 + (d * r->N + kept) * r->K, r->K, w, out + (kept - b0) * r->ldg,
                        r->ldg, !r->alone[g], bias);
    }
}

static void FN(step)(const FN(recurrent) *r, i64 s, i64 piece) {
    i64 c = piece % r->C, g = piece / r->C % r->R, d = piece / r->C / r->R, t = d ? r->L - 1 - s : s;
    i64 b0 = g * r->rb, b1 = UDL_MINI(b0 + r->rb, SIZE_AT(r, t));
    if (b0 >= b1) return;
    FN(product)(r, d, t, b0, b1, c);
    r->cell(r, d, t, b0, b1, c * r->jb, UDL_MINI((c + 1) * r->jb, r->H));
    if (r->P) { /* h = m W_hr^T */
        i64 row = ROW_AT(r, t) + b0;
        recurrent_times(b1 - b0, r->P, r->H, r->H, r->m + (d * r->rows + row) * r->H, r->H,
                        r->w_p + d * UDL_CEIL_DIV(r->P, VW) * VW * r->H, r->y + row * r->ldy + d * r->K, r->ldy, 0, 0);
    }
}
static void FN(step_task)(void *ctx, i64 s, i64 piece) { FN(step)(ctx, s, piece); }
static void FN(whole_task)(void *ctx, i64 begin, i64 end) {
    const FN(recurrent) *r = ctx;
    for (i64 p = begin; p < end; p++)
        for (i64 s = 0; s < r->L; s++) FN(step)(r, s, p);
}

static int FN(packed_loop)(FN(recurrent) *r) {
    i64 pieces = r->D * r->C * r->gates_n, hr = UDL_CEIL_DIV(r->P, VW) * VW * r->H;
    i64 h_size = pieces * r->block, x_size = r->inside ? pieces * FN(block_x)(r) : 0;
    size_t bytes = (size_t)(h_size + x_size + r->D * hr) * sizeof(T);
    r->w = udl_alloc(bytes);
    if (!r->w) return UDL_ENOMEM;
    r->w_x = r->w + h_size, r->w_p = r->w_x + x_size;
    i64 n = r->inside ? 2 * pieces : pieces;
    udl_parallel_for(n, r->block < 16384 ? n : 1, FN(pack_task), r);
    for (i64 d = 0; r->P && d < r->D; d++) gemm_pack_b(r->w_p + d * hr, r->w_hr[d], 1, r->H, r->H, r->P);
    if (r->C > 1) udl_parallel_steps(r->L, r->D * r->R * r->C, FN(step_task), r);
    else udl_parallel_for(r->D * r->R, 1, FN(whole_task), r);
    udl_free(r->w, bytes);
    return UDL_OK;
}

/* ---- one or two steps: W is read where it lies ---------------------------------------------------------------------------- */
typedef struct { const FN(recurrent) *r; i64 d, t; } FN(at);
static void FN(cell_task)(void *ctx, i64 begin, i64 end) {
    const FN(at) *a = ctx;
    a->r->cell(a->r, a->d, a->t, begin, end, 0, a->r->H);
}

static int FN(short_loop)(FN(recurrent) *r) {
    for (i64 d = 0; d < r->D; d++)
        for (i64 s = 0; s < r->L; s++) {
            i64 t = d ? r->L - 1 - s : s, n = SIZE_AT(r, t), kept = KEPT(r, d, t), row = ROW_AT(r, t);
            for (i64 g = 0, gs; g < r->gates_n; g += gs) { /* gates that lie side by side in one product */
                for (gs = 1; g + gs < r->gates_n && r->slot[g + gs] == r->slot[g] + gs; gs++) {}
                const T *w = r->w_hh[d] + g * r->H * r->K, *bias = r->alone[g] && r->b_hh[d] ? r->b_hh[d] + g * r->H : 0;
                T *out = GATES_AT(r, d, t, 0) + r->slot[g] * r->H;
                if (recurrent_mul(out, r->ldg, kept, gs * r->H, r->K, H_BEFORE(r, d, t, 0), r->ldy, 1, w, 1, r->K, bias,
                                  !r->alone[g]) ||
                    recurrent_mul(out + kept * r->ldg, r->ldg, n - kept, gs * r->H, r->K, r->h0 + (d * r->N + kept) * r->K,
                                  r->K, 1, w, 1, r->K, bias, !r->alone[g]))
                    return UDL_ENOMEM;
            }
            FN(at) at = {r, d, t};
            udl_parallel_for(n, UDL_MAXI(4096 / UDL_MAXI(r->H, 1), 1), FN(cell_task), &at);
            if (r->P && recurrent_mul(r->y + row * r->ldy + d * r->K, r->ldy, n, r->P, r->H, r->m + (d * r->rows + row) * r->H,
                                      r->H, 1, r->w_hr[d], 1, r->H, 0, 0))
                return UDL_ENOMEM;
        }
    return UDL_OK;
}

/* what x W_ih^T has added: b_ih + b_hh, but not b_hh of a column that takes it alone */
static void FN(sum_bias)(FN(recurrent) *r, const udl_lstm_args *a) {
    i64 n = r->gates_n * r->H;
    for (i64 d = 0; d < r->D; d++)
        for (i64 j = 0; j < n; j++)
            r->bias[d * n + j] = ((const T *)a->b_ih[d])[j] + (r->alone[j / r->H] ? 0 : ((const T *)a->b_hh[d])[j]);
}

static int FN(run)(FN(recurrent) *r) {
    int status = UDL_OK;
    i64 n = r->gates_n * r->H;
    for (i64 d = 0; d < r->D && !r->inside && !status; d++)
        status = recurrent_mul(r->gates[d], r->ldg, r->rows, n, r->I, r->x, r->I, 1, r->w_ih[d], 1, r->I,
                               r->bias ? r->bias + d * n : 0, 0);
    return status ? status : r->packed ? FN(packed_loop)(r) : FN(short_loop)(r);
}

int recurrent(FN(recurrent) *r, const udl_lstm_args *a) {
    r->y = a->y, r->cells = a->cells, r->m = a->m, r->cn = a->cn, r->x = a->x, r->h0 = a->h0, r->sizes = a->batch_sizes;
    for (int d = 0; d < 2; d++) r->w_ih[d] = a->w_ih[d], r->w_hh[d] = a->w_hh[d], r->b_hh[d] = a->b_hh[d], r->w_hr[d] = a->w_hr[d];
    if (r->N <= 0 || r->H <= 0) return UDL_OK;
    if (recurrent_plan(r, r->H, r->gates_n * r->H, r->K)) return UDL_ENOMEM;
    r->inside = r->packed && r->rb >= INSIDE && r->I > 0;
    if (a->cn) memcpy(a->cn, a->c0, (size_t)(r->D * r->N * r->H) * sizeof(T));
    i64 rows = r->keep || !r->inside ? r->rows : r->N, gates = r->gates[0] ? 0 : r->D * rows * r->ldg;
    size_t bytes = (size_t)(gates + r->D * r->gates_n * r->H) * sizeof(T);
    T *scratch = udl_alloc(bytes);
    int status = UDL_ENOMEM;
    if (scratch) {
        if (!r->gates[0]) r->gates[0] = scratch;
        if (!r->gates[1]) r->gates[1] = r->gates[0] + rows * r->ldg;
        if (a->b_ih[0]) {
            r->bias = scratch + gates;
            FN(sum_bias)(r, a);
        }
        status = FN(run)(r);
        udl_free(scratch, bytes);
    }
    for (i64 d = 0; d < r->D && !status; d++) /* hn: the last h of every sequence */
        for (i64 b = 0, t = d ? 0 : r->L - 1; b < r->N; b++) {
            while (!d && b >= SIZE_AT(r, t)) t--;
            memcpy((T *)a->hn + (d * r->N + b) * r->K, r->y + (ROW_AT(r, t) + b) * r->ldy + d * r->K, (size_t)r->K * sizeof(T));
        }
    if (r->first) udl_free((void *)r->first, (size_t)r->L * sizeof(i64));
    return status;
}
#endif
