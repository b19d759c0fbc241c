/* plan_serve.c - plans from files: opened, run by any number of threads, closed (udl_plan.h).
 *
 * A run takes memory that no other run uses: the structs of the calls and their array, and the buffers that calls hand results over in.
 * What is free waits behind atomic pointers, so there is no lock that a forked child could find taken: the structs in a table of the
 * plan, with their buffers if these are small; large buffers in one place for all plans of the process, which thus need not keep one
 * each. The constants lie in the mapped file and are never written. */
#define _GNU_SOURCE
#include "plan_extent.h"
#include "plan_file.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_BYTES ((int64_t)4 << 30)
#define DEFAULT_WORK 1e15
#define PACKED_MOST ((int64_t)256 << 20)
enum { IDLE = 64, KEPT_WHOLE = 256 << 10 }; /* beyond these bytes only one block waits: to take others again costs 1 % of their runs */
#define IS_LARGE(p) ((p)->scratch > KEPT_WHOLE)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ready;
static void choose(void) { ready = udl_isa_active() >= 0 || udl_init(getenv("UDLFAST_ISA")) == UDL_OK; }

static int say(char *why, size_t n, int status, const char *text) {
    if (why && n) snprintf(why, n, "%s", text);
    return status;
}

/* ---- the memory of a run ------------------------------------------------------------------------------------------------------ */
typedef struct {
    char *memory;
    int64_t bytes, serial; /* of the plan whose numbers are in it; 0: anything may be */
} buffers;
typedef struct {
    buffers *scratch; /* NULL while its plan's buffers are large and it waits */
    const char *base; /* where the structs take them to be */
    int packed;       /* do the structs hold packed weights? */
    udl_plan_call *calls;
    int64_t *words; /* both lie behind this struct */
} run_memory;

static buffers *_Atomic waiting; /* large buffers, of whichever plan */
static atomic_int open_plans;
static _Atomic int64_t serials;

static void free_buffers(buffers *b) {
    if (b) udl_free(b->memory, (size_t)b->bytes);
    free(b);
}
static buffers *take_buffers(const udl_plan *p) {
    buffers *b = IS_LARGE(p) ? atomic_exchange_explicit(&waiting, NULL, memory_order_acq_rel) : NULL;
    if (b && b->bytes < p->scratch) free_buffers(b), b = NULL;
    if (!b) {
        if (!(b = malloc(sizeof *b))) return NULL;
        *b = (buffers){udl_alloc((size_t)p->scratch), p->scratch, 0};
        if (!b->memory) return free(b), NULL;
    }
    if (b->serial != p->serial) memset(b->memory, 0, (size_t)p->scratch); /* nothing of others is seen, whatever the plan reads */
    b->serial = p->serial;
    return b;
}
static void give_buffers(buffers *b) { /* the larger of two waits */
    buffers *other = atomic_exchange_explicit(&waiting, b, memory_order_acq_rel);
    if (other && other->bytes > b->bytes) other = atomic_exchange_explicit(&waiting, other, memory_order_acq_rel);
    free_buffers(other);
}

static void free_run(run_memory *m) {
    if (m) free_buffers(m->scratch);
    free(m);
}

static void set_packs(const udl_plan *p, run_memory *m, int on) {
    for (int64_t i = 0; i < p->n_packs; i++) {
        const udl_plan_call *c = &m->calls[p->packs[i].call];
        const void *memory = on ? p->packs[i].memory : NULL;
        if (c->kernel == UDL_K_conv2d) ((udl_conv2d_args *)c->args)->ready = memory;
        else ((udl_matmul_args *)c->args)->packed_b = memory;
    }
    m->packed = on;
}

static run_memory *new_run(const udl_plan *p) {
    const size_t calls = (size_t)p->n_calls * sizeof(udl_plan_call), words = (size_t)p->n_words * 8;
    run_memory *m = malloc(sizeof *m + calls + words);
    if (!m) return NULL;
    *m = (run_memory){.calls = (udl_plan_call *)(void *)(m + 1)};
    m->words = (int64_t *)(void *)((char *)(m + 1) + calls);
    memcpy(m->words, p->words, words);
    for (int64_t i = 0; i < p->n_calls; i++)
        m->calls[i] = (udl_plan_call){p->calls[i].kernel, m->words + ((int64_t *)p->calls[i].args - p->words)};
    return m;
}
static void set_places(const udl_plan *p, run_memory *m) {
    for (int64_t i = 0; i < p->first_moving; i++) {
        const udl_file_pointer *f = &p->pointers[i];
        const udl_file_buffer *b = &p->buffers[f->buffer];
        const char *base = (b->kind == UDL_CONSTANT ? p->data : m->base) + b->place;
        m->words[f->word] = (int64_t)(intptr_t)(base + f->offset);
    }
}

