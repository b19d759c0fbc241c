/* smoke_nn.c - smoke test of softmax, normalisation and losses, forward and backward. */
#include "smoke.h"

/* ---- softmax ----------------------------------------------------------------------------------------------------- */
static void one_softmax(int dt, i64 outer, i64 n, i64 inner, int log_form) {
    const i64 total = outer * n * inner;
    arr *x = in(total, dt, -20, 20), *y = out(total, dt);
    if (total > 9) put(x, 2, -INFINITY);
    if (outer > 1) put(x, n * inner, NAN);
    double *want = reals(total);
#define EACH_ROW for (i64 r = 0; r < outer * inner; r++)
#define EACH_ITEM for (i64 i = r / inner * n * inner + r % inner, end_ = i + n * inner; i < end_; i += inner)
    EACH_ROW {
        double top = -INFINITY, sum = 0;
        EACH_ITEM top = fmax(top, get(x, i));
        EACH_ITEM sum += exp(get(x, i) - top);
        EACH_ITEM want[i] = log_form ? get(x, i) - top - log(sum) : exp(get(x, i) - top) / sum;
    }
    udl_softmax_args f = {P(y), P(x), dt, outer, n, inner, log_form};
    run(UDL_K_softmax, &f, "dtype %d, %d x %d x %d, log %d", dt, (int)outer, (int)n, (int)inner, log_form);
    expect(y, want, log_form ? 4 : 24 + sqrt((double)n) / 4, log_form ? 20 : 0); /* x - top up to 40 is off by 20 eps */
    arr *gx = out(total, dt), *gy = in(total, dt, -1, 1);
    EACH_ROW {
        double sum = 0;
        EACH_ITEM sum += log_form ? get(gy, i) : get(gy, i) * get(y, i);
        EACH_ITEM want[i] = log_form ? get(gy, i) - exp(get(y, i)) * sum : get(y, i) * (get(gy, i) - sum);
    }
    udl_softmax_backward_args g = {P(gx), P(gy), P(y), dt, outer, n, inner, log_form};
    run(UDL_K_softmax_backward, &g, "dtype %d, %d x %d x %d, log %d", dt, (int)outer, (int)n, (int)inner, log_form);
    expect(gx, want, 4, log_form ? SUM(n) : 1);
    free(want), done();
}
static void test_softmax(void) {
    static const i64 shapes[][3] = {{3, 10, 1}, {40, 33, 1}, {2, 7, 19},    {3, 2000, 1},
                                    {1, 1, 1},  {0, 4, 1},   {900, 100, 1}, {5, 10, 4000}};
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++)
            for (int log_form = 0; log_form < 2; log_form++)
                one_softmax(dt, shapes[i][0], shapes[i][1], shapes[i][2], log_form);
}

/* ---- normalisation ------------------------------------------------------------------------------------------- */
/* item e of group g is x[place(g, e)]; its weight is w[e] for layer_norm, w[g] for batch_norm */
typedef struct { i64 groups, n, L, C; } norm; /* layer_norm: L = C = 0; batch_norm: groups = C, n = N L */

static i64 place(const norm *v, i64 g, i64 e) { return v->C ? (e / v->L * v->C + g) * v->L + e % v->L : g * v->n + e; }
#define EACH_GROUP for (i64 g = 0; g < v.groups; g++)
#define EACH_E for (i64 e = 0; e < v.n; e++)
#define AT place(&v, g, e)
#define AT_W (v.C ? g : e)

