/* optim.h - what the optimisers' kernels share: the table of addresses and the walk over it. Included once as it is, and once
 * for each element type (see kernel.h). */
#ifndef UDL_OPTIM_H
#define UDL_OPTIM_H
#define OPTIM_GRAIN 32768

typedef struct {
    double step_size, v_scale, decay, g_decay; /* adam: lr / (1 - b1^t), 1 / sqrt(1 - b2^t), 1 - lr wd, wd */
} adam_scalars;
typedef struct {
    const i64 *table;
    i64 count;
    const void *args;
    adam_scalars s;
} optim_ctx;

VFN void *optim_at(i64 address, i64 byte) { return address ? (char *)(intptr_t)address + byte : 0; }
static i64 optim_total(const i64 *table, i64 count) {
    i64 n = 0;
    for (i64 i = 0; i < count; i++) n += table[6 * i + 5];
    return n;
}
#endif

#ifdef T
/* the part of [begin, end) of the concatenation that lies in each parameter, handed to `one` */
VFN void FN(optim_walk)(const optim_ctx *x, i64 begin, i64 end,
                        void (*one)(const optim_ctx *, T *, const T *, T *, T *, T *, i64)) {
    i64 start = 0;
    for (i64 i = 0; i < x->count && start < end; i++) {
        const i64 *row = x->table + 6 * i, n = row[5];
        const i64 b = UDL_MAXI(begin - start, 0), e = UDL_MINI(end - start, n), byte = b * (i64)sizeof(T);
        if (b < e && row[1])
            one(x, optim_at(row[0], byte), optim_at(row[1], byte), optim_at(row[2], byte), optim_at(row[3], byte),
                optim_at(row[4], byte), e - b);
        start += n;
    }
}
#endif
