/* sort.c - the first k of each row in order, with their indices: stable, NaN largest, -0 equals 0.
 *
 * Every type is mapped to an unsigned key whose order is the wanted one (floats: flip the sign bit, or all bits if
 * negative; NaN to the top; descending: all bits flipped). Then, with the position as payload,
 *   short rows      the place of an element is the number of elements before it: n^2 comparisons, no branch
 *   k <= n / 4      candidates below the k-th best so far are collected; every k of them the k best are kept
 *   otherwise       radix sort from the least significant digit, digits equal in all keys skipped: stable, linear. Keys of
 *                   at most 32 bits of rows up to INDEXED_MAX stay in L1 while only positions move; those of longer rows
 *                   travel with their position in one 64-bit word. Wider keys that span at most 32 bits are taken from the
 *                   least on and go the same ways, others travel as pairs.
 * The k-th alone (medians) needs no order: digits from the most significant on are counted among the keys that agree with those
 * already known, until few are left; each digit reads the row once.
 * Rows are parallel. Floor: one read of the row; radix: one read and one scattered write for each byte that varies. */
#include "../kernel.h"

/* n^2 / VW64 comparisons against the passes of a radix sort: about equal there (with one pass for keys of a byte) */
enum { RANK_MAX = 32 * VW64, RANK_MAX_BYTE = 48, KEY_CHUNK = 256, KEY_GROUP = 16, INDEXED_MAX = 8192 };
static const i64 key_bytes[UDL_NDTYPES] = UDL_ITEMSIZES;

typedef struct { uint64_t key; i64 at; } sort_pair;

/* ---- keys --------------------------------------------------------------------------------------------------------- */
VFN uint64_t key_f32(uint32_t w) {
    if (w == 0x80000000u) w = 0;
    const uint32_t key = w ^ ((uint32_t)((int32_t)w >> 31) | 0x80000000u);
    return (w & 0x7fffffff) > 0x7f800000 ? UINT32_MAX : key;
}
VFN uint64_t key_bf16(uint16_t w) { return key_f32((uint32_t)w << 16) >> 16; }
VFN uint64_t key_f64(uint64_t w) {
    if (w == 1ull << 63) w = 0;
    const uint64_t key = w ^ ((uint64_t)((int64_t)w >> 63) | 1ull << 63);
    return (w & (UINT64_MAX >> 1)) > 0x7ffull << 52 ? UINT64_MAX : key;
}

#define SORT_KEYS(type, expression)                                                                    \
    for (i64 i = 0; i < n; i++) { const type w = ((const type *)row)[at + i]; key[i] = (expression) ^ flip; } \
    break
static void keys_of(uint64_t *restrict key, const void *row, i64 at, i64 n, i64 dtype, uint64_t flip) {
    switch (dtype) {
    case UDL_F32: SORT_KEYS(uint32_t, key_f32(w));
    case UDL_F64: SORT_KEYS(uint64_t, key_f64(w));
    case UDL_BF16: SORT_KEYS(uint16_t, key_bf16(w));
    case UDL_I64: SORT_KEYS(uint64_t, w ^ 1ull << 63);
    case UDL_I32: SORT_KEYS(uint32_t, (uint64_t)(w ^ 1u << 31));
    case UDL_I16: SORT_KEYS(uint16_t, (uint64_t)(w ^ 1u << 15));
    case UDL_I8: SORT_KEYS(uint8_t, (uint64_t)(w ^ 1u << 7));
    default: SORT_KEYS(uint8_t, (uint64_t)w);
    }
}

/* ---- the three sorts ---------------------------------------------------------------------------------------------- */
/* place[i] of key[i] among n <= RANK_MAX; both arrays have room for whole vectors */
static void rank_keys(i64 *place, const uint64_t *key, i64 n) {
    vi64 lane;
    for (int i = 0; i < VW64; i++) lane[i] = i;
    for (i64 i = 0; i < n; i += VW64) {
        vu64 mine;
        memcpy(&mine, key + i, sizeof mine);
        const vi64 me = lane + i;
        vi64 before = {0};
        for (i64 j = 0; j < n; j++) /* comparisons give -1 */
            before -= (vi64)(mine > key[j]) | ((vi64)(mine == key[j]) & (me > j));
        memcpy(place + i, &before, sizeof before);
    }
}

