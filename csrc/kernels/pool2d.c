/* pool2d.c - windows of x[NC, H, W] reduced to y[NC, P, Q] by their maximum or mean, and the gradients.
 *
 * Window (p, q) covers rows p stride_h - pad_h + r dil_h (r < R) and the like columns, those inside the image.
 * max: of equal elements the first wins, of NaNs the last (as PyTorch); indices hold h W + w. Its backward adds gy to
 * the places in order. avg: the divisor counts the padding (count_include_pad) but nothing beyond it, or is
 * divisor_override. Planes (NC) are independent and parallel. Floor: x read once, y (and indices) written.
 *
 * Forward: VW neighbouring windows at a time. A tap (r, s) of theirs is one strided load; with stride 2 that is two loads
 * and a split of even and odd lanes. Only windows whose columns lie inside the image go this way:
 *
 *     q:  0 .. lo  one by one | lo .. hi  in vectors, the last one padded with junk lanes | hi .. Q  one by one
 *
 * Junk lanes are written too where the piece goes on behind them: what follows overwrites them. */
#ifndef T
#include "../vec/bf16.h"
#include "lanes.h"
#define UDL_THIS_FILE "kernels/pool2d.c"
#define PIECE 16384

typedef struct { i64 lo, hi; } pool_range; /* lo .. hi - 1 */

/* windows q in 0..Q whose taps q stride - pad + s dil (s < S) all lie in 0..W */
static pool_range pool_inside(i64 Q, i64 W, i64 S, i64 stride, i64 pad, i64 dil) {
    const i64 room = W + pad - (S - 1) * dil - 1; /* q stride <= room */
    pool_range r = {UDL_MAXI(0, UDL_MINI(UDL_CEIL_DIV(pad, stride), Q)), room < 0 ? 0 : UDL_MINI(room / stride + 1, Q)};
    r.hi = UDL_MAXI(r.hi, r.lo);
    return r;
}

/* taps r < R of the window at row h0 with h0 + r dil inside 0..H; without division where dil is 1 */
static pool_range pool_taps(i64 h0, i64 R, i64 dil, i64 H) {
    if (dil != 1) return pool_inside(R, H, 1, dil, -h0, 1);
    const i64 lo = UDL_MAXI(-h0, 0);
    return (pool_range){lo, UDL_MAXI(UDL_MINI(R, H - h0), lo)};
}

/* rows of window p inside the image; *full = their number before the image ends, counting padding but nothing beyond */
static pool_range pool_span(i64 p, i64 stride, i64 pad, i64 R, i64 H, i64 *full) {
    const i64 begin = p * stride - pad, end = UDL_MINI(begin + R, H + pad);
    *full = end - begin;
    return (pool_range){UDL_MAXI(begin, 0), UDL_MAXI(UDL_MINI(end, H), UDL_MAXI(begin, 0))};
}

static int pool_planes(i64 NC, i64 each, udl_range_fn fn, const void *ctx) {
    udl_parallel_for(NC, UDL_MAXI(1, PIECE / UDL_MAXI(1, each)), fn, (void *)(uintptr_t)ctx);
    return UDL_OK;
}

/* elements of a buffer for n, with vectors beyond that loads with a stride and stores may touch */
static i64 wide_enough(i64 n, i64 width) { return UDL_CEIL_DIV(n, width) * width + 2 * width; }
/* elements that a load of VW windows with this stride touches */
VFN i64 pool_reach(i64 stride, i64 width) { return stride <= 2 ? stride * width : (width - 1) * stride + 1; }
#include "../each_float.h"

int KERNEL(max_pool2d)(const udl_max_pool2d_args *a) {
    if (a->dtype == UDL_BF16) return a->indices ? UDL_EINVAL : max_pool2d_f32(a);
    return BY_FLOAT(a->dtype, max_pool2d, (a));
}
int KERNEL(max_pool2d_backward)(const udl_max_pool2d_backward_args *a) { return BY_FLOAT(a->dtype, max_pool2d_backward, (a)); }
/* one window without padding that is the whole image: its mean, as adaptive pooling to one place takes it */
#define POOL_WHOLE(a) ((a)->R == (a)->H && (a)->S == (a)->W && !(a)->pad_h && !(a)->pad_w && !(a)->divisor_override)
int KERNEL(avg_pool2d)(const udl_avg_pool2d_args *a) {
    const udl_adaptive_avg_pool2d_args whole = {a->y, a->x, a->dtype, a->NC, a->H, a->W, 1, 1};
    return POOL_WHOLE(a) ? KERNEL(adaptive_avg_pool2d)(&whole) : BY_FLOAT(a->dtype, avg_pool2d, (a));
}
int KERNEL(avg_pool2d_backward)(const udl_avg_pool2d_backward_args *a) {
    const udl_adaptive_avg_pool2d_backward_args whole = {a->gx, a->gy, a->dtype, a->NC, a->H, a->W, 1, 1};
    return POOL_WHOLE(a) ? KERNEL(adaptive_avg_pool2d_backward)(&whole) : BY_FLOAT(a->dtype, avg_pool2d_backward, (a));
}
#else

