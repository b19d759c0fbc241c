/* table.c - compiled once per full instruction set: that level's table of kernels, expanded from kernels.inc, and the one
 * function beside them. */
#include "kernels/gemm.h"
#define UDL_TABLE_NAME UDL_CAT3(udl_, table, UDL_LEVEL)
extern const udl_kernel_fn UDL_TABLE_NAME[UDL_NKERNELS];
const udl_kernel_fn UDL_TABLE_NAME[UDL_NKERNELS] = {
#if defined(UDL_PLAN_ONLY) /* libudl_plan: those that saved plans may call */
#define UDL_SAVED(name) [UDL_K_##name] = (udl_kernel_fn)KERNEL(name),
#include "plan_kernels.inc"
#undef UDL_SAVED
    [UDL_K_conv2d_filters] = (udl_kernel_fn)KERNEL(conv2d_filters),
#else
#define UDL_KERNEL(name, a, b, c, d) (udl_kernel_fn)KERNEL(name),
#include "kernels.inc"
#undef UDL_KERNEL
#endif
};

int64_t UDL_CAT3(udl_, prepack, UDL_LEVEL)(const udl_matmul_args *, void *);
int64_t UDL_CAT3(udl_, prepack, UDL_LEVEL)(const udl_matmul_args *a, void *to) { return INTERNAL(prepack)(a, to); }
