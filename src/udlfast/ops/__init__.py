"""Every operation, one file a name. Files are imported when one of their names is first used.

``_index.py`` (written by ``scripts/index_ops.py``, checked by a test) says which file holds which public function, which
adds which method to Tensor, and which fills which slot of the core. That keeps ``import udlfast`` short. After adding an
operation, run ``python scripts/index_ops.py``. Import functions from their own file: ``from ..ops.conv2d import conv2d``.
"""

from importlib import import_module as _import_module

from .. import _core
from ._index import FUNCTIONS, METHODS, SLOTS


def function(name):
    """A public function by name."""
    return getattr(_import_module("." + FUNCTIONS[name], __name__), name)


def _load_method(name):
    """Import what adds a method to Tensor; False if nothing does."""
    file = METHODS.get(name)
    if file is None:
        return False
    _import_module("." + file, __name__)
    return True


def _load_slot(name):
    """Import what fills a slot of the core."""
    _import_module("." + SLOTS[name], __name__)


_core.set_hook("load_method", _load_method)
_core.set_hook("load_slot", _load_slot)
_core.announce(METHODS)


def __getattr__(name):
    if name in FUNCTIONS:
        return function(name)
    if name == "aten":
        from ..library import aten

        return aten
    raise AttributeError(f"module 'udlfast.ops' has no attribute {name!r}")


def load_all():
    """Import every operation (for listings and tests)."""
    for file in sorted({*FUNCTIONS.values(), *METHODS.values(), *SLOTS.values()}):
        _import_module("." + file, __name__)
