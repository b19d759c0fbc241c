/* reduce.h - reductions of element types other than float and double (reduce_int.c). */
#ifndef UDL_REDUCE_H
#define UDL_REDUCE_H
#include "../kernel.h"
int INTERNAL(reduce_int)(const udl_reduce_args *a);
#endif
