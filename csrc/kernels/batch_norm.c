/* batch_norm.c - y = (x - mean_c) rstd_c w_c + b_c per channel of x[N, C, L]; rstd = 1 / sqrt(var + eps).
 *
 * Training: mean and var over N and L by shifted two-pass sums (the shift is the channel's first element, so a large
 * mean costs no accuracy); running_mean += momentum (mean - running_mean), running_var likewise with the unbiased
 * variance. Else mean, var are the running ones. Backward with h = (x - mean) rstd, n = N L:
 *   gb = sum gy, gw = sum gy h, gx = w rstd (gy - gb / n - h gw / n); in eval mode gx = w rstd gy.
 * Channels are independent: parallel over channels when L is long; for L = 1 (x[N, C]) a strip of channels is walked
 * row by row instead, so that memory is read along its lines. An empty batch leaves running statistics alone.
 * Floor: training reads x three times (twice from cache if N L fits) and writes y once. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/batch_norm.c"
#define STRIP 64
#include "../each_float.h"
int KERNEL(batch_norm)(const udl_batch_norm_args *a) { return BY_FLOAT(a->dtype, batch_norm, (a)); }
int KERNEL(batch_norm_backward)(const udl_batch_norm_backward_args *a) { return BY_FLOAT(a->dtype, batch_norm_backward, (a)); }
#else

/* sum of (x - shift) and of its square along one run of a channel, added to s, q (double: runs are joined exactly) */
static void FN(run_sums)(const T *x, i64 L, T shift, double *s, double *q) {
    vec vs = v_set(shift);
    for (i64 i0 = 0; i0 < L; i0 += 1024) { /* vectors for 1024 elements, then double */
        i64 i = i0, end = UDL_MINI(L, i0 + 1024);
        vec s0 = v_set(0), s1 = v_set(0), q0 = v_set(0), q1 = v_set(0);
        for (; i + 2 * VW <= end; i += 2 * VW) {
            vec a = v_load(x + i) - vs, b = v_load(x + i + VW) - vs;
            s0 += a; s1 += b;
            q0 = v_fma(a, a, q0); q1 = v_fma(b, b, q1);
        }
        T ts = v_sum(s0 + s1), tq = v_sum(q0 + q1);
        for (; i < end; i++) { T d = x[i] - shift; ts += d; tq += d * d; }
        *s += (double)ts;
        *q += (double)tq;
    }
}

/* mean and rstd of channel c from its sums; moves the running statistics */
static void FN(finish_channel)(const udl_batch_norm_args *a, i64 c, double shift, double s, double q) {
    double n = (double)a->N * (double)a->L, d = s / n, mean = shift + d, var = q / n - d * d;
    if (var < 0) var = 0;
    ((T *)a->mean)[c] = (T)mean;
    ((T *)a->rstd)[c] = (T)(1.0 / sqrt(var + a->eps));
    T *rm = a->running_mean, *rv = a->running_var;
    if (rm) rm[c] = (T)((1 - a->momentum) * rm[c] + a->momentum * mean);
    if (rv) rv[c] = (T)((1 - a->momentum) * rv[c] + a->momentum * (n > 1 ? var * n / (n - 1) : (double)NAN));
}

static void FN(channels)(void *p, i64 begin, i64 end) {
    const udl_batch_norm_args *a = p;
    i64 L = a->L, C = a->C;
    const T *w = a->w, *b = a->b;
    for (i64 c = begin; c < end; c++) {
        if (a->training) {
            T first = ((const T *)a->x)[c * L], shift = first;
            double s = 0, q = 0;
            for (int pass = 0; pass < 2; pass++) { /* the second pass shifts by the mean of the first */
                s = q = 0;
                for (i64 n = 0; n < a->N; n++) FN(run_sums)((const T *)a->x + (n * C + c) * L, L, shift, &s, &q);
                double m = s / ((double)a->N * (double)L);
                if (m * m * ((double)a->N * (double)L) < 4 * q - 4 * m * s || pass) break; /* shift was near enough: |m| < ~2 std */
                shift = (T)(shift + m);
            }
            FN(finish_channel)(a, c, (double)shift, s, q);
        }
        T m = ((T *)a->mean)[c], k = ((T *)a->rstd)[c] * (w ? w[c] : 1), o = b ? b[c] : 0;
        vec vm = v_set(m), vk = v_set(k), vo = v_set(o);
        for (i64 n = 0; n < a->N; n++) {
            const T *x = (const T *)a->x + (n * C + c) * L;
            T *y = (T *)a->y + (n * C + c) * L;
            i64 i = 0;
            for (; i + VW <= L; i += VW) v_store(y + i, v_fma(v_load(x + i) - vm, vk, vo));
            for (; i < L; i++) y[i] = (x[i] - m) * k + o;
        }
    }
}

