/* smoke_attention.c - smoke test of attention, forward and backward: few queries and many, masks, causal, dropout, heads
 * that share keys, strides.
 *
 * A score x is a sum of D products and a mask; X is the largest sum of their sizes. x is off by some roundings of X, and its
 * weight by as many of itself: k = 8 + 2 X, and scale is the largest sum of the sizes of the terms of any element. */
#include "smoke.h"

enum { NONE, BYTES, NUMBERS };
enum { PLAIN, INSIDE, GAPS }; /* rows of a head side by side; heads inside a row; rows apart */
typedef struct { i64 B, H, G, L, S, D, E; } sizes;
typedef struct { int mask, causal, layout, steep, keep_stats; double p; } kind;
typedef struct { double out, gq, gk, gv, x; } largest; /* sums of the sizes of terms */

static double *copy(const arr *a) {
    double *d = reals(a->n);
    for (i64 i = 0; i < a->n; i++) d[i] = get(a, i);
    return d;
}
static i64 lay(i64 s[3], int layout, i64 B, i64 heads, i64 rows, i64 width) { /* strides; returns how many numbers */
    const i64 row = layout == INSIDE ? heads * width : layout == GAPS ? width + 3 : width;
    s[2] = row, s[1] = layout == INSIDE ? width : rows * row, s[0] = layout == INSIDE ? rows * row : heads * rows * row;
    return B * s[0];
}
static double *nowhere(i64 n) { /* what lies between the rows stays as `out` left it */
    double *d = reals(n);
    for (i64 i = 0; i < n; i++) d[i] = NAN;
    return d;
}
static void zero(double *p, i64 rows, i64 width, const i64 s[3], i64 b, i64 h) {
    for (i64 r = 0; r < rows; r++)
        for (i64 i = 0; i < width; i++) p[b * s[0] + h * s[1] + r * s[2] + i] = 0;
}

/* one row of weights: w[S] = softmax, keep[S] = factors of dropout; returns log2 of the sum of 2^(log2(e) x) and its maximum */
static double weights(const udl_attention_args *a, const double *q, const double *k, const double *mask, i64 b, i64 h, i64 l,
                      double *w, double *keep, double *top, largest *big) {
    double sum = 0, max = -INFINITY;
    for (i64 s = 0; s < a->S; s++) {
        double x = 0, size = 0;
        for (i64 d = 0; d < a->D; d++) {
            const double t = a->scale * q[b * a->q_s[0] + h * a->q_s[1] + l * a->q_s[2] + d] *
                             k[b * a->k_s[0] + h / a->G * a->k_s[1] + s * a->k_s[2] + d];
            x += t, size += fabs(t);
        }
        const double m = mask ? mask[b * a->mask_s[0] + h * a->mask_s[1] + l * a->mask_s[2] + s * a->mask_s[3]] : 0;
        if (a->mask_kind == NUMBERS) x += m, size += isinf(m) ? 0 : fabs(m);
        if ((a->mask_kind == BYTES && m == 0) || (a->causal && s > l)) x = -INFINITY;
        big->x = fmax(big->x, size), w[s] = x, max = fmax(max, x);
    }
    for (i64 s = 0; s < a->S; s++) w[s] = max == -INFINITY ? 0 : exp(w[s] - max), sum += w[s];
    for (i64 s = 0; s < a->S; s++) {
        uint32_t word[4];
        const i64 counter = a->offset + ((b * a->H + h) * a->S + s) * ((a->L + 3) / 4) + l / 4;
        udl_philox((uint64_t)a->seed, (uint64_t)counter, 0, word);
        keep[s] = word[l % 4] < a->p * 0x1p32 ? 0 : 1 / (1 - a->p);
        w[s] = sum > 0 ? w[s] / sum : 0;
    }
    *top = max / log(2);
    return log2(sum);
}

