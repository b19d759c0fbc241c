"""What scripts ask of the tape."""

from .. import _core
from ..errors import ArgumentError

__all__ = ["Node", "disable_saved_tensors_hooks", "get_gradient_edge", "save_on_cpu", "saved_tensors_hooks"]

Node = _core.Node


class saved_tensors_hooks:
    """Refused: compiled rules keep their tensors as they are; torch.utils.checkpoint saves memory instead."""

    def __init__(self, pack_hook, unpack_hook):
        raise ArgumentError("saved_tensors_hooks: what operations save cannot be packed here; use torch.utils.checkpoint.checkpoint to "
                            "keep less in memory")  # fmt: skip


class save_on_cpu:
    """A block that changes nothing: saved tensors are on the CPU already."""

    def __init__(self, pin_memory=False, device_type="cpu"):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


class disable_saved_tensors_hooks(save_on_cpu):
    """A block that changes nothing: there are no such hooks."""

    def __init__(self, error_message):
        pass


def get_gradient_edge(tensor):
    """Refused: torch.autograd.grad takes tensors."""
    raise ArgumentError("get_gradient_edge: gradients are asked for by tensor; pass the tensor itself to torch.autograd.grad")
