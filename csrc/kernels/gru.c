/* gru.c - gated recurrent unit (Cho et al. 2014, with the reset gate after the product), over sequences.
 *
 *   r, z = sigmoid(gates);   q = h_{t-1} W_hn^T + b_hn;   n = tanh(gate + r q);   h_t = n + z (h_{t-1} - n)
 * Backward, with dh = gy_t + carry:
 *   dz = dh (h_{t-1} - n) z (1 - z);   dn = dh (1 - z) (1 - n^2);   dq = dn r;   dr = dn q r (1 - r);   carry = dh z
 * to which the product of (dr, dz, dq) with W_hh is added. Kept: r, z, n, q. The gates' columns are r z n q: x sees the
 * first three, h sees r, z and q. The loop over time is recurrent.h's. */
#ifndef T
#include "recurrent.h"
#define UDL_THIS_FILE "kernels/gru.c"
#include "../each_float.h"
int KERNEL(gru)(const udl_gru_args *a) { return BY_FLOAT(a->dtype, gru, (a)); }
int KERNEL(gru_backward)(const udl_gru_backward_args *a) { return BY_FLOAT(a->dtype, gru_backward, (a)); }
#else
#define LOAD(p) (n == VW ? v_load(p) : v_load_n(p, n))
#define STORE(p, v) do { if (n == VW) v_store(p, v); else v_store_n(p, v, n); } while (0)

/* Units j..j+n of one sequence: first r and z, then n and h; apart, as in lstm.c. */
VFN void FN(gru_gates)(T *gates, i64 H, int n) {
    vec r = v_sigmoid(LOAD(gates)), z = v_sigmoid(LOAD(gates + H));
    STORE(gates, r);
    STORE(gates + H, z);
    STORE(gates + 2 * H, v_fma(r, LOAD(gates + 3 * H), LOAD(gates + 2 * H)));
}
VFN void FN(gru_out)(T *gates, const T *before, T *h, i64 H, int keep, int n) {
    vec new = v_tanh(LOAD(gates + 2 * H));
    STORE(h, v_fma(LOAD(gates + H), LOAD(before) - new, new));
    if (keep) STORE(gates + 2 * H, new);
}

static void FN(gru_cell)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 j1) {
    i64 H = r->H;
    int last = (int)((j1 - j0) & (VW - 1));
    for (i64 b = b0, row = ROW_AT(r, t) + b0; b < b1; b++, row++) {
        T *gates = GATES_AT(r, d, t, b), *h = r->y + row * r->ldy + d * H;
        const T *before = H_BEFORE(r, d, t, b);
        i64 j = j0;
        for (; j + VW <= j1; j += VW) FN(gru_gates)(gates + j, H, VW);
        if (last) FN(gru_gates)(gates + j, H, last);
        for (j = j0; j + VW <= j1; j += VW) FN(gru_out)(gates + j, before + j, h + j, H, r->keep, VW);
        if (last) FN(gru_out)(gates + j, before + j, h + j, H, r->keep, last);
    }
}

VFN void FN(gru_unit_grad)(const T *gates, const T *before, const T *gy, T *carry, T *to, T *sum, i64 H, int n) {
    vec r = LOAD(gates), z = LOAD(gates + H), new = LOAD(gates + 2 * H), q = LOAD(gates + 3 * H), dh = LOAD(carry);
    if (gy) dh += LOAD(gy);
    vec dz = dh * (LOAD(before) - new) * (z * (1 - z)), dn = dh * (1 - z) * (1 - new * new);
    vec dq = dn * r, dr = dn * q * (r * (1 - r));
    STORE(carry, dh * z);
    STORE(to, dr);
    STORE(to + H, dz);
    STORE(to + 2 * H, dn);
    STORE(to + 3 * H, dq);
    STORE(sum, LOAD(sum) + dr);
    STORE(sum + H, LOAD(sum + H) + dz);
    STORE(sum + 2 * H, LOAD(sum + 2 * H) + dn);
    STORE(sum + 3 * H, LOAD(sum + 3 * H) + dq);
}

static void FN(gru_grad)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 j1, T *sum) {
    i64 H = r->H;
    for (i64 b = b0, row = ROW_AT(r, t) + b0; b < b1; b++, row++) {
        const T *gates = r->gates[d] + row * r->ldg, *before = H_BEFORE(r, d, t, b), *gy = r->gy ? r->gy + row * r->ldy + d * H : 0;
        T *carry = r->carry + (d * r->N + b) * H, *to = r->dgates + (d * r->rows + row) * r->ldg;
        i64 j = j0;
        for (; j + VW <= j1; j += VW)
            FN(gru_unit_grad)(gates + j, before + j, gy ? gy + j : 0, carry + j, to + j, sum + j, H, VW);
        if (j < j1) FN(gru_unit_grad)(gates + j, before + j, gy ? gy + j : 0, carry + j, to + j, sum + j, H, (int)((j1 - j) & (VW - 1)));
    }
}

static FN(recurrent) FN(gru_shape)(i64 L, i64 N, i64 I, i64 H, i64 D, i64 rows) {
    return (FN(recurrent)){.gates_n = 3, .columns = 4, .slot = {0, 1, 3}, .alone = {0, 0, 1}, .cell = FN(gru_cell),
                           .grad = FN(gru_grad), .keeps_carry = 1, .L = L, .N = N, .I = I, .H = H, .K = H, .D = D, .rows = rows,
                           .ldg = 4 * H, .ldy = D * H};
}

static int FN(gru)(const udl_gru_args *a) {
    FN(recurrent) r = FN(gru_shape)(a->L, a->N, a->I, a->H, a->D, a->rows);
    r.gates[0] = a->gates;
    r.keep = a->gates != 0;
    return recurrent(&r, a);
}
static int FN(gru_backward)(const udl_gru_backward_args *a) {
    FN(recurrent) r = FN(gru_shape)(a->L, a->N, a->I, a->H, a->D, a->rows);
    r.gates[0] = (T *)a->gates, r.gates[1] = (T *)a->gates + a->rows * r.ldg;
    return recurrent_backward(&r, a);
}
#undef LOAD
#undef STORE
#endif
