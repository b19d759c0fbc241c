/* recurrent.h - the time loop that lstm.c, gru.c and rnn.c share; they bring a cell, forward and backward.
 *
 * Forward. gates_t = x_t W_ih^T + b + h_{t-1} W_hh^T, a strip of GEMM_NR hidden units at a time: the same units of every
 * gate lie side by side in the packed weights and in a buffer of RECURRENT_ROWS rows, [row][gate][GEMM_NR], which never
 * leaves L1: the cell turns it into h_t (a row of y) at once. With few sequences x W_ih^T is one matmul for all steps,
 * before the loop; with more of them it is done strip by strip too, as gates of all steps would go to memory and come back.
 * Backward, from the last step to the first: carry = dgates_{t+1} W_hh is what h_t gets from the next step; with gy_t it
 * gives dgates_t through the cell. What remains are single matmuls over all steps: gW_ih = dgates^T x,
 * gW_hh = dgates^T h_{t-1}, gx = dgates W_ih.
 *
 * Cut, by the shape alone, into pieces: D directions x R groups of sequences x C groups of strips. C == 1: a piece runs
 * through all steps by itself, nobody waits. C > 1: the pieces of a step run side by side and the next step waits for them
 * (udl_parallel_steps); a piece's part of the weights stays in the cache of its thread.
 *
 * Sequences of different lengths come sorted, longest first: step t has the first sizes[t] of them. Direction 1 runs
 * from the last step to the first. Letters as in args.h: L N I H K D; G gates. */
#ifndef UDL_RECURRENT_H
#define UDL_RECURRENT_H
#include "../vec/math.h"
#include "gemm.h"

