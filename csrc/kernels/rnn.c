/* rnn.c - the simple recurrent network (Elman 1990), over sequences.
 *
 *   h_t = act(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh), act = tanh or relu; the gates are y itself
 * Backward, with dh = gy_t + carry:   dgates = dh (1 - h^2), or dh where h > 0. The loop over time is recurrent.h's. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/rnn.c"
#include "../each_float.h"
int KERNEL(rnn)(const udl_rnn_args *a) { return BY_FLOAT(a->dtype, rnn, (a)); }
int KERNEL(rnn_backward)(const udl_rnn_backward_args *a) { return BY_FLOAT(a->dtype, rnn_backward, (a)); }
#else
#define LOAD(p) (n == VW ? v_load(p) : v_load_n(p, n))
#define STORE(p, v) do { if (n == VW) v_store(p, v); else v_store_n(p, v, n); } while (0)

VFN void FN(rnn_unit)(const T *gate, T *y, int relu, int n) {
    vec x = v_load(gate);
    STORE(y, relu ? v_sel(x < 0, (vec){0}, x) : v_tanh(x));
}

static void FN(rnn_cell)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int units, T *gates) {
    const int relu = r->act == UDL_ACT_RELU;
    T *y = r->y + (ROW_AT(r, t) + b0) * r->ldy + d * r->H + j0;
    for (i64 b = b0; b < b1; b++, gates += RECURRENT_ROW, y += r->ldy) {
        int j = 0;
        for (; j + VW <= units; j += VW) FN(rnn_unit)(gates + j, y + j, relu, VW);
        if (j < units) FN(rnn_unit)(gates + j, y + j, relu, units - j);
    }
}

static void FN(rnn_grad)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int n, T *sum) {
    const int relu = r->act == UDL_ACT_RELU;
    const i64 row = ROW_AT(r, t) + b0;
    const T *y = r->gates[d] + row * r->ldy + j0, *gy = r->gy ? r->gy + row * r->ldy + d * r->H + j0 : 0;
    const T *carry = r->carry + (d * r->N + b0) * r->H + j0;
    T *to = r->dgates + (d * r->rows + row) * r->ldd + j0;
    vec all = {0};
    for (i64 b = b0; b < b1; b++, y += r->ldy, carry += r->H, to += r->ldd) {
        vec h = LOAD(y), dh = LOAD(carry);
        if (gy) dh += LOAD(gy), gy += r->ldy;
        dh = relu ? v_sel(h <= 0, (vec){0}, dh) : dh * (1 - h * h); /* NaN lets dh through */
        STORE(to, dh);
        all += dh;
    }
    v_store(sum, all);
}

static FN(recurrent) FN(rnn_shape)(i64 L, i64 N, i64 I, i64 H, i64 D, i64 rows, i64 act) {
    return (FN(recurrent)){.gates_n = 1, .columns = 1, .cell = FN(rnn_cell), .grad = FN(rnn_grad), .L = L, .N = N, .I = I,
                           .H = H, .K = H, .D = D, .rows = rows, .ldg = D * H, .ldy = D * H, .act = (int)act};
}

static int FN(rnn)(const udl_rnn_args *a) {
    FN(recurrent) r = FN(rnn_shape)(a->L, a->N, a->I, a->H, a->D, a->rows, a->act);
    r.gates[0] = a->y, r.gates[1] = (T *)a->y + a->H;
    r.keep = 1; /* the gates are y */
    return recurrent(&r, a);
}
static int FN(rnn_backward)(const udl_rnn_backward_args *a) {
    FN(recurrent) r = FN(rnn_shape)(a->L, a->N, a->I, a->H, a->D, a->rows, a->act_flags & 255);
    r.gates[0] = (T *)a->y, r.gates[1] = (T *)a->y + a->H;
    return recurrent_backward(&r, a);
}
#undef LOAD
#undef STORE
#endif
