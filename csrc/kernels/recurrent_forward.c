/* recurrent_forward.c - the forward time loop of recurrent.h. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/recurrent_forward.c"
#include "../each_float.h"
#else

#define INSIDE 6        /* so many sequences of a piece: x W_ih^T inside the loop, */
#define LARGE (8 << 20) /* but not where W_ih has so many bytes and more than gates of a step take on their way to memory and back */

/* ---- packing ------------------------------------------------------------------------------------------------------------ */
/* A strip: for each column of the gates a panel of its rows of W_ih, if inside, and its rows of W_hh. */
VFN recurrent_fed FN(column)(const FN(recurrent) *r, int column) {
    recurrent_fed f = RECURRENT_FED(r, column);
    if (!r->inside) f.x = -1;
    return f;
}

static void FN(pack_task)(void *ctx, i64 begin, i64 end) { /* piece = (d, strip) */
    const FN(recurrent) *r = ctx;
    for (i64 p = begin; p < end; p++) {
        const i64 d = p / r->strips, j0 = p % r->strips * GEMM_NR;
        const i64 nb = UDL_MINI(GEMM_NR, r->H - j0), width = UDL_CEIL_DIV(nb, VW) * VW;
        T *to = r->w + p * r->strip;
        for (int column = 0; column < r->columns; column++) {
            const recurrent_fed f = FN(column)(r, column);
            if (f.x >= 0) gemm_pack_b(to, r->w_ih[d] + (f.x * r->H + j0) * r->I, 1, r->I, r->I, nb), to += r->I * width;
            if (f.h >= 0) gemm_pack_b(to, r->w_hh[d] + (f.h * r->H + j0) * r->K, 1, r->K, r->K, nb), to += r->K * width;
        }
    }
}

/* ---- a strip of a step ---------------------------------------------------------------------------------------------------- */
/* buf = columns of the gates that are there already + bias */
static void FN(load_gates)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 columns, const T *bias, T *buf) {
    const i64 nb = UDL_MINI(GEMM_NR, r->H - j0);
    const T *gates = r->gates[d] + (ROW_AT(r, t) + b0) * r->ldg + j0;
    for (i64 b = b0; b < b1; b++, gates += r->ldg, buf += RECURRENT_ROW)
        for (i64 g = 0; g < columns; g++)
            for (i64 j = 0; j < nb; j += VW) {
                int n = (int)UDL_MINI(nb - j, VW);
                vec x = n == VW ? v_load(gates + g * r->H + j) : v_load_n(gates + g * r->H + j, n);
                if (bias) x += v_load(bias + g * GEMM_NR + j);
                v_store(buf + g * GEMM_NR + j, x);
            }
}

/* rows of buf (+)= their gates: of x_t, if inside, and of h, both beginning with those rows */
static void FN(rows_product)(const FN(recurrent) *r, i64 m, i64 width, const T *x, const T *h, i64 ldh, const T *w, const T *bias,
                             T *buf) {
    const T *b[4], *start[4];
    T *c[4];
    int few = 0;
    for (int column = 0; column < r->columns; column++) {
        const recurrent_fed f = FN(column)(r, column);
        const int alone = column >= r->gates_n || f.x >= 0;
        FN(recurrent_part) parts[2] = {{x, r->I, r->I}, {h, ldh, r->K}};
        c[few] = buf + column * GEMM_NR, b[few] = w, start[few] = alone && bias ? bias + column * GEMM_NR : 0;
        if (m > 2 || f.x >= 0 || alone || udl_batch_invariant())
            recurrent_sums(m, width, f.x >= 0 ? parts : parts + 1, (f.x >= 0) + (f.h >= 0), w, c[few], RECURRENT_ROW, !alone,
                           start[few]);
        else if (f.h >= 0) few++;
        w += ((f.x >= 0) * r->I + (f.h >= 0) * r->K) * width;
    }
    if (few) recurrent_few(m, width, r->K, h, ldh, b, c, RECURRENT_ROW, few, 1, start);
}

