/* args.h - the argument struct of each kernel: outputs, inputs, int64 sizes, double scalars; every field is 8 bytes.
 *
 * Unless a field says otherwise, arrays are contiguous and row-major, `dtype` is UDL_F32 or UDL_F64 and all floating
 * arrays of a call have that type; index arrays are int64. Outputs do not overlap inputs, except where "may alias".
 * A NULL input that is marked "or NULL" is absent; a NULL output that is marked so is not wanted.
 * Axis letters: N batch, C channels in, O channels out, H W height and width of the input, P Q of the output,
 * R S of the filter, G groups. */
#ifndef UDLFAST_ARGS_H
#define UDLFAST_ARGS_H
#include <stdint.h>
typedef int64_t i64;

/* out = op(a, b, c), element by element. Every operand is strided (strides in elements, 0 broadcasts) and of its own
 * dtype; it is converted to `compute` (UDL_F32, UDL_F64 or UDL_I64) on load and from it on store; store to bool is
 * "!= 0". p[0], p[1] stand for absent operands or are parameters: see elementwise.inc. out may alias an input that
 * has the same dtype and strides. dims run from outermost to innermost; strides[k] belongs to out, a, b, c. */
typedef struct {
    void *out;
    const void *in[3];
    i64 op, compute, dtype[4], ndim, shape[8], strides[4][8], pad;
    double p[2];
} udl_elementwise_args;

/* out[o, i] = reduction over n of a[o, n, i]; op is UDL_SUM ... Integers: dtype of `a` any type; out_dtype is the
 * type of out (SUM/PROD: I64 for integers; ARGMAX/ARGMIN: I64; ANY/ALL: BOOL; else dtype). NaN wins in MAX/MIN/ARG*.
 * The first of equal extremes is the ARGMAX/ARGMIN. bf16 accumulates in f32. The tree is fixed by the shape. */
typedef struct {
    void *out;
    const void *a;
    i64 op, dtype, out_dtype, outer, n, inner;
} udl_reduce_args;

/* mean[o, i] and var[o, i] of a[o, n, i] (two passes or Welford); var = sum of squares / (n - correction). */
typedef struct {
    void *var, *mean;
    const void *a;
    i64 dtype, outer, n, inner;
    double correction;
} udl_var_mean_args;

/* out[o, k, i] = UDL_SUM, UDL_PROD or UDL_LOGSUMEXP (no I64) of a[o, 0..k, i]; UDL_ARGMAX, UDL_ARGMIN: its last place (int64). F32 F64 I64 */
typedef struct {
    void *out;
    const void *a;
    i64 op, dtype, outer, n, inner_reverse; /* inner_reverse = inner, negative to run from the end (no ARG*) */
} udl_cumsum_args;

/* out[b, m, n] = act(alpha sum_k A[b, m, k] B[b, k, n] + beta out + bias[n]) + residual[b, m, n].
 * A and B are strided: element (b, m, k) of A is a[b a_batch + m a_m + k a_k], likewise B; out has row stride ldo and
 * unit column stride; residual (or NULL) is laid out as out. bias or NULL. beta is 0 or 1; with 0 out is not read.
 * packed_b: NULL, or B as udl_prepack made it (b is given all the same); not looked at where the batch has several.
 * bias_m != 0: bias runs over m instead of n. dtype F32, F64 or BF16 (then accumulated in float32).
 * wide: for BF16, UDL_WIDE_* of what is float32 all the same: A and B are then rounded to BF16 on the way. */
typedef struct {
    void *out;
    const void *a, *b, *bias, *residual, *packed_b;
    i64 dtype, batch, m, n, k, a_batch, a_m, a_k, b_batch, b_k, b_n, o_batch, ldo, act, bias_m, wide;
    double alpha, beta;
} udl_matmul_args;

/* y[N, O, P, Q] = x[N, C, H, W] * w[O, C/G, R, S] + b[O] (cross-correlation); b or NULL; act as matmul's.
 * ready: NULL, or w as conv2d_filters made it (w is given all the same).
 * pad_h, pad_w are the zeros before the first row and column; P and Q are given, so padding may be asymmetric. */