static void give_run(udl_plan *p, run_memory *m) {
    if (IS_LARGE(p) && m->scratch) give_buffers(m->scratch), m->scratch = NULL;
    for (int i = 0; i < IDLE; i++) {
        void *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&p->idle[i], &none, m, memory_order_acq_rel, memory_order_relaxed)) return;
    }
    free_run(m);
}

static run_memory *take_run(udl_plan *p) {
    run_memory *m = NULL;
    for (int i = 0; i < IDLE && !m; i++)
        if (atomic_load_explicit(&p->idle[i], memory_order_relaxed)) m = atomic_exchange_explicit(&p->idle[i], NULL, memory_order_acq_rel);
    const int is_new = !m;
    if (is_new && !(m = new_run(p))) return NULL;
    if (p->scratch && !m->scratch && !(m->scratch = take_buffers(p))) {
        give_run(p, m);
        return NULL;
    }
    const char *base = m->scratch ? m->scratch->memory : NULL;
    if (is_new || m->base != base) {
        m->base = base;
        set_places(p, m);
    }
    return m;
}

/* ---- weights packed for their products ---------------------------------------------------------------------------------------- */
enum { RAW = 5 }; /* of udl_file_pack.what */

/* the constant behind the second input of a call, or NULL */
static const char *weight_of(const udl_plan *p, int64_t call) {
    const int64_t word = (int64_t *)p->calls[call].args - p->words + 2;
    for (int64_t i = 0; i < p->first_moving; i++) {
        const udl_file_pointer *f = &p->pointers[i];
        const udl_file_buffer *b = &p->buffers[f->buffer];
        if (f->word == word && b->kind == UDL_CONSTANT) return p->data + b->place + f->offset;
    }
    return NULL;
}

static int product_pack(const udl_matmul_args *call, udl_file_pack *t, void *to) {
    udl_matmul_args a = *call;
    int64_t rows, size; /* an empty product may have sides of any length */
    if (__builtin_mul_overflow(a.batch, a.m, &rows) || __builtin_mul_overflow(a.n, a.k, &size)) return 0;
    if (rows <= 8 || rows > udl_prepack_rows() || size < 65536 || a.b_k != 1 || a.b_n != a.k) return 0;
    if ((a.batch != 1 && a.b_batch != 0) || (a.dtype != UDL_F32 && a.dtype != UDL_F64)) return 0;
    const int64_t what[] = {UDL_K_matmul, a.dtype, a.n, a.k, 1, size * (a.dtype == UDL_F32 ? 4 : 8)};
    memcpy(t->what, what, sizeof what);
    a.b = t->weight;
    t->bytes = udl_prepack(&a, to);
    return t->bytes > 0;
}

static int filters_pack(const udl_conv2d_args *a, udl_file_pack *t, void *to) {
    const int64_t G = a->groups_act % 65536;
    if ((a->dtype != UDL_F32 && a->dtype != UDL_BF16) || a->N * a->O * a->P * a->Q == 0) return 0;
    const int64_t what[] = {UDL_K_conv2d, a->dtype, a->O, a->C, G, 4 * a->O * (a->C / G) * a->R * a->S};
    memcpy(t->what, what, sizeof what);
    int64_t bytes[2] = {0, 0};
    const udl_conv2d_filters_args f = {to, bytes, t->weight, a->dtype, a->N, a->C, a->H, a->W, a->O, a->R, a->S, a->P, a->Q,
                                       a->stride_h, a->stride_w, a->pad_h, a->pad_w, a->dil_h, a->dil_w, G};
    if (udl_call(UDL_K_conv2d_filters, &f) != UDL_OK) return 0;
    t->bytes = bytes[0];
    return t->bytes > 0;
}

/* makes the packed weight of a call, or (to == NULL) tells what it takes; 0 if it should have none */
static int pack(const udl_plan *p, udl_file_pack *t, void *to) {
    const udl_plan_call *c = &p->calls[t->call];
    if (c->kernel != UDL_K_matmul && c->kernel != UDL_K_conv2d) return 0;
    if (!t->weight && !(t->weight = weight_of(p, t->call))) return 0;
    return c->kernel == UDL_K_matmul ? product_pack(c->args, t, to) : filters_pack(c->args, t, to);
}

