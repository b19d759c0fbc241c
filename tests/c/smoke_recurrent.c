/* smoke_recurrent.c - smoke test of lstm, gru and rnn, forward and backward: both directions, sequences of different lengths,
 * projections.
 *
 * Weights are of size 1 / sqrt(K), as layers start: a step then shrinks what it gets on the average, so that errors do not
 * grow with the number of steps. Backward starts from what the kernel kept of forward. k counts the roundings of a step and
 * of some steps before it; scale is the largest sum of the sizes of the terms of any element. */
#include "smoke.h"

enum { LSTM, GRU, TANH, RELU };
/* how; what is not kept cannot go backward; NO_GHN: no gcn either */
enum { NO_BIAS = 1, NOT_KEPT = 2, NO_GH0 = 4, NO_GHN = 8, NO_GY = 16 };
typedef struct { i64 L, N, I, H, P, D; int packed; } shape;
typedef struct { /* one layer: the inputs, then what comes out */
    int kind;
    i64 G, K, rows;
    i64 *size, *first;
    double *x, *h0, *c0, *w_ih[2], *w_hh[2], *b_ih[2], *b_hh[2], *w_hr[2];
    double *y, *hn, *cn, *gates, *cells, *m;
    double *gy, *ghn, *gcn;
    double *gx, *gh0, *gc0, *gw_ih[2], *gw_hh[2], *gb_ih[2], *gb_hh[2], *gw_hr[2];
    double big_h, big_x, big_w_ih, big_w_hh, big_b, big_w_hr; /* sums of the sizes of terms */
} layer;

static double *bag[96];
static int in_bag;
static double *fresh(i64 n) { return bag[in_bag++] = reals(n); }
static double *copy(const arr *a) {
    double *d = a ? fresh(a->n) : NULL;
    for (i64 i = 0; a && i < a->n; i++) d[i] = get(a, i);
    return d;
}
static double sigmoid(double a) { return 1 / (1 + exp(-a)); }
static double dot(const double *a, const double *b, i64 n, double *size) {
    double s = 0;
    for (i64 i = 0; i < n; i++) s += a[i] * b[i], *size += fabs(a[i] * b[i]);
    return s;
}

/* ---- forward ----------------------------------------------------------------------------------------------------------- */
/* unit j: its gates from ax[G H] = W_ih x + b_ih and ah[G H] = W_hh h + b_hh; returns h before the projection */
static double unit(const layer *v, i64 H, i64 j, const double *ax, const double *ah, double before, double *c, double *gates,
                   double *cells) {
    if (v->kind == TANH) return tanh(ax[j] + ah[j]);
    if (v->kind == RELU) return fmax(ax[j] + ah[j], 0);
    const double first = sigmoid(ax[j] + ah[j]), second = sigmoid(ax[H + j] + ah[H + j]);
    gates[j] = first, gates[H + j] = second;
    if (v->kind == GRU) {
        const double q = ah[2 * H + j], n = tanh(ax[2 * H + j] + first * q);
        gates[2 * H + j] = n, gates[3 * H + j] = q;
        return (1 - second) * n + second * before;
    }
    const double g = tanh(ax[2 * H + j] + ah[2 * H + j]), o = sigmoid(ax[3 * H + j] + ah[3 * H + j]);
    cells[j] = *c, *c = second * *c + first * g, cells[H + j] = tanh(*c);
    gates[2 * H + j] = g, gates[3 * H + j] = o;
    return o * tanh(*c);
}
static void forward(layer *v, shape s) {
    const i64 H = s.H, K = v->K, GH = v->G * H;
    double *ax = fresh(GH), *ah = fresh(GH), *before = fresh(K), *m = fresh(H);
    for (i64 i = 0; i < s.D * s.N * K; i++) v->hn[i] = v->h0[i];
    for (i64 i = 0; v->c0 && i < s.D * s.N * H; i++) v->cn[i] = v->c0[i];
    for (i64 d = 0; d < s.D; d++)
        for (i64 step = 0; step < s.L; step++) {
            const i64 t = d ? s.L - 1 - step : step;
            for (i64 b = 0; b < v->size[t]; b++) {
                const i64 row = v->first[t] + b, at = d * v->rows + row, state = d * s.N + b;
                double *h = v->hn + state * K;
                memcpy(before, h, (size_t)K * sizeof(double));
                for (i64 j = 0; j < GH; j++) {
                    double size = 0;
                    ax[j] = dot(v->w_ih[d] + j * s.I, v->x + row * s.I, s.I, &size) + (v->b_ih[d] ? v->b_ih[d][j] : 0);
                    ah[j] = dot(v->w_hh[d] + j * K, before, K, &size) + (v->b_hh[d] ? v->b_hh[d][j] : 0);
                    v->big_h = fmax(v->big_h, size + 1);
                }
                for (i64 j = 0; j < H; j++)
                    m[j] = unit(v, H, j, ax, ah, before[j % K], v->cn + state * H + j, v->gates + at * 4 * H, v->cells + at * 2 * H);
                for (i64 j = 0; j < K; j++) {
                    double size = 0;
                    h[j] = s.P ? dot(v->w_hr[d] + j * H, m, H, &size) : m[j];
                    v->big_h = fmax(v->big_h, size);
                }
                memcpy(v->m + at * H, m, (size_t)H * sizeof(double));
                memcpy(v->y + row * s.D * K + d * K, h, (size_t)K * sizeof(double));
            }
        }
}