/* p[0], p[stride], ... */
VFN vec FN(load_step)(const T *p, i64 stride) {
    if (stride == 1) return v_load(p);
    if (stride == 2) return v_even(v_load(p), v_load(p + VW));
    vec v = {0};
    for (int i = 0; i < VW; i++) v[i] = p[i * stride];
    return v;
}

VFN void FN(store_upto)(T *to, vec v, i64 n, const T *end) {
    if (n >= VW || to + VW <= end) v_store(to, v);
    else v_store_n(to, v, (int)n);
}

/* ---- max ---------------------------------------------------------------------------------------------------------- */
static void FN(max_one)(const udl_max_pool2d_args *a, const T *x, i64 p, i64 q, T *y, i64 *index) {
    const i64 h0 = p * a->stride_h - a->pad_h, w0 = q * a->stride_w - a->pad_w;
    i64 at = -1;
    T m = (T)-INFINITY;
    for (i64 r = 0; r < a->R; r++) {
        const i64 h = h0 + r * a->dil_h;
        for (i64 s = 0; s < a->S && h >= 0 && h < a->H; s++) {
            const i64 w = w0 + s * a->dil_w;
            if (w < 0 || w >= a->W) continue;
            const T v = x[h * a->W + w];
            if (at < 0 || v > m || v != v) { m = v; at = h * a->W + w; }
        }
    }
    *y = m;
    if (index) *index = at;
}

VFN void FN(store_indices)(i64 *restrict to, vmask index, i64 n, const i64 *end) {
    T lanes[VW]; /* through memory: compilers widen a loaded half in one instruction, a vector of twice the width badly */
    v_store(lanes, (vec)index);
    if (n >= VW || to + VW <= end) n = VW;
    if (sizeof(T) == 8) { memcpy(to, lanes, (size_t)n * sizeof(i64)); return; }
    int32_t narrow[VW];
    memcpy(narrow, lanes, sizeof(narrow));
    if (n == VW) for (int i = 0; i < VW; i++) to[i] = narrow[i];
    else for (int i = 0; i < n; i++) to[i] = narrow[i];
}

typedef struct {
    const udl_max_pool2d_args *a;
    const T *x, *x_end;         /* this plane; the end of all of x */
    T *y, *y_end;               /* this row of windows; the end of what this piece may write */
    i64 *index, *index_end;
    i64 h0, p, rows;            /* row of the first tap inside the image, p, taps down */
} FN(max_row);

/* windows q .. q + VW of a row; the window's shape is made of constants where this is inlined for a common one */
typedef struct { i64 R, S, stride, dil_h, dil_w; } FN(window);
VFN int FN(max_vec)(const FN(max_row) *m, i64 q, i64 n, FN(window) k, int with_index) {
    const i64 W = m->a->W, w0 = q * k.stride - m->a->pad_w;
    const T *x = m->x + m->h0 * W + w0;
    if (x + ((k.R - 1) * k.dil_h * W + (k.S - 1) * k.dil_w + pool_reach(k.stride, VW)) > m->x_end) return 0;
    vec best = {0};
    vmask lane = {0}, at;
    for (int i = 0; i < VW; i++) lane[i] = i;
    lane = lane * (vmask)((vmask){0} + (int)k.stride) + (int)(m->h0 * W + w0);
    at = lane;
    for (i64 r = 0; r < k.R; r++)
        for (i64 s = 0; s < k.S; s++) {
            const i64 off = r * k.dil_h * W + s * k.dil_w;
            const vec v = FN(load_step)(x + off, k.stride);
            if (!with_index || off == 0) { best = off == 0 ? v : v_max(best, v); continue; }
            const vmask take = (v > best) | (v != v);
            best = v_sel(take, v, best);
            at = (vmask)v_sel(take, (vec)(lane + (int)off), (vec)at);
        }
    FN(store_upto)(m->y + q, best, n, m->y_end);
    if (with_index) FN(store_indices)(m->index + q, at, n, m->index_end);
    return 1;
}

