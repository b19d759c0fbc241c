/* winograd_rows.c - the forward convolution with products of points along the rows only, for 7 x 7 and 5 x 5 filters (winograd.h).
 *
 *     y_p = sum over taps r of g_r d_{stride p + r},  p = 0, 1: two rows of outputs at a time, all columns tap by tap
 *
 * With stride 2 the even taps see the even rows of d and the odd taps the odd ones: two sums of stride 1. Each is taken at points
 * (Toom-Cook, two outputs of r taps need r + 1), and as the way back depends on the points alone, the odd taps use some of the even
 * ones' points and their products are added there:
 *     y_0 = sum over finite points x of m(x)      y_1 = sum of x m(x), and m(inf)
 *     B^T d at x: the coefficients of prod (z - x') over the finite x' other than x; at inf: over all of them
 *     G g at x: sum of g_r x^r / prod (x - x'); at inf: the last tap
 *
 *   filter  stride  points                             products of two outputs, of those tap by tap
 *   7 x 7     2     0, +-3/4, 3/2, inf; odd: no 3/2    9 of 14
 *   7 x 7     1     the same; the first 4 taps and the last 3 take the places of even and odd ones
 *   5 x 5     2     0, +-1, inf; odd: no -1            7 of 10
 *   5 x 5     1     0, +-5/8, +-3/2, inf               6 of 10
 *
 * task = pairs of output rows of one image. Their rows of B^T d stay in L2, the filters' points of a panel in L1, and the sums of a
 * tile at all points too: the micro-kernel reads rows of B^T d as gemm_taps reads an image. */
#include "gemm_tile.h"
#include "winograd.h"

enum { V = VW32, NR = GEMM_NV * VW32, MOST = 6, MOST_RS = 52, V_BYTES = 128 << 10 };

typedef struct { i64 first, taps, points, place[MOST]; float bt[MOST][MOST], g[MOST][MOST]; } phase; /* taps first, first + step .. */
typedef struct { i64 points, phases, lines, step; float x[MOST]; phase of[2]; } scheme; /* lines: points of both phases */

/* two outputs of `taps` taps at the first `taps` finite points and infinity, the last of all `points` */
static void toom_cook(phase *f, const double *x, i64 points) {
    const i64 n = f->points = f->taps + 1;
    for (i64 i = 0; i < n; i++) {
        double c[MOST + 1] = {1}, below = 1, power = 1; /* c: coefficients of the product so far */
        i64 degree = 0;
        for (i64 k = 0; k < n - 1; k++) {
            if (k == i) continue;
            for (i64 d = ++degree; d >= 0; d--) c[d] = (d ? c[d - 1] : 0) - x[k] * c[d];
            if (i < n - 1) below *= x[i] - x[k];
        }
        for (i64 d = 0; d < n; d++) f->bt[i][d] = (float)(d <= degree ? c[d] : 0);
        for (i64 t = 0; t < f->taps; t++, power *= i < n - 1 ? x[i] : 0) f->g[i][t] = (float)(i < n - 1 ? power / below : t == f->taps - 1);
        f->place[i] = i < n - 1 ? i : points - 1;
    }
}

static int scheme_of(const udl_conv *g, scheme *s) {
    static const double seven[] = {0, 0.75, -0.75, 1.5}, five[] = {0, 0.625, -0.625, 1.5, -1.5}, three[] = {0, 1, -1};
    const double *x = g->stride_h == 1 && g->R == 5 ? five : 0;
    if (g->stride_h == 2 && g->R == 5) x = three;
    if (g->stride_h <= 2 && g->R == 7) x = seven;
    if (!x || g->dil_h != 1 || g->R * g->S > MOST_RS || g->pad_h < 0 || g->pad_w < 0) return 0;
    *s = (scheme){.phases = g->R == 7 ? 2 : g->stride_h, .step = g->stride_h};
    for (i64 i = 0; i < s->phases; i++) {
        s->of[i].taps = (g->R - i + s->phases - 1) / s->phases;
        s->of[i].first = s->phases == s->step ? i : i * s->of[0].taps;
    }
    s->points = s->of[0].taps + 1;
    for (i64 i = 0; i < s->phases; i++) toom_cook(&s->of[i], x, s->points), s->lines += s->of[i].points;
    for (i64 i = 0; i < s->points - 1; i++) s->x[i] = (float)x[i];
    return 1;
}