static void one_norm(int dt, norm v, int training, int affine) {
    const i64 total = v.groups * v.n, nw = v.C ? v.C : v.n;
    const double eps = 1e-5, momentum = 0.1;
    arr *x = in(total, dt, 1, 4), *w = affine ? in(nw, dt, -1, 1) : NULL, *b = affine ? in(nw, dt, -1, 1) : NULL;
    arr *run_mean = v.C ? inout(v.C, dt, -1, 1) : NULL, *run_var = v.C ? inout(v.C, dt, 0.5, 2) : NULL;
    arr *y = out(total, dt), *mean = out(v.groups, dt), *rstd = out(v.groups, dt);
    double *y_want = reals(total), *m = reals(v.groups), *s = reals(v.groups), *rm = reals(v.groups),
           *rv = reals(v.groups);
    double *gx_want = reals(total), *gw_want = reals(nw), *gb_want = reals(nw);
    EACH_GROUP {
        long double sum = 0, square = 0; /* of one sign: the errors of a double would count */
        EACH_E sum += get(x, AT);
        m[g] = (double)(sum / v.n);
        EACH_E square += pow(get(x, AT) - m[g], 2);
        double var = (double)(square / v.n);
        if (v.C) {
            const double a = training ? momentum : 0, old_mean = get(run_mean, g), old_var = get(run_var, g);
            rm[g] = old_mean + a * (m[g] - old_mean);
            rv[g] = old_var + a * (var * (double)v.n / (double)(v.n - 1) - old_var);
            if (!training) m[g] = old_mean, var = old_var;
        }
        s[g] = 1 / sqrt(var + eps);
        EACH_E y_want[AT] = (get(x, AT) - m[g]) * s[g] * (w ? get(w, AT_W) : 1) + (b ? get(b, AT_W) : 0);
    }
    udl_layer_norm_args f = {P(y), P(mean), P(rstd), P(x), P(w), P(b), dt, v.groups, v.n, 1, eps};
    udl_batch_norm_args fb = {P(y), P(mean),     P(rstd),    P(x),     P(w),
                              P(b), P(run_mean), P(run_var), dt,       v.C ? v.n / v.L : 0,
                              v.C,  v.L,         training,   momentum, eps};
    run(v.C ? UDL_K_batch_norm : UDL_K_layer_norm, v.C ? (void *)&fb : (void *)&f,
        "dtype %d, %d groups of %d, training %d, affine %d", dt, (int)v.groups, (int)v.n, training, affine);
    const double root = sqrt((double)v.n); /* a running sum of one sign: its mean is off by sqrt(n) roundings */
    expect(y, y_want, 8 + root, 4), expect(mean, m, 4 + root, 1), expect(rstd, s, 16, 0);
    if (v.C) expect(run_mean, rm, 4 + root, 1), expect(run_var, rv, 8, 1);
    arr *gx = out(total, dt), *gy = in(total, dt, -1, 1), *gw = out(nw, dt), *gb = out(nw, dt);
    EACH_GROUP {
        double sum = 0, dot = 0;
#define H ((get(x, AT) - get(mean, g)) * get(rstd, g))
#define G (get(gy, AT) * (w ? get(w, AT_W) : 1))
        EACH_E sum += G / (double)v.n, dot += G * H / (double)v.n, gw_want[AT_W] += get(gy, AT) * H,
            gb_want[AT_W] += get(gy, AT);
        EACH_E gx_want[AT] = get(rstd, g) * (training ? G - sum - H * dot : G);
    }
    udl_layer_norm_backward_args r = {P(gx), P(gw), P(gb), P(gy), P(x), P(w), P(mean), P(rstd), dt, v.groups, v.n, 1};
    udl_batch_norm_backward_args rb = {
        P(gx), P(gw), P(gb), P(gy), P(x), P(w), P(mean), P(rstd), dt, v.C ? v.n / v.L : 0, v.C, v.L, training};
    run(v.C ? UDL_K_batch_norm_backward : UDL_K_layer_norm_backward, v.C ? (void *)&rb : (void *)&r,
        "dtype %d, %d groups of %d, training %d, affine %d", dt, (int)v.groups, (int)v.n, training, affine);
    const double terms = SUM(v.C ? v.n : v.groups);
    expect(gx, gx_want, 8, 4), expect(gw, gw_want, 2, 5 * terms), expect(gb, gb_want, 2, 2 * terms);
    free(y_want), free(m), free(s), free(rm), free(rv), free(gx_want), free(gw_want), free(gb_want), done();
}
static void test_norm(void) {
    static const i64 rows[][2] = {{5, 33}, {64, 10}, {300, 256}, {2, 3001}, {1, 2}, {0, 5}};
    static const i64 images[][3] = {{4, 3, 35},   {17, 10, 1}, {2, 40, 49},
                                    {9, 64, 196}, {2, 1, 3},   {600, 70, 1}}; /* N C L */
    EACH_FLOAT
        for (int i = 0; i < 12; i++)
            for (int affine = 0; affine < 2; affine++) {
                if (i < 6) { one_norm(dt, (norm){rows[i][0], rows[i][1], 0, 0}, 1, affine); continue; }
                const i64 *s = images[i - 6];
                for (int training = 0; training < 2; training++)
                    one_norm(dt, (norm){s[1], s[0] * s[2], s[2], s[1]}, training, affine);
            }
}

