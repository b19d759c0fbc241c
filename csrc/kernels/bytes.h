/* bytes.h - short runs of bytes copied by whole vectors. */
#ifndef UDL_BYTES_H
#define UDL_BYTES_H
#include "../kernel.h"

/* a vector wherever it lies, whatever it holds; of a struct GCC makes halves, and takes them by way of the stack */
typedef uint64_t vector_bytes __attribute__((vector_size(UDL_VB), aligned(1), may_alias));

/* whole vectors, the last one over bytes of the one before; short rows likewise by halves */
VFN void copy_bytes(char *restrict d, const char *restrict s, i64 n) {
    if (n >= UDL_VB) {
        i64 i = 0;
        for (; i + 4 * UDL_VB <= n - UDL_VB; i += 4 * UDL_VB) {
            const vector_bytes *p = (const vector_bytes *)(s + i), a = p[0], b = p[1], c = p[2], e = p[3];
            vector_bytes *to = (vector_bytes *)(d + i);
            to[0] = a, to[1] = b, to[2] = c, to[3] = e;
        }
        for (; i + UDL_VB < n; i += UDL_VB) *(vector_bytes *)(d + i) = *(const vector_bytes *)(s + i);
        *(vector_bytes *)(d + n - UDL_VB) = *(const vector_bytes *)(s + n - UDL_VB);
        return;
    }
#define HALF(W) if (n >= W) { __builtin_memcpy(d, s, W); __builtin_memmove(d + n - W, s + n - W, W); return; }
#if UDL_VB == 64
    HALF(32)
#endif
#if UDL_VB >= 32
    HALF(16)
#endif
    HALF(8) HALF(4) HALF(2)
#undef HALF
    if (n) *d = *s;
}
#endif