typedef struct {
    const udl_conv *g; /* with an even number of output rows */
    scheme s;
    wino_filters f;
    i64 P, K, pairs, group, y_image, tap_at[MOST];
    i64 count[MOST], chain[MOST]; /* K: products of an output pair; count: of those, at a point; chain: in one chain of sums */
    i64 *tap;
    const float *w, *xp, *bias;
    float *u, *y;
    int act, failed;
    char *bad;
} rows_job;

/* ---- filters: panels of rows [m], in a panel [point][product][row] --------------------------------------------------------- */
static void filter_rows(const rows_job *j, i64 m, i64 n, i64 mr, float *to) { /* n filters of a panel of mr, n <= V */
    const udl_conv *g = j->g;
    const i64 RS = g->R * g->S;
    const float *row[V];
    vf32 t[MOST_RS];
    for (i64 c = 0; c < g->C; c++) {
        for (i64 r = 0; r < V; r++) row[r] = j->w + (m + UDL_MINI(r, n - 1)) * j->f.o + c * j->f.c;
        for (i64 k = 0; k < RS; k += 4) columns_f32(row, UDL_MINI(k, RS - 4), t + UDL_MINI(k, RS - 4));
        i64 before[MOST] = {0}; /* products of the first phase at a point */
        for (i64 p = 0; p < j->s.phases; p++) {
            const phase *f = &j->s.of[p];
            for (i64 i = 0; i < f->points; i++) {
                const i64 at = f->place[i];
                for (i64 s = 0; s < g->S; s++) {
                    vf32 sum = {0};
                    for (i64 a = 0; a < f->taps; a++) {
                        const i64 k = (f->first + a * j->s.step) * g->S + s;
                        sum = v_fma(t[j->f.turned ? RS - 1 - k : k], v_set_f32(f->g[i][a]), sum);
                    }
                    v_store_n(to + (j->tap_at[at] + before[at] + c * g->S + s) * mr, sum, (int)n);
                }
                before[at] = g->C * g->S;
            }
        }
    }
}
static void filters_task(void *ctx, i64 begin, i64 end) { /* pairs of panels, the last with the rest (gemm_rows) */
    const rows_job *j = ctx;
    i64 units = UDL_CEIL_DIV(j->g->O, GEMM_MR), parts = UDL_MAXI(1, units / 2);
    i64 m1 = UDL_MINI(units * end / parts * GEMM_MR, j->g->O);
    for (i64 m = units * begin / parts * GEMM_MR, mr; m < m1; m += mr) {
        mr = gemm_rows(m1 - m);
        for (i64 i = 0; i < mr; i += V) filter_rows(j, m + i, UDL_MINI(V, mr - i), mr, j->u + m * j->K + i);
    }
}