/* L = 1: channels are next to each other, a strip of them is walked down the rows */
static void FN(columns)(void *p, i64 begin, i64 end) {
    const udl_batch_norm_args *a = p;
    i64 C = a->C;
    const T *w = a->w, *b = a->b;
    for (i64 c0 = begin * STRIP; c0 < UDL_MINI(C, end * STRIP); c0 += STRIP) {
        i64 k = UDL_MINI(C - c0, (i64)STRIP);
        double s[STRIP] = {0}, q[STRIP] = {0};
        T sc[STRIP], sh[STRIP];
        const T *x = (const T *)a->x + c0;
        if (a->training) {
            for (i64 n = 0; n < a->N; n++)
                for (i64 j = 0; j < k; j++) s[j] += (double)x[n * C + j];
            for (i64 j = 0; j < k; j++) s[j] /= (double)a->N;
            for (i64 n = 0; n < a->N; n++)
                for (i64 j = 0; j < k; j++) { double d = (double)x[n * C + j] - s[j]; q[j] += d * d; }
            for (i64 j = 0; j < k; j++) FN(finish_channel)(a, c0 + j, s[j], 0, q[j]);
        }
        for (i64 j = 0; j < k; j++) {
            sc[j] = ((T *)a->rstd)[c0 + j] * (w ? w[c0 + j] : 1);
            sh[j] = b ? b[c0 + j] : 0;
        }
        const T *m = (const T *)a->mean + c0;
        for (i64 n = 0; n < a->N; n++)
            for (i64 j = 0; j < k; j++) ((T *)a->y)[n * C + c0 + j] = (x[n * C + j] - m[j]) * sc[j] + sh[j];
    }
}

static int FN(batch_norm)(const udl_batch_norm_args *a) {
    void *arg = (void *)(uintptr_t)a;
    if (!a->training)
        for (i64 c = 0; c < a->C; c++) {
            ((T *)a->mean)[c] = ((T *)a->running_mean)[c];
            ((T *)a->rstd)[c] = (T)(1.0 / sqrt((double)((T *)a->running_var)[c] + a->eps));
        }
    if (a->N * a->L * a->C == 0) return UDL_OK;
    udl_range_fn fn = a->L == 1 ? FN(columns) : FN(channels);
    i64 tasks = a->L == 1 ? UDL_CEIL_DIV(a->C, STRIP) : a->C;
    i64 grain = UDL_MAXI(1, 16384 / (a->L == 1 ? a->N * STRIP : a->N * a->L));
    if (tasks <= grain) fn(arg, 0, tasks);
    else udl_parallel_for(tasks, grain, fn, arg);
    return UDL_OK;
}

/* sums of gy and gy h of one run */
static void FN(run_dots)(const T *gy, const T *x, i64 L, T m, double *s, double *d) {
    vec vm = v_set(m);
    for (i64 i0 = 0; i0 < L; i0 += 1024) {
        i64 i = i0, end = UDL_MINI(L, i0 + 1024);
        vec s0 = v_set(0), d0 = v_set(0), s1 = v_set(0), d1 = v_set(0);
        for (; i + 2 * VW <= end; i += 2 * VW) {
            vec g = v_load(gy + i), h = v_load(gy + i + VW);
            s0 += g; s1 += h;
            d0 = v_fma(g, v_load(x + i) - vm, d0);
            d1 = v_fma(h, v_load(x + i + VW) - vm, d1);
        }
        T ts = v_sum(s0 + s1), td = v_sum(d0 + d1);
        for (; i < end; i++) { ts += gy[i]; td += gy[i] * (x[i] - m); }
        *s += (double)ts;
        *d += (double)td;
    }
}