#undef H
#undef G

/* rows of D = C / G L elements, element e of row r with the factor of its channel */
static void one_group_norm(int dt, i64 N, i64 C, i64 G, i64 L) {
    const i64 D = C / G * L, rows = N * G, total = rows * D;
    const double eps = 1e-5;
    arr *x = in(total, dt, 1, 4), *w = in(C, dt, -1, 1), *b = in(C, dt, -1, 1), *gy = in(total, dt, -1, 1);
    arr *y = out(total, dt), *mean = out(rows, dt), *rstd = out(rows, dt);
    arr *gx = out(total, dt), *gw = out(C, dt), *gb = out(C, dt);
    double *want = reals(total), *m = reals(rows), *s = reals(rows), *gx_want = reals(total), *gw_want = reals(C), *gb_want = reals(C);
#define CHANNEL (r % G * (C / G) + e / L)
    for (i64 r = 0; r < rows; r++) {
        long double sum = 0, square = 0;
        for (i64 e = 0; e < D; e++) sum += get(x, r * D + e);
        m[r] = (double)(sum / D);
        for (i64 e = 0; e < D; e++) square += pow(get(x, r * D + e) - m[r], 2);
        s[r] = 1 / sqrt((double)(square / D) + eps);
        for (i64 e = 0; e < D; e++) want[r * D + e] = (get(x, r * D + e) - m[r]) * s[r] * get(w, CHANNEL) + get(b, CHANNEL);
    }
    udl_group_norm_args f = {P(y), P(mean), P(rstd), P(x), P(w), P(b), dt, N, C, G, L, eps};
    run(UDL_K_group_norm, &f, "dtype %d, %d %d %d, %d groups", dt, (int)N, (int)C, (int)L, (int)G);
    expect(y, want, 8, 4), expect(mean, m, 4, 1), expect(rstd, s, 16, 0);
    for (i64 r = 0; r < rows; r++) {
        double sum = 0, dot = 0;
        for (i64 e = 0; e < D; e++) {
            const double g = get(gy, r * D + e), h = (get(x, r * D + e) - get(mean, r)) * get(rstd, r);
            sum += g * get(w, CHANNEL) / (double)D, dot += g * get(w, CHANNEL) * h / (double)D;
            gw_want[CHANNEL] += g * h, gb_want[CHANNEL] += g;
        }
        for (i64 e = 0; e < D; e++) {
            const double h = (get(x, r * D + e) - get(mean, r)) * get(rstd, r);
            gx_want[r * D + e] = get(rstd, r) * (get(gy, r * D + e) * get(w, CHANNEL) - sum - h * dot);
        }
    }
    udl_group_norm_backward_args g = {P(gx), P(gw), P(gb), P(gy), P(x), P(w), P(mean), P(rstd), dt, N, C, G, L};
    run(UDL_K_group_norm_backward, &g, "dtype %d, %d %d %d, %d groups", dt, (int)N, (int)C, (int)L, (int)G);
    expect(gx, gx_want, 8, 4), expect(gw, gw_want, 2, 5 * SUM(N * L)), expect(gb, gb_want, 2, 2 * SUM(N * L));
    free(want), free(m), free(s), free(gx_want), free(gw_want), free(gb_want), done();
}
static void test_group_norm(void) {
    static const i64 shapes[][4] = {{2, 4, 2, 16}, {3, 6, 6, 35}, {1, 32, 8, 49}, {2, 3, 1, 5000}, {4, 8, 2, 1}};
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++) one_group_norm(dt, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */
static void one_cross_entropy(int dt, i64 N, i64 C, i64 L, int weighted, double s, int reduction) {
    const i64 rows = N * L, ignored = 1;
    arr *x = in(N * C * L, dt, -9, 9), *target = in(rows, I64, 0, (double)C),
        *weight = weighted ? in(C, dt, 0.2, 2) : NULL;
    arr *loss = out(rows, dt), *lse = out(2 * rows, dt), *total = out(2, dt);
    double *want = reals(rows), *lse_want = reals(2 * rows), *gx_want = reals(N * C * L), sums[2] = {0, 0}, all = 0;
#define X(c) (r / L * C * L + (c) * L + r % L)
#define W(c) (weight ? get(weight, c) : 1)
    for (i64 c = 0; c < C; c++) all += W(c);
    for (i64 r = 0; r < rows; r++) {
        const i64 t = (i64)get(target, r);
        double max = -INFINITY, sum = 0, smooth = 0;
        for (i64 c = 0; c < C; c++) max = fmax(max, get(x, X(c)));
        for (i64 c = 0; c < C; c++) sum += exp(get(x, X(c)) - max);
        if (t == ignored) continue;
        lse_want[r] = max, lse_want[rows + r] = log(sum);
        for (i64 c = 0; c < C; c++) smooth += W(c) * (max - get(x, X(c)) + log(sum));
        want[r] = (1 - s) * W(t) * (max - get(x, X(t)) + log(sum)) + s / (double)C * smooth;
        sums[0] += want[r], sums[1] += W(t);
    }
    udl_cross_entropy_args f = {P(loss), P(lse), P(total), P(x), P(target), P(weight), dt, N, C, L, ignored, 0, s};
#define TEXT                                                                                                    \
    "dtype %d, %d x %d x %d, weighted %d, smoothing %g, reduction %d", dt, (int)N, (int)C, (int)L, weighted, s, \
        reduction
    run(UDL_K_cross_entropy, &f, TEXT);
    for (i64 r = 0; r < rows; r++) /* not specified there */
        if ((i64)get(target, r) == ignored) lse_want[r] = get(lse, r), lse_want[rows + r] = get(lse, rows + r);
    /* running sums of one sign here */
    expect(loss, want, 8 + sqrt((double)C), 9), expect(lse, lse_want, 4 + sqrt((double)C), 1),
        expect(total, sums, 8, 9);
    arr *gx = out(N * C * L, dt), *g = in(reduction ? 1 : rows, dt, -1, 1);
    for (i64 r = 0; r < rows; r++) {
        const i64 t = (i64)get(target, r);
        const double up = reduction == 1 ? get(g, 0) / sums[1] : get(g, reduction ? 0 : r);
        for (i64 c = 0; c < C && t != ignored; c++) {
            const double p = exp(get(x, X(c)) - lse_want[r] - lse_want[rows + r]);
            gx_want[X(c)] = up * ((1 - s) * W(t) * (p - (c == t)) + s / (double)C * (all * p - W(c)));
        }
    }
    udl_cross_entropy_backward_args b = {P(gx), P(g), P(x), P(target), P(weight), P(lse), P(total), dt,
                                         N,     C,    L,    ignored,   reduction, 0,      s};
    run(UDL_K_cross_entropy_backward, &b, TEXT);
    expect(gx, gx_want, 16, reduction == 1 ? 2 / sums[1] : 2); /* x - lse up to 20 is off by 10 eps */
    free(want), free(lse_want), free(gx_want);
    if (rows) put(target, rows - 1, (double)C);
    if (rows && udl_call(UDL_K_cross_entropy, &f) != UDL_EINDEX) fail("a target outside the classes is accepted");
    done();
}
#define NLL_TEXT "dtype %d, %d x %d x %d, weighted %d, reduction %d", dt, (int)N, (int)C, (int)L, weighted, reduction
static void one_nll(int dt, i64 N, i64 C, i64 L, int weighted, int reduction) {
    const i64 rows = N * L, ignored = 1;
    arr *x = in(N * C * L, dt, -9, 0), *target = in(rows, I64, 0, (double)C),
        *weight = weighted ? in(C, dt, 0.2, 2) : NULL;
    arr *loss = out(rows, dt), *total = out(2, dt);
    double *want = reals(rows), *gx_want = reals(N * C * L), sums[2] = {0, 0};
    for (i64 r = 0; r < rows; r++) {
        const i64 t = (i64)get(target, r);
        if (t != ignored) want[r] = -W(t) * get(x, X(t)), sums[0] += want[r], sums[1] += W(t);
    }
    udl_nll_loss_args f = {P(loss), P(total), P(x), P(target), P(weight), dt, N, C, L, ignored};
    run(UDL_K_nll_loss, &f, NLL_TEXT);
    expect(loss, want, 2, 0), expect(total, sums, 8, 0);
    arr *gx = out(N * C * L, dt), *g = in(reduction ? 1 : rows, dt, -1, 1);
    for (i64 r = 0; r < rows; r++) {
        const i64 t = (i64)get(target, r);
        if (t != ignored) gx_want[X(t)] = -W(t) * (reduction == 1 ? get(g, 0) / sums[1] : get(g, reduction ? 0 : r));
    }
    udl_nll_loss_backward_args b = {P(gx), P(g), P(target), P(weight), P(total), dt + 256 * reduction,
                                    N,     C,    L,         ignored};
    run(UDL_K_nll_loss_backward, &b, NLL_TEXT);
    expect(gx, gx_want, 8, 0);
    free(want), free(gx_want), done();
}
static void test_losses(void) {
    static const i64 shapes[][3] = {{7, 10, 1}, {33, 3, 5}, {2, 1000, 1}, {700, 100, 1}, {3, 10, 2500}};
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++)
            for (int v = 0; v < 6; v++) {
                one_cross_entropy(dt, shapes[i][0], shapes[i][1], shapes[i][2], v & 1, v & 2 ? 0.1 : 0, v % 3);
                one_nll(dt, shapes[i][0], shapes[i][1], shapes[i][2], v & 1, v % 3);
            }
}

