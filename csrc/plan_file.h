/* plan_file.h - a .udl file, and what is made of it.
 *
 * The file is a .safetensors file: 8 bytes that say how long the header is; the header, JSON for other readers, with blanks up
 * to a multiple of 64 bytes; the data. Data begin with the table of the plan (the tensor "udl.plan"), which is all that the
 * loader goes by; constants follow, each at a multiple of 64. The table is made of little-endian int64 words:
 *
 *   head      UDL_HEAD words, see the enum
 *   kernels   8 words each: name (place and length in the text), outputs, inputs, integers, scalars, 0, 0. A name is that of
 *             kernels.inc, "copy", "fill", or "elementwise." and an operation of elementwise.inc: numbers of kernels and operations differ
 *             between versions, names do not.
 *   buffers   4 words each: kind, place, bytes, 0. Place: in the data (CONSTANT), in the memory of a run (SCRATCH), or which
 *             input or output it is
 *   tensors   16 words each, inputs and then outputs: name (place, length), dtype, ndim, shape[8], buffer, 0, 0, 0
 *   calls     kernel; for each pointer buffer (-1: NULL) and offset in bytes; integers; scalars
 *   text      bytes, up to the next word
 *
 * The numbers of element types, reductions and activations are part of the format (asserted in plan_file.c). */
#ifndef UDL_PLAN_FILE_H
#define UDL_PLAN_FILE_H
#include "udl_plan.h"
#include "udlfast.h"

#define UDL_FILE_MAGIC 0x314E414C504C4455 /* "UDLPLAN1" */
#define UDL_FILE_VERSION 2
enum { UDL_HEAD_MAGIC, UDL_HEAD_VERSION, UDL_HEAD_WORDS, UDL_HEAD_KERNELS, UDL_HEAD_BUFFERS, UDL_HEAD_CALLS, UDL_HEAD_INPUTS,
       UDL_HEAD_OUTPUTS, UDL_HEAD_TEXT, UDL_HEAD_SCRATCH, UDL_HEAD_DATA, UDL_HEAD_STRUCTURE, UDL_HEAD_STRUCTURE_LENGTH, UDL_HEAD = 16 };
enum { UDL_CONSTANT, UDL_SCRATCH, UDL_INPUT, UDL_OUTPUT };

typedef struct { int64_t kind, place, bytes, align; } udl_file_buffer; /* align: of what the calls read and write there */
typedef struct { int64_t word, buffer, offset; } udl_file_pointer;     /* word: of the structs */
/* a weight packed for a call. what: kernel, type, outputs, inputs and groups of the weight, its bytes */
typedef struct { int64_t call; void *memory; int64_t bytes; const char *weight; int64_t what[6]; int owner; } udl_file_pack;

struct udl_plan {
    const char *file, *data;
    int64_t size, data_bytes, taken; /* taken: bytes so far, of options.max_bytes */
    int held;                        /* the file: 0 is the caller's, 1 mapped, 2 from udl_alloc */
    udl_plan_options options;
    int64_t n_calls, n_buffers, n_inputs, n_outputs, n_pointers, n_words, scratch, n_packs;
    udl_plan_call *calls;            /* args: places in `words` */
    int64_t *words;                  /* the structs; a run has a copy */
    udl_file_buffer *buffers;
    udl_file_pointer *pointers;      /* those of inputs and outputs stand last, from first_moving on */
    int64_t first_moving;
    udl_plan_tensor *tensors;        /* inputs, then outputs */
    char *text;                      /* names and the structure, each ending in '\0' */
    const char *structure;
    udl_file_pack *packs;
    int packed_isa, packed_precision;
    void *_Atomic idle[64];          /* memory of runs that nobody uses now */
    int64_t serial;                  /* no two plans of the process have the same; 0: it is not open */
};

/* Fills a plan, all zero but for file, size, held and options, from its file. On failure says why; the caller closes the plan. */
int udl_plan_read(udl_plan *p, char *why, size_t why_bytes);
#endif