static void FN(channels_backward)(void *p, i64 begin, i64 end) {
    const udl_batch_norm_backward_args *a = p;
    i64 L = a->L, C = a->C;
    double count = (double)a->N * (double)L;
    for (i64 c = begin; c < end; c++) {
        T m = ((const T *)a->mean)[c], r = ((const T *)a->rstd)[c], w = a->w ? ((const T *)a->w)[c] : 1;
        double s = 0, d = 0;
        for (i64 n = 0; n < a->N; n++)
            FN(run_dots)((const T *)a->gy + (n * C + c) * L, (const T *)a->x + (n * C + c) * L, L, m, &s, &d);
        if (a->gw) ((T *)a->gw)[c] = (T)(d * r);
        if (a->gb) ((T *)a->gb)[c] = (T)s;
        if (!a->gx) continue;
        T k = w * r, o = a->training ? (T)(s / count) : 0, e = a->training ? (T)(d * r * r / count) : 0;
        vec vm = v_set(m), vk = v_set(k), vo = v_set(o), ve = v_set(e);
        for (i64 n = 0; n < a->N; n++) {
            const T *gy = (const T *)a->gy + (n * C + c) * L, *x = (const T *)a->x + (n * C + c) * L;
            T *gx = (T *)a->gx + (n * C + c) * L;
            i64 i = 0;
            for (; i + VW <= L; i += VW) v_store(gx + i, vk * (v_load(gy + i) - vo - (v_load(x + i) - vm) * ve));
            for (; i < L; i++) gx[i] = k * (gy[i] - o - (x[i] - m) * e);
        }
    }
}

static void FN(columns_backward)(void *p, i64 begin, i64 end) {
    const udl_batch_norm_backward_args *a = p;
    i64 C = a->C;
    for (i64 c0 = begin * STRIP; c0 < UDL_MINI(C, end * STRIP); c0 += STRIP) {
        i64 k = UDL_MINI(C - c0, (i64)STRIP);
        double s[STRIP] = {0}, d[STRIP] = {0};
        const T *m = (const T *)a->mean + c0, *r = (const T *)a->rstd + c0, *gy = (const T *)a->gy + c0, *x = (const T *)a->x + c0;
        T kk[STRIP], o[STRIP], e[STRIP];
        for (i64 n = 0; n < a->N; n++)
            for (i64 j = 0; j < k; j++) {
                s[j] += (double)gy[n * C + j];
                d[j] += (double)gy[n * C + j] * (double)(x[n * C + j] - m[j]);
            }
        for (i64 j = 0; j < k; j++) {
            if (a->gw) ((T *)a->gw)[c0 + j] = (T)(d[j] * r[j]);
            if (a->gb) ((T *)a->gb)[c0 + j] = (T)s[j];
            kk[j] = r[j] * (a->w ? ((const T *)a->w)[c0 + j] : 1);
            o[j] = a->training ? (T)(s[j] / (double)a->N) : 0;
            e[j] = a->training ? (T)(d[j] * r[j] * r[j] / (double)a->N) : 0;
        }
        if (!a->gx) continue;
        for (i64 n = 0; n < a->N; n++)
            for (i64 j = 0; j < k; j++)
                ((T *)a->gx)[n * C + c0 + j] = kk[j] * (gy[n * C + j] - o[j] - (x[n * C + j] - m[j]) * e[j]);
    }
}

static int FN(batch_norm_backward)(const udl_batch_norm_backward_args *a) {
    void *arg = (void *)(uintptr_t)a;
    if (a->N * a->L == 0) {
        if (a->gw) memset(a->gw, 0, sizeof(T) * (size_t)a->C);
        if (a->gb) memset(a->gb, 0, sizeof(T) * (size_t)a->C);
        return UDL_OK;
    }
    udl_range_fn fn = a->L == 1 ? FN(columns_backward) : FN(channels_backward);
    i64 tasks = a->L == 1 ? UDL_CEIL_DIV(a->C, STRIP) : a->C;
    i64 grain = UDL_MAXI(1, 16384 / (a->L == 1 ? a->N * STRIP : a->N * a->L));
    if (tasks <= grain) fn(arg, 0, tasks);
    else udl_parallel_for(tasks, grain, fn, arg);
    return UDL_OK;
}
#endif
