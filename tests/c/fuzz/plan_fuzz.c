/* plan_fuzz.c - mutants of .udl files into the loader; what it accepts is run.
 *
 *     plan_fuzz count seed file.udl...
 *
 * A mutant is a file with some words of its table replaced (by small numbers, neighbours of what stood there, limits of types,
 * words from elsewhere), some of its bytes replaced, or its end cut off. It lies in memory that ends where the file ends; inputs
 * and outputs likewise. A mutant must be refused or run within 10 seconds and within the memory that it is allowed; anything
 * else ends the program (by the sanitizers that it is meant to be built with, by an alarm, or by status 1).
 * PLAN_FUZZ_VERBOSE=1 names each mutant before it is tried. scripts/fuzz_plans.sh builds and runs it. */
#define _POSIX_C_SOURCE 200809L
#include "udl_plan.h"
#include "udlfast.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20 };
static uint64_t state;
static uint64_t draw(void) { /* splitmix64 */
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static uint64_t below(uint64_t n) { return n ? draw() % n : 0; }

static void *memory(size_t n) {
    void *p = NULL;
    if (posix_memalign(&p, 64, n ? n : 1)) puts("plan_fuzz: out of memory"), exit(1);
    return p;
}

static char *read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) printf("plan_fuzz: cannot read %s\n", path), exit(1);
    *n = (size_t)ftell(f);
    char *p = memory(*n);
    rewind(f);
    if (fread(p, 1, *n, f) != *n) exit(1);
    fclose(f);
    return p;
}

static int64_t interesting(int64_t old, const int64_t *words, uint64_t n) {
    static const int64_t limits[] = {INT32_MAX, UINT32_MAX, INT64_MAX, INT64_MIN, (int64_t)1 << 31, (int64_t)1 << 44, (int64_t)1 << 47,
                                     (int64_t)1 << 53, (int64_t)1 << 60, (int64_t)1 << 62, 65535, 65536, 65537, 4096, 64, 63, 65};
    switch (below(9)) {
    case 0: return (int64_t)below(12) - 3;
    case 1: return (int64_t)((uint64_t)old + 1);
    case 2: return (int64_t)((uint64_t)old - 1);
    case 3: return (int64_t)((uint64_t)old * 2);
    case 4: return old / 2;
    case 5: return limits[below(sizeof limits / sizeof *limits)];
    case 6: return (int64_t)(0 - (uint64_t)old);
    case 7: return (int64_t)((uint64_t)old ^ (uint64_t)1 << below(64));
    default: return words[below(n)];
    }
}

/* the mutant, in memory of its own size */
static char *mutate(const char *file, size_t n, size_t *size) {
    uint64_t header;
    memcpy(&header, file, 8);
    *size = below(40) ? n : (size_t)below(n);
    char *p = memory(*size);
    memcpy(p, file, *size);
    const size_t at = (size_t)header + 8, most = *size > at ? (*size - at) / 8 : 0;
    int64_t *words = (int64_t *)(void *)(p + at);
    if (most < 3) return p;
    uint64_t table = (uint64_t)words[2] < most ? (uint64_t)words[2] : most;
    for (uint64_t i = 1 + below(below(3) ? 2 : 8); i; i--) {
        if (below(10) == 0) p[below(*size)] = (char)draw();
        else if (below(12) == 0) { uint64_t w = below(table < 16 ? table : 16); words[w] = interesting(words[w], words, table); }
        else { uint64_t w = below(table); words[w] = interesting(words[w], words, table); }
    }
    return p;
}

static int run(udl_plan *plan) {
    const void *inputs[64];
    void *outputs[64];
    int n = udl_plan_inputs(plan), m = udl_plan_outputs(plan), status = UDL_PLAN_OK;
    int64_t bytes = 0;
    for (int i = 0; i < n; i++) bytes += udl_plan_input(plan, i)->bytes;
    for (int i = 0; i < m; i++) bytes += udl_plan_output(plan, i)->bytes;
    if (n > 64 || m > 64 || bytes > 64 * MIB) return status;
    for (int i = 0; i < n; i++) {
        const udl_plan_tensor *t = udl_plan_input(plan, i);
        unsigned char *p = memory((size_t)t->bytes);
        const int how = (int)below(4); /* zeros, small integers, noise, all bits */
        for (int64_t k = 0; k < t->bytes; k++)
            p[k] = how == 0 ? 0 : how == 1 ? (unsigned char)(k % 8 ? 0 : below(6)) : how == 2 ? (unsigned char)draw() : 255;
        inputs[i] = p;
    }
    for (int i = 0; i < m; i++) outputs[i] = memory((size_t)udl_plan_output(plan, i)->bytes);
    for (int k = 0; k < 2; k++) status = udl_plan_run(plan, inputs, outputs);
    for (int i = 0; i < n; i++) free((void *)(uintptr_t)inputs[i]);
    for (int i = 0; i < m; i++) free(outputs[i]);
    return status;
}

#if defined(UDL_LIBFUZZER)
/* scripts/fuzz.sh: the same for files that a coverage-guided fuzzer makes */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const udl_plan_options options = {.max_bytes = (int64_t)n + 16 * MIB, .max_work = 3e6, .no_packing = (int)(n % 2)};
    udl_plan *plan;
    char why[256] = "", *file = memory(n);
    memcpy(file, data, n);
    state = n;
    if (udl_plan_open_memory(&plan, file, n, &options, why, sizeof why) == UDL_PLAN_OK) run(plan), udl_plan_close(plan);
    else if (!why[0]) abort();
    free(file);
    return 0;
}
#else
int main(int argc, char **argv) {
    if (argc < 4) return puts("plan_fuzz count seed file.udl..."), 2;
    const long count = atol(argv[1]);
    const int files = argc - 3, verbose = getenv("PLAN_FUZZ_VERBOSE") != NULL;
    long refused = 0, failed = 0, ran = 0;
    char **file = memory(sizeof(char *) * (size_t)files), why[256];
    size_t *n = memory(sizeof(size_t) * (size_t)files);
    for (int i = 0; i < files; i++) file[i] = read_file(argv[3 + i], &n[i]);
    for (long i = 0; i < count; i++) {
        state = (uint64_t)atol(argv[2]) * 1000003u + (uint64_t)i;
        const size_t k = (size_t)below((uint64_t)files);
        size_t size;
        udl_plan *plan;
        char *mutant = mutate(file[k], n[k], &size);
        const udl_plan_options options = {.max_bytes = (int64_t)n[k] + 16 * MIB, .max_work = 3e6, .no_packing = (int)below(2)};
        alarm(10);
        if (verbose) fprintf(stderr, "mutant %ld\n", i);
        why[0] = 0;
        const int status = udl_plan_open_memory(&plan, mutant, size, &options, why, sizeof why);
        if (status != UDL_PLAN_OK && !why[0]) return printf("plan_fuzz: mutant %ld was refused without a reason\n", i), 1;
        if (status != UDL_PLAN_OK) refused++;
        else if (run(plan) == UDL_PLAN_OK) ran++;
        else failed++;
        if (status == UDL_PLAN_OK) udl_plan_close(plan);
        free(mutant);
        udl_memory_info info;
        udl_memory_stats(&info);
        if (info.peak > 300 * (int64_t)MIB) return printf("plan_fuzz: mutant %ld took %lld bytes\n", i, (long long)info.peak), 1;
    }
    for (int i = 0; i < files; i++) free(file[i]);
    free(file), free(n);
    printf("plan_fuzz: %ld mutants, %ld refused, %ld ran, %ld ran and failed with a status\n", count, refused, ran, failed);
    return 0;
}
#endif
