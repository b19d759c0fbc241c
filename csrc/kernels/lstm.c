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

/* n units of one sequence: first the gates and c, then h. Apart, as each is a long chain of dependent steps, and the
 * processor overlaps more units of a shorter one. gates: of the buffer; kept, cells: of the row, or NULL. */
VFN void FN(lstm_gates)(T *gates, T *c, T *kept, T *cells, i64 H, int n) {
    vec i = v_sigmoid(v_load(gates)), f = v_sigmoid(v_load(gates + GEMM_NR)), o = v_sigmoid(v_load(gates + 3 * GEMM_NR));
    vec g = v_tanh(v_load(gates + 2 * GEMM_NR)), before = LOAD(c);
    STORE(c, v_fma(f, before, i * g));
    v_store(gates + 3 * GEMM_NR, o);
    if (!kept) return;
    STORE(kept, i);
    STORE(kept + H, f);
    STORE(kept + 2 * H, g);
    STORE(kept + 3 * H, o);
    STORE(cells, before);
}
VFN void FN(lstm_out)(const T *o, const T *c, T *h, T *cells, int n) {
    vec tc = v_tanh(LOAD(c));
    STORE(h, v_load(o) * tc);
    if (cells) STORE(cells, tc);
}

static void FN(lstm_cell)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int units, T *gates) {
    const i64 H = r->H, row = ROW_AT(r, t) + b0;
    T *c0 = r->cn + (d * r->N + b0) * H + j0, *kept0 = r->keep ? r->gates[d] + row * r->ldg + j0 : 0;
    T *cells0 = r->keep ? r->cells + (d * r->rows + row) * 2 * H + j0 : 0;
    T *h0 = r->P ? r->m + (d * r->rows + row) * H + j0 : r->y + row * r->ldy + d * H + j0;
    const i64 ldh = r->P ? H : r->ldy;
    for (int j = 0; j < units; j += VW) {
        const int n = (int)UDL_MINI(units - j, VW);
        T *g = gates + j, *c = c0 + j, *kept = kept0 ? kept0 + j : 0, *cells = cells0 ? cells0 + j : 0, *h = h0 + j;
        for (i64 b = b0; b < b1; b++, g += RECURRENT_ROW, c += H) {
            if (n == VW) FN(lstm_gates)(g, c, kept, cells, H, VW);
            else FN(lstm_gates)(g, c, kept, cells, H, n);
            if (kept) kept += r->ldg, cells += 2 * H;
        }
        cells = cells0 ? cells0 + H + j : 0;
        g = gates + 3 * GEMM_NR + j, c = c0 + j;
        for (i64 b = b0; b < b1; b++, g += RECURRENT_ROW, c += H, h += ldh) {
            if (n == VW) FN(lstm_out)(g, c, h, cells, VW);
            else FN(lstm_out)(g, c, h, cells, n);
            if (cells) cells += 2 * H;
        }
    }
}

static void FN(lstm_grad)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int n, T *sum) {
    const i64 H = r->H, row = ROW_AT(r, t) + b0;
    const T *gates = r->gates[d] + row * r->ldg + j0, *kept = r->cells + (d * r->rows + row) * 2 * H + j0;
    const T *gy = r->gy && !r->P ? r->gy + row * r->ldy + d * H + j0 : 0;
    const T *carry = (r->P ? r->dm : r->carry) + (d * r->N + b0) * H + j0;
    T *dc = r->dc + (d * r->N + b0) * H + j0, *to = r->dgates + (d * r->rows + row) * r->ldd + j0;
    vec sums[4] = {{0}, {0}, {0}, {0}};
    for (i64 b = b0; b < b1; b++, gates += r->ldg, kept += 2 * H, carry += H, dc += H, to += r->ldd) {
        vec i = LOAD(gates), f = LOAD(gates + H), g = LOAD(gates + 2 * H), o = LOAD(gates + 3 * H);
        vec before = LOAD(kept), tc = LOAD(kept + H), dh = LOAD(carry);
        if (gy) dh += LOAD(gy), gy += r->ldy;
        vec dcell = v_fma(dh * o, 1 - tc * tc, LOAD(dc));
        vec di = dcell * g * (i * (1 - i)), df = dcell * before * (f * (1 - f)), dg = dcell * i * (1 - g * g);
        vec d_o = dh * tc * (o * (1 - o));
        STORE(dc, dcell * f);
        STORE(to, di);
        STORE(to + H, df);
        STORE(to + 2 * H, dg);
        STORE(to + 3 * H, d_o);
        sums[0] += di, sums[1] += df, sums[2] += dg, sums[3] += d_o;
    }
    for (int k = 0; k < 4; k++) v_store(sum + k * VW, sums[k]);
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
