/* conv_depthwise.c - depthwise convolution of small planes: one filter a channel, channels on the vector axis.
 *
 *     y[c, p, q] = act(b[c] + sum over r, s of w[c, r, s] x[c, stride p + r dil - pad, ..])
 *
 * A narrow row would waste lanes, or be as much border as pixels, so VW planes are transposed in registers into one padded plane of vectors,
 * which stays in L1 like the result, and back. A tile of TILE pixels of a row keeps its sums in registers over all taps.
 * Floor: a multiply-add and a load for VW channels, a pixel and a tap; bytes of x and y. */
#include "columns.h"
#include "conv2d.h"

enum { V = VW32, TILE = 8, MOST_BYTES = 32 << 10, NARROW = V > 16 ? V : 16 };

typedef struct { const udl_conv *g; i64 G, Wp, act; float *y; const float *x, *w, *b; int failed; } depthwise;

static i64 plane_vectors(const udl_conv *g) { return g->Hp * ((g->Q - 1) * g->stride_w + (g->S - 1) * g->dil_w + 1); }

int INTERNAL(conv_is_depthwise)(const udl_conv *g) {
    return g->C == 1 && g->O == 1 && !g->plain && g->Q < NARROW && g->P * g->Q >= 4 && g->H * g->W >= 4 && g->R * g->S >= 4 &&
           plane_vectors(g) * V * (i64)sizeof(float) <= MOST_BYTES;
}

/* to[l] = numbers k.. of V rows, four at a time; the last four move back. place: where each goes, or -1 */
static void transposed(const float *const row[V], i64 n, const i64 *place, vf32 *to) {
    for (i64 k = 0; k < n; k += 4) {
        const i64 at = UDL_MINI(k, n - 4);
        vf32 q[4];
        columns_f32(row, at, q);
        _Pragma("GCC unroll 4") for (int e = 0; e < 4; e++) {
            const i64 i = place ? place[at + e] : at + e;
            if (i >= 0) to[i] = q[e];
        }
    }
}

/* n pixels of a row, at x[i step]; n is constant */
VFN void sums(const udl_conv *g, const vf32 *x, i64 Wp, const vf32 *w, vf32 bias, int relu, vf32 *y, int n) {
    const i64 step = g->stride_w;
    vf32 s[TILE];
    _Pragma("GCC unroll 8") for (int i = 0; i < n; i++) s[i] = bias;
    for (i64 r = 0; r < g->R; r++)
        for (i64 t = 0; t < g->S; t++) {
            const vf32 f = *w++, *from = x + r * g->dil_h * Wp + t * g->dil_w;
            _Pragma("GCC unroll 8") for (int i = 0; i < n; i++) s[i] = v_fma(from[i * step], f, s[i]);
        }
    _Pragma("GCC unroll 8") for (int i = 0; i < n; i++) y[i] = relu ? v_sel(s[i] < 0, (vf32){0}, s[i]) : s[i];
}

static void plane_sums(const depthwise *j, const vf32 *x, const vf32 *w, vf32 bias, vf32 *y) {
    const udl_conv *g = j->g;
    const int relu = j->act == UDL_ACT_RELU;
    for (i64 p = 0; p < g->P; p++)
        for (i64 q = 0; q < g->Q; q += TILE) { /* a last tile moves back over pixels that are done */
            const i64 left = g->Q - q, at = left >= TILE || g->Q < TILE ? q : g->Q - TILE;
            const vf32 *from = x + p * g->stride_h * j->Wp + at * g->stride_w;
            vf32 *to = y + p * g->Q + at;
            if (g->Q >= TILE) sums(g, from, j->Wp, w, bias, relu, to, TILE);
            else if (left == 7) sums(g, from, j->Wp, w, bias, relu, to, 7);
            else for (i64 i = 0; i < left; i++) sums(g, from + i * g->stride_w, j->Wp, w, bias, relu, to + i, 1);
        }
}

static void planes_task(void *ctx, i64 begin, i64 end) { /* task = (image, V channels) */
    depthwise *j = ctx;
    const udl_conv *g = j->g;
    const i64 HW = g->H * g->W, PQ = g->P * g->Q, RS = g->R * g->S, blocks = UDL_CEIL_DIV(j->G, V), size = plane_vectors(g);
    const size_t bytes = sizeof(vf32) * (size_t)(size + PQ + RS) + sizeof(i64) * (size_t)HW;
    vf32 *x = udl_alloc(bytes), *y = x + size, *w = y + PQ;
    i64 *place = (i64 *)(void *)(w + RS);
    if (!x) { j->failed = 1; return; }
    memset(x, 0, sizeof(vf32) * (size_t)size); /* the borders stay zero */
    for (i64 i = 0; i < HW; i++) {
        const i64 h = i / g->W + g->pad_h, c = i % g->W + g->pad_w;
        place[i] = h >= 0 && h < g->Hp && c >= 0 && c < j->Wp ? h * j->Wp + c : -1;
    }
    for (i64 t = begin; t < end; t++) {
        const i64 image = t / blocks, c = t % blocks * V, n = UDL_MINI((i64)V, j->G - c);
        const float *row[V], *filter[V];
        float bias[V] = {0};
        for (i64 l = 0; l < V; l++) {
            const i64 at = c + UDL_MINI(l, n - 1);
            row[l] = j->x + (image * j->G + at) * HW, filter[l] = j->w + at * RS, bias[l] = j->b ? j->b[at] : 0;
        }
        transposed(row, HW, place, x);
        transposed(filter, RS, 0, w);
        plane_sums(j, x, w, v_load(bias), y);
        float *to = j->y + (image * j->G + c) * PQ;
        for (i64 k = 0; k < PQ; k += 4) {
            const i64 at = UDL_MINI(k, PQ - 4);
            rows_f32(y + at, to + at, PQ, n);
        }
        if (j->act > UDL_ACT_RELU) {
            gemm_epilogue_f32 e = {.alpha = 1, .act = (int)j->act};
            for (i64 l = 0; l < n; l++)
                for (i64 k = 0; k < PQ; k += V) {
                    float whole[V] = {0};
                    memcpy(whole, to + l * PQ + k, sizeof(float) * (size_t)UDL_MINI((i64)V, PQ - k));
                    INTERNAL(gemm_finish_f32)(1, UDL_MINI((i64)V, PQ - k), whole, V, to + l * PQ + k, 0, &e);
                }
        }
    }
    udl_free(x, bytes);
}