VFN void FN(max_strip)(const FN(max_row) *m, pool_range in, FN(window) k, int with_index) {
    for (i64 q = in.lo; q < in.hi; q += VW) {
        if (FN(max_vec)(m, q, in.hi - q, k, with_index)) continue;
        for (i64 j = q; j < UDL_MINI(q + VW, in.hi); j++)
            FN(max_one)(m->a, m->x, m->p, j, m->y + j, with_index ? m->index + j : 0);
    }
}

/* common windows as constants; of double, which is rare, none */
#define STRIP(r, s_, step, with_index) FN(max_strip)(m, in, (FN(window)){r, s_, step, 1, 1}, with_index)
#define IS(s_, step) (sizeof(T) == 4 && a->dil_w == 1 && a->S == (s_) && a->stride_w == (step))
static void FN(max_inside)(const FN(max_row) *m, pool_range in) {
    const udl_max_pool2d_args *a = m->a;
    const int two = a->dil_h == 1 && m->rows == 2, three = a->dil_h == 1 && m->rows == 3;
    if (two && IS(2, 2)) { if (m->index) STRIP(2, 2, 2, 1); else STRIP(2, 2, 2, 0); }
    else if (m->index && three && IS(3, 2)) STRIP(3, 3, 2, 1);
    else if (m->index && three && IS(3, 1)) STRIP(3, 3, 1, 1);
    else if (!m->index && m->rows == 1 && IS(3, 2)) STRIP(1, 3, 2, 0);
    else if (!m->index && m->rows == 1 && IS(3, 1)) STRIP(1, 3, 1, 0);
    else {
        const FN(window) k = {m->rows, a->S, a->stride_w, a->dil_h, a->dil_w};
        if (m->index) FN(max_strip)(m, in, k, 1);
        else FN(max_strip)(m, in, k, 0);
    }
}
#undef STRIP
#undef IS

static void FN(max_windows)(void *ctx, i64 begin, i64 end) {
    const udl_max_pool2d_args *a = ctx;
    const i64 HW = a->H * a->W, PQ = a->P * a->Q;
    pool_range in = pool_inside(a->Q, a->W, a->S, a->stride_w, a->pad_w, a->dil_w);
    if (HW > INT32_MAX || a->stride_w > INT32_MAX / VW) in.hi = in.lo;
    const T *x = a->x;
    i64 *indices = a->indices;
    FN(max_row) m = {.a = a, .x_end = x + a->NC * HW, .y_end = (T *)a->y + end * PQ};
    if (indices) m.index_end = indices + end * PQ;
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < a->P; p++) {
            m.x = x + c * HW, m.y = (T *)a->y + c * PQ + p * a->Q, m.p = p;
            m.index = indices ? indices + c * PQ + p * a->Q : 0;
            const pool_range rows = pool_taps(p * a->stride_h - a->pad_h, a->R, a->dil_h, a->H);
            m.h0 = p * a->stride_h - a->pad_h + rows.lo * a->dil_h, m.rows = rows.hi - rows.lo;
            const pool_range vectors = m.rows > 0 ? in : (pool_range){0, 0};
            for (i64 q = 0; q < vectors.lo; q++) FN(max_one)(a, m.x, p, q, m.y + q, m.index ? m.index + q : 0);
            FN(max_inside)(&m, vectors);
            for (i64 q = vectors.hi; q < a->Q; q++) FN(max_one)(a, m.x, p, q, m.y + q, m.index ? m.index + q : 0);
        }
}

/* Large windows without indices: the maxima down the columns first, then across, in L1. bf16 is widened on the way in and rounded on
 * the way out, for small windows some planes at a time. */
typedef struct { const udl_max_pool2d_args *a; int failed; } FN(max_job);
#undef HALF
#define HALF(a) (sizeof(T) == 4 && (a)->dtype == UDL_BF16)
/* a vector of x from element `at` on, or the n numbers of its beginning */
VFN vec FN(load_any)(const udl_max_pool2d_args *a, i64 at, i64 n) {
    const uint16_t *half = (const uint16_t *)a->x + at;
    const T *x = (const T *)a->x + at;
    if (n >= VW) return HALF(a) ? (vec)h_load(half) : v_load(x);
    return HALF(a) ? (vec)h_load_n(half, (int)n) : v_load_n(x, (int)n);
}

