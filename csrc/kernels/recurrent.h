/* recurrent.h - the time loop that lstm.c, gru.c and rnn.c share; they bring a cell, forward and backward.
 *
 * Forward. gates_t = x_t W_ih^T + b + h_{t-1} W_hh^T with W_hh packed once; the cell turns gates_t into h_t (a row of y)
 * while they are in the cache. With few sequences x W_ih^T is one matmul for all steps, before the loop; with more of them
 * it is done step by step too, as gates of all steps would go to memory and come back.
 * Backward, from the last step to the first: carry = dgates_{t+1} W_hh is what h_t gets from the next step; with gy_t it
 * gives dgates_t through the cell. What remains are single matmuls over all steps: gW_ih = dgates^T x,
 * gW_hh = dgates^T h_{t-1}, gx = dgates W_ih.
 *
 * Cut, by the shape alone, into pieces: D directions x R groups of sequences x C groups of hidden units (the same units of
 * every gate). C == 1: a piece runs through all steps by itself, nobody waits. C > 1: the pieces of a step run side by
 * side and the next step waits for them (udl_parallel_steps); a piece's part of W_hh stays in the cache of its thread.
 *
 * Sequences of different lengths come sorted, longest first: step t has the first sizes[t] of them. Direction 1 runs
 * from the last step to the first. Letters as in args.h: L N I H K D; G gates. */
#ifndef UDL_RECURRENT_H
#define UDL_RECURRENT_H
#include "../vec/math.h"
#include "gemm.h"

#define RECURRENT_DECLARE(T, s)                                                                                          \
    typedef struct recurrent_##s recurrent_##s;                                                                          \
    /* forward: steps t of sequences b0..b1 and hidden units j0..j1, from gates to h, c */                               \
    typedef void (*recurrent_cell_##s)(const recurrent_##s *, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 j1);             \
    /* backward: from dh = gy + carry to dgates, whose sum over the rows is added to sum[ldg] */                         \
    typedef void (*recurrent_grad_##s)(const recurrent_##s *, i64 d, i64 t, i64 b0, i64 b1, i64 j0, i64 j1, T *sum);     \
    struct recurrent_##s {                                                                                               \
        /* what the operation says */                                                                                    \
        int gates_n, columns;          /* G; columns of H in gates: G, but 4 for gru */                                  \
        i64 slot[4];                   /* gate -> its column of H in gates, for the product with h */                    \
        int alone[4];                  /* 1: that column holds the product and b_hh alone (q of gru) */                  \
        recurrent_cell_##s cell;                                                                                         \
        recurrent_grad_##s grad;                                                                                         \
        int keeps_carry;               /* grad leaves part of carry, to which the product is added (gru) */              \
        /* shape */                                                                                                      \
        i64 L, N, I, H, K, P, D, rows, ldg, ldy;                                                                         \
        int act, keep;                                                                                                   \
        const i64 *sizes, *first;      /* of each step: sequences, first row; or NULL: N, t N */                         \
        /* the plan */                                                                                                   \
        i64 R, C, rb, jb, kc, block;   /* groups, their sizes, block of k, numbers in a packed block */                  \
        int packed;                    /* 0: too few steps to pay for packing */                                         \
        int inside;                    /* x W_ih^T is computed step by step: see recurrent.c */                          \
        /* data */                                                                                                       \
        T *y, *gates[2], *cells, *m, *cn, *w, *w_p;  /* gates of each direction; w, w_p: W_hh and W_hr packed */         \
        T *w_x, *bias;                 /* W_ih packed; what x W_ih^T has added: [D, G H], or NULL */                     \
        const T *x, *h0, *w_ih[2], *w_hh[2], *w_hr[2], *b_hh[2], *gy;                                                    \
        T *dgates, *carry, *dc;        /* [D, rows, ldg]; of h_t and of c_t from the next step: [D, N, K], [D, N, H] */  \
        T *dh_p, *dm, *sums;           /* with P: dh of every row, dm of a step; sums of dgates of a step, D R groups */ \
        double *totals;                /* of all steps */                                                                \
    };                                                                                                                   \
    int UDL_CAT3(udli_, recurrent_##s, UDL_LEVEL)(recurrent_##s *, const udl_lstm_args *);                               \
    int UDL_CAT3(udli_, recurrent_backward_##s, UDL_LEVEL)(recurrent_##s *, const udl_lstm_backward_args *);             \
    int UDL_CAT3(udli_, recurrent_plan_##s, UDL_LEVEL)(recurrent_##s *, i64 units, i64 out, i64 k);                      \
    void UDL_CAT3(udli_, recurrent_times_##s, UDL_LEVEL)(i64 m, i64 n, i64 k, i64 kc, const T *a, i64 lda, const T *b,    \
                                                         T *c, i64 ldc, int add, const T *bias);                         \
    /* out[m, n] = (add: out) + A[m, k] B[k, n] + bias, strided and on all threads */                                    \
    int UDL_CAT3(udli_, recurrent_mul_##s, UDL_LEVEL)(T *out, i64 ldo, i64 m, i64 n, i64 k, const T *a, i64 a_m, i64 a_k, \
                                                      const T *b, i64 b_k, i64 b_n, const T *bias, int add);
RECURRENT_DECLARE(float, f32)
RECURRENT_DECLARE(double, f64)
#define recurrent INTERNAL(FN(recurrent))
#define recurrent_backward INTERNAL(FN(recurrent_backward))
#define recurrent_plan INTERNAL(FN(recurrent_plan))
#define recurrent_times INTERNAL(FN(recurrent_times))
#define recurrent_mul INTERNAL(FN(recurrent_mul))

/* gates of sequence b at step t: a row for each step only if they are kept or computed before the loop */
#define GATES_AT(r, d, t, b) ((r)->gates[d] + ((r)->keep || !(r)->inside ? ROW_AT(r, t) + (b) : (b)) * (r)->ldg)
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