/* ---- pairs of rows ----------------------------------------------------------------------------------------------------------- */
/* B^T of the rows d that a pair sees, at the N points of a phase: v[point][channel][row] */
VFN void read_points(int N, const rows_job *j, const phase *f, const float *xp, float *v) {
    const udl_conv *g = j->g;
    const i64 down = j->s.step * g->row, line = g->C * g->row;
    for (i64 c = 0; c < g->C; c++)
        for (i64 q = 0; q < g->row; q += V) {
            const float *x = xp + c * g->Hp * g->row + q;
            float *to = v + c * g->row + q;
            vf32 d[MOST];
            _Pragma("GCC unroll 6") for (int i = 0; i < N; i++) d[i] = v_load(x + i * down);
            _Pragma("GCC unroll 6") for (int i = 0; i < N; i++, to += line) {
                vf32 sum = d[0] * f->bt[i][0];
                _Pragma("GCC unroll 6") for (int k = 1; k < N; k++) sum = v_fma(d[k], v_set_f32(f->bt[i][k]), sum);
                if (g->row - q >= V) v_store(to, sum);
                else v_store_n(to, sum, (int)(g->row - q));
            }
        }
}
static void read_pair(const rows_job *j, const float *xp, float *v) {
    for (i64 p = 0; p < j->s.phases; p++) {
        const phase *f = &j->s.of[p];
        const float *x = xp + f->first * j->g->row;
        if (f->points == 3) read_points(3, j, f, x, v);
        else if (f->points == 4) read_points(4, j, f, x, v);
        else if (f->points == 5) read_points(5, j, f, x, v);
        else read_points(6, j, f, x, v);
        v += f->points * j->g->C * j->g->row;
    }
}

/* sums[point][filter][column] of a tile of MR filters and NV vectors of columns, at all points, in chains of sums. Points have few
 * products (42 for 7 x 7 of 3 channels), so that a call for each would take a third of the time. S, stride: those of the columns, or 0:
 * any; if known, a tap is a place beside the first of its row, and no address is read for it. */
VFN void sums_of(int MR, int NV, int S, int stride, const rows_job *j, const float *u, const float *v, float *sums) {
    const i64 *tap = j->tap, half = j->g->Wq;
    for (i64 at = 0; at < j->s.points; at++, sums += GEMM_MR * NR)
        for (i64 left = j->count[at], k; left > 0; left -= k) {
            vf32 acc[GEMM_MR][GEMM_NV];
            k = UDL_MINI(left, j->chain[at]);
#define EACH _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) _Pragma("GCC unroll 4") for (int n = 0; n < NV; n++)
#define STEP(from)                                                                                                     \
    do {                                                                                                               \
        const float *x = (from);                                                                                       \
        vf32 b[GEMM_NV];                                                                                               \
        _Pragma("GCC unroll 4") for (int n = 0; n < NV; n++) b[n] = v_load(x + n * V);                                 \
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {                                                        \
            const vf32 a = v_set_f32(u[i]);                                                                            \
            _Pragma("GCC unroll 4") for (int n = 0; n < NV; n++) tile_fma_f32(&acc[i][n], b[n], a);                    \
        }                                                                                                              \
        u += MR;                                                                                                       \
        EACH GEMM_PIN(acc[i][n]);                                                                                      \
    } while (0)
            EACH { acc[i][n] = (vf32){0}; GEMM_PIN(acc[i][n]); }
            for (i64 t = 0; S && t < k; t += S, tap += S) {
                const float *row = v + *tap, *odd = row + half;
                _Pragma("GCC unroll 7") for (int e = 0; e < S; e++) STEP(stride == 1 ? row + e : e % 2 ? odd + e / 2 : row + e / 2);
            }
            for (i64 t = 0; !S && t < k; t++, tap++) STEP(v + *tap);
            if (left < j->count[at]) EACH acc[i][n] += v_load(sums + i * NR + n * V);
            EACH v_store(sums + i * NR + n * V, acc[i][n]);
#undef EACH
#undef STEP
        }
}
#define MICRO(mr, nv) \
    static void sums_##mr##x##nv(const rows_job *j, const float *u, const float *v, float *sums) { sums_of(mr, nv, 0, 0, j, u, v, sums); }
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define NAMES(mr) {sums_##mr##x1, sums_##mr##x2},
EACH_MR(MICROS)
typedef void (*micro)(const rows_job *, const float *, const float *, float *);
static const micro micros[GEMM_MR][GEMM_NV] = {EACH_MR(NAMES)};
#define WHOLE(S, stride)                                                                                               \
    static void sums_##S##_##stride(const rows_job *j, const float *u, const float *v, float *sums) {                  \
        sums_of(GEMM_MR, 2, S, stride, j, u, v, sums);                                                                 \
    }
