/* fail_nth.c - a preloaded library that lets the n-th allocation of some modules fail: for tests/reliability/check_oom.py.
 *
 *     cc -shared -fPIC fail_nth.c -o fail_nth.so;  LD_PRELOAD=fail_nth.so python ...
 *
 * Only calls whose return address lies in a module that fail_watch() was given are counted; blocks that a module took which was watched
 * with live = 1, and that nobody has given back yet, are counted too. For glibc, whose own entries are called underneath.
 *
 * After fail_loop("_PyEval_EvalFrameDefault") an allocation fails only if the first module that is watched asked for it, itself or through
 * functions that it called: not if the interpreter's loop did, nearer to it on the stack. fail_map() shows which are such. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
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
static uintptr_t loop_low, loop_high;
static atomic_long count, fail_at = -1, live;
static atomic_int failed;
static unsigned char *map;
static long map_size;
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
/* the function of this name in any module; 0 if there is none */
int fail_loop(const char *name) {
    void *at = dlsym(RTLD_DEFAULT, name), *frames[4];
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (!at || !dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol) return 0;
    backtrace(frames, 4); /* loads what it needs */
    loop_low = (uintptr_t)at, loop_high = loop_low + symbol->st_size;
    return 1;
}
void fail_set(long n) { atomic_store(&failed, 0), atomic_store(&count, 0), atomic_store(&fail_at, n); }
/* -1: the job made no n-th allocation; 1: it failed; 0: it was not the module's */
int fail_stop(void) {
    long n = atomic_exchange(&fail_at, -1);
    return atomic_load(&count) <= n ? -1 : atomic_load(&failed);
}
/* for the next n allocations: 1 if it would fail, else 0 */
void fail_map(unsigned char *to, long n) { map = NULL, map_size = n, atomic_store(&count, 0), map = to; }
long fail_count(void) { return atomic_load(&count); }
long fail_live(void) { return atomic_load(&live); }

static int watched(void *from) { /* 0: no; 1: counted; 2: its live blocks too */
    for (int i = 0; i < modules; i++)
        if ((uintptr_t)from >= watch[i].low && (uintptr_t)from < watch[i].high) return 1 + watch[i].live;
    return 0;
}
static int asked(void) {
    void *frames[200];
    int n = loop_low ? backtrace(frames, 200) : 0;
    for (int i = 0; i < n; i++) {
        uintptr_t at = (uintptr_t)frames[i];
        if (at >= watch[0].low && at < watch[0].high) return 1;
        if (at >= loop_low && at < loop_high) return 0;
    }
    return !loop_low;
}
static int fails(void) {
    long n = atomic_fetch_add(&count, 1);
    if (map && n < map_size) map[n] = (unsigned char)asked();
    if (n != atomic_load(&fail_at) || !asked()) return 0;
    return atomic_store(&failed, 1), 1;
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