typedef struct { const double *q, *k, *v, *mask, *gy; double *out, *gq, *gk, *gv, *top, *sum; } values;

/* forward (gy == NULL) or backward of row l; scratch[4 S] */
static void one_row(const udl_attention_args *a, const udl_attention_backward_args *g, const values *x, i64 b, i64 h, i64 l,
                    double *scratch, largest *big, double *size_k, double *size_v) {
    const i64 S = a->S, at = (b * a->H + h) * a->L + l, v0 = b * a->v_s[0] + h / a->G * a->v_s[1];
    double *w = scratch, *keep = w + S, *gp = keep + S, d = 0;
    x->sum[at] = weights(a, x->q, x->k, x->mask, b, h, l, w, keep, &x->top[at], big);
    double *o = x->out + b * a->o_s[0] + h * a->o_s[1] + l * a->o_s[2];
    for (i64 e = 0; e < a->E && !g; e++) {
        double size = 0, sum = 0;
        for (i64 s = 0; s < S; s++) {
            const double t = w[s] * keep[s] * x->v[v0 + s * a->v_s[2] + e];
            sum += t, size += fabs(t);
        }
        o[e] = sum, big->out = fmax(big->out, size);
    }
    if (!g) return;
    const double *gy = x->gy + b * g->g_s[0] + h * g->g_s[1] + l * g->g_s[2];
    double d_size = 0;
    for (i64 s = 0; s < S; s++) {
        double size = 0;
        gp[s] = 0;
        for (i64 e = 0; e < a->E; e++) {
            const double t = keep[s] * gy[e] * x->v[v0 + s * a->v_s[2] + e];
            gp[s] += t, size += fabs(t);
            x->gv[b * g->gv_s[0] + h / a->G * g->gv_s[1] + s * g->gv_s[2] + e] += w[s] * keep[s] * gy[e];
        }
        d += w[s] * gp[s], d_size += w[s] * size, gp[s + S] = size, size_v[s] += w[s] * keep[s];
        big->gv = fmax(big->gv, size_v[s]); /* |gy| <= 1 */
    }
    double q_size = 0;
    for (i64 s = 0; s < S; s++) {
        const double gx = a->scale * w[s] * (gp[s] - d), size = a->scale * w[s] * (gp[s + S] + d_size);
        q_size += size, size_k[s] += size;
        big->gq = fmax(big->gq, q_size), big->gk = fmax(big->gk, size_k[s]); /* |q|, |k| <= 1 */
        for (i64 i = 0; i < a->D; i++) {
            x->gq[b * g->gq_s[0] + h * g->gq_s[1] + l * g->gq_s[2] + i] +=
                gx * x->k[b * a->k_s[0] + h / a->G * a->k_s[1] + s * a->k_s[2] + i];
            x->gk[b * g->gk_s[0] + h / a->G * g->gk_s[1] + s * g->gk_s[2] + i] +=
                gx * x->q[b * a->q_s[0] + h * a->q_s[1] + l * a->q_s[2] + i];
        }
    }
}
static largest all_rows(const udl_attention_args *a, const udl_attention_backward_args *g, const values *x) {
    double *scratch = reals(4 * a->S), *size = reals(2 * a->S * (a->B * a->H + 1));
    largest big = {0};
    for (i64 b = 0; b < a->B; b++)
        for (i64 h = 0; h < a->H; h++) {
            if (!g) zero(x->out, a->L, a->E, a->o_s, b, h);
            if (g) zero(x->gq, a->L, a->D, g->gq_s, b, h);
            if (g && h % a->G == 0) zero(x->gk, a->S, a->D, g->gk_s, b, h / a->G), zero(x->gv, a->S, a->E, g->gv_s, b, h / a->G);
            double *size_k = size + 2 * a->S * (b * (a->H / a->G) + h / a->G);
            for (i64 l = 0; l < a->L; l++) one_row(a, g, x, b, h, l, scratch, &big, size_k, size_k + a->S);
        }
    free(scratch), free(size);
    return big;
}

