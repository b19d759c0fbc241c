"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

def assert_allclose(actual: Any, expected: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ..., msg: Any = ...) -> Any: ...
def assert_close(actual: Any, expected: Any, *, allow_subclasses: Any = ..., rtol: Any = ..., atol: Any = ..., equal_nan: Any = ..., check_device: Any = ..., check_dtype: Any = ..., check_layout: Any = ..., check_stride: Any = ..., msg: Any = ...) -> Any: ...
def make_tensor(*shape: Any, dtype: Any, device: Any, low: Any = ..., high: Any = ..., requires_grad: Any = ..., noncontiguous: Any = ..., exclude_zero: Any = ..., memory_format: Any = ...) -> Any: ...
__all__ = ['assert_allclose', 'assert_close', 'make_tensor']
