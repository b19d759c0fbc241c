/* attention.h - what the attention kernels share: a block of scores and its masks.
 *
 * A block holds ATTENTION_KEYS keys x a group of ATTENTION_QUERIES queries, transposed: element (s, l) at s ld + l. So the
 * softmax of a query runs down a column and a vector holds several queries: its maximum, sum and scale need no
 * reduction across lanes. Keys and values are read as rows (A and B of the micro-kernel), where they lie if the caches can
 * hold them there (forward packs keys that many queries share); queries are packed, scaled by scale log2(e), as the panels of B: scores come out ready for 2^x. */
#ifndef T
#ifndef UDL_ATTENTION_H
#define UDL_ATTENTION_H
#include "../vec/math.h"
#include "columns.h"
#include "gemm.h"
#include "lanes.h"
#include "philox.h"

#define ATTENTION_KEYS 144                    /* at most, and a multiple of ATTENTION_STEP */
#define ATTENTION_STEP 24                     /* a multiple of every GEMM_MR */
#define ATTENTION_QUERIES (3 * GEMM_NR)       /* a multiple of GEMM_MR too */
#define ATTENTION_FEW 8                       /* up to so many rows for one head of keys: attention_few */
#define ATTENTION_LOG2E 1.4426950408889634074
enum { ATTENTION_NO_MASK, ATTENTION_BOOL, ATTENTION_ADD };

/* rows of a copied matrix: whole vectors, and an odd number of cache lines apart, so that a column of them is spread over
 * all of L1 */
#define ATTENTION_WIDE(n) (UDL_CEIL_DIV(n, VW) * VW)
#define ATTENTION_ROW(n) (UDL_CEIL_DIV(n, 64 / (i64)sizeof(T)) / 2 * (128 / (i64)sizeof(T)) + 64 / (i64)sizeof(T))

int INTERNAL(attention_few)(const udl_attention_args *a);

/* to[key][query] = a corner of a mask of bytes, from[query row + key], turned round: zipping the halves four times. Rows beyond n are
 * those of the last query, keys beyond ns 0. */
#define ATTENTION_CORNER 16
typedef uint8_t att_bytes __attribute__((vector_size(ATTENTION_CORNER)));
VFN void att_turn(att_bytes to[ATTENTION_CORNER], const uint8_t *from, i64 row, i64 n, i64 ns) {
    att_bytes t[ATTENTION_CORNER];
    for (int i = 0; i < ATTENTION_CORNER; i++) {
        const uint8_t *p = from + UDL_MINI(i, n - 1) * row;
        to[i] = (att_bytes){0};
        if (ns >= ATTENTION_CORNER) memcpy(&to[i], p, ATTENTION_CORNER);
        else for (i64 s = 0; s < ns; s++) to[i][s] = p[s];
    }
    for (int step = 0; step < 4; step++) {
        for (int i = 0; i < ATTENTION_CORNER / 2; i++) {
            t[2 * i] = UDL_SHUFFLE2(to[i], to[i + 8], att_bytes, UDL_ZLO16);
            t[2 * i + 1] = UDL_SHUFFLE2(to[i], to[i + 8], att_bytes, UDL_ZHI16);
        }
        memcpy(to, t, sizeof t);
    }
}

VFN i64 attention_block(i64 keys) { /* size of equal blocks */
    i64 share = UDL_CEIL_DIV(keys, UDL_MAXI(UDL_CEIL_DIV(keys, ATTENTION_KEYS), 1));
    return UDL_MAXI(UDL_CEIL_DIV(share, ATTENTION_STEP), 1) * ATTENTION_STEP;
}

#define UDL_THIS_FILE "kernels/attention.h"
#include "../each_float.h"
#undef UDL_THIS_FILE
#endif
#else

typedef struct {                /* one head */
    const udl_attention_args *a;
    const T *q, *k, *v;
    const char *mask;
    i64 index;                  /* b H + h */
} FN(att_head);

