/* attention_backward.c - gradients of attention; the scores are computed again, block by block.
 *
 * With w = 2^(x - m) and r = 1 / sum w of forward, P = w r, K = drop factor of each weight (0 or c = 1 / (1 - p)):
 *     gv = (P K)^T gy      gP = K (gy v^T)      gx = P (gP - d), d = sum_s P gP = gy . out      gq = scale gx k
 *     gk = scale gx^T q
 * r and c are multiplied into gy and d, so that w itself is the weight. w, gx are blocks of keys x queries (attention.h).
 * A task owns a range of keys of one head of keys: gk and gv are summed there; gq too if there is one range, else the
 * ranges' shares of gq are added in their order afterwards. The number of ranges depends on the shape alone.
 * Floor: 6 D + 4 E flops and one 2^x a score (half of them if causal). */
#ifndef T
#include "attention.h"
#define UDL_THIS_FILE "kernels/attention_backward.c"
#define BACKWARD_TASKS 16
#include "../each_float.h"

int KERNEL(attention_backward)(const udl_attention_backward_args *a) {
    if (a->dtype != UDL_F32 && a->dtype != UDL_F64) return UDL_EINVAL;
    if (a->B <= 0 || a->H <= 0) return UDL_OK;
    return BY_FLOAT(a->dtype, attention_backward, (a));
}
#else

typedef struct {
    const udl_attention_backward_args *a;
    udl_attention_args f;      /* the same problem, as forward sees it */
    T *shares;                 /* gq of each range, [range][B H][L][D], or NULL */
    i64 ranges, range;         /* how many, and how many keys */
    i64 group;                 /* queries of a block */
    int failed;
} FN(back_run);

typedef struct {               /* working space of a task */
    T *gk, *gv, *gq, *queries, *grads, *q, *gy, *k, *w, *gx, *d, *m;
    i64 row_d, row_e, wide_d, wide_e;
} FN(back_space);

/* places the parts of the working space from p on; returns how many numbers they are. p NULL: only that */
static i64 FN(back_layout)(const FN(back_run) *r, FN(back_space) *s, T *p) {
    const udl_attention_backward_args *a = r->a;
    const i64 Q = r->group;
    i64 n = 0;
    s->row_d = ATTENTION_ROW(a->D), s->row_e = ATTENTION_ROW(a->E);
    s->wide_d = ATTENTION_WIDE(a->D), s->wide_e = ATTENTION_WIDE(a->E);
    T **const part[] = {&s->gk, &s->gv, &s->gq, &s->queries, &s->grads, &s->q, &s->gy, &s->k, &s->w, &s->gx, &s->d, &s->m};
    const i64 size[] = {r->range * s->wide_d, r->range * s->wide_e, Q * s->wide_d, Q * a->D, Q * a->E, Q * s->row_d, Q * s->row_e,
                        ATTENTION_KEYS * s->row_d, ATTENTION_KEYS * Q, ATTENTION_KEYS * Q, Q, Q};
    for (int i = 0; i < (int)(sizeof size / sizeof *size); i++) {
        *part[i] = p ? p + n : 0;
        n += size[i];
    }
    return n;
}

/* what a group of queries needs: q and gy as rows and as panels, m, d */
static void FN(back_group)(const FN(back_run) *r, const FN(att_head) *j, FN(back_space) *s, i64 l0, i64 n) {
    const udl_attention_backward_args *a = r->a;
    const i64 b = j->index / a->H, h = j->index % a->H, rows = a->B * a->H * a->L, at = j->index * a->L + l0;
    const T *gy = (const T *)a->gy + b * a->g_s[0] + h * a->g_s[1] + l0 * a->g_s[2], *stats = a->stats;
    const T *out = (const T *)a->out + b * a->o_s[0] + h * a->o_s[1] + l0 * a->o_s[2];
    T f[2 * ATTENTION_QUERIES];
    for (i64 l = 0; l < r->group; l++) {
        T sum = 0, inverse = l < n ? stats[rows + at + l] : 0;
        if (l < n) {
            vec add = {0};
            i64 e = 0;
            for (; e + VW <= a->E; e += VW) add += v_load(gy + l * a->g_s[2] + e) * v_load(out + l * a->o_s[2] + e);
            for (; e < a->E; e++) sum += gy[l * a->g_s[2] + e] * out[l * a->o_s[2] + e];
            sum += v_sum(add);
        }
        s->m[l] = l < n ? stats[at + l] : (T)INFINITY;
        s->d[l] = inverse == 0 ? 0 : sum * inverse;
        f[l] = inverse * (T)(1 / (1 - a->p));
    }
    FN(att_pack)(s->queries, j, l0, n);
    FN(att_copy)(s->q, s->row_d, j->q + l0 * a->q_s[2], a->q_s[2], n, a->D, 0);
    FN(att_copy)(s->gy, s->row_e, gy, a->g_s[2], n, a->E, f);
    gemm_pack_b(s->grads, s->gy, 1, s->row_e, a->E, n);
}

