/* recurrent_backward.c - the backward time loop of recurrent.h, and the matmuls over all steps that follow it. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/recurrent_backward.c"
#include "../each_float.h"
#else

/* runs of gates that lie side by side in dgates: they are one sum over k */
#define EACH_RUN(r, g, n) \
    for (i64 g = 0, n; (n = FN(run)(r, g)) > 0; g += n)
VFN i64 FN(run)(const FN(recurrent) *r, i64 g) {
    i64 n = g < r->gates_n;
    while (n && g + n < r->gates_n && r->slot[g + n] == r->slot[g] + n) n++;
    return n;
}
VFN T *FN(dgates_at)(const FN(recurrent) *r, i64 d, i64 row, i64 g) {
    return r->dgates + (d * r->rows + row) * r->ldg + r->slot[g] * r->H;
}

/* ---- the loop -------------------------------------------------------------------------------------------------------- */
static void FN(pack_task)(void *ctx, i64 begin, i64 end) { /* piece = (d, block of columns of W_hh) */
    const FN(recurrent) *r = ctx;
    for (i64 p = begin; p < end; p++) {
        i64 c = p % r->C, d = p / r->C, j0 = c * r->jb, nb = UDL_MINI(r->jb, r->K - j0), width = UDL_CEIL_DIV(nb, VW) * VW;
        T *to = r->w + p * r->block;
        EACH_RUN(r, g, n)
            for (i64 k = 0, kb; k < n * r->H; k += kb, to += kb * width) {
                kb = UDL_MINI(r->kc, n * r->H - k);
                gemm_pack_b(to, r->w_hh[d] + (g * r->H + k) * r->K + j0, r->K, 1, kb, nb);
            }
    }
}

/* carry (+)= dgates_u W_hh: what the h before step u gets from it; block c of the columns */
static void FN(product)(const FN(recurrent) *r, i64 d, i64 u, i64 b0, i64 b1, i64 c) {
    i64 j0 = c * r->jb, nb = UDL_MINI(r->jb, r->K - j0), width = UDL_CEIL_DIV(nb, VW) * VW;
    const T *w = r->w + (d * r->C + c) * r->block;
    T *carry = r->carry + (d * r->N + b0) * r->K + j0;
    EACH_RUN(r, g, n) {
        recurrent_times(b1 - b0, nb, n * r->H, r->kc, FN(dgates_at)(r, d, ROW_AT(r, u) + b0, g), r->ldg, w, carry, r->K,
                        r->keeps_carry || g > 0, 0);
        w += n * r->H * width;
    }
}

/* with a projection h = W_hr m: dh = gy + carry is kept for gW_hr, and dm = dh W_hr is what the cell gets */
static void FN(unproject)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1) {
    i64 row = ROW_AT(r, t) + b0;
    T *dh = r->dh_p + (d * r->rows + row) * r->P, *dm = r->dm + (d * r->N + b0) * r->H;
    for (i64 b = b0; b < b1; b++)
        for (i64 j = 0; j < r->P; j++)
            dh[(b - b0) * r->P + j] = r->carry[(d * r->N + b) * r->P + j] + (r->gy ? r->gy[(row + b - b0) * r->ldy + d * r->P + j] : 0);
    if (r->packed)
        recurrent_times(b1 - b0, r->H, r->P, r->P, dh, r->P, r->w_p + d * UDL_CEIL_DIV(r->H, VW) * VW * r->P, dm, r->H, 0, 0);
    else
        for (i64 b = b0; b < b1; b++, dh += r->P, dm += r->H) {
            memset(dm, 0, (size_t)r->H * sizeof(T));
            for (i64 p = 0; p < r->P; p++)
                for (i64 j = 0; j < r->H; j++) dm[j] += dh[p] * r->w_hr[d][p * r->H + j];
        }
}

