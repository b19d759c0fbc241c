/* lstm.c - long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates), over sequences.
 *
 *   i, f, o = sigmoid(gates), g = tanh(gates);   c_t = f c_{t-1} + i g;   h_t = o tanh(c_t)
 * Backward, with dh = gy_t + carry and dc carried on:
 *   dc += dh o (1 - tanh(c)^2);   do = dh tanh(c) o (1 - o);   di = dc g i (1 - i);   df = dc c_{t-1} f (1 - f);
 *   dg = dc i (1 - g^2);   dc *= f
 * Kept: the gates, c_{t-1} and tanh(c_t). The loop over time is recurrent.h's. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/lstm.c"
#include "../each_float.h"
int KERNEL(lstm)(const udl_lstm_args *a) { return BY_FLOAT(a->dtype, lstm, (a)); }
int KERNEL(lstm_backward)(const udl_lstm_backward_args *a) { return BY_FLOAT(a->dtype, lstm_backward, (a)); }
#else
#define LOAD(p) (n == VW ? v_load(p) : v_load_n(p, n))
#define STORE(p, v) do { if (n == VW) v_store(p, v); else v_store_n(p, v, n); } while (0)

/* Units j..j+n of one sequence: first the gates and c, then h. Apart, as each is a long chain of dependent steps, and the
 * processor overlaps more units of a shorter one. kept: cells or NULL. */
VFN void FN(lstm_gates)(T *gates, T *c, T *kept, i64 H, int n) {
    vec i = v_sigmoid(LOAD(gates)), f = v_sigmoid(LOAD(gates + H)), o = v_sigmoid(LOAD(gates + 3 * H));
    vec g = v_tanh(LOAD(gates + 2 * H)), before = LOAD(c);
    STORE(c, v_fma(f, before, i * g));
    STORE(gates + 3 * H, o);
    if (!kept) return;
    STORE(gates, i);
    STORE(gates + H, f);
    STORE(gates + 2 * H, g);
    STORE(kept, before);
}
VFN void FN(lstm_out)(const T *o, const T *c, T *h, T *kept, int n) {
    vec tc = v_tanh(LOAD(c));
    STORE(h, LOAD(o) * tc);
    if (kept) STORE(kept, tc);
}

static void FN(lstm_cell)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 j1) {
    i64 H = r->H;
    int last = (int)((j1 - j0) & (VW - 1));
    for (i64 b = b0, row = ROW_AT(r, t) + b0; b < b1; b++, row++) {
        T *gates = GATES_AT(r, d, t, b), *c = r->cn + (d * r->N + b) * H;
        T *h = r->P ? r->m + (d * r->rows + row) * H : r->y + row * r->ldy + d * H;
        T *kept = r->keep ? r->cells + (d * r->rows + row) * 2 * H : 0;
        i64 j = j0;
        for (; j + VW <= j1; j += VW) FN(lstm_gates)(gates + j, c + j, kept ? kept + j : 0, H, VW);
        if (last) FN(lstm_gates)(gates + j, c + j, kept ? kept + j : 0, H, last);
        T *o = gates + 3 * H;
        kept = kept ? kept + H : 0;
        for (j = j0; j + VW <= j1; j += VW) FN(lstm_out)(o + j, c + j, h + j, kept ? kept + j : 0, VW);
        if (last) FN(lstm_out)(o + j, c + j, h + j, kept ? kept + j : 0, last);
    }
}

VFN void FN(lstm_unit_grad)(const T *gates, const T *kept, const T *gy, const T *carry, T *dc, T *to, T *sum, i64 H, int n) {
    vec i = LOAD(gates), f = LOAD(gates + H), g = LOAD(gates + 2 * H), o = LOAD(gates + 3 * H);
    vec before = LOAD(kept), tc = LOAD(kept + H), dh = LOAD(carry);
    if (gy) dh += LOAD(gy);
    vec dcell = v_fma(dh * o, 1 - tc * tc, LOAD(dc));
    vec di = dcell * g * (i * (1 - i)), df = dcell * before * (f * (1 - f)), dg = dcell * i * (1 - g * g);
    vec d_o = dh * tc * (o * (1 - o));
    STORE(dc, dcell * f);
    STORE(to, di);
    STORE(to + H, df);
    STORE(to + 2 * H, dg);
    STORE(to + 3 * H, d_o);
    STORE(sum, LOAD(sum) + di);
    STORE(sum + H, LOAD(sum + H) + df);
    STORE(sum + 2 * H, LOAD(sum + 2 * H) + dg);
    STORE(sum + 3 * H, LOAD(sum + 3 * H) + d_o);
}

static void FN(lstm_grad)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 j1, T *sum) {
    i64 H = r->H;
    for (i64 b = b0, row = ROW_AT(r, t) + b0; b < b1; b++, row++) {
        const T *gates = r->gates[d] + row * r->ldg, *kept = r->cells + (d * r->rows + row) * 2 * H;
        const T *gy = r->gy && !r->P ? r->gy + row * r->ldy + d * H : 0;
        const T *carry = (r->P ? r->dm : r->carry) + (d * r->N + b) * H;
        T *dc = r->dc + (d * r->N + b) * H, *to = r->dgates + (d * r->rows + row) * r->ldg;
        i64 j = j0;
        for (; j + VW <= j1; j += VW)
            FN(lstm_unit_grad)(gates + j, kept + j, gy ? gy + j : 0, carry + j, dc + j, to + j, sum + j, H, VW);
        if (j < j1)
            FN(lstm_unit_grad)(gates + j, kept + j, gy ? gy + j : 0, carry + j, dc + j, to + j, sum + j, H, (int)((j1 - j) & (VW - 1)));
    }
}

static FN(recurrent) FN(lstm_shape)(i64 L, i64 N, i64 I, i64 H, i64 P, i64 D, i64 rows) {
    i64 K = P ? P : H;
    return (FN(recurrent)){.gates_n = 4, .columns = 4, .slot = {0, 1, 2, 3}, .cell = FN(lstm_cell), .grad = FN(lstm_grad), .L = L,
                           .N = N, .I = I, .H = H, .K = K, .P = P, .D = D, .rows = rows, .ldg = 4 * H, .ldy = D * K};
}

static int FN(lstm)(const udl_lstm_args *a) {
    FN(recurrent) r = FN(lstm_shape)(a->L, a->N, a->I, a->H, a->P, a->D, a->rows);
    r.gates[0] = a->gates;
    r.keep = a->gates != 0;
    return recurrent(&r, a);
}
static int FN(lstm_backward)(const udl_lstm_backward_args *a) {
    FN(recurrent) r = FN(lstm_shape)(a->L, a->N, a->I, a->H, a->P, a->D, a->rows);
    r.gates[0] = (T *)a->gates, r.gates[1] = (T *)a->gates + a->rows * r.ldg;
    return recurrent_backward(&r, a);
}
#undef LOAD
#undef STORE
#endif
