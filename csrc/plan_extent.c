/* plan_extent.c - the rules behind plan_extent.h, one for each kernel of plan_kernels.inc.
 *
 * A rule repeats what the operation checks before it calls its kernel, since kernels themselves only assert, and says for
 * each operand from where to where it is touched. tests/test_plan_extent.py runs every kernel with operands that end, and
 * begin, exactly there, beside pages that cannot be touched.
 * All sizes are bounded first: products beyond UDL_EXTENT_MOST, and negative ones, become -1, which no operand accepts. */
#include "plan_extent.h"

enum { IN = 0, OUT = 1, MAYBE = 2 };
#define SIDE ((i64)1 << 31) /* no side of an image, window or stride is longer: products of two cannot overflow */
#define STEP ((i64)1 << 44) /* no stride is longer */

static const int sizes[UDL_NDTYPES] = UDL_ITEMSIZES;
static int size_of(i64 dtype) { return dtype < 0 || dtype >= UDL_NDTYPES ? 0 : sizes[dtype]; }
static int is_real(i64 dtype) { return dtype == UDL_F32 || dtype == UDL_F64; }
/* of a kernel that computes bf16 in float32: its small operands (filters, statistics, factors) are float32 then */
static int is_image(i64 dtype) { return is_real(dtype) || dtype == UDL_BF16; }
static int exact(i64 dtype) { return dtype == UDL_BF16 ? 4 : size_of(dtype); }
static double buffers(i64 dtype, i64 n) { return dtype == UDL_BF16 ? 8. * (double)n + 65536. * udl_num_threads() : 0; }
static int within(i64 v, i64 low, i64 high) { return v >= low && v <= high; }

static i64 times(i64 a, i64 b) {
    i64 r;
    return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &r) || r > UDL_EXTENT_MOST ? -1 : r;
}
static i64 times3(i64 a, i64 b, i64 c) { return times(times(a, b), c); }
static i64 times4(i64 a, i64 b, i64 c, i64 d) { return times(times3(a, b, c), d); }

/* operand k: n elements of `size` bytes from its pointer on; 0 if that cannot be */
static int flat(udl_extent *e, int k, const void *p, int size, i64 n, int how) {
    const i64 bytes = times(n, size);
    if (!p) return (how & MAYBE) != 0;
    if (bytes < 0 || !size) return 0;
    e->span[k] = (udl_span){0, bytes, size, how & OUT};
    return 1;
}

/* operand k: elements at the places of a strided array. Strides of an absent operand are bounded too: kernels walk them. */
static int strided(udl_extent *e, int k, const void *p, int size, i64 nd, const i64 *shape, const i64 *strides, int how) {
    i64 lo = 0, hi = 0, empty = 0, reach;
    for (i64 d = 0; d < nd; d++) {
        if (shape[d] < 0 || shape[d] > UDL_EXTENT_MOST || !within(strides[d], -STEP, STEP)) return 0;
        if (shape[d] == 0) { empty = 1; continue; }
        if (__builtin_mul_overflow(shape[d] - 1, strides[d], &reach) || !within(reach, -UDL_EXTENT_MOST, UDL_EXTENT_MOST)) return 0;
        if (reach < 0) lo += reach;
        else hi += reach;
    }
    if (!p) return (how & MAYBE) != 0;
    if (!size || !within(lo * size, -UDL_EXTENT_MOST, 0) || !within((hi + 1) * size, 0, UDL_EXTENT_MOST)) return 0;
    e->span[k] = empty ? (udl_span){0, 0, size, how & OUT} : (udl_span){lo * size, (hi + 1) * size, size, how & OUT};
    return 1;
}

/* ---- element by element, reductions --------------------------------------------------------------------------------------- */
static const signed char arity[UDL_MAP_COUNT] = {
#define UDL_MAP(name, arity) arity,
#include "elementwise.inc"
#undef UDL_MAP
};
static int rule_elementwise(const udl_elementwise_args *a, udl_extent *e) {
    if (!within(a->op, 0, UDL_MAP_COUNT - 1) || !within(a->ndim, 1, UDL_MAXDIM)) return 0;
    if (a->compute != UDL_F32 && a->compute != UDL_F64 && a->compute != UDL_I64) return 0;
    const int n = arity[a->op], scalar = a->op >= UDL_MAP_add && a->op <= UDL_MAP_rpow; /* p[0] may stand for b */
    e->work = 1;
    i64 elements = 1;
    for (i64 d = 0; d < a->ndim; d++) elements = times(elements, a->shape[d]);
    if (elements < 0) return 0;
    e->work = (double)elements;
    for (int k = 0; k < 4; k++) {
        const void *p = k ? a->in[k - 1] : a->out;
        const int how = k == 0 ? OUT : k == 1 || (k == 2 && n == 2 && !scalar) ? IN : MAYBE;
        if (!size_of(a->dtype[k]) || (k > n && p)) return 0;
        if (!strided(e, k, p, size_of(a->dtype[k]), a->ndim, a->shape, a->strides[k], how)) return 0;
        for (i64 d = 0; k == 0 && d < a->ndim; d++) /* threads would write to one place */
            if (a->shape[d] > 1 && a->strides[0][d] == 0) return 0;
    }
    return 1;
}

