"""Padding layers. A padding is an int, or for each dimension from the last one: how many before, how many after."""

from . import functional as F
from ._new import repeat
from .module import Module

__all__ = [
    "ConstantPad1d",
    "ConstantPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "CircularPad1d",
    "CircularPad2d",
]


class Pad(Module):
    """What the padding layers share; subclasses name the mode and how many dimensions are padded."""

    mode = "constant"
    dimensions = 0

    def __init__(self, padding):
        super().__init__()
        self.padding = repeat(padding, 2 * self.dimensions, type(self).__name__, "padding")

    def forward(self, input):
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self):
        return f"{self.padding}"


class ConstantPad(Pad):
    """Padding with a number of one's choice."""

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(ConstantPad):
    """Puts a number before and after the last dimension: 123 -> vv123vv.

    Arguments:
        padding: an int or (before, after); value: the number.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ConstantPad1d((1, 0), 9.0)(torch.ones(1, 2)).tolist()
        [[9.0, 1.0, 1.0]]

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    dimensions = 1


class ConstantPad2d(ConstantPad):
    """Puts a number around images.

    Arguments:
        padding: an int or (left, right, top, bottom); value: the number.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ConstantPad2d(1, 9.0)(torch.ones(1, 1, 2, 2)).shape)
        (1, 1, 4, 4)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    dimensions = 2


class ZeroPad1d(Pad):
    """Puts zeros before and after the last dimension: 123 -> 0012300.

    Arguments:
        padding: an int or (before, after).

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ZeroPad1d(1)(torch.ones(1, 2)).tolist()
        [[0.0, 1.0, 1.0, 0.0]]

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    dimensions = 1


class ZeroPad2d(Pad):
    """Puts zeros around images.

    Arguments:
        padding: an int or (left, right, top, bottom).

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ZeroPad2d((1, 2, 3, 4))(torch.ones(1, 1, 2, 2)).shape)
        (1, 1, 9, 5)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    dimensions = 2


class ReflectionPad1d(Pad):
    """Mirrors the last dimension at its ends: 1234 -> 32123432.

    Arguments:
        padding: an int or (before, after), less than the size.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ReflectionPad1d(2)(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist()
        [[3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]]

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    mode = "reflect"
    dimensions = 1


class ReflectionPad2d(Pad):
    """Mirrors images at their edges.

    Arguments:
        padding: an int or (left, right, top, bottom), less than the sizes.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ReflectionPad2d(1)(torch.ones(1, 1, 2, 2)).shape)
        (1, 1, 4, 4)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    mode = "reflect"
    dimensions = 2


class ReplicationPad1d(Pad):
    """Repeats the ends of the last dimension: 123 -> 1112333.

    Arguments:
        padding: an int or (before, after).

    Example:
        >>> import udlfast as torch
        >>> torch.nn.ReplicationPad1d(1)(torch.tensor([[1.0, 2.0]])).tolist()
        [[1.0, 1.0, 2.0, 2.0]]

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    mode = "replicate"
    dimensions = 1


class ReplicationPad2d(Pad):
    """Repeats the edges of images.

    Arguments:
        padding: an int or (left, right, top, bottom).

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.ReplicationPad2d(1)(torch.ones(1, 1, 2, 2)).shape)
        (1, 1, 4, 4)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    mode = "replicate"
    dimensions = 2


class CircularPad1d(Pad):
    """Goes on at the other end of the last dimension: 123 -> 2312312.

    Arguments:
        padding: an int or (before, after), at most the size.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.CircularPad1d(1)(torch.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[3.0, 1.0, 2.0, 3.0, 1.0]]

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    mode = "circular"
    dimensions = 1


class CircularPad2d(Pad):
    """Goes on at the opposite edge of images.

    Arguments:
        padding: an int or (left, right, top, bottom), at most the sizes.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.CircularPad2d(1)(torch.ones(1, 1, 2, 2)).shape)
        (1, 1, 4, 4)

    Source: *Understanding Deep Learning*, section 10.2.2.
    """

    mode = "circular"
    dimensions = 2
