"""16-bit floating numbers: bfloat16 lies in device memory as uint16, and is float32 wherever it is computed with."""

import numpy as np

from ._driver import SIMULATED, device

if SIMULATED:

    def from_bf16(h):
        """The float32 of a bfloat16's bits."""
        return (np.uint32(h) << np.uint32(16)).view(np.float32)

    def bits(x):
        """The bits of a float32."""
        return int(np.float32(x).view(np.uint32))

else:
    from numba.cuda import libdevice

    @device
    def from_bf16(h):
        """The float32 of a bfloat16's bits."""
        return libdevice.int_as_float(np.int32(np.uint32(h) << 16))

    @device
    def bits(x):
        """The bits of a float32."""
        return np.uint32(libdevice.float_as_int(x))


@device
def to_bf16(x):
    """The bits of the bfloat16 nearest to a float32, ties to even; a NaN keeps its sign and stays one."""
    b = bits(x)
    if x != x:
        return np.uint16(b >> 16 | 0x40)
    return np.uint16((b + 0x7FFF + (b >> 16 & 1)) >> 16)
