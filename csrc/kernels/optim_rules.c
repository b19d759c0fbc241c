/* optim_rules.c - rmsprop, adagrad, adadelta, adamax, nadam, radam, asgd, rprop: one launch over all parameters, one pass
 * over memory. Formulas and their order are PyTorch's; what depends on the step count alone comes in as a scalar.
 *
 * all:      g = +-grad (maximize);  g += wd p;  p *= keep.   Then, with states a, b, c and scalars s0, s1, ...:
 * rmsprop:  a = s0 a + s1 g^2;  flag 1 (centered): c += s1 (g - c), d = sqrt(a - c^2), else d = sqrt(a);  u = g / (d + s2);
 *           flag 2 (momentum): u = b = s4 b + u;  p -= s3 u                                   s = alpha, 1 - alpha, eps, lr, momentum
 * adagrad:  a += g^2;  p -= s0 g / (sqrt(a) + s1)                                             s = lr / (1 + (t - 1) lr_decay), eps
 * adadelta: a = s0 a + s1 g^2;  u = g sqrt(b + s2) / sqrt(a + s2);  b = s0 b + s1 u^2;  p -= s3 u        s = rho, 1 - rho, eps, lr
 * adamax:   a += s0 (g - a);  b = max(s1 b, |g| + s2);  p -= s3 a / b                         s = 1 - b1, b2, eps, lr / (1 - b1^t)
 * nadam:    a += s0 (g - a);  b = s1 b + s2 g^2;  p -= (s5 g + s6 a) / (s4 sqrt(b) + s3)
 *                                                 s = 1 - b1, b2, 1 - b2, eps, 1 / sqrt(1 - b2^t), rate of g, rate of the mean
 * radam:    a, b as nadam;  p -= s4 a / (sqrt(b) + s3), or without flag 1 (variance not yet known) p -= s4 a
 * asgd:     p -= s0 g;  c += s1 (p - c), or with flag 1 c = p                                 s = eta, mu;  c is state a
 * rprop:    q = g a;  f = s1 where q > 0, s0 where q < 0, else 1;  b = clamp(f b, s2, s3);  g = 0 where f = s0;
 *           p -= sign(g) b;  a = g                                                           s = eta-, eta+, smallest, largest */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/optim_rules.c"
#include "optim.h"
#include "../each_float.h"

int KERNEL(rmsprop)(const udl_rmsprop_args *a) { return BY_FLOAT(a->dtype, rmsprop, (a)); }
int KERNEL(adagrad)(const udl_adagrad_args *a) { return BY_FLOAT(a->dtype, adagrad, (a)); }
int KERNEL(adadelta)(const udl_adadelta_args *a) { return BY_FLOAT(a->dtype, adadelta, (a)); }
int KERNEL(adamax)(const udl_adamax_args *a) { return BY_FLOAT(a->dtype, adamax, (a)); }
int KERNEL(nadam)(const udl_nadam_args *a) { return BY_FLOAT(a->dtype, nadam, (a)); }
int KERNEL(radam)(const udl_radam_args *a) { return BY_FLOAT(a->dtype, radam, (a)); }
int KERNEL(asgd)(const udl_asgd_args *a) { return BY_FLOAT(a->dtype, asgd, (a)); }
int KERNEL(rprop)(const udl_rprop_args *a) { return BY_FLOAT(a->dtype, rprop, (a)); }
#else
#include "optim.h"

typedef struct {
    vec p, g, a, b, c;
} FN(rule_at); /* one vector of everything */