/* dgates of step t for the sequences of group g, and their sum: of the step, then in double of all steps */
static void FN(cell)(const FN(recurrent) *r, i64 d, i64 g, i64 t, i64 b0, i64 b1, i64 j0, i64 j1) {
    T *sum = r->sums + (d * r->R + g) * r->ldg;
    double *total = r->totals + (d * r->R + g) * r->ldg;
    if (r->P) FN(unproject)(r, d, t, b0, b1);
    for (i64 k = 0; k < r->columns; k++) memset(sum + k * r->H + j0, 0, (size_t)(j1 - j0) * sizeof(T));
    r->grad(r, d, t, b0, b1, j0, j1, sum);
    for (i64 k = 0; k < r->columns; k++)
        for (i64 j = k * r->H + j0; j < k * r->H + j1; j++) total[j] += sum[j];
}

static void FN(step)(const FN(recurrent) *r, i64 s, i64 piece) {
    i64 c = piece % r->C, g = piece / r->C % r->R, d = piece / r->C / r->R, t = d ? s : r->L - 1 - s, u = d ? t - 1 : t + 1;
    i64 b0 = g * r->rb, b1 = b0 + r->rb;
    if (s > 0 && b0 < SIZE_AT(r, u)) FN(product)(r, d, u, b0, UDL_MINI(b1, SIZE_AT(r, u)), c);
    if (s < r->L && b0 < SIZE_AT(r, t))
        FN(cell)(r, d, g, t, b0, UDL_MINI(b1, SIZE_AT(r, t)), c * r->jb, r->C == 1 ? r->H : UDL_MINI((c + 1) * r->jb, r->H));
}
static void FN(step_task)(void *ctx, i64 s, i64 piece) { FN(step)(ctx, s, piece); }

typedef struct { const FN(recurrent) *r; i64 steps, d, t; } FN(at);
static void FN(whole_task)(void *ctx, i64 begin, i64 end) {
    const FN(at) *a = ctx;
    for (i64 p = begin; p < end; p++)
        for (i64 s = 0; s < a->steps; s++) FN(step)(a->r, s, p);
}

static int FN(packed_loop)(FN(recurrent) *r, i64 steps) {
    i64 p_width = UDL_CEIL_DIV(r->H, VW) * VW * r->P;
    size_t bytes = (size_t)(r->D * r->C * r->block) * sizeof(T), p_bytes = (size_t)(r->D * p_width) * sizeof(T);
    r->w = udl_alloc(bytes);
    r->w_p = r->P ? udl_alloc(p_bytes) : 0;
    int failed = !r->w || (r->P && !r->w_p);
    if (!failed) {
        udl_parallel_for(r->D * r->C, r->block < 16384 ? r->D * r->C : 1, FN(pack_task), r);
        for (i64 d = 0; r->P && d < r->D; d++) gemm_pack_b(r->w_p + d * p_width, r->w_hr[d], r->H, 1, r->P, r->H);
        FN(at) at = {r, steps, 0, 0};
        if (r->C > 1) udl_parallel_steps(steps, r->D * r->R * r->C, FN(step_task), r);
        else udl_parallel_for(r->D * r->R, 1, FN(whole_task), &at);
    }
    if (r->w) udl_free(r->w, bytes);
    if (r->w_p) udl_free(r->w_p, p_bytes);
    return failed ? UDL_ENOMEM : UDL_OK;
}

static void FN(cell_task)(void *ctx, i64 begin, i64 end) {
    const FN(at) *a = ctx;
    const FN(recurrent) *r = a->r;
    for (i64 g = begin; g < end; g++) {
        i64 b0 = g * r->rb, b1 = UDL_MINI(b0 + r->rb, SIZE_AT(r, a->t));
        if (b0 < b1) FN(cell)(r, a->d, g, a->t, b0, b1, 0, r->H);
    }
}
static int FN(short_loop)(FN(recurrent) *r, i64 steps) {
    for (i64 d = 0; d < r->D; d++)
        for (i64 s = 0; s < steps; s++) {
            i64 t = d ? s : r->L - 1 - s, u = d ? t - 1 : t + 1;
            if (s > 0)
                EACH_RUN(r, g, n)
                    if (recurrent_mul(r->carry + d * r->N * r->K, r->K, SIZE_AT(r, u), r->K, n * r->H,
                                      FN(dgates_at)(r, d, ROW_AT(r, u), g), r->ldg, 1, r->w_hh[d] + g * r->H * r->K, r->K, 1, 0,
                                      r->keeps_carry || g > 0))
                        return UDL_ENOMEM;
            FN(at) at = {r, 0, d, t};
            if (s < r->L) udl_parallel_for(r->R, UDL_MAXI(4096 / (r->H * r->rb), 1), FN(cell_task), &at);
        }
    return UDL_OK;
}