WHOLE(7, 1)
WHOLE(7, 2)
WHOLE(5, 2)
WHOLE(5, 1)
static micro whole_tile(const udl_conv *g) {
    const micro any = micros[GEMM_MR - 1][1];
    if (g->dil_w != 1 || g->stride_w > 2) return any;
    if (g->S == 7) return g->stride_w == 2 ? sums_7_2 : sums_7_1;
    return g->S != 5 ? any : g->stride_w == 2 ? sums_5_2 : sums_5_1;
}

static __attribute__((noinline)) void put(const rows_job *j, vf32 r, float bias, float *to, i64 n) {
    r += bias;
    if (j->act == UDL_ACT_RELU) r = v_sel(r < 0, (vf32){0}, r);
    if (n >= V) v_store(to, r);
    else v_store_n(to, r, (int)n);
    if (j->act <= UDL_ACT_RELU) return;
    gemm_epilogue_f32 rare = {.alpha = 1, .act = j->act};
    float t[V] = {0};
    v_store(t, r);
    INTERNAL(gemm_finish_f32)(1, UDL_MINI(n, (i64)V), t, V, to, 0, &rare);
}

/* sums[point][filter][column] of mr filters and n columns -> two rows of y; adds 0 to *bad, or NaN where a result is not finite */
VFN void write_points(int N, const rows_job *j, const float *sums, i64 mr, i64 n, i64 m, float *to, int both, vf32 *bad) {
    const i64 PQ = j->P * j->g->Q;
    const int plain = both && j->act <= UDL_ACT_RELU, relu = j->act == UDL_ACT_RELU;
    const vf32 zero = {0};
    vf32 x[MOST];
    _Pragma("GCC unroll 6") for (int i = 1; i < N - 1; i++) x[i] = v_set_f32(j->s.x[i]);
#define OUTPUTS(r)                                                                                                     \
    const float *s = sums + (r) * NR + v, bias = j->bias ? j->bias[m + (r)] : 0;                                       \
    float *at = to + (r) * PQ + v;                                                                                     \
    vf32 y0 = v_load(s), y1 = v_load(s + (N - 1) * GEMM_MR * NR);                                                      \
    _Pragma("GCC unroll 6") for (int i = 1; i < N - 1; i++) {                                                          \
        const vf32 k = v_load(s + i * GEMM_MR * NR);                                                                   \
        y0 += k, y1 = v_fma(k, x[i], y1);                                                                              \
    }                                                                                                                  \
    seen0 = v_fma(y0, zero, seen0), seen1 = v_fma(y1, zero, seen1)
    for (i64 v = 0; v < n; v += V) {
        vf32 seen0 = zero, seen1 = zero;
        if (plain && n - v >= V) {
            for (i64 r = 0; r < mr; r++) {
                OUTPUTS(r);
                y0 += bias, y1 += bias;
                if (relu) y0 = v_sel(y0 < 0, zero, y0), y1 = v_sel(y1 < 0, zero, y1);
                v_store(at, y0), v_store(at + j->g->Q, y1);
            }
            *bad += seen0 + seen1;
            continue;
        }
        for (i64 r = 0; r < mr; r++) {
            OUTPUTS(r);
            put(j, y0, bias, at, n - v);
            if (both) put(j, y1, bias, at + j->g->Q, n - v);
        }
        seen0 += seen1;
        if (n - v < V) { /* the other columns say nothing */
            float lanes[V] = {0};
            v_store_n(lanes, seen0, (int)(n - v));
            seen0 = v_load(lanes);
        }
        *bad += seen0;
    }
#undef OUTPUTS
}
static void write_tile(const rows_job *j, const float *sums, i64 mr, i64 n, i64 m, float *to, int both, vf32 *bad) {
    if (j->s.points == 4) write_points(4, j, sums, mr, n, m, to, both, bad);
    else if (j->s.points == 5) write_points(5, j, sums, mr, n, m, to, both, bad);
    else write_points(6, j, sums, mr, n, m, to, both, bad);
}