VFN FN(att_head) FN(att_head_at)(const udl_attention_args *a, i64 b, i64 h) {
    FN(att_head) j = {.a = a, .index = b * a->H + h};
    j.q = (const T *)a->q + b * a->q_s[0] + h * a->q_s[1];
    j.k = (const T *)a->k + b * a->k_s[0] + h / a->G * a->k_s[1];
    j.v = (const T *)a->v + b * a->v_s[0] + h / a->G * a->v_s[1];
    i64 at = b * a->mask_s[0] + h * a->mask_s[1];
    j.mask = (const char *)a->mask + (a->mask_kind == ATTENTION_ADD ? at * (i64)sizeof(T) : at);
    return j;
}

VFN i64 FN(att_wide)(i64 n) { return ATTENTION_WIDE(n); }
VFN i64 FN(att_row)(i64 n) { return ATTENTION_ROW(n); }

/* keys that a query below `l1` may look at */
VFN i64 FN(att_keys)(const udl_attention_args *a, i64 l1) { return a->causal ? UDL_MINI(a->S, l1) : a->S; }

/* to[rows][wide] = f[row] from[rows][n], row strides to_s and from_s, zeros beyond n; f or NULL */
static __attribute__((unused)) void FN(att_copy)(T *to, i64 to_s, const T *from, i64 from_s, i64 rows, i64 n, const T *f) {
    i64 wide = ATTENTION_WIDE(n);
    for (i64 r = 0; r < rows; r++, to += to_s, from += from_s) {
        vec x = v_set(f ? f[r] : 1);
        i64 i = 0;
        for (; i + VW <= n; i += VW) v_store(to + i, v_load(from + i) * x);
        if (i < wide) v_store(to + i, v_load_n(from + i, (int)(n - i)) * x);
    }
}

/* rows of n numbers: where they lie, or copied to `to` if they do not end with a vector, or lie so far apart that few sets of the
 * caches hold all of them and each has a page of its own */
VFN FN(gemm_b) FN(att_rows)(T *to, const T *from, i64 from_s, i64 rows, i64 n) {
    if (n % VW == 0 && from_s > 0 && from_s * (i64)sizeof(T) < 2048) return (FN(gemm_b)){from, from_s};
    FN(att_copy)(to, ATTENTION_ROW(n), from, from_s, rows, n, 0);
    return (FN(gemm_b)){to, ATTENTION_ROW(n)};
}

static __attribute__((unused)) int FN(att_finite)(const T *p, i64 stride, i64 rows, i64 n) { /* rows as att_copy leaves them */
    vmask bad = {0};
    for (i64 r = 0; r < rows; r++)
        for (i64 i = 0; i < n; i += VW) {
            vec x = v_load(p + r * stride + i);
            bad |= (x - x) != 0;
        }
    int any = 0;
    for (int i = 0; i < VW; i++) any |= bad[i] != 0;
    return !any;
}

/* Panels of the queries l0 .. l0 + n, times scale log2(e); returns the width of a row of scores. */
static __attribute__((unused)) i64 FN(att_pack)(T *to, const FN(att_head) *j, i64 l0, i64 n) {
    const udl_attention_args *a = j->a;
    gemm_pack_b(to, j->q + l0 * a->q_s[2], 1, a->q_s[2], a->D, n);
    i64 wide = ATTENTION_WIDE(n), all = wide * a->D;
    vec f = v_set((T)(a->scale * ATTENTION_LOG2E));
    for (i64 i = 0; i < all; i += VW) v_store(to + i, v_load(to + i) * f);
    return wide;
}

/* x + log2(e) m. Only an infinite m hides (NaN too): others, however low, leave equal weights to a row of them. */
VFN T FN(att_add)(T x, T m) {
    const T least = sizeof(T) == 4 ? (T)-0x1.fffffep127 : (T)-0x1.fffffffffffffp1023;
    x += m * (T)ATTENTION_LOG2E;
    x = x < least ? least : x;
    return m == (T)-INFINITY ? m : x;
}

