"""torch.utils.dlpack: tensors that other libraries can read in place."""

from .. import ops

from_dlpack = ops.function("from_dlpack")

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor):
    """The tensor's DLPack capsule."""
    return tensor.__dlpack__()