typedef struct {
    void *y;
    const void *x, *w, *b, *ready;
    i64 dtype, N, C, H, W, O, R, S, P, Q, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups_act; /* groups + 65536 act */
} udl_conv2d_args;

/* The filters of conv2d calls made ready for the active instruction set. bytes: two int64, or NULL: what `ready` takes, or 0 where this
 * saves nothing at these sizes; and the H and W (P and Q 1) that are to be given for the filters to suit these sizes. ready: NULL, or so
 * many bytes: then w is read, and of the other sizes O, C, R, S, stride_w, dil_w and groups alone. */
typedef struct {
    void *ready, *bytes;
    const void *w;
    i64 dtype, N, C, H, W, O, R, S, P, Q, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups_act;
} udl_conv2d_filters_args;

/* gx[N, C, H, W] from gy[N, O, P, Q] and w */
typedef struct {
    void *gx;
    const void *gy, *w;
    i64 dtype, N, C, H, W, O, R, S, P, Q, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups_act;
} udl_conv2d_backward_input_args;

/* gw[O, C/G, R, S] and gb[O] (or NULL) from gy and x */
typedef struct {
    void *gw, *gb;
    const void *gy, *x;
    i64 dtype, N, C, H, W, O, R, S, P, Q, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups_act;
} udl_conv2d_backward_weight_args;

/* y[NC, P, Q] = max of each window of x[NC, H, W]; indices[NC, P, Q] (int64, or NULL) = h W + w of it. NaN wins. */
typedef struct {
    void *y, *indices;
    const void *x;
    i64 dtype, NC, H, W, P, Q, R, S, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w;
} udl_max_pool2d_args;

/* gx[NC, HW] = 0, then gx[nc, indices[nc, pq]] += gy[nc, pq] (also for adaptive_max_pool2d) */
typedef struct {
    void *gx;
    const void *gy, *indices;
    i64 dtype, NC, HW, PQ;
} udl_max_pool2d_backward_args;

/* mean of each window; count_include_pad as PyTorch; divisor_override 0 = none */
typedef struct {
    void *y;
    const void *x;
    i64 dtype, NC, H, W, P, Q, R, S, stride_h, stride_w, pad_h, pad_w, count_include_pad, divisor_override;
} udl_avg_pool2d_args;
typedef struct {
    void *gx;
    const void *gy;
    i64 dtype, NC, H, W, P, Q, R, S, stride_h, stride_w, pad_h, pad_w, count_include_pad, divisor_override;
} udl_avg_pool2d_backward_args;

/* window p covers rows floor(p H / P) .. ceil((p + 1) H / P) - 1 */
typedef struct {
    void *y;
    const void *x;
    i64 dtype, NC, H, W, P, Q;
} udl_adaptive_avg_pool2d_args;
typedef struct {
    void *gx;
    const void *gy;
    i64 dtype, NC, H, W, P, Q;
} udl_adaptive_avg_pool2d_backward_args;
typedef struct {
    void *y, *indices;
    const void *x;
    i64 dtype, NC, H, W, P, Q;
} udl_adaptive_max_pool2d_args;

/* y[planes, P, Q] = x[planes, H, W] sampled anew along both axes; adjoint: y[planes, H, W] = the transposed map of x[planes, P, Q].
 * mode 0 nearest, 1 nearest-exact, 2 linear, 3 cubic; step: distance of new places in old ones (align: from the first one) */
typedef struct {
    void *y;
    const void *x;
    i64 dtype, planes, H, W, P, Q, mode, align, adjoint;
    double step_h, step_w;
} udl_interpolate_args;

/* y[o, n, i] = softmax over n of x, or its logarithm if log != 0. A row of -inf gives NaN, as PyTorch. May alias. */
typedef struct {
    void *y;
    const void *x;
    i64 dtype, outer, n, inner, log;
} udl_softmax_args;
/* gx = y (gy - sum_n gy y), or gy - exp(y) sum_n gy if log. May alias gy. */
typedef struct {
    void *gx;
    const void *gy, *y;
    i64 dtype, outer, n, inner, log;
} udl_softmax_backward_args;
/* y[e, i] = softmax over the entries e of each segment crow[r] .. crow[r + 1] - 1 of x[entries, inner]. May alias. */
typedef struct {
    void *y;
    const void *x, *crow;
    i64 dtype, rows, entries, inner;
} udl_segment_softmax_args;
/* gx = y (gy - sum over the segment of gy y) */
typedef struct {
    void *gx;
    const void *gy, *y, *crow;
    i64 dtype, rows, entries, inner;
} udl_segment_softmax_backward_args;

