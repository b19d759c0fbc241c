"""Results with names, as PyTorch's torch.return_types: tuples whose parts are attributes too."""

from collections import namedtuple

from ._core import shown_name


def _text(self):
    parts = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
    return f"{shown_name()}.return_types.{type(self).__name__}(\n{parts})"


def result(name, fields):
    """A class of named results, such as torch.return_types.max."""
    return type(name, (namedtuple(name, fields),), {"__slots__": (), "__module__": __name__, "__repr__": _text})
