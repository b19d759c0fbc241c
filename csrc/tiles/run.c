/* run.c - blocking over m, n, k and the threads for products on tiles. See tiles.h for panels, amx.c for the tile.
 *
 *                      nb                     task: a block mb x nb of out, all of k, kc at a time
 *               .-------------.               panels of A (mb x kc) and of B (kc x nb) stay in L2: at 256 x 256 x 256 and
 *               | B  kc x nb  |               three parts 384 KiB each; so does the block of out
 *               '-------------'               32 lines of A (48 KiB) are kept while the panels of B go by
 *      .----.   .-------------.
 *   mb | A  |   |     out     |               An operand that several tasks read is packed before, by all threads, once; one
 *      '----'   '-------------'               that a single task reads is packed by it, and never leaves L2
 *        kc
 *
 * A finished tile lies in one of two buffers and goes through its epilogue while the next tile's products are under way:
 * its additions and stores need none of the unit. */
#include "tiles.h"

enum { LEAST_TASKS = 16, CHUNK_LINES = 4096 };
#define CHUNK_BYTES (32 << 20) /* most memory for shared panels */

typedef struct { uint16_t *p; int *found; i64 panels, columns; } packed; /* panels: of 16 lines; columns: of k, padded */

typedef struct {
    const tile_job *j;
    i64 kc, mb, nb, rows, columns; /* blocks of a task, tasks in a column and in a row */
    i64 m0, m1, n0, n1, k0, k1;    /* the part of the job that is packed at once */
    packed a, b;                   /* p == NULL: packed by the task that reads it */
    int failed;
} run;

static i64 up(i64 n, i64 unit) { return UDL_CEIL_DIV(n, unit) * unit; }
static i64 share(i64 n, i64 blocks, i64 unit) { return up(UDL_CEIL_DIV(n, blocks), unit); }

/* ---- shared panels: blocks of kc one after another, each [panel][step][part] -------------------------------------------- */
static uint16_t *panels_at(const run *r, const packed *s, i64 panel, i64 k) {
    return s->p + (s->panels * k + panel * UDL_MINI(r->kc, s->columns - k)) * LINES * r->j->parts;
}
static int *found_at(const run *r, const packed *s, i64 panel, i64 k) { return s->found + k / r->kc * s->panels + panel; }

typedef struct { run *r; const tile_source *s; packed *to; i64 first, count, pairs; } packing;

static void pack_task(void *ctx, i64 begin, i64 end) { /* a piece: 32 lines of a block of k */
    packing *w = ctx;
    run *r = w->r;
    size_t bytes = PACK_SCRATCH * sizeof(float);
    float *scratch = w->s->p ? 0 : udl_alloc(bytes);
    if (!w->s->p && !scratch) { r->failed = 1; return; }
    for (i64 t = begin; t < end; t++) {
        i64 k = t / w->pairs * r->kc, line = t % w->pairs * PAIR, kc = UDL_MINI(r->kc, r->k1 - r->k0 - k);
        INTERNAL(tiles_pack)(w->s, w->first + line, UDL_MINI(PAIR, w->count - line), r->k0 + k, kc, r->j->parts,
                             panels_at(r, w->to, line / LINES, k), found_at(r, w->to, line / LINES, k), scratch);
    }
    if (scratch) udl_free(scratch, bytes);
}

static size_t packed_bytes(const run *r, i64 lines, i64 k) {
    return (size_t)(up(lines, LINES) * up(k, STEP) * r->j->parts) * 2;
}
static size_t found_bytes(const run *r, i64 lines, i64 k) {
    return (size_t)(UDL_CEIL_DIV(lines, LINES) * UDL_CEIL_DIV(k, r->kc)) * sizeof(int);
}

static void pack_shared(run *r, const tile_source *s, packed *to, i64 first, i64 count) {
    i64 k = r->k1 - r->k0;
    to->panels = UDL_CEIL_DIV(count, LINES);
    to->columns = up(k, STEP);
    packing w = {r, s, to, first, count, UDL_CEIL_DIV(count, PAIR)};
    udl_parallel_for(w.pairs * UDL_CEIL_DIV(k, r->kc), UDL_MAXI(1, 65536 / (PAIR * r->kc)), pack_task, &w);
}