/* y[r, h, d] = sum_e v[o, h] x[col[e], h, d] over crow[r] <= e < crow[r + 1], o = order[e]; v NULL: ones; order NULL: o = e.
 * y[rows, H, D], x[columns, H, D], v[entries, H], int64 crow[rows + 1], col[entries], order[entries]. */
typedef struct {
    void *y;
    const void *x, *v, *crow, *col, *order;
    i64 dtype, rows, columns, entries, H, D;
} udl_spmm_args;
/* gv[o, h] = sum_d gy[r, h, d] x[col[e], h, d] */
typedef struct {
    void *gv;
    const void *gy, *x, *crow, *col, *order;
    i64 dtype, rows, columns, entries, H, D;
} udl_spmm_values_args;

/* out[b, h, l, e] = sum_s drop(softmax_s(scale q[b, h, l] . k[b, h / G, s] + mask[b, h, l, s])) v[b, h / G, s, e]: H heads of
 * q, rows l < L; H / G heads of k and v, rows s < S; D wide (q, k), E wide (v, out). Strides in elements of batch, head
 * and row; the last dimension is contiguous; 0 broadcasts. mask_kind 0 none, 1 bytes (0 = hidden), 2 numbers added;
 * causal: l sees s <= l. A row that sees nothing gives zeros. Weight (b, h, l, s) is dropped where word l % 4 of Philox
 * counter offset + ((b H + h) S + s) ceil(L / 4) + l / 4 is below p 2^32; p < 1.
 * stats[2][B, H, L]: the maximum of log2(e) times the scores, and 1 / the sum of exponentials below it. */
typedef struct {
    void *out, *stats;
    const void *q, *k, *v, *mask;
    i64 dtype, B, H, G, L, S, D, E, q_s[3], k_s[3], v_s[3], o_s[3], mask_s[4], mask_kind, causal, seed, offset;
    double scale, p;
} udl_attention_args;
/* gq, gk, gv from gy (laid out by g_s); fields of the same name as above */
typedef struct {
    void *gq, *gk, *gv;
    const void *q, *k, *v, *mask, *out, *stats, *gy;
    i64 dtype, B, H, G, L, S, D, E, q_s[3], k_s[3], v_s[3], o_s[3], mask_s[4], mask_kind, causal, seed, offset;
    i64 g_s[3], gq_s[3], gk_s[3], gv_s[3];
    double scale, p;
} udl_attention_backward_args;

/* y = (x - mean) rstd w + b per channel of x[N, C, L]; training: statistics of this batch go to mean[C], rstd[C], and
 * running_mean, running_var (or NULL, updated in place) move by momentum towards mean and the unbiased variance;
 * else they come from running_*, and mean/rstd are filled from them. w, b or NULL. */
typedef struct {
    void *y, *mean, *rstd;
    const void *x, *w, *b;
    void *running_mean, *running_var;
    i64 dtype, N, C, L, training;
    double momentum, eps;
} udl_batch_norm_args;
/* gx, gw[C], gb[C] (each or NULL) */
typedef struct {
    void *gx, *gw, *gb;
    const void *gy, *x, *w, *mean, *rstd;
    i64 dtype, N, C, L, training;
} udl_batch_norm_backward_args;

/* y = (x - mean) rstd w + b per row of x[M, D]; mean[M], rstd[M]; w, b [W, D] or NULL: row m takes their row m mod W; W divides M.
 * mean NULL: rms_norm, y = x rstd w + b */
typedef struct {
    void *y, *mean, *rstd;
    const void *x, *w, *b;
    i64 dtype, M, D, W;
    double eps;
} udl_layer_norm_args;
typedef struct {
    void *gx, *gw, *gb;
    const void *gy, *x, *w, *mean, *rstd;
    i64 dtype, M, D, W;
} udl_layer_norm_backward_args;

