/* parallel.c - the thread pool: the only file that knows threads.
 *
 * udl_parallel_for cuts [0, n) into pieces by n and grain alone; the caller and its helpers draw pieces from one
 * counter, so who computes a piece is chance, but what a piece is never changes.
 *
 *     caller                                       helper (all alike, without a number)
 *     takes `busy`, or else runs all alone         spins, then sleeps until a job is open that it has not seen
 *     writes the job, opens the gate               enters: inside += 1, only while the gate is open
 *     draws pieces until there are none            draws pieces until there are none
 *     closes the gate, waits for inside == 0       leaves: inside -= 1
 *
 * The caller draws from the front, helpers from the back: with two threads each mostly gets the same half of every job, so what
 * one call wrote is in the caches of the thread that reads it in the next (small weights and activations stay in two L2s).
 * Every other job runs the other way: what the last call touched last, and the caches still hold, comes first in the next.
 * The caller never waits for a helper that did not enter, so one that is slow to wake costs nothing. A second caller
 * (another Python thread) finds `busy` taken and runs its own pieces itself: no waiting, no more threads than asked for.
 * Before a fork an idle pool ends its helpers; parent and child start new ones when they first need them. */
#define _GNU_SOURCE
#include "cpu.h"
#include "udlfast.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { MAX_THREADS = 256, STACK_BYTES = 1 << 20, SPIN_NS = 50000, FORK_WAIT_NS = 20000000 };

/* gate: bits 0-8 helpers inside | 14 the caller sleeps | 15 open | 16-31 number of the job */
#define INSIDE 0x1ffu
#define CALLER_SLEEPS 0x4000u
#define OPEN 0x8000u
#define JOB_ONE 0x10000u
#define JOB_NUMBER 0xffff0000u

static struct {
    _Alignas(64) _Atomic uint32_t gate;
    _Alignas(64) atomic_llong drawn;       /* pieces drawn from the front, and BACK_ONE times those from the back */
    _Alignas(64) int64_t n, grain, pieces; /* written while the gate is closed and nobody is inside */
    int64_t middle;                        /* outwards: the caller begins below this piece, helpers at it */
    int in_order, outwards;                /* all are drawn from the front; from the middle towards the ends */
    udl_range_fn fn;
    void *ctx;
} job;
#define BACK_ONE ((int64_t)1 << 32)

static atomic_int caller_cpu = -1; /* where the owner of `busy` ran when it opened the gate */
static _Alignas(64) atomic_flag busy = ATOMIC_FLAG_INIT; /* a caller owns `job` */
static _Atomic uint32_t doorbell;                        /* helpers sleep on it */
static atomic_int started, sleeping;                     /* helpers that exist, and those of them asleep */
static atomic_int width, spin_ns;                        /* width 0: not chosen yet */
static atomic_int leaving;                               /* a fork: all helpers end */
static atomic_int start_failed;                          /* the system gave no more threads */
static _Thread_local int in_region;                      /* this thread runs pieces: nested calls stay on it */
static _Thread_local int goes_down;                      /* and takes them from the last to the first */

