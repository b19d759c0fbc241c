/* recurrent_weights.c - the gradients of weights and x: products over all steps, after the backward loop of recurrent.h.
 *
 *   gW_ih = dgates^T x,   gW_hh = dgates^T h_{t-1},   gb = sum of dgates,   gx = dgates W_ih,   gW_hr = dh^T m
 * A task owns some rows of gW_ih and gW_hh, those that one column block of dgates gives, and walks down all rows: it reads its
 * dgates in place, SUM_ROWS rows at a time, and its sums stay in L2. x and h_{t-1} are packed before, by all threads, for all tasks. */
#ifndef T
#include "recurrent.h"
#define SUM_ROWS 96       /* rows of a partial sum: short ones keep the error small */
#define PACKED (16 << 20) /* bytes of x and h that lie packed at a time */
#define UDL_THIS_FILE "kernels/recurrent_weights.c"
#include "../each_float.h"
#else

typedef struct {
    const FN(recurrent) *r;
    const udl_lstm_backward_args *a;
    T *x, *h;                  /* packed rows k0..k1: [rows, wide_x], [D, most, wide_h], SUM_ROWS rows in panels at a time */
    i64 k0, k1, most, wide_x, wide_h, blocks;
} FN(weights);

/* n columns of rows from[kc] as panels */
static void FN(pack_rows)(T *to, const T *const *from, i64 kc, i64 n) {
    for (i64 j = 0; j < n; j += GEMM_NR) {
        const i64 nb = UDL_MINI(GEMM_NR, n - j), w = UDL_CEIL_DIV(nb, VW) * VW;
        for (i64 k = 0; k < kc; k++, to += w) {
            if (nb == GEMM_NR) memcpy(to, from[k] + j, GEMM_NR * sizeof(T));
            else
                for (i64 i = 0; i < w; i++) to[i] = i < nb ? from[k][j + i] : 0;
        }
    }
}

static void FN(pack_task)(void *ctx, i64 begin, i64 end) { /* piece = SUM_ROWS rows of x and of h of all directions */
    const FN(weights) *w = ctx;
    const FN(recurrent) *r = w->r;
    const T *from[SUM_ROWS];
    for (i64 p = begin; p < end; p++) {
        const i64 at = p * SUM_ROWS, k = w->k0 + at, kc = UDL_MINI(SUM_ROWS, w->k1 - k);
        for (i64 i = 0; i < kc; i++) from[i] = (const T *)w->a->x + (k + i) * r->I;
        FN(pack_rows)(w->x + at * w->wide_x, from, kc, r->I);
        for (i64 d = 0; d < r->D; d++) {
            i64 t = r->sizes ? 0 : k / r->N;
            for (i64 i = 0; i < kc; i++) {
                while (k + i - ROW_AT(r, t) >= SIZE_AT(r, t)) t++;
                from[i] = H_BEFORE(r, d, t, k + i - ROW_AT(r, t));
            }
            FN(pack_rows)(w->h + (d * w->most + at) * w->wide_h, from, kc, r->K);
        }
    }
}

static void FN(weights_task)(void *ctx, i64 begin, i64 end) { /* piece = (d, column of the gates, block of its units) */
    const FN(weights) *w = ctx;
    const FN(recurrent) *r = w->r;
    for (i64 p = begin; p < end; p++) {
        const i64 d = p / w->blocks / r->columns, column = p / w->blocks % r->columns, block = p % w->blocks;
        const i64 m = r->H * block / w->blocks, mb = r->H * (block + 1) / w->blocks - m;
        const recurrent_fed f = RECURRENT_FED(r, (int)column);
        T *gw_ih = f.x >= 0 && w->a->gw_ih[d] ? (T *)w->a->gw_ih[d] + (f.x * r->H + m) * r->I : 0;
        T *gw_hh = f.h >= 0 && w->a->gw_hh[d] ? (T *)w->a->gw_hh[d] + (f.h * r->H + m) * r->K : 0;
        for (i64 k = w->k0; k < w->k1 && (gw_ih || gw_hh); k += SUM_ROWS) {
            const i64 kc = UDL_MINI(SUM_ROWS, w->k1 - k);
            const FN(gemm_epilogue) e = {.alpha = 1, .add = k > 0};
            const FN(gemm_a) dgates = {r->dgates + (d * r->rows + k) * r->ldd + column * r->H + m, r->ldd, GEMM_A_COLUMNS};
            const T *x = w->x + (k - w->k0) * w->wide_x, *h = w->h + (d * w->most + k - w->k0) * w->wide_h;
            if (gw_ih) gemm_block(mb, r->I, kc, dgates, (FN(gemm_b)){x, 0}, gw_ih, r->I, &e);
            if (gw_hh) gemm_block(mb, r->K, kc, dgates, (FN(gemm_b)){h, 0}, gw_hh, r->K, &e);
        }
    }
}