int INTERNAL(conv_depthwise)(const udl_conv *g, i64 N, i64 G, float *y, const float *x, const float *w, const float *b, int act) {
    depthwise j = {g, G, plane_vectors(g) / g->Hp, act, y, x, w, b, 0};
    const i64 cost = (g->P * g->Q * g->R * g->S + 2 * (g->H * g->W + g->P * g->Q)) * V * 2;
    udl_parallel_for(N * UDL_CEIL_DIV(G, V), UDL_MAXI(1, GEMM_TASK_FLOPS / 8 / cost), planes_task, &j);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

/* ---- gx where a stride skips pixels: each pixel gathers the few taps that meet it ------------------------------------------- */
enum { MOST_TAPS = 8, INPUT_BYTES = 256 << 10 };
typedef struct { i64 n, tap[MOST_TAPS], at[MOST_TAPS]; } meeting; /* taps and places of gy behind a row or column of gx */
typedef struct { const udl_conv2d_backward_input_args *a; const meeting *rows, *columns; int failed; } depthwise_input;

static void meetings(meeting *m, i64 size, i64 out, i64 taps, i64 stride, i64 pad, i64 dil) {
    for (i64 i = 0; i < size; i++, m++)
        for (i64 r = m->n = 0; r < taps; r++) {
            const i64 from = i + pad - r * dil;
            if (from < 0 || from % stride || from / stride >= out) continue;
            m->tap[m->n] = r, m->at[m->n++] = from / stride;
        }
}

static void input_task(void *ctx, i64 begin, i64 end) { /* task = (image, V channels) */
    depthwise_input *j = ctx;
    const udl_conv2d_backward_input_args *a = j->a;
    const i64 HW = a->H * a->W, PQ = a->P * a->Q, RS = a->R * a->S, blocks = UDL_CEIL_DIV(a->C, V);
    const size_t bytes = sizeof(vf32) * (size_t)(HW + PQ + RS);
    vf32 *gx = udl_alloc(bytes), *gy = gx + HW, *w = gy + PQ;
    if (!gx) { j->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        const i64 image = t / blocks, c = t % blocks * V, n = UDL_MINI((i64)V, a->C - c);
        const float *row[V], *filter[V];
        for (i64 l = 0; l < V; l++) {
            const i64 at = c + UDL_MINI(l, n - 1);
            row[l] = (const float *)a->gy + (image * a->C + at) * PQ, filter[l] = (const float *)a->w + at * RS;
        }
        transposed(row, PQ, 0, gy);
        transposed(filter, RS, 0, w);
        vf32 *out = gx;
        for (i64 h = 0; h < a->H; h++)
            for (i64 i = 0; i < a->W; i++) {
                const meeting *down = j->rows + h, *across = j->columns + i;
                vf32 s = {0};
                for (i64 r = 0; r < down->n; r++)
                    for (i64 k = 0; k < across->n; k++)
                        s = v_fma(gy[down->at[r] * a->Q + across->at[k]], w[down->tap[r] * a->S + across->tap[k]], s);
                *out++ = s;
            }
        float *to = (float *)a->gx + (image * a->C + c) * HW;
        for (i64 k = 0; k < HW; k += 4) {
            const i64 at = UDL_MINI(k, HW - 4);
            rows_f32(gx + at, to + at, HW, n);
        }
    }
    udl_free(gx, bytes);
}

int INTERNAL(conv_depthwise_input)(const udl_conv2d_backward_input_args *a, int *status) {
    const i64 HW = a->H * a->W, PQ = a->P * a->Q, G = a->groups_act % 65536;
    if (G != a->C || G != a->O || G < V / 2 || PQ < 4 || HW < 4 || a->R * a->S < 4 || a->R > MOST_TAPS || a->S > MOST_TAPS ||
        HW * (i64)sizeof(vf32) > INPUT_BYTES)
        return 0;
    const size_t bytes = sizeof(meeting) * (size_t)(a->H + a->W);
    meeting *m = udl_alloc(bytes);
    depthwise_input j = {a, m, m + a->H, 0};
    if (!m) { *status = UDL_ENOMEM; return 1; }
    meetings(m, a->H, a->P, a->R, a->stride_h, a->pad_h, a->dil_h);
    meetings(m + a->H, a->W, a->Q, a->S, a->stride_w, a->pad_w, a->dil_w);
    const i64 cost = (PQ * a->R * a->S + 2 * (HW + PQ)) * V * 2;
    udl_parallel_for(a->N * UDL_CEIL_DIV(G, V), UDL_MAXI(1, GEMM_TASK_FLOPS / 8 / cost), input_task, &j);
    udl_free(m, bytes);
    *status = j.failed ? UDL_ENOMEM : UDL_OK;
    return 1;
}
