/* limits.c - how much processor time and memory this process may use: affinity and Linux control groups.
 *
 * A container with "2 CPUs" on a machine with 64 usually sees all 64; only its control group tells. A group is bound
 * by its own limit and by those of all its parents, so the path is walked up to the root and the least limit counts. */
#define _GNU_SOURCE
#include "cpu.h"
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int udl_limit_affinity(void) {
#if defined(__linux__)
    unsigned long mask[16384 / (8 * sizeof(unsigned long))]; /* 16384 processors: cpu_set_t has room for 1024 only */
    memset(mask, 0, sizeof mask);
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) == 0) {
        int n = CPU_COUNT_S(sizeof mask, (cpu_set_t *)mask);
        if (n > 0) return n;
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}

/* the numbers at the start of dir/name; how many could be read */
static int read_numbers(const char *dir, const char *name, double *x, double *y) {
    char path[4400];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return 0;
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    int n = fscanf(f, "%lf %lf", x, y);
    fclose(f);
    return n;
}

/* one directory of a control group; INFINITY where it sets no limit ("max", -1 or no such file) */
static double cpus_v2(const char *dir) {
    double quota, period;
    return read_numbers(dir, "cpu.max", &quota, &period) == 2 && quota > 0 && period > 0 ? quota / period : INFINITY;
}
static double cpus_v1(const char *dir) {
    double quota, period, rest;
    if (read_numbers(dir, "cpu.cfs_quota_us", &quota, &rest) < 1 || quota <= 0) return INFINITY;
    if (read_numbers(dir, "cpu.cfs_period_us", &period, &rest) < 1 || period <= 0) return INFINITY;
    return quota / period;
}
static double memory_v2(const char *dir) {
    double bytes, rest;
    return read_numbers(dir, "memory.max", &bytes, &rest) >= 1 && bytes >= 0 ? bytes : INFINITY;
}
static double memory_v1(const char *dir) {
    double bytes, rest;
    return read_numbers(dir, "memory.limit_in_bytes", &bytes, &rest) >= 1 && bytes >= 0 ? bytes : INFINITY;
}

typedef double (*limit_fn)(const char *dir);

/* the least limit in base + group and every directory above it up to base */
static double least_upwards(const char *base, const char *group, limit_fn limit) {
    char dir[4200];
    int n = snprintf(dir, sizeof dir, "%s%s", base, group);
    if (n >= (int)sizeof dir) return INFINITY;
    size_t stop = strlen(base);
    double least = INFINITY;
    for (;;) {
        least = fmin(least, limit(dir));
        char *slash = strrchr(dir, '/');
        if (!slash || (size_t)(slash - dir) < stop) return least;
        *slash = 0;
    }
}

static int has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ',') && (p[n] == 0 || p[n] == ',')) return 1;
    return 0;
}

/* Lines of /proc/self/cgroup are id:controllers:path; version 2 has no controllers there. Version 1 is mounted under
 * the list of controllers ("cpu,cpuacct") or has a link with one name ("cpu"); beside it version 2 may be "unified". */
static double least_of_groups(const char *proc, const char *root, const char *controller, limit_fn v2, limit_fn v1) {
    FILE *f = fopen(proc, "re");
    if (!f) return INFINITY;
    char line[4096], base[512];
    double least = INFINITY;
    while (fgets(line, sizeof line, f)) {
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group) continue;
        *group++ = 0;
        list++;
        group[strcspn(group, "\n")] = 0;
        if (*list && !has_word(list, controller)) continue;
        const char *second = *list ? controller : "unified";
        snprintf(base, sizeof base, "%s%s%.200s", root, *list ? "/" : "", list);
        least = fmin(least, least_upwards(base, group, *list ? v1 : v2));
        snprintf(base, sizeof base, "%s/%s", root, second);
        least = fmin(least, least_upwards(base, group, *list ? v1 : v2));
    }
    fclose(f);
    return least;
}

double udl_limit_cgroup_cpus(const char *proc, const char *root) {
    return least_of_groups(proc, root, "cpu", cpus_v2, cpus_v1);
}

double udl_limit_cgroup_memory(const char *proc, const char *root) {
    return least_of_groups(proc, root, "memory", memory_v2, memory_v1);
}

double udl_limit_memory(void) {
    double pages = (double)sysconf(_SC_PHYS_PAGES), page = (double)sysconf(_SC_PAGESIZE);
    double ram = pages > 0 && page > 0 ? pages * page : 1 << 30;
    return fmin(ram, udl_limit_cgroup_memory(UDL_PROC_CGROUP, UDL_CGROUP_ROOT));
}
