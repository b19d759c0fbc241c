/* width.c - how many threads this process should use, and why: affinity, the control groups' quota, the environment. */
#include "cpu.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const env_name[2] = {"UDLFAST_NUM_THREADS", "OMP_NUM_THREADS"};

static void read_env(udl_width_reasons *why, int k, int most) {
    const char *text = getenv(env_name[k]);
    if (!text || !*text) return;
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    while (*end == ' ') end++;
    why->env[k] = errno == 0 && *end == 0 && v >= 1 && v <= most ? (int)v : -1;
    snprintf(why->env_text[k], sizeof why->env_text[k], "%s", text);
}

int udl_choose_width(udl_width_reasons *why, int most) {
    why->affinity = why->processors = udl_limit_affinity();
    why->quota = udl_limit_cgroup_cpus(UDL_PROC_CGROUP, UDL_CGROUP_ROOT);
    why->chosen_by = "affinity";
    if (why->quota < why->processors) {
        why->processors = why->quota < 1 ? 1 : (int)floor(why->quota);
        why->chosen_by = "the cgroup quota";
    }
    read_env(why, 0, most);
    read_env(why, 1, most);
    int n = why->processors < most ? why->processors : most, k = why->env[0] > 0 ? 0 : 1;
    if (why->env[k] > 0 && why->env[k] < n) {
        n = why->env[k];
        why->chosen_by = env_name[k];
    }
    return n;
}

void udl_width_text(const udl_width_reasons *why, int n, int refused, char *text, size_t size) {
    char quota[64] = "none", env[2][128];
    if (isfinite(why->quota)) snprintf(quota, sizeof quota, "%.2f processors", why->quota);
    for (int k = 0; k < 2; k++)
        snprintf(env[k], sizeof env[k], "%s%s%s%s", env_name[k], why->env[k] ? "=" : " not set", why->env_text[k],
                 why->env[k] < 0 ? " ignored (not an integer from 1 to 256)" : "");
    snprintf(text, size, "%d thread%s, chosen by %s: affinity %d processor%s; cgroup quota %s; %s; %s%s", n, n == 1 ? "" : "s",
             why->chosen_by, why->affinity, why->affinity == 1 ? "" : "s", quota, env[0], env[1],
             refused ? "; the system refused to start more threads" : "");
}