/* Sorts v[n] with room tmp[n] by `digits` digits of BITS bits, counted in hist[digits][1 << BITS]; returns where the result
 * lies. Digits equal in all keys are skipped. */
#define SORT_RADIX(name, E, DIGIT, C, BITS)                                                  \
    VFN E *name(E *v, E *tmp, i64 n, C *hist, int digits) {                                  \
        for (int b = 0; b < digits; b++) {                                                   \
            C *h = hist + ((i64)b << (BITS)), sum = 0;                                       \
            if (h[DIGIT(v[0], b, BITS)] == (C)n) continue;                                   \
            for (int d = 0; d < 1 << (BITS); d++) { const C c = h[d]; h[d] = sum; sum += c; } \
            for (i64 i = 0; i < n; i++) { const E e = v[i]; tmp[h[DIGIT(e, b, BITS)]++] = e; } \
            E *swap = v;                                                                     \
            v = tmp;                                                                         \
            tmp = swap;                                                                      \
        }                                                                                    \
        return v;                                                                            \
    }
#define PACKED_DIGIT(e, b, BITS) ((e) >> (32 + (BITS) * (b)) & ((1 << (BITS)) - 1))
#define PAIR_BYTE(e, b, BITS) ((e).key >> ((BITS) * (b)) & 255)
SORT_RADIX(radix_packed8, uint64_t, PACKED_DIGIT, uint32_t, 8)
SORT_RADIX(radix_packed11, uint64_t, PACKED_DIGIT, uint32_t, 11)
SORT_RADIX(radix_pairs, sort_pair, PAIR_BYTE, i64, 8)

/* one count for each digit of each key: digits side by side, since equal neighbours make each count wait for the last */
VFN void count_bytes(i64 *hist, const uint64_t *key, i64 n, int bytes) {
    for (i64 i = 0; i < n; i++)
        for (int b = 0; b < bytes; b++) hist[b << 8 | (key[i] >> (8 * b) & 255)]++;
}
VFN void count_packed(uint32_t *hist, const uint64_t *key, i64 n, int digits, int bits) {
    for (i64 i = 0; i < n; i++)
        for (int b = 0; b < digits; b++) hist[b << bits | (key[i] >> (bits * b) & ((1u << bits) - 1))]++;
}

/* stable sort of pairs that lie in order of `at` where keys are equal */
static sort_pair *sort_pairs(sort_pair *v, sort_pair *tmp, i64 n, i64 bytes, i64 *hist) {
    if (n <= RANK_MAX) {
        uint64_t key[RANK_MAX] = {0};
        i64 place[RANK_MAX];
        for (i64 i = 0; i < n; i++) key[i] = v[i].key;
        rank_keys(place, key, n);
        for (i64 i = 0; i < n; i++) tmp[place[i]] = v[i];
        return tmp;
    }
    memset(hist, 0, sizeof(i64) * 256 * (size_t)bytes);
    for (i64 i = 0; i < n; i++)
        for (i64 b = 0; b < bytes; b++) hist[b << 8 | (i64)PAIR_BYTE(v[i], b, 8)]++;
    return radix_pairs(v, tmp, n, hist, (int)bytes);
}

/* ---- one row ------------------------------------------------------------------------------------------------------ */
typedef struct {
    const udl_sort_args *a;
    uint64_t flip;
    i64 room; /* elements of v, and of tmp */
    int packed, select, failed;
} sort_job;

/* out of row o, place j: element `at` */
VFN void sort_put(const udl_sort_args *a, const char *row, i64 out, i64 at) {
    const i64 size = key_bytes[a->dtype];
    ((i64 *)a->indices)[out] = at;
    if (size == 4) ((uint32_t *)a->values)[out] = ((const uint32_t *)row)[at];
    else if (size == 8) ((uint64_t *)a->values)[out] = ((const uint64_t *)row)[at];
    else if (size == 2) ((uint16_t *)a->values)[out] = ((const uint16_t *)row)[at];
    else ((uint8_t *)a->values)[out] = ((const uint8_t *)row)[at];
}

static void sort_short(const sort_job *j, const char *row, i64 out) {
    const udl_sort_args *a = j->a;
    uint64_t key[RANK_MAX] = {0};
    i64 place[RANK_MAX];
    keys_of(key, row, 0, a->n, a->dtype, j->flip);
    rank_keys(place, key, a->n);
    for (i64 i = 0; i < a->n; i++)
        if (place[i] < a->k) sort_put(a, row, out + place[i], i);
}

