/* optim.c - sgd and adam: one launch over all parameters, one pass over memory. Formulas and order are PyTorch's.
 *
 * sgd:  g = +-grad (maximize);  g += wd p;  buf = first_step ? g : momentum buf + (1 - dampening) g;
 *       g = nesterov ? g + momentum buf : buf;  p -= lr g.   Without momentum (or with no state 1) g is used as it is.
 * adam: g = +-grad;  decoupled: p *= 1 - lr wd, else g += wd p;  m += (1 - b1) (g - m);  v = b2 v + (1 - b2) g^2;
 *       amsgrad: vmax = max(vmax, v) takes the place of v;  p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *       t = step counts from 1. sqrt(v) is multiplied by 1 / sqrt(1 - b2^t): one division less, half a ulp away.
 *
 * table[count][6]: addresses of parameter, gradient, states 1 to 3, and the number of elements. The concatenation of all
 * parameters is cut into pieces of OPTIM_GRAIN elements, so that many small parameters cost as little as one large one.
 * A gradient address of 0 leaves its parameter alone. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/optim.c"
#include "optim.h"
#include "../each_float.h"

int KERNEL(sgd)(const udl_sgd_args *a) { return BY_FLOAT(a->dtype, sgd, (a)); }
int KERNEL(adam)(const udl_adam_args *a) { return BY_FLOAT(a->dtype, adam, (a)); }
#else
#include "optim.h"

/* ---- sgd --------------------------------------------------------------------------------------------------------- */
typedef struct {
    vec sign, wd, momentum, keep, step;
} FN(sgd_scalars);

VFN void FN(sgd_vec)(vec *p, vec g, vec *buf, const FN(sgd_scalars) *s, int decay, int with_buf, int first, int nesterov) {
    g = g * s->sign;
    if (decay) g = v_fma(*p, s->wd, g);
    if (with_buf) {
        *buf = first ? g : v_fma(*buf, s->momentum, g * s->keep);
        g = nesterov ? v_fma(*buf, s->momentum, g) : *buf;
    }
    *p = *p - s->step * g;
}

VFN void FN(sgd_run)(T *p, const T *g, T *buf, i64 n, const FN(sgd_scalars) *s, int decay, int with_buf, int first,
                     int nesterov) {
    i64 i = 0;
    for (; i + VW <= n; i += VW) {
        vec pv = v_load(p + i), bv = {0};
        if (with_buf && !first) bv = v_load(buf + i);
        FN(sgd_vec)(&pv, v_load(g + i), &bv, s, decay, with_buf, first, nesterov);
        v_store(p + i, pv);
        if (with_buf) v_store(buf + i, bv);
    }
    if (i < n) {
        const int m = (int)(n - i);
        vec pv = v_load_n(p + i, m), bv = {0};
        if (with_buf && !first) bv = v_load_n(buf + i, m);
        FN(sgd_vec)(&pv, v_load_n(g + i, m), &bv, s, decay, with_buf, first, nesterov);
        v_store_n(p + i, pv, m);
        if (with_buf) v_store_n(buf + i, bv, m);
    }
}

/* x + 0 x is not x for an infinity, so a term whose factor is 0 is left out, not multiplied */
static void FN(sgd_one)(const optim_ctx *x, T *p, const T *g, T *buf, T *s2, T *s3, i64 n) {
    const udl_sgd_args *a = x->args;
    const FN(sgd_scalars) s = {v_set(a->maximize ? -1 : 1), v_set((T)a->weight_decay), v_set((T)a->momentum),
                               v_set((T)(1 - a->dampening)), v_set((T)a->lr)};
    const int decay = a->weight_decay != 0;
    (void)s2, (void)s3;
    if (a->momentum == 0 || !buf) FN(sgd_run)(p, g, buf, n, &s, decay, 0, 0, 0);
    else if (a->first_step) FN(sgd_run)(p, g, buf, n, &s, decay, 1, 1, a->nesterov != 0);
    else if (a->nesterov) FN(sgd_run)(p, g, buf, n, &s, decay, 1, 0, 1);
    else FN(sgd_run)(p, g, buf, n, &s, decay, 1, 0, 0);
}
static void FN(sgd_range)(void *ctx, i64 begin, i64 end) { FN(optim_walk)(ctx, begin, end, FN(sgd_one)); }