static void FN(product)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 strip, const T *bias, T *buf) {
    const i64 width = UDL_CEIL_DIV(UDL_MINI(GEMM_NR, r->H - strip * GEMM_NR), VW) * VW;
    const i64 kept = UDL_MINI(UDL_MAXI(KEPT(r, d, t), b0), b1) - b0;
    const T *w = r->w + (d * r->strips + strip) * r->strip, *x = r->x + (ROW_AT(r, t) + b0) * r->I;
    if (kept) FN(rows_product)(r, kept, width, x, H_BEFORE(r, d, t, b0), r->ldy, w, bias, buf);
    if (kept < b1 - b0)
        FN(rows_product)(r, b1 - b0 - kept, width, x + kept * r->I, r->h0 + (d * r->N + b0 + kept) * r->K, r->K, w, bias,
                         buf + kept * RECURRENT_ROW);
}

static const T *FN(bias_at)(const FN(recurrent) *r, i64 d, i64 strip) {
    return r->bias ? r->bias + (d * r->strips + strip) * RECURRENT_ROW : 0;
}

static void FN(step)(const FN(recurrent) *r, i64 s, i64 piece) {
    const i64 c = piece % r->C, g = piece / r->C % r->R, d = piece / r->C / r->R, t = d ? r->L - 1 - s : s;
    const i64 b0 = g * r->rb, b1 = UDL_MINI(b0 + r->rb, SIZE_AT(r, t));
    T buf[RECURRENT_ROWS * RECURRENT_ROW];
    if (b0 >= b1) return;
    for (i64 strip = c * r->each; strip < UDL_MINI((c + 1) * r->each, r->strips); strip++) {
        const i64 j0 = strip * GEMM_NR;
        const T *bias = FN(bias_at)(r, d, strip);
        if (!r->inside) FN(load_gates)(r, d, t, b0, b1, j0, r->gates_n, bias, buf);
        FN(product)(r, d, t, b0, b1, strip, bias, buf);
        r->cell(r, d, t, b0, b1, j0, (int)UDL_MINI(GEMM_NR, r->H - j0), buf);
    }
    for (i64 j = 0; j < r->P; j += GEMM_NR) { /* h = m W_hr^T */
        const i64 row = ROW_AT(r, t) + b0;
        const FN(recurrent_part) m = {r->m + (d * r->rows + row) * r->H, r->H, r->H};
        recurrent_sums(b1 - b0, UDL_MINI(GEMM_NR, r->P - j), &m, 1, r->w_p + (d * UDL_CEIL_DIV(r->P, VW) * VW + j) * r->H,
                       r->y + row * r->ldy + d * r->K + j, r->ldy, 0, 0);
    }
}

static int FN(packed_loop)(FN(recurrent) *r) {
    i64 hr = UDL_CEIL_DIV(r->P, VW) * VW * r->H, size = r->D * r->strips * r->strip;
    size_t bytes = (size_t)(size + r->D * hr) * sizeof(T);
    r->w = udl_alloc(bytes);
    if (!r->w) return UDL_ENOMEM;
    r->w_p = r->w + size;
    udl_parallel_for(r->D * r->strips, UDL_MAXI(65536 / UDL_MAXI(r->strip, 1), 1), FN(pack_task), r);
    for (i64 d = 0; r->P && d < r->D; d++) gemm_pack_b(r->w_p + d * hr, r->w_hr[d], 1, r->H, r->H, r->P);
    recurrent_steps(r, r->L, FN(step));
    udl_free(r->w, bytes);
    return UDL_OK;
}

/* ---- one or two steps: W is read where it lies ---------------------------------------------------------------------------- */
typedef struct { const FN(recurrent) *r; i64 d, t; } FN(at);
static void FN(cell_task)(void *ctx, i64 begin, i64 end) {
    const FN(at) *a = ctx;
    const FN(recurrent) *r = a->r;
    T buf[RECURRENT_ROWS * RECURRENT_ROW];
    for (i64 b = begin; b < end; b += RECURRENT_ROWS)
        for (i64 strip = 0; strip < r->strips; strip++) {
            const i64 e = UDL_MINI(b + RECURRENT_ROWS, end);
            FN(load_gates)(r, a->d, a->t, b, e, strip * GEMM_NR, r->columns, FN(bias_at)(r, a->d, strip), buf);
            r->cell(r, a->d, a->t, b, e, strip * GEMM_NR, (int)UDL_MINI(GEMM_NR, r->H - strip * GEMM_NR), buf);
        }
}

