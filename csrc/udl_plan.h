/* udl_plan.h - run a model that udlfast saved (plan.save("model.udl")) from C, without Python.
 *
 *     char why[256];
 *     udl_plan *plan;
 *     if (udl_plan_open(&plan, "model.udl", NULL, why, sizeof why) != UDL_PLAN_OK) { puts(why); return 1; }
 *     const void *inputs[] = {image};
 *     void *outputs[] = {scores};
 *     udl_plan_run(plan, inputs, outputs);
 *     udl_plan_close(plan);
 *
 * A plan may run in many threads at once: each run has memory of its own, kept for the next. The weights are mapped from the
 * file, read-only, so processes share them; the file must not be changed while it is open (replace it by another instead).
 * A file may come from strangers: every number in it is checked when it is opened, and nothing in it is executed. */
#ifndef UDL_PLAN_H
#define UDL_PLAN_H
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) || !defined(__GNUC__)
#define UDL_PLAN_API
#else
#define UDL_PLAN_API __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef struct udl_plan udl_plan;

enum { UDL_PLAN_OK = 0, UDL_PLAN_NO_MEMORY = 1, UDL_PLAN_REFUSED = 2, UDL_PLAN_BAD_INDEX = 3, UDL_PLAN_NO_ISA = 4, UDL_PLAN_NO_FILE = 5 };
enum { UDL_PLAN_BOOL, UDL_PLAN_UINT8, UDL_PLAN_INT8, UDL_PLAN_INT16, UDL_PLAN_INT32, UDL_PLAN_INT64, UDL_PLAN_FLOAT16, UDL_PLAN_BFLOAT16,
       UDL_PLAN_FLOAT32, UDL_PLAN_FLOAT64 };

/* Zero stands for the default. */
typedef struct {
    int64_t max_bytes; /* the file, what is made of it, and the memory of one run: at most so many bytes; default 4 GiB */
    double max_work;   /* elementary steps of a run, at most; default 1e15 */
    int copy;          /* 1: read the file instead of mapping it: weights are then not shared, but the file may change */
    int no_packing;    /* 1: weights of products are not packed in memory of this process for speed */
} udl_plan_options;

/* An input or output: contiguous, row-major. */
typedef struct {
    const char *name;
    int dtype, ndim;
    int64_t shape[8], bytes;
} udl_plan_tensor;

/* All but the last return UDL_PLAN_OK or another status. why (or NULL) takes a sentence that ends in '\0'. */
UDL_PLAN_API int udl_plan_open(udl_plan **plan, const char *path, const udl_plan_options *options, char *why, size_t why_bytes);
/* The same for a file in memory, which begins at a multiple of 64 and lives as long as the plan. */
UDL_PLAN_API int udl_plan_open_memory(udl_plan **plan, const void *bytes, size_t n, const udl_plan_options *options, char *why, size_t why_bytes);
/* inputs[i] and outputs[i] point to the bytes of udl_plan_input(plan, i) and udl_plan_output(plan, i), at a multiple of the size
 * of an element. They must not overlap. */
UDL_PLAN_API int udl_plan_run(udl_plan *plan, const void *const *inputs, void *const *outputs);
UDL_PLAN_API void udl_plan_close(udl_plan *plan);

UDL_PLAN_API int udl_plan_inputs(const udl_plan *plan);
UDL_PLAN_API int udl_plan_outputs(const udl_plan *plan);
UDL_PLAN_API const udl_plan_tensor *udl_plan_input(const udl_plan *plan, int i); /* NULL if there is no such */
UDL_PLAN_API const udl_plan_tensor *udl_plan_output(const udl_plan *plan, int i);
UDL_PLAN_API const char *udl_plan_structure(const udl_plan *plan); /* of the result in Python: see docs/compile.md */
UDL_PLAN_API int64_t udl_plan_run_bytes(const udl_plan *plan);     /* memory that each run that is under way has */
UDL_PLAN_API const char *udl_plan_message(int status);
UDL_PLAN_API int udl_plan_threads(int n); /* threads of this process, 1 to 256; 0: as many as there are. Returns their number */

#ifdef __cplusplus
}
#endif
#endif