static arr *make_mask(udl_attention_args *a, int dt, int v) { /* v: 0 of every row, 1 the same for all heads, 2 of keys alone */
    const i64 rows = v == 0 ? a->B * a->H * a->L : v == 1 ? a->L : a->B, full[4] = {a->H * a->L * a->S, a->L * a->S, a->S, 1};
    for (int i = 0; i < 4; i++) a->mask_s[i] = v == 0 || (v == 1 && i >= 2) || i == 3 ? full[i] : 0;
    if (v == 2) a->mask_s[0] = a->S;
    arr *m = in(rows * a->S, a->mask_kind == BYTES ? UDL_BOOL : dt, 0, 2);
    for (i64 r = 0; r < rows; r++)
        for (i64 s = 0; s < a->S; s++) {
            const int hidden = uniform(0, 1) < 0.3 || r == rows / 2; /* of one row, everything */
            put(m, r * a->S + s, a->mask_kind == BYTES ? !hidden : hidden ? -INFINITY : uniform(-2, 2));
        }
    return m;
}

#define TEXT                                                                                                                \
    "dtype %d, B %d H %d G %d L %d S %d D %d E %d, mask %d, causal %d, layout %d, p %g", dt, (int)n.B, (int)n.H, (int)n.G,   \
        (int)n.L, (int)n.S, (int)n.D, (int)n.E, v.mask, v.causal, v.layout, v.p
static void check_stats(const arr *stats, const values *x, double k) { /* m: near the maximum; with 1 / sum, exact */
    const i64 n = stats->n / 2;
    double *want = reals(stats->n);
    for (i64 i = 0; i < n; i++) {
        const double m = get(stats, i), top = x->top[i];
        const int none = top == -INFINITY, near = m <= top + 1e-3 * (1 + fabs(top)) && m >= top - 41;
        want[i] = none ? INFINITY : near ? m : top;
        want[n + i] = none ? 0 : exp2(m - top - x->sum[i]);
    }
    expect(stats, want, k, 0);
    free(want);
}
static void one_attention(int dt, sizes n, kind v, int which) {
    udl_attention_args a = {.dtype = dt, .B = n.B, .H = n.H, .G = n.G, .L = n.L, .S = n.S, .D = n.D, .E = n.E,
                            .mask_kind = v.mask, .causal = v.causal, .seed = 77, .offset = 1000003, .p = v.p};
    const i64 few = n.H / n.G, nq = lay(a.q_s, v.layout, n.B, n.H, n.L, n.D), no = lay(a.o_s, v.layout, n.B, n.H, n.L, n.E);
    const i64 nk = lay(a.k_s, v.layout, n.B, few, n.S, n.D), nv = lay(a.v_s, v.layout, n.B, few, n.S, n.E);
    a.scale = v.steep ? 40 : 1 / sqrt((double)(n.D ? n.D : 1));
    arr *q = in(nq, dt, -1, 1), *k = in(nk, dt, -1, 1), *val = in(nv, dt, -1, 1), *gy = in(no, dt, -1, 1);
    for (i64 i = 0; v.steep && i < nk; i++) put(k, i, get(k, i) * (double)i / (double)nk); /* the maximum comes late */
    arr *mask = v.mask ? make_mask(&a, dt, which) : NULL;
    arr *out_ = out(no, dt), *stats = v.keep_stats ? out(2 * n.B * n.H * n.L, dt) : NULL;
    a.out = P(out_), a.stats = P(stats), a.q = P(q), a.k = P(k), a.v = P(val), a.mask = P(mask);
    values x = {copy(q), copy(k), copy(val), mask ? copy(mask) : NULL, copy(gy), nowhere(no), nowhere(nq), nowhere(nk),
                nowhere(nv), reals(n.B * n.H * n.L), reals(n.B * n.H * n.L)};
    run(UDL_K_attention, &a, TEXT);
    largest big = all_rows(&a, NULL, &x);
    const double error = 8 + 2 * big.x;
    expect(out_, x.out, error, big.out);
    if (stats) {
        check_stats(stats, &x, error + sqrt((double)n.S) / 4); /* a running sum of one sign */
        arr *gq = out(nq, dt), *gk = out(nk, dt), *gv = out(nv, dt);
        udl_attention_backward_args g = {
            .gq = P(gq), .gk = P(gk), .gv = P(gv), .q = a.q, .k = a.k, .v = a.v, .mask = a.mask, .out = a.out, .stats = a.stats,
            .gy = P(gy), .dtype = dt, .B = n.B, .H = n.H, .G = n.G, .L = n.L, .S = n.S, .D = n.D, .E = n.E,
            .mask_kind = a.mask_kind, .causal = a.causal, .seed = a.seed, .offset = a.offset, .scale = a.scale, .p = a.p};
        const size_t three = sizeof a.q_s;
        memcpy(g.q_s, a.q_s, three), memcpy(g.k_s, a.k_s, three), memcpy(g.v_s, a.v_s, three), memcpy(g.o_s, a.o_s, three);
        memcpy(g.gq_s, a.q_s, three), memcpy(g.gk_s, a.k_s, three), memcpy(g.gv_s, a.v_s, three), memcpy(g.g_s, a.o_s, three);
        memcpy(g.mask_s, a.mask_s, sizeof a.mask_s);
        run(UDL_K_attention_backward, &g, TEXT);
        big = all_rows(&a, &g, &x);
        expect(gq, x.gq, error, big.gq), expect(gk, x.gk, error, big.gk), expect(gv, x.gv, error, big.gv);
    }
    double *all[] = {(double *)x.q, (double *)x.k, (double *)x.v, (double *)x.mask, (double *)x.gy, x.out, x.gq, x.gk, x.gv,
                     x.top, x.sum};
    for (int i = 0; i < LEN(all); i++) free(all[i]);
    done();
}

