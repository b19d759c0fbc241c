/* gemm.c - blocking over m, n, k and threads; what is packed by whom. See gemm.h.
 *
 * Few rows (m <= mc): A is packed once; a task owns columns, packs its own B and goes through all of k.
 * Else, for each block of n and k: B is packed by all, shared; then tasks own mb x nb of out. Rows of A that several tasks read are
 * packed by all before, as long as L3 can hold them; else each task packs its own. */
#ifndef T
#include "gemm.h"

static i64 cache_size(int level) {
    static i64 sizes[3];
    i64 l1 = __atomic_load_n(&sizes[0], __ATOMIC_ACQUIRE);
    if (!l1) {
        i64 s[3] = {0, 0, 0};
        udl_cache_sizes(s);
        const i64 least[3] = {16 << 10, 128 << 10, 1 << 20};
        for (int i = 2; i >= 0; i--) __atomic_store_n(&sizes[i], UDL_MAXI(s[i], least[i]), __ATOMIC_RELEASE);
    }
    return __atomic_load_n(&sizes[level], __ATOMIC_RELAXED);
}

static i64 even_share(i64 n, i64 most, i64 unit) { /* size of equal blocks of n, each at most `most` */
    i64 blocks = UDL_CEIL_DIV(n, most), share = UDL_CEIL_DIV(n, blocks);
    return UDL_CEIL_DIV(share, unit) * unit;
}

gemm_sizes INTERNAL(gemm_sizes)(i64 k, i64 itemsize) {
    gemm_sizes s;
    i64 nr = GEMM_NV * UDL_VB / itemsize;
    i64 kc = UDL_MINI(cache_size(0) * 3 / 4 / (nr * itemsize), GEMM_KC);
    s.kc = k > 0 ? even_share(k, kc, 8) : 8;
    if (s.kc > k) s.kc = UDL_MAXI(k, 1);
    s.mc = UDL_MAXI(cache_size(1) / 2 / (UDL_MAXI(s.kc, 64) * itemsize) / GEMM_MR, 1) * GEMM_MR;
    s.nc = UDL_MAXI(UDL_MINI(cache_size(2) / 4 / (s.kc * itemsize), 4096) / nr, 4) * nr;
    return s;
}

#define UDL_THIS_FILE "kernels/gemm.c"
#include "../each_float.h"
#else

typedef struct {
    const FN(gemm_job) *g;
    T *a, *b;               /* shared panels */
    i64 kc, mb, nb;         /* the largest block of a task */
    i64 n0, n1, k0, k1;     /* the phase */
    i64 rows, columns;      /* tasks down and across */
    int failed;
} FN(run);

/* epilogue of the block whose first element is (m, n); first and last: of the blocks of k */
static FN(gemm_epilogue) FN(part)(const FN(gemm_job) *g, i64 m, i64 n, int first, int last) {
    FN(gemm_epilogue) e = g->e;
    if (!first) e.add = 1;
    if (!last) e.bias_n = e.bias_m = e.residual = 0, e.act = UDL_ACT_NONE, e.out16 = 0, e.residual16 = 0, e.add16 = 0;
    if (e.bias_n) e.bias_n += n;
    if (e.bias_m) e.bias_m += m;
    if (e.residual) e.residual += m * g->ldc + n;
    if (e.out16) e.out16 += m * e.ld16 + n;
    if (e.residual16) e.residual16 += m * e.ld16 + n;
    return e;
}

static void FN(block)(const FN(gemm_job) *g, i64 mb, i64 nb, i64 kc, FN(gemm_a) a, FN(gemm_b) b, i64 m, i64 n,
                      const FN(gemm_epilogue) *e) {
    T *c = g->c ? g->c + m * g->ldc + n : 0;
    if (g->block) g->block(mb, nb, kc, a, b, c, g->ldc, e);
    else gemm_block(mb, nb, kc, a, b, c, g->ldc, e);
}

