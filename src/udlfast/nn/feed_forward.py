"""SwiGLU: the gated feed-forward network of newer transformers."""

from . import _fused
from . import functional as F
from .linear import Linear
from .module import Module

__all__ = ["SwiGLU"]


class SwiGLU(Module):
    """A feed-forward network whose hidden units are gated.

    y = W2 (silu(W1 x) * W3 x)

    Arguments:
        in_features: E; the input is [..., E].
        hidden_features: the width between; None: 8/3 E rounded up to a multiple of 8, which gives as many parameters as
            the usual network of width 4 E.
        out_features: features of the output; None: E.
        bias: whether the three maps have biases.
        Children: w1, w2, w3 (Linear).

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.SwiGLU(12)(torch.randn(2, 5, 12)).shape)
        (2, 5, 12)

    Source: Shazeer 2020.
    """

    def __init__(self, in_features, hidden_features=None, out_features=None, bias=False, device=None, dtype=None):
        super().__init__()
        if hidden_features is None:
            hidden_features = -(-8 * in_features // 24) * 8
        out_features = in_features if out_features is None else out_features
        self.w1 = Linear(in_features, hidden_features, bias, device, dtype)
        self.w2 = Linear(hidden_features, out_features, bias, device, dtype)
        self.w3 = Linear(in_features, hidden_features, bias, device, dtype)

    def forward(self, input):
        if _fused.usable(input, self.w1):
            return self.w2(_fused.linear(input, self.w1, _fused.SILU) * self.w3(input))
        return self.w2(F.silu(self.w1(input)) * self.w3(input))