/* y = (x - mean) rstd w_c + b_c per group of C / G channels of x[N, C, L]; mean, rstd [N, G]; w, b [C] or NULL */
typedef struct {
    void *y, *mean, *rstd;
    const void *x, *w, *b;
    i64 dtype, N, C, G, L;
    double eps;
} udl_group_norm_args;
typedef struct {
    void *gx, *gw, *gb;
    const void *gy, *x, *w, *mean, *rstd;
    i64 dtype, N, C, G, L;
} udl_group_norm_backward_args;

/* x[N, C, L] logits, target[N, L] int64, weight[C] or NULL. loss[N, L] = w_t (lse - x_t) with label smoothing s:
 * (1 - s) w_t (lse - x_t) + s/C sum_c w_c (lse - x_c); 0 where target == ignore_index. lse[2, N, L] is kept for backward: the maximum
 * of the logits and the logarithm of the sum of exponentials below it, apart, since their sum would round (of a row that is
 * ignored: anything);
 * total[2] = sum of losses, sum of weights w_t that count. status UDL_EINDEX if a target is outside 0..C-1. */
typedef struct {
    void *loss, *lse, *total;
    const void *x, *target, *weight;
    i64 dtype, N, C, L, ignore_index, pad;
    double smoothing;
} udl_cross_entropy_args;
/* gx; g is one number (reduction 1 = mean, divided by total[1]; 2 = sum) or [N, L] (reduction 0) */
typedef struct {
    void *gx;
    const void *g, *x, *target, *weight, *lse, *total;
    i64 dtype, N, C, L, ignore_index, reduction, pad;
    double smoothing;
} udl_cross_entropy_backward_args;
/* loss[N, L] = -w_t logp_t; total[2] as above */
typedef struct {
    void *loss, *total;
    const void *logp, *target, *weight;
    i64 dtype, N, C, L, ignore_index;
} udl_nll_loss_args;
typedef struct {
    void *gx;
    const void *g, *target, *weight, *total;
    i64 dtype_reduction, N, C, L, ignore_index; /* dtype + 256 reduction */
} udl_nll_loss_backward_args;

/* out[o, j, i] = a[o, index[j], i] for any dtype of `itemsize` bytes; negative indices count from the end (strict: are out of range) */
typedef struct {
    void *out;
    const void *a, *index;
    i64 itemsize, outer, n, inner, n_index, strict;
} udl_index_select_args;
/* out[o, index[j], i] += (or =) a[o, j, i], in the order of j; skip: index left out (or INT64_MIN). how: dtype (F32 F64 I64), or
 * UDL_ROWS_SET + bytes of an element; + UDL_ROWS_STRICT where negative indices do not count from the end */
enum { UDL_ROWS_SET = 256, UDL_ROWS_STRICT = 512 };
typedef struct {
    void *out;
    const void *a, *index;
    i64 how, outer, n, inner, n_index, skip;
} udl_index_add_args;

/* out[i, j, ..] = a[s(i), s(j), ..], s by `mode` and the dimension's shift: remap.c. out contiguous of `shape`, a of `from`; *value
 * (NULL: zero bytes) where s is outside a. mode UDL_REMAP_*. Not in place. */
enum { UDL_REMAP_CONSTANT, UDL_REMAP_REFLECT, UDL_REMAP_REPLICATE, UDL_REMAP_CIRCULAR, UDL_REMAP_FLIP, UDL_REMAP_MODES };
typedef struct {
    void *out;
    const void *a, *value;
    i64 itemsize, ndim, mode, shape[8], from[8], shift[8], pad;
} udl_remap_args;
/* out[i0, i1, ...] = a[..., index[i0, i1, ...] along dim, ...]; out and index contiguous of `shape`; a strided */
typedef struct {
    void *out;
    const void *a, *index;
    i64 itemsize, ndim, dim, a_n, shape[8], a_strides[8], index_strides[8], strict;
} udl_gather_args;
/* out[..., index[...], ...] = or += a[...]; op 0 set, 1 add; out strided and written in place; dtype by `dtype` */
typedef struct {
    void *out;
    const void *a, *index;
    i64 dtype, ndim, dim, out_n, op, shape[8], out_strides[8], index_strides[8], strict; /* a, index: index_strides */
} udl_scatter_args;

