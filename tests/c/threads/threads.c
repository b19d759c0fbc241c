/* threads.c - the C floor used by many threads at once, without Python: for the thread sanitizer. scripts/tsan.sh builds it.
 *
 *     threads seconds file.udl...
 *
 * Eight threads at a time multiply matrices, add up arrays, take and give memory, set the width of the pool, run the plans of all
 * files (each file open once for all threads, and once more by each), trim memory, and fork. Each answer must have the bits that it
 * has alone. */
#define _GNU_SOURCE
#include "udl_plan.h"
#include "udlfast.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, MOST = 64, N = 96, LONG = 100000 };
typedef struct {
    const char *path;
    udl_plan *plan;
    void *inputs[16], *outputs[16]; /* outputs: what a run alone gave */
} served;
static served files[MOST];
static int nfiles;
static atomic_int stop, wrong;
static atomic_long runs;
static float *a, *product;

static void *must(void *p) {
    if (!p) puts("threads: out of memory"), exit(2);
    return p;
}
static void *aligned(int64_t n) { return must(aligned_alloc(64, (size_t)(n + 127) / 64 * 64)); }
static void complain(const char *what, const char *which) {
    printf("threads: %s %s\n", what, which);
    atomic_fetch_add(&wrong, 1);
}

static void multiply(float *to) {
    udl_matmul_args m = {.out = to, .a = a, .b = a, .dtype = UDL_F32, .batch = 1, .m = N, .n = N, .k = N,
                         .a_m = N, .a_k = 1, .b_k = N, .b_n = 1, .ldo = N, .alpha = 1};
    if (udl_call(UDL_K_matmul, &m)) complain("a status of", "matmul");
}

static void run_plan(udl_plan *plan, served *f) {
    void *got[16];
    int m = udl_plan_outputs(f->plan);
    for (int i = 0; i < m; i++) got[i] = aligned(udl_plan_output(f->plan, i)->bytes);
    if (udl_plan_run(plan, (const void *const *)f->inputs, got)) complain("a status of", f->path);
    for (int i = 0; i < m; i++) {
        if (memcmp(got[i], f->outputs[i], (size_t)udl_plan_output(f->plan, i)->bytes)) complain("other bits from", f->path);
        free(got[i]);
    }
}

static void add_range(void *ctx, int64_t begin, int64_t end) {
    int64_t *out = ctx;
    for (int64_t i = begin; i < end; i++) out[i] = i * 3;
}

static void take_and_give(unsigned *seed) {
    char *p[16];
    size_t n[16];
    for (int i = 0; i < 16; i++) {
        n[i] = (size_t)rand_r(seed) % (i == 7 ? 6000000 : 40000);
        if ((p[i] = udl_alloc(n[i])) && n[i]) p[i][0] = p[i][n[i] - 1] = (char)i;
    }
    for (int i = 0; i < 16; i++) udl_free(p[i], n[i]);
}

static void work(unsigned *seed) {
    int what = rand_r(seed) % 100;
    if (what < 40) {
        float *to = aligned(N * N * 4);
        multiply(to);
        if (memcmp(to, product, N * N * 4)) complain("other bits from", "matmul");
        free(to);
    } else if (what < 60 && nfiles) {
        served *f = &files[rand_r(seed) % (unsigned)nfiles];
        run_plan(f->plan, f);
    } else if (what < 66 && nfiles) {
        served *f = &files[rand_r(seed) % (unsigned)nfiles];
        udl_plan *own;
        if (udl_plan_open(&own, f->path, NULL, NULL, 0)) complain("cannot open", f->path);
        else run_plan(own, f), udl_plan_close(own);
    } else if (what < 80) {
        int64_t *out = aligned(LONG * 8);
        udl_parallel_for(LONG, 1000, add_range, out);
        for (int i = 0; i < LONG; i++)
            if (out[i] != i * 3) { complain("a wrong number from", "udl_parallel_for"); break; }
        free(out);
    } else if (what < 95) take_and_give(seed);
    else if (what < 97) udl_set_num_threads(1 + rand_r(seed) % 4);
    else if (what < 98) udl_memory_trim();
    else if (what < 99) (void)udl_threads_why();
    atomic_fetch_add(&runs, 1);
}

static void *client(void *number) {
    unsigned seed = (unsigned)(uintptr_t)number;
    while (!atomic_load(&stop) && atomic_load(&wrong) < 20) work(&seed);
    return NULL;
}

static void open_file(served *f, const char *path) {
    char why[256];
    f->path = path;
    if (udl_plan_open(&f->plan, path, NULL, why, sizeof why)) printf("threads: %s: %s\n", path, why), exit(2);
    int n = udl_plan_inputs(f->plan), m = udl_plan_outputs(f->plan);
    if (n > 16 || m > 16) puts("threads: too many inputs"), exit(2);
    for (int i = 0; i < n; i++) {
        int64_t bytes = udl_plan_input(f->plan, i)->bytes;
        memset(f->inputs[i] = aligned(bytes), 0, (size_t)bytes);
    }
    for (int i = 0; i < m; i++) f->outputs[i] = aligned(udl_plan_output(f->plan, i)->bytes);
    if (udl_plan_run(f->plan, (const void *const *)f->inputs, f->outputs)) complain("a status of", path);
}

int main(int argc, char **argv) {
    if (argc < 2 || udl_init(getenv("UDLFAST_ISA"))) return puts("threads seconds file.udl..."), 2;
    const time_t end = time(NULL) + atol(argv[1]);
    udl_set_num_threads(4);
    a = aligned(N * N * 4), product = aligned(N * N * 4);
    for (int i = 0; i < N * N; i++) a[i] = (float)(i % 31 - 15) / 7;
    multiply(product);
    for (int i = 2; i < argc && nfiles < MOST; i++) open_file(&files[nfiles++], argv[i]);
    do {
        pthread_t team[THREADS];
        atomic_store(&stop, 0);
        for (uintptr_t i = 0; i < THREADS; i++)
            if (pthread_create(&team[i], NULL, client, (void *)(i + 1))) return puts("threads: no thread"), 2;
        sleep(1);
        atomic_store(&stop, 1);
        for (int i = 0; i < THREADS; i++) pthread_join(team[i], NULL);
        udl_set_num_threads(3);
        multiply(product);
        pid_t pid = fork(); /* from the only thread: a sanitizer cannot follow others into a child */
        if (pid == 0) {
            float *to = aligned(N * N * 4);
            multiply(to);
            _exit(memcmp(to, product, N * N * 4) != 0);
        }
        int status = 1;
        if (pid > 0) waitpid(pid, &status, 0);
        if (status) complain("other bits in", "a child");
    } while (time(NULL) < end && !atomic_load(&wrong));
    printf("threads: %ld pieces of work by %d threads, %d plans, %d findings\n", atomic_load(&runs), THREADS, nfiles, atomic_load(&wrong));
    return atomic_load(&wrong) != 0;
}