#define RECURRENT_DECLARE(T, s)                                                                                          \
    typedef struct { const T *a; i64 lda, k; } recurrent_part_##s;                                                       \
    typedef struct recurrent_##s recurrent_##s;                                                                          \
    /* forward: step t of sequences b0..b1 and n hidden units from j0, from the buffer of gates to h, c */               \
    typedef void (*recurrent_cell_##s)(const recurrent_##s *, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int n, T *gates);    \
    /* backward: the same for n <= VW units, from dh = gy + carry to dgates; sum[columns][VW]: their sums over b0..b1 */ \
    typedef void (*recurrent_grad_##s)(const recurrent_##s *, i64 d, i64 t, i64 b0, i64 b1, i64 j0, int n, T *sum);      \
    struct recurrent_##s {                                                                                               \
        /* what the operation says */                                                                                    \
        int gates_n, columns;          /* G; columns of H in gates: G, but 4 for gru */                                  \
        i64 slot[4];                   /* gate -> its column of H in gates, for the product with h */                    \
        int alone[4];                  /* 1: that column holds the product and b_hh alone (q of gru) */                  \
        recurrent_cell_##s cell;                                                                                         \
        recurrent_grad_##s grad;                                                                                         \
        int keeps_carry;               /* grad leaves part of carry, to which the product is added (gru) */              \
        /* shape */                                                                                                      \
        i64 L, N, I, H, K, P, D, rows, ldg, ldd, ldy; /* ldg, ldd, ldy: of rows of gates, dgates, y */                   \
        int act, keep;                                                                                                   \
        const i64 *sizes, *first;      /* of each step: sequences, first row; or NULL: N, t N */                         \
        /* the plan */                                                                                                   \
        i64 R, C, rb, strips, each;    /* groups, sequences of one; strips of units, and those of a piece */             \
        i64 strip;                     /* numbers of a packed strip */                                                   \
        int packed;                    /* 0: too few steps to pay for packing */                                         \
        int inside;                    /* x W_ih^T is computed step by step: see recurrent.c */                          \
        /* data */                                                                                                       \
        T *y, *gates[2], *cells, *m, *cn; /* gates of each direction */                                                  \
        T *w, *w_p;                    /* packed: [D, strips] of W_ih, if inside, and W_hh; W_hr */                      \
        T *bias;                       /* what the columns start with: [D, strips, 4, GEMM_NR], or NULL */               \
        const T *x, *h0, *w_ih[2], *w_hh[2], *w_hr[2], *gy;                                                              \
        T *dgates, *carry, *dc;        /* [D, rows, ldd]; of h_t and of c_t from the next step: [D, N, K], [D, N, H] */  \
        T *dh_p, *dm;                  /* with P: dh of every row, dm of a step */                                       \
        double *totals;                /* sums of dgates over all steps: [D, R, columns H] */                            \
    };                                                                                                                   \
    int UDL_CAT3(udli_, recurrent_##s, UDL_LEVEL)(recurrent_##s *, const udl_lstm_args *);                               \
    int UDL_CAT3(udli_, recurrent_backward_##s, UDL_LEVEL)(recurrent_##s *, const udl_lstm_backward_args *);             \
    int UDL_CAT3(udli_, recurrent_plan_##s, UDL_LEVEL)(recurrent_##s *, i64 units, i64 out, i64 k);                      \
    int UDL_CAT3(udli_, recurrent_weights_##s, UDL_LEVEL)(const recurrent_##s *, const udl_lstm_backward_args *);        \
    void UDL_CAT3(udli_, recurrent_steps_##s, UDL_LEVEL)(recurrent_##s *, i64 steps, void (*step)(const recurrent_##s *, i64 s, i64 piece));\
    /* c[m, n] = (add: c) + bias + sum over the parts of a[m, k] B; b: their rows of B in one panel, n <= GEMM_NR */     \
    void UDL_CAT3(udli_, recurrent_sums_##s, UDL_LEVEL)(i64 m, i64 n, const recurrent_part_##s *, int parts, const T *b, T *c, i64 ldc,\
                                                        int add, const T *bias);                                         \
    void UDL_CAT3(udli_, recurrent_few_##s, UDL_LEVEL)(i64 m, i64 n, i64 k, const T *a, i64 lda, const T *const *b, T *const *c,\
                                                       i64 ldc, int panels, int add, const T *const *bias);            \
    /* out[m, n] = (add: out) + A[m, k] B[k, n], strided and on all threads */                                    \
    int UDL_CAT3(udli_, recurrent_mul_##s, UDL_LEVEL)(T *out, i64 ldo, i64 m, i64 n, i64 k, const T *a, i64 a_m, i64 a_k, \
                                                      const T *b, i64 b_k, i64 b_n, int add);
RECURRENT_DECLARE(float, f32)
RECURRENT_DECLARE(double, f64)
#define recurrent INTERNAL(FN(recurrent))
#define recurrent_backward INTERNAL(FN(recurrent_backward))
#define recurrent_plan INTERNAL(FN(recurrent_plan))
#define recurrent_weights INTERNAL(FN(recurrent_weights))
#define recurrent_steps INTERNAL(FN(recurrent_steps))
#define recurrent_sums INTERNAL(FN(recurrent_sums))
#define recurrent_few INTERNAL(FN(recurrent_few))
#define recurrent_mul INTERNAL(FN(recurrent_mul))

/* the gate of W_ih and of W_hh that feeds a column of the gates, or -1 */
typedef struct { int x, h; } recurrent_fed;
#define RECURRENT_FED(r, column) recurrent_fed_at((r)->slot, (r)->gates_n, column)
VFN recurrent_fed recurrent_fed_at(const i64 slot[4], int gates_n, int column) {
    recurrent_fed f = {column < gates_n ? column : -1, -1};
    for (int g = 0; g < gates_n; g++)
        if (slot[g] == column) f.h = g;
    return f;
}
#define RECURRENT_ROWS 32 /* of the buffer of gates, and most sequences of a group */
#define RECURRENT_ROW (4 * GEMM_NR)
/* a row of n numbers that the engine reads with many others: not a multiple of 4096 bytes, so that they do not share a set of L1 */
#define recurrent_pitch(n) ((n) % (1024 / (i64)sizeof(T)) ? (n) : (n) + 64 / (i64)sizeof(T))
#define ROW_AT(r, t) ((r)->first ? (r)->first[t] : (t) * (r)->N)
#define SIZE_AT(r, t) ((r)->sizes ? (r)->sizes[t] : (r)->N)
/* the step before t in direction d, -1 or L if there is none; how many sequences of step t were there already */
#define BEFORE(d, t) ((d) ? (t) + 1 : (t) - 1)
#define KEPT(r, d, t) ((d) ? ((t) + 1 < (r)->L ? SIZE_AT(r, (t) + 1) : 0) : (t) > 0 ? SIZE_AT(r, t) : 0)
/* h of sequence b before step t */
#define H_BEFORE(r, d, t, b)                                                                              \
    ((b) < KEPT(r, d, t) ? (r)->y + (ROW_AT(r, BEFORE(d, t)) + (b)) * (r)->ldy + (d) * (r)->K             \
                         : (r)->h0 + ((d) * (r)->N + (b)) * (r)->K)
#endif