/* ---- a task ------------------------------------------------------------------------------------------------------------- */
typedef struct { int first, second; } powers; /* of two, of a pair of panels */
typedef struct { float *t, *c; i64 m, n, ldc; powers a, b; gemm_epilogue_f32 e; } tile; /* finished, not yet in out */
typedef struct {
    run *r;
    float *c; /* the block of out: element (m, n) of the job at c[m ldc + n] */
    i64 ldc;
    uint16_t *a, *b; /* panels of the block of k at hand */
    const int *found_a, *found_b;
    i64 m0, m1, n0, n1, k, kc;
    int first, last;
    float *buffer, *fallback; /* two tiles; panels for the FMA kernel, when they are needed */
    tile wait;
} task;

/* panels were multiplied by powers of two: divide a quarter of the sums by them, in two steps as one might overflow */
static void unscale(float *sums, int power) {
    float by = ldexpf(1, -power / 2), and_by = ldexpf(1, -power - -power / 2);
    for (i64 m = 0; power && m < LINES; m++, sums += PAIR) v_store(sums, v_load(sums) * by * and_by);
}

static void finish(tile *t) {
    if (!t->t) return;
    if (t->a.first | t->a.second | t->b.first | t->b.second) {
        unscale(t->t, t->a.first + t->b.first);
        unscale(t->t + LINES, t->a.first + t->b.second);
        unscale(t->t + LINES * PAIR, t->a.second + t->b.first);
        unscale(t->t + LINES * PAIR + LINES, t->a.second + t->b.second);
    }
    const gemm_epilogue_f32 *e = &t->e;
    if (t->n == PAIR && e->alpha == 1 && !e->bias_n && !e->bias_m && !e->residual && !e->act)
        for (i64 m = 0; m < t->m; m++) {
            float *c = t->c + m * t->ldc;
            const float *s = t->t + m * PAIR;
            vf32 x = v_load(s), y = v_load(s + LINES);
            if (e->add) x += v_load(c), y += v_load(c + LINES);
            v_store(c, x);
            v_store(c + LINES, y);
        }
    else INTERNAL(gemm_finish_f32)(t->m, t->n, t->t, PAIR, t->c, t->ldc, e);
    t->t = 0;
}

/* the epilogue at (m, n): only the first block of k replaces out, only the last one ends the sum */
static gemm_epilogue_f32 epilogue(const task *t, i64 m, i64 n) {
    gemm_epilogue_f32 e = t->r->j->e;
    if (!t->first) e.add = 1;
    if (!t->last) e.bias_n = e.bias_m = e.residual = 0, e.act = UDL_ACT_NONE;
    if (e.bias_n) e.bias_n += n;
    if (e.bias_m) e.bias_m += m;
    if (e.residual) e.residual += m * t->ldc + n;
    return e;
}

/* a tile that bf16 parts cannot do, from the numbers themselves */
static void by_fma(task *t, i64 m, i64 n, i64 mr, i64 nr) {
    const gemm_job_f32 *g = t->r->j->g;
    i64 k = g->first_k + t->k;
    finish(&t->wait);
    if (!t->fallback && !(t->fallback = udl_alloc(2 * PAIR * GEMM_KC * sizeof(float)))) { t->r->failed = 1; return; }
    gemm_a_f32 a = {t->fallback, 0, GEMM_A_PANELS};
    gemm_b_f32 b = {t->fallback + PAIR * GEMM_KC, 0};
    if (g->a.kind == GEMM_A_ROWS) a = (gemm_a_f32){g->a.p + m * g->a.stride + k, g->a.stride, GEMM_A_ROWS};
    else if (g->a.kind == GEMM_A_COLUMNS) a = (gemm_a_f32){g->a.p + m + k * g->a.stride, g->a.stride, GEMM_A_COLUMNS};
    else g->pack_a(g->ctx, t->fallback, m, mr, k, t->kc);
    if (g->b.stride) b = (gemm_b_f32){g->b.p + k * g->b.stride + n, g->b.stride};
    else g->pack_b(g->ctx, t->fallback + PAIR * GEMM_KC, n, nr, k, t->kc);
    gemm_epilogue_f32 e = epilogue(t, m, n);
    INTERNAL(gemm_block_f32)(mr, nr, t->kc, a, b, t->c + m * t->ldc + n, t->ldc, &e);
}

static powers powers_of(const int *found, i64 panel, int panels) {
    return (powers){found[panel], panels > 1 ? found[panel + 1] : 0};
}
static int bad(powers p) { return p.first == PANEL_BAD || p.second == PANEL_BAD; }