/* alone: on one thread, which had better pack the whole height of A at once than go far through k */
static gemm_sizes FN(sizes)(const FN(gemm_job) *g, int alone) {
    gemm_sizes s = INTERNAL(gemm_sizes)(g->k, sizeof(T));
    const i64 half = cache_size(1) / 2 / (i64)sizeof(T), kc = s.kc;
    if (g->kc) s.kc = UDL_MINI(g->kc, g->k);
    else if (alone && g->m > s.mc) s.kc = UDL_MINI(kc, even_share(g->k, UDL_MAXI(half / g->m, 128), 8));
    if (s.kc != kc) s.mc = UDL_MAXI(half / UDL_MAXI(s.kc, 64) / GEMM_MR, 1) * GEMM_MR;
    return s;
}

/* where part i of `parts` begins, when n rows or columns are shared out in whole tiles, at most one more to each */
static i64 FN(cut)(i64 n, i64 unit, i64 i, i64 parts) { return UDL_MINI(UDL_CEIL_DIV(n, unit) * i / parts * unit, n); }

/* tasks that two threads, or any even number of them, share without a rest */
static i64 FN(even)(i64 tasks, i64 most) { return tasks + (tasks % 2 && tasks > 1 && tasks < most); }

static FN(gemm_a) FN(a_at)(FN(gemm_a) a, i64 m, i64 k) {
    a.p += a.kind == GEMM_A_ROWS ? m * a.stride + k : m + k * a.stride;
    return a;
}

static const T *FN(packed_at)(const FN(gemm_job) *g, i64 n, i64 k, i64 kc) {
    return g->packed_b + k * UDL_CEIL_DIV(g->n, GEMM_NR) * GEMM_NR + n * kc;
}

/* ---- few rows: tasks own columns ---------------------------------------------------------------------------------- */
static void FN(columns_task)(void *ctx, i64 begin, i64 end) {
    FN(run) *r = ctx;
    const FN(gemm_job) *g = r->g;
    size_t bytes = (size_t)(r->kc * r->nb) * sizeof(T);
    const int given = g->b.stride || g->packed_b;
    T *b = given ? 0 : udl_alloc(bytes);
    if (!b && !given) { r->failed = 1; return; }
    const int down = udl_goes_down();
    for (i64 t = begin; t < end; t++) {
        i64 n = FN(cut)(g->n, GEMM_NR, t, r->columns), nb = FN(cut)(g->n, GEMM_NR, t + 1, r->columns) - n;
        const i64 after = FN(cut)(g->n, GEMM_NR, down ? t - 1 : t + 1, r->columns); /* of this thread's next task, most likely */
        for (i64 k = 0; k < g->k; k += r->kc) {
            i64 kc = UDL_MINI(r->kc, g->k - k);
            FN(gemm_b) bb = {b, 0};
            if (g->b.stride) bb = (FN(gemm_b)){g->b.p + (g->first_k + k) * g->b.stride + n, g->b.stride};
            else if (g->packed_b) bb.p = FN(packed_at)(g, n, k, kc);
            else g->pack_b(g->ctx, b, n, nb, g->first_k + k, kc);
            FN(gemm_a) aa = {r->a + k * g->m, 0, GEMM_A_PANELS};
            if (g->a.kind) aa = FN(a_at)(g->a, 0, g->first_k + k);
            FN(gemm_epilogue) e = FN(part)(g, 0, n, k == 0, k + kc == g->k);
            if (g->packed_b && k + kc < g->k) e.soon = FN(packed_at)(g, n, k + kc, UDL_MINI(r->kc, g->k - k - kc));
            else if (g->packed_b && after >= 0 && after < g->n) e.soon = FN(packed_at)(g, after, 0, UDL_MINI(r->kc, g->k));
            FN(block)(g, g->m, nb, kc, aa, bb, 0, n, &e);
        }
    }
    if (b) udl_free(b, bytes);
}

