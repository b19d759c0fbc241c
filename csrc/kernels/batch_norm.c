/* batch_norm.c - y = (x - mean_c) rstd_c w_c + b_c per channel of x[N, C, L]; rstd = 1 / sqrt(var + eps).
 *
 * Training: mean and var over N and L by shifted two-pass sums (the shift is the channel's first element, so a large
 * mean costs no accuracy); running_mean += momentum (mean - running_mean), running_var likewise with the unbiased
 * variance. Else mean, var are the running ones. Backward with h = (x - mean) rstd, n = N L:
 *   gb = sum gy, gw = sum gy h, gx = w rstd (gy - gb / n - h gw / n); in eval mode gx = w rstd gy.
 * Channels are independent: parallel over channels when L is long; for L = 1 (x[N, C]) a strip of channels is walked
 * row by row instead, so that memory is read along its lines. In eval mode nothing has to wait for a sum: planes in the order
 * of memory. An empty batch leaves running statistics alone.
 * Floor: training reads x (again from cache if N L fits) and writes y, backward reads x and gy and writes gx, each once. */
#ifndef T
#include "norm_bf16.h"
#define UDL_THIS_FILE "kernels/batch_norm.c"
#define STRIP_VECS 4   /* vectors of channels walked together when L = 1 */
#define STRIP_ROWS 32 /* rows added up in vectors */
#define PIECE 16384 /* elements of a parallel piece */
#include "../each_float.h"
int KERNEL(batch_norm)(const udl_batch_norm_args *a) { return BF16_OR_FLOAT(a, batch_norm); }
int KERNEL(batch_norm_backward)(const udl_batch_norm_backward_args *a) { return BF16_OR_FLOAT(a, batch_norm_backward); }
#else

#include "moments.h"

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

typedef struct { const udl_batch_norm_args *a; int stream; } FN(job);

/* sums of x - shift and (x - shift)^2 over channel c */
static void FN(channel_sums)(const udl_batch_norm_args *a, i64 c, T shift, double *s, double *q) {
    *s = *q = 0;
    for (i64 n = 0; n < a->N; n++) FN(row_squares)((const T *)a->x + (n * a->C + c) * a->L, a->L, shift, s, q);
}

static void FN(plane_out)(const udl_batch_norm_args *a, i64 plane, i64 c, int stream) {
    const T m = ((const T *)a->mean)[c], k = ((const T *)a->rstd)[c] * (a->w ? ((const T *)a->w)[c] : 1);
    const T o = a->b ? ((const T *)a->b)[c] : 0, *x = (const T *)a->x + plane * a->L;
    T *y = (T *)a->y + plane * a->L;
    if (stream) FN(run_out)(y, x, a->L, m, k, o, 1);
    else FN(run_out)(y, x, a->L, m, k, o, 0);
}

static void FN(channels)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    const udl_batch_norm_args *a = j->a;
    const double count = (double)a->N * (double)a->L;
    for (i64 c = begin; c < end; c++) {
        T shift = ((const T *)a->x)[c * a->L];
        double s, q;
        FN(channel_sums)(a, c, shift, &s, &q);
        const double m = s / count;
        if (!(m * m * count < 4 * q - 4 * m * s)) { /* the shift was not near: |m| > ~2 std */
            shift = (T)(shift + m);
            FN(channel_sums)(a, c, shift, &s, &q);
        }
        FN(finish_channel)(a, c, (double)shift, s, q);
        for (i64 n = 0; n < a->N; n++) FN(plane_out)(a, n * a->C + c, c, j->stream);
    }
    if (j->stream) v_stream_end();
}

static void FN(planes)(void *p, i64 begin, i64 end) {
    const FN(job) *j = p;
    for (i64 plane = begin; plane < end; plane++) FN(plane_out)(j->a, plane, plane % j->a->C, j->stream);
    if (j->stream) v_stream_end();
}

/* ---- L = 1: channels are next to each other; a strip of them is walked down the rows ------------------------------------ */
#define EACH_VEC _Pragma("GCC unroll 4") for (int v = 0; v < STRIP_VECS; v++)
#define STRIP (STRIP_VECS * VW)

/* v-th vector of the k channels that are left of a strip */
VFN vec FN(strip_load)(const T *x, i64 k, int v) {
    return k >= STRIP ? v_load(x + v * VW) : v_load_n(x + v * VW, (int)UDL_MAXI(0, UDL_MINI(k - v * VW, VW)));
}
VFN void FN(strip_store)(T *y, vec out, i64 k, int v) {
    if (k >= STRIP) v_store(y + v * VW, out);
    else v_store_n(y + v * VW, out, (int)UDL_MAXI(0, UDL_MINI(k - v * VW, VW)));
}
static void FN(join)(double *sum, const vec *part) {
    for (int v = 0; v < STRIP_VECS; v++)
        for (int i = 0; i < VW; i++) sum[v * VW + i] += (double)part[v][i];
}