static void block(task *t) { /* all tiles of the task for one block of k */
    const tile_unit *unit = t->r->j->unit;
    int parts = t->r->j->parts, which = 0;
    i64 steps = UDL_CEIL_DIV(t->kc, STEP), panel = steps * parts * TILE;
    for (i64 m = t->m0; m < t->m1; m += PAIR)
        for (i64 n = t->n0; n < t->n1; n += PAIR) {
            i64 mr = UDL_MINI(PAIR, t->m1 - m), nr = UDL_MINI(PAIR, t->n1 - n);
            i64 pa = (m - t->m0) / LINES, pb = (n - t->n0) / LINES;
            int rows = mr > LINES ? 2 : 1, columns = nr > LINES ? 2 : 1;
            powers a = powers_of(t->found_a, pa, rows), b = powers_of(t->found_b, pb, columns);
            if (bad(a) || bad(b)) { by_fma(t, m, n, mr, nr); continue; }
            float *out = t->buffer + which * PAIR * PAIR;
            which = !which;
            unit->product(rows, columns, steps, parts, t->a + pa * panel, panel, t->b + pb * panel, panel, out);
            finish(&t->wait);
            t->wait = (tile){out, t->c + m * t->ldc + n, mr, nr, t->ldc, a, b, epilogue(t, m, n)};
        }
}

/* ---- bf16: summed in float32 in a block of the task's own, rounded when complete --------------------------------------------- */
static vf32 widen(const uint16_t *p) {
    typedef uint16_t half16 __attribute__((vector_size(32)));
    half16 h;
    memcpy(&h, p, sizeof h);
    return (vf32)(__builtin_convertvector(h, vu32) << 16);
}
static void narrow(uint16_t *p, vf32 x) { /* to nearest even; NaN stays NaN */
    typedef uint16_t half16 __attribute__((vector_size(32)));
    vu32 u = (vu32)x, nan = (vu32)(x != x), r = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    half16 h = __builtin_convertvector((nan & (u >> 16 | 0x40)) | (~nan & r), half16);
    memcpy(p, &h, sizeof h);
}

static void out_of_bf16(const task *t) { /* before: out is added to the sums */
    const tile_job *j = t->r->j;
    for (i64 m = t->m0; m < t->m1; m++)
        for (i64 n = t->n0; n < t->n1; n += VW32) {
            uint16_t h[VW32] = {0};
            memcpy(h, j->c16 + m * j->ldc + n, (size_t)UDL_MINI(VW32, t->n1 - n) * 2);
            v_store(t->c + m * t->ldc + n, widen(h));
        }
}

static void into_bf16(const task *t) { /* after */
    const tile_job *j = t->r->j;
    for (i64 m = t->m0; m < t->m1; m++)
        for (i64 n = t->n0; n < t->n1; n += VW32) {
            uint16_t h[VW32] = {0}, *out = j->c16 + m * j->ldc + n;
            vf32 x = v_load(t->c + m * t->ldc + n);
            size_t bytes = (size_t)UDL_MINI(VW32, t->n1 - n) * 2;
            if (j->residual16) memcpy(h, j->residual16 + m * j->ldc + n, bytes), x += widen(h);
            narrow(h, x);
            memcpy(out, h, bytes);
        }
}

/* ---- tasks ---------------------------------------------------------------------------------------------------------------- */
/* memory of a task: tiles, panels that no other task reads, a block of out for bf16 */
typedef struct { size_t tiles, a, b, c, found, scratch, bytes; } layout;
static layout plan(const run *r) {
    layout l = {.tiles = 2 * PAIR * PAIR * sizeof(float)};
    if (!r->a.p) l.a = packed_bytes(r, r->mb, r->kc);
    if (!r->b.p) l.b = packed_bytes(r, r->nb, r->kc);
    if (r->j->c16) l.c = (size_t)(r->mb * r->nb) * sizeof(float);
    l.found = (size_t)up((r->mb + r->nb + 2 * PAIR) / LINES * (i64)sizeof(int), 64);
    if ((!r->a.p && !r->j->a.p) || (!r->b.p && !r->j->b.p)) l.scratch = PACK_SCRATCH * sizeof(float);
    l.bytes = l.tiles + l.a + l.b + l.c + l.found + l.scratch;
    return l;
}

