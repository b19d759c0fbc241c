/* recurrent_backward.c - the backward time loop of recurrent.h. */
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
    return r->dgates + (d * r->rows + row) * r->ldd + r->slot[g] * r->H;
}

/* ---- the loop -------------------------------------------------------------------------------------------------------- */
static void FN(pack_task)(void *ctx, i64 begin, i64 end) { /* piece = (d, strip of columns of W_hh) */
    const FN(recurrent) *r = ctx;
    for (i64 p = begin; p < end; p++) {
        i64 d = p / r->strips, j0 = p % r->strips * GEMM_NR, nb = UDL_MINI(GEMM_NR, r->K - j0), width = UDL_CEIL_DIV(nb, VW) * VW;
        T *to = r->w + p * r->strip;
        EACH_RUN(r, g, n)
            gemm_pack_b(to, r->w_hh[d] + g * r->H * r->K + j0, r->K, 1, n * r->H, nb), to += n * r->H * width;
    }
}

/* carry (+)= dgates_u W_hh: what the h before step u gets from it; a strip of its columns */
static void FN(product)(const FN(recurrent) *r, i64 d, i64 u, i64 b0, i64 b1, i64 strip) {
    const i64 j0 = strip * GEMM_NR, n = UDL_MINI(GEMM_NR, r->K - j0);
    const T *w = r->w + (d * r->strips + strip) * r->strip, *none = 0;
    T *carry = r->carry + (d * r->N + b0) * r->K + j0;
    FN(recurrent_part) part[4];
    for (i64 g = 0; g < r->gates_n; g++) part[g] = (FN(recurrent_part)){FN(dgates_at)(r, d, ROW_AT(r, u) + b0, g), r->ldd, r->H};
    if (b1 - b0 > 2) recurrent_sums(b1 - b0, n, part, r->gates_n, w, carry, r->K, r->keeps_carry, 0);
    else
        for (i64 g = 0; g < r->gates_n; g++, w += r->H * UDL_CEIL_DIV(n, VW) * VW)
            recurrent_few(b1 - b0, n, r->H, part[g].a, r->ldd, &w, &carry, r->K, 1, r->keeps_carry || g > 0, &none);
}

/* with a projection h = W_hr m: dh = gy + carry is kept for gW_hr, and dm = dh W_hr is what the cell gets */
static void FN(unproject)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1) {
    i64 row = ROW_AT(r, t) + b0;
    T *dh = r->dh_p + (d * r->rows + row) * r->P, *dm = r->dm + (d * r->N + b0) * r->H;
    for (i64 b = b0; b < b1; b++)
        for (i64 j = 0; j < r->P; j++)
            dh[(b - b0) * r->P + j] = r->carry[(d * r->N + b) * r->P + j] + (r->gy ? r->gy[(row + b - b0) * r->ldy + d * r->P + j] : 0);
    if (r->packed)
        for (i64 j = 0; j < r->H; j += GEMM_NR)
            recurrent_sums(b1 - b0, UDL_MINI(GEMM_NR, r->H - j), &(FN(recurrent_part)){dh, r->P, r->P}, 1,
                           r->w_p + (d * UDL_CEIL_DIV(r->H, VW) * VW + j) * r->P, dm + j, r->H, 0, 0);
    else
        for (i64 b = b0; b < b1; b++, dh += r->P, dm += r->H) {
            memset(dm, 0, (size_t)r->H * sizeof(T));
            for (i64 p = 0; p < r->P; p++)
                for (i64 j = 0; j < r->H; j++) dm[j] += dh[p] * r->w_hr[d][p * r->H + j];
        }
}

/* dgates of step t for the sequences of group g and the units j0..j1, and their sum: of the step, then in double of all steps */
static void FN(cell)(const FN(recurrent) *r, i64 d, i64 g, i64 t, i64 b0, i64 b1, i64 j0, i64 j1) {
    double *total = r->totals + (d * r->R + g) * r->columns * r->H;
    T sum[4 * VW];
    for (i64 j = j0; j < j1; j += VW) {
        const int n = (int)UDL_MINI(j1 - j, VW);
        r->grad(r, d, t, b0, b1, j, n, sum);
        for (i64 k = 0; k < r->columns; k++)
            for (int i = 0; i < n; i++) total[k * r->H + j + i] += sum[k * VW + i];
    }
}