static void pairs_task(void *ctx, i64 begin, i64 end) { /* groups of pairs of rows of one image */
    rows_job *j = ctx;
    const udl_conv *g = j->g;
    const i64 groups = UDL_CEIL_DIV(j->pairs, j->group), size = j->s.lines * g->C * g->row + 64, units = GEMM_MR * NR;
    const size_t bytes = sizeof(float) * (size_t)(j->group * size + j->s.points * units);
    float *sums = udl_alloc(bytes), *v = sums + j->s.points * units;
    const micro full = whole_tile(g);
    if (!sums) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const i64 image = t / groups, first = t % groups * j->group, count = UDL_MINI(j->group, j->pairs - first);
        const float *xp = j->xp + image * g->size + 2 * first * g->step;
        vf32 bad = {0};
        for (i64 i = 0; i < count; i++) {
            read_pair(j, xp + 2 * i * g->step, v + i * size);
            memset(v + (i + 1) * size - 64, 0, 64 * sizeof(float));
        }
        for (i64 m = 0, mr; m < g->O; m += mr) {
            mr = gemm_rows(g->O - m);
            const float *u = j->u + m * j->K;
            for (i64 i = 0; i < count; i++)
                for (i64 at = 0, n; at < g->Q; at += NR) { /* the last columns move back over some that are done, which come out the same */
                    n = UDL_MINI((i64)NR, g->Q - at);
                    const i64 whole = UDL_CEIL_DIV(n, V) * V, q = g->Q >= whole ? UDL_MINI(at, g->Q - whole) : at;
                    float *to = j->y + image * j->y_image + (m * j->P + 2 * (first + i)) * g->Q + q;
                    for (i64 r = 0; r < mr; r++) /* asked for before the sums, stored to after them */
                        for (i64 l = 0; l < whole; l += 16)
                            __builtin_prefetch(to + r * j->P * g->Q + l, 1), __builtin_prefetch(to + r * j->P * g->Q + g->Q + l, 1);
                    (mr == GEMM_MR && whole == NR ? full : micros[mr - 1][whole / V - 1])(j, u, v + i * size + q, sums);
                    write_tile(j, sums, mr, UDL_MINI(whole, g->Q - q), m, to, 2 * (first + i) + 1 < j->P, &bad);
                }
        }
        if (v_sum(bad) != 0) __atomic_store_n(&j->bad[image], 1, __ATOMIC_RELAXED); /* NaN is not 0 */
    }
    udl_free(sums, bytes);
}

/* where the products of each point find their rows */
static void make_taps(rows_job *j) {
    const udl_conv *g = j->g;
    i64 *tap = j->tap;
    for (i64 at = 0; at < j->s.points; at++, tap = j->tap + j->K) {
        j->tap_at[at] = j->K;
        for (i64 p = 0, line = 0; p < j->s.phases; line += j->s.of[p++].points)
            for (i64 i = 0; i < j->s.of[p].points; i++) {
                if (j->s.of[p].place[i] != at) continue;
                for (i64 c = 0; c < g->C; c++)
                    for (i64 s = 0; s < g->S; s++) {
                        const i64 w = s * g->dil_w;
                        *tap++ = ((line + i) * g->C + c) * g->row + w % g->stride_w * g->Wq + w / g->stride_w;
                    }
            }
        j->count[at] = tap - j->tap - j->K, j->K += j->count[at];
        /* whole rows of taps, about WINO_CHUNK of them in a chain */
        const i64 rows = j->count[at] / g->S, most = UDL_MAXI(1, (WINO_CHUNK + g->S / 2) / g->S);
        j->chain[at] = UDL_CEIL_DIV(rows, UDL_MAXI(1, (rows + most / 2) / most)) * g->S;
    }
}

