/* fail_nth.c - a preloaded library that lets the n-th allocation of some modules fail: for tests/reliability/check_oom.py.
 *
 *     cc -shared -fPIC fail_nth.c -o fail_nth.so;  LD_PRELOAD=fail_nth.so python ...
 *
 * Only calls whose return address lies in a module that fail_watch() was given are counted; blocks that a module took which was watched
 * with live = 1, and that nobody has given back yet, are counted too. For glibc, whose own entries are called underneath. */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

enum { MODULES = 8 };
static struct { uintptr_t low, high; int live; } watch[MODULES];
static int modules;
static atomic_long count, fail_at = -1, live;
enum { SLOTS = 1 << 16 };
static _Atomic(uintptr_t) taken[SLOTS]; /* blocks of the module: a hash table, open addressing */

struct wanted { const char *name; int live, found; };
static int find_module(struct dl_phdr_info *info, size_t size, void *data) {
    struct wanted *w = data;
    (void)size;
    if (*w->name ? !strstr(info->dlpi_name, w->name) : *info->dlpi_name) return 0;
    for (int i = 0; i < info->dlpi_phnum && modules < MODULES; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        watch[modules].low = info->dlpi_addr + p->p_vaddr;
        watch[modules].high = watch[modules].low + p->p_memsz;
        watch[modules++].live = w->live;
        w->found = 1;
    }
    return 1;
}
/* the first module whose path holds this text; "": the program itself */
int fail_watch(const char *module, int live) {
    struct wanted w = {module, live, 0};
    dl_iterate_phdr(find_module, &w);
    return w.found;
}
void fail_set(long n) { atomic_store(&count, 0), atomic_store(&fail_at, n); }
long fail_stop(void) { return atomic_store(&fail_at, -1), atomic_load(&count); }
long fail_live(void) { return atomic_load(&live); }

static int watched(void *from) { /* 0: no; 1: counted; 2: its live blocks too */
    for (int i = 0; i < modules; i++)
        if ((uintptr_t)from >= watch[i].low && (uintptr_t)from < watch[i].high) return 1 + watch[i].live;
    return 0;
}
static int fails(void) {
    long n = atomic_fetch_add(&count, 1);
    return n == atomic_load(&fail_at);
}
static void *note(void *p) {
    for (size_t i = 0, k = (uintptr_t)p / 16 * 0x9e3779b97f4a7c15u >> 48; p && i < 64; i++, k = (k + 1) % SLOTS) {
        uintptr_t empty = 0;
        if (atomic_compare_exchange_strong(&taken[k], &empty, (uintptr_t)p)) return atomic_fetch_add(&live, 1), p;
    }
    return p;
}
static void forget(void *p) {
    for (size_t i = 0, k = (uintptr_t)p / 16 * 0x9e3779b97f4a7c15u >> 48; p && i < 64; i++, k = (k + 1) % SLOTS) {
        uintptr_t same = (uintptr_t)p;
        if (atomic_compare_exchange_strong(&taken[k], &same, 0)) { atomic_fetch_sub(&live, 1); return; }
    }
}
#define REFUSE (errno = ENOMEM, (void *)0)
#define WATCHED const int w = watched(__builtin_return_address(0))
#define TAKE(p) (w == 2 ? note(p) : (p))

void *malloc(size_t n) {
    WATCHED;
    return w && fails() ? REFUSE : TAKE(__libc_malloc(n));
}
void *calloc(size_t n, size_t size) {
    WATCHED;
    return w && fails() ? REFUSE : TAKE(__libc_calloc(n, size));
}
void *realloc(void *p, size_t n) {
    WATCHED;
    if (w && fails()) return REFUSE;
    forget(p);
    return TAKE(__libc_realloc(p, n));
}
void free(void *p) {
    forget(p);
    __libc_free(p);
}
int posix_memalign(void **p, size_t align, size_t n) {
    WATCHED;
    if (w && fails()) return ENOMEM;
    if (!(*p = __libc_memalign(align, n))) return ENOMEM;
    TAKE(*p);
    return 0;
}
void *aligned_alloc(size_t align, size_t n) {
    WATCHED;
    return w && fails() ? REFUSE : TAKE(__libc_memalign(align, n));
}
void *mmap(void *at, size_t n, int protection, int flags, int file, off_t offset) {
    WATCHED;
    if (w && fails()) return errno = ENOMEM, MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, protection, flags, file, offset);
}
