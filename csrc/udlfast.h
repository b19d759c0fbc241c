/* udlfast.h - the only header that bindings see.
 *
 * A kernel call is a value: (kernel id, argument struct). Every argument struct consists of 8-byte fields in one
 * order: output pointers, input pointers, int64 sizes, double scalars. kernels.inc gives the four counts, so a call
 * can be filled, recorded, moved in memory and replayed without knowing the kernel.
 *
 * This side knows nothing of Python, never prints, never exits: functions return a status. */
#ifndef UDLFAST_H
#define UDLFAST_H
#include <stddef.h>
#include <stdint.h>

/* ---- status codes ---------------------------------------------------------------------------------------------- */
enum { UDL_OK = 0, UDL_ENOMEM = 1, UDL_EINVAL = 2, UDL_EINDEX = 3, UDL_EISA = 4 };

/* ---- element types: the order is the order of promotion inside a category (uint8 with int8 and
 * float16 with bfloat16 excepted). float16, int8 and int16 are stored; most kernels see them widened. The unsigned types of 16
 * bits and more do not promote; the element-wise kernel reads and writes them, others see int64. ------------------- */
enum { UDL_BOOL, UDL_U8, UDL_I8, UDL_I16, UDL_I32, UDL_I64, UDL_U16, UDL_U32, UDL_U64, UDL_F16, UDL_BF16, UDL_F32, UDL_F64,
       UDL_NDTYPES };
#define UDL_ITEMSIZES {1, 1, 1, 2, 4, 8, 2, 4, 8, 2, 2, 4, 8} /* bytes of an element of each */

/* ---- how float32 products may be computed: PyTorch's "highest", "high", "medium" ----------------------------------- */
enum { UDL_HIGHEST, UDL_HIGH, UDL_MEDIUM };
int udl_float32_precision(void);
int udl_set_float32_precision(int precision); /* for the process; UDL_EINVAL if it is none of these */
int udl_batch_invariant(void);
void udl_set_batch_invariant(int on); /* for the process: a row's sums are added in an order that the number of rows does not change */

#define UDL_MAXDIM 8

/* ---- what is float32 in a matmul of type BF16 (args.h) ----------------------------------------------------------- */
enum { UDL_WIDE_A = 1, UDL_WIDE_B = 2, UDL_WIDE_OUT = 4, UDL_WIDE_BIAS = 8 }; /* out, and a residual laid out like it */

/* ---- element-wise and reduction operations: names from elementwise.inc / reduce.inc ------------------------------ */
enum {
#define UDL_MAP(name, arity) UDL_MAP_##name,
#include "elementwise.inc"
#undef UDL_MAP
    UDL_MAP_COUNT
};
enum { UDL_SUM, UDL_PROD, UDL_MAX, UDL_MIN, UDL_ARGMAX, UDL_ARGMIN, UDL_ANY, UDL_ALL, UDL_LOGSUMEXP, UDL_NORM2,
       UDL_NREDUCE };
enum { UDL_ACT_NONE, UDL_ACT_RELU, UDL_ACT_GELU, UDL_ACT_GELU_TANH, UDL_ACT_SILU, UDL_ACT_TANH, UDL_ACT_SIGMOID };

#include "args.h"

/* ---- registry ---------------------------------------------------------------------------------------------------- */
typedef int (*udl_kernel_fn)(const void *args);
typedef struct {
    const char *name;
    int n_out, n_in, n_int, n_float; /* the struct is 8 * (sum of these) bytes, in this order */
} udl_kernel_info;

enum {
#define UDL_KERNEL(name, n_out, n_in, n_int, n_float) UDL_K_##name,
#include "kernels.inc"
#undef UDL_KERNEL
    UDL_NKERNELS
};
extern const udl_kernel_info udl_kernels[UDL_NKERNELS];

/* Every eager kernel call goes through here: runs kernel `id` of the active instruction set. */
int udl_call(int id, const void *args);

/* B of a product that will be computed often, packed for the active instruction set: returns the bytes that it takes (0: it
 * is not worth it), and fills `to` unless NULL. Reads dtype, n, k, b, b_k and b_n. For up to udl_prepack_rows() rows of A. */
int64_t udl_prepack(const udl_matmul_args *a, void *to);
int64_t udl_prepack_rows(void);

