/* fold_batch_norm.c - batch normalisation by fixed statistics, put into the weights of the layer before it:
 *
 *     ((w x + b) - mean) rstd gamma + beta  =  (w s) x + ((b - mean) s + beta),   s = gamma / sqrt(var + eps)
 *
 * for each output o of w[O, K]. In double, rounded once: what differs from normalising afterwards is the rounding of w s.
 * Made anew only when one of its inputs has changed, so it is not parallel. Floor: w is read and written once. */
#ifndef T
#include "../kernel.h"
#include <math.h>
#define UDL_THIS_FILE "kernels/fold_batch_norm.c"
#include "../each_float.h"
int KERNEL(fold_batch_norm)(const udl_fold_batch_norm_args *a) { return BY_FLOAT(a->dtype, fold_batch_norm, (a)); }
#else

static int FN(fold_batch_norm)(const udl_fold_batch_norm_args *a) {
    const T *w = a->w, *b = a->b, *mean = a->mean, *var = a->var, *gamma = a->gamma, *beta = a->beta;
    T *w_out = a->w_out, *b_out = a->b_out;
    for (i64 o = 0; o < a->O; o++) {
        const double s = (gamma ? (double)gamma[o] : 1) / sqrt((double)var[o] + a->eps);
        for (i64 k = 0; k < a->K; k++) w_out[o * a->K + k] = (T)((double)w[o * a->K + k] * s);
        b_out[o] = (T)(((b ? (double)b[o] : 0) - (double)mean[o]) * s + (beta ? (double)beta[o] : 0));
    }
    return UDL_OK;
}
#endif
