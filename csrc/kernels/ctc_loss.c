/* ctc_loss.c - -log of the probability that a sequence of class scores spells a target, and its gradient.
 *
 * The target l of S labels is spelled with blanks around and between them: states s < L = 2 S + 1, label(s) = l[s / 2] for odd
 * s, else blank. From state s a step leads to s, s + 1, and s + 2 if label(s + 2) is neither blank nor label(s). With
 * alpha[t, s] = log of the probability of all ways into s at time t, beta[t, s] that of all ways out of it (both with the
 * score at t), the loss is -log(exp(alpha[T-1, L-1]) + exp(alpha[T-1, L-2])), and a class c is seen at time t with probability
 *     seen(c) = sum over s with label(s) = c of exp(alpha + beta - score + loss);    gradient = exp(score) - seen(c),
 * which is the gradient of what went into log_softmax (exp(score) is what log_softmax's own rule takes off again).
 *
 * Examples are independent and parallel; within one, time is sequential and states are lanes. Rows of states have two cells
 * of -inf at the side where the neighbours s - 1, s - 2 (beta: s + 1, s + 2) are missing. Floor: 3 exp and 1 log a state. */
#ifndef T
#include "../kernel.h"
#include "../vec/math.h"
#define UDL_THIS_FILE "kernels/ctc_loss.c"
#define PIECE 20000 /* states a piece */

typedef struct {
    const void *scores;
    const i64 *targets, *input_lengths, *target_lengths, *offsets;
    i64 times, N, C, S, blank;
    void *nll, *alpha, *gx;
    const void *g;
    i64 zero_infinity;
    int failed;
} ctc_job;

static int ctc_examples(ctc_job *job, udl_range_fn fn) {
    const i64 each = UDL_MAXI(1, job->times * (2 * job->S + 1 + job->C / 16));
    udl_parallel_for(job->N, UDL_MAXI(1, PIECE / each), fn, job);
    return job->failed ? UDL_ENOMEM : UDL_OK;
}
#include "../each_float.h"

int KERNEL(ctc_loss)(const udl_ctc_loss_args *a) {
    ctc_job job = {a->log_probs, a->targets, a->input_lengths, a->target_lengths, a->offsets, a->T, a->N, a->C, a->S, a->blank,
                   a->nll, a->alpha, 0, 0, 0, 0};
    return BY_FLOAT(a->dtype, ctc_loss, (&job));
}
int KERNEL(ctc_loss_backward)(const udl_ctc_loss_backward_args *a) {
    ctc_job job = {a->log_probs, a->targets, a->input_lengths, a->target_lengths, a->offsets, a->T, a->N, a->C, a->S, a->blank,
                   (void *)(uintptr_t)a->nll, (void *)(uintptr_t)a->alpha, a->gx, a->g, a->zero_infinity, 0};
    return BY_FLOAT(a->dtype, ctc_loss_backward, (&job));
}
#else

typedef struct {
    i64 L, pitch; /* states; row length with room for the neighbours and whole vectors */
    i64 *label;
    T *skip;      /* 0 where a step from s - 2 is allowed, else -inf */
    T *score;     /* of each state at the time at hand */
    T *a, *b;     /* rows of states: two cells, L states, two cells */
    T *seen;
    size_t bytes;
} FN(states);

static int FN(states_of)(const ctc_job *j, i64 n, FN(states) *q) {
    const i64 *target = j->targets + j->offsets[n], L = 2 * j->target_lengths[n] + 1, pitch = L + 4 + VW;
    q->L = L, q->pitch = pitch;
    q->bytes = (sizeof(i64) + 5 * sizeof(T)) * (size_t)pitch;
    q->label = udl_alloc(q->bytes);
    if (!q->label) return 0;
    q->skip = (T *)(q->label + pitch), q->score = q->skip + pitch, q->a = q->score + pitch, q->b = q->a + pitch, q->seen = q->b + pitch;
    for (i64 s = 0; s < pitch; s++) q->skip[s] = q->a[s] = q->b[s] = (T)-INFINITY, q->score[s] = 0;
    for (i64 s = 0; s < L; s++) {
        q->label[s] = s & 1 ? target[s / 2] : j->blank;
        if ((s & 1) && s > 1 && q->label[s] != q->label[s - 2]) q->skip[s] = 0;
    }
    return 1;
}

static const T *FN(scores_at)(const ctc_job *j, const FN(states) *q, i64 t, i64 n) {
    const T *row = (const T *)j->scores + (t * j->N + n) * j->C;
    for (i64 s = 0; s < q->L; s++) q->score[s] = row[q->label[s]];
    return row;
}

/* log(exp(a) + exp(b) + exp(c)) */
VFN vec FN(add_logs)(vec a, vec b, vec c) {
    vec m = v_max(v_max(a, b), c);
    m = v_sel(m == v_set((T)-INFINITY), v_set(0), m);
    return v_log(v_exp(a - m) + v_exp(b - m) + v_exp(c - m)) + m;
}

