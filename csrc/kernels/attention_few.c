/* attention_few.c - attention of a few queries (a step of generation) to many keys: bound by reading k and v once.
 *
 * The rows of all queries that share a head of keys go together. A task owns FEW_KEYS keys of one head and leaves, for each
 * row, the maximum of its scores, the sum of 2^(x - maximum) and the sum of such weights times v; the parts are joined in
 * their order, so any number of threads gives the same.
 * Floor: (D + E) numbers read a key. */
#ifndef T
#include "attention.h"
#define UDL_THIS_FILE "kernels/attention_few.c"
#define FEW_KEYS 256 /* at most GEMM_KC, a multiple of 4 */
#include "../each_float.h"
int INTERNAL(attention_few)(const udl_attention_args *a) { return BY_FLOAT(a->dtype, attention_few, (a)); }
#else

typedef struct {
    const udl_attention_args *a;
    T *parts;              /* [head of keys][chunk][row][max, sum, o[E]] */
    i64 rows, chunks;
    int failed;
} FN(few_run);

/* x[ns] becomes weights below their maximum */
static void FN(few_weights)(T *x, i64 ns, T *top, T *sum) {
    T m, total = 0;
    vec most = v_set((T)-INFINITY);
    i64 s = 0;
    for (; s + VW <= ns; s += VW) {
        const vec y = v_load(x + s);
        most = v_sel(y > most, y, most);
    }
    for (m = v_hmax(most); s < ns; s++) m = x[s] > m ? x[s] : m;
    vec low = v_set(m == (T)-INFINITY ? 0 : m), add = {0};
    for (s = 0; s + VW <= ns; s += VW) {
        vec w = v_exp2_weight(v_load(x + s) - low);
        v_store(x + s, w);
        add += w;
    }
    if (s < ns) {
        vec w = v_exp2_weight(v_load_n(x + s, (int)(ns - s)) - low);
        v_store_n(x + s, w, (int)(ns - s));
        for (; s < ns; s++) total += x[s];
    }
    *top = m;
    *sum = total + v_sum(add);
}

/* rows of a[rows][E + 2] from 2 on = x v; weights of 0 hide what stands in v, NaN too */
static void FN(few_hidden)(const FN(few_run) *r, const T *x, const T *v, i64 ns, T *out) {
    const i64 E = r->a->E;
    for (i64 i = 0; i < r->rows; i++, out += E + 2) {
        memset(out, 0, (size_t)E * sizeof(T));
        for (i64 s = 0; s < ns; s++)
            if (x[i * FEW_KEYS + s] != 0)
                for (i64 e = 0; e < E; e++) out[e] += x[i * FEW_KEYS + s] * v[s * r->a->v_s[2] + e];
    }
}

static int FN(few_finite)(const T *v, i64 stride, i64 ns, i64 E) {
    T bad = 0;
    for (i64 s = 0; s < ns; s++)
        for (i64 e = 0; e < E; e++) bad += v[s * stride + e] - v[s * stride + e];
    return bad == 0;
}

/* x[i][s] = q[i] k[s] for M = 1 or 2 rows of q (a constant), four keys at a time; what x holds beyond ns is not read. Asks for the
 * rows of v meanwhile: summing them up takes so little time that memory would stand idle. */
