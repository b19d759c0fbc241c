/* fma_peak.c - how many float32 multiply-adds a second the vectors of this level can do: the roof of a roofline.
 *
 * A task runs steps of CHAINS independent sums s = s a + b in registers; latency 4 and two units a cycle ask for 8, three
 * spare ones hide the loop. a < 1, so the sums stay near b / (1 - a) and no denormal or infinity slows them. */
#include "../kernel.h"
#define CHAINS 12

static void tasks(void *p, i64 begin, i64 end) {
    const udl_fma_peak_args *w = p;
    const vf32 a = v_set_f32(0.5f), b = v_set_f32(1.0f);
    for (i64 t = begin; t < end; t++) {
        vf32 s[CHAINS];
        for (int c = 0; c < CHAINS; c++) s[c] = v_set_f32((float)(c + 3)); /* not 2, the fixed point */
        for (i64 k = 0; k < w->steps; k++) {
            _Pragma("GCC unroll 12") for (int c = 0; c < CHAINS; c++) s[c] = v_fma_f32(s[c], a, b);
        }
        vf32 all = s[0];
        for (int c = 1; c < CHAINS; c++) all += s[c];
        w->out[2 * t] = 2.0 * CHAINS * VW32 * (double)w->steps;
        w->out[2 * t + 1] = (double)v_sum_f32(all) / (CHAINS * VW32);
    }
}

int KERNEL(fma_peak)(const udl_fma_peak_args *a) {
    udl_parallel_for(a->tasks, 1, tasks, (void *)(uintptr_t)a);
    return UDL_OK;
}