/* values[o, j], indices[o, j] (int64): the first k of a[o, n] in order (stable; NaN is largest); k = n sorts. only: the k-th alone,
 * values[o] and indices[o] */
typedef struct {
    void *values, *indices;
    const void *a;
    i64 dtype, outer, n, k, descending, only;
} udl_sort_args;

/* out[n]: kind 0 uniform [p0, p1), 1 normal (mean p0, std p1), 2 integers [low, high) int64, 3 bernoulli(p0) as dtype,
 * 4 permutation of 0..n-1 (int64). Element i uses Philox(seed, counter = i / 4 + offset): any split gives the same. */
typedef struct {
    void *out;
    i64 kind, dtype, n, seed, offset, low_high; /* low_high: kind 2, address-free: low in p0, high in p1 */
    double p[2];
} udl_random_args;
/* y = x mask / (1 - p); mask: one byte an element (UDL_U8, 0 or 1) */
typedef struct {
    void *y, *mask;
    const void *x;
    i64 dtype, n, seed, offset, pad;
    double p;
} udl_dropout_args;

/* One launch over all parameters. table[count][6] int64: addresses of parameter, gradient, state 1, state 2, state 3
 * (0 = none), and the number of elements. */
typedef struct {
    const i64 *table;
    i64 dtype, count, nesterov, maximize, first_step, pad;
    double lr, momentum, dampening, weight_decay;
} udl_sgd_args; /* state 1 = momentum buffer */
typedef struct {
    const i64 *table;
    i64 dtype, count, amsgrad, maximize, decoupled, step;
    double lr, beta1, beta2, eps, weight_decay, pad0, pad1;
} udl_adam_args; /* states: exp_avg, exp_avg_sq, max_exp_avg_sq */
/* The other rules share one form; optim_rules.c says what flags, keep (factor on p) and s[] are, and which states. */
typedef struct {
    const i64 *table;
    i64 dtype, count, maximize, flags;
    double weight_decay, keep, s[7];
} udl_rmsprop_args;
typedef udl_rmsprop_args udl_adagrad_args, udl_adadelta_args, udl_adamax_args, udl_nadam_args, udl_radam_args;
typedef udl_rmsprop_args udl_asgd_args, udl_rprop_args;

/* out[1] (float64) = sum of squares of a[n] */
typedef struct {
    void *out;
    const void *a;
    i64 dtype, n;
} udl_sumsq_args;

/* One recurrent layer over sequences, in D = 1 direction or 2 (the second runs backwards); arrays of two are one a
 * direction. x[rows, I] holds the steps one after the other: L steps of N rows, or, if batch_sizes[L] (int64, falling)
 * is not NULL, of batch_sizes[t] rows (then rows is their sum). y[rows, D K]; h0, hn [D, N, K]; c0, cn [D, N, H];
 * K = P, the size of the projection, or H if P is 0. w_ih[G H, I], w_hh[G H, K], b_ih[G H], b_hh[G H] (or NULL), w_hr[P, H].
 * Kept for backward, or NULL: gates[D, rows, 4 H] (not of rnn), cells[D, rows, 2 H] = (c before the
 * step, tanh of c after it), m[D, rows, H] = o tanh(c), what w_hr projects (NULL if P is 0).
 *   lstm  G = 4: i, f, g, o          gates keeps them
 *   gru   G = 3: r, z, n             gates keeps r, z, n, q = w_hn h + b_hn
 *   rnn   G = 1: y = tanh or, if act is UDL_ACT_RELU, relu */
