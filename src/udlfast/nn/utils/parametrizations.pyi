"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

def orthogonal(module: Any, name: Any = ..., orthogonal_map: Any = ..., *, use_trivialization: Any = ...) -> Any: ...
def spectral_norm(module: Any, name: Any = ..., n_power_iterations: Any = ..., eps: Any = ..., dim: Any = ...) -> Any: ...
def weight_norm(module: Any, name: Any = ..., dim: Any = ...) -> Any: ...
__all__ = ['orthogonal', 'spectral_norm', 'weight_norm']