static int run(rows_job *j, const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, const float *bias, char *bad) {
    const i64 X = g->C * g->H * g->W, Y = g->O * j->P * g->Q, size = j->s.lines * g->C * g->row;
    const i64 most = UDL_MAXI(1, CONV_PADDED / (g->size * (i64)sizeof(float))), images = UDL_CEIL_DIV(N, UDL_CEIL_DIV(N, most));
    const size_t taps = sizeof(i64) * (size_t)(j->s.lines * g->C * g->S), us = sizeof(float) * (size_t)(j->s.lines * g->C * g->S * g->O);
    const size_t pads = sizeof(float) * (size_t)(images * g->size);
    float *xp = udl_alloc(pads);
    int status = UDL_OK;
    j->xp = xp, j->tap = udl_alloc(taps), j->u = udl_alloc(us);
    if (!xp || !j->tap || !j->u) status = UDL_ENOMEM;
    else make_taps(j);
    j->group = UDL_MAXI(1, UDL_MINI(V_BYTES / (size * (i64)sizeof(float)), N * j->pairs / 16));
    for (i64 n = j->group; n > 1 && 2 * n > j->group; n--) /* an even number of tasks: two threads share them without a rest */
        if (images * UDL_CEIL_DIV(j->pairs, n) % 2 == 0) { j->group = n; break; }
    for (i64 i = 0; i < G && !status; i++) {
        i64 parts = UDL_MAXI(1, UDL_CEIL_DIV(g->O, GEMM_MR) / 2);
        j->w = w + i * g->O * g->K, j->bias = bias ? bias + i * g->O : 0;
        udl_parallel_for(parts, UDL_MAXI(1, 8192 / (j->K * 2 * GEMM_MR)), filters_task, j);
        for (i64 n = 0; n < N && !status; n += images) {
            i64 count = UDL_MINI(images, N - n);
            INTERNAL(conv_pad_f32)(g, xp, x + (n * G + i) * X, count, G * X);
            j->y = y + (n * G + i) * Y, j->bad = bad + n;
            udl_parallel_for(count * UDL_CEIL_DIV(j->pairs, j->group), 1, pairs_task, j);
            if (j->failed) status = UDL_ENOMEM;
        }
    }
    if (xp) udl_free(xp, pads);
    if (j->tap) udl_free(j->tap, taps);
    if (j->u) udl_free(j->u, us);
    return status;
}

int INTERNAL(wino_rows_forward)(WINO_FORWARD) {
    const i64 pairs = (g->P + 1) / 2;
    const udl_conv even = conv_geometry(g->C, g->H, g->W, g->O, g->R, g->S, 2 * pairs, g->Q, g->stride_h, g->stride_w, g->pad_h,
                                        g->pad_w, 1, g->dil_w);
    rows_job j = {.g = &even, .f = f, .P = g->P, .pairs = pairs, .y_image = G * g->O * g->P * g->Q, .act = act};
    scheme_of(g, &j.s);
    return run(&j, &even, N, G, y, x, w, bias, bad);
}

/* cycles from the shape, with two whole multiply-adds a cycle; tap by tap would be faster at once where there is no scheme */
double INTERNAL(wino_rows_cycles)(const udl_conv *g, i64 N) {
    scheme s;
    if (g->O < 8 || !scheme_of(g, &s)) return 1e300;
    const double C = (double)g->C, O = (double)g->O, K = C * (double)(g->S * s.lines), pairs = (double)(N * ((g->P + 1) / 2));
    const double wide = (double)(g->Q / NR), rest = (double)(g->Q % NR), across = 2 * wide + (rest > V ? 2 : rest > 0 ? 1.34 : 0);
    return pairs * across * (O * K / 2 * 1.1 + O * 3.5 * (double)s.points) + pairs * (double)(g->row * s.points * s.lines) * C / (2 * V) +
           O * K * (double)s.points / V + 10000;
}
