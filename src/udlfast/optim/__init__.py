"""Optimisers and learning-rate schedules under PyTorch's names."""

from . import lr_scheduler as lr_scheduler
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .optimizer import Optimizer as Optimizer
from .sgd import SGD as SGD

_FILES = {"rules": ("ASGD", "Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"),
          "composed": ("Adafactor", "Muon", "SparseAdam"), "lbfgs": ("LBFGS",)}  # fmt: skip


def __getattr__(name):
    """The less common optimisers are imported when they are first named."""
    from importlib import import_module

    if name == "swa_utils":
        return import_module(".swa_utils", __name__)
    for file, names in _FILES.items():
        if name in names:
            value = globals()[name] = getattr(import_module("." + file, __name__), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), "swa_utils", *(name for names in _FILES.values() for name in names)})
