/* table.c - compiled once per full instruction set: that level's table of kernels, expanded from kernels.inc. */
#include "kernel.h"
#define UDL_TABLE_NAME UDL_CAT3(udl_, table, UDL_LEVEL)
extern const udl_kernel_fn UDL_TABLE_NAME[UDL_NKERNELS];
const udl_kernel_fn UDL_TABLE_NAME[UDL_NKERNELS] = {
#define UDL_KERNEL(name, a, b, c, d) (udl_kernel_fn)KERNEL(name),
#include "kernels.inc"
#undef UDL_KERNEL
};
