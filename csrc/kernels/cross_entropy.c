/* cross_entropy.c - softmax and negative log-likelihood in one: loss = w_t (lse - x_t), lse = log sum_c exp(x_c).
 *
 * x[N, C, L] logits, target[N, L]. With label smoothing s the loss is (1 - s) w_t (lse - x_t) + s/C sum_c w_c (lse - x_c).
 * total = {sum of losses, sum of w_t that count}: both summed in order, in double. Targets are checked before anything
 * is written. Backward: gx_c = g [(1 - s) w_t (p_c - [c = t]) + s/C (p_c sum_k w_k - w_c)], p_c = exp(x_c - lse).
 * lse is kept as two numbers, the maximum and the logarithm of the sum below it.
 * Rows (L = 1) are vectorised along C; for L > 1 a strip of positions is walked down the classes.
 * Floor: forward reads x twice (max, then exp; the second time from cache), backward reads x and writes gx. */
#ifndef T
#include "../kernel.h"
#include "../vec/math.h"
#define UDL_THIS_FILE "kernels/cross_entropy.c"
#define STRIP 128
#define PIECE 16384
#include "../each_float.h"

static int targets_fit(const i64 *target, i64 n, i64 C, i64 ignore) {
    for (i64 i = 0; i < n; i++)
        if (target[i] != ignore && (target[i] < 0 || target[i] >= C)) return 0;
    return 1;
}
int KERNEL(cross_entropy)(const udl_cross_entropy_args *a) {
    if (!targets_fit(a->target, a->N * a->L, a->C, a->ignore_index)) return UDL_EINDEX;
    return BY_FLOAT(a->dtype, cross_entropy, (a));
}
int KERNEL(cross_entropy_backward)(const udl_cross_entropy_backward_args *a) {
    return BY_FLOAT(a->dtype, cross_entropy_backward, (a));
}
#else