static int FN(sgd)(const udl_sgd_args *a) {
    optim_ctx x = {a->table, a->count, a, {0, 0, 0, 0}};
    udl_parallel_for(optim_total(a->table, a->count), OPTIM_GRAIN, FN(sgd_range), &x);
    return UDL_OK;
}

/* ---- adam -------------------------------------------------------------------------------------------------------- */
typedef struct {
    vec sign, g_decay, p_decay, one_b1, b2, one_b2, v_scale, eps, step;
} FN(adam_scalars);

VFN void FN(adam_vec)(vec *p, vec g, vec *m, vec *v, vec *vmax, const FN(adam_scalars) *s, int l2, int amsgrad) {
    g = g * s->sign;
    if (l2) g = v_fma(*p, s->g_decay, g);
    *m = v_fma(g - *m, s->one_b1, *m);
    *v = v_fma(g * s->one_b2, g, *v * s->b2);
    vec top = *v;
    if (amsgrad) top = *vmax = v_max(*vmax, *v);
    *p = *p * s->p_decay - *m * s->step / v_fma(v_sqrt(top), s->v_scale, s->eps);
}

VFN void FN(adam_run)(T *p, const T *g, T *m, T *v, T *vmax, i64 n, const FN(adam_scalars) *s, int l2, int amsgrad) {
    i64 i = 0;
    for (; i + VW <= n; i += VW) {
        vec pv = v_load(p + i), mv = v_load(m + i), vv = v_load(v + i), xv = {0};
        if (amsgrad) xv = v_load(vmax + i);
        FN(adam_vec)(&pv, v_load(g + i), &mv, &vv, &xv, s, l2, amsgrad);
        v_store(p + i, pv);
        v_store(m + i, mv);
        v_store(v + i, vv);
        if (amsgrad) v_store(vmax + i, xv);
    }
    if (i < n) {
        const int k = (int)(n - i);
        vec pv = v_load_n(p + i, k), mv = v_load_n(m + i, k), vv = v_load_n(v + i, k), xv = {0};
        if (amsgrad) xv = v_load_n(vmax + i, k);
        FN(adam_vec)(&pv, v_load_n(g + i, k), &mv, &vv, &xv, s, l2, amsgrad);
        v_store_n(p + i, pv, k);
        v_store_n(m + i, mv, k);
        v_store_n(v + i, vv, k);
        if (amsgrad) v_store_n(vmax + i, xv, k);
    }
}

static void FN(adam_one)(const optim_ctx *x, T *p, const T *g, T *m, T *v, T *vmax, i64 n) {
    const udl_adam_args *a = x->args;
    const FN(adam_scalars) s = {v_set(a->maximize ? -1 : 1), v_set((T)x->s.g_decay), v_set((T)x->s.decay),
                                v_set((T)(1 - a->beta1)), v_set((T)a->beta2), v_set((T)(1 - a->beta2)),
                                v_set((T)x->s.v_scale), v_set((T)a->eps), v_set((T)x->s.step_size)};
    const int l2 = x->s.g_decay != 0;
    if (a->amsgrad && vmax) FN(adam_run)(p, g, m, v, vmax, n, &s, l2, 1);
    else FN(adam_run)(p, g, m, v, vmax, n, &s, l2, 0);
}
static void FN(adam_range)(void *ctx, i64 begin, i64 end) { FN(optim_walk)(ctx, begin, end, FN(adam_one)); }

static int FN(adam)(const udl_adam_args *a) {
    optim_ctx x = {a->table, a->count, a, {0, 0, 0, 0}};
    x.s.step_size = a->lr / (1 - pow(a->beta1, (double)a->step));
    x.s.v_scale = 1 / sqrt(1 - pow(a->beta2, (double)a->step));
    x.s.decay = a->decoupled ? 1 - a->lr * a->weight_decay : 1;
    x.s.g_decay = a->decoupled ? 0 : a->weight_decay;
    udl_parallel_for(optim_total(a->table, a->count), OPTIM_GRAIN, FN(adam_range), &x);
    return UDL_OK;
}
#endif