/* A program over registers 0..3 out, 4..11 in, 12..19 of a tile: every step reads what is there already. */
static int chain_step(const udl_chain_args *a, i64 s, unsigned *known, unsigned *used) {
    const i64 code = a->code[s], op = code & 255, to = code >> 8 & 255;
    if (code >> 40 || op >= UDL_MAP_COUNT || to >= 20 || (to >= 4 && to < 12)) return 0;
    const int n = arity[op], scalar = op >= UDL_MAP_add && op <= UDL_MAP_rpow;
    for (int k = 0; k < 3; k++) {
        const i64 r = code >> (16 + 8 * k) & 255;
        if (r == 255) {
            if (k == 0 || (k == 1 && n == 2 && !scalar)) return 0;
            continue;
        }
        if (k >= n || r >= 20 || !(*known >> r & 1)) return 0;
        *used |= 1u << r;
    }
    *known |= 1u << to, *used |= 1u << to;
    return 1;
}
static int rule_chain(const udl_chain_args *a, udl_extent *e) {
    const i64 n = times3(a->outer, a->rows, a->cols), shape[3] = {a->outer, a->rows, a->cols};
    unsigned known = 0xff0, used = 0;
    if (!(is_real(a->dtype) || a->dtype == UDL_BF16) || n < 0 || !within(a->steps, 1, 16) || !within(a->unit, 0, 0xfff)) return 0;
    for (i64 s = 0; s < a->steps; s++)
        if (!chain_step(a, s, &known, &used)) return 0;
    e->work = (double)n * (double)a->steps;
    for (int r = 0; r < 12; r++) {
        const void *p = r < 4 ? a->out[r] : a->in[r - 4];
        const i64 unit = a->unit >> r & 1, strides[3] = {a->outer_s[r], a->row_s[r], unit};
        if (!p != !(used >> r & 1)) return 0;
        if (r < 4 && p && (!unit || (a->rows > 1 && !a->row_s[r]) || (a->outer > 1 && !a->outer_s[r]))) return 0;
        if (!strided(e, r, p, size_of(a->dtype), 3, shape, strides, (r < 4 ? OUT : IN) | MAYBE)) return 0;
    }
    return 1;
}

static int reduced_size(const udl_reduce_args *a) { /* of an element of out, or 0 */
    const int whole = a->dtype != UDL_BF16 && !is_real(a->dtype);
    i64 out = a->dtype;
    if (a->op == UDL_ARGMAX || a->op == UDL_ARGMIN) out = UDL_I64;
    else if (a->op == UDL_ANY || a->op == UDL_ALL) out = UDL_BOOL;
    else if (whole && (a->op == UDL_SUM || a->op == UDL_PROD)) out = UDL_I64;
    else if (whole && (a->op == UDL_LOGSUMEXP || a->op == UDL_NORM2)) return 0;
    return a->out_dtype == out ? size_of(out) : 0;
}
static int rule_reduce(const udl_reduce_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    if (a->dtype == UDL_I8 || (a->dtype >= UDL_U16 && a->dtype <= UDL_F16) || a->dtype == UDL_I16) return 0; /* they are widened first */
    if (!size || !within(a->op, 0, UDL_NREDUCE - 1) || !reduced_size(a)) return 0;
    const i64 n = times3(a->outer, a->n, a->inner);
    e->work = (double)n + (double)times(a->outer, a->inner);
    e->temp = (a->dtype == UDL_BF16 ? 8. * (double)n : 0) + 16. * (double)times(a->outer, a->inner) + (1 << 20);
    if (a->inner > 1) e->temp += 64. * 1024 * 16 * 2;
    return flat(e, 0, a->out, reduced_size(a), times(a->outer, a->inner), OUT) && flat(e, 1, a->a, size, n, IN);
}

