"""torch.storage: the memory behind tensors."""

from . import ops

UntypedStorage, TypedStorage = ops.function("UntypedStorage"), ops.function("TypedStorage")

__all__ = ["TypedStorage", "UntypedStorage"]
