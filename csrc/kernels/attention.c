/* attention.c - out = drop(softmax(scale q k^T + mask)) v, never more than a block of the scores.
 *
 * For a group of queries the keys pass by in blocks; m is the largest score so far, w = 2^(x - m) its weights:
 *     m' = max(m, block), f = 2^(m - m'), sum = f sum + sum of w, o = f o + w v;   at the end out = o / sum.
 * m need not be the maximum exactly: the largest of the first few scores stays, as long as no weight exceeds ATTENTION_HIGH,
 * which saves looking for the maximum and shrinking o. If one does, the block is computed again with its maximum.
 * A task owns ATTENTION_GROUPS groups of queries of one head, which share each block of keys while it is in L2. Blocks that
 * causality hides are not computed.
 * Floor: 2 (D + E) flops and one 2^x a score (half of them if causal). */
#ifndef T
#include "attention.h"
#include "tiny.h"
#define UDL_THIS_FILE "kernels/attention.c"
#define ATTENTION_GROUPS 8
#define ATTENTION_HIGH 0x1p40
#define ATTENTION_AT_ONCE (2 * ATTENTION_STEP)
#define ATTENTION_PACKED 4 /* keys are packed for so many groups */
#include "../each_float.h"

/* Numbers below TINY: scores too small to change a weight of 1 are those of q and k of 0; and with TINY_SCALE v, out is taken back. */
#define EACH_ROW(p, stride, heads, n) \
    for (i64 b_ = 0; b_ < a->B; b_++) for (i64 h_ = 0; h_ < (heads); h_++) for (i64 r_ = 0; r_ < (n); r_++) \
        for (const float *row = (const float *)(p) + b_ * (stride)[0] + h_ * (stride)[1] + r_ * (stride)[2]; row; row = 0)
static int all_below(const udl_attention_args *a, const void *p, const i64 *stride, i64 heads, i64 n, i64 wide, float limit) {
    int some = 0;
    EACH_ROW(p, stride, heads, n) {
        const int one = row_below(row, wide, limit);
        if (one < 0) return 0;
        some |= one;
    }
    return some;
}
static int attention_tiny(const udl_attention_args *a, int *status) {
    const i64 heads = UDL_CEIL_DIV(a->H, a->G);
    const int q = all_below(a, a->q, a->q_s, a->H, a->L, a->D, TINY), k = all_below(a, a->k, a->k_s, heads, a->S, a->D, TINY);
    const int v = all_below(a, a->v, a->v_s, heads, a->S, a->E, TINY);
    const int even = (double)a->D * fabs(a->scale) < 0x1p20 && ((q && all_below(a, a->k, a->k_s, heads, a->S, a->D, 0x1p60f)) ||
                                                               (k && all_below(a, a->q, a->q_s, a->H, a->L, a->D, 0x1p60f)));
    if (!v && !even) return 0;
    udl_attention_args s = *a;
    const size_t bytes = sizeof(float) * (size_t)(a->D + (v ? a->B * heads * a->S * a->E : 0));
    float *zero = udl_alloc(bytes), *to = zero + a->D;
    *status = UDL_ENOMEM;
    if (!zero) return 1;
    memset(zero, 0, sizeof(float) * (size_t)a->D);
    if (even) s.q = s.k = zero, memset(s.q_s, 0, sizeof s.q_s), memset(s.k_s, 0, sizeof s.k_s);
    if (v) {
        s.v = to, s.v_s[0] = heads * a->S * a->E, s.v_s[1] = a->S * a->E, s.v_s[2] = a->E;
        EACH_ROW(a->v, a->v_s, heads, a->S) tiny_times(to, row, a->E, TINY_SCALE), to += a->E;
    }
    *status = KERNEL(attention)(&s);
    if (v) EACH_ROW(a->out, a->o_s, a->H, a->L) tiny_times((float *)(uintptr_t)row, row, a->E, 1 / TINY_SCALE);
    udl_free(zero, bytes);
    return 1;
}
#undef EACH_ROW

int KERNEL(attention)(const udl_attention_args *a) {
    if (a->dtype != UDL_F32 && a->dtype != UDL_F64) return UDL_EINVAL;
    if (a->B <= 0 || a->H <= 0 || a->L <= 0) return UDL_OK;
    int status;
    if (TINY_MATTERS && a->dtype == UDL_F32 && attention_tiny(a, &status)) return status;
    if (a->L * a->G <= ATTENTION_FEW && a->p == 0 && !a->causal) return INTERNAL(attention_few)(a);
    return BY_FLOAT(a->dtype, attention, (a));
}
#else

typedef struct {
    const udl_attention_args *a;
    i64 rows, blocks;      /* queries of a task; tasks of a head */
    int failed;
} FN(att_run);

