/* sort.c - the first k of each row in order, with their indices: stable, NaN largest.
 *
 * Every type is mapped to an unsigned key whose order is the wanted one (floats: flip the sign bit, or all bits if
 * negative; NaN to the top; descending: all bits flipped). Rows of (key, index) pairs are sorted by least-significant
 * digit radix sort, 8 bits a pass, passes in which all digits are equal skipped: stable and linear. A small k of a long
 * row uses a heap of the k best so far. Short rows use insertion sort. Parallel over rows.
 * Floor: one read of the row; radix: one histogram pass and one scatter for each byte that varies. */
#include "../kernel.h"

typedef struct { uint64_t key; i64 at; } pair;

static uint64_t key_of(const void *p, i64 i, i64 dtype) {
    uint64_t u;
    switch (dtype) {
    case UDL_F64: {
        double x = ((const double *)p)[i];
        if (x != x) return UINT64_MAX;
        x += 0.0; /* -0 equals 0 */
        memcpy(&u, &x, 8);
        return u >> 63 ? ~u : u | 1ull << 63;
    }
    case UDL_F32: case UDL_BF16: {
        float x;
        uint32_t w;
        if (dtype == UDL_F32) x = ((const float *)p)[i];
        else { w = (uint32_t)((const uint16_t *)p)[i] << 16; memcpy(&x, &w, 4); }
        if (x != x) return UINT32_MAX;
        x += 0.0f;
        memcpy(&w, &x, 4);
        return w >> 31 ? (uint32_t)~w : w | 1u << 31;
    }
    case UDL_I64: return (uint64_t)((const i64 *)p)[i] ^ 1ull << 63;
    case UDL_I32: return (uint32_t)((const int32_t *)p)[i] ^ 1u << 31;
    default: return ((const uint8_t *)p)[i];
    }
}

static const i64 sizes[UDL_NDTYPES] = {1, 1, 4, 8, 2, 4, 8};

static void insertion(pair *v, i64 n) {
    for (i64 i = 1; i < n; i++) {
        pair x = v[i];
        i64 j = i;
        for (; j > 0 && v[j - 1].key > x.key; j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Sorts v[n] with room tmp[n]; returns where the result lies. */
static pair *radix(pair *v, pair *tmp, i64 n) {
    i64 hist[8][256] = {{0}};
    for (i64 i = 0; i < n; i++)
        for (int b = 0; b < 8; b++) hist[b][v[i].key >> (8 * b) & 255]++;
    for (int b = 0; b < 8; b++) {
        i64 *h = hist[b], sum = 0;
        if (h[v[0].key >> (8 * b) & 255] == n) continue;
        for (int d = 0; d < 256; d++) { i64 c = h[d]; h[d] = sum; sum += c; }
        for (i64 i = 0; i < n; i++) tmp[h[v[i].key >> (8 * b) & 255]++] = v[i];
        pair *swap = v; v = tmp; tmp = swap;
    }
    return v;
}

/* worse: comes later in the result */
static int later(pair a, pair b) { return a.key > b.key || (a.key == b.key && a.at > b.at); }
static void sink(pair *h, i64 n, i64 i) {
    pair x = h[i];
    for (i64 c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && later(h[c + 1], h[c])) c++;
        if (!later(h[c], x)) break;
        h[i] = h[c];
    }
    h[i] = x;
}
/* the k first of n keys, in order, into h[k] */
static void first_k(const udl_sort_args *a, const void *row, uint64_t flip, pair *h) {
    i64 k = a->k;
    for (i64 i = 0; i < a->n; i++) {
        pair x = {key_of(row, i, a->dtype) ^ flip, i};
        if (i < k) {
            h[i] = x;
            if (i == k - 1) for (i64 j = k / 2 - 1; j >= 0; j--) sink(h, k, j);
        } else if (later(h[0], x)) {
            h[0] = x;
            sink(h, k, 0);
        }
    }
    for (i64 m = k - 1; m > 0; m--) { pair t = h[0]; h[0] = h[m]; h[m] = t; sink(h, m, 0); }
}

typedef struct { const udl_sort_args *a; int failed; } sort_job;

static void sort_rows(void *p, i64 begin, i64 end) {
    sort_job *j = p;
    const udl_sort_args *a = j->a;
    i64 n = a->n, k = a->k, size = sizes[a->dtype];
    int heap = k <= 64 && k * 8 < n;
    uint64_t mask = size == 8 ? UINT64_MAX : a->dtype == UDL_U8 || a->dtype == UDL_BOOL ? 255 : UINT32_MAX;
    uint64_t flip = a->descending ? mask : 0;
    size_t bytes = sizeof(pair) * (size_t)(heap ? k : 2 * n);
    pair *v = udl_alloc(bytes);
    if (!v) { j->failed = 1; return; }
    for (i64 o = begin; o < end; o++) {
        const char *row = (const char *)a->a + o * n * size;
        pair *r = v;
        if (heap) first_k(a, row, flip, v);
        else {
            for (i64 i = 0; i < n; i++) v[i] = (pair){key_of(row, i, a->dtype) ^ flip, i};
            if (n <= 32) insertion(v, n);
            else r = radix(v, v + n, n);
        }
        for (i64 i = 0; i < k; i++) {
            ((i64 *)a->indices)[o * k + i] = r[i].at;
            memcpy((char *)a->values + (o * k + i) * size, row + r[i].at * size, (size_t)size);
        }
    }
    udl_free(v, bytes);
}

int KERNEL(sort)(const udl_sort_args *a) {
    if (a->dtype < 0 || a->dtype >= UDL_NDTYPES || a->k > a->n || a->k < 0) return UDL_EINVAL;
    if (a->outer * a->k == 0) return UDL_OK;
    sort_job j = {a, 0};
    i64 grain = UDL_MAXI(1, 4096 / a->n);
    if (a->outer <= grain) sort_rows(&j, 0, a->outer);
    else udl_parallel_for(a->outer, grain, sort_rows, &j);
    return j.failed ? UDL_ENOMEM : UDL_OK;
}