static int rule_var_mean(const udl_var_mean_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    const i64 n = times3(a->outer, a->n, a->inner), m = times(a->outer, a->inner);
    e->work = 2. * (double)n + (double)m;
    return is_real(a->dtype) && flat(e, 0, a->var, size, m, OUT) && flat(e, 1, a->mean, size, m, OUT) && flat(e, 2, a->a, size, n, IN);
}

static int rule_cumsum(const udl_cumsum_args *a, udl_extent *e) {
    if (!is_real(a->dtype) && a->dtype != UDL_I64) return 0;
    const int places = a->op == UDL_ARGMAX || a->op == UDL_ARGMIN, logs = a->op == UDL_LOGSUMEXP && a->dtype != UDL_I64;
    if (a->op != UDL_SUM && a->op != UDL_PROD && !logs && !(places && a->inner_reverse > 0)) return 0;
    if (!within(a->inner_reverse, -STEP, STEP) || !a->inner_reverse) return 0;
    const i64 n = times3(a->outer, a->n, a->inner_reverse < 0 ? -a->inner_reverse : a->inner_reverse);
    e->work = (logs ? 16. : 1.) * (double)n, e->temp = 1024 + (double)n / 256;
    return flat(e, 0, a->out, places ? 8 : size_of(a->dtype), n, OUT) && flat(e, 1, a->a, size_of(a->dtype), n, IN);
}

static int rule_softmax(const udl_softmax_args *a, udl_extent *e) {
    const i64 n = times3(a->outer, a->n, a->inner);
    e->work = 3. * (double)n, e->temp = buffers(a->dtype, n);
    return is_image(a->dtype) && flat(e, 0, a->y, size_of(a->dtype), n, OUT) && flat(e, 1, a->x, size_of(a->dtype), n, IN);
}

static int rule_batch_norm(const udl_batch_norm_args *a, udl_extent *e) {
    const int size = size_of(a->dtype), small = exact(a->dtype);
    const i64 n = times3(a->N, a->C, a->L);
    if (!is_image(a->dtype) || a->training) return 0;
    e->work = (double)n + (double)a->C, e->temp = buffers(a->dtype, n);
    return flat(e, 0, a->y, size, n, OUT) && flat(e, 1, a->mean, small, a->C, OUT) && flat(e, 2, a->rstd, small, a->C, OUT) &&
           flat(e, 3, a->x, size, n, IN) && flat(e, 4, a->w, small, a->C, MAYBE) && flat(e, 5, a->b, small, a->C, MAYBE) &&
           flat(e, 6, a->running_mean, small, a->C, IN) && flat(e, 7, a->running_var, small, a->C, IN);
}

static int rule_layer_norm(const udl_layer_norm_args *a, udl_extent *e) {
    const int size = size_of(a->dtype), small = exact(a->dtype);
    const i64 n = times(a->M, a->D), w = times(a->W, a->D);
    e->work = 3. * (double)n, e->temp = buffers(a->dtype, n);
    return is_image(a->dtype) && within(a->W, 1, SIDE) && a->M % a->W == 0 && flat(e, 0, a->y, size, n, OUT) &&
           flat(e, 1, a->mean, small, a->M, OUT | MAYBE) && flat(e, 2, a->rstd, small, a->M, OUT) && flat(e, 3, a->x, size, n, IN) &&
           flat(e, 4, a->w, small, w, MAYBE) && flat(e, 5, a->b, small, w, MAYBE);
}

static int rule_group_norm(const udl_group_norm_args *a, udl_extent *e) {
    const int size = size_of(a->dtype), small = exact(a->dtype);
    const i64 n = times3(a->N, a->C, a->L), m = times(a->N, a->G);
    if (!is_image(a->dtype) || !within(a->G, 1, SIDE) || !within(a->C, 1, SIDE) || !within(a->L, 1, UDL_EXTENT_MOST) || a->C % a->G) return 0;
    e->work = 3. * (double)n, e->temp = buffers(a->dtype, n);
    return flat(e, 0, a->y, size, n, OUT) && flat(e, 1, a->mean, small, m, OUT) && flat(e, 2, a->rstd, small, m, OUT) &&
           flat(e, 3, a->x, size, n, IN) && flat(e, 4, a->w, small, a->C, MAYBE) && flat(e, 5, a->b, small, a->C, MAYBE);
}