static T FN(end_of)(const T *row, i64 L) { /* of states L - 1 and, if there is one, L - 2 */
    const T x = row[L - 1], y = L > 1 ? row[L - 2] : (T)-INFINITY, m = x > y || x != x ? x : y;
    if (m == (T)-INFINITY) return m;
    return (T)(log(exp((double)(x - m)) + exp((double)(y - m))) + (double)m);
}

static void FN(ctc_alpha)(void *ctx, i64 begin, i64 end) {
    ctc_job *j = ctx;
    for (i64 n = begin; n < end; n++) {
        const i64 time = j->input_lengths[n], room = 2 * j->S + 1;
        T *alpha = (T *)j->alpha + n * j->times * room;
        FN(states) q;
        if (!FN(states_of)(j, n, &q)) { j->failed = 1; return; }
        for (i64 i = 0; i < j->times * room; i++) alpha[i] = (T)-INFINITY;
        T *prev = q.a, *next = q.b;
        for (i64 t = 0; t < time; t++) {
            FN(scores_at)(j, &q, t, n);
            if (t == 0) for (i64 s = 0; s < UDL_MINI(2, q.L); s++) next[2 + s] = q.score[s];
            else
                for (i64 s = 0; s < q.L; s += VW) {
                    const vec at = FN(add_logs)(v_load(prev + 2 + s), v_load(prev + 1 + s), v_load(prev + s) + v_load(q.skip + s));
                    v_store_n(next + 2 + s, at + v_load(q.score + s), (int)UDL_MINI(VW, q.L - s));
                }
            memcpy(alpha + t * room, next + 2, sizeof(T) * (size_t)q.L);
            T *swap = prev; prev = next, next = swap;
        }
        ((T *)j->nll)[n] = time ? -FN(end_of)(prev + 2, q.L) : q.L == 1 ? 0 : (T)INFINITY;
        udl_free(q.label, q.bytes);
    }
}

/* one time step's gradient: exp(score) g less what the states see. `beta` is the row at t. */
static void FN(gradient_row)(const FN(states) *q, T *gx, const T *row, i64 C, const T *alpha, const T *beta, T nll, T g) {
    T *seen = q->seen;
    for (i64 c = 0; c < C; c += VW) {
        const int k = (int)UDL_MINI(VW, C - c);
        v_store_n(gx + c, v_exp(v_load_n(row + c, k)), k);
    }
    for (i64 s = 0; s < q->L; s += VW) {
        const int k = (int)UDL_MINI(VW, q->L - s);
        v_store(seen + s, v_exp(v_load_n(alpha + s, k) + v_load(beta + s) - v_load(q->score + s) + v_set(nll)));
    }
    T blank = 0;
    for (i64 s = 0; s < q->L; s += 2) blank += seen[s];
    gx[q->label[0]] -= blank;
    for (i64 s = 1; s < q->L; s += 2) gx[q->label[s]] -= seen[s];
    for (i64 c = 0; c < C; c++) gx[c] *= g;
}

static void FN(ctc_beta)(void *ctx, i64 begin, i64 end) {
    ctc_job *j = ctx;
    for (i64 n = begin; n < end; n++) {
        const i64 C = j->C, time = j->input_lengths[n], room = 2 * j->S + 1;
        const T nll = ((const T *)j->nll)[n], g = ((const T *)j->g)[n], *alpha = (const T *)j->alpha + n * j->times * room;
        T *gx = (T *)j->gx + n * C;
        const int lost = nll == (T)INFINITY; /* the target cannot be spelled */
        for (i64 t = 0; t < j->times; t++)
            for (i64 c = 0; c < C && (t >= time || lost); c++) gx[t * j->N * C + c] = lost && t < time && !j->zero_infinity ? (T)NAN : 0;
        if (lost) continue;
        FN(states) q;
        if (!FN(states_of)(j, n, &q)) { j->failed = 1; return; }
        for (i64 s = 0; s + 2 < q.pitch; s++) q.skip[s] = q.skip[s + 2]; /* now of the step from s to s + 2 */
        T *prev = q.a, *next = q.b;
        for (i64 t = time - 1; t >= 0; t--) {
            const T *row = FN(scores_at)(j, &q, t, n);
            if (t == time - 1) for (i64 s = UDL_MAXI(0, q.L - 2); s < q.L; s++) next[s] = q.score[s];
            else
                for (i64 s = 0; s < q.L; s += VW) {
                    const vec at = FN(add_logs)(v_load(prev + s), v_load(prev + 1 + s), v_load(prev + 2 + s) + v_load(q.skip + s));
                    v_store_n(next + s, at + v_load(q.score + s), (int)UDL_MINI(VW, q.L - s));
                }
            FN(gradient_row)(&q, gx + t * j->N * C, row, C, alpha + t * room, next, nll, g);
            T *swap = prev; prev = next, next = swap;
        }
        udl_free(q.label, q.bytes);
    }
}

static int FN(ctc_loss)(ctc_job *j) { return ctc_examples(j, FN(ctc_alpha)); }
static int FN(ctc_loss_backward)(ctc_job *j) { return ctc_examples(j, FN(ctc_beta)); }
#endif