/* ---- over all steps ---------------------------------------------------------------------------------------------------- */
#define SUM_ROWS 96 /* rows of a partial sum: short ones keep the error small */

/* gW = dgates^T B over all rows; row k of B is at b + k ldb, but the `other_n` rows from other_first on are at `other` */
typedef struct {
    const T *dgates, *b, *other;
    i64 ldg, ldb, ld_other, other_first, other_n;
} FN(rows);
static void FN(pack_dgates)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(rows) *s = ctx;
    gemm_pack_a(to, s->dgates + first + k * s->ldg, 1, s->ldg, count, kc);
}
static void FN(pack_rows)(const void *ctx, T *to, i64 first, i64 count, i64 k, i64 kc) {
    const FN(rows) *s = ctx;
    for (i64 j = 0, n, w; j < count; j += n) {
        n = UDL_MINI(GEMM_NR, count - j), w = UDL_CEIL_DIV(n, VW) * VW;
        for (i64 row = k; row < k + kc; row++, to += w) {
            i64 o = row - s->other_first;
            const T *from = (o >= 0 && o < s->other_n ? s->other + o * s->ld_other : s->b + row * s->ldb) + first + j;
            if (n == GEMM_NR) memcpy(to, from, GEMM_NR * sizeof(T));
            else
                for (i64 i = 0; i < w; i++) to[i] = i < n ? from[i] : 0;
        }
    }
}
static int FN(grad_w)(const FN(recurrent) *r, T *gw, i64 m, i64 n, const FN(rows) *s) {
    FN(gemm_job) g = {.m = m, .n = n, .k = r->rows, .c = gw, .ldc = n, .e = {.alpha = 1}, .pack_a = FN(pack_dgates),
                      .pack_b = FN(pack_rows), .ctx = s, .kc = SUM_ROWS};
    return gemm_run(&g);
}

/* The rows of h_{t-1} are those of y a step away, and h0. Sequences of different lengths: copied together first. */
static int FN(grad_w_hh)(const FN(recurrent) *r, T *gw, i64 d) {
    i64 N = r->N, K = r->K;
    size_t bytes = (size_t)UDL_MAXI(r->rows * K, 1) * sizeof(T);
    T *h = 0;
    if (r->sizes) {
        if (!(h = udl_alloc(bytes))) return UDL_ENOMEM;
        for (i64 t = 0; t < r->L; t++)
            for (i64 b = 0; b < r->sizes[t]; b++) memcpy(h + (r->first[t] + b) * K, H_BEFORE(r, d, t, b), (size_t)K * sizeof(T));
    }
    int status = UDL_OK;
    EACH_RUN(r, g, n) {
        FN(rows) s = {.dgates = FN(dgates_at)(r, d, 0, g), .ldg = r->ldg, .b = h, .ldb = K};
        if (!h) {
            s.b = r->y + d * K + (d ? N : -N) * r->ldy, s.ldb = r->ldy;
            s.other = r->h0 + d * N * K, s.ld_other = K, s.other_first = d ? (r->L - 1) * N : 0, s.other_n = N;
        }
        status |= FN(grad_w)(r, gw + g * r->H * K, n * r->H, K, &s);
    }
    if (h) udl_free(h, bytes);
    return status;
}