static void FN(step)(const FN(recurrent) *r, i64 s, i64 piece) {
    const i64 c = piece % r->C, g = piece / r->C % r->R, d = piece / r->C / r->R, t = d ? s : r->L - 1 - s, u = d ? t - 1 : t + 1;
    const i64 b0 = g * r->rb, most = b0 + r->rb, end = UDL_MINI((c + 1) * r->each, r->strips);
    const i64 after = s > 0 ? UDL_MINI(most, SIZE_AT(r, u)) : b0, b1 = s < r->L ? UDL_MINI(most, SIZE_AT(r, t)) : b0;
    for (i64 strip = c * r->each; strip < end; strip++) {
        const i64 j0 = strip * GEMM_NR;
        if (b0 < after) FN(product)(r, d, u, b0, after, strip);
        if (b0 < b1 && !r->P) FN(cell)(r, d, g, t, b0, b1, j0, UDL_MINI(j0 + GEMM_NR, r->H));
    }
    if (b0 < b1 && r->P) {
        FN(unproject)(r, d, t, b0, b1);
        FN(cell)(r, d, g, t, b0, b1, 0, r->H);
    }
}

static int FN(packed_loop)(FN(recurrent) *r, i64 steps) {
    i64 p_width = UDL_CEIL_DIV(r->H, VW) * VW * r->P, size = r->D * r->strips * r->strip;
    size_t bytes = (size_t)(size + r->D * p_width) * sizeof(T);
    if (!(r->w = udl_alloc(bytes))) return UDL_ENOMEM;
    r->w_p = r->w + size;
    udl_parallel_for(r->D * r->strips, UDL_MAXI(65536 / UDL_MAXI(r->strip, 1), 1), FN(pack_task), r);
    for (i64 d = 0; r->P && d < r->D; d++) gemm_pack_b(r->w_p + d * p_width, r->w_hr[d], r->H, 1, r->P, r->H);
    recurrent_steps(r, steps, FN(step));
    udl_free(r->w, bytes);
    return UDL_OK;
}

typedef struct { const FN(recurrent) *r; i64 d, t; } FN(at);
static void FN(cell_task)(void *ctx, i64 begin, i64 end) {
    const FN(at) *a = ctx;
    const FN(recurrent) *r = a->r;
    for (i64 g = begin; g < end; g++) {
        i64 b0 = g * r->rb, b1 = UDL_MINI(b0 + r->rb, SIZE_AT(r, a->t));
        if (b0 >= b1) continue;
        if (r->P) FN(unproject)(r, a->d, a->t, b0, b1);
        FN(cell)(r, a->d, g, a->t, b0, b1, 0, r->H);
    }
}
static int FN(short_loop)(FN(recurrent) *r, i64 steps) {
    for (i64 d = 0; d < r->D; d++)
        for (i64 s = 0; s < steps; s++) {
            i64 t = d ? s : r->L - 1 - s, u = d ? t - 1 : t + 1;
            if (s > 0)
                EACH_RUN(r, g, n)
                    if (recurrent_mul(r->carry + d * r->N * r->K, r->K, SIZE_AT(r, u), r->K, n * r->H,
                                      FN(dgates_at)(r, d, ROW_AT(r, u), g), r->ldd, 1, r->w_hh[d] + g * r->H * r->K, r->K, 1,
                                      r->keeps_carry || g > 0))
                        return UDL_ENOMEM;
            FN(at) at = {r, d, t};
            if (s < r->L) udl_parallel_for(r->R, UDL_MAXI(4096 / (r->H * r->rb), 1), FN(cell_task), &at);
        }
    return UDL_OK;
}

/* ---- the call ------------------------------------------------------------------------------------------------------------ */
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
    r->ldd = recurrent_pitch(r->columns * r->H);
    r->strip = UDL_MINI(GEMM_NR, UDL_CEIL_DIV(r->K, VW) * VW) * r->gates_n * r->H;
    i64 sums = r->D * UDL_MAXI(r->R, 1) * r->columns * r->H, dgates = r->D * r->rows * r->ldd, dh_p = r->D * r->rows * r->P;
    size_t bytes = (size_t)sums * sizeof(double) + (size_t)(dgates + dh_p + (r->P ? r->D * r->N * r->H : 0) + VW) * sizeof(T);
    r->totals = udl_alloc(bytes);
    int status = r->totals ? UDL_OK : UDL_ENOMEM;
    if (!status) {
        r->dgates = (T *)(r->totals + sums), r->dh_p = r->dgates + dgates, r->dm = r->dh_p + dh_p;
        memset(r->totals, 0, (size_t)sums * sizeof(double));
        i64 steps = r->L + !(a->act_flags & 256);
        if (r->N > 0 && r->H > 0) status = r->packed ? FN(packed_loop)(r, steps) : FN(short_loop)(r, steps);
        if (!status) status = recurrent_weights(r, a);
        udl_free(r->totals, bytes);
    }
    if (r->first) udl_free((void *)r->first, (size_t)r->L * sizeof(i64));
    return status;
}
#endif
