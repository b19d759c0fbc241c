/* cross_entropy.c - softmax and negative log-likelihood in one: loss = w_t (lse - x_t), lse = log sum_c exp(x_c).
 *
 * x[N, C, L] logits, target[N, L]. With label smoothing s the loss is (1 - s) w_t (lse - x_t) + s/C sum_c w_c (lse - x_c).
 * total = {sum of losses, sum of w_t that count}: both summed in order, in double. Targets are checked before anything
 * is written. Backward: gx_c = g [(1 - s) w_t (p_c - [c = t]) + s/C (p_c sum_k w_k - w_c)], p_c = exp(x_c - lse), and 0
 * where the target is ignored.
 * lse is kept as two numbers, the maximum m and l = log sum exp(x - m), and every difference is taken from m first:
 *     lse - x_c = (m - x_c) + l,   sum_c w_c (lse - x_c) = l sum_c w_c - sum_c w_c (x_c - m)
 * Rows (L = 1) are vectorised along C; for L > 1 a strip of positions is walked down the classes. Sums of a few hundred
 * terms a lane are folded into double.
 * Floor: forward reads x twice (max, then exp; the second time from cache), backward reads x and writes gx. */
#ifndef T
#include "../kernel.h"
#include "../vec/math.h"
#define UDL_THIS_FILE "kernels/cross_entropy.c"
#define STRIP 128 /* positions side by side: a multiple of every VW */
#define FOLD 256  /* vectors, or classes, summed in T before they go into double */
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

/* p[0 .. n), lanes from n on are `rest` */
VFN vec FN(load_rest)(const T *p, i64 n, T rest) {
    if (n >= VW) return v_load(p);
    vmask lane;
    for (int i = 0; i < VW; i++) lane[i] = i;
    return v_sel(lane < (int)n, v_load_n(p, (int)n), v_set(rest));
}

static double FN(sum_weights)(const T *w, i64 C) {
    double s = w ? 0 : (double)C;
    for (i64 c = 0; c < C && w; c++) s += (double)w[c];
    return s;
}

/* ---- forward ------------------------------------------------------------------------------------------------------ */
typedef struct { const udl_cross_entropy_args *a; double sum_w; } FN(loss_job);

static T FN(row_max)(const T *x, i64 C) {
    const vec low = v_set((T)-INFINITY);
    vec m0 = low, m1 = low, m2 = low, m3 = low;
    i64 i = 0;
    for (; i + 4 * VW <= C; i += 4 * VW) {
        m0 = v_max(m0, v_load(x + i)), m1 = v_max(m1, v_load(x + i + VW));
        m2 = v_max(m2, v_load(x + i + 2 * VW)), m3 = v_max(m3, v_load(x + i + 3 * VW));
    }
    for (; i < C; i += VW) m0 = v_max(m0, FN(load_rest)(x + i, C - i, (T)-INFINITY));
    return v_hmax(v_max(v_max(m0, m1), v_max(m2, m3)));
}

static double FN(row_exp)(const T *x, i64 C, T max) {
    const vec m = v_set(max);
    double total = 0;
    for (i64 i = 0; i < C;) {
        const i64 stop = UDL_MINI(C, i + FOLD * VW);
        vec s0 = {0}, s1 = {0};
        for (; i + 2 * VW <= stop; i += 2 * VW) {
            s0 += v_exp(v_load(x + i) - m);
            s1 += v_exp(v_load(x + i + VW) - m);
        }
        for (; i < stop; i += VW) s0 += v_exp(FN(load_rest)(x + i, C - i, (T)-INFINITY) - m);
        total += (double)v_sum(s0 + s1);
    }
    return total;
}

/* sum of w_c (x_c - max) */
static double FN(row_below)(const T *x, const T *w, i64 C, T max) {
    const vec m = v_set(max);
    double total = 0;
    for (i64 i = 0; i < C;) {
        const i64 stop = UDL_MINI(C, i + FOLD * VW);
        vec s = {0};
        for (; i < stop; i += VW) {
            const vec d = FN(load_rest)(x + i, C - i, max) - m;
            s += w ? d * FN(load_rest)(w + i, C - i, 0) : d;
        }
        total += (double)v_sum(s);
    }
    return total;
}

/* loss of one position from x_t - m, l and sum_c w_c (x_c - m) */
static T FN(loss)(const FN(loss_job) *j, i64 t, double xt, double l, double below) {
    const T *w = j->a->weight;
    const double s = j->a->smoothing, v = (w ? (double)w[t] : 1) * (l - xt);
    return (T)(s == 0 ? v : (1 - s) * v + s / (double)j->a->C * (l * j->sum_w - below));
}

