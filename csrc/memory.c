/* memory.c - the caching allocator. A fresh large array costs page faults, not arithmetic; so freed blocks are kept.
 *
 * Sizes are rounded up to a class: multiples of 64 bytes up to 512, then eight steps in every power of two (512, 576,
 * 640, ..., 1024, 1152, ...), so that less than 1/8 is wasted. A class keeps its free blocks in a list that runs
 * through the blocks themselves. Blocks from 128 KiB up are mapped, as malloc would keep much of what it is given back, and those
 * from 2 MiB up at 2 MiB boundaries for huge pages.
 *
 * When more would be cached than the limit allows, blocks go back to the system from the class that has not been asked for
 * longest, if that was PATIENCE allocations ago: a program that changes its shapes does not stay stuck with blocks of the old
 * ones, and one that goes through the same shapes again and again does not lose each block just before it is needed. */
#define _GNU_SOURCE
#include "cpu.h"
#include "udlfast.h"
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { ALIGN = 64, LINEAR = 8, MAX_LOG2 = 47, NCLASSES = LINEAR + (MAX_LOG2 - 9) * 8 };
#define MAPPED ((size_t)128 << 10)
#define LARGE ((size_t)2 << 20)
#define PATIENCE 4096

typedef struct block {
    struct block *next;
} block;

static struct {
    block *free;
    int64_t last_use; /* value of stats.allocs when the class was last asked for */
} classes[NCLASSES];
static udl_memory_info stats = {.reserved_limit = -1}; /* -1: not chosen yet */
static atomic_flag lock = ATOMIC_FLAG_INIT;

/* Held for some ten instructions; the yield is for the case that its holder lost the processor. */
static inline void take_lock(void) {
    for (int i = 1; atomic_flag_test_and_set_explicit(&lock, memory_order_acquire); i++)
        if (i % 64 == 0) sched_yield();
}
static inline void drop_lock(void) { atomic_flag_clear_explicit(&lock, memory_order_release); }

/* class of `bytes`, and the size of its blocks; -1 when no block can be that large */
static inline int class_of(size_t bytes, size_t *size) {
    if (bytes <= LINEAR * ALIGN) {
        size_t k = bytes ? (bytes - 1) / ALIGN : 0;
        *size = (k + 1) * ALIGN;
        return (int)k;
    }
    if (bytes > (size_t)1 << MAX_LOG2) return -1;
    int e = 63 - __builtin_clzll((unsigned long long)bytes - 1), shift = e - 3; /* 2^e < bytes <= 2^(e + 1) */
    size_t k = (bytes - 1) >> shift;                                            /* 8 .. 15 */
    *size = (k + 1) << shift;
    return LINEAR + (e - 9) * 8 + (int)k - 8;
}

static inline size_t size_of_class(int c) {
    if (c < LINEAR) return (size_t)(c + 1) * ALIGN;
    int e = 9 + (c - LINEAR) / 8;
    return (size_t)((c - LINEAR) % 8 + 9) << (e - 3);
}

