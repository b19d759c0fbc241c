/* cpu.h - what this machine and this process may use; internal to the runtime files. */
#ifndef UDL_CPU_H
#define UDL_CPU_H
#include <stddef.h>
#include <stdint.h>

/* cpu.c: why instruction set `name` of isas.inc may not run here, in words; "" when it may. */
#define UDL_ISA(name, parent) const char *udl_cpu_why_##name(void);
#include "isas.inc"
#undef UDL_ISA
int udl_cpu_has_avx512_bf16(void); /* bf16 dot products beside the level avx512 */

/* limits.c: `proc` is the path of /proc/self/cgroup and `root` of /sys/fs/cgroup (tests give others). */
int udl_limit_affinity(void);                                       /* processors the scheduler lets this thread use */
double udl_limit_cgroup_cpus(const char *proc, const char *root);   /* processors' worth of time; INFINITY = no limit */
double udl_limit_cgroup_memory(const char *proc, const char *root); /* bytes; INFINITY = no limit */
double udl_limit_memory(void);                                      /* bytes: the smaller of RAM and the cgroup limit */

/* width.c: the width of the thread pool, at most `most`, with its reasons; and these in words. */
typedef struct {
    int affinity, processors; /* processors = min(affinity, cgroup quota) */
    double quota;
    int env[2]; /* of the two variables: 0 not set, -1 no valid number */
    char env_text[2][32];
    const char *chosen_by;
} udl_width_reasons;
int udl_choose_width(udl_width_reasons *why, int most);
void udl_width_text(const udl_width_reasons *why, int n, int refused, char *text, size_t size);

#define UDL_PROC_CGROUP "/proc/self/cgroup"
#define UDL_CGROUP_ROOT "/sys/fs/cgroup"
#endif
