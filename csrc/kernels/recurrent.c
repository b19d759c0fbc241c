/* recurrent.c - the forward time loop of recurrent.h, and what both loops need: the plan, products with packed W. */
#ifndef T
#include "recurrent.h"
#include <stdlib.h>
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

/* A step multiplies [N, k] by [k, units G] or, backwards, [k, units]; `out` columns in all. Also fills `first`. */
int recurrent_plan(FN(recurrent) *r, i64 units, i64 out, i64 k) {
    double flops = 2. * (double)r->N * (double)out * (double)k, bytes = (double)out * (double)k * sizeof(T);
    double cycles = UDL_MAXI(flops / (4 * VW), bytes / 24);
    r->kc = INTERNAL(gemm_sizes)(k, sizeof(T)).kc;
    r->packed = r->L > 2;
    r->R = UDL_CEIL_DIV(r->N, ROWS);
    if (getenv("REC_R")) r->R = atoi(getenv("REC_R"));
    r->C = 1;
    if (r->packed && !r->P && r->D * r->R == 1) r->C = (i64)UDL_MINI(UDL_MAXI(cycles / LEAST_CYCLES, 1.), 4.);
    if (getenv("REC_C") && !r->P) r->C = atoi(getenv("REC_C"));
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
static void FN(pack_task)(void *ctx, i64 begin, i64 end) { /* piece = (d, block of units, gate) */
    const FN(recurrent) *r = ctx;
    for (i64 p = begin; p < end; p++) {
        i64 g = p % r->gates_n, c = p / r->gates_n % r->C, d = p / r->gates_n / r->C;
        i64 j0 = c * r->jb, nb = UDL_MINI(r->jb, r->H - j0), width = UDL_CEIL_DIV(nb, VW) * VW;
        for (i64 k = 0; k < r->K; k += r->kc)
            gemm_pack_b(r->w + p * r->block + k * width, r->w_hh[d] + (g * r->H + j0) * r->K + k, 1, r->K,
                        UDL_MINI(r->kc, r->K - k), nb);
    }
}

/* gates_t += h_{t-1} W_hh^T for sequences b0..b1, block c of the units */
static void FN(product)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 c) {
    i64 j0 = c * r->jb, nb = UDL_MINI(r->jb, r->H - j0), kept = UDL_MINI(UDL_MAXI(KEPT(r, d, t), b0), b1);
    for (i64 g = 0; g < r->gates_n; g++) {
        const T *w = r->w + ((d * r->C + c) * r->gates_n + g) * r->block;
        const T *bias = r->alone[g] && r->b_hh[d] ? r->b_hh[d] + g * r->H + j0 : 0;
        T *out = r->gates[d] + (ROW_AT(r, t) + b0) * r->ldg + r->slot[g] * r->H + j0;
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
    size_t bytes = (size_t)(r->D * r->C * r->gates_n * r->block) * sizeof(T), p_width = UDL_CEIL_DIV(r->P, VW) * VW * r->H;
    size_t p_bytes = (size_t)r->D * p_width * sizeof(T);
    r->w = udl_alloc(bytes);
    r->w_p = r->P ? udl_alloc(p_bytes) : 0;
    int failed = !r->w || (r->P && !r->w_p);
    if (!failed) {
        i64 pieces = r->D * r->C * r->gates_n;
        udl_parallel_for(pieces, r->block < 16384 ? pieces : 1, FN(pack_task), r);
        for (i64 d = 0; r->P && d < r->D; d++) gemm_pack_b(r->w_p + d * (i64)p_width, r->w_hr[d], 1, r->H, r->H, r->P);
        if (r->C > 1) udl_parallel_steps(r->L, r->D * r->R * r->C, FN(step_task), r);
        else udl_parallel_for(r->D * r->R, 1, FN(whole_task), r);
    }
    if (r->w) udl_free(r->w, bytes);
    if (r->w_p) udl_free(r->w_p, p_bytes);
    return failed ? UDL_ENOMEM : UDL_OK;
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
                T *out = r->gates[d] + row * r->ldg + r->slot[g] * r->H;
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

/* gates = x W_ih^T + b_ih + b_hh, but for the columns that take b_hh inside the cell */
static int FN(project)(FN(recurrent) *r, const udl_lstm_args *a) {
    i64 n = r->gates_n * r->H;
    size_t bytes = (size_t)UDL_MAXI(n, 1) * sizeof(T);
    T *bias = udl_alloc(bytes);
    int status = bias ? UDL_OK : UDL_ENOMEM;
    for (i64 d = 0; d < r->D && !status; d++) {
        const T *b_ih = a->b_ih[d], *b_hh = a->b_hh[d];
        for (i64 j = 0; b_ih && j < n; j++) bias[j] = b_ih[j] + (r->alone[j / r->H] ? 0 : b_hh[j]);
        status = recurrent_mul(r->gates[d], r->ldg, r->rows, n, r->I, a->x, r->I, 1, a->w_ih[d], 1, r->I, b_ih ? bias : 0, 0);
    }
    if (bias) udl_free(bias, bytes);
    return status;
}

int recurrent(FN(recurrent) *r, const udl_lstm_args *a) {
    r->y = a->y, r->cells = a->cells, r->m = a->m, r->cn = a->cn, r->h0 = a->h0, r->sizes = a->batch_sizes;
    for (int d = 0; d < 2; d++) r->w_hh[d] = a->w_hh[d], r->b_hh[d] = a->b_hh[d], r->w_hr[d] = a->w_hr[d];
    if (r->N <= 0 || r->H <= 0) return UDL_OK;
    if (recurrent_plan(r, r->H, r->gates_n * r->H, r->K)) return UDL_ENOMEM;
    if (a->cn && a->c0) memcpy(a->cn, a->c0, (size_t)(r->D * r->N * r->H) * sizeof(T));
    int status = FN(project)(r, a);
    if (!status) status = r->packed ? FN(packed_loop)(r) : FN(short_loop)(r);
    for (i64 d = 0; d < r->D && !status; d++) /* hn: the last h of every sequence */
        for (i64 b = 0, t = d ? 0 : r->L - 1; b < r->N; b++) {
            while (!d && b >= SIZE_AT(r, t)) t--;
            memcpy((T *)a->hn + (d * r->N + b) * r->K, r->y + (ROW_AT(r, t) + b) * r->ldy + d * r->K, (size_t)r->K * sizeof(T));
        }
    if (r->first) udl_free((void *)r->first, (size_t)r->L * sizeof(i64));
    return status;
}
#endif
