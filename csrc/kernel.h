/* kernel.h - what every kernel file includes.
 *
 * A kernel file is compiled once per full instruction set with -DUDL_LEVEL=avx2 -DUDL_LEVEL_avx2 and so on; KERNEL(op)
 * is the symbol of that level. Code for both float and double is written once: the file includes itself through
 * each_float.h, which sets T (element), vec (vector of T), vmask (integer vector), VW (lanes) and FN(name) = name_f32
 * or name_f64:
 *
 *     #ifndef T
 *     #include "../kernel.h"
 *     #define UDL_THIS_FILE "kernels/softmax.c"
 *     #include "../each_float.h"
 *     int KERNEL(softmax)(const udl_softmax_args *a) { return BY_FLOAT(a->dtype, softmax, (a)); }
 *     #else
 *     static int FN(softmax)(const udl_softmax_args *a) { ... T ... vec ... return UDL_OK; }
 *     #endif
 */
#ifndef UDL_KERNEL_H
#define UDL_KERNEL_H
#include "udlfast.h"
#include "vec/vec.h"

#define UDL_CAT3_(a, b, c) a##b##_##c
#define UDL_CAT3(a, b, c) UDL_CAT3_(a, b, c)
#define KERNEL(name) UDL_CAT3(udl_, name, UDL_LEVEL)
#define INTERNAL(name) UDL_CAT3(udli_, name, UDL_LEVEL) /* helper shared between kernel files of one level */

/* libudl_plan has double precision at the weakest level only, to which udl_call goes back: half of the code for what is rare */
#if defined(UDL_PLAN_ONLY) && !defined(UDL_LEVEL_generic)
#define UDL_HAS_F64 0
#define UDL_F64_OR(call, other) (other)
#else
#define UDL_HAS_F64 1
#define UDL_F64_OR(call, other) (call)
#endif
#define BY_FLOAT(dtype, name, args) \
    ((dtype) == UDL_F32 ? name##_f32 args : (dtype) == UDL_F64 ? UDL_F64_OR(name##_f64 args, UDL_EINVAL) : UDL_EINVAL)

#define UDL_MINI(a, b) ((a) < (b) ? (a) : (b))
#define UDL_MAXI(a, b) ((a) > (b) ? (a) : (b))
#define UDL_CEIL_DIV(a, b) (((a) + (b) - 1) / (b))

/* Whether a kernel that touches `bytes` of memory stores past the caches (v_stream): where that is more than half of the largest
 * one, what is stored first is mostly gone before anyone reads it, while a line that is streamed to need not be read before and
 * leaves what other operations hold in the cache alone. */
static inline __attribute__((unused)) int udl_streams(i64 bytes) {
    i64 cache[3];
    udl_cache_sizes(cache);
    return 2 * bytes > cache[2];
}

/* prototypes of every kernel of this level */
#define UDL_KERNEL(name, a, b, c, d) int KERNEL(name)(const udl_##name##_args *);
#include "kernels.inc"
#undef UDL_KERNEL
#endif