VFN void FN(few_scores)(const FN(few_run) *r, int M, const T *q, const T *k, const T *v, i64 ns, T *x) {
    const i64 D = r->a->D, E = r->a->E, k_s = r->a->k_s[2], v_s = r->a->v_s[2], line = 64 / (i64)sizeof(T);
    for (i64 s = 0; s < ns; s += 4) {
        const int n = (int)UDL_MINI(ns - s, 4);
        const T *key[4];
        vec sum[2][4];
        UDL_UNROLL for (int i = 0; i < 4; i++) {
            key[i] = k + (i < n ? s + i : s) * k_s;
            UDL_UNROLL for (int m = 0; m < 2; m++) sum[m][i] = (vec){0};
        }
        _Pragma("GCC unroll 1") for (int i = 0; i < n; i++)
            _Pragma("GCC unroll 1") for (i64 e = 0; e < E; e += line) __builtin_prefetch(v + (s + i) * v_s + e, 0, 2);
        i64 d = 0;
        for (; d + VW <= D; d += VW) UDL_UNROLL for (int i = 0; i < 4; i++) {
            const vec y = v_load(key[i] + d);
            UDL_UNROLL for (int m = 0; m < M; m++) sum[m][i] = v_fma(y, v_load(q + m * D + d), sum[m][i]);
        }
        UDL_UNROLL for (int m = 0; m < M; m++) {
            T *to = x + m * FEW_KEYS + s;
            FN(v_sums4)(sum[m], to);
            for (i64 t = d; t < D; t++)
                for (int i = 0; i < 4; i++) to[i] += key[i][t] * q[m * D + t];
        }
    }
}

/* out = x v for one row and NV vectors of v, a constant. Two chains of sums. */
VFN void FN(few_values)(int NV, const T *x, const T *v, i64 v_s, i64 ns, T *out) {
    vec sum[2][4] = {{{0}, {0}, {0}, {0}}, {{0}, {0}, {0}, {0}}};
    for (i64 s = 0; s < ns; s += 2, v += 2 * v_s) UDL_UNROLL for (int u = 0; u < 2; u++) {
        if (s + u == ns) break;
        const vec w = v_set(x[s + u]);
        UDL_UNROLL for (int i = 0; i < NV; i++) sum[u][i] = v_fma(v_load(v + u * v_s + i * VW), w, sum[u][i]);
    }
    UDL_UNROLL for (int i = 0; i < NV; i++) v_store(out + i * VW, sum[0][i] + sum[1][i]);
}

static void FN(few_chunk)(const FN(few_run) *r, i64 head, i64 chunk, const T *queries, T *x) {
    const udl_attention_args *a = r->a;
    const i64 s0 = chunk * FEW_KEYS, ns = UDL_MINI(a->S - s0, FEW_KEYS), heads = a->H / a->G, E = a->E;
    const FN(gemm_epilogue) e = {.alpha = 1};
    const FN(att_head) j = FN(att_head_at)(a, head / heads, head % heads * a->G);
    const T *v = j.v + s0 * a->v_s[2];
    T *part = r->parts + (head * r->chunks + chunk) * r->rows * (E + 2), *out = part + 2;
    int masked = a->mask_kind != ATTENTION_NO_MASK;
    const T *k = j.k + s0 * a->k_s[2];
    if (sizeof(T) == 8) few_rows(r->rows, ns, a->D, queries, a->D, 1, k, a->k_s[2], 1, x, FEW_KEYS, 1, &e); /* rare: no code of its own */
    for (i64 i = 0; i < r->rows && sizeof(T) == 4; i += 2)
        if (i + 1 < r->rows) FN(few_scores)(r, 2, queries + i * a->D, k, v, ns, x + i * FEW_KEYS);
        else FN(few_scores)(r, 1, queries + i * a->D, k, v, ns, x + i * FEW_KEYS);
    for (i64 i = 0; i < r->rows; i++, part += E + 2) {
        FN(att_head) row = FN(att_head_at)(a, head / heads, head % heads * a->G + i / a->L);
        if (masked) FN(att_mask)(x + i * FEW_KEYS, 1, &row, i % a->L, 1, s0, ns);
        FN(few_weights)(x + i * FEW_KEYS, ns, part, part + 1);
    }
    if (masked && !FN(few_finite)(v, a->v_s[2], ns, E)) FN(few_hidden)(r, x, v, ns, out);
    else if (r->rows == 1 && sizeof(T) == 4) {
        i64 i = 0;
        for (; i + 4 * VW <= E; i += 4 * VW) FN(few_values)(4, x, v + i, a->v_s[2], ns, out + i);
        for (; i + VW <= E; i += VW) FN(few_values)(1, x, v + i, a->v_s[2], ns, out + i);
        for (; i < E; i++) {
            out[i] = 0;
            _Pragma("GCC unroll 1") for (i64 s = 0; s < ns; s++) out[i] += x[s] * v[s * a->v_s[2] + i];
        }
    } else gemm_block(r->rows, E, ns, (FN(gemm_a)){x, FEW_KEYS, GEMM_A_ROWS}, (FN(gemm_b)){v, a->v_s[2]}, out, E + 2, &e);
}