/* the same for rows of a mask of numbers, transposed on the way */
VFN void FN(att_add_vector)(T *x, vec m) {
    const vec least = v_set(sizeof(T) == 4 ? (T)-0x1.fffffep127 : (T)-0x1.fffffffffffffp1023);
    vec y = v_load(x) + m * (T)ATTENTION_LOG2E;
    y = v_sel(y < least, least, y);
    v_store(x, v_sel(m == (T)-INFINITY, m, y));
}
static void FN(att_add_rows)(T *x, i64 ld, const T *add, i64 row, i64 n, i64 ns) {
    for (i64 l = 0; l < n; l += VW, x += VW) {
        const T *rows[VW];
        for (i64 r = 0; r < VW; r++) rows[r] = add + UDL_MINI(l + r, n - 1) * row;
        i64 s = 0;
        for (; s + FN(KS) <= ns; s += FN(KS)) {
            vec column[FN(KS)];
            FN(columns)(rows, s, column);
            UDL_UNROLL for (int i = 0; i < FN(KS); i++) FN(att_add_vector)(x + (s + i) * ld, column[i]);
        }
        for (; s < ns; s++) {
            vec column;
            for (int r = 0; r < VW; r++) column[r] = rows[r][s];
            FN(att_add_vector)(x + s * ld, column);
        }
    }
}

/* the same for rows of a mask of bytes; true if any is 0 */
static int FN(att_hide_rows)(T *x, i64 ld, const uint8_t *see, i64 row, i64 n, i64 ns) {
    typedef uint8_t few __attribute__((vector_size(VW)));
    const i64 C = ATTENTION_CORNER;
    int hidden = 0;
    for (i64 s = 0; s < ns; s += C)
        for (i64 l = 0; l < n; l += C) {
            const i64 keys = UDL_MINI(ns - s, C), wide = ATTENTION_WIDE(UDL_MINI(n - l, C));
            att_bytes corner[ATTENTION_CORNER], least;
            att_turn(corner, see + l * row + s, row, n - l, keys);
            least = corner[0] == 0;
            for (i64 i = 1; i < keys; i++) least |= corner[i] == 0;
            uint64_t any[2];
            memcpy(any, &least, sizeof any);
            if (!(any[0] | any[1])) continue;
            hidden = 1;
            for (i64 i = 0; i < keys; i++)
                for (i64 at = 0; at < wide; at += VW) {
                    few m;
                    T *to = x + (s + i) * ld + l + at;
                    memcpy(&m, (const uint8_t *)&corner[i] + at, sizeof m);
                    v_store(to, v_sel(__builtin_convertvector(m, vmask) == 0, v_set((T)-INFINITY), v_load(to)));
                }
        }
    return hidden;
}

/* the mask on x[ns][n], the scores of the keys s0 .. and the queries l0 ..; true if it may hide any */
static int FN(att_mask)(T *x, i64 ld, const FN(att_head) *j, i64 l0, i64 n, i64 s0, i64 ns) {
    const i64 row = j->a->mask_s[2], key = j->a->mask_s[3], at = l0 * row + s0 * key;
    const T *add = (const T *)j->mask + at, hidden = (T)-INFINITY;
    const uint8_t *see = (const uint8_t *)j->mask + at;
    const int rows = row && key == 1 && n > 1;
    if (rows && j->a->mask_kind == ATTENTION_BOOL) return FN(att_hide_rows)(x, ld, see, row, n, ns);
    if (rows) return FN(att_add_rows)(x, ld, add, row, n, ns), 1;
    for (i64 s = 0; s < ns; s++, x += ld, add += key, see += key)
        if (j->a->mask_kind == ATTENTION_ADD) {
            if (row) for (i64 l = 0; l < n; l++) x[l] = FN(att_add)(x[l], add[l * row]);
            else for (i64 l = 0; l < n; l++) x[l] = FN(att_add)(x[l], add[0]);
        } else if (row) {
            for (i64 l = 0; l < n; l++) x[l] = see[l * row] ? x[l] : hidden;
        } else if (!*see) {
            for (i64 l = 0; l < n; l++) x[l] = hidden;
        }
    return 1;
}