/* keys of more than 32 bits, or very long rows: (key, position) pairs, byte by byte */
static void sort_wide(const sort_job *j, const char *row, i64 out, sort_pair *v, i64 *hist) {
    const udl_sort_args *a = j->a;
    const i64 n = a->n, bytes = key_bytes[a->dtype];
    uint64_t key[KEY_CHUNK];
    memset(hist, 0, sizeof(i64) * 256 * (size_t)bytes);
    for (i64 i = 0; i < n; i += KEY_CHUNK) {
        const i64 m = UDL_MINI(KEY_CHUNK, n - i);
        keys_of(key, row, i, m, a->dtype, j->flip);
        if (bytes == 8) count_bytes(hist, key, m, 8);
        else count_bytes(hist, key, m, (int)bytes);
        for (i64 c = 0; c < m; c++) v[i + c] = (sort_pair){key[c], i + c};
    }
    v = radix_pairs(v, v + n, n, hist, (int)bytes);
    for (i64 i = 0; i < a->k; i++) sort_put(a, row, out + i, v[i].at);
}

/* Whether the keys of 64 bits lie within 32 bits from *base on, the least of them: labels and places do. */
static int narrow_range(const sort_job *j, const char *row, uint64_t *base) {
    const i64 n = j->a->n;
    uint64_t key[KEY_CHUNK], least = UINT64_MAX, most = 0;
    for (i64 i = 0; i < n && (i == 0 || most - least <= UINT32_MAX); i += KEY_CHUNK) {
        const i64 m = UDL_MINI(KEY_CHUNK, n - i);
        keys_of(key, row, i, m, j->a->dtype, j->flip);
        for (i64 c = 0; c < m; c++) least = UDL_MINI(least, key[c]), most = UDL_MAXI(most, key[c]);
    }
    *base = least;
    return most - least <= UINT32_MAX;
}

/* key - base and position in one word; rows are longer than INDEXED_MAX */
static void sort_packed(const sort_job *j, const char *row, i64 out, uint64_t base, uint64_t *v, uint32_t *hist) {
    const udl_sort_args *a = j->a;
    const i64 n = a->n, bytes = key_bytes[a->dtype];
    const int wide = bytes >= 4;
    uint64_t key[KEY_CHUNK];
    memset(hist, 0, sizeof(uint32_t) * (wide ? 3 << 11 : (size_t)bytes << 8));
    for (i64 i = 0; i < n; i += KEY_CHUNK) {
        const i64 m = UDL_MINI(KEY_CHUNK, n - i);
        keys_of(key, row, i, m, a->dtype, j->flip);
        for (i64 c = 0; c < m; c++) key[c] -= base;
        if (wide) count_packed(hist, key, m, 3, 11);
        else count_packed(hist, key, m, (int)bytes, 8);
        for (i64 c = 0; c < m; c++) v[i + c] = key[c] << 32 | (uint64_t)(i + c);
    }
    v = wide ? radix_packed11(v, v + n, n, hist, 3) : radix_packed8(v, v + n, n, hist, (int)bytes);
    for (i64 i = 0; i < a->k; i++) sort_put(a, row, out + i, (i64)(uint32_t)v[i]);
}

/* positions in the order of `digits` digits of `bits` bits, counted in hist; pos and other have room for n each */
VFN uint16_t *radix_positions(uint16_t *pos, uint16_t *other, const uint32_t *key, i64 n, uint16_t *hist, int digits, int bits) {
    const uint32_t mask = (1u << bits) - 1;
    int begun = 0;
    for (int b = 0; b < digits; b++) {
        uint16_t *h = hist + (b << bits), sum = 0;
        const int shift = bits * b;
        if (h[key[0] >> shift & mask] == n) continue;
        for (int d = 0; d <= (int)mask; d++) { const uint16_t c = h[d]; h[d] = sum; sum = (uint16_t)(sum + c); }
        if (begun) for (i64 i = 0; i < n; i++) { const uint16_t p = pos[i]; other[h[key[p] >> shift & mask]++] = p; }
        else for (i64 i = 0; i < n; i++) other[h[key[i] >> shift & mask]++] = (uint16_t)i;
        uint16_t *swap = pos;
        pos = other;
        other = swap;
        begun = 1;
    }
    for (i64 i = 0; i < n && !begun; i++) pos[i] = (uint16_t)i;
    return pos;
}
VFN void count_digits(uint16_t *hist, const uint32_t *key, i64 n, int digits, int bits) {
    memset(hist, 0, sizeof(uint16_t) * ((size_t)digits << bits));
    for (i64 i = 0; i < n; i++)
        for (int b = 0; b < digits; b++) hist[b << bits | (key[i] >> (bits * b) & ((1u << bits) - 1))]++;
}