/* to[w] = the maximum of `rows` rows that lie `apart`, from element `at` of x on */
VFN void FN(max_rows)(const udl_max_pool2d_args *a, i64 at, i64 rows, i64 apart, T *to) {
    for (i64 w = 0; w < a->W; w += VW) {
        vec best = FN(load_any)(a, at + w, a->W - w);
        for (i64 r = 1; r < rows; r++) best = v_max(best, FN(load_any)(a, at + w + r * apart, a->W - w));
        v_store(to + w, best);
    }
}
static void FN(max_down)(const udl_max_pool2d_args *a, i64 at, i64 rows, i64 apart, T *to) {
    if (rows == 3) FN(max_rows)(a, at, 3, apart, to);
    else if (rows == 2) FN(max_rows)(a, at, 2, apart, to);
    else if (rows > 0) FN(max_rows)(a, at, rows, apart, to);
    else for (i64 w = 0; w < a->W; w += VW) v_store(to + w, v_set((T)-INFINITY));
}

static void FN(max_planes)(void *ctx, i64 begin, i64 end) {
    FN(max_job) *j = ctx;
    const udl_max_pool2d_args *a = j->a;
    const i64 HW = a->H * a->W, PQ = a->P * a->Q, room = wide_enough(a->W, VW), out = wide_enough(a->Q, VW);
    const size_t bytes = sizeof(T) * (size_t)(room + out);
    T *line = udl_alloc(bytes), *y = line + room;
    if (!line) { j->failed = 1; return; }
    pool_range in = pool_inside(a->Q, a->W, a->S, a->stride_w, a->pad_w, a->dil_w);
    if (a->W > INT32_MAX || a->stride_w > INT32_MAX / VW) in.hi = in.lo;
    udl_max_pool2d_args row = *a; /* an image of one row */
    row.H = row.R = row.stride_h = row.dil_h = 1, row.pad_h = 0;
    FN(max_row) m = {.a = &row, .x = line, .x_end = y, .y = y, .y_end = y + out, .rows = 1};
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < a->P; p++) {
            const pool_range rows = pool_taps(p * a->stride_h - a->pad_h, a->R, a->dil_h, a->H);
            const i64 h0 = p * a->stride_h - a->pad_h + rows.lo * a->dil_h;
            FN(max_down)(a, c * HW + h0 * a->W, rows.hi - rows.lo, a->dil_h * a->W, line);
            for (i64 q = 0; q < in.lo; q++) FN(max_one)(&row, line, 0, q, y + q, 0);
            FN(max_inside)(&m, in);
            for (i64 q = in.hi; q < a->Q; q++) FN(max_one)(&row, line, 0, q, y + q, 0);
            if (HALF(a)) h_narrow_row((uint16_t *)a->y + c * PQ + p * a->Q, (const float *)y, a->Q);
            else memcpy((T *)a->y + c * PQ + p * a->Q, y, sizeof(T) * (size_t)a->Q);
        }
    udl_free(line, bytes);
}

static void FN(max_half)(void *ctx, i64 begin, i64 end) {
    FN(max_job) *j = ctx;
    const i64 HW = j->a->H * j->a->W, PQ = j->a->P * j->a->Q, most = UDL_MINI(UDL_MAXI(1, PIECE / (HW + PQ)), end - begin);
    const size_t bytes = sizeof(float) * (size_t)(most * (HW + PQ));
    float *x = udl_alloc(bytes), *y = x + most * HW;
    if (!x) { j->failed = 1; return; }
    udl_max_pool2d_args planes = *j->a;
    planes.dtype = UDL_F32, planes.x = x, planes.y = y;
    for (i64 c = begin; c < end; c += most) {
        planes.NC = UDL_MINI(most, end - c);
        h_widen_row(x, (const uint16_t *)j->a->x + c * HW, planes.NC * HW);
        FN(max_windows)(&planes, 0, planes.NC);
        h_narrow_row((uint16_t *)j->a->y + c * PQ, y, planes.NC * PQ);
    }
    udl_free(x, bytes);
}

static int FN(max_pool2d)(const udl_max_pool2d_args *a) {
    FN(max_job) j = {a, 0};
    const int small = a->R * a->S <= 4;
    if (a->indices || (small && !HALF(a))) return pool_planes(a->NC, a->P * a->Q * a->R * a->S, FN(max_windows), a);
    pool_planes(a->NC, a->H * a->W + a->P * a->Q, small && HALF(a) ? FN(max_half) : FN(max_planes), &j);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}