/* s, q = sums of x - shift and of its square over the rows, in vectors for STRIP_ROWS of them, then in double */
VFN void FN(strip_squares)(const T *x, i64 N, i64 C, i64 k, const vec *shift, double *s, double *q) {
    memset(s, 0, STRIP * sizeof(double)), memset(q, 0, STRIP * sizeof(double));
    for (i64 n = 0; n < N;) {
        const i64 end = UDL_MINI(N, n + STRIP_ROWS);
        vec vs[STRIP_VECS] = {0}, vq[STRIP_VECS] = {0};
        for (; n < end; n++)
            EACH_VEC {
                const vec d = FN(strip_load)(x + n * C, k, v) - shift[v];
                vs[v] += d, vq[v] = v_fma(d, d, vq[v]);
            }
        FN(join)(s, vs), FN(join)(q, vq);
    }
}

static int FN(strip_moments)(const udl_batch_norm_args *a, i64 c, i64 k, const vec *shift) {
    double s[STRIP], q[STRIP];
    T near[STRIP];
    const T *x = (const T *)a->x + c;
    int far = 0;
    if (k >= STRIP) FN(strip_squares)(x, a->N, a->C, STRIP, shift, s, q);
    else FN(strip_squares)(x, a->N, a->C, k, shift, s, q);
    memcpy(near, shift, sizeof near);
    for (i64 i = 0; i < UDL_MINI(k, STRIP); i++) {
        const double m = s[i] / (double)a->N;
        far |= !(m * m * (double)a->N < 4 * q[i] - 4 * m * s[i]); /* |m| > ~2 std: the shift was not near */
        FN(finish_channel)(a, c + i, (double)near[i], s[i], q[i]);
    }
    return far;
}

static void FN(columns)(void *p, i64 begin, i64 end) {
    const udl_batch_norm_args *a = ((const FN(job) *)p)->a;
    for (i64 c = begin * STRIP; c < UDL_MINI(a->C, end * STRIP); c += STRIP) {
        const i64 k = a->C - c;
        const T *x = (const T *)a->x + c, *w = a->w ? (const T *)a->w + c : NULL, *b = a->b ? (const T *)a->b + c : NULL;
        vec m[STRIP_VECS], f[STRIP_VECS], o[STRIP_VECS];
        if (a->training) {
            T old[2][STRIP];
            EACH_VEC m[v] = FN(strip_load)(x, k, v);
            for (i64 i = 0; i < UDL_MINI(k, STRIP); i++) { /* a second round starts from the same running statistics */
                old[0][i] = a->running_mean ? ((T *)a->running_mean)[c + i] : 0;
                old[1][i] = a->running_var ? ((T *)a->running_var)[c + i] : 0;
            }
            if (FN(strip_moments)(a, c, k, m)) {
                const size_t bytes = sizeof(T) * (size_t)UDL_MINI(k, STRIP);
                if (a->running_mean) memcpy((T *)a->running_mean + c, old[0], bytes);
                if (a->running_var) memcpy((T *)a->running_var + c, old[1], bytes);
                EACH_VEC m[v] = FN(strip_load)((const T *)a->mean + c, k, v);
                FN(strip_moments)(a, c, k, m);
            }
        }
        EACH_VEC {
            m[v] = FN(strip_load)((const T *)a->mean + c, k, v), f[v] = FN(strip_load)((const T *)a->rstd + c, k, v);
            if (w) f[v] *= FN(strip_load)(w, k, v);
            o[v] = b ? FN(strip_load)(b, k, v) : v_set(0);
        }
        for (i64 n = 0; n < a->N; n++)
            EACH_VEC FN(strip_store)((T *)a->y + n * a->C + c, v_fma(FN(strip_load)(x + n * a->C, k, v) - m[v], f[v], o[v]), k, v);
    }
}

static int FN(batch_norm)(const udl_batch_norm_args *a) {
    if (!a->training)
        for (i64 c = 0; c < a->C; c++) {
            ((T *)a->mean)[c] = ((T *)a->running_mean)[c];
            ((T *)a->rstd)[c] = (T)(1.0 / sqrt((double)((T *)a->running_var)[c] + a->eps));
        }
    const i64 n = a->N * a->L * a->C;
    if (n == 0) return UDL_OK;
    FN(job) j = {a, FN(streams)(a->y, a->L, 2 * n * (i64)sizeof(T))};
    const i64 tasks = a->L == 1 ? UDL_CEIL_DIV(a->C, STRIP) : a->training ? a->C : a->N * a->C;
    udl_parallel_for(tasks, UDL_MAXI(1, PIECE * tasks / n), a->L == 1 ? FN(columns) : a->training ? FN(channels) : FN(planes), &j);
    return UDL_OK;
}

typedef struct { const udl_batch_norm_backward_args *a; int stream; } FN(back);

