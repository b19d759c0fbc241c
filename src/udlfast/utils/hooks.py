"""torch.utils.hooks: the handle that every register_..._hook gives back."""

from .._core import RemovableHandle

__all__ = ["RemovableHandle"]