/* ---- ctc_loss: all 3^4 paths of 4 frames over 3 classes, blank 0, target 1 2 or 1 1 ----------------------------------- */
static int spells(i64 path, i64 first, i64 second) {
    i64 last = 0, found = 0, word[4] = {0};
    for (int t = 0; t < 4; t++, path /= 3) {
        const i64 c = path % 3;
        if (c && c != last) word[found++] = c;
        last = c;
    }
    return found == 2 && word[0] == first && word[1] == second;
}
static void one_ctc(int dt, i64 second) {
    arr *x = in(12, dt, -3, 0), *target = in(2, I64, 1, 2), *times = in(1, I64, 4, 5), *length = in(1, I64, 2, 3),
        *offset = in(1, I64, 0, 1), *nll = out(1, dt), *alpha = out(20, dt), *gx = out(12, dt), *g = in(1, dt, 1, 2);
    put(target, 0, 1), put(target, 1, (double)second), put(times, 0, 4), put(length, 0, 2), put(offset, 0, 0);
    double total = 0, *seen = reals(12), loss;
    for (i64 path = 0; path < 81; path++) {
        if (!spells(path, 1, second)) continue;
        double p = 0;
        for (i64 t = 0, rest = path; t < 4; t++, rest /= 3) p += get(x, 3 * t + rest % 3);
        total += exp(p);
        for (i64 t = 0, rest = path; t < 4; t++, rest /= 3) seen[3 * t + rest % 3] += exp(p);
    }
    loss = -log(total);
    for (i64 i = 0; i < 12; i++) seen[i] = get(g, 0) * (exp(get(x, i)) - seen[i] / total);
    udl_ctc_loss_args a = {P(nll), P(alpha), P(x), P(target), P(times), P(length), P(offset), dt, 4, 1, 3, 2, 0};
    run(UDL_K_ctc_loss, &a, "dtype %d, target 1 %d", dt, (int)second);
    expect(nll, &loss, 32, 1);
    udl_ctc_loss_backward_args b = {P(gx), P(g), P(x), P(target), P(times), P(length), P(offset), P(nll), P(alpha), dt, 4, 1, 3, 2, 0, 0};
    run(UDL_K_ctc_loss_backward, &b, "dtype %d, target 1 %d", dt, (int)second);
    expect(gx, seen, 64, 4);
    free(seen), done();
}
static void test_ctc(void) {
    EACH_FLOAT one_ctc(dt, 2), one_ctc(dt, 1);
}