/* ---- products ------------------------------------------------------------------------------------------------------------- */
static int rule_matmul(const udl_matmul_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    if (a->dtype == UDL_BF16 ? !within(a->wide, 0, 15) : !is_real(a->dtype) || a->wide) return 0;
    const int size_a = a->wide & UDL_WIDE_A ? 4 : size, size_b = a->wide & UDL_WIDE_B ? 4 : size;
    const int size_o = a->wide & UDL_WIDE_OUT ? 4 : size, size_bias = a->wide & UDL_WIDE_BIAS ? 4 : size;
    if (times3(a->batch, a->m, a->n) < 0 || times3(a->batch, a->m, a->k) < 0 || times3(a->batch, a->k, a->n) < 0) return 0;
    if (!within(a->act, UDL_ACT_NONE, UDL_ACT_SIGMOID) || a->packed_b) return 0;
    if (!within(a->ldo, a->m > 1 ? a->n : 0, STEP) || (a->beta != 0 && a->beta != 1)) return 0;
    if (a->batch > 1 && a->o_batch == 0) return 0;
    const i64 mk[3] = {a->batch, a->m, a->k}, kn[3] = {a->batch, a->k, a->n}, mn[3] = {a->batch, a->m, a->n};
    const i64 as[3] = {a->a_batch, a->a_m, a->a_k}, bs[3] = {a->b_batch, a->b_k, a->b_n}, os[3] = {a->o_batch, a->ldo, 1};
    e->work = (double)a->batch * (double)a->m * (double)a->n * ((double)a->k + 1);
    e->temp = 64. * (1 << 20) + (a->dtype == UDL_BF16 ? 4. * ((double)a->m * (double)a->n + (double)a->m + (double)a->n) : 0);
    return strided(e, 0, a->out, size_o, 3, mn, os, OUT) && strided(e, 1, a->a, size_a, 3, mk, as, IN) &&
           strided(e, 2, a->b, size_b, 3, kn, bs, IN) && flat(e, 3, a->bias, size_bias, a->bias_m ? a->m : a->n, MAYBE) &&
           strided(e, 4, a->residual, size_o, 3, mn, os, MAYBE);
}

/* One axis of a convolution: positions of the padded input that some tap of some output touches, or -1. */
static i64 conv_axis(i64 in, i64 taps, i64 out, i64 stride, i64 pad, i64 dil) {
    if (!within(in, 1, SIDE) || !within(taps, 1, SIDE) || !within(out, 0, SIDE) || !within(stride, 1, SIDE) || !within(dil, 1, SIDE)) return -1;
    const i64 across = times(taps - 1, dil), down = times(out > 0 ? out - 1 : 0, stride);
    if (across < 0 || down < 0 || across + down + 1 > SIDE || !within(pad, 0, across + down)) return -1;
    return across + down + 1;
}
static double padded_bytes(i64 C, i64 rows, i64 columns, i64 stride, i64 images) {
    const i64 threads = udl_num_threads();
    return 8. * ((double)C * (double)rows * ((double)columns + (double)stride) + 64) * (double)(images < threads ? images : threads);
}
static double winograd_bytes(double N, double C, double O, double P, double Q) { /* six by six numbers of a filter or tile */
    return 144 * ((C + 16) * (O + 64) + (C + O + 80) * N * (P / 4 + 1) * (Q / 4 + 1));
}

static int rule_conv2d(const udl_conv2d_args *a, udl_extent *e) {
    const i64 G = a->groups_act % 65536, act = a->groups_act / 65536;
    const i64 Hp = conv_axis(a->H, a->R, a->P, a->stride_h, a->pad_h, a->dil_h);
    const i64 Wp = conv_axis(a->W, a->S, a->Q, a->stride_w, a->pad_w, a->dil_w);
    if (!is_image(a->dtype) || G < 1 || act > UDL_ACT_SIGMOID || a->groups_act < 0 || Hp < 0 || Wp < 0) return 0;
    if (!within(a->C, 1, SIDE) || !within(a->O, 0, SIDE) || a->C % G || a->O % G || a->ready) return 0;
    const int size = size_of(a->dtype);
    const i64 x = times4(a->N, a->C, a->H, a->W), y = times4(a->N, a->O, a->P, a->Q), w = times4(a->O, a->C / G, a->R, a->S);
    if (times4(a->N, a->C, Hp, Wp) < 0) return 0;
    e->work = (double)y * (double)(a->C / G) * (double)a->R * (double)a->S + (double)a->N * (double)a->C * (double)Hp * ((double)Wp + (double)a->stride_w) * (double)a->S;
    e->temp = padded_bytes(a->C / G, Hp, Wp, a->stride_w, times(a->N, G)) + 32. * (double)w + 64. * (double)G + (64 << 20) +
              (a->dtype == UDL_BF16 ? 4. * ((double)x + (double)y) : 0) + winograd_bytes((double)a->N, (double)(a->C / G), (double)(a->O / G), (double)a->P, (double)a->Q);
    return flat(e, 0, a->y, size, y, OUT) && flat(e, 1, a->x, size, x, IN) && flat(e, 2, a->w, exact(a->dtype), w, IN) &&
           flat(e, 3, a->b, exact(a->dtype), a->O, MAYBE);
}