/* w: scores become weights, dropped ones 0; gx: gy v^T becomes the gradient of the scores / scale */
static void FN(back_weights)(const FN(att_head) *j, const FN(back_space) *s, i64 ld, i64 l0, i64 wide, i64 s0, i64 ns) {
    uint8_t keep[2 * ATTENTION_QUERIES];
    for (i64 t = 0; t < ns; t++) {
        T *w = s->w + t * ld, *gx = s->gx + t * ld;
        if (j->a->p > 0) {
            FN(att_keep)(keep, j, l0, wide, s0 + t);
            for (i64 l = 0; l < wide; l++) gx[l] = keep[l] ? gx[l] : 0;
        }
        for (i64 l = 0; l < wide; l += VW) {
            vec x = v_exp2_weight(v_load(w + l) - v_load(s->m + l)), g = x * (v_load(gx + l) - v_load(s->d + l));
            v_store(w + l, x);
            v_store(gx + l, (vec)((vmask)g & (x != 0))); /* a hidden NaN stays hidden */
        }
        if (j->a->p > 0)
            for (i64 l = 0; l < wide; l++) w[l] = keep[l] ? w[l] : 0;
    }
}

/* one group of queries with the keys s0 .. s0 + ns of the range that begins at `first` */
static void FN(back_block)(const FN(back_run) *r, const FN(att_head) *j, FN(back_space) *s, i64 l0, i64 n, i64 first, i64 s0,
                           i64 ns) {
    const udl_attention_backward_args *a = r->a;
    const i64 ld = r->group, wide = ATTENTION_WIDE(n);
    const FN(gemm_epilogue) e = {.alpha = 1};
    const FN(gemm_b) keys = FN(att_rows)(s->k, j->k + s0 * a->k_s[2], a->k_s[2], ns, a->D);
    int masked = FN(att_scores)(s->w, ld, j, s->queries, (FN(gemm_a)){keys.p, keys.stride, GEMM_A_ROWS}, l0, n, s0, ns);
    gemm_block(ns, wide, a->E, (FN(gemm_a)){j->v + s0 * a->v_s[2], a->v_s[2], GEMM_A_ROWS}, (FN(gemm_b)){s->grads, 0}, s->gx, ld,
               &e);
    FN(back_weights)(j, s, ld, l0, wide, s0, ns);
    FN(gemm_a) w = {s->w, ld, GEMM_A_ROWS}, gx = {s->gx, ld, GEMM_A_ROWS}, across = {s->gx, ld, GEMM_A_COLUMNS};
    FN(att_product)(ns, s->wide_e, n, w, (FN(gemm_b)){s->gy, s->row_e}, s->gv + (s0 - first) * s->wide_e, s->wide_e, 1,
                    masked && !FN(att_finite)(s->gy, s->row_e, n, s->wide_e));
    FN(att_product)(ns, s->wide_d, n, gx, (FN(gemm_b)){s->q, s->row_d}, s->gk + (s0 - first) * s->wide_d, s->wide_d, 1,
                    masked && !FN(att_finite)(s->q, s->row_d, n, s->wide_d));
    FN(att_product)(n, s->wide_d, ns, across, keys, s->gq, s->wide_d, s0 > first,
                    masked && !FN(att_finite)(keys.p, keys.stride, ns, s->wide_d));
}

/* to[rows][n] = f from[rows][wide] */
static void FN(back_store)(T *to, i64 to_s, const T *from, i64 wide, i64 rows, i64 n, T f) {
    for (i64 i = 0; i < rows; i++, to += to_s, from += wide) {
        i64 x = 0;
        for (; x + VW <= n; x += VW) v_store(to + x, v_load(from + x) * f);
        if (x < n) v_store_n(to + x, v_load(from + x) * f, (int)(n - x));
    }
}

static void FN(back_head)(const FN(back_run) *r, FN(back_space) *s, const FN(att_head) *j, i64 range) {
    const udl_attention_backward_args *a = r->a;
    const i64 first = range * r->range, last = UDL_MINI(first + r->range, a->S);
    i64 to_s = a->gq_s[2];
    T *to = (T *)a->gq + j->index / a->H * a->gq_s[0] + j->index % a->H * a->gq_s[1];
    if (r->shares) to = r->shares + (range * a->B * a->H + j->index) * a->L * a->D, to_s = a->D;
    for (i64 l0 = 0; l0 < a->L; l0 += r->group) {
        i64 n = UDL_MINI(r->group, a->L - l0), end = UDL_MINI(last, FN(att_keys)(&r->f, l0 + n));
        if (end <= first) memset(s->gq, 0, (size_t)(n * s->wide_d) * sizeof(T));
        else FN(back_group)(r, j, s, l0, n);
        for (i64 s0 = first, size = attention_block(end - first); s0 < end; s0 += size)
            FN(back_block)(r, j, s, l0, n, first, s0, UDL_MINI(size, end - s0));
        FN(back_store)(to + l0 * to_s, to_s, s->gq, s->wide_d, n, a->D, (T)a->scale);
    }
}

