"""Linear layers with activation and residual in the matmul's epilogue, where no gradient is asked for."""

from .. import _core
from .._core import bfloat16, float32, float64, is_grad_enabled, matmul_into
from ..ops import _autocast
from . import functional as F
from .linear import Linear, NonDynamicallyQuantizableLinear

NONE, RELU, GELU, GELU_TANH, SILU, TANH, SIGMOID = range(7)  # as UDL_ACT_* of udlfast.h
_FUNCTIONS = None


def code_of(activation):
    """The epilogue's number of an activation function or layer; None if it has none."""
    global _FUNCTIONS
    if _FUNCTIONS is None:
        from .. import relu
        from . import activation as layers

        _FUNCTIONS = {F.relu: RELU, relu: RELU, F.gelu: GELU, F.silu: SILU, layers.ReLU: RELU, layers.SiLU: SILU}
    if type(activation).__name__ == "GELU" and hasattr(activation, "approximate"):
        return GELU_TANH if activation.approximate == "tanh" else GELU
    try:
        code = _FUNCTIONS.get(activation)
        return _FUNCTIONS.get(type(activation)) if code is None else code
    except TypeError:  # not hashable
        return None


def usable(x, *layers, kind=Linear):
    """May these layers be run by `product` below on x? No tape, plain layers of that kind, nobody listens to them."""
    recording, dtype = is_grad_enabled(), x.dtype
    if _autocast.ON and _core.get_autocast() is not None:
        if not _autocast.rounds(x):
            return False
        dtype = float32  # of the parameters; x may be a result of autocast
    if recording and x.requires_grad or dtype is not float32 and dtype is not float64:
        return False
    for m in layers:
        if (type(m) is not kind and type(m) is not NonDynamicallyQuantizableLinear) or m._hooks is not None \
                or m.weight.dtype is not dtype or (
                recording and (m.weight.requires_grad or m.bias is not None and m.bias.requires_grad)):
            return False
    return True


def linear(x, layer, act=NONE, residual=None):
    """act(x W^T + b) + residual of a Linear layer as one kernel call; x [..., in]"""
    return product(x, layer.weight.detach().t(), layer.bias, act, residual)


def product(x, weight, bias=None, act=NONE, residual=None):
    """act(x W + b) + residual as one kernel call; x [..., in], weight [in, out]. Inside autocast x and W are rounded to bfloat16
    on the way, and so is the result unless a float32 residual is added to it."""
    inputs, outputs = weight.shape
    shape = x.shape
    if shape[-1] != inputs:
        return F.linear(x, weight.t(), bias)  # refuses with the usual text
    low = _autocast.ON and _core.get_autocast() is not None
    dtype = x.dtype if not low else bfloat16 if residual is None else residual.dtype
    y = _core.empty((*shape[:-1], outputs), dtype=dtype)
    flat = y.view(-1, outputs) if y.numel() else y.view(0, outputs)
    if residual is not None and not residual.is_contiguous():
        residual = residual.contiguous()
    matmul_into(x.reshape(flat.shape[0], inputs), weight, flat, bias, residual, act, low=bool(low))
    return y
