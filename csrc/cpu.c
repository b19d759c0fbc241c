/* cpu.c - may an instruction set run here, how large are the caches, how are numbers handed to other threads. Compiled for the baseline
 * processor.
 *
 * An instruction set is usable when the processor has the instructions (CPUID) and the operating system saves the
 * registers they use on a context switch (XGETBV; for AMX the process must also ask for the tile registers). The second
 * half is what a hypervisor or an old kernel may withhold, and then the first such instruction ends the process. */
#define _GNU_SOURCE
#include "cpu.h"
#include "udlfast.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *udl_cpu_why_generic(void) { return ""; }

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

typedef struct {
    unsigned a, b, c, d;
} cpuid_regs;

/* zero where the processor does not know the leaf */
static cpuid_regs cpuid(unsigned leaf, unsigned subleaf) {
    cpuid_regs r = {0, 0, 0, 0};
    if (!__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d)) memset(&r, 0, sizeof r);
    return r;
}

/* XCR0, the register sets that the operating system saves */
enum {
    XCR0_YMM = 1 << 1 | 1 << 2,          /* SSE and upper halves of YMM */
    XCR0_ZMM = 1 << 5 | 1 << 6 | 1 << 7, /* opmasks, upper halves of ZMM0-15, ZMM16-31 */
    XCR0_TILE = 1 << 17 | 1 << 18        /* tile configuration, tile data */
};
static int os_saves(unsigned mask) {
    if (!(cpuid(1, 0).c & bit_OSXSAVE)) return 0;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & mask) == mask;
}

static int has(unsigned reg, unsigned mask) { return (reg & mask) == mask; }

const char *udl_cpu_why_avx2(void) {
    const unsigned ecx1 = bit_AVX | bit_FMA | bit_F16C | bit_POPCNT, ebx7 = bit_AVX2 | bit_BMI2;
    if (!has(cpuid(1, 0).c, ecx1) || !has(cpuid(7, 0).b, ebx7)) return "the processor lacks AVX2, FMA, F16C or BMI2";
    if (!os_saves(XCR0_YMM)) return "the operating system does not save the YMM registers";
    return "";
}

#if defined(UDL_TILES_EMULATED) /* tests: these levels compiled without their instructions */
const char *udl_cpu_why_avx512(void) { return ""; }
const char *udl_cpu_why_amx(void) { return ""; }
int udl_cpu_has_avx512_bf16(void) { return 1; }
#else
const char *udl_cpu_why_avx512(void) {
    const unsigned ebx7 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    const char *why = udl_cpu_why_avx2();
    if (*why) return why;
    if (!has(cpuid(7, 0).b, ebx7)) return "the processor lacks AVX-512 F, BW, DQ or VL";
    if (!os_saves(XCR0_ZMM)) return "the operating system does not save the ZMM and opmask registers";
    return "";
}

static const unsigned AVX512_BF16 = 1u << 5; /* leaf 7, subleaf 1, EAX */
int udl_cpu_has_avx512_bf16(void) { return !*udl_cpu_why_avx512() && has(cpuid(7, 1).a, AVX512_BF16); }

/* Linux hands out the 8 KiB of tile registers only to a process that asks; once granted, all its threads have them. */
static int tiles_granted(void) {
#if defined(__linux__)
    const int ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return 0;
#endif
}

const char *udl_cpu_why_amx(void) {
    const unsigned AMX_BF16 = 1u << 22, AMX_TILE = 1u << 24;
    const char *why = udl_cpu_why_avx512();
    if (*why) return why;
    if (!has(cpuid(7, 0).d, AMX_BF16 | AMX_TILE)) return "the processor lacks AMX-TILE or AMX-BF16";
    if (!has(cpuid(7, 1).a, AVX512_BF16)) return "the processor lacks AVX512-BF16";
    if (!os_saves(XCR0_TILE)) return "the operating system does not save the AMX tile registers";
    if (!tiles_granted()) return "the operating system refused the AMX tile registers to this process";
    return "";
}

#endif

/* measured on Zen 4 alone: family 25 with AVX-512 */
static int is_zen4(void) {
    const cpuid_regs vendor = cpuid(0, 0);
    const unsigned id = cpuid(1, 0).a, family = (id >> 8 & 15) + (id >> 20 & 255);
    return vendor.b == 0x68747541 && vendor.d == 0x69746e65 && vendor.c == 0x444d4163 && family == 25 && has(cpuid(7, 0).b, bit_AVX512F);
}

/* Leaf 4 (Intel) and 0x8000001D (AMD) list one cache per subleaf in the same layout. */
static void caches_from_cpuid(int64_t size[3]) {
    const unsigned leaves[2] = {4, 0x8000001D};
    for (int l = 0; l < 2; l++)
        for (unsigned s = 0; s < 16; s++) {
            cpuid_regs r = cpuid(leaves[l], s);
            unsigned type = r.a & 31, level = r.a >> 5 & 7; /* type: 0 no more, 1 data, 2 instruction, 3 unified */
            if (type == 0) break;
            if (type == 2 || level < 1 || level > 3 || size[level - 1]) continue;
            int64_t ways = (r.b >> 22) + 1, partitions = (r.b >> 12 & 1023) + 1, line = (r.b & 4095) + 1;
            size[level - 1] = ways * partitions * line * ((int64_t)r.c + 1);
        }
}
#else
int udl_cpu_has_avx512_bf16(void) { return 0; }
static int is_zen4(void) { return 0; }
static void caches_from_cpuid(int64_t size[3]) { (void)size; }
#endif

#if defined(__aarch64__)
const char *udl_cpu_why_neon(void) { return ""; } /* part of every AArch64 processor */
#endif

/* one line of /sys/devices/system/cpu/cpu0/cache/index<i>/<name>; 0 when it cannot be read */
static int cache_line(int i, const char *name, char *text, int size) {
    char path[80];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", i, name);
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    int ok = fgets(text, size, f) != NULL;
    fclose(f);
    return ok;
}

static void caches_from_sysfs(int64_t size[3]) {
    char level[32], type[32], bytes[32];
    for (int i = 0; i < 8; i++) {
        if (!cache_line(i, "level", level, sizeof level) || !cache_line(i, "type", type, sizeof type) ||
            !cache_line(i, "size", bytes, sizeof bytes) || type[0] == 'I')
            continue;
        int k = level[0] - '1';
        long long n = 0;
        char unit = 0;
        if (k < 0 || k > 2 || size[k] || sscanf(bytes, "%lld%c", &n, &unit) < 1 || n <= 0) continue;
        size[k] = n * (unit == 'K' ? 1 << 10 : unit == 'M' ? 1 << 20 : 1);
    }
}

static int64_t cache_size[3];
static int streams;
static void find_caches(void) {
    const char *asked = getenv("UDLFAST_STREAM");
    streams = asked && *asked ? *asked == '1' : is_zen4();
    const int64_t usual[3] = {32 << 10, 512 << 10, 8 << 20};
    caches_from_sysfs(cache_size);
    caches_from_cpuid(cache_size);
    for (int k = 0; k < 3; k++) {
        if (cache_size[k] == 0) cache_size[k] = usual[k];
        if (k && cache_size[k] < cache_size[k - 1]) cache_size[k] = cache_size[k - 1];
    }
}

int udl_streams_to_others(void) {
    int64_t cache[3];
    udl_cache_sizes(cache);
    return streams && udl_num_threads() > 1;
}

void udl_cache_sizes(int64_t out[3]) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_caches);
    memcpy(out, cache_size, sizeof cache_size);
}
