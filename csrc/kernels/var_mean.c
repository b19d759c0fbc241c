/* var_mean.c - mean[o, i] and var[o, i] = sum_n (a - mean)^2 / (n - correction) of a[o, n, i].
 *
 * Two passes: the sum, then squares of deviations together with their sum, which takes out what rounding left in the
 * mean. Rows (inner = 1) run on vectors, columns in double. Floor: a is read twice, once from cache if a row fits. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/var_mean.c"
#include "../each_float.h"
int KERNEL(var_mean)(const udl_var_mean_args *a) { return BY_FLOAT(a->dtype, var_mean, (a)); }
#else

/* sum of (x - m) and of its square over n contiguous elements */
static void FN(moments)(const T *x, i64 n, T m, double *s, double *q) {
    vec vm = v_set(m);
    *s = *q = 0;
    for (i64 b = 0; b < n; b += 1024) {
        i64 i = b, end = UDL_MINI(n, b + 1024);
        vec s0 = v_set(0), s1 = s0, q0 = s0, q1 = s0;
        for (; i + 2 * VW <= end; i += 2 * VW) {
            vec p = v_load(x + i) - vm, r = v_load(x + i + VW) - vm;
            s0 += p; s1 += r;
            q0 = v_fma(p, p, q0); q1 = v_fma(r, r, q1);
        }
        T ts = v_sum(s0 + s1), tq = v_sum(q0 + q1);
        for (; i < end; i++) { T d = x[i] - m; ts += d; tq += d * d; }
        *s += (double)ts;
        *q += (double)tq;
    }
}

static void FN(outputs)(void *p, i64 begin, i64 end) {
    const udl_var_mean_args *a = p;
    double n = (double)a->n;
    for (i64 t = begin; t < end; t++) {
        const T *x = (const T *)a->a + t / a->inner * a->n * a->inner + t % a->inner;
        double s = 0, q = 0, m;
        if (a->inner == 1) {
            FN(moments)(x, a->n, 0, &s, &q);
            m = (double)(T)(s / n);
            FN(moments)(x, a->n, (T)m, &s, &q);
        } else {
            for (i64 k = 0; k < a->n; k++) s += (double)x[k * a->inner];
            m = s / n;
            s = q = 0;
            for (i64 k = 0; k < a->n; k++) { double d = (double)x[k * a->inner] - m; s += d; q += d * d; }
        }
        ((T *)a->mean)[t] = (T)(m + s / n);
        ((T *)a->var)[t] = (T)(UDL_MAXI(q - s * s / n, q * 0) / UDL_MAXI(n - a->correction, 0.0));
    }
}

static int FN(var_mean)(const udl_var_mean_args *a) {
    i64 tasks = a->outer * a->inner, grain = UDL_MAXI(1, 16384 / UDL_MAXI(a->n, 1));
    if (tasks <= grain) FN(outputs)((void *)(uintptr_t)a, 0, tasks);
    else udl_parallel_for(tasks, grain, FN(outputs), (void *)(uintptr_t)a);
    return UDL_OK;
}
#endif
