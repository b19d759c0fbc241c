/* smoke_order.c - smoke test of sorting, indexing, random numbers and optimisers. */
#include "smoke.h"

/* ---- sort -------------------------------------------------------------------------------------------------------- */
static void one_sort(int dt, i64 outer, i64 n, i64 k, int descending) {
    arr *a = in(outer * n, dt, -40, 40), *v = out(outer * k, dt), *at = out(outer * k, I64);
    for (i64 i = 0; i < a->n; i++) put(a, i, n % 2 ? floor(get(a, i)) : get(a, i)); /* many equal ones */
    if (dt > I64 && n > 9) put(a, 4, NAN), put(a, 8, NAN), put(a, 2, INFINITY), put(a, 6, -INFINITY);
    udl_sort_args g = {P(v), P(at), P(a), dt, outer, n, k, descending, 0};
    run(UDL_K_sort, &g, "dtype %d, %d x %d, k %d, descending %d", dt, (int)outer, (int)n, (int)k, descending);
    double *want = reals(v->n), *index = reals(v->n);
    for (i64 i = 0; i < a->n; i++) {
        i64 rank = 0;
        const double x = get(a, i);
        for (i64 j = i / n * n; j < i / n * n + n; j++) {
            const double y = get(a, j), lo = descending ? x : y, hi = descending ? y : x;
            const int same = x == y || (isnan(x) && isnan(y));
            rank += same ? j < i : isnan(hi) || lo < hi; /* NaN is the largest */
        }
        if (rank < k) want[i / n * k + rank] = x, index[i / n * k + rank] = (double)(i % n);
    }
    expect(v, want, 0, 0), expect(at, index, 0, 0);
    free(want), free(index), done();
}
static void test_sort(void) {
    static const i64 sizes[] = {1, 2, 15, 64, 301, 1300};
    static const int types[] = {F32, F64, I64, UDL_I16, UDL_I8};
    for (int t = 0; t < LEN(types); t++)
        for (int s = 0; s < LEN(sizes); s++)
            for (int d = 0; d < 2; d++) {
                one_sort(types[t], 3, sizes[s], sizes[s], d);
                if (sizes[s] > 5) one_sort(types[t], 3, sizes[s], 5, d);
            }
    one_sort(F32, 0, 4, 4, 0), one_sort(F32, 900, 40, 40, 0);
}

