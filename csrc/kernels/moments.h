/* moments.h - sums over a row for the normalisations. Included inside a kernel's each_float part, once a type.
 *
 * Vectors add up BLOCK elements at a time in four chains, blocks are joined in double, so long rows lose nothing. A last vector that
 * is not full loads zeros behind the row, and keep() clears what has been made of them. */
#define MOMENTS_BLOCK 1024

/* the first n lanes of v, zeros behind them */
VFN vec FN(keep)(vec v, i64 n) {
    vmask lane;
    for (int i = 0; i < VW; i++) lane[i] = i;
    return (vec)((vmask)v & (vmask)(lane < ((vmask){0} + (int)n)));
}

/* the lanes of a whose square is 0; of NaN none */
VFN vmask FN(no_square)(vec a) { return (vmask)(v_abs(a) < v_set(sizeof(T) == 4 ? (T)0x1p-75 : (T)0x1p-538)); }

/* Whether the squares of x - m are likely all 0, though it is not: where no fused multiply-add adds them, processors take long for
 * those, so one had better look at each number instead of squaring it. The first of the numbers speak for the rest. */
VFN int FN(vanishing)(const T *x, T m) {
#ifdef __FP_FAST_FMAF
    (void)x, (void)m;
    return 0;
#else
    const vec a = v_load(x) - m;
    return !v_any((vi64)~FN(no_square)(a)) && v_any((vi64)(a != 0));
#endif
}

/* sum of x[n] */
VFN double FN(row_sum)(const T *x, i64 n) {
    double sum = 0;
    for (i64 i = 0; i < n;) {
        const i64 end = UDL_MINI(n, i + MOMENTS_BLOCK);
        vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (; i + 4 * VW <= end; i += 4 * VW) {
            s0 += v_load(x + i), s1 += v_load(x + i + VW);
            s2 += v_load(x + i + 2 * VW), s3 += v_load(x + i + 3 * VW);
        }
        for (; i + VW <= end; i += VW) s0 += v_load(x + i);
        if (i < end) s1 += v_load_n(x + i, (int)(end - i));
        i = end;
        sum += (double)v_sum((s0 + s1) + (s2 + s3));
    }
    return sum;
}

/* s += sum of x - m, q += sum of (x - m)^2, over a block; low: 0 and nothing is done where a square is not 0 */
VFN int FN(block_squares)(const T *x, i64 n, vec m, double *s, double *q, int low) {
    vec s0 = {0}, s1 = {0}, q0 = {0}, q1 = {0}, q2 = {0}, q3 = {0};
    vmask none = ~(vmask){0};
    i64 i = 0;
    for (; i + 4 * VW <= n; i += 4 * VW) {
        const vec a = v_load(x + i) - m, b = v_load(x + i + VW) - m;
        const vec c = v_load(x + i + 2 * VW) - m, d = v_load(x + i + 3 * VW) - m;
        s0 += a + b, s1 += c + d;
        if (low) none &= FN(no_square)(a) & FN(no_square)(b) & FN(no_square)(c) & FN(no_square)(d);
        else q0 = v_fma(a, a, q0), q1 = v_fma(b, b, q1), q2 = v_fma(c, c, q2), q3 = v_fma(d, d, q3);
    }
    for (; i < n; i += VW) {
        const vec a = i + VW <= n ? v_load(x + i) - m : FN(keep)(v_load_n(x + i, (int)(n - i)) - m, n - i);
        s0 += a;
        if (low) none &= FN(no_square)(a);
        else q0 = v_fma(a, a, q0);
    }
    if (low && v_any((vi64)~none)) return 0;
    *s += (double)v_sum(s0 + s1), *q += (double)v_sum((q0 + q1) + (q2 + q3));
    return 1;
}
VFN void FN(row_squares)(const T *x, i64 n, T m, double *s, double *q) {
    const vec vm = v_set(m);
    for (i64 i = 0; i < n; i += MOMENTS_BLOCK) {
        const i64 k = UDL_MINI(n - i, MOMENTS_BLOCK);
        if (k < VW || !FN(vanishing)(x + i, m) || !FN(block_squares)(x + i, k, vm, s, q, 1)) FN(block_squares)(x + i, k, vm, s, q, 0);
    }
}