/* ---- the rules --------------------------------------------------------------------------------------------------- */
VFN void FN(rmsprop_rule)(FN(rule_at) *x, const vec *s, int flags) {
    x->a = v_fma(x->g * s[1], x->g, x->a * s[0]);
    vec v = x->a;
    if (flags & 1) {
        x->c = v_fma(x->g - x->c, s[1], x->c);
        v = v_max(v - x->c * x->c, v_set(0)); /* a variance: below 0 by rounding only */
    }
    vec u = x->g / (v_sqrt(v) + s[2]);
    if (flags & 2) u = x->b = v_fma(x->b, s[4], u);
    x->p = x->p - s[3] * u;
}
VFN void FN(adagrad_rule)(FN(rule_at) *x, const vec *s, int flags) {
    (void)flags;
    x->a = v_fma(x->g, x->g, x->a);
    x->p = x->p - s[0] * x->g / (v_sqrt(x->a) + s[1]);
}
VFN void FN(adadelta_rule)(FN(rule_at) *x, const vec *s, int flags) {
    (void)flags;
    x->a = v_fma(x->g * s[1], x->g, x->a * s[0]);
    const vec u = v_sqrt(x->b + s[2]) / v_sqrt(x->a + s[2]) * x->g;
    x->b = v_fma(u * s[1], u, x->b * s[0]);
    x->p = x->p - s[3] * u;
}
VFN void FN(adamax_rule)(FN(rule_at) *x, const vec *s, int flags) {
    (void)flags;
    x->a = v_fma(x->g - x->a, s[0], x->a);
    x->b = v_max(x->b * s[1], v_abs(x->g) + s[2]);
    x->p = x->p - s[3] * x->a / x->b;
}
VFN void FN(moments)(FN(rule_at) *x, const vec *s) {
    x->a = v_fma(x->g - x->a, s[0], x->a);
    x->b = v_fma(x->g * s[2], x->g, x->b * s[1]);
}
VFN void FN(nadam_rule)(FN(rule_at) *x, const vec *s, int flags) {
    (void)flags;
    FN(moments)(x, s);
    x->p = x->p - v_fma(x->g, s[5], x->a * s[6]) / v_fma(v_sqrt(x->b), s[4], s[3]);
}
VFN void FN(radam_rule)(FN(rule_at) *x, const vec *s, int flags) {
    FN(moments)(x, s);
    x->p = x->p - (flags & 1 ? s[4] * x->a / (v_sqrt(x->b) + s[3]) : s[4] * x->a);
}
VFN void FN(asgd_rule)(FN(rule_at) *x, const vec *s, int flags) {
    x->p = x->p - s[0] * x->g;
    x->a = flags & 1 ? x->p : v_fma(x->p - x->a, s[1], x->a);
}
VFN void FN(rprop_rule)(FN(rule_at) *x, const vec *s, int flags) {
    const vec q = x->g * x->a, zero = v_set(0), one = v_set(1);
    const vec f = v_sel(q > zero, s[1], v_sel(q < zero, s[0], one)); /* a NaN has no sign */
    (void)flags;
    x->b = v_limit(x->b * f, s[2], s[3]);
    const vec g = x->a = v_sel(f == s[0], zero, x->g);
    x->p = x->p - v_sel(g > zero, one, v_sel(g < zero, -one, zero)) * x->b;
}

/* ---- the loop: states 1 to `kept` are read and written ------------------------------------------------------------- */
VFN void FN(rule_run)(const optim_ctx *x, T *p, const T *g, T *a, T *b, T *c, i64 n, int kept,
                      void (*rule)(FN(rule_at) *, const vec *, int)) {
    const udl_rmsprop_args *args = x->args;
    const vec sign = v_set(args->maximize ? -1 : 1), wd = v_set((T)args->weight_decay), keep = v_set((T)args->keep);
    const int decays = args->weight_decay != 0, flags = (int)args->flags;
    vec s[7];
    for (int k = 0; k < 7; k++) s[k] = v_set((T)args->s[k]);
    const int with_b = kept > 1 && b, with_c = kept > 2 && c;
    for (i64 i = 0; i < n; i += VW) {
        const int m = (int)UDL_MINI(n - i, VW), whole = m == VW;
        FN(rule_at) at = {{0}, {0}, {0}, {0}, {0}};
        at.p = whole ? v_load(p + i) : v_load_n(p + i, m);
        at.g = sign * (whole ? v_load(g + i) : v_load_n(g + i, m));
        at.a = whole ? v_load(a + i) : v_load_n(a + i, m);
        if (with_b) at.b = whole ? v_load(b + i) : v_load_n(b + i, m);
        if (with_c) at.c = whole ? v_load(c + i) : v_load_n(c + i, m);
        if (decays) at.g = v_fma(at.p, wd, at.g); /* x + 0 x is not x for an infinity */
        at.p = at.p * keep;
        rule(&at, s, flags);
        if (whole) v_store(p + i, at.p), v_store(a + i, at.a);
        else v_store_n(p + i, at.p, m), v_store_n(a + i, at.a, m);
        if (with_b) { if (whole) v_store(b + i, at.b); else v_store_n(b + i, at.b, m); }
        if (with_c) { if (whole) v_store(c + i, at.c); else v_store_n(c + i, at.c, m); }
    }
}

#define RULE(name, kept)                                                                                               \
    static void FN(name##_one)(const optim_ctx *x, T *p, const T *g, T *a, T *b, T *c, i64 n) {                        \
        FN(rule_run)(x, p, g, a, b, c, n, kept, FN(name##_rule));                                                      \
    }                                                                                                                  \
    static void FN(name##_range)(void *ctx, i64 begin, i64 end) { FN(optim_walk)(ctx, begin, end, FN(name##_one)); }    \
    static int FN(name)(const udl_##name##_args *a) {                                                                  \
        optim_ctx x = {a->table, a->count, a, {0, 0, 0, 0}};                                                           \
        udl_parallel_for(optim_total(a->table, a->count), OPTIM_GRAIN, FN(name##_range), &x);                          \
        return UDL_OK;                                                                                                 \
    }
RULE(rmsprop, 3)
RULE(adagrad, 1)
RULE(adadelta, 2)
RULE(adamax, 2)
RULE(nadam, 2)
RULE(radam, 2)
RULE(asgd, 1)
RULE(rprop, 2)
#undef RULE
#endif