static void FN(pack_a_task)(void *ctx, i64 begin, i64 end) {
    FN(run) *r = ctx;
    for (i64 t = begin, k = t * r->kc; t < end; t++, k += r->kc)
        r->g->pack_a(r->g->ctx, r->a + k * r->g->m, 0, r->g->m, r->g->first_k + k, UDL_MINI(r->kc, r->g->k - k));
}

static int FN(run_columns)(const FN(gemm_job) *g, gemm_sizes s) {
    i64 most = UDL_MAXI(cache_size(1) / 2 / (s.kc * (i64)sizeof(T)) / GEMM_NR, 2) * GEMM_NR;
    double flops = 2. * (double)g->m * (double)g->n * (double)g->k;
    i64 tasks = (i64)UDL_MINI(flops / GEMM_TASK_FLOPS, 24.) + 1;
    i64 nb = UDL_MINI(most, UDL_MAXI(even_share(g->n, UDL_CEIL_DIV(g->n, tasks), GEMM_NR), 2 * GEMM_NR));
    FN(run) r = {.g = g, .kc = s.kc, .nb = nb, .columns = FN(even)(UDL_CEIL_DIV(g->n, nb), UDL_CEIL_DIV(g->n, GEMM_NR))};
    size_t bytes = (size_t)(g->m * g->k) * sizeof(T);
    if (!g->a.kind) {
        if (!(r.a = udl_alloc(bytes))) return UDL_ENOMEM;
        i64 n = UDL_CEIL_DIV(g->k, s.kc);
        udl_parallel_for(n, UDL_MAXI(1, 65536 / (g->m * s.kc)), FN(pack_a_task), &r);
    }
    udl_parallel_for(r.columns, tasks == 1 ? r.columns : 1, FN(columns_task), &r);
    if (!g->a.kind) udl_free(r.a, bytes);
    return r.failed ? UDL_ENOMEM : UDL_OK;
}

/* ---- many rows: B is shared, tasks own a block of out -------------------------------------------------------------- */
static void FN(pack_b_task)(void *ctx, i64 begin, i64 end) { /* in panels */
    FN(run) *r = ctx;
    i64 n = r->n0 + begin * GEMM_NR, n1 = UDL_MINI(r->n1, r->n0 + end * GEMM_NR), kc = r->k1 - r->k0;
    r->g->pack_b(r->g->ctx, r->b + begin * GEMM_NR * kc, n, n1 - n, r->g->first_k + r->k0, kc);
}

static void FN(pack_rows_task)(void *ctx, i64 begin, i64 end) { /* down */
    FN(run) *r = ctx;
    const i64 kc = r->k1 - r->k0;
    for (i64 t = begin, at = FN(cut)(r->g->m, GEMM_MR, begin, r->rows), next; t < end; t++, at = next) {
        next = FN(cut)(r->g->m, GEMM_MR, t + 1, r->rows);
        r->g->pack_a(r->g->ctx, r->a + at * kc, at, next - at, r->g->first_k + r->k0, kc);
    }
}

