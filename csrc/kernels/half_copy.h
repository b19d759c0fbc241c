/* half_copy.h - n bfloat16 numbers as float32 and back (elementwise_bf16.c), in parallel pieces where they are many. */
#ifndef UDL_HALF_COPY_H
#define UDL_HALF_COPY_H
#include "../kernel.h"
void INTERNAL(widen_bf16)(float *to, const void *from, i64 n);
void INTERNAL(narrow_bf16)(void *to, const float *from, i64 n); /* to nearest even */
#endif
