/* smoke.c - the kernels of every usable level against naive loops in double precision, without Python: for machines
 * where the Python tests cannot run (an emulator, a bare cross toolchain). scripts/aarch64_smoke.sh builds and runs it.
 *
 * A result passes if  |got - want| <= k eps max(|want|, scale) + the smallest subnormal number  (eps: of its type).
 * k and scale stand at each check. k counts roundings. A running sum of n random terms of size t and either sign grows
 * like t sqrt(n) and its n roundings add up like another random walk, so that its error is of size eps t n: scale is
 * SUM(n) there. Integers are exact.
 *
 * Every call runs with 1, 2 and 3 threads, from the same contents, and must give the same bits. Arrays start off the
 * natural alignment of vectors and end in guard bytes. */
#include "smoke.h"
#include <float.h>
#include <stdarg.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
enum { GUARD = 0 }; /* the sanitizer's red zone begins right behind the array */
#else
enum { GUARD = 64 };
#endif

/* ---- arrays ------------------------------------------------------------------------------------------------------ */
static arr pool[48];
static int used;
static uint64_t rng;

static void *must(void *p) {
    if (!p) puts("smoke: out of memory"), exit(2);
    return p;
}
arr *array(i64 n, int dtype) {
    static const size_t itemsize[UDL_NDTYPES] = UDL_ITEMSIZES;
    arr *a = &pool[used++];
    size_t bytes = (size_t)n * itemsize[dtype];
    char *base = must(malloc(bytes + itemsize[dtype] + GUARD));
    memset(base, 0xff, bytes + itemsize[dtype] + GUARD); /* floats: NaN */
    *a = (arr){base + itemsize[dtype], base, NULL, NULL, n, dtype, 0, bytes};
    return a;
}
arr *out(i64 n, int dtype) {
    arr *a = array(n, dtype);
    a->is_out = 1;
    return a;
}
void *P(const arr *a) { return a ? a->p : NULL; }

static uint16_t half_bits(double v) { /* rounded to zero; numbers of at least 2^-14 */
    int e;
    const double m = frexp(fabs(v), &e);
    return (uint16_t)((v < 0) << 15 | (v == 0 ? 0 : ((e + 14) << 10) + (int)(m * 2048) - 1024));
}
void put(const arr *a, i64 i, double v) {
    uint32_t u;
    float f = (float)v;
    switch (a->dtype) {
    case UDL_F32: ((float *)a->p)[i] = f; break;
    case UDL_F64: ((double *)a->p)[i] = v; break;
    case UDL_I64: ((int64_t *)a->p)[i] = (int64_t)v; break;
    case UDL_I32: ((int32_t *)a->p)[i] = (int32_t)v; break;
    case UDL_I16: ((int16_t *)a->p)[i] = (int16_t)v; break;
    case UDL_I8: ((int8_t *)a->p)[i] = (int8_t)v; break;
    case UDL_U64: ((uint64_t *)a->p)[i] = (uint64_t)v; break;
    case UDL_U32: ((uint32_t *)a->p)[i] = (uint32_t)v; break;
    case UDL_U16: ((uint16_t *)a->p)[i] = (uint16_t)v; break;
    case UDL_F16: ((uint16_t *)a->p)[i] = half_bits(v); break;
    case UDL_BF16: memcpy(&u, &f, 4); ((uint16_t *)a->p)[i] = (uint16_t)(u >> 16); break;
    default: ((uint8_t *)a->p)[i] = (uint8_t)v;
    }
}
double uniform(double lo, double hi) {
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(rng >> 11) * 0x1p-53;
}
i64 below(i64 n) { return (i64)uniform(0, (double)n); }
arr *in(i64 n, int dtype, double lo, double hi) {
    arr *a = array(n, dtype);
    for (i64 i = 0; i < n; i++) put(a, i, uniform(lo, hi));
    return a;
}
arr *inout(i64 n, int dtype, double lo, double hi) {
    arr *a = in(n, dtype, lo, hi);
    a->is_out = 1;
    return a;
}
double *reals(i64 n) { return must(calloc((size_t)n + 1, sizeof(double))); }
void done(void) { /* the end of a case: its arrays go */
    while (used) {
        arr *a = &pool[--used];
        free(a->base), free(a->before), free(a->after);
    }
}

/* ---- calls and checks -------------------------------------------------------------------------------------------- */
static struct { int calls, failed; double worst; } record[UDL_NKERNELS];
static int current;
static char label[160];

