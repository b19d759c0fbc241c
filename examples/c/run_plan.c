/* run_plan.c - runs a saved plan from C: says what it takes and gives, fills the inputs, runs it from two threads, times it.
 *
 *     run_plan model.udl [runs] [input files...]
 *
 * An input file holds the raw bytes of one input, as an array's tofile() writes them; inputs without a file are filled with a
 * fixed pattern. The outputs' first numbers are printed, and outputs of both threads are compared.
 *
 * Built by   cmake -S . -B build-plan -DUDL_PLAN_LIBRARY=ON -DUDL_BINDINGS=OFF && cmake --build build-plan
 * or by hand cc run_plan.c -Icsrc -Lbuild-plan -ludl_plan -lpthread */
#define _POSIX_C_SOURCE 200809L
#include "udl_plan.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 32 };
typedef struct {
    udl_plan *plan;
    const void *inputs[MOST];
    void *outputs[MOST];
    int runs, status;
    double seconds; /* of the fastest run */
} client;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *many_runs(void *p) {
    client *c = p;
    for (int i = 0; i < c->runs && c->status == UDL_PLAN_OK; i++) {
        const double start = now();
        c->status = udl_plan_run(c->plan, c->inputs, c->outputs);
        const double took = now() - start;
        if (i == 0 || took < c->seconds) c->seconds = took;
    }
    return NULL;
}

static void *memory(int64_t bytes) {
    void *p = NULL;
    if (posix_memalign(&p, 64, (size_t)bytes + 64)) puts("out of memory"), exit(1);
    return p;
}

static void show(const char *what, const udl_plan_tensor *t) {
    static const char *const types[] = {"bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
                                        "float16", "bfloat16", "float32", "float64"};
    printf("%s %s: %s [", what, t->name, types[t->dtype]);
    for (int d = 0; d < t->ndim; d++) printf(d ? ", %lld" : "%lld", (long long)t->shape[d]);
    puts("]");
}

static void *input(const udl_plan_tensor *t, const char *path) {
    char *p = memory(t->bytes);
    memset(p, 0, (size_t)t->bytes);
    if (path) {
        FILE *f = fopen(path, "rb");
        if (!f || fread(p, 1, (size_t)t->bytes, f) != (size_t)t->bytes) printf("%s does not hold %lld bytes\n", path, (long long)t->bytes), exit(1);
        fclose(f);
    } else if (t->dtype == UDL_PLAN_FLOAT32) {
        for (int64_t i = 0; i < t->bytes / 4; i++) ((float *)(void *)p)[i] = (float)(i % 17) / 17 - 0.5f;
    }
    return p;
}

int main(int argc, char **argv) {
    char why[256];
    client c[2];
    pthread_t thread;
    memset(c, 0, sizeof c);
    if (argc < 2) return puts("run_plan model.udl [runs] [input files...]"), 2;
    if (udl_plan_open(&c[0].plan, argv[1], NULL, why, sizeof why) != UDL_PLAN_OK) return printf("%s: %s\n", argv[1], why), 1;
    udl_plan *plan = c[1].plan = c[0].plan;
    const int n_in = udl_plan_inputs(plan), n_out = udl_plan_outputs(plan);
    if (n_in > MOST || n_out > MOST) return puts("too many inputs or outputs for this example"), 1;
    c[0].runs = c[1].runs = argc > 2 ? atoi(argv[2]) : 10;
    for (int i = 0; i < n_in; i++) {
        show("input", udl_plan_input(plan, i));
        c[0].inputs[i] = c[1].inputs[i] = input(udl_plan_input(plan, i), argc > 3 + i ? argv[3 + i] : NULL);
    }
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < n_out; i++) c[k].outputs[i] = memory(udl_plan_output(plan, i)->bytes);
    if (pthread_create(&thread, NULL, many_runs, &c[1])) return puts("no thread"), 1;
    many_runs(&c[0]);
    pthread_join(thread, NULL);
    if (c[0].status || c[1].status) return printf("failed: %s\n", udl_plan_message(c[0].status ? c[0].status : c[1].status)), 1;
    int same = 1;
    for (int i = 0; i < n_out; i++) {
        const udl_plan_tensor *t = udl_plan_output(plan, i);
        show("output", t);
        same = same && memcmp(c[0].outputs[i], c[1].outputs[i], (size_t)t->bytes) == 0;
        for (int64_t j = 0; j < 4 && t->dtype == UDL_PLAN_FLOAT32 && j < t->bytes / 4; j++) printf("  %.6g\n", (double)((float *)c[0].outputs[i])[j]);
    }
    printf("%d threads of the library, %lld bytes a run, fastest %.3f ms, both callers got the same: %s\n", udl_plan_threads(0),
           (long long)udl_plan_run_bytes(plan), 1e3 * c[0].seconds, same ? "yes" : "no");
    for (int i = 0; i < n_in; i++) free((void *)(uintptr_t)c[0].inputs[i]);
    for (int i = 0; i < n_out; i++) free(c[0].outputs[i]), free(c[1].outputs[i]);
    udl_plan_close(plan);
    return same ? 0 : 1;
}
