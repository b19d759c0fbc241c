"""The exceptions of udlfast.

Each is both what PyTorch raises in that place (mostly RuntimeError) and what Python programs expect (ValueError,
TypeError, IndexError), so `except` clauses written for either keep working. Every message names the operation, what it
got, what it needs and, where there is one, the likely fix:

    conv2d: expected input with 3 channels (weight [8, 3, 5, 5]), got input [4, 1, 28, 28]
"""


class ShapeError(RuntimeError, ValueError):
    """Sizes that do not fit each other or the operation."""


class DTypeError(RuntimeError, TypeError):
    """An element type, or a Python type, that the operation does not take."""


class DimError(IndexError, RuntimeError):
    """A dimension or an index that is out of range."""


class ArgumentError(RuntimeError, ValueError):
    """A parameter whose value makes no sense, such as a negative stride."""


class GradError(RuntimeError):
    """A gradient that cannot be computed, such as one through a rule that has none itself."""


class DivisionError(RuntimeError, ZeroDivisionError):
    """An integer divided by zero."""


class LinAlgError(RuntimeError, ValueError):
    """A matrix that the operation cannot take, such as a singular one; ``udlfast.linalg.LinAlgError``."""


class CheckError(ShapeError, DTypeError, ArgumentError, AssertionError):
    """What PyTorch checks by an assertion, such as sizes in attention."""


class DeviceError(ArgumentError, AssertionError):
    """Work for a device that is not there."""


class UnsupportedError(ShapeError, DTypeError, ArgumentError, NotImplementedError):
    """A mode, or an element type, for which there is no such operation."""


class IndexKindError(DTypeError, ShapeError, DimError):
    """Something that is no index, or indices that do not fit each other."""


class DistributedError(RuntimeError, ConnectionError):
    """Another process of the group died, left or did not answer in time."""


def check_repeats(what, n, most=10_000):
    """Raises ArgumentError where a program asks for more than `most` layers or repetitions: a number of such a size is a mistake, or
    a stranger's, and would take hours or all of the memory."""
    if n > most:
        raise ArgumentError(f"{what} must be at most {most:,}, got {n}")