static void FN(grad_bias)(const FN(recurrent) *r, T *gb_ih, T *gb_hh, i64 d) {
    double *total = r->totals + d * r->R * r->ldg;
    for (i64 g = 1; g < r->R; g++)
        for (i64 j = 0; j < r->ldg; j++) total[j] += total[g * r->ldg + j];
    for (i64 j = 0; gb_ih && j < r->gates_n * r->H; j++) gb_ih[j] = (T)total[j];
    for (i64 g = 0; gb_hh && g < r->gates_n; g++)
        for (i64 j = 0; j < r->H; j++) gb_hh[g * r->H + j] = (T)total[r->slot[g] * r->H + j];
}

static int FN(over_all_steps)(const FN(recurrent) *r, const udl_lstm_backward_args *a) {
    i64 n = r->gates_n * r->H, K = r->K;
    int status = UDL_OK, zeroed = 0;
    for (i64 d = 0; d < r->D; d++) {
        const T *dg = r->dgates + d * r->rows * r->ldg;
        FN(rows) s = {.dgates = dg, .ldg = r->ldg, .b = a->x, .ldb = r->I};
        if (a->gw_ih[d]) status |= FN(grad_w)(r, a->gw_ih[d], n, r->I, &s);
        if (a->gw_hh[d]) status |= FN(grad_w_hh)(r, a->gw_hh[d], d);
        if (a->gx) status |= recurrent_mul(a->gx, r->I, r->rows, r->I, n, dg, r->ldg, 1, a->w_ih[d], r->I, 1, 0, zeroed++);
        if (a->gw_hr[d])
            status |= recurrent_mul(a->gw_hr[d], r->H, K, r->H, r->rows, r->dh_p + d * r->rows * K, 1, K,
                                    (const T *)a->m + d * r->rows * r->H, r->H, 1, 0, 0);
        FN(grad_bias)(r, a->gb_ih[d], a->gb_hh[d], d);
    }
    return status;
}

static void FN(start)(T *to, const T *from, i64 n) {
    if (from) memcpy(to, from, (size_t)n * sizeof(T));
    else memset(to, 0, (size_t)n * sizeof(T));
}

int recurrent_backward(FN(recurrent) *r, const udl_lstm_backward_args *a) {
    r->y = (T *)a->y, r->cells = (T *)a->cells, r->gy = a->gy, r->h0 = a->h0, r->sizes = a->batch_sizes;
    r->carry = a->gh0, r->dc = a->gc0;
    for (int d = 0; d < 2; d++) r->w_hh[d] = a->w_hh[d], r->w_hr[d] = a->w_hr[d];
    if (recurrent_plan(r, r->K, r->K, r->gates_n * r->H)) return UDL_ENOMEM;
    FN(start)(r->carry, a->ghn, r->D * r->N * r->K);
    if (r->dc) FN(start)(r->dc, a->gcn, r->D * r->N * r->H);
    i64 sums = r->D * UDL_MAXI(r->R, 1) * r->ldg, dgates = r->D * r->rows * r->ldg, dh_p = r->D * r->rows * r->P;
    size_t bytes = (size_t)sums * sizeof(double) + (size_t)(sums + dgates + dh_p + (r->P ? r->D * r->N * r->H : 0) + VW) * sizeof(T);
    r->totals = udl_alloc(bytes);
    int status = r->totals ? UDL_OK : UDL_ENOMEM;
    if (!status) {
        r->sums = (T *)(r->totals + sums), r->dgates = r->sums + sums, r->dh_p = r->dgates + dgates, r->dm = r->dh_p + dh_p;
        memset(r->totals, 0, (size_t)sums * sizeof(double));
        i64 steps = r->L + !(a->act_flags & 256);
        if (r->N > 0 && r->H > 0) status = r->packed ? FN(packed_loop)(r, steps) : FN(short_loop)(r, steps);
        if (!status) status = FN(over_all_steps)(r, a);
        udl_free(r->totals, bytes);
    }
    if (r->first) udl_free((void *)r->first, (size_t)r->L * sizeof(i64));
    return status;
}
#endif