static void FN(channels_backward)(void *p, i64 begin, i64 end) {
    const FN(back) *j = p;
    const udl_batch_norm_backward_args *a = j->a;
    const i64 L = a->L, C = a->C;
    const double count = (double)a->N * (double)L;
    for (i64 c = begin; c < end; c++) {
        const T m = ((const T *)a->mean)[c], r = ((const T *)a->rstd)[c], w = a->w ? ((const T *)a->w)[c] : 1;
        double s = 0, d = 0;
        if (a->gw || a->gb || a->training)
            for (i64 n = 0; n < a->N; n++)
                FN(row_dots)((const T *)a->gy + (n * C + c) * L, (const T *)a->x + (n * C + c) * L, L, m, &s, &d);
        if (a->gw) ((T *)a->gw)[c] = (T)(d * r);
        if (a->gb) ((T *)a->gb)[c] = (T)s;
        if (!a->gx) continue;
        const T k = w * r, o = a->training ? (T)(k * s / count) : 0, e = a->training ? (T)((double)k * r * r * d / count) : 0;
        for (i64 n = 0; n < a->N; n++) {
            const T *gy = (const T *)a->gy + (n * C + c) * L, *x = (const T *)a->x + (n * C + c) * L;
            T *gx = (T *)a->gx + (n * C + c) * L;
            if (j->stream) FN(run_gx)(gx, gy, x, L, m, k, o, e, 1);
            else FN(run_gx)(gx, gy, x, L, m, k, o, e, 0);
        }
    }
    if (j->stream) v_stream_end();
}

/* s, d = sums of gy and of gy (x - m) over the rows of a strip */
VFN void FN(strip_dots)(const T *gy, const T *x, i64 N, i64 C, i64 k, const vec *m, double *s, double *d) {
    memset(s, 0, STRIP * sizeof(double)), memset(d, 0, STRIP * sizeof(double));
    for (i64 n = 0; n < N;) {
        const i64 end = UDL_MINI(N, n + STRIP_ROWS);
        vec vs[STRIP_VECS] = {0}, vd[STRIP_VECS] = {0};
        for (; n < end; n++)
            EACH_VEC {
                const vec g = FN(strip_load)(gy + n * C, k, v);
                vs[v] += g, vd[v] = v_fma(g, FN(strip_load)(x + n * C, k, v) - m[v], vd[v]);
            }
        FN(join)(s, vs), FN(join)(d, vd);
    }
}

static void FN(columns_backward)(void *p, i64 begin, i64 end) {
    const udl_batch_norm_backward_args *a = ((const FN(back) *)p)->a;
    const i64 C = a->C;
    for (i64 c = begin * STRIP; c < UDL_MINI(C, end * STRIP); c += STRIP) {
        const i64 k = C - c;
        const T *r = (const T *)a->rstd + c, *gy = (const T *)a->gy + c, *x = (const T *)a->x + c;
        double s[STRIP], d[STRIP];
        T scale[STRIP] = {0}, constant[STRIP] = {0}, slope[STRIP] = {0};
        vec m[STRIP_VECS], f[STRIP_VECS], o[STRIP_VECS], e[STRIP_VECS];
        EACH_VEC m[v] = FN(strip_load)((const T *)a->mean + c, k, v);
        if (k >= STRIP) FN(strip_dots)(gy, x, a->N, C, STRIP, m, s, d);
        else FN(strip_dots)(gy, x, a->N, C, k, m, s, d);
        for (i64 i = 0; i < UDL_MINI(k, STRIP); i++) {
            if (a->gw) ((T *)a->gw)[c + i] = (T)(d[i] * r[i]);
            if (a->gb) ((T *)a->gb)[c + i] = (T)s[i];
            scale[i] = r[i] * (a->w ? ((const T *)a->w)[c + i] : 1);
            if (!a->training) continue;
            constant[i] = (T)(-scale[i] * s[i] / (double)a->N);
            slope[i] = (T)((double)scale[i] * r[i] * r[i] * d[i] / (double)a->N);
        }
        if (!a->gx) continue;
        EACH_VEC f[v] = v_load(scale + v * VW), o[v] = v_load(constant + v * VW), e[v] = v_load(slope + v * VW);
        for (i64 n = 0; n < a->N; n++)
            EACH_VEC {
                const vec h = v_fma(m[v] - FN(strip_load)(x + n * C, k, v), e[v], o[v]);
                FN(strip_store)((T *)a->gx + n * C + c, v_fma(FN(strip_load)(gy + n * C, k, v), f[v], h), k, v);
            }
    }
}

static int FN(batch_norm_backward)(const udl_batch_norm_backward_args *a) {
    const i64 n = a->N * a->L * a->C;
    if (n == 0) {
        if (a->gw) memset(a->gw, 0, sizeof(T) * (size_t)a->C);
        if (a->gb) memset(a->gb, 0, sizeof(T) * (size_t)a->C);
        return UDL_OK;
    }
    FN(back) j = {a, FN(streams)(a->gx, a->L, 3 * n * (i64)sizeof(T))};
    const i64 tasks = a->L == 1 ? UDL_CEIL_DIV(a->C, STRIP) : a->C;
    udl_parallel_for(tasks, UDL_MAXI(1, PIECE * tasks / n), a->L == 1 ? FN(columns_backward) : FN(channels_backward), &j);
    return UDL_OK;
}
#undef EACH_VEC
#undef STRIP
#endif
