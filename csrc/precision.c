/* precision.c - how exactly float32 products are computed where a matrix unit of bf16 numbers can do them, and whether the sums of a
 * row may depend on how many rows there are. */
#include "udlfast.h"
#include <stdatomic.h>

static atomic_int precision = UDL_HIGHEST, batch_invariant = 0;

int udl_float32_precision(void) { return atomic_load_explicit(&precision, memory_order_relaxed); }

int udl_set_float32_precision(int p) {
    if (p < UDL_HIGHEST || p > UDL_MEDIUM) return UDL_EINVAL;
    atomic_store_explicit(&precision, p, memory_order_relaxed);
    return UDL_OK;
}

int udl_batch_invariant(void) { return atomic_load_explicit(&batch_invariant, memory_order_relaxed); }

void udl_set_batch_invariant(int on) { atomic_store_explicit(&batch_invariant, on != 0, memory_order_relaxed); }
