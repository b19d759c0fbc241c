/* conv_bf16.h - between the files of convolution. Of bf16 images: conv_bf16.c. The float32 kernels serve it in two ways, with dtype
 * UDL_BF16 still: on images that were widened, which a matrix unit may round again; or, given a function that multiplies pairs of
 * bf16 numbers, on images whose elements are such pairs (their filters likewise, their result bf16). */
#ifndef UDL_CONV_BF16_H
#define UDL_CONV_BF16_H
#include "../vec/bf16.h"
#include "gemm.h"

VFN vf32 zip_bf16(vf32 low, vf32 high) { /* pairs of numbers that are bf16 already, or to be rounded */
    return (vf32)(__builtin_convertvector(h_narrow(low), vu32) | __builtin_convertvector(h_narrow(high), vu32) << 16);
}

int INTERNAL(conv2d_filters_bf16)(const udl_conv2d_filters_args *);
int INTERNAL(conv2d_bf16)(const udl_conv2d_args *), INTERNAL(conv2d_low)(const udl_conv2d_args *, gemm_block_fn_f32 pairs);
int INTERNAL(conv2d_backward_input_bf16)(const udl_conv2d_backward_input_args *);
int INTERNAL(conv2d_backward_input_low)(const udl_conv2d_backward_input_args *, gemm_block_fn_f32 pairs);
int INTERNAL(conv2d_backward_weight_bf16)(const udl_conv2d_backward_weight_args *);
int INTERNAL(conv2d_backward_weight_low)(const udl_conv2d_backward_weight_args *, gemm_block_fn_f32 pairs);
/* rows (o, tap) of C floats -> rows (pair of o, tap) of pairs; `to` may be `from` */
void INTERNAL(zip_filters)(float *to, const float *from, i64 O, i64 taps, i64 C);
#endif
