/* smoke_math.c - smoke test of element-wise operations, reductions and products. */
#include "smoke.h"
#include <float.h>

/* ---- element-wise ------------------------------------------------------------------------------------------------ */
typedef struct { int nd; i64 shape[3], strides[4][3]; } layout;
typedef struct { int op, arity; double lo, hi, k, scale; } mapping; /* scale: where cancellation costs digits */

static double map(int op, double a, double b, double c) {
    switch (op) {
    case UDL_MAP_exp: return exp(a);
    case UDL_MAP_log: return log(a);
    case UDL_MAP_tanh: return tanh(a);
    case UDL_MAP_sigmoid: return 1 / (1 + exp(-a));
    case UDL_MAP_gelu: return a / 2 * erfc(-a * 0.70710678118654752);
    case UDL_MAP_sin: return sin(a);
    case UDL_MAP_sqrt: return sqrt(a);
    case UDL_MAP_floor: return floor(a);
    case UDL_MAP_relu: return a < 0 ? 0 : a;
    case UDL_MAP_add: return a + b;
    case UDL_MAP_div: return a / b;
    case UDL_MAP_mul: return a * b;
    case UDL_MAP_eq: return a == b;
    case UDL_MAP_maximum: return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    case UDL_MAP_lt: return a < b;
    case UDL_MAP_ge: return a >= b;
    case UDL_MAP_where: return a != 0 ? b : c;
    case UDL_MAP_fma: return a * b + c;
    default: return a;
    }
}
static void one_map(const mapping *m, layout l, int dt, int to, int null_b) {
    const i64 compute = dt == F64 || (to == F64 && dt != F32) ? F64 : dt < UDL_F16 && to < UDL_F16 ? I64 : F32;
    udl_elementwise_args g = {.op = m->op, .compute = compute, .ndim = l.nd, .p = {0.75, 0.75}};
    arr *x[4] = {0};
    i64 total = 1;
    for (int d = 0; d < l.nd; d++) g.shape[d] = l.shape[d], total *= l.shape[d];
    for (int k = 0; k <= m->arity; k++) {
        i64 last = 0;
        for (int d = 0; d < l.nd; d++) g.strides[k][d] = l.strides[k][d], last += (l.shape[d] - 1) * l.strides[k][d];
        g.dtype[k] = k ? m->op == UDL_MAP_where && k == 1 ? UDL_BOOL : dt : to;
        if (k == 2 && null_b) continue;
        i64 n = total ? last + 1 : 0;
        x[k] = k ? in(n, (int)g.dtype[k], g.dtype[k] == UDL_BOOL ? 0 : m->lo, g.dtype[k] == UDL_BOOL ? 2 : m->hi)
                 : out(n, to);
        if (k == 1 && n > 7 && (dt == F32 || dt == F64) && m->op != UDL_MAP_where)
            put(x[k], 3, NAN), put(x[k], 5, -0.0);
        if (k == 1 && n > 7 && (m->op == UDL_MAP_exp || m->op == UDL_MAP_tanh || m->op == UDL_MAP_sigmoid))
            put(x[k], 1, INFINITY), put(x[k], 6, -INFINITY);
        if (k) g.in[k - 1] = P(x[k]);
    }
    g.out = P(x[0]);
    const double untouched = x[0]->n ? get(x[0], 0) : 0;
    run(UDL_K_elementwise, &g, "op %d, arity %d, dtype %d -> %d, shape %d %d %d", m->op, m->arity, dt, to,
        (int)l.shape[0], (int)l.shape[1], (int)l.shape[2]);
    double *want = reals(x[0]->n);
    for (i64 i = 0; i < x[0]->n; i++) want[i] = untouched; /* gaps between the elements of out keep what they had */
    for (i64 i = 0; i < total; i++) {
        i64 at[4] = {0}, rest = i;
        double v[4] = {0, 0, g.p[0], g.p[0]};
        for (int d = l.nd - 1; d >= 0; rest /= l.shape[d], d--)
            for (int k = 0; k < 4; k++) at[k] += rest % l.shape[d] * l.strides[k][d];
        for (int k = 1; k < 4; k++)
            if (x[k]) v[k] = get(x[k], at[k]);
        want[at[0]] = map(m->op, v[1], v[2], v[3]);
    }
    expect(x[0], want, m->k, m->scale);
    free(want), done();
}
static void test_elementwise(void) {
    static const mapping maps[] = {
        {UDL_MAP_copy, 1, -9, 9, 0, 0},     {UDL_MAP_exp, 1, -110, 95, 2, 0},  {UDL_MAP_log, 1, 0, 9, 2, 0},
        {UDL_MAP_tanh, 1, -4, 4, 4, 0},     {UDL_MAP_sigmoid, 1, -20, 20, 3, 0}, {UDL_MAP_gelu, 1, -6, 6, 4, 1},
        {UDL_MAP_sin, 1, -50, 50, 2, 0},    {UDL_MAP_sqrt, 1, 0, 9, 1, 0},     {UDL_MAP_floor, 1, -9, 9, 0, 0},
        {UDL_MAP_relu, 1, -9, 9, 0, 0},     {UDL_MAP_add, 2, -9, 9, 1, 0},     {UDL_MAP_div, 2, 1, 9, 1, 0},
        {UDL_MAP_maximum, 2, -9, 9, 0, 0},  {UDL_MAP_lt, 2, -9, 9, 0, 0},      {UDL_MAP_ge, 2, -9, 9, 0, 0},
        {UDL_MAP_where, 3, -9, 9, 0, 0},    {UDL_MAP_fma, 3, -3, 3, 1, 9},
    };
    static const layout strided = {
        3, {5, 3, 34}, {{102, 34, 1}, {1, 170, 5}, {0, 0, 1}, {0, 1, 0}}}; /* transposed, rows, columns */
    static const layout gaps = {2, {37, 19}, {{60, 3}, {1, 37}, {40, 2}, {19, 1}}};
    static const i64 sizes[] = {0, 1, 5, 8, 33, 1027, 100003};
    EACH_FLOAT
        for (int m = 0; m < LEN(maps); m++) {
            int to = maps[m].op == UDL_MAP_lt || maps[m].op == UDL_MAP_ge ? UDL_BOOL : dt;
            for (int s = 0; s < LEN(sizes); s++)
                one_map(&maps[m], (layout){1, {sizes[s]}, {{1}, {1}, {1}, {1}}}, dt, to, 0);
            one_map(&maps[m], strided, dt, to, 0);
            one_map(&maps[m], strided, dt, to, maps[m].arity == 2);
            if (to == dt) one_map(&maps[m], gaps, dt, to, 0);
        }
    static const mapping copy = {UDL_MAP_copy, 1, -99, 99, 1, 0}, add = {UDL_MAP_add, 2, -99, 99, 0, 0};
    const layout line = {1, {301}, {{1}, {1}, {1}, {1}}};
    one_map(&copy, line, F32, F64, 0), one_map(&copy, line, F64, F32, 0), one_map(&copy, line, F32, UDL_BF16, 0);
    one_map(&copy, line, UDL_BF16, F32, 0), one_map(&copy, line, I64, F64, 0), one_map(&add, line, I64, I64, 0);
    static const int narrow[] = {UDL_I8, UDL_I16, UDL_U16, UDL_U32, UDL_U64};
    static const mapping whole = {UDL_MAP_copy, 1, 0, 120, 0, 0}, mul = {UDL_MAP_mul, 2, 0, 11, 0, 0}, eq = {UDL_MAP_eq, 2, 0, 3, 0, 0};
    for (int t = 0; t < LEN(narrow); t++) {
        const int dt = narrow[t];
        one_map(&whole, line, dt, F32, 0), one_map(&whole, line, dt, F64, 0), one_map(&whole, line, dt, I64, 0), one_map(&whole, line, I64, dt, 0);
        one_map(&whole, strided, dt, F32, 0), one_map(&whole, gaps, dt, F64, 0), one_map(&whole, gaps, I64, dt, 0), one_map(&whole, strided, dt, dt, 0);
        one_map(&mul, line, dt, dt, 0), one_map(&mul, strided, dt, dt, 0), one_map(&eq, line, dt, UDL_BOOL, 0);
    }
    one_map(&copy, line, UDL_F16, F32, 0), one_map(&copy, strided, UDL_F16, F64, 0), one_map(&copy, gaps, F32, UDL_F16, 0);
    one_map(&copy, line, F64, UDL_F16, 0), one_map(&whole, line, UDL_U8, UDL_F16, 0);
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */
static const struct {
    i64 outer, n, inner;
} cuts[] = {{3, 17, 5}, {4, 1000, 1}, {2, 300, 33}, {1, 200003, 1}, {1, 1, 1}, {0, 4, 2}, {700, 40, 1}, {1, 3, 50000}};

static double reduce(int op, const arr *a, i64 first, i64 n, i64 step) {
    long double s = op == UDL_PROD || op == UDL_ALL; /* the errors of a double running sum would count */
    double best = op == UDL_MIN || op == UDL_ARGMIN ? INFINITY : -INFINITY;
    i64 at = 0;
    int nan = 0;
    for (i64 i = 0; i < n; i++) {
        double v = get(a, first + i * step);
        int better = op == UDL_MIN || op == UDL_ARGMIN ? v < best : v > best;
        if (!nan && (better || isnan(v))) best = v, at = i, nan = isnan(v);
        if (op == UDL_PROD) s *= v;
        else if (op == UDL_ANY) s = s != 0 || v != 0;
        else if (op == UDL_ALL) s = s != 0 && v != 0;
        else s += op == UDL_NORM2 ? v * v : v;
    }
    if (op == UDL_MAX || op == UDL_MIN) return best;
    if (op == UDL_ARGMAX || op == UDL_ARGMIN) return (double)at;
    if (op == UDL_LOGSUMEXP && !nan) {
        s = 0;
        for (i64 i = 0; i < n; i++) s += exp(get(a, first + i * step) - best);
        return best + (double)logl(s);
    }
    return op == UDL_NORM2 ? (double)sqrtl(s) : nan ? NAN : (double)s;
}
static void one_reduce(int op, int dt, int to, int c, int with_nan) {
    const i64 outer = cuts[c].outer, n = cuts[c].n, inner = cuts[c].inner;
    const int ordered = op >= UDL_MAX && op <= UDL_ARGMIN;
    arr *a =
        op == UDL_PROD ? in(outer * n * inner, dt, .9, 1.1) : in(outer * n * inner, dt, dt == UDL_BOOL ? 0 : -2, 2);
    for (i64 i = 0; ordered && i < a->n; i++) put(a, i, floor(get(a, i) * 8)); /* equal extremes */
    if (with_nan && a->n > 3) put(a, a->n / 2, NAN);
    arr *o = out(outer * inner, to);
    udl_reduce_args g = {P(o), P(a), op, dt, to, outer, n, inner};
    run(UDL_K_reduce, &g, "op %d, dtype %d, %d x %d x %d", op, dt, (int)outer, (int)n, (int)inner);
    double *want = reals(o->n), root = sqrt((double)n);
    for (i64 i = 0; i < o->n; i++) want[i] = reduce(op, a, i / inner * n * inner + i % inner, n, inner);
    /* a tree, but of a very long row blocks may be joined one after another: a little worse than sqrt(n) roundings */
    expect(o, want, op == UDL_PROD ? 4 * root : 4, op == UDL_SUM ? root * (1 + root / 64) : op == UDL_LOGSUMEXP);
    free(want), done();
}
static void test_reduce(void) {
    EACH_FLOAT
        for (int c = 0; c < LEN(cuts); c++)
            for (int with_nan = 0; with_nan < 2; with_nan++) {
                for (int op = UDL_SUM; op <= UDL_MIN; op++)
                    if (op != UDL_PROD || cuts[c].n < 2000) one_reduce(op, dt, dt, c, with_nan);
                one_reduce(UDL_ARGMAX, dt, I64, c, with_nan), one_reduce(UDL_ARGMIN, dt, I64, c, with_nan);
                one_reduce(UDL_LOGSUMEXP, dt, dt, c, with_nan), one_reduce(UDL_NORM2, dt, dt, c, with_nan);
            }
    for (int c = 0; c < LEN(cuts); c++) {
        one_reduce(UDL_SUM, I64, I64, c, 0), one_reduce(UDL_MAX, I64, I64, c, 0),
            one_reduce(UDL_SUM, UDL_BOOL, I64, c, 0);
        one_reduce(UDL_SUM, UDL_I8, I64, c, 0), one_reduce(UDL_MIN, UDL_I8, UDL_I8, c, 0), one_reduce(UDL_ARGMAX, UDL_I8, I64, c, 0);
        one_reduce(UDL_SUM, UDL_I16, I64, c, 0), one_reduce(UDL_MAX, UDL_I16, UDL_I16, c, 0), one_reduce(UDL_ANY, UDL_I16, UDL_BOOL, c, 0);
        one_reduce(UDL_ANY, UDL_BOOL, UDL_BOOL, c, 0), one_reduce(UDL_ALL, UDL_BOOL, UDL_BOOL, c, 0);
    }
}
static void test_fma_peak(void) {
    arr *o = out(6, F64);
    udl_fma_peak_args a = {P(o), 3, 70};
    run(UDL_K_fma_peak, &a, "3 tasks");
    const double each = get(o, 0), want[] = {each, 2, each, 2, each, 2};
    expect(o, want, 0, 0);
    done();
}
static void test_var_mean_cumsum_sumsq(void) {
    EACH_FLOAT
        for (int c = 0; c < LEN(cuts); c++) {
            const i64 outer = cuts[c].outer, n = cuts[c].n, inner = cuts[c].inner;
            arr *a = in(outer * n * inner, dt, 3, 5), *var = out(outer * inner, dt), *mean = out(outer * inner, dt);
            udl_var_mean_args g = {P(var), P(mean), P(a), dt, outer, n, inner, 0};
            run(UDL_K_var_mean, &g, "dtype %d, %d x %d x %d", dt, (int)outer, (int)n, (int)inner);
            double *m = reals(a->n), *v = reals(a->n);
            for (i64 i = 0; i < mean->n; i++) {
                const i64 first = i / inner * n * inner + i % inner;
                long double sum = 0, square = 0;
                for (i64 j = 0; j < n; j++) sum += get(a, first + j * inner);
                m[i] = (double)(sum / n);
                for (i64 j = 0; j < n; j++) square += pow(get(a, first + j * inner) - m[i], 2);
                v[i] = (double)(square / n);
            }
            expect(mean, m, 4, 0), expect(var, v, 8, 1);
            done();
            a = in(outer * n * inner, dt, -2, 2);
            arr *o = out(a->n, dt);
            udl_cumsum_args s = {P(o), P(a), UDL_SUM, dt, outer, n, inner};
            run(UDL_K_cumsum, &s, "dtype %d, %d x %d x %d", dt, (int)outer, (int)n, (int)inner);
            for (i64 i = 0; i < a->n; i++) m[i] = (i / inner % n ? m[i - inner] : 0) + get(a, i);
            expect(o, m, 2, 2 * SUM(n));
            done();
            a = in(outer * n * inner, dt, -2, 2), o = out(a->n, dt);
            udl_cumsum_args l = {P(o), P(a), UDL_LOGSUMEXP, dt, outer, n, inner};
            run(UDL_K_cumsum, &l, "logs, dtype %d, %d x %d x %d", dt, (int)outer, (int)n, (int)inner);
            for (i64 i = 0; i < a->n; i++) m[i] = i / inner % n ? log(exp(m[i - inner]) + exp(get(a, i))) : get(a, i);
            expect(o, m, 4, SUM(n));
            done();
            a = in(outer * n * inner, dt, -2, 2), o = out(a->n, I64);
            udl_cumsum_args p = {P(o), P(a), UDL_ARGMIN, dt, outer, n, inner};
            run(UDL_K_cumsum, &p, "places, dtype %d, %d x %d x %d", dt, (int)outer, (int)n, (int)inner);
            for (i64 i = 0; i < a->n; i++) {
                const i64 k = i / inner % n;
                m[i] = k && get(a, i) > get(a, i - (k - (i64)m[i - inner]) * inner) ? m[i - inner] : (double)k;
            }
            expect(o, m, 0, 0);
            done();
            a = in(outer * n * inner, dt, -2, 2), o = out(1, F64);
            udl_sumsq_args q = {P(o), P(a), dt, a->n};
            run(UDL_K_sumsq, &q, "dtype %d, n %d", dt, (int)a->n);
            long double square = 0;
            for (i64 i = 0; i < a->n; i++) square += get(a, i) * get(a, i);
            *v = (double)square;
            expect(o, v, 8 * (dt == F32 ? FLT_EPSILON / DBL_EPSILON : 1), 0);
            free(m), free(v), done();
        }
}

/* ---- matmul ------------------------------------------------------------------------------------------------------ */
/* how: 0 and 1 the two unit strides, 2 none */
static void one_matmul(int dt, i64 batch, i64 m, i64 n, i64 k, int how_a, int how_b, int act, int extras) {
    const i64 ldo = n + extras % 3;
    udl_matmul_args g = {
        .dtype = dt, .batch = batch, .m = m, .n = n, .k = k, .ldo = ldo, .o_batch = m * ldo, .act = act};
    g.a_m = how_a == 0 ? k + 1 : how_a == 1 ? 1 : 2 * k, g.a_k = how_a == 0 ? 1 : how_a == 1 ? m + 2 : 2;
    g.b_k = how_b == 0 ? n : how_b == 1 ? 1 : 3 * n, g.b_n = how_b == 0 ? 1 : how_b == 1 ? k + 3 : 3;
    g.a_batch = (m + 2) * (k + 2) * 2, g.b_batch = extras & 8 ? 0 : (k + 3) * (n + 3) * 3;
    g.alpha = extras & 16 ? 0.5 : 1, g.beta = extras & 32 ? 1 : 0, g.bias_m = extras & 2;
    arr *a = in(batch * g.a_batch, dt, -1, 1), *b = in(batch * g.b_batch + (k + 3) * (n + 3) * 3, dt, -1, 1);
    arr *bias = extras & 1 ? in(g.bias_m ? m : n, dt, -1, 1) : NULL,
        *res = extras & 4 ? in(batch * m * ldo, dt, -1, 1) : NULL;
    arr *o = g.beta != 0 ? inout(batch * m * ldo, dt, -1, 1) : out(batch * m * ldo, dt);
    double *want = reals(o->n);
    for (i64 i = 0; i < o->n; i++) want[i] = get(o, i); /* also what lies between the rows */
    for (i64 i = 0; i < batch * m * n; i++) {
        const i64 z = i / n / m, r = i / n % m, c = i % n, at = z * g.o_batch + r * ldo + c;
        double s = 0;
        for (i64 j = 0; j < k; j++)
            s += get(a, z * g.a_batch + r * g.a_m + j * g.a_k) * get(b, z * g.b_batch + j * g.b_k + c * g.b_n);
        s = g.alpha * s + (g.beta != 0 ? want[at] : 0) + (bias ? get(bias, g.bias_m ? r : c) : 0);
        s = act == UDL_ACT_RELU ? fmax(s, 0) : act == UDL_ACT_GELU ? s / 2 * erfc(-s * 0.70710678118654752) : s;
        want[at] = s + (res ? get(res, at) : 0);
    }
    g.out = P(o), g.a = P(a), g.b = P(b), g.bias = P(bias), g.residual = P(res);
    if (extras & 64) { /* B packed before; the arrays keep it where it may lie and guard its end */
        arr *packed = array((udl_prepack(&g, NULL) + 7) / 8, F64);
        if (packed->n) udl_prepack(&g, P(packed)), g.packed_b = P(packed);
    }
    run(UDL_K_matmul, &g, "dtype %d, batch %d, %d x %d x %d, strides %d %d, act %d, extras %d", dt, (int)batch, (int)m,
        (int)n, (int)k, how_a, how_b, act, extras);
    expect(o, want, 2, SUM(k));
    free(want), done();
}
static void test_matmul(void) {
    EACH_FLOAT {
        for (int i = 0; i < 150; i++)
            one_matmul(dt, 1 + below(3), 1 + below(37), 1 + below(37), 1 + below(37), (int)below(3), (int)below(3),
                       (int)below(3), (int)below(64));
        for (int how = 0; how < 9; how++) {
            one_matmul(dt, 1, 150, 161, 170, how % 3, how / 3, UDL_ACT_RELU, 1);
            one_matmul(dt, 1, 1, 700, 190, how % 3, how / 3, UDL_ACT_NONE, 1),
                one_matmul(dt, 1, 300, 1, 650, how % 3, how / 3, UDL_ACT_NONE, 3);
        }
        for (int how = 0; how < 9; how++)
            one_matmul(dt, 1, 9 + 20 * how, 1 + 17 * how, 33 + 70 * how, 0, how % 3, UDL_ACT_RELU, 64 + how % 2);
        one_matmul(dt, 1, 8, 5, 0, 0, 0, UDL_ACT_NONE, 64), one_matmul(dt, 1, 0, 5, 3, 0, 0, UDL_ACT_NONE, 64);
        one_matmul(dt, 2, 7, 5, 0, 0, 0, UDL_ACT_NONE, 1), one_matmul(dt, 40, 33, 18, 65, 0, 1, UDL_ACT_NONE, 0);
        one_matmul(dt, 1, 0, 5, 3, 0, 0, UDL_ACT_NONE, 0), one_matmul(dt, 1, 6, 40, 1300, 0, 0, UDL_ACT_RELU, 1);
    }
    for (int how = 0; how < 9; how++) { /* the larger ones go to the bf16 unit, if the level has one */
        one_matmul(UDL_BF16, 2, 19, 23, 31, how % 3, how / 3, UDL_ACT_RELU, 1 + 8 * how);
        one_matmul(UDL_BF16, 1, 40 + how, 50 - how, 70, how % 3, how / 3, UDL_ACT_RELU, 1 + 8 * how);
    }
}

void smoke_math(void) {
    test_elementwise(), test_reduce(), test_var_mean_cumsum_sumsq(), test_fma_peak(), test_matmul();
}