static void FN(back_task)(void *ctx, i64 begin, i64 end) {
    FN(back_run) *r = ctx;
    const udl_attention_backward_args *a = r->a;
    FN(back_space) s;
    size_t bytes = (size_t)FN(back_layout)(r, &s, 0) * sizeof(T);
    T *scratch = udl_alloc(bytes);
    if (!scratch) { r->failed = 1; return; }
    FN(back_layout)(r, &s, scratch);
    for (i64 t = begin; t < end; t++) {
        const i64 head = t / r->ranges, range = t % r->ranges, heads = a->H / a->G, b = head / heads, h = head % heads;
        const i64 first = range * r->range, keys = UDL_MINI(r->range, a->S - first);
        memset(s.gk, 0, (size_t)(keys * s.wide_d) * sizeof(T));
        memset(s.gv, 0, (size_t)(keys * s.wide_e) * sizeof(T));
        for (i64 g = 0; g < a->G; g++) {
            FN(att_head) j = FN(att_head_at)(&r->f, b, h * a->G + g);
            FN(back_head)(r, &s, &j, range);
        }
        FN(back_store)((T *)a->gk + b * a->gk_s[0] + h * a->gk_s[1] + first * a->gk_s[2], a->gk_s[2], s.gk, s.wide_d, keys, a->D,
                       (T)a->scale);
        FN(back_store)((T *)a->gv + b * a->gv_s[0] + h * a->gv_s[1] + first * a->gv_s[2], a->gv_s[2], s.gv, s.wide_e, keys, a->E, 1);
    }
    udl_free(scratch, bytes);
}

static void FN(back_join)(void *ctx, i64 begin, i64 end) { /* rows of gq */
    const FN(back_run) *r = ctx;
    const udl_attention_backward_args *a = r->a;
    const i64 size = a->B * a->H * a->L * a->D;
    for (i64 t = begin; t < end; t++) {
        const i64 head = t / a->L, l = t % a->L;
        T *to = (T *)a->gq + head / a->H * a->gq_s[0] + head % a->H * a->gq_s[1] + l * a->gq_s[2];
        const T *from = r->shares + t * a->D;
        for (i64 d = 0; d < a->D; d++) {
            T sum = from[d];
            for (i64 i = 1; i < r->ranges; i++) sum += from[i * size + d];
            to[d] = sum;
        }
    }
}

static int FN(attention_backward)(const udl_attention_backward_args *a) {
    FN(back_run) r = {.a = a, .f = {.q = a->q, .k = a->k, .v = a->v, .mask = a->mask, .dtype = a->dtype, .B = a->B, .H = a->H,
                                    .G = a->G, .L = a->L, .S = a->S, .D = a->D, .E = a->E, .mask_kind = a->mask_kind,
                                    .causal = a->causal, .seed = a->seed, .offset = a->offset, .scale = a->scale, .p = a->p}};
    memcpy(r.f.q_s, a->q_s, sizeof a->q_s), memcpy(r.f.k_s, a->k_s, sizeof a->k_s), memcpy(r.f.v_s, a->v_s, sizeof a->v_s);
    memcpy(r.f.mask_s, a->mask_s, sizeof a->mask_s);
    const i64 heads = a->B * (a->H / a->G), blocks = UDL_CEIL_DIV(a->S, ATTENTION_KEYS);
    r.group = a->causal && a->L < 16 * ATTENTION_QUERIES ? ATTENTION_QUERIES : 2 * ATTENTION_QUERIES;
    r.ranges = UDL_MAXI(UDL_MINI(BACKWARD_TASKS / heads, blocks), 1);
    r.range = UDL_MAXI(UDL_CEIL_DIV(blocks, r.ranges), 1) * ATTENTION_KEYS;
    r.ranges = UDL_MAXI(UDL_CEIL_DIV(a->S, r.range), 1);
    size_t bytes = (size_t)(r.ranges * a->B * a->H * a->L * a->D) * sizeof(T);
    if (r.ranges > 1 && !(r.shares = udl_alloc(bytes))) return UDL_ENOMEM;
    double flops = 2. * (double)a->L * (double)a->S * (double)(3 * a->D + 2 * a->E) * (double)a->G / (double)r.ranges;
    i64 tasks = heads * r.ranges, grain = (i64)UDL_MINI(GEMM_TASK_FLOPS / 4 / (flops + 1) + 1, (double)tasks);
    udl_parallel_for(tasks, grain, FN(back_task), &r);
    if (r.shares && !r.failed) udl_parallel_for(a->B * a->H * a->L, UDL_MAXI(1, 16384 / (a->D + 1)), FN(back_join), &r);
    if (r.shares) udl_free(r.shares, bytes);
    return r.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
