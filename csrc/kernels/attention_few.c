/* attention_few.c - attention of a few queries (a step of generation) to many keys: bound by reading k and v once.
 *
 * The rows of all queries that share a head of keys go together. A task owns FEW_KEYS keys of one head and leaves, for each
 * row, the maximum of its scores, the sum of 2^(x - maximum) and the sum of such weights times v; the parts are joined in
 * their order, so any number of threads gives the same.
 * Floor: (D + E) numbers read a key. */
#ifndef T
#include "attention.h"
#define UDL_THIS_FILE "kernels/attention_few.c"
#define FEW_KEYS 256 /* at most GEMM_KC */
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
    T m = (T)-INFINITY, total = 0;
    for (i64 s = 0; s < ns; s++) m = x[s] > m ? x[s] : m;
    vec low = v_set(m == (T)-INFINITY ? 0 : m), add = {0};
    i64 s = 0;
    for (; s + VW <= ns; s += VW) {
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
            if (x[i * ns + s] != 0)
                for (i64 e = 0; e < E; e++) out[e] += x[i * ns + s] * v[s * r->a->v_s[2] + e];
    }
}

static int FN(few_finite)(const T *v, i64 stride, i64 ns, i64 E) {
    T bad = 0;
    for (i64 s = 0; s < ns; s++)
        for (i64 e = 0; e < E; e++) bad += v[s * stride + e] - v[s * stride + e];
    return bad == 0;
}

static void FN(few_chunk)(const FN(few_run) *r, i64 head, i64 chunk, const T *queries, T *x) {
    const udl_attention_args *a = r->a;
    const i64 s0 = chunk * FEW_KEYS, ns = UDL_MINI(a->S - s0, FEW_KEYS), heads = a->H / a->G, E = a->E;
    const FN(gemm_epilogue) e = {.alpha = 1};
    const FN(att_head) j = FN(att_head_at)(a, head / heads, head % heads * a->G);
    const T *v = j.v + s0 * a->v_s[2];
    T *part = r->parts + (head * r->chunks + chunk) * r->rows * (E + 2), *out = part + 2;
    int masked = a->mask_kind != ATTENTION_NO_MASK;
    few_rows(r->rows, ns, a->D, queries, a->D, 1, j.k + s0 * a->k_s[2], a->k_s[2], 1, x, ns, 1, &e);
    for (i64 i = 0; i < r->rows; i++, part += E + 2) {
        FN(att_head) row = FN(att_head_at)(a, head / heads, head % heads * a->G + i / a->L);
        if (masked) FN(att_mask)(x + i * ns, 1, &row, i % a->L, 1, s0, ns);
        FN(few_weights)(x + i * ns, ns, part, part + 1);
    }
    if (masked && !FN(few_finite)(v, a->v_s[2], ns, E)) FN(few_hidden)(r, x, v, ns, out);
    else if (r->rows == 1) few_rows(1, E, ns, x, ns, 1, v, 1, a->v_s[2], out, E, 1, &e);
    else gemm_block(r->rows, E, ns, (FN(gemm_a)){x, ns, GEMM_A_ROWS}, (FN(gemm_b)){v, a->v_s[2]}, out, E + 2, &e);
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
