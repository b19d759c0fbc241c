"""Functions of one number for kernels: libdevice's on a GPU, NumPy's or Python's in the simulator."""

import math

import numpy as np

from ._driver import SIMULATED, device

if SIMULATED:

    def _wrap(f):
        return lambda x: type(x)(f(x))

    erf, erfc = _wrap(math.erf), _wrap(math.erfc)

    def lgamma(x):
        """log |gamma(x)|; infinite at the poles"""
        if not math.isfinite(x):
            return abs(x)
        return type(x)(math.inf) if x <= 0 and x == math.floor(x) else type(x)(math.lgamma(x))

    exp, log, sqrt, tanh = np.exp, np.log, np.sqrt, np.tanh
    expm1, log1p, log2, log10, exp2 = np.expm1, np.log1p, np.log2, np.log10, np.exp2
    sin, cos, tan, asin, acos, atan = np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan
    sinh, cosh, asinh, acosh, atanh = np.sinh, np.cosh, np.arcsinh, np.arccosh, np.arctanh
    floor, ceil, trunc, rint, fabs = np.floor, np.ceil, np.trunc, np.rint, np.fabs
    pow_, fmod, atan2, hypot, copysign = np.power, np.fmod, np.arctan2, np.hypot, np.copysign
else:
    from numba.cuda import libdevice

    erf, erfc, lgamma = math.erf, math.erfc, math.lgamma
    exp, log, sqrt, tanh = math.exp, math.log, math.sqrt, math.tanh
    expm1, log1p, log2, log10 = math.expm1, math.log1p, math.log2, math.log10
    sin, cos, tan, asin, acos, atan = math.sin, math.cos, math.tan, math.asin, math.acos, math.atan
    sinh, cosh, asinh, acosh, atanh = math.sinh, math.cosh, math.asinh, math.acosh, math.atanh
    floor, ceil, trunc, fabs = math.floor, math.ceil, math.trunc, math.fabs
    fmod, atan2, hypot, copysign = math.fmod, math.atan2, math.hypot, math.copysign
    rint = libdevice.rint

    @device
    def exp2(x):
        """2 ** x"""
        return 2**x

    @device
    def pow_(x, y):
        """x ** y"""
        return math.pow(x, y)


def exp2_of(number):
    """2 ** x for numbers of one type: a single instruction and its range check."""
    if SIMULATED:
        return np.exp2
    return libdevice.exp2f if number is np.float32 else libdevice.exp2