typedef struct {
    void *y, *hn, *cn, *gates, *cells, *m;
    const void *x, *h0, *c0, *batch_sizes, *w_ih[2], *w_hh[2], *b_ih[2], *b_hh[2], *w_hr[2];
    i64 dtype, L, N, I, H, P, D, rows, act, pad;
} udl_lstm_args;
typedef udl_lstm_args udl_gru_args, udl_rnn_args;
/* Each output of weights or x may be NULL; gh0[D, N, K] and gc0[D, N, H] (lstm only) are working space too. gy, ghn, gcn
 * NULL: zero. act_flags: act + 256 if gh0 is not wanted. */
typedef struct {
    void *gx, *gh0, *gc0, *gw_ih[2], *gw_hh[2], *gb_ih[2], *gb_hh[2], *gw_hr[2];
    const void *gy, *ghn, *gcn, *x, *y, *h0, *gates, *cells, *m, *batch_sizes, *w_ih[2], *w_hh[2], *w_hr[2];
    i64 dtype, L, N, I, H, P, D, rows, act_flags;
} udl_lstm_backward_args;
typedef udl_lstm_backward_args udl_gru_backward_args, udl_rnn_backward_args;

/* out[2 t] = floating-point operations of task t (a multiply-add is two), out[2 t + 1] = a result of them (2), in float64. */
typedef struct {
    double *out;
    i64 tasks, steps;
} udl_fma_peak_args;
/* nll[n] = -log p(target n | log_probs[:, n]) (connectionist temporal classification); alpha[N, T, 2 S + 1] is kept for backward.
 * Target n is targets[offsets[n] ...] of target_lengths[n] <= S labels in 0..C-1; times from input_lengths[n] <= T on do not count. */
typedef struct {
    void *nll, *alpha;
    const void *log_probs, *targets, *input_lengths, *target_lengths, *offsets;
    i64 dtype, T, N, C, S, blank;
} udl_ctc_loss_args;
/* gx[T, N, C] = g[n] (exp(log_probs) - p(c is seen at t | target)); 0 from input_lengths[n] on. Where nll is infinite: 0 if
 * zero_infinity, else NaN. */
typedef struct {
    void *gx;
    const void *g, *log_probs, *targets, *input_lengths, *target_lengths, *offsets, *nll, *alpha;
    i64 dtype, T, N, C, S, blank, zero_infinity;
} udl_ctc_loss_backward_args;

/* y[N, C, P] = x[N, C, D, H, W] at the P places of grid[N, P, dims], coordinates x, y(, z) from -1 to 1; dims is 2 (then D = 1)
 * or 3; mode 0 linear, 1 nearest, 2 cubic (dims 2 only); padding 0 zeros, 1 border, 2 reflection; align: -1 and 1 are the
 * centres of the corner pixels, else their outer edges. */
typedef struct {
    void *y;
    const void *x, *grid;
    i64 dtype, N, C, D, H, W, P, dims, mode, padding, align;
} udl_grid_sample_args;
/* gx and ggrid (or NULL): the gradients of x and of the grid, from gy[N, C, P]. */
typedef struct {
    void *gx, *ggrid;
    const void *gy, *x, *grid;
    i64 dtype, N, C, D, H, W, P, dims, mode, padding, align;
} udl_grid_sample_backward_args;
/* Element-wise steps, run tile by tile over outer x rows x cols elements of one type. Registers: 0..3 are out, 4..11 are in,
 * 12..19 exist within a tile only. Register r < 12 lies at outer_s[r] o + row_s[r] i + (bit r of unit set ? c : 0) elements;
 * outputs have their bit set. code[s], from the lowest byte: operation (UDL_MAP_*), register of the result, registers of the
 * three inputs (255: absent, as NULL in elementwise); p[s] its parameters. An output that is also an input lies alike. */
typedef struct {
    void *out[4];
    const void *in[8];
    i64 dtype, outer, rows, cols, steps, outer_s[12], row_s[12], unit, code[16];
    double p[16][2];
} udl_chain_args;

/* w_out[O, K], b_out[O]: weights of a layer that does what w[O, K], b (or NULL) and a batch normalisation by fixed statistics
 * mean, var with gamma, beta (or NULL) do. */
typedef struct {
    void *w_out, *b_out;
    const void *w, *b, *mean, *var, *gamma, *beta;
    i64 dtype, O, K;
    double eps;
} udl_fold_batch_norm_args;
#endif