/* ---- sleeping and waking ---------------------------------------------------------------------------------------- */
#if defined(__linux__)
static void sleep_while(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static void wake(_Atomic uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
static void forget_sleepers(void) {}

/* Linux may wake or move a helper to the processor of its caller and leave the two there, taking turns beside an idle processor,
 * for as long as both are busy. Then the helper steps aside: it leaves that processor out of its mask for a moment, which
 * moves it, and puts the mask back, so nothing stays pinned. */
static int this_cpu(void) { return sched_getcpu(); }
static void step_aside(void) {
    unsigned long mask[16384 / (8 * sizeof(unsigned long))];
    int cpu = sched_getcpu();
    if (cpu < 0 || cpu != atomic_load_explicit(&caller_cpu, memory_order_relaxed)) return;
    memset(mask, 0, sizeof mask);
    cpu_set_t *set = (cpu_set_t *)mask;
    if (sched_getaffinity(0, sizeof mask, set) || CPU_COUNT_S(sizeof mask, set) < 2 || !CPU_ISSET_S(cpu, sizeof mask, set)) return;
    CPU_CLR_S(cpu, sizeof mask, set);
    if (sched_setaffinity(0, sizeof mask, set)) return;
    CPU_SET_S(cpu, sizeof mask, set);
    sched_setaffinity(0, sizeof mask, set);
}
#else
static int this_cpu(void) { return -1; }
static void step_aside(void) {}
static pthread_mutex_t bed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t morning = PTHREAD_COND_INITIALIZER;
static void sleep_while(_Atomic uint32_t *word, uint32_t value) {
    pthread_mutex_lock(&bed);
    while (atomic_load(word) == value) pthread_cond_wait(&morning, &bed);
    pthread_mutex_unlock(&bed);
}
static void wake(_Atomic uint32_t *word, int count) {
    (void)word, (void)count;
    pthread_mutex_lock(&bed); /* whoever saw the old value is in pthread_cond_wait once we have the lock */
    pthread_mutex_unlock(&bed);
    pthread_cond_broadcast(&morning);
}
static void forget_sleepers(void) {
    pthread_mutex_init(&bed, NULL);
    pthread_cond_init(&morning, NULL);
}
#endif

static inline void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- helpers ----------------------------------------------------------------------------------------------------- */
/* the piece that is drawn as number i from the caller's end, or from the helpers' */
static int64_t piece_of(int64_t i, int helps) {
    const int64_t pieces = job.pieces, middle = job.middle;
    if (!job.outwards) return helps ? pieces - 1 - i : i;
    if (helps) return middle + i < pieces ? middle + i : middle + i - pieces;
    return i < middle ? middle - 1 - i : pieces - 1 - (i - middle);
}

static void draw_pieces(int helps) {
    const int64_t n = job.n, grain = job.grain, pieces = job.pieces;
    const int in_order = job.in_order;
    const udl_range_fn fn = job.fn;
    goes_down = !in_order && (!helps) == job.outwards;
    for (void *ctx = job.ctx;;) {
        int64_t i = atomic_fetch_add_explicit(&job.drawn, helps && !in_order ? BACK_ONE : 1, memory_order_relaxed);
        if (!in_order) {
            const int64_t behind = i / BACK_ONE, front = i % BACK_ONE;
            if (front + behind >= pieces) return;
            i = piece_of(helps ? behind : front, helps);
        }
        if (i >= pieces) return;
        fn(ctx, i * grain, i == pieces - 1 ? n : (i + 1) * grain);
    }
}

/* true when a job is open that this helper has not seen and that has room for one more */
static int enter(uint32_t *seen) {
    uint32_t g = atomic_load_explicit(&job.gate, memory_order_seq_cst);
    while ((g & OPEN) && (g & JOB_NUMBER) != *seen && (int)(g & INSIDE) + 1 < atomic_load(&width))
        if (atomic_compare_exchange_weak(&job.gate, &g, g + 1)) return *seen = g & JOB_NUMBER, 1;
    return 0;
}

static void leave(void) {
    uint32_t g = atomic_fetch_sub(&job.gate, 1) - 1;
    if ((g & INSIDE) == 0 && (g & CALLER_SLEEPS)) wake(&job.gate, 1);
}

/* true when there are more helpers than the width asks for, or all are to leave; then the calling helper is no longer counted */
static int surplus(void) {
    int s = atomic_load(&started);
    while (s > (atomic_load(&leaving) ? 0 : atomic_load(&width) - 1))
        if (atomic_compare_exchange_weak(&started, &s, s - 1)) return 1;
    return 0;
}

static int spin_for_job(uint32_t *seen) {
    int64_t end = 0;
    do {
        for (int i = 0; i < 32; i++) {
            if (enter(seen)) return 1;
            pause_cpu();
        }
        int64_t now = now_ns();
        if (end == 0) end = now + atomic_load_explicit(&spin_ns, memory_order_relaxed);
        if (now >= end) return 0;
    } while (1);
}

static void *helper(void *unused) {
    uint32_t seen = 1; /* no job has this number */
    in_region = 1;
    for (;;) {
        int entered = spin_for_job(&seen);
        if (!entered) {
            /* Count myself as asleep, then look once more: a caller opens the gate first and then counts sleepers, so
             * either I see the gate or the caller sees me and rings. */
            atomic_fetch_add(&sleeping, 1);
            uint32_t bell = atomic_load(&doorbell);
            int leaving = surplus();
            if (!leaving && !(entered = enter(&seen))) sleep_while(&doorbell, bell);
            atomic_fetch_sub(&sleeping, 1);
            if (leaving) return unused;
            if (!entered) step_aside(); /* woken */
        }
        if (entered) {
            step_aside();
            draw_pieces(1);
            leave();
        }
    }
}

static void ring(int count) {
    atomic_fetch_add(&doorbell, 1);
    wake(&doorbell, count);
}

/* Helpers take no signals: those belong to the threads of the program. */
static int start_one(void) {
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attr)) return 0;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_fetch_add(&started, 1);
    int ok = pthread_create(&thread, &attr, helper, NULL) == 0;
    if (!ok) atomic_fetch_sub(&started, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return ok;
}

/* called by the owner of `busy` with an open gate */
static void call_helpers(int count) {
    int asleep = atomic_load(&sleeping), exist = atomic_load(&started);
    if (exist < count && !atomic_load_explicit(&start_failed, memory_order_relaxed))
        for (; exist < count; exist++)
            if (!start_one()) {
                atomic_store(&start_failed, 1);
                break;
            }
    if (asleep && exist - asleep < count) ring(count - (exist - asleep));
}

/* ---- the caller ---------------------------------------------------------------------------------------------------- */
static void wait_for_helpers(void) {
    uint32_t g = atomic_fetch_and(&job.gate, ~OPEN);
    int64_t end = 0, spin = atomic_load_explicit(&spin_ns, memory_order_relaxed);
    for (int i = 1; g & INSIDE; i++) {
        pause_cpu();
        g = atomic_load_explicit(&job.gate, memory_order_acquire);
        if (i % 32) continue;
        int64_t now = now_ns();
        if (end == 0) end = now + spin;
        if (now >= end) break;
    }
    if (!(g & INSIDE)) return;
    g = atomic_fetch_or(&job.gate, CALLER_SLEEPS) | CALLER_SLEEPS;
    for (; g & INSIDE; g = atomic_load(&job.gate)) sleep_while(&job.gate, g);
}

static void run_alone(int64_t n, int64_t grain, udl_range_fn fn, void *ctx, int backwards) {
    const int64_t pieces = n > 0 ? (n - 1) / grain + 1 : 0;
    const int outer = goes_down;
    goes_down = backwards;
    for (int64_t k = 0; k < pieces; k++) {
        const int64_t i = backwards ? pieces - 1 - k : k;
        fn(ctx, i * grain, i == pieces - 1 ? n : (i + 1) * grain);
    }
    goes_down = outer;
}

static void run_job(int64_t n, int64_t grain, udl_range_fn fn, void *ctx, int in_order) {
    static _Thread_local int turn;
    if (grain < 1) grain = 1;
    if (!in_order && !in_region && n > grain) turn = !turn;
    if (n <= grain || in_region || udl_num_threads() == 1 || atomic_flag_test_and_set(&busy)) {
        run_alone(n, grain, fn, ctx, turn && !in_order && !in_region);
        return;
    }
    int64_t pieces = (n - 1) / grain + 1;
    int threads = atomic_load(&width);
    job.n = n;
    job.grain = grain;
    job.pieces = pieces;
    job.fn = fn;
    job.ctx = ctx;
    job.in_order = in_order || pieces > INT32_MAX;
    job.outwards = turn;
    job.middle = pieces / threads;
    atomic_store_explicit(&job.drawn, 0, memory_order_relaxed);
    atomic_store_explicit(&caller_cpu, this_cpu(), memory_order_relaxed);
    in_region = 1;
    uint32_t number = (atomic_load(&job.gate) & JOB_NUMBER) + JOB_ONE;
    atomic_store(&job.gate, number | OPEN);
    call_helpers((int)(pieces < threads ? pieces : threads) - 1);
    draw_pieces(0);
    wait_for_helpers();
    in_region = 0;
    atomic_flag_clear(&busy);
}

void udl_parallel_for(int64_t n, int64_t grain, udl_range_fn fn, void *ctx) { run_job(n, grain, fn, ctx, 0); }
int udl_goes_down(void) { return goes_down; }

/* ---- steps -----------------------------------------------------------------------------------------------------------
 * One job of steps * n tickets, drawn in order: who holds a ticket of step s waits until the s n pieces before it are
 * done, then claims a piece of its step. The holder of the earliest ticket that is not done never waits, so the job goes
 * on with any number of threads. A thread claims pieces that it had in the step before, if it can: their data are
 * in its caches. */
typedef struct {
    int64_t n;
    udl_step_fn fn;
    void *ctx;
    _Alignas(64) atomic_llong done;
    _Alignas(64) _Atomic uint64_t claimed[2]; /* pieces of the even and of the odd step */
} steps_job;

static int64_t claim(_Atomic uint64_t *claimed, int64_t n, int64_t step) {
    static _Thread_local uint64_t before, now; /* pieces that this thread had in the step before, and has in this one */
    static _Thread_local int64_t at;
    if (step != at) before = now, now = 0, at = step;
    uint64_t c = atomic_load(claimed);
    for (;;) {
        uint64_t left = ~c & (~(uint64_t)0 >> (64 - n)), mine = left & before; /* as many tickets as pieces: one is left */
        int piece = __builtin_ctzll(mine ? mine : left);
        if (!atomic_compare_exchange_weak(claimed, &c, c | (uint64_t)1 << piece)) continue;
        now |= (uint64_t)1 << piece;
        return piece;
    }
}

static void run_tickets(void *ctx, int64_t begin, int64_t end) {
    steps_job *s = ctx;
    for (int64_t ticket = begin; ticket < end; ticket++) {
        int64_t step = ticket / s->n, before = step * s->n;
        for (int i = 1; atomic_load_explicit(&s->done, memory_order_acquire) < before; i++) {
            pause_cpu();
            if (i % 1024 == 0) sched_yield(); /* more threads than processors */
        }
        if (ticket == before) atomic_store(&s->claimed[~step & 1], 0); /* nobody claims for the next step before this ends */
        s->fn(s->ctx, step, claim(&s->claimed[step & 1], s->n, step));
        atomic_fetch_add_explicit(&s->done, 1, memory_order_release);
    }
}

void udl_parallel_steps(int64_t steps, int64_t n, udl_step_fn fn, void *ctx) {
    steps_job s = {.n = n, .fn = fn, .ctx = ctx};
    if (n > 0) run_job(steps * n, n == 1 ? steps : 1, run_tickets, &s, 1);
}

/* ---- width ----------------------------------------------------------------------------------------------------------- */
static pthread_mutex_t config = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static udl_width_reasons why;

static void set_width(int n) {
    atomic_store(&spin_ns, n <= why.processors ? SPIN_NS : 0);
    atomic_store(&start_failed, 0);
    atomic_store(&width, n);
}

static int locked_width(void) {
    if (atomic_load(&width) == 0) set_width(udl_choose_width(&why, MAX_THREADS));
    return atomic_load(&width);
}

int udl_num_threads(void) {
    int n = atomic_load_explicit(&width, memory_order_relaxed);
    if (n) return n;
    pthread_mutex_lock(&config);
    n = locked_width();
    pthread_mutex_unlock(&config);
    return n;
}

/* A job that runs now keeps its helpers; those that are too many end when they next look for work. */
int udl_set_num_threads(int n) {
    if (n < 1 || n > MAX_THREADS) return UDL_EINVAL;
    pthread_mutex_lock(&config);
    locked_width();
    set_width(n);
    why.chosen_by = "the program";
    pthread_mutex_unlock(&config);
    ring(MAX_THREADS);
    return UDL_OK;
}

const char *udl_threads_why(void) {
    static _Thread_local char text[512];
    pthread_mutex_lock(&config);
    int n = locked_width();
    udl_width_text(&why, n, atomic_load(&start_failed), text, sizeof text);
    pthread_mutex_unlock(&config);
    return text;
}

/* ---- fork --------------------------------------------------------------------------------------------------------------
 * A fork copies the calling thread only. The child forgets the helpers; and so that the parent, too, forks with as few threads as
 * its program has (Python warns of more), an idle pool ends its helpers first. A busy one belongs to another thread: it stays. */
#if defined(__linux__)
static int threads_of_process(void) { /* field 20 of /proc/self/stat; the name in field 2 may hold anything but ends at the last ')' */
    char text[1024];
    int n = 0, f = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (f < 0) return 0;
    ssize_t size = read(f, text, sizeof text - 1);
    close(f);
    text[size < 0 ? 0 : size] = 0;
    const char *p = strrchr(text, ')');
    for (int field = 2; p && field < 20; field++)
        if ((p = strchr(p, ' ')) != NULL) p++;
    return p && sscanf(p, "%d", &n) == 1 ? n : 0;
}
#else
static int threads_of_process(void) { return 0; }
#endif

static int owns_pool; /* from before to after a fork, with `config` held */
static void before_fork(void) {
    pthread_mutex_lock(&config);
    owns_pool = atomic_load(&started) > 0 && !atomic_flag_test_and_set(&busy);
    if (!owns_pool) return;
    const int alone = threads_of_process() - atomic_load(&started);
    const int64_t end = now_ns() + FORK_WAIT_NS;
    atomic_store(&leaving, 1);
    ring(MAX_THREADS);
    while ((atomic_load(&started) > 0 || threads_of_process() > alone) && now_ns() < end) sched_yield();
}
static void after_fork_in_parent(void) {
    atomic_store(&leaving, 0);
    if (owns_pool) atomic_flag_clear(&busy);
    pthread_mutex_unlock(&config);
}
static void after_fork_in_child(void) {
    forget_sleepers();
    atomic_store(&job.gate, 0);
    atomic_store(&started, 0);
    atomic_store(&sleeping, 0);
    atomic_store(&start_failed, 0);
    atomic_store(&leaving, 0);
    atomic_flag_clear(&busy);
    pthread_mutex_unlock(&config);
}
__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
