"""Linear layers with activation and residual in the matmul's epilogue, where no gradient is asked for."""

from .. import _core
from .._core import Tensor, float32, float64, is_grad_enabled, matmul_into
from . import functional as F
from .linear import Linear

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


def usable(x, *layers):
    """May these layers be run by `linear` below on x? No tape, plain Linear layers, nobody listens to them."""
    if is_grad_enabled() and (x.requires_grad or any(p.requires_grad for m in layers for p in m.parameters())):
        return False
    return x.dtype in (float32, float64) and all(
        type(m) is Linear and m._hooks is None and m.weight.dtype is x.dtype for m in layers
    )


def linear(x, layer, act=NONE, residual=None):
    """act(x W^T + b) + residual as one kernel call; x [..., in] where `usable` said yes."""
    weight, bias = layer.weight, layer.bias
    if x.shape[-1] != weight.shape[1]:
        return F.linear(x, weight, bias)  # refuses with the usual text
    rows: Tensor = x.reshape(-1, x.shape[-1]) if x.numel() else x.reshape(0, x.shape[-1])
    y = _core.empty((*x.shape[:-1], weight.shape[0]), dtype=x.dtype)
    flat = y.view(rows.shape[0], weight.shape[0])
    if residual is not None:
        residual = residual.reshape(flat.shape)
        residual = residual if residual.is_contiguous() else residual.contiguous()
    matmul_into(rows, weight.detach().t(), flat, bias, residual, act)
    return y