/* ---- index ------------------------------------------------------------------------------------------------------- */
static void one_index(int dt, i64 outer, i64 n, i64 inner, i64 count) {
    const i64 size = dt == F32 ? 4 : 8;
    arr *a = in(outer * n * inner, dt, -9, 9), *j = in(count, I64, 0, (double)n), *o = out(outer * count * inner, dt);
    for (i64 i = 0; i < count; i += 3) put(j, i, get(j, i) - (double)n); /* from the end */
    double *want = reals(o->n), *sum = reals(a->n);
#define PICKED(i) (((i) / inner / count * n + ((i64)get(j, (i) / inner % count) + n) % n) * inner + (i) % inner)
    for (i64 i = 0; i < o->n; i++) want[i] = get(a, PICKED(i));
    udl_index_select_args s = {P(o), P(a), P(j), size, outer, n, inner, count, 0};
    run(UDL_K_index_select, &s, "dtype %d, %d x %d x %d, %d picked", dt, (int)outer, (int)n, (int)inner, (int)count);
    expect(o, want, 0, 0);
    for (i64 i = 0; i < count; i++) put(j, i, (double)(((i64)get(j, i) + n) % n));
    arr *to = inout(a->n, dt, -9, 9), *from = in(o->n, dt, -9, 9);
    for (i64 i = 0; i < a->n; i++) sum[i] = get(to, i);
    for (i64 i = 0; i < o->n; i++) sum[PICKED(i)] += get(from, i);
    udl_index_add_args d = {P(to), P(from), P(j), dt, outer, n, inner, count, INT64_MIN};
    run(UDL_K_index_add, &d, "dtype %d, %d x %d x %d, %d picked", dt, (int)outer, (int)n, (int)inner, (int)count);
    expect(to, sum, 2, 9 * SUM(count));
    if (count) put(j, 0, (double)n);
    if (outer > 0 && count && udl_call(UDL_K_index_select, &s) != UDL_EINDEX)
        fail("an index too large is accepted");
    free(want), free(sum), done();
}
/* rows x n from 3 x m, by the definition of remap.c */
static i64 mapped(i64 mode, i64 i, i64 n, i64 shift) {
    i64 j = i - shift;
    switch (mode) {
    case UDL_REMAP_CONSTANT: return j < 0 || j >= n ? -1 : j;
    case UDL_REMAP_REFLECT: j = j < 0 ? -j : j; return j < n ? j : 2 * (n - 1) - j;
    case UDL_REMAP_REPLICATE: return j < 0 ? 0 : j < n ? j : n - 1;
    case UDL_REMAP_CIRCULAR: return (j % n + n) % n;
    default: return shift ? n - 1 - i : i;
    }
}
static void one_remap(int dt, i64 mode, i64 rows, i64 top, i64 n, i64 m, i64 left) {
    arr *a = in(3 * m, dt, -9, 9), *o = out(rows * n, dt), *value = in(1, dt, -9, 9);
    double *want = reals(o->n);
    for (i64 i = 0; i < o->n; i++) {
        const i64 r = mapped(mode, i / n, 3, top), c = mapped(mode, i % n, m, left);
        want[i] = r < 0 || c < 0 ? get(value, 0) : get(a, r * m + c);
    }
    udl_remap_args s = {P(o), P(a), P(value), dt == F32 ? 4 : 8, 2, mode, {rows, n}, {3, m}, {top, left}, 0};
    run(UDL_K_remap, &s, "dtype %d, mode %d, %d x %d from 3 x %d", dt, (int)mode, (int)rows, (int)n, (int)m);
    expect(o, want, 0, 0);
    free(want), done();
}
static void test_remap(void) {
    static const int types[] = {F32, F64, I64};
    for (int t = 0; t < 3; t++)
        for (i64 mode = 0; mode < UDL_REMAP_MODES; mode++) {
            const int flip = mode == UDL_REMAP_FLIP;
            one_remap(types[t], mode, flip ? 3 : 6, flip ? 1 : 2, flip ? 40 : 57, 40, flip ? 1 : 9);
            one_remap(types[t], mode, 3, 0, flip ? 9 : 14, 9, flip ? 1 : 3);
            if (!flip) one_remap(types[t], mode, 5, 1, 30000, 29990, 7);
        }
    one_remap(F32, UDL_REMAP_CIRCULAR, 9, 0, 70000, 7, 0);
}

/* out[r, c] = a[index[r, c], c], and back: out[index[r, c], c] = or += a[r, c], with a of `n` rows in column order */
static void one_gather(int dt, i64 rows, i64 columns, i64 n, int add) {
    static const i64 itemsizes[UDL_NDTYPES] = UDL_ITEMSIZES;
    const double low = dt == UDL_U16 || dt == UDL_U32 || dt == UDL_U64 ? 0 : -9;
    arr *a = in(n * columns, dt, low, 9), *j = in(rows * columns, I64, 0, (double)n), *o = out(rows * columns, dt);
    for (i64 c = 0; !add && rows <= n && c < columns; c++) /* no row twice: then the order of writing does not matter */
        for (i64 r = 0; r < rows; r++) put(j, r * columns + c, (double)((r + c) % n));
    double *want = reals(o->n), *back = reals(a->n);
#define THERE(i) ((i) % columns * n + (i64)get(j, i))
    for (i64 i = 0; i < o->n; i++) want[i] = get(a, THERE(i));
    udl_gather_args g = {P(o), P(a), P(j), itemsizes[dt], 2, 0, n, {rows, columns}, {1, n}, {columns, 1}, 0};
    run(UDL_K_gather, &g, "dtype %d, %d x %d of %d rows", dt, (int)rows, (int)columns, (int)n);
    expect(o, want, 0, 0);
    arr *to = inout(a->n, dt, low, 9), *from = in(o->n, dt, low, 9);
    for (i64 i = 0; i < a->n; i++) back[i] = get(to, i);
    for (i64 i = 0; i < o->n; i++) back[THERE(i)] = get(from, i) + (add ? back[THERE(i)] : 0);
    udl_scatter_args s = {P(to), P(from), P(j), dt, 2, 0, n, add, {rows, columns}, {1, n}, {columns, 1}, 0};
    run(UDL_K_scatter, &s, "dtype %d, %d x %d of %d rows, add %d", dt, (int)rows, (int)columns, (int)n, add);
    expect(to, back, 2, add ? 9 * SUM(rows) : 0);
    free(want), free(back), done();
}
static void test_index(void) {
    static const int types[] = {F32, F64, I64};
    for (int t = 0; t < 3; t++) {
        one_index(types[t], 3, 7, 5, 20), one_index(types[t], 1, 40, 1, 9), one_index(types[t], 2, 300, 33, 900);
        one_index(types[t], 1, 5, 64, 4000), one_index(types[t], 2, 3, 4, 0);
        for (int add = 0; add < 2; add++)
            one_gather(types[t], 9, 31, 12, add), one_gather(types[t], 400, 500, 400, add);
    }
    static const int moved[] = {UDL_I8, UDL_I16, UDL_U16, UDL_U32, UDL_U64, UDL_F16, UDL_BF16};
    for (int t = 0; t < LEN(moved); t++) one_gather(moved[t], 9, 31, 12, 0), one_gather(moved[t], 40, 50, 400, 0);
}

