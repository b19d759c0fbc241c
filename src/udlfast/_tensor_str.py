"""torch._tensor_str, as far as libraries print tensors inside texts of their own."""

import contextlib as _contextlib

from . import _printing
from ._printing import _add_suffixes as _add_suffixes
from ._printing import set_printoptions as set_printoptions


class _Options:
    """The options as attributes."""

    def __getattr__(self, name):
        if name not in _printing.OPTIONS:
            raise AttributeError(name)
        return _printing.OPTIONS[name]


PRINT_OPTS = _Options()


@_contextlib.contextmanager
def printoptions(**options):
    """A block with options of set_printoptions."""
    before = dict(_printing.OPTIONS)
    set_printoptions(**options)
    try:
        yield PRINT_OPTS
    finally:
        _printing.OPTIONS.update(before)


def _tensor_str(self, indent):
    """The numbers of a tensor in brackets; lines after the first are indented."""
    return _printing.numbers_text(self.detach(), indent)