/* gW_ih and gW_hh */
static int FN(grad_w)(const FN(recurrent) *r, const udl_lstm_backward_args *a) {
    FN(weights) w = {.r = r, .a = a, .wide_x = UDL_CEIL_DIV(r->I, VW) * VW, .wide_h = UDL_CEIL_DIV(r->K, VW) * VW};
    const i64 row = w.wide_x + r->D * w.wide_h, all = UDL_CEIL_DIV(r->rows, SUM_ROWS) * SUM_ROWS;
    w.most = UDL_MINI(all, UDL_MAXI(PACKED / (row * (i64)sizeof(T)) / SUM_ROWS, 1) * SUM_ROWS);
    w.blocks = UDL_CEIL_DIV(r->H, 128);
    while (r->D * r->columns * w.blocks < 8 && r->H / w.blocks >= 4 * GEMM_MR) w.blocks *= 2;
    const size_t bytes = (size_t)(w.most * row) * sizeof(T);
    if (!(w.x = udl_alloc(bytes))) return UDL_ENOMEM;
    w.h = w.x + w.most * w.wide_x;
    for (; w.k0 < r->rows; w.k0 = w.k1) {
        w.k1 = UDL_MINI(w.k0 + w.most, r->rows);
        const i64 chunks = UDL_CEIL_DIV(w.k1 - w.k0, SUM_ROWS), tasks = r->D * r->columns * w.blocks;
        const double flops = 2. * (double)(w.k1 - w.k0) * (double)r->H * (double)(r->I + r->K) / (double)w.blocks; /* of a task */
        udl_parallel_for(chunks, UDL_MAXI(65536 / (row * SUM_ROWS), 1), FN(pack_task), &w);
        udl_parallel_for(tasks, (i64)UDL_MINI(GEMM_TASK_FLOPS / 2 / (flops + 1) + 1, (double)tasks), FN(weights_task), &w);
    }
    udl_free(w.x, bytes);
    return UDL_OK;
}

static void FN(grad_bias)(const FN(recurrent) *r, T *gb_ih, T *gb_hh, i64 d) {
    const i64 size = r->columns * r->H;
    double *total = r->totals + d * r->R * size;
    for (i64 g = 1; g < r->R; g++)
        for (i64 j = 0; j < size; j++) total[j] += total[g * size + j];
    for (i64 j = 0; gb_ih && j < r->gates_n * r->H; j++) gb_ih[j] = (T)total[j];
    for (i64 g = 0; gb_hh && g < r->gates_n; g++)
        for (i64 j = 0; j < r->H; j++) gb_hh[g * r->H + j] = (T)total[r->slot[g] * r->H + j];
}

int recurrent_weights(const FN(recurrent) *r, const udl_lstm_backward_args *a) {
    const i64 n = r->gates_n * r->H, K = r->K;
    int status = UDL_OK, zeroed = 0, any = 0;
    for (i64 d = 0; d < r->D; d++) {
        any |= a->gw_ih[d] || a->gw_hh[d];
        if (a->gx)
            status |= recurrent_mul(a->gx, r->I, r->rows, r->I, n, r->dgates + d * r->rows * r->ldd, r->ldd, 1, a->w_ih[d], r->I, 1,
                                    zeroed++);
        if (a->gw_hr[d])
            status |= recurrent_mul(a->gw_hr[d], r->H, K, r->H, r->rows, r->dh_p + d * r->rows * K, 1, K,
                                    (const T *)a->m + d * r->rows * r->H, r->H, 1, 0);
        FN(grad_bias)(r, a->gb_ih[d], a->gb_hh[d], d);
    }
    for (i64 d = 0; d < r->D && !r->rows; d++) { /* sums of nothing */
        if (a->gw_ih[d]) memset(a->gw_ih[d], 0, (size_t)(n * r->I) * sizeof(T));
        if (a->gw_hh[d]) memset(a->gw_hh[d], 0, (size_t)(n * K) * sizeof(T));
    }
    return any && r->rows ? status | FN(grad_w)(r, a) : status;
}
#endif