void smoke_attention(void) {
    static const sizes shapes[] = {
        {1, 1, 1, 1, 1, 1, 1},      {2, 4, 2, 1, 37, 8, 8},     {2, 3, 1, 5, 300, 16, 9}, /* attention_few */
        {1, 2, 1, 9, 5, 3, 4},      {2, 4, 4, 33, 50, 17, 8},   {1, 2, 1, 70, 150, 64, 64}, {1, 1, 1, 200, 320, 8, 24},
        {3, 8, 2, 12, 30, 8, 8},    {2, 2, 1, 0, 7, 4, 4},      {2, 2, 1, 11, 0, 4, 4},   {0, 2, 1, 5, 7, 4, 4},
        {2, 0, 1, 5, 7, 4, 4},      {1, 2, 1, 11, 7, 0, 4},     {1, 2, 1, 11, 7, 4, 0},   {2, 2, 2, 1, 0, 4, 4},
    };
    static const kind kinds[] = {
        {NONE, 0, PLAIN, 0, 1, 0},    {BYTES, 0, INSIDE, 0, 1, 0},   {NUMBERS, 0, GAPS, 0, 1, 0},  {NONE, 1, INSIDE, 0, 1, 0},
        {NONE, 1, PLAIN, 0, 1, 0.25}, {BYTES, 0, GAPS, 1, 1, 0},     {NONE, 0, INSIDE, 1, 1, 0.5}, {NUMBERS, 1, PLAIN, 0, 1, 0},
        {BYTES, 1, PLAIN, 0, 0, 0},   {NUMBERS, 0, INSIDE, 0, 0, 0},
    };
    EACH_FLOAT
        for (int i = 0; i < LEN(shapes); i++)
            for (int v = 0; v < LEN(kinds); v++) one_attention(dt, shapes[i], kinds[v], (i + v) % 3);
}