static void FN(block_task)(void *ctx, i64 begin, i64 end) {
    FN(run) *r = ctx;
    const FN(gemm_job) *g = r->g;
    i64 kc = r->k1 - r->k0;
    size_t bytes = (size_t)(kc * r->mb) * sizeof(T);
    T *a = g->a.kind || r->a ? 0 : udl_alloc(bytes);
    if (!a && !g->a.kind && !r->a) { r->failed = 1; return; }
    for (i64 t = begin, packed = -1; t < end; t++) {
        i64 across = t % r->columns, down = t / r->columns, width = r->n1 - r->n0;
        i64 m = FN(cut)(g->m, GEMM_MR, down, r->rows), mb = FN(cut)(g->m, GEMM_MR, down + 1, r->rows) - m;
        i64 n = FN(cut)(width, GEMM_NR, across, r->columns), nb = FN(cut)(width, GEMM_NR, across + 1, r->columns) - n;
        n += r->n0;
        FN(gemm_a) aa = {a, 0, GEMM_A_PANELS};
        if (g->a.kind) aa = FN(a_at)(g->a, m, g->first_k + r->k0);
        else if (r->a) aa.p = r->a + m * kc;
        else if (packed != m) g->pack_a(g->ctx, a, m, mb, g->first_k + r->k0, kc), packed = m;
        FN(gemm_b) bb = {r->b + (n - r->n0) * kc, 0};
        if (g->b.stride) bb = (FN(gemm_b)){g->b.p + (g->first_k + r->k0) * g->b.stride + n, g->b.stride};
        else if (g->packed_b) bb.p = FN(packed_at)(g, n, r->k0, kc);
        FN(gemm_epilogue) e = FN(part)(g, m, n, r->k0 == 0, r->k1 == g->k);
        FN(block)(g, mb, nb, kc, aa, bb, m, n, &e);
    }
    if (a) udl_free(a, bytes);
}

static int FN(run_blocks)(const FN(gemm_job) *g, gemm_sizes s, int alone) {
    i64 nc = UDL_MINI(even_share(g->n, s.nc, GEMM_NR), UDL_CEIL_DIV(g->n, GEMM_NR) * GEMM_NR);
    double flops = 2. * (double)g->m * (double)nc * (double)s.kc;
    i64 tasks = alone ? 1 : (i64)UDL_MINI(flops / GEMM_TASK_FLOPS, 32.) + 1;
    i64 rows = UDL_CEIL_DIV(g->m, s.mc), columns = 1;
    while (rows * columns < tasks) { /* narrower blocks, while packing A again (columns) and reloading B (rows) stay cheap */
        if (nc / columns > 1024) columns *= 2;
        else if (g->m / rows > 20 * GEMM_MR) rows *= 2;
        else if (nc / columns > 256) columns *= 2;
        else if (g->m / rows > 8 * GEMM_MR) rows *= 2;
        else break;
    }
    FN(run) r = {.g = g, .kc = s.kc};
    r.mb = even_share(g->m, UDL_CEIL_DIV(g->m, rows), GEMM_MR);
    r.nb = even_share(nc, UDL_CEIL_DIV(nc, columns), GEMM_NR);
    r.rows = UDL_CEIL_DIV(g->m, r.mb);
    if (columns % 2) r.rows = FN(even)(r.rows, UDL_CEIL_DIV(g->m, GEMM_MR));
    size_t bytes = (size_t)(s.kc * nc) * sizeof(T);
    const int given = g->b.stride || g->packed_b;
    if (!given && !(r.b = udl_alloc(bytes))) return UDL_ENOMEM;
    const size_t all = (size_t)(g->m * s.kc) * sizeof(T);
    if (!g->a.kind && r.nb < nc && all <= (size_t)cache_size(2) / 4) r.a = udl_alloc(all); /* no memory: each its own */
    for (r.n0 = 0; r.n0 < g->n && !r.failed; r.n0 = r.n1) {
        r.n1 = UDL_MINI(r.n0 + nc, g->n);
        r.columns = UDL_CEIL_DIV(r.n1 - r.n0, r.nb);
        for (r.k0 = 0; r.k0 < g->k && !r.failed; r.k0 = r.k1) {
            r.k1 = UDL_MINI(r.k0 + s.kc, g->k);
            i64 panels = UDL_CEIL_DIV(r.n1 - r.n0, GEMM_NR);
            if (!given) udl_parallel_for(panels, UDL_MAXI(1, UDL_MINI(65536 / (s.kc * GEMM_NR), panels / 4)), FN(pack_b_task), &r);
            if (r.a) udl_parallel_for(r.rows, UDL_MAXI(1, 65536 / (s.kc * r.mb)), FN(pack_rows_task), &r);
            i64 n = r.rows * r.columns;
            udl_parallel_for(n, tasks == 1 ? n : 1, FN(block_task), &r);
        }
    }
    if (!given) udl_free(r.b, bytes);
    if (r.a) udl_free(r.a, all);
    return r.failed ? UDL_ENOMEM : UDL_OK;
}

