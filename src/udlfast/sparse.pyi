"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data
from udlfast._core import Tensor

def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: Any = ..., alpha: Any = ...) -> Any: ...
def log_softmax(input: Any, dim: Any, *, dtype: Any = ...) -> Any: ...
def mm(mat1: Any, mat2: Any) -> Tensor: ...
def softmax(input: Any, dim: Any, *, dtype: Any = ...) -> Any: ...
def sum(input: Any, dim: Any = ..., dtype: Any = ...) -> Tensor: ...
__all__ = ['addmm', 'log_softmax', 'mm', 'softmax', 'sum']