static void sort_indexed(const sort_job *j, const char *row, i64 out, uint64_t base) {
    const udl_sort_args *a = j->a;
    const i64 n = a->n, bytes = key_bytes[a->dtype];
    uint64_t chunk[KEY_CHUNK];
    uint32_t key[INDEXED_MAX];
    uint16_t hist[3 << 11], pos[2 * INDEXED_MAX], *p;
    for (i64 i = 0; i < n; i += KEY_CHUNK) {
        const i64 m = UDL_MINI(KEY_CHUNK, n - i);
        keys_of(chunk, row, i, m, a->dtype, j->flip);
        for (i64 c = 0; c < m; c++) key[i + c] = (uint32_t)(chunk[c] - base);
    }
    if (bytes >= 4 && n >= 2048) { /* enough to pay for summing 2048 counts a digit */
        count_digits(hist, key, n, 3, 11);
        p = radix_positions(pos, pos + n, key, n, hist, 3, 11);
    } else if (bytes >= 4) {
        count_digits(hist, key, n, 4, 8);
        p = radix_positions(pos, pos + n, key, n, hist, 4, 8);
    } else {
        count_digits(hist, key, n, (int)bytes, 8);
        p = radix_positions(pos, pos + n, key, n, hist, (int)bytes, 8);
    }
    for (i64 i = 0; i < a->k; i++) sort_put(a, row, out + i, p[i]);
}

/* v holds the best so far (in order, once full), then new candidates; the k-th key is the bar. A later element with a
 * key equal to the bar comes after k others, so only smaller keys are candidates. */
static void sort_select(const sort_job *j, const char *row, i64 out, sort_pair *v, i64 *hist) {
    const udl_sort_args *a = j->a;
    const i64 n = a->n, k = a->k, bytes = key_bytes[a->dtype];
    sort_pair *tmp = v + j->room;
    uint64_t key[KEY_CHUNK] = {0}, bar = 0;
    i64 count = 0;
    int full = 0;
    for (i64 i = 0; i < n; i += KEY_CHUNK) {
        const i64 m = UDL_MINI(KEY_CHUNK, n - i);
        keys_of(key, row, i, m, a->dtype, j->flip);
        for (i64 g = 0; g < m; g += KEY_GROUP) {
            int any = !full;
            for (i64 c = g; c < g + KEY_GROUP; c++) any |= key[c] < bar;
            for (i64 c = g; any && c < UDL_MINI(g + KEY_GROUP, m); c++) {
                if (full && key[c] >= bar) continue;
                v[count++] = (sort_pair){key[c], i + c};
                if (count < j->room) continue;
                sort_pair *sorted = sort_pairs(v, tmp, count, bytes, hist);
                if (sorted != v) { tmp = v; v = sorted; }
                count = k;
                bar = v[k - 1].key;
                full = 1;
            }
        }
    }
    v = sort_pairs(v, tmp, count, bytes, hist);
    for (i64 i = 0; i < k; i++) sort_put(a, row, out + i, v[i].at);
}