/* ---- the system ---------------------------------------------------------------------------------------------------- */
static void *map_large(size_t size) {
    char *p = mmap(NULL, size + LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t before = (LARGE - (uintptr_t)p % LARGE) % LARGE, after = LARGE - before;
    if (before) munmap(p, before);
    if (after) munmap(p + before + size, after);
#if defined(MADV_HUGEPAGE)
    madvise(p + before, size, MADV_HUGEPAGE);
#endif
    return p + before;
}

static void *take_from_system(size_t size) {
    void *p = NULL;
    if (size >= LARGE) return map_large(size);
    if (size >= MAPPED) {
        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }
    return posix_memalign(&p, ALIGN, size) ? NULL : p;
}

static void give_to_system(void *p, size_t size) {
    if (size >= MAPPED) munmap(p, size);
    else free(p);
}

/* ---- the cache ------------------------------------------------------------------------------------------------------ */
static int64_t default_limit(void) { return (int64_t)fmin(1 << 30, udl_limit_memory() / 8); }

/* reads files when called first, so never with the lock held */
static void choose_limit(void) {
    take_lock();
    int64_t limit = stats.reserved_limit;
    drop_lock();
    if (limit >= 0) return;
    limit = default_limit();
    take_lock();
    if (stats.reserved_limit < 0) stats.reserved_limit = limit;
    drop_lock();
}

/* class other than `spare` that has free blocks and was asked for longest ago, at least `patience` allocations; -1 when there is none */
static int oldest_class(int spare, int64_t patience) {
    int oldest = -1;
    for (int c = 0; c < NCLASSES; c++)
        if (classes[c].free && c != spare && stats.allocs - classes[c].last_use >= patience &&
            (oldest < 0 || classes[c].last_use < classes[oldest].last_use)) oldest = c;
    return oldest;
}

/* With the lock held: moves free blocks from the cache to out[class] until `room` bytes more fit under the limit. */
static void evict(int64_t room, int spare, int64_t patience, block *out[NCLASSES]) {
    for (int c; stats.cached + room > stats.reserved_limit && (c = oldest_class(spare, patience)) >= 0;)
        while (classes[c].free && stats.cached + room > stats.reserved_limit) {
            block *b = classes[c].free;
            classes[c].free = b->next;
            b->next = out[c];
            out[c] = b;
            stats.cached -= (int64_t)size_of_class(c);
        }
}

static int64_t give_all(block *lists[NCLASSES]) {
    int64_t given = 0;
    for (int c = 0; c < NCLASSES; c++)
        for (block *b = lists[c], *next; b; b = next) {
            next = b->next;
            give_to_system(b, size_of_class(c));
            given += (int64_t)size_of_class(c);
        }
    return given;
}

int64_t udl_memory_trim(void) {
    block *lists[NCLASSES];
    take_lock();
    for (int c = 0; c < NCLASSES; c++) {
        lists[c] = classes[c].free;
        classes[c].free = NULL;
    }
    stats.cached = 0;
    drop_lock();
    int64_t given = give_all(lists);
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
    return given;
}

static inline void count_in_use(size_t size) {
    stats.in_use += (int64_t)size;
    if (stats.in_use > stats.peak) stats.peak = stats.in_use;
}

static __attribute__((noinline)) void *alloc_uncached(size_t size) {
    void *p = take_from_system(size);
    if (!p && udl_memory_trim() > 0) p = take_from_system(size);
    take_lock();
    stats.system_allocs += p != NULL;
    if (p) count_in_use(size);
    drop_lock();
    return p;
}

#if defined(__SANITIZE_ADDRESS__)
/* The sanitizer sees a step beyond the end, or into what was given back, only where nothing is rounded up, mapped or kept. */
static void *alloc_exact(size_t bytes, size_t size) {
    void *p = NULL;
    if (posix_memalign(&p, ALIGN, bytes ? bytes : 1)) p = NULL;
    take_lock();
    stats.allocs++;
    stats.system_allocs += p != NULL;
    if (p) count_in_use(size);
    drop_lock();
    return p;
}
#endif

void *udl_alloc(size_t bytes) {
    size_t size;
    int c = class_of(bytes, &size);
    if (c < 0) return NULL;
#if defined(__SANITIZE_ADDRESS__)
    return alloc_exact(bytes, size);
#endif
    take_lock();
    classes[c].last_use = ++stats.allocs;
    block *b = classes[c].free;
    if (b) {
        classes[c].free = b->next;
        stats.hits++;
        stats.cached -= (int64_t)size;
        count_in_use(size);
    }
    drop_lock();
    return b ? b : alloc_uncached(size);
}

static inline void keep(block *b, int c, size_t size) {
    b->next = classes[c].free;
    classes[c].free = b;
    stats.cached += (int64_t)size;
}

static __attribute__((noinline)) void free_over_limit(block *b, int c, size_t size) {
    block *out[NCLASSES] = {NULL};
    choose_limit();
    take_lock();
    if ((int64_t)size <= stats.reserved_limit) evict((int64_t)size, c, PATIENCE, out);
    int fits = stats.cached + (int64_t)size <= stats.reserved_limit;
    if (fits) keep(b, c, size);
    drop_lock();
    if (!fits) give_to_system(b, size);
    give_all(out);
}

void udl_free(void *p, size_t bytes) {
    size_t size;
    int c = class_of(bytes, &size);
    if (!p || c < 0) return;
    take_lock();
    stats.in_use -= (int64_t)size;
#if defined(__SANITIZE_ADDRESS__)
    drop_lock();
    free(p);
    return;
#endif
    int fits = stats.cached + (int64_t)size <= stats.reserved_limit;
    if (fits) keep(p, c, size);
    drop_lock();
    if (!fits) free_over_limit(p, c, size);
}

void udl_memory_stats(udl_memory_info *out) {
    choose_limit();
    take_lock();
    *out = stats;
    drop_lock();
}

void udl_memory_limit(int64_t bytes) {
    block *out[NCLASSES] = {NULL};
    take_lock();
    stats.reserved_limit = bytes < 0 ? 0 : bytes;
    evict(0, -1, 0, out);
    drop_lock();
    give_all(out);
}

/* ---- fork: the child must not inherit the lock from a thread that it does not have ------------------------------------ */
static void before_fork(void) { take_lock(); }
static void after_fork(void) { drop_lock(); }
__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(before_fork, after_fork, after_fork); }
