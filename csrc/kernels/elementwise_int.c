/* elementwise_int.c - the inner functions of the element-wise kernel for integers and bool, all in int64.
 *
 * Arithmetic wraps (unsigned), so a result narrowed to int32 or uint8 is what that type would have given. Division by
 * zero gives 0 and sets p[2]; the smallest int64 divided by -1 wraps. */
#include "elementwise.h"
typedef uint64_t u64;

#define ONE(name, EXPR)                                                                                            \
    static void name##_i(i64 *o, const i64 *a, const i64 *b, const i64 *c, i64 n, double *p) {                     \
        (void)b; (void)c; (void)p;                                                                                 \
        for (i64 i = 0; i < n; i++) { i64 x = a[i]; o[i] = (i64)(EXPR); }                                          \
    }
#define TWO(name, EXPR)                                                                                            \
    static void name##_i(i64 *o, const i64 *a, const i64 *b, const i64 *c, i64 n, double *p) {                     \
        i64 s = (i64)p[0];                                                                                         \
        (void)c;                                                                                                   \
        for (i64 i = 0; i < n; i++) { i64 x = a[i], y = b ? b[i] : s; o[i] = (i64)(EXPR); }                        \
    }

static i64 floor_div(i64 x, i64 y, double *p) {
    if (y == 0) { p[2] = 1; return 0; }
    if (y == -1) return (i64)(0 - (u64)x);
    i64 q = x / y;
    return q - (x % y != 0 && (x < 0) != (y < 0));
}
static i64 mod(i64 x, i64 y, double *p, int python) {
    if (y == 0) { p[2] = 1; return 0; }
    if (y == -1) return 0;
    i64 m = x % y;
    return python && m != 0 && (m < 0) != (y < 0) ? m + y : m;
}
static i64 power(i64 x, i64 y) { /* negative powers: 1 / x^-y rounded to zero */
    u64 r = 1, b = (u64)x;
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
    for (; y; y >>= 1, b *= b) if (y & 1) r *= b;
    return (i64)r;
}

ONE(copy, x)
ONE(neg, 0 - (u64)x)
ONE(abs, x < 0 ? 0 - (u64)x : (u64)x)
ONE(sign, (x > 0) - (x < 0))
ONE(square, (u64)x * (u64)x)
ONE(relu, x > 0 ? x : 0)
ONE(logical_not, x == 0)
ONE(bitwise_not, ~x)
ONE(zero, x & 0)
ONE(one, (x & 0) | 1)
TWO(add, (u64)x + (u64)y)
TWO(sub, (u64)x - (u64)y)
TWO(rsub, (u64)y - (u64)x)
TWO(mul, (u64)x * (u64)y)
TWO(floor_divide, floor_div(x, y, p))
TWO(remainder, mod(x, y, p, 1))
TWO(fmod, mod(x, y, p, 0))
TWO(pow, power(x, y))
TWO(rpow, power(y, x))
TWO(maximum, x > y ? x : y)
TWO(minimum, x < y ? x : y)
TWO(eq, x == y)
TWO(ne, x != y)
TWO(lt, x < y)
TWO(le, x <= y)
TWO(gt, x > y)
TWO(ge, x >= y)
TWO(logical_and, x != 0 && y != 0)
TWO(logical_or, x != 0 || y != 0)
TWO(logical_xor, (x != 0) != (y != 0))
TWO(bitwise_and, x & y)
TWO(bitwise_or, x | y)
TWO(bitwise_xor, x ^ y)
TWO(lshift, y < 0 || y > 63 ? 0 : (u64)x << y)
TWO(rshift, y < 0 || y > 63 ? (x < 0 ? -1 : 0) : x >> y)

static void where_i(i64 *o, const i64 *a, const i64 *b, const i64 *c, i64 n, double *p) {
    for (i64 i = 0; i < n; i++) o[i] = a[i] ? (b ? b[i] : (i64)p[1]) : c ? c[i] : (i64)p[0];
}
static void clamp_i(i64 *o, const i64 *a, const i64 *b, const i64 *c, i64 n, double *p) {
    (void)b; (void)c;
    for (i64 i = 0; i < n; i++) o[i] = (double)a[i] < p[0] ? (i64)p[0] : (double)a[i] > p[1] ? (i64)p[1] : a[i];
}

#define ENTRY(name) [UDL_MAP_##name] = name##_i,
const udl_map_i64 INTERNAL(map_i64)[UDL_MAP_COUNT] = {
    ENTRY(copy) ENTRY(neg) ENTRY(abs) ENTRY(sign) ENTRY(square) ENTRY(relu) ENTRY(logical_not) ENTRY(bitwise_not)
    ENTRY(add) ENTRY(sub) ENTRY(rsub) ENTRY(mul) ENTRY(floor_divide) ENTRY(remainder) ENTRY(fmod) ENTRY(pow) ENTRY(rpow)
    ENTRY(maximum) ENTRY(minimum) ENTRY(eq) ENTRY(ne) ENTRY(lt) ENTRY(le) ENTRY(gt) ENTRY(ge) ENTRY(logical_and)
    ENTRY(logical_or) ENTRY(logical_xor) ENTRY(bitwise_and) ENTRY(bitwise_or) ENTRY(bitwise_xor) ENTRY(lshift)
    ENTRY(rshift) ENTRY(where) ENTRY(clamp)
    /* rounding does nothing to integers, and all of them are finite */
    [UDL_MAP_floor] = copy_i, [UDL_MAP_ceil] = copy_i, [UDL_MAP_round] = copy_i, [UDL_MAP_trunc] = copy_i,
    [UDL_MAP_isnan] = zero_i, [UDL_MAP_isinf] = zero_i, [UDL_MAP_isfinite] = one_i,
};