typedef struct {           /* one group of queries */
    T *queries, *m, *sum, *f, *o;
    i64 l0, n, wide;
} FN(att_group);

/* x[s] becomes 2^(x[s] - low); add: their sums. U vectors side by side. */
VFN void FN(att_exp)(T *x, i64 ld, i64 ns, const vec low[2], vec add[2], int U) {
    UDL_UNROLL for (int u = 0; u < U; u++) add[u] = (vec){0};
    i64 s = 0;
    for (; s + 2 <= ns; s += 2, x += 2 * ld) {
        vec w[2][2];
        UDL_UNROLL for (int r = 0; r < 2; r++) UDL_UNROLL for (int u = 0; u < U; u++)
            w[r][u] = v_exp2_weight(v_load(x + r * ld + u * VW) - low[u]);
        UDL_UNROLL for (int r = 0; r < 2; r++) UDL_UNROLL for (int u = 0; u < U; u++) {
            v_store(x + r * ld + u * VW, w[r][u]);
            add[u] += w[r][u];
        }
    }
    if (s < ns) UDL_UNROLL for (int u = 0; u < U; u++) {
        vec w = v_exp2_weight(v_load(x + u * VW) - low[u]);
        v_store(x + u * VW, w);
        add[u] += w;
    }
}

/* m moves on to the maximum of x too, of all queries or of those that have seen nothing yet; f is what older sums shrink by */
VFN void FN(att_raise)(const T *x, i64 ld, i64 ns, T *m, T *sum, T *f, int all, int U) {
    UDL_UNROLL for (int u = 0; u < U; u++) {
        vec old = v_load(m + u * VW), top = old;
        for (i64 s = 0; s < ns; s++) {
            vec y = v_load(x + s * ld + u * VW);
            top = v_sel(y > top, y, top);
        }
        if (!all) top = v_sel(old == (T)-INFINITY, top, old);
        v_store(m + u * VW, top);
        top = v_exp2_weight(old - v_sel(top == (T)-INFINITY, (vec){0}, top));
        v_store(f + u * VW, top);
        v_store(sum + u * VW, v_load(sum + u * VW) * top);
    }
}

/* x becomes weights below m; true if any is above ATTENTION_HIGH or NaN: then nothing is added to sum */
VFN int FN(att_weights)(T *x, i64 ld, i64 ns, const T *m, T *sum, int limited, int U) {
    vec low[2], add[2];
    vmask over = {0};
    UDL_UNROLL for (int u = 0; u < U; u++) { /* nothing seen so far: weights 0 */
        low[u] = v_load(m + u * VW);
        low[u] = v_sel(low[u] == (T)-INFINITY, (vec){0}, low[u]);
    }
    FN(att_exp)(x, ld, ns, low, add, U);
    UDL_UNROLL for (int u = 0; u < U; u++) over |= ~(add[u] <= (T)ATTENTION_HIGH);
    if (limited && v_any((vi64)over)) return 1;
    UDL_UNROLL for (int u = 0; u < U; u++) v_store(sum + u * VW, v_load(sum + u * VW) + add[u]);
    return 0;
}

static void FN(att_drop)(T *x, i64 ld, const FN(att_head) *j, const FN(att_group) *g, i64 s0, i64 ns) {
    uint8_t keep[ATTENTION_QUERIES];
    for (i64 s = 0; s < ns; s++, x += ld) {
        FN(att_keep)(keep, j, g->l0, g->wide, s0 + s);
        for (i64 l = 0; l < g->wide; l++) x[l] = keep[l] ? x[l] : 0;
    }
}

#define EACH_STRIP(call1, call2)                                          \
    for (i64 p = 0; p < g->wide; p += 2 * VW) {                           \
        if (p + 2 * VW <= g->wide) call2;                                 \
        else call1;                                                       \
    }
/* x = weights of one block; false if one went too high, unless `all`: then below the maximum of this block as well.
 * A few keys at a time, as their scores are then in L1 still. */
