"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.nn
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data

class IDXError(Exception): ...
MIRROR: Any
SHA256: Any
class Split:
    x_test: Any
    x_train: Any
    y_test: Any
    y_train: Any
    def __getattr__(self, name: str) -> Any: ...
def as_split(x: Any, y: Any, train: Any, test: Any) -> Any: ...
def data_folder() -> Any: ...
def download(name: Any, url: Any, sha256: Any, *, folder: Any = ..., download: Any = ..., limit: Any = ..., timeout: Any = ...) -> Any: ...
def mnist(folder: Any = ..., *, download_files: Any = ...) -> Any: ...
def read_idx(path: Any, *, limit: Any = ...) -> Any: ...