/* The transposed convolution: as conv2d's, from out to in. A stride larger than the filter is possible, a pad larger than it is not. */
static int rule_conv2d_backward_input(const udl_conv2d_backward_input_args *a, udl_extent *e) {
    const i64 G = a->groups_act % 65536;
    const i64 Hp = conv_axis(a->P, a->R, a->P, a->stride_h, 0, a->dil_h), Wp = conv_axis(a->Q, a->S, a->Q, a->stride_w, 0, a->dil_w);
    if (!is_image(a->dtype) || G < 1 || a->groups_act < 0 || a->groups_act >= 65536 || Hp < 0 || Wp < 0) return 0;
    if (!within(a->pad_h, 0, (a->R - 1) * a->dil_h) || !within(a->pad_w, 0, (a->S - 1) * a->dil_w)) return 0;
    if (!within(a->H, 1, Hp + a->stride_h + a->dil_h - a->pad_h) || !within(a->W, 1, Wp + a->stride_w + a->dil_w - a->pad_w)) return 0;
    if (!within(a->C, 1, SIDE) || !within(a->O, 1, SIDE) || a->C % G || a->O % G) return 0;
    const int size = size_of(a->dtype);
    const i64 gx = times4(a->N, a->C, a->H, a->W), gy = times4(a->N, a->O, a->P, a->Q), w = times4(a->O, a->C / G, a->R, a->S);
    const double phases = (double)a->stride_h * (double)a->stride_w;
    e->work = (double)gx * (double)(a->O / G) * (double)a->R * (double)a->S + phases * ((double)w * 4 + 1);
    e->temp = padded_bytes(a->O / G, Hp + a->stride_h + 2 * a->R * a->dil_h, Wp + a->stride_w + 2 * a->S * a->dil_w, 1, times(a->N, G)) +
              8. * (double)(a->C / G) * (double)a->H * (double)a->W * udl_num_threads() + phases * (32. * (double)w + 512. * (double)G + 1024) +
              winograd_bytes((double)a->N, (double)(a->O / G), (double)(a->C / G), (double)a->H, (double)a->W) + (64 << 20) +
              (a->dtype == UDL_BF16 ? 4. * ((double)gx + (double)gy) : 0);
    return flat(e, 0, a->gx, size, gx, OUT) && flat(e, 1, a->gy, size, gy, IN) && flat(e, 2, a->w, exact(a->dtype), w, IN);
}

static int rule_attention(const udl_attention_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    if (!is_real(a->dtype) || !within(a->B, 1, SIDE) || !within(a->H, 1, SIDE) || !within(a->G, 1, a->H) || a->H % a->G) return 0;
    if (!within(a->L, 1, SIDE) || !within(a->S, 1, SIDE) || !within(a->D, 1, SIDE) || !within(a->E, 1, SIDE)) return 0;
    if (!within(a->mask_kind, 0, 2) || !a->mask != !a->mask_kind || a->p != 0) return 0;
    for (int d = 0; d < 4; d++)
        if (!a->mask && a->mask_s[d]) return 0; /* places in no mask */
    const i64 rows = times3(a->B, a->H, a->L);
    const i64 q[4] = {a->B, a->H, a->L, a->D}, k[4] = {a->B, a->H / a->G, a->S, a->D}, v[4] = {a->B, a->H / a->G, a->S, a->E};
    const i64 o[4] = {a->B, a->H, a->L, a->E}, m[4] = {a->B, a->H, a->L, a->S};
    const i64 qs[4] = {a->q_s[0], a->q_s[1], a->q_s[2], 1}, ks[4] = {a->k_s[0], a->k_s[1], a->k_s[2], 1};
    const i64 vs[4] = {a->v_s[0], a->v_s[1], a->v_s[2], 1}, os[4] = {a->o_s[0], a->o_s[1], a->o_s[2], 1};
    for (int d = 0; d < 3; d++)
        if (o[d] > 1 && a->o_s[d] == 0) return 0;
    if (rows < 0 || times(rows, a->D) < 0 || times(rows, a->E) < 0) return 0;
    e->work = (double)rows * (double)a->S * ((double)a->D + (double)a->E + 8);
    e->temp = 8. * (double)rows * ((double)a->E + 2) * ((double)a->S / 256 + 1) +
              8. * udl_num_threads() * (1024. + (double)(a->G < 8 ? 8 : a->G) * 64) * ((double)a->D + (double)a->E + 320);
    return strided(e, 0, a->out, size, 4, o, os, OUT) && flat(e, 1, a->stats, size, times(2, rows), OUT | MAYBE) &&
           strided(e, 2, a->q, size, 4, q, qs, IN) && strided(e, 3, a->k, size, 4, k, ks, IN) && strided(e, 4, a->v, size, 4, v, vs, IN) &&
           strided(e, 5, a->mask, a->mask_kind == 1 ? 1 : size, 4, m, a->mask_s, MAYBE);
}