static void FN(loss_rows)(void *ctx, i64 begin, i64 end) {
    const FN(loss_job) *j = ctx;
    const udl_cross_entropy_args *a = j->a;
    const i64 *target = a->target;
    for (i64 n = begin; n < end; n++) {
        const T *x = (const T *)a->x + n * a->C;
        T *lse = (T *)a->lse + n, *loss = (T *)a->loss + n;
        if (target[n] == a->ignore_index) { lse[0] = lse[a->N] = *loss = 0; continue; }
        const T max = FN(row_max)(x, a->C);
        const double l = max == (T)-INFINITY ? 0 : log(FN(row_exp)(x, a->C, max));
        const double below = a->smoothing == 0 ? 0 : FN(row_below)(x, a->weight, a->C, max);
        lse[0] = max;
        lse[a->N] = (T)l;
        *loss = FN(loss)(j, target[n], (double)x[target[n]] - (double)max, l, below);
    }
}

/* max[i], sum[i] of exp(x - max), below[i] of w (x - max) for positions i < n of a strip; all have room for STRIP */
static void FN(strip_sums)(const udl_cross_entropy_args *a, const T *x, i64 n, T *max, double *sum, double *below) {
    const i64 C = a->C, L = a->L;
    const T *w = a->weight;
    T s[STRIP], b[STRIP];
    for (i64 i = 0; i < STRIP; i++) max[i] = (T)-INFINITY, sum[i] = below[i] = 0;
    for (i64 c = 0; c < C; c++)
        for (i64 i = 0; i < n; i += VW)
            v_store(max + i, v_max(v_load(max + i), FN(load_rest)(x + c * L + i, n - i, 0)));
    for (i64 c0 = 0; c0 < C; c0 += FOLD) {
        memset(s, 0, sizeof s);
        memset(b, 0, sizeof b);
        for (i64 c = c0; c < UDL_MINI(C, c0 + FOLD); c++)
            for (i64 i = 0; i < n; i += VW) {
                const vec d = FN(load_rest)(x + c * L + i, n - i, 0) - v_load(max + i);
                v_store(s + i, v_load(s + i) + v_exp(d));
                if (a->smoothing != 0) v_store(b + i, v_load(b + i) + (w ? d * v_set(w[c]) : d));
            }
        for (i64 i = 0; i < n; i++) sum[i] += (double)s[i], below[i] += (double)b[i];
    }
}

static void FN(loss_strips)(void *ctx, i64 begin, i64 end) {
    const FN(loss_job) *j = ctx;
    const udl_cross_entropy_args *a = j->a;
    const i64 L = a->L, strips = UDL_CEIL_DIV(L, STRIP);
    T max[STRIP];
    double sum[STRIP], below[STRIP];
    for (i64 k = begin; k < end; k++) {
        const i64 n = k / strips, l0 = k % strips * STRIP, width = UDL_MINI(L - l0, STRIP);
        const T *x = (const T *)a->x + n * a->C * L + l0;
        FN(strip_sums)(a, x, width, max, sum, below);
        for (i64 i = 0; i < width; i++) {
            const i64 at = n * L + l0 + i, t = ((const i64 *)a->target)[at];
            const double l = max[i] == (T)-INFINITY ? 0 : log(sum[i]);
            ((T *)a->lse)[at] = max[i];
            ((T *)a->lse)[a->N * L + at] = (T)l;
            ((T *)a->loss)[at] = t == a->ignore_index ? 0
                : FN(loss)(j, t, (double)x[t * L + i] - (double)max[i], l, below[i]);
        }
    }
}

