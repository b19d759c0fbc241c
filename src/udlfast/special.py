"""Special functions under PyTorch's module name: udlfast.special.erfcx and its family.

>>> import udlfast as torch
>>> torch.special.expit(torch.tensor([0.]))
tensor([0.5000])
"""
from . import ops as _ops
from .ops import _special

# names here whose function has another name, or the same, at torch level
_OF_TORCH = {name: name for name in (
    "digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p", "log_softmax", "logit", "logsumexp", "polygamma",
    "round", "sinc", "softmax", "xlogy")} | {
    "psi": "digamma", "gammaln": "lgamma", "multigammaln": "mvlgamma", "gammainc": "igamma", "gammaincc": "igammac"}  # fmt: skip
_OWN = ("entr", "erfcx", "expit", "i0e", "i1", "i1e", "log_ndtr", "ndtr", "ndtri", "xlog1py", "zeta")
__all__ = sorted([*_OF_TORCH, *_OWN, *_special.NO_GRADIENT])


def __getattr__(name):
    if name in _OF_TORCH and _OF_TORCH[name] in _ops.FUNCTIONS:
        return _ops.function(_OF_TORCH[name])
    if name in _OWN:
        return getattr(_special, name)
    if name in _special.NO_GRADIENT:
        return _special.NO_GRADIENT[name]
    raise AttributeError(f"module 'udlfast.special' has no attribute {name!r}")


def __dir__():
    return __all__
