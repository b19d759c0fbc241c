/* each_float.h - includes UDL_THIS_FILE twice: T = float, then T = double (not where UDL_HAS_F64 is 0). See kernel.h. */
#define T float
#define vec vf32
#define vmask vi32
#define VW VW32
#define FN(name) name##_f32
#define v_set(x) v_set_f32(x)
#include UDL_THIS_FILE
#undef T
#undef vec
#undef vmask
#undef VW
#undef FN
#undef v_set
#if UDL_HAS_F64
#define T double
#define vec vf64
#define vmask vi64
#define VW VW64
#define FN(name) name##_f64
#define v_set(x) v_set_f64(x)
#include UDL_THIS_FILE
#undef T
#undef vec
#undef vmask
#undef VW
#undef FN
#undef v_set
#endif