static int FN(short_loop)(FN(recurrent) *r) {
    for (i64 d = 0; d < r->D; d++)
        for (i64 s = 0; s < r->L; s++) {
            i64 t = d ? r->L - 1 - s : s, n = SIZE_AT(r, t), kept = KEPT(r, d, t), row = ROW_AT(r, t);
            for (i64 g = 0, gs; g < r->gates_n; g += gs) { /* gates that lie side by side in one product */
                for (gs = 1; g + gs < r->gates_n && r->slot[g + gs] == r->slot[g] + gs; gs++) {}
                const T *w = r->w_hh[d] + g * r->H * r->K;
                T *out = r->gates[d] + row * r->ldg + r->slot[g] * r->H;
                if (recurrent_mul(out, r->ldg, kept, gs * r->H, r->K, H_BEFORE(r, d, t, 0), r->ldy, 1, w, 1, r->K, !r->alone[g]) ||
                    recurrent_mul(out + kept * r->ldg, r->ldg, n - kept, gs * r->H, r->K, r->h0 + (d * r->N + kept) * r->K,
                                  r->K, 1, w, 1, r->K, !r->alone[g]))
                    return UDL_ENOMEM;
            }
            FN(at) at = {r, d, t};
            udl_parallel_for(n, UDL_MAXI(4096 / UDL_MAXI(r->H, 1), 1), FN(cell_task), &at);
            if (r->P && recurrent_mul(r->y + row * r->ldy + d * r->K, r->ldy, n, r->P, r->H, r->m + (d * r->rows + row) * r->H,
                                      r->H, 1, r->w_hr[d], 1, r->H, 0))
                return UDL_ENOMEM;
        }
    return UDL_OK;
}

/* b_ih + b_hh of each column; b_hh of one that h alone sees */
static void FN(sum_bias)(FN(recurrent) *r, const udl_lstm_args *a) {
    memset(r->bias, 0, (size_t)(r->D * r->strips * RECURRENT_ROW) * sizeof(T));
    for (i64 d = 0; d < r->D; d++)
        for (i64 g = 0; g < r->gates_n; g++)
            for (i64 j = 0; j < r->H; j++) {
                T *to = r->bias + (d * r->strips + j / GEMM_NR) * RECURRENT_ROW + j % GEMM_NR;
                to[g * GEMM_NR] += ((const T *)a->b_ih[d])[g * r->H + j];
                to[r->slot[g] * GEMM_NR] += ((const T *)a->b_hh[d])[g * r->H + j];
            }
}

static int FN(run_all)(FN(recurrent) *r) {
    int status = UDL_OK;
    for (i64 d = 0; d < r->D && !r->inside && !status; d++)
        status = recurrent_mul(r->gates[d], r->ldg, r->rows, r->gates_n * r->H, r->I, r->x, r->I, 1, r->w_ih[d], 1, r->I, 0);
    return status ? status : r->packed ? FN(packed_loop)(r) : FN(short_loop)(r);
}

int recurrent(FN(recurrent) *r, const udl_lstm_args *a) {
    r->y = a->y, r->cells = a->cells, r->m = a->m, r->cn = a->cn, r->x = a->x, r->h0 = a->h0, r->sizes = a->batch_sizes;
    for (int d = 0; d < 2; d++) r->w_ih[d] = a->w_ih[d], r->w_hh[d] = a->w_hh[d], r->w_hr[d] = a->w_hr[d];
    if (r->N <= 0 || r->H <= 0) return UDL_OK;
    if (recurrent_plan(r, r->H, r->gates_n * r->H, r->K)) return UDL_ENOMEM;
    r->inside = r->packed && r->rb >= INSIDE && !udl_batch_invariant() && r->I > 0 &&
                (r->I < 3 * r->N || r->gates_n * r->H * r->I * (i64)sizeof(T) < LARGE);
    r->strip = r->gates_n * GEMM_NR * (r->K + (r->inside ? r->I : 0));
    if (a->cn) memcpy(a->cn, a->c0, (size_t)(r->D * r->N * r->H) * sizeof(T));
    i64 gates = r->gates[0] || r->inside ? 0 : r->D * r->rows * r->ldg;
    size_t bytes = (size_t)(gates + r->D * r->strips * RECURRENT_ROW) * sizeof(T);
    T *scratch = udl_alloc(bytes);
    int status = UDL_ENOMEM;
    if (scratch) {
        if (!r->gates[0]) r->gates[0] = scratch;
        if (!r->gates[1]) r->gates[1] = r->gates[0] + r->rows * r->ldg;
        if (a->b_ih[0]) {
            r->bias = scratch + gates;
            FN(sum_bias)(r, a);
        }
        status = FN(run_all)(r);
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