/* Large float32 products may go to a matrix unit (csrc/tiles), which may come back with a job of its own block. */
static int FN(run_whole)(const FN(gemm_job) *g, gemm_sizes s, int alone) {
#if GEMM_MATRIX_UNIT
    int status;
    if (sizeof(T) == 4 && !g->block && !udl_batch_invariant() && udl_matrix_unit.gemm && udl_matrix_unit.gemm(g, &status)) return status;
#endif
    return !alone && g->m <= s.mc + s.mc / 4 ? FN(run_columns)(g, s) : FN(run_blocks)(g, s, alone);
}

/* ---- few tiles, long sums: parts of k side by side, added in order --------------------------------------------------- */
typedef struct { const FN(gemm_job) *g; T *sums; i64 parts; int failed; } FN(split);

static void FN(split_task)(void *ctx, i64 begin, i64 end) {
    FN(split) *s = ctx;
    for (i64 p = begin; p < end; p++) {
        i64 k0 = p * s->g->k / s->parts, k1 = (p + 1) * s->g->k / s->parts;
        FN(gemm_job) g = *s->g;
        g.first_k += k0;
        g.k = k1 - k0;
        g.c = s->sums + p * g.m * g.n;
        g.ldc = g.n;
        g.e = (FN(gemm_epilogue)){.alpha = 1, .chunk = g.e.chunk};
        if (FN(run_whole)(&g, FN(sizes)(&g, 1), 1)) s->failed = 1;
    }
}

static int FN(run_split)(const FN(gemm_job) *g, i64 parts) {
    size_t bytes = (size_t)(parts * g->m * g->n + VW) * sizeof(T); /* gemm_finish reads whole vectors */
    FN(split) s = {g, udl_alloc(bytes), parts, 0};
    if (!s.sums) return UDL_ENOMEM;
    udl_parallel_for(parts, 1, FN(split_task), &s);
    i64 size = g->m * g->n;
    for (i64 p = 1; p < parts; p++) {
        i64 i = 0;
        for (; i + VW <= size; i += VW) v_store(s.sums + i, v_load(s.sums + i) + v_load(s.sums + p * size + i));
        for (; i < size; i++) s.sums[i] += s.sums[p * size + i];
    }
    gemm_finish(g->m, g->n, s.sums, g->n, g->c, g->ldc, &g->e);
    udl_free(s.sums, bytes);
    return s.failed ? UDL_ENOMEM : UDL_OK;
}

int gemm_run(const FN(gemm_job) *g) {
    if (g->m <= 0 || g->n <= 0) return UDL_OK;
    if (g->k <= 0) { /* an empty sum, then the epilogue */
        gemm_block(g->m, g->n, 0, (FN(gemm_a)){g->c, 0, 0}, (FN(gemm_b)){g->c, 0}, g->c, g->ldc, &g->e);
        return UDL_OK;
    }
    gemm_sizes s = FN(sizes)(g, 0);
    i64 blocks = UDL_CEIL_DIV(g->m, 8 * GEMM_MR) * UDL_CEIL_DIV(g->n, 4 * GEMM_NR);
    if (!udl_batch_invariant() && blocks < 8 && g->k >= 2048 && !g->packed_b && !g->packed_tiles && 2. * (double)g->m * (double)g->n * (double)g->k > 8. * GEMM_TASK_FLOPS)
        return FN(run_split)(g, FN(even)(UDL_MINI(UDL_CEIL_DIV(16, blocks), g->k / 1024), g->k / 512));
    return FN(run_whole)(g, s, 0);
}
#endif