/* ---- backward ---------------------------------------------------------------------------------------------------------- */
/* from dm, what unit j gets for its h, to the gradients of ax and ah; carry: what h before gets apart from W_hh */
static void unit_grad(const layer *v, i64 H, i64 j, double dm, double h, double before, double *dc, const double *gates,
                      const double *cells, double *dx, double *dh, double *carry) {
    if (v->kind == TANH || v->kind == RELU) {
        dx[j] = dh[j] = dm * (v->kind == TANH ? 1 - h * h : h > 0);
        return;
    }
    const double a = gates[j], b = gates[H + j], c = gates[2 * H + j], e = gates[3 * H + j];
    if (v->kind == GRU) { /* r z n q */
        const double dn = dm * (1 - b) * (1 - c * c);
        dx[j] = dh[j] = dn * e * a * (1 - a);
        dx[H + j] = dh[H + j] = dm * (before - c) * b * (1 - b);
        dx[2 * H + j] = dn, dh[2 * H + j] = dn * a;
        *carry = dm * b;
        return;
    }
    const double tc = cells[H + j], dcell = *dc + dm * e * (1 - tc * tc); /* i f g o */
    dx[j] = dh[j] = dcell * c * a * (1 - a);
    dx[H + j] = dh[H + j] = dcell * cells[j] * b * (1 - b);
    dx[2 * H + j] = dh[2 * H + j] = dcell * a * (1 - c * c);
    dx[3 * H + j] = dh[3 * H + j] = dm * tc * e * (1 - e);
    *dc = dcell * b;
}
/* gw[m, n] += a b^T; `size` the same of their sizes; returns the largest of them or `big` */
static double add_outer(double *gw, double *size, const double *a, i64 m, const double *b, i64 n, double big) {
    for (i64 i = 0; i < m; i++)
        for (i64 j = 0; j < n; j++) {
            gw[i * n + j] += a[i] * b[j], size[i * n + j] += fabs(a[i] * b[j]);
            big = fmax(big, size[i * n + j]);
        }
    return big;
}
/* the sum of column c of w[n, cols] times a[n] */
static double column(const double *w, i64 cols, i64 c, const double *a, i64 n, double *size) {
    double s = 0;
    for (i64 i = 0; i < n; i++) s += w[i * cols + c] * a[i], *size += fabs(w[i * cols + c] * a[i]);
    return s;
}
static void backward(layer *v, shape s) {
    const i64 H = s.H, K = v->K, GH = v->G * H;
    const double one = 1;
    double *dx = fresh(GH), *dh = fresh(GH), *carry = fresh(K), *all = fresh(K);
    for (i64 i = 0; v->ghn && i < s.D * s.N * K; i++) v->gh0[i] = v->ghn[i];
    for (i64 i = 0; v->gcn && i < s.D * s.N * H; i++) v->gc0[i] = v->gcn[i];
    for (i64 d = 0; d < s.D; d++) {
        double *size_ih = fresh(GH * s.I), *size_hh = fresh(GH * K), *size_b = fresh(GH), *size_hr = fresh(K * H);
        for (i64 step = 0; step < s.L; step++) {
            const i64 t = d ? step : s.L - 1 - step, u = d ? t + 1 : t - 1;
            for (i64 b = 0; b < v->size[t]; b++) {
                const i64 row = v->first[t] + b, at = d * v->rows + row, state = d * s.N + b;
                const double *h = v->y + row * s.D * K + d * K, *before = v->h0 + state * K;
                if (u >= 0 && u < s.L && b < v->size[u]) before = v->y + (v->first[u] + b) * s.D * K + d * K;
                for (i64 k = 0; k < K; k++)
                    all[k] = v->gh0[state * K + k] + (v->gy ? v->gy[row * s.D * K + d * K + k] : 0), carry[k] = 0;
                if (s.P) v->big_w_hr = add_outer(v->gw_hr[d], size_hr, all, K, v->m + at * H, H, v->big_w_hr);
                for (i64 j = 0; j < H; j++) {
                    double size = 0, dm = s.P ? column(v->w_hr[d], H, j, all, K, &size) : all[j];
                    unit_grad(v, H, j, dm, h[j % K], before[j % K], v->gc0 + state * H + j, v->gates + at * 4 * H,
                              v->cells + at * 2 * H, dx, dh, carry + j % K);
                }
                v->big_w_ih = add_outer(v->gw_ih[d], size_ih, dx, GH, v->x + row * s.I, s.I, v->big_w_ih);
                v->big_w_hh = add_outer(v->gw_hh[d], size_hh, dh, GH, before, K, v->big_w_hh);
                v->big_b = add_outer(v->gb_ih[d], size_b, dx, GH, &one, 1, v->big_b);
                for (i64 j = 0; j < GH; j++) v->gb_hh[d][j] += dh[j];
                for (i64 i = 0; i < s.I; i++) {
                    double size = 0;
                    v->gx[row * s.I + i] += column(v->w_ih[d], s.I, i, dx, GH, &size);
                    v->big_x = fmax(v->big_x, (double)s.D * size);
                }
                for (i64 k = 0; k < K; k++) {
                    double size = fabs(carry[k]);
                    v->gh0[state * K + k] = carry[k] + column(v->w_hh[d], K, k, dh, GH, &size);
                    v->big_h = fmax(v->big_h, size);
                }
            }
        }
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------------- */
static const int ids[4][2] = {{UDL_K_lstm, UDL_K_lstm_backward},
                              {UDL_K_gru, UDL_K_gru_backward},
                              {UDL_K_rnn, UDL_K_rnn_backward},
                              {UDL_K_rnn, UDL_K_rnn_backward}};
#define TEXT                                                                                                              \
    "kind %d, dtype %d, L %d N %d I %d H %d P %d D %d, packed %d, how %d", v.kind, dt, (int)s.L, (int)s.N, (int)s.I,       \
        (int)s.H, (int)s.P, (int)s.D, s.packed, how

static i64 lengths(layer *v, shape s) { /* how many sequences reach step t: all of them at first */
    static i64 size[64], first[64];
    i64 rows = 0;
    for (i64 t = 0; t < s.L; t++) {
        size[t] = !s.packed || t == 0 ? s.N : size[t - 1] - below(1 + size[t - 1] / 2);
        first[t] = rows, rows += size[t];
    }
    v->size = size, v->first = first;
    return rows;
}
/* the gradients of forward f, from what it kept */
static void one_backward(int dt, layer v, shape s, int how, const udl_lstm_args *f) {
    const i64 GH = v.G * s.H, K = v.K, n_h = s.D * s.N * K, n_c = s.D * s.N * s.H;
    const int lstm = v.kind == LSTM, given = !(how & NO_GHN);
    arr *gy = how & NO_GY ? NULL : in(v.rows * s.D * K, dt, -1, 1), *ghn = given ? in(n_h, dt, -1, 1) : NULL;
    arr *gcn = given && lstm ? in(n_c, dt, -1, 1) : NULL;
    arr *gx = out(v.rows * s.I, dt), *gh0 = out(n_h, dt), *gc0 = lstm ? out(n_c, dt) : NULL, *g[2][5] = {{0}};
    udl_lstm_backward_args a = {
        .gx = P(gx), .gh0 = P(gh0), .gc0 = P(gc0), .gy = P(gy), .ghn = P(ghn), .gcn = P(gcn), .x = f->x, .y = f->y, .h0 = f->h0,
        .gates = f->gates, .cells = f->cells, .m = f->m, .batch_sizes = f->batch_sizes, .dtype = dt, .L = s.L, .N = s.N, .I = s.I,
        .H = s.H, .P = s.P, .D = s.D, .rows = v.rows, .act_flags = f->act + (how & NO_GH0 ? 256 : 0)};
    v.gy = copy(gy), v.ghn = copy(ghn), v.gcn = copy(gcn), v.gx = fresh(v.rows * s.I), v.gh0 = fresh(n_h), v.gc0 = fresh(n_c);
    for (i64 d = 0; d < s.D; d++) {
        const i64 sizes[5] = {GH * s.I, GH * K, GH, GH, s.P * s.H};
        double **want[5] = {&v.gw_ih[d], &v.gw_hh[d], &v.gb_ih[d], &v.gb_hh[d], &v.gw_hr[d]};
        for (int i = 0; i < 5; i++) *want[i] = fresh(sizes[i]);
        for (int i = 0; i < (s.P ? 5 : 4); i++) g[d][i] = out(sizes[i], dt);
        a.gw_ih[d] = P(g[d][0]), a.gw_hh[d] = P(g[d][1]), a.gb_ih[d] = P(g[d][2]), a.gb_hh[d] = P(g[d][3]), a.gw_hr[d] = P(g[d][4]);
        a.w_ih[d] = f->w_ih[d], a.w_hh[d] = f->w_hh[d], a.w_hr[d] = f->w_hr[d];
    }
    run(ids[v.kind][1], &a, TEXT);
    backward(&v, s);
    const double k = 8;
    expect(gx, v.gx, k, v.big_x);
    if (!(how & NO_GH0)) expect(gh0, v.gh0, k, v.big_h);
    if (gc0) expect(gc0, v.gc0, k, v.big_h);
    for (i64 d = 0; d < s.D; d++) {
        expect(g[d][0], v.gw_ih[d], k, v.big_w_ih), expect(g[d][1], v.gw_hh[d], k, v.big_w_hh);
        expect(g[d][2], v.gb_ih[d], k, v.big_b), expect(g[d][3], v.gb_hh[d], k, v.big_b);
        if (s.P) expect(g[d][4], v.gw_hr[d], k, v.big_w_hr);
    }
}
static void one_layer(int dt, int kind, shape s, int how) {
    layer v = {.kind = kind, .G = kind == LSTM ? 4 : kind == GRU ? 3 : 1, .K = s.P ? s.P : s.H};
    v.rows = lengths(&v, s);
    const i64 GH = v.G * s.H, K = v.K, n_h = s.D * s.N * K, n_c = s.D * s.N * s.H, n_y = v.rows * s.D * K;
    const double w = 1 / sqrt((double)(K ? K : 1));
    const int lstm = kind == LSTM, keep = !(how & NOT_KEPT);
    arr *x = in(v.rows * s.I, dt, -1, 1), *h0 = in(n_h, dt, -1, 1), *c0 = lstm ? in(n_c, dt, -1, 1) : NULL;
    arr *sizes = s.packed ? array(s.L, I64) : NULL, *y = out(n_y, dt), *hn = out(n_h, dt), *cn = lstm ? out(n_c, dt) : NULL;
    arr *gates = keep && kind <= GRU ? out(s.D * v.rows * 4 * s.H, dt) : NULL, *m = s.P ? out(s.D * v.rows * s.H, dt) : NULL;
    arr *cells = keep && lstm ? out(s.D * v.rows * 2 * s.H, dt) : NULL;
    for (i64 t = 0; sizes && t < s.L; t++) put(sizes, t, (double)v.size[t]);
    udl_lstm_args f = {.y = P(y), .hn = P(hn), .cn = P(cn), .gates = P(gates), .cells = P(cells), .m = P(m), .x = P(x), .h0 = P(h0),
                       .c0 = P(c0), .batch_sizes = P(sizes), .dtype = dt, .L = s.L, .N = s.N, .I = s.I, .H = s.H, .P = s.P,
                       .D = s.D, .rows = v.rows, .act = kind == RELU ? UDL_ACT_RELU : UDL_ACT_NONE};
    for (i64 d = 0; d < s.D; d++) {
        const i64 n[5] = {GH * s.I, GH * K, GH, GH, s.P * s.H};
        double **values[5] = {&v.w_ih[d], &v.w_hh[d], &v.b_ih[d], &v.b_hh[d], &v.w_hr[d]};
        const void **fields[5] = {&f.w_ih[d], &f.w_hh[d], &f.b_ih[d], &f.b_hh[d], &f.w_hr[d]};
        for (int i = 0; i < 5; i++) {
            if ((how & NO_BIAS && (i == 2 || i == 3)) || (i == 4 && !s.P)) continue;
            arr *a = in(n[i], dt, -w, w);
            *values[i] = copy(a), *fields[i] = P(a);
        }
    }
    v.x = copy(x), v.h0 = copy(h0), v.c0 = copy(c0), v.y = fresh(n_y), v.hn = fresh(n_h), v.cn = fresh(n_c);
    v.gates = fresh(s.D * v.rows * 4 * s.H), v.cells = fresh(s.D * v.rows * 2 * s.H), v.m = fresh(s.D * v.rows * s.H);
    run(ids[kind][0], &f, TEXT);
    forward(&v, s);
    const double k = 8;
    expect(y, v.y, k, v.big_h), expect(hn, v.hn, k, v.big_h);
    if (cn) expect(cn, v.cn, k, v.big_h);
    if (gates) expect(gates, v.gates, k, v.big_h);
    if (cells) expect(cells, v.cells, k, v.big_h);
    if (m) expect(m, v.m, k, v.big_h);
    if (keep) {
        v.y = copy(y);
        if (gates) v.gates = copy(gates);
        if (cells) v.cells = copy(cells);
        if (m) v.m = copy(m);
        v.big_h = 1;
        one_backward(dt, v, s, how, &f);
    }
    while (in_bag) free(bag[--in_bag]);
    done();
}

void smoke_recurrent(void) {
    static const shape shapes[] = {
        {1, 1, 1, 1, 0, 1, 0},   {2, 5, 3, 7, 0, 2, 0},   {5, 3, 4, 9, 0, 2, 0},    {9, 33, 6, 33, 0, 1, 0}, /* three groups */
        {4, 16, 10, 64, 0, 1, 0},                                                  /* units cut into pieces that wait */
        {3, 2, 5, 300, 0, 1, 0}, {6, 1, 40, 130, 0, 1, 0}, {7, 20, 5, 19, 0, 2, 1}, {2, 9, 4, 17, 0, 2, 1},
        {4, 0, 3, 5, 0, 2, 0},   {3, 8, 0, 6, 0, 1, 0},   {1, 18, 12, 24, 0, 1, 0},
        {6, 19, 7, 21, 5, 2, 0}, {2, 4, 3, 8, 1, 1, 0},   {5, 18, 3, 10, 16, 2, 1}, {3, 0, 3, 8, 2, 1, 0},
    };
    static const int hows[] = {0, NO_BIAS | NOT_KEPT, NO_BIAS | NO_GH0 | NO_GHN, NO_GY};
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++)
            for (int kind = LSTM; kind <= RELU; kind++)
                for (int h = 0; h < LEN(hows) && (!shapes[i].P || kind == LSTM); h++) one_layer(dt, kind, shapes[i], hows[h]);
}