/* G gates; without what backward would want */
static int rule_recurrent(const udl_lstm_args *a, udl_extent *e, int G) {
    const int size = size_of(a->dtype), lstm = G == 4;
    const i64 K = a->P ? a->P : a->H;
    if (!is_real(a->dtype) || !within(a->L, 1, SIDE) || !within(a->N, 1, SIDE) || !within(a->I, 1, SIDE) || !within(a->H, 1, SIDE)) return 0;
    if (!within(a->P, 0, lstm ? SIDE : 0) || !within(a->D, 1, 2) || a->rows != times(a->L, a->N)) return 0;
    if (a->gates || a->cells || a->batch_sizes || !within(a->act, UDL_ACT_NONE, UDL_ACT_SIGMOID)) return 0;
    if (!a->cn != !lstm || !a->c0 != !lstm || !a->m != !a->P) return 0;
    const i64 DN = times(a->D, a->N), gates = times(G, a->H), DR = times(a->D, a->rows);
    if (times3(DR, 4, a->H) < 0 || times(gates, a->I) < 0 || times(gates, K) < 0) return 0;
    e->work = (double)DR * (double)gates * ((double)a->I + (double)K + 8) + (double)DR * (double)a->H * (double)a->P;
    e->temp = 8. * ((double)DR * 4 * (double)a->H * 2 + (double)a->D * ((double)gates + 64) * ((double)a->I + (double)K + 80) +
                    (double)a->D * ((double)a->P + 64) * ((double)a->H + 64)) * 2 + (64 << 20);
    int ok = flat(e, 0, a->y, size, times(DR, K), OUT) && flat(e, 1, a->hn, size, times(DN, K), OUT) &&
             flat(e, 2, a->cn, size, times(DN, a->H), OUT | MAYBE) && flat(e, 5, a->m, size, times(DR, a->H), OUT | MAYBE) &&
             flat(e, 6, a->x, size, times(a->rows, a->I), IN) && flat(e, 7, a->h0, size, times(DN, K), IN) &&
             flat(e, 8, a->c0, size, times(DN, a->H), MAYBE);
    for (int d = 0; d < 2 && ok; d++) {
        const int need = d < a->D;
        if (!a->w_ih[d] != !need || !a->w_hh[d] != !need || !a->b_ih[d] != !(need && a->b_ih[0]) || !a->b_hh[d] != !(need && a->b_ih[0])) return 0;
        if (!a->w_hr[d] != !(need && a->P)) return 0;
        ok = flat(e, 10 + d, a->w_ih[d], size, times(gates, a->I), MAYBE) && flat(e, 12 + d, a->w_hh[d], size, times(gates, K), MAYBE) &&
             flat(e, 14 + d, a->b_ih[d], size, gates, MAYBE) && flat(e, 16 + d, a->b_hh[d], size, gates, MAYBE) &&
             flat(e, 18 + d, a->w_hr[d], size, times(a->P, a->H), MAYBE);
    }
    return ok;
}
static int rule_lstm(const udl_lstm_args *a, udl_extent *e) { return rule_recurrent(a, e, 4); }
static int rule_gru(const udl_gru_args *a, udl_extent *e) { return rule_recurrent(a, e, 3); }
static int rule_rnn(const udl_rnn_args *a, udl_extent *e) { return rule_recurrent(a, e, 1); }

