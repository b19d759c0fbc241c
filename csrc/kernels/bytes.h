/* bytes.h - short runs of bytes copied by whole vectors. */
#ifndef UDL_BYTES_H
#define UDL_BYTES_H
#include "../kernel.h"

typedef struct { char bytes[UDL_VB]; } vector_bytes;

/* whole vectors, the last one over bytes of the one before; short rows likewise by halves */
VFN void copy_bytes(char *restrict d, const char *restrict s, i64 n) {
    if (n >= UDL_VB) {
        for (i64 i = 0; i + UDL_VB < n; i += UDL_VB) *(vector_bytes *)(d + i) = *(const vector_bytes *)(s + i);
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
