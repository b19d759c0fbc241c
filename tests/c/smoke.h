/* smoke.h - arrays, calls and checks of the smoke test: see smoke.c. */
#ifndef SMOKE_H
#define SMOKE_H
#include "udlfast.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { F32 = UDL_F32, F64 = UDL_F64, I64 = UDL_I64 };
#define LEN(a) ((i64)(sizeof(a) / sizeof(a)[0]))
#define SUM(n) (1 + (double)(n) / 3) /* products of numbers in [-1, 1]: t = 1/3 */
#define EACH_FLOAT for (int dt = F32; dt <= F64; dt++)

typedef struct {
    void *p;                     /* one element behind `base` */
    char *base, *before, *after; /* contents of an output before the call and after the first one */
    i64 n;
    int dtype, is_out;
    size_t bytes;
} arr;

/* 1024 + m or, below 2^-14, m, times a power of two */
static inline double half_number(uint16_t h) {
    const int e = h >> 10 & 31, m = h & 1023;
    const double v = e == 31 ? (m ? NAN : INFINITY) : ldexp(e ? 1024 + m : m, e ? e - 25 : -24);
    return h >> 15 ? -v : v;
}

static inline double get(const arr *a, i64 i) {
    uint32_t u;
    float f;
    switch (a->dtype) {
    case UDL_F32: return ((float *)a->p)[i];
    case UDL_F64: return ((double *)a->p)[i];
    case UDL_I64: return (double)((int64_t *)a->p)[i];
    case UDL_I32: return ((int32_t *)a->p)[i];
    case UDL_I16: return ((int16_t *)a->p)[i];
    case UDL_I8: return ((int8_t *)a->p)[i];
    case UDL_U64: return (double)((uint64_t *)a->p)[i];
    case UDL_U32: return ((uint32_t *)a->p)[i];
    case UDL_U16: return ((uint16_t *)a->p)[i];
    case UDL_F16: return half_number(((uint16_t *)a->p)[i]);
    case UDL_BF16: u = (uint32_t)((uint16_t *)a->p)[i] << 16; memcpy(&f, &u, 4); return f;
    default: return ((uint8_t *)a->p)[i];
    }
}

arr *array(i64 n, int dtype);                        /* not filled: floats are NaN */
arr *in(i64 n, int dtype, double lo, double hi);     /* uniform random numbers */
arr *out(i64 n, int dtype);                          /* checked for equal bits; every element must be written */
arr *inout(i64 n, int dtype, double lo, double hi);  /* both */
void *P(const arr *a);                               /* its address, or NULL */
void put(const arr *a, i64 i, double v);
double uniform(double lo, double hi);
i64 below(i64 n);
double *reals(i64 n); /* zeros; to be freed */

void run(int id, const void *args, const char *format, ...) __attribute__((format(printf, 3, 4)));
void expect(const arr *o, const double *want, double k, double scale);
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void done(void); /* the end of a case: its arrays go */

void smoke_math(void);  /* element-wise, reductions, matmul */
void smoke_order(void); /* sort, index, random numbers, optimisers */
void smoke_conv(void);  /* convolution, pooling */
void smoke_nn(void);    /* softmax, normalisation, losses */
void smoke_attention(void);
void smoke_recurrent(void); /* lstm, gru, rnn */
void smoke_plan(void);      /* chains, folded weights */
#endif