static int FN(att_try)(const FN(att_head) *j, FN(att_group) *g, FN(gemm_a) keys, i64 s0, i64 ns, T *x, int all, int *masked) {
    const i64 ld = ATTENTION_QUERIES, step = all ? ns : ATTENTION_AT_ONCE, row = keys.kind == GEMM_A_ROWS ? keys.stride : j->a->D;
    T old[ATTENTION_QUERIES];
    memcpy(old, g->sum, sizeof old);
    int high = 0;
    for (i64 s = 0; s < ns && !high; s += step, x += step * ld, keys.p += step * row) {
        const i64 n = UDL_MINI(step, ns - s);
        *masked |= FN(att_scores)(x, ld, j, g->queries, keys, g->l0, g->n, s0 + s, n);
        int raise = all;
        for (i64 l = 0; l < g->wide; l++) raise |= g->m[l] == (T)-INFINITY;
        if (raise) EACH_STRIP(FN(att_raise)(x + p, ld, n, g->m + p, g->sum + p, g->f + p, all, 1),
                              FN(att_raise)(x + p, ld, n, g->m + p, g->sum + p, g->f + p, all, 2))
        EACH_STRIP(high |= FN(att_weights)(x + p, ld, n, g->m + p, g->sum + p, !all, 1),
                   high |= FN(att_weights)(x + p, ld, n, g->m + p, g->sum + p, !all, 2))
    }
    if (high) memcpy(g->sum, old, sizeof old);
    return !high;
}

/* asks for the rows s0 .. of keys and values early, part i of n, and for what a group needs of a mask */
static void FN(att_fetch)(const FN(att_head) *j, const FN(att_group) *g, i64 s0, int i, int n) {
    const udl_attention_args *a = j->a;
    const i64 left = UDL_MINI(a->S - s0, ATTENTION_KEYS), line = 64 / (i64)sizeof(T);
    for (i64 s = s0 + left * i / n; s < s0 + left * (i + 1) / n; s++) {
        for (i64 d = 0; d < a->D; d += line) __builtin_prefetch(j->k + s * a->k_s[2] + d, 0, 2);
        for (i64 e = 0; e < a->E; e += line) __builtin_prefetch(j->v + s * a->v_s[2] + e, 0, 2);
    }
    if (a->mask_kind == ATTENTION_NO_MASK || !a->mask_s[2] || a->mask_s[3] != 1) return;
    const i64 size = a->mask_kind == ATTENTION_ADD ? (i64)sizeof(T) : 1;
    for (i64 l = g->l0; l < g->l0 + g->n; l++)
        for (i64 at = 0; at < left * size; at += 64) __builtin_prefetch(j->mask + (l * a->mask_s[2] + s0) * size + at, 0, 3);
}

/* the keys s0 .. s0 + ns for one group; keys, values: their rows */
static void FN(att_block)(const FN(att_head) *j, FN(att_group) *g, i64 s0, i64 ns, FN(gemm_a) keys, FN(gemm_b) values, int *finite,
                          T *x) {
    const udl_attention_args *a = j->a;
    const i64 ld = ATTENTION_QUERIES, wide = ATTENTION_WIDE(a->E);
    int masked = 0, all = !FN(att_try)(j, g, keys, s0, ns, x, 0, &masked);
    if (all) FN(att_try)(j, g, keys, s0, ns, x, 1, &masked);
    if (a->p > 0) FN(att_drop)(x, ld, j, g, s0, ns);
    for (i64 l = 0; l < g->n && all && s0; l++)
        for (i64 i = 0; i < wide; i += VW) v_store(g->o + l * wide + i, v_load(g->o + l * wide + i) * g->f[l]);
    if (masked && *finite < 0) *finite = FN(att_finite)(values.p, values.stride, ns, wide);
    FN(att_product)(g->n, wide, ns, (FN(gemm_a)){x, ld, GEMM_A_COLUMNS}, values, g->o, wide, s0 > 0, masked && !*finite);
}

static void FN(att_finish)(const FN(att_head) *j, const FN(att_group) *g, T *out) {
    const udl_attention_args *a = j->a;
    T *stats = a->stats;
    const T kept = (T)(1 / (1 - a->p));
    for (i64 l = 0; l < g->n; l++) {
        T top = g->m[l], r = g->sum[l] == 0 ? 0 : 1 / g->sum[l];
        if (stats) {
            i64 at = j->index * a->L + g->l0 + l;
            stats[at] = top == (T)-INFINITY ? (T)INFINITY : top; /* 2^(x - inf) = 0 in backward */
            stats[a->B * a->H * a->L + at] = r;
        }
        T *to = out + (g->l0 + l) * a->o_s[2];
        const T *o = g->o + l * ATTENTION_WIDE(a->E);
        vec f = v_set(r * kept);
        i64 i = 0;
        for (; i + VW <= a->E; i += VW) v_store(to + i, v_load(o + i) * f);
        if (i < a->E) v_store_n(to + i, v_load(o + i) * f, (int)(a->E - i));
    }
}

/* the keys s0 .. as A: panels, if enough groups share them, as rows may lie so that six numbers of a column need one bank of L1 */
static FN(gemm_a) FN(att_keys_at)(T *to, const FN(att_head) *j, i64 s0, i64 ns, int groups) {
    const i64 D = j->a->D, row = j->a->k_s[2];
    const T *k = j->k + s0 * row;
    if (groups < ATTENTION_PACKED) return (FN(gemm_a)){k, row, GEMM_A_ROWS};
    for (i64 s = 0; s < ns; s += ATTENTION_STEP) gemm_pack_a(to + s * D, k + s * row, row, 1, UDL_MINI(ATTENTION_STEP, ns - s), D);
    return (FN(gemm_a)){to, 0, GEMM_A_PANELS};
}