/* A product goes without where there is no room. Packed weights are not read in the file again, so its pages are let go. */
static void pack_weights(udl_plan *p) {
    int64_t left = p->options.max_bytes - p->taken;
    if (left > PACKED_MOST) left = PACKED_MOST;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    p->packed_isa = udl_isa_active(), p->packed_precision = udl_float32_precision();
    p->packs = calloc((size_t)p->n_calls + 1, sizeof *p->packs);
    for (int64_t i = 0; i < p->n_calls && p->packs; i++) {
        udl_file_pack *t = &p->packs[p->n_packs];
        *t = (udl_file_pack){.call = i, .owner = 1};
        if (!pack(p, t, NULL)) continue;
        for (int64_t j = 0; j < p->n_packs; j++) /* one weight in several calls */
            if (p->packs[j].weight == t->weight && !memcmp(p->packs[j].what, t->what, sizeof t->what))
                t->memory = p->packs[j].memory, t->owner = 0;
        if (t->owner && (t->bytes > left || !(t->memory = udl_alloc((size_t)t->bytes)))) continue;
        if (t->owner) {
            pack(p, t, t->memory);
            left -= t->bytes;
            const uintptr_t first = ((uintptr_t)t->weight + page - 1) / page * page;
            const uintptr_t end = ((uintptr_t)t->weight + (uintptr_t)t->what[RAW]) / page * page;
            if (p->held == 1 && end > first) madvise((void *)first, end - first, MADV_DONTNEED);
        }
        p->n_packs++;
    }
}

/* ---- open and close ------------------------------------------------------------------------------------------------------------ */
void udl_plan_close(udl_plan *p) {
    if (!p) return;
    for (int i = 0; i < IDLE; i++) free_run(atomic_load(&p->idle[i]));
    if (p->serial && atomic_fetch_sub(&open_plans, 1) == 1) free_buffers(atomic_exchange(&waiting, NULL));
    for (int64_t i = 0; i < p->n_packs; i++)
        if (p->packs[i].owner) udl_free(p->packs[i].memory, (size_t)p->packs[i].bytes);
    if (p->held == 1) munmap((void *)(intptr_t)p->file, (size_t)p->size);
    if (p->held == 2) udl_free((void *)(intptr_t)p->file, (size_t)p->size);
    free(p->calls), free(p->words), free(p->buffers), free(p->pointers), free(p->tensors), free(p->text), free(p->packs);
    free(p);
}

static int open_plan(udl_plan **plan, udl_plan *p, char *why, size_t why_bytes) {
    pthread_once(&once, choose);
    int status = ready ? UDL_PLAN_OK : say(why, why_bytes, UDL_PLAN_NO_ISA, udl_plan_message(UDL_PLAN_NO_ISA));
    const uint16_t one = 1;
    if (status == UDL_PLAN_OK && *(const uint8_t *)&one != 1) status = say(why, why_bytes, UDL_PLAN_REFUSED, ".udl files are for little-endian machines");
    if (status == UDL_PLAN_OK && p->size > p->options.max_bytes)
        status = say(why, why_bytes, UDL_PLAN_REFUSED, "it is larger than what is allowed (max_bytes)");
    p->taken = p->size;
    if (status == UDL_PLAN_OK) status = udl_plan_read(p, why, why_bytes);
    if (status == UDL_PLAN_OK && !p->options.no_packing) pack_weights(p);
    if (status != UDL_PLAN_OK) return udl_plan_close(p), status;
    p->serial = atomic_fetch_add(&serials, 1) + 1;
    atomic_fetch_add(&open_plans, 1);
    *plan = p;
    return UDL_PLAN_OK;
}

static udl_plan *blank(const udl_plan_options *options) {
    udl_plan *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    if (options) p->options = *options;
    if (p->options.max_bytes <= 0) p->options.max_bytes = DEFAULT_BYTES;
    if (p->options.max_bytes > UDL_EXTENT_MOST) p->options.max_bytes = UDL_EXTENT_MOST;
    if (!(p->options.max_work > 0)) p->options.max_work = DEFAULT_WORK;
    return p;
}

int udl_plan_open_memory(udl_plan **plan, const void *bytes, size_t n, const udl_plan_options *options, char *why, size_t why_bytes) {
    *plan = NULL;
    if ((uintptr_t)bytes % 64 || n > (size_t)UDL_EXTENT_MOST) return say(why, why_bytes, UDL_PLAN_REFUSED, "a file in memory must begin at a multiple of 64");
    udl_plan *p = blank(options);
    if (!p) return say(why, why_bytes, UDL_PLAN_NO_MEMORY, udl_plan_message(UDL_PLAN_NO_MEMORY));
    p->file = bytes, p->size = (int64_t)n;
    return open_plan(plan, p, why, why_bytes);
}

