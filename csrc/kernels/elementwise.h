/* elementwise.h - the parts of the element-wise kernel: contiguous inner functions in tables by operation. */
#ifndef UDL_ELEMENTWISE_H
#define UDL_ELEMENTWISE_H
#include "../kernel.h"

/* out[i] = f(a[i], b[i], c[i]), i < n; out may be a, b or c. A NULL b is the scalar p[0] (where: p[1]), a NULL c is
 * p[0]. Functions of integers that meet a divisor of zero set p[2]. */
typedef void (*udl_map_f32)(float *out, const float *a, const float *b, const float *c, i64 n, double *p);
typedef void (*udl_map_f64)(double *out, const double *a, const double *b, const double *c, i64 n, double *p);
typedef void (*udl_map_i64)(i64 *out, const i64 *a, const i64 *b, const i64 *c, i64 n, double *p);
extern const udl_map_f32 INTERNAL(map_f32)[UDL_MAP_COUNT];
extern const udl_map_f64 INTERNAL(map_f64)[UDL_MAP_COUNT];
extern const udl_map_i64 INTERNAL(map_i64)[UDL_MAP_COUNT];
/* copies between tensors of one type and at least two dimensions that this can do; 1 if done */
int INTERNAL(copy_dims)(const udl_elementwise_args *s);
int INTERNAL(copy_bf16)(const udl_elementwise_args *);  /* elementwise_bf16.c: 1 if done */
int INTERNAL(map_narrow)(const udl_elementwise_args *); /* elementwise_narrow.c: 1 if done */
#endif