/* x[ns][wide] = scores of the keys s0 .. s0 + ns and the packed queries l0 .. l0 + n; true if any was masked. Keys in panels are
 * packed ATTENTION_STEP at a time. */
static __attribute__((unused)) int FN(att_scores)(T *x, i64 ld, const FN(att_head) *j, const T *queries, FN(gemm_a) keys, i64 l0,
                                                  i64 n, i64 s0, i64 ns) {
    const udl_attention_args *a = j->a;
    const FN(gemm_epilogue) e = {.alpha = 1};
    const i64 whole = keys.kind == GEMM_A_PANELS ? ns / ATTENTION_STEP * ATTENTION_STEP : ns;
    if (whole) gemm_block(whole, ATTENTION_WIDE(n), a->D, keys, (FN(gemm_b)){queries, 0}, x, ld, &e);
    keys.p += whole * a->D;
    if (whole < ns) gemm_block(ns - whole, ATTENTION_WIDE(n), a->D, keys, (FN(gemm_b)){queries, 0}, x + whole * ld, ld, &e);
    int masked = a->mask_kind != ATTENTION_NO_MASK && FN(att_mask)(x, ld, j, l0, n, s0, ns);
    if (!a->causal || s0 + ns - 1 <= l0) return masked;
    for (i64 s = UDL_MAXI(l0 + 1 - s0, 0); s < ns; s++)
        for (i64 l = 0; l < UDL_MINI(n, s0 + s - l0); l++) x[s * ld + l] = (T)-INFINITY;
    return 1;
}

/* keep[l] = is weight (l0 + l, s) kept? for l < wide; l0 is a multiple of 4 */
static __attribute__((unused)) void FN(att_keep)(uint8_t *keep, const FN(att_head) *j, i64 l0, i64 wide, i64 s) {
    const udl_attention_args *a = j->a;
    i64 counter = a->offset + (j->index * a->S + s) * UDL_CEIL_DIV(a->L, 4) + l0 / 4;
    uint32_t least = (uint32_t)(uint64_t)(a->p * 0x1p32), word[PHILOX_WORDS];
    for (i64 l = 0; l < wide; l += PHILOX_WORDS) {
        philox_words((uint64_t)a->seed, (uint64_t)(counter + l / 4), (vu64 *)word);
        for (i64 i = 0; i < UDL_MINI(PHILOX_WORDS, wide - l); i++) keep[l + i] = word[i] >= least;
    }
}

/* c[m][n] (+)= A B for B in rows. `careful`: weights of 0 hide what stands in B, NaN too. */
static __attribute__((unused)) void FN(att_product)(i64 m, i64 n, i64 k, FN(gemm_a) a, FN(gemm_b) b, T *c, i64 ldc,
                                                    int add, int careful) {
    const FN(gemm_epilogue) e = {.alpha = 1, .add = add};
    if (!careful) {
        gemm_block(m, n, k, a, b, c, ldc, &e);
        return;
    }
    for (i64 i = 0; i < m; i++, c += ldc) {
        if (!add) memset(c, 0, (size_t)n * sizeof(T));
        for (i64 t = 0; t < k; t++) {
            T w = a.kind == GEMM_A_ROWS ? a.p[i * a.stride + t] : a.p[t * a.stride + i];
            if (w == 0) continue;
            for (i64 x = 0; x < n; x += VW) v_store(c + x, v_load(c + x) + v_load(b.p + t * b.stride + x) * w);
        }
    }
}
#endif