/* all of the file, in memory of its own */
static int read_file(udl_plan *p, int fd) {
    char *to = udl_alloc((size_t)p->size);
    int64_t done = 0;
    if (!to) return UDL_PLAN_NO_MEMORY;
    p->file = to, p->held = 2;
    while (done < p->size) {
        const ssize_t n = pread(fd, to + done, (size_t)(p->size - done), (off_t)done);
        if (n <= 0) return UDL_PLAN_NO_FILE;
        done += n;
    }
    return UDL_PLAN_OK;
}

int udl_plan_open(udl_plan **plan, const char *path, const udl_plan_options *options, char *why, size_t why_bytes) {
    *plan = NULL;
    udl_plan *p = blank(options);
    if (!p) return say(why, why_bytes, UDL_PLAN_NO_MEMORY, udl_plan_message(UDL_PLAN_NO_MEMORY));
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = UDL_PLAN_NO_FILE;
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        p->size = (int64_t)about.st_size;
        if (p->size < 8) status = UDL_PLAN_REFUSED;
        else if (p->size > p->options.max_bytes) status = UDL_PLAN_NO_MEMORY;
        else if (p->options.copy) status = read_file(p, fd);
        else {
            void *at = mmap(NULL, (size_t)p->size, PROT_READ, MAP_SHARED, fd, 0);
            status = at == MAP_FAILED ? UDL_PLAN_NO_MEMORY : UDL_PLAN_OK;
            if (at != MAP_FAILED) p->file = at, p->held = 1;
        }
    }
    if (fd >= 0) close(fd);
    if (status == UDL_PLAN_OK) return open_plan(plan, p, why, why_bytes);
    udl_plan_close(p);
    return say(why, why_bytes, status, status == UDL_PLAN_NO_FILE ? "it cannot be opened or read" : status == UDL_PLAN_REFUSED
               ? "it is too short to be a .udl file" : "there is no memory for it, or it is larger than what is allowed (max_bytes)");
}

/* ---- run ----------------------------------------------------------------------------------------------------------------------- */
static int usable(const udl_plan *p, const void *const *inputs, void *const *outputs) {
    for (int64_t i = 0; i < p->n_buffers; i++) {
        const udl_file_buffer *b = &p->buffers[i];
        if (b->kind <= UDL_SCRATCH || b->bytes == 0) continue;
        const void *at = b->kind == UDL_INPUT ? inputs[b->place] : outputs[b->place];
        if (!at || (uintptr_t)at % (uintptr_t)b->align) return 0;
    }
    return 1;
}

int udl_plan_run(udl_plan *p, const void *const *inputs, void *const *outputs) {
    if (!usable(p, inputs, outputs)) return UDL_PLAN_REFUSED;
    run_memory *m = take_run(p);
    if (!m) return UDL_PLAN_NO_MEMORY;
    const int packed = p->n_packs && udl_isa_active() == p->packed_isa && udl_float32_precision() == p->packed_precision;
    if (packed != m->packed) set_packs(p, m, packed);
    for (int64_t i = p->first_moving; i < p->n_pointers; i++) {
        const udl_file_pointer *f = &p->pointers[i];
        const udl_file_buffer *b = &p->buffers[f->buffer];
        const char *base = b->kind == UDL_INPUT ? inputs[b->place] : outputs[b->place];
        m->words[f->word] = (int64_t)((uintptr_t)base + (uintptr_t)f->offset);
    }
    int64_t at;
    const int status = udl_plan_replay(m->calls, p->n_calls, &at, NULL);
    give_run(p, m);
    return status;
}

int udl_plan_inputs(const udl_plan *p) { return (int)p->n_inputs; }
int udl_plan_outputs(const udl_plan *p) { return (int)p->n_outputs; }
const udl_plan_tensor *udl_plan_input(const udl_plan *p, int i) { return i < 0 || i >= p->n_inputs ? NULL : &p->tensors[i]; }
const udl_plan_tensor *udl_plan_output(const udl_plan *p, int i) { return i < 0 || i >= p->n_outputs ? NULL : &p->tensors[p->n_inputs + i]; }
const char *udl_plan_structure(const udl_plan *p) { return p->structure; }
int64_t udl_plan_run_bytes(const udl_plan *p) { return p->scratch + p->n_words * 8 + p->n_calls * (int64_t)sizeof(udl_plan_call); }

const char *udl_plan_message(int status) {
    static const char *const text[] = {"", "there is no memory", "an operand is missing, not aligned or of a value that an operation refuses (division by zero)",
                                       "an index is out of range", "UDLFAST_ISA names no instruction set that this machine can use", "the file cannot be read"};
    return status < 0 || status > UDL_PLAN_NO_FILE ? "unknown status" : text[status];
}

int udl_plan_threads(int n) {
    if (n > 0) udl_set_num_threads(n);
    return udl_num_threads();
}