static void FN(max_back)(void *ctx, i64 begin, i64 end) {
    const udl_max_pool2d_backward_args *a = ctx;
    for (i64 c = begin; c < end; c++) {
        T *gx = (T *)a->gx + c * a->HW;
        const T *gy = (const T *)a->gy + c * a->PQ;
        const i64 *at = (const i64 *)a->indices + c * a->PQ;
        memset(gx, 0, sizeof(T) * (size_t)a->HW);
        for (i64 i = 0; i < a->PQ; i++)
            if ((uint64_t)at[i] < (uint64_t)a->HW) gx[at[i]] += gy[i];
    }
}

static int FN(max_pool2d_backward)(const udl_max_pool2d_backward_args *a) {
    return pool_planes(a->NC, a->HW + a->PQ, FN(max_back), a);
}

/* ---- avg ---------------------------------------------------------------------------------------------------------- */
static T FN(divisor)(const udl_avg_pool2d_args *a, i64 full, i64 inside) {
    return (T)(a->divisor_override ? a->divisor_override : a->count_include_pad ? full : inside);
}

static T FN(avg_one)(const udl_avg_pool2d_args *a, const T *x, pool_range h, i64 full, i64 q) {
    i64 full_w;
    const pool_range w = pool_span(q, a->stride_w, a->pad_w, a->S, a->W, &full_w);
    T s = 0;
    for (i64 i = h.lo; i < h.hi; i++)
        for (i64 j = w.lo; j < w.hi; j++) s += x[i * a->W + j];
    const i64 inside = (h.hi - h.lo) * (w.hi - w.lo);
    return inside ? s / FN(divisor)(a, full * full_w, inside) : 0;
}

typedef struct {
    const udl_avg_pool2d_args *a;
    const T *x, *x_end;
    T *y, *y_end;
    pool_range h, in;
    i64 full;
} FN(avg_row);

VFN void FN(avg_strip)(const FN(avg_row) *m, i64 S, i64 stride) {
    const udl_avg_pool2d_args *a = m->a;
    const vec divisor = v_set(FN(divisor)(a, m->full * S, (m->h.hi - m->h.lo) * S));
    for (i64 q = m->in.lo; q < m->in.hi; q += VW) {
        const i64 w0 = q * stride - a->pad_w, n = m->in.hi - q;
        if (m->x + ((m->h.hi - 1) * a->W + w0 + S - 1 + pool_reach(stride, VW)) > m->x_end) {
            for (i64 j = q; j < UDL_MINI(q + VW, m->in.hi); j++) m->y[j] = FN(avg_one)(a, m->x, m->h, m->full, j);
            continue;
        }
        vec s = {0};
        for (i64 h = m->h.lo; h < m->h.hi; h++)
            for (i64 j = 0; j < S; j++) s += FN(load_step)(m->x + h * a->W + w0 + j, stride);
        FN(store_upto)(m->y + q, s / divisor, n, m->y_end);
    }
}

static void FN(avg_planes)(void *ctx, i64 begin, i64 end) {
    const udl_avg_pool2d_args *a = ctx;
    const i64 HW = a->H * a->W, PQ = a->P * a->Q;
    FN(avg_row) m = {.a = a, .x_end = (const T *)a->x + a->NC * HW, .y_end = (T *)a->y + end * PQ};
    const pool_range in = pool_inside(a->Q, a->W, a->S, a->stride_w, a->pad_w, 1);
    for (i64 c = begin; c < end; c++)
        for (i64 p = 0; p < a->P; p++) {
            m.x = (const T *)a->x + c * HW, m.y = (T *)a->y + c * PQ + p * a->Q;
            m.h = pool_span(p, a->stride_h, a->pad_h, a->R, a->H, &m.full);
            m.in = m.h.lo < m.h.hi ? in : (pool_range){0, 0};
            for (i64 q = 0; q < m.in.lo; q++) m.y[q] = FN(avg_one)(a, m.x, m.h, m.full, q);
            if (a->S == 2 && a->stride_w == 2) FN(avg_strip)(&m, 2, 2);
            else if (a->S == 3 && a->stride_w == 2) FN(avg_strip)(&m, 3, 2);
            else if (a->stride_w == 1) FN(avg_strip)(&m, a->S, 1);
            else FN(avg_strip)(&m, a->S, a->stride_w);
            for (i64 q = m.in.hi; q < a->Q; q++) m.y[q] = FN(avg_one)(a, m.x, m.h, m.full, q);
        }
}