/* ---- random numbers: the words of udl_philox in order, on every level -------------------------------- */
enum { SEED = 20240229, OFFSET = 5 };
static uint32_t word(i64 i) {
    uint32_t w[4];
    udl_philox(SEED, OFFSET + (uint64_t)i / 4, 0, w);
    return w[i % 4];
}
static uint64_t word64(i64 i) { return word(2 * i) | (uint64_t)word(2 * i + 1) << 32; }
static double scaled(uint64_t r, double n) { return (double)(uint64_t)(((unsigned __int128)r * (uint64_t)n) >> 64); }

static double random_want(int kind, int dt, i64 i, const double *p) {
    if (kind == 0) return dt == F32 ? (word(i) >> 8) * 0x1p-24 : (double)(word64(i) >> 11) * 0x1p-53;
    if (kind == 2) return p[0] + scaled(word64(i), p[1] - p[0]);
    if (kind == 3) return word(i) < p[0] * 0x1p32;
    const i64 e =
        i & ~(i64)1; /* Box-Muller: elements e and e + 1; the float kernel rounds its uniform number to float */
    const double u =
        dt == F32 ? (float)(word(e) >> 1) * 0x1p-31f + 0x1p-32f : (double)(word64(e) >> 11) * 0x1p-53 + 0x1p-54;
    const double turn = 6.283185307179586 * (dt == F32 ? word(e + 1) * 0x1p-32 : (double)word64(e + 1) * 0x1p-64);
    return p[0] + p[1] * sqrt(-2 * log(u)) * (i & 1 ? sin(turn) : cos(turn));
}
static void one_random(int kind, int dt, i64 n, double p0, double p1) {
    arr *o = out(n, dt);
    udl_random_args g = {P(o), kind, dt, n, SEED, OFFSET, 0, {p0, p1}};
    run(UDL_K_random, &g, "kind %d, dtype %d, n %d", kind, dt, (int)n);
    double *want = reals(n);
    for (i64 i = 0; i < n; i++) want[i] = kind == 4 ? (double)i : random_want(kind, dt, i, g.p);
    for (i64 i = 0; kind == 4 && i < n; i++) {
        const i64 j = i + (i64)scaled(word64(i), (double)(n - i));
        const double t = want[i];
        want[i] = want[j], want[j] = t;
    }
    expect(o, want, kind == 1 ? 32 : 0, 1); /* the angle here: 2 roundings of pi, times at most 7 */
    free(want), done();
}
static void test_random(void) {
    static const i64 sizes[] = {0, 1, 7, 64, 1003, 150001};
    uint32_t w[4];
    udl_philox(0, 0, 0, w); /* known answer of Salmon et al. */
    const int known = w[0] == 0x6627e8d5u && w[1] == 0xe169c58du && w[2] == 0xbc57ac4cu && w[3] == 0x9b00dbd8u;
    for (int s = 0; s < LEN(sizes); s++) {
        EACH_FLOAT one_random(0, dt, sizes[s], 0, 1), one_random(1, dt, sizes[s], 0, 1);
        one_random(2, I64, sizes[s], -3, 1000), one_random(3, F32, sizes[s], 0.3, 0),
            one_random(4, I64, sizes[s], 0, 0);
        arr *x = in(sizes[s], F32, -1, 1), *y = out(sizes[s], F32), *mask = out(sizes[s], UDL_U8);
        udl_dropout_args g = {P(y), P(mask), P(x), F32, sizes[s], SEED, OFFSET, 0, 0.25};
        run(UDL_K_dropout, &g, "n %d", (int)sizes[s]);
        double *want = reals(sizes[s]), kept = 0;
        for (i64 i = 0; i < sizes[s]; i++) kept += get(mask, i), want[i] = get(mask, i) != 0 ? get(x, i) / 0.75 : 0;
        expect(y, want, 2, 0);
        if (sizes[s] > 1000 && fabs(kept / (double)sizes[s] - .75) > 3 / sqrt((double)sizes[s]))
            fail("%g elements kept", kept);
        free(want), done();
    }
    if (!known) fail("udl_philox(0, 0) gives other words than the paper");
}

