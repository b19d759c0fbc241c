"""Linear layers, and layers that only change the shape."""

import math

from ..errors import ArgumentError
from . import functional as F
from . import init
from ._new import parameter
from .module import Module

__all__ = ["Identity", "Linear", "Bilinear", "Flatten", "Unflatten"]


class Identity(Module):
    """Gives its input back; takes and ignores any arguments.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Identity(54)(torch.ones(2)).tolist()
        [1.0, 1.0]

    Source: *Understanding Deep Learning*, section 11.2 (the skip path of a residual block).
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Module):
    """An affine map of the last dimension.

    y = x W^T + b;  W and b start from U(-k, k), k = 1 / sqrt(in_features).

    Arguments:
        in_features: size of the last dimension of the input [..., in_features].
        out_features: the same of the output [..., out_features].
        bias: whether to add b.
        Parameters: weight [out_features, in_features], bias [out_features].

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.Linear(20, 30)
        >>> tuple(layer(torch.randn(128, 20)).shape)
        (128, 30)

    Source: *Understanding Deep Learning*, section 4.4 (matrix form of a layer).
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        if in_features < 0 or out_features < 0:
            raise ArgumentError(f"Linear: expected in_features and out_features of at least 0, got {in_features} and {out_features}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = parameter((out_features, in_features), dtype, device)
        self.register_parameter("bias", parameter((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draws the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # gain sqrt(1/3): the bound is 1 / sqrt(fan_in)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """Linear, under the name that PyTorch prints for the last projection of attention."""


class Bilinear(Module):
    """A form that is linear in each of two inputs.

    y_o = x1^T W_o x2 + b_o;  W and b start from U(-k, k), k = 1 / sqrt(in1_features).

    Arguments:
        in1_features, in2_features: sizes of the last dimensions of the inputs [..., in1] and [..., in2].
        out_features: size of the last dimension of the output [..., out].
        bias: whether to add b.
        Parameters: weight [out, in1, in2], bias [out].

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.Bilinear(2, 3, 4)
        >>> tuple(layer(torch.randn(5, 2), torch.randn(5, 3)).shape)
        (5, 4)

    Source: Tenenbaum and Freeman 2000.
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        if in1_features <= 0:
            raise ArgumentError(f"Bilinear: in1_features must be > 0, got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = parameter((out_features, in1_features, in2_features), dtype, device)
        self.register_parameter("bias", parameter((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draws the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1, input2):
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Flatten(Module):
    """Joins the dimensions start_dim..end_dim into one.

    Arguments:
        start_dim, end_dim: first and last dimension to join.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Flatten()(torch.ones(2, 3, 4)).shape)
        (2, 12)

    Source: *Understanding Deep Learning*, section 10.5 (from convolutions to a linear layer).
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input):
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits one dimension into several.

    Arguments:
        dim: the dimension.
        unflattened_size: its new sizes; one may be -1.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Unflatten(1, (3, 4))(torch.ones(2, 12)).shape)
        (2, 3, 4)

    Source: the inverse of Flatten.
    """

    def __init__(self, dim, unflattened_size):
        super().__init__()
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
