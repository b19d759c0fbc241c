"""Activation layers that squeeze, clip, shrink or gate numbers."""

from ..errors import CheckError
from . import functional as F
from .module import Module

__all__ = [
    "Hardtanh",
    "Sigmoid",
    "LogSigmoid",
    "Tanh",
    "Tanhshrink",
    "Softplus",
    "Softsign",
    "Softshrink",
    "Hardshrink",
    "Threshold",
    "GLU",
]


class Hardtanh(Module):
    """Numbers outside an interval become its ends.

    y = min(max(x, min_val), max_val)

    Arguments:
        min_val, max_val: the interval.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Hardtanh()(torch.tensor([-4.0, 0.5, 4.0])).tolist()
        [-1.0, 0.5, 1.0]

    Source: Collobert 2004.
    """

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        super().__init__()
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise CheckError(f"Hardtanh: max_val must be greater than min_val, got {self.max_val} and {self.min_val}")

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self):
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class Sigmoid(Module):
    """Squeezes numbers into (0, 1).

    y = 1 / (1 + exp(-x))

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Sigmoid()(torch.tensor([0.0])).tolist()
        [0.5]

    Source: *Understanding Deep Learning*, section 5.4.
    """

    def forward(self, input):
        return F.sigmoid(input)


class LogSigmoid(Module):
    """The logarithm of the sigmoid, without overflow.

    y = -log(1 + exp(-x))

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.LogSigmoid()(torch.tensor(0.0)).item(), 4)
        -0.6931

    Source: *Understanding Deep Learning*, section 5.4.
    """

    def forward(self, input):
        return F.logsigmoid(input)


class Tanh(Module):
    """Squeezes numbers into (-1, 1).

    y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Tanh()(torch.tensor([0.0])).tolist()
        [0.0]

    Source: *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def forward(self, input):
        return F.tanh(input)


class Tanhshrink(Module):
    """What the tanh leaves over.

    y = x - tanh(x)

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Tanhshrink()(torch.tensor([0.0])).tolist()
        [0.0]

    Source: the formula itself.
    """

    def forward(self, input):
        return F.tanhshrink(input)


class Softplus(Module):
    """A smooth ReLU; linear where beta x > threshold.

    y = log(1 + exp(beta x)) / beta

    Arguments:
        beta: how sharp the bend is.
        threshold: from where to return x itself.

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.Softplus()(torch.tensor(0.0)).item(), 4)
        0.6931

    Source: Dugas et al. 2000; *Understanding Deep Learning*, section 3.5 (notes: activation functions).
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """Squeezes numbers into (-1, 1), more slowly than tanh.

    y = x / (1 + |x|)

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Softsign()(torch.tensor([-1.0, 3.0])).tolist()
        [-0.5, 0.75]

    Source: Bergstra et al. 2009.
    """

    def forward(self, input):
        return F.softsign(input)


class Softshrink(Module):
    """Moves numbers towards 0 by lambd, and small ones to 0.

    y = x - lambd if x > lambd, x + lambd if x < -lambd, else 0

    Arguments:
        lambd: the step.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Softshrink()(torch.tensor([-2.0, 0.1])).tolist()
        [-1.5, 0.0]

    Source: Donoho 1995.
    """

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.softshrink(input, self.lambd)

    def extra_repr(self):
        return str(self.lambd)


class Hardshrink(Module):
    """Small numbers become 0.

    y = x if |x| > lambd else 0

    Arguments:
        lambd: the bound.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Hardshrink()(torch.tensor([-2.0, 0.25])).tolist()
        [-2.0, 0.0]

    Source: Donoho 1995.
    """

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.hardshrink(input, self.lambd)

    def extra_repr(self):
        return f"{self.lambd}"


class Threshold(Module):
    """Numbers up to a threshold become a value.

    y = x if x > threshold else value

    Arguments:
        threshold: the bound.
        value: what stands for smaller numbers.
        inplace: write over the input.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.Threshold(1.0, 9.0)(torch.tensor([0.5, 2.0])).tolist()
        [9.0, 2.0]

    Source: the formula itself.
    """

    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self):
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class GLU(Module):
    """One half of a dimension times the sigmoid of the other half.

    y = a sigmoid(b), where x = [a, b] along dim

    Arguments:
        dim: the dimension to split; its size is even.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.GLU()(torch.tensor([2.0, 0.0])).tolist()
        [1.0]

    Source: Dauphin et al. 2016.
    """

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"