/* ---- graphs -------------------------------------------------------------------------------------------------- */
/* rows of 0, 1, 2 ... 0, 1, 2 entries; entry e is in column 7 e mod columns, its value at place n - 1 - e */
static void one_graph(int dt, i64 rows, i64 columns, i64 H, i64 D) {
    i64 n = 0, at = 0;
    for (i64 r = 0; r < rows; r++) n += r % 3;
    arr *crow = in(rows + 1, I64, 0, 1), *col = in(n, I64, 0, 1), *order = in(n, I64, 0, 1), *v = in(n * H, dt, -1, 1),
        *x = in(columns * H * D, dt, -1, 1), *g = in(rows * H * D, dt, -1, 1), *y = out(rows * H * D, dt), *gv = out(n * H, dt),
        *p = out(n * H, dt), *gp = out(n * H, dt);
    double *y_want = reals(rows * H * D), *gv_want = reals(n * H), *p_want = reals(n * H), *gp_want = reals(n * H);
    put(crow, 0, 0);
    for (i64 r = 0; r < rows; r++) {
        const i64 end = at + r % 3;
        for (i64 h = 0; h < H; h++) {
            double total = 0, dot = 0;
            for (i64 e = at; e < end; e++) total += exp(get(v, e * H + h));
            for (i64 e = at; e < end; e++) p_want[e * H + h] = exp(get(v, e * H + h)) / total;
            for (i64 e = at; e < end; e++) dot += p_want[e * H + h] * get(v, e * H + h);
            for (i64 e = at; e < end; e++) gp_want[e * H + h] = p_want[e * H + h] * (get(v, e * H + h) - dot);
            for (i64 e = at; e < end; e++)
                for (i64 d = 0; d < D; d++) {
                    const i64 o = (n - 1 - e) * H + h, from = (7 * e % columns * H + h) * D + d, to = (r * H + h) * D + d;
                    y_want[to] += get(v, o) * get(x, from);
                    gv_want[o] += get(g, to) * get(x, from);
                }
        }
        for (; at < end; at++) put(col, at, (double)(7 * at % columns)), put(order, at, (double)(n - 1 - at));
        put(crow, r + 1, (double)at);
    }
    udl_spmm_args a = {P(y), P(x), P(v), P(crow), P(col), P(order), dt, rows, columns, n, H, D};
    run(UDL_K_spmm, &a, "dtype %d, %d x %d, %d heads of %d", dt, (int)rows, (int)columns, (int)H, (int)D);
    expect(y, y_want, 4, 2);
    udl_spmm_values_args b = {P(gv), P(g), P(x), P(crow), P(col), P(order), dt, rows, columns, n, H, D};
    run(UDL_K_spmm_values, &b, "dtype %d, %d x %d, %d heads of %d", dt, (int)rows, (int)columns, (int)H, (int)D);
    expect(gv, gv_want, 4, SUM(D));
    udl_segment_softmax_args s = {P(p), P(v), P(crow), dt, rows, n, H};
    run(UDL_K_segment_softmax, &s, "dtype %d, %d segments, %d columns", dt, (int)rows, (int)H);
    expect(p, p_want, 24, 0);
    udl_segment_softmax_backward_args q = {P(gp), P(v), P(p), P(crow), dt, rows, n, H};
    run(UDL_K_segment_softmax_backward, &q, "dtype %d, %d segments, %d columns", dt, (int)rows, (int)H);
    expect(gp, gp_want, 24, 1);
    free(y_want), free(gv_want), free(p_want), free(gp_want), done();
}
static void test_graph(void) {
    EACH_FLOAT one_graph(dt, 5, 4, 1, 3), one_graph(dt, 40, 30, 2, 65), one_graph(dt, 300, 200, 3, 16), one_graph(dt, 1, 1, 1, 1);
}

void smoke_nn(void) { test_softmax(), test_norm(), test_group_norm(), test_losses(), test_ctc(), test_graph(); }
