/* plan_extent.h - which bytes a kernel call touches, told from its sizes alone: what makes a plan from a stranger's file safe. */
#ifndef UDL_PLAN_EXTENT_H
#define UDL_PLAN_EXTENT_H
#include "udlfast.h"

#define UDL_MAX_POINTERS 32
#define UDL_EXTENT_MOST ((int64_t)1 << 47) /* no operand has more bytes */

typedef struct {
    int64_t lo, hi; /* bytes lo .. hi - 1 from where the pointer points; nothing if lo == hi */
    int align;      /* of the address, in bytes; 0: the call does not look at this pointer */
    int writes;
} udl_span;

typedef struct {
    udl_span span[UDL_MAX_POINTERS]; /* by pointer field */
    double work;                     /* steps of the innermost loops: bounds the time of a run */
    double temp;                     /* bytes of memory of its own, at most */
    int apart;                       /* nothing that is written may overlap what is read (it holds indices that were checked) */
} udl_extent;

/* Fills *e for a call. Pointers of `args` are looked at only for whether they are NULL. UDL_OK; UDL_EINVAL: sizes or types
 * that the kernel must not see; UDL_EISA: a kernel without a rule. */
int udl_extent_of(int64_t kernel, const void *args, udl_extent *e);
#endif