static int FN(avg_pool2d)(const udl_avg_pool2d_args *a) {
    return pool_planes(a->NC, a->P * a->Q * a->R * a->S, FN(avg_planes), a);
}

/* Backward, one row of windows: t[q] = gy / divisor, spread[w] = sum of t[q] over the windows q that contain column w. */
static void FN(avg_spread)(const udl_avg_pool2d_backward_args *a, T *spread, const T *t) {
    const i64 S = a->S, stride = a->stride_w, pad = a->pad_w, W = a->W;
    if (S == 2 && stride == 2 && pad == 0 && 2 * a->Q == W) {
        i64 q = 0;
        for (; q + VW <= a->Q; q += VW) {
            const vec v = v_load(t + q);
            v_store(spread + 2 * q, v_zip_lo(v, v));
            v_store(spread + 2 * q + VW, v_zip_hi(v, v));
        }
        for (; q < a->Q; q++) spread[2 * q] = spread[2 * q + 1] = t[q];
        return;
    }
    memset(spread, 0, sizeof(T) * (size_t)W);
    for (i64 s = 0; s < S && stride == 1; s++) {
        const pool_range in = pool_inside(a->Q, W, 1, 1, pad - s, 1);
        T *to = spread + s - pad;
        for (i64 q = UDL_MAXI(in.lo, 0); q < in.hi; q++) to[q] += t[q];
    }
    for (i64 q = 0; q < a->Q && stride != 1; q++) {
        const i64 w0 = q * stride - pad;
        for (i64 w = UDL_MAXI(w0, 0); w < UDL_MINI(w0 + S, W); w++) spread[w] += t[q];
    }
}

/* Rows are visited in order, so one that no window has touched yet is set, not added to: gx is never cleared first. */
static void FN(avg_back_plane)(const udl_avg_pool2d_backward_args *a, T *gx, const T *gy, const T *across, T *t, T *spread) {
    const i64 W = a->W;
    i64 next = 0, full;
    for (i64 p = 0; p < a->P; p++) {
        const pool_range h = pool_span(p, a->stride_h, a->pad_h, a->R, a->H, &full);
        const T down = (T)(a->divisor_override ? a->divisor_override : a->count_include_pad ? full : h.hi - h.lo);
        for (i64 q = 0; q < a->Q; q++) t[q] = gy[p * a->Q + q] / (down * across[q]);
        FN(avg_spread)(a, spread, t);
        for (; next < h.lo; next++) memset(gx + next * W, 0, sizeof(T) * (size_t)W);
        for (i64 i = h.lo; i < h.hi; i++) {
            T *row = gx + i * W;
            if (i < next) for (i64 w = 0; w < W; w++) row[w] += spread[w];
            else memcpy(row, spread, sizeof(T) * (size_t)W);
        }
        next = UDL_MAXI(next, h.hi);
    }
    if (next < a->H) memset(gx + next * W, 0, sizeof(T) * (size_t)((a->H - next) * W));
}

typedef struct { const udl_avg_pool2d_backward_args *a; int failed; } FN(avg_back_job);

static void FN(avg_back)(void *ctx, i64 begin, i64 end) {
    FN(avg_back_job) *job = ctx;
    const udl_avg_pool2d_backward_args *a = job->a;
    const size_t bytes = sizeof(T) * (size_t)(a->W + 2 * a->Q);
    T *spread = udl_alloc(bytes), *t = spread + a->W, *across = t + a->Q;
    if (!spread) { __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED); return; }
    for (i64 q = 0; q < a->Q; q++) {
        i64 full;
        const pool_range w = pool_span(q, a->stride_w, a->pad_w, a->S, a->W, &full);
        across[q] = (T)(a->divisor_override ? 1 : a->count_include_pad ? full : UDL_MAXI(w.hi - w.lo, 1));
    }
    for (i64 c = begin; c < end; c++)
        FN(avg_back_plane)(a, (T *)a->gx + c * a->H * a->W, (const T *)a->gy + c * a->P * a->Q, across, t, spread);
    udl_free(spread, bytes);
}

static int FN(avg_pool2d_backward)(const udl_avg_pool2d_backward_args *a) {
    FN(avg_back_job) job = {a, 0};
    pool_planes(a->NC, a->P * a->Q * a->S + 2 * a->H * a->W, FN(avg_back), &job);
    return job.failed ? UDL_ENOMEM : UDL_OK;
}
#endif
