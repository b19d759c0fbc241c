"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

def assert_close(actual: Any, expected: Any, *, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ..., check_dtype: Any = ..., msg: Any = ...) -> Any: ...
__all__ = ['assert_close']