/* ---- optimisers: three parameters in one launch ------------------------------------------------- */
enum { GROUPS = 3 };
static const i64 group_size[GROUPS] = {1, 37, 70001};
static arr *group[GROUPS][5];
static i64 table[GROUPS][6];
static double *expected[GROUPS][5];

static void make_groups(int dt) {
    for (int i = 0; i < GROUPS; i++)
        for (int j = 0; j < 5; j++) {
            group[i][j] = (j == 1 ? in : inout)(group_size[i], dt, j > 2 ? 0.1 : -1, 1);
            expected[i][j] = reals(group_size[i]);
            for (i64 e = 0; e < group_size[i]; e++) expected[i][j][e] = get(group[i][j], e);
            table[i][j] = (i64)(intptr_t)P(group[i][j]), table[i][5] = group_size[i];
        }
}
static void check_groups(void) {
    for (int i = 0; i < GROUPS; i++)
        for (int j = 0; j < 5; j++) expect(group[i][j], expected[i][j], 8, 1), free(expected[i][j]);
    done();
}
static void one_sgd(int dt, int nesterov, int first, double momentum) {
    make_groups(dt);
    udl_sgd_args g = {&table[0][0], dt, GROUPS, nesterov, 0, first, 0, 0.1, momentum, nesterov ? 0 : 0.25, 0.01};
    run(UDL_K_sgd, &g, "dtype %d, nesterov %d, first %d, momentum %g", dt, nesterov, first, momentum);
    for (int i = 0; i < GROUPS; i++)
        for (i64 e = 0; e < group_size[i]; e++) {
            double *p = &expected[i][0][e], *buf = &expected[i][2][e], d = expected[i][1][e] + g.weight_decay * *p;
            if (momentum != 0) {
                *buf = first ? d : momentum * *buf + (1 - g.dampening) * d;
                d = nesterov ? d + momentum * *buf : *buf;
            }
            *p -= g.lr * d;
        }
    check_groups();
}
static void one_adam(int dt, int amsgrad, int decoupled) {
    make_groups(dt);
    udl_adam_args g = {&table[0][0], dt, GROUPS, amsgrad, 1, decoupled, 3, 0.01, 0.9, 0.999, 1e-8, 0.1, 0, 0};
    run(UDL_K_adam, &g, "dtype %d, amsgrad %d, decoupled %d", dt, amsgrad, decoupled);
    for (int i = 0; i < GROUPS; i++)
        for (i64 e = 0; e < group_size[i]; e++) {
            double *p = &expected[i][0][e], *m = &expected[i][2][e], *v = &expected[i][3][e], *top = &expected[i][4][e];
            double d = -expected[i][1][e] + (decoupled ? 0 : g.weight_decay * *p);
            if (decoupled) *p *= 1 - g.lr * g.weight_decay;
            *m += (1 - g.beta1) * (d - *m);
            *v = g.beta2 * *v + (1 - g.beta2) * d * d;
            if (amsgrad) *top = fmax(*top, *v);
            *p -= g.lr / (1 - pow(g.beta1, 3)) * *m / (sqrt(amsgrad ? *top : *v) / sqrt(1 - pow(g.beta2, 3)) + g.eps);
        }
    check_groups();
}
static void test_optimisers(void) {
    EACH_FLOAT
        for (int i = 0; i < 4; i++) one_sgd(dt, i & 1, i >> 1, i == 2 ? 0 : 0.9), one_adam(dt, i & 1, i >> 1);
}

void smoke_order(void) { test_sort(), test_index(), test_remap(), test_random(), test_optimisers(); }
