"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

INK: Any
MUTED: Any
TRAIN: Any
VALID: Any
def new_figure(**options: Any) -> Any: ...
def plain_numbers(axis: Any) -> Any: ...
def plot_history(history: Any, path: Any, *, title: Any = ..., test_accuracy: Any = ...) -> Any: ...
