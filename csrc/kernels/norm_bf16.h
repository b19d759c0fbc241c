/* norm_bf16.h - the kernels of bf16 tensors in norm_bf16.c, and the kernel of a call by its element type. */
#ifndef UDL_NORM_BF16_H
#define UDL_NORM_BF16_H
#include "../kernel.h"
#define UDL_BF16_KERNEL(name) int INTERNAL(name##_bf16)(const udl_##name##_args *);
UDL_BF16_KERNEL(batch_norm)
UDL_BF16_KERNEL(batch_norm_backward)
UDL_BF16_KERNEL(layer_norm)
UDL_BF16_KERNEL(layer_norm_backward)
UDL_BF16_KERNEL(group_norm)
UDL_BF16_KERNEL(group_norm_backward)
UDL_BF16_KERNEL(softmax)
UDL_BF16_KERNEL(softmax_backward)
#undef UDL_BF16_KERNEL
#define BF16_OR_FLOAT(a, name) ((a)->dtype == UDL_BF16 ? INTERNAL(name##_bf16)(a) : BY_FLOAT((a)->dtype, name, (a)))
#endif
