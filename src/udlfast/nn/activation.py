"""Activation layers: one function of each number. The formulas' derivatives stand beside the operations in ops."""

from . import functional as F
from . import init
from ._new import parameter
from .module import Module

__all__ = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Hardswish",
    "Hardsigmoid",
    "RReLU",
    "PReLU",
]


class ReLU(Module):
    """Negative numbers become 0.

    y = max(x, 0)

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]

    Source: *Understanding Deep Learning*, section 3.1; Nair and Hinton 2010.
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.relu(input, self.inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class ReLU6(Module):
    """ReLU that stops at 6.

    y = min(max(x, 0), 6)

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ReLU6()(torch.tensor([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]

    Source: Krizhevsky 2010.
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.relu6(input, self.inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Module):
    """Negative numbers are made smaller.

    y = x if x > 0 else negative_slope x

    Arguments:
        negative_slope: the factor.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.LeakyReLU(0.5)(torch.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]

    Source: Maas et al. 2013; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """Negative numbers saturate at -alpha.

    y = x if x > 0 else alpha (exp(x) - 1)

    Arguments:
        alpha: minus the limit.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ELU()(torch.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]

    Source: Clevert, Unterthiner and Hochreiter 2015; *Understanding Deep Learning*, section 3.5 (notes).
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(Module):
    """ELU with the scale that keeps mean 0 and variance 1 from layer to layer.

    y = 1.0507 (x if x > 0 else 1.67326 (exp(x) - 1))

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.SELU()(torch.tensor([0.0])).tolist()
        [0.0]

    Source: Klambauer et al. 2017; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.selu(input, self.inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class CELU(Module):
    """ELU with a derivative that is continuous for every alpha.

    y = max(x, 0) + min(0, alpha (exp(x / alpha) - 1))

    Arguments:
        alpha: minus the limit.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.CELU()(torch.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]

    Source: Barron 2017.
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GELU(Module):
    """Each number times the probability that a standard normal one is below it.

    y = x Phi(x), or with approximate="tanh": x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))

    Arguments:
        approximate: "none" or "tanh".

    Example:
        >>> import udlfast as torch
        >>> torch.nn.GELU()(torch.tensor([0.0])).tolist()
        [0.0]

    Source: Hendrycks and Gimpel 2016; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """Each number times its sigmoid (also called swish).

    y = x / (1 + exp(-x))

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.SiLU()(torch.tensor([0.0])).tolist()
        [0.0]

    Source: Ramachandran, Zoph and Le 2017; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.silu(input, self.inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Mish(Module):
    """Each number times the tanh of its softplus.

    y = x tanh(log(1 + exp(x)))

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Mish()(torch.tensor([0.0])).tolist()
        [0.0]

    Source: Misra 2019.
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.mish(input, self.inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Hardswish(Module):
    """A piecewise quadratic close to SiLU.

    y = x min(max(x + 3, 0), 6) / 6

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Hardswish()(torch.tensor([-4.0, 3.0])).tolist()
        [-0.0, 3.0]

    Source: Howard et al. 2019; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.hardswish(input, self.inplace)


class Hardsigmoid(Module):
    """A piecewise linear function close to the sigmoid.

    y = min(max(x / 6 + 1/2, 0), 1)

    Arguments:
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Hardsigmoid()(torch.tensor([-4.0, 0.0, 4.0])).tolist()
        [0.0, 0.5, 1.0]

    Source: Howard et al. 2019.
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.hardsigmoid(input, self.inplace)


class RReLU(Module):
    """LeakyReLU with random slopes in training, and their mean in evaluation.

    y = x if x >= 0 else a x, a ~ U(lower, upper)

    Arguments:
        lower, upper: bounds of the slope.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.RReLU(0.25, 0.75).eval()(torch.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]

    Source: Xu et al. 2015.
    """

    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self):
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """LeakyReLU whose slopes are trained.

    y = x if x > 0 else weight x, with one weight, or one for each channel (dimension 1)

    Arguments:
        num_parameters: 1, or C for an input [N, C, ...].
        init: first value of the slopes.
        Parameters: weight [num_parameters].

    Example:
        >>> import udlfast as torch
        >>> torch.nn.PReLU(init=0.5)(torch.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]

    Source: He et al. 2015; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = parameter((num_parameters,), dtype, device)
        self.reset_parameters()

    def reset_parameters(self):
        """Sets all slopes to init."""
        init.constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"