/* ---- windows -------------------------------------------------------------------------------------------------------------- */
static int planes(i64 dtype, i64 NC, i64 H, i64 W, i64 P, i64 Q) {
    return is_real(dtype) && within(NC, 0, UDL_EXTENT_MOST) && within(H, 1, SIDE) && within(W, 1, SIDE) && within(P, 0, SIDE) &&
           within(Q, 0, SIDE);
}
static int window(i64 taps, i64 out, i64 stride, i64 pad, i64 dil) {
    return within(taps, 1, SIDE) && within(stride, 1, SIDE) && within(dil, 1, SIDE) && within(pad, 0, SIDE) && times(taps, dil) >= 0 &&
           times(out, stride) >= 0;
}

static int rule_max_pool2d(const udl_max_pool2d_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    const i64 y = times3(a->NC, a->P, a->Q), x = times3(a->NC, a->H, a->W);
    if (!planes(a->dtype == UDL_BF16 ? UDL_F32 : a->dtype, a->NC, a->H, a->W, a->P, a->Q)) return 0;
    if (!window(a->R, a->P, a->stride_h, a->pad_h, a->dil_h) || !window(a->S, a->Q, a->stride_w, a->pad_w, a->dil_w)) return 0;
    if (times(times3(a->P, a->Q, a->R), a->S) < 0) return 0;
    e->work = (double)y * (double)a->R * (double)a->S + (double)a->NC * (double)a->P;
    if (a->dtype == UDL_BF16 && a->indices) return 0;
    e->temp = 8. * (double)udl_num_threads() * ((double)(x + y) / (double)(a->NC ? a->NC : 1) + 20000); /* some planes of each thread */
    return flat(e, 0, a->y, size, y, OUT) && flat(e, 1, a->indices, 8, y, OUT | MAYBE) && flat(e, 2, a->x, size, x, IN);
}

static int rule_avg_pool2d(const udl_avg_pool2d_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    const i64 y = times3(a->NC, a->P, a->Q), x = times3(a->NC, a->H, a->W);
    if (!planes(a->dtype, a->NC, a->H, a->W, a->P, a->Q)) return 0;
    if (!window(a->R, a->P, a->stride_h, a->pad_h, 1) || !window(a->S, a->Q, a->stride_w, a->pad_w, 1)) return 0;
    if (times(times3(a->P, a->Q, a->R), a->S) < 0) return 0;
    e->work = (double)y * (double)a->R * (double)a->S + (double)a->NC * (double)a->P;
    return flat(e, 0, a->y, size, y, OUT) && flat(e, 1, a->x, size, x, IN);
}

static int rule_adaptive_avg_pool2d(const udl_adaptive_avg_pool2d_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    const i64 y = times3(a->NC, a->P, a->Q), x = times3(a->NC, a->H, a->W);
    e->work = (double)a->NC * ((double)a->H + (double)a->P) * ((double)a->W + (double)a->Q);
    return planes(a->dtype, a->NC, a->H, a->W, a->P, a->Q) && flat(e, 0, a->y, size, y, OUT) && flat(e, 1, a->x, size, x, IN);
}
static int rule_adaptive_max_pool2d(const udl_adaptive_max_pool2d_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    const i64 y = times3(a->NC, a->P, a->Q), x = times3(a->NC, a->H, a->W);
    e->work = (double)a->NC * ((double)a->H + (double)a->P) * ((double)a->W + (double)a->Q);
    return planes(a->dtype, a->NC, a->H, a->W, a->P, a->Q) && flat(e, 0, a->y, size, y, OUT) &&
           flat(e, 1, a->indices, 8, y, OUT | MAYBE) && flat(e, 2, a->x, size, x, IN);
}

/* ---- rows by index: the kernels check every index before they use it ------------------------------------------------------- */
static int rule_index_select(const udl_index_select_args *a, udl_extent *e) {
    if (a->itemsize != 1 && a->itemsize != 2 && a->itemsize != 4 && a->itemsize != 8) return 0;
    const int size = (int)a->itemsize;
    const i64 out = times3(a->outer, a->n_index, a->inner), from = times3(a->outer, a->n, a->inner);
    if (times(a->inner, size) < 0 || times(a->outer, a->n_index) < 0) return 0;
    e->work = (double)a->n_index + (double)times(a->outer, a->n_index) * ((double)a->inner + 1);
    e->apart = 1;
    return flat(e, 0, a->out, size, out, OUT) && flat(e, 1, a->a, size, from, IN) && flat(e, 2, a->index, 8, a->n_index, IN);
}

