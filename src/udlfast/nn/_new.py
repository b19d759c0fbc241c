"""What the layers' constructors share: fresh parameters and tuples of sizes."""

from .. import _core, errors
from ..device import made_on
from .parameter import Parameter


def parameter(shape, dtype=None, device=None):
    """An unfilled parameter, for reset_parameters to fill."""
    return Parameter(_core.empty(tuple(shape), dtype=dtype, device=device))


def buffer(make, shape, dtype=None, device=None):
    """A buffer made by _core.zeros, _core.ones or the like."""
    return made_on(make(tuple(shape), dtype=dtype), device)


def repeat(value, n, layer, name):
    """An int n times, or a sequence of n ints, as a tuple of n ints."""
    if isinstance(value, (tuple, list)):
        if len(value) == n:
            return tuple(value)
        if len(value) != 1:
            raise errors.ArgumentError(f"{layer}: {name} needs 1 or {n} numbers, got {value!r}")
        value = value[0]
    return (value,) * n