static void one_task(task *t, char *memory, const layout *l) {
    run *r = t->r;
    const tile_job *j = r->j;
    uint16_t *a = (uint16_t *)(memory + l->tiles), *b = (uint16_t *)(memory + l->tiles + l->a);
    float *c = (float *)(memory + l->tiles + l->a + l->b), *scratch = (float *)(memory + l->bytes - l->scratch);
    int *found = (int *)(memory + l->tiles + l->a + l->b + l->c);
    t->buffer = (float *)memory;
    t->c = j->c, t->ldc = j->ldc;
    if (j->c16) t->c = c - t->m0 * r->nb - t->n0, t->ldc = r->nb; /* element (m0, n0) at c */
    if (j->c16 && j->e.add) out_of_bf16(t);
    for (i64 k = 0; k < r->k1 - r->k0; k += r->kc) {
        t->k = r->k0 + k;
        t->kc = UDL_MINI(r->kc, r->k1 - t->k);
        t->first = t->k == 0;
        t->last = t->k + t->kc == j->k;
        i64 pa = (t->m0 - r->m0) / LINES, pb = (t->n0 - r->n0) / LINES;
        if (r->a.p) t->a = panels_at(r, &r->a, pa, k), t->found_a = found_at(r, &r->a, pa, k);
        else {
            t->a = a, t->found_a = found;
            INTERNAL(tiles_pack)(&j->a, t->m0, t->m1 - t->m0, t->k, t->kc, j->parts, a, found, scratch);
        }
        if (r->b.p) t->b = panels_at(r, &r->b, pb, k), t->found_b = found_at(r, &r->b, pb, k);
        else {
            int *found_b = found + UDL_CEIL_DIV(r->mb, LINES);
            t->b = b, t->found_b = found_b;
            INTERNAL(tiles_pack)(&j->b, t->n0, t->n1 - t->n0, t->k, t->kc, j->parts, b, found_b, scratch);
        }
        block(t);
        finish(&t->wait); /* the panels and the tiles before it may go */
    }
    if (j->c16) into_bf16(t);
}

static void block_task(void *ctx, i64 begin, i64 end) {
    run *r = ctx;
    layout l = plan(r);
    char *memory = udl_alloc(l.bytes);
    if (!memory) { r->failed = 1; return; }
    task t = {.r = r};
    r->j->unit->begin();
    for (i64 at = begin; at < end; at++) {
        t.m0 = r->m0 + at / r->columns * r->mb, t.m1 = UDL_MINI(t.m0 + r->mb, r->m1);
        t.n0 = r->n0 + at % r->columns * r->nb, t.n1 = UDL_MINI(t.n0 + r->nb, r->n1);
        one_task(&t, memory, &l);
    }
    r->j->unit->end();
    if (t.fallback) udl_free(t.fallback, 2 * PAIR * GEMM_KC * sizeof(float));
    udl_free(memory, l.bytes);
}

/* ---- sizes ----------------------------------------------------------------------------------------------------------------- */
static i64 most_k(int parts) { return parts == 3 ? 256 : parts == 2 ? 384 : GEMM_KC; } /* 32 lines: 48, 48, 32 KiB */

/* Few rows (columns): a task owns columns (rows) with all of the other operand, so each panel is packed where it is used.
 * Else blocks of 256 x 256, smaller for more tasks. */
static void choose_blocks(run *r, i64 m, i64 n) {
    i64 rows = 1, columns = 1;
    if (m <= 512 && m <= n) columns = UDL_MINI(UDL_MAXI(LEAST_TASKS, UDL_CEIL_DIV(n, 512)), UDL_CEIL_DIV(n, 2 * PAIR));
    else if (n <= 512) rows = UDL_MINI(UDL_MAXI(LEAST_TASKS, UDL_CEIL_DIV(m, 512)), UDL_CEIL_DIV(m, 2 * PAIR));
    else {
        rows = UDL_CEIL_DIV(m, 256), columns = UDL_CEIL_DIV(n, 256);
        while (rows * columns < LEAST_TASKS)
            if (m / rows >= n / columns) rows *= 2;
            else columns *= 2;
    }
    r->mb = share(m, rows, PAIR), r->nb = share(n, columns, PAIR);
    r->rows = UDL_CEIL_DIV(m, r->mb), r->columns = UDL_CEIL_DIV(n, r->nb);
}

static size_t shared_bytes(const run *r, i64 lines, i64 k) {
    return packed_bytes(r, lines, k) + found_bytes(r, lines, k);
}

