/* nll_loss.c - loss[n, l] = -w_t logp[n, t, l] for target t; total = {sum of losses, sum of w_t that count}.
 *
 * Backward: gx is zero but for gx[n, t, l] = -g w_t (divided by total[1] for the mean). Targets are checked before
 * anything is written. One number is read for each target; backward writes all of gx: bytes over bandwidth. */
#ifndef T
#include "../kernel.h"
#define UDL_THIS_FILE "kernels/nll_loss.c"
#include "../each_float.h"
int KERNEL(nll_loss)(const udl_nll_loss_args *a) {
    const i64 *t = a->target;
    for (i64 i = 0; i < a->N * a->L; i++)
        if (t[i] != a->ignore_index && (t[i] < 0 || t[i] >= a->C)) return UDL_EINDEX;
    return BY_FLOAT(a->dtype, nll_loss, (a));
}
int KERNEL(nll_loss_backward)(const udl_nll_loss_backward_args *a) { return BY_FLOAT(a->dtype_reduction % 256, nll_loss_backward, (a)); }
#else
static int FN(nll_loss)(const udl_nll_loss_args *a) {
    const T *x = a->logp, *w = a->weight;
    const i64 *t = a->target;
    double sum = 0, weights = 0;
    for (i64 n = 0; n < a->N; n++)
        for (i64 l = 0; l < a->L; l++) {
            i64 k = t[n * a->L + l];
            T wt = 0, v = 0;
            if (k != a->ignore_index) {
                wt = w ? w[k] : 1;
                v = -wt * x[(n * a->C + k) * a->L + l];
            }
            ((T *)a->loss)[n * a->L + l] = v;
            sum += (double)v;
            weights += (double)wt;
        }
    ((T *)a->total)[0] = (T)sum;
    ((T *)a->total)[1] = (T)weights;
    return UDL_OK;
}

static int FN(nll_loss_backward)(const udl_nll_loss_backward_args *a) {
    const T *w = a->weight, *g = a->g, *total = a->total;
    const i64 *t = a->target;
    i64 reduction = a->dtype_reduction / 256;
    T *gx = a->gx;
    memset(gx, 0, sizeof(T) * (size_t)(a->N * a->C * a->L));
    for (i64 n = 0; n < a->N; n++)
        for (i64 l = 0; l < a->L; l++) {
            i64 k = t[n * a->L + l];
            if (k == a->ignore_index) continue;
            T s = reduction ? g[0] : g[n * a->L + l];
            if (reduction == 1) s /= total[1];
            gx[(n * a->C + k) * a->L + l] = -s * (w ? w[k] : 1);
        }
    return UDL_OK;
}
#endif