static int FN(cross_entropy)(const udl_cross_entropy_args *a) {
    FN(loss_job) j = {a, a->smoothing == 0 ? 0 : FN(sum_weights)(a->weight, a->C)};
    const i64 width = UDL_MINI(a->L, STRIP), grain = UDL_MAXI(1, PIECE / UDL_MAXI(1, a->C * width));
    if (a->L == 1) udl_parallel_for(a->N, grain, FN(loss_rows), &j);
    else udl_parallel_for(a->N * UDL_CEIL_DIV(a->L, STRIP), grain, FN(loss_strips), &j);
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

/* ---- backward ----------------------------------------------------------------------------------------------------- */
typedef struct { const udl_cross_entropy_backward_args *a; double scale, sum_w; } FN(grad_job);

/* gradient of the loss of one position; its factors of p_c and of w_c, and what the target's class loses */
typedef struct { T p, w, hit; } FN(factors);
static FN(factors) FN(factors_at)(const FN(grad_job) *j, i64 at, i64 t) {
    const udl_cross_entropy_backward_args *a = j->a;
    const T *w = a->weight;
    const double g = a->reduction ? j->scale : (double)((const T *)a->g)[at], s = a->smoothing / (double)a->C;
    const double hit = (1 - a->smoothing) * (w ? (double)w[t] : 1);
    return (FN(factors)){(T)(g * (hit + s * j->sum_w)), (T)(g * s), (T)(g * hit)};
}

static void FN(grad_rows)(void *ctx, i64 begin, i64 end) {
    const FN(grad_job) *j = ctx;
    const udl_cross_entropy_backward_args *a = j->a;
    const i64 C = a->C, *target = a->target;
    const T *w = a->weight;
    for (i64 n = begin; n < end; n++) {
        const T *x = (const T *)a->x + n * C, *lse = (const T *)a->lse + n;
        T *gx = (T *)a->gx + n * C;
        if (target[n] == a->ignore_index) { memset(gx, 0, sizeof(T) * (size_t)C); continue; }
        const FN(factors) f = FN(factors_at)(j, n, target[n]);
        const vec m = v_set(lse[0]), l = v_set(lse[a->N]), fp = v_set(f.p), fw = v_set(f.w);
        i64 i = 0;
        for (; i + VW <= C; i += VW) {
            vec e = v_exp((v_load(x + i) - m) - l) * fp;
            if (a->smoothing != 0) e -= w ? fw * v_load(w + i) : fw;
            v_store(gx + i, e);
        }
        if (i < C) {
            const int r = (int)(C - i);
            vec e = v_exp((v_load_n(x + i, r) - m) - l) * fp;
            if (a->smoothing != 0) e -= w ? fw * v_load_n(w + i, r) : fw;
            v_store_n(gx + i, e, r);
        }
        gx[target[n]] -= f.hit;
    }
}

static void FN(grad_strip)(const FN(grad_job) *j, i64 n, i64 l0, i64 width) {
    const udl_cross_entropy_backward_args *a = j->a;
    const i64 C = a->C, L = a->L, *target = (const i64 *)a->target + n * L + l0;
    const T *x = (const T *)a->x + n * C * L + l0, *lse = (const T *)a->lse + n * L + l0, *w = a->weight;
    T *gx = (T *)a->gx + n * C * L + l0, fp[STRIP], fw[STRIP], hit[STRIP];
    vmask keep[STRIP / VW]; /* an ignored position gives 0 even where its logits are NaN */
    for (i64 i = 0; i < width; i++) {
        const int on = target[i] != a->ignore_index;
        const FN(factors) f = on ? FN(factors_at)(j, n * L + l0 + i, target[i]) : (FN(factors)){0, 0, 0};
        fp[i] = f.p, fw[i] = f.w, hit[i] = f.hit;
        keep[i / VW][i % VW] = -on;
    }
    for (i64 c = 0; c < C; c++)
        for (i64 i = 0; i < width; i += VW) {
            const int r = (int)UDL_MINI(width - i, VW);
            const vec d = FN(load_rest)(x + c * L + i, r, 0) - FN(load_rest)(lse + i, r, 0);
            vec e = v_exp(d - FN(load_rest)(lse + a->N * L + i, r, 0)) * v_load(fp + i);
            if (a->smoothing != 0) e -= w ? v_load(fw + i) * v_set(w[c]) : v_load(fw + i);
            e = (vec)((vmask)e & keep[i / VW]);
            if (r == VW) v_store(gx + c * L + i, e);
            else v_store_n(gx + c * L + i, e, r);
        }
    for (i64 i = 0; i < width; i++)
        if (target[i] != a->ignore_index) gx[target[i] * L + i] -= hit[i];
}

static void FN(grad_strips)(void *ctx, i64 begin, i64 end) {
    const FN(grad_job) *j = ctx;
    const i64 L = j->a->L, strips = UDL_CEIL_DIV(L, STRIP);
    for (i64 k = begin; k < end; k++) {
        const i64 l0 = k % strips * STRIP;
        FN(grad_strip)(j, k / strips, l0, UDL_MINI(L - l0, STRIP));
    }
}

static int FN(cross_entropy_backward)(const udl_cross_entropy_backward_args *a) {
    FN(grad_job) j = {a, 0, a->smoothing == 0 ? 0 : FN(sum_weights)(a->weight, a->C)};
    if (a->N * a->C * a->L == 0) return UDL_OK;
    if (a->reduction) j.scale = (double)((const T *)a->g)[0] / (a->reduction == 1 ? (double)((const T *)a->total)[1] : 1);
    const i64 grain = UDL_MAXI(1, PIECE / (a->C * UDL_MINI(a->L, STRIP)));
    if (a->L == 1) udl_parallel_for(a->N, grain, FN(grad_rows), &j);
    else udl_parallel_for(a->N * UDL_CEIL_DIV(a->L, STRIP), grain, FN(grad_strips), &j);
    return UDL_OK;
}
#endif