/* ---- instruction sets (dispatch.c) --------------------------------------------------------------------------------- */
int udl_init(const char *forced_isa);   /* NULL or "" = best usable; UDL_EISA when the name is unknown or unusable */
int udl_isa_count(void);                /* levels compiled into this library, weakest first */
const char *udl_isa_name(int level);
int udl_isa_usable(int level);          /* instructions present AND the operating system saves their registers */
const char *udl_isa_why(int level);     /* why it is not usable, in words; "" if it is */
int udl_isa_active(void);
const char *udl_matrix_unit_name(void); /* what multiplies bf16 numbers at the active level, "AMX-BF16"; "" if float32 units do */
int udl_isa_use(int level);             /* UDL_OK or UDL_EISA; not while another thread computes */
/* Whether what one thread writes and the others read right after is to be stored past the caches. Where a line was last read by another
 * processor, an ordinary store waits until that has given it up: on a Zen 4 26 to 50 ns, line after line, a streaming store 2 ns. Others
 * were not measured. UDLFAST_STREAM=0 or 1 decides instead. Not a bit of a result depends on it. */
int udl_streams_to_others(void);
void udl_cache_sizes(int64_t out[3]);   /* L1d, L2, L3 bytes of this machine */

/* ---- thread pool (parallel.c) --------------------------------------------------------------------------------------- */
int udl_num_threads(void);
int udl_set_num_threads(int n);         /* 1..256, else UDL_EINVAL */
const char *udl_threads_why(void);      /* which of affinity, cgroup quota, environment chose the width */
/* Calls fn(ctx, begin, end) over [0, n) in pieces of `grain` (the last one shorter). The cut depends on n and grain
 * alone, so results do not depend on the number of threads. Nested calls run on the calling thread. */
typedef void (*udl_range_fn)(void *ctx, int64_t begin, int64_t end);
void udl_parallel_for(int64_t n, int64_t grain, udl_range_fn fn, void *ctx);
int udl_goes_down(void); /* inside a job: this thread takes its pieces from the last to the first; a hint, where one may be asked for */
/* Calls fn(ctx, step, piece) for each of n pieces, 1 <= n <= 64, of step 0, then of step 1, and so on, in one job: all of a
 * step has ended, and can be seen, before the next begins. */
typedef void (*udl_step_fn)(void *ctx, int64_t step, int64_t piece);
void udl_parallel_steps(int64_t steps, int64_t n, udl_step_fn fn, void *ctx);

/* ---- joining (join.c): each of `rows` rows of out is a row of every part; rows of a part are `step` bytes apart --------- */
typedef struct { const char *data; int64_t bytes, step; } udl_join_part;
void udl_join(char *out, const udl_join_part *parts, int64_t n, int64_t rows);

/* ---- memory (memory.c): 64-byte aligned, cached by size class, thread-safe -------------------------------------------- */
void *udl_alloc(size_t bytes);          /* NULL when there is no memory */
void udl_free(void *p, size_t bytes);   /* the same size as asked for */
typedef struct { int64_t in_use, cached, peak, reserved_limit, allocs, hits, system_allocs; } udl_memory_info;
void udl_memory_stats(udl_memory_info *out);
int64_t udl_memory_trim(void);          /* gives cached blocks back to the system; returns the bytes given back */
void udl_memory_limit(int64_t bytes);   /* how much may stay cached */

/* ---- plans (plan.c): recorded calls, replayed ----------------------------------------------------------------------------- */
/* One call of a plan: a kernel's id and its struct, or one of the two below. */
typedef struct { int64_t kernel; void *args; } udl_plan_call;
enum { UDL_PLAN_COPY = UDL_NKERNELS, UDL_PLAN_FILL, UDL_PLAN_NCALLS }; /* memcpy and memset: udl_plan_bytes */
typedef struct { void *to; const void *from; int64_t bytes, value; } udl_plan_bytes;
int udl_plan_one(int64_t kernel, const void *args);
/* Runs n calls in order and stops at the first that fails; *at is its number. seconds[n] or NULL takes the time of each. */
int udl_plan_replay(const udl_plan_call *calls, int64_t n, int64_t *at, double *seconds);
/* A pointer field that lies `offset` bytes behind the base of some buffer. */
typedef struct { char **field; int64_t offset; } udl_plan_field;
void udl_plan_rebase(const udl_plan_field *fields, int64_t n, void *base);
/* Places n buffers of bytes[i], each needed from call first[i] to last[i], into one block, so that those needed at the same time
 * do not overlap: fills offset[i] (64-byte aligned) and returns the size of the block, or -1 without memory. */
int64_t udl_plan_layout(int64_t n, const int64_t *first, const int64_t *last, const int64_t *bytes, int64_t *offset);

/* ---- Philox 4x32-10 (random.c) ------------------------------------------------------------------------------------------ */
void udl_philox(uint64_t seed, uint64_t counter, uint64_t stream, uint32_t out[4]);

#endif