static void FN(few_task)(void *ctx, i64 begin, i64 end) {
    FN(few_run) *r = ctx;
    const udl_attention_args *a = r->a;
    const T f = (T)(a->scale * ATTENTION_LOG2E);
    size_t bytes = (size_t)(r->rows * (a->D + FEW_KEYS)) * sizeof(T);
    T *queries = udl_alloc(bytes);
    if (!queries) { r->failed = 1; return; }
    for (i64 t = begin, of = -1; t < end; t++) {
        i64 head = t / r->chunks, heads = a->H / a->G;
        if (head != of)
            for (i64 i = 0; i < r->rows; i++) {
                FN(att_head) j = FN(att_head_at)(a, head / heads, head % heads * a->G + i / a->L);
                for (i64 d = 0; d < a->D; d++) queries[i * a->D + d] = j.q[i % a->L * a->q_s[2] + d] * f;
            }
        of = head;
        FN(few_chunk)(r, head, t % r->chunks, queries, queries + r->rows * a->D);
    }
    udl_free(queries, bytes);
}

/* the chunks of one row, in their order */
static void FN(few_join)(const FN(few_run) *r, i64 head, i64 i) {
    const udl_attention_args *a = r->a;
    const i64 heads = a->H / a->G, b = head / heads, h = head % heads * a->G + i / a->L, l = i % a->L, E = a->E;
    T *out = (T *)a->out + b * a->o_s[0] + h * a->o_s[1] + l * a->o_s[2], *stats = a->stats, top = (T)-INFINITY, sum = 0;
    const T *parts = r->parts + (head * r->chunks * r->rows + i) * (E + 2);
    const i64 step = r->rows * (E + 2);
    for (i64 c = 0; c < r->chunks; c++) top = parts[c * step] > top ? parts[c * step] : top;
    T low = top == (T)-INFINITY ? 0 : top;
    memset(out, 0, (size_t)E * sizeof(T));
    for (i64 c = 0; c < r->chunks; c++) {
        const T *p = parts + c * step;
        T f = v_exp2_weight(v_set(p[0] - low))[0];
        sum += p[1] * f;
        for (i64 e = 0; e < E && p[0] != (T)-INFINITY; e++) out[e] += p[2 + e] * f;
    }
    T inverse = sum == 0 ? 0 : 1 / sum;
    for (i64 e = 0; e < E; e++) out[e] *= inverse;
    if (!stats) return;
    i64 at = (b * a->H + h) * a->L + l;
    stats[at] = top == (T)-INFINITY ? (T)INFINITY : top;
    stats[a->B * a->H * a->L + at] = inverse;
}

static int FN(attention_few)(const udl_attention_args *a) {
    FN(few_run) r = {.a = a, .rows = a->G * a->L, .chunks = UDL_CEIL_DIV(a->S, FEW_KEYS)};
    i64 heads = a->B * a->H / a->G, tasks = heads * r.chunks;
    size_t bytes = (size_t)(tasks * r.rows * (a->E + 2) + 1) * sizeof(T);
    if (!(r.parts = udl_alloc(bytes))) return UDL_ENOMEM;
    double each = (double)UDL_MINI(a->S, FEW_KEYS) * (double)(a->D + a->E) * sizeof(T); /* bytes of a task */
    i64 grain = (i64)UDL_MAXI(GEMM_TASK_BYTES / 2 / (each + 1), 1.);
    udl_parallel_for(tasks, grain, FN(few_task), &r);
    for (i64 i = 0; i < heads * r.rows && !r.failed; i++) FN(few_join)(&r, i / r.rows, i % r.rows);
    udl_free(r.parts, bytes);
    return r.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