/* maximum of one row and the logarithm of sum exp(x - max): apart, so that large logits keep their digits */
static T FN(row_lse)(const T *x, i64 C, T *max) {
    vec m0 = v_set((T)-INFINITY), s0 = v_set(0), s1 = s0;
    i64 i = 0;
    for (; i + VW <= C; i += VW) m0 = v_max(m0, v_load(x + i));
    T m = v_hmax(m0), t[VW];
    for (; i < C; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m;
    *max = m;
    if (m == (T)-INFINITY) return 0;
    vec vm = v_set(m);
    for (i = 0; i + 2 * VW <= C; i += 2 * VW) {
        s0 += v_exp(v_load(x + i) - vm);
        s1 += v_exp(v_load(x + i + VW) - vm);
    }
    for (; i < C; i += VW) {
        i64 k = UDL_MINI(C - i, (i64)VW);
        for (i64 j = 0; j < VW; j++) t[j] = j < k ? x[i + j] - m : (T)-INFINITY;
        s0 += v_exp(v_load(t));
    }
    return (T)log((double)v_sum(s0 + s1));
}

static double FN(smooth_sum)(const T *x, const T *w, i64 C, i64 step, double max, double ls) {
    double s = 0;
    for (i64 c = 0; c < C; c++) s += (w ? (double)w[c] : 1.0) * ((max - (double)x[c * step]) + ls);
    return s;
}

static T FN(one_loss)(const udl_cross_entropy_args *a, const T *x, i64 step, i64 t, double max, double ls) {
    const T *w = a->weight;
    if (t == a->ignore_index) return 0;
    double wt = w ? (double)w[t] : 1, v = wt * ((max - (double)x[t * step]) + ls);
    if (a->smoothing == 0) return (T)v;
    return (T)((1 - a->smoothing) * v + a->smoothing / (double)a->C * FN(smooth_sum)(x, w, a->C, step, max, ls));
}

static void FN(loss_rows)(void *p, i64 begin, i64 end) {
    const udl_cross_entropy_args *a = p;
    for (i64 n = begin; n < end; n++) {
        const T *x = (const T *)a->x + n * a->C;
        T *m = (T *)a->lse + n, ls = FN(row_lse)(x, a->C, m);
        m[a->N] = ls;
        ((T *)a->loss)[n] = FN(one_loss)(a, x, 1, ((const i64 *)a->target)[n], (double)*m, (double)ls);
    }
}

static void FN(loss_strips)(void *p, i64 begin, i64 end) {
    const udl_cross_entropy_args *a = p;
    i64 strips = UDL_CEIL_DIV(a->L, STRIP), L = a->L;
    for (i64 b = begin; b < end; b++) {
        i64 n = b / strips, l0 = b % strips * STRIP, w = UDL_MINI(L - l0, (i64)STRIP);
        const T *x = (const T *)a->x + n * a->C * L + l0;
        T m[STRIP], e[STRIP];
        double s[STRIP];
        for (i64 i = 0; i < w; i++) { m[i] = (T)-INFINITY; s[i] = 0; }
        for (i64 c = 0; c < a->C; c++)
            for (i64 i = 0; i < w; i++) m[i] = x[c * L + i] > m[i] || x[c * L + i] != x[c * L + i] ? x[c * L + i] : m[i];
        for (i64 c = 0; c < a->C; c++) {
            for (i64 i = 0; i < w; i++) e[i] = x[c * L + i] - m[i];
            for (i64 i = w; i < UDL_MINI((w + VW - 1) / VW * VW, (i64)STRIP); i++) e[i] = 0;
            for (i64 i = 0; i < w; i += VW) v_store(e + i, v_exp(v_load(e + i)));
            for (i64 i = 0; i < w; i++) s[i] += (double)e[i];
        }
        for (i64 i = 0; i < w; i++) {
            i64 at = n * L + l0 + i;
            double ls = m[i] == (T)-INFINITY ? 0 : log(s[i]);
            ((T *)a->lse)[at] = m[i];
            ((T *)a->lse)[a->N * L + at] = (T)ls;
            ((T *)a->loss)[at] = FN(one_loss)(a, x + i, L, ((const i64 *)a->target)[at], (double)m[i], ls);
        }
    }
}

static int FN(cross_entropy)(const udl_cross_entropy_args *a) {
    void *arg = (void *)(uintptr_t)a;
    i64 tasks = a->L == 1 ? a->N : a->N * UDL_CEIL_DIV(a->L, STRIP);
    i64 grain = UDL_MAXI(1, PIECE / UDL_MAXI(1, a->C * UDL_MINI(a->L, (i64)STRIP)));
    udl_range_fn fn = a->L == 1 ? FN(loss_rows) : FN(loss_strips);
    if (tasks <= grain) fn(arg, 0, tasks);
    else udl_parallel_for(tasks, grain, fn, arg);
    double sum = 0, weights = 0;
    const i64 *t = a->target;
    const T *w = a->weight;
    for (i64 i = 0; i < a->N * a->L; i++) {
        if (t[i] == a->ignore_index) continue;
        sum += (double)((T *)a->loss)[i];
        weights += w ? (double)w[t[i]] : 1;
    }
    ((T *)a->total)[0] = (T)sum;
    ((T *)a->total)[1] = (T)weights;
    return UDL_OK;
}

/* gx of positions i0.. of one (n, l): along c with stride step */
static void FN(grad_row)(const udl_cross_entropy_backward_args *a, T *gx, const T *x, i64 t, double g, T max, T ls, double sum_w) {
    i64 C = a->C, i = 0;
    const T *w = a->weight;
    if (t == a->ignore_index) { memset(gx, 0, sizeof(T) * (size_t)C); return; }
    double s = a->smoothing, wt = w ? (double)w[t] : 1;
    T k = (T)(g * ((1 - s) * wt + s / (double)C * sum_w)), sm = (T)(g * s / (double)C);
    vec vk = v_set(k), vm = v_set(max), vl = v_set(ls), vs = v_set(sm);
    for (; i + VW <= C; i += VW) {
        vec e = v_exp((v_load(x + i) - vm) - vl) * vk;
        if (s != 0) e -= w ? vs * v_load(w + i) : vs;
        v_store(gx + i, e);
    }
    if (i < C) {
        int r = (int)(C - i);
        vec e = v_exp((v_load_n(x + i, r) - vm) - vl) * vk;
        if (s != 0) e -= w ? vs * v_load_n(w + i, r) : vs;
        v_store_n(gx + i, e, r);
    }
    gx[t] -= (T)(g * (1 - s) * wt);
}

typedef struct { const udl_cross_entropy_backward_args *a; double scale, sum_w; } FN(grad_job);

static void FN(grads)(void *p, i64 begin, i64 end) {
    const FN(grad_job) *j = p;
    const udl_cross_entropy_backward_args *a = j->a;
    i64 L = a->L, C = a->C;
    const T *w = a->weight;
    for (i64 n = begin; n < end; n++) {
        const T *x = (const T *)a->x + n * C * L, *lse = (const T *)a->lse + n * L, *g = a->g;
        T *gx = (T *)a->gx + n * C * L;
        const i64 *t = (const i64 *)a->target + n * L;
        if (L == 1) {
            FN(grad_row)(a, gx, x, t[0], a->reduction ? j->scale : (double)g[n], lse[0], lse[a->N], j->sum_w);
            continue;
        }
        for (i64 c = 0; c < C; c++)
            for (i64 l = 0; l < L; l++) {
                double gl = a->reduction ? j->scale : (double)g[n * L + l], s = a->smoothing;
                double wt = t[l] == a->ignore_index ? 0 : w ? (double)w[t[l]] : 1;
                if (t[l] == a->ignore_index) { gx[c * L + l] = 0; continue; }
                double pc = exp(((double)x[c * L + l] - (double)lse[l]) - (double)lse[a->N * L + l]);
                gx[c * L + l] = (T)(gl * ((1 - s) * wt * (pc - (c == t[l])) + s / (double)C * (pc * j->sum_w - (w ? (double)w[c] : 1))));
            }
    }
}

static int FN(cross_entropy_backward)(const udl_cross_entropy_backward_args *a) {
    FN(grad_job) j = {a, 0, 0};
    const T *w = a->weight;
    if (a->N * a->C * a->L == 0) return UDL_OK;
    if (a->reduction) j.scale = (double)((const T *)a->g)[0] / (a->reduction == 1 ? (double)((const T *)a->total)[1] : 1);
    for (i64 c = 0; c < a->C && a->smoothing != 0; c++) j.sum_w += w ? (double)w[c] : 1;
    i64 grain = UDL_MAXI(1, PIECE / (a->C * a->L));
    if (a->N <= grain) FN(grads)(&j, 0, a->N);
    else udl_parallel_for(a->N, grain, FN(grads), &j);
    return UDL_OK;
}
#endif