static void FN(att_one)(const FN(att_head) *j, i64 l0, i64 l1, T *out, T *scratch) {
    const udl_attention_args *a = j->a;
    const i64 Q = ATTENTION_QUERIES;
    FN(att_group) g[ATTENTION_GROUPS];
    T *x = scratch, *v = x + ATTENTION_KEYS * Q, *k = v + ATTENTION_KEYS * FN(att_row)(a->E);
    T *next = k + ATTENTION_KEYS * FN(att_row)(a->D);
    int count = 0;
    for (i64 l = l0; l < l1; l += Q, count++) {
        FN(att_group) *t = &g[count];
        *t = (FN(att_group)){next, next + a->D * Q, next + (a->D + 1) * Q, next + (a->D + 2) * Q,
                               next + (a->D + 3) * Q, l, UDL_MINI(Q, l1 - l), 0};
        next += (a->D + 3 + ATTENTION_WIDE(a->E)) * Q;
        t->wide = FN(att_pack)(t->queries, j, l, t->n);
        for (i64 i = 0; i < Q; i++) t->m[i] = (T)-INFINITY, t->sum[i] = 0;
        if (!a->S) memset(t->o, 0, (size_t)(ATTENTION_WIDE(a->E) * Q) * sizeof(T));
    }
    const i64 end = FN(att_keys)(a, l1), size = attention_block(end);
    for (i64 s0 = 0, s1; s0 < end; s0 = s1) {
        s1 = UDL_MINI(s0 + size, end);
        const FN(gemm_a) keys = FN(att_keys_at)(k, j, s0, s1 - s0, count);
        const FN(gemm_b) values = FN(att_rows)(v, j->v + s0 * a->v_s[2], a->v_s[2], s1 - s0, a->E);
        int finite = -1;
        for (int i = 0; i < count; i++) {
            i64 ns = UDL_MINI(s1, FN(att_keys)(a, g[i].l0 + g[i].n)) - s0;
            if (ns > 0) ns = UDL_MINI(s1 - s0, UDL_CEIL_DIV(ns, ATTENTION_STEP) * ATTENTION_STEP); /* whole panels */
            if (s1 < end) FN(att_fetch)(j, &g[i], s1, i, count);
            if (ns > 0) FN(att_block)(j, &g[i], s0, ns, keys, values, &finite, x);
        }
    }
    for (int i = 0; i < count; i++) FN(att_finish)(j, &g[i], out);
}

static void FN(att_task)(void *ctx, i64 begin, i64 end) {
    FN(att_run) *r = ctx;
    const udl_attention_args *a = r->a;
    size_t bytes = (size_t)(ATTENTION_KEYS * (ATTENTION_QUERIES + FN(att_row)(a->D) + FN(att_row)(a->E)) +
                            r->rows * (a->D + 3 + ATTENTION_WIDE(a->E))) * sizeof(T);
    T *scratch = udl_alloc(bytes);
    if (!scratch) { r->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        i64 head = t / r->blocks, block = r->blocks - 1 - t % r->blocks; /* causal: the longest first */
        FN(att_head) j = FN(att_head_at)(a, head / a->H, head % a->H);
        T *out = (T *)a->out + head / a->H * a->o_s[0] + head % a->H * a->o_s[1];
        FN(att_one)(&j, block * r->rows, UDL_MINI(a->L, (block + 1) * r->rows), out, scratch);
    }
    udl_free(scratch, bytes);
}

static int FN(attention)(const udl_attention_args *a) {
    i64 groups = UDL_CEIL_DIV(a->L, ATTENTION_QUERIES), heads = a->B * a->H;
    double flops = 2. * (double)a->L * (double)a->S * (double)(a->D + a->E) / (a->causal ? 2 : 1);
    i64 each = UDL_MINI(UDL_MAXI(groups * heads / 16, 1), ATTENTION_GROUPS); /* groups of a task: leave 16 tasks */
    FN(att_run) r = {.a = a, .rows = each * ATTENTION_QUERIES};
    r.blocks = UDL_CEIL_DIV(a->L, r.rows);
    i64 tasks = r.blocks * heads, grain = (i64)UDL_MINI(GEMM_TASK_FLOPS / 4 / (flops / (double)r.blocks + 1) + 1, (double)tasks);
    udl_parallel_for(tasks, grain, FN(att_task), &r);
    return r.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
