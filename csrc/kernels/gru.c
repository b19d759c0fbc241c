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

/* n units of one sequence: first r and z, then n and h; apart, as in lstm.c. */
VFN void FN(gru_gates)(T *gates, T *kept, i64 H, int n) {
    vec r = v_sigmoid(v_load(gates)), z = v_sigmoid(v_load(gates + GEMM_NR)), q = v_load(gates + 3 * GEMM_NR);
    v_store(gates + GEMM_NR, z);
    v_store(gates + 2 * GEMM_NR, v_fma(r, q, v_load(gates + 2 * GEMM_NR)));
    if (!kept) return;
    STORE(kept, r);
    STORE(kept + H, z);
    STORE(kept + 3 * H, q);
}
VFN void FN(gru_out)(const T *gates, const T *before, T *h, T *kept, int n) {
    vec new = v_tanh(v_load(gates + 2 * GEMM_NR));
    STORE(h, v_fma(v_load(gates + GEMM_NR), LOAD(before) - new, new));
    if (kept) STORE(kept, new);
}

static void FN(gru_cell)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int units, T *gates) {
    const i64 H = r->H, row = ROW_AT(r, t) + b0;
    for (int j = 0; j < units; j += VW) {
        const int n = (int)UDL_MINI(units - j, VW);
        T *g = gates + j, *h = r->y + row * r->ldy + d * H + j0 + j, *kept = r->keep ? r->gates[d] + row * r->ldg + j0 + j : 0;
        for (i64 b = b0; b < b1; b++, g += RECURRENT_ROW) {
            if (n == VW) FN(gru_gates)(g, kept, H, VW);
            else FN(gru_gates)(g, kept, H, n);
            if (kept) kept += r->ldg;
        }
        g = gates + j, kept = r->keep ? r->gates[d] + row * r->ldg + 2 * H + j0 + j : 0;
        for (i64 b = b0; b < b1; b++, g += RECURRENT_ROW, h += r->ldy) {
            const T *before = H_BEFORE(r, d, t, b) + j0 + j;
            if (n == VW) FN(gru_out)(g, before, h, kept, VW);
            else FN(gru_out)(g, before, h, kept, n);
            if (kept) kept += r->ldg;
        }
    }
}

static void FN(gru_grad)(const FN(recurrent) *r, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int n, T *sum) {
    const i64 H = r->H, row = ROW_AT(r, t) + b0;
    const T *gates = r->gates[d] + row * r->ldg + j0, *gy = r->gy ? r->gy + row * r->ldy + d * H + j0 : 0;
    T *carry = r->carry + (d * r->N + b0) * H + j0, *to = r->dgates + (d * r->rows + row) * r->ldd + j0;
    vec sums[4] = {{0}, {0}, {0}, {0}};
    for (i64 b = b0; b < b1; b++, gates += r->ldg, carry += H, to += r->ldd) {
        const T *before = H_BEFORE(r, d, t, b) + j0;
        vec r_ = LOAD(gates), z = LOAD(gates + H), new = LOAD(gates + 2 * H), q = LOAD(gates + 3 * H), dh = LOAD(carry);
        if (gy) dh += LOAD(gy), gy += r->ldy;
        vec dz = dh * (LOAD(before) - new) * (z * (1 - z)), dn = dh * (1 - z) * (1 - new * new);
        vec dq = dn * r_, dr = dn * q * (r_ * (1 - r_));
        STORE(carry, dh * z);
        STORE(to, dr);
        STORE(to + H, dz);
        STORE(to + 2 * H, dn);
        STORE(to + 3 * H, dq);
        sums[0] += dr, sums[1] += dz, sums[2] += dn, sums[3] += dq;
    }
    for (int k = 0; k < 4; k++) v_store(sum + k * VW, sums[k]);
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
