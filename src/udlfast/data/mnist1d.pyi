"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

class Split:
    x_test: Any
    x_train: Any
    y_test: Any
    y_train: Any
    def __getattr__(self, name: str) -> Any: ...
def mnist1d(seed: Any = ..., samples: Any = ...) -> Any: ...
