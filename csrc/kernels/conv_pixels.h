/* conv_pixels.h - 3 x 3 convolutions of bf16 images with few pixels (conv_pixels.c); levels with units that multiply pairs. */
#ifndef UDL_CONV_PIXELS_H
#define UDL_CONV_PIXELS_H
#include "../vec/bf16.h"
#include "conv2d.h"
#include "conv_bf16.h"

#if GEMM_MATRIX_UNIT
int INTERNAL(conv_pixels_fits)(const udl_conv *g, i64 G); /* whether filters would be made ready for it */
int INTERNAL(conv_pixels_pays)(const udl_conv *g, i64 N, i64 G);
i64 INTERNAL(conv_pixels_packed)(const udl_conv *g); /* floats of packed filters */
void INTERNAL(conv_pixels_pack)(const udl_conv *g, const float *w, float *to);
/* ready: packed filters, or NULL: made from w */
int INTERNAL(conv_pixels)(const udl_conv *g, i64 N, uint16_t *y, const uint16_t *x, const float *w, const float *ready, const float *bias,
                          int act, gemm_block_fn_f32 block);
#endif
#endif