static int allocate(const run *r, packed *to, i64 lines, i64 k) {
    size_t panels = packed_bytes(r, lines, k);
    char *p = udl_alloc(panels + found_bytes(r, lines, k));
    to->p = (uint16_t *)p;
    to->found = (int *)(p + panels);
    return p != 0;
}

static run new_run(const tile_job *j) {
    return (run){.j = j, .kc = share(j->k, UDL_CEIL_DIV(j->k, most_k(j->parts)), STEP)};
}

/* ---- B packed once for many products: a header, the panels, what was found in them ------------------------------------------- */
int INTERNAL(tiles_packed_is_mine)(const void *packed, const tile_job *j) {
    const gemm_packed *p = packed;
    return p && p->maker == (int64_t)(intptr_t)INTERNAL(tiles_run) && p->n == j->n && p->k == j->k && p->parts == j->parts;
}

static packed given_b(const run *r, const void *from) {
    const tile_job *j = r->j;
    char *panels = (char *)(uintptr_t)from + sizeof(gemm_packed);
    return (packed){(uint16_t *)panels, (int *)(panels + packed_bytes(r, j->n, j->k)), UDL_CEIL_DIV(j->n, LINES), up(j->k, STEP)};
}

int64_t INTERNAL(tiles_prepack)(const tile_job *j, void *to) {
    run r = new_run(j);
    r.k1 = j->k;
    if (to) {
        *(gemm_packed *)to = (gemm_packed){.maker = (int64_t)(intptr_t)INTERNAL(tiles_run), .n = j->n, .k = j->k, .parts = j->parts};
        r.b = given_b(&r, to);
        pack_shared(&r, &j->b, &r.b, 0, j->n);
    }
    return (int64_t)(sizeof(gemm_packed) + shared_bytes(&r, j->n, j->k));
}

int INTERNAL(tiles_run)(const tile_job *j) {
    run r = new_run(j);
    i64 mc = UDL_MINI(j->m, (i64)CHUNK_LINES), nc = UDL_MINI(j->n, (i64)CHUNK_LINES);
    choose_blocks(&r, mc, nc);
    int share_a = r.columns > 1, share_b = r.rows > 1 && !j->packed_b;
    if (!share_b) nc = j->n, r.columns = UDL_CEIL_DIV(nc, r.nb); /* nothing is held for all of them */
    if (!share_a) mc = j->m, r.rows = UDL_CEIL_DIV(mc, r.mb);
    i64 lines = (share_a ? mc : 0) + (share_b ? nc : 0);
    i64 kp = UDL_MAXI(CHUNK_BYTES / (UDL_MAXI(lines, 1) * 2 * j->parts) / r.kc, 1) * r.kc;
    if (kp > j->k || j->c16 || j->packed_b) kp = j->k;
    if (j->packed_b) r.b = given_b(&r, j->packed_b);
    if (share_a && !allocate(&r, &r.a, mc, kp)) return UDL_ENOMEM;
    if (share_b && !allocate(&r, &r.b, nc, kp)) r.failed = 1;
    for (r.n0 = 0; r.n0 < j->n && !r.failed; r.n0 = r.n1) {
        r.n1 = UDL_MINI(r.n0 + nc, j->n);
        r.columns = UDL_CEIL_DIV(r.n1 - r.n0, r.nb);
        for (r.k0 = 0; r.k0 < j->k && !r.failed; r.k0 = r.k1) {
            r.k1 = UDL_MINI(r.k0 + kp, j->k);
            if (share_b) pack_shared(&r, &j->b, &r.b, r.n0, r.n1 - r.n0);
            for (r.m0 = 0; r.m0 < j->m && !r.failed; r.m0 = r.m1) {
                r.m1 = UDL_MINI(r.m0 + mc, j->m);
                if (share_a) pack_shared(&r, &j->a, &r.a, r.m0, r.m1 - r.m0);
                i64 tasks = UDL_CEIL_DIV(r.m1 - r.m0, r.mb) * r.columns;
                if (!r.failed) udl_parallel_for(tasks, 1, block_task, &r);
            }
        }
    }
    if (r.a.p) udl_free(r.a.p, shared_bytes(&r, mc, kp));
    if (share_b && r.b.p) udl_free(r.b.p, shared_bytes(&r, nc, kp));
    return r.failed ? UDL_ENOMEM : UDL_OK;
}