/* s is inside a, or nothing, whatever the numbers */
static int rule_remap(const udl_remap_args *a, udl_extent *e) {
    if (a->itemsize != 1 && a->itemsize != 2 && a->itemsize != 4 && a->itemsize != 8) return 0;
    if (!within(a->ndim, 1, UDL_MAXDIM) || !within(a->mode, 0, UDL_REMAP_MODES - 1)) return 0;
    i64 out = 1, from = 1, longest = 0;
    for (i64 d = 0; d < a->ndim; d++) {
        if (!within(a->shape[d], 0, UDL_EXTENT_MOST) || !within(a->shift[d], -UDL_EXTENT_MOST, UDL_EXTENT_MOST)) return 0;
        out = times(out, a->shape[d]);
        from = times(from, a->from[d]);
        if (a->shape[d] > longest) longest = a->shape[d];
    }
    const int size = (int)a->itemsize;
    e->work = 2. * (double)out;
    e->temp = 32. * (double)longest; /* runs */
    e->apart = 1;
    return flat(e, 0, a->out, size, out, OUT) && flat(e, 1, a->a, size, from, IN) && flat(e, 2, a->value, size, 1, IN | MAYBE);
}

static int rule_gather(const udl_gather_args *a, udl_extent *e) {
    if (a->itemsize != 1 && a->itemsize != 2 && a->itemsize != 4 && a->itemsize != 8) return 0;
    if (!within(a->ndim, 1, UDL_MAXDIM) || !within(a->dim, 0, a->ndim - 1)) return 0;
    const int size = (int)a->itemsize;
    i64 from[UDL_MAXDIM], n = 1;
    for (i64 d = 0; d < a->ndim; d++) {
        from[d] = d == a->dim ? a->a_n : a->shape[d];
        n = times(n, a->shape[d]);
    }
    e->work = 2. * (double)n;
    e->apart = 1;
    return flat(e, 0, a->out, size, n, OUT) && strided(e, 1, a->a, size, a->ndim, from, a->a_strides, IN) &&
           strided(e, 2, a->index, 8, a->ndim, a->shape, a->index_strides, IN);
}

static int rule_grid_sample(const udl_grid_sample_args *a, udl_extent *e) {
    const int size = size_of(a->dtype);
    if (!is_real(a->dtype) || !within(a->dims, 2, 3) || !within(a->mode, 0, a->dims == 2 ? 2 : 1) || !within(a->padding, 0, 2)) return 0;
    const i64 volume = times3(a->D, a->H, a->W);
    if (volume < 1 || volume >= SIDE || (a->dims == 2 && a->D != 1)) return 0;
    const i64 x = times3(a->N, a->C, volume), y = times3(a->N, a->C, a->P), grid = times3(a->N, a->P, a->dims);
    e->work = 16. * (double)y + 64. * (double)grid;
    return flat(e, 0, a->y, size, y, OUT) && flat(e, 1, a->x, size, x, IN) && flat(e, 2, a->grid, size, grid, IN);
}

/* ---- the plan's own ------------------------------------------------------------------------------------------------------- */
static int rule_bytes(i64 kernel, const udl_plan_bytes *b, udl_extent *e) {
    e->work = (double)b->bytes;
    if (kernel == UDL_PLAN_FILL && (b->from || !within(b->value, 0, 255))) return 0;
    return flat(e, 0, b->to, 1, b->bytes, OUT) && flat(e, 1, b->from, 1, b->bytes, kernel == UDL_PLAN_FILL ? MAYBE : IN);
}

typedef int (*extent_rule)(const void *args, udl_extent *e);
static const extent_rule rules[UDL_NKERNELS] = {
#define UDL_SAVED(name) [UDL_K_##name] = (extent_rule)rule_##name,
#include "plan_kernels.inc"
#undef UDL_SAVED
};

int udl_extent_of(int64_t kernel, const void *args, udl_extent *e) {
    *e = (udl_extent){0};
    if (kernel < 0 || kernel >= UDL_PLAN_NCALLS || (kernel < UDL_NKERNELS && !rules[kernel])) return UDL_EISA;
    const int ok = kernel < UDL_NKERNELS ? rules[kernel](args, e) : rule_bytes(kernel, args, e);
    return ok && e->work >= 0 && e->temp >= 0 ? UDL_OK : UDL_EINVAL;
}
