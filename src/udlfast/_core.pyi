"""Types of the compiled core: the sources are in the folder _core/."""
from typing import Any

def __getattr__(name: str) -> Any: ...