void fail(const char *format, ...) {
    if (record[current].failed++ >= 5) return;
    va_list v;
    va_start(v, format);
    printf("  FAILED %s %s: ", udl_kernels[current].name, label);
    vprintf(format, v);
    puts("");
    va_end(v);
}
static void copy_outputs(int which) { /* 0: keep contents as before, 1: back to before, 2: keep as after */
    for (arr *a = pool; a < pool + used; a++) {
        if (!a->is_out) continue;
        char **kept = which == 2 ? &a->after : &a->before;
        if (which == 1) memcpy(a->p, a->before, a->bytes);
        else *kept = memcpy(must(realloc(*kept, a->bytes + 1)), a->p, a->bytes);
    }
}
void run(int id, const void *args, const char *format, ...) {
    va_list v;
    va_start(v, format);
    vsnprintf(label, sizeof label, format, v);
    va_end(v);
    current = id;
    record[id].calls++;
    copy_outputs(0);
    for (int threads = 1; threads <= 3; threads++) {
        if (threads > 1) copy_outputs(1);
        udl_set_num_threads(threads);
        int status = udl_call(id, args);
        if (status) fail("status %d with %d threads", status, threads);
        if (threads == 1) copy_outputs(2);
        for (arr *a = pool; a < pool + used; a++) {
            const unsigned char *end = (unsigned char *)a->p + a->bytes;
            if (a->is_out && memcmp(a->p, a->after, a->bytes)) fail("%d threads give other bits than 1", threads);
            for (int i = 0; i < GUARD; i++)
                if (end[i] != 0xff) { fail("array %d was written past its end", (int)(a - pool)); break; }
        }
    }
}
void expect(const arr *o, const double *want, double k, double scale) {
    const double eps = o->dtype == F32        ? FLT_EPSILON
                       : o->dtype == F64      ? DBL_EPSILON
                       : o->dtype == UDL_BF16 ? 0x1p-7
                       : o->dtype == UDL_F16  ? 0x1p-10
                                              : 0;
    const double least = o->dtype == F64 ? 0x1p-1074 : eps > 0 ? 0x1p-149 : 0;
    for (i64 i = 0; i < o->n; i++) {
        double got = get(o, i), w = o->dtype == F32 ? (float)want[i] : want[i];
        if (got == w || (isnan(got) && isnan(w))) continue;
        double tolerance = k * eps * fmax(fabs(w), scale) + least, ratio = fabs(got - w) / tolerance;
        if (ratio <= 1) record[current].worst = fmax(record[current].worst, ratio);
        else
            fail("element %lld of %lld is %.17g, not %.17g (tolerance %.3g)", (long long)i, (long long)o->n, got, w,
                 tolerance);
    }
}

static const struct { const char *name; void (*run)(void); } parts[] = {
    {"math", smoke_math}, {"order", smoke_order},         {"conv", smoke_conv},
    {"nn", smoke_nn},     {"attention", smoke_attention}, {"recurrent", smoke_recurrent},
    {"plan", smoke_plan}};

/* smoke [LEVEL [PART]]: all levels, all parts */
int main(int argc, char **argv) {
    int ran = 0, bad = 0;
    for (int level = 0; level < udl_isa_count(); level++) {
        const char *name = udl_isa_name(level);
        if (argc > 1 && strcmp(argv[1], name)) continue;
        if (!udl_isa_usable(level) || udl_isa_use(level)) {
            printf("%-8s not run: %s\n", name, udl_isa_why(level));
            continue;
        }
        ran++;
        memset(record, 0, sizeof record);
        for (i64 i = 0; i < LEN(parts); i++) {
            rng = 1; /* a case more in one part leaves the numbers of the others as they are */
            if (argc < 3 || !strcmp(argv[2], parts[i].name)) parts[i].run();
        }
        for (int id = 0; id < UDL_NKERNELS; id++) {
            const char *verdict = record[id].failed ? "FAILED" : record[id].calls ? "ok" : "not covered";
            printf("%-8s %-29s %-11s %4d calls, largest error %.2f of the tolerance\n", name, udl_kernels[id].name,
                   verdict, record[id].calls, record[id].worst);
            bad += record[id].failed > 0;
        }
    }
    printf("%s: %d level%s, %d kernel%s failed\n", bad || !ran ? "FAILED" : "ok", ran, ran == 1 ? "" : "s", bad,
           bad == 1 ? "" : "s");
    return bad || !ran;
}