/* s += sum of g, d += sum of g (x - m) */
VFN void FN(row_dots)(const T *g, const T *x, i64 n, T m, double *s, double *d) {
    const vec vm = v_set(m);
    for (i64 i = 0; i < n;) {
        const i64 end = UDL_MINI(n, i + MOMENTS_BLOCK);
        vec s0 = {0}, s1 = {0}, d0 = {0}, d1 = {0};
        for (; i + 2 * VW <= end; i += 2 * VW) {
            const vec a = v_load(g + i), b = v_load(g + i + VW);
            s0 += a, s1 += b;
            d0 = v_fma(a, v_load(x + i) - vm, d0), d1 = v_fma(b, v_load(x + i + VW) - vm, d1);
        }
        for (; i < end; i += VW) { /* behind the row g is 0, and x - m is finite */
            const int k = (int)UDL_MINI(end - i, VW);
            const vec a = v_load_n(g + i, k);
            s0 += a, d0 = v_fma(a, FN(keep)(v_load_n(x + i, k) - vm, k), d0);
        }
        i = end;
        *s += (double)v_sum(s0 + s1), *d += (double)v_sum(d0 + d1);
    }
}

/* mean and 1 / sqrt(variance + eps) of x[n]: the mean first, then squares of deviations. Their sum is what rounding left in the
 * mean; it is put back. */
VFN void FN(row_moments)(const T *x, i64 n, double eps, T *mean, T *rstd) {
    double e = 0, q = 0, m = FN(row_sum)(x, n) / (double)n;
    const T shift = (T)m;
    FN(row_squares)(x, n, shift, &e, &q);
    e /= (double)n;
    *mean = (T)((double)shift + e);
    *rstd = (T)(1.0 / sqrt(UDL_MAXI(q / (double)n - e * e, 0 * q) + eps));
}

/* y = (x - m) k + b over a run of n elements; streams only whole, aligned vectors */
VFN void FN(run_out)(T *y, const T *x, i64 n, T m, T k, T b, int stream) {
    const vec vm = v_set(m), vk = v_set(k), vb = v_set(b);
    i64 i = 0;
    for (; i + VW <= n; i += VW) {
        const vec out = v_fma(v_load(x + i) - vm, vk, vb);
        if (stream) v_stream(y + i, out);
        else v_store(y + i, out);
    }
    if (i < n) v_store_n(y + i, v_fma(v_load_n(x + i, (int)(n - i)) - vm, vk, vb), (int)(n - i));
}

/* gx = g k - o - (x - m) e over a run of n elements */
VFN void FN(run_gx)(T *gx, const T *g, const T *x, i64 n, T m, T k, T o, T e, int stream) {
    const vec vm = v_set(m), vk = v_set(k), vo = v_set(-o), ve = v_set(e);
    i64 i = 0;
    for (; i + VW <= n; i += VW) {
        const vec out = v_fma(v_load(g + i), vk, v_fma(vm - v_load(x + i), ve, vo));
        if (stream) v_stream(gx + i, out);
        else v_store(gx + i, out);
    }
    if (i == n) return;
    const int rest = (int)(n - i);
    v_store_n(gx + i, v_fma(v_load_n(g + i, rest), vk, v_fma(vm - v_load_n(x + i, rest), ve, vo)), rest);
}

/* whether runs of n elements from p on, `bytes` touched in all, are to be streamed */
VFN int FN(streams)(const T *p, i64 n, i64 bytes) { return n % VW == 0 && (uintptr_t)p % UDL_VB == 0 && udl_streams(bytes); }
