/* reduce.h - reductions of element types other than float and double (reduce_int.c, reduce_bf16.c). */
#ifndef UDL_REDUCE_H
#define UDL_REDUCE_H
#include "../kernel.h"
int INTERNAL(reduce_int)(const udl_reduce_args *a);
int INTERNAL(reduce_bf16)(const udl_reduce_args *a);
#endif
