"""torch._tensor_str, as far as libraries print tensors inside texts of their own."""

import contextlib as _contextlib
import types as _types

from . import _printing
from ._printing import _add_suffixes, set_printoptions  # noqa: F401

PRINT_OPTS = _types.SimpleNamespace()
PRINT_OPTS.__dict__ = _printing.OPTIONS


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