/* the element of rank k - 1 alone; the counts of a longer digit pay in longer rows only */
enum { FEW = RANK_MAX / 2, SHORT_DIGIT = 8, DIGIT = 11 };
static void sort_kth(const sort_job *j, const char *row, i64 out) {
    const udl_sort_args *a = j->a;
    const i64 n = a->n;
    uint64_t key[KEY_CHUNK], known = 0; /* the digits that are known, those below them 0 */
    i64 rank = a->k - 1, left = n, at = 0;
    int low = 8 * (int)key_bytes[a->dtype]; /* bits that are not known yet */
    const int most = n < INDEXED_MAX ? SHORT_DIGIT : DIGIT;
    while (left > FEW && low > 0) {
        const int bits = low < most ? low : most, shift = low - bits;
        i64 count[1 << DIGIT], digit = 0;
        memset(count, 0, sizeof(i64) << bits);
        for (i64 i = 0; i < n; i += KEY_CHUNK) {
            const i64 m = UDL_MINI(KEY_CHUNK, n - i);
            keys_of(key, row, i, m, a->dtype, j->flip);
            /* what agrees differs from `known` in the digit at most */
            for (i64 c = 0; c < m; c++) {
                const uint64_t d = (key[c] ^ known) >> shift;
                if (d < 1u << bits) count[d]++;
            }
        }
        while (rank >= count[digit]) rank -= count[digit++];
        left = count[digit];
        known |= (uint64_t)digit << shift;
        low = shift;
    }
    /* among the `left` keys that agree, the one of rank `rank`, equal keys by their places */
    sort_pair v[RANK_MAX], tmp[RANK_MAX];
    i64 found = 0;
    for (i64 i = 0; i < n; i += KEY_CHUNK) {
        const i64 m = UDL_MINI(KEY_CHUNK, n - i);
        keys_of(key, row, i, m, a->dtype, j->flip);
        for (i64 c = 0; c < m; c++) {
            if (low < 64 && (key[c] ^ known) >> low) continue;
            if (low > 0) v[found++] = (sort_pair){key[c], i + c};
            else if (found++ == rank) at = i + c;
        }
        if (low == 0 && found > rank) break;
    }
    if (low > 0) at = sort_pairs(v, tmp, found, key_bytes[a->dtype], NULL)[rank].at; /* few: by ranks */
    sort_put(a, row, out, at);
}

static void kth_rows(void *ctx, i64 begin, i64 end) {
    const sort_job *j = ctx;
    const i64 row_bytes = j->a->n * key_bytes[j->a->dtype];
    for (i64 o = begin; o < end; o++) sort_kth(j, (const char *)j->a->a + o * row_bytes, o);
}

static void sort_rows(void *ctx, i64 begin, i64 end) {
    sort_job *j = ctx;
    const udl_sort_args *a = j->a;
    const i64 n = a->n, row_bytes = n * key_bytes[a->dtype];
    const char *rows = a->a;
    if (n <= (key_bytes[a->dtype] == 1 ? RANK_MAX_BYTE : RANK_MAX)) {
        for (i64 o = begin; o < end; o++) sort_short(j, rows + o * row_bytes, o * a->k);
        return;
    }
    if (!j->select && key_bytes[a->dtype] <= 4 && n <= INDEXED_MAX) {
        for (i64 o = begin; o < end; o++) sort_indexed(j, rows + o * row_bytes, o * a->k, 0);
        return;
    }
    const size_t hist_bytes = 3 * 2048 * sizeof(uint32_t); /* the larger of sort_packed's and 8 x 256 of i64 */
    const size_t bytes = hist_bytes + 2 * (j->packed ? sizeof(uint64_t) : sizeof(sort_pair)) * (size_t)j->room;
    char *scratch = udl_alloc(bytes);
    if (!scratch) { __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); return; }
    void *v = scratch + hist_bytes;
    void *hist = scratch;
    for (i64 o = begin; o < end; o++) {
        const char *row = rows + o * row_bytes;
        uint64_t base = 0;
        if (j->select) sort_select(j, row, o * a->k, v, hist);
        else if (!j->packed && !(n <= UINT32_MAX && narrow_range(j, row, &base))) sort_wide(j, row, o * a->k, v, hist);
        else if (n <= INDEXED_MAX) sort_indexed(j, row, o * a->k, base);
        else sort_packed(j, row, o * a->k, base, v, hist);
    }
    udl_free(scratch, bytes);
}

int KERNEL(sort)(const udl_sort_args *a) {
    if (a->dtype < 0 || a->dtype >= UDL_NDTYPES || a->k > a->n || a->k < 0) return UDL_EINVAL;
    if (a->outer * a->k == 0) return UDL_OK;
    const i64 bytes = key_bytes[a->dtype];
    sort_job j = {a, a->descending ? UINT64_MAX >> (64 - 8 * bytes) : 0, a->n, 0, a->k <= a->n / 4, 0};
    if (a->only) {
        udl_parallel_for(a->outer, UDL_MAXI(1, 8192 / a->n), kth_rows, &j);
        return UDL_OK;
    }
    if (j.select) j.room = UDL_MAXI(2 * a->k, 16);
    else j.packed = bytes <= 4 && a->n <= UINT32_MAX;
    udl_parallel_for(a->outer, UDL_MAXI(1, 8192 / a->n), sort_rows, &j);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}
